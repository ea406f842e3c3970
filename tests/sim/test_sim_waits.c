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

static void inactive(ep_stream_config *c)
{
    plain(c);
    c->policy.inactive = true;
}

#define ONLY_PLAIN "mechanisms=PLAIN;"
#define RFC6120    "sasl2=off;"
#define NO_PLUS    "mechanisms=SCRAM-SHA-1 PLAIN;"

static const row rows[] = {
    { "SASL2, SCRAM, cold", "", NULL, NULL, false, false, false, NULL, 0, 3, "SCRAM-SHA-512-PLUS", "bind2", "token " },
    { "SASL2, SCRAM, warm", "", NULL, NULL, true, false, false, NULL, 0, 2, "SCRAM-SHA-512-PLUS", "bind2", "token " },
    { "SASL2, SCRAM by keys", "fast=off", NULL, NULL, true, false, false, no_password, 0, 2, "SCRAM-SHA-512-PLUS", "bind2", NULL },
    { "SASL2, SCRAM, warm, no fast path", "", NULL, NULL, true, false, false, no_fast_path, 0, 3, "SCRAM-SHA-512-PLUS", "bind2", NULL },
    { "SASL2, PLAIN, cold", ONLY_PLAIN, NULL, NULL, false, false, false, plain, 0, 2, "PLAIN", "bind2", NULL },
    { "SASL2, PLAIN, warm", ONLY_PLAIN, NULL, NULL, true, false, false, plain, 0, 1, "PLAIN", "bind2", NULL },
    { "SASL2, PLAIN, warm, inactive", ONLY_PLAIN, NULL, NULL, true, false, false, inactive, 0, 1, "PLAIN", "bind2", NULL },
    { "SASL2, PLAIN, nothing wanted", ONLY_PLAIN, NULL, NULL, true, false, false, nothing_wanted, 0, 1, "PLAIN", "bind2", NULL },
    { "SASL2 in strict mode", "strict=on", NULL, NULL, true, true, false, NULL, 0, 1, "HT-SHA-256-EXPR", "bind2", NULL },
    { "FAST, EXPR", "", NULL, NULL, true, true, false, NULL, 0, 1, "HT-SHA-256-EXPR", "bind2", NULL },
    { "FAST, no password", "", NULL, NULL, true, true, false, no_password, 0, 1, "HT-SHA-256-EXPR", "bind2", NULL },
    { "FAST, cold features", "", NULL, NULL, false, true, false, NULL, 0, 2, "HT-SHA-256-EXPR", "bind2", NULL },
    { "FAST, NONE", "fast-mechanisms=HT-SHA-256-NONE", NULL, NULL, true, true, false, NULL, 0, 1, "HT-SHA-256-NONE", "bind2", NULL },
    { "FAST, ENDP", "fast-mechanisms=HT-SHA-256-ENDP", NULL, NULL, true, true, false, NULL, 0, 1, "HT-SHA-256-ENDP", "bind2", NULL },
    { "FAST, UNIQ under TLS 1.2", "cb-types=tls-unique", NULL, NULL, true, true, false, NULL, EP_CB_UNIQ, 1, "HT-SHA-256-UNIQ", "bind2", NULL },
    { "FAST, rotated each time", "token-rotation=always", NULL, NULL, true, true, false, NULL, 0, 1, "HT-SHA-256-EXPR", "bind2", "token " },
    { "Bind 2 off", ONLY_PLAIN "bind2=off", NULL, NULL, true, false, false, plain, 0, 2, "PLAIN", "rfc6120", NULL },
    { "SM not inline", ONLY_PLAIN "sm-inline=off", NULL, NULL, true, false, false, plain, 0, 2, "PLAIN", "bind2", NULL },
    { "carbons not inline", ONLY_PLAIN "carbons-inline=off", NULL, NULL, true, false, false, plain, 0, 2, "PLAIN", "bind2", NULL },
    { "RFC 6120, PLAIN, cold", RFC6120 ONLY_PLAIN, NULL, NULL, false, false, false, plain, 0, 4, "PLAIN", "rfc6120", NULL },
    { "RFC 6120, PLAIN, warm", RFC6120 ONLY_PLAIN, NULL, NULL, true, false, false, plain, 0, 2, "PLAIN", "rfc6120", NULL },
    { "RFC 6120, PLAIN, together", RFC6120 ONLY_PLAIN, NULL, NULL, true, false, false, plain_together, 0, 1, "PLAIN", "rfc6120", NULL },
    { "RFC 6120, SCRAM, cold", RFC6120, NULL, NULL, false, false, false, NULL, 0, 5, "SCRAM-SHA-512-PLUS", "rfc6120", NULL },
    { "RFC 6120, SCRAM, warm", RFC6120, NULL, NULL, true, false, false, NULL, 0, 3, "SCRAM-SHA-512-PLUS", "rfc6120", NULL },
    { "RFC 6120, SCRAM, together", RFC6120, NULL, NULL, true, false, false, together, 0, 2, "SCRAM-SHA-512-PLUS", "rfc6120", NULL },
    { "resumed inline, FAST", "", NULL, NULL, true, true, true, NULL, 0, 1, "HT-SHA-256-EXPR", NULL, "resumed acked=0" },
    { "resumed inline, PLAIN", ONLY_PLAIN, NULL, NULL, true, false, true, plain, 0, 1, "PLAIN", NULL, "resumed acked=0" },
    { "resumed inline, no features after it", "resume-features=off", NULL, NULL, true, true, true, NULL, 0, 1, "HT-SHA-256-EXPR", NULL, "resumed acked=0" },
    { "resumed inline, SCRAM, cold", "", NULL, NULL, false, false, true, NULL, 0, 3, "SCRAM-SHA-512-PLUS", NULL, "resumed acked=0" },
    { "not resumed inline, FAST", "", NULL, "forget-sm", true, true, true, NULL, 0, 1, "HT-SHA-256-EXPR", "bind2", "resume-failed item-not-found acked=0" },
    { "not resumed inline, no h", "sm-failed-h=off", NULL, "forget-sm", true, true, true, NULL, 0, 1, "HT-SHA-256-EXPR", "bind2", "resume-failed item-not-found\n" },
    { "resumed behind SASL2", ONLY_PLAIN "sm-inline=off", NULL, NULL, true, false, true, plain, 0, 2, "PLAIN", NULL, "resumed acked=0" },
    { "resumed, RFC 6120, PLAIN", RFC6120 ONLY_PLAIN, NULL, NULL, true, false, true, plain, 0, 2, "PLAIN", NULL, "resumed acked=0" },
    { "resumed, RFC 6120, together", RFC6120 ONLY_PLAIN, NULL, NULL, true, false, true, plain_together, 0, 1, "PLAIN", NULL, "resumed acked=0" },
    { "resumed, RFC 6120, cold", RFC6120 ONLY_PLAIN, NULL, NULL, false, false, true, plain, 0, 4, "PLAIN", NULL, "resumed acked=0" },
    { "not resumed, RFC 6120", RFC6120 ONLY_PLAIN, NULL, "forget-sm", true, false, true, plain, 0, 3, "PLAIN", "rfc6120", "resume-failed item-not-found" },
    { "not resumed, RFC 6120, together", RFC6120 ONLY_PLAIN, NULL, "forget-sm", true, false, true, plain_together, 0, 2, "PLAIN", "rfc6120", "resume-failed item-not-found" },
    /* wrong guesses: they cost time, never the login */
    { "token forgotten by the server", "", NULL, "forget-tokens", true, true, false, NULL, 0, 3, "SCRAM-SHA-512-PLUS", "bind2", "token-dead not-authorized" },
    { "token expired", "", NULL, "expire-tokens", true, true, false, NULL, 0, 3, "SCRAM-SHA-512-PLUS", "bind2", "token-dead credentials-expired" },
    { "FAST gone", "", "fast=off", NULL, true, true, false, NULL, 0, 3, "SCRAM-SHA-512-PLUS", "bind2", "wrong-guess pipelined-authentication features-changed" },
    { "the mechanism gone", "", "mechanisms=SCRAM-SHA-256-PLUS SCRAM-SHA-256", NULL, true, false, false, NULL, 0, 3, "SCRAM-SHA-256-PLUS", "bind2", "wrong-guess pipelined-authentication features-changed" },
    { "-PLUS come up (y)", NO_PLUS "cb-list=off;fast=off", "mechanisms=SCRAM-SHA-1-PLUS SCRAM-SHA-1", NULL, true, false, false, NULL, 0, 3, "SCRAM-SHA-1-PLUS", "bind2", "wrong-guess pipelined-authentication features-changed" },
    { "config-version as remembered", "config-version=on", NULL, NULL, true, true, false, NULL, 0, 1, "HT-SHA-256-EXPR", "bind2", NULL },
    { "config-version changed", "config-version=on", "limits=off", NULL, true, true, false, NULL, 0, 2, "HT-SHA-256-EXPR", "bind2", "wrong-guess pipelined-authentication config-version-mismatch" },
    { "SM gone", ONLY_PLAIN, "sm=off", NULL, true, false, false, plain, 0, 1, "PLAIN", "bind2", NULL },
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
