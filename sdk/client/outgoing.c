/* outgoing.c: our own messages: stored, sent, confirmed, and decided when in doubt. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "base/str.h"
#include "client/internal.h"
#include "store/conversation.h"
#include "xml/writer.h"
#include "xmpp/bound.h"
#include "xmpp/datetime.h"
#include "xmpp/ns.h"

#define PUMP_BATCH       50
#define PROOF_TIMEOUT_MS (10 * 60 * 1000)

/* --- composing ---------------------------------------------------------------------------------------- */

static void write_reactions(const epode_outgoing *m, ep_xw *w)
{
    ep_xw_open(w, "reactions", EP_NS_REACTIONS);
    ep_xw_attr(w, "id", m->react_id);
    for (const char *at = m->reactions ? m->reactions : ""; *at;) {
        size_t n = strcspn(at, " ");
        if (n) {
            ep_xw_open(w, "reaction", NULL);
            ep_xw_text_n(w, at, n);
            ep_xw_close(w);
        }
        at += n + (at[n] == ' ');
    }
    ep_xw_close(w);
}

static void write_ref(ep_xw *w, const char *name, const char *ns, const char *id)
{
    ep_xw_open(w, name, ns);
    ep_xw_attr(w, "id", id);
    ep_xw_close(w);
}

static void write_message(const epode_outgoing *m, const char *id, ep_xw *w)
{
    ep_xw_open(w, "message", NULL);
    ep_xw_attr(w, "type", m->type ? m->type : "chat");
    ep_xw_attr(w, "id", id);
    ep_xw_attr(w, "to", m->to);
    ep_xw_attr(w, "from", m->resource);
    if (m->body)
        ep_xw_leaf(w, "body", NULL, m->body);
    write_ref(w, "origin-id", EP_NS_SID, id);
    if (m->replace_id)
        write_ref(w, "replace", EP_NS_CORRECT, m->replace_id);
    if (m->retract_id)
        write_ref(w, "retract", EP_NS_RETRACT, m->retract_id);
    if (m->react_id)
        write_reactions(m, w);
    if (m->reply_id) {
        ep_xw_open(w, "reply", EP_NS_REPLY);
        ep_xw_attr(w, "id", m->reply_id);
        ep_xw_attr(w, "to", m->reply_to);
        ep_xw_close(w);
    }
    /* XEP-0184, 5.3: a room's whole company would answer. */
    if (m->body && !m->no_receipt && !m->replace_id && !ep_streq(m->type, "groupchat"))
        ep_xw_leaf(w, "request", EP_NS_RECEIPTS, NULL);
    if (m->body && !m->no_marker && !m->replace_id)
        ep_xw_leaf(w, "markable", EP_NS_MARKERS, NULL);
    /* What servers archive by its body alone is kept all the same (XEP-0334). */
    if (!m->body)
        ep_xw_leaf(w, "store", EP_NS_HINTS, NULL);
}

/* NULL stays; else it must be a full JID of the account's. */
static epode_status check_resource(const char *resource, const char *account)
{
    ep_jid jid;
    if (!resource)
        return EPODE_OK;
    epode_status st = ep_jid_parse(&jid, resource);
    if (st)
        return st;
    bool ours = jid.resource && strcmp(jid.bare, account) == 0;
    ep_jid_free(&jid);
    return ours ? EPODE_OK : EPODE_EINVAL;
}

static epode_status compose(const epode_outgoing *given, const char *account, ep_buf *xml)
{
    epode_outgoing m = { 0 };
    char made[37];
    ep_jid to;
    memcpy(&m, given, given->size < sizeof m ? given->size : sizeof m);
    if (!m.body && !m.retract_id && !m.react_id && !m.xml)
        return EPODE_EINVAL;
    epode_status st = ep_jid_parse(&to, m.to);
    if (st)
        return st;
    ep_jid_free(&to);
    if ((st = check_resource(m.resource, account)))
        return st;
    if (!m.id && !ep_rand_uuid(made))
        return EPODE_ENOMEM;
    ep_xw w = ep_xw_init(xml);
    write_message(&m, m.id ? m.id : made, &w);
    if (m.xml) {
        ep_xw_text(&w, "");
        if (w.in_tag) {
            ep_buf_putc(xml, '>');
            w.in_tag = false;
        }
        ep_buf_puts(xml, m.xml);
    }
    ep_xw_close(&w);
    return ep_xw_done(&w);
}

/* A followed room has an archive of its own: *archive, and the room's JID. NULL: it is the account's. */
static const char *room_of(const epode_client *c, const ep_elem *message, int64_t *archive)
{
    const char *to = ep_elem_attr(message, "to");
    int64_t room = ep_streq(ep_elem_attr(message, "type"), "groupchat") ? ep_sync_room_archive(c->sync, to) : 0;
    if (room)
        *archive = room;
    return room ? to : NULL;
}

