/* watch.c: epode watch: everything that changes, one object a line; epode presence: who is there. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

#define NAME(names, i) ((size_t)(i) < sizeof(names) / sizeof *(names) ? (names)[i] : "")

static const char *show_name(epode_show show)
{
    static const char *const names[] = { "online", "chat", "away", "xa", "dnd", "offline" };
    return NAME(names, show);
}

/* For people: what the object says, name by name. */
static void print_plain(json_t *object)
{
    const char *name, *gap = "";
    json_t *value;
    json_object_foreach(object, name, value) {
        if (json_is_null(value))
            continue;
        printf("%s", gap);
        if (strcmp(name, "event") != 0)
            printf("%s=", name);
        if (json_is_string(value)) {
            cli_print_clean(json_string_value(value));
        } else {
            char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
            cli_print_clean(text ? text : "");
            free(text);
        }
        gap = "  ";
    }
    printf("\n");
    json_decref(object);
}

static void print_object(const cli_options *o, json_t *object)
{
    if (o->json)
        cli_print_json(object);
    else
        print_plain(object);
    fflush(stdout);
}

/* --- presence ---------------------------------------------------------------------------------------------- */

static json_t *presence_json(const epode_presence *p)
{
    char idle[32] = "", stamp[32] = "";
    if (p->idle_ms)
        cli_time(p->idle_ms, idle);
    if (p->stamp_ms)
        cli_time(p->stamp_ms, stamp);
    return json_pack("{s:s,s:s,s:s?,s:i,s:s?,s:s?,s:s?,s:s?}", "jid", p->jid, "show", show_name(p->show), "status",
                     p->status, "priority", p->priority, "idle_since", *idle ? idle : NULL, "time", *stamp ? stamp : NULL,
                     "photo", p->photo, "software", p->caps_node);
}

/* Nothing says that the last answer has come: every contact's server answers the probe in its own time (RFC 6121, 4.3).
 * So a pause is waited for, from the server's answer to a ping on. */
#define QUIET_MS 1000

typedef struct presence_run {
    const cli_options *o;
    const char *peer; /* NULL: everybody */
    bool asked;
    int64_t end_ms; /* when it will have been quiet for long enough; 0: not counted yet */
    int code;
} presence_run;

static bool print_presence(const epode_presence *p, void *user)
{
    const presence_run *run = user;
    if (run->o->json) {
        cli_print_json(presence_json(p));
        return true;
    }
    printf("%-7s ", show_name(p->show));
    cli_print_clean(p->jid);
    if (p->status) {
        printf("  ");
        cli_print_clean(p->status);
    }
    printf("\n");
    return true;
}

static void print_all(presence_run *run, epode_client *client)
{
    const epode_presence *p;
    for (size_t i = 0; run->peer && (p = epode_presence_at(client, run->peer, i)) != NULL; i++)
        print_presence(p, run);
    if (!run->peer)
        epode_presence_each(client, print_presence, run);
}

static void on_answer(epode_client *client, const epode_iq_answer *answer, void *user)
{
    presence_run *run = user;
    if (client && answer->outcome != EPODE_IQ_CANCELLED)
        run->end_ms = cli_now_ms() + QUIET_MS;
}

static void ask(presence_run *run, epode_client *client)
{
    run->asked = true;
    if (epode_ping(client, NULL, on_answer, run, NULL) != EPODE_OK)
        run->end_ms = cli_now_ms() + QUIET_MS;
}

static void on_presence_event(epode_client *client, const epode_event *ev, void *user)
{
    presence_run *run = user;
    if (ev->type == EPODE_EV_PRESENCE && run->end_ms)
        run->end_ms = cli_now_ms() + QUIET_MS;
    else if (ev->type == EPODE_EV_STATE && ev->state == EPODE_READY && !run->asked)
        ask(run, client);
    else if (ev->type == EPODE_EV_STATE && ev->state == EPODE_STOPPED && ev->error)
        run->code = cli_fail(run->o, ev->error);
}

int cmd_presence(cli_options *o)
{
    presence_run run = { .o = o, .peer = o->arg_count ? o->args[0] : NULL };
    int code = EXIT_USAGE;
    if (o->arg_count > 1 || !o->jid)
        return cli_fail_text(o, EPODE_EINVAL, "usage: epode presence [PEER] --jid JID");
    if (!cli_password(o, &code))
        return code;
    /* A session of its own: one that goes on tells of changes alone. */
    o->no_sm = o->no_sync = true;
    epode_client *client = cli_client(o, on_presence_event, &run, &code);
    if (!client)
        return code;
    code = cli_start(o, client);
    if (!code && cli_run_until(client, &run.end_ms)) {
        print_all(&run, client);
        epode_client_stop(client, EPODE_STOP_CLOSE);
        code = cli_run(o, client);
    }
    epode_client_free(client);
    cli_end();
    return code ? code : run.code;
}

/* --- everything -------------------------------------------------------------------------------------------- */

typedef struct watch_run {
    const cli_options *o;
    const char *change;
    int code;
} watch_run;

static void on_message(const epode_message *m, void *user)
{
    watch_run *run = user;
    json_t *object = cli_message_json(m);
    json_object_set_new(object, "event", json_string("message"));
    json_object_set_new(object, "row", json_integer((json_int_t)m->row));
    json_object_set_new(object, "change", json_string(run->change));
    print_object(run->o, object);
}

