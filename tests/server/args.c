/* The command line. */
#include "options.h"
#include "program.h"

#include <stdlib.h>
#include <string.h>

static void help(void)
{
    struct srv_buf text = {0};
    srv_buf_puts(&text,
        "usage: epode-testserver [option]...\n"
        "  --domain NAME         the domain (localhost)\n"
        "  --dir DIR             state and certificates (a new directory in /tmp)\n"
        "  --listen ADDR         IPv4 or IPv6 address, repeatable (127.0.0.1)\n"
        "  --direct-tls PORT     0: choose\n"
        "  --starttls PORT       0: choose\n"
        "  --user NAME:PASSWORD  repeatable\n"
        "  --rtt MS              half of it on every byte, each way\n"
        "  --cert KIND           ok, expired, soon or foreign\n"
        "  --client-cert NAME    ask for client certificates; make NAME's in DIR\n"
        "  --tls12-only, --tls13-only, --no-tickets, --stale-tickets, --fatal-tickets\n"
        "  --early-data          accept TLS early data, and feature tls-0rtt=on\n"
        "  --no-anti-replay      accept the same early data again\n"
        "  --nagle               without TCP_NODELAY, as many servers are\n"
        "  --log FILE            everything said, by connection and direction\n"
        "  --feature NAME=VALUE  repeatable\n"
        "  --fault NAME=VALUE    repeatable\n"
        "features:\n");
    srv_settings_help(0, &text);
    srv_buf_puts(&text, "faults:\n");
    srv_settings_help(1, &text);
    fputs(text.data, stdout);
    srv_buf_free(&text);
}

static const struct {
    const char *name;
    size_t offset;
} flags[] = {
    {"--tls12-only", offsetof(struct args, tls12_only)},
    {"--tls13-only", offsetof(struct args, tls13_only)},
    {"--no-tickets", offsetof(struct args, no_tickets)},
    {"--stale-tickets", offsetof(struct args, stale_tickets)},
    {"--fatal-tickets", offsetof(struct args, fatal_tickets)},
    {"--early-data", offsetof(struct args, early_data)},
    {"--no-anti-replay", offsetof(struct args, no_anti_replay)},
    {"--nagle", offsetof(struct args, nagle)},
};

static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    {"--domain", offsetof(struct args, domain)},
    {"--dir", offsetof(struct args, dir)},
    {"--cert", offsetof(struct args, cert)},
    {"--client-cert", offsetof(struct args, client_cert)},
    {"--log", offsetof(struct args, log)},
};

static bool set_flag(struct args *args, const char *name)
{
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(flags[i].name, name) != 0)
            continue;
        *(bool *)((char *)args + flags[i].offset) = true;
        return true;
    }
    return false;
}

static bool set_number(const char *text, long max, long *out)
{
    char *end = NULL;
    *out = strtol(text, &end, 10);
    return *text && !*end && *out >= 0 && *out <= max;
}

static bool set_value(struct args *args, const char *name, const char *value)
{
    long port = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(texts[i].name, name) == 0) {
            *(const char **)((char *)args + texts[i].offset) = value;
            return true;
        }
    }
    if (strcmp(name, "--listen") == 0 && args->listens < MAX_LISTEN)
        args->listen[args->listens++] = value;
    else if (strcmp(name, "--direct-tls") == 0 && set_number(value, 65535, &port))
        args->direct_port = (int)port;
    else if (strcmp(name, "--starttls") == 0 && set_number(value, 65535, &port))
        args->starttls_port = (int)port;
    else if (strcmp(name, "--rtt") == 0)
        return set_number(value, 60000, &args->rtt_ms);
    else
        return strcmp(name, "--user") == 0 || strcmp(name, "--feature") == 0 ||
               strcmp(name, "--fault") == 0;
    return true;
}

int args_parse(struct args *args, int argc, char **argv)
{
    memset(args, 0, sizeof *args);
    args->domain = "localhost";
    args->cert = "ok";
    args->argc = argc;
    args->argv = argv;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            help();
            return 1;
        }
        if (set_flag(args, argv[i]))
            continue;
        if (i + 1 >= argc || !set_value(args, argv[i], argv[i + 1])) {
            fprintf(stderr, "epode-testserver: bad option or value: %s (try --help)\n", argv[i]);
            return 3;
        }
        i++;
    }
    if (args->listens == 0)
        args->listen[args->listens++] = "127.0.0.1";
    if (strcmp(args->cert, "ok") != 0 && strcmp(args->cert, "expired") != 0 &&
        strcmp(args->cert, "soon") != 0 && strcmp(args->cert, "foreign") != 0) {
        fprintf(stderr, "epode-testserver: --cert is ok, expired, soon or foreign\n");
        return 3;
    }
    return 0;
}

int args_apply(const struct args *args, struct srv *srv)
{
    int bad = args->early_data ? srv_feature(srv, "tls-0rtt", "on") : 0;
    for (int i = 1; i + 1 < args->argc && !bad; i++) {
        const char *name = args->argv[i];
        bool user = strcmp(name, "--user") == 0, feature = strcmp(name, "--feature") == 0;
        if (!user && !feature && strcmp(name, "--fault") != 0)
            continue;
        char *pair = srv_dup(args->argv[++i]);
        char *value = strchr(pair, user ? ':' : '=');
        if (value)
            *value++ = '\0';
        if (!value)
            bad = -1;
        else if (user)
            bad = srv_user_add(srv, pair, value);
        else
            bad = feature ? srv_feature(srv, pair, value) : srv_fault(srv, pair, value);
        free(pair);
        if (bad)
            fprintf(stderr, "epode-testserver: %s %s: not possible\n", name, args->argv[i]);
    }
    return bad;
}
