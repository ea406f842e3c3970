/* The life of a mobile client: hints, suspend and resume, the errand of a push; always with a store that others may have. */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void send_to_alice(const char *body)
{
    assert_true(strstr(server_say(&srv, "message bob@localhost alice@localhost %s", body), "true") != NULL);
}

/* Another process takes the store over, if it is free: it opens it as an owner would, and goes. */
static epode_status owned_elsewhere(const char *store)
{
    int status = 0;
    pid_t pid = fork();
    if (!pid) {
        app other = { 0 };
        epode_options o = app_options(&other, &srv, store);
        epode_client *c = NULL;
        epode_status st = epode_client_new(&c, &o, NULL, 0);
        epode_client_free(c);
        _exit(-st);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return (epode_status)-WEXITSTATUS(status);
}

static bool holds_file(const char *name)
{
    char link[64], target[512];
    for (int fd = 0; fd < 256; fd++) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, target, sizeof target - 1);
        if (n > 0 && (target[n] = '\0', strstr(target, name)))
            return true;
    }
    return false;
}

static void a_suspended_client_holds_no_file_and_no_lease_and_goes_on_where_it_was(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, "suspend.db");
    app_settled(&a);
    send_to_alice("before");
    app_until(&a, 5000, app_count(&a, "before") == 1);
    assert_int_equal(owned_elsewhere("suspend.db"), EPODE_EBUSY);
    assert_int_equal(epode_client_suspend(a.client), EPODE_OK);
    assert_int_equal(epode_client_suspend(a.client), EPODE_OK);
    assert_false(holds_file("suspend.db"));
    assert_int_equal(owned_elsewhere("suspend.db"), EPODE_OK);
    send_to_alice("between");
    assert_int_equal(epode_client_resume(a.client), EPODE_OK);
    app_until(&a, 5000, a.ready == 2);
    assert_true(epode_session_is_resumed(epode_client_session(a.client)));
    app_until(&a, 5000, app_count(&a, "between") == 1);
    assert_int_equal(app_count(&a, "before"), 1);
    app_close(&a);
}

static bool any_conversation(const epode_conversation *c, void *user)
{
    (void)c;
    *(unsigned *)user += 1;
    return true;
}

static void what_needs_the_store_says_so_while_it_is_suspended(void **state)
{
    app a = { 0 };
    unsigned n = 0;
    uint32_t count = 0;
    bool at_least = false;
    epode_cursor *cursor = NULL;
    epode_query q = EPODE_QUERY_INIT;
    (void)state;
    app_start(&a, &srv, "closed.db");
    app_settled(&a);
    send_to_alice("one");
    app_until(&a, 5000, app_count(&a, "one") == 1);
    assert_int_equal(epode_client_suspend(a.client), EPODE_OK);
    epode_store *store = epode_client_store(a.client);
    assert_int_equal(app_send(&a, "bob@localhost", "x", NULL), EPODE_ESTATE);
    assert_int_equal(epode_send_xml(a.client, "<message to='bob@localhost'/>", 29), EPODE_ESTATE);
    assert_int_equal(epode_mark_displayed(a.client, 1, false), EPODE_ESTATE);
    assert_int_equal(epode_store_conversations(store, any_conversation, &n), EPODE_ESTATE);
    assert_int_equal(epode_store_unread(store, "bob@localhost", &count, &at_least), EPODE_ESTATE);
    if (epode_store_messages(store, &q, &cursor) == EPODE_OK) {
        const epode_message *m;
        assert_int_equal(epode_cursor_next(cursor, &m), EPODE_ESTATE);
    }
    epode_cursor_free(cursor);
    assert_int_equal(epode_client_start(a.client), EPODE_ESTATE);
    assert_int_equal(epode_client_hint(a.client, EPODE_HINT_NETWORK_CHANGED), EPODE_OK);
    app_for(&a, 50);
    assert_int_equal(a.ready, 1);
    assert_int_equal(epode_client_resume(a.client), EPODE_OK);
    assert_int_equal(app_send(&a, "bob@localhost", "later", NULL), EPODE_OK);
    app_until(&a, 5000, a.acknowledged == 1);
    app_close(&a);
}

static void suspend_from_within(app *a, const epode_event *event)
{
    if (event->type == EPODE_EV_STATE && event->state == EPODE_READY && a->ready == 1)
        assert_int_equal(epode_client_suspend(a->client), EPODE_OK);
}

static void suspended_inside_a_callback_it_takes_effect_when_that_unwinds(void **state)
{
    app a = { 0 };
    (void)state;
    epode_options o = app_options(&a, &srv, "within.db");
    app_open(&a, &o);
    a.on = suspend_from_within;
    assert_int_equal(epode_client_start(a.client), EPODE_OK);
    app_until(&a, 5000, a.ready == 1);
    assert_false(holds_file("within.db"));
    assert_int_equal(epode_client_resume(a.client), EPODE_OK);
    app_until(&a, 5000, a.ready == 2);
    app_close(&a);
}

static void a_client_that_was_suspended_may_be_freed_or_stopped(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, "end.db");
    app_online(&a);
    assert_int_equal(epode_client_suspend(a.client), EPODE_OK);
    app_stop(&a, EPODE_STOP_CLOSE);
    assert_int_equal(epode_client_resume(a.client), EPODE_OK);
    app_for(&a, 50);
    assert_int_equal(a.ready, 1); /* the wish was taken back */
    assert_int_equal(epode_client_suspend(a.client), EPODE_OK);
    app_close(&a);
    assert_false(holds_file("end.db"));
}

