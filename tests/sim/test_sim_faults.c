/* test_sim_faults.c: every way in which the reference server can misbehave towards the engine: a typed error, or a
 * login that goes on without the guess. Never two readies, never a dead token for the wrong reason. */
#include "../support/sim.h"

typedef struct row {
    const char *name;
    const char *server, *fault, *control; /* control: sent to the live session */
    bool warm, token, resume;
    void (*tune)(ep_stream_config *c);
    epode_status status; /* EPODE_OK: ready */
    const char *condition;
    bool final, guessing;
    unsigned readies;
    const char *log;
} row;

static void plain(ep_stream_config *c)
{
    c->policy.allow_plain = true;
}

static void together(ep_stream_config *c)
{
    c->policy.allow_plain = true;
    c->facts.takes_legacy_pipelining = EP_HABIT_YES;
}

static void borne(ep_stream_config *c)
{
    c->policy.allow_plain = true;
    c->facts.takes_pipelining = EP_HABIT_YES;
}

static void wrong_password(ep_stream_config *c)
{
    c->password = "wrong";
}

static void small_stanzas(ep_stream_config *c)
{
    plain(c);
    c->limits.max_stanza_bytes = 100000;
}

#define ONLY_PLAIN "mechanisms=PLAIN;"
#define RFC6120    "sasl2=off;"

