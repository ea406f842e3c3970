/* unread.c: counting what is unread. */
#include "store/parts.h"

typedef struct unread_from {
    bool is_known;   /* something was displayed */
    int64_t pos;     /* it stands here */
    bool is_awaited; /* an id was displayed that is not held */
    int64_t archive;
    bool is_empty; /* the archive was seen to hold nothing */
} unread_from;

static epode_status unread_load(ep_store *s, int64_t id, unread_from *from)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_UNREAD_FROM, "i", id);
    if (status == EPODE_DONE)
        return ep_store_fail(s, EPODE_EINVAL, "there is no such conversation");
    if (status != EPODE_OK)
        return status;
    from->is_known = sqlite3_column_type(row, 0) != SQLITE_NULL;
    from->pos = from->is_known ? sqlite3_column_int64(row, 0) : INT64_MIN;
    from->is_awaited = sqlite3_column_int(row, 1);
    from->archive = sqlite3_column_int64(row, 2);
    from->is_empty = sqlite3_column_int(row, 3);
    ep_sql_end(row);
    return EPODE_OK;
}

/* A span above the position with something unknown under it; or nothing known at all. */
static epode_status unread_has_hole(ep_store *s, const unread_from *from, bool *hole)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_UNREAD_HOLE, "ii", from->archive, from->pos);
    if (status != EPODE_OK)
        return status;
    bool any = sqlite3_column_int64(row, 0) > 0;
    *hole = sqlite3_column_int64(row, 1) > 0 || (!any && !from->is_known && !from->is_empty);
    ep_sql_end(row);
    return EPODE_OK;
}

epode_status ep_unread_count(ep_store *s, int64_t id, uint32_t cap, uint32_t *count, bool *at_least)
{
    unread_from from = { 0 };
    int64_t n = 0, most = cap ? cap : EP_UNREAD_CAP;
    bool hole = false;
    epode_status status = unread_load(s, id, &from);
    if (status == EPODE_OK)
        status = ep_sql_int(s, &n, EP_SQL_UNREAD_COUNT, "iii", id, from.pos, most + 1);
    if (status == EPODE_OK)
        status = unread_has_hole(s, &from, &hole);
    if (status != EPODE_OK)
        return status;
    *at_least = n > most || hole || from.is_awaited;
    *count = (uint32_t)(n > most ? most : n);
    return EPODE_OK;
}
