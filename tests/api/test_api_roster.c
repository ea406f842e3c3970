/* The roster: asked for once, kept by versions and pushes, readable without a connection; and what the server can do,
 * asked once per version. */
#include "app.h"

static server srv;

static int start_server(void **state)
{
    (void)state;
    server_start(&srv, "--user", "carol:carol-pw", (char *)NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

/* A contact in one line: "jid|name|subscription|ask approved|group,group,;" */
static bool describe(const epode_contact *c, void *user)
{
    char *out = user;
    assert_int_equal(c->size, sizeof *c);
    app_append(out, APP_NOTES, "%s|%s|%d|%d%d|", c->jid, c->name ? c->name : "", (int)c->subscription, c->ask, c->approved);
    for (size_t i = 0; i < c->group_count; i++)
        app_append(out, APP_NOTES, "%s,", c->groups[i]);
    app_append(out, APP_NOTES, ";");
    return true;
}

static void describe_one(const epode_contact *c, void *user)
{
    describe(c, user);
}

static const char *roster_of(epode_store *store)
{
    static char text[APP_NOTES];
    text[0] = '\0';
    assert_int_equal(epode_store_roster(store, describe, text), EPODE_OK);
    return text;
}

static const char *roster(app *a)
{
    return roster_of(epode_client_store(a->client));
}

static void log_roster(app *a, const epode_event *event)
{
    char *out = a->more;
    if (event->type == EPODE_EV_ROSTER && event->peer)
        app_append(out, APP_NOTES, "%s:%u;", event->peer, event->roster);
    if (event->type == EPODE_EV_SUBSCRIPTION)
        app_append(out, APP_NOTES, "%s?%d;", event->peer, (int)event->subscription);
}

static void start(app *a, const char *store, uint32_t flags)
{
    epode_options o = app_options(a, &srv, store);
    o.flags = flags;
    app_open(a, &o);
    assert_int_equal(epode_client_start(a->client), EPODE_OK);
    app_until(a, 5000, a->synced && (a->rosters || (flags & EPODE_NO_ROSTER)));
}

static void done(app *a)
{
    app_stop(a, EPODE_STOP_CLOSE);
    app_close(a);
}

static void a_roster_is_sent_whole_once_and_then_only_its_changes(void **state)
{
    char log[APP_NOTES] = "";
    app a = { .on = log_roster, .more = log };
    (void)state;
    server_say(&srv, "roster-put alice bob@localhost both Bob");
    server_say(&srv, "roster-put alice carol@localhost to");
    server_say(&srv, "reset-counters");
    start(&a, "versions.db", 0);
    assert_string_equal(roster(&a), "bob@localhost|Bob|3|00|;carol@localhost||1|00|;");
    assert_string_equal(log, "bob@localhost:1;carol@localhost:1;");
    done(&a);
    for (int i = 0; i < 3; i++) {
        start(&a, "versions.db", 0);
        assert_string_equal(roster(&a), "bob@localhost|Bob|3|00|;carol@localhost||1|00|;");
        done(&a);
    }
    assert_int_equal(server_counter(&srv, "rosters-sent"), 1);
    /* The first one may not know yet that the server speaks versions. */
    assert_true(server_counter(&srv, "roster-gets-with-version") >= 3);
    assert_int_equal(server_counter(&srv, "roster-gets-with-version") + server_counter(&srv, "roster-gets"), 4);
    /* What changed meanwhile comes as pushes. */
    server_say(&srv, "roster-put alice bob@localhost both Robert");
    server_say(&srv, "roster-put alice carol@localhost remove");
    log[0] = '\0';
    start(&a, "versions.db", 0);
    app_until(&a, 5000, a.contacts_changed == 2);
    assert_string_equal(roster(&a), "bob@localhost|Robert|3|00|;");
    assert_string_equal(log, "bob@localhost:4;carol@localhost:2;");
    done(&a);
    start(&a, "versions.db", 0);
    app_for(&a, 50);
    assert_int_equal(a.contacts_changed, 0);
    done(&a);
    assert_int_equal(server_counter(&srv, "rosters-sent"), 1);
    server_say(&srv, "roster-put alice bob@localhost remove");
}

static void without_versions_it_is_sent_whole_and_compared(void **state)
{
    char log[APP_NOTES] = "";
    app a = { .on = log_roster, .more = log };
    (void)state;
    server_say(&srv, "feature roster-version off");
    server_say(&srv, "roster-put alice bob@localhost both Bob");
    server_say(&srv, "reset-counters");
    start(&a, "whole.db", 0);
    done(&a);
    server_say(&srv, "roster-put alice bob@localhost to Bob");
    server_say(&srv, "roster-put alice carol@localhost none Carol");
    log[0] = '\0';
    start(&a, "whole.db", 0);
    assert_string_equal(log, "bob@localhost:16;carol@localhost:1;");
    done(&a);
    server_say(&srv, "roster-put alice bob@localhost remove");
    log[0] = '\0';
    start(&a, "whole.db", 0);
    assert_string_equal(log, "bob@localhost:2;");
    assert_string_equal(roster(&a), "carol@localhost|Carol|0|00|;");
    done(&a);
    assert_int_equal(server_counter(&srv, "roster-gets-with-version"), 0);
    assert_int_equal(server_counter(&srv, "rosters-sent"), 3);
    server_say(&srv, "feature roster-version on");
    server_say(&srv, "roster-put alice carol@localhost remove");
}

static void note(epode_client *client, const epode_iq_answer *answer, void *user)
{
    (void)client;
    *(epode_iq_outcome *)user = answer->outcome;
}

static void contacts_are_added_renamed_grouped_and_removed(void **state)
{
    static const char *const groups[] = { "work", "friends", "work" }, *const empty[] = { "" };
    epode_iq_outcome outcome = 0;
    uint64_t id = 0;
    char log[APP_NOTES] = "", one[APP_NOTES] = "";
    app a = { .on = log_roster, .more = log };
    epode_store *reader;
    char path[128];
    (void)state;
    start(&a, "change.db", 0);
    assert_int_equal(epode_roster_set(a.client, "Bob@localhost", "Bob <b>", groups, 3, note, &outcome, &id), EPODE_OK);
    assert_true(id > 0);
    app_until(&a, 5000, outcome && a.contacts_changed == 1);
    assert_int_equal(outcome, EPODE_IQ_RESULT);
    assert_string_equal(roster(&a), "bob@localhost|Bob <b>|0|00|friends,work,;");
    assert_int_equal(epode_roster_set(a.client, "bob@localhost", NULL, groups, 1, NULL, NULL, NULL), EPODE_OK);
    app_until(&a, 5000, a.contacts_changed == 2);
    assert_string_equal(log, "bob@localhost:1;bob@localhost:12;");
    assert_int_equal(epode_store_contact(epode_client_store(a.client), "BOB@localhost/x", describe_one, one), EPODE_OK);
    assert_string_equal(one, "bob@localhost||0|00|work,;");
    assert_int_equal(epode_store_contact(epode_client_store(a.client), "no@localhost", describe_one, one), EPODE_DONE);
    snprintf(path, sizeof path, "%s/change.db", srv.dir);
    assert_int_equal(epode_store_open(&reader, path, NULL, 0), EPODE_OK);
    assert_string_equal(roster_of(reader), "bob@localhost||0|00|work,;");
    epode_store_close(reader);
    outcome = 0;
    assert_int_equal(epode_roster_remove(a.client, "bob@localhost", note, &outcome, NULL), EPODE_OK);
    app_until(&a, 5000, outcome && a.contacts_changed == 3);
    assert_string_equal(roster(&a), "");
    static const char *const wrong[] = { "", "@", "bob@localhost/phone", "alice@localhost" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(epode_roster_set(a.client, wrong[i], NULL, NULL, 0, NULL, NULL, NULL), EPODE_EINVAL);
        assert_int_equal(epode_roster_remove(a.client, wrong[i], NULL, NULL, NULL), EPODE_EINVAL);
        assert_int_equal(epode_roster_subscription(a.client, wrong[i], EPODE_SUBSCRIBE), EPODE_EINVAL);
    }
    assert_int_equal(epode_roster_set(a.client, "bob@localhost", NULL, empty, 1, NULL, NULL, NULL), EPODE_EINVAL);
    assert_int_equal(epode_roster_set(a.client, "bob@localhost", "\x01", NULL, 0, NULL, NULL, NULL), EPODE_EINVAL);
    assert_int_equal(epode_roster_subscription(a.client, "bob@localhost", 5), EPODE_EINVAL);
    app_stop(&a, EPODE_STOP_CLOSE);
    assert_int_equal(epode_roster_remove(a.client, "bob@localhost", NULL, NULL, NULL), EPODE_ESTATE);
    app_close(&a);
}

static void two_turns(app *a, app *b)
{
    app_turn(a, app_now_ms() + 5);
    app_turn(b, app_now_ms() + 5);
}

#define both_until(condition)                                                                      \
    for (int64_t end_ = app_now_ms() + 5000; !(condition); two_turns(&a, &b))                      \
        if (app_now_ms() > end_)                                                                   \
            fail_msg("not in time: %s; a: %s b: %s", #condition, at_a, at_b)

static void a_subscription_is_asked_for_approved_and_ended(void **state)
{
    char at_a[APP_NOTES] = "", at_b[APP_NOTES] = "";
    app a = { .on = log_roster, .more = at_a }, b = { .on = log_roster, .more = at_b };
    (void)state;
    start(&a, NULL, 0);
    epode_options o = app_options(&b, &srv, NULL);
    o.jid = "bob@localhost";
    o.password = "bob-pw";
    app_open(&b, &o);
    epode_client_start(b.client);
    app_online(&b);
    app_until(&b, 5000, b.rosters);
    assert_int_equal(epode_roster_subscription(a.client, "bob@localhost", EPODE_SUBSCRIBE), EPODE_OK);
    both_until(strstr(at_b, "alice@localhost?1;") && strstr(at_a, "bob@localhost:1;"));
    assert_string_equal(roster(&a), "bob@localhost||0|10|;");
    assert_int_equal(epode_roster_subscription(b.client, "alice@localhost", EPODE_SUBSCRIBED), EPODE_OK);
    both_until(strstr(at_a, "bob@localhost?2;") && strstr(at_a, "bob@localhost:48;") && strstr(at_b, "alice@localhost:1;"));
    assert_string_equal(roster(&a), "bob@localhost||1|00|;");
    assert_string_equal(roster(&b), "alice@localhost||2|00|;");
    assert_int_equal(epode_roster_subscription(b.client, "alice@localhost", EPODE_UNSUBSCRIBED), EPODE_OK);
    both_until(strstr(at_a, "bob@localhost?4;") && strstr(at_a, "bob@localhost:16;"));
    assert_int_equal(epode_roster_remove(a.client, "bob@localhost", NULL, NULL, NULL), EPODE_OK);
    assert_int_equal(epode_roster_remove(b.client, "alice@localhost", NULL, NULL, NULL), EPODE_OK);
    both_until(!*roster(&a) && !*roster(&b));
    done(&a);
    done(&b);
}

static void a_change_by_somebody_else_is_dropped(void **state)
{
    app a = { 0 };
    (void)state;
    start(&a, NULL, 0);
    server_say(&srv, "inject forged-roster-push alice");
    server_say(&srv, "roster-put alice bob@localhost none after");
    app_until(&a, 5000, a.contacts_changed);
    assert_string_equal(roster(&a), "bob@localhost|after|0|00|;");
    done(&a);
    server_say(&srv, "roster-put alice bob@localhost remove");
}

static void keep_error(app *a, const epode_event *event)
{
    if (event->type != EPODE_EV_ROSTER || !event->error)
        return;
    assert_null(event->peer);
    assert_int_equal(epode_error_status(event->error), EPODE_ESTANZA);
    snprintf(a->more, 64, "%s", epode_error_condition(event->error));
}

/* What is held stays, and the next session asks again. */
static void a_roster_that_is_refused_is_told(void **state)
{
    char condition[64] = "";
    app a = { .on = keep_error, .more = condition };
    epode_iq_outcome outcome = 0;
    (void)state;
    server_say(&srv, "roster-put alice bob@localhost both Bob");
    start(&a, "refused.db", 0);
    done(&a);
    server_say(&srv, "fault roster-error internal-server-error");
    epode_options o = app_options(&a, &srv, "refused.db");
    app_open(&a, &o);
    epode_client_start(a.client);
    app_until(&a, 5000, a.roster_errors && a.ready);
    assert_string_equal(condition, "internal-server-error");
    assert_string_equal(roster(&a), "bob@localhost|Bob|3|00|;");
    assert_int_equal(epode_roster_set(a.client, "carol@localhost", NULL, NULL, 0, note, &outcome, NULL), EPODE_OK);
    app_until(&a, 5000, outcome);
    assert_int_equal(outcome, EPODE_IQ_ERROR);
    assert_int_equal(a.offline, 0);
    done(&a);
    server_say(&srv, "fault roster-error off");
    server_say(&srv, "roster-put alice bob@localhost remove");
    start(&a, "refused.db", 0);
    app_until(&a, 5000, a.contacts_changed == 1);
    assert_string_equal(roster(&a), "");
    done(&a);
}

/* It is on its way when we end the stream: kept, and answered by nobody. */
static void a_change_behind_our_end_is_kept(void **state)
{
    app a = { 0 };
    (void)state;
    start(&a, "end.db", 0);
    server_say(&srv, "roster-put alice bob@localhost none Late");
    app_stop(&a, EPODE_STOP_CLOSE);
    assert_int_equal(a.why[a.state_count - 1], EPODE_OK);
    assert_string_equal(roster(&a), "bob@localhost|Late|0|00|;");
    app_close(&a);
    server_say(&srv, "roster-put alice bob@localhost remove");
}

static void entries_that_are_none_are_skipped(void **state)
{
    app a = { 0 };
    (void)state;
    server_say(&srv, "fault roster-junk on");
    server_say(&srv, "roster-put alice bob@localhost both Bob");
    start(&a, NULL, 0);
    assert_string_equal(roster(&a), "bob@localhost|Bob|3|00|;");
    done(&a);
    server_say(&srv, "fault roster-junk off");
    server_say(&srv, "roster-put alice bob@localhost remove");
}

static void no_roster_is_asked_for_where_none_is_wanted(void **state)
{
    app a = { 0 };
    (void)state;
    server_say(&srv, "reset-counters");
    server_say(&srv, "roster-put alice bob@localhost both Bob");
    start(&a, NULL, EPODE_NO_ROSTER);
    app_for(&a, 50);
    assert_int_equal(a.rosters + a.contacts_changed, 0);
    assert_int_equal(server_counter(&srv, "roster-gets-with-version") + server_counter(&srv, "roster-gets"), 0);
    done(&a);
    server_say(&srv, "roster-put alice bob@localhost remove");
}

/* A session that goes on is told of every change: nothing is asked. */
static void a_resumed_session_asks_for_nothing(void **state)
{
    app a = { 0 };
    (void)state;
    start(&a, "resumed.db", 0);
    server_say(&srv, "reset-counters");
    app_stop(&a, EPODE_STOP_RESUMABLE);
    app_close(&a);
    server_say(&srv, "roster-put alice bob@localhost both Bob");
    app_start(&a, &srv, "resumed.db");
    app_until(&a, 5000, a.contacts_changed);
    assert_true(epode_session_is_resumed(epode_client_session(a.client)));
    app_for(&a, 50);
    assert_string_equal(roster(&a), "bob@localhost|Bob|3|00|;");
    assert_int_equal(server_counter(&srv, "roster-gets-with-version") + server_counter(&srv, "roster-gets"), 0);
    assert_int_equal(server_counter(&srv, "disco-domain") + server_counter(&srv, "disco-account"), 0);
    done(&a);
    server_say(&srv, "roster-put alice bob@localhost remove");
}

/* --- what they can do ------------------------------------------------------------------------------------- */

static void known(app *a)
{
    app_until(a, 5000, epode_client_server_has(a->client, "x") != EPODE_AGAIN &&
                           epode_client_account_has(a->client, "x") != EPODE_AGAIN);
}

static void assert_asked(int domain, int account)
{
    assert_int_equal(server_counter(&srv, "disco-domain"), domain);
    assert_int_equal(server_counter(&srv, "disco-account"), account);
}

static void sessions(app *a, const char *store, int n)
{
    for (int i = 0; i < n; i++) {
        start(a, store, 0);
        known(a);
        done(a);
    }
}

static void the_server_is_asked_once_per_version(void **state)
{
    app a = { 0 };
    (void)state;
    server_say(&srv, "reset-counters");
    sessions(&a, "caps.db", 3);
    assert_asked(1, 1);
    server_say(&srv, "feature carbons off");
    sessions(&a, "caps.db", 2);
    assert_asked(2, 2);
    /* The version of before is known still; what the account could then is not. */
    server_say(&srv, "feature carbons on");
    sessions(&a, "caps.db", 2);
    assert_asked(2, 3);
}

static void what_is_known_is_known_before_the_next_connection(void **state)
{
    app a = { 0 };
    (void)state;
    epode_options o = app_options(&a, &srv, "has.db");
    app_open(&a, &o);
    assert_int_equal(epode_client_server_has(a.client, "urn:xmpp:ping"), EPODE_AGAIN);
    assert_int_equal(epode_client_account_has(a.client, "urn:xmpp:mam:2"), EPODE_AGAIN);
    assert_int_equal(epode_client_account_has(a.client, NULL), EPODE_EINVAL);
    epode_client_start(a.client);
    known(&a);
    assert_int_equal(epode_client_server_has(a.client, "urn:xmpp:ping"), EPODE_OK);
    assert_int_equal(epode_client_server_has(a.client, "urn:xmpp:mam:2"), EPODE_DONE);
    assert_int_equal(epode_client_account_has(a.client, "urn:xmpp:mam:2"), EPODE_OK);
    assert_int_equal(epode_client_account_has(a.client, "urn:xmpp:mam"), EPODE_DONE);
    done(&a);
}

/* XEP-0115, 5.4: it may be believed of this server now, and is kept for nobody. */
static void what_cannot_be_verified_is_for_one_session_only(void **state)
{
    static const char *const faults[] = { "wrong-caps", "ill-formed-disco" };
    (void)state;
    for (int i = 0; i < 2; i++) {
        app a = { 0 };
        char store[32];
        snprintf(store, sizeof store, "wrong-%d.db", i);
        server_say(&srv, "fault %s on", faults[i]);
        server_say(&srv, "reset-counters");
        sessions(&a, store, 3);
        assert_asked(3, 1);
        start(&a, store, 0);
        known(&a);
        assert_int_equal(epode_client_server_has(a.client, "urn:xmpp:ping"), EPODE_OK);
        done(&a);
        server_say(&srv, "fault %s off", faults[i]);
    }
}

static void a_server_that_tells_no_version_is_asked_once_in_a_while(void **state)
{
    app a = { 0 };
    (void)state;
    server_say(&srv, "feature caps off");
    server_say(&srv, "reset-counters");
    sessions(&a, "no-caps.db", 3);
    assert_asked(1, 1);
    server_say(&srv, "feature caps on");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_roster_is_sent_whole_once_and_then_only_its_changes),
        cmocka_unit_test(without_versions_it_is_sent_whole_and_compared),
        cmocka_unit_test(contacts_are_added_renamed_grouped_and_removed),
        cmocka_unit_test(a_subscription_is_asked_for_approved_and_ended),
        cmocka_unit_test(a_change_by_somebody_else_is_dropped),
        cmocka_unit_test(a_roster_that_is_refused_is_told),
        cmocka_unit_test(a_change_behind_our_end_is_kept),
        cmocka_unit_test(entries_that_are_none_are_skipped),
        cmocka_unit_test(no_roster_is_asked_for_where_none_is_wanted),
        cmocka_unit_test(a_resumed_session_asks_for_nothing),
        cmocka_unit_test(the_server_is_asked_once_per_version),
        cmocka_unit_test(what_is_known_is_known_before_the_next_connection),
        cmocka_unit_test(what_cannot_be_verified_is_for_one_session_only),
        cmocka_unit_test(a_server_that_tells_no_version_is_asked_once_in_a_while),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
