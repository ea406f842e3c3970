/* disco.h: what somebody can do (XEP-0030), and whether it fits the hash of it (XEP-0115, 5). */
#ifndef EP_XMPP_DISCO_H
#define EP_XMPP_DISCO_H

#include "base/buf.h"
#include "xml/elem.h"

/* Around every feature of a list: no XML can hold it. */
#define EP_DISCO_SEPARATOR '\x1f'

/* Appends the features of a disco#info's <query/> as a list: a separator, then each with one behind it. EPODE_ELIMIT:
 * more than anybody has (256 KiB of names); EPODE_ENOMEM. */
epode_status ep_disco_features(ep_buf *out, const ep_elem *query);
/* list: of ep_disco_features. */
bool ep_disco_has(const char *list, const char *feature);

/* EPODE_OK: the verification string of the answer is ver. EPODE_DONE: it is another, the answer is ill-formed (XEP-0115,
 * 5.4), or the hash is none that we know: it may be believed of the one who gave it, but not kept for others. */
epode_status ep_disco_verify(const ep_elem *query, const char *hash, const char *ver);

#endif
