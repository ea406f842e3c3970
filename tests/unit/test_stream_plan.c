/* test_stream_plan.c: the planner as a table: what is known goes in, flights come out. */
#include "../support/check.h"

#include "stream/plan.h"

#define H   EP_STEP_HEADER
#define A   EP_STEP_AUTH
#define P   EP_STEP_RESPONSE
#define R   EP_STEP_RESTART
#define RS  EP_STEP_RESUME
#define B   EP_STEP_BIND
#define C   EP_STEP_CARBONS
#define E   EP_STEP_ENABLE
#define I   EP_STEP_INACTIVE
#define BCE (B | C | E)

/* What a server offers. */
#define SHA1    (1u << 6)
#define SHA1P   (1u << 3)
#define SHA256  (1u << 5)
#define SHA512P (1u << 1)
#define PLAIN   (1u << 7)
#define EXT     (1u << 0)
#define EXPR    (1u << 8)
#define ENDP    (1u << 9)
#define UNIQ    (1u << 10)
#define NONE    (1u << 11)
#define OAUTH   (1u << 16)

#define BIND2   (EP_F_SASL2 | EP_F_BIND2)
#define ALL     (BIND2 | EP_F_BIND2_SM | EP_F_BIND2_CARBONS | EP_F_BIND2_CSI | EP_F_SASL2_SM | EP_F_FAST)
#define SESSION (EP_F_BIND | EP_F_SM | EP_F_CSI)

enum { INLINE_RESUME = 1, BIND_2 = 2, IN_SM = 4, IN_CARBONS = 8, IN_INACTIVE = 16, GUESS = 32, SASL2 = 64, TOKEN = 128 };

#define DAY (24LL * 3600 * 1000)

typedef struct row {
    const char *name;
    /* in */
    uint32_t bits, sasl1, sasl2, fast; /* bits 0: features unknown */
    uint32_t session;                  /* 0: unknown */
    ep_facts f;
    ep_policy p; /* carbons and SM are wanted unless no_sm is set below */
    bool less;   /* neither carbons nor SM */
    /* out */
    const char *mech, *request;
    ep_cb cb;
    uint32_t out;
    uint16_t flights[5];
} row;

static const ep_scram_keys keys1 = { .mechanism = "SCRAM-SHA-1" };

