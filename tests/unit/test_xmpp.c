/* test_xmpp.c: JIDs, times, capabilities, answers, what is read of a bind. */
#include "../support/check.h"

#include "base/str.h"

#include "xmpp/answer.h"
#include "xmpp/bound.h"
#include "xmpp/caps.h"
#include "xmpp/datetime.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"

static void jids_are_taken_apart_and_prepared(void **state)
{
    (void)state;
    static const struct {
        const char *in, *local, *domain, *resource, *bare, *ascii;
    } rows[] = {
        { "alice@localhost", "alice", "localhost", NULL, "alice@localhost", "localhost" },
        { "Alice@LOCALHOST/Phone", "alice", "localhost", "Phone", "alice@localhost", "localhost" },
        { "example.org", NULL, "example.org", NULL, "example.org", "example.org" },
        { "example.org/a@b/c d", NULL, "example.org", "a@b/c d", "example.org", "example.org" },
        { "a.b@c.d/\xe2\x98\x83", "a.b", "c.d", "\xe2\x98\x83", "a.b@c.d", "c.d" },
        { "\xc3\x84@B\xc3\x9c"
          "CHER.example",
          "\xc3\xa4",
          "b\xc3\xbc"
          "cher.example",
          NULL,
          "\xc3\xa4@b\xc3\xbc"
          "cher.example",
          "xn--bcher-kva.example" },
        { "alice@example.org.", "alice", "example.org", NULL, "alice@example.org", "example.org" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ep_jid j;
        if (ep_jid_parse(&j, rows[i].in) != EPODE_OK)
            fail_msg("refused: %s", rows[i].in);
        if (rows[i].local)
            assert_string_equal(j.local, rows[i].local);
        else
            assert_null(j.local);
        assert_string_equal(j.domain, rows[i].domain);
        if (rows[i].resource)
            assert_string_equal(j.resource, rows[i].resource);
        else
            assert_null(j.resource);
        assert_string_equal(j.bare, rows[i].bare);
        assert_string_equal(j.ascii, rows[i].ascii);
        ep_jid_free(&j);
    }
}

static void what_is_no_jid_is_refused(void **state)
{
    (void)state;
    char longest[1024 + 20];
    memset(longest, 'a', 1024);
    strcpy(longest + 1024, "@localhost");
    const char *const bad[] = { "",
                                "@localhost",
                                "alice@",
                                "alice@localhost/",
                                "/r",
                                "a@b@c",
                                "a b@localhost",
                                "alice@exa mple",
                                "alice@<x>",
                                "a\"b@localhost",
                                "alice@.",
                                "\xff@localhost",
                                "alice@a..b",
                                "alice@local\xc2\xb7host/\x01",
                                longest };
    ep_jid j;
    for (size_t i = 0; i < COUNT(bad); i++) {
        memset(&j, 0x5a, sizeof j);
        if (ep_jid_parse(&j, bad[i]) != EPODE_EINVAL)
            fail_msg("taken: %s", bad[i]);
        assert_null(j.local);
        assert_null(j.domain);
        assert_null(j.bare);
    }
    assert_int_equal(ep_jid_parse(&j, NULL), EPODE_EINVAL);
}

static void bare_parts_compare(void **state)
{
    (void)state;
    assert_true(ep_jid_same_bare("a@b/c", "a@b"));
    assert_true(ep_jid_same_bare("a@b", "a@b"));
    assert_false(ep_jid_same_bare("a@bc", "a@b"));
    assert_false(ep_jid_same_bare("a@b", "a@bc"));
    assert_false(ep_jid_same_bare("", "a@b"));
    assert_false(ep_jid_same_bare(NULL, "a@b"));
    assert_int_equal(ep_jid_bare_len("a@b/c/d"), 3);
    assert_int_equal(ep_jid_bare_len("a@b"), 3);
}

static bool parse_jid(void *user)
{
    ep_jid j;
    epode_status st = ep_jid_parse(&j, user);
    assert_true(!st || st == EPODE_ENOMEM);
    if (st)
        assert_null(j.bare);
    ep_jid_free(&j);
    return !st;
}

static void a_jid_without_memory_is_not_a_bad_one(void **state)
{
    (void)state;
    assert_true(fail_each_allocation(parse_jid, (char *)"alice@localhost/phone") > 10);
}

static void times_are_read_in_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        { "2002-09-10T23:08:25Z", 1031699305000 },
        { "2002-09-10T23:08:25.123Z", 1031699305123 },
        { "2002-09-10T23:08:25.1Z", 1031699305100 },
        { "2002-09-10T23:08:25.123456789Z", 1031699305123 },
        { "2002-09-11T01:08:25+02:00", 1031699305000 },
        { "2002-09-10T18:38:25.5-04:30", 1031699305500 },
        { "1969-07-21T02:56:15Z", -14159025000 },
        { "1970-01-01T00:00:00Z", 0 },
        { "2000-02-29T12:00:00Z", 951825600000 },
        { "1900-03-01T00:00:00Z", -2203891200000 },
        { "2038-01-19T03:14:08Z", 2147483648000 },
        { "9999-12-31T23:59:59.999Z", 253402300799999 },
        { "1969-12-31T23:59:59.999Z", -1 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t ms = 42;
        if (!ep_datetime_parse(rows[i].text, &ms) || ms != rows[i].ms)
            fail_msg("%s: %lld", rows[i].text, (long long)ms);
        char out[32];
        int64_t again = 42;
        ep_datetime_format(ms, out);
        assert_int_equal(strlen(out), 24);
        assert_true(ep_datetime_parse(out, &again) && again == ms);
    }
    char out[32];
    ep_datetime_format(1031699305123, out);
    assert_string_equal(out, "2002-09-10T23:08:25.123Z");
    ep_datetime_format(-1, out);
    assert_string_equal(out, "1969-12-31T23:59:59.999Z");
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "now",
        "2002-09-10",
        "2002-09-10T23:08:25",
        "2002-09-10T23:08:25z",
        "2002-09-10 23:08:25Z",
        "2002-13-10T23:08:25Z",
        "2002-00-10T23:08:25Z",
        "2002-09-32T23:08:25Z",
        "2002-09-00T23:08:25Z",
        "2002-09-10T25:08:25Z",
        "2002-09-10T23:60:25Z",
        "2002-09-10T23:08:61Z",
        "2002-09-10T23:08:25.Z",
        "2002-09-10T23:08:25+2:00",
        "2002-09-10T23:08:25+0200",
        "2002-09-10T23:08:25+15:00",
        "2002-09-10T23:08:25+02:60",
        "2002-09-10T23:08:25Zx",
        "2002-9-10T23:08:25Z",
        " 2002-09-10T23:08:25Z",
        "+202-09-10T23:08:25Z",
        "2002- 9-10T23:08:25Z",
        "2002-09--1T23:08:25Z",
        "2002-09-10T-1:08:25Z",
        "2002-09-10T23:08:25+ 2:00",
        "2002-02-30T00:00:00Z",
        "2001-02-29T00:00:00Z",
        "2002-04-31T00:00:00Z",
    };
    int64_t ms = 42;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (ep_datetime_parse(bad[i], &ms))
            fail_msg("taken: \"%s\"", bad[i]);
    assert_false(ep_datetime_parse(NULL, &ms));
    assert_int_equal(ms, 42);
}

