/* rig.h: the engine with an owner that writes down every event as one line of text. */
#ifndef EP_TEST_RIG_H
#define EP_TEST_RIG_H

#include "check.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/timers.h"
#include "stream/stream.h"

#define RIG_AGENT "d4565fa7-4d72-4749-b3d3-740edbf87770"

typedef struct rig {
    ep_stream_config c;
    ep_stream *s;
    ep_buf log; /* one line per event */
    ep_buf out; /* what the engine wrote and nobody has taken */
    int64_t now_us;
    unsigned readies, tokens, ends, wrong_guesses;
    bool logged_bug; /* the engine logged at error level */
    char token[128], token_mech[32], sm_id[128], jid[128];
    ep_scram_keys keys;
    char *features, *session_features; /* as reported */
    uint32_t h;
    epode_status answer; /* what callbacks that may fail return */
} rig;

static inline void rig_features(void *user, const char *xml, size_t len, bool after)
{
    rig *r = user;
    char **field = after ? &r->session_features : &r->features;
    ep_free(*field);
    *field = ep_strndup(xml, len);
}

static inline epode_status rig_token(void *user, const char *token, const char *expiry,
                                     const ep_sasl_mech *mech)
{
    rig *r = user;
    r->tokens++;
    snprintf(r->token, sizeof r->token, "%s", token);
    snprintf(r->token_mech, sizeof r->token_mech, "%s", mech->name);
    ep_buf_printf(&r->log, "token %s %s %s\n", token, mech->name, expiry ? expiry : "-");
    return r->answer;
}

static inline void rig_token_dead(void *user, const char *condition)
{
    ep_buf_printf(&((rig *)user)->log, "token-dead %s\n", condition);
}

static inline void rig_authenticated(void *user, const ep_sasl_mech *mech,
                                     const ep_scram_keys *keys)
{
    rig *r = user;
    if (keys)
        r->keys = *keys;
    ep_buf_printf(&r->log, "authenticated %s\n", mech->name);
}

static inline epode_status rig_bound(void *user, const char *jid, ep_bind_kind kind,
                                     const ep_archive_ends *ends)
{
    static const char *const kinds[] = { "none", "bind2", "draft", "rfc6120", "resumed" };
    rig *r = user;
    snprintf(r->jid, sizeof r->jid, "%s", jid);
    ep_buf_printf(&r->log, "bound %s %s", jid, kinds[kind]);
    if (ends->known)
        ep_buf_printf(&r->log, " archive=%s..%s", ends->first_id ? ends->first_id : "",
                      ends->last_id ? ends->last_id : "");
    ep_buf_putc(&r->log, '\n');
    return r->answer;
}

static inline epode_status rig_sm_enabled(void *user, const ep_sm_enabled *sm)
{
    rig *r = user;
    snprintf(r->sm_id, sizeof r->sm_id, "%s", sm->id ? sm->id : "");
    ep_buf_printf(&r->log, "sm-enabled %s max=%u\n", sm->id ? sm->id : "-", sm->max_s);
    return r->answer;
}

static inline epode_status rig_resumed(void *user, uint64_t acked)
{
    rig *r = user;
    ep_buf_printf(&r->log, "resumed acked=%llu\n", (unsigned long long)acked);
    return r->answer;
}

static inline epode_status rig_resume_failed(void *user, bool known, uint64_t acked,
                                             const char *condition)
{
    rig *r = user;
    ep_buf_printf(&r->log, "resume-failed %s", condition);
    if (known)
        ep_buf_printf(&r->log, " acked=%llu", (unsigned long long)acked);
    ep_buf_putc(&r->log, '\n');
    return r->answer;
}

static inline epode_status rig_ready(void *user)
{
    rig *r = user;
    r->readies++;
    ep_buf_printf(&r->log, "ready waits=%u%s%s%s\n", ep_stream_waits(r->s),
                  ep_stream_has_sm(r->s) ? " sm" : "",
                  ep_stream_has_carbons(r->s) ? " carbons" : "",
                  ep_stream_has_csi(r->s) ? " csi" : "");
    return r->answer;
}

static inline epode_status rig_stanza(void *user, ep_elem *stanza, uint32_t h)
{
    rig *r = user;
    const char *id = ep_elem_attr(stanza, "id");
    ep_buf_printf(&r->log, "stanza %s %s h=%u\n", stanza->name, id ? id : "-", h);
    r->h = h ? h : r->h;
    return r->answer;
}

static inline epode_status rig_counted(void *user, uint32_t h)
{
    rig *r = user;
    r->h = h;
    ep_buf_printf(&r->log, "counted h=%u\n", h);
    return r->answer;
}

static inline epode_status rig_acked(void *user, uint64_t acked)
{
    ep_buf_printf(&((rig *)user)->log, "acked %llu\n", (unsigned long long)acked);
    return ((rig *)user)->answer;
}

static inline epode_status rig_ack_wanted(void *user)
{
    ep_buf_puts(&((rig *)user)->log, "ack-wanted\n");
    return ((rig *)user)->answer;
}

