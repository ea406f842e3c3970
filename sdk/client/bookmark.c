/* bookmark.c: the account's rooms: read in each session, kept by events, joined by themselves (XEP-0402). */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "xmpp/bookmarks.h"
#include "xmpp/ns.h"

#define BOOKMARKS_MAX 4096
#define SEPARATOR     '\x1f' /* in the fact: no XML can hold it */

/* --- the list ------------------------------------------------------------------------------------------- */

static void forget_text(const char **slot)
{
    if (*slot)
        ep_free_secret((char *)(uintptr_t)*slot, strlen(*slot));
    *slot = NULL;
}

static void row_clear(ep_bookmark_row *row)
{
    forget_text(&row->b.jid);
    forget_text(&row->b.name);
    forget_text(&row->b.nick);
    forget_text(&row->b.password);
    ep_free(row->extensions);
    row->extensions = NULL;
}

static ep_bookmark_row *row_of(const epode_client *c, const char *jid)
{
    for (size_t i = 0; i < c->bookmarks.count; i++)
        if (strcmp(c->bookmarks.at[i].b.jid, jid) == 0)
            return &c->bookmarks.at[i];
    return NULL;
}

static bool set_text(const char **slot, const char *text)
{
    char *copy = text ? ep_strdup(text) : NULL;
    if (text && !copy)
        return false;
    forget_text(slot);
    *slot = copy;
    return true;
}

static epode_status row_add(epode_client *c, const char *jid, ep_bookmark_row **out)
{
    ep_bookmark_list *l = &c->bookmarks;
    if (l->count == BOOKMARKS_MAX)
        return EPODE_ELIMIT;
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        ep_bookmark_row *more = ep_realloc(l->at, cap * sizeof *more);
        if (!more)
            return EPODE_ENOMEM;
        l->at = more;
        l->cap = cap;
    }
    ep_bookmark_row *row = &l->at[l->count];
    memset(row, 0, sizeof *row);
    row->b.size = sizeof row->b;
    if (!set_text(&row->b.jid, jid))
        return EPODE_ENOMEM;
    l->count++;
    *out = row;
    return EPODE_OK;
}

static bool same(const char *a, const char *b)
{
    return ep_streq(a ? a : "", b ? b : "");
}

static void emit(epode_client *c, const char *jid, epode_bookmark_change what)
{
    epode_event ev = { .type = EPODE_EV_BOOKMARK, .peer = jid, .bookmark = what };
    ep_client_emit(c, &ev);
}

/* "1" or "0" (autojoin), the nick, the name; the password is none of the file's. */
static epode_status row_store(epode_client *c, const ep_bookmark_row *row)
{
    ep_buf data = EP_BUF_INIT;
    ep_buf_printf(&data, "%d%s%c%s", row->b.autojoin, row->b.nick ? row->b.nick : "", SEPARATOR,
                  row->b.name ? row->b.name : "");
    epode_status st = data.failed ? EPODE_ENOMEM
                                  : ep_store_fact_put(c->store, EP_FACT_BOOKMARK, row->b.jid, ep_buf_ptr(&data), data.len, 0);
    ep_buf_free(&data);
    return st;
}

static epode_status row_put(epode_client *c, const ep_bookmark *b, ep_bookmark_row **out)
{
    ep_bookmark_row *row = row_of(c, b->jid);
    bool fresh = !row;
    epode_status st = fresh ? row_add(c, b->jid, &row) : EPODE_OK;
    if (st < 0)
        return st;
    bool changed = !same(row->b.name, b->name) || !same(row->b.nick, b->nick) || row->b.autojoin != b->autojoin;
    row->b.autojoin = b->autojoin;
    row->seen = true;
    if (!set_text(&row->b.name, b->name) || !set_text(&row->b.nick, b->nick) ||
        !set_text(&row->b.password, b->password) || !ep_str_set(&row->extensions, b->extensions))
        return EPODE_ENOMEM;
    *out = row;
    if (!fresh && !changed)
        return EPODE_OK;
    emit(c, row->b.jid, fresh ? EPODE_BOOKMARK_ADDED : EPODE_BOOKMARK_CHANGED);
    return row_store(c, row);
}

static epode_status row_remove(epode_client *c, ep_bookmark_row *row)
{
    emit(c, row->b.jid, EPODE_BOOKMARK_REMOVED);
    epode_status st = ep_store_fact_del(c->store, EP_FACT_BOOKMARK, row->b.jid);
    row_clear(row);
    *row = c->bookmarks.at[--c->bookmarks.count];
    return st;
}

/* --- joining -------------------------------------------------------------------------------------------- */

static epode_status autojoin(epode_client *c, const ep_bookmark_row *row)
{
    if ((c->flags & EPODE_NO_AUTOJOIN) || !row->b.autojoin)
        return EPODE_OK;
    epode_status st = epode_room_join(c, row->b.jid, row->b.nick ? row->b.nick : c->jid.local, row->b.password,
                                      EPODE_ROOM_OTHER_NICK);
    /* A nick that is none, or too many rooms: it is not joined, and its bookmark is still there to be seen. */
    return st == EPODE_EINVAL || st == EPODE_ELIMIT || st == EPODE_ESTATE ? EPODE_OK : st;
}

