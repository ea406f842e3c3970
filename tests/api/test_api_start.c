/* Start and stop: the order of states, what can be resumed, what comes back after a loss, and how patiently. */
#include "app.h"

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

/* From each READY the way leads over one OFFLINE or STOPPED, and OFFLINE comes from nowhere else. */
static void check_order(const app *a)
{
    epode_state before = EPODE_STOPPED;
    for (size_t i = 0; i < a->state_count; i++) {
        epode_state now = a->states[i];
        if (now == EPODE_CONNECTING)
            assert_int_not_equal(before, EPODE_READY);
        if (now == EPODE_READY)
            assert_int_equal(before, EPODE_CONNECTING);
        if (now == EPODE_OFFLINE)
            assert_int_equal(before, EPODE_READY);
        if (now == EPODE_STOPPED)
            assert_int_not_equal(before, EPODE_STOPPED);
        before = now;
    }
}

static void a_hundred_starts_and_stops(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, "hundred.db");
    for (unsigned i = 0; i < 100; i++) {
        app_until(&a, 5000, a.ready == i + 1);
        assert_int_equal(epode_client_state(a.client), EPODE_READY);
        app_stop(&a, i % 2 ? EPODE_STOP_RESUMABLE : EPODE_STOP_CLOSE);
        assert_int_equal(epode_client_state(a.client), EPODE_STOPPED);
        assert_null(epode_client_error(a.client));
        assert_int_equal(epode_client_start(a.client), EPODE_OK);
        assert_int_equal(epode_client_start(a.client), EPODE_OK); /* wished for already */
    }
    app_stop(&a, EPODE_STOP_CLOSE);
    assert_int_equal(a.state_count, 3 * 100 + (a.ready == 101 ? 3 : 2));
    check_order(&a);
    app_close(&a);
}

static void the_timeline_adds_up(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, "timeline.db");
    app_until(&a, 5000, a.ready == 1);
    const epode_session *s = epode_client_session(a.client);
    epode_waits w = { .size = sizeof w };
    unsigned waits = 0, won = 0;
    epode_session_waits(s, &w);
    for (size_t i = 0; i < epode_session_flight_count(s); i++) {
        const epode_flight *f = epode_session_flight_at(s, i);
        waits += f->waits;
        assert_true(f->sent_us >= 0 && f->answered_us >= f->sent_us && f->answered_us <= epode_session_ready_us(s));
        assert_true(strcmp(f->layer, "dns") == 0 || strcmp(f->layer, "tcp") == 0 || (f->bytes_out && f->bytes_in));
    }
    assert_int_equal(waits, w.dns + w.tcp + w.tls + w.xmpp);
    for (size_t i = 0; i < epode_session_attempt_count(s); i++) {
        const epode_attempt *t = epode_session_attempt_at(s, i);
        assert_true(t->began_us >= 0 && t->tcp_us >= t->began_us && t->ended_us >= t->tcp_us);
        assert_string_equal(t->address, "127.0.0.1");
        assert_null(t->failure);
        won += t->won;
    }
    assert_int_equal(won, 1);
    assert_null(epode_session_attempt_at(s, epode_session_attempt_count(s)));
    assert_null(epode_session_flight_at(s, epode_session_flight_count(s)));
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void a_stop_at_each_turn_of_a_connect_cancels_it(void **state)
{
    app a = { 0 };
    bool ready = false;
    (void)state;
    epode_options o = app_options(&a, &srv, "cancel.db");
    app_open(&a, &o);
    for (int turns = 0; !ready && turns < 200; turns++) {
        unsigned before = a.ready;
        assert_int_equal(epode_client_start(a.client), EPODE_OK);
        for (int i = 0; i < turns && a.ready == before; i++)
            app_turn(&a, app_now_ms() + 2000);
        ready = a.ready > before;
        app_stop(&a, turns % 2 ? EPODE_STOP_CLOSE : EPODE_STOP_RESUMABLE);
        app_until(&a, 1000, !app_is_due(&a, 0));
    }
    assert_true(ready);
    check_order(&a);
    app_close(&a);
}

