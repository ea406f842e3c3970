/* test_xmpp_trace.c: nothing that authenticates reaches a log. */
#include "../support/check.h"

#include "xmpp/trace.h"

/* In each text, "SECRET" stands for what must not survive, and KEPT for what must. */
static const char *const texts[] = {
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='KEPT'>SECRET</auth>",
    "<auth mechanism='KEPT'>SECRET</auth>",
    "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>SECRET</response><KEPT/>",
    "<challenge xmlns='urn:xmpp:sasl:2'>SECRET</challenge><KEPT/>",
    "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>SECRET</success><KEPT/>",
    "<authenticate xmlns='urn:xmpp:sasl:2' "
    "mechanism='KEPT'><initial-response>SECRET</initial-response></authenticate>",
    "<success "
    "xmlns='urn:xmpp:sasl:2'><additional-data>SECRET</"
    "additional-data><authorization-identifier>KEPT"
    "</authorization-identifier></success>",
    "<token xmlns='urn:xmpp:fast:0' expiry='KEPT' token='SECRET'/>",
    "<token token='SECRET' expiry='KEPT' xmlns='urn:xmpp:fast:0'/>",
    "<resume xmlns='urn:xmpp:sm:3' h='KEPT' previd='SECRET'/>",
    "<resumed previd='SECRET' h='KEPT' xmlns='urn:xmpp:sm:3'/>",
    "<enabled id='SECRET' resume='1' max='KEPT' xmlns='urn:xmpp:sm:3'/>",
    "<enabled xmlns='urn:xmpp:sm:3' location='KEPT' id='SECRET' resume='1'/>",
    "<message id='KEPT'><body>KEPT</body></message><r/><auth>SECRET</auth><presence id='KEPT'/>",
    "<auth/>KEPT<auth>SECRET",
    "<hash xmlns='urn:x'>SECRET</hash><KEPT/>",
    "<presence to='KEPT'><x xmlns='http://jabber.org/protocol/muc'><password>SECRET</password></x></presence><KEPT/>",
    "<conference xmlns='urn:xmpp:bookmarks:1'><nick>KEPT</nick><password xmlns='urn:x'>SECRET</password></conference>",
    "<put url='SECRET'/><get url='KEPT'/>",
    "<put url='KEP_'><header name='KEPT'>SECRET</header></put>",
    "<enable xmlns='urn:xmpp:push:0' jid='KEPT'><x><field><value>SECRET</value></field></x></enable><KEPT/>",
    "<enable xmlns='urn:xmpp:sm:3' resume='KEPT'/><KEPT/><auth>SECRET</auth>",
};

static void no_secret_survives_and_the_rest_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        char copy[400];
        size_t n = (size_t)snprintf(copy, sizeof copy, "%s", texts[i]);
        ep_trace_mask(copy, n);
        assert_int_equal(strlen(copy), n);
        if (strstr(copy, "SECRET"))
            fail_msg("survived: %s", copy);
        for (const char *at = texts[i]; (at = strstr(at, "KEPT")) != NULL; at += 4)
            if (memcmp(copy + (at - texts[i]), "KEPT", 4) != 0)
                fail_msg("masked too much: %s", copy);
    }
}

static void what_ends_in_the_middle_is_masked_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        for (size_t n = 0; n <= strlen(texts[i]); n++) {
            char *copy =
                malloc(n ? n : 1); /* exactly as long: the sanitizer sees a byte too many */
            memcpy(copy, texts[i], n);
            ep_trace_mask(copy, n);
            const char *secret = strstr(texts[i], "SECRET");
            size_t at = (size_t)(secret - texts[i]);
            if (n >= at + 6 && strchr(">", secret[-1]))
                assert_memory_not_equal(copy + at, "SECRET", 6);
            free(copy);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_secret_survives_and_the_rest_does),
        cmocka_unit_test(what_ends_in_the_middle_is_masked_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