static inline void rig_wrong_guess(void *user, const char *what, const char *why)
{
    rig *r = user;
    r->wrong_guesses++;
    ep_buf_printf(&r->log, "wrong-guess %s %s\n", what, why);
}

static inline void rig_see_other_host(void *user, const char *host)
{
    ep_buf_printf(&((rig *)user)->log, "see-other-host %s\n", host);
}

static inline void rig_log(int level, const char *area, const char *line, void *user)
{
    (void)area, (void)line;
    if (level == EP_LOG_ERROR)
        ((rig *)user)->logged_bug = true;
}

static inline void rig_ask(void *user, bool refused)
{
    ep_buf_printf(&((rig *)user)->log, "ask%s\n", refused ? " refused" : "");
}

static inline epode_status rig_task(void *user, const ep_stream_task *task)
{
    rig *r = user;
    ep_buf_puts(&r->log, task->task ? "task-data " : "tasks");
    for (size_t i = 0; i < task->count; i++)
        ep_buf_printf(&r->log, " %s", task->names[i]);
    if (task->task)
        ep_buf_printf(&r->log, "%s %s", task->task, task->xml ? task->xml : "-");
    else if (task->text)
        ep_buf_printf(&r->log, ": %s", task->text);
    ep_buf_putc(&r->log, '\n');
    return r->answer;
}

static const ep_stream_events rig_events = {
    .features = rig_features,
    .token = rig_token,
    .token_dead = rig_token_dead,
    .authenticated = rig_authenticated,
    .bound = rig_bound,
    .sm_enabled = rig_sm_enabled,
    .resumed = rig_resumed,
    .resume_failed = rig_resume_failed,
    .ready = rig_ready,
    .stanza = rig_stanza,
    .counted = rig_counted,
    .acked = rig_acked,
    .ack_wanted = rig_ack_wanted,
    .wrong_guess = rig_wrong_guess,
    .see_other_host = rig_see_other_host,
    .ask = rig_ask,
    .task = rig_task,
};

/* Made-up channel binding: both sides of a simulated TLS connection have it. */
static inline void rig_set_cb(ep_cb_data *cb, uint32_t types)
{
    memset(cb, 0, sizeof *cb);
    memset(cb->endp.bytes, 0xe1, 32);
    memset(cb->expr.bytes, 0xe2, 32);
    memset(cb->uniq.bytes, 0xe3, 12);
    cb->endp.len = types & EP_CB_ENDP ? 32 : 0;
    cb->expr.len = types & EP_CB_EXPR ? 32 : 0;
    cb->uniq.len = types & EP_CB_UNIQ ? 12 : 0;
}

/* alice@localhost, who wants carbons and stream management and allows no PLAIN. */
static inline void rig_config(ep_stream_config *c)
{
    memset(c, 0, sizeof *c);
    c->domain = "localhost";
    c->username = "alice";
    c->password = "alice-pw";
    c->tag = "epode";
    c->user_agent_id = RIG_AGENT;
    c->policy.want_carbons = c->policy.want_sm = true;
    rig_set_cb(&c->cb, EP_CB_EXPR | EP_CB_ENDP);
}

static inline void rig_take(rig *r)
{
    ep_buf *out = ep_stream_output(r->s);
    size_t n = out->len;
    ep_buf_add(&r->out, ep_buf_ptr(out), n);
    ep_buf_consume(out, n);
    if (n)
        ep_stream_flushed(r->s, n, r->now_us);
}

static inline epode_status rig_ended(rig *r, epode_status st)
{
    rig_take(r);
    if (st == EPODE_OK || r->ends)
        return st;
    r->ends++;
    const ep_error *e = ep_stream_error(r->s);
    if (st == EPODE_DONE) {
        ep_buf_puts(&r->log, "closed\n");
        return st;
    }
    ep_buf_printf(&r->log, "failed %s", epode_status_name(st));
    if (epode_error_condition(e))
        ep_buf_printf(&r->log, " %s", epode_error_condition(e));
    ep_buf_printf(&r->log, "%s%s\n", epode_error_is_final(e) ? " final" : "",
                  ep_stream_was_guessing(r->s) ? " guessing" : "");
    assert_int_equal(epode_error_status(e), st);
    return st;
}

static inline epode_status rig_start(rig *r)
{
    static ep_log log = { .level = EP_LOG_DEBUG, .write = rig_log };
    log.user = r;
    epode_status st = ep_stream_new(&r->s, &r->c, &rig_events, r, &log, NULL);
    return st ? st : rig_ended(r, ep_stream_start(r->s, r->now_us));
}

static inline epode_status rig_feed(rig *r, const char *data, size_t n)
{
    return rig_ended(r, ep_stream_feed(r->s, data, n, r->now_us));
}

static inline void rig_free(rig *r)
{
    ep_stream_free(r->s);
    ep_buf_free(&r->log);
    ep_buf_free(&r->out);
    ep_free(r->features);
    ep_free(r->session_features);
    memset(r, 0, sizeof *r);
}

#endif
