/* sync.c: one account: its archive and its tail. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/timers.h"
#include "sync/settled.h"
#include "sync/syncwork.h"
#include "xmpp/muc.h"
#include "xmpp/ns.h"

/* The tail is read again once it has been quiet for a moment, but not put off for ever. */
#define TAIL_QUIET_US   (5 * 1000000LL)
#define TAIL_LATEST_US  (60 * 1000000LL)
/* An end that is younger than this is looked at once more, when it has settled: see settled.h. */
#define YOUNG_END_MS    15000
#define SETTLE_US       (EP_SETTLED_AFTER_MS * 1000LL)
#define ROOM_AGAIN_US   (60 * 1000000LL)
#define RETRY_FIRST_US  (15 * 1000000LL)
#define RETRY_LAST_US   (10 * 60 * 1000000LL)

static epode_status on_ask(void *user, const ep_mam_query *query)
{
    ep_sync *s = ((ep_followed *)user)->sync;
    ep_buf_clear(&s->xml);
    ep_xw w = ep_xw_init(&s->xml);
    ep_mam_write(query, &w);
    epode_status st = ep_xw_done(&w);
    return st ? st : s->ev->send_iq(s->user, ep_buf_ptr(&s->xml), s->xml.len);
}

static void on_stored(void *user, const ep_changes *changes, size_t done, size_t expected)
{
    ep_sync *s = ((ep_followed *)user)->sync;
    s->ev->changed(s->user, changes);
    s->ev->progress(s->user, done, expected);
}

bool ep_sync_is_busy(const ep_sync *s)
{
    bool busy = ep_catchup_is_busy(s->account_archive.catchup);
    for (size_t i = 0; i < s->room_count; i++)
        busy = busy || ep_catchup_is_busy(s->rooms[i]->catchup) || (s->rooms[i]->awaited && s->rooms_us != EP_NEVER);
    return busy;
}

static bool rooms_are_awaited(const ep_sync *s)
{
    for (size_t i = 0; i < s->room_count; i++)
        if (s->rooms[i]->awaited)
            return true;
    return false;
}

bool ep_sync_is_bulk(const ep_sync *s)
{
    bool bulk = ep_catchup_is_bulk(s->account_archive.catchup);
    for (size_t i = 0; i < s->room_count; i++)
        bulk = bulk || ep_catchup_is_bulk(s->rooms[i]->catchup);
    return bulk;
}

/* The account's comes first: it may be that there is none. */
epode_status ep_sync_status(const ep_sync *s)
{
    epode_status st = s->account_status;
    for (size_t i = 0; i < s->room_count && st == EPODE_OK; i++)
        st = s->rooms[i]->status;
    return st;
}

static void tail_retry(ep_sync *s)
{
    s->retry_us = s->retry_us ? s->retry_us * 2 : RETRY_FIRST_US;
    if (s->retry_us > RETRY_LAST_US)
        s->retry_us = RETRY_LAST_US;
    s->tail_us = s->now_us + s->retry_us;
}

epode_status ep_sync_bound(ep_sync *s)
{
    return ep_archive_reaches_end(s->store, ep_sync_archive(s), false);
}

epode_status ep_sync_unreads(ep_sync *s, const ep_archive_ends *ends)
{
    ep_changes changes = { 0 };
    epode_status st = ep_unreads_take(&s->unreads, s->store, ep_sync_archive(s), ends, &changes);
    if (st >= 0)
        s->ev->changed(s->user, &changes);
    ep_changes_free(&changes);
    return st;
}

static epode_status settle_unreads(ep_sync *s)
{
    ep_changes changes = { 0 };
    epode_status st = ep_unreads_settle(&s->unreads, s->store, ep_sync_archive(s), &changes);
    if (st >= 0)
        s->ev->changed(s->user, &changes);
    ep_changes_free(&changes);
    return st;
}

/* What was inserted late below the end shows itself in a moment, if ever. */
static void tail_settle(ep_sync *s)
{
    int64_t end_ms = ep_catchup_end_ms(s->account_archive.catchup);
    if (!end_ms || end_ms == s->young_end_ms || end_ms < s->now_ms - YOUNG_END_MS)
        return;
    s->young_end_ms = end_ms;
    ep_catchup_be_thorough(s->account_archive.catchup);
    s->tail_us = s->now_us + SETTLE_US;
}

