/* live.c: messages as they arrive, at the end of the provisional tail. */
#include <limits.h>

#include "store/parts.h"
#include "store/sm.h"

epode_status ep_tail_pos(ep_store *s, const ep_archive *a, int64_t *pos)
{
    int64_t gap = ep_archive_gap(s), low = a->end;
    if (a->has_mark && a->mark > low)
        low = a->mark;
    if (a->top > INT64_MAX - 2 || low > INT64_MAX - 4 * gap)
        return ep_store_fail(s, EPODE_ELIMIT, "the archive's positions are used up");
    *pos = a->top + 1 > low + gap ? a->top + 1 : low + gap;
    return EPODE_OK;
}

epode_status ep_tail_add(ep_store *s, ep_archive *a, const ep_msg *m, int64_t conversation,
                         ep_delivery state, int64_t *row, ep_changes *changes)
{
    ep_spot spot = {
        .archive = a->id, .conversation = conversation, .place = EP_PLACE_TAIL, .state = state
    };
    epode_status status = ep_tail_pos(s, a, &spot.pos);
    if (status == EPODE_OK)
        status = ep_message_add(s, &spot, m, row);
    if (status != EPODE_OK)
        return status;
    a->top = spot.pos;
    status = ep_sql_run(s, EP_SQL_ARCHIVE_TOP, "ii", a->id, a->top);
    /* What acts on another message is told as a change of that one. */
    return status == EPODE_OK && m->kind == EP_MSG_TEXT
               ? ep_changes_add(s, changes, *row, conversation, EP_CHANGE_NEW)
               : status;
}

epode_status ep_tail_effects(ep_store *s, const ep_archive *a, const ep_msg *m, int64_t row,
                             int64_t conversation, ep_changes *changes)
{
    ep_ints targets = { 0 }, conversations = { .at = &conversation, .count = 1 };
    int64_t room = a->kind == EP_ARCHIVE_ROOM ? a->id : 0;
    epode_status status = EPODE_OK;
    if (ep_msg_is_effect(m))
        status = ep_effect_targets(s, conversation, room, m->ref_id, &targets);
    else if (m->kind == EP_MSG_TEXT)
        status = ep_effect_awaited(s, a, row - 1, &targets);
    if (status == EPODE_OK)
        status = ep_effect_apply(s, &targets, changes);
    if (status == EPODE_OK && m->kind == EP_MSG_TEXT)
        status = ep_conversation_refresh(s, &conversations);
    ep_ints_free(&targets);
    return status;
}

static epode_status live_known(ep_store *s, int64_t archive, const ep_msg *m, ep_live *out)
{
    ep_held held;
    if (!m->archive_id)
        return EPODE_DONE;
    epode_status status = ep_message_held(s, archive, m->archive_id, &held);
    if (status == EPODE_OK)
        *out = (ep_live){ EP_LIVE_KNOWN, held.row, held.conversation };
    return status;
}

static epode_status live_move_up(ep_store *s, ep_archive *a, const ep_held *held, int64_t conversation,
                                 ep_changes *changes)
{
    int64_t pos;
    epode_status status = ep_tail_pos(s, a, &pos);
    if (status == EPODE_OK)
        status = ep_sql_run(s, EP_SQL_MESSAGE_PLACE, "iiii", held->row, pos, (int64_t)EP_PLACE_TAIL, (int64_t)0);
    if (status != EPODE_OK)
        return status;
    a->top = pos;
    status = ep_sql_run(s, EP_SQL_ARCHIVE_TOP, "ii", a->id, a->top);
    ep_ints conversations = { .at = &conversation, .count = 1 };
    if (status == EPODE_OK)
        status = ep_conversation_refresh(s, &conversations);
    return status == EPODE_OK ? ep_changes_add(s, changes, held->row, conversation, EP_CHANGE_MOVED) : status;
}

/* A room may act on the message by the archive id that it only has now. */
static epode_status live_join(ep_store *s, ep_archive *a, const ep_msg *m, ep_live *out,
                              ep_changes *changes)
{
    ep_held held = { 0 };
    epode_status status = ep_message_join(s, out->conversation, m, &held, changes);
    if (status != EPODE_OK)
        return status;
    out->result = EP_LIVE_JOINED;
    out->row = held.row;
    if (a->kind != EP_ARCHIVE_ROOM)
        return EPODE_OK;
    /* A room passes messages on in its own order, ours among them: this one stands where it came now. */
    if (m->archive_id && held.place == EP_PLACE_TAIL && held.pos < a->top)
        status = live_move_up(s, a, &held, out->conversation, changes);
    if (status != EPODE_OK || m->kind != EP_MSG_TEXT)
        return status;
    ep_ints one = { .at = &held.row, .count = 1 };
    return ep_effect_apply(s, &one, changes);
}

