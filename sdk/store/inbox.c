/* inbox.c: what the server handed over. */
#include "store/inbox.h"

#include "store/internal.h"
#include "store/sm.h"

/* EPODE_DONE: it is there already; *seq is that row's. */
static epode_status inbox_insert(ep_store *s, const ep_inbox_row *row, int64_t *seq)
{
    /* A stanza that was not counted has no h: null. */
    epode_status status =
        row->has_h ? ep_sql_int(s, seq, EP_SQL_INBOX_ADD, "ttiib", row->owner, row->archive_id,
                                (int64_t)row->h, row->received_ms, row->xml, row->len)
                   : ep_sql_int(s, seq, EP_SQL_INBOX_ADD, "tttib", row->owner, row->archive_id,
                                (const char *)NULL, row->received_ms, row->xml, row->len);
    if (status != EPODE_DONE)
        return status;
    status = ep_sql_int(s, seq, EP_SQL_INBOX_FIND, "tt", row->owner, row->archive_id);
    if (status == EPODE_DONE)
        return ep_store_failed(s, SQLITE_CORRUPT);
    return status == EPODE_OK ? EPODE_DONE : status;
}

epode_status ep_store_inbox_add(ep_store *s, const ep_inbox_row *row, int64_t *seq)
{
    int64_t n = 0;
    if (!row->owner || !row->xml)
        return ep_store_fail(s, EPODE_EINVAL, "a received stanza needs an owner and its text");
    if (row->has_h && !s->has_sm)
        return ep_store_fail(s, EPODE_ESTATE, "no session of the store can be resumed");
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = inbox_insert(s, row, &n);
    if (status >= 0 && row->has_h) {
        epode_status moved = ep_store_sm_set_h(s, row->h);
        status = moved == EPODE_OK ? status : moved;
    }
    status = ep_write_leave(s, status);
    if (status >= 0 && seq)
        *seq = n;
    return status;
}

static epode_status inbox_batch(ep_store *s, ep_rows *rows, int64_t after_seq, size_t limit)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_INBOX_EACH, "ii", after_seq,
                                     limit > INT64_MAX ? INT64_MAX : (int64_t)limit);
    return status == EPODE_OK ? ep_rows_take(s, rows, row) : status;
}

epode_status ep_store_inbox_each(ep_store *s, int64_t after_seq, size_t limit, ep_inbox_each each,
                                 void *user)
{
    ep_rows rows = { 0 };
    bool none;
    epode_status status = inbox_batch(s, &rows, after_seq, limit);
    for (size_t i = 0; status == EPODE_OK && i < rows.count; i++) {
        ep_inbox_row row = { 0 };
        row.seq = ep_rows_int(&rows, NULL);
        row.owner = ep_rows_bytes(&rows, NULL);
        row.archive_id = ep_rows_bytes(&rows, NULL);
        row.h = (uint32_t)ep_rows_int(&rows, &none);
        row.has_h = !none;
        row.received_ms = ep_rows_int(&rows, NULL);
        row.xml = ep_rows_bytes(&rows, &row.len);
        status = each(&row, user);
    }
    if (status == EPODE_OK && rows.count < limit)
        status = EPODE_DONE;
    ep_rows_free(&rows);
    return status;
}

epode_status ep_store_inbox_count(ep_store *s, uint64_t *count)
{
    int64_t n = 0;
    epode_status status = ep_sql_int(s, &n, EP_SQL_INBOX_COUNT, "");
    *count = (uint64_t)n;
    return status;
}

epode_status ep_store_inbox_del(ep_store *s, int64_t upto_seq)
{
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(s, ep_sql_run(s, EP_SQL_INBOX_DEL, "i", upto_seq));
}

typedef struct inbox_drain {
    ep_inbox_each each;
    void *user;
    int64_t last;
} inbox_drain;

static epode_status inbox_drain_row(const ep_inbox_row *row, void *user)
{
    inbox_drain *d = user;
    epode_status status = d->each(row, d->user);
    d->last = row->seq;
    return status < 0 ? status : EPODE_OK;
}

epode_status ep_store_inbox_drain(ep_store *s, size_t limit, ep_inbox_each each, void *user)
{
    inbox_drain d = { .each = each, .user = user };
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = ep_store_inbox_each(s, 0, limit, inbox_drain_row, &d);
    if (status >= 0 && d.last)
        status = ep_sql_run(s, EP_SQL_INBOX_DEL, "i", d.last);
    else if (status >= 0)
        status = EPODE_DONE;
    /* What each did is undone with the whole, also where it says that it changed nothing itself. */
    if (status == EPODE_EINVAL && s->begun && s->spoiled.status == EPODE_OK)
        s->spoiled = s->error;
    return ep_write_leave(s, status);
}
