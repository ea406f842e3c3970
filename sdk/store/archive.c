/* archive.c: archives, and what arrives live in them. */
#include "store/archive.h"

#include "base/str.h"
#include "store/parts.h"
#include "store/sm.h"

static epode_status archive_find(ep_store *s, const char *owner, ep_archive_kind kind, int64_t *id)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_ARCHIVE_FIND, "t", owner);
    if (status != EPODE_OK)
        return status;
    *id = sqlite3_column_int64(row, 0);
    bool same = sqlite3_column_int(row, 1) == (int)kind;
    ep_sql_end(row);
    return same ? EPODE_OK : ep_store_fail(s, EPODE_EINVAL, "the archive is of another kind");
}

epode_status ep_archive_open(ep_store *s, const char *owner, ep_archive_kind kind, int64_t *archive)
{
    if (!owner || !*owner || (unsigned)kind > EP_ARCHIVE_ROOM)
        return ep_store_fail(s, EPODE_EINVAL, "an archive needs an owner and a kind");
    epode_status status = archive_find(s, owner, kind, archive);
    if (status != EPODE_DONE || s->readonly)
        return status;
    status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = ep_sql_int(s, archive, EP_SQL_ARCHIVE_ADD, "ti", owner, (int64_t)kind);
    return ep_write_leave(s, ep_store_solid(s, status));
}

epode_status ep_archive_info_put(ep_store *s, int64_t archive, const ep_archive_info *info)
{
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = ep_sql_run(s, EP_SQL_ARCHIVE_INFO, "ittii", archive, info->first_id, info->last_id,
                        info->first_ms, info->last_ms);
    return ep_write_leave(s, ep_store_solid(s, status));
}

static void archive_info_read(ep_archive_info *info, ep_rows *rows)
{
    info->archive = ep_rows_int(rows, NULL);
    info->owner = ep_rows_bytes(rows, NULL);
    info->kind = (ep_archive_kind)ep_rows_int(rows, NULL);
    info->empty = ep_rows_int(rows, NULL) != 0;
    info->first_id = ep_rows_bytes(rows, NULL);
    info->last_id = ep_rows_bytes(rows, NULL);
    info->first_ms = ep_rows_int(rows, NULL);
    info->last_ms = ep_rows_int(rows, NULL);
}

epode_status ep_archive_list(ep_store *s, int64_t archive, ep_archive_each each, void *user)
{
    sqlite3_stmt *row;
    ep_rows rows = { 0 };
    epode_status status = ep_sql_row(s, &row, EP_SQL_ARCHIVE_EACH, "i", archive);
    if (status != EPODE_OK)
        return status == EPODE_DONE && !archive ? EPODE_OK : status;
    status = ep_rows_take(s, &rows, row);
    for (size_t i = 0; status == EPODE_OK && i < rows.count; i++) {
        ep_archive_info info;
        archive_info_read(&info, &rows);
        status = each(&info, user);
    }
    ep_rows_free(&rows);
    return status;
}

epode_status ep_archive_load(ep_store *s, int64_t id, ep_archive *out)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_ARCHIVE_LOAD, "i", id);
    if (status == EPODE_DONE)
        return ep_store_fail(s, EPODE_EINVAL, "there is no such archive");
    if (status != EPODE_OK)
        return status;
    out->id = id;
    out->kind = (ep_archive_kind)sqlite3_column_int(row, 0);
    out->empty = sqlite3_column_int(row, 1);
    out->top = sqlite3_column_int64(row, 2);
    out->end = sqlite3_column_int64(row, 3);
    out->has_mark = sqlite3_column_type(row, 4) != SQLITE_NULL;
    out->mark = sqlite3_column_int64(row, 4);
    out->has_floor = sqlite3_column_type(row, 5) != SQLITE_NULL;
    out->floor = sqlite3_column_int64(row, 5);
    ep_sql_end(row);
    return EPODE_OK;
}

