/* stanza.c: stanzas in. What one of them did is stored in the transaction of the count that includes it. */
#include <string.h>

#include "base/rand.h"
#include "base/str.h"
#include "client/internal.h"
#include "xml/writer.h"
#include "xmpp/datetime.h"
#include "xmpp/ns.h"

ep_caps ep_client_caps(const epode_client *c)
{
    return (ep_caps){ c->software, c->flags & EPODE_NO_RECEIPTS ? ep_caps_without_receipts : ep_caps_features };
}

/* --- at the beginning of a session ------------------------------------------------------------------ */

/* What comes with SASL2's success may be followed by the features at once: without them it waits for the turn's end. */
epode_status ep_client_ask_rest(epode_client *c, bool last)
{
    bool resumed = c->stream && ep_stream_bind_kind(c->stream) == EP_BIND_RESUMED;
    bool now = last || ep_client_features(c);
    epode_status st = now ? ep_client_roster_ask(c, resumed) : EPODE_OK;
    c->rest_due = !now;
    if (st >= 0)
        st = ep_client_discover(c);
    if (st >= 0 && last)
        st = ep_client_resources_again(c);
    return st < 0 ? st : ep_client_blocking_ask(c);
}

static epode_status begin_sync(epode_client *c, bool resumed)
{
    const epode_session *s = c->session;
    ep_archive_info ends = { .first_id = s->first_id, .last_id = s->last_id,
                             .empty = s->archive_known && !s->last_id };
    ep_datetime_parse(s->first_time, &ends.first_ms);
    ep_datetime_parse(s->last_time, &ends.last_ms);
    return ep_sync_ready(c->sync, resumed, s->archive_known ? &ends : NULL, ep_loop_now_us(c->loop),
                         ep_client_wall_ms());
}

