/* page.c: a page of an archive, from what it says to what is stored. */
#include "store/page.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "store/pagework.h"

static int page_compare_ids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static epode_status page_check_ids(ep_store *s, const ep_page *page)
{
    const char **ids = page->n ? ep_calloc(page->n, sizeof *ids) : NULL;
    epode_status status = EPODE_OK;
    if (!page->n)
        return EPODE_OK;
    if (!ids)
        return ep_store_fail(s, EPODE_ENOMEM, "out of memory");
    for (size_t i = 0; i < page->n; i++)
        ids[i] = page->rows[i].archive_id;
    qsort(ids, page->n, sizeof *ids, page_compare_ids);
    for (size_t i = 1; status == EPODE_OK && i < page->n; i++)
        if (ep_streq(ids[i], ids[i - 1]))
            status = ep_store_fail(s, EPODE_EINVAL, "a page has the same archive id twice");
    ep_free(ids);
    return status;
}

static epode_status page_check(ep_store *s, const ep_page *page)
{
    if ((unsigned)page->kind > EP_PAGE_AFTER || (page->n && !page->rows))
        return ep_store_fail(s, EPODE_EINVAL, "a page needs a kind and its rows");
    for (size_t i = 0; i < page->n; i++) {
        epode_status status = ep_msg_check(s, &page->rows[i]);
        if (status != EPODE_OK)
            return status;
        if (!page->rows[i].archive_id || !*page->rows[i].archive_id)
            return ep_store_fail(s, EPODE_EINVAL, "a row of a page needs its archive id");
    }
    return page_check_ids(s, page);
}

const ep_span *ep_spans_at(const ep_spans *spans, int64_t pos)
{
    for (size_t i = 0; i < spans->count; i++)
        if (spans->at[i].first_pos <= pos && pos <= spans->at[i].last_pos)
            return &spans->at[i];
    return NULL;
}

static const ep_span *page_span(const ep_page_work *w, int64_t number)
{
    for (size_t i = 0; i < w->l.spans.count; i++)
        if (w->l.spans.at[i].span == number)
            return &w->l.spans.at[i];
    return NULL;
}

/* What the query was anchored at; without it the page must show something that is held. */
static epode_status page_anchor(ep_page_work *w)
{
    const ep_page *page = w->page;
    const ep_span *span = page_span(w, page->span), *until = page_span(w, page->until);
    ep_held held = { 0 };
    bool after = page->kind == EP_PAGE_AFTER, found = span != NULL;
    int64_t pos = !found ? 0 : after ? span->last_pos : span->first_pos;
    if (page->kind == EP_PAGE_LAST)
        return EPODE_OK;
    if (page->anchor_id) {
        epode_status status = ep_message_held(w->l.s, w->l.a.id, page->anchor_id, &held);
        if (status < 0)
            return status;
        found = status == EPODE_OK && held.place == EP_PLACE_SPAN;
        pos = held.pos;
    }
    *(after ? &w->l.has_left : &w->l.has_right) = found;
    *(after ? &w->l.left : &w->l.right) = pos;
    w->anchored = found;
    if (found && until && page->complete && !page->unstable) {
        *(after ? &w->l.has_right : &w->l.has_left) = true;
        *(after ? &w->l.right : &w->l.left) = after ? until->first_pos : until->last_pos;
        w->closes = true;
    }
    return EPODE_OK;
}

static epode_status page_slots(ep_page_work *w)
{
    const ep_page *page = w->page;
    if (!page->n)
        return EPODE_OK;
    w->l.slots = ep_calloc(page->n, sizeof *w->l.slots);
    if (!w->l.slots)
        return ep_store_fail(w->l.s, EPODE_ENOMEM, "out of memory");
    for (size_t i = 0; i < page->n; i++)
        w->l.slots[i].m = &page->rows[i];
    w->l.count = page->n;
    return EPODE_OK;
}

static void page_read_held(ep_page_work *w, ep_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        ep_slot *slot = &w->l.slots[ep_rows_int(rows, NULL)];
        slot->row = ep_rows_int(rows, NULL);
        slot->old_pos = ep_rows_int(rows, NULL);
        ep_place place = (ep_place)ep_rows_int(rows, NULL);
        slot->conversation = ep_rows_int(rows, NULL);
        slot->is_fixed = place == EP_PLACE_SPAN;
        slot->is_tail = place == EP_PLACE_TAIL;
        w->fixed += slot->is_fixed;
    }
}

/* One statement for all ids of the page. */
static epode_status page_held(ep_page_work *w)
{
    ep_buf json = EP_BUF_INIT;
    ep_rows rows = { 0 };
    sqlite3_stmt *row;
    if (!w->page->n)
        return EPODE_OK;
    ep_buf_putc(&json, '[');
    for (size_t i = 0; i < w->page->n; i++)
        ep_json_add(&json, w->page->rows[i].archive_id);
    ep_buf_putc(&json, ']');
    const char *text = ep_buf_cstr(&json);
    epode_status status =
        text ? ep_sql_row(w->l.s, &row, EP_SQL_MESSAGE_HELD_ALL, "it", w->l.a.id, text)
             : ep_store_fail(w->l.s, EPODE_ENOMEM, "out of memory");
    if (status == EPODE_OK)
        status = ep_rows_take(w->l.s, &rows, row);
    if (status == EPODE_OK)
        page_read_held(w, &rows);
    ep_rows_free(&rows);
    ep_buf_free(&json);
    return status == EPODE_DONE ? EPODE_OK : status;
}

