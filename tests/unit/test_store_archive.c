/* test_store_archive.c: archives: live messages, pages, effects, unread, reading, search. */
#include "store_help.h"

#include "base/buf.h"

typedef struct fixture {
    ep_store *s;
    int64_t account, room, joan; /* two archives, and the conversation with Joan in the first */
    ep_changes changes;
} fixture;

#define ROOM "room@muc.example.org"

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    ep_store_options o = { .boot_id = "boot", .now_ms = 1000 };
    *state = f;
    if (ep_store_open(&f->s, &o, NULL) != EPODE_OK ||
        ep_archive_open(f->s, ME, EP_ARCHIVE_ACCOUNT, &f->account) != EPODE_OK ||
        ep_archive_open(f->s, ROOM, EP_ARCHIVE_ROOM, &f->room) != EPODE_OK)
        return -1;
    return ep_conversation_open(f->s, f->account, JOAN, &f->joan) == EPODE_OK ? 0 : -1;
}

static int teardown(void **state)
{
    fixture *f = *state;
    ep_changes_free(&f->changes);
    ep_store_close(f->s);
    free(f);
    return 0;
}

static int64_t live(fixture *f, ep_msg m, ep_live_result expected)
{
    ep_live out;
    assert_ok(ep_archive_live(f->s, f->account, &m, false, 0, &out, &f->changes));
    assert_int_equal(out.result, expected);
    return out.row;
}

/* A page of the account's archive; each letter of ids is a message from Joan with that archive id.
 */
static ep_page_result page(fixture *f, ep_page_kind kind, int64_t span, const char *ids,
                           bool complete)
{
    ep_msg rows[32];
    char text[32][2] = { { 0 } };
    ep_page p = {
        .archive = f->account, .kind = kind, .span = span, .rows = rows, .complete = complete
    };
    ep_page_result out;
    for (; ids[p.n]; p.n++) {
        text[p.n][0] = ids[p.n];
        rows[p.n] = text_from(JOAN, text[p.n], text[p.n], text[p.n]);
    }
    assert_ok(ep_archive_page(f->s, &p, &out, &f->changes));
    return out;
}

static epode_status add_span(const ep_span *span, void *user)
{
    ep_buf *out = user;
    ep_buf_printf(out, "%s%s-%s%s", span->reaches_start ? "|" : "", span->first_id, span->last_id,
                  span->reached_end ? "| " : " ");
    return EPODE_OK;
}

/* Spans from their first to their last id, "|" where the archive ends. */
static void assert_spans(fixture *f, const char *expected)
{
    ep_buf out = EP_BUF_INIT;
    assert_ok(ep_span_list(f->s, f->account, add_span, &out));
    assert_string_equal(ep_buf_cstr(&out), expected);
    ep_buf_free(&out);
}

/* What a reader sees: bodies, one after the other. */
static void assert_texts(fixture *f, int64_t conversation, const char *expected)
{
    ep_cursor_options o = { .conversation = conversation, .batch = 3 };
    const ep_view *views;
    size_t n;
    ep_cursor *c;
    ep_buf out = EP_BUF_INIT;
    assert_ok(ep_cursor_open(f->s, &o, &c));
    while (ep_cursor_next(c, &views, &n) == EPODE_OK)
        for (size_t i = 0; i < n; i++)
            ep_buf_puts(&out, views[i].body ? views[i].body : "-");
    ep_cursor_close(c);
    assert_string_equal(ep_buf_cstr(&out), expected);
    ep_buf_free(&out);
}

static bool changed(const fixture *f, int64_t row, ep_change_kind kind)
{
    for (size_t i = 0; i < f->changes.count; i++)
        if (f->changes.at[i].row == row && f->changes.at[i].kind == kind)
            return true;
    return false;
}

/* --- statements --- */

static void no_statement_reads_all_messages(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < EP_SQL_COUNT; i++) {
        sqlite3_stmt *st = NULL;
        char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", ep_sql_text[i]);
        assert_int_equal(sqlite3_prepare_v2(f->s->db, sql, -1, &st, NULL), SQLITE_OK);
        while (sqlite3_step(st) == SQLITE_ROW) {
            const char *plan = (const char *)sqlite3_column_text(st, 3);
            const char *scan = strstr(plan, "SCAN ");
            bool big = scan && (!strncmp(scan + 5, "message", 7) || !strcmp(scan + 5, "m") ||
                                !strcmp(scan + 5, "t") || !strcmp(scan + 5, "e") ||
                                !strncmp(scan + 5, "conversation", 12));
            if (big)
                print_error("%s\n%s\n", ep_sql_text[i], plan);
            assert_false(big);
        }
        sqlite3_finalize(st);
        sqlite3_free(sql);
    }
}

