/* search.h: full-text search (SQLite's FTS5). */
#ifndef EP_STORE_SEARCH_H
#define EP_STORE_SEARCH_H

#include "store/store.h"

/* Brings up to max_rows stored messages into the index; *more: some are left. A search finds only
 * what was fed: to be called when there is nothing else to do, until there is no more. */
epode_status ep_search_feed(ep_store *s, size_t max_rows, bool *more);

#endif
