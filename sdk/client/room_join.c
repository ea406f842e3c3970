/* room_join.c: joining a room, and what comes of it (XEP-0045, 7.2). */
#include <string.h>

#include "base/rand.h"
#include "base/str.h"
#include "client/internal.h"
#include "xmpp/bound.h"
#include "xmpp/disco.h"
#include "xmpp/muc.h"
#include "xmpp/ns.h"

#define JOIN_TIMEOUT_US    (60 * 1000000LL)
#define AGAIN_FIRST_US     (30 * 1000000LL)
#define AGAIN_LAST_US      (10 * 60 * 1000000LL)
#define INFO_FOR_MS        (7 * 24 * 3600 * 1000LL)
#define HISTORY_OVERLAP_S  (5 * 60)

/* How long ago the newest message of it that is held came here, and some more; -1: none is held, or our clock went back.
 * Not when it was sent: the room's clock is not ours. */
static epode_status held_for(epode_client *c, const ep_room *r, int64_t *seconds)
{
    ep_cursor *cursor = NULL;
    const ep_view *view;
    size_t n;
    ep_cursor_options o = { .archive = ep_sync_room_archive(c->sync, r->jid), .flags = EP_CURSOR_UP | EP_CURSOR_ALL,
                            .batch = 1 };
    *seconds = -1;
    epode_status st = ep_cursor_open(c->store, &o, &cursor);
    if (st == EPODE_OK && (st = ep_cursor_next(cursor, &view, &n)) == EPODE_OK && n) {
        int64_t ms = ep_client_wall_ms() - view->received_ms;
        *seconds = ms < 0 ? -1 : ms / 1000 + HISTORY_OVERLAP_S;
    }
    ep_cursor_close(cursor);
    return st < 0 ? st : EPODE_OK;
}

static bool make_join_id(ep_room *r)
{
    uint8_t raw[8];
    if (!ep_rand_bytes(raw, sizeof raw))
        return false;
    memcpy(r->join_id, "muc-", 4);
    ep_hex(raw, sizeof raw, r->join_id + 4);
    return true;
}

/* A presence to the room under this nick, begun: what w writes is in it. */
static epode_status open_presence(epode_client *c, ep_room *r, const char *nick, ep_xw *w)
{
    ep_buf to = EP_BUF_INIT;
    ep_caps caps = ep_client_caps(c);
    if (!make_join_id(r))
        return EPODE_ENOMEM;
    ep_buf_printf(&to, "%s/%s", r->jid, nick);
    ep_buf_clear(&c->scratch);
    *w = ep_xw_init(&c->scratch);
    ep_xw_open(w, "presence", NULL);
    ep_xw_attr(w, "to", ep_buf_cstr(&to));
    ep_xw_attr(w, "id", r->join_id);
    ep_caps_write_presence(&caps, w);
    bool failed = to.failed;
    ep_buf_free(&to);
    return failed ? EPODE_ENOMEM : EPODE_OK;
}

static epode_status send_join(epode_client *c, ep_room *r)
{
    ep_xw w;
    int64_t seconds = -1;
    epode_status st = r->archive ? EPODE_OK : held_for(c, r, &seconds);
    if (!st)
        st = open_presence(c, r, r->nick, &w);
    if (st)
        return st;
    /* XEP-0313, 5.2: what was missed comes from the archive, and from there alone. */
    ep_muc_write_join(r->password, r->archive ? 0 : -1, seconds, &w);
    ep_xw_close(&w);
    if (!r->archive && (st = ep_sync_room_replay(c->sync, r->jid)) < 0)
        return st;
    ep_room_clear(r);
    r->state = EP_ROOM_JOINING;
    r->due_us = ep_loop_now_us(c->loop) + JOIN_TIMEOUT_US;
    ep_rooms_watch(c);
    return ep_client_send_writer(c, EP_STANZA_PRESENCE, NULL, &w);
}

epode_status ep_room_send_nick(epode_client *c, ep_room *r, const char *nick)
{
    ep_xw w;
    epode_status st = open_presence(c, r, nick, &w);
    if (st)
        return st;
    ep_xw_close(&w);
    return ep_client_send_writer(c, EP_STANZA_PRESENCE, NULL, &w);
}

