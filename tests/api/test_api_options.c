/* Options, several clients in one process, stores, what may be forgotten, the getters of a session. */
#include <sys/stat.h>

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

static void count_destroy(void *user)
{
    ++*(unsigned *)user;
}

/* A client that was not made gives nothing back, and says why in words. */
static void refused(const epode_options *given, epode_status expected)
{
    epode_client *client = (epode_client *)(uintptr_t)1;
    char why[200] = "";
    unsigned destroyed = 0;
    epode_options o = *given;
    o.user = &destroyed;
    o.user_destroy = count_destroy;
    assert_int_equal(epode_client_new(&client, &o, why, sizeof why), expected);
    assert_null(client);
    assert_int_equal(destroyed, 0);
    assert_int_not_equal(strlen(why), 0);
    char tiny[4] = "abc";
    assert_int_equal(epode_client_new(&client, &o, tiny, sizeof tiny), expected);
    assert_int_equal(strlen(tiny), 3);
    assert_int_equal(epode_client_new(&client, &o, NULL, 0), expected);
}

static void what_makes_no_sense_is_refused(void **state)
{
    app a = { 0 };
    static const char *const jids[] = { NULL, "", "localhost", "@localhost", "alice@", "al ice@localhost", "a@b@c",
                                        "\xff@localhost" };
    (void)state;
    epode_options good = app_options(&a, &srv, NULL), o;
    for (size_t i = 0; i < sizeof jids / sizeof *jids; i++) {
        o = good;
        o.jid = jids[i];
        refused(&o, EPODE_EINVAL);
    }
    o = good;
    o.tls = 3;
    refused(&o, EPODE_EINVAL);
    o = good;
    o.log_level = EPODE_LOG_TRACE + 1;
    refused(&o, EPODE_EINVAL);
    o = good;
    o.log_level = -1;
    refused(&o, EPODE_EINVAL);
    o = good;
    o.tag = "\x01";
    refused(&o, EPODE_EINVAL);
    o = good;
    o.size = 0;
    refused(&o, EPODE_EINVAL);
    assert_int_equal(epode_client_new(&a.client, NULL, NULL, 0), EPODE_EINVAL);
    assert_int_equal(epode_client_new(NULL, &good, NULL, 0), EPODE_EINVAL);
}

static void a_store_that_cannot_be_made_is_an_error_of_the_store(void **state)
{
    app a = { 0 };
    char path[128];
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    o.store_path = "/nonexistent/directory/store.db";
    refused(&o, EPODE_ESTORE);
    snprintf(path, sizeof path, "%s/garbage.db", srv.dir);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database", f);
    fclose(f);
    o.store_path = path;
    refused(&o, EPODE_ESTORE_CORRUPT);
}

/* An application that was compiled when the struct ended earlier: what it does not know is not read. */
static void an_older_application_gets_the_defaults(void **state)
{
    app a = { 0 };
    epode_client *client;
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    o.tls = 99;
    o.log_level = 99;
    o.size = offsetof(epode_options, tls);
    assert_int_equal(epode_client_new(&client, &o, NULL, 0), EPODE_OK);
    epode_client_free(client);
    o.size = offsetof(epode_options, password);
    assert_int_equal(epode_client_new(&client, &o, NULL, 0), EPODE_OK);
    epode_client_free(client);
}

/* A newer application, whose struct is longer than the library's. */
static void a_newer_application_is_understood_as_far_as_known(void **state)
{
    struct {
        epode_options o;
        char more[64];
    } newer;
    app a = { 0 };
    unsigned destroyed = 0;
    epode_client *client;
    (void)state;
    memset(&newer, 0xff, sizeof newer);
    newer.o = app_options(&a, &srv, NULL);
    newer.o.size = sizeof newer;
    newer.o.user = &destroyed;
    newer.o.user_destroy = count_destroy;
    assert_int_equal(epode_client_new(&client, &newer.o, NULL, 0), EPODE_OK);
    epode_client_free(client);
    assert_int_equal(destroyed, 1);
}

