/* blocking.h: lists of blocked JIDs, and changes of them (XEP-0191). */
#ifndef EP_XMPP_BLOCKING_H
#define EP_XMPP_BLOCKING_H

#include "xml/elem.h"
#include "xml/writer.h"

/* JIDs, prepared, sorted by octets, none twice; in the arena. */
typedef struct ep_blocked {
    const char **jids;
    size_t count;
} ep_blocked;

/* The items of a <blocklist/>, <block/> or <unblock/>. What is no JID is left out and counted in *skipped. */
epode_status ep_blocked_read(ep_blocked *out, const ep_elem *list, ep_arena *arena, size_t *skipped);
bool ep_blocked_has(const ep_blocked *list, const char *jid);
/* As items have them: "user@domain/resource", prepared; NULL: no memory. The caller's. */
char *ep_blocked_jid(const char *text, epode_status *st);

typedef enum ep_block_change { EP_BLOCK_NONE = 0, EP_BLOCK_ADD, EP_BLOCK_REMOVE, EP_BLOCK_REMOVE_ALL } ep_block_change;

/* What a push is about: EP_BLOCK_NONE: it is none of these. *list: the element with the items. */
ep_block_change ep_block_push(const ep_elem *iq, const ep_elem **list);
/* count 0 with remove: all. */
void ep_block_write(ep_xw *w, bool remove, const char *const *jids, size_t count);

#endif
