/* endpoint.c: RFC 6120 section 3.2, XEP-0368. */
#include "net/endpoint.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static void add(ep_endpoints *out, const char *host, uint16_t port, bool direct, unsigned round)
{
    if (out->n == EP_ENDPOINTS_MAX)
        return;
    ep_endpoint *e = &out->list[out->n++];
    memset(e, 0, sizeof *e);
    snprintf(e->host, sizeof e->host, "%s", host);
    e->port = port;
    e->direct = direct;
    e->round = round;
}

static void put_good_first(ep_endpoints *out, const ep_good *good)
{
    for (int i = 0; good->known && i < out->n; i++) {
        ep_endpoint e = out->list[i];
        if (strcasecmp(e.host, good->host) != 0 || e.port != good->port || e.direct != good->direct)
            continue;
        memmove(out->list + 1, out->list, sizeof e * (size_t)i);
        out->list[0] = e;
        return;
    }
}

typedef struct pool {
    int n;
    struct {
        const ep_srv *srv;
        bool direct;
        unsigned round;
    } item[EP_ENDPOINTS_MAX];
} pool;

static void drop(pool *p, int i)
{
    p->n--;
    memmove(p->item + i, p->item + i + 1, sizeof *p->item * (size_t)(p->n - i));
}

/* RFC 2782: of the lowest priority, zero weights first in the list; a random number up to the sum
 * of the weights picks the first whose running sum reaches it. */
static int pick(const pool *p, ep_chance *chance, void *user)
{
    unsigned lowest = UINT16_MAX + 1u;
    uint32_t sum = 0, run = 0;
    int last = 0;
    for (int i = 0; i < p->n; i++)
        if (p->item[i].srv->priority < lowest)
            lowest = p->item[i].srv->priority;
    for (int i = 0; i < p->n; i++)
        if (p->item[i].srv->priority == lowest)
            sum += p->item[i].srv->weight;
    const uint32_t at = chance(sum + 1, user);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < p->n; i++) {
            const ep_srv *srv = p->item[i].srv;
            if (srv->priority != lowest || (srv->weight == 0) != (pass == 0))
                continue;
            run += srv->weight;
            if (run >= at)
                return i;
            last = i;
        }
    return last;
}

static epode_status nothing(const ep_facts *facts, unsigned want, ep_error *error)
{
    bool failed = false;
    for (int kind = 0; kind < 2; kind++)
        if (want & 1u << kind && facts->srv[kind].answer == EP_ANSWER_FAILED)
            failed = true;
    if (failed)
        return ep_fail(error, EPODE_EDNS, 0, "DNS could not say where the domain's servers are");
    ep_fail(error, EPODE_EDNS, 0, "the domain says that it offers no %s",
            want == 1u << EP_DIRECT ? "client service with direct TLS" : "client service");
    ep_error_set_final(error, true);
    return EPODE_EDNS;
}

epode_status ep_endpoints_from_srv(ep_endpoints *out, const ep_facts *facts, const char *domain,
                                   unsigned want, ep_chance *chance, void *user, ep_error *error)
{
    pool p = { 0 };
    bool all_none = true, waiting = false;
    unsigned round = 0;
    out->n = 0;
    for (int kind = 0; kind < 2; kind++) {
        const ep_srv_set *set = &facts->srv[kind];
        if (!(want & 1u << kind))
            continue;
        waiting = waiting || set->answer == EP_ANSWER_UNKNOWN;
        all_none = all_none && set->answer == EP_ANSWER_NONE;
        round = set->round > round ? set->round : round;
        for (int i = 0; i < set->n && set->answer == EP_ANSWER_OK; i++, p.n++) {
            p.item[p.n].srv = &set->records[i];
            p.item[p.n].direct = kind == EP_DIRECT;
            p.item[p.n].round = set->round;
        }
    }
    while (p.n > 0) {
        int i = pick(&p, chance, user);
        const ep_srv *srv = p.item[i].srv;
        add(out, srv->host, srv->port, p.item[i].direct, p.item[i].round);
        drop(&p, i);
    }
    /* Only where no SRV record exists: a domain with "." has said no (XEP-0368), a failed lookup
     * says nothing. */
    if (!out->n && all_none && want & 1u << EP_STARTTLS)
        add(out, domain, 5222, false, round);
    put_good_first(out, &facts->good);
    if (out->n)
        return EPODE_OK;
    return waiting ? EPODE_AGAIN : nothing(facts, want, error);
}

void ep_endpoints_from_host(ep_endpoints *out, const ep_facts *facts, const char *host,
                            uint16_t port, unsigned want)
{
    const bool both = want == (1u << EP_DIRECT | 1u << EP_STARTTLS);
    out->n = 0;
    if (both && (port == 443 || port == 5223))
        want = 1u << EP_DIRECT;
    if (both && port == 5222) /* registered for it: direct TLS is the odd case there */
        add(out, host, port, false, 0);
    if (want & 1u << EP_DIRECT)
        add(out, host, port ? port : 5223, true, 0);
    if (want & 1u << EP_STARTTLS && !(both && port == 5222))
        add(out, host, port ? port : 5222, false, 0);
    put_good_first(out, &facts->good);
}
