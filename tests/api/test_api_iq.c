/* Requests: each gets exactly one outcome, from the one who was asked, whatever becomes of the connection. */
#include <strophe.h>

#include "app.h"

#define PING "<iq type='get' to='localhost' id='mine'><ping xmlns='urn:xmpp:ping'/></iq>"
#define SELF "<iq type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
#define ODD  "<iq type='set' to='localhost'><odd xmlns='urn:example:odd'/></iq>"

static server srv;

typedef struct record {
    unsigned told;
    epode_iq_outcome outcome;
    bool again, without_client;
    uint64_t id;
    char condition[48], xml[4096];
    epode_client *free; /* freed in the callback */
} record;

static void note(epode_client *client, const epode_iq_answer *answer, void *user)
{
    record *r = user;
    assert_int_equal(answer->size, sizeof *answer);
    assert_int_equal(answer->xml != NULL, answer->outcome == EPODE_IQ_RESULT || answer->outcome == EPODE_IQ_ERROR);
    assert_int_equal(answer->condition != NULL, answer->outcome == EPODE_IQ_ERROR);
    r->told++;
    r->outcome = answer->outcome;
    r->again = answer->again;
    r->id = answer->id;
    r->without_client = !client;
    snprintf(r->condition, sizeof r->condition, "%s", answer->condition ? answer->condition : "");
    if (answer->xml) {
        assert_int_equal(strlen(answer->xml), answer->xml_len);
        snprintf(r->xml, sizeof r->xml, "%s", answer->xml);
    }
    if (r->free)
        epode_client_free(client);
}

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

static int mend_server(void **state)
{
    (void)state;
    server_say(&srv, "fault ignore-iq off");
    server_say(&srv, "fault forged-answer off");
    return 0;
}

static epode_status ask(app *a, const char *xml, uint32_t ms, record *r, uint64_t *id)
{
    return epode_iq_xml(a->client, xml, strlen(xml), ms, note, r, id);
}

static void ready(app *a, const char *store)
{
    app_start(a, &srv, store);
    app_until(a, 5000, a->ready && a->rosters && a->synced);
}

static void done(app *a)
{
    app_stop(a, EPODE_STOP_CLOSE);
    app_close(a);
}

static void an_answer_comes_once_under_an_id_of_ours(void **state)
{
    app a = { 0 };
    record r = { 0 };
    uint64_t id = 0;
    (void)state;
    ready(&a, NULL);
    assert_int_equal(ask(&a, PING, 0, &r, &id), EPODE_OK);
    assert_int_equal(r.told, 0);
    app_until(&a, 5000, r.told);
    assert_int_equal(r.outcome, EPODE_IQ_RESULT);
    assert_int_equal(r.id, id);
    assert_null(strstr(r.xml, "id='mine'"));
    assert_non_null(strstr(r.xml, "from='localhost'"));
    app_for(&a, 50);
    assert_int_equal(r.told, 1);
    assert_int_equal(epode_iq_cancel(a.client, id), EPODE_DONE);
    done(&a);
    assert_int_equal(r.told, 1);
}

static void the_account_itself_answers_without_a_name(void **state)
{
    app a = { 0 };
    record r = { 0 }, named = { 0 };
    (void)state;
    ready(&a, NULL);
    assert_int_equal(ask(&a, SELF, 0, &r, NULL), EPODE_OK);
    assert_int_equal(ask(&a, "<iq type='get' to='Alice@LOCALHOST'><ping xmlns='urn:xmpp:ping'/></iq>", 0, &named, NULL),
                     EPODE_OK);
    app_until(&a, 5000, r.told && named.told);
    assert_int_equal(r.outcome, EPODE_IQ_RESULT);
    assert_int_equal(named.outcome, EPODE_IQ_RESULT);
    assert_non_null(strstr(r.xml, "urn:xmpp:mam:2"));
    done(&a);
}

