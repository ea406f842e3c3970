/* messenger.c: epode chat without a peer: conversations, history, search, in one screen. */
#include "messenger.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CTRL(c) ((c) & 31)

typedef enum mode { M_TALK, M_LIST, M_SEARCH, M_TO } mode;

typedef struct messenger {
    const cli_options *o;
    epode_client *client;
    epode_store *store;
    entry *entry;
    list list;
    talk talk;
    mode mode;
    char status[200];
    bool dirty;    /* the store has something else to show */
    bool getting;  /* older ones are asked for */
    bool leaving;
    int code;
} messenger;

/* --- layout ------------------------------------------------------------------------------------------------- */

static int list_width(void)
{
    return COLS < 60 ? COLS / 3 : COLS < 100 ? 24 : 32;
}

static int pane_height(void)
{
    return LINES > 3 ? LINES - 2 : 1;
}

static const char *prompt_of(const messenger *m)
{
    static const char *const prompts[] = { "> ", "  ", "find: ", "to: " };
    return prompts[m->mode];
}

static void layout(messenger *m)
{
    int x = (int)strlen(prompt_of(m));
    entry_place(m->entry, LINES - 2, x, COLS - x > 1 ? COLS - x : 1);
    m->dirty = true;
}

static void draw_status(const messenger *m)
{
    static const char *const keys[] = { "PgUp older  Tab list  ^F find  ^O new  ^X quit", "Enter open  Tab back  ^O new  ^X quit",
                                        "Enter find  Esc back", "Enter open  Esc back" };
    int room = COLS - (int)strlen(keys[m->mode]) - 3;
    attron(A_REVERSE);
    mvhline(LINES - 1, 0, ' ', COLS);
    if (room > 0)
        mvaddnstr(LINES - 1, 1, m->status, (int)columns_fit(m->status, room));
    if (COLS > (int)strlen(keys[m->mode]) + 1)
        mvaddstr(LINES - 1, COLS - (int)strlen(keys[m->mode]) - 1, keys[m->mode]);
    attroff(A_REVERSE);
}

static void draw(messenger *m)
{
    int left = list_width(), height = pane_height(), right = COLS - left - 1;
    if (m->dirty) {
        list_load(&m->list, m->store);
        talk_load(&m->talk, m->store, right);
    }
    m->dirty = false;
    list_draw(&m->list, height, left, m->mode == M_LIST, m->talk.peer);
    for (int y = 0; y < height; y++)
        mvaddstr(y, left, MB_CUR_MAX > 1 ? "│" : "|");
    talk_draw(&m->talk, left + 1, height, right);
    mvhline(LINES - 2, 0, ' ', COLS);
    mvaddstr(LINES - 2, 0, prompt_of(m));
    draw_status(m);
    wnoutrefresh(stdscr);
    curs_set(m->mode != M_LIST);
    entry_focus(m->entry);
    doupdate();
}

static void enter_mode(messenger *m, mode to)
{
    m->mode = to;
    free(entry_take(m->entry));
    layout(m);
}

/* --- what is done -------------------------------------------------------------------------------------------- */

/* What stands on the screen was read. */
static void mark_read(messenger *m)
{
    if (m->talk.seen && !m->talk.scroll && !m->talk.search && m->mode != M_LIST)
        epode_mark_displayed(m->client, m->talk.seen, true);
    m->talk.seen = 0;
}

static void open_peer(messenger *m, const char *peer)
{
    char *copy = peer ? strdup(peer) : NULL;
    if (!copy)
        return;
    list_select(&m->list, copy);
    talk_open(&m->talk, copy);
    free(copy);
    enter_mode(m, M_TALK);
}

static void open_other(messenger *m, int by)
{
    list_move(&m->list, by);
    open_peer(m, list_peer(&m->list));
}

static void send_text(messenger *m, const char *text)
{
    epode_outgoing out = EPODE_OUTGOING_INIT;
    if (!*text || !m->talk.peer)
        return;
    out.to = m->talk.peer;
    out.body = text;
    epode_status st = epode_send_message(m->client, &out, NULL);
    if (st)
        snprintf(m->status, sizeof m->status, "not sent: %s", st == EPODE_EINVAL ? "no JID, or no valid text" : "the store failed");
    m->talk.scroll = 0;
    m->dirty = true;
}

static void entered(messenger *m)
{
    char *text = entry_take(m->entry);
    if (!text)
        return;
    switch (m->mode) {
    case M_TALK: send_text(m, text); break;
    case M_LIST: open_peer(m, list_peer(&m->list)); break;
    case M_SEARCH:
        if (*text)
            talk_search(&m->talk, text);
        m->dirty = true;
        break;
    case M_TO:
        if (*text)
            open_peer(m, text);
        else
            enter_mode(m, M_TALK);
        break;
    }
    free(text);
}

/* Up to the top of what is held: the server is asked for more. */
static void older(messenger *m)
{
    int height = pane_height();
    talk_scroll(&m->talk, height > 2 ? height - 2 : 1, height);
    if (m->talk.all && !m->talk.search && m->talk.scroll + (size_t)height >= m->talk.count) {
        m->getting = epode_history_fill(m->client, 0, 100) == EPODE_OK || m->getting;
        if (m->getting)
            snprintf(m->status, sizeof m->status, "getting older messages ...");
        m->talk.wanted += m->getting ? 100 : 0;
    }
    m->dirty = true;
}

