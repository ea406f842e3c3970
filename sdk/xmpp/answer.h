/* answer.h: what every client must answer (RFC 6120 8.2.3, XEP-0030, XEP-0092, XEP-0199), and what contacts may know
 * (XEP-0012, XEP-0202). */
#ifndef EP_ANSWER_H
#define EP_ANSWER_H

#include "base/buf.h"
#include "xml/elem.h"
#include "xmpp/caps.h"

typedef struct ep_self {
    const char *version;
    int64_t now_ms;     /* Unix */
    int offset_min;     /* of the local time from UTC */
    uint64_t idle_s;    /* since when the user has not looked */
} ep_self;

/* Appends the answer to an iq of type get or set. False: e is no such request, nothing was written. known: who asks may
 * see our presence; what time it is here and whether the user looks is told to nobody else. */
bool ep_answer_iq(ep_buf *out, const ep_elem *iq, const ep_caps *caps, const ep_self *self, bool known);
/* Whether the answer depends on known. */
bool ep_answer_is_private(const ep_elem *iq);

#endif
