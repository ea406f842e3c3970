/* Tasks between the SASL exchange and success (XEP-0388, 2.6.3): a second factor, and upgrades of
 * SCRAM (XEP-0480). */
#include "internal.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define NS_TOTP "urn:totp:example"
#define NS_UPGRADE "urn:xmpp:sasl:upgrade:0"
#define NS_SCRAM_UPGRADE "urn:xmpp:scram-upgrade:0"
#define FACTOR "TOTP-EXAMPLE" /* XEP-0388's own example: no other specification has one */
#define PREFIX "UPGR-"

/* ---- What upgrades have left ---- */

static char *base_name(const char *mechanism)
{
    size_t len = strlen(mechanism);
    bool plus = len > 5 && strcmp(mechanism + len - 5, "-PLUS") == 0;
    return srv_dup_n(mechanism, plus ? len - 5 : len);
}

bool srv_upgraded(struct srv *srv, const char *user, const char *mechanism, char **salt,
                  char **salted)
{
    char *base = base_name(mechanism);
    *salt = srv_query_text(srv, "SELECT salt FROM upgrades WHERE user=?1 AND mechanism=?2", user,
                           base);
    *salted = srv_query_text(srv, "SELECT salted FROM upgrades WHERE user=?1 AND mechanism=?2",
                             user, base);
    free(base);
    return *salt && *salted;
}

bool srv_upgrade_missing(struct srv *srv, const char *user, const char *mechanism)
{
    char *base = base_name(mechanism), *salt = NULL, *salted = NULL;
    bool listed = srv_listed(srv_text(srv, UPGRADES), base);
    bool there = listed && user && srv_upgraded(srv, user, base, &salt, &salted);
    free(base);
    free(salt);
    free(salted);
    return listed && !there;
}

void srv_upgrades_forget(struct srv *srv, const char *user)
{
    srv_exec(srv, "DELETE FROM upgrades WHERE user=?1", user, NULL, NULL);
}

/* ---- The order of things ---- */

/* The first upgrade that was asked for, is offered and not there; a pointer into the request. */
static const char *wanted_upgrade(struct srv_conn *conn)
{
    for (struct srv_xml *at = conn->sasl.request->first; at; at = at->next) {
        if (!srv_xml_is(at, NS_UPGRADE, "upgrade"))
            continue;
        const char *name = srv_xml_content(at);
        size_t n = strlen(PREFIX);
        if (strncmp(name, PREFIX, n) == 0 &&
            srv_upgrade_missing(conn->srv, conn->sasl.user, name + n))
            return name;
    }
    return NULL;
}

static void say_continue(struct srv_conn *conn, const struct srv_buf *data, const char *text)
{
    struct srv_xml *el = srv_xml_new(NS_SASL2, "continue");
    if (data && data->len) {
        char *encoded = srv_base64(data->data, data->len);
        srv_xml_puts(srv_xml_child(el, NS_SASL2, "additional-data"), encoded);
        free(encoded);
    }
    struct srv_xml *tasks = srv_xml_child(el, NS_SASL2, "tasks");
    srv_xml_puts(srv_xml_child(tasks, NS_SASL2, "task"), conn->sasl.offered);
    if (text)
        srv_xml_puts(srv_xml_child(el, NS_SASL2, "text"), text);
    conn->continued = true;
    conn->state = CONN_SASL;
    srv_count(conn->srv, "continues");
    srv_conn_send(conn, el);
    srv_xml_free(el);
}

bool srv_task_next(struct srv_conn *conn, const struct srv_buf *data)
{
    struct srv_sasl *sasl = &conn->sasl;
    free(sasl->task);
    sasl->task = NULL;
    sasl->offered = NULL;
    if (sasl->profile != 2)
        return false;
    if (*srv_text(conn->srv, SECOND_FACTOR) && !sasl->factor_done && !sasl->mechanism->fast) {
        sasl->offered = FACTOR;
        say_continue(conn, data, "This account requires 2FA");
    } else if ((sasl->offered = wanted_upgrade(conn))) {
        say_continue(conn, data, NULL);
    }
    return sasl->offered != NULL;
}

static void done(struct srv_conn *conn)
{
    static const struct srv_buf nothing;
    if (!srv_task_next(conn, &nothing))
        srv_sasl_finish(conn, &nothing);
}

