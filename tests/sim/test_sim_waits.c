/* test_sim_waits.c: how many times each way of logging in waits for the server, and that it waits no more: ready comes
 * exactly that many round trips after TLS. */
#include "../support/sim.h"

typedef struct row {
    const char *name;
    const char *server;  /* its features before the first login */
    const char *between; /* and what changes before the measured one */
    const char *control; /* a control line then */
    bool warm, token, resume; /* remembered: features; also the token; also the session */
    void (*tune)(ep_stream_config *c);
    uint32_t cb_types;   /* 0: TLS 1.3's */
    bool legacy;         /* what follows SASL1 is sent behind its last word */
    unsigned waits;
    const char *mech, *bind, *log; /* log: must occur among the events */
} row;

static void plain(ep_stream_config *c)
{
    c->policy.allow_plain = true;
    c->facts.pinned = EP_SASL_CLASS_NONE;
}

static void plain_together(ep_stream_config *c)
{
    plain(c);
    c->facts.takes_legacy_pipelining = EP_HABIT_YES;
}

static void together(ep_stream_config *c)
{
    c->facts.takes_legacy_pipelining = EP_HABIT_YES;
}

static void plain_borne(ep_stream_config *c)
{
    plain(c);
    c->facts.takes_pipelining = EP_HABIT_YES;
}

static void borne(ep_stream_config *c)
{
    c->facts.takes_pipelining = EP_HABIT_YES;
}

static void no_fast_path(ep_stream_config *c)
{
    c->policy.no_fast_path = true;
}

static void no_password(ep_stream_config *c)
{
    c->password = NULL;
}

static void nothing_wanted(ep_stream_config *c)
{
    plain(c);
    c->policy.want_carbons = c->policy.want_sm = false;
}

static void bearer(ep_stream_config *c)
{
    c->password = NULL;
    c->bearer = "tok.en";
}

static void certificate(ep_stream_config *c)
{
    c->password = NULL;
    c->facts.have_certificate = true;
}

static void inactive(ep_stream_config *c)
{
    plain(c);
    c->policy.inactive = true;
}

#define ONLY_PLAIN "mechanisms=PLAIN;"
#define RFC6120    "sasl2=off;"
#define CERTIFICATE "mechanisms=EXTERNAL PLAIN;fast=off;"
#define OAUTH      "mechanisms=OAUTHBEARER PLAIN;fast=off;oauth-token=tok.en;"
#define DRAFT      "bind2-draft=on;bind2=off;"
#define NO_PLUS    "mechanisms=SCRAM-SHA-1 PLAIN;"

