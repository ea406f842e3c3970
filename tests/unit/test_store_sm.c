/* test_store_sm.c: the resumable session, the queue of unacknowledged stanzas, the inbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/inbox.h"
#include "store/sm.h"

static int setup(void **state)
{
    ep_store_options o = { .boot_id = "boot", .now_ms = 1000 };
    return ep_store_open((ep_store **)state, &o, NULL) == EPODE_OK ? 0 : -1;
}

static int teardown(void **state)
{
    ep_store_close(*state);
    return 0;
}

static void put_session(ep_store *s, uint32_t h)
{
    ep_sm_state sm = { .previd = (char[]){ "resume-me" },
                       .location = (char[]){ "[::1]:5222" },
                       .bound_jid = (char[]){ "me@example.org/x" },
                       .session = (char[]){ "bind2" },
                       .max_s = 300,
                       .h_in = h,
                       .created_ms = 77 };
    assert_int_equal(ep_store_sm_put(s, &sm), EPODE_OK);
}

static void push(ep_store *s, uint64_t seq, ep_stanza_kind kind, const char *id)
{
    ep_smq_row row = { .seq = seq,
                       .kind = kind,
                       .stamp_ms = (int64_t)seq * 10,
                       .id = id,
                       .xml = "<stanza/>",
                       .len = 9 };
    assert_int_equal(ep_store_smq_push(s, &row), EPODE_OK);
}

/* The ids of a queue, one after the other; "-" for none. */
static epode_status list(const ep_smq_row *row, void *user)
{
    ep_buf *out = user;
    assert_string_equal(row->xml, "<stanza/>");
    assert_int_equal(row->len, 9);
    ep_buf_puts(out, row->id ? row->id : "-");
    return EPODE_OK;
}

static void assert_queue(ep_store *s, bool pending, const char *expected)
{
    ep_buf out = EP_BUF_INIT;
    uint64_t count;
    assert_int_equal(pending ? ep_store_pending_each(s, list, &out)
                             : ep_store_smq_each(s, list, &out),
                     EPODE_OK);
    assert_string_equal(ep_buf_cstr(&out), expected);
    assert_int_equal(pending ? ep_store_pending_count(s, &count) : ep_store_smq_count(s, &count),
                     EPODE_OK);
    assert_int_equal(count, strlen(expected));
    ep_buf_free(&out);
}

static void a_session_comes_back_as_it_was_put(void **state)
{
    ep_store *s = *state;
    ep_sm_state sm;
    bool lost = true;
    assert_int_equal(ep_store_sm_get(s, &sm, &lost), EPODE_DONE);
    assert_false(lost);
    put_session(s, 5);
    push(s, 1, EP_STANZA_MESSAGE, "a");
    push(s, 2, EP_STANZA_IQ, "b");
    assert_int_equal(ep_store_smq_ack(s, 1), EPODE_OK);
    assert_int_equal(ep_store_sm_get(s, &sm, &lost), EPODE_OK);
    assert_string_equal(sm.previd, "resume-me");
    assert_string_equal(sm.location, "[::1]:5222");
    assert_string_equal(sm.bound_jid, "me@example.org/x");
    assert_string_equal(sm.session, "bind2");
    assert_int_equal(sm.max_s, 300);
    assert_int_equal(sm.h_in, 5);
    assert_int_equal(sm.out_acked, 1);
    assert_int_equal(sm.out_last, 2);
    assert_int_equal(sm.created_ms, 77);
    ep_sm_state_free(&sm);
    assert_int_equal(ep_store_sm_clear(s), EPODE_OK);
    assert_int_equal(ep_store_sm_get(s, &sm, &lost), EPODE_DONE);
    assert_false(lost);
    assert_queue(s, false, "b");
}

