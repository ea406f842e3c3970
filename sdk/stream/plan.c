/* plan.c: chooses mechanism, token and flights. */
#include "stream/plan.h"

#include <string.h>

#include "base/str.h"

/* A token that ends within this time is not used any more: the clocks differ. */
#define TOKEN_MARGIN_MS (60 * 1000)

const char *ep_step_name(ep_step step)
{
    switch (step) {
    case EP_STEP_HEADER: return "header";
    case EP_STEP_AUTH: return "authenticate";
    case EP_STEP_RESPONSE: return "response";
    case EP_STEP_RESTART: return "restart";
    case EP_STEP_RESUME: return "resume";
    case EP_STEP_BIND: return "bind";
    case EP_STEP_CARBONS: return "carbons";
    case EP_STEP_ENABLE: return "enable-sm";
    case EP_STEP_INACTIVE: return "inactive";
    case EP_STEP_STANZAS: return "stanzas";
    }
    return "?";
}

/* The channel-binding type to use with -PLUS: what the connection has and the server can do (XEP-0440);
 * where the server does not say, what its TLS version makes the default (RFC 9266, 5). */
static ep_cb plan_cb(const ep_facts *f)
{
    static const ep_cb order[] = { EP_CB_EXPR, EP_CB_UNIQ, EP_CB_ENDP };
    uint32_t set = f->cb_set;
    if (f->features->bits & EP_F_CB_LISTED)
        set &= f->features->cb_types;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (set & order[i])
            return order[i];
    return EP_CB_NONE;
}

static bool scram_has_secret(const ep_facts *f, const ep_sasl_mech *m)
{
    size_t n = strlen(m->name) - (m->plus ? strlen("-PLUS") : 0);
    return f->have_password || (f->keys && strlen(f->keys->mechanism) == n &&
                                strncmp(f->keys->mechanism, m->name, n) == 0);
}

/* Where the types are not said and SCRAM has worked without: the binding was refused then. */
static bool binding_failed(const ep_facts *f)
{
    return !(f->features->bits & EP_F_CB_LISTED) && f->pinned == EP_SASL_CLASS_SCRAM;
}

static bool mech_usable(const ep_facts *f, const ep_policy *p, const ep_sasl_mech *m)
{
    switch (m->kind) {
    case EP_SASL_EXTERNAL: return f->have_certificate;
    case EP_SASL_PLAIN: return p->allow_plain && f->have_password;
    case EP_SASL_BEARER: return f->have_bearer;
    case EP_SASL_SCRAM: return scram_has_secret(f, m) && (!m->plus || (plan_cb(f) != EP_CB_NONE && !binding_failed(f)));
    case EP_SASL_HT: return false;
    }
    return false;
}

ep_sasl_class ep_plan_floor(const ep_facts *f)
{
    /* Without its certificate the application has chosen another way itself: that says nothing of the server. */
    return f->pinned == EP_SASL_CLASS_EXTERNAL && !f->have_certificate ? EP_SASL_CLASS_SCRAM : f->pinned;
}

/* The best usable row of what a profile offers. What is weaker than the pin, or contradicts XEP-0440, may go on as
 * SCRAM if the server proves that it means it: with proof those are looked at, else the others. *weaker: one below
 * the pin was there. */
static bool plan_mech(ep_plan *out, const ep_facts *f, const ep_policy *p, bool sasl2, bool proof, bool *weaker)
{
    size_t n;
    const ep_sasl_mech *m = ep_sasl_mechs(&n);
    uint32_t offered = sasl2 ? f->features->sasl2_mechs : f->features->sasl1_mechs;
    for (size_t i = 0; i < n; i++) {
        if (!(offered & m[i].bit) || (f->refused_mechs & m[i].bit) || !mech_usable(f, p, &m[i]))
            continue;
        bool scram = m[i].kind == EP_SASL_SCRAM, below = m[i].rank < ep_plan_floor(f);
        bool strange = scram && !m[i].plus && !ep_features_binding_fits(f->features, sasl2, f->cb_set);
        *weaker |= below;
        if ((below || strange) != proof || (below && !scram))
            continue;
        out->mech = &m[i];
        out->sasl2 = sasl2;
        out->prove = proof;
        return true;
    }
    return false;
}

