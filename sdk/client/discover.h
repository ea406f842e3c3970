/* discover.h: what the server and the account can do. */
#ifndef EP_CLIENT_DISCOVER_H
#define EP_CLIENT_DISCOVER_H

#include "base/buf.h"
#include "epode/client.h"
#include "stream/plan.h"

/* What is known of one of them. */
typedef struct ep_known {
    ep_buf list;       /* as ep_disco_features() makes it */
    char version[160]; /* "hash ver" of the domain's capabilities when it was asked; "": none were told */
    bool known, asked; /* asked: the answer is awaited */
    bool session_only; /* it could not be verified */
    bool stale;        /* known, and to be asked again */
} ep_known;

/* The features behind authentication: of this stream, else as they are remembered; NULL: not known. */
const ep_features *ep_client_features(const epode_client *c);
void ep_client_keep_features(epode_client *c); /* from memory, which is about to be freed */
epode_status ep_client_discover_load(epode_client *c);
/* A session that is none of before: what was known for the last one alone is not known. */
void ep_client_discover_reset(epode_client *c);
/* Asks for what is not known. */
epode_status ep_client_discover(epode_client *c);
void ep_client_discover_free(epode_client *c);

#endif
