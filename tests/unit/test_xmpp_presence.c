/* test_xmpp_presence.c: presence and chat states, as others write them. */
#include "../support/check.h"

#include "base/buf.h"
#include "xmpp/ns.h"
#include "xmpp/presence.h"

static ep_arena tree;

static ep_elem *parse(const char *xml)
{
    ep_elem *e = NULL;
    ep_arena_free(&tree);
    assert_int_equal(ep_elem_read(&e, &tree, xml, strlen(xml), EP_NS_CLIENT), EPODE_OK);
    return e;
}

static ep_presence read_presence(const char *xml)
{
    ep_presence p;
    ep_presence_read(&p, parse(xml));
    return p;
}

#define PHOTO "0123456789abcdef0123456789ABCDEF01234567"

static void presence_says_who_is_there_and_how(void **state)
{
    (void)state;
    ep_presence p = read_presence(
        "<presence from='bob@localhost/phone'><show>xa</show><status xml:lang='de'>weg</status><status>gone</status>"
        "<priority>-5</priority><idle xmlns='urn:xmpp:idle:1' since='1970-01-01T00:00:01Z'/>"
        "<delay xmlns='urn:xmpp:delay' stamp='1970-01-01T00:00:02Z'/>"
        "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v='/>"
        "<x xmlns='vcard-temp:x:update'><photo>" PHOTO "</photo></x></presence>");
    assert_int_equal(p.type, EP_PRESENCE_AVAILABLE);
    assert_int_equal(p.show, EP_SHOW_XA);
    assert_string_equal(p.status, "gone");
    assert_int_equal(p.priority, -5);
    assert_int_equal(p.idle_ms, 1000);
    assert_int_equal(p.stamp_ms, 2000);
    assert_string_equal(p.caps_hash, "sha-1");
    assert_string_equal(p.caps_ver, "v=");
    assert_string_equal(p.caps_node, "n");
    assert_string_equal(p.photo, PHOTO);
    assert_false(p.of_room);
    p = read_presence("<presence/>");
    assert_int_equal(p.show, EP_SHOW_ONLINE);
    assert_true(!p.status && !p.priority && !p.caps_hash && !p.photo);
    assert_int_equal(read_presence("<presence type='unavailable'><show>dnd</show></presence>").show, EP_SHOW_OFFLINE);
    assert_int_equal(read_presence("<presence type='error'/>").type, EP_PRESENCE_ERROR);
    assert_int_equal(read_presence("<presence type='subscribe'/>").type, EP_PRESENCE_OTHER);
    assert_int_equal(read_presence("<presence type='nonsense'/>").type, EP_PRESENCE_OTHER);
    assert_true(read_presence("<presence><x xmlns='http://jabber.org/protocol/muc#user'/></presence>").of_room);
    assert_string_equal(read_presence("<presence><x xmlns='vcard-temp:x:update'><photo/></x></presence>").photo, "");
}

static void what_is_ill_formed_in_presence_is_as_if_it_were_not_there(void **state)
{
    (void)state;
    static const char *const priorities[] = { "", "x", "128", "-129", "1x", "99999999999999999999" };
    static const char *const photos[] = { "0123", "g123456789abcdef0123456789abcdef01234567", PHOTO "0" };
    static const char *const caps[] = { "hash='sha-1' node='n'", "hash='sha-1' ver='v'", "node='n' ver='v'",
                                        "hash='' node='n' ver='v'", "hash='sha-1' node='' ver='v'",
                                        "hash='sha-1' node='n' ver=''" };
    char xml[400];
    for (size_t i = 0; i < COUNT(priorities); i++) {
        snprintf(xml, sizeof xml, "<presence><priority>%s</priority><show>busy</show></presence>", priorities[i]);
        assert_int_equal(read_presence(xml).priority, 0);
        assert_int_equal(read_presence(xml).show, EP_SHOW_ONLINE);
    }
    for (size_t i = 0; i < COUNT(photos); i++) {
        snprintf(xml, sizeof xml, "<presence><x xmlns='vcard-temp:x:update'><photo>%s</photo></x></presence>", photos[i]);
        assert_null(read_presence(xml).photo);
    }
    assert_null(read_presence("<presence><x xmlns='vcard-temp:x:update'/></presence>").photo);
    for (size_t i = 0; i < COUNT(caps); i++) {
        snprintf(xml, sizeof xml, "<presence><c xmlns='http://jabber.org/protocol/caps' %s/></presence>", caps[i]);
        assert_null(read_presence(xml).caps_hash);
    }
    ep_presence p = read_presence("<presence><idle xmlns='urn:xmpp:idle:1' since='noon'/><idle xmlns='urn:xmpp:idle:1'/>"
                                  "<delay xmlns='urn:xmpp:delay'/></presence>");
    assert_true(!p.idle_ms && !p.stamp_ms);
}

