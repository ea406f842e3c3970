/* Presence: ours is told again in each session, that of others is of a session; what they can do is asked once per
 * hash; chat states go to those who understand them, once. */
#include "app.h"

static server srv;
static char at_a[APP_NOTES], at_b[APP_NOTES];

static int start_server(void **state)
{
    (void)state;
    server_start(&srv, (char *)NULL);
    server_say(&srv, "roster-put alice bob@localhost both");
    server_say(&srv, "roster-put bob alice@localhost both");
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

/* Events in one line. The resource is left out where the server chose it. */
static void note(app *a, const epode_event *event)
{
    char *out = a->more;
    if (event->type == EPODE_EV_PRESENCE && event->error)
        app_append(out, APP_NOTES, "%s!%s;", event->from, epode_error_condition(event->error));
    else if (event->type == EPODE_EV_PRESENCE)
        app_append(out, APP_NOTES, "%s=%d;", event->peer ? event->peer : "all", (int)event->show);
    else if (event->type == EPODE_EV_CHAT_STATE)
        app_append(out, APP_NOTES, "%s~%d;", event->peer, (int)event->chat_state);
    else if (event->type == EPODE_EV_CAPS)
        app_append(out, APP_NOTES, "%s?;", event->peer);
    else if (event->type == EPODE_EV_AVATAR)
        app_append(out, APP_NOTES, "%s:%s;", event->peer, event->id);
}

static void clear(void)
{
    at_a[0] = at_b[0] = '\0';
}

static void open_as(app *a, const char *user, char *log, const char *store, uint32_t flags)
{
    static char password[32], jid[64];
    epode_options o = app_options(a, &srv, store);
    snprintf(jid, sizeof jid, "%s@localhost", user);
    snprintf(password, sizeof password, "%s-pw", user);
    o.jid = jid;
    o.password = password;
    o.flags = flags;
    app_open(a, &o);
    a->on = note;
    a->more = log;
}

static void start_as(app *a, const char *user, char *log, const char *store, uint32_t flags)
{
    open_as(a, user, log, store, flags);
    assert_int_equal(epode_client_start(a->client), EPODE_OK);
    app_until(a, 5000, a->ready && a->synced && a->rosters);
}

static void done(app *a)
{
    app_stop(a, EPODE_STOP_CLOSE);
    app_close(a);
}

static void two_turns(app *a, app *b)
{
    app_turn(a, app_now_ms() + 5);
    app_turn(b, app_now_ms() + 5);
}

#define both_until(condition)                                                                      \
    for (int64_t end_ = app_now_ms() + 5000; !(condition); two_turns(&a, &b))                      \
        if (app_now_ms() > end_)                                                                   \
            fail_msg("not in time: %s; a: %s b: %s", #condition, at_a, at_b)

static epode_status say(app *b, const char *xml)
{
    return epode_send_xml(b->client, xml, strlen(xml));
}

#define BOB "bob@localhost"

static const epode_presence *bob(app *a)
{
    return epode_presence_at(a->client, BOB, 0);
}

static void who_comes_changes_and_goes_is_told(void **state)
{
    app a = { 0 }, b = { 0 };
    (void)state;
    clear();
    start_as(&a, "alice", at_a, NULL, 0);
    assert_int_equal(epode_presence_count(a.client, BOB), 0);
    assert_null(bob(&a));
    start_as(&b, "bob", at_b, NULL, 0);
    both_until(strstr(at_a, "bob@localhost=0;") && strstr(at_b, "alice@localhost=0;"));
    assert_int_equal(epode_presence_count(a.client, "BOB@localhost/any"), 1);
    assert_string_equal(bob(&a)->caps_node, "urn:x-epode");
    assert_int_equal(epode_presence_set(b.client, EPODE_SHOW_AWAY, "out <for> lunch", 5), EPODE_OK);
    both_until(strstr(at_a, "bob@localhost=2;"));
    assert_string_equal(bob(&a)->status, "out <for> lunch");
    assert_int_equal(bob(&a)->priority, 5);
    assert_int_equal(bob(&a)->show, EPODE_SHOW_AWAY);
    /* Said again, it is nothing new. */
    clear();
    assert_int_equal(epode_presence_set(b.client, EPODE_SHOW_AWAY, "out <for> lunch", 5), EPODE_OK);
    assert_int_equal(epode_presence_set(b.client, EPODE_SHOW_DND, "", 0), EPODE_OK);
    both_until(strstr(at_a, "bob@localhost=4;"));
    assert_string_equal(at_a, "bob@localhost=4;");
    assert_null(bob(&a)->status);
    clear();
    done(&b);
    app_until(&a, 5000, strstr(at_a, "bob@localhost=5;"));
    assert_string_equal(at_a, "bob@localhost=5;");
    assert_null(bob(&a));
    /* Of ourselves nothing is told, and with nobody there nothing ends. */
    clear();
    done(&a);
    assert_string_equal(at_a, "");
}

static bool count_each(const epode_presence *p, void *user)
{
    char *out = user;
    assert_int_equal(p->size, sizeof *p);
    app_append(out, APP_NOTES, "%s %d;", p->jid, p->priority);
    return true;
}

static bool stop_each(const epode_presence *p, void *user)
{
    (void)p;
    ++*(int *)user;
    return false;
}

static void resources_stand_in_the_order_of_their_priority(void **state)
{
    app a = { 0 };
    char all[APP_NOTES] = "";
    int n = 0;
    (void)state;
    clear();
    start_as(&a, "alice", at_a, NULL, 0);
    static const int priorities[] = { 0, 5, -1, 5, 7 };
    for (int i = 0; i < 5; i++)
        server_say(&srv, "stanza alice <presence from='bob@localhost/r%d' to='alice@localhost'><priority>%d</priority>"
                         "</presence>", i, priorities[i]);
    server_say(&srv, "stanza alice <presence from='carol@localhost/c' to='alice@localhost'/>");
    app_until(&a, 5000, strstr(at_a, "carol"));
    static const char *const order[] = { "r4", "r3", "r1", "r0", "r2" };
    assert_int_equal(epode_presence_count(a.client, BOB), 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(strchr(epode_presence_at(a.client, BOB, i)->jid, '/') + 1, order[i]);
    assert_null(epode_presence_at(a.client, BOB, 5));
    epode_presence_each(a.client, count_each, all);
    assert_non_null(strstr(all, "bob@localhost/r4 7;bob@localhost/r3 5;bob@localhost/r1 5;bob@localhost/r0 0;"
                                "bob@localhost/r2 -1;"));
    assert_non_null(strstr(all, "carol@localhost/c 0;"));
    epode_presence_each(a.client, stop_each, &n);
    assert_int_equal(n, 1);
    server_say(&srv, "stanza alice <presence from='bob@localhost/r0' to='alice@localhost'><priority>9</priority></presence>");
    server_say(&srv, "stanza alice <presence from='bob@localhost/r4' to='alice@localhost' type='unavailable'/>");
    app_until(&a, 5000, epode_presence_count(a.client, BOB) == 4);
    assert_string_equal(bob(&a)->jid, "bob@localhost/r0");
    /* The bare JID stands for all that is left. */
    clear();
    server_say(&srv, "stanza alice <presence from='bob@localhost' to='alice@localhost' type='unavailable'/>");
    app_until(&a, 5000, epode_presence_count(a.client, BOB) == 0);
    assert_string_equal(at_a, "bob@localhost=5;bob@localhost=5;bob@localhost=5;bob@localhost=5;");
    done(&a);
}

/* The least important ones give way; more of them cost nothing. */
static void resources_of_one_are_bounded(void **state)
{
    app a = { 0 };
    (void)state;
    clear();
    start_as(&a, "alice", at_a, NULL, 0);
    for (int i = 0; i < 100; i++) {
        server_say(&srv, "stanza alice <presence from='bob@localhost/r%d' to='alice@localhost'><priority>%d</priority>"
                         "</presence>", i, i);
        at_a[0] = '\0';
    }
    app_until(&a, 5000, a.presences == 100);
    assert_int_equal(epode_presence_count(a.client, BOB), 32);
    assert_int_equal(epode_presence_at(a.client, BOB, 0)->priority, 99);
    assert_int_equal(epode_presence_at(a.client, BOB, 31)->priority, 68);
    server_say(&srv, "stanza alice <presence from='bob@localhost/low' to='alice@localhost'/>");
    app_until(&a, 5000, a.presences == 101);
    assert_int_equal(epode_presence_count(a.client, BOB), 32);
    assert_int_equal(epode_presence_at(a.client, BOB, 31)->priority, 68);
    done(&a);
}

static void presence_of_rooms_and_of_nobody_is_passed_over(void **state)
{
    app a = { 0 };
    (void)state;
    clear();
    start_as(&a, "alice", at_a, NULL, 0);
    server_say(&srv, "stanza alice <presence from='room@rooms.localhost/nick'><x xmlns='http://jabber.org/protocol/muc#user'/>"
                     "</presence>");
    server_say(&srv, "stanza alice <presence from='@'/>");
    server_say(&srv, "stanza alice <presence from='bob@localhost/x' type='probe'/>");
    server_say(&srv, "stanza alice <presence from='bob@localhost/x' type='error'><error type='cancel'>"
                     "<remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>");
    app_until(&a, 5000, *at_a);
    assert_string_equal(at_a, "bob@localhost/x!remote-server-not-found;");
    done(&a);
}

static void our_own_is_remembered_for_the_next_session(void **state)
{
    app a = { 0 }, b = { 0 };
    (void)state;
    clear();
    start_as(&a, "alice", at_a, NULL, 0);
    open_as(&b, "bob", at_b, NULL, EPODE_NO_SM);
    /* Said before there is a session. */
    assert_int_equal(epode_presence_set(b.client, EPODE_SHOW_XA, "far", -3), EPODE_OK);
    epode_client_start(b.client);
    both_until(strstr(at_a, "bob@localhost=3;"));
    assert_int_equal(bob(&a)->priority, -3);
    app_stop(&b, EPODE_STOP_CLOSE);
    app_until(&a, 5000, strstr(at_a, "bob@localhost=5;"));
    assert_string_equal(at_b, "alice@localhost=0;all=5;");
    assert_int_equal(epode_presence_count(b.client, "alice@localhost"), 0);
    clear();
    epode_client_start(b.client);
    both_until(strstr(at_a, "bob@localhost=3;"));
    assert_string_equal(bob(&a)->status, "far");
    /* Connected, and shown to nobody: also in the next one. */
    assert_int_equal(epode_presence_set(b.client, EPODE_SHOW_OFFLINE, NULL, 0), EPODE_OK);
    both_until(strstr(at_a, "bob@localhost=5;"));
    app_stop(&b, EPODE_STOP_CLOSE);
    clear();
    b.ready = b.synced = 0;
    epode_client_start(b.client);
    both_until(b.ready && b.synced);
    app_for(&a, 50);
    assert_string_equal(at_a, "");
    done(&b);
    done(&a);
}

/* A phone's process comes and goes; who did not want to be disturbed still does not. */
static void another_process_goes_on_with_our_own(void **state)
{
    app a = { 0 }, b = { 0 };
    const char *status;
    int priority;
    (void)state;
    clear();
    start_as(&a, "alice", at_a, NULL, EPODE_RAW_STANZAS);
    start_as(&b, "bob", at_b, "own.db", 0);
    assert_int_equal(epode_presence_set(b.client, EPODE_SHOW_DND, "not <now>", 4), EPODE_OK);
    both_until(strstr(at_a, "bob@localhost=4;"));
    done(&b);
    app_until(&a, 5000, strstr(at_a, "bob@localhost=5;"));
    clear();
    open_as(&b, "bob", at_b, "own.db", 0);
    assert_int_equal(epode_presence_own(b.client, &status, &priority), EPODE_SHOW_DND);
    assert_string_equal(status, "not <now>");
    assert_int_equal(priority, 4);
    epode_client_start(b.client);
    both_until(strstr(at_a, "bob@localhost=4;"));
    assert_null(strstr(at_a, "bob@localhost=0;"));
    assert_string_equal(bob(&a)->status, "not <now>");
    assert_int_equal(bob(&a)->priority, 4);
    /* What was wished between two processes is said by the one that resumes the session, and once. */
    app_stop(&b, EPODE_STOP_RESUMABLE);
    assert_int_equal(epode_presence_set(b.client, EPODE_SHOW_AWAY, NULL, 0), EPODE_OK);
    app_close(&b);
    for (int again = 0; again < 2; again++) {
        unsigned before = a.stanzas;
        clear();
        open_as(&b, "bob", at_b, "own.db", 0);
        epode_client_start(b.client);
        both_until(b.ready);
        assert_true(epode_session_is_resumed(epode_client_session(b.client)));
        if (!again)
            both_until(strstr(at_a, "bob@localhost=2;"));
        app_for(&b, 50);
        app_for(&a, 50);
        assert_string_equal(at_a, again ? "" : "bob@localhost=2;");
        assert_true(!again || a.stanzas == before);
        app_stop(&b, EPODE_STOP_RESUMABLE);
        app_close(&b);
    }
    /* Who sends none without being asked is not asked by an earlier process. */
    server_say(&srv, "forget-sm");
    clear();
    start_as(&b, "bob", at_b, "own.db", EPODE_NO_PRESENCE);
    assert_int_equal(epode_presence_own(b.client, NULL, NULL), EPODE_SHOW_AWAY);
    app_for(&b, 50);
    app_for(&a, 50);
    assert_null(strstr(at_a, "bob@localhost=2;"));
    assert_int_equal(epode_presence_set(b.client, EPODE_SHOW_ONLINE, NULL, 0), EPODE_OK);
    both_until(strstr(at_a, "bob@localhost=0;"));
    done(&b);
    done(&a);
}

static void a_resumed_session_knows_who_is_there_and_says_what_changed(void **state)
{
    app a = { 0 }, b = { 0 };
    (void)state;
    clear();
    start_as(&a, "alice", at_a, "resume-a.db", 0);
    start_as(&b, "bob", at_b, "resume-b.db", 0);
    both_until(strstr(at_a, "bob@localhost=0;") && strstr(at_b, "alice@localhost=0;"));
    app_stop(&a, EPODE_STOP_RESUMABLE);
    assert_non_null(bob(&a));
    assert_int_equal(epode_presence_set(a.client, EPODE_SHOW_CHAT, NULL, 0), EPODE_OK);
    clear();
    a.ready = 0;
    epode_client_start(a.client);
    both_until(a.ready && strstr(at_b, "alice@localhost=1;"));
    assert_true(epode_session_is_resumed(epode_client_session(a.client)));
    assert_string_equal(at_a, "");
    assert_non_null(bob(&a));
    /* One that cannot be resumed begins with nobody. */
    app_stop(&a, EPODE_STOP_RESUMABLE);
    server_say(&srv, "forget-sm");
    clear();
    a.ready = 0;
    epode_client_start(a.client);
    both_until(a.ready && strstr(at_a, "bob@localhost=0;"));
    assert_string_equal(at_a, "all=5;bob@localhost=0;");
    done(&b);
    done(&a);
}

/* The server tells it nothing of this again. */
static void another_process_that_resumes_knows_who_is_there(void **state)
{
    app a = { 0 };
    (void)state;
    clear();
    start_as(&a, "alice", at_a, "taken-over.db", 0);
    server_say(&srv, "stanza alice <presence from='bob@localhost/x'><show>away</show><priority>1</priority></presence>");
    server_say(&srv, "stanza alice <presence from='bob@localhost/y'><show>dnd</show><priority>2</priority></presence>");
    server_say(&srv, "stanza alice <presence from='bob@localhost/z'/>");
    server_say(&srv, "stanza alice <presence from='bob@localhost/z' type='unavailable'/>");
    server_say(&srv, "stanza alice <presence from='carol@localhost/c'/>");
    server_say(&srv, "stanza alice <presence from='carol@localhost' type='unavailable'/>");
    app_until(&a, 5000, strstr(at_a, "carol@localhost=5;"));
    app_stop(&a, EPODE_STOP_RESUMABLE);
    app_close(&a);
    clear();
    open_as(&a, "alice", at_a, "taken-over.db", 0);
    epode_client_start(a.client);
    app_until(&a, 5000, a.ready && epode_presence_count(a.client, BOB) == 2);
    assert_true(epode_session_is_resumed(epode_client_session(a.client)));
    assert_string_equal(bob(&a)->jid, "bob@localhost/y");
    assert_int_equal(bob(&a)->show, EPODE_SHOW_DND);
    assert_int_equal(epode_presence_count(a.client, "carol@localhost"), 0);
    app_for(&a, 20);
    assert_string_equal(at_a, "bob@localhost=2;bob@localhost=4;");
    /* And a new session knows nothing of the old one. */
    app_stop(&a, EPODE_STOP_RESUMABLE);
    app_close(&a);
    server_say(&srv, "forget-sm");
    clear();
    start_as(&a, "alice", at_a, "taken-over.db", 0);
    assert_string_equal(at_a, "");
    assert_null(bob(&a));
    done(&a);
}

static void no_presence_is_sent_by_itself_where_none_is_wanted(void **state)
{
    app a = { 0 }, b = { 0 };
    (void)state;
    clear();
    start_as(&a, "alice", at_a, NULL, 0);
    start_as(&b, "bob", at_b, NULL, EPODE_NO_PRESENCE);
    app_for(&a, 50);
    assert_string_equal(at_a, "");
    assert_int_equal(epode_presence_set(b.client, EPODE_SHOW_ONLINE, NULL, 0), EPODE_OK);
    both_until(strstr(at_a, "bob@localhost=0;"));
    done(&b);
    done(&a);
}

static void presence_for_one_alone_is_sent_and_withdrawn(void **state)
{
    app a = { 0 }, b = { 0 };
    char to[128];
    (void)state;
    server_say(&srv, "roster-put bob alice@localhost remove");
    server_say(&srv, "roster-put alice bob@localhost remove");
    clear();
    start_as(&a, "alice", at_a, NULL, 0);
    start_as(&b, "bob", at_b, NULL, 0);
    snprintf(to, sizeof to, "%s", epode_session_jid(epode_client_session(a.client)));
    assert_int_equal(epode_presence_send_to(b.client, to, EPODE_SHOW_DND, "only you"), EPODE_OK);
    both_until(strstr(at_a, "bob@localhost=4;"));
    assert_string_equal(bob(&a)->status, "only you");
    assert_int_equal(epode_presence_send_to(b.client, to, EPODE_SHOW_OFFLINE, NULL), EPODE_OK);
    both_until(strstr(at_a, "bob@localhost=5;"));
    assert_int_equal(epode_presence_send_to(b.client, "@", EPODE_SHOW_DND, NULL), EPODE_EINVAL);
    assert_int_equal(epode_presence_send_to(b.client, to, 6, NULL), EPODE_EINVAL);
    assert_int_equal(epode_presence_send_to(b.client, to, EPODE_SHOW_DND, "\x01"), EPODE_EINVAL);
    assert_int_equal(epode_presence_set(b.client, EPODE_SHOW_ONLINE, "\x01", 0), EPODE_EINVAL);
    assert_int_equal(epode_presence_set(b.client, EPODE_SHOW_ONLINE, NULL, 128), EPODE_EINVAL);
    assert_int_equal(epode_presence_set(b.client, -1, NULL, 0), EPODE_EINVAL);
    app_stop(&b, EPODE_STOP_CLOSE);
    assert_int_equal(epode_presence_send_to(b.client, to, EPODE_SHOW_DND, NULL), EPODE_ESTATE);
    app_close(&b);
    done(&a);
    server_say(&srv, "roster-put alice bob@localhost both");
    server_say(&srv, "roster-put bob alice@localhost both");
}

/* --- what they can do -------------------------------------------------------------------------------------- */

static void what_a_contact_can_do_is_asked_once_per_hash_and_kept(void **state)
{
    app a = { 0 }, b = { 0 };
    char jid[128];
    (void)state;
    clear();
    start_as(&a, "alice", at_a, "caps.db", 0);
    start_as(&b, "bob", at_b, NULL, 0);
    both_until(bob(&a));
    snprintf(jid, sizeof jid, "%s", bob(&a)->jid);
    assert_int_equal(epode_contact_has(a.client, jid, "urn:xmpp:receipts"), EPODE_AGAIN);
    assert_int_equal(epode_contact_has(a.client, jid, "urn:xmpp:ping"), EPODE_AGAIN);
    both_until(strstr(at_a, "bob@localhost?;"));
    assert_null(strstr(strstr(at_a, "?;") + 1, "?;"));
    assert_int_equal(epode_contact_has(a.client, jid, "urn:xmpp:receipts"), EPODE_OK);
    assert_int_equal(epode_contact_has(a.client, jid, "urn:xmpp:no"), EPODE_DONE);
    assert_int_equal(epode_contact_has(a.client, jid, NULL), EPODE_EINVAL);
    assert_int_equal(epode_contact_has(a.client, "@", "x"), EPODE_EINVAL);
    assert_int_equal(epode_contact_has(a.client, "bob@localhost/other", "x"), EPODE_ESTATE);
    done(&a);
    /* The next one has it from the store, and of everybody with the same software. */
    start_as(&a, "alice", at_a, "caps.db", 0);
    both_until(bob(&a));
    assert_int_equal(epode_contact_has(a.client, bob(&a)->jid, "urn:xmpp:receipts"), EPODE_OK);
    done(&b);
    done(&a);
}

static void an_answer_that_fits_no_hash_counts_for_its_giver_alone(void **state)
{
    app a = { 0 }, b = { 0 };
    char text[400];
    (void)state;
    clear();
    start_as(&a, "alice", at_a, NULL, 0);
    start_as(&b, "bob", at_b, NULL, EPODE_NO_PRESENCE);
    /* The node is ours, so that we answer; the hash is another. */
    say(&b, "<presence><c xmlns='http://jabber.org/protocol/caps' hash='md5' node='urn:x-epode' "
            "ver='Vm1ehsflE6DSO7WgxuG6c8gdND0='/></presence>");
    both_until(bob(&a));
    server_say(&srv, "stanza alice <presence from='carol@localhost/x'><c xmlns='http://jabber.org/protocol/caps' hash='md5' "
                     "node='urn:x-epode' ver='Vm1ehsflE6DSO7WgxuG6c8gdND0='/></presence>");
    both_until(epode_presence_at(a.client, "carol@localhost", 0));
    snprintf(text, sizeof text, "%s", bob(&a)->jid);
    assert_int_equal(epode_contact_has(a.client, text, "urn:xmpp:ping"), EPODE_AGAIN);
    both_until(strstr(at_a, "bob@localhost?;"));
    assert_int_equal(epode_contact_has(a.client, text, "urn:xmpp:ping"), EPODE_OK);
    /* Carol is asked herself, and is not there to answer. */
    assert_int_equal(epode_contact_has(a.client, "carol@localhost/x", "urn:xmpp:ping"), EPODE_AGAIN);
    both_until(strstr(at_a, "carol@localhost?;"));
    assert_int_equal(epode_contact_has(a.client, "carol@localhost/x", "urn:xmpp:ping"), EPODE_DONE);
    done(&b);
    done(&a);
}

/* --- chat states ------------------------------------------------------------------------------------------- */

static void chat_states_go_to_who_understands_and_once(void **state)
{
    app a = { 0 }, b = { 0 };
    char jid[128];
    (void)state;
    clear();
    start_as(&a, "alice", at_a, NULL, 0);
    start_as(&b, "bob", at_b, NULL, 0);
    both_until(bob(&a) && epode_presence_count(b.client, "alice@localhost"));
    /* Whether it understands is not known yet. */
    assert_int_equal(epode_chat_state_send(a.client, BOB, EPODE_CHAT_COMPOSING), EPODE_DONE);
    snprintf(jid, sizeof jid, "%s", bob(&a)->jid);
    assert_int_equal(epode_contact_has(a.client, jid, "http://jabber.org/protocol/chatstates"), EPODE_AGAIN);
    both_until(strstr(at_a, "bob@localhost?;"));
    assert_int_equal(epode_chat_state_send(a.client, BOB, EPODE_CHAT_COMPOSING), EPODE_OK);
    assert_int_equal(epode_chat_state_send(a.client, jid, EPODE_CHAT_COMPOSING), EPODE_DONE);
    assert_int_equal(epode_chat_state_send(a.client, jid, EPODE_CHAT_PAUSED), EPODE_OK);
    assert_int_equal(app_send(&a, BOB, "hello", NULL), EPODE_OK);
    assert_int_equal(epode_chat_state_send(a.client, BOB, EPODE_CHAT_ACTIVE), EPODE_DONE);
    assert_int_equal(epode_chat_state_send(a.client, BOB, EPODE_CHAT_COMPOSING), EPODE_OK);
    both_until(strstr(at_b, "alice@localhost~2;alice@localhost~3;alice@localhost~2;") && b.messages == 1);
    /* Who sent one understands them. */
    assert_int_equal(epode_chat_state_send(b.client, "alice@localhost", EPODE_CHAT_ACTIVE), EPODE_DONE);
    assert_int_equal(epode_chat_state_send(b.client, "alice@localhost", EPODE_CHAT_GONE), EPODE_OK);
    both_until(strstr(at_a, "bob@localhost~5;"));
    assert_int_equal(a.messages, 0);
    assert_int_equal(epode_chat_state_send(a.client, "carol@localhost", EPODE_CHAT_COMPOSING), EPODE_DONE);
    assert_int_equal(epode_chat_state_send(a.client, "@", EPODE_CHAT_COMPOSING), EPODE_EINVAL);
    assert_int_equal(epode_chat_state_send(a.client, BOB, 0), EPODE_EINVAL);
    app_stop(&a, EPODE_STOP_CLOSE);
    assert_int_equal(epode_chat_state_send(a.client, BOB, EPODE_CHAT_COMPOSING), EPODE_ESTATE);
    app_close(&a);
    done(&b);
}

static void states_of_the_past_and_of_errors_are_not_told(void **state)
{
#define STATE_OF(attrs, inside)                                                                                        \
    "stanza alice <message from='bob@localhost/x' to='alice@localhost' " attrs                                         \
    "><composing xmlns='http://jabber.org/protocol/chatstates'/>" inside "</message>"
    app a = { 0 };
    (void)state;
    clear();
    start_as(&a, "alice", at_a, NULL, 0);
    server_say(&srv, STATE_OF("type='chat'", "<delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>"));
    server_say(&srv, STATE_OF("type='error'", "<error type='cancel'/>"));
    server_say(&srv, STATE_OF("type='headline'", ""));
    server_say(&srv, STATE_OF("type='chat'", "<body>words</body>"));
    app_until(&a, 5000, a.messages);
    assert_string_equal(at_a, "bob@localhost~2;");
    done(&a);
}

/* --- avatars ----------------------------------------------------------------------------------------------- */

static void avatars_are_told_by_their_ids(void **state)
{
#define HASH "0123456789abcdef0123456789abcdef01234567"
#define EVENT(from, inside)                                                                                            \
    "stanza alice <message from='" from "' to='alice@localhost'><event xmlns='http://jabber.org/protocol/pubsub#event'>" \
    "<items node='urn:xmpp:avatar:metadata'><item id='x'>" inside "</item></items></event></message>"
    app a = { 0 };
    (void)state;
    clear();
    start_as(&a, "alice", at_a, NULL, 0);
    server_say(&srv, "stanza alice <presence from='bob@localhost/x'><x xmlns='vcard-temp:x:update'><photo>" HASH "</photo></x>"
                     "</presence>");
    server_say(&srv, "stanza alice <presence from='bob@localhost/x'><show>dnd</show><x xmlns='vcard-temp:x:update'><photo>"
                     HASH "</photo></x></presence>");
    server_say(&srv, "stanza alice <presence from='bob@localhost/x'><x xmlns='vcard-temp:x:update'><photo/></x></presence>");
    server_say(&srv, EVENT("bob@localhost", "<metadata xmlns='urn:xmpp:avatar:metadata'><info id='i1' bytes='1'/></metadata>"));
    server_say(&srv, EVENT("bob@localhost", "<metadata xmlns='urn:xmpp:avatar:metadata'/>"));
    server_say(&srv, EVENT("bob@localhost", "<metadata xmlns='urn:xmpp:avatar:metadata'><info/></metadata>"));
    server_say(&srv, EVENT("bob@localhost", "<other xmlns='urn:xmpp:avatar:metadata'/>"));
    server_say(&srv, EVENT("alice@localhost", "<metadata xmlns='urn:xmpp:avatar:metadata'><info id='i2'/></metadata>"));
    app_until(&a, 5000, strstr(at_a, "i2"));
    assert_string_equal(at_a, "bob@localhost=0;bob@localhost:" HASH ";bob@localhost=4;bob@localhost=0;bob@localhost:;"
                              "bob@localhost:i1;bob@localhost:;alice@localhost:i2;");
    done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_changes_and_goes_is_told),
        cmocka_unit_test(resources_stand_in_the_order_of_their_priority),
        cmocka_unit_test(resources_of_one_are_bounded),
        cmocka_unit_test(presence_of_rooms_and_of_nobody_is_passed_over),
        cmocka_unit_test(our_own_is_remembered_for_the_next_session),
        cmocka_unit_test(another_process_goes_on_with_our_own),
        cmocka_unit_test(a_resumed_session_knows_who_is_there_and_says_what_changed),
        cmocka_unit_test(another_process_that_resumes_knows_who_is_there),
        cmocka_unit_test(no_presence_is_sent_by_itself_where_none_is_wanted),
        cmocka_unit_test(presence_for_one_alone_is_sent_and_withdrawn),
        cmocka_unit_test(what_a_contact_can_do_is_asked_once_per_hash_and_kept),
        cmocka_unit_test(an_answer_that_fits_no_hash_counts_for_its_giver_alone),
        cmocka_unit_test(chat_states_go_to_who_understands_and_once),
        cmocka_unit_test(states_of_the_past_and_of_errors_are_not_told),
        cmocka_unit_test(avatars_are_told_by_their_ids),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
