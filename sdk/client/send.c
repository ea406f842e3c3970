/* send.c: stanzas out: what leaves is in the queue first. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "base/str.h"
#include "client/internal.h"
#include "strophe/stanza.h"
#include "xml/writer.h"
#include "xmpp/datetime.h"
#include "xmpp/ns.h"

static epode_status send_stamped(epode_client *c, ep_stanza_kind kind, const char *id, const char *xml, size_t len)
{
    uint64_t seq = c->riding ? ++c->behind : ep_stream_next_out(c->stream);
    if (seq) {
        ep_smq_row row = { .seq = seq, .kind = kind, .stamp_ms = ep_client_wall_ms(), .id = id, .xml = xml, .len = len };
        ep_client_begin(c);
        epode_status st = ep_store_smq_push(c->store, &row);
        if (st < 0)
            return st;
        c->request_due = c->request_due || kind == EP_STANZA_MESSAGE;
        c->urgent = c->urgent || seq > c->held;
    }
    ep_client_schedule(c);
    return c->riding ? ep_stream_behind(c->stream, xml, len) : ep_stream_send(c->stream, xml, len, false);
}

epode_status ep_client_send_text(epode_client *c, ep_stanza_kind kind, const char *id, const char *xml, size_t len)
{
    if (!c->stream || (!c->riding && ep_stream_state_of(c->stream) != EP_S_READY))
        return EPODE_ESTATE;
    ep_buf stamped = EP_BUF_INIT;
    epode_status st = ep_client_stamp(c, &xml, &len, &stamped, false);
    if (!st)
        st = send_stamped(c, kind, id, xml, len);
    ep_buf_free(&stamped);
    return st;
}

static epode_status resend_row(const ep_smq_row *row, void *user)
{
    epode_client *c = user;
    c->request_due = true;
    return ep_stream_send(c->stream, row->xml, row->len, true);
}

/* XEP-0198, 5: after a resumption everything that was not confirmed goes out again, as it was. */
epode_status ep_client_retransmit(epode_client *c)
{
    return ep_store_smq_each(c->store, resend_row, c);
}

/* A message of a session that could not be resumed: the same, under the same id, with its true time. */
static epode_status pending_text(const ep_smq_row *row, ep_buf *out)
{
    char stamp[32];
    ep_arena arena = { 0 };
    ep_elem *e = ep_elem_parse(&arena, row->xml, row->len, EP_NS_CLIENT);
    if (e && !ep_elem_child(e, "delay", EP_NS_DELAY)) {
        ep_buf plain = EP_BUF_INIT;
        ep_elem_write(&plain, e, EP_NS_CLIENT);
        const char *end = plain.len ? memrchr(ep_buf_ptr(&plain), '<', plain.len) : NULL;
        ep_datetime_format(row->stamp_ms, stamp);
        if (end && e->child) {
            size_t head = (size_t)(end - ep_buf_ptr(&plain));
            ep_buf_add(out, ep_buf_ptr(&plain), head);
            ep_buf_printf(out, "<delay xmlns='" EP_NS_DELAY "' stamp='%s'/>", stamp);
            ep_buf_add(out, end, plain.len - head);
        }
        ep_buf_free(&plain);
    }
    ep_arena_free(&arena);
    if (!out->len)
        ep_buf_add(out, row->xml, row->len);
    return out->failed ? EPODE_ENOMEM : EPODE_OK;
}