static void capabilities_hash_as_in_the_specification(void **state)
{
    (void)state;
    static const char *const exodus[] = { EP_NS_CAPS, EP_NS_DISCO_INFO, EP_NS_DISCO_ITEMS,
                                          "http://jabber.org/protocol/muc", NULL };
    char ver[32];
    ep_caps caps = { "Exodus 0.9.1", exodus }; /* XEP-0115, 5.2 */
    assert_true(ep_caps_ver(&caps, ver));
    assert_string_equal(ver, "QgayPKawpkPSDYmwT/WM94uAlu0=");
    caps = (ep_caps){ "epode", ep_caps_features }; /* computed with Python's hashlib */
    assert_true(ep_caps_ver(&caps, ver));
    assert_string_equal(ver, "Vm1ehsflE6DSO7WgxuG6c8gdND0=");
    for (const char *const *f = ep_caps_features; f[0] && f[1]; f++)
        assert_true(strcmp(f[0], f[1]) < 0);
    ep_buf out = EP_BUF_INIT;
    ep_xw w = ep_xw_init(&out);
    ep_caps_write_presence(&caps, &w);
    assert_string_equal(ep_buf_cstr(&out),
                        "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' "
                        "node='urn:x-epode' ver='Vm1ehsflE6DSO7WgxuG6c8gdND0='/>");
    ep_buf_free(&out);
}

