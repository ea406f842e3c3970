/* epode/blocking.h: whom the account's server keeps away (XEP-0191). The list is the server's: asked for in each session
 * with EPODE_BLOCK_LIST, or from the first call here on, where the server has one (epode_client_server_has(client,
 * "urn:xmpp:blocking")), and kept in the store. */
#ifndef EPODE_BLOCKING_H
#define EPODE_BLOCKING_H

#include "epode/send.h"
#include "epode/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Blocks JIDs: a whole domain, an account, or one resource. The server tells them that we went, and lets nothing through
 * in either direction. done (may be NULL) and id (may be NULL) as with epode_iq(). The store follows when the server has
 * told all devices: EPODE_EV_BLOCKING. EPODE_EINVAL: none, or one that is no JID; EPODE_ESTATE: not ready. */
EPODE_API epode_status epode_block(epode_client *client, const char *const *jids, size_t count, epode_iq_fn *done,
                                   void *user, uint64_t *id);
/* The way back; count 0: everybody. The same errors. */
EPODE_API epode_status epode_unblock(epode_client *client, const char *const *jids, size_t count, epode_iq_fn *done,
                                     void *user, uint64_t *id);

/* Calls each for every blocked JID, as the server last said, in the order of their octets, until it returns false.
 * EPODE_ESTORE*, EPODE_ENOMEM. */
EPODE_API epode_status epode_store_blocked(epode_store *store, bool (*each)(const char *jid, void *user), void *user);
/* Whether what comes from this JID is blocked: by itself, its account, its domain (XEP-0191, 5). EPODE_OK: yes;
 * EPODE_DONE: no; EPODE_EINVAL, EPODE_ESTORE*, EPODE_ENOMEM. */
EPODE_API epode_status epode_store_is_blocked(epode_store *store, const char *jid);

#ifdef __cplusplus
}
#endif
#endif
