/* conversation.h: conversations, how far each was displayed, and what is unread. */
#ifndef EP_STORE_CONVERSATION_H
#define EP_STORE_CONVERSATION_H

#include "base/buf.h"
#include "store/message.h"

enum { EP_UNREAD_CAP = 1000 };

typedef struct ep_conversation {
    int64_t conversation, archive;
    const char *peer;
    int64_t last_row, last_ms; /* the last message to be shown; 0: none */
    int64_t displayed_row;     /* the last message that was displayed; 0: none that is known */
    const char *displayed_id;  /* told, but its message is not held yet; or NULL */
    int64_t read_row;          /* how far the peer has displayed ours; 0: unknown */
} ep_conversation;
typedef epode_status (*ep_conversation_each)(const ep_conversation *c, void *user);

/* Finds or makes; on a read-only store EPODE_DONE if there is none. */
epode_status ep_conversation_open(ep_store *s, int64_t archive, const char *peer, int64_t *id);
/* Calls each once, or gives EPODE_DONE. */
epode_status ep_conversation_get(ep_store *s, int64_t id, ep_conversation_each each, void *user);

/* The displayed position (XEP-0490), by archive id; it only moves forward. An id that is not held
 * is kept, and counts once it arrives; a later one takes its place. */
epode_status ep_conversation_displayed(ep_store *s, int64_t id, const char *archive_id,
                                       ep_changes *changes);
/* The same by row: what the user saw here, also what no archive has. */
epode_status ep_conversation_displayed_row(ep_store *s, int64_t id, int64_t row,
                                           ep_changes *changes);
/* The archive id to publish for the displayed position: of the newest message at or below it that
 * has one, appended to out. EPODE_DONE: there is none. */
epode_status ep_conversation_displayed_id(ep_store *s, int64_t id, ep_buf *out);

/* Inbound texts with a body above the displayed position, not retracted, at most cap of them (0:
 * EP_UNREAD_CAP). *at_least: there may be another number: the cap was met, or a hole or a displayed
 * id that is not held stands in between. */
epode_status ep_unread_count(ep_store *s, int64_t id, uint32_t cap, uint32_t *count,
                             bool *at_least);

#endif
