/* query.c: the archive queries that are running. */
#include "store/query.h"

#include "store/parts.h"

epode_status ep_query_put(ep_store *s, const ep_query *q)
{
    ep_archive a;
    if (!q->id || (unsigned)q->kind > EP_PAGE_AFTER)
        return ep_store_fail(s, EPODE_EINVAL, "a query needs an id and a kind");
    epode_status status = ep_archive_load(s, q->archive, &a);
    if (status == EPODE_OK)
        status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = ep_sql_run(s, EP_SQL_QUERY_PUT, "tiiiiittiit", q->id, q->archive, (int64_t)q->kind,
                        q->span, q->until, q->asked_row, q->after_id, q->before_id, (int64_t)q->max,
                        q->sent_ms, q->note);
    return ep_write_leave(s, ep_store_solid(s, status));
}

static void query_read(ep_query *q, ep_rows *rows)
{
    q->id = ep_rows_bytes(rows, NULL);
    q->archive = ep_rows_int(rows, NULL);
    q->kind = (ep_page_kind)ep_rows_int(rows, NULL);
    q->span = ep_rows_int(rows, NULL);
    q->until = ep_rows_int(rows, NULL);
    q->asked_row = ep_rows_int(rows, NULL);
    q->after_id = ep_rows_bytes(rows, NULL);
    q->before_id = ep_rows_bytes(rows, NULL);
    q->max = (uint32_t)ep_rows_int(rows, NULL);
    q->sent_ms = ep_rows_int(rows, NULL);
    q->note = ep_rows_bytes(rows, NULL);
}

static epode_status query_each(ep_store *s, sqlite3_stmt *row, ep_query_each each, void *user)
{
    ep_rows rows = { 0 };
    epode_status status = ep_rows_take(s, &rows, row);
    for (size_t i = 0; status == EPODE_OK && i < rows.count; i++) {
        ep_query q;
        query_read(&q, &rows);
        status = each(&q, user);
    }
    ep_rows_free(&rows);
    return status;
}

epode_status ep_query_get(ep_store *s, const char *id, ep_query_each each, void *user)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_QUERY_GET, "t", id);
    return status == EPODE_OK ? query_each(s, row, each, user) : status;
}

epode_status ep_query_list(ep_store *s, ep_query_each each, void *user)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_QUERY_EACH, "");
    if (status != EPODE_OK)
        return status == EPODE_DONE ? EPODE_OK : status;
    return query_each(s, row, each, user);
}

epode_status ep_query_del(ep_store *s, const char *id)
{
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(s, ep_sql_run(s, EP_SQL_QUERY_DEL, "t", id));
}
