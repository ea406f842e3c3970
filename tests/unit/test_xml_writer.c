/* test_xml_writer.c: what is written can be read again as the same, or is refused. */
#include "../support/check.h"

#include "xml/elem.h"
#include "xml/writer.h"

static void what_means_something_in_xml_is_escaped(void **state)
{
    (void)state;
    ep_buf out = EP_BUF_INIT;
    ep_xw w = ep_xw_init(&out);
    int generated = 0;
    ep_xw_open(&w, "a", "urn:'x'");
    ep_xw_attr(&w, "b", "<&>'\"\t\n\r");
    ep_xw_attr(&w, "none", NULL);
    ep_xw_attr_u64(&w, "n", UINT64_MAX);
    ep_xw_attr_ns(&w, EP_NS_XML, "lang", "de", &generated);
    ep_xw_attr_ns(&w, "urn:z", "q", "1", &generated);
    ep_xw_text(&w, NULL);
    ep_xw_text(&w, "<&>'\"\t\n\r\xc3\xa4");
    ep_xw_leaf(&w, "e", NULL, NULL);
    ep_xw_leaf(&w, "f", NULL, "t");
    ep_xw_open(&w, "g", NULL);
    ep_xw_b64(&w, "foo", 3);
    ep_xw_close(&w);
    ep_xw_open(&w, "h", NULL);
    ep_xw_b64(&w, NULL, 0);
    ep_xw_close(&w);
    assert_int_equal(ep_xw_done(&w), EPODE_ESTATE);
    ep_xw_close(&w);
    assert_int_equal(ep_xw_done(&w), EPODE_OK);
    assert_string_equal(
        ep_buf_cstr(&out),
        "<a xmlns='urn:&apos;x&apos;' b='&lt;&amp;&gt;&apos;&quot;&#9;&#10;&#13;' "
        "n='18446744073709551615' xml:lang='de' xmlns:a0='urn:z' a0:q='1'>"
        "&lt;&amp;&gt;&apos;&quot;\t\n&#13;\xc3\xa4<e/><f>t</f><g>Zm9v</g><h>=</h></a>");
    ep_xw_close(&w); /* one too many does nothing */
    assert_int_equal(ep_xw_done(&w), EPODE_OK);
    ep_buf_free(&out);
}

static void what_xml_cannot_carry_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x01",
        "\x1f",
        "\x0b",
        "a\xff",
        "\xc3",
        "\xc0\x80",
        "\xe0\x80\x80",
        "\xed\xa0\x80",
        "\xef\xbf\xbe",
        "\xef\xbf\xbf",
        "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\x80",
        "\xe2\x82",
        "\xc3\x28",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        ep_buf out = EP_BUF_INIT;
        assert_false(ep_xml_valid(bad[i], strlen(bad[i])));
        assert_false(ep_xml_escape(&out, bad[i], strlen(bad[i])));
        assert_int_equal(out.len, 0);
        ep_xw w = ep_xw_init(&out);
        ep_xw_open(&w, "a", NULL);
        i % 2 ? ep_xw_text(&w, bad[i]) : ep_xw_attr(&w, "b", bad[i]);
        ep_xw_close(&w);
        assert_int_equal(ep_xw_done(&w), EPODE_EINVAL);
        ep_buf_free(&out);
    }
    static const char *const good[] = { "",
                                        "\t\n\r ",
                                        "\x7f",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbd",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf" };
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(ep_xml_valid(good[i], strlen(good[i])));
    assert_false(ep_xml_valid("a\0b", 3));
}

static void too_deep_is_refused(void **state)
{
    (void)state;
    ep_buf out = EP_BUF_INIT;
    ep_xw w = ep_xw_init(&out);
    for (int i = 0; i <= EP_XW_DEPTH; i++)
        ep_xw_open(&w, "a", NULL);
    for (int i = 0; i <= EP_XW_DEPTH; i++)
        ep_xw_close(&w);
    assert_int_equal(ep_xw_done(&w), EPODE_ELIMIT);
    ep_buf_free(&out);
}

