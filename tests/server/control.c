/* Control lines: one command in, one line of JSON out. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

char *srv_word(char **at)
{
    char *start = *at + strspn(*at, " ");
    char *end = start + strcspn(start, " ");
    *at = *end ? end + 1 : end;
    *end = '\0';
    return start;
}

static const char *set_feature(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *name = srv_word(&rest);
    (void)out;
    return srv_feature(srv, name, rest) == 0 ? NULL : "no such feature or value";
}

static const char *set_fault(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *name = srv_word(&rest);
    (void)out;
    return srv_fault(srv, name, rest) == 0 ? NULL : "no such fault or value";
}

static const char *add_user(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *name = srv_word(&rest);
    (void)out;
    return *rest && srv_user_add(srv, name, rest) == 0 ? NULL : "user NAME PASSWORD";
}

static const char *forget_tokens(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *user = srv_word(&rest);
    (void)out;
    srv_tokens_forget(srv, *user ? user : NULL);
    return NULL;
}

static const char *expire_tokens(struct srv *srv, char *rest, struct srv_buf *out)
{
    (void)rest;
    (void)out;
    srv_exec(srv, "UPDATE tokens SET expires_us=0", NULL, NULL, NULL);
    return NULL;
}

static const char *forget_sm(struct srv *srv, char *rest, struct srv_buf *out)
{
    (void)rest;
    (void)out;
    srv_sm_forget(srv);
    return NULL;
}

static const char *drop_connections(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *how = srv_word(&rest);
    bool away = strcmp(how, "see-other-host") == 0;
    bool hard = !away && strcmp(how, "soft") != 0;
    long count = 0;
    for (struct srv_conn *conn = srv->conns; conn; conn = conn->next) {
        if (conn->state == CONN_CLOSED)
            continue;
        count++;
        if (hard)
            srv_conn_close(conn, 2);
        else
            srv_stream_error(conn, away ? how : "system-shutdown", away ? rest : NULL);
    }
    srv_buf_printf(out, ",\"dropped\":%ld", count);
    return NULL;
}

static const char *message(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *from = srv_word(&rest), *to = srv_word(&rest), *bare = srv_jid_bare(from);
    if (!bare || !strchr(bare, '@') || !*to || !*rest) {
        free(bare);
        return "message FROM TO BODY";
    }
    char *id = srv_random_id(srv);
    struct srv_xml *el = srv_xml_new(NS_CLIENT, "message");
    srv_xml_set(el, "type", "chat");
    srv_xml_set(el, "id", id);
    srv_xml_set(el, "from", from);
    srv_xml_set(el, "to", to);
    srv_xml_puts(srv_xml_child(el, NS_CLIENT, "body"), rest);
    srv_route_message(srv, NULL, el);
    srv_xml_free(el);
    srv_buf_puts(out, ",\"id\":");
    srv_buf_json(out, id);
    free(id);
    free(bare);
    return NULL;
}

static const char *inject(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *kind = srv_word(&rest), *user = srv_word(&rest);
    long count = 0;
    for (struct srv_conn *conn = srv->conns; conn; conn = conn->next) {
        if (!conn->session || (*user && strcmp(conn->user, user) != 0))
            continue;
        if (!srv_inject(conn, kind))
            return "no such thing to inject";
        count++;
    }
    srv_buf_printf(out, ",\"injected\":%ld", count);
    return NULL;
}

static void dump_session(const struct srv_session *at, struct srv_buf *out)
{
    srv_buf_puts(out, "{\"jid\":");
    srv_buf_json(out, at->full);
    srv_buf_printf(out, ",\"conn\":%u,\"available\":%d,\"carbons\":%d,\"inactive\":%d,"
                   "\"bind2\":%d,\"sm\":%d,\"resumable\":%d,\"in\":%u,\"out\":%u,\"queued\":%u}",
                   at->conn ? at->conn->number : 0, at->available, at->carbons, at->inactive,
                   at->bind2, at->sm.on, at->sm.resumable, at->sm.in, at->sm.out, at->sm.queued);
}

static void dump_conn(const struct srv_conn *at, struct srv_buf *out)
{
    srv_buf_printf(out, "{\"number\":%u,\"tls\":", at->number);
    srv_buf_json(out, at->tls.version);
    srv_buf_printf(out, ",\"tls_resumed\":%d,\"reads\":%ld,\"bytes_in\":%ld,\"bytes_out\":%llu}",
                   at->tls.resumed, at->reads, at->bytes_in, (unsigned long long)at->written);
}

static const char *dump(struct srv *srv, char *rest, struct srv_buf *out)
{
    const char *comma = "";
    (void)rest;
    srv_buf_puts(out, ",\"sessions\":[");
    for (struct srv_session *at = srv->sessions; at; at = at->next, comma = ",") {
        srv_buf_puts(out, comma);
        dump_session(at, out);
    }
    srv_buf_puts(out, "],\"connections\":[");
    comma = "";
    for (struct srv_conn *at = srv->conns; at; at = at->next, comma = ",") {
        srv_buf_puts(out, comma);
        dump_conn(at, out);
    }
    srv_buf_puts(out, "],\"counters\":{");
    for (size_t i = 0; srv->counters[i].name; i++)
        srv_buf_printf(out, "%s\"%s\":%ld", i ? "," : "", srv->counters[i].name,
                       srv->counters[i].count);
    srv_buf_printf(out, "},\"tokens\":%lld,\"archive\":%lld,\"offline\":%lld",
                   (long long)srv_query_int(srv, "SELECT count(*) FROM tokens", NULL, NULL),
                   (long long)srv_query_int(srv, "SELECT count(*) FROM archive", NULL, NULL),
                   (long long)srv_query_int(srv, "SELECT count(*) FROM offline", NULL, NULL));
    return NULL;
}

static const char *settings(struct srv *srv, char *rest, struct srv_buf *out)
{
    (void)rest;
    srv_buf_puts(out, ",\"features\":");
    srv_settings_json(&srv->settings, 0, out);
    srv_buf_puts(out, ",\"faults\":");
    srv_settings_json(&srv->settings, 1, out);
    return NULL;
}

static const char *reset_counters(struct srv *srv, char *rest, struct srv_buf *out)
{
    (void)rest;
    (void)out;
    memset(srv->counters, 0, sizeof srv->counters);
    return NULL;
}

/* What it says is the test's affair. */
static const char *stanza(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *user = srv_word(&rest);
    struct srv_xml *el = srv_xml_parse(rest);
    (void)out;
    if (!el)
        return "stanza USER XML";
    for (struct srv_session *at = srv->sessions; at; at = at->next)
        if (strcmp(at->user, user) == 0)
            srv_session_send(at, el);
    srv_xml_free(el);
    return NULL;
}

