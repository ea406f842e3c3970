/* epode/resource.h: several resources on one stream (XEP-0193), where the server offers that.
 *
 * Each is a session of its own at the server: its own presence, its own address. The oldest is the default one: what
 * names no sender is its, and carbons, the roster's changes and catch-up are for it alone. They live as long as the
 * connection. With each new one those that were bound are bound again, behind what the login binds; EPODE_EV_RESOURCE tells
 * what became of each, once in a session that lives so long. One that is refused is not asked for again, but where its
 * name is taken ("conflict"), there is no room for it ("resource-constraint"), the server does not answer or no longer
 * offers this ("service-unavailable", "feature-not-implemented"): then the next session tries again. A message that is of
 * such a resource waits until that is known. Another process knows nothing of them.
 *
 * Stanzas are addressed by the full JID in their from (epode_send(), epode_iq(): EPODE_EINVAL if that is not bound),
 * messages by epode_outgoing.resource; events tell by their resource whom they were for. Once more than one is bound,
 * the client names a sender in everything that leaves. Stream management knows no such streams: EPODE_MULTI_RESOURCE
 * leaves it off. */
#ifndef EPODE_RESOURCE_H
#define EPODE_RESOURCE_H

#include "epode/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What became of it. Made by the library; borrowed until the callback returns. */
typedef struct epode_resource_result {
    size_t size;
    const char *jid;          /* the full JID that is bound now, or no longer; NULL: it failed */
    const epode_error *error; /* NULL: done. EPODE_EBIND with the server's condition: "not-allowed" (no more on one
                               * stream), "service-unavailable", "conflict", "bad-request" or "item-not-found" (to unbind:
                               * it does not know how, or of none such); EPODE_EPROTO (an answer that names no JID of
                               * ours), EPODE_ETIMEOUT, EPODE_ECANCELLED (the connection ended) */
} epode_resource_result;
/* As epode_iq_fn: exactly once, from epode_client_process() or from where the client is freed (client is NULL then). */
typedef void epode_resource_fn(epode_client *client, const epode_resource_result *result, void *user);

/* Binds another resource; NULL: the server chooses its name. Presence is sent for it, unless EPODE_NO_PRESENCE. done
 * may be NULL. EPODE_EINVAL: no name of a resource. EPODE_ESTATE: not now; *why_not (may be NULL) becomes a stable token:
 * "not-ready", "not-offered" (the server has no <unbind/> among its features), "stream-management" (it is on: see
 * EPODE_MULTI_RESOURCE), "bound" (it is already). */
EPODE_API epode_status epode_resource_bind(epode_client *client, const char *resource, epode_resource_fn *done,
                                           void *user, const char **why_not);
/* Unbinds one. If it was the oldest, the next one becomes the default. After the last one the stream ends, and the client
 * is stopped, as by epode_client_stop(). The same errors, without "bound". EPODE_DONE: it was not bound, and is not bound
 * again either; done is not called. */
EPODE_API epode_status epode_resource_unbind(epode_client *client, const char *resource, epode_resource_fn *done,
                                             void *user, const char **why_not);

/* What is bound: full JIDs, the oldest first, which is the default. 0 and NULL while not ready. Borrowed until the next
 * process(). */
EPODE_API size_t epode_resource_count(const epode_client *client);
EPODE_API const char *epode_resource_at(const epode_client *client, size_t i);

#ifdef __cplusplus
}
#endif
#endif
