/* room_api.c: rooms, for the application. */
#include <string.h>

#include "base/str.h"
#include "client/internal.h"
#include "xmpp/muc.h"

/* The room, and the nick as it is prepared for comparison. */
static epode_status parse(const epode_client *c, const char *room, const char *nick, ep_jid *out)
{
    ep_jid jid;
    ep_buf full = EP_BUF_INIT;
    epode_status st = ep_jid_parse(&jid, room);
    if (st)
        return st;
    bool fits = jid.local && !jid.resource && strcmp(jid.bare, c->jid.bare) != 0;
    ep_buf_printf(&full, "%s/%s", jid.bare, nick);
    ep_jid_free(&jid);
    if (full.failed)
        st = EPODE_ENOMEM;
    else
        st = fits ? ep_jid_parse(out, ep_buf_cstr(&full)) : EPODE_EINVAL;
    ep_buf_free(&full);
    if (!st && !out->resource) {
        ep_jid_free(out);
        st = EPODE_EINVAL;
    }
    return st;
}

static epode_status set_wish(epode_client *c, ep_room *r, const char *nick, const char *password, uint32_t flags)
{
    r->flags = flags;
    r->other_nick = false;
    bool ok = ep_str_set(&r->wish, nick) && (r->state == EP_ROOM_JOINED || ep_str_set(&r->nick, nick));
    if (!ok)
        return EPODE_ENOMEM;
    return password ? ep_room_set_password(c, r, password) : EPODE_OK;
}

static epode_status join(epode_client *c, const ep_jid *jid, const char *password, uint32_t flags)
{
    ep_room *r = ep_room_find(c, jid->bare);
    if (r && r->state == EP_ROOM_JOINED) {
        /* For the next time. */
        epode_status kept = password && !ep_streq(password, r->password) ? ep_room_set_password(c, r, password) : EPODE_OK;
        if (kept < 0)
            return kept;
        if (strcmp(r->nick, jid->resource) == 0)
            return EPODE_DONE;
        return ep_client_can_send(c) ? ep_room_send_nick(c, r, jid->resource) : EPODE_ESTATE;
    }
    bool known = r != NULL, fresh;
    epode_status st = known ? ep_sync_room_await(c->sync, jid->bare, jid->resource, &fresh)
                            : ep_room_add(c, jid->bare, jid->resource, &r);
    if (st >= 0)
        st = set_wish(c, r, jid->resource, password, flags);
    if (st >= 0)
        st = ep_room_keep(c, r);
    return st < 0 ? st : ep_room_begin(c, r);
}

epode_status epode_room_join(epode_client *c, const char *room, const char *nick, const char *password, uint32_t flags)
{
    ep_jid jid;
    if (c->freed || c->suspended)
        return EPODE_ESTATE;
    if (!room || !nick || (flags & ~(uint32_t)EPODE_ROOM_OTHER_NICK) ||
        (password && !ep_xml_valid(password, strlen(password))))
        return EPODE_EINVAL;
    epode_status st = parse(c, room, nick, &jid);
    if (st)
        return st;
    ep_loop_enter(c->loop);
    ep_client_begin(c);
    st = join(c, &jid, password, flags);
    ep_client_schedule(c);
    ep_loop_leave(c->loop);
    ep_jid_free(&jid);
    return st;
}

static epode_status leave(epode_client *c, ep_room *r, const char *reason)
{
    bool inside = r->state == EP_ROOM_JOINED || r->state == EP_ROOM_JOINING;
    epode_event ev = { .type = EPODE_EV_ROOM, .peer = r->jid, .room = EPODE_ROOM_LEFT, .left = EPODE_LEFT_SELF,
                       .nick = r->nick };
    ep_client_emit(c, &ev);
    if (inside && ep_client_can_send(c)) {
        epode_status st = ep_room_send_gone(c, r, reason);
        return st < 0 ? st : ep_room_drop(c, r);
    }
    return inside ? ep_room_leave_later(c, r) : ep_room_drop(c, r);
}

epode_status epode_room_leave(epode_client *c, const char *room, const char *reason)
{
    if (c->freed || c->suspended)
        return EPODE_ESTATE;
    if (!room || (reason && !ep_xml_valid(reason, strlen(reason))))
        return EPODE_EINVAL;
    ep_jid jid;
    epode_status st = parse(c, room, "-", &jid);
    if (st)
        return st;
    ep_room *r = ep_room_find(c, jid.bare);
    ep_jid_free(&jid);
    if (!r || r->state == EP_ROOM_LEAVING)
        return EPODE_DONE;
    ep_loop_enter(c->loop);
    ep_client_begin(c);
    st = leave(c, r, reason);
    ep_client_schedule(c);
    ep_loop_leave(c->loop);
    return st < 0 ? st : EPODE_OK;
}

epode_status epode_room_set_subject(epode_client *c, const char *room, const char *subject)
{
    if (c->freed || c->suspended)
        return EPODE_ESTATE;
    if (!room || !subject)
        return EPODE_EINVAL;
    ep_jid jid;
    epode_status st = parse(c, room, "-", &jid);
    if (st)
        return st;
    const ep_room *r = ep_room_find(c, jid.bare);
    ep_jid_free(&jid);
    if (!r || r->state != EP_ROOM_JOINED || !ep_client_can_send(c))
        return EPODE_ESTATE;
    ep_loop_enter(c->loop);
    ep_buf_clear(&c->scratch);
    ep_xw w = ep_xw_init(&c->scratch);
    ep_xw_open(&w, "message", NULL);
    ep_xw_attr(&w, "type", "groupchat");
    ep_xw_attr(&w, "to", r->jid);
    ep_xw_leaf(&w, "subject", NULL, subject);
    ep_xw_close(&w);
    st = ep_client_send_writer(c, EP_STANZA_MESSAGE, NULL, &w);
    ep_loop_leave(c->loop);
    return st;
}

/* --- reading -------------------------------------------------------------------------------------------- */

static bool is_ours(const ep_room *r)
{
    return r->state != EP_ROOM_LEAVING;
}

size_t epode_room_count(const epode_client *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->rooms.count; i++)
        n += is_ours(c->rooms.at[i]);
    return n;
}

const epode_room *epode_room_at(const epode_client *c, size_t i)
{
    for (size_t at = 0; at < c->rooms.count; at++)
        if (is_ours(c->rooms.at[at]) && i-- == 0)
            return c->rooms.at[at];
    return NULL;
}

const epode_room *epode_room_find(const epode_client *c, const char *room)
{
    ep_jid jid;
    if (ep_jid_parse(&jid, room))
        return NULL;
    const ep_room *r = jid.resource ? NULL : ep_room_find(c, jid.bare);
    ep_jid_free(&jid);
    return r && is_ours(r) ? r : NULL;
}

const char *epode_room_jid(const epode_room *r)
{
    return r->jid;
}

const char *epode_room_nick(const epode_room *r)
{
    return r->nick;
}

const char *epode_room_subject(const epode_room *r)
{
    return r->subject;
}

bool epode_room_is_joined(const epode_room *r)
{
    return r->state == EP_ROOM_JOINED;
}

size_t epode_room_occupant_count(const epode_room *r)
{
    return r->state == EP_ROOM_JOINED ? r->occupant_count : 0;
}

const epode_occupant *epode_room_occupant_at(const epode_room *r, size_t i)
{
    return i < epode_room_occupant_count(r) ? &r->occupants[i].o : NULL;
}