static void a_resumable_stop_is_resumed_and_a_clean_one_is_not(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, "resume.db");
    app_online(&a);
    char first[128];
    snprintf(first, sizeof first, "%s", epode_session_jid(epode_client_session(a.client)));
    app_stop(&a, EPODE_STOP_RESUMABLE);
    server_say(&srv, "message bob@localhost alice@localhost while away");
    epode_client_start(a.client);
    app_until(&a, 5000, a.ready == 2 && a.messages == 1);
    const epode_session *s = epode_client_session(a.client);
    assert_true(epode_session_is_resumed(s));
    assert_int_equal(epode_session_bind(s), EPODE_BIND_RESUMED);
    assert_string_equal(epode_session_jid(s), first);
    app_stop(&a, EPODE_STOP_CLOSE);
    assert_null(strstr(server_say(&srv, "dump"), first));
    epode_client_start(a.client);
    app_until(&a, 5000, a.ready == 3);
    assert_false(epode_session_is_resumed(epode_client_session(a.client)));
    app_for(&a, 50);
    assert_int_equal(a.messages, 1);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void a_freed_client_leaves_its_session_to_the_next_one(void **state)
{
    app a = { 0 }, b = { 0 };
    (void)state;
    app_start(&a, &srv, "left.db");
    app_online(&a);
    app_close(&a);
    server_say(&srv, "message bob@localhost alice@localhost while away");
    app_start(&b, &srv, "left.db");
    app_until(&b, 5000, b.ready && b.messages == 1);
    assert_true(epode_session_is_resumed(epode_client_session(b.client)));
    app_stop(&b, EPODE_STOP_CLOSE);
    app_close(&b);
}

static void a_second_stop_changes_nothing(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, NULL);
    app_online(&a);
    assert_int_equal(epode_client_stop(a.client, 7), EPODE_EINVAL);
    assert_int_equal(epode_client_state(a.client), EPODE_READY);
    for (int i = 0; i < 3; i++)
        assert_int_equal(epode_client_stop(a.client, EPODE_STOP_CLOSE), EPODE_OK);
    app_until(&a, 5000, a.stopped == 1);
    assert_int_equal(epode_client_stop(a.client, EPODE_STOP_CLOSE), EPODE_OK);
    app_for(&a, 50);
    assert_int_equal(a.stopped, 1);
    app_close(&a);
}

/* The wish changed while the goodbye was under way: it is told that the client stopped, and it starts at once. */
static void a_start_right_behind_a_clean_stop_starts_again_at_once(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, "again.db");
    app_online(&a);
    epode_client_stop(a.client, EPODE_STOP_CLOSE);
    epode_client_start(a.client);
    app_until(&a, 900, a.ready == 2);
    assert_int_equal(a.offline, 0);
    assert_int_equal(a.stopped, 1);
    check_order(&a);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void a_lost_connection_is_made_again_after_a_while(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, "lost.db");
    app_online(&a);
    server_say(&srv, "drop-connections hard");
    app_until(&a, 5000, a.offline == 1);
    assert_int_equal(a.last_error, EPODE_ECONNECT);
    assert_non_null(epode_client_error(a.client));
    assert_int_equal(epode_client_state(a.client), EPODE_OFFLINE);
    int64_t began = app_now_ms();
    app_until(&a, 5000, a.ready == 2);
    assert_in_range(app_now_ms() - began, 950, 2500);
    assert_true(epode_session_is_resumed(epode_client_session(a.client)));
    assert_null(epode_client_error(a.client));
    check_order(&a);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void without_reconnect_a_loss_is_the_end(void **state)
{
    app a = { 0 };
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    o.flags = EPODE_NO_RECONNECT;
    app_open(&a, &o);
    epode_client_start(a.client);
    app_online(&a);
    server_say(&srv, "drop-connections hard");
    app_until(&a, 5000, a.stopped == 1);
    assert_int_equal(a.last_error, EPODE_ECONNECT);
    assert_false(app_is_due(&a, 100));
    app_close(&a);
}

