/* Small requests: pings, versions, items, push, upload slots: each with one outcome, and typed errors. */
#include <time.h>

#include "app.h"

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

static void done(app *a)
{
    app_stop(a, EPODE_STOP_CLOSE);
    app_close(a);
}

typedef struct record {
    unsigned told;
    epode_iq_outcome outcome;
    char text[APP_NOTES];
} record;

static void software(const epode_software *s, void *user)
{
    app_append(user, APP_NOTES, "%s|%s|%s", s->name, s->version, s->os ? s->os : "");
}

static bool item(const epode_item *i, void *user)
{
    assert_int_equal(i->size, sizeof *i);
    app_append(user, APP_NOTES, "%s;", i->jid);
    return true;
}

static bool first_item(const epode_item *i, void *user)
{
    item(i, user);
    return false;
}

static void note(epode_client *client, const epode_iq_answer *answer, void *user)
{
    record *r = user;
    (void)client;
    r->told++;
    r->outcome = answer->outcome;
    r->text[0] = '\0';
    if (epode_iq_software(answer, software, r->text) == EPODE_DONE)
        epode_iq_items(answer, item, r->text);
}

static void note_first(epode_client *client, const epode_iq_answer *answer, void *user)
{
    record *r = user;
    (void)client;
    r->told++;
    r->text[0] = '\0';
    assert_int_equal(epode_iq_items(answer, first_item, r->text), EPODE_OK);
}

static void pings_versions_and_items_are_asked_and_read(void **state)
{
    app a = { 0 };
    record r = { 0 };
    uint64_t id = 0;
    (void)state;
    app_start(&a, &srv, NULL);
    app_settled(&a);
    assert_int_equal(epode_ping(a.client, NULL, note, &r, &id), EPODE_OK);
    assert_true(id > 0);
    app_until(&a, 5000, r.told == 1);
    assert_int_equal(r.outcome, EPODE_IQ_RESULT);
    assert_int_equal(epode_ping(a.client, "nobody@localhost/x", note, &r, NULL), EPODE_OK);
    app_until(&a, 5000, r.told == 2);
    assert_int_equal(r.outcome, EPODE_IQ_ERROR);
    assert_int_equal(epode_version_ask(a.client, NULL, note, &r, NULL), EPODE_OK);
    app_until(&a, 5000, r.told == 3);
    assert_string_equal(r.text, "epode-testserver|1|");
    assert_int_equal(epode_items_ask(a.client, NULL, NULL, note, &r, NULL), EPODE_OK);
    app_until(&a, 5000, r.told == 4);
    assert_string_equal(r.text, "rooms.localhost;upload.localhost;");
    assert_int_equal(epode_items_ask(a.client, "localhost", NULL, note_first, &r, NULL), EPODE_OK);
    app_until(&a, 5000, r.told == 5);
    assert_string_equal(r.text, "rooms.localhost;");
    assert_int_equal(epode_ping(a.client, "@", note, &r, NULL), EPODE_EINVAL);
    assert_int_equal(epode_items_ask(a.client, NULL, "\x01", note, &r, NULL), EPODE_EINVAL);
    app_stop(&a, EPODE_STOP_CLOSE);
    assert_int_equal(epode_ping(a.client, NULL, note, &r, NULL), EPODE_ESTATE);
    assert_int_equal(r.told, 5);
    app_close(&a);
}

/* One asks the other, and both have to go on. */
static void both_until(app *a, app *b, const unsigned *told, unsigned n)
{
    for (int64_t end = app_now_ms() + 5000; *told < n;) {
        assert_true(app_now_ms() < end);
        app_turn(a, app_now_ms() + 10);
        app_turn(b, app_now_ms() + 10);
    }
}

typedef struct clock {
    unsigned told;
    epode_iq_outcome outcome;
    epode_status time, last;
    int64_t utc_ms;
    int offset_min;
    uint64_t seconds;
} clock_record;

static void note_clock(epode_client *client, const epode_iq_answer *answer, void *user)
{
    clock_record *r = user;
    (void)client;
    r->told++;
    r->outcome = answer->outcome;
    r->time = epode_iq_time(answer, &r->utc_ms, &r->offset_min);
    r->last = epode_iq_last_activity(answer, &r->seconds);
}

