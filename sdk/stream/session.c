/* session.c: from authentication to ready: resumption, bind, what is enabled; then the counting of stanzas. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "stream/engine.h"
#include "xmpp/ns.h"

static epode_status session_ready(ep_stream *s)
{
    /* Servers ignore the inline <inactive/> at times, and a resumed session is active (XEP-0198, 5). */
    if (s->csi_known && s->c.policy.inactive && !(s->written & EP_STEP_INACTIVE))
        if (ep_stream_write_inactive(s))
            return EPODE_ENOMEM;
    ep_stream_go(s, EP_S_READY);
    s->waits = (unsigned)s->flight_count;
    s->ready = true;
    return s->ev->ready ? ep_stream_check(s, s->ev->ready(s->user)) : EPODE_OK;
}

/* Client state needs no answer: it is known to work as soon as any features say so. */
static void session_note_csi(ep_stream *s)
{
    bool inline_csi = s->has_live && (s->live.bits & EP_F_BIND2_CSI);
    const ep_features *f = s->has_live_after ? &s->live_after : s->has_known_after ? &s->known_after : NULL;
    s->csi_known = inline_csi || (f && (f->bits & EP_F_CSI));
    s->lacks.csi = s->csi_known ? NULL : "not-offered";
}

/* What is still to be had once a resource is bound. */
static epode_status session_setup(ep_stream *s)
{
    session_note_csi(s);
    if (s->await_carbons || s->await_enabled) {
        if (s->state != EP_S_SETUP)
            ep_stream_go(s, EP_S_SETUP);
        return EPODE_OK;
    }
    return session_ready(s);
}

static epode_status session_enable_rest(ep_stream *s, const ep_features *after)
{
    const ep_policy *p = &s->c.policy;
    uint32_t steps = 0;
    if (p->want_carbons && !s->carbons_on)
        steps |= EP_STEP_CARBONS;
    if (p->want_sm && !s->sm_on && after && (after->bits & EP_F_SM) && ep_streq(s->lacks.sm, "not-offered"))
        steps |= EP_STEP_ENABLE;
    s->plan.flight_count = steps ? 1 : 0;
    s->plan.flights[0] = (uint16_t)steps;
    epode_status st = EPODE_OK;
    if (steps)
        st = ep_stream_need(s, steps & EP_STEP_CARBONS ? EP_STEP_CARBONS : EP_STEP_ENABLE);
    return st ? st : session_setup(s);
}

/* What was sent ahead of the session features was answered: they were as remembered. */
static void session_as_expected(ep_stream *s)
{
    if (!ep_streq(s->guess, "session-features"))
        return;
    s->guess = NULL;
    s->guess_deadline = 0;
}

static epode_status session_set_jid(ep_stream *s, const char *jid, ep_bind_kind kind, const ep_archive_ends *ends)
{
    s->bind = kind;
    session_as_expected(s);
    if (!ep_str_set(&s->jid, jid))
        return ep_stream_fail(s, EPODE_ENOMEM, NULL, false, "out of memory");
    return s->ev->bound ? ep_stream_check(s, s->ev->bound(s->user, jid, kind, ends)) : EPODE_OK;
}

epode_status ep_session_features(ep_stream *s, ep_elem *e)
{
    ep_features_free(&s->live_after);
    if (ep_features_read(&s->live_after, e))
        return ep_stream_fail(s, EPODE_ENOMEM, NULL, false, "out of memory");
    s->has_live_after = true;
    ep_buf xml = EP_BUF_INIT;
    ep_elem_write(&xml, e, NULL);
    if (!xml.failed && s->ev->features)
        s->ev->features(s->user, ep_buf_ptr(&xml), xml.len, true);
    ep_buf_free(&xml);
    if (s->state == EP_S_READY) {
        /* They follow a SASL2 success; <inactive/> may now be known to be understood. */
        bool before = s->csi_known;
        session_note_csi(s);
        if (s->csi_known && !before && s->c.policy.inactive)
            return ep_stream_write_inactive(s);
        return EPODE_OK;
    }
    if (s->state != EP_S_FEATURES2)
        return EPODE_OK;
    if (s->bind != EP_BIND_NONE)
        return session_enable_rest(s, &s->live_after);
    return ep_session_after_auth(s);
}

/* Authenticated, nothing bound: resume or bind, as far as it was not sent ahead. */
epode_status ep_session_after_auth(ep_stream *s)
{
    if (!(s->written & (EP_STEP_RESUME | EP_STEP_BIND))) {
        ep_facts f = ep_stream_facts(s, true);
        ep_plan_session(&s->plan, &f, &s->c.policy);
    }
    bool resume = (s->written & EP_STEP_RESUME) ||
                  (!(s->written & EP_STEP_BIND) && s->plan.flight_count && (s->plan.flights[0] & EP_STEP_RESUME));
    ep_stream_go(s, resume ? EP_S_RESUME : EP_S_BIND);
    return ep_stream_need(s, resume ? EP_STEP_RESUME : EP_STEP_BIND);
}