/* XEP-0402, 3.3: another device took it out, or does not want to be there any more. */
static epode_status autoleave(epode_client *c, const char *jid)
{
    return c->flags & EPODE_NO_AUTOJOIN ? EPODE_OK : epode_room_leave(c, jid, NULL);
}

/* --- the whole ------------------------------------------------------------------------------------------ */

static epode_status take_items(epode_client *c, const ep_elem *items, bool live)
{
    ep_arena arena = { 0 };
    epode_status st = EPODE_OK;
    EP_ELEM_EACH(e, items) {
        ep_bookmark b;
        ep_bookmark_row *row;
        if (st < 0)
            break;
        ep_arena_reset(&arena);
        if (ep_elem_is(e, "retract", NULL)) {
            const char *id = ep_elem_attr(e, "id");
            row = id ? row_of(c, id) : NULL;
            st = row ? autoleave(c, id) : EPODE_OK;
            if (st >= 0 && row)
                st = row_remove(c, row);
            continue;
        }
        st = ep_elem_is(e, "item", NULL) ? ep_bookmark_read(&b, e, &arena) : EPODE_EPROTO;
        if (!st)
            st = row_put(c, &b, &row);
        if (!st)
            st = b.autojoin ? autojoin(c, row) : live ? autoleave(c, b.jid) : EPODE_OK;
        if (st == EPODE_EPROTO || st == EPODE_ELIMIT) {
            ep_log_line(&c->log, EP_LOG_WARN, "client", "a bookmark that is none, or one too many, was skipped");
            st = EPODE_OK;
        }
    }
    ep_arena_free(&arena);
    return st < 0 ? st : EPODE_OK;
}

static epode_status take_whole(epode_client *c, const ep_elem *items)
{
    for (size_t i = 0; i < c->bookmarks.count; i++)
        c->bookmarks.at[i].seen = false;
    epode_status st = take_items(c, items, false);
    for (size_t i = c->bookmarks.count; i-- > 0 && st >= 0;)
        if (!c->bookmarks.at[i].seen)
            st = row_remove(c, &c->bookmarks.at[i]);
    return st;
}

static void tell_failed(epode_client *c, const ep_reply *reply)
{
    ep_error err = { 0 };
    if (reply->outcome == EPODE_IQ_TIMEOUT)
        ep_fail(&err, EPODE_ETIMEOUT, 0, "the server did not answer with the bookmarks");
    else
        ep_fail(&err, EPODE_ESTANZA, 0, "the server refused the bookmarks: %s", reply->condition);
    ep_error_set_condition(&err, reply->condition);
    epode_event ev = { .type = EPODE_EV_BOOKMARK, .error = &err };
    ep_client_emit(c, &ev);
}

static epode_status take_list(epode_client *c, const ep_reply *reply)
{
    /* Who never had one has no node. */
    bool none = reply->outcome == EPODE_IQ_ERROR && strcmp(reply->condition, "item-not-found") == 0;
    if (reply->outcome != EPODE_IQ_RESULT && !none) {
        tell_failed(c, reply);
        return EPODE_OK;
    }
    const ep_elem *pubsub = none ? NULL : ep_elem_child(reply->iq, "pubsub", EP_NS_PUBSUB);
    epode_status st = take_whole(c, ep_elem_child(pubsub, "items", EP_NS_PUBSUB));
    if (st < 0)
        return st;
    c->bookmarks.current = true;
    emit(c, NULL, EPODE_BOOKMARK_CURRENT);
    return EPODE_OK;
}

static epode_status take_answer(epode_client *c, const ep_reply *reply, void *user)
{
    (void)user;
    c->bookmarks.asked = false;
    if (reply->outcome == EPODE_IQ_CANCELLED)
        return EPODE_OK;
    epode_status st = take_list(c, reply);
    return st < 0 ? st : ep_rooms_bookmarked(c);
}

bool ep_bookmarks_may_tell(const epode_client *c, const char *room)
{
    const ep_bookmark_row *row = c->bookmarks.asked ? row_of(c, room) : NULL;
    return row && row->b.autojoin && !(c->flags & EPODE_NO_AUTOJOIN);
}

epode_status ep_bookmarks_ask(epode_client *c)
{
    ep_xw w;
    if ((c->flags & EPODE_NO_BOOKMARKS) || c->bookmarks.asked || c->bookmarks.current)
        return EPODE_OK;
    ep_request *r = ep_request_open(c, &w, "get", NULL, take_answer, NULL);
    ep_bookmarks_write_query(&w);
    epode_status st = ep_request_send(c, r, &w, 0);
    c->bookmarks.asked = !st;
    return st;
}

static bool is_ours(const ep_elem *e)
{
    return ep_streq(ep_elem_attr(e, "node"), EP_NS_BOOKMARKS);
}

bool ep_bookmarks_event(const ep_elem *event)
{
    return is_ours(ep_elem_first(event));
}

