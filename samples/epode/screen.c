/* screen.c: the terminal of epode chat, with libedit; or a pipe. */
#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "screen.h"

struct screen {
    char *prompt;
    bool (*wait)(void *user);
    void *user;
    bool terminal;
    bool typing;  /* the cursor stands in the line that is being typed */
    bool ended;
    int columns, rows;
    long bottom;  /* number of the row below everything that was printed */
    long visible; /* rows above this one were laid out for another width */
    EditLine *edit;
    History *history;
    char *line;   /* the line that was read last */
    char *input;  /* pipe: what was read and not taken */
    size_t len, room;
};

static volatile sig_atomic_t resized;

static void on_resize(int sig)
{
    (void)sig;
    resized = 1;
}

static void measure(screen *s)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    s->columns = known ? size.ws_col : 80;
    s->rows = known ? size.ws_row : 24;
    s->visible = s->bottom;
}

/* --- how much room text takes ------------------------------------------------------------------------- */

static int columns_of(const char *text, size_t n)
{
    mbstate_t state = { 0 };
    int columns = 0;
    while (n) {
        wchar_t c;
        size_t took = mbrtowc(&c, text, n, &state);
        if (took == 0 || took > n)
            break;
        int width = wcwidth(c);
        columns += width >= 0 ? width : 2; /* libedit shows control characters as ^X */
        text += took;
        n -= took;
    }
    return columns;
}

static long rows_of(const screen *s, const char *text)
{
    long rows = 0;
    for (;; text++) {
        size_t n = strcspn(text, "\n");
        int columns = columns_of(text, n);
        rows += columns ? (columns + s->columns - 1) / s->columns : 1;
        text += n;
        if (!*text)
            return rows;
    }
}

/* Everything that is neither shown nor harmless: controls, and what changes the direction of the writing. */
static bool is_harmful(wchar_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
           c == 0x2028 || c == 0x2029;
}

char *screen_clean(const char *text, int indent)
{
    mbstate_t state = { 0 };
    size_t left = strlen(text), lines = 1;
    for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    char *copy = malloc(left + lines * (size_t)(indent + 1) + 1), *out = copy;
    while (copy && left) {
        wchar_t c;
        size_t took = mbrtowc(&c, text, left, &state);
        if (took == 0 || took > left) {
            took = 1;
            c = 0;
            memset(&state, 0, sizeof state);
        }
        if (c == '\n') {
            *out++ = '\n';
            memset(out, ' ', (size_t)indent);
            out += indent;
        } else if (is_harmful(c)) {
            *out++ = c == '\t' ? ' ' : '?';
        } else {
            memcpy(out, text, took);
            out += took;
        }
        text += took;
        left -= took;
    }
    if (copy)
        *out = '\0';
    return copy;
}

/* --- the terminal ------------------------------------------------------------------------------------- */

static char *get_prompt(EditLine *edit)
{
    screen *s;
    el_get(edit, EL_CLIENTDATA, &s);
    return s->prompt;
}

/* libedit asks for a character: everything else is done while there is none. */
static int get_character(EditLine *edit, wchar_t *out)
{
    screen *s;
    mbstate_t state = { 0 };
    el_get(edit, EL_CLIENTDATA, &s);
    for (;;) {
        char byte;
        s->typing = true;
        bool more = s->wait(s->user);
        s->typing = false;
        if (resized) {
            resized = 0;
            el_resize(edit);
            measure(s);
        }
        if (!more)
            return 0;
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return 0;
        size_t took = mbrtowc(out, &byte, 1, &state);
        if (took == 0 || took == 1)
            return 1;
        if (took == (size_t)-1)
            memset(&state, 0, sizeof state); /* not text: as if it had not been typed */
    }
}

static bool open_terminal(screen *s)
{
    HistEvent event;
    struct sigaction sa = { .sa_handler = on_resize };
    s->history = history_init();
    s->edit = el_init("epode", stdin, stdout, stderr);
    if (!s->history || !s->edit)
        return false;
    sigaction(SIGWINCH, &sa, NULL);
    history(s->history, &event, H_SETSIZE, 200);
    history(s->history, &event, H_SETUNIQUE, 1);
    el_set(s->edit, EL_CLIENTDATA, s);
    el_set(s->edit, EL_PROMPT, get_prompt);
    el_set(s->edit, EL_EDITOR, "emacs");
    el_set(s->edit, EL_SIGNAL, 0);
    el_set(s->edit, EL_HIST, history, s->history);
    el_set(s->edit, EL_GETCFN, get_character);
    el_source(s->edit, NULL);
    measure(s);
    return true;
}

