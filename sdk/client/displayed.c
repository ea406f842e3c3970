/* displayed.c: what the user has seen, told to the account's other devices and to the sender. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "store/conversation.h"
#include "xml/writer.h"
#include "xmpp/message.h"
#include "xmpp/ns.h"

/* Conversations whose position is to be published: a fact each, until it was. The key is the peer, the value the row
 * of the message whose sender is to be told, if so. */
#define FACT_UNPUBLISHED "unpublished"

typedef struct displayed_view {
    int64_t conversation;
    char *peer, *owner, *from, *id;
    bool markable, outgoing, groupchat;
} displayed_view;

static epode_status view_read(const ep_view *view, void *user)
{
    displayed_view *v = user;
    ep_arena arena = { 0 };
    v->conversation = view->conversation;
    v->outgoing = view->outgoing;
    v->groupchat = view->groupchat;
    bool ok = ep_str_set(&v->peer, view->peer) && ep_str_set(&v->owner, view->owner) &&
              ep_str_set(&v->from, view->from) && ep_str_set(&v->id, view->id);
    ep_elem *e = view->xml ? ep_elem_parse(&arena, view->xml, view->len, EP_NS_CLIENT) : NULL;
    v->markable = ep_elem_child(e, "markable", EP_NS_MARKERS) != NULL;
    ep_arena_free(&arena);
    return ok ? EPODE_OK : EPODE_ENOMEM;
}

static epode_status send_marker(epode_client *c, const displayed_view *v)
{
    if (!v->markable || v->outgoing || v->groupchat || !v->from || !v->id || !c->was_ready)
        return EPODE_OK;
    ep_buf_clear(&c->scratch);
    ep_xw w = ep_xw_init(&c->scratch);
    ep_xw_open(&w, "message", NULL);
    ep_xw_attr(&w, "type", "chat");
    ep_xw_attr(&w, "to", v->from);
    ep_xw_open(&w, "displayed", EP_NS_MARKERS);
    ep_xw_attr(&w, "id", v->id);
    ep_xw_close(&w);
    ep_xw_close(&w);
    return ep_client_send_writer(c, EP_STANZA_MESSAGE, NULL, &w);
}

static void view_free(displayed_view *v)
{
    ep_free(v->peer);
    ep_free(v->owner);
    ep_free(v->from);
    ep_free(v->id);
}

static epode_status publish_one(const ep_fact *fact, void *user)
{
    epode_client *c = user;
    displayed_view v = { 0 };
    int64_t conversation, room = ep_sync_room_archive(c->sync, fact->key);
    uint64_t row;
    /* Private messages with somebody in a room are in our own archive: their key has a resource. */
    room = strchr(fact->key, '/') ? 0 : room;
    epode_status st = ep_conversation_open(c->store, room ? room : ep_sync_archive(c->sync), fact->key, &conversation);
    if (st == EPODE_OK)
        st = ep_sync_publish(c->sync, conversation, fact->key, room ? fact->key : c->jid.bare);
    if (st >= 0 && ep_str_u64(fact->data, &row)) {
        st = ep_view_get(c->store, (int64_t)row, view_read, &v);
        if (st == EPODE_OK)
            st = send_marker(c, &v);
    }
    view_free(&v);
    return st < 0 ? st : EPODE_OK;
}

/* What was displayed while there was no session. */
epode_status ep_client_publish_rest(epode_client *c)
{
    if (ep_stream_bind_kind(c->stream) == EP_BIND_RESUMED)
        return EPODE_OK; /* it is in the queue */
    epode_status st = ep_store_fact_each(c->store, FACT_UNPUBLISHED, publish_one, c);
    return st < 0 ? st : ep_store_fact_del_kind(c->store, FACT_UNPUBLISHED);
}

bool ep_client_published(epode_client *c, const ep_elem *iq)
{
    const char *id = ep_elem_attr(iq, "id");
    if (!id || strncmp(id, "mdp-", 4) != 0)
        return false;
    if (ep_streq(ep_elem_attr(iq, "type"), "error"))
        ep_log_line(&c->log, EP_LOG_INFO, "client", "a displayed position was not published");
    return true;
}

epode_status epode_mark_displayed(epode_client *c, uint64_t row, bool notify_sender)
{
    displayed_view v = { 0 };
    ep_changes changes = { 0 };
    if (c->freed || c->suspended)
        return EPODE_ESTATE;
    ep_loop_enter(c->loop);
    ep_client_begin(c);
    epode_status st = ep_view_get(c->store, (int64_t)row, view_read, &v);
    if (st == EPODE_DONE || (st == EPODE_OK && !v.conversation))
        st = EPODE_EINVAL;
    if (st == EPODE_OK)
        st = ep_conversation_displayed_row(c->store, v.conversation, (int64_t)row, &changes);
    bool moved = changes.count > 0;
    if (st >= 0)
        ep_client_emit_changes(c, &changes);
    char later[24] = "";
    if (notify_sender)
        snprintf(later, sizeof later, "%llu", (unsigned long long)row);
    if (st >= 0 && moved)
        st = c->was_ready ? ep_sync_publish(c->sync, v.conversation, v.peer, v.owner)
                          : ep_store_fact_put(c->store, FACT_UNPUBLISHED, v.peer, later, strlen(later), 0);
    if (st >= 0 && moved && notify_sender)
        st = send_marker(c, &v);
    ep_client_schedule(c);
    ep_loop_leave(c->loop);
    ep_changes_free(&changes);
    view_free(&v);
    return st < 0 ? st : EPODE_OK;
}
