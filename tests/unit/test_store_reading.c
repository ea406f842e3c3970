/* test_store_reading.c: unread counts, cursors, conversations, search. */
#include "store_fixture.h"

/* --- unread --- */

static void assert_unread(fixture *f, uint32_t expected, bool expected_at_least)
{
    uint32_t count;
    bool at_least;
    assert_ok(ep_unread_count(f->s, f->joan, 0, &count, &at_least));
    assert_int_equal(count, expected);
    assert_int_equal(at_least, expected_at_least);
}

static void unread_is_what_was_received_above_the_displayed_position(void **state)
{
    fixture *f = *state;
    ep_buf id = EP_BUF_INIT;
    assert_unread(f, 0, true);
    page(f, EP_PAGE_LAST, 0, "abcd", true);
    assert_unread(f, 4, false);
    live(f, text_to(JOAN, "e", "e", "mine"), EP_LIVE_NEW);
    live(f, effect(EP_MSG_REACTION, false, "f", "a", "+"), EP_LIVE_NEW);
    assert_unread(f, 4, false);
    assert_ok(ep_conversation_displayed(f->s, f->joan, "b", &f->changes));
    assert_true(changed(f, 0, EP_CHANGE_UNREAD));
    assert_unread(f, 2, false);
    assert_ok(ep_conversation_displayed(f->s, f->joan, "a", NULL));
    assert_unread(f, 2, false);
    live(f, effect(EP_MSG_RETRACTION, false, "g", "c", NULL), EP_LIVE_NEW);
    assert_unread(f, 1, false);
    assert_ok(ep_conversation_displayed(f->s, f->joan, "z", NULL));
    assert_unread(f, 1, true);
    live(f, text_from(JOAN, "z", "z", "z"), EP_LIVE_NEW);
    assert_unread(f, 0, false);
    assert_ok(ep_conversation_displayed_id(f->s, f->joan, &id));
    assert_string_equal(ep_buf_cstr(&id), "z");
    ep_buf_free(&id);
}

static void a_hole_above_the_displayed_position_makes_the_count_uncertain(void **state)
{
    fixture *f = *state;
    int64_t span = page(f, EP_PAGE_LAST, 0, "ab", true).span;
    assert_ok(ep_conversation_displayed(f->s, f->joan, "a", NULL));
    assert_unread(f, 1, false);
    page(f, EP_PAGE_LAST, 0, "ef", false);
    assert_unread(f, 3, true);
    page(f, EP_PAGE_AFTER, span, "cde", false);
    assert_unread(f, 5, false);
}

/* --- reading --- */

static void a_cursor_goes_on_whatever_happens_in_between(void **state)
{
    fixture *f = *state;
    f->s->gap = 1;
    const ep_view *views;
    size_t n;
    ep_cursor *c;
    int64_t low = page(f, EP_PAGE_LAST, 0, "ab", false).span;
    page(f, EP_PAGE_LAST, 0, "yz", false);
    ep_cursor_options o = { .conversation = f->joan, .batch = 2 };
    assert_ok(ep_cursor_open(f->s, &o, &c));
    assert_ok(ep_cursor_next(c, &views, &n));
    assert_string_equal(views[1].body, "b");
    assert_true(page(f, EP_PAGE_AFTER, low, "cdef", false).renumbered);
    assert_ok(ep_cursor_next(c, &views, &n));
    assert_string_equal(views[0].body, "c");
    assert_ok(ep_cursor_next(c, &views, &n));
    assert_ok(ep_cursor_next(c, &views, &n));
    assert_string_equal(views[1].body, "z");
    assert_int_equal(ep_cursor_next(c, &views, &n), EPODE_DONE);
    live(f, text_from(JOAN, "later", "l", "later"), EP_LIVE_NEW);
    assert_ok(ep_cursor_next(c, &views, &n));
    assert_string_equal(views[0].body, "later");
    ep_cursor_close(c);
}