#define QUERY "<query xmlns='http://jabber.org/protocol/disco#info'"
#define INFO                                                                                       \
    "<identity category='client' type='pc' name='epode'/><feature "                                \
    "var='http://jabber.org/protocol/caps'/><feature "                                             \
    "var='http://jabber.org/protocol/chatstates'/><feature "                                       \
    "var='http://jabber.org/protocol/disco#info'/><feature var='jabber:iq:last'/><feature var='jabber:iq:version'/><feature " \
    "var='urn:xmpp:avatar:metadata+notify'/><feature "                                             \
    "var='urn:xmpp:bookmarks:1+notify'/><feature "                                                \
    "var='urn:xmpp:mds:displayed:0+notify'/><feature var='urn:xmpp:ping'/><feature var='urn:xmpp:receipts'/><feature " \
    "var='urn:xmpp:time'/></query></iq>"
#define NOT_FOUND(type, condition)                                                                 \
    "<error type='" type "'><" condition                                                           \
    " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
#define GET(payload) "<iq type='get' from='b@c/d' id='1'>" payload "</iq>"
#define RESULT       "<iq type='result' to='b@c/d' id='1'"
#define ERROR        "<iq type='error' to='b@c/d' id='1'>"
#define NODE         "urn:x-epode#Vm1ehsflE6DSO7WgxuG6c8gdND0="

static void requests_are_answered(void **state)
{
    (void)state;
    static const struct {
        const char *iq, *answer; /* NULL: none */
    } rows[] = {
        { GET("<ping xmlns='urn:xmpp:ping'/>"), RESULT "/>" },
        { "<iq type='get' id='2'><ping xmlns='urn:xmpp:ping'/></iq>",
          "<iq type='result' id='2'/>" },
        { GET("<query xmlns='jabber:iq:version'/>"), RESULT
          "><query "
          "xmlns='jabber:iq:version'><name>epode</name><version>0.1</version></query></iq>" },
        { GET(QUERY "/>"), RESULT ">" QUERY ">" INFO },
        { GET(QUERY " node='" NODE "'/>"), RESULT ">" QUERY " node='" NODE "'>" INFO },
        { GET(QUERY " node='urn:x-epode#other'/>"), ERROR NOT_FOUND("cancel", "item-not-found") },
        { GET("<query xmlns='jabber:iq:roster'/>"),
          ERROR NOT_FOUND("cancel", "service-unavailable") },
        { "<iq type='set' from='b@c/d' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
          ERROR NOT_FOUND("cancel", "service-unavailable") },
        { GET(""), ERROR NOT_FOUND("modify", "bad-request") },
        { GET("<a/><b/>"), ERROR NOT_FOUND("modify", "bad-request") },
        { "<iq type='result' from='b@c/d' id='1'/>", NULL },
        { "<iq type='error' from='b@c/d' id='1'/>", NULL },
        { "<iq from='b@c/d' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", NULL },
    };
    ep_caps caps = { "epode", ep_caps_features };
    ep_self self = { .version = "0.1" };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ep_arena arena = { 0 };
        ep_buf out = EP_BUF_INIT;
        ep_elem *iq = ep_elem_parse(&arena, rows[i].iq, strlen(rows[i].iq), EP_NS_CLIENT);
        assert_int_equal(ep_answer_iq(&out, iq, &caps, &self, true), rows[i].answer != NULL);
        assert_string_equal(ep_buf_cstr(&out), rows[i].answer ? rows[i].answer : "");
        ep_arena_free(&arena);
        ep_buf_free(&out);
    }
}

