/* bookmarks.h: the account's rooms (XEP-0402). */
#ifndef EP_BOOKMARKS_H
#define EP_BOOKMARKS_H

#include <stdbool.h>

#include "xml/elem.h"
#include "xml/writer.h"

typedef struct ep_bookmark {
    const char *jid;                    /* bare, as it is prepared for comparison */
    const char *name, *nick, *password; /* NULL: none */
    bool autojoin;
    const char *extensions; /* what others added, as XML; NULL: nothing */
} ep_bookmark;

/* An <item/>, as it is in the node or in an event about it. Everything is put into the arena. EPODE_EPROTO: it is none. */
epode_status ep_bookmark_read(ep_bookmark *out, const ep_elem *item, ep_arena *arena);

void ep_bookmarks_write_query(ep_xw *w);
/* The payload that publishes it; what others added goes along (XEP-0402, 3). For ourselves alone. */
void ep_bookmark_write(const ep_bookmark *b, ep_xw *w);
void ep_bookmark_write_retract(const char *jid, ep_xw *w);

#endif
