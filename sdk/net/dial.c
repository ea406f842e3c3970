/* dial.c: candidates into attempts; the first one up wins. */
#include "net/dial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "net/ticket.h"

enum { HOLD_US = 1000000 };

static void update(ep_dial *d);
static const ep_link_events link_events;

/* --- the end ------------------------------------------------------------------------- */

static void end(ep_dial *d)
{
    d->over = true;
    ep_timer_stop(&d->step_timer);
    ep_timer_stop(&d->gather_timer);
    ep_timer_stop(&d->hold_timer);
    ep_timer_stop(&d->deadline);
    for (int i = 0; i < d->race.n; i++)
        if (d->candidate[i].link)
            ep_link_close(d->candidate[i].link);
}

static void lose(ep_dial *d, const ep_error *error)
{
    const ep_error copy = *error;
    if (d->over)
        return;
    ep_dial_stop(d);
    d->events->on_lost(d->user, &copy);
}

void ep_dial_lose_memory(ep_dial *d)
{
    ep_error error;
    ep_fail(&error, EPODE_ENOMEM, 0, "out of memory");
    lose(d, &error);
}

/* The more a failure says, the higher. */
static int weight_of(epode_status status)
{
    switch (status) {
    case EPODE_OK:
        return 0;
    case EPODE_ETIMEOUT:
        return 1;
    case EPODE_EDNS:
        return 2;
    case EPODE_ECONNECT:
        return 3;
    case EPODE_ECERT:
        return 5;
    case EPODE_ENOMEM:
        return 6;
    default:
        return 4; /* ETLS, and what the preface met */
    }
}

static void note_failure(ep_dial *d, const ep_error *error)
{
    if (weight_of(error->status) > weight_of(d->worst.status))
        d->worst = *error;
}

static void lose_all(ep_dial *d)
{
    ep_error error = d->worst.status ? d->worst : d->dns_error;
    if (!error.status)
        ep_fail(&error, EPODE_EDNS, d->lookup.native,
                d->lookup.native ? "the server's name could not be resolved"
                                 : "the server's name has no address");
    else if (error.status == EPODE_ECONNECT && d->race.n > 1 && error.native)
        ep_fail(&error, EPODE_ECONNECT, error.native, "none of %d addresses could be connected: %s",
                d->race.n, strerror((int)error.native));
    lose(d, &error);
}

static void on_deadline(ep_timer *timer, int64_t now_us, void *user)
{
    ep_dial *d = user;
    ep_error error;
    ep_link_state furthest = EP_LINK_IDLE;
    (void)timer;
    (void)now_us;
    for (int i = 0; i < d->race.n; i++) {
        const ep_link_state state = d->candidate[i].link ? d->candidate[i].link->state
                                    : d->candidate[i].tcp_us ? EP_LINK_TLS
                                                             : EP_LINK_CONNECTING;
        if (d->race.racer[i].state == EP_RACER_RUNNING && state > furthest)
            furthest = state;
    }
    if (furthest == EP_LINK_IDLE)
        ep_fail(&error, EPODE_ETIMEOUT, 0, "no time left: resolving the server's name");
    else if (furthest == EP_LINK_CONNECTING)
        ep_fail(&error, EPODE_ETIMEOUT, 0, "no time left: connecting to %d addresses",
                d->race.running);
    else
        ep_fail(&error, EPODE_ETIMEOUT, 0, "no time left: connected, waiting for %s",
                furthest == EP_LINK_PREFACE ? "STARTTLS" : "the TLS handshake");
    /* A certificate or a TLS that was refused elsewhere tells more than the clock. */
    lose(d, weight_of(d->worst.status) > weight_of(EPODE_ECONNECT) ? &d->worst : &error);
}

/* --- attempts ------------------------------------------------------------------------ */

static int index_of(const ep_dial *d, const ep_link *link)
{
    for (int i = 0; i < d->race.n; i++)
        if (d->candidate[i].link == link)
            return i;
    return -1;
}

static void attempt_failed(ep_dial *d, int i, const ep_error *error)
{
    ep_candidate *c = &d->candidate[i];
    note_failure(d, error);
    c->failed_us = ep_loop_now_us(d->loop);
    snprintf(c->why, sizeof c->why, "%.95s", error->text);
    ep_race_failed(&d->race, i, c->failed_us);
}

