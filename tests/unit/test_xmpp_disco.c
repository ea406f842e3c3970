/* test_xmpp_disco.c: the verification string (XEP-0115, 5), lists of features. */
#include "../support/check.h"

#include "xmpp/disco.h"

#define QUERY(inside) "<query xmlns='http://jabber.org/protocol/disco#info'>" inside "</query>"
#define FEATURE(var)  "<feature var='" var "'/>"
#define FORM(inside)  "<x xmlns='jabber:x:data' type='result'>" inside "</x>"
#define HIDDEN(type)  "<field var='FORM_TYPE' type='hidden'><value>" type "</value></field>"

static epode_status verify(const char *xml, const char *hash, const char *ver)
{
    ep_arena arena = { 0 };
    ep_elem *e = NULL;
    assert_int_equal(ep_elem_read(&e, &arena, xml, strlen(xml), "jabber:client"), EPODE_OK);
    epode_status st = ep_disco_verify(e, hash, ver);
    ep_arena_free(&arena);
    return st;
}

/* XEP-0115, 5.2 and 5.3. */
#define SIMPLE                                                                                                        \
    "<identity category='client' name='Exodus 0.9.1' type='pc'/>" FEATURE("http://jabber.org/protocol/muc")           \
        FEATURE("http://jabber.org/protocol/caps") FEATURE("http://jabber.org/protocol/disco#items")                  \
            FEATURE("http://jabber.org/protocol/disco#info")
#define COMPLEX                                                                                                       \
    "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"                                           \
    "<identity xml:lang='el' category='client' name='\xce\xa8 0.11' type='pc'/>" FEATURE(                             \
        "http://jabber.org/protocol/caps") FEATURE("http://jabber.org/protocol/disco#info")                           \
        FEATURE("http://jabber.org/protocol/disco#items") FEATURE("http://jabber.org/protocol/muc")
#define SOFTWARE                                                                                                      \
    FORM("<field var='software_version'><value>0.11</value></field>" HIDDEN("urn:xmpp:dataforms:softwareinfo")        \
         "<field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>"                   \
         "<field var='os'><value>Mac</value></field><field var='software'><value>Psi</value></field>"                 \
         "<field var='os_version'><value>10.5.1</value></field>")

static void the_examples_of_the_specification_have_their_hashes(void **state)
{
    (void)state;
    assert_int_equal(verify(QUERY(SIMPLE), "sha-1", "QgayPKawpkPSDYmwT/WM94uAlu0="), EPODE_OK);
    assert_int_equal(verify(QUERY(COMPLEX SOFTWARE), "sha-1", "q07IKJEyjvHSyhy//CH0CxmKi8w="), EPODE_OK);
}

