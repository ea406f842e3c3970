/* test_sim_life.c: what happens to a client in a bad world, in virtual time: networks that come and go, links that die
 * without a word, servers that fall over, devices that sleep. Each scenario says how soon it recovers, how often it tried,
 * how often the device was woken, and that nothing was lost. */
#include "world.h"

static void online(world *w, world_client *c)
{
    (void)w;
    if (!world_until(w, 60 * SECONDS, &c->synced, 1))
        fail_msg("not online: %d %s", c->why, c->condition);
    world_run(w, 2 * SECONDS);
}

static void message(world *w, const char *body)
{
    world_say(w, "message bob@example.org alice@example.org %s", body);
}

static void has_once(world *w, int i, const char *body)
{
    unsigned n = world_count(w, i, body);
    if (n != 1)
        fail_msg("\"%s\" is there %u times", body, n);
}

static void ready_within(world *w, world_client *c, int64_t us)
{
    unsigned want = c->ready + 1;
    int64_t from = w->now_us;
    if (!world_until(w, us, &c->ready, want))
        fail_msg("not ready again in time: %d %s", c->why, c->condition);
    assert_true(w->now_us - from <= us);
}

/* A session is there, something was said in it, and the counters begin anew. */
static world_client *settled(world *w, void (*tune)(epode_options *o))
{
    world_begin(w);
    world_client *c = world_start(w, 0, tune);
    online(w, c);
    message(w, "before");
    world_run(w, 10 * SECONDS);
    has_once(w, 0, "before");
    w->connects = w->wakeups = 0;
    w->questions = 0;
    return c;
}

/* --- finding the server -------------------------------------------------------------------------------- */

static void all_is_well(world *w)
{
    world_begin(w);
    world_client *c = world_start(w, 0, NULL);
    ready_within(w, c, SECONDS);
    assert_int_equal(w->connects, 1);
}

static void ipv6_is_a_black_hole(world *w)
{
    w->srv[0] = (world_srv){ "xmpp.example.org", true, 0 };
    w->names[0] = (world_name){ "xmpp.example.org", "2001:db8::1 192.0.2.1" };
    w->hosts[0] = (world_host){ .address = "192.0.2.1" };
    world_begin(w);
    world_client *c = world_start(w, 0, NULL);
    ready_within(w, c, SECONDS);
    assert_int_equal(w->connects, 2);
}

static void three_targets(world *w, world_manner first, int64_t rtt_us)
{
    w->srv[0] = (world_srv){ "a.example.org", true, 1 };
    w->srv[1] = (world_srv){ "b.example.org", true, 2 };
    w->srv[2] = (world_srv){ "c.example.org", true, 3 };
    w->names[0] = (world_name){ "a.example.org", "192.0.2.1" };
    w->names[1] = (world_name){ "b.example.org", "192.0.2.2" };
    w->names[2] = (world_name){ "c.example.org", "192.0.2.3" };
    w->hosts[0] = (world_host){ .address = "192.0.2.1", .manner = first, .rtt_us = rtt_us };
    w->hosts[1] = (world_host){ .address = "192.0.2.2" };
    w->hosts[2] = (world_host){ .address = "192.0.2.3" };
    world_begin(w);
}

static void one_of_three_targets_refuses(world *w)
{
    three_targets(w, HOST_REFUSES, 0);
    ready_within(w, world_start(w, 0, NULL), SECONDS);
    assert_int_equal(w->connects, 2);
}

static void one_of_three_targets_is_a_black_hole(world *w)
{
    three_targets(w, HOST_BLACK_HOLE, 0);
    ready_within(w, world_start(w, 0, NULL), SECONDS);
    assert_int_equal(w->connects, 2);
}

static void one_of_three_targets_is_slow(world *w)
{
    three_targets(w, HOST_SERVES, 5 * SECONDS);
    ready_within(w, world_start(w, 0, NULL), 2 * SECONDS);
}

static void one_of_three_targets_is_silent_after_tcp(world *w)
{
    three_targets(w, HOST_SILENT, 0);
    ready_within(w, world_start(w, 0, NULL), 3 * SECONDS);
}

static void one_of_three_targets_resets(world *w)
{
    three_targets(w, HOST_RESETS, 0);
    ready_within(w, world_start(w, 0, NULL), SECONDS);
}

static void tls_fails_for_one_family_only(world *w)
{
    w->srv[0] = (world_srv){ "xmpp.example.org", true, 0 };
    w->names[0] = (world_name){ "xmpp.example.org", "2001:db8::1 192.0.2.1" };
    w->hosts[0] = (world_host){ .address = "192.0.2.1" };
    w->hosts[1] = (world_host){ .address = "2001:db8::1", .manner = HOST_RESETS };
    world_begin(w);
    ready_within(w, world_start(w, 0, NULL), SECONDS);
}

static void no_srv_records(world *w)
{
    w->srv[0] = (world_srv){ "nowhere", true, 0 };
    w->names[0] = (world_name){ "example.org", "192.0.2.1" };
    world_begin(w);
    w->srv[0].target = NULL;
    ready_within(w, world_start(w, 0, NULL), 2 * SECONDS);
}

static void dns_is_slow(world *w)
{
    w->dns_us = 4 * SECONDS;
    world_begin(w);
    ready_within(w, world_start(w, 0, NULL), 10 * SECONDS);
}

static void dns_fails_for_a_while(world *w)
{
    w->dns_fails = true;
    world_begin(w);
    world_client *c = world_start(w, 0, NULL);
    world_run(w, MINUTES);
    assert_int_equal(c->why, EPODE_EDNS);
    assert_int_equal(w->connects, 0);
    w->dns_fails = false;
    ready_within(w, c, 2 * MINUTES);
}

static void dns_fails_where_the_way_is_remembered(world *w)
{
    world_client *c = settled(w, NULL);
    w->dns_fails = true;
    world_run(w, HOURS); /* what is remembered is stale by then */
    world_reset(w);
    ready_within(w, c, 3 * SECONDS);
}

