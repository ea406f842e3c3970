/* pick.c: a dial without links. */
#include "net/pick.h"

#include <string.h>

#include "base/alloc.h"
#include "net/dial.h"

struct ep_pick {
    ep_net_config config;
    const ep_pick_events *events;
    void *user;
    ep_dial dial;
    char address[64], domain[EP_NAME_BYTES], host[EP_NAME_BYTES];
    int64_t try_us;
    bool freed;
    ep_job start, tell, destroy;
};

static void on_try(void *user, const ep_candidate *c)
{
    ep_pick *p = user;
    ep_address_print(&c->address, p->address);
    p->try_us = ep_loop_now_us(p->dial.loop);
    p->events->on_try(p->user, p->address, c->endpoint.port, c->endpoint.direct);
}

static void tell_facts(ep_job *job, void *user)
{
    ep_pick *p = user;
    ep_buf text = EP_BUF_INIT;
    int64_t expires_ms;
    (void)job;
    if (!p->dial.lookup.changed)
        return;
    p->dial.lookup.changed = false;
    ep_facts_write(&p->dial.lookup.facts, &text, &expires_ms);
    if (!text.failed)
        p->events->on_dns(p->user, ep_buf_ptr(&text), text.len, expires_ms);
    ep_buf_free(&text);
}

static void on_lost(void *user, const ep_error *error)
{
    ep_pick *p = user;
    tell_facts(&p->tell, p);
    if (!p->freed)
        p->events->on_lost(p->user, error);
}

static void on_facts(void *user)
{
    ep_pick *p = user;
    ep_loop_defer(p->dial.loop, &p->tell);
}

static const ep_dial_events dial_events = { .on_lost = on_lost, .on_facts = on_facts, .on_try = on_try };

static void start(ep_job *job, void *user)
{
    (void)job;
    ep_dial_start(&((ep_pick *)user)->dial);
}

static void destroy(ep_job *job, void *user)
{
    ep_pick *p = user;
    (void)job;
    ep_dial_free(&p->dial);
    ep_free(p);
}

/* As net.c has it: an IPv6 address may stand in brackets. False: no name at all. */
static bool copy_name(char *out, const char *name)
{
    const size_t n = name ? strlen(name) : 0;
    const bool bracketed = n > 2 && name[0] == '[' && name[n - 1] == ']';
    if (!n || n >= EP_NAME_BYTES || !(bracketed || ep_host_is_sane(name)))
        return false;
    memcpy(out, name + bracketed, n - 2 * bracketed);
    out[n - 2 * bracketed] = '\0';
    return true;
}

/* Endpoints with STARTTLS are not left out: who connects has words for it. */
static const ep_preface preface;

epode_status ep_pick_new(ep_pick **out, ep_loop *loop, const ep_net_config *config, const ep_pick_events *events,
                         void *user)
{
    *out = NULL;
    ep_pick *p = ep_calloc(1, sizeof *p);
    if (!p)
        return EPODE_ENOMEM;
    if (!copy_name(p->domain, config->domain) || (config->host && !copy_name(p->host, config->host))) {
        ep_free(p);
        return EPODE_EINVAL;
    }
    p->config = *config;
    p->config.domain = p->domain;
    p->config.host = config->host ? p->host : NULL;
    p->config.preface = &preface;
    p->config.dns_facts = NULL;
    p->config.ticket = NULL;
    p->events = events;
    p->user = user;
    p->dial.loop = loop;
    p->dial.config = &p->config;
    p->dial.events = &dial_events;
    p->dial.user = p;
    ep_facts_read(&p->dial.lookup.facts, config->dns_facts, config->dns_facts_n, ep_loop_wall_ms());
    p->start = (ep_job){ .run = start, .user = p };
    p->tell = (ep_job){ .run = tell_facts, .user = p };
    p->destroy = (ep_job){ .run = destroy, .user = p };
    ep_loop_defer(loop, &p->start);
    *out = p;
    return EPODE_OK;
}

void ep_pick_free(ep_pick *p)
{
    if (!p || p->freed)
        return;
    p->freed = true;
    ep_dial_stop(&p->dial);
    ep_job_cancel(&p->start);
    ep_job_cancel(&p->tell);
    /* What called us may stand on what is to be freed. */
    ep_loop_defer(p->dial.loop, &p->destroy);
}

void ep_pick_tcp_up(ep_pick *p)
{
    ep_dial_try_progress(&p->dial);
}

void ep_pick_failed(ep_pick *p, const ep_error *why)
{
    ep_dial_try_failed(&p->dial, why);
}

bool ep_pick_won(ep_pick *p, ep_net_info *info)
{
    const ep_candidate *c = ep_dial_try_won(&p->dial);
    if (!c)
        return false;
    info->host = c->endpoint.host;
    info->port = c->endpoint.port;
    info->direct = c->endpoint.direct;
    ep_address_print(&c->address, info->address);
    info->attempt_count = ep_dial_attempts(&p->dial, c, info->attempt, EP_NET_ATTEMPTS);
    ep_net_timeline *t = &info->timeline;
    t->start_us = p->dial.start_us;
    t->dns_us = c->dns_us;
    t->waits.dns = c->dns_waits;
    t->tcp_start_us = p->try_us;
    t->tcp_us = c->tcp_us;
    t->waits.tcp = 1;
    ep_loop_defer(p->dial.loop, &p->tell);
    return true;
}
