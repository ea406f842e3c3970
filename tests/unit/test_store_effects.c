/* test_store_effects.c: what messages do to other ones. */
#include "store_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(effects_count_in_whatever_order_they_arrive),
        TEST(a_retraction_is_the_authors_or_the_rooms),
        TEST(authors_in_a_room_are_told_apart),
        TEST(deliveries_only_move_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
