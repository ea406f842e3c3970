/* verify.c: OpenSSL's verification, for the JID's domain and nothing else. */
#include "net/verify.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"
#include "net/authorities.h"

static const unsigned char alpn[] = "\x0bxmpp-client"; /* XEP-0368 section 3 */

/* id-on-dnsSRV (RFC 4985), "_xmpp-client.DOMAIN", see RFC 6120 13.7.1.2.1. */
static bool srv_name_matches(const GENERAL_NAME *name, const char *domain)
{
    char oid[32];
    const ASN1_TYPE *value;
    static const char service[] = "_xmpp-client.";
    const size_t n = sizeof service - 1;
    if (name->type != GEN_OTHERNAME)
        return false;
    OBJ_obj2txt(oid, sizeof oid, name->d.otherName->type_id, 1);
    value = name->d.otherName->value;
    if (strcmp(oid, "1.3.6.1.5.5.7.8.7") != 0 || value->type != V_ASN1_IA5STRING)
        return false;
    const char *s = (const char *)ASN1_STRING_get0_data(value->value.ia5string);
    const size_t len = (size_t)ASN1_STRING_length(value->value.ia5string);
    return len == n + strlen(domain) && strncasecmp(s, service, n) == 0 &&
           strncasecmp(s + n, domain, len - n) == 0;
}

static bool has_srv_name(X509 *cert, const char *domain)
{
    bool found = false;
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++)
        found = srv_name_matches(sk_GENERAL_NAME_value(names, i), domain);
    GENERAL_NAMES_free(names);
    return found;
}

/* OpenSSL knows dNSName and the common name; a match by SRVName takes back its refusal. */
static int on_verify(int ok, X509_STORE_CTX *x)
{
    if (ok || X509_STORE_CTX_get_error(x) != X509_V_ERR_HOSTNAME_MISMATCH)
        return ok;
    const char *domain = X509_VERIFY_PARAM_get0_host(X509_STORE_CTX_get0_param(x), 0);
    if (!domain || !has_srv_name(X509_STORE_CTX_get0_cert(x), domain))
        return 0;
    X509_STORE_CTX_set_error(x, X509_V_OK);
    return 1;
}

static bool set_param(const ep_trust *trust, X509_VERIFY_PARAM *param)
{
    if (trust->is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(param, trust->domain) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, trust->domain, 0) == 1;
}

static bool is_unknown_authority(long code)
{
    switch (code) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
        return true;
    default:
        return false;
    }
}

/* An X509_V_ code; X509_V_ERR_OUT_OF_MEM also stands for OpenSSL's other inner failures. */
static int verify_once(const ep_trust *trust, X509 *leaf, STACK_OF(X509) * chain)
{
    int code = X509_V_ERR_OUT_OF_MEM;
    X509_STORE_CTX *x = X509_STORE_CTX_new();
    if (!x || !leaf || X509_STORE_CTX_init(x, SSL_CTX_get_cert_store(trust->ctx), leaf, chain) != 1)
        goto done;
    X509_STORE_CTX_set_default(x, "ssl_server");
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(x);
    X509_VERIFY_PARAM_set1(param, SSL_CTX_get0_param(trust->ctx));
    X509_VERIFY_PARAM_set_auth_level(param, SSL_CTX_get_security_level(trust->ctx));
    X509_STORE_CTX_set_verify_cb(x, on_verify);
    if (set_param(trust, param)) {
        const bool ok = X509_verify_cert(x) == 1;
        code = X509_STORE_CTX_get_error(x);
        if (!ok && code == X509_V_OK)
            code = X509_V_ERR_UNSPECIFIED;
    }
done:
    X509_STORE_CTX_free(x);
    return code;
}

static int verify(ep_trust *trust, X509 *leaf, STACK_OF(X509) * chain)
{
    int code = verify_once(trust, leaf, chain);
    if (is_unknown_authority(code) && !trust->has_bundle) {
        trust->has_bundle = true;
        ep_authorities_load_bundle(trust->ctx);
        code = verify_once(trust, leaf, chain);
    }
    return code;
}

