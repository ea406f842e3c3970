/* endpoint.h: from facts to what to try, in order. Pure: no I/O, chance is an argument. */
#ifndef EP_ENDPOINT_H
#define EP_ENDPOINT_H

#include "base/error.h"
#include "net/facts.h"

enum { EP_ENDPOINTS_MAX = 2 * EP_SRV_MAX };

typedef struct ep_endpoint {
    char host[EP_NAME_BYTES];
    uint16_t port;
    bool direct;
    unsigned round; /* of queries: see facts.h */
} ep_endpoint;

typedef struct ep_endpoints {
    int n;
    ep_endpoint list[EP_ENDPOINTS_MAX];
} ep_endpoints;

/* 0 <= result < n. */
typedef uint32_t ep_chance(uint32_t n, void *user);

/* Both kinds' SRV records as one set (XEP-0368 section 3), by priority and by weight within one
 * (RFC 2782); want: bit 1 << EP_STARTTLS, bit 1 << EP_DIRECT. Where there is no SRV record at all,
 * the domain's own port 5222 with STARTTLS (RFC 6120 3.2.2). What worked last goes first.
 * EPODE_AGAIN: an answer is missing and nothing can be said yet (waited for by the caller, unless
 * the other kind gave something already). EPODE_EDNS: nothing to try: a lookup failed, or (final)
 * the domain offers no such service. */
epode_status ep_endpoints_from_srv(ep_endpoints *out, const ep_facts *facts, const char *domain,
                                   unsigned want, ep_chance *chance, void *user, ep_error *error);

/* For a host that was given instead. port 0: 5223 for direct TLS, 5222 for STARTTLS; a given port
 * with both wanted: 443 and 5223 mean direct TLS; on any other both are tried: first what was last
 * good there, else STARTTLS on 5222 and direct TLS elsewhere. */
void ep_endpoints_from_host(ep_endpoints *out, const ep_facts *facts, const char *host,
                            uint16_t port, unsigned want);

#endif