static void an_error_is_told_with_its_condition(void **state)
{
    app a = { 0 };
    record r = { 0 };
    (void)state;
    ready(&a, NULL);
    assert_int_equal(ask(&a, ODD, 0, &r, NULL), EPODE_OK);
    app_until(&a, 5000, r.told);
    assert_int_equal(r.outcome, EPODE_IQ_ERROR);
    assert_string_equal(r.condition, "service-unavailable");
    done(&a);
}

static void a_stanza_of_libstrophe_is_asked_and_answered(void **state)
{
    app a = { 0 };
    record r = { 0 };
    (void)state;
    ready(&a, NULL);
    xmpp_ctx_t *ctx = epode_client_ctx(a.client);
    xmpp_stanza_t *iq = xmpp_iq_new(ctx, "get", "mine"), *ping = xmpp_stanza_new(ctx);
    xmpp_stanza_set_to(iq, "localhost");
    xmpp_stanza_set_name(ping, "ping");
    xmpp_stanza_set_ns(ping, "urn:xmpp:ping");
    xmpp_stanza_add_child(iq, ping);
    xmpp_stanza_release(ping);
    assert_int_equal(epode_iq(a.client, iq, 0, note, &r, NULL), EPODE_OK);
    xmpp_stanza_release(iq);
    app_until(&a, 5000, r.told);
    assert_int_equal(r.outcome, EPODE_IQ_RESULT);
    epode_iq_answer answer = { .xml = r.xml, .xml_len = strlen(r.xml) }, none = { 0 };
    xmpp_stanza_t *got = epode_iq_stanza(a.client, &answer);
    assert_string_equal(xmpp_stanza_get_type(got), "result");
    xmpp_stanza_release(got);
    assert_null(epode_iq_stanza(a.client, &none));
    done(&a);
}

static void what_nobody_answers_ends_with_its_time(void **state)
{
    app a = { 0 };
    record r = { 0 }, later = { 0 };
    (void)state;
    ready(&a, NULL);
    server_say(&srv, "fault ignore-iq on");
    assert_int_equal(ask(&a, PING, 20000, &later, NULL), EPODE_OK);
    assert_int_equal(ask(&a, PING, 30, &r, NULL), EPODE_OK);
    app_until(&a, 5000, r.told);
    assert_int_equal(r.outcome, EPODE_IQ_TIMEOUT);
    assert_int_equal(later.told, 0);
    done(&a);
    assert_int_equal(r.told, 1);
    assert_int_equal(later.told, 1);
    assert_int_equal(later.outcome, EPODE_IQ_CANCELLED);
    assert_false(later.again);
}

static void an_answer_by_somebody_else_is_none(void **state)
{
    app a = { 0 };
    record r = { 0 }, self = { 0 };
    (void)state;
    ready(&a, NULL);
    server_say(&srv, "fault forged-answer 2");
    assert_int_equal(ask(&a, PING, 0, &r, NULL), EPODE_OK);
    assert_int_equal(ask(&a, SELF, 0, &self, NULL), EPODE_OK);
    app_until(&a, 5000, r.told && self.told);
    assert_non_null(strstr(r.xml, "from='localhost'"));
    assert_non_null(strstr(self.xml, "urn:xmpp:mam:2"));
    app_for(&a, 50);
    assert_int_equal(r.told + self.told, 2);
    done(&a);
}

static void what_is_cancelled_says_so_once(void **state)
{
    app a = { 0 };
    record r = { 0 };
    uint64_t id;
    (void)state;
    ready(&a, NULL);
    server_say(&srv, "fault ignore-iq on");
    assert_int_equal(ask(&a, PING, 0, &r, &id), EPODE_OK);
    app_for(&a, 20);
    assert_int_equal(epode_iq_cancel(a.client, id + 100), EPODE_DONE);
    assert_int_equal(epode_iq_cancel(a.client, id), EPODE_OK);
    assert_int_equal(epode_iq_cancel(a.client, id), EPODE_DONE);
    assert_int_equal(r.told, 0);
    app_until(&a, 5000, r.told);
    assert_int_equal(r.outcome, EPODE_IQ_CANCELLED);
    assert_false(r.again);
    done(&a);
    assert_int_equal(r.told, 1);
}

