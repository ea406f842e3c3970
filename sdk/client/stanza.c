/* stanza.c: stanzas in and out. What came in is stored with the count that includes it; what goes out is stored
 * before it leaves. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "base/str.h"
#include "client/internal.h"
#include "strophe/stanza.h"
#include "xml/writer.h"
#include "xmpp/answer.h"
#include "xmpp/datetime.h"
#include "xmpp/ns.h"

static ep_caps client_caps(const epode_client *c)
{
    return (ep_caps){ c->software, ep_caps_features };
}

/* --- out ------------------------------------------------------------------------------------------- */

epode_status ep_client_send_text(epode_client *c, ep_stanza_kind kind, const char *id, const char *xml, size_t len)
{
    if (!c->stream || ep_stream_state_of(c->stream) != EP_S_READY)
        return EPODE_ESTATE;
    uint64_t seq = ep_stream_next_out(c->stream);
    if (seq) {
        ep_smq_row row = { .seq = seq, .kind = kind, .stamp_ms = ep_client_wall_ms(), .id = id, .xml = xml, .len = len };
        ep_client_begin(c);
        epode_status st = ep_store_smq_push(c->store, &row);
        if (st < 0)
            return st;
        c->request_due = c->request_due || kind == EP_STANZA_MESSAGE;
    } else if (id && kind == EP_STANZA_MESSAGE) {
        ep_client_emit_delivery(c, id, EPODE_DELIVERY_SENT);
    }
    ep_client_schedule(c);
    return ep_stream_send(c->stream, xml, len, false);
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

static epode_status acked_row(const ep_smq_row *row, void *user)
{
    const struct {
        epode_client *c;
        uint64_t acked;
    } *a = user;
    if (row->seq > a->acked)
        return EPODE_DONE;
    if (row->id)
        ep_client_emit_delivery(a->c, row->id, EPODE_DELIVERY_ACKNOWLEDGED);
    return EPODE_OK;
}

void ep_client_acked(epode_client *c, uint64_t acked)
{
    struct {
        epode_client *c;
        uint64_t acked;
    } a = { c, acked };
    ep_client_begin(c);
    ep_store_smq_each(c->store, acked_row, &a);
    ep_store_smq_ack(c->store, acked);
    ep_client_schedule(c);
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

static epode_status send_writer(epode_client *c, ep_stanza_kind kind, const char *id, ep_xw *w)
{
    epode_status st = ep_xw_done(w);
    return st ? st : ep_client_send_text(c, kind, id, ep_buf_ptr(w->out), w->out->len);
}

/* What the account can do decides whether ids in live messages may be trusted (XEP-0359, 6). */
static epode_status ask_account(epode_client *c)
{
    uint8_t id[8];
    ep_buf_clear(&c->scratch);
    ep_xw w = ep_xw_init(&c->scratch);
    if (!ep_rand_bytes(id, sizeof id))
        return EPODE_ENOMEM;
    memcpy(c->iq_disco, "disco-", 6);
    ep_hex(id, sizeof id, c->iq_disco + 6);
    ep_xw_open(&w, "iq", NULL);
    ep_xw_attr(&w, "type", "get");
    ep_xw_attr(&w, "to", c->jid.bare);
    ep_xw_attr(&w, "id", c->iq_disco);
    ep_xw_leaf(&w, "query", EP_NS_DISCO_INFO, NULL);
    ep_xw_close(&w);
    return send_writer(c, EP_STANZA_IQ, NULL, &w);
}

static epode_status send_presence(epode_client *c)
{
    ep_caps caps = client_caps(c);
    ep_buf_clear(&c->scratch);
    ep_xw w = ep_xw_init(&c->scratch);
    ep_xw_open(&w, "presence", NULL);
    ep_caps_write_presence(&caps, &w);
    ep_xw_close(&w);
    return send_writer(c, EP_STANZA_PRESENCE, NULL, &w);
}

epode_status ep_client_on_ready(epode_client *c)
{
    epode_status st = EPODE_OK;
    if (ep_stream_bind_kind(c->stream) == EP_BIND_RESUMED)
        return EPODE_OK;
    /* An account that could not may have learned it: asked again with every new session. */
    if (c->trust_ids != EP_HABIT_YES)
        st = ask_account(c);
    if (st >= 0 && !(c->flags & EPODE_NO_PRESENCE))
        st = send_presence(c);
    if (st >= 0)
        st = ep_store_pending_each(c->store, pending_row, c);
    return st < 0 ? st : EPODE_OK;
}

/* --- in -------------------------------------------------------------------------------------------- */

static bool from_account(const epode_client *c, const ep_elem *e)
{
    const char *from = ep_elem_attr(e, "from");
    return !from || strcmp(from, c->jid.bare) == 0;
}

static const ep_elem *carbon_of(const ep_elem *message)
{
    const ep_elem *e = ep_elem_child(message, "received", EP_NS_CARBONS);
    return e ? e : ep_elem_child(message, "sent", EP_NS_CARBONS);
}

/* The id in our own archive, if the account vouches for it: a carbon's is in the message inside. */
static const char *archive_id_of(const epode_client *c, const ep_elem *message)
{
    const ep_elem *carbon = carbon_of(message);
    if (carbon)
        message = ep_elem_child(ep_elem_child(carbon, "forwarded", EP_NS_FORWARD), "message", EP_NS_CLIENT);
    /* Until the account has answered, which is once in a store's life, the id is believed: two ways of the
     * same message may come before. */
    if (c->trust_ids == EP_HABIT_NO)
        return NULL;
    EP_ELEM_EACH(e, message)
        if (ep_elem_is(e, "stanza-id", EP_NS_SID) && ep_streq(ep_elem_attr(e, "by"), c->jid.bare))
            return ep_elem_attr(e, "id");
    return NULL;
}

static epode_status take_message(epode_client *c, const ep_elem *e, uint32_t h)
{
    /* XEP-0280, 11: a carbon is from the account itself and nobody else. */
    if (carbon_of(e) && !ep_streq(ep_elem_attr(e, "from"), c->jid.bare)) {
        c->forged++;
        ep_log_line(&c->log, EP_LOG_WARN, "client", "a forged carbon was dropped");
        return h ? ep_store_sm_set_h(c->store, h) : EPODE_OK;
    }
    int64_t seq = 0;
    ep_inbox_row row = { .owner = c->jid.bare, .archive_id = archive_id_of(c, e), .h = h, .has_h = h != 0,
                         .received_ms = ep_client_wall_ms(), .xml = ep_buf_ptr(&c->scratch), .len = c->scratch.len };
    epode_status st = ep_store_inbox_add(c->store, &row, &seq);
    if (st == EPODE_OK)
        st = ep_client_emit_xml(c, EPODE_EV_MESSAGE, (uint64_t)seq, row.xml, row.len);
    return st;
}

static void take_account(epode_client *c, const ep_elem *iq)
{
    bool mam = false, sid = false;
    const ep_elem *query = ep_elem_child(iq, "query", EP_NS_DISCO_INFO);
    c->iq_disco[0] = '\0';
    EP_ELEM_EACH(f, query) {
        const char *var = ep_elem_is(f, "feature", EP_NS_DISCO_INFO) ? ep_elem_attr(f, "var") : NULL;
        mam = mam || ep_streq(var, EP_NS_MAM);
        sid = sid || ep_streq(var, EP_NS_SID);
    }
    const char *fact = mam && sid ? "archive-ids" : "no-archive-ids";
    c->trust_ids = mam && sid ? EP_HABIT_YES : EP_HABIT_NO;
    ep_store_fact_put(c->store, EP_FACT_ACCOUNT_DISCO, c->jid.bare, fact, strlen(fact), 0);
}

static epode_status take_iq(epode_client *c, const ep_elem *e)
{
    ep_caps caps = client_caps(c);
    if (c->iq_disco[0] && ep_streq(ep_elem_attr(e, "id"), c->iq_disco) && from_account(c, e)) {
        take_account(c, e);
        return EPODE_OK;
    }
    ep_buf answer = EP_BUF_INIT;
    epode_status st = EPODE_OK;
    if (ep_answer_iq(&answer, e, &caps, EPODE_VERSION) && c->was_ready)
        st = answer.failed ? EPODE_ENOMEM
                           : ep_client_send_text(c, EP_STANZA_IQ, NULL, ep_buf_ptr(&answer), answer.len);
    ep_buf_free(&answer);
    return st;
}

epode_status ep_client_stanza(epode_client *c, ep_elem *e, uint32_t h)
{
    bool message = ep_elem_is(e, "message", EP_NS_CLIENT), iq = ep_elem_is(e, "iq", EP_NS_CLIENT);
    epode_status st = EPODE_OK;
    ep_client_begin(c);
    if (message || (c->flags & EPODE_RAW_STANZAS)) {
        ep_buf_clear(&c->scratch);
        ep_elem_write(&c->scratch, e, EP_NS_CLIENT);
        if (!ep_buf_cstr(&c->scratch))
            return EPODE_ENOMEM;
    }
    if (c->flags & EPODE_RAW_STANZAS)
        st = ep_client_emit_xml(c, EPODE_EV_STANZA, 0, ep_buf_ptr(&c->scratch), c->scratch.len);
    if (st < 0)
        return st;
    if (message)
        st = take_message(c, e, h);
    else if (h)
        st = ep_store_sm_set_h(c->store, h);
    if (st >= 0 && iq)
        st = take_iq(c, e);
    return st < 0 ? st : EPODE_OK;
}

/* --- public ---------------------------------------------------------------------------------------- */

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
static uint64_t server_max_bytes(const epode_client *c)
{
    const ep_features *live = c->stream ? ep_stream_features(c->stream, true) : NULL;
    return live ? live->max_bytes : c->server_max_bytes;
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
    uint64_t most = server_max_bytes(c);
    /* It would end the stream, and after each resumption again. */
    if (most && c->scratch.len > most)
        return EPODE_ELIMIT;
    return ep_client_send_text(c, kind, id, ep_buf_ptr(&c->scratch), c->scratch.len);
}

epode_status epode_send_xml(epode_client *c, const char *xml, size_t len)
{
    ep_arena arena = { 0 };
    if (c->freed)
        return EPODE_ESTATE;
    ep_elem *e;
    epode_status st = ep_elem_read(&e, &arena, xml, len, EP_NS_CLIENT);
    ep_loop_enter(c->loop);
    st = !st ? send_elem(c, e) : st == EPODE_ENOMEM ? st : EPODE_EINVAL;
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

epode_status epode_send_chat(epode_client *c, const char *to, const char *body, char *id)
{
    ep_jid jid;
    char made[37];
    epode_status st = body ? ep_jid_parse(&jid, to) : EPODE_EINVAL;
    if (st)
        return st;
    ep_buf text = EP_BUF_INIT;
    ep_xw w = ep_xw_init(&text);
    if (!ep_rand_uuid(made))
        st = EPODE_ENOMEM;
    ep_xw_open(&w, "message", NULL);
    ep_xw_attr(&w, "type", "chat");
    ep_xw_attr(&w, "id", made);
    ep_xw_attr(&w, "to", to);
    ep_xw_leaf(&w, "body", NULL, body);
    ep_xw_open(&w, "origin-id", EP_NS_SID);
    ep_xw_attr(&w, "id", made);
    ep_xw_close(&w);
    ep_xw_close(&w);
    if (!st)
        st = ep_xw_done(&w);
    if (!st)
        st = epode_send_xml(c, ep_buf_ptr(&text), text.len);
    if (!st && id)
        memcpy(id, made, sizeof made);
    ep_buf_free(&text);
    ep_jid_free(&jid);
    return st;
}

xmpp_stanza_t *epode_event_stanza(epode_client *c, const epode_event *event)
{
    ep_arena arena = { 0 };
    xmpp_ctx_t *ctx = epode_client_ctx(c);
    ep_elem *e = event->xml && ctx ? ep_elem_parse(&arena, event->xml, event->xml_len, EP_NS_CLIENT) : NULL;
    xmpp_stanza_t *stanza = e ? ep_stanza_from_elem(ctx, e) : NULL;
    ep_arena_free(&arena);
    return stanza;
}
