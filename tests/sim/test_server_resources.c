/* The reference server's several resources on one stream (XEP-0193). */
#include "talk.h"

#define ALICE1                                                                                     \
    HEADER("alice") "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"            \
    "AGFsaWNlAHNlY3JldA==</auth>" HEADER("alice")
#define BIND(name)                                                                                 \
    "<iq type='set' id='bind-" name "'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>"  \
    name "</resource></bind></iq>"
#define UNBIND(name)                                                                               \
    "<iq from='alice@localhost/" name "' type='set' id='unbind-" name "'><unbind "                 \
    "xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>" name "</resource></unbind></iq>"
#define FROM(name) "from='alice@localhost/" name "' "
#define PING       "<ping xmlns='urn:xmpp:ping'/></iq>"

static int setup(void **state)
{
    struct talk *talk = talk_new();
    talk_control(talk, "feature unbind on");
    *state = talk;
    talk_open(talk, 0);
    assert_non_null(strstr(talk_say(talk, 0, ALICE1 BIND("core")), "<unbind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"));
    assert_non_null(strstr(talk_say(talk, 0, BIND("balcony")), "<jid>alice@localhost/balcony</jid>"));
    talk_login(talk, 1, BOB);
    return 0;
}

static int teardown(void **state)
{
    talk_free(*state);
    return 0;
}

static void the_sender_is_who_the_stanza_names(void **state)
{
    struct talk *talk = *state;
    assert_non_null(strstr(talk_say(talk, 0, "<iq " FROM("balcony") "type='get' id='p'>" PING), "to='alice@localhost/balcony'"));
    talk_say(talk, 1, "<presence/>");
    talk_say(talk, 0, "<message " FROM("balcony") "to='bob@localhost' type='chat'><body>one</body></message>");
    assert_non_null(strstr(talk_hear(talk, 1), "from='alice@localhost/balcony'"));
    talk_say(talk, 0, "<message " FROM("core") "to='bob@localhost' type='chat'><body>two</body></message>");
    assert_non_null(strstr(talk_hear(talk, 1), "from='alice@localhost/core'"));
}

static void a_stanza_without_a_bound_sender_is_refused(void **state)
{
    struct talk *talk = *state;
    static const char *const senders[] = { "", FROM("softphone"), "from='alice@localhost' ", "from='bob@localhost/x' " };
    char text[300];
    for (size_t i = 0; i < 4; i++) {
        snprintf(text, sizeof text, "<message %sto='bob@localhost' id='m'><body>x</body></message>", senders[i]);
        const char *answer = talk_say(talk, 0, text);
        assert_non_null(strstr(answer, "<unknown-sender xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"));
        assert_non_null(strstr(answer, "type='modify'"));
    }
    assert_int_equal(srv_counter(talk->srv, "unknown-senders"), 4);
}

static void each_is_a_source_of_presence_of_its_own(void **state)
{
    struct talk *talk = *state;
    talk_control(talk, "roster-put bob alice@localhost to");
    talk_control(talk, "roster-put alice bob@localhost from");
    talk_say(talk, 1, "<presence/>");
    talk_say(talk, 0, "<presence " FROM("balcony") "/>");
    const char *heard = talk_hear(talk, 1);
    assert_non_null(strstr(heard, "from='alice@localhost/balcony'"));
    assert_null(strstr(heard, "alice@localhost/core"));
    talk_say(talk, 0, UNBIND("balcony"));
    heard = talk_hear(talk, 1);
    assert_non_null(strstr(heard, "type='unavailable'"));
    assert_non_null(strstr(heard, "from='alice@localhost/balcony'"));
}

static void the_oldest_is_the_default_and_the_last_ends_the_stream(void **state)
{
    struct talk *talk = *state;
    assert_non_null(strstr(talk_say(talk, 0, BIND("softphone")), "softphone"));
    assert_non_null(strstr(talk_say(talk, 0, UNBIND("core")), "type='result'"));
    assert_non_null(strstr(talk_say(talk, 0, UNBIND("core")), "item-not-found"));
    assert_non_null(strstr(talk_say(talk, 0, UNBIND("softphone")), "id='unbind-softphone' to='alice@localhost/softphone'"));
    /* With one left nothing needs to be named. */
    assert_non_null(strstr(talk_say(talk, 0, "<iq type='get' id='p'>" PING), "to='alice@localhost/balcony'"));
    const char *last = talk_say(talk, 0, UNBIND("balcony"));
    assert_non_null(strstr(last, "id='unbind-balcony'"));
    assert_non_null(strstr(last, "</stream:stream>"));
}

static void what_cannot_be_done_is_refused(void **state)
{
    struct talk *talk = *state;
    assert_non_null(strstr(talk_say(talk, 0, BIND("balcony")), "conflict"));
    assert_non_null(strstr(talk_say(talk, 0, "<iq type='set' id='u'><unbind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"),
                           "bad-request"));
    talk_control(talk, "feature unbind-max 2");
    assert_non_null(strstr(talk_say(talk, 0, BIND("softphone")), "not-allowed"));
    talk_control(talk, "feature unbind off");
    assert_non_null(strstr(talk_say(talk, 0, UNBIND("balcony")), "service-unavailable"));
    assert_non_null(strstr(talk_say(talk, 0, "<iq " FROM("core") "type='set' id='b'><bind "
                                             "xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"), "service-unavailable"));
}

static void all_end_with_the_connection(void **state)
{
    struct talk *talk = *state;
    talk_say(talk, 0, "<presence " FROM("balcony") "/><presence " FROM("core") "/>");
    talk_control(talk, "drop-connections hard");
    char *dump = srv_control(talk->srv, "dump", talk->now_us);
    assert_null(strstr(dump, "alice@localhost/"));
    free(dump);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_sender_is_who_the_stanza_names, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stanza_without_a_bound_sender_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(each_is_a_source_of_presence_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_is_the_default_and_the_last_ends_the_stream, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_done_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(all_end_with_the_connection, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
