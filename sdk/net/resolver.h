/* resolver.h: DNS questions on the loop; one answer each. */
#ifndef EP_RESOLVER_H
#define EP_RESOLVER_H

#include "base/log.h"
#include "loop/loop.h"
#include "net/facts.h"

typedef struct ep_resolver ep_resolver;

typedef struct ep_reply {
    ep_answer answer;
    int64_t ttl_s;   /* also of "there is none" (RFC 2308) */
    int native;      /* c-ares' status */
    bool from_hosts; /* /etc/hosts, or a name that is special (RFC 6761) */
    int n;           /* of srv or address, by what was asked */
    ep_srv srv[EP_SRV_MAX];
    ep_address address[EP_ADDRESSES_MAX];
} ep_reply;

/* Never called from inside of the question. The resolver may be freed in it. */
typedef void ep_reply_fn(void *user, const ep_reply *reply);

/* servers: NULL for the system's, else "ADDR", "ADDR:PORT" or "[v6]:PORT", comma separated.
 * EPODE_EINVAL: not that; EPODE_EDNS: no channel; EPODE_ENOMEM. */
epode_status ep_resolver_new(ep_resolver **out, ep_loop *loop, const char *servers,
                             const ep_log *log);
void ep_resolver_free(ep_resolver *resolver); /* drops what is asked; NULL is fine */

epode_status ep_resolver_ask_srv(ep_resolver *r, const char *name, ep_reply_fn *done, void *user);
/* Addresses of one family: AF_INET or AF_INET6. */
epode_status ep_resolver_ask_address(ep_resolver *r, const char *name, int family,
                                     ep_reply_fn *done, void *user);

#endif