/* Nothing of an earlier session is left to resume: its queue is over, and these are the first of the new one. */
epode_status ep_client_ride(epode_client *c)
{
    ep_client_begin(c);
    epode_status st = ep_store_smq_move_to_pending(c->store);
    if (st >= 0)
        st = ep_outbox_lost(c->store);
    if (st >= 0)
        st = ep_store_sm_clear(c->store);
    ep_client_session_over(c, true);
    if (st >= 0)
        st = ep_client_roster_reset(c);
    if (st >= 0)
        st = ep_client_blocking_reset(c);
    if (st >= 0)
        st = ep_client_presence_reset(c);
    ep_client_discover_reset(c);
    if (st >= 0)
        st = ep_sync_bound(c->sync);
    ep_rooms_reset(c);
    ep_bookmarks_reset(c);
    c->riding = true;
    c->behind = 0;
    if (st >= 0)
        st = ep_client_ask_rest(c, false);
    if (st >= 0 && ep_client_wants_presence(c))
        st = ep_client_send_presence(c, NULL);
    if (st >= 0)
        st = ep_sync_ready(c->sync, false, NULL, ep_loop_now_us(c->loop), ep_client_wall_ms());
    c->riding = false;
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_client_ride_lost(epode_client *c)
{
    c->behind = 0;
    ep_requests_over(c, true);
    ep_sync_cut(c->sync);
    /* Requests and presence are dropped; a message is never among them. */
    return ep_store_smq_move_to_pending(c->store);
}

epode_status ep_client_on_ready(epode_client *c)
{
    epode_status st = EPODE_OK;
    bool resumed = ep_stream_bind_kind(c->stream) == EP_BIND_RESUMED;
    bool ridden = c->behind > 0;
    if (ridden && !ep_stream_has_sm(c->stream))
        st = ep_store_smq_ack(c->store, c->behind);
    /* The roster before presence: who comes online is in it (RFC 6121, 2.2). */
    if (st >= 0 && !ridden)
        st = ep_client_ask_rest(c, false);
    /* Presence before the archive's query: what is archived behind it is delivered live as well. */
    if (st >= 0 && resumed)
        st = ep_client_presence_catch_up(c);
    else if (st >= 0 && !ridden && ep_client_wants_presence(c))
        st = ep_client_send_presence(c, NULL);
    if (st >= 0 && !resumed)
        st = ep_client_own_said(c);
    if (st >= 0 && !resumed)
        st = ep_client_send_pending(c);
    if (st >= 0 && !ridden)
        st = begin_sync(c, resumed);
    if (st >= 0)
        st = ep_rooms_ready(c);
    if (st >= 0 && !resumed)
        st = ep_bookmarks_ask(c);
    if (st >= 0)
        st = ep_client_publish_rest(c);
    if (st >= 0 && ep_client_features(c))
        st = ep_client_resources_again(c);
    c->rest_due = c->rest_due || c->resources.again_due;
    if (st >= 0)
        st = ep_client_pump(c);
    return st < 0 ? st : EPODE_OK;
}

/* Stores of the time before archives kept what came as it was: it takes its place now. */
static epode_status drain_row(const ep_inbox_row *row, void *user)
{
    epode_client *c = user;
    const ep_elem *inner;
    ep_arena arena = { 0 };
    ep_elem *e = ep_elem_parse(&arena, row->xml, row->len, EP_NS_CLIENT);
    epode_status st = EPODE_OK;
    if (e && ep_message_carbon(e, &inner) == EP_CARBON_NONE)
        inner = e;
    if (e && inner)
        st = ep_sync_live(c->sync, inner, row->archive_id != NULL, row->received_ms, ep_loop_now_us(c->loop));
    ep_arena_free(&arena);
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_client_drain_inbox(epode_client *c)
{
    epode_status st = EPODE_OK;
    while (st == EPODE_OK)
        st = ep_store_inbox_drain(c->store, 100, drain_row, c);
    return st < 0 ? st : EPODE_OK;
}

/* --- in --------------------------------------------------------------------------------------------- */

static bool from_account(const epode_client *c, const ep_elem *e)
{
    const char *from = ep_elem_attr(e, "from");
    return !from || strcmp(from, c->jid.bare) == 0;
}

/* Old servers answer what names nobody by the name of who asked. Only the server, and our own session, can write that. */
static bool answer_of_account(const epode_client *c, const ep_elem *e)
{
    return from_account(c, e) || ep_client_resource_named(c, ep_elem_attr(e, "from"));
}

static epode_status forged(epode_client *c, const char *what)
{
    c->forged++;
    ep_log_line(&c->log, EP_LOG_WARN, "client", "%s from somebody who may not send it was dropped", what);
    return EPODE_OK;
}

static epode_status take_message(epode_client *c, const ep_elem *e, bool *bulk)
{
    ep_mam_result result;
    const ep_elem *inner;
    int64_t now = ep_loop_now_us(c->loop);
    bool ids = c->trust_ids != EP_HABIT_NO;
    if (ep_mam_result_read(&result, e)) {
        epode_status st = ep_sync_result(c->sync, e, &result);
        *bulk = true;
        return st == EPODE_DONE ? forged(c, "an archive's result") : st;
    }
    /* XEP-0280, 11: a carbon is from the account itself and nobody else. */
    if (ep_message_carbon(e, &inner) != EP_CARBON_NONE) {
        if (!ep_streq(ep_elem_attr(e, "from"), c->jid.bare) || !inner)
            return forged(c, "a carbon");
        ep_client_chat_take(c, inner);
        return ep_sync_live(c->sync, inner, ids, 0, now);
    }
    const ep_elem *event = ep_elem_child(e, "event", EP_NS_PUBSUB_EVENT);
    if (event && ep_bookmarks_event(event))
        return from_account(c, e) ? ep_bookmarks_take(c, event) : forged(c, "an event about bookmarks");
    if (event) {
        ep_client_take_avatar(c, ep_elem_attr(e, "from"), event);
        epode_status st = from_account(c, e) ? ep_sync_event(c->sync, event) : EPODE_OK;
        /* With a text (XEP-0060, pubsub#include_body) it is a message as well. */
        if (st < 0 || !ep_elem_child(e, "body", EP_NS_CLIENT))
            return st;
    }
    if (ep_streq(ep_elem_attr(e, "type"), "error"))
        return ep_client_take_error(c, e);
    ep_client_chat_take(c, e);
    ep_rooms_message(c, e);
    uint64_t before = c->changes;
    epode_status st = ep_sync_live(c->sync, e, ids, 0, now);
    /* One that is held already was answered, or came by the archive: no receipt is sent for that (XEP-0184, 5.5). */
    c->resources.answering = true;
    return st < 0 || c->changes == before ? st : ep_client_receipt(c, e);
}

/* The page that ends a catch-up is told at once, and so is what is not of one. */
static epode_status take_answer(epode_client *c, const ep_elem *e, bool *bulk)
{
    c->bulk = ep_sync_is_bulk(c->sync);
    epode_status st = ep_sync_answer(c->sync, e, answer_of_account(c, e), ep_loop_now_us(c->loop));
    *bulk = c->bulk && ep_sync_is_bulk(c->sync);
    c->bulk = false;
    return st;
}

static epode_status take_iq(epode_client *c, const ep_elem *e, bool *bulk)
{
    const char *type = ep_elem_attr(e, "type");
    bool answer = ep_streq(type, "result") || ep_streq(type, "error"), forgery;
    epode_status st;
    c->resources.answering = !answer;
    if (ep_client_is_push(c, e))
        return from_account(c, e) ? ep_client_take_push(c, e) : forged(c, "a change of the roster");
    if (ep_client_is_block_push(c, e))
        return from_account(c, e) ? ep_client_take_block_push(c, e) : forged(c, "a change of the block list");
    if (!answer)
        return ep_client_answer_iq(c, e);
    if (c->behind && c->stream && ep_streq(ep_stream_guess(c->stream), "stanzas-behind-authentication")) {
        ep_stream_behind_answered(c->stream);
        ep_client_save_habit(c, "stanzas", EP_HABIT_YES);
    }
    if (ep_requests_take(c, e, &forgery, &st))
        return st;
    if (forgery)
        return forged(c, "an answer");
    if (answer_of_account(c, e) && ep_client_published(c, e))
        return EPODE_OK;
    return take_answer(c, e, bulk);
}

epode_status ep_client_stanza(epode_client *c, ep_elem *e, uint32_t h)
{
    epode_status st = EPODE_OK;
    bool bulk = false;
    ep_client_begin(c);
    if (c->resources.count > 1)
        c->resources.for_one = ep_client_resource_named(c, ep_elem_attr(e, "to"));
    if (h) {
        c->h_seen = h;
        c->h_dirty = true;
    }
    if (c->flags & EPODE_RAW_STANZAS) {
        ep_buf_clear(&c->scratch);
        ep_elem_write(&c->scratch, e, EP_NS_CLIENT);
        if (!ep_buf_cstr(&c->scratch))
            return EPODE_ENOMEM;
        epode_event ev = { .type = EPODE_EV_STANZA, .xml = ep_buf_ptr(&c->scratch), .xml_len = c->scratch.len };
        ep_client_emit(c, &ev);
    }
    if (ep_elem_is(e, "message", EP_NS_CLIENT))
        st = take_message(c, e, &bulk);
    else if (ep_elem_is(e, "iq", EP_NS_CLIENT))
        st = take_iq(c, e, &bulk);
    else if (ep_elem_is(e, "presence", EP_NS_CLIENT))
        st = ep_rooms_presence(c, e);
    c->resources.for_one = NULL;
    c->resources.answering = false;
    if (!bulk)
        ep_client_schedule(c);
    return st < 0 ? st : EPODE_OK;
}
