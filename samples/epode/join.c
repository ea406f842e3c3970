/* join.c: epode join ROOM: in a room, what is said there, and saying something. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

typedef struct join_run {
    const cli_options *o;
    epode_client *client;
    bool joined, synced, told;
    int code;
} join_run;

static json_t *occupant_json(const epode_occupant *who)
{
    static const char *const affiliations[] = { "none", "outcast", "member", "admin", "owner" };
    static const char *const roles[] = { "none", "visitor", "participant", "moderator" };
    return json_pack("{s:s,s:s?,s:s,s:s,s:b}", "nick", who->nick, "jid", who->jid, "affiliation",
                     affiliations[who->affiliation], "role", roles[who->role], "self", who->self);
}

/* When we are in, and what was said before is here. */
static void tell(join_run *run)
{
    const epode_room *room = epode_room_find(run->client, run->o->args[0]);
    if (run->told || !run->joined || !run->synced || !room)
        return;
    run->told = true;
    if (run->o->json) {
        json_t *occupants = json_array();
        for (size_t i = 0; i < epode_room_occupant_count(room); i++)
            json_array_append_new(occupants, occupant_json(epode_room_occupant_at(room, i)));
        cli_print_json(json_pack("{s:s,s:s,s:s?,s:o}", "room", epode_room_jid(room), "nick", epode_room_nick(room),
                                 "subject", epode_room_subject(room), "occupants", occupants));
    } else {
        printf("in %s as %s, with", epode_room_jid(room), epode_room_nick(room));
        for (size_t i = 0; i < epode_room_occupant_count(room); i++) {
            printf(i ? ", " : " ");
            cli_print_clean(epode_room_occupant_at(room, i)->nick);
        }
        printf("\n");
    }
    fflush(stdout);
    if (!run->o->listen)
        epode_client_stop(run->client, EPODE_STOP_CLOSE);
}

static const char *left_word(epode_room_left why)
{
    static const char *const words[] = { "", "self", "kicked", "banned", "affiliation", "members-only", "shutdown",
                                         "destroyed", "error", "lost" };
    return words[why];
}

static const char *change_word(epode_room_change what)
{
    static const char *const words[] = { "", "joined", "refused", "left", "subject", "nick", "occupant-came",
                                         "occupant-changed", "occupant-renamed", "occupant-left" };
    return words[what];
}

json_t *cli_room_json(const epode_event *ev)
{
    return json_pack("{s:s,s:s,s:s,s:s?,s:s?,s:s?}", "event", "room", "room", ev->peer, "change", change_word(ev->room),
                     "nick", ev->nick, "text", ev->text, "left", ev->left ? left_word(ev->left) : NULL);
}

static void print_room(const join_run *run, const epode_event *ev)
{
    if (run->o->json) {
        cli_print_json(cli_room_json(ev));
        return;
    }
    printf("* %s ", change_word(ev->room));
    cli_print_clean(ev->nick);
    printf(" %s ", ev->left ? left_word(ev->left) : "");
    cli_print_clean(ev->text);
    printf("\n");
    fflush(stdout);
}

static void on_room(join_run *run, const epode_event *ev)
{
    if (strcmp(ev->peer, run->o->args[0]) != 0)
        return;
    run->joined = run->joined || ev->room == EPODE_ROOM_JOINED_NOW;
    if (run->o->listen)
        print_room(run, ev);
    bool over = ev->room == EPODE_ROOM_REFUSED ||
                (ev->room == EPODE_ROOM_LEFT && ev->left != EPODE_LEFT_LOST && ev->left != EPODE_LEFT_SHUTDOWN);
    if (ev->error && ev->room == EPODE_ROOM_REFUSED)
        run->code = cli_fail(run->o, ev->error);
    if (over)
        epode_client_stop(run->client, EPODE_STOP_CLOSE);
}

static void on_state(join_run *run, const epode_event *ev)
{
    if (ev->state != EPODE_READY)
        run->synced = false;
    if (ev->state == EPODE_STOPPED && ev->error)
        run->code = cli_fail(run->o, ev->error);
    else if (run->o->listen && run->o->json && ev->state != EPODE_STOPPED)
        cli_print_json(json_pack("{s:s}", "state", ev->state == EPODE_READY     ? "ready"
                                                   : ev->state == EPODE_OFFLINE ? "offline"
                                                                                : "connecting"));
}

static void on_message(const epode_message *m, void *user)
{
    join_run *run = user;
    if (strcmp(m->archive, run->o->args[0]) != 0)
        return;
    if (run->o->json) {
        json_t *o = cli_message_json(m);
        json_object_set_new(o, "event", json_string("message"));
        cli_print_json(o);
    } else {
        cli_message_print(m);
        fflush(stdout);
    }
}

static void on_event(epode_client *client, const epode_event *ev, void *user)
{
    join_run *run = user;
    run->client = client;
    if (ev->type == EPODE_EV_STATE)
        on_state(run, ev);
    else if (ev->type == EPODE_EV_ROOM)
        on_room(run, ev);
    else if (ev->type == EPODE_EV_SYNC && (ev->synced || ev->error))
        run->synced = true;
    else if (ev->type == EPODE_EV_MESSAGE && ev->change == EPODE_CHANGE_NEW && run->o->listen)
        epode_store_message(epode_client_store(client), ev->row, on_message, run);
    tell(run);
}

static void on_line(char *line, void *user)
{
    join_run *run = user;
    epode_outgoing m = EPODE_OUTGOING_INIT;
    m.to = run->o->args[0];
    m.type = "groupchat";
    m.body = line;
    if (*line && epode_send_message(run->client, &m, NULL))
        fprintf(stderr, "epode: this cannot be sent\n");
}

int cmd_join(cli_options *o)
{
    join_run run = { .o = o };
    int code = EXIT_USAGE;
    if (o->arg_count != 1 || !o->jid)
        return cli_fail_text(o, EPODE_EINVAL, "usage: epode join ROOM --jid JID [--nick NICK]");
    if (!cli_password(o, &code))
        return code;
    epode_client *client = cli_client(o, on_event, &run, &code);
    if (!client)
        return code;
    char *made = strndup(o->jid, strcspn(o->jid, "@/"));
    run.client = client;
    epode_status st = epode_room_join(client, o->args[0], o->nick ? o->nick : made, NULL,
                                      o->nick ? 0 : EPODE_ROOM_OTHER_NICK);
    free(made);
    if (st < 0) {
        epode_client_free(client);
        return cli_fail_text(o, st, "the room cannot be joined: is it a bare JID, and the nick valid?");
    }
    code = cli_start(o, client);
    if (!code)
        code = cli_run_lines(o, client, o->listen ? on_line : NULL, &run);
    epode_client_free(client);
    cli_end();
    return code ? code : run.code;
}
