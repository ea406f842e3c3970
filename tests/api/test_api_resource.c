/* Several resources on one stream (XEP-0193): who is bound, whose a stanza is, and whom one was for. */
#include "app.h"

static server srv;
static app bob;
static char at_bob[APP_NOTES]; /* stanzas, but answers to queries of the archive */

static void note_bob(app *a, const epode_event *event)
{
    (void)a;
    size_t used = strlen(at_bob);
    if (event->type == EPODE_EV_STANZA && !strstr(event->xml, "urn:xmpp:mam:2"))
        snprintf(at_bob + used, sizeof at_bob - used, "%s\n", event->xml);
}

static int start_all(void **state)
{
    (void)state;
    server_start(&srv, "--feature", "unbind=on", (char *)NULL);
    server_say(&srv, "roster-put bob alice@localhost to");
    server_say(&srv, "roster-put alice bob@localhost from");
    bob.on = note_bob;
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

static int empty(void **state)
{
    (void)state;
    server_say(&srv, "archive-purge alice@localhost 0");
    server_say(&srv, "archive-purge bob@localhost 0");
    server_say(&srv, "reset-counters");
    at_bob[0] = '\0';
    return 0;
}

typedef struct outcome {
    unsigned told;
    epode_status status;
    char jid[128], condition[48];
} outcome;

static void note(epode_client *client, const epode_resource_result *result, void *user)
{
    outcome *o = user;
    (void)client;
    assert_int_equal(result->size, sizeof *result);
    assert_int_equal(result->jid == NULL, result->error != NULL);
    o->told++;
    o->status = result->error ? epode_error_status(result->error) : EPODE_OK;
    const char *condition = result->error ? epode_error_condition(result->error) : NULL;
    snprintf(o->condition, sizeof o->condition, "%s", condition ? condition : "");
    snprintf(o->jid, sizeof o->jid, "%s", result->jid ? result->jid : "");
}

static void open_alice(app *a, const char *store, uint32_t flags)
{
    epode_options o = app_options(a, &srv, store);
    o.flags = flags;
    app_open(a, &o);
    epode_client_start(a->client);
    app_online(a);
    app_settled(a);
}

static outcome bind(app *a, const char *resource)
{
    outcome o = { 0 };
    const char *why = "x";
    assert_int_equal(epode_resource_bind(a->client, resource, note, &o, &why), EPODE_OK);
    assert_null(why);
    app_until(a, 5000, o.told);
    app_for(a, 20);
    assert_int_equal(o.told, 1);
    return o;
}

static outcome unbind(app *a, const char *resource)
{
    outcome o = { 0 };
    assert_int_equal(epode_resource_unbind(a->client, resource, note, &o, NULL), EPODE_OK);
    app_until(a, 5000, o.told);
    return o;
}

static void both_for(app *a, int64_t ms)
{
    for (int64_t end = app_now_ms() + ms; app_now_ms() < end;) {
        if (a->client)
            app_turn(a, app_now_ms() + 3);
        app_turn(&bob, app_now_ms() + 3);
    }
}

static void bob_hears(app *a, const char *text)
{
    for (int64_t end = app_now_ms() + 5000; !strstr(at_bob, text); both_for(a, 5))
        if (app_now_ms() > end)
            fail_msg("bob did not hear %s but %s", text, at_bob);
}

static const char *why_not(app *a, bool to_bind)
{
    static const char *why;
    why = NULL;
    assert_int_equal(to_bind ? epode_resource_bind(a->client, "balcony", NULL, NULL, &why)
                             : epode_resource_unbind(a->client, "balcony", NULL, NULL, &why), EPODE_ESTATE);
    assert_non_null(why);
    return why;
}

static void where_it_cannot_be_done_it_says_why(void **state)
{
    app a = { 0 };
    const char *why;
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    app_open(&a, &o);
    assert_string_equal(why_not(&a, true), "not-ready");
    assert_int_equal(epode_resource_count(a.client), 0);
    assert_null(epode_resource_at(a.client, 0));
    app_close(&a);
    open_alice(&a, NULL, 0);
    assert_string_equal(why_not(&a, true), "stream-management");
    assert_string_equal(why_not(&a, false), "stream-management");
    assert_int_equal(epode_resource_count(a.client), 1);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
    server_say(&srv, "feature unbind off");
    open_alice(&a, NULL, EPODE_MULTI_RESOURCE);
    assert_string_equal(why_not(&a, true), "not-offered");
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
    server_say(&srv, "feature unbind on");
    open_alice(&a, NULL, EPODE_MULTI_RESOURCE);
    assert_int_equal(epode_resource_bind(a.client, "", NULL, NULL, NULL), EPODE_EINVAL);
    assert_int_equal(epode_resource_unbind(a.client, NULL, NULL, NULL, NULL), EPODE_EINVAL);
    bind(&a, "balcony");
    assert_int_equal(epode_resource_bind(a.client, "balcony", NULL, NULL, &why), EPODE_ESTATE);
    assert_string_equal(why, "bound");
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void stanzas_name_their_sender_and_the_oldest_is_the_default(void **state)
{
    app a = { 0 };
    char text[400], first[128];
    (void)state;
    open_alice(&a, NULL, EPODE_MULTI_RESOURCE);
    snprintf(first, sizeof first, "%s", epode_resource_at(a.client, 0));
    assert_string_equal(first, epode_session_jid(epode_client_session(a.client)));
    outcome o = bind(&a, "balcony <'&>");
    assert_int_equal(o.status, EPODE_OK);
    assert_string_equal(o.jid, "alice@localhost/balcony <'&>");
    assert_int_equal(bind(&a, NULL).status, EPODE_OK);
    assert_int_equal(epode_resource_count(a.client), 3);
    assert_string_equal(epode_resource_at(a.client, 0), first);
    assert_string_equal(epode_resource_at(a.client, 1), "alice@localhost/balcony <'&>");
    /* Each has presence of its own, and asks for nothing without a name. */
    bob_hears(&a, "<presence from='alice@localhost/balcony &lt;&apos;&amp;&gt;'");
    epode_outgoing m = EPODE_OUTGOING_INIT;
    m.to = "bob@localhost";
    m.body = "from the default";
    assert_int_equal(epode_send_message(a.client, &m, NULL), EPODE_OK);
    m.body = "from the balcony";
    m.resource = "alice@localhost/balcony <'&>";
    assert_int_equal(epode_send_message(a.client, &m, NULL), EPODE_OK);
    bob_hears(&a, "from the balcony");
    snprintf(text, sizeof text, "from='%s'", first);
    assert_non_null(strstr(at_bob, text));
    const char *raw = "<message to='bob@localhost' type='chat' from='alice@localhost/balcony &lt;&apos;&amp;&gt;'><body>raw</body></message>";
    assert_int_equal(epode_send_xml(a.client, raw, strlen(raw)), EPODE_OK);
    raw = "<message to='bob@localhost' from='alice@localhost/nowhere'><body>raw</body></message>";
    assert_int_equal(epode_send_xml(a.client, raw, strlen(raw)), EPODE_EINVAL);
    m.resource = "bob@localhost/x";
    assert_int_equal(epode_send_message(a.client, &m, NULL), EPODE_EINVAL);
    bob_hears(&a, ">raw<");
    /* A name that is not bound when the message leaves: the default one's. */
    m.resource = "alice@localhost/earlier";
    m.body = "from one of before";
    assert_int_equal(epode_send_message(a.client, &m, NULL), EPODE_OK);
    bob_hears(&a, "from one of before");
    assert_int_equal(server_counter(&srv, "unknown-senders"), 0);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void note_resource(app *a, const epode_event *event)
{
    char *out = a->more;
    if (event->type == EPODE_EV_MESSAGE && event->change == EPODE_CHANGE_NEW)
        app_append(out, APP_NOTES, "%s;", event->resource ? event->resource : "-");
}

static void outcome_of(epode_client *client, const epode_iq_answer *answer, void *user)
{
    (void)client;
    *(epode_iq_outcome *)user = answer->outcome;
}

static void what_comes_says_whom_it_is_for_and_is_answered_by_that_one(void **state)
{
    char log[400] = "";
    app a = { .on = note_resource, .more = log };
    epode_iq_outcome asked = 0;
    (void)state;
    open_alice(&a, NULL, EPODE_MULTI_RESOURCE);
    bind(&a, "balcony");
    const char *m = "<message to='alice@localhost/balcony' type='chat' id='m'><body>up there</body><request "
                    "xmlns='urn:xmpp:receipts'/></message>";
    assert_int_equal(epode_send_xml(bob.client, m, strlen(m)), EPODE_OK);
    bob_hears(&a, "<received xmlns='urn:xmpp:receipts' id='m'");
    assert_string_equal(log, "alice@localhost/balcony;");
    const char *ping = "<iq type='get' to='alice@localhost/balcony'><ping xmlns='urn:xmpp:ping'/></iq>";
    assert_int_equal(epode_iq_xml(bob.client, ping, strlen(ping), 0, outcome_of, &asked, NULL), EPODE_OK);
    for (int64_t end = app_now_ms() + 5000; !asked && app_now_ms() < end;)
        both_for(&a, 5);
    assert_int_equal(asked, EPODE_IQ_RESULT); /* by its sender too */
    assert_non_null(strstr(at_bob, "from='alice@localhost/balcony'"));
    /* Requests are addressed by the stanza's from, and answered to that one. */
    asked = 0;
    ping = "<iq type='get' to='localhost' from='alice@localhost/balcony'><ping xmlns='urn:xmpp:ping'/></iq>";
    assert_int_equal(epode_iq_xml(a.client, ping, strlen(ping), 0, outcome_of, &asked, NULL), EPODE_OK);
    app_until(&a, 5000, asked);
    assert_int_equal(asked, EPODE_IQ_RESULT);
    assert_int_equal(server_counter(&srv, "unknown-senders"), 0);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static bool has_carbons(const char *jid)
{
    const char *at = strstr(server_say(&srv, "dump"), jid);
    at = at ? strstr(at, "\"carbons\":") : NULL;
    return at && at[strlen("\"carbons\":")] == '1';
}

static void when_the_oldest_goes_the_next_one_takes_its_place(void **state)
{
    app a = { 0 };
    char first[128];
    (void)state;
    open_alice(&a, NULL, EPODE_MULTI_RESOURCE);
    snprintf(first, sizeof first, "%s", epode_resource_at(a.client, 0));
    bind(&a, "balcony");
    bind(&a, "softphone");
    assert_true(has_carbons(first));
    assert_false(has_carbons("alice@localhost/balcony"));
    unsigned synced = a.synced;
    outcome o = unbind(&a, strchr(first, '/') + 1);
    assert_int_equal(o.status, EPODE_OK);
    assert_string_equal(o.jid, first);
    assert_int_equal(epode_resource_count(a.client), 2);
    assert_string_equal(epode_resource_at(a.client, 0), "alice@localhost/balcony");
    assert_string_equal(epode_session_jid(epode_client_session(a.client)), "alice@localhost/balcony");
    app_until(&a, 5000, a.rosters == 2 && a.synced > synced);
    app_for(&a, 50);
    assert_true(has_carbons("alice@localhost/balcony"));
    assert_false(has_carbons("alice@localhost/softphone"));
    /* The roster's changes come to the new one. */
    server_say(&srv, "roster-put alice carol@localhost none Carol");
    app_until(&a, 5000, a.contacts_changed > 1);
    server_say(&srv, "roster-put alice carol@localhost remove");
    /* With one left it is as with one from the beginning. */
    assert_int_equal(unbind(&a, "softphone").status, EPODE_OK);
    uint64_t row;
    assert_int_equal(app_send(&a, "bob@localhost", "from the last one", &row), EPODE_OK);
    bob_hears(&a, "from the last one");
    assert_int_equal(server_counter(&srv, "unknown-senders"), 0);
    assert_int_equal(a.offline, 0);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void the_end_of_the_last_one_is_a_clean_stop(void **state)
{
    app a = { 0 };
    (void)state;
    open_alice(&a, NULL, EPODE_MULTI_RESOURCE);
    char *first = strchr(epode_resource_at(a.client, 0), '/') + 1;
    char name[128];
    snprintf(name, sizeof name, "%s", first);
    bind(&a, "balcony");
    assert_int_equal(unbind(&a, name).status, EPODE_OK);
    assert_int_equal(unbind(&a, "balcony").status, EPODE_OK);
    app_until(&a, 5000, a.stopped);
    assert_int_equal(a.why[a.state_count - 1], EPODE_OK);
    assert_int_equal(a.offline, 0);
    assert_null(epode_client_error(a.client));
    app_for(&a, 1500);
    assert_int_equal(a.states[a.state_count - 1], EPODE_STOPPED);
    /* And it can be started again. */
    epode_client_start(a.client);
    app_until(&a, 5000, a.ready == 2);
    assert_int_equal(epode_resource_count(a.client), 1);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void what_the_server_refuses_is_told_with_its_condition(void **state)
{
    app a = { 0 };
    epode_iq_outcome asked = 0;
    (void)state;
    open_alice(&a, NULL, EPODE_MULTI_RESOURCE);
    bind(&a, "balcony");
    server_say(&srv, "feature unbind-max 2");
    outcome o = bind(&a, "softphone");
    assert_int_equal(o.status, EPODE_EBIND);
    assert_string_equal(o.condition, "not-allowed");
    server_say(&srv, "feature unbind-max 5");
    o = unbind(&a, "nowhere");
    assert_int_equal(o.status, EPODE_EBIND);
    assert_string_equal(o.condition, "item-not-found");
    server_say(&srv, "fault bind-conflict 1");
    assert_string_equal(bind(&a, "softphone").condition, "conflict");
    server_say(&srv, "feature unbind off");
    assert_string_equal(bind(&a, "softphone").condition, "service-unavailable");
    server_say(&srv, "feature unbind on");
    /* The server knows less than we think. */
    bind(&a, "softphone");
    server_say(&srv, "session-end alice@localhost/softphone");
    const char *ping = "<iq type='get' to='localhost' from='alice@localhost/softphone'><ping xmlns='urn:xmpp:ping'/></iq>";
    assert_int_equal(epode_iq_xml(a.client, ping, strlen(ping), 0, outcome_of, &asked, NULL), EPODE_OK);
    app_until(&a, 5000, asked);
    assert_int_equal(asked, EPODE_IQ_ERROR);
    assert_int_equal(server_counter(&srv, "unknown-senders"), 1);
    uint64_t row;
    epode_outgoing m = EPODE_OUTGOING_INIT;
    m.to = "bob@localhost";
    m.body = "of nobody";
    m.resource = "alice@localhost/softphone";
    assert_int_equal(epode_send_message(a.client, &m, &row), EPODE_OK);
    app_until(&a, 5000, a.failed);
    assert_string_equal(app_row_of(a.client, row).reason, "unknown-sender");
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void note_again(app *a, const epode_event *event)
{
    const char *condition = event->error ? epode_error_condition(event->error) : NULL;
    if (event->type == EPODE_EV_RESOURCE)
        app_append(a->more, APP_NOTES, "%s=%s;", strchr(event->peer, '/') + 1,
                   condition ? condition : strchr(event->resource, '/') + 1);
}

static void anew(app *a)
{
    unsigned ready = a->ready;
    app_stop(a, EPODE_STOP_CLOSE);
    assert_int_equal(epode_resource_count(a->client), 0);
    epode_client_start(a->client);
    app_until(a, 8000, a->ready == ready + 1);
}

static void what_was_bound_is_bound_again_in_the_next_session(void **state)
{
    char log[APP_NOTES] = "";
    app a = { .on = note_again, .more = log };
    outcome o = { 0 };
    (void)state;
    open_alice(&a, "cut.db", EPODE_MULTI_RESOURCE);
    bind(&a, "balcony");
    bind(&a, "softphone");
    bind(&a, "cellar");
    assert_int_equal(unbind(&a, "cellar").status, EPODE_OK);
    unsigned bobs = bob.ready;
    server_say(&srv, "drop-connections hard");
    assert_int_equal(epode_resource_bind(a.client, "attic", note, &o, NULL), EPODE_OK);
    app_until(&a, 8000, a.offline);
    assert_int_equal(epode_resource_count(a.client), 0);
    app_until(&a, 5000, o.told);
    assert_int_equal(o.status, EPODE_ECANCELLED);
    /* It waits until its sender is there again. */
    epode_outgoing m = EPODE_OUTGOING_INIT;
    m.to = "bob@localhost";
    m.body = "from up there again";
    m.resource = "alice@localhost/balcony";
    assert_int_equal(epode_send_message(a.client, &m, NULL), EPODE_OK);
    app_until(&a, 20000, a.ready == 2 && strstr(log, "softphone"));
    app_until(&bob, 20000, bob.ready == bobs + 1);
    bob_hears(&a, "from up there again");
    const char *end = strstr(at_bob, "from up there again"), *start = end;
    while (start > at_bob && start[-1] != '\n')
        start--;
    assert_memory_equal(start, "<message ", 9);
    const char *from = strstr(start, "from='alice@localhost/balcony'");
    assert_true(from && from < end);
    app_for(&a, 100);
    assert_string_equal(log, "balcony=balcony;softphone=softphone;");
    assert_int_equal(epode_resource_count(a.client), 3);
    assert_string_equal(epode_resource_at(a.client, 1), "alice@localhost/balcony");
    assert_string_equal(epode_resource_at(a.client, 2), "alice@localhost/softphone");
    bob_hears(&a, "<presence from='alice@localhost/softphone'");
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void one_that_is_refused_is_told_once(void **state)
{
    char log[APP_NOTES] = "";
    app a = { .on = note_again, .more = log };
    (void)state;
    open_alice(&a, NULL, EPODE_MULTI_RESOURCE);
    bind(&a, "balcony");
    bind(&a, "softphone");
    /* Who has the name may be gone the next time. */
    server_say(&srv, "fault bind-conflict 1");
    anew(&a);
    app_until(&a, 5000, strstr(log, "softphone"));
    assert_string_equal(log, "balcony=conflict;softphone=softphone;");
    assert_int_equal(epode_resource_count(a.client), 2);
    log[0] = '\0';
    server_say(&srv, "feature unbind-max 2");
    anew(&a);
    app_until(&a, 5000, strstr(log, "softphone"));
    assert_string_equal(log, "balcony=balcony;softphone=not-allowed;");
    /* A server that cannot: it says so, and then it is known beforehand. */
    server_say(&srv, "feature unbind-max 5");
    server_say(&srv, "feature unbind off");
    log[0] = '\0';
    anew(&a);
    app_until(&a, 5000, strstr(log, ";"));
    assert_string_equal(log, "balcony=service-unavailable;");
    anew(&a);
    app_until(&a, 5000, strstr(log, "implemented;"));
    assert_string_equal(log, "balcony=service-unavailable;balcony=feature-not-implemented;");
    assert_int_equal(epode_resource_count(a.client), 1);
    server_say(&srv, "feature unbind on");
    anew(&a);
    log[0] = '\0';
    anew(&a);
    app_until(&a, 5000, strstr(log, ";"));
    app_for(&a, 50);
    assert_string_equal(log, "balcony=balcony;");
    /* Without a session the wish alone is taken back. */
    app_stop(&a, EPODE_STOP_CLOSE);
    assert_int_equal(epode_resource_unbind(a.client, "balcony", NULL, NULL, NULL), EPODE_DONE);
    assert_int_equal(epode_resource_unbind(a.client, "balcony", NULL, NULL, NULL), EPODE_ESTATE);
    epode_client_start(a.client);
    app_online(&a);
    app_for(&a, 50);
    assert_string_equal(log, "balcony=balcony;");
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void freeing_the_client_tells_who_waits(void **state)
{
    app a = { 0 };
    outcome o = { 0 };
    (void)state;
    open_alice(&a, NULL, EPODE_MULTI_RESOURCE);
    assert_int_equal(epode_resource_bind(a.client, "balcony", note, &o, NULL), EPODE_OK);
    app_close(&a);
    assert_int_equal(o.told, 1);
    assert_int_equal(o.status, EPODE_ECANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(where_it_cannot_be_done_it_says_why, empty),
        cmocka_unit_test_setup(stanzas_name_their_sender_and_the_oldest_is_the_default, empty),
        cmocka_unit_test_setup(what_comes_says_whom_it_is_for_and_is_answered_by_that_one, empty),
        cmocka_unit_test_setup(when_the_oldest_goes_the_next_one_takes_its_place, empty),
        cmocka_unit_test_setup(the_end_of_the_last_one_is_a_clean_stop, empty),
        cmocka_unit_test_setup(what_the_server_refuses_is_told_with_its_condition, empty),
        cmocka_unit_test_setup(what_was_bound_is_bound_again_in_the_next_session, empty),
        cmocka_unit_test_setup(one_that_is_refused_is_told_once, empty),
        cmocka_unit_test_setup(freeing_the_client_tells_who_waits, empty),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
