/* test_stream.c: the engine where a dialogue does not reach: failing memory, failing callbacks,
 * limits, states. */
#include "../support/check.h"

#include "../support/rig.h"
#include "stream/starttls.h"

#define HEADER                                                                                     \
    "<?xml version='1.0'?><stream:stream id='1' from='localhost' version='1.0' "                   \
    "xmlns='jabber:client' "                                                                       \
    "xmlns:stream='http://etherx.jabber.org/streams'>"
#define SASL2                                                                                      \
    "<stream:features><authentication "                                                            \
    "xmlns='urn:xmpp:sasl:2'><mechanism>PLAIN</mechanism><inline><bind "                           \
    "xmlns='urn:xmpp:bind:0'><inline><feature var='urn:xmpp:sm:3'/><feature "                      \
    "var='urn:xmpp:carbons:2'/></inline></bind>"                                                   \
    "<fast "                                                                                       \
    "xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-EXPR</mechanism></fast></inline></"             \
    "authentication>"                                                                              \
    "<config-version xmlns='urn:xmpp:iap:0' value='v1'/><c "                                       \
    "xmlns='http://jabber.org/protocol/caps' node='n' "                                            \
    "ver='v' hash='h'/></stream:features>"
#define SUCCESS                                                                                    \
    "<success xmlns='urn:xmpp:sasl:2'><bound xmlns='urn:xmpp:bind:0'><enabled id='i' resume='1' "  \
    "xmlns='urn:xmpp:sm:3'/>"                                                                      \
    "</bound><token xmlns='urn:xmpp:fast:0' token='t' "                                            \
    "expiry='e'/><authorization-identifier>alice@localhost/x"                                      \
    "</authorization-identifier></success>"
#define LIVE                                                                                       \
    "<stream:features><csi xmlns='urn:xmpp:csi:0'/></stream:features><message id='m'/><r "         \
    "xmlns='urn:xmpp:sm:3'/>"                                                                      \
    "<a xmlns='urn:xmpp:sm:3' h='0'/>"

static void plain_rig(rig *r)
{
    memset(r, 0, sizeof *r);
    rig_config(&r->c);
    r->c.policy.allow_plain = true;
}

static epode_status play(rig *r)
{
    static const char *const said[] = { HEADER SASL2, SUCCESS, LIVE };
    epode_status st = rig_start(r);
    for (size_t i = 0; !st && i < COUNT(said); i++)
        st = rig_feed(r, said[i], strlen(said[i]));
    return st;
}

typedef struct memory_case {
    const ep_features *remembered;
    const ep_scram_keys *keys;
} memory_case;

static bool log_in(void *user)
{
    const memory_case *m = user;
    rig r;
    char password[] = "alice-pw", token[] = "secret-token";
    plain_rig(&r);
    r.c.password = password;
    r.c.token = token;
    r.c.facts.features = r.c.facts.session_features = m->remembered;
    r.c.facts.keys = m->keys;
    epode_status st = play(&r);
    assert_true(!st || st == EPODE_ENOMEM);
    assert_true(r.readies <= 1 && r.ends <= 1);
    /* What the caller lent is the caller's, and as it was. */
    assert_string_equal(password, "alice-pw");
    assert_string_equal(token, "secret-token");
    bool ok = !st && r.readies == 1 && !r.log.failed && !r.out.failed;
    rig_free(&r);
    return ok;
}

static void every_allocation_of_a_login_may_fail(void **state)
{
    (void)state;
    static const char text[] =
        "<features xmlns='http://etherx.jabber.org/streams'><config-version "
        "xmlns='urn:xmpp:iap:0' value='v1'/><c xmlns='http://jabber.org/protocol/caps' node='n' "
        "ver='v' hash='h'/></features>";
    ep_features f;
    ep_scram_keys keys = { .mechanism = "SCRAM-SHA-1" };
    assert_int_equal(ep_features_parse(&f, text, strlen(text)), EPODE_OK);
    memory_case cases[] = { { NULL, NULL }, { &f, &keys } };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true(fail_each_allocation(log_in, &cases[i]) > 50);
    ep_features_free(&f);
}

/* Callbacks that fail, one after the other. */
static epode_status refuse_token(void *user, const char *t, const char *e, const ep_sasl_mech *m)
{
    (void)user, (void)t, (void)e, (void)m;
    return EPODE_ESTORE_FULL;
}

static epode_status refuse_bound(void *user, const char *j, ep_bind_kind k,
                                 const ep_archive_ends *e)
{
    (void)user, (void)j, (void)k, (void)e;
    return EPODE_ESTORE_FULL;
}