static void a_server_that_moved_is_found_anew(world *w)
{
    world_client *c = settled(w, NULL);
    w->names[0].addresses = "192.0.2.9";
    w->hosts[3] = (world_host){ .address = "192.0.2.9" };
    world_host_is(w, "192.0.2.1", HOST_BLACK_HOLE);
    world_run(w, HOURS);
    world_reset(w);
    ready_within(w, c, 5 * SECONDS);
}

static void the_line_takes_three_seconds_there_and_back(world *w)
{
    w->rtt_us = 3 * SECONDS;
    world_begin(w);
    world_client *c = world_start(w, 0, NULL);
    ready_within(w, c, 25 * SECONDS);
    world_run(w, MINUTES);
    world_reset(w);
    ready_within(w, c, 15 * SECONDS);
}

static void starttls_is_all_there_is(world *w)
{
    w->srv[0] = (world_srv){ "xmpp.example.org", false, 0 };
    w->names[0] = (world_name){ "xmpp.example.org", "192.0.2.1" };
    world_client *c = settled(w, NULL);
    world_reset(w);
    ready_within(w, c, 3 * SECONDS);
}

/* --- what does not answer ------------------------------------------------------------------------------ */

static void an_hour_of(world *w, world_manner manner, epode_status why)
{
    world_client *c = settled(w, NULL);
    world_host_is(w, "192.0.2.1", manner);
    world_reset(w);
    world_run(w, HOURS);
    assert_int_equal(c->ready, 1);
    assert_int_equal(c->stopped, 0);
    assert_int_equal(c->why, why);
    /* 1, 2, 4 ... 256 s and then five to ten minutes apart; deadlines come on top. A retry without what was guessed is
     * of the same attempt. */
    assert_in_range(w->connects, 8, 60);
    assert_true(w->wakeups < 400);
    world_host_is(w, "192.0.2.1", HOST_SERVES);
    message(w, "meanwhile");
    assert_int_equal(epode_client_hint(c->client, EPODE_HINT_NETWORK_CHANGED), EPODE_OK);
    ready_within(w, c, 3 * SECONDS);
    world_run(w, 10 * SECONDS);
    has_once(w, 0, "meanwhile");
}

static void an_hour_of_refusals(world *w)
{
    an_hour_of(w, HOST_REFUSES, EPODE_ECONNECT);
}

static void an_hour_of_a_black_hole(world *w)
{
    an_hour_of(w, HOST_BLACK_HOLE, EPODE_ETIMEOUT);
}

static void an_hour_of_silence(world *w)
{
    an_hour_of(w, HOST_SILENT, EPODE_ETIMEOUT);
}

static void an_hour_of_a_captive_portal(world *w)
{
    an_hour_of(w, HOST_PORTAL, EPODE_ETLS);
}

static void a_portal_that_opens_without_a_hint(world *w)
{
    world_client *c = settled(w, NULL);
    world_host_is(w, "192.0.2.1", HOST_PORTAL);
    world_reset(w);
    world_run(w, 10 * MINUTES);
    world_host_is(w, "192.0.2.1", HOST_SERVES);
    ready_within(w, c, 10 * MINUTES);
}

static void logins_that_fail_for_a_while(world *w)
{
    world_client *c = settled(w, NULL);
    world_say(w, "fault temporary-auth-failure on");
    world_say(w, "forget-sm");
    world_reset(w);
    world_run(w, HOURS);
    assert_int_equal(c->stopped, 0);
    assert_true(w->connects <= 60);
    world_say(w, "fault temporary-auth-failure off");
    ready_within(w, c, 10 * MINUTES);
}

static void an_hour_of_resets(world *w)
{
    an_hour_of(w, HOST_RESETS, EPODE_ECONNECT);
}

static void an_hour_without_a_network(world *w)
{
    world_client *c = settled(w, NULL);
    w->no_network = true;
    world_reset(w);
    world_run(w, HOURS);
    assert_int_equal(c->ready, 1);
    assert_in_range(w->connects, 8, 60);
    w->no_network = false;
    ready_within(w, c, 10 * MINUTES);
}

static void an_hour_without_a_network_and_a_hint_of_it(world *w)
{
    world_client *c = settled(w, NULL);
    w->no_network = true;
    assert_int_equal(epode_client_hint(c->client, EPODE_HINT_NETWORK_LOST), EPODE_OK);
    world_reset(w);
    world_run(w, HOURS);
    /* Every five minutes, should the hint have been wrong. */
    assert_true(w->connects <= 2 * 13);
    w->no_network = false;
    assert_int_equal(epode_client_hint(c->client, EPODE_HINT_NETWORK_CHANGED), EPODE_OK);
    ready_within(w, c, 2 * SECONDS);
}

/* --- cuts ---------------------------------------------------------------------------------------------- */

static void a_reset_is_resumed(world *w)
{
    world_client *c = settled(w, NULL);
    world_reset(w);
    message(w, "away");
    ready_within(w, c, 3 * SECONDS);
    assert_true(epode_session_is_resumed(epode_client_session(c->client)));
    world_run(w, SECONDS);
    has_once(w, 0, "away");
    assert_int_equal(w->connects, 1);
}

static void a_dead_link_is_found_soon_after_a_hint(world *w, epode_hint hint)
{
    world_client *c = settled(w, NULL);
    world_sever(w);
    message(w, "into the void");
    world_run(w, 20 * SECONDS);
    assert_int_equal(c->offline, 0);
    assert_int_equal(epode_client_hint(c->client, hint), EPODE_OK);
    if (!world_until(w, 10 * SECONDS, &c->offline, 1))
        fail_msg("not found within ten seconds");
    ready_within(w, c, 3 * SECONDS);
    assert_true(epode_session_is_resumed(epode_client_session(c->client)));
    world_run(w, 5 * SECONDS);
    has_once(w, 0, "into the void");
}

