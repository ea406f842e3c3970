/* test_xmpp_blocking.c: block lists and their changes, as servers write them. */
#include "../support/check.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "xmpp/blocking.h"
#include "xmpp/ns.h"

static ep_arena tree, strings;

static ep_elem *parse(const char *xml, const char *ns)
{
    ep_elem *e = NULL;
    ep_arena_free(&tree);
    assert_int_equal(ep_elem_read(&e, &tree, xml, strlen(xml), ns), EPODE_OK);
    return e;
}

static void items_are_prepared_sorted_and_there_once(void **state)
{
    (void)state;
    ep_blocked list;
    size_t skipped;
    ep_elem *e = parse("<blocklist><item jid='Romeo@MONTAGUE.net'/><item jid='spam.example'/><item/><item jid='@'/>"
                       "<item jid='a@b/C d'/><item jid='romeo@montague.net'/><item xmlns='other' jid='x@y'/></blocklist>",
                       EP_NS_BLOCKING);
    assert_int_equal(ep_blocked_read(&list, e, &strings, &skipped), EPODE_OK);
    assert_int_equal(list.count, 3);
    assert_int_equal(skipped, 3);
    assert_string_equal(list.jids[0], "a@b/C d");
    assert_string_equal(list.jids[1], "romeo@montague.net");
    assert_string_equal(list.jids[2], "spam.example");
    assert_true(ep_blocked_has(&list, "romeo@montague.net"));
    assert_false(ep_blocked_has(&list, "a@b"));
    assert_int_equal(ep_blocked_read(&list, parse("<blocklist/>", EP_NS_BLOCKING), &strings, &skipped), EPODE_OK);
    assert_int_equal(list.count, 0);
    assert_false(ep_blocked_has(&list, "a@b"));
    ep_arena_free(&strings);
    ep_arena_free(&tree);
}

static void a_push_says_what_changes(void **state)
{
    (void)state;
#define SET(payload) "<iq type='set'>" payload "</iq>"
    static const struct {
        const char *xml;
        ep_block_change is;
    } rows[] = {
        { SET("<block xmlns='urn:xmpp:blocking'><item jid='a'/></block>"), EP_BLOCK_ADD },
        { SET("<block xmlns='urn:xmpp:blocking'/>"), EP_BLOCK_ADD },
        { SET("<unblock xmlns='urn:xmpp:blocking'><item jid='a'/></unblock>"), EP_BLOCK_REMOVE },
        { SET("<unblock xmlns='urn:xmpp:blocking'/>"), EP_BLOCK_REMOVE_ALL },
        { SET("<blocklist xmlns='urn:xmpp:blocking'/>"), EP_BLOCK_NONE },
        { SET("<block xmlns='other'/>"), EP_BLOCK_NONE },
        { SET(""), EP_BLOCK_NONE },
        { "<iq type='get'><block xmlns='urn:xmpp:blocking'/></iq>", EP_BLOCK_NONE },
    };
    const ep_elem *list;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(ep_block_push(parse(rows[i].xml, EP_NS_CLIENT), &list), rows[i].is);
    ep_arena_free(&tree);
}

static void a_change_is_written_with_its_items(void **state)
{
    (void)state;
    const char *const jids[] = { "a@b", "c'd" };
    ep_buf out = EP_BUF_INIT;
    ep_xw w = ep_xw_init(&out);
    ep_block_write(&w, false, jids, 2);
    ep_block_write(&w, true, NULL, 0);
    assert_int_equal(ep_xw_done(&w), EPODE_OK);
    assert_string_equal(ep_buf_cstr(&out), "<block xmlns='urn:xmpp:blocking'><item jid='a@b'/><item jid='c&apos;d'/></block>"
                                           "<unblock xmlns='urn:xmpp:blocking'/>");
    ep_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_prepared_sorted_and_there_once),
        cmocka_unit_test(a_push_says_what_changes),
        cmocka_unit_test(a_change_is_written_with_its_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
