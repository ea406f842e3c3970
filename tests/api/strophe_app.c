/* strophe_app.c: the record of an application on libstrophe. */
#include "strophe_app.h"

static void on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error, void *user)
{
    strophe_app *s = user;
    assert_ptr_equal(conn, s->conn);
    s->connects += event == XMPP_CONN_CONNECT;
    s->disconnects += event == XMPP_CONN_DISCONNECT;
    assert_true(event == XMPP_CONN_CONNECT || event == XMPP_CONN_DISCONNECT);
    if (event == XMPP_CONN_CONNECT)
        assert_true(xmpp_conn_is_connected(conn) && xmpp_conn_is_secured(conn));
    else
        assert_true(xmpp_conn_is_disconnected(conn));
    if (event == XMPP_CONN_DISCONNECT) {
        s->last_error = error;
        s->had_stream_error = stream_error != NULL;
        s->last_type = stream_error ? stream_error->type : XMPP_SE_UNDEFINED_CONDITION;
        if (stream_error)
            assert_string_equal(xmpp_stanza_get_name(stream_error->stanza), "error");
    }
    if (s->on_event)
        s->on_event(s, event);
}

static void turn(app *a, int64_t left_ms)
{
    strophe_app *s = (strophe_app *)a;
    unsigned long ms = s->loop_ms ? s->loop_ms : 50;
    s->turns++;
    xmpp_run_once(s->ctx, (int64_t)ms < left_ms || s->loop_ms ? ms : (unsigned long)left_ms);
}

void strophe_app_open(strophe_app *s)
{
    s->ctx = xmpp_ctx_new(NULL, NULL);
    assert_non_null(s->ctx);
    s->conn = xmpp_conn_new(s->ctx);
    assert_non_null(s->conn);
    s->a.turn = turn;
}

void strophe_app_connect(strophe_app *s, const epode_options *options, uint32_t flags)
{
    epode_strophe_options o = EPODE_STROPHE_OPTIONS_INIT;
    epode_options client = *options;
    o.flags = flags;
    /* 0.12 forgets a CA file when it is given another one, which sanitizers see where one connection is used twice. */
    if (client.ca_file && !s->client_trusts) {
        xmpp_conn_set_cafile(s->conn, client.ca_file);
        client.ca_file = NULL;
    }
    app_open(&s->a, &client);
    assert_int_equal(epode_strophe_set(s->a.client, &o), EPODE_OK);
    strophe_app_again(s);
}

void strophe_app_again(strophe_app *s)
{
    assert_int_equal(epode_strophe_connect(s->a.client, s->conn, on_connection, s), EPODE_OK);
}

void strophe_app_start(strophe_app *s, server *srv, const char *store, uint32_t flags)
{
    epode_options o = app_options(&s->a, srv, store);
    strophe_app_open(s);
    strophe_app_connect(s, &o, flags);
}

static int on_message(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *user)
{
    strophe_app *s = user;
    char *body = xmpp_message_get_body(stanza);
    (void)conn;
    if (body) {
        s->bodies++;
        snprintf(s->last_body, sizeof s->last_body, "%s", body);
        xmpp_free(s->ctx, body);
    }
    return 1;
}

static int on_answer(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *user)
{
    (void)conn;
    assert_string_equal(xmpp_stanza_get_id(stanza), "mine");
    ((strophe_app *)user)->answers++;
    return 0;
}

static int on_time(xmpp_conn_t *conn, void *user)
{
    (void)conn;
    ((strophe_app *)user)->timed++;
    return 1;
}

void strophe_app_listen(strophe_app *s)
{
    xmpp_handler_add(s->conn, on_message, NULL, "message", NULL, s);
}

void strophe_app_handle(strophe_app *s)
{
    strophe_app_listen(s);
    xmpp_id_handler_add(s->conn, on_answer, "mine", s);
    xmpp_timed_handler_add(s->conn, on_time, 10, s);
}

void strophe_app_close(strophe_app *s)
{
    app_close(&s->a);
    xmpp_conn_release(s->conn);
    xmpp_ctx_free(s->ctx);
}