static void the_network_changed(world *w)
{
    a_dead_link_is_found_soon_after_a_hint(w, EPODE_HINT_NETWORK_CHANGED);
}

static void it_woke_up_with_a_dead_link(world *w)
{
    a_dead_link_is_found_soon_after_a_hint(w, EPODE_HINT_WOKE_UP);
}

static void the_user_looks_at_a_dead_link(world *w)
{
    a_dead_link_is_found_soon_after_a_hint(w, EPODE_HINT_FOREGROUND);
}

static void a_live_link_stands_a_hint(world *w)
{
    world_client *c = settled(w, NULL);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(epode_client_hint(c->client, EPODE_HINT_NETWORK_CHANGED), EPODE_OK);
        world_run(w, SECONDS);
    }
    assert_int_equal(c->offline, 0);
    assert_int_equal(w->connects, 0);
}

static void send_out(world *w, const char *body)
{
    epode_outgoing m = { .size = sizeof m, .to = "bob@example.org", .body = body };
    assert_int_equal(epode_send_message(w->clients[0].client, &m, NULL), EPODE_OK);
}

static unsigned archived(world *w, const char *body)
{
    char path[128], line[4096];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/dump", w->dir);
    world_say(w, "archive-dump bob@example.org %s", path);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        n += strstr(line, body) != NULL;
    fclose(f);
    return n;
}

/* XEP-0478, XEP-0203: what waited leaves with its time, and is larger by that. */
static void what_waited_may_become_too_large_for_the_server(world *w)
{
    char body[10000];
    unsigned offline;
    world_client *c;
    world_begin(w);
    world_say(w, "feature max-bytes 10000");
    c = world_start(w, 0, NULL);
    online(w, c);
    w->no_network = true;
    world_reset(w);
    world_run(w, MINUTES);
    for (size_t n = 9500; n < sizeof body; n += 20) {
        memset(body, 'x', n);
        body[n] = '\0';
        send_out(w, body);
    }
    world_run(w, MINUTES);
    w->no_network = false;
    offline = c->offline;
    ready_within(w, c, 10 * MINUTES);
    world_run(w, MINUTES);
    assert_int_equal(c->offline, offline);
    send_out(w, "behind them");
    world_run(w, SECONDS);
    assert_int_equal(archived(w, "behind them"), 1);
}

static void what_was_sent_into_a_dead_link_arrives_once(world *w)
{
    world_client *c = settled(w, NULL);
    world_sever(w);
    send_out(w, "unsent");
    /* Nobody confirms it: that is an answer that is missing. */
    if (!world_until(w, 35 * SECONDS, &c->offline, 1))
        fail_msg("not found within 35 seconds");
    ready_within(w, c, 5 * SECONDS);
    world_run(w, 10 * SECONDS);
    assert_int_equal(archived(w, "unsent"), 1);
}

static void what_was_sent_into_a_dead_link_arrives_once_after_a_hint(world *w)
{
    world_client *c = settled(w, NULL);
    world_sever(w);
    send_out(w, "unsent");
    assert_int_equal(epode_client_hint(c->client, EPODE_HINT_NETWORK_CHANGED), EPODE_OK);
    if (!world_until(w, 10 * SECONDS, &c->offline, 1))
        fail_msg("not found within ten seconds");
    ready_within(w, c, 5 * SECONDS);
    world_run(w, 10 * SECONDS);
    assert_int_equal(archived(w, "unsent"), 1);
}

static void a_dead_link_that_nobody_needs_is_found_by_the_kernel(world *w)
{
    world_client *c = settled(w, NULL);
    world_sever(w);
    message(w, "later");
    if (!world_until(w, 21 * MINUTES, &c->offline, 1))
        fail_msg("not found within 21 minutes");
    assert_true(w->wakeups <= 3);
    ready_within(w, c, 5 * SECONDS);
    world_run(w, 10 * SECONDS);
    has_once(w, 0, "later");
}

static void keepalive_of_a_minute(epode_options *o)
{
    o->keepalive_s = 60;
}

static void a_keepalive_finds_it_sooner(world *w)
{
    world_client *c = settled(w, keepalive_of_a_minute);
    world_run(w, 30 * SECONDS);
    world_sever(w);
    if (!world_until(w, 130 * SECONDS, &c->offline, 1))
        fail_msg("not found in time");
    ready_within(w, c, 5 * SECONDS);
}

static void the_server_restarts_softly(world *w)
{
    world_client *c = settled(w, NULL);
    world_say(w, "drop-connections soft");
    ready_within(w, c, 5 * SECONDS);
    message(w, "after");
    world_run(w, 5 * SECONDS);
    has_once(w, 0, "after");
}

static void the_server_restarts_and_knows_no_session(world *w)
{
    world_client *c = settled(w, NULL);
    world_host_is(w, "192.0.2.1", HOST_REFUSES);
    world_reset(w);
    world_say(w, "forget-sm");
    send_out(w, "during");
    message(w, "offline");
    world_run(w, 30 * SECONDS);
    world_host_is(w, "192.0.2.1", HOST_SERVES);
    ready_within(w, c, 70 * SECONDS);
    assert_false(epode_session_is_resumed(epode_client_session(c->client)));
    world_run(w, 20 * SECONDS);
    has_once(w, 0, "offline");
    assert_int_equal(archived(w, "during"), 1);
}

static void a_server_that_drops_everybody_is_not_stormed(world *w)
{
    world_client *c = settled(w, NULL);
    for (int64_t end = w->now_us + HOURS; w->now_us < end;) {
        world_reset(w);
        world_until(w, end - w->now_us, &c->ready, c->ready + 1);
    }
    assert_in_range(w->connects, 8, 30);
    assert_true(c->ready <= 31);
}

