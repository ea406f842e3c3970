/* outbox.c: our own messages until the server has them. */
#include "store/outbox.h"

#include "base/str.h"
#include "store/parts.h"
#include "store/sm.h"

static epode_status outbox_add(ep_store *s, ep_archive *a, const ep_msg *m, int64_t *seq,
                               int64_t *row, ep_changes *changes)
{
    int64_t conversation = 0;
    epode_status status = ep_conversation_open(s, a->id, m->peer, &conversation);
    if (status == EPODE_OK)
        status = ep_tail_add(s, a, m, conversation, EP_DELIVERY_QUEUED, row, changes);
    if (status == EPODE_OK)
        status = ep_sql_int(s, seq, EP_SQL_OUTBOX_ADD, "ii", *row, conversation);
    if (status == EPODE_OK)
        status = ep_tail_effects(s, a, m, *row, conversation, changes);
    return status;
}

epode_status ep_outbox_add(ep_store *s, int64_t archive, const ep_msg *m, int64_t *seq,
                           int64_t *row, ep_changes *changes)
{
    ep_archive a;
    epode_status status = ep_msg_check(s, m);
    if (status == EPODE_OK && (!m->outgoing || !m->id || !m->xml || m->archive_id))
        status = ep_store_fail(s, EPODE_EINVAL, "a message to be sent needs an id and its text");
    if (status == EPODE_OK)
        status = ep_archive_load(s, archive, &a);
    if (status == EPODE_OK)
        status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(s, ep_store_solid(s, outbox_add(s, &a, m, seq, row, changes)));
}

static void outbox_read(ep_outbox_row *o, ep_rows *rows)
{
    o->seq = ep_rows_int(rows, NULL);
    o->row = ep_rows_int(rows, NULL);
    o->conversation = ep_rows_int(rows, NULL);
    o->archive = ep_rows_int(rows, NULL);
    o->state = (ep_outbox_state)ep_rows_int(rows, NULL);
    o->number = (uint64_t)ep_rows_int(rows, NULL);
    o->tries = (unsigned)ep_rows_int(rows, NULL);
    o->time_ms = ep_rows_int(rows, NULL);
    o->sent_ms = ep_rows_int(rows, NULL);
    o->owner = ep_rows_bytes(rows, NULL);
    o->peer = ep_rows_bytes(rows, NULL);
    o->to = ep_rows_bytes(rows, NULL);
    o->id = ep_rows_bytes(rows, NULL);
    o->origin_id = ep_rows_bytes(rows, NULL);
    o->xml = ep_rows_bytes(rows, &o->len);
}

static epode_status outbox_each(ep_store *s, sqlite3_stmt *row, size_t limit, ep_outbox_each each,
                                void *user)
{
    ep_rows rows = { 0 };
    epode_status status = ep_rows_take(s, &rows, row);
    for (size_t i = 0; status == EPODE_OK && i < rows.count; i++) {
        ep_outbox_row o = { 0 };
        outbox_read(&o, &rows);
        status = each(&o, user);
    }
    if (status == EPODE_OK && rows.count < limit)
        status = EPODE_DONE;
    ep_rows_free(&rows);
    return status;
}

epode_status ep_outbox_next(ep_store *s, int64_t after_seq, size_t limit, ep_outbox_each each,
                            void *user)
{
    sqlite3_stmt *row;
    int64_t max = limit > INT32_MAX ? INT32_MAX : (int64_t)limit;
    epode_status status = ep_sql_row(s, &row, EP_SQL_OUTBOX_NEXT, "ii", after_seq, max);
    return status == EPODE_OK ? outbox_each(s, row, limit, each, user) : status;
}

epode_status ep_outbox_list(ep_store *s, ep_outbox_state state, int64_t after_seq, size_t limit,
                            ep_outbox_each each, void *user)
{
    sqlite3_stmt *row;
    int64_t max = limit > INT32_MAX ? INT32_MAX : (int64_t)limit;
    epode_status status =
        ep_sql_row(s, &row, EP_SQL_OUTBOX_EACH, "iii", after_seq, max, (int64_t)state);
    return status == EPODE_OK ? outbox_each(s, row, limit, each, user) : status;
}

epode_status ep_outbox_count(ep_store *s, uint64_t *count)
{
    int64_t n = 0;
    epode_status status = ep_sql_int(s, &n, EP_SQL_OUTBOX_COUNT, "");
    *count = (uint64_t)n;
    return status;
}

/* id is borrowed from rows. */
static epode_status outbox_get(ep_store *s, int64_t seq, int64_t *message, ep_outbox_state *state,
                               ep_rows *rows, const char **id)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_OUTBOX_GET, "i", seq);
    if (status == EPODE_OK)
        status = ep_rows_take(s, rows, row);
    if (status != EPODE_OK)
        return status;
    *message = ep_rows_int(rows, NULL);
    *state = (ep_outbox_state)ep_rows_int(rows, NULL);
    *id = ep_rows_bytes(rows, NULL);
    return EPODE_OK;
}

/* The queue comes first: it may refuse the number, and then nothing else was changed. */
static epode_status outbox_send(ep_store *s, int64_t seq, int64_t message, const char *id,
                                uint64_t number, int64_t now_ms, ep_changes *changes)
{
    epode_status status = EPODE_OK;
    if (number) {
        int64_t queued;
        status = ep_sql_int(s, &queued, EP_SQL_SMQ_REFER, "iiti", (int64_t)number, now_ms, id, message);
        if (status == EPODE_DONE)
            return ep_store_fail(s, EPODE_EINVAL, "the number of a stanza is in the queue already");
        if (status != EPODE_OK)
            return status;
    }
    status = ep_sql_run(s, EP_SQL_OUTBOX_SENT, "iii", seq, (int64_t)number, now_ms);
    if (status == EPODE_OK)
        status = ep_delivery_move(s, message, EP_DELIVERY_SENT, NULL, changes);
    return ep_store_solid(s, status == EPODE_DONE ? EPODE_OK : status);
}

