/* talk.c: a conversation as lines on the screen, read from the store as far as somebody scrolled. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "../screen.h"
#include "messenger.h"

#define FIRST  100 /* messages to begin with, and more at once */
#define INDENT 10

static const char *const marks[] = { "  ", "… ", "› ", "✓ ", "✓✓", "✓✓", "✗ " };

static void clear_lines(talk *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->lines[i].text);
    t->count = 0;
}

void talk_free(talk *t)
{
    clear_lines(t);
    free(t->lines);
    free(t->peer);
    free(t->search);
}

void talk_search(talk *t, const char *text)
{
    free(t->search);
    t->search = text ? strdup(text) : NULL;
    t->scroll = 0;
    t->wanted = FIRST;
}

bool talk_open(talk *t, const char *peer)
{
    char *copy = strdup(peer);
    if (!copy)
        return false;
    free(t->peer);
    t->peer = copy;
    t->newest = t->seen = 0;
    talk_search(t, NULL);
    return true;
}

static bool push(talk *t, const char *text, size_t n, uint64_t row, bool dim)
{
    if (t->count == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 256;
        talk_line *more = realloc(t->lines, cap * sizeof *more);
        if (!more)
            return false;
        t->lines = more;
        t->cap = cap;
    }
    char *copy = strndup(text, n);
    if (!copy)
        return false;
    t->lines[t->count++] = (talk_line){ .text = copy, .row = row, .dim = dim };
    return true;
}

size_t columns_fit(const char *text, int columns)
{
    mbstate_t state = { 0 };
    size_t at = 0, blank = 0;
    int used = 0;
    while (text[at]) {
        wchar_t c;
        size_t n = mbrtowc(&c, text + at, MB_CUR_MAX, &state);
        if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
            n = 1;
            c = L'?';
            state = (mbstate_t){ 0 };
        }
        int w = wcwidth(c);
        used += w > 0 ? w : 0;
        if (used > columns && at)
            return blank ? blank : at;
        at += n;
        if (c == L' ')
            blank = at;
    }
    return at;
}

/* The first line begins with the time and the mark, those that follow are indented. */
static bool push_wrapped(talk *t, const char *head, const char *text, uint64_t row)
{
    int room = t->width - INDENT > 8 ? t->width - INDENT : 8;
    bool first = true, ok = true;
    while (ok && (*text || first)) {
        char line[1024];
        size_t whole = strcspn(text, "\n"), n;
        char *part = strndup(text, whole);
        if (!part)
            return false;
        n = columns_fit(part, room);
        snprintf(line, sizeof line, "%s%.*s", first ? head : "          ", (int)(n < 900 ? n : 900), part);
        ok = push(t, line, strlen(line), row, false);
        text += n;
        if (n == whole && *text == '\n')
            text++;
        first = false;
        free(part);
    }
    return ok;
}

static bool push_message(talk *t, const epode_message *m)
{
    char head[40], clock[16];
    time_t s = (time_t)(m->time_ms / 1000);
    struct tm tm;
    localtime_r(&s, &tm);
    strftime(clock, sizeof clock, "%H:%M", &tm);
    snprintf(head, sizeof head, " %s %s ", clock, m->outgoing ? marks[m->state] : "  ");
    const char *from = m->from ? m->from : m->peer, *nick = m->groupchat ? strchr(from, '/') : NULL;
    const char *name = m->outgoing ? "me" : nick ? nick + 1 : from;
    char *text = NULL, *clean;
    if (asprintf(&text, "%.*s: %s%s%s%s", (int)strcspn(name, m->groupchat ? "" : "@/"), name,
                 m->retracted ? "(retracted)" : m->body ? m->body : "", m->edited && !m->retracted ? " (edited)" : "",
                 m->reason ? " -- " : "", m->reason ? m->reason : "") < 0)
        return false;
    clean = screen_clean(text, 0);
    free(text);
    bool ok = clean && push_wrapped(t, head, clean, m->row);
    free(clean);
    return ok;
}

