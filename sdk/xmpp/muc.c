/* muc.c: presence of rooms and of those in them. */
#include "xmpp/muc.h"

#include <string.h>

#include "base/str.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"

static int index_of(const char *word, const char *const *names, int n)
{
    for (int i = 0; word && i < n; i++)
        if (strcmp(word, names[i]) == 0)
            return i;
    return 0;
}

static unsigned status_bit(const char *code)
{
    static const struct {
        const char *code;
        unsigned bit;
    } rows[] = {
        { "110", EP_MUC_SELF },   { "201", EP_MUC_CREATED },     { "301", EP_MUC_BANNED },
        { "303", EP_MUC_RENAMED }, { "307", EP_MUC_KICKED },      { "321", EP_MUC_AFFILIATION },
        { "322", EP_MUC_MEMBERS_ONLY }, { "332", EP_MUC_SHUTDOWN }, { "333", EP_MUC_ERROR },
    };
    for (size_t i = 0; code && i < sizeof rows / sizeof *rows; i++)
        if (strcmp(code, rows[i].code) == 0)
            return rows[i].bit;
    return 0;
}

static const char *text_of(const ep_elem *e)
{
    const char *text = ep_elem_text(e);
    return *text ? text : NULL;
}

static void read_item(ep_muc_presence *out, const ep_elem *item)
{
    static const char *const affiliations[] = { "none", "outcast", "member", "admin", "owner" };
    static const char *const roles[] = { "none", "visitor", "participant", "moderator" };
    out->affiliation = (ep_affiliation)index_of(ep_elem_attr(item, "affiliation"), affiliations, 5);
    out->role = (ep_role)index_of(ep_elem_attr(item, "role"), roles, 4);
    out->jid = ep_elem_attr(item, "jid");
    out->new_nick = ep_elem_attr(item, "nick");
    out->reason = text_of(ep_elem_child(item, "reason", EP_NS_MUC_USER));
}

bool ep_muc_presence_read(ep_muc_presence *out, const ep_elem *presence)
{
    const char *from = ep_elem_attr(presence, "from"), *type = ep_elem_attr(presence, "type");
    const ep_elem *x = ep_elem_child(presence, "x", EP_NS_MUC_USER);
    memset(out, 0, sizeof *out);
    if (!from || (type && strcmp(type, "unavailable") != 0))
        return false;
    size_t bare = ep_jid_bare_len(from);
    out->nick = from[bare] == '/' ? from + bare + 1 : NULL;
    out->gone = type != NULL;
    read_item(out, ep_elem_child(x, "item", EP_NS_MUC_USER));
    EP_ELEM_EACH(e, x)
        if (ep_elem_is(e, "status", EP_NS_MUC_USER))
            out->status |= status_bit(ep_elem_attr(e, "code"));
    const ep_elem *occupant = ep_elem_child(presence, "occupant-id", EP_NS_OCCUPANT_ID);
    out->occupant = occupant ? ep_elem_attr(occupant, "id") : NULL;
    const ep_elem *destroy = ep_elem_child(x, "destroy", EP_NS_MUC_USER);
    if (destroy) {
        out->destroyed = true;
        out->reason = text_of(ep_elem_child(destroy, "reason", EP_NS_MUC_USER));
    }
    if (!out->reason)
        out->reason = text_of(ep_elem_child(presence, "status", EP_NS_CLIENT));
    return out->nick != NULL;
}

void ep_muc_write_join(const char *password, int64_t stanzas, int64_t seconds, ep_xw *w)
{
    ep_xw_open(w, "x", EP_NS_MUC);
    if (stanzas >= 0 || seconds >= 0) {
        ep_xw_open(w, "history", NULL);
        if (stanzas >= 0)
            ep_xw_attr_u64(w, "maxstanzas", (uint64_t)stanzas);
        if (seconds >= 0)
            ep_xw_attr_u64(w, "seconds", (uint64_t)seconds);
        ep_xw_close(w);
    }
    if (password)
        ep_xw_leaf(w, "password", NULL, password);
    ep_xw_close(w);
}

void ep_muc_write_instant(ep_xw *w)
{
    ep_xw_open(w, "query", EP_NS_MUC_OWNER);
    ep_xw_open(w, "x", EP_NS_DATA);
    ep_xw_attr(w, "type", "submit");
    ep_xw_close(w);
    ep_xw_close(w);
}

const char *ep_muc_subject(const ep_elem *message)
{
    const ep_elem *subject = ep_elem_child(message, "subject", EP_NS_CLIENT);
    bool alone = subject && !ep_elem_child(message, "body", EP_NS_CLIENT) &&
                 !ep_elem_child(message, "thread", EP_NS_CLIENT);
    return alone ? ep_elem_text(subject) : NULL;
}
