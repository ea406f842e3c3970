/* room_in.c: what rooms tell: who comes, goes and changes, and the subject (XEP-0045, 7 and 8). */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "xmpp/bound.h"
#include "xmpp/muc.h"

#define OCCUPANTS_MAX 20000 /* more are not listed */

/* --- occupants ------------------------------------------------------------------------------------------ */

static void occupant_free(ep_occupant *o)
{
    ep_free((char *)(uintptr_t)o->o.nick);
    ep_free((char *)(uintptr_t)o->o.jid);
    ep_free(o->id);
}

void ep_room_clear(ep_room *r)
{
    for (size_t i = 0; i < r->occupant_count; i++)
        occupant_free(&r->occupants[i]);
    ep_free(r->occupants);
    r->occupants = NULL;
    r->occupant_count = r->occupant_cap = 0;
    ep_free(r->subject);
    r->subject = NULL;
}

static ep_occupant *occupant_of(const ep_room *r, const char *nick)
{
    for (size_t i = 0; i < r->occupant_count; i++)
        if (strcmp(r->occupants[i].o.nick, nick) == 0)
            return &r->occupants[i];
    return NULL;
}

static bool occupant_text(const char **slot, const char *text)
{
    char *copy = text ? ep_strdup(text) : NULL;
    if (text && !copy)
        return false;
    ep_free((char *)(uintptr_t)*slot);
    *slot = copy;
    return true;
}

/* NULL: no memory, or the room is too full to be listed. */
static ep_occupant *occupant_add(ep_room *r, const char *nick)
{
    if (r->occupant_count == r->occupant_cap) {
        size_t cap = r->occupant_cap ? r->occupant_cap * 2 : 16;
        ep_occupant *more = cap > OCCUPANTS_MAX ? NULL : ep_realloc(r->occupants, cap * sizeof *more);
        if (!more)
            return NULL;
        r->occupants = more;
        r->occupant_cap = cap;
    }
    ep_occupant *o = &r->occupants[r->occupant_count];
    memset(o, 0, sizeof *o);
    o->o.size = sizeof o->o;
    if (!occupant_text(&o->o.nick, nick))
        return NULL;
    r->occupant_count++;
    return o;
}

static void occupant_remove(ep_room *r, ep_occupant *o)
{
    occupant_free(o);
    *o = r->occupants[--r->occupant_count];
}

static epode_room_left why_left(const ep_muc_presence *p)
{
    static const struct {
        unsigned bit;
        epode_room_left why;
    } rows[] = {
        { EP_MUC_BANNED, EPODE_LEFT_BANNED },           { EP_MUC_ERROR, EPODE_LEFT_ERROR },
        { EP_MUC_KICKED, EPODE_LEFT_KICKED },           { EP_MUC_AFFILIATION, EPODE_LEFT_AFFILIATION },
        { EP_MUC_MEMBERS_ONLY, EPODE_LEFT_MEMBERS_ONLY }, { EP_MUC_SHUTDOWN, EPODE_LEFT_SHUTDOWN },
    };
    if (p->destroyed)
        return EPODE_LEFT_DESTROYED;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (p->status & rows[i].bit)
            return rows[i].why;
    return EPODE_LEFT_SELF;
}

static epode_status occupant_put(epode_client *c, ep_room *r, const ep_muc_presence *p, bool self)
{
    ep_occupant *o = occupant_of(r, p->nick);
    bool fresh = !o;
    if (fresh && !(o = occupant_add(r, p->nick)))
        return r->occupant_cap * 2 > OCCUPANTS_MAX ? EPODE_OK : EPODE_ENOMEM;
    bool changed = o->o.affiliation != (epode_affiliation)p->affiliation || o->o.role != (epode_role)p->role ||
                   !ep_streq(o->o.jid ? o->o.jid : "", p->jid ? p->jid : "");
    o->o.affiliation = (epode_affiliation)p->affiliation;
    o->o.role = (epode_role)p->role;
    o->o.self = self;
    if (!occupant_text(&o->o.jid, p->jid) || !ep_str_set(&o->id, p->occupant))
        return EPODE_ENOMEM;
    o->o.id = r->ids ? o->id : NULL;
    if (r->state == EP_ROOM_JOINED && (fresh || changed))
        ep_room_emit(c, r, fresh ? EPODE_ROOM_OCCUPANT_CAME : EPODE_ROOM_OCCUPANT_CHANGED, p->nick, NULL);
    return EPODE_OK;
}

/* A room that gave none is not believed when others begin to. */
static epode_status we_are(epode_client *c, ep_room *r, const char *occupant)
{
    if (ep_streq(r->occupant, r->ids ? occupant : NULL))
        return EPODE_OK;
    epode_status st = ep_room_is_us(c, r, r->ids ? occupant : NULL);
    return st < 0 ? st : ep_room_keep(c, r);
}

epode_status ep_room_ids_known(epode_client *c, ep_room *r)
{
    const ep_occupant *self = occupant_of(r, r->nick);
    for (size_t i = 0; i < r->occupant_count; i++)
        r->occupants[i].o.id = r->ids ? r->occupants[i].id : NULL;
    return we_are(c, r, self ? self->id : NULL);
}

/* --- presence ------------------------------------------------------------------------------------------- */

