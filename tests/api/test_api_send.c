/* Sending: what is taken, what is refused, and what is told of what became of it. */
#include <strophe.h>

#include "app.h"

static server srv;
static app alice, bob;

static void bob_on_stanza(app *a, const epode_event *event)
{
    char *xml = a->more;
    if (event->type != EPODE_EV_STANZA || strstr(event->xml, "urn:xmpp:mam:2"))
        return;
    if (strstr(event->xml, "<message") || strstr(event->xml, "ping-1"))
        snprintf(xml, 4096, "%s", event->xml);
}

static char at_bob[4096];

/* Alice and bob are online for all of these tests. */
static int start_all(void **state)
{
    (void)state;
    server_start(&srv, "--feature", "max-bytes=2000000", (char *)NULL);
    app_start(&alice, &srv, "alice.db");
    bob.on = bob_on_stanza;
    bob.more = at_bob;
    epode_options o = app_options(&bob, &srv, "bob.db");
    o.jid = "bob@localhost";
    o.password = "bob-pw";
    o.flags = EPODE_RAW_STANZAS;
    app_open(&bob, &o);
    epode_client_start(bob.client);
    app_online(&alice);
    app_online(&bob);
    app_synced(&bob);
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    app_stop(&alice, EPODE_STOP_CLOSE);
    app_stop(&bob, EPODE_STOP_CLOSE);
    app_close(&alice);
    app_close(&bob);
    server_stop(&srv);
    return 0;
}

static void bob_gets(const char *text)
{
    int64_t end = app_now_ms() + 5000;
    while (!strstr(at_bob, text)) {
        if (app_now_ms() > end)
            fail_msg("bob did not get %s but %s", text, at_bob);
        app_turn(&alice, app_now_ms() + 5);
        app_turn(&bob, app_now_ms() + 5);
    }
}

static epode_status send_text(const char *xml)
{
    return epode_send_xml(alice.client, xml, strlen(xml));
}

static void a_chat_message_arrives_and_is_acknowledged(void **state)
{
    uint64_t row = 0;
    unsigned sent = alice.sent, before = alice.acknowledged;
    (void)state;
    assert_int_equal(app_send(&alice, "bob@localhost", "Tom & <Jerry> \"\xc3\xa9\"\n'", &row), EPODE_OK);
    app_row queued = app_row_of(alice.client, row);
    assert_true(queued.found && queued.outgoing);
    assert_int_equal(strlen(queued.id), 36);
    app_until(&alice, 5000, alice.acknowledged == before + 1);
    assert_int_equal(alice.sent, sent + 1);
    assert_int_equal(alice.last_delivery_row, row);
    assert_string_equal(alice.last_id, queued.id);
    assert_int_equal(app_row_of(alice.client, row).state, EPODE_DELIVERY_ACKNOWLEDGED);
    bob_gets("<body>Tom &amp; &lt;Jerry&gt; &quot;\xc3\xa9&quot;\n&apos;</body>");
    assert_non_null(strstr(at_bob, queued.id));
    assert_non_null(strstr(at_bob, "urn:xmpp:receipts"));
    assert_non_null(strstr(at_bob, "urn:xmpp:chat-markers:0"));
}

static void a_chat_message_needs_a_jid_and_text(void **state)
{
    static const char *const jids[] = { "", "@localhost", "bob@", "b ob@localhost", "bob@local host", "bob@localhost/",
                                        "\xff@localhost", NULL };
    static const char *const bodies[] = { "\xff", "\xc3", "\x01", "a\x1f", "\xed\xa0\x80", "\xef\xbf\xbf" };
    static const char *const xml[] = { "<x", "<x>", "</x>", "</message>", "</message><message to='a@b'>", "&nosuch;",
                                       "<!-- c -->", "<?pi?>", "\xff" };
    epode_outgoing m = EPODE_OUTGOING_INIT;
    uint64_t row = 4711;
    (void)state;
    for (size_t i = 0; i < sizeof jids / sizeof *jids; i++)
        assert_int_equal(app_send(&alice, jids[i], "hello", &row), EPODE_EINVAL);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_int_equal(app_send(&alice, "bob@localhost", bodies[i], &row), EPODE_EINVAL);
    assert_int_equal(app_send(&alice, "bob@localhost", NULL, &row), EPODE_EINVAL);
    m.to = "bob@localhost";
    for (size_t i = 0; i < sizeof xml / sizeof *xml; i++) {
        m.xml = xml[i];
        if (epode_send_message(alice.client, &m, &row) != EPODE_EINVAL)
            fail_msg("was not refused: %s", xml[i]);
    }
    assert_int_equal(epode_send_message(alice.client, NULL, &row), EPODE_EINVAL);
    m.size = 0;
    assert_int_equal(epode_send_message(alice.client, &m, &row), EPODE_EINVAL);
    assert_int_equal(row, 4711);
    /* Nothing of all this has harmed the stream. */
    assert_int_equal(app_send(&alice, "bob@localhost", "still here", &row), EPODE_OK);
    bob_gets("still here");
}

