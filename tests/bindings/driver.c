/* driver.c: a client on the public interface alone, for the scenarios that every binding plays: see README.md beside
 * this file for the commands and the lines. Events are pulled, as the bindings do. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <epode/epode.h>

enum { CODE_DONE = 0, CODE_ERROR = 1, CODE_USAGE = 2 };
typedef enum command { CONNECT, LISTEN, CATCHUP, COUNT } command;
static const char *const commands[] = { "connect", "listen", "catchup", "count" };

typedef struct driver {
    command command;
    epode_client *client;
    bool stopping, read, over;
    int code;
    unsigned long wanted, counted;
    int64_t first_us, end_us; /* of counting; of everything, INT64_MAX: never */
    char input[8192];
    size_t input_len;
    bool input_over;
} driver;

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void say(json_t *line)
{
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(line);
}

static void say_error(driver *d, epode_status status, const char *condition, bool final)
{
    say(json_pack("{s:s, s:s, s:s?, s:b}", "event", "error", "status", epode_status_name(status), "condition", condition,
                  "final", final));
    d->code = CODE_ERROR;
    d->over = true;
}

static void stop(driver *d, int how)
{
    if (!d->stopping)
        epode_client_stop(d->client, how);
    d->stopping = true;
}

static void say_ready(const epode_session *s)
{
    static const char *const binds[] = { "none", "bind2", "draft", "rfc6120", "resumed" };
    static const char *const tokens[] = { "none", "used", "new", "rotated" };
    epode_waits w = { .size = sizeof w };
    epode_session_waits(s, &w);
    say(json_pack("{s:s, s:s, s:b, s:s, s:s, s:s?, s:{s:i, s:i, s:i, s:i}}", "event", "ready", "jid", epode_session_jid(s),
                  "resumed", epode_session_is_resumed(s), "bind", binds[epode_session_bind(s)], "token",
                  tokens[epode_session_token(s)], "mechanism", epode_session_mechanism(s), "waits", "dns", (int)w.dns, "tcp",
                  (int)w.tcp, "tls", (int)w.tls, "xmpp", (int)w.xmpp));
}

static void on_state(driver *d, const epode_event *e)
{
    const epode_error *err = e->error;
    if (e->state == EPODE_READY) {
        if (d->command != CATCHUP)
            say_ready(epode_client_session(d->client));
        if (d->command == CONNECT)
            stop(d, EPODE_STOP_CLOSE);
    } else if (e->state == EPODE_OFFLINE && d->command == LISTEN) {
        say(json_pack("{s:s, s:s?}", "event", "offline", "status", err ? epode_status_name(epode_error_status(err)) : NULL));
    } else if (e->state == EPODE_STOPPED && err) {
        say_error(d, epode_error_status(err), epode_error_condition(err), epode_error_is_final(err));
    } else if (e->state == EPODE_STOPPED) {
        say(json_pack("{s:s}", "event", "stopped"));
        d->over = true;
    }
}

/* --- messages ---------------------------------------------------------------------------------------------- */

static void say_message(const epode_message *m, void *user)
{
    (void)user;
    say(json_pack("{s:s, s:I, s:s?, s:s?, s:b}", "event", "message", "row", (json_int_t)m->row, "body", m->body, "peer", m->peer,
                  "outgoing", m->outgoing));
}

static void is_incoming(const epode_message *m, void *user)
{
    *(bool *)user = !m->outgoing;
}

static void on_counted(driver *d, uint64_t row)
{
    bool incoming = true;
    if (d->read)
        epode_store_message(epode_client_store(d->client), row, is_incoming, &incoming);
    if (!incoming || d->counted == d->wanted)
        return;
    int64_t now = now_us();
    if (d->counted++ == 0)
        d->first_us = now;
    if (d->counted == d->wanted) {
        say(json_pack("{s:s, s:I, s:I}", "event", "counted", "n", (json_int_t)d->counted, "us", (json_int_t)(now - d->first_us)));
        stop(d, EPODE_STOP_CLOSE);
    }
}

static void on_message(driver *d, const epode_event *e)
{
    if (e->change != EPODE_CHANGE_NEW)
        return;
    if (d->command == LISTEN)
        epode_store_message(epode_client_store(d->client), e->row, say_message, NULL);
    else if (d->command == COUNT)
        on_counted(d, e->row);
}

static void on_delivery(const epode_event *e)
{
    static const char *const words[] = { "none", "queued", "sent", "acknowledged", "received", "read", "failed" };
    say(json_pack("{s:s, s:I, s:s}", "event", "delivery", "row", (json_int_t)e->row, "state", words[e->delivery]));
}

/* --- catch-up ---------------------------------------------------------------------------------------------- */

static void say_caught_up(driver *d, const epode_event *e)
{
    epode_query q = EPODE_QUERY_INIT;
    epode_cursor *cursor;
    const epode_message *m;
    json_int_t count = 0;
    char first[256] = "", last[256] = "";
    if (epode_store_messages(epode_client_store(d->client), &q, &cursor) != EPODE_OK) {
        say_error(d, EPODE_ESTORE, NULL, true);
        return;
    }
    while (epode_cursor_next(cursor, &m) == EPODE_OK) {
        const char *body = m->body ? m->body : "";
        if (count++ == 0)
            snprintf(first, sizeof first, "%s", body);
        snprintf(last, sizeof last, "%s", body);
    }
    epode_cursor_free(cursor);
    say(json_pack("{s:s, s:I, s:I, s:I, s:s, s:s}", "event", "caughtup", "done", (json_int_t)e->done, "synced_us",
                  (json_int_t)epode_session_synced_us(epode_client_session(d->client)), "count", count, "first", first, "last",
                  last));
    stop(d, EPODE_STOP_CLOSE);
}

