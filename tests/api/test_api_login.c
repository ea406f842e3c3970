/* What a login asks of its application, what it may log in with, and where it is sent. */
#include "app.h"

static server srv;

/* What the application was asked, and how it answers. */
typedef struct asked {
    app a;
    unsigned passwords, refused, tasks, data;
    const char *password;    /* answered at once; NULL: later, by the test */
    const char *code;        /* the same for tasks, as base64 */
    bool frees;              /* the client, instead of an answer */
    char names[128], text[128], current[64], xml[256];
} asked;

static void on_password(epode_client *client, epode_ask why, void *user)
{
    asked *q = user;
    assert_ptr_equal(client, q->a.client);
    q->passwords++;
    q->refused += why == EPODE_ASK_REFUSED;
    if (q->frees) {
        q->a.client = NULL;
        epode_client_free(client);
    } else if (q->password) {
        assert_int_equal(epode_client_answer_password(client, EPODE_SECRET_PASSWORD, q->password), EPODE_OK);
    }
}

static void totp(char *out, size_t room, const char *code)
{
    snprintf(out, room, "<totp xmlns='urn:totp:example'>%s</totp>", code);
}

static void on_task(epode_client *client, const epode_task *task, void *user)
{
    asked *q = user;
    char xml[128];
    q->tasks += epode_task_count(task) > 0;
    q->data += epode_task_count(task) == 0;
    q->names[0] = '\0';
    for (size_t i = 0; i < epode_task_count(task); i++)
        snprintf(q->names + strlen(q->names), sizeof q->names - strlen(q->names), "%s;", epode_task_name_at(task, i));
    assert_null(epode_task_name_at(task, epode_task_count(task)));
    snprintf(q->text, sizeof q->text, "%s", epode_task_text(task) ? epode_task_text(task) : "");
    snprintf(q->current, sizeof q->current, "%s", epode_task_current(task) ? epode_task_current(task) : "");
    snprintf(q->xml, sizeof q->xml, "%s", epode_task_xml(task) ? epode_task_xml(task) : "");
    if (q->frees) {
        q->a.client = NULL;
        epode_client_free(client);
    } else if (q->code) {
        totp(xml, sizeof xml, q->code);
        assert_int_equal(epode_client_answer_task(client, epode_task_name_at(task, 0), xml), EPODE_OK);
    }
}

/* A client without a password that asks for everything. */
static epode_options asking(asked *q, const char *store)
{
    epode_options o = app_options(&q->a, &srv, store);
    o.password = NULL;
    o.flags = EPODE_NO_RECONNECT;
    o.on_password = on_password;
    o.on_task = on_task;
    return o;
}

static void begin(asked *q, const epode_options *o)
{
    app_open(&q->a, o);
    assert_int_equal(epode_client_start(q->a.client), EPODE_OK);
}

static void restart(asked *q)
{
    app_stop(&q->a, EPODE_STOP_CLOSE);
    q->passwords = q->refused = q->tasks = q->data = 0;
    q->a.ready = q->a.stopped = 0;
    assert_int_equal(epode_client_start(q->a.client), EPODE_OK);
}

