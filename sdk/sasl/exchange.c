/* exchange.c: one exchange: PLAIN, EXTERNAL and HT here, SCRAM in its own file. */
#include "sasl/exchange.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

size_t ep_sasl_hmac(const char *digest, const void *key, size_t key_len, const void *data, size_t n,
                    uint8_t *out)
{
    unsigned len = 0;
    const EVP_MD *md = EVP_get_digestbyname(digest);
    if (!md || !HMAC(md, key, (int)key_len, data, n, out, &len))
        return 0;
    return len;
}

static void secret_free(char *s)
{
    if (s)
        ep_free_secret(s, strlen(s));
}

epode_status ep_sasl_new(ep_sasl **out, const ep_sasl_mech *mech, const ep_sasl_creds *creds,
                         const ep_cb_data *cb_data, ep_cb cb, bool server_lists_plus, ep_error *err)
{
    *out = NULL;
    ep_sasl *s = ep_calloc(1, sizeof *s);
    if (!s)
        return ep_fail(err, EPODE_ENOMEM, 0, "out of memory");
    s->mech = mech;
    if (!ep_str_set(&s->username, creds->username) || !ep_str_set(&s->jid, creds->jid) ||
        !ep_str_set(&s->authzid, creds->authzid) || !ep_str_set(&s->password, creds->password) ||
        !ep_str_set(&s->token, creds->token) || !ep_str_set(&s->bearer, creds->bearer)) {
        ep_sasl_free(s);
        return ep_fail(err, EPODE_ENOMEM, 0, "out of memory");
    }
    if (ep_scram_keys_fit(creds->keys, mech)) {
        s->keys = *creds->keys;
        s->keys_given = true;
    }
    s->cb = mech->kind == EP_SASL_HT ? mech->cb : mech->plus ? cb : EP_CB_NONE;
    const uint8_t *bytes = ep_cb_bytes(cb_data, s->cb, &s->cb_len);
    if (s->cb != EP_CB_NONE && (!s->cb_len || s->cb_len > EP_CB_MAX_BYTES)) {
        ep_sasl_free(s);
        return ep_fail(err, EPODE_EAUTH, 0, "%s needs channel binding, which this connection lacks",
                       mech->name);
    }
    if (s->cb_len)
        memcpy(s->cb_bytes, bytes, s->cb_len);
    if (mech->kind == EP_SASL_SCRAM)
        s->cb_flag = mech->plus ? 'p' : (ep_cb_set(cb_data) && !server_lists_plus) ? 'y' : 'n';
    *out = s;
    return EPODE_OK;
}

void ep_sasl_free(ep_sasl *s)
{
    if (!s)
        return;
    ep_free(s->username);
    secret_free(s->password);
    secret_free(s->token);
    secret_free(s->bearer);
    ep_free(s->jid);
    ep_free(s->authzid);
    ep_free(s->advertised);
    ep_free(s->nonce);
    ep_free(s->first_bare);
    ep_free(s->gs2);
    ep_free_secret(s, sizeof *s);
}

const ep_sasl_mech *ep_sasl_mechanism(const ep_sasl *s)
{
    return s->mech;
}

const ep_scram_keys *ep_sasl_keys(const ep_sasl *s)
{
    return s->mech->kind == EP_SASL_SCRAM && s->keys.mechanism[0] ? &s->keys : NULL;
}

char ep_sasl_cb_flag(const ep_sasl *s)
{
    return s->cb_flag;
}

/* HMAC(token, label || channel binding) of draft-schmaus-kitten-sasl-ht. */
static size_t ht_hash(const ep_sasl *s, const char *label, uint8_t *out)
{
    uint8_t data[16 + EP_CB_MAX_BYTES];
    size_t n = strlen(label);
    memcpy(data, label, n);
    memcpy(data + n, s->cb_bytes, s->cb_len);
    return ep_sasl_hmac(s->mech->digest, s->token, strlen(s->token), data, n + s->cb_len, out);
}

static epode_status ht_initial(ep_sasl *s, ep_buf *out, ep_error *err)
{
    uint8_t hash[64];
    size_t n;
    if (!s->username || !s->token)
        return ep_fail(err, EPODE_EAUTH, 0, "no token to authenticate with");
    if (!(n = ht_hash(s, "Initiator", hash)))
        return ep_fail(err, EPODE_ENOMEM, 0, "the hash of %s failed", s->mech->name);
    ep_buf_add(out, s->username, strlen(s->username) + 1);
    ep_buf_add(out, hash, n);
    return out->failed ? EPODE_ENOMEM : EPODE_OK;
}

static epode_status ht_finish(ep_sasl *s, const void *data, size_t n, ep_error *err)
{
    uint8_t hash[64];
    size_t len = ht_hash(s, "Responder", hash);
    if (!len || len != n || !ep_equal_ct(hash, data, n))
        return ep_fail(err, EPODE_EAUTH, 0, "the server did not prove that it knows the token");
    return EPODE_OK;
}

static epode_status plain_initial(ep_sasl *s, ep_buf *out, ep_error *err)
{
    if (!s->username || !s->password)
        return ep_fail(err, EPODE_EAUTH, 0, "a password is needed");
    ep_buf_putc(out, '\0');
    ep_buf_add(out, s->username, strlen(s->username) + 1);
    ep_buf_puts(out, s->password);
    return out->failed ? EPODE_ENOMEM : EPODE_OK;
}

/* XEP-0178: empty where the certificate says who it is. */
static epode_status external_initial(ep_sasl *s, ep_buf *out)
{
    if (s->authzid)
        ep_buf_puts(out, s->authzid);
    return out->failed ? EPODE_ENOMEM : EPODE_OK;
}

epode_status ep_sasl_initial(ep_sasl *s, ep_buf *out, ep_error *err)
{
    switch (s->mech->kind) {
    case EP_SASL_PLAIN: return plain_initial(s, out, err);
    case EP_SASL_EXTERNAL: return external_initial(s, out);
    case EP_SASL_BEARER: return ep_bearer_initial(s, out, err);
    case EP_SASL_SCRAM: return ep_scram_initial(s, out, err);
    case EP_SASL_HT: return ht_initial(s, out, err);
    }
    return EPODE_EINVAL;
}

epode_status ep_sasl_step(ep_sasl *s, const void *challenge, size_t n, ep_buf *out, ep_error *err)
{
    if (s->mech->kind == EP_SASL_SCRAM)
        return ep_scram_step(s, challenge, n, out, err);
    if (s->mech->kind == EP_SASL_BEARER)
        return ep_bearer_step(s, challenge, n, out, err);
    return ep_fail(err, EPODE_EPROTO, 0, "the server sent a challenge that %s does not have", s->mech->name);
}

epode_status ep_sasl_finish(ep_sasl *s, const void *data, size_t n, ep_error *err)
{
    switch (s->mech->kind) {
    case EP_SASL_SCRAM: return ep_scram_finish(s, data, n, err);
    case EP_SASL_HT: return ht_finish(s, data, n, err);
    case EP_SASL_BEARER:
        /* It said no, and now says yes. */
        if (s->refused)
            return ep_fail(err, EPODE_EPROTO, 0, "the server refused the token and then accepted it");
        break;
    case EP_SASL_PLAIN:
    case EP_SASL_EXTERNAL: break;
    }
    return EPODE_OK;
}

bool ep_sasl_used_keys(const ep_sasl *s)
{
    return s && s->keys_given;
}
