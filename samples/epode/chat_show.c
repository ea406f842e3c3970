/* chat_show.c: how epode chat shows messages. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "chat.h"

#define MARK_COLUMN 6 /* behind the time */
#define TEXT_COLUMN 10

static const char *const marks[] = { "   ", "…  ", "›  ", "✓  ", "✓✓ ", "✓✓✓", "✗  " };

static chat_line *find(chat *c, uint64_t row)
{
    size_t n = c->shown_count < SHOWN_MAX ? c->shown_count : SHOWN_MAX;
    for (size_t i = 0; i < n; i++)
        if (c->shown[i].row == row)
            return &c->shown[i];
    return NULL;
}

const chat_line *chat_shown(const chat *c, uint64_t row)
{
    return find((chat *)c, row);
}

/* FNV-1a of everything of a message that is shown, but its mark. */
static uint64_t hash_of(const epode_message *m)
{
    uint64_t h = 14695981039346656037u;
    const char *texts[] = { m->retracted ? "" : m->body, m->retracted ? "r" : "" };
    for (size_t i = 0; i < 2; i++)
        for (const char *p = texts[i] ? texts[i] : ""; *p; p++)
            h = (h ^ (unsigned char)*p) * 1099511628211u;
    for (size_t i = 0; i < m->reaction_count; i++)
        for (const char *p = m->reactions[i].text; *p; p++)
            h = (h ^ (unsigned char)*p) * 1099511628211u;
    return h;
}

static void print_day(chat *c, const struct tm *tm)
{
    char line[40];
    int day = tm->tm_year * 366 + tm->tm_yday;
    if (day != c->day)
        strftime(line, sizeof line, "-- %A, %Y-%m-%d --", tm);
    if (day != c->day)
        screen_print(c->screen, line);
    c->day = day;
}

/* "12:34 ✓✓  me: text (edited) [👍]" */
static char *format(const chat *c, const epode_message *m, const struct tm *tm)
{
    char *line = NULL, *reactions = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&reactions, &n);
    if (!f)
        return NULL;
    for (size_t i = 0; i < m->reaction_count; i++)
        fprintf(f, " [%s]", m->reactions[i].text);
    fclose(f);
    const char *from = m->from ? m->from : m->peer, *nick = m->groupchat ? strchr(from, '/') : NULL;
    const char *name = m->outgoing ? "me" : nick ? nick + 1 : from;
    int name_len = (int)strcspn(name, m->groupchat ? "" : "@/");
    char *text = NULL;
    if (asprintf(&text, "%.*s: %s%s%s%s%s", name_len, name, m->retracted ? "(retracted)" : m->body ? m->body : "",
                 m->edited && !m->retracted ? " (edited)" : "", reactions ? reactions : "",
                 m->reason ? " -- " : "", m->reason ? m->reason : "") < 0)
        text = NULL;
    char *clean = text ? screen_clean(text, TEXT_COLUMN) : NULL;
    bool again = strcmp(c->what, "changed") == 0;
    if (!clean || asprintf(&line, "%02d:%02d %s%s%s", tm->tm_hour, tm->tm_min, marks[m->outgoing ? m->state : 0],
                           again ? "*" : " ", clean) < 0)
        line = NULL;
    free(reactions);
    free(text);
    free(clean);
    return line;
}

static void print_json(const chat *c, const epode_message *m)
{
    json_t *o = cli_message_json(m);
    json_object_set_new(o, "event", json_string(c->what));
    cli_print_json(o);
}

static void show(const epode_message *m, void *user)
{
    chat *c = user;
    struct tm tm;
    time_t when = (time_t)(m->time_ms / 1000);
    long at = 0;
    localtime_r(&when, &tm);
    if (c->o->json) {
        print_json(c, m);
    } else {
        print_day(c, &tm);
        char *line = format(c, m, &tm);
        if (line)
            at = screen_print(c->screen, line);
        free(line);
    }
    bool found = strcmp(c->what, "found") == 0;
    if (!m->outgoing && !found && strcmp(c->what, "older") != 0)
        c->seen = m->row;
    chat_line *known = found ? NULL : find(c, m->row);
    if (!known && !found)
        known = &c->shown[c->shown_count++ % SHOWN_MAX];
    if (known)
        *known = (chat_line){ .row = m->row, .hash = hash_of(m), .mark = m->state, .at = at };
}

void chat_show_row(chat *c, uint64_t row, const char *what)
{
    c->what = what;
    epode_store_message(c->store, row, show, c);
}

/* Whether a message stands behind the oldest one that was shown, and not too far up. */
static bool is_below(const chat *c, uint64_t row)
{
    const epode_message *m;
    epode_cursor *cursor = NULL;
    epode_query q = EPODE_QUERY_INIT;
    bool found = !c->oldest;
    q.peer = c->peer;
    q.newest_first = true;
    epode_status st = epode_store_messages(c->store, &q, &cursor);
    for (int i = 0; i < SHOWN_MAX && !found && st == EPODE_OK; i++) {
        st = epode_cursor_next(cursor, &m);
        if (st != EPODE_OK || m->row == c->oldest)
            break;
        found = m->row == row;
    }
    epode_cursor_free(cursor);
    return found;
}

/* Of this conversation, and something that people can see: the archive's id alone is nothing to them. */
static void show_if_changed(const epode_message *m, void *user)
{
    chat *c = user;
    const chat_line *known = find(c, m->row);
    if (!m->peer || strcasecmp(m->peer, c->peer) != 0)
        return;
    if (known ? known->hash == hash_of(m) : !c->synced || strcmp(c->what, "changed") == 0)
        return;
    /* What comes live is provisional; what fills a hole is shown when it is asked for. */
    if (!known && !m->provisional && !is_below(c, m->row))
        return;
    show(m, user);
}

void chat_changed(chat *c, const epode_event *ev)
{
    c->what = ev->change == EPODE_CHANGE_NEW ? "message" : "changed";
    epode_store_message(c->store, ev->row, show_if_changed, c);
    if (c->synced)
        chat_seen(c);
}

/* The mark changes where the message stands; if it has left the screen, nothing is to be seen. */
void chat_delivery(chat *c, const epode_event *ev)
{
    chat_line *line = find(c, ev->row);
    if (!line || line->mark >= ev->delivery)
        return;
    line->mark = ev->delivery;
    if (c->o->json)
        cli_print_json(json_pack("{s:s,s:I,s:s?,s:s}", "event", "delivery", "row", (json_int_t)ev->row, "id", ev->id,
                                 "state", cli_delivery_name(ev->delivery)));
    else if (screen_is_terminal(c->screen) && ev->delivery != EPODE_DELIVERY_FAILED)
        screen_patch(c->screen, line->at, MARK_COLUMN, marks[ev->delivery]);
    else if (ev->delivery >= EPODE_DELIVERY_ACKNOWLEDGED)
        chat_show_row(c, ev->row, "changed");
}

void chat_seen(chat *c)
{
    if (c->seen)
        epode_mark_displayed(c->client, c->seen, true);
    c->seen = 0;
}

void chat_say(chat *c, const char *text)
{
    char line[400];
    snprintf(line, sizeof line, "-- %s --", text);
    if (c->o->json)
        cli_print_json(json_pack("{s:s,s:s}", "event", "note", "text", text));
    else
        screen_print(c->screen, line);
}
