/* SCRAM, with and without channel binding (RFC 5802, RFC 7677), the server's side. */
#include "internal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

struct keys {
    uint8_t salted[EVP_MAX_MD_SIZE], client[EVP_MAX_MD_SIZE], stored[EVP_MAX_MD_SIZE];
    uint8_t server[EVP_MAX_MD_SIZE];
    int len;
};

static const EVP_MD *digest_of(const struct srv_conn *conn)
{
    return EVP_get_digestbyname(conn->sasl.mechanism->digest);
}

static void hmac(const EVP_MD *md, const uint8_t *key, int key_len, const char *text,
                 uint8_t out[EVP_MAX_MD_SIZE])
{
    if (!HMAC(md, key, key_len, (const uint8_t *)text, strlen(text), out, NULL))
        abort();
}

static void derive_keys(struct keys *keys, const EVP_MD *md)
{
    hmac(md, keys->salted, keys->len, "Client Key", keys->client);
    hmac(md, keys->salted, keys->len, "Server Key", keys->server);
    if (EVP_Digest(keys->client, (size_t)keys->len, keys->stored, NULL, md, NULL) != 1)
        abort();
}

static void derive(struct srv_conn *conn, struct keys *keys)
{
    const EVP_MD *md = digest_of(conn);
    size_t salt_len;
    char *kept_salt, *kept;
    keys->len = EVP_MD_size(md);
    if (srv_upgraded(conn->srv, conn->sasl.user, conn->sasl.mechanism->name, &kept_salt, &kept)) {
        char *raw = srv_unbase64(kept, &salt_len);
        if (!raw || salt_len != (size_t)keys->len)
            abort();
        memcpy(keys->salted, raw, salt_len);
        free(raw);
        free(kept_salt);
        free(kept);
        derive_keys(keys, md);
        return;
    }
    char *password = srv_user_password(conn->srv, conn->sasl.user);
    char *salt64 = srv_user_salt(conn->srv, conn->sasl.user);
    char *salt = srv_unbase64(salt64, &salt_len);
    if (!password || !salt ||
        PKCS5_PBKDF2_HMAC(password, (int)strlen(password), (uint8_t *)salt, (int)salt_len,
                          (int)srv_number(conn->srv, SCRAM_ITERATIONS), md, keys->len,
                          keys->salted) != 1)
        abort();
    derive_keys(keys, md);
    free(password);
    free(salt64);
    free(salt);
}

/* RFC 5802, 5.1: "=2C" is a comma and "=3D" an equals sign. NULL: neither. */
static char *unescape(const char *text, size_t len)
{
    char *name = srv_alloc(len + 1), *to = name;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '=') {
            *to++ = text[i];
        } else if (i + 2 < len && memcmp(text + i, "=2C", 3) == 0) {
            *to++ = ',';
            i += 2;
        } else if (i + 2 < len && memcmp(text + i, "=3D", 3) == 0) {
            *to++ = '=';
            i += 2;
        } else {
            free(name);
            return NULL;
        }
    }
    return name;
}

/* The value of "k=..." at the start of `*at`; steps behind its comma. The caller's. */
static char *attribute(const char **at, char key)
{
    if ((*at)[0] != key || (*at)[1] != '=')
        return NULL;
    const char *value = *at + 2;
    size_t len = strcspn(value, ",");
    *at = value + len + (value[len] == ',');
    return srv_dup_n(value, len);
}

static bool plus_offered(const struct srv_conn *conn)
{
    return srv_mechanism_offered(conn, "SCRAM-SHA-1-PLUS") ||
           srv_mechanism_offered(conn, "SCRAM-SHA-256-PLUS") ||
           srv_mechanism_offered(conn, "SCRAM-SHA-512-PLUS");
}