static void a_network_that_flaps_every_second_is_not_stormed(world *w)
{
    world_client *c = settled(w, NULL);
    for (int i = 0; i < 600; i++) {
        w->no_network = i % 2 == 0;
        if (w->no_network)
            world_reset(w);
        assert_int_equal(epode_client_hint(c->client, w->no_network ? EPODE_HINT_NETWORK_LOST : EPODE_HINT_NETWORK_CHANGED),
                         EPODE_OK);
        if (i % 60 == 0)
            message(w, "flap");
        world_run(w, SECONDS);
    }
    w->no_network = false;
    assert_int_equal(epode_client_hint(c->client, EPODE_HINT_NETWORK_CHANGED), EPODE_OK);
    assert_true(w->connects <= 60);
    world_run(w, MINUTES);
    assert_int_equal(epode_client_state(c->client), EPODE_READY);
    assert_int_equal(world_count(w, 0, "flap"), 10);
}

static void a_handover_changes_the_address(world *w)
{
    world_client *c = settled(w, NULL);
    for (int i = 0; i < 10; i++) {
        world_sever(w);
        send_out(w, "moving");
        message(w, "to the mover");
        assert_int_equal(epode_client_hint(c->client, EPODE_HINT_NETWORK_CHANGED), EPODE_OK);
        ready_within(w, c, 15 * SECONDS);
        world_run(w, MINUTES);
    }
    assert_int_equal(world_count(w, 0, "to the mover"), 10);
    assert_int_equal(archived(w, "moving"), 10);
}

static void a_hint_leaves_an_attempt_on_the_old_network(world *w)
{
    world_client *c = settled(w, NULL);
    world_host_is(w, "192.0.2.1", HOST_BLACK_HOLE);
    world_reset(w);
    world_run(w, 10 * SECONDS); /* an attempt hangs */
    world_host_is(w, "192.0.2.1", HOST_SERVES);
    assert_int_equal(epode_client_hint(c->client, EPODE_HINT_NETWORK_CHANGED), EPODE_OK);
    ready_within(w, c, 2 * SECONDS);
}

static void hints_of_every_kind_at_once_start_one_connect(world *w)
{
    world_client *c = settled(w, NULL);
    world_reset(w);
    world_run(w, 100000);
    for (int i = 0; i < 50; i++)
        for (int h = EPODE_HINT_NETWORK_CHANGED; h <= EPODE_HINT_LOW_MEMORY; h++)
            if (h != EPODE_HINT_NETWORK_LOST)
                assert_int_equal(epode_client_hint(c->client, (epode_hint)h), EPODE_OK);
    ready_within(w, c, 2 * SECONDS);
    world_run(w, MINUTES);
    assert_int_equal(w->connects, 1);
}

static void background_and_foreground_change_the_client_state_only(world *w)
{
    world_client *c = settled(w, NULL);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(epode_client_hint(c->client, i % 2 ? EPODE_HINT_FOREGROUND : EPODE_HINT_BACKGROUND), EPODE_OK);
        world_run(w, MINUTES);
    }
    assert_int_equal(c->offline, 0);
    assert_int_equal(srv_counter(w->server, "csi-inactive"), 10);
    assert_int_equal(srv_counter(w->server, "csi-active"), 10);
}

static void in_the_background_a_burst_is_confirmed_together(world *w)
{
    world_client *c = settled(w, NULL);
    long acks[2];
    for (int background = 0; background < 2; background++) {
        if (background)
            assert_int_equal(epode_client_hint(c->client, EPODE_HINT_BACKGROUND), EPODE_OK);
        world_run(w, 20 * SECONDS);
        long before = srv_counter(w->server, "a");
        for (int i = 0; i < 10; i++) {
            char body[16];
            snprintf(body, sizeof body, "burst %d.%d", background, i);
            message(w, body);
            world_run(w, 150000);
        }
        world_run(w, 20 * SECONDS);
        acks[background] = srv_counter(w->server, "a") - before;
    }
    has_once(w, 0, "burst 0.9");
    has_once(w, 0, "burst 1.9");
    /* One each is of the archive's answer, behind the burst; and the server asks once more when the first has come. */
    assert_int_equal(acks[0], 11);
    assert_int_equal(acks[1], 3);
    /* What waits to be confirmed goes with the first word that is said. */
    long before = srv_counter(w->server, "a");
    message(w, "one more");
    world_run(w, 500000);
    assert_int_equal(srv_counter(w->server, "a"), before);
    assert_int_equal(epode_client_hint(c->client, EPODE_HINT_FOREGROUND), EPODE_OK);
    world_run(w, 500000);
    assert_int_equal(srv_counter(w->server, "a"), before + 1);
}

static void in_the_background_one_request_is_on_its_way_at_a_time(world *w)
{
    world_client *c = settled(w, NULL);
    long asked[2];
    for (int background = 0; background < 2; background++) {
        if (background)
            assert_int_equal(epode_client_hint(c->client, EPODE_HINT_BACKGROUND), EPODE_OK);
        world_run(w, 20 * SECONDS);
        long before = srv_counter(w->server, "r");
        for (int i = 0; i < 10; i++) {
            epode_outgoing m = EPODE_OUTGOING_INIT;
            m.to = "bob@example.org";
            m.body = background ? "behind" : "before all";
            assert_int_equal(epode_send_message(c->client, &m, NULL), EPODE_OK);
            world_run(w, 4000);
        }
        world_run(w, SECONDS);
        asked[background] = srv_counter(w->server, "r") - before;
    }
    assert_int_equal(world_count(w, 0, "behind"), 10);
    assert_int_equal(asked[0], 10);
    assert_int_equal(asked[1], 2);
    /* All is confirmed: nothing is sent again by a session that is resumed. */
    long messages = srv_counter(w->server, "messages");
    world_reset(w);
    ready_within(w, c, 10 * SECONDS);
    world_run(w, 10 * SECONDS);
    assert_int_equal(srv_counter(w->server, "messages"), messages);
}