static void what_time_it_is_and_who_looks_is_told_to_those_who_may_know(void **state)
{
    (void)state;
    static const struct {
        const char *iq, *answer;
    } rows[] = {
        { GET("<time xmlns='urn:xmpp:time'/>"),
          RESULT "><time xmlns='urn:xmpp:time'><tzo>-06:30</tzo><utc>2006-12-19T17:38:25.000Z</utc></time></iq>" },
        { GET("<query xmlns='jabber:iq:last'/>"), RESULT "><query xmlns='jabber:iq:last' seconds='903'/></iq>" },
    };
    ep_caps caps = { "epode", ep_caps_features };
    ep_self self = { .version = "0.1", .now_ms = 1166549905000, .offset_min = -390, .idle_s = 903 };
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        bool known = i % 2;
        ep_arena arena = { 0 };
        ep_buf out = EP_BUF_INIT;
        ep_elem *iq = ep_elem_parse(&arena, rows[i / 2].iq, strlen(rows[i / 2].iq), EP_NS_CLIENT);
        assert_true(ep_answer_is_private(iq));
        assert_true(ep_answer_iq(&out, iq, &caps, &self, known));
        assert_string_equal(ep_buf_cstr(&out), known ? rows[i / 2].answer : ERROR NOT_FOUND("auth", "forbidden"));
        ep_arena_free(&arena);
        ep_buf_free(&out);
    }
}

static ep_elem *parse(ep_arena *arena, const char *text)
{
    ep_elem *e = ep_elem_parse(arena, text, strlen(text), EP_NS_CLIENT);
    assert_non_null(e);
    return e;
}

static void the_ends_of_the_archive_are_read(void **state)
{
    (void)state;
    ep_arena arena = { 0 };
    ep_archive_ends ends;
    ep_archive_ends_read(
        &ends, parse(&arena, "<bound xmlns='urn:xmpp:bind:0'><metadata xmlns='urn:xmpp:mam:2'>"
                             "<start id='a' timestamp='t1'/><end id='b' timestamp='t2'/></metadata>"
                             "</bound>"));
    assert_true(ends.known);
    assert_string_equal(ends.first_id, "a");
    assert_string_equal(ends.first_time, "t1");
    assert_string_equal(ends.last_id, "b");
    assert_string_equal(ends.last_time, "t2");
    ep_arena_free(&arena);
    ep_archive_ends_read(
        &ends,
        parse(&arena, "<bound xmlns='urn:xmpp:bind:0'><metadata xmlns='urn:xmpp:mam:2'/></bound>"));
    assert_true(ends.known);
    assert_null(ends.last_id);
    ep_arena_free(&arena);
    ep_archive_ends_read(&ends, parse(&arena, "<bound xmlns='urn:xmpp:bind:0'/>"));
    assert_false(ends.known);
    ep_arena_free(&arena);
}

static void what_enabled_says_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *attrs, *id;
        uint32_t max_s;
    } rows[] = {
        { "id='x' resume='true' max='600'", "x", 600 },
        { "id='x' resume='1'", "x", 0 },
        { "id='x'", NULL, 0 },
        { "id='x' resume='false' max='5'", NULL, 5 },
        { "resume='true'", NULL, 0 },
        { "id='' resume='true'", NULL, 0 },
        { "id='x' resume='1' max='4294967296'", "x", 0 },
        { "id='x' resume='1' max='-1'", "x", 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[200];
        ep_arena arena = { 0 };
        ep_sm_enabled sm;
        snprintf(text, sizeof text, "<enabled xmlns='urn:xmpp:sm:3' location='l' %s/>",
                 rows[i].attrs);
        ep_sm_enabled_read(&sm, parse(&arena, text));
        assert_int_equal(sm.id != NULL, rows[i].id != NULL);
        assert_int_equal(sm.max_s, rows[i].max_s);
        assert_string_equal(sm.location, "l");
        ep_arena_free(&arena);
    }
}

