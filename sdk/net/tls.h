/* tls.h: one TLS client connection without a socket: bytes in, bytes out. */
#ifndef EP_TLS_H
#define EP_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "net/verify.h"

typedef struct ep_tls ep_tls;

/* session and chain from ep_ticket_import, or NULL; taken over in all outcomes. The trust outlives
 * it. */
epode_status ep_tls_new(ep_tls **out, ep_trust *trust, SSL_SESSION *session,
                        STACK_OF(X509) * chain);
void ep_tls_free(ep_tls *tls); /* NULL is fine */

/* What came from the peer is appended to in; what stands in out is to be sent, and consumed when it
 * was. */
ep_buf *ep_tls_in(ep_tls *tls);
ep_buf *ep_tls_out(ep_tls *tls);
void ep_tls_in_ended(ep_tls *tls); /* the peer's end came; what is in "in" is still read */

/* EPODE_OK: up and verified; EPODE_AGAIN: waits for the peer. EPODE_ECERT: the certificate is not
 * good for the domain (final); EPODE_ECONNECT: cut; EPODE_ETLS. An alert may stand in out then. */
epode_status ep_tls_handshake(ep_tls *tls, ep_error *error);
/* EPODE_OK: *n > 0 bytes; EPODE_AGAIN; EPODE_DONE: the peer said goodbye; EPODE_ECONNECT: cut
 * without (RFC 8446 6.1: what came may be not all); EPODE_ETLS. */
epode_status ep_tls_read(ep_tls *tls, void *out, size_t cap, size_t *n, ep_error *error);
epode_status ep_tls_write(ep_tls *tls, const void *data, size_t n, ep_error *error);
void ep_tls_goodbye(ep_tls *tls); /* close_notify into out */

/* Flights of the handshake that the peer was waited for. */
unsigned ep_tls_waits(const ep_tls *tls);
bool ep_tls_is_resumed(const ep_tls *tls);
const char *ep_tls_version(const ep_tls *tls);
const char *ep_tls_cipher(const ep_tls *tls);
int64_t ep_tls_certificate_end_ms(const ep_tls *tls);
/* The peer ended the handshake, or the session, in TLS's own words. */
bool ep_tls_is_alert(const ep_error *error);
bool ep_tls_has_ticket(const ep_tls *tls);
/* The next ticket that came, appended to blob (a secret), until false. */
bool ep_tls_take_ticket(ep_tls *tls, ep_buf *blob, int64_t *expires_wall_ms);

/* Early data (RFC 8446, 2.3): what the server would take with the session that was handed in; 0: nothing. */
size_t ep_tls_early_room(const ep_tls *tls);
/* The certificate that this session vouches for: the leaf of its chain. */
const X509 *ep_tls_session_certificate(const ep_tls *tls);
/* Before the handshake: data leaves with the ClientHello. EPODE_ESTATE: there is no room for it. */
epode_status ep_tls_write_early(ep_tls *tls, const void *data, size_t n, ep_error *error);
/* Once up: the server took it; false: it never saw it, and it has to be said again. */
bool ep_tls_early_taken(const ep_tls *tls);

/* binding.c: see ep_net_channel_binding. */
epode_status ep_tls_end_point(const X509 *cert, uint8_t *out, size_t cap, size_t *n);
epode_status ep_tls_binding(SSL *ssl, const char *type, uint8_t *out, size_t cap, size_t *n);
SSL *ep_tls_ssl(const ep_tls *tls);

#endif
