/* login.c: what the engine tells, put into the store and the session. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"

static void put_cb(const ep_transport *net, const char *type, uint8_t *bytes, size_t *len)
{
    if (ep_transport_channel_binding(net, type, bytes, EP_CB_MAX_BYTES, len))
        *len = 0;
}

static ep_stream_config stream_config(const epode_client *c)
{
    const ep_memory *m = &c->memory;
    return (ep_stream_config){
        .domain = c->jid.domain, .username = c->jid.local, .resource = c->jid.resource, .tag = c->tag,
        .user_agent_id = c->user_agent, .software = c->software, .device = c->device,
        .password = c->given_password ? c->given_password : c->password,
        .bearer = c->given_oauth ? c->given_oauth : c->oauth_token,
        .token = m->facts.token_mech ? ep_buf_ptr(&m->token) : NULL, .token_count = m->token_count,
        .token_count_again = m->token_count_again,
        .sm_id = m->has_sm ? m->sm.previd : NULL, .sm_h = m->sm.h_in, .sm_out = m->sm.out_last,
        .sm_out_acked = m->sm.out_acked, .facts = m->facts,
        .policy = { .allow_plain = c->flags & EPODE_ALLOW_PLAIN, .no_fast_path = c->flags & EPODE_NO_FAST_PATH,
                    .no_sasl2 = c->flags & EPODE_NO_SASL2,
                    .want_carbons = !(c->flags & EPODE_NO_CARBONS), .want_sm = ep_client_wants_sm(c),
                    .inactive = !c->active, .want_early_data = !(c->flags & EPODE_NO_EARLY_DATA) && !c->bridge,
                    .keep_token = c->bridge != NULL,
                    .stanzas = !c->no_stanzas && !(c->flags & EPODE_NO_SYNC),
                    .no_upgrade = c->no_upgrade || m->takes_upgrade == EP_HABIT_NO },
        .no_tasks = !c->on_task,
        .sent_config_version = m->has_features ? m->features.config_version : NULL,
        .limits = { .max_stanza_bytes = c->max_stanza_bytes },
        .guess_timeout_us = ep_client_guess_timeout(c), .headers = ep_bridge_headers(c),
    };
}

static ep_cb_data all_cb(const epode_client *c)
{
    ep_cb_data cb = { 0 };
    put_cb(c->net, "tls-server-end-point", cb.endp.bytes, &cb.endp.len);
    put_cb(c->net, "tls-exporter", cb.expr.bytes, &cb.expr.len);
    put_cb(c->net, "tls-unique", cb.uniq.bytes, &cb.uniq.len);
    return cb;
}

static void note_connection(epode_client *c, const ep_net_info *info)
{
    epode_session *s = c->building;
    snprintf(s->tls_version, sizeof s->tls_version, "%s", info->tls_version);
    snprintf(s->tls_cipher, sizeof s->tls_cipher, "%s", info->cipher);
    snprintf(s->host, sizeof s->host, "%s", info->host);
    snprintf(s->address, sizeof s->address, "%s", info->address);
    s->port = info->port;
    s->tls_resumed = info->resumed;
    s->tls_early = info->early_data;
    s->tls_direct = info->direct;
    s->transport = c->bridge ? "strophe" : "tcp";
    for (size_t i = 0; i < EP_SESSION_LEFT_OUT; i++)
        s->left_out[i] = ep_bridge_left_out(c, i);
}

/* What went with the ClientHello was not taken: it is said again, with a count of its own. */
static void early_over(epode_client *c, const ep_net_info *info)
{
    ep_session_add_fallback(c->building, "early-data", info->early_sent ? "rejected" : "lost");
    /* Of an attempt that lost the race it is not known whether the server acted on it. */
    if (!info->early_sent)
        c->gave_up_us = ep_loop_now_us(c->loop);
    ep_stream_free(c->stream);
    c->stream = NULL;
    c->memory.token_count = c->memory.token_count_again;
    c->memory.token_count_again = 0;
}

