/* Receipts (XEP-0184): sent once, for what arrives live, to those who may see our presence. */
#include "app.h"

static server srv;
static app bob;
static unsigned receipts; /* that bob got */
static char last[1024];

static void at_bob(app *a, const epode_event *event)
{
    (void)a;
    if (event->type != EPODE_EV_STANZA || !strstr(event->xml, "<received xmlns='urn:xmpp:receipts'") ||
        strstr(event->xml, "urn:xmpp:mam:2"))
        return;
    receipts++;
    snprintf(last, sizeof last, "%s", event->xml);
}

static int start_all(void **state)
{
    (void)state;
    server_start(&srv, (char *)NULL);
    bob.on = at_bob;
    epode_options o = app_options(&bob, &srv, "bob.db");
    o.jid = "bob@localhost";
    o.password = "bob-pw";
    o.flags = EPODE_RAW_STANZAS;
    app_open(&bob, &o);
    epode_client_start(bob.client);
    app_online(&bob);
    app_settled(&bob);
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    app_stop(&bob, EPODE_STOP_CLOSE);
    app_close(&bob);
    server_stop(&srv);
    return 0;
}

static int subscribed(void **state)
{
    (void)state;
    receipts = 0;
    server_say(&srv, "roster-put alice bob@localhost from");
    server_say(&srv, "archive-purge alice@localhost 0");
    return 0;
}

static int strangers(void **state)
{
    subscribed(state);
    server_say(&srv, "roster-put alice bob@localhost to");
    return 0;
}

static void open_alice(app *a, const char *store, uint32_t flags)
{
    epode_options o = app_options(a, &srv, store);
    o.flags = flags;
    app_open(a, &o);
    epode_client_start(a->client);
    app_online(a);
    app_until(a, 5000, a->rosters && a->synced);
}

static void say(const char *xml)
{
    assert_int_equal(epode_send_xml(bob.client, xml, strlen(xml)), EPODE_OK);
}

static void both_for(app *a, int64_t ms)
{
    for (int64_t end = app_now_ms() + ms; app_now_ms() < end;) {
        app_turn(a, app_now_ms() + 3);
        app_turn(&bob, app_now_ms() + 3);
    }
}

static void both_until_message(app *a, unsigned n)
{
    for (int64_t end = app_now_ms() + 5000; a->messages < n; both_for(a, 5))
        assert_true(app_now_ms() < end);
    both_for(a, 60);
}

#define MESSAGE(attrs, inside) \
    "<message to='alice@localhost' " attrs ">" inside "<request xmlns='urn:xmpp:receipts'/></message>"