/* The server's count of what we sent, as an absolute number; false: it cannot be right. */
bool ep_session_acked(const ep_stream *s, const char *h_text, uint64_t *acked)
{
    uint64_t h;
    if (!ep_str_u64(h_text, &h) || h > UINT32_MAX)
        return false;
    *acked = s->out_acked + (uint32_t)((uint32_t)h - (uint32_t)s->out_acked);
    return *acked <= s->out_n;
}

epode_status ep_session_resumed(ep_stream *s, ep_elem *e)
{
    uint64_t acked = 0;
    const char *previd = ep_elem_attr(e, "previd");
    session_as_expected(s);
    if (previd && !ep_streq(previd, s->c.sm_id))
        return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the server resumed another session");
    if (!ep_session_acked(s, ep_elem_attr(e, "h"), &acked)) {
        /* The queues disagree for good: the owner forgets this session, and the next connect binds anew. */
        if (s->ev->resume_failed)
            s->ev->resume_failed(s->user, false, 0, "count-mismatch");
        return ep_stream_fail(s, EPODE_EPROTO, "undefined-condition", false,
                              "the server's count of our stanzas does not fit: the session cannot go on");
    }
    s->out_acked = acked;
    s->sm_on = true;
    s->bind = EP_BIND_RESUMED;
    s->carbons_on = s->c.policy.want_carbons;
    s->lacks.sm = s->lacks.carbons = NULL;
    session_note_csi(s);
    /* Ready first: the owner retransmits from within the event. */
    ep_stream_go(s, EP_S_READY);
    s->waits = (unsigned)s->flight_count;
    s->ready = true;
    epode_status st = s->ev->resumed ? ep_stream_check(s, s->ev->resumed(s->user, acked)) : EPODE_OK;
    if (!st && s->csi_known && s->c.policy.inactive)
        st = ep_stream_write_inactive(s);
    if (!st && s->ev->ready)
        st = ep_stream_check(s, s->ev->ready(s->user));
    return st;
}

epode_status ep_session_failed(ep_stream *s, ep_elem *e)
{
    uint64_t acked = 0;
    bool known = ep_session_acked(s, ep_elem_attr(e, "h"), &acked);
    ep_error shown = { 0 };
    ep_error_set_condition(&shown, ep_condition_of(e));
    session_as_expected(s);
    s->c.facts.resumable = false;
    s->out_n = s->out_acked = 0;
    s->in_h = 0;
    if (s->ev->resume_failed) {
        epode_status st = ep_stream_check(s, s->ev->resume_failed(s->user, known, acked, shown.condition));
        if (st)
            return st;
    }
    if (s->state != EP_S_RESUME)
        return EPODE_OK;
    ep_stream_go(s, EP_S_BIND);
    return ep_stream_need(s, EP_STEP_BIND);
}

epode_status ep_session_bound2(ep_stream *s, const ep_elem *bound, const char *jid)
{
    ep_archive_ends ends;
    ep_archive_ends_read(&ends, bound);
    if (!strchr(jid, '/'))
        return ep_stream_fail(s, EPODE_EBIND, NULL, false, "the server bound no resource");
    epode_status st = session_set_jid(s, jid, EP_BIND_BIND2, &ends);
    if (st)
        return st;
    if (s->plan.inline_carbons) {
        /* It must succeed, and needs no answer (XEP-0386, 4.2). */
        s->carbons_on = true;
        s->lacks.carbons = NULL;
    }
    ep_elem *enabled = ep_elem_child(bound, "enabled", EP_NS_SM);
    ep_elem *failed = ep_elem_child(bound, "failed", EP_NS_SM);
    if (s->plan.inline_sm && (enabled || failed)) {
        s->await_enabled = true;
        if ((st = ep_session_enabled(s, enabled ? enabled : failed)))
            return st;
    } else if (s->plan.inline_sm) {
        s->lacks.sm = "failed";
    }
    if ((s->c.policy.want_carbons && !s->carbons_on) ||
        (s->c.policy.want_sm && !s->sm_on && ep_streq(s->lacks.sm, "not-offered"))) {
        ep_stream_go(s, EP_S_FEATURES2);
        return EPODE_OK;
    }
    return session_setup(s);
}

/* XEP-0386 0.1 to 0.3, 3.2: a resource is bound, offline messages are gone, carbons are on. */
epode_status ep_session_bound_draft(ep_stream *s, ep_elem *e)
{
    ep_archive_ends ends;
    const char *jid = ep_elem_text(ep_elem_child(e, "jid", EP_NS_BIND_DRAFT));
    if (!s->plan.draft || s->bind != EP_BIND_NONE)
        return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the server bound a resource unasked");
    if (!strchr(jid, '/'))
        return ep_stream_fail(s, EPODE_EBIND, NULL, false, "the server bound no resource");
    ep_archive_ends_read_draft(&ends, e);
    s->carbons_on = s->c.policy.want_carbons;
    s->lacks.carbons = s->carbons_on ? NULL : s->lacks.carbons;
    epode_status st = session_set_jid(s, jid, EP_BIND_DRAFT, &ends);
    return st ? st : session_setup(s);
}

