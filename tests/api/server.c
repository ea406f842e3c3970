/* server.c: fork, exec, pipes. */
#include "server.h"

#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { ARGS_MAX = 32 };

static void server_exec(const char *const *args, int in, int out)
{
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    closefrom(STDERR_FILENO + 1);
    execv(EPODE_TESTSERVER, (char *const *)(uintptr_t)args);
    _exit(127);
}

static void server_read(server *s)
{
    assert_non_null(fgets(s->line, sizeof s->line, s->out));
}

static long number_of(const char *json, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(json, key);
    return at ? strtol(at + strlen(key), NULL, 10) : 0;
}

void server_start(server *s, ...)
{
    const char *args[ARGS_MAX] = { EPODE_TESTSERVER, "--dir", s->dir, "--user", "alice:alice-pw", "--user", "bob:bob-pw" };
    int in[2], out[2], n = 7;
    va_list more;
    memset(s, 0, sizeof *s);
    /* In memory where there is such a place: the server makes each message durable. */
    snprintf(s->dir, sizeof s->dir, "%s/epode-api-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    assert_non_null(mkdtemp(s->dir));
    va_start(more, s);
    while (n < ARGS_MAX - 1 && (args[n] = va_arg(more, const char *)) != NULL)
        n++;
    va_end(more);
    assert_int_equal(pipe(in) | pipe(out), 0);
    s->pid = fork();
    if (s->pid == 0)
        server_exec(args, in[0], out[1]);
    assert_true(s->pid > 0);
    close(in[0]);
    close(out[1]);
    s->in = fdopen(in[1], "w");
    s->out = fdopen(out[0], "r");
    server_read(s);
    s->direct = (int)number_of(s->line, "direct_tls");
    s->starttls = (int)number_of(s->line, "starttls");
    snprintf(s->ca, sizeof s->ca, "%s/ca.pem", s->dir);
    assert_true(s->direct > 0 && s->starttls > 0);
    signal(SIGPIPE, SIG_IGN);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void server_stop(server *s)
{
    fclose(s->in);
    kill(s->pid, SIGTERM);
    waitpid(s->pid, NULL, 0);
    fclose(s->out);
    nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *server_say(server *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vfprintf(s->in, fmt, ap);
    va_end(ap);
    fputc('\n', s->in);
    fflush(s->in);
    server_read(s);
    if (!strstr(s->line, "\"ok\":true"))
        fail_msg("the server refused: %s", s->line);
    return s->line;
}

long server_counter(server *s, const char *name)
{
    const char *counters = strstr(server_say(s, "dump"), "\"counters\":");
    assert_non_null(counters);
    return number_of(counters, name);
}
