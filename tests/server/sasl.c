/* SASL: both profiles (RFC 6120, 6 and XEP-0388) around the mechanisms; PLAIN and EXTERNAL. */
#include "internal.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static srv_mechanism_fn plain_start, external_start, bearer_start, bearer_next;

static const struct srv_mechanism mechanisms[] = {
    {"SCRAM-SHA-512-PLUS", "SHA512", "", srv_scram_start, srv_scram_next, false},
    {"SCRAM-SHA-256-PLUS", "SHA256", "", srv_scram_start, srv_scram_next, false},
    {"SCRAM-SHA-1-PLUS", "SHA1", "", srv_scram_start, srv_scram_next, false},
    {"SCRAM-SHA-512", "SHA512", NULL, srv_scram_start, srv_scram_next, false},
    {"SCRAM-SHA-256", "SHA256", NULL, srv_scram_start, srv_scram_next, false},
    {"SCRAM-SHA-1", "SHA1", NULL, srv_scram_start, srv_scram_next, false},
    {"PLAIN", NULL, NULL, plain_start, NULL, false},
    {"EXTERNAL", NULL, NULL, external_start, NULL, false},
    {"OAUTHBEARER", NULL, NULL, bearer_start, bearer_next, false},
    {"HT-SHA-512-NONE", "SHA512", "", srv_fast_start, NULL, true},
    {"HT-SHA-512-EXPR", "SHA512", "tls-exporter", srv_fast_start, NULL, true},
    {"HT-SHA-512-ENDP", "SHA512", "tls-server-end-point", srv_fast_start, NULL, true},
    {"HT-SHA-512-UNIQ", "SHA512", "tls-unique", srv_fast_start, NULL, true},
    {"HT-SHA-256-NONE", "SHA256", "", srv_fast_start, NULL, true},
    {"HT-SHA-256-EXPR", "SHA256", "tls-exporter", srv_fast_start, NULL, true},
    {"HT-SHA-256-ENDP", "SHA256", "tls-server-end-point", srv_fast_start, NULL, true},
    {"HT-SHA-256-UNIQ", "SHA256", "tls-unique", srv_fast_start, NULL, true},
};

const struct srv_mechanism *srv_mechanism_find(const char *name)
{
    for (size_t i = 0; name && i < sizeof mechanisms / sizeof mechanisms[0]; i++)
        if (strcmp(mechanisms[i].name, name) == 0)
            return &mechanisms[i];
    return NULL;
}

enum srv_step srv_step_fail(struct srv_buf *out, const char *condition)
{
    srv_buf_clear(out);
    srv_buf_puts(out, condition);
    return STEP_FAIL;
}

void srv_sasl_reset(struct srv_conn *conn)
{
    struct srv_sasl *sasl = &conn->sasl;
    srv_xml_free(sasl->request);
    free(sasl->user);
    free(sasl->gs2);
    free(sasl->nonce);
    free(sasl->task);
    free(sasl->salt);
    srv_buf_free(&sasl->first);
    memset(sasl, 0, sizeof *sasl);
}

/* ---- PLAIN (RFC 4616) and EXTERNAL (RFC 4422, appendix A) ---- */

/* An authorization identity must be the user's own bare JID, or absent. */
static bool authzid_ok(struct srv_conn *conn, const char *authzid, const char *user)
{
    if (!*authzid)
        return true;
    char *own = srv_format("%s@%s", user, conn->srv->domain);
    char *bare = srv_jid_bare(authzid);
    bool same = bare && strcmp(bare, own) == 0;
    bool fits = !conn->from || strcmp(conn->from, own) == 0;
    free(own);
    free(bare);
    return same && fits;
}

