/* net.c: the object behind net.h: a dial, then a link. */
#include "net/net.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "net/dial.h"

enum { BACKLOG_MARK = 64 * 1024, GOODBYE_US = 1000000 };

struct ep_net {
    ep_transport transport;
    ep_loop *loop;
    const ep_net_events *events;
    void *user;
    ep_net_config config;
    char *domain, *host, *ca_file, *cert_file, *key_file, *account, *dns_server, *ticket;
    ep_trust *trust;
    ep_dial *dial; /* until the race and its questions are over */
    ep_link *link; /* the winner */
    ep_net_info info;
    char *info_host;
    bool freed;
    bool above; /* the backlog was above the mark */
    bool ended; /* closed is to be told, or was */
    bool told;
    bool writable_due, facts_due;
    ep_error closed;
    ep_timer goodbye;
    ep_job start, tell, destroy;
};

static const ep_link_events link_events;
static const ep_transport_ops transport_ops;

/* --- telling the owner --------------------------------------------------------------- */

/* What is due is told in the next dispatch: never from inside of a call of the owner's. */
static void tell_later(ep_net *net)
{
    if (!net->freed)
        ep_loop_next(net->loop, &net->tell);
}

static void tell_facts(ep_net *net)
{
    ep_buf text = EP_BUF_INIT;
    int64_t expires_ms;
    net->facts_due = false;
    if (!net->dial || !net->dial->lookup.changed || !net->events->on_dns)
        return;
    net->dial->lookup.changed = false;
    ep_facts_write(&net->dial->lookup.facts, &text, &expires_ms);
    if (!text.failed)
        net->events->on_dns(net->user, ep_buf_ptr(&text), text.len, expires_ms);
    ep_buf_free(&text);
}

static void free_dial(ep_net *net)
{
    if (!net->dial)
        return;
    ep_dial_free(net->dial);
    ep_free(net->dial);
    net->dial = NULL;
}

static void tell(ep_job *job, void *user)
{
    ep_net *net = user;
    (void)job;
    if (net->facts_due)
        tell_facts(net);
    if (!net->freed && net->dial && net->dial->over && !net->dial->lookup.pending)
        free_dial(net);
    if (!net->freed && net->writable_due && !net->ended) {
        net->writable_due = false;
        if (net->events->on_writable)
            net->events->on_writable(net->user);
    }
    if (!net->freed && net->ended && !net->told) {
        net->told = true;
        net->events->on_closed(net->user, &net->closed);
    }
}

static void end(ep_net *net, const ep_error *error)
{
    if (net->ended)
        return;
    net->ended = true;
    net->closed = *error;
    net->facts_due = true;
    ep_timer_stop(&net->goodbye);
    if (net->dial)
        ep_dial_stop(net->dial);
    if (net->link)
        ep_link_close(net->link);
    tell_later(net);
}

/* --- the race's events --------------------------------------------------------------- */

static bool fill_info(ep_net *net, const ep_candidate *c)
{
    ep_net_info *info = &net->info;
    ep_tls *tls = net->link->tls;
    net->info_host = ep_strdup(c->endpoint.host);
    if (!net->info_host)
        return false;
    info->tls_version = ep_tls_version(tls);
    info->cipher = ep_tls_cipher(tls);
    info->resumed = ep_tls_is_resumed(tls);
    info->early_sent = net->link->early;
    info->early_data = net->link->early && ep_tls_early_taken(tls);
    info->direct = c->endpoint.direct;
    info->names_others = net->trust->names_others;
    info->host = net->info_host;
    info->port = c->endpoint.port;
    ep_address_print(&c->address, info->address);
    info->cert_expires_wall_ms = ep_tls_certificate_end_ms(tls);
    info->timeline = net->link->timeline;
    info->attempt_count = ep_dial_attempts(net->dial, c, info->attempt, EP_NET_ATTEMPTS);
    for (int i = 0; i < info->attempt_count; i++)
        if (info->attempt[i].won)
            info->attempt[i].tcp_us = info->timeline.tcp_us;
    if (net->dial->spent) {
        info->refused = net->dial->spent->timeline;
        info->refused.tls_us = net->dial->refused_us;
        info->refused.waits.tls = 1;
        info->refused.up_bytes_in = info->refused.bytes_in;
        info->refused.up_bytes_out = info->refused.bytes_out;
    }
    info->timeline.up_bytes_in = info->timeline.bytes_in;
    info->timeline.up_bytes_out = info->timeline.bytes_out;
    info->timeline.start_us = net->dial->start_us;
    info->timeline.dns_us = c->dns_us;
    info->timeline.waits.dns = c->dns_waits;
    /* The answer to early data comes with the server's part of the handshake: it is waited for, not TLS. */
    if (info->early_data && info->timeline.waits.tls)
        info->timeline.waits.tls--;
    return true;
}

