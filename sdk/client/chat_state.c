/* chat_state.c: who is writing (XEP-0085). */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "xmpp/ns.h"

#define CHATS_MAX 256 /* conversations of which the last state is known; the one that was quiet for longest goes */

_Static_assert((int)EPODE_CHAT_ACTIVE == EP_CHAT_ACTIVE && (int)EPODE_CHAT_COMPOSING == EP_CHAT_COMPOSING &&
                   (int)EPODE_CHAT_PAUSED == EP_CHAT_PAUSED && (int)EPODE_CHAT_INACTIVE == EP_CHAT_INACTIVE &&
                   (int)EPODE_CHAT_GONE == EP_CHAT_GONE,
               "what is read is what the application is told");

typedef struct chat {
    ep_list node;
    bool understands; /* it sent a state itself */
    ep_chat_state sent;
    char peer[];      /* bare */
} chat;

static chat *chat_find(epode_client *c, const char *peer, size_t len)
{
    EP_LIST_EACH(at, &c->chats) {
        chat *k = EP_LIST_OF(at, chat, node);
        if (strncmp(k->peer, peer, len) == 0 && !k->peer[len])
            return k;
    }
    return NULL;
}

static void chat_drop(epode_client *c, chat *k)
{
    ep_list_unlink(&k->node);
    c->chat_count--;
    ep_free(k);
}

/* Becomes the latest. NULL: no memory. */
static chat *chat_open(epode_client *c, const char *peer, size_t len)
{
    chat *k = chat_find(c, peer, len);
    if (k) {
        ep_list_unlink(&k->node);
        ep_list_push_back(&c->chats, &k->node);
        return k;
    }
    if (!(k = ep_calloc(1, sizeof *k + len + 1)))
        return NULL;
    memcpy(k->peer, peer, len);
    ep_list_init(&k->node);
    ep_list_push_back(&c->chats, &k->node);
    if (++c->chat_count > CHATS_MAX)
        chat_drop(c, EP_LIST_OF(c->chats.next, chat, node));
    return k;
}

void ep_client_chats_over(epode_client *c)
{
    while (c->chat_count)
        chat_drop(c, EP_LIST_OF(c->chats.next, chat, node));
}

void ep_client_chat_take(epode_client *c, const ep_elem *message)
{
    ep_jid from;
    const char *type = ep_elem_attr(message, "type");
    ep_chat_state state = ep_chat_state_read(message);
    bool group = ep_streq(type, "groupchat");
    /* 5.5: of chats and rooms alone; what comes late is of the past. */
    if (!state || !(group || ep_streq(type, "chat")) || ep_elem_child(message, "delay", EP_NS_DELAY) ||
        ep_jid_parse(&from, ep_elem_attr(message, "from")))
        return;
    char *full = from.resource ? ep_asprintf("%s/%s", from.bare, from.resource) : ep_strdup(from.bare);
    chat *k = full && !group ? chat_open(c, from.bare, strlen(from.bare)) : NULL;
    if (k)
        k->understands = true;
    epode_event ev = { .type = EPODE_EV_CHAT_STATE, .peer = from.bare, .from = full,
                       .chat_state = (epode_chat_state)state };
    if (strcmp(from.bare, c->jid.bare) != 0)
        ep_client_emit(c, &ev);
    ep_free(full);
    ep_jid_free(&from);
}

void ep_client_chat_wrote(epode_client *c, const char *to)
{
    chat *k = chat_find(c, to, ep_jid_bare_len(to));
    if (k)
        k->sent = EP_CHAT_ACTIVE;
}

/* 5.1: by its capabilities, else by what it sent. */
static epode_status may_send(epode_client *c, const ep_jid *to, const char *jid, const chat *k, bool *may)
{
    ep_caps_known known = EP_CAPS_UNKNOWN;
    epode_status st = ep_client_peer_can(c, to->resource ? jid : to->bare, EP_NS_CHAT_STATES, &known);
    *may = known == EP_CAPS_YES || (known == EP_CAPS_UNKNOWN && k && k->understands);
    return st;
}

static epode_status state_send(epode_client *c, const ep_jid *to, const char *jid, ep_chat_state state)
{
    bool may = false;
    chat *k = chat_find(c, to->bare, strlen(to->bare));
    epode_status st = may_send(c, to, jid, k, &may);
    if (st < 0)
        return st;
    /* 5.3: none is told twice in a row; before the first one we are active. */
    ep_chat_state was = k && k->sent ? k->sent : EP_CHAT_ACTIVE;
    if (!may || was == state)
        return EPODE_DONE;
    if (!(k = chat_open(c, to->bare, strlen(to->bare))))
        return EPODE_ENOMEM;
    k->sent = state;
    ep_buf_clear(&c->scratch);
    ep_xw w = ep_xw_init(&c->scratch);
    ep_chat_state_write(&w, jid, state);
    st = ep_client_send_writer(c, EP_STANZA_MESSAGE, NULL, &w);
    return st < 0 ? st : EPODE_OK;
}

epode_status epode_chat_state_send(epode_client *c, const char *jid, epode_chat_state state)
{
    ep_jid to;
    if (c->freed || c->suspended || !ep_client_can_send(c))
        return EPODE_ESTATE;
    if (state < EPODE_CHAT_ACTIVE || state > EPODE_CHAT_GONE)
        return EPODE_EINVAL;
    epode_status st = ep_jid_parse(&to, jid);
    if (st)
        return st;
    char *full = to.resource ? ep_asprintf("%s/%s", to.bare, to.resource) : ep_strdup(to.bare);
    ep_loop_enter(c->loop);
    st = full ? state_send(c, &to, full, (ep_chat_state)state) : EPODE_ENOMEM;
    ep_loop_leave(c->loop);
    ep_free(full);
    ep_jid_free(&to);
    return st;
}
