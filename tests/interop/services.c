/* services.c: an application that asks its server for an upload slot, registers for push, joins a room, and prints what came
 * of it, one JSON object. The password is in EPODE_PASSWORD.
 *
 *   epode-services JID STORE HOST PORT CA slot NAME BYTES
 *                                         push SERVICE NODE SECRET
 *                                         unpush SERVICE NODE
 *                                         room ROOM NICK PASSWORD    and dies in it
 *                                         rooms - -                  comes into those of before */
#include <epode/epode.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct errand {
    char **words;
    bool asked;
    json_t *out; /* NULL: not known yet */
} errand;

static json_t *error_object(const epode_error *e)
{
    const char *condition = epode_error_condition(e);
    return json_pack("{s:s, s:s*, s:s}", "status", epode_status_name(epode_error_status(e)), "condition",
                     condition && *condition ? condition : NULL, "text", epode_error_text(e));
}

static void on_slot(epode_client *client, const epode_upload *u, void *user)
{
    errand *e = user;
    json_t *headers = json_object();
    const char *name, *value;
    (void)client;
    for (size_t i = 0; epode_upload_header(u, i, &name, &value); i++)
        json_object_set_new(headers, name, json_string(value));
    e->out = json_pack("{s:s*, s:s*, s:s*, s:I, s:o, s:o*}", "put", u->put_url, "get", u->get_url, "service", u->service,
                       "max", (json_int_t)u->max_bytes, "headers", headers, "error",
                       u->error ? error_object(u->error) : NULL);
}

static void on_answer(epode_client *client, const epode_iq_answer *answer, void *user)
{
    errand *e = user;
    (void)client;
    e->out = json_pack("{s:b, s:s*}", "done", answer->outcome == EPODE_IQ_RESULT, "condition", answer->condition);
}

static epode_status ask(epode_client *client, errand *e)
{
    static const char *const names[] = { "secret" };
    char **w = e->words;
    if (strcmp(w[0], "slot") == 0)
        return epode_upload_slot(client, w[1], strtoull(w[2], NULL, 10), "text/plain", on_slot, e);
    if (strcmp(w[0], "push") == 0)
        return epode_push_enable(client, w[1], w[2], names, (const char *const *)&w[3], 1, on_answer, e, NULL);
    if (strcmp(w[0], "room") == 0)
        return epode_room_join(client, w[1], w[2], w[3], 0);
    if (strcmp(w[0], "rooms") == 0)
        return EPODE_OK;
    return epode_push_disable(client, w[1], w[2], on_answer, e, NULL);
}

static void on_event(epode_client *client, const epode_event *event, void *user)
{
    errand *e = user;
    if (event->type == EPODE_EV_ROOM && !e->out &&
        (event->room == EPODE_ROOM_JOINED_NOW || event->room == EPODE_ROOM_REFUSED))
        e->out = json_pack("{s:s, s:b, s:o*}", "room", event->peer, "joined", event->room == EPODE_ROOM_JOINED_NOW, "error",
                           event->error ? error_object(event->error) : NULL);
    if (event->type == EPODE_EV_STATE && event->error)
        fprintf(stderr, "%s\n", epode_error_text(event->error));
    if (event->type != EPODE_EV_SYNC || !event->synced || e->asked)
        return;
    e->asked = true;
    epode_status st = ask(client, e);
    if (st)
        e->out = json_pack("{s:s}", "status", epode_status_name(st));
}

int main(int argc, char **argv)
{
    epode_client *client;
    epode_options o = EPODE_OPTIONS_INIT;
    char why[200];
    if (argc < 9 || ((strcmp(argv[6], "push") == 0 || strcmp(argv[6], "room") == 0) && argc < 10))
        return fprintf(stderr, "see the head of services.c\n"), 1;
    errand e = { .words = argv + 6 };
    o.flags = EPODE_NO_SM; /* each is a session of its own */
    o.jid = argv[1];
    o.store_path = argv[2];
    o.host = argv[3];
    o.port = (uint16_t)strtoul(argv[4], NULL, 10);
    o.ca_file = argv[5];
    o.tls = EPODE_TLS_DIRECT;
    o.password = getenv("EPODE_PASSWORD");
    o.on_event = on_event;
    o.user = &e;
    if (epode_client_new(&client, &o, why, sizeof why))
        return fprintf(stderr, "%s\n", why), 1;
    epode_client_start(client);
    for (int i = 0; i < 3000 && !e.out; i++)
        epode_client_run(client, 20);
    if (e.out && strcmp(argv[6], "room") == 0) {
        json_dumpf(e.out, stdout, JSON_COMPACT);
        puts("");
        fflush(stdout);
        _exit(0);
    }
    epode_client_stop(client, EPODE_STOP_CLOSE);
    epode_client_run(client, 5000);
    epode_client_free(client);
    if (!e.out)
        return fprintf(stderr, "nothing within a minute\n"), 1;
    json_dumpf(e.out, stdout, JSON_COMPACT);
    puts("");
    json_decref(e.out);
    return 0;
}