epode_status ep_outbox_sent(ep_store *s, int64_t seq, uint64_t number, int64_t now_ms,
                            ep_changes *changes)
{
    ep_rows rows = { 0 };
    const char *id = NULL;
    int64_t message = 0;
    ep_outbox_state state = EP_OUTBOX_WAITING;
    if (number > INT64_MAX)
        return ep_store_fail(s, EPODE_EINVAL, "the number of a stanza is out of range");
    epode_status status = outbox_get(s, seq, &message, &state, &rows, &id);
    if (status == EPODE_OK && state != EP_OUTBOX_WAITING)
        status = EPODE_DONE;
    if (status == EPODE_OK)
        status = ep_write_enter(s);
    if (status == EPODE_OK)
        status = ep_write_leave(s, outbox_send(s, seq, message, id, number, now_ms, changes));
    ep_rows_free(&rows);
    return status;
}

/* One message is out of the outbox, and in this state at least. */
static epode_status outbox_leave(ep_store *s, int64_t message, ep_delivery state,
                                 const char *reason, ep_changes *changes)
{
    epode_status status = ep_sql_run(s, EP_SQL_OUTBOX_DEL, "i", message);
    epode_status moved = EPODE_OK;
    if (status == EPODE_OK)
        moved = ep_delivery_move(s, message, state, reason, changes);
    return moved < 0 ? moved : status;
}

static epode_status outbox_acked(ep_store *s, int64_t number, ep_changes *changes)
{
    sqlite3_stmt *row;
    ep_rows rows = { 0 };
    epode_status status = ep_sql_row(s, &row, EP_SQL_OUTBOX_ACKED, "i", number);
    if (status == EPODE_OK)
        status = ep_rows_take(s, &rows, row);
    for (size_t i = 0; status == EPODE_OK && i < rows.count; i++)
        status = outbox_leave(s, ep_rows_int(&rows, NULL), EP_DELIVERY_ACKED, NULL, changes);
    ep_rows_free(&rows);
    if (status < 0)
        return status;
    status = ep_sql_run(s, EP_SQL_SMQ_ACK, "i", number);
    return status == EPODE_OK ? ep_sql_run(s, EP_SQL_SM_ACKED, "i", number) : status;
}

epode_status ep_outbox_acked(ep_store *s, uint64_t number, ep_changes *changes)
{
    if (number > INT64_MAX)
        return ep_store_fail(s, EPODE_EINVAL, "the number of a stanza is out of range");
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(s, ep_store_solid(s, outbox_acked(s, (int64_t)number, changes)));
}

epode_status ep_outbox_done(ep_store *s, int64_t seq, ep_changes *changes)
{
    ep_rows rows = { 0 };
    const char *id = NULL;
    int64_t message = 0;
    ep_outbox_state state = EP_OUTBOX_WAITING;
    epode_status status = outbox_get(s, seq, &message, &state, &rows, &id);
    if (status == EPODE_OK)
        status = ep_write_enter(s);
    if (status == EPODE_OK) {
        status = outbox_leave(s, message, EP_DELIVERY_ACKED, NULL, changes);
        status = ep_write_leave(s, ep_store_solid(s, status));
    }
    ep_rows_free(&rows);
    return status;
}

epode_status ep_outbox_failed(ep_store *s, int64_t row, const char *reason, ep_changes *changes)
{
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = ep_delivery_move(s, row, EP_DELIVERY_FAILED, reason, changes);
    if (status == EPODE_OK)
        status = ep_sql_run(s, EP_SQL_OUTBOX_DEL, "i", row);
    return ep_write_leave(s, ep_store_solid(s, status));
}

static epode_status outbox_again(ep_store *s, int64_t conversation, int64_t row, ep_changes *changes)
{
    int64_t number, seq;
    /* What came back has been there: it leaves the queue of stream management, and what went before it. */
    epode_status status = ep_sql_int(s, &number, EP_SQL_OUTBOX_NUMBER, "i", row);
    if (status == EPODE_OK)
        status = outbox_acked(s, number, changes);
    if (status >= 0)
        status = ep_sql_run(s, EP_SQL_OUTBOX_DEL, "i", row);
    if (status == EPODE_OK)
        status = ep_sql_int(s, &seq, EP_SQL_OUTBOX_ADD, "ii", row, conversation);
    return status == EPODE_OK ? ep_sql_run(s, EP_SQL_OUTBOX_SHIFT, "ii", conversation, row) : status;
}

epode_status ep_outbox_again(ep_store *s, int64_t conversation, int64_t row, ep_changes *changes)
{
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(s, ep_store_solid(s, outbox_again(s, conversation, row, changes)));
}

epode_status ep_outbox_find(ep_store *s, int64_t conversation, const char *id, int64_t *row)
{
    return ep_sql_int(s, row, EP_SQL_OWN_SENT, "iit", conversation, ep_id_hash(id), id);
}

epode_status ep_outbox_lost(ep_store *s)
{
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(s, ep_sql_run(s, EP_SQL_OUTBOX_LOST, ""));
}

epode_status ep_outbox_retry(ep_store *s, int64_t seq)
{
    int64_t retried;
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(s, ep_sql_int(s, &retried, EP_SQL_OUTBOX_RETRY, "i", seq));
}
