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
    char *jid = ep_asprintf("%s@%s", s->c.username, s->c.domain);
    ep_sasl_creds creds = { .username = s->c.username, .jid = jid, .password = s->c.password, .authzid = s->c.authzid,
                            .token = s->plan.use_token ? s->c.token : NULL, .bearer = s->c.bearer, .keys = f.keys };
    ep_sasl_free(s->sasl);
    s->sasl = NULL;
    s->challenged = false;
    epode_status st = jid ? ep_sasl_new(&s->sasl, s->plan.mech, &creds, &s->c.cb, s->plan.cb,
                                        f.features && ep_features_list_plus(f.features), &s->error)
                          : ep_fail(&s->error, EPODE_ENOMEM, 0, "out of memory");
    ep_free(jid);
    return st;
}

void ep_login_guess_wrong(ep_stream *s, const char *why)
{
    if (s->guess && s->ev->wrong_guess)
        s->ev->wrong_guess(s->user, s->guess, why);
    s->guess = NULL;
    s->guess_deadline = 0;
}

void ep_login_guess_right(ep_stream *s)
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

epode_status ep_login_stanzas_lost(ep_stream *s)
{
    if (!s->behind_open)
        return EPODE_OK;
    /* Their errors may still be on the way, so that they rode along is not forgotten; that they count is. */
    s->behind_open = false;
    s->behind_counted = 0;
    return s->ev->stanzas_lost ? ep_stream_check(s, s->ev->stanzas_lost(s->user)) : EPODE_OK;
}

epode_status ep_login_again(ep_stream *s)
{
    ep_error why = { 0 };
    ep_facts f = ep_stream_facts(s, true);
    if (++s->attempts >= LOGIN_ATTEMPTS)
        return ep_stream_fail(s, EPODE_EAUTH, NULL, false, "the server refused every attempt to log in");
    s->written &= EP_STEP_HEADER;
    epode_status st = ep_login_stanzas_lost(s);
    if (st)
        return st;
    st = ep_plan_login(&s->plan, &f, &s->c.policy, &why);
    if (st)
        return ep_stream_fail(s, st, NULL, epode_error_is_final(&why), "%s", why.text);
    if (!s->plan.ask)
        return ep_stream_need(s, EP_STEP_AUTH);
    /* What was given does not help: the question would be asked for ever. */
    if (s->given)
        return ep_stream_fail(s, EPODE_EAUTH, NULL, true, "the server offers no mechanism that takes what was given");
    s->asking = true;
    s->ev->ask(s->user, s->asked_again);
    return EPODE_OK;
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
    return ep_login_again(s);
}

bool ep_login_contradicted(const ep_stream *s)
{
    if (!s->plan.guess || !s->has_live || !s->sasl)
        return false;
    const ep_sasl_mech *m = s->plan.mech;
    uint32_t offered = m->kind == EP_SASL_HT ? s->live.fast_mechs
                       : s->plan.sasl2       ? s->live.sasl2_mechs
                                             : s->live.sasl1_mechs;
    return !(offered & m->bit) || (ep_sasl_cb_flag(s->sasl) == 'y' && ep_features_list_plus(&s->live));
}

/* The owner's secret; the plan is made with it as if nothing had been tried without. */
epode_status ep_stream_secret(ep_stream *s, const char *password, const char *bearer)
{
    if (!s->asking || s->state != EP_S_AUTH)
        return EPODE_ESTATE;
    if (!password && !bearer)
        return ep_stream_cancel(s);
    s->asking = false;
    ep_stream_forget_secrets(s);
    if (!ep_stream_keep_secret(s, &s->c.password, password) || !ep_stream_keep_secret(s, &s->c.bearer, bearer))
        return ep_stream_fail(s, EPODE_ENOMEM, NULL, false, "out of memory");
    s->attempts = 0;
    s->given = true;
    return ep_login_again(s);
}

bool ep_stream_is_asking(const ep_stream *s)
{
    return s->asking || s->task_open;
}

