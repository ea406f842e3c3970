/* room_ping.c: whether we are still in a room (XEP-0410). */
#include <string.h>

#include "client/internal.h"
#include "xmpp/ns.h"

#define SILENT_US      (10 * 60 * 1000000LL) /* after that it is not taken for granted that we are in */
#define AGAIN_AFTER_US (30 * 1000000LL)
#define LOSSES_MAX     3 /* without a message of ours in between */

static epode_status room_lost(epode_client *c, ep_room *r)
{
    bool fresh;
    epode_event ev = { .type = EPODE_EV_ROOM, .peer = r->jid, .room = EPODE_ROOM_LEFT, .left = EPODE_LEFT_LOST,
                       .nick = r->nick };
    ep_client_emit(c, &ev);
    ep_room_clear(r);
    epode_status st = ep_sync_room_await(c->sync, r->jid, r->nick, &fresh);
    return st < 0 ? st : ep_room_begin(c, r);
}

bool ep_rooms_not_in(epode_client *c, const char *jid, epode_status *st)
{
    ep_room *r = ep_room_find(c, jid);
    *st = EPODE_OK;
    if (!r || r->state == EP_ROOM_REFUSED || r->state == EP_ROOM_LEAVING)
        return false;
    if (r->state != EP_ROOM_JOINED)
        return true;
    /* One that takes us in and our messages not is not believed for ever. */
    if (r->losses == LOSSES_MAX)
        return false;
    r->losses++;
    *st = room_lost(c, r);
    return true;
}

/* XEP-0410, 3.2 */
static epode_status take_pong(epode_client *c, const ep_reply *reply, void *user)
{
    static const char *const in[] = { "service-unavailable", "feature-not-implemented", "item-not-found" };
    ep_room *r = ep_room_numbered(c, user);
    if (!r || !r->pinging)
        return EPODE_OK;
    r->pinging = false;
    if (reply->outcome == EPODE_IQ_CANCELLED || r->state != EP_ROOM_JOINED)
        return EPODE_OK;
    bool still = reply->outcome == EPODE_IQ_RESULT;
    for (size_t i = 0; reply->outcome == EPODE_IQ_ERROR && i < sizeof in / sizeof *in; i++)
        still = still || strcmp(reply->condition, in[i]) == 0;
    if (reply->outcome == EPODE_IQ_ERROR && strcmp(reply->condition, "not-acceptable") == 0)
        return room_lost(c, r);
    if (!still) { /* nobody knows: asked again after a while */
        r->due_us = ep_loop_now_us(c->loop) + AGAIN_AFTER_US;
        ep_rooms_watch(c);
        return EPODE_OK;
    }
    r->heard_us = ep_loop_now_us(c->loop);
    return ep_client_pump(c);
}

epode_status ep_room_ping(epode_client *c, ep_room *r)
{
    ep_xw w;
    ep_buf to = EP_BUF_INIT;
    if (r->pinging)
        return EPODE_OK;
    ep_buf_printf(&to, "%s/%s", r->jid, r->nick);
    if (!ep_buf_cstr(&to))
        return EPODE_ENOMEM;
    ep_request *q = ep_request_open(c, &w, "get", ep_buf_ptr(&to), take_pong, ep_room_number(r));
    ep_xw_leaf(&w, "ping", EP_NS_PING, NULL);
    epode_status st = ep_request_send(c, q, &w, 0);
    r->pinging = !st;
    r->due_us = EP_NEVER;
    ep_buf_free(&to);
    return st;
}

static bool is_silent(const epode_client *c, const ep_room *r)
{
    return r->state == EP_ROOM_JOINED && ep_loop_now_us(c->loop) - r->heard_us >= SILENT_US;
}

bool ep_rooms_hold(epode_client *c, const char *to)
{
    ep_room *r = c->rooms.count ? ep_room_find(c, to) : NULL;
    if (!r || r->state == EP_ROOM_REFUSED || r->state == EP_ROOM_LEAVING)
        return false;
    if (is_silent(c, r) && !r->pinging && ep_room_ping(c, r) < 0)
        return false;
    return r->state != EP_ROOM_JOINED || r->pinging;
}

void ep_rooms_check(epode_client *c)
{
    ep_client_begin(c);
    for (size_t i = 0; i < c->rooms.count && ep_client_can_send(c); i++)
        if (is_silent(c, c->rooms.at[i]))
            ep_room_ping(c, c->rooms.at[i]);
    ep_client_schedule(c);
}