static epode_status refuse_enabled(void *user, const ep_sm_enabled *sm)
{
    (void)user, (void)sm;
    return EPODE_ESTORE_FULL;
}

static epode_status refuse(void *user)
{
    (void)user;
    return EPODE_ESTORE_FULL;
}

static epode_status refuse_stanza(void *user, ep_elem *e, uint32_t h)
{
    (void)user, (void)e, (void)h;
    return EPODE_ESTORE_FULL;
}

static epode_status refuse_acked(void *user, uint64_t n)
{
    (void)user, (void)n;
    return EPODE_ESTORE_FULL;
}

static void an_owner_that_fails_ends_the_stream_with_its_status(void **state)
{
    (void)state;
    for (int which = 0; which < 7; which++) {
        rig r;
        ep_stream_events ev = rig_events;
        plain_rig(&r);
        switch (which) {
        case 0:
            ev.token = refuse_token;
            break;
        case 1:
            ev.bound = refuse_bound;
            break;
        case 2:
            ev.sm_enabled = refuse_enabled;
            break;
        case 3:
            ev.ready = refuse;
            break;
        case 4:
            ev.stanza = refuse_stanza;
            break;
        case 5:
            ev.ack_wanted = refuse;
            break;
        default:
            ev.acked = refuse_acked;
            break;
        }
        assert_int_equal(ep_stream_new(&r.s, &r.c, &ev, &r, NULL, NULL), EPODE_OK);
        assert_int_equal(ep_stream_start(r.s, 0), EPODE_OK);
        assert_int_equal(rig_feed(&r, HEADER SASL2, strlen(HEADER SASL2)), EPODE_OK);
        epode_status st = rig_feed(&r, SUCCESS LIVE, strlen(SUCCESS LIVE));
        assert_int_equal(st, EPODE_ESTORE_FULL);
        assert_int_equal(ep_stream_state_of(r.s), EP_S_CLOSED);
        assert_int_equal(r.readies, which >= 4);
        assert_int_equal(rig_feed(&r, LIVE, strlen(LIVE)), EPODE_ESTORE_FULL);
        rig_free(&r);
    }
}

static void an_owner_may_listen_to_nothing(void **state)
{
    (void)state;
    rig r;
    ep_stream_events none = { 0 };
    plain_rig(&r);
    assert_int_equal(ep_stream_new(&r.s, &r.c, &none, NULL, NULL, NULL), EPODE_OK);
    assert_int_equal(ep_stream_start(r.s, 0), EPODE_OK);
    assert_int_equal(ep_stream_start(r.s, 0), EPODE_ESTATE);
    assert_int_equal(rig_feed(&r, HEADER SASL2 SUCCESS LIVE, strlen(HEADER SASL2 SUCCESS LIVE)),
                     EPODE_OK);
    assert_int_equal(ep_stream_state_of(r.s), EP_S_READY);
    assert_string_equal(ep_stream_jid(r.s), "alice@localhost/x");
    assert_int_equal(ep_stream_bind_kind(r.s), EP_BIND_BIND2);
    assert_string_equal(ep_stream_mech(r.s)->name, "PLAIN");
    assert_int_equal(ep_stream_token_use(r.s), EP_TOKEN_NEW);
    assert_int_equal(ep_stream_next_out(r.s), 1);
    assert_non_null(ep_stream_features(r.s, false));
    assert_non_null(ep_stream_features(r.s, true));
    rig_free(&r);
}

static void limits_of_the_stream_are_typed_errors(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "<message><body>",
        "<a><a><a><a><a><a><a><a><a><a>",
        "<message a='1' b='2' c='3'/>",
        "<!DOCTYPE x>",
        "<!-- x -->",
        "<?x y?>",
        "<message>&x;</message>",
        "<message></iq>",
        "text",
        "<x:message/>",
        "\xff",
    };
    for (size_t i = 0; i < COUNT(parts); i++) {
        rig r;
        plain_rig(&r);
        r.c.limits =
            (ep_xml_limits){ .max_depth = 8, .max_stanza_bytes = 4096, .max_token_bytes = 8192 };
        if (i == 2)
            r.c.limits.max_attrs = 2;
        epode_status st = i == 2 ? EPODE_ELIMIT : play(&r);
        if (i == 2) {
            st = rig_start(&r);
            const char *bare = "<stream:stream xmlns='jabber:client' "
                               "xmlns:stream='http://etherx.jabber.org/streams'>"
                               "<message a='1' b='2' c='3'/>";
            st = rig_feed(&r, bare, strlen(bare));
        } else {
            assert_int_equal(st, EPODE_OK);
            st = rig_feed(&r, parts[i], strlen(parts[i]));
            for (int k = 0; i == 0 && !st && k < 200; k++)
                st = rig_feed(&r, "0123456789012345678901234567890123456789", 40);
        }
        assert_int_equal(st, i <= 2 ? EPODE_ELIMIT : EPODE_EPROTO);
        assert_int_equal(r.ends, 1);
        assert_int_equal(ep_stream_state_of(r.s), EP_S_CLOSED);
        rig_free(&r);
    }
}

