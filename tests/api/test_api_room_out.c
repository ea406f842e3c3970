/* Rooms: who we are in them, and how we are sent out (XEP-0045, 7.14, 9 and 10.9; XEP-0421). */
#include "rooms.h"

/* The room tells alice that she is gone. */
static void put_out(const char *payload)
{
    char line[1024];
    snprintf(line, sizeof line,
             "stanza alice <presence type='unavailable' from='" DEN "/al'>"
             "<x xmlns='http://jabber.org/protocol/muc#user'>%s<status code='110'/></x></presence>", payload);
    server_say(&srv, "room-forget " DEN " alice");
    server_say(&srv, "%s", line);
}

static void who_is_sent_out_for_good_is_told_why_and_does_not_come_back(void **state)
{
    static const struct {
        const char *payload, *reason;
        epode_room_left why;
    } rows[] = {
        { "<item affiliation='none' role='none'><reason>be quiet</reason></item><status code='307'/>", "be quiet",
          EPODE_LEFT_KICKED },
        { "<item affiliation='outcast' role='none'><reason>go</reason></item><status code='301'/>", "go",
          EPODE_LEFT_BANNED },
        { "<item affiliation='none' role='none'/><status code='321'/>", "", EPODE_LEFT_AFFILIATION },
        { "<item affiliation='none' role='none'/><status code='322'/>", "", EPODE_LEFT_MEMBERS_ONLY },
        { "<item affiliation='none' role='none'/><destroy jid='other@rooms.localhost'><reason>moved</reason></destroy>",
          "moved", EPODE_LEFT_DESTROYED },
    };
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    start(&a, "out.db", &s);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        join(&a, &s, "al");
        unsigned before = s.left;
        put_out(rows[i].payload);
        app_until(&a, 5000, s.left > before);
        assert_int_equal(s.why, rows[i].why);
        assert_string_equal(s.text, rows[i].reason);
        assert_int_equal(epode_room_count(a.client), 0);
        assert_int_equal(say(&a, "to a closed door"), EPODE_OK);
        unsigned failed = a.failed;
        app_until(&a, 5000, a.failed > failed);
    }
    unsigned joined = s.joined;
    done(&a);
    start(&a, "out.db", &s);
    app_settled(&a);
    assert_int_equal(s.joined, joined);
    done(&a);
}

static void after_a_shutdown_it_is_joined_again(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    start(&a, "shut.db", &s);
    join(&a, &s, "al");
    put_out("<item affiliation='none' role='none'/><status code='332'/>");
    app_until(&a, 5000, s.left == 1);
    assert_int_equal(s.why, EPODE_LEFT_SHUTDOWN);
    assert_int_equal(epode_room_count(a.client), 1);
    assert_false(epode_room_is_joined(epode_room_at(a.client, 0)));
    assert_int_equal(epode_room_leave(a.client, DEN, NULL), EPODE_OK);
    done(&a);
}

static const char *id_of(app *a, const char *nick)
{
    return occupant(a, nick) ? occupant(a, nick)->id : NULL;
}

static void a_nick_that_was_somebody_elses_is_not_us(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    char id[64];
    (void)state;
    server_say(&srv, "room-say " DEN " al said by another al");
    start(&a, "ids.db", &s);
    join(&a, &s, "al");
    assert_int_equal(say(&a, "said by us"), EPODE_OK);
    app_until(&a, 5000, strstr(texts(&a), "*said by us;"));
    assert_non_null(strstr(texts(&a), "said by another al;"));
    assert_null(strstr(texts(&a), "*said by another al;"));
    snprintf(id, sizeof id, "%s", id_of(&a, "al"));
    assert_int_equal(strlen(id), 32);
    /* Under another nick it is still us, also for what is read later by a client that did not join. */
    assert_int_equal(epode_room_join(a.client, DEN, "alice", NULL, 0), EPODE_OK);
    app_until(&a, 5000, s.nicks == 1);
    assert_string_equal(id_of(&a, "alice"), id);
    assert_int_equal(say(&a, "under a new nick"), EPODE_OK);
    app_until(&a, 5000, strstr(texts(&a), "*under a new nick;"));
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
    start(&a, "fresh.db", &s);
    join(&a, &s, "al");
    app_until(&a, 5000, strstr(texts(&a), "said by another al;"));
    app_until(&a, 5000, strstr(texts(&a), "*said by us;*under a new nick;"));
    assert_null(strstr(texts(&a), "*said by another al;"));
    assert_int_equal(epode_room_leave(a.client, DEN, NULL), EPODE_OK);
    done(&a);
}

