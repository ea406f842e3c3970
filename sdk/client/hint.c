/* hint.c: what the application knows of the world: networks, sleep, who is looking. Hints are merged: each only moves
 * what is due anyway, and none starts a second connect. */
#include "client/internal.h"

/* After a hint that there is no network: it may be wrong. */
#define NO_NETWORK_US (5 * 60 * 1000000LL)

/* Something changed: a session is tested, an attempt on its way from before starts anew, the next one comes sooner. */
static void hint_try(epode_client *c)
{
    int64_t now = ep_loop_now_us(c->loop);
    if (!c->wish)
        return;
    if (c->was_ready && !c->closing) {
        ep_client_probe(c);
        ep_rooms_check(c);
        return;
    }
    if (c->net && !c->up)
        ep_client_restart_attempt(c);
    else if (ep_timer_is_set(&c->retry_timer))
        ep_timer_set(ep_loop_timers(c->loop), &c->retry_timer, ep_backoff_hint(&c->backoff, now, c->retry_timer.due_us));
}

static void hint_network_lost(epode_client *c)
{
    c->no_network = true;
    if (ep_timer_is_set(&c->retry_timer))
        ep_timer_set(ep_loop_timers(c->loop), &c->retry_timer, ep_loop_now_us(c->loop) + NO_NETWORK_US);
}

epode_status epode_client_hint(epode_client *c, epode_hint hint)
{
    epode_status st = EPODE_OK;
    if (c->freed)
        return EPODE_ESTATE;
    ep_loop_enter(c->loop);
    switch (hint) {
    case EPODE_HINT_NETWORK_LOST: hint_network_lost(c); break;
    case EPODE_HINT_NETWORK_CHANGED:
        c->no_network = false;
        hint_try(c);
        break;
    case EPODE_HINT_WOKE_UP: hint_try(c); break;
    case EPODE_HINT_FOREGROUND:
        st = epode_client_set_active(c, true);
        hint_try(c);
        break;
    case EPODE_HINT_BACKGROUND: st = epode_client_set_active(c, false); break;
    case EPODE_HINT_SUSPENDED:
        /* The process may not be asked again: what was handed over is confirmed. */
        if (c->was_ready && c->stream && ep_stream_has_sm(c->stream) && !c->closing)
            c->ack_due = true;
        ep_client_schedule(c);
        break;
    case EPODE_HINT_LOW_MEMORY:
        if (c->store)
            ep_store_shrink(c->store);
        break;
    default: st = EPODE_EINVAL;
    }
    ep_loop_leave(c->loop);
    return st;
}

int64_t ep_client_retry_due(const epode_client *c, int64_t due_us)
{
    int64_t now = ep_loop_now_us(c->loop);
    return c->no_network && due_us < now + NO_NETWORK_US ? now + NO_NETWORK_US : due_us;
}
