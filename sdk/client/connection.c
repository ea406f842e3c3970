/* connection.c: one connection after the other: attempts, and what comes from them. When one fails: failure.c. */
#include "client/internal.h"

/* A flight with <resume/> needs longer: ejabberd answers only when the old connection is put down. */
#define GUESS_RESUME_TIMEOUT_US (12 * 1000000)
/* How long the server's end tag is waited for. */
#define GOODBYE_US 1000000LL

void ep_client_account(epode_client *c)
{
    if (!c->building || c->was_ready)
        return;
    const ep_net_info *info = c->net ? ep_transport_info(c->net) : NULL;
    if (info)
        ep_session_add_net(c->building, info);
    if (c->stream)
        ep_session_add_stream(c->building, c->stream);
}

void ep_client_session_over(epode_client *c, bool again)
{
    ep_requests_over(c, again);
    ep_client_presence_over(c);
    ep_client_chats_over(c);
}

void ep_client_drop(epode_client *c)
{
    if (c->store) {
        if (ep_store_in_transaction(c->store))
            ep_client_events_rolled_back(c);
        ep_store_rollback(c->store);
    }
    if (c->sync)
        ep_sync_cut(c->sync);
    /* Nothing can go on that session: whoever waits for its answers waits in vain. */
    if (c->was_ready && c->stream && !ep_stream_has_sm(c->stream))
        ep_client_session_over(c, true);
    ep_client_resources_end(c);
    c->resources.all_gone = false;
    c->h_dirty = c->postponed = c->rest_due = false;
    c->held = 0;
    ep_timer_stop(&c->bulk_timer);
    ep_stream_free(c->stream);
    c->stream = NULL;
    ep_transport_free(c->net);
    c->net = NULL;
    c->behind = 0;
    c->early_out = c->preface_ahead = false;
    c->up = c->ack_due = c->request_due = c->ready_due = c->closing = false;
    c->ack_waits = c->request_out = false;
    ep_timer_stop(&c->ack_timer);
    ep_timer_stop(&c->guess_timer);
    ep_timer_stop(&c->deadline_timer);
    ep_timer_stop(&c->sync_timer);
    ep_client_liveness_stop(c);
    ep_client_shaken(c);
    ep_rooms_cut(c);
}

static void connection_begin(epode_client *c)
{
    int64_t now = ep_loop_now_us(c->loop);
    ep_session_free(c->building);
    c->building = ep_session_new(now);
    /* A question of the connect before is nobody's any more. */
    c->asking = 0;
    ep_client_ask_drop_task(c);
    c->no_guess = c->no_early = c->no_preface_ahead = c->no_legacy = c->no_stanzas = c->no_behind_bind = false;
    c->no_upgrade = c->token_died = c->ticket_fatal = false;
    ep_target_begin(c);
    c->guess_failed = NULL;
    c->connect_deadline_us = now + (int64_t)c->connect_timeout_ms * 1000;
    ep_backoff_attempt(&c->backoff, now);
}

static void retry_fire(ep_timer *t, int64_t now_us, void *user)
{
    epode_client *c = user;
    (void)t, (void)now_us;
    if (c->wish && !c->net && !c->freed)
        ep_client_attempt_now(c);
}

static epode_status connection_open(epode_client *c, const ep_net_config *config)
{
    ep_net *net;
    if (c->bridge)
        return ep_bridge_attempt(c, config);
    epode_status st = ep_net_connect(&net, c->loop, config, &ep_client_net_events, c);
    if (!st)
        c->net = ep_net_transport(net);
    return st;
}

void ep_client_attempt(epode_client *c)
{
    ep_error err = { 0 };
    if (!c->building) {
        ep_fail(&err, EPODE_ENOMEM, 0, "out of memory");
        ep_client_failed(c, &err);
        return;
    }
    /* What was done in this turn so far is no part of what an attempt takes from the store. */
    if (!ep_client_commit(c))
        return;
    if (ep_client_remember(c, &err)) {
        ep_client_failed(c, &err);
        return;
    }
    ep_net_config config = {
        .domain = c->jid.ascii, .host = c->host, .port = c->port, .tls = (ep_tls_mode)c->tls, .ca_file = c->ca_file,
        .cert_file = c->cert_file, .key_file = c->key_file, .account = c->jid.bare,
        .dns_server = c->dns_server, .deadline_us = c->connect_deadline_us,
        .dns_facts = c->memory.dns.len ? ep_buf_ptr(&c->memory.dns) : NULL, .dns_facts_n = c->memory.dns.len,
        .ticket = c->memory.ticket.len ? ep_buf_ptr(&c->memory.ticket) : NULL, .ticket_n = c->memory.ticket.len,
        .preface = &ep_client_preface, .preface_user = c, .log = &c->log,
    };
    ep_target_choose(c, &config);
    epode_status st = connection_open(c, &config);
    ep_buf_wipe(&c->memory.ticket);
    if (st) {
        ep_fail(&err, st, 0, st == EPODE_ENOMEM ? "out of memory" : "the host or port to connect to is not valid");
        ep_error_set_final(&err, st == EPODE_EINVAL && !c->target_host[0]);
        ep_client_failed(c, &err);
        return;
    }
    ep_transport_hurry(c->net, true);
    ep_timer_set(ep_loop_timers(c->loop), &c->deadline_timer, c->connect_deadline_us);
}

