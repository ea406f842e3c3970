/* net_client.h: a client of ep_net for the tests: it notes what it is told. */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include "net/net.h"
#include "net_server.h"

static authority ca;

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

static inline void on_up(void *user, const ep_net_info *info)
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

static inline void on_data(void *user, const char *data, size_t n)
{
    client *c = user;
    ep_buf_add(&c->data, data, n);
    c->dispatch_bytes += n;
    if (c->free_on_data) {
        ep_net_free(c->net);
        c->net = NULL;
    }
}

static inline void on_ticket(void *user, const void *blob, size_t n, int64_t expires_ms)
{
    client *c = user;
    ep_buf_clear(&c->ticket);
    ep_buf_add(&c->ticket, blob, n);
    c->ticket_expires_ms = expires_ms;
}

static inline void on_dns(void *user, const void *facts, size_t n, int64_t expires_ms)
{
    client *c = user;
    (void)expires_ms;
    ep_buf_clear(&c->facts);
    ep_buf_add(&c->facts, facts, n);
}

static inline void on_ticket_refused(void *user, const ep_error *why)
{
    client *c = user;
    c->refused = *why;
}

static inline void on_writable(void *user)
{
    client *c = user;
    c->writable = true;
}

static inline void on_closed(void *user, const ep_error *error)
{
    client *c = user;
    assert_false(c->closed);
    c->closed = true;
    c->error = *error;
}

static const ep_net_events events = { NULL, on_up, on_data, on_ticket, on_dns, on_ticket_refused, on_writable, on_closed };

static inline void open_client(client *c, uint16_t port, ep_tls_mode tls)
{
    memset(c, 0, sizeof *c);
    assert_int_equal(ep_loop_new(&c->loop), EPODE_OK);
    c->config = (ep_net_config){
        .domain = "example.org", .host = "127.0.0.1", .port = port, .tls = tls, .ca_file = ca.file
    };
}

static inline void dial(client *c)
{
    ep_loop_enter(c->loop);
    if (!c->config.deadline_us)
        c->config.deadline_us = ep_loop_now_us(c->loop) + 5000000;
    assert_int_equal(ep_net_connect(&c->net, c->loop, &c->config, &events, c), EPODE_OK);
    ep_loop_leave(c->loop);
}

static inline void turn(client *c)
{
    assert_true(ep_loop_wait(c->loop, 5000000));
    c->dispatch_bytes = 0;
    ep_loop_dispatch(c->loop);
    if (c->dispatch_bytes > c->most_bytes)
        c->most_bytes = c->dispatch_bytes;
}

static inline void turn_until(client *c, const bool *flag)
{
    for (int i = 0; i < 1000 && !*flag; i++)
        turn(c);
    assert_true(*flag);
}

static inline void turn_until_bytes(client *c, size_t n)
{
    for (int i = 0; i < 10000 && c->data.len < n && !c->closed; i++)
        turn(c);
    assert_int_equal(c->data.len, n);
}

static inline void close_client(client *c)
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

#endif
