/* ingest.h: from a message stanza to a row of an archive. */
#ifndef EP_INGEST_H
#define EP_INGEST_H

#include "base/arena.h"
#include "store/archive.h"
#include "xml/elem.h"

/* Whose eyes read it: the account's own archive, or a room's. */
typedef struct ep_reader {
    const char *account; /* bare JID */
    const char *room;    /* NULL: the account's archive; else the room's bare JID */
    const char *nick;    /* our nick there, or NULL */
    const char *occupant; /* our id there (XEP-0421); NULL: the room gives none that are to be believed */
} ep_reader;

/* Fills *out from the message. archive_id: the id in that archive if it is known and to be trusted; time_ms: the
 * archive's stamp, 0: the message's own delay, if it has one. All strings are put into the arena, so that the
 * tree may go. False: no memory. A result without a message (message NULL) becomes EP_MSG_GONE. */
bool ep_ingest(ep_msg *out, const ep_reader *reader, const ep_elem *message, const char *archive_id,
               int64_t time_ms, ep_arena *arena);

#endif