static const row rows[] = {
    { "SASL2, SCRAM, cold", .waits = 3, .mech = "SCRAM-SHA-512-PLUS", .bind = "bind2",
      .log = "token " },
    { "SASL2, SCRAM, warm", .warm = true, .waits = 2, .mech = "SCRAM-SHA-512-PLUS",
      .bind = "bind2", .log = "token " },
    { "SASL2, SCRAM by keys", .server = "fast=off", .warm = true, .tune = no_password,
      .waits = 2, .mech = "SCRAM-SHA-512-PLUS", .bind = "bind2" },
    { "SASL2, SCRAM, warm, no fast path", .warm = true, .tune = no_fast_path, .waits = 3,
      .mech = "SCRAM-SHA-512-PLUS", .bind = "bind2" },
    { "SASL2, PLAIN, cold", .server = ONLY_PLAIN, .tune = plain, .waits = 2, .mech = "PLAIN",
      .bind = "bind2" },
    { "SASL2, PLAIN, warm", .server = ONLY_PLAIN, .warm = true, .tune = plain, .waits = 1,
      .mech = "PLAIN", .bind = "bind2" },
    { "SASL2, PLAIN, warm, inactive", .server = ONLY_PLAIN, .warm = true, .tune = inactive,
      .waits = 1, .mech = "PLAIN", .bind = "bind2" },
    { "SASL2, PLAIN, nothing wanted", .server = ONLY_PLAIN, .warm = true, .tune = nothing_wanted,
      .waits = 1, .mech = "PLAIN", .bind = "bind2" },
    { "SASL2 in strict mode", .server = "strict=on", .warm = true, .token = true, .waits = 1,
      .mech = "HT-SHA-512-EXPR", .bind = "bind2" },
    { "FAST, EXPR", .warm = true, .token = true, .waits = 1, .mech = "HT-SHA-512-EXPR",
      .bind = "bind2" },
    { "FAST, no password", .warm = true, .token = true, .tune = no_password, .waits = 1,
      .mech = "HT-SHA-512-EXPR", .bind = "bind2" },
    { "FAST, cold features", .token = true, .waits = 2, .mech = "HT-SHA-512-EXPR",
      .bind = "bind2" },
    { "FAST, NONE", .server = "fast-mechanisms=HT-SHA-512-NONE", .warm = true, .token = true,
      .waits = 1, .mech = "HT-SHA-512-NONE", .bind = "bind2" },
    { "FAST, ENDP", .server = "fast-mechanisms=HT-SHA-512-ENDP", .warm = true, .token = true,
      .waits = 1, .mech = "HT-SHA-512-ENDP", .bind = "bind2" },
    { "FAST, UNIQ under TLS 1.2", .server = "cb-types=tls-unique", .warm = true, .token = true,
      .cb_types = EP_CB_UNIQ, .waits = 1, .mech = "HT-SHA-512-UNIQ", .bind = "bind2" },
    { "FAST, rotated each time", .server = "token-rotation=always", .warm = true, .token = true,
      .waits = 1, .mech = "HT-SHA-512-EXPR", .bind = "bind2", .log = "token " },
    { "EXTERNAL, cold", .server = CERTIFICATE, .tune = certificate, .waits = 2, .mech = "EXTERNAL",
      .bind = "bind2" },
    { "EXTERNAL, warm", .server = CERTIFICATE, .warm = true, .tune = certificate, .waits = 1,
      .mech = "EXTERNAL", .bind = "bind2" },
    { "RFC 6120, EXTERNAL, warm, XEP-0305", .server = RFC6120 CERTIFICATE "pipelining=on",
      .warm = true, .tune = certificate, .waits = 1, .mech = "EXTERNAL", .bind = "rfc6120", .legacy = true },
    { "OAUTHBEARER, cold", .server = OAUTH, .tune = bearer, .waits = 2, .mech = "OAUTHBEARER",
      .bind = "bind2" },
    { "OAUTHBEARER, warm", .server = OAUTH, .warm = true, .tune = bearer, .waits = 1,
      .mech = "OAUTHBEARER", .bind = "bind2" },
    { "RFC 6120, OAUTHBEARER, warm, XEP-0305", .server = RFC6120 OAUTH "pipelining=on",
      .warm = true, .tune = bearer, .waits = 1, .mech = "OAUTHBEARER", .bind = "rfc6120", .legacy = true },
    { "a second factor, cold", .server = "second-factor=123456", .waits = 4,
      .mech = "SCRAM-SHA-512-PLUS", .bind = "bind2", .log = "tasks TOTP-EXAMPLE" },
    { "a second factor, warm", .server = "second-factor=123456", .warm = true, .waits = 3,
      .mech = "SCRAM-SHA-512-PLUS", .bind = "bind2", .log = "tasks TOTP-EXAMPLE" },
    { "a second factor, by token", .server = "second-factor=123456", .warm = true, .token = true,
      .waits = 1, .mech = "HT-SHA-512-EXPR", .bind = "bind2" },
    { "an upgrade of SCRAM", .server = "upgrades=SCRAM-SHA-512", .waits = 5,
      .mech = "SCRAM-SHA-256-PLUS", .bind = "bind2" },
    { "XEP-0474, cold", .server = "scram-downgrade-hash=on", .waits = 3,
      .mech = "SCRAM-SHA-512-PLUS", .bind = "bind2" },
    { "XEP-0474, warm", .server = "scram-downgrade-hash=on", .warm = true, .waits = 2,
      .mech = "SCRAM-SHA-512-PLUS", .bind = "bind2" },
    { "RFC 6120, XEP-0474, cold", .server = RFC6120 "scram-downgrade-hash=on", .waits = 5,
      .mech = "SCRAM-SHA-512-PLUS", .bind = "rfc6120" },
    { "Bind 2 off", .server = ONLY_PLAIN "bind2=off", .warm = true, .tune = plain, .waits = 2,
      .mech = "PLAIN", .bind = "rfc6120" },
    { "SM not inline", .server = ONLY_PLAIN "sm-inline=off", .warm = true, .tune = plain,
      .waits = 2, .mech = "PLAIN", .bind = "bind2" },
    { "carbons not inline", .server = ONLY_PLAIN "carbons-inline=off", .warm = true,
      .tune = plain, .waits = 2, .mech = "PLAIN", .bind = "bind2" },
    { "RFC 6120, PLAIN, cold", .server = RFC6120 ONLY_PLAIN, .tune = plain, .waits = 4,
      .mech = "PLAIN", .bind = "rfc6120" },
    { "RFC 6120, PLAIN, warm", .server = RFC6120 ONLY_PLAIN, .warm = true, .tune = plain,
      .waits = 2, .mech = "PLAIN", .bind = "rfc6120" },
    { "RFC 6120, PLAIN, together", .server = RFC6120 ONLY_PLAIN, .warm = true,
      .tune = plain_together, .waits = 1, .mech = "PLAIN", .bind = "rfc6120" },
    { "RFC 6120, SCRAM, cold", .server = RFC6120, .waits = 5, .mech = "SCRAM-SHA-512-PLUS",
      .bind = "rfc6120" },
    { "RFC 6120, SCRAM, warm", .server = RFC6120, .warm = true, .waits = 3,
      .mech = "SCRAM-SHA-512-PLUS", .bind = "rfc6120" },
    { "RFC 6120, SCRAM, together", .server = RFC6120, .warm = true, .tune = together, .waits = 2,
      .mech = "SCRAM-SHA-512-PLUS", .bind = "rfc6120" },
    { "resumed inline, FAST", .warm = true, .token = true, .resume = true, .waits = 1,
      .mech = "HT-SHA-512-EXPR", .log = "resumed acked=0" },
    { "resumed inline, PLAIN", .server = ONLY_PLAIN, .warm = true, .resume = true, .tune = plain,
      .waits = 1, .mech = "PLAIN", .log = "resumed acked=0" },
    { "resumed inline, no features after it", .server = "resume-features=off", .warm = true,
      .token = true, .resume = true, .waits = 1, .mech = "HT-SHA-512-EXPR",
      .log = "resumed acked=0" },
    { "resumed inline, SCRAM, cold", .resume = true, .waits = 3, .mech = "SCRAM-SHA-512-PLUS",
      .log = "resumed acked=0" },
    { "not resumed inline, FAST", .control = "forget-sm", .warm = true, .token = true,
      .resume = true, .waits = 1, .mech = "HT-SHA-512-EXPR", .bind = "bind2",
      .log = "resume-failed item-not-found acked=0" },
    { "not resumed inline, no h", .server = "sm-failed-h=off", .control = "forget-sm",
      .warm = true, .token = true, .resume = true, .waits = 1, .mech = "HT-SHA-512-EXPR",
      .bind = "bind2", .log = "resume-failed item-not-found\n" },
    { "resumed behind SASL2", .server = ONLY_PLAIN "sm-inline=off", .warm = true, .resume = true,
      .tune = plain, .waits = 2, .mech = "PLAIN", .log = "resumed acked=0" },
    { "resumed, RFC 6120, PLAIN", .server = RFC6120 ONLY_PLAIN, .warm = true, .resume = true,
      .tune = plain, .waits = 2, .mech = "PLAIN", .log = "resumed acked=0" },
    { "resumed, RFC 6120, together", .server = RFC6120 ONLY_PLAIN, .warm = true, .resume = true,
      .tune = plain_together, .waits = 1, .mech = "PLAIN", .log = "resumed acked=0" },
    { "resumed, RFC 6120, cold", .server = RFC6120 ONLY_PLAIN, .resume = true, .tune = plain,
      .waits = 4, .mech = "PLAIN", .log = "resumed acked=0" },
    { "not resumed, RFC 6120", .server = RFC6120 ONLY_PLAIN, .control = "forget-sm",
      .warm = true, .resume = true, .tune = plain, .waits = 3, .mech = "PLAIN",
      .bind = "rfc6120", .log = "resume-failed item-not-found" },
    { "not resumed, RFC 6120, together", .server = RFC6120 ONLY_PLAIN, .control = "forget-sm",
      .warm = true, .resume = true, .tune = plain_together, .waits = 2, .mech = "PLAIN",
      .bind = "rfc6120", .log = "resume-failed item-not-found" },
    /* XEP-0305: its own counts, without and with pipelining, of the exchanges inside TLS */
    { "XEP-0305, PLAIN", .server = RFC6120 ONLY_PLAIN "pipelining=on", .warm = true, .tune = plain,
      .legacy = true, .waits = 1, .mech = "PLAIN", .bind = "rfc6120" },
    { "XEP-0305, SCRAM", .server = RFC6120 "pipelining=on", .warm = true, .legacy = true,
      .waits = 2, .mech = "SCRAM-SHA-512-PLUS", .bind = "rfc6120" },
    { "XEP-0305, PLAIN, resumed", .server = RFC6120 ONLY_PLAIN "pipelining=on", .warm = true,
      .resume = true, .tune = plain, .legacy = true, .waits = 1, .mech = "PLAIN",
      .log = "resumed acked=0" },
    { "RFC 6120, PLAIN, not announced, not tried", .server = RFC6120 ONLY_PLAIN, .warm = true,
      .tune = plain_borne, .waits = 2, .mech = "PLAIN", .bind = "rfc6120" },
    { "RFC 6120, SCRAM, not announced, not tried", .server = RFC6120, .warm = true, .tune = borne,
      .waits = 3, .mech = "SCRAM-SHA-512-PLUS", .bind = "rfc6120" },
    /* Bind 2 as first drafted */
    { "draft, SASL1, PLAIN, cold", .server = RFC6120 ONLY_PLAIN DRAFT, .tune = plain, .waits = 4,
      .mech = "PLAIN", .bind = "draft" },
    { "draft, SASL1, PLAIN, warm", .server = RFC6120 ONLY_PLAIN DRAFT, .warm = true, .tune = plain,
      .legacy = true, .waits = 1, .mech = "PLAIN", .bind = "draft" },
    { "draft, SASL1, SCRAM, cold", .server = RFC6120 DRAFT, .waits = 5,
      .mech = "SCRAM-SHA-512-PLUS", .bind = "draft" },
    { "draft, SASL1, SCRAM, warm", .server = RFC6120 DRAFT, .warm = true, .legacy = true,
      .waits = 2, .mech = "SCRAM-SHA-512-PLUS", .bind = "draft" },
    { "draft, SASL1, PLAIN, resumed", .server = RFC6120 ONLY_PLAIN DRAFT, .warm = true,
      .resume = true, .tune = plain, .legacy = true, .waits = 1, .mech = "PLAIN",
      .log = "resumed acked=0" },
    { "draft, SASL1, PLAIN, not resumed", .server = RFC6120 ONLY_PLAIN DRAFT,
      .control = "forget-sm", .warm = true, .resume = true, .tune = plain, .legacy = true,
      .waits = 2, .mech = "PLAIN", .bind = "draft", .log = "resume-failed item-not-found" },
    { "draft, SASL2, PLAIN, cold", .server = ONLY_PLAIN DRAFT, .tune = plain, .waits = 3,
      .mech = "PLAIN", .bind = "draft" },
    { "draft, SASL2, PLAIN, warm", .server = ONLY_PLAIN DRAFT, .warm = true, .tune = plain,
      .waits = 2, .mech = "PLAIN", .bind = "draft" },
    { "draft, FAST", .server = DRAFT, .warm = true, .token = true, .waits = 2,
      .mech = "HT-SHA-512-EXPR", .bind = "draft" },
    { "draft, without unreads", .server = RFC6120 ONLY_PLAIN DRAFT "bind2-unreads=off",
      .warm = true, .tune = plain, .legacy = true, .waits = 1, .mech = "PLAIN", .bind = "draft" },
    { "both drafted and inline: inline", .server = ONLY_PLAIN "bind2-draft=on", .warm = true,
      .tune = plain, .waits = 1, .mech = "PLAIN", .bind = "bind2" },
    /* wrong guesses: they cost time, never the login */
    { "token forgotten by the server", .control = "forget-tokens", .warm = true, .token = true,
      .waits = 3, .mech = "SCRAM-SHA-512-PLUS", .bind = "bind2",
      .log = "token-dead not-authorized" },
    { "token expired", .control = "expire-tokens", .warm = true, .token = true, .waits = 3,
      .mech = "SCRAM-SHA-512-PLUS", .bind = "bind2", .log = "token-dead credentials-expired" },
    { "FAST gone", .between = "fast=off", .warm = true, .token = true, .waits = 3,
      .mech = "SCRAM-SHA-512-PLUS", .bind = "bind2",
      .log = "wrong-guess pipelined-authentication features-changed" },
    { "the mechanism gone", .between = "mechanisms=SCRAM-SHA-256-PLUS SCRAM-SHA-256",
      .warm = true, .waits = 3, .mech = "SCRAM-SHA-256-PLUS", .bind = "bind2",
      .log = "wrong-guess pipelined-authentication features-changed" },
    { "-PLUS come up (y)", .server = NO_PLUS "cb-list=off;fast=off",
      .between = "mechanisms=SCRAM-SHA-1-PLUS SCRAM-SHA-1", .warm = true, .waits = 3,
      .mech = "SCRAM-SHA-1-PLUS", .bind = "bind2",
      .log = "wrong-guess pipelined-authentication features-changed" },
    { "config-version as remembered", .server = "config-version=on", .warm = true, .token = true,
      .waits = 1, .mech = "HT-SHA-512-EXPR", .bind = "bind2" },
    { "config-version changed", .server = "config-version=on", .between = "limits=off",
      .warm = true, .token = true, .waits = 2, .mech = "HT-SHA-512-EXPR", .bind = "bind2",
      .log = "wrong-guess pipelined-authentication config-version-mismatch" },
    { "SM gone", .server = ONLY_PLAIN, .between = "sm=off", .warm = true, .tune = plain,
      .waits = 1, .mech = "PLAIN", .bind = "bind2" },
};

