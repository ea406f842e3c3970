/* stream.c: the state machine, what is fed to it and what it sends. */
#include "stream/stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "base/str.h"
#include "stream/engine.h"
#include "xml/writer.h"
#include "xmpp/ns.h"

#define S(name) (1u << EP_S_##name)

static const struct {
    const char *name;
    uint32_t next; /* states that may follow, CLOSING and CLOSED always may */
} states[] = {
    [EP_S_IDLE] = { "idle", S(HEADER) },
    [EP_S_HEADER] = { "header", S(FEATURES) },
    [EP_S_FEATURES] = { "features", S(AUTH) },
    [EP_S_AUTH] = { "authentication", S(HEADER2) | S(FEATURES2) | S(SETUP) | S(READY) },
    [EP_S_HEADER2] = { "second-header", S(FEATURES2) },
    [EP_S_FEATURES2] = { "session-features", S(RESUME) | S(BIND) | S(SETUP) | S(READY) },
    [EP_S_RESUME] = { "resumption", S(BIND) | S(READY) },
    [EP_S_BIND] = { "bind", S(SETUP) | S(READY) },
    [EP_S_SETUP] = { "setup", S(READY) },
    [EP_S_READY] = { "ready", 0 },
    [EP_S_CLOSING] = { "closing", 0 },
    [EP_S_CLOSED] = { "closed", 0 },
};

/* What may come, and when. The first row that fits handles it. */
typedef struct element_row {
    const char *name, *ns;
    uint32_t in;
    epode_status (*handle)(ep_stream *s, ep_elem *e);
} element_row;

static epode_status handle_error(ep_stream *s, ep_elem *e);

#define AFTER_AUTH (S(FEATURES2) | S(RESUME) | S(BIND) | S(SETUP) | S(READY) | S(CLOSING))

static const element_row element_rows[] = {
    { "message", EP_NS_CLIENT, AFTER_AUTH, ep_session_stanza },
    { "presence", EP_NS_CLIENT, AFTER_AUTH, ep_session_stanza },
    { "iq", EP_NS_CLIENT, AFTER_AUTH, ep_session_stanza },
    { "message", EP_NS_CLIENT, S(AUTH), ep_login_bounced },
    { "presence", EP_NS_CLIENT, S(AUTH), ep_login_bounced },
    { "iq", EP_NS_CLIENT, S(AUTH), ep_login_bounced },
    { "r", EP_NS_SM, AFTER_AUTH, ep_session_r },
    { "a", EP_NS_SM, AFTER_AUTH, ep_session_a },
    { "features", EP_NS_STREAM, S(FEATURES), ep_login_features },
    { "features", EP_NS_STREAM, AFTER_AUTH, ep_session_features },
    { "challenge", EP_NS_SASL2, S(AUTH), ep_login_challenge },
    { "success", EP_NS_SASL2, S(AUTH), ep_login_success2 },
    { "failure", EP_NS_SASL2, S(AUTH), ep_login_failure },
    { "continue", EP_NS_SASL2, S(AUTH), ep_task_continue },
    { "task-data", EP_NS_SASL2, S(AUTH), ep_task_data },
    { "challenge", EP_NS_SASL, S(AUTH), ep_login_challenge },
    { "success", EP_NS_SASL, S(AUTH), ep_login_success1 },
    { "failure", EP_NS_SASL, S(AUTH), ep_login_failure },
    { "resumed", EP_NS_SM, S(RESUME), ep_session_resumed },
    { "failed", EP_NS_SM, S(RESUME), ep_session_failed },
    { "bound", EP_NS_BIND_DRAFT, S(BIND), ep_session_bound_draft },
    { "enabled", EP_NS_SM, S(SETUP) | S(BIND), ep_session_enabled },
    { "failed", EP_NS_SM, S(SETUP) | S(BIND), ep_session_enabled },
    { "error", EP_NS_STREAM, ~0u, handle_error },
};

const char *ep_stream_state_name(ep_stream_state s)
{
    return states[s].name;
}

void ep_stream_go(ep_stream *s, ep_stream_state next)
{
    bool ending = next == EP_S_CLOSING || next == EP_S_CLOSED;
    if (!ending && !(states[s->state].next & 1u << next)) {
        ep_log_line(s->log, EP_LOG_ERROR, "stream", "no way from %s to %s", states[s->state].name,
                    states[next].name);
        return;
    }
    ep_log_line(s->log, EP_LOG_DEBUG, "stream", "%s -> %s", states[s->state].name, states[next].name);
    s->state = next;
}

