/* course.c: the course of a catch-up: the last page, up to it from what is held, down from it within a budget. */
#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "base/str.h"
#include "sync/catchupwork.h"
#include "sync/first.h"
#include "sync/settled.h"

#define LAST_PAGE      50
#define FIRST_MESSAGES 1000
#define ANSWER_TIMEOUT_US (60 * 1000000LL)

epode_status ep_course_ask(ep_catchup *c, catchup_state state, const char *before, const char *after, int64_t span,
                           int64_t now_us)
{
    uint8_t id[8];
    /* A copy first: it may lie in what is reset. */
    if (!ep_str_set(&c->anchor, after) || !ep_rand_bytes(id, sizeof id))
        return EPODE_ENOMEM;
    ep_catchup_clear(c);
    memcpy(c->query, "mam-", 4);
    ep_hex(id, sizeof id, c->query + 4);
    c->state = state;
    c->page = (ep_page){ .archive = c->archive, .span = span,
                         .kind = state == C_LAST ? EP_PAGE_LAST : state == C_UP ? EP_PAGE_AFTER : EP_PAGE_BEFORE,
                         .anchor_id = state == C_UP ? c->anchor : NULL };
    epode_status st = ep_archive_last_row(c->store, &c->page.asked_row);
    if (st < 0)
        return st;
    unsigned bulk = c->config.page ? c->config.page : EP_BULK_PAGE;
    unsigned max = state == C_LAST ? c->last_max : bulk;
    if (state == C_DOWN && max > c->budget)
        max = c->budget;
    ep_mam_query q = { .id = c->query, .archive = c->room, .before = before, .after = after ? c->anchor : NULL, .max = max };
    c->deadline_us = now_us + ANSWER_TIMEOUT_US;
    return c->ev->ask(c->user, &q);
}

static epode_status budget_save(const ep_catchup *c)
{
    return c->first ? ep_first_save(c->store, ep_catchup_owner(c), c->budget, c->oldest_ms) : EPODE_OK;
}

static epode_status budget_load(ep_catchup *c)
{
    epode_status st = ep_first_load(c->store, ep_catchup_owner(c), &c->budget, &c->oldest_ms);
    c->first = c->budget > 0;
    return st;
}

static epode_status find_from(ep_catchup *c)
{
    ep_buf from = EP_BUF_INIT;
    epode_status held = ep_settled_from(c->store, c->archive, ep_catchup_owner(c), &from, &c->end_ms);
    if (held >= 0 && !ep_str_set(&c->from, held == EPODE_OK ? ep_buf_cstr(&from) : NULL))
        held = EPODE_ENOMEM;
    ep_buf_free(&from);
    return held;
}

epode_status ep_course_last(ep_catchup *c, int64_t now_us)
{
    epode_status st = ep_archive_mark(c->store, c->archive);
    /* Until it is answered: a session that is resumed meanwhile asks again. */
    if (st >= 0)
        st = ep_archive_reaches_end(c->store, c->archive, false);
    epode_status held = st < 0 ? st : find_from(c);
    c->last_max = LAST_PAGE;
    if (held == EPODE_DONE && c->config.first_messages && c->config.first_messages < LAST_PAGE)
        c->last_max = c->config.first_messages;
    bool never = false;
    if (held == EPODE_DONE && (st = ep_first_is_new(c->store, ep_catchup_owner(c), &never)) < 0)
        return st;
    c->is_new = never;
    return held < 0 ? held : ep_course_ask(c, C_LAST, "", NULL, 0, now_us);
}

static epode_status ask_down(ep_catchup *c, int64_t span, int64_t now_us)
{
    ep_span_copy s = { 0 };
    epode_status st = ep_span_get(c->store, span, &s);
    if (st < 0)
        return st;
    if (st == EPODE_DONE || s.span.reaches_start || !c->budget) {
        ep_span_copy_free(&s);
        st = c->first ? ep_first_over(c->store, ep_catchup_owner(c)) : EPODE_OK;
        c->first = false;
        if (st >= 0)
            ep_catchup_finish(c, EPODE_OK);
        return st;
    }
    st = ep_course_ask(c, C_DOWN, s.first_id, NULL, span, now_us);
    ep_span_copy_free(&s);
    return st;
}

