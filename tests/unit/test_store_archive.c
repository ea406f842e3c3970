/* test_store_archive.c: archives: live messages, pages, spans and holes. */
#include "store_fixture.h"
#include "store/parts.h"

/* --- archives --- */

static epode_status check_info(const ep_archive_info *info, void *user)
{
    int *n = user;
    if (++*n == 1) {
        assert_string_equal(info->owner, ME);
        assert_string_equal(info->last_id, "z");
        assert_null(info->first_id);
        assert_int_equal(info->last_ms, 9);
    } else {
        assert_int_equal(info->kind, EP_ARCHIVE_ROOM);
    }
    return EPODE_OK;
}

static void an_archive_is_found_by_its_owner(void **state)
{
    fixture *f = *state;
    int64_t again = 0;
    int n = 0;
    assert_ok(ep_archive_open(f->s, ME, EP_ARCHIVE_ACCOUNT, &again));
    assert_int_equal(again, f->account);
    assert_int_equal(ep_archive_open(f->s, ME, EP_ARCHIVE_ROOM, &again), EPODE_EINVAL);
    ep_archive_info info = { .last_id = "z", .last_ms = 9 };
    assert_ok(ep_archive_info_put(f->s, f->account, &info));
    assert_ok(ep_archive_list(f->s, 0, check_info, &n));
    assert_int_equal(n, 2);
    assert_int_equal(ep_archive_list(f->s, 99, check_info, &n), EPODE_DONE);
    ep_msg m = text_from(JOAN, NULL, NULL, "x");
    ep_live out;
    assert_int_equal(ep_archive_live(f->s, 99, &m, false, 0, &out, NULL), EPODE_EINVAL);
}

/* --- live and pages --- */

static void a_live_message_is_stored_once_with_its_count(void **state)
{
    fixture *f = *state;
    ep_live out;
    ep_sm_state sm = { .previd = (char[]){ "r" } };
    ep_msg m = text_from(JOAN, "a", "1", "hello");
    assert_int_equal(ep_archive_live(f->s, f->account, &m, true, 1, &out, NULL), EPODE_ESTATE);
    assert_ok(ep_store_sm_put(f->s, &sm));
    assert_ok(ep_archive_live(f->s, f->account, &m, true, 1, &out, NULL));
    assert_int_equal(out.result, EP_LIVE_NEW);
    assert_ok(ep_archive_live(f->s, f->account, &m, true, 2, &out, NULL));
    assert_int_equal(out.result, EP_LIVE_KNOWN);
    assert_int_equal(ep_store_h_committed(f->s), 2);
    assert_texts(f, f->joan, "hello");
}

static void two_archive_ids_are_two_messages_whatever_else_is_equal(void **state)
{
    fixture *f = *state;
    live(f, text_from(JOAN, "a", "same", "x"), EP_LIVE_NEW);
    live(f, text_from(JOAN, "b", "same", "x"), EP_LIVE_NEW);
    live(f, text_to(JOAN, "c", "same", "x"), EP_LIVE_NEW);
    live(f, text_to(JOAN, "d", "same", "x"), EP_LIVE_NEW);
    assert_texts(f, f->joan, "xxxx");
}

static void pages_grow_spans_and_join_them_where_they_meet(void **state)
{
    fixture *f = *state;
    ep_page_result r = page(f, EP_PAGE_LAST, 0, "cd", false);
    int64_t low = r.span;
    assert_spans(f, "c-d| ");
    assert_true(r.is_newest && !r.met && !r.meets_newest && r.added == 2);
    assert_ok(ep_archive_mark(f->s, f->account));
    r = page(f, EP_PAGE_LAST, 0, "ij", false);
    assert_spans(f, "c-d| i-j| ");
    assert_true(r.is_newest && !r.met);
    r = page(f, EP_PAGE_AFTER, low, "ef", false);
    assert_spans(f, "c-f i-j| ");
    assert_false(r.is_newest);
    r = page(f, EP_PAGE_AFTER, low, "ghi", false);
    assert_true(r.met && r.meets_newest && r.added == 2);
    assert_spans(f, "c-j| ");
    r = page(f, EP_PAGE_BEFORE, r.span, "ab", true);
    assert_true(r.reaches_start);
    assert_spans(f, "|a-j| ");
    assert_texts(f, f->joan, "abcdefghij");
}