static void a_room_that_says_nothing_holds_up_nobody(world *w)
{
    world_client *c = settled(w, NULL);
    world_say(w, "room-create den");
    assert_int_equal(epode_room_join(c->client, "den@rooms.example.org", "al", NULL, 0), EPODE_OK);
    world_run(w, MINUTES);
    assert_int_equal(epode_client_stop(c->client, EPODE_STOP_CLOSE), EPODE_OK);
    world_run(w, 5 * SECONDS);
    world_say(w, "fault room-silent on");
    world_say(w, "room-say den@rooms.example.org bo said meanwhile");
    unsigned synced = c->synced;
    assert_int_equal(epode_client_start(c->client), EPODE_OK);
    assert_true(world_until(w, 12 * SECONDS, &c->synced, synced + 1));
    assert_false(epode_room_is_joined(epode_room_at(c->client, 0)));
    world_say(w, "fault room-silent off");
    for (int i = 0; i < 300 && !epode_room_is_joined(epode_room_at(c->client, 0)); i++) {
        synced = c->synced;
        world_run(w, SECONDS);
    }
    assert_true(epode_room_is_joined(epode_room_at(c->client, 0)));
    assert_true(world_until(w, 5 * SECONDS, &c->synced, synced + 1));
    assert_int_equal(world_count_in(w, 0, "den@rooms.example.org", "said meanwhile"), 1);
}

static void a_room_that_forgot_us_in_silence_is_joined_again_before_we_speak(world *w)
{
    world_client *c = settled(w, NULL);
    world_say(w, "room-create den");
    assert_int_equal(epode_room_join(c->client, "den@rooms.example.org", "al", NULL, 0), EPODE_OK);
    world_run(w, MINUTES);
    assert_true(epode_room_is_joined(epode_room_at(c->client, 0)));
    long pings = srv_counter(w->server, "self-pings");
    world_say(w, "room-forget den@rooms.example.org alice");
    world_say(w, "room-say den@rooms.example.org bo unheard");
    world_run(w, 11 * MINUTES);
    assert_int_equal(world_count_in(w, 0, "den@rooms.example.org", "unheard"), 0);
    epode_outgoing m = EPODE_OUTGOING_INIT;
    m.to = "den@rooms.example.org";
    m.type = "groupchat";
    m.body = "said after silence";
    assert_int_equal(epode_send_message(c->client, &m, NULL), EPODE_OK);
    world_run(w, MINUTES);
    assert_int_equal(srv_counter(w->server, "self-pings") - pings, 1);
    assert_int_equal(srv_counter(w->server, "room-joins"), 2);
    assert_int_equal(world_count_in(w, 0, "den@rooms.example.org", "unheard"), 1);
    assert_int_equal(world_count_in(w, 0, "den@rooms.example.org", "said after silence"), 1);
    assert_int_equal(w->connects, 0);
}

static void stopped_while_it_waits(world *w)
{
    world_client *c = settled(w, NULL);
    world_host_is(w, "192.0.2.1", HOST_REFUSES);
    world_reset(w);
    world_run(w, 20 * SECONDS);
    assert_int_equal(epode_client_stop(c->client, EPODE_STOP_RESUMABLE), EPODE_OK);
    world_run(w, SECONDS);
    w->connects = w->wakeups = 0;
    assert_int_equal(epode_client_hint(c->client, EPODE_HINT_NETWORK_CHANGED), EPODE_OK);
    world_run(w, HOURS);
    assert_int_equal(w->connects, 0);
    assert_true(w->wakeups <= 1);
    world_host_is(w, "192.0.2.1", HOST_SERVES);
    assert_int_equal(epode_client_start(c->client), EPODE_OK);
    ready_within(w, c, 2 * SECONDS);
}

/* --- sleep --------------------------------------------------------------------------------------------- */

/* The device sleeps: nothing runs, and no connection survives; after a while the server knows. */
static void sleep_for(world *w, int64_t us)
{
    int64_t until = w->now_us + us;
    world_sever(w);
    if (us > 10 * MINUTES) {
        w->now_us += 10 * MINUTES;
        world_server_gives_up(w);
    }
    w->now_us = until;
}

static void asleep(world *w, int64_t us, bool resumed)
{
    world_client *c = settled(w, NULL);
    message(w, "before sleep");
    world_run(w, 2 * SECONDS);
    world_sever(w);
    message(w, "in sleep");
    sleep_for(w, us);
    assert_int_equal(epode_client_hint(c->client, EPODE_HINT_WOKE_UP), EPODE_OK);
    ready_within(w, c, 15 * SECONDS);
    assert_int_equal(epode_session_is_resumed(epode_client_session(c->client)), resumed);
    world_run(w, 10 * SECONDS);
    has_once(w, 0, "before sleep");
    has_once(w, 0, "in sleep");
    assert_true(w->connects <= 3);
}

static void asleep_for_two_minutes(world *w)
{
    asleep(w, 2 * MINUTES, true);
}

static void asleep_for_an_hour(world *w)
{
    asleep(w, HOURS, false);
}

static void asleep_for_three_days(world *w)
{
    asleep(w, 72 * HOURS, false);
}

static void asleep_until_ticket_and_token_have_ended(world *w)
{
    asleep(w, 30 * 24 * HOURS, false);
}

static void asleep_for_a_moment_on_a_live_link(world *w)
{
    world_client *c = settled(w, NULL);
    message(w, "meanwhile");
    w->now_us += 40 * SECONDS; /* the kernel held the connection */
    assert_int_equal(epode_client_hint(c->client, EPODE_HINT_WOKE_UP), EPODE_OK);
    world_run(w, MINUTES);
    assert_int_equal(c->offline, 0);
    assert_int_equal(w->connects, 0);
    has_once(w, 0, "meanwhile");
}

