/* catchup.c: the machine behind one archive. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/timers.h"
#include "sync/catchupwork.h"
#include "sync/first.h"
#include "sync/settled.h"
#include "xmpp/bound.h"

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
    c->got.arena.block_bytes = 32u << 10;
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
    ep_results_free(&c->got);
    ep_free(c->from);
    ep_free(c->until);
    ep_free(c->anchor);
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

void ep_catchup_clear(ep_catchup *c)
{
    c->query[0] = '\0';
    c->deadline_us = EP_NEVER;
    ep_results_clear(&c->got);
}

void ep_catchup_cut(ep_catchup *c)
{
    ep_catchup_clear(c);
    c->state = C_IDLE;
    c->forgot = false;
}

void ep_catchup_finish(ep_catchup *c, epode_status status)
{
    bool forgot = c->forgot;
    ep_catchup_cut(c);
    c->thorough = c->thorough && status != EPODE_OK;
    const char *owner = ep_catchup_owner(c);
    if (status == EPODE_OK && (ep_settled_move(c->store, c->archive, owner, &c->end_ms) < 0 ||
                               ep_first_note(c->store, c->archive, owner) < 0))
        status = EPODE_ESTORE;
    c->ev->finished(c->user, status, forgot);
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
        return ep_course_last(c, now_us);
    /* What comes live from now on stands above the end that was just confirmed. */
    if ((st = ep_archive_mark(c->store, c->archive)) < 0)
        return st;
    if (!resumed && (st = ep_archive_reaches_end(c->store, c->archive, true)) < 0)
        return st;
    return ep_course_rest(c, false, now_us);
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
        c->budget = n ? n : EP_BULK_PAGE;
        c->oldest_ms = 0;
        c->first = false;
        c->done = 0;
        c->expected = c->budget;
        st = ep_course_ask(c, C_DOWN, f.before_id, NULL, f.above, now_us);
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
    *status = ep_results_take(&c->got, &c->reader, result);
    return true;
}

bool ep_catchup_answer(ep_catchup *c, const ep_elem *iq, int64_t now_us, epode_status *status)
{
    ep_mam_fin fin;
    *status = EPODE_OK;
    if (!c->query[0] || !ep_streq(ep_elem_attr(iq, "id"), c->query))
        return false;
    if (ep_streq(ep_elem_attr(iq, "type"), "result") && ep_mam_fin_read(&fin, iq)) {
        *status = ep_course_page(c, &fin, now_us);
        return true;
    }
    const char *condition = ep_condition_of(ep_elem_child(iq, "error", NULL));
    /* XEP-0313, 4.3.3: an id that is not in the archive is item-not-found; some say bad-request. */
    bool unknown = strcmp(condition, "item-not-found") == 0 || strcmp(condition, "bad-request") == 0;
    if (unknown && c->state != C_LAST)
        *status = ep_course_lost(c, now_us);
    else
        ep_catchup_finish(c, EPODE_ESTANZA);
    return true;
}

void ep_catchup_tick(ep_catchup *c, int64_t now_us)
{
    if (now_us >= c->deadline_us)
        ep_catchup_finish(c, EPODE_ETIMEOUT);
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
