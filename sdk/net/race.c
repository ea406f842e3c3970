/* race.c: the order and the pace of attempts. */
#include "net/race.h"

#include <string.h>

void ep_race_init(ep_race *race)
{
    memset(race, 0, sizeof *race);
    race->newest = -1;
}

int ep_race_add(ep_race *race, int rank, unsigned family, bool good, int64_t now_us)
{
    if (race->n == EP_RACE_MAX || rank >= EP_RACE_RANKS)
        return -1;
    ep_racer *r = &race->racer[race->n];
    *r = (ep_racer){ .rank = rank, .family = family, .good = good, .known_us = now_us };
    return race->n++;
}

void ep_race_pending(ep_race *race, int rank, unsigned families)
{
    if (rank < EP_RACE_RANKS)
        race->pending[rank] = families;
}

/* When it may go although what would be better is still asked for. */
static int64_t ripe_at(const ep_race *race, const ep_racer *r)
{
    bool better = r->family == EP_RACE_V4 && race->pending[r->rank] & EP_RACE_V6;
    for (int rank = 0; rank < r->rank; rank++)
        better = better || race->pending[rank];
    return better ? r->known_us + EP_RACE_RESOLUTION_US : r->known_us;
}

/* Endpoints in their order; in one the address that was good, then the families in turn, IPv6 first
 * (section 4). */
static bool goes_before(const ep_race *race, const ep_racer *a, const ep_racer *b)
{
    const unsigned turn = race->last_family == EP_RACE_V6 ? EP_RACE_V4 : EP_RACE_V6;
    if (a->rank != b->rank)
        return a->rank < b->rank;
    if (a->good != b->good)
        return a->good;
    return a->family == turn && b->family != turn;
}

static int best_of(const ep_race *race, int64_t now_us, int64_t *ripe_us)
{
    int best = -1;
    *ripe_us = INT64_MAX;
    for (int i = 0; i < race->n; i++) {
        const ep_racer *r = &race->racer[i];
        if (r->state != EP_RACER_WAITING)
            continue;
        const int64_t ripe = ripe_at(race, r);
        if (ripe < *ripe_us)
            *ripe_us = ripe;
        if (ripe <= now_us && (best < 0 || goes_before(race, r, &race->racer[best])))
            best = i;
    }
    return best;
}

ep_race_step ep_race_next(ep_race *race, int64_t now_us, int *racer, int64_t *until_us)
{
    int64_t ripe_us;
    const int best = best_of(race, now_us, &ripe_us);
    *racer = best;
    *until_us = INT64_MAX;
    if (ripe_us == INT64_MAX)
        return EP_RACE_IDLE;
    if (best < 0 || (race->running > 0 && now_us < race->next_us)) {
        *until_us = race->running > 0 && race->next_us > ripe_us ? race->next_us : ripe_us;
        return EP_RACE_WAIT;
    }
    ep_racer *r = &race->racer[best];
    r->state = EP_RACER_RUNNING;
    r->started_us = now_us;
    race->last_family = r->family;
    race->newest = best;
    race->running++;
    race->next_us = now_us + EP_RACE_DELAY_US;
    return EP_RACE_START;
}

void ep_race_progress(ep_race *race, int racer, int64_t now_us)
{
    int64_t delay = 2 * (now_us - race->racer[racer].started_us);
    if (delay < EP_RACE_DELAY_US)
        delay = EP_RACE_DELAY_US;
    if (delay > EP_RACE_DELAY_MAX_US)
        delay = EP_RACE_DELAY_MAX_US;
    if (race->racer[racer].state == EP_RACER_RUNNING && now_us + delay > race->next_us)
        race->next_us = now_us + delay;
}

void ep_race_failed(ep_race *race, int racer, int64_t now_us)
{
    if (race->racer[racer].state != EP_RACER_RUNNING)
        return;
    race->racer[racer].state = EP_RACER_FAILED;
    race->running--;
    if (racer == race->newest)
        race->next_us = now_us;
}
