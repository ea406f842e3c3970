/* The stream: header, errors, end, and who gets a first-level element (RFC 6120, 4). */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static void say_header(struct srv_conn *conn)
{
    if (conn->said_header)
        return;
    conn->said_header = true;
    char *id = srv_random_id(conn->srv);
    struct srv_buf out = {0};
    srv_buf_printf(&out, "<?xml version='1.0'?><stream:stream xmlns='" NS_CLIENT
                   "' xmlns:stream='" NS_STREAM "' id='%s' from='%s' version='1.0' "
                   "xml:lang='en'", id, conn->srv->domain);
    if (conn->from) {
        srv_buf_puts(&out, " to='");
        srv_buf_escape(&out, conn->from);
        srv_buf_puts(&out, "'");
    }
    srv_buf_puts(&out, ">");
    srv_conn_write(conn, out.data, out.len);
    srv_buf_free(&out);
    free(id);
}

void srv_stream_error(struct srv_conn *conn, const char *condition, const char *text)
{
    if (conn->state == CONN_CLOSED)
        return;
    bool with_data = strcmp(condition, "see-other-host") == 0;
    say_header(conn);
    struct srv_buf out = {0};
    srv_buf_printf(&out, "<stream:error><%s xmlns='" NS_STREAMS "'", condition);
    if (with_data) {
        srv_buf_puts(&out, ">");
        srv_buf_escape(&out, text);
        srv_buf_printf(&out, "</%s>", condition);
    } else {
        srv_buf_puts(&out, "/>");
    }
    if (text && !with_data) {
        srv_buf_puts(&out, "<text xmlns='" NS_STREAMS "'>");
        srv_buf_escape(&out, text);
        srv_buf_puts(&out, "</text>");
    }
    srv_buf_puts(&out, "</stream:error></stream:stream>");
    srv_conn_write(conn, out.data, out.len);
    srv_buf_free(&out);
    srv_count(conn->srv, "stream-errors");
    srv_conn_close(conn, 1);
}

void srv_stream_end(struct srv_conn *conn)
{
    say_header(conn);
    srv_conn_puts(conn, "</stream:stream>");
    /* XEP-0198, 5: a stream that was closed is not resumable. */
    srv_session_detach(conn, false);
    srv_conn_close(conn, 1);
}

/* Returns the stream error that the header deserves, or NULL. */
static const char *header_fault(struct srv_conn *conn, const struct srv_xml *header)
{
    struct srv_jid to, from;
    if (!header->ns || strcmp(header->ns, NS_STREAM) != 0)
        return "invalid-namespace";
    if (strcmp(header->name, "stream") != 0)
        return "bad-format";
    const char *version = srv_xml_get(header, "version");
    if (!version || strncmp(version, "1.", 2) != 0)
        return "unsupported-version";
    if (!srv_jid_parse(srv_xml_get(header, "to"), &to))
        return "improper-addressing";
    bool ours = strcmp(to.domain, conn->srv->domain) == 0 && !to.local;
    srv_jid_free(&to);
    if (!ours)
        return "host-unknown";
    if (!srv_xml_get(header, "from"))
        return NULL;
    bool valid = srv_jid_parse(srv_xml_get(header, "from"), &from);
    /* RFC 6120, 4.9.3.9 */
    bool mine = valid && strcmp(from.domain, conn->srv->domain) == 0;
    if (valid)
        srv_jid_free(&from);
    return mine ? NULL : "invalid-from";
}

void srv_stream_header(struct srv_conn *conn, const struct srv_xml *header)
{
    struct srv *srv = conn->srv;
    srv_count(srv, "headers");
    const char *fault = header_fault(conn, header);
    free(conn->from);
    conn->from = fault ? NULL : srv_jid_bare(srv_xml_get(header, "from"));
    if (conn->from && !conn->tls.up)
        srv_count(srv, "from-in-clear");
    say_header(conn);
    if (fault) {
        srv_stream_error(conn, fault, NULL);
        return;
    }
    if (*srv_text(srv, SEE_OTHER_HOST)) {
        srv_stream_error(conn, "see-other-host", srv_text(srv, SEE_OTHER_HOST));
        return;
    }
    if (srv_hit(srv, SILENT)) {
        conn->state = CONN_DEAF;
        return;
    }
    conn->state = conn->user ? CONN_READY : CONN_OPEN;
    if (!conn->said_features || conn->user)
        srv_features_send(conn);
}

