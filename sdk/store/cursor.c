/* cursor.c: reading in batches. */
#include "store/cursor.h"

#include "base/alloc.h"
#include "base/str.h"
#include "store/cursorwork.h"

struct ep_cursor {
    ep_store *s;
    ep_cursor_options o;
    char *query; /* of a search */
    size_t batch;
    int64_t row;    /* the last one that was given; 0: none yet */
    bool inclusive; /* it has not been given itself */
    ep_views views;
};

static epode_status cursor_query(ep_cursor *c, const char *text)
{
    ep_buf query = EP_BUF_INIT;
    bool any = ep_search_query(&query, text, c->o.conversation);
    if (any)
        c->query = ep_buf_detach(&query);
    ep_buf_free(&query);
    if (!any)
        return ep_store_fail(c->s, EPODE_EINVAL, "there is nothing to search for");
    return c->query ? EPODE_OK : ep_store_fail(c->s, EPODE_ENOMEM, "out of memory");
}

epode_status ep_cursor_open(ep_store *s, const ep_cursor_options *o, ep_cursor **out)
{
    epode_status status = EPODE_OK;
    *out = NULL;
    if (!o->conversation + !o->archive != 1 && !o->search)
        return ep_store_fail(s, EPODE_EINVAL, "a cursor reads one conversation or one archive");
    ep_cursor *c = ep_calloc(1, sizeof *c);
    if (!c)
        return ep_store_fail(s, EPODE_ENOMEM, "out of memory");
    c->s = s;
    c->o = *o;
    c->o.search = NULL;
    c->row = o->from_row;
    c->inclusive = o->inclusive && o->from_row;
    c->batch = o->batch ? o->batch : 50;
    if (c->batch > INT32_MAX)
        c->batch = INT32_MAX;
    if (o->search)
        status = cursor_query(c, o->search);
    if (status == EPODE_OK)
        *out = c;
    else
        ep_cursor_close(c);
    return status;
}

void ep_cursor_close(ep_cursor *c)
{
    if (!c)
        return;
    ep_views_free(&c->views);
    ep_free(c->query);
    ep_free(c);
}

typedef struct cursor_point {
    int64_t pos, row, time_ms;
} cursor_point;

/* The first message at or above pos. */
static epode_status cursor_at(ep_cursor *c, int64_t pos, cursor_point *out)
{
    sqlite3_stmt *row;
    bool one = c->o.conversation != 0;
    epode_status status = ep_sql_row(c->s, &row, one ? EP_SQL_VIEW_DAY : EP_SQL_VIEW_ALL_DAY, "ii",
                                     one ? c->o.conversation : c->o.archive, pos);
    if (status != EPODE_OK)
        return status;
    out->pos = sqlite3_column_int64(row, 0);
    out->row = sqlite3_column_int64(row, 1);
    out->time_ms = sqlite3_column_int64(row, 2);
    ep_sql_end(row);
    return EPODE_OK;
}

static epode_status cursor_ends(ep_cursor *c, int64_t *low, int64_t *high)
{
    sqlite3_stmt *row;
    bool one = c->o.conversation != 0;
    epode_status status = ep_sql_row(c->s, &row, one ? EP_SQL_VIEW_ENDS : EP_SQL_VIEW_ALL_ENDS, "i",
                                     one ? c->o.conversation : c->o.archive);
    if (status != EPODE_OK)
        return status;
    *low = sqlite3_column_int64(row, 0);
    *high = sqlite3_column_int64(row, 1);
    ep_sql_end(row);
    return EPODE_OK;
}

/* Halves the positions until it stands on the first message that is not older: stamps follow
 * positions, but for the few that do not. *pos is above all if there is none. */
static epode_status cursor_find_day(ep_cursor *c, int64_t *pos)
{
    int64_t low = 0, high = 0;
    epode_status status = cursor_ends(c, &low, &high);
    if (status != EPODE_OK)
        return status;
    high++;
    while (low < high) {
        int64_t middle = low + (int64_t)(((uint64_t)high - (uint64_t)low) / 2);
        cursor_point at = { 0 };
        status = cursor_at(c, middle, &at);
        if (status < 0)
            return status;
        if (status == EPODE_DONE || at.time_ms >= c->o.from_ms)
            high = middle;
        else
            low = at.pos + 1;
    }
    *pos = low;
    return EPODE_OK;
}

/* Where the next batch begins, exclusive: behind (pos, row), seen in the direction of reading. */
static epode_status cursor_start(ep_cursor *c, int64_t *pos, int64_t *row)
{
    bool up = c->o.flags & EP_CURSOR_UP;
    if (c->row) {
        epode_status status = ep_sql_int(c->s, pos, EP_SQL_VIEW_POS, "i", c->row);
        *row = c->row + (c->inclusive ? (up ? 1 : -1) : 0);
        if (status == EPODE_DONE)
            return ep_store_fail(c->s, EPODE_EINVAL, "there is no such message");
        return status;
    }
    *pos = up ? INT64_MAX : INT64_MIN;
    *row = up ? INT64_MAX : INT64_MIN;
    if (!c->o.from_day)
        return EPODE_OK;
    *row = INT64_MIN;
    return cursor_find_day(c, pos);
}

static epode_status cursor_read(ep_cursor *c)
{
    static const ep_sql sql[2][2] = { { EP_SQL_VIEW_ALL_DOWN, EP_SQL_VIEW_ALL_UP },
                                      { EP_SQL_VIEW_DOWN, EP_SQL_VIEW_UP } };
    sqlite3_stmt *st;
    int64_t pos = 0, row = 0;
    bool up = c->o.flags & EP_CURSOR_UP, one = c->o.conversation != 0;
    epode_status status = cursor_start(c, &pos, &row);
    if (status == EPODE_OK)
        status =
            ep_sql_row(c->s, &st, sql[one][up], "iiiiii", one ? c->o.conversation : c->o.archive,
                       pos, row, (int64_t) !!(c->o.flags & EP_CURSOR_ALL), (int64_t)c->batch,
                       (int64_t) !!(c->o.flags & EP_CURSOR_XML));
    return status == EPODE_OK ? ep_views_take(c->s, &c->views, st) : status;
}

/* Newest stored first. What was found in a correction is given as the message that it corrects. */
static epode_status cursor_search(ep_cursor *c)
{
    sqlite3_stmt *st;
    int64_t below = c->row ? c->row : INT64_MAX;
    epode_status status = ep_sql_row(c->s, &st, EP_SQL_VIEW_SEARCH, "tiii", c->query, below,
                                     (int64_t)c->batch, (int64_t) !!(c->o.flags & EP_CURSOR_XML));
    return status == EPODE_OK ? ep_views_take(c->s, &c->views, st) : status;
}

epode_status ep_cursor_next(ep_cursor *c, const ep_view **views, size_t *n)
{
    *views = NULL;
    *n = 0;
    epode_status status = c->query ? cursor_search(c) : cursor_read(c);
    if (status != EPODE_OK)
        return status;
    size_t last = c->views.count - 1;
    bool found_in_edit = c->query && c->views.edits[last];
    c->row = found_in_edit ? c->views.edits[last] : c->views.at[last].row;
    c->inclusive = false;
    *views = c->views.at;
    *n = c->views.count;
    return EPODE_OK;
}
