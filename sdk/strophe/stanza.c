/* stanza.c: libstrophe's stanzas. */
#include "strophe/stanza.h"

#include "base/alloc.h"
#include "base/str.h"
#include "xml/writer.h"

static bool stanza_text(xmpp_ctx_t *ctx, xmpp_stanza_t *parent, const ep_elem *node)
{
    xmpp_stanza_t *text = xmpp_stanza_new(ctx);
    bool ok = text && xmpp_stanza_set_text_with_size(text, node->text, node->text_len) == XMPP_EOK &&
              xmpp_stanza_add_child(parent, text) == XMPP_EOK;
    if (text)
        xmpp_stanza_release(text);
    return ok;
}

xmpp_stanza_t *ep_stanza_from_elem(xmpp_ctx_t *ctx, const ep_elem *e)
{
    xmpp_stanza_t *st = xmpp_stanza_new(ctx);
    if (!st)
        return NULL;
    bool ok = xmpp_stanza_set_name(st, e->name) == XMPP_EOK &&
              (!*e->ns || xmpp_stanza_set_ns(st, e->ns) == XMPP_EOK);
    for (size_t i = 0; ok && i < e->attr_count; i++) {
        const ep_attr *a = &e->attrs[i];
        bool lang = ep_streq(a->ns, EP_NS_XML) && ep_streq(a->name, "lang");
        /* libstrophe knows no namespaces of attributes beside xml:lang. */
        if (!a->ns || lang)
            ok = xmpp_stanza_set_attribute(st, lang ? "xml:lang" : a->name, a->value) == XMPP_EOK;
    }
    for (const ep_elem *it = e->child; ok && it; it = it->next) {
        if (!it->name) {
            ok = stanza_text(ctx, st, it);
            continue;
        }
        xmpp_stanza_t *child = ep_stanza_from_elem(ctx, it);
        ok = child && xmpp_stanza_add_child(st, child) == XMPP_EOK;
        if (child)
            xmpp_stanza_release(child);
    }
    if (ok)
        return st;
    xmpp_stanza_release(st);
    return NULL;
}

epode_status ep_stanza_write(ep_buf *out, xmpp_stanza_t *stanza, const char *outer_ns)
{
    char *text = NULL;
    size_t len = 0;
    if (!xmpp_stanza_is_tag(stanza))
        return EPODE_EINVAL;
    if (xmpp_stanza_to_text(stanza, &text, &len) != XMPP_EOK)
        return EPODE_ENOMEM;
    /* Through our own parser and writer: what leaves is well-formed whatever was put into the stanza. */
    ep_arena arena = { 0 };
    ep_elem *e;
    epode_status st = ep_elem_read(&e, &arena, text, len, outer_ns);
    if (st)
        st = st == EPODE_ENOMEM ? st : EPODE_EINVAL;
    else
        ep_elem_write(out, e, outer_ns);
    ep_arena_free(&arena);
    xmpp_free(xmpp_stanza_get_context(stanza), text);
    return st ? st : out->failed ? EPODE_ENOMEM : EPODE_OK;
}
