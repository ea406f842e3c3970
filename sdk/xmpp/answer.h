/* answer.h: what every client must answer (RFC 6120 8.2.3, XEP-0030, XEP-0092, XEP-0199). */
#ifndef EP_ANSWER_H
#define EP_ANSWER_H

#include "base/buf.h"
#include "xml/elem.h"
#include "xmpp/caps.h"

/* Appends the answer to an iq of type get or set. False: e is no
 * such request, nothing was written. */
bool ep_answer_iq(ep_buf *out, const ep_elem *iq, const ep_caps *caps, const char *version);

#endif
