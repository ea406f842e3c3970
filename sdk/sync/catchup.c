/* catchup.c: the machine behind one archive. */
#include "sync/catchup.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/timers.h"
#include "store/facts.h"
#include "sync/settled.h"
#include "xmpp/bound.h"

#define LAST_PAGE      50
#define BULK_PAGE      250 /* a server gives less if that is too much */
#define FIRST_MESSAGES 1000
/* A server that sends more than it was asked for is not followed for ever. */
#define PAGE_RESULTS_MAX 1000
#define ANSWER_TIMEOUT_US (60 * 1000000LL)

typedef enum catchup_state {
    C_IDLE = 0,
    C_LAST, /* the last page was asked */
    C_UP,   /* from what was known for good to the last page, forward */
    C_DOWN, /* older and older, within a budget */
} catchup_state;

struct ep_catchup {
    ep_store *store;
    char *account, *room, *nick, *occupant;
    ep_reader reader;
    ep_catchup_config config;
    const ep_catchup_events *ev;
    void *user;
    const ep_log *log;
    int64_t archive;

    catchup_state state;
    char query[40];         /* id of what is asked; empty: nothing */
    ep_page page;           /* what is being received */
    ep_msg *rows;
    size_t row_count, row_cap;
    ep_arena arena;
    int64_t deadline_us, now_ms;
    size_t done, expected;
    uint64_t count;         /* messages in the archive, as the last page said; 0: it did not */
    uint64_t top_index;     /* how many stand before the last page; if it said so */
    bool has_top_index;
    unsigned last_max;      /* of C_LAST: a first login gets no more than was wished for */
    unsigned budget;        /* messages that C_DOWN may still get */
    int64_t oldest_ms;      /* C_DOWN goes no further back; 0: no limit */
    bool is_new;            /* C_LAST: this archive was never held to its end before */
    bool first;             /* C_DOWN is a first login's, which goes on after a cut or a kill */
    char *from;             /* C_LAST: what is younger than this id is read again; NULL: nothing is held */
    char *until;            /* C_UP: the first one above that needs no reading: of the last page, or of the newest span */
    char *anchor;           /* C_UP: the id that was asked with */
    int64_t end_ms;         /* the stamp of the newest that is held; 0: unknown */
    bool thorough;          /* the next catch-up reads the end again even if nothing is new */
    bool settles;           /* C_UP began at from: what it has passed is known for good */
    bool forgot, overflow;
};

epode_status ep_catchup_new(ep_catchup **out, ep_store *store, const ep_catchup_config *config,
                            const ep_catchup_events *events, void *user, const ep_log *log)
{
    *out = NULL;
    ep_catchup *c = ep_calloc(1, sizeof *c);
    if (!c)
        return EPODE_ENOMEM;
    c->store = store;
    c->config = *config;
    c->ev = events;
    c->user = user;
    c->log = log;
    c->deadline_us = EP_NEVER;
    c->arena.block_bytes = 32u << 10;
    const char *owner = config->reader.room ? config->reader.room : config->reader.account;
    epode_status st = EPODE_ENOMEM;
    if (ep_str_set(&c->account, config->reader.account) && ep_str_set(&c->room, config->reader.room) &&
        ep_str_set(&c->nick, config->reader.nick))
        st = ep_archive_open(store, owner, config->reader.room ? EP_ARCHIVE_ROOM : EP_ARCHIVE_ACCOUNT, &c->archive);
    if (st) {
        ep_catchup_free(c);
        return st;
    }
    c->reader = (ep_reader){ .account = c->account, .room = c->room, .nick = c->nick };
    *out = c;
    return EPODE_OK;
}

void ep_catchup_free(ep_catchup *c)
{
    if (!c)
        return;
    ep_free(c->account);
    ep_free(c->room);
    ep_free(c->nick);
    ep_free(c->occupant);
    ep_free(c->rows);
    ep_free(c->from);
    ep_free(c->until);
    ep_free(c->anchor);
    ep_arena_free(&c->arena);
    ep_free(c);
}

epode_status ep_catchup_set_nick(ep_catchup *c, const char *nick)
{
    if (!ep_str_set(&c->nick, nick))
        return EPODE_ENOMEM;
    c->reader.nick = c->nick;
    return EPODE_OK;
}

epode_status ep_catchup_set_occupant(ep_catchup *c, const char *id)
{
    if (!ep_str_set(&c->occupant, id))
        return EPODE_ENOMEM;
    c->reader.occupant = c->occupant;
    return EPODE_OK;
}

const ep_reader *ep_catchup_reader(const ep_catchup *c)
{
    return &c->reader;
}

