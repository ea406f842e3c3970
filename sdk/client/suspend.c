/* suspend.c: a client that holds nothing: no connection, no file, no lock; and the short errand of a push. */
#include "client/internal.h"

/* --- suspend and resume -------------------------------------------------------------------------------- */

/* What came is confirmed, so that a server does not send it again, and the connection is left as a cut would leave it. */
static void suspend_connection(epode_client *c)
{
    bool ready = c->was_ready;
    ep_timer_stop(&c->retry_timer);
    if (ready && c->stream && ep_stream_has_sm(c->stream) && !c->closing)
        c->ack_due = true;
    if (!ep_client_commit(c))
        return; /* it has stopped already, with an error */
    if (ready && c->net) {
        ep_client_write(c);
        if (c->net)
            ep_transport_flush(c->net);
    }
    ep_client_drop(c);
    ep_client_ask_end(c); /* who comes back is asked again, if need be */
    c->was_ready = false;
    if (!c->wish && c->state != EPODE_STOPPED)
        ep_client_emit_state(c, EPODE_STOPPED, NULL);
    else if (ready)
        ep_client_emit_state(c, EPODE_OFFLINE, NULL);
}

void ep_client_suspend_now(epode_client *c)
{
    c->suspend_due = false;
    ep_loop_enter(c->loop);
    suspend_connection(c);
    ep_job_cancel(&c->search_job);
    if (ep_client_commit(c) && ep_store_suspend(c->store) == EPODE_OK)
        c->suspended = true;
    ep_requests_watch(c);
    ep_loop_leave(c->loop);
}

epode_status epode_client_suspend(epode_client *c)
{
    if (c->freed)
        return EPODE_ESTATE;
    if (c->suspended)
        return EPODE_OK;
    c->suspend_due = true;
    if (c->processing)
        return EPODE_OK; /* when process() unwinds */
    ep_client_suspend_now(c);
    return c->suspended ? EPODE_OK : EPODE_ESTORE;
}

epode_status epode_client_resume(epode_client *c)
{
    if (c->freed)
        return EPODE_ESTATE;
    c->suspend_due = false;
    if (!c->suspended)
        return EPODE_OK;
    epode_status st = ep_store_resume(c->store, ep_client_wall_ms());
    if (st)
        return st;
    c->suspended = false;
    ep_requests_watch(c);
    /* Counts were reserved for this owner; another one may have come in between. */
    c->counts_left = 0;
    ep_loop_enter(c->loop);
    if (c->wish)
        ep_timer_set(ep_loop_timers(c->loop), &c->retry_timer,
                     ep_backoff_hint(&c->backoff, ep_loop_now_us(c->loop), EP_NEVER));
    ep_loop_leave(c->loop);
    return EPODE_OK;
}

/* --- fetch --------------------------------------------------------------------------------------------- */

/* Over, with everything or without: told, and everything is let go. */
static void fetch_over(epode_client *c, bool complete, const ep_error *why)
{
    epode_event ev = { .type = EPODE_EV_FETCHED, .synced = complete, .error = why,
                       .done = c->session && c->was_ready ? (size_t)c->session->new_messages : 0 };
    if (!c->fetching)
        return;
    c->fetching = false;
    ep_timer_stop(&c->fetch_timer);
    ep_client_emit(c, &ev);
    ep_client_schedule(c);
    if (!c->fetch_stays) {
        c->wish = false;
        c->suspend_due = true;
    }
    c->fetch_stays = false;
}

static void fetch_fire(ep_timer *t, int64_t now_us, void *user)
{
    epode_client *c = user;
    ep_error err;
    (void)t, (void)now_us;
    ep_fail(&err, EPODE_ETIMEOUT, 0, "there was not time enough to fetch everything");
    fetch_over(c, false, &err);
}

void ep_client_fetched(epode_client *c, epode_status status)
{
    ep_error err = { 0 };
    if (status && status != EPODE_ESTANZA)
        return; /* it is tried again, until the time is over */
    fetch_over(c, true, status ? &err : NULL);
}

void ep_client_fetch_failed(epode_client *c, const ep_error *why)
{
    fetch_over(c, false, why);
}

epode_status epode_client_fetch(epode_client *c, uint32_t within_ms)
{
    if (c->freed || c->fetching)
        return EPODE_ESTATE;
    if (!within_ms)
        return EPODE_EINVAL;
    bool was_suspended = c->suspended || c->suspend_due;
    epode_status st = epode_client_resume(c);
    if (st)
        return st;
    ep_loop_enter(c->loop);
    c->fetching = true;
    c->fetch_stays = c->wish && !was_suspended;
    /* What has to be written, and locks to be let go, at the end of it take a moment. */
    int64_t us = (int64_t)within_ms * 1000, reserve = us / 10 < 250000 ? us / 10 : 250000;
    ep_timer_set(ep_loop_timers(c->loop), &c->fetch_timer, ep_loop_now_us(c->loop) + us - reserve);
    if (!c->fetch_stays) {
        c->active = false; /* nobody looks */
        c->wish = true;
        ep_client_start_connection(c);
    } else {
        epode_client_hint(c, EPODE_HINT_WOKE_UP);
        if (c->was_ready && c->session && c->session->synced_us >= 0 && !ep_sync_is_bulk(c->sync))
            ep_client_fetched(c, EPODE_OK);
    }
    ep_loop_leave(c->loop);
    return EPODE_OK;
}

void ep_client_suspend_init(epode_client *c)
{
    c->fetch_timer = (ep_timer){ .fire = fetch_fire, .user = c };
}