static const row rows[] = {
    /* nothing remembered, and what forbids to guess */
    { "nothing remembered", .f = { .have_password = true }, .flights = { H } },
    { "no fast path", .bits = ALL, .sasl2 = SHA1, .f = { .have_password = true },
      .p = { .no_fast_path = true }, .flights = { H } },
    { "RFC 6120 only, whatever is offered", .bits = ALL | EP_F_SASL1, .sasl1 = SHA1, .sasl2 = SHA256,
      .f = { .have_password = true }, .p = { .no_sasl2 = true }, .mech = "SCRAM-SHA-1", .out = GUESS, .flights = { H | A, P, R } },
    { "RFC 6120 only, seen live", .bits = ALL | EP_F_SASL1, .sasl1 = SHA1, .sasl2 = SHA256, .fast = EXPR,
      .f = { .have_password = true, .live = true }, .p = { .no_sasl2 = true }, .mech = "SCRAM-SHA-1", .flights = { A, P, R } },
    { "pipelining refused before", .bits = ALL, .sasl2 = SHA1,
      .f = { .have_password = true, .takes_pipelining = EP_HABIT_NO }, .flights = { H } },
    { "remembered, but nothing usable: no guess, no error", .bits = EP_F_SASL1, .sasl1 = PLAIN,
      .f = { .have_password = true }, .flights = { H } },
    /* SASL2 + Bind 2 */
    { "SCRAM, all inline", .bits = ALL, .sasl2 = SHA1 | SHA1P | PLAIN, .fast = NONE | EXPR,
      .f = { .have_password = true, .cb_set = EP_CB_EXPR | EP_CB_ENDP },
      .mech = "SCRAM-SHA-1-PLUS", .request = "HT-SHA-256-EXPR", .cb = EP_CB_EXPR,
      .out = SASL2 | GUESS | BIND_2 | IN_SM | IN_CARBONS, .flights = { H | A, P } },
    { "the same, seen live", .bits = ALL, .sasl2 = SHA1 | SHA1P, .fast = EXPR,
      .f = { .live = true, .have_password = true, .cb_set = EP_CB_EXPR },
      .p = { .inactive = true }, .mech = "SCRAM-SHA-1-PLUS", .request = "HT-SHA-256-EXPR",
      .cb = EP_CB_EXPR, .out = SASL2 | BIND_2 | IN_SM | IN_CARBONS | IN_INACTIVE,
      .flights = { A, P } },
    { "live, no fast path: no token is asked for", .bits = ALL, .sasl2 = SHA1, .fast = EXPR,
      .f = { .live = true, .have_password = true, .cb_set = EP_CB_EXPR },
      .p = { .no_fast_path = true }, .mech = "SCRAM-SHA-1",
      .out = SASL2 | BIND_2 | IN_SM | IN_CARBONS, .flights = { A, P } },
    { "inline only where listed", .bits = BIND2, .sasl2 = SHA1, .f = { .have_password = true },
      .p = { .inactive = true }, .mech = "SCRAM-SHA-1", .out = SASL2 | GUESS | BIND_2,
      .flights = { H | A, P } },
    { "nothing is wanted", .bits = ALL & ~EP_F_FAST, .sasl2 = SHA1,
      .f = { .have_password = true }, .less = true, .mech = "SCRAM-SHA-1",
      .out = SASL2 | GUESS | BIND_2, .flights = { H | A, P } },
    { "SASL2 without Bind 2", .bits = EP_F_SASL2, .sasl2 = SHA1, .f = { .have_password = true },
      .mech = "SCRAM-SHA-1", .out = SASL2 | GUESS, .flights = { H | A, P } },
    { "SASL2 before SASL1", .bits = ALL | EP_F_SASL1, .sasl1 = SHA512P, .sasl2 = SHA1,
      .session = SESSION, .f = { .have_password = true, .cb_set = EP_CB_EXPR },
      .mech = "SCRAM-SHA-1", .out = SASL2 | GUESS | BIND_2 | IN_SM | IN_CARBONS,
      .flights = { H | A, P } },
    { "PLAIN is one step", .bits = ALL, .sasl2 = PLAIN, .f = { .have_password = true },
      .p = { .allow_plain = true }, .mech = "PLAIN",
      .out = SASL2 | GUESS | BIND_2 | IN_SM | IN_CARBONS, .flights = { H | A } },
    { "PLAIN only if nothing is better", .bits = ALL, .sasl2 = PLAIN | SHA1,
      .f = { .have_password = true }, .p = { .allow_plain = true }, .mech = "SCRAM-SHA-1",
      .out = SASL2 | GUESS | BIND_2 | IN_SM | IN_CARBONS, .flights = { H | A, P } },
    { "a certificate is best", .bits = ALL, .sasl2 = EXT | SHA512P | PLAIN,
      .f = { .have_password = true, .have_certificate = true, .cb_set = EP_CB_EXPR },
      .p = { .allow_plain = true }, .mech = "EXTERNAL",
      .out = SASL2 | GUESS | BIND_2 | IN_SM | IN_CARBONS, .flights = { H | A } },
    { "no certificate, no EXTERNAL", .bits = ALL, .sasl2 = EXT | SHA1,
      .f = { .have_password = true }, .mech = "SCRAM-SHA-1",
      .out = SASL2 | GUESS | BIND_2 | IN_SM | IN_CARBONS, .flights = { H | A, P } },
    { "refused mechanisms are out", .bits = ALL, .sasl2 = SHA1 | SHA256,
      .f = { .have_password = true, .live = true, .refused_mechs = SHA256 },
      .mech = "SCRAM-SHA-1", .out = SASL2 | BIND_2 | IN_SM | IN_CARBONS, .flights = { A, P } },
    { "keys are enough for their mechanism", .bits = ALL, .sasl2 = SHA1 | SHA256,
      .f = { .keys = &keys1 }, .mech = "SCRAM-SHA-1",
      .out = SASL2 | GUESS | BIND_2 | IN_SM | IN_CARBONS, .flights = { H | A, P } },
    { "and for its -PLUS", .bits = ALL, .sasl2 = SHA1 | SHA1P | SHA512P,
      .f = { .keys = &keys1, .cb_set = EP_CB_ENDP }, .mech = "SCRAM-SHA-1-PLUS",
      .cb = EP_CB_ENDP, .out = SASL2 | GUESS | BIND_2 | IN_SM | IN_CARBONS,
      .flights = { H | A, P } },
    /* resumption inline */
    { "resume inline, nothing behind it", .bits = ALL, .sasl2 = SHA1, .session = SESSION,
      .f = { .have_password = true, .resumable = true }, .mech = "SCRAM-SHA-1",
      .out = SASL2 | GUESS | INLINE_RESUME | BIND_2 | IN_SM | IN_CARBONS,
      .flights = { H | A, P } },
    { "resume not inline: no bind that would end it", .bits = ALL & ~EP_F_SASL2_SM,
      .sasl2 = SHA1, .session = SESSION, .f = { .have_password = true, .resumable = true },
      .mech = "SCRAM-SHA-1", .out = SASL2 | GUESS, .flights = { H | A, P } },
    /* RFC 6120 */
    { "RFC 6120, session unknown", .bits = EP_F_SASL1, .sasl1 = SHA1,
      .f = { .have_password = true }, .mech = "SCRAM-SHA-1", .out = GUESS,
      .flights = { H | A, P, R } },
    { "RFC 6120, session known", .bits = EP_F_SASL1, .sasl1 = SHA1, .session = SESSION,
      .f = { .have_password = true }, .p = { .inactive = true }, .mech = "SCRAM-SHA-1",
      .out = GUESS, .flights = { H | A, P, R | BCE | I } },
    { "RFC 6120, seen to take all in one write", .bits = EP_F_SASL1, .sasl1 = SHA1,
      .session = SESSION,
      .f = { .have_password = true, .takes_legacy_pipelining = EP_HABIT_YES },
      .mech = "SCRAM-SHA-1", .out = GUESS, .flights = { H | A, P | R | BCE } },
    { "unknown is not yes", .bits = EP_F_SASL1, .sasl1 = PLAIN, .session = SESSION,
      .f = { .have_password = true }, .p = { .allow_plain = true }, .mech = "PLAIN",
      .out = GUESS, .flights = { H | A, R | BCE } },
    { "PLAIN in one write", .bits = EP_F_SASL1, .sasl1 = PLAIN, .session = SESSION,
      .f = { .have_password = true, .takes_legacy_pipelining = EP_HABIT_YES },
      .p = { .allow_plain = true }, .mech = "PLAIN", .out = GUESS,
      .flights = { H | A | R | BCE } },
    { "what the session lacks is not asked for", .bits = EP_F_SASL1, .sasl1 = PLAIN,
      .session = EP_F_BIND, .f = { .have_password = true },
      .p = { .allow_plain = true, .inactive = true }, .mech = "PLAIN", .out = GUESS,
      .flights = { H | A, R | B | C } },
    { "legacy resume: alone, the bind after it", .bits = EP_F_SASL1, .sasl1 = PLAIN,
      .session = SESSION, .f = { .have_password = true, .resumable = true },
      .p = { .allow_plain = true }, .mech = "PLAIN", .out = GUESS,
      .flights = { H | A, R | RS, BCE } },
    { "legacy resume in one write", .bits = EP_F_SASL1, .sasl1 = PLAIN, .session = SESSION,
      .f = { .have_password = true, .resumable = true, .takes_legacy_pipelining = EP_HABIT_YES },
      .p = { .allow_plain = true }, .mech = "PLAIN", .out = GUESS,
      .flights = { H | A | R | RS, BCE } },
    { "nothing behind the bind where the server ends the stream for it", .bits = EP_F_SASL1, .sasl1 = PLAIN,
      .session = SESSION, .f = { .have_password = true, .takes_behind_bind = EP_HABIT_NO },
      .p = { .allow_plain = true, .stanzas = true, .inactive = true }, .mech = "PLAIN", .out = GUESS,
      .flights = { H | A, R | B } },
    { "stanzas ride behind the bind", .bits = EP_F_SASL1, .sasl1 = PLAIN, .session = SESSION,
      .f = { .have_password = true, .takes_legacy_pipelining = EP_HABIT_YES },
      .p = { .allow_plain = true, .stanzas = true }, .mech = "PLAIN", .out = GUESS,
      .flights = { H | A | R | BCE | EP_STEP_STANZAS } },
    { "never behind a resumption", .bits = EP_F_SASL1, .sasl1 = PLAIN, .session = SESSION,
      .f = { .have_password = true, .resumable = true, .takes_legacy_pipelining = EP_HABIT_YES },
      .p = { .allow_plain = true, .stanzas = true }, .mech = "PLAIN", .out = GUESS,
      .flights = { H | A | R | RS, BCE | EP_STEP_STANZAS } },
    { "that a login sent ahead was borne says nothing of it", .bits = EP_F_SASL1, .sasl1 = PLAIN,
      .session = SESSION, .f = { .have_password = true, .takes_pipelining = EP_HABIT_YES },
      .p = { .allow_plain = true }, .mech = "PLAIN", .out = GUESS,
      .flights = { H | A, R | BCE } },
    { "a binding whose types are not said", .bits = EP_F_SASL1, .sasl1 = SHA1 | SHA1P,
      .f = { .have_password = true, .cb_set = EP_CB_EXPR }, .mech = "SCRAM-SHA-1-PLUS", .cb = EP_CB_EXPR,
      .out = GUESS, .flights = { H | A, P, R } },
    { "and which was refused before", .bits = EP_F_SASL1, .sasl1 = SHA1 | SHA1P,
      .f = { .have_password = true, .cb_set = EP_CB_EXPR, .pinned = EP_SASL_CLASS_SCRAM }, .mech = "SCRAM-SHA-1",
      .out = GUESS, .flights = { H | A, P, R } },
    { "not tried again where it was not borne", .bits = EP_F_SASL1 | EP_F_PIPELINING,
      .sasl1 = PLAIN, .session = SESSION,
      .f = { .have_password = true, .takes_pipelining = EP_HABIT_YES,
             .takes_legacy_pipelining = EP_HABIT_NO },
      .p = { .allow_plain = true }, .mech = "PLAIN", .out = GUESS, .flights = { H | A, R | BCE } },
    { "XEP-0305 obliges the server", .bits = EP_F_SASL1 | EP_F_PIPELINING, .sasl1 = SHA1,
      .session = SESSION, .f = { .have_password = true }, .mech = "SCRAM-SHA-1", .out = GUESS,
      .flights = { H | A, P | R | BCE } },
    { "so do the drafts of Bind 2, which need no carbons", .bits = EP_F_SASL1, .sasl1 = PLAIN,
      .session = SESSION | EP_F_BIND_DRAFT, .f = { .have_password = true },
      .p = { .allow_plain = true }, .mech = "PLAIN", .out = GUESS,
      .flights = { H | A | R | B | EP_STEP_ENABLE } },
    { "live, no fast path: step by step", .bits = EP_F_SASL1, .sasl1 = PLAIN, .session = SESSION,
      .f = { .live = true, .have_password = true, .takes_legacy_pipelining = EP_HABIT_YES },
      .p = { .allow_plain = true, .no_fast_path = true }, .mech = "PLAIN", .flights = { A, R } },
};

