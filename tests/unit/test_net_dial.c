/* test_net_dial.c: connects that start with a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/alloc.h"
#include "net_client.h"
#include "net_dns.h"

static const char direct_srv[] = "_xmpps-client._tcp.example.org";
static const char starttls_srv[] = "_xmpp-client._tcp.example.org";

typedef struct fixture {
    server server;
    dns_server dns;
    identity id;
    dns_record records[16];
    char text[16][64];
    int n;
    client c;
} fixture;

static void add(fixture *f, const char *name, int type, unsigned ttl, const char *value)
{
    f->records[f->n++] = (dns_record){ name, type, ttl, value };
}

static void add_srv(fixture *f, const char *name, unsigned priority, unsigned port,
                    const char *target)
{
    char *text = f->text[f->n];
    snprintf(text, sizeof f->text[0], "%u 0 %u %s", priority, port, target);
    add(f, name, ns_t_srv, 300, text);
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    *state = f;
    f->id = make_identity(&ca, "DNS:example.org", -60, 3600);
    server_start(&f->server, &f->id);
    dns_start(&f->dns, f->records);
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    server_stop(&f->server);
    dns_stop(&f->dns);
    free_identity(&f->id);
    free(f);
    return 0;
}

static void open_named(fixture *f, const ep_buf *facts)
{
    open_client(&f->c, 0, EP_TLS_AUTO);
    f->c.config.host = NULL;
    f->c.config.dns_server = f->dns.address;
    f->c.first = "x";
    if (facts) {
        f->c.config.dns_facts = ep_buf_ptr(facts);
        f->c.config.dns_facts_n = facts->len;
    }
    dial(&f->c);
}

static void srv_costs_two_rounds_and_what_is_remembered_none(void **state)
{
    fixture *f = *state;
    ep_buf facts = EP_BUF_INIT;
    add_srv(f, direct_srv, 5, f->server.port, "a.test");
    add(f, "a.test", ns_t_a, 300, "127.0.0.1");
    open_named(f, NULL);
    turn_until_bytes(&f->c, 1);
    assert_int_equal(f->c.info.timeline.waits.dns, 2);
    assert_string_equal(f->c.info.host, "a.test");
    assert_true(f->c.info.direct);
    assert_true(f->c.info.timeline.dns_us >= f->c.info.timeline.start_us);
    ep_buf_add(&facts, ep_buf_ptr(&f->c.facts), f->c.facts.len);
    close_client(&f->c);
    const int asked = f->dns.asked;
    open_named(f, &facts);
    turn_until_bytes(&f->c, 1);
    assert_int_equal(f->c.info.timeline.waits.dns, 0);
    assert_int_equal(f->dns.asked, asked);
    assert_int_equal(f->c.facts.len, 0); /* nothing new */
    close_client(&f->c);
    ep_buf_free(&facts);
}

static void a_domain_that_is_its_own_server_costs_one_round(void **state)
{
    fixture *f = *state;
    add_srv(f, direct_srv, 5, f->server.port, "example.org");
    add(f, "example.org", ns_t_a, 300, "127.0.0.1");
    open_named(f, NULL);
    turn_until_bytes(&f->c, 1);
    assert_int_equal(f->c.info.timeline.waits.dns, 1);
    close_client(&f->c);
}

static void stale_facts_are_used_while_dns_is_asked(void **state)
{
    fixture *f = *state;
    ep_buf facts = EP_BUF_INIT;
    ep_buf_printf(&facts, "epode-dns 1\nsrv direct 1 5 0 %u a.test\naddr v4 1 a.test 127.0.0.1\n",
                  f->server.port);
    add_srv(f, direct_srv, 5, f->server.port, "b.test");
    add(f, "b.test", DNS_SILENT, 0, "");
    open_named(f, &facts);
    turn_until_bytes(&f->c, 1);
    assert_int_equal(f->c.info.timeline.waits.dns, 0);
    assert_string_equal(f->c.info.host, "a.test");
    for (int i = 0; i < 100 && !strstr(ep_buf_cstr(&f->c.facts), "b.test"); i++)
        turn(&f->c);
    close_client(&f->c);
    ep_buf_free(&facts);
}

static void dead_facts_make_it_ask_again(void **state)
{
    fixture *f = *state;
    ep_buf facts = EP_BUF_INIT;
    const long long later = (long long)ep_loop_wall_ms() + 1000000;
    ep_buf_printf(&facts,
                  "epode-dns 1\nsrv direct %lld 5 0 %u a.test\nnone starttls %lld\n"
                  "addr v4 %lld a.test 127.0.0.1\n",
                  later, closed_port(), later, later);
    add_srv(f, direct_srv, 5, f->server.port, "b.test");
    add(f, "b.test", ns_t_a, 300, "127.0.0.1");
    open_named(f, &facts);
    turn_until_bytes(&f->c, 1);
    assert_string_equal(f->c.info.host, "b.test");
    assert_int_equal(f->c.info.timeline.waits.dns, 2);
    close_client(&f->c);
    ep_buf_free(&facts);
}