static void catchup_reset(ep_catchup *c)
{
    c->query[0] = '\0';
    c->row_count = 0;
    c->overflow = false;
    c->deadline_us = EP_NEVER;
    ep_arena_reset(&c->arena);
}

void ep_catchup_cut(ep_catchup *c)
{
    catchup_reset(c);
    c->state = C_IDLE;
    c->forgot = false;
}

/* An archive that was held to its end once, and was empty: what comes later is news, not history. */
#define FACT_SYNCED "synced-once"

static epode_status never_synced(ep_catchup *c, bool *never)
{
    ep_buf text = EP_BUF_INIT;
    epode_status st = ep_store_fact_get(c->store, FACT_SYNCED, ep_catchup_owner(c), &text, NULL);
    ep_buf_free(&text);
    *never = st == EPODE_DONE;
    return st;
}

static epode_status note_synced(ep_catchup *c)
{
    ep_span_copy end = { 0 };
    bool never = false;
    epode_status held = ep_archive_verified_end(c->store, c->archive, &end);
    ep_span_copy_free(&end);
    if (held != EPODE_DONE)
        return held;
    epode_status st = never_synced(c, &never);
    return st >= 0 && never ? ep_store_fact_put(c->store, FACT_SYNCED, ep_catchup_owner(c), "1", 1, 0) : st;
}

static void catchup_finish(ep_catchup *c, epode_status status)
{
    bool forgot = c->forgot;
    ep_catchup_cut(c);
    c->thorough = c->thorough && status != EPODE_OK;
    if (status == EPODE_OK && (ep_settled_move(c->store, c->archive, ep_catchup_owner(c), &c->end_ms) < 0 || note_synced(c) < 0))
        status = EPODE_ESTORE;
    c->ev->finished(c->user, status, forgot);
}

static epode_status catchup_ask(ep_catchup *c, catchup_state state, const char *before, const char *after, int64_t span,
                                int64_t now_us)
{
    uint8_t id[8];
    /* A copy first: it may lie in what is reset. */
    if (!ep_str_set(&c->anchor, after) || !ep_rand_bytes(id, sizeof id))
        return EPODE_ENOMEM;
    catchup_reset(c);
    memcpy(c->query, "mam-", 4);
    ep_hex(id, sizeof id, c->query + 4);
    c->state = state;
    c->page = (ep_page){ .archive = c->archive, .span = span,
                         .kind = state == C_LAST ? EP_PAGE_LAST : state == C_UP ? EP_PAGE_AFTER : EP_PAGE_BEFORE,
                         .anchor_id = state == C_UP ? c->anchor : NULL };
    epode_status st = ep_archive_last_row(c->store, &c->page.asked_row);
    if (st < 0)
        return st;
    unsigned bulk = c->config.page ? c->config.page : BULK_PAGE;
    unsigned max = state == C_LAST ? c->last_max : bulk;
    if (state == C_DOWN && max > c->budget)
        max = c->budget;
    ep_mam_query q = { .id = c->query, .archive = c->room, .before = before, .after = after ? c->anchor : NULL, .max = max };
    c->deadline_us = now_us + ANSWER_TIMEOUT_US;
    return c->ev->ask(c->user, &q);
}

/* What a first login may still get is a fact, "budget oldest", until it has it. */
#define FACT_FIRST "first-sync"

static epode_status budget_save(ep_catchup *c)
{
    char text[48];
    snprintf(text, sizeof text, "%u %lld", c->budget, (long long)c->oldest_ms);
    return c->first ? ep_store_fact_put(c->store, FACT_FIRST, ep_catchup_owner(c), text, strlen(text), 0) : EPODE_OK;
}

static epode_status budget_load(ep_catchup *c)
{
    ep_buf text = EP_BUF_INIT;
    long long oldest = 0;
    epode_status st = ep_store_fact_get(c->store, FACT_FIRST, ep_catchup_owner(c), &text, NULL);
    c->budget = 0;
    if (st == EPODE_OK && !ep_buf_cstr(&text))
        st = EPODE_ENOMEM;
    if (st == EPODE_OK && sscanf(ep_buf_ptr(&text), "%u %lld", &c->budget, &oldest) != 2)
        c->budget = 0;
    c->oldest_ms = oldest;
    c->first = c->budget > 0;
    ep_buf_free(&text);
    return st < 0 ? st : EPODE_OK;
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

static epode_status ask_last(ep_catchup *c, int64_t now_us)
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
    if (held == EPODE_DONE && (st = never_synced(c, &never)) < 0)
        return st;
    c->is_new = never;
    return held < 0 ? held : catchup_ask(c, C_LAST, "", NULL, 0, now_us);
}

