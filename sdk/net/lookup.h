/* lookup.h: the questions of one connect, and the facts that the answers make. What is remembered
 * and fresh is not asked; what is stale stays usable until its answer comes. */
#ifndef EP_LOOKUP_H
#define EP_LOOKUP_H

#include "net/facts.h"
#include "net/resolver.h"

typedef struct ep_lookup ep_lookup;

typedef struct ep_asked {
    ep_lookup *lookup;
    int host, index; /* host < 0: SRV; index: kind or family, as in facts.h */
    unsigned round;
    bool ever, pending;
} ep_asked;

struct ep_lookup {
    ep_loop *loop;
    ep_resolver *resolver;
    const ep_log *log;
    const char *domain, *servers;  /* borrowed */
    void (*on_answer)(void *user); /* after each one */
    void *user;
    ep_facts facts;
    bool srv_changed; /* for the owner to clear */
    bool changed;
    int pending;
    int native; /* of the last that failed */
    ep_asked srv[2], hosts[EP_HOSTS_MAX][2];
};

/* Zeroed, and the borrowed fields, the callback and the facts set. */
void ep_lookup_init(ep_lookup *l);
void ep_lookup_close(ep_lookup *l); /* drops what is asked */

/* Asks for the SRV records of the wanted kinds that are not fresh; all of them if again. */
epode_status ep_lookup_srv(ep_lookup *l, unsigned want, bool again);
/* Asks for a host's addresses in the same way. round: of questions. NULL: no room. */
ep_host *ep_lookup_host(ep_lookup *l, const char *name, unsigned round, bool again,
                        epode_status *status);
/* Families (EP_RACE_V4, EP_RACE_V6) whose answer is to come. */
unsigned ep_lookup_pending(const ep_lookup *l, const char *name);

#endif
