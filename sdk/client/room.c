/* room.c: the rooms we are in or want to be in: their list, in the store too, over sessions (XEP-0045). */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"

#define ROOMS_MAX      256
#define OCCUPANT       '\x1f'
#define AGAIN_AFTER_US (30 * 1000000LL)

/* --- the list ------------------------------------------------------------------------------------------- */

ep_room *ep_room_find(const epode_client *c, const char *jid)
{
    for (size_t i = 0; jid && i < c->rooms.count; i++)
        if (ep_jid_same_bare(jid, c->rooms.at[i]->jid))
            return c->rooms.at[i];
    return NULL;
}

ep_room *ep_room_numbered(const epode_client *c, const void *number)
{
    for (size_t i = 0; i < c->rooms.count; i++)
        if (c->rooms.at[i]->number == (uintptr_t)number)
            return c->rooms.at[i];
    return NULL;
}

void *ep_room_number(const ep_room *r)
{
    return (void *)(uintptr_t)r->number;
}

static void forget_password(ep_room *r)
{
    if (r->password)
        ep_free_secret(r->password, strlen(r->password));
    r->password = NULL;
}

static void room_free(ep_room *r)
{
    ep_room_clear(r);
    forget_password(r);
    ep_free(r->occupants);
    ep_free(r->jid);
    ep_free(r->wish);
    ep_free(r->nick);
    ep_free(r->occupant);
    ep_free(r);
}

static epode_status list_push(ep_rooms *rs, ep_room *r)
{
    if (rs->count == rs->cap) {
        size_t cap = rs->cap ? rs->cap * 2 : 8;
        ep_room **more = ep_realloc(rs->at, cap * sizeof *more);
        if (!more)
            return EPODE_ENOMEM;
        rs->at = more;
        rs->cap = cap;
    }
    rs->at[rs->count++] = r;
    return EPODE_OK;
}

epode_status ep_room_add(epode_client *c, const char *jid, const char *nick, ep_room **out)
{
    if (c->rooms.count >= ROOMS_MAX)
        return EPODE_ELIMIT;
    ep_room *r = ep_calloc(1, sizeof *r);
    if (!r)
        return EPODE_ENOMEM;
    r->number = ++c->rooms.made;
    r->due_us = EP_NEVER;
    epode_status st = EPODE_ENOMEM;
    if (ep_str_set(&r->jid, jid) && ep_str_set(&r->wish, nick) && ep_str_set(&r->nick, nick))
        st = ep_sync_room_await(c->sync, jid, nick, &r->followed);
    if (st >= 0)
        st = list_push(&c->rooms, r);
    if (st < 0)
        room_free(r);
    else
        *out = r;
    return st < 0 ? st : EPODE_OK;
}

static void list_remove(epode_client *c, ep_room *r)
{
    size_t i = 0;
    while (c->rooms.at[i] != r)
        i++;
    memmove(&c->rooms.at[i], &c->rooms.at[i + 1], (c->rooms.count - i - 1) * sizeof *c->rooms.at);
    c->rooms.count--;
    room_free(r);
}

/* "j" (joined) or "l" (left, its archive is not to be asked), "f" where joining began that it is kept, the nick, and behind
 * OCCUPANT, which no nick can contain, our id there. */
epode_status ep_room_keep(epode_client *c, const ep_room *r)
{
    ep_buf data = EP_BUF_INIT;
    ep_buf_printf(&data, "j%c%s", r->followed ? 'f' : '-', r->wish);
    if (r->occupant)
        ep_buf_printf(&data, "%c%s", OCCUPANT, r->occupant);
    epode_status st = data.failed ? EPODE_ENOMEM
                                  : ep_store_fact_put(c->store, EP_FACT_ROOM, r->jid, ep_buf_ptr(&data), data.len, 0);
    ep_buf_free(&data);
    return st;
}

epode_status ep_room_set_password(epode_client *c, ep_room *r, const char *password)
{
    char *copy = ep_strdup(password);
    if (!copy)
        return EPODE_ENOMEM;
    forget_password(r);
    r->password = copy;
    return ep_store_secret_put(c->store, EP_SECRET_ROOM, r->jid, copy, strlen(copy), 0);
}

