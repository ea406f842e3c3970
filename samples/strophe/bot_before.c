/* bot_before.c: a bot on libstrophe that says what it is told. bot_after.c is the same with epode's start-up and store.
 *
 *   EPODE_PASSWORD=... bot_before JID
 *
 * EPODE_HOST, EPODE_PORT and EPODE_CA: in place of DNS and of the system's authorities.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>

static int on_message(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *userdata)
{
    const char *type = xmpp_stanza_get_type(stanza);
    char *body = xmpp_message_get_body(stanza);
    if (body && (!type || strcmp(type, "error") != 0)) {
        xmpp_stanza_t *reply = xmpp_stanza_reply(stanza);
        xmpp_message_set_body(reply, body);
        xmpp_send(conn, reply);
        xmpp_stanza_release(reply);
        printf("echo: %s\n", body);
        fflush(stdout);
    }
    if (body)
        xmpp_free((xmpp_ctx_t *)userdata, body);
    return 1;
}

static void on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error, void *userdata)
{
    xmpp_ctx_t *ctx = userdata;
    (void)stream_error;
    if (event == XMPP_CONN_CONNECT) {
        xmpp_stanza_t *presence = xmpp_presence_new(ctx);
        xmpp_handler_add(conn, on_message, NULL, "message", NULL, ctx);
        xmpp_send(conn, presence);
        xmpp_stanza_release(presence);
        printf("online\n");
        fflush(stdout);
    } else {
        fprintf(stderr, "offline (%d)\n", error);
        xmpp_stop(ctx);
    }
}

int main(int argc, char **argv)
{
    const char *host = getenv("EPODE_HOST"), *port = getenv("EPODE_PORT"), *ca = getenv("EPODE_CA");
    if (argc < 2)
        return fprintf(stderr, "usage: EPODE_PASSWORD=... %s JID\n", argv[0]), 1;
    xmpp_initialize();
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    xmpp_conn_t *conn = xmpp_conn_new(ctx);
    xmpp_conn_set_jid(conn, argv[1]);
    xmpp_conn_set_pass(conn, getenv("EPODE_PASSWORD"));
    if (ca)
        xmpp_conn_set_cafile(conn, ca);
    if (xmpp_connect_client(conn, host, (unsigned short)(port ? strtoul(port, NULL, 10) : 0), on_connection, ctx) == XMPP_EOK)
        xmpp_run(ctx);
    xmpp_conn_release(conn);
    xmpp_ctx_free(ctx);
    xmpp_shutdown();
    return 0;
}