/* Checks the channel-binding flag (RFC 5802, 6). NULL, or the failure. */
static const char *check_flag(struct srv_conn *conn, const char *flag)
{
    bool plus = conn->sasl.mechanism->binding != NULL;
    if (strncmp(flag, "p=", 2) == 0) {
        char *type = srv_dup_n(flag + 2, strcspn(flag + 2, ","));
        bool usable = srv_binding_offered(conn, type) && srv_binding(conn, type);
        free(type);
        return plus && usable ? NULL : "not-authorized";
    }
    if (plus || (flag[0] != 'n' && flag[0] != 'y') || flag[1] != ',')
        return "malformed-request";
    /* "y": the client believes that we cannot bind. If we can, somebody removed it on the way. */
    if (flag[0] == 'y' && plus_offered(conn)) {
        srv_count(conn->srv, "downgrades-detected");
        return "not-authorized";
    }
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* XEP-0474: the offered names of a list, sorted, between 0x1e. */
static void join_sorted(struct srv_conn *conn, const char *list, bool types, struct srv_buf *out)
{
    char *names[32], *copy = srv_dup(list), *save = NULL;
    size_t count = 0;
    for (char *name = strtok_r(copy, " ", &save); name && count < 32;
         name = strtok_r(NULL, " ", &save))
        if (types ? srv_binding_offered(conn, name) : srv_mechanism_offered(conn, name))
            names[count++] = name;
    qsort(names, count, sizeof names[0], by_name);
    for (size_t i = 0; i < count; i++)
        srv_buf_printf(out, "%s%s", i ? "\x1e" : "", names[i]);
    free(copy);
}

static void downgrade_hash(struct srv_conn *conn, struct srv_buf *out)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len;
    struct srv_buf text = {0};
    join_sorted(conn, srv_text(conn->srv, MECHANISMS), false, &text);
    struct srv_buf types = {0};
    if (srv_bindings_listed(conn))
        join_sorted(conn, srv_text(conn->srv, CB_TYPES), true, &types);
    if (types.len)
        srv_buf_printf(&text, "\x1f%s", types.data);
    if (EVP_Digest(text.data, text.len, hash, &len, digest_of(conn), NULL) != 1)
        abort();
    char *encoded = srv_base64(hash, len);
    srv_buf_printf(out, ",h=%s", encoded);
    free(encoded);
    srv_buf_free(&text);
    srv_buf_free(&types);
}

static void server_first(struct srv_conn *conn, const char *bare, const char *client_nonce,
                         struct srv_buf *out)
{
    struct srv *srv = conn->srv;
    char *own = srv_random_id(srv);
    char *salt, *kept;
    if (srv_upgraded(srv, conn->sasl.user, conn->sasl.mechanism->name, &salt, &kept))
        free(kept);
    else
        salt = srv_user_salt(srv, conn->sasl.user);
    free(conn->sasl.nonce);
    conn->sasl.nonce = srv_format("%s%s", client_nonce, own);
    srv_buf_printf(out, "r=%s,s=%s,i=%ld", conn->sasl.nonce, salt,
                   srv_number(srv, SCRAM_ITERATIONS));
    if (*srv_text(srv, SCRAM_EXTRA))
        srv_buf_printf(out, ",%s", srv_text(srv, SCRAM_EXTRA));
    if (srv_on(srv, SCRAM_HASH))
        downgrade_hash(conn, out);
    srv_buf_printf(&conn->sasl.first, "%s,%s", bare, out->data);
    free(own);
    free(salt);
}

enum srv_step srv_scram_start(struct srv_conn *conn, const char *data, size_t len,
                              struct srv_buf *out)
{
    char *message = srv_dup_n(data, len);
    const char *failure = check_flag(conn, message), *bare = NULL, *at;
    char *name = NULL, *nonce = NULL, *user = NULL;
    const char *comma = strchr(message, ',');
    const char *second = comma ? strchr(comma + 1, ',') : NULL;
    if (!failure && (!second || strlen(message) != len))
        failure = "malformed-request";
    if (failure)
        goto done;
    bare = at = second + 1;
    conn->sasl.gs2 = srv_dup_n(message, (size_t)(bare - message));
    name = attribute(&at, 'n');
    nonce = name ? attribute(&at, 'r') : NULL;
    user = name ? unescape(name, strlen(name)) : NULL;
    if (!user || !nonce || !*nonce) {
        failure = "malformed-request";
    } else if (!srv_user_exists(conn->srv, user)) {
        failure = "not-authorized";
    } else if (second > comma + 1) {
        char *own = srv_format("a=%s@%s,", user, conn->srv->domain);
        if (strncmp(comma + 1, own, strlen(own)) != 0)
            failure = "invalid-authzid";
        free(own);
    }
    if (!failure) {
        srv_set(&conn->sasl.user, user);
        server_first(conn, bare, nonce, out);
    }
done:
    free(message);
    free(name);
    free(nonce);
    free(user);
    return failure ? srv_step_fail(out, failure) : STEP_CHALLENGE;
}