epode_status epode_send_message(epode_client *c, const epode_outgoing *message, uint64_t *row)
{
    ep_buf xml = EP_BUF_INIT;
    ep_arena tree = { 0 }, strings = { 0 };
    ep_msg m;
    int64_t seq, made = 0;
    ep_changes changes = { 0 };
    if (c->freed || c->suspended)
        return EPODE_ESTATE;
    if (!message || message->size < sizeof(size_t))
        return EPODE_EINVAL;
    epode_status st = compose(message, c->jid.bare, &xml);
    ep_elem *e = NULL;
    int64_t archive = ep_sync_archive(c->sync);
    ep_reader reader = { .account = c->jid.bare };
    if (!st && (st = ep_elem_read(&e, &tree, ep_buf_ptr(&xml), xml.len, EP_NS_CLIENT)) == EPODE_EPROTO)
        st = EPODE_EINVAL;
    if (!st)
        reader.room = room_of(c, e, &archive);
    if (!st && !ep_ingest(&m, &reader, e, NULL, 0, &strings))
        st = EPODE_ENOMEM;
    ep_loop_enter(c->loop);
    if (!st) {
        m.outgoing = true;
        m.time_ms = m.received_ms = ep_client_wall_ms();
        ep_client_begin(c);
        st = ep_outbox_add(c->store, archive, &m, &seq, &made, &changes);
    }
    if (st >= 0) {
        ep_client_emit_changes(c, &changes);
        ep_client_feed_search(c);
        ep_client_chat_wrote(c, m.peer);
        st = ep_client_pump(c);
        ep_client_schedule(c);
    }
    ep_loop_leave(c->loop);
    if (st >= 0 && row)
        *row = (uint64_t)made;
    ep_changes_free(&changes);
    ep_arena_free(&tree);
    ep_arena_free(&strings);
    ep_buf_free(&xml);
    return st < 0 ? st : EPODE_OK;
}

/* --- sending ------------------------------------------------------------------------------------------ */

typedef struct pump_run {
    epode_client *c;
    int64_t last;
    size_t sent;
    ep_changes changes;
} pump_run;

/* XEP-0203: what was first sent in an earlier session says when that was. */
static void with_delay(const ep_outbox_row *row, ep_buf *out)
{
    char stamp[32];
    const char *end = memrchr(row->xml, '<', row->len);
    size_t head = end ? (size_t)(end - row->xml) : row->len;
    ep_datetime_format(row->time_ms, stamp);
    ep_buf_add(out, row->xml, head);
    ep_buf_printf(out, "<delay xmlns='" EP_NS_DELAY "' stamp='%s'/>", stamp);
    ep_buf_add(out, row->xml + head, row->len - head);
}

static epode_status too_large(pump_run *run, const ep_outbox_row *row)
{
    epode_status st = ep_outbox_failed(run->c->store, row->row, "too-large", &run->changes);
    return st < 0 ? st : EPODE_OK;
}

/* As it leaves: the text of out may come to lie in stamped or late. */
static epode_status pump_text(epode_client *c, ep_outbox_row *out, int64_t now, ep_buf *stamped, ep_buf *late)
{
    bool room = out->xml[out->len - 2] != '/';
    epode_status st = ep_client_stamp(c, &out->xml, &out->len, stamped, true);
    if (st || now - out->time_ms <= 10000 || !room)
        return st;
    with_delay(out, late);
    out->xml = ep_buf_ptr(late);
    out->len = late->len;
    return late->failed ? EPODE_ENOMEM : EPODE_OK;
}

static epode_status pump_out(pump_run *run, const ep_outbox_row *row, const ep_outbox_row *out, int64_t now)
{
    epode_client *c = run->c;
    uint64_t number = ep_stream_next_out(c->stream), most = ep_client_max_bytes(c);
    if (most && out->len > most) /* it would end the stream, and after each resumption again */
        return too_large(run, row);
    epode_status st = ep_outbox_sent(c->store, row->seq, number, now, &run->changes);
    if (st != EPODE_OK)
        return st == EPODE_DONE ? EPODE_OK : st;
    run->sent++;
    if (number)
        c->request_due = true;
    return ep_stream_send(c->stream, out->xml, out->len, false);
}

static epode_status pump_row(const ep_outbox_row *row, void *user)
{
    pump_run *run = user;
    epode_client *c = run->c;
    ep_buf stamped = EP_BUF_INIT, late = EP_BUF_INIT;
    ep_outbox_row out = *row;
    int64_t now = ep_client_wall_ms();
    run->last = row->seq;
    if (ep_rooms_hold(c, row->to) || ep_client_resource_held(c, row->xml, row->len))
        return EPODE_OK;
    epode_status st = pump_text(c, &out, now, &stamped, &late);
    if (!st)
        st = pump_out(run, row, &out, now);
    ep_buf_free(&stamped);
    ep_buf_free(&late);
    return st;
}

static epode_status proved(epode_client *c, const ep_reply *reply, void *user);

/* Without stream management an answer to what followed shows that the server has what went before. */
static epode_status ask_proof(epode_client *c)
{
    ep_xw w;
    ep_request *r = ep_request_open(c, &w, "get", c->jid.domain, proved, NULL);
    ep_xw_leaf(&w, "ping", EP_NS_PING, NULL);
    c->proof = r ? ep_request_number(r) : 0;
    return ep_request_send(c, r, &w, PROOF_TIMEOUT_MS);
}

