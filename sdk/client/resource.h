/* resource.h: what is bound on the stream (XEP-0193). */
#ifndef EP_CLIENT_RESOURCE_H
#define EP_CLIENT_RESOURCE_H

#include "base/buf.h"
#include "epode/resource.h"
#include "xml/elem.h"

typedef struct ep_resource {
    unsigned number; /* its own, in this client */
    char *full;      /* JID */
    char *escaped;   /* as it stands in an attribute */
} ep_resource;

#define EP_RESOURCES_MAX 32

/* One that the application bound: with each new session it is bound again. */
typedef struct ep_wanted {
    char *full, *escaped;
    bool awaited; /* of this session: what becomes of it is not known yet */
} ep_wanted;

typedef struct ep_resources {
    ep_resource at[EP_RESOURCES_MAX]; /* the oldest first */
    size_t count;
    unsigned made;
    unsigned by;     /* the number of the one whose the last stanza was */
    const ep_resource *for_one; /* whom the stanza at hand is for; NULL: nobody in particular */
    bool answering;  /* what is sent is the answer of that one */
    ep_wanted wanted[EP_RESOURCES_MAX]; /* the oldest first */
    size_t wanted_count;
    bool again_due;  /* those are still to be asked for, in this session */
    bool all_gone;   /* the last was unbound: the stream ends, and so it was wished */
} ep_resources;

/* A session: its one resource. */
epode_status ep_client_resources_begin(epode_client *c, const char *full);
void ep_client_resources_end(epode_client *c);
void ep_client_resources_free(epode_client *c);
/* Asks for those of before, once in a session and as soon as it is known whether the server can. */
epode_status ep_client_resources_again(epode_client *c);
/* The stanza is one of a resource that is about to be bound again: it waits. */
bool ep_client_resource_held(const epode_client *c, const char *xml, size_t len);
const ep_resource *ep_client_resource_named(const epode_client *c, const char *full); /* NULL: not bound */

/* For the two files of resources. */
epode_status ep_client_resource_add(epode_client *c, const char *full);
void ep_client_resource_remove(epode_client *c, size_t i);
ep_wanted *ep_client_wanted(epode_client *c, const char *full); /* NULL: it is not */
epode_status ep_client_want(epode_client *c, const char *full);
void ep_client_unwant(epode_client *c, ep_wanted *w);

/* The stanza as it is to leave: with a bound sender where several are bound. own: one of ours that was stored, whose
 * sender may be gone. EPODE_EINVAL: its sender is not bound. What is made is in made, else *xml stays. */
epode_status ep_client_stamp(epode_client *c, const char **xml, size_t *len, ep_buf *made, bool own);

#endif