epode_status ep_stream_fail(ep_stream *s, epode_status status, const char *condition, bool final,
                            const char *fmt, ...)
{
    if (s->state == EP_S_CLOSED)
        return s->error.status ? s->error.status : status;
    char text[sizeof s->error.text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    ep_fail(&s->error, status, 0, "%s", text);
    ep_error_set_condition(&s->error, condition);
    ep_error_set_final(&s->error, final);
    if (s->written && s->state != EP_S_CLOSING)
        ep_buf_puts(&s->out, "</stream:stream>");
    ep_stream_go(s, EP_S_CLOSED);
    return status;
}

epode_status ep_stream_check(ep_stream *s, epode_status from_callback)
{
    if (from_callback >= 0 || s->state == EP_S_CLOSED)
        return s->state == EP_S_CLOSED && s->error.status ? s->error.status : EPODE_OK;
    return ep_stream_fail(s, from_callback, NULL, false, "the client could not go on");
}

/* RFC 6120, 4.9.3: which stream errors no retry can mend. host-gone is none: jabberd 2 says it while it starts. */
static bool error_is_final(const char *condition)
{
    static const char *const final[] = { "conflict", "host-unknown", "unsupported-version", "invalid-namespace" };
    for (size_t i = 0; i < sizeof final / sizeof *final; i++)
        if (strcmp(condition, final[i]) == 0)
            return true;
    return false;
}

static epode_status handle_error(ep_stream *s, ep_elem *e)
{
    const char *condition = ep_condition_of(e);
    const ep_elem *host = ep_elem_child(e, "see-other-host", EP_NS_STREAM_ERRORS);
    if (host && s->ev->see_other_host)
        s->ev->see_other_host(s->user, ep_elem_text(host));
    bool conflict = strcmp(condition, "conflict") == 0;
    ep_error shown = { 0 };
    ep_error_set_condition(&shown, condition);
    return ep_stream_fail(s, conflict ? EPODE_ECONFLICT : EPODE_ESTREAM, condition, error_is_final(condition),
                          conflict ? "another connection took the place of this session (%s)"
                                   : "the server ended the stream: %s",
                          shown.condition[0] ? shown.condition : "undefined-condition");
}

static void header_came(ep_stream *s)
{
    if (s->state == EP_S_HEADER)
        ep_stream_go(s, EP_S_FEATURES);
    if (s->state != EP_S_HEADER2)
        return;
    ep_stream_go(s, EP_S_FEATURES2);
    s->legacy_pipelined = s->plan.guess && ep_streq(s->guess, "legacy-pipelining");
    /* It was taken; what stands behind the header may still rest on features of another day. */
    if (s->legacy_pipelined)
        s->guess = s->ahead ? "session-features" : NULL;
    if (!s->guess)
        s->guess_deadline = 0;
}

static ep_xml_next on_header(void *user, const ep_elem *h)
{
    ep_stream *s = user;
    const char *version = ep_elem_attr(h, "version");
    if (!ep_elem_is(h, "stream", EP_NS_STREAM)) {
        ep_stream_fail(s, EPODE_EPROTO, NULL, false, "this is not an XMPP server: its first element is no stream");
        return EP_XML_STOP;
    }
    s->header_in = true;
    /* Some servers refuse a stream in a header without a version; the error that follows tells more. */
    if (version && strncmp(version, "1.", 2) != 0) {
        ep_stream_fail(s, EPODE_EPROTO, "unsupported-version", true, "the server speaks another version of XMPP");
        return EP_XML_STOP;
    }
    header_came(s);
    return EP_XML_GO;
}

static ep_xml_next on_element(void *user, ep_elem *e)
{
    ep_stream *s = user;
    for (size_t i = 0; i < sizeof element_rows / sizeof *element_rows; i++) {
        const element_row *r = &element_rows[i];
        if (!(r->in & 1u << s->state) || !ep_elem_is(e, r->name, r->ns))
            continue;
        epode_status st = r->handle(s, e);
        if (st < 0 && s->state != EP_S_CLOSED)
            ep_stream_fail(s, st, NULL, false, "%s", st == EPODE_ENOMEM ? "out of memory" : epode_status_name(st));
        return s->restart || s->state == EP_S_CLOSED ? EP_XML_STOP : EP_XML_GO;
    }
    /* Unknown extensions may pass when all is set up; before, and for authentication at any time, an
     * element that is not awaited is an attack or a bug. */
    if (s->state == EP_S_READY && !ep_streq(e->ns, EP_NS_SASL) && !ep_streq(e->ns, EP_NS_SASL2)) {
        ep_log_line(s->log, EP_LOG_INFO, "stream", "an element of an unknown kind was skipped");
        return EP_XML_GO;
    }
    ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the server sent something that does not belong here (waiting for %s)",
                   states[s->state].name);
    return EP_XML_STOP;
}

