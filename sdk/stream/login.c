/* login.c: features and authentication, up to success. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"
#include "stream/engine.h"
#include "xml/writer.h"
#include "xmpp/ns.h"

#define LOGIN_ATTEMPTS 5

/* The next exchange with what the plan chose. */
epode_status ep_login_begin_exchange(ep_stream *s)
{
    ep_facts f = ep_stream_facts(s, s->has_live);
    ep_sasl_creds creds = { .username = s->c.username, .password = s->c.password,
                            .token = s->plan.use_token ? s->c.token : NULL, .keys = f.keys };
    ep_sasl_free(s->sasl);
    s->sasl = NULL;
    return ep_sasl_new(&s->sasl, s->plan.mech, &creds, &s->c.cb, s->plan.cb,
                       f.features && ep_features_list_plus(f.features), &s->error);
}

/* A wrong guess was noticed and the same stream goes on without it. */
static void login_guess_wrong(ep_stream *s, const char *why)
{
    if (s->guess && s->ev->wrong_guess)
        s->ev->wrong_guess(s->user, s->guess, why);
    s->guess = NULL;
    s->guess_deadline = 0;
}

/* Any answer to the exchange shows that the server took header and first step together, also one that refuses the
 * credentials: what is wrong then is not the guess. */
static void login_guess_right(ep_stream *s)
{
    if (!ep_streq(s->guess, "pipelined-authentication"))
        return;
    s->pipelined = true;
    s->guess = NULL;
    s->guess_deadline = 0;
}

/* Stanzas behind a login that failed come back as errors, if at all; nothing else may come before success. */
epode_status ep_login_bounced(ep_stream *s, ep_elem *e)
{
    if (s->behind && ep_streq(ep_elem_attr(e, "type"), "error"))
        return EPODE_OK;
    return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the server sent a stanza before authentication");
}

static epode_status login_stanzas_lost(ep_stream *s)
{
    if (!s->behind_open)
        return EPODE_OK;
    /* Their errors may still be on the way, so that they rode along is not forgotten; that they count is. */
    s->behind_open = false;
    s->behind_counted = 0;
    return s->ev->stanzas_lost ? ep_stream_check(s, s->ev->stanzas_lost(s->user)) : EPODE_OK;
}

static epode_status login_again(ep_stream *s)
{
    ep_error why = { 0 };
    ep_facts f = ep_stream_facts(s, true);
    if (++s->attempts >= LOGIN_ATTEMPTS)
        return ep_stream_fail(s, EPODE_EAUTH, NULL, false, "the server refused every attempt to log in");
    s->written &= EP_STEP_HEADER;
    epode_status st = login_stanzas_lost(s);
    if (st)
        return st;
    st = ep_plan_login(&s->plan, &f, &s->c.policy, &why);
    if (st)
        return ep_stream_fail(s, st, NULL, epode_error_is_final(&why), "%s", why.text);
    return ep_stream_need(s, EP_STEP_AUTH);
}

static void login_report_features(ep_stream *s, const ep_elem *e, bool after)
{
    ep_buf xml = EP_BUF_INIT;
    ep_elem_write(&xml, e, NULL);
    if (!xml.failed && s->ev->features)
        s->ev->features(s->user, ep_buf_ptr(&xml), xml.len, after);
    ep_buf_free(&xml);
}

epode_status ep_login_features(ep_stream *s, ep_elem *e)
{
    ep_features_free(&s->live);
    if (ep_features_read(&s->live, e))
        return ep_stream_fail(s, EPODE_ENOMEM, NULL, false, "out of memory");
    s->has_live = true;
    login_report_features(s, e, false);
    ep_stream_go(s, EP_S_AUTH);
    if (s->written & EP_STEP_AUTH)
        return EPODE_OK;
    return login_again(s);
}