/* In place of OpenSSL's own call: one way to verify for handshakes and for tickets. */
static int verify_peer(X509_STORE_CTX *x, void *trust)
{
    const int code = verify(trust, X509_STORE_CTX_get0_cert(x), X509_STORE_CTX_get0_untrusted(x));
    X509_STORE_CTX_set_error(x, code);
    return code == X509_V_OK;
}

epode_status ep_trust_check(ep_trust *trust, STACK_OF(X509) * chain, ep_error *error)
{
    const int code = verify(trust, sk_X509_value(chain, 0), chain);
    return code == X509_V_OK ? EPODE_OK : ep_trust_fail(error, code);
}

/* The content of the CA file counts, not only its name; of the system's store, where it is: what it
 * holds is looked at anew with every check. */
static bool take_fingerprint(ep_trust *trust, const char *ca_file)
{
    char block[4096];
    size_t n;
    bool ok = false;
    FILE *f = NULL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    if (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
        goto done;
    EVP_DigestUpdate(md, "epode trust 1", sizeof "epode trust 1");
    EVP_DigestUpdate(md, trust->domain, strlen(trust->domain) + 1);
    if (!ca_file) {
        const char *where[] = { X509_get_default_cert_file(), X509_get_default_cert_dir(),
                                getenv(X509_get_default_cert_file_env()),
                                getenv(X509_get_default_cert_dir_env()) };
        for (size_t i = 0; i < 4; i++)
            EVP_DigestUpdate(md, where[i] ? where[i] : "", where[i] ? strlen(where[i]) + 1 : 1);
    } else {
        f = fopen(ca_file, "re");
        if (!f)
            goto done;
        while ((n = fread(block, 1, sizeof block, f)) > 0)
            EVP_DigestUpdate(md, block, n);
        if (ferror(f))
            goto done;
    }
    ok = EVP_DigestFinal_ex(md, trust->fingerprint, NULL) == 1;
done:
    if (f)
        fclose(f);
    EVP_MD_CTX_free(md);
    return ok;
}

epode_status ep_trust_new(ep_trust **out, const char *domain, const char *ca_file, ep_error *error)
{
    uint8_t address[16];
    *out = NULL;
    ep_trust *t = ep_calloc(1, sizeof *t);
    if (!t || !(t->domain = ep_strdup(domain)) || !(t->ctx = SSL_CTX_new(TLS_client_method()))) {
        ep_trust_free(t);
        return ep_fail(error, EPODE_ENOMEM, 0, "out of memory");
    }
    t->is_address =
        inet_pton(AF_INET, domain, address) == 1 || inet_pton(AF_INET6, domain, address) == 1;
    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(t->ctx, verify_peer, t);
    t->has_bundle = ca_file != NULL;
    SSL_CTX_set_alpn_protos(t->ctx, alpn, sizeof alpn - 1);
    if (!ep_authorities_load(t->ctx, ca_file) || !take_fingerprint(t, ca_file)) {
        ep_trust_free(t);
        ep_fail(error, EPODE_ECERT, 0,
                ca_file ? "the CA file cannot be read" : "the system has no certificate store");
        ep_error_set_final(error, true);
        return EPODE_ECERT;
    }
    *out = t;
    return EPODE_OK;
}

void ep_trust_free(ep_trust *t)
{
    if (!t)
        return;
    SSL_CTX_free(t->ctx);
    BIO_meth_free(t->bio);
    ep_free(t->domain);
    ep_free(t);
}

bool ep_trust_apply(const ep_trust *trust, SSL *ssl)
{
    /* RFC 6066 section 3: literal addresses are not named in SNI. */
    return trust->is_address || SSL_set_tlsext_host_name(ssl, trust->domain) == 1;
}

epode_status ep_trust_fail(ep_error *error, long code)
{
    const char *text = is_unknown_authority(code) ? "it was signed by an unknown authority"
                                                  : X509_verify_cert_error_string(code);
    switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        text = "it has expired";
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        text = "it is not yet valid (is the clock right?)";
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        text = "it is for another name";
        break;
    default:
        break;
    }
    if (code == X509_V_ERR_OUT_OF_MEM)
        return ep_fail(error, EPODE_ENOMEM, code, "out of memory");
    ep_fail(error, EPODE_ECERT, code, "the server's certificate was refused: %s", text);
    ep_error_set_final(error, true);
    return EPODE_ECERT;
}
