/* cover.c: a page and the spans that it touches become one span. */
#include "store/pagework.h"

typedef struct cover {
    int64_t low, high; /* what the page shows to be without a hole */
    size_t from, to;   /* the spans that it touches, to excluded */
    ep_span merged;
    const ep_span *goes_on; /* the one whose number stays; NULL: none was there */
    bool reaches_start;     /* the page does */
    bool reaches_end;       /* the page does: what was archived when it was asked for is not above it */
} cover;

/* The page's outermost rows with an id; what is carried never stands last. */
static const ep_slot *cover_first(const ep_page_work *w)
{
    size_t i = 0;
    while (i < w->l.count && !w->l.slots[i].m)
        i++;
    return i < w->l.count ? &w->l.slots[i] : NULL;
}

static const ep_slot *cover_last(const ep_page_work *w)
{
    return w->l.count ? &w->l.slots[w->l.count - 1] : NULL;
}

/* False: nothing is proven. */
static bool cover_range(const ep_page_work *w, cover *c)
{
    const ep_slot *first = cover_first(w), *last = cover_last(w);
    if (!first && !w->l.has_left && !w->l.has_right)
        return false;
    c->low = w->l.has_left ? w->l.left : first ? first->pos : w->l.right;
    c->high = w->l.has_right ? w->l.right : last ? last->pos : w->l.left;
    return true;
}

static void cover_touch(const ep_page_work *w, cover *c)
{
    const ep_spans *spans = &w->l.spans;
    while (c->from < spans->count && spans->at[c->from].last_pos < c->low)
        c->from++;
    for (c->to = c->from; c->to < spans->count && spans->at[c->to].first_pos <= c->high;)
        c->to++;
    if (c->from == c->to)
        return;
    c->goes_on = &spans->at[c->to - 1];
    if (w->anchored)
        c->goes_on = ep_spans_at(spans, w->page->kind == EP_PAGE_AFTER ? w->l.left : w->l.right);
}

static void cover_ends(const ep_page_work *w, cover *c)
{
    const ep_page *page = w->page;
    const ep_span *lowest = c->from < c->to ? &w->l.spans.at[c->from] : NULL;
    const ep_span *highest = lowest ? &w->l.spans.at[c->to - 1] : NULL;
    bool to_end = page->kind == EP_PAGE_LAST ||
                  (page->kind == EP_PAGE_AFTER && page->complete && !page->until);
    bool below = !lowest || c->low < lowest->first_pos;
    bool above = !highest || c->high > highest->last_pos;
    c->reaches_start = page->kind != EP_PAGE_AFTER && page->complete && !page->until;
    c->merged.archive = w->l.a.id;
    c->merged.first_pos = below ? c->low : lowest->first_pos;
    c->merged.first_id = below ? cover_first(w)->m->archive_id : lowest->first_id;
    c->merged.last_pos = above ? c->high : highest->last_pos;
    c->merged.last_id = above ? cover_last(w)->m->archive_id : highest->last_id;
    c->merged.reaches_start = c->reaches_start || (lowest && lowest->reaches_start);
    c->reaches_end = to_end && c->to == w->l.spans.count && (above || c->high == highest->last_pos);
    c->merged.reached_end = above ? to_end : highest->reached_end || (to_end && c->high == highest->last_pos);
}

static epode_status cover_save(ep_page_work *w, cover *c)
{
    ep_store *s = w->l.s;
    ep_span *m = &c->merged;
    epode_status status = EPODE_OK;
    for (size_t i = c->from; status == EPODE_OK && i < c->to; i++)
        if (&w->l.spans.at[i] != c->goes_on)
            status = ep_sql_run(s, EP_SQL_SPAN_DEL, "i", w->l.spans.at[i].span);
    if (status != EPODE_OK)
        return status;
    if (!c->goes_on)
        return ep_sql_int(s, &m->span, EP_SQL_SPAN_ADD, "iiittii", m->archive, m->first_pos,
                          m->last_pos, m->first_id, m->last_id, (int64_t)m->reaches_start,
                          (int64_t)m->reached_end);
    m->span = c->goes_on->span;
    return ep_sql_run(s, EP_SQL_SPAN_PUT, "iiittii", m->span, m->first_pos, m->last_pos,
                      m->first_id, m->last_id, (int64_t)m->reaches_start, (int64_t)m->reached_end);
}

/* What is in the tail and in no page, though pages have gone past it, is not in the archive. */
static epode_status cover_settle(ep_page_work *w, const cover *c)
{
    return ep_sql_run(w->l.s, EP_SQL_MESSAGE_SETTLE, "iiii", w->l.a.id, c->merged.first_pos, c->merged.last_pos,
                      c->reaches_end ? w->page->asked_row : (int64_t)0);
}

static void cover_report(ep_page_work *w, const cover *c)
{
    ep_page_result *out = w->out;
    size_t n = w->l.spans.count;
    out->span = c->merged.span;
    out->met = c->to - c->from > (w->anchored ? 1 : 0);
    out->is_newest = c->to == n;
    out->meets_newest = n && c->from < n && c->to == n;
    out->reaches_start = c->merged.reaches_start;
    if (out->is_newest)
        w->l.a.end = c->merged.last_pos;
}

/* An empty last page: the archive is empty, whatever was in it. */
static epode_status cover_nothing(ep_page_work *w)
{
    if (w->page->kind != EP_PAGE_LAST || w->page->n)
        return EPODE_OK;
    w->l.a.empty = true;
    return ep_spans_detach(w->l.s, &w->l.a, &w->l.spans, INT64_MAX, &w->out->forgot);
}

epode_status ep_page_cover(ep_page_work *w)
{
    cover c = { 0 };
    if (!cover_range(w, &c))
        return cover_nothing(w);
    cover_touch(w, &c);
    cover_ends(w, &c);
    epode_status status = cover_save(w, &c);
    if (status == EPODE_OK && c.reaches_start)
        status = ep_spans_detach(w->l.s, &w->l.a, &w->l.spans, c.merged.first_pos, &w->out->forgot);
    if (status == EPODE_OK)
        status = cover_settle(w, &c);
    cover_report(w, &c);
    return status;
}
