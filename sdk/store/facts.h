/* facts.h: what the client remembers about servers and itself between connections; never
 * secrets. */
#ifndef EP_STORE_FACTS_H
#define EP_STORE_FACTS_H

#include "base/buf.h"
#include "store/store.h"

/* Kinds. The key within a kind is the caller's choice ("" where there is only one); so is the
 * format. */
#define EP_FACT_IDENTITY      "identity"      /* user-agent id, device name */
#define EP_FACT_ENDPOINT      "endpoint"      /* SRV, A, AAAA with their TTL, last good first */
#define EP_FACT_FEATURES      "features"      /* stream features last seen inside TLS */
#define EP_FACT_HABIT         "habit"         /* what this server was seen to accept, both ways */
#define EP_FACT_PIN           "pin"           /* class of mechanism below which no login goes */
#define EP_FACT_DISCO         "disco"         /* caps hash -> disco#info (XEP-0115) */
#define EP_FACT_ACCOUNT_DISCO "account-disco" /* the account's own disco#info */
#define EP_FACT_ROSTER_VER    "roster-ver"    /* roster version (RFC 6121 section 2.6) */
#define EP_FACT_BLOCK_LIST    "block-list"    /* "": the block list is that of the session that goes on */
#define EP_FACT_BLOCKED       "blocked"       /* each JID of it (XEP-0191) */
#define EP_FACT_PRESENCE      "presence"      /* of a session that can be resumed: full JID -> stanza */
#define EP_FACT_OWN_PRESENCE  "own-presence"  /* "": our own, as the application set it last */
#define EP_FACT_SERVICE       "service"       /* which of the server's items does what */
#define EP_FACT_BOOKMARK      "bookmark"      /* room -> how it is joined, its name (XEP-0402) */
#define EP_FACT_ROOM          "room"          /* joined rooms: JID -> nick and how it was joined */
#define EP_FACT_TOKEN_INFO    "token-info"    /* the token's mechanism and age, not the token */

typedef struct ep_fact {
    const char *kind, *key;
    const char *data; /* len bytes, and a NUL behind them */
    size_t len;
    int64_t expires_ms; /* 0: never */
} ep_fact;

/* A fact is known by (kind, key); put replaces. A kind of store/secrets.h is EPODE_EINVAL. */
epode_status ep_store_fact_put(ep_store *s, const char *kind, const char *key, const void *data,
                               size_t len, int64_t expires_ms);
/* Appends the data to out (EPODE_DONE: there is none). Expired facts are returned as well: the
 * caller decides whether a stale one is better than none. expires_ms may be NULL. */
epode_status ep_store_fact_get(ep_store *s, const char *kind, const char *key, ep_buf *out,
                               int64_t *expires_ms);
/* Deleting what is not there is EPODE_OK. */
epode_status ep_store_fact_del(ep_store *s, const char *kind, const char *key);
epode_status ep_store_fact_del_kind(ep_store *s, const char *kind);
/* In the order of their keys; each stops at the first status that is not EPODE_OK, and
 * returns it. */
epode_status ep_store_fact_each(ep_store *s, const char *kind,
                                epode_status (*each)(const ep_fact *fact, void *user), void *user);

#endif