static void an_element_survives_the_round_trip(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "<a/>",
        "<a xmlns='urn:a' b='&lt;&#10;&apos;'>t<c/>u<d xmlns=''><e xmlns='urn:e'>v</e></d>w</a>",
        "<message to='x@y' xml:lang='en'><body>\xf0\x9f\x94\x91 &amp; &#13;</body></message>",
        "<q xmlns='urn:q' xmlns:a0='urn:r' a0:s='1' s='2'/>",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ep_arena arena = { 0 };
        ep_buf once = EP_BUF_INIT, twice = EP_BUF_INIT;
        ep_elem *e = ep_elem_parse(&arena, rows[i], strlen(rows[i]), "jabber:client");
        assert_non_null(e);
        ep_elem_write(&once, e, "jabber:client");
        assert_string_equal(ep_buf_cstr(&once), rows[i]);
        ep_arena_free(&arena);
        e = ep_elem_parse(&arena, ep_buf_ptr(&once), once.len, "jabber:client");
        ep_elem_write(&twice, e, NULL);
        assert_int_equal(strncmp(ep_buf_cstr(&twice) + 1, e->name, strlen(e->name)), 0);
        assert_non_null(strstr(ep_buf_cstr(&twice), "xmlns="));
        ep_arena_free(&arena);
        ep_buf_free(&once);
        ep_buf_free(&twice);
    }
}

static void an_element_can_be_looked_into(void **state)
{
    (void)state;
    static const char text[] =
        "<a xmlns='urn:a' xml:lang='de' id='7' xmlns:p='urn:p' p:id='8'>one<b/><b "
        "xmlns='urn:b'>two</b>three<c/></a>";
    ep_arena arena = { 0 };
    ep_elem *e = ep_elem_parse(&arena, text, strlen(text), NULL);
    assert_true(ep_elem_is(e, "a", "urn:a") && ep_elem_is(e, "a", NULL));
    assert_false(ep_elem_is(e, "a", "urn:b") || ep_elem_is(e, "b", "urn:a") ||
                 ep_elem_is(NULL, "a", NULL));
    assert_string_equal(ep_elem_attr(e, "id"), "7");
    assert_null(ep_elem_attr(e, "lang"));
    assert_null(ep_elem_attr(NULL, "id"));
    assert_string_equal(ep_elem_lang(e), "de");
    assert_string_equal(ep_elem_text(e), "one");
    assert_string_equal(ep_elem_text(ep_elem_child(e, "b", "urn:b")), "two");
    assert_string_equal(ep_elem_text(ep_elem_child(e, "b", NULL)), "");
    assert_string_equal(ep_elem_text(NULL), "");
    assert_null(ep_elem_child(e, "d", NULL));
    assert_null(ep_elem_child(NULL, "d", NULL));
    int n = 0;
    EP_ELEM_EACH(it, e)
    {
        assert_non_null(it->name);
        assert_ptr_equal(it->parent, e);
        n++;
    }
    assert_int_equal(n, 3);
    assert_null(ep_elem_next(e));
    ep_arena_free(&arena);
}

static void only_one_whole_element_is_parsed(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       " ",
                                       "text",
                                       "<a>",
                                       "<a/><b/>",
                                       "<a/>text",
                                       "</w>",
                                       "<a/></w><w>",
                                       "<!-- --><a/>",
                                       "<?x y?><a/>",
                                       "<!DOCTYPE a><a/>",
                                       "<a>&b;</a>",
                                       "<?xml version='1.0'?><a/>",
                                       "<a b='1' b='2'/>" };
    for (size_t i = 0; i < COUNT(bad); i++) {
        ep_arena arena = { 0 };
        assert_null(ep_elem_parse(&arena, bad[i], strlen(bad[i]), NULL));
        ep_arena_free(&arena);
    }
    ep_arena arena = { 0 };
    ep_elem *e = ep_elem_parse(&arena, "  <a/>\n", 7, "urn:'d'");
    assert_true(ep_elem_is(e, "a", "urn:'d'"));
    assert_null(e->parent);
    ep_arena_free(&arena);
}

static bool round_trip(void *user)
{
    (void)user;
    static const char text[] =
        "<a xmlns='urn:a' b='1'>t<c xmlns='urn:c' xml:lang='x'>&amp;</c></a>";
    ep_arena arena = { 0 };
    ep_buf out = EP_BUF_INIT;
    ep_elem *e = ep_elem_parse(&arena, text, strlen(text), NULL);
    if (e)
        ep_elem_write(&out, e, NULL);
    bool ok = e && !out.failed;
    if (ok)
        ok = ep_buf_cstr(&out) && strcmp(ep_buf_ptr(&out), text) == 0;
    ep_arena_free(&arena);
    ep_buf_free(&out);
    return ok;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(fail_each_allocation(round_trip, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_means_something_in_xml_is_escaped),
        cmocka_unit_test(what_xml_cannot_carry_is_refused),
        cmocka_unit_test(too_deep_is_refused),
        cmocka_unit_test(an_element_survives_the_round_trip),
        cmocka_unit_test(an_element_can_be_looked_into),
        cmocka_unit_test(only_one_whole_element_is_parsed),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
