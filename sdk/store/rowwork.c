/* rowwork.c: the rows of a page. */
#include "base/alloc.h"
#include "store/pagework.h"

/* In a page that proves nothing, only what is new is of interest. */
static void page_drop_held(ep_layout *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->count; i++)
        if (!l->slots[i].row)
            l->slots[n++] = l->slots[i];
    l->count = n;
}

static epode_status page_join_one(ep_page_work *w, ep_slot *slot)
{
    ep_held held = { 0 };
    epode_status status =
        slot->m->outgoing
            ? ep_message_join(w->l.s, slot->conversation, slot->m, &held, w->changes)
            : ep_message_join_bare(w->l.s, w->l.a.id, slot->conversation, slot->m, &held,
                                   w->changes);
    if (status != EPODE_OK)
        return status == EPODE_DONE ? EPODE_OK : status;
    slot->row = held.row;
    slot->old_pos = held.pos;
    slot->is_tail = held.place == EP_PLACE_TAIL;
    slot->is_own = true;
    return EPODE_OK;
}

/* EPODE_DONE: nothing that came live without an id can be meant by a row of the page. */
static epode_status page_bare_any(const ep_page_work *w)
{
    int64_t any, from = w->l.s->now_ms, to = from;
    for (size_t i = 0; i < w->page->n; i++) {
        int64_t ms = w->page->rows[i].time_ms;
        from = ms && (ms < from || !i) ? ms : from;
        to = ms > to || !i ? ms : to;
    }
    return ep_sql_int(w->l.s, &any, EP_SQL_BARE_ANY, "iii", w->l.a.id, from, to);
}

epode_status ep_page_join(ep_page_work *w)
{
    int64_t any;
    epode_status own = ep_sql_int(w->l.s, &any, EP_SQL_OWN_ANY, "i", w->l.a.id);
    epode_status bare = page_bare_any(w);
    epode_status status = own < 0 ? own : bare < 0 ? bare : EPODE_OK;
    if (w->fresh && (own == EPODE_OK || bare == EPODE_OK))
        return EPODE_AGAIN;
    for (size_t i = 0; status == EPODE_OK && i < w->l.count; i++) {
        ep_slot *slot = &w->l.slots[i];
        if (slot->is_fixed || slot->m->kind == EP_MSG_GONE)
            continue;
        /* What is held stays in its conversation. */
        if (!slot->row)
            status =
                ep_peers_find(w->l.s, &w->peers, w->l.a.id, slot->m->peer, &slot->conversation);
        else if (!ep_ints_add(&w->peers.seen, slot->conversation))
            status = ep_store_fail(w->l.s, EPODE_ENOMEM, "out of memory");
        if (status == EPODE_OK && !slot->row && (slot->m->outgoing ? own : bare) == EPODE_OK)
            status = page_join_one(w, slot);
    }
    if (w->page->unstable)
        page_drop_held(&w->l);
    return status;
}

/* Puts what is carried before the first message of the page that came after it. */
static epode_status page_carry_in(ep_page_work *w, ep_rows *rows)
{
    ep_layout *l = &w->l;
    ep_slot *slots = ep_calloc(l->count + rows->count, sizeof *slots);
    size_t n = 0, left = rows->count;
    ep_slot next = { 0 };
    if (!slots)
        return ep_store_fail(l->s, EPODE_ENOMEM, "out of memory");
    for (size_t i = 0; i < l->count; i++) {
        while (l->slots[i].is_tail && (left || next.row)) {
            if (!next.row) {
                left--;
                next.row = ep_rows_int(rows, NULL);
                next.old_pos = ep_rows_int(rows, NULL);
                next.conversation = ep_rows_int(rows, NULL);
            }
            if (next.old_pos > l->slots[i].old_pos)
                break;
            slots[n++] = next;
            next.row = 0;
        }
        slots[n++] = l->slots[i];
    }
    ep_free(l->slots);
    l->slots = slots;
    l->count = n;
    return EPODE_OK;
}

/* What came before this stands below the page, in a hole that may show it yet, or in no archive. */
static int64_t page_lowest(const ep_page_work *w)
{
    if (w->l.has_left)
        return w->l.left;
    for (size_t i = 0; i < w->l.count && !(w->page->complete && w->page->kind != EP_PAGE_AFTER); i++)
        if (w->l.slots[i].is_fixed || w->l.slots[i].is_tail)
            return w->l.slots[i].old_pos;
    return INT64_MIN;
}

epode_status ep_page_carry(ep_page_work *w)
{
    sqlite3_stmt *row;
    ep_rows rows = { 0 };
    int64_t highest = INT64_MIN;
    for (size_t i = 0; i < w->l.count; i++)
        if (w->l.slots[i].is_tail && w->l.slots[i].old_pos > highest)
            highest = w->l.slots[i].old_pos;
    if (highest == INT64_MIN)
        return EPODE_OK;
    epode_status status = ep_sql_row(w->l.s, &row, EP_SQL_MESSAGE_CARRY, "iii", w->l.a.id, highest, page_lowest(w));
    if (status == EPODE_OK)
        status = ep_rows_take(w->l.s, &rows, row);
    if (status == EPODE_OK)
        status = page_carry_in(w, &rows);
    ep_rows_free(&rows);
    return status == EPODE_DONE ? EPODE_OK : status;
}

