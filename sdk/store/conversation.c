/* conversation.c: conversations, and how far each was displayed. */
#include "store/conversation.h"

#include "base/alloc.h"
#include "base/str.h"
#include "store/cursor.h"
#include "store/parts.h"

epode_status ep_conversation_open(ep_store *s, int64_t archive, const char *peer, int64_t *id)
{
    if (!peer || !*peer)
        return ep_store_fail(s, EPODE_EINVAL, "a conversation needs a peer");
    epode_status status = ep_sql_int(s, id, EP_SQL_CONVERSATION_FIND, "it", archive, peer);
    if (status != EPODE_DONE || s->readonly)
        return status;
    status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = ep_sql_int(s, id, EP_SQL_CONVERSATION_ADD, "it", archive, peer);
    return ep_write_leave(s, status);
}

epode_status ep_peers_find(ep_store *s, ep_peers *peers, int64_t archive, const char *peer,
                           int64_t *id)
{
    size_t n = sizeof peers->at / sizeof *peers->at, slot = peers->next % n;
    for (size_t i = 0; i < n; i++)
        if (ep_streq(peers->at[i].peer, peer)) {
            *id = peers->at[i].id;
            return EPODE_OK;
        }
    epode_status status = ep_conversation_open(s, archive, peer, id);
    if (status != EPODE_OK)
        return status;
    if (!ep_str_set(&peers->at[slot].peer, peer) || !ep_ints_add(&peers->seen, *id))
        return ep_store_fail(s, EPODE_ENOMEM, "out of memory");
    peers->at[slot].id = *id;
    peers->next++;
    return EPODE_OK;
}

void ep_peers_free(ep_peers *peers)
{
    for (size_t i = 0; i < sizeof peers->at / sizeof *peers->at; i++)
        ep_free(peers->at[i].peer);
    ep_ints_free(&peers->seen);
}

epode_status ep_conversation_refresh(ep_store *s, const ep_ints *conversations)
{
    ep_buf json = EP_BUF_INIT;
    if (!conversations->count)
        return EPODE_OK;
    ep_json_ints(&json, conversations);
    const char *text = ep_buf_cstr(&json);
    epode_status status = text ? ep_sql_run(s, EP_SQL_CONVERSATION_LAST, "t", text)
                               : ep_store_fail(s, EPODE_ENOMEM, "out of memory");
    ep_buf_free(&json);
    return status;
}

static void conversation_read(ep_conversation *c, ep_rows *rows)
{
    c->conversation = ep_rows_int(rows, NULL);
    c->archive = ep_rows_int(rows, NULL);
    c->peer = ep_rows_bytes(rows, NULL);
    c->last_row = ep_rows_int(rows, NULL);
    c->last_ms = ep_rows_int(rows, NULL);
    c->displayed_row = ep_rows_int(rows, NULL);
    c->displayed_id = ep_rows_bytes(rows, NULL);
    c->read_row = ep_rows_int(rows, NULL);
}

/* Ends the statement; *n becomes the number of rows. */
static epode_status conversation_each(ep_store *s, sqlite3_stmt *row, ep_conversation_each each,
                                      void *user, size_t *n)
{
    ep_rows rows = { 0 };
    epode_status status = ep_rows_take(s, &rows, row);
    *n = rows.count;
    for (size_t i = 0; status == EPODE_OK && i < rows.count; i++) {
        ep_conversation c;
        conversation_read(&c, &rows);
        status = each(&c, user);
    }
    ep_rows_free(&rows);
    return status;
}

epode_status ep_conversation_get(ep_store *s, int64_t id, ep_conversation_each each, void *user)
{
    sqlite3_stmt *row;
    size_t n;
    epode_status status = ep_sql_row(s, &row, EP_SQL_CONVERSATION_GET, "i", id);
    return status == EPODE_OK ? conversation_each(s, row, each, user, &n) : status;
}

static epode_status conversation_copy_last(const ep_conversation *c, void *user)
{
    int64_t *last_ms = user;
    *last_ms = c->last_ms;
    return EPODE_OK;
}

