/* test_net_resolver.c: questions against a name server of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/alloc.h"
#include "net/resolver.h"
#include "net_dns.h"

static const dns_record records[] = {
    { "_xmpp-client._tcp.full.test", ns_t_srv, 300, "10 20 5222 a.full.test" },
    { "_xmpp-client._tcp.full.test", ns_t_srv, 200, "5 0 5223 b.full.test" },
    { "_xmpp-client._tcp.no.test", ns_t_srv, 300, "0 0 0 ." },
    { "_xmpp-client._tcp.odd.test", ns_t_srv, 300, "1 1 5222 a_b.full.test" },
    { "_xmpp-client._tcp.odd.test", ns_t_srv, 300, "1 1 0 port0.test" },
    { "alias.test", ns_t_cname, 10, "a.full.test" },
    { "a.full.test", ns_t_a, 60, "192.0.2.1" },
    { "a.full.test", ns_t_a, 50, "192.0.2.2" },
    { "a.full.test", ns_t_aaaa, 70, "2001:db8::1" },
    { "b.full.test", ns_t_a, 60, "192.0.2.3" },
    { "a.full.test", ns_t_txt, 60, "" },
    { "broken.test", DNS_SERVFAIL, 0, "" },
    { "silent.test", DNS_SILENT, 0, "" },
    { NULL, 0, 0, NULL },
};

typedef struct fixture {
    dns_server server;
    ep_loop *loop;
    ep_resolver *resolver;
    ep_reply reply;
    int replies;
    bool free_in_reply;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    *state = f;
    dns_start(&f->server, records);
    assert_int_equal(ep_loop_new(&f->loop), EPODE_OK);
    assert_int_equal(ep_resolver_new(&f->resolver, f->loop, f->server.address, NULL), EPODE_OK);
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    ep_resolver_free(f->resolver);
    ep_loop_free(f->loop);
    dns_stop(&f->server);
    free(f);
    return 0;
}

static void on_reply(void *user, const ep_reply *reply)
{
    fixture *f = user;
    f->reply = *reply;
    f->replies++;
    if (f->free_in_reply) {
        ep_resolver_free(f->resolver);
        f->resolver = NULL;
    }
}

static const ep_reply *ask(fixture *f, const char *name, int family)
{
    const int before = f->replies;
    ep_loop_enter(f->loop);
    assert_int_equal(family ? ep_resolver_ask_address(f->resolver, name, family, on_reply, f)
                            : ep_resolver_ask_srv(f->resolver, name, on_reply, f),
                     EPODE_OK);
    assert_int_equal(f->replies, before); /* never from inside of the question */
    ep_loop_leave(f->loop);
    for (int i = 0; i < 100 && f->replies == before; i++) {
        assert_true(ep_loop_wait(f->loop, 3000000));
        ep_loop_dispatch(f->loop);
    }
    assert_int_equal(f->replies, before + 1);
    return &f->reply;
}

static void srv_records_come_with_their_ttl(void **state)
{
    const ep_reply *r = ask(*state, "_xmpp-client._tcp.full.test", 0);
    assert_int_equal(r->answer, EP_ANSWER_OK);
    assert_int_equal(r->n, 2);
    assert_int_equal(r->ttl_s, 200);
    assert_string_equal(r->srv[0].host, "a.full.test");
    assert_int_equal(r->srv[0].port, 5222);
    assert_int_equal(r->srv[0].priority, 10);
    assert_int_equal(r->srv[0].weight, 20);
    assert_string_equal(r->srv[1].host, "b.full.test");
}

static void a_dot_is_told_from_no_record_and_from_no_answer(void **state)
{
    assert_int_equal(ask(*state, "_xmpp-client._tcp.no.test", 0)->answer, EP_ANSWER_REFUSED);
    const ep_reply *r = ask(*state, "_xmpp-client._tcp.none.test", 0);
    assert_int_equal(r->answer, EP_ANSWER_NONE);
    assert_int_equal(r->ttl_s, 30); /* of the SOA */
    assert_int_equal(ask(*state, "broken.test", 0)->answer, EP_ANSWER_FAILED);
    assert_int_equal(ask(*state, "a.full.test", 0)->answer, EP_ANSWER_NONE); /* no data */
}

