/* The reference server's rooms: joining, saying, self-ping, the room's archive. */
#include "talk.h"

#define ROOM "coven@rooms.localhost"
#define MUC "<x xmlns='http://jabber.org/protocol/muc'/>"
#define MUC_SINCE_NOTHING "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>"
#define JOIN(nick, x) "<presence to='" ROOM "/" nick "'>" x "</presence>"
#define SAY(body) "<message type='groupchat' id='m1' to='" ROOM "'><body>" body "</body></message>"
#define PING(nick)                                                                                 \
    "<iq type='get' id='ping' to='" ROOM "/" nick "'><ping xmlns='urn:xmpp:ping'/></iq>"
#define QUERY "<iq type='set' id='q' to='" ROOM "'><query xmlns='urn:xmpp:mam:2'/></iq>"

static int setup(void **state)
{
    struct talk *talk = talk_new();
    talk_login(talk, 0, ALICE);
    talk_login(talk, 1, BOB);
    talk_say(talk, 0, "<presence/>");
    talk_say(talk, 1, "<presence/>");
    *state = talk;
    return 0;
}

static int teardown(void **state)
{
    talk_free(*state);
    return 0;
}

static void joining_shows_the_others_then_oneself_then_the_subject(void **state)
{
    struct talk *talk = *state;
    const char *text = talk_say(talk, 0, JOIN("al", MUC));
    assert_non_null(strstr(text, "<status code='201'/><status code='110'/>"));
    text = talk_say(talk, 1, JOIN("bo", MUC));
    const char *other = strstr(text, "from='" ROOM "/al'"), *self = strstr(text, "code='110'");
    const char *subject = strstr(text, "<subject");
    assert_true(other && self && subject && other < self && self < subject);
    assert_non_null(strstr(talk_hear(talk, 0), "from='" ROOM "/bo'"));
}

static void a_nickname_that_is_taken_is_a_conflict(void **state)
{
    struct talk *talk = *state;
    talk_say(talk, 0, JOIN("al", MUC));
    assert_non_null(strstr(talk_say(talk, 1, JOIN("al", MUC)), "<conflict"));
    assert_non_null(strstr(talk_say(talk, 1, SAY("hello")), "<not-acceptable"));
    talk_say(talk, 1, JOIN("bo", MUC));
    const char *text = talk_say(talk, 1, JOIN("bobby", ""));
    assert_non_null(strstr(text, "code='303'"));
    assert_non_null(strstr(text, "nick='bobby'"));
}

static void what_is_said_carries_the_rooms_id_and_stands_in_its_archive(void **state)
{
    struct talk *talk = *state;
    char id[ID_MAX], archived[ID_MAX], inner[400];
    talk_say(talk, 0, JOIN("al", MUC));
    talk_say(talk, 1, JOIN("bo", MUC));
    const char *text = talk_say(talk, 0, SAY("hello"));
    assert_non_null(strstr(text, "by='" ROOM "'"));
    text = talk_hear(talk, 1);
    assert_non_null(strstr(text, "from='" ROOM "/al'"));
    talk_between(strstr(text, "<stanza-id"), " id='", '\'', id, sizeof id);
    text = talk_say(talk, 1, QUERY);
    assert_non_null(strstr(text, "<message id='"));
    assert_non_null(strstr(text, "from='" ROOM "' to='bob@localhost/"));
    talk_between(strstr(text, "<result"), " id='", '\'', archived, sizeof archived);
    assert_string_equal(id, archived);
    text = strstr(text, "<forwarded");
    talk_between(text, "<message ", '>', inner, sizeof inner);
    assert_non_null(strstr(inner, "groupchat"));
    assert_null(strstr(inner, " to="));
}

static void history_is_sent_unless_none_is_asked_for(void **state)
{
    struct talk *talk = *state;
    talk_control(talk, "room-create coven");
    talk_control(talk, "archive-add " ROOM " witch 30");
    const char *text = talk_say(talk, 0, JOIN("al", MUC));
    assert_null(strstr(text, "<body>#10 "));
    assert_non_null(strstr(text, "<body>#11 "));
    assert_non_null(strstr(text, "<delay xmlns='urn:xmpp:delay' from='" ROOM "'"));
    text = talk_say(talk, 1, JOIN("bo", MUC_SINCE_NOTHING));
    assert_null(strstr(text, "<body>"));
    text = talk_say(talk, 1, QUERY);
    assert_non_null(strstr(text, "<body>#1 "));
    assert_null(strstr(text, "complete='true'"));
}

