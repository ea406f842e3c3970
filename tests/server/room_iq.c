/* Requests to rooms, to occupants, and to the room service. */
#include "room.h"

#include <stdlib.h>
#include <string.h>

static void add_features(struct srv_xml *query, const char *const *features, size_t count)
{
    for (size_t i = 0; i < count; i++)
        srv_xml_set(srv_xml_child(query, NS_DISCO_INFO, "feature"), "var", features[i]);
}

static struct srv_xml *info(const char *name)
{
    struct srv_xml *query = srv_xml_new(NS_DISCO_INFO, "query");
    struct srv_xml *identity = srv_xml_child(query, NS_DISCO_INFO, "identity");
    srv_xml_set(identity, "category", "conference");
    srv_xml_set(identity, "type", "text");
    srv_xml_set(identity, "name", name);
    return query;
}

static void room_info(struct srv_session *session, struct srv_room *room, const struct srv_xml *iq)
{
    static const char *const always[] = {NS_MUC, "muc_open", "muc_persistent", "muc_public",
                                         "muc_unmoderated", "muc_unsecured", NS_DISCO_INFO,
                                         NS_PING, NS_MUC "#stable_id"};
    static const char *const mam[] = {NS_MAM, NS_MAM_EXTENDED};
    static const char *const sid[] = {NS_SID};
    static const char *const occupant_ids[] = {NS_OCCUPANT_ID};
    static const char *const self_ping[] = {NS_MUC "#self-ping-optimization"};
    static const char *const anonymous[] = {"muc_nonanonymous", "muc_semianonymous"};
    struct srv *srv = session->srv;
    char *name = srv_dup_n(room->jid, strcspn(room->jid, "@"));
    struct srv_xml *query = info(name);
    add_features(query, always, sizeof always / sizeof always[0]);
    add_features(query, anonymous + srv_on(srv, ROOMS_ANONYMOUS), 1);
    if (srv_on(srv, ROOM_MAM) && !srv_on(srv, NO_MAM))
        add_features(query, mam, srv_on(srv, MAM_EXTENDED) ? 2 : 1);
    if (srv_on(srv, ROOM_SID))
        add_features(query, sid, 1);
    if (srv_on(srv, OCCUPANT_IDS))
        add_features(query, occupant_ids, 1);
    if (srv_on(srv, SELF_PING))
        add_features(query, self_ping, 1);
    srv_iq_reply(session, iq, query);
    free(name);
}

static void owner_form(struct srv_session *session, const struct srv_xml *iq)
{
    if (strcmp(srv_xml_get(iq, "type"), "set") == 0) {
        srv_iq_reply(session, iq, NULL); /* an instant room: nothing can be chosen */
        return;
    }
    struct srv_xml *query = srv_xml_new(NS_MUC_OWNER, "query");
    srv_xml_set(srv_xml_child(query, NS_DATA, "x"), "type", "form");
    srv_iq_reply(session, iq, query);
}

static void archive_iq(struct srv_session *session, const struct srv_xml *iq)
{
    const struct srv_xml *payload = srv_xml_first(iq);
    bool set = strcmp(srv_xml_get(iq, "type"), "set") == 0;
    if (!srv_on(session->srv, ROOM_MAM))
        srv_route_error(session, iq, "cancel", "service-unavailable");
    else if (strcmp(payload->name, "metadata") == 0)
        srv_mam_metadata(session, iq);
    else if (set)
        srv_mam_query(session, iq);
    else
        srv_mam_form(session, iq);
}

/* XEP-0410: whoever asks about the own nickname learns whether the room knows of it. */
static void self_ping(struct srv_session *session, struct srv_room *room, const char *nick,
                      const struct srv_xml *iq)
{
    const struct srv_occupant *who = srv_room_occupant(room, session);
    srv_count(session->srv, "self-pings");
    if (!who)
        srv_route_error(session, iq, "cancel", "not-acceptable");
    else if (strcmp(who->nick, nick) == 0)
        srv_iq_reply(session, iq, NULL);
    else
        srv_route_error(session, iq, "cancel", "item-not-found");
}

