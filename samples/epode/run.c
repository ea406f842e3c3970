/* run.c: the loop of the program: the client's one descriptor and a signal. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

volatile int cli_interrupted;

static void on_signal(int sig)
{
    (void)sig;
    cli_interrupted++;
}

void cli_catch_signals(void)
{
    struct sigaction sa = { .sa_handler = on_signal };
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
}

/* What was typed so far; a line that is longer comes in pieces. */
typedef struct typed {
    char text[4096];
    size_t n;
} typed;

/* False: there will be no more. */
static bool take_input(typed *t, void (*on_line)(char *line, void *user), void *user)
{
    ssize_t n = read(STDIN_FILENO, t->text + t->n, sizeof t->text - 1 - t->n);
    if (n <= 0)
        return n < 0 && errno == EINTR;
    t->n += (size_t)n;
    for (char *end; (end = memchr(t->text, '\n', t->n)) != NULL || t->n == sizeof t->text - 1;) {
        size_t used = end ? (size_t)(end - t->text) + 1 : t->n;
        t->text[end ? used - 1 : used] = '\0';
        on_line(t->text, user);
        memmove(t->text, t->text + used, t->n - used);
        t->n -= used;
    }
    return true;
}

int64_t cli_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The first asks nicely, the second does not wait for the server. */
static void take_signals(epode_client *client, int *asked)
{
    if (cli_interrupted > *asked)
        epode_client_stop(client, *asked ? EPODE_STOP_RESUMABLE : EPODE_STOP_CLOSE);
    *asked = cli_interrupted;
}

int cli_run(const cli_options *o, epode_client *client)
{
    return cli_run_lines(o, client, NULL, NULL);
}

int cli_run_lines(const cli_options *o, epode_client *client, void (*on_line)(char *line, void *user), void *user)
{
    (void)o;
    cli_catch_signals();
    typed input = { 0 };
    int asked = 0;
    for (;;) {
        bool there = false;
        cli_process(client);
        if (epode_client_state(client) == EPODE_STOPPED)
            return EXIT_OK;
        if (cli_interrupted > asked) {
            take_signals(client, &asked);
            continue;
        }
        if (!cli_wait(client, on_line ? STDIN_FILENO : -1, -1, &there))
            return EXIT_OTHER;
        if (there && !take_input(&input, on_line, user))
            on_line = NULL;
    }
}

bool cli_run_until(epode_client *client, const int64_t *end_ms)
{
    cli_catch_signals();
    int asked = 0;
    for (;;) {
        bool there;
        cli_process(client);
        int64_t left = *end_ms ? *end_ms - cli_now_ms() : -1;
        if (epode_client_state(client) == EPODE_STOPPED)
            return false;
        if (*end_ms && left <= 0)
            return true;
        if (cli_interrupted > asked)
            take_signals(client, &asked);
        else if (!cli_wait(client, -1, (int)left, &there))
            return false;
    }
}
