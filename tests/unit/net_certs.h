/* net_certs.h: certificates for the tests of the net layer, made when they run. */
#ifndef NET_CERTS_H
#define NET_CERTS_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct authority {
    EVP_PKEY *key;
    X509 *cert;
    char file[64]; /* PEM */
} authority;

typedef struct identity {
    EVP_PKEY *key;
    X509 *cert;
} identity;

static inline X509 *make_cert(EVP_PKEY *key, const char *name, const char *san, long from_s,
                              long to_s, X509 *issuer, EVP_PKEY *issuer_key)
{
    static long serial = 1;
    X509 *c = X509_new();
    X509V3_CTX ctx;
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(c), from_s);
    X509_gmtime_adj(X509_getm_notAfter(c), to_s);
    X509_set_pubkey(c, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(c, X509_get_subject_name(issuer ? issuer : c));
    X509V3_set_ctx(&ctx, issuer ? issuer : c, c, NULL, NULL, 0);
    const char *exts[][2] = { { "basicConstraints", issuer ? "CA:FALSE" : "critical,CA:TRUE" },
                              { "subjectKeyIdentifier", "hash" },
                              { "subjectAltName", san } };
    for (size_t i = 0; i < 3; i++) {
        X509_EXTENSION *e = exts[i][1] ? X509V3_EXT_conf(NULL, &ctx, exts[i][0], exts[i][1]) : NULL;
        if (e)
            X509_add_ext(c, e, -1);
        X509_EXTENSION_free(e);
    }
    X509_sign(c, issuer_key ? issuer_key : key, EVP_sha256());
    return c;
}

static inline authority make_authority(const char *name)
{
    authority a;
    a.key = EVP_EC_gen("P-256");
    a.cert = make_cert(a.key, name, NULL, -3600, 24 * 3600, NULL, NULL);
    snprintf(a.file, sizeof a.file, "/tmp/epode-ca-XXXXXX");
    FILE *f = fdopen(mkstemp(a.file), "w");
    PEM_write_X509(f, a.cert);
    fclose(f);
    return a;
}

static inline void free_authority(authority *a)
{
    unlink(a->file);
    X509_free(a->cert);
    EVP_PKEY_free(a->key);
}

/* Valid from and to, in seconds from now. */
static inline identity make_identity(const authority *a, const char *san, long from_s, long to_s)
{
    identity i;
    i.key = EVP_EC_gen("P-256");
    i.cert = make_cert(i.key, "server", san, from_s, to_s, a ? a->cert : NULL, a ? a->key : NULL);
    return i;
}

static inline void free_identity(identity *i)
{
    X509_free(i->cert);
    EVP_PKEY_free(i->key);
}

static inline SSL_CTX *make_server_ctx(const identity *i)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(ctx, i->cert);
    SSL_CTX_use_PrivateKey(ctx, i->key);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"t", 1);
    return ctx;
}

#endif
