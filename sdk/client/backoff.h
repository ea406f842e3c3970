/* backoff.h: when the next attempt is due. Pure: the time and chance are arguments. */
#ifndef EP_BACKOFF_H
#define EP_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

/* Attempts are 1, 2, 4, ... seconds apart, up to five minutes, each up to twice as long by chance. Failures are counted
 * on through sessions that are shorter than this: a server that takes everybody and drops them is not stormed. */
#define EP_BACKOFF_FIRST_US  (1 * 1000000LL)
#define EP_BACKOFF_LAST_US   (5 * 60 * 1000000LL)
#define EP_BACKOFF_STEADY_US (30 * 1000000LL)
/* A hint brings the next attempt forward, but never closer to the last one than this, doubled with each attempt that a
 * hint brought and that failed, up to the second number. */
#define EP_BACKOFF_HINT_FIRST_US (1 * 1000000LL)
#define EP_BACKOFF_HINT_LAST_US  (32 * 1000000LL)

typedef struct ep_backoff {
    unsigned failures; /* in a row */
    unsigned hinted;   /* of them, attempts that a hint brought */
    bool hint;         /* the attempt that is due was brought forward */
    int64_t began_us;  /* the last attempt; 0: none */
    int64_t ready_us;  /* the session stands since then; 0: there is none */
} ep_backoff;

void ep_backoff_reset(ep_backoff *b);
void ep_backoff_attempt(ep_backoff *b, int64_t now_us); /* one begins */
void ep_backoff_ready(ep_backoff *b, int64_t now_us);
/* The attempt failed, or the session ended: when the next one is due. chance: 0 to 999, of a thousand. */
int64_t ep_backoff_failed(ep_backoff *b, int64_t now_us, uint32_t chance);
/* The same for an attempt that is due then, after a hint. */
int64_t ep_backoff_hint(ep_backoff *b, int64_t now_us, int64_t due_us);

#endif