/* The room that we make tells of us before it can be asked whether it gives ids. */
static void who_makes_a_room_knows_the_own_id_in_it(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    char id[64];
    (void)state;
    start(&a, "maker.db", &s);
    assert_int_equal(epode_room_join(a.client, "made@rooms.localhost", "al", NULL, 0), EPODE_OK);
    app_until(&a, 5000, s.joined == 1 && epode_room_occupant_at(epode_room_at(a.client, 0), 0)->id);
    snprintf(id, sizeof id, "%s", epode_room_occupant_at(epode_room_at(a.client, 0), 0)->id);
    server_say(&srv, "stanza alice <message type='groupchat' id='m1' from='made@rooms.localhost/al'><occupant-id "
                     "xmlns='urn:xmpp:occupant-id:0' id='another'/><body>theirs</body></message>");
    server_say(&srv, "stanza alice <message type='groupchat' id='m2' from='made@rooms.localhost/other'><occupant-id "
                     "xmlns='urn:xmpp:occupant-id:0' id='%s'/><body>ours</body></message>", id);
    app_until(&a, 5000, a.messages == 1 && a.own == 1);
    assert_int_equal(epode_room_leave(a.client, "made@rooms.localhost", NULL), EPODE_OK);
    done(&a);
}

/* Without the room's word that it gives ids, what stands there is anybody's. */
static void an_id_in_a_room_that_gives_none_is_not_believed(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    server_say(&srv, "feature occupant-ids off");
    start(&a, "noids.db", &s);
    assert_int_equal(epode_room_join(a.client, "bare@rooms.localhost", "al", NULL, 0), EPODE_OK);
    app_until(&a, 5000, s.joined == 1);
    server_say(&srv, "stanza alice <message type='groupchat' id='f1' from='bare@rooms.localhost/eve'>"
                     "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='x'/><body>forged</body></message>");
    app_until(&a, 5000, a.messages == 1);
    epode_query q = EPODE_QUERY_INIT;
    epode_cursor *cursor;
    const epode_message *m;
    q.archive = "bare@rooms.localhost";
    assert_int_equal(epode_store_messages(epode_client_store(a.client), &q, &cursor), EPODE_OK);
    assert_int_equal(epode_cursor_next(cursor, &m), EPODE_OK);
    assert_string_equal(m->body, "forged");
    assert_null(m->occupant);
    epode_cursor_free(cursor);
    assert_null(epode_room_occupant_at(epode_room_at(a.client, 0), 0)->id);
    assert_int_equal(epode_room_leave(a.client, "bare@rooms.localhost", NULL), EPODE_OK);
    done(&a);
    server_say(&srv, "feature occupant-ids on");
}

#define LONG "long@rooms.localhost"

/* What a query gives; *oldest: the last of it. */
static size_t read_all(app *a, const epode_query *q, uint64_t *oldest)
{
    epode_cursor *cursor;
    const epode_message *m;
    size_t n = 0;
    assert_int_equal(epode_store_messages(epode_client_store(a->client), q, &cursor), EPODE_OK);
    for (; epode_cursor_next(cursor, &m) == EPODE_OK; n++)
        if (!n || q->newest_first)
            *oldest = m->row;
    epode_cursor_free(cursor);
    return n;
}

/* What is held of the room, read forwards, so that nothing is asked for. *oldest: the first. */
static size_t held(app *a, uint64_t *oldest)
{
    epode_query q = { .size = sizeof q, .archive = LONG };
    return read_all(a, &q, oldest);
}