void ep_client_attempt_now(epode_client *c)
{
    ep_timer_stop(&c->retry_timer);
    connection_begin(c);
    if (c->state != EPODE_CONNECTING)
        ep_client_emit_state(c, EPODE_CONNECTING, NULL);
    ep_client_attempt(c);
}

void ep_client_stopped(epode_client *c, const ep_error *why)
{
    if (why)
        ep_client_fetch_failed(c, why);
    c->wish = false;
    ep_client_ask_end(c);
    ep_timer_stop(&c->retry_timer);
    ep_client_emit_state(c, EPODE_STOPPED, why);
}

void ep_client_start_connection(epode_client *c)
{
    c->wish = true;
    ep_backoff_reset(&c->backoff);
    c->conflict_retried = false;
    ep_timer_set(ep_loop_timers(c->loop), &c->retry_timer, ep_loop_now_us(c->loop));
    ep_client_emit_state(c, EPODE_CONNECTING, NULL);
}

/* After our goodbye. Who was asked to start meanwhile starts now. */
static void connection_closed(epode_client *c)
{
    bool again = c->wish;
    ep_client_drop(c);
    ep_client_session_over(c, false);
    c->was_ready = false;
    ep_client_stopped(c, NULL);
    if (again)
        ep_client_start_connection(c);
}

static void on_early(void *user, size_t room, const uint8_t *end_point, size_t n, ep_buf *out)
{
    ep_client_stream_early(user, room, end_point, n, out);
}

static void on_up(void *user, const ep_net_info *info)
{
    epode_client *c = user;
    ep_error err = { 0 };
    ep_timer_stop(&c->guess_timer);
    epode_status st = ep_client_stream_open(c, info, &err);
    c->up = c->target_was_up = true;
    if (st) {
        ep_client_failed(c, &err);
        return;
    }
    /* At this turn's end the first flight leaves, together with the last one of TLS. */
    ep_client_schedule(c);
}

/* What the stream says of what it was given. */
static void connection_fed(epode_client *c, epode_status st)
{
    if (st == EPODE_OK) {
        ep_client_schedule_bulk(c);
        return;
    }
    /* Stanzas before the end count: what they did is kept. */
    if (st == EPODE_DONE || !c->store_error.status)
        ep_client_commit(c);
    if (!c->stream)
        return;
    if (c->resources.all_gone && !c->closing) {
        c->closing = true; /* XEP-0193, 2: as it was wished */
        ep_client_write(c);
    }
    if (c->closing) {
        ep_transport_close(c->net, true);
        return;
    }
    ep_client_stream_failed(c);
}

static void on_data(void *user, const char *data, size_t n)
{
    epode_client *c = user;
    if (!c->stream)
        return;
    ep_client_heard(c);
    ep_client_begin(c);
    connection_fed(c, ep_stream_feed(c->stream, data, n, ep_loop_now_us(c->loop)));
}

void ep_client_take_element(epode_client *c, ep_elem *e)
{
    if (!c->stream)
        return;
    ep_client_heard(c);
    ep_client_shaken(c);
    ep_client_begin(c);
    connection_fed(c, ep_stream_element(c->stream, e, ep_loop_now_us(c->loop)));
}

static void on_ticket(void *user, const void *blob, size_t n, int64_t expires_wall_ms)
{
    epode_client *c = user;
    if (c->no_tickets || c->ticket_fatal)
        return;
    ep_client_begin(c);
    ep_store_secret_put(c->store, EP_SECRET_TICKET, c->jid.ascii, blob, n, expires_wall_ms);
    ep_client_schedule(c);
}

static void on_ticket_refused(void *user, const ep_error *why)
{
    epode_client *c = user;
    ep_session_add_fallback(c->building, "ticket", epode_status_name(why->status));
    c->ticket_fatal = c->ticket_fatal || why->status == EPODE_ETLS;
}

static void on_dns(void *user, const void *facts, size_t n, int64_t expires_wall_ms)
{
    epode_client *c = user;
    if (c->target_host[0])
        return; /* of a place that was named for once, not of the domain */
    ep_client_begin(c);
    ep_store_fact_put(c->store, EP_FACT_ENDPOINT, c->host ? c->host : c->jid.ascii, facts, n, expires_wall_ms);
    ep_client_schedule(c);
}

