/* test_idn.c: string preparation: SASLprep (RFC 4013), the profiles of JIDs (RFC 6122), A-labels
 * (RFC 5890). */
#include "../support/check.h"

#include "base/idn.h"

typedef char *prep(const char *utf8, epode_status *status);

typedef struct prep_row {
    prep *profile;
    const char *in, *out; /* out NULL: not allowed */
} prep_row;

static void check(const prep_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        epode_status st = 99;
        char *out = rows[i].profile(rows[i].in, &st);
        if (!rows[i].out)
            assert_null(out);
        else if (!out || strcmp(out, rows[i].out) != 0)
            fail_msg("\"%s\" became \"%s\"", rows[i].in, out ? out : "(refused)");
        assert_int_equal(st, rows[i].out ? EPODE_OK : EPODE_EINVAL);
        ep_free(out);
    }
}

static void saslprep_has_the_examples_of_rfc_4013(void **state)
{
    (void)state;
    static const prep_row rows[] = {
        { ep_idn_saslprep, "I\xc2\xadX", "IX" }, /* soft hyphen mapped to nothing */
        { ep_idn_saslprep, "user", "user" },
        { ep_idn_saslprep, "USER", "USER" },  /* case preserved */
        { ep_idn_saslprep, "\xc2\xaa", "a" }, /* NFKC */
        { ep_idn_saslprep, "\xe2\x85\xa8", "IX" },
        { ep_idn_saslprep, "\x07", NULL }, /* prohibited */
        { ep_idn_saslprep,
          "\xd8\xa7"
          "1",
          NULL }, /* bidirectional check */
        { ep_idn_saslprep,
          "a\xc2\xa0"
          "b",
          "a b" }, /* no-break space */
        { ep_idn_saslprep, "p\xc3\xa4ss\xf0\x9f\x94\x91", "p\xc3\xa4ss\xf0\x9f\x94\x91" },
        { ep_idn_saslprep, "\xff", NULL },
    };
    check(rows, COUNT(rows));
}

static void jid_parts_are_prepared_by_their_profiles(void **state)
{
    (void)state;
    static const prep_row rows[] = {
        { ep_idn_nodeprep, "Alice", "alice" },
        { ep_idn_nodeprep, "\xc3\x84ugel", "\xc3\xa4ugel" },
        { ep_idn_nodeprep, "a b", NULL },
        { ep_idn_nodeprep, "a@b", NULL },
        { ep_idn_nodeprep, "a/b", NULL },
        { ep_idn_nodeprep, "a'b", NULL },
        { ep_idn_resourceprep, "My Phone/2", "My Phone/2" },
        { ep_idn_resourceprep, "\x01", NULL },
        { ep_idn_nameprep,
          "B\xc3\xbc"
          "cher.EXAMPLE",
          "b\xc3\xbc"
          "cher.example" },
    };
    check(rows, COUNT(rows));
}

static void domains_become_a_labels(void **state)
{
    (void)state;
    static const prep_row rows[] = {
        { ep_idn_to_ascii, "example.com", "example.com" },
        { ep_idn_to_ascii,
          "b\xc3\xbc"
          "cher.example",
          "xn--bcher-kva.example" },
        { ep_idn_to_ascii, "xn--bcher-kva.example", "xn--bcher-kva.example" },
        { ep_idn_to_ascii, "a..b", NULL },
        { ep_idn_to_ascii,
          "a.aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff0123456789", NULL },
    };
    check(rows, COUNT(rows));
}

static void what_is_too_long_is_refused(void **state)
{
    (void)state;
    char longest[1025];
    memset(longest, 'a', 1024);
    longest[1024] = '\0';
    epode_status st = EPODE_OK;
    assert_null(ep_idn_nodeprep(longest, &st));
    assert_int_equal(st, EPODE_EINVAL);
    longest[1023] = '\0';
    char *out = ep_idn_nodeprep(longest, &st);
    assert_string_equal(out, longest);
    ep_free(out);
}

static bool prepare_all(void *user)
{
    (void)user;
    static const prep_row rows[] = {
        { ep_idn_saslprep, "I\xc2\xadX", "IX" },
        { ep_idn_nodeprep, "Alice", "alice" },
        { ep_idn_to_ascii,
          "b\xc3\xbc"
          "cher.example",
          "xn--bcher-kva.example" },
    };
    bool all = true;
    for (size_t i = 0; i < COUNT(rows); i++) {
        epode_status st = EPODE_OK;
        char *out = rows[i].profile(rows[i].in, &st);
        assert_int_equal(st, out ? EPODE_OK : EPODE_ENOMEM);
        all = all && out;
        ep_free(out);
    }
    return all;
}

static void no_memory_is_told_from_not_allowed(void **state)
{
    (void)state;
    assert_true(fail_each_allocation(prepare_all, NULL) >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saslprep_has_the_examples_of_rfc_4013),
        cmocka_unit_test(jid_parts_are_prepared_by_their_profiles),
        cmocka_unit_test(domains_become_a_labels),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(no_memory_is_told_from_not_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
