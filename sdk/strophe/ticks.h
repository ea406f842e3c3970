/* ticks.h: turns in libstrophe's loop, which has no descriptors but its own: by its global timed handlers.
 *
 * What that loop does with them: a handler that is due is fired before select() and behind the reading; one that was fired
 * before select() does not shorten it; one that was added meanwhile does. So there are always several of them, each fired
 * once. */
#ifndef EP_STROPHE_TICKS_H
#define EP_STROPHE_TICKS_H

#include <strophe.h>

typedef struct ep_ticks ep_ticks;

/* Called from libstrophe's loop; returns how long it may sleep now at most, in milliseconds; 0: no more ticks until
 * ep_ticks_soon(). The ticks may be freed in it. */
typedef unsigned long ep_tick_fn(void *user);

ep_ticks *ep_ticks_new(xmpp_ctx_t *ctx, ep_tick_fn *tick, void *user); /* NULL: no memory */
void ep_ticks_free(ep_ticks *t); /* NULL is fine. Not once the context is gone */
/* Something happened: one tick at the end of this turn of the loop, or at the beginning of the next one; and the next
 * select()s wait 1, 4, 16, 64 ms at most. Bytes that libstrophe has decrypted and not looked at do not wake it up. */
void ep_ticks_soon(ep_ticks *t);

#endif
