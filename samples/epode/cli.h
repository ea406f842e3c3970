/* cli.h: what the commands of the epode program share. */
#ifndef EPODE_CLI_H
#define EPODE_CLI_H

#include <epode/epode.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>

/* Exit codes, as --help documents them. */
enum {
    EXIT_OK = 0,
    EXIT_USAGE = 1,
    EXIT_NETWORK = 2, /* name, address, connection, TLS, time */
    EXIT_LOGIN = 3,   /* credentials, downgrade, bind, conflict */
    EXIT_TRUST = 4,   /* certificate */
    EXIT_STORE = 5,
    EXIT_SERVER = 6,  /* the server broke the protocol or ended the stream */
    EXIT_OTHER = 7
};

#define CLI_ARGS 16

typedef struct cli_options {
    const char *command;
    const char *args[CLI_ARGS]; /* after the command */
    int arg_count;
    const char *follow, *nick, *archive, *jid, *db, *host, *ca, *dns, *tag, *password_file, *oauth_file, *cert, *key, *svg;
    unsigned port, tls, timeout_s, fill;
    unsigned long limit;
    bool json, listen, inactive, no_fast_path, allow_plain, no_sm, no_carbons, no_sync, no_roster, no_search, low_memory, facts, token, pins, all, xml, limit_given;
    bool quiet;     /* nothing is logged: the screen is somebody's */
    bool strophe;   /* over a connection of libstrophe's */
    bool scratch;   /* the store is in memory, nothing is remembered */
    int flags;      /* EPODE_*, further ones */
    int verbose;
    bool asked_ahead; /* the terminal is not to be asked on any more */
    char *password, *oauth_token;
} cli_options;

/* True: go on. False: *code is what to exit with (usage was printed). */
bool cli_parse(cli_options *o, int argc, char **argv, int *code);
void cli_options_free(cli_options *o);
/* Fills o->password and o->oauth_token from files and EPODE_PASSWORD; none is fine: the terminal is asked later. */
bool cli_password(cli_options *o, int *code);
void cli_ask_ahead(cli_options *o); /* now, where there is a terminal */
void cli_forget_secrets(cli_options *o);
/* Credentials, and who is asked for more. */
void cli_login_options(const cli_options *o, epode_options *opt);
/* Makes a client of the options; on failure prints why and sets *code. */
epode_client *cli_client(const cli_options *o, void (*on_event)(epode_client *, const epode_event *, void *),
                         void *user, int *code);

/* The store of --db, or of the account's default one; on failure prints why and sets *code. */
epode_store *cli_store(cli_options *o, int *code);

int cli_exit_code(epode_status status);
int cli_fail(const cli_options *o, const epode_error *error);
int cli_fail_answer(const cli_options *o, const epode_iq_answer *answer); /* one that is no result */
int cli_fail_text(const cli_options *o, epode_status status, const char *text);
void cli_print_clean(const char *text); /* what others wrote, harmless on a terminal; NULL: nothing */
void cli_print_json(json_t *object); /* one line; takes the reference */

/* Starts the client over what --transport says; 0 or an exit code. cli_run() and its kin wait accordingly. */
int cli_start(const cli_options *o, epode_client *client);
/* Waits, at most max_ms (-1: for ever), until something is to be done, or there is input (descriptor -1: none): *typed. */
bool cli_wait(epode_client *client, int input, int max_ms, bool *typed);
void cli_process(epode_client *client); /* all that is to be done */
void cli_end(void); /* behind epode_client_free() */

/* Runs the client until it is stopped, the time is over or a signal asked for the end; 0 or an exit code. */
int cli_run(const cli_options *o, epode_client *client);
/* The same, and each line of standard input is handed over. */
int cli_run_lines(const cli_options *o, epode_client *client, void (*on_line)(char *line, void *user), void *user);
/* Runs it until *end_ms (of cli_now_ms(); 0: not known yet) is past: true, and it still runs. False: it is stopped. */
bool cli_run_until(epode_client *client, const int64_t *end_ms);
int64_t cli_now_ms(void); /* of a clock that nobody sets */
void cli_catch_signals(void);
extern volatile int cli_interrupted;

json_t *cli_session_json(const epode_session *s);
void cli_session_print(const epode_session *s);

/* Draws how the session came about into that file. False: it cannot be written. */
bool cli_svg(const char *path, const epode_session *s);
void cli_milliseconds(char *out, size_t n, int64_t us);
void cli_bytes(char *out, size_t n, uint64_t bytes);
/* What a flight held, for people. */
void cli_held_words(char *out, size_t size, const char *held);
/* What was guessed wrong, as a sentence without its end. */
const char *cli_fallback_words(const epode_fallback *f, char *out, size_t size);

/* The path of the account's own store; the caller frees. NULL: no JID, or no place for it. */
char *cli_default_db(const char *jid);

void cli_time(int64_t ms, char out[32]); /* XEP-0082 */
const char *cli_delivery_name(epode_delivery d);
json_t *cli_message_json(const epode_message *m);
json_t *cli_room_json(const epode_event *ev); /* of EPODE_EV_ROOM */
void cli_message_print(const epode_message *m);
json_t *cli_unreads_json(epode_store *store);
json_t *cli_holes_json(epode_store *store);
json_t *cli_extent_json(epode_store *store);

void cli_print_contact(const cli_options *o, const epode_contact *c);
int cli_change_roster(cli_options *o); /* what stands behind "epode roster" */

int cmd_connect(cli_options *o);
int cmd_chat(cli_options *o);
int cmd_messenger(cli_options *o); /* epode chat without a peer */
int cmd_history(cli_options *o);
int cmd_search(cli_options *o);
int cmd_conversations(cli_options *o);
int cmd_unread(cli_options *o);
int cmd_roster(cli_options *o);
int cmd_presence(cli_options *o);
int cmd_watch(cli_options *o);
int cmd_join(cli_options *o);
int cmd_send(cli_options *o);
int cmd_doctor(cli_options *o);
int cmd_forget(cli_options *o);
int cmd_fetch(cli_options *o);

#endif
