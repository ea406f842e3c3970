/* liveness.c: whether the link still carries. Any traffic shows that it does. It is tested only when something hangs
 * on the answer, after a hint, or where the application wants it; a link that is dead without any of that is found by the
 * kernel (TCP_USER_TIMEOUT and keepalive, ten minutes). */
#include "client/internal.h"

#include "xml/writer.h"
#include "xmpp/ns.h"

/* How long an answer may take: to a test after a hint, and to the request that what was sent is confirmed. */
#define PROBE_US  (8 * 1000000LL)
#define ANSWER_US (30 * 1000000LL)

static void probe_fire(ep_timer *t, int64_t now_us, void *user)
{
    epode_client *c = user;
    ep_error err;
    (void)t, (void)now_us;
    if (!c->was_ready || c->closing || !c->net)
        return;
    ep_fail(&err, EPODE_ETIMEOUT, 0, "the connection is dead: the server did not answer in time");
    /* Cut, not closed: the session is resumed. */
    ep_client_failed(c, &err);
    if (c->wish && ep_timer_is_set(&c->retry_timer))
        ep_timer_set(ep_loop_timers(c->loop), &c->retry_timer,
                     ep_backoff_hint(&c->backoff, ep_loop_now_us(c->loop), c->retry_timer.due_us));
}

static void probe_within(epode_client *c, int64_t us)
{
    int64_t due = ep_loop_now_us(c->loop) + us;
    if (!ep_timer_is_set(&c->probe_timer) || c->probe_timer.due_us > due)
        ep_timer_set(ep_loop_timers(c->loop), &c->probe_timer, due);
}

static epode_status on_pong(epode_client *c, const ep_reply *reply, void *user)
{
    (void)c, (void)reply, (void)user;
    return EPODE_OK;
}

/* XEP-0199, where no <r/> can be asked. */
static epode_status ping(epode_client *c)
{
    ep_buf_clear(&c->scratch);
    ep_xw w = ep_xw_init(&c->scratch);
    ep_request *r = ep_request_open(c, &w, "get", c->jid.domain, on_pong, NULL);
    if (!r)
        return EPODE_ENOMEM;
    ep_xw_leaf(&w, "ping", EP_NS_PING, NULL);
    return ep_request_send(c, r, &w, EP_REQUEST_TIMEOUT_MS);
}

void ep_client_probe(epode_client *c)
{
    if (!c->stream || ep_stream_state_of(c->stream) != EP_S_READY)
        return;
    if (ep_stream_has_sm(c->stream))
        c->request_due = true;
    else if (ping(c) < 0)
        return;
    ep_client_schedule(c);
    probe_within(c, PROBE_US);
}

void ep_client_asked(epode_client *c)
{
    probe_within(c, ANSWER_US);
}

void ep_client_heard(epode_client *c)
{
    c->heard_us = ep_loop_now_us(c->loop);
    ep_timer_stop(&c->probe_timer);
}

/* --- keeping alive ------------------------------------------------------------------------------------- */

/* XEP-0478: a server that ends idle streams says after how long; what keepalive_s wants is an answer as well. */
static int64_t idle_us(const epode_client *c)
{
    const ep_features *after = ep_stream_features(c->stream, true), *before = ep_stream_features(c->stream, false);
    uint32_t s = after && after->idle_seconds ? after->idle_seconds : before ? before->idle_seconds : 0;
    return (int64_t)s * 900000;
}

/* When something has to be said; EP_NEVER: nothing has. */
static int64_t keepalive_due(const epode_client *c)
{
    int64_t idle = idle_us(c), keep = (int64_t)c->keepalive_s * 1000000;
    int64_t due = idle ? c->wrote_us + idle : EP_NEVER;
    if (keep && c->heard_us + keep < due)
        due = c->heard_us + keep;
    return due;
}

/* Traffic does not touch the timer: it looks for itself when it fires, and waits for the rest. */
static void keepalive_fire(ep_timer *t, int64_t now_us, void *user)
{
    epode_client *c = user;
    if (!c->was_ready || c->closing || !c->stream)
        return;
    int64_t due = keepalive_due(c);
    if (due <= now_us) {
        if (c->keepalive_s && now_us - c->heard_us >= (int64_t)c->keepalive_s * 1000000)
            ep_client_probe(c);
        else
            ep_stream_space(c->stream);
        ep_client_schedule(c);
        due = now_us + (c->keepalive_s ? (int64_t)c->keepalive_s * 1000000 : idle_us(c));
    }
    ep_timer_set(ep_loop_timers(c->loop), t, due);
}

void ep_client_keep_alive(epode_client *c)
{
    c->heard_us = c->wrote_us = ep_loop_now_us(c->loop);
    int64_t due = keepalive_due(c);
    if (due != EP_NEVER)
        ep_timer_set(ep_loop_timers(c->loop), &c->keepalive_timer, due);
}

void ep_client_liveness_stop(epode_client *c)
{
    ep_timer_stop(&c->probe_timer);
    ep_timer_stop(&c->keepalive_timer);
}

void ep_client_liveness_init(epode_client *c)
{
    c->probe_timer = (ep_timer){ .fire = probe_fire, .user = c };
    c->keepalive_timer = (ep_timer){ .fire = keepalive_fire, .user = c };
}
