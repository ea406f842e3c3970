/* epode/event.h: what a client tells its application. */
#ifndef EPODE_EVENT_H
#define EPODE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epode/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum epode_state {
    EPODE_STOPPED = 0, /* not wished for, or a final error */
    EPODE_CONNECTING,  /* on the way; with an error: it failed and will be tried again */
    EPODE_READY,       /* bound or resumed, all that was wished for is asked and answered */
    EPODE_OFFLINE      /* the session was lost; the next attempt waits for its time */
} epode_state;

typedef enum epode_event_type {
    EPODE_EV_STATE = 1, /* state; error tells why, where something went wrong */
    EPODE_EV_MESSAGE,   /* a row is new or changed: row, change. Told when it is on the disk; not again after a kill */
    EPODE_EV_DELIVERY,  /* an outgoing message got further: row, id, delivery */
    EPODE_EV_STANZA,    /* any stanza, with EPODE_RAW_STANZAS: xml */
    EPODE_EV_UNREAD,    /* the displayed position of a conversation moved: peer */
    EPODE_EV_SYNC,      /* catch-up: synced, done, expected; error if it could not be done */
    EPODE_EV_ROSTER,    /* a contact: peer, roster. peer NULL: the whole is what the server has, or error why not */
    EPODE_EV_SUBSCRIPTION, /* peer asks for a subscription, or answered: subscription */
    EPODE_EV_FETCHED,   /* epode_client_fetch() is over: synced (everything is there), done (new messages), error */
    EPODE_EV_PRESENCE,  /* peer is there, changed or went: from, show; error: what we sent it came back. peer NULL: the
                         * session is over, and nobody's presence is known any more (presence.h) */
    EPODE_EV_CAPS,      /* what the resource from can do is known now: epode_contact_has() */
    EPODE_EV_CHAT_STATE, /* peer writes, or stopped: from, chat_state; never of the past */
    EPODE_EV_AVATAR,    /* peer's avatar: id is its SHA-1, "" none; get it only where it is not held already */
    EPODE_EV_BLOCKING,  /* peer is blocked now, or no longer: blocked. peer NULL: the list in the store is the server's,
                         * in this session, or error why not */
    EPODE_EV_ROOM,      /* of a room (room.h): peer, room, and what that needs */
    EPODE_EV_BOOKMARK,  /* a bookmark (bookmark.h): peer, bookmark. peer NULL: the list is the server's, in this session, or
                         * error why not */
    EPODE_EV_RESOURCE   /* in a new session a further resource (resource.h), peer, was bound again: resource is what it is
                         * called now; or it could not be: error */
} epode_event_type;

typedef enum epode_change {
    EPODE_CHANGE_NEW = 1,
    EPODE_CHANGE_CHANGED, /* other text, retracted, other reactions, or now known to the archive */
    EPODE_CHANGE_MOVED    /* stands elsewhere in its conversation */
} epode_change;

/* What became of a contact; bits. */
enum {
    EPODE_ROSTER_ADDED = 1,
    EPODE_ROSTER_REMOVED = 2,
    EPODE_ROSTER_NAME = 4,
    EPODE_ROSTER_GROUPS = 8,
    EPODE_ROSTER_SUBSCRIPTION = 16,
    EPODE_ROSTER_ASK = 32,
    EPODE_ROSTER_APPROVED = 64,
    EPODE_ROSTER_CURRENT = 128 /* of no contact: the roster in the store is the server's, in this session */
};

/* One step of a subscription (RFC 6121, 3), in either direction. */
typedef enum epode_subscription_step {
    EPODE_SUBSCRIBE = 1, /* asks to see the other's presence */
    EPODE_SUBSCRIBED,    /* allows the other to see ours: an answer, or beforehand where the server can */
    EPODE_UNSUBSCRIBE,   /* no longer wants to see it */
    EPODE_UNSUBSCRIBED   /* refuses, or no longer allows */
} epode_subscription_step;

/* Whether somebody is there, and open to talk (RFC 6121, 4.7.2.1). */
typedef enum epode_show {
    EPODE_SHOW_ONLINE = 0,
    EPODE_SHOW_CHAT, /* wants to talk */
    EPODE_SHOW_AWAY,
    EPODE_SHOW_XA,   /* away for long */
    EPODE_SHOW_DND,  /* do not disturb */
    EPODE_SHOW_OFFLINE
} epode_show;

/* XEP-0085 */
typedef enum epode_chat_state {
    EPODE_CHAT_ACTIVE = 1, /* looks at the conversation */
    EPODE_CHAT_COMPOSING,
    EPODE_CHAT_PAUSED,     /* wrote, and stopped */
    EPODE_CHAT_INACTIVE,
    EPODE_CHAT_GONE        /* left the conversation */
} epode_chat_state;

