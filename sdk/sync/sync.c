/* sync.c: one account: its archive, its tail, its displayed positions. */
#include "sync/sync.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/timers.h"
#include "store/conversation.h"
#include "sync/settled.h"
#include "sync/unreads.h"
#include "xmpp/jid.h"
#include "xmpp/mds.h"
#include "xmpp/muc.h"
#include "xmpp/ns.h"

/* The tail is read again once it has been quiet for a moment, but not put off for ever. */
#define TAIL_QUIET_US   (5 * 1000000LL)
#define TAIL_LATEST_US  (60 * 1000000LL)
/* An end that is younger than this is looked at once more, when it has settled: see settled.h. */
#define YOUNG_END_MS    15000
#define SETTLE_US       (EP_SETTLED_AFTER_MS * 1000LL)
/* A room that is being joined is waited for so long before all is said to be here. */
#define ROOMS_PATIENCE_US (10 * 1000000LL)
#define RETRY_FIRST_US  (15 * 1000000LL)
#define RETRY_LAST_US   (10 * 60 * 1000000LL)

/* An archive that is kept: the account's, or a room's. */
typedef struct followed {
    struct ep_sync *sync;
    ep_catchup *catchup;
    bool none; /* it does not exist, or not for us: what comes live is all there is */
    /* of a room */
    bool awaited; /* until it is joined, its end is not asked for */
    bool whole;   /* joined, and what was missed before is here: what follows comes live while we are in */
    bool again;   /* to be asked once more when the running query is over */
    bool replays; /* it is telling of the past */
    ep_replay replay;
} followed;

struct ep_sync {
    ep_store *store;
    char *account;
    bool no_queries;
    unsigned first_messages, first_days, page;
    const ep_sync_events *ev;
    void *user;
    const ep_log *log;
    followed account_archive;
    followed **rooms;
    size_t room_count, room_cap;
    epode_status account_status; /* how the account's last catch-up ended */
    ep_arena arena;
    ep_buf xml;

    bool online, beginning; /* beginning: catch-ups are being started, one may end at once */
    int64_t tail_us, tail_since_us; /* when the tail is to be read; EP_NEVER: not */
    int64_t rooms_us;               /* until then rooms that are being joined are waited for; EP_NEVER: it is over */
    int64_t retry_us;               /* the delay after the last failure; 0: none */
    int64_t now_us, now_ms;
    int64_t young_end_ms;           /* the end that is looked at once more */
    char mds_query[24];
    ep_changes *mds_changes; /* while positions are read */
    epode_status mds_status;
    ep_unreads unreads; /* what the bind said of them */
};

static epode_status on_ask(void *user, const ep_mam_query *query)
{
    ep_sync *s = ((followed *)user)->sync;
    ep_buf_clear(&s->xml);
    ep_xw w = ep_xw_init(&s->xml);
    ep_mam_write(query, &w);
    epode_status st = ep_xw_done(&w);
    return st ? st : s->ev->send_iq(s->user, ep_buf_ptr(&s->xml), s->xml.len);
}

static void on_stored(void *user, const ep_changes *changes, size_t done, size_t expected)
{
    ep_sync *s = ((followed *)user)->sync;
    s->ev->changed(s->user, changes);
    s->ev->progress(s->user, done, expected);
}

static bool sync_is_busy(const ep_sync *s)
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

static void finished(followed *f, epode_status status)
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
        f->whole = ep_catchup_reader(f->catchup)->nick && (status == EPODE_OK || f->none);
    }
    s->ev->finished(s->user, ep_catchup_archive(f->catchup), status);
    if (!s->beginning && !sync_is_busy(s))
        s->ev->synced(s->user, s->account_status);
}

static void on_finished(void *user, epode_status status, bool forgot)
{
    followed *f = user;
    bool again = f->again && f->sync->online;
    (void)forgot;
    f->again = false;
    /* Joined while its archive was being read: what came in between may have been missed by both. */
    if (again && ep_catchup_begin(f->catchup, false, NULL, f->sync->now_us, 0) >= 0)
        return;
    finished(f, status);
}

static const ep_catchup_events catchup_events = { on_ask, on_stored, on_finished };

static epode_status followed_open(ep_sync *s, followed *f, const char *room)
{
    ep_catchup_config cc = { .reader = { .account = s->account, .room = room },
                             .first_messages = s->first_messages,
                             .first_days = s->first_days,
                             .page = s->page };
    f->sync = s;
    return ep_catchup_new(&f->catchup, s->store, &cc, &catchup_events, f, s->log);
}