static void the_calendar_jumps(world *w, int64_t ms)
{
    world_client *c = settled(w, NULL);
    w->skew_ms += ms;
    message(w, "after the jump");
    world_run(w, 10 * MINUTES);
    assert_int_equal(c->offline, 0);
    has_once(w, 0, "after the jump");
    world_reset(w);
    ready_within(w, c, 5 * SECONDS);
}

static void the_calendar_jumps_back_a_day(world *w)
{
    the_calendar_jumps(w, -24 * 3600 * INT64_C(1000));
}

static void the_calendar_jumps_forward_a_day(world *w)
{
    the_calendar_jumps(w, 24 * 3600 * INT64_C(1000));
}

static void the_calendar_jumps_forward_a_year(world *w)
{
    the_calendar_jumps(w, 365 * 24 * 3600 * INT64_C(1000));
}

/* --- idle ---------------------------------------------------------------------------------------------- */

static void an_hour_of_nothing_wakes_nobody(world *w)
{
    world_begin(w);
    world_say(w, "feature idle-seconds 0");
    world_client *c = world_start(w, 0, NULL);
    online(w, c);
    world_run(w, 5 * MINUTES);
    w->wakeups = 0;
    world_run(w, HOURS);
    assert_int_equal(w->wakeups, 0);
    assert_int_equal(c->offline, 0);
}

static void a_server_that_ends_idle_streams_hears_of_us_in_time(world *w)
{
    world_begin(w);
    world_say(w, "feature idle-seconds 840");
    world_client *c = world_start(w, 0, NULL);
    online(w, c);
    w->wakeups = 0;
    world_run(w, HOURS);
    /* One write at 756 s, four times an hour. */
    assert_in_range(w->wakeups, 4, 6);
    assert_int_equal(c->offline, 0);
}

static void keepalive_of_five_minutes(epode_options *o)
{
    o->keepalive_s = 300;
}

static void a_keepalive_costs_what_it_says(world *w)
{
    world_begin(w);
    world_say(w, "feature idle-seconds 0");
    world_client *c = world_start(w, 0, keepalive_of_five_minutes);
    online(w, c);
    w->wakeups = 0;
    world_run(w, HOURS);
    assert_in_range(w->wakeups, 20, 40); /* twelve questions, twelve answers */
    assert_int_equal(c->offline, 0);
}

/* --- what is final -------------------------------------------------------------------------------------- */

static void wrong_password(epode_options *o)
{
    o->password = "wrong";
}

static void a_wrong_password_is_tried_once(world *w)
{
    world_begin(w);
    world_client *c = world_start(w, 0, wrong_password);
    world_run(w, HOURS);
    assert_int_equal(c->stopped, 1);
    assert_int_equal(c->why, EPODE_EAUTH);
    assert_int_equal(w->connects, 1);
    for (int i = 0; i < 10; i++)
        assert_int_equal(epode_client_hint(c->client, EPODE_HINT_NETWORK_CHANGED), EPODE_OK);
    world_run(w, HOURS);
    assert_int_equal(w->connects, 1);
}

static void same_resource(epode_options *o)
{
    o->jid = "alice@example.org/one";
}

static void a_conflict_ends_it_for_good(world *w)
{
    world_begin(w);
    world_say(w, "feature bind2 off");
    world_client *c = world_start(w, 0, same_resource);
    online(w, c);
    world_client *other = world_start(w, 1, same_resource);
    online(w, other);
    world_run(w, HOURS);
    assert_int_equal(c->stopped, 1);
    assert_int_equal(c->why, EPODE_ECONFLICT);
    assert_int_equal(other->offline, 0);
}

/* --- errands -------------------------------------------------------------------------------------------- */

static world_client *suspended(world *w, int64_t rtt_us)
{
    w->rtt_us = rtt_us;
    world_client *c = settled(w, NULL);
    assert_int_equal(epode_client_suspend(c->client), EPODE_OK);
    world_run(w, MINUTES);
    return c;
}

static void an_errand_of_500_messages_in_20_seconds(world *w)
{
    world_client *c = suspended(w, 200000);
    world_say(w, "forget-sm");
    world_say(w, "archive-add alice@example.org bob@example.org 500");
    int64_t from = w->now_us;
    assert_int_equal(epode_client_fetch(c->client, 20000), EPODE_OK);
    if (!world_until(w, 20 * SECONDS, &c->fetched, 1))
        fail_msg("not over in time");
    assert_true(c->fetched_all && w->now_us - from <= 20 * SECONDS);
    assert_int_equal(epode_client_resume(c->client), EPODE_OK);
    epode_query q = EPODE_QUERY_INIT;
    epode_cursor *cursor;
    const epode_message *m;
    unsigned n = 0;
    assert_int_equal(epode_store_messages(epode_client_store(c->client), &q, &cursor), EPODE_OK);
    while (epode_cursor_next(cursor, &m) == EPODE_OK)
        n++;
    epode_cursor_free(cursor);
    assert_int_equal(n, 501);
}

static void an_errand_of_one_second_ends_in_it(world *w)
{
    world_client *c = suspended(w, 200000);
    world_say(w, "forget-sm");
    world_say(w, "archive-add alice@example.org bob@example.org 500");
    int64_t from = w->now_us;
    assert_int_equal(epode_client_fetch(c->client, 1000), EPODE_OK);
    if (!world_until(w, SECONDS, &c->fetched, 1))
        fail_msg("not over in time");
    assert_true(w->now_us - from <= SECONDS);
    world_run(w, MINUTES);
    assert_int_equal(epode_client_fetch(c->client, 20000), EPODE_OK);
    assert_true(world_until(w, 20 * SECONDS, &c->fetched, 2));
    assert_true(c->fetched_all);
}

static void an_errand_without_a_network_ends_in_time(world *w)
{
    world_client *c = suspended(w, 50000);
    w->no_network = true;
    assert_int_equal(epode_client_fetch(c->client, 5000), EPODE_OK);
    assert_true(world_until(w, 5 * SECONDS, &c->fetched, 1));
    assert_false(c->fetched_all);
    unsigned connects = w->connects;
    world_run(w, HOURS);
    assert_int_equal(w->connects, connects);
}