/* The answer is lost on its way: the server's queue of stream management has it. */
static void a_resumed_session_goes_on_waiting(void **state)
{
    app a = { 0 };
    record r = { 0 };
    (void)state;
    ready(&a, "resumed.db");
    app_settled(&a);
    server_say(&srv, "fault cut-at *:1");
    assert_int_equal(ask(&a, PING, 0, &r, NULL), EPODE_OK);
    app_until(&a, 5000, a.offline);
    server_say(&srv, "fault cut-at off");
    assert_int_equal(r.told, 0);
    app_until(&a, 8000, r.told);
    assert_int_equal(a.ready, 2);
    assert_true(epode_session_is_resumed(epode_client_session(a.client)));
    assert_int_equal(r.outcome, EPODE_IQ_RESULT);
    done(&a);
    assert_int_equal(r.told, 1);
}

static void a_new_session_ends_the_wait_and_says_that_it_may_be_asked_again(void **state)
{
    app a = { 0 };
    record r = { 0 };
    (void)state;
    ready(&a, "again.db");
    server_say(&srv, "fault ignore-iq on");
    assert_int_equal(ask(&a, PING, 0, &r, NULL), EPODE_OK);
    app_for(&a, 50);
    server_say(&srv, "drop-connections hard");
    server_say(&srv, "forget-sm");
    mend_server(NULL);
    app_until(&a, 8000, r.told);
    assert_int_equal(r.outcome, EPODE_IQ_CANCELLED);
    assert_true(r.again);
    app_until(&a, 8000, a.ready == 2);
    done(&a);
    assert_int_equal(r.told, 1);
}

static void without_stream_management_the_wait_ends_with_the_connection(void **state)
{
    app a = { 0 };
    record r = { 0 };
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    o.flags = EPODE_NO_SM;
    app_open(&a, &o);
    epode_client_start(a.client);
    app_until(&a, 5000, a.synced && a.rosters);
    server_say(&srv, "fault ignore-iq on");
    assert_int_equal(ask(&a, PING, 0, &r, NULL), EPODE_OK);
    app_for(&a, 50);
    server_say(&srv, "drop-connections hard");
    app_until(&a, 5000, r.told);
    assert_int_equal(r.outcome, EPODE_IQ_CANCELLED);
    assert_true(r.again);
    mend_server(NULL);
    done(&a);
}

/* Nothing wakes a suspended client; its time has passed all the same. */
static void the_time_of_a_suspended_client_ends_when_it_is_resumed(void **state)
{
    app a = { 0 };
    record r = { 0 };
    (void)state;
    ready(&a, "suspended.db");
    app_settled(&a);
    server_say(&srv, "fault ignore-iq on");
    assert_int_equal(ask(&a, PING, 100, &r, NULL), EPODE_OK);
    assert_int_equal(epode_client_suspend(a.client), EPODE_OK);
    while (app_is_due(&a, 0))
        epode_client_process(a.client);
    assert_false(app_is_due(&a, 300));
    assert_int_equal(r.told, 0);
    assert_int_equal(ask(&a, PING, 0, &r, NULL), EPODE_ESTATE);
    assert_int_equal(epode_client_resume(a.client), EPODE_OK);
    app_until(&a, 5000, r.told);
    assert_int_equal(r.outcome, EPODE_IQ_TIMEOUT);
    done(&a);
}

static void freeing_the_client_is_an_outcome_too(void **state)
{
    app a = { 0 };
    record r = { 0 };
    (void)state;
    ready(&a, NULL);
    server_say(&srv, "fault ignore-iq on");
    assert_int_equal(ask(&a, PING, 0, &r, NULL), EPODE_OK);
    app_for(&a, 20);
    app_close(&a);
    assert_int_equal(r.told, 1);
    assert_int_equal(r.outcome, EPODE_IQ_CANCELLED);
    assert_true(r.without_client);
}

