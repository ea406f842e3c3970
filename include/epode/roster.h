/* epode/roster.h: the account's contacts: changing them, and who may see whom. Reading them: store.h. */
#ifndef EPODE_ROSTER_H
#define EPODE_ROSTER_H

#include "epode/send.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Adds a contact, or gives it another name and other groups: both are replaced as a whole (RFC 6121, 2.3 and 2.4). name
 * NULL or "": none. groups: group_count names, none empty; copied. done (may be NULL) and id (may be NULL) as with
 * epode_iq(). The store follows when the server has told all devices: EPODE_EV_ROSTER. EPODE_EINVAL: not a bare JID, or
 * our own; EPODE_ESTATE: not ready. */
EPODE_API epode_status epode_roster_set(epode_client *client, const char *jid, const char *name,
                                        const char *const *groups, size_t group_count, epode_iq_fn *done, void *user,
                                        uint64_t *id);
/* Takes a contact out of the roster, which ends both subscriptions (RFC 6121, 2.5). The same errors. */
EPODE_API epode_status epode_roster_remove(epode_client *client, const char *jid, epode_iq_fn *done, void *user,
                                           uint64_t *id);

/* Asks for a subscription, approves or ends one (RFC 6121, 3): see epode_subscription_step. What the other side does is
 * told by EPODE_EV_SUBSCRIPTION, what becomes of the roster by EPODE_EV_ROSTER. The same errors. */
EPODE_API epode_status epode_roster_subscription(epode_client *client, const char *jid, epode_subscription_step step);

#ifdef __cplusplus
}
#endif
#endif