static epode_status inner_row(const ep_hole *hole, void *user)
{
    char **after = user;
    if (!hole->below || !hole->above || !hole->after_id)
        return EPODE_OK;
    ep_free(*after); /* the lowest one */
    return (*after = ep_strdup(hole->after_id)) ? EPODE_OK : EPODE_ENOMEM;
}

static epode_status ask_up(ep_catchup *c, const char *after, const char *until, int64_t now_us)
{
    c->settles = ep_streq(after, c->from);
    return ep_str_set(&c->until, until) ? ep_course_ask(c, C_UP, NULL, after, 0, now_us) : EPODE_ENOMEM;
}

/* Everything up to the end is held. A hole between two spans is a way up that was cut: it goes on, from what is known for
 * good if that is below it. Then what is left is what a first login has not got yet. */
epode_status ep_course_rest(ep_catchup *c, bool begun, int64_t now_us)
{
    ep_span_copy end = { 0 };
    char *inner = NULL;
    epode_status st = ep_hole_list(c->store, c->archive, inner_row, &inner);
    if (st >= 0)
        st = ep_archive_verified_end(c->store, c->archive, &end);
    if (st == EPODE_OK && inner && !begun)
        st = find_from(c);
    if (st == EPODE_OK && inner)
        st = ask_up(c, begun ? inner : c->from, end.first_id, now_us);
    else if (st >= 0 && (st = budget_load(c)) == EPODE_OK && c->first && end.last_id)
        st = ask_down(c, end.span.span, now_us);
    else if (st >= 0)
        ep_catchup_finish(c, EPODE_OK);
    ep_span_copy_free(&end);
    ep_free(inner);
    return st < 0 ? st : EPODE_OK;
}

/* The server does not know where we are: what is held becomes history that proves nothing, and the newest comes
 * first again. Once: an archive that forgets twice in a row is left alone. */
epode_status ep_course_lost(ep_catchup *c, int64_t now_us)
{
    if (c->forgot) {
        ep_catchup_finish(c, EPODE_EPROTO);
        return EPODE_OK;
    }
    ep_log_line(c->log, EP_LOG_INFO, "sync", "the archive does not know the last id that is held: newest first");
    c->forgot = true;
    epode_status st = ep_archive_forget_spans(c->store, c->archive);
    return st < 0 ? st : ep_course_last(c, now_us);
}

/* The span that was the newest before the page: the hole between it and the page is paged from there. */
typedef struct below_find {
    int64_t top;
    char *id;
} below_find;

static epode_status below_span(const ep_span *span, void *user)
{
    below_find *b = user;
    if (span->span == b->top)
        return EPODE_DONE;
    ep_free(b->id);
    b->id = ep_strdup(span->last_id);
    return b->id ? EPODE_OK : EPODE_ENOMEM;
}

/* The last page met what is held, but not as far down as rows may have been inserted since: what is between is read. */
static epode_status read_again(ep_catchup *c, const ep_page_result *r, int64_t now_us)
{
    /* Where nothing is new it waits for the next message, unless it was asked for. */
    bool same = !r->added && !r->joined && !c->thorough;
    bool seen = same || !c->from || ep_results_show(&c->got, c->from);
    return seen ? ep_course_rest(c, true, now_us) : ask_up(c, c->from, c->got.rows[0].archive_id, now_us);
}

static epode_status after_last(ep_catchup *c, const ep_page_result *r, int64_t now_us)
{
    below_find b = { .top = r->span };
    if (!r->span || !c->got.count || c->page.complete)
        return ep_course_rest(c, true, now_us);
    if (c->got.rows[c->got.count - 1].time_ms > c->end_ms)
        c->end_ms = c->got.rows[c->got.count - 1].time_ms;
    if (r->meets_newest)
        return read_again(c, r, now_us);
    epode_status st = ep_span_list(c->store, c->archive, below_span, &b);
    if (st >= 0 && b.id) {
        st = ask_up(c, c->from ? c->from : b.id, c->got.rows[0].archive_id, now_us);
    } else if (st >= 0) {
        unsigned first = c->config.first_messages ? c->config.first_messages : FIRST_MESSAGES;
        c->budget = first > c->done ? first - (unsigned)c->done : 0;
        c->oldest_ms = c->config.first_days ? c->now_ms - (int64_t)c->config.first_days * 86400000 : 0;
        c->first = true;
        c->expected = c->done + c->budget;
        if (c->count && c->count < c->expected)
            c->expected = (size_t)c->count;
        if ((st = budget_save(c)) >= 0)
            st = ask_down(c, r->span, now_us);
    }
    ep_free(b.id);
    return st;
}

