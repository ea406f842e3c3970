/* tree.c: the elements of a stream as a flat list, read by expat. Refuses what XMPP forbids (RFC 6120, 11.1). */
#include <expat.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

enum { NODES_MAX = 20000, BYTES_MAX = 8 << 20, TEXT_MAX = 4096 };

struct tree {
    XML_Parser expat;
    node *nodes;
    int count, room, depth, finished;
    int path[64];
    size_t bytes;
    bool failed;
};

static void stop(tree *t)
{
    t->failed = true;
    XML_StopParser(t->expat, XML_FALSE);
}

static char **copy_attributes(const char **attributes)
{
    size_t n = 0;
    while (attributes[n])
        n++;
    char **copy = calloc(n + 1, sizeof *copy);
    for (size_t i = 0; copy && i < n; i++)
        if (!(copy[i] = strdup(attributes[i])))
            break;
    return copy;
}

static bool grow(tree *t)
{
    if (t->count < t->room)
        return true;
    int room = t->room ? 2 * t->room : 64;
    node *nodes = room <= NODES_MAX ? realloc(t->nodes, (size_t)room * sizeof *nodes) : NULL;
    if (!nodes)
        return false;
    t->nodes = nodes;
    t->room = room;
    return true;
}

static void on_start(void *user, const char *name, const char **attributes)
{
    tree *t = user;
    if (t->failed)
        return;
    if (t->depth == 64 || !grow(t)) {
        stop(t);
        return;
    }
    const char *local = strchr(name, ' ');
    node n = { .depth = t->depth + 1, .ns = strndup(name, local ? (size_t)(local - name) : 0),
               .name = strdup(local ? local + 1 : name), .attributes = copy_attributes(attributes) };
    t->path[t->depth++] = t->count;
    t->nodes[t->count++] = n;
    if (!n.ns || !n.name || !n.attributes)
        stop(t);
}

static void on_end(void *user, const char *name)
{
    tree *t = user;
    (void)name;
    if (!t->failed && --t->depth == 1)
        t->finished++;
}

static void on_text(void *user, const char *text, int n)
{
    tree *t = user;
    if (t->failed || !t->depth)
        return;
    node *to = &t->nodes[t->path[t->depth - 1]];
    size_t held = to->text ? strlen(to->text) : 0;
    if (held + (size_t)n > TEXT_MAX)
        return;
    char *longer = realloc(to->text, held + (size_t)n + 1);
    if (!longer) {
        stop(t);
        return;
    }
    memcpy(longer + held, text, (size_t)n);
    longer[held + (size_t)n] = '\0';
    to->text = longer;
}

static void on_doctype(void *user, const char *name, const char *system, const char *public, int internal)
{
    (void)name, (void)system, (void)public, (void)internal;
    stop(user);
}

tree *tree_new(void)
{
    tree *t = calloc(1, sizeof *t);
    if (!t || !(t->expat = XML_ParserCreateNS("UTF-8", ' '))) {
        free(t);
        return NULL;
    }
#ifdef EPODE_HAVE_REPARSE_DEFERRAL
    XML_SetReparseDeferralEnabled(t->expat, XML_FALSE); /* it would withhold the end of what came in pieces */
#endif
    XML_SetUserData(t->expat, t);
    XML_SetElementHandler(t->expat, on_start, on_end);
    XML_SetCharacterDataHandler(t->expat, on_text);
    XML_SetStartDoctypeDeclHandler(t->expat, on_doctype);
    return t;
}

void tree_free(tree *t)
{
    if (!t)
        return;
    for (int i = 0; i < t->count; i++) {
        for (char **a = t->nodes[i].attributes; a && *a; a++)
            free(*a);
        free(t->nodes[i].attributes);
        free(t->nodes[i].ns);
        free(t->nodes[i].name);
        free(t->nodes[i].text);
    }
    free(t->nodes);
    XML_ParserFree(t->expat);
    free(t);
}

bool tree_feed(tree *t, const char *data, size_t n)
{
    t->bytes += n;
    return !t->failed && t->bytes <= BYTES_MAX && XML_Parse(t->expat, data, (int)n, 0) == XML_STATUS_OK && !t->failed;
}

int tree_finished(const tree *t)
{
    return t->finished;
}

int tree_find(const tree *t, int scope, int after, const char *ns, const char *name)
{
    int from = after >= 0 ? after + 1 : scope + 1;
    for (int i = from; i < t->count; i++) {
        if (scope >= 0 && t->nodes[i].depth <= t->nodes[scope].depth)
            return -1;
        if ((!ns || strcmp(t->nodes[i].ns, ns) == 0) && (!name || strcmp(t->nodes[i].name, name) == 0))
            return i;
    }
    return -1;
}

const node *tree_at(const tree *t, int index)
{
    return index >= 0 && index < t->count ? &t->nodes[index] : NULL;
}

const char *node_attribute(const node *n, const char *name)
{
    for (char **a = n ? n->attributes : NULL; a && a[0] && a[1]; a += 2)
        if (strcmp(a[0], name) == 0)
            return a[1];
    return NULL;
}

void tree_texts(const tree *t, int scope, const char *ns, const char *name, char *out, size_t size)
{
    size_t used = 0;
    *out = '\0';
    for (int i = -1; (i = tree_find(t, scope, i, ns, name)) >= 0 && used < size;) {
        const char *text = t->nodes[i].text ? t->nodes[i].text : "";
        used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "", text);
    }
}