static void contacts_are_told_the_time_and_since_when_nobody_looks(void **state)
{
    app a = { 0 }, b = { 0 };
    clock_record r = { 0 };
    char alice[200];
    (void)state;
    server_say(&srv, "user bob bob-pw");
    app_start(&a, &srv, NULL);
    app_settled(&a);
    snprintf(alice, sizeof alice, "%s", epode_session_jid(epode_client_session(a.client)));
    epode_options options = app_options(&b, &srv, NULL);
    options.jid = "bob@localhost";
    options.password = "bob-pw";
    app_open(&b, &options);
    epode_client_start(b.client);
    app_settled(&b);
    assert_int_equal(epode_time_ask(b.client, alice, note_clock, &r, NULL), EPODE_OK);
    both_until(&a, &b, &r.told, 1);
    assert_int_equal(r.outcome, EPODE_IQ_ERROR);
    assert_int_equal(r.time, EPODE_DONE);
    server_say(&srv, "roster-put alice bob@localhost from");
    app_until(&a, 5000, a.contacts_changed);
    assert_int_equal(epode_time_ask(b.client, alice, note_clock, &r, NULL), EPODE_OK);
    both_until(&a, &b, &r.told, 2);
    assert_int_equal(r.time, EPODE_OK);
    assert_int_equal(r.last, EPODE_DONE);
    assert_true(llabs(r.utc_ms - (int64_t)time(NULL) * 1000) < 3600000);
    assert_int_equal(epode_last_activity_ask(b.client, alice, note_clock, &r, NULL), EPODE_OK);
    both_until(&a, &b, &r.told, 3);
    assert_int_equal(r.last, EPODE_OK);
    assert_int_equal(r.seconds, 0);
    assert_int_equal(r.time, EPODE_DONE);
    done(&b);
    done(&a);
}

static void push_is_registered_and_withdrawn(void **state)
{
    static const char *const names[] = { "secret" }, *const values[] = { "s3cret" }, *const none[] = { NULL };
    app a = { 0 };
    record r = { 0 };
    (void)state;
    app_start(&a, &srv, NULL);
    app_settled(&a);
    assert_int_equal(epode_client_account_has(a.client, "urn:xmpp:push:0"), EPODE_OK);
    assert_int_equal(epode_push_enable(a.client, "push.example", "n1", names, values, 1, note, &r, NULL), EPODE_OK);
    assert_int_equal(epode_push_enable(a.client, "push.example", "n2", NULL, NULL, 0, note, &r, NULL), EPODE_OK);
    app_until(&a, 5000, r.told == 2);
    assert_int_equal(r.outcome, EPODE_IQ_RESULT);
    server_say(&srv, "push-dump alice");
    assert_non_null(strstr(srv.line, "[[\"push.example n1\","));
    assert_non_null(strstr(srv.line, "s3cret"));
    assert_non_null(strstr(srv.line, "[\"push.example n2\",\"\"]]"));
    assert_int_equal(epode_push_disable(a.client, "push.example", "n1", note, &r, NULL), EPODE_OK);
    app_until(&a, 5000, r.told == 3);
    server_say(&srv, "push-dump alice");
    assert_non_null(strstr(srv.line, "[[\"push.example n2\",\"\"]]"));
    assert_int_equal(epode_push_disable(a.client, "push.example", NULL, note, &r, NULL), EPODE_OK);
    app_until(&a, 5000, r.told == 4);
    server_say(&srv, "push-dump alice");
    assert_non_null(strstr(srv.line, "\"pushes\":[]"));
    server_say(&srv, "feature push off");
    assert_int_equal(epode_push_enable(a.client, "push.example", NULL, NULL, NULL, 0, note, &r, NULL), EPODE_OK);
    app_until(&a, 5000, r.told == 5);
    assert_int_equal(r.outcome, EPODE_IQ_ERROR);
    server_say(&srv, "feature push on");
    assert_int_equal(epode_push_enable(a.client, "@", NULL, NULL, NULL, 0, note, &r, NULL), EPODE_EINVAL);
    assert_int_equal(epode_push_enable(a.client, "p", NULL, none, values, 1, note, &r, NULL), EPODE_EINVAL);
    assert_int_equal(epode_push_disable(a.client, NULL, NULL, note, &r, NULL), EPODE_EINVAL);
    done(&a);
}

typedef struct got {
    unsigned told;
    epode_status status;
    uint64_t max;
    int64_t retry;
    bool has_client;
    char condition[64], text[1024];
} got;

static void on_slot(epode_client *client, const epode_upload *u, void *user)
{
    got *g = user;
    const char *name, *value;
    assert_int_equal(u->size, sizeof *u);
    g->told++;
    g->has_client = client != NULL;
    g->status = u->error ? epode_error_status(u->error) : EPODE_OK;
    snprintf(g->condition, sizeof g->condition, "%s", u->error && epode_error_condition(u->error)
                                                          ? epode_error_condition(u->error) : "");
    g->max = u->max_bytes;
    g->retry = u->retry_ms;
    snprintf(g->text, sizeof g->text, "%s ", u->service ? u->service : "-");
    for (size_t i = 0; epode_upload_header(u, i, &name, &value); i++)
        app_append(g->text, sizeof g->text, "%s=%s;", name, value);
    assert_true(u->error ? !u->put_url && !u->get_url && !u->header_count
                         : !strncmp(u->put_url, "https://upload.", 15) && !strncmp(u->get_url, "https://files.", 14));
}