static epode_status pending_row(const ep_smq_row *row, void *user)
{
    epode_client *c = user;
    ep_buf xml = EP_BUF_INIT;
    epode_status st = pending_text(row, &xml);
    ep_client_begin(c);
    if (!st)
        st = ep_client_send_text(c, EP_STANZA_MESSAGE, row->id, ep_buf_ptr(&xml), xml.len);
    if (st >= 0)
        st = ep_store_pending_del(c->store, row->seq);
    ep_buf_free(&xml);
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_client_send_writer(epode_client *c, ep_stanza_kind kind, const char *id, ep_xw *w)
{
    epode_status st = ep_xw_done(w);
    return st ? st : ep_client_send_text(c, kind, id, ep_buf_ptr(w->out), w->out->len);
}

epode_status ep_client_send_pending(epode_client *c)
{
    return ep_store_pending_each(c->store, pending_row, c);
}

static bool stanza_kind(const ep_elem *e, ep_stanza_kind *kind)
{
    static const char *const names[] = { "message", "presence", "iq" };
    for (int i = 0; i < 3; i++)
        if (ep_elem_is(e, names[i], EP_NS_CLIENT)) {
            *kind = (ep_stanza_kind)i;
            return true;
        }
    return false;
}

/* What the server takes at most (XEP-0478), as its features said behind this login, or before; 0: not said. */
uint64_t ep_client_max_bytes(const epode_client *c)
{
    const ep_features *f = ep_client_features(c);
    return f ? f->max_bytes : 0;
}

static epode_status send_elem(epode_client *c, const ep_elem *e)
{
    ep_stanza_kind kind;
    char made[37];
    const char *id = ep_elem_attr(e, "id");
    if (!stanza_kind(e, &kind))
        return EPODE_EINVAL;
    if (!id && kind != EP_STANZA_PRESENCE) {
        if (kind == EP_STANZA_IQ || !ep_rand_uuid(made))
            return EPODE_EINVAL;
        id = made;
    }
    ep_buf_clear(&c->scratch);
    if (id == made) {
        ep_buf_printf(&c->scratch, "<message id='%s'", made);
        ep_buf rest = EP_BUF_INIT;
        ep_elem_write(&rest, e, EP_NS_CLIENT);
        ep_buf_add(&c->scratch, ep_buf_ptr(&rest) + strlen("<message"), rest.failed ? 0 : rest.len - strlen("<message"));
        c->scratch.failed |= rest.failed;
        ep_buf_free(&rest);
    } else {
        ep_elem_write(&c->scratch, e, EP_NS_CLIENT);
    }
    if (c->scratch.failed)
        return EPODE_ENOMEM;
    uint64_t most = ep_client_max_bytes(c);
    /* It would end the stream, and after each resumption again. */
    if (most && c->scratch.len > most)
        return EPODE_ELIMIT;
    return ep_client_send_text(c, kind, id, ep_buf_ptr(&c->scratch), c->scratch.len);
}

epode_status epode_send_xml(epode_client *c, const char *xml, size_t len)
{
    ep_arena arena = { 0 };
    if (c->freed || c->suspended)
        return EPODE_ESTATE;
    ep_elem *e = NULL;
    epode_status st = ep_elem_read(&e, &arena, xml, len, EP_NS_CLIENT);
    ep_loop_enter(c->loop);
    st = st == EPODE_EPROTO ? EPODE_EINVAL : st ? st : send_elem(c, e);
    ep_loop_leave(c->loop);
    ep_arena_free(&arena);
    return st;
}

epode_status epode_send(epode_client *c, xmpp_stanza_t *stanza)
{
    ep_buf text = EP_BUF_INIT;
    epode_status st = ep_stanza_write(&text, stanza, EP_NS_CLIENT);
    if (!st)
        st = epode_send_xml(c, ep_buf_ptr(&text), text.len);
    ep_buf_free(&text);
    return st;
}

static xmpp_stanza_t *stanza_of(epode_client *c, const char *xml, size_t len)
{
    ep_arena arena = { 0 };
    xmpp_ctx_t *ctx = xml ? epode_client_ctx(c) : NULL;
    ep_elem *e = ctx ? ep_elem_parse(&arena, xml, len, EP_NS_CLIENT) : NULL;
    xmpp_stanza_t *stanza = e ? ep_stanza_from_elem(ctx, e) : NULL;
    ep_arena_free(&arena);
    return stanza;
}

xmpp_stanza_t *epode_event_stanza(epode_client *c, const epode_event *event)
{
    return stanza_of(c, event->xml, event->xml_len);
}

xmpp_stanza_t *epode_iq_stanza(epode_client *c, const epode_iq_answer *answer)
{
    return c ? stanza_of(c, answer->xml, answer->xml_len) : NULL;
}
