/* inbox.h: what the server handed over, exactly once, in the order in which it came. */
#ifndef EP_STORE_INBOX_H
#define EP_STORE_INBOX_H

#include "store/store.h"

typedef struct ep_inbox_row {
    int64_t seq;            /* ascending, never used again */
    const char *owner;      /* the archive's owner, a bare JID */
    const char *archive_id; /* trusted id in that archive (XEP-0359), or NULL */
    uint32_t h;             /* the SM counter with this stanza in it; 0 if has_h is false */
    bool has_h;
    int64_t received_ms;
    const char *xml; /* len bytes, and a NUL behind them */
    size_t len;
} ep_inbox_row;
typedef epode_status (*ep_inbox_each)(const ep_inbox_row *row, void *user);

/* Adds a row (its seq is ignored and returned in *seq, which may be NULL) and, with has_h, moves
 * h_in (see store/sm.h) in the same transaction. EPODE_DONE: this (owner, archive_id) is there
 * already and is not added again, *seq is that row's; h_in moves all the same. */
epode_status ep_store_inbox_add(ep_store *s, const ep_inbox_row *row, int64_t *seq);
/* Up to limit rows above after_seq. each stops at the first status that is not EPODE_OK, and
 * returns it; EPODE_DONE: there were fewer than limit. */
epode_status ep_store_inbox_each(ep_store *s, int64_t after_seq, size_t limit, ep_inbox_each each,
                                 void *user);
epode_status ep_store_inbox_count(ep_store *s, uint64_t *count);
/* Drops the rows up to seq, once they are somewhere else. */
epode_status ep_store_inbox_del(ep_store *s, int64_t upto_seq);
/* Hands over up to limit rows from the front and drops them, in one transaction: each puts them
 * where they belong. It fails, and drops nothing, with the first status that is a failure.
 * EPODE_DONE: the inbox is empty. */
epode_status ep_store_inbox_drain(ep_store *s, size_t limit, ep_inbox_each each, void *user);

#endif