void ep_followed_finished(ep_followed *f, epode_status status)
{
    ep_sync *s = f->sync;
    f->none = status == EPODE_ESTANZA;
    if (f == &s->account_archive && status == EPODE_OK)
        status = settle_unreads(s);
    if (f == &s->account_archive) {
        s->tail_us = s->tail_since_us = EP_NEVER;
        s->account_status = status;
        if (status == EPODE_OK) {
            s->retry_us = 0;
            tail_settle(s);
        } else if (!f->none) {
            tail_retry(s);
        }
    } else {
        f->status = f->none ? EPODE_OK : status;
        f->whole = ep_catchup_reader(f->catchup)->nick && f->status == EPODE_OK;
        /* Who is in it asks again when it is known that he still is. */
        if (f->status < 0 && s->room_again_us == EP_NEVER && !ep_catchup_reader(f->catchup)->nick)
            s->room_again_us = s->now_us + ROOM_AGAIN_US;
    }
    s->ev->finished(s->user, ep_catchup_archive(f->catchup), status);
    if (!s->beginning && !ep_sync_is_busy(s))
        s->ev->synced(s->user, ep_sync_status(s));
}

static void on_finished(void *user, epode_status status, bool forgot)
{
    ep_followed *f = user;
    bool again = f->again && f->sync->online;
    (void)forgot;
    f->again = false;
    /* Joined while its archive was being read: what came in between may have been missed by both. */
    if (again && ep_catchup_begin(f->catchup, false, NULL, f->sync->now_us, 0) >= 0)
        return;
    ep_followed_finished(f, status);
}

static const ep_catchup_events catchup_events = { on_ask, on_stored, on_finished };

epode_status ep_followed_open(ep_sync *s, ep_followed *f, const char *room)
{
    ep_catchup_config cc = { .reader = { .account = s->account, .room = room },
                             .first_messages = s->first_messages,
                             .first_days = s->first_days,
                             .page = s->page };
    f->sync = s;
    return ep_catchup_new(&f->catchup, s->store, &cc, &catchup_events, f, s->log);
}

epode_status ep_sync_new(ep_sync **out, ep_store *store, const ep_sync_config *config, const ep_sync_events *events,
                         void *user, const ep_log *log)
{
    *out = NULL;
    ep_sync *s = ep_calloc(1, sizeof *s);
    if (!s)
        return EPODE_ENOMEM;
    s->store = store;
    s->no_queries = config->no_queries;
    s->page = config->page;
    s->first_messages = config->first_messages;
    s->first_days = config->first_days;
    s->ev = events;
    s->user = user;
    s->log = log;
    s->tail_us = s->tail_since_us = s->rooms_us = s->room_again_us = EP_NEVER;
    epode_status st = ep_str_set(&s->account, config->account) ? EPODE_OK : EPODE_ENOMEM;
    if (!st)
        st = ep_followed_open(s, &s->account_archive, NULL);
    if (!st)
        st = ep_followed_load(s);
    if (st) {
        ep_sync_free(s);
        return st;
    }
    *out = s;
    return EPODE_OK;
}

void ep_sync_free(ep_sync *s)
{
    if (!s)
        return;
    ep_catchup_free(s->account_archive.catchup);
    for (size_t i = 0; i < s->room_count; i++) {
        ep_catchup_free(s->rooms[i]->catchup);
        ep_free(s->rooms[i]);
    }
    ep_free(s->rooms);
    ep_arena_free(&s->arena);
    ep_buf_free(&s->xml);
    ep_unreads_free(&s->unreads);
    ep_free(s->account);
    ep_free(s);
}

int64_t ep_sync_archive(const ep_sync *s)
{
    return ep_catchup_archive(s->account_archive.catchup);
}

epode_status ep_sync_ready(ep_sync *s, bool resumed, const ep_archive_info *ends, int64_t now_us, int64_t now_ms)
{
    ep_sync_cut(s);
    s->online = true;
    s->now_us = now_us;
    s->now_ms = now_ms;
    s->retry_us = 0;
    s->account_archive.none = false;
    s->rooms_us = now_us + EP_ROOMS_PATIENCE_US;
    if (s->no_queries)
        return ep_archive_mark(s->store, ep_sync_archive(s));
    s->beginning = true;
    epode_status st = ep_catchup_begin(s->account_archive.catchup, resumed, ends, now_us, now_ms);
    /* A room goes on without us, session or not: its end is asked for, unless we are in it and a session goes on. */
    for (size_t i = 0; i < s->room_count && st >= 0; i++)
        if (!s->rooms[i]->awaited && !(resumed && s->rooms[i]->whole))
            st = ep_catchup_begin(s->rooms[i]->catchup, false, NULL, now_us, now_ms);
    if (st >= 0 && !resumed)
        st = ep_positions_ask(s);
    s->beginning = false;
    if (st >= 0 && !ep_sync_is_busy(s))
        s->ev->synced(s->user, ep_sync_status(s));
    return st < 0 ? st : EPODE_OK;
}