static void our_own_presence_is_written_as_it_is(void **state)
{
    (void)state;
    static const char *const features[] = { EP_NS_CAPS, NULL };
    ep_caps caps = { "x", features };
    ep_buf out = EP_BUF_INIT;
    ep_xw w = ep_xw_init(&out);
    ep_presence_write(&w, "a@b/c", "d@e", &(ep_own){ EP_SHOW_DND, "<busy>", 7 }, &caps);
    assert_int_equal(ep_xw_done(&w), EPODE_OK);
    assert_non_null(strstr(ep_buf_cstr(&out), "<presence from='a@b/c' to='d@e'><show>dnd</show><status>&lt;busy&gt;</status>"
                                              "<priority>7</priority><c xmlns='http://jabber.org/protocol/caps' "));
    ep_buf_clear(&out);
    w = ep_xw_init(&out);
    ep_presence_write(&w, NULL, NULL, &(ep_own){ EP_SHOW_OFFLINE, "bye", 7 }, &caps);
    assert_string_equal(ep_buf_cstr(&out), "<presence type='unavailable'><status>bye</status></presence>");
    ep_buf_free(&out);
}

static void a_message_has_one_chat_state_or_none(void **state)
{
    (void)state;
#define STATE(name) "<" name " xmlns='http://jabber.org/protocol/chatstates'/>"
    static const struct {
        const char *inside;
        ep_chat_state is;
    } rows[] = {
        { "", EP_CHAT_NONE },
        { STATE("active") "<body>x</body>", EP_CHAT_ACTIVE },
        { STATE("composing"), EP_CHAT_COMPOSING },
        { STATE("paused"), EP_CHAT_PAUSED },
        { STATE("inactive"), EP_CHAT_INACTIVE },
        { STATE("gone"), EP_CHAT_GONE },
        { STATE("thinking"), EP_CHAT_NONE },
        { "<composing xmlns='other'/>", EP_CHAT_NONE },
        { STATE("active") STATE("gone"), EP_CHAT_NONE },
    };
    char xml[400];
    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(xml, sizeof xml, "<message>%s</message>", rows[i].inside);
        assert_int_equal(ep_chat_state_read(parse(xml)), rows[i].is);
    }
    ep_buf out = EP_BUF_INIT;
    ep_xw w = ep_xw_init(&out);
    ep_chat_state_write(&w, "bob@localhost", EP_CHAT_PAUSED);
    assert_int_equal(ep_xw_done(&w), EPODE_OK);
    assert_string_equal(ep_buf_cstr(&out), "<message type='chat' to='bob@localhost'>" STATE("paused")
                                           "<no-store xmlns='urn:xmpp:hints'/></message>");
    ep_buf_free(&out);
    ep_arena_free(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presence_says_who_is_there_and_how),
        cmocka_unit_test(what_is_ill_formed_in_presence_is_as_if_it_were_not_there),
        cmocka_unit_test(our_own_presence_is_written_as_it_is),
        cmocka_unit_test(a_message_has_one_chat_state_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