/* TLS is up: the stream that began with the ClientHello goes on, or one begins. */
epode_status ep_client_stream_open(epode_client *c, const ep_net_info *info, ep_error *err)
{
    bool early = c->early_out;
    int64_t now = ep_loop_refresh(c->loop);
    c->early_out = false;
    note_connection(c, info);
    if (early && info->early_data) {
        ep_cb_data cb = all_cb(c);
        return ep_stream_early_taken(c->stream, &cb, now);
    }
    if (early)
        early_over(c, info);
    ep_stream_config config = stream_config(c);
    config.cb = all_cb(c);
    config.authzid = info->names_others ? c->jid.bare : NULL;
    epode_status st = ep_stream_new(&c->stream, &config, &ep_client_stream_events, c, &c->log, err);
    if (!st && (st = ep_stream_start(c->stream, now))) {
        *err = *ep_stream_error(c->stream);
        if (!err->status)
            ep_fail(err, st, 0, "the login could not be planned");
    }
    return st;
}

void ep_client_stream_early(epode_client *c, size_t room, const uint8_t *end_point, size_t n, ep_buf *out)
{
    if (c->stream || c->no_guess || !ep_client_wants_early(c) || !c->memory.token_count_again || n > EP_CB_MAX_BYTES)
        return;
    ep_stream_config config = stream_config(c);
    memcpy(config.cb.endp.bytes, end_point, n);
    config.cb.endp.len = n;
    epode_status st = ep_stream_new(&c->stream, &config, &ep_client_stream_events, c, &c->log, NULL);
    int64_t now = ep_loop_now_us(c->loop);
    if (!st)
        st = ep_stream_start_early(c->stream, now);
    ep_buf *text = st ? NULL : ep_stream_output(c->stream);
    if (st || text->failed || text->len > room) {
        ep_stream_free(c->stream); /* nothing has left: its count is not used up */
        c->stream = NULL;
        return;
    }
    ep_client_trace(c, ep_buf_ptr(text), text->len);
    ep_buf_add(out, ep_buf_ptr(text), text->len);
    ep_stream_flushed(c->stream, text->len, now);
    ep_buf_consume(text, text->len);
    c->early_out = true;
    ep_client_watch_guess(c);
}

/* Remembers why the stream must end, for a better story than "the client could not go on". */
static epode_status store_status(epode_client *c, epode_status st)
{
    if (st >= 0)
        return EPODE_OK;
    c->store_error = *ep_store_error(c->store);
    if (!c->store_error.status)
        ep_fail(&c->store_error, st, 0, "the store could not be written");
    return st;
}

void ep_session_lacks(epode_session *s, const epode_client *c)
{
    const ep_stream *stream = c->stream;
    const ep_stream_lacks *l = ep_stream_lacks_of(stream);
    s->carbons = ep_stream_has_carbons(stream);
    s->sm = ep_stream_has_sm(stream);
    s->csi = ep_stream_has_csi(stream);
    snprintf(s->why_carbons, sizeof s->why_carbons, "%s", l->carbons ? l->carbons : "");
    bool barred = c->bridge && !ep_client_wants_sm(c) && !(c->flags & EPODE_NO_SM);
    snprintf(s->why_sm, sizeof s->why_sm, "%s", barred ? "transport" : l->sm ? l->sm : "");
    snprintf(s->why_csi, sizeof s->why_csi, "%s", l->csi ? l->csi : "");
}

static void on_features(void *user, const char *xml, size_t len, bool after)
{
    epode_client *c = user;
    ep_client_save_features(c, xml, len, after);
    /* They may come behind ready, and say more of what is there. */
    if (after && c->was_ready && c->session)
        c->lacks_changed = true;
}

static epode_status on_token(void *user, const char *token, const char *expiry, const ep_sasl_mech *mech)
{
    epode_client *c = user;
    c->remembered = true;
    return store_status(c, ep_client_save_token(c, token, expiry, mech));
}

static void on_token_dead(void *user, const char *condition)
{
    epode_client *c = user;
    (void)condition;
    c->token_died = true;
    ep_client_drop_token(c);
}

