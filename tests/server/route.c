/* Where stanzas go (RFC 6121, 8). */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

void srv_route_error_with(struct srv_session *to, const struct srv_xml *stanza, const char *type,
                          const char *condition, const char *ns, const char *detail)
{
    const char *was = srv_xml_get(stanza, "type");
    if (!to || (was && (strcmp(was, "error") == 0 || strcmp(was, "result") == 0)))
        return; /* RFC 6120, 8.3.1: no error about an error */
    struct srv_xml *reply = srv_xml_new(NS_CLIENT, stanza->name);
    const char *target = srv_xml_get(stanza, "to");
    srv_xml_set(reply, "type", "error");
    srv_xml_set(reply, "id", srv_xml_get(stanza, "id"));
    srv_xml_set(reply, "from", target ? target : srv_hit(to->srv, ASKERS_NAME) ? to->full : to->bare);
    srv_xml_set(reply, "to", to->full);
    struct srv_xml *error = srv_xml_child(reply, NS_CLIENT, "error");
    srv_xml_set(error, "type", type);
    srv_xml_child(error, NS_STANZAS, condition);
    if (detail)
        srv_xml_child(error, ns, detail);
    srv_session_send(to, reply);
    srv_xml_free(reply);
}

void srv_route_error(struct srv_session *to, const struct srv_xml *stanza, const char *type,
                     const char *condition)
{
    srv_route_error_with(to, stanza, type, condition, NULL, NULL);
}

/* XEP-0359, 5: nobody else may speak in the name of an archive of ours. */
void srv_strip_stanza_ids(struct srv *srv, struct srv_xml *message, const char *domain)
{
    struct srv_xml *child = srv_on(srv, STRIP_STANZA_ID) ? message->first : NULL;
    while (child) {
        struct srv_xml *next = child->next;
        struct srv_jid by = {0};
        if (srv_xml_is(child, NS_SID, "stanza-id") &&
            srv_jid_parse(srv_xml_get(child, "by"), &by) && strcmp(by.domain, domain) == 0)
            srv_xml_remove(child);
        srv_jid_free(&by);
        child = next;
    }
}

void srv_add_stanza_id(struct srv *srv, struct srv_xml *message, const char *by, const char *id)
{
    if (!id || !srv_on(srv, STANZA_ID))
        return;
    struct srv_xml *el = srv_xml_child(message, NS_SID, "stanza-id");
    srv_xml_set(el, "by", by);
    srv_xml_set(el, "id", id);
}

static void add_stanza_id(struct srv *srv, struct srv_xml *message, const char *owner,
                          const char *id)
{
    char *by = srv_archive_jid(srv, owner);
    srv_add_stanza_id(srv, message, by, id);
    free(by);
}

static bool storable(struct srv *srv, const struct srv_xml *message)
{
    return srv_archivable(srv, message) && srv_xml_find(message, NS_CLIENT, "body");
}

/* To the resource named, else to all that are available; returns how many got it. */
static int deliver(struct srv *srv, const char *user, const char *resource,
                   const struct srv_xml *message)
{
    int count = 0;
    for (struct srv_session *at = srv->sessions; at; at = at->next) {
        if (strcmp(at->user, user) != 0)
            continue;
        if (resource ? strcmp(at->resource, resource) != 0 : !at->available || at->priority < 0)
            continue;
        srv_session_send(at, message);
        count++;
    }
    return count;
}

static void receive(struct srv *srv, struct srv_session *from, const struct srv_jid *to,
                    struct srv_xml *message)
{
    const char *type = srv_xml_get(message, "type");
    const char *direct = to->resource ? to->resource : "";
    int count = deliver(srv, to->local, to->resource, message);
    bool chat = !type || strcmp(type, "chat") == 0 || strcmp(type, "normal") == 0;
    if (count == 0 && to->resource && chat) {
        count = deliver(srv, to->local, NULL, message); /* RFC 6121, 8.5.3.2.1 */
        direct = "";
    }
    if (count == 0 && storable(srv, message)) {
        struct srv_buf text = {0};
        srv_xml_write(&text, message, NS_CLIENT);
        srv_offline_add(srv, to->local, text.data, srv->now_us);
        srv_buf_free(&text);
    }
    if (srv_carbons_wanted(message))
        srv_carbons(srv, to->local, false, message, from, direct);
}

