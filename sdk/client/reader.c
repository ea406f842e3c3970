/* reader.c: the store for applications. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "store/conversation.h"

struct epode_cursor {
    ep_cursor *cursor;
    const ep_view *views;
    size_t count, at;
    epode_message message;
    epode_reaction *reactions;
    size_t reaction_cap;
    bool peerless; /* a peer that is not known: nothing to read */
    epode_store *store;
    epode_client *client; /* whose hole below is filled when reading reaches it; NULL: nobody's */
    int64_t archive;      /* what is read; 0: not known */
    uint64_t last_row;
};

epode_status epode_store_open(epode_store **out, const char *path, char *why, size_t why_len)
{
    ep_error err = { 0 };
    if (why_len)
        why[0] = '\0';
    *out = NULL;
    epode_store *s = path ? ep_calloc(1, sizeof *s) : NULL;
    if (!s)
        return path ? EPODE_ENOMEM : EPODE_EINVAL;
    ep_store_options o = { .path = path, .flags = EP_STORE_READONLY, .now_ms = ep_client_wall_ms() };
    epode_status st = ep_store_open(&s->store, &o, &err);
    if (st) {
        if (why_len)
            snprintf(why, why_len, "%s", err.text);
        ep_free(s);
        return st;
    }
    *out = s;
    return EPODE_OK;
}

void epode_store_close(epode_store *s)
{
    if (!s)
        return;
    ep_store_close(s->store);
    ep_free(s);
}

epode_store *epode_client_store(epode_client *c)
{
    return &c->reader;
}

/* What is shown is what is on the disk. */
static ep_store *reader_store(epode_store *s)
{
    if (s->client)
        ep_client_settle_now(s->client);
    return s->store;
}

/* --- archives ------------------------------------------------------------------------------------------ */

typedef struct archive_find {
    const char *owner; /* NULL: the account's */
    int64_t archive;
} archive_find;

static epode_status archive_row(const ep_archive_info *info, void *user)
{
    archive_find *f = user;
    if (f->owner ? strcmp(info->owner, f->owner) == 0 : info->kind == EP_ARCHIVE_ACCOUNT)
        f->archive = info->archive;
    return EPODE_OK;
}

/* EPODE_DONE: there is none. */
static epode_status reader_archive(epode_store *s, const char *owner, int64_t *archive)
{
    archive_find f = { .owner = owner };
    epode_status st = ep_archive_list(reader_store(s), 0, archive_row, &f);
    *archive = f.archive;
    return st < 0 ? st : f.archive ? EPODE_OK : EPODE_DONE;
}

typedef struct conversation_find {
    const char *peer;
    int64_t id, last;
    bool (*each)(const epode_conversation *c, void *user);
    void *user;
    epode_store *store;
    int64_t archive; /* and its owner */
    char *owner;
    bool stopped;
    size_t seen;
} conversation_find;

static epode_status conversation_peer(const ep_conversation *c, void *user)
{
    conversation_find *f = user;
    f->last = c->conversation;
    f->seen++;
    if (strcmp(c->peer, f->peer) == 0)
        f->id = c->conversation;
    return EPODE_OK;
}

/* Without an owner: of the room's own archive where the peer is a room that has one, else of the account's. */
static epode_status reader_conversation(epode_store *s, const char *owner, const char *peer, int64_t *archive, int64_t *id)
{
    conversation_find f = { .peer = peer };
    epode_status st = reader_archive(s, owner ? owner : peer, archive);
    if (st == EPODE_DONE && !owner)
        st = reader_archive(s, NULL, archive);
    while (st == EPODE_OK && !f.id)
        st = ep_conversation_list(s->store, *archive, f.last, 100, conversation_peer, &f);
    *id = f.id;
    return st < 0 ? st : f.id ? EPODE_OK : EPODE_DONE;
}

/* --- messages ------------------------------------------------------------------------------------------ */

static bool reactions_fill(epode_cursor *c, const ep_view *v)
{
    if (v->reaction_count > c->reaction_cap) {
        epode_reaction *more = ep_realloc(c->reactions, v->reaction_count * sizeof *more);
        if (!more)
            return false;
        c->reactions = more;
        c->reaction_cap = v->reaction_count;
    }
    for (size_t i = 0; i < v->reaction_count; i++)
        c->reactions[i] = (epode_reaction){ v->reactions[i].author, v->reactions[i].outgoing, v->reactions[i].reactions };
    return true;
}

