/* timers.h: deadlines, in microseconds of whatever clock the owner uses. No clock of its own. */
#ifndef EP_TIMERS_H
#define EP_TIMERS_H

#include <stdint.h>

#include "base/list.h"

#define EP_NEVER INT64_MAX

/* Embedded in its owner; zeroed before first use. The few timers of a client are kept in a sorted list. */
typedef struct ep_timer {
    ep_list node;
    int64_t due_us;
    void (*fire)(struct ep_timer *timer, int64_t now_us, void *user);
    void *user;
} ep_timer;

typedef struct ep_timers {
    ep_list list;
} ep_timers;

void ep_timers_init(ep_timers *ts);
/* (Re)starts it; a due time that has passed fires at the next run. */
void ep_timer_set(ep_timers *ts, ep_timer *t, int64_t due_us);
void ep_timer_stop(ep_timer *t); /* fine for one that never ran */
bool ep_timer_is_set(const ep_timer *t);
int64_t ep_timers_next(const ep_timers *ts); /* EP_NEVER: none */
/* Fires what is due; a timer is stopped before it fires and may set or stop any other. Returns how many. */
int ep_timers_run(ep_timers *ts, int64_t now_us);

#endif