static void on_won(void *user, ep_link *link, const ep_candidate *candidate)
{
    ep_net *net = user;
    net->link = link;
    link->events = &link_events;
    link->user = net;
    if (!fill_info(net, candidate)) {
        ep_error error;
        ep_fail(&error, EPODE_ENOMEM, 0, "out of memory");
        end(net, &error);
        return;
    }
    net->facts_due = true;
    tell_later(net);
    if (net->events->on_up)
        net->events->on_up(net->user, &net->info);
}

static void on_early(void *user, ep_link *link, size_t room, ep_buf *out)
{
    ep_net *net = user;
    uint8_t end_point[EVP_MAX_MD_SIZE];
    size_t n;
    if (ep_tls_end_point(ep_tls_session_certificate(link->tls), end_point, sizeof end_point, &n) != EPODE_OK)
        n = 0;
    if (net->events->on_early)
        net->events->on_early(net->user, room, end_point, n, out);
}

static void on_lost(void *user, const ep_error *error)
{
    end(user, error);
}

static void on_ticket_refused(void *user, const ep_error *why)
{
    ep_net *net = user;
    ep_log_line(net->config.log, EP_LOG_INFO, "net", "%s", why->text);
    if (net->events->on_ticket_refused)
        net->events->on_ticket_refused(net->user, why);
}

static void on_facts(void *user)
{
    ep_net *net = user;
    net->facts_due = true;
    tell_later(net);
}

static const ep_dial_events dial_events = { on_early, on_won, on_lost, on_ticket_refused, on_facts, NULL };

/* --- the link's events --------------------------------------------------------------- */

static epode_status make_tls(ep_link *link, ep_tls **out, void *user, ep_error *error)
{
    (void)link, (void)out, (void)user;
    return ep_fail(error, EPODE_ESTATE, 0, "TLS is up already");
}

static void on_nothing(ep_link *link, void *user)
{
    (void)link, (void)user;
}

static void on_no_early(ep_link *link, size_t room, ep_buf *out, void *user)
{
    (void)link, (void)room, (void)out, (void)user;
}

static void count_bytes(ep_net *net)
{
    net->info.timeline.bytes_in = net->link->timeline.bytes_in;
    net->info.timeline.bytes_out = net->link->timeline.bytes_out;
}

static void tell_tickets(ep_net *net)
{
    ep_buf blob = EP_BUF_INIT;
    int64_t expires_ms;
    while (!net->freed && net->link->tls &&
           ep_tls_take_ticket(net->link->tls, &blob, &expires_ms)) {
        if (net->events->on_ticket)
            net->events->on_ticket(net->user, ep_buf_ptr(&blob), blob.len, expires_ms);
        ep_buf_wipe(&blob);
    }
}

static void on_data(ep_link *link, const char *data, size_t n, void *user)
{
    ep_net *net = user;
    (void)link;
    count_bytes(net);
    tell_tickets(net);
    if (!net->freed && !net->ended && n && net->events->on_data)
        net->events->on_data(net->user, data, n);
}

static void on_sent(ep_link *link, void *user)
{
    ep_net *net = user;
    count_bytes(net);
    if (net->above && ep_link_backlog(link) < net->config.backlog_mark) {
        net->above = false;
        net->writable_due = true;
        tell_later(net);
    }
}

static void on_closed(ep_link *link, const ep_error *error, void *user)
{
    ep_net *net = user;
    ep_error ok;
    /* Having said goodbye ourselves, we take any end for an answer. */
    ep_error_clear(&ok);
    end(net, link->said_goodbye ? &ok : error);
}

