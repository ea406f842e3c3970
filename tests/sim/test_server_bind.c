/* The reference server's early Bind 2 drafts, unread counts, and offline messages. */
#include "talk.h"

#define SASL1(name, plain)                                                                         \
    HEADER(name) "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" plain         \
    "</auth>" HEADER(name)
#define ALICE1 SASL1("alice", "AGFsaWNlAHNlY3JldA==")
#define ALICE2                                                                                     \
    HEADER("alice") "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>"   \
    "AGFsaWNlAHNlY3JldA==</initial-response></authenticate>"
#define DRAFT "<bind xmlns='urn:xmpp:bind2:0'/>"
#define BIND1                                                                                      \
    "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource>"  \
    "</bind></iq>"
#define QUERY "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>"

static int setup(void **state)
{
    struct talk *talk = talk_new();
    talk_control(talk, "feature bind2-draft on");
    *state = talk;
    return 0;
}

static int teardown(void **state)
{
    talk_free(*state);
    return 0;
}

static void the_draft_binds_behind_both_profiles(void **state)
{
    struct talk *talk = *state;
    static const char *const logins[] = {ALICE1 DRAFT, ALICE2 DRAFT};
    for (int i = 0; i < 2; i++) {
        talk_open(talk, i);
        const char *text = talk_say(talk, i, logins[i]);
        assert_non_null(strstr(text, "<bind xmlns='urn:xmpp:bind2:0'/>"));
        assert_non_null(strstr(text, "<bound xmlns='urn:xmpp:bind2:0'><jid>alice@localhost/"));
        assert_non_null(strstr(text, "<unreads/></bound>"));
    }
    talk_control(talk, "feature bind2-draft off");
    talk_open(talk, 2);
    assert_null(strstr(talk_say(talk, 2, ALICE1 DRAFT), "<bound"));
}

static void carbons_are_on_and_offline_messages_are_gone(void **state)
{
    struct talk *talk = *state;
    talk_control(talk, "message bob@localhost/x alice@localhost one");
    assert_int_equal(srv_counter(talk->srv, "offline-stored"), 1);
    talk_open(talk, 0);
    talk_say(talk, 0, ALICE1 DRAFT "<presence/>");
    assert_int_equal(srv_counter(talk->srv, "offline-delivered"), 0);
    talk_login(talk, 1, ALICE);
    talk_say(talk, 1, "<message to='bob@localhost' type='chat'><body>sent</body></message>");
    assert_non_null(strstr(talk_hear(talk, 0), "<sent xmlns='urn:xmpp:carbons:2'"));
}

static void unread_messages_are_counted_from_the_read_position(void **state)
{
    struct talk *talk = *state;
    char id[ID_MAX], mark[256];
    for (int i = 0; i < 3; i++)
        talk_control(talk, "message bob@localhost/x alice@localhost number %d", i);
    talk_open(talk, 0);
    const char *text = talk_say(talk, 0, ALICE1 DRAFT);
    assert_non_null(strstr(text, "<unread jid='bob@localhost' unread-count='3'/>"));
    text = talk_say(talk, 0, QUERY);
    text = strstr(strstr(text, "<result") + 1, "<result");
    talk_between(text, " id='", '\'', id, sizeof id);
    talk_control(talk, "mds-publish alice bob@localhost %s", id);
    talk_open(talk, 1);
    snprintf(mark, sizeof mark, "<unread jid='bob@localhost' read-id='%s' unread-count='1'/>", id);
    assert_non_null(strstr(talk_say(talk, 1, ALICE1 DRAFT), mark));
    text = talk_say(talk, 1, QUERY);
    text = strstr(text, "number 2") - 120;
    char of[64];
    talk_between(text, " id='", '\'', of, sizeof of);
    snprintf(mark, sizeof mark, "<message to='bob@localhost'><displayed "
             "xmlns='urn:xmpp:chat-markers:0' id='%s'/></message>", of);
    talk_say(talk, 1, mark);
    talk_open(talk, 2);
    assert_non_null(strstr(talk_say(talk, 2, ALICE1 DRAFT), "<unreads/>"));
    talk_control(talk, "feature bind2-unreads off");
    talk_open(talk, 3);
    assert_null(strstr(talk_say(talk, 3, ALICE1 DRAFT), "<unreads"));
}

static void offline_messages_carry_the_archives_id(void **state)
{
    struct talk *talk = *state;
    char id[ID_MAX], archived[ID_MAX];
    talk_control(talk, "message bob@localhost/x alice@localhost while away");
    talk_open(talk, 0);
    const char *text = talk_say(talk, 0, ALICE1 BIND1 "<presence/>");
    assert_non_null(strstr(text, "while away"));
    talk_between(strstr(text, "<stanza-id"), " id='", '\'', id, sizeof id);
    text = talk_say(talk, 0, QUERY);
    talk_between(strstr(text, "<result"), " id='", '\'', archived, sizeof archived);
    assert_string_equal(id, archived);
}

static void a_query_before_presence_keeps_offline_messages_back(void **state)
{
    struct talk *talk = *state;
    talk_control(talk, "message bob@localhost/x alice@localhost while away");
    talk_control(talk, "feature mam-stops-offline on");
    talk_open(talk, 0);
    talk_say(talk, 0, ALICE1 BIND1 QUERY "<presence/>");
    assert_int_equal(srv_counter(talk->srv, "offline-delivered"), 0);
    talk_control(talk, "feature mam-stops-offline off");
    talk_open(talk, 1);
    talk_say(talk, 1, ALICE1 BIND1 QUERY "<presence/>");
    assert_int_equal(srv_counter(talk->srv, "offline-delivered"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_draft_binds_behind_both_profiles),
        TEST(carbons_are_on_and_offline_messages_are_gone),
        TEST(unread_messages_are_counted_from_the_read_position),
        TEST(offline_messages_carry_the_archives_id),
        TEST(a_query_before_presence_keeps_offline_messages_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
