/* A session on an application's libstrophe connection: start-up, its handlers, what is stored and sent, how it ends. */
#include "strophe_app.h"

static server srv;

static int start_server(void **state)
{
    (void)state;
    server_start(&srv, (char *)NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

static unsigned waits_of_xmpp(const strophe_app *s)
{
    epode_waits w = { .size = sizeof w };
    epode_session_waits(epode_client_session(s->a.client), &w);
    return w.xmpp;
}

/* Starts, waits until everything is there, and ends; returns how often it waited. */
static unsigned start_once(const char *store, bool starttls, uint32_t client_flags)
{
    strophe_app s = { .client_trusts = true };
    epode_options o = app_options(&s.a, &srv, store);
    o.flags = client_flags;
    if (starttls) {
        o.tls = EPODE_TLS_STARTTLS;
        o.port = (uint16_t)srv.starttls;
    }
    strophe_app_open(&s);
    strophe_app_connect(&s, &o, 0);
    app_until(&s.a, 10000, s.connects == 1);
    app_until(&s.a, 10000, s.a.ready && s.a.synced);
    unsigned waits = waits_of_xmpp(&s);
    const epode_session *session = epode_client_session(s.a.client);
    assert_true(epode_session_has(session, EPODE_FEATURE_CARBONS, NULL));
    assert_true(epode_session_has(session, EPODE_FEATURE_CSI, NULL));
    assert_int_equal(epode_session_fallback_count(session), 0);
    app_stop(&s.a, EPODE_STOP_CLOSE);
    app_until(&s.a, 5000, s.disconnects == 1);
    assert_int_equal(s.connects, 1);
    assert_false(s.had_stream_error);
    strophe_app_close(&s);
    return waits;
}

static void a_returning_client_waits_once(void **state)
{
    (void)state;
    server_say(&srv, "reset-counters");
    assert_int_equal(start_once("direct.db", false, 0), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(start_once("direct.db", false, 0), 1);
    assert_int_equal(server_counter(&srv, "tokens-issued"), 1);
    assert_int_equal(server_counter(&srv, "tokens-used"), 3);
    assert_int_equal(server_counter(&srv, "bind2"), 4);
}

static void with_starttls_it_waits_once_more(void **state)
{
    (void)state;
    server_say(&srv, "reset-counters");
    assert_int_equal(start_once("starttls.db", true, 0), 4);
    assert_int_equal(start_once("starttls.db", true, 0), 2);
    assert_int_equal(server_counter(&srv, "from-in-clear"), 0);
}

static void without_sasl2_it_goes_on_with_a_second_header(void **state)
{
    (void)state;
    server_say(&srv, "reset-counters");
    assert_int_equal(start_once("legacy.db", false, EPODE_NO_SASL2), 5);
    assert_int_equal(start_once("legacy.db", false, EPODE_NO_SASL2), 3);
    assert_int_equal(start_once("legacy-starttls.db", true, EPODE_NO_SASL2), 6);
    assert_int_equal(server_counter(&srv, "bind1"), 3);
    assert_int_equal(server_counter(&srv, "stream-errors"), 0);
}

/* XEP-0305's server would take the second header at once; libstrophe's parser would not. */
static void a_second_header_never_stands_behind_the_login(void **state)
{
    (void)state;
    server_say(&srv, "feature pipelining on");
    server_say(&srv, "reset-counters");
    start_once("pipelining.db", false, EPODE_NO_SASL2);
    assert_int_equal(start_once("pipelining.db", false, EPODE_NO_SASL2), 3);
    server_say(&srv, "feature pipelining off");
    assert_int_equal(server_counter(&srv, "stream-errors"), 0);
}

static void the_first_drafts_of_bind_2_work(void **state)
{
    (void)state;
    server_say(&srv, "feature bind2-draft on");
    start_once("draft.db", false, 0);
    start_once("draft.db", false, 0);
    start_once("draft1.db", false, EPODE_NO_SASL2);
    start_once("draft1.db", false, EPODE_NO_SASL2);
    server_say(&srv, "feature bind2-draft off");
}

static void what_is_left_out_is_said(void **state)
{
    strophe_app s = { 0 };
    const char *why;
    bool tickets = false;
    (void)state;
    strophe_app_start(&s, &srv, NULL, 0);
    app_until(&s.a, 10000, s.a.ready);
    const epode_session *session = epode_client_session(s.a.client);
    assert_string_equal(epode_session_transport(session), "strophe");
    for (size_t i = 0; epode_session_left_out_at(session, i); i++)
        tickets = tickets || strcmp(epode_session_left_out_at(session, i), "tls-tickets") == 0;
    assert_true(tickets);
    assert_false(epode_session_has(session, EPODE_FEATURE_SM, &why));
    assert_string_equal(why, "transport");
    epode_tls_info tls = { .size = sizeof tls };
    epode_session_tls(session, &tls);
    assert_string_equal(tls.version, "");
    assert_string_equal(tls.address, "127.0.0.1");
    strophe_app_close(&s);
}

static void handlers_and_sending_go_on_as_before(void **state)
{
    strophe_app s = { 0 };
    (void)state;
    strophe_app_open(&s);
    strophe_app_handle(&s);
    epode_options o = app_options(&s.a, &srv, "handlers.db");
    strophe_app_connect(&s, &o, 0);
    app_online(&s.a);
    server_say(&srv, "message bob@localhost alice@localhost to a handler");
    app_until(&s.a, 5000, s.bodies == 1 && app_count(&s.a, "to a handler"));
    assert_string_equal(s.last_body, "to a handler");
    assert_int_equal(app_count(&s.a, "to a handler"), 1);
    server_say(&srv, "reset-counters");
    /* Stanzas of libstrophe's, sent by libstrophe: a message, and a request, whose answer tells that both are there. */
    xmpp_stanza_t *message = xmpp_message_new(s.ctx, "chat", "bob@localhost", "out");
    xmpp_message_set_body(message, "by xmpp_send");
    xmpp_send(s.conn, message);
    xmpp_stanza_release(message);
    xmpp_stanza_t *iq = xmpp_iq_new(s.ctx, "get", "mine"), *ping = xmpp_stanza_new(s.ctx);
    xmpp_stanza_set_name(ping, "ping");
    xmpp_stanza_set_ns(ping, "urn:xmpp:ping");
    xmpp_stanza_add_child(iq, ping);
    xmpp_stanza_release(ping);
    xmpp_send(s.conn, iq);
    xmpp_stanza_release(iq);
    app_until(&s.a, 5000, s.answers == 1);
    assert_int_equal(server_counter(&srv, "messages"), 1);
    assert_true(s.timed > 0);
    /* The same stanza by epode, and a message through the outbox. */
    message = xmpp_message_new(epode_client_ctx(s.a.client), "chat", "bob@localhost", "out2");
    assert_ptr_equal(xmpp_stanza_get_context(message), s.ctx);
    xmpp_message_set_body(message, "by epode_send");
    assert_int_equal(epode_send(s.a.client, message), EPODE_OK);
    xmpp_stanza_release(message);
    assert_int_equal(app_send(&s.a, "bob@localhost", "by the outbox", NULL), EPODE_OK);
    app_until(&s.a, 5000, s.a.acknowledged == 1);
    assert_int_equal(server_counter(&srv, "messages"), 3);
    strophe_app_close(&s);
}

static void an_archive_is_caught_up_with(void **state)
{
    strophe_app s = { 0 };
    (void)state;
    server_say(&srv, "archive-add alice carol@localhost 500 300");
    epode_options o = app_options(&s.a, &srv, "archive.db");
    o.first_sync_messages = UINT32_MAX;
    strophe_app_open(&s);
    strophe_app_connect(&s, &o, 0);
    app_until(&s.a, 20000, s.a.synced);
    unsigned held = s.a.messages + s.a.own;
    assert_in_range(held, 500, 600);
    app_stop(&s.a, EPODE_STOP_CLOSE);
    server_say(&srv, "archive-add alice carol@localhost 120");
    strophe_app_again(&s);
    app_until(&s.a, 20000, s.a.synced == 2);
    assert_int_equal(s.a.messages + s.a.own, held + 120);
    strophe_app_close(&s);
}

static void by_promise_a_session_is_resumed(void **state)
{
    strophe_app s = { 0 };
    (void)state;
    strophe_app_start(&s, &srv, "resume.db", EPODE_STROPHE_SENDS_BY_EPODE | EPODE_STROPHE_RECONNECT);
    app_online(&s.a);
    assert_true(epode_session_has(epode_client_session(s.a.client), EPODE_FEATURE_SM, NULL));
    server_say(&srv, "drop-connections hard");
    server_say(&srv, "message bob@localhost alice@localhost meanwhile");
    app_until(&s.a, 10000, s.connects == 2 && app_count(&s.a, "meanwhile"));
    assert_int_equal(s.disconnects, 1);
    assert_true(epode_session_is_resumed(epode_client_session(s.a.client)));
    assert_int_equal(app_count(&s.a, "meanwhile"), 1);
    app_stop(&s.a, EPODE_STOP_RESUMABLE);
    app_until(&s.a, 5000, s.disconnects == 2);
    strophe_app_again(&s);
    app_until(&s.a, 10000, s.connects == 3);
    assert_true(epode_session_is_resumed(epode_client_session(s.a.client)));
    app_stop(&s.a, EPODE_STOP_CLOSE);
    strophe_app_close(&s);
}

/* What cannot be confirmed is asked for in the archive, and sent once. */
static void without_stream_management_the_outbox_is_sent_once(void **state)
{
    strophe_app s = { 0 };
    (void)state;
    strophe_app_start(&s, &srv, "outbox.db", EPODE_STROPHE_RECONNECT);
    app_online(&s.a);
    server_say(&srv, "reset-counters");
    for (int i = 0; i < 3; i++)
        assert_int_equal(app_send(&s.a, "bob@localhost", "once", NULL), EPODE_OK);
    app_until(&s.a, 5000, s.a.sent == 3);
    app_turn(&s.a, app_now_ms() + 1000);
    server_say(&srv, "drop-connections hard");
    app_until(&s.a, 15000, s.connects == 2 && s.a.acknowledged == 3);
    assert_int_equal(server_counter(&srv, "messages"), 3);
    app_stop(&s.a, EPODE_STOP_CLOSE);
    strophe_app_close(&s);
}

static unsigned sent_before, allocated;
static bool was_ready;

static void count_sent(void *const user, xmpp_log_level_t level, const char *const area, const char *const line)
{
    (void)user, (void)level;
    sent_before += !was_ready && strcmp(area, "conn") == 0 && strncmp(line, "SENT: ", 6) == 0;
}

static void *count_alloc(const size_t size, void *const user)
{
    (void)user;
    allocated++;
    return malloc(size);
}

static void just_free(void *p, void *const user)
{
    (void)user;
    free(p);
}

static void *just_realloc(void *p, const size_t size, void *const user)
{
    (void)user;
    return realloc(p, size);
}

static void note_ready(strophe_app *s, xmpp_conn_event_t event)
{
    (void)s;
    was_ready = was_ready || event == XMPP_CONN_CONNECT;
}

/* By the application's own log of libstrophe, in its own memory. */
static void the_first_flight_is_one_write(void **state)
{
    const xmpp_log_t log = { count_sent, NULL };
    const xmpp_mem_t mem = { count_alloc, just_free, just_realloc, NULL };
    (void)state;
    start_once("one.db", false, 0);
    strophe_app s = { .on_event = note_ready };
    epode_options o = app_options(&s.a, &srv, "one.db");
    strophe_app_open(&s);
    xmpp_conn_release(s.conn);
    xmpp_ctx_free(s.ctx);
    s.ctx = xmpp_ctx_new(&mem, &log);
    s.conn = xmpp_conn_new(s.ctx);
    strophe_app_connect(&s, &o, 0);
    unsigned before = allocated;
    app_until(&s.a, 10000, s.connects == 1);
    assert_int_equal(sent_before, 1);
    assert_true(allocated > before);
    strophe_app_close(&s);
}

static void a_resource_of_the_client_is_told_by_epode(void **state)
{
    strophe_app s = { 0 };
    (void)state;
    strophe_app_open(&s);
    xmpp_conn_set_jid(s.conn, "alice@localhost/wanted");
    epode_options o = app_options(&s.a, &srv, NULL);
    strophe_app_connect(&s, &o, 0);
    app_until(&s.a, 10000, s.connects == 1);
    assert_non_null(strchr(epode_session_jid(epode_client_session(s.a.client)), '/'));
    assert_string_equal(xmpp_conn_get_jid(s.conn), "alice@localhost/wanted");
    strophe_app_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_returning_client_waits_once),
        cmocka_unit_test(with_starttls_it_waits_once_more),
        cmocka_unit_test(without_sasl2_it_goes_on_with_a_second_header),
        cmocka_unit_test(a_second_header_never_stands_behind_the_login),
        cmocka_unit_test(the_first_drafts_of_bind_2_work),
        cmocka_unit_test(what_is_left_out_is_said),
        cmocka_unit_test(handlers_and_sending_go_on_as_before),
        cmocka_unit_test(an_archive_is_caught_up_with),
        cmocka_unit_test(by_promise_a_session_is_resumed),
        cmocka_unit_test(without_stream_management_the_outbox_is_sent_once),
        cmocka_unit_test(the_first_flight_is_one_write),
        cmocka_unit_test(a_resource_of_the_client_is_told_by_epode),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
