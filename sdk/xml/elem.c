/* elem.c: looking into an element, and writing it out again. */
#include "xml/elem.h"

#include "base/str.h"
#include "xml/writer.h"

bool ep_elem_is(const ep_elem *e, const char *name, const char *ns)
{
    return e && e->name && strcmp(e->name, name) == 0 && (!ns || strcmp(e->ns, ns) == 0);
}

const char *ep_elem_attr(const ep_elem *e, const char *name)
{
    for (size_t i = 0; e && i < e->attr_count; i++)
        if (!e->attrs[i].ns && strcmp(e->attrs[i].name, name) == 0)
            return e->attrs[i].value;
    return NULL;
}

const char *ep_elem_lang(const ep_elem *e)
{
    for (size_t i = 0; e && i < e->attr_count; i++)
        if (ep_streq(e->attrs[i].ns, EP_NS_XML) && strcmp(e->attrs[i].name, "lang") == 0)
            return e->attrs[i].value;
    return NULL;
}

static ep_elem *elem_skip_text(ep_elem *e)
{
    while (e && !e->name)
        e = e->next;
    return e;
}

ep_elem *ep_elem_first(const ep_elem *e)
{
    return e ? elem_skip_text(e->child) : NULL;
}

ep_elem *ep_elem_next(const ep_elem *e)
{
    return elem_skip_text(e->next);
}

ep_elem *ep_elem_child(const ep_elem *e, const char *name, const char *ns)
{
    EP_ELEM_EACH(it, e)
        if (ep_elem_is(it, name, ns))
            return it;
    return NULL;
}

const char *ep_elem_text(const ep_elem *e)
{
    for (const ep_elem *it = e ? e->child : NULL; it; it = it->next)
        if (!it->name)
            return it->text;
    return "";
}

const char *ep_elem_wire(const ep_elem *e, const char *outer_ns, size_t *len)
{
    const ep_elem *top = e;
    while (top->parent)
        top = top->parent;
    /* An element without a prefix that declares no namespace itself is of the one around it. */
    if (!top->wire || e->has_prefix || !ep_streq(e->ns, outer_ns))
        return NULL;
    *len = e->to - e->from;
    return top->wire + (e->from - top->from);
}

static void elem_write_into(ep_xw *w, const ep_elem *e, const char *outer_ns)
{
    ep_xw_open(w, e->name, ep_streq(e->ns, outer_ns) ? NULL : e->ns);
    int generated = 0;
    for (size_t i = 0; i < e->attr_count; i++) {
        const ep_attr *a = &e->attrs[i];
        if (!a->ns)
            ep_xw_attr(w, a->name, a->value);
        else
            ep_xw_attr_ns(w, a->ns, a->name, a->value, &generated);
    }
    for (const ep_elem *it = e->child; it; it = it->next) {
        if (it->name)
            elem_write_into(w, it, e->ns);
        else
            ep_xw_text_n(w, it->text, it->text_len);
    }
    ep_xw_close(w);
}

void ep_elem_write(ep_buf *out, const ep_elem *e, const char *outer_ns)
{
    ep_xw w = ep_xw_init(out);
    elem_write_into(&w, e, outer_ns);
    if (w.status)
        out->failed = true;
}
