/* room.h: the rooms the client is in, or wants to be in (XEP-0045). */
#ifndef EP_CLIENT_ROOM_H
#define EP_CLIENT_ROOM_H

#include "base/timers.h"
#include "epode/room.h"
#include "xml/elem.h"

typedef enum ep_room_state {
    EP_ROOM_WANTED = 0, /* to be joined: when there is a session, or at its time */
    EP_ROOM_ASKING,     /* what it can do */
    EP_ROOM_JOINING,
    EP_ROOM_JOINED,
    EP_ROOM_REFUSED,    /* in this session it is not tried again */
    EP_ROOM_LEAVING     /* without a connection: the room is told when there is one */
} ep_room_state;

typedef struct ep_occupant {
    epode_occupant o; /* nick and jid are its own */
    char *id;         /* as its presence had it: o.id once the room says that it gives them */
} ep_occupant;

typedef struct epode_room {
    unsigned number;    /* never given to another one */
    char *jid;
    char *wish;         /* the nick that was asked for */
    char *nick;         /* the one we have, or try */
    char *subject, *password;
    char *occupant;     /* our id there (XEP-0421); NULL: not known, or the room gives none */
    bool ids;           /* the room says that it gives ids */
    unsigned flags;     /* EPODE_ROOM_* */
    ep_room_state state;
    bool info, archive; /* info: it is known whether it has an archive */
    bool followed;      /* its archive is kept because we joined, not by the application's wish */
    bool other_nick;    /* one that was not asked for is being tried */
    bool pinging;
    bool awaits_bookmark; /* refused for its password: the bookmarks that are being read may have another one */
    char join_id[24];
    unsigned tries, losses;
    int64_t heard_us;   /* of JOINED: the last proof that we are in it */
    int64_t due_us;     /* the answer must have come; WANTED: the next try; EP_NEVER: neither */
    ep_occupant *occupants;
    size_t occupant_count, occupant_cap;
} ep_room;

typedef struct ep_rooms {
    ep_room **at;
    size_t count, cap;
    unsigned made;
    ep_timer timer;
} ep_rooms;

/* room.c: their life */
epode_status ep_rooms_load(epode_client *c); /* those of before */
void ep_rooms_free(epode_client *c);
void ep_rooms_reset(epode_client *c); /* a session that is none of before: we are in none */
void ep_rooms_cut(epode_client *c);   /* the connection is gone */
epode_status ep_rooms_ready(epode_client *c);
void ep_rooms_synced(epode_client *c, int64_t archive, epode_status status);
/* The bookmarks were read, or cannot be: what waited for them is refused. */
epode_status ep_rooms_bookmarked(epode_client *c);
epode_status ep_rooms_followed(epode_client *c, const char *jid); /* by the application's wish */

/* room_ping.c: still in? */
void ep_rooms_check(epode_client *c); /* after a hint: are we still in those that have been silent? */
/* A message to this JID waits: we are not in that room (yet), or it is to be proved that we are. */
bool ep_rooms_hold(epode_client *c, const char *to);
/* It said to a message that we are not in it. True: we shall be, and the message can be sent again. */
bool ep_rooms_not_in(epode_client *c, const char *jid, epode_status *st);
epode_status ep_room_ping(epode_client *c, ep_room *r);

/* For the files of rooms. */
void ep_rooms_watch(epode_client *c); /* the next due_us */
ep_room *ep_room_numbered(const epode_client *c, const void *number); /* NULL: it is gone */
void *ep_room_number(const ep_room *r); /* to be told again by a request's answer */
ep_room *ep_room_find(const epode_client *c, const char *jid); /* bare or full; NULL: none */
epode_status ep_room_add(epode_client *c, const char *jid, const char *nick, ep_room **out);
epode_status ep_room_keep(epode_client *c, const ep_room *r); /* in the store */
epode_status ep_room_set_password(epode_client *c, ep_room *r, const char *password); /* there too */
epode_status ep_room_is_us(epode_client *c, ep_room *r, const char *occupant); /* our id there; NULL: none */
epode_status ep_room_drop(epode_client *c, ep_room *r);       /* also from the store; r is gone */

/* room_join.c */
epode_status ep_room_begin(epode_client *c, ep_room *r);      /* joins it, as far as that is possible now */
epode_status ep_room_entered(epode_client *c, ep_room *r, bool created);
epode_status ep_room_refused(epode_client *c, ep_room *r, const ep_elem *presence); /* NULL: no answer */
epode_status ep_room_refused_for_good(epode_client *c, ep_room *r, const char *condition);
epode_status ep_room_again(epode_client *c, ep_room *r);       /* after a while */
epode_status ep_room_leave_later(epode_client *c, ep_room *r); /* without a connection */
epode_status ep_room_send_nick(epode_client *c, ep_room *r, const char *nick);
epode_status ep_room_send_gone(epode_client *c, const ep_room *r, const char *reason);
void ep_room_emit(epode_client *c, const ep_room *r, epode_room_change what, const char *nick, const char *text);

/* room_in.c: what rooms tell */
epode_status ep_rooms_presence(epode_client *c, const ep_elem *presence);
void ep_rooms_message(epode_client *c, const ep_elem *message);
void ep_room_clear(ep_room *r); /* nobody is known to be in it */
/* Whether it gives ids is known now, and we are in it: those that came with presence count, or do not. */
epode_status ep_room_ids_known(epode_client *c, ep_room *r);

#endif