static ep_plan plan_of(const row *r, epode_status *st, ep_error *err, const ep_sasl_mech *token)
{
    ep_plan plan;
    ep_features features = { .bits = r->bits, .sasl1_mechs = r->sasl1, .sasl2_mechs = r->sasl2,
                             .fast_mechs = r->fast };
    ep_features session = { .bits = r->session };
    ep_facts f = r->f;
    ep_policy p = r->p;
    f.features = r->bits ? &features : NULL;
    f.session_features = r->session ? &session : NULL;
    f.token_mech = token;
    p.want_carbons = p.want_sm = !r->less;
    *st = ep_plan_login(&plan, &f, &p, err);
    return plan;
}

static uint32_t flags_of(const ep_plan *p)
{
    return (p->inline_resume ? INLINE_RESUME : 0) | (p->bind2 ? BIND_2 : 0) | (p->inline_sm ? IN_SM : 0) |
           (p->inline_carbons ? IN_CARBONS : 0) | (p->inline_inactive ? IN_INACTIVE : 0) |
           (p->guess ? GUESS : 0) | (p->sasl2 ? SASL2 : 0) | (p->use_token ? TOKEN : 0);
}

static const char *name_of(const ep_sasl_mech *m)
{
    return m ? m->name : "none";
}

static void every_row_gives_its_flights(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const row *r = &rows[i];
        epode_status st;
        ep_plan p = plan_of(r, &st, NULL, NULL);
        assert_int_equal(st, EPODE_OK);
        if (strcmp(name_of(p.mech), r->mech ? r->mech : "none") != 0)
            fail_msg("%s: mechanism %s", r->name, name_of(p.mech));
        if (strcmp(name_of(p.request_token), r->request ? r->request : "none") != 0)
            fail_msg("%s: asks for %s", r->name, name_of(p.request_token));
        if (flags_of(&p) != r->out || p.cb != r->cb)
            fail_msg("%s: flags %x, not %x; binding %d", r->name, flags_of(&p), r->out, p.cb);
        for (size_t k = 0; k < COUNT(r->flights); k++)
            if ((k < p.flight_count ? p.flights[k] : 0) != r->flights[k])
                fail_msg("%s: flight %zu is %x, not %x", r->name, k, k < p.flight_count ? p.flights[k] : 0,
                         r->flights[k]);
    }
}

