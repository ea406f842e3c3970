/* The loop: one descriptor that is readable when there is something to do and only then. */
#include <dirent.h>

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

static void process_in_callback(app *a, const epode_event *event)
{
    (void)event;
    assert_int_equal(epode_client_process(a->client), EPODE_ESTATE);
    assert_int_equal(epode_client_run(a->client, 10), EPODE_ESTATE);
}

static void process_within_a_callback_is_refused(void **state)
{
    app a = { .on = process_in_callback };
    (void)state;
    app_start(&a, &srv, NULL);
    app_online(&a);
    server_say(&srv, "message bob@localhost alice@localhost hello");
    app_until(&a, 5000, a.messages == 1);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void a_client_that_was_not_started_has_nothing_to_do(void **state)
{
    app a = { 0 };
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    app_open(&a, &o);
    epode_client_process(a.client);
    assert_false(app_is_due(&a, 50));
    assert_int_equal(epode_client_process(a.client), EPODE_AGAIN);
    assert_int_equal(epode_client_run(a.client, -1), EPODE_OK);
    assert_int_equal(epode_client_state(a.client), EPODE_STOPPED);
    app_close(&a);
}

static void the_descriptor_is_the_same_for_the_whole_life(void **state)
{
    app a = { 0 };
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    app_open(&a, &o);
    int fd = epode_client_fd(a.client);
    assert_true(fd >= 0);
    for (unsigned i = 1; i <= 2; i++) {
        epode_client_start(a.client);
        app_until(&a, 5000, a.ready == i);
        assert_int_equal(epode_client_fd(a.client), fd);
        app_stop(&a, EPODE_STOP_CLOSE);
    }
    assert_int_equal(epode_client_fd(a.client), fd);
    app_close(&a);
}

static void run_ends_when_its_time_is_over_or_the_client_is_stopped(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, NULL);
    assert_int_equal(epode_client_run(a.client, 0), EPODE_ETIMEOUT);
    int64_t began = app_now_ms();
    assert_int_equal(epode_client_run(a.client, 1000), EPODE_ETIMEOUT);
    assert_in_range(app_now_ms() - began, 990, 1500);
    assert_int_equal(a.ready, 1);
    epode_client_stop(a.client, EPODE_STOP_CLOSE);
    began = app_now_ms();
    assert_int_equal(epode_client_run(a.client, 5000), EPODE_OK);
    assert_in_range(app_now_ms() - began, 0, 500);
    assert_int_equal(a.stopped, 1);
    app_close(&a);
}

static void each_call_from_outside_wakes_the_descriptor(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, NULL);
    assert_true(app_is_due(&a, 0));
    app_online(&a);
    app_for(&a, 100);
    assert_false(app_is_due(&a, 0));
    server_say(&srv, "message bob@localhost alice@localhost hello");
    assert_true(app_is_due(&a, 1000));
    app_for(&a, 100);
    epode_client_stop(a.client, EPODE_STOP_RESUMABLE);
    assert_true(app_is_due(&a, 0)); /* to tell that it has stopped */
    app_until(&a, 100, a.stopped == 1);
    assert_false(app_is_due(&a, 100));
    app_close(&a);
}

static void client_state_is_told_to_the_server(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, NULL);
    app_online(&a);
    long inactive = server_counter(&srv, "csi-inactive"), active = server_counter(&srv, "csi-active");
    assert_int_equal(epode_client_set_active(a.client, false), EPODE_OK);
    assert_int_equal(epode_client_set_active(a.client, false), EPODE_OK);
    app_for(&a, 50);
    assert_int_equal(server_counter(&srv, "csi-inactive"), inactive + 1);
    assert_int_equal(epode_client_set_active(a.client, true), EPODE_OK);
    app_for(&a, 50);
    assert_int_equal(server_counter(&srv, "csi-active"), active + 1);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static long voluntary_switches(void)
{
    char line[200];
    long n = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        sscanf(line, "voluntary_ctxt_switches: %ld", &n);
    if (f)
        fclose(f);
    return n;
}

static int threads(void)
{
    int n = 0;
    DIR *tasks = opendir("/proc/self/task");
    while (tasks && readdir(tasks))
        n++;
    closedir(tasks);
    return n - 2;
}

/* Neither a timer of ours nor a thread: the process sleeps in the one poll, from its beginning to its end. How long it is
 * watched can be said: EPODE_IDLE_MS=60000 build/release/tests/test_api_loop */
static void an_idle_client_wakes_nobody(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, "idle.db");
    app_online(&a);
    /* What was said just before is read once more after ten seconds. */
    const char *watched = getenv("EPODE_IDLE_MS");
    app_for(&a, watched ? 15000 : 300);
    assert_int_equal(threads(), 1);
    long before = voluntary_switches();
    assert_false(app_is_due(&a, watched ? (int)strtol(watched, NULL, 10) : 5000));
    long switches = voluntary_switches() - before;
    assert_in_range(switches, 1, 3);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(process_within_a_callback_is_refused),
        cmocka_unit_test(a_client_that_was_not_started_has_nothing_to_do),
        cmocka_unit_test(the_descriptor_is_the_same_for_the_whole_life),
        cmocka_unit_test(run_ends_when_its_time_is_over_or_the_client_is_stopped),
        cmocka_unit_test(each_call_from_outside_wakes_the_descriptor),
        cmocka_unit_test(client_state_is_told_to_the_server),
        cmocka_unit_test(an_idle_client_wakes_nobody),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
