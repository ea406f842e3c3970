/* contact.c: epode roster add, rename, groups, remove, allow, deny: changing the roster (RFC 6121, 2 and 3). */
#include <stdio.h>
#include <string.h>

#include "cli.h"

typedef struct contact_run contact_run;

typedef struct change {
    const char *name;
    int least; /* arguments behind it, the peer's JID included */
    int most;
    epode_status (*make)(contact_run *run);
} change;

struct contact_run {
    const cli_options *o;
    epode_client *client;
    const change *change;
    const char *peer;
    const char *const *rest; /* what follows the peer */
    int rest_count;
    bool made;
    int code;
};

static void fail(contact_run *run, const epode_error *error)
{
    if (!run->code)
        run->code = cli_fail(run->o, error);
    epode_client_stop(run->client, EPODE_STOP_CLOSE);
}

static void print_one(const epode_contact *contact, void *user)
{
    cli_print_contact(user, contact);
}

static void leave(contact_run *run, epode_client *client)
{
    if (client)
        epode_client_stop(client, EPODE_STOP_CLOSE);
    else if (!run->code)
        run->code = EXIT_NETWORK;
}

/* The server has taken everything before this answer, and what it told of it came in front of it. */
static void on_pong(epode_client *client, const epode_iq_answer *answer, void *user)
{
    contact_run *run = user;
    bool answered = answer->outcome == EPODE_IQ_RESULT || answer->outcome == EPODE_IQ_ERROR;
    if (!answered || !client)
        run->code = cli_fail_answer(run->o, answer);
    else if (epode_store_contact(epode_client_store(client), run->peer, print_one, (void *)(uintptr_t)run->o) == EPODE_DONE &&
             !run->o->json)
        printf("%s is not in the roster\n", run->peer);
    leave(run, client);
}

static void on_done(epode_client *client, const epode_iq_answer *answer, void *user)
{
    contact_run *run = user;
    if (client && answer->outcome == EPODE_IQ_RESULT && epode_ping(client, NULL, on_pong, run, NULL) == EPODE_OK)
        return;
    if (answer->outcome != EPODE_IQ_RESULT)
        run->code = cli_fail_answer(run->o, answer);
    leave(run, client);
}

static epode_status subscription(contact_run *run, epode_subscription_step step)
{
    epode_status st = epode_roster_subscription(run->client, run->peer, step);
    return st ? st : epode_ping(run->client, NULL, on_pong, run, NULL);
}

static epode_status add(contact_run *run)
{
    epode_status st = epode_roster_set(run->client, run->peer, run->rest_count ? run->rest[0] : NULL, run->rest + 1,
                                       run->rest_count > 1 ? (size_t)run->rest_count - 1 : 0, on_done, run, NULL);
    return st ? st : epode_roster_subscription(run->client, run->peer, EPODE_SUBSCRIBE);
}

/* What is not to be changed is sent as it was. */
static void rename_one(const epode_contact *old, void *user)
{
    contact_run *run = user;
    run->made = epode_roster_set(run->client, run->peer, run->rest_count ? run->rest[0] : NULL, old->groups, old->group_count,
                                 on_done, run, NULL) == EPODE_OK;
}

static void regroup_one(const epode_contact *old, void *user)
{
    contact_run *run = user;
    run->made = epode_roster_set(run->client, run->peer, old->name, run->rest, (size_t)run->rest_count, on_done, run,
                                 NULL) == EPODE_OK;
}

static epode_status of_old(contact_run *run, void (*each)(const epode_contact *old, void *user))
{
    run->made = false;
    epode_status st = epode_store_contact(epode_client_store(run->client), run->peer, each, run);
    return st == EPODE_OK && !run->made ? EPODE_EINVAL : st;
}

static epode_status rename_contact(contact_run *run)
{
    return of_old(run, rename_one);
}

static epode_status regroup(contact_run *run)
{
    return of_old(run, regroup_one);
}

static epode_status remove_contact(contact_run *run)
{
    return epode_roster_remove(run->client, run->peer, on_done, run, NULL);
}

static epode_status allow(contact_run *run)
{
    return subscription(run, EPODE_SUBSCRIBED);
}

static epode_status deny(contact_run *run)
{
    return subscription(run, EPODE_UNSUBSCRIBED);
}

static const change changes[] = {
    { "add", 1, 15, add },          { "rename", 1, 2, rename_contact }, { "groups", 1, 15, regroup },
    { "remove", 1, 1, remove_contact }, { "allow", 1, 1, allow },       { "deny", 1, 1, deny },
};

static void on_current(contact_run *run)
{
    epode_status st = run->change->make(run);
    if (!st)
        return;
    run->code = cli_fail_text(run->o, st < 0 ? st : EPODE_EINVAL, st == EPODE_DONE ? "there is no such contact"
                                                           : "the roster cannot be changed so: is the peer a bare JID, the text valid?");
    epode_client_stop(run->client, EPODE_STOP_CLOSE);
}

static void on_event(epode_client *client, const epode_event *ev, void *user)
{
    contact_run *run = user;
    (void)client;
    if (ev->type == EPODE_EV_ROSTER && !ev->peer && ev->error)
        fail(run, ev->error);
    else if (ev->type == EPODE_EV_ROSTER && !ev->peer)
        on_current(run);
    else if (ev->type == EPODE_EV_STATE && ev->state == EPODE_STOPPED && ev->error && !run->code)
        run->code = cli_fail(run->o, ev->error);
}

static const change *change_of(const cli_options *o)
{
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        if (strcmp(o->args[0], changes[i].name) == 0 && o->arg_count - 1 >= changes[i].least &&
            o->arg_count - 1 <= changes[i].most)
            return &changes[i];
    return NULL;
}

int cli_change_roster(cli_options *o)
{
    int code = EXIT_USAGE;
    contact_run run = { .o = o, .change = change_of(o) };
    if (!run.change || !o->jid)
        return cli_fail_text(o, EPODE_EINVAL, "usage: epode roster add PEER [NAME [GROUP...]] | rename PEER [NAME] | "
                                              "groups PEER [GROUP...] | remove PEER | allow PEER | deny PEER, with --jid JID");
    if (!cli_password(o, &code))
        return code;
    run.peer = o->args[1];
    run.rest = o->args + 2;
    run.rest_count = o->arg_count - 2;
    o->flags |= EPODE_NO_AUTOJOIN;
    o->no_sync = true;
    if (!(run.client = cli_client(o, on_event, &run, &code)))
        return code;
    code = cli_start(o, run.client);
    if (!code)
        code = cli_run(o, run.client);
    epode_client_free(run.client);
    cli_end();
    return code ? code : run.code;
}