static epode_status after_up(ep_catchup *c, const ep_page_result *r, int64_t now_us)
{
    epode_status st = EPODE_OK;
    if (c->settles)
        st = ep_settled_page(c->store, ep_catchup_owner(c), c->got.rows, c->got.count, c->end_ms);
    if (st < 0)
        return st;
    if (c->page.complete || ep_results_show(&c->got, c->until))
        return ep_course_rest(c, true, now_us);
    if (!r->span || !c->got.count)
        return ep_course_lost(c, now_us);
    /* From the page's end, which may lie within what is held. */
    return ep_course_ask(c, C_UP, NULL, c->got.rows[c->got.count - 1].archive_id, r->span, now_us);
}

static epode_status after_down(ep_catchup *c, const ep_page_result *r, int64_t oldest, int64_t now_us)
{
    size_t got = c->page.n;
    c->budget = c->budget > got ? c->budget - (unsigned)got : 0;
    if (r->met || !got || (c->oldest_ms && oldest && oldest < c->oldest_ms))
        c->budget = 0;
    epode_status st = budget_save(c);
    return st < 0 ? st : ask_down(c, r->span, now_us);
}

/* XEP-0059, 2.6: where a server says at which place a page begins, it is known how far it is to the last page. */
static void expect_up(ep_catchup *c, const ep_mam_fin *fin)
{
    uint64_t behind = fin->index + c->got.count;
    bool known = c->has_top_index && fin->has_index && behind <= c->top_index && c->top_index - behind < SIZE_MAX / 2;
    c->expected = known ? c->done + (size_t)(c->top_index - behind) : 0;
}

/* An empty page that says it is complete is believed only where nothing contradicts it: going up there must be
 * something, the last page was seen above. */
static bool page_is_absurd(const ep_catchup *c, const ep_mam_fin *fin)
{
    return c->state == C_UP && !c->got.count && !fin->first;
}

static epode_status page_put(ep_catchup *c, ep_page_result *r, ep_changes *changes)
{
    epode_status st = ep_archive_page(c->store, &c->page, r, changes);
    if (st != EPODE_EINVAL || !ep_results_once(&c->got))
        return st;
    c->page.n = c->got.count;
    return ep_archive_page(c->store, &c->page, r, changes);
}

epode_status ep_course_page(ep_catchup *c, const ep_mam_fin *fin, int64_t now_us)
{
    ep_page_result r = { 0 };
    ep_changes changes = { 0 };
    ep_results_end(&c->got, fin);
    c->page.rows = c->got.rows;
    c->page.n = c->got.count;
    /* An empty page was cut short by no limit, so nothing is there: whoever leaves out "complete" (no server may, XEP-0313)
     * would be asked for it for ever. */
    c->page.complete = (fin->complete || !c->got.count) && !c->got.lacks;
    c->page.unstable = !fin->stable || c->got.lacks;
    if (c->state == C_LAST) {
        c->count = fin->count;
        c->has_top_index = fin->has_index;
        c->top_index = fin->index;
    }
    if (page_is_absurd(c, fin))
        return ep_course_lost(c, now_us);
    int64_t oldest = c->got.count ? c->got.rows[0].time_ms : 0;
    epode_status st = page_put(c, &r, &changes);
    if (st == EPODE_EPROTO || st == EPODE_DONE) {
        ep_changes_free(&changes);
        return ep_course_lost(c, now_us);
    }
    if (st >= 0) {
        c->done += c->got.count;
        if (c->state == C_UP)
            expect_up(c, fin);
        changes.history = c->state == C_DOWN || (c->state == C_LAST && c->is_new);
        c->ev->stored(c->user, &changes, c->done, c->expected);
        bool unstable = c->page.unstable;
        if (unstable)
            ep_catchup_finish(c, EPODE_EPROTO);
        else if (c->state == C_LAST)
            st = after_last(c, &r, now_us);
        else if (c->state == C_UP)
            st = after_up(c, &r, now_us);
        else
            st = after_down(c, &r, oldest, now_us);
    }
    ep_changes_free(&changes);
    return st < 0 ? st : EPODE_OK;
}
