/* ingest.c: reading a message for the store. */
#include "sync/ingest.h"

#include <string.h>

#include "base/str.h"
#include "xmpp/jid.h"
#include "xmpp/message.h"
#include "xmpp/ns.h"

static const ep_msg_kind kinds[] = {
    [EP_EFFECT_NONE] = EP_MSG_OTHER,
    [EP_EFFECT_CORRECTION] = EP_MSG_CORRECTION,
    [EP_EFFECT_RETRACTION] = EP_MSG_RETRACTION,
    [EP_EFFECT_REACTION] = EP_MSG_REACTION,
    [EP_EFFECT_RECEIVED] = EP_MSG_RECEIPT,
    [EP_EFFECT_DISPLAYED] = EP_MSG_MARKER,
};

static const char *keep(ep_arena *arena, const char *s, bool *ok)
{
    if (!s)
        return NULL;
    const char *copy = ep_arena_strndup(arena, s, strlen(s));
    *ok = *ok && copy;
    return copy;
}

static const char *keep_bare(ep_arena *arena, const char *jid, bool *ok)
{
    const char *copy = ep_arena_strndup(arena, jid, ep_jid_bare_len(jid));
    *ok = *ok && copy;
    return copy;
}

static const char *keep_buf(ep_arena *arena, ep_buf *b, bool *ok)
{
    const char *copy = b->failed ? NULL : ep_arena_strndup(arena, ep_buf_ptr(b), b->len);
    *ok = *ok && copy;
    return copy;
}

/* Which side of the conversation it is from, and which conversation that is. */
static void ingest_peer(ep_msg *out, const ep_reader *r, const ep_message *m, ep_arena *arena, bool *ok)
{
    const char *from = m->from ? m->from : r->account, *to = m->to ? m->to : r->account;
    if (r->room) {
        size_t bare = ep_jid_bare_len(from);
        if (r->occupant)
            out->occupant = keep(arena, m->occupant, ok);
        /* A nick may have been somebody else's before it was ours. */
        if (out->occupant)
            out->outgoing = strcmp(out->occupant, r->occupant) == 0;
        else
            out->outgoing = r->nick && from[bare] == '/' && strcmp(from + bare + 1, r->nick) == 0;
        /* What a room passes on names the one it is passed to; what it keeps names nobody. */
        out->peer = out->to = keep(arena, r->room, ok);
        return;
    }
    out->outgoing = ep_jid_same_bare(from, r->account);
    const char *peer = out->outgoing ? to : from;
    out->peer = m->muc_private && m->type != EP_MESSAGE_GROUPCHAT ? keep(arena, peer, ok) : keep_bare(arena, peer, ok);
}

static ep_msg_kind ingest_kind(const ep_message *m)
{
    if (m->tombstone)
        return EP_MSG_OTHER;
    if (m->effect == EP_EFFECT_NONE && m->body && m->type != EP_MESSAGE_ERROR)
        return EP_MSG_TEXT;
    return kinds[m->effect];
}

static void ingest_payloads(ep_msg *out, const ep_message *m, ep_arena *arena, bool *ok)
{
    static const char *const types[] = { "normal", "chat", "groupchat", "headline", "error" };
    ep_buf text = EP_BUF_INIT;
    out->kind = ingest_kind(m);
    out->groupchat = m->type == EP_MESSAGE_GROUPCHAT;
    out->type = types[m->type];
    out->id = keep(arena, m->id, ok);
    out->origin_id = keep(arena, m->origin_id, ok);
    out->body = keep(arena, m->body, ok);
    out->ref_id = out->kind == EP_MSG_OTHER ? NULL : keep(arena, m->ref, ok);
    out->reply_id = keep(arena, m->reply_id, ok);
    out->reply_to = keep(arena, m->reply_to, ok);
    if (out->kind == EP_MSG_REACTION) {
        ep_message_reactions(m, &text);
        out->reactions = keep_buf(arena, &text, ok);
        ep_buf_clear(&text);
    }
    const char *wire = ep_elem_wire(m->stanza, EP_NS_CLIENT, &out->len);
    if (wire) {
        out->xml = ep_arena_strndup(arena, wire, out->len);
        *ok = *ok && out->xml;
    } else {
        ep_elem_write(&text, m->stanza, EP_NS_CLIENT);
        out->len = text.len;
        out->xml = keep_buf(arena, &text, ok);
    }
    ep_buf_free(&text);
}

bool ep_ingest(ep_msg *out, const ep_reader *reader, const ep_elem *message, const char *archive_id,
               int64_t time_ms, ep_arena *arena)
{
    bool ok = true;
    memset(out, 0, sizeof *out);
    out->archive_id = keep(arena, archive_id, &ok);
    out->time_ms = time_ms;
    if (!message) {
        out->kind = EP_MSG_GONE;
        return ok;
    }
    ep_message m;
    ep_message_read(&m, message, reader->room ? reader->room : reader->account);
    if (!out->time_ms)
        out->time_ms = m.delay_ms;
    out->from = keep(arena, m.from ? m.from : reader->account, &ok);
    out->to = keep(arena, m.to, &ok);
    ingest_peer(out, reader, &m, arena, &ok);
    ingest_payloads(out, &m, arena, &ok);
    return ok;
}
