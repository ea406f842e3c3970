/* page.h: pages of an archive (XEP-0313, XEP-0059) go into its spans. */
#ifndef EP_STORE_PAGE_H
#define EP_STORE_PAGE_H

#include "store/span.h"

typedef enum ep_page_kind {
    EP_PAGE_LAST = 0,   /* asked by <before/> */
    EP_PAGE_BEFORE = 1, /* by <before>first id of span</before> */
    EP_PAGE_AFTER = 2   /* by <after>last id of span</after> */
} ep_page_kind;

/* A whole page: all results up to their <fin/>, without a filter (but until). */
typedef struct ep_page {
    int64_t archive;
    ep_page_kind kind;
    int64_t span; /* the anchor, of BEFORE and AFTER: asked from its present end */
    /* The id that was asked with: to be given where the anchor may have grown or merged since (a
     * page that is repeated, or was asked for before another one came). NULL: the anchor's end. */
    const char *anchor_id;
    /* The query was also bounded by this span's first (AFTER) or last id (BEFORE), as XEP-0313's
     * before-id and after-id do: complete then means that nothing is left between. 0: it was not.
     */
    int64_t until;
    const ep_msg *rows; /* oldest first, as the archive has them; each with its archive id */
    size_t n;
    bool complete; /* <fin complete='true'/>: nothing is left in the direction asked for */
    bool unstable; /* <fin stable='false'/>: its rows are kept, but prove nothing */
    /* ep_archive_last_row when the query was sent: what is in the tail since before and is not in
     * this page, though the page reaches the end, is not in the archive. 0: unknown. */
    int64_t asked_row;
} ep_page;

typedef struct ep_page_result {
    int64_t span;       /* that holds the page now; 0: none (empty, or unstable) */
    size_t added;       /* rows that were not there */
    size_t joined;      /* rows that were there without a place in a span: own, or live */
    bool met;           /* the span grew together with another one that was there */
    bool is_newest;     /* no span is above it */
    bool meets_newest;  /* it is the span that was the newest before, or grew together with it */
    bool reaches_start; /* of that span */
    bool forgot;        /* spans that were held are not in the archive any more */
    bool renumbered; /* positions of the archive changed: positions kept by the caller are void */
} ep_page_result;

/* Adds a page: rows, span, effects, deliveries, displayed positions, in one transaction. Pages may
 * be repeated, and come in any order.
 *
 * An empty page that is complete is believed: where a server may not have known the anchor's id,
 * ask for that id before. EPODE_EPROTO (nothing was changed): the page cannot be, by what is held;
 * the server answered from somewhere else, most likely because it does not know the anchor's id. So
 * is an empty page that says the archive begins at a span below which others are held: once it is
 * sure that the server knows the id, ep_span_starts says the same. EPODE_DONE: the anchor is gone,
 * and the page shows nothing that is held: nothing was changed. EPODE_EINVAL: a row without an
 * archive id or twice the same one, or without a peer that is not EP_MSG_GONE.
 *
 * A complete last page, or one that reaches the archive's start, proves that spans below it are no
 * longer in the archive: they become history, as by ep_archive_forget_spans (result: forgot). */
epode_status ep_archive_page(ep_store *s, const ep_page *page, ep_page_result *out,
                             ep_changes *changes);

#endif