static epode_status load_password(epode_client *c, ep_room *r)
{
    ep_buf text = EP_BUF_INIT;
    epode_status st = ep_store_secret_get(c->store, EP_SECRET_ROOM, r->jid, &text, NULL);
    if (st == EPODE_OK && (!ep_buf_cstr(&text) || !(r->password = ep_strdup(ep_buf_ptr(&text)))))
        st = EPODE_ENOMEM;
    ep_buf_wipe(&text);
    return st < 0 ? st : EPODE_OK;
}

/* It is not joined again, and no more followed than before. */
static epode_status room_forget(epode_client *c, const ep_room *r)
{
    epode_status gone = ep_store_secret_del(c->store, EP_SECRET_ROOM, r->jid);
    if (gone < 0)
        return gone;
    if (r->followed) {
        ep_sync_unfollow(c->sync, r->jid);
        return ep_store_fact_put(c->store, EP_FACT_ROOM, r->jid, "lf", 2, 0);
    }
    epode_status st = ep_sync_room_begin(c->sync, r->jid, NULL, r->archive, ep_loop_now_us(c->loop));
    return st < 0 ? st : ep_store_fact_del(c->store, EP_FACT_ROOM, r->jid);
}

epode_status ep_room_leave_later(epode_client *c, ep_room *r)
{
    ep_room_clear(r);
    r->state = EP_ROOM_LEAVING;
    r->due_us = EP_NEVER;
    return room_forget(c, r);
}

epode_status ep_room_drop(epode_client *c, ep_room *r)
{
    epode_status st = room_forget(c, r);
    list_remove(c, r);
    /* What waited for it is refused by the room now, which is an outcome. */
    return st < 0 ? st : ep_client_pump(c);
}

epode_status ep_room_is_us(epode_client *c, ep_room *r, const char *occupant)
{
    if (ep_streq(r->occupant, occupant))
        return EPODE_OK;
    return ep_str_set(&r->occupant, occupant) ? ep_sync_room_occupant(c->sync, r->jid, occupant) : EPODE_ENOMEM;
}

static epode_status load_one(const ep_fact *fact, void *user)
{
    epode_client *c = user;
    ep_room *r;
    if (fact->len < 2)
        return EPODE_OK;
    if (fact->data[0] != 'j') {
        ep_sync_unfollow(c->sync, fact->key);
        return EPODE_OK;
    }
    const char *nick = fact->data + 2, *id = strchr(nick, OCCUPANT);
    char *copy = ep_strndup(nick, id ? (size_t)(id - nick) : strlen(nick));
    epode_status st = copy ? ep_room_add(c, fact->key, copy, &r) : EPODE_ENOMEM;
    ep_free(copy);
    if (!st) {
        r->followed = fact->data[1] == 'f';
        st = id ? ep_room_is_us(c, r, id + 1) : EPODE_OK;
        st = st < 0 ? st : load_password(c, r);
    }
    return st == EPODE_ELIMIT ? EPODE_OK : st;
}