static bool offers_sasl2(const ep_facts *f, const ep_policy *p)
{
    return (f->features->bits & EP_F_SASL2) && !p->no_sasl2;
}

/* What a login is to be tried with, but for tokens. */
static bool plan_credentials(ep_plan *out, const ep_facts *f, const ep_policy *p, bool *weaker)
{
    bool sasl2 = offers_sasl2(f, p), sasl1 = f->features->bits & EP_F_SASL1;
    return (sasl2 && plan_mech(out, f, p, true, false, weaker)) ||
           (sasl1 && plan_mech(out, f, p, false, false, weaker)) ||
           (sasl2 && plan_mech(out, f, p, true, true, weaker)) || (sasl1 && plan_mech(out, f, p, false, true, weaker));
}

/* Whether a password or a token of OAuth, if there was one, would help. */
static bool plan_ask(const ep_facts *f, const ep_policy *p, bool *weaker)
{
    ep_plan with = { 0 };
    ep_facts given = *f;
    given.have_password = given.have_bearer = true;
    return f->can_ask && plan_credentials(&with, &given, p, weaker);
}

static bool plan_token(const ep_facts *f)
{
    const ep_sasl_mech *m = f->token_mech;
    if (!m || !(f->features->fast_mechs & m->bit) || (f->refused_mechs & m->bit))
        return false;
    if (m->cb != EP_CB_NONE && !(f->cb_set & m->cb))
        return false;
    return !f->token_expires_ms || f->token_expires_ms - TOKEN_MARGIN_MS > f->now_ms;
}

static bool fast_has_end_point(const ep_features *k)
{
    size_t n;
    const ep_sasl_mech *m = ep_sasl_mechs(&n);
    for (size_t i = 0; i < n; i++)
        if (m[i].kind == EP_SASL_HT && m[i].cb == EP_CB_ENDP && (k->fast_mechs & m[i].bit))
            return true;
    return false;
}

bool ep_plan_token_due(const ep_facts *f, const ep_policy *p)
{
    if (p->keep_token)
        return !f->token_mech || (f->token_expires_ms && f->token_expires_ms <= f->now_ms);
    /* One that early data cannot use (RFC 8446, 7.5: the exporter comes with the end of the handshake). */
    if (f->token_mech && f->token_mech->cb == EP_CB_EXPR && p->want_early_data && f->features &&
        (f->features->bits & EP_F_FAST_0RTT) && (f->cb_set & EP_CB_ENDP) && fast_has_end_point(f->features))
        return true;
    if (!f->token_mech || !f->token_expires_ms)
        return !f->token_mech;
    return f->now_ms - f->token_issued_ms >= (f->token_expires_ms - f->token_issued_ms) / 2;
}

/* The kind of token is chosen when it is asked for: bound as tightly as this connection can, but such that early data
 * can carry it where that is wanted: the exporter does not exist before the handshake ends. */
static const ep_sasl_mech *plan_request(const ep_facts *f, const ep_policy *p)
{
    static const ep_cb tight[] = { EP_CB_EXPR, EP_CB_UNIQ, EP_CB_ENDP, EP_CB_NONE };
    static const ep_cb early[] = { EP_CB_ENDP, EP_CB_EXPR, EP_CB_UNIQ, EP_CB_NONE };
    /* Early data is TLS 1.3's, and tls-unique is of those before. */
    bool want_early = p->want_early_data && (f->features->bits & EP_F_FAST_0RTT) && !(f->cb_set & EP_CB_UNIQ);
    const ep_cb *order = want_early ? early : tight;
    size_t n;
    const ep_sasl_mech *m = ep_sasl_mechs(&n);
    for (size_t k = 0; k < sizeof tight / sizeof *tight; k++)
        for (size_t i = 0; i < n; i++)
            if (m[i].kind == EP_SASL_HT && m[i].cb == order[k] && (f->features->fast_mechs & m[i].bit) &&
                (m[i].cb == EP_CB_NONE || (f->cb_set & m[i].cb)))
                return &m[i];
    return NULL;
}

/* XEP-0480: what the account could not log in with until now, where the password is known. What is sent is as good as
 * the password for that mechanism, so it goes to a server only that has proved to know it, or gets it anyway. */
