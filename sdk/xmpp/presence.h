/* presence.h: presence stanzas (RFC 6121, 4), and the chat states in messages (XEP-0085). */
#ifndef EP_XMPP_PRESENCE_H
#define EP_XMPP_PRESENCE_H

#include "xml/elem.h"
#include "xml/writer.h"
#include "xmpp/caps.h"

typedef enum ep_presence_type {
    EP_PRESENCE_AVAILABLE = 0,
    EP_PRESENCE_UNAVAILABLE,
    EP_PRESENCE_ERROR,
    EP_PRESENCE_OTHER /* subscriptions, probes, and what is none of RFC 6121's */
} ep_presence_type;

/* RFC 6121, 4.7.2.1, and the two that no <show/> says. */
typedef enum ep_show {
    EP_SHOW_ONLINE = 0,
    EP_SHOW_CHAT,
    EP_SHOW_AWAY,
    EP_SHOW_XA,
    EP_SHOW_DND,
    EP_SHOW_OFFLINE
} ep_show;

/* Strings are the stanza's. */
typedef struct ep_presence {
    ep_presence_type type;
    bool of_room;           /* an occupant's (XEP-0045) */
    ep_show show;
    const char *status;     /* NULL: none */
    int priority;
    int64_t idle_ms;        /* since when (XEP-0319), 0: not said */
    int64_t stamp_ms;       /* when it was sent, if it was late (XEP-0203); 0: now */
    const char *photo;      /* XEP-0153: SHA-1 of the avatar; "": it has none; NULL: not said */
    const char *caps_hash, *caps_ver, *caps_node; /* XEP-0115; all three, or all NULL */
} ep_presence;

void ep_presence_read(ep_presence *out, const ep_elem *stanza);

/* What is said of oneself. */
typedef struct ep_own {
    ep_show show;
    const char *status; /* NULL: none */
    int priority;
} ep_own;

/* from, to: NULL for none. */
void ep_presence_write(ep_xw *w, const char *from, const char *to, const ep_own *own, const ep_caps *caps);

typedef enum ep_chat_state {
    EP_CHAT_NONE = 0,
    EP_CHAT_ACTIVE,
    EP_CHAT_COMPOSING,
    EP_CHAT_PAUSED,
    EP_CHAT_INACTIVE,
    EP_CHAT_GONE
} ep_chat_state;

/* Of a message; EP_CHAT_NONE: none, or more than one (XEP-0085, 5.5). */
ep_chat_state ep_chat_state_read(const ep_elem *message);
/* A message of nothing else; it is not for any storage (XEP-0085, 5.7; XEP-0334). */
void ep_chat_state_write(ep_xw *w, const char *to, ep_chat_state state);

#endif
