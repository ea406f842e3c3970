/* epode/store.h: reading what is stored, online or not, beside a running client too. */
#ifndef EPODE_STORE_H
#define EPODE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epode/error.h"
#include "epode/event.h"
#include "epode/export.h"

#ifdef __cplusplus
extern "C" {
#endif

struct epode_client;
typedef struct epode_store epode_store;

/* Opens an existing store for reading. *out is the caller's. EPODE_ESTORE (missing or not readable),
 * EPODE_ESTORE_CORRUPT, EPODE_ESTORE_NEWER, EPODE_ENOMEM; the text is copied to why[why_len] if given. */
EPODE_API epode_status epode_store_open(epode_store **out, const char *path, char *why, size_t why_len);
/* After its cursors. NULL is fine. */
EPODE_API void epode_store_close(epode_store *store);
/* The client's own; borrowed until the client is freed, on its thread only, not to be closed. NULL: no memory. */
EPODE_API epode_store *epode_client_store(struct epode_client *client);

/* --- messages -------------------------------------------------------------------------------------------- */

typedef struct epode_reaction {
    const char *author; /* a JID */
    bool outgoing;      /* ours */
    const char *text;   /* emoji, separated by blanks */
} epode_reaction;

/* A message as it is to be shown. Made by the library; fields may be appended. Borrowed until the cursor's next
 * call, or until the callback returns. NULL strings: not there. */
typedef struct epode_message {
    size_t size;
    uint64_t row;           /* names it for ever */
    const char *archive;    /* bare JID of the archive's owner */
    const char *archive_id; /* NULL: not known yet */
    const char *peer;       /* the conversation */
    const char *from;
    bool outgoing;
    bool groupchat;
    bool edited, retracted;
    bool provisional;       /* its place is not confirmed by the archive yet */
    int64_t time_ms;        /* Unix; the archive's, or the sender's delay, or of arrival */
    int64_t received_ms;
    const char *type;       /* "chat", "normal", "groupchat", ... */
    const char *body;       /* as corrected; NULL if retracted */
    const char *id, *origin_id, *reply_id;
    epode_delivery state;   /* of outgoing ones */
    const char *reason;     /* of EPODE_DELIVERY_FAILED */
    size_t reaction_count;
    const epode_reaction *reactions;
    const char *xml;        /* xml_len bytes and a NUL; only where asked for */
    size_t xml_len;
    const char *occupant;   /* in a room: who it is, whatever the nick (XEP-0421); NULL: not known */
} epode_message;

/* Which messages, and in which order. Begin with EPODE_QUERY_INIT; zero is the default; all may be combined
 * save peer and all archives. */
typedef struct epode_query {
    size_t size;
    const char *peer;    /* this conversation; NULL: all of the archive */
    const char *archive; /* bare JID of the owner; NULL: the peer's own, where that is a room with one, else the account's */
    bool newest_first;
    uint64_t from_row;   /* begin behind this message, in the direction of reading; 0: at the end */
    bool inclusive;      /* ... with it */
    int64_t from_ms;     /* begin at the first message of that time or later (newest_first: the last before); 0: not */
    const char *search;  /* only messages with all these words, newest stored first */
    bool with_xml;
    bool everything;     /* also what is not shown: corrections, receipts, ... as rows of their own */
} epode_query;
#ifdef __cplusplus
#define EPODE_QUERY_INIT { sizeof(epode_query) }
#else
#define EPODE_QUERY_INIT { .size = sizeof(epode_query) }
#endif

/* Steps like sqlite3_step, and holds no transaction between calls: it goes on in the right place whatever was
 * added or moved in between. */
typedef struct epode_cursor epode_cursor;
EPODE_API epode_status epode_store_messages(epode_store *store, const epode_query *query, epode_cursor **out);
/* EPODE_OK: *message is the next one. EPODE_DONE: none is left; of a running client's store, read newest first,
 * older ones that are missing are asked for then: EPODE_EV_SYNC and EPODE_EV_MESSAGE events tell of them, and a new
 * cursor from the last row reads them. */
EPODE_API epode_status epode_cursor_next(epode_cursor *cursor, const epode_message **message);
EPODE_API void epode_cursor_free(epode_cursor *cursor); /* NULL is fine */

/* One message, with its XML. EPODE_DONE: there is none of that number. */
EPODE_API epode_status epode_store_message(epode_store *store, uint64_t row,
                                           void (*each)(const epode_message *message, void *user), void *user);

/* --- conversations --------------------------------------------------------------------------------------- */

typedef struct epode_conversation {
    size_t size;
    const char *peer, *archive;
    uint64_t last_row;      /* the last message to be shown */
    int64_t last_ms;
    uint64_t displayed_row; /* the last one that was displayed on any device; 0: not known */
    uint32_t unread;        /* capped at 1000 */
    bool unread_at_least;   /* there may be more: a hole stands in between, or the cap was met */
} epode_conversation;

/* Calls each for every conversation, the one with the newest message first, until it returns false. */
EPODE_API epode_status epode_store_conversations(epode_store *store,
                                                 bool (*each)(const epode_conversation *c, void *user), void *user);
/* What is unread with one peer, or in a room. EPODE_DONE: there is no such conversation (the count is 0). */
EPODE_API epode_status epode_store_unread(epode_store *store, const char *peer, uint32_t *count, bool *at_least);

/* --- the roster ------------------------------------------------------------------------------------------ */

/* Who sees whose presence (RFC 6121, 3). */
typedef enum epode_subscription {
    EPODE_SUBSCRIPTION_NONE = 0,
    EPODE_SUBSCRIPTION_TO = 1,   /* we see theirs */
    EPODE_SUBSCRIPTION_FROM = 2, /* they see ours */
    EPODE_SUBSCRIPTION_BOTH = 3
} epode_subscription;

typedef struct epode_contact {
    size_t size;
    const char *jid;  /* bare */
    const char *name; /* NULL: none */
    epode_subscription subscription;
    bool ask;         /* our request to see them was not answered yet */
    bool approved;    /* their request is approved beforehand */
    size_t group_count;
    const char *const *groups; /* sorted */
} epode_contact;

/* Calls each for every contact, in the order of their JIDs, until it returns false. What the account's server last
 * said, whoever is online. EPODE_ESTORE*, EPODE_ENOMEM. */
EPODE_API epode_status epode_store_roster(epode_store *store, bool (*each)(const epode_contact *contact, void *user),
                                          void *user);
/* One contact, by its bare JID. EPODE_DONE: it is not in the roster. */
EPODE_API epode_status epode_store_contact(epode_store *store, const char *jid,
                                           void (*each)(const epode_contact *contact, void *user), void *user);

/* --- holes ----------------------------------------------------------------------------------------------- */

/* A stretch of an archive that is not held. */
typedef struct epode_hole {
    size_t size;
    const char *archive;
    const char *after_id, *before_id; /* what is held on both sides; after_id NULL: down to the beginning */
    int64_t after_ms, before_ms;      /* their times; 0: not known */
} epode_hole;
EPODE_API epode_status epode_store_holes(epode_store *store, bool (*each)(const epode_hole *hole, void *user),
                                         void *user);

/* The oldest and newest archive id of the newest stretch that is held whole; empty strings: nothing is held. */
EPODE_API epode_status epode_store_extent(epode_store *store, char first_id[256], char last_id[256]);

#ifdef __cplusplus
}
#endif
#endif