static const ep_link_events link_events = { make_tls, on_nothing, on_no_early, on_nothing,
                                            on_data,  on_sent,    on_closed };

/* --- life ---------------------------------------------------------------------------- */

static void on_goodbye_timeout(ep_timer *timer, int64_t now_us, void *user)
{
    ep_error ok;
    (void)timer;
    (void)now_us;
    ep_error_clear(&ok);
    end(user, &ok);
}

static void start(ep_job *job, void *user)
{
    ep_net *net = user;
    ep_error error;
    (void)job;
    if (ep_trust_new(&net->trust, net->domain, net->ca_file, &error) != EPODE_OK ||
        (net->cert_file &&
         ep_trust_identify(net->trust, net->cert_file, net->key_file, net->account, &error) != EPODE_OK)) {
        end(net, &error);
        return;
    }
    net->dial->trust = net->trust;
    ep_dial_start(net->dial);
}

static void destroy(ep_job *job, void *user)
{
    ep_net *net = user;
    (void)job;
    free_dial(net);
    ep_free(net->link);
    ep_trust_free(net->trust);
    ep_free(net->domain);
    ep_free(net->host);
    ep_free(net->ca_file);
    ep_free(net->cert_file);
    ep_free(net->key_file);
    ep_free(net->account);
    ep_free(net->dns_server);
    ep_free_secret(net->ticket, net->config.ticket_n);
    ep_free(net->info_host);
    ep_free(net);
}

/* An IPv6 address is written in brackets in a JID; certificates and sockets have it without. */
static char *copy_name(const char *name)
{
    const size_t n = name ? strlen(name) : 0;
    if (n > 2 && name[0] == '[' && name[n - 1] == ']')
        return ep_strndup(name + 1, n - 2);
    return ep_strdup(name);
}

static bool copy_config(ep_net *net, const ep_net_config *config)
{
    ep_net_config *c = &net->config;
    *c = *config;
    c->domain = net->domain = copy_name(config->domain);
    c->host = net->host = copy_name(config->host);
    c->ca_file = net->ca_file = ep_strdup(config->ca_file);
    c->cert_file = net->cert_file = ep_strdup(config->cert_file);
    c->key_file = net->key_file = ep_strdup(config->key_file);
    c->account = net->account = ep_strdup(config->account);
    c->dns_server = net->dns_server = ep_strdup(config->dns_server);
    c->ticket = net->ticket = config->ticket ? ep_malloc(config->ticket_n + 1) : NULL;
    if (net->ticket)
        memcpy(net->ticket, config->ticket, config->ticket_n);
    else
        c->ticket_n = 0;
    c->dns_facts = NULL;
    if (!c->backlog_mark)
        c->backlog_mark = BACKLOG_MARK;
    return net->domain && (net->host || !config->host) && (net->ca_file || !config->ca_file) &&
           (net->cert_file || !config->cert_file) && (net->key_file || !config->key_file) &&
           (net->account || !config->account) && (net->dns_server || !config->dns_server) && (net->ticket || !config->ticket);
}

static bool is_host(const char *name)
{
    const size_t n = name ? strlen(name) : 0;
    const bool bracketed = n > 2 && name[0] == '[' && name[n - 1] == ']';
    return n > 0 && (bracketed || ep_host_is_sane(name));
}

epode_status ep_net_connect(ep_net **out, ep_loop *loop, const ep_net_config *config,
                            const ep_net_events *events, void *user)
{
    *out = NULL;
    if (!is_host(config->domain) || (config->host && !is_host(config->host)) || !events->on_closed)
        return EPODE_EINVAL;
    ep_net *net = ep_calloc(1, sizeof *net);
    if (!net)
        return EPODE_ENOMEM;
    net->transport.ops = &transport_ops;
    net->loop = loop;
    net->events = events;
    net->user = user;
    net->dial = ep_calloc(1, sizeof *net->dial);
    if (!net->dial || !copy_config(net, config)) {
        ep_free(net->dial);
        net->dial = NULL;
        destroy(NULL, net);
        return EPODE_ENOMEM;
    }
    net->dial->loop = loop;
    net->dial->config = &net->config;
    net->dial->events = &dial_events;
    net->dial->user = net;
    ep_facts_read(&net->dial->lookup.facts, config->dns_facts, config->dns_facts_n,
                  ep_loop_wall_ms());
    net->start = (ep_job){ .run = start, .user = net };
    net->tell = (ep_job){ .run = tell, .user = net };
    net->destroy = (ep_job){ .run = destroy, .user = net };
    net->goodbye = (ep_timer){ .fire = on_goodbye_timeout, .user = net };
    ep_loop_defer(loop, &net->start);
    *out = net;
    return EPODE_OK;
}

