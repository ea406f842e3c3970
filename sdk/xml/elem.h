/* elem.h: one XML element as a tree in an arena. Valid until the arena is reset: for stream elements
 * that is when their handler returns. Names and values are NUL-terminated UTF-8. */
#ifndef EP_ELEM_H
#define EP_ELEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "epode/error.h"

typedef struct ep_attr {
    const char *name, *ns; /* ns NULL: none, as is usual for attributes */
    const char *value;
} ep_attr;

typedef struct ep_elem {
    const char *name, *ns; /* name NULL: this node is text; ns "" where there is none */
    const char *text;      /* of a text node */
    size_t text_len;
    const ep_attr *attrs;
    size_t attr_count;
    struct ep_elem *parent, *next, *child, *last;
    const char *wire;  /* of the outermost one: how it came, byte by byte; NULL: not kept */
    size_t from, to;   /* where it began and ended in its document */
    bool has_prefix;   /* a name in it has a prefix: it means nothing without what declares that */
} ep_elem;

#define EP_NS_XML "http://www.w3.org/XML/1998/namespace"

bool ep_elem_is(const ep_elem *e, const char *name, const char *ns); /* e may be NULL; ns NULL: any */
const char *ep_elem_attr(const ep_elem *e, const char *name);        /* NULL: not there */
const char *ep_elem_lang(const ep_elem *e);                          /* xml:lang of e itself */
ep_elem *ep_elem_child(const ep_elem *e, const char *name, const char *ns); /* first one; NULL: none */
ep_elem *ep_elem_first(const ep_elem *e); /* first child that is an element */
ep_elem *ep_elem_next(const ep_elem *e);  /* next sibling that is an element */
const char *ep_elem_text(const ep_elem *e); /* of its first text node; "" if there is none, or e is NULL */

#define EP_ELEM_EACH(it, parent) for (ep_elem *it = ep_elem_first(parent); it; it = ep_elem_next(it))

/* How e came, if that says the same by itself where outer_ns is the default namespace; else NULL. As long as e. */
const char *ep_elem_wire(const ep_elem *e, const char *outer_ns, size_t *len);
/* Writes e as XML; xmlns is left out where it equals outer_ns (NULL: always written). */
void ep_elem_write(ep_buf *out, const ep_elem *e, const char *outer_ns);

/* Parses one whole element on its own into an arena that must be empty. default_ns is that of an element that names
 * none. EPODE_EPROTO: not well-formed, or refused (DTD, comment, processing instruction); EPODE_ENOMEM. */
epode_status ep_elem_read(ep_elem **out, ep_arena *arena, const char *xml, size_t len, const char *default_ns);
/* The same where the reason does not matter: NULL. */
ep_elem *ep_elem_parse(ep_arena *arena, const char *xml, size_t len, const char *default_ns);

#endif