static void a_stream_error_is_told_with_its_condition(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, NULL);
    app_online(&a);
    server_say(&srv, "inject stream-error");
    app_until(&a, 5000, a.offline == 1);
    assert_int_equal(a.last_error, EPODE_ESTREAM);
    assert_string_equal(a.last_condition, "reset");
    assert_false(a.last_final);
    app_close(&a);
}

/* Two clients with the same resource take each other's place; the first must not come back for it. */
static void a_conflict_is_final(void **state)
{
    app a = { 0 }, b = { 0 };
    (void)state;
    server_say(&srv, "feature sasl2 off");
    epode_options o = app_options(&a, &srv, "first.db");
    o.jid = "alice@localhost/phone";
    app_open(&a, &o);
    epode_client_start(a.client);
    app_online(&a);
    epode_options p = app_options(&b, &srv, "second.db");
    p.jid = "alice@localhost/phone";
    app_open(&b, &p);
    epode_client_start(b.client);
    app_online(&b);
    app_until(&a, 5000, a.stopped == 1);
    assert_int_equal(a.last_error, EPODE_ECONFLICT);
    assert_true(a.last_final);
    assert_int_equal(epode_error_status(epode_client_error(a.client)), EPODE_ECONFLICT);
    app_for(&a, 50); /* what that turn left for the next */
    assert_false(app_is_due(&a, 100));
    assert_int_equal(a.ready, 1);
    app_stop(&b, EPODE_STOP_CLOSE);
    server_say(&srv, "feature sasl2 on");
    app_close(&a);
    app_close(&b);
}

static void a_wrong_password_is_final_and_one_more_start_is_one_more_try(void **state)
{
    app a = { 0 };
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    o.password = "wrong";
    app_open(&a, &o);
    epode_client_start(a.client);
    app_until(&a, 5000, a.stopped == 1);
    assert_int_equal(a.last_error, EPODE_EAUTH);
    assert_true(a.last_final);
    long attempts = server_counter(&srv, "auth-failures");
    assert_false(app_is_due(&a, 100));
    epode_client_start(a.client);
    app_until(&a, 5000, a.stopped == 2);
    assert_int_equal(server_counter(&srv, "auth-failures"), attempts + 1);
    app_close(&a);
}

/* Every connection is closed as soon as it is there: in five seconds the waits of 1-2 and 2-4 s allow few. */
static void a_server_that_refuses_is_not_asked_in_a_tight_loop(void **state)
{
    app a = { 0 };
    (void)state;
    server_say(&srv, "fault cut-at *:1");
    long before = server_counter(&srv, "connections");
    app_start(&a, &srv, "refused.db");
    app_for(&a, 5000);
    long made = server_counter(&srv, "connections") - before;
    server_say(&srv, "fault cut-at off");
    assert_in_range(made, 2, 4);
    assert_true(a.events <= 6);
    check_order(&a);
    app_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_timeline_adds_up),
        cmocka_unit_test(a_hundred_starts_and_stops),
        cmocka_unit_test(a_stop_at_each_turn_of_a_connect_cancels_it),
        cmocka_unit_test(a_resumable_stop_is_resumed_and_a_clean_one_is_not),
        cmocka_unit_test(a_freed_client_leaves_its_session_to_the_next_one),
        cmocka_unit_test(a_second_stop_changes_nothing),
        cmocka_unit_test(a_start_right_behind_a_clean_stop_starts_again_at_once),
        cmocka_unit_test(a_lost_connection_is_made_again_after_a_while),
        cmocka_unit_test(without_reconnect_a_loss_is_the_end),
        cmocka_unit_test(a_stream_error_is_told_with_its_condition),
        cmocka_unit_test(a_conflict_is_final),
        cmocka_unit_test(a_wrong_password_is_final_and_one_more_start_is_one_more_try),
        cmocka_unit_test(a_server_that_refuses_is_not_asked_in_a_tight_loop),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
