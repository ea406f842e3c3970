/* chat.c: epode chat PEER: a conversation, line by line. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "chat.h"

#define BLOCK        20  /* messages at once: at the start, for /older and /search */
#define FILL         100 /* messages that one query for older ones asks for, of all conversations */
#define FILLS        50  /* such queries for one /older */
#define LEAVE_TTY_MS 5000

/* --- what came, and what was missed ------------------------------------------------------------------- */

/* Shows what came into the conversation and was not shown: behind the oldest message that was. */
static void show_missed(chat *c)
{
    uint64_t rows[BLOCK];
    size_t n = 0, known = 0;
    const epode_message *m;
    epode_cursor *cursor = NULL;
    epode_query q = EPODE_QUERY_INIT;
    q.peer = c->peer;
    q.newest_first = true;
    epode_status st = epode_store_messages(c->store, &q, &cursor);
    while (st == EPODE_OK && n < BLOCK && known < SHOWN_MAX / 2 && (st = epode_cursor_next(cursor, &m)) == EPODE_OK) {
        if (chat_shown(c, m->row))
            known++;
        else if (m->row != c->oldest)
            rows[n++] = m->row;
        if (m->row == c->oldest)
            break;
    }
    epode_cursor_free(cursor);
    if (n == BLOCK || !c->oldest)
        c->oldest = n ? rows[n - 1] : 0;
    while (n)
        chat_show_row(c, rows[--n], "message");
}

/* Up to BLOCK messages before the oldest one that is shown; gives how many there were. */
static size_t show_older(chat *c, const char *what)
{
    uint64_t rows[BLOCK];
    size_t n = 0, shown;
    const epode_message *m;
    epode_cursor *cursor = NULL;
    epode_query q = EPODE_QUERY_INIT;
    q.peer = c->peer;
    q.newest_first = true;
    q.from_row = c->oldest;
    epode_status st = epode_store_messages(c->store, &q, &cursor);
    while (st == EPODE_OK && n < BLOCK && (st = epode_cursor_next(cursor, &m)) == EPODE_OK)
        rows[n++] = m->row;
    epode_cursor_free(cursor);
    if (n)
        c->oldest = rows[n - 1];
    shown = n;
    while (n)
        chat_show_row(c, rows[--n], what);
    return shown;
}

static void older_end(chat *c, size_t n, bool complete, const char *why)
{
    c->filling = false;
    if (c->o->json)
        cli_print_json(json_pack("{s:s,s:i,s:b,s:s?}", "event", "older-end", "count", (int)n, "complete", complete, "why", why));
    else if (why)
        chat_say(c, why);
    else
        chat_say(c, complete ? "that is all there is" : "older messages end here");
}

/* What the store does not hold is asked for, until there is something of this conversation in it. */
static void older_fill(chat *c)
{
    if (c->fills++ == FILLS) {
        older_end(c, 0, false, "nothing found yet: /older goes on");
        return;
    }
    epode_status st = epode_history_fill(c->client, c->oldest, FILL);
    c->filling = st == EPODE_OK || st == EPODE_AGAIN;
    if (st == EPODE_DONE)
        older_end(c, 0, true, NULL);
    else if (st == EPODE_ESTATE)
        older_end(c, 0, false, "this is all that is stored; there is no connection to get more");
    else if (st < 0)
        older_end(c, 0, false, "older messages could not be asked for");
}

static void older(chat *c)
{
    size_t n = c->filling ? 0 : show_older(c, "older");
    if (n)
        older_end(c, n, false, NULL);
    else if (!c->filling) {
        c->fills = 0;
        older_fill(c);
    }
}