static void nothing_ever_rides_behind_a_resume(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int resumable = 0; resumable <= 1; resumable++) {
            row r = rows[i];
            epode_status st;
            r.f.resumable = resumable;
            ep_plan p = plan_of(&r, &st, NULL, NULL);
            for (size_t k = 0; k < p.flight_count; k++)
                assert_false((p.flights[k] & RS) && (p.flights[k] & (B | C | E | I)));
        }
}

static void the_binding_is_what_both_sides_have(void **state)
{
    (void)state;
    static const struct {
        uint32_t have, listed, offered; /* listed 0: the server does not say */
        ep_cb cb;                       /* NONE: -PLUS cannot be used */
    } cbs[] = {
        { EP_CB_EXPR | EP_CB_ENDP, 0, 0, EP_CB_EXPR },
        { EP_CB_UNIQ | EP_CB_ENDP, 0, 0, EP_CB_UNIQ },
        { EP_CB_EXPR | EP_CB_ENDP, 1, EP_CB_ENDP, EP_CB_ENDP },
        { EP_CB_EXPR, 1, EP_CB_UNIQ, EP_CB_NONE },
        { EP_CB_EXPR, 1, 0, EP_CB_NONE },
        { 0, 0, 0, EP_CB_NONE },
    };
    for (size_t i = 0; i < COUNT(cbs); i++) {
        ep_plan p;
        ep_policy policy = { 0 };
        ep_features features = { .bits = EP_F_SASL2 | (cbs[i].listed ? EP_F_CB_LISTED : 0),
                                 .sasl2_mechs = SHA1 | SHA1P, .cb_types = cbs[i].offered };
        ep_facts f = { .features = &features, .live = true, .have_password = true, .cb_set = cbs[i].have };
        assert_int_equal(ep_plan_login(&p, &f, &policy, NULL), EPODE_OK);
        assert_int_equal(p.cb, cbs[i].cb);
        assert_int_equal(p.mech->plus, cbs[i].cb != EP_CB_NONE);
    }
}

static void a_token_is_used_while_it_lives_and_fits(void **state)
{
    (void)state;
    static const struct {
        const char *mech;
        uint32_t offered, have;
        int64_t age, life; /* life 0: not known */
        bool no_fast_path;
        const char *use, *request;
    } t[] = {
        { "HT-SHA-256-EXPR", EXPR | NONE, EP_CB_EXPR, DAY, 10 * DAY, false, "HT-SHA-256-EXPR", "none" },
        { "HT-SHA-256-EXPR", EXPR | NONE, EP_CB_EXPR, 5 * DAY - 1, 10 * DAY, false, "HT-SHA-256-EXPR", "none" },
        { "HT-SHA-256-EXPR", EXPR | NONE, EP_CB_EXPR, 5 * DAY, 10 * DAY, false, "HT-SHA-256-EXPR", "HT-SHA-256-EXPR" },
        { "HT-SHA-256-EXPR", EXPR | NONE, EP_CB_EXPR, 10 * DAY - 61000, 10 * DAY, false, "HT-SHA-256-EXPR",
          "HT-SHA-256-EXPR" },
        { "HT-SHA-256-EXPR", EXPR | NONE, EP_CB_EXPR, 10 * DAY - 59000, 10 * DAY, false, "SCRAM-SHA-1",
          "HT-SHA-256-EXPR" },
        { "HT-SHA-256-EXPR", EXPR, EP_CB_EXPR, 11 * DAY, 10 * DAY, false, "SCRAM-SHA-1", "HT-SHA-256-EXPR" },
        { "HT-SHA-256-EXPR", EXPR, EP_CB_EXPR, 11 * DAY, 0, false, "HT-SHA-256-EXPR", "none" },
        { "HT-SHA-256-EXPR", NONE, EP_CB_EXPR, DAY, 10 * DAY, false, "SCRAM-SHA-1", "none" },
        { "HT-SHA-256-EXPR", EXPR, EP_CB_ENDP, DAY, 10 * DAY, false, "SCRAM-SHA-1", "none" },
        { "HT-SHA-256-UNIQ", EXPR | UNIQ, EP_CB_UNIQ, 6 * DAY, 10 * DAY, false, "HT-SHA-256-UNIQ", "HT-SHA-256-UNIQ" },
        { "HT-SHA-256-UNIQ", EXPR | UNIQ, EP_CB_EXPR, DAY, 10 * DAY, false, "SCRAM-SHA-1", "none" },
        { "HT-SHA-256-NONE", EXPR | NONE, 0, DAY, 10 * DAY, false, "HT-SHA-256-NONE", "none" },
        { "HT-SHA-256-NONE", EXPR | NONE, 0, DAY, 10 * DAY, true, "SCRAM-SHA-1", "none" },
        { NULL, EXPR | ENDP | UNIQ | NONE, EP_CB_EXPR | EP_CB_ENDP, 0, 0, false, "SCRAM-SHA-1", "HT-SHA-256-EXPR" },
        { NULL, EXPR | ENDP | UNIQ | NONE, EP_CB_UNIQ | EP_CB_ENDP, 0, 0, false, "SCRAM-SHA-1", "HT-SHA-256-UNIQ" },
        { NULL, UNIQ | NONE, EP_CB_EXPR | EP_CB_ENDP, 0, 0, false, "SCRAM-SHA-1", "HT-SHA-256-NONE" },
        { NULL, EXPR | ENDP | NONE, EP_CB_ENDP, 0, 0, false, "SCRAM-SHA-1", "HT-SHA-256-ENDP" },
        { NULL, EXPR, 0, 0, 0, false, "SCRAM-SHA-1", "none" },
    };
    for (size_t i = 0; i < COUNT(t); i++) {
        ep_plan p;
        ep_policy policy = { .no_fast_path = t[i].no_fast_path };
        ep_features features = { .bits = ALL, .sasl2_mechs = SHA1, .fast_mechs = t[i].offered };
        int64_t issued = 1000 * DAY;
        ep_facts f = { .features = &features, .live = true, .have_password = true, .cb_set = t[i].have,
                       .token_mech = ep_sasl_mech_named(t[i].mech), .token_issued_ms = issued,
                       .token_expires_ms = t[i].life ? issued + t[i].life : 0, .now_ms = issued + t[i].age };
        assert_int_equal(ep_plan_login(&p, &f, &policy, NULL), EPODE_OK);
        if (strcmp(p.mech->name, t[i].use) != 0 || strcmp(name_of(p.request_token), t[i].request) != 0)
            fail_msg("row %zu: uses %s, asks for %s", i, p.mech->name, name_of(p.request_token));
        assert_int_equal(p.use_token, p.mech->kind == EP_SASL_HT);
        if (p.use_token)
            assert_int_equal(p.flight_count, 1);
    }
}