epode_status ep_conversation_list(ep_store *s, int64_t archive, int64_t after, size_t limit,
                                  ep_conversation_each each, void *user)
{
    sqlite3_stmt *row;
    int64_t ms = INT64_MAX, id = INT64_MAX, max = limit > INT32_MAX ? INT32_MAX : (int64_t)limit;
    size_t n = 0;
    if (after) {
        epode_status found = ep_conversation_get(s, after, conversation_copy_last, &ms);
        if (found != EPODE_OK)
            return found;
        id = after;
    }
    epode_status status =
        archive ? ep_sql_row(s, &row, EP_SQL_CONVERSATION_OF, "iiii", ms, id, max, archive)
                : ep_sql_row(s, &row, EP_SQL_CONVERSATION_ALL, "iii", ms, id, max);
    if (status != EPODE_OK)
        return status;
    status = conversation_each(s, row, each, user, &n);
    return status == EPODE_OK && n < limit ? EPODE_DONE : status;
}

static epode_status conversation_display(ep_store *s, int64_t id, int64_t row, ep_changes *changes)
{
    int64_t moved;
    epode_status status = ep_sql_int(s, &moved, EP_SQL_CONVERSATION_DISPLAY, "ii", id, row);
    if (status == EPODE_DONE)
        return EPODE_OK;
    return status == EPODE_OK ? ep_changes_add(s, changes, 0, id, EP_CHANGE_UNREAD) : status;
}

static epode_status conversation_copy_archive(const ep_conversation *c, void *user)
{
    int64_t *archive = user;
    *archive = c->archive;
    return EPODE_OK;
}

static epode_status conversation_archive(ep_store *s, int64_t id, int64_t *archive)
{
    epode_status status = ep_conversation_get(s, id, conversation_copy_archive, archive);
    if (status == EPODE_DONE)
        return ep_store_fail(s, EPODE_EINVAL, "there is no such conversation");
    return status;
}

epode_status ep_conversation_displayed(ep_store *s, int64_t id, const char *archive_id,
                                       ep_changes *changes)
{
    int64_t archive = 0;
    ep_held held = { 0 };
    if (!archive_id)
        return ep_store_fail(s, EPODE_EINVAL, "a displayed position needs an id");
    epode_status status = conversation_archive(s, id, &archive);
    if (status == EPODE_OK)
        status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = ep_message_held(s, archive, archive_id, &held);
    if (status == EPODE_OK) {
        status = conversation_display(s, id, held.row, changes);
    } else if (status == EPODE_DONE) {
        status = ep_sql_run(s, EP_SQL_CONVERSATION_AWAIT, "it", id, archive_id);
        if (status == EPODE_OK)
            status = ep_changes_add(s, changes, 0, id, EP_CHANGE_UNREAD);
    }
    return ep_write_leave(s, ep_store_solid(s, status));
}

epode_status ep_conversation_displayed_row(ep_store *s, int64_t id, int64_t row,
                                           ep_changes *changes)
{
    int64_t archive = 0, pos;
    epode_status status = conversation_archive(s, id, &archive);
    if (status == EPODE_OK)
        status = ep_sql_int(s, &pos, EP_SQL_VIEW_POS, "i", row);
    if (status == EPODE_DONE)
        status = ep_store_fail(s, EPODE_EINVAL, "there is no such message");
    if (status == EPODE_OK)
        status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(s, ep_store_solid(s, conversation_display(s, id, row, changes)));
}

epode_status ep_conversation_displayed_id(ep_store *s, int64_t id, ep_buf *out)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_CONVERSATION_SHOWN_ID, "i", id);
    if (status != EPODE_OK)
        return status;
    ep_buf_puts(out, (const char *)sqlite3_column_text(row, 0));
    ep_sql_end(row);
    return out->failed ? ep_store_fail(s, EPODE_ENOMEM, "out of memory") : EPODE_OK;
}

epode_status ep_conversation_awaited(ep_store *s, int64_t archive, ep_changes *changes)
{
    sqlite3_stmt *row;
    ep_rows rows = { 0 };
    epode_status status = ep_sql_row(s, &row, EP_SQL_CONVERSATION_AWAITED, "i", archive);
    if (status != EPODE_OK)
        return status == EPODE_DONE ? EPODE_OK : status;
    status = ep_rows_take(s, &rows, row);
    for (size_t i = 0; status == EPODE_OK && i < rows.count; i++) {
        int64_t id = ep_rows_int(&rows, NULL), displayed = ep_rows_int(&rows, NULL);
        status = ep_sql_run(s, EP_SQL_CONVERSATION_AWAIT, "it", id, (const char *)NULL);
        /* Told even where it does not move: the count is certain now. */
        if (status == EPODE_OK)
            status = conversation_display(s, id, displayed, NULL);
        if (status == EPODE_OK)
            status = ep_changes_add(s, changes, 0, id, EP_CHANGE_UNREAD);
    }
    ep_rows_free(&rows);
    return status;
}
