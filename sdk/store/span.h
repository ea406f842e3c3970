/* span.h: the stretches of an archive that the store holds with nothing missing inside, and the
 * holes between them. */
#ifndef EP_STORE_SPAN_H
#define EP_STORE_SPAN_H

#include "store/archive.h"

/* Borrowed strings; ids are never NULL. */
typedef struct ep_span {
    int64_t span; /* its number; when spans meet, one of the numbers goes on */
    int64_t archive;
    int64_t first_pos, last_pos;
    const char *first_id, *last_id;
    bool reaches_start; /* nothing older is in the archive */
    bool reached_end;   /* when last_id was seen, nothing newer was in the archive */
} ep_span;
typedef epode_status (*ep_span_each)(const ep_span *span, void *user);

/* Ascending by position. Stops at the first status that is not EPODE_OK, and returns it. */
epode_status ep_span_list(ep_store *s, int64_t archive, ep_span_each each, void *user);
/* Nothing older than this span can be had any more: what is held below becomes history. EPODE_DONE:
 * there is no such span. */
epode_status ep_span_starts(ep_store *s, int64_t span);

/* A copy that owns its strings. */
typedef struct ep_span_copy {
    ep_span span;
    char *first_id, *last_id;
} ep_span_copy;
void ep_span_copy_free(ep_span_copy *c);
/* The newest span: its last id is the verified end. EPODE_DONE: there is none. */
epode_status ep_archive_verified_end(ep_store *s, int64_t archive, ep_span_copy *out);
/* By number; EPODE_DONE: it is gone, or went on in another one. */
epode_status ep_span_get(ep_store *s, int64_t span, ep_span_copy *out);

/* What may be missing: above span below, under span above; numbers and positions, 0 and the extreme
 * of int64_t where there is no span on that side. The tail is no hole. */
typedef struct ep_hole {
    int64_t archive;
    int64_t below, above;             /* spans; below 0: down to the archive's start */
    int64_t below_pos, above_pos;     /* the hole is between them, exclusive */
    const char *after_id, *before_id; /* ask between these; after_id NULL: from the start */
    int64_t after_ms, before_ms;      /* stamps of those two, 0 where there is none */
} ep_hole;
typedef epode_status (*ep_hole_each)(const ep_hole *hole, void *user);
/* Newest first. An archive without any span has none here: nothing at all is known of it. */
epode_status ep_hole_list(ep_store *s, int64_t archive, ep_hole_each each, void *user);
/* The first hole below this position: what a reader meets who scrolls up from it. EPODE_DONE:
 * everything below is held. each is called once at most. */
epode_status ep_hole_below(ep_store *s, int64_t archive, int64_t pos, ep_hole_each each,
                           void *user);

#endif