static json_t *roster_json(const epode_event *ev)
{
    static const char *const names[] = { "added", "removed", "name", "groups", "subscription", "ask", "approved", "current" };
    json_t *changed = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (ev->roster & (1u << i))
            json_array_append_new(changed, json_string(names[i]));
    return json_pack("{s:s,s:s?,s:o}", "event", "roster", "peer", ev->peer, "changed", changed);
}

static json_t *unread_json(epode_client *client, const epode_event *ev)
{
    uint32_t count = 0;
    bool at_least = false;
    epode_store_unread(epode_client_store(client), ev->peer, &count, &at_least);
    return json_pack("{s:s,s:s,s:i,s:b}", "event", "unread", "peer", ev->peer, "count", (int)count, "at_least", at_least);
}

static json_t *presence_event_json(epode_client *client, const epode_event *ev)
{
    const epode_presence *p, *one = NULL;
    for (size_t i = 0; ev->peer && (p = epode_presence_at(client, ev->peer, i)) != NULL; i++)
        if (strcmp(p->jid, ev->from) == 0)
            one = p;
    return json_pack("{s:s,s:s?,s:s?,s:s,s:s?}", "event", "presence", "peer", ev->peer, "from", ev->from, "show",
                     show_name(ev->show), "status", one ? one->status : NULL);
}

static json_t *event_json(epode_client *client, const epode_event *ev)
{
    static const char *const states[] = { "stopped", "connecting", "ready", "offline" };
    static const char *const steps[] = { "", "subscribe", "subscribed", "unsubscribe", "unsubscribed" };
    static const char *const marks[] = { "", "added", "changed", "removed", "current" };
    static const char *const chats[] = { "", "active", "composing", "paused", "inactive", "gone" };
    switch (ev->type) {
    case EPODE_EV_STATE:
        return json_pack("{s:s,s:s}", "event", "state", "state", NAME(states, ev->state));
    case EPODE_EV_DELIVERY:
        return json_pack("{s:s,s:I,s:s?,s:s}", "event", "delivery", "row", (json_int_t)ev->row, "id", ev->id, "state",
                         cli_delivery_name(ev->delivery));
    case EPODE_EV_UNREAD:
        return unread_json(client, ev);
    case EPODE_EV_SYNC:
        return json_pack("{s:s,s:b,s:I}", "event", "sync", "synced", ev->synced, "done", (json_int_t)ev->done);
    case EPODE_EV_ROSTER:
        return roster_json(ev);
    case EPODE_EV_SUBSCRIPTION:
        return json_pack("{s:s,s:s,s:s}", "event", "subscription", "peer", ev->peer, "step", NAME(steps, ev->subscription));
    case EPODE_EV_PRESENCE:
        return presence_event_json(client, ev);
    case EPODE_EV_CHAT_STATE:
        return json_pack("{s:s,s:s,s:s,s:s}", "event", "chat-state", "peer", ev->peer, "from", ev->from, "state",
                         NAME(chats, ev->chat_state));
    case EPODE_EV_AVATAR:
        return json_pack("{s:s,s:s,s:s}", "event", "avatar", "peer", ev->peer, "id", ev->id);
    case EPODE_EV_BLOCKING:
        return json_pack("{s:s,s:s?,s:b}", "event", "blocking", "peer", ev->peer, "blocked", ev->blocked);
    case EPODE_EV_ROOM:
        return cli_room_json(ev);
    case EPODE_EV_BOOKMARK:
        return json_pack("{s:s,s:s?,s:s}", "event", "bookmark", "peer", ev->peer, "change",
                         ev->error ? "refused" : NAME(marks, ev->bookmark));
    default:
        return NULL; /* stanzas, capabilities, errands: nobody asked for them here */
    }
}

static void on_watch_event(epode_client *client, const epode_event *ev, void *user)
{
    static const char *const changes[] = { "", "new", "changed", "moved" };
    watch_run *run = user;
    if (ev->type == EPODE_EV_MESSAGE) {
        run->change = NAME(changes, ev->change);
        epode_store_message(epode_client_store(client), ev->row, on_message, run);
        return;
    }
    json_t *object = event_json(client, ev);
    if (object && ev->error) {
        json_object_set_new(object, "why", json_string(epode_error_text(ev->error)));
        if (epode_error_condition(ev->error))
            json_object_set_new(object, "condition", json_string(epode_error_condition(ev->error)));
    }
    if (object)
        print_object(run->o, object);
    if (ev->type == EPODE_EV_STATE && ev->state == EPODE_STOPPED && ev->error)
        run->code = cli_fail(run->o, ev->error);
}

int cmd_watch(cli_options *o)
{
    watch_run run = { .o = o };
    int code = EXIT_USAGE;
    if (o->arg_count || !o->jid)
        return cli_fail_text(o, EPODE_EINVAL, "usage: epode watch --jid JID");
    if (!cli_password(o, &code))
        return code;
    o->listen = true;
    o->flags |= EPODE_BLOCK_LIST;
    epode_client *client = cli_client(o, on_watch_event, &run, &code);
    if (!client)
        return code;
    code = cli_start(o, client);
    if (!code)
        code = cli_run(o, client);
    epode_client_free(client);
    cli_end();
    return code ? code : run.code;
}