epode_status ep_session_enabled(ep_stream *s, ep_elem *e)
{
    if (!s->await_enabled)
        return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the server enabled stream management unasked");
    s->await_enabled = false;
    if (ep_elem_is(e, "enabled", EP_NS_SM)) {
        ep_sm_enabled sm;
        ep_sm_enabled_read(&sm, e);
        s->sm_on = true;
        s->lacks.sm = NULL;
        s->in_h = 0;
        s->out_n = s->behind_counted;
        s->out_acked = 0;
        epode_status st = s->ev->sm_enabled ? ep_stream_check(s, s->ev->sm_enabled(s->user, &sm)) : EPODE_OK;
        if (st)
            return st;
    } else {
        s->lacks.sm = "refused";
    }
    return s->state == EP_S_SETUP ? session_setup(s) : EPODE_OK;
}

static epode_status session_bind_result(ep_stream *s, const ep_elem *e)
{
    const char *jid = ep_elem_text(ep_elem_child(ep_elem_child(e, "bind", EP_NS_BIND), "jid", EP_NS_BIND));
    if (!ep_streq(ep_elem_attr(e, "type"), "result")) {
        const char *condition = ep_condition_of(ep_elem_child(e, "error", NULL));
        ep_error shown = { 0 };
        ep_error_set_condition(&shown, condition);
        return ep_stream_fail(s, EPODE_EBIND, condition, false, "the server bound no resource: %s", shown.condition);
    }
    if (!strchr(jid, '/'))
        return ep_stream_fail(s, EPODE_EBIND, NULL, false, "the server's answer to the bind names no resource");
    ep_archive_ends none = { 0 };
    epode_status st = session_set_jid(s, jid, EP_BIND_RFC6120, &none);
    if (!st && s->c.facts.takes_behind_bind == EP_HABIT_NO)
        return session_enable_rest(s, s->has_live_after ? &s->live_after : &s->known_after);
    return st ? st : session_setup(s);
}

/* The engine's own requests; true: e was one of their answers. */
static bool session_own(ep_stream *s, const ep_elem *e, epode_status *st)
{
    *st = EPODE_OK;
    if (s->state == EP_S_BIND && ep_stream_is_own_iq(s, e, "bind")) {
        *st = session_bind_result(s, e);
        return true;
    }
    if (s->await_carbons && ep_stream_is_own_iq(s, e, "carbons")) {
        s->await_carbons = false;
        s->carbons_on = ep_streq(ep_elem_attr(e, "type"), "result");
        s->lacks.carbons = s->carbons_on ? NULL : "refused";
        if (s->state == EP_S_SETUP)
            *st = session_setup(s);
        return true;
    }
    if (s->await_session && ep_stream_is_own_iq(s, e, "session")) {
        s->await_session = false;
        return true;
    }
    return false;
}

epode_status ep_session_stanza(ep_stream *s, ep_elem *e)
{
    epode_status st = EPODE_OK;
    bool counted = s->sm_on;
    if (s->state == EP_S_CLOSING) {
        /* Nothing can be confirmed any more: the server keeps messages for the next session. */
        if (ep_elem_is(e, "message", NULL))
            return EPODE_OK;
        counted = false;
    }
    if (counted)
        s->in_h++;
    if (session_own(s, e, &st)) {
        if (!st && counted && s->ev->counted)
            st = ep_stream_check(s, s->ev->counted(s->user, s->in_h));
        return st;
    }
    return s->ev->stanza ? ep_stream_check(s, s->ev->stanza(s->user, e, counted ? s->in_h : 0)) : EPODE_OK;
}

epode_status ep_session_r(ep_stream *s, ep_elem *e)
{
    (void)e;
    return s->state == EP_S_READY && s->sm_on && s->ev->ack_wanted ? ep_stream_check(s, s->ev->ack_wanted(s->user)) : EPODE_OK;
}

epode_status ep_session_a(ep_stream *s, ep_elem *e)
{
    uint64_t acked;
    if (!s->sm_on)
        return EPODE_OK;
    if (!ep_session_acked(s, ep_elem_attr(e, "h"), &acked)) {
        ep_buf_puts(&s->out, "<stream:error><undefined-condition xmlns='" EP_NS_STREAM_ERRORS
                             "'/><handled-count-too-high xmlns='" EP_NS_SM "'/></stream:error>");
        return ep_stream_fail(s, EPODE_EPROTO, "undefined-condition", false,
                              "the server confirmed more stanzas than were sent");
    }
    s->out_acked = acked;
    return s->ev->acked ? ep_stream_check(s, s->ev->acked(s->user, acked)) : EPODE_OK;
}
