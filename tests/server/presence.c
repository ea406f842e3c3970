/* Presence (RFC 6121, 3 and 4). */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static void send_to(struct srv_session *to, const struct srv_xml *presence)
{
    struct srv_xml *copy = srv_xml_clone(presence);
    srv_xml_set(copy, "to", to->full);
    srv_session_send(to, copy);
    srv_xml_free(copy);
}

/* Does `watcher` get the presence of `user`? Its own other resources do (RFC 6121, 4.2.2). */
static bool watches(struct srv *srv, const struct srv_session *watcher, const char *user)
{
    if (strcmp(watcher->user, user) == 0)
        return true;
    char *bare = srv_format("%s@%s", user, srv->domain);
    bool apart = srv_blocks(srv, user, watcher->full) || srv_blocks(srv, watcher->user, bare);
    free(bare);
    return !apart && srv_roster_has(srv, user, watcher->bare, true);
}

static void broadcast(struct srv_session *session, const struct srv_xml *presence)
{
    for (struct srv_session *at = session->srv->sessions; at; at = at->next)
        if ((at->available || at == session) && watches(session->srv, at, session->user))
            send_to(at, presence);
}

/* What the newcomer may know of those who are there already. */
static void show_others(struct srv_session *session)
{
    for (struct srv_session *at = session->srv->sessions; at; at = at->next)
        if (at != session && at->available && at->presence &&
            watches(session->srv, session, at->user))
            send_to(session, at->presence);
}

/* RFC 6121, 4.7.2.3: from -128 to 127; what is no such number counts as 0. */
static int read_priority(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    return end != text && !*end && value >= -128 && value <= 127 ? (int)value : 0;
}

static void available(struct srv_session *session, struct srv_xml *presence)
{
    const char *priority = srv_xml_content(srv_xml_find(presence, NS_CLIENT, "priority"));
    bool first = !session->available;
    session->available = true;
    session->priority = read_priority(priority);
    srv_xml_free(session->presence);
    session->presence = srv_xml_clone(presence);
    broadcast(session, presence);
    srv_caps_seen(session, presence);
    if (!first)
        return;
    show_others(session);
    bool held = session->mam_asked && srv_on(session->srv, MAM_STOPS_OFFLINE);
    if (session->priority >= 0 && !held)
        srv_offline_deliver(session);
}

void srv_presence_gone(struct srv_session *session)
{
    if (!session->available)
        return;
    session->available = false;
    struct srv_xml *presence = srv_xml_new(NS_CLIENT, "presence");
    srv_xml_set(presence, "type", "unavailable");
    srv_xml_set(presence, "from", session->full);
    broadcast(session, presence);
    srv_xml_free(presence);
}

/* Subscription requests and answers, and presence sent to somebody (RFC 6121, 3 and 4.6). */
static void directed(struct srv_session *session, struct srv_xml *presence, const char *type)
{
    struct srv *srv = session->srv;
    struct srv_jid to;
    bool managed = type && (strstr(type, "subscribe") != NULL);
    if (!srv_jid_parse(srv_xml_get(presence, "to"), &to))
        return;
    if (managed) {
        char *bare = srv_jid_bare(srv_xml_get(presence, "to"));
        srv_xml_set(presence, "from", session->bare);
        srv_xml_set(presence, "to", bare);
        srv_roster_subscription(srv, session->user, bare, type, true);
        if (to.local && strcmp(to.domain, srv->domain) == 0 && srv_user_exists(srv, to.local))
            srv_roster_subscription(srv, to.local, session->bare, type, false);
        free(bare);
    }
    for (struct srv_session *at = srv->sessions; at; at = at->next)
        if (to.local && strcmp(at->user, to.local) == 0 && strcmp(to.domain, srv->domain) == 0 &&
            (to.resource && !managed ? strcmp(at->resource, to.resource) == 0 : at->available))
            srv_session_send(at, presence);
    srv_jid_free(&to);
}

void srv_presence(struct srv_session *session, struct srv_xml *presence)
{
    const char *type = srv_xml_get(presence, "type");
    if (srv_xml_get(presence, "to"))
        directed(session, presence, type);
    else if (!type)
        available(session, presence);
    else if (strcmp(type, "unavailable") == 0) {
        srv_presence_gone(session);
        srv_room_gone(session);
    }
}
