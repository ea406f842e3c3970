/* avatar.c: ids of avatars: in presence (XEP-0153) and as metadata (XEP-0084). Whoever holds the picture of an id needs
 * nothing more. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "xmpp/ns.h"

void ep_client_tell_avatar(epode_client *c, const char *jid, const char *id)
{
    char *bare = ep_strndup(jid, ep_jid_bare_len(jid));
    epode_event ev = { .type = EPODE_EV_AVATAR, .peer = bare, .id = id };
    if (bare)
        ep_client_emit(c, &ev);
    else
        c->emit_failed = true;
    ep_free(bare);
}

/* XEP-0084, 4.2: an item without <info/> says that there is no avatar. */
void ep_client_take_avatar(epode_client *c, const char *from, const ep_elem *event)
{
    ep_jid jid;
    const ep_elem *items = ep_elem_child(event, "items", EP_NS_PUBSUB_EVENT);
    const ep_elem *item = ep_elem_child(items, "item", EP_NS_PUBSUB_EVENT);
    const ep_elem *metadata = ep_elem_child(item, "metadata", EP_NS_AVATAR);
    const ep_elem *info = ep_elem_child(metadata, "info", EP_NS_AVATAR);
    const char *id = info ? ep_elem_attr(info, "id") : "";
    if (!metadata || !id || !ep_streq(ep_elem_attr(items, "node"), EP_NS_AVATAR) ||
        ep_jid_parse(&jid, from ? from : c->jid.bare))
        return;
    ep_client_tell_avatar(c, jid.bare, id);
    ep_jid_free(&jid);
}
