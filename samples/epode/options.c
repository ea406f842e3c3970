/* options.c: the command line, the password, the client made of them. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static const char usage[] =
    "usage: epode COMMAND [ARGUMENTS] [OPTIONS]\n"
    "\n"
    "  epode connect JID           start a session, print what it cost, leave\n"
    "  epode chat                  all conversations on one screen (needs --jid)\n"
    "  epode chat PEER             a conversation: what you type is sent; /older, /search TEXT, /quit (needs --jid)\n"
    "  epode send PEER TEXT        send a message, wait until the server has it (needs --jid)\n"
    "  epode history PEER          print a conversation (--all: everything) from the store\n"
    "  epode search TEXT           print the messages with all these words\n"
    "  epode conversations, unread what is there, and what was not seen\n"
    "  epode doctor JID            try every step by itself, say what is wrong or slow; keeps nothing\n"
    "  epode roster                print the contacts, as the store has them\n"
    "  epode roster add PEER [NAME [GROUP...]], rename PEER [NAME], groups PEER [GROUP...], remove PEER,\n"
    "               allow PEER, deny PEER    change them (needs --jid)\n"
    "  epode presence [PEER]       who is there now, by resource\n"
    "  epode watch                 stay, print everything that changes; with --json one object per line\n"
    "  epode fetch JID             as a push wakes an application: get what is new within --timeout, and go\n"
    "  epode join ROOM             be in a room, print who is there; with --listen also what happens, and what you\n"
    "                              type is said there (needs --jid; --nick NICK)\n"
    "  epode forget JID            drop what is remembered: --facts, --token, --pins or --all\n"
    "\n"
    "  --jid JID            the account, where the command names none\n"
    "  --db FILE            the store (default: $XDG_DATA_HOME/epode/JID.db)\n"
    "  --password-file FILE first line is the password (or the variable EPODE_PASSWORD)\n"
    "  --oauth-file FILE    first line is an OAuth token, for OAUTHBEARER\n"
    "  --cert FILE, --key FILE    log in with this certificate (PEM; EXTERNAL)\n"
    "  --host HOST, --port PORT   connect there in place of what DNS says (or EPODE_HOST, EPODE_PORT)\n"
    "  --tls direct|starttls|auto\n"
    "  --transport tcp|strophe    strophe: over a connection of libstrophe's\n"
    "  --ca FILE            trust these authorities in place of the system's (or EPODE_CA)\n"
    "  --dns SERVER         ask this name server\n"
    "  --tag TEXT           names this client in its resource\n"
    "  --inactive           begin inactive (XEP-0352)\n"
    "  --no-fast-path       guess nothing, use no token\n"
    "  --no-sasl2           log in as RFC 6120 has it, whatever else is offered\n"
    "  --no-early-data      send nothing with TLS's first message\n"
    "  --no-sm, --no-carbons\n"
    "  --allow-plain        send the password itself where nothing better is offered\n"
    "  --no-sync            ask no archive\n"
    "  --no-roster          ask for no roster\n"
    "  --low-memory         smaller pages, stanzas and caches\n"
    "  --no-search          leave the words of new messages to be indexed another time\n"
    "  --limit N            connect: how much a first login gets (default 1000, 0: all);\n"
    "                       history, search: the newest N\n"
    "  --fill N             connect: get N older messages where the store has a hole\n"
    "  --follow ROOM        connect: keep this room's archive too, from now on\n"
    "  --nick NICK          join: our name there; else that of the account, or one like it\n"
    "  --svg FILE           connect: draw what the start cost\n"
    "  --archive ROOM       history: of this room's archive\n"
    "  --xml                history, search: with the stanza\n"
    "  --listen             stay, print what comes\n"
    "  --timeout SECONDS    for a whole connect, send and fetch (default 30)\n"
    "  --json               one JSON object per line on standard output\n"
    "  --verbose            log to standard error; twice: the stream's XML too\n"
    "\n"
    "A second factor is asked for on the terminal, or is in the variable EPODE_SECOND_FACTOR.\n"
    "\n"
    "exit codes: 0 done, 1 usage, 2 network or time, 3 login, 4 certificate, 5 store, 6 server, 7 other;\n"
    "doctor: 0 only if a login works\n";

enum {
    O_JID = 256, O_DB, O_PASSWORD_FILE, O_HOST, O_PORT, O_TLS, O_CA, O_DNS, O_TAG, O_INACTIVE, O_NO_FAST, O_NO_EARLY, O_NO_SM,
    O_NO_CARBONS, O_PLAIN, O_LISTEN, O_TIMEOUT, O_JSON, O_FACTS, O_TOKEN, O_ALL, O_NO_SYNC, O_NO_ROSTER, O_NO_SEARCH, O_LOW_MEMORY, O_FILL, O_FOLLOW, O_NICK, O_ARCHIVE, O_LIMIT, O_XML, O_SVG, O_NO_SASL2, O_OAUTH_FILE, O_CERT, O_KEY, O_PINS, O_TRANSPORT, O_HELP, O_VERSION
};

static const struct option long_options[] = {
    { "jid", required_argument, NULL, O_JID },
    { "db", required_argument, NULL, O_DB },
    { "password-file", required_argument, NULL, O_PASSWORD_FILE },
    { "oauth-file", required_argument, NULL, O_OAUTH_FILE },
    { "cert", required_argument, NULL, O_CERT },
    { "key", required_argument, NULL, O_KEY },
    { "pins", no_argument, NULL, O_PINS },
    { "host", required_argument, NULL, O_HOST },
    { "port", required_argument, NULL, O_PORT },
    { "tls", required_argument, NULL, O_TLS },
    { "transport", required_argument, NULL, O_TRANSPORT },
    { "ca", required_argument, NULL, O_CA },
    { "dns", required_argument, NULL, O_DNS },
    { "tag", required_argument, NULL, O_TAG },
    { "inactive", no_argument, NULL, O_INACTIVE },
    { "no-fast-path", no_argument, NULL, O_NO_FAST },
    { "no-early-data", no_argument, NULL, O_NO_EARLY },
    { "no-sm", no_argument, NULL, O_NO_SM },
    { "no-carbons", no_argument, NULL, O_NO_CARBONS },
    { "allow-plain", no_argument, NULL, O_PLAIN },
    { "listen", no_argument, NULL, O_LISTEN },
    { "timeout", required_argument, NULL, O_TIMEOUT },
    { "json", no_argument, NULL, O_JSON },
    { "facts", no_argument, NULL, O_FACTS },
    { "token", no_argument, NULL, O_TOKEN },
    { "all", no_argument, NULL, O_ALL },
    { "no-sync", no_argument, NULL, O_NO_SYNC },
    { "no-roster", no_argument, NULL, O_NO_ROSTER },
    { "no-search", no_argument, NULL, O_NO_SEARCH },
    { "low-memory", no_argument, NULL, O_LOW_MEMORY },
    { "follow", required_argument, NULL, O_FOLLOW },
    { "nick", required_argument, NULL, O_NICK },
    { "archive", required_argument, NULL, O_ARCHIVE },
    { "fill", required_argument, NULL, O_FILL },
    { "limit", required_argument, NULL, O_LIMIT },
    { "xml", no_argument, NULL, O_XML },
    { "no-sasl2", no_argument, NULL, O_NO_SASL2 },
    { "svg", required_argument, NULL, O_SVG },
    { "verbose", no_argument, NULL, 'v' },
    { "help", no_argument, NULL, O_HELP },
    { "version", no_argument, NULL, O_VERSION },
    { NULL, 0, NULL, 0 },
};

static bool parse_number(const char *text, unsigned max, unsigned *out)
{
    char *end;
    errno = 0;
    unsigned long v = strtoul(text, &end, 10);
    if (errno || end == text || *end || v == 0 || v > max) {
        fprintf(stderr, "epode: '%s' is not a number from 1 to %u\n", text, max);
        return false;
    }
    *out = (unsigned)v;
    return true;
}

static bool parse_limit(cli_options *o, const char *text)
{
    unsigned n = 0;
    if (strcmp(text, "0") != 0 && !parse_number(text, 1000000000, &n))
        return false;
    o->limit = n;
    o->limit_given = true;
    return true;
}

static bool parse_tls(const char *text, unsigned *out)
{
    static const char *const names[] = { "auto", "direct", "starttls" };
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = i;
            return true;
        }
    fprintf(stderr, "epode: --tls takes direct, starttls or auto\n");
    return false;
}

static bool parse_transport(cli_options *o, const char *text)
{
    o->strophe = strcmp(text, "strophe") == 0;
    if (o->strophe || strcmp(text, "tcp") == 0)
        return true;
    fprintf(stderr, "epode: --transport takes tcp or strophe\n");
    return false;
}

static bool parse_one(cli_options *o, int opt)
{
    switch (opt) {
    case O_JID: o->jid = optarg; break;
    case O_DB: o->db = optarg; break;
    case O_PASSWORD_FILE: o->password_file = optarg; break;
    case O_OAUTH_FILE: o->oauth_file = optarg; break;
    case O_CERT: o->cert = optarg; break;
    case O_KEY: o->key = optarg; break;
    case O_PINS: o->pins = true; break;
    case O_HOST: o->host = optarg; break;
    case O_PORT: return parse_number(optarg, 65535, &o->port);
    case O_TLS: return parse_tls(optarg, &o->tls);
    case O_TRANSPORT: return parse_transport(o, optarg);
    case O_CA: o->ca = optarg; break;
    case O_DNS: o->dns = optarg; break;
    case O_TAG: o->tag = optarg; break;
    case O_INACTIVE: o->inactive = true; break;
    case O_NO_FAST: o->no_fast_path = true; break;
    case O_NO_EARLY: o->flags |= EPODE_NO_EARLY_DATA; break;
    case O_NO_SM: o->no_sm = true; break;
    case O_NO_CARBONS: o->no_carbons = true; break;
    case O_PLAIN: o->allow_plain = true; break;
    case O_LISTEN: o->listen = true; break;
    case O_TIMEOUT: return parse_number(optarg, 86400, &o->timeout_s);
    case O_JSON: o->json = true; break;
    case O_FACTS: o->facts = true; break;
    case O_TOKEN: o->token = true; break;
    case O_ALL: o->all = true; break;
    case O_NO_SYNC: o->no_sync = true; break;
    case O_NO_ROSTER: o->no_roster = true; break;
    case O_NO_SEARCH: o->no_search = true; break;
    case O_LOW_MEMORY: o->low_memory = true; break;
    case O_FOLLOW: o->follow = optarg; break;
    case O_NICK: o->nick = optarg; break;
    case O_ARCHIVE: o->archive = optarg; break;
    case O_FILL: return parse_number(optarg, 1000000000, &o->fill);
    case O_LIMIT: return parse_limit(o, optarg);
    case O_NO_SASL2: o->flags |= EPODE_NO_SASL2; break;
    case O_SVG: o->svg = optarg; break;
    case O_XML: o->xml = true; break;
    case 'v': o->verbose++; break;
    default: fprintf(stderr, "try epode --help\n"); return false;
    }
    return true;
}

/* Those that wait in whatever loop there is. */
static bool takes_transport(const char *command)
{
    static const char *const names[] = { "connect", "chat", "send", "roster", "presence", "watch", "join" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(command, names[i]) == 0)
            return true;
    fprintf(stderr, "epode: --transport strophe is not for %s\n", command);
    return false;
}

