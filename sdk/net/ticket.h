/* ticket.h: a TLS session to resume, with all that is needed to trust it again. OpenSSL checks
 * neither chain nor name when it resumes; so a ticket carries both, and they are verified before it
 * is used. */
#ifndef EP_TICKET_H
#define EP_TICKET_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "net/verify.h"

/* Appends the blob: a secret. chain: the verified one, leaf first. *expires_wall_ms: the end of the
 * server's promise, of a week (RFC 8446 4.6.1) or of the leaf, what comes first. EPODE_DONE: the
 * server does not want this one used; EPODE_ENOMEM. */
epode_status ep_ticket_export(ep_buf *out, const ep_trust *trust, SSL_SESSION *session,
                              STACK_OF(X509) * chain, int64_t *expires_wall_ms);

/* Gives a session that may be resumed for the trust's domain, and the chain that vouches for it;
 * both the caller's. EPODE_EINVAL: not an intact ticket; EPODE_ETIMEOUT: its time is over;
 * EPODE_ECERT: made under other trust settings or for another domain, or the chain does not verify
 * now. */
epode_status ep_ticket_import(SSL_SESSION **session, STACK_OF(X509) * *chain, ep_trust *trust,
                              const void *blob, size_t n, int64_t now_wall_ms, ep_error *error);

/* notAfter in milliseconds since 1970. */
int64_t ep_certificate_end_ms(const X509 *cert);

#endif
