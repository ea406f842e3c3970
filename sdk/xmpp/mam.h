/* mam.h: XEP-0313 queries and what answers them. */
#ifndef EP_MAM_H
#define EP_MAM_H

#include <stdbool.h>
#include <stdint.h>

#include "xml/elem.h"
#include "xml/writer.h"

typedef struct ep_mam_query {
    const char *id;       /* of the iq, and the queryid */
    const char *archive;  /* NULL: the account's own */
    const char *with;     /* NULL: everybody */
    int64_t start_ms;     /* 0: none */
    const char *before;   /* "" is the last page; NULL: not said */
    const char *after;
    unsigned max;
} ep_mam_query;

void ep_mam_write(const ep_mam_query *q, ep_xw *w);

/* The <result/> of a message; NULL: it is none. The message inside (NULL: there is none, or it is malformed), its
 * time in the archive. Who sent it must be checked by the caller. */
typedef struct ep_mam_result {
    const char *queryid, *id;
    const ep_elem *message;
    int64_t time_ms;
} ep_mam_result;
bool ep_mam_result_read(ep_mam_result *out, const ep_elem *stanza);

typedef struct ep_mam_fin {
    bool complete, stable;
    const char *first, *last; /* NULL: the page was empty */
    uint64_t count;           /* of all that the query matches, 0: not said */
    uint64_t index;           /* how many of them stand before the first of this page; if has_index */
    bool has_index;
} ep_mam_fin;
bool ep_mam_fin_read(ep_mam_fin *out, const ep_elem *iq);

#endif
