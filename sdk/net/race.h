/* race.h: which address to try when (RFC 8305 over SRV targets and families). Sans I/O: the time
 * goes in, the next step comes out. The winner is whoever has TLS up first; that is the owner's to
 * see. */
#ifndef EP_RACE_H
#define EP_RACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    EP_RACE_MAX = 32,
    EP_RACE_RANKS = 16,
    EP_RACE_DELAY_US = 250000,      /* "Connection Attempt Delay", section 5 */
    EP_RACE_DELAY_MAX_US = 2000000, /* the same for a slow peer that shows life */
    EP_RACE_RESOLUTION_US = 50000   /* "Resolution Delay", section 3 */
};

enum { EP_RACE_V4 = 1, EP_RACE_V6 = 2 }; /* families, as bits */

typedef enum ep_racer_state { EP_RACER_WAITING, EP_RACER_RUNNING, EP_RACER_FAILED } ep_racer_state;

typedef struct ep_racer {
    ep_racer_state state;
    int rank; /* of its endpoint: lower goes first */
    unsigned family;
    bool good; /* worked last time: first of its endpoint */
    int64_t known_us, started_us;
} ep_racer;

typedef struct ep_race {
    ep_racer racer[EP_RACE_MAX];
    int n, running;
    unsigned pending[EP_RACE_RANKS]; /* families whose addresses are still asked for, by rank */
    int64_t next_us;                 /* not before this, while one runs */
    int newest;
    unsigned last_family;
} ep_race;

typedef enum ep_race_step {
    EP_RACE_START, /* start *racer, then ask again */
    EP_RACE_WAIT,  /* ask again at *until_us, or when something happened */
    EP_RACE_IDLE   /* nobody left to start */
} ep_race_step;

void ep_race_init(ep_race *race);
/* -1: full. */
int ep_race_add(ep_race *race, int rank, unsigned family, bool good, int64_t now_us);
void ep_race_pending(ep_race *race, int rank, unsigned families);
ep_race_step ep_race_next(ep_race *race, int64_t now_us, int *racer, int64_t *until_us);
/* TCP is up, or what came before TLS is done: a sign of life, which earns it another delay; on a
 * long path two round trips, so that distance alone starts no second attempt. */
void ep_race_progress(ep_race *race, int racer, int64_t now_us);
void ep_race_failed(ep_race *race, int racer, int64_t now_us);

#endif
