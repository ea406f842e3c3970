/* Message carbons (XEP-0280). */
#include "internal.h"

#include <string.h>

/* XEP-0280, 6.1: what instant messaging consists of besides bodies. */
static bool has_im_payload(const struct srv_xml *message)
{
    static const char *const spaces[] = {"urn:xmpp:receipts", NS_MARKERS,
                                         "http://jabber.org/protocol/chatstates"};
    for (const struct srv_xml *at = message->first; at; at = at->next)
        for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++)
            if (at->ns && strcmp(at->ns, spaces[i]) == 0)
                return true;
    return false;
}

bool srv_carbons_wanted(const struct srv_xml *message)
{
    const char *type = srv_xml_get(message, "type");
    if (srv_xml_find(message, NS_CARBONS, "private") || srv_xml_find(message, NS_HINTS, "no-copy"))
        return false;
    if (srv_xml_find(message, NS_CARBONS, "sent") || srv_xml_find(message, NS_CARBONS, "received"))
        return false;
    if (type && strcmp(type, "chat") == 0)
        return true;
    /* XEP-0280, 6.1: normal messages too if they say something */
    return (!type || strcmp(type, "normal") == 0) &&
           (srv_xml_find(message, NS_CLIENT, "body") || has_im_payload(message));
}

/*
 * Copies for `user`'s enabled resources, except `skip` (the sender) and those that got the message
 * itself: with `direct` "" all available ones, with a resource that one, with NULL none.
 */
void srv_carbons(struct srv *srv, const char *user, bool sent, const struct srv_xml *message,
                 const struct srv_session *skip, const char *direct)
{
    for (struct srv_session *at = srv->sessions; at; at = at->next) {
        if (!at->carbons || at == skip || strcmp(at->user, user) != 0)
            continue;
        if (direct && (*direct ? strcmp(direct, at->resource) == 0
                               : at->available && at->priority >= 0))
            continue;
        struct srv_xml *carbon = srv_xml_new(NS_CLIENT, "message");
        srv_xml_set(carbon, "from", at->bare);
        srv_xml_set(carbon, "to", at->full);
        srv_xml_set(carbon, "type", srv_xml_get(message, "type"));
        struct srv_xml *wrap = srv_xml_child(carbon, NS_CARBONS, sent ? "sent" : "received");
        struct srv_xml *forwarded = srv_xml_child(wrap, NS_FORWARD, "forwarded");
        srv_xml_add(forwarded, srv_xml_clone(message));
        srv_session_send(at, carbon);
        srv_xml_free(carbon);
        srv_count(srv, "carbons");
    }
}
