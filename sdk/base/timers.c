/* timers.c: a sorted list; a client has a handful of timers. */
#include "base/timers.h"

void ep_timers_init(ep_timers *ts)
{
    ep_list_init(&ts->list);
}

bool ep_timer_is_set(const ep_timer *t)
{
    return t->node.next && !ep_list_empty(&t->node);
}

void ep_timer_stop(ep_timer *t)
{
    if (ep_timer_is_set(t))
        ep_list_unlink(&t->node);
}

void ep_timer_set(ep_timers *ts, ep_timer *t, int64_t due_us)
{
    ep_timer_stop(t);
    t->due_us = due_us;
    ep_list *at = ts->list.next;
    while (at != &ts->list && EP_LIST_OF(at, ep_timer, node)->due_us <= due_us)
        at = at->next;
    ep_list_push_back(at, &t->node);
}

int64_t ep_timers_next(const ep_timers *ts)
{
    return ep_list_empty(&ts->list) ? EP_NEVER : EP_LIST_OF(ts->list.next, ep_timer, node)->due_us;
}

int ep_timers_run(ep_timers *ts, int64_t now_us)
{
    int fired = 0;
    /* One that fires and sets itself to the past waits for the next run: no endless loop. */
    for (int budget = 64; budget > 0 && ep_timers_next(ts) <= now_us; budget--) {
        ep_timer *t = EP_LIST_OF(ts->list.next, ep_timer, node);
        ep_timer_stop(t);
        fired++;
        t->fire(t, now_us, t->user);
    }
    return fired;
}
