/* The outbox: what was sent arrives once and in order, whatever happens to the client and its session in between. */
#include <unistd.h>

#include "app.h"

enum { ROUNDS = 12, EACH = 3 };

static server srv;
static app bob;

static int start_all(void **state)
{
    (void)state;
    server_start(&srv, (char *)NULL);
    epode_options o = app_options(&bob, &srv, "bob.db");
    o.jid = "bob@localhost";
    o.password = "bob-pw";
    app_open(&bob, &o);
    epode_client_start(bob.client);
    app_online(&bob);
    app_synced(&bob);
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

/* Both go on until the condition holds. */
#define both_until(a, condition)                                                                   \
    do {                                                                                           \
        int64_t end_ = app_now_ms() + 15000;                                                       \
        while (!(condition)) {                                                                     \
            if (app_now_ms() > end_)                                                               \
                fail_msg("not in time: %s (%u, %s)", #condition, bob.messages, app_row_of(bob.client, bob.last_row).body); \
            app_turn(a, app_now_ms() + 3);                                                         \
            app_turn(&bob, app_now_ms() + 3);                                                      \
        }                                                                                          \
    } while (0)

/* How often this is a body in a user's archive at the server; *place: the line of the first. */
static unsigned archived(const char *user, const char *body, unsigned *place)
{
    char path[128], line[4096], want[600];
    unsigned n = 0, at = 0;
    snprintf(path, sizeof path, "%s/dump", srv.dir);
    snprintf(want, sizeof want, "\"body\":\"%s\"", body);
    server_say(&srv, "archive-dump %s %s", user, path);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (; fgets(line, sizeof line, f); at++)
        if (strstr(line, want) && n++ == 0)
            *place = at;
    fclose(f);
    return n;
}

/* Numbers below count after a word: each once at bob and in both archives, and there in order. */
static void arrived_once_in_order(const char *word, unsigned count)
{
    static const char *const users[] = { "alice@localhost", "bob@localhost" };
    for (size_t u = 0; u < 2; u++)
        for (unsigned i = 0, last = 0, place = 0; i < count; i++, last = place) {
            char body[64];
            snprintf(body, sizeof body, "%s-%u", word, i);
            unsigned n = archived(users[u], body, &place);
            if (n != 1 || (i && place < last))
                fail_msg("%s is %u times in the archive of %s, at %u behind %u", body, n, users[u], place, last);
            if (u == 1 && app_count(&bob, body) != 1)
                fail_msg("%s is %u times at bob", body, app_count(&bob, body));
        }
}

static uint64_t send_numbered(app *a, const char *word, unsigned number)
{
    char body[64];
    uint64_t row = 0;
    snprintf(body, sizeof body, "%s-%u", word, number);
    assert_int_equal(app_send(a, "bob@localhost", body, &row), EPODE_OK);
    return row;
}

static void alice_opens(app *a, const char *store, uint32_t flags)
{
    epode_options o = app_options(a, &srv, store);
    o.flags = flags;
    app_open(a, &o);
}

static void what_was_sent_before_a_start_leaves_with_it_in_order(void **state)
{
    app a = { 0 };
    uint64_t rows[120];
    unsigned base = bob.messages;
    (void)state;
    alice_opens(&a, "before.db", 0);
    for (unsigned i = 0; i < 120; i++)
        rows[i] = send_numbered(&a, "before", i);
    app_for(&a, 50);
    assert_int_equal(a.own, 120);
    assert_int_equal(a.sent, 0);
    epode_client_start(a.client);
    both_until(&a, a.acknowledged == 120 && bob.messages == base + 120);
    assert_int_equal(a.sent, 120);
    for (unsigned i = 0; i < 120; i++)
        assert_int_equal(app_row_of(a.client, rows[i]).state, EPODE_DELIVERY_ACKNOWLEDGED);
    arrived_once_in_order("before", 120);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void what_waits_survives_its_client(void **state)
{
    app a = { 0 };
    (void)state;
    alice_opens(&a, "waits.db", 0);
    uint64_t row = send_numbered(&a, "waits", 0);
    app_close(&a);
    alice_opens(&a, "waits.db", 0);
    assert_int_equal(app_row_of(a.client, row).state, EPODE_DELIVERY_QUEUED);
    epode_client_start(a.client);
    both_until(&a, a.acknowledged == 1 && app_count(&bob, "waits-0"));
    assert_int_equal(a.last_delivery_row, row);
    arrived_once_in_order("waits", 1);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void what_is_sent_all_the_way_stays_in_order(void **state)
{
    app a = { 0 };
    unsigned n = 0;
    (void)state;
    alice_opens(&a, "way.db", 0);
    send_numbered(&a, "way", n++);
    epode_client_start(a.client);
    for (; n < 60; app_turn(&a, app_now_ms() + 5))
        send_numbered(&a, "way", n++);
    server_say(&srv, "drop-connections hard");
    for (; n < 80; app_turn(&a, app_now_ms() + 5))
        send_numbered(&a, "way", n++);
    both_until(&a, a.acknowledged == 80 && app_count(&bob, "way-79"));
    arrived_once_in_order("way", 80);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

/* The client goes away without a word after a number of turns, again and again; forget: and its session is lost. */
static void through_rounds(const char *word, uint32_t flags, bool forget)
{
    char store[64], last[64];
    unsigned n = 0;
    uint64_t rows[ROUNDS * EACH];
    app a = { 0 };
    snprintf(store, sizeof store, "%s.db", word);
    for (unsigned round = 0; round < ROUNDS; round++) {
        alice_opens(&a, store, flags);
        epode_client_start(a.client);
        if (round % 4)
            app_until(&a, 10000, a.ready);
        for (unsigned i = 0; i < EACH; i++)
            rows[n] = send_numbered(&a, word, n), n++;
        for (unsigned turn = 0; turn < round % 5; turn++)
            app_turn(&a, app_now_ms() + 10);
        app_close(&a);
        if (forget)
            server_say(&srv, "forget-sm");
    }
    alice_opens(&a, store, flags);
    epode_client_start(a.client);
    snprintf(last, sizeof last, "%s-%u", word, n - 1);
    both_until(&a, app_row_of(a.client, rows[n - 1]).state == EPODE_DELIVERY_ACKNOWLEDGED && app_count(&bob, last));
    app_for(&a, 100);
    app_for(&bob, 100);
    for (unsigned i = 0; i < n; i++)
        if (app_row_of(a.client, rows[i]).state != EPODE_DELIVERY_ACKNOWLEDGED)
            fail_msg("%s-%u is in state %d", word, i, app_row_of(a.client, rows[i]).state);
    arrived_once_in_order(word, n);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void a_client_that_goes_away_and_resumes_sends_once(void **state)
{
    (void)state;
    through_rounds("resumed", 0, false);
}

static void a_client_whose_session_expired_sends_once(void **state)
{
    (void)state;
    through_rounds("expired", 0, true);
}

static void without_stream_management_a_client_that_goes_away_sends_once(void **state)
{
    (void)state;
    through_rounds("unmanaged", EPODE_NO_SM, false);
}

/* The server has it and could not say so: only its archive tells. */
static void told_by_the_archive(const char *word, uint32_t flags)
{
    char store[64], body[64];
    unsigned place;
    app a = { 0 };
    snprintf(store, sizeof store, "%s.db", word);
    snprintf(body, sizeof body, "%s-0", word);
    alice_opens(&a, store, flags);
    epode_client_start(a.client);
    app_online(&a);
    app_settled(&a);
    server_say(&srv, "fault cut-at *:1");
    uint64_t row = send_numbered(&a, word, 0);
    app_until(&a, 5000, a.offline);
    server_say(&srv, "fault cut-at off");
    server_say(&srv, "forget-sm");
    assert_int_equal(archived("alice@localhost", body, &place), 1);
    assert_int_equal(app_row_of(a.client, row).state, EPODE_DELIVERY_SENT);
    long sent = server_counter(&srv, "messages");
    both_until(&a, a.acknowledged == 1 && app_count(&bob, body));
    app_for(&a, 200);
    assert_int_equal(server_counter(&srv, "messages"), sent);
    assert_int_not_equal(strlen(app_row_of(a.client, row).archive_id), 0);
    arrived_once_in_order(word, 1);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void what_the_archive_has_is_not_sent_again(void **state)
{
    (void)state;
    told_by_the_archive("told", 0);
    told_by_the_archive("told-unmanaged", EPODE_NO_SM);
}

static void a_message_to_nobody_is_told_as_failed(void **state)
{
    app a = { 0 };
    uint64_t row = 0;
    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        alice_opens(&a, "nobody.db", round ? EPODE_NO_SM : 0);
        epode_client_start(a.client);
        assert_int_equal(app_send(&a, "nobody@localhost", "is there anybody", &row), EPODE_OK);
        app_until(&a, 5000, a.failed == 1);
        assert_int_equal(a.last_delivery_row, row);
        app_for(&a, 100);
        assert_int_equal(a.failed, 1);
        assert_int_equal(app_count(&a, "is there anybody"), round + 1);
        app_stop(&a, EPODE_STOP_CLOSE);
        app_close(&a);
    }
}

/* --- what changes other messages ---------------------------------------------------------------------- */

static uint64_t send_more(app *a, epode_outgoing *m)
{
    uint64_t row = 0;
    m->to = "bob@localhost";
    assert_int_equal(epode_send_message(a->client, m, &row), EPODE_OK);
    return row;
}

/* A message, and its rows at both. */
static void exchange(app *a, const char *id, const char *body, uint64_t *at_alice, uint64_t *at_bob)
{
    epode_outgoing m = EPODE_OUTGOING_INIT;
    m.id = id;
    m.body = body;
    *at_alice = send_more(a, &m);
    both_until(a, strcmp(app_row_of(bob.client, bob.last_row).body, body) == 0);
    *at_bob = bob.last_row;
    assert_string_equal(app_row_of(bob.client, *at_bob).id, id);
}

static void a_correction_is_seen_by_both(void **state)
{
    app a = { 0 };
    uint64_t here, there;
    epode_outgoing m = EPODE_OUTGOING_INIT;
    (void)state;
    alice_opens(&a, "effects.db", 0);
    epode_client_start(a.client);
    exchange(&a, "edit-1", "teh text", &here, &there);
    m.replace_id = "edit-1";
    m.body = "the text";
    send_more(&a, &m);
    both_until(&a, app_row_of(bob.client, there).edited && app_row_of(a.client, here).edited);
    assert_string_equal(app_row_of(bob.client, there).body, "the text");
    assert_string_equal(app_row_of(a.client, here).body, "the text");
    assert_true(bob.changed > 0 && a.changed > 0);
    assert_int_equal(app_count(&bob, "the text"), 1);
    m.body = "the very text";
    send_more(&a, &m);
    both_until(&a, strcmp(app_row_of(bob.client, there).body, "the very text") == 0);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void a_retraction_is_seen_by_both(void **state)
{
    app a = { 0 };
    uint64_t here, there;
    epode_outgoing m = EPODE_OUTGOING_INIT;
    (void)state;
    alice_opens(&a, "effects.db", 0);
    epode_client_start(a.client);
    exchange(&a, "gone-1", "never said", &here, &there);
    m.retract_id = "gone-1";
    send_more(&a, &m);
    both_until(&a, app_row_of(bob.client, there).retracted && app_row_of(a.client, here).retracted);
    assert_string_equal(app_row_of(bob.client, there).body, "");
    assert_int_equal(app_count(&bob, "never said"), 0);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void reactions_are_seen_by_both_and_can_be_withdrawn(void **state)
{
    app a = { 0 };
    uint64_t here, there;
    epode_outgoing m = EPODE_OUTGOING_INIT, back = EPODE_OUTGOING_INIT;
    (void)state;
    alice_opens(&a, "effects.db", 0);
    epode_client_start(a.client);
    exchange(&a, "react-1", "what do you think", &here, &there);
    m.react_id = back.react_id = "react-1";
    m.reactions = "\xf0\x9f\x91\x8d \xf0\x9f\x8e\x89";
    send_more(&a, &m);
    both_until(&a, app_row_of(bob.client, there).reactions[0] && app_row_of(a.client, here).reactions[0]);
    assert_string_equal(app_row_of(bob.client, there).reactions, "alice@localhost:\xf0\x9f\x91\x8d \xf0\x9f\x8e\x89;");
    back.to = "alice@localhost";
    back.reactions = "\xe2\x9d\xa4";
    assert_int_equal(epode_send_message(bob.client, &back, NULL), EPODE_OK);
    both_until(&a, strstr(app_row_of(a.client, here).reactions, "bob@localhost:\xe2\x9d\xa4;"));
    m.reactions = "";
    send_more(&a, &m);
    both_until(&a, strcmp(app_row_of(bob.client, there).reactions, "bob@localhost:\xe2\x9d\xa4;") == 0);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void a_reply_names_its_message_and_a_marker_its_reader(void **state)
{
    app a = { 0 };
    uint64_t here, there;
    epode_outgoing m = EPODE_OUTGOING_INIT;
    (void)state;
    alice_opens(&a, "effects.db", 0);
    epode_client_start(a.client);
    exchange(&a, "ask-1", "when", &here, &there);
    m.reply_id = "ask-1";
    m.reply_to = "alice@localhost";
    m.body = "at seven";
    send_more(&a, &m);
    both_until(&a, strcmp(app_row_of(bob.client, bob.last_row).body, "at seven") == 0);
    assert_string_equal(app_row_of(bob.client, bob.last_row).reply_id, "ask-1");
    assert_int_equal(epode_mark_displayed(bob.client, there, true), EPODE_OK);
    both_until(&a, app_row_of(a.client, here).state == EPODE_DELIVERY_READ);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sent_before_a_start_leaves_with_it_in_order),
        cmocka_unit_test(what_waits_survives_its_client),
        cmocka_unit_test(what_is_sent_all_the_way_stays_in_order),
        cmocka_unit_test(a_client_that_goes_away_and_resumes_sends_once),
        cmocka_unit_test(a_client_whose_session_expired_sends_once),
        cmocka_unit_test(without_stream_management_a_client_that_goes_away_sends_once),
        cmocka_unit_test(what_the_archive_has_is_not_sent_again),
        cmocka_unit_test(a_message_to_nobody_is_told_as_failed),
        cmocka_unit_test(a_correction_is_seen_by_both),
        cmocka_unit_test(a_retraction_is_seen_by_both),
        cmocka_unit_test(reactions_are_seen_by_both_and_can_be_withdrawn),
        cmocka_unit_test(a_reply_names_its_message_and_a_marker_its_reader),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
