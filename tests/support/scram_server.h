/* scram_server.h: the server's side of SCRAM and HT, for dialogues: written from the RFCs and apart
 * from the SDK. */
#ifndef EP_TEST_SCRAM_SERVER_H
#define EP_TEST_SCRAM_SERVER_H

#include "check.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define SCRAM_SALT "c2FsdHNhbHQ="

/* Base64 by OpenSSL; the result is static. */
static inline const char *scram_b64(const void *data, size_t n)
{
    static char text[4][2048];
    static unsigned turn;
    char *out = text[turn++ % 4];
    assert_true(n < 1500);
    EVP_EncodeBlock((unsigned char *)out, data, (int)n);
    return out;
}

static inline size_t scram_unb64(const char *text, unsigned char *out)
{
    int n = EVP_DecodeBlock(out, (const unsigned char *)text, (int)strlen(text));
    assert_true(n >= 0);
    for (const char *end = text + strlen(text); end > text && end[-1] == '='; end--)
        n--;
    out[n] = '\0';
    return (size_t)n;
}

static inline const char *scram_nonce(const char *first64)
{
    static unsigned char first[2048];
    scram_unb64(first64, first);
    const char *r = strstr((char *)first, ",r=");
    assert_non_null(r);
    return r + 3;
}

static inline const char *scram_first(const char *first64, const char *salt, const char *more)
{
    char text[1024];
    snprintf(text, sizeof text, "r=%sSERVER,s=%s,i=4096%s", scram_nonce(first64), salt, more);
    return scram_b64(text, strlen(text));
}

static inline const char *scram_challenge(const char *first64, const char *more)
{
    return scram_first(first64, SCRAM_SALT, more);
}

static inline unsigned scram_hmac(const EVP_MD *md, const void *key, unsigned len, const char *text,
                                  unsigned char *out)
{
    unsigned n = 0;
    assert_non_null(HMAC(md, key, (int)len, (const unsigned char *)text, strlen(text), out, &n));
    return n;
}

/* Checks the client's proof, and gives the server's. */
static inline const char *scram_signature(const char *mechanism, const char *password,
                                          const char *first64, const char *challenge64,
                                          const char *final64)
{
    unsigned char first[2048], challenge[2048], final[2048], salted[64], client[64], stored[64],
        server[64];
    unsigned char sig[64], proof[2048];
    char message[8192];
    const EVP_MD *md = EVP_get_digestbyname(strstr(mechanism, "512")   ? "SHA512"
                                            : strstr(mechanism, "256") ? "SHA256"
                                                                       : "SHA1");
    unsigned n = (unsigned)EVP_MD_get_size(md);
    scram_unb64(first64, first);
    scram_unb64(challenge64, challenge);
    scram_unb64(final64, final);
    PKCS5_PBKDF2_HMAC(password, -1, (const unsigned char *)"saltsalt", 8, 4096, md, (int)n, salted);
    scram_hmac(md, salted, n, "Client Key", client);
    scram_hmac(md, salted, n, "Server Key", server);
    EVP_Digest(client, n, stored, NULL, md, NULL);
    char *p = strstr((char *) final, ",p=");
    assert_non_null(p);
    *p = '\0';
    snprintf(message, sizeof message, "%s,%s,%s", strstr((char *)first, "n="), challenge, final);
    if (strncmp((char *)first, "n,,", 3) == 0)
        snprintf(message, sizeof message, "%s,%s,%s", first + 3, challenge, final);
    scram_hmac(md, stored, n, message, sig);
    assert_int_equal(scram_unb64(p + 3, proof), n);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(proof[i], sig[i] ^ client[i]);
    scram_hmac(md, server, n, message, sig);
    snprintf(message, sizeof message, "v=%s", scram_b64(sig, n));
    return scram_b64(message, strlen(message));
}

/* HMAC of the token over the label and the channel binding, with the client's name in front if
 * given. */
static inline const char *ht_hash(const char *token, const char *label, const char *name,
                                  const void *cb, size_t cb_len)
{
    unsigned char text[128], out[128];
    size_t n = strlen(label), at = name ? strlen(name) + 1 : 0;
    memcpy(text, label, n);
    memcpy(text + n, cb, cb_len);
    if (name)
        memcpy(out, name, at);
    HMAC(EVP_sha256(), token, (int)strlen(token), text, n + cb_len, out + at, NULL);
    return scram_b64(out, at + 32);
}

#endif