/* What went out rests on features that this stream contradicts (RFC 5802, 6: the y flag). */
static bool login_contradicted(const ep_stream *s)
{
    if (!s->plan.guess || !s->has_live || !s->sasl)
        return false;
    const ep_sasl_mech *m = s->plan.mech;
    uint32_t offered = m->kind == EP_SASL_HT ? s->live.fast_mechs
                       : s->plan.sasl2       ? s->live.sasl2_mechs
                                             : s->live.sasl1_mechs;
    return !(offered & m->bit) || (ep_sasl_cb_flag(s->sasl) == 'y' && ep_features_list_plus(&s->live));
}

static char *login_decode(const ep_elem *e, size_t *len)
{
    const char *text = ep_elem_text(e);
    size_t from = strspn(text, " \t\r\n"), n = strlen(text);
    while (n > from && strchr(" \t\r\n", text[n - 1]))
        n--;
    return (char *)ep_b64_decode(text + from, n - from, len);
}

static epode_status login_undecoded(ep_error *why, size_t len, const char *what)
{
    if (len == EP_B64_NO_MEMORY)
        return ep_fail(why, EPODE_ENOMEM, 0, "out of memory");
    return ep_fail(why, EPODE_EPROTO, 0, "%s is not base64", what);
}

epode_status ep_login_challenge(ep_stream *s, ep_elem *e)
{
    bool sasl2 = ep_streq(e->ns, EP_NS_SASL2);
    size_t len = 0;
    if (sasl2 != s->plan.sasl2)
        return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the challenge is of another SASL profile");
    if (login_contradicted(s)) {
        ep_xw w = ep_xw_init(&s->out);
        ep_xw_leaf(&w, "abort", e->ns, NULL);
        s->pending_steps |= EP_STEP_RESPONSE; /* it is waited for like one */
        return ep_xw_done(&w);
    }
    login_guess_right(s);
    char *data = login_decode(e, &len);
    ep_buf answer = EP_BUF_INIT;
    ep_error why = { 0 };
    epode_status st = data ? ep_sasl_step(s->sasl, data, len, &answer, &why)
                           : login_undecoded(&why, len, "the challenge");
    if (!st) {
        ep_xw w = ep_xw_init(&s->out);
        ep_xw_open(&w, "response", e->ns);
        ep_xw_b64(&w, ep_buf_ptr(&answer), answer.len);
        ep_xw_close(&w);
        st = ep_xw_done(&w);
    }
    ep_buf_wipe(&answer);
    ep_free(data);
    if (st)
        return ep_stream_fail(s, st, NULL, st == EPODE_EAUTH, "%s", why.text[0] ? why.text : "out of memory");
    return ep_stream_need(s, EP_STEP_RESPONSE);
}

/* Checks the server's proof and tells the owner. */
static epode_status login_prove(ep_stream *s, const ep_elem *data_elem)
{
    size_t len = 0;
    login_guess_right(s);
    char *data = data_elem ? login_decode(data_elem, &len) : NULL;
    ep_error why = { 0 };
    epode_status st = data_elem && !data ? login_undecoded(&why, len, "the server's proof")
                                         : ep_sasl_finish(s->sasl, data, len, &why);
    ep_free(data);
    if (st)
        return ep_stream_fail(s, st, NULL, false, "%s", why.text);
    s->auth_done = true;
    s->guess = NULL;
    s->guess_deadline = 0;
    if (s->ev->authenticated)
        s->ev->authenticated(s->user, s->plan.mech, ep_sasl_keys(s->sasl));
    return EPODE_OK;
}

epode_status ep_login_success1(ep_stream *s, ep_elem *e)
{
    if (s->plan.sasl2)
        return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the success is of another SASL profile");
    epode_status st = login_prove(s, *ep_elem_text(e) ? e : NULL);
    if (st)
        return st;
    ep_stream_go(s, EP_S_HEADER2);
    s->restart = true;
    if (s->written & EP_STEP_RESTART) {
        ep_stream_guess_legacy(s);
        return EPODE_OK;
    }
    return ep_stream_need(s, EP_STEP_RESTART);
}

