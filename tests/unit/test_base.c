/* test_base.c: buffers, arenas, strings, base64, timers, errors, identifiers. */
#include "../support/check.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/timers.h"

static void a_buffer_keeps_what_was_added_in_order(void **state)
{
    (void)state;
    ep_buf b = EP_BUF_INIT;
    char expected[3000] = "";
    size_t n = 0;
    for (int i = 0; i < 500; i++) {
        n += (size_t)sprintf(expected + n, "%d,", i);
        ep_buf_printf(&b, "%d", i);
        ep_buf_putc(&b, ',');
    }
    assert_int_equal(b.len, n);
    assert_memory_equal(ep_buf_ptr(&b), expected, n);
    ep_buf_consume(&b, 700);
    assert_memory_equal(ep_buf_ptr(&b), expected + 700, n - 700);
    ep_buf_add(&b, expected, n);
    assert_memory_equal(ep_buf_ptr(&b), expected + 700, n - 700);
    assert_memory_equal(ep_buf_ptr(&b) + n - 700, expected, n);
    ep_buf_free(&b);
    assert_string_equal(ep_buf_ptr(&b), "");
}

static void a_buffer_that_is_consumed_as_it_is_filled_stays_small(void **state)
{
    (void)state;
    ep_buf b = EP_BUF_INIT;
    ep_buf_puts(&b, "0123456789");
    for (int i = 0; i < 10000; i++) {
        ep_buf_puts(&b, "0123456789");
        ep_buf_consume(&b, 10);
    }
    assert_true(b.cap <= 512);
    assert_string_equal(ep_buf_cstr(&b), "0123456789");
    ep_buf_free(&b);
}

static void a_buffer_can_be_detached_and_used_again(void **state)
{
    (void)state;
    ep_buf b = EP_BUF_INIT;
    char *empty = ep_buf_detach(&b);
    assert_string_equal(empty, "");
    ep_buf_puts(&b, "xyz");
    ep_buf_consume(&b, 1);
    char *text = ep_buf_detach(&b);
    assert_string_equal(text, "yz");
    assert_int_equal(b.len, 0);
    ep_buf_puts(&b, "again");
    assert_string_equal(ep_buf_cstr(&b), "again");
    ep_buf_wipe(&b);
    ep_free(text);
    ep_free(empty);
}

static void a_buffer_that_failed_once_stays_failed_until_cleared(void **state)
{
    (void)state;
    ep_buf b = EP_BUF_INIT;
    ep_alloc_fail_at(1, 0);
    ep_buf_puts(&b, "lost");
    ep_alloc_fail_at(0, 0);
    assert_true(b.failed);
    ep_buf_puts(&b, "lost too");
    assert_int_equal(b.len, 0);
    assert_null(ep_buf_cstr(&b));
    ep_buf_clear(&b);
    ep_buf_puts(&b, "kept");
    assert_string_equal(ep_buf_cstr(&b), "kept");
    ep_buf_free(&b);
    assert_false(ep_buf_reserve(&b, SIZE_MAX / 2));
    assert_true(b.failed);
    ep_buf_free(&b);
}

static void an_arena_gives_aligned_memory_and_takes_it_back_at_once(void **state)
{
    (void)state;
    ep_arena a = { .block_bytes = 64 };
    char *first = ep_arena_alloc(&a, 1);
    for (size_t n = 1; n < 300; n += 7) {
        char *p = ep_arena_alloc(&a, n);
        assert_int_equal((uintptr_t)p % 16, 0);
        memset(p, 0x5a, n);
    }
    assert_ptr_not_equal(ep_arena_alloc(&a, 1), first);
    ep_arena_reset(&a);
    assert_ptr_equal(ep_arena_alloc(&a, 1), first);
    assert_string_equal(ep_arena_strndup(&a, "abcdef", 3), "abc");
    assert_null(ep_arena_alloc(&a, SIZE_MAX - 8));
    ep_arena_free(&a);
    assert_null(a.first);
    ep_arena_reset(&a);
}

static void base64_has_the_vectors_of_rfc_4648(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *text;
    } rows[] = {
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
        { "\xfb\xff\xfe", "+//+" },
        { "", "" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t len = 99;
        char *text = ep_b64_encode(rows[i].plain, strlen(rows[i].plain));
        assert_string_equal(text, rows[i].text);
        char *plain = ep_b64_decode_str(rows[i].text, &len);
        assert_string_equal(plain, rows[i].plain);
        assert_int_equal(len, strlen(rows[i].plain));
        ep_free(text);
        ep_free(plain);
    }
}

static void base64_refuses_everything_else(void **state)
{
    (void)state;
    static const char *const junk[] = { "Z",     "Zg",       "Zg=",         "Zm9v\n",
                                        "Zm 9v", "====",     "Zg==Zg==",    "Z===",
                                        "=Zg=",  "Zg=v",     "Zm9-",        "Zm9_",
                                        "Zm9v=", "Zm9v====", "Zm\xc3\xa9v", "Zg==\n\n\n\n" };
    for (size_t i = 0; i < COUNT(junk); i++) {
        size_t len = 7;
        assert_null(ep_b64_decode(junk[i], strlen(junk[i]), &len));
        assert_int_equal(len, 7);
    }
    assert_null(ep_b64_decode("Zm\0v", 4, NULL));
    size_t len = 7;
    uint8_t *none = ep_b64_decode("=", 1, &len); /* RFC 6120, 6.4.2: no bytes at all */
    assert_non_null(none);
    assert_int_equal(len, 0);
    ep_free(none);
}

