/* archive.h: archives (XEP-0313) and what arrives live in them.
 *
 * An archive is a line of messages in the server's order. The store holds spans of it
 * (store/span.h) that archive pages have shown (store/page.h). What arrives live is shown at once,
 * but stands in a provisional tail above everything until a page shows where it belongs.
 *
 * Positions (pos) order the messages of one archive and mean nothing else; they may change (a row
 * never does). All writes join the caller's transaction, or are one of their own. */
#ifndef EP_STORE_ARCHIVE_H
#define EP_STORE_ARCHIVE_H

#include "base/buf.h"
#include "store/message.h"

typedef enum ep_archive_kind { EP_ARCHIVE_ACCOUNT = 0, EP_ARCHIVE_ROOM = 1 } ep_archive_kind;

/* Finds or makes the archive of this owner (a bare JID). On a read-only store EPODE_DONE if there
 * is none. EPODE_EINVAL: the owner's archive is of another kind. */
epode_status ep_archive_open(ep_store *s, const char *owner, ep_archive_kind kind,
                             int64_t *archive);

/* What the server said of the archive's ends (bound or queried metadata); NULL or 0: not said. */
typedef struct ep_archive_info {
    int64_t archive; /* put ignores the first three */
    const char *owner;
    ep_archive_kind kind;
    bool empty; /* known to hold nothing: an empty last page was the newest word */
    const char *first_id, *last_id;
    int64_t first_ms, last_ms;
} ep_archive_info;
typedef epode_status (*ep_archive_each)(const ep_archive_info *info, void *user);
epode_status ep_archive_info_put(ep_store *s, int64_t archive, const ep_archive_info *info);
/* Ascending by number; what each is given is borrowed until it returns. Stops at the first status
 * that is not EPODE_OK, and returns it. archive 0: all; an unknown one is EPODE_DONE. */
epode_status ep_archive_list(ep_store *s, int64_t archive, ep_archive_each each, void *user);

typedef enum ep_live_result {
    EP_LIVE_NEW,
    EP_LIVE_JOINED, /* it is the copy of an own message, which now is known to have arrived */
    EP_LIVE_KNOWN   /* its archive id is held: nothing changed */
} ep_live_result;
typedef struct ep_live {
    ep_live_result result;
    int64_t row, conversation;
} ep_live;

/* A query for the last page is about to be sent: what is in the tail now is older than what that
 * page shows, what comes later stands above it. To be called at every bind too. */
epode_status ep_archive_mark(ep_store *s, int64_t archive);
/* An id that stands in a span, appended to id: wanted, if it does; else the last one that is back_ms older than the
 * newest span's end, by the server's stamps; else the first. *end_ms: the end's stamp, 0: unknown. EPODE_DONE: nothing is
 * held. */
epode_status ep_archive_before_end(ep_store *s, int64_t archive, const char *wanted,
                                   int64_t back_ms, ep_buf *id, int64_t *end_ms);
/* Whether the newest span reaches the archive's end. A new session does not know (false), until a page or the server's word
 * (true) shows it; what stands here survives a kill in between. */
epode_status ep_archive_reaches_end(ep_store *s, int64_t archive, bool reaches);

/* A replay of this archive begins: its messages go to ep_archive_live(), which keeps it going. */
epode_status ep_archive_replay(ep_store *s, int64_t archive, ep_replay *out);
/* Adds a live message (also a carbon, or one delivered from offline storage) and, with has_h, moves
 * h_in (store/sm.h) in the same transaction, whatever the result is. An own message is the copy of
 * one of ours if origin id or id are the same, and the recipient, and no copy was joined to it yet;
 * messages with different archive ids are never taken for one. EPODE_EINVAL: no peer, an effect
 * without a ref_id, EP_MSG_GONE without an archive id. */
epode_status ep_archive_live(ep_store *s, int64_t archive, const ep_msg *m, bool has_h, uint32_t h,
                             ep_live *out, ep_changes *changes);

/* How many rows wait to be confirmed by a page: of the tail, and our own that the server
 * acknowledged. Capped at 1000. */
epode_status ep_archive_unjoined(ep_store *s, int64_t archive, uint64_t *count);
/* The highest row of the store; for ep_page.asked_row. */
epode_status ep_archive_last_row(ep_store *s, int64_t *row);

/* The server no longer knows the ids of our spans (the archive was purged or replaced): all that is
 * held becomes history that stays readable, below everything to come, and proves nothing. */
epode_status ep_archive_forget_spans(ep_store *s, int64_t archive);

#endif
