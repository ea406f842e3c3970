/* verify.h: whom a connection trusts: the trust store, the domain, and OpenSSL's settings. */
#ifndef EP_VERIFY_H
#define EP_VERIFY_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { EP_FINGERPRINT_BYTES = 32 };

typedef struct ep_trust {
    SSL_CTX *ctx;
    BIO_METHOD *bio; /* tls.c's: reads and writes an ep_buf */
    char *domain;
    bool has_bundle; /* nothing more to load: see authorities.c */
    bool is_address; /* the domain is an IP address: no SNI, and iPAddress is what is compared */
    /* Of everything that decides whether a certificate is good: what a ticket is bound to. */
    uint8_t fingerprint[EP_FINGERPRINT_BYTES];
    bool names_others; /* identity.c: the client's certificate does not name the account alone */
} ep_trust;

/* domain: the JID's, as A-label, or an address (v6 without brackets). ca_file NULL: the system's
 * store. EPODE_ECERT (final) when the file cannot be used; EPODE_ENOMEM. */
epode_status ep_trust_new(ep_trust **out, const char *domain, const char *ca_file, ep_error *error);
/* identity.c: the client's own certificate (PEM, with its chain) and its key (NULL: in the same file). account: the bare
 * JID that it is to stand for. Tickets are bound to the certificate as well. EPODE_EINVAL (final) when the files cannot be
 * used; EPODE_ENOMEM. */
epode_status ep_trust_identify(ep_trust *trust, const char *cert_file, const char *key_file, const char *account,
                               ep_error *error);
void ep_trust_free(ep_trust *trust); /* NULL is fine; sessions made from it must be gone */

/* Names the domain in SNI. Each handshake of the trust's context verifies the peer for it: a name
 * matches by RFC 6125: dNSName (whole-label wildcards), SRVName "_xmpp-client" (RFC 4985), and the
 * subject's common name only where there is no dNSName at all. xmppAddr is not looked at (RFC
 * 6120 13.7.1.2 keeps it for clients). */
bool ep_trust_apply(const ep_trust *trust, SSL *ssl);
/* The same check of a chain (leaf first) that is held, now. */
epode_status ep_trust_check(ep_trust *trust, STACK_OF(X509) * chain, ep_error *error);
/* Says what an X509_V_ERR_ code means to people. Returns EPODE_ECERT, final (EPODE_ENOMEM for
 * that). */
epode_status ep_trust_fail(ep_error *error, long verify_result);

#endif