static void first_login(sim *s, const row *r)
{
    sim_connect(s, r->tune == no_password || r->tune == no_fast_path ? NULL : r->tune);
    sim_run(s, 5000000);
    if (s->r.readies != 1)
        fail_msg("%s: the first login: %s", r->name, ep_buf_cstr(&s->r.log));
    sim_disconnect(s);
    s->know_features = s->know_session = r->warm;
    if (!r->token)
        s->token[0] = '\0';
    if (!r->resume)
        s->sm_id[0] = '\0';
    if (r->tune != no_password)
        s->keys.mechanism[0] = '\0';
    s->now_us += 1000000;
}

static void check(const row *r, sim *s)
{
    const char *log = ep_buf_cstr(&s->r.log);
    const ep_flight *flights;
    ep_stream *st = s->r.s;
    if (s->r.readies != 1 || s->r.ends)
        fail_msg("%s: %s", r->name, log);
    if (ep_stream_waits(st) != r->waits)
        fail_msg("%s: %u waits, not %u\n%s", r->name, ep_stream_waits(st), r->waits, log);
    if (s->ready_us != (int64_t)r->waits * SIM_RTT_US)
        fail_msg("%s: ready after %lld us, said %u waits\n%s", r->name, (long long)s->ready_us, r->waits, log);
    if (strcmp(ep_stream_mech(st)->name, r->mech) != 0)
        fail_msg("%s: by %s", r->name, ep_stream_mech(st)->name);
    if (r->bind && !strstr(log, r->bind))
        fail_msg("%s: no bind by %s\n%s", r->name, r->bind, log);
    if (!r->bind && ep_stream_bind_kind(st) != EP_BIND_RESUMED)
        fail_msg("%s: not resumed\n%s", r->name, log);
    if (r->log && !strstr(log, r->log))
        fail_msg("%s: \"%s\" is not in\n%s", r->name, r->log, log);
    bool wrong = strstr(log, "wrong-guess pipelined-authentication") != NULL;
    bool legacy = r->legacy || (r->warm && (r->tune == together || r->tune == plain_together));
    assert_int_equal(ep_stream_pipelined(st), r->warm && r->tune != no_fast_path && !wrong);
    assert_int_equal(ep_stream_legacy_pipelined(st), legacy);
    assert_false(ep_stream_was_guessing(st));
    size_t n = ep_stream_flights(st, &flights);
    assert_int_equal(n, r->waits);
    for (size_t i = 0; i < n; i++) {
        assert_true(flights[i].steps && flights[i].bytes_out && flights[i].bytes_in);
        assert_true(flights[i].sent_us == s->started_us + (int64_t)i * SIM_RTT_US);
        assert_true(flights[i].answered_us == flights[i].sent_us + SIM_RTT_US);
    }
}

