/* FAST: tokens in two slots (XEP-0484) and the HT mechanisms (draft-schmaus-kitten-sasl-ht). */
#include "internal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_CURRENT 0
#define SLOT_NEW 1

struct token {
    char *mechanism, *text;
    int64_t issued_us, expires_us, count;
};

static bool load(struct srv *srv, const char *user, const char *agent, int slot,
                 struct token *token)
{
    memset(token, 0, sizeof *token);
    sqlite3_stmt *stmt = srv_prepare(srv, "SELECT mechanism, token, issued_us, expires_us, count"
                                     " FROM tokens WHERE user=?1 AND agent=?2 AND slot=?3",
                                     user, agent);
    sqlite3_bind_int(stmt, 3, slot);
    bool found = sqlite3_step(stmt) == SQLITE_ROW;
    if (found) {
        token->mechanism = srv_dup((const char *)sqlite3_column_text(stmt, 0));
        token->text = srv_dup((const char *)sqlite3_column_text(stmt, 1));
        token->issued_us = sqlite3_column_int64(stmt, 2);
        token->expires_us = sqlite3_column_int64(stmt, 3);
        token->count = sqlite3_column_int64(stmt, 4);
    }
    sqlite3_finalize(stmt);
    return found;
}

static void unload(struct token *token)
{
    free(token->mechanism);
    free(token->text);
    memset(token, 0, sizeof *token);
}

static void drop(struct srv *srv, const char *user, const char *agent, int slot)
{
    sqlite3_stmt *stmt = srv_prepare(srv, "DELETE FROM tokens WHERE user=?1 AND agent=?2"
                                     " AND slot=?3", user, agent);
    sqlite3_bind_int(stmt, 3, slot);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
}

void srv_tokens_forget(struct srv *srv, const char *user)
{
    if (user)
        srv_exec(srv, "DELETE FROM tokens WHERE user=?1", user, NULL, NULL);
    else
        srv_exec(srv, "DELETE FROM tokens", NULL, NULL, NULL);
}

static unsigned mac(const struct srv_mechanism *row, const char *token, const char *label,
                    const struct srv_buf *binding, uint8_t out[EVP_MAX_MD_SIZE])
{
    unsigned n = 0;
    struct srv_buf text = {0};
    srv_buf_puts(&text, label);
    if (binding)
        srv_buf_add(&text, binding->data, binding->len);
    if (!HMAC(EVP_get_digestbyname(row->digest), token, (int)strlen(token), (uint8_t *)text.data,
              text.len, out, &n))
        abort();
    srv_buf_free(&text);
    return n;
}

/* Is this the token in `slot`? Says "" when right, the failure when it may not be used, or NULL. */
static const char *try_slot(struct srv_conn *conn, const char *user, int slot,
                            const uint8_t *hash, struct token *token)
{
    const struct srv_mechanism *row = conn->sasl.mechanism;
    uint8_t want[EVP_MAX_MD_SIZE];
    if (!load(conn->srv, user, conn->agent, slot, token))
        return NULL;
    unsigned n = mac(row, token->text, "Initiator", srv_binding(conn, row->binding), want);
    if (CRYPTO_memcmp(want, hash, n) != 0 || strcmp(token->mechanism, row->name) != 0) {
        unload(token);
        return NULL;
    }
    return token->expires_us <= conn->srv->now_us ? "credentials-expired" : "";
}

/* XEP-0484, 3.4: a count must be there in early data, and must grow wherever it is given. */
static bool count_grows(struct srv_conn *conn, const char *user, const struct token *token,
                        int slot)
{
    const char *text = srv_xml_get(srv_xml_find(conn->sasl.request, NS_FAST, "fast"), "count");
    int64_t count = text ? strtoll(text, NULL, 10) : 0;
    if (!text)
        return !conn->tls.early;
    if (count <= token->count) {
        srv_count(conn->srv, "replays-refused");
        return false;
    }
    sqlite3_stmt *stmt = srv_prepare(conn->srv, "UPDATE tokens SET count=?4 WHERE user=?1"
                                     " AND agent=?2 AND slot=?3", user, conn->agent);
    sqlite3_bind_int(stmt, 3, slot);
    sqlite3_bind_int64(stmt, 4, count);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    return true;
}

