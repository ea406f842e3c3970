/* Rooms (XEP-0045): who is in them. Rooms outlive a restart, occupants do not. */
#include "room.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

bool srv_room_exists(struct srv *srv, const char *jid)
{
    return srv_query_int(srv, "SELECT 1 FROM rooms WHERE jid=?1", jid, NULL) == 1;
}

struct srv_room *srv_room_get(struct srv *srv, const char *jid)
{
    struct srv_room *room = srv->rooms;
    while (room && strcmp(room->jid, jid) != 0)
        room = room->next;
    if (room || !srv_room_exists(srv, jid))
        return room;
    room = srv_alloc(sizeof *room);
    room->jid = srv_dup(jid);
    room->next = srv->rooms;
    srv->rooms = room;
    return room;
}

struct srv_room *srv_room_make(struct srv *srv, const char *jid)
{
    srv_exec(srv, "INSERT OR IGNORE INTO rooms(jid) VALUES(?1)", jid, NULL, NULL);
    return srv_room_get(srv, jid);
}

struct srv_occupant *srv_room_occupant(const struct srv_room *room,
                                       const struct srv_session *session)
{
    struct srv_occupant *at = room->first;
    while (at && at->session != session)
        at = at->next;
    return at;
}

struct srv_occupant *srv_room_nick(const struct srv_room *room, const char *nick)
{
    struct srv_occupant *at = room->first;
    while (at && strcmp(at->nick, nick) != 0)
        at = at->next;
    return at;
}

static void occupant_free(struct srv_occupant *occupant)
{
    free(occupant->nick);
    srv_xml_free(occupant->presence);
    free(occupant);
}

static void unlink_occupant(struct srv_room *room, struct srv_occupant *occupant)
{
    struct srv_occupant **slot = &room->first;
    while (*slot != occupant)
        slot = &(*slot)->next;
    *slot = occupant->next;
}

void srv_rooms_free(struct srv *srv)
{
    while (srv->rooms) {
        struct srv_room *room = srv->rooms;
        srv->rooms = room->next;
        while (room->first) {
            struct srv_occupant *occupant = room->first;
            room->first = occupant->next;
            occupant_free(occupant);
        }
        free(room->jid);
        free(room);
    }
}

/* ---- Presence ---- */

/* XEP-0421: the room's word in place of whatever stands there; for ever the same for the same user. */
void srv_room_set_occupant_id(struct srv *srv, const struct srv_room *room, struct srv_xml *stanza, const char *who)
{
    struct srv_xml *el;
    unsigned char hash[32];
    char hex[33];
    if (!srv_on(srv, OCCUPANT_IDS))
        return;
    while ((el = srv_xml_find(stanza, NS_OCCUPANT_ID, "occupant-id")) != NULL)
        srv_xml_remove(el);
    char *text = srv_format("%s %s", room->jid, who);
    if (EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL) != 1)
        abort();
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    srv_xml_set(srv_xml_child(stanza, NS_OCCUPANT_ID, "occupant-id"), "id", hex);
    free(text);
}

static void add_status(struct srv_xml *x, const char *code)
{
    srv_xml_set(srv_xml_child(x, NS_MUC_USER, "status"), "code", code);
}

/* `type` NULL: available; `codes`: status codes, separated by spaces; `renamed` is for 303. */
static void show(struct srv_session *to, const struct srv_room *room,
                 const struct srv_occupant *who, const char *type, const char *codes,
                 const char *renamed)
{
    bool gone = type != NULL;
    struct srv_xml *presence = gone ? srv_xml_new(NS_CLIENT, "presence")
                                    : srv_xml_clone(who->presence);
    char *from = srv_format("%s/%s", room->jid, who->nick);
    struct srv_xml *joining = srv_xml_find(presence, NS_MUC, "x");
    if (joining)
        srv_xml_remove(joining);
    srv_xml_set(presence, "from", from);
    srv_xml_set(presence, "to", to->full);
    srv_xml_set(presence, "type", type);
    srv_room_set_occupant_id(to->srv, room, presence, who->session->user);
    struct srv_xml *x = srv_xml_child(presence, NS_MUC_USER, "x");
    struct srv_xml *item = srv_xml_child(x, NS_MUC_USER, "item");
    srv_xml_set(item, "affiliation", "none");
    srv_xml_set(item, "role", gone && !renamed ? "none" : "participant");
    srv_xml_set(item, "nick", renamed);
    if (!srv_on(to->srv, ROOMS_ANONYMOUS))
        srv_xml_set(item, "jid", who->session->full);
    char *copy = srv_dup(codes), *save = NULL;
    for (char *code = strtok_r(copy, " ", &save); code; code = strtok_r(NULL, " ", &save))
        add_status(x, code);
    if (who->session == to && !srv_on(to->srv, ROOMS_ANONYMOUS) && !gone)
        add_status(x, "100");
    if (strcmp(who->session->user, to->user) == 0)
        add_status(x, "110");
    srv_session_send(to, presence);
    srv_xml_free(presence);
    free(copy);
    free(from);
}

static void tell_others(const struct srv_room *room, const struct srv_occupant *who,
                        const char *type, const char *codes, const char *renamed)
{
    for (struct srv_occupant *at = room->first; at; at = at->next)
        if (at != who)
            show(at->session, room, who, type, codes, renamed);
}

/* XEP-0045, 7.2.2: the others, then oneself, then history, then the subject. */
static void welcome(struct srv_room *room, struct srv_occupant *who, const char *codes)
{
    const struct srv_xml *x = srv_xml_find(who->presence, NS_MUC, "x");
    for (struct srv_occupant *at = room->first; at; at = at->next)
        if (srv_room_nick(room, at->nick) == at && strcmp(at->nick, who->nick) != 0)
            show(who->session, room, at, NULL, "", NULL);
    show(who->session, room, who, NULL, codes, NULL);
    srv_room_history(who->session, room, srv_xml_find(x, NS_MUC, "history"));
    srv_room_subject(who->session, room);
}