static enum srv_step plain_start(struct srv_conn *conn, const char *data, size_t len,
                                 struct srv_buf *out)
{
    const char *end = data + len;
    const char *user = memchr(data, '\0', len);
    const char *secret = user ? memchr(user + 1, '\0', (size_t)(end - user - 1)) : NULL;
    if (!secret || memchr(secret + 1, '\0', (size_t)(end - secret - 1)))
        return srv_step_fail(out, "malformed-request");
    user++;
    secret++;
    if (!authzid_ok(conn, data, user))
        return srv_step_fail(out, "invalid-authzid");
    char *password = srv_user_password(conn->srv, user);
    bool right = password && strlen(password) == (size_t)(end - secret) &&
                 CRYPTO_memcmp(password, secret, strlen(password)) == 0;
    free(password);
    if (!right)
        return srv_step_fail(out, "not-authorized");
    srv_set(&conn->sasl.user, user);
    return STEP_OK;
}

static enum srv_step external_start(struct srv_conn *conn, const char *data, size_t len,
                                    struct srv_buf *out)
{
    struct srv_jid jid;
    char *authzid = srv_dup_n(data, len);
    enum srv_step step = srv_step_fail(out, "not-authorized");
    if (conn->tls.client_jid && srv_jid_parse(conn->tls.client_jid, &jid)) {
        bool ours = jid.local && strcmp(jid.domain, conn->srv->domain) == 0;
        if (ours && srv_user_exists(conn->srv, jid.local) &&
            authzid_ok(conn, authzid, jid.local)) {
            srv_set(&conn->sasl.user, jid.local);
            srv_buf_clear(out);
            step = STEP_OK;
        }
        srv_jid_free(&jid);
    }
    free(authzid);
    return step;
}

/* ---- OAUTHBEARER (RFC 7628) ---- */

static enum srv_step bearer_start(struct srv_conn *conn, const char *data, size_t len,
                                  struct srv_buf *out)
{
    char *text = srv_dup_n(data, len), *want = NULL;
    const char *token = srv_text(conn->srv, OAUTH_TOKEN), *at = text + 4;
    size_t user = strcspn(at, "@,");
    if (strlen(text) != len || strncmp(text, "n,a=", 4) != 0 || !strchr(at, '@')) {
        free(text);
        return srv_step_fail(out, "malformed-request");
    }
    char *name = srv_dup_n(at, user);
    want = srv_format("n,a=%s@%s,\x01%s%s\x01\x01", name, conn->srv->domain, "auth=Bearer ", token);
    bool right = *token && srv_user_exists(conn->srv, name) && strlen(want) == len &&
                 CRYPTO_memcmp(want, text, len) == 0;
    if (right)
        srv_set(&conn->sasl.user, name);
    else
        srv_buf_puts(out, "{\"status\":\"invalid_token\",\"scope\":\"xmpp\"}");
    free(text);
    free(want);
    free(name);
    return right ? STEP_OK : STEP_CHALLENGE;
}

/* RFC 7628, 3.2.3: the refusal is answered by one byte, and then the exchange fails. */
static enum srv_step bearer_next(struct srv_conn *conn, const char *data, size_t len,
                                 struct srv_buf *out)
{
    (void)conn;
    return srv_step_fail(out, len == 1 && *data == '\x01' ? "not-authorized" : "malformed-request");
}

/* ---- The profiles ---- */

void srv_sasl_fail(struct srv_conn *conn, const char *condition, const char *ns,
                   const char *detail)
{
    int profile = conn->sasl.profile;
    struct srv_xml *failure = srv_xml_new(profile == 2 ? NS_SASL2 : NS_SASL1, "failure");
    const char *space = srv_hit(conn->srv, FAILURE_NS) ? NS_SASL2 : NS_SASL1;
    srv_xml_child(failure, space, condition);
    if (detail)
        srv_xml_child(failure, ns, detail);
    srv_conn_send(conn, failure);
    srv_xml_free(failure);
    srv_sasl_reset(conn);
    srv_count(conn->srv, "auth-failures");
    if (conn->state == CONN_SASL)
        conn->state = CONN_OPEN;
}

