/* lookup.c: which questions, and what the answers change. */
#include "net/lookup.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "net/race.h"

static const char *const services[2] = { "_xmpp-client._tcp", "_xmpps-client._tcp" };

void ep_lookup_init(ep_lookup *l)
{
    for (int i = 0; i < 2; i++)
        l->srv[i] = (ep_asked){ .lookup = l, .host = -1, .index = i };
    for (int h = 0; h < EP_HOSTS_MAX; h++)
        for (int v = 0; v < 2; v++)
            l->hosts[h][v] = (ep_asked){ .lookup = l, .host = h, .index = v };
}

void ep_lookup_close(ep_lookup *l)
{
    ep_resolver_free(l->resolver);
    l->resolver = NULL;
    l->pending = 0;
}

static epode_status open_resolver(ep_lookup *l)
{
    return l->resolver ? EPODE_OK : ep_resolver_new(&l->resolver, l->loop, l->servers, l->log);
}

/* A failure changes nothing that is known. */
static bool is_news(const ep_reply *reply, ep_answer known)
{
    return reply->answer != EP_ANSWER_FAILED || known == EP_ANSWER_UNKNOWN;
}

static int64_t end_of(const ep_reply *reply)
{
    return ep_loop_wall_ms() + reply->ttl_s * 1000;
}

static void answered(ep_asked *asked, const ep_reply *reply)
{
    ep_lookup *l = asked->lookup;
    asked->pending = false;
    l->pending--;
    if (reply->answer == EP_ANSWER_FAILED)
        l->native = reply->native;
    else
        l->changed = true;
    l->on_answer(l->user);
}

static void srv_came(void *user, const ep_reply *reply)
{
    ep_asked *asked = user;
    ep_srv_set *set = &asked->lookup->facts.srv[asked->index];
    if (is_news(reply, set->answer)) {
        set->answer = reply->answer;
        set->expires_ms = end_of(reply);
        set->round = asked->round;
        set->n = reply->n;
        memcpy(set->records, reply->srv, sizeof set->records);
    }
    asked->lookup->srv_changed = true;
    answered(asked, reply);
}

static void address_came(void *user, const ep_reply *reply)
{
    ep_asked *asked = user;
    ep_address_set *set = &asked->lookup->facts.hosts[asked->host].v[asked->index];
    if (is_news(reply, set->answer)) {
        set->answer = reply->answer;
        set->expires_ms = end_of(reply);
        set->round = reply->from_hosts ? 0 : asked->round;
        set->n = reply->n;
        memcpy(set->list, reply->address, sizeof set->list);
    }
    answered(asked, reply);
}

static bool is_due(const ep_asked *asked, ep_answer known, int64_t expires_ms, bool again)
{
    if (asked->pending || asked->ever)
        return false;
    return again || known == EP_ANSWER_UNKNOWN || expires_ms <= ep_loop_wall_ms();
}

static void note_asked(ep_asked *asked, unsigned round)
{
    asked->round = round;
    asked->ever = asked->pending = true;
    asked->lookup->pending++;
}

epode_status ep_lookup_srv(ep_lookup *l, unsigned want, bool again)
{
    char name[EP_NAME_BYTES + 32];
    for (int kind = 0; kind < 2; kind++) {
        ep_srv_set *set = &l->facts.srv[kind];
        ep_asked *asked = &l->srv[kind];
        if (!(want & 1u << kind) || !is_due(asked, set->answer, set->expires_ms, again))
            continue;
        epode_status status = open_resolver(l);
        snprintf(name, sizeof name, "%s.%s", services[kind], l->domain);
        if (status == EPODE_OK)
            status = ep_resolver_ask_srv(l->resolver, name, srv_came, asked);
        if (status != EPODE_OK)
            return status;
        note_asked(asked, 1);
    }
    return EPODE_OK;
}

ep_host *ep_lookup_host(ep_lookup *l, const char *name, unsigned round, bool again,
                        epode_status *status)
{
    static const int family[2] = { AF_INET, AF_INET6 };
    ep_host *host = ep_facts_add_host(&l->facts, name);
    *status = EPODE_OK;
    for (int v = 1; host && v >= 0; v--) { /* AAAA first (RFC 8305 section 3) */
        ep_asked *asked = &l->hosts[host - l->facts.hosts][v];
        if (!is_due(asked, host->v[v].answer, host->v[v].expires_ms, again))
            continue;
        *status = open_resolver(l);
        if (*status == EPODE_OK)
            *status = ep_resolver_ask_address(l->resolver, name, family[v], address_came, asked);
        if (*status != EPODE_OK)
            return host;
        note_asked(asked, round);
    }
    return host;
}

unsigned ep_lookup_pending(const ep_lookup *l, const char *name)
{
    for (int h = 0; h < l->facts.hosts_n; h++)
        if (strcasecmp(l->facts.hosts[h].name, name) == 0)
            return (l->hosts[h][EP_V4].pending ? EP_RACE_V4 : 0u) |
                   (l->hosts[h][EP_V6].pending ? EP_RACE_V6 : 0u);
    return 0;
}
