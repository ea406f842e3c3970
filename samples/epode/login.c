/* login.c: what a login needs from the user: a password, an OAuth token, a second factor. Asked for on the terminal
 * when it is needed, and not before. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli.h"

static char *read_line(FILE *f)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n = getline(&line, &room, f);
    if (n < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

static void forget(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void cli_forget_secrets(cli_options *o)
{
    forget(o->password);
    forget(o->oauth_token);
    o->password = o->oauth_token = NULL;
}

static char *ask(const char *prompt, bool quietly)
{
    struct termios old, quiet;
    if (tcgetattr(STDIN_FILENO, &old))
        return NULL;
    quiet = old;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "%s: ", prompt);
    if (quietly)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    char *line = read_line(stdin);
    if (quietly) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
        fputc('\n', stderr);
    }
    if (line && !*line) {
        free(line);
        return NULL;
    }
    return line;
}

static char *first_line_of(const char *path)
{
    FILE *f = fopen(path, "re");
    char *line = f ? read_line(f) : NULL;
    if (f)
        fclose(f);
    return line;
}

bool cli_password(cli_options *o, int *code)
{
    const char *env = getenv("EPODE_PASSWORD");
    if (o->oauth_file && !(o->oauth_token = first_line_of(o->oauth_file))) {
        *code = cli_fail_text(o, EPODE_EINVAL, "the file with the OAuth token cannot be read");
        return false;
    }
    if (o->password_file && !(o->password = first_line_of(o->password_file))) {
        *code = cli_fail_text(o, EPODE_EINVAL, "the password file cannot be read");
        return false;
    }
    if (!o->password && env)
        o->password = strdup(env);
    return true;
}

/* Where the terminal is somebody else's later, it is asked before. */
void cli_ask_ahead(cli_options *o)
{
    if (!o->password && isatty(STDIN_FILENO))
        o->password = ask("password (empty: what is remembered)", true);
}

static void on_password(epode_client *client, epode_ask why, void *user)
{
    (void)user;
    char *line = ask(why == EPODE_ASK_REFUSED ? "the server did not take it; password once more" : "password", true);
    epode_client_answer_password(client, EPODE_SECRET_PASSWORD, line);
    forget(line);
}

/* Base64 of a short code. */
static void encode(const char *text, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i += 3) {
        unsigned left = (unsigned)(n - i), v = (unsigned)(unsigned char)text[i] << 16;
        v |= left > 1 ? (unsigned)(unsigned char)text[i + 1] << 8 : 0;
        v |= left > 2 ? (unsigned)(unsigned char)text[i + 2] : 0;
        *out++ = digits[v >> 18];
        *out++ = digits[v >> 12 & 63];
        *out++ = left > 1 ? digits[v >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[v & 63] : '=';
    }
    *out = '\0';
}

/* The task of XEP-0388's examples: no specification has one yet. Its code comes from the variable, or from the user. */
static void on_task(epode_client *client, const epode_task *task, void *user)
{
    static const char known[] = "TOTP-EXAMPLE";
    const char *name = epode_task_current(task), *env = getenv("EPODE_SECOND_FACTOR");
    char xml[256], code[128];
    (void)user;
    for (size_t i = 0; !name && i < epode_task_count(task); i++)
        if (strcmp(epode_task_name_at(task, i), known) == 0)
            name = known;
    if (epode_task_text(task))
        fprintf(stderr, "%s\n", epode_task_text(task));
    if (!name)
        fprintf(stderr, "epode: the server asks for something that this program does not know: %s\n",
                epode_task_name_at(task, 0));
    char *line = NULL;
    if (name && env)
        line = strdup(env);
    else if (name && isatty(STDIN_FILENO))
        line = ask("code of the second factor", false);
    if (!line || strlen(line) > 64) {
        epode_client_cancel_task(client);
    } else {
        encode(line, code);
        snprintf(xml, sizeof xml, "<totp xmlns='urn:totp:example'>%s</totp>", code);
        epode_client_answer_task(client, epode_task_count(task) ? name : NULL, xml);
    }
    forget(line);
}

void cli_login_options(const cli_options *o, epode_options *opt)
{
    opt->password = o->password;
    opt->oauth_token = o->oauth_token;
    opt->client_cert_file = o->cert;
    opt->client_key_file = o->key;
    /* A password that was handed over is the one that counts: nobody is asked for another. */
    opt->on_password = !o->password && !o->asked_ahead && isatty(STDIN_FILENO) ? on_password : NULL;
    opt->on_task = !o->asked_ahead || getenv("EPODE_SECOND_FACTOR") ? on_task : NULL;
}
