/* hello.c: go online, say how many waits that took, send a message, leave when the server has it. */
#include <epode/epode.h>
#include <stdio.h>
#include <stdlib.h>

static void on_event(epode_client *client, const epode_event *event, void *user)
{
    if (event->type == EPODE_EV_STATE && event->state == EPODE_READY) {
        epode_waits waits = { .size = sizeof waits };
        epode_session_waits(epode_client_session(client), &waits);
        printf("ready after %u waits of XMPP\n", waits.xmpp);
        epode_outgoing message = { .size = sizeof message, .to = user, .body = "hello" };
        epode_send_message(client, &message, NULL);
    } else if (event->type == EPODE_EV_DELIVERY && event->delivery >= EPODE_DELIVERY_ACKNOWLEDGED) {
        epode_client_stop(client, EPODE_STOP_CLOSE);
    } else if (event->type == EPODE_EV_STATE && event->error) {
        fprintf(stderr, "%s\n", epode_error_text(event->error));
    }
}

int main(int argc, char **argv)
{
    epode_client *client;
    epode_options options = EPODE_OPTIONS_INIT;
    char why[200];
    const char *port = getenv("EPODE_PORT");
    if (argc < 4)
        return fprintf(stderr, "usage: EPODE_PASSWORD=... hello JID PEER STORE\n"), 1;
    options.jid = argv[1];
    options.user = argv[2];
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
    return 0;
}