typedef struct walk {
    char path[4096];
    bool bug;
} walk;

static void note_state(int level, const char *area, const char *line, void *user)
{
    (void)area;
    walk *w = user;
    if (level == EP_LOG_ERROR)
        w->bug = true;
    if (strstr(line, " -> "))
        snprintf(w->path + strlen(w->path), sizeof w->path - strlen(w->path), "%s;", line);
}

static void a_login_goes_through_its_states_in_order(void **state)
{
    (void)state;
    rig r;
    walk w = { 0 };
    ep_log log = { .level = EP_LOG_DEBUG, .write = note_state, .user = &w };
    plain_rig(&r);
    assert_int_equal(ep_stream_new(&r.s, &r.c, &rig_events, &r, &log, NULL), EPODE_OK);
    ep_stream_start(r.s, 0);
    rig_feed(&r, HEADER SASL2 SUCCESS LIVE, strlen(HEADER SASL2 SUCCESS LIVE));
    assert_int_equal(ep_stream_close(r.s), EPODE_OK);
    assert_int_equal(ep_stream_close(r.s), EPODE_ESTATE);
    assert_int_equal(rig_feed(&r, "</stream:stream>", 16), EPODE_DONE);
    ep_stream_cut(r.s);
    assert_string_equal(w.path, "idle -> header;header -> features;features -> authentication;"
                                "authentication -> ready;ready -> closing;closing -> closed;");
    assert_false(w.bug);
    rig_free(&r);
}

/* XEP-0305, 5: its features came with the server's part of the handshake, before our header has left. */
static void features_that_are_there_first_are_answered_in_the_first_flight(void **state)
{
    (void)state;
    rig r;
    const ep_flight *flights;
    plain_rig(&r);
    assert_int_equal(ep_stream_new(&r.s, &r.c, &rig_events, &r, NULL, NULL), EPODE_OK);
    assert_int_equal(ep_stream_start(r.s, 0), EPODE_OK);
    assert_int_equal(ep_stream_feed(r.s, HEADER SASL2, strlen(HEADER SASL2), 0), EPODE_OK);
    rig_take(&r);
    assert_non_null(strstr(ep_buf_cstr(&r.out), "<authenticate"));
    assert_int_equal(rig_feed(&r, SUCCESS, strlen(SUCCESS)), EPODE_OK);
    assert_int_equal(ep_stream_waits(r.s), 1);
    assert_int_equal(ep_stream_flights(r.s, &flights), 1);
    assert_int_equal(flights[0].steps, EP_STEP_HEADER | EP_STEP_AUTH);
    rig_free(&r);
}

static void nothing_can_be_sent_before_ready(void **state)
{
    (void)state;
    rig r;
    plain_rig(&r);
    rig_start(&r);
    assert_int_equal(ep_stream_send(r.s, "<a/>", 4, false), EPODE_ESTATE);
    assert_int_equal(ep_stream_ack(r.s, 1), EPODE_ESTATE);
    assert_int_equal(ep_stream_request_ack(r.s), EPODE_ESTATE);
    assert_int_equal(ep_stream_set_active(r.s, true), EPODE_ESTATE);
    assert_int_equal(ep_stream_next_out(r.s), 0);
    assert_true(ep_stream_deadline(r.s) == EP_NEVER);
    assert_null(ep_stream_features(r.s, false));
    rig_free(&r);
}

