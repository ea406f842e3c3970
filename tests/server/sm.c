/* Stream management (XEP-0198). */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static char *said_h(const struct srv_session *session)
{
    return srv_format("%u", session->sm.in + (uint32_t)srv_number(session->srv, SM_H_OFFSET));
}

static struct srv_xml *failed(const char *condition, const char *h)
{
    struct srv_xml *el = srv_xml_new(NS_SM, "failed");
    srv_xml_set(el, "h", h);
    srv_xml_child(el, NS_STANZAS, condition);
    return el;
}

static void pop(struct srv_sm *sm)
{
    struct srv_queued *gone = sm->first;
    sm->first = gone->next;
    if (!sm->first)
        sm->last = NULL;
    free(gone->xml);
    free(gone);
    sm->queued--;
    sm->acked++;
}

/* Takes the client's h. False: it acknowledges more than was sent. */
static bool acknowledge(struct srv_session *session, const char *text)
{
    struct srv_sm *sm = &session->sm;
    uint32_t h = (uint32_t)strtoul(text, NULL, 10);
    if (h - sm->acked > sm->queued) /* modulo 2^32, as the counter is */
        return false;
    while (sm->acked != h)
        pop(sm);
    return true;
}

void srv_sm_queue(struct srv_session *session, const char *xml, const struct srv_xml *stanza)
{
    struct srv_sm *sm = &session->sm;
    const char *type = srv_xml_get(stanza, "type");
    bool chat = !type || strcmp(type, "chat") == 0 || strcmp(type, "normal") == 0;
    struct srv_queued *item = srv_alloc(sizeof *item);
    item->xml = srv_dup(xml);
    item->at_us = session->srv->now_us;
    item->keep = chat && stanza && srv_xml_is(stanza, NS_CLIENT, "message") &&
                 srv_xml_find(stanza, NS_CLIENT, "body");
    if (sm->last)
        sm->last->next = item;
    else
        sm->first = item;
    sm->last = item;
    sm->out++;
    sm->queued++;
    sm->unrequested++;
    if (sm->queued < MAX_SM_QUEUE)
        return;
    sm->resumable = false;
    session->expires_us = session->srv->now_us;
    if (session->conn)
        srv_stream_error(session->conn, "resource-constraint", "too much is unacknowledged");
}

void srv_sm_request(struct srv_session *session)
{
    struct srv_sm *sm = &session->sm;
    if (!sm->on || !session->conn || sm->requested || !sm->unrequested)
        return;
    if (!srv_on(session->srv, SM_REQUESTS) || session->conn->state != CONN_ACTIVE)
        return;
    sm->requested = true;
    sm->unrequested = 0;
    srv_conn_puts(session->conn, "<r xmlns='" NS_SM "'/>");
}

static void remember_dead(struct srv_session *session)
{
    struct srv *srv = session->srv;
    struct srv_dead *dead = &srv->dead[srv->dead_next++ % (sizeof srv->dead / sizeof srv->dead[0])];
    srv_set(&dead->id, session->sm.id);
    dead->h = session->sm.in;
}

void srv_sm_free(struct srv_session *session)
{
    if (session->sm.id)
        remember_dead(session);
    while (session->sm.first)
        pop(&session->sm);
    free(session->sm.id);
    session->sm.id = NULL;
}

struct srv_xml *srv_sm_enable(struct srv_session *session, const struct srv_xml *enable)
{
    struct srv *srv = session->srv;
    struct srv_sm *sm = &session->sm;
    if (sm->on)
        return failed("unexpected-request", NULL);
    sm->on = true;
    sm->resumable = srv_xml_true(enable, "resume") && srv_on(srv, SM_RESUME);
    struct srv_xml *el = srv_xml_new(NS_SM, "enabled");
    srv_count(srv, "sm-enabled");
    if (!sm->resumable)
        return el;
    sm->id = srv_random_id(srv);
    char *max = srv_format("%ld", srv_number(srv, SM_MAX));
    srv_xml_set(el, "id", sm->id);
    srv_xml_set(el, "resume", "true");
    srv_xml_set(el, "max", max);
    if (*srv_text(srv, SM_LOCATION))
        srv_xml_set(el, "location", srv_text(srv, SM_LOCATION));
    free(max);
    return el;
}

static struct srv_xml *not_resumed(struct srv *srv, const char *previd)
{
    char *h = NULL;
    for (size_t i = 0; i < sizeof srv->dead / sizeof srv->dead[0]; i++)
        if (srv->dead[i].id && strcmp(srv->dead[i].id, previd) == 0 && srv_on(srv, SM_FAILED_H))
            h = srv_format("%u", srv->dead[i].h);
    struct srv_xml *el = failed("item-not-found", h);
    free(h);
    srv_count(srv, "resumes-failed");
    return el;
}