static const row rows[] = {
    /* pipelining is not taken */
    { "drops what was sent ahead", .fault = "!no-pipelining=drop", .warm = true, .token = true,
      .status = EPODE_ETIMEOUT, .guessing = true },
    { "ends the stream for it", .fault = "!no-pipelining=error", .warm = true, .token = true,
      .status = EPODE_ESTREAM, .condition = "policy-violation", .guessing = true },
    { "hangs for it", .fault = "!no-pipelining=hang", .warm = true, .token = true,
      .status = EPODE_ETIMEOUT, .guessing = true },
    { "does not mind those who wait", .fault = "!no-pipelining=hang", .readies = 1 },
    { "loses what is behind <auth/>", .server = RFC6120 ONLY_PLAIN, .fault = "!legacy-hang=on",
      .warm = true, .tune = together, .status = EPODE_ETIMEOUT, .guessing = true,
      .log = "authenticated PLAIN" },
    { "would lose what is behind <auth/>", .server = RFC6120 ONLY_PLAIN,
      .fault = "!legacy-hang=on", .warm = true, .tune = borne, .readies = 1,
      .log = "authenticated PLAIN" },
    { "its draft of Bind 2 is gone", .server = RFC6120 ONLY_PLAIN "bind2-draft=on",
      .fault = "bind2-draft=off", .warm = true, .tune = plain, .status = EPODE_ESTREAM,
      .guessing = true, .log = "authenticated PLAIN" },
    { "silent after its header", .fault = "!silent-after-header=on", .warm = true, .token = true,
      .status = EPODE_ETIMEOUT, .guessing = true },
    { "stalls in the features", .fault = "!stall-at=*:300", .warm = true, .token = true,
      .status = EPODE_ETIMEOUT, .guessing = true },
    { "is slow", .fault = "!delay-answers=3000", .warm = true, .token = true, .readies = 1 },
    /* it does not prove itself */
    { "wrong signature", .fault = "!wrong-server-signature=on", .warm = true,
      .status = EPODE_EAUTH },
    { "wrong signature, RFC 6120", .server = RFC6120, .fault = "!wrong-server-signature=on",
      .status = EPODE_EAUTH },
    { "no signature", .fault = "!no-server-signature=on", .status = EPODE_EAUTH },
    { "wrong responder", .fault = "!wrong-responder=on", .warm = true, .token = true,
      .status = EPODE_EAUTH },
    { "no responder", .fault = "!no-responder=on", .warm = true, .token = true, .resume = true,
      .status = EPODE_EAUTH },
    { "second success", .fault = "!second-success=on", .warm = true, .token = true,
      .status = EPODE_EPROTO, .readies = 1 },
    { "second success, RFC 6120", .server = RFC6120 ONLY_PLAIN, .fault = "!second-success=on",
      .tune = plain, .status = EPODE_EPROTO },
    /* it refuses */
    { "wrong password", .tune = wrong_password, .status = EPODE_EAUTH,
      .condition = "not-authorized", .final = true },
    { "wrong password, RFC 6120", .server = RFC6120, .warm = true, .tune = wrong_password,
      .status = EPODE_EAUTH, .condition = "not-authorized", .final = true },
    { "in the wrong namespace", .fault = "!failure-namespace=on", .tune = wrong_password,
      .status = EPODE_EAUTH, .condition = "not-authorized", .final = true },
    { "dead token, wrong namespace", .fault = "!failure-namespace=on",
      .control = "forget-tokens", .warm = true, .token = true, .readies = 1,
      .log = "token-dead not-authorized" },
    { "temporary", .fault = "!temporary-auth-failure=on", .warm = true, .status = EPODE_EAUTH,
      .condition = "temporary-auth-failure" },
    { "temporary, with a token", .fault = "!temporary-auth-failure=on", .warm = true,
      .token = true, .status = EPODE_EAUTH, .condition = "temporary-auth-failure" },
    { "aborted, with a token", .fault = "!fail-auth=aborted", .warm = true, .token = true,
      .status = EPODE_EAUTH, .condition = "aborted" },
    { "account disabled", .fault = "!fail-auth=account-disabled", .status = EPODE_EAUTH,
      .condition = "account-disabled", .final = true },
    { "account disabled, with a token", .fault = "!fail-auth=account-disabled", .warm = true,
      .token = true, .status = EPODE_EAUTH, .condition = "account-disabled", .final = true },
    { "a condition nobody knows", .fault = "!fail-auth=out-of-cheese", .status = EPODE_EAUTH,
      .condition = "out-of-cheese" },
    { "every mechanism in turn", .fault = "!fail-auth=mechanism-too-weak", .tune = plain,
      .status = EPODE_EAUTH },
    /* bind and what follows */
    { "bound, and does not say so", .server = ONLY_PLAIN, .fault = "!no-bound=on", .warm = true,
      .tune = plain, .status = EPODE_EBIND, .condition = "service-unavailable" },
    { "bind conflict", .server = RFC6120 ONLY_PLAIN, .fault = "!bind-conflict=on", .tune = plain,
      .status = EPODE_EBIND, .condition = "conflict" },
    { "counts too much at the resumption", .fault = "!sm-h-offset=5", .warm = true,
      .token = true, .resume = true, .status = EPODE_EPROTO, .condition = "undefined-condition",
      .log = "resume-failed count-mismatch" },
    { "see-other-host", .fault = "!see-other-host=other.example", .warm = true, .token = true,
      .status = EPODE_ESTREAM, .condition = "see-other-host", .guessing = true,
      .log = "see-other-host other.example" },
    /* XML in front of the features */
    { "malformed", .fault = "!inject-features=malformed", .status = EPODE_EPROTO },
    { "DTD", .fault = "!inject-features=dtd", .status = EPODE_EPROTO },
    { "comment", .fault = "!inject-features=comment", .warm = true, .token = true,
      .status = EPODE_EPROTO, .guessing = true },
    { "entity", .fault = "!inject-features=entity", .status = EPODE_EPROTO },
    { "processing instruction", .fault = "!inject-features=pi", .status = EPODE_EPROTO },
    { "huge", .fault = "!inject-features=huge", .tune = small_stanzas, .status = EPODE_ELIMIT },
    /* in the live session */
    { "live: malformed", .server = ONLY_PLAIN, .control = "inject malformed", .tune = plain,
      .status = EPODE_EPROTO, .readies = 1 },
    { "live: DTD", .server = ONLY_PLAIN, .control = "inject dtd", .tune = plain,
      .status = EPODE_EPROTO, .readies = 1 },
    { "live: comment", .server = ONLY_PLAIN, .control = "inject comment", .tune = plain,
      .status = EPODE_EPROTO, .readies = 1 },
    { "live: entity", .server = ONLY_PLAIN, .control = "inject entity", .tune = plain,
      .status = EPODE_EPROTO, .readies = 1 },
    { "live: processing instruction", .server = ONLY_PLAIN, .control = "inject pi",
      .tune = plain, .status = EPODE_EPROTO, .readies = 1 },
    { "live: second success", .server = ONLY_PLAIN, .control = "inject second-success",
      .tune = plain, .status = EPODE_EPROTO, .readies = 1 },
    { "live: stream error", .server = ONLY_PLAIN, .control = "inject stream-error",
      .tune = plain, .status = EPODE_ESTREAM, .condition = "reset", .readies = 1 },
    { "live: a too high", .server = ONLY_PLAIN, .control = "inject a-too-high", .tune = plain,
      .status = EPODE_EPROTO, .condition = "undefined-condition", .readies = 1 },
    { "live: white space is nothing", .server = ONLY_PLAIN, .control = "inject whitespace",
      .tune = plain, .readies = 1 },
    { "live: r is a question", .server = ONLY_PLAIN, .control = "inject r", .tune = plain,
      .readies = 1, .log = "ack-wanted" },
    { "live: shutdown", .server = ONLY_PLAIN, .control = "drop-connections soft", .tune = plain,
      .status = EPODE_ESTREAM, .condition = "system-shutdown", .readies = 1 },
};

static void first_login(sim *s, const row *r)
{
    sim_connect(s, r->tune == together || r->tune == borne || r->tune == plain ? plain : NULL);
    sim_run(s, 5000000);
    if (s->r.readies != 1)
        fail_msg("%s: the first login: %s", r->name, ep_buf_cstr(&s->r.log));
    sim_disconnect(s);
    if (!r->token)
        s->token[0] = '\0';
    if (!r->resume)
        s->sm_id[0] = '\0';
    s->keys.mechanism[0] = '\0';
}