static void a_self_ping_tells_whether_the_room_remembers(void **state)
{
    struct talk *talk = *state;
    talk_say(talk, 0, JOIN("al", MUC));
    assert_non_null(strstr(talk_say(talk, 0, PING("al")), "type='result'"));
    assert_non_null(strstr(talk_say(talk, 1, PING("bo")), "<not-acceptable"));
    talk_control(talk, "room-forget coven alice");
    assert_string_equal(talk_hear(talk, 0), "");
    assert_non_null(strstr(talk_say(talk, 0, PING("al")), "<not-acceptable"));
}

static void leaving_and_losing_the_session_are_seen(void **state)
{
    struct talk *talk = *state;
    talk_say(talk, 0, JOIN("al", MUC));
    talk_say(talk, 1, JOIN("bo", MUC));
    talk_hear(talk, 0);
    assert_non_null(strstr(talk_say(talk, 1, "<presence type='unavailable' to='" ROOM "/bo'/>"),
                           "code='110'"));
    assert_non_null(strstr(talk_hear(talk, 0), "type='unavailable'"));
    talk_say(talk, 1, JOIN("bo", MUC));
    talk_hear(talk, 0);
    srv_conn_free(talk->conn[1], talk->now_us);
    talk->conn[1] = NULL;
    assert_non_null(strstr(talk_hear(talk, 0), "from='" ROOM "/bo'"));
}

static void control_lines_speak_in_rooms(void **state)
{
    struct talk *talk = *state;
    talk_control(talk, "room-create coven");
    talk_say(talk, 0, JOIN("al", MUC));
    talk_control(talk, "room-say coven witch hail to thee");
    assert_non_null(strstr(talk_hear(talk, 0), "<body>hail to thee</body>"));
    talk_control(talk, "fault archive-undelivered 1");
    talk_control(talk, "room-say coven witch unheard");
    assert_string_equal(talk_hear(talk, 0), "");
    assert_non_null(strstr(talk_say(talk, 0, QUERY), "unheard"));
}

static void an_own_archive_holds_groupchat_once_where_that_is_switched_on(void **state)
{
    struct talk *talk = *state;
    talk_control(talk, "feature archive-groupchat on");
    talk_say(talk, 0, JOIN("al", MUC));
    const char *text = talk_say(talk, 0, SAY("hello"));
    assert_non_null(strstr(text, "by='alice@localhost'"));
    text = talk_say(talk, 0, "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>");
    assert_non_null(strstr(text, "<count>1</count>"));
    text = talk_say(talk, 0, "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'><x "
                    "xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>"
                    "<field var='include-groupchat'><value>"
                    "false</value></field></x></query></iq>");
    assert_non_null(strstr(text, "<count>0</count>"));
}

static void the_room_says_what_it_can(void **state)
{
    struct talk *talk = *state;
    talk_control(talk, "room-create coven");
    const char *text = talk_say(talk, 0, "<iq type='get' id='i' to='" ROOM "'><query "
                                "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    assert_non_null(strstr(text, "'urn:xmpp:mam:2'"));
    assert_non_null(strstr(text, "'urn:xmpp:sid:0'"));
    assert_non_null(strstr(text, "muc_semianonymous"));
    text = talk_say(talk, 0, "<iq type='get' id='i' to='rooms.localhost'><query "
                    "xmlns='http://jabber.org/protocol/disco#items'/></iq>");
    assert_non_null(strstr(text, "jid='" ROOM "'"));
    text = talk_say(talk, 0, "<iq type='get' id='i' to='none@rooms.localhost'><query "
                    "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    assert_non_null(strstr(text, "<item-not-found"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(joining_shows_the_others_then_oneself_then_the_subject),
        TEST(a_nickname_that_is_taken_is_a_conflict),
        TEST(what_is_said_carries_the_rooms_id_and_stands_in_its_archive),
        TEST(history_is_sent_unless_none_is_asked_for),
        TEST(a_self_ping_tells_whether_the_room_remembers),
        TEST(leaving_and_losing_the_session_are_seen),
        TEST(control_lines_speak_in_rooms),
        TEST(an_own_archive_holds_groupchat_once_where_that_is_switched_on),
        TEST(the_room_says_what_it_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
