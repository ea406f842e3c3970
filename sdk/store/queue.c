/* queue.c: the stanzas that the server has not acknowledged, and the messages in doubt. */
#include <string.h>

#include "store/internal.h"
#include "store/outbox.h"
#include "store/sm.h"

epode_status ep_store_smq_push(ep_store *s, const ep_smq_row *row)
{
    if (!row->seq || row->seq > INT64_MAX || !row->xml || row->kind > EP_STANZA_IQ)
        return ep_store_fail(s, EPODE_EINVAL,
                             "a queued stanza needs a number, a kind and its text");
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    int64_t seq;
    status = ep_sql_int(s, &seq, EP_SQL_SMQ_PUSH, "iiitb", (int64_t)row->seq, (int64_t)row->kind,
                        row->stamp_ms, row->id, row->xml, row->len);
    if (status == EPODE_DONE)
        status = ep_store_fail(s, EPODE_EINVAL, "the number of a stanza is in the queue already");
    return ep_write_leave(s, status);
}

epode_status ep_store_smq_hold(ep_store *s, uint64_t from, uint64_t to, const char *xml, int64_t stamp_ms)
{
    if (!from || to > INT64_MAX)
        return ep_store_fail(s, EPODE_EINVAL, "the number of a stanza is out of range");
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    for (uint64_t seq = from; status == EPODE_OK && seq <= to; seq++)
        status = ep_sql_run(s, EP_SQL_SMQ_HOLD, "iib", (int64_t)seq, stamp_ms, xml, strlen(xml));
    return ep_write_leave(s, status);
}

epode_status ep_store_smq_release(ep_store *s)
{
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(s, ep_sql_run(s, EP_SQL_SMQ_RELEASE, ""));
}

epode_status ep_store_smq_ack(ep_store *s, uint64_t seq)
{
    return ep_outbox_acked(s, seq, NULL);
}

/* Reads one batch above last into rows: none at the end. */
static epode_status queue_batch(ep_store *s, ep_rows *rows, ep_sql sql, uint64_t last)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, sql, "i", (int64_t)last);
    if (status == EPODE_OK)
        return ep_rows_take(s, rows, row);
    rows->count = 0;
    return status == EPODE_DONE ? EPODE_OK : status;
}

static epode_status queue_each(ep_store *s, ep_sql sql, ep_smq_each each, void *user)
{
    ep_rows rows = { 0 };
    ep_smq_row row = { 0 };
    epode_status status;
    while ((status = queue_batch(s, &rows, sql, row.seq)) == EPODE_OK && rows.count) {
        for (size_t i = 0; status == EPODE_OK && i < rows.count; i++) {
            row.seq = (uint64_t)ep_rows_int(&rows, NULL);
            row.kind = (ep_stanza_kind)ep_rows_int(&rows, NULL);
            row.stamp_ms = ep_rows_int(&rows, NULL);
            row.id = ep_rows_bytes(&rows, NULL);
            row.xml = ep_rows_bytes(&rows, &row.len);
            status = each(&row, user);
        }
        if (status != EPODE_OK)
            break;
    }
    ep_rows_free(&rows);
    return status;
}

static epode_status queue_count(ep_store *s, ep_sql sql, uint64_t *count)
{
    int64_t n = 0;
    epode_status status = ep_sql_int(s, &n, sql, "");
    *count = (uint64_t)n;
    return status;
}

epode_status ep_store_smq_each(ep_store *s, ep_smq_each each, void *user)
{
    return queue_each(s, EP_SQL_SMQ_EACH, each, user);
}

epode_status ep_store_smq_count(ep_store *s, uint64_t *count)
{
    return queue_count(s, EP_SQL_SMQ_COUNT, count);
}

epode_status ep_store_smq_move_to_pending(ep_store *s)
{
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = ep_sql_run(s, EP_SQL_SMQ_TO_PENDING, "");
    if (status == EPODE_OK)
        status = ep_sql_run(s, EP_SQL_SMQ_DOUBT, "");
    if (status == EPODE_OK)
        status = ep_sql_run(s, EP_SQL_SMQ_CLEAR, "");
    return ep_write_leave(s, status);
}

epode_status ep_store_pending_each(ep_store *s, ep_smq_each each, void *user)
{
    return queue_each(s, EP_SQL_PENDING_EACH, each, user);
}

epode_status ep_store_pending_del(ep_store *s, uint64_t seq)
{
    if (seq > INT64_MAX)
        return ep_store_fail(s, EPODE_EINVAL, "the number of a stanza is out of range");
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(s, ep_sql_run(s, EP_SQL_PENDING_DEL, "i", (int64_t)seq));
}

epode_status ep_store_pending_count(ep_store *s, uint64_t *count)
{
    return queue_count(s, EP_SQL_PENDING_COUNT, count);
}