struct srv_xml *srv_sm_resume(struct srv_conn *conn, const struct srv_xml *resume)
{
    struct srv *srv = conn->srv;
    const char *previd = srv_xml_get(resume, "previd"), *h = srv_xml_get(resume, "h");
    if (!previd || !h)
        return failed("bad-request", NULL);
    if (!srv_on(srv, SM_RESUME))
        return failed("feature-not-implemented", NULL);
    struct srv_session *session = srv->sessions;
    while (session && !(session->sm.id && strcmp(session->sm.id, previd) == 0 &&
                        strcmp(session->user, conn->user) == 0))
        session = session->next;
    if (!session || !acknowledge(session, h))
        return not_resumed(srv, previd);
    if (session->conn) { /* XEP-0198, 5: the stream that is still open gets a conflict */
        struct srv_conn *old = session->conn;
        old->session = NULL;
        srv_stream_error(old, "conflict", "the session was resumed");
    }
    session->conn = conn;
    conn->session = session;
    session->inactive = false; /* XEP-0352, 5: a resumed session is active */
    session->sm.requested = false;
    struct srv_xml *el = srv_xml_new(NS_SM, "resumed");
    char *ours = said_h(session);
    srv_xml_set(el, "previd", previd);
    srv_xml_set(el, "h", ours);
    free(ours);
    srv_count(srv, "resumes");
    return el;
}

void srv_sm_replay(struct srv_session *session)
{
    for (struct srv_queued *at = session->sm.first; at; at = at->next)
        srv_conn_puts(session->conn, at->xml);
    session->sm.unrequested = session->sm.queued;
}

void srv_sm_forget(struct srv *srv)
{
    struct srv_session *at = srv->sessions;
    while (at) {
        struct srv_session *next = at->next;
        if (at->sm.id) {
            remember_dead(at);
            free(at->sm.id);
            at->sm.id = NULL;
            at->sm.resumable = false;
        }
        if (!at->conn)
            srv_session_end(at);
        at = next;
    }
}

static void on_answer(struct srv_session *session, const struct srv_xml *el)
{
    const char *h = srv_xml_get(el, "h");
    session->sm.requested = false;
    if (!h) {
        srv_stream_error(session->conn, "policy-violation", "an ack without h");
    } else if (!acknowledge(session, h)) {
        struct srv_conn *conn = session->conn;
        char *said = srv_format("<stream:error><undefined-condition xmlns='" NS_STREAMS "'/>"
                                "<handled-count-too-high xmlns='" NS_SM "' h='%lu' "
                                "send-count='%u'/></stream:error></stream:stream>",
                                strtoul(h, NULL, 10), session->sm.out);
        srv_conn_puts(conn, said);
        free(said);
        srv_conn_close(conn, 1);
    }
}

static void on_request(struct srv_session *session)
{
    srv_count(session->srv, "r");
    if (srv_hit(session->srv, IGNORE_R))
        return;
    char *h = said_h(session);
    char *said = srv_format("<a xmlns='" NS_SM "' h='%s'/>", h);
    srv_conn_puts(session->conn, said);
    free(said);
    free(h);
}

static void on_resume(struct srv_conn *conn, const struct srv_xml *el)
{
    struct srv_xml *answer = conn->session ? failed("unexpected-request", NULL)
                                           : srv_sm_resume(conn, el);
    bool resumed = strcmp(answer->name, "resumed") == 0;
    srv_conn_send(conn, answer);
    srv_xml_free(answer);
    if (!resumed || conn->state == CONN_CLOSED)
        return;
    conn->state = CONN_ACTIVE;
    srv_sm_replay(conn->session);
}

bool srv_sm_element(struct srv_conn *conn, const struct srv_xml *el)
{
    struct srv_session *session = conn->session;
    if (!el->ns || strcmp(el->ns, NS_SM) != 0 || !srv_on(conn->srv, SM))
        return false;
    if (strcmp(el->name, "resume") == 0) {
        on_resume(conn, el);
    } else if (strcmp(el->name, "enable") == 0) {
        struct srv_xml *answer = session ? srv_sm_enable(session, el)
                                         : failed("unexpected-request", NULL);
        srv_conn_send(conn, answer);
        srv_xml_free(answer);
    } else if (!session || !session->sm.on) {
        srv_stream_error(conn, "policy-violation", "stream management is not enabled");
    } else if (strcmp(el->name, "r") == 0) {
        on_request(session);
    } else if (strcmp(el->name, "a") == 0) {
        srv_count(session->srv, "a");
        on_answer(session, el);
    } else {
        return false;
    }
    return true;
}