static void h_is_told_only_once_it_is_durable(void **state)
{
    ep_store *s = *state;
    assert_int_equal(ep_store_sm_set_h(s, 1), EPODE_ESTATE);
    put_session(s, 0);
    assert_int_equal(ep_store_begin(s), EPODE_OK);
    assert_int_equal(ep_store_sm_set_h(s, 1), EPODE_OK);
    assert_int_equal(ep_store_h_committed(s), 0);
    assert_int_equal(ep_store_commit(s, false), EPODE_OK);
    assert_int_equal(ep_store_h_committed(s), 1);
    assert_int_equal(ep_store_h_durable(s), 0);
    assert_int_equal(ep_store_begin(s), EPODE_OK);
    assert_int_equal(ep_store_sm_set_h(s, 2), EPODE_OK);
    ep_store_rollback(s);
    assert_int_equal(ep_store_commit(s, true), EPODE_OK);
    assert_int_equal(ep_store_h_durable(s), 1);
}

static void h_wraps_at_32_bits(void **state)
{
    ep_store *s = *state;
    ep_sm_state sm;
    put_session(s, UINT32_MAX);
    assert_int_equal(ep_store_h_committed(s), UINT32_MAX);
    assert_int_equal(ep_store_sm_set_h(s, 0), EPODE_OK);
    assert_int_equal(ep_store_h_committed(s), 0);
    assert_int_equal(ep_store_sm_get(s, &sm, NULL), EPODE_OK);
    assert_int_equal(sm.h_in, 0);
    ep_sm_state_free(&sm);
}

static void a_rolled_back_session_counts_nothing(void **state)
{
    ep_store *s = *state;
    assert_int_equal(ep_store_begin(s), EPODE_OK);
    put_session(s, 9);
    ep_store_rollback(s);
    assert_int_equal(ep_store_sm_set_h(s, 10), EPODE_ESTATE);
    assert_int_equal(ep_store_h_committed(s), 0);
}

static void the_queue_is_in_order_and_acks_cant_go_backwards(void **state)
{
    ep_store *s = *state;
    ep_smq_row twice = { .seq = 2, .xml = "", .len = 0 };
    ep_sm_state sm;
    put_session(s, 0);
    push(s, 2, EP_STANZA_IQ, "b");
    push(s, 1, EP_STANZA_MESSAGE, "a");
    push(s, 3, EP_STANZA_PRESENCE, NULL);
    assert_int_equal(ep_store_smq_push(s, &twice), EPODE_EINVAL);
    twice.seq = 0;
    assert_int_equal(ep_store_smq_push(s, &twice), EPODE_EINVAL);
    assert_queue(s, false, "ab-");
    assert_int_equal(ep_store_smq_ack(s, 2), EPODE_OK);
    assert_int_equal(ep_store_smq_ack(s, 1), EPODE_OK);
    assert_queue(s, false, "-");
    assert_int_equal(ep_store_smq_ack(s, 3), EPODE_OK);
    assert_int_equal(ep_store_sm_get(s, &sm, NULL), EPODE_OK);
    assert_int_equal(sm.out_acked, 3);
    assert_int_equal(sm.out_last, 3);
    ep_sm_state_free(&sm);
}

static epode_status add_text(const ep_smq_row *row, void *user)
{
    strcat(user, row->xml);
    strcat(user, ".");
    return EPODE_OK;
}

static void assert_texts(ep_store *s, const char *expected)
{
    char texts[100] = "";
    assert_int_equal(ep_store_smq_each(s, add_text, texts), EPODE_OK);
    assert_string_equal(texts, expected);
}

static void a_number_taken_in_advance_stands_for_something_harmless_until_it_is_used(void **state)
{
    ep_store *s = *state;
    ep_smq_row query = { .seq = 2, .kind = EP_STANZA_IQ, .xml = "query", .len = 5 };
    ep_sm_state sm;
    put_session(s, 0);
    push(s, 1, EP_STANZA_IQ, "a");
    assert_int_equal(ep_store_smq_hold(s, 1, 4, "ping", 5), EPODE_OK);
    assert_texts(s, "<stanza/>.ping.ping.ping.");
    assert_int_equal(ep_store_smq_push(s, &query), EPODE_OK);
    assert_int_equal(ep_store_smq_push(s, &query), EPODE_EINVAL);
    assert_texts(s, "<stanza/>.query.ping.ping.");
    /* The server may have counted what was never committed here. */
    assert_int_equal(ep_store_sm_get(s, &sm, NULL), EPODE_OK);
    assert_int_equal(sm.out_last, 4);
    ep_sm_state_free(&sm);
    assert_int_equal(ep_store_smq_ack(s, 3), EPODE_OK);
    assert_texts(s, "ping.");
    assert_int_equal(ep_store_smq_release(s), EPODE_OK);
    assert_texts(s, "");
    assert_int_equal(ep_store_smq_hold(s, 0, 2, "ping", 5), EPODE_EINVAL);
}