/* XEP-0484: a token in the success is stored before anybody hears of the login. */
static epode_status login_token(ep_stream *s, const ep_elem *e)
{
    const ep_elem *t = ep_elem_child(e, "token", EP_NS_FAST);
    const char *token = ep_elem_attr(t, "token");
    s->token_use = s->plan.use_token ? EP_TOKEN_USED : EP_TOKEN_NONE;
    if (!token || !*token)
        return EPODE_OK;
    /* A server that rotates by itself keeps the mechanism (XEP-0484, 3.5). */
    const ep_sasl_mech *mech = s->plan.request_token ? s->plan.request_token
                               : s->plan.use_token   ? s->plan.mech
                                                     : NULL;
    if (!mech)
        return EPODE_OK;
    s->token_use = s->plan.use_token ? EP_TOKEN_ROTATED : EP_TOKEN_NEW;
    return s->ev->token ? ep_stream_check(s, s->ev->token(s->user, token, ep_elem_attr(t, "expiry"), mech))
                        : EPODE_OK;
}

/* The identifier must be ours: a bare JID, or a full one after a bind. */
static const char *login_identity(const ep_stream *s, const ep_elem *e)
{
    const ep_elem *id = ep_elem_child(e, "authorization-identifier", EP_NS_SASL2);
    if (!id)
        id = ep_elem_child(e, "authorization-identity", EP_NS_SASL2);
    const char *jid = ep_elem_text(id);
    size_t user = strlen(s->c.username), domain = strlen(s->c.domain);
    if (strncasecmp(jid, s->c.username, user) != 0 || jid[user] != '@' ||
        strncasecmp(jid + user + 1, s->c.domain, domain) != 0)
        return NULL;
    const char *rest = jid + user + 1 + domain;
    return *rest == '\0' || *rest == '/' ? jid : NULL;
}

epode_status ep_login_success2(ep_stream *s, ep_elem *e)
{
    if (!s->plan.sasl2)
        return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the success is of another SASL profile");
    const ep_elem *data = ep_elem_child(e, "additional-data", EP_NS_SASL2);
    epode_status st = login_prove(s, data && *ep_elem_text(data) ? data : NULL);
    if (st)
        return st;
    const char *jid = login_identity(s, e);
    if (!jid)
        return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the server authenticated somebody else");
    if ((st = login_token(s, e)))
        return st;
    const ep_elem *resumed = ep_elem_child(e, "resumed", EP_NS_SM);
    const ep_elem *failed = ep_elem_child(e, "failed", EP_NS_SM);
    const ep_elem *bound = ep_elem_child(e, "bound", EP_NS_BIND2);
    if (resumed && s->plan.inline_resume)
        return ep_session_resumed(s, (ep_elem *)(uintptr_t)resumed);
    if (s->plan.inline_resume) {
        static ep_elem none; /* a server that ignored <resume/>: the same as a failure without a count */
        st = ep_session_failed(s, failed ? (ep_elem *)(uintptr_t)failed : &none);
        if (st)
            return st;
    }
    if (bound && s->plan.bind2)
        return ep_session_bound2(s, bound, jid);
    ep_stream_go(s, EP_S_FEATURES2);
    return EPODE_OK;
}

epode_status ep_login_continue(ep_stream *s, ep_elem *e)
{
    (void)e;
    return ep_stream_fail(s, EPODE_EAUTH, NULL, true, "the server asks for a second factor, which is not supported");
}

typedef enum failure_kind { F_FINAL, F_LATER, F_MECHANISM, F_CREDENTIALS } failure_kind;