bool cli_parse(cli_options *o, int argc, char **argv, int *code)
{
    const char *port = getenv("EPODE_PORT");
    o->timeout_s = 30;
    o->host = getenv("EPODE_HOST");
    o->ca = getenv("EPODE_CA");
    if (port && *port && !parse_number(port, 65535, &o->port)) {
        *code = EXIT_USAGE;
        return false;
    }
    for (int opt; (opt = getopt_long(argc, argv, "v", long_options, NULL)) != -1;) {
        if (opt == O_HELP || opt == O_VERSION) {
            if (opt == O_HELP)
                fputs(usage, stdout);
            else
                printf("epode %s\n", epode_version());
            *code = EXIT_OK;
            return false;
        }
        if (!parse_one(o, opt)) {
            *code = EXIT_USAGE;
            return false;
        }
    }
    if (optind == argc) {
        fputs(usage, stderr);
        *code = EXIT_USAGE;
        return false;
    }
    o->command = argv[optind++];
    if (o->strophe && !takes_transport(o->command)) {
        *code = EXIT_USAGE;
        return false;
    }
    while (optind < argc && o->arg_count < CLI_ARGS)
        o->args[o->arg_count++] = argv[optind++];
    return true;
}

void cli_options_free(cli_options *o)
{
    cli_forget_secrets(o);
}