static void challenge(struct srv_conn *conn, const struct srv_buf *data)
{
    const char *ns = conn->sasl.profile == 2 ? NS_SASL2 : NS_SASL1;
    struct srv_xml *el = srv_xml_new(ns, "challenge");
    char *text = srv_base64(data->data, data->len);
    if (*text)
        srv_xml_puts(el, text);
    conn->state = CONN_SASL;
    srv_conn_send(conn, el);
    srv_xml_free(el);
    free(text);
}

static void sasl1_success(struct srv_conn *conn, const struct srv_buf *data)
{
    struct srv_xml *success = srv_xml_new(NS_SASL1, "success");
    char *text = srv_base64(data->data, data->len);
    if (*text)
        srv_xml_puts(success, text);
    srv_conn_send(conn, success);
    if (srv_hit(conn->srv, SECOND_SUCCESS))
        srv_conn_send(conn, success);
    srv_xml_free(success);
    free(text);
    if (conn->state != CONN_CLOSED)
        conn->state = CONN_HEADER; /* RFC 6120, 6.4.6: the stream starts again */
}

void srv_sasl_finish(struct srv_conn *conn, const struct srv_buf *data)
{
    struct srv *srv = conn->srv;
    srv_count(srv, "auth-successes");
    srv_set(&conn->user, conn->sasl.user);
    srv_parser_limit(conn->parser, (size_t)srv_number(srv, MAX_BYTES));
    if (conn->sasl.profile == 1)
        sasl1_success(conn, data);
    else
        srv_sasl2_success(conn, data);
    srv_sasl_reset(conn);
}

static void succeed(struct srv_conn *conn, const struct srv_buf *data)
{
    struct srv *srv = conn->srv;
    if (srv_hit(srv, TEMPORARY)) {
        srv_sasl_fail(conn, "temporary-auth-failure", NULL, NULL);
        return;
    }
    if (*srv_text(srv, FAIL_AUTH)) {
        srv_sasl_fail(conn, srv_text(srv, FAIL_AUTH), NULL, NULL);
        return;
    }
    if (!srv_task_next(conn, data))
        srv_sasl_finish(conn, data);
}

/* One message of the client's; NULL data: there was no initial response. */
static void step(struct srv_conn *conn, const char *data, size_t len)
{
    struct srv_buf out = {0};
    struct srv_sasl *sasl = &conn->sasl;
    if (!data && !sasl->started) {
        challenge(conn, &out); /* RFC 6120, 6.4.2: an empty challenge asks for it */
        return;
    }
    srv_mechanism_fn *fn = sasl->started ? sasl->mechanism->next : sasl->mechanism->start;
    sasl->started = true;
    enum srv_step result = fn ? fn(conn, data ? data : "", len, &out)
                              : srv_step_fail(&out, "malformed-request");
    if (result == STEP_OK)
        succeed(conn, &out);
    else if (result == STEP_CHALLENGE)
        challenge(conn, &out);
    else
        srv_sasl_fail(conn, out.data, NULL, NULL);
    srv_buf_free(&out);
}

static void step_text(struct srv_conn *conn, const char *text)
{
    size_t len = 0;
    char *data = text ? srv_unbase64(text, &len) : NULL;
    if (text && !data)
        srv_sasl_fail(conn, "incorrect-encoding", NULL, NULL);
    else
        step(conn, data, len);
    free(data);
}

/* XEP-0388, 2.5 and the fault that loses what ejabberd loses. Returns whether to go on. */
static bool rest_allowed(struct srv_conn *conn, int profile)
{
    if (profile == 2 && conn->rest && srv_on(conn->srv, STRICT)) {
        srv_stream_error(conn, "policy-violation", "only responses while authenticating");
        return false;
    }
    if (profile == 1 && conn->rest && srv_hit(conn->srv, LEGACY_HANG))
        conn->lose_rest = true;
    if (profile == 1 && conn->rest && srv_hit(conn->srv, LEGACY_LATE))
        conn->late_read = conn->reads + 1;
    return true;
}