static epode_status message_fill(epode_cursor *c, const ep_view *v)
{
    if (!reactions_fill(c, v))
        return EPODE_ENOMEM;
    c->message = (epode_message){
        .size = sizeof c->message, .row = (uint64_t)v->row, .archive = v->owner, .archive_id = v->archive_id,
        .peer = v->peer, .from = v->from, .outgoing = v->outgoing, .groupchat = v->groupchat, .edited = v->edited,
        .retracted = v->retracted, .provisional = v->provisional, .time_ms = v->time_ms,
        .received_ms = v->received_ms, .type = v->type, .body = v->body, .id = v->id, .origin_id = v->origin_id,
        .occupant = v->occupant, .reply_id = v->reply_id, .state = (epode_delivery)v->state, .reason = v->reason,
        .reaction_count = v->reaction_count, .reactions = c->reactions, .xml = v->xml, .xml_len = v->len,
    };
    return EPODE_OK;
}

static epode_status query_options(epode_store *s, const epode_query *q, ep_cursor_options *o, int64_t *archive)
{
    epode_status st = EPODE_OK;
    *o = (ep_cursor_options){ .from_row = (int64_t)q->from_row, .inclusive = q->inclusive, .from_day = q->from_ms != 0,
                              .from_ms = q->from_ms, .search = q->search };
    o->flags = (q->newest_first ? EP_CURSOR_UP : 0) | (q->everything ? EP_CURSOR_ALL : 0) |
               (q->with_xml ? EP_CURSOR_XML : 0);
    if (q->peer)
        st = reader_conversation(s, q->archive, q->peer, archive, &o->conversation);
    else if (!q->search || q->archive)
        st = reader_archive(s, q->archive, archive);
    o->archive = q->peer ? 0 : *archive;
    return st;
}

epode_status epode_store_messages(epode_store *s, const epode_query *query, epode_cursor **out)
{
    epode_query q = { 0 };
    ep_cursor_options o;
    *out = NULL;
    if (!query || query->size < sizeof(size_t))
        return EPODE_EINVAL;
    memcpy(&q, query, query->size < sizeof q ? query->size : sizeof q);
    epode_cursor *c = ep_calloc(1, sizeof *c);
    if (!c)
        return EPODE_ENOMEM;
    epode_status st = query_options(s, &q, &o, &c->archive);
    c->peerless = st == EPODE_DONE;
    c->store = s;
    if (q.search && s->client)
        ep_client_feed_search_now(s->client);
    if (st == EPODE_OK)
        st = ep_cursor_open(reader_store(s), &o, &c->cursor);
    if (st < 0) {
        ep_free(c);
        return st;
    }
    if (q.newest_first && !q.search)
        c->client = s->client;
    c->last_row = q.from_row;
    *out = c;
    return EPODE_OK;
}

/* The next few of them. EPODE_DONE: read to the end of what is held; if more is to be had, it is on its way. */
static epode_status cursor_more(epode_cursor *c)
{
    epode_status st = EPODE_DONE;
    c->at = c->count = 0;
    if (c->store->client)
        ep_client_settle_now(c->store->client);
    if (!c->peerless)
        st = ep_cursor_next(c->cursor, &c->views, &c->count);
    if (st == EPODE_DONE && c->client) {
        ep_client_fill(c->client, c->archive, c->last_row, 0);
        c->client = NULL;
    }
    return st < 0 ? st : c->count ? EPODE_OK : EPODE_DONE;
}

epode_status epode_cursor_next(epode_cursor *c, const epode_message **message)
{
    *message = NULL;
    if (c->at == c->count) {
        epode_status more = cursor_more(c);
        if (more != EPODE_OK)
            return more;
    }
    c->last_row = (uint64_t)c->views[c->at].row;
    epode_status st = message_fill(c, &c->views[c->at++]);
    *message = st ? NULL : &c->message;
    return st;
}

void epode_cursor_free(epode_cursor *c)
{
    if (!c)
        return;
    ep_cursor_close(c->cursor);
    ep_free(c->reactions);
    ep_free(c);
}

typedef struct message_one {
    void (*each)(const epode_message *message, void *user);
    void *user;
} message_one;

static epode_status message_view(const ep_view *view, void *user)
{
    message_one *one = user;
    epode_cursor c = { 0 };
    epode_status st = message_fill(&c, view);
    if (!st)
        one->each(&c.message, one->user);
    ep_free(c.reactions);
    return st;
}