/* False: out of memory. */
static bool start_link(ep_dial *d, int i)
{
    ep_candidate *c = &d->candidate[i];
    const ep_tcp_options options = { d->config->keepalive_idle_s, d->config->keepalive_interval_s,
                                     d->config->user_timeout_ms };
    c->link = ep_calloc(1, sizeof *c->link);
    if (!c->link)
        return false;
    c->link->events = &link_events;
    c->link->user = d;
    c->link->direct = c->endpoint.direct;
    c->link->preface = d->config->preface;
    c->link->preface_user = d->config->preface_user;
    ep_log_line(d->config->log, EP_LOG_DEBUG, "net", "attempt %d: %s, port %u, %s", i + 1,
                c->address.family == AF_INET6 ? "IPv6" : "IPv4", c->endpoint.port,
                c->endpoint.direct ? "direct TLS" : "STARTTLS");
    int e = ep_link_connect(c->link, d->loop, &c->address, c->endpoint.port, &options);
    if (e < 0) {
        ep_error error;
        ep_fail(&error, EPODE_ECONNECT, -e, "no connection: %s", strerror(-e));
        attempt_failed(d, i, &error);
    }
    return true;
}

/* Nothing runs, nothing is left: were we working from memory, DNS is asked before giving up. */
static void exhausted(ep_dial *d)
{
    if (d->lookup.pending > 0)
        return;
    if (!d->refreshed) {
        d->refreshed = true;
        d->ordered = false;
        update(d);
        return;
    }
    lose_all(d);
}

static void step(ep_dial *d)
{
    int i;
    int64_t until_us;
    while (!d->over && !(d->events->on_try && d->race.running)) {
        switch (ep_race_next(&d->race, ep_loop_now_us(d->loop), &i, &until_us)) {
        case EP_RACE_START:
            if (d->events->on_try) {
                d->events->on_try(d->user, &d->candidate[i]);
                return;
            }
            if (!start_link(d, i)) {
                ep_dial_lose_memory(d);
                return;
            }
            break;
        case EP_RACE_WAIT:
            ep_timer_set(ep_loop_timers(d->loop), &d->step_timer, until_us);
            return;
        case EP_RACE_IDLE:
            ep_timer_stop(&d->step_timer);
            if (!d->race.running)
                exhausted(d);
            return;
        }
    }
}

static void on_step(ep_timer *timer, int64_t now_us, void *user)
{
    (void)timer;
    (void)now_us;
    step(user);
}

static epode_status make_tls(ep_link *link, ep_tls **out, void *user, ep_error *error)
{
    ep_dial *d = user;
    SSL_SESSION *session = NULL;
    STACK_OF(X509) *chain = NULL;
    /* One attempt, once: the first that gets as far as TLS. */
    if (d->config->ticket && !d->ticket_taken) {
        ep_error why;
        d->ticket_taken = true;
        if (ep_ticket_import(&session, &chain, d->trust, d->config->ticket, d->config->ticket_n,
                             ep_loop_wall_ms(), &why) != EPODE_OK)
            d->events->on_ticket_refused(d->user, &why);
        if (session)
            d->ticketed = link;
        if (d->over) {
            SSL_SESSION_free(session);
            sk_X509_pop_free(chain, X509_free);
            return ep_fail(error, EPODE_ECANCELLED, 0, "cancelled");
        }
    }
    epode_status status = ep_tls_new(out, d->trust, session, chain);
    return status == EPODE_OK ? status : ep_fail(error, status, 0, "out of memory");
}

static void on_progress(ep_link *link, void *user)
{
    ep_dial *d = user;
    ep_race_progress(&d->race, index_of(d, link), ep_loop_now_us(d->loop));
    step(d);
}

static void on_early(ep_link *link, size_t room, ep_buf *out, void *user)
{
    ep_dial *d = user;
    d->events->on_early(d->user, link, room, out);
    if (!d->over && out->len)
        d->early = link;
}

static void note_winner(ep_dial *d, const ep_candidate *c)
{
    ep_good good = {
        .known = true, .direct = c->endpoint.direct, .port = c->endpoint.port, .address = c->address
    };
    memcpy(good.host, c->endpoint.host, sizeof good.host);
    if (!ep_dial_is_good(d, &c->endpoint, &c->address))
        d->lookup.changed = true;
    d->lookup.facts.good = good;
}

static void win(ep_dial *d, ep_link *link)
{
    ep_candidate *c = &d->candidate[index_of(d, link)];
    note_winner(d, c);
    c->link = NULL; /* the owner's now */
    end(d);
    d->events->on_won(d->user, link, c);
}

/* Two logins at once would disturb each other: what went with a ClientHello is given time to be answered. */
static void on_up(ep_link *link, void *user)
{
    ep_dial *d = user;
    if (!d->early || d->early == link) {
        win(d, link);
        return;
    }
    ep_link_pause(link, true);
    if (d->held)
        return;
    d->held = link;
    ep_timer_set(ep_loop_timers(d->loop), &d->hold_timer, ep_loop_now_us(d->loop) + HOLD_US);
}

static void let_go(ep_dial *d)
{
    ep_link *link = d->held;
    ep_timer_stop(&d->hold_timer);
    d->held = NULL;
    if (!link || d->over)
        return;
    win(d, link);
    ep_link_pause(link, false);
}

static void on_held(ep_timer *timer, int64_t now_us, void *user)
{
    (void)timer;
    (void)now_us;
    let_go(user);
}

