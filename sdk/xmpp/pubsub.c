/* pubsub.c: nodes of the account itself. */
#include "xmpp/pubsub.h"

#include "xmpp/ns.h"

void ep_pubsub_write_items(ep_xw *w, const char *node)
{
    ep_xw_open(w, "pubsub", EP_NS_PUBSUB);
    ep_xw_open(w, "items", NULL);
    ep_xw_attr(w, "node", node);
    ep_xw_close(w);
    ep_xw_close(w);
}

void ep_pubsub_write_private(ep_xw *w)
{
    static const struct {
        const char *var, *value;
    } fields[] = {
        { "FORM_TYPE", EP_NS_PUBSUB "#publish-options" }, { "pubsub#persist_items", "true" },
        { "pubsub#max_items", "max" },                    { "pubsub#send_last_published_item", "never" },
        { "pubsub#access_model", "whitelist" },
    };
    ep_xw_open(w, "publish-options", NULL);
    ep_xw_open(w, "x", EP_NS_DATA);
    ep_xw_attr(w, "type", "submit");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        ep_xw_open(w, "field", NULL);
        ep_xw_attr(w, "var", fields[i].var);
        ep_xw_attr(w, "type", i ? NULL : "hidden");
        ep_xw_leaf(w, "value", NULL, fields[i].value);
        ep_xw_close(w);
    }
    ep_xw_close(w);
    ep_xw_close(w);
}
