/* ticket.c: the blob: magic, trust fingerprint, domain, end, session, chain, and a hash over it
 * all. Numbers are big-endian; what varies in size has its length in 4 bytes before it. */
#include "net/ticket.h"

#include <openssl/sha.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/str.h"

static const char magic[] = "epode ticket 1"; /* with its NUL; another layout gets another number */
enum { CHAIN_MAX = 10, WEEK_S = 7 * 24 * 3600 };

int64_t ep_certificate_end_ms(const X509 *cert)
{
    struct tm t;
    if (!cert || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &t) != 1)
        return 0;
    return (int64_t)timegm(&t) * 1000;
}

static void put_number(ep_buf *out, uint64_t v, int bytes)
{
    while (bytes-- > 0)
        ep_buf_putc(out, (char)(uint8_t)(v >> 8 * bytes));
}

static void put_bytes(ep_buf *out, const void *p, size_t n)
{
    put_number(out, n, 4);
    ep_buf_add(out, p, n);
}

static bool put_der(ep_buf *out, unsigned char *der, int n)
{
    if (n <= 0)
        return false;
    put_bytes(out, der, (size_t)n);
    OPENSSL_clear_free(der, (size_t)n);
    return true;
}

epode_status ep_ticket_export(ep_buf *out, const ep_trust *trust, SSL_SESSION *session,
                              STACK_OF(X509) * chain, int64_t *expires_wall_ms)
{
    const size_t start = out->len;
    const int count = sk_X509_num(chain);
    unsigned char *der = NULL;
    uint8_t hash[SHA256_DIGEST_LENGTH];
    long lifetime = (long)SSL_SESSION_get_ticket_lifetime_hint(session);
    if (count < 1 || count > CHAIN_MAX || !SSL_SESSION_is_resumable(session))
        return EPODE_DONE;
    /* Zero means "at once" in TLS 1.3, and "not said" in TLS 1.2 (RFC 5077 3.3). */
    if (lifetime == 0 && SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
        return EPODE_DONE;
    if (lifetime == 0)
        lifetime = SSL_SESSION_get_timeout(session);
    if (lifetime > WEEK_S)
        lifetime = WEEK_S;
    int64_t end = ((int64_t)SSL_SESSION_get_time(session) + lifetime) * 1000;
    if (end > ep_certificate_end_ms(sk_X509_value(chain, 0)))
        end = ep_certificate_end_ms(sk_X509_value(chain, 0));
    ep_buf_add(out, magic, sizeof magic);
    ep_buf_add(out, trust->fingerprint, sizeof trust->fingerprint);
    put_bytes(out, trust->domain, strlen(trust->domain));
    put_number(out, (uint64_t)end, 8);
    bool ok = put_der(out, der, i2d_SSL_SESSION(session, &der));
    put_number(out, (uint64_t)count, 1);
    for (int i = 0; i < count && ok; i++) {
        der = NULL;
        int n = i2d_X509(sk_X509_value(chain, i), &der);
        ok = put_der(out, der, n);
    }
    if (!ok || out->failed)
        return EPODE_ENOMEM;
    SHA256((const uint8_t *)ep_buf_ptr(out) + start, out->len - start, hash);
    ep_buf_add(out, hash, sizeof hash);
    *expires_wall_ms = end;
    return out->failed ? EPODE_ENOMEM : EPODE_OK;
}

typedef struct reader {
    const uint8_t *p;
    size_t left;
    bool bad;
} reader;

static const uint8_t *take(reader *r, size_t n)
{
    const uint8_t *p = r->p;
    if (r->bad || n > r->left) {
        r->bad = true;
        return NULL;
    }
    r->p += n;
    r->left -= n;
    return p;
}

static uint64_t take_number(reader *r, int bytes)
{
    uint64_t v = 0;
    const uint8_t *p = take(r, (size_t)bytes);
    for (int i = 0; p && i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

static const uint8_t *take_bytes(reader *r, size_t *n)
{
    *n = (size_t)take_number(r, 4);
    return take(r, *n);
}

/* Everything save the certificates: fields in the order they stand. */
typedef struct fields {
    const uint8_t *fingerprint, *domain, *session;
    size_t domain_n, session_n;
    int64_t end_ms;
} fields;

static bool read_fields(reader *r, fields *f)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    if (r->left < sizeof magic + sizeof hash || memcmp(r->p, magic, sizeof magic) != 0)
        return false;
    r->left -= sizeof hash;
    SHA256(r->p, r->left, hash);
    if (memcmp(hash, r->p + r->left, sizeof hash) != 0)
        return false;
    take(r, sizeof magic);
    f->fingerprint = take(r, EP_FINGERPRINT_BYTES);
    f->domain = take_bytes(r, &f->domain_n);
    f->end_ms = (int64_t)take_number(r, 8);
    f->session = take_bytes(r, &f->session_n);
    return !r->bad && f->session_n < 65536;
}

static STACK_OF(X509) * read_chain(reader *r)
{
    const int count = (int)take_number(r, 1);
    STACK_OF(X509) *chain = sk_X509_new_null();
    bool ok = chain && !r->bad && count >= 1 && count <= CHAIN_MAX;
    for (int i = 0; i < count && ok; i++) {
        size_t n;
        const uint8_t *p = take_bytes(r, &n);
        X509 *cert = p && n < 65536 ? d2i_X509(NULL, &p, (long)n) : NULL;
        ok = cert && sk_X509_push(chain, cert) > 0;
        if (!ok)
            X509_free(cert);
    }
    if (ok && r->left == 0)
        return chain;
    sk_X509_pop_free(chain, X509_free);
    return NULL;
}

/* The session's own certificate is the chain's leaf, or the chain vouches for somebody else. */
static bool belong_together(SSL_SESSION *session, STACK_OF(X509) * chain)
{
    X509 *peer = SSL_SESSION_get0_peer(session);
    return peer && X509_cmp(peer, sk_X509_value(chain, 0)) == 0 &&
           SSL_SESSION_get_protocol_version(session) >= TLS1_2_VERSION &&
           SSL_SESSION_is_resumable(session);
}

epode_status ep_ticket_import(SSL_SESSION **session, STACK_OF(X509) * *chain, ep_trust *trust,
                              const void *blob, size_t n, int64_t now_wall_ms, ep_error *error)
{
    reader r = { .p = blob, .left = n };
    fields f = { 0 };
    epode_status status = EPODE_OK;
    *session = NULL;
    *chain = NULL;
    if (!read_fields(&r, &f))
        return ep_fail(error, EPODE_EINVAL, 0, "not an intact TLS ticket");
    if (f.domain_n != strlen(trust->domain) || memcmp(f.domain, trust->domain, f.domain_n) != 0)
        return ep_fail(error, EPODE_ECERT, 0, "the TLS ticket is of another domain");
    if (memcmp(f.fingerprint, trust->fingerprint, EP_FINGERPRINT_BYTES) != 0)
        return ep_fail(error, EPODE_ECERT, 0,
                       "the trust settings changed since the TLS ticket came");
    if (now_wall_ms >= f.end_ms)
        return ep_fail(error, EPODE_ETIMEOUT, 0, "the TLS ticket's time is over");
    *session = d2i_SSL_SESSION(NULL, &f.session, (long)f.session_n);
    *chain = read_chain(&r);
    if (!*session || !*chain || !belong_together(*session, *chain))
        status = ep_fail(error, EPODE_EINVAL, 0, "not a usable TLS ticket");
    else
        status = ep_trust_check(trust, *chain, error);
    if (status != EPODE_OK) {
        SSL_SESSION_free(*session);
        sk_X509_pop_free(*chain, X509_free);
        *session = NULL;
        *chain = NULL;
    }
    return status;
}
