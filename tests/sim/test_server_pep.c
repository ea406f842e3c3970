/* The reference server's PEP: what synchronised read positions (XEP-0490) stand on. */
#include "talk.h"

#define PUBSUB "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
#define OPTION(var, value) "<field var='pubsub#" var "'><value>" value "</value></field>"
#define OPTIONS(access)                                                                            \
    "<publish-options><x xmlns='jabber:x:data' type='submit'>" OPTION("persist_items", "true")     \
    OPTION("max_items", "max") OPTION("send_last_published_item", "never")                         \
    OPTION("access_model", access) "</x></publish-options>"
#define DISPLAYED(id)                                                                              \
    "<displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' "               \
    "by='alice@localhost' id='" id "'/></displayed>"
#define PUBLISH(peer, id, options)                                                                 \
    "<iq type='set' id='p'>" PUBSUB "<publish node='urn:xmpp:mds:displayed:0'><item id='" peer     \
    "'>" DISPLAYED(id) "</item></publish>" options "</pubsub></iq>"
#define ITEMS                                                                                      \
    "<iq type='get' id='g'>" PUBSUB "<items node='urn:xmpp:mds:displayed:0'/></pubsub></iq>"
#define CAPS(ver)                                                                                  \
    "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:x' ver='" ver     \
    "'/></presence>"
#define EVENT "<event xmlns='http://jabber.org/protocol/pubsub#event'>"

static int setup(void **state)
{
    struct talk *talk = talk_new();
    talk_login(talk, 0, ALICE);
    talk_login(talk, 1, ALICE);
    *state = talk;
    return 0;
}

static int teardown(void **state)
{
    talk_free(*state);
    return 0;
}

static void items_are_kept_one_for_each_conversation(void **state)
{
    struct talk *talk = *state;
    assert_non_null(strstr(talk_say(talk, 0, ITEMS), "<item-not-found"));
    assert_non_null(strstr(talk_say(talk, 0, PUBLISH("bob@localhost", "one", OPTIONS("whitelist"))),
                           "type='result'"));
    talk_say(talk, 0, PUBLISH("carol@localhost", "two", OPTIONS("whitelist")));
    talk_say(talk, 0, PUBLISH("bob@localhost", "three", OPTIONS("whitelist")));
    const char *text = talk_say(talk, 1, ITEMS);
    assert_null(strstr(text, "id='one'"));
    assert_non_null(strstr(text, "<item id='carol@localhost'><displayed"));
    assert_non_null(strstr(text, "id='three'"));
}

static void options_are_preconditions(void **state)
{
    struct talk *talk = *state;
    talk_say(talk, 0, PUBLISH("bob@localhost", "one", OPTIONS("whitelist")));
    const char *text = talk_say(talk, 0, PUBLISH("bob@localhost", "two", OPTIONS("open")));
    assert_non_null(strstr(text, "<conflict"));
    assert_non_null(strstr(text, "<precondition-not-met"));
    assert_null(strstr(talk_say(talk, 0, ITEMS), "id='two'"));
}

static void a_node_without_options_keeps_one_item(void **state)
{
    struct talk *talk = *state;
    talk_say(talk, 0, PUBLISH("bob@localhost", "one", ""));
    talk_say(talk, 0, PUBLISH("carol@localhost", "two", ""));
    const char *text = talk_say(talk, 0, ITEMS);
    assert_null(strstr(text, "id='one'"));
    assert_non_null(strstr(text, "id='two'"));
}

/* The hash is that of "client/pc//x" with one feature. */
static void events_go_to_devices_whose_capabilities_ask(void **state)
{
    struct talk *talk = *state;
    char id[ID_MAX], answer[1024];
    const char *asked = talk_say(talk, 1, CAPS("sdAAqXsaFf3t7jREWkhAlrK3/Lo="));
    talk_between(strstr(asked, "<iq "), "id='", '\'', id, sizeof id);
    assert_non_null(strstr(asked, "node='urn:x#sdAAqXsaFf3t7jREWkhAlrK3/Lo='"));
    snprintf(answer, sizeof answer, "<iq type='result' id='%s' to='alice@localhost'><query "
             "xmlns='http://jabber.org/protocol/disco#info'><identity category='client' type='pc' "
             "name='x'/><feature var='urn:xmpp:mds:displayed:0+notify'/></query></iq>", id);
    talk_say(talk, 1, answer);
    talk_say(talk, 0, "<presence/>");
    talk_hear(talk, 1);
    assert_null(strstr(talk_say(talk, 0, PUBLISH("bob@localhost", "one", "")), EVENT));
    assert_non_null(strstr(talk_hear(talk, 1), EVENT));
    talk_say(talk, 0, "<iq type='set' id='r'>" PUBSUB "<retract node='urn:xmpp:mds:displayed:0' "
             "notify='true'><item id='bob@localhost'/></retract></pubsub></iq>");
    assert_non_null(strstr(talk_hear(talk, 1), "<retract id='bob@localhost'/>"));
}

static void control_lines_publish_and_forge(void **state)
{
    struct talk *talk = *state;
    talk_control(talk, "feature notify-all on");
    talk_say(talk, 0, "<presence/>");
    talk_control(talk, "mds-publish alice bob@localhost xyz");
    const char *text = talk_hear(talk, 0);
    assert_non_null(strstr(text, "from='alice@localhost'"));
    assert_non_null(strstr(text, "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@localhost' id='xyz'/>"));
    talk_control(talk, "mds-forge mallory@localhost alice bob@localhost abc");
    text = talk_hear(talk, 0);
    assert_non_null(strstr(text, "from='mallory@localhost'"));
    assert_non_null(strstr(text, EVENT "<items node='urn:xmpp:mds:displayed:0'>"));
    assert_null(strstr(talk_say(talk, 0, ITEMS), "abc"));
}

static void an_assisted_marker_is_published_and_stripped(void **state)
{
    struct talk *talk = *state;
    talk_control(talk, "feature mds-assist on");
    talk_login(talk, 2, BOB);
    talk_say(talk, 2, "<presence/>");
    talk_say(talk, 0, "<message to='bob@localhost'><displayed xmlns='urn:xmpp:chat-markers:0' "
             "id='m'/>" DISPLAYED("seen") "</message>");
    const char *text = talk_hear(talk, 2);
    assert_non_null(strstr(text, "urn:xmpp:chat-markers:0"));
    assert_null(strstr(text, "urn:xmpp:mds"));
    assert_non_null(strstr(talk_say(talk, 0, ITEMS), "<item id='bob@localhost'>"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(items_are_kept_one_for_each_conversation),
        TEST(options_are_preconditions),
        TEST(a_node_without_options_keeps_one_item),
        TEST(events_go_to_devices_whose_capabilities_ask),
        TEST(control_lines_publish_and_forge),
        TEST(an_assisted_marker_is_published_and_stripped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
