/* elem.c: our trees over libstrophe's stanzas: nodes of our own, names and text of theirs. */
#include <string.h>

#include "strophe/stanza.h"

#define ATTRS_MAX 64

/* The namespace is one of them there. libstrophe keeps no prefixes: of attributes with a namespace only xml:lang is met in
 * XMPP. */
static epode_status elem_attrs(ep_arena *arena, xmpp_stanza_t *from, ep_elem *e)
{
    const char *list[2 * (ATTRS_MAX + 1) + 2];
    int n = xmpp_stanza_get_attributes(from, list, sizeof list / sizeof *list);
    if (n > 2 * (ATTRS_MAX + 1))
        return EPODE_ELIMIT;
    ep_attr *a = n > 0 ? ep_arena_alloc(arena, (size_t)n / 2 * sizeof *a) : NULL;
    if (n > 0 && !a)
        return EPODE_ENOMEM;
    for (int i = 0; i + 1 < n; i += 2) {
        if (list[i][0] == 'x' && strcmp(list[i], "xmlns") == 0) {
            e->ns = list[i + 1];
            continue;
        }
        bool lang = list[i][0] == 'l' && strcmp(list[i], "lang") == 0;
        a[e->attr_count++] = (ep_attr){ list[i], lang ? EP_NS_XML : NULL, list[i + 1] };
    }
    e->attrs = a;
    return e->attr_count > ATTRS_MAX ? EPODE_ELIMIT : EPODE_OK;
}

static epode_status elem_fill(ep_arena *arena, xmpp_stanza_t *from, ep_elem *e, size_t depth);

static epode_status elem_children(ep_arena *arena, xmpp_stanza_t *from, ep_elem *e, size_t depth)
{
    for (xmpp_stanza_t *it = xmpp_stanza_get_children(from); it; it = xmpp_stanza_get_next(it)) {
        ep_elem *node = ep_arena_alloc(arena, sizeof *node);
        if (!node)
            return EPODE_ENOMEM;
        epode_status st = elem_fill(arena, it, node, depth);
        if (st)
            return st;
        node->parent = e;
        if (e->last)
            e->last->next = node;
        else
            e->child = node;
        e->last = node;
    }
    return EPODE_OK;
}

static epode_status elem_fill(ep_arena *arena, xmpp_stanza_t *from, ep_elem *e, size_t depth)
{
    memset(e, 0, sizeof *e);
    if (xmpp_stanza_is_text(from)) {
        e->text = xmpp_stanza_get_text_ptr(from);
        e->text = e->text ? e->text : "";
        e->text_len = strlen(e->text);
        return EPODE_OK;
    }
    e->name = xmpp_stanza_get_name(from);
    e->ns = "";
    if (!e->name)
        return EPODE_ENOMEM; /* libstrophe goes on when it has none */
    epode_status st = depth == 0 ? EPODE_ELIMIT : elem_attrs(arena, from, e);
    return st ? st : elem_children(arena, from, e, depth - 1);
}

epode_status ep_elem_from_stanza(ep_elem **out, ep_arena *arena, xmpp_stanza_t *stanza, size_t max_depth)
{
    ep_elem *e = ep_arena_alloc(arena, sizeof *e);
    *out = e;
    return e ? elem_fill(arena, stanza, e, max_depth ? max_depth : 64) : EPODE_ENOMEM;
}
