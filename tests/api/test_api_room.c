/* Rooms: joined once and ever again, who is in them, what they say, and that we are still in (XEP-0045, XEP-0410). */
#include "rooms.h"

static void who_is_in_a_room_is_known_and_told(void **state)
{
    app a = { 0 }, b = { 0 };
    seen sa = { 0 }, sb = { 0 };
    (void)state;
    start(&a, "who-a.db", &sa);
    start_bob(&b, "who-b.db", &sb);
    join(&a, &sa, "al");
    const epode_room *r = epode_room_at(a.client, 0);
    assert_int_equal(epode_room_count(a.client), 1);
    assert_null(epode_room_at(a.client, 1));
    assert_string_equal(epode_room_jid(r), DEN);
    assert_true(epode_room_is_joined(r));
    assert_int_equal(epode_room_occupant_count(r), 1);
    assert_true(occupant(&a, "al")->self);
    assert_int_equal(occupant(&a, "al")->role, EPODE_ROLE_PARTICIPANT);
    assert_int_equal(epode_room_join(a.client, DEN, "al", NULL, 0), EPODE_DONE);
    join(&b, &sb, "bo");
    assert_int_equal(sb.came, 0);
    assert_non_null(occupant(&b, "al"));
    app_until(&a, 5000, sa.came == 1);
    assert_string_equal(sa.nick, "bo");
    assert_false(occupant(&a, "bo")->self);
    assert_null(occupant(&a, "bo")->jid);
    assert_int_equal(epode_room_join(b.client, DEN, "bob", NULL, 0), EPODE_OK);
    both_until(&b, &a, sb.nicks == 1 && sa.renamed == 1);
    assert_string_equal(epode_room_nick(epode_room_at(b.client, 0)), "bob");
    assert_string_equal(sa.text, "bob");
    assert_int_equal(epode_room_set_subject(b.client, DEN, "tea"), EPODE_OK);
    both_until(&b, &a, sb.subjects && sa.subjects);
    assert_string_equal(epode_room_subject(epode_room_at(a.client, 0)), "tea");
    assert_string_equal(sa.nick, "bob");
    assert_int_equal(epode_room_leave(b.client, DEN, "bye"), EPODE_OK);
    both_until(&b, &a, sb.left == 1 && sa.gone == 1);
    assert_int_equal(sb.why, EPODE_LEFT_SELF);
    assert_int_equal(epode_room_count(b.client), 0);
    assert_int_equal(epode_room_leave(b.client, DEN, NULL), EPODE_DONE);
    assert_int_equal(epode_room_set_subject(b.client, DEN, "x"), EPODE_ESTATE);
    done(&b);
    assert_int_equal(epode_room_leave(a.client, DEN, NULL), EPODE_OK);
    done(&a);
}

static void history_comes_from_the_archive_and_never_twice(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    server_say(&srv, "room-say " DEN " bo one");
    server_say(&srv, "room-say " DEN " bo two");
    start(&a, "history.db", &s);
    join(&a, &s, "al");
    app_until(&a, 5000, strstr(texts(&a), "two;"));
    server_say(&srv, "room-say " DEN " cy three");
    assert_int_equal(say(&a, "mine"), EPODE_OK);
    app_until(&a, 5000, strstr(texts(&a), "three;") && strstr(texts(&a), "*mine;"));
    server_say(&srv, "room-say " DEN " bo four");
    app_until(&a, 5000, strstr(texts(&a), "four;"));
    char before[APP_NOTES] = "";
    app_append(before, sizeof before, "%s", texts(&a));
    assert_null(strchr(before, '?'));
    done(&a);
    server_say(&srv, "room-say " DEN " bo five");
    /* Joined by itself, and read on from where it was. */
    memset(&s, 0, sizeof s);
    start(&a, "history.db", &s);
    app_until(&a, 5000, s.joined && strstr(texts(&a), "five;"));
    app_append(before, sizeof before, "five;");
    assert_string_equal(texts(&a), before);
    assert_int_equal(epode_room_leave(a.client, DEN, NULL), EPODE_OK);
    done(&a);
    server_say(&srv, "room-say " DEN " bo six");
    memset(&s, 0, sizeof s);
    start(&a, "history.db", &s);
    app_for(&a, 50);
    assert_int_equal(s.joined, 0);
    assert_string_equal(texts(&a), before);
    done(&a);
}

