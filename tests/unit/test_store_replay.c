/* test_store_replay.c: what a room without an archive tells again is met by what is held, one by one; what is really new
 * never is. */
#include "store_fixture.h"

#define T0 1700000000000

/* said at, by the room's clock or ours; id and words may be NULL. */
static ep_live_result said(fixture *f, ep_replay *replay, const char *nick, const char *id, const char *body, int64_t at)
{
    ep_live out;
    char from[64];
    snprintf(from, sizeof from, ROOM "/%s", nick);
    ep_msg m = { .peer = ROOM, .from = from, .groupchat = true, .id = id, .body = body, .replay = replay };
    m.time_ms = replay ? at : 0;
    m.received_ms = at;
    assert_ok(ep_archive_live(f->s, f->room, &m, false, 0, &out, NULL));
    return out.result;
}

static ep_replay replay_of(fixture *f)
{
    ep_replay r;
    assert_ok(ep_archive_replay(f->s, f->room, &r));
    return r;
}

static void each_that_is_held_stands_for_one_of_them(void **state)
{
    fixture *f = *state;
    assert_int_equal(said(f, NULL, "bo", NULL, "ok", T0), EP_LIVE_NEW);
    assert_int_equal(said(f, NULL, "bo", NULL, "ok", T0 + 5000), EP_LIVE_NEW);
    ep_replay r = replay_of(f);
    assert_int_equal(said(f, &r, "bo", NULL, "ok", T0 - 200), EP_LIVE_KNOWN);
    assert_int_equal(said(f, &r, "bo", NULL, "ok", T0 + 4800), EP_LIVE_KNOWN);
    assert_int_equal(said(f, &r, "bo", NULL, "ok", T0 + 9000), EP_LIVE_NEW);
    assert_int_equal(said(f, &r, "bo", NULL, "ok", T0 + 9500), EP_LIVE_NEW);
    r = replay_of(f);
    for (int i = 0; i < 4; i++)
        assert_int_equal(said(f, &r, "bo", NULL, "ok", T0 + (int64_t[]){ -200, 4800, 9000, 9500 }[i]), EP_LIVE_KNOWN);
}

static void what_came_at_another_time_or_behind_news_is_new(void **state)
{
    fixture *f = *state;
    said(f, NULL, "bo", NULL, "ok", T0);
    ep_replay r = replay_of(f);
    assert_int_equal(said(f, &r, "bo", NULL, "ok", T0 + 31000), EP_LIVE_NEW);
    assert_int_equal(said(f, &r, "bo", NULL, "ok", T0 + 1000), EP_LIVE_NEW);
    r = replay_of(f);
    assert_int_equal(said(f, &r, "cy", NULL, "ok", T0), EP_LIVE_NEW);
    r = replay_of(f);
    assert_int_equal(said(f, &r, "bo", NULL, "other", T0), EP_LIVE_NEW);
}

static void what_came_after_it_began_is_not_looked_at(void **state)
{
    fixture *f = *state;
    ep_replay r = replay_of(f);
    assert_int_equal(said(f, NULL, "bo", NULL, "ok", T0), EP_LIVE_NEW);
    assert_int_equal(said(f, &r, "bo", NULL, "ok", T0), EP_LIVE_NEW);
}

static void an_id_that_is_used_again_and_again_tells_no_two_apart(void **state)
{
    fixture *f = *state;
    said(f, NULL, "bo", "1", "ok", T0);
    ep_replay r = replay_of(f);
    assert_int_equal(said(f, &r, "bo", "1", "ok", T0 - 86400000), EP_LIVE_KNOWN); /* whatever the clocks say */
    assert_int_equal(said(f, &r, "bo", "1", "ok", T0 + 1000), EP_LIVE_NEW);
}

static void what_acts_on_a_message_is_held_once_too(void **state)
{
    fixture *f = *state;
    ep_live out;
    said(f, NULL, "bo", "x", "spam", T0);
    ep_msg m = { .peer = ROOM, .from = ROOM "/bo", .groupchat = true, .kind = EP_MSG_CORRECTION, .id = "y", .ref_id = "x",
                 .body = "ham", .received_ms = T0 + 1 };
    assert_ok(ep_archive_live(f->s, f->room, &m, false, 0, &out, NULL));
    ep_replay r = replay_of(f);
    m.replay = &r;
    m.time_ms = T0 + 1;
    assert_int_equal(said(f, &r, "bo", "x", "spam", T0), EP_LIVE_KNOWN);
    assert_ok(ep_archive_live(f->s, f->room, &m, false, 0, &out, NULL));
    assert_int_equal(out.result, EP_LIVE_KNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(each_that_is_held_stands_for_one_of_them),
        TEST(what_came_at_another_time_or_behind_news_is_new),
        TEST(what_came_after_it_began_is_not_looked_at),
        TEST(an_id_that_is_used_again_and_again_tells_no_two_apart),
        TEST(what_acts_on_a_message_is_held_once_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