static failure_kind failure_kind_of(const char *condition)
{
    static const struct {
        const char *condition;
        failure_kind kind;
    } rows[] = {
        { "not-authorized", F_CREDENTIALS },   { "credentials-expired", F_CREDENTIALS },
        { "account-disabled", F_FINAL },       { "invalid-authzid", F_FINAL },
        { "invalid-mechanism", F_MECHANISM },  { "mechanism-too-weak", F_MECHANISM },
        { "encryption-required", F_MECHANISM }, { "malformed-request", F_MECHANISM },
        { "incorrect-encoding", F_MECHANISM }, { "temporary-auth-failure", F_LATER },
        { "aborted", F_LATER },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].condition, condition) == 0)
            return rows[i].kind;
    return F_LATER;
}

/* The condition of a failure is its first child that names a SASL one; some servers put it in another
 * namespace, and extensions stand beside it. */
static const char *failure_condition(const ep_elem *e)
{
    EP_ELEM_EACH(it, e)
        if (failure_kind_of(it->name) != F_LATER || ep_streq(it->name, "temporary-auth-failure"))
            return it->name;
    return ep_condition_of(e);
}

static epode_status failure_of_token(ep_stream *s, const char *condition, failure_kind kind)
{
    /* The token may live, but not by this mechanism on this stream: the password goes on where there is one. */
    if (kind == F_MECHANISM && (s->c.password || s->c.facts.keys)) {
        if (s->ev->wrong_guess)
            s->ev->wrong_guess(s->user, "token", condition);
        s->refused |= s->plan.mech->bit;
        return login_again(s);
    }
    /* Only these two say that the token is dead; anything else may pass. */
    if (kind != F_CREDENTIALS)
        return ep_stream_fail(s, EPODE_EAUTH, condition, kind == F_FINAL, "the server did not take the token now: %s",
                              condition);
    if (s->ev->token_dead)
        s->ev->token_dead(s->user, condition);
    s->token_refused = true;
    if (s->ev->wrong_guess)
        s->ev->wrong_guess(s->user, "token", condition);
    return login_again(s);
}

static epode_status failure_of_password(ep_stream *s, const char *condition)
{
    if (ep_sasl_used_keys(s->sasl) && s->c.password) {
        s->keys_refused = true;
        return login_again(s);
    }
    return ep_stream_fail(s, EPODE_EAUTH, condition, true, "%s",
                          s->c.password ? "the server refused the user name or the password"
                                        : "the server refused what is remembered of the password: it is needed again");
}

epode_status ep_login_failure(ep_stream *s, ep_elem *e)
{
    ep_error shown = { 0 };
    ep_error_set_condition(&shown, failure_condition(e));
    const char *condition = shown.condition[0] ? shown.condition : "undefined-condition";
    failure_kind kind = failure_kind_of(condition);
    if (s->written & (EP_STEP_RESTART | EP_STEP_BIND)) {
        /* What was sent ahead reads like garbage to the server now: this stream cannot go on. */
        bool final = kind == F_FINAL || (kind == F_CREDENTIALS && !ep_sasl_used_keys(s->sasl));
        s->guess = "credentials"; /* refused by name: that they were sent ahead is not at fault */
        return ep_stream_fail(s, EPODE_EAUTH, condition, final, "the server refused the login: %s", condition);
    }
    /* Only a guess can rest on an old version (XEP-0509): what follows it rests on this stream's features. */
    bool stale = s->plan.guess && ep_elem_child(e, "config-version-mismatch", NULL);
    if (stale || login_contradicted(s)) {
        login_guess_wrong(s, stale ? "config-version-mismatch" : "features-changed");
        return login_again(s);
    }
    if (kind != F_MECHANISM || s->plan.use_token)
        login_guess_right(s);
    if (s->plan.use_token)
        return failure_of_token(s, condition, kind);
    switch (kind) {
    case F_CREDENTIALS: return failure_of_password(s, condition);
    case F_MECHANISM:
        login_guess_wrong(s, condition);
        s->refused |= s->plan.mech->bit;
        return login_again(s);
    case F_FINAL:
    case F_LATER: break;
    }
    return ep_stream_fail(s, EPODE_EAUTH, condition, kind == F_FINAL, "the server refused the login: %s", condition);
}
