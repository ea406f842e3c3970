/* steps.c: how each step of a flight is written. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "stream/engine.h"
#include "xml/writer.h"
#include "xmpp/ns.h"

static void write_header(ep_stream *s, bool first)
{
    ep_buf from = EP_BUF_INIT;
    /* A declaration may stand at the very beginning only: on a restarted stream, pipelined, every server
     * answers not-well-formed. */
    if (first)
        ep_buf_puts(&s->out, "<?xml version='1.0'?>");
    ep_buf_puts(&s->out, "<stream:stream to='");
    ep_xml_escape(&s->out, s->c.domain, strlen(s->c.domain));
    /* Inside TLS it names the user to nobody but the server, and some offer SASL2 and FAST only then. */
    ep_buf_puts(&s->out, "' from='");
    ep_buf_puts(&from, s->c.username);
    ep_buf_putc(&from, '@');
    ep_buf_puts(&from, s->c.domain);
    if (from.failed)
        s->out.failed = true;
    else
        ep_xml_escape(&s->out, ep_buf_ptr(&from), from.len);
    ep_buf_free(&from);
    ep_buf_puts(&s->out, "' version='1.0' xml:lang='en' xmlns='" EP_NS_CLIENT "' xmlns:stream='" EP_NS_STREAM "'>");
}

static epode_status write_or_tell_header(ep_stream *s, bool first)
{
    if (s->c.headers == EP_HEADERS_TOLD || (s->c.headers == EP_HEADERS_FIRST && !first))
        return s->ev->header(s->user);
    write_header(s, first);
    return EPODE_OK;
}

static void write_bind2(ep_stream *s, ep_xw *w)
{
    ep_xw_open(w, "bind", EP_NS_BIND2);
    if (s->c.tag && *s->c.tag)
        ep_xw_leaf(w, "tag", NULL, s->c.tag);
    if (s->plan.inline_carbons)
        ep_xw_leaf(w, "enable", EP_NS_CARBONS, NULL);
    if (s->plan.inline_sm) {
        ep_xw_open(w, "enable", EP_NS_SM);
        ep_xw_attr(w, "resume", "true");
        ep_xw_close(w);
    }
    if (s->plan.inline_inactive)
        ep_xw_leaf(w, "inactive", EP_NS_CSI, NULL);
    ep_xw_close(w);
}

static void write_resume(ep_stream *s, ep_xw *w)
{
    ep_xw_open(w, "resume", EP_NS_SM);
    ep_xw_attr_u64(w, "h", s->c.sm_h);
    ep_xw_attr(w, "previd", s->c.sm_id);
    ep_xw_close(w);
}

static void write_fast(ep_stream *s, ep_xw *w)
{
    if (s->plan.use_token) {
        ep_xw_open(w, "fast", EP_NS_FAST);
        if (s->c.token_count)
            ep_xw_attr_u64(w, "count", s->c.token_count);
        if (s->c.token_invalidate)
            ep_xw_attr(w, "invalidate", "true");
        ep_xw_close(w);
    }
    if (s->plan.request_token && !s->c.token_invalidate) {
        ep_xw_open(w, "request-token", EP_NS_FAST);
        ep_xw_attr(w, "mechanism", s->plan.request_token->name);
        ep_xw_close(w);
    }
}

/* XEP-0388's <authenticate/> with everything that may stand in it. */
static void write_authenticate(ep_stream *s, ep_xw *w, const ep_buf *initial)
{
    ep_xw_open(w, "authenticate", EP_NS_SASL2);
    ep_xw_attr(w, "mechanism", s->plan.mech->name);
    ep_xw_open(w, "initial-response", NULL);
    if (initial->len)
        ep_xw_b64(w, ep_buf_ptr(initial), initial->len);
    ep_xw_close(w);
    if (s->c.user_agent_id) {
        ep_xw_open(w, "user-agent", NULL);
        ep_xw_attr(w, "id", s->c.user_agent_id);
        if (s->c.software)
            ep_xw_leaf(w, "software", NULL, s->c.software);
        if (s->c.device)
            ep_xw_leaf(w, "device", NULL, s->c.device);
        ep_xw_close(w);
    }
    ep_task_request_upgrades(s, w);
    if (s->plan.inline_resume)
        write_resume(s, w);
    if (s->plan.bind2)
        write_bind2(s, w);
    write_fast(s, w);
    if (s->plan.guess && s->c.sent_config_version) {
        ep_xw_open(w, "config-version", EP_NS_CONFIG_VERSION);
        ep_xw_attr(w, "scheme", "opaque");
        ep_xw_attr(w, "value", s->c.sent_config_version);
        ep_xw_close(w);
    }
    ep_xw_close(w);
}

static epode_status write_auth(ep_stream *s, ep_xw *w)
{
    ep_buf initial = EP_BUF_INIT;
    epode_status st = ep_login_begin_exchange(s);
    if (!st)
        st = ep_sasl_initial(s->sasl, &initial, &s->error);
    if (!st && s->plan.sasl2) {
        write_authenticate(s, w, &initial);
    } else if (!st) {
        ep_xw_open(w, "auth", EP_NS_SASL);
        ep_xw_attr(w, "mechanism", s->plan.mech->name);
        ep_xw_b64(w, ep_buf_ptr(&initial), initial.len);
        ep_xw_close(w);
    }
    ep_buf_wipe(&initial);
    return st;
}

