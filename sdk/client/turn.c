/* turn.c: the end of a turn of the loop: what was done is committed, then what tells of it is written, then the
 * application hears of it.
 *
 * Where a turn did nothing but put pages of a long catch-up into the store, the transaction is left open for the next
 * ones. Nothing is told of them meanwhile, to the server or the application; but the next page is asked for, which
 * acknowledges nothing. */
#include <string.h>

#include "client/internal.h"
#include "xmpp/ns.h"
#include "xmpp/trace.h"

#define BULK_MESSAGES 1000
#define SMALL_BULK_MESSAGES 200
/* Well below what servers wait for an answer: 30 s and more. */
#define BACKGROUND_ACK_US (2 * 1000000)
#define BULK_US       (250 * 1000)
/* Requests that may leave before their number is committed; the pages of a server that gives 50 at a time. */
#define BULK_REQUESTS 20

void ep_client_begin(epode_client *c)
{
    /* What comes in this turn came now, and its owner is alive now. */
    ep_store_heartbeat(c->store, ep_client_wall_ms());
    if (!ep_store_in_transaction(c->store))
        ep_store_begin(c->store);
}

void ep_client_schedule_bulk(epode_client *c)
{
    ep_loop_defer(c->loop, &c->settle_job);
}

void ep_client_schedule(epode_client *c)
{
    c->urgent = c->urgent || !c->bulk;
    ep_client_schedule_bulk(c);
}

void ep_client_trace(epode_client *c, const char *text, size_t len)
{
    if (!ep_log_wants(&c->log, EP_LOG_TRACE))
        return;
    ep_buf copy = EP_BUF_INIT;
    ep_buf_puts(&copy, "C: ");
    ep_buf_add(&copy, text, len);
    if (ep_buf_cstr(&copy)) {
        ep_trace_mask(copy.data + copy.head, copy.len);
        c->log.write(EP_LOG_TRACE, "xml", ep_buf_ptr(&copy), c->log.user);
    }
    ep_buf_wipe(&copy);
}

static bool turn_may_wait(const epode_client *c)
{
    size_t most = c->flags & EPODE_LOW_MEMORY ? SMALL_BULK_MESSAGES : BULK_MESSAGES;
    return !c->urgent && !c->emit_failed && c->was_ready && c->stream && ep_stream_state_of(c->stream) == EP_S_READY &&
           ep_sync_is_bulk(c->sync) && c->bulk_messages < most && ep_store_in_transaction(c->store);
}

/* While a catch-up runs, some numbers are on the disk before there is a stanza for them. */
static epode_status turn_hold(epode_client *c, uint64_t *held)
{
    static const char harmless[] = "<iq type='get' id='held'><ping xmlns='" EP_NS_PING "'/></iq>";
    bool ready = c->was_ready && c->stream && ep_stream_state_of(c->stream) == EP_S_READY;
    uint64_t next = ready ? ep_stream_next_out(c->stream) : 0;
    *held = c->held;
    if (next && ep_sync_is_bulk(c->sync)) {
        *held = next + BULK_REQUESTS - 1;
        return ep_store_smq_hold(c->store, next > c->held ? next : c->held + 1, *held, harmless, ep_client_wall_ms());
    }
    *held = 0;
    return c->held && ready ? ep_store_smq_release(c->store) : EPODE_OK;
}

/* Everything that was done in this turn becomes durable as far as it must, and only then the bytes leave. */
bool ep_client_commit(epode_client *c)
{
    epode_status st = EPODE_OK;
    uint64_t held = 0;
    if (c->suspended) { /* nothing is stored; what is told is of no row */
        ep_store_rollback(c->store);
        ep_client_events_committed(c);
        return true;
    }
    c->urgent = c->postponed = false;
    c->bulk_messages = 0;
    ep_timer_stop(&c->bulk_timer);
    if (c->emit_failed)
        st = EPODE_ENOMEM; /* what the application could not be told has not happened: it comes again */
    else if (c->h_dirty)
        st = ep_store_sm_set_h(c->store, c->h_seen);
    c->h_dirty = c->emit_failed = false;
    if (st >= 0 && ep_store_in_transaction(c->store))
        st = turn_hold(c, &held);
    else
        held = c->held;
    if (st >= 0 && (ep_store_in_transaction(c->store) || c->ack_due))
        st = ep_store_commit(c->store, c->ack_due);
    c->held = st >= 0 ? held : 0;
    if (st >= 0)
        ep_client_events_committed(c);
    else
        ep_client_events_rolled_back(c);
    /* A stream that has just ended takes no words any more; its own error is the story then. */
    if (!st && c->ack_due && c->stream && ep_stream_state_of(c->stream) == EP_S_READY)
        st = ep_stream_ack(c->stream, ep_store_h_durable(c->store));
    if (c->ack_due)
        ep_timer_stop(&c->ack_timer);
    c->ack_waits = c->ack_waits && !c->ack_due;
    c->ack_due = false;
    if (st >= 0)
        return true;
    ep_error err = *ep_store_error(c->store);
    if (!err.status)
        ep_fail(&err, st, 0, "the store could not be written");
    ep_error_set_final(&err, ep_store_lease_lost(c->store));
    ep_client_failed(c, &err);
    return false;
}

