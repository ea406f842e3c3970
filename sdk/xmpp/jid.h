/* jid.h: JIDs (RFC 6122): parts, preparation, comparison. */
#ifndef EP_JID_H
#define EP_JID_H

#include <stdbool.h>
#include <stddef.h>

#include "epode/error.h"

typedef struct ep_jid {
    char *local, *domain, *resource; /* local, resource: NULL where there is none */
    char *bare;
    char *ascii; /* the domain in A-labels, for DNS and TLS */
} ep_jid;

/* Takes apart and prepares. EPODE_EINVAL: not a JID; EPODE_ENOMEM. On failure *out is empty. */
epode_status ep_jid_parse(ep_jid *out, const char *text);
void ep_jid_free(ep_jid *jid);

/* Both compare prepared text as it stands. a is bare (or the bare part of a full one is taken). */
bool ep_jid_same_bare(const char *full_or_bare, const char *bare);
size_t ep_jid_bare_len(const char *jid);

#endif
