/* test_backoff.c: when a client comes back, as tables in virtual time. */
#include "../support/check.h"

#include "client/backoff.h"

#define S INT64_C(1000000)

static void attempts_are_ever_further_apart_up_to_five_minutes(void **state)
{
    (void)state;
    static const int64_t least[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300 };
    ep_backoff b = { 0 };
    int64_t now = 1000 * S;
    for (size_t i = 0; i < COUNT(least); i++) {
        ep_backoff_attempt(&b, now);
        ep_backoff copy = b;
        assert_true(ep_backoff_failed(&copy, now, 0) == now + least[i] * S);
        int64_t most = ep_backoff_failed(&b, now, 999);
        assert_true(most > now + least[i] * S && most <= now + 2 * least[i] * S);
        now = most;
    }
}

static void only_a_session_that_lasted_begins_anew(void **state)
{
    (void)state;
    static const struct {
        int64_t lasted, due;
    } e[] = { { 1, 16 }, { 29, 16 }, { 30, 1 }, { 3600, 1 } };
    for (size_t i = 0; i < COUNT(e); i++) {
        ep_backoff b = { .failures = 4 };
        ep_backoff_attempt(&b, 100 * S);
        ep_backoff_ready(&b, 101 * S);
        int64_t end = (101 + e[i].lasted) * S;
        assert_true(ep_backoff_failed(&b, end, 0) == end + e[i].due * S);
    }
}

static void a_hint_brings_it_forward_but_not_below_the_floor(void **state)
{
    (void)state;
    ep_backoff b = { 0 };
    ep_backoff_attempt(&b, 100 * S);
    int64_t due = ep_backoff_failed(&b, 100 * S + S / 2, 999);
    /* Not closer than a second to the last attempt; the hint again changes nothing. */
    assert_true(ep_backoff_hint(&b, 100 * S + S / 2, due) == 101 * S);
    assert_true(ep_backoff_hint(&b, 100 * S + S / 2, 101 * S) == 101 * S);
    /* Long after it: now. */
    b = (ep_backoff){ .failures = 9, .began_us = 100 * S };
    assert_true(ep_backoff_hint(&b, 200 * S, 500 * S) == 200 * S);
    /* Never later than it was due. */
    b = (ep_backoff){ .hinted = 9, .began_us = 100 * S };
    assert_true(ep_backoff_hint(&b, 101 * S, 102 * S) == 102 * S);
}

static void hints_every_second_for_an_hour_bring_no_storm(void **state)
{
    (void)state;
    ep_backoff b = { 0 };
    int64_t now = 1000 * S, due = now;
    unsigned attempts = 0, failures = 0;
    for (; now < 4600 * S; now += S) {
        due = ep_backoff_hint(&b, now, due);
        if (now < due)
            continue;
        ep_backoff_attempt(&b, now);
        attempts++;
        due = ep_backoff_failed(&b, now, 500);
        assert_true(b.failures == ++failures); /* a hint resets nothing */
    }
    assert_in_range(attempts, 60, 3600 / 32 + 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attempts_are_ever_further_apart_up_to_five_minutes),
        cmocka_unit_test(only_a_session_that_lasted_begins_anew),
        cmocka_unit_test(a_hint_brings_it_forward_but_not_below_the_floor),
        cmocka_unit_test(hints_every_second_for_an_hour_bring_no_storm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