/* From offline storage may come what is here already: as a carbon before the first presence, or by a page. Where
 * no id tells, the same words from the same sender under the same id are the same message. */
static bool live_repeats(ep_store *s, const ep_msg *m, ep_live *out, epode_status *status)
{
    int64_t row = 0;
    if (m->archive_id || m->outgoing || !m->id || !m->time_ms || m->kind != EP_MSG_TEXT)
        return false;
    *status = ep_sql_int(s, &row, EP_SQL_REPEATED, "iittt", out->conversation, ep_id_hash(m->id), m->id,
                         m->from, m->body);
    if (*status == EPODE_OK)
        *out = (ep_live){ EP_LIVE_KNOWN, row, out->conversation };
    bool repeats = *status != EPODE_DONE;
    if (*status == EPODE_DONE)
        *status = EPODE_OK;
    return repeats;
}

/* A room's clock is not ours, and what came live has the time of ours. */
#define REPLAY_APART_MS 30000

epode_status ep_archive_replay(ep_store *s, int64_t archive, ep_replay *out)
{
    *out = (ep_replay){ .pos = INT64_MIN };
    epode_status status = ep_archive_last_row(s, &out->last_row);
    if (status == EPODE_OK)
        status = ep_sql_int(s, &out->pos, EP_SQL_REPLAY_START, "i", archive);
    return status < 0 ? status : EPODE_OK;
}

/* EPODE_DONE: it is not held. */
static epode_status live_replayed(ep_store *s, int64_t archive, const ep_msg *m, ep_live *out)
{
    sqlite3_stmt *st;
    ep_replay *r = m->replay;
    if (!r || m->archive_id || m->kind == EP_MSG_GONE || (!m->id && r->news))
        return EPODE_DONE;
    epode_status status =
        ep_sql_row(s, &st, EP_SQL_REPLAYED, "iiiittttii", archive, r->pos, r->last_row, (int64_t)m->kind, m->id, m->from,
                   ep_msg_is_effect(m) ? m->ref_id : NULL, m->kind == EP_MSG_REACTION ? m->reactions : m->body, m->time_ms,
                   (int64_t)REPLAY_APART_MS);
    if (status != EPODE_OK)
        return status;
    *out = (ep_live){ EP_LIVE_KNOWN, sqlite3_column_int64(st, 0), out->conversation };
    r->pos = sqlite3_column_int64(st, 1);
    ep_sql_end(st);
    return EPODE_OK;
}

static epode_status live_store(ep_store *s, ep_archive *a, const ep_msg *m, ep_live *out,
                               ep_changes *changes)
{
    epode_status status = live_known(s, a->id, m, out);
    if (status != EPODE_DONE)
        return status;
    if (m->kind != EP_MSG_GONE)
        status = ep_conversation_open(s, a->id, m->peer, &out->conversation);
    else
        status = EPODE_OK;
    if (status == EPODE_OK && !m->replay && live_repeats(s, m, out, &status))
        return status;
    if (status == EPODE_OK)
        status = m->outgoing ? live_join(s, a, m, out, changes) : EPODE_DONE;
    if (status == EPODE_DONE) {
        status = live_replayed(s, a->id, m, out);
        if (status == EPODE_OK)
            return status;
    }
    if (status == EPODE_DONE && m->replay)
        m->replay->news = true;
    if (status == EPODE_DONE) {
        out->result = EP_LIVE_NEW;
        status =
            ep_tail_add(s, a, m, out->conversation,
                        m->outgoing ? EP_DELIVERY_ACKED : EP_DELIVERY_NONE, &out->row, changes);
        if (status == EPODE_OK)
            status = ep_tail_effects(s, a, m, out->row, out->conversation, changes);
    }
    if (status == EPODE_OK && m->archive_id)
        status = ep_conversation_awaited(s, a->id, changes);
    return status;
}

epode_status ep_archive_live(ep_store *s, int64_t archive, const ep_msg *m, bool has_h, uint32_t h,
                             ep_live *out, ep_changes *changes)
{
    ep_archive a;
    *out = (ep_live){ 0 };
    epode_status status = ep_msg_check(s, m);
    if (status == EPODE_OK && has_h && !s->has_sm)
        status = ep_store_fail(s, EPODE_ESTATE, "no session of the store can be resumed");
    if (status == EPODE_OK)
        status = ep_archive_load(s, archive, &a);
    if (status == EPODE_OK)
        status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = live_store(s, &a, m, out, changes);
    if (status == EPODE_OK && has_h)
        status = ep_store_sm_set_h(s, h);
    return ep_write_leave(s, ep_store_solid(s, status));
}