static void on_authenticated(void *user, const ep_sasl_mech *mech, const ep_scram_keys *keys)
{
    epode_client *c = user;
    snprintf(c->building->mechanism, sizeof c->building->mechanism, "%s", mech->name);
    ep_client_save_pin(c, mech->rank);
    if (keys && !(c->flags & EPODE_NO_FAST_PATH))
        ep_client_save_keys(c, keys);
    if (ep_stream_pipelined(c->stream) && c->memory.facts.takes_pipelining != EP_HABIT_YES)
        ep_client_save_habit(c, "pipelining", EP_HABIT_YES);
    /* Only a login that worked without the guess shows that the guess was at fault, not the network. */
    if (c->no_guess && ep_streq(c->guess_failed, "pipelined-authentication"))
        ep_client_save_habit(c, "pipelining", EP_HABIT_NO);
    if (c->no_legacy && ep_streq(c->guess_failed, "legacy-pipelining"))
        ep_client_save_habit(c, "legacy-pipelining", EP_HABIT_NO);
    if (c->no_early && ep_streq(c->guess_failed, "early-data"))
        ep_client_save_habit(c, "early-data", EP_HABIT_NO);
    if (c->no_preface_ahead && ep_streq(c->guess_failed, "starttls-pipelining"))
        ep_client_save_habit(c, "starttls-pipelining", EP_HABIT_NO);
    if (c->no_upgrade && ep_streq(c->guess_failed, "upgrade"))
        ep_client_save_habit(c, "upgrade", EP_HABIT_NO);
    /* A login with a token has none where others have. */
    if (c->memory.facts.has_tasks == EP_HABIT_YES && mech->kind != EP_SASL_HT && !ep_stream_had_tasks(c->stream))
        ep_client_save_habit(c, "tasks", EP_HABIT_NO);
    c->remembered = c->remembered || mech->kind == EP_SASL_HT || (keys && !(c->flags & EPODE_NO_FAST_PATH));
    /* Behind a dead token they are borne by nobody: that says nothing of the server. */
    if (c->no_stanzas && !c->behind && !c->token_died)
        ep_client_save_habit(c, "stanzas", EP_HABIT_NO);
}

static epode_status on_bound(void *user, const char *jid, ep_bind_kind kind, const ep_archive_ends *ends)
{
    epode_client *c = user;
    epode_session *s = c->building;
    s->archive_known = ends->known;
    if (!ep_str_set(&s->jid, jid) || !ep_str_set(&s->first_id, ends->first_id) ||
        !ep_str_set(&s->first_time, ends->first_time) || !ep_str_set(&s->last_id, ends->last_id) ||
        !ep_str_set(&s->last_time, ends->last_time) || !ep_session_add_unreads(s, ends->unreads))
        return EPODE_ENOMEM;
    (void)kind;
    /* A new session: the old one's queue is over, what is left of it is to be sent again. */
    if (ends->known)
        ep_client_save_habit(c, "metadata", EP_HABIT_YES);
    ep_client_begin(c);
    if (ends->unreads && ep_sync_unreads(c->sync, ends) < 0)
        return store_status(c, ep_store_error(c->store)->status);
    if (ep_sync_bound(c->sync) < 0)
        return store_status(c, ep_store_error(c->store)->status);
    /* What rode behind authentication is the beginning of this session's queue. */
    if (c->behind)
        return EPODE_OK;
    ep_client_session_over(c, true);
    ep_client_discover_reset(c);
    ep_rooms_reset(c);
    ep_bookmarks_reset(c);
    epode_status st = ep_client_roster_reset(c);
    if (st >= 0)
        st = ep_client_blocking_reset(c);
    if (st >= 0)
        st = ep_client_presence_reset(c);
    if (st >= 0)
        st = ep_store_smq_move_to_pending(c->store);
    if (st >= 0)
        st = ep_outbox_lost(c->store);
    if (st >= 0)
        st = ep_store_sm_clear(c->store);
    return store_status(c, st);
}

static epode_status on_sm_enabled(void *user, const ep_sm_enabled *sm)
{
    epode_client *c = user;
    ep_sm_state state = { .previd = (char *)(uintptr_t)(sm->id ? sm->id : ""),
                          .location = (char *)(uintptr_t)sm->location, .bound_jid = c->building->jid,
                          .max_s = sm->max_s, .created_ms = ep_client_wall_ms() };
    c->building->resume_s = sm->id ? (int64_t)sm->max_s : -1;
    return store_status(c, ep_store_sm_put(c->store, &state));
}

static epode_status on_resumed(void *user, uint64_t acked)
{
    epode_client *c = user;
    const char *jid = c->memory.sm.bound_jid ? c->memory.sm.bound_jid : c->jid.bare;
    if (!ep_str_set(&c->building->jid, jid))
        return EPODE_ENOMEM;
    c->building->resume_s = c->memory.sm.max_s;
    epode_status st = ep_client_acked(c, acked);
    return store_status(c, st < 0 ? st : ep_client_retransmit(c));
}