static void a_hole_is_closed_by_a_bounded_page_that_is_complete(void **state)
{
    fixture *f = *state;
    int64_t low = page(f, EP_PAGE_LAST, 0, "ab", false).span;
    int64_t high = page(f, EP_PAGE_LAST, 0, "de", false).span;
    ep_msg c = text_from(JOAN, "c", "c", "c");
    ep_page p = {
        .archive = f->account, .kind = EP_PAGE_AFTER, .span = low, .until = high, .rows = &c, .n = 1
    };
    ep_page_result r;
    assert_ok(ep_archive_page(f->s, &p, &r, NULL));
    assert_false(r.met);
    assert_spans(f, "a-c d-e| ");
    p.n = 0;
    p.complete = true;
    assert_ok(ep_archive_page(f->s, &p, &r, NULL));
    assert_true(r.met);
    assert_spans(f, "a-e| ");
}

static void a_page_that_cannot_be_is_refused_and_changes_nothing(void **state)
{
    fixture *f = *state;
    int64_t span = page(f, EP_PAGE_LAST, 0, "cde", false).span;
    ep_msg rows[] = { text_from(JOAN, "c", "c", "c"), text_from(JOAN, "x", "x", "x") };
    ep_page p = {
        .archive = f->account, .kind = EP_PAGE_AFTER, .span = span, .rows = rows, .n = 2
    };
    ep_page_result r;
    /* An id that stands below the anchor: the server began somewhere else. */
    assert_int_equal(ep_archive_page(f->s, &p, &r, NULL), EPODE_EPROTO);
    rows[0].archive_id = "y";
    rows[1].archive_id = "y";
    assert_int_equal(ep_archive_page(f->s, &p, &r, NULL), EPODE_EINVAL);
    rows[1].archive_id = NULL;
    assert_int_equal(ep_archive_page(f->s, &p, &r, NULL), EPODE_EINVAL);
    p.span = 99;
    p.n = 1;
    assert_int_equal(ep_archive_page(f->s, &p, &r, NULL), EPODE_DONE);
    assert_spans(f, "c-e| ");
    assert_texts(f, f->joan, "cde");
}

static void a_refused_page_does_not_spoil_the_transaction(void **state)
{
    fixture *f = *state;
    ep_msg c = text_from(JOAN, "c", "c", "c");
    ep_page_result r;
    int64_t span = page(f, EP_PAGE_LAST, 0, "cde", false).span;
    ep_page p = { .archive = f->account, .kind = EP_PAGE_AFTER, .span = span, .rows = &c, .n = 1 };
    assert_ok(ep_store_begin(f->s));
    live(f, text_from(JOAN, "f", "f", "f"), EP_LIVE_NEW);
    assert_int_equal(ep_archive_page(f->s, &p, &r, NULL), EPODE_EPROTO);
    assert_ok(ep_store_commit(f->s, false));
    assert_texts(f, f->joan, "cdef");
}

static void the_tail_finds_its_place_with_what_was_not_delivered(void **state)
{
    fixture *f = *state;
    uint64_t unjoined;
    int64_t asked;
    int64_t span = page(f, EP_PAGE_LAST, 0, "ab", false).span;
    int64_t d = live(f, text_from(JOAN, "d", "d", "d"), EP_LIVE_NEW);
    int64_t loose = live(f, text_from(JOAN, NULL, "2", "(2)"), EP_LIVE_NEW);
    live(f, text_from(JOAN, "e", "e", "e"), EP_LIVE_NEW);
    live(f, text_from(JOAN, NULL, "3", "(3)"), EP_LIVE_NEW);
    assert_texts(f, f->joan, "abd(2)e(3)");
    assert_ok(ep_archive_unjoined(f->s, f->account, &unjoined));
    assert_int_equal(unjoined, 4);
    assert_ok(ep_archive_last_row(f->s, &asked));
    ep_msg rows[3];
    for (int i = 0; i < 3; i++)
        rows[i] = text_from(JOAN, &"c\0d\0e"[2 * i], &"c\0d\0e"[2 * i], &"c\0d\0e"[2 * i]);
    ep_page p = { .archive = f->account,
                  .kind = EP_PAGE_AFTER,
                  .span = span,
                  .rows = rows,
                  .n = 3,
                  .complete = true,
                  .asked_row = asked };
    ep_page_result r;
    assert_ok(ep_archive_page(f->s, &p, &r, &f->changes));
    assert_int_equal(r.added, 1);
    assert_int_equal(r.joined, 2);
    assert_texts(f, f->joan, "abcd(2)e(3)");
    assert_spans(f, "a-e| ");
    assert_true(changed(f, d, EP_CHANGE_MOVED) && changed(f, loose, EP_CHANGE_MOVED));
    assert_ok(ep_archive_unjoined(f->s, f->account, &unjoined));
    assert_int_equal(unjoined, 0);
}

