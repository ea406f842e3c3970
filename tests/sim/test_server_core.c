/* The reference server's core by itself: what the tests that stand on it rely on. */
#include "server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_US INT64_C(1700000000000000)
#define HEADER                                                                                     \
    "<stream:stream to='localhost' from='alice@localhost' version='1.0' xmlns='jabber:client' "    \
    "xmlns:stream='http://etherx.jabber.org/streams'>"
/* PLAIN, NUL "alice" NUL "secret" */
#define LOGIN(inlined)                                                                             \
    "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>"                   \
    "AGFsaWNlAHNlY3JldA==</initial-response><user-agent "                                          \
    "id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>" inlined "</authenticate>"
#define BIND                                                                                       \
    "<bind xmlns='urn:xmpp:bind:0'><tag>t</tag><enable xmlns='urn:xmpp:sm:3' resume='1'/></bind>"
#define MESSAGE "message bob@localhost alice@localhost hello"

struct fixture {
    struct srv *srv;
    int64_t now_us;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct srv_options options = {.seed = 7};
    fixture->srv = srv_new(&options);
    fixture->now_us = START_US;
    assert_int_equal(srv_user_add(fixture->srv, "alice", "secret"), 0);
    assert_int_equal(srv_user_add(fixture->srv, "bob", "secret"), 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    srv_free(fixture->srv);
    free(fixture);
    return 0;
}

static struct srv_conn *connect_tls(struct fixture *fixture)
{
    static const uint8_t binding[32] = "binding";
    struct srv_tls_info info = {.version = "TLSv1.3", .exporter = binding, .exporter_len = 32};
    struct srv_conn *conn = srv_conn_new(fixture->srv, fixture->now_us);
    srv_conn_tls_up(conn, &info);
    return conn;
}

static void say(struct fixture *fixture, struct srv_conn *conn, const char *text)
{
    srv_conn_feed(conn, text, strlen(text), fixture->now_us);
}

/* All output so far, as text; borrowed until the next call. */
static const char *heard(struct srv_conn *conn)
{
    static char text[65536];
    size_t len;
    const char *data = srv_conn_output(conn, &len);
    assert_true(len < sizeof text);
    if (len)
        memcpy(text, data, len);
    text[len] = '\0';
    srv_conn_consume(conn, len);
    return text;
}

static void control(struct fixture *fixture, const char *line)
{
    char *answer = srv_control(fixture->srv, line, fixture->now_us);
    assert_non_null(strstr(answer, "\"ok\":true"));
    free(answer);
}

static void one_flight_gives_a_session(void **state)
{
    struct fixture *fixture = *state;
    struct srv_conn *conn = connect_tls(fixture);
    say(fixture, conn, HEADER LOGIN(BIND) "<presence/>");
    const char *text = heard(conn);
    assert_non_null(strstr(text, "<bound xmlns='urn:xmpp:bind:0'>"));
    assert_non_null(strstr(text, "<enabled xmlns='urn:xmpp:sm:3'"));
    assert_non_null(strstr(text, "<presence from='alice@localhost/t/"));
    srv_conn_free(conn, fixture->now_us);
}

static void every_split_gives_the_same_answer(void **state)
{
    struct fixture *fixture = *state;
    static const char flight[] = HEADER LOGIN(BIND) "<presence/>";
    for (size_t cut = 1; cut + 1 < sizeof flight; cut++) {
        struct srv_conn *conn = connect_tls(fixture);
        srv_conn_feed(conn, flight, cut, fixture->now_us);
        say(fixture, conn, flight + cut);
        assert_non_null(strstr(heard(conn), "<presence from='alice@localhost/t/"));
        srv_conn_free(conn, fixture->now_us);
    }
}

static void strict_mode_disconnects_what_comes_behind_authenticate(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(srv_feature(fixture->srv, "strict", "on"), 0);
    struct srv_conn *conn = connect_tls(fixture);
    say(fixture, conn, HEADER LOGIN(BIND) "<presence/>");
    const char *text = heard(conn);
    assert_non_null(strstr(text, "<policy-violation"));
    assert_null(strstr(text, "<success"));
    assert_int_equal(srv_conn_wants_close(conn), 1);
    srv_conn_free(conn, fixture->now_us);
}

static void dropped_pipelining_leaves_the_stream_usable(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(srv_fault(fixture->srv, "no-pipelining", "drop"), 0);
    struct srv_conn *conn = connect_tls(fixture);
    say(fixture, conn, HEADER LOGIN(BIND));
    assert_null(strstr(heard(conn), "<success"));
    say(fixture, conn, LOGIN(BIND));
    assert_non_null(strstr(heard(conn), "<success"));
    srv_conn_free(conn, fixture->now_us);
}

static void a_cut_session_keeps_its_messages_until_it_expires(void **state)
{
    struct fixture *fixture = *state;
    struct srv_conn *conn = connect_tls(fixture);
    say(fixture, conn, HEADER LOGIN(BIND) "<presence/>");
    srv_conn_free(conn, fixture->now_us);
    control(fixture, MESSAGE);
    assert_int_equal(srv_counter(fixture->srv, "offline-stored"), 0);
    assert_true(srv_deadline(fixture->srv) == START_US + INT64_C(600000000));
    fixture->now_us = srv_deadline(fixture->srv);
    srv_tick(fixture->srv, fixture->now_us);
    assert_int_equal(srv_counter(fixture->srv, "offline-stored"), 1);
    assert_true(srv_deadline(fixture->srv) == INT64_MAX);
}

static void a_resumed_session_gets_what_it_missed(void **state)
{
    struct fixture *fixture = *state;
    struct srv_conn *conn = connect_tls(fixture);
    say(fixture, conn, HEADER LOGIN(BIND) "<presence/>");
    char *id = strstr(heard(conn), "<enabled xmlns='urn:xmpp:sm:3' id='");
    assert_non_null(id);
    char resume[1024];
    snprintf(resume, sizeof resume, HEADER LOGIN("<resume xmlns='urn:xmpp:sm:3' h='1' "
             "previd='%.24s'/>" BIND), id + strlen("<enabled xmlns='urn:xmpp:sm:3' id='"));
    srv_conn_free(conn, fixture->now_us);
    control(fixture, MESSAGE);
    conn = connect_tls(fixture);
    say(fixture, conn, resume);
    const char *text = heard(conn);
    assert_non_null(strstr(text, "<resumed xmlns='urn:xmpp:sm:3'"));
    assert_null(strstr(text, "<bound"));
    assert_non_null(strstr(text, "<body>hello</body>"));
    srv_conn_free(conn, fixture->now_us);
}

static void delayed_answers_come_when_they_are_due(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(srv_fault(fixture->srv, "delay-answers", "250"), 0);
    struct srv_conn *conn = connect_tls(fixture);
    say(fixture, conn, HEADER);
    assert_string_equal(heard(conn), "");
    assert_true(srv_deadline(fixture->srv) == START_US + 250000);
    srv_tick(fixture->srv, START_US + 250000);
    assert_non_null(strstr(heard(conn), "</stream:features>"));
    srv_conn_free(conn, fixture->now_us);
}

static void output_can_be_cut_at_any_byte(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned cut = 0; cut < 3000; cut += 7) {
        char value[32];
        snprintf(value, sizeof value, "+1:%u", cut);
        assert_int_equal(srv_fault(fixture->srv, "cut-at", value), 0);
        struct srv_conn *conn = connect_tls(fixture);
        say(fixture, conn, HEADER LOGIN(BIND) "<presence/><iq type='get' id='1'><ping "
            "xmlns='urn:xmpp:ping'/></iq>");
        size_t len;
        srv_conn_output(conn, &len);
        assert_true(len <= cut);
        assert_int_equal(srv_conn_wants_close(conn), len == cut ? 2 : 0);
        srv_conn_free(conn, fixture->now_us);
    }
}

static void bytes_behind_starttls_are_kept_where_that_was_advertised(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(srv_feature(fixture->srv, "pipelining", "on"), 0);
    struct srv_conn *conn = srv_conn_new(fixture->srv, fixture->now_us);
    say(fixture, conn, HEADER "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\x16\x03\x01");
    size_t len;
    assert_true(srv_conn_wants_tls(conn));
    assert_memory_equal(srv_conn_tls_rest(conn, &len), "\x16\x03\x01", 3);
    assert_int_equal(len, 3);
    srv_conn_free(conn, fixture->now_us);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_flight_gives_a_session),
        TEST(every_split_gives_the_same_answer),
        TEST(strict_mode_disconnects_what_comes_behind_authenticate),
        TEST(dropped_pipelining_leaves_the_stream_usable),
        TEST(a_cut_session_keeps_its_messages_until_it_expires),
        TEST(a_resumed_session_gets_what_it_missed),
        TEST(delayed_answers_come_when_they_are_due),
        TEST(output_can_be_cut_at_any_byte),
        TEST(bytes_behind_starttls_are_kept_where_that_was_advertised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