static epode_status on_resume_failed(void *user, bool known, uint64_t acked, const char *condition)
{
    epode_client *c = user;
    ep_session_add_fallback(c->building, "resumption", condition);
    epode_status st = known ? ep_client_acked(c, acked) : EPODE_OK;
    if (st >= 0)
        st = ep_store_smq_move_to_pending(c->store);
    if (st >= 0)
        st = ep_store_sm_clear(c->store);
    return store_status(c, st);
}

static epode_status on_ready(void *user)
{
    epode_client *c = user;
    epode_session *s = c->building;
    const ep_net_info *info = ep_transport_info(c->net);
    s->bind = (epode_bind)ep_stream_bind_kind(c->stream);
    s->token = (epode_token)ep_stream_token_use(c->stream);
    s->ready_us = ep_loop_refresh(c->loop) - s->began_us;
    ep_session_lacks(s, c);
    ep_session_add_net(s, info);
    ep_session_add_stream(s, c->stream);
    ep_session_free(c->session);
    c->session = s;
    c->building = ep_session_new(0);
    c->was_ready = true;
    ep_client_keep_features(c);
    ep_backoff_ready(&c->backoff, ep_loop_now_us(c->loop));
    ep_client_keep_alive(c);
    c->gave_up_us = 0;
    ep_client_ask_end(c);
    /* What can be asked for again is not kept. */
    if (c->on_password && c->remembered)
        ep_client_forget_password(c);
    ep_timer_stop(&c->deadline_timer);
    ep_transport_hurry(c->net, false);
    if (ep_stream_legacy_pipelined(c->stream) && c->memory.facts.takes_legacy_pipelining != EP_HABIT_YES)
        ep_client_save_habit(c, "legacy-pipelining", EP_HABIT_YES);
    if (c->ticket_fatal)
        ep_client_save_habit(c, "tickets", EP_HABIT_NO);
    if (c->no_behind_bind)
        ep_client_save_habit(c, "behind-bind", EP_HABIT_NO);
    ep_memory_free(&c->memory);
    epode_status st = ep_client_resources_begin(c, s->jid);
    if (!st)
        st = store_status(c, ep_client_on_ready(c));
    if (st >= 0)
        ep_client_emit_state(c, EPODE_READY, NULL);
    return st;
}

static epode_status on_stanza(void *user, ep_elem *stanza, uint32_t h)
{
    return store_status(user, ep_client_stanza(user, stanza, h));
}

static epode_status on_counted(void *user, uint32_t h)
{
    epode_client *c = user;
    ep_client_begin(c);
    c->h_seen = h;
    c->h_dirty = true;
    return EPODE_OK;
}

static epode_status on_acked(void *user, uint64_t acked)
{
    ((epode_client *)user)->request_out = false;
    return store_status(user, ep_client_acked(user, acked));
}

static epode_status on_ack_wanted(void *user)
{
    ep_client_ack(user);
    return EPODE_OK;
}

static void on_ask(void *user, bool refused)
{
    ep_client_ask_secret(user, refused);
}

static epode_status on_task(void *user, const ep_stream_task *task)
{
    epode_client *c = user;
    if (task->count)
        ep_client_save_habit(c, "tasks", EP_HABIT_YES);
    return ep_client_ask_task(c, task);
}

static void on_see_other_host(void *user, const char *host)
{
    ep_target_redirect(user, host);
}

static void on_wrong_guess(void *user, const char *what, const char *why)
{
    epode_client *c = user;
    ep_session_add_fallback(c->building, what, why);
}

static epode_status on_stanzas(void *user)
{
    return store_status(user, ep_client_ride(user));
}

static epode_status on_stanzas_lost(void *user)
{
    return store_status(user, ep_client_ride_lost(user));
}

static epode_status on_header(void *user)
{
    return ep_bridge_header(user);
}

const ep_stream_events ep_client_stream_events = {
    .header = on_header,
    .stanzas = on_stanzas,
    .stanzas_lost = on_stanzas_lost,
    .features = on_features,
    .token = on_token,
    .token_dead = on_token_dead,
    .authenticated = on_authenticated,
    .bound = on_bound,
    .sm_enabled = on_sm_enabled,
    .resumed = on_resumed,
    .resume_failed = on_resume_failed,
    .ready = on_ready,
    .stanza = on_stanza,
    .counted = on_counted,
    .acked = on_acked,
    .ack_wanted = on_ack_wanted,
    .wrong_guess = on_wrong_guess,
    .ask = on_ask,
    .task = on_task,
    .see_other_host = on_see_other_host,
};
