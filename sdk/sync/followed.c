/* followed.c: the rooms whose archives are kept as well. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sync/syncwork.h"
#include "xmpp/jid.h"

static epode_status room_add(ep_sync *s, const char *room)
{
    if (s->room_count == s->room_cap) {
        size_t cap = s->room_cap ? s->room_cap * 2 : 8;
        ep_followed **more = ep_realloc(s->rooms, cap * sizeof *more);
        if (!more)
            return EPODE_ENOMEM;
        s->rooms = more;
        s->room_cap = cap;
    }
    ep_followed *f = ep_calloc(1, sizeof *f);
    epode_status st = f ? ep_followed_open(s, f, room) : EPODE_ENOMEM;
    if (st) {
        ep_free(f);
        return st;
    }
    s->rooms[s->room_count++] = f;
    return EPODE_OK;
}

static epode_status room_row(const ep_archive_info *info, void *user)
{
    return info->kind == EP_ARCHIVE_ROOM ? room_add(user, info->owner) : EPODE_OK;
}

/* The rooms that were followed before. */
epode_status ep_followed_load(ep_sync *s)
{
    epode_status st = ep_archive_list(s->store, 0, room_row, s);
    return st < 0 ? st : EPODE_OK;
}

/* The followed room of this full or bare JID; NULL: none. */
ep_followed *ep_followed_of(const ep_sync *s, const char *jid)
{
    for (size_t i = 0; jid && i < s->room_count; i++)
        if (ep_jid_same_bare(jid, ep_catchup_owner(s->rooms[i]->catchup)))
            return s->rooms[i];
    return NULL;
}

epode_status ep_sync_follow(ep_sync *s, const char *room)
{
    epode_status st = ep_followed_of(s, room) ? EPODE_OK : room_add(s, room);
    ep_followed *f = st ? NULL : ep_followed_of(s, room);
    if (f && s->online && !s->no_queries && !ep_catchup_is_busy(f->catchup))
        st = ep_catchup_begin(f->catchup, false, NULL, s->now_us, 0);
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_sync_room_await(ep_sync *s, const char *room, const char *nick, bool *fresh)
{
    *fresh = !ep_followed_of(s, room);
    epode_status st = *fresh ? room_add(s, room) : EPODE_OK;
    ep_followed *f = st ? NULL : ep_followed_of(s, room);
    if (!f)
        return st;
    f->awaited = true;
    f->whole = false;
    if (s->online)
        s->rooms_us = s->now_us + EP_ROOMS_PATIENCE_US;
    return ep_catchup_set_nick(f->catchup, nick);
}

epode_status ep_sync_room_begin(ep_sync *s, const char *room, const char *nick, bool query, int64_t now_us)
{
    ep_followed *f = ep_followed_of(s, room);
    if (!f)
        return EPODE_OK;
    f->awaited = false;
    s->now_us = now_us;
    epode_status st = ep_catchup_set_nick(f->catchup, nick);
    if (st || !s->online)
        return st;
    if (ep_catchup_is_busy(f->catchup))
        f->again = query;
    else if (query && !s->no_queries)
        st = ep_catchup_begin(f->catchup, false, NULL, now_us, 0);
    else
        ep_followed_finished(f, EPODE_ESTANZA);
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_sync_room_replay(ep_sync *s, const char *room)
{
    ep_followed *f = ep_followed_of(s, room);
    if (!f)
        return EPODE_OK;
    f->replays = true;
    return ep_archive_replay(s->store, ep_catchup_archive(f->catchup), &f->replay);
}

epode_status ep_sync_room_nick(ep_sync *s, const char *room, const char *nick)
{
    ep_followed *f = ep_followed_of(s, room);
    return f ? ep_catchup_set_nick(f->catchup, nick) : EPODE_OK;
}

epode_status ep_sync_room_occupant(ep_sync *s, const char *room, const char *id)
{
    ep_followed *f = ep_followed_of(s, room);
    return f ? ep_catchup_set_occupant(f->catchup, id) : EPODE_OK;
}

void ep_sync_unfollow(ep_sync *s, const char *room)
{
    bool busy = s->online && ep_sync_is_busy(s);
    for (size_t i = 0; i < s->room_count; i++) {
        ep_followed *f = s->rooms[i];
        if (!ep_jid_same_bare(room, ep_catchup_owner(f->catchup)))
            continue;
        memmove(&s->rooms[i], &s->rooms[i + 1], (s->room_count - i - 1) * sizeof *s->rooms);
        s->room_count--;
        ep_catchup_free(f->catchup);
        ep_free(f);
        /* It may have been what the rest was waiting for. */
        if (busy && !s->beginning && !ep_sync_is_busy(s))
            s->ev->synced(s->user, ep_sync_status(s));
        return;
    }
}

int64_t ep_sync_room_archive(const ep_sync *s, const char *room)
{
    const ep_followed *f = ep_followed_of(s, room);
    return f ? ep_catchup_archive(f->catchup) : 0;
}
