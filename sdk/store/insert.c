/* insert.c: messages become rows, many in one statement: what a statement costs by itself (opening and closing a
 * dozen cursors) is a third of what a row costs. */
#include "base/str.h"
#include "store/parts.h"

#define DAY_MS 86400000

static const struct {
    ep_sql sql;
    size_t rows;
} inserts[] = { { EP_SQL_MESSAGE_ADD_32, 32 }, { EP_SQL_MESSAGE_ADD_8, 8 }, { EP_SQL_MESSAGE_ADD, 1 } };

static bool message_is_countable(const ep_msg *m)
{
    return !m->outgoing && m->kind == EP_MSG_TEXT && m->body && !ep_streq(m->type, "error");
}

/* Who is looked for by its id: what effects act on, and our own. Not the many others: this index is
 * the dearest of all, for ids are random. */
static bool message_is_sought(const ep_msg *m)
{
    return m->id && (m->kind == EP_MSG_TEXT || m->outgoing);
}

typedef struct binding {
    sqlite3_stmt *st;
    int at, rc;
} binding;

static void bind_int(binding *b, int64_t n)
{
    if (b->rc == SQLITE_OK)
        b->rc = sqlite3_bind_int64(b->st, b->at, n);
    b->at++;
}

/* Parameters begin as null: what ends a statement clears them. */
static void bind_null(binding *b)
{
    b->at++;
}

static void bind_text(binding *b, const char *text)
{
    if (text && b->rc == SQLITE_OK)
        b->rc = sqlite3_bind_text(b->st, b->at, text, -1, SQLITE_STATIC);
    b->at++;
}

static void bind_numbers(binding *b, const ep_insert *in, int64_t now_ms)
{
    const ep_msg *m = in->m;
    const ep_spot *spot = &in->spot;
    int64_t received = m->received_ms ? m->received_ms : now_ms;
    bind_int(b, spot->archive);
    bind_int(b, spot->pos);
    bind_int(b, spot->place);
    if (m->kind == EP_MSG_GONE || !spot->conversation)
        bind_null(b);
    else
        bind_int(b, spot->conversation);
    bind_int(b, m->kind);
    bind_int(b, m->outgoing);
    bind_int(b, m->groupchat);
    bind_int(b, (m->flags & EP_MSG_BY_ROOM) != 0);
    bind_int(b, message_is_countable(m));
    bind_int(b, spot->state);
    if (message_is_sought(m))
        bind_int(b, ep_id_hash(m->id));
    else
        bind_null(b);
    /* What comes live has its time from whoever sent it: no conversation is the newest for years by that. */
    bool believed = m->time_ms && (spot->place != EP_PLACE_TAIL || m->time_ms <= received + DAY_MS);
    bind_int(b, believed ? m->time_ms : received);
    bind_int(b, received);
}

/* In the order of the columns in texts.c. */
static void bind_message(binding *b, const ep_insert *in, int64_t now_ms)
{
    const ep_msg *m = in->m;
    bind_numbers(b, in, now_ms);
    bind_text(b, m->archive_id);
    bind_text(b, m->id);
    bind_text(b, ep_streq(m->origin_id, m->id) ? NULL : m->origin_id);
    bind_text(b, m->from);
    bind_text(b, ep_msg_recipient(m));
    bind_text(b, m->occupant);
    bind_text(b, m->type);
    bind_text(b, ep_msg_is_effect(m) ? m->ref_id : NULL);
    bind_text(b, m->reply_id);
    bind_text(b, m->reply_to);
    bind_text(b, m->kind == EP_MSG_REACTION ? m->reactions : m->body);
    if (m->xml && b->rc == SQLITE_OK)
        b->rc = sqlite3_bind_blob64(b->st, b->at, m->xml, m->len, SQLITE_STATIC);
    b->at++;
}

static epode_status insert_some(ep_store *s, ep_sql sql, const ep_insert *in, size_t n)
{
    binding b = { .at = 1 };
    epode_status status = ep_sql_ready(s, &b.st, sql);
    if (status != EPODE_OK)
        return status;
    for (size_t i = 0; i < n; i++)
        bind_message(&b, &in[i], s->now_ms);
    return ep_sql_finish(s, b.st, b.rc);
}

epode_status ep_messages_add(ep_store *s, const ep_insert *in, size_t n)
{
    epode_status status = EPODE_OK;
    for (size_t i = 0; status == EPODE_OK && n; i++)
        for (; status == EPODE_OK && n >= inserts[i].rows; n -= inserts[i].rows, in += inserts[i].rows)
            status = insert_some(s, inserts[i].sql, in, inserts[i].rows);
    return status;
}

epode_status ep_message_add(ep_store *s, const ep_spot *spot, const ep_msg *m, int64_t *row)
{
    ep_insert one = { .m = m, .spot = *spot };
    epode_status status = ep_messages_add(s, &one, 1);
    if (status == EPODE_OK)
        *row = sqlite3_last_insert_rowid(s->db);
    return ep_store_solid(s, status);
}
