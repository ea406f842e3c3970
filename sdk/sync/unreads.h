/* unreads.h: what a server said is unread when it bound a resource (XEP-0386 0.1 to 0.3): how far each listed
 * conversation was read, and that nothing is unread in the others. */
#ifndef EP_SYNC_UNREADS_H
#define EP_SYNC_UNREADS_H

#include "store/conversation.h"
#include "xmpp/bound.h"

typedef struct ep_unreads {
    char **listed; /* bare JIDs */
    size_t count;
    char *latest;  /* it speaks of what is not newer than this archive id; NULL: nothing was said */
} ep_unreads;

/* Moves the positions of what is listed, and keeps in u what to do about the rest. ends->unreads NULL: nothing. */
epode_status ep_unreads_take(ep_unreads *u, ep_store *store, int64_t archive, const ep_archive_ends *ends,
                             ep_changes *changes);
/* The archive is held up to its end: what was not listed is read up to the latest id. Once. */
epode_status ep_unreads_settle(ep_unreads *u, ep_store *store, int64_t archive, ep_changes *changes);
void ep_unreads_free(ep_unreads *u);

#endif