static void a_last_page_goes_between_the_old_tail_and_the_new_one(void **state)
{
    fixture *f = *state;
    page(f, EP_PAGE_LAST, 0, "ab", false);
    live(f, text_from(JOAN, "c", "c", "c"), EP_LIVE_NEW);
    assert_ok(ep_archive_mark(f->s, f->account));
    live(f, text_from(JOAN, "i", "i", "i"), EP_LIVE_NEW);
    live(f, text_from(JOAN, "j", "j", "j"), EP_LIVE_NEW);
    page(f, EP_PAGE_LAST, 0, "ghi", false);
    assert_texts(f, f->joan, "abcghij");
    assert_spans(f, "a-b| g-i| ");
}

static void an_unstable_page_is_shown_and_proves_nothing(void **state)
{
    fixture *f = *state;
    int64_t span = page(f, EP_PAGE_LAST, 0, "ab", false).span;
    ep_msg rows[] = { text_from(JOAN, "c", "c", "c"), text_from(JOAN, "d", "d", "d") };
    ep_page p = { .archive = f->account,
                  .kind = EP_PAGE_AFTER,
                  .span = span,
                  .rows = rows,
                  .n = 2,
                  .unstable = true };
    ep_page_result r;
    assert_ok(ep_archive_page(f->s, &p, &r, NULL));
    assert_int_equal(r.added, 2);
    assert_int_equal(r.span, 0);
    assert_spans(f, "a-b| ");
    assert_texts(f, f->joan, "abcd");
    assert_int_equal(page(f, EP_PAGE_AFTER, span, "cd", true).joined, 2);
    assert_spans(f, "a-d| ");
    assert_texts(f, f->joan, "abcd");
}

static void results_without_a_message_are_held(void **state)
{
    fixture *f = *state;
    ep_msg rows[] = { text_from(JOAN, "a", "a", "a"),
                      { .archive_id = "b", .kind = EP_MSG_GONE, .time_ms = 5 } };
    ep_page p = { .archive = f->account, .rows = rows, .n = 2 };
    ep_page_result r;
    assert_ok(ep_archive_page(f->s, &p, &r, NULL));
    assert_spans(f, "a-b| ");
    assert_true(page(f, EP_PAGE_LAST, 0, "bc", false).met);
    assert_texts(f, f->joan, "ac");
}

static void what_is_forgotten_stays_readable_below_what_comes(void **state)
{
    fixture *f = *state;
    page(f, EP_PAGE_LAST, 0, "abc", true);
    assert_ok(ep_archive_forget_spans(f->s, f->account));
    assert_spans(f, "");
    int64_t span = page(f, EP_PAGE_LAST, 0, "yz", false).span;
    assert_spans(f, "y-z| ");
    page(f, EP_PAGE_BEFORE, span, "wx", false);
    assert_texts(f, f->joan, "abcwxyz");
    /* An old id that is shown again stands where it is shown. */
    assert_true(page(f, EP_PAGE_BEFORE, span, "c", true).joined == 1);
    assert_texts(f, f->joan, "abcwxyz");
    assert_spans(f, "|c-z| ");
}

static void an_empty_or_complete_last_page_ends_what_was_below(void **state)
{
    fixture *f = *state;
    page(f, EP_PAGE_LAST, 0, "abc", false);
    ep_page_result r = page(f, EP_PAGE_LAST, 0, "xyz", true);
    assert_true(r.forgot && r.reaches_start);
    assert_spans(f, "|x-z| ");
    r = page(f, EP_PAGE_LAST, 0, "", true);
    assert_true(r.forgot && r.span == 0);
    assert_spans(f, "");
    assert_texts(f, f->joan, "abcxyz");
}

/* --- what comes live without an id that counts --- */

static int64_t place_of(fixture *f, const char *body)
{
    return query_int(f->s, "SELECT place FROM message WHERE archive_id IS NULL AND body = '%s'", body);
}

