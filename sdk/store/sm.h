/* sm.h: stream management's memory (XEP-0198): the resumable session, the queue of what the server
 * has not acknowledged, and the messages in doubt after a resumption failed. */
#ifndef EP_STORE_SM_H
#define EP_STORE_SM_H

#include "store/store.h"

typedef struct ep_sm_state {
    char *previd;       /* id for resumption: a secret */
    char *location;     /* where the server prefers to be resumed, or NULL */
    char *bound_jid;    /* or NULL */
    char *session;      /* facts of the session as text, the caller's format; or NULL */
    uint32_t max_s;     /* how long the server keeps it; 0: unknown */
    uint32_t h_in;      /* stanzas handled: the prefix whose effects are committed (modulo 2^32) */
    uint64_t out_acked; /* the last number acknowledged by the server: its h is the low 32 bits */
    uint64_t out_last;  /* the last number given; put ignores it: it follows from the queue */
    int64_t created_ms;
} ep_sm_state;

/* One state per client; put replaces it, with h_in and out_acked as given. The queue is not
 * touched. */
epode_status ep_store_sm_put(ep_store *s, const ep_sm_state *sm);
/* EPODE_DONE: there is nothing to resume; *lost (may be NULL) tells that there was, before a
 * reboot, after which a cut WAL may be behind what the server was told. What out holds is the
 * caller's: free it. */
epode_status ep_store_sm_get(ep_store *s, ep_sm_state *out, bool *lost);
void ep_sm_state_free(ep_sm_state *sm); /* wipes the id; leaves zeros */
/* Forgets the session; the queue is kept, see ep_store_smq_move_to_pending. */
epode_status ep_store_sm_clear(ep_store *s);

/* Moves h_in, for a stanza without a row of its own; to be called in the transaction of its effect.
 * Without a state it is EPODE_ESTATE. */
epode_status ep_store_sm_set_h(ep_store *s, uint32_t h);
/* h_in of the last commit, and of the last durable one: only the latter may be told to the
 * server. */
uint32_t ep_store_h_committed(const ep_store *s);
uint32_t ep_store_h_durable(const ep_store *s);

/* Values are in the file. EP_STANZA_HELD: a number taken in advance, see ep_store_smq_hold. */
typedef enum ep_stanza_kind { EP_STANZA_MESSAGE, EP_STANZA_PRESENCE, EP_STANZA_IQ, EP_STANZA_HELD } ep_stanza_kind;

typedef struct ep_smq_row {
    uint64_t
        seq; /* of the queue: number since SM was enabled, from 1; of pending: an id, ascending */
    ep_stanza_kind kind;
    int64_t stamp_ms; /* when it was first sent */
    const char *id;   /* of the stanza, or NULL */
    const char *xml;  /* len bytes, and a NUL behind them */
    size_t len;
} ep_smq_row;
typedef epode_status (*ep_smq_each)(const ep_smq_row *row, void *user);

/* Every counted stanza is pushed and committed before its bytes leave. A seq that is in the queue
 * already, or 0, is EPODE_EINVAL. */
epode_status ep_store_smq_push(ep_store *s, const ep_smq_row *row);
/* Takes the numbers from..to in advance, for stanzas that may leave before the commit of their push: requests whose
 * answer is worth nothing after a restart. Until its push each number stands for xml, which must do no harm: if it
 * comes to retransmission (XEP-0198, 5), that goes out in the place of what the server has not counted, so that both
 * sides go on counting the same. Numbers that are in the queue are left alone. */
epode_status ep_store_smq_hold(ep_store *s, uint64_t from, uint64_t to, const char *xml, int64_t stamp_ms);
/* Gives back what was not used. */
epode_status ep_store_smq_release(ep_store *s);
/* Drops what the server has: all up to seq; messages of the outbox become acknowledged. It can't go
 * backwards: a lower one changes nothing. */
epode_status ep_store_smq_ack(ep_store *s, uint64_t seq);
/* Both in ascending order; each stops at the first status that is not EPODE_OK, and returns it. */
epode_status ep_store_smq_each(ep_store *s, ep_smq_each each, void *user);
epode_status ep_store_smq_count(ep_store *s, uint64_t *count);

/* After a failed resumption (after acknowledging the h that came with it): the messages still
 * queued become pending, in order, with their stamps and ids; presence and iqs are dropped; those
 * of the outbox stay in it, in doubt. Sending a pending one again is ep_store_smq_push and
 * ep_store_pending_del in one transaction. */
epode_status ep_store_smq_move_to_pending(ep_store *s);
epode_status ep_store_pending_each(ep_store *s, ep_smq_each each, void *user);
epode_status ep_store_pending_del(ep_store *s, uint64_t seq);
epode_status ep_store_pending_count(ep_store *s, uint64_t *count);

#endif