static const char *refusal(struct srv_conn *conn, const struct srv_xml *el)
{
    const struct srv_mechanism *row = srv_mechanism_find(srv_xml_get(el, "mechanism"));
    bool fast = conn->sasl.profile == 2 && srv_xml_find(el, NS_FAST, "fast");
    if (!conn->tls.up && srv_on(conn->srv, STARTTLS_REQUIRED))
        return "encryption-required";
    if (!row || row->fast != fast)
        return "invalid-mechanism";
    if (fast ? !srv_fast_offered(conn, row->name) : !srv_mechanism_offered(conn, row->name))
        return "invalid-mechanism";
    if (conn->tls.early && !fast)
        return "aborted"; /* XEP-0484: nothing else has a counter against replays */
    conn->sasl.mechanism = row;
    return NULL;
}

static void begin(struct srv_conn *conn, int profile, const struct srv_xml *el)
{
    if (conn->continued) { /* XEP-0388, 2.10 */
        srv_stream_error(conn, "policy-violation", "authentication goes on with tasks");
        return;
    }
    if (!rest_allowed(conn, profile))
        return;
    srv_sasl_reset(conn);
    conn->sasl.profile = profile;
    conn->sasl.request = srv_xml_clone(el);
    srv_count(conn->srv, profile == 2 ? "authenticate" : "auth");
    if (srv_hit(conn->srv, EARLY_STANZA))
        srv_conn_puts(conn, "<message from='bob@localhost'><body>early</body></message>");
    const char *refused = refusal(conn, el);
    if (refused) {
        srv_sasl_fail(conn, refused, NULL, NULL);
        return;
    }
    if (profile == 1) {
        const char *text = srv_xml_content(el);
        /* RFC 6120, 6.4.2: "=" is an initial response of no bytes, nothing is none at all */
        step_text(conn, !*text ? NULL : strcmp(text, "=") == 0 ? "" : text);
        return;
    }
    struct srv_xml *version = srv_xml_find(el, NS_IAP, "config-version");
    char *current = srv_config_version(conn);
    const char *value = srv_xml_get(version, "value");
    bool stale = version && srv_on(conn->srv, CONFIG_VERSION) &&
                 (!value || strcmp(value, current) != 0);
    free(current);
    srv_set(&conn->agent, srv_xml_get(srv_xml_find(el, NS_SASL2, "user-agent"), "id"));
    struct srv_xml *initial = srv_xml_find(el, NS_SASL2, "initial-response");
    if (stale)
        srv_sasl_fail(conn, "aborted", NS_IAP, "config-version-mismatch");
    else
        step_text(conn, initial ? srv_xml_content(initial) : NULL);
}

static void respond(struct srv_conn *conn, int profile, const struct srv_xml *el)
{
    if (conn->state != CONN_SASL || conn->sasl.profile != profile || conn->sasl.offered)
        srv_stream_error(conn, "not-authorized", "no exchange is in progress");
    else if (rest_allowed(conn, profile))
        step_text(conn, srv_xml_content(el));
}

bool srv_sasl_element(struct srv_conn *conn, struct srv_xml *el)
{
    struct srv *srv = conn->srv;
    int profile = el->ns && strcmp(el->ns, NS_SASL2) == 0 ? 2 : 1;
    const char *ns = profile == 2 ? NS_SASL2 : NS_SASL1;
    bool on = profile == 2 ? srv_on(srv, SASL2) : srv_on(srv, SASL1);
    if (!on || !el->ns || strcmp(el->ns, ns) != 0)
        return false;
    if (strcmp(el->name, "abort") == 0 && conn->state == CONN_SASL)
        srv_sasl_fail(conn, "aborted", NULL, NULL);
    else if (profile == 2 && srv_task_element(conn, el))
        return true;
    else if (strcmp(el->name, "response") == 0)
        respond(conn, profile, el);
    else if (strcmp(el->name, profile == 2 ? "authenticate" : "auth") != 0)
        return false;
    else if (conn->state == CONN_SASL)
        srv_stream_error(conn, "policy-violation", "an exchange is in progress");
    else
        begin(conn, profile, el);
    return true;
}