static epode_status ask_down(ep_catchup *c, int64_t span, int64_t now_us);

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
    return ep_str_set(&c->until, until) ? catchup_ask(c, C_UP, NULL, after, 0, now_us) : EPODE_ENOMEM;
}

/* Everything up to the end is held. A hole between two spans is a way up that was cut: it goes on, from what is known for
 * good if that is below it. Then what is left is what a first login has not got yet. */
static epode_status catchup_rest(ep_catchup *c, bool begun, int64_t now_us)
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
        catchup_finish(c, EPODE_OK);
    ep_span_copy_free(&end);
    ep_free(inner);
    return st < 0 ? st : EPODE_OK;
}

/* Whether what the server says of the archive's ends shows that there is nothing to ask for. A resumed session
 * missed nothing; but what it was doing when it was cut, and its tail, go on. */
static epode_status catchup_is_whole(ep_catchup *c, const ep_archive_info *ends, bool resumed, bool *whole)
{
    ep_span_copy end = { 0 };
    uint64_t unjoined = 0;
    *whole = false;
    epode_status st = ep_archive_unjoined(c->store, c->archive, &unjoined);
    if (st < 0)
        return st;
    epode_status held = ep_archive_verified_end(c->store, c->archive, &end);
    if (held < 0)
        return held;
    if (!unjoined && resumed)
        *whole = held == EPODE_OK && end.span.reached_end;
    else if (!unjoined && ends)
        *whole = held == EPODE_DONE ? !ends->last_id : ends->last_id && strcmp(ends->last_id, end.last_id) == 0;
    ep_span_copy_free(&end);
    return EPODE_OK;
}

epode_status ep_catchup_begin(ep_catchup *c, bool resumed, const ep_archive_info *ends, int64_t now_us, int64_t now_ms)
{
    bool whole = false;
    epode_status st = EPODE_OK;
    if (c->state != C_IDLE)
        return EPODE_AGAIN;
    c->now_ms = now_ms;
    c->done = c->expected = 0;
    if (ends)
        st = ep_archive_info_put(c->store, c->archive, ends);
    if (st >= 0)
        st = catchup_is_whole(c, ends, resumed, &whole);
    if (st < 0)
        return st;
    if (!whole)
        return ask_last(c, now_us);
    /* What comes live from now on stands above the end that was just confirmed. */
    if ((st = ep_archive_mark(c->store, c->archive)) < 0)
        return st;
    if (!resumed && (st = ep_archive_reaches_end(c->store, c->archive, true)) < 0)
        return st;
    return catchup_rest(c, false, now_us);
}

typedef struct fill_find {
    ep_catchup *c;
    char *before_id;
    int64_t above;
} fill_find;

static epode_status fill_hole(const ep_hole *hole, void *user)
{
    fill_find *f = user;
    f->above = hole->above;
    f->before_id = hole->before_id ? ep_strdup(hole->before_id) : NULL;
    return EPODE_OK;
}

epode_status ep_catchup_fill(ep_catchup *c, int64_t below_pos, unsigned n, int64_t now_us)
{
    fill_find f = { .c = c };
    if (c->state != C_IDLE)
        return EPODE_AGAIN;
    epode_status st = ep_hole_below(c->store, c->archive, below_pos, fill_hole, &f);
    if (st == EPODE_OK && f.above && f.before_id) {
        c->budget = n ? n : BULK_PAGE;
        c->oldest_ms = 0;
        c->first = false;
        c->done = 0;
        c->expected = c->budget;
        st = catchup_ask(c, C_DOWN, f.before_id, NULL, f.above, now_us);
    } else if (st == EPODE_OK) {
        st = EPODE_DONE;
    }
    ep_free(f.before_id);
    return st;
}

bool ep_catchup_result(ep_catchup *c, const ep_mam_result *result, epode_status *status)
{
    *status = EPODE_OK;
    if (!c->query[0] || !ep_streq(result->queryid, c->query))
        return false;
    if (!result->id || !*result->id || c->row_count == PAGE_RESULTS_MAX) {
        c->overflow = true;
        return true;
    }
    /* A server that repeats itself within a page says nothing new. */
    for (size_t i = c->row_count; i-- > 0 && i + 4 > c->row_count;)
        if (strcmp(c->rows[i].archive_id, result->id) == 0)
            return true;
    if (c->row_count == c->row_cap) {
        size_t cap = c->row_cap ? c->row_cap * 2 : 64;
        ep_msg *rows = ep_realloc(c->rows, cap * sizeof *rows);
        if (!rows) {
            *status = EPODE_ENOMEM;
            return true;
        }
        c->rows = rows;
        c->row_cap = cap;
    }
    if (!ep_ingest(&c->rows[c->row_count], &c->reader, result->message, result->id, result->time_ms, &c->arena))
        *status = EPODE_ENOMEM;
    else
        c->row_count++;
    return true;
}

