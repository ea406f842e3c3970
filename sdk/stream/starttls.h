/* starttls.h: what is said before TLS (RFC 6120, 5): header and <starttls/> in one write, up to <proceed/>. No I/O.
 * Whatever arrives here is forgotten once TLS is up. */
#ifndef EP_STARTTLS_H
#define EP_STARTTLS_H

#include "base/buf.h"
#include "base/error.h"
#include "xml/elem.h"

typedef struct ep_starttls ep_starttls;

ep_starttls *ep_starttls_new(const char *domain); /* NULL: no memory */
void ep_starttls_free(ep_starttls *s);
epode_status ep_starttls_begin(ep_starttls *s, ep_buf *out);
/* EPODE_AGAIN: more is needed. EPODE_OK: TLS begins behind the first *consumed bytes. EPODE_ETLS: the server
 * has no STARTTLS or refused; EPODE_EPROTO, EPODE_ESTREAM, EPODE_ENOMEM. */
epode_status ep_starttls_feed(ep_starttls *s, const char *data, size_t n, size_t *consumed, ep_error *err);
/* The same for a transport that reads XML by itself: one element. */
epode_status ep_starttls_element(ep_starttls *s, const ep_elem *e, ep_error *err);

#endif