static void room_knows(const epode_client *c, ep_room *r, const char *list)
{
    r->info = true;
    r->archive = ep_disco_has(list, EP_NS_MAM) && !(c->flags & EPODE_NO_SYNC);
    r->ids = ep_disco_has(list, EP_NS_OCCUPANT_ID);
}

static epode_status take_list(epode_client *c, ep_room *r, const ep_elem *query)
{
    ep_buf list = EP_BUF_INIT;
    epode_status st = ep_disco_features(&list, query);
    if (st == EPODE_OK && !ep_buf_cstr(&list))
        st = EPODE_ENOMEM;
    if (st == EPODE_OK) {
        room_knows(c, r, ep_buf_ptr(&list));
        st = ep_store_fact_put(c->store, EP_FACT_DISCO, r->jid, ep_buf_ptr(&list), list.len,
                               ep_client_wall_ms() + INFO_FOR_MS);
    }
    ep_buf_free(&list);
    return st == EPODE_ELIMIT ? EPODE_OK : st;
}

/* Behind the instant room: whether it has an archive is known now, if it was not before. */
static epode_status take_info(epode_client *c, const ep_reply *reply, void *user)
{
    ep_room *r = ep_room_numbered(c, user);
    epode_status st = EPODE_OK;
    if (!r || reply->outcome == EPODE_IQ_CANCELLED)
        return EPODE_OK;
    if (reply->outcome == EPODE_IQ_TIMEOUT)
        return r->state == EP_ROOM_ASKING ? ep_room_refused(c, r, NULL) : EPODE_OK;
    /* An error: a room that is not there yet, or that shows itself to nobody outside. */
    if (reply->outcome == EPODE_IQ_RESULT)
        st = take_list(c, r, ep_elem_child(reply->iq, "query", EP_NS_DISCO_INFO));
    if (st < 0 || !ep_client_can_send(c))
        return st;
    if (r->state == EP_ROOM_ASKING)
        return send_join(c, r);
    if (r->state == EP_ROOM_JOINED && (st = ep_room_ids_known(c, r)) >= 0)
        st = ep_sync_room_begin(c->sync, r->jid, r->nick, r->archive, ep_loop_now_us(c->loop));
    return st;
}

static epode_status ask_info(epode_client *c, ep_room *r)
{
    ep_xw w;
    ep_request *q = ep_request_open(c, &w, "get", r->jid, take_info, ep_room_number(r));
    ep_xw_leaf(&w, "query", EP_NS_DISCO_INFO, NULL);
    return ep_request_send(c, q, &w, 0);
}