static void strings_are_copied(void **state)
{
    app a = { 0 };
    char jid[] = "alice@localhost", password[] = "alice-pw", host[] = "127.0.0.1", ca[128];
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    snprintf(ca, sizeof ca, "%s", srv.ca);
    o.jid = jid, o.password = password, o.host = host, o.ca_file = ca;
    app_open(&a, &o);
    memset(jid, 'x', sizeof jid - 1), memset(password, 'x', sizeof password - 1);
    memset(host, 'x', sizeof host - 1), memset(ca, 'x', sizeof ca - 1);
    epode_client_start(a.client);
    app_until(&a, 5000, a.ready);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void a_deadline_holds_for_the_whole_connect(void **state)
{
    app a = { 0 };
    (void)state;
    server_say(&srv, "fault silent-after-header on");
    epode_options o = app_options(&a, &srv, NULL);
    o.connect_timeout_ms = 300;
    o.flags = EPODE_NO_RECONNECT;
    app_open(&a, &o);
    int64_t began = app_now_ms();
    epode_client_start(a.client);
    app_until(&a, 5000, a.stopped);
    server_say(&srv, "fault silent-after-header off");
    assert_in_range(app_now_ms() - began, 290, 900);
    assert_int_equal(a.last_error, EPODE_ETIMEOUT);
    app_close(&a);
}

static void two_clients_of_one_process_have_a_store_each(void **state)
{
    app a = { 0 }, b = { 0 };
    char path[128];
    struct stat st;
    (void)state;
    app_start(&a, &srv, "one.db");
    app_start(&b, &srv, "two.db");
    app_online(&a);
    app_online(&b);
    epode_options same = app_options(&a, &srv, "one.db");
    refused(&same, EPODE_EBUSY);
    assert_true(strcmp(epode_session_jid(epode_client_session(a.client)),
                       epode_session_jid(epode_client_session(b.client))) != 0);
    server_say(&srv, "message bob@localhost alice@localhost for both");
    app_until(&a, 5000, a.messages);
    app_until(&b, 5000, b.messages);
    snprintf(path, sizeof path, "%s/one.db", srv.dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_stop(&b, EPODE_STOP_CLOSE);
    refused(&same, EPODE_EBUSY); /* a stopped client owns its store as well */
    app_close(&a);
    app_close(&b);
    app_start(&a, &srv, "one.db"); /* and a freed one leaves it */
    app_close(&a);
}

static void a_store_in_memory_lives_as_long_as_its_client(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, NULL);
    app_until(&a, 5000, a.ready == 1);
    assert_int_equal(epode_session_token(epode_client_session(a.client)), EPODE_TOKEN_NEW);
    app_stop(&a, EPODE_STOP_CLOSE);
    epode_client_start(a.client);
    app_until(&a, 5000, a.ready == 2);
    assert_int_equal(epode_session_token(epode_client_session(a.client)), EPODE_TOKEN_USED);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
    app_start(&a, &srv, NULL);
    app_until(&a, 5000, a.ready == 1);
    assert_int_equal(epode_session_token(epode_client_session(a.client)), EPODE_TOKEN_NEW);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void what_is_forgotten_is_not_used(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, "forget.db");
    app_online(&a);
    assert_int_equal(epode_client_forget(a.client, EPODE_FORGET_FACTS), EPODE_ESTATE);
    app_stop(&a, EPODE_STOP_RESUMABLE);
    assert_int_equal(epode_client_forget(a.client, EPODE_FORGET_SESSION | EPODE_FORGET_TOKEN | EPODE_FORGET_FACTS),
                     EPODE_OK);
    epode_client_start(a.client);
    assert_int_equal(epode_client_forget(a.client, EPODE_FORGET_TOKEN), EPODE_ESTATE);
    app_until(&a, 5000, a.ready == 2);
    const epode_session *s = epode_client_session(a.client);
    epode_tls_info tls = { .size = sizeof tls };
    epode_session_tls(s, &tls);
    assert_false(epode_session_is_resumed(s));
    assert_int_equal(epode_session_token(s), EPODE_TOKEN_NEW);
    assert_false(tls.resumed);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

/* How many messages stand behind a row; 0: in all. *first is the first one's. */
static unsigned count_from(epode_store *store, uint64_t row, uint64_t *first)
{
    epode_query q = EPODE_QUERY_INIT;
    epode_cursor *cursor;
    const epode_message *m;
    unsigned n = 0;
    epode_status st;
    q.from_row = row;
    assert_int_equal(epode_store_messages(store, &q, &cursor), EPODE_OK);
    while ((st = epode_cursor_next(cursor, &m)) == EPODE_OK) {
        assert_int_equal(m->size, sizeof *m);
        if (n++ == 0)
            *first = m->row;
    }
    assert_int_equal(st, EPODE_DONE);
    epode_cursor_free(cursor);
    return n;
}

static void a_store_is_read_beside_its_running_client(void **state)
{
    char path[128], why[100] = "";
    epode_store *reader;
    uint64_t row = 0, second = 0;
    app a = { 0 };
    (void)state;
    snprintf(path, sizeof path, "%s/beside.db", srv.dir);
    assert_int_equal(epode_store_open(&reader, path, why, sizeof why), EPODE_ESTORE);
    assert_null(reader);
    assert_int_not_equal(strlen(why), 0);
    assert_int_equal(epode_store_open(&reader, NULL, why, sizeof why), EPODE_EINVAL);
    server_say(&srv, "archive-purge alice@localhost 0");
    app_start(&a, &srv, "beside.db");
    app_online(&a);
    assert_int_equal(epode_store_open(&reader, path, why, sizeof why), EPODE_OK);
    for (unsigned i = 0; i < 3; i++)
        server_say(&srv, "message bob@localhost alice@localhost row %u", i);
    app_until(&a, 5000, a.messages == 3);
    assert_int_equal(count_from(reader, 0, &row), 3);
    assert_int_equal(count_from(reader, row, &second), 2);
    assert_int_not_equal(row, second);
    epode_store_close(reader);
    epode_store_close(NULL);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void getters_fill_as_much_as_the_caller_knows(void **state)
{
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, NULL);
    assert_null(epode_client_session(a.client));
    app_online(&a);
    const epode_session *s = epode_client_session(a.client);
    epode_waits waits;
    memset(&waits, 0xee, sizeof waits);
    waits.size = offsetof(epode_waits, tls);
    epode_session_waits(s, &waits);
    assert_int_equal(waits.tcp, 1);
    assert_int_equal(waits.tls, 0xeeeeeeee);
    assert_int_equal(waits.size, offsetof(epode_waits, tls));
    epode_tls_info tls;
    memset(&tls, 0xee, sizeof tls);
    tls.size = 0;
    epode_session_tls(s, &tls);
    assert_int_equal((uintptr_t)tls.version & 0xff, 0xee);
    tls.size = sizeof tls;
    epode_session_tls(s, &tls);
    assert_string_equal(tls.version, "TLSv1.3");
    assert_true(tls.direct && !tls.early_data);
    assert_int_equal(tls.port, srv.direct);
    epode_archive_info archive = { .size = sizeof archive };
    assert_true(epode_session_archive(s, &archive));
    assert_true(epode_session_flight_count(s) >= 4);
    assert_null(epode_session_flight_at(s, epode_session_flight_count(s)));
    assert_null(epode_session_fallback_at(s, epode_session_fallback_count(s)));
    assert_false(epode_session_has(s, (epode_feature)99, NULL));
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(a_store_that_cannot_be_made_is_an_error_of_the_store),
        cmocka_unit_test(an_older_application_gets_the_defaults),
        cmocka_unit_test(a_newer_application_is_understood_as_far_as_known),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(a_deadline_holds_for_the_whole_connect),
        cmocka_unit_test(two_clients_of_one_process_have_a_store_each),
        cmocka_unit_test(a_store_in_memory_lives_as_long_as_its_client),
        cmocka_unit_test(what_is_forgotten_is_not_used),
        cmocka_unit_test(a_store_is_read_beside_its_running_client),
        cmocka_unit_test(getters_fill_as_much_as_the_caller_knows),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
