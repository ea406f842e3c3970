/* stanza.h: between element trees and libstrophe's stanzas, by its public interface only. */
#ifndef EP_STROPHE_STANZA_H
#define EP_STROPHE_STANZA_H

#include <strophe.h>

#include "base/buf.h"
#include "epode/error.h"
#include "xml/elem.h"

/* A new stanza, the caller's; NULL: no memory. */
xmpp_stanza_t *ep_stanza_from_elem(xmpp_ctx_t *ctx, const ep_elem *e);
/* Appends the stanza as XML; outer_ns as in ep_elem_write(). EPODE_EINVAL: not an element, or text that XML
 * cannot carry. */
epode_status ep_stanza_write(ep_buf *out, xmpp_stanza_t *stanza, const char *outer_ns);

#endif