static void records_that_no_one_can_connect_to_are_left_out(void **state)
{
    const ep_reply *r = ask(*state, "_xmpp-client._tcp.odd.test", 0);
    assert_int_equal(r->answer, EP_ANSWER_OK);
    assert_int_equal(r->n, 1);
}

static void addresses_come_apart_with_the_smallest_ttl(void **state)
{
    char text[64];
    const ep_reply *r = ask(*state, "a.full.test", AF_INET);
    assert_int_equal(r->answer, EP_ANSWER_OK);
    assert_int_equal(r->n, 2);
    assert_int_equal(r->ttl_s, 50);
    ep_address_print(&r->address[1], text);
    assert_string_equal(text, "192.0.2.2");
    r = ask(*state, "a.full.test", AF_INET6);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->ttl_s, 70);
    assert_int_equal(ask(*state, "b.full.test", AF_INET6)->answer, EP_ANSWER_NONE);
    assert_int_equal(ask(*state, "none.test", AF_INET)->answer, EP_ANSWER_NONE);
    assert_int_equal(ask(*state, "broken.test", AF_INET)->answer, EP_ANSWER_FAILED);
    r = ask(*state, "alias.test", AF_INET);
    assert_int_equal(r->n, 2);
    assert_int_equal(r->ttl_s, 10);
}

static void localhost_is_answered_here(void **state)
{
    fixture *f = *state;
    if (access("/etc/hosts", R_OK) == 0) {
        assert_int_equal(ask(f, "localhost", AF_INET)->answer, EP_ANSWER_OK);
        assert_int_equal(f->server.asked, 0);
        assert_true(f->reply.from_hosts);
    } else {
        print_message("there is no /etc/hosts here: that localhost is read from it is not tested\n");
    }
    ep_resolver_free(f->resolver);
    assert_int_equal(ep_resolver_new(&f->resolver, f->loop, NULL, NULL), EPODE_OK);
    assert_int_equal(ask(f, "_xmpp-client._tcp.localhost", 0)->answer, EP_ANSWER_NONE);
    assert_int_equal(ask(f, "chat.localhost", AF_INET6)->answer, EP_ANSWER_OK);
    assert_int_equal(f->reply.address[0].bytes[15], 1);
}

static void silence_is_a_failure_after_its_time_and_can_be_dropped(void **state)
{
    fixture *f = *state;
    ep_loop_enter(f->loop);
    assert_int_equal(ep_resolver_ask_srv(f->resolver, "silent.test", on_reply, f), EPODE_OK);
    assert_int_equal(ep_resolver_ask_address(f->resolver, "silent.test", AF_INET, on_reply, f),
                     EPODE_OK);
    ep_loop_leave(f->loop);
    assert_true(ep_timers_next(ep_loop_timers(f->loop)) != EP_NEVER);
    ep_resolver_free(f->resolver);
    f->resolver = NULL;
    assert_true(ep_timers_next(ep_loop_timers(f->loop)) == EP_NEVER);
    ep_loop_dispatch(f->loop);
    assert_int_equal(f->replies, 0);
}

static void it_may_be_freed_in_a_reply(void **state)
{
    fixture *f = *state;
    f->free_in_reply = true;
    ask(f, "a.full.test", AF_INET);
    assert_null(f->resolver);
}

static void server_addresses_are_checked(void **state)
{
    fixture *f = *state;
    ep_resolver *r;
    static const char *const good[] = { "127.0.0.1", "127.0.0.1:53", "[::1]:5353", "::1" };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ep_resolver_new(&r, f->loop, good[i], NULL), EPODE_OK);
        ep_resolver_free(r);
    }
    assert_int_equal(ep_resolver_new(&r, f->loop, "not an address", NULL), EPODE_EINVAL);
    assert_null(r);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(srv_records_come_with_their_ttl),
        TEST(a_dot_is_told_from_no_record_and_from_no_answer),
        TEST(records_that_no_one_can_connect_to_are_left_out),
        TEST(addresses_come_apart_with_the_smallest_ttl),
        TEST(localhost_is_answered_here),
        TEST(silence_is_a_failure_after_its_time_and_can_be_dropped),
        TEST(it_may_be_freed_in_a_reply),
        TEST(server_addresses_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
