/* The XML tree and its writer. */
#include "xml.h"

#include <stdlib.h>
#include <string.h>

#define NS_XML "http://www.w3.org/XML/1998/namespace"

struct srv_xml *srv_xml_new(const char *ns, const char *name)
{
    struct srv_xml *el = srv_alloc(sizeof *el);
    el->ns = srv_dup(ns);
    el->name = srv_dup(name);
    return el;
}

void srv_xml_add(struct srv_xml *parent, struct srv_xml *child)
{
    child->parent = parent;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
}

struct srv_xml *srv_xml_child(struct srv_xml *parent, const char *ns, const char *name)
{
    struct srv_xml *child = srv_xml_new(ns, name);
    srv_xml_add(parent, child);
    return child;
}

void srv_xml_text(struct srv_xml *parent, const char *text, size_t len)
{
    struct srv_xml *last = parent->last;
    if (last && !last->name) {
        struct srv_buf joined = {0};
        srv_buf_puts(&joined, last->text);
        srv_buf_add(&joined, text, len);
        free(last->text);
        last->text = joined.data;
        return;
    }
    struct srv_xml *node = srv_alloc(sizeof *node);
    node->text = srv_dup_n(text, len);
    srv_xml_add(parent, node);
}

void srv_xml_puts(struct srv_xml *parent, const char *text)
{
    srv_xml_text(parent, text, strlen(text));
}

static void attr_free(struct srv_attr *attr)
{
    free(attr->ns);
    free(attr->name);
    free(attr->value);
    free(attr);
}

void srv_xml_set(struct srv_xml *el, const char *name, const char *value)
{
    struct srv_attr **slot = &el->attrs;
    while (*slot && ((*slot)->ns || strcmp((*slot)->name, name) != 0))
        slot = &(*slot)->next;
    if (*slot && value) {
        srv_set(&(*slot)->value, value);
    } else if (*slot) {
        struct srv_attr *gone = *slot;
        *slot = gone->next;
        attr_free(gone);
    } else if (value) {
        *slot = srv_alloc(sizeof **slot);
        (*slot)->name = srv_dup(name);
        (*slot)->value = srv_dup(value);
    }
}

void srv_xml_free(struct srv_xml *el)
{
    if (!el)
        return;
    while (el->first) {
        struct srv_xml *child = el->first;
        el->first = child->next;
        srv_xml_free(child);
    }
    while (el->attrs) {
        struct srv_attr *attr = el->attrs;
        el->attrs = attr->next;
        attr_free(attr);
    }
    free(el->ns);
    free(el->name);
    free(el->text);
    free(el);
}

void srv_xml_remove(struct srv_xml *child)
{
    struct srv_xml *parent = child->parent, *before = NULL;
    for (struct srv_xml *at = parent->first; at != child; at = at->next)
        before = at;
    if (before)
        before->next = child->next;
    else
        parent->first = child->next;
    if (parent->last == child)
        parent->last = before;
    srv_xml_free(child);
}

struct srv_xml *srv_xml_clone(const struct srv_xml *el)
{
    struct srv_xml *copy = srv_xml_new(el->ns, el->name);
    copy->text = srv_dup(el->text);
    struct srv_attr **slot = &copy->attrs;
    for (const struct srv_attr *attr = el->attrs; attr; attr = attr->next) {
        *slot = srv_alloc(sizeof **slot);
        (*slot)->ns = srv_dup(attr->ns);
        (*slot)->name = srv_dup(attr->name);
        (*slot)->value = srv_dup(attr->value);
        slot = &(*slot)->next;
    }
    for (const struct srv_xml *child = el->first; child; child = child->next)
        srv_xml_add(copy, srv_xml_clone(child));
    return copy;
}

const char *srv_xml_get(const struct srv_xml *el, const char *name)
{
    for (const struct srv_attr *attr = el ? el->attrs : NULL; attr; attr = attr->next)
        if (!attr->ns && strcmp(attr->name, name) == 0)
            return attr->value;
    return NULL;
}

int srv_xml_true(const struct srv_xml *el, const char *name)
{
    const char *value = srv_xml_get(el, name);
    return value && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

int srv_xml_is(const struct srv_xml *el, const char *ns, const char *name)
{
    return el && el->name && strcmp(el->name, name) == 0 && el->ns && strcmp(el->ns, ns) == 0;
}

struct srv_xml *srv_xml_find(const struct srv_xml *el, const char *ns, const char *name)
{
    for (struct srv_xml *child = el ? el->first : NULL; child; child = child->next)
        if (srv_xml_is(child, ns, name))
            return child;
    return NULL;
}

struct srv_xml *srv_xml_first(const struct srv_xml *el)
{
    struct srv_xml *child = el ? el->first : NULL;
    while (child && !child->name)
        child = child->next;
    return child;
}

const char *srv_xml_content(const struct srv_xml *el)
{
    for (const struct srv_xml *child = el ? el->first : NULL; child; child = child->next)
        if (!child->name)
            return child->text;
    return "";
}

static void write_attr(struct srv_buf *out, const struct srv_attr *attr, int number)
{
    if (attr->ns && strcmp(attr->ns, NS_XML) == 0) {
        srv_buf_puts(out, " xml:");
    } else if (attr->ns) {
        srv_buf_printf(out, " xmlns:a%d='", number);
        srv_buf_escape(out, attr->ns);
        srv_buf_printf(out, "' a%d:", number);
    } else {
        srv_buf_puts(out, " ");
    }
    srv_buf_puts(out, attr->name);
    srv_buf_puts(out, "='");
    srv_buf_escape(out, attr->value);
    srv_buf_puts(out, "'");
}

void srv_xml_write(struct srv_buf *out, const struct srv_xml *el, const char *scope)
{
    if (!el->name) {
        srv_buf_escape(out, el->text);
        return;
    }
    const char *ns = el->ns ? el->ns : "";
    srv_buf_printf(out, "<%s", el->name);
    if (strcmp(ns, scope) != 0) {
        srv_buf_puts(out, " xmlns='");
        srv_buf_escape(out, ns);
        srv_buf_puts(out, "'");
    }
    int number = 0;
    for (const struct srv_attr *attr = el->attrs; attr; attr = attr->next)
        write_attr(out, attr, number++);
    if (!el->first) {
        srv_buf_puts(out, "/>");
        return;
    }
    srv_buf_puts(out, ">");
    for (const struct srv_xml *child = el->first; child; child = child->next)
        srv_xml_write(out, child, ns);
    srv_buf_printf(out, "</%s>", el->name);
}