static void a_dead_target_is_passed_over(void **state)
{
    fixture *f = *state;
    add_srv(f, direct_srv, 1, closed_port(), "a.test");
    add_srv(f, direct_srv, 2, f->server.port, "a.test");
    add(f, "a.test", ns_t_a, 300, "127.0.0.1");
    open_named(f, NULL);
    turn_until_bytes(&f->c, 1);
    assert_int_equal(f->c.info.port, f->server.port);
    close_client(&f->c);
}

static void one_kind_is_enough_when_the_other_cannot_be_had(void **state)
{
    fixture *f = *state;
    add_srv(f, direct_srv, 1, f->server.port, "a.test");
    add(f, starttls_srv, DNS_SILENT, 0, "");
    add(f, "a.test", ns_t_a, 300, "127.0.0.1");
    open_named(f, NULL);
    turn_until_bytes(&f->c, 1);
    close_client(&f->c);
}

static void what_dns_says_is_told_from_what_it_could_not_say(void **state)
{
    fixture *f = *state;
    static const struct {
        int type;
        const char *value;
        bool final;
        const char *text;
    } rows[] = {
        { ns_t_srv, "0 0 0 .", true, "offers no client service" },
        { DNS_SERVFAIL, "", false, "could not say" },
    };
    for (size_t i = 0; i < 2; i++) {
        f->n = 0;
        add(f, direct_srv, rows[i].type, 300, rows[i].value);
        add(f, starttls_srv, rows[i].type, 300, rows[i].value);
        open_named(f, NULL);
        turn_until(&f->c, &f->c.closed);
        assert_int_equal(f->c.error.status, EPODE_EDNS);
        assert_int_equal(f->c.error.final, rows[i].final);
        assert_non_null(strstr(f->c.error.text, rows[i].text));
        close_client(&f->c);
    }
}

static void the_deadline_names_the_resolving(void **state)
{
    fixture *f = *state;
    add(f, direct_srv, DNS_SILENT, 0, "");
    add(f, starttls_srv, DNS_SILENT, 0, "");
    open_client(&f->c, 0, EP_TLS_AUTO);
    f->c.config.host = NULL;
    f->c.config.dns_server = f->dns.address;
    f->c.config.deadline_us = ep_loop_now_us(f->c.loop) + 20000;
    dial(&f->c);
    turn_until(&f->c, &f->c.closed);
    assert_int_equal(f->c.error.status, EPODE_ETIMEOUT);
    assert_non_null(strstr(f->c.error.text, "resolving"));
    close_client(&f->c);
}

static void a_host_by_name_is_resolved_and_the_domain_verified(void **state)
{
    fixture *f = *state;
    add(f, "other.test", ns_t_a, 300, "127.0.0.1");
    open_client(&f->c, f->server.port, EP_TLS_DIRECT);
    f->c.config.host = "other.test";
    f->c.config.dns_server = f->dns.address;
    f->c.first = "x";
    dial(&f->c);
    turn_until_bytes(&f->c, 1);
    assert_int_equal(f->c.info.timeline.waits.dns, 1);
    close_client(&f->c);
}

static void a_name_server_that_is_none_is_told(void **state)
{
    fixture *f = *state;
    open_client(&f->c, 0, EP_TLS_AUTO);
    f->c.config.host = NULL;
    f->c.config.dns_server = "nonsense";
    dial(&f->c);
    turn_until(&f->c, &f->c.closed);
    assert_int_equal(f->c.error.status, EPODE_EDNS);
    close_client(&f->c);
}

static void every_failed_allocation_ends_somehow(void **state)
{
    fixture *f = *state;
    add_srv(f, direct_srv, 5, f->server.port, "a.test");
    add(f, "a.test", ns_t_a, 300, "127.0.0.1");
    for (unsigned long n = 1; n < 60; n++) {
        client *c = &f->c;
        open_client(c, 0, EP_TLS_AUTO);
        c->config.host = NULL;
        c->config.dns_server = f->dns.address;
        ep_loop_enter(c->loop);
        c->config.deadline_us = ep_loop_now_us(c->loop) + 100000;
        ep_alloc_fail_at(n, 0);
        epode_status status = ep_net_connect(&c->net, c->loop, &c->config, &events, c);
        ep_loop_leave(c->loop);
        for (int i = 0; i < 100 && status == EPODE_OK && !c->up && !c->closed; i++)
            turn(c);
        ep_alloc_fail_at(0, 0);
        assert_true(status == EPODE_OK || status == EPODE_ENOMEM);
        if (c->closed)
            assert_true(c->error.status == EPODE_ENOMEM || c->error.status == EPODE_ETIMEOUT);
        close_client(c);
    }
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(srv_costs_two_rounds_and_what_is_remembered_none),
        TEST(a_domain_that_is_its_own_server_costs_one_round),
        TEST(stale_facts_are_used_while_dns_is_asked),
        TEST(dead_facts_make_it_ask_again),
        TEST(a_dead_target_is_passed_over),
        TEST(one_kind_is_enough_when_the_other_cannot_be_had),
        TEST(what_dns_says_is_told_from_what_it_could_not_say),
        TEST(the_deadline_names_the_resolving),
        TEST(a_host_by_name_is_resolved_and_the_domain_verified),
        TEST(a_name_server_that_is_none_is_told),
        TEST(every_failed_allocation_ends_somehow),
    };
    ca = make_authority("test authority");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_authority(&ca);
    return failed;
}
