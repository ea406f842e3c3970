/* mds.c: displayed positions. */
#include "xmpp/mds.h"

#include "base/str.h"
#include "xmpp/ns.h"
#include "xmpp/pubsub.h"

void ep_mds_write_query(const char *id, ep_xw *w)
{
    ep_xw_open(w, "iq", NULL);
    ep_xw_attr(w, "type", "get");
    ep_xw_attr(w, "id", id);
    ep_pubsub_write_items(w, EP_NS_MDS);
    ep_xw_close(w);
}

void ep_mds_write_publish(const char *id, const char *peer, const char *archive, const char *stanza_id, ep_xw *w)
{
    ep_xw_open(w, "iq", NULL);
    ep_xw_attr(w, "type", "set");
    ep_xw_attr(w, "id", id);
    ep_xw_open(w, "pubsub", EP_NS_PUBSUB);
    ep_xw_open(w, "publish", NULL);
    ep_xw_attr(w, "node", EP_NS_MDS);
    ep_xw_open(w, "item", NULL);
    ep_xw_attr(w, "id", peer);
    ep_xw_open(w, "displayed", EP_NS_MDS);
    ep_xw_open(w, "stanza-id", EP_NS_SID);
    ep_xw_attr(w, "by", archive);
    ep_xw_attr(w, "id", stanza_id);
    ep_xw_close(w);
    ep_xw_close(w);
    ep_xw_close(w);
    ep_xw_close(w);
    ep_pubsub_write_private(w); /* XEP-0490, 3.1 */
    ep_xw_close(w);
    ep_xw_close(w);
}

void ep_mds_read(const ep_elem *parent, const char *account,
                 void (*each)(const char *peer, const char *by, const char *stanza_id, void *user), void *user)
{
    const ep_elem *items = ep_elem_child(parent, "items", NULL);
    if (!ep_streq(ep_elem_attr(items, "node"), EP_NS_MDS))
        return;
    EP_ELEM_EACH(item, items) {
        const char *peer = ep_elem_attr(item, "id");
        const ep_elem *sid = ep_elem_child(ep_elem_child(item, "displayed", EP_NS_MDS), "stanza-id", EP_NS_SID);
        const char *by = ep_elem_attr(sid, "by"), *id = ep_elem_attr(sid, "id");
        if (peer && *peer && by && id && *id && (ep_streq(by, account) || ep_streq(by, peer)))
            each(peer, by, id, user);
    }
}
