/* bound.h: what a server says of a session it has bound or resumed, in every dialect. */
#ifndef EP_BOUND_H
#define EP_BOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "xml/elem.h"

/* XEP-0313's <metadata/>: the ends of the account's archive at the bind. Strings live as long as the element. */
typedef struct ep_archive_ends {
    bool known;   /* the server said */
    const char *first_id, *first_time, *last_id, *last_time; /* NULL with known: the archive is empty */
} ep_archive_ends;
void ep_archive_ends_read(ep_archive_ends *out, const ep_elem *bound);

/* XEP-0198 <enabled/>. */
typedef struct ep_sm_enabled {
    const char *id; /* NULL: the session cannot be resumed */
    const char *location;
    uint32_t max_s; /* 0: not said */
} ep_sm_enabled;
void ep_sm_enabled_read(ep_sm_enabled *out, const ep_elem *enabled);

/* The first condition of a <failed/>, <failure/> or stanza <error/>, in whichever namespace and however
 * wrapped; "undefined-condition" if there is none. */
const char *ep_condition_of(const ep_elem *failure);

#endif
