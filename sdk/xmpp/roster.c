/* roster.c: items of rosters. */
#include "xmpp/roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* RFC 6121, 2.1.2.6: a group's name is text that is not empty, and named once. */
static const char *read_groups(const ep_elem *item, char separator, ep_arena *arena)
{
    size_t n = 0, len = 1;
    EP_ELEM_EACH(e, item)
        n += ep_elem_is(e, "group", EP_NS_ROSTER);
    const char **names = ep_arena_alloc(arena, (n + 1) * sizeof *names);
    if (!names)
        return NULL;
    n = 0;
    EP_ELEM_EACH(e, item)
        if (ep_elem_is(e, "group", EP_NS_ROSTER) && *ep_elem_text(e)) {
            names[n++] = ep_elem_text(e);
            len += strlen(names[n - 1]) + 1;
        }
    qsort(names, n, sizeof *names, by_text);
    char *out = ep_arena_alloc(arena, len), *at = out;
    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (i && strcmp(names[i], names[i - 1]) == 0)
            continue;
        if (at != out)
            *at++ = separator;
        memcpy(at, names[i], strlen(names[i]));
        at += strlen(names[i]);
    }
    *at = '\0';
    return out;
}

static bool read_subscription(ep_roster_item *out, const char *text)
{
    static const struct {
        const char *name;
        bool to, from, remove;
    } rows[] = {
        { "none", false, false, false }, { "to", true, false, false },     { "from", false, true, false },
        { "both", true, true, false },   { "remove", false, false, true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(text, rows[i].name) == 0) {
            out->to = rows[i].to;
            out->from = rows[i].from;
            out->remove = rows[i].remove;
            return true;
        }
    return false;
}

epode_status ep_roster_item_read(ep_roster_item *out, const ep_elem *item, char separator, ep_arena *arena)
{
    ep_jid jid;
    const char *name = ep_elem_attr(item, "name"), *subscription = ep_elem_attr(item, "subscription");
    memset(out, 0, sizeof *out);
    epode_status st = ep_jid_parse(&jid, ep_elem_attr(item, "jid"));
    if (st)
        return st == EPODE_EINVAL ? EPODE_EPROTO : st;
    bool bare = !jid.resource;
    out->jid = ep_arena_strndup(arena, jid.bare, strlen(jid.bare));
    ep_jid_free(&jid);
    out->groups = read_groups(item, separator, arena);
    if (!out->jid || !out->groups)
        return EPODE_ENOMEM;
    out->name = name && *name ? name : NULL;
    out->ask = ep_streq(ep_elem_attr(item, "ask"), "subscribe");
    out->approved = ep_str_is_true(ep_elem_attr(item, "approved"));
    return bare && read_subscription(out, subscription ? subscription : "none") ? EPODE_OK : EPODE_EPROTO;
}

const ep_elem *ep_roster_push_item(const ep_elem *query)
{
    const ep_elem *item = ep_elem_first(query);
    return ep_elem_is(item, "item", EP_NS_ROSTER) && !ep_elem_next(item) ? item : NULL;
}

void ep_roster_write_get(const char *ver, ep_xw *w)
{
    ep_xw_open(w, "query", EP_NS_ROSTER);
    ep_xw_attr(w, "ver", ver);
    ep_xw_close(w);
}