static void escape(messenger *m)
{
    if (m->mode == M_SEARCH || m->talk.search)
        talk_search(&m->talk, NULL);
    enter_mode(m, M_TALK);
}

static bool list_key(messenger *m, bool is_function, wint_t key)
{
    if (m->mode != M_LIST || !is_function || (key != KEY_UP && key != KEY_DOWN))
        return false;
    list_move(&m->list, key == KEY_UP ? -1 : 1);
    return true;
}

static bool command_key(messenger *m, bool is_function, wint_t key)
{
    bool enter = is_function ? key == KEY_ENTER : key == '\r' || key == '\n';
    if (enter)
        entered(m);
    else if (is_function && key == KEY_RESIZE)
        layout(m);
    else if (is_function && key == KEY_PPAGE)
        older(m);
    else if (is_function && key == KEY_NPAGE)
        talk_scroll(&m->talk, -(pane_height() > 2 ? pane_height() - 2 : 1), pane_height());
    else if (!is_function && key == CTRL('x'))
        m->leaving = true;
    else if (!is_function && key == CTRL('f') && m->talk.peer)
        enter_mode(m, M_SEARCH);
    else if (!is_function && key == CTRL('o'))
        enter_mode(m, M_TO);
    else if (!is_function && key == '\t')
        enter_mode(m, m->mode == M_LIST ? M_TALK : M_LIST);
    else if (!is_function && (key == CTRL('n') || key == CTRL('p')))
        open_other(m, key == CTRL('n') ? 1 : -1);
    else if (!is_function && key == 27)
        escape(m);
    else
        return false;
    return true;
}

static void read_keys(messenger *m)
{
    wint_t key;
    for (int kind; (kind = get_wch(&key)) != ERR;) {
        bool is_function = kind == KEY_CODE_YES;
        if (!list_key(m, is_function, key) && !command_key(m, is_function, key) && m->mode != M_LIST)
            entry_key(m->entry, is_function, key);
    }
}

/* --- what comes ---------------------------------------------------------------------------------------------- */

static void on_state(messenger *m, const epode_event *ev)
{
    static const char *const names[] = { "stopped", "connecting ...", "online", "offline" };
    if (ev->error)
        snprintf(m->status, sizeof m->status, "%s: %s", names[ev->state], epode_error_text(ev->error));
    else
        snprintf(m->status, sizeof m->status, "%s", names[ev->state]);
    if (ev->state == EPODE_STOPPED && ev->error && !m->leaving)
        m->code = cli_exit_code(epode_error_status(ev->error));
}

static void on_event(epode_client *client, const epode_event *ev, void *user)
{
    messenger *m = user;
    (void)client;
    switch (ev->type) {
    case EPODE_EV_STATE: on_state(m, ev); break;
    case EPODE_EV_SYNC:
        if (ev->error)
            snprintf(m->status, sizeof m->status, "history: %s", epode_error_text(ev->error));
        else if (ev->synced)
            snprintf(m->status, sizeof m->status, "online");
        else
            snprintf(m->status, sizeof m->status, "getting messages: %zu", ev->done);
        m->getting = m->getting && !ev->synced && !ev->error;
        m->dirty = true;
        break;
    case EPODE_EV_MESSAGE:
    case EPODE_EV_DELIVERY:
    case EPODE_EV_UNREAD: m->dirty = true; break;
    default: break;
    }
}

static void run(messenger *m)
{
    cli_catch_signals();
    epode_client_start(m->client);
    layout(m);
    while (!m->leaving && !cli_interrupted) {
        struct pollfd p[] = { { .fd = STDIN_FILENO, .events = POLLIN },
                              { .fd = epode_client_fd(m->client), .events = POLLIN } };
        while (epode_client_process(m->client) == EPODE_OK)
            ;
        draw(m);
        mark_read(m);
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            break;
        read_keys(m);
        if (p[0].revents & (POLLHUP | POLLERR))
            break;
    }
    m->leaving = true;
}

static bool open_screen(messenger *m)
{
    setlocale(LC_CTYPE, "");
    set_escdelay(25);
    if (!initscr())
        return false;
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    m->entry = entry_new();
    return m->entry != NULL;
}

int cmd_messenger(cli_options *o)
{
    messenger m = { .o = o, .mode = M_LIST, .dirty = true };
    int code = EXIT_USAGE;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || o->json)
        return cli_fail_text(o, EPODE_EINVAL, "usage: epode chat PEER --jid JID; without PEER it needs a terminal");
    if (o->strophe)
        return cli_fail_text(o, EPODE_EINVAL, "--transport strophe: not here; epode chat PEER takes it");
    if (!cli_password(o, &code))
        return code;
    cli_ask_ahead(o);
    o->asked_ahead = o->listen = o->quiet = true;
    m.client = cli_client(o, on_event, &m, &code);
    if (!m.client)
        return code;
    m.store = epode_client_store(m.client);
    if (open_screen(&m))
        run(&m);
    entry_free(m.entry);
    endwin();
    if (epode_client_state(m.client) != EPODE_STOPPED) {
        epode_client_stop(m.client, EPODE_STOP_CLOSE);
        epode_client_run(m.client, 5000);
    } else if (m.code) {
        fprintf(stderr, "epode: %s\n", m.status);
    }
    list_free(&m.list);
    talk_free(&m.talk);
    epode_client_free(m.client);
    return m.code;
}