static void what_is_not_one_whole_stanza_is_refused(void **state)
{
    static const char *const rows[] = {
        "", " ", "text", "<message", "<message>", "<message></presence>", "<message/><message/>", "<message/>text",
        "text<message/>", "<!-- c --><message/>", "<message><!-- c --></message>", "<?pi?><message/>",
        "<message><?pi?></message>", "<!DOCTYPE message><message/>",
        "<!DOCTYPE m [<!ENTITY a 'b'>]><message><body>&a;</body></message>", "<message><body>&nosuch;</body></message>",
        "<message><body>\xff</body></message>", "<message><body>&#1;</body></message>", "<message a='1' a='2'/>",
        "<message><x:y/></message>", "<foo/>", "<message xmlns='jabber:server'/>", "<r xmlns='urn:xmpp:sm:3'/>",
        "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'/>", "</stream:stream>",
        "<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>", /* no id */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (send_text(rows[i]) != EPODE_EINVAL)
            fail_msg("was not refused: %s", rows[i]);
    assert_int_equal(epode_send_xml(alice.client, "<message/>\0", 11), EPODE_EINVAL);
    assert_int_equal(epode_send_xml(alice.client, NULL, 0), EPODE_EINVAL);
    assert_int_equal(send_text("<message to='bob@localhost' type='chat'><body>in order</body></message>"), EPODE_OK);
    bob_gets("in order");
}

static void a_message_without_an_id_gets_one_and_keeps_its_own(void **state)
{
    (void)state;
    assert_int_equal(send_text("<message to='bob@localhost' type='chat'><body>given</body></message>"), EPODE_OK);
    bob_gets(">given<");
    const char *id = strstr(at_bob, " id='");
    assert_non_null(id);
    assert_int_equal(strcspn(id + 5, "'"), 36);
    assert_int_equal(send_text("<message to='bob@localhost' id='mine' type='chat'><body>own</body></message>"), EPODE_OK);
    bob_gets(" id='mine'");
}

static void an_empty_message_is_a_message(void **state)
{
    (void)state;
    assert_int_equal(send_text("<message to='bob@localhost' id='empty'/>"), EPODE_OK);
    bob_gets("id='empty'");
}

static void prefixes_namespaces_and_languages_arrive_as_they_were_meant(void **state)
{
    (void)state;
    assert_int_equal(send_text("<c:message xmlns:c='jabber:client' to='bob@localhost' type='chat' xml:lang='el'>"
                               "<c:body>prefixed</c:body><p:x xmlns:p='urn:p' p:a='1'><p:y/></p:x></c:message>"),
                     EPODE_OK);
    bob_gets("prefixed");
    assert_non_null(strstr(at_bob, "xml:lang='el'"));
    assert_non_null(strstr(at_bob, "urn:p"));
    assert_null(strstr(at_bob, "c:body"));
}

static void a_megabyte_passes(void **state)
{
    enum { MEGABYTE = 1 << 20 };
    unsigned before = alice.acknowledged;
    char *body = test_malloc(MEGABYTE + 1);
    (void)state;
    memset(body, 'x', MEGABYTE);
    body[MEGABYTE] = '\0';
    assert_int_equal(app_send(&alice, "bob@localhost", body, NULL), EPODE_OK);
    app_until(&alice, 10000, alice.acknowledged == before + 1);
    bob_gets("<body>xxxxxxxxxxxxxxxxxxxx");
    test_free(body);
}

static epode_status send_large(app *a, const char *body)
{
    char xml[20100];
    snprintf(xml, sizeof xml, "<message to='bob@localhost'><body>%s</body></message>", body);
    return epode_send_xml(a->client, xml, strlen(xml));
}

/* It would end the stream, and each one after it: a resumed session sends it again (XEP-0478, XEP-0198). */
static void what_is_larger_than_the_server_takes_fails_and_does_not_leave(void **state)
{
    server small;
    char body[20000];
    uint64_t row = 0;
    (void)state;
    memset(body, 'x', sizeof body);
    body[sizeof body - 1] = '\0';
    server_start(&small, "--feature", "max-bytes=10000", (char *)NULL);
    for (int start = 0; start < 3; start++) {
        app a = { 0 };
        app_start(&a, &small, "small.db");
        app_online(&a);
        assert_int_equal(epode_session_is_resumed(epode_client_session(a.client)), start == 2);
        app_for(&a, 50);
        assert_int_equal(app_send(&a, "bob@localhost", body, &row), EPODE_OK);
        assert_int_equal(app_send(&a, "bob@localhost", body + sizeof body / 2 + 1000, NULL), EPODE_OK);
        app_until(&a, 5000, a.acknowledged == 1 && a.failed == 1);
        assert_string_equal(app_row_of(a.client, row).reason, "too-large");
        assert_int_equal(app_row_of(a.client, row).state, EPODE_DELIVERY_FAILED);
        assert_int_equal(send_large(&a, body), EPODE_ELIMIT);
        assert_int_equal(a.offline, 0);
        app_stop(&a, start ? EPODE_STOP_RESUMABLE : EPODE_STOP_CLOSE);
        app_close(&a);
    }
    server_stop(&small);
}

static void a_stanza_of_libstrophe_is_sent_and_stays_the_callers(void **state)
{
    xmpp_ctx_t *ctx = epode_client_ctx(alice.client);
    xmpp_stanza_t *message = xmpp_message_new(ctx, "chat", "bob@localhost", "strophe-1");
    (void)state;
    assert_int_equal(xmpp_message_set_body(message, "<built> & sent"), XMPP_EOK);
    assert_int_equal(epode_send(alice.client, message), EPODE_OK);
    assert_string_equal(xmpp_stanza_get_id(message), "strophe-1");
    bob_gets("&lt;built&gt; &amp; sent");
    at_bob[0] = '\0';
    assert_int_equal(epode_send(alice.client, message), EPODE_OK);
    bob_gets("&lt;built&gt; &amp; sent");
    xmpp_stanza_release(message);
}

static void a_stanza_of_libstrophe_that_is_none_is_refused(void **state)
{
    xmpp_ctx_t *ctx = epode_client_ctx(alice.client);
    xmpp_stanza_t *nameless = xmpp_stanza_new(ctx), *text = xmpp_stanza_new(ctx), *other = xmpp_stanza_new(ctx);
    (void)state;
    xmpp_stanza_set_text(text, "only text");
    xmpp_stanza_set_name(other, "other");
    assert_int_equal(epode_send(alice.client, nameless), EPODE_EINVAL);
    assert_int_equal(epode_send(alice.client, text), EPODE_EINVAL);
    assert_int_equal(epode_send(alice.client, other), EPODE_EINVAL);
    xmpp_stanza_release(nameless);
    xmpp_stanza_release(text);
    xmpp_stanza_release(other);
}

static void an_iq_is_answered_as_a_raw_stanza(void **state)
{
    static const char ping[] = "<iq type='get' id='ping-1' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>";
    (void)state;
    at_bob[0] = '\0';
    assert_int_equal(epode_send_xml(bob.client, ping, sizeof ping - 1), EPODE_OK);
    bob_gets("id='ping-1'");
    assert_non_null(strstr(at_bob, "type='result'"));
}

static void before_ready_a_message_is_kept_and_a_stanza_refused(void **state)
{
    uint64_t rows[3];
    app a = { 0 };
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    app_open(&a, &o);
    xmpp_stanza_t *message = xmpp_message_new(epode_client_ctx(a.client), "chat", "bob@localhost", "early");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(epode_send(a.client, message), EPODE_ESTATE);
        assert_int_equal(epode_send_xml(a.client, "<message/>", 10), EPODE_ESTATE);
        assert_int_equal(app_send(&a, "bob@localhost", "queued", &rows[i]), EPODE_OK);
        assert_int_equal(app_row_of(a.client, rows[i]).state, EPODE_DELIVERY_QUEUED);
        if (i == 0)
            epode_client_start(a.client);
        app_turn(&a, app_now_ms() + 10);
    }
    app_online(&a);
    app_until(&a, 5000, a.acknowledged == 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(app_row_of(a.client, rows[i]).state, EPODE_DELIVERY_ACKNOWLEDGED);
    bob_gets("queued");
    app_stop(&a, EPODE_STOP_CLOSE);
    assert_int_equal(app_send(&a, "bob@localhost", "late", &rows[0]), EPODE_OK);
    app_for(&a, 50);
    assert_int_equal(app_row_of(a.client, rows[0]).state, EPODE_DELIVERY_QUEUED);
    xmpp_stanza_release(message);
    app_close(&a);
    assert_null(strstr(at_bob, "early"));
}

static void without_stream_management_a_ping_acknowledges(void **state)
{
    uint64_t row = 0;
    const char *why;
    app a = { 0 };
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    o.flags = EPODE_NO_SM;
    app_open(&a, &o);
    epode_client_start(a.client);
    app_online(&a);
    assert_false(epode_session_has(epode_client_session(a.client), EPODE_FEATURE_SM, &why));
    assert_string_equal(why, "not-wanted");
    assert_int_equal(app_send(&a, "bob@localhost", "unmanaged", &row), EPODE_OK);
    app_until(&a, 5000, a.sent == 1);
    assert_int_equal(a.last_delivery_row, row);
    app_until(&a, 5000, a.acknowledged == 1);
    bob_gets("unmanaged");
    app_stop(&a, EPODE_STOP_CLOSE);
    assert_int_equal(a.acknowledged, 1);
    app_close(&a);
}

/* What the server has not confirmed when the connection is cut goes out again, once, and is told once. */
static void what_was_sent_into_a_cut_connection_arrives_once(void **state)
{
    app a = { 0 };
    uint64_t row = 0;
    (void)state;
    app_start(&a, &srv, "cut.db");
    app_online(&a);
    server_say(&srv, "fault cut-at *:1"); /* the answer will not come */
    assert_int_equal(app_send(&a, "bob@localhost", "through the cut", &row), EPODE_OK);
    app_until(&a, 5000, a.offline == 1);
    server_say(&srv, "fault cut-at off");
    assert_int_equal(a.acknowledged, 0);
    app_until(&a, 9000, a.ready == 2 && a.acknowledged == 1);
    assert_int_equal(a.last_delivery_row, row);
    app_for(&a, 100);
    assert_int_equal(a.acknowledged, 1);
    bob_gets("through the cut");
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chat_message_arrives_and_is_acknowledged),
        cmocka_unit_test(a_chat_message_needs_a_jid_and_text),
        cmocka_unit_test(what_is_not_one_whole_stanza_is_refused),
        cmocka_unit_test(a_message_without_an_id_gets_one_and_keeps_its_own),
        cmocka_unit_test(an_empty_message_is_a_message),
        cmocka_unit_test(prefixes_namespaces_and_languages_arrive_as_they_were_meant),
        cmocka_unit_test(a_megabyte_passes),
        cmocka_unit_test(what_is_larger_than_the_server_takes_fails_and_does_not_leave),
        cmocka_unit_test(a_stanza_of_libstrophe_is_sent_and_stays_the_callers),
        cmocka_unit_test(a_stanza_of_libstrophe_that_is_none_is_refused),
        cmocka_unit_test(an_iq_is_answered_as_a_raw_stanza),
        cmocka_unit_test(before_ready_a_message_is_kept_and_a_stanza_refused),
        cmocka_unit_test(without_stream_management_a_ping_acknowledges),
        cmocka_unit_test(what_was_sent_into_a_cut_connection_arrives_once),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