/* In a room of 120 messages with the newest page of them; how many, and the oldest. */
static size_t start_long(app *a, seen *s, const char *store, uint64_t *oldest)
{
    a->on = note;
    a->more = s;
    epode_options o = app_options(a, &srv, store);
    o.first_sync_messages = 20;
    app_open(a, &o);
    assert_int_equal(epode_client_start(a->client), EPODE_OK);
    assert_int_equal(epode_room_join(a->client, LONG, "al", NULL, 0), EPODE_OK);
    app_until(a, 10000, s->joined && a->synced && held(a, oldest) >= 20);
    app_settled(a);
    return held(a, oldest);
}

/* What a first login left to the server is got as somebody reads back, in a room as elsewhere: whether the room is named
 * as the archive or as the peer, also where reading begins at the end of what is held, or shows nothing of it. */
static void a_rooms_older_messages_come_as_they_are_read(void **state)
{
    (void)state;
    server_say(&srv, "room-create long");
    server_say(&srv, "archive-add " LONG " dave 120");
    for (int how = 0; how < 4; how++) {
        app a = { 0 };
        seen s = { 0 };
        char store[32];
        uint64_t oldest, last;
        snprintf(store, sizeof store, "long%d.db", how);
        size_t first = start_long(&a, &s, store, &oldest);
        assert_true(first < 120);
        epode_query q = { .size = sizeof q, .newest_first = true, .from_row = how == 2 ? oldest : 0, .from_ms = how == 3 };
        *(how == 1 ? &q.peer : &q.archive) = LONG;
        assert_int_equal(read_all(&a, &q, &last), how < 2 ? first : 0);
        app_until(&a, 10000, read_all(&a, &q, &last) < 200 && held(&a, &oldest) == 120);
        app_until(&a, 10000, epode_history_fill(a.client, oldest, 10) == EPODE_DONE);
        assert_int_equal(epode_room_leave(a.client, LONG, NULL), EPODE_OK);
        /* It is not followed any more. */
        app_settled(&a);
        assert_int_equal(epode_history_fill(a.client, oldest, 10), EPODE_DONE);
        done(&a);
    }
}

/* Nobody has to know that a room's messages are in an archive of their own. */
static void a_room_is_a_conversation_by_its_jid(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    uint64_t oldest;
    uint32_t unread;
    bool at_least;
    (void)state;
    start(&a, "peer.db", &s);
    join(&a, &s, "al");
    server_say(&srv, "room-say " DEN " eve a word of the room");
    app_until(&a, 5000, strstr(texts(&a), "a word of the room"));
    epode_store *store = epode_client_store(a.client);
    epode_query q = { .size = sizeof q, .peer = DEN };
    size_t n = read_all(&a, &q, &oldest);
    assert_true(n > 0);
    assert_int_equal(epode_store_unread(store, DEN, &unread, &at_least), EPODE_OK);
    assert_true(unread > 0);
    q.search = "word";
    assert_int_equal(read_all(&a, &q, &oldest), 1);
    /* The account's own archive has nothing of it. */
    q = (epode_query){ .size = sizeof q, .peer = DEN, .archive = "alice@localhost" };
    assert_int_equal(read_all(&a, &q, &oldest), 0);
    assert_int_equal(epode_store_unread(store, "other@rooms.localhost", &unread, &at_least), EPODE_DONE);
    done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_sent_out_for_good_is_told_why_and_does_not_come_back),
        cmocka_unit_test(after_a_shutdown_it_is_joined_again),
        cmocka_unit_test(a_nick_that_was_somebody_elses_is_not_us),
        cmocka_unit_test(who_makes_a_room_knows_the_own_id_in_it),
        cmocka_unit_test(an_id_in_a_room_that_gives_none_is_not_believed),
        cmocka_unit_test(a_rooms_older_messages_come_as_they_are_read),
        cmocka_unit_test(a_room_is_a_conversation_by_its_jid),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
