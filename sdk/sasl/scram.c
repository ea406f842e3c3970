/* scram.c: SCRAM (RFC 5802, RFC 7677) over OpenSSL's HMAC and PBKDF2. */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/idn.h"
#include "base/rand.h"
#include "base/str.h"
#include "sasl/exchange.h"

/* RFC 7677 section 4 asks for at least 4096; above the maximum a server could stall its clients. */
#define SCRAM_MIN_ITERATIONS 4096
#define SCRAM_MAX_ITERATIONS 2000000

epode_status ep_sasl_set_nonce(ep_sasl *s, const char *nonce)
{
    return ep_str_set(&s->nonce, nonce) ? EPODE_OK : EPODE_ENOMEM;
}

static void scram_base_name(const ep_sasl_mech *mech, char *out, size_t room)
{
    size_t n = strlen(mech->name) - (mech->plus ? strlen("-PLUS") : 0);
    snprintf(out, room, "%.*s", (int)n, mech->name);
}

bool ep_scram_keys_fit(const ep_scram_keys *keys, const ep_sasl_mech *mech)
{
    char base[24];
    if (!keys || mech->kind != EP_SASL_SCRAM)
        return false;
    scram_base_name(mech, base, sizeof base);
    return strcmp(keys->mechanism, base) == 0;
}

static epode_status scram_nonce(ep_sasl *s)
{
    uint8_t raw[18];
    if (s->nonce)
        return EPODE_OK;
    if (!ep_rand_bytes(raw, sizeof raw) || !(s->nonce = ep_b64_encode(raw, sizeof raw)))
        return EPODE_ENOMEM;
    return EPODE_OK;
}

void ep_sasl_put_name(ep_buf *out, const char *name)
{
    for (; *name; name++) {
        if (*name == ',' || *name == '=')
            ep_buf_puts(out, *name == ',' ? "=2C" : "=3D");
        else
            ep_buf_putc(out, *name);
    }
}

epode_status ep_scram_initial(ep_sasl *s, ep_buf *out, ep_error *err)
{
    ep_buf bare = EP_BUF_INIT;
    epode_status st = EPODE_ENOMEM;
    char *user = s->username ? ep_idn_saslprep(s->username, &st) : NULL;
    if (!user)
        return ep_fail(err, st == EPODE_ENOMEM ? EPODE_ENOMEM : EPODE_EINVAL, 0,
                       "the user name cannot be prepared for SCRAM");
    if ((st = scram_nonce(s)))
        goto done;
    ep_buf_puts(&bare, "n=");
    ep_sasl_put_name(&bare, user);
    ep_buf_printf(&bare, ",r=%s", s->nonce);
    ep_free(s->first_bare);
    ep_free(s->gs2);
    s->gs2 = s->cb_flag == 'p' ? ep_asprintf("p=%s,,", ep_cb_name(s->cb)) : ep_asprintf("%c,,", s->cb_flag);
    s->first_bare = ep_buf_detach(&bare);
    st = EPODE_ENOMEM;
    if (!s->gs2 || !s->first_bare)
        goto done;
    ep_buf_puts(out, s->gs2);
    ep_buf_puts(out, s->first_bare);
    st = out->failed ? EPODE_ENOMEM : EPODE_OK;
done:
    ep_free(user);
    ep_buf_free(&bare);
    return st ? ep_fail(err, st, 0, "out of memory") : EPODE_OK;
}

/* Cuts a copy of a message at its commas; false: no memory. */
typedef struct scram_message {
    char *text;
    size_t len;
} scram_message;

static bool scram_split(scram_message *m, const char *text, size_t n)
{
    m->len = n;
    if (!(m->text = ep_strndup(text, n)))
        return false;
    for (char *at = m->text; (at = strchr(at, ',')) != NULL;)
        *at++ = '\0';
    return true;
}

/* The value of attribute c ("r", "s", "i"); NULL: not there. */
static const char *scram_field(const scram_message *m, char c)
{
    for (const char *at = m->text; at <= m->text + m->len; at += strlen(at) + 1)
        if (at[0] == c && at[1] == '=')
            return at + 2;
    return NULL;
}

