/* guard.h: a deadline for a call that looks at no clock: a thread stands by, and cuts the socket when the time is over. */
#ifndef EP_GUARD_H
#define EP_GUARD_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ep_guard ep_guard;

/* NULL: it cannot be had, and the call has no deadline. */
ep_guard *ep_guard_new(int fd, int64_t within_us);
/* The call is over, and the thread gone when this returns. True: it had cut. NULL is fine. */
bool ep_guard_end(ep_guard *guard);

#endif
