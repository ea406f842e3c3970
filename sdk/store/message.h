/* message.h: a message on its way into an archive, and the list of what changed.
 *
 * The store never reads XML: the caller says what a message is. Strings are borrowed for the call;
 * times are Unix milliseconds. */
#ifndef EP_STORE_MESSAGE_H
#define EP_STORE_MESSAGE_H

#include "store/store.h"

/* What a message is. All but the first two are kept in no conversation's history: they act on the
 * message that they refer to (ref_id), in whatever order the two arrive. Values are in the file. */
typedef enum ep_msg_kind {
    EP_MSG_TEXT = 0,       /* to be shown */
    EP_MSG_OTHER = 1,      /* nothing to show: chat states, and whatever is not understood */
    EP_MSG_CORRECTION = 2, /* XEP-0308: body replaces the target's; same author only, newest wins */
    EP_MSG_RETRACTION = 3, /* XEP-0424: same author only, or EP_MSG_BY_ROOM */
    EP_MSG_REACTION = 4,   /* XEP-0444: reactions replaces the author's earlier set */
    EP_MSG_RECEIPT = 5,    /* XEP-0184, and XEP-0333's "received" */
    EP_MSG_MARKER = 6,     /* XEP-0333's "displayed": the target and all before it */
    EP_MSG_GONE = 7        /* a result without a message: only archive_id and time_ms count */
} ep_msg_kind;

enum {
    EP_MSG_BY_ROOM = 1 /* a retraction by the room itself (XEP-0425): not the author's to make */
};

/* How far one of our own messages got; it only moves forward. Values are in the file. */
typedef enum ep_delivery {
    EP_DELIVERY_NONE = 0, /* not ours */
    EP_DELIVERY_QUEUED = 1,
    EP_DELIVERY_SENT = 2,  /* its bytes left; the server has not said that it has it */
    EP_DELIVERY_ACKED = 3, /* the server has it */
    EP_DELIVERY_RECEIVED = 4,
    EP_DELIVERY_READ = 5,
    EP_DELIVERY_FAILED = 6 /* for good, unless a later word shows that it arrived after all */
} ep_delivery;

/* What a room without an archive tells those who join, in its order: each message of it that is held already is found by
 * its sender and content, and each that is held stands for one of them. What has no id is taken for one that is held only if
 * the times are close, and only as long as nothing in the replay was new: behind that nothing is held. */
typedef struct ep_replay {
    int64_t last_row; /* what came after it began is not looked at */
    int64_t pos;      /* those up to here were met */
    bool news;
} ep_replay;

typedef struct ep_msg {
    const char *archive_id; /* trusted id in this archive (XEP-0359), or NULL */
    const char *peer;       /* the conversation: a bare JID, or an occupant's full one (private) */
    const char *from, *to;  /* as on the stanza, from completed; NULL: not given */
    bool outgoing;          /* from our own account, or our own occupant */
    bool groupchat;         /* authors are told apart by occupant, or by the full from */
    ep_msg_kind kind;
    unsigned flags;        /* EP_MSG_* above */
    const char *type;      /* the stanza's type, or NULL */
    const char *id;        /* the stanza's id, or NULL */
    const char *origin_id; /* XEP-0359, or NULL */
    const char *occupant;  /* XEP-0421 occupant id, or NULL */
    const char *body;      /* or NULL. Of a correction: the new text */
    const char *reactions; /* of a reaction: the set, separated by blanks; "" withdraws it */
    const char *ref_id; /* what it acts on: a stanza's or origin id, in rooms an archive id too */
    const char *reply_id, *reply_to; /* XEP-0461 */
    int64_t time_ms;                 /* the archive's stamp, or the delay's; 0: received_ms */
    int64_t received_ms;             /* 0: the store's time (ep_store_heartbeat) */
    const char *xml;                 /* len bytes, or NULL */
    size_t len;
    ep_replay *replay; /* it is part of one; NULL: it is not */
} ep_msg;

typedef enum ep_change_kind {
    EP_CHANGE_NEW,
    EP_CHANGE_CHANGED,  /* other text, retracted, other reactions; or joined to its archive id */
    EP_CHANGE_MOVED,    /* stands elsewhere in its conversation */
    EP_CHANGE_DELIVERY, /* with EP_DELIVERY_READ: so did all our messages before it */
    EP_CHANGE_UNREAD    /* of a conversation, row 0: the displayed position moved */
} ep_change_kind;

typedef struct ep_change {
    int64_t row;          /* of the message; never given to another one */
    int64_t conversation; /* 0: in none */
    ep_change_kind kind;
} ep_change;

/* Owned by the caller, starts as zeros. Calls append to it; a list of a rolled back transaction is
 * to be dropped. Every parameter of this type may be NULL. */
typedef struct ep_changes {
    ep_change *at;
    size_t count, cap;
    bool history; /* these were there before the store was: a first login or a fill brought them */
} ep_changes;
void ep_changes_clear(ep_changes *c); /* empty, memory kept */
void ep_changes_free(ep_changes *c);

#endif
