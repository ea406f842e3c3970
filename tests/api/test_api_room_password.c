/* Rooms that ask for a password (XEP-0045, 7.2.6): given once, it brings us in again, in another process too. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rooms.h"

static int ask_for_sesame(void **state)
{
    (void)state;
    server_say(&srv, "feature room-password sesame");
    return 0;
}

static void join_with(app *a, const char *password)
{
    assert_int_equal(epode_room_join(a->client, DEN, "al", password, 0), EPODE_OK);
}

static void enter_with(app *a, seen *s, const char *password)
{
    unsigned before = s->joined;
    join_with(a, password);
    app_until(a, 10000, s->joined > before || s->refused);
    assert_int_equal(s->refused, 0);
}

static void a_process_that_was_killed_comes_back_into_the_room(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    int how;
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        start(&a, "killed.db", &s);
        enter_with(&a, &s, "sesame");
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    server_say(&srv, "forget-sm");
    start(&a, "killed.db", &s);
    app_until(&a, 10000, s.joined || s.refused);
    assert_int_equal(s.refused, 0);
    /* Left, it is forgotten. */
    assert_int_equal(epode_room_leave(a.client, DEN, NULL), EPODE_OK);
    join_with(&a, NULL);
    app_until(&a, 10000, s.refused);
    assert_string_equal(s.condition, "not-authorized");
    assert_true(s.final);
    done(&a);
}

static void a_wrong_one_is_not_kept_and_a_new_one_counts_from_the_next_time_on(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    start(&a, "wrong.db", &s);
    join_with(&a, "open up");
    app_until(&a, 10000, s.refused);
    assert_true(s.final);
    assert_int_equal(epode_room_count(a.client), 0);
    join_with(&a, NULL);
    app_until(&a, 10000, s.refused == 2);
    s.refused = 0;
    enter_with(&a, &s, "sesame");
    server_say(&srv, "feature room-password simsim");
    assert_int_equal(epode_room_join(a.client, DEN, "al", "simsim", 0), EPODE_DONE);
    done(&a);
    s = (seen){ 0 };
    start(&a, "wrong.db", &s);
    app_until(&a, 10000, s.joined || s.refused);
    assert_int_equal(s.refused, 0);
    done(&a);
}

static void on_set(epode_client *client, const epode_iq_answer *answer, void *user)
{
    (void)client;
    assert_int_equal(answer->outcome, EPODE_IQ_RESULT);
    *(bool *)user = true;
}

static void mark(app *a, const char *password)
{
    bool set = false;
    epode_bookmark b = EPODE_BOOKMARK_INIT;
    b.jid = DEN;
    b.nick = "al";
    b.password = password;
    b.autojoin = true;
    app_until(a, 10000, a->bookmarks);
    assert_int_equal(epode_bookmark_set(a->client, &b, on_set, &set, NULL), EPODE_OK);
    app_until(a, 10000, set);
}

/* Another device has the new password: it counts, before the room's refusal of the old one is told, and before what waits
 * for the room is given up. */
static void a_newer_one_in_the_bookmarks_is_waited_for(void **state)
{
    app a = { 0 }, other = { 0 };
    seen s = { 0 }, t = { 0 };
    (void)state;
    start(&a, "marked.db", &s);
    mark(&a, "sesame");
    app_until(&a, 10000, s.joined);
    done(&a);
    server_say(&srv, "feature room-password simsim");
    start(&other, "other.db", &t);
    mark(&other, "simsim");
    done(&other);
    s = (seen){ 0 };
    a.on = note;
    a.more = &s;
    epode_options o = app_options(&a, &srv, "marked.db");
    app_open(&a, &o);
    assert_int_equal(say(&a, "in good time"), EPODE_OK);
    assert_int_equal(epode_client_start(a.client), EPODE_OK);
    app_until(&a, 10000, s.joined || s.refused);
    app_until(&a, 10000, strstr(texts(&a), "*in good time;"));
    assert_int_equal(s.refused, 0);
    assert_int_equal(a.failed, 0);
    done(&a);
    /* And it was kept: this time without a refusal. */
    server_say(&srv, "reset-counters");
    s = (seen){ 0 };
    start(&a, "marked.db", &s);
    app_until(&a, 10000, s.joined || s.refused);
    assert_int_equal(s.refused, 0);
    /* Where the bookmarks do not know better either, it is told once. */
    done(&a);
    server_say(&srv, "feature room-password shibboleth");
    s = (seen){ 0 };
    start(&a, "marked.db", &s);
    app_until(&a, 10000, s.refused);
    app_settled(&a);
    assert_int_equal(s.refused, 1);
    assert_true(s.final);
    assert_int_equal(s.joined, 0);
    done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_process_that_was_killed_comes_back_into_the_room, ask_for_sesame),
        cmocka_unit_test_setup(a_wrong_one_is_not_kept_and_a_new_one_counts_from_the_next_time_on, ask_for_sesame),
        cmocka_unit_test_setup(a_newer_one_in_the_bookmarks_is_waited_for, ask_for_sesame),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