static epode_status load_info(epode_client *c, ep_room *r)
{
    ep_buf list = EP_BUF_INIT;
    int64_t expires = 0;
    epode_status st = ep_store_fact_get(c->store, EP_FACT_DISCO, r->jid, &list, &expires);
    if (st == EPODE_OK && !ep_buf_cstr(&list))
        st = EPODE_ENOMEM;
    if (st == EPODE_OK && expires > ep_client_wall_ms())
        room_knows(c, r, ep_buf_ptr(&list));
    ep_buf_free(&list);
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_room_begin(epode_client *c, ep_room *r)
{
    r->due_us = EP_NEVER;
    r->state = EP_ROOM_WANTED;
    if (!ep_client_can_send(c))
        return EPODE_OK;
    epode_status st = r->info ? EPODE_OK : load_info(c, r);
    if (st < 0)
        return st;
    if (r->info)
        return send_join(c, r);
    r->state = EP_ROOM_ASKING;
    return ask_info(c, r);
}

static epode_status take_nothing(epode_client *c, const ep_reply *reply, void *user)
{
    (void)c, (void)reply, (void)user;
    return EPODE_OK;
}

/* XEP-0045, 10.1.2: a room that was made is closed to others until its owner has said how it shall be. */
static epode_status open_instant(epode_client *c, const ep_room *r)
{
    ep_xw w;
    ep_request *q = ep_request_open(c, &w, "set", r->jid, take_nothing, NULL);
    ep_muc_write_instant(&w);
    return ep_request_send(c, q, &w, 0);
}

epode_status ep_room_entered(epode_client *c, ep_room *r, bool created)
{
    r->state = EP_ROOM_JOINED;
    r->due_us = EP_NEVER;
    r->tries = 0;
    r->pinging = false;
    ep_rooms_watch(c);
    ep_room_emit(c, r, EPODE_ROOM_JOINED_NOW, r->nick, NULL);
    epode_status st = created ? open_instant(c, r) : EPODE_OK;
    if (st >= 0 && !r->info)
        return ask_info(c, r);
    return st < 0 ? st : ep_sync_room_begin(c->sync, r->jid, r->nick, r->archive, ep_loop_now_us(c->loop));
}

/* --- what went wrong ------------------------------------------------------------------------------------ */

epode_status ep_room_again(epode_client *c, ep_room *r)
{
    int64_t wait = AGAIN_FIRST_US << (r->tries < 5 ? r->tries : 5);
    r->tries++;
    r->state = EP_ROOM_WANTED;
    r->pinging = false;
    r->due_us = ep_loop_now_us(c->loop) + (wait < AGAIN_LAST_US ? wait : AGAIN_LAST_US);
    ep_rooms_watch(c);
    /* Nobody waits for a room that may never answer: its archive may. */
    return ep_sync_room_begin(c->sync, r->jid, NULL, r->archive, ep_loop_now_us(c->loop));
}

/* Of the room service or of the way there, not of us. */
static bool is_passing(const ep_elem *error, const char *condition)
{
    return !error || ep_streq(ep_elem_attr(error, "type"), "wait") || strcmp(condition, "remote-server-timeout") == 0 ||
           strcmp(condition, "remote-server-not-found") == 0 || strcmp(condition, "internal-server-error") == 0;
}

static void tell_refused(epode_client *c, const ep_room *r, const char *condition, bool final)
{
    ep_error err = { 0 };
    if (condition)
        ep_fail(&err, EPODE_ESTANZA, 0, "the room could not be joined: %s", condition);
    else
        ep_fail(&err, EPODE_ETIMEOUT, 0, "the room did not answer");
    ep_error_set_condition(&err, condition ? condition : "");
    ep_error_set_final(&err, final);
    epode_event ev = { .type = EPODE_EV_ROOM, .peer = r->jid, .room = EPODE_ROOM_REFUSED, .nick = r->nick,
                       .error = &err };
    ep_client_emit(c, &ev);
}

static epode_status try_other_nick(epode_client *c, ep_room *r)
{
    ep_buf other = EP_BUF_INIT;
    ep_buf_printf(&other, "%s_", r->wish);
    r->other_nick = true;
    epode_status st = ep_buf_cstr(&other) && ep_str_set(&r->nick, ep_buf_ptr(&other)) ? send_join(c, r) : EPODE_ENOMEM;
    ep_buf_free(&other);
    return st;
}

epode_status ep_room_refused_for_good(epode_client *c, ep_room *r, const char *condition)
{
    tell_refused(c, r, condition, true);
    return ep_room_drop(c, r);
}

epode_status ep_room_refused(epode_client *c, ep_room *r, const ep_elem *presence)
{
    const ep_elem *error = ep_elem_child(presence, "error", NULL);
    const char *condition = presence ? ep_condition_of(error) : NULL;
    bool conflict = ep_streq(condition, "conflict"), passing = !presence || is_passing(error, condition);
    if (conflict && (r->flags & EPODE_ROOM_OTHER_NICK) && !r->other_nick && ep_client_can_send(c))
        return try_other_nick(c, r);
    if (ep_streq(condition, "not-authorized") && ep_bookmarks_may_tell(c, r->jid)) {
        r->state = EP_ROOM_WANTED;
        r->due_us = EP_NEVER;
        r->awaits_bookmark = true;
        return EPODE_OK;
    }
    if (!passing && !conflict)
        return ep_room_refused_for_good(c, r, condition);
    tell_refused(c, r, condition, false);
    if (passing)
        return ep_room_again(c, r);
    /* The one who has the nick may be gone by the next session. */
    r->state = EP_ROOM_REFUSED;
    r->due_us = EP_NEVER;
    ep_rooms_watch(c);
    epode_status st = ep_sync_room_begin(c->sync, r->jid, NULL, r->archive, ep_loop_now_us(c->loop));
    return st < 0 ? st : ep_client_pump(c);
}