static void a_token_is_asked_for_in_the_kind_that_is_wanted(void **state)
{
    (void)state;
    enum { H512 = 4 }; /* the bits of SHA-512 are those of SHA-256, shifted */
    static const struct {
        uint32_t offered, have;
        bool early, zero_rtt;
        const char *request;
    } t[] = {
        { EXPR | ENDP | EXPR << H512 | ENDP << H512, EP_CB_EXPR | EP_CB_ENDP, false, true, "HT-SHA-512-EXPR" },
        { EXPR | ENDP | NONE << H512, EP_CB_EXPR | EP_CB_ENDP, false, true, "HT-SHA-256-EXPR" },
        /* The exporter does not exist while early data is sent. */
        { EXPR | ENDP | NONE, EP_CB_EXPR | EP_CB_ENDP, true, true, "HT-SHA-256-ENDP" },
        { EXPR | ENDP | ENDP << H512, EP_CB_EXPR | EP_CB_ENDP, true, true, "HT-SHA-512-ENDP" },
        { EXPR | ENDP, EP_CB_EXPR | EP_CB_ENDP, true, false, "HT-SHA-256-EXPR" },
        { EXPR | NONE, EP_CB_EXPR | EP_CB_ENDP, true, true, "HT-SHA-256-EXPR" },
        /* TLS 1.2 has no early data; tls-unique is its own. */
        { UNIQ | ENDP | UNIQ << H512, EP_CB_UNIQ | EP_CB_ENDP, true, true, "HT-SHA-512-UNIQ" },
        { UNIQ | ENDP, EP_CB_EXPR | EP_CB_ENDP, false, true, "HT-SHA-256-ENDP" },
        { NONE | NONE << H512, EP_CB_EXPR | EP_CB_ENDP, true, true, "HT-SHA-512-NONE" },
        { EXPR << H512 | NONE, 0, false, false, "HT-SHA-256-NONE" },
    };
    for (size_t i = 0; i < COUNT(t); i++) {
        ep_plan p;
        ep_policy policy = { .want_early_data = t[i].early };
        ep_features features = { .bits = ALL | (t[i].zero_rtt ? EP_F_FAST_0RTT : 0), .sasl2_mechs = SHA1,
                                 .fast_mechs = t[i].offered };
        ep_facts f = { .features = &features, .live = true, .have_password = true, .cb_set = t[i].have };
        assert_int_equal(ep_plan_login(&p, &f, &policy, NULL), EPODE_OK);
        if (strcmp(name_of(p.request_token), t[i].request) != 0)
            fail_msg("row %zu: asks for %s", i, name_of(p.request_token));
    }
}

static void a_secret_is_asked_for_only_where_it_is_needed_and_helps(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t mechs;
        ep_facts f;
        bool guess;
        epode_status status;
        const char *mech; /* NULL: asks, or fails */
        bool ask;
    } t[] = {
        { "nothing at hand", SHA1, { .can_ask = true }, false, EPODE_OK, NULL, true },
        { "nobody to ask", SHA1, { .can_ask = false }, false, EPODE_EAUTH, NULL, false },
        { "the password is there", SHA1, { .can_ask = true, .have_password = true }, false, EPODE_OK, "SCRAM-SHA-1", false },
        { "keys do for a weaker hash", SHA1 | SHA256, { .can_ask = true, .keys = &keys1 }, false, EPODE_OK, "SCRAM-SHA-1",
          false },
        { "a certificate does", SHA1 | EXT, { .can_ask = true, .have_certificate = true }, false, EPODE_OK, "EXTERNAL", false },
        { "OAuth alone: a token could be given", OAUTH, { .can_ask = true }, false, EPODE_OK, NULL, true },
        { "the token is there", OAUTH | SHA1, { .have_bearer = true }, false, EPODE_OK, "OAUTHBEARER", false },
        { "the password goes first", OAUTH | SHA1, { .have_bearer = true, .have_password = true }, false, EPODE_OK,
          "SCRAM-SHA-1", false },
        { "PLAIN that is not allowed is no reason to ask", PLAIN, { .can_ask = true }, false, EPODE_EAUTH, NULL, false },
        { "weaker than before is no reason either", OAUTH, { .can_ask = true, .pinned = EP_SASL_CLASS_SCRAM }, false,
          EPODE_EDOWNGRADE, NULL, false },
        { "nobody is asked for a guess", SHA1, { .can_ask = true }, true, EPODE_OK, NULL, false },
    };
    for (size_t i = 0; i < COUNT(t); i++) {
        ep_plan p;
        ep_policy policy = { 0 };
        ep_features features = { .bits = EP_F_SASL2, .sasl2_mechs = t[i].mechs };
        ep_facts f = t[i].f;
        f.features = &features;
        f.live = !t[i].guess;
        epode_status st = ep_plan_login(&p, &f, &policy, NULL);
        if (st != t[i].status || p.ask != t[i].ask || (p.mech != NULL) != (t[i].mech != NULL) ||
            (p.mech && strcmp(p.mech->name, t[i].mech) != 0))
            fail_msg("%s: %s, %s%s", t[i].name, epode_status_name(st), name_of(p.mech), p.ask ? ", asks" : "");
    }
}

