/* Services beside messages: slots for files (XEP-0363) at upload.DOMAIN, and push registrations (XEP-0357), which are
 * kept and never used: nobody is notified. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static void upload_info(struct srv_session *session, const struct srv_xml *iq)
{
    struct srv_xml *query = srv_xml_new(NS_DISCO_INFO, "query");
    struct srv_xml *identity = srv_xml_child(query, NS_DISCO_INFO, "identity");
    srv_xml_set(identity, "category", "store");
    srv_xml_set(identity, "type", "file");
    srv_xml_set(srv_xml_child(query, NS_DISCO_INFO, "feature"), "var", NS_UPLOAD);
    struct srv_xml *form = srv_xml_child(query, NS_DATA, "x"), *field = srv_xml_child(form, NS_DATA, "field");
    srv_xml_set(form, "type", "result");
    srv_xml_set(field, "var", "FORM_TYPE");
    srv_xml_set(field, "type", "hidden");
    srv_xml_puts(srv_xml_child(field, NS_DATA, "value"), NS_UPLOAD);
    if (srv_number(session->srv, UPLOAD_MAX) && !srv_on(session->srv, UPLOAD_SILENT)) {
        char *max = srv_format("%ld", srv_number(session->srv, UPLOAD_MAX));
        field = srv_xml_child(form, NS_DATA, "field");
        srv_xml_set(field, "var", "max-file-size");
        srv_xml_puts(srv_xml_child(field, NS_DATA, "value"), max);
        free(max);
    }
    srv_count(session->srv, "upload-infos");
    srv_iq_reply(session, iq, query);
}

static void refuse(struct srv_session *session, const struct srv_xml *iq, const char *type, const char *condition,
                   struct srv_xml *detail)
{
    struct srv_xml *reply = srv_xml_new(NS_CLIENT, "iq");
    srv_xml_set(reply, "type", "error");
    srv_xml_set(reply, "id", srv_xml_get(iq, "id"));
    srv_xml_set(reply, "from", srv_xml_get(iq, "to"));
    srv_xml_set(reply, "to", session->full);
    struct srv_xml *error = srv_xml_child(reply, NS_CLIENT, "error");
    srv_xml_set(error, "type", type);
    srv_xml_child(error, NS_STANZAS, condition);
    srv_xml_add(error, detail);
    srv_session_send(session, reply);
    srv_xml_free(reply);
}

static void slot(struct srv_session *session, const struct srv_xml *iq, const struct srv_xml *request)
{
    struct srv *srv = session->srv;
    long max = srv_number(srv, UPLOAD_MAX), size = atol(srv_xml_get(request, "size") ? srv_xml_get(request, "size") : "0");
    const char *name = srv_xml_get(request, "filename");
    if (!name || size <= 0) {
        srv_route_error(session, iq, "modify", "bad-request");
        return;
    }
    if (max && size > max) {
        struct srv_xml *large = srv_xml_new(NS_UPLOAD, "file-too-large");
        char *text = srv_format("%ld", max);
        srv_xml_puts(srv_xml_child(large, NS_UPLOAD, "max-file-size"), text);
        free(text);
        refuse(session, iq, "modify", "not-acceptable", large);
        return;
    }
    if (srv_hit(srv, UPLOAD_QUOTA)) {
        struct srv_xml *retry = srv_xml_new(NS_UPLOAD, "retry");
        srv_xml_set(retry, "stamp", "2030-01-01T00:00:00Z");
        refuse(session, iq, "wait", "resource-constraint", retry);
        return;
    }
    char *id = srv_random_id(srv);
    char *put = srv_format("%s://upload.%s/%s", srv_hit(srv, UPLOAD_PLAIN) ? "http" : "https", srv->domain, id);
    char *get = srv_format("https://files.%s/%s", srv->domain, id);
    struct srv_xml *answer = srv_xml_new(NS_UPLOAD, "slot"), *el = srv_xml_child(answer, NS_UPLOAD, "put");
    srv_xml_set(el, "url", put);
    static const char *const headers[][2] = {{"authorization", "Basic\n abc"}, {"X-Evil", "1"}, {"Cookie", "a=b"}};
    for (size_t i = 0; i < 3; i++) {
        struct srv_xml *header = srv_xml_child(el, NS_UPLOAD, "header");
        srv_xml_set(header, "name", headers[i][0]);
        srv_xml_puts(header, headers[i][1]);
    }
    srv_xml_set(srv_xml_child(answer, NS_UPLOAD, "get"), "url", get);
    srv_iq_reply(session, iq, answer);
    free(id);
    free(put);
    free(get);
}

bool srv_service_stanza(struct srv_session *session, const struct srv_xml *iq)
{
    char *jid = srv_format("upload.%s", session->srv->domain);
    const char *to = srv_xml_get(iq, "to"), *type = srv_xml_get(iq, "type");
    bool ours = srv_on(session->srv, UPLOAD) && to && strcmp(to, jid) == 0 && strcmp(iq->name, "iq") == 0;
    const struct srv_xml *payload = srv_xml_first(iq);
    free(jid);
    if (!ours)
        return false;
    if (type && strcmp(type, "get") == 0 && payload && srv_xml_is(payload, NS_DISCO_INFO, "query"))
        upload_info(session, iq);
    else if (type && strcmp(type, "get") == 0 && payload && srv_xml_is(payload, NS_UPLOAD, "request"))
        slot(session, iq, payload);
    else
        srv_route_error(session, iq, "cancel", "service-unavailable");
    return true;
}

void srv_push_iq(struct srv_session *session, const struct srv_xml *iq)
{
    struct srv *srv = session->srv;
    const struct srv_xml *payload = srv_xml_first(iq);
    const char *jid = srv_xml_get(payload, "jid"), *node = srv_xml_get(payload, "node");
    if (!srv_on(srv, PUSH) || !jid) {
        srv_route_error(session, iq, srv_on(srv, PUSH) ? "modify" : "cancel",
                        srv_on(srv, PUSH) ? "bad-request" : "service-unavailable");
        return;
    }
    char *key = srv_format("%s %s", jid, node ? node : "");
    if (srv_xml_is(payload, NS_PUSH, "enable")) {
        struct srv_buf form = {0};
        if (srv_xml_first(payload))
            srv_xml_write(&form, srv_xml_first(payload), NS_CLIENT);
        srv_exec(srv, "INSERT OR REPLACE INTO pushes(user, service, form) VALUES(?1, ?2, ?3)", session->user, key,
                 form.data ? form.data : "");
        srv_buf_free(&form);
    } else if (node) {
        srv_exec(srv, "DELETE FROM pushes WHERE user=?1 AND service=?2", session->user, key, NULL);
    } else {
        srv_exec(srv, "DELETE FROM pushes WHERE user=?1 AND service>=?2 AND service<?2 || x'7f'", session->user, key, NULL);
    }
    free(key);
    srv_iq_reply(session, iq, NULL);
}

const char *srv_line_push_dump(struct srv *srv, char *rest, struct srv_buf *out)
{
    sqlite3_stmt *stmt = srv_prepare(srv, "SELECT service, form FROM pushes WHERE user=?1 ORDER BY service", rest, NULL);
    const char *comma = "";
    srv_buf_puts(out, ",\"pushes\":[");
    for (; sqlite3_step(stmt) == SQLITE_ROW; comma = ",") {
        srv_buf_printf(out, "%s[", comma);
        srv_buf_json(out, (const char *)sqlite3_column_text(stmt, 0));
        srv_buf_puts(out, ",");
        srv_buf_json(out, (const char *)sqlite3_column_text(stmt, 1));
        srv_buf_puts(out, "]");
    }
    srv_buf_puts(out, "]");
    sqlite3_finalize(stmt);
    return NULL;
}