void ep_sync_cut(ep_sync *s)
{
    s->mds_query[0] = '\0';
    s->account_status = EPODE_OK;
    ep_sync_stop(s);
}

void ep_sync_stop(ep_sync *s)
{
    s->online = false;
    s->tail_us = s->tail_since_us = s->rooms_us = s->room_again_us = EP_NEVER;
    ep_catchup_cut(s->account_archive.catchup);
    for (size_t i = 0; i < s->room_count; i++) {
        s->rooms[i]->again = false;
        s->rooms[i]->status = EPODE_OK;
        ep_catchup_cut(s->rooms[i]->catchup);
    }
}

static void tail_touch(ep_sync *s, int64_t now_us)
{
    if (s->no_queries || s->account_archive.none || !s->online)
        return;
    if (s->tail_since_us == EP_NEVER)
        s->tail_since_us = now_us;
    int64_t latest = s->tail_since_us + TAIL_LATEST_US;
    s->tail_us = now_us + TAIL_QUIET_US < latest ? now_us + TAIL_QUIET_US : latest;
}

/* The id in that archive of a live message: by the owner's bare JID only. */
static const char *live_id(const ep_elem *message, const char *owner)
{
    ep_message m;
    ep_message_read(&m, message, owner);
    return m.stanza_id;
}

/* XEP-0045, 7.2.13 to 7.2.15: the past, each with its time, then the subject, then what is said from now on. */
static ep_replay *replay_of(ep_followed *room, const ep_elem *message, const ep_msg *m)
{
    const char *subject = ep_muc_subject(message);
    if (!m->time_ms || (subject && m->kind == EP_MSG_OTHER))
        room->replays = false;
    return room->replays ? &room->replay : NULL;
}

epode_status ep_sync_live(ep_sync *s, const ep_elem *message, bool ids, int64_t came_ms, int64_t now_us)
{
    ep_msg m;
    ep_live live = { 0 };
    ep_changes changes = { 0 };
    bool groupchat = ep_streq(ep_elem_attr(message, "type"), "groupchat");
    ep_followed *room = groupchat ? ep_followed_of(s, ep_elem_attr(message, "from")) : NULL;
    const char *owner = room ? ep_catchup_owner(room->catchup) : s->account;
    ep_catchup *catchup = room ? room->catchup : s->account_archive.catchup;
    const char *id = ids || room ? live_id(message, owner) : NULL;
    int64_t archive = ep_catchup_archive(catchup);
    ep_arena_reset(&s->arena);
    if (!ep_ingest(&m, ep_catchup_reader(catchup), message, id, 0, &s->arena))
        return EPODE_ENOMEM;
    m.received_ms = came_ms;
    if (room)
        m.replay = replay_of(room, message, &m);
    /* What says nothing and is in no archive (a chat state, a room's news) leaves no trace; nor does an error. */
    bool passing = m.kind == EP_MSG_OTHER && !id && (groupchat || !ep_message_lasts(message));
    if (passing || ep_streq(m.type, "error"))
        return EPODE_OK;
    epode_status st = ep_archive_live(s->store, archive, &m, false, 0, &live, &changes);
    if (st >= 0) {
        s->ev->changed(s->user, &changes);
        if (live.result != EP_LIVE_KNOWN && !room)
            tail_touch(s, now_us);
    }
    ep_changes_free(&changes);
    return st < 0 ? st : EPODE_OK;
}

/* XEP-0313, 8: results count only from the archive that was asked: the account by its bare JID or none, a room by
 * its own. */
static ep_followed *archive_of(ep_sync *s, const ep_elem *stanza)
{
    const char *from = ep_elem_attr(stanza, "from");
    if (!from || strcmp(from, s->account) == 0)
        return &s->account_archive;
    ep_followed *room = ep_followed_of(s, from);
    return room && strchr(from, '/') ? NULL : room;
}