static void an_upgrade_is_wished_for_where_the_password_is_known(void **state)
{
    (void)state;
    static const struct {
        uint32_t mechs, upgrades;
        ep_facts f;
        ep_policy p;
        uint32_t wished;
    } t[] = {
        { SHA1, SHA256, { .have_password = true }, { 0 }, SHA256 },
        { SHA1 | SHA256, SHA256, { .have_password = true }, { 0 }, 0 },
        { SHA1, SHA256, { .have_password = true }, { .no_upgrade = true }, 0 },
        { SHA1, SHA256, { .keys = &keys1 }, { 0 }, 0 },
        { PLAIN, SHA256, { .have_password = true }, { .allow_plain = true }, SHA256 },
        { EXT, SHA256, { .have_password = true, .have_certificate = true }, { 0 }, 0 },
        { OAUTH, SHA256, { .have_bearer = true }, { 0 }, 0 },
    };
    for (size_t i = 0; i < COUNT(t); i++) {
        ep_plan p;
        ep_features features = { .bits = ALL & ~EP_F_FAST, .sasl2_mechs = t[i].mechs, .upgrades = t[i].upgrades };
        ep_facts f = t[i].f;
        f.features = &features;
        f.live = true;
        assert_int_equal(ep_plan_login(&p, &f, &t[i].p, NULL), EPODE_OK);
        if (p.upgrades != t[i].wished)
            fail_msg("row %zu: wishes for %x", i, p.upgrades);
    }
}

static void where_tasks_were_seen_nothing_rides_behind(void **state)
{
    (void)state;
    for (int tasks = 0; tasks <= 1; tasks++) {
        ep_plan p;
        ep_policy policy = { .stanzas = true, .allow_plain = true };
        ep_features features = { .bits = ALL & ~EP_F_FAST, .sasl2_mechs = PLAIN };
        ep_facts f = { .features = &features, .have_password = true, .takes_stanzas = EP_HABIT_YES,
                       .has_tasks = tasks ? EP_HABIT_YES : EP_HABIT_UNKNOWN };
        assert_int_equal(ep_plan_login(&p, &f, &policy, NULL), EPODE_OK);
        assert_int_equal((p.flights[0] & EP_STEP_STANZAS) != 0, !tasks);
        /* Nor behind an upgrade, which is one. */
        features.upgrades = SHA256;
        assert_int_equal(ep_plan_login(&p, &f, &policy, NULL), EPODE_OK);
        assert_false(p.flights[0] & EP_STEP_STANZAS);
    }
}

static void types_that_do_not_fit_need_the_proof(void **state)
{
    (void)state;
    /* XEP-0440, 3: what may not be in order without somebody in between. */
    static const struct {
        const char *name, *names;
        bool listed, prove;
        uint32_t mechs, fast, types, have;
    } t[] = {
        { "no list", NULL, false, false, SHA1, 0, 0, EP_CB_EXPR },
        { "types without a mechanism", "tls-exporter", true, true, SHA1, 0, EP_CB_EXPR, EP_CB_EXPR },
        { "FAST's mechanisms use them", "tls-exporter", true, false, SHA1, EXPR, EP_CB_EXPR, EP_CB_EXPR },
        { "none of them is ours", "tls-bogus", true, true, SHA1 | SHA1P, 0, 0, EP_CB_EXPR | EP_CB_ENDP },
        { "the one that every server has, which we cannot", "tls-server-end-point", true, false, SHA1 | SHA1P, 0,
          EP_CB_ENDP, EP_CB_EXPR },
        { "ours alone, as of a connection that is not our own", "tls-exporter", true, false, SHA1 | SHA1P, 0, EP_CB_EXPR,
          EP_CB_ENDP },
        { "the same, and what is listed is nothing", "tls-bogus", true, true, SHA1 | SHA1P, 0, 0, EP_CB_ENDP },
        { "an empty list", "", true, false, SHA1, 0, 0, EP_CB_EXPR },
        { "we can none at all", "tls-bogus", true, false, SHA1 | SHA1P, 0, 0, 0 },
    };
    for (size_t i = 0; i < COUNT(t); i++)
        for (int sasl2 = 0; sasl2 <= 1; sasl2++) {
            ep_plan p;
            ep_policy policy = { 0 };
            ep_features features = { .bits = (sasl2 ? EP_F_SASL2 : EP_F_SASL1) | (t[i].listed ? EP_F_CB_LISTED : 0),
                                     .fast_mechs = t[i].fast, .cb_types = t[i].types,
                                     .cb_names = (char *)(uintptr_t)t[i].names };
            *(sasl2 ? &features.sasl2_mechs : &features.sasl1_mechs) = t[i].mechs;
            ep_facts f = { .features = &features, .live = true, .have_password = true, .cb_set = t[i].have };
            if (!sasl2 && t[i].fast)
                continue;
            assert_int_equal(ep_plan_login(&p, &f, &policy, NULL), EPODE_OK);
            assert_string_equal(p.mech->name, "SCRAM-SHA-1");
            if (p.prove != t[i].prove)
                fail_msg("%s: %d", t[i].name, p.prove);
        }
}

