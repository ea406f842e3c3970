/* What is said in rooms: reflected, archived, repeated to those who come. */
#include "room.h"

#include <stdlib.h>
#include <string.h>

static bool archivable(const struct srv_xml *message)
{
    if (srv_xml_find(message, NS_HINTS, "no-store") ||
        srv_xml_find(message, NS_HINTS, "no-permanent-store"))
        return false;
    return srv_xml_find(message, NS_CLIENT, "body") ||
           srv_xml_find(message, NS_CLIENT, "subject") ||
           srv_xml_find(message, NS_MARKERS, "displayed") ||
           srv_xml_find(message, NS_HINTS, "store");
}

/* XEP-0313, "MUC Archives": no to, the occupant's from, and nobody's own <x/>. */
static struct srv_xml *reflected(struct srv *srv, const struct srv_room *room, const char *nick,
                                 const struct srv_session *sender, const struct srv_xml *message)
{
    struct srv_xml *copy = srv_xml_clone(message), *x;
    char *from = srv_format("%s/%s", room->jid, nick);
    char *domain = srv_format("rooms.%s", srv->domain);
    while ((x = srv_xml_find(copy, NS_MUC_USER, "x")) != NULL)
        srv_xml_remove(x);
    srv_strip_stanza_ids(srv, copy, domain);
    const struct srv_occupant *who = sender ? NULL : srv_room_nick(room, nick);
    srv_room_set_occupant_id(srv, room, copy, sender ? sender->user : who ? who->session->user : from);
    srv_xml_set(copy, "from", from);
    srv_xml_set(copy, "to", NULL);
    srv_xml_set(copy, "type", "groupchat");
    if (!srv_on(srv, ROOM_IDS))
        srv_xml_set(copy, "id", NULL);
    free(from);
    free(domain);
    if (srv_on(srv, ROOMS_ANONYMOUS) || !sender)
        return copy;
    x = srv_xml_child(srv_xml_child(copy, NS_MUC_USER, "x"), NS_MUC_USER, "item");
    srv_xml_set(x, "affiliation", "none");
    srv_xml_set(x, "role", "participant");
    srv_xml_set(x, "jid", sender->full);
    return copy;
}

/* With the switch, each user in the room gets it into the own archive too, once. */
static char *own_archive(struct srv *srv, const struct srv_room *room,
                         const struct srv_occupant *occupant, const struct srv_xml *message)
{
    if (!srv_on(srv, ARCHIVE_GROUPCHAT))
        return NULL;
    const struct srv_occupant *at = room->first;
    while (strcmp(at->session->user, occupant->session->user) != 0)
        at = at->next;
    if (at != occupant)
        return NULL;
    return srv_archive_add(srv, occupant->session->user, srv_xml_get(message, "from"), false,
                           message);
}

/* To every session of the occupant's user, with that user's archive id if there is one. */
static void reflect_to_user(struct srv *srv, struct srv_room *room, const struct srv_occupant *who,
                            const struct srv_xml *message, const char *own_id)
{
    for (struct srv_occupant *at = room->first; at; at = at->next) {
        if (strcmp(at->session->user, who->session->user) != 0)
            continue;
        struct srv_xml *copy = srv_xml_clone(message);
        srv_xml_set(copy, "to", at->session->full);
        srv_add_stanza_id(srv, copy, at->session->bare, own_id);
        srv_session_send(at->session, copy);
        srv_xml_free(copy);
    }
}

static bool first_of_user(const struct srv_room *room, const struct srv_occupant *who)
{
    for (const struct srv_occupant *at = room->first; at != who; at = at->next)
        if (strcmp(at->session->user, who->session->user) == 0)
            return false;
    return true;
}

char *srv_room_say(struct srv *srv, struct srv_room *room, const char *nick,
                   const struct srv_session *sender, const struct srv_xml *message)
{
    struct srv_xml *copy = reflected(srv, room, nick, sender, message);
    bool archive = archivable(copy);
    char *id = NULL;
    if (archive)
        id = srv_archive_add(srv, room->jid, srv_xml_get(copy, "from"), false, copy);
    if (srv_on(srv, ROOM_SID))
        srv_add_stanza_id(srv, copy, room->jid, id);
    bool silent = archive && srv_hit(srv, ARCHIVE_UNDELIVERED);
    for (struct srv_occupant *at = room->first; at; at = at->next) {
        if (!first_of_user(room, at))
            continue;
        char *own_id = archive ? own_archive(srv, room, at, copy) : NULL;
        if (!silent)
            reflect_to_user(srv, room, at, copy, own_id);
        free(own_id);
    }
    srv_xml_free(copy);
    srv_count(srv, "room-messages");
    return id;
}

