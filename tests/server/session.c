/* Sessions: what a bind gives, and what outlives its connection until it is resumed. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct srv_session *srv_session_new(struct srv_conn *conn, char *resource)
{
    struct srv *srv = conn->srv;
    struct srv_session *session = srv_alloc(sizeof *session);
    session->srv = srv;
    session->user = srv_dup(conn->user);
    session->agent = srv_dup(conn->agent);
    session->resource = resource;
    session->bare = srv_format("%s@%s", conn->user, srv->domain);
    session->full = srv_format("%s/%s", session->bare, resource);
    session->conn = conn;
    session->next = srv->sessions;
    srv->sessions = session;
    if (!conn->session)
        conn->session = session;
    srv_count(srv, "sessions");
    return session;
}

struct srv_session *srv_session_at(struct srv *srv, const char *user, const char *resource)
{
    for (struct srv_session *at = srv->sessions; at; at = at->next)
        if (strcmp(at->user, user) == 0 && strcmp(at->resource, resource) == 0)
            return at;
    return NULL;
}

void srv_session_send(struct srv_session *session, const struct srv_xml *stanza)
{
    struct srv_buf text = {0};
    srv_xml_write(&text, stanza, NS_CLIENT);
    if (session->sm.on)
        srv_sm_queue(session, text.data, stanza);
    if (session->conn)
        srv_conn_write(session->conn, text.data, text.len);
    srv_buf_free(&text);
}

void srv_session_puts(struct srv_session *session, const char *xml)
{
    if (session->sm.on)
        srv_sm_queue(session, xml, NULL);
    if (session->conn)
        srv_conn_puts(session->conn, xml);
}

/* XEP-0198, 4: what nobody acknowledged goes where it would have gone without this session. */
static void rescue(struct srv_session *session)
{
    struct srv *srv = session->srv;
    for (struct srv_session *at = srv->sessions; at; at = at->next)
        if (at != session && at->available && strcmp(at->user, session->user) == 0)
            return; /* another resource had its own copy */
    for (struct srv_queued *at = session->sm.first; at; at = at->next)
        if (at->keep)
            srv_offline_add(srv, session->user, at->xml, at->at_us);
}

/* XEP-0193: of several on one stream the oldest is the default one. The list begins with the newest. */
static struct srv_session *oldest_of(struct srv *srv, const struct srv_conn *conn)
{
    struct srv_session *oldest = NULL;
    for (struct srv_session *at = srv->sessions; at; at = at->next)
        if (at->conn == conn)
            oldest = at;
    return oldest;
}

void srv_session_end(struct srv_session *session)
{
    struct srv *srv = session->srv;
    struct srv_session **slot = &srv->sessions;
    while (*slot != session)
        slot = &(*slot)->next;
    *slot = session->next;
    if (session->conn && session->conn->session == session)
        session->conn->session = oldest_of(srv, session->conn);
    session->conn = NULL;
    srv_presence_gone(session);
    srv_room_gone(session);
    srv_mam_forget(session);
    rescue(session);
    srv_sm_free(session);
    srv_xml_free(session->presence);
    free(session->caps_id);
    free(session->caps_key);
    free(session->notify);
    free(session->user);
    free(session->agent);
    free(session->resource);
    free(session->bare);
    free(session->full);
    free(session);
}

static void detach(struct srv_session *session, bool may_resume)
{
    session->conn = NULL;
    session->sm.requested = false;
    if (may_resume && session->sm.on && session->sm.resumable)
        session->expires_us = session->srv->now_us +
                              srv_number(session->srv, SM_MAX) * INT64_C(1000000);
    else
        srv_session_end(session);
}

void srv_session_detach(struct srv_conn *conn, bool may_resume)
{
    conn->session = NULL;
    for (struct srv_session *at = conn->srv->sessions, *next; at; at = next) {
        next = at->next;
        if (at->conn == conn)
            detach(at, may_resume);
    }
}

void srv_session_replace(struct srv_session *session)
{
    struct srv_conn *conn = session->conn;
    if (conn) {
        session->conn = NULL;
        conn->session = oldest_of(session->srv, conn); /* those end with the stream */
        srv_stream_error(conn, "conflict", NULL);
    }
    srv_count(session->srv, "sessions-replaced");
    srv_session_end(session);
}
