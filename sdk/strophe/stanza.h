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
/* The other way: a tree whose nodes are in the arena and whose strings are the stanza's, so it lives as long as both.
 * EPODE_ELIMIT: deeper than max_depth (0: 64), or more than 64 attributes; EPODE_ENOMEM. */
epode_status ep_elem_from_stanza(ep_elem **out, ep_arena *arena, xmpp_stanza_t *stanza, size_t max_depth);

#endif
