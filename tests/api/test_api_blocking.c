/* The block list: asked for in each session that wants it, kept by pushes, readable without a connection. */
#include "app.h"

static server srv;

static int start_server(void **state)
{
    (void)state;
    server_start(&srv, (char *)NULL);
    server_say(&srv, "roster-put alice bob@localhost both");
    server_say(&srv, "roster-put bob alice@localhost both");
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

static void note(app *a, const epode_event *event)
{
    char *out = a->more;
    if (event->type == EPODE_EV_BLOCKING && event->error)
        app_append(out, APP_NOTES, "!%s;", epode_error_condition(event->error));
    else if (event->type == EPODE_EV_BLOCKING)
        app_append(out, APP_NOTES, "%s%s;", event->peer ? event->blocked ? "+" : "-" : "", event->peer ? event->peer : "all");
    else if (event->type == EPODE_EV_PRESENCE && event->peer)
        app_append(out, APP_NOTES, "%s=%d;", event->peer, (int)event->show);
}

static void start_as(app *a, const char *user, char *log, const char *store, uint32_t flags)
{
    static char password[32], jid[64];
    epode_options o = app_options(a, &srv, store);
    snprintf(jid, sizeof jid, "%s@localhost", user);
    snprintf(password, sizeof password, "%s-pw", user);
    o.jid = jid;
    o.password = password;
    o.flags = flags;
    app_open(a, &o);
    a->on = note;
    a->more = log;
    assert_int_equal(epode_client_start(a->client), EPODE_OK);
    app_until(a, 5000, a->ready && a->synced && a->rosters && (a->block_lists || !(flags & EPODE_BLOCK_LIST)));
}

static void done(app *a)
{
    app_stop(a, EPODE_STOP_CLOSE);
    app_close(a);
}

static bool list_each(const char *jid, void *user)
{
    app_append(user, APP_NOTES, "%s;", jid);
    return true;
}

static const char *blocked(epode_store *store)
{
    static char text[APP_NOTES];
    text[0] = '\0';
    assert_int_equal(epode_store_blocked(store, list_each, text), EPODE_OK);
    return text;
}

static void answered(epode_client *client, const epode_iq_answer *answer, void *user)
{
    (void)client;
    *(epode_iq_outcome *)user = answer->outcome;
}

static void the_list_is_asked_for_kept_and_read_offline(void **state)
{
    char log[APP_NOTES] = "", path[128];
    app a = { 0 };
    epode_store *reader;
    (void)state;
    server_say(&srv, "blocking alice block spam.example");
    server_say(&srv, "blocking alice block mallory@localhost");
    start_as(&a, "alice", log, "list.db", EPODE_BLOCK_LIST);
    assert_string_equal(log, "+mallory@localhost;+spam.example;all;");
    server_say(&srv, "blocking alice unblock mallory@localhost");
    server_say(&srv, "blocking alice block x@y/z");
    app_until(&a, 5000, strstr(log, "+x@y/z;"));
    assert_string_equal(log, "+mallory@localhost;+spam.example;all;-mallory@localhost;+x@y/z;");
    done(&a);
    snprintf(path, sizeof path, "%s/list.db", srv.dir);
    assert_int_equal(epode_store_open(&reader, path, NULL, 0), EPODE_OK);
    assert_string_equal(blocked(reader), "spam.example;x@y/z;");
    static const struct {
        const char *jid;
        epode_status is;
    } rows[] = {
        { "spam.example", EPODE_OK }, { "anybody@Spam.Example/x", EPODE_OK }, { "spam.example/x", EPODE_OK },
        { "x@y/z", EPODE_OK },        { "x@y", EPODE_DONE },                  { "x@y/other", EPODE_DONE },
        { "mallory@localhost", EPODE_DONE }, { "@", EPODE_EINVAL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(epode_store_is_blocked(reader, rows[i].jid), rows[i].is);
    epode_store_close(reader);
    /* What changed meanwhile is told when the list comes again. */
    server_say(&srv, "blocking alice unblock x@y/z");
    server_say(&srv, "blocking alice block new@y");
    log[0] = '\0';
    start_as(&a, "alice", log, "list.db", EPODE_BLOCK_LIST);
    assert_string_equal(log, "-x@y/z;+new@y;all;");
    server_say(&srv, "blocking alice unblock");
    app_until(&a, 5000, !*blocked(epode_client_store(a.client)));
    assert_string_equal(log, "-x@y/z;+new@y;all;-new@y;-spam.example;");
    done(&a);
}

static void who_is_blocked_is_kept_away_until_unblocked(void **state)
{
    char at_a[APP_NOTES] = "", at_b[APP_NOTES] = "";
    static const char *const bob[] = { "Bob@localhost" }, *const wrong[] = { "bob@localhost", "@" };
    app a = { 0 }, b = { 0 };
    epode_iq_outcome outcome = 0;
    uint64_t id = 0;
    (void)state;
    start_as(&a, "alice", at_a, NULL, 0);
    start_as(&b, "bob", at_b, NULL, 0);
    app_until(&a, 5000, strstr(at_a, "bob@localhost=0;"));
    assert_int_equal(epode_block(a.client, NULL, 0, NULL, NULL, NULL), EPODE_EINVAL);
    assert_int_equal(epode_block(a.client, wrong, 2, NULL, NULL, NULL), EPODE_EINVAL);
    /* Nothing was asked for before the first call. */
    assert_int_equal(a.block_lists, 0);
    assert_int_equal(epode_block(a.client, bob, 1, answered, &outcome, &id), EPODE_OK);
    assert_true(id > 0);
    app_until(&a, 5000, outcome && strstr(at_a, "+bob@localhost;"));
    assert_int_equal(outcome, EPODE_IQ_RESULT);
    assert_int_equal(a.block_lists, 1);
    assert_int_equal(epode_store_is_blocked(epode_client_store(a.client), "bob@localhost/any"), EPODE_OK);
    app_until(&b, 5000, strstr(at_b, "alice@localhost=5;"));
    assert_int_equal(app_send(&b, "alice@localhost", "let me in", NULL), EPODE_OK);
    app_until(&b, 5000, b.failed);
    assert_int_equal(app_send(&a, "bob@localhost", "no", NULL), EPODE_OK);
    app_until(&a, 5000, a.failed);
    assert_int_equal(a.messages + b.messages, 0);
    assert_int_equal(epode_unblock(a.client, NULL, 0, NULL, NULL, NULL), EPODE_OK);
    app_until(&a, 5000, strstr(at_a, "-bob@localhost;"));
    assert_string_equal(blocked(epode_client_store(a.client)), "");
    assert_int_equal(app_send(&b, "alice@localhost", "and now", NULL), EPODE_OK);
    app_until(&b, 5000, b.acknowledged == 2 || b.sent >= 2);
    app_until(&a, 5000, a.messages == 1);
    done(&b);
    app_stop(&a, EPODE_STOP_CLOSE);
    assert_int_equal(epode_block(a.client, bob, 1, NULL, NULL, NULL), EPODE_ESTATE);
    app_close(&a);
}

static void a_change_by_somebody_else_is_dropped(void **state)
{
    char log[APP_NOTES] = "";
    app a = { 0 };
    (void)state;
    start_as(&a, "alice", log, NULL, EPODE_BLOCK_LIST);
    server_say(&srv, "inject forged-block-push alice");
    server_say(&srv, "stanza alice <iq type='set' id='p1' from='alice@localhost'><block xmlns='urn:xmpp:blocking'/></iq>");
    server_say(&srv, "stanza alice <iq type='set' id='p2' from='alice@localhost'><block xmlns='urn:xmpp:blocking'>"
                     "<item jid='@'/></block></iq>");
    server_say(&srv, "stanza alice <iq type='set' id='p3'><block xmlns='urn:xmpp:blocking'><item jid='ok@x'/></block></iq>");
    app_until(&a, 5000, strstr(log, "+ok@x;"));
    assert_string_equal(blocked(epode_client_store(a.client)), "ok@x;");
    done(&a);
}

static void a_resumed_session_asks_for_nothing(void **state)
{
    char log[APP_NOTES] = "";
    app a = { 0 };
    (void)state;
    start_as(&a, "alice", log, "resumed.db", EPODE_BLOCK_LIST);
    app_stop(&a, EPODE_STOP_RESUMABLE);
    app_close(&a);
    server_say(&srv, "reset-counters");
    server_say(&srv, "blocking alice block late@x");
    epode_options o = app_options(&a, &srv, "resumed.db");
    o.flags = EPODE_BLOCK_LIST;
    app_open(&a, &o);
    epode_client_start(a.client);
    app_until(&a, 5000, a.ready && *blocked(epode_client_store(a.client)));
    assert_true(epode_session_is_resumed(epode_client_session(a.client)));
    app_for(&a, 50);
    assert_int_equal(server_counter(&srv, "block-lists"), 0);
    assert_string_equal(blocked(epode_client_store(a.client)), "late@x;");
    done(&a);
    server_say(&srv, "blocking alice unblock");
}

static void where_the_server_has_none_nothing_is_asked(void **state)
{
    static const char *const bob[] = { "bob@localhost" };
    char log[APP_NOTES] = "";
    epode_iq_outcome outcome = 0;
    app a = { 0 };
    (void)state;
    server_say(&srv, "feature blocking off");
    epode_options o = app_options(&a, &srv, NULL);
    o.flags = EPODE_BLOCK_LIST;
    app_open(&a, &o);
    a.on = note;
    a.more = log;
    epode_client_start(a.client);
    app_until(&a, 5000, a.ready && a.synced && epode_client_server_has(a.client, "urn:xmpp:ping") == EPODE_OK);
    assert_int_equal(epode_block(a.client, bob, 1, answered, &outcome, NULL), EPODE_OK);
    app_until(&a, 5000, outcome);
    assert_int_equal(outcome, EPODE_IQ_ERROR);
    assert_string_equal(log, "");
    done(&a);
    server_say(&srv, "feature blocking on");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_asked_for_kept_and_read_offline),
        cmocka_unit_test(who_is_blocked_is_kept_away_until_unblocked),
        cmocka_unit_test(a_change_by_somebody_else_is_dropped),
        cmocka_unit_test(a_resumed_session_asks_for_nothing),
        cmocka_unit_test(where_the_server_has_none_nothing_is_asked),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
