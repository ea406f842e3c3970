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
    { "drops what was sent ahead", "", "!no-pipelining=drop", NULL, true, true, false, NULL, EPODE_ETIMEOUT, NULL, false, true, 0, NULL },
    { "ends the stream for it", "", "!no-pipelining=error", NULL, true, true, false, NULL, EPODE_ESTREAM, "policy-violation", false, true, 0, NULL },
    { "hangs for it", "", "!no-pipelining=hang", NULL, true, true, false, NULL, EPODE_ETIMEOUT, NULL, false, true, 0, NULL },
    { "does not mind those who wait", "", "!no-pipelining=hang", NULL, false, false, false, NULL, EPODE_OK, NULL, false, false, 1, NULL },
    { "loses what is behind <auth/>", RFC6120 ONLY_PLAIN, "!legacy-hang=on", NULL, true, false, false, together, EPODE_ETIMEOUT, NULL, false, true, 0, "authenticated PLAIN" },
    { "silent after its header", "", "!silent-after-header=on", NULL, true, true, false, NULL, EPODE_ETIMEOUT, NULL, false, true, 0, NULL },
    { "stalls in the features", "", "!stall-at=*:300", NULL, true, true, false, NULL, EPODE_ETIMEOUT, NULL, false, true, 0, NULL },
    { "is slow", "", "!delay-answers=3000", NULL, true, true, false, NULL, EPODE_OK, NULL, false, false, 1, NULL },
    /* it does not prove itself */
    { "wrong signature", "", "!wrong-server-signature=on", NULL, true, false, false, NULL, EPODE_EAUTH, NULL, false, false, 0, NULL },
    { "wrong signature, RFC 6120", RFC6120, "!wrong-server-signature=on", NULL, false, false, false, NULL, EPODE_EAUTH, NULL, false, false, 0, NULL },
    { "no signature", "", "!no-server-signature=on", NULL, false, false, false, NULL, EPODE_EAUTH, NULL, false, false, 0, NULL },
    { "wrong responder", "", "!wrong-responder=on", NULL, true, true, false, NULL, EPODE_EAUTH, NULL, false, true, 0, NULL },
    { "no responder", "", "!no-responder=on", NULL, true, true, true, NULL, EPODE_EAUTH, NULL, false, true, 0, NULL },
    { "second success", "", "!second-success=on", NULL, true, true, false, NULL, EPODE_EPROTO, NULL, false, false, 1, NULL },
    { "second success, RFC 6120", RFC6120 ONLY_PLAIN, "!second-success=on", NULL, false, false, false, plain, EPODE_EPROTO, NULL, false, false, 0, NULL },
    /* it refuses */
    { "wrong password", "", NULL, NULL, false, false, false, wrong_password, EPODE_EAUTH, "not-authorized", true, false, 0, NULL },
    { "wrong password, RFC 6120", RFC6120, NULL, NULL, true, false, false, wrong_password, EPODE_EAUTH, "not-authorized", true, false, 0, NULL },
    { "in the wrong namespace", "", "!failure-namespace=on", NULL, false, false, false, wrong_password, EPODE_EAUTH, "not-authorized", true, false, 0, NULL },
    { "dead token, wrong namespace", "", "!failure-namespace=on", "forget-tokens", true, true, false, NULL, EPODE_OK, NULL, false, false, 1, "token-dead not-authorized" },
    { "temporary", "", "!temporary-auth-failure=on", NULL, true, false, false, NULL, EPODE_EAUTH, "temporary-auth-failure", false, false, 0, NULL },
    { "temporary, with a token", "", "!temporary-auth-failure=on", NULL, true, true, false, NULL, EPODE_EAUTH, "temporary-auth-failure", false, true, 0, NULL },
    { "aborted, with a token", "", "!fail-auth=aborted", NULL, true, true, false, NULL, EPODE_EAUTH, "aborted", false, true, 0, NULL },
    { "account disabled", "", "!fail-auth=account-disabled", NULL, false, false, false, NULL, EPODE_EAUTH, "account-disabled", true, false, 0, NULL },
    { "account disabled, with a token", "", "!fail-auth=account-disabled", NULL, true, true, false, NULL, EPODE_EAUTH, "account-disabled", true, true, 0, NULL },
    { "a condition nobody knows", "", "!fail-auth=out-of-cheese", NULL, false, false, false, NULL, EPODE_EAUTH, "out-of-cheese", false, false, 0, NULL },
    { "every mechanism in turn", "", "!fail-auth=mechanism-too-weak", NULL, false, false, false, plain, EPODE_EAUTH, NULL, false, false, 0, NULL },
    /* bind and what follows */
    { "bound, and does not say so", ONLY_PLAIN, "!no-bound=on", NULL, true, false, false, plain, EPODE_EBIND, "service-unavailable", false, false, 0, NULL },
    { "bind conflict", RFC6120 ONLY_PLAIN, "!bind-conflict=on", NULL, false, false, false, plain, EPODE_EBIND, "conflict", false, false, 0, NULL },
    { "counts too much at the resumption", "", "!sm-h-offset=5", NULL, true, true, true, NULL, EPODE_EPROTO, "undefined-condition", false, false, 0, "resume-failed count-mismatch" },
    { "see-other-host", "", "!see-other-host=other.example", NULL, true, true, false, NULL, EPODE_ESTREAM, "see-other-host", false, true, 0, "see-other-host other.example" },
    /* XML in front of the features */
    { "malformed", "", "!inject-features=malformed", NULL, false, false, false, NULL, EPODE_EPROTO, NULL, false, false, 0, NULL },
    { "DTD", "", "!inject-features=dtd", NULL, false, false, false, NULL, EPODE_EPROTO, NULL, false, false, 0, NULL },
    { "comment", "", "!inject-features=comment", NULL, true, true, false, NULL, EPODE_EPROTO, NULL, false, true, 0, NULL },
    { "entity", "", "!inject-features=entity", NULL, false, false, false, NULL, EPODE_EPROTO, NULL, false, false, 0, NULL },
    { "processing instruction", "", "!inject-features=pi", NULL, false, false, false, NULL, EPODE_EPROTO, NULL, false, false, 0, NULL },
    { "huge", "", "!inject-features=huge", NULL, false, false, false, small_stanzas, EPODE_ELIMIT, NULL, false, false, 0, NULL },
    /* in the live session */
    { "live: malformed", ONLY_PLAIN, NULL, "inject malformed", false, false, false, plain, EPODE_EPROTO, NULL, false, false, 1, NULL },
    { "live: DTD", ONLY_PLAIN, NULL, "inject dtd", false, false, false, plain, EPODE_EPROTO, NULL, false, false, 1, NULL },
    { "live: comment", ONLY_PLAIN, NULL, "inject comment", false, false, false, plain, EPODE_EPROTO, NULL, false, false, 1, NULL },
    { "live: entity", ONLY_PLAIN, NULL, "inject entity", false, false, false, plain, EPODE_EPROTO, NULL, false, false, 1, NULL },
    { "live: processing instruction", ONLY_PLAIN, NULL, "inject pi", false, false, false, plain, EPODE_EPROTO, NULL, false, false, 1, NULL },
    { "live: second success", ONLY_PLAIN, NULL, "inject second-success", false, false, false, plain, EPODE_EPROTO, NULL, false, false, 1, NULL },
    { "live: stream error", ONLY_PLAIN, NULL, "inject stream-error", false, false, false, plain, EPODE_ESTREAM, "reset", false, false, 1, NULL },
    { "live: a too high", ONLY_PLAIN, NULL, "inject a-too-high", false, false, false, plain, EPODE_EPROTO, "undefined-condition", false, false, 1, NULL },
    { "live: white space is nothing", ONLY_PLAIN, NULL, "inject whitespace", false, false, false, plain, EPODE_OK, NULL, false, false, 1, NULL },
    { "live: r is a question", ONLY_PLAIN, NULL, "inject r", false, false, false, plain, EPODE_OK, NULL, false, false, 1, "ack-wanted" },
    { "live: shutdown", ONLY_PLAIN, NULL, "drop-connections soft", false, false, false, plain, EPODE_ESTREAM, "system-shutdown", false, false, 1, NULL },
};

static void first_login(sim *s, const row *r)
{
    sim_connect(s, r->tune == together || r->tune == plain ? plain : NULL);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_its_error),
        cmocka_unit_test(after_a_failed_guess_the_login_without_it_succeeds),
        cmocka_unit_test(a_session_that_was_not_guessed_has_no_deadline_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