/* The rows that are new get the next numbers, in the order of the page. */
static size_t page_list_new(ep_page_work *w, ep_place place, ep_insert *out)
{
    size_t n = 0;
    for (size_t i = 0; i < w->l.count; i++) {
        ep_slot *slot = &w->l.slots[i];
        if (slot->is_fixed || slot->row)
            continue;
        slot->is_new = true;
        slot->row = w->before_row + 1 + (int64_t)n;
        out[n++] = (ep_insert){ .m = slot->m,
                                .spot = { .archive = w->l.a.id,
                                          .pos = slot->pos,
                                          .conversation = slot->conversation,
                                          .place = place,
                                          .state = slot->m->outgoing ? EP_DELIVERY_ACKED
                                                                     : EP_DELIVERY_NONE } };
    }
    return n;
}

static epode_status page_add(ep_page_work *w, ep_place place)
{
    if (!w->l.count)
        return EPODE_OK;
    ep_insert *in = ep_calloc(w->l.count, sizeof *in);
    if (!in)
        return ep_store_fail(w->l.s, EPODE_ENOMEM, "out of memory");
    size_t n = page_list_new(w, place, in);
    epode_status status = ep_messages_add(w->l.s, in, n);
    w->out->added = n;
    ep_free(in);
    if (status == EPODE_OK && n && sqlite3_last_insert_rowid(w->l.s->db) != w->before_row + (int64_t)n)
        return ep_store_fail(w->l.s, EPODE_ESTORE, "SQLite numbered rows in an unexpected way");
    if (status != EPODE_EINVAL || !w->fresh)
        return status;
    status = ep_sql_run(w->l.s, EP_SQL_MESSAGE_UNDO, "i", w->before_row);
    return status == EPODE_OK ? EPODE_AGAIN : status;
}

static epode_status page_tell_new(ep_page_work *w, const ep_slot *slot)
{
    if (slot->m->kind != EP_MSG_TEXT)
        return EPODE_OK;
    return ep_changes_add(w->l.s, w->changes, slot->row, slot->conversation, EP_CHANGE_NEW);
}

static epode_status page_move(ep_page_work *w, const ep_slot *slot)
{
    epode_status status = ep_sql_run(w->l.s, EP_SQL_MESSAGE_PLACE, "iiii", slot->row, slot->pos,
                                     (int64_t)(slot->m ? EP_PLACE_SPAN : EP_PLACE_FREE),
                                     slot->m ? slot->m->time_ms : (int64_t)0);
    w->out->joined += slot->m != NULL;
    if (status == EPODE_OK && !ep_ints_add(&w->peers.seen, slot->conversation))
        status = ep_store_fail(w->l.s, EPODE_ENOMEM, "out of memory");
    return status == EPODE_OK
               ? ep_changes_add(w->l.s, w->changes, slot->row, slot->conversation, EP_CHANGE_MOVED)
               : status;
}

static ep_place page_place(const ep_page_work *w)
{
    if (!w->page->unstable)
        return EP_PLACE_SPAN;
    bool on_top = w->page->kind == EP_PAGE_LAST ||
                  (w->page->kind == EP_PAGE_AFTER && w->anchored && w->l.left >= w->l.a.end);
    return on_top ? EP_PLACE_TAIL : EP_PLACE_FREE;
}

epode_status ep_page_store(ep_page_work *w)
{
    epode_status status = page_add(w, page_place(w));
    int64_t room = w->l.a.kind == EP_ARCHIVE_ROOM ? w->l.a.id : 0;
    for (size_t i = 0; status == EPODE_OK && i < w->l.count; i++) {
        ep_slot *slot = &w->l.slots[i];
        if (slot->is_fixed)
            continue;
        status = slot->is_new ? page_tell_new(w, slot) : page_move(w, slot);
        if (status == EPODE_OK && slot->m && ep_msg_is_effect(slot->m))
            status =
                ep_effect_targets(w->l.s, slot->conversation, room, slot->m->ref_id, &w->targets);
        if (status == EPODE_OK && slot->is_own && slot->m->kind == EP_MSG_TEXT && room &&
            !ep_ints_add(&w->targets, slot->row))
            status = ep_store_fail(w->l.s, EPODE_ENOMEM, "out of memory");
    }
    if (w->l.count)
        w->l.a.empty = false;
    return status;
}

epode_status ep_page_follow(ep_page_work *w)
{
    ep_store *s = w->l.s;
    ep_ints_unique(&w->peers.seen);
    epode_status status = ep_effect_any(s, &w->peers.seen);
    if (status == EPODE_OK)
        status = ep_effect_awaited(s, &w->l.a, w->before_row, &w->targets);
    if (status >= 0)
        status = ep_effect_apply(s, &w->targets, w->changes);
    if (status == EPODE_OK)
        status = ep_conversation_refresh(s, &w->peers.seen);
    if (status == EPODE_OK && w->page->n)
        status = ep_conversation_awaited(s, w->l.a.id, w->changes);
    return status;
}
