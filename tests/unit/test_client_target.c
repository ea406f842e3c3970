/* test_client_target.c: what a server may name as another place to go to. */
#include "../support/check.h"

#include "client/internal.h"

static void hosts_and_ports_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host; /* NULL: refused */
        uint16_t port;
    } rows[] = {
        { "example.org", "example.org", 0 },
        { "example.org:5222", "example.org", 5222 },
        { "example.org:65535", "example.org", 65535 },
        { "192.0.2.1:5223", "192.0.2.1", 5223 },
        { "[2001:41D0:1:A49b::1]:9222", "[2001:41D0:1:A49b::1]", 9222 }, /* XEP-0198's example */
        { "[2001:db8::1]", "[2001:db8::1]", 0 },
        { "2001:db8::1", "[2001:db8::1]", 0 },
        { "example.org:0", NULL, 0 },
        { "example.org:65536", NULL, 0 },
        { "example.org:", NULL, 0 },
        { "example.org:x", NULL, 0 },
        { "example.org:-1", NULL, 0 },
        { "example.org: 5222", NULL, 0 },
        { "", NULL, 0 },
        { ":5222", NULL, 0 },
        { "[", NULL, 0 },
        { "[::1", NULL, 0 },
        { "[::1]x", NULL, 0 },
        { "[::1]x:5222", NULL, 0 },
        { "user@example.org", NULL, 0 },
        { "example.org/path", NULL, 0 },
        { "exam ple.org", NULL, 0 },
        { "example.org\n", NULL, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char host[64];
        uint16_t port = 1;
        bool fine = ep_target_parse(rows[i].text, host, sizeof host, &port);
        if (fine != (rows[i].host != NULL))
            fail_msg("%s: %d", rows[i].text, fine);
        if (fine) {
            assert_string_equal(host, rows[i].host);
            assert_int_equal(port, rows[i].port);
        }
    }
}

static void what_is_too_long_is_refused(void **state)
{
    (void)state;
    char text[400], host[256];
    uint16_t port;
    memset(text, 'a', sizeof text);
    for (size_t n = 250; n < sizeof text; n++) {
        text[n] = '\0';
        assert_int_equal(ep_target_parse(text, host, sizeof host, &port), n < sizeof host);
        text[n] = 'a';
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_and_ports_are_read),
        cmocka_unit_test(what_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