epode_status epode_store_message(epode_store *s, uint64_t row,
                                 void (*each)(const epode_message *message, void *user), void *user)
{
    message_one one = { each, user };
    return ep_view_get(reader_store(s), (int64_t)row, message_view, &one);
}

/* --- conversations ------------------------------------------------------------------------------------- */

static epode_status owner_row(const ep_archive_info *info, void *user)
{
    conversation_find *f = user;
    if (info->archive != f->archive)
        return EPODE_OK;
    return ep_str_set(&f->owner, info->owner) ? EPODE_OK : EPODE_ENOMEM;
}

/* Whose archive it is; asked for again only where it is another one than the last. */
static epode_status conversation_owner(conversation_find *f, int64_t archive)
{
    if (f->owner && f->archive == archive)
        return EPODE_OK;
    f->archive = archive;
    return ep_archive_list(f->store->store, 0, owner_row, f);
}

static epode_status conversation_row(const ep_conversation *c, void *user)
{
    conversation_find *f = user;
    uint32_t unread = 0;
    bool at_least = false;
    f->last = c->conversation;
    epode_status st = conversation_owner(f, c->archive);
    if (st >= 0)
        st = ep_unread_count(f->store->store, c->conversation, 0, &unread, &at_least);
    if (st < 0)
        return st;
    epode_conversation out = { .size = sizeof out, .peer = c->peer, .archive = f->owner, .last_row = (uint64_t)c->last_row,
                               .last_ms = c->last_ms, .displayed_row = (uint64_t)c->displayed_row, .unread = unread,
                               .unread_at_least = at_least };
    f->stopped = !f->each(&out, f->user);
    return f->stopped ? EPODE_ECANCELLED : EPODE_OK;
}

epode_status epode_store_conversations(epode_store *s, bool (*each)(const epode_conversation *c, void *user),
                                       void *user)
{
    conversation_find f = { .each = each, .user = user, .store = s };
    epode_status st = EPODE_OK;
    while (st == EPODE_OK && !f.stopped)
        st = ep_conversation_list(reader_store(s), 0, f.last, 50, conversation_row, &f);
    ep_free(f.owner);
    return f.stopped || st >= 0 ? EPODE_OK : st;
}

epode_status epode_store_unread(epode_store *s, const char *peer, uint32_t *count, bool *at_least)
{
    int64_t archive, id;
    *count = 0;
    *at_least = false;
    epode_status st = reader_conversation(s, NULL, peer, &archive, &id);
    return st == EPODE_OK ? ep_unread_count(s->store, id, 0, count, at_least) : st;
}

/* --- holes --------------------------------------------------------------------------------------------- */

typedef struct hole_run {
    bool (*each)(const epode_hole *hole, void *user);
    void *user;
    epode_store *store;
    const char *owner;
    bool stopped;
} hole_run;

static epode_status hole_row(const ep_hole *h, void *user)
{
    hole_run *run = user;
    epode_hole out = { sizeof out, run->owner, h->after_id, h->before_id, h->after_ms, h->before_ms };
    run->stopped = !run->each(&out, run->user);
    return run->stopped ? EPODE_ECANCELLED : EPODE_OK;
}

static epode_status hole_archive(const ep_archive_info *info, void *user)
{
    hole_run *run = user;
    run->owner = info->owner;
    epode_status st = ep_hole_list(run->store->store, info->archive, hole_row, run);
    return st < 0 ? st : EPODE_OK;
}

epode_status epode_store_holes(epode_store *s, bool (*each)(const epode_hole *hole, void *user), void *user)
{
    hole_run run = { each, user, s, NULL, false };
    epode_status st = ep_archive_list(reader_store(s), 0, hole_archive, &run);
    return run.stopped || st >= 0 ? EPODE_OK : st;
}

epode_status epode_store_extent(epode_store *s, char first_id[256], char last_id[256])
{
    int64_t archive;
    ep_span_copy span = { 0 };
    first_id[0] = last_id[0] = '\0';
    epode_status st = reader_archive(s, NULL, &archive);
    if (st == EPODE_OK)
        st = ep_archive_verified_end(s->store, archive, &span);
    if (st == EPODE_OK) {
        snprintf(first_id, 256, "%s", span.first_id);
        snprintf(last_id, 256, "%s", span.last_id);
    }
    ep_span_copy_free(&span);
    return st < 0 ? st : EPODE_OK;
}
