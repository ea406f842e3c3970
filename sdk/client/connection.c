/* connection.c: one connection after the other: attempts, what went wrong with them, when the next one is due. */
#include <string.h>

#include "base/rand.h"
#include "base/str.h"
#include "client/internal.h"

/* A flight with <resume/> needs longer: ejabberd answers only when the old connection is put down. */
#define GUESS_TIMEOUT_US        (8 * 1000000)
#define GUESS_RESUME_TIMEOUT_US (12 * 1000000)
/* How long after a flight that was given up the server may still act on it. */
#define GAVE_UP_WINDOW_US (60 * 1000000LL)

/* How long the server's end tag is waited for. */
#define GOODBYE_US 1000000LL

static void *preface_open(void *user)
{
    return ep_starttls_new(((epode_client *)user)->jid.domain);
}

/* XEP-0305, 5: where the server has said inside TLS that it takes it, the ClientHello does not wait for <proceed/>. */
static bool preface_may_hurry(const epode_client *c)
{
    return !(c->flags & EPODE_NO_FAST_PATH) && !c->no_preface_ahead && c->memory.has_features &&
           c->memory.takes_preface != EP_HABIT_NO && (c->memory.features.bits & EP_F_PIPELINING);
}

static int preface_start(void *p, ep_buf *out, void *user)
{
    epode_client *c = user;
    epode_status st = ep_starttls_begin(p, out);
    if (st || !preface_may_hurry(c))
        return st;
    c->preface_ahead = true;
    if (!ep_timer_is_set(&c->guess_timer))
        ep_timer_set(ep_loop_timers(c->loop), &c->guess_timer, ep_loop_now_us(c->loop) + GUESS_TIMEOUT_US);
    return EPODE_DONE;
}

static epode_status preface_feed(void *p, const char *data, size_t n, size_t *consumed, ep_buf *out, ep_error *err)
{
    (void)out;
    return ep_starttls_feed(p, data, n, consumed, err);
}

static void preface_free(void *p)
{
    ep_starttls_free(p);
}

static const ep_preface preface = { preface_open, preface_start, preface_feed, preface_free };

/* Adds what this connection cost to the session that is being made. */
static void connection_account(epode_client *c)
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
        .preface = &preface, .preface_user = c, .log = &c->log,
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

static void connection_stopped(epode_client *c, const ep_error *why)
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
    connection_stopped(c, NULL);
    if (again)
        ep_client_start_connection(c);
}

/* RFC 6120's <conflict/> ends a client for good; but if the flight of an attempt that we gave up came through after
 * all, it is our own other half that took the place. */
static bool conflict_is_ours(epode_client *c, const ep_error *why)
{
    if (why->status != EPODE_ECONFLICT || c->conflict_retried || !c->gave_up_us)
        return false;
    c->conflict_retried = ep_loop_now_us(c->loop) - c->gave_up_us < GAVE_UP_WINDOW_US;
    return c->conflict_retried;
}

/* The guess went wrong where the stream could not go on: once more without it, in the same connect. */
static bool connection_again(epode_client *c, const ep_error *why, const char *guess)
{
    bool upgrade = ep_streq(guess, "upgrade"), bind = ep_streq(guess, "behind-bind");
    if (!guess || (upgrade ? c->no_upgrade : bind ? c->no_behind_bind : c->no_guess) || why->final || !c->wish ||
        ep_loop_now_us(c->loop) >= c->connect_deadline_us)
        return false;
    ep_session_add_fallback(c->building, guess, why->condition[0] ? why->condition : epode_status_name(why->status));
    /* One guess after the other: stanzas behind authentication first, then that it was sent ahead at all. */
    if (upgrade)
        c->no_upgrade = true;
    else if (bind)
        c->no_behind_bind = true;
    else if (strcmp(guess, "stanzas-behind-authentication") == 0)
        c->no_stanzas = true;
    else if (strcmp(guess, "early-data") == 0)
        c->no_early = true;
    else if (strcmp(guess, "starttls-pipelining") == 0)
        c->no_preface_ahead = true;
    else if (strcmp(guess, "legacy-pipelining") == 0 && !c->no_legacy)
        c->no_legacy = true;
    else
        c->no_guess = true;
    c->guess_failed = guess;
    ep_client_attempt(c);
    return true;
}