static epode_status stop_third(const ep_smq_row *row, void *user)
{
    int *n = user;
    assert_int_equal(row->seq, ++*n);
    return *n == 3 ? EPODE_ECANCELLED : EPODE_OK;
}

static void a_long_queue_is_read_in_batches(void **state)
{
    ep_store *s = *state;
    char expected[301] = { 0 };
    int n = 0;
    for (uint64_t i = 1; i <= 300; i++)
        push(s, i, EP_STANZA_MESSAGE, "m");
    memset(expected, 'm', 300);
    assert_queue(s, false, expected);
    assert_int_equal(ep_store_smq_each(s, stop_third, &n), EPODE_ECANCELLED);
}

static epode_status check_stamp(const ep_smq_row *row, void *user)
{
    (void)user;
    assert_int_equal(row->stamp_ms, row->id[0] == 'a' ? 10 : 30);
    assert_int_equal(row->kind, EP_STANZA_MESSAGE);
    return EPODE_OK;
}

static void messages_in_doubt_become_pending_in_order(void **state)
{
    ep_store *s = *state;
    push(s, 1, EP_STANZA_MESSAGE, "a");
    push(s, 2, EP_STANZA_IQ, "i");
    push(s, 3, EP_STANZA_MESSAGE, "b");
    push(s, 4, EP_STANZA_PRESENCE, "p");
    assert_int_equal(ep_store_smq_move_to_pending(s), EPODE_OK);
    assert_queue(s, false, "");
    assert_queue(s, true, "ab");
    assert_int_equal(ep_store_pending_each(s, check_stamp, NULL), EPODE_OK);
    assert_int_equal(ep_store_smq_move_to_pending(s), EPODE_OK);
    assert_queue(s, true, "ab");
}

static epode_status resend_first(const ep_smq_row *row, void *user)
{
    ep_store *s = user;
    ep_smq_row again = *row;
    again.seq = 1;
    assert_int_equal(ep_store_begin(s), EPODE_OK);
    assert_int_equal(ep_store_smq_push(s, &again), EPODE_OK);
    assert_int_equal(ep_store_pending_del(s, row->seq), EPODE_OK);
    assert_int_equal(ep_store_commit(s, false), EPODE_OK);
    return EPODE_DONE;
}

static void what_was_sent_again_stays_before_what_still_waits(void **state)
{
    ep_store *s = *state;
    push(s, 1, EP_STANZA_MESSAGE, "a");
    push(s, 2, EP_STANZA_MESSAGE, "b");
    push(s, 3, EP_STANZA_MESSAGE, "c");
    assert_int_equal(ep_store_smq_move_to_pending(s), EPODE_OK);
    assert_int_equal(ep_store_pending_each(s, resend_first, s), EPODE_DONE);
    assert_queue(s, false, "a");
    assert_queue(s, true, "bc");
    assert_int_equal(ep_store_smq_move_to_pending(s), EPODE_OK);
    assert_queue(s, true, "abc");
}

static epode_status check_inbox(const ep_inbox_row *row, void *user)
{
    int64_t *last = user;
    assert_true(row->seq > *last);
    *last = row->seq;
    assert_string_equal(row->owner, "me@example.org");
    return EPODE_OK;
}