/* The server does not know where we are: what is held becomes history that proves nothing, and the newest comes
 * first again. Once: an archive that forgets twice in a row is left alone. */
static epode_status catchup_lost(ep_catchup *c, int64_t now_us)
{
    if (c->forgot) {
        catchup_finish(c, EPODE_EPROTO);
        return EPODE_OK;
    }
    ep_log_line(c->log, EP_LOG_INFO, "sync", "the archive does not know the last id that is held: newest first");
    c->forgot = true;
    epode_status st = ep_archive_forget_spans(c->store, c->archive);
    return st < 0 ? st : ask_last(c, now_us);
}

static epode_status ask_down(ep_catchup *c, int64_t span, int64_t now_us)
{
    ep_span_copy s = { 0 };
    epode_status st = ep_span_get(c->store, span, &s);
    if (st < 0)
        return st;
    if (st == EPODE_DONE || s.span.reaches_start || !c->budget) {
        ep_span_copy_free(&s);
        st = c->first ? ep_store_fact_del(c->store, FACT_FIRST, ep_catchup_owner(c)) : EPODE_OK;
        c->first = false;
        if (st >= 0)
            catchup_finish(c, EPODE_OK);
        return st;
    }
    st = catchup_ask(c, C_DOWN, s.first_id, NULL, span, now_us);
    ep_span_copy_free(&s);
    return st;
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

static bool page_shows(const ep_catchup *c, const char *id)
{
    for (size_t i = 0; id && i < c->row_count; i++)
        if (strcmp(c->rows[i].archive_id, id) == 0)
            return true;
    return false;
}

/* The last page met what is held, but not as far down as rows may have been inserted since: what is between is read. */
static epode_status read_again(ep_catchup *c, const ep_page_result *r, int64_t now_us)
{
    /* Where nothing is new it waits for the next message, unless it was asked for. */
    bool same = !r->added && !r->joined && !c->thorough;
    bool seen = same || !c->from || page_shows(c, c->from);
    return seen ? catchup_rest(c, true, now_us) : ask_up(c, c->from, c->rows[0].archive_id, now_us);
}

static epode_status after_last(ep_catchup *c, const ep_page_result *r, int64_t now_us)
{
    below_find b = { .top = r->span };
    if (!r->span || !c->row_count || c->page.complete)
        return catchup_rest(c, true, now_us);
    if (c->rows[c->row_count - 1].time_ms > c->end_ms)
        c->end_ms = c->rows[c->row_count - 1].time_ms;
    if (r->meets_newest)
        return read_again(c, r, now_us);
    epode_status st = ep_span_list(c->store, c->archive, below_span, &b);
    if (st >= 0 && b.id) {
        st = ask_up(c, c->from ? c->from : b.id, c->rows[0].archive_id, now_us);
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
        st = ep_settled_page(c->store, ep_catchup_owner(c), c->rows, c->row_count, c->end_ms);
    if (st < 0)
        return st;
    if (c->page.complete || page_shows(c, c->until))
        return catchup_rest(c, true, now_us);
    if (!r->span || !c->row_count)
        return catchup_lost(c, now_us);
    /* From the page's end, which may lie within what is held. */
    return catchup_ask(c, C_UP, NULL, c->rows[c->row_count - 1].archive_id, r->span, now_us);
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
    uint64_t behind = fin->index + c->row_count;
    bool known = c->has_top_index && fin->has_index && behind <= c->top_index && c->top_index - behind < SIZE_MAX / 2;
    c->expected = known ? c->done + (size_t)(c->top_index - behind) : 0;
}

/* An empty page that says it is complete is believed only where nothing contradicts it: going up there must be
 * something, the last page was seen above. */
static bool page_is_absurd(const ep_catchup *c, const ep_mam_fin *fin)
{
    return c->state == C_UP && !c->row_count && !fin->first;
}

/* The archive's order is oldest first, also inside a page (XEP-0313, 4.1.3): by its ends one shows that was turned round. */
static void page_turn(ep_catchup *c, const ep_mam_fin *fin)
{
    size_t n = c->row_count;
    if (n < 2 || strcmp(c->rows[0].archive_id, fin->last ? fin->last : "") != 0 ||
        strcmp(c->rows[n - 1].archive_id, fin->first ? fin->first : "") != 0)
        return;
    for (size_t i = 0; i < n / 2; i++) {
        ep_msg row = c->rows[i];
        c->rows[i] = c->rows[n - 1 - i];
        c->rows[n - 1 - i] = row;
    }
}

/* What came twice says nothing new the second time. */
static void page_once(ep_catchup *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->row_count; i++) {
        size_t k = 0;
        while (k < n && strcmp(c->rows[k].archive_id, c->rows[i].archive_id) != 0)
            k++;
        if (k == n)
            c->rows[n++] = c->rows[i];
    }
    c->row_count = n;
}

/* The page as it is to be stored. One whose ends (XEP-0059, 2.2) were not among its results lacks more than is known: like
 * one that is not stable, it proves nothing. */
static void page_make(ep_catchup *c, const ep_mam_fin *fin)
{
    page_turn(c, fin);
    bool lacks = c->overflow || (fin->first && !page_shows(c, fin->first)) || (fin->last && !page_shows(c, fin->last));
    c->page.rows = c->rows;
    c->page.n = c->row_count;
    c->page.complete = fin->complete && !lacks;
    c->page.unstable = !fin->stable || lacks;
}

static epode_status page_put(ep_catchup *c, ep_page_result *r, ep_changes *changes)
{
    epode_status st = ep_archive_page(c->store, &c->page, r, changes);
    size_t came = c->row_count;
    if (st == EPODE_EINVAL)
        page_once(c);
    if (c->row_count == came)
        return st;
    c->page.n = c->row_count;
    return ep_archive_page(c->store, &c->page, r, changes);
}

static epode_status catchup_store(ep_catchup *c, const ep_mam_fin *fin, int64_t now_us)
{
    ep_page_result r = { 0 };
    ep_changes changes = { 0 };
    page_make(c, fin);
    if (c->state == C_LAST) {
        c->count = fin->count;
        c->has_top_index = fin->has_index;
        c->top_index = fin->index;
    }
    if (page_is_absurd(c, fin))
        return catchup_lost(c, now_us);
    int64_t oldest = c->row_count ? c->rows[0].time_ms : 0;
    epode_status st = page_put(c, &r, &changes);
    if (st == EPODE_EPROTO || st == EPODE_DONE) {
        ep_changes_free(&changes);
        return catchup_lost(c, now_us);
    }
    if (st >= 0) {
        c->done += c->row_count;
        if (c->state == C_UP)
            expect_up(c, fin);
        changes.history = c->state == C_DOWN || (c->state == C_LAST && c->is_new);
        c->ev->stored(c->user, &changes, c->done, c->expected);
        bool unstable = c->page.unstable;
        if (unstable)
            catchup_finish(c, EPODE_EPROTO);
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

bool ep_catchup_answer(ep_catchup *c, const ep_elem *iq, int64_t now_us, epode_status *status)
{
    ep_mam_fin fin;
    *status = EPODE_OK;
    if (!c->query[0] || !ep_streq(ep_elem_attr(iq, "id"), c->query))
        return false;
    if (ep_streq(ep_elem_attr(iq, "type"), "result") && ep_mam_fin_read(&fin, iq)) {
        *status = catchup_store(c, &fin, now_us);
        return true;
    }
    const char *condition = ep_condition_of(ep_elem_child(iq, "error", NULL));
    /* XEP-0313, 4.3.3: an id that is not in the archive is item-not-found; some say bad-request. */
    bool unknown = strcmp(condition, "item-not-found") == 0 || strcmp(condition, "bad-request") == 0;
    if (unknown && c->state != C_LAST)
        *status = catchup_lost(c, now_us);
    else
        catchup_finish(c, EPODE_ESTANZA);
    return true;
}

void ep_catchup_tick(ep_catchup *c, int64_t now_us)
{
    if (now_us >= c->deadline_us)
        catchup_finish(c, EPODE_ETIMEOUT);
}

int64_t ep_catchup_deadline(const ep_catchup *c)
{
    return c->deadline_us;
}

bool ep_catchup_is_busy(const ep_catchup *c)
{
    return c->state != C_IDLE;
}

bool ep_catchup_is_bulk(const ep_catchup *c)
{
    return c->state == C_UP || c->state == C_DOWN;
}

int64_t ep_catchup_archive(const ep_catchup *c)
{
    return c->archive;
}

const char *ep_catchup_owner(const ep_catchup *c)
{
    return c->room ? c->room : c->account;
}

void ep_catchup_be_thorough(ep_catchup *c)
{
    c->thorough = true;
}

int64_t ep_catchup_end_ms(const ep_catchup *c)
{
    return c->end_ms;
}
