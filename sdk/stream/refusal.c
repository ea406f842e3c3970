/* refusal.c: a login that failed: by which fault, and what is tried next. */
#include <string.h>

#include "base/str.h"
#include "stream/engine.h"
#include "xmpp/ns.h"

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
    if (kind == F_MECHANISM && (s->c.password || s->c.bearer || s->c.facts.keys || s->c.facts.can_ask)) {
        if (s->ev->wrong_guess)
            s->ev->wrong_guess(s->user, "token", condition);
        s->refused |= s->plan.mech->bit;
        return ep_login_again(s);
    }
    /* Who saw our early data may have sent it before us: the server has that count, and refuses ours. */
    if (kind == F_CREDENTIALS && s->early && s->c.token_count_again) {
        if (s->ev->wrong_guess)
            s->ev->wrong_guess(s->user, "early-data", condition);
        s->c.token_count = s->c.token_count_again;
        s->c.token_count_again = 0;
        return ep_login_again(s);
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
    return ep_login_again(s);
}

/* A server that does not say which channel bindings it knows (XEP-0440) may know those of TLS 1.2 only, and then refuses
 * the one of TLS 1.3 with its first word, as ejabberd 23 does. No secret was looked at: the same goes without. With SASL2
 * every server has to say them (XEP-0440, 3): there it would be what somebody in between wants. */
static bool failure_of_binding(ep_stream *s)
{
    const ep_sasl_mech *m = s->plan.mech;
    size_t n;
    if (!m->plus || s->plan.sasl2 || (s->written & EP_STEP_RESPONSE) || (s->live.bits & EP_F_CB_LISTED))
        return false;
    m = ep_sasl_mechs(&n);
    for (size_t i = 0; i < n; i++)
        s->refused |= m[i].plus ? m[i].bit : 0;
    return true;
}

/* Down the ladder: channel binding, certificate, keys, the password, the password once more. */
static epode_status failure_of_credentials(ep_stream *s, const char *condition)
{
    const ep_sasl_mech *m = s->plan.mech;
    if (failure_of_binding(s))
        return ep_login_again(s);
    bool can_ask = s->c.facts.can_ask && !s->asked_again;
    bool used_keys = ep_sasl_used_keys(s->sasl);
    if (m->kind == EP_SASL_EXTERNAL && (s->c.password || s->c.bearer || s->c.facts.keys || s->c.facts.can_ask)) {
        s->refused |= m->bit;
        return ep_login_again(s);
    }
    if (m->kind == EP_SASL_EXTERNAL)
        return ep_stream_fail(s, EPODE_EAUTH, condition, true, "the server refused the client's certificate");
    if (used_keys && (s->c.password || s->c.facts.can_ask)) {
        s->keys_refused = true;
        return ep_login_again(s);
    }
    if (!used_keys && can_ask) {
        s->asked_again = true;
        s->given = false;
        ep_stream_forget_secrets(s);
        return ep_login_again(s);
    }
    if (m->kind == EP_SASL_BEARER)
        return ep_stream_fail(s, EPODE_EAUTH, condition, true, "the server refused the OAuth token%s%s",
                              *ep_sasl_refusal(s->sasl) ? ": " : "", ep_sasl_refusal(s->sasl));
    return ep_stream_fail(s, EPODE_EAUTH, condition, true, "%s",
                          used_keys ? "the server refused what is remembered of the password: it is needed again"
                                    : "the server refused the user name or the password");
}

/* After <continue/> nothing can be begun anew on this stream (XEP-0388, 2.10). */
static epode_status failure_of_task(ep_stream *s, const char *condition, failure_kind kind)
{
    if (s->upgrading)
        return ep_stream_fail(s, EPODE_EAUTH, condition, false, "the server refused the upgrade that it offered: %s",
                              condition);
    return ep_stream_fail(s, EPODE_EAUTH, condition, kind != F_LATER,
                          "the server did not accept the answer to its task: %s", condition);
}

epode_status ep_login_failure(ep_stream *s, ep_elem *e)
{
    ep_error shown = { 0 };
    ep_error_set_condition(&shown, failure_condition(e));
    const char *condition = shown.condition[0] ? shown.condition : "undefined-condition";
    failure_kind kind = failure_kind_of(condition);
    if (s->tasked)
        return failure_of_task(s, condition, kind);
    if (!s->sasl || s->asking)
        return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the server refused an exchange that there is not");
    if (s->aborting) {
        s->aborting = false;
        return ep_login_again(s);
    }
    if (s->written & (EP_STEP_RESTART | EP_STEP_BIND)) {
        /* What was sent ahead reads like garbage to the server now: this stream cannot go on. */
        bool final = kind == F_FINAL || (kind == F_CREDENTIALS && !ep_sasl_used_keys(s->sasl) && !s->c.facts.can_ask);
        s->guess = "credentials"; /* refused by name: that they were sent ahead is not at fault */
        return ep_stream_fail(s, EPODE_EAUTH, condition, final, "the server refused the login: %s", condition);
    }
    /* Only a guess can rest on an old version (XEP-0509): what follows it rests on this stream's features. */
    bool stale = s->plan.guess && ep_elem_child(e, "config-version-mismatch", NULL);
    if (stale || ep_login_contradicted(s)) {
        ep_login_guess_wrong(s, stale ? "config-version-mismatch" : "features-changed");
        return ep_login_again(s);
    }
    if (kind != F_MECHANISM || s->plan.use_token)
        ep_login_guess_right(s);
    if (s->plan.use_token)
        return failure_of_token(s, condition, kind);
    /* It was to prove that it means to be weaker, and refused instead: as one does that offers more than was shown, and
     * sees it by our y flag (RFC 5802, 6). */
    if (s->plan.prove && !s->challenged && kind == F_CREDENTIALS)
        return ep_stream_fail(s, EPODE_EDOWNGRADE, condition, true,
                              "the server offers weaker authentication than it did before or than it claims to have, "
                              "and then refuses it");
    switch (kind) {
    case F_CREDENTIALS: return failure_of_credentials(s, condition);
    case F_MECHANISM:
        ep_login_guess_wrong(s, condition);
        s->refused |= s->plan.mech->bit;
        return ep_login_again(s);
    case F_FINAL:
    case F_LATER: break;
    }
    return ep_stream_fail(s, EPODE_EAUTH, condition, kind == F_FINAL, "the server refused the login: %s", condition);
}