static void on_end(void *user)
{
    ep_stream *s = user;
    if (s->state == EP_S_CLOSED)
        return;
    if (s->state == EP_S_CLOSING || s->ready) {
        if (s->state != EP_S_CLOSING)
            ep_buf_puts(&s->out, "</stream:stream>");
        ep_stream_go(s, EP_S_CLOSED);
        return;
    }
    ep_stream_fail(s, EPODE_ESTREAM, NULL, false, "the server closed the stream (while waiting for %s)", states[s->state].name);
}

static const ep_xml_events xml_events = { on_header, on_element, on_end };

epode_status ep_stream_new(ep_stream **out, const ep_stream_config *config, const ep_stream_events *events,
                           void *user, const ep_log *log, ep_error *err)
{
    uint8_t id[8];
    *out = NULL;
    ep_stream *s = ep_calloc(1, sizeof *s);
    if (!s || !ep_stream_take_config(s, config) ||
        !(s->parser = ep_xml_parser_new(&config->limits, &xml_events, s)) || !ep_rand_bytes(id, sizeof id)) {
        ep_stream_free(s);
        return ep_fail(err, EPODE_ENOMEM, 0, "out of memory");
    }
    ep_hex(id, sizeof id, s->id);
    s->ev = events;
    s->user = user;
    s->log = log;
    s->guess_deadline = 0;
    if (!s->c.guess_timeout_us)
        s->c.guess_timeout_us = 10 * 1000000;
    s->out_n = config->sm_out;
    s->out_acked = config->sm_out_acked;
    s->in_h = config->sm_h;
    s->lacks = (ep_stream_lacks){ config->policy.want_carbons ? "not-offered" : "not-wanted",
                                  config->policy.want_sm ? "not-offered" : "not-wanted", "not-offered" };
    *out = s;
    return EPODE_OK;
}

void ep_stream_free(ep_stream *s)
{
    if (!s)
        return;
    ep_xml_parser_free(s->parser);
    ep_sasl_free(s->sasl);
    ep_task_free(s);
    ep_features_free(&s->live);
    ep_features_free(&s->live_after);
    ep_buf_wipe(&s->out);
    ep_free(s->jid);
    ep_stream_free_config(s);
    ep_free(s);
}

static epode_status stream_begin(ep_stream *s, bool early, int64_t now_us)
{
    if (s->state != EP_S_IDLE)
        return EPODE_ESTATE;
    s->now_us = now_us;
    s->early = early;
    ep_facts f = ep_stream_facts(s, false);
    f.early = early;
    epode_status st = ep_plan_login(&s->plan, &f, &s->c.policy, &s->error);
    if (st || (early && !s->plan.early))
        return st ? st : EPODE_DONE;
    ep_stream_go(s, EP_S_HEADER);
    /* Stanzas wait for the handshake: they may be replayed, and no count would tell. */
    s->written |= early ? EP_STEP_STANZAS : 0;
    st = ep_stream_need(s, EP_STEP_HEADER);
    s->written &= ~(early ? (uint32_t)EP_STEP_STANZAS : 0);
    if (!st && s->plan.guess) {
        s->guess = "pipelined-authentication";
        s->guess_deadline = now_us + s->c.guess_timeout_us;
    }
    return st;
}

epode_status ep_stream_start(ep_stream *s, int64_t now_us)
{
    return stream_begin(s, false, now_us);
}

epode_status ep_stream_start_early(ep_stream *s, int64_t now_us)
{
    return stream_begin(s, true, now_us);
}

epode_status ep_stream_early_taken(ep_stream *s, const ep_cb_data *cb, int64_t now_us)
{
    if (!s->early || s->state != EP_S_HEADER)
        return EPODE_ESTATE;
    s->now_us = now_us;
    s->c.cb = *cb;
    return s->plan.flight_count && (s->plan.flights[0] & EP_STEP_STANZAS) ? ep_stream_need(s, EP_STEP_STANZAS) : EPODE_OK;
}

static void flight_heard(ep_stream *s, size_t n)
{
    if (s->ready || !s->flight_count)
        return;
    s->heard = true;
    ep_flight *f = &s->flights[s->flight_count - 1];
    f->answered_us = s->now_us;
    f->bytes_in += n;
}