void ep_net_free(ep_net *net)
{
    ep_error cancelled;
    if (!net || net->freed)
        return;
    net->freed = true;
    ep_fail(&cancelled, EPODE_ECANCELLED, 0, "cancelled");
    end(net, &cancelled);
    if (net->dial) /* questions that go on after the race */
        ep_dial_stop(net->dial);
    ep_job_cancel(&net->start);
    ep_job_cancel(&net->tell);
    /* What called us may stand on what is to be freed. */
    ep_loop_defer(net->loop, &net->destroy);
}

epode_status ep_net_write(ep_net *net, const void *data, size_t n)
{
    if (!net->link || net->ended)
        return EPODE_ESTATE;
    epode_status status = ep_link_write(net->link, data, n);
    if (status == EPODE_OK && ep_link_backlog(net->link) >= net->config.backlog_mark)
        net->above = true;
    return status;
}

void ep_net_flush(ep_net *net)
{
    if (net->link && !net->ended)
        ep_link_flush(net->link);
}

size_t ep_net_backlog(const ep_net *net)
{
    return net->link && !net->ended ? ep_link_backlog(net->link) : 0;
}

void ep_net_pause(ep_net *net, bool paused)
{
    if (net->link && !net->ended)
        ep_link_pause(net->link, paused);
}

void ep_net_hurry(ep_net *net, bool hurry)
{
    if (net->link)
        net->link->hurry = hurry;
}

void ep_net_close(ep_net *net, bool orderly)
{
    ep_error error;
    if (net->ended)
        return;
    if (orderly && net->link) {
        ep_timer_set(ep_loop_timers(net->loop), &net->goodbye,
                     ep_loop_now_us(net->loop) + GOODBYE_US);
        ep_link_goodbye(net->link);
        return;
    }
    ep_fail(&error, EPODE_ECANCELLED, 0, "cancelled");
    end(net, &error);
}

const ep_net_info *ep_net_get_info(const ep_net *net)
{
    return net->link && net->info_host ? &net->info : NULL;
}

epode_status ep_net_channel_binding(const ep_net *net, const char *type, uint8_t *out, size_t cap,
                                    size_t *n)
{
    *n = 0;
    if (!net->link || !net->link->tls)
        return EPODE_ESTATE;
    return ep_tls_binding(ep_tls_ssl(net->link->tls), type, out, cap, n);
}

/* --- as a transport ------------------------------------------------------------------- */

static void transport_free(ep_transport *t)
{
    ep_net_free((ep_net *)t);
}

static epode_status transport_write(ep_transport *t, const void *data, size_t n)
{
    return ep_net_write((ep_net *)t, data, n);
}

static void transport_flush(ep_transport *t)
{
    ep_net_flush((ep_net *)t);
}

static void transport_pause(ep_transport *t, bool paused)
{
    ep_net_pause((ep_net *)t, paused);
}

static void transport_hurry(ep_transport *t, bool hurry)
{
    ep_net_hurry((ep_net *)t, hurry);
}

static void transport_close(ep_transport *t, bool orderly)
{
    ep_net_close((ep_net *)t, orderly);
}

static const ep_net_info *transport_info(const ep_transport *t)
{
    return ep_net_get_info((const ep_net *)t);
}

static epode_status transport_channel_binding(const ep_transport *t, const char *type, uint8_t *out, size_t cap, size_t *n)
{
    return ep_net_channel_binding((const ep_net *)t, type, out, cap, n);
}

static const ep_transport_ops transport_ops = { transport_free,  transport_write, transport_flush, transport_pause,
                                                transport_hurry, transport_close, transport_info,  transport_channel_binding };

ep_transport *ep_net_transport(ep_net *net)
{
    return &net->transport;
}