static void what_came_after_the_end_was_seen_is_not_given_up_by_a_page_below_it(void **state)
{
    fixture *f = *state;
    int64_t low = page(f, EP_PAGE_LAST, 0, "ab", true).span;
    assert_ok(ep_archive_mark(f->s, f->account));
    page(f, EP_PAGE_LAST, 0, "ef", false);
    live(f, text_from(JOAN, NULL, "g", "g"), EP_LIVE_NEW);
    ep_msg rows[] = { text_from(JOAN, "c", "c", "c"), text_from(JOAN, "d", "d", "d"), text_from(JOAN, "e", "e", "e") };
    ep_page p = { .archive = f->account, .kind = EP_PAGE_AFTER, .span = low, .rows = rows, .n = 3 };
    ep_page_result r;
    assert_ok(ep_archive_last_row(f->s, &p.asked_row));
    assert_ok(ep_archive_page(f->s, &p, &r, NULL));
    assert_spans(f, "|a-f| ");
    assert_int_equal(place_of(f, "g"), EP_PLACE_TAIL);
}

static void what_may_stand_in_a_hole_is_not_carried_past_it(void **state)
{
    fixture *f = *state;
    page(f, EP_PAGE_LAST, 0, "ab", true);
    live(f, text_from(JOAN, NULL, "c", "c"), EP_LIVE_NEW);
    assert_ok(ep_archive_mark(f->s, f->account));
    live(f, text_from(JOAN, "y", "y", "y"), EP_LIVE_NEW);
    live(f, text_from(JOAN, NULL, "z", "z"), EP_LIVE_NEW);
    live(f, text_from(JOAN, "Z", "Z", "Z"), EP_LIVE_NEW);
    page(f, EP_PAGE_LAST, 0, "xyZ", false);
    assert_int_equal(place_of(f, "c"), EP_PLACE_TAIL);
    assert_int_equal(place_of(f, "z"), EP_PLACE_FREE); /* it came between two of the page */
    assert_texts(f, f->joan, "abcxyzZ");
}

static void what_was_given_up_is_joined_when_the_archive_shows_it(void **state)
{
    fixture *f = *state;
    ep_msg bare = text_from(JOAN, NULL, "b", "b");
    bare.time_ms = 0;
    live(f, bare, EP_LIVE_NEW);
    live(f, bare, EP_LIVE_NEW);
    assert_ok(ep_archive_forget_spans(f->s, f->account));
    assert_int_equal(query_int(f->s, "SELECT count(*) FROM message WHERE place = 2"), 2);
    ep_msg late = text_from(JOAN, "l", "b", "b"), rows[] = { text_from(JOAN, "a", "a", "a"), text_from(JOAN, "b", "b", "b") };
    ep_page p = { .archive = f->account, .rows = rows, .n = 2 };
    ep_page_result r;
    assert_ok(ep_archive_page(f->s, &p, &r, NULL));
    assert_int_equal(r.added, 1);
    assert_texts(f, f->joan, "bab");
    /* The same words on another day are not meant. */
    late.time_ms += 2 * 86400000;
    p = (ep_page){ .archive = f->account, .kind = EP_PAGE_AFTER, .span = r.span, .rows = &late, .n = 1 };
    assert_ok(ep_archive_page(f->s, &p, &r, NULL));
    assert_int_equal(r.added, 1);
    assert_texts(f, f->joan, "babb");
}

static void a_page_that_has_lost_what_is_held_above_its_anchor_is_refused(void **state)
{
    fixture *f = *state;
    int64_t low = page(f, EP_PAGE_LAST, 0, "abc", false).span;
    ep_msg late[] = { text_from(JOAN, "x", "x", "x"), text_from(JOAN, "y", "y", "y") };
    late[0].time_ms = late[1].time_ms = 2000;
    ep_page p = { .archive = f->account, .kind = EP_PAGE_AFTER, .span = low, .anchor_id = "b", .rows = late, .n = 2 };
    ep_page_result r;
    assert_int_equal(ep_archive_page(f->s, &p, &r, NULL), EPODE_EPROTO);
    assert_spans(f, "a-c| ");
    /* At the end of what is held it is what comes next. */
    p.anchor_id = "c";
    assert_ok(ep_archive_page(f->s, &p, &r, NULL));
    assert_texts(f, f->joan, "abcxy");
}