epode_status ep_rooms_bookmarked(epode_client *c)
{
    epode_status st = EPODE_OK;
    for (size_t i = c->rooms.count; i-- > 0 && st >= 0;) {
        ep_room *r = c->rooms.at[i];
        bool waits = r->awaits_bookmark && r->state == EP_ROOM_WANTED;
        r->awaits_bookmark = false;
        if (waits)
            st = ep_room_refused_for_good(c, r, "not-authorized");
    }
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_rooms_followed(epode_client *c, const char *jid)
{
    ep_room *r = ep_room_find(c, jid);
    if (!r)
        return ep_store_fact_del(c->store, EP_FACT_ROOM, jid);
    r->followed = false;
    return ep_room_keep(c, r);
}

void ep_rooms_watch(epode_client *c)
{
    int64_t due = EP_NEVER;
    for (size_t i = 0; i < c->rooms.count; i++)
        if (c->rooms.at[i]->due_us < due)
            due = c->rooms.at[i]->due_us;
    if (due == EP_NEVER || !c->stream)
        ep_timer_stop(&c->rooms.timer);
    else
        ep_timer_set(ep_loop_timers(c->loop), &c->rooms.timer, due);
}

void ep_room_emit(epode_client *c, const ep_room *r, epode_room_change what, const char *nick, const char *text)
{
    epode_event ev = { .type = EPODE_EV_ROOM, .peer = r->jid, .room = what, .nick = nick, .text = text };
    ep_client_emit(c, &ev);
}

/* --- sessions ------------------------------------------------------------------------------------------- */

void ep_rooms_reset(epode_client *c)
{
    bool fresh;
    for (size_t i = c->rooms.count; i-- > 0;) {
        ep_room *r = c->rooms.at[i];
        if (r->state == EP_ROOM_LEAVING) {
            list_remove(c, r);
            continue;
        }
        ep_room_clear(r);
        r->state = EP_ROOM_WANTED;
        r->pinging = r->other_nick = r->awaits_bookmark = false;
        r->tries = 0;
        r->due_us = EP_NEVER;
        /* A room that is followed cannot fail to be awaited but for its nick, which is set again when it is joined. */
        ep_sync_room_await(c->sync, r->jid, r->nick, &fresh);
    }
}

void ep_rooms_cut(epode_client *c)
{
    ep_timer_stop(&c->rooms.timer);
}

epode_status ep_room_send_gone(epode_client *c, const ep_room *r, const char *reason)
{
    ep_buf to = EP_BUF_INIT;
    ep_buf_printf(&to, "%s/%s", r->jid, r->nick);
    ep_buf_clear(&c->scratch);
    ep_xw w = ep_xw_init(&c->scratch);
    ep_xw_open(&w, "presence", NULL);
    ep_xw_attr(&w, "type", "unavailable");
    ep_xw_attr(&w, "to", ep_buf_cstr(&to));
    if (reason && *reason)
        ep_xw_leaf(&w, "status", NULL, reason);
    ep_xw_close(&w);
    epode_status st = to.failed ? EPODE_ENOMEM : ep_client_send_writer(c, EP_STANZA_PRESENCE, NULL, &w);
    ep_buf_free(&to);
    return st;
}

epode_status ep_rooms_ready(epode_client *c)
{
    bool resumed = ep_stream_bind_kind(c->stream) == EP_BIND_RESUMED;
    epode_status st = EPODE_OK;
    for (size_t i = c->rooms.count; i-- > 0 && st >= 0;) {
        ep_room *r = c->rooms.at[i];
        if (r->state == EP_ROOM_LEAVING) {
            st = ep_room_send_gone(c, r, NULL);
            list_remove(c, r);
        } else if (r->state == EP_ROOM_JOINED) {
            r->pinging = false;
            st = ep_room_ping(c, r);
        } else if (r->state != EP_ROOM_REFUSED || !resumed) {
            st = ep_room_begin(c, r);
        }
    }
    return st < 0 ? st : EPODE_OK;
}

void ep_rooms_synced(epode_client *c, int64_t archive, epode_status status)
{
    for (size_t i = 0; i < c->rooms.count; i++) {
        ep_room *r = c->rooms.at[i];
        if (r->state != EP_ROOM_JOINED || ep_sync_room_archive(c->sync, r->jid) != archive)
            continue;
        /* It could not be read, and we are in: it is asked for once more. */
        if (status != EPODE_OK && status != EPODE_ESTANZA) {
            r->due_us = ep_loop_now_us(c->loop) + AGAIN_AFTER_US;
            ep_rooms_watch(c);
        }
    }
}

static epode_status room_due(epode_client *c, ep_room *r)
{
    r->due_us = EP_NEVER;
    switch (r->state) {
    case EP_ROOM_JOINING: return ep_room_refused(c, r, NULL);
    case EP_ROOM_WANTED: return ep_room_begin(c, r);
    case EP_ROOM_JOINED: return ep_room_ping(c, r);
    default: return EPODE_OK;
    }
}

static void rooms_fire(ep_timer *t, int64_t now_us, void *user)
{
    epode_client *c = user;
    (void)t;
    ep_client_begin(c);
    for (size_t i = c->rooms.count; i-- > 0;)
        if (c->rooms.at[i]->due_us <= now_us && room_due(c, c->rooms.at[i]) < 0)
            break; /* the store's failure is told at the turn's end */
    ep_rooms_watch(c);
    ep_client_schedule(c);
}

epode_status ep_rooms_load(epode_client *c)
{
    c->rooms.timer = (ep_timer){ .fire = rooms_fire, .user = c };
    epode_status st = ep_store_fact_each(c->store, EP_FACT_ROOM, load_one, c);
    return st < 0 ? st : EPODE_OK;
}

void ep_rooms_free(epode_client *c)
{
    while (c->rooms.count)
        room_free(c->rooms.at[--c->rooms.count]);
    ep_free(c->rooms.at);
    c->rooms.at = NULL;
}