static got slot_of(app *a, uint64_t bytes)
{
    got g = { 0 };
    assert_int_equal(epode_upload_slot(a->client, "très cool.jpg", bytes, "image/jpeg", on_slot, &g), EPODE_OK);
    app_until(a, 5000, g.told);
    app_for(a, 20);
    assert_int_equal(g.told, 1);
    return g;
}

static void a_slot_is_got_and_the_service_remembered(void **state)
{
    app a = { 0 };
    (void)state;
    server_say(&srv, "reset-counters");
    app_start(&a, &srv, "upload.db");
    app_settled(&a);
    for (int i = 0; i < 2; i++) {
        got g = slot_of(&a, 1000);
        assert_int_equal(g.status, EPODE_OK);
        assert_string_equal(g.text, "upload.localhost Authorization=Basic abc;Cookie=a=b;");
        assert_int_equal(g.max, 1000000);
    }
    done(&a);
    app_start(&a, &srv, "upload.db");
    app_settled(&a);
    assert_int_equal(slot_of(&a, 1000).status, EPODE_OK);
    assert_int_equal(server_counter(&srv, "upload-infos"), 1);
    done(&a);
}

static void a_refusal_says_how_much_or_when(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, NULL);
    app_settled(&a);
    /* By what the service says of itself, then by its answer. */
    for (int i = 0; i < 2; i++) {
        got g = slot_of(&a, 2000000);
        assert_int_equal(g.status, EPODE_ELIMIT);
        assert_int_equal(g.max, 1000000);
    }
    server_say(&srv, "fault upload-quota 1");
    got g = slot_of(&a, 10);
    assert_int_equal(g.status, EPODE_ESTANZA);
    assert_string_equal(g.condition, "resource-constraint");
    assert_int_equal(g.retry, 1893456000000);
    server_say(&srv, "fault upload-plain 1");
    assert_int_equal(slot_of(&a, 10).status, EPODE_EPROTO);
    assert_int_equal(slot_of(&a, 10).status, EPODE_OK);
    /* A service that went is looked for anew. */
    server_say(&srv, "feature upload off");
    assert_int_equal(slot_of(&a, 10).status, EPODE_ESTANZA);
    g = slot_of(&a, 10);
    assert_int_equal(g.status, EPODE_ESTANZA);
    assert_string_equal(g.condition, "item-not-found");
    assert_string_equal(g.text, "- ");
    server_say(&srv, "feature upload on");
    assert_int_equal(slot_of(&a, 10).status, EPODE_OK);
    got never = { 0 };
    assert_int_equal(epode_upload_slot(a.client, "", 1, NULL, on_slot, &never), EPODE_EINVAL);
    assert_int_equal(epode_upload_slot(a.client, "x", 0, NULL, on_slot, &never), EPODE_EINVAL);
    assert_int_equal(epode_upload_slot(a.client, "\x01", 1, NULL, on_slot, &never), EPODE_EINVAL);
    assert_int_equal(epode_upload_slot(a.client, "x", 1, NULL, NULL, &never), EPODE_EINVAL);
    done(&a);
    assert_int_equal(never.told, 0);
}

static void a_session_that_ends_ends_the_wait(void **state)
{
    app a = { 0 };
    got g = { 0 }, last = { 0 };
    (void)state;
    app_start(&a, &srv, NULL);
    app_settled(&a);
    server_say(&srv, "fault ignore-iq on");
    assert_int_equal(epode_upload_slot(a.client, "x", 1, NULL, on_slot, &g), EPODE_OK);
    app_for(&a, 50);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_until(&a, 5000, g.told);
    assert_int_equal(g.status, EPODE_ECANCELLED);
    server_say(&srv, "fault ignore-iq off");
    a.ready = a.synced = 0;
    epode_client_start(a.client);
    app_until(&a, 5000, a.ready && a.synced);
    server_say(&srv, "fault ignore-iq on");
    assert_int_equal(epode_upload_slot(a.client, "x", 1, NULL, on_slot, &last), EPODE_OK);
    app_for(&a, 50);
    app_close(&a);
    assert_int_equal(last.told, 1);
    assert_int_equal(last.status, EPODE_ECANCELLED);
    assert_false(last.has_client);
    server_say(&srv, "fault ignore-iq off");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pings_versions_and_items_are_asked_and_read),
        cmocka_unit_test(contacts_are_told_the_time_and_since_when_nobody_looks),
        cmocka_unit_test(push_is_registered_and_withdrawn),
        cmocka_unit_test(a_slot_is_got_and_the_service_remembered),
        cmocka_unit_test(a_refusal_says_how_much_or_when),
        cmocka_unit_test(a_session_that_ends_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
