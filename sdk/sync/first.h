/* first.h: what is remembered of an archive's first login: how far it still has to go back, and that the archive was held to
 * its end once while it was empty. */
#ifndef EP_SYNC_FIRST_H
#define EP_SYNC_FIRST_H

#include "store/archive.h"

/* What it may still get: messages, and how old (Unix ms, 0: no limit). */
epode_status ep_first_save(ep_store *store, const char *owner, unsigned budget, int64_t oldest_ms);
/* budget 0: it has all. */
epode_status ep_first_load(ep_store *store, const char *owner, unsigned *budget, int64_t *oldest_ms);
epode_status ep_first_over(ep_store *store, const char *owner);
/* Whether the archive was never held to its end before: what comes is history then. */
epode_status ep_first_is_new(ep_store *store, const char *owner, bool *is_new);
/* It is held to its end. */
epode_status ep_first_note(ep_store *store, int64_t archive, const char *owner);

#endif
