/* attempts.c: how the race went. */
#include <stdio.h>
#include <string.h>

#include "net/dial.h"

static void describe(ep_net_attempt *a, const ep_dial *d, int i, const ep_candidate *winner)
{
    const ep_candidate *c = &d->candidate[i];
    snprintf(a->host, sizeof a->host, "%.63s", c->endpoint.host);
    ep_address_print(&c->address, a->address);
    a->port = c->endpoint.port;
    a->direct = c->endpoint.direct;
    a->won = c == winner;
    a->start_us = d->race.racer[i].started_us;
    a->end_us = c->failed_us ? c->failed_us : ep_loop_now_us(d->loop);
    a->tcp_us = c->link ? c->link->timeline.tcp_us : c->tcp_us;
    memcpy(a->why, c->why, sizeof a->why);
}

int ep_dial_attempts(const ep_dial *d, const ep_candidate *winner, ep_net_attempt *out, int max)
{
    ep_net_attempt all[EP_RACE_MAX];
    int n = 0, won = 0;
    for (int i = 0; i < d->race.n; i++) {
        if (d->race.racer[i].state == EP_RACER_WAITING)
            continue;
        int at = n++;
        for (; at > 0 && all[at - 1].start_us > d->race.racer[i].started_us; at--)
            all[at] = all[at - 1];
        describe(&all[at], d, i, winner);
    }
    for (int i = 0; i < n; i++)
        if (all[i].won)
            won = i;
    /* Of too many the last ones are left out, but not the winner. */
    if (won >= max)
        all[max - 1] = all[won];
    n = n < max ? n : max;
    memcpy(out, all, (size_t)n * sizeof *out);
    return n;
}
