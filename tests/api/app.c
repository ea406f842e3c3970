/* app.c: the record of an application. */
#include "app.h"

#include <stdarg.h>

#include <poll.h>
#include <time.h>

static char *app_path(app *a, const char *store)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", a->server->dir, store);
    return path;
}

static void app_note_state(app *a, const epode_event *event)
{
    assert_true(a->state_count < APP_STATES);
    a->states[a->state_count] = event->state;
    a->why[a->state_count++] = epode_error_status(event->error);
    a->ready += event->state == EPODE_READY;
    a->offline += event->state == EPODE_OFFLINE;
    a->stopped += event->state == EPODE_STOPPED;
    if (!event->error)
        return;
    const char *condition = epode_error_condition(event->error);
    a->last_error = epode_error_status(event->error);
    a->last_final = epode_error_is_final(event->error);
    snprintf(a->last_condition, sizeof a->last_condition, "%s", condition ? condition : "");
    snprintf(a->last_text, sizeof a->last_text, "%s", epode_error_text(event->error));
}

static void row_copy(const epode_message *m, void *user)
{
    app_row *r = user;
    size_t used = 0;
    r->found = true;
    r->outgoing = m->outgoing;
    r->edited = m->edited;
    r->retracted = m->retracted;
    r->state = m->state;
    r->has_xml = m->xml && strlen(m->xml) == m->xml_len;
    snprintf(r->body, sizeof r->body, "%s", m->body ? m->body : "");
    snprintf(r->id, sizeof r->id, "%s", m->id ? m->id : "");
    snprintf(r->reason, sizeof r->reason, "%s", m->reason ? m->reason : "");
    snprintf(r->peer, sizeof r->peer, "%s", m->peer ? m->peer : "");
    snprintf(r->reply_id, sizeof r->reply_id, "%s", m->reply_id ? m->reply_id : "");
    snprintf(r->archive_id, sizeof r->archive_id, "%s", m->archive_id ? m->archive_id : "");
    for (size_t i = 0; i < m->reaction_count && used < sizeof r->reactions; i++)
        used += (size_t)snprintf(r->reactions + used, sizeof r->reactions - used, "%.*s:%s;",
                                 (int)strcspn(m->reactions[i].author, "/"), m->reactions[i].author,
                                 m->reactions[i].text);
}

app_row app_row_of(epode_client *client, uint64_t row)
{
    app_row r = { 0 };
    epode_status st = epode_store_message(epode_client_store(client), row, row_copy, &r);
    assert_int_equal(st, r.found ? EPODE_OK : EPODE_DONE);
    return r;
}

unsigned app_count(app *a, const char *body)
{
    epode_query q = EPODE_QUERY_INIT;
    epode_cursor *cursor;
    const epode_message *m;
    unsigned n = 0;
    assert_int_equal(epode_store_messages(epode_client_store(a->client), &q, &cursor), EPODE_OK);
    while (epode_cursor_next(cursor, &m) == EPODE_OK)
        n += m->body && strcmp(m->body, body) == 0;
    epode_cursor_free(cursor);
    return n;
}

/* What is told is there. */
static void app_note_message(app *a, const epode_event *event)
{
    app_row r = app_row_of(a->client, event->row);
    assert_true(r.found && r.has_xml);
    assert_null(event->xml);
    if (event->change != EPODE_CHANGE_NEW) {
        a->changed++;
        return;
    }
    assert_true(event->row > a->last_row);
    a->last_row = event->row;
    a->own += r.outgoing;
    a->messages += !r.outgoing;
}

static void app_note(app *a, const epode_event *event)
{
    assert_int_equal(event->size, sizeof *event);
    a->late = a->late || !a->client;
    a->events++;
    switch (event->type) {
    case EPODE_EV_STATE:
        app_note_state(a, event);
        break;
    case EPODE_EV_MESSAGE:
        app_note_message(a, event);
        break;
    case EPODE_EV_STANZA:
        a->stanzas++;
        assert_int_equal(strlen(event->xml), event->xml_len);
        break;
    case EPODE_EV_DELIVERY:
        a->sent += event->delivery == EPODE_DELIVERY_SENT;
        a->acknowledged += event->delivery == EPODE_DELIVERY_ACKNOWLEDGED;
        a->failed += event->delivery == EPODE_DELIVERY_FAILED;
        a->last_delivery_row = event->row;
        snprintf(a->last_id, sizeof a->last_id, "%s", event->id);
        break;
    case EPODE_EV_UNREAD:
        a->unread++;
        assert_non_null(event->peer);
        break;
    case EPODE_EV_SYNC:
        a->synced += event->synced;
        a->sync_errors += event->error != NULL;
        break;
    case EPODE_EV_ROSTER:
        a->rosters += !event->peer && !event->error;
        a->roster_errors += event->error != NULL;
        a->contacts_changed += event->peer != NULL;
        break;
    case EPODE_EV_FETCHED:
        a->fetched++;
        a->fetched_all = event->synced;
        a->fetched_messages = event->done;
        break;
    case EPODE_EV_PRESENCE:
        assert_true(event->peer ? event->from != NULL : event->show == EPODE_SHOW_OFFLINE);
        a->presences++;
        break;
    case EPODE_EV_BOOKMARK:
        a->bookmarks += !event->peer && !event->error;
        break;
    case EPODE_EV_RESOURCE:
        assert_non_null(event->peer);
        assert_true(!event->resource == (event->error != NULL));
        break;
    case EPODE_EV_BLOCKING:
        a->block_lists += !event->peer && !event->error;
        break;
    case EPODE_EV_CHAT_STATE:
        assert_in_range(event->chat_state, EPODE_CHAT_ACTIVE, EPODE_CHAT_GONE);
        assert_non_null(event->from);
        break;
    case EPODE_EV_CAPS:
        assert_non_null(event->from);
        break;
    case EPODE_EV_AVATAR:
        assert_non_null(event->id);
        assert_non_null(event->peer);
        break;
    case EPODE_EV_SUBSCRIPTION:
    case EPODE_EV_ROOM:
        assert_non_null(event->peer);
        break;
    }
    if (a->on)
        a->on(a, event);
}

