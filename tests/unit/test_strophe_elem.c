/* test_strophe_elem.c: libstrophe's stanzas as our trees are what our own parser makes of the same text. */
#include "../support/check.h"

#include "strophe/stanza.h"

#define CLIENT "jabber:client"

static xmpp_ctx_t *ctx;

static int open_ctx(void **state)
{
    (void)state;
    ctx = xmpp_ctx_new(NULL, NULL);
    return ctx ? 0 : -1;
}

static int close_ctx(void **state)
{
    (void)state;
    xmpp_ctx_free(ctx);
    return 0;
}

/* In any order: libstrophe keeps attributes in a hash. */
static void same_attributes(const ep_elem *want, const ep_elem *got)
{
    assert_int_equal(got->attr_count, want->attr_count);
    for (size_t i = 0; i < want->attr_count; i++) {
        const ep_attr *a = &want->attrs[i];
        const char *value = a->ns ? ep_elem_lang(got) : ep_elem_attr(got, a->name);
        assert_non_null(value);
        assert_string_equal(value, a->value);
    }
}

static void same_tree(const ep_elem *want, const ep_elem *got)
{
    if (!want->name) {
        assert_null(got->name);
        assert_int_equal(got->text_len, want->text_len);
        assert_string_equal(got->text, want->text);
        return;
    }
    assert_string_equal(got->name, want->name);
    assert_string_equal(got->ns, want->ns);
    same_attributes(want, got);
    const ep_elem *b = got->child;
    for (const ep_elem *a = want->child; a; a = a->next, b = b->next) {
        assert_non_null(b);
        assert_ptr_equal(b->parent, got);
        same_tree(a, b);
    }
    assert_null(b);
}

static void a_stanza_is_the_same_tree_as_its_text(void **state)
{
    static const char *const texts[] = {
        "<message xmlns='jabber:client' from='a@b/c' to='d@e' type='chat' id='1' xml:lang='de'><body>x</body></message>",
        "<message xmlns='jabber:client'><body> &lt;&amp;&gt; &#x1f600; \n two \n lines </body><subject/></message>",
        "<iq xmlns='jabber:client' type='result' id='&quot;&apos;'><query xmlns='urn:a'><item xmlns='urn:b' n=''>t</item>u</query></iq>",
        "<message xmlns='jabber:client'><result xmlns='urn:xmpp:mam:2' queryid='q' id='28482-98726-73623'>"
        "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/>"
        "<message xmlns='jabber:client' to='j@b' from='r@m'><body>Hail</body></message></forwarded></result></message>",
        "<success xmlns='urn:xmpp:sasl:2'><additional-data>dj0=</additional-data><bound xmlns='urn:xmpp:bind:0'>"
        "<enabled xmlns='urn:xmpp:sm:3' id='x' resume='1'/></bound></success>",
        "<p:a xmlns:p='urn:p'><p:b/><c xmlns=''>d</c></p:a>",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        ep_arena ours = { 0 }, theirs = { 0 };
        ep_elem *got, *want = ep_elem_parse(&ours, texts[i], strlen(texts[i]), NULL);
        xmpp_stanza_t *stanza = xmpp_stanza_new_from_string(ctx, texts[i]);
        assert_non_null(want);
        assert_non_null(stanza);
        assert_int_equal(ep_elem_from_stanza(&got, &theirs, stanza, 0), EPODE_OK);
        same_tree(want, got);
        /* And back: what libstrophe writes reads as the same; but it cannot write that there is no namespace, and has
         * forgotten prefixes. */
        ep_buf text = EP_BUF_INIT;
        ep_arena again = { 0 };
        assert_int_equal(ep_stanza_write(&text, stanza, CLIENT), EPODE_OK);
        ep_elem *read = ep_elem_parse(&again, ep_buf_ptr(&text), text.len, CLIENT);
        assert_non_null(read);
        if (!strstr(texts[i], "xmlns=''") && !strstr(texts[i], "xml:lang"))
            same_tree(want, read);
        ep_buf_free(&text);
        ep_arena_free(&again);
        xmpp_stanza_release(stanza);
        ep_arena_free(&ours);
        ep_arena_free(&theirs);
    }
}

/* One element in the other, that many of them. */
static epode_status nested(size_t depth, size_t allowed)
{
    ep_arena arena = { 0 };
    ep_elem *e;
    xmpp_stanza_t *inner = NULL;
    for (size_t i = 0; i < depth; i++) {
        xmpp_stanza_t *outer = xmpp_stanza_new(ctx);
        xmpp_stanza_set_name(outer, "x");
        if (inner) {
            xmpp_stanza_add_child(outer, inner);
            xmpp_stanza_release(inner);
        }
        inner = outer;
    }
    epode_status st = ep_elem_from_stanza(&e, &arena, inner, allowed);
    xmpp_stanza_release(inner);
    ep_arena_free(&arena);
    return st;
}

static void what_is_too_deep_or_has_too_many_attributes_is_refused(void **state)
{
    (void)state;
    assert_int_equal(nested(64, 0), EPODE_OK);
    assert_int_equal(nested(65, 0), EPODE_ELIMIT);
    assert_int_equal(nested(3, 3), EPODE_OK);
    assert_int_equal(nested(4, 3), EPODE_ELIMIT);
    ep_arena arena = { 0 };
    ep_elem *e;
    xmpp_stanza_t *stanza = xmpp_stanza_new(ctx);
    xmpp_stanza_set_name(stanza, "x");
    for (int i = 0; i < 64; i++) {
        char name[8];
        snprintf(name, sizeof name, "a%d", i);
        xmpp_stanza_set_attribute(stanza, name, "v");
    }
    assert_int_equal(ep_elem_from_stanza(&e, &arena, stanza, 0), EPODE_OK);
    assert_int_equal(e->attr_count, 64);
    xmpp_stanza_set_attribute(stanza, "one-more", "v");
    ep_arena_reset(&arena);
    assert_int_equal(ep_elem_from_stanza(&e, &arena, stanza, 0), EPODE_ELIMIT);
    xmpp_stanza_release(stanza);
    ep_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stanza_is_the_same_tree_as_its_text),
        cmocka_unit_test(what_is_too_deep_or_has_too_many_attributes_is_refused),
    };
    return cmocka_run_group_tests(tests, open_ctx, close_ctx);
}