static epode_status check_old(const ep_smq_row *row, void *user)
{
    assert_string_equal(row->xml, "<old/>");
    *(bool *)user = true;
    return EPODE_OK;
}

static void make_old(const char *path, int version)
{
    sqlite3 *raw;
    char sql[400];
    assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
    for (int i = 1; i <= version; i++)
        assert_int_equal(sqlite3_exec(raw, ep_migration_sql(i), NULL, NULL, NULL), SQLITE_OK);
    snprintf(sql, sizeof sql,
             "PRAGMA application_id = %d; PRAGMA user_version = %d;"
             "INSERT INTO smq (seq, kind, stamp_ms, stanza_id, xml) VALUES (1, 0, 5, 'a', x'3c6f6c642f3e');",
             EP_STORE_APPLICATION_ID, version);
    assert_int_equal(sqlite3_exec(raw, sql, NULL, NULL, NULL), SQLITE_OK);
    if (version > 1)
        assert_int_equal(sqlite3_exec(raw,
                                      "INSERT INTO archive (id, owner, kind, top_pos, end_pos) VALUES (1, '" ME
                                      "', 0, 5, 5); INSERT INTO message (archive, pos, place, kind, outgoing, groupchat,"
                                      " by_room, countable, state, time_ms, received_ms, body)"
                                      " VALUES (1, 5, 2, 0, 0, 0, 0, 0, 0, 1, 1, 'kept')",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
    sqlite3_close(raw);
}

static void a_store_of_an_earlier_version_goes_on(void **state)
{
    (void)state;
    for (int version = 1; version < ep_migration_newest(); version++) {
        char path[] = "/tmp/epode-old-XXXXXX";
        ep_store_options o = { .path = path, .boot_id = "boot", .now_ms = 1000 };
        ep_store *s;
        bool seen = false;
        close(mkstemp(path));
        make_old(path, version);
        assert_ok(ep_store_open(&s, &o, NULL));
        assert_ok(ep_store_smq_each(s, check_old, &seen));
        assert_true(seen);
        assert_int_equal(query_int(s, "SELECT count(*) FROM message WHERE body = 'kept'"), version > 1);
        assert_int_equal(query_int(s, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
        assert_int_equal(query_int(s, "PRAGMA user_version"), ep_migration_newest());
        /* What is edited while a store is migrated is safe afterwards. */
        assert_int_equal(sqlite3_exec(s->db, "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema", NULL, NULL, NULL),
                         SQLITE_ERROR);
        ep_store_close(s);
        unlink(path);
    }
}

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

/* --- effects --- */

static ep_msg effect(ep_msg_kind kind, bool outgoing, const char *archive_id, const char *ref,
                     const char *text)
{
    ep_msg m = outgoing ? text_to(JOAN, archive_id, archive_id, text)
                        : text_from(JOAN, archive_id, archive_id, text);
    m.kind = kind;
    m.ref_id = ref;
    m.reactions = text;
    return m;
}

typedef struct seen {
    char text[300];
} seen;

static epode_status see(const ep_view *v, void *user)
{
    ep_buf out = EP_BUF_INIT;
    ep_buf_printf(&out, "%s%s%s %d", v->body ? v->body : "-", v->edited ? " edited" : "",
                  v->retracted ? " retracted" : "", (int)v->state);
    for (size_t i = 0; i < v->reaction_count; i++)
        ep_buf_printf(&out, " %s:%s", v->reactions[i].outgoing ? "me" : v->reactions[i].author,
                      v->reactions[i].reactions);
    snprintf(((seen *)user)->text, sizeof((seen *)user)->text, "%s", ep_buf_cstr(&out));
    ep_buf_free(&out);
    return EPODE_OK;
}

static void assert_view(fixture *f, int64_t archive, const char *archive_id, const char *expected)
{
    seen text;
    int64_t row;
    assert_ok(ep_view_find(f->s, archive, archive_id, &row));
    assert_ok(ep_view_get(f->s, row, see, &text));
    assert_string_equal(text.text, expected);
}

/* The same set in every order of arrival, live: the order of the archive decides, not this one. */
static void effects_count_in_whatever_order_they_arrive(void **state)
{
    fixture *f = *state;
    ep_msg rows[] = { text_from(JOAN, "a", "id-a", "first"),
                      effect(EP_MSG_CORRECTION, false, "b", "id-a", "second"),
                      effect(EP_MSG_CORRECTION, false, "c", "id-a", "third"),
                      effect(EP_MSG_CORRECTION, true, "d", "id-a", "forged"),
                      effect(EP_MSG_REACTION, true, "e", "id-a", "+ -"),
                      effect(EP_MSG_REACTION, true, "f", "id-a", "!"),
                      effect(EP_MSG_REACTION, false, "g", "id-a", "?"),
                      effect(EP_MSG_REACTION, false, "h", "id-a", "") };
    for (int backwards = 0; backwards < 2; backwards++) {
        char owner[] = "0@example.org";
        int64_t archive, span = 0;
        owner[0] = (char)('0' + backwards);
        assert_ok(ep_archive_open(f->s, owner, EP_ARCHIVE_ACCOUNT, &archive));
        for (int i = 0; i < 8; i++) {
            ep_page p = { .archive = archive,
                          .rows = &rows[backwards ? 7 - i : i],
                          .n = 1,
                          .span = span,
                          .kind = !i          ? EP_PAGE_LAST
                                  : backwards ? EP_PAGE_BEFORE
                                              : EP_PAGE_AFTER };
            ep_page_result r;
            assert_ok(ep_archive_page(f->s, &p, &r, &f->changes));
            span = r.span;
        }
        assert_view(f, archive, "a", "third edited 0 me:!");
    }
}

static void a_retraction_is_the_authors_or_the_rooms(void **state)
{
    fixture *f = *state;
    int64_t a = live(f, text_from(JOAN, "a", "id-a", "x"), EP_LIVE_NEW);
    live(f, effect(EP_MSG_RETRACTION, true, "b", "id-a", NULL), EP_LIVE_NEW);
    assert_view(f, f->account, "a", "x 0");
    assert_false(changed(f, a, EP_CHANGE_CHANGED));
    live(f, effect(EP_MSG_RETRACTION, false, "c", "id-a", NULL), EP_LIVE_NEW);
    assert_view(f, f->account, "a", "- retracted 0");
    assert_true(changed(f, a, EP_CHANGE_CHANGED));

    ep_live out;
    ep_msg m = { .archive_id = "1",
                 .peer = ROOM,
                 .from = ROOM "/joan",
                 .groupchat = true,
                 .id = "x",
                 .body = "spam" };
    ep_msg by_other = { .archive_id = "2",
                        .peer = ROOM,
                        .from = ROOM "/eve",
                        .groupchat = true,
                        .kind = EP_MSG_RETRACTION,
                        .ref_id = "1" };
    assert_ok(ep_archive_live(f->s, f->room, &m, false, 0, &out, NULL));
    assert_ok(ep_archive_live(f->s, f->room, &by_other, false, 0, &out, NULL));
    assert_view(f, f->room, "1", "spam 0");
    by_other.archive_id = "3";
    by_other.from = ROOM;
    by_other.flags = EP_MSG_BY_ROOM;
    assert_ok(ep_archive_live(f->s, f->room, &by_other, false, 0, &out, NULL));
    assert_view(f, f->room, "1", "- retracted 0");
}

static void authors_in_a_room_are_told_apart(void **state)
{
    fixture *f = *state;
    ep_live out;
    ep_msg rows[] = { { .archive_id = "1", .from = ROOM "/joan", .id = "x", .body = "one" },
                      { .archive_id = "2",
                        .from = ROOM "/eve",
                        .id = "y",
                        .body = "forged",
                        .kind = EP_MSG_CORRECTION,
                        .ref_id = "x" },
                      { .archive_id = "3",
                        .from = ROOM "/joan",
                        .id = "z",
                        .body = "two",
                        .kind = EP_MSG_CORRECTION,
                        .ref_id = "x" },
                      { .archive_id = "4",
                        .from = ROOM "/eve",
                        .kind = EP_MSG_REACTION,
                        .reactions = "+",
                        .ref_id = "1" },
                      { .archive_id = "5",
                        .from = ROOM "/joan",
                        .kind = EP_MSG_REACTION,
                        .reactions = "-",
                        .ref_id = "1" } };
    for (int i = 0; i < 5; i++) {
        rows[i].peer = ROOM;
        rows[i].groupchat = true;
        assert_ok(ep_archive_live(f->s, f->room, &rows[i], false, 0, &out, NULL));
    }
    assert_view(f, f->room, "1", "two edited 0 " ROOM "/eve:+ " ROOM "/joan:-");
}

static void deliveries_only_move_forward(void **state)
{
    fixture *f = *state;
    live(f, text_to(JOAN, "a", "id-a", "1"), EP_LIVE_NEW);
    int64_t b = live(f, text_to(JOAN, "b", "id-b", "2"), EP_LIVE_NEW);
    live(f, text_to(JOAN, "c", "id-c", "3"), EP_LIVE_NEW);
    live(f, effect(EP_MSG_MARKER, false, "d", "id-b", NULL), EP_LIVE_NEW);
    assert_true(changed(f, b, EP_CHANGE_DELIVERY));
    live(f, effect(EP_MSG_RECEIPT, false, "e", "id-b", NULL), EP_LIVE_NEW);
    live(f, effect(EP_MSG_RECEIPT, true, "f", "id-c", NULL), EP_LIVE_NEW);
    assert_view(f, f->account, "a", "1 5");
    assert_view(f, f->account, "b", "2 5");
    assert_view(f, f->account, "c", "3 3");
    live(f, effect(EP_MSG_RECEIPT, false, "g", "id-c", NULL), EP_LIVE_NEW);
    assert_view(f, f->account, "c", "3 4");
}

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

/* --- queries --- */

static epode_status check_query(const ep_query *q, void *user)
{
    int *n = user;
    ++*n;
    assert_string_equal(q->id, "q1");
    assert_int_equal(q->kind, EP_PAGE_AFTER);
    assert_string_equal(q->after_id, "a");
    assert_null(q->before_id);
    assert_int_equal(q->span, 3);
    assert_int_equal(q->max, 50);
    assert_string_equal(q->note, "catch-up");
    return EPODE_OK;
}

static void running_queries_are_remembered(void **state)
{
    fixture *f = *state;
    int n = 0;
    ep_query q = { .id = "q1",
                   .archive = f->account,
                   .kind = EP_PAGE_AFTER,
                   .span = 3,
                   .after_id = "a",
                   .max = 50,
                   .sent_ms = 8,
                   .note = "catch-up" };
    assert_ok(ep_query_put(f->s, &q));
    assert_ok(ep_query_put(f->s, &q));
    assert_ok(ep_query_get(f->s, "q1", check_query, &n));
    assert_ok(ep_query_list(f->s, check_query, &n));
    assert_int_equal(n, 2);
    assert_int_equal(ep_query_get(f->s, "q2", check_query, &n), EPODE_DONE);
    assert_ok(ep_query_del(f->s, NULL));
    assert_int_equal(ep_query_get(f->s, "q1", check_query, &n), EPODE_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(no_statement_reads_all_messages),
        TEST(a_store_of_an_earlier_version_goes_on),
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
        TEST(narrow_holes_are_widened),
        TEST(holes_are_what_is_between),
        TEST(effects_count_in_whatever_order_they_arrive),
        TEST(a_retraction_is_the_authors_or_the_rooms),
        TEST(authors_in_a_room_are_told_apart),
        TEST(deliveries_only_move_forward),
        TEST(unread_is_what_was_received_above_the_displayed_position),
        TEST(a_hole_above_the_displayed_position_makes_the_count_uncertain),
        TEST(a_cursor_goes_on_whatever_happens_in_between),
        TEST(reading_begins_at_a_row_or_a_day),
        TEST(an_archive_is_read_with_everything_in_it),
        TEST(conversations_are_listed_by_their_last_message),
        TEST(search_finds_words_and_nothing_in_them_is_syntax),
        TEST(search_finds_what_is_shown_now),
        TEST(running_queries_are_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
