/* message.c: one row per payload that means something for other messages. */
#include "xmpp/message.h"

#include <string.h>

#include "base/str.h"
#include "xmpp/datetime.h"
#include "xmpp/ns.h"

static ep_message_type message_type(const char *type)
{
    static const char *const names[] = { "normal", "chat", "groupchat", "headline", "error" };
    for (size_t i = 0; type && i < sizeof names / sizeof *names; i++)
        if (strcmp(type, names[i]) == 0)
            return (ep_message_type)i;
    return EP_MESSAGE_NORMAL; /* RFC 6121, 5.2.2 */
}

static void read_effect(ep_message *m, const ep_elem *e)
{
    static const struct {
        const char *name, *ns;
        ep_message_effect effect;
    } rows[] = {
        { "replace", EP_NS_CORRECT, EP_EFFECT_CORRECTION },   { "retract", EP_NS_RETRACT, EP_EFFECT_RETRACTION },
        { "reactions", EP_NS_REACTIONS, EP_EFFECT_REACTION }, { "received", EP_NS_RECEIPTS, EP_EFFECT_RECEIVED },
        { "received", EP_NS_MARKERS, EP_EFFECT_RECEIVED },    { "displayed", EP_NS_MARKERS, EP_EFFECT_DISPLAYED },
        { "acknowledged", EP_NS_MARKERS, EP_EFFECT_DISPLAYED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *id = ep_elem_is(e, rows[i].name, rows[i].ns) ? ep_elem_attr(e, "id") : NULL;
        if (id && *id && m->effect == EP_EFFECT_NONE) {
            m->effect = rows[i].effect;
            m->ref = id;
        }
    }
}

static void read_child(ep_message *m, const ep_elem *e, const char *by)
{
    if (ep_elem_is(e, "body", EP_NS_CLIENT) && (!m->body || !ep_elem_lang(e)))
        m->body = ep_elem_text(e);
    else if (ep_elem_is(e, "origin-id", EP_NS_SID))
        m->origin_id = ep_elem_attr(e, "id");
    else if (ep_elem_is(e, "occupant-id", EP_NS_OCCUPANT_ID))
        m->occupant = ep_elem_attr(e, "id");
    else if (ep_elem_is(e, "stanza-id", EP_NS_SID) && by && ep_streq(ep_elem_attr(e, "by"), by))
        m->stanza_id = ep_elem_attr(e, "id");
    else if (ep_elem_is(e, "delay", EP_NS_DELAY) && !m->delay_ms)
        ep_datetime_parse(ep_elem_attr(e, "stamp"), &m->delay_ms);
    else if (ep_elem_is(e, "reply", EP_NS_REPLY)) {
        m->reply_id = ep_elem_attr(e, "id");
        m->reply_to = ep_elem_attr(e, "to");
    } else if (ep_elem_is(e, "request", EP_NS_RECEIPTS))
        m->wants_receipt = true;
    else if (ep_elem_is(e, "markable", EP_NS_MARKERS))
        m->markable = true;
    else if (ep_elem_is(e, "retracted", EP_NS_RETRACT))
        m->tombstone = true;
    else if (ep_elem_is(e, "x", EP_NS_MUC_USER))
        m->muc_private = true;
    else
        read_effect(m, e);
}

/* NULL as well: one that names nobody. */
static const char *message_jid(const ep_elem *stanza, const char *name)
{
    const char *jid = ep_elem_attr(stanza, name);
    return jid && *jid && *jid != '/' ? jid : NULL;
}

void ep_message_read(ep_message *out, const ep_elem *stanza, const char *by)
{
    memset(out, 0, sizeof *out);
    out->stanza = stanza;
    out->type = message_type(ep_elem_attr(stanza, "type"));
    out->from = message_jid(stanza, "from");
    out->to = message_jid(stanza, "to");
    out->id = ep_elem_attr(stanza, "id");
    EP_ELEM_EACH(e, stanza)
        read_child(out, e, by);
    /* An error copies what it is about: none of that counts (RFC 6120, 8.3.1). */
    if (out->type == EP_MESSAGE_ERROR) {
        out->effect = EP_EFFECT_NONE;
        out->ref = NULL;
    }
}

static bool child_lasts(const ep_elem *e)
{
    static const char *const passing[] = { EP_NS_CHAT_STATES, EP_NS_HINTS, EP_NS_SID, EP_NS_DELAY, EP_NS_OCCUPANT_ID,
                                           EP_NS_CARBONS, EP_NS_RECEIPTS, EP_NS_MARKERS };
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (ep_streq(e->ns, passing[i]))
            return false;
    if (ep_elem_is(e, "x", EP_NS_MUC_USER))
        return ep_elem_child(e, "invite", NULL) || ep_elem_child(e, "decline", NULL);
    return !ep_elem_is(e, "thread", EP_NS_CLIENT);
}

bool ep_message_lasts(const ep_elem *stanza)
{
    bool lasts = false;
    EP_ELEM_EACH(e, stanza) {
        if (ep_elem_is(e, "no-store", EP_NS_HINTS) || ep_elem_is(e, "no-permanent-store", EP_NS_HINTS))
            return false;
        lasts = lasts || child_lasts(e);
    }
    return lasts;
}

void ep_message_reactions(const ep_message *m, ep_buf *out)
{
    EP_ELEM_EACH(e, ep_elem_child(m->stanza, "reactions", EP_NS_REACTIONS)) {
        if (!ep_elem_is(e, "reaction", EP_NS_REACTIONS))
            continue;
        if (out->len)
            ep_buf_putc(out, ' ');
        ep_buf_puts(out, ep_elem_text(e));
    }
}

const ep_elem *ep_message_forwarded(const ep_elem *parent, int64_t *delay_ms)
{
    const ep_elem *f = ep_elem_child(parent, "forwarded", EP_NS_FORWARD);
    const ep_elem *delay = ep_elem_child(f, "delay", EP_NS_DELAY);
    if (delay_ms && !ep_datetime_parse(ep_elem_attr(delay, "stamp"), delay_ms))
        *delay_ms = 0;
    return ep_elem_child(f, "message", EP_NS_CLIENT);
}

ep_carbon ep_message_carbon(const ep_elem *stanza, const ep_elem **inner)
{
    const ep_elem *received = ep_elem_child(stanza, "received", EP_NS_CARBONS);
    const ep_elem *sent = received ? NULL : ep_elem_child(stanza, "sent", EP_NS_CARBONS);
    *inner = received || sent ? ep_message_forwarded(received ? received : sent, NULL) : NULL;
    return received ? EP_CARBON_RECEIVED : sent ? EP_CARBON_SENT : EP_CARBON_NONE;
}