static void without_an_archive_the_rooms_own_history_is_taken_once(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    server_say(&srv, "feature room-mam off");
    server_say(&srv, "feature room-sid off");
    start(&a, "none.db", &s);
    join(&a, &s, "al");
    assert_int_equal(say(&a, "mine"), EPODE_OK);
    server_say(&srv, "room-say " DEN " bo seven");
    app_until(&a, 5000, strstr(texts(&a), "seven?;") && a.acknowledged);
    char before[APP_NOTES] = "";
    app_append(before, sizeof before, "%s", texts(&a));
    done(&a);
    server_say(&srv, "room-say " DEN " bo eight");
    memset(&s, 0, sizeof s);
    start(&a, "none.db", &s);
    app_until(&a, 5000, strstr(texts(&a), "eight?;"));
    app_append(before, sizeof before, "eight?;");
    assert_string_equal(texts(&a), before);
    assert_int_equal(epode_room_leave(a.client, DEN, NULL), EPODE_OK);
    done(&a);
    server_say(&srv, "feature room-mam on");
    server_say(&srv, "feature room-sid on");
}

/* A room without an archive and without ids: what it tells again of what is held is known, and what was said twice is there
 * twice. */
static void what_has_no_id_is_told_once_and_what_was_said_twice_is_there_twice(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    const char *const without[] = { "room-mam", "room-sid", "room-ids" };
    for (size_t i = 0; i < 3; i++)
        server_say(&srv, "feature %s off", without[i]);
    server_say(&srv, "archive-purge " DEN " 0");
    start(&a, "bare.db", &s);
    join(&a, &s, "al");
    server_say(&srv, "room-say " DEN " bo ok");
    server_say(&srv, "room-say " DEN " bo ok");
    app_until(&a, 5000, strcmp(texts(&a), "ok?;ok?;") == 0);
    done(&a);
    server_say(&srv, "room-say " DEN " bo ok");
    server_say(&srv, "room-say " DEN " cy ok");
    server_say(&srv, "room-say " DEN " bo later");
    for (int again = 0; again < 2; again++) {
        memset(&s, 0, sizeof s);
        start(&a, "bare.db", &s);
        app_until(&a, 5000, s.joined && s.subjects);
        app_for(&a, 50);
        assert_string_equal(texts(&a), "ok?;ok?;ok?;ok?;later?;");
        if (!again)
            done(&a);
    }
    /* What is said now is never taken for something of before. */
    server_say(&srv, "room-say " DEN " bo later");
    app_until(&a, 5000, strcmp(texts(&a), "ok?;ok?;ok?;ok?;later?;later?;") == 0);
    assert_int_equal(epode_room_leave(a.client, DEN, NULL), EPODE_OK);
    done(&a);
    for (size_t i = 0; i < 3; i++)
        server_say(&srv, "feature %s on", without[i]);
}

