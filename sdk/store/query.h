/* query.h: the archive queries that are running, so that results which a resumed session replays
 * after a restart can be attributed. */
#ifndef EP_STORE_QUERY_H
#define EP_STORE_QUERY_H

#include "store/page.h"

typedef struct ep_query {
    const char *id; /* the queryid; unique in the store */
    int64_t archive;
    ep_page_kind kind;
    int64_t span, until; /* as in ep_page; 0: none */
    int64_t asked_row;
    const char *after_id, *before_id; /* as asked, or NULL */
    uint32_t max;
    int64_t sent_ms;
    const char *note; /* the caller's own text, or NULL */
} ep_query;
typedef epode_status (*ep_query_each)(const ep_query *query, void *user);

epode_status ep_query_put(ep_store *s, const ep_query *query); /* replaces one of the same id */
/* Calls each once, or gives EPODE_DONE. */
epode_status ep_query_get(ep_store *s, const char *id, ep_query_each each, void *user);
epode_status ep_query_list(ep_store *s, ep_query_each each, void *user); /* by time of sending */
epode_status ep_query_del(ep_store *s, const char *id);                  /* NULL: all */

#endif
