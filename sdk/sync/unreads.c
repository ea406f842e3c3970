/* unreads.c: the server's word about what is unread, put into displayed positions. */
#include "sync/unreads.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "store/cursor.h"
#include "xmpp/jid.h"

/* A list longer than this moves positions, but says nothing about what is not on it. */
#define LISTED_MAX 4096
#define SETTLE_BATCH 64

void ep_unreads_free(ep_unreads *u)
{
    for (size_t i = 0; i < u->count; i++)
        ep_free(u->listed[i]);
    ep_free(u->listed);
    ep_free(u->latest);
    *u = (ep_unreads){ 0 };
}

static epode_status unreads_list(ep_unreads *u, const char *jid)
{
    if (u->count == LISTED_MAX)
        return EPODE_DONE;
    if (!(u->count & (u->count - 1))) {
        char **more = ep_realloc(u->listed, (u->count ? u->count * 2 : 1) * sizeof *more);
        if (!more)
            return EPODE_ENOMEM;
        u->listed = more;
    }
    char *copy = ep_strdup(jid);
    if (copy)
        u->listed[u->count++] = copy;
    return copy ? EPODE_OK : EPODE_ENOMEM;
}

static epode_status unreads_row(ep_unreads *u, ep_store *store, int64_t archive, const ep_unread *row,
                                ep_changes *changes)
{
    int64_t conversation;
    char *peer = ep_strndup(row->jid, ep_jid_bare_len(row->jid));
    epode_status st = peer ? unreads_list(u, peer) : EPODE_ENOMEM;
    if (st >= 0 && row->read_id && (st = ep_conversation_open(store, archive, peer, &conversation)) == EPODE_OK)
        st = ep_conversation_displayed(store, conversation, row->read_id, changes);
    ep_free(peer);
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_unreads_take(ep_unreads *u, ep_store *store, int64_t archive, const ep_archive_ends *ends,
                             ep_changes *changes)
{
    epode_status st = EPODE_OK;
    char scratch[256];
    ep_unread row;
    ep_unreads_free(u);
    EP_ELEM_EACH(e, ends->unreads)
        if (st >= 0 && ep_unread_read(&row, e, scratch))
            st = unreads_row(u, store, archive, &row, changes);
    if (st >= 0 && ends->unreads && ends->last_id && u->count < LISTED_MAX && !ep_str_set(&u->latest, ends->last_id))
        st = EPODE_ENOMEM;
    return st < 0 ? st : EPODE_OK;
}

typedef struct settle_run {
    const ep_unreads *u;
    ep_store *store;
    ep_changes *changes;
    int64_t last;
} settle_run;

static bool is_listed(const ep_unreads *u, const char *peer)
{
    for (size_t i = 0; i < u->count; i++)
        if (strcmp(u->listed[i], peer) == 0)
            return true;
    return false;
}

static epode_status settle_row(const ep_conversation *c, void *user)
{
    settle_run *run = user;
    uint32_t count = 0;
    bool at_least;
    run->last = c->conversation;
    if (is_listed(run->u, c->peer))
        return EPODE_OK;
    epode_status st = ep_unread_count(run->store, c->conversation, 1, &count, &at_least);
    if (st == EPODE_OK && (count || at_least))
        st = ep_conversation_displayed(run->store, c->conversation, run->u->latest, run->changes);
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_unreads_settle(ep_unreads *u, ep_store *store, int64_t archive, ep_changes *changes)
{
    settle_run run = { .u = u, .store = store, .changes = changes };
    epode_status st = EPODE_OK;
    while (st == EPODE_OK && u->latest)
        st = ep_conversation_list(store, archive, run.last, SETTLE_BATCH, settle_row, &run);
    if (st >= 0)
        ep_unreads_free(u);
    return st < 0 ? st : EPODE_OK;
}