static void accept_token(struct srv_conn *conn, const char *user, const struct token *token,
                         int slot, struct srv_buf *out)
{
    uint8_t answer[EVP_MAX_MD_SIZE];
    struct srv *srv = conn->srv;
    const struct srv_mechanism *row = conn->sasl.mechanism;
    unsigned n = mac(row, token->text, "Responder", srv_binding(conn, row->binding), answer);
    if (srv_hit(srv, WRONG_RESPONDER))
        answer[0] ^= 1;
    if (!srv_hit(srv, NO_RESPONDER))
        srv_buf_add(out, answer, n);
    if (slot == SLOT_NEW) { /* XEP-0484, 5.1: used for the first time, it takes the other's place */
        drop(srv, user, conn->agent, SLOT_CURRENT);
        srv_exec(srv, "UPDATE tokens SET slot=0 WHERE user=?1 AND agent=?2 AND slot=1", user,
                 conn->agent, NULL);
    }
    conn->sasl.slot = SLOT_CURRENT;
    srv_set(&conn->sasl.user, user);
    srv_count(srv, "tokens-used");
}

enum srv_step srv_fast_start(struct srv_conn *conn, const char *data, size_t len,
                             struct srv_buf *out)
{
    const char *end = memchr(data, '\0', len), *verdict = NULL;
    const char *type = conn->sasl.mechanism->binding;
    struct token token = {0};
    int slot = SLOT_NEW;
    size_t size = (size_t)EVP_MD_get_size(EVP_get_digestbyname(conn->sasl.mechanism->digest));
    if (!end || len - (size_t)(end - data) - 1 != size || !conn->agent)
        return srv_step_fail(out, "malformed-request");
    if (*type && !srv_binding(conn, type))
        return srv_step_fail(out, "not-authorized");
    const uint8_t *hash = (const uint8_t *)end + 1;
    verdict = try_slot(conn, data, SLOT_NEW, hash, &token);
    if (!verdict) {
        slot = SLOT_CURRENT;
        verdict = try_slot(conn, data, SLOT_CURRENT, hash, &token);
    }
    if (verdict && !*verdict && !count_grows(conn, data, &token, slot))
        verdict = NULL;
    if (verdict && !*verdict)
        accept_token(conn, data, &token, slot, out);
    unload(&token);
    if (!verdict)
        return srv_step_fail(out, "not-authorized");
    return *verdict ? srv_step_fail(out, verdict) : STEP_OK;
}

static void issue(struct srv_conn *conn, const char *mechanism, struct srv_xml *success)
{
    struct srv *srv = conn->srv;
    char expiry[SRV_STAMP_MAX];
    int64_t expires_us = srv->now_us + srv_number(srv, TOKEN_SECONDS) * INT64_C(1000000);
    char *first = srv_random_id(srv), *second = srv_random_id(srv);
    char *text = srv_format("secret-token:fast-%s%s", first, second);
    sqlite3_stmt *stmt = srv_prepare(srv, "INSERT OR REPLACE INTO tokens(user, agent, slot,"
                                     " mechanism, token, issued_us, expires_us)"
                                     " VALUES(?1, ?2, 1, ?3, ?4, ?5, ?6)", conn->user, conn->agent);
    sqlite3_bind_text(stmt, 3, mechanism, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(stmt, 4, text, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(stmt, 5, srv->now_us);
    sqlite3_bind_int64(stmt, 6, expires_us);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    srv_stamp(expires_us, expiry);
    struct srv_xml *el = srv_xml_child(success, NS_FAST, "token");
    srv_xml_set(el, "token", text);
    srv_xml_set(el, "expiry", expiry);
    srv_count(srv, "tokens-issued");
    free(first);
    free(second);
    free(text);
}

static bool due_for_rotation(struct srv_conn *conn)
{
    struct token token;
    const char *rule = srv_text(conn->srv, TOKEN_ROTATION);
    if (strcmp(rule, "always") == 0)
        return true;
    if (strcmp(rule, "half") != 0 ||
        !load(conn->srv, conn->user, conn->agent, SLOT_CURRENT, &token))
        return false;
    int64_t half = token.issued_us + (token.expires_us - token.issued_us) / 2;
    unload(&token);
    return conn->srv->now_us > half;
}

void srv_token_answer(struct srv_conn *conn, struct srv_xml *success)
{
    const struct srv_xml *fast = srv_xml_find(conn->sasl.request, NS_FAST, "fast");
    const struct srv_xml *wish = srv_xml_find(conn->sasl.request, NS_FAST, "request-token");
    const char *mechanism = srv_xml_get(wish, "mechanism");
    bool used = conn->sasl.mechanism->fast;
    bool invalidate = used && srv_xml_true(fast, "invalidate");
    if (!conn->agent || !srv_on(conn->srv, FAST))
        return;
    if (invalidate)
        drop(conn->srv, conn->user, conn->agent, conn->sasl.slot);
    if (mechanism && srv_fast_offered(conn, mechanism))
        issue(conn, mechanism, success);
    else if (used && !invalidate && due_for_rotation(conn))
        issue(conn, conn->sasl.mechanism->name, success);
}