void ep_client_write(epode_client *c)
{
    ep_buf *out = c->stream ? ep_stream_output(c->stream) : NULL;
    if (!out || !c->net || !c->up)
        return;
    /* In the background one at a time: what is sent until it is answered shares the next one. */
    if (c->request_due && (c->active || !c->request_out)) {
        if (ep_stream_request_ack(c->stream) == EPODE_OK) {
            ep_client_asked(c);
            c->request_out = true;
        }
        c->request_due = false;
    }
    if (!out->len) {
        /* A header that the transport wrote is a flight, too. */
        ep_stream_flushed(c->stream, 0, ep_loop_now_us(c->loop));
        return;
    }
    size_t n = out->len;
    ep_client_trace(c, ep_buf_ptr(out), n);
    if (out->failed || ep_transport_write(c->net, ep_buf_ptr(out), n)) {
        ep_error err;
        ep_fail(&err, out->failed ? EPODE_ENOMEM : EPODE_ECONNECT, 0, "what was to be sent could not be queued");
        ep_client_failed(c, &err);
        return;
    }
    ep_buf_consume(out, n);
    c->wrote_us = ep_loop_now_us(c->loop);
    ep_stream_flushed(c->stream, n, ep_loop_now_us(c->loop));
}

void ep_client_watch_guess(epode_client *c)
{
    int64_t due = c->stream ? ep_stream_deadline(c->stream) : EP_NEVER;
    if (due == EP_NEVER)
        ep_timer_stop(&c->guess_timer);
    else if (!ep_timer_is_set(&c->guess_timer) || c->guess_timer.due_us != due)
        ep_timer_set(ep_loop_timers(c->loop), &c->guess_timer, due);
}

static void turn_watch_sync(epode_client *c)
{
    int64_t due = c->was_ready ? ep_sync_deadline(c->sync) : EP_NEVER;
    if (due == EP_NEVER)
        ep_timer_stop(&c->sync_timer);
    else if (!ep_timer_is_set(&c->sync_timer) || c->sync_timer.due_us != due)
        ep_timer_set(ep_loop_timers(c->loop), &c->sync_timer, due);
}

static void turn_postpone(epode_client *c)
{
    c->postponed = true;
    if (!ep_timer_is_set(&c->bulk_timer))
        ep_timer_set(ep_loop_timers(c->loop), &c->bulk_timer, ep_loop_now_us(c->loop) + BULK_US);
}

/* What the features that just came give reason to ask. False: it could not be, and the connection is gone. */
static bool turn_ask(epode_client *c)
{
    if (!ep_client_can_send(c) || !(c->rest_due || c->lacks_changed))
        return true;
    ep_client_begin(c);
    epode_status st = ep_client_ask_rest(c, true);
    if (st >= 0)
        return true;
    ep_error err = *ep_store_error(c->store);
    if (!err.status)
        ep_fail(&err, st, 0, "what a session begins with could not be asked");
    ep_client_failed(c, &err);
    return false;
}

static void ack_fire(ep_timer *t, int64_t now_us, void *user)
{
    epode_client *c = user;
    (void)t, (void)now_us;
    c->ack_due = c->ack_waits;
    ep_client_schedule(c);
}

/* In the background messages come in bursts, each with its request: one answer, and one sync of the disk, serves all. */
void ep_client_ack(epode_client *c)
{
    if (c->active) {
        c->ack_due = true;
        return;
    }
    c->ack_waits = true;
    if (!ep_timer_is_set(&c->ack_timer))
        ep_timer_set(ep_loop_timers(c->loop), &c->ack_timer, ep_loop_now_us(c->loop) + BACKGROUND_ACK_US);
}

static void settle(ep_job *job, void *user)
{
    epode_client *c = user;
    (void)job;
    if (!turn_ask(c))
        return;
    if (c->ack_waits && c->stream && (c->request_due || ep_stream_output(c->stream)->len))
        c->ack_due = true;
    bool wait = turn_may_wait(c);
    if (wait)
        turn_postpone(c);
    else if (!ep_client_commit(c))
        return;
    ep_client_write(c);
    if (c->lacks_changed && c->session && c->stream)
        ep_session_lacks(c->session, c);
    c->lacks_changed = false;
    ep_client_watch_guess(c);
    turn_watch_sync(c);
    ep_client_shake_watch(c);
    if (c->resources.all_gone && !c->closing)
        ep_client_stop_connection(c, EPODE_STOP_CLOSE);
    /* Who pulls does so behind process(); of events that came of another call the descriptor has to tell. */
    bool events = !ep_list_empty(&c->events) && (c->on_event || !c->processing);
    if (wait || (!events && !ep_requests_due(c) && !ep_bridge_has_news(c)))
        return;
    if (c->processing)
        ep_loop_defer(c->loop, &c->deliver_job);
    else
        ep_loop_next(c->loop, &c->deliver_job);
}

static void deliver(ep_job *job, void *user)
{
    (void)job;
    ep_client_deliver(user);
}

static void bulk_fire(ep_timer *t, int64_t now_us, void *user)
{
    (void)t, (void)now_us;
    ep_client_schedule(user);
}

void ep_client_settle_now(epode_client *c)
{
    if (!c->postponed)
        return;
    ep_loop_enter(c->loop);
    ep_client_commit(c);
    ep_client_schedule(c);
    ep_loop_leave(c->loop);
}

static void sync_fire(ep_timer *t, int64_t now_us, void *user)
{
    epode_client *c = user;
    (void)t;
    ep_client_begin(c);
    ep_sync_tick(c->sync, now_us, ep_client_wall_ms());
    ep_client_schedule(c);
}

void ep_client_turn_init(epode_client *c)
{
    c->sync_timer = (ep_timer){ .fire = sync_fire, .user = c };
    c->bulk_timer = (ep_timer){ .fire = bulk_fire, .user = c };
    c->ack_timer = (ep_timer){ .fire = ack_fire, .user = c };
    c->settle_job = (ep_job){ .run = settle, .user = c };
    c->deliver_job = (ep_job){ .run = deliver, .user = c };
    ep_list_init(&c->settle_job.node);
    ep_list_init(&c->deliver_job.node);
}