static void suspended_over_a_restart_of_the_server(world *w)
{
    world_client *c = suspended(w, 50000);
    world_say(w, "forget-sm");
    message(w, "while suspended");
    w->wakeups = 0;
    world_run(w, HOURS);
    assert_int_equal(w->wakeups, 0);
    assert_int_equal(epode_client_resume(c->client), EPODE_OK);
    ready_within(w, c, 2 * SECONDS);
    world_run(w, 10 * SECONDS);
    has_once(w, 0, "while suspended");
}

/* --- two devices ---------------------------------------------------------------------------------------- */

static void a_hundred_reconnects_of_two_devices_that_write(world *w)
{
    world_client *c = settled(w, NULL);
    world_client *other = world_start(w, 1, NULL);
    online(w, other);
    for (int i = 0; i < 100; i++) {
        char body[32];
        snprintf(body, sizeof body, "one %d.", i);
        send_out(w, body);
        snprintf(body, sizeof body, "two %d.", i);
        epode_outgoing m = { .size = sizeof m, .to = "bob@example.org", .body = body };
        assert_int_equal(epode_send_message(other->client, &m, NULL), EPODE_OK);
        i % 3 ? world_reset(w) : world_sever(w);
        assert_int_equal(epode_client_hint(c->client, EPODE_HINT_NETWORK_CHANGED), EPODE_OK);
        assert_int_equal(epode_client_hint(other->client, EPODE_HINT_NETWORK_CHANGED), EPODE_OK);
        world_run(w, 45 * SECONDS);
    }
    world_run(w, 5 * MINUTES);
    for (int i = 0; i < 100; i++)
        for (int who = 0; who < 2; who++) {
            char body[32];
            snprintf(body, sizeof body, "%s %d.", who ? "two" : "one", i);
            assert_int_equal(archived(w, body), 1);
            has_once(w, 0, body);
            has_once(w, 1, body);
        }
}

#define SCENARIO(name, promise) { #name, promise, name }
static const struct {
    const char *name, *promise; /* the promise is what the scenario asserts, in words; docs/life.md shows both */
    void (*play)(world *w);
} scenarios[] = {
    SCENARIO(all_is_well,
             "ready within a second, one connect"),
    SCENARIO(ipv6_is_a_black_hole,
             "IPv4 is tried after 250 ms; ready within a second"),
    SCENARIO(one_of_three_targets_refuses,
             "the next one, at once"),
    SCENARIO(one_of_three_targets_is_a_black_hole,
             "the next one after 250 ms; ready within a second"),
    SCENARIO(one_of_three_targets_is_slow,
             "a faster one wins; ready within 2 s"),
    SCENARIO(one_of_three_targets_is_silent_after_tcp,
             "TLS is the finish line: another one wins within 3 s"),
    SCENARIO(one_of_three_targets_resets,
             "the next one, at once"),
    SCENARIO(tls_fails_for_one_family_only,
             "the other family, within a second"),
    SCENARIO(no_srv_records,
             "the domain itself, port 5222, STARTTLS"),
    SCENARIO(dns_is_slow,
             "waited for; ready within 10 s"),
    SCENARIO(dns_fails_for_a_while,
             "EPODE_EDNS, tried again; ready within 2 min of its return"),
    SCENARIO(dns_fails_where_the_way_is_remembered,
             "the old addresses are used; ready within 3 s"),
    SCENARIO(a_server_that_moved_is_found_anew,
             "stale addresses race with fresh ones; ready within 5 s"),
    SCENARIO(the_line_takes_three_seconds_there_and_back,
             "cold within 25 s, again within 15 s"),
    SCENARIO(starttls_is_all_there_is,
             "ready again within 3 s"),
    SCENARIO(an_hour_of_refusals,
             "8 to 60 connects in the hour; ready within 3 s of a hint; what came meanwhile is there once"),
    SCENARIO(an_hour_of_a_black_hole,
             "the same"),
    SCENARIO(an_hour_of_silence,
             "the same"),
    SCENARIO(an_hour_of_a_captive_portal,
             "the same; EPODE_ETLS"),
    SCENARIO(a_portal_that_opens_without_a_hint,
             "ready within 10 min"),
    SCENARIO(logins_that_fail_for_a_while,
             "a temporary failure is not final; at most 60 connects in the hour"),
    SCENARIO(an_hour_of_resets,
             "as of refusals"),
    SCENARIO(an_hour_without_a_network,
             "8 to 60 attempts; ready within 10 min of its return"),
    SCENARIO(an_hour_without_a_network_and_a_hint_of_it,
             "one attempt in five minutes; ready within 2 s of the hint that it is back"),
    SCENARIO(a_reset_is_resumed,
             "resumed within 3 s by one connect; what came meanwhile is there once"),
    SCENARIO(the_network_changed,
             "a dead link is found within 10 s of the hint, and resumed"),
    SCENARIO(it_woke_up_with_a_dead_link,
             "the same"),
    SCENARIO(the_user_looks_at_a_dead_link,
             "the same"),
    SCENARIO(a_live_link_stands_a_hint,
             "a hundred hints: no reconnect"),
    SCENARIO(what_waited_may_become_too_large_for_the_server,
             "it fails by itself; the stream and what stands behind it go on"),
    SCENARIO(what_was_sent_into_a_dead_link_arrives_once,
             "the missing confirmation shows it within 35 s; it arrives once"),
    SCENARIO(what_was_sent_into_a_dead_link_arrives_once_after_a_hint,
             "within 10 s; it arrives once"),
    SCENARIO(a_dead_link_that_nobody_needs_is_found_by_the_kernel,
             "within 21 min, without a wake-up of ours"),
    SCENARIO(a_keepalive_finds_it_sooner,
             "keepalive of 60 s: within 130 s"),
    SCENARIO(the_server_restarts_softly,
             "ready again within 5 s"),
    SCENARIO(the_server_restarts_and_knows_no_session,
             "a new session; what came and what was sent is there once"),
    SCENARIO(a_server_that_drops_everybody_is_not_stormed,
             "short sessions count as failures: 8 to 30 connects in an hour"),
    SCENARIO(a_network_that_flaps_every_second_is_not_stormed,
             "ten minutes of it: at most 60 connects; nothing lost"),
    SCENARIO(a_handover_changes_the_address,
             "ten times: ready within 15 s each; nothing lost or doubled in either direction"),
    SCENARIO(a_hint_leaves_an_attempt_on_the_old_network,
             "the attempt is given up; ready within 2 s"),
    SCENARIO(hints_of_every_kind_at_once_start_one_connect,
             "300 hints: one connect"),
    SCENARIO(background_and_foreground_change_the_client_state_only,
             "client state follows; no reconnect"),
    SCENARIO(in_the_background_a_burst_is_confirmed_together,
             "ten messages in 1.5 s: 11 acknowledgements in the foreground, 3 in the background"),
    SCENARIO(in_the_background_one_request_is_on_its_way_at_a_time,
             "ten messages of ours in 40 ms: 10 requests in the foreground, 2 in the background; all confirmed"),
    SCENARIO(a_room_that_says_nothing_holds_up_nobody,
             "synced without it within 12 s, and again when it has let us in; nothing lost"),
    SCENARIO(a_room_that_forgot_us_in_silence_is_joined_again_before_we_speak,
             "after eleven minutes one self-ping, before our message: joined again, nothing lost or doubled"),
    SCENARIO(stopped_while_it_waits,
             "no connect any more; ready within 2 s of the next start"),
    SCENARIO(asleep_for_a_moment_on_a_live_link,
             "the connection stands"),
    SCENARIO(asleep_for_two_minutes,
             "resumed within 15 s of waking"),
    SCENARIO(asleep_for_an_hour,
             "a new session within 15 s; nothing lost"),
    SCENARIO(asleep_for_three_days,
             "the same"),
    SCENARIO(asleep_until_ticket_and_token_have_ended,
             "30 days: the password, within 15 s; nothing lost"),
    SCENARIO(the_calendar_jumps_back_a_day,
             "nothing happens; the next reconnect works"),
    SCENARIO(the_calendar_jumps_forward_a_day,
             "the same"),
    SCENARIO(the_calendar_jumps_forward_a_year,
             "the same"),
    SCENARIO(an_hour_of_nothing_wakes_nobody,
             "0 wake-ups"),
    SCENARIO(a_server_that_ends_idle_streams_hears_of_us_in_time,
             "idle after 840 s: one small write every 756 s"),
    SCENARIO(a_keepalive_costs_what_it_says,
             "300 s: twelve questions and answers in the hour"),
    SCENARIO(a_wrong_password_is_tried_once,
             "final: one connect in two hours, hints or not"),
    SCENARIO(a_conflict_ends_it_for_good,
             "final; the other one stays"),
    SCENARIO(an_errand_of_500_messages_in_20_seconds,
             "200 ms line: all of them, in time"),
    SCENARIO(an_errand_of_one_second_ends_in_it,
             "over in time; the next one brings the rest"),
    SCENARIO(an_errand_without_a_network_ends_in_time,
             "over in time; no connect afterwards"),
    SCENARIO(suspended_over_a_restart_of_the_server,
             "0 wake-ups in the hour; nothing lost"),
    SCENARIO(a_hundred_reconnects_of_two_devices_that_write,
             "every message of either is in both stores and in the archive once"),
};