/* The same id and words again, live: the one that is held is another one. */
static void what_is_said_live_is_never_taken_for_history(void **state)
{
    static const char xml[] = "<message type='groupchat' to='" DEN "' id='1'><body>once more</body></message>";
    app a = { 0 }, b = { 0 };
    seen s = { 0 }, t = { 0 };
    (void)state;
    server_say(&srv, "feature room-mam off");
    server_say(&srv, "feature room-sid off");
    server_say(&srv, "feature room-history 0");
    server_say(&srv, "archive-purge " DEN " 0");
    start_bob(&b, "live-b.db", &t);
    join(&b, &t, "bo");
    for (int times = 1; times < 4; times++) {
        memset(&s, 0, sizeof s);
        start(&a, "live.db", &s);
        if (times == 1)
            join(&a, &s, "al");
        app_until(&a, 5000, s.joined && s.subjects);
        assert_int_equal(epode_send_xml(b.client, xml, sizeof xml - 1), EPODE_OK);
        both_until(&a, &b, strlen(texts(&a)) == times * strlen("once more?;"));
        if (times < 3)
            done(&a);
    }
    epode_room_leave(a.client, DEN, NULL);
    epode_room_leave(b.client, DEN, NULL);
    done(&a);
    done(&b);
    server_say(&srv, "feature room-mam on");
    server_say(&srv, "feature room-sid on");
    server_say(&srv, "feature room-history 20");
}

static void a_taken_nick_is_told_and_another_one_tried_only_on_request(void **state)
{
    app a = { 0 }, b = { 0 };
    seen sa = { 0 }, sb = { 0 };
    (void)state;
    start(&a, "nick-a.db", &sa);
    start_bob(&b, "nick-b.db", &sb);
    join(&a, &sa, "al");
    assert_int_equal(epode_room_join(b.client, DEN, "al", NULL, 0), EPODE_OK);
    app_until(&b, 5000, sb.refused == 1);
    assert_string_equal(sb.condition, "conflict");
    assert_false(epode_room_is_joined(epode_room_find(b.client, DEN)));
    assert_int_equal(epode_room_join(b.client, DEN, "al", NULL, EPODE_ROOM_OTHER_NICK), EPODE_OK);
    app_until(&b, 5000, sb.joined == 1);
    assert_string_equal(epode_room_nick(epode_room_find(b.client, DEN)), "al_");
    assert_int_equal(sb.refused, 1);
    /* In the room, a nick that is taken is an outcome too. */
    assert_int_equal(epode_room_join(b.client, DEN, "al", NULL, 0), EPODE_OK);
    app_until(&b, 5000, sb.nicks == 1);
    assert_string_equal(sb.condition, "conflict");
    assert_string_equal(epode_room_nick(epode_room_find(b.client, DEN)), "al_");
    epode_room_leave(b.client, DEN, NULL);
    epode_room_leave(a.client, DEN, NULL);
    done(&b);
    done(&a);
}

static void a_refusal_is_final_or_not_by_its_type(void **state)
{
    static const struct {
        const char *type, *condition;
        bool final;
    } rows[] = {
        { "auth", "forbidden", true },           { "auth", "registration-required", true },
        { "auth", "not-authorized", true },      { "cancel", "not-allowed", true },
        { "cancel", "item-not-found", true },    { "wait", "service-unavailable", false },
        { "cancel", "remote-server-timeout", false },
    };
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    start(&a, "refused.db", &s);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        server_say(&srv, "fault room-refuse %s/%s", rows[i].type, rows[i].condition);
        unsigned before = s.refused;
        assert_int_equal(epode_room_join(a.client, DEN, "al", NULL, 0), EPODE_OK);
        app_until(&a, 5000, s.refused > before);
        assert_string_equal(s.condition, rows[i].condition);
        assert_int_equal(s.final, rows[i].final);
        assert_int_equal(epode_room_count(a.client), rows[i].final ? 0 : 1);
        if (!rows[i].final)
            assert_int_equal(epode_room_leave(a.client, DEN, NULL), EPODE_OK);
    }
    server_say(&srv, "fault room-refuse off");
    done(&a);
}

