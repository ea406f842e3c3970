/* test_xmpp_service.c: push and upload slots on the wire. */
#include "../support/check.h"

#include "base/buf.h"
#include "xmpp/ns.h"
#include "xmpp/service.h"

static ep_arena tree, strings;

static ep_elem *parse(const char *xml)
{
    ep_elem *e = NULL;
    ep_arena_free(&tree);
    assert_int_equal(ep_elem_read(&e, &tree, xml, strlen(xml), EP_NS_CLIENT), EPODE_OK);
    return e;
}

static void push_is_enabled_with_its_options_and_disabled(void **state)
{
    (void)state;
    const char *const names[] = { "secret" }, *const values[] = { "<x>" };
    ep_buf out = EP_BUF_INIT;
    ep_xw w = ep_xw_init(&out);
    ep_push_write_enable(&w, "push.example", "n", names, values, 1);
    ep_push_write_enable(&w, "push.example", NULL, NULL, NULL, 0);
    ep_push_write_disable(&w, "push.example", "n");
    assert_int_equal(ep_xw_done(&w), EPODE_OK);
    assert_string_equal(ep_buf_cstr(&out),
                        "<enable xmlns='urn:xmpp:push:0' jid='push.example' node='n'><x xmlns='jabber:x:data' type='submit'>"
                        "<field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>"
                        "<field var='secret'><value>&lt;x&gt;</value></field></x></enable>"
                        "<enable xmlns='urn:xmpp:push:0' jid='push.example'/>"
                        "<disable xmlns='urn:xmpp:push:0' jid='push.example' node='n'/>");
    ep_buf_free(&out);
}

#define SLOT(put, get) "<iq><slot xmlns='urn:xmpp:http:upload:0'><put " put "<get " get "/></slot></iq>"

static void a_slot_is_two_places_under_https_and_the_headers_that_are_allowed(void **state)
{
    (void)state;
    ep_upload_slot s;
    assert_int_equal(ep_upload_read_slot(&s, parse(SLOT("url='https://u/1'><header name='aUthorization'>Basic\n x</header>"
                                                        "<header name='Host'>evil</header><header>no</header>"
                                                        "<header name='Cook&#10;ie'>a=b</header></put>", "url='HTTPS://g/1'")),
                                         &strings), EPODE_OK);
    assert_string_equal(s.put_url, "https://u/1");
    assert_string_equal(s.get_url, "HTTPS://g/1");
    assert_int_equal(s.header_count, 2);
    assert_string_equal(s.headers[0].name, "Authorization");
    assert_string_equal(s.headers[0].value, "Basic x");
    assert_string_equal(s.headers[1].name, "Cookie");
    static const char *const bad[] = {
        "<iq/>", "<iq><slot xmlns='urn:xmpp:http:upload:0'/></iq>", SLOT("url='http://u/1'/>", "url='https://g/1'"),
        SLOT("url='https://u/1'/>", "url='ftp://g/1'"), SLOT("url='https://'/>", "url='https://g/1'"),
        SLOT("/>", "url='https://g/1'"), SLOT("url='https://u/1'/>", ""), SLOT("url='https://u/ 1'/>", "url='https://g/1'"),
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(ep_upload_read_slot(&s, parse(bad[i]), &strings), EPODE_EPROTO);
    ep_buf many = EP_BUF_INIT;
    ep_buf_puts(&many, "<iq><slot xmlns='urn:xmpp:http:upload:0'><put url='https://u/1'>");
    for (int i = 0; i <= EP_UPLOAD_HEADERS_MAX; i++)
        ep_buf_puts(&many, "<header name='Cookie'>x</header>");
    ep_buf_puts(&many, "</put><get url='https://g/1'/></slot></iq>");
    assert_int_equal(ep_upload_read_slot(&s, parse(ep_buf_cstr(&many)), &strings), EPODE_ELIMIT);
    ep_buf_free(&many);
    ep_arena_free(&strings);
    ep_arena_free(&tree);
}

static void a_service_is_known_by_its_feature_and_may_say_how_much(void **state)
{
    (void)state;
#define FORM(type, size)                                                                                              \
    "<x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>" type "</value></field><field var='max-file-size'><value>" \
    size "</value></field></x>"
#define INFO(inside) "<query xmlns='http://jabber.org/protocol/disco#info'>" inside "</query>"
#define FEATURE      "<feature var='urn:xmpp:http:upload:0'/>"
    static const struct {
        const char *xml;
        bool is;
        uint64_t max;
    } rows[] = {
        { INFO(FEATURE FORM("urn:xmpp:http:upload:0", "5242880")), true, 5242880 },
        { INFO(FEATURE), true, 0 },
        { INFO(FEATURE FORM("urn:xmpp:http:upload:0", "many")), true, 0 },
        { INFO(FEATURE FORM("urn:other", "5")), true, 0 },
        { INFO(FORM("urn:xmpp:http:upload:0", "5")), false, 5 },
        { INFO("<feature/>"), false, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t max = 1;
        assert_int_equal(ep_upload_read_service(parse(rows[i].xml), &max), rows[i].is);
        assert_int_equal(max, rows[i].max);
    }
    uint64_t max;
    assert_false(ep_upload_read_service(NULL, &max));
    ep_arena_free(&tree);
}

static void an_error_may_say_how_much_and_when(void **state)
{
    (void)state;
    bool large;
    uint64_t max;
    int64_t retry;
    ep_upload_read_error(parse("<iq><error><file-too-large xmlns='urn:xmpp:http:upload:0'><max-file-size>20000"
                               "</max-file-size></file-too-large></error></iq>"), &large, &max, &retry);
    assert_true(large && max == 20000 && retry == 0);
    ep_upload_read_error(parse("<iq><error><file-too-large xmlns='urn:xmpp:http:upload:0'/></error></iq>"), &large, &max,
                         &retry);
    assert_true(large && max == 0);
    ep_upload_read_error(parse("<iq><error><retry xmlns='urn:xmpp:http:upload:0' stamp='1970-01-01T00:00:03Z'/></error></iq>"),
                         &large, &max, &retry);
    assert_true(!large && retry == 3000);
    ep_upload_read_error(parse("<iq><error><retry xmlns='urn:xmpp:http:upload:0' stamp='later'/></error></iq>"), &large, &max,
                         &retry);
    assert_true(retry == 0);
    ep_upload_read_error(parse("<iq/>"), &large, &max, &retry);
    assert_true(!large && !max && !retry);
    ep_arena_free(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(push_is_enabled_with_its_options_and_disabled),
        cmocka_unit_test(a_slot_is_two_places_under_https_and_the_headers_that_are_allowed),
        cmocka_unit_test(a_service_is_known_by_its_feature_and_may_say_how_much),
        cmocka_unit_test(an_error_may_say_how_much_and_when),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