static void every_login_waits_as_often_as_it_must(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        static sim s;
        const row *r = &rows[i];
        sim_init(&s);
        sim_set(&s, r->server);
        s.cb_types = r->cb_types ? r->cb_types : s.cb_types;
        if (r->warm || r->token || r->resume)
            first_login(&s, r);
        sim_set(&s, r->between);
        if (r->control)
            sim_control(&s, r->control);
        sim_connect(&s, r->tune);
        sim_run(&s, 5000000);
        check(r, &s);
        sim_free(&s);
    }
}

static void what_was_enabled_is_what_the_server_has_enabled(void **state)
{
    (void)state;
    static const struct {
        const char *server;
        bool sm, carbons, csi;
        const char *lacks_sm, *lacks_carbons;
    } e[] = {
        { ONLY_PLAIN, true, true, true, NULL, NULL },
        { ONLY_PLAIN "sm=off", false, true, true, "not-offered", NULL },
        { ONLY_PLAIN "csi=off", true, true, false, NULL, NULL },
        { ONLY_PLAIN "sm-resume=off", true, true, true, NULL, NULL },
        { RFC6120 ONLY_PLAIN "sm=off", false, true, true, "not-offered", NULL },
        { RFC6120 ONLY_PLAIN "carbons=off", true, false, true, NULL, "refused" },
        { ONLY_PLAIN "carbons=off", true, false, true, NULL, "refused" },
    };
    for (size_t i = 0; i < COUNT(e); i++) {
        static sim s;
        sim_init(&s);
        sim_set(&s, e[i].server);
        sim_connect(&s, plain);
        sim_run(&s, 5000000);
        assert_int_equal(s.r.readies, 1);
        const ep_stream_lacks *lacks = ep_stream_lacks_of(s.r.s);
        assert_int_equal(ep_stream_has_sm(s.r.s), e[i].sm);
        assert_int_equal(ep_stream_has_carbons(s.r.s), e[i].carbons);
        assert_int_equal(ep_stream_has_csi(s.r.s), e[i].csi);
        assert_true(ep_streq(lacks->sm, e[i].lacks_sm));
        assert_true(ep_streq(lacks->carbons, e[i].lacks_carbons));
        assert_int_equal(s.r.sm_id[0] != '\0', e[i].sm && !strstr(e[i].server, "sm-resume"));
        sim_free(&s);
    }
}

static void a_token_is_used_over_and_over(void **state)
{
    (void)state;
    static sim s;
    sim_init(&s);
    for (int i = 0; i < 40; i++) {
        sim_connect(&s, NULL);
        sim_run(&s, 2000000);
        assert_int_equal(s.r.readies, 1);
        assert_int_equal(ep_stream_waits(s.r.s), i ? 1 : 3);
        if (i > 1)
            assert_int_equal(ep_stream_token_use(s.r.s), EP_TOKEN_USED);
        sim_disconnect(&s);
        s.sm_id[0] = '\0';
    }
    sim_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_login_waits_as_often_as_it_must),
        cmocka_unit_test(what_was_enabled_is_what_the_server_has_enabled),
        cmocka_unit_test(a_token_is_used_over_and_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
