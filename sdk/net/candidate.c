/* candidate.c: answers into endpoints, and their addresses into candidates of the race. */
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/rand.h"
#include "net/dial.h"

static uint32_t chance(uint32_t n, void *user)
{
    (void)user;
    return ep_rand_below(n);
}

bool ep_dial_is_good(const ep_dial *d, const ep_endpoint *e, const ep_address *address)
{
    const ep_good *good = &d->lookup.facts.good;
    return good->known && good->port == e->port && good->direct == e->direct &&
           strcasecmp(good->host, e->host) == 0 && ep_address_equal(&good->address, address);
}

static void add_candidate(ep_dial *d, int rank, const ep_address *address, unsigned round)
{
    const ep_endpoint *e = &d->endpoints.list[rank];
    for (int i = 0; i < d->race.n; i++) {
        const ep_candidate *c = &d->candidate[i];
        if (c->endpoint.port == e->port && c->endpoint.direct == e->direct &&
            strcasecmp(c->endpoint.host, e->host) == 0 && ep_address_equal(&c->address, address)) {
            d->race.racer[i].rank = rank;
            return;
        }
    }
    const int i = ep_race_add(&d->race, rank, address->family == AF_INET6 ? EP_RACE_V6 : EP_RACE_V4,
                              ep_dial_is_good(d, e, address), ep_loop_now_us(d->loop));
    if (i < 0)
        return;
    d->candidate[i].endpoint = *e;
    d->candidate[i].address = *address;
    d->candidate[i].dns_waits = round > e->round ? round : e->round;
    d->candidate[i].dns_us = ep_loop_now_us(d->loop);
}

bool ep_dial_add_candidates(ep_dial *d, int rank)
{
    const ep_endpoint *e = &d->endpoints.list[rank];
    ep_address literal;
    epode_status status;
    if (!e->direct && !d->config->preface)
        return true;
    if (ep_address_parse(&literal, e->host)) {
        add_candidate(d, rank, &literal, 0);
        return true;
    }
    const ep_host *host = ep_lookup_host(&d->lookup, e->host, e->round + 1, d->refreshed, &status);
    if (status == EPODE_ENOMEM) {
        ep_dial_lose_memory(d);
        return false;
    }
    if (status != EPODE_OK)
        ep_fail(&d->dns_error, EPODE_EDNS, 0, "there is no name server that could be asked");
    for (int v = 1; host && v >= 0; v--)
        for (int i = 0; i < host->v[v].n; i++)
            add_candidate(d, rank, &host->v[v].list[i], host->v[v].round);
    ep_race_pending(&d->race, rank, ep_lookup_pending(&d->lookup, e->host));
    return true;
}

/* The two kinds of SRV records are asked at once; the one that answers first waits a moment for the
 * other, so that the order is right, but not for a name server that lost a packet. */
static bool is_gathering(ep_dial *d)
{
    const ep_asked *asked = d->lookup.srv;
    const int64_t now = ep_loop_now_us(d->loop);
    bool missing = false, have = false;
    for (int kind = 0; kind < 2; kind++) {
        const ep_answer answer = d->lookup.facts.srv[kind].answer;
        missing = missing || (asked[kind].pending && answer == EP_ANSWER_UNKNOWN);
        have = have || answer == EP_ANSWER_OK;
    }
    if (!missing || !have)
        return missing;
    if (!d->gather_us) {
        d->gather_us = now + EP_RACE_RESOLUTION_US;
        ep_timer_set(ep_loop_timers(d->loop), &d->gather_timer, d->gather_us);
    }
    return now < d->gather_us;
}

bool ep_dial_order(ep_dial *d)
{
    const ep_net_config *c = d->config;
    if (d->ordered && !d->lookup.srv_changed)
        return true;
    if (d->by_host) {
        ep_endpoints_from_host(&d->endpoints, &d->lookup.facts, c->host ? c->host : c->domain,
                               c->port, d->want);
        d->ordered = true;
        return true;
    }
    const bool blank = !d->lookup.facts.srv[0].answer && !d->lookup.facts.srv[1].answer;
    epode_status status = ep_lookup_srv(&d->lookup, d->want, d->refreshed);
    /* Many domains are their own server: asking for its addresses along with SRV saves them a
     * round. */
    if (status == EPODE_OK && blank)
        ep_lookup_host(&d->lookup, c->domain, 1, false, &status);
    if (status == EPODE_ENOMEM) {
        ep_dial_lose_memory(d);
        return false;
    }
    if (status != EPODE_OK)
        ep_fail(&d->dns_error, EPODE_EDNS, 0, "there is no name server that could be asked");
    if (is_gathering(d))
        return false;
    d->lookup.srv_changed = false;
    d->ordered = true;
    if (status == EPODE_OK)
        ep_endpoints_from_srv(&d->endpoints, &d->lookup.facts, c->domain, d->want, chance, NULL,
                              &d->dns_error);
    return true;
}