/* XEP-0045, 7.5: between occupants; in their own archives, never in the room's. */
static void whisper(struct srv_session *session, struct srv_room *room,
                    const struct srv_occupant *from, const char *nick, struct srv_xml *message)
{
    struct srv *srv = session->srv;
    struct srv_occupant *to = srv_room_nick(room, nick);
    if (!to) {
        srv_route_error(session, message, "cancel", "item-not-found");
        return;
    }
    bool archive = srv_archivable(srv, message);
    if (archive)
        free(srv_archive_add(srv, session->user, srv_xml_get(message, "to"), true, message));
    if (srv_carbons_wanted(message))
        srv_carbons(srv, session->user, true, message, session, NULL);
    char *address = srv_format("%s/%s", room->jid, from->nick);
    srv_xml_set(message, "from", address);
    if (!srv_xml_find(message, NS_MUC_USER, "x"))
        srv_xml_child(message, NS_MUC_USER, "x");
    srv_xml_set(message, "to", to->session->bare);
    char *id = archive ? srv_archive_add(srv, to->session->user, address, false, message) : NULL;
    srv_add_stanza_id(srv, message, to->session->bare, id);
    for (struct srv_occupant *at = room->first; at; at = at->next) {
        if (strcmp(at->nick, nick) != 0)
            continue;
        srv_xml_set(message, "to", at->session->full);
        srv_session_send(at->session, message);
    }
    free(address);
    free(id);
}

static void change_subject(struct srv *srv, const struct srv_room *room, const char *nick,
                           const char *subject)
{
    srv_exec(srv, "UPDATE rooms SET subject=?2, subject_nick=?3 WHERE jid=?1", room->jid, subject,
             nick);
}

void srv_room_message(struct srv_session *session, struct srv_room *room, const char *nick,
                      struct srv_xml *message)
{
    const struct srv_occupant *who = srv_room_occupant(room, session);
    const char *type = srv_xml_get(message, "type");
    const struct srv_xml *subject = srv_xml_find(message, NS_CLIENT, "subject");
    bool groupchat = type && strcmp(type, "groupchat") == 0;
    if (type && strcmp(type, "error") == 0)
        return;
    if (!who || groupchat == (nick != NULL)) {
        srv_route_error(session, message, who ? "modify" : "cancel",
                        who ? "bad-request" : "not-acceptable");
        return;
    }
    if (nick) {
        whisper(session, room, who, nick, message);
        return;
    }
    if (subject && !srv_xml_find(message, NS_CLIENT, "body"))
        change_subject(session->srv, room, who->nick, srv_xml_content(subject));
    free(srv_room_say(session->srv, room, who->nick, session, message));
}

/* ---- For those who come ---- */

static long limit_of(const struct srv_xml *history, const char *name, long otherwise)
{
    const char *text = srv_xml_get(history, name);
    return text ? atol(text) : otherwise;
}

static void send_old(struct srv_session *session, const struct srv_room *room, sqlite3_stmt *stmt)
{
    struct srv *srv = session->srv;
    char stamp[SRV_STAMP_MAX];
    struct srv_xml *message = srv_xml_parse((const char *)sqlite3_column_text(stmt, 2));
    srv_stamp(sqlite3_column_int64(stmt, 1), stamp);
    srv_xml_set(message, "to", session->full);
    struct srv_xml *delay = srv_xml_child(message, NS_DELAY, "delay");
    srv_xml_set(delay, "from", room->jid);
    srv_xml_set(delay, "stamp", stamp);
    if (srv_on(srv, ROOM_SID))
        srv_add_stanza_id(srv, message, room->jid, (const char *)sqlite3_column_text(stmt, 0));
    srv_session_send(session, message);
    srv_xml_free(message);
}