static void a_condition_is_found_however_it_is_wrapped(void **state)
{
    (void)state;
    static const struct {
        const char *xml, *condition;
    } rows[] = {
        { "<failed xmlns='a'><item-not-found xmlns='b'/></failed>", "item-not-found" },
        { "<failed xmlns='a'><text>x</text><item-not-found/></failed>", "item-not-found" },
        { "<failed xmlns='a'><error type='cancel'><gone xmlns='b'/><text/></error></failed>",
          "gone" },
        { "<failed xmlns='a'/>", "undefined-condition" },
        { "<failed xmlns='a'>text</failed>", "undefined-condition" },
        { "<failed xmlns='a'><error/></failed>", "undefined-condition" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ep_arena arena = { 0 };
        assert_string_equal(ep_condition_of(parse(&arena, rows[i].xml)), rows[i].condition);
        ep_arena_free(&arena);
    }
    assert_string_equal(ep_condition_of(NULL), "undefined-condition");
}

static void the_draft_names_the_newest_id_and_what_is_unread(void **state)
{
    (void)state;
    ep_arena arena = { 0 };
    ep_archive_ends ends;
    ep_archive_ends_read_draft(&ends, parse(&arena, "<bound xmlns='urn:xmpp:bind2:0'><jid>a@b/c</jid>"
                                                    "<latest-id>x</latest-id><unreads/></bound>"));
    assert_true(ends.known && ends.unreads && !ep_elem_first(ends.unreads));
    assert_string_equal(ends.last_id, "x");
    ep_arena_free(&arena);
    /* Missing is not empty, neither here nor there. */
    ep_archive_ends_read_draft(&ends, parse(&arena, "<bound xmlns='urn:xmpp:bind2:0'><jid>a@b/c</jid></bound>"));
    assert_true(!ends.known && !ends.unreads);
    ep_arena_free(&arena);
}

static void unread_rows_are_read_as_meant_and_as_misprinted(void **state)
{
    (void)state;
    static const struct {
        const char *attrs, *jid, *id;
        unsigned count;
    } rows[] = {
        { "jid='a@b' read-id='x' unread-count='3'", "a@b", "x", 3 },
        { "jid='a@b' unread-count='3'", "a@b", NULL, 3 },
        { "jid='a@b' read-id='x'", "a@b", "x", 0 },
        { "jid='a@b' read-id='' unread-count='7'", "a@b", NULL, 7 },
        { "jid='a@b' read-id='x,' unread='3'", "a@b", "x", 3 },
        { "jid='a@b' read-id='x,' unread='count' count='43'", "a@b", "x", 43 },
        { "jid='a@b' id='x' unread_count='1'", "a@b", "x", 1 },
        { "read-id='x' unread-count='3'", NULL, NULL, 0 },
        { "jid='a@b'", NULL, NULL, 0 },
        { "jid='a@b' unread-count='99999999999999999999999'", NULL, NULL, 0 },
        { "jid='a@b' unread-count='-1'", NULL, NULL, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ep_arena arena = { 0 };
        ep_unread u;
        char scratch[256], xml[256];
        snprintf(xml, sizeof xml, "<unread xmlns='urn:xmpp:bind2:0' %s/>", rows[i].attrs);
        if (ep_unread_read(&u, parse(&arena, xml), scratch) != (rows[i].jid != NULL))
            fail_msg("%s", rows[i].attrs);
        if (rows[i].jid && (!ep_streq(u.jid, rows[i].jid) || !ep_streq(u.read_id, rows[i].id) || u.count != rows[i].count))
            fail_msg("%s: %s %s %llu", rows[i].attrs, u.jid, u.read_id ? u.read_id : "-", (unsigned long long)u.count);
        ep_arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jids_are_taken_apart_and_prepared),
        cmocka_unit_test(what_is_no_jid_is_refused),
        cmocka_unit_test(bare_parts_compare),
        cmocka_unit_test(a_jid_without_memory_is_not_a_bad_one),
        cmocka_unit_test(times_are_read_in_every_form),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(capabilities_hash_as_in_the_specification),
        cmocka_unit_test(requests_are_answered),
        cmocka_unit_test(what_time_it_is_and_who_looks_is_told_to_those_who_may_know),
        cmocka_unit_test(the_ends_of_the_archive_are_read),
        cmocka_unit_test(the_draft_names_the_newest_id_and_what_is_unread),
        cmocka_unit_test(unread_rows_are_read_as_meant_and_as_misprinted),
        cmocka_unit_test(what_enabled_says_is_read),
        cmocka_unit_test(a_condition_is_found_however_it_is_wrapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
