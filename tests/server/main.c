/* epode-testserver: the reference server as a program. */
#include "program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_log(void *user, unsigned conn, char direction, const char *data, size_t len)
{
    FILE *file = user;
    int64_t now_us = loop_now();
    fprintf(file, "[%lld.%06lld] %u %c: ", (long long)(now_us / 1000000),
            (long long)(now_us % 1000000), conn, direction);
    fwrite(data, 1, len, file);
    fputc('\n', file);
    fflush(file);
}

static int run(const struct args *args)
{
    struct certs certs;
    SSL_CTX *context = NULL;
    char *path = srv_format("%s/state.db", args->dir);
    FILE *log = args->log ? fopen(args->log, "a") : NULL;
    struct srv_options options = {.domain = args->domain, .path = path,
                                  .log = log ? write_log : NULL, .log_user = log};
    int code = 1;
    struct srv *srv = srv_new(&options);
    if (certs_make(&certs, args) == 0)
        context = tls_context(&certs, args);
    if (args->log && !log)
        fprintf(stderr, "epode-testserver: cannot write %s\n", args->log);
    else if (!srv)
        fprintf(stderr, "epode-testserver: cannot use %s\n", path);
    else if (!context)
        fprintf(stderr, "epode-testserver: no certificates in %s\n", args->dir);
    else if (args_apply(args, srv) == 0)
        code = loop_run(srv, args, context, certs.ca_file);
    SSL_CTX_free(context);
    certs_free(&certs);
    srv_free(srv);
    if (log)
        fclose(log);
    free(path);
    return code;
}

int main(int argc, char **argv)
{
    struct args args;
    char fresh[] = "/tmp/epode-testserver-XXXXXX";
    int parsed = args_parse(&args, argc, argv);
    if (parsed)
        return parsed - 1;
    if (!args.dir)
        args.dir = mkdtemp(fresh);
    if (!args.dir || (mkdir(args.dir, 0700) != 0 && errno != EEXIST)) {
        fprintf(stderr, "epode-testserver: no directory for the state: %s\n", strerror(errno));
        return 1;
    }
    return run(&args);
}