static void nothing_comes_in_twice(void **state)
{
    ep_store *s = *state;
    ep_inbox_row row = { .owner = "me@example.org",
                         .archive_id = "1",
                         .h = 1,
                         .has_h = true,
                         .received_ms = 5,
                         .xml = "<m/>",
                         .len = 4 };
    int64_t first = 0, again = 0, last = 0;
    uint64_t count;
    assert_int_equal(ep_store_inbox_add(s, &row, NULL), EPODE_ESTATE);
    put_session(s, 0);
    assert_int_equal(ep_store_inbox_add(s, &row, &first), EPODE_OK);
    row.h = 2;
    assert_int_equal(ep_store_inbox_add(s, &row, &again), EPODE_DONE);
    assert_int_equal(again, first);
    assert_int_equal(ep_store_h_committed(s), 2);
    /* Without an id there is nothing to tell two rows by. */
    row.archive_id = NULL;
    row.has_h = false;
    assert_int_equal(ep_store_inbox_add(s, &row, NULL), EPODE_OK);
    assert_int_equal(ep_store_inbox_add(s, &row, NULL), EPODE_OK);
    assert_int_equal(ep_store_h_committed(s), 2);
    assert_int_equal(ep_store_inbox_count(s, &count), EPODE_OK);
    assert_int_equal(count, 3);
    assert_int_equal(ep_store_inbox_each(s, 0, 2, check_inbox, &last), EPODE_OK);
    assert_int_equal(ep_store_inbox_each(s, last, 2, check_inbox, &last), EPODE_DONE);
    assert_int_equal(ep_store_inbox_del(s, last), EPODE_OK);
    assert_int_equal(ep_store_inbox_each(s, 0, 2, check_inbox, &last), EPODE_DONE);
    assert_int_equal(ep_store_inbox_add(s, &row, &again), EPODE_OK);
    assert_true(again > last);
}

static epode_status check_null(const ep_inbox_row *row, void *user)
{
    bool *seen = user;
    assert_null(row->archive_id);
    assert_false(row->has_h);
    assert_memory_equal(row->xml, "a\0b", 4);
    assert_int_equal(row->len, 3);
    *seen = true;
    return EPODE_OK;
}

static void an_uncounted_row_has_no_h(void **state)
{
    ep_inbox_row row = { .owner = "me@example.org", .xml = "a\0b", .len = 3 };
    bool seen = false;
    assert_int_equal(ep_store_inbox_add(*state, &row, NULL), EPODE_OK);
    assert_int_equal(ep_store_inbox_each(*state, 0, 10, check_null, &seen), EPODE_DONE);
    assert_true(seen);
}

static void after_a_reboot_the_session_is_lost_and_the_queue_kept(void **state)
{
    char path[] = "/tmp/epode-sm-XXXXXX";
    ep_store_options o = { .path = path, .boot_id = "boot" };
    ep_sm_state sm;
    ep_store *s;
    bool lost = false;
    (void)state;
    close(mkstemp(path));
    assert_int_equal(ep_store_open(&s, &o, NULL), EPODE_OK);
    put_session(s, 7);
    push(s, 1, EP_STANZA_MESSAGE, "a");
    ep_store_close(s);
    assert_int_equal(ep_store_open(&s, &o, NULL), EPODE_OK);
    assert_int_equal(ep_store_h_durable(s), 7);
    assert_int_equal(ep_store_sm_get(s, &sm, &lost), EPODE_OK);
    assert_false(lost);
    ep_sm_state_free(&sm);
    ep_store_close(s);
    o.boot_id = "next boot";
    assert_int_equal(ep_store_open(&s, &o, NULL), EPODE_OK);
    assert_int_equal(ep_store_sm_get(s, &sm, &lost), EPODE_DONE);
    assert_true(lost);
    assert_null(sm.previd);
    assert_int_equal(ep_store_sm_set_h(s, 8), EPODE_ESTATE);
    assert_queue(s, false, "a");
    put_session(s, 0);
    assert_int_equal(ep_store_sm_get(s, &sm, &lost), EPODE_OK);
    ep_sm_state_free(&sm);
    ep_store_close(s);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_session_comes_back_as_it_was_put),
        TEST(h_is_told_only_once_it_is_durable),
        TEST(h_wraps_at_32_bits),
        TEST(a_rolled_back_session_counts_nothing),
        TEST(the_queue_is_in_order_and_acks_cant_go_backwards),
        TEST(a_number_taken_in_advance_stands_for_something_harmless_until_it_is_used),
        TEST(a_long_queue_is_read_in_batches),
        TEST(messages_in_doubt_become_pending_in_order),
        TEST(what_was_sent_again_stays_before_what_still_waits),
        TEST(nothing_comes_in_twice),
        TEST(an_uncounted_row_has_no_h),
        TEST(after_a_reboot_the_session_is_lost_and_the_queue_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