static void numbers_are_decimal_and_in_range(void **state)
{
    (void)state;
    uint64_t v = 42;
    assert_true(ep_str_u64("0", &v) && v == 0);
    assert_true(ep_str_u64("4294967296", &v) && v == 4294967296u);
    assert_true(ep_str_u64("18446744073709551615", &v) && v == UINT64_MAX);
    v = 42;
    static const char *const bad[] = { "",
                                       "-1",
                                       "+1",
                                       " 1",
                                       "1 ",
                                       "0x1",
                                       "1.0",
                                       "18446744073709551616",
                                       "99999999999999999999",
                                       "184467440737095516150" };
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(ep_str_u64(bad[i], &v));
    assert_false(ep_str_u64(NULL, &v));
    assert_int_equal(v, 42);
}

static void strings_compare_and_replace(void **state)
{
    (void)state;
    char hex[7], *field = NULL;
    assert_true(ep_streq(NULL, NULL) && ep_streq("a", "a"));
    assert_false(ep_streq(NULL, "") || ep_streq("", NULL) || ep_streq("a", "b"));
    assert_true(ep_str_is_true("true") && ep_str_is_true("1"));
    assert_false(ep_str_is_true("TRUE") || ep_str_is_true("0") || ep_str_is_true(NULL));
    assert_true(ep_str_set(&field, "one"));
    ep_alloc_fail_at(1, 0);
    assert_false(ep_str_set(&field, "two"));
    ep_alloc_fail_at(0, 0);
    assert_string_equal(field, "one");
    assert_true(ep_str_set(&field, NULL));
    assert_null(field);
    ep_hex("\x00\xab\xff", 3, hex);
    assert_string_equal(hex, "00abff");
    assert_true(ep_equal_ct("abc", "abd", 2));
    assert_false(ep_equal_ct("abc", "abd", 3));
}

typedef struct ringer {
    ep_timer timer;
    ep_timers *all;
    char name;
    char *log;
    ep_timer *stops;
    int64_t again_us;
} ringer;

static void ring(ep_timer *t, int64_t now_us, void *user)
{
    ringer *r = user;
    assert_false(ep_timer_is_set(t));
    assert_true(t->due_us <= now_us);
    r->log[strlen(r->log)] = r->name;
    if (r->stops)
        ep_timer_stop(r->stops);
    if (r->again_us)
        ep_timer_set(r->all, t, r->again_us);
}

static void timers_fire_in_the_order_of_their_time(void **state)
{
    (void)state;
    char log[200] = "";
    ep_timers ts;
    ep_timers_init(&ts);
    ringer a = { .all = &ts, .name = 'a', .log = log }, b = a, c = a;
    a.timer.fire = b.timer.fire = c.timer.fire = ring;
    a.timer.user = &a, b.timer.user = &b, c.timer.user = &c;
    b.name = 'b', c.name = 'c';
    assert_true(ep_timers_next(&ts) == EP_NEVER);
    ep_timer_stop(&a.timer);
    ep_timer_set(&ts, &b.timer, 30);
    ep_timer_set(&ts, &a.timer, 20);
    ep_timer_set(&ts, &c.timer, 30);
    assert_true(ep_timers_next(&ts) == 20);
    assert_int_equal(ep_timers_run(&ts, 19), 0);
    assert_int_equal(ep_timers_run(&ts, 30), 3);
    assert_string_equal(log, "abc");
    memset(log, 0, sizeof log);
    ep_timer_set(&ts, &a.timer, 40);
    ep_timer_set(&ts, &a.timer, 60);
    ep_timer_set(&ts, &b.timer, 50);
    b.stops = &a.timer;
    assert_int_equal(ep_timers_run(&ts, 100), 1);
    assert_string_equal(log, "b");
    assert_false(ep_timer_is_set(&a.timer));
}

static void a_timer_that_sets_itself_to_the_past_does_not_loop_for_ever(void **state)
{
    (void)state;
    char log[200] = "";
    ep_timers ts;
    ep_timers_init(&ts);
    ringer a = { .all = &ts, .name = 'a', .log = log, .again_us = 1 };
    a.timer.fire = ring;
    a.timer.user = &a;
    ep_timer_set(&ts, &a.timer, 5);
    assert_in_range(ep_timers_run(&ts, 10), 1, 100);
    assert_true(ep_timer_is_set(&a.timer));
}

