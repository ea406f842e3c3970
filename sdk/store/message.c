/* message.c: messages as rows, and the list of what changed. */
#include "store/message.h"

#include "base/alloc.h"
#include "base/str.h"
#include "store/parts.h"

epode_status ep_changes_add(ep_store *s, ep_changes *c, int64_t row, int64_t conversation,
                            ep_change_kind kind)
{
    if (!c)
        return EPODE_OK;
    if (c->count == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 16;
        ep_change *at = ep_realloc(c->at, cap * sizeof *at);
        if (!at)
            return ep_store_fail(s, EPODE_ENOMEM, "out of memory");
        c->at = at;
        c->cap = cap;
    }
    c->at[c->count++] = (ep_change){ row, conversation, kind };
    return EPODE_OK;
}

void ep_changes_clear(ep_changes *c)
{
    c->count = 0;
}

void ep_changes_free(ep_changes *c)
{
    ep_free(c->at);
    *c = (ep_changes){ 0 };
}

/* FNV-1a, folded to 31 bits: an index of small numbers instead of long texts. */
int64_t ep_id_hash(const char *id)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (; id && *id; id++)
        h = (h ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
    return (int64_t)((h ^ h >> 32) & 0x7fffffff);
}

bool ep_msg_is_effect(const ep_msg *m)
{
    return m->kind >= EP_MSG_CORRECTION && m->kind <= EP_MSG_MARKER;
}

epode_status ep_msg_check(ep_store *s, const ep_msg *m)
{
    if ((unsigned)m->kind > EP_MSG_GONE)
        return ep_store_fail(s, EPODE_EINVAL, "a message has a kind that does not exist");
    if (m->kind == EP_MSG_GONE && !m->archive_id)
        return ep_store_fail(s, EPODE_EINVAL, "a message that is gone needs its archive id");
    if (m->kind != EP_MSG_GONE && !m->peer)
        return ep_store_fail(s, EPODE_EINVAL, "a message needs the peer of its conversation");
    if (ep_msg_is_effect(m) && !m->ref_id)
        return ep_store_fail(s, EPODE_EINVAL, "what acts on a message needs that one's id");
    if (m->len > INT32_MAX / 2)
        return ep_store_fail(s, EPODE_EINVAL, "a message is too long");
    return EPODE_OK;
}

/* EPODE_EINVAL promises that nothing was changed: in the middle of a change that is not so. */
epode_status ep_store_solid(ep_store *s, epode_status status)
{
    if (status == EPODE_EINVAL)
        return ep_fail(&s->error, EPODE_ESTORE, s->error.native,
                       "the store refused a row that it should take: a bug");
    return status;
}

/* Where it went, if that is not what the conversation says already. */
const char *ep_msg_recipient(const ep_msg *m)
{
    return m->outgoing && !m->groupchat && m->to && !ep_streq(m->to, m->peer) ? m->to : NULL;
}

epode_status ep_message_held(ep_store *s, int64_t archive, const char *archive_id, ep_held *out)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_MESSAGE_HELD, "it", archive, archive_id);
    if (status != EPODE_OK)
        return status;
    out->row = sqlite3_column_int64(row, 0);
    out->pos = sqlite3_column_int64(row, 1);
    out->place = (ep_place)sqlite3_column_int(row, 2);
    out->conversation = sqlite3_column_int64(row, 3);
    ep_sql_end(row);
    return EPODE_OK;
}

static epode_status message_own_row(ep_held *out, ep_delivery *state, sqlite3_stmt *row)
{
    out->row = sqlite3_column_int64(row, 0);
    out->pos = sqlite3_column_int64(row, 1);
    out->place = (ep_place)sqlite3_column_int(row, 2);
    *state = (ep_delivery)sqlite3_column_int(row, 3);
    ep_sql_end(row);
    return EPODE_OK;
}

/* A room or a gateway may have given the copy another id: then the origin id tells (XEP-0359). */
static epode_status message_own_find(ep_store *s, int64_t conversation, const ep_msg *m,
                                     ep_held *out, ep_delivery *state)
{
    const char *keys[] = { m->origin_id, m->id }, *to = ep_msg_recipient(m);
    sqlite3_stmt *row;
    for (int i = 0; i < 2; i++) {
        if (!keys[i] || (i && ep_streq(keys[0], keys[1])))
            continue;
        epode_status status = ep_sql_row(s, &row, EP_SQL_OWN_BY_ID, "iitt", conversation,
                                         ep_id_hash(keys[i]), keys[i], to);
        if (status == EPODE_DONE && i == 0)
            status = ep_sql_row(s, &row, EP_SQL_OWN_BY_ORIGIN, "itt", conversation, keys[i], to);
        if (status == EPODE_OK)
            return message_own_row(out, state, row);
        if (status != EPODE_DONE)
            return status;
    }
    return EPODE_DONE;
}

static epode_status message_bare(ep_store *s, int64_t archive, int64_t conversation,
                                 const ep_msg *m, ep_held *out)
{
    ep_delivery state;
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_BARE_FIND, "iittt", archive, conversation,
                                     m->id, m->from, m->body);
    if (status == EPODE_DONE)
        status = ep_sql_row(s, &row, EP_SQL_BARE_FIND_OLD, "iittti", archive, conversation, m->id, m->from, m->body,
                            m->time_ms ? m->time_ms : s->now_ms);
    if (status != EPODE_OK)
        return status;
    out->conversation = conversation;
    return message_own_row(out, &state, row);
}

epode_status ep_message_join_bare(ep_store *s, int64_t archive, int64_t conversation,
                                  const ep_msg *m, ep_held *out, ep_changes *changes)
{
    epode_status status = message_bare(s, archive, conversation, m, out);
    if (status != EPODE_OK)
        return status;
    status = ep_sql_run(s, EP_SQL_OWN_JOIN, "iti", out->row, m->archive_id,
                        (int64_t)EP_DELIVERY_NONE);
    if (status == EPODE_OK)
        status = ep_changes_add(s, changes, out->row, conversation, EP_CHANGE_CHANGED);
    return ep_store_solid(s, status);
}

epode_status ep_message_join(ep_store *s, int64_t conversation, const ep_msg *m, ep_held *out,
                             ep_changes *changes)
{
    ep_delivery state = EP_DELIVERY_NONE;
    epode_status status = message_own_find(s, conversation, m, out, &state);
    if (status != EPODE_OK)
        return status;
    ep_delivery now = ep_delivery_is_forward(state, EP_DELIVERY_ACKED) ? EP_DELIVERY_ACKED : state;
    out->conversation = conversation;
    status = ep_sql_run(s, EP_SQL_OWN_JOIN, "iti", out->row, m->archive_id, (int64_t)now);
    if (status == EPODE_OK)
        status = ep_sql_run(s, EP_SQL_OUTBOX_DEL, "i", out->row);
    if (status == EPODE_OK && now != state)
        status = ep_changes_add(s, changes, out->row, conversation, EP_CHANGE_DELIVERY);
    if (status == EPODE_OK && m->archive_id)
        status = ep_changes_add(s, changes, out->row, conversation, EP_CHANGE_CHANGED);
    return ep_store_solid(s, status);
}