/* As if it had never been bound: nobody is told. */
static const char *session_end(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *full = srv_word(&rest);
    (void)out;
    for (struct srv_session *at = srv->sessions; at; at = at->next)
        if (strcmp(at->full, full) == 0) {
            srv_session_end(at);
            return NULL;
        }
    return "there is no such session";
}

static const char *nothing(struct srv *srv, char *rest, struct srv_buf *out)
{
    (void)srv;
    (void)rest;
    (void)out;
    return NULL;
}

static const struct {
    const char *name;
    srv_command_fn *fn;
} commands[] = {
    {"feature", set_feature},
    {"fault", set_fault},
    {"user", add_user},
    {"forget-tokens", forget_tokens},
    {"expire-tokens", expire_tokens},
    {"forget-sm", forget_sm},
    {"drop-connections", drop_connections},
    {"message", message},
    {"inject", inject},
    {"stanza", stanza},
    {"dump", dump},
    {"settings", settings},
    {"reset-counters", reset_counters},
    {"archive-add", srv_line_add},
    {"archive-purge", srv_line_purge},
    {"archive-dump", srv_line_dump},
    {"archive-tombstone", srv_line_tombstone},
    {"archive-withhold", srv_line_withhold},
    {"archive-release", srv_line_release},
    {"mds-publish", srv_line_mds_publish},
    {"mds-forge", srv_line_mds_forge},
    {"pep-dump", srv_line_pep_dump},
    {"session-end", session_end},
    {"blocking", srv_line_block},
    {"push-dump", srv_line_push_dump},
    {"roster-put", srv_line_roster_put},
    {"room-create", srv_line_room_create},
    {"room-say", srv_line_room_say},
    {"room-forget", srv_line_room_forget},
    {"quit", nothing}, /* answered here, obeyed by the program around the core */
};

char *srv_control(struct srv *srv, const char *line, int64_t now_us)
{
    char *copy = srv_dup_n(line, strcspn(line, "\r\n")), *rest = copy;
    char *name = srv_word(&rest);
    const char *wrong = "no such command";
    struct srv_buf detail = {0}, out = {0};
    srv->now_us = now_us;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            wrong = commands[i].fn(srv, rest, &detail);
    srv_buf_printf(&out, "{\"ok\":%s,\"command\":", wrong ? "false" : "true");
    srv_buf_json(&out, name);
    if (wrong) {
        srv_buf_puts(&out, ",\"error\":");
        srv_buf_json(&out, wrong);
    } else if (detail.len) {
        srv_buf_add(&out, detail.data, detail.len);
    }
    srv_buf_puts(&out, "}");
    for (struct srv_session *at = srv->sessions; at; at = at->next)
        srv_sm_request(at);
    srv_sweep(srv);
    srv_buf_free(&detail);
    free(copy);
    return out.data;
}
