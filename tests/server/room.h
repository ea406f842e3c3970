/* What the files of rooms (XEP-0045) share. */
#ifndef SRV_ROOM_H
#define SRV_ROOM_H

#include "internal.h"

struct srv_occupant { /* one session in a room; several of one user may share a nickname */
    char *nick;
    struct srv_session *session;
    struct srv_xml *presence;
    struct srv_occupant *next;
};

struct srv_room {
    char *jid;
    struct srv_occupant *first;
    struct srv_room *next;
};

struct srv_room *srv_room_get(struct srv *srv, const char *jid); /* NULL: there is none */
void srv_room_set_occupant_id(struct srv *srv, const struct srv_room *room, struct srv_xml *stanza,
                              const char *who);
struct srv_room *srv_room_make(struct srv *srv, const char *jid);
struct srv_occupant *srv_room_occupant(const struct srv_room *room,
                                       const struct srv_session *session);
struct srv_occupant *srv_room_nick(const struct srv_room *room, const char *nick);

/* `nick` NULL: `to` is the room itself. */
void srv_room_presence(struct srv_session *session, const char *jid, const char *nick,
                       struct srv_xml *presence);
void srv_room_message(struct srv_session *session, struct srv_room *room, const char *nick,
                      struct srv_xml *message);
void srv_room_iq(struct srv_session *session, struct srv_room *room, const char *nick,
                 struct srv_xml *iq);
void srv_room_domain_iq(struct srv_session *session, const struct srv_xml *iq);

/* Archived and reflected; returns the archive's id, or NULL for what is not archived. */
char *srv_room_say(struct srv *srv, struct srv_room *room, const char *nick,
                   const struct srv_session *sender, const struct srv_xml *message);
void srv_room_history(struct srv_session *session, struct srv_room *room,
                      const struct srv_xml *history);
void srv_room_subject(struct srv_session *session, struct srv_room *room);

#endif