screen *screen_open(const char *prompt, bool (*wait)(void *user), void *user)
{
    /* XMPP is UTF-8, whatever the locale. */
    if (!setlocale(LC_ALL, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
    setlocale(LC_NUMERIC, "C");
    screen *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->wait = wait;
    s->user = user;
    s->prompt = strdup(prompt);
    s->terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (!s->prompt || (s->terminal && !open_terminal(s))) {
        screen_close(s);
        return NULL;
    }
    return s;
}

void screen_close(screen *s)
{
    if (!s)
        return;
    if (s->edit)
        el_end(s->edit);
    if (s->history)
        history_end(s->history);
    free(s->prompt);
    free(s->line);
    free(s->input);
    free(s);
}

bool screen_is_terminal(const screen *s)
{
    return s->terminal;
}

/* How far below the row of the prompt the cursor is. */
static int cursor_depth(const screen *s)
{
    const LineInfo *line = el_line(s->edit);
    return (columns_of(s->prompt, strlen(s->prompt)) + columns_of(line->buffer, (size_t)(line->cursor - line->buffer))) /
           s->columns;
}

static void to_prompt(const screen *s)
{
    int depth = cursor_depth(s);
    if (depth)
        printf("\033[%dA", depth);
    printf("\r");
}

long screen_print(screen *s, const char *text)
{
    long row = s->bottom;
    if (!s->terminal) {
        puts(text);
        fflush(stdout);
        return 0;
    }
    if (s->typing) {
        to_prompt(s);
        printf("\033[J");
    }
    s->bottom += rows_of(s, text);
    printf("%s\n", text);
    if (s->typing)
        el_set(s->edit, EL_REFRESH);
    fflush(stdout);
    return row;
}

bool screen_patch(screen *s, long row, int column, const char *text)
{
    int depth = s->terminal && s->typing ? cursor_depth(s) : 0;
    long up = s->bottom - row + depth;
    if (!s->terminal || row < s->visible || up >= s->rows)
        return false;
    printf("\0337\033[%ldA\r", up);
    if (column)
        printf("\033[%dC", column);
    printf("%s\0338", text);
    fflush(stdout);
    return true;
}

static const char *read_terminal(screen *s)
{
    HistEvent event;
    int n = 0;
    printf("\r\033[J"); /* what the terminal itself echoed while nobody read */
    const char *line = el_gets(s->edit, &n);
    if (!line || n <= 0)
        return NULL;
    free(s->line);
    s->line = strndup(line, strcspn(line, "\r\n"));
    if (!s->line)
        return NULL;
    if (*s->line)
        history(s->history, &event, H_ENTER, s->line);
    int columns = columns_of(s->prompt, strlen(s->prompt)) + columns_of(s->line, strlen(s->line));
    printf("\033[%dA\r\033[J", columns / s->columns + 1);
    fflush(stdout);
    return s->line;
}

/* True: there is a whole line, or the last one. */
static bool pipe_line(screen *s, size_t *end)
{
    char *newline = s->len ? memchr(s->input, '\n', s->len) : NULL;
    *end = newline ? (size_t)(newline - s->input) + 1 : s->len;
    return newline || (s->ended && s->len);
}

static const char *read_pipe(screen *s)
{
    size_t end;
    while (!pipe_line(s, &end)) {
        if (s->ended || !s->wait(s->user))
            return NULL;
        if (s->room - s->len < 4096) {
            char *grown = realloc(s->input, s->room + 8192);
            if (!grown)
                return NULL;
            s->input = grown;
            s->room += 8192;
        }
        ssize_t n = read(STDIN_FILENO, s->input + s->len, s->room - s->len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        s->ended = n <= 0;
        s->len += n > 0 ? (size_t)n : 0;
    }
    free(s->line);
    s->line = strndup(s->input, end);
    memmove(s->input, s->input + end, s->len - end);
    s->len -= end;
    if (s->line)
        s->line[strcspn(s->line, "\r\n")] = '\0';
    return s->line;
}

const char *screen_read(screen *s)
{
    return s->terminal ? read_terminal(s) : read_pipe(s);
}
