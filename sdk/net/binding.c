/* binding.c: channel binding data (RFC 5929, RFC 9266). */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/str.h"
#include "net/net.h"
#include "net/tls.h"

/* RFC 9266: 32 bytes, the context is the empty string. (In TLS 1.2 that is not the same as none;
 * and the value is unique there only with the extended master secret, RFC 7627.) */
static epode_status exporter(SSL *ssl, uint8_t *out, size_t cap, size_t *n)
{
    static const char label[] = "EXPORTER-Channel-Binding";
    if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
        return EPODE_ESTATE;
    if (cap < 32)
        return EPODE_EINVAL;
    *n = 32;
    return SSL_export_keying_material(ssl, out, 32, label, sizeof label - 1, (const uint8_t *)"", 0,
                                      1) == 1
               ? EPODE_OK
               : EPODE_ESTATE;
}

/* RFC 5929 section 4.1: the hash of the certificate's signature, SHA-256 in place of MD5 and SHA-1;
 * undefined where the signature has none (Ed25519). */
epode_status ep_tls_end_point(const X509 *cert, uint8_t *out, size_t cap, size_t *n)
{
    int digest = NID_undef;
    unsigned size = 0;
    *n = 0;
    if (!cert || X509_get_signature_info((X509 *)(uintptr_t)cert, &digest, NULL, NULL, NULL) != 1)
        return EPODE_ESTATE;
    if (digest == NID_md5 || digest == NID_sha1)
        digest = NID_sha256;
    const EVP_MD *md = digest == NID_undef ? NULL : EVP_get_digestbynid(digest);
    if (!md)
        return EPODE_ESTATE;
    if (cap < (size_t)EVP_MD_get_size(md))
        return EPODE_EINVAL;
    if (X509_digest(cert, md, out, &size) != 1)
        return EPODE_ESTATE;
    *n = size;
    return EPODE_OK;
}

epode_status ep_certificate_end_point(const char *pem, uint8_t *out, size_t cap, size_t *n)
{
    BIO *bio = pem && *pem ? BIO_new_mem_buf(pem, -1) : NULL;
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    epode_status st = ep_tls_end_point(cert, out, cap, n);
    X509_free(cert);
    BIO_free(bio);
    ERR_clear_error();
    return st;
}

/* RFC 5929 section 3.1: the first Finished of the handshake: the client's, and the server's in one
 * that resumes. Sound only with the extended master secret; gone in TLS 1.3. */
static epode_status unique(SSL *ssl, uint8_t *out, size_t cap, size_t *n)
{
    uint8_t finished[EVP_MAX_MD_SIZE];
    if (SSL_version(ssl) >= TLS1_3_VERSION || SSL_get_extms_support(ssl) != 1)
        return EPODE_ESTATE;
    *n = SSL_session_reused(ssl) ? SSL_get_peer_finished(ssl, finished, sizeof finished)
                                 : SSL_get_finished(ssl, finished, sizeof finished);
    if (!*n || *n > sizeof finished)
        return EPODE_ESTATE;
    if (cap < *n)
        return EPODE_EINVAL;
    memcpy(out, finished, *n);
    return EPODE_OK;
}

epode_status ep_tls_binding(SSL *ssl, const char *type, uint8_t *out, size_t cap, size_t *n)
{
    *n = 0;
    if (ep_streq(type, "tls-exporter"))
        return exporter(ssl, out, cap, n);
    if (ep_streq(type, "tls-server-end-point"))
        return ep_tls_end_point(SSL_get0_peer_certificate(ssl), out, cap, n);
    if (ep_streq(type, "tls-unique"))
        return unique(ssl, out, cap, n);
    return EPODE_EINVAL;
}