static void search(chat *c, const char *text)
{
    uint64_t rows[BLOCK];
    size_t n = 0, found;
    const epode_message *m;
    epode_cursor *cursor = NULL;
    epode_query q = EPODE_QUERY_INIT;
    q.peer = c->peer;
    q.search = text;
    epode_status st = *text ? epode_store_messages(c->store, &q, &cursor) : EPODE_DONE;
    while (st == EPODE_OK && n < BLOCK && (st = epode_cursor_next(cursor, &m)) == EPODE_OK)
        rows[n++] = m->row;
    epode_cursor_free(cursor);
    found = n;
    if (!c->o->json)
        chat_say(c, !*text ? "/search TEXT" : n ? "found" : "nothing found");
    while (n)
        chat_show_row(c, rows[--n], "found");
    if (c->o->json)
        cli_print_json(json_pack("{s:s,s:i}", "event", "found-end", "count", (int)found));
    else if (found)
        chat_say(c, found == BLOCK ? "the newest ones only" : "that was all");
}

/* --- events ------------------------------------------------------------------------------------------- */

static void on_state(chat *c, const epode_event *ev)
{
    static const char *const names[] = { "stopped", "connecting", "ready", "offline" };
    if (ev->state == EPODE_STOPPED && ev->error)
        c->code = cli_fail(c->o, ev->error);
    if (ev->state != EPODE_READY)
        c->synced = false;
    if (c->o->json && ev->state != EPODE_STOPPED)
        cli_print_json(json_pack("{s:s,s:s,s:s?}", "event", "state", "state", names[ev->state], "why",
                                 ev->error ? epode_error_text(ev->error) : NULL));
    if (c->o->json)
        return;
    if (ev->error && ev->state != EPODE_STOPPED) {
        char line[300];
        snprintf(line, sizeof line, "%s: %s", names[ev->state], epode_error_text(ev->error));
        chat_say(c, line);
        c->trouble = true;
    } else if (ev->state == EPODE_READY && c->trouble) {
        chat_say(c, "online again");
        c->trouble = false;
    }
}

static void on_sync(chat *c, const epode_event *ev)
{
    if (!ev->synced && !ev->error)
        return;
    if (!c->synced) {
        c->synced = true;
        show_missed(c);
        chat_seen(c);
        if (c->o->json)
            cli_print_json(json_pack("{s:s,s:b}", "event", "synced", "complete", ev->synced));
    }
    if (!c->filling)
        return;
    if (ev->error) {
        older_end(c, 0, false, epode_error_text(ev->error));
        return;
    }
    size_t n = show_older(c, "older");
    if (n)
        older_end(c, n, false, NULL);
    else
        older_fill(c);
}

static void on_delivery(chat *c, const epode_event *ev)
{
    for (size_t i = 0; i < c->waiting_count; i++)
        if (c->waiting[i] == ev->row && ev->delivery >= EPODE_DELIVERY_ACKNOWLEDGED) {
            c->waiting[i] = c->waiting[--c->waiting_count];
            break;
        }
    chat_delivery(c, ev);
}

static void on_event(epode_client *client, const epode_event *ev, void *user)
{
    chat *c = user;
    (void)client;
    if (ev->type == EPODE_EV_STATE)
        on_state(c, ev);
    else if (ev->type == EPODE_EV_SYNC)
        on_sync(c, ev);
    else if (ev->type == EPODE_EV_DELIVERY)
        on_delivery(c, ev);
    else if (ev->type == EPODE_EV_MESSAGE && ev->change != EPODE_CHANGE_MOVED)
        chat_changed(c, ev);
}

/* --- what is typed ------------------------------------------------------------------------------------ */

static bool send_line(chat *c, const char *text)
{
    uint64_t row;
    epode_outgoing m = EPODE_OUTGOING_INIT;
    uint64_t *grown = realloc(c->waiting, (c->waiting_count + 1) * sizeof *grown);
    if (!grown)
        return false;
    c->waiting = grown;
    m.to = c->peer;
    m.body = text;
    epode_status st = epode_send_message(c->client, &m, &row);
    if (st) {
        c->code = cli_fail_text(c->o, st, "the message cannot be sent: is the peer a JID and the text valid?");
        return st != EPODE_ESTORE;
    }
    c->waiting[c->waiting_count++] = row;
    if (!chat_shown(c, row))
        chat_show_row(c, row, "message");
    return true;
}

