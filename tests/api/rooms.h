/* rooms.h: applications in a room, and what they were told of it. */
#ifndef EP_API_ROOMS_H
#define EP_API_ROOMS_H

#include "app.h"

#define DEN "den@rooms.localhost"

static server srv;

static inline int start_server(void **state)
{
    (void)state;
    server_start(&srv, "--user", "carol:carol-pw", (char *)NULL);
    return 0;
}

static inline int stop_server(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

/* What was told of rooms. */
typedef struct seen {
    unsigned joined, refused, left, subjects, nicks, came, changed, renamed, gone;
    epode_room_left why;
    bool final;
    char nick[64], text[128], condition[64];
} seen;

static inline void note(app *a, const epode_event *e)
{
    seen *s = a->more;
    if (e->type != EPODE_EV_ROOM)
        return;
    assert_non_null(e->peer);
    s->joined += e->room == EPODE_ROOM_JOINED_NOW;
    s->refused += e->room == EPODE_ROOM_REFUSED;
    s->left += e->room == EPODE_ROOM_LEFT;
    s->subjects += e->room == EPODE_ROOM_SUBJECT;
    s->nicks += e->room == EPODE_ROOM_NICK;
    s->came += e->room == EPODE_ROOM_OCCUPANT_CAME;
    s->changed += e->room == EPODE_ROOM_OCCUPANT_CHANGED;
    s->renamed += e->room == EPODE_ROOM_OCCUPANT_RENAMED;
    s->gone += e->room == EPODE_ROOM_OCCUPANT_LEFT;
    s->why = e->left;
    s->final = e->error && epode_error_is_final(e->error);
    snprintf(s->nick, sizeof s->nick, "%s", e->nick ? e->nick : "");
    snprintf(s->text, sizeof s->text, "%s", e->text ? e->text : "");
    snprintf(s->condition, sizeof s->condition, "%s", e->error ? epode_error_condition(e->error) : "");
}

static inline void start_as(app *a, const char *jid, const char *password, const char *store, seen *s)
{
    a->on = note;
    a->more = s;
    epode_options o = app_options(a, &srv, store);
    o.jid = jid;
    o.password = password;
    app_open(a, &o);
    assert_int_equal(epode_client_start(a->client), EPODE_OK);
    app_until(a, 10000, a->synced);
}

static inline void start(app *a, const char *store, seen *s)
{
    start_as(a, "alice@localhost", "alice-pw", store, s);
}

static inline void start_bob(app *a, const char *store, seen *s)
{
    start_as(a, "bob@localhost", "bob-pw", store, s);
}

static inline void done(app *a)
{
    app_stop(a, EPODE_STOP_CLOSE);
    app_close(a);
}

static inline void join(app *a, seen *s, const char *nick)
{
    unsigned before = s->joined;
    assert_int_equal(epode_room_join(a->client, DEN, nick, NULL, 0), EPODE_OK);
    app_until(a, 10000, s->joined > before);
}

/* Both are turned until the condition holds of the first. */
#define both_until(a, b, condition)                                                                \
    do {                                                                                           \
        int64_t end_both_ = app_now_ms() + 10000;                                                  \
        while (!(condition)) {                                                                     \
            assert_true(app_now_ms() < end_both_);                                                 \
            app_turn(a, app_now_ms() + 5);                                                         \
            app_turn(b, app_now_ms() + 5);                                                         \
        }                                                                                          \
    } while (0)

static inline epode_status say(app *a, const char *body)
{
    epode_outgoing m = EPODE_OUTGOING_INIT;
    m.to = DEN;
    m.type = "groupchat";
    m.body = body;
    return epode_send_message(a->client, &m, NULL);
}

/* The texts of the room, in order, ours with "*". */
static inline const char *texts(app *a)
{
    static char out[8192];
    epode_query q = EPODE_QUERY_INIT;
    epode_cursor *cursor;
    const epode_message *m;
    q.archive = DEN;
    out[0] = '\0';
    assert_int_equal(epode_store_messages(epode_client_store(a->client), &q, &cursor), EPODE_OK);
    while (epode_cursor_next(cursor, &m) == EPODE_OK)
        snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s%s;", m->outgoing ? "*" : "", m->body,
                 m->archive_id ? "" : "?");
    epode_cursor_free(cursor);
    return out;
}

static inline const epode_occupant *occupant(app *a, const char *nick)
{
    const epode_room *r = epode_room_find(a->client, DEN);
    for (size_t i = 0; r && i < epode_room_occupant_count(r); i++)
        if (strcmp(epode_room_occupant_at(r, i)->nick, nick) == 0)
            return epode_room_occupant_at(r, i);
    return NULL;
}

#endif