/* Held by another transport: a new one would replace it. */
static void a_token_of_another_transport_is_left_alone(void **state)
{
    static const struct {
        bool held;
        int64_t now_ms;
        bool due, due_kept;
    } t[] = { { false, 0, true, true }, { true, 1000, false, false }, { true, 6000, true, false }, { true, 10000, true, true } };
    (void)state;
    for (size_t i = 0; i < COUNT(t); i++) {
        ep_facts f = { .token_mech = t[i].held ? ep_sasl_mech_named("HT-SHA-256-EXPR") : NULL, .token_expires_ms = 10000,
                       .now_ms = t[i].now_ms };
        ep_policy own = { 0 }, other = { .keep_token = true };
        assert_int_equal(ep_plan_token_due(&f, &own), t[i].due);
        assert_int_equal(ep_plan_token_due(&f, &other), t[i].due_kept);
    }
}

static void what_is_weaker_than_before_is_an_error(void **state)
{
    (void)state;
    static const struct {
        uint32_t offered;
        ep_sasl_class pinned;
        bool plain, password, certificate;
        epode_status status;
        const char *mech;
        bool prove; /* goes on only with the hash of XEP-0474 */
    } d[] = {
        { SHA1, EP_SASL_CLASS_SCRAM_CB, false, true, false, EPODE_OK, "SCRAM-SHA-1", true },
        { SHA1 | SHA1P, EP_SASL_CLASS_SCRAM_CB, false, true, false, EPODE_OK, "SCRAM-SHA-1-PLUS", false },
        { SHA1, EP_SASL_CLASS_SCRAM, false, true, false, EPODE_OK, "SCRAM-SHA-1", false }, /* the class, not the hash */
        { PLAIN, EP_SASL_CLASS_SCRAM, true, true, false, EPODE_EDOWNGRADE, NULL, false },
        { PLAIN, EP_SASL_CLASS_PLAIN, true, true, false, EPODE_OK, "PLAIN", false },
        { PLAIN, EP_SASL_CLASS_NONE, true, true, false, EPODE_OK, "PLAIN", false },
        { PLAIN, EP_SASL_CLASS_NONE, false, true, false, EPODE_EAUTH, NULL, false },
        { PLAIN | SHA1, EP_SASL_CLASS_SCRAM_CB, true, true, false, EPODE_OK, "SCRAM-SHA-1", true },
        /* Without its certificate the application chose another way itself, but PLAIN is never one. */
        { PLAIN | SHA1P, EP_SASL_CLASS_EXTERNAL, true, true, false, EPODE_OK, "SCRAM-SHA-1-PLUS", false },
        { PLAIN | SHA1P, EP_SASL_CLASS_EXTERNAL, true, true, true, EPODE_OK, "SCRAM-SHA-1-PLUS", true },
        { PLAIN, EP_SASL_CLASS_EXTERNAL, true, true, false, EPODE_EDOWNGRADE, NULL, false },
        { PLAIN, EP_SASL_CLASS_EXTERNAL, true, true, true, EPODE_EDOWNGRADE, NULL, false },
        { EXT, EP_SASL_CLASS_EXTERNAL, false, false, true, EPODE_OK, "EXTERNAL", false },
        { SHA1, EP_SASL_CLASS_NONE, false, false, false, EPODE_EAUTH, NULL, false },
        { 0, EP_SASL_CLASS_NONE, true, true, true, EPODE_EAUTH, NULL, false },
    };
    for (size_t i = 0; i < COUNT(d); i++)
        for (int sasl2 = 0; sasl2 <= 1; sasl2++) {
            ep_plan p;
            ep_error err = { 0 };
            ep_policy policy = { .allow_plain = d[i].plain };
            ep_features features = { .bits = sasl2 ? EP_F_SASL2 : EP_F_SASL1, .sasl1_mechs = sasl2 ? 0 : d[i].offered,
                                     .sasl2_mechs = sasl2 ? d[i].offered : 0 };
            ep_facts f = { .features = &features, .live = true, .have_password = d[i].password,
                           .have_certificate = d[i].certificate, .cb_set = EP_CB_EXPR, .pinned = d[i].pinned };
            epode_status st = ep_plan_login(&p, &f, &policy, &err);
            if (st != d[i].status)
                fail_msg("row %zu: %s", i, epode_status_name(st));
            if (st) {
                assert_true(epode_error_is_final(&err));
                assert_null(p.mech);
                /* A guess is only left out: what is remembered may be old. */
                f.live = false;
                assert_int_equal(ep_plan_login(&p, &f, &policy, NULL), EPODE_OK);
                assert_int_equal(p.flight_count, 1);
                assert_int_equal(p.flights[0], H);
            } else {
                assert_string_equal(p.mech->name, d[i].mech);
                assert_int_equal(p.prove, d[i].prove);
            }
        }
}

static void the_session_is_planned_by_its_features(void **state)
{
    (void)state;
    static const struct {
        uint32_t bits;
        bool resumable, less, inactive;
        uint16_t flights[2];
    } s[] = {
        { SESSION, false, false, false, { BCE } },     { SESSION, true, false, true, { RS, BCE | I } },
        { EP_F_BIND, true, false, true, { B | C } },   { SESSION, false, true, false, { B } },
        { EP_F_BIND | EP_F_CSI, false, true, true, { B | I } },
    };
    for (size_t i = 0; i < COUNT(s); i++) {
        ep_plan p = { .flight_count = 3 };
        ep_features after = { .bits = s[i].bits };
        ep_facts f = { .session_features = &after, .resumable = s[i].resumable };
        ep_policy policy = { .want_carbons = !s[i].less, .want_sm = !s[i].less, .inactive = s[i].inactive };
        ep_plan_session(&p, &f, &policy);
        assert_int_equal(p.flight_count, s[i].flights[1] ? 2 : 1);
        for (size_t k = 0; k < p.flight_count; k++)
            assert_int_equal(p.flights[k], s[i].flights[k]);
    }
}

