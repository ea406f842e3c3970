/* bookmarks.c: the account's rooms. */
#include "xmpp/bookmarks.h"

#include <string.h>

#include "base/str.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/pubsub.h"

static const char *keep(ep_arena *arena, const char *text, bool *ok)
{
    const char *copy = text && *text ? ep_arena_strndup(arena, text, strlen(text)) : NULL;
    *ok = *ok && (copy || !text || !*text);
    return copy;
}

static const char *keep_extensions(ep_arena *arena, const ep_elem *extensions, bool *ok)
{
    ep_buf xml = EP_BUF_INIT;
    if (!extensions)
        return NULL;
    ep_elem_write(&xml, extensions, EP_NS_BOOKMARKS);
    const char *copy = xml.failed ? NULL : ep_arena_strndup(arena, ep_buf_ptr(&xml), xml.len);
    *ok = *ok && copy;
    ep_buf_free(&xml);
    return copy;
}

epode_status ep_bookmark_read(ep_bookmark *out, const ep_elem *item, ep_arena *arena)
{
    ep_jid jid;
    bool ok = true;
    const ep_elem *conference = ep_elem_child(item, "conference", EP_NS_BOOKMARKS);
    memset(out, 0, sizeof *out);
    if (!conference)
        return EPODE_EPROTO;
    epode_status st = ep_jid_parse(&jid, ep_elem_attr(item, "id"));
    if (st)
        return st == EPODE_EINVAL ? EPODE_EPROTO : st;
    bool room = jid.local && !jid.resource;
    out->jid = keep(arena, jid.bare, &ok);
    ep_jid_free(&jid);
    out->name = keep(arena, ep_elem_attr(conference, "name"), &ok);
    out->autojoin = ep_str_is_true(ep_elem_attr(conference, "autojoin"));
    out->nick = keep(arena, ep_elem_text(ep_elem_child(conference, "nick", EP_NS_BOOKMARKS)), &ok);
    out->password = keep(arena, ep_elem_text(ep_elem_child(conference, "password", EP_NS_BOOKMARKS)), &ok);
    out->extensions = keep_extensions(arena, ep_elem_child(conference, "extensions", EP_NS_BOOKMARKS), &ok);
    return !ok ? EPODE_ENOMEM : room ? EPODE_OK : EPODE_EPROTO;
}

void ep_bookmarks_write_query(ep_xw *w)
{
    ep_pubsub_write_items(w, EP_NS_BOOKMARKS);
}

static void write_raw(ep_xw *w, const char *xml)
{
    ep_xw_text(w, "");
    if (w->in_tag) {
        ep_buf_putc(w->out, '>');
        w->in_tag = false;
    }
    ep_buf_puts(w->out, xml);
}

void ep_bookmark_write(const ep_bookmark *b, ep_xw *w)
{
    ep_xw_open(w, "pubsub", EP_NS_PUBSUB);
    ep_xw_open(w, "publish", NULL);
    ep_xw_attr(w, "node", EP_NS_BOOKMARKS);
    ep_xw_open(w, "item", NULL);
    ep_xw_attr(w, "id", b->jid);
    ep_xw_open(w, "conference", EP_NS_BOOKMARKS);
    ep_xw_attr(w, "name", b->name);
    ep_xw_attr(w, "autojoin", b->autojoin ? "true" : "false");
    if (b->nick)
        ep_xw_leaf(w, "nick", NULL, b->nick);
    if (b->password)
        ep_xw_leaf(w, "password", NULL, b->password);
    if (b->extensions)
        write_raw(w, b->extensions);
    ep_xw_close(w);
    ep_xw_close(w);
    ep_xw_close(w);
    ep_pubsub_write_private(w); /* XEP-0402, 3.1 */
    ep_xw_close(w);
}

void ep_bookmark_write_retract(const char *jid, ep_xw *w)
{
    ep_xw_open(w, "pubsub", EP_NS_PUBSUB);
    ep_xw_open(w, "retract", NULL);
    ep_xw_attr(w, "node", EP_NS_BOOKMARKS);
    ep_xw_attr(w, "notify", "true");
    ep_xw_open(w, "item", NULL);
    ep_xw_attr(w, "id", jid);
    ep_xw_close(w);
    ep_xw_close(w);
    ep_xw_close(w);
}
