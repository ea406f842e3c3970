/* pick.h: where to connect, for somebody who connects by other means: one address after the other, in the order of the
 * race (net.h), from what is remembered and what DNS says. */
#ifndef EP_PICK_H
#define EP_PICK_H

#include "net/net.h"

typedef struct ep_pick ep_pick;

/* All are called from the loop's dispatch, or from within ep_pick_failed(); in each the pick may be freed. */
typedef struct ep_pick_events {
    /* The next one; the address is text. Strings live until the pick is freed. */
    void (*on_try)(void *user, const char *address, uint16_t port, bool direct);
    void (*on_dns)(void *user, const void *facts, size_t n, int64_t expires_wall_ms); /* as in ep_net_events */
    void (*on_lost)(void *user, const ep_error *error); /* the last event: no address is left, or the time is over */
} ep_pick_events;

/* Of config: domain, host, port, tls, dns_server, deadline_us and dns_facts count; strings are borrowed until the pick is
 * freed. EPODE_ENOMEM, EPODE_EINVAL. */
epode_status ep_pick_new(ep_pick **out, ep_loop *loop, const ep_net_config *config, const ep_pick_events *events,
                         void *user);
void ep_pick_free(ep_pick *pick); /* NULL is fine */

void ep_pick_tcp_up(ep_pick *pick);
void ep_pick_failed(ep_pick *pick, const ep_error *why);
/* Fills host, port, address, direct, the attempts, and DNS and TCP of the timeline. What DNS still has to say is told.
 * False: nothing was being tried. */
bool ep_pick_won(ep_pick *pick, ep_net_info *info);

#endif