/* A type string tells null from a number: 't' with NULL. */
epode_status ep_archive_save(ep_store *s, const ep_archive *a)
{
    static const char *const types[] = { "iiiitt", "iiiiit", "iiiiti", "iiiiii" };
    const char *t = types[(a->has_mark ? 1 : 0) + (a->has_floor ? 2 : 0)];
    const char *none = NULL;
    int64_t empty = a->empty;
    if (!a->has_mark && !a->has_floor)
        return ep_sql_run(s, EP_SQL_ARCHIVE_SAVE, t, a->id, empty, a->top, a->end, none, none);
    if (!a->has_mark)
        return ep_sql_run(s, EP_SQL_ARCHIVE_SAVE, t, a->id, empty, a->top, a->end, none, a->floor);
    if (!a->has_floor)
        return ep_sql_run(s, EP_SQL_ARCHIVE_SAVE, t, a->id, empty, a->top, a->end, a->mark, none);
    return ep_sql_run(s, EP_SQL_ARCHIVE_SAVE, t, a->id, empty, a->top, a->end, a->mark, a->floor);
}

int64_t ep_archive_gap(const ep_store *s)
{
    return s->gap ? s->gap : EP_GAP;
}

epode_status ep_archive_mark(ep_store *s, int64_t archive)
{
    ep_archive a;
    epode_status status = ep_archive_load(s, archive, &a);
    if (status != EPODE_OK)
        return status;
    /* Nothing came since the last mark, or it is the end: it still holds. */
    if (a.has_mark && a.mark >= a.top)
        return EPODE_OK;
    if (a.top > INT64_MAX - 4 * ep_archive_gap(s))
        return ep_store_fail(s, EPODE_ELIMIT, "the archive's positions are used up");
    status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    a.has_mark = true;
    a.mark = a.top + ep_archive_gap(s);
    return ep_write_leave(s, ep_store_solid(s, ep_archive_save(s, &a)));
}

epode_status ep_archive_before_end(ep_store *s, int64_t archive, const char *wanted,
                                   int64_t back_ms, ep_buf *id, int64_t *end_ms)
{
    sqlite3_stmt *row;
    epode_status status =
        ep_sql_row(s, &row, EP_SQL_BEFORE_END, "iti", archive, wanted, back_ms);
    if (status != EPODE_OK)
        return status;
    const char *text = (const char *)sqlite3_column_text(row, 0);
    *end_ms = sqlite3_column_int64(row, 1);
    if (text)
        ep_buf_puts(id, text);
    else
        status = EPODE_DONE;
    ep_sql_end(row);
    return id->failed ? ep_store_fail(s, EPODE_ENOMEM, "out of memory") : status;
}

epode_status ep_archive_reaches_end(ep_store *s, int64_t archive, bool reaches)
{
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(
        s, ep_store_solid(s, ep_sql_run(s, EP_SQL_SPAN_ENDS, "ii", archive, (int64_t)reaches)));
}

epode_status ep_archive_detach(ep_store *s, ep_archive *a, int64_t upto)
{
    epode_status status = ep_sql_run(s, EP_SQL_ARCHIVE_DETACH, "ii", a->id, upto);
    if (status == EPODE_OK && (!a->has_floor || a->floor < upto)) {
        a->has_floor = true;
        a->floor = upto;
    }
    return status;
}

epode_status ep_archive_forget_spans(ep_store *s, int64_t archive)
{
    ep_archive a;
    epode_status status = ep_archive_load(s, archive, &a);
    if (status != EPODE_OK)
        return status;
    status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = ep_sql_run(s, EP_SQL_SPAN_CLEAR, "i", archive);
    if (status == EPODE_OK)
        status = ep_archive_detach(s, &a, a.top);
    a.empty = a.has_mark = false;
    a.end = a.top;
    if (status == EPODE_OK)
        status = ep_archive_save(s, &a);
    return ep_write_leave(s, ep_store_solid(s, status));
}

epode_status ep_archive_unjoined(ep_store *s, int64_t archive, uint64_t *count)
{
    int64_t n = 0;
    epode_status status = ep_sql_int(s, &n, EP_SQL_MESSAGE_UNJOINED, "i", archive);
    *count = (uint64_t)n;
    return status;
}

epode_status ep_archive_last_row(ep_store *s, int64_t *row)
{
    return ep_sql_int(s, row, EP_SQL_MESSAGE_LAST_ROW, "");
}