/* Whether the page begins later, by the server's stamps, than what is held above the anchor ends: the archive has lost that
 * (it was purged) and goes on behind it, unless the page shows something of it. */
static epode_status page_passes(ep_page_work *w)
{
    const ep_spans *spans = &w->l.spans;
    int64_t end_ms = 0;
    if (!w->anchored || w->page->kind != EP_PAGE_AFTER || !w->page->n)
        return EPODE_OK;
    for (size_t i = 0; i < spans->count; i++) {
        if (spans->at[i].last_pos <= w->l.left)
            continue;
        epode_status status = ep_sql_int(w->l.s, &end_ms, EP_SQL_STAMP_OF, "it", w->l.a.id, spans->at[i].last_id);
        w->passes = status == EPODE_OK && w->page->rows[0].time_ms > end_ms;
        w->passed = spans->at[i].last_pos;
        return status < 0 ? status : EPODE_OK;
    }
    return EPODE_OK;
}

/* What is held must appear in the order in which it is held, on the anchor's right side. */
static epode_status page_is_possible(ep_page_work *w)
{
    const ep_page *page = w->page;
    int64_t last = w->l.left;
    bool has_last = w->l.has_left, wrong = false, passes = w->passes;
    for (size_t i = 0; i < w->l.count; i++) {
        const ep_slot *slot = &w->l.slots[i];
        if (!slot->is_fixed)
            continue;
        passes = passes && slot->old_pos > w->passed;
        wrong = wrong || (has_last && slot->old_pos <= last);
        last = slot->old_pos;
        has_last = true;
    }
    wrong = wrong || passes || (has_last && w->l.has_right && last >= w->l.right);
    if (page->kind == EP_PAGE_BEFORE && page->complete && !page->n && !w->closes && w->anchored)
        wrong = wrong || (w->l.spans.count && w->l.spans.at[0].last_pos < w->l.right);
    return wrong ? ep_store_fail(w->l.s, EPODE_EPROTO,
                                 "an archive page contradicts what is held: it is not used")
                 : EPODE_OK;
}

/* The anchor is the end of what is held there. */
static bool page_is_at_edge(const ep_page_work *w)
{
    bool after = w->page->kind == EP_PAGE_AFTER;
    const ep_span *s = ep_spans_at(&w->l.spans, after ? w->l.left : w->l.right);
    return s && (after ? w->l.left == s->last_pos : w->l.right == s->first_pos);
}

/* Everything that can be refused is refused here, before the first change. */
static epode_status page_read(ep_page_work *w, int64_t archive)
{
    epode_status status = page_check(w->l.s, w->page);
    if (status == EPODE_OK)
        status = ep_archive_load(w->l.s, archive, &w->l.a);
    if (status == EPODE_OK)
        status = ep_spans_load(w->l.s, archive, &w->l.spans);
    if (status == EPODE_OK)
        status = page_anchor(w);
    if (status == EPODE_OK)
        status = page_slots(w);
    if (status == EPODE_OK)
        status = page_passes(w);
    /* Most pages of a long catch-up hold nothing that is known. */
    w->fresh = w->fresh && w->page->kind != EP_PAGE_LAST && w->anchored && !w->page->unstable && page_is_at_edge(w) &&
               !w->passes;
    w->l.stay = w->fresh;
    if (status == EPODE_OK && !w->fresh)
        status = page_held(w);
    if (status == EPODE_OK && w->page->kind != EP_PAGE_LAST && !w->anchored && !w->fixed)
        return EPODE_DONE;
    return status == EPODE_OK ? page_is_possible(w) : status;
}

static epode_status page_write(ep_page_work *w)
{
    epode_status status = ep_archive_last_row(w->l.s, &w->before_row);
    if (status == EPODE_OK)
        status = ep_page_join(w);
    if (status == EPODE_OK && !w->page->unstable)
        status = ep_page_carry(w);
    if (status == EPODE_OK)
        status = ep_layout_place(&w->l);
    if (status == EPODE_OK)
        status = ep_page_store(w);
    if (status == EPODE_OK && !w->page->unstable)
        status = ep_page_cover(w);
    if (status == EPODE_OK)
        status = ep_page_follow(w);
    if (status == EPODE_OK)
        status = ep_archive_save(w->l.s, &w->l.a);
    w->out->renumbered = w->l.renumbered;
    return status;
}

/* EPODE_AGAIN: it is not as fresh as it was taken for, and nothing of it is there. */
static epode_status page_take(ep_page_work *w)
{
    ep_store *s = w->l.s;
    epode_status status = page_read(w, w->page->archive);
    if (status == EPODE_OK)
        status = ep_write_enter(s);
    if (status == EPODE_OK)
        status = ep_write_leave(s, ep_store_solid(s, page_write(w)));
    ep_peers_free(&w->peers);
    ep_ints_free(&w->targets);
    ep_spans_free(&w->l.spans);
    ep_free(w->l.slots);
    return status;
}

epode_status ep_archive_page(ep_store *s, const ep_page *page, ep_page_result *out,
                             ep_changes *changes)
{
    ep_page_work w = { .page = page, .out = out, .changes = changes, .l.s = s, .fresh = true };
    *out = (ep_page_result){ 0 };
    epode_status status = page_take(&w);
    if (status != EPODE_AGAIN)
        return status;
    w = (ep_page_work){ .page = page, .out = out, .changes = changes, .l.s = s };
    *out = (ep_page_result){ 0 };
    return page_take(&w);
}