epode_status ep_bookmarks_take(epode_client *c, const ep_elem *event)
{
    const ep_elem *inside = ep_elem_first(event);
    if (c->flags & EPODE_NO_BOOKMARKS)
        return EPODE_OK;
    if (ep_elem_is(inside, "purge", NULL) || ep_elem_is(inside, "delete", NULL))
        return take_whole(c, NULL);
    return ep_elem_is(inside, "items", NULL) ? take_items(c, inside, true) : EPODE_OK;
}

void ep_bookmarks_reset(epode_client *c)
{
    c->bookmarks.asked = c->bookmarks.current = false;
}

static epode_status load_one(const ep_fact *fact, void *user)
{
    epode_client *c = user;
    ep_bookmark_row *row;
    const char *name = fact->len ? strchr(fact->data, SEPARATOR) : NULL;
    if (!name)
        return EPODE_OK;
    epode_status st = row_add(c, fact->key, &row);
    if (st < 0)
        return st;
    row->b.autojoin = fact->data[0] == '1';
    const char *nick = fact->data + 1;
    if (name > nick && !(row->b.nick = ep_strndup(nick, (size_t)(name - nick))))
        return EPODE_ENOMEM;
    return !name[1] || set_text(&row->b.name, name + 1) ? EPODE_OK : EPODE_ENOMEM;
}

epode_status ep_bookmarks_load(epode_client *c)
{
    epode_status st = ep_store_fact_each(c->store, EP_FACT_BOOKMARK, load_one, c);
    return st < 0 ? st : EPODE_OK;
}

void ep_bookmarks_free(epode_client *c)
{
    for (size_t i = 0; i < c->bookmarks.count; i++)
        row_clear(&c->bookmarks.at[i]);
    ep_free(c->bookmarks.at);
    c->bookmarks.at = NULL;
    c->bookmarks.count = 0;
}

/* --- for the application ---------------------------------------------------------------------------------- */

size_t epode_bookmark_count(const epode_client *c)
{
    return c->bookmarks.count;
}

const epode_bookmark *epode_bookmark_at(const epode_client *c, size_t i)
{
    return i < c->bookmarks.count ? &c->bookmarks.at[i].b : NULL;
}

static epode_status may_change(epode_client *c, const char *room, ep_jid *jid)
{
    if (c->freed || c->suspended || !ep_client_can_send(c) || (c->flags & EPODE_NO_BOOKMARKS))
        return EPODE_ESTATE;
    epode_status st = room ? ep_jid_parse(jid, room) : EPODE_EINVAL;
    if (st)
        return st;
    if (jid->local && !jid->resource && c->bookmarks.current)
        return EPODE_OK;
    bool fits = jid->local && !jid->resource;
    ep_jid_free(jid);
    if (!fits)
        return EPODE_EINVAL;
    /* What others put into it is not known, and must not be lost. */
    ep_loop_enter(c->loop);
    st = ep_bookmarks_ask(c);
    ep_loop_leave(c->loop);
    return st < 0 ? st : EPODE_AGAIN;
}

static epode_status send_change(epode_client *c, const ep_bookmark *b, bool remove, epode_iq_fn *done, void *user,
                                uint64_t *id)
{
    ep_xw w;
    ep_loop_enter(c->loop);
    ep_request *r = ep_request_open(c, &w, "set", NULL, NULL, NULL);
    if (remove)
        ep_bookmark_write_retract(b->jid, &w);
    else
        ep_bookmark_write(b, &w);
    uint64_t number = r ? ep_request_number(r) : 0;
    if (r && done)
        ep_request_for(r, done, user);
    epode_status st = ep_request_send(c, r, &w, 0);
    if (!st && id)
        *id = number;
    ep_loop_leave(c->loop);
    return st;
}

epode_status epode_bookmark_set(epode_client *c, const epode_bookmark *given, epode_iq_fn *done, void *user, uint64_t *id)
{
    epode_bookmark m = { 0 };
    ep_jid jid;
    if (!given || given->size < sizeof(size_t))
        return EPODE_EINVAL;
    memcpy(&m, given, given->size < sizeof m ? given->size : sizeof m);
    epode_status st = may_change(c, m.jid, &jid);
    if (st)
        return st;
    const ep_bookmark_row *row = row_of(c, jid.bare);
    ep_bookmark b = { .jid = jid.bare, .name = m.name, .nick = m.nick, .password = m.password, .autojoin = m.autojoin,
                      .extensions = row ? row->extensions : NULL };
    st = send_change(c, &b, false, done, user, id);
    ep_jid_free(&jid);
    return st;
}

epode_status epode_bookmark_remove(epode_client *c, const char *room, epode_iq_fn *done, void *user, uint64_t *id)
{
    ep_jid jid;
    epode_status st = may_change(c, room, &jid);
    if (st)
        return st;
    ep_bookmark b = { .jid = jid.bare };
    st = row_of(c, jid.bare) ? send_change(c, &b, true, done, user, id) : EPODE_DONE;
    ep_jid_free(&jid);
    return st;
}