/* $XDG_DATA_HOME/epode/JID.db, for the user alone. */
char *cli_default_db(const char *jid)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (!jid)
        return NULL;
    char *dir = NULL, *path = NULL, *bare = strndup(jid, strcspn(jid, "/"));
    if (data && *data ? asprintf(&dir, "%s/epode", data) < 0 : asprintf(&dir, "%s/.local/share/epode", home ? home : ".") < 0)
        dir = NULL;
    if (dir)
        for (char *p = dir + 1; (p = strchr(p, '/')) != NULL; p++) {
            *p = '\0';
            mkdir(dir, 0700);
            *p = '/';
        }
    if (dir && (mkdir(dir, 0700) == 0 || errno == EEXIST) && bare && !strchr(bare, '/') &&
        asprintf(&path, "%s/%s.db", dir, bare) < 0)
        path = NULL;
    free(dir);
    free(bare);
    return path;
}

static void on_log(int level, const char *area, const char *line, void *user)
{
    static const char *const names[] = { "", "error", "warning", "info", "debug", "trace" };
    (void)user;
    fprintf(stderr, "epode: %s: %s: %s\n", names[level], area, line);
}

epode_client *cli_client(const cli_options *o, void (*on_event)(epode_client *, const epode_event *, void *),
                         void *user, int *code)
{
    epode_client *client = NULL;
    char why[200];
    epode_options opt = EPODE_OPTIONS_INIT;
    char *made = o->db || !o->jid || o->scratch ? NULL : cli_default_db(o->jid);
    opt.jid = o->jid;
    cli_login_options(o, &opt);
    opt.store_path = o->scratch ? NULL : o->db ? o->db : made;
    opt.tag = o->tag;
    opt.software = "epode";
    opt.host = o->host;
    opt.port = (uint16_t)o->port;
    opt.ca_file = o->ca;
    opt.dns_server = o->dns;
    opt.tls = o->tls;
    opt.flags = (o->allow_plain ? EPODE_ALLOW_PLAIN : 0) | (o->no_fast_path ? EPODE_NO_FAST_PATH : 0) |
                (o->inactive ? EPODE_START_INACTIVE : 0) | (o->no_sm ? EPODE_NO_SM : 0) |
                (o->no_carbons ? EPODE_NO_CARBONS : 0) | (o->no_sync ? EPODE_NO_SYNC : 0) |
                (o->no_roster ? EPODE_NO_ROSTER : 0) | (o->no_search ? EPODE_NO_SEARCH : 0) |
                (o->low_memory ? EPODE_LOW_MEMORY : 0) |
                (o->listen ? 0 : EPODE_NO_RECONNECT) | (uint32_t)o->flags;
    opt.first_sync_messages = !o->limit_given ? 0 : o->limit ? (uint32_t)o->limit : UINT32_MAX;
    opt.connect_timeout_ms = o->timeout_s * 1000;
    opt.on_event = on_event;
    opt.on_log = o->quiet ? NULL : on_log;
    opt.log_level = o->verbose >= 2 ? EPODE_LOG_TRACE : o->verbose ? EPODE_LOG_DEBUG : EPODE_LOG_ERROR;
    opt.user = user;
    epode_status st = epode_client_new(&client, &opt, why, sizeof why);
    free(made);
    if (st)
        *code = cli_fail_text(o, st, why);
    return client;
}
