/* strophe_start.c: a start as libstrophe makes it: its own xmpp_connect_client (SASL1, bind, stream management where that
 * is offered), and by hand what it leaves to applications: carbons, presence, the archive's last page.
 *
 *   bench-strophe HOST PORT direct|starttls JID PASSWORD CA [no-delay]
 *
 * Prints "ready MS synced MS", counted from the call. no-delay: with TCP_NODELAY, which libstrophe leaves to its users. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>
#include <sys/socket.h>
#include <time.h>

typedef struct start {
    xmpp_ctx_t *ctx;
    double began, ready, synced;
    bool failed;
} start;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1000.0 + (double)t.tv_nsec / 1e6;
}

static int no_delay(xmpp_conn_t *conn, void *sock)
{
    int one = 1;
    (void)conn;
    return setsockopt(*(int *)sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void ask(xmpp_conn_t *conn, start *s, const char *id, xmpp_stanza_t *payload)
{
    xmpp_stanza_t *iq = xmpp_iq_new(s->ctx, "set", id);
    xmpp_stanza_add_child(iq, payload);
    xmpp_stanza_release(payload);
    xmpp_send(conn, iq);
    xmpp_stanza_release(iq);
}

static xmpp_stanza_t *element(xmpp_ctx_t *ctx, const char *name, const char *ns)
{
    xmpp_stanza_t *e = xmpp_stanza_new(ctx);
    xmpp_stanza_set_name(e, name);
    xmpp_stanza_set_ns(e, ns);
    return e;
}

static int on_page(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *user)
{
    start *s = user;
    (void)stanza;
    s->synced = now_ms() - s->began;
    xmpp_disconnect(conn);
    return 0;
}

static int on_carbons(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *user)
{
    start *s = user;
    xmpp_stanza_t *query = element(s->ctx, "query", "urn:xmpp:mam:2"), *set = element(s->ctx, "set", "http://jabber.org/protocol/rsm");
    xmpp_stanza_t *before = xmpp_stanza_new(s->ctx), *presence = xmpp_presence_new(s->ctx);
    (void)stanza;
    s->ready = now_ms() - s->began;
    xmpp_send(conn, presence);
    xmpp_stanza_release(presence);
    xmpp_stanza_set_name(before, "before");
    xmpp_stanza_add_child(set, before);
    xmpp_stanza_add_child(query, set);
    xmpp_stanza_release(before);
    xmpp_stanza_release(set);
    xmpp_id_handler_add(conn, on_page, "page", s);
    ask(conn, s, "page", query);
    return 0;
}

static void on_event(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error, void *user)
{
    start *s = user;
    (void)stream_error;
    if (event == XMPP_CONN_CONNECT) {
        xmpp_id_handler_add(conn, on_carbons, "carbons", s);
        ask(conn, s, "carbons", element(s->ctx, "enable", "urn:xmpp:carbons:2"));
        return;
    }
    s->failed = s->synced <= 0 || (event == XMPP_CONN_FAIL && error);
    xmpp_stop(s->ctx);
}

static bool run(char **args)
{
    start s = { .ctx = xmpp_ctx_new(NULL, NULL) };
    xmpp_conn_t *conn = s.ctx ? xmpp_conn_new(s.ctx) : NULL;
    bool direct = strcmp(args[3], "direct") == 0;
    if (!conn)
        return false;
    xmpp_ctx_set_timeout(s.ctx, 1);
    xmpp_conn_set_jid(conn, args[4]);
    xmpp_conn_set_pass(conn, args[5]);
    xmpp_conn_set_cafile(conn, args[6]);
    xmpp_conn_set_flags(conn, direct ? XMPP_CONN_FLAG_LEGACY_SSL : XMPP_CONN_FLAG_MANDATORY_TLS);
    if (args[7] && strcmp(args[7], "no-delay") == 0)
        xmpp_conn_set_sockopt_callback(conn, no_delay);
    s.began = now_ms();
    s.failed = xmpp_connect_client(conn, args[1], (unsigned short)strtoul(args[2], NULL, 10), on_event, &s) != XMPP_EOK;
    if (!s.failed)
        xmpp_run(s.ctx);
    if (!s.failed)
        printf("ready %.3f synced %.3f\n", s.ready, s.synced);
    xmpp_conn_release(conn);
    xmpp_ctx_free(s.ctx);
    return !s.failed;
}

int main(int argc, char **argv)
{
    if (argc < 7)
        return fprintf(stderr, "usage: bench-strophe HOST PORT direct|starttls JID PASSWORD CA [no-delay]\n"), 1;
    xmpp_initialize();
    bool ok = run(argv);
    xmpp_shutdown();
    return ok ? 0 : 1;
}
