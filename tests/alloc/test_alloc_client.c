/* Every allocation of a whole start fails in turn, over real sockets: the client ends in a typed error or succeeds, and
 * the next undisturbed start with the same store works. A sample of the allocations is taken; EPODE_ALL_ALLOCATIONS=1
 * takes them all. What leaks is the address sanitizer's to say. */
#include "app.h"
#include "base/alloc.h"

enum { SAMPLE = 45, ROUND_MS = 6000, NEVER = 1000000000 };

static server srv;
static unsigned long allocations; /* of the last start */
static unsigned long total;       /* of an undisturbed one */

static int start_server(void **state)
{
    (void)state;
    server_start(&srv, "--client-cert", "alice", (char *)NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

static bool asks; /* nothing is handed over: the password and a code are asked for */

static void on_password(epode_client *client, epode_ask why, void *user)
{
    (void)why, (void)user;
    epode_status st = epode_client_answer_password(client, EPODE_SECRET_PASSWORD, "alice-pw");
    if (st == EPODE_ENOMEM)
        st = epode_client_answer_password(client, EPODE_SECRET_PASSWORD, NULL);
    assert_int_equal(st, EPODE_OK);
}

static void on_task(epode_client *client, const epode_task *task, void *user)
{
    (void)user;
    const char *xml = "<totp xmlns='urn:totp:example'>MTIzNDU2</totp>";
    epode_status st = epode_client_answer_task(client, epode_task_name_at(task, 0), xml);
    if (st == EPODE_EINVAL)
        st = epode_client_cancel_task(client);
    assert_int_equal(st, EPODE_OK);
}

static bool busy;             /* requests, contacts, resources: each with one outcome */
static unsigned asked, told;

static void on_answer(epode_client *client, const epode_iq_answer *answer, void *user)
{
    (void)client, (void)answer, (void)user;
    told++;
}

static void on_unbound(epode_client *client, const epode_resource_result *result, void *user)
{
    (void)client, (void)result, (void)user;
    told++;
}

static void on_upload(epode_client *client, const epode_upload *upload, void *user)
{
    (void)client, (void)upload, (void)user;
    told++;
}

/* The oldest goes, so that the new one takes its place. */
static void on_bound(epode_client *client, const epode_resource_result *result, void *user)
{
    (void)user;
    told++;
    const char *oldest = client && result->jid ? epode_resource_at(client, 0) : NULL;
    if (oldest)
        asked += epode_resource_unbind(client, strchr(oldest, '/') + 1, on_unbound, NULL, NULL) == EPODE_OK;
}

static void ask_much(app *a)
{
    static const char ping[] = "<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>";
    static const char *const groups[] = { "one", "two" };
    static const char *const blocked[] = { "spam.example" };
    asked += epode_iq_xml(a->client, ping, strlen(ping), 0, on_answer, NULL, NULL) == EPODE_OK;
    asked += epode_roster_set(a->client, "bob@localhost", "Bob", groups, 2, on_answer, NULL, NULL) == EPODE_OK;
    asked += epode_block(a->client, blocked, 1, on_answer, NULL, NULL) == EPODE_OK;
    asked += epode_upload_slot(a->client, "name", 1, NULL, on_upload, NULL) == EPODE_OK;
    server_say(&srv, "stanza alice <presence from='bob@localhost/there'><status>x</status><c node='n' hash='sha-1' ver='v' "
                     "xmlns='http://jabber.org/protocol/caps'/><x xmlns='vcard-temp:x:update'><photo/></x></presence>");
    server_say(&srv, "stanza alice <message from='bob@localhost/there' type='chat'><composing "
                     "xmlns='http://jabber.org/protocol/chatstates'/></message>");
    epode_presence_set(a->client, EPODE_SHOW_AWAY, "away", 1);
    epode_contact_has(a->client, "bob@localhost/there", "urn:xmpp:ping");
    epode_chat_state_send(a->client, "bob@localhost", EPODE_CHAT_COMPOSING);
    asked += epode_resource_bind(a->client, "balcony", on_bound, NULL, NULL) == EPODE_OK;
}

static epode_options options_of(app *a, const char *store)
{
    static char pem[128];
    epode_options o = app_options(a, &srv, store);
    if (asks) {
        snprintf(pem, sizeof pem, "%s/client-alice.pem", srv.dir);
        o.client_cert_file = pem;
        o.password = NULL;
        o.on_password = on_password;
        o.on_task = on_task;
    }
    o.flags = EPODE_NO_RECONNECT | (busy ? EPODE_MULTI_RESOURCE : 0);
    o.connect_timeout_ms = 3000;
    return o;
}

static void on_event(epode_client *client, const epode_event *event, void *user)
{
    app *a = user;
    (void)client;
    a->messages += event->type == EPODE_EV_MESSAGE;
    a->ready += event->type == EPODE_EV_STATE && event->state == EPODE_READY;
    a->last_error = event->error ? epode_error_status(event->error) : a->last_error;
}

/* Until it has stopped, or is ready and nothing happens any more. Events may be missing: memory was. */
static void until_it_rests(app *a)
{
    int64_t end = app_now_ms() + ROUND_MS;
    bool sent = false;
    while (epode_client_state(a->client) != EPODE_STOPPED) {
        assert_true(app_now_ms() < end);
        if (app_is_due(a, epode_client_state(a->client) == EPODE_READY && sent ? 25 : 500)) {
            epode_client_process(a->client);
        } else if (epode_client_state(a->client) == EPODE_READY) {
            if (sent)
                break;
        }
        if (epode_client_state(a->client) == EPODE_READY && !sent) {
            epode_status st = app_send(a, "bob@localhost", "hello", NULL);
            if (st != EPODE_OK && st != EPODE_ENOMEM)
                fail_msg("sending: %s", epode_status_name(st));
            if (busy)
                ask_much(a);
            sent = true;
        }
    }
    while (app_is_due(a, 0))
        epode_client_process(a->client);
}

/* One start in which the n-th allocation fails (0: none does); true: all of it succeeded. */
static bool start_once(const char *store, unsigned long n, bool resumable)
{
    app a = { 0 };
    char why[200];
    epode_options o = options_of(&a, store);
    o.on_event = on_event;
    o.user = &a;
    ep_alloc_fail_at(n, 0);
    epode_status st = epode_client_new(&a.client, &o, why, sizeof why);
    if (st) {
        ep_alloc_fail_at(0, 0);
        if (n == 0 || (st != EPODE_ENOMEM && st != EPODE_ESTORE))
            fail_msg("%s %lu: %s: %s", store, n, epode_status_name(st), why);
        return false;
    }
    assert_int_equal(epode_client_start(a.client), EPODE_OK);
    until_it_rests(&a);
    allocations = ep_alloc_count();
    ep_alloc_fail_at(0, 0);
    const epode_error *error = epode_client_error(a.client);
    bool ready = epode_client_state(a.client) == EPODE_READY;
    if (!ready) {
        if (n == 0 || !error)
            fail_msg("%s %lu: not ready: %s", store, n, epode_error_text(error));
        epode_status why_not = epode_error_status(error);
        assert_true(why_not == EPODE_ENOMEM || why_not == EPODE_ESTORE || why_not == EPODE_ETLS ||
                    why_not == EPODE_EDNS || why_not == EPODE_ECONNECT || why_not == EPODE_EAUTH ||
                    why_not == EPODE_ESTREAM || why_not == EPODE_EPROTO || why_not == EPODE_ETIMEOUT ||
                    (asks && why_not == EPODE_ECANCELLED));
        assert_int_equal(epode_error_is_final(error), why_not == EPODE_ECANCELLED);
    }
    if (!resumable) {
        epode_client_stop(a.client, EPODE_STOP_CLOSE);
        epode_client_run(a.client, 3000);
    }
    epode_client_free(a.client);
    assert_int_equal(asked, told);
    return ready;
}

static void each(const char *name, bool fresh, bool resumable)
{
    char store[64], first[64];
    unsigned long step = 1, n = 1, failed = 0;
    snprintf(first, sizeof first, "%s-count.db", name);
    if (!fresh)
        assert_true(start_once(first, 0, resumable));
    assert_true(start_once(first, NEVER, resumable));
    total = allocations;
    assert_true(total > 100);
    if (!getenv("EPODE_ALL_ALLOCATIONS"))
        step = total / SAMPLE + 1;
    snprintf(store, sizeof store, "%s.db", name);
    if (!fresh)
        assert_true(start_once(store, 0, resumable));
    for (; n <= total; n += step) {
        if (fresh)
            snprintf(store, sizeof store, "%s-%lu.db", name, n);
        if (resumable)
            server_say(&srv, "message bob@localhost alice@localhost number-%lu-", n);
        failed += !start_once(store, n, resumable);
        if (resumable)
            server_say(&srv, "message bob@localhost alice@localhost number-%lu-again-", n);
        assert_true(start_once(store, 0, resumable));
    }
    assert_true(failed > 0);
}

static void of_a_first_start(void **state)
{
    (void)state;
    each("cold", true, false);
}

static void of_a_start_with_all_that_is_remembered(void **state)
{
    (void)state;
    each("warm", false, false);
}

/* The password is asked for, then a code, then an upgrade is done. */
static void of_a_login_that_asks(void **state)
{
    (void)state;
    asks = true;
    server_say(&srv, "feature second-factor 123456");
    server_say(&srv, "feature mechanisms SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-512-PLUS");
    server_say(&srv, "feature upgrades SCRAM-SHA-512");
    server_say(&srv, "feature scram-downgrade-hash on");
    each("asks", true, false);
    server_say(&srv, "feature second-factor ");
    server_say(&srv, "feature mechanisms EXTERNAL");
    each("certificate", true, false);
    server_say(&srv, "feature mechanisms SCRAM-SHA-256-PLUS SCRAM-SHA-256");
    asks = false;
}

/* Every request that was taken has its one outcome, whatever fails. */
static void of_requests_contacts_and_resources(void **state)
{
    (void)state;
    busy = true;
    server_say(&srv, "feature unbind on");
    each("busy", false, false);
    server_say(&srv, "feature unbind off");
    assert_true(told > 3 * SAMPLE);
    busy = false;
}

typedef struct seen {
    char bodies[8192][32];
    size_t n;
} seen;

static void never_twice(const epode_message *m, seen *s)
{
    if (!m->body || strncmp(m->body, "number-", 7) != 0 || s->n == 8192)
        return;
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->bodies[i], m->body) == 0)
            fail_msg("twice in the store: %s", m->body);
    snprintf(s->bodies[s->n++], sizeof *s->bodies, "%s", m->body);
}