epode_status ep_sync_result(ep_sync *s, const ep_elem *stanza, const ep_mam_result *result)
{
    epode_status st;
    ep_mam_result kept = *result;
    ep_followed *f = archive_of(s, stanza);
    if (!f)
        return EPODE_DONE;
    /* What a followed room has in its own archive makes no second message in the account's. */
    if (f == &s->account_archive && kept.message && ep_streq(ep_elem_attr(kept.message, "type"), "groupchat") &&
        ep_followed_of(s, ep_elem_attr(kept.message, "from")))
        kept.message = NULL;
    return ep_catchup_result(f->catchup, &kept, &st) ? st : EPODE_DONE;
}

epode_status ep_sync_answer(ep_sync *s, const ep_elem *iq, bool of_account, int64_t now_us)
{
    epode_status st;
    s->now_us = now_us;
    ep_followed *f = of_account ? &s->account_archive : archive_of(s, iq);
    if (!f)
        return EPODE_DONE;
    if (f == &s->account_archive && s->mds_query[0] && ep_streq(ep_elem_attr(iq, "id"), s->mds_query)) {
        s->mds_query[0] = '\0';
        return ep_positions_take(s, ep_elem_child(iq, "pubsub", EP_NS_PUBSUB));
    }
    return ep_catchup_answer(f->catchup, iq, now_us, &st) ? st : EPODE_DONE;
}

epode_status ep_sync_fill(ep_sync *s, int64_t archive, int64_t below_pos, unsigned n, int64_t now_us)
{
    ep_catchup *of = s->account_archive.catchup;
    if (!s->online || s->no_queries)
        return EPODE_ESTATE;
    s->now_us = now_us;
    for (size_t i = 0; i < s->room_count && ep_catchup_archive(of) != archive; i++)
        of = s->rooms[i]->catchup;
    /* A room that is not followed any more is not asked. */
    return ep_catchup_archive(of) == archive ? ep_catchup_fill(of, below_pos, n, now_us) : EPODE_DONE;
}

static void rooms_again(ep_sync *s)
{
    s->room_again_us = EP_NEVER;
    for (size_t i = 0; i < s->room_count && s->online; i++) {
        ep_followed *f = s->rooms[i];
        if (f->status < 0 && !ep_catchup_reader(f->catchup)->nick && !ep_catchup_is_busy(f->catchup) &&
            ep_catchup_begin(f->catchup, false, NULL, s->now_us, s->now_ms) < 0)
            ep_followed_finished(f, EPODE_ESTORE);
    }
}

void ep_sync_tick(ep_sync *s, int64_t now_us, int64_t now_ms)
{
    ep_followed *account = &s->account_archive;
    s->now_us = now_us;
    s->now_ms = now_ms;
    ep_catchup_tick(account->catchup, now_us);
    for (size_t i = 0; i < s->room_count; i++)
        ep_catchup_tick(s->rooms[i]->catchup, now_us);
    if (now_us >= s->rooms_us) {
        s->rooms_us = EP_NEVER;
        if (s->online && rooms_are_awaited(s) && !ep_sync_is_busy(s))
            s->ev->synced(s->user, ep_sync_status(s));
    }
    if (now_us >= s->room_again_us)
        rooms_again(s);
    if (now_us < s->tail_us)
        return;
    s->tail_us = s->tail_since_us = EP_NEVER;
    if (s->online && !account->none && !ep_catchup_is_busy(account->catchup) &&
        ep_catchup_begin(account->catchup, false, NULL, now_us, now_ms) < 0)
        ep_followed_finished(account, EPODE_ESTORE);
}

bool ep_sync_is_asking(const ep_sync *s)
{
    bool asking = ep_catchup_deadline(s->account_archive.catchup) != EP_NEVER;
    for (size_t i = 0; i < s->room_count; i++)
        asking = asking || ep_catchup_deadline(s->rooms[i]->catchup) != EP_NEVER;
    return asking;
}

int64_t ep_sync_deadline(const ep_sync *s)
{
    int64_t due = ep_catchup_deadline(s->account_archive.catchup);
    for (size_t i = 0; i < s->room_count; i++)
        if (ep_catchup_deadline(s->rooms[i]->catchup) < due)
            due = ep_catchup_deadline(s->rooms[i]->catchup);
    if (s->rooms_us < due && rooms_are_awaited(s))
        due = s->rooms_us;
    if (s->room_again_us < due)
        due = s->room_again_us;
    return due < s->tail_us ? due : s->tail_us;
}
