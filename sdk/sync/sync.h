/* sync.h: keeps the store in step with the server: live messages, catch-up, displayed positions. It is told what
 * came, and asks by a function; it knows no connection and no clock. */
#ifndef EP_SYNC_H
#define EP_SYNC_H

#include "sync/catchup.h"
#include "xmpp/bound.h"
#include "xmpp/message.h"

typedef struct ep_sync ep_sync;

typedef struct ep_sync_events {
    /* Sends this iq now. */
    epode_status (*send_iq)(void *user, const char *xml, size_t len);
    void (*changed)(void *user, const ep_changes *changes);
    void (*progress)(void *user, size_t done, size_t expected);
    /* This archive's catch-up is over: it is held up to its end (EPODE_OK), or there is none (EPODE_ESTANZA), or not
     * and why. */
    void (*finished)(void *user, int64_t archive, epode_status status);
    /* Every followed archive is held up to its end (EPODE_OK), or one is not and why: it is asked again. EPODE_ESTANZA: the
     * account has none. */
    void (*synced)(void *user, epode_status status);
} ep_sync_events;

typedef struct ep_sync_config {
    const char *account; /* bare JID */
    unsigned first_messages, first_days;
    unsigned page; /* messages of an archive at once; 0: 250 */
    bool no_queries;
} ep_sync_config;

epode_status ep_sync_new(ep_sync **out, ep_store *store, const ep_sync_config *config, const ep_sync_events *events,
                         void *user, const ep_log *log);
void ep_sync_free(ep_sync *s);

/* A session is ready. ends: as the bind said, NULL: it did not. resumed: the old session goes on, and nothing was
 * missed by it. */
epode_status ep_sync_ready(ep_sync *s, bool resumed, const ep_archive_info *ends, int64_t now_us, int64_t now_ms);
/* A new session begins: what happened since the last one is not known until catch-up has shown it. In the transaction of
 * the bind, so that a session that is resumed after a kill does not pass for one that missed nothing. */
epode_status ep_sync_bound(ep_sync *s);
/* A resource was bound, and ends->unreads is what the server said is unread (NULL: it does not say). */
epode_status ep_sync_unreads(ep_sync *s, const ep_archive_ends *ends);
void ep_sync_cut(ep_sync *s);
/* Messages are not taken any more: pages that are on their way are forgotten. Other answers still count. */
void ep_sync_stop(ep_sync *s);

/* A message that came live, by itself or in a carbon. ids: whether live ids of the account's archive count.
 * came_ms: when (Unix); 0: now. */
epode_status ep_sync_live(ep_sync *s, const ep_elem *message, bool ids, int64_t came_ms, int64_t now_us);
/* A message that carries an archive's result: its sender is checked here. EPODE_DONE: nobody asked for it. */
epode_status ep_sync_result(ep_sync *s, const ep_elem *stanza, const ep_mam_result *result);
/* An answer to something that was asked here; EPODE_DONE: it is not. of_account: our account sent it, by whichever name. */
epode_status ep_sync_answer(ep_sync *s, const ep_elem *iq, bool of_account, int64_t now_us);
/* A PEP event of the account itself. */
epode_status ep_sync_event(ep_sync *s, const ep_elem *event);

/* Shares that everything up to the displayed position of this conversation was displayed. owner: of its archive. */
epode_status ep_sync_publish(ep_sync *s, int64_t conversation, const char *peer, const char *owner);
/* Keeps a room's archive as well (XEP-0313, 5.2), in this session and all that follow; joining it is not needed.
 * EPODE_EINVAL: the JID is that of an archive of another kind. */
epode_status ep_sync_follow(ep_sync *s, const char *room);
/* The room is about to be joined: its end is asked for behind that and not before (XEP-0313, 5.2), and messages under
 * this nick are ours. It is followed from now on; *fresh: it was not before. */
epode_status ep_sync_room_await(ep_sync *s, const char *room, const char *nick, bool *fresh);
/* It was joined, or will not be. query: what was missed is asked for; else it has no archive, or nothing was. */
epode_status ep_sync_room_begin(ep_sync *s, const char *room, const char *nick, bool query, int64_t now_us);
/* It is asked in: what it tells of the past, up to its subject or to what is said now, may be held already. */
epode_status ep_sync_room_replay(ep_sync *s, const char *room);
epode_status ep_sync_room_nick(ep_sync *s, const char *room, const char *nick); /* we are called so now */
/* Whoever has this id is us (XEP-0421); NULL: the room gives none that are to be believed. */
epode_status ep_sync_room_occupant(ep_sync *s, const char *room, const char *id);
/* What is held stays; nothing more is asked. */
void ep_sync_unfollow(ep_sync *s, const char *room);
int64_t ep_sync_room_archive(const ep_sync *s, const char *room); /* a bare or full JID; 0: not followed */
/* See ep_catchup_fill. */
epode_status ep_sync_fill(ep_sync *s, int64_t archive, int64_t below_pos, unsigned n, int64_t now_us);

/* A long catch-up is under way: pages between the first one and the last. */
bool ep_sync_is_bulk(const ep_sync *s);
void ep_sync_tick(ep_sync *s, int64_t now_us, int64_t now_ms);
int64_t ep_sync_deadline(const ep_sync *s); /* EP_NEVER: none */
bool ep_sync_is_asking(const ep_sync *s);   /* an archive is to answer */
int64_t ep_sync_archive(const ep_sync *s);  /* the account's, as the store numbers it */

#endif