static void dropped_without_a_word_it_is_found_out_and_nothing_is_lost(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    start(&a, "lost.db", &s);
    join(&a, &s, "al");
    app_settled(&a);
    server_say(&srv, "room-forget " DEN " alice");
    server_say(&srv, "room-say " DEN " bo unheard");
    server_say(&srv, "drop-connections hard");
    /* The session goes on; the room does not know of us. */
    app_until(&a, 15000, s.left == 1 && s.joined == 2);
    app_until(&a, 5000, strstr(texts(&a), "unheard;"));
    server_say(&srv, "room-say " DEN " bo heard");
    app_until(&a, 5000, strstr(texts(&a), "unheard;heard;"));
    /* Dropped again, what we say is refused: we come back, and it is said once, in its order. */
    server_say(&srv, "room-forget " DEN " alice");
    assert_int_equal(say(&a, "to nobody"), EPODE_OK);
    assert_int_equal(say(&a, "nor this"), EPODE_OK);
    app_until(&a, 5000, strstr(texts(&a), "*to nobody;*nor this;"));
    assert_int_equal(s.joined, 3);
    assert_int_equal(a.failed, 0);
    epode_room_leave(a.client, DEN, NULL);
    done(&a);
}

static void what_was_said_before_we_are_in_waits(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    start(&a, "waits.db", &s);
    assert_int_equal(epode_room_join(a.client, DEN, "al", NULL, 0), EPODE_OK);
    assert_int_equal(say(&a, "early one"), EPODE_OK);
    assert_int_equal(say(&a, "early two"), EPODE_OK);
    app_until(&a, 5000, strstr(texts(&a), "*early one;*early two;"));
    assert_int_equal(a.failed, 0);
    epode_room_leave(a.client, DEN, NULL);
    done(&a);
}

static uint32_t unread_of_room(app *a, bool *at_least)
{
    uint32_t n = 0;
    assert_int_equal(epode_store_unread(epode_client_store(a->client), DEN, &n, at_least), EPODE_OK);
    return n;
}

/* The id in the answer to the last line. */
static const char *said_id(void)
{
    static char id[64];
    const char *at = strstr(srv.line, "\"stanza-id\":\"");
    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen("\"stanza-id\":\""), "%63[^\"]", id), 1);
    return id;
}

static uint64_t row_of(app *a, const char *body)
{
    epode_query q = { .size = sizeof q, .archive = DEN, .newest_first = true };
    epode_cursor *cursor;
    const epode_message *m;
    uint64_t row = 0;
    assert_int_equal(epode_store_messages(epode_client_store(a->client), &q, &cursor), EPODE_OK);
    while (!row && epode_cursor_next(cursor, &m) == EPODE_OK)
        row = strcmp(m->body, body) == 0 ? m->row : 0;
    epode_cursor_free(cursor);
    return row;
}