/* A reader in the middle of a statement would keep the log from beginning anew. */
static void a_cursor_left_open_does_not_let_the_log_grow(void **state)
{
    char path[] = "/tmp/epode-wal-XXXXXX", name[64];
    ep_store_options write = { .path = path, .boot_id = "boot", .now_ms = 1000 };
    ep_store_options read = { .path = path, .now_ms = 1000, .flags = EP_STORE_READONLY };
    ep_store *writer, *reader;
    ep_cursor *c = NULL;
    const ep_view *views;
    ep_store_stats stats;
    size_t n;
    ep_live out;
    int64_t archive;
    (void)state;
    close(mkstemp(path));
    assert_ok(ep_store_open(&writer, &write, NULL));
    assert_ok(ep_archive_open(writer, ME, EP_ARCHIVE_ACCOUNT, &archive));
    for (int i = 0; i < 2000; i++) {
        char id[16];
        snprintf(id, sizeof id, "id%d", i);
        ep_msg m = text_from(JOAN, id, id, "a text");
        assert_ok(ep_archive_live(writer, archive, &m, false, 0, &out, NULL));
        assert_true(ep_store_idle(writer) >= 0);
        if (i == 50) {
            ep_cursor_options o = { .archive = archive, .batch = 10 };
            assert_ok(ep_store_open(&reader, &read, NULL));
            assert_ok(ep_cursor_open(reader, &o, &c));
            assert_ok(ep_cursor_next(c, &views, &n));
        }
    }
    ep_store_stats_get(writer, &stats);
    assert_in_range(stats.wal_pages, 0, 600);
    assert_ok(ep_cursor_next(c, &views, &n));
    assert_int_equal(n, 10);
    ep_cursor_close(c);
    ep_store_close(reader);
    ep_store_close(writer);
    for (int i = 0; i < 3; i++) {
        static const char *const suffixes[] = { "", "-wal", "-shm" };
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

static void reading_begins_at_a_row_or_a_day(void **state)
{
    fixture *f = *state;
    const ep_view *views;
    size_t n;
    ep_cursor *c;
    int64_t rows[10];
    for (int i = 0; i < 10; i++) {
        char id[4];
        snprintf(id, sizeof id, "%d", i);
        ep_msg m = text_from(JOAN, id, id, id);
        m.time_ms = 1000 * (i + 1);
        rows[i] = live(f, m, EP_LIVE_NEW);
    }
    ep_cursor_options o = { .conversation = f->joan, .from_row = rows[4], .inclusive = true };
    assert_ok(ep_cursor_open(f->s, &o, &c));
    assert_ok(ep_cursor_next(c, &views, &n));
    assert_int_equal(n, 6);
    assert_string_equal(views[0].body, "4");
    ep_cursor_close(c);
    o.inclusive = false;
    o.flags = EP_CURSOR_UP;
    assert_ok(ep_cursor_open(f->s, &o, &c));
    assert_ok(ep_cursor_next(c, &views, &n));
    assert_int_equal(n, 4);
    assert_string_equal(views[0].body, "3");
    ep_cursor_close(c);
    o = (ep_cursor_options){ .archive = f->account, .from_day = true, .from_ms = 7000 };
    for (int up = 0; up < 2; up++) {
        o.flags = up ? EP_CURSOR_UP : 0;
        assert_ok(ep_cursor_open(f->s, &o, &c));
        assert_ok(ep_cursor_next(c, &views, &n));
        assert_string_equal(views[0].body, up ? "5" : "6");
        assert_int_equal(n, up ? 6 : 4);
        ep_cursor_close(c);
    }
    o.from_ms = 99000;
    o.flags = 0;
    assert_ok(ep_cursor_open(f->s, &o, &c));
    assert_int_equal(ep_cursor_next(c, &views, &n), EPODE_DONE);
    ep_cursor_close(c);
}

static void an_archive_is_read_with_everything_in_it(void **state)
{
    fixture *f = *state;
    const ep_view *views;
    size_t n;
    ep_cursor *c;
    live(f, text_from(JOAN, "a", "a", "a"), EP_LIVE_NEW);
    live(f, text_from("bob@example.org", "b", "b", "b"), EP_LIVE_NEW);
    live(f, effect(EP_MSG_RECEIPT, false, "c", "x", NULL), EP_LIVE_NEW);
    live(f, (ep_msg){ .archive_id = "d", .kind = EP_MSG_GONE }, EP_LIVE_NEW);
    ep_cursor_options o = { .archive = f->account, .flags = EP_CURSOR_ALL | EP_CURSOR_XML };
    assert_ok(ep_cursor_open(f->s, &o, &c));
    assert_ok(ep_cursor_next(c, &views, &n));
    assert_int_equal(n, 4);
    assert_string_equal(views[1].peer, "bob@example.org");
    assert_string_equal(views[2].xml, "<message/>");
    assert_int_equal(views[2].kind, EP_MSG_RECEIPT);
    assert_null(views[3].peer);
    assert_null(views[3].xml);
    ep_cursor_close(c);
}

static epode_status add_peer(const ep_conversation *c, void *user)
{
    ep_buf_printf(user, "%c", c->peer[0]);
    return EPODE_OK;
}

static void conversations_are_listed_by_their_last_message(void **state)
{
    fixture *f = *state;
    static const char *const peers[] = { "a@x", "b@x", "c@x", "a@x" };
    ep_buf out = EP_BUF_INIT;
    int64_t b;
    for (int i = 0; i < 4; i++) {
        ep_msg m = text_from(peers[i], NULL, NULL, "x");
        m.time_ms = 10 + i;
        live(f, m, EP_LIVE_NEW);
    }
    assert_int_equal(ep_conversation_list(f->s, 0, 0, 10, add_peer, &out), EPODE_DONE);
    assert_string_equal(ep_buf_cstr(&out), "acb");
    ep_buf_clear(&out);
    assert_ok(ep_conversation_open(f->s, f->account, "c@x", &b));
    assert_ok(ep_conversation_list(f->s, f->account, b, 1, add_peer, &out));
    assert_string_equal(ep_buf_cstr(&out), "b");
    ep_buf_free(&out);
}

/* --- search --- */

static void assert_found(fixture *f, const char *text, int64_t conversation, const char *expected)
{
    ep_cursor_options o = { .search = text, .conversation = conversation, .batch = 2 };
    const ep_view *views;
    size_t n;
    ep_cursor *c;
    ep_buf out = EP_BUF_INIT;
    assert_ok(ep_cursor_open(f->s, &o, &c));
    epode_status status;
    while ((status = ep_cursor_next(c, &views, &n)) == EPODE_OK)
        for (size_t i = 0; i < n; i++)
            ep_buf_puts(&out, views[i].archive_id);
    assert_int_equal(status, EPODE_DONE);
    ep_cursor_close(c);
    assert_string_equal(ep_buf_cstr(&out), expected);
    ep_buf_free(&out);
}

static void search_finds_words_and_nothing_in_them_is_syntax(void **state)
{
    fixture *f = *state;
    ep_cursor *c;
    bool more = true;
    live(f, text_from(JOAN, "a", "a", "the harbour \"in\" the morning"), EP_LIVE_NEW);
    live(f, text_from("bob@x", "b", "b", "another morning"), EP_LIVE_NEW);
    live(f, text_from(JOAN, "c", "c", "good Mörning NOT evening"), EP_LIVE_NEW);
    while (more)
        assert_ok(ep_search_feed(f->s, 2, &more));
    assert_found(f, "morning", 0, "cba");
    assert_found(f, "morning", f->joan, "ca");
    assert_found(f, "morning harbour", 0, "a");
    assert_found(f, "morn", 0, "");
    assert_found(f, "morn*", 0, "cba");
    assert_found(f, "har* MORN*", 0, "a");
    assert_found(f, "NOT", 0, "c");
    assert_found(f, "\"in\" the", 0, "a");
    assert_found(f, "body:morning", 0, "");
    assert_found(f, "* ) OR (", 0, "");
    assert_found(f, "1", 0, "");
    ep_cursor_options blank = { .search = " \n" };
    assert_int_equal(ep_cursor_open(f->s, &blank, &c), EPODE_EINVAL);
}

static void search_finds_what_is_shown_now(void **state)
{
    fixture *f = *state;
    bool more;
    live(f, text_from(JOAN, "a", "a", "wrong words"), EP_LIVE_NEW);
    live(f, text_from(JOAN, "b", "b", "other words"), EP_LIVE_NEW);
    assert_ok(ep_search_feed(f->s, 100, &more));
    assert_found(f, "words", 0, "ba");
    live(f, effect(EP_MSG_CORRECTION, false, "c", "a", "right words"), EP_LIVE_NEW);
    live(f, effect(EP_MSG_CORRECTION, true, "d", "b", "forged words"), EP_LIVE_NEW);
    assert_ok(ep_search_feed(f->s, 100, &more));
    assert_found(f, "words", 0, "ab");
    assert_found(f, "wrong", 0, "");
    assert_found(f, "right", 0, "a");
    assert_found(f, "forged", 0, "");
    live(f, effect(EP_MSG_RETRACTION, false, "e", "b", NULL), EP_LIVE_NEW);
    assert_found(f, "words", 0, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(unread_is_what_was_received_above_the_displayed_position),
        TEST(a_hole_above_the_displayed_position_makes_the_count_uncertain),
        TEST(a_cursor_goes_on_whatever_happens_in_between),
        TEST(a_cursor_left_open_does_not_let_the_log_grow),
        TEST(reading_begins_at_a_row_or_a_day),
        TEST(an_archive_is_read_with_everything_in_it),
        TEST(conversations_are_listed_by_their_last_message),
        TEST(search_finds_words_and_nothing_in_them_is_syntax),
        TEST(search_finds_what_is_shown_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
