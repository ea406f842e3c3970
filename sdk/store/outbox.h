/* outbox.h: our own messages until the server has them.
 *
 * A message is stored before it is sent, and leaves the outbox when it is acknowledged, when its
 * copy appears in the archive, or when it failed for good. The outbox owns it: the queue of stream
 * management (store/sm.h) refers to it. Order is kept per conversation: while one is in doubt, what
 * follows in its conversation waits. */
#ifndef EP_STORE_OUTBOX_H
#define EP_STORE_OUTBOX_H

#include "store/message.h"

typedef enum ep_outbox_state {
    EP_OUTBOX_WAITING = 0, /* to be sent */
    EP_OUTBOX_SENT = 1,    /* its bytes left on the present session */
    EP_OUTBOX_DOUBT = 2    /* that session is lost: ask the archive before sending it again */
} ep_outbox_state;

typedef struct ep_outbox_row {
    int64_t seq; /* ascending in order of sending, never used again */
    int64_t row, conversation, archive;
    ep_outbox_state state;
    uint64_t number; /* of stream management; 0: none */
    unsigned tries;  /* how often its bytes left */
    int64_t time_ms; /* when it was enqueued */
    int64_t
        sent_ms; /* when its bytes first left; 0: never. For <delay/> and the archive's lookup */
    const char *owner, *peer, *to; /* of the archive, of the conversation, on the stanza */
    const char *id, *origin_id;    /* origin_id is id where none was given */
    const char *xml;               /* len bytes, and a NUL behind them */
    size_t len;
} ep_outbox_row;
typedef epode_status (*ep_outbox_each)(const ep_outbox_row *row, void *user);

/* Stores an own message (outgoing, with an id and its xml) and puts it at the end of the outbox.
 * EPODE_EINVAL: one of these is missing, or it has an archive id. */
epode_status ep_outbox_add(ep_store *s, int64_t archive, const ep_msg *m, int64_t *seq,
                           int64_t *row, ep_changes *changes);

/* Those that may be sent now, in order, up to limit above after_seq: waiting, and none before them
 * in their conversation in doubt. EPODE_DONE: there were fewer than limit. Each stops at the first
 * status that is not EPODE_OK, and returns it. */
epode_status ep_outbox_next(ep_store *s, int64_t after_seq, size_t limit, ep_outbox_each each,
                            void *user);
/* All in one state, in order; limit and results as above. */
epode_status ep_outbox_list(ep_store *s, ep_outbox_state state, int64_t after_seq, size_t limit,
                            ep_outbox_each each, void *user);
epode_status ep_outbox_count(ep_store *s, uint64_t *count);

/* Its bytes are about to leave: under this number of stream management (in whose queue it stands
 * from now on), or under none (0). EPODE_EINVAL: the number is taken. EPODE_DONE: it is not in the
 * outbox any more, or not waiting; do not send it. */
epode_status ep_outbox_sent(ep_store *s, int64_t seq, uint64_t number, int64_t now_ms,
                            ep_changes *changes);
/* The server has all up to this number. What ep_store_smq_ack does, with a list of changes. */
epode_status ep_outbox_acked(ep_store *s, uint64_t number, ep_changes *changes);
/* The server has this one, by other proof (no stream management: an answer to what followed it). */
epode_status ep_outbox_done(ep_store *s, int64_t seq, ep_changes *changes);
/* It failed for good, for this reason (a condition of RFC 6120, or a word of the client's). By row:
 * also after it left the outbox, when an error comes back. EPODE_DONE: it is known to have arrived
 * already, or is no message of ours. */
epode_status ep_outbox_failed(ep_store *s, int64_t row, const char *reason, ep_changes *changes);
/* The server had it, and it came back: it waits again, before what follows it in its conversation. By row. */
epode_status ep_outbox_again(ep_store *s, int64_t conversation, int64_t row, ep_changes *changes);
/* The row of our own message with this id in this conversation, for an error that comes back.
 * EPODE_DONE: there is none. */
epode_status ep_outbox_find(ep_store *s, int64_t conversation, const char *id, int64_t *row);
/* The session is lost: all that was sent on it and not acknowledged is in doubt. Where stream
 * management was on, ep_store_smq_move_to_pending does it. */
epode_status ep_outbox_lost(ep_store *s);
/* The archive does not have this one, or there is none to ask: it waits again, in its old place.
 * EPODE_DONE: it is not in doubt. */
epode_status ep_outbox_retry(ep_store *s, int64_t seq);

#endif