static epode_status room_add(ep_sync *s, const char *room)
{
    if (s->room_count == s->room_cap) {
        size_t cap = s->room_cap ? s->room_cap * 2 : 8;
        followed **more = ep_realloc(s->rooms, cap * sizeof *more);
        if (!more)
            return EPODE_ENOMEM;
        s->rooms = more;
        s->room_cap = cap;
    }
    followed *f = ep_calloc(1, sizeof *f);
    epode_status st = f ? followed_open(s, f, room) : EPODE_ENOMEM;
    if (st) {
        ep_free(f);
        return st;
    }
    s->rooms[s->room_count++] = f;
    return EPODE_OK;
}

typedef struct room_list {
    ep_sync *sync;
    char *names[256];
    size_t n;
} room_list;

static epode_status room_row(const ep_archive_info *info, void *user)
{
    room_list *l = user;
    if (info->kind != EP_ARCHIVE_ROOM || l->n == sizeof l->names / sizeof *l->names)
        return EPODE_OK;
    return (l->names[l->n++] = ep_strdup(info->owner)) ? EPODE_OK : EPODE_ENOMEM;
}

/* The rooms that were followed before. */
static epode_status rooms_load(ep_sync *s)
{
    room_list l = { .sync = s };
    epode_status st = ep_archive_list(s->store, 0, room_row, &l);
    for (size_t i = 0; i < l.n; i++) {
        if (st >= 0 && l.names[i])
            st = room_add(s, l.names[i]);
        ep_free(l.names[i]);
    }
    return st < 0 ? st : EPODE_OK;
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
    s->tail_us = s->tail_since_us = s->rooms_us = EP_NEVER;
    epode_status st = ep_str_set(&s->account, config->account) ? EPODE_OK : EPODE_ENOMEM;
    if (!st)
        st = followed_open(s, &s->account_archive, NULL);
    if (!st)
        st = rooms_load(s);
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

/* The followed room of this full or bare JID; NULL: none. */
static followed *room_of(const ep_sync *s, const char *jid)
{
    for (size_t i = 0; jid && i < s->room_count; i++)
        if (ep_jid_same_bare(jid, ep_catchup_owner(s->rooms[i]->catchup)))
            return s->rooms[i];
    return NULL;
}

epode_status ep_sync_follow(ep_sync *s, const char *room)
{
    epode_status st = room_of(s, room) ? EPODE_OK : room_add(s, room);
    followed *f = st ? NULL : room_of(s, room);
    if (f && s->online && !s->no_queries && !ep_catchup_is_busy(f->catchup))
        st = ep_catchup_begin(f->catchup, false, NULL, s->now_us, 0);
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_sync_room_await(ep_sync *s, const char *room, const char *nick, bool *fresh)
{
    *fresh = !room_of(s, room);
    epode_status st = *fresh ? room_add(s, room) : EPODE_OK;
    followed *f = st ? NULL : room_of(s, room);
    if (!f)
        return st;
    f->awaited = true;
    f->whole = false;
    if (s->online)
        s->rooms_us = s->now_us + ROOMS_PATIENCE_US;
    return ep_catchup_set_nick(f->catchup, nick);
}

epode_status ep_sync_room_begin(ep_sync *s, const char *room, const char *nick, bool query, int64_t now_us)
{
    followed *f = room_of(s, room);
    if (!f)
        return EPODE_OK;
    f->awaited = false;
    s->now_us = now_us;
    epode_status st = ep_catchup_set_nick(f->catchup, nick);
    if (st || !s->online)
        return st;
    if (ep_catchup_is_busy(f->catchup))
        f->again = query;
    else if (query && !s->no_queries)
        st = ep_catchup_begin(f->catchup, false, NULL, now_us, 0);
    else
        finished(f, EPODE_ESTANZA);
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_sync_room_replay(ep_sync *s, const char *room)
{
    followed *f = room_of(s, room);
    if (!f)
        return EPODE_OK;
    f->replays = true;
    return ep_archive_replay(s->store, ep_catchup_archive(f->catchup), &f->replay);
}

epode_status ep_sync_room_nick(ep_sync *s, const char *room, const char *nick)
{
    followed *f = room_of(s, room);
    return f ? ep_catchup_set_nick(f->catchup, nick) : EPODE_OK;
}

epode_status ep_sync_room_occupant(ep_sync *s, const char *room, const char *id)
{
    followed *f = room_of(s, room);
    return f ? ep_catchup_set_occupant(f->catchup, id) : EPODE_OK;
}

void ep_sync_unfollow(ep_sync *s, const char *room)
{
    bool busy = s->online && sync_is_busy(s);
    for (size_t i = 0; i < s->room_count; i++) {
        followed *f = s->rooms[i];
        if (!ep_jid_same_bare(room, ep_catchup_owner(f->catchup)))
            continue;
        memmove(&s->rooms[i], &s->rooms[i + 1], (s->room_count - i - 1) * sizeof *s->rooms);
        s->room_count--;
        ep_catchup_free(f->catchup);
        ep_free(f);
        /* It may have been what the rest was waiting for. */
        if (busy && !s->beginning && !sync_is_busy(s))
            s->ev->synced(s->user, s->account_status);
        return;
    }
}

int64_t ep_sync_room_archive(const ep_sync *s, const char *room)
{
    const followed *f = room_of(s, room);
    return f ? ep_catchup_archive(f->catchup) : 0;
}

int64_t ep_sync_archive(const ep_sync *s)
{
    return ep_catchup_archive(s->account_archive.catchup);
}

static bool make_id(char out[24], const char *what)
{
    uint8_t raw[8];
    if (!ep_rand_bytes(raw, sizeof raw))
        return false;
    memcpy(out, what, 4);
    ep_hex(raw, sizeof raw, out + 4);
    return true;
}

/* XEP-0490, 3.3: all positions, with every new session. */
static epode_status ask_positions(ep_sync *s)
{
    if (!make_id(s->mds_query, "mds-"))
        return EPODE_ENOMEM;
    ep_buf_clear(&s->xml);
    ep_xw w = ep_xw_init(&s->xml);
    ep_mds_write_query(s->mds_query, &w);
    epode_status st = ep_xw_done(&w);
    return st ? st : s->ev->send_iq(s->user, ep_buf_ptr(&s->xml), s->xml.len);
}

epode_status ep_sync_ready(ep_sync *s, bool resumed, const ep_archive_info *ends, int64_t now_us, int64_t now_ms)
{
    ep_sync_cut(s);
    s->online = true;
    s->now_us = now_us;
    s->now_ms = now_ms;
    s->retry_us = 0;
    s->account_archive.none = false;
    s->rooms_us = now_us + ROOMS_PATIENCE_US;
    if (s->no_queries)
        return ep_archive_mark(s->store, ep_sync_archive(s));
    s->beginning = true;
    epode_status st = ep_catchup_begin(s->account_archive.catchup, resumed, ends, now_us, now_ms);
    /* A room goes on without us, session or not: its end is asked for, unless we are in it and a session goes on. */
    for (size_t i = 0; i < s->room_count && st >= 0; i++)
        if (!s->rooms[i]->awaited && !(resumed && s->rooms[i]->whole))
            st = ep_catchup_begin(s->rooms[i]->catchup, false, NULL, now_us, now_ms);
    if (st >= 0 && !resumed)
        st = ask_positions(s);
    s->beginning = false;
    if (st >= 0 && !sync_is_busy(s))
        s->ev->synced(s->user, s->account_status);
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
    s->tail_us = s->tail_since_us = s->rooms_us = EP_NEVER;
    ep_catchup_cut(s->account_archive.catchup);
    for (size_t i = 0; i < s->room_count; i++) {
        s->rooms[i]->again = false;
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
static ep_replay *replay_of(followed *room, const ep_elem *message, const ep_msg *m)
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
    followed *room = groupchat ? room_of(s, ep_elem_attr(message, "from")) : NULL;
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
    /* What says nothing and is in no archive (a chat state) leaves no trace; nor does an error. */
    if ((m.kind == EP_MSG_OTHER && !id) || ep_streq(m.type, "error"))
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
static followed *archive_of(ep_sync *s, const ep_elem *stanza)
{
    const char *from = ep_elem_attr(stanza, "from");
    if (!from || strcmp(from, s->account) == 0)
        return &s->account_archive;
    followed *room = room_of(s, from);
    return room && strchr(from, '/') ? NULL : room;
}

epode_status ep_sync_result(ep_sync *s, const ep_elem *stanza, const ep_mam_result *result)
{
    epode_status st;
    ep_mam_result kept = *result;
    followed *f = archive_of(s, stanza);
    if (!f)
        return EPODE_DONE;
    /* What a followed room has in its own archive makes no second message in the account's. */
    if (f == &s->account_archive && kept.message && ep_streq(ep_elem_attr(kept.message, "type"), "groupchat") &&
        room_of(s, ep_elem_attr(kept.message, "from")))
        kept.message = NULL;
    return ep_catchup_result(f->catchup, &kept, &st) ? st : EPODE_DONE;
}

/* XEP-0490, 3.1: in a room the id is the room's, anywhere else that of our own archive. One of an archive that is not kept
 * would be waited for in vain. */
static void on_position(const char *peer, const char *by, const char *stanza_id, void *user)
{
    ep_sync *s = user;
    int64_t conversation, archive = strcmp(by, s->account) == 0 ? ep_sync_archive(s) : ep_sync_room_archive(s, by);
    if (s->mds_status < 0 || !archive || (archive != ep_sync_archive(s) && strchr(by, '/')))
        return;
    s->mds_status = ep_conversation_open(s->store, archive, peer, &conversation);
    if (s->mds_status == EPODE_OK)
        s->mds_status = ep_conversation_displayed(s->store, conversation, stanza_id, s->mds_changes);
}

static epode_status take_positions(ep_sync *s, const ep_elem *parent)
{
    ep_changes changes = { 0 };
    s->mds_changes = &changes;
    s->mds_status = EPODE_OK;
    ep_mds_read(parent, s->account, on_position, s);
    s->mds_changes = NULL;
    if (s->mds_status >= 0)
        s->ev->changed(s->user, &changes);
    ep_changes_free(&changes);
    return s->mds_status < 0 ? s->mds_status : EPODE_OK;
}

epode_status ep_sync_answer(ep_sync *s, const ep_elem *iq, bool of_account, int64_t now_us)
{
    epode_status st;
    s->now_us = now_us;
    followed *f = of_account ? &s->account_archive : archive_of(s, iq);
    if (!f)
        return EPODE_DONE;
    if (f == &s->account_archive && s->mds_query[0] && ep_streq(ep_elem_attr(iq, "id"), s->mds_query)) {
        s->mds_query[0] = '\0';
        return take_positions(s, ep_elem_child(iq, "pubsub", EP_NS_PUBSUB));
    }
    return ep_catchup_answer(f->catchup, iq, now_us, &st) ? st : EPODE_DONE;
}

epode_status ep_sync_event(ep_sync *s, const ep_elem *event)
{
    return take_positions(s, event);
}

epode_status ep_sync_publish(ep_sync *s, int64_t conversation, const char *peer, const char *owner)
{
    char id[24];
    ep_buf sid = EP_BUF_INIT;
    epode_status st = ep_conversation_displayed_id(s->store, conversation, &sid);
    if (st == EPODE_OK && (!s->online || s->no_queries))
        st = EPODE_DONE;
    if (st == EPODE_OK && (!ep_buf_cstr(&sid) || !make_id(id, "mdp-")))
        st = EPODE_ENOMEM;
    if (st == EPODE_OK) {
        ep_buf_clear(&s->xml);
        ep_xw w = ep_xw_init(&s->xml);
        ep_mds_write_publish(id, peer, owner, ep_buf_ptr(&sid), &w);
        st = ep_xw_done(&w);
        if (!st)
            st = s->ev->send_iq(s->user, ep_buf_ptr(&s->xml), s->xml.len);
    }
    ep_buf_free(&sid);
    return st;
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

void ep_sync_tick(ep_sync *s, int64_t now_us, int64_t now_ms)
{
    followed *account = &s->account_archive;
    s->now_us = now_us;
    s->now_ms = now_ms;
    ep_catchup_tick(account->catchup, now_us);
    for (size_t i = 0; i < s->room_count; i++)
        ep_catchup_tick(s->rooms[i]->catchup, now_us);
    if (now_us >= s->rooms_us) {
        s->rooms_us = EP_NEVER;
        if (s->online && rooms_are_awaited(s) && !sync_is_busy(s))
            s->ev->synced(s->user, s->account_status);
    }
    if (now_us < s->tail_us)
        return;
    s->tail_us = s->tail_since_us = EP_NEVER;
    if (s->online && !account->none && !ep_catchup_is_busy(account->catchup) &&
        ep_catchup_begin(account->catchup, false, NULL, now_us, now_ms) < 0)
        finished(account, EPODE_ESTORE);
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
    return due < s->tail_us ? due : s->tail_us;
}