static void a_time_far_ahead_is_believed_of_the_archive_only(void **state)
{
    fixture *f = *state;
    ep_msg m = text_from(JOAN, "a", "a", "a");
    m.time_ms = INT64_C(253402300799000); /* the end of the year 9999 */
    live(f, m, EP_LIVE_NEW);
    int64_t shown = query_int(f->s, "SELECT time_ms FROM message WHERE body = 'a'");
    assert_int_equal(shown, query_int(f->s, "SELECT received_ms FROM message WHERE body = 'a'"));
    assert_int_equal(query_int(f->s, "SELECT last_ms FROM conversation WHERE id = %d", (int)f->joan), shown);
    ep_page p = { .archive = f->account, .rows = &m, .n = 1 };
    ep_page_result r;
    assert_ok(ep_archive_page(f->s, &p, &r, NULL));
    assert_int_equal(query_int(f->s, "SELECT time_ms FROM message WHERE body = 'a'"), m.time_ms);
}

static void narrow_holes_are_widened(void **state)
{
    fixture *f = *state;
    f->s->gap = 1;
    int64_t low = page(f, EP_PAGE_LAST, 0, "ab", false).span;
    int64_t high = page(f, EP_PAGE_LAST, 0, "yz", false).span;
    assert_true(page(f, EP_PAGE_AFTER, low, "cdefgh", false).renumbered);
    assert_true(page(f, EP_PAGE_BEFORE, high, "tuvwx", false).renumbered);
    assert_texts(f, f->joan, "abcdefghtuvwxyz");
    assert_spans(f, "a-h t-z| ");
}

static epode_status add_hole(const ep_hole *hole, void *user)
{
    ep_buf_printf(user, "%s..%s ", hole->after_id ? hole->after_id : "", hole->before_id);
    return EPODE_OK;
}

static void holes_are_what_is_between(void **state)
{
    fixture *f = *state;
    ep_buf out = EP_BUF_INIT;
    ep_span_copy end;
    assert_int_equal(ep_archive_verified_end(f->s, f->account, &end), EPODE_DONE);
    int64_t low = page(f, EP_PAGE_LAST, 0, "de", false).span;
    page(f, EP_PAGE_LAST, 0, "mn", false);
    page(f, EP_PAGE_LAST, 0, "yz", false);
    assert_ok(ep_hole_list(f->s, f->account, add_hole, &out));
    assert_string_equal(ep_buf_cstr(&out), "n..y e..m ..d ");
    ep_buf_clear(&out);
    assert_ok(ep_archive_verified_end(f->s, f->account, &end));
    assert_string_equal(end.last_id, "z");
    assert_ok(ep_hole_below(f->s, f->account, end.span.first_pos, add_hole, &out));
    assert_string_equal(ep_buf_cstr(&out), "n..y ");
    ep_span_copy_free(&end);
    ep_buf_clear(&out);
    assert_ok(ep_span_get(f->s, low, &end));
    assert_ok(ep_hole_below(f->s, f->account, end.span.last_pos, add_hole, &out));
    assert_string_equal(ep_buf_cstr(&out), "..d ");
    assert_ok(ep_span_starts(f->s, low));
    assert_int_equal(ep_hole_below(f->s, f->account, end.span.last_pos, add_hole, &out),
                     EPODE_DONE);
    ep_span_copy_free(&end);
    ep_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(an_archive_is_found_by_its_owner),
        TEST(a_live_message_is_stored_once_with_its_count),
        TEST(two_archive_ids_are_two_messages_whatever_else_is_equal),
        TEST(pages_grow_spans_and_join_them_where_they_meet),
        TEST(a_hole_is_closed_by_a_bounded_page_that_is_complete),
        TEST(a_page_that_cannot_be_is_refused_and_changes_nothing),
        TEST(a_refused_page_does_not_spoil_the_transaction),
        TEST(the_tail_finds_its_place_with_what_was_not_delivered),
        TEST(a_last_page_goes_between_the_old_tail_and_the_new_one),
        TEST(an_unstable_page_is_shown_and_proves_nothing),
        TEST(results_without_a_message_are_held),
        TEST(what_is_forgotten_stays_readable_below_what_comes),
        TEST(an_empty_or_complete_last_page_ends_what_was_below),
        TEST(what_came_after_the_end_was_seen_is_not_given_up_by_a_page_below_it),
        TEST(what_may_stand_in_a_hole_is_not_carried_past_it),
        TEST(what_was_given_up_is_joined_when_the_archive_shows_it),
        TEST(a_page_that_has_lost_what_is_held_above_its_anchor_is_refused),
        TEST(a_time_far_ahead_is_believed_of_the_archive_only),
        TEST(narrow_holes_are_widened),
        TEST(holes_are_what_is_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