static void play(void **state)
{
    static world w;
    size_t i = (size_t)(uintptr_t)*state;
    memset(&w, 0, sizeof w);
    scenarios[i].play(&w);
    print_message("[   LIFE   ] %s: %u connects, %u wake-ups, %llu questions\n", scenarios[i].name, w.connects, w.wakeups,
                  (unsigned long long)w.questions);
    world_end(&w);
}

static void write_page(FILE *f)
{
    fputs("# What happens when\n\n"
          "Each row is played in virtual time by whole clients against the reference server (`tests/sim/test_sim_life.c`): the\n"
          "poller, sockets, DNS and the calendar are simulated, everything else is real. The promise is what the scenario\n"
          "asserts. This page is made from its table.\n\n"
          "| when | then |\n|---|---|\n", f);
    for (size_t i = 0; i < COUNT(scenarios); i++) {
        fputs("| ", f);
        for (const char *c = scenarios[i].name; *c; c++)
            fputc(*c == '_' ? ' ' : *c, f);
        fprintf(f, " | %s |\n", scenarios[i].promise);
    }
}

static void the_page_says_the_same(void **state)
{
    char *want = NULL, have[32768];
    size_t n = 0;
    (void)state;
    FILE *f = open_memstream(&want, &n);
    write_page(f);
    fclose(f);
    f = fopen(EPODE_SOURCE_DIR "/docs/life.md", "r");
    assert_non_null(f);
    have[fread(have, 1, sizeof have - 1, f)] = '\0';
    fclose(f);
    if (strcmp(have, want) != 0)
        fail_msg("docs/life.md is of another day: test_sim_life --write docs/life.md");
    free(want);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[COUNT(scenarios) + 1];
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        FILE *f = fopen(argv[2], "w");
        if (!f)
            return 1;
        write_page(f);
        return fclose(f) != 0;
    }
    for (size_t i = 0; i < COUNT(scenarios); i++)
        tests[i] = (struct CMUnitTest){ .name = scenarios[i].name, .test_func = play,
                                        .initial_state = (void *)(uintptr_t)i };
    tests[COUNT(scenarios)] = (struct CMUnitTest)cmocka_unit_test(the_page_says_the_same);
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
