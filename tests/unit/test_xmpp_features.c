/* test_xmpp_features.c: what real servers advertise, and each row of the table. */
#include "../support/check.h"

#include "sasl/mechanism.h"
#include "xmpp/features.h"
#include "xmpp/ns.h"

/* Reads as the engine does: from a stream that binds the prefix. */
static epode_status read_text(ep_features *out, const char *text)
{
    ep_arena arena = { 0 };
    ep_buf b = EP_BUF_INIT;
    ep_buf_printf(&b, "<stream:features xmlns:stream='%s'>%s", EP_NS_STREAM,
                  text + strlen("<stream:features>"));
    ep_elem *e = ep_elem_parse(&arena, ep_buf_ptr(&b), b.len, EP_NS_CLIENT);
    assert_non_null(e);
    epode_status st = ep_features_read(out, e);
    ep_arena_free(&arena);
    ep_buf_free(&b);
    return st;
}

static void read_file(ep_features *out, const char *name)
{
    char path[512], text[8192];
    snprintf(path, sizeof path, EPODE_SOURCE_DIR "/tests/dialogues/features/%s.xml", name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    assert_int_equal(read_text(out, text), EPODE_OK);
}

#define M(name) (ep_sasl_mech_named(name)->bit)

static void real_servers_are_understood(void **state)
{
    (void)state;
    const uint32_t sha1 = M("SCRAM-SHA-1") | M("PLAIN"), sha1p = sha1 | M("SCRAM-SHA-1-PLUS") | M("OAUTHBEARER");
    const uint32_t sha256p = M("SCRAM-SHA-256") | M("SCRAM-SHA-256-PLUS") | M("PLAIN");
    const uint32_t none = M("HT-SHA-256-NONE"), expr = M("HT-SHA-256-EXPR"),
                   uniq = M("HT-SHA-256-UNIQ");
    const uint32_t inline_all =
        EP_F_SASL2 | EP_F_BIND2 | EP_F_BIND2_SM | EP_F_BIND2_CARBONS | EP_F_SASL2_SM;
    const uint32_t sess = EP_F_SM | EP_F_CSI | EP_F_ROSTER_VER | EP_F_CAPS;
    const struct {
        const char *name;
        uint32_t bits, sasl1, sasl2, fast, cb;
        uint64_t max_bytes;
        uint32_t idle_seconds;
    } rows[] = {
        { "prosody13", inline_all | EP_F_BIND2_CSI | EP_F_FAST | EP_F_SASL1 | EP_F_CB_LISTED, sha1p,
          sha1p, none | expr, EP_CB_ENDP | EP_CB_EXPR, 10000, 840 },
        { "prosody13-tls12", inline_all | EP_F_BIND2_CSI | EP_F_FAST | EP_F_SASL1 | EP_F_CB_LISTED,
          sha1p, sha1p, none | uniq, EP_CB_ENDP | EP_CB_UNIQ, 10000, 840 },
        { "prosody13-no-fast", inline_all | EP_F_BIND2_CSI | EP_F_SASL1 | EP_F_CB_LISTED, sha1p,
          sha1p, 0, EP_CB_ENDP | EP_CB_EXPR, 10000, 840 },
        { "prosody13-session", sess | EP_F_BIND | EP_F_PREAPPROVAL, 0, 0, 0, 0, 262144, 840 },
        { "prosody13-bound", (sess & ~EP_F_SM) | EP_F_PREAPPROVAL, 0, 0, 0, 0, 0, 0 },
        { "prosody13-bound-no-sm", sess | EP_F_PREAPPROVAL, 0, 0, 0, 0, 0, 0 },
        { "ejabberd24", inline_all | EP_F_FAST | EP_F_SASL1 | EP_F_CB_LISTED, sha256p, sha256p,
          none | expr | uniq | M("HT-SHA-256-ENDP"), EP_CB_ENDP | EP_CB_EXPR, 0, 0 },
        { "ejabberd24-no-from", EP_F_SASL1 | EP_F_CB_LISTED, sha256p, 0, 0, EP_CB_ENDP | EP_CB_EXPR,
          0, 0 },
        { "ejabberd24-session", sess | EP_F_BIND, 0, 0, 0, 0, 0, 0 },
        { "ejabberd24-bound", sess, 0, 0, 0, 0, 0, 0 },
        { "prosody012", EP_F_SASL1, sha1, 0, 0, 0, 0, 0 },
        { "prosody012-session", sess | EP_F_BIND | EP_F_PREAPPROVAL, 0, 0, 0, 0, 0, 0 },
        { "ejabberd23", EP_F_SASL1, sha256p, 0, 0, 0, 0, 0 },
        { "ejabberd23-session", sess | EP_F_BIND, 0, 0, 0, 0, 0, 0 },
        { "starttls", EP_F_STARTTLS | EP_F_STARTTLS_REQUIRED, 0, 0, 0, 0, 10000, 840 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ep_features f;
        read_file(&f, rows[i].name);
        if (f.bits != rows[i].bits)
            fail_msg("%s: bits %x, not %x", rows[i].name, f.bits, rows[i].bits);
        assert_int_equal(f.sasl1_mechs, rows[i].sasl1);
        assert_int_equal(f.sasl2_mechs, rows[i].sasl2);
        assert_int_equal(f.fast_mechs, rows[i].fast);
        assert_int_equal(f.cb_types, rows[i].cb);
        assert_int_equal(f.max_bytes, rows[i].max_bytes);
        assert_int_equal(f.idle_seconds, rows[i].idle_seconds);
        assert_int_equal(f.caps_ver != NULL, (rows[i].bits & EP_F_CAPS) != 0);
        assert_int_equal(ep_features_list_plus(&f),
                         strstr(rows[i].name, "-") == NULL
                             ? strcmp(rows[i].name, "prosody012") != 0 && rows[i].sasl1 != 0
                             : rows[i].sasl1 != 0);
        ep_features_free(&f);
    }
}

static void every_other_row_is_understood_and_the_unknown_is_skipped(void **state)
{
    (void)state;
    const struct {
        const char *xml;
        uint32_t bits;
    } rows[] = {
        { "<pipelining xmlns='urn:xmpp:features:pipelining'/>", EP_F_PIPELINING },
        { "<bind xmlns='urn:xmpp:bind2:0'/>", EP_F_BIND_DRAFT },
        { "<unbind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>", EP_F_UNBIND },
        { "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>", EP_F_SESSION },
        { "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>", 0 },
        { "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", EP_F_STARTTLS },
        { "<sm xmlns='urn:xmpp:sm:2'/>", 0 },
        { "<sm xmlns='urn:xmpp:sm:3'/>", EP_F_SM },
        { "<config-version xmlns='urn:xmpp:iap:0' scheme='opaque' value='v1'/>",
          EP_F_CONFIG_VERSION },
        { "<config-version xmlns='urn:xmpp:iap:0' value='v1'/>", EP_F_CONFIG_VERSION },
        { "<config-version xmlns='urn:xmpp:iap:0' scheme='other' value='v1'/>", 0 },
        { "<config-version xmlns='urn:xmpp:iap:0' scheme='opaque'/>", 0 },
        { "<authentication xmlns='urn:xmpp:sasl:2'><inline><fast xmlns='urn:xmpp:fast:0' "
          "tls-0rtt='true'/>"
          "</inline></authentication>",
          EP_F_SASL2 | EP_F_FAST | EP_F_FAST_0RTT },
        { "<bind xmlns='urn:xmpp:bind:0'/>", 0 }, /* outside of SASL2 it means nothing */
        { "<unknown xmlns='urn:x'><csi xmlns='urn:xmpp:csi:0'/></unknown>", 0 },
        { "<mechanisms "
          "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>HT-SHA-256-NONE</mechanism>"
          "<mechanism>X-UNKNOWN</mechanism></mechanisms>",
          EP_F_SASL1 },
        { "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>x</max-bytes></limits>", 0 },
        { "", 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[600];
        ep_features f;
        snprintf(text, sizeof text, "<stream:features>%s</stream:features>", rows[i].xml);
        assert_int_equal(read_text(&f, text), EPODE_OK);
        if (f.bits != rows[i].bits)
            fail_msg("%s: bits %x, not %x", rows[i].xml, f.bits, rows[i].bits);
        assert_int_equal(f.sasl1_mechs | f.sasl2_mechs | f.fast_mechs, 0);
        assert_int_equal(f.config_version != NULL, (rows[i].bits & EP_F_CONFIG_VERSION) != 0);
        ep_features_free(&f);
    }
}

static void a_token_s_mechanism_is_none_of_the_other_lists(void **state)
{
    (void)state;
    ep_features f;
    assert_int_equal(
        read_text(&f,
                  "<stream:features><authentication xmlns='urn:xmpp:sasl:2'><mechanism>"
                  "HT-SHA-256-NONE</mechanism><mechanism>PLAIN</mechanism><inline><fast "
                  "xmlns='urn:xmpp:fast:0'><mechanism>PLAIN</mechanism><mechanism>HT-SHA-256-ENDP"
                  "</mechanism></fast></inline></authentication></stream:features>"),
        EPODE_OK);
    assert_int_equal(f.sasl2_mechs, M("PLAIN"));
    assert_int_equal(f.fast_mechs, M("HT-SHA-256-ENDP"));
    assert_false(ep_features_list_plus(&f));
    ep_features_free(&f);
}

static void remembered_text_gives_the_same_facts(void **state)
{
    (void)state;
    ep_features f;
    static const char text[] =
        "<features xmlns='http://etherx.jabber.org/streams'><c xmlns='http://jabber.org/"
        "protocol/caps' node='n' ver='v' hash='sha-1'/><csi xmlns='urn:xmpp:csi:0'/></features>";
    assert_int_equal(ep_features_parse(&f, text, strlen(text)), EPODE_OK);
    assert_int_equal(f.bits, EP_F_CAPS | EP_F_CSI);
    assert_string_equal(f.caps_node, "n");
    assert_string_equal(f.caps_ver, "v");
    assert_string_equal(f.caps_hash, "sha-1");
    ep_features_free(&f);
    static const char *const bad[] = { "", "<features/", "<features xmlns='jabber:client'/>",
                                       "<a/>" };
    for (size_t i = 0; i < COUNT(bad); i++) {
        f.bits = 7;
        assert_int_equal(ep_features_parse(&f, bad[i], strlen(bad[i])), EPODE_EPROTO);
        assert_int_equal(f.bits, 0);
    }
}

static bool read_all_strings(void *user)
{
    ep_features f;
    epode_status st = ep_features_parse(&f, user, strlen(user));
    assert_true(!st || st == EPODE_ENOMEM || st == EPODE_EPROTO);
    if (st)
        assert_int_equal(f.bits, 0);
    ep_features_free(&f);
    return !st;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(
        fail_each_allocation(
            read_all_strings,
            (char
                 *)"<features xmlns='http://etherx.jabber.org/streams'><c xmlns='http://jabber.org/"
                   "protocol/caps' node='n' ver='v' hash='sha-1'/><config-version "
                   "xmlns='urn:xmpp:iap:0' value='v1'/></features>") > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_servers_are_understood),
        cmocka_unit_test(every_other_row_is_understood_and_the_unknown_is_skipped),
        cmocka_unit_test(a_token_s_mechanism_is_none_of_the_other_lists),
        cmocka_unit_test(remembered_text_gives_the_same_facts),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