void srv_stream_proactive(struct srv_conn *conn)
{
    say_header(conn);
    srv_features_send(conn);
    conn->said_features = true;
}

static bool is_stanza(const struct srv_xml *el)
{
    return srv_xml_is(el, NS_CLIENT, "message") || srv_xml_is(el, NS_CLIENT, "presence") ||
           srv_xml_is(el, NS_CLIENT, "iq");
}

static void starttls(struct srv_conn *conn)
{
    if (conn->tls.up) {
        srv_conn_puts(conn, "<failure xmlns='" NS_TLS "'/></stream:stream>");
        srv_conn_close(conn, 1);
        return;
    }
    srv_count(conn->srv, "starttls");
    srv_conn_puts(conn, "<proceed xmlns='" NS_TLS "'/>");
    conn->wants_tls = true;
}

/* RFC 6120, 8.3: the answer to a stanza that came too early. */
static void refuse_stanza(struct srv_conn *conn, const struct srv_xml *el)
{
    const char *type = srv_xml_get(el, "type");
    if (type && (strcmp(type, "error") == 0 || strcmp(type, "result") == 0))
        return;
    struct srv_xml *error = srv_xml_new(NS_CLIENT, el->name);
    srv_xml_set(error, "type", "error");
    srv_xml_set(error, "id", srv_xml_get(el, "id"));
    struct srv_xml *body = srv_xml_child(error, NS_CLIENT, "error");
    srv_xml_set(body, "type", "auth");
    srv_xml_child(body, NS_STANZAS, "not-authorized");
    srv_conn_send(conn, error);
    srv_xml_free(error);
}

static void before_authentication(struct srv_conn *conn, struct srv_xml *el)
{
    if (srv_xml_is(el, NS_TLS, "starttls"))
        starttls(conn);
    else if (srv_sasl_element(conn, el))
        return;
    else if (conn->state == CONN_SASL && srv_on(conn->srv, STRICT))
        srv_stream_error(conn, "policy-violation", "only responses while authenticating");
    else if (is_stanza(el) && srv_on(conn->srv, LENIENT_UNAUTH))
        refuse_stanza(conn, el);
    else
        srv_stream_error(conn, "not-authorized", NULL);
}

static void before_session(struct srv_conn *conn, struct srv_xml *el)
{
    if (srv_xml_is(el, NS_CLIENT, "iq") && srv_xml_find(el, NS_BIND1, "bind"))
        srv_bind1(conn, el);
    else if (srv_xml_is(el, NS_BIND2_DRAFT, "bind") && srv_on(conn->srv, BIND2_DRAFT))
        srv_bind2_draft(conn);
    else if (srv_sm_element(conn, el))
        return;
    else if (is_stanza(el))
        srv_stream_error(conn, "not-authorized", "no resource is bound");
    else
        srv_stream_error(conn, "unsupported-stanza-type", NULL);
}

static void in_session(struct srv_conn *conn, struct srv_xml *el)
{
    struct srv_session *session = conn->session;
    if (is_stanza(el) && srv_bind_more(conn, el))
        return;
    if (is_stanza(el)) {
        session = srv_bound_sender(conn, el);
        if (!session)
            return;
        if (session->sm.on)
            session->sm.in++;
        srv_count(conn->srv, el->name[0] == 'm' ? "messages" : el->name[0] == 'i' ? "iqs"
                                                                               : "presences");
        srv_route(session, el);
    } else if (srv_sm_element(conn, el)) {
        return;
    } else if (srv_xml_is(el, NS_CSI, "active") || srv_xml_is(el, NS_CSI, "inactive")) {
        session->inactive = strcmp(el->name, "inactive") == 0;
        srv_count(conn->srv, session->inactive ? "csi-inactive" : "csi-active");
    } else {
        srv_stream_error(conn, "unsupported-stanza-type", NULL);
    }
}

void srv_stream_element(struct srv_conn *conn, struct srv_xml *el)
{
    bool again = srv_xml_is(el, NS_SASL2, "authenticate") || srv_xml_is(el, NS_SASL1, "auth");
    if (conn->user && again)
        /* XEP-0388, 2.10: a second <authenticate/> MUST result in a stream error. */
        srv_stream_error(conn, "policy-violation", "already authenticated");
    else if (conn->state == CONN_ACTIVE)
        in_session(conn, el);
    else if (conn->state == CONN_READY)
        before_session(conn, el);
    else
        before_authentication(conn, el);
    srv_xml_free(el);
}