/* What happened in a room. */
typedef enum epode_room_change {
    EPODE_ROOM_JOINED_NOW = 1, /* we are in it, as nick; the other occupants are known, the subject follows */
    EPODE_ROOM_REFUSED,        /* joining it failed: error, by its condition: "forbidden" (banned), "not-allowed",
                                * "registration-required", "not-authorized" (its password), "item-not-found", "conflict"
                                * (somebody else has the nick), "service-unavailable" (it is full), ... Final: it is not
                                * tried again, else it is, in this session or the next one */
    EPODE_ROOM_LEFT,           /* we are not in it any more: left, and text is the reason that was given */
    EPODE_ROOM_SUBJECT,        /* text: the subject; nick: who set it, NULL: the room */
    EPODE_ROOM_NICK,           /* we are called nick now; with error: the change of it was refused */
    EPODE_ROOM_OCCUPANT_CAME,  /* nick. Not told of those who were there before us */
    EPODE_ROOM_OCCUPANT_CHANGED, /* nick: another affiliation, role or address */
    EPODE_ROOM_OCCUPANT_RENAMED, /* text is what nick is called now */
    EPODE_ROOM_OCCUPANT_LEFT   /* nick; left, and text is the reason that was given */
} epode_room_change;

/* What became of a bookmark. */
typedef enum epode_bookmark_change {
    EPODE_BOOKMARK_ADDED = 1,
    EPODE_BOOKMARK_CHANGED,
    EPODE_BOOKMARK_REMOVED,
    EPODE_BOOKMARK_CURRENT /* of none: those held are the server's */
} epode_bookmark_change;

/* Why somebody is not in a room any more. */
typedef enum epode_room_left {
    EPODE_LEFT_SELF = 1,     /* by their own wish */
    EPODE_LEFT_KICKED,
    EPODE_LEFT_BANNED,
    EPODE_LEFT_AFFILIATION,  /* of a change of their affiliation */
    EPODE_LEFT_MEMBERS_ONLY, /* the room is for members only now */
    EPODE_LEFT_SHUTDOWN,     /* the service stops */
    EPODE_LEFT_DESTROYED,    /* there is no such room any more */
    EPODE_LEFT_ERROR,        /* they could not be reached */
    EPODE_LEFT_LOST          /* ourselves: the room does not know of us any more; it is joined again */
} epode_room_left;

/* How far an outgoing message got; it only moves forward. */
typedef enum epode_delivery {
    EPODE_DELIVERY_NONE = 0, /* not ours */
    EPODE_DELIVERY_QUEUED,
    EPODE_DELIVERY_SENT,         /* written; the server has not confirmed it */
    EPODE_DELIVERY_ACKNOWLEDGED, /* the server has it */
    EPODE_DELIVERY_RECEIVED,     /* XEP-0184 */
    EPODE_DELIVERY_READ,         /* XEP-0333 */
    EPODE_DELIVERY_FAILED
} epode_delivery;

/* Made by the library; fields may be appended. Valid during the callback, or until the next
 * epode_client_next_event(). */
typedef struct epode_event {
    size_t size;
    epode_event_type type;
    epode_state state;        /* STATE */
    const epode_error *error; /* STATE, SYNC, ROSTER, PRESENCE, BLOCKING, ROOM, BOOKMARK, RESOURCE; NULL: nothing
                               * wrong */
    uint64_t row;             /* MESSAGE, DELIVERY: for epode_store_message() */
    epode_change change;      /* MESSAGE */
    const char *xml;          /* STANZA: the stanza as text; xml_len bytes and a NUL */
    size_t xml_len;
    const char *id;           /* DELIVERY: the stanza's id; AVATAR: the avatar's */
    epode_delivery delivery;
    const char *peer;         /* UNREAD, ROSTER, SUBSCRIPTION, PRESENCE, CAPS, CHAT_STATE, AVATAR: a bare JID;
                               * ROOM, BOOKMARK: the room's; BLOCKING: any; RESOURCE: a full one */
    bool synced;              /* SYNC: every followed archive is held up to its end; but for rooms that have not let us in
                               * within ten seconds: it is told again when they have */
    size_t done, expected;    /* SYNC: messages so far; expected 0: not known */
    const char *resource;     /* whom what caused it was addressed to, where several are bound (resource.h): a full JID;
                               * NULL: the account, or there is one only */
    uint32_t roster;          /* ROSTER: EPODE_ROSTER_* */
    epode_subscription_step subscription; /* SUBSCRIPTION: what the peer did */
    const char *from;         /* PRESENCE, CAPS, CHAT_STATE: the JID with its resource, where it has one */
    epode_show show;          /* PRESENCE */
    epode_chat_state chat_state; /* CHAT_STATE */
    bool blocked;             /* BLOCKING */
    epode_room_change room;   /* ROOM */
    epode_room_left left;     /* ROOM: of LEFT and OCCUPANT_LEFT */
    const char *nick, *text;  /* ROOM; NULL: none */
    epode_bookmark_change bookmark; /* BOOKMARK */
    bool history;             /* MESSAGE: it was there before this store was: a first login or a fill brought it. False:
                               * it is news, also where it came while nobody was online */
} epode_event;

#ifdef __cplusplus
}
#endif
#endif
