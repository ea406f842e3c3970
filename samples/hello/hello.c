/* hello.c: goes online, says how many waits that took, sends a message, and leaves when the server has it. */
#include <epode/epode.h>
#include <stdio.h>
#include <stdlib.h>

static int code = 1; /* 0: the server has the message */

static void on_event(epode_client *client, const epode_event *event, void *peer)
{
    if (event->type == EPODE_EV_STATE && event->state == EPODE_READY) {
        epode_waits waits = { .size = sizeof waits };
        epode_outgoing message = { .size = sizeof message, .to = peer, .body = "hello" };
        epode_session_waits(epode_client_session(client), &waits);
        printf("ready after %u waits of XMPP\n", waits.xmpp);
        epode_status status = epode_send_message(client, &message, NULL);
        if (status && fprintf(stderr, "not sent: %s\n", epode_status_name(status)))
            epode_client_stop(client, EPODE_STOP_CLOSE);
    } else if (event->type == EPODE_EV_DELIVERY && event->delivery >= EPODE_DELIVERY_ACKNOWLEDGED) {
        code = event->delivery == EPODE_DELIVERY_FAILED;
        epode_client_stop(client, EPODE_STOP_CLOSE);
    } else if (event->type == EPODE_EV_STATE && event->error) {
        fprintf(stderr, "%s\n", epode_error_text(event->error)); /* what can pass is tried again */
    }
}

int main(int argc, char **argv)
{
    epode_client *client;
    epode_options options = EPODE_OPTIONS_INIT;
    char why[200], *port = getenv("EPODE_PORT");
    if (argc < 4)
        return fprintf(stderr, "usage: EPODE_PASSWORD=... hello JID PEER STORE\n"), 1;
    options.jid = argv[1];
    options.user = argv[2]; /* what on_event is given */
    options.store_path = argv[3];
    options.password = getenv("EPODE_PASSWORD");
    options.host = getenv("EPODE_HOST"); /* NULL: where DNS says */
    options.port = port ? (uint16_t)strtoul(port, NULL, 10) : 0;
    options.ca_file = getenv("EPODE_CA"); /* NULL: the system's authorities */
    options.on_event = on_event;
    if (epode_client_new(&client, &options, why, sizeof why))
        return fprintf(stderr, "%s\n", why), 1;
    epode_client_start(client);
    epode_client_run(client, 60000);
    epode_client_free(client);
    return code;
}
