/* pagework.h: a page in work: its steps, in their order. */
#ifndef EP_STORE_PAGEWORK_H
#define EP_STORE_PAGEWORK_H

#include "store/parts.h"

typedef struct ep_page_work {
    const ep_page *page;
    ep_page_result *out;
    ep_changes *changes;
    ep_layout l;
    ep_peers peers;
    ep_ints targets;    /* messages that effects of this page act on */
    size_t fixed;       /* rows of the page that are in spans already */
    bool anchored;      /* the anchor is held */
    bool fresh;         /* taken for new from end to end: nothing was looked up, the unique index tells */
    bool passes;        /* it begins later than what is held above its anchor ends, */
    int64_t passed;     /* which is here */
    bool closes;        /* nothing is left between the anchor and the span "until" */
    int64_t before_row; /* the highest row before */
} ep_page_work;

const ep_span *ep_spans_at(const ep_spans *spans, int64_t pos); /* NULL: none is there */

/* rowwork.c: own messages get their archive ids; what has none is carried along; rows are written.
 */
epode_status ep_page_join(ep_page_work *w);
epode_status ep_page_carry(ep_page_work *w);
epode_status ep_page_store(ep_page_work *w);
/* cover.c: the page and the spans that it touches become one. */
epode_status ep_page_cover(ep_page_work *w);
/* rowwork.c: effects, last messages, displayed positions. */
epode_status ep_page_follow(ep_page_work *w);

#endif