static void the_count_of_stanzas_goes_round_at_its_end(void **state)
{
    (void)state;
    static const struct {
        uint64_t out, acked;
        const char *h;
        bool ok;
        uint64_t now;
    } rows[] = {
        { 4294967295u, 4294967290u, "4294967295", true, 4294967295u },
        { 4294967298u, 4294967290u, "2", true, 4294967298u },
        { 4294967298u, 4294967290u, "3", false, 0 },
        { 4294967298u, 4294967296u, "4294967295", false, 0 },
        { 5, 3, "3", true, 3 },
        { 5, 3, "2", false, 0 },
        { 5, 3, "4294967296", false, 0 },
        { 5, 3, "x", false, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        rig r;
        char text[1200], want[64];
        ep_features f = { .bits = EP_F_SASL2 | EP_F_SASL2_SM,
                          .sasl2_mechs = ep_sasl_mech_named("PLAIN")->bit };
        plain_rig(&r);
        r.c.facts.features = &f;
        r.c.facts.resumable = true;
        r.c.sm_id = "old";
        r.c.sm_out = rows[i].out;
        r.c.sm_out_acked = rows[i].acked;
        assert_int_equal(rig_start(&r), EPODE_OK);
        snprintf(text, sizeof text,
                 HEADER SASL2 "<success xmlns='urn:xmpp:sasl:2'><resumed xmlns='urn:xmpp:sm:3' "
                              "previd='old' "
                              "h='%s'/><authorization-identifier>alice@localhost/x</"
                              "authorization-identifier></success>",
                 rows[i].h);
        assert_int_equal(rig_feed(&r, text, strlen(text)), rows[i].ok ? EPODE_OK : EPODE_EPROTO);
        snprintf(want, sizeof want, "resumed acked=%llu\n", (unsigned long long)rows[i].now);
        assert_int_equal(strstr(ep_buf_cstr(&r.log), want) != NULL, rows[i].ok);
        assert_int_equal(r.readies, rows[i].ok);
        rig_free(&r);
    }
}

#define OPEN                                                                                       \
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "        \
    "version='1.0'>"
#define TLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

static void starttls_ends_exactly_behind_proceed(void **state)
{
    (void)state;
    static const struct {
        const char *said;
        epode_status status;
        const char *condition;
    } rows[] = {
        { OPEN "<stream:features>" TLS
               "</stream:features><proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
          EPODE_OK, NULL },
        { OPEN "<stream:features/>", EPODE_ETLS, NULL },
        { OPEN "<stream:features>" TLS
               "</stream:features><failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
          EPODE_ETLS, NULL },
        { OPEN "<stream:error><host-unknown "
               "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
          EPODE_ESTREAM, "host-unknown" },
        { OPEN "</stream:stream>", EPODE_ESTREAM, NULL },
        { OPEN "<message/>", EPODE_EPROTO, NULL },
        { OPEN "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", EPODE_EPROTO, NULL },
        { "<html>", EPODE_EPROTO, NULL },
        { OPEN "<!DOCTYPE x>", EPODE_EPROTO, NULL },
        { "SSH-2.0-OpenSSH\r\n", EPODE_EPROTO, NULL },
        { OPEN "<stream:features>" TLS "</stream:features>", EPODE_AGAIN, NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int bytewise = 0; bytewise <= 1; bytewise++) {
            char said[800];
            ep_buf out = EP_BUF_INIT;
            ep_error err = { 0 };
            ep_starttls *s = ep_starttls_new("b&<c");
            assert_int_equal(ep_starttls_begin(s, &out), EPODE_OK);
            assert_string_equal(
                ep_buf_cstr(&out),
                "<?xml version='1.0'?><stream:stream to='b&amp;&lt;c' version='1.0' "
                "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>" TLS);
            size_t n = (size_t)snprintf(said, sizeof said, "%s\x16\x03\x01\x02", rows[i].said),
                   at = 0, used = 0;
            if (rows[i].status == EPODE_AGAIN)
                n -= 4;
            epode_status st = EPODE_AGAIN;
            while (st == EPODE_AGAIN && at < n) {
                st = ep_starttls_feed(s, said + at, bytewise ? 1 : n - at, &used, &err);
                at += st < 0 ? 0 : used;
            }
            assert_int_equal(st, rows[i].status);
            if (!st)
                assert_int_equal(at, n - 4);
            if (rows[i].condition)
                assert_string_equal(epode_error_condition(&err), rows[i].condition);
            if (st < 0)
                assert_int_equal(epode_error_status(&err), st);
            ep_starttls_free(s);
            ep_buf_free(&out);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_of_a_login_may_fail),
        cmocka_unit_test(an_owner_that_fails_ends_the_stream_with_its_status),
        cmocka_unit_test(an_owner_may_listen_to_nothing),
        cmocka_unit_test(limits_of_the_stream_are_typed_errors),
        cmocka_unit_test(a_login_goes_through_its_states_in_order),
        cmocka_unit_test(features_that_are_there_first_are_answered_in_the_first_flight),
        cmocka_unit_test(nothing_can_be_sent_before_ready),
        cmocka_unit_test(the_count_of_stanzas_goes_round_at_its_end),
        cmocka_unit_test(starttls_ends_exactly_behind_proceed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