/* XEP-0490, 3.1: the ids of what is read in a room are the room's. */
static void what_was_read_in_a_room_is_shared_both_ways(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    char one[64], two[64], attr[128];
    bool at_least;
    (void)state;
    start(&a, "read.db", &s);
    join(&a, &s, "al");
    server_say(&srv, "room-say " DEN " bo read-one");
    snprintf(one, sizeof one, "%s", said_id());
    app_until(&a, 5000, strstr(texts(&a), "read-one;"));
    uint64_t row = row_of(&a, "read-one");
    server_say(&srv, "room-say " DEN " bo read-two");
    snprintf(two, sizeof two, "%s", said_id());
    app_until(&a, 5000, strstr(texts(&a), "read-two;"));
    assert_int_equal(epode_mark_displayed(a.client, row, false), EPODE_OK);
    assert_int_equal(unread_of_room(&a, &at_least), 1);
    snprintf(attr, sizeof attr, "id='%s'", one);
    app_until(&a, 5000, strstr(server_say(&srv, "pep-dump alice"), attr));
    assert_non_null(strstr(srv.line, "by='" DEN "'"));
    server_say(&srv, "mds-publish alice " DEN " %s", two);
    app_until(&a, 5000, unread_of_room(&a, &at_least) == 0 && !at_least);
    server_say(&srv, "room-say " DEN " bo read-three");
    snprintf(attr, sizeof attr, "id='%s'", said_id());
    app_until(&a, 5000, strstr(texts(&a), "read-three;"));
    row = row_of(&a, "read-three");
    app_stop(&a, EPODE_STOP_CLOSE);
    /* Also what was read while there was no session. */
    assert_int_equal(epode_mark_displayed(a.client, row, false), EPODE_OK);
    assert_int_equal(epode_client_start(a.client), EPODE_OK);
    app_until(&a, 5000, strstr(server_say(&srv, "pep-dump alice"), attr));
    /* Of a room that is not kept nothing is waited for, nor of nobody. */
    app_until(&a, 5000, epode_room_is_joined(epode_room_find(a.client, DEN)));
    unsigned offline = a.offline;
    server_say(&srv, "stanza alice <message from='alice@localhost' type='headline'><event xmlns='"
               "http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:mds:displayed:0'><item id='x@rooms.localhost'>"
               "<displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' by='x@rooms.localhost' id='x'/>"
               "</displayed></item><item id=''><displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' "
               "by='alice@localhost' id='x'/></displayed></item></items></event></message>");
    app_for(&a, 50);
    uint32_t n = 0;
    assert_int_equal(epode_store_unread(epode_client_store(a.client), "x@rooms.localhost", &n, &at_least), EPODE_DONE);
    assert_int_equal(a.offline, offline);
    assert_int_equal(epode_room_leave(a.client, DEN, NULL), EPODE_OK);
    done(&a);
}

static void bad_input_is_refused(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    start(&a, NULL, &s);
    assert_int_equal(epode_room_join(a.client, "rooms.localhost", "al", NULL, 0), EPODE_EINVAL);
    assert_int_equal(epode_room_join(a.client, DEN "/x", "al", NULL, 0), EPODE_EINVAL);
    assert_int_equal(epode_room_join(a.client, "alice@localhost", "al", NULL, 0), EPODE_EINVAL);
    assert_int_equal(epode_room_join(a.client, DEN, "", NULL, 0), EPODE_EINVAL);
    assert_int_equal(epode_room_join(a.client, DEN, NULL, NULL, 0), EPODE_EINVAL);
    assert_int_equal(epode_room_join(a.client, NULL, "al", NULL, 0), EPODE_EINVAL);
    assert_int_equal(epode_room_join(a.client, DEN, "al", NULL, 64), EPODE_EINVAL);
    assert_int_equal(epode_room_join(a.client, DEN, "al", "\x01", 0), EPODE_EINVAL);
    assert_int_equal(epode_room_leave(a.client, NULL, NULL), EPODE_EINVAL);
    assert_int_equal(epode_room_leave(a.client, DEN, NULL), EPODE_DONE);
    assert_int_equal(epode_room_set_subject(a.client, DEN, NULL), EPODE_EINVAL);
    assert_int_equal(epode_room_set_subject(a.client, DEN, "x"), EPODE_ESTATE);
    assert_null(epode_room_find(a.client, DEN));
    assert_int_equal(epode_room_count(a.client), 0);
    done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_in_a_room_is_known_and_told),
        cmocka_unit_test(history_comes_from_the_archive_and_never_twice),
        cmocka_unit_test(without_an_archive_the_rooms_own_history_is_taken_once),
        cmocka_unit_test(what_has_no_id_is_told_once_and_what_was_said_twice_is_there_twice),
        cmocka_unit_test(what_is_said_live_is_never_taken_for_history),
        cmocka_unit_test(a_taken_nick_is_told_and_another_one_tried_only_on_request),
        cmocka_unit_test(a_refusal_is_final_or_not_by_its_type),
        cmocka_unit_test(dropped_without_a_word_it_is_found_out_and_nothing_is_lost),
        cmocka_unit_test(what_was_said_before_we_are_in_waits),
        cmocka_unit_test(what_was_read_in_a_room_is_shared_both_ways),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