static void every_step_has_a_name(void **state)
{
    (void)state;
    for (uint32_t a = 1; a < 1u << EP_STEP_COUNT; a <<= 1)
        for (uint32_t b = a << 1; b <= 1u << EP_STEP_COUNT; b <<= 1)
            assert_string_not_equal(ep_step_name((ep_step)a), ep_step_name((ep_step)b));
}

static void only_a_login_that_a_count_protects_leaves_early(void **state)
{
    (void)state;
    static const struct {
        const char *token;
        uint32_t bits; /* taken away */
        int64_t issued_days;
        bool early;
    } e[] = {
        { "HT-SHA-256-ENDP", 0, -1, true },
        { "HT-SHA-256-NONE", 0, -1, true },
        { "HT-SHA-256-EXPR", 0, -1, false }, /* its binding comes with the end of the handshake */
        { "HT-SHA-256-UNIQ", 0, -1, false },
        { NULL, 0, -1, false },              /* a password never */
        { "HT-SHA-256-ENDP", EP_F_FAST_0RTT, -1, false },
        { "HT-SHA-256-ENDP", 0, -15, false }, /* a new one is asked for, and that is not to be replayed */
        { "HT-SHA-256-ENDP", 0, -30, false },
    };
    for (size_t i = 0; i < COUNT(e); i++)
        for (int resumable = 0; resumable <= 1; resumable++) {
            ep_plan p;
            ep_policy policy = { .want_carbons = true, .want_sm = true, .want_early_data = true, .allow_plain = true };
            ep_features features = { .bits = (ALL | EP_F_FAST_0RTT) & ~e[i].bits, .sasl2_mechs = SHA1 | PLAIN,
                                     .fast_mechs = EXPR | ENDP | UNIQ | NONE };
            ep_facts f = { .features = &features, .have_password = true, .cb_set = EP_CB_ENDP, .early = true,
                           .resumable = resumable, .token_mech = ep_sasl_mech_named(e[i].token), .now_ms = 40 * DAY,
                           .token_issued_ms = (40 + e[i].issued_days) * DAY,
                           .token_expires_ms = (60 + e[i].issued_days) * DAY };
            if (e[i].token && e[i].issued_days == -30)
                f.token_expires_ms = 39 * DAY;
            assert_int_equal(ep_plan_login(&p, &f, &policy, NULL), EPODE_OK);
            if (p.early != e[i].early)
                fail_msg("%zu: early %d", i, p.early);
            if (!e[i].early)
                continue;
            assert_int_equal(p.flights[0], H | A);
            assert_true(p.use_token && !p.request_token && p.inline_resume == resumable);
        }
}

static void a_token_for_early_data_is_asked_for_where_it_is_taken(void **state)
{
    (void)state;
    static const struct {
        bool want, zero_rtt;
        const char *held, *asked;
    } e[] = {
        { true, true, NULL, "HT-SHA-256-ENDP" },
        { true, false, NULL, "HT-SHA-256-EXPR" },
        { false, true, NULL, "HT-SHA-256-EXPR" },
        { true, true, "HT-SHA-256-EXPR", "HT-SHA-256-ENDP" },
        { true, true, "HT-SHA-256-ENDP", NULL },
        { false, true, "HT-SHA-256-EXPR", NULL },
    };
    for (size_t i = 0; i < COUNT(e); i++) {
        ep_plan p;
        ep_policy policy = { .want_early_data = e[i].want };
        ep_features features = { .bits = ALL | (e[i].zero_rtt ? EP_F_FAST_0RTT : 0), .sasl2_mechs = SHA1,
                                 .fast_mechs = EXPR | ENDP | NONE };
        ep_facts f = { .features = &features, .live = true, .have_password = true, .cb_set = EP_CB_ENDP | EP_CB_EXPR,
                       .token_mech = e[i].held ? ep_sasl_mech_named(e[i].held) : NULL, .now_ms = 2 * DAY,
                       .token_issued_ms = DAY, .token_expires_ms = 20 * DAY };
        assert_int_equal(ep_plan_login(&p, &f, &policy, NULL), EPODE_OK);
        if (strcmp(name_of(p.request_token), e[i].asked ? e[i].asked : "none") != 0)
            fail_msg("%zu: asks for %s", i, name_of(p.request_token));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_gives_its_flights),
        cmocka_unit_test(nothing_ever_rides_behind_a_resume),
        cmocka_unit_test(the_binding_is_what_both_sides_have),
        cmocka_unit_test(a_token_is_used_while_it_lives_and_fits),
        cmocka_unit_test(a_token_is_asked_for_in_the_kind_that_is_wanted),
        cmocka_unit_test(a_secret_is_asked_for_only_where_it_is_needed_and_helps),
        cmocka_unit_test(an_upgrade_is_wished_for_where_the_password_is_known),
        cmocka_unit_test(where_tasks_were_seen_nothing_rides_behind),
        cmocka_unit_test(types_that_do_not_fit_need_the_proof),
        cmocka_unit_test(a_token_of_another_transport_is_left_alone),
        cmocka_unit_test(what_is_weaker_than_before_is_an_error),
        cmocka_unit_test(the_session_is_planned_by_its_features),
        cmocka_unit_test(only_a_login_that_a_count_protects_leaves_early),
        cmocka_unit_test(a_token_for_early_data_is_asked_for_where_it_is_taken),
        cmocka_unit_test(every_step_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