static void on_link_data(ep_link *link, const char *data, size_t n, void *user)
{
    (void)link, (void)data, (void)n, (void)user;
}

static void on_sent(ep_link *link, void *user)
{
    (void)link, (void)user;
}

/* A ticket that cannot be used costs a full handshake, in the same attempt; but there are servers that end the handshake
 * for it (OpenSSL without a session id context): the same address once more, then, and without one. */
static void without_ticket(ep_dial *d, int i, const ep_error *error)
{
    d->events->on_ticket_refused(d->user, error);
    if (d->over)
        return;
    d->spent = d->ticketed;
    d->refused_us = ep_loop_now_us(d->loop);
    ep_race_progress(&d->race, i, ep_loop_now_us(d->loop));
    if (!start_link(d, i))
        ep_dial_lose_memory(d);
}

static void on_link_closed(ep_link *link, const ep_error *error, void *user)
{
    ep_dial *d = user;
    const int i = index_of(d, link);
    const bool again = link == d->ticketed && ep_tls_is_alert(error);
    ep_log_line(d->config->log, EP_LOG_DEBUG, "net", "attempt %d: %s", i + 1, error->text);
    if (!again)
        attempt_failed(d, i, error);
    if (d->held == link)
        d->held = NULL;
    if (d->early == link) {
        d->early = NULL;
        let_go(d);
    }
    if (again && !d->over)
        without_ticket(d, i, error);
    step(d);
}

static const ep_link_events link_events = { make_tls,     on_progress, on_early, on_up,
                                            on_link_data, on_sent,     on_link_closed };

/* --- attempts of somebody else's ------------------------------------------------------ */

static int running(const ep_dial *d)
{
    for (int i = 0; i < d->race.n; i++)
        if (d->race.racer[i].state == EP_RACER_RUNNING)
            return i;
    return -1;
}

void ep_dial_try_progress(ep_dial *d)
{
    const int i = running(d);
    if (i >= 0)
        d->candidate[i].tcp_us = ep_loop_now_us(d->loop);
}

void ep_dial_try_failed(ep_dial *d, const ep_error *error)
{
    const int i = running(d);
    if (i < 0 || d->over)
        return;
    attempt_failed(d, i, error);
    step(d);
}

const ep_candidate *ep_dial_try_won(ep_dial *d)
{
    const int i = running(d);
    if (i < 0 || d->over)
        return NULL;
    note_winner(d, &d->candidate[i]);
    end(d);
    return &d->candidate[i];
}

/* --- answers
 * ------------------------------------------------------------------------------------------- */

static void update(ep_dial *d)
{
    if (d->over || !ep_dial_order(d))
        return;
    for (int rank = 0; rank < d->endpoints.n && !d->over; rank++)
        if (!ep_dial_add_candidates(d, rank))
            return;
    step(d);
}

static void on_gathered(ep_timer *timer, int64_t now_us, void *user)
{
    (void)timer;
    (void)now_us;
    update(user);
}

static void on_answer(void *user)
{
    ep_dial *d = user;
    if (!d->over)
        update(d);
    else if (!d->lookup.pending)
        d->events->on_facts(d->user);
}

/* --- life ---------------------------------------------------------------------------- */

void ep_dial_start(ep_dial *d)
{
    const ep_net_config *c = d->config;
    d->want = c->tls == EP_TLS_DIRECT     ? 1u << EP_DIRECT
              : c->tls == EP_TLS_STARTTLS ? 1u << EP_STARTTLS
                                          : 1u << EP_DIRECT | 1u << EP_STARTTLS;
    ep_address literal;
    d->by_host = c->host || c->port || ep_address_parse(&literal, c->domain);
    d->start_us = ep_loop_now_us(d->loop);
    ep_race_init(&d->race);
    d->lookup.loop = d->loop;
    d->lookup.log = c->log;
    d->lookup.domain = c->domain;
    d->lookup.servers = c->dns_server;
    d->lookup.on_answer = on_answer;
    d->lookup.user = d;
    ep_lookup_init(&d->lookup);
    d->step_timer = (ep_timer){ .fire = on_step, .user = d };
    d->gather_timer = (ep_timer){ .fire = on_gathered, .user = d };
    d->hold_timer = (ep_timer){ .fire = on_held, .user = d };
    d->deadline = (ep_timer){ .fire = on_deadline, .user = d };
    ep_timer_set(ep_loop_timers(d->loop), &d->deadline,
                 c->deadline_us ? c->deadline_us : d->start_us + 60000000);
    update(d);
}

void ep_dial_stop(ep_dial *d)
{
    end(d);
    ep_lookup_close(&d->lookup);
}

void ep_dial_free(ep_dial *d)
{
    ep_dial_stop(d);
    for (int i = 0; i < d->race.n; i++)
        ep_free(d->candidate[i].link);
    ep_free(d->spent);
}
