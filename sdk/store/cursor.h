/* cursor.h: reading messages and conversations in batches.
 *
 * A cursor holds no transaction and no statement between calls: each batch is read into memory of
 * its own. It remembers the row it stands at, not the position, so that it goes on in the right
 * place whatever was added, joined or renumbered in between. */
#ifndef EP_STORE_CURSOR_H
#define EP_STORE_CURSOR_H

#include "store/conversation.h"

/* One set of reactions, the author's last one. */
typedef struct ep_reaction {
    const char *author;    /* as from of the stanza */
    bool outgoing;         /* ours */
    const char *reactions; /* separated by blanks, never "" */
} ep_reaction;

typedef struct ep_view {
    int64_t row, archive, conversation, pos;
    const char *owner, *peer; /* of the archive, of the conversation (NULL: none) */
    const char *archive_id;   /* NULL: unknown */
    const char *from, *to, *type, *id, *origin_id, *occupant;
    ep_msg_kind kind;
    bool outgoing, groupchat;
    bool edited, retracted;
    bool provisional;       /* of the tail: its place is not confirmed */
    const char *body;       /* effective: corrected; NULL if retracted */
    const char *first_body; /* as it was first sent */
    const char *ref_id, *reply_id, *reply_to;
    int64_t time_ms, received_ms;
    ep_delivery state;  /* with the peer's displayed position in it */
    const char *reason; /* of EP_DELIVERY_FAILED */
    const ep_reaction *reactions;
    size_t reaction_count;
    const char *xml; /* only with EP_CURSOR_XML: len bytes and a NUL, or NULL */
    size_t len;
} ep_view;

enum {
    EP_CURSOR_UP = 1,  /* newest first */
    EP_CURSOR_ALL = 2, /* effects, empty and gone messages too; otherwise texts only */
    EP_CURSOR_XML = 4
};

/* Where to read. One of conversation and archive; search needs neither. Zero is everything. */
typedef struct ep_cursor_options {
    int64_t conversation; /* this conversation */
    int64_t archive;      /* or this whole archive */
    unsigned flags;       /* EP_CURSOR_* */
    int64_t from_row;     /* start behind this message, in the direction of reading */
    bool inclusive;       /* ... with it */
    bool from_day;        /* start at the first message stamped at or after from_ms ... */
    int64_t from_ms;      /* ... (UP: the last one before it); by the order of positions */
    const char *search;   /* only texts with all these words ("begin*" too), newest stored first,
                             whatever the other fields but conversation say; copied */
    size_t batch;         /* messages per batch; 0: 50 */
} ep_cursor_options;

typedef struct ep_cursor ep_cursor;
epode_status ep_cursor_open(ep_store *s, const ep_cursor_options *o, ep_cursor **out);
/* The next batch: *views is borrowed until the next call on the cursor. EPODE_DONE: nothing is left
 * (for now: what is added later may be read by calling again). */
epode_status ep_cursor_next(ep_cursor *c, const ep_view **views, size_t *n);
void ep_cursor_close(ep_cursor *c); /* before its store; NULL is fine */

/* One message. Calls each once, or gives EPODE_DONE. */
typedef epode_status (*ep_view_each)(const ep_view *view, void *user);
epode_status ep_view_get(ep_store *s, int64_t row, ep_view_each each, void *user);
/* The row of an archive id. EPODE_DONE: it is not held. */
epode_status ep_view_find(ep_store *s, int64_t archive, const char *archive_id, int64_t *row);

/* Conversations by their last message, newest first: up to limit after that one (0: from the top).
 * archive 0: of all archives. Those without a message are left out. EPODE_DONE: there were fewer.
 */
epode_status ep_conversation_list(ep_store *s, int64_t archive, int64_t after, size_t limit,
                                  ep_conversation_each each, void *user);

#endif