static void leave(struct srv_room *room, struct srv_occupant *who, bool tell_self)
{
    unlink_occupant(room, who);
    if (!srv_room_nick(room, who->nick)) /* the last session under this nickname */
        tell_others(room, who, "unavailable", "", NULL);
    if (tell_self)
        show(who->session, room, who, "unavailable", "", NULL);
    occupant_free(who);
}

void srv_room_gone(struct srv_session *session)
{
    for (struct srv_room *room = session->srv->rooms; room; room = room->next) {
        struct srv_occupant *who = srv_room_occupant(room, session);
        if (who)
            leave(room, who, false);
    }
}

static void rename_occupant(struct srv_room *room, struct srv_occupant *who, const char *nick)
{
    tell_others(room, who, "unavailable", "303", nick);
    show(who->session, room, who, "unavailable", "303", nick);
    srv_set(&who->nick, nick);
    tell_others(room, who, NULL, "", NULL);
    show(who->session, room, who, NULL, "", NULL);
}

static void join(struct srv_session *session, struct srv_room *room, const char *nick,
                 const struct srv_xml *presence, bool made)
{
    struct srv_occupant *who = srv_alloc(sizeof *who), **slot = &room->first;
    bool first = !srv_room_nick(room, nick);
    who->nick = srv_dup(nick);
    who->session = session;
    who->presence = srv_xml_clone(presence);
    while (*slot)
        slot = &(*slot)->next;
    *slot = who;
    if (first)
        tell_others(room, who, NULL, "", NULL);
    welcome(room, who, made ? "201" : "");
    srv_count(session->srv, "room-joins");
}

static void update(struct srv_room *room, struct srv_occupant *who, const char *nick,
                   const struct srv_xml *presence)
{
    srv_xml_free(who->presence);
    who->presence = srv_xml_clone(presence);
    if (strcmp(who->nick, nick) != 0) {
        rename_occupant(room, who, nick);
    } else if (srv_xml_find(presence, NS_MUC, "x")) {
        welcome(room, who, ""); /* the client lost its state: all of it again */
    } else {
        tell_others(room, who, NULL, "", NULL);
        show(who->session, room, who, NULL, "", NULL);
    }
}

void srv_room_presence(struct srv_session *session, const char *jid, const char *nick,
                       struct srv_xml *presence)
{
    struct srv *srv = session->srv;
    struct srv_room *room = srv_room_get(srv, jid);
    struct srv_occupant *who = room ? srv_room_occupant(room, session) : NULL;
    const char *type = srv_xml_get(presence, "type");
    if (type && strcmp(type, "unavailable") == 0) {
        if (who)
            leave(room, who, true);
        return;
    }
    if (type)
        return;
    if (!nick) {
        srv_route_error(session, presence, "modify", "jid-malformed");
        return;
    }
    if (!who && !srv_xml_find(presence, NS_MUC, "x")) {
        srv_route_error(session, presence, "cancel", "not-acceptable");
        return;
    }
    if (!who && srv_on(srv, ROOM_SILENT))
        return;
    const char *refusal = srv_text(srv, ROOM_REFUSE), *condition = strchr(refusal, '/');
    if (!who && condition) {
        char *kind = srv_dup_n(refusal, (size_t)(condition - refusal));
        srv_route_error(session, presence, kind, condition + 1);
        free(kind);
        return;
    }
    const char *asked = srv_text(srv, ROOM_PASSWORD);
    const struct srv_xml *x = srv_xml_find(presence, NS_MUC, "x");
    if (!who && *asked && strcmp(srv_xml_content(srv_xml_find(x, NS_MUC, "password")), asked) != 0) {
        srv_route_error(session, presence, "auth", "not-authorized"); /* XEP-0045, 7.2.6 */
        return;
    }
    struct srv_occupant *holder = room ? srv_room_nick(room, nick) : NULL;
    if (holder && strcmp(holder->session->user, session->user) != 0)
        srv_route_error(session, presence, "cancel", "conflict");
    else if (who)
        update(room, who, nick, presence);
    else
        join(session, room ? room : srv_room_make(srv, jid), nick, presence, !room);
}

/* ---- What is addressed to rooms.DOMAIN ---- */

bool srv_room_stanza(struct srv_session *session, struct srv_xml *stanza)
{
    struct srv *srv = session->srv;
    struct srv_jid to;
    char *domain = srv_format("rooms.%s", srv->domain);
    bool ours = srv_on(srv, ROOMS) && srv_jid_parse(srv_xml_get(stanza, "to"), &to);
    if (ours && strcmp(to.domain, domain) != 0) {
        ours = false;
        srv_jid_free(&to);
    }
    free(domain);
    if (!ours)
        return false;
    char *jid = srv_jid_bare(srv_xml_get(stanza, "to"));
    struct srv_room *room = to.local ? srv_room_get(srv, jid) : NULL;
    if (!to.local && strcmp(stanza->name, "iq") == 0)
        srv_room_domain_iq(session, stanza);
    else if (to.local && strcmp(stanza->name, "presence") == 0)
        srv_room_presence(session, jid, to.resource, stanza);
    else if (!room)
        srv_route_error(session, stanza, "cancel", "item-not-found");
    else if (strcmp(stanza->name, "message") == 0)
        srv_room_message(session, room, to.resource, stanza);
    else
        srv_room_iq(session, room, to.resource, stanza);
    free(jid);
    srv_jid_free(&to);
    return true;
}
