/* secrets.h: where tokens, keys and tickets are kept: an interface, and the calls that go through
 * it. */
#ifndef EP_STORE_SECRETS_H
#define EP_STORE_SECRETS_H

#include "base/buf.h"
#include "store/store.h"

/* Kinds of secrets. The key within a kind is the caller's choice (a domain, a mechanism). */
#define EP_SECRET_TOKEN  "token"  /* FAST token (XEP-0484) */
#define EP_SECRET_SCRAM  "scram"  /* SCRAM keys instead of the password (RFC 5802) */
#define EP_SECRET_TICKET "ticket" /* TLS session; single use: ep_store_secret_take */
#define EP_SECRET_ROOM   "room-password" /* the room's JID (XEP-0045) */
#define EP_SECRET_SM     "sm" /* id for resumption (XEP-0198); the store's own, see store/sm.h */

/* A place for secrets. Each gives EPODE_OK, EPODE_DONE (there is none) or a failure. It need not
 * take part in the store's transactions. */
typedef struct ep_secrets {
    /* Appends the secret to out; *expires_ms as it was put, 0: never. */
    epode_status (*get)(void *user, const char *kind, const char *key, ep_buf *out,
                        int64_t *expires_ms);
    epode_status (*put)(void *user, const char *kind, const char *key, const void *data, size_t len,
                        int64_t expires_ms); /* replaces */
    epode_status (*del)(void *user, const char *kind,
                        const char *key); /* key NULL: the whole kind */
    /* get and del in one: of two takers one gets it. */
    epode_status (*take)(void *user, const char *kind, const char *key, ep_buf *out,
                         int64_t *expires_ms);
    void *user;
} ep_secrets;

/* Putting a token starts its counts again from 1; counts reserved before are not for it. Deleting a
 * secret that is not there is EPODE_OK. What is appended to out is to be wiped by the caller
 * (ep_buf_wipe); expires_ms may be NULL. An expired secret is returned, the caller decides. */
epode_status ep_store_secret_put(ep_store *s, const char *kind, const char *key, const void *data,
                                 size_t len, int64_t expires_ms);
epode_status ep_store_secret_get(ep_store *s, const char *kind, const char *key, ep_buf *out,
                                 int64_t *expires_ms);
epode_status ep_store_secret_del(ep_store *s, const char *kind, const char *key);
/* Gets and deletes. Committed on return, so EPODE_ESTATE inside a transaction. A secret is never
 * given twice, whatever happens to this process. */
epode_status ep_store_secret_take(ep_store *s, const char *kind, const char *key, ep_buf *out,
                                  int64_t *expires_ms);

/* Reserves n (at least 1) successive counts for the token, *first and up; durable on return, so
 * EPODE_ESTATE inside a transaction. No count of one token is ever given twice, power loss
 * included. */
epode_status ep_store_reserve_counts(ep_store *s, uint32_t n, uint64_t *first);

#endif
