/* settled.h: archives that are not only appended to. Some servers give a message its id and time when they route it, and
 * insert its row later, so that a page can reach the end and yet lack rows with smaller ids than its last one. What was
 * younger than a few seconds when it was read, as the server's own stamps say, is therefore read again by the next
 * catch-up. The place from which on is a fact: a kill in between forgets nothing. */
#ifndef EP_SYNC_SETTLED_H
#define EP_SYNC_SETTLED_H

#include "store/archive.h"

#define EP_SETTLED_AFTER_MS 10000

/* The archive id from which on the next catch-up reads, appended to id; it stays that until it is moved. *end_ms: the
 * stamp of what is held last, 0: unknown. EPODE_DONE: nothing is held. */
epode_status ep_settled_from(ep_store *store, int64_t archive, const char *owner, ep_buf *id, int64_t *end_ms);
/* Everything from there up to the end has been read: it is moved to EP_SETTLED_AFTER_MS before the end. */
epode_status ep_settled_move(ep_store *store, int64_t archive, const char *owner, int64_t *end_ms);
/* Everything from there up to the last of rows has been read, when the archive's end was at end_ms or later. */
epode_status ep_settled_page(ep_store *store, const char *owner, const ep_msg *rows, size_t n, int64_t end_ms);

#endif
