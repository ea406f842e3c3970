/* presence.c: presence stanzas and chat states. */
#include "xmpp/presence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "xmpp/datetime.h"
#include "xmpp/ns.h"

static const char *const shows[] = { "", "chat", "away", "xa", "dnd" };
static const char *const chat_states[] = { "", "active", "composing", "paused", "inactive", "gone" };

#define COUNT(a) (sizeof(a) / sizeof *(a))

static ep_presence_type read_type(const char *type)
{
    return !type                               ? EP_PRESENCE_AVAILABLE
           : strcmp(type, "unavailable") == 0 ? EP_PRESENCE_UNAVAILABLE
           : strcmp(type, "error") == 0       ? EP_PRESENCE_ERROR
                                               : EP_PRESENCE_OTHER;
}

/* What is none of the four is as if there were none. */
static ep_show read_show(const char *text)
{
    for (size_t i = 1; i < COUNT(shows); i++)
        if (strcmp(text, shows[i]) == 0)
            return (ep_show)i;
    return EP_SHOW_ONLINE;
}

/* RFC 6121, 4.7.2.3: from -128 to 127; what is no such number counts as none, which is 0. */
static int read_priority(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);
    return end != text && !*end && n >= -128 && n <= 127 ? (int)n : 0;
}

static void read_caps(ep_presence *p, const ep_elem *c)
{
    const char *hash = ep_elem_attr(c, "hash"), *ver = ep_elem_attr(c, "ver"), *node = ep_elem_attr(c, "node");
    if (!hash || !*hash || !ver || !*ver || !node || !*node)
        return;
    p->caps_hash = hash;
    p->caps_ver = ver;
    p->caps_node = node;
}

static void read_photo(ep_presence *p, const ep_elem *x)
{
    const ep_elem *photo = ep_elem_child(x, "photo", EP_NS_VCARD_UPDATE);
    const char *hash = photo ? ep_elem_text(photo) : NULL;
    /* XEP-0153, 3.2: 40 hexadecimal digits; an empty one: there is no avatar. */
    if (hash && (!*hash || (strlen(hash) == 40 && strspn(hash, "0123456789abcdefABCDEF") == 40)))
        p->photo = hash;
}

void ep_presence_read(ep_presence *out, const ep_elem *stanza)
{
    memset(out, 0, sizeof *out);
    out->type = read_type(ep_elem_attr(stanza, "type"));
    EP_ELEM_EACH(e, stanza) {
        if (ep_elem_is(e, "show", EP_NS_CLIENT))
            out->show = read_show(ep_elem_text(e));
        else if (ep_elem_is(e, "status", EP_NS_CLIENT) && (!out->status || !ep_elem_lang(e)))
            out->status = *ep_elem_text(e) ? ep_elem_text(e) : NULL;
        else if (ep_elem_is(e, "priority", EP_NS_CLIENT))
            out->priority = read_priority(ep_elem_text(e));
        else if (ep_elem_is(e, "idle", EP_NS_IDLE))
            ep_datetime_parse(ep_elem_attr(e, "since"), &out->idle_ms);
        else if (ep_elem_is(e, "delay", EP_NS_DELAY))
            ep_datetime_parse(ep_elem_attr(e, "stamp"), &out->stamp_ms);
        else if (ep_elem_is(e, "c", EP_NS_CAPS))
            read_caps(out, e);
        else if (ep_elem_is(e, "x", EP_NS_VCARD_UPDATE))
            read_photo(out, e);
        else if (ep_elem_is(e, "x", EP_NS_MUC_USER))
            out->of_room = true;
    }
    if (out->type != EP_PRESENCE_AVAILABLE)
        out->show = EP_SHOW_OFFLINE;
}

void ep_presence_write(ep_xw *w, const char *from, const char *to, const ep_own *own, const ep_caps *caps)
{
    char number[16];
    bool there = own->show != EP_SHOW_OFFLINE;
    ep_xw_open(w, "presence", NULL);
    ep_xw_attr(w, "from", from);
    ep_xw_attr(w, "to", to);
    ep_xw_attr(w, "type", there ? NULL : "unavailable");
    if (there && own->show != EP_SHOW_ONLINE)
        ep_xw_leaf(w, "show", NULL, shows[own->show]);
    if (own->status)
        ep_xw_leaf(w, "status", NULL, own->status);
    if (there && own->priority) {
        snprintf(number, sizeof number, "%d", own->priority);
        ep_xw_leaf(w, "priority", NULL, number);
    }
    if (there)
        ep_caps_write_presence(caps, w);
    ep_xw_close(w);
}

ep_chat_state ep_chat_state_read(const ep_elem *message)
{
    ep_chat_state found = EP_CHAT_NONE;
    EP_ELEM_EACH(e, message) {
        if (!ep_elem_is(e, e->name, EP_NS_CHAT_STATES))
            continue;
        if (found)
            return EP_CHAT_NONE;
        for (size_t i = 1; i < COUNT(chat_states); i++)
            if (strcmp(e->name, chat_states[i]) == 0)
                found = (ep_chat_state)i;
    }
    return found;
}

void ep_chat_state_write(ep_xw *w, const char *to, ep_chat_state state)
{
    ep_xw_open(w, "message", NULL);
    ep_xw_attr(w, "type", "chat");
    ep_xw_attr(w, "to", to);
    ep_xw_leaf(w, chat_states[state], EP_NS_CHAT_STATES, NULL);
    ep_xw_leaf(w, "no-store", EP_NS_HINTS, NULL);
    ep_xw_close(w);
}
