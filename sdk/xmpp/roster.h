/* roster.h: rosters on the wire (RFC 6121, 2). */
#ifndef EP_XMPP_ROSTER_H
#define EP_XMPP_ROSTER_H

#include "base/arena.h"
#include "xml/elem.h"
#include "xml/writer.h"

typedef struct ep_roster_item {
    const char *jid;  /* bare, prepared */
    const char *name; /* NULL: none; an empty one too */
    bool to, from, ask, approved, remove;
    const char *groups; /* sorted, none twice, separator between them; "": none */
} ep_roster_item;

/* Strings are in the arena or the element. EPODE_EPROTO: not a bare JID, or a subscription that there is not
 * (RFC 6121, 2.1.2.5); EPODE_ENOMEM. */
epode_status ep_roster_item_read(ep_roster_item *out, const ep_elem *item, char separator, ep_arena *arena);

/* The only <item/> of a push (RFC 6121, 2.1.6); NULL: there is none, or another. */
const ep_elem *ep_roster_push_item(const ep_elem *query);

/* The payload of a request; ver NULL: versions are not spoken. */
void ep_roster_write_get(const char *ver, ep_xw *w);

#endif
