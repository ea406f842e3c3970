/* epode/send.h: stanzas out, and stanzas as libstrophe has them. */
#ifndef EPODE_SEND_H
#define EPODE_SEND_H

#include "epode/client.h"

#ifdef __cplusplus
extern "C" {
#endif

struct _xmpp_ctx_t;    /* libstrophe's xmpp_ctx_t */
struct _xmpp_stanza_t; /* libstrophe's xmpp_stanza_t */

/* libstrophe's context of this client, for building stanzas; lives as long as the client. Its reference
 * counts are not atomic: stanzas stay on the owner's thread. NULL: no memory. */
EPODE_API struct _xmpp_ctx_t *epode_client_ctx(epode_client *client);

/* Sends a message, presence or iq (anything else, and an iq without an id, is EPODE_EINVAL). Only when ready:
 * EPODE_ESTATE. EPODE_ELIMIT: larger than the server takes, where it said so (XEP-0478). The stanza is read at
 * once; the caller keeps its reference. Under stream management it is on disk before its bytes leave;
 * EPODE_EV_DELIVERY follows for stanzas with an id. A message without an id gets one. */
EPODE_API epode_status epode_send(epode_client *client, struct _xmpp_stanza_t *stanza);
/* The same from text: exactly one element, well-formed, jabber:client by default. EPODE_EINVAL otherwise. */
EPODE_API epode_status epode_send_xml(epode_client *client, const char *xml, size_t len);
/* A chat message; to is a JID, body is text. id[40] (may be NULL) receives the stanza's id. */
EPODE_API epode_status epode_send_chat(epode_client *client, const char *to, const char *body, char *id);

/* The stanza of a MESSAGE or STANZA event, for libstrophe's accessors. The caller releases it
 * (xmpp_stanza_release). NULL: the event has none, or no memory. */
EPODE_API struct _xmpp_stanza_t *epode_event_stanza(epode_client *client, const epode_event *event);

#ifdef __cplusplus
}
#endif
#endif