epode_status ep_client_pump(epode_client *c)
{
    pump_run run = { .c = c };
    epode_status st = EPODE_OK;
    if (!c->stream || ep_stream_state_of(c->stream) != EP_S_READY)
        return EPODE_OK;
    ep_client_begin(c);
    while (st == EPODE_OK)
        st = ep_outbox_next(c->store, run.last, PUMP_BATCH, pump_row, &run);
    if (st >= 0) {
        ep_client_emit_changes(c, &run.changes);
        c->urgent = c->urgent || run.sent;
        ep_client_schedule(c);
    }
    if (st >= 0 && run.sent && !ep_stream_has_sm(c->stream))
        st = ask_proof(c);
    ep_changes_free(&run.changes);
    return st < 0 ? st : EPODE_OK;
}

/* --- what became of it -------------------------------------------------------------------------------- */

epode_status ep_client_acked(epode_client *c, uint64_t acked)
{
    ep_changes changes = { 0 };
    ep_client_begin(c);
    epode_status st = ep_outbox_acked(c->store, acked, &changes);
    if (st >= 0)
        ep_client_emit_changes(c, &changes);
    ep_changes_free(&changes);
    ep_client_schedule(c);
    return st < 0 ? st : EPODE_OK;
}

typedef struct state_run {
    epode_client *c;
    ep_changes changes;
    epode_status (*act)(struct state_run *run, const ep_outbox_row *row);
    int64_t last, archive;
} state_run;

static epode_status state_row(const ep_outbox_row *row, void *user)
{
    state_run *run = user;
    run->last = row->seq;
    epode_status st = !run->archive || run->archive == row->archive ? run->act(run, row) : EPODE_OK;
    return st < 0 ? st : EPODE_OK;
}

static epode_status each_in_state(epode_client *c, ep_outbox_state state, int64_t archive,
                                  epode_status (*act)(state_run *run, const ep_outbox_row *row))
{
    state_run run = { .c = c, .act = act, .archive = archive };
    epode_status st = EPODE_OK;
    while (st == EPODE_OK)
        st = ep_outbox_list(c->store, state, run.last, PUMP_BATCH, state_row, &run);
    if (st >= 0)
        ep_client_emit_changes(c, &run.changes);
    ep_changes_free(&run.changes);
    return st < 0 ? st : EPODE_OK;
}

static epode_status act_done(state_run *run, const ep_outbox_row *row)
{
    return ep_outbox_done(run->c->store, row->seq, &run->changes);
}

static epode_status act_retry(state_run *run, const ep_outbox_row *row)
{
    return ep_outbox_retry(run->c->store, row->seq);
}

/* Only the answer to the last ping stands behind everything that is on its way. */
static epode_status proved(epode_client *c, const ep_reply *reply, void *user)
{
    (void)user;
    bool answered = reply->outcome == EPODE_IQ_RESULT || reply->outcome == EPODE_IQ_ERROR;
    return answered && reply->number == c->proof ? each_in_state(c, EP_OUTBOX_SENT, 0, act_done) : EPODE_OK;
}

/* The pages of catch-up have joined what the archive has of our messages; the rest it does not have. */
epode_status ep_client_settle_doubt(epode_client *c, int64_t archive)
{
    epode_status st = each_in_state(c, EP_OUTBOX_DOUBT, archive, act_retry);
    return st < 0 ? st : ep_client_pump(c);
}

epode_status ep_client_take_error(epode_client *c, const ep_elem *message)
{
    int64_t conversation, row;
    ep_changes changes = { 0 };
    const char *from = ep_elem_attr(message, "from"), *id = ep_elem_attr(message, "id");
    const char *condition = ep_condition_of(ep_elem_child(message, "error", NULL));
    if (!from || !ep_jid_bare_len(from) || !id)
        return EPODE_OK;
    /* What a room refuses stands in its own archive, if that is followed. */
    int64_t archive = from[ep_jid_bare_len(from)] ? 0 : ep_sync_room_archive(c->sync, from);
    char *peer = ep_strndup(from, ep_jid_bare_len(from));
    epode_status st = peer ? ep_conversation_open(c->store, archive ? archive : ep_sync_archive(c->sync), peer,
                                                  &conversation)
                           : EPODE_ENOMEM;
    if (st == EPODE_OK)
        st = ep_outbox_find(c->store, conversation, id, &row);
    /* XEP-0045, 7.4: from nobody who is in. It was not passed on, and is once we are in again. */
    bool again = st == EPODE_OK && archive && strcmp(condition, "not-acceptable") == 0 && ep_rooms_not_in(c, peer, &st);
    if (st == EPODE_OK)
        st = again ? ep_outbox_again(c->store, conversation, row, &changes)
                   : ep_outbox_failed(c->store, row, condition, &changes);
    if (st >= 0)
        ep_client_emit_changes(c, &changes);
    ep_changes_free(&changes);
    ep_free(peer);
    return st < 0 ? st : EPODE_OK;
}
