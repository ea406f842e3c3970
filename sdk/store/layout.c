/* layout.c: where the messages of a page go.
 *
 * Within a span positions follow one another, for nothing will ever come between; the room is in
 * the holes. Above a known neighbour positions go up from it, below one they go down; a page
 * without any starts a span of its own. If a hole is too small, all that is above it is moved up.
 */
#include "store/parts.h"

static void layout_move(int64_t *pos, int64_t from, int64_t by)
{
    if (*pos >= from)
        *pos += by;
}

/* Moves everything at or above from, in the file and in memory. */
static epode_status layout_shift(ep_layout *l, int64_t from, int64_t by)
{
    ep_archive *a = &l->a;
    if (l->stay)
        return EPODE_AGAIN;
    if (a->top > INT64_MAX - by - 4 * ep_archive_gap(l->s))
        return ep_store_fail(l->s, EPODE_ELIMIT, "the archive's positions are used up");
    epode_status status = ep_sql_run(l->s, EP_SQL_MESSAGE_SHIFT, "iii", a->id, from, by);
    if (status == EPODE_OK)
        status = ep_sql_run(l->s, EP_SQL_SPAN_STRETCH, "iii", a->id, from, by);
    if (status == EPODE_OK)
        status = ep_sql_run(l->s, EP_SQL_SPAN_SHIFT, "iii", a->id, from, by);
    if (status != EPODE_OK)
        return status;
    for (size_t i = 0; i < l->spans.count; i++) {
        layout_move(&l->spans.at[i].first_pos, from, by);
        layout_move(&l->spans.at[i].last_pos, from, by);
    }
    for (size_t i = 0; i < l->count; i++) {
        layout_move(&l->slots[i].pos, from, by);
        layout_move(&l->slots[i].old_pos, from, by);
    }
    layout_move(&l->left, from, by);
    layout_move(&l->right, from, by);
    layout_move(&a->top, from, by);
    layout_move(&a->end, from, by);
    layout_move(&a->mark, from, by);
    layout_move(&a->floor, from, by);
    l->renumbered = true;
    return EPODE_OK;
}

/* The first position above pos that a span holds; false: there is none. */
static bool layout_above(const ep_layout *l, int64_t pos, int64_t *limit)
{
    for (size_t i = 0; i < l->spans.count; i++)
        if (l->spans.at[i].last_pos > pos) {
            *limit = l->spans.at[i].first_pos > pos ? l->spans.at[i].first_pos : pos + 1;
            return true;
        }
    return false;
}

/* The same below, where history is too. */
static bool layout_below(const ep_layout *l, int64_t pos, int64_t *limit)
{
    bool found = false;
    for (size_t i = l->spans.count; !found && i-- > 0;)
        if (l->spans.at[i].first_pos < pos) {
            *limit = l->spans.at[i].last_pos < pos ? l->spans.at[i].last_pos : pos - 1;
            found = true;
        }
    if (l->a.has_floor && l->a.floor < pos && (!found || l->a.floor > *limit)) {
        *limit = l->a.floor;
        found = true;
    }
    return found;
}

static epode_status layout_start_above(ep_layout *l, int64_t left, int64_t n, int64_t *start)
{
    int64_t limit;
    epode_status status = EPODE_OK;
    if (layout_above(l, left, &limit) && limit - left - 1 < n)
        status = layout_shift(l, limit, n - (limit - left - 1) + ep_archive_gap(l->s));
    *start = left + 1;
    return status;
}

static epode_status layout_start_below(ep_layout *l, int64_t right, int64_t n, int64_t *start)
{
    int64_t limit, by;
    epode_status status = EPODE_OK;
    if (layout_below(l, right, &limit) && right - limit - 1 < n) {
        by = n - (right - limit - 1) + ep_archive_gap(l->s);
        status = layout_shift(l, right, by);
        right += by;
    } else if (right < INT64_MIN + n + 1) {
        status = ep_store_fail(l->s, EPODE_ELIMIT, "the archive's positions are used up");
    }
    *start = right - n;
    return status;
}

/* A span of its own: where the mark is, or above all that is there. */
static epode_status layout_start_new(ep_layout *l, int64_t n, int64_t *start)
{
    ep_archive *a = &l->a;
    if (a->top > INT64_MAX - n - 4 * ep_archive_gap(l->s))
        return ep_store_fail(l->s, EPODE_ELIMIT, "the archive's positions are used up");
    bool use_mark = a->has_mark && a->mark > a->end && (!a->has_floor || a->mark > a->floor);
    *start = use_mark ? a->mark : a->top + ep_archive_gap(l->s);
    a->has_mark = false;
    return EPODE_OK;
}

/* Slots from..to, to excluded, are not fixed; before them stands slot from - 1 or the left end. */
static epode_status layout_run(ep_layout *l, size_t from, size_t to)
{
    int64_t start = 0, n = (int64_t)(to - from);
    epode_status status;
    if (!n)
        return EPODE_OK;
    if (from || l->has_left)
        status = layout_start_above(l, from ? l->slots[from - 1].pos : l->left, n, &start);
    else if (to < l->count || l->has_right)
        status = layout_start_below(l, to < l->count ? l->slots[to].pos : l->right, n, &start);
    else
        status = layout_start_new(l, n, &start);
    for (size_t i = from; i < to; i++)
        l->slots[i].pos = start + (int64_t)(i - from);
    return status;
}

epode_status ep_layout_place(ep_layout *l)
{
    size_t from = 0;
    epode_status status = EPODE_OK;
    for (size_t i = 0; i < l->count; i++)
        l->slots[i].pos = l->slots[i].is_fixed ? l->slots[i].old_pos : INT64_MIN;
    for (size_t i = 0; status == EPODE_OK && i <= l->count; i++)
        if (i == l->count || l->slots[i].is_fixed) {
            status = layout_run(l, from, i);
            from = i + 1;
        }
    for (size_t i = 0; i < l->count; i++)
        if (l->slots[i].pos > l->a.top)
            l->a.top = l->slots[i].pos;
    return status;
}