/* The session stands, but what rode behind authentication was never answered: whether it was counted is not known,
 * so this session is not gone on with. */
static void connection_distrust(epode_client *c)
{
    ep_store_begin(c->store);
    ep_store_smq_move_to_pending(c->store);
    ep_outbox_lost(c->store);
    ep_store_sm_clear(c->store);
    ep_client_save_habit(c, "stanzas", EP_HABIT_NO);
    ep_store_commit(c->store, false);
}

/* What this attempt rested on and was not confirmed in. */
static const char *connection_guess(const epode_client *c)
{
    if (c->early_out)
        return "early-data";
    if (c->preface_ahead && !c->up)
        return "starttls-pipelining";
    return c->stream ? ep_stream_guess(c->stream) : NULL;
}

void ep_client_restart_attempt(epode_client *c)
{
    int64_t now = ep_loop_now_us(c->loop);
    if (c->stream && ep_stream_state_of(c->stream) != EP_S_IDLE)
        c->gave_up_us = now;
    ep_client_drop(c);
    ep_timer_set(ep_loop_timers(c->loop), &c->retry_timer, ep_backoff_hint(&c->backoff, now, EP_NEVER));
}

void ep_client_failed(epode_client *c, const ep_error *why)
{
    ep_error err = *why;
    bool ready = c->was_ready, left = c->stream && ep_stream_state_of(c->stream) != EP_S_IDLE;
    const char *guess = connection_guess(c);
    connection_account(c);
    ep_client_drop(c);
    c->was_ready = false;
    if (!ready && left)
        c->gave_up_us = ep_loop_now_us(c->loop);
    ep_client_ask_drop_task(c);
    bool elsewhere = ep_target_again(c, &err, ready);
    if (!ready && elsewhere) {
        ep_client_attempt(c);
        return;
    }
    if (!ready && connection_again(c, &err, guess))
        return;
    if (ready && ep_streq(guess, "stanzas-behind-authentication"))
        connection_distrust(c);
    if (conflict_is_ours(c, &err))
        err.final = false;
    ep_log_line(&c->log, EP_LOG_INFO, "client", "connection ended: %s", err.text);
    bool asking = c->asking && !ready && !err.final;
    if (!c->wish || err.final || (!ep_client_reconnects(c) && !asking)) {
        ep_client_session_over(c, false);
        connection_stopped(c, err.status ? &err : NULL);
        return;
    }
    if (asking) {
        /* The server had less patience than the user needs: the answer brings the next attempt. */
        ep_client_emit_state(c, EPODE_CONNECTING, &err);
        return;
    }
    if (elsewhere) {
        c->keep_target = true;
        ep_timer_set(ep_loop_timers(c->loop), &c->retry_timer, ep_loop_now_us(c->loop));
        ep_client_emit_state(c, EPODE_OFFLINE, &err);
        return;
    }
    int64_t due = ep_backoff_failed(&c->backoff, ep_loop_now_us(c->loop), ep_rand_below(1000));
    ep_timer_set(ep_loop_timers(c->loop), &c->retry_timer, ep_client_retry_due(c, due));
    ep_client_emit_state(c, ready ? EPODE_OFFLINE : EPODE_CONNECTING, &err);
}

void ep_client_stream_failed(epode_client *c)
{
    ep_error err = *ep_stream_error(c->stream);
    if (c->store_error.status)
        err = c->store_error;
    ep_error_clear(&c->store_error);
    if (!err.status)
        ep_fail(&err, EPODE_ESTREAM, 0, "the server closed the stream");
    /* The last words (a stream error, the end tag) go out if they can; but where the fault is ours, a silent end leaves
     * the session to be resumed, with all that the server holds for it (XEP-0198, 5). */
    ep_buf *out = ep_stream_output(c->stream);
    bool ours = err.status == EPODE_ENOMEM || err.status <= EPODE_ESTORE;
    if (c->net && out->len && !out->failed && !ours) {
        ep_transport_write(c->net, ep_buf_ptr(out), out->len);
        ep_transport_flush(c->net);
    }
    ep_client_failed(c, &err);
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
    return c->memory.has_sm ? GUESS_RESUME_TIMEOUT_US : GUESS_TIMEOUT_US;
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
    connection_stopped(c, NULL);
}
