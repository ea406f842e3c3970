/* connect.c: epode connect JID */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

typedef struct connect_run {
    const cli_options *o;
    bool told;   /* the summary was printed */
    bool synced, roster; /* what it waits for is there, or will not be */
    bool filled; /* --fill was asked for */
    bool progress; /* stands on the screen */
    int code;
} connect_run;

/* The summary comes when everything that was asked for is there: the session, and the archive. */
static void tell(connect_run *run, epode_client *client)
{
    const epode_session *s = epode_client_session(client);
    if (run->told || !s || !run->synced || !(run->roster || run->o->no_roster))
        return;
    run->told = true;
    if (run->o->svg && !cli_svg(run->o->svg, s))
        run->code = cli_fail_text(run->o, EPODE_EINVAL, "the picture cannot be written");
    if (run->o->json) {
        json_t *o = cli_session_json(s);
        epode_store *store = epode_client_store(client);
        json_object_set_new(o, "holes", cli_holes_json(store));
        json_object_set_new(o, "unreads", cli_unreads_json(store));
        json_object_set_new(o, "held", cli_extent_json(store));
        cli_print_json(o);
    } else {
        cli_session_print(s);
    }
    if (!run->o->listen)
        epode_client_stop(client, EPODE_STOP_CLOSE);
}

static void on_state(connect_run *run, epode_client *client, const epode_event *ev)
{
    static const char *const names[] = { "stopped", "connecting", "ready", "offline" };
    if (ev->state != EPODE_READY)
        run->told = run->synced = run->roster = false;
    if (ev->state == EPODE_READY) {
        /* A session that goes on has its roster already. What was told of this one may have come before. */
        run->roster = run->roster || epode_session_is_resumed(epode_client_session(client));
        run->synced = run->synced || run->o->no_sync;
        tell(run, client);
    } else if (ev->state == EPODE_STOPPED && ev->error) {
        run->code = cli_fail(run->o, ev->error);
    } else if (run->o->listen && ev->state != EPODE_STOPPED) {
        if (run->o->json)
            cli_print_json(json_pack("{s:s,s:s?}", "state", names[ev->state], "why",
                                     ev->error ? epode_error_text(ev->error) : NULL));
        else if (ev->error)
            printf("%s: %s\n", names[ev->state], epode_error_text(ev->error));
    }
}

/* For people, on a terminal: a bar where the server said how many there are, else a number. */
static void progress(const epode_event *ev)
{
    static const char full[] = "########################################";
    static const char rest[] = "----------------------------------------";
    const int width = (int)sizeof full - 1;
    if (!ev->expected) {
        fprintf(stderr, "\r\033[K%zu messages", ev->done);
        return;
    }
    size_t done = ev->done < ev->expected ? ev->done : ev->expected;
    int filled = (int)(done * (size_t)width / ev->expected);
    fprintf(stderr, "\r\033[K[%.*s%.*s] %3d%%  %zu of %zu messages", filled, full, width - filled, rest,
            (int)(done * 100 / ev->expected), done, ev->expected);
}

static void on_sync(connect_run *run, epode_client *client, const epode_event *ev)
{
    bool final = ev->synced || ev->error;
    if (!run->o->json && isatty(STDERR_FILENO)) {
        if (!final)
            progress(ev);
        else if (run->progress)
            fprintf(stderr, "\r\033[K");
        run->progress = !final;
    }
    if (ev->error && !run->told && !run->o->json)
        fprintf(stderr, "epode: %s\n", epode_error_text(ev->error));
    if (final && ev->synced && run->o->fill && !run->filled) {
        run->filled = true;
        if (epode_history_fill(client, 0, run->o->fill) == EPODE_OK)
            return;
    }
    run->synced = run->synced || final;
    if (final)
        tell(run, client);
}

static void on_roster(connect_run *run, epode_client *client, const epode_event *ev)
{
    if (ev->peer)
        return;
    run->roster = true;
    tell(run, client);
}

static void on_message(const epode_message *m, void *user)
{
    connect_run *run = user;
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
    connect_run *run = user;
    if (ev->type == EPODE_EV_STATE)
        on_state(run, client, ev);
    else if (ev->type == EPODE_EV_SYNC)
        on_sync(run, client, ev);
    else if (ev->type == EPODE_EV_ROSTER)
        on_roster(run, client, ev);
    else if (ev->type == EPODE_EV_MESSAGE && ev->change == EPODE_CHANGE_NEW && run->o->listen)
        epode_store_message(epode_client_store(client), ev->row, on_message, run);
}

int cmd_connect(cli_options *o)
{
    connect_run run = { .o = o };
    int code = EXIT_USAGE;
    if (o->arg_count != 1 && !(o->arg_count == 0 && o->jid))
        return cli_fail_text(o, EPODE_EINVAL, "usage: epode connect JID");
    if (o->arg_count)
        o->jid = o->args[0];
    if (!cli_password(o, &code))
        return code;
    epode_client *client = cli_client(o, on_event, &run, &code);
    if (!client)
        return code;
    if (o->follow && epode_archive_follow(client, o->follow) < 0)
        run.code = cli_fail_text(o, EPODE_EINVAL, "--follow takes the JID of a room");
    code = cli_start(o, client);
    if (!code)
        code = cli_run(o, client);
    epode_client_free(client);
    cli_end();
    return code ? code : run.code;
}