static void check(const row *r, sim *s)
{
    const char *log = ep_buf_cstr(&s->r.log);
    const ep_error *e = ep_stream_error(s->r.s);
    epode_status st = s->r.ends ? epode_error_status(e) : EPODE_OK;
    if (st != r->status)
        fail_msg("%s: %s\n%s", r->name, epode_status_name(st), log);
    if (!ep_streq(epode_error_condition(e), r->condition) && !(r->status && !r->condition))
        fail_msg("%s: condition %s", r->name, epode_error_condition(e) ? epode_error_condition(e) : "(none)");
    if (s->r.readies != r->readies)
        fail_msg("%s: ready %u times\n%s", r->name, s->r.readies, log);
    if (st && (epode_error_is_final(e) != r->final || ep_stream_was_guessing(s->r.s) != r->guessing))
        fail_msg("%s: final %d, guessing %d\n%s", r->name, epode_error_is_final(e),
                 ep_stream_was_guessing(s->r.s), log);
    if (r->log && !strstr(log, r->log))
        fail_msg("%s: \"%s\" is not in\n%s", r->name, r->log, log);
    if (strstr(log, "token-dead") && !(r->log && strstr(r->log, "token-dead")))
        fail_msg("%s: the token was killed\n%s", r->name, log);
    if (st)
        assert_int_equal(ep_stream_state_of(s->r.s), EP_S_CLOSED);
}

static void every_fault_has_its_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        static sim s;
        const row *r = &rows[i];
        bool live = r->control && strncmp(r->control, "forget", 6) != 0;
        sim_init(&s);
        sim_set(&s, r->server);
        if (r->warm)
            first_login(&s, r);
        sim_set(&s, r->fault);
        if (r->control && !live)
            sim_control(&s, r->control);
        sim_connect(&s, r->tune);
        sim_run(&s, 20000000);
        if (live) {
            assert_int_equal(s.r.readies, 1);
            sim_control(&s, r->control);
            sim_run(&s, 20000000);
        }
        check(r, &s);
        sim_free(&s);
    }
}

static void after_a_failed_guess_the_login_without_it_succeeds(void **state)
{
    (void)state;
    static const char *const faults[] = { "!no-pipelining=drop", "!no-pipelining=error", "!no-pipelining=hang" };
    for (size_t i = 0; i < COUNT(faults); i++) {
        static sim s;
        sim_init(&s);
        sim_connect(&s, NULL);
        sim_run(&s, 5000000);
        sim_disconnect(&s);
        sim_set(&s, faults[i]);
        s.sm_id[0] = '\0';
        sim_connect(&s, NULL);
        sim_run(&s, 20000000);
        assert_true(ep_stream_was_guessing(s.r.s));
        assert_string_equal(ep_stream_guess(s.r.s), "pipelined-authentication");
        sim_disconnect(&s);
        s.sm_id[0] = '\0';
        s.know_features = false; /* as the planner does with takes_pipelining */
        sim_connect(&s, NULL);
        sim_run(&s, 20000000);
        assert_int_equal(s.r.readies, 1);
        assert_int_equal(ep_stream_waits(s.r.s), 2);
        assert_int_equal(ep_stream_token_use(s.r.s), EP_TOKEN_USED);
        sim_free(&s);
    }
}

static void a_session_that_was_not_guessed_has_no_deadline_of_its_own(void **state)
{
    (void)state;
    static sim s;
    sim_init(&s);
    sim_set(&s, "!silent-after-header=on");
    sim_connect(&s, NULL);
    sim_run(&s, 60000000);
    assert_int_equal(s.r.ends, 0);
    assert_int_equal(ep_stream_state_of(s.r.s), EP_S_FEATURES);
    assert_true(ep_stream_deadline(s.r.s) == EP_NEVER);
    sim_free(&s);
}

static void an_unanswered_request_keeps_the_session_in_its_setup(void **state)
{
    (void)state;
    static sim s;
    sim_init(&s);
    sim_set(&s, RFC6120 ONLY_PLAIN "!ignore-iq=on");
    sim_connect(&s, plain);
    sim_run(&s, 60000000);
    assert_int_equal(s.r.readies, 0);
    assert_int_equal(s.r.ends, 0);
    assert_int_equal(ep_stream_state_of(s.r.s), EP_S_SETUP);
    assert_non_null(strstr(ep_buf_cstr(&s.r.log), "sm-enabled"));
    sim_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_its_error),
        cmocka_unit_test(after_a_failed_guess_the_login_without_it_succeeds),
        cmocka_unit_test(a_session_that_was_not_guessed_has_no_deadline_of_its_own),
        cmocka_unit_test(an_unanswered_request_keeps_the_session_in_its_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
