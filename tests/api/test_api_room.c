/* Rooms: joined once and ever again, who is in them, what they say, and that we are still in (XEP-0045, XEP-0410). */
#include "app.h"

#define DEN "den@rooms.localhost"

static server srv;

static int start_server(void **state)
{
    (void)state;
    server_start(&srv, "--user", "carol:carol-pw", (char *)NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

/* What was told of rooms. */
typedef struct seen {
    unsigned joined, refused, left, subjects, nicks, came, changed, renamed, gone;
    epode_room_left why;
    bool final;
    char nick[64], text[128], condition[64];
} seen;

static void note(app *a, const epode_event *e)
{
    seen *s = a->more;
    if (e->type != EPODE_EV_ROOM)
        return;
    assert_non_null(e->peer);
    s->joined += e->room == EPODE_ROOM_JOINED_NOW;
    s->refused += e->room == EPODE_ROOM_REFUSED;
    s->left += e->room == EPODE_ROOM_LEFT;
    s->subjects += e->room == EPODE_ROOM_SUBJECT;
    s->nicks += e->room == EPODE_ROOM_NICK;
    s->came += e->room == EPODE_ROOM_OCCUPANT_CAME;
    s->changed += e->room == EPODE_ROOM_OCCUPANT_CHANGED;
    s->renamed += e->room == EPODE_ROOM_OCCUPANT_RENAMED;
    s->gone += e->room == EPODE_ROOM_OCCUPANT_LEFT;
    s->why = e->left;
    s->final = e->error && epode_error_is_final(e->error);
    snprintf(s->nick, sizeof s->nick, "%s", e->nick ? e->nick : "");
    snprintf(s->text, sizeof s->text, "%s", e->text ? e->text : "");
    snprintf(s->condition, sizeof s->condition, "%s", e->error ? epode_error_condition(e->error) : "");
}

static void start_as(app *a, const char *jid, const char *password, const char *store, seen *s)
{
    a->on = note;
    a->more = s;
    epode_options o = app_options(a, &srv, store);
    o.jid = jid;
    o.password = password;
    app_open(a, &o);
    assert_int_equal(epode_client_start(a->client), EPODE_OK);
    app_until(a, 10000, a->synced);
}

static void start(app *a, const char *store, seen *s)
{
    start_as(a, "alice@localhost", "alice-pw", store, s);
}

static void start_bob(app *a, const char *store, seen *s)
{
    start_as(a, "bob@localhost", "bob-pw", store, s);
}

static void done(app *a)
{
    app_stop(a, EPODE_STOP_CLOSE);
    app_close(a);
}

static void join(app *a, seen *s, const char *nick)
{
    unsigned before = s->joined;
    assert_int_equal(epode_room_join(a->client, DEN, nick, NULL, 0), EPODE_OK);
    app_until(a, 10000, s->joined > before);
}

/* Both are turned until the condition holds of the first. */
#define both_until(a, b, condition)                                                                \
    do {                                                                                           \
        int64_t end_both_ = app_now_ms() + 10000;                                                  \
        while (!(condition)) {                                                                     \
            assert_true(app_now_ms() < end_both_);                                                 \
            app_turn(a, app_now_ms() + 5);                                                         \
            app_turn(b, app_now_ms() + 5);                                                         \
        }                                                                                          \
    } while (0)

static epode_status say(app *a, const char *body)
{
    epode_outgoing m = EPODE_OUTGOING_INIT;
    m.to = DEN;
    m.type = "groupchat";
    m.body = body;
    return epode_send_message(a->client, &m, NULL);
}

/* The texts of the room, in order, ours with "*". */
static const char *texts(app *a)
{
    static char out[8192];
    epode_query q = EPODE_QUERY_INIT;
    epode_cursor *cursor;
    const epode_message *m;
    q.archive = DEN;
    out[0] = '\0';
    assert_int_equal(epode_store_messages(epode_client_store(a->client), &q, &cursor), EPODE_OK);
    while (epode_cursor_next(cursor, &m) == EPODE_OK)
        sprintf(out + strlen(out), "%s%s%s;", m->outgoing ? "*" : "", m->body, m->archive_id ? "" : "?");
    epode_cursor_free(cursor);
    return out;
}

static const epode_occupant *occupant(app *a, const char *nick)
{
    const epode_room *r = epode_room_find(a->client, DEN);
    for (size_t i = 0; r && i < epode_room_occupant_count(r); i++)
        if (strcmp(epode_room_occupant_at(r, i)->nick, nick) == 0)
            return epode_room_occupant_at(r, i);
    return NULL;
}

static void who_is_in_a_room_is_known_and_told(void **state)
{
    app a = { 0 }, b = { 0 };
    seen sa = { 0 }, sb = { 0 };
    (void)state;
    start(&a, "who-a.db", &sa);
    start_bob(&b, "who-b.db", &sb);
    join(&a, &sa, "al");
    const epode_room *r = epode_room_at(a.client, 0);
    assert_int_equal(epode_room_count(a.client), 1);
    assert_null(epode_room_at(a.client, 1));
    assert_string_equal(epode_room_jid(r), DEN);
    assert_true(epode_room_is_joined(r));
    assert_int_equal(epode_room_occupant_count(r), 1);
    assert_true(occupant(&a, "al")->self);
    assert_int_equal(occupant(&a, "al")->role, EPODE_ROLE_PARTICIPANT);
    assert_int_equal(epode_room_join(a.client, DEN, "al", NULL, 0), EPODE_DONE);
    join(&b, &sb, "bo");
    assert_int_equal(sb.came, 0);
    assert_non_null(occupant(&b, "al"));
    app_until(&a, 5000, sa.came == 1);
    assert_string_equal(sa.nick, "bo");
    assert_false(occupant(&a, "bo")->self);
    assert_null(occupant(&a, "bo")->jid);
    assert_int_equal(epode_room_join(b.client, DEN, "bob", NULL, 0), EPODE_OK);
    both_until(&b, &a, sb.nicks == 1 && sa.renamed == 1);
    assert_string_equal(epode_room_nick(epode_room_at(b.client, 0)), "bob");
    assert_string_equal(sa.text, "bob");
    assert_int_equal(epode_room_set_subject(b.client, DEN, "tea"), EPODE_OK);
    both_until(&b, &a, sb.subjects && sa.subjects);
    assert_string_equal(epode_room_subject(epode_room_at(a.client, 0)), "tea");
    assert_string_equal(sa.nick, "bob");
    assert_int_equal(epode_room_leave(b.client, DEN, "bye"), EPODE_OK);
    both_until(&b, &a, sb.left == 1 && sa.gone == 1);
    assert_int_equal(sb.why, EPODE_LEFT_SELF);
    assert_int_equal(epode_room_count(b.client), 0);
    assert_int_equal(epode_room_leave(b.client, DEN, NULL), EPODE_DONE);
    assert_int_equal(epode_room_set_subject(b.client, DEN, "x"), EPODE_ESTATE);
    done(&b);
    assert_int_equal(epode_room_leave(a.client, DEN, NULL), EPODE_OK);
    done(&a);
}

static void history_comes_from_the_archive_and_never_twice(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    server_say(&srv, "room-say " DEN " bo one");
    server_say(&srv, "room-say " DEN " bo two");
    start(&a, "history.db", &s);
    join(&a, &s, "al");
    app_until(&a, 5000, strstr(texts(&a), "two;"));
    server_say(&srv, "room-say " DEN " cy three");
    assert_int_equal(say(&a, "mine"), EPODE_OK);
    app_until(&a, 5000, strstr(texts(&a), "three;") && strstr(texts(&a), "*mine;"));
    server_say(&srv, "room-say " DEN " bo four");
    app_until(&a, 5000, strstr(texts(&a), "four;"));
    char before[8192];
    strcpy(before, texts(&a));
    assert_null(strchr(before, '?'));
    done(&a);
    server_say(&srv, "room-say " DEN " bo five");
    /* Joined by itself, and read on from where it was. */
    memset(&s, 0, sizeof s);
    start(&a, "history.db", &s);
    app_until(&a, 5000, s.joined && strstr(texts(&a), "five;"));
    strcat(before, "five;");
    assert_string_equal(texts(&a), before);
    assert_int_equal(epode_room_leave(a.client, DEN, NULL), EPODE_OK);
    done(&a);
    server_say(&srv, "room-say " DEN " bo six");
    memset(&s, 0, sizeof s);
    start(&a, "history.db", &s);
    app_for(&a, 50);
    assert_int_equal(s.joined, 0);
    assert_string_equal(texts(&a), before);
    done(&a);
}

static void without_an_archive_the_rooms_own_history_is_taken_once(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    server_say(&srv, "feature room-mam off");
    server_say(&srv, "feature room-sid off");
    start(&a, "none.db", &s);
    join(&a, &s, "al");
    assert_int_equal(say(&a, "mine"), EPODE_OK);
    server_say(&srv, "room-say " DEN " bo seven");
    app_until(&a, 5000, strstr(texts(&a), "seven?;") && a.acknowledged);
    char before[8192];
    strcpy(before, texts(&a));
    done(&a);
    server_say(&srv, "room-say " DEN " bo eight");
    memset(&s, 0, sizeof s);
    start(&a, "none.db", &s);
    app_until(&a, 5000, strstr(texts(&a), "eight?;"));
    strcat(before, "eight?;");
    assert_string_equal(texts(&a), before);
    assert_int_equal(epode_room_leave(a.client, DEN, NULL), EPODE_OK);
    done(&a);
    server_say(&srv, "feature room-mam on");
    server_say(&srv, "feature room-sid on");
}

static void a_taken_nick_is_told_and_another_one_tried_only_on_request(void **state)
{
    app a = { 0 }, b = { 0 };
    seen sa = { 0 }, sb = { 0 };
    (void)state;
    start(&a, "nick-a.db", &sa);
    start_bob(&b, "nick-b.db", &sb);
    join(&a, &sa, "al");
    assert_int_equal(epode_room_join(b.client, DEN, "al", NULL, 0), EPODE_OK);
    app_until(&b, 5000, sb.refused == 1);
    assert_string_equal(sb.condition, "conflict");
    assert_false(epode_room_is_joined(epode_room_find(b.client, DEN)));
    assert_int_equal(epode_room_join(b.client, DEN, "al", NULL, EPODE_ROOM_OTHER_NICK), EPODE_OK);
    app_until(&b, 5000, sb.joined == 1);
    assert_string_equal(epode_room_nick(epode_room_find(b.client, DEN)), "al_");
    assert_int_equal(sb.refused, 1);
    /* In the room, a nick that is taken is an outcome too. */
    assert_int_equal(epode_room_join(b.client, DEN, "al", NULL, 0), EPODE_OK);
    app_until(&b, 5000, sb.nicks == 1);
    assert_string_equal(sb.condition, "conflict");
    assert_string_equal(epode_room_nick(epode_room_find(b.client, DEN)), "al_");
    epode_room_leave(b.client, DEN, NULL);
    epode_room_leave(a.client, DEN, NULL);
    done(&b);
    done(&a);
}

static void a_refusal_is_final_or_not_by_its_type(void **state)
{
    static const struct {
        const char *type, *condition;
        bool final;
    } rows[] = {
        { "auth", "forbidden", true },           { "auth", "registration-required", true },
        { "auth", "not-authorized", true },      { "cancel", "not-allowed", true },
        { "cancel", "item-not-found", true },    { "wait", "service-unavailable", false },
        { "cancel", "remote-server-timeout", false },
    };
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    start(&a, "refused.db", &s);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        server_say(&srv, "fault room-refuse %s/%s", rows[i].type, rows[i].condition);
        unsigned before = s.refused;
        assert_int_equal(epode_room_join(a.client, DEN, "al", NULL, 0), EPODE_OK);
        app_until(&a, 5000, s.refused > before);
        assert_string_equal(s.condition, rows[i].condition);
        assert_int_equal(s.final, rows[i].final);
        assert_int_equal(epode_room_count(a.client), rows[i].final ? 0 : 1);
        if (!rows[i].final)
            assert_int_equal(epode_room_leave(a.client, DEN, NULL), EPODE_OK);
    }
    server_say(&srv, "fault room-refuse off");
    done(&a);
}

static void dropped_without_a_word_it_is_found_out_and_nothing_is_lost(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    start(&a, "lost.db", &s);
    join(&a, &s, "al");
    app_settled(&a);
    server_say(&srv, "room-forget " DEN " alice");
    server_say(&srv, "room-say " DEN " bo unheard");
    server_say(&srv, "drop-connections hard");
    /* The session goes on; the room does not know of us. */
    app_until(&a, 15000, s.left == 1 && s.joined == 2);
    app_until(&a, 5000, strstr(texts(&a), "unheard;"));
    server_say(&srv, "room-say " DEN " bo heard");
    app_until(&a, 5000, strstr(texts(&a), "unheard;heard;"));
    /* Dropped again, what we say is refused: we come back, and it is said once, in its order. */
    server_say(&srv, "room-forget " DEN " alice");
    assert_int_equal(say(&a, "to nobody"), EPODE_OK);
    assert_int_equal(say(&a, "nor this"), EPODE_OK);
    app_until(&a, 5000, strstr(texts(&a), "*to nobody;*nor this;"));
    assert_int_equal(s.joined, 3);
    assert_int_equal(a.failed, 0);
    epode_room_leave(a.client, DEN, NULL);
    done(&a);
}

static void what_was_said_before_we_are_in_waits(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    start(&a, "waits.db", &s);
    assert_int_equal(epode_room_join(a.client, DEN, "al", NULL, 0), EPODE_OK);
    assert_int_equal(say(&a, "early one"), EPODE_OK);
    assert_int_equal(say(&a, "early two"), EPODE_OK);
    app_until(&a, 5000, strstr(texts(&a), "*early one;*early two;"));
    assert_int_equal(a.failed, 0);
    epode_room_leave(a.client, DEN, NULL);
    done(&a);
}

static void bad_input_is_refused(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    start(&a, NULL, &s);
    assert_int_equal(epode_room_join(a.client, "rooms.localhost", "al", NULL, 0), EPODE_EINVAL);
    assert_int_equal(epode_room_join(a.client, DEN "/x", "al", NULL, 0), EPODE_EINVAL);
    assert_int_equal(epode_room_join(a.client, "alice@localhost", "al", NULL, 0), EPODE_EINVAL);
    assert_int_equal(epode_room_join(a.client, DEN, "", NULL, 0), EPODE_EINVAL);
    assert_int_equal(epode_room_join(a.client, DEN, NULL, NULL, 0), EPODE_EINVAL);
    assert_int_equal(epode_room_join(a.client, NULL, "al", NULL, 0), EPODE_EINVAL);
    assert_int_equal(epode_room_join(a.client, DEN, "al", NULL, 64), EPODE_EINVAL);
    assert_int_equal(epode_room_join(a.client, DEN, "al", "\x01", 0), EPODE_EINVAL);
    assert_int_equal(epode_room_leave(a.client, NULL, NULL), EPODE_EINVAL);
    assert_int_equal(epode_room_leave(a.client, DEN, NULL), EPODE_DONE);
    assert_int_equal(epode_room_set_subject(a.client, DEN, NULL), EPODE_EINVAL);
    assert_int_equal(epode_room_set_subject(a.client, DEN, "x"), EPODE_ESTATE);
    assert_null(epode_room_find(a.client, DEN));
    assert_int_equal(epode_room_count(a.client), 0);
    done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_in_a_room_is_known_and_told),
        cmocka_unit_test(history_comes_from_the_archive_and_never_twice),
        cmocka_unit_test(without_an_archive_the_rooms_own_history_is_taken_once),
        cmocka_unit_test(a_taken_nick_is_told_and_another_one_tried_only_on_request),
        cmocka_unit_test(a_refusal_is_final_or_not_by_its_type),
        cmocka_unit_test(dropped_without_a_word_it_is_found_out_and_nothing_is_lost),
        cmocka_unit_test(what_was_said_before_we_are_in_waits),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