static void on_closed(void *user, const ep_error *error)
{
    epode_client *c = user;
    if (c->closing || c->resources.all_gone) {
        connection_closed(c);
        return;
    }
    ep_error err = *error;
    if (c->stream) {
        ep_client_commit(c);
        if (!c->stream)
            return;
        ep_stream_cut(c->stream);
        err = *ep_stream_error(c->stream);
    }
    if (!err.status)
        ep_fail(&err, EPODE_ECONNECT, 0, "the server closed the connection");
    ep_client_failed(c, &err);
}

void ep_client_carried_end(epode_client *c, const ep_error *why)
{
    /* The end tag came, and its connection is gone with it. */
    if (!why->status && c->stream && !c->closing && !c->resources.all_gone) {
        ep_client_begin(c);
        ep_stream_end(c->stream, ep_loop_now_us(c->loop));
        ep_client_commit(c);
        if (c->stream)
            ep_client_stream_failed(c);
        return;
    }
    on_closed(c, why);
}

const ep_net_events ep_client_net_events = {
    .on_early = on_early, .on_up = on_up, .on_data = on_data, .on_ticket = on_ticket, .on_ticket_refused = on_ticket_refused,
    .on_dns = on_dns, .on_closed = on_closed,
};

static void deadline_fire(ep_timer *t, int64_t now_us, void *user)
{
    epode_client *c = user;
    ep_error err;
    (void)t, (void)now_us;
    if (c->closing && c->net)
        ep_transport_close(c->net, true);
    if (c->closing || c->was_ready || !c->stream)
        return; /* the transport keeps the same deadline until TLS is up, and knows more of it */
    ep_fail(&err, EPODE_ETIMEOUT, 0, "the server did not answer in time (while waiting for %s)",
            ep_stream_state_name(ep_stream_state_of(c->stream)));
    ep_client_failed(c, &err);
}

static void guess_fire(ep_timer *t, int64_t now_us, void *user)
{
    epode_client *c = user;
    ep_error err;
    (void)t;
    if (!c->up && (c->preface_ahead || c->early_out)) {
        ep_fail(&err, EPODE_ETIMEOUT, 0, "the server did not answer what was sent with the TLS handshake");
        ep_client_failed(c, &err);
        return;
    }
    if (c->stream && ep_stream_tick(c->stream, now_us) < 0)
        ep_client_stream_failed(c);
}

static void on_wake(void *user)
{
    ep_client_run_jobs(user);
}

void ep_client_connection_init(epode_client *c)
{
    c->deadline_timer = (ep_timer){ .fire = deadline_fire, .user = c };
    ep_client_liveness_init(c);
    ep_client_shake_init(c);
    ep_client_suspend_init(c);
    c->retry_timer = (ep_timer){ .fire = retry_fire, .user = c };
    c->guess_timer = (ep_timer){ .fire = guess_fire, .user = c };
    ep_client_turn_init(c);
    ep_client_search_init(c);
    ep_loop_on_wake(c->loop, on_wake, c);
}

int64_t ep_client_guess_timeout(const epode_client *c)
{
    return c->memory.has_sm ? GUESS_RESUME_TIMEOUT_US : EP_CLIENT_GUESS_US;
}

void ep_client_stop_connection(epode_client *c, int how)
{
    ep_timer_stop(&c->retry_timer);
    if (how == EPODE_STOP_CLOSE && c->closing)
        return;
    if (how == EPODE_STOP_CLOSE && c->was_ready && c->stream && c->net) {
        /* What was handed over is confirmed, so that the server does not keep it for later. */
        if (ep_stream_has_sm(c->stream))
            c->ack_due = true;
        if (!ep_client_commit(c))
            return;
        ep_client_begin(c);
        ep_store_sm_clear(c->store);
        ep_store_smq_move_to_pending(c->store);
        ep_store_commit(c->store, false);
        /* Messages are not taken any more, so a page would come to its end without them. */
        ep_sync_stop(c->sync);
        ep_stream_close(c->stream);
        ep_client_write(c);
        if (!c->net)
            return;
        /* TLS is closed when the server's end tag has come (RFC 6120, 4.4), and with it its tickets, which OpenSSL takes no
         * more after a close_notify of ours. */
        c->closing = true;
        ep_timer_set(ep_loop_timers(c->loop), &c->deadline_timer, ep_loop_now_us(c->loop) + GOODBYE_US);
        return;
    }
    if (!ep_client_commit(c))
        return; /* it has stopped already, with an error */
    ep_client_drop(c);
    if (how == EPODE_STOP_CLOSE)
        ep_client_session_over(c, false);
    c->was_ready = false;
    ep_client_stopped(c, NULL);
}