/* Base64 into *salt (the caller's), within bounds. */
static epode_status scram_salt(const char *salt64, uint64_t iterations, uint8_t **salt, size_t *len, ep_error *err)
{
    *salt = ep_b64_decode(salt64, strlen(salt64), len);
    if (!*salt && *len == EP_B64_NO_MEMORY)
        return ep_fail(err, EPODE_ENOMEM, 0, "out of memory");
    if (*salt && *len && *len <= sizeof((ep_scram_keys *)NULL)->salt && iterations >= SCRAM_MIN_ITERATIONS &&
        iterations <= SCRAM_MAX_ITERATIONS)
        return EPODE_OK;
    ep_free(*salt);
    *salt = NULL;
    return ep_fail(err, EPODE_EPROTO, 0, "the server's SCRAM salt or iteration count is out of bounds");
}

/* SaltedPassword and what follows from it; salted has room for 64 bytes. */
static epode_status scram_hash(const ep_sasl_mech *mech, const char *password, const uint8_t *salt, size_t salt_len,
                               uint32_t iterations, uint8_t *salted, ep_scram_keys *keys, ep_error *err)
{
    epode_status st;
    const EVP_MD *md = EVP_get_digestbyname(mech->digest);
    int size = md ? EVP_MD_get_size(md) : 0;
    char *prepared = ep_idn_saslprep(password, &st);
    if (!prepared)
        return ep_fail(err, st, 0, "the password has characters that SASLprep (RFC 4013) forbids");
    bool ok = size > 0 && PKCS5_PBKDF2_HMAC(prepared, (int)strlen(prepared), salt, (int)salt_len, (int)iterations, md,
                                            size, salted) == 1;
    ep_free_secret(prepared, strlen(prepared));
    if (!ok)
        return ep_fail(err, EPODE_ENOMEM, 0, "PBKDF2 failed");
    memset(keys, 0, sizeof *keys);
    keys->key_len = (size_t)size;
    keys->iterations = iterations;
    keys->salt_len = salt_len;
    memcpy(keys->salt, salt, salt_len);
    if (!ep_sasl_hmac(mech->digest, salted, (size_t)size, "Client Key", 10, keys->client_key) ||
        !ep_sasl_hmac(mech->digest, salted, (size_t)size, "Server Key", 10, keys->server_key))
        return ep_fail(err, EPODE_ENOMEM, 0, "HMAC failed");
    scram_base_name(mech, keys->mechanism, sizeof keys->mechanism);
    return EPODE_OK;
}

epode_status ep_scram_upgrade(const ep_sasl_mech *mech, const char *password, const char *salt64, uint64_t iterations,
                              char **salted64, ep_scram_keys *keys, ep_error *err)
{
    uint8_t *salt, salted[64];
    size_t len;
    *salted64 = NULL;
    epode_status st = scram_salt(salt64, iterations, &salt, &len, err);
    if (st)
        return st;
    st = scram_hash(mech, password, salt, len, (uint32_t)iterations, salted, keys, err);
    if (!st && !(*salted64 = ep_b64_encode(salted, keys->key_len)))
        st = ep_fail(err, EPODE_ENOMEM, 0, "out of memory");
    ep_wipe(salted, sizeof salted);
    ep_free(salt);
    return st;
}

/* Keys of this salt and count: remembered ones if they fit, else PBKDF2 over the password. */
static epode_status scram_derive(ep_sasl *s, const uint8_t *salt, size_t salt_len, uint32_t iterations,
                                 ep_error *err)
{
    uint8_t salted[64];
    if (s->keys_given && s->keys.iterations == iterations &&
        s->keys.salt_len == salt_len && memcmp(s->keys.salt, salt, salt_len) == 0)
        return EPODE_OK;
    if (!s->password)
        return ep_fail(err, EPODE_EAUTH, 0, "the password is needed: the server changed its salt");
    epode_status st = scram_hash(s->mech, s->password, salt, salt_len, iterations, salted, &s->keys, err);
    ep_wipe(salted, sizeof salted);
    s->keys_given = false;
    return st;
}