void srv_room_history(struct srv_session *session, struct srv_room *room,
                      const struct srv_xml *history)
{
    struct srv *srv = session->srv;
    long max = limit_of(history, "maxstanzas", srv_number(srv, ROOM_HISTORY));
    const char *since = srv_xml_get(history, "since");
    int64_t from_us = since ? srv_stamp_parse(since) : 0;
    long seconds = limit_of(history, "seconds", -1);
    if (seconds >= 0 && srv->now_us - seconds * INT64_C(1000000) > from_us)
        from_us = srv->now_us - seconds * INT64_C(1000000);
    if (max <= 0 || limit_of(history, "maxchars", 1) <= 0)
        return;
    char *sql = srv_format("SELECT * FROM (SELECT id, stamp_us, xml, pos FROM archive WHERE"
                           " owner=?1 AND xml IS NOT NULL AND body=1 AND stamp_us>=%lld"
                           " ORDER BY pos DESC LIMIT %ld) ORDER BY pos", (long long)from_us, max);
    sqlite3_stmt *stmt = srv_prepare(srv, sql, room->jid, NULL);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        send_old(session, room, stmt);
    sqlite3_finalize(stmt);
    free(sql);
}

void srv_room_subject(struct srv_session *session, struct srv_room *room)
{
    struct srv *srv = session->srv;
    struct srv_xml *message = srv_xml_new(NS_CLIENT, "message");
    char *subject = srv_query_text(srv, "SELECT subject FROM rooms WHERE jid=?1", room->jid, NULL);
    char *nick = srv_query_text(srv, "SELECT subject_nick FROM rooms WHERE jid=?1", room->jid,
                                NULL);
    char *from = nick ? srv_format("%s/%s", room->jid, nick) : srv_dup(room->jid);
    srv_xml_set(message, "type", "groupchat");
    srv_xml_set(message, "from", from);
    srv_xml_set(message, "to", session->full);
    struct srv_xml *el = srv_xml_child(message, NS_CLIENT, "subject");
    if (subject && *subject)
        srv_xml_puts(el, subject);
    srv_session_send(session, message);
    srv_xml_free(message);
    free(subject);
    free(nick);
    free(from);
}

/* ---- Control lines ---- */

static char *room_jid(struct srv *srv, const char *name)
{
    if (!*name)
        return NULL;
    if (strchr(name, '@'))
        return srv_jid_bare(name);
    char *full = srv_format("%s@rooms.%s", name, srv->domain), *bare = srv_jid_bare(full);
    free(full);
    return bare;
}

const char *srv_line_room_create(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *jid = room_jid(srv, srv_word(&rest));
    if (!jid)
        return "room-create NAME";
    srv_room_make(srv, jid);
    srv_buf_puts(out, ",\"room\":");
    srv_buf_json(out, jid);
    free(jid);
    return NULL;
}

const char *srv_line_room_say(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *jid = room_jid(srv, srv_word(&rest));
    const char *nick = srv_word(&rest);
    struct srv_room *room = jid ? srv_room_get(srv, jid) : NULL;
    free(jid);
    if (!room || !*nick || !*rest)
        return "room-say ROOM NICK BODY, in a room that exists";
    struct srv_xml *message = srv_xml_new(NS_CLIENT, "message");
    char *id = srv_random_id(srv);
    srv_xml_set(message, "id", id);
    srv_xml_puts(srv_xml_child(message, NS_CLIENT, "body"), rest);
    char *archived = srv_room_say(srv, room, nick, NULL, message);
    srv_buf_printf(out, ",\"id\":\"%s\",\"stanza-id\":\"%s\"", id, archived);
    srv_xml_free(message);
    free(archived);
    free(id);
    return NULL;
}

/* Without a word, as a restart of a room service would. */
const char *srv_line_room_forget(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *jid = room_jid(srv, srv_word(&rest));
    const char *user = srv_word(&rest);
    struct srv_room *room = jid ? srv_room_get(srv, jid) : NULL;
    long count = 0;
    free(jid);
    if (!room)
        return "room-forget ROOM [USER]";
    struct srv_occupant **slot = &room->first;
    while (*slot) {
        struct srv_occupant *at = *slot;
        if (*user && strcmp(at->session->user, user) != 0) {
            slot = &at->next;
            continue;
        }
        *slot = at->next;
        srv_xml_free(at->presence);
        free(at->nick);
        free(at);
        count++;
    }
    srv_buf_printf(out, ",\"forgotten\":%ld", count);
    return NULL;
}