/* False: the conversation is over. */
static bool do_line(chat *c, const char *line)
{
    if (strcmp(line, "/quit") == 0)
        return false;
    if (strcmp(line, "/older") == 0)
        older(c);
    else if (strcmp(line, "/search") == 0 || strncmp(line, "/search ", 8) == 0)
        search(c, line[7] ? line + 8 : "");
    else if (line[0] == '/' && line[1] != '/' && strncmp(line, "/me ", 4) != 0)
        chat_say(c, "/older, /search TEXT, /quit; // begins a text with a slash; marks: … stored, › sent, ✓ the server "
                    "has it, ✓✓ received, ✓✓✓ read, ✗ failed");
    else if (*line)
        return send_line(c, line[0] == '/' && line[1] == '/' ? line + 1 : line);
    return true;
}

/* Lets the client work until input is there (true), or it is over. */
static bool wait_input(void *user)
{
    chat *c = user;
    for (;;) {
        bool typed;
        while (epode_client_process(c->client) == EPODE_OK)
            ;
        /* What a pipe still holds is stored all the same, and leaves with the next connection. */
        bool stopped = epode_client_state(c->client) == EPODE_STOPPED;
        if (cli_interrupted || (stopped && screen_is_terminal(c->screen)))
            return false;
        if (stopped)
            return true; /* nothing but input is waited for any more */
        if (!cli_wait(c->client, STDIN_FILENO, -1, &typed))
            return false;
        if (typed)
            return true;
    }
}

/* What was typed last is still on its way. A pipe waits for as long as a connect may take, a person does not. */
static void wait_sent(chat *c)
{
    bool terminal = screen_is_terminal(c->screen);
    int64_t end = cli_now_ms() + (terminal ? LEAVE_TTY_MS : (int64_t)c->o->timeout_s * 1000);
    for (;;) {
        bool typed;
        while (epode_client_process(c->client) == EPODE_OK)
            ;
        epode_state state = epode_client_state(c->client);
        bool done = c->waiting_count == 0 && !c->filling && (c->synced || c->o->no_sync || terminal);
        int64_t left = end - cli_now_ms();
        if (state == EPODE_STOPPED || cli_interrupted || left <= 0 || (terminal && state != EPODE_READY) ||
            (done && state == EPODE_READY))
            break;
        cli_wait(c->client, -1, (int)left, &typed);
    }
    if (c->waiting_count && !c->o->json)
        fprintf(stderr, "epode: %zu not sent yet: with the next connection\n", c->waiting_count);
}

static int converse(chat *c)
{
    const char *line;
    show_older(c, "history");
    cli_catch_signals();
    int code = cli_start(c->o, c->client);
    if (code)
        return code;
    while ((line = screen_read(c->screen)) != NULL && do_line(c, line))
        ;
    wait_sent(c);
    chat_seen(c);
    if (epode_client_state(c->client) != EPODE_STOPPED)
        epode_client_stop(c->client, EPODE_STOP_CLOSE);
    return cli_run(c->o, c->client);
}

int cmd_chat(cli_options *o)
{
    chat c = { .o = o };
    int code = EXIT_USAGE;
#ifdef EPODE_CURSES
    if (o->arg_count == 0 && o->jid)
        return cmd_messenger(o);
#endif
    if (o->arg_count != 1 || !o->jid)
        return cli_fail_text(o, EPODE_EINVAL, "usage: epode chat PEER --jid JID");
    if (!cli_password(o, &code))
        return code;
    /* The screen will have the terminal. */
    cli_ask_ahead(o);
    o->asked_ahead = true;
    c.peer = o->args[0];
    char prompt[80];
    snprintf(prompt, sizeof prompt, "%.*s> ", (int)strcspn(c.peer, "@") < 40 ? (int)strcspn(c.peer, "@") : 40, c.peer);
    c.screen = screen_open(prompt, wait_input, &c);
    /* A person waits for the network to come back. */
    o->listen = o->listen || (c.screen && screen_is_terminal(c.screen));
    c.client = c.screen ? cli_client(o, on_event, &c, &code) : NULL;
    c.store = c.client ? epode_client_store(c.client) : NULL;
    if (c.store)
        code = converse(&c);
    epode_client_free(c.client);
    cli_end();
    screen_close(c.screen);
    free(c.waiting);
    return code ? code : c.code;
}
