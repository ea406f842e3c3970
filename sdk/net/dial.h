/* dial.h: one connect: names, the race of addresses, and the first link that has TLS up. */
#ifndef EP_DIAL_H
#define EP_DIAL_H

#include "net/endpoint.h"
#include "net/link.h"
#include "net/lookup.h"
#include "net/race.h"

typedef struct ep_candidate {
    ep_endpoint endpoint;
    ep_address address;
    unsigned dns_waits;
    int64_t dns_us;
    ep_link *link; /* once started, where the link is ours */
    int64_t tcp_us, failed_us;
    char why[96]; /* it failed */
} ep_candidate;

typedef struct ep_dial_events {
    /* What is to leave with the ClientHello of the one attempt that has a ticket for it. */
    void (*on_early)(void *user, ep_link *link, size_t room, ep_buf *out);
    /* The link is the owner's from here on, also its events; what is written now rides with our
     * Finished. */
    void (*on_won)(void *user, ep_link *link, const ep_candidate *candidate);
    void (*on_lost)(void *user, const ep_error *error);
    void (*on_ticket_refused)(void *user, const ep_error *why);
    void (*on_facts)(void *user); /* the race was won, and now the last answer came, too */
    /* Somebody else connects: to one candidate after the other, and says how it went by ep_dial_try_*. NULL: links of
     * our own race. */
    void (*on_try)(void *user, const ep_candidate *candidate);
} ep_dial_events;

typedef struct ep_dial {
    ep_loop *loop;
    const ep_net_config *config; /* strings borrowed */
    const ep_dial_events *events;
    void *user;
    ep_trust *trust; /* borrowed */
    unsigned want;
    bool by_host, over, refreshed;
    bool ticket_taken;
    ep_link *ticketed; /* the attempt that has it */
    ep_link *spent;    /* the same, once it failed for that and was made anew */
    int64_t refused_us;
    ep_lookup lookup;
    ep_endpoints endpoints;
    bool ordered;      /* endpoints are made of the SRV records that are known */
    int64_t gather_us; /* until then the other kind's SRV answer is waited for; 0: not yet */
    ep_race race;
    ep_candidate candidate[EP_RACE_MAX];
    ep_timer step_timer, gather_timer, hold_timer, deadline;
    ep_link *early; /* its early data is out: the others hold back, for the server may be acting on it */
    ep_link *held;  /* has TLS up, and is not told of yet */
    ep_error worst, dns_error;
    int64_t start_us;
} ep_dial;

/* Zeroed; loop, config, events, user, trust and lookup.facts are set. Failures come by on_lost. */
void ep_dial_start(ep_dial *dial);
/* Closes every link but the one that was handed over, and all questions; no event follows. */
void ep_dial_stop(ep_dial *dial);
/* Where on_try connects: TCP is up; it failed, and the next one follows; all is up. */
void ep_dial_try_progress(ep_dial *dial);
void ep_dial_try_failed(ep_dial *dial, const ep_error *error);
const ep_candidate *ep_dial_try_won(ep_dial *dial); /* NULL: there was none */
/* Of the winner, when it has just won: all attempts in the order of their starts. */
int ep_dial_attempts(const ep_dial *dial, const ep_candidate *winner, ep_net_attempt *out, int max);
/* Frees what is inside; not from inside of its events. */
void ep_dial_free(ep_dial *dial);

/* --- within the dial: candidate.c ---------------------------------------------------- */

/* Asks for the SRV records that are missing and puts what is known in order. False: nothing to go
 * on with yet, or it is over. */
bool ep_dial_order(ep_dial *dial);
/* The addresses that are known of the endpoint at that rank; asks for those that are not. False: it
 * is over. */
bool ep_dial_add_candidates(ep_dial *dial, int rank);
/* Whether this is where the last connect ended well. */
bool ep_dial_is_good(const ep_dial *dial, const ep_endpoint *endpoint, const ep_address *address);
void ep_dial_lose_memory(ep_dial *dial);

#endif
