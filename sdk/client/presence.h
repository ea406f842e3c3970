/* presence.h: who is there, in this session. */
#ifndef EP_CLIENT_PRESENCE_H
#define EP_CLIENT_PRESENCE_H

#include "base/buf.h"
#include "base/list.h"
#include "epode/presence.h"
#include "xmpp/presence.h"

#define EP_PRESENCE_BUCKETS 64
#define EP_PRESENCE_EACH_MAX 32     /* resources of one bare JID */
#define EP_PRESENCE_MAX     16384   /* of everybody: strangers may send theirs too */

/* One resource. The strings of shown are its own. */
typedef struct ep_resource_there {
    ep_list node;
    size_t bare_len;
    epode_presence shown;
    char *caps;      /* "hash ver"; NULL: none was told */
    ep_buf features; /* what it answered, where that cannot be kept for others; empty: nothing */
    bool asked, awaited; /* the question is out; the application is to hear of the answer */
} ep_resource_there;

typedef struct ep_presences {
    ep_list at[EP_PRESENCE_BUCKETS]; /* by the bare JID; those of one stand together, in order */
    size_t count;
    ep_own own;
    char *own_status;
    bool own_set; /* by the application; EPODE_NO_PRESENCE: by this process */
    bool own_due; /* it was set, and is not sent yet */
    bool own_unkept; /* the store has another one */
} ep_presences;

/* How the features of somebody are known. */
typedef enum ep_caps_known { EP_CAPS_UNKNOWN = 0, EP_CAPS_NO, EP_CAPS_YES } ep_caps_known;

ep_list *ep_presence_bucket(const ep_presences *p, const char *bare, size_t len);
/* prepared; NULL: it is not there */
ep_resource_there *ep_presence_find(const ep_presences *p, const char *full);

#endif