static bool push_day(talk *t, const epode_message *m, int *day)
{
    char line[48];
    time_t s = (time_t)(m->time_ms / 1000);
    struct tm tm;
    localtime_r(&s, &tm);
    int now = tm.tm_year * 366 + tm.tm_yday;
    if (now == *day)
        return true;
    *day = now;
    strftime(line, sizeof line, " %A, %Y-%m-%d", &tm);
    return push(t, line, strlen(line), m->row, true);
}

/* The rows to be shown, newest first; how many. */
static size_t read_rows(talk *t, epode_store *store, uint64_t *rows)
{
    size_t n = 0;
    const epode_message *m;
    epode_cursor *cursor = NULL;
    epode_query q = EPODE_QUERY_INIT;
    q.peer = t->peer;
    q.newest_first = true;
    q.search = t->search;
    epode_status st = epode_store_messages(store, &q, &cursor);
    while (st == EPODE_OK && n < t->wanted && (st = epode_cursor_next(cursor, &m)) == EPODE_OK)
        rows[n++] = m->row;
    epode_cursor_free(cursor);
    t->all = st != EPODE_OK;
    return n;
}

typedef struct reading {
    talk *t;
    int day;
    bool ok;
} reading;

static void read_one(const epode_message *m, void *user)
{
    reading *r = user;
    r->ok = r->ok && push_day(r->t, m, &r->day) && push_message(r->t, m);
    if (!m->outgoing)
        r->t->seen = m->row;
}

/* What came below what was the newest pushes up, unless the end is shown. */
static void keep_place(talk *t, uint64_t newest)
{
    size_t below = 0;
    while (below < t->count && t->lines[t->count - 1 - below].row != newest)
        below++;
    if (t->scroll && newest && below < t->count)
        t->scroll += below;
}

bool talk_load(talk *t, epode_store *store, int width)
{
    uint64_t *rows = t->peer ? malloc(t->wanted * sizeof *rows) : NULL, was = t->newest;
    reading r = { .t = t, .day = -1, .ok = rows != NULL };
    t->width = width;
    clear_lines(t);
    if (!rows)
        return !t->peer;
    size_t n = read_rows(t, store, rows);
    t->newest = n ? rows[0] : 0;
    while (n && r.ok)
        r.ok = epode_store_message(store, rows[--n], read_one, &r) >= 0 && r.ok;
    free(rows);
    if (!t->search && was != t->newest)
        keep_place(t, was);
    return r.ok;
}

void talk_scroll(talk *t, int by, int height)
{
    size_t most = t->count > (size_t)height ? t->count - (size_t)height : 0;
    if (by < 0)
        t->scroll -= t->scroll < (size_t)-by ? t->scroll : (size_t)-by;
    else
        t->scroll += (size_t)by;
    if (t->scroll + (size_t)height / 2 >= most && by > 0 && !t->all)
        t->wanted += FIRST;
    if (t->scroll > most && t->all)
        t->scroll = most;
}

void talk_draw(const talk *t, int x, int height, int width)
{
    size_t most = t->count > (size_t)height ? t->count - (size_t)height : 0;
    size_t scroll = t->scroll < most ? t->scroll : most;
    size_t shown = t->count < (size_t)height ? t->count : (size_t)height, first = t->count - scroll - shown;
    for (int y = 0; y < height; y++) {
        mvhline(y, x, ' ', width);
        int above = height - (int)shown;
        if (y < above)
            continue;
        const talk_line *line = &t->lines[first + (size_t)(y - above)];
        attr_t how = line->dim ? A_DIM : A_NORMAL;
        attron(how);
        mvaddnstr(y, x, line->text, -1);
        attroff(how);
    }
    if (!t->peer)
        mvaddstr(height / 2, x + 2, "Choose a conversation: arrows, Enter");
    else if (t->search && !t->count)
        mvaddstr(height / 2, x + 2, "nothing found");
}