static void a_contact_who_may_see_us_gets_one(void **state)
{
    app a = { 0 };
    (void)state;
    open_alice(&a, NULL, 0);
    say(MESSAGE("type='chat' id='r1'", "<body>hello</body>"));
    both_until_message(&a, 1);
    assert_int_equal(receipts, 1);
    assert_non_null(strstr(last, "<received xmlns='urn:xmpp:receipts' id='r1'/></message>"));
    assert_non_null(strstr(last, "type='chat'"));
    say(MESSAGE("id='r2'", "<body>normal</body>"));
    both_until_message(&a, 2);
    assert_int_equal(receipts, 2);
    assert_null(strstr(last, "type="));
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void the_sender_of_a_message_hears_that_it_was_received(void **state)
{
    app a = { 0 };
    uint64_t row = 0;
    (void)state;
    open_alice(&a, NULL, 0);
    assert_int_equal(app_send(&bob, "alice@localhost", "told", &row), EPODE_OK);
    both_until_message(&a, 1);
    assert_int_equal(receipts, 1);
    assert_int_equal(app_row_of(bob.client, row).state, EPODE_DELIVERY_RECEIVED);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void strangers_get_none_unless_that_is_wished(void **state)
{
    app a = { 0 };
    (void)state;
    open_alice(&a, NULL, 0);
    say(MESSAGE("type='chat' id='s1'", "<body>hello</body>"));
    both_until_message(&a, 1);
    assert_int_equal(receipts, 0);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
    open_alice(&a, NULL, EPODE_RECEIPTS_TO_ALL);
    unsigned before = a.messages;
    say(MESSAGE("type='chat' id='s2'", "<body>hello again</body>"));
    both_until_message(&a, before + 1);
    assert_int_equal(receipts, 1);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void where_none_are_wished_none_are_sent(void **state)
{
    app a = { 0 };
    (void)state;
    open_alice(&a, NULL, EPODE_NO_RECEIPTS);
    say(MESSAGE("type='chat' id='n1'", "<body>hello</body>"));
    both_until_message(&a, 1);
    assert_int_equal(receipts, 0);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

/* Of the account's two devices only the one that it was sent to answers. */
static void a_carbon_is_not_answered(void **state)
{
    app a = { 0 }, other = { 0 };
    char xml[512];
    (void)state;
    open_alice(&a, NULL, 0);
    open_alice(&other, NULL, 0);
    snprintf(xml, sizeof xml, "<message to='%s' type='chat' id='c1'><body>hello</body><request xmlns='urn:xmpp:receipts'/>"
             "</message>", epode_session_jid(epode_client_session(a.client)));
    say(xml);
    both_until_message(&a, 1);
    both_until_message(&other, 1);
    assert_true(server_counter(&srv, "carbons") > 0);
    assert_int_equal(receipts, 1);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_stop(&other, EPODE_STOP_CLOSE);
    app_close(&a);
    app_close(&other);
}

static void what_the_archive_brings_is_not_answered(void **state)
{
    app a = { 0 };
    (void)state;
    open_alice(&a, "archive.db", 0);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
    say(MESSAGE("type='chat' id='a1'", "<body>while away</body>"));
    app_for(&bob, 50);
    open_alice(&a, "archive.db", 0);
    both_until_message(&a, 1);
    assert_int_equal(receipts, 0);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void what_cannot_be_answered_is_not(void **state)
{
    app a = { 0 };
    (void)state;
    open_alice(&a, NULL, 0);
    say(MESSAGE("type='chat'", "<received xmlns='urn:xmpp:receipts' id='x'/><body>a loop</body>"));
    say("<message to='alice@localhost' type='chat' id='w1'><body>asks for none</body></message>");
    say(MESSAGE("type='error' id='w2'", "<body>an error</body>"));
    both_until_message(&a, 1);
    both_for(&a, 60);
    assert_int_equal(receipts, 0);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

/* A server that archives receipts gives ours back: it is one row, and nothing that is shown. */
static void a_receipt_is_archived_once(void **state)
{
    app a = { 0 };
    (void)state;
    server_say(&srv, "feature archive-everything on");
    open_alice(&a, "once.db", 0);
    say(MESSAGE("type='chat' id='o1'", "<body>hello</body>"));
    both_until_message(&a, 1);
    for (int i = 0; i < 3; i++) {
        app_stop(&a, EPODE_STOP_CLOSE);
        app_close(&a);
        open_alice(&a, "once.db", 0);
    }
    epode_query q = EPODE_QUERY_INIT;
    epode_cursor *cursor;
    const epode_message *m;
    unsigned shown = 0, rows = 0;
    for (int everything = 0; everything <= 1; everything++) {
        q.everything = everything;
        assert_int_equal(epode_store_messages(epode_client_store(a.client), &q, &cursor), EPODE_OK);
        while (epode_cursor_next(cursor, &m) == EPODE_OK)
            (*(everything ? &rows : &shown))++;
        epode_cursor_free(cursor);
    }
    assert_int_equal(shown, 1);
    assert_int_equal(rows, 2);
    assert_int_equal(receipts, 1);
    server_say(&srv, "feature archive-everything off");
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

/* The receipt is in the queue before it leaves, as is the message's count: a cut sends it once. */
static void a_cut_between_message_and_receipt_sends_it_once(void **state)
{
    app a = { 0 };
    (void)state;
    open_alice(&a, "cut.db", 0);
    say(MESSAGE("type='chat' id='k1'", "<body>hello</body>"));
    app_for(&bob, 50);
    app_until(&a, 5000, a.messages == 1);
    server_say(&srv, "drop-connections hard");
    app_until(&a, 8000, a.ready == 2);
    app_until(&bob, 8000, bob.ready == 2);
    both_for(&a, 200);
    assert_int_equal(receipts, 1);
    assert_int_equal(a.messages, 1);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_contact_who_may_see_us_gets_one, subscribed),
        cmocka_unit_test_setup(the_sender_of_a_message_hears_that_it_was_received, subscribed),
        cmocka_unit_test_setup(strangers_get_none_unless_that_is_wished, strangers),
        cmocka_unit_test_setup(where_none_are_wished_none_are_sent, subscribed),
        cmocka_unit_test_setup(a_carbon_is_not_answered, subscribed),
        cmocka_unit_test_setup(what_the_archive_brings_is_not_answered, subscribed),
        cmocka_unit_test_setup(what_cannot_be_answered_is_not, subscribed),
        cmocka_unit_test_setup(a_receipt_is_archived_once, subscribed),
        cmocka_unit_test_setup(a_cut_between_message_and_receipt_sends_it_once, subscribed),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
