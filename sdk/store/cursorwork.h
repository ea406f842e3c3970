/* cursorwork.h: what the files of the cursor share. */
#ifndef EP_STORE_CURSORWORK_H
#define EP_STORE_CURSORWORK_H

#include "store/cursor.h"
#include "store/parts.h"

/* search.c: appends the query for this text; false: there is no word in it. */
bool ep_search_query(ep_buf *out, const char *text, int64_t conversation);

/* view.c: a batch of messages in memory of its own. */
typedef struct ep_views {
    ep_rows rows, reacted;
    ep_view *at;
    size_t count, cap;
    ep_reaction *reactions;
    int64_t *edits; /* per view: the correction that counts */
} ep_views;
/* Replaces what is in it by the row that the statement stands on and all that follow; ends it. */
epode_status ep_views_take(ep_store *s, ep_views *views, sqlite3_stmt *row);
void ep_views_free(ep_views *views);

#endif
