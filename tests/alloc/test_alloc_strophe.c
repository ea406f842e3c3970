/* The same on an application's libstrophe connection: every allocation of ours in a start fails in turn, and the next one,
 * with the same store and on the same connection, works. A sample is taken; EPODE_ALL_ALLOCATIONS=1 takes them all. */
#include "strophe_app.h"

#include "base/alloc.h"

enum { SAMPLE = 30, ROUND_MS = 8000, NEVER = 1000000000 };

static server srv;
static unsigned long allocations; /* of the last start */

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

static void ignore_event(epode_client *client, const epode_event *event, void *user)
{
    (void)client, (void)event, (void)user;
}

static unsigned connects, disconnects;

static void on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error, void *user)
{
    (void)conn, (void)error, (void)stream_error, (void)user;
    connects += event == XMPP_CONN_CONNECT;
    disconnects += event == XMPP_CONN_DISCONNECT;
}

/* Until it is ready, and a message has left, or it has ended and the connection can be used anew. */
static bool run(strophe_app *s, xmpp_ctx_t *ctx, xmpp_conn_t *conn)
{
    int64_t end = app_now_ms() + ROUND_MS;
    epode_client *client = s->a.client;
    while (epode_client_state(client) != EPODE_READY && epode_client_state(client) != EPODE_STOPPED) {
        assert_true(app_now_ms() < end);
        xmpp_run_once(ctx, 20);
    }
    bool ready = epode_client_state(client) == EPODE_READY;
    for (int i = 0; ready && i < 10; i++)
        xmpp_run_once(ctx, 5);
    ready = ready && epode_client_state(client) == EPODE_READY;
    allocations = ep_alloc_count();
    ep_alloc_fail_at(0, 0);
    if (ready)
        epode_client_stop(client, EPODE_STOP_CLOSE);
    while (epode_client_state(client) != EPODE_STOPPED || !xmpp_conn_is_disconnected(conn)) {
        assert_true(app_now_ms() < end);
        xmpp_run_once(ctx, 20);
    }
    for (int i = 0; i < 5; i++) /* what is to be told is told */
        xmpp_run_once(ctx, 5);
    return ready;
}

/* One start in which the n-th allocation fails (0: none does); true: all of it succeeded. */
static bool start_once(xmpp_ctx_t *ctx, xmpp_conn_t *conn, const char *store, unsigned long n, bool starttls)
{
    strophe_app s = { 0 };
    epode_options o = app_options(&s.a, &srv, store);
    o.flags = starttls ? EPODE_NO_SASL2 : 0;
    o.tls = starttls ? EPODE_TLS_STARTTLS : EPODE_TLS_DIRECT;
    o.port = (uint16_t)(starttls ? srv.starttls : srv.direct);
    o.ca_file = NULL; /* the connection has it */
    o.connect_timeout_ms = 3000;
    o.on_event = ignore_event;
    assert_int_equal(epode_client_new(&s.a.client, &o, NULL, 0), EPODE_OK);
    connects = disconnects = 0;
    ep_alloc_fail_at(n, 0);
    epode_status st = epode_strophe_connect(s.a.client, conn, on_connection, NULL);
    bool ready = false;
    if (st)
        ep_alloc_fail_at(0, 0);
    else
        ready = run(&s, ctx, conn);
    if (st && st != EPODE_ENOMEM && !(st == EPODE_EINVAL && n)) /* a JID that there is no memory for */
        fail_msg("%s %lu: %s", store, n, epode_status_name(st));
    if (!st)
        assert_true(disconnects >= 1 && connects <= disconnects);
    if (n == 0)
        assert_true(ready);
    epode_client_free(s.a.client);
    return ready;
}

static void each(const char *name, bool starttls)
{
    char store[64];
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    xmpp_conn_t *conn = xmpp_conn_new(ctx);
    unsigned long failed = 0;
    xmpp_conn_set_cafile(conn, srv.ca);
    snprintf(store, sizeof store, "%s-count.db", name);
    assert_true(start_once(ctx, conn, store, NEVER, starttls));
    unsigned long total = allocations, step = getenv("EPODE_ALL_ALLOCATIONS") ? 1 : total / SAMPLE + 1;
    assert_true(total > 100);
    for (unsigned long n = 1; n <= total; n += step) {
        snprintf(store, sizeof store, "%s-%lu.db", name, n);
        failed += !start_once(ctx, conn, store, n, starttls);
        assert_true(start_once(ctx, conn, store, 0, starttls));
    }
    assert_true(failed > 0);
    xmpp_conn_release(conn);
    xmpp_ctx_free(ctx);
}

static void of_a_start_with_direct_tls(void **state)
{
    (void)state;
    each("direct", false);
}

static void of_one_with_starttls_and_a_second_header(void **state)
{
    (void)state;
    each("starttls", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_start_with_direct_tls),
        cmocka_unit_test(of_one_with_starttls_and_a_second_header),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