static epode_status feed_result(ep_stream *s)
{
    if (s->out.failed && s->state != EP_S_CLOSED)
        return ep_stream_fail(s, EPODE_ENOMEM, NULL, false, "out of memory");
    if (s->state == EP_S_CLOSED)
        return s->error.status ? s->error.status : EPODE_DONE;
    return EPODE_OK;
}

epode_status ep_stream_feed(ep_stream *s, const char *data, size_t n, int64_t now_us)
{
    s->now_us = now_us;
    flight_heard(s, n);
    while (n && s->state != EP_S_CLOSED) {
        size_t used = 0;
        ep_error err = { 0 };
        epode_status st = ep_xml_parser_feed(s->parser, data, n, &used, &err);
        if (st && s->state != EP_S_CLOSED)
            return ep_stream_fail(s, st, NULL, false, "%s", err.text);
        data += used;
        n -= used;
        if (s->restart && s->state != EP_S_CLOSED) {
            s->restart = false;
            if (ep_xml_parser_reset(s->parser))
                return ep_stream_fail(s, EPODE_ENOMEM, NULL, false, "out of memory");
        }
    }
    return feed_result(s);
}

epode_status ep_stream_element(ep_stream *s, ep_elem *e, int64_t now_us)
{
    s->now_us = now_us;
    if (s->state == EP_S_CLOSED)
        return feed_result(s);
    flight_heard(s, 0);
    s->header_in = true;
    header_came(s);
    on_element(s, e);
    s->restart = false; /* the transport has begun anew already */
    return feed_result(s);
}

epode_status ep_stream_end(ep_stream *s, int64_t now_us)
{
    s->now_us = now_us;
    on_end(s);
    return feed_result(s);
}

epode_status ep_stream_tick(ep_stream *s, int64_t now_us)
{
    s->now_us = now_us;
    if (s->guess_deadline && now_us >= s->guess_deadline && s->state != EP_S_CLOSED)
        return ep_stream_fail(s, EPODE_ETIMEOUT, NULL, false, "the server did not answer what was sent ahead (%s)",
                              s->guess ? s->guess : "login");
    if (s->behind_open && now_us >= s->behind_deadline && s->state != EP_S_CLOSED)
        return ep_stream_fail(s, EPODE_ETIMEOUT, NULL, false, "the server did not answer what was sent behind authentication");
    return EPODE_OK;
}

int64_t ep_stream_deadline(const ep_stream *s)
{
    int64_t guess = s->guess_deadline ? s->guess_deadline : EP_NEVER;
    int64_t behind = s->behind_open ? s->behind_deadline : EP_NEVER;
    return s->state == EP_S_CLOSED ? EP_NEVER : guess < behind ? guess : behind;
}

epode_status ep_stream_behind(ep_stream *s, const char *xml, size_t len)
{
    if (s->ready)
        return EPODE_ESTATE;
    ep_buf_add(&s->out, xml, len);
    s->behind++;
    s->behind_counted++;
    s->behind_open = true;
    s->behind_deadline = s->now_us + s->c.guess_timeout_us;
    return s->out.failed ? EPODE_ENOMEM : EPODE_OK;
}

void ep_stream_behind_answered(ep_stream *s)
{
    s->behind_open = false;
}

void ep_stream_cut(ep_stream *s)
{
    if (s->state == EP_S_CLOSED)
        return;
    ep_fail(&s->error, EPODE_ECONNECT, 0, "the connection was cut (while waiting for %s)", states[s->state].name);
    ep_stream_go(s, EP_S_CLOSED);
}

ep_buf *ep_stream_output(ep_stream *s)
{
    return &s->out;
}

void ep_stream_flushed(ep_stream *s, size_t bytes, int64_t now_us)
{
    uint32_t steps = s->pending_steps;
    s->pending_steps = 0;
    if (!steps || s->ready)
        return;
    bool open_new = !s->flight_count || s->heard;
    if (open_new && s->flight_count < EP_FLIGHTS_MAX) {
        s->flights[s->flight_count++] = (ep_flight){ .sent_us = now_us };
        s->heard = false;
    }
    ep_flight *f = &s->flights[s->flight_count - 1];
    f->steps |= steps;
    f->bytes_out += bytes;
}

epode_status ep_stream_close(ep_stream *s)
{
    if (s->state == EP_S_CLOSED || s->state == EP_S_CLOSING)
        return EPODE_ESTATE;
    if (s->written)
        ep_buf_puts(&s->out, "</stream:stream>");
    ep_stream_go(s, EP_S_CLOSING);
    return s->out.failed ? EPODE_ENOMEM : EPODE_OK;
}
