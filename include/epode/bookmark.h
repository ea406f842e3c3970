/* epode/bookmark.h: the account's rooms, the same on all its devices (XEP-0402). Read in each session, and kept by events;
 * those marked so are joined by themselves, unless EPODE_NO_AUTOJOIN. */
#ifndef EPODE_BOOKMARK_H
#define EPODE_BOOKMARK_H

#include "epode/send.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Begin with EPODE_BOOKMARK_INIT. Strings are UTF-8. */
typedef struct epode_bookmark {
    size_t size;
    const char *jid;            /* required: the room's bare JID */
    const char *name, *nick;    /* NULL: none */
    const char *password;       /* NULL: none. Not in the store, but of rooms that were joined (room.h): known once the
                                 * bookmarks were read in this session */
    bool autojoin;
} epode_bookmark;
#ifdef __cplusplus
#define EPODE_BOOKMARK_INIT { sizeof(epode_bookmark) }
#else
#define EPODE_BOOKMARK_INIT { .size = sizeof(epode_bookmark) }
#endif

/* What is held, from the store while offline. Borrowed until the next process(). NULL: no such one. */
EPODE_API size_t epode_bookmark_count(const epode_client *client);
EPODE_API const epode_bookmark *epode_bookmark_at(const epode_client *client, size_t i);

/* Publishes one, new or in place of the one of that room; what other programs put into it stays. done (may be NULL) and id
 * (may be NULL) as with epode_iq(): an error with the condition "conflict" means that the node is not private, so nothing was
 * published. The list follows when the server tells of it: EPODE_EV_BOOKMARK. EPODE_EINVAL: no room, or no text;
 * EPODE_ESTATE: not ready, or EPODE_NO_BOOKMARKS; EPODE_AGAIN: those that are there were not read yet, EPODE_EV_BOOKMARK
 * tells when they were. */
EPODE_API epode_status epode_bookmark_set(epode_client *client, const epode_bookmark *bookmark, epode_iq_fn *done,
                                          void *user, uint64_t *id);
/* Takes it out, for all devices. The same errors; EPODE_DONE: there is none. */
EPODE_API epode_status epode_bookmark_remove(epode_client *client, const char *room, epode_iq_fn *done, void *user,
                                             uint64_t *id);

#ifdef __cplusplus
}
#endif
#endif