static void app_on_event(epode_client *client, const epode_event *event, void *user)
{
    app *a = user;
    assert_true(!a->client || client == a->client);
    app_note(a, event);
}

static void app_destroyed(void *user)
{
    ((app *)user)->destroyed++;
}

epode_options app_options(app *a, server *s, const char *store)
{
    epode_options o = EPODE_OPTIONS_INIT;
    a->server = s;
    o.jid = "alice@localhost";
    o.password = "alice-pw";
    o.store_path = store ? app_path(a, store) : NULL;
    o.host = "127.0.0.1";
    o.port = (uint16_t)s->direct;
    o.tls = EPODE_TLS_DIRECT;
    o.ca_file = s->ca;
    return o;
}

void app_open(app *a, const epode_options *options)
{
    char why[200];
    app kept = { .server = a->server, .pull = a->pull, .on = a->on, .more = a->more, .turn = a->turn };
    epode_options o = *options;
    *a = kept;
    o.on_event = a->pull ? NULL : app_on_event;
    o.user = a;
    o.user_destroy = app_destroyed;
    if (epode_client_new(&a->client, &o, why, sizeof why))
        fail_msg("no client: %s", why);
}

void app_start(app *a, server *s, const char *store)
{
    epode_options o = app_options(a, s, store);
    app_open(a, &o);
    assert_int_equal(epode_client_start(a->client), EPODE_OK);
}

void app_close(app *a)
{
    epode_client *client = a->client;
    a->client = NULL;
    epode_client_free(client);
    assert_int_equal(a->destroyed, 1);
    assert_false(a->late);
}

void app_append(char *out, size_t room, const char *fmt, ...)
{
    size_t used = strlen(out);
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(out + used, room - used, fmt, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < room - used);
}

int64_t app_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool app_is_due(const app *a, int wait_ms)
{
    struct pollfd p = { .fd = epode_client_fd(a->client), .events = POLLIN };
    return poll(&p, 1, wait_ms) == 1;
}

static bool app_is_available(app *a)
{
    const char *jid = epode_session_jid(epode_client_session(a->client));
    const char *at = strstr(server_say(a->server, "dump"), jid);
    at = at ? strstr(at, "\"available\":") : NULL;
    return at && at[strlen("\"available\":")] == '1';
}

void app_online(app *a)
{
    int64_t end = app_now_ms() + 5000;
    app_until(a, 5000, a->ready);
    while (!app_is_available(a)) {
        assert_true(app_now_ms() < end);
        app_for(a, 5);
    }
}

void app_synced(app *a)
{
    app_until(a, 10000, a->synced);
}

void app_settled(app *a)
{
    app_until(a, 10000, a->synced && a->rosters && epode_client_server_has(a->client, "x") != EPODE_AGAIN &&
                            epode_client_account_has(a->client, "x") != EPODE_AGAIN);
    while (app_is_due(a, 100))
        epode_client_process(a->client);
}

epode_status app_send(app *a, const char *to, const char *body, uint64_t *row)
{
    epode_outgoing m = EPODE_OUTGOING_INIT;
    m.to = to;
    m.body = body;
    return epode_send_message(a->client, &m, row);
}

static void app_pull(app *a)
{
    const epode_event *event;
    while (a->client && epode_client_next_event(a->client, &event) == EPODE_OK)
        app_note(a, event);
}

bool app_turn(app *a, int64_t end_ms)
{
    int64_t left = end_ms - app_now_ms();
    if (left < 0)
        return false;
    if (a->turn) {
        a->turn(a, left);
        return true;
    }
    if (a->pull)
        app_pull(a);
    if (a->client && app_is_due(a, (int)left) && epode_client_process(a->client) == EPODE_DONE)
        a->client = NULL;
    if (a->pull)
        app_pull(a);
    return true;
}

void app_for(app *a, int64_t ms)
{
    int64_t end = app_now_ms() + ms;
    while (a->client && app_now_ms() < end)
        app_turn(a, end);
}

void app_stop(app *a, int how)
{
    unsigned before = a->stopped;
    assert_int_equal(epode_client_stop(a->client, how), EPODE_OK);
    app_until(a, 5000, a->stopped > before);
}