static void write_iq_open(ep_stream *s, ep_xw *w, const char *what)
{
    char id[40];
    snprintf(id, sizeof id, "%s-%s", what, s->id);
    ep_xw_open(w, "iq", NULL);
    ep_xw_attr(w, "type", "set");
    ep_xw_attr(w, "id", id);
}

bool ep_stream_is_own_iq(const ep_stream *s, const ep_elem *e, const char *what)
{
    char id[40];
    snprintf(id, sizeof id, "%s-%s", what, s->id);
    const char *type = ep_elem_attr(e, "type");
    return ep_elem_is(e, "iq", EP_NS_CLIENT) && ep_streq(ep_elem_attr(e, "id"), id) &&
           (ep_streq(type, "result") || ep_streq(type, "error"));
}

static void write_bind(ep_stream *s, ep_xw *w)
{
    if (s->plan.draft) {
        ep_xw_leaf(w, "bind", EP_NS_BIND_DRAFT, NULL);
        return;
    }
    write_iq_open(s, w, "bind");
    ep_xw_open(w, "bind", EP_NS_BIND);
    if (s->c.resource)
        ep_xw_leaf(w, "resource", NULL, s->c.resource);
    ep_xw_close(w);
    ep_xw_close(w);
    const ep_features *f = s->has_live_after ? &s->live_after : &s->known_after;
    s->await_session = f->bits & EP_F_SESSION;
    if (s->await_session) {
        write_iq_open(s, w, "session");
        ep_xw_leaf(w, "session", EP_NS_SESSION, NULL);
        ep_xw_close(w);
    }
}

epode_status ep_stream_write_inactive(ep_stream *s)
{
    ep_buf_puts(&s->out, "<inactive xmlns='" EP_NS_CSI "'/>");
    s->pending_steps |= EP_STEP_INACTIVE;
    return s->out.failed ? EPODE_ENOMEM : EPODE_OK;
}

static epode_status write_step(ep_stream *s, ep_step step)
{
    ep_xw w = ep_xw_init(&s->out);
    epode_status st = EPODE_OK;
    switch (step) {
    case EP_STEP_HEADER: st = write_or_tell_header(s, true); break;
    case EP_STEP_AUTH: st = write_auth(s, &w); break;
    case EP_STEP_RESPONSE: break; /* written by the challenge's handler, which has what it says */
    case EP_STEP_RESTART: st = write_or_tell_header(s, false); break;
    case EP_STEP_RESUME: write_resume(s, &w); break;
    case EP_STEP_BIND: write_bind(s, &w); break;
    case EP_STEP_CARBONS:
        write_iq_open(s, &w, "carbons");
        ep_xw_leaf(&w, "enable", EP_NS_CARBONS, NULL);
        ep_xw_close(&w);
        s->await_carbons = true;
        break;
    case EP_STEP_ENABLE:
        ep_xw_open(&w, "enable", EP_NS_SM);
        ep_xw_attr(&w, "resume", "true");
        ep_xw_close(&w);
        s->await_enabled = true;
        break;
    case EP_STEP_INACTIVE: st = ep_stream_write_inactive(s); break;
    case EP_STEP_STANZAS:
        if (s->ev->stanzas)
            st = s->ev->stanzas(s->user);
        break;
    }
    if (!st)
        st = ep_xw_done(&w);
    s->written |= step;
    s->pending_steps |= step;
    return st;
}

void ep_stream_guess_legacy(ep_stream *s)
{
    s->guess = "legacy-pipelining";
    s->guess_deadline = s->now_us + s->c.guess_timeout_us;
}

epode_status ep_stream_need(ep_stream *s, ep_step step)
{
    if (s->written & step)
        return EPODE_OK;
    uint32_t steps = step;
    for (size_t i = 0; i < s->plan.flight_count; i++)
        if (s->plan.flights[i] & step)
            steps = s->plan.flights[i];
    for (uint32_t bit = 1; bit < 1u << EP_STEP_COUNT; bit <<= 1) {
        if (!(steps & bit) || (s->written & bit))
            continue;
        epode_status st = write_step(s, (ep_step)bit);
        if (st)
            return ep_stream_fail(s, st, NULL, st == EPODE_EAUTH, "%s",
                                  s->error.text[0] ? s->error.text : "a step of the login could not be written");
    }
    /* What was sent ahead of its turn is a guess until it is answered. */
    if ((steps & EP_STEP_RESTART) && !s->auth_done) {
        ep_stream_guess_legacy(s);
        s->plan.guess = true;
    }
    /* The same for what rests on features that this stream has not shown yet. */
    s->ahead |= !s->has_live_after && (steps & (EP_STEP_BIND | EP_STEP_RESUME));
    return EPODE_OK;
}
