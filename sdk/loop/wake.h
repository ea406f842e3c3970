/* wake.h: the bell that other threads ring. Counted, and outlives the loop that listens. */
#ifndef EP_WAKE_H
#define EP_WAKE_H

#include "base/error.h"

typedef struct ep_wake ep_wake;

epode_status ep_wake_new(ep_wake **out);
ep_wake *ep_wake_ref(ep_wake *wake); /* from any thread */
void ep_wake_unref(ep_wake *wake);   /* from any thread; NULL is fine */
void ep_wake_ring(ep_wake *wake);    /* from any thread; rings before it was heard count as one */
int ep_wake_fd(const ep_wake *wake); /* the loop's: readable once rung */
void ep_wake_heard(
    ep_wake *wake); /* the loop's: silent again; what was posted before is now seen */

#endif
