/* Resource binding: Bind 2 (XEP-0386) and RFC 6120, 7. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* XEP-0386, 4.2: the newcomer ends its client's earlier sessions, and whoever has its address. */
static void replace_earlier(struct srv_conn *conn, const char *resource)
{
    struct srv_session *at = conn->srv->sessions;
    while (at) {
        struct srv_session *next = at->next;
        bool same_agent = conn->agent && at->agent && strcmp(at->agent, conn->agent) == 0;
        if (strcmp(at->user, conn->user) == 0 &&
            (same_agent || strcmp(at->resource, resource) == 0))
            srv_session_replace(at);
        at = next;
    }
}

struct srv_xml *srv_bind2(struct srv_conn *conn, const struct srv_xml *bind)
{
    struct srv *srv = conn->srv;
    const char *tag = srv_xml_content(srv_xml_find(bind, NS_BIND2, "tag"));
    char *resource = srv_resource_for(srv, conn->user, conn->agent, tag);
    replace_earlier(conn, resource);
    struct srv_session *session = srv_session_new(conn, resource);
    session->bind2 = true;
    srv_offline_clear(srv, conn->user);
    struct srv_xml *bound = srv_xml_new(NS_BIND2, "bound");
    if (srv_on(srv, METADATA))
        srv_xml_add(bound, srv_archive_metadata(srv, conn->user));
    if (srv_xml_find(bind, NS_CARBONS, "enable") && srv_on(srv, CARBONS)) {
        session->carbons = true;
        if (srv_on(srv, CARBONS_ENABLED))
            srv_xml_child(bound, NS_CARBONS, "enabled");
    }
    session->inactive = srv_on(srv, CSI) && srv_xml_find(bind, NS_CSI, "inactive");
    const struct srv_xml *enable = srv_xml_find(bind, NS_SM, "enable");
    if (enable && srv_on(srv, SM) && srv_on(srv, SM_INLINE))
        srv_xml_add(bound, srv_sm_enable(session, enable));
    srv_count(srv, "bind2");
    return bound;
}

void srv_bind2_draft(struct srv_conn *conn)
{
    struct srv *srv = conn->srv;
    struct srv_session *session = srv_session_new(conn, srv_random_id(srv));
    session->bind2 = true;
    session->carbons = true;
    srv_offline_clear(srv, conn->user);
    struct srv_xml *bound = srv_xml_new(NS_BIND2_DRAFT, "bound");
    srv_xml_puts(srv_xml_child(bound, NS_BIND2_DRAFT, "jid"), session->full);
    char *latest = srv_query_text(srv, "SELECT id FROM archive WHERE owner=?1 ORDER BY pos DESC"
                                  " LIMIT 1", conn->user, NULL);
    if (latest)
        srv_xml_puts(srv_xml_child(bound, NS_BIND2_DRAFT, "latest-id"), latest);
    if (srv_on(srv, BIND2_UNREADS))
        srv_xml_add(bound, srv_unreads(srv, conn->user));
    conn->state = CONN_ACTIVE;
    srv_conn_send(conn, bound);
    srv_xml_free(bound);
    free(latest);
    srv_count(srv, "bind2-draft");
}

static void bind1_error(struct srv_conn *conn, const struct srv_xml *iq, const char *type,
                        const char *condition)
{
    struct srv_xml *reply = srv_xml_new(NS_CLIENT, "iq");
    srv_xml_set(reply, "type", "error");
    srv_xml_set(reply, "id", srv_xml_get(iq, "id"));
    struct srv_xml *error = srv_xml_child(reply, NS_CLIENT, "error");
    srv_xml_set(error, "type", type);
    srv_xml_child(error, NS_STANZAS, condition);
    srv_conn_send(conn, reply);
    srv_xml_free(reply);
}

