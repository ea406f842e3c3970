/* epode/room.h: rooms for many (XEP-0045): being in them, and who else is.
 *
 * A room that was joined is joined again in every later session, until it is left or refuses for good. Its messages
 * are in an archive of their own, and a conversation by the room's JID (epode_query.peer); they are sent by
 * epode_send_message() with the type "groupchat", and wait until we are in. Where the room has an archive (XEP-0313) what
 * was missed comes from there, else from what the room tells those who join. What happens is told by EPODE_EV_ROOM. */
#ifndef EPODE_ROOM_H
#define EPODE_ROOM_H

#include "epode/client.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    EPODE_ROOM_OTHER_NICK = 1 /* where somebody else has the nick: once more, with "_" behind it */
};

/* Joins a room under this nick, now or as soon as there is a session; one that is not there is made, with the room
 * service's defaults (XEP-0045, 10.1.2). password: NULL where none is needed, or where it stays as it was; it
 * is kept in the store, as tokens are, until the room is left or refuses us for good, since without it no other process
 * comes in again. flags: EPODE_ROOM_*. In a room that we are in the nick is changed. What comes of it: EPODE_ROOM_JOINED_NOW,
 * EPODE_ROOM_REFUSED or EPODE_ROOM_NICK. EPODE_DONE: we are in it under this nick already. EPODE_EINVAL: not the bare
 * JID of a room, or no nick; EPODE_ESTATE: suspended; EPODE_ELIMIT: 256 rooms; EPODE_ESTORE*, EPODE_ENOMEM. */
EPODE_API epode_status epode_room_join(epode_client *client, const char *room, const char *nick, const char *password,
                                       uint32_t flags);
/* Leaves it, and does not join it again. reason: for those who stay, NULL: none. What is stored of it stays; its
 * archive is not asked any more, unless epode_archive_follow() wished for it. EPODE_DONE: it was not joined. The same
 * errors. */
EPODE_API epode_status epode_room_leave(epode_client *client, const char *room, const char *reason);
/* Changes the subject (XEP-0045, 8.1); "" takes it away. The room tells of it, or the message's error is
 * told as a stanza. EPODE_ESTATE: we are not in it. */
EPODE_API epode_status epode_room_set_subject(epode_client *client, const char *room, const char *subject);

typedef enum epode_affiliation {
    EPODE_AFFILIATION_NONE = 0,
    EPODE_AFFILIATION_OUTCAST,
    EPODE_AFFILIATION_MEMBER,
    EPODE_AFFILIATION_ADMIN,
    EPODE_AFFILIATION_OWNER
} epode_affiliation;

typedef enum epode_role {
    EPODE_ROLE_NONE = 0,
    EPODE_ROLE_VISITOR, /* may listen */
    EPODE_ROLE_PARTICIPANT,
    EPODE_ROLE_MODERATOR
} epode_role;

/* Made by the library; fields may be appended. */
typedef struct epode_occupant {
    size_t size;
    const char *nick;
    const char *jid; /* the real one, where the room tells it; NULL: it does not */
    epode_affiliation affiliation;
    epode_role role;
    bool self;
    const char *id; /* whoever has it is the same for ever, whatever the nick (XEP-0421); NULL: the room gives none */
} epode_occupant;

/* A room that we are in or want to be in. These and all they return are borrowed until the next process(), join or
 * leave. */
typedef struct epode_room epode_room;

EPODE_API size_t epode_room_count(const epode_client *client);
EPODE_API const epode_room *epode_room_at(const epode_client *client, size_t i); /* NULL: no such one */
EPODE_API const epode_room *epode_room_find(const epode_client *client, const char *room); /* NULL: not one of ours */

EPODE_API const char *epode_room_jid(const epode_room *room);
EPODE_API const char *epode_room_nick(const epode_room *room);    /* ours; the one that is tried, while not joined */
EPODE_API const char *epode_room_subject(const epode_room *room); /* NULL: none, or not joined */
EPODE_API bool epode_room_is_joined(const epode_room *room);
EPODE_API size_t epode_room_occupant_count(const epode_room *room); /* ourselves included; 0 while not joined */
EPODE_API const epode_occupant *epode_room_occupant_at(const epode_room *room, size_t i); /* in no order */

#ifdef __cplusplus
}
#endif
#endif