static void the_client_may_be_freed_in_the_callback(void **state)
{
    app a = { 0 };
    record r = { 0 }, other = { 0 };
    (void)state;
    ready(&a, NULL);
    r.free = a.client;
    assert_int_equal(ask(&a, PING, 0, &r, NULL), EPODE_OK);
    assert_int_equal(ask(&a, PING, 0, &other, NULL), EPODE_OK);
    app_until(&a, 5000, !a.client);
    assert_int_equal(r.told, 1);
    assert_int_equal(other.told, 1);
    assert_int_equal(a.destroyed, 1);
}

static void outcomes_come_where_events_are_pulled_too(void **state)
{
    app a = { .pull = true };
    record r = { 0 };
    (void)state;
    ready(&a, NULL);
    assert_int_equal(ask(&a, PING, 0, &r, NULL), EPODE_OK);
    app_until(&a, 5000, r.told);
    assert_int_equal(r.outcome, EPODE_IQ_RESULT);
    done(&a);
}

static void what_is_no_request_is_refused(void **state)
{
    static const char *const bad[] = {
        "<message to='bob@localhost'/>", "<iq type='result' to='localhost'><a/></iq>", "<iq to='localhost'><a/></iq>",
        "<iq type='get' to='localhost'/>", "<iq type='get'><a/><b/></iq>", "<iq type='get' to='@'><a/></iq>",
        "<iq type='get'><a></iq>", "", "<iq type='get' a1='' a2='' a3='' a4='' a5='' a6='' a7='' a8='' a9='' b1='' b2='' "
        "b3='' b4='' b5='' b6=''><a/></iq>",
    };
    app a = { 0 };
    record r = { 0 };
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    app_open(&a, &o);
    assert_int_equal(ask(&a, PING, 0, &r, NULL), EPODE_ESTATE);
    app_close(&a);
    ready(&a, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ask(&a, bad[i], 0, &r, NULL), EPODE_EINVAL);
    assert_int_equal(epode_iq_xml(a.client, PING, strlen(PING), 0, NULL, NULL, NULL), EPODE_EINVAL);
    done(&a);
    assert_int_equal(r.told, 0);
}

static void there_is_an_end_to_how_many_wait(void **state)
{
    app a = { 0 };
    record r = { 0 };
    epode_status st = EPODE_OK;
    unsigned asked = 0;
    (void)state;
    ready(&a, NULL);
    server_say(&srv, "fault ignore-iq on");
    while ((st = ask(&a, PING, 0, &r, NULL)) == EPODE_OK)
        asked++;
    assert_int_equal(st, EPODE_ELIMIT);
    assert_int_equal(asked, 1024);
    app_close(&a);
    assert_int_equal(r.told, asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_answer_comes_once_under_an_id_of_ours, mend_server),
        cmocka_unit_test_setup(the_account_itself_answers_without_a_name, mend_server),
        cmocka_unit_test_setup(an_error_is_told_with_its_condition, mend_server),
        cmocka_unit_test_setup(a_stanza_of_libstrophe_is_asked_and_answered, mend_server),
        cmocka_unit_test_setup(what_nobody_answers_ends_with_its_time, mend_server),
        cmocka_unit_test_setup(an_answer_by_somebody_else_is_none, mend_server),
        cmocka_unit_test_setup(what_is_cancelled_says_so_once, mend_server),
        cmocka_unit_test_setup(a_resumed_session_goes_on_waiting, mend_server),
        cmocka_unit_test_setup(a_new_session_ends_the_wait_and_says_that_it_may_be_asked_again, mend_server),
        cmocka_unit_test_setup(without_stream_management_the_wait_ends_with_the_connection, mend_server),
        cmocka_unit_test_setup(the_time_of_a_suspended_client_ends_when_it_is_resumed, mend_server),
        cmocka_unit_test_setup(freeing_the_client_is_an_outcome_too, mend_server),
        cmocka_unit_test_setup(the_client_may_be_freed_in_the_callback, mend_server),
        cmocka_unit_test_setup(outcomes_come_where_events_are_pulled_too, mend_server),
        cmocka_unit_test_setup(what_is_no_request_is_refused, mend_server),
        cmocka_unit_test_setup(there_is_an_end_to_how_many_wait, mend_server),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