epode_status ep_stream_cancel(ep_stream *s)
{
    if (!ep_stream_is_asking(s) || s->state != EP_S_AUTH)
        return EPODE_ESTATE;
    if (s->task_open) {
        ep_xw w = ep_xw_init(&s->out);
        ep_xw_leaf(&w, "abort", EP_NS_SASL2, NULL);
    }
    s->asking = s->task_open = false;
    return ep_stream_fail(s, EPODE_ECANCELLED, NULL, true, "the login was cancelled");
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

/* XEP-0474: against what this stream listed for the profile in use, not against what is remembered. */
static epode_status login_expect(ep_stream *s)
{
    const ep_features *f = &s->live;
    bool strange = s->plan.mech->kind == EP_SASL_SCRAM && !s->plan.mech->plus &&
                   !ep_features_binding_fits(f, s->plan.sasl2, ep_cb_set(&s->c.cb));
    char *text = ep_sasl_advertised(s->plan.sasl2 ? f->sasl2_names : f->sasl1_names,
                                    f->bits & EP_F_CB_LISTED ? f->cb_names : NULL);
    epode_status st = text ? ep_sasl_expect(s->sasl, text, s->plan.prove || strange) : EPODE_ENOMEM;
    ep_free(text);
    return st;
}

/* The exchange is given up; it is waited for the server's word like for an answer. */
static epode_status login_abort(ep_stream *s, const char *ns)
{
    ep_xw w = ep_xw_init(&s->out);
    ep_xw_leaf(&w, "abort", ns, NULL);
    s->pending_steps |= EP_STEP_RESPONSE;
    return ep_xw_done(&w);
}

/* The keys do not fit this salt, and the password is not at hand, but may be had. */
static bool login_keys_are_old(const ep_stream *s, epode_status st)
{
    return st == EPODE_EAUTH && ep_sasl_used_keys(s->sasl) && !s->c.password && s->c.facts.can_ask &&
           !(s->written & EP_STEP_RESTART);
}

epode_status ep_login_challenge(ep_stream *s, ep_elem *e)
{
    bool sasl2 = ep_streq(e->ns, EP_NS_SASL2);
    size_t len = 0;
    if (sasl2 != s->plan.sasl2 || !s->sasl || s->tasked || s->aborting || s->asking)
        return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the server sent a challenge that belongs to no exchange");
    if (ep_login_contradicted(s))
        return login_abort(s, e->ns);
    ep_login_guess_right(s);
    s->challenged = true;
    char *data = login_decode(e, &len);
    ep_buf answer = EP_BUF_INIT;
    ep_error why = { 0 };
    epode_status st = login_expect(s);
    if (!st)
        st = data ? ep_sasl_step(s->sasl, data, len, &answer, &why) : login_undecoded(&why, len, "the challenge");
    if (login_keys_are_old(s, st)) {
        ep_free(data);
        s->aborting = s->keys_refused = true;
        return login_abort(s, e->ns);
    }
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
        return ep_stream_fail(s, st, NULL, st == EPODE_EAUTH || st == EPODE_EDOWNGRADE, "%s",
                              why.text[0] ? why.text : "out of memory");
    return ep_stream_need(s, EP_STEP_RESPONSE);
}

/* Checks the server's own proof, which comes with the first word after the exchange. */
epode_status ep_login_prove(ep_stream *s, const ep_elem *data_elem)
{
    size_t len = 0;
    if (!s->sasl || s->aborting || s->asking)
        return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the server ended an exchange that there is not");
    ep_login_guess_right(s);
    char *data = data_elem ? login_decode(data_elem, &len) : NULL;
    ep_error why = { 0 };
    epode_status st = data_elem && !data ? login_undecoded(&why, len, "the server's proof")
                                         : ep_sasl_finish(s->sasl, data, len, &why);
    ep_free(data);
    if (st)
        return ep_stream_fail(s, st, NULL, false, "%s", why.text);
    s->proved = true;
    s->guess = NULL;
    s->guess_deadline = 0;
    return EPODE_OK;
}

/* Success: the owner is told, and what is secret is not kept any longer. */
static epode_status login_succeed(ep_stream *s, const ep_elem *data)
{
    epode_status st = s->proved ? EPODE_OK : ep_login_prove(s, data && *ep_elem_text(data) ? data : NULL);
    if (st)
        return st;
    if (s->task_open)
        return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the server did not wait for the answer to its task");
    s->auth_done = true;
    s->upgrading = false;
    if (s->ev->authenticated)
        s->ev->authenticated(s->user, s->plan.mech,
                             s->upgraded.mechanism[0] ? &s->upgraded : ep_sasl_keys(s->sasl));
    ep_sasl_free(s->sasl);
    s->sasl = NULL;
    ep_stream_forget_secrets(s);
    if (s->c.facts.keys)
        ep_wipe((ep_scram_keys *)(uintptr_t)s->c.facts.keys, sizeof *s->c.facts.keys);
    s->c.facts.keys = NULL;
    ep_wipe(&s->upgraded, sizeof s->upgraded);
    return EPODE_OK;
}

epode_status ep_login_success1(ep_stream *s, ep_elem *e)
{
    if (s->plan.sasl2)
        return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the success is of another SASL profile");
    epode_status st = login_succeed(s, e);
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
    epode_status st = login_succeed(s, ep_elem_child(e, "additional-data", EP_NS_SASL2));
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
