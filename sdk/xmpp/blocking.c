/* blocking.c: items of block lists. */
#include "xmpp/blocking.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *ep_blocked_jid(const char *text, epode_status *st)
{
    ep_jid jid;
    *st = ep_jid_parse(&jid, text);
    if (*st)
        return NULL;
    char *full = jid.resource ? ep_asprintf("%s/%s", jid.bare, jid.resource) : ep_strdup(jid.bare);
    ep_jid_free(&jid);
    *st = full ? EPODE_OK : EPODE_ENOMEM;
    return full;
}

epode_status ep_blocked_read(ep_blocked *out, const ep_elem *list, ep_arena *arena, size_t *skipped)
{
    size_t n = 0;
    *out = (ep_blocked){ 0 };
    *skipped = 0;
    EP_ELEM_EACH(e, list)
        n++;
    const char **jids = ep_arena_alloc(arena, (n + 1) * sizeof *jids);
    if (!jids)
        return EPODE_ENOMEM;
    n = 0;
    EP_ELEM_EACH(e, list) {
        epode_status st = EPODE_EINVAL;
        char *jid = ep_elem_is(e, "item", EP_NS_BLOCKING) ? ep_blocked_jid(ep_elem_attr(e, "jid"), &st) : NULL;
        if (st == EPODE_EINVAL) {
            ++*skipped;
            continue;
        }
        jids[n] = jid ? ep_arena_strndup(arena, jid, strlen(jid)) : NULL;
        ep_free(jid);
        if (!jids[n++])
            return EPODE_ENOMEM;
    }
    qsort(jids, n, sizeof *jids, by_text);
    for (size_t i = 0; i < n; i++)
        if (!i || strcmp(jids[i], jids[i - 1]) != 0)
            jids[out->count++] = jids[i];
    out->jids = jids;
    return EPODE_OK;
}

bool ep_blocked_has(const ep_blocked *list, const char *jid)
{
    return list->count && bsearch(&jid, list->jids, list->count, sizeof *list->jids, by_text);
}

ep_block_change ep_block_push(const ep_elem *iq, const ep_elem **list)
{
    const ep_elem *first = ep_elem_first(iq);
    bool set = ep_streq(ep_elem_attr(iq, "type"), "set");
    *list = first;
    if (set && ep_elem_is(first, "block", EP_NS_BLOCKING))
        return EP_BLOCK_ADD;
    if (set && ep_elem_is(first, "unblock", EP_NS_BLOCKING))
        return ep_elem_first(first) ? EP_BLOCK_REMOVE : EP_BLOCK_REMOVE_ALL;
    return EP_BLOCK_NONE;
}

void ep_block_write(ep_xw *w, bool remove, const char *const *jids, size_t count)
{
    ep_xw_open(w, remove ? "unblock" : "block", EP_NS_BLOCKING);
    for (size_t i = 0; i < count; i++) {
        ep_xw_open(w, "item", NULL);
        ep_xw_attr(w, "jid", jids[i]);
        ep_xw_close(w);
    }
    ep_xw_close(w);
}