/* "c=" must be the gs2 header sent first, and the binding's data (RFC 5802, 7). */
static bool binding_matches(struct srv_conn *conn, const char *encoded)
{
    struct srv_buf want = {0};
    size_t len;
    srv_buf_puts(&want, conn->sasl.gs2);
    if (strncmp(conn->sasl.gs2, "p=", 2) == 0) {
        char *type = srv_dup_n(conn->sasl.gs2 + 2, strcspn(conn->sasl.gs2 + 2, ","));
        const struct srv_buf *data = srv_binding(conn, type);
        free(type);
        if (data)
            srv_buf_add(&want, data->data, data->len);
    }
    char *got = srv_unbase64(encoded, &len);
    bool same = got && len == want.len && memcmp(got, want.data, len) == 0;
    free(got);
    srv_buf_free(&want);
    return same;
}

static bool proof_matches(const EVP_MD *md, const struct keys *keys, const char *auth,
                          const char *encoded)
{
    uint8_t signature[EVP_MAX_MD_SIZE], hash[EVP_MAX_MD_SIZE];
    size_t len;
    char *proof = srv_unbase64(encoded, &len);
    bool right = false;
    if (proof && len == (size_t)keys->len) {
        hmac(md, keys->stored, keys->len, auth, signature);
        for (size_t i = 0; i < len; i++)
            signature[i] ^= (uint8_t)proof[i];
        right = EVP_Digest(signature, len, hash, NULL, md, NULL) == 1 &&
                CRYPTO_memcmp(hash, keys->stored, len) == 0;
    }
    free(proof);
    return right;
}

static void sign(struct srv_conn *conn, const struct keys *keys, const char *auth,
                 struct srv_buf *out)
{
    uint8_t signature[EVP_MAX_MD_SIZE];
    hmac(digest_of(conn), keys->server, keys->len, auth, signature);
    if (srv_hit(conn->srv, WRONG_SIGNATURE))
        signature[0] ^= 1;
    if (srv_hit(conn->srv, NO_SIGNATURE))
        return;
    char *encoded = srv_base64(signature, (size_t)keys->len);
    srv_buf_printf(out, "v=%s", encoded);
    free(encoded);
}

enum srv_step srv_scram_next(struct srv_conn *conn, const char *data, size_t len,
                             struct srv_buf *out)
{
    char *message = srv_dup_n(data, len);
    const char *at = message, *mark = strstr(message, ",p=");
    char *binding = attribute(&at, 'c');
    char *nonce = binding ? attribute(&at, 'r') : NULL;
    const char *failure = NULL;
    if (!nonce || !mark || strlen(message) != len) {
        failure = "malformed-request";
    } else if (!binding_matches(conn, binding) || strcmp(nonce, conn->sasl.nonce) != 0) {
        failure = "not-authorized";
    } else {
        struct keys keys;
        struct srv_buf auth = {0};
        derive(conn, &keys);
        srv_buf_printf(&auth, "%s,", conn->sasl.first.data);
        srv_buf_add(&auth, message, (size_t)(mark - message));
        if (proof_matches(digest_of(conn), &keys, auth.data, mark + 3))
            sign(conn, &keys, auth.data, out);
        else
            failure = "not-authorized";
        srv_buf_free(&auth);
        OPENSSL_cleanse(&keys, sizeof keys);
    }
    free(message);
    free(binding);
    free(nonce);
    return failure ? srv_step_fail(out, failure) : STEP_OK;
}