/* Both owners' archives, then the sender's other resources, then the recipient. */
static void between_users(struct srv *srv, struct srv_session *session, const char *sender,
                          const struct srv_jid *to, struct srv_xml *message)
{
    bool archive = srv_archivable(srv, message), self = strcmp(sender, to->local) == 0;
    const char *from_full = srv_xml_get(message, "from"), *to_full = srv_xml_get(message, "to");
    char *sent_id = NULL, *received_id = NULL;
    srv_strip_stanza_ids(srv, message, srv->domain);
    if (archive && !self)
        sent_id = srv_archive_add(srv, sender, to_full, true, message);
    if (archive)
        received_id = srv_archive_add(srv, to->local, from_full, false, message);
    bool undelivered = archive && srv_hit(srv, ARCHIVE_UNDELIVERED);
    if (srv_carbons_wanted(message) && !self && !undelivered) {
        struct srv_xml *copy = srv_xml_clone(message);
        if (srv_on(srv, SENT_CARBON_ID))
            add_stanza_id(srv, copy, sender, sent_id);
        srv_carbons(srv, sender, true, copy, session, NULL);
        srv_xml_free(copy);
    }
    if (srv_hit(srv, FORGED_STANZA_ID))
        add_stanza_id(srv, message, "mallory", "forged-stanza-id");
    add_stanza_id(srv, message, to->local, received_id);
    if (!undelivered)
        receive(srv, session, to, message);
    free(sent_id);
    free(received_id);
}

void srv_route_message(struct srv *srv, struct srv_session *session, struct srv_xml *message)
{
    struct srv_jid to, from;
    const char *type = srv_xml_get(message, "type");
    if (!srv_xml_get(message, "to"))
        srv_xml_set(message, "to", session ? session->bare : srv->domain);
    if (!srv_jid_parse(srv_xml_get(message, "to"), &to)) {
        srv_route_error(session, message, "modify", "jid-malformed");
        return;
    }
    if (strcmp(to.domain, srv->domain) != 0) {
        srv_route_error(session, message, "cancel", "remote-server-not-found");
    } else if (!to.local || !srv_user_exists(srv, to.local)) {
        srv_route_error(session, message, "cancel", "service-unavailable");
    } else if (type && strcmp(type, "groupchat") == 0) {
        srv_route_error(session, message, "cancel", "service-unavailable");
    } else if (srv_jid_parse(srv_xml_get(message, "from"), &from)) {
        if (session)
            srv_pep_assist(session, message);
        srv_read_marker(srv, from.local, message);
        between_users(srv, session, from.local, &to, message);
        srv_jid_free(&from);
    }
    srv_jid_free(&to);
}

static void route_iq(struct srv_session *session, struct srv_xml *iq)
{
    struct srv *srv = session->srv;
    struct srv_jid to;
    const char *target = srv_xml_get(iq, "to"), *type = srv_xml_get(iq, "type");
    bool request = type && (strcmp(type, "get") == 0 || strcmp(type, "set") == 0);
    if (!type || !srv_xml_get(iq, "id")) {
        srv_route_error(session, iq, "modify", "bad-request");
        return;
    }
    if (srv_caps_answer(session, iq))
        return;
    if (target && !srv_jid_parse(target, &to)) {
        srv_route_error(session, iq, "modify", "jid-malformed");
        return;
    }
    if (!target) {
        if (request)
            srv_iq(session, iq);
        return;
    }
    if (strcmp(to.domain, srv->domain) != 0) {
        if (request)
            srv_route_error(session, iq, "cancel", "remote-server-not-found");
    } else if (to.local && to.resource) {
        struct srv_session *other = srv_session_at(srv, to.local, to.resource);
        if (other)
            srv_session_send(other, iq);
        else if (request)
            srv_route_error(session, iq, "cancel", "service-unavailable");
    } else if (request) {
        srv_iq(session, iq);
    }
    srv_jid_free(&to);
}

void srv_route(struct srv_session *session, struct srv_xml *stanza)
{
    srv_xml_set(stanza, "from", session->full); /* RFC 6120, 8.1.2.1 */
    if (srv_blocking_outbound(session, stanza) || srv_blocking_inbound(session, stanza))
        return;
    if (srv_service_stanza(session, stanza) || srv_room_stanza(session, stanza))
        return;
    if (strcmp(stanza->name, "message") == 0)
        srv_route_message(session->srv, session, stanza);
    else if (strcmp(stanza->name, "iq") == 0)
        route_iq(session, stanza);
    else
        srv_presence(session, stanza);
}
