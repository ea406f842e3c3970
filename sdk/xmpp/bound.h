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
    const ep_elem *unreads; /* of the drafts of Bind 2; NULL: the server does not say, which is not "none" */
} ep_archive_ends;
void ep_archive_ends_read(ep_archive_ends *out, const ep_elem *bound);
/* The same of <bound/> as XEP-0386 had it from 0.1 to 0.3, which names the newest id only. */
void ep_archive_ends_read_draft(ep_archive_ends *out, const ep_elem *bound);

/* A row of its <unreads/>. */
typedef struct ep_unread {
    const char *jid;
    const char *read_id; /* up to here it was read; NULL: never */
    uint64_t count;
} ep_unread;
/* What one child says; false: it is none, or says nothing that can be used. The specification's example misprints the
 * attributes, so that some will have followed it: "read-id" and "id", "unread-count", "unread_count", "unread" and
 * "count" are read, a comma behind a value is not. scratch: holds what had to be cut. */
bool ep_unread_read(ep_unread *out, const ep_elem *unread, char scratch[256]);

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