/* From occupant to occupant, answers included. */
static void pass_on(struct srv_session *session, struct srv_room *room, const char *nick,
                    struct srv_xml *iq)
{
    const struct srv_occupant *who = srv_room_occupant(room, session);
    const struct srv_occupant *to = srv_room_nick(room, nick);
    if (!who || !to) {
        srv_route_error(session, iq, "cancel", who ? "item-not-found" : "not-acceptable");
        return;
    }
    char *from = srv_format("%s/%s", room->jid, who->nick);
    srv_xml_set(iq, "from", from);
    srv_xml_set(iq, "to", to->session->full);
    srv_session_send(to->session, iq);
    free(from);
}

static void to_occupant(struct srv_session *session, struct srv_room *room, const char *nick,
                        struct srv_xml *iq)
{
    const struct srv_occupant *who = srv_room_occupant(room, session);
    bool own = !who || strcmp(who->nick, nick) == 0 || !srv_room_nick(room, nick);
    if (srv_xml_find(iq, NS_PING, "ping") && own && srv_on(session->srv, SELF_PING))
        self_ping(session, room, nick, iq);
    else
        pass_on(session, room, nick, iq);
}

void srv_room_iq(struct srv_session *session, struct srv_room *room, const char *nick,
                 struct srv_xml *iq)
{
    const char *type = srv_xml_get(iq, "type");
    const struct srv_xml *payload = srv_xml_first(iq);
    bool request = type && (strcmp(type, "get") == 0 || strcmp(type, "set") == 0);
    if (nick)
        to_occupant(session, room, nick, iq);
    else if (!request)
        return;
    else if (!payload || !payload->ns)
        srv_route_error(session, iq, "modify", "bad-request");
    else if (srv_xml_is(payload, NS_DISCO_INFO, "query"))
        room_info(session, room, iq);
    else if (srv_xml_is(payload, NS_DISCO_ITEMS, "query"))
        srv_iq_reply(session, iq, srv_xml_new(NS_DISCO_ITEMS, "query"));
    else if (srv_xml_is(payload, NS_PING, "ping"))
        srv_iq_reply(session, iq, NULL);
    else if (strcmp(payload->ns, NS_MUC_OWNER) == 0)
        owner_form(session, iq);
    else if (strcmp(payload->ns, NS_MAM) == 0)
        archive_iq(session, iq);
    else
        srv_route_error(session, iq, "cancel", "service-unavailable");
}

static void list_rooms(struct srv_session *session, const struct srv_xml *iq)
{
    struct srv_xml *query = srv_xml_new(NS_DISCO_ITEMS, "query");
    sqlite3_stmt *stmt = srv_prepare(session->srv, "SELECT jid FROM rooms ORDER BY jid", NULL,
                                     NULL);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        srv_xml_set(srv_xml_child(query, NS_DISCO_ITEMS, "item"), "jid",
                    (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    srv_iq_reply(session, iq, query);
}

void srv_room_domain_iq(struct srv_session *session, const struct srv_xml *iq)
{
    static const char *const features[] = {NS_MUC, NS_DISCO_INFO, NS_DISCO_ITEMS, NS_PING};
    const char *type = srv_xml_get(iq, "type");
    if (!type || (strcmp(type, "get") != 0 && strcmp(type, "set") != 0))
        return;
    if (srv_xml_find(iq, NS_DISCO_INFO, "query")) {
        struct srv_xml *query = info("Rooms");
        add_features(query, features, sizeof features / sizeof features[0]);
        srv_iq_reply(session, iq, query);
    } else if (srv_xml_find(iq, NS_DISCO_ITEMS, "query")) {
        list_rooms(session, iq);
    } else if (srv_xml_find(iq, NS_PING, "ping")) {
        srv_iq_reply(session, iq, NULL);
    } else {
        srv_route_error(session, iq, "cancel", "service-unavailable");
    }
}
