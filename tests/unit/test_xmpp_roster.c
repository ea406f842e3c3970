/* test_xmpp_roster.c: entries of rosters, as servers write them. */
#include "../support/check.h"

#include "base/buf.h"
#include "xmpp/roster.h"

static epode_status read_item(const char *xml, ep_roster_item *item, ep_arena *strings)
{
    static ep_arena tree;
    ep_elem *e = NULL;
    ep_arena_reset(&tree);
    assert_int_equal(ep_elem_read(&e, &tree, xml, strlen(xml), "jabber:iq:roster"), EPODE_OK);
    epode_status st = ep_roster_item_read(item, e, '|', strings);
    ep_arena_free(&tree);
    return st;
}

static void an_entry_says_who_how_and_where(void **state)
{
    (void)state;
    ep_arena strings = { 0 };
    ep_roster_item item;
    assert_int_equal(read_item("<item jid='Bob@LOCALHOST' subscription='both' ask='subscribe' approved='true'>"
                               "<group>work</group><group/><group>friends</group><group>work</group>"
                               "<group xmlns='other'>no</group></item>", &item, &strings), EPODE_OK);
    assert_string_equal(item.jid, "bob@localhost");
    assert_null(item.name);
    assert_true(item.to && item.from && item.ask && item.approved && !item.remove);
    assert_string_equal(item.groups, "friends|work");
    assert_int_equal(read_item("<item jid='bob@localhost' name=''/>", &item, &strings), EPODE_OK);
    assert_true(!item.to && !item.from && !item.ask && !item.approved && !item.remove && !item.name);
    assert_string_equal(item.groups, "");
    assert_int_equal(read_item("<item jid='x.localhost' subscription='remove'/>", &item, &strings), EPODE_OK);
    assert_true(item.remove);
    ep_arena_free(&strings);
}

static void what_is_no_entry_is_told(void **state)
{
    (void)state;
    ep_arena strings = { 0 };
    ep_roster_item item;
    static const char *const bad[] = {
        "<item/>", "<item jid=''/>", "<item jid='@x'/>", "<item jid='bob@localhost/phone'/>",
        "<item jid='bob@localhost' subscription='sometimes'/>", "<item jid='bob@localhost' subscription=''/>",
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(read_item(bad[i], &item, &strings), EPODE_EPROTO);
    ep_arena_free(&strings);
}

static void a_push_has_one_entry_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *xml;
        bool one;
    } rows[] = {
        { "<query><item jid='a'/></query>", true },
        { "<query ver='1'> <item jid='a'/> </query>", true },
        { "<query/>", false },
        { "<query><item jid='a'/><item jid='b'/></query>", false },
        { "<query><other/></query>", false },
        { "<query><item xmlns='other' jid='a'/></query>", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ep_arena arena = { 0 };
        ep_elem *e = ep_elem_parse(&arena, rows[i].xml, strlen(rows[i].xml), "jabber:iq:roster");
        assert_non_null(e);
        assert_int_equal(ep_roster_push_item(e) != NULL, rows[i].one);
        ep_arena_free(&arena);
    }
}

static void a_version_is_named_only_where_versions_are_spoken(void **state)
{
    (void)state;
    static const char *const vers[] = { NULL, "", "a'b" };
    static const char *const texts[] = { "<query xmlns='jabber:iq:roster'/>", "<query xmlns='jabber:iq:roster' ver=''/>",
                                         "<query xmlns='jabber:iq:roster' ver='a&apos;b'/>" };
    for (size_t i = 0; i < COUNT(vers); i++) {
        ep_buf out = EP_BUF_INIT;
        ep_xw w = ep_xw_init(&out);
        ep_roster_write_get(vers[i], &w);
        assert_int_equal(ep_xw_done(&w), EPODE_OK);
        assert_string_equal(ep_buf_cstr(&out), texts[i]);
        ep_buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_says_who_how_and_where),
        cmocka_unit_test(what_is_no_entry_is_told),
        cmocka_unit_test(a_push_has_one_entry_and_nothing_else),
        cmocka_unit_test(a_version_is_named_only_where_versions_are_spoken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