static epode_status renamed(epode_client *c, ep_room *r, const ep_muc_presence *p, bool self)
{
    ep_occupant *o = occupant_of(r, p->nick), *there = occupant_of(r, p->new_nick);
    if (there && there != o)
        occupant_remove(r, there);
    o = occupant_of(r, p->nick);
    if (o && !occupant_text(&o->o.nick, p->new_nick))
        return EPODE_ENOMEM;
    if (!self) {
        ep_room_emit(c, r, EPODE_ROOM_OCCUPANT_RENAMED, p->nick, p->new_nick);
        return EPODE_OK;
    }
    if (!ep_str_set(&r->nick, p->new_nick) || !ep_str_set(&r->wish, p->new_nick))
        return EPODE_ENOMEM;
    ep_room_emit(c, r, EPODE_ROOM_NICK, r->nick, NULL);
    epode_status st = ep_sync_room_nick(c->sync, r->jid, r->nick);
    return st < 0 ? st : ep_room_keep(c, r);
}

/* Sent out: after a shutdown it is tried again, else the room, or whoever rules it, does not want us there. */
static epode_status put_out(epode_client *c, ep_room *r, const ep_muc_presence *p)
{
    epode_room_left left = why_left(p);
    epode_event ev = { .type = EPODE_EV_ROOM, .peer = r->jid, .room = EPODE_ROOM_LEFT, .left = left, .text = p->reason,
                       .nick = r->nick };
    ep_client_emit(c, &ev);
    if (left != EPODE_LEFT_SHUTDOWN && left != EPODE_LEFT_ERROR)
        return ep_room_drop(c, r);
    ep_room_clear(r);
    return ep_room_again(c, r);
}

static epode_status take_gone(epode_client *c, ep_room *r, const ep_muc_presence *p, bool self)
{
    if ((p->status & EP_MUC_RENAMED) && p->new_nick)
        return renamed(c, r, p, self);
    if (self)
        return r->state == EP_ROOM_JOINED ? put_out(c, r, p) : EPODE_OK;
    ep_occupant *o = occupant_of(r, p->nick);
    if (!o)
        return EPODE_OK;
    epode_event ev = { .type = EPODE_EV_ROOM, .peer = r->jid, .room = EPODE_ROOM_OCCUPANT_LEFT, .left = why_left(p),
                       .text = p->reason, .nick = p->nick };
    ep_client_emit(c, &ev);
    occupant_remove(r, o);
    return EPODE_OK;
}

static epode_status take_occupant(epode_client *c, ep_room *r, const ep_elem *presence)
{
    ep_muc_presence p;
    if (!ep_muc_presence_read(&p, presence))
        return EPODE_OK;
    /* Of the time before status codes the nick is all there is. */
    bool self = (p.status & EP_MUC_SELF) || (ep_streq(p.nick, r->nick) && r->state == EP_ROOM_JOINED);
    if (p.gone)
        return take_gone(c, r, &p, self);
    epode_status st = occupant_put(c, r, &p, self);
    if (st || !self || r->state == EP_ROOM_JOINED || r->state == EP_ROOM_LEAVING)
        return st;
    if ((st = we_are(c, r, p.occupant)))
        return st;
    /* The room may have given us another nick than we asked for (status 210). */
    return ep_str_set(&r->nick, p.nick) ? ep_room_entered(c, r, (p.status & EP_MUC_CREATED) != 0) : EPODE_ENOMEM;
}

static void nick_refused(epode_client *c, const ep_room *r, const ep_elem *presence)
{
    ep_error err = { 0 };
    const char *condition = ep_condition_of(ep_elem_child(presence, "error", NULL));
    ep_fail(&err, EPODE_ESTANZA, 0, "the room refused the nick: %s", condition);
    ep_error_set_condition(&err, condition);
    epode_event ev = { .type = EPODE_EV_ROOM, .peer = r->jid, .room = EPODE_ROOM_NICK, .nick = r->nick,
                       .error = &err };
    ep_client_emit(c, &ev);
}

epode_status ep_rooms_presence(epode_client *c, const ep_elem *presence)
{
    ep_room *r = ep_room_find(c, ep_elem_attr(presence, "from"));
    if (!r)
        return ep_client_take_presence(c, presence);
    r->heard_us = ep_loop_now_us(c->loop);
    if (!ep_streq(ep_elem_attr(presence, "type"), "error"))
        return take_occupant(c, r, presence);
    const char *id = ep_elem_attr(presence, "id");
    if (r->state == EP_ROOM_JOINING && (!id || ep_streq(id, r->join_id)))
        return ep_room_refused(c, r, presence);
    if (r->state == EP_ROOM_JOINED && ep_streq(id, r->join_id))
        nick_refused(c, r, presence);
    return EPODE_OK;
}

/* --- messages ------------------------------------------------------------------------------------------- */

void ep_rooms_message(epode_client *c, const ep_elem *message)
{
    const char *from = ep_elem_attr(message, "from");
    ep_room *r = c->rooms.count && ep_streq(ep_elem_attr(message, "type"), "groupchat") ? ep_room_find(c, from) : NULL;
    const char *subject = r ? ep_muc_subject(message) : NULL;
    if (!r)
        return;
    size_t bare = ep_jid_bare_len(from);
    r->heard_us = ep_loop_now_us(c->loop);
    if (from[bare] == '/' && ep_streq(from + bare + 1, r->nick))
        r->losses = 0;
    if (!subject || (*subject ? ep_streq(subject, r->subject) : !r->subject))
        return;
    if (!ep_str_set(&r->subject, *subject ? subject : NULL)) {
        c->emit_failed = true;
        return;
    }
    ep_room_emit(c, r, EPODE_ROOM_SUBJECT, from[bare] == '/' ? from + bare + 1 : NULL, subject);
}