/* client-final: c=<gs2 + channel binding>,r=<nonce>,p=<proof> */
static epode_status scram_final(ep_sasl *s, const char *server_first, const char *nonce, ep_buf *out,
                                ep_error *err)
{
    uint8_t stored[64], proof[64];
    unsigned n = 0;
    ep_buf cbind = EP_BUF_INIT, final = EP_BUF_INIT, message = EP_BUF_INIT;
    epode_status st = EPODE_ENOMEM;
    char *c64 = NULL, *p64 = NULL;
    ep_buf_puts(&cbind, s->gs2);
    ep_buf_add(&cbind, s->cb_bytes, s->cb_flag == 'p' ? s->cb_len : 0);
    if (cbind.failed || !(c64 = ep_b64_encode(ep_buf_ptr(&cbind), cbind.len)))
        goto done;
    ep_buf_printf(&final, "c=%s,r=%s", c64, nonce);
    ep_buf_printf(&message, "%s,%s,", s->first_bare, server_first);
    ep_buf_add(&message, ep_buf_ptr(&final), final.len);
    if (final.failed || message.failed)
        goto done;
    if (!EVP_Digest(s->keys.client_key, s->keys.key_len, stored, &n,
                    EVP_get_digestbyname(s->mech->digest), NULL) ||
        !ep_sasl_hmac(s->mech->digest, stored, n, ep_buf_ptr(&message), message.len, proof))
        goto done;
    for (unsigned i = 0; i < n; i++)
        proof[i] ^= s->keys.client_key[i];
    s->signature_len = ep_sasl_hmac(s->mech->digest, s->keys.server_key, s->keys.key_len,
                                    ep_buf_ptr(&message), message.len, s->server_signature);
    if (!s->signature_len || !(p64 = ep_b64_encode(proof, n)))
        goto done;
    ep_buf_add(out, ep_buf_ptr(&final), final.len);
    ep_buf_printf(out, ",p=%s", p64);
    if (!out->failed)
        st = EPODE_OK;
    s->proved = st == EPODE_OK;
done:
    ep_free(c64);
    if (p64)
        ep_free_secret(p64, strlen(p64));
    ep_buf_free(&cbind);
    ep_buf_free(&final);
    ep_buf_free(&message);
    return st ? ep_fail(err, st, 0, "out of memory") : EPODE_OK;
}

epode_status ep_scram_step(ep_sasl *s, const char *challenge, size_t n, ep_buf *out, ep_error *err)
{
    epode_status st = EPODE_EPROTO;
    if (memchr(challenge, '\0', n))
        return ep_fail(err, EPODE_EPROTO, 0, "the server's SCRAM message holds a zero byte");
    if (s->proved || !s->first_bare)
        return ep_fail(err, EPODE_EPROTO, 0, "the server sent one SCRAM challenge too many");
    scram_message m = { 0 };
    char *msg = ep_strndup(challenge, n);
    uint8_t *salt = NULL;
    size_t salt_len = 0;
    uint64_t iterations = 0;
    if (!msg || !scram_split(&m, challenge, n)) {
        ep_free(msg);
        return ep_fail(err, EPODE_ENOMEM, 0, "out of memory");
    }
    const char *nonce = scram_field(&m, 'r'), *salt64 = scram_field(&m, 's'), *count = scram_field(&m, 'i');
    if (strncmp(msg, "m=", 2) == 0) {
        ep_fail(err, st, 0, "the server asks for a SCRAM extension that is not known");
        goto done;
    }
    if (!nonce || !salt64 || !ep_str_u64(count, &iterations)) {
        ep_fail(err, st, 0, "the server's SCRAM message is incomplete");
        goto done;
    }
    if (strncmp(nonce, s->nonce, strlen(s->nonce)) != 0 || strlen(nonce) == strlen(s->nonce)) {
        ep_fail(err, st, 0, "the server's SCRAM nonce does not continue ours");
        goto done;
    }
    if ((st = scram_salt(salt64, iterations, &salt, &salt_len, err)))
        goto done;
    if ((st = ep_scram_check_advertised(s, scram_field(&m, 'h'), err)) == EPODE_OK &&
        (st = scram_derive(s, salt, salt_len, (uint32_t)iterations, err)) == EPODE_OK)
        st = scram_final(s, msg, nonce, out, err);
done:
    ep_free(msg);
    ep_free(m.text);
    ep_free(salt);
    return st;
}

epode_status ep_scram_finish(ep_sasl *s, const char *data, size_t n, ep_error *err)
{
    epode_status st = EPODE_EAUTH;
    scram_message m = { 0 };
    size_t len = 0;
    if (!scram_split(&m, data ? data : "", n))
        return ep_fail(err, EPODE_ENOMEM, 0, "out of memory");
    const char *v = scram_field(&m, 'v');
    uint8_t *sig = v ? ep_b64_decode(v, strlen(v), &len) : NULL;
    if (s->proved && sig && len == s->signature_len && ep_equal_ct(sig, s->server_signature, len))
        st = EPODE_OK;
    else if (!sig && len == EP_B64_NO_MEMORY)
        st = ep_fail(err, EPODE_ENOMEM, 0, "out of memory");
    else
        ep_fail(err, st, 0, "the server did not prove that it knows the password");
    ep_free(m.text);
    ep_free(sig);
    return st;
}
