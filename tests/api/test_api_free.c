/* epode_client_free: wherever it is called, no callback follows and the user pointer is given back once. */
#include <arpa/inet.h>
#include <sys/socket.h>
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

/* When to free: at the n-th event of this type (and, for states, of this state). */
typedef struct moment {
    epode_event_type type;
    epode_state state;
} moment;

static void free_at_moment(app *a, const epode_event *event)
{
    const moment *m = a->more;
    epode_outgoing late = EPODE_OUTGOING_INIT;
    late.to = "bob@localhost";
    late.body = "late";
    if (event->type != m->type || (m->type == EPODE_EV_STATE && event->state != m->state))
        return;
    epode_client *client = a->client;
    a->client = NULL;
    epode_client_free(client);
    epode_client_free(client); /* a second time changes nothing */
    assert_int_equal(a->destroyed, 0);
    assert_int_equal(epode_client_start(client), EPODE_ESTATE);
    assert_int_equal(epode_client_stop(client, EPODE_STOP_CLOSE), EPODE_ESTATE);
    assert_int_equal(epode_send_message(client, &late, NULL), EPODE_ESTATE);
    assert_int_equal(epode_mark_displayed(client, 1, true), EPODE_ESTATE);
    assert_int_equal(epode_history_fill(client, 0, 0), EPODE_ESTATE);
    assert_null(epode_client_waker(client));
    /* What the event holds is still there. */
    assert_true(!event->xml || strlen(event->xml) == event->xml_len);
}

static void on_log(int level, const char *area, const char *line, void *user)
{
    app *a = user;
    (void)level, (void)area, (void)line;
    a->late = a->late || a->destroyed;
    a->late = a->late || !a->client;
}

static void free_at(epode_event_type type, epode_state at, void (*cause)(app *a))
{
    moment m = { type, at };
    app a = { .on = free_at_moment, .more = &m };
    epode_options o = app_options(&a, &srv, NULL);
    o.on_log = on_log;
    o.log_level = EPODE_LOG_TRACE;
    app_open(&a, &o);
    epode_client_start(a.client);
    epode_client *client = a.client;
    int64_t end = app_now_ms() + 5000;
    while (a.client && app_now_ms() < end) {
        if (cause && a.ready)
            cause(&a);
        if (app_is_due(&a, 50) && epode_client_process(client) == EPODE_DONE)
            break;
    }
    assert_null(a.client);
    assert_int_equal(a.destroyed, 1);
    assert_false(a.late);
}

static void cause_message(app *a)
{
    (void)a;
    server_say(&srv, "message bob@localhost alice@localhost hello");
}

static void cause_delivery(app *a)
{
    app_send(a, "bob@localhost", "hello", NULL);
}

static void cause_drop(app *a)
{
    if (!a->offline)
        server_say(&srv, "drop-connections hard");
}

static void cause_stop(app *a)
{
    epode_client_stop(a->client, EPODE_STOP_CLOSE);
}

static void in_the_callback_of_connecting(void **state)
{
    (void)state;
    free_at(EPODE_EV_STATE, EPODE_CONNECTING, NULL);
}

static void in_the_callback_of_ready(void **state)
{
    (void)state;
    free_at(EPODE_EV_STATE, EPODE_READY, NULL);
}

static void in_the_callback_of_offline(void **state)
{
    (void)state;
    free_at(EPODE_EV_STATE, EPODE_OFFLINE, cause_drop);
}

static void in_the_callback_of_stopped(void **state)
{
    (void)state;
    free_at(EPODE_EV_STATE, EPODE_STOPPED, cause_stop);
}

static void in_the_callback_of_a_message(void **state)
{
    (void)state;
    free_at(EPODE_EV_MESSAGE, 0, cause_message);
}

static void in_the_callback_of_a_delivery(void **state)
{
    (void)state;
    free_at(EPODE_EV_DELIVERY, 0, cause_delivery);
}

static void free_in_run(app *a, const epode_event *event)
{
    if (event->type != EPODE_EV_STATE || event->state != EPODE_READY)
        return;
    epode_client_free(a->client);
    a->client = NULL;
}

static void run_says_that_the_client_is_gone(void **state)
{
    app a = { .on = free_in_run };
    (void)state;
    app_start(&a, &srv, NULL);
    assert_int_equal(epode_client_run(a.client, 5000), EPODE_DONE);
    assert_null(a.client);
    assert_int_equal(a.destroyed, 1);
}

/* After every number of turns of a connect: each is another moment of DNS, TCP, TLS, login. */
static void at_each_turn_of_a_connect(void **state)
{
    bool ready = false;
    (void)state;
    for (int turns = 0; !ready && turns < 200; turns++) {
        app a = { 0 };
        app_start(&a, &srv, "turns.db");
        for (int i = 0; i < turns && !a.ready; i++)
            app_turn(&a, app_now_ms() + 2000);
        ready = a.ready > 0;
        app_close(&a);
    }
    assert_true(ready);
}

static void before_it_was_ever_started(void **state)
{
    app a = { 0 };
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    app_open(&a, &o);
    app_close(&a);
    assert_int_equal(a.events, 0);
    epode_client_free(NULL);
}

/* A name server that never answers. */
static void while_a_name_is_resolved(void **state)
{
    char name_server[40];
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof at;
    app a = { 0 };
    (void)state;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
    getsockname(fd, (struct sockaddr *)&at, &n);
    snprintf(name_server, sizeof name_server, "127.0.0.1:%d", ntohs(at.sin_port));
    epode_options o = app_options(&a, &srv, NULL);
    o.jid = "alice@example.org";
    o.host = NULL;
    o.port = 0;
    o.dns_server = name_server;
    app_open(&a, &o);
    epode_client_start(a.client);
    app_for(&a, 100);
    assert_true(recv(fd, name_server, 1, MSG_DONTWAIT) == 1);
    assert_int_equal(epode_client_state(a.client), EPODE_CONNECTING);
    app_close(&a);
    close(fd);
}

static void while_offline_and_waiting_to_try_again(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, NULL);
    app_online(&a);
    server_say(&srv, "drop-connections hard");
    app_until(&a, 5000, a.offline);
    app_close(&a);
}

static void while_nothing_listens_there(void **state)
{
    app a = { 0 };
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    o.port = 1;
    app_open(&a, &o);
    epode_client_start(a.client);
    app_until(&a, 5000, a.last_error == EPODE_ECONNECT);
    app_close(&a);
}

static void with_events_that_nobody_took(void **state)
{
    const epode_event *event;
    app a = { .pull = true };
    (void)state;
    app_start(&a, &srv, NULL);
    assert_int_equal(epode_client_next_event(a.client, &event), EPODE_OK); /* lent out */
    epode_client_stop(a.client, EPODE_STOP_RESUMABLE);
    epode_client_start(a.client);
    app_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_callback_of_connecting),
        cmocka_unit_test(in_the_callback_of_ready),
        cmocka_unit_test(in_the_callback_of_offline),
        cmocka_unit_test(in_the_callback_of_stopped),
        cmocka_unit_test(in_the_callback_of_a_message),
        cmocka_unit_test(in_the_callback_of_a_delivery),
        cmocka_unit_test(run_says_that_the_client_is_gone),
        cmocka_unit_test(at_each_turn_of_a_connect),
        cmocka_unit_test(before_it_was_ever_started),
        cmocka_unit_test(while_a_name_is_resolved),
        cmocka_unit_test(while_offline_and_waiting_to_try_again),
        cmocka_unit_test(while_nothing_listens_there),
        cmocka_unit_test(with_events_that_nobody_took),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