void srv_bind1(struct srv_conn *conn, const struct srv_xml *iq)
{
    struct srv *srv = conn->srv;
    const struct srv_xml *bind = srv_xml_find(iq, NS_BIND1, "bind");
    const char *type = srv_xml_get(iq, "type");
    const char *wish = srv_xml_content(srv_xml_find(bind, NS_BIND1, "resource"));
    if (!type || strcmp(type, "set") != 0 || !srv_xml_get(iq, "id") || strlen(wish) > 1023) {
        bind1_error(conn, iq, "modify", "bad-request");
        return;
    }
    if (!srv_on(srv, BIND1)) {
        bind1_error(conn, iq, "cancel", "not-allowed");
        return;
    }
    if (conn->rest && srv_hit(srv, BIND_ALONE)) {
        srv_stream_error(conn, "not-authorized", NULL);
        return;
    }
    if (srv_hit(srv, BIND_CONFLICT)) {
        bind1_error(conn, iq, "modify", "conflict");
        return;
    }
    char *resource = *wish ? srv_dup(wish) : srv_random_id(srv);
    struct srv_session *old = srv_session_at(srv, conn->user, resource);
    if (old && old->conn == conn) {
        bind1_error(conn, iq, "modify", "conflict");
        free(resource);
        return;
    }
    if (old)
        srv_session_replace(old);
    struct srv_session *session = srv_session_new(conn, resource);
    struct srv_xml *reply = srv_xml_new(NS_CLIENT, "iq");
    srv_xml_set(reply, "type", "result");
    srv_xml_set(reply, "id", srv_xml_get(iq, "id"));
    struct srv_xml *bound = srv_xml_child(reply, NS_BIND1, "bind");
    srv_xml_puts(srv_xml_child(bound, NS_BIND1, "jid"), session->full);
    conn->state = CONN_ACTIVE;
    srv_conn_send(conn, reply);
    srv_xml_free(reply);
    srv_count(srv, "bind1");
}

static long bound_count(const struct srv_conn *conn)
{
    long count = 0;
    for (struct srv_session *at = conn->srv->sessions; at; at = at->next)
        count += at->conn == conn;
    return count;
}

static struct srv_session *bound_at(struct srv_conn *conn, const char *resource)
{
    struct srv_session *at = srv_session_at(conn->srv, conn->user, resource);
    return at && at->conn == conn ? at : NULL;
}

static void unbind(struct srv_conn *conn, const struct srv_xml *iq, const struct srv_xml *unbind)
{
    const char *resource = srv_xml_content(srv_xml_find(unbind, NS_BIND1, "resource"));
    struct srv_session *session = bound_at(conn, resource);
    const char *type = srv_xml_get(iq, "type");
    if (!*resource || !type || strcmp(type, "set") != 0 || !session) {
        bind1_error(conn, iq, *resource ? "cancel" : "modify", *resource ? "item-not-found" : "bad-request");
        return;
    }
    struct srv_xml *reply = srv_xml_new(NS_CLIENT, "iq");
    srv_xml_set(reply, "type", "result");
    srv_xml_set(reply, "id", srv_xml_get(iq, "id"));
    srv_xml_set(reply, "to", session->full);
    srv_conn_send(conn, reply);
    srv_xml_free(reply);
    srv_count(conn->srv, "unbinds");
    srv_session_end(session);
    if (!conn->session)
        srv_stream_end(conn);
}

bool srv_bind_more(struct srv_conn *conn, const struct srv_xml *iq)
{
    struct srv *srv = conn->srv;
    const struct srv_xml *less = srv_xml_find(iq, NS_BIND1, "unbind");
    if (!srv_xml_is(iq, NS_CLIENT, "iq") || (!less && !srv_xml_find(iq, NS_BIND1, "bind")))
        return false;
    if (!srv_on(srv, UNBIND))
        return false; /* a request like any that nobody understands */
    bool able = !conn->session->sm.on;
    if (less && !able)
        bind1_error(conn, iq, "modify", "bad-request");
    else if (less)
        unbind(conn, iq, less);
    else if (!able || bound_count(conn) >= srv_number(srv, UNBIND_MAX))
        bind1_error(conn, iq, "cancel", "not-allowed");
    else
        srv_bind1(conn, iq);
    return true;
}

struct srv_session *srv_bound_sender(struct srv_conn *conn, const struct srv_xml *stanza)
{
    const char *from = srv_xml_get(stanza, "from");
    if (bound_count(conn) < 2)
        return conn->session;
    for (struct srv_session *at = conn->srv->sessions; from && at; at = at->next)
        if (at->conn == conn && strcmp(at->full, from) == 0)
            return at;
    srv_count(conn->srv, "unknown-senders");
    srv_route_error(conn->session, stanza, "modify", "unknown-sender");
    return NULL;
}
