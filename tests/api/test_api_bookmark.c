/* Bookmarks: read in each session, kept by events, joined by themselves; published without harm (XEP-0402). */
#include "app.h"

#define DEN "den@rooms.localhost"
#define POND "pond@rooms.localhost"

static server srv;

static int start_server(void **state)
{
    (void)state;
    server_start(&srv, (char *)NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

typedef struct seen {
    unsigned added, changed, removed, joined, left;
} seen;

static void note(app *a, const epode_event *e)
{
    seen *s = a->more;
    if (e->type == EPODE_EV_BOOKMARK) {
        s->added += e->bookmark == EPODE_BOOKMARK_ADDED;
        s->changed += e->bookmark == EPODE_BOOKMARK_CHANGED;
        s->removed += e->bookmark == EPODE_BOOKMARK_REMOVED;
    }
    if (e->type == EPODE_EV_ROOM) {
        s->joined += e->room == EPODE_ROOM_JOINED_NOW;
        s->left += e->room == EPODE_ROOM_LEFT;
    }
}

static void start(app *a, const char *store, uint32_t flags, seen *s)
{
    a->on = note;
    a->more = s;
    epode_options o = app_options(a, &srv, store);
    o.flags = flags;
    app_open(a, &o);
    assert_int_equal(epode_client_start(a->client), EPODE_OK);
    app_until(a, 10000, a->ready && (a->bookmarks || (flags & EPODE_NO_BOOKMARKS)));
    app_online(a);
}

static void done(app *a)
{
    app_stop(a, EPODE_STOP_CLOSE);
    app_close(a);
}

static const epode_bookmark *of(app *a, const char *room)
{
    for (size_t i = 0; i < epode_bookmark_count(a->client); i++)
        if (strcmp(epode_bookmark_at(a->client, i)->jid, room) == 0)
            return epode_bookmark_at(a->client, i);
    return NULL;
}

static epode_status set(app *a, const char *room, const char *name, bool autojoin)
{
    epode_bookmark b = EPODE_BOOKMARK_INIT;
    b.jid = room;
    b.name = name;
    b.nick = "al";
    b.autojoin = autojoin;
    return epode_bookmark_set(a->client, &b, NULL, NULL, NULL);
}

static void what_one_device_marks_the_others_join(void **state)
{
    app a = { 0 }, b = { 0 };
    seen sa = { 0 }, sb = { 0 };
    (void)state;
    start(&a, "a.db", EPODE_NO_AUTOJOIN, &sa);
    start(&b, "b.db", 0, &sb);
    assert_int_equal(epode_bookmark_count(a.client), 0);
    assert_int_equal(set(&a, DEN, "Den", true), EPODE_OK);
    app_until(&a, 5000, sa.added == 1);
    app_until(&b, 5000, sb.added == 1 && sb.joined == 1);
    assert_string_equal(of(&b, DEN)->name, "Den");
    assert_string_equal(of(&b, DEN)->nick, "al");
    assert_true(of(&b, DEN)->autojoin);
    assert_string_equal(epode_room_nick(epode_room_find(b.client, DEN)), "al");
    assert_int_equal(epode_room_count(a.client), 0);
    /* Not to be joined any more: it is left. */
    assert_int_equal(set(&a, DEN, "The den", false), EPODE_OK);
    app_until(&a, 5000, sa.changed == 1);
    app_until(&b, 5000, sb.changed == 1 && sb.left == 1);
    assert_string_equal(of(&b, DEN)->name, "The den");
    assert_int_equal(set(&a, POND, NULL, false), EPODE_OK);
    app_until(&a, 5000, sa.added == 2);
    done(&a);
    done(&b);
    /* Read from the store, and again from the server. */
    memset(&sa, 0, sizeof sa);
    start(&a, "a.db", 0, &sa);
    assert_int_equal(sa.added + sa.changed + sa.removed, 0);
    assert_int_equal(epode_bookmark_count(a.client), 2);
    assert_null(of(&a, POND)->name);
    assert_int_equal(epode_bookmark_remove(a.client, POND, NULL, NULL, NULL), EPODE_OK);
    app_until(&a, 5000, sa.removed == 1);
    assert_int_equal(epode_bookmark_remove(a.client, POND, NULL, NULL, NULL), EPODE_DONE);
    done(&a);
    memset(&sb, 0, sizeof sb);
    start(&b, "b.db", 0, &sb);
    assert_null(of(&b, POND));
    done(&b);
}

static void a_forged_event_changes_nothing(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    start(&a, "forged.db", 0, &s);
    size_t before = epode_bookmark_count(a.client);
    unsigned added = s.added;
    server_say(&srv, "stanza alice <message type='headline' from='bob@localhost'><event "
                     "xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:bookmarks:1'><item id='" POND "'>"
                     "<conference xmlns='urn:xmpp:bookmarks:1' autojoin='true'/></item></items></event></message>");
    server_say(&srv, "message bob@localhost alice@localhost behind");
    app_until(&a, 5000, a.messages == 1);
    assert_int_equal(epode_bookmark_count(a.client), before);
    assert_int_equal(s.added, added);
    assert_int_equal(epode_room_count(a.client), 0);
    done(&a);
}

static void on_set(epode_client *client, const epode_iq_answer *answer, void *user)
{
    (void)client;
    assert_int_equal(answer->outcome, EPODE_IQ_RESULT);
    ++*(int *)user;
}

static void bad_input_and_bad_times_are_refused(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    epode_bookmark b = EPODE_BOOKMARK_INIT;
    int answered = 0;
    (void)state;
    start(&a, "bad.db", EPODE_NO_AUTOJOIN, &s);
    assert_int_equal(epode_bookmark_set(a.client, NULL, NULL, NULL, NULL), EPODE_EINVAL);
    assert_int_equal(epode_bookmark_set(a.client, &b, NULL, NULL, NULL), EPODE_EINVAL);
    assert_int_equal(set(&a, "rooms.localhost", NULL, false), EPODE_EINVAL);
    assert_int_equal(set(&a, DEN "/al", NULL, false), EPODE_EINVAL);
    assert_int_equal(set(&a, DEN, "\x01", false), EPODE_EINVAL);
    assert_int_equal(epode_bookmark_remove(a.client, NULL, NULL, NULL, NULL), EPODE_EINVAL);
    assert_null(epode_bookmark_at(a.client, 1000));
    b.jid = DEN;
    b.password = "open";
    assert_int_equal(epode_bookmark_set(a.client, &b, on_set, &answered, NULL), EPODE_OK);
    app_until(&a, 5000, answered == 1 && of(&a, DEN) && of(&a, DEN)->password);
    assert_string_equal(of(&a, DEN)->password, "open");
    app_stop(&a, EPODE_STOP_CLOSE);
    assert_int_equal(set(&a, DEN, NULL, false), EPODE_ESTATE);
    app_close(&a);
}

/* What is not read is not changed either, since what others put there would be lost; that is said at once, and does not
 * look as if it were to be tried again. */
static void what_is_not_read_is_not_changed(void **state)
{
    app a = { 0 };
    seen s = { 0 };
    (void)state;
    start(&a, "unread.db", EPODE_NO_BOOKMARKS, &s);
    assert_int_equal(set(&a, DEN, NULL, false), EPODE_ESTATE);
    assert_int_equal(epode_bookmark_remove(a.client, DEN, NULL, NULL, NULL), EPODE_ESTATE);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_device_marks_the_others_join),
        cmocka_unit_test(a_forged_event_changes_nothing),
        cmocka_unit_test(bad_input_and_bad_times_are_refused),
        cmocka_unit_test(what_is_not_read_is_not_changed),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