static void see_all(epode_store *reader, seen *s)
{
    epode_query q = EPODE_QUERY_INIT;
    epode_cursor *cursor;
    const epode_message *m;
    epode_status st;
    assert_int_equal(epode_store_messages(reader, &q, &cursor), EPODE_OK);
    while ((st = epode_cursor_next(cursor, &m)) == EPODE_OK)
        never_twice(m, s);
    assert_int_equal(st, EPODE_DONE);
    epode_cursor_free(cursor);
}

static void none_is_lost(const seen *s)
{
    unsigned long step = getenv("EPODE_ALL_ALLOCATIONS") ? 1 : total / SAMPLE + 1;
    for (unsigned long n = 1; n <= total; n += step)
        for (int again = 0; again < 2; again++) {
            char body[32];
            bool found = false;
            snprintf(body, sizeof body, "number-%lu%s-", n, again ? "-again" : "");
            for (size_t i = 0; i < s->n && !found; i++)
                found = strcmp(s->bodies[i], body) == 0;
            if (!found)
                fail_msg("not in the store: %s", body);
        }
}

/* Messages come while the client is away, before each start: none may be lost or doubled by what fails. */
static void of_a_resumed_session_with_messages(void **state)
{
    char path[128];
    epode_store *reader;
    seen *s = test_calloc(1, sizeof *s);
    (void)state;
    each("resumed", false, true);
    snprintf(path, sizeof path, "%s/resumed.db", srv.dir);
    assert_int_equal(epode_store_open(&reader, path, NULL, 0), EPODE_OK);
    see_all(reader, s);
    epode_store_close(reader);
    none_is_lost(s);
    test_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_first_start),
        cmocka_unit_test(of_a_start_with_all_that_is_remembered),
        cmocka_unit_test(of_a_login_that_asks),
        cmocka_unit_test(of_requests_contacts_and_resources),
        cmocka_unit_test(of_a_resumed_session_with_messages),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
