/* Events: by callback and pulled; what is told, in which order, and how the queue is bounded. */
#include <strophe.h>
#include <unistd.h>

#include "app.h"

enum { MANY = 1000, QUEUE = 256 };

static server srv;

static int start_server(void **state)
{
    (void)state;
    server_start(&srv, (char *)NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

/* So that nothing but what a test sends comes. */
static int empty_archive(void **state)
{
    (void)state;
    server_say(&srv, "archive-purge alice@localhost 0");
    return 0;
}

static void send_numbered(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        server_say(&srv, "message bob@localhost alice@localhost number-%u-", i);
}

/* Counts in a->more how far the numbers are without a hole. */
static void expect_next(app *a, const epode_event *event)
{
    char text[40];
    unsigned *next = a->more;
    if (event->type != EPODE_EV_MESSAGE || event->change != EPODE_CHANGE_NEW)
        return;
    snprintf(text, sizeof text, "number-%u-", *next);
    assert_string_equal(app_row_of(a->client, event->row).body, text);
    (*next)++;
}

static void messages_come_once_and_in_order_by_callback(void **state)
{
    unsigned next = 0;
    app a = { .on = expect_next, .more = &next };
    (void)state;
    app_start(&a, &srv, "callback.db");
    app_online(&a);
    send_numbered(0, MANY);
    app_until(&a, 10000, a.messages == MANY);
    assert_int_equal(next, MANY);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void messages_come_once_and_in_order_when_pulled(void **state)
{
    unsigned next = 0;
    app a = { .pull = true, .on = expect_next, .more = &next };
    (void)state;
    app_start(&a, &srv, "pull.db");
    app_online(&a);
    send_numbered(0, MANY);
    app_until(&a, 10000, a.messages == MANY);
    assert_int_equal(next, MANY);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void process_only(app *a, int64_t ms)
{
    for (int64_t end = app_now_ms() + ms; app_now_ms() < end;)
        if (app_is_due(a, 20))
            epode_client_process(a->client);
}

/* One read may hold more than one event, so the queue ends somewhat above its bound, but it ends. */
static void a_full_queue_stops_the_reading_until_it_is_taken_from(void **state)
{
    const epode_event *event;
    unsigned queued = 0;
    app a = { .pull = true };
    (void)state;
    app_start(&a, &srv, "full.db");
    app_online(&a);
    for (unsigned i = 0; i < MANY; i++) {
        server_say(&srv, "message bob@localhost alice@localhost %01000u number-%u-", 7, i);
        if (i % 50 == 0)
            process_only(&a, 10);
    }
    process_only(&a, 300);
    assert_false(app_is_due(&a, 0));
    while (epode_client_next_event(a.client, &event) == EPODE_OK) {
        char text[40];
        if (event->type != EPODE_EV_MESSAGE)
            continue;
        snprintf(text, sizeof text, " number-%u-", queued++);
        assert_non_null(strstr(app_row_of(a.client, event->row).body, text));
    }
    assert_true(queued >= QUEUE - 8 && queued <= QUEUE + 80);
    app_until(&a, 10000, a.messages == MANY - queued);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void next_event_is_refused_where_a_callback_takes_them(void **state)
{
    const epode_event *event = (const epode_event *)(uintptr_t)1;
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, NULL);
    assert_int_equal(epode_client_next_event(a.client, &event), EPODE_ESTATE);
    assert_null(event);
    app_close(&a);
}

static void an_empty_queue_says_again(void **state)
{
    const epode_event *event;
    app a = { .pull = true };
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    app_open(&a, &o);
    assert_int_equal(epode_client_next_event(a.client, &event), EPODE_AGAIN);
    assert_null(event);
    app_close(&a);
}

static void what_was_stored_is_told_before_the_store_shows_more(app *a, const epode_event *event)
{
    if (event->type == EPODE_EV_MESSAGE)
        *(uint64_t *)a->more = event->row;
}

static void is_alices(const epode_message *m, void *user)
{
    assert_int_equal(m->size, sizeof *m);
    assert_string_equal(m->archive, "alice@localhost");
    assert_string_equal(m->peer, "bob@localhost");
    assert_string_equal(m->body, "hello");
    *(uint64_t *)user = m->row;
}

/* The event comes after the commit: a reader sees its row already. */
static void a_message_is_in_the_store_when_it_is_told(void **state)
{
    char path[128];
    uint64_t row = 0, seen = 0;
    epode_store *reader;
    app a = { .on = what_was_stored_is_told_before_the_store_shows_more, .more = &row };
    (void)state;
    app_start(&a, &srv, "row.db");
    app_online(&a);
    server_say(&srv, "message bob@localhost alice@localhost hello");
    app_until(&a, 5000, a.messages == 1);
    snprintf(path, sizeof path, "%s/row.db", srv.dir);
    assert_int_equal(epode_store_open(&reader, path, NULL, 0), EPODE_OK);
    assert_int_equal(epode_store_message(reader, row, is_alices, &seen), EPODE_OK);
    assert_int_equal(seen, row);
    assert_int_equal(epode_store_message(reader, row + 1, is_alices, &seen), EPODE_DONE);
    epode_store_close(reader);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

/* What comes of a call that is not process() is told by the descriptor as well: who waits on it alone misses nothing. */
static void a_call_that_has_events_makes_the_descriptor_readable(void **state)
{
    static const int hows[] = { EPODE_STOP_CLOSE, EPODE_STOP_RESUMABLE };
    for (size_t i = 0; i < 2; i++) {
        const epode_event *event;
        bool stopped = false;
        app a = { .pull = true };
        (void)state;
        app_start(&a, &srv, NULL);
        app_online(&a);
        app_for(&a, 100);
        assert_false(app_is_due(&a, 0));
        epode_client_stop(a.client, hows[i]);
        while (!stopped) {
            assert_true(app_is_due(&a, 5000));
            epode_client_process(a.client);
            while (epode_client_next_event(a.client, &event) == EPODE_OK)
                stopped = stopped || (event->type == EPODE_EV_STATE && event->state == EPODE_STOPPED);
        }
        assert_false(app_is_due(&a, 0));
        app_close(&a);
    }
}

static void as_stanza(app *a, const epode_event *event)
{
    xmpp_stanza_t *stanza = epode_event_stanza(a->client, event);
    unsigned *seen = a->more;
    if (event->type != EPODE_EV_STANZA) {
        assert_null(stanza);
        return;
    }
    assert_non_null(stanza);
    char *body = xmpp_message_get_body(stanza);
    if (body && strcmp(body, "as <a> stanza & more") == 0 && strcmp(xmpp_stanza_get_ns(stanza), "jabber:client") == 0 &&
        strcmp(xmpp_stanza_get_from(stanza), "bob@localhost") == 0)
        (*seen)++;
    if (body)
        xmpp_free(epode_client_ctx(a->client), body);
    xmpp_stanza_release(stanza);
}

static void an_event_becomes_a_stanza_of_libstrophe(void **state)
{
    unsigned seen = 0;
    app a = { .on = as_stanza, .more = &seen };
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    o.flags = EPODE_RAW_STANZAS;
    app_open(&a, &o);
    epode_client_start(a.client);
    app_online(&a);
    server_say(&srv, "message bob@localhost alice@localhost as <a> stanza & more");
    app_until(&a, 5000, a.messages == 1);
    assert_int_equal(seen, 1);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void raw_stanzas_are_told_only_where_wished(void **state)
{
    app with = { 0 }, without = { 0 };
    (void)state;
    epode_options o = app_options(&with, &srv, NULL);
    o.flags = EPODE_RAW_STANZAS;
    app_open(&with, &o);
    epode_client_start(with.client);
    app_until(&with, 5000, with.ready && with.stanzas);
    app_stop(&with, EPODE_STOP_CLOSE);
    app_close(&with);
    app_start(&without, &srv, NULL);
    app_until(&without, 5000, without.ready);
    app_for(&without, 100);
    assert_int_equal(without.stanzas, 0);
    app_close(&without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(messages_come_once_and_in_order_by_callback, empty_archive),
        cmocka_unit_test_setup(messages_come_once_and_in_order_when_pulled, empty_archive),
        cmocka_unit_test_setup(a_full_queue_stops_the_reading_until_it_is_taken_from, empty_archive),
        cmocka_unit_test(next_event_is_refused_where_a_callback_takes_them),
        cmocka_unit_test(an_empty_queue_says_again),
        cmocka_unit_test_setup(a_call_that_has_events_makes_the_descriptor_readable, empty_archive),
        cmocka_unit_test_setup(a_message_is_in_the_store_when_it_is_told, empty_archive),
        cmocka_unit_test_setup(an_event_becomes_a_stanza_of_libstrophe, empty_archive),
        cmocka_unit_test(raw_stanzas_are_told_only_where_wished),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