static uint32_t plan_upgrades(const ep_plan *out, const ep_facts *f, const ep_policy *p)
{
    bool fit = out->mech->kind == EP_SASL_SCRAM || out->mech->kind == EP_SASL_PLAIN;
    return fit && f->have_password && !p->no_upgrade ? f->features->upgrades & ~f->features->sasl2_mechs : 0;
}

static void plan_flight(ep_plan *out, uint32_t steps)
{
    if (steps && out->flight_count < sizeof out->flights / sizeof *out->flights)
        out->flights[out->flight_count++] = (uint16_t)steps;
}

/* The bind and all that may follow it in the same write: the server takes one after the other. */
static uint32_t session_steps(const ep_plan *plan, const ep_facts *f, const ep_policy *p)
{
    uint32_t steps = EP_STEP_BIND, bits = f->session_features->bits;
    if (f->takes_behind_bind == EP_HABIT_NO)
        return steps;
    if (p->want_carbons && !plan->draft)
        steps |= EP_STEP_CARBONS;
    if (p->want_sm && (bits & EP_F_SM))
        steps |= EP_STEP_ENABLE;
    if (p->inactive && (bits & EP_F_CSI))
        steps |= EP_STEP_INACTIVE;
    if (p->stanzas && f->takes_stanzas != EP_HABIT_NO)
        steps |= EP_STEP_STANZAS;
    return steps;
}

/* Its drafts have no way to resume: a session to resume comes first, and what follows it is the next flight. */
static bool plan_draft(const ep_facts *f)
{
    return f->session_features && (f->session_features->bits & EP_F_BIND_DRAFT);
}

void ep_plan_session(ep_plan *plan, const ep_facts *f, const ep_policy *p)
{
    plan->flight_count = 0;
    plan->draft = plan_draft(f);
    /* What a flight with <resume/> is followed by is counted before our retransmissions: nothing is. */
    if (f->resumable && (f->session_features->bits & EP_F_SM))
        plan_flight(plan, EP_STEP_RESUME);
    plan_flight(plan, session_steps(plan, f, p));
}

static void plan_inline(ep_plan *out, const ep_facts *f, const ep_policy *p)
{
    uint32_t bits = f->features->bits;
    out->inline_resume = f->resumable && (bits & EP_F_SASL2_SM);
    /* With something to resume that cannot be resumed inline, a bind would end it: resume comes first. */
    out->bind2 = (bits & EP_F_BIND2) && (!f->resumable || out->inline_resume);
    out->inline_sm = out->bind2 && p->want_sm && (bits & EP_F_BIND2_SM);
    out->inline_carbons = out->bind2 && p->want_carbons && (bits & EP_F_BIND2_CARBONS);
    out->inline_inactive = out->bind2 && p->inactive && (bits & EP_F_BIND2_CSI);
    if ((bits & EP_F_FAST) && !p->no_fast_path && ep_plan_token_due(f, p))
        out->request_token = plan_request(f, p);
    out->upgrades = plan_upgrades(out, f, p);
}

/* Stanzas ride with a login that ends in a new session. Where it is not known that the server bears them they are
 * tried with a good token only, never with <resume/>: they would be counted before what is sent again. */
static bool plan_stanzas(const ep_plan *out, const ep_facts *f, const ep_policy *p)
{
    if (!p->stanzas || !out->guess || !out->bind2 || f->resumable || f->takes_stanzas == EP_HABIT_NO ||
        f->has_tasks == EP_HABIT_YES || out->upgrades)
        return false;
    /* They must be the first that the session counts. */
    if (p->want_sm && !out->inline_sm)
        return false;
    return f->takes_stanzas == EP_HABIT_YES ||
           (f->takes_pipelining == EP_HABIT_YES && out->use_token && !ep_plan_token_due(f, p));
}

/* Whether a second header and what follows it may leave with the last word of SASL1. Two specifications oblige a
 * server to take it: XEP-0305, 4, and XEP-0386 0.1 to 0.3, 3.3. Of others it is never tried: ejabberd hangs in silence,
 * and Prosody (0.12 and 13) answers all of it and then ends the stream at the next stanza that comes in a read of its own,
 * which a client takes for a session that works. */
static bool plan_together(const ep_plan *out, const ep_facts *f, const ep_policy *p)
{
    if (!f->session_features || p->no_fast_path || f->takes_legacy_pipelining == EP_HABIT_NO)
        return false;
    return f->takes_legacy_pipelining == EP_HABIT_YES || (f->features->bits & EP_F_PIPELINING) || out->draft;
}