static void another_owner_keeps_it_suspended(void **state)
{
    app a = { 0 }, b = { 0 };
    (void)state;
    app_start(&a, &srv, "taken.db");
    app_online(&a);
    assert_int_equal(epode_client_suspend(a.client), EPODE_OK);
    epode_options o = app_options(&b, &srv, "taken.db");
    app_open(&b, &o);
    /* The same process: its own lease is alive. */
    assert_int_equal(epode_client_resume(a.client), EPODE_EBUSY);
    app_close(&b);
    assert_int_equal(epode_client_resume(a.client), EPODE_OK);
    app_until(&a, 5000, a.ready == 2);
    app_close(&a);
}

static void an_errand_brings_what_is_new_and_lets_everything_go(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, "fetch.db");
    app_settled(&a);
    assert_int_equal(epode_client_suspend(a.client), EPODE_OK);
    send_to_alice("pushed");
    assert_int_equal(epode_client_fetch(a.client, 0), EPODE_EINVAL);
    assert_int_equal(epode_client_fetch(a.client, 5000), EPODE_OK);
    assert_int_equal(epode_client_fetch(a.client, 5000), EPODE_ESTATE);
    app_until(&a, 5000, a.fetched == 1);
    assert_true(a.fetched_all);
    assert_false(holds_file("fetch.db"));
    assert_int_equal(owned_elsewhere("fetch.db"), EPODE_OK);
    assert_int_equal(epode_client_resume(a.client), EPODE_OK);
    assert_int_equal(app_count(&a, "pushed"), 1);
    /* It was no wish to be online. */
    app_for(&a, 50);
    assert_int_equal(epode_client_start(a.client), EPODE_OK);
    app_until(&a, 5000, a.ready == 3);
    assert_true(epode_session_is_resumed(epode_client_session(a.client)));
    app_close(&a);
}

static void an_errand_ends_in_time_where_the_server_is_silent(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, "silent.db");
    app_settled(&a);
    assert_int_equal(epode_client_suspend(a.client), EPODE_OK);
    server_say(&srv, "fault silent-after-header on");
    int64_t before = app_now_ms();
    assert_int_equal(epode_client_fetch(a.client, 400), EPODE_OK);
    app_until(&a, 10000, a.fetched == 1);
    int64_t took = app_now_ms() - before;
    server_say(&srv, "fault silent-after-header off");
    /* Far from the 30 s that a connect has; a busy machine may be late. */
    assert_true(took < 5000);
    assert_false(a.fetched_all);
    app_for(&a, 20);
    assert_false(holds_file("silent.db"));
    assert_int_equal(owned_elsewhere("silent.db"), EPODE_OK);
    app_close(&a);
}

static void an_errand_of_a_client_that_is_online_leaves_it_so(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, "online.db");
    app_settled(&a);
    assert_int_equal(epode_client_fetch(a.client, 5000), EPODE_OK);
    app_until(&a, 5000, a.fetched == 1);
    assert_true(a.fetched_all);
    app_for(&a, 20);
    assert_int_equal(epode_client_state(a.client), EPODE_READY);
    assert_true(holds_file("online.db"));
    app_close(&a);
}

static void hints_test_the_session_and_start_nothing_twice(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, "hints.db");
    app_settled(&a);
    long asked = server_counter(&srv, "r"), connections = server_counter(&srv, "connections");
    for (int i = 0; i < 20; i++) {
        assert_int_equal(epode_client_hint(a.client, EPODE_HINT_NETWORK_CHANGED), EPODE_OK);
        assert_int_equal(epode_client_hint(a.client, EPODE_HINT_WOKE_UP), EPODE_OK);
        assert_int_equal(epode_client_hint(a.client, EPODE_HINT_FOREGROUND), EPODE_OK);
        assert_int_equal(epode_client_hint(a.client, EPODE_HINT_SUSPENDED), EPODE_OK);
        assert_int_equal(epode_client_hint(a.client, EPODE_HINT_LOW_MEMORY), EPODE_OK);
    }
    assert_int_equal(epode_client_hint(a.client, (epode_hint)99), EPODE_EINVAL);
    app_until(&a, 5000, server_counter(&srv, "r") > asked);
    app_for(&a, 100);
    assert_int_equal(server_counter(&srv, "connections"), connections);
    assert_int_equal(epode_client_state(a.client), EPODE_READY);
    app_close(&a);
}

static void without_a_network_attempts_wait_for_the_hint_that_there_is_one(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, "network.db");
    app_settled(&a);
    assert_int_equal(epode_client_hint(a.client, EPODE_HINT_NETWORK_LOST), EPODE_OK);
    server_say(&srv, "drop-connections hard");
    app_until(&a, 5000, a.offline == 1);
    app_for(&a, 2500); /* the first of the backoff would be at two seconds */
    assert_int_equal(a.ready, 1);
    assert_int_equal(epode_client_hint(a.client, EPODE_HINT_NETWORK_CHANGED), EPODE_OK);
    app_until(&a, 2000, a.ready == 2);
    app_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_suspended_client_holds_no_file_and_no_lease_and_goes_on_where_it_was),
        cmocka_unit_test(what_needs_the_store_says_so_while_it_is_suspended),
        cmocka_unit_test(suspended_inside_a_callback_it_takes_effect_when_that_unwinds),
        cmocka_unit_test(a_client_that_was_suspended_may_be_freed_or_stopped),
        cmocka_unit_test(another_owner_keeps_it_suspended),
        cmocka_unit_test(an_errand_brings_what_is_new_and_lets_everything_go),
        cmocka_unit_test(an_errand_ends_in_time_where_the_server_is_silent),
        cmocka_unit_test(an_errand_of_a_client_that_is_online_leaves_it_so),
        cmocka_unit_test(hints_test_the_session_and_start_nothing_twice),
        cmocka_unit_test(without_a_network_attempts_wait_for_the_hint_that_there_is_one),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
