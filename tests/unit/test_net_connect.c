/* test_net_connect.c: whole connects over loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/alloc.h"
#include "net/net.h"
#include "net_server.h"

static authority ca, other_ca;

typedef struct client {
    ep_loop *loop;
    ep_net *net;
    ep_net_config config;
    const char *first; /* written in on_up */
    bool up, closed, writable, resumed, direct, free_on_up, free_on_data;
    ep_error error, refused;
    ep_net_info info;
    ep_buf data, ticket, facts;
    int64_t ticket_expires_ms;
    size_t dispatch_bytes, most_bytes;
} client;

static void on_up(void *user, const ep_net_info *info)
{
    client *c = user;
    assert_false(c->up);
    c->up = true;
    c->info = *info;
    if (c->free_on_up) {
        ep_net_free(c->net);
        c->net = NULL;
        return;
    }
    if (c->first)
        assert_int_equal(ep_net_write(c->net, c->first, strlen(c->first)), EPODE_OK);
}

static void on_data(void *user, const char *data, size_t n)
{
    client *c = user;
    ep_buf_add(&c->data, data, n);
    c->dispatch_bytes += n;
    if (c->free_on_data) {
        ep_net_free(c->net);
        c->net = NULL;
    }
}

static void on_ticket(void *user, const void *blob, size_t n, int64_t expires_ms)
{
    client *c = user;
    ep_buf_clear(&c->ticket);
    ep_buf_add(&c->ticket, blob, n);
    c->ticket_expires_ms = expires_ms;
}

static void on_dns(void *user, const void *facts, size_t n, int64_t expires_ms)
{
    client *c = user;
    (void)expires_ms;
    ep_buf_clear(&c->facts);
    ep_buf_add(&c->facts, facts, n);
}

static void on_ticket_refused(void *user, const ep_error *why)
{
    client *c = user;
    c->refused = *why;
}

static void on_writable(void *user)
{
    client *c = user;
    c->writable = true;
}

static void on_closed(void *user, const ep_error *error)
{
    client *c = user;
    assert_false(c->closed);
    c->closed = true;
    c->error = *error;
}

static const ep_net_events events = { on_up,  on_data,           on_ticket,
                                      on_dns, on_ticket_refused, on_writable,
                                      on_closed };

static void open_client(client *c, uint16_t port, ep_tls_mode tls)
{
    memset(c, 0, sizeof *c);
    assert_int_equal(ep_loop_new(&c->loop), EPODE_OK);
    c->config = (ep_net_config){ .domain = "example.org", .host = "127.0.0.1", .port = port,
                                 .tls = tls, .ca_file = ca.file };
}

static void dial(client *c)
{
    ep_loop_enter(c->loop);
    if (!c->config.deadline_us)
        c->config.deadline_us = ep_loop_now_us(c->loop) + 5000000;
    assert_int_equal(ep_net_connect(&c->net, c->loop, &c->config, &events, c), EPODE_OK);
    ep_loop_leave(c->loop);
}

static void turn(client *c)
{
    assert_true(ep_loop_wait(c->loop, 5000000));
    c->dispatch_bytes = 0;
    ep_loop_dispatch(c->loop);
    if (c->dispatch_bytes > c->most_bytes)
        c->most_bytes = c->dispatch_bytes;
}

static void turn_until(client *c, const bool *flag)
{
    for (int i = 0; i < 1000 && !*flag; i++)
        turn(c);
    assert_true(*flag);
}

static void turn_until_bytes(client *c, size_t n)
{
    for (int i = 0; i < 10000 && c->data.len < n && !c->closed; i++)
        turn(c);
    assert_int_equal(c->data.len, n);
}

static void close_client(client *c)
{
    if (c->net && !c->closed) {
        ep_loop_enter(c->loop);
        ep_net_close(c->net, true);
        ep_loop_leave(c->loop);
        turn_until(c, &c->closed);
        assert_int_equal(c->error.status, EPODE_OK);
    }
    ep_net_free(c->net);
    ep_loop_free(c->loop);
    ep_buf_free(&c->data);
    ep_buf_free(&c->ticket);
    ep_buf_free(&c->facts);
}

static void direct_tls_comes_up_verified_and_data_goes_both_ways(void **state)
{
    (void)state;
    client c;
    server s = { 0 };
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    server_start(&s, &id);
    open_client(&c, s.port, EP_TLS_DIRECT);
    c.first = "<stream>";
    dial(&c);
    turn_until(&c, &c.up);
    turn_until_bytes(&c, 8);
    assert_memory_equal(ep_buf_ptr(&c.data), "<stream>", 8);
    assert_string_equal(c.info.tls_version, "TLSv1.3");
    assert_string_equal(c.info.address, "127.0.0.1");
    assert_true(c.info.direct);
    assert_false(c.info.resumed);
    assert_int_equal(c.info.timeline.waits.dns, 0);
    assert_int_equal(c.info.timeline.waits.tcp, 1);
    assert_int_equal(c.info.timeline.waits.tls, 1);
    assert_int_equal(c.info.timeline.waits.preface, 0);
    assert_true(c.info.timeline.start_us <= c.info.timeline.tcp_us);
    assert_true(c.info.timeline.tcp_us <= c.info.timeline.tls_us);
    const ep_net_info *info = ep_net_get_info(c.net);
    assert_true(info->timeline.bytes_in > 500 && info->timeline.bytes_out > 300);
    assert_true(c.ticket.len > 0);
    assert_non_null(strstr(ep_buf_cstr(&c.facts), "good direct 127.0.0.1"));
    close_client(&c);
    server_stop(&s);
    free_identity(&id);
}

static void a_ticket_resumes_once_and_brings_the_next(void **state)
{
    (void)state;
    client c;
    server s = { 0 };
    ep_buf ticket = EP_BUF_INIT;
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    server_start(&s, &id);
    for (int round = 0; round < 3; round++) {
        open_client(&c, s.port, EP_TLS_DIRECT);
        c.first = "x";
        c.config.ticket = round ? ep_buf_ptr(&ticket) : NULL;
        c.config.ticket_n = ticket.len;
        dial(&c);
        turn_until_bytes(&c, 1);
        assert_int_equal(c.info.resumed, round > 0);
        assert_int_equal(c.info.timeline.waits.tls, 1);
        assert_int_equal(c.refused.status, EPODE_OK);
        ep_buf_clear(&ticket);
        ep_buf_add(&ticket, ep_buf_ptr(&c.ticket), c.ticket.len);
        close_client(&c);
    }
    server_stop(&s);
    assert_int_equal(s.resumed, 2);
    ep_buf_free(&ticket);
    free_identity(&id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(direct_tls_comes_up_verified_and_data_goes_both_ways),
        cmocka_unit_test(a_ticket_resumes_once_and_brings_the_next),
    };
    ca = make_authority("test authority");
    other_ca = make_authority("other authority");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_authority(&ca);
    free_authority(&other_ca);
    return failed;
}
