/* muc.h: presence of rooms and of those in them (XEP-0045). */
#ifndef EP_MUC_H
#define EP_MUC_H

#include <stdbool.h>
#include <stdint.h>

#include "xml/elem.h"
#include "xml/writer.h"

/* Values are those of epode/room.h. */
typedef enum ep_affiliation {
    EP_AFFILIATION_NONE = 0,
    EP_AFFILIATION_OUTCAST,
    EP_AFFILIATION_MEMBER,
    EP_AFFILIATION_ADMIN,
    EP_AFFILIATION_OWNER
} ep_affiliation;
typedef enum ep_role { EP_ROLE_NONE = 0, EP_ROLE_VISITOR, EP_ROLE_PARTICIPANT, EP_ROLE_MODERATOR } ep_role;

/* Status codes (XEP-0045, 15.6.2), as bits. */
enum {
    EP_MUC_SELF = 1,          /* 110 */
    EP_MUC_CREATED = 2,       /* 201 */
    EP_MUC_BANNED = 4,        /* 301 */
    EP_MUC_RENAMED = 8,       /* 303 */
    EP_MUC_KICKED = 16,       /* 307 */
    EP_MUC_AFFILIATION = 32,  /* 321 */
    EP_MUC_MEMBERS_ONLY = 64, /* 322 */
    EP_MUC_SHUTDOWN = 128,    /* 332 */
    EP_MUC_ERROR = 256        /* 333 */
};

typedef struct ep_muc_presence {
    const char *nick; /* whose it is: the resource of its sender; NULL: the room's own */
    bool gone;        /* unavailable */
    ep_affiliation affiliation;
    ep_role role;
    const char *jid;      /* the real one; NULL: it is not told */
    const char *occupant; /* XEP-0421, as in xmpp/message.h; NULL: none */
    const char *new_nick; /* with EP_MUC_RENAMED */
    const char *reason;   /* why, as somebody put it; NULL: nothing is said */
    bool destroyed;       /* the room is no more */
    unsigned status;
} ep_muc_presence;

/* False: it is no presence of an occupant's. */
bool ep_muc_presence_read(ep_muc_presence *out, const ep_elem *presence);

/* What a presence to a room holds besides. stanzas: how many old messages are wished for; seconds: not older than
 * that. -1: as the room likes. */
void ep_muc_write_join(const char *password, int64_t stanzas, int64_t seconds, ep_xw *w);
/* The payload that opens a room that was made by joining it, as it is (XEP-0045, 10.1.2). */
void ep_muc_write_instant(ep_xw *w);

/* A message that does nothing but change the subject (XEP-0045, 8.1); NULL: it is none. */
const char *ep_muc_subject(const ep_elem *message);

#endif