static int start_server(void **state)
{
    (void)state;
    server_start(&srv, "--feature", "scram-iterations=4096", "--client-cert", "alice", (char *)NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

/* Every test begins with a server as it was, and ends so. */
static int reset(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "user alice alice-pw", "forget-tokens",
        "feature second-factor ", "feature upgrades ", "feature oauth-token ", "feature sm-location ",
        "feature mechanisms SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-512 SCRAM-SHA-256 "
        "SCRAM-SHA-1 PLAIN",
        "feature sasl2 on",
        "feature fast on", "fault see-other-host off", "fault upgrade-fails off", "fault shown-mechanisms off",
        "feature scram-downgrade-hash off",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        server_say(&srv, "%s", lines[i]);
    return 0;
}

/* ---- the password ---- */

static void a_password_is_asked_for_late_and_only_if_needed(void **state)
{
    (void)state;
    asked q = { 0 };
    epode_options o = asking(&q, "late.db");
    begin(&q, &o);
    app_until(&q.a, 5000, q.passwords == 1);
    assert_int_equal(q.refused, 0);
    assert_int_equal(q.a.ready, 0);
    /* The answer comes when it comes. */
    app_for(&q.a, 100);
    assert_int_equal(q.passwords, 1);
    assert_int_equal(epode_client_answer_password(q.a.client, (epode_secret)7, "x"), EPODE_EINVAL);
    assert_int_equal(epode_client_answer_password(q.a.client, EPODE_SECRET_PASSWORD, "alice-pw"), EPODE_OK);
    assert_int_equal(epode_client_answer_password(q.a.client, EPODE_SECRET_PASSWORD, "alice-pw"), EPODE_ESTATE);
    app_until(&q.a, 5000, q.a.ready == 1);
    /* By token. */
    restart(&q);
    app_until(&q.a, 5000, q.a.ready == 1);
    assert_int_equal(epode_session_token(epode_client_session(q.a.client)), EPODE_TOKEN_USED);
    /* The token is dead: by keys. */
    server_say(&srv, "forget-tokens");
    restart(&q);
    app_until(&q.a, 5000, q.a.ready == 1);
    assert_int_equal(epode_session_token(epode_client_session(q.a.client)), EPODE_TOKEN_NEW);
    assert_int_equal(q.passwords, 0);
    app_close(&q.a);
}

static void a_password_that_was_changed_falls_through_token_and_keys_to_the_question(void **state)
{
    (void)state;
    asked q = { .password = "alice-pw" };
    epode_options o = asking(&q, "changed.db");
    begin(&q, &o);
    app_until(&q.a, 5000, q.a.ready == 1);
    assert_int_equal(q.passwords, 1);
    server_say(&srv, "user alice new-pw");
    server_say(&srv, "forget-tokens");
    q.password = "new-pw";
    restart(&q);
    app_until(&q.a, 5000, q.a.ready == 1);
    assert_int_equal(q.passwords, 1);
    /* The old password first, which the user did not know to be old; then once more. */
    server_say(&srv, "user alice newer-pw");
    server_say(&srv, "forget-tokens");
    q.password = NULL;
    restart(&q);
    app_until(&q.a, 5000, q.passwords == 1);
    assert_int_equal(q.refused, 0);
    assert_int_equal(epode_client_answer_password(q.a.client, EPODE_SECRET_PASSWORD, "new-pw"), EPODE_OK);
    app_until(&q.a, 5000, q.passwords == 2);
    assert_int_equal(q.refused, 1);
    assert_int_equal(epode_client_answer_password(q.a.client, EPODE_SECRET_PASSWORD, "newer-pw"), EPODE_OK);
    app_until(&q.a, 5000, q.a.ready == 1);
    app_close(&q.a);
}

static void a_password_that_is_wrong_twice_is_final(void **state)
{
    (void)state;
    asked q = { .password = "wrong" };
    epode_options o = asking(&q, NULL);
    begin(&q, &o);
    app_until(&q.a, 5000, q.a.stopped == 1);
    assert_int_equal(q.passwords, 2);
    assert_int_equal(q.refused, 1);
    assert_int_equal(q.a.last_error, EPODE_EAUTH);
    assert_string_equal(q.a.last_condition, "not-authorized");
    assert_true(q.a.last_final);
    app_close(&q.a);
    /* One that was given with the options counts as the first. */
    asked p = { .password = "wrong" };
    o = asking(&p, NULL);
    o.password = "wrong as well";
    begin(&p, &o);
    app_until(&p.a, 5000, p.a.stopped == 1);
    assert_int_equal(p.passwords, 1);
    assert_int_equal(p.refused, 1);
    assert_int_equal(p.a.last_error, EPODE_EAUTH);
    app_close(&p.a);
}

static void no_password_is_an_answer(void **state)
{
    (void)state;
    asked q = { 0 };
    epode_options o = asking(&q, NULL);
    begin(&q, &o);
    app_until(&q.a, 5000, q.passwords == 1);
    assert_int_equal(epode_client_answer_password(q.a.client, EPODE_SECRET_PASSWORD, NULL), EPODE_OK);
    app_until(&q.a, 5000, q.a.stopped == 1);
    assert_int_equal(q.a.last_error, EPODE_ECANCELLED);
    assert_true(q.a.last_final);
    assert_int_equal(epode_client_answer_password(q.a.client, EPODE_SECRET_PASSWORD, "x"), EPODE_ESTATE);
    app_close(&q.a);
}

static void a_stop_takes_the_question_back(void **state)
{
    (void)state;
    asked q = { 0 };
    epode_options o = asking(&q, NULL);
    begin(&q, &o);
    app_until(&q.a, 5000, q.passwords == 1);
    app_stop(&q.a, EPODE_STOP_CLOSE);
    assert_int_equal(epode_client_answer_password(q.a.client, EPODE_SECRET_PASSWORD, "alice-pw"), EPODE_ESTATE);
    app_close(&q.a);
}

static void a_suspended_client_asks_again_when_it_comes_back(void **state)
{
    (void)state;
    asked q = { 0 };
    epode_options o = asking(&q, "suspended.db");
    o.flags = 0;
    begin(&q, &o);
    app_until(&q.a, 5000, q.passwords == 1);
    assert_int_equal(epode_client_suspend(q.a.client), EPODE_OK);
    assert_int_equal(epode_client_answer_password(q.a.client, EPODE_SECRET_PASSWORD, "alice-pw"), EPODE_ESTATE);
    assert_int_equal(epode_client_resume(q.a.client), EPODE_OK);
    app_until(&q.a, 10000, q.passwords == 2);
    assert_int_equal(q.refused, 0);
    assert_int_equal(epode_client_answer_password(q.a.client, EPODE_SECRET_PASSWORD, "alice-pw"), EPODE_OK);
    app_until(&q.a, 5000, q.a.ready == 1);
    app_close(&q.a);
    /* The same in a task. */
    asked t = { .password = "alice-pw" };
    server_say(&srv, "feature second-factor 123456");
    o = asking(&t, NULL);
    o.flags = 0;
    o.store_path = NULL;
    begin(&t, &o);
    app_until(&t.a, 5000, t.tasks == 1);
    epode_client_suspend(t.a.client);
    assert_int_equal(epode_client_answer_task(t.a.client, "TOTP-EXAMPLE", NULL), EPODE_ESTATE);
    assert_int_equal(epode_client_cancel_task(t.a.client), EPODE_ESTATE);
    app_close(&t.a);
}

static void a_client_may_be_freed_in_the_question(void **state)
{
    (void)state;
    asked q = { .frees = true };
    epode_options o = asking(&q, NULL);
    begin(&q, &o);
    int64_t end = app_now_ms() + 5000;
    while (q.a.client && app_now_ms() < end)
        app_turn(&q.a, end);
    assert_null(q.a.client);
    assert_int_equal(q.passwords, 1);
    assert_int_equal(q.a.destroyed, 1);
}

static void a_connection_that_ends_in_the_meantime_is_made_again_with_the_answer(void **state)
{
    (void)state;
    asked q = { 0 };
    epode_options o = asking(&q, NULL);
    begin(&q, &o);
    app_until(&q.a, 5000, q.passwords == 1);
    size_t states = q.a.state_count;
    server_say(&srv, "drop-connections hard");
    app_until(&q.a, 5000, q.a.state_count > states);
    assert_int_equal(epode_client_state(q.a.client), EPODE_CONNECTING);
    long before = server_counter(&srv, "headers");
    app_for(&q.a, 100);
    assert_int_equal(server_counter(&srv, "headers"), before);
    assert_int_equal(epode_client_answer_password(q.a.client, EPODE_SECRET_PASSWORD, "alice-pw"), EPODE_OK);
    app_until(&q.a, 5000, q.a.ready == 1);
    assert_int_equal(q.passwords, 1);
    app_close(&q.a);
}

static void the_deadline_stands_still_while_a_user_thinks(void **state)
{
    (void)state;
    asked q = { 0 };
    epode_options o = asking(&q, NULL);
    o.connect_timeout_ms = 700;
    begin(&q, &o);
    app_until(&q.a, 5000, q.passwords == 1);
    app_for(&q.a, 1000);
    assert_int_equal(q.a.stopped, 0);
    assert_int_equal(epode_client_answer_password(q.a.client, EPODE_SECRET_PASSWORD, "alice-pw"), EPODE_OK);
    app_until(&q.a, 5000, q.a.ready == 1);
    app_close(&q.a);
}

static void a_password_of_the_options_is_not_kept_where_it_can_be_asked_for(void **state)
{
    (void)state;
    static const char *const profiles[] = { "on", "off" };
    for (size_t i = 0; i < 2; i++) {
        asked q = { .password = "alice-pw" };
        char store[32];
        snprintf(store, sizeof store, "kept-%s.db", profiles[i]);
        server_say(&srv, "feature sasl2 %s", profiles[i]);
        epode_options o = asking(&q, store);
        o.password = "alice-pw";
        begin(&q, &o);
        app_until(&q.a, 5000, q.a.ready == 1);
        assert_int_equal(q.passwords, 0);
        /* The same password under another salt: keys do not fit any more. */
        server_say(&srv, "user alice other");
        server_say(&srv, "user alice alice-pw");
        server_say(&srv, "forget-tokens");
        restart(&q);
        app_until(&q.a, 5000, q.a.ready == 1);
        assert_int_equal(q.passwords, 1);
        assert_int_equal(q.refused, 0);
        app_close(&q.a);
    }
}

/* ---- tasks ---- */

static void a_second_factor_is_asked_for(void **state)
{
    (void)state;
    asked q = { .password = "alice-pw" };
    char xml[128];
    server_say(&srv, "feature second-factor 123456");
    epode_options o = asking(&q, "factor.db");
    begin(&q, &o);
    app_until(&q.a, 5000, q.tasks == 1);
    assert_string_equal(q.names, "TOTP-EXAMPLE;");
    assert_string_equal(q.text, "This account requires 2FA");
    app_for(&q.a, 100);
    totp(xml, sizeof xml, "MTIzNDU2");
    assert_int_equal(epode_client_answer_task(q.a.client, "HOTP", xml), EPODE_EINVAL);
    assert_int_equal(epode_client_answer_task(q.a.client, "TOTP-EXAMPLE", "<totp"), EPODE_EINVAL);
    assert_int_equal(epode_client_answer_task(q.a.client, NULL, xml), EPODE_EINVAL);
    assert_int_equal(epode_client_answer_task(q.a.client, "TOTP-EXAMPLE", xml), EPODE_OK);
    assert_int_equal(epode_client_answer_task(q.a.client, "TOTP-EXAMPLE", xml), EPODE_ESTATE);
    app_until(&q.a, 5000, q.a.ready == 1);
    assert_int_equal(q.tasks, 1);
    /* A token stands for a login that had both. */
    restart(&q);
    app_until(&q.a, 5000, q.a.ready == 1);
    assert_int_equal(q.passwords + q.tasks, 0);
    app_close(&q.a);
}

static void a_task_with_data_both_ways(void **state)
{
    (void)state;
    asked q = { .password = "alice-pw" };
    char xml[128];
    server_say(&srv, "feature second-factor 123456");
    epode_options o = asking(&q, NULL);
    begin(&q, &o);
    app_until(&q.a, 5000, q.tasks == 1);
    assert_int_equal(epode_client_answer_task(q.a.client, "TOTP-EXAMPLE", NULL), EPODE_OK);
    app_until(&q.a, 5000, q.data == 1);
    assert_string_equal(q.current, "TOTP-EXAMPLE");
    assert_string_equal(q.xml, "<totp xmlns='urn:totp:example'>NiBkaWdpdHM=</totp>");
    totp(xml, sizeof xml, "MTIzNDU2");
    assert_int_equal(epode_client_answer_task(q.a.client, NULL, xml), EPODE_OK);
    app_until(&q.a, 5000, q.a.ready == 1);
    app_close(&q.a);
}

static void a_wrong_code_is_final_and_a_new_start_asks_again(void **state)
{
    (void)state;
    asked q = { .password = "alice-pw", .code = "MDAwMDAw" };
    server_say(&srv, "feature second-factor 123456");
    epode_options o = asking(&q, NULL);
    begin(&q, &o);
    app_until(&q.a, 5000, q.a.stopped == 1);
    assert_int_equal(q.a.last_error, EPODE_EAUTH);
    assert_string_equal(q.a.last_condition, "not-authorized");
    assert_true(q.a.last_final);
    q.code = "MTIzNDU2";
    assert_int_equal(epode_client_start(q.a.client), EPODE_OK);
    app_until(&q.a, 5000, q.a.ready == 1);
    assert_int_equal(q.tasks, 2);
    app_close(&q.a);
}

static void a_task_can_be_given_up(void **state)
{
    (void)state;
    asked q = { .password = "alice-pw" };
    server_say(&srv, "feature second-factor 123456");
    epode_options o = asking(&q, NULL);
    begin(&q, &o);
    app_until(&q.a, 5000, q.tasks == 1);
    assert_int_equal(epode_client_cancel_task(q.a.client), EPODE_OK);
    app_until(&q.a, 5000, q.a.stopped == 1);
    assert_int_equal(q.a.last_error, EPODE_ECANCELLED);
    assert_int_equal(epode_client_cancel_task(q.a.client), EPODE_ESTATE);
    assert_int_equal(epode_client_answer_task(q.a.client, "TOTP-EXAMPLE", NULL), EPODE_ESTATE);
    app_close(&q.a);
}

static void without_a_callback_a_task_is_the_end(void **state)
{
    (void)state;
    asked q = { .password = "alice-pw" };
    server_say(&srv, "feature second-factor 123456");
    epode_options o = asking(&q, NULL);
    o.on_task = NULL;
    begin(&q, &o);
    app_until(&q.a, 5000, q.a.stopped == 1);
    assert_int_equal(q.a.last_error, EPODE_EAUTH);
    assert_true(q.a.last_final);
    app_close(&q.a);
}

static void a_connection_that_ends_in_a_task_brings_it_again(void **state)
{
    (void)state;
    asked q = { .password = "alice-pw" };
    server_say(&srv, "feature second-factor 123456");
    epode_options o = asking(&q, NULL);
    o.flags = 0;
    begin(&q, &o);
    app_until(&q.a, 5000, q.tasks == 1);
    server_say(&srv, "drop-connections hard");
    app_until(&q.a, 5000, q.a.state_count > 1);
    assert_int_equal(epode_client_answer_task(q.a.client, "TOTP-EXAMPLE", NULL), EPODE_ESTATE);
    q.code = "MTIzNDU2";
    app_until(&q.a, 10000, q.a.ready == 1);
    assert_int_equal(q.tasks, 2);
    app_close(&q.a);
}

static void a_client_may_be_freed_in_a_task(void **state)
{
    (void)state;
    asked q = { 0 };
    server_say(&srv, "feature second-factor 123456");
    epode_options o = asking(&q, NULL);
    o.password = "alice-pw";
    q.frees = true;
    begin(&q, &o);
    int64_t end = app_now_ms() + 5000;
    while (q.a.client && app_now_ms() < end)
        app_turn(&q.a, end);
    assert_null(q.a.client);
    assert_int_equal(q.tasks, 1);
    assert_int_equal(q.a.destroyed, 1);
}

/* ---- upgrades (XEP-0480) ---- */

static void a_scram_upgrade_is_done_once_and_used_from_then_on(void **state)
{
    (void)state;
    asked q = { 0 };
    server_say(&srv, "feature upgrades SCRAM-SHA-256 SCRAM-SHA-512");
    epode_options o = asking(&q, "upgrade.db");
    o.password = "alice-pw";
    o.flags |= EPODE_NO_FAST_PATH;
    o.on_password = NULL;
    long before = server_counter(&srv, "upgrades");
    begin(&q, &o);
    app_until(&q.a, 5000, q.a.ready == 1);
    assert_string_equal(epode_session_mechanism(epode_client_session(q.a.client)), "SCRAM-SHA-1-PLUS");
    assert_int_equal(server_counter(&srv, "upgrades") - before, 2);
    restart(&q);
    app_until(&q.a, 5000, q.a.ready == 1);
    assert_string_equal(epode_session_mechanism(epode_client_session(q.a.client)), "SCRAM-SHA-512-PLUS");
    assert_int_equal(server_counter(&srv, "upgrades") - before, 2);
    assert_int_equal(q.tasks, 0);
    app_close(&q.a);
}

static void an_upgrade_that_fails_costs_a_detour_and_is_remembered(void **state)
{
    (void)state;
    asked q = { 0 };
    const epode_fallback *f;
    server_say(&srv, "user alice other");
    server_say(&srv, "user alice alice-pw");
    server_say(&srv, "feature upgrades SCRAM-SHA-512");
    server_say(&srv, "fault upgrade-fails on");
    epode_options o = asking(&q, "upgrade-fails.db");
    o.password = "alice-pw";
    o.on_password = NULL;
    begin(&q, &o);
    app_until(&q.a, 5000, q.a.ready == 1);
    f = epode_session_fallback_at(epode_client_session(q.a.client), 0);
    assert_non_null(f);
    assert_string_equal(f->what, "upgrade");
    long continues = server_counter(&srv, "continues");
    server_say(&srv, "forget-tokens");
    restart(&q);
    app_until(&q.a, 5000, q.a.ready == 1);
    assert_int_equal(server_counter(&srv, "continues"), continues);
    app_close(&q.a);
}

/* ---- certificates, OAuth ---- */

static void a_certificate_logs_in_in_both_profiles_and_sent_ahead(void **state)
{
    (void)state;
    static const char *const profiles[] = { "on", "off" };
    char pem[192];
    snprintf(pem, sizeof pem, "%s/client-alice.pem", srv.dir);
    for (size_t i = 0; i < 2; i++) {
        asked q = { 0 };
        char store[32];
        snprintf(store, sizeof store, "cert-%s.db", profiles[i]);
        server_say(&srv, "feature mechanisms EXTERNAL SCRAM-SHA-256");
        server_say(&srv, "feature fast off");
        server_say(&srv, "feature sasl2 %s", profiles[i]);
        epode_options o = asking(&q, store);
        o.client_cert_file = pem;
        begin(&q, &o);
        app_until(&q.a, 5000, q.a.ready == 1);
        assert_string_equal(epode_session_mechanism(epode_client_session(q.a.client)), "EXTERNAL");
        restart(&q);
        app_until(&q.a, 5000, q.a.ready == 1);
        assert_string_equal(epode_session_mechanism(epode_client_session(q.a.client)), "EXTERNAL");
        assert_string_equal(epode_session_flight_at(epode_client_session(q.a.client),
                                                    epode_session_flight_count(epode_client_session(q.a.client)) - 1)
                                ->layer,
                            "xmpp");
        epode_waits waits = { .size = sizeof waits };
        epode_session_waits(epode_client_session(q.a.client), &waits);
        if (i == 0)
            assert_int_equal(waits.xmpp, 1);
        assert_int_equal(q.passwords, 0);
        app_close(&q.a);
    }
}

static void files_that_are_no_certificate_are_said_to_be_none(void **state)
{
    (void)state;
    char pem[192], ca_key[192], nothing[192];
    snprintf(pem, sizeof pem, "%s/client-alice.pem", srv.dir);
    snprintf(ca_key, sizeof ca_key, "%s/ca-key.pem", srv.dir);
    snprintf(nothing, sizeof nothing, "%s/nothing.pem", srv.dir);
    const struct {
        const char *cert, *key;
    } rows[] = { { nothing, NULL }, { srv.ca, NULL }, { pem, nothing }, { pem, ca_key } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        asked q = { 0 };
        epode_options o = asking(&q, NULL);
        o.client_cert_file = rows[i].cert;
        o.client_key_file = rows[i].key;
        begin(&q, &o);
        app_until(&q.a, 5000, q.a.stopped == 1);
        assert_int_equal(q.a.last_error, EPODE_EINVAL);
        assert_true(q.a.last_final);
        app_close(&q.a);
    }
}

static void a_certificate_that_is_refused_leaves_the_password(void **state)
{
    (void)state;
    asked q = { .password = "alice-pw" };
    char pem[192];
    snprintf(pem, sizeof pem, "%s/client-alice.pem", srv.dir);
    server_say(&srv, "feature mechanisms EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-256");
    epode_options o = asking(&q, NULL);
    o.jid = "bob@localhost";
    o.client_cert_file = pem;
    q.password = "bob-pw";
    begin(&q, &o);
    /* It names alice, and may not be bob. */
    app_until(&q.a, 5000, q.a.ready == 1);
    assert_int_equal(q.passwords, 1);
    assert_string_equal(epode_session_mechanism(epode_client_session(q.a.client)), "SCRAM-SHA-256-PLUS");
    app_close(&q.a);
}

static void an_oauth_token_logs_in_and_a_refused_one_is_asked_for(void **state)
{
    (void)state;
    asked q = { 0 };
    server_say(&srv, "feature mechanisms OAUTHBEARER");
    server_say(&srv, "feature oauth-token tok.en-1");
    server_say(&srv, "feature fast off");
    epode_options o = asking(&q, "oauth.db");
    o.oauth_token = "tok.en-1";
    begin(&q, &o);
    app_until(&q.a, 5000, q.a.ready == 1);
    assert_string_equal(epode_session_mechanism(epode_client_session(q.a.client)), "OAUTHBEARER");
    restart(&q);
    app_until(&q.a, 5000, q.a.ready == 1);
    epode_waits waits = { .size = sizeof waits };
    epode_session_waits(epode_client_session(q.a.client), &waits);
    assert_int_equal(waits.xmpp, 1);
    server_say(&srv, "feature oauth-token tok.en-2");
    restart(&q);
    app_until(&q.a, 5000, q.passwords == 1);
    assert_int_equal(q.refused, 1);
    assert_int_equal(epode_client_answer_password(q.a.client, EPODE_SECRET_OAUTH, "tok.en-2"), EPODE_OK);
    app_until(&q.a, 5000, q.a.ready == 1);
    app_close(&q.a);
    asked p = { 0 };
    o = asking(&p, NULL);
    o.on_password = NULL;
    o.oauth_token = "expired";
    begin(&p, &o);
    app_until(&p.a, 5000, p.a.stopped == 1);
    assert_int_equal(p.a.last_error, EPODE_EAUTH);
    assert_true(p.a.last_final);
    assert_non_null(strstr(p.a.last_text, "invalid_token"));
    app_close(&p.a);
}

/* ---- pins ---- */

static void a_pin_is_taken_back_by_the_application_alone(void **state)
{
    (void)state;
    asked q = { 0 };
    epode_options o = asking(&q, "pin.db");
    o.password = "alice-pw";
    o.on_password = NULL;
    o.flags |= EPODE_NO_FAST_PATH;
    begin(&q, &o);
    app_until(&q.a, 5000, q.a.ready == 1);
    assert_int_equal(epode_client_unpin(q.a.client), EPODE_ESTATE);
    server_say(&srv, "feature mechanisms SCRAM-SHA-256");
    restart(&q);
    app_until(&q.a, 5000, q.a.stopped == 1);
    assert_int_equal(q.a.last_error, EPODE_EDOWNGRADE);
    assert_true(q.a.last_final);
    /* Where the server proves that it means it, nobody needs to be asked (XEP-0474). */
    server_say(&srv, "feature scram-downgrade-hash on");
    assert_int_equal(epode_client_start(q.a.client), EPODE_OK);
    app_until(&q.a, 5000, q.a.ready == 1);
    server_say(&srv, "feature scram-downgrade-hash off");
    restart(&q);
    app_until(&q.a, 5000, q.a.stopped == 1);
    assert_int_equal(q.a.last_error, EPODE_EDOWNGRADE);
    assert_int_equal(epode_client_unpin(q.a.client), EPODE_OK);
    assert_int_equal(epode_client_start(q.a.client), EPODE_OK);
    app_until(&q.a, 5000, q.a.ready == 1);
    app_close(&q.a);
}

/* ---- other hosts ---- */

static void a_server_that_names_another_host_is_followed(void **state)
{
    (void)state;
    asked q = { 0 };
    server_say(&srv, "fault see-other-host 127.0.0.1:%d", srv.direct);
    epode_options o = asking(&q, NULL);
    o.password = "alice-pw";
    begin(&q, &o);
    /* It is sent back to where it is, again and again: within bounds. */
    long before = server_counter(&srv, "headers");
    app_until(&q.a, 5000, q.a.stopped == 1);
    assert_int_equal(q.a.last_error, EPODE_ELIMIT);
    assert_string_equal(q.a.last_condition, "see-other-host");
    assert_int_equal(server_counter(&srv, "headers") - before, 4);
    static const char *const wrong[] = { "127.0.0.1:0", "127.0.0.1:65536", "a b", "[::1", "[::1]x:1", "x@y", ":5222" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        server_say(&srv, "fault see-other-host %s", wrong[i]);
        q.a.stopped = 0;
        assert_int_equal(epode_client_start(q.a.client), EPODE_OK);
        app_until(&q.a, 5000, q.a.stopped == 1);
        assert_int_equal(q.a.last_error, EPODE_ESTREAM);
        assert_string_equal(q.a.last_condition, "see-other-host");
    }
    app_close(&q.a);
}

static void the_other_host_is_where_the_session_is(void **state)
{
    (void)state;
    asked q = { 0 };
    server first;
    server_start(&first, "--fault", "see-other-host=127.0.0.1:1", (char *)NULL);
    /* One authority for both; the second has no other way in than by the first. */
    char ca[600], cmd[1400];
    snprintf(ca, sizeof ca, "%s/both.pem", srv.dir);
    snprintf(cmd, sizeof cmd, "cat %s %s > %s", first.ca, srv.ca, ca);
    assert_int_equal(system(cmd), 0);
    server_say(&first, "fault see-other-host 127.0.0.1:%d", srv.direct);
    epode_options o = asking(&q, NULL);
    o.password = "alice-pw";
    o.port = (uint16_t)first.direct;
    o.ca_file = ca;
    begin(&q, &o);
    app_until(&q.a, 5000, q.a.ready == 1);
    const epode_session *s = epode_client_session(q.a.client);
    epode_tls_info tls = { .size = sizeof tls };
    epode_session_tls(s, &tls);
    assert_int_equal(tls.port, srv.direct);
    assert_string_equal(epode_session_fallback_at(s, 0)->what, "host");
    app_close(&q.a);
    /* The certificate must be the domain's there as well: another authority's is not. */
    asked p = { 0 };
    o = asking(&p, NULL);
    o.password = "alice-pw";
    o.port = (uint16_t)first.direct;
    o.ca_file = first.ca;
    begin(&p, &o);
    app_until(&p.a, 5000, p.a.stopped == 1);
    assert_int_equal(p.a.last_error, EPODE_ECERT);
    app_close(&p.a);
    server_stop(&first);
}

static void a_session_that_is_sent_away_goes_on_there(void **state)
{
    (void)state;
    asked q = { 0 };
    epode_tls_info tls = { .size = sizeof tls };
    epode_options o = asking(&q, "away.db");
    o.password = "alice-pw";
    o.flags = 0;
    begin(&q, &o);
    app_until(&q.a, 5000, q.a.ready == 1);
    /* Sooner than any backoff. */
    int64_t before = app_now_ms();
    server_say(&srv, "drop-connections see-other-host localhost:%d", srv.direct);
    app_until(&q.a, 5000, q.a.ready == 2);
    assert_true(app_now_ms() - before < 900);
    assert_int_equal(q.a.offline, 1);
    epode_session_tls(epode_client_session(q.a.client), &tls);
    assert_string_equal(tls.host, "localhost");
    assert_true(epode_session_is_resumed(epode_client_session(q.a.client)));
    /* Once: the next connect begins at home. */
    server_say(&srv, "drop-connections hard");
    app_until(&q.a, 10000, q.a.ready == 3);
    epode_session_tls(epode_client_session(q.a.client), &tls);
    assert_string_equal(tls.host, "127.0.0.1");
    app_close(&q.a);
}

static void a_resumption_is_tried_first_where_the_session_is_kept(void **state)
{
    (void)state;
    asked q = { 0 };
    epode_tls_info tls = { .size = sizeof tls };
    /* The same server by another of its names. */
    server_say(&srv, "feature sm-location localhost:%d", srv.direct);
    epode_options o = asking(&q, "location.db");
    o.password = "alice-pw";
    begin(&q, &o);
    app_until(&q.a, 5000, q.a.ready == 1);
    epode_session_tls(epode_client_session(q.a.client), &tls);
    assert_string_equal(tls.host, "127.0.0.1");
    app_stop(&q.a, EPODE_STOP_RESUMABLE);
    assert_int_equal(epode_client_start(q.a.client), EPODE_OK);
    app_until(&q.a, 5000, q.a.ready == 2);
    epode_session_tls(epode_client_session(q.a.client), &tls);
    assert_true(epode_session_is_resumed(epode_client_session(q.a.client)));
    assert_string_equal(tls.host, "localhost");
    app_stop(&q.a, EPODE_STOP_CLOSE);
    /* A place that is gone: discovery, in the same connect. */
    server_say(&srv, "feature sm-location 127.0.0.1:1");
    assert_int_equal(epode_client_start(q.a.client), EPODE_OK);
    app_until(&q.a, 5000, q.a.ready == 3);
    app_stop(&q.a, EPODE_STOP_RESUMABLE);
    assert_int_equal(epode_client_start(q.a.client), EPODE_OK);
    app_until(&q.a, 5000, q.a.ready == 4);
    assert_true(epode_session_is_resumed(epode_client_session(q.a.client)));
    assert_string_equal(epode_session_fallback_at(epode_client_session(q.a.client), 0)->what, "location");
    assert_string_equal(epode_session_fallback_at(epode_client_session(q.a.client), 0)->why, "EPODE_ECONNECT");
    app_close(&q.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_password_is_asked_for_late_and_only_if_needed, reset),
        cmocka_unit_test_setup(a_password_that_was_changed_falls_through_token_and_keys_to_the_question, reset),
        cmocka_unit_test_setup(a_password_that_is_wrong_twice_is_final, reset),
        cmocka_unit_test_setup(no_password_is_an_answer, reset),
        cmocka_unit_test_setup(a_stop_takes_the_question_back, reset),
        cmocka_unit_test_setup(a_suspended_client_asks_again_when_it_comes_back, reset),
        cmocka_unit_test_setup(a_client_may_be_freed_in_the_question, reset),
        cmocka_unit_test_setup(a_connection_that_ends_in_the_meantime_is_made_again_with_the_answer, reset),
        cmocka_unit_test_setup(the_deadline_stands_still_while_a_user_thinks, reset),
        cmocka_unit_test_setup(a_password_of_the_options_is_not_kept_where_it_can_be_asked_for, reset),
        cmocka_unit_test_setup(a_second_factor_is_asked_for, reset),
        cmocka_unit_test_setup(a_task_with_data_both_ways, reset),
        cmocka_unit_test_setup(a_wrong_code_is_final_and_a_new_start_asks_again, reset),
        cmocka_unit_test_setup(a_task_can_be_given_up, reset),
        cmocka_unit_test_setup(without_a_callback_a_task_is_the_end, reset),
        cmocka_unit_test_setup(a_connection_that_ends_in_a_task_brings_it_again, reset),
        cmocka_unit_test_setup(a_client_may_be_freed_in_a_task, reset),
        cmocka_unit_test_setup(a_scram_upgrade_is_done_once_and_used_from_then_on, reset),
        cmocka_unit_test_setup(an_upgrade_that_fails_costs_a_detour_and_is_remembered, reset),
        cmocka_unit_test_setup(a_certificate_logs_in_in_both_profiles_and_sent_ahead, reset),
        cmocka_unit_test_setup(files_that_are_no_certificate_are_said_to_be_none, reset),
        cmocka_unit_test_setup(a_certificate_that_is_refused_leaves_the_password, reset),
        cmocka_unit_test_setup(an_oauth_token_logs_in_and_a_refused_one_is_asked_for, reset),
        cmocka_unit_test_setup(a_pin_is_taken_back_by_the_application_alone, reset),
        cmocka_unit_test_setup(a_server_that_names_another_host_is_followed, reset),
        cmocka_unit_test_setup(the_other_host_is_where_the_session_is, reset),
        cmocka_unit_test_setup(a_session_that_is_sent_away_goes_on_there, reset),
        cmocka_unit_test_setup(a_resumption_is_tried_first_where_the_session_is_kept, reset),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