static void what_does_not_fit_its_hash_is_not_verified(void **state)
{
    (void)state;
    assert_int_equal(verify(QUERY(SIMPLE FEATURE("one-more")), "sha-1", "QgayPKawpkPSDYmwT/WM94uAlu0="), EPODE_DONE);
    assert_int_equal(verify(QUERY(COMPLEX), "sha-1", "q07IKJEyjvHSyhy//CH0CxmKi8w="), EPODE_DONE);
    assert_int_equal(verify(QUERY(SIMPLE), "sha-256", "QgayPKawpkPSDYmwT/WM94uAlu0="), EPODE_DONE);
    assert_int_equal(verify(QUERY(SIMPLE), "md5", "QgayPKawpkPSDYmwT/WM94uAlu0="), EPODE_DONE);
    assert_int_equal(verify(QUERY(SIMPLE), NULL, "QgayPKawpkPSDYmwT/WM94uAlu0="), EPODE_DONE);
    assert_int_equal(verify(QUERY(""), "sha-1", NULL), EPODE_DONE);
    assert_int_equal(verify(QUERY(""), "sha-1", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="), EPODE_OK); /* of nothing */
}

/* XEP-0115, 5.4. The hashes are those of what is there, taken as it stands. */
static void an_ill_formed_answer_is_not_verified(void **state)
{
    (void)state;
    static const char *const bad[] = {
        QUERY("<identity category='a' type='b'/><identity category='a' type='b'/>"),
        QUERY(FEATURE("f") FEATURE("f")),
        QUERY(FORM(HIDDEN("t")) FORM(HIDDEN("t"))),
        QUERY(FORM("<field var='FORM_TYPE' type='hidden'><value>t</value><value>u</value></field>")),
    };
    static const char *const hashes[] = {
        "4nmQJOk7zfzzWpZHmZdj/4Maocc=", "YYYc0KWvz1xjY9xEBJqAnO9r9hc=",
        "ekKMPMx07IYEIhvZEcmZtfUc3Ho=", "k+54X2LCd1VCtlZtBTgt3sAyzqU=",
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(verify(bad[i], "sha-1", hashes[i]), EPODE_DONE);
}

static void a_form_without_a_hidden_type_is_ignored(void **state)
{
    (void)state;
    static const char *const hash = "QgayPKawpkPSDYmwT/WM94uAlu0=";
    assert_int_equal(verify(QUERY(SIMPLE FORM("<field var='a'><value>b</value></field>")), "sha-1", hash), EPODE_OK);
    assert_int_equal(verify(QUERY(SIMPLE FORM("<field var='FORM_TYPE'><value>t</value></field>")), "sha-1", hash), EPODE_OK);
}

/* XEP-0115, 5.1: by octets; what goes on behind the end of another is the later one, whatever its next octet. */
static void parts_are_sorted_by_their_octets_and_not_with_their_ends(void **state)
{
    (void)state;
    /* sha1("a/b//<a/b-c//<urn:x<urn:x#y<") */
    assert_int_equal(verify(QUERY("<identity category='a' type='b-c'/><identity category='a' type='b'/>"
                                  FEATURE("urn:x#y") FEATURE("urn:x")), "sha-1", "QyU2qUmIuyHeogZvNepMalSknrE="), EPODE_OK);
}

/* A name must not smuggle features in (XEP-0115, 5.1, the note). */
static void a_name_cannot_hold_the_end_of_a_part(void **state)
{
    (void)state;
    assert_int_equal(verify(QUERY("<identity category='client' type='pc' name='Exodus 0.9.1&lt;"
                                  "http://jabber.org/protocol/caps&lt;http://jabber.org/protocol/disco#info&lt;"
                                  "http://jabber.org/protocol/disco#items&lt;http://jabber.org/protocol/muc'/>"),
                            "sha-1", "QgayPKawpkPSDYmwT/WM94uAlu0="), EPODE_DONE);
}

static void a_list_holds_whole_features_only(void **state)
{
    (void)state;
    ep_arena arena = { 0 };
    ep_buf list = EP_BUF_INIT;
    static const char xml[] = QUERY("<identity category='a' type='b'/>" FEATURE("urn:xmpp:mam:2#extended") FEATURE("")
                                    "<feature/>" FEATURE("urn:xmpp:sid:0"));
    ep_elem *e = ep_elem_parse(&arena, xml, strlen(xml), "jabber:client");
    assert_int_equal(ep_disco_features(&list, e), EPODE_OK);
    assert_true(ep_disco_has(ep_buf_cstr(&list), "urn:xmpp:mam:2#extended"));
    assert_true(ep_disco_has(ep_buf_cstr(&list), "urn:xmpp:sid:0"));
    assert_false(ep_disco_has(ep_buf_cstr(&list), "urn:xmpp:mam:2"));
    assert_false(ep_disco_has(ep_buf_cstr(&list), "extended"));
    assert_false(ep_disco_has(ep_buf_cstr(&list), ""));
    ep_buf_free(&list);
    assert_int_equal(ep_disco_features(&list, NULL), EPODE_OK);
    assert_false(ep_disco_has(ep_buf_cstr(&list), "urn:xmpp:sid:0"));
    ep_buf_free(&list);
    ep_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_specification_have_their_hashes),
        cmocka_unit_test(what_does_not_fit_its_hash_is_not_verified),
        cmocka_unit_test(an_ill_formed_answer_is_not_verified),
        cmocka_unit_test(a_form_without_a_hidden_type_is_ignored),
        cmocka_unit_test(parts_are_sorted_by_their_octets_and_not_with_their_ends),
        cmocka_unit_test(a_name_cannot_hold_the_end_of_a_part),
        cmocka_unit_test(a_list_holds_whole_features_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