static void an_error_carries_only_conditions_that_look_like_one(void **state)
{
    (void)state;
    ep_error e = { 0 };
    assert_int_equal(ep_fail(&e, EPODE_EDNS, 7, "no %s", "answer"), EPODE_EDNS);
    assert_int_equal(ep_fail(NULL, EPODE_ETLS, 0, "nobody hears"), EPODE_ETLS);
    assert_int_equal(epode_error_status(&e), EPODE_EDNS);
    assert_int_equal(epode_error_native(&e), 7);
    assert_string_equal(epode_error_text(&e), "no answer");
    assert_null(epode_error_condition(&e));
    assert_false(epode_error_is_final(&e));
    static const char *const bad[] = { "Not-A-Condition", "a b", "<x/>", "a\nb",
                                       "this-condition-is-much-too-long-to-be-a-defined-one" };
    for (size_t i = 0; i < COUNT(bad); i++)
        ep_error_set_condition(&e, bad[i]);
    ep_error_set_condition(&e, NULL);
    assert_null(epode_error_condition(&e));
    ep_error_set_condition(&e, "not-authorized");
    ep_error_set_final(&e, true);
    assert_string_equal(epode_error_condition(&e), "not-authorized");
    assert_true(epode_error_is_final(&e));
    char longer[400];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    ep_fail(&e, EPODE_EPROTO, 0, "%s", longer);
    assert_int_equal(strlen(epode_error_text(&e)), sizeof e.text - 1);
    assert_false(epode_error_is_final(&e));
    assert_string_equal(epode_error_text(NULL), "EPODE_OK");
    assert_string_equal(epode_status_name(EPODE_EDOWNGRADE), "EPODE_EDOWNGRADE");
    assert_string_equal(epode_status_name((epode_status)-999), "EPODE_?");
}

static void a_uuid_is_one_of_version_4(void **state)
{
    (void)state;
    char a[37], b[37];
    for (int n = 0; n < 50; n++) {
        assert_true(ep_rand_uuid(a) && ep_rand_uuid(b));
        assert_string_not_equal(a, b);
        assert_int_equal(strlen(a), 36);
        for (int i = 0; i < 36; i++)
            if (i == 8 || i == 13 || i == 18 || i == 23)
                assert_int_equal(a[i], '-');
            else
                assert_non_null(strchr("0123456789abcdef", a[i]));
        assert_int_equal(a[14], '4');
        assert_non_null(strchr("89ab", a[19]));
    }
    unsigned seen = 0;
    for (int i = 0; i < 1000; i++) {
        uint32_t v = ep_rand_below(5);
        assert_true(v < 5);
        seen |= 1u << v;
    }
    assert_int_equal(seen, 31);
    assert_int_equal(ep_rand_below(0), 0);
    assert_int_equal(ep_rand_below(1), 0);
}

static void keep_line(int level, const char *area, const char *line, void *user)
{
    snprintf(user, 600, "%d %s %s", level, area, line);
}

static void a_log_line_above_the_level_is_not_written(void **state)
{
    (void)state;
    char kept[600] = "";
    ep_log log = { .level = EP_LOG_INFO, .write = keep_line, .user = kept };
    ep_log_line(&log, EP_LOG_DEBUG, "area", "no");
    assert_string_equal(kept, "");
    ep_log_line(&log, EP_LOG_INFO, "area", "%s", "yes");
    assert_string_equal(kept, "3 area yes");
    ep_log_line(NULL, EP_LOG_ERROR, "area", "nobody");
}

static void an_allocation_can_be_made_to_fail(void **state)
{
    (void)state;
    assert_null(ep_strdup(NULL));
    char *s = ep_asprintf("%d-%s", 5, "x");
    assert_string_equal(s, "5-x");
    ep_free_secret(s, 3);
    ep_free_secret(NULL, 0);
    ep_alloc_fail_at(2, 1);
    void *one = ep_malloc(1), *two = ep_malloc(1), *three = ep_calloc(1, 1);
    ep_alloc_fail_at(0, 0);
    assert_non_null(one);
    assert_null(two);
    assert_null(three);
    ep_free(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_keeps_what_was_added_in_order),
        cmocka_unit_test(a_buffer_that_is_consumed_as_it_is_filled_stays_small),
        cmocka_unit_test(a_buffer_can_be_detached_and_used_again),
        cmocka_unit_test(a_buffer_that_failed_once_stays_failed_until_cleared),
        cmocka_unit_test(an_arena_gives_aligned_memory_and_takes_it_back_at_once),
        cmocka_unit_test(base64_has_the_vectors_of_rfc_4648),
        cmocka_unit_test(base64_refuses_everything_else),
        cmocka_unit_test(numbers_are_decimal_and_in_range),
        cmocka_unit_test(strings_compare_and_replace),
        cmocka_unit_test(timers_fire_in_the_order_of_their_time),
        cmocka_unit_test(a_timer_that_sets_itself_to_the_past_does_not_loop_for_ever),
        cmocka_unit_test(an_error_carries_only_conditions_that_look_like_one),
        cmocka_unit_test(a_uuid_is_one_of_version_4),
        cmocka_unit_test(a_log_line_above_the_level_is_not_written),
        cmocka_unit_test(an_allocation_can_be_made_to_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