static void on_sync(driver *d, const epode_event *e)
{
    if (!e->synced)
        return;
    if (d->command == LISTEN)
        say(json_pack("{s:s, s:I}", "event", "synced", "done", (json_int_t)e->done));
    else if (d->command == CATCHUP && !d->stopping)
        say_caught_up(d, e);
}

static void take_events(driver *d)
{
    const epode_event *e;
    while (!d->over && epode_client_next_event(d->client, &e) == EPODE_OK) {
        switch (e->type) {
        case EPODE_EV_STATE: on_state(d, e); break;
        case EPODE_EV_MESSAGE: on_message(d, e); break;
        case EPODE_EV_SYNC: on_sync(d, e); break;
        case EPODE_EV_DELIVERY:
            if (d->command == LISTEN)
                on_delivery(e);
            break;
        default: break;
        }
    }
}

/* --- orders ------------------------------------------------------------------------------------------------ */

static void obey(driver *d, char *line)
{
    char *to = NULL, *text = NULL;
    if (strcmp(line, "stop") == 0 || strcmp(line, "drop") == 0) {
        stop(d, *line == 's' ? EPODE_STOP_CLOSE : EPODE_STOP_RESUMABLE);
    } else if (strncmp(line, "send ", 5) == 0 && (text = strchr(to = line + 5, ' ')) != NULL) {
        epode_outgoing out = EPODE_OUTGOING_INIT;
        uint64_t row = 0;
        *text++ = '\0';
        out.to = to;
        out.body = text;
        epode_status st = epode_send_message(d->client, &out, &row);
        if (st)
            say_error(d, st, NULL, true);
        else
            say(json_pack("{s:s, s:I}", "event", "sent", "row", (json_int_t)row));
    } else {
        say_error(d, EPODE_EINVAL, NULL, true);
    }
}

static void take_orders(driver *d)
{
    ssize_t n = read(STDIN_FILENO, d->input + d->input_len, sizeof d->input - 1 - d->input_len);
    if (n <= 0) {
        d->input_over = true;
        stop(d, EPODE_STOP_CLOSE);
        return;
    }
    d->input_len += (size_t)n;
    for (char *end; (end = memchr(d->input, '\n', d->input_len)) != NULL;) {
        size_t used = (size_t)(end - d->input) + 1;
        *end = '\0';
        obey(d, d->input);
        memmove(d->input, d->input + used, d->input_len - used);
        d->input_len -= used;
    }
}

static void run(driver *d)
{
    while (!d->over) {
        struct pollfd p[2] = { { .fd = epode_client_fd(d->client), .events = POLLIN },
                               { .fd = d->command == LISTEN && !d->input_over ? STDIN_FILENO : -1, .events = POLLIN } };
        while (epode_client_process(d->client) == EPODE_OK)
            take_events(d);
        take_events(d);
        int64_t left = d->end_us == INT64_MAX ? -1 : (d->end_us - now_us()) / 1000 + 1;
        if (d->over)
            return;
        if (d->end_us != INT64_MAX && left <= 0)
            say_error(d, EPODE_ETIMEOUT, NULL, true);
        else if (poll(p, 2, (int)left) > 0 && p[1].revents)
            take_orders(d);
    }
}

/* --- the beginning ----------------------------------------------------------------------------------------- */

static bool parse(driver *d, epode_options *o, int argc, char **argv)
{
    static const struct option longs[] = {
        { "jid", 1, NULL, 'j' },   { "host", 1, NULL, 'h' },  { "port", 1, NULL, 'p' },    { "ca", 1, NULL, 'c' }, { "db", 1, NULL, 'd' },
        { "count", 1, NULL, 'n' }, { "read", 0, NULL, 'r' }, { "timeout", 1, NULL, 't' }, { NULL, 0, NULL, 0 },
    };
    long seconds = 60;
    int c;
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'j': o->jid = optarg; break;
        case 'h': o->host = optarg; break;
        case 'p': o->port = (uint16_t)strtoul(optarg, NULL, 10); break;
        case 'c': o->ca_file = optarg; break;
        case 'd': o->store_path = optarg; break;
        case 'n': d->wanted = strtoul(optarg, NULL, 10); break;
        case 'r': d->read = true; break;
        case 't': seconds = strtol(optarg, NULL, 10); break;
        default: return false;
        }
    }
    if (optind != argc - 1 || !o->jid)
        return false;
    for (d->command = CONNECT; d->command <= COUNT; d->command++)
        if (strcmp(commands[d->command], argv[optind]) == 0)
            break;
    d->end_us = d->command == LISTEN ? INT64_MAX : now_us() + seconds * 1000000;
    return d->command <= COUNT && (d->command != COUNT || d->wanted);
}

int main(int argc, char **argv)
{
    driver d = { 0 };
    epode_options o = EPODE_OPTIONS_INIT;
    o.tls = EPODE_TLS_DIRECT;
    o.password = getenv("EPODE_PASSWORD");
    if (!parse(&d, &o, argc, argv)) {
        fprintf(stderr, "usage: driver connect|listen|catchup|count --jid JID --host ADDR --port PORT --ca FILE [--db FILE]\n"
                        "              [--count N] [--read] [--timeout SECONDS]\n");
        return CODE_USAGE;
    }
    epode_status st = epode_client_new(&d.client, &o, NULL, 0);
    if (st) {
        say_error(&d, st, NULL, true);
        return d.code;
    }
    epode_client_start(d.client);
    run(&d);
    epode_client_free(d.client);
    return d.code;
}