/* ---- The second factor ---- */

static void send_data(struct srv_conn *conn, struct srv_xml *content)
{
    struct srv_xml *el = srv_xml_new(NS_SASL2, "task-data");
    srv_xml_add(el, content);
    srv_conn_send(conn, el);
    srv_xml_free(el);
}

/* A code in <next/> or in <task-data/>; without one in <next/> it is asked for. */
static void factor(struct srv_conn *conn, const struct srv_xml *el, bool first)
{
    const struct srv_xml *totp = srv_xml_find(el, NS_TOTP, "totp");
    const char *want = srv_text(conn->srv, SECOND_FACTOR);
    size_t len = 0;
    char *code = totp ? srv_unbase64(srv_xml_content(totp), &len) : NULL;
    if (!totp && first) {
        struct srv_xml *prompt = srv_xml_new(NS_TOTP, "totp");
        srv_xml_puts(prompt, "NiBkaWdpdHM="); /* "6 digits" */
        send_data(conn, prompt);
        return;
    }
    bool right = code && len == strlen(want) && CRYPTO_memcmp(code, want, len) == 0;
    free(code);
    if (!right) {
        srv_sasl_fail(conn, "not-authorized", NULL, NULL);
        return;
    }
    srv_count(conn->srv, "second-factors");
    conn->sasl.factor_done = true;
    done(conn);
}

/* ---- Upgrades ---- */

static void say_salt(struct srv_conn *conn)
{
    uint8_t raw[16];
    char *iterations = srv_format("%ld", srv_number(conn->srv, SCRAM_ITERATIONS));
    srv_random(conn->srv, raw, sizeof raw);
    free(conn->sasl.salt);
    conn->sasl.salt = srv_base64(raw, sizeof raw);
    struct srv_xml *salt = srv_xml_new(NS_SCRAM_UPGRADE, "salt");
    srv_xml_set(salt, "iterations", iterations);
    srv_xml_puts(salt, conn->sasl.salt);
    send_data(conn, salt);
    free(iterations);
}

static void take_hash(struct srv_conn *conn, const struct srv_xml *el)
{
    const struct srv_xml *hash = srv_xml_find(el, NS_SCRAM_UPGRADE, "hash");
    const char *mechanism = conn->sasl.task + strlen(PREFIX);
    const struct srv_mechanism *row = srv_mechanism_find(mechanism);
    size_t len = 0;
    char *salted = hash ? srv_unbase64(srv_xml_content(hash), &len) : NULL;
    bool fits = salted && row && len == (strstr(mechanism, "512") ? 64u : 32u);
    free(salted);
    if (!fits || srv_hit(conn->srv, UPGRADE_FAILS)) {
        srv_sasl_fail(conn, fits ? "temporary-auth-failure" : "malformed-request", NULL, NULL);
        return;
    }
    sqlite3_stmt *stmt = srv_prepare(conn->srv, "INSERT OR REPLACE INTO upgrades VALUES(?1, ?2, ?3,"
                                     " ?4)", conn->sasl.user, mechanism);
    sqlite3_bind_text(stmt, 3, conn->sasl.salt, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(stmt, 4, srv_xml_content(hash), -1, SQLITE_TRANSIENT);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    srv_count(conn->srv, "upgrades");
    done(conn);
}

bool srv_task_element(struct srv_conn *conn, const struct srv_xml *el)
{
    struct srv_sasl *sasl = &conn->sasl;
    bool next = strcmp(el->name, "next") == 0;
    if (!next && strcmp(el->name, "task-data") != 0)
        return false;
    const char *task = srv_xml_get(el, "task");
    if (conn->state != CONN_SASL || !sasl->offered || next == (sasl->task != NULL)) {
        srv_stream_error(conn, "not-authorized", "no task is under way");
        return true;
    }
    if (next && (!task || strcmp(task, sasl->offered) != 0)) {
        srv_sasl_fail(conn, "malformed-request", NULL, NULL);
        return true;
    }
    if (next)
        sasl->task = srv_dup(task);
    if (strcmp(sasl->task, FACTOR) == 0)
        factor(conn, el, next);
    else if (next)
        say_salt(conn);
    else
        take_hash(conn, el);
    return true;
}