/* SASL1 ends with a stream restart; what may follow it in the same write is what is known to come. */
static void plan_legacy(ep_plan *out, const ep_facts *f, const ep_policy *p, uint32_t first)
{
    uint32_t restart = EP_STEP_RESTART, rest = 0;
    out->draft = plan_draft(f);
    if (f->session_features && !p->no_fast_path) {
        bool resume = f->resumable && (f->session_features->bits & EP_F_SM);
        rest = resume ? session_steps(out, f, p) : 0;
        restart |= resume ? EP_STEP_RESUME : session_steps(out, f, p);
    }
    bool together = plan_together(out, f, p);
    if (out->mech->one_step) {
        plan_flight(out, first | (together ? restart : 0));
    } else {
        plan_flight(out, first);
        plan_flight(out, EP_STEP_RESPONSE | (together ? restart : 0));
    }
    if (!together)
        plan_flight(out, restart);
    plan_flight(out, rest);
}

static epode_status plan_refuse(const ep_facts *f, bool weaker, ep_error *err)
{
    epode_status st = EPODE_EAUTH;
    const ep_features *k = f->features;
    if (weaker)
        ep_fail(err, st = EPODE_EDOWNGRADE, 0,
                "the server offers only weaker authentication than it did before; forget what is "
                "remembered of it to accept that");
    else if (f->refused_mechs)
        ep_fail(err, st, 0, "the server refused the credentials with every mechanism that it offers");
    else if (!f->have_password && !f->keys && !f->have_certificate && !f->have_bearer)
        ep_fail(err, st, 0, "a password is needed");
    else if ((k->sasl1_mechs | k->sasl2_mechs) & ep_sasl_mech_named("PLAIN")->bit)
        ep_fail(err, st, 0, "the server offers PLAIN only, which was not allowed");
    else
        ep_fail(err, st, 0, "the server offers no mechanism that this client can use");
    ep_error_set_final(err, true);
    return st;
}

/* XEP-0484, 3.4: FAST with a count is safe against replay, where the server says that it looks. What is asked for
 * once (a new token) is not. */
static bool plan_early(const ep_plan *out, const ep_facts *f, const ep_policy *p)
{
    return out->guess && out->use_token && (f->features->bits & EP_F_FAST_0RTT) && out->mech->cb != EP_CB_EXPR &&
           out->mech->cb != EP_CB_UNIQ && !ep_plan_token_due(f, p);
}

epode_status ep_plan_login(ep_plan *out, const ep_facts *f, const ep_policy *p, ep_error *err)
{
    memset(out, 0, sizeof *out);
    bool weaker = false;
    bool guess = !f->live && f->features && !p->no_fast_path && f->takes_pipelining != EP_HABIT_NO;
    if (!f->live && !guess) {
        plan_flight(out, EP_STEP_HEADER);
        return EPODE_OK;
    }
    if (offers_sasl2(f, p) && !p->no_fast_path && plan_token(f)) {
        out->mech = f->token_mech;
        out->use_token = out->sasl2 = true;
    }
    if (!out->mech && !plan_credentials(out, f, p, &weaker)) {
        out->ask = f->live && plan_ask(f, p, &weaker);
        if (out->ask)
            return EPODE_OK;
        if (f->live)
            return plan_refuse(f, weaker, err);
        plan_flight(out, EP_STEP_HEADER);
        return EPODE_OK;
    }
    /* A password in the clear waits until this stream has offered it, unless PLAIN was allowed: it was. */
    out->cb = out->mech->plus ? plan_cb(f) : EP_CB_NONE;
    out->guess = guess;
    uint32_t first = EP_STEP_AUTH | (f->live ? 0 : EP_STEP_HEADER);
    if (!out->sasl2) {
        plan_legacy(out, f, p, first);
        return EPODE_OK;
    }
    plan_inline(out, f, p);
    out->early = f->early && plan_early(out, f, p);
    if (f->early && !out->early)
        return EPODE_OK;
    uint32_t behind = plan_stanzas(out, f, p) ? EP_STEP_STANZAS : 0;
    plan_flight(out, first | (out->mech->one_step ? behind : 0));
    if (!out->mech->one_step)
        plan_flight(out, EP_STEP_RESPONSE | behind);
    return EPODE_OK;
}
