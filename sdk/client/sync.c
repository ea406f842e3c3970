/* sync.c: what the sync layer asks and tells. */
#include <string.h>

#include "base/str.h"
#include "client/internal.h"
#include "store/search.h"

/* The index of words is fed behind everything else, in pieces that nobody waits for. */
#define SEARCH_ROWS_PER_TURN 1000

static void feed_search(ep_job *job, void *user)
{
    epode_client *c = user;
    bool more = false;
    ep_client_begin(c);
    if (ep_search_feed(c->store, SEARCH_ROWS_PER_TURN, &more) == EPODE_OK && more)
        ep_loop_next(c->loop, job);
    ep_client_schedule(c);
}

void ep_client_feed_search(epode_client *c)
{
    if (!(c->flags & EPODE_NO_SEARCH))
        ep_loop_next(c->loop, &c->search_job);
}

void ep_client_feed_search_now(epode_client *c)
{
    bool more;
    if (c->freed || c->suspended || !ep_job_is_queued(&c->search_job))
        return;
    ep_loop_enter(c->loop);
    ep_client_begin(c);
    ep_search_feed(c->store, SEARCH_ROWS_PER_TURN, &more);
    ep_client_schedule(c);
    ep_loop_leave(c->loop);
}

void ep_client_search_init(epode_client *c)
{
    c->search_job = (ep_job){ .run = feed_search, .user = c };
    ep_list_init(&c->search_job.node);
}

static epode_status on_send_iq(void *user, const char *xml, size_t len)
{
    return ep_client_send_text(user, EP_STANZA_IQ, NULL, xml, len);
}

static epode_status emit_delivery(const ep_view *view, void *user)
{
    epode_event ev = { .type = EPODE_EV_DELIVERY, .row = (uint64_t)view->row, .id = view->id,
                       .delivery = (epode_delivery)view->state };
    ep_client_emit(user, &ev);
    return EPODE_OK;
}

static epode_status emit_unread(const ep_conversation *conversation, void *user)
{
    epode_event ev = { .type = EPODE_EV_UNREAD, .peer = conversation->peer };
    ep_client_emit(user, &ev);
    return EPODE_OK;
}

void ep_client_emit_changes(epode_client *c, const ep_changes *changes)
{
    static const epode_change kinds[] = { [EP_CHANGE_NEW] = EPODE_CHANGE_NEW,
                                          [EP_CHANGE_CHANGED] = EPODE_CHANGE_CHANGED,
                                          [EP_CHANGE_MOVED] = EPODE_CHANGE_MOVED };
    c->changes += changes->count;
    for (size_t i = 0; i < changes->count; i++) {
        const ep_change *ch = &changes->at[i];
        if (ch->kind == EP_CHANGE_DELIVERY) {
            ep_view_get(c->store, ch->row, emit_delivery, c);
        } else if (ch->kind == EP_CHANGE_UNREAD) {
            ep_conversation_get(c->store, ch->conversation, emit_unread, c);
        } else if (ch->conversation) {
            epode_event ev = { .type = EPODE_EV_MESSAGE, .row = (uint64_t)ch->row, .change = kinds[ch->kind],
                               .history = changes->history };
            if (ch->kind == EP_CHANGE_NEW && c->session)
                c->session->new_messages++;
            ep_client_emit(c, &ev);
        }
    }
}

static void on_changed(void *user, const ep_changes *changes)
{
    epode_client *c = user;
    ep_client_emit_changes(c, changes);
    /* While pages come in, words wait; what comes live is found at once. */
    if (changes->count && c->session && c->session->synced_us >= 0)
        ep_client_feed_search(c);
}

static void on_progress(void *user, size_t done, size_t expected)
{
    epode_client *c = user;
    epode_event ev = { .type = EPODE_EV_SYNC, .done = done, .expected = expected };
    c->bulk_messages += done > c->bulk_done ? done - c->bulk_done : 0;
    c->bulk_done = done;
    ep_client_emit(c, &ev);
}

static void on_finished(void *user, int64_t archive, epode_status status)
{
    /* What the archive holds is known now, or that there is none: messages in doubt can be decided. */
    if (status == EPODE_OK || status == EPODE_ESTANZA)
        ep_client_settle_doubt(user, archive);
    ep_rooms_synced(user, archive, status);
}

static void on_synced(void *user, epode_status status)
{
    epode_client *c = user;
    ep_error err = { 0 };
    epode_event ev = { .type = EPODE_EV_SYNC, .synced = status == EPODE_OK };
    if (status == EPODE_ESTANZA)
        ep_fail(&err, status, 0, "the server has no archive, or refuses to show it");
    else if (status)
        ep_fail(&err, status, 0, "the archive could not be read; it is tried again");
    ev.error = status ? &err : NULL;
    if (status == EPODE_OK && c->session && c->session->synced_us < 0)
        c->session->synced_us = ep_loop_refresh(c->loop) - c->session->began_us;
    ep_client_emit(c, &ev);
    ep_client_feed_search(c);
    ep_client_fetched(c, status);
}

const ep_sync_events ep_client_sync_events = { on_send_iq, on_changed, on_progress, on_finished, on_synced };

epode_status epode_archive_follow(epode_client *c, const char *room)
{
    ep_jid jid;
    if (c->freed || c->suspended)
        return EPODE_ESTATE;
    epode_status st = ep_jid_parse(&jid, room);
    if (st)
        return st;
    if (!jid.local || jid.resource || strcmp(jid.bare, c->jid.bare) == 0)
        st = EPODE_EINVAL;
    ep_loop_enter(c->loop);
    ep_client_begin(c);
    if (!st)
        st = ep_sync_follow(c->sync, jid.bare);
    if (st >= 0)
        st = ep_rooms_followed(c, jid.bare);
    ep_client_schedule(c);
    ep_loop_leave(c->loop);
    ep_jid_free(&jid);
    return st;
}

typedef struct place {
    int64_t archive, pos;
} place;

static epode_status place_of(const ep_view *view, void *user)
{
    *(place *)user = (place){ view->archive, view->pos };
    return EPODE_OK;
}

/* The oldest one that is held of an archive. */
static epode_status oldest_place(epode_client *c, place *at)
{
    ep_cursor *cursor = NULL;
    const ep_view *view;
    size_t count;
    ep_cursor_options o = { .archive = at->archive, .flags = EP_CURSOR_ALL, .batch = 1 };
    epode_status st = ep_cursor_open(c->store, &o, &cursor);
    if (st == EPODE_OK && (st = ep_cursor_next(cursor, &view, &count)) == EPODE_OK && count)
        at->pos = view->pos;
    ep_cursor_close(cursor);
    return st;
}

epode_status ep_client_fill(epode_client *c, int64_t archive, uint64_t row, unsigned n)
{
    if (c->freed || c->suspended || !c->was_ready)
        return EPODE_ESTATE;
    place at = { archive ? archive : ep_sync_archive(c->sync), INT64_MAX };
    epode_status st = row ? ep_view_get(c->store, (int64_t)row, place_of, &at) : oldest_place(c, &at);
    if (st < 0)
        return st;
    ep_loop_enter(c->loop);
    ep_client_begin(c);
    st = ep_sync_fill(c->sync, at.archive, at.pos, n, ep_loop_now_us(c->loop));
    ep_client_schedule(c);
    ep_loop_leave(c->loop);
    return st;
}

epode_status epode_history_fill(epode_client *c, uint64_t row, unsigned n)
{
    return ep_client_fill(c, 0, row, n);
}
