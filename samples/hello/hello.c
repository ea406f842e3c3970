/* hello.c: go online, say how many waits that took, send a message, leave when the server has it. */
#include <epode/epode.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct hello {
    const char *peer;
    int code; /* 0: the server has it */
} hello;

static void on_ready(epode_client *client, const hello *h)
{
    epode_waits waits = { .size = sizeof waits };
    epode_outgoing message = { .size = sizeof message, .to = h->peer, .body = "hello" };
    epode_session_waits(epode_client_session(client), &waits);
    printf("ready after %u waits of XMPP\n", waits.xmpp);
    epode_status status = epode_send_message(client, &message, NULL);
    if (status != EPODE_OK) {
        fprintf(stderr, "not sent: %s\n", epode_status_name(status));
        epode_client_stop(client, EPODE_STOP_CLOSE);
    }
}

static void on_event(epode_client *client, const epode_event *event, void *user)
{
    hello *h = user;
    if (event->type == EPODE_EV_STATE && event->state == EPODE_READY) {
        on_ready(client, h);
    } else if (event->type == EPODE_EV_DELIVERY && event->delivery >= EPODE_DELIVERY_ACKNOWLEDGED) {
        h->code = event->delivery == EPODE_DELIVERY_FAILED;
        epode_client_stop(client, EPODE_STOP_CLOSE);
    } else if (event->type == EPODE_EV_STATE && event->error) {
        fprintf(stderr, "%s\n", epode_error_text(event->error)); /* what can pass is tried again */
    }
}

int main(int argc, char **argv)
{
    epode_client *client;
    epode_options options = EPODE_OPTIONS_INIT;
    hello h = { .peer = argc > 2 ? argv[2] : NULL, .code = 1 };
    char why[200];
    const char *port = getenv("EPODE_PORT");
    if (argc < 4)
        return fprintf(stderr, "usage: EPODE_PASSWORD=... hello JID PEER STORE\n"), 1;
    options.jid = argv[1];
    options.store_path = argv[3];
    options.password = getenv("EPODE_PASSWORD");
    options.host = getenv("EPODE_HOST"); /* NULL: where DNS says */
    options.port = port ? (uint16_t)strtoul(port, NULL, 10) : 0;
    options.ca_file = getenv("EPODE_CA"); /* NULL: the system's authorities */
    options.on_event = on_event;
    options.user = &h;
    if (epode_client_new(&client, &options, why, sizeof why))
        return fprintf(stderr, "%s\n", why), 1;
    epode_client_start(client);
    epode_client_run(client, 60000);
    epode_client_free(client);
    return h.code;
}
