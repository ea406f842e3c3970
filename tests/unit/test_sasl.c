/* test_sasl.c: the table of mechanisms, PLAIN, EXTERNAL and HT. */
#include "../support/check.h"

#include "base/alloc.h"
#include "base/str.h"
#include "sasl/mechanism.h"

static void the_table_is_in_order_and_without_twins(void **state)
{
    (void)state;
    size_t n;
    uint32_t seen = 0;
    const ep_sasl_mech *m = ep_sasl_mechs(&n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(m[i].bit & (m[i].bit - 1), 0);
        assert_false(seen & m[i].bit);
        seen |= m[i].bit;
        assert_ptr_equal(ep_sasl_mech_named(m[i].name), &m[i]);
        assert_ptr_equal(ep_sasl_mech_of(m[i].bit), &m[i]);
        assert_int_equal(m[i].kind == EP_SASL_HT, (m[i].bit & EP_SASL_BITS_HT) != 0);
        if (i && m[i].kind != EP_SASL_HT)
            assert_true(m[i].rank <= m[i - 1].rank);
    }
    assert_null(ep_sasl_mech_named("X-OAUTH2"));
    assert_null(ep_sasl_mech_named("plain"));
    assert_null(ep_sasl_mech_named(NULL));
    assert_null(ep_sasl_mech_of(0));
}

static void channel_binding_types_have_their_names(void **state)
{
    (void)state;
    ep_cb_data cb = { 0 };
    size_t len;
    assert_int_equal(ep_cb_from_name("tls-server-end-point"), EP_CB_ENDP);
    assert_int_equal(ep_cb_from_name("tls-exporter"), EP_CB_EXPR);
    assert_int_equal(ep_cb_from_name("tls-unique"), EP_CB_UNIQ);
    assert_int_equal(ep_cb_from_name("tls-nothing"), EP_CB_NONE);
    assert_int_equal(ep_cb_from_name(NULL), EP_CB_NONE);
    assert_int_equal(ep_cb_set(&cb), 0);
    assert_int_equal(ep_cb_set(NULL), 0);
    cb.expr.len = 32;
    cb.uniq.len = 12;
    assert_int_equal(ep_cb_set(&cb), EP_CB_EXPR | EP_CB_UNIQ);
    assert_ptr_equal(ep_cb_bytes(&cb, EP_CB_UNIQ, &len), cb.uniq.bytes);
    assert_int_equal(len, 12);
    assert_null(ep_cb_bytes(&cb, EP_CB_NONE, &len));
    assert_int_equal(len, 0);
}

static ep_sasl *begin(const char *mech, const ep_sasl_creds *creds, const ep_cb_data *cb)
{
    ep_sasl *s = NULL;
    assert_int_equal(ep_sasl_new(&s, ep_sasl_mech_named(mech), creds, cb, EP_CB_NONE, true, NULL),
                     EPODE_OK);
    return s;
}

static void plain_is_two_zeros_name_and_password(void **state)
{
    (void)state;
    ep_buf out = EP_BUF_INIT;
    ep_error err = { 0 };
    ep_sasl_creds creds = { .username = "alice", .password = "p\xc3\xa4ss word" };
    ep_sasl *s = begin("PLAIN", &creds, NULL);
    assert_int_equal(ep_sasl_initial(s, &out, NULL), EPODE_OK);
    assert_int_equal(out.len, 17);
    assert_memory_equal(ep_buf_ptr(&out), "\0alice\0p\xc3\xa4ss word", out.len);
    assert_int_equal(ep_sasl_step(s, "x", 1, &out, &err), EPODE_EPROTO);
    assert_int_equal(ep_sasl_finish(s, NULL, 0, NULL), EPODE_OK);
    assert_null(ep_sasl_keys(s));
    assert_int_equal(ep_sasl_cb_flag(s), 0);
    ep_sasl_free(s);
    creds.password = NULL;
    s = begin("PLAIN", &creds, NULL);
    assert_int_equal(ep_sasl_initial(s, &out, &err), EPODE_EAUTH);
    ep_sasl_free(s);
    ep_buf_free(&out);
}

static void only_scram_uses_remembered_keys(void **state)
{
    (void)state;
    ep_scram_keys keys = {
        .mechanism = "SCRAM-SHA-256", .salt_len = 4, .iterations = 4096, .key_len = 32
    };
    ep_sasl_creds creds = { .username = "a", .password = "b", .token = "c", .keys = &keys };
    static const char *const others[] = { "PLAIN", "EXTERNAL", "HT-SHA-256-NONE", "SCRAM-SHA-1" };
    for (size_t i = 0; i < COUNT(others); i++) {
        ep_sasl *s = begin(others[i], &creds, NULL);
        assert_false(ep_sasl_used_keys(s));
        assert_null(ep_sasl_keys(s));
        ep_sasl_free(s);
    }
    assert_false(ep_sasl_used_keys(NULL));
}

static void external_says_nothing(void **state)
{
    (void)state;
    ep_buf out = EP_BUF_INIT;
    ep_sasl_creds creds = { .username = "alice" };
    ep_sasl *s = begin("EXTERNAL", &creds, NULL);
    assert_int_equal(ep_sasl_initial(s, &out, NULL), EPODE_OK);
    assert_int_equal(out.len, 0);
    assert_int_equal(ep_sasl_step(s, "", 0, &out, NULL), EPODE_EPROTO);
    assert_int_equal(ep_sasl_finish(s, NULL, 0, NULL), EPODE_OK);
    ep_sasl_free(s);
}

/* HMAC of the token over the label and the binding, computed with Python's hmac. */
typedef struct ht_row {
    const char *mech;
    bool bound;
    const char *initiator, *responder;
} ht_row;

static const ht_row ht_rows[] = {
    { "HT-SHA-256-NONE", false, "904cb6bb56dc961be8179727de419d7734f9ef5acd8f388226ee3797d6f19e16",
      "7e7d5b270ac76610141ea88054ca8db2534af310835d02fc4cb606434d354bef" },
    { "HT-SHA-256-EXPR", true, "70db797ea3f6e86537a163967e6cbe39211897264ae0c58241e21fdcc35c8935",
      "ae15a413c8e583a0628bd7447429b39484163dbc55074afee834b4c4ee43ad7d" },
    { "HT-SHA-256-ENDP", true, "70db797ea3f6e86537a163967e6cbe39211897264ae0c58241e21fdcc35c8935",
      "ae15a413c8e583a0628bd7447429b39484163dbc55074afee834b4c4ee43ad7d" },
    { "HT-SHA-256-UNIQ", true, "70db797ea3f6e86537a163967e6cbe39211897264ae0c58241e21fdcc35c8935",
      "ae15a413c8e583a0628bd7447429b39484163dbc55074afee834b4c4ee43ad7d" },
    { "HT-SHA-512-NONE", false,
      "93ccc14451e4c5bef1ab7864e0b1079398fd1cb5d7dcb665a79597c4dc4db8e5"
      "fa25e7a89693006de155cb7dd0a9fbf1c9663d7fa63f23c90ef01fd5ac885b8b",
      "3e11a5052894123dd0f676aa62f7568ddb455ca77da07aa95874d50c3413cfb4"
      "a42c1d5cd8d5db77af6fbe7741ae55b194b7aaea40a29756a67bdcd30bb6f09d" },
    { "HT-SHA-512-EXPR", true,
      "5dabe3dc96f87e8bf261b17edb41572c3c409eb1b1c7bf46ef65f70cbf002a04"
      "926047fb1bcaad69043740fdf8cdd366a80ed07cc2b048423be9205aba03b997",
      "6cd517835de51855414185cae806b3c3f69885da0a5f4138c5f4428eac500103"
      "c55049864a7286a04e3e7481e395c3604e2dfc77e705b7f9b75c22d65b7e39b1" },
    { "HT-SHA-512-ENDP", true,
      "5dabe3dc96f87e8bf261b17edb41572c3c409eb1b1c7bf46ef65f70cbf002a04"
      "926047fb1bcaad69043740fdf8cdd366a80ed07cc2b048423be9205aba03b997",
      "6cd517835de51855414185cae806b3c3f69885da0a5f4138c5f4428eac500103"
      "c55049864a7286a04e3e7481e395c3604e2dfc77e705b7f9b75c22d65b7e39b1" },
    { "HT-SHA-512-UNIQ", true,
      "5dabe3dc96f87e8bf261b17edb41572c3c409eb1b1c7bf46ef65f70cbf002a04"
      "926047fb1bcaad69043740fdf8cdd366a80ed07cc2b048423be9205aba03b997",
      "6cd517835de51855414185cae806b3c3f69885da0a5f4138c5f4428eac500103"
      "c55049864a7286a04e3e7481e395c3604e2dfc77e705b7f9b75c22d65b7e39b1" },
};

static void ht_check(const ht_row *row, const ep_cb_data *cb)
{
    char hex[129];
    uint8_t answer[65] = { 0 };
    size_t n = strlen(row->responder) / 2;
    ep_buf out = EP_BUF_INIT;
    ep_sasl_creds creds = { .username = "alice", .token = "secret-token:fast-Xyz" };
    ep_sasl *s = begin(row->mech, &creds, cb);
    assert_int_equal(ep_sasl_initial(s, &out, NULL), EPODE_OK);
    assert_int_equal(out.len, 6 + n);
    assert_string_equal(ep_buf_ptr(&out), "alice");
    ep_hex(ep_buf_ptr(&out) + 6, n, hex);
    assert_string_equal(hex, row->initiator);
    for (size_t i = 0; i < n; i++) {
        unsigned v;
        sscanf(row->responder + 2 * i, "%2x", &v);
        answer[i] = (uint8_t)v;
    }
    assert_int_equal(ep_sasl_finish(s, answer, n, NULL), EPODE_OK);
    assert_int_equal(ep_sasl_finish(s, answer, n - 1, NULL), EPODE_EAUTH);
    assert_int_equal(ep_sasl_finish(s, answer, n + 1, NULL), EPODE_EAUTH);
    assert_int_equal(ep_sasl_finish(s, NULL, 0, NULL), EPODE_EAUTH);
    answer[n - 1] ^= 1;
    assert_int_equal(ep_sasl_finish(s, answer, n, NULL), EPODE_EAUTH);
    /* The client's own hash is no answer. */
    assert_int_equal(ep_sasl_finish(s, ep_buf_ptr(&out) + 6, n, NULL), EPODE_EAUTH);
    assert_int_equal(ep_sasl_step(s, "x", 1, &out, NULL), EPODE_EPROTO);
    ep_sasl_free(s);
    ep_buf_free(&out);
}

static void ht_hashes_the_token_with_its_binding(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ht_rows); i++) {
        ep_cb_data cb = { 0 };
        const ep_sasl_mech *m = ep_sasl_mech_named(ht_rows[i].mech);
        ep_sasl *s = NULL;
        ep_sasl_creds creds = { .username = "alice", .token = "t" };
        assert_int_equal(ep_sasl_new(&s, m, &creds, &cb, EP_CB_NONE, true, NULL),
                         ht_rows[i].bound ? EPODE_EAUTH : EPODE_OK);
        ep_sasl_free(s);
        for (int k = 0; k < 32; k++)
            (m->cb == EP_CB_ENDP   ? cb.endp.bytes
             : m->cb == EP_CB_EXPR ? cb.expr.bytes
                                   : cb.uniq.bytes)[k] = (uint8_t)k;
        *(m->cb == EP_CB_ENDP   ? &cb.endp.len
          : m->cb == EP_CB_EXPR ? &cb.expr.len
                                : &cb.uniq.len) = 32;
        ht_check(&ht_rows[i], &cb);
    }
}

static void ht_needs_a_token(void **state)
{
    (void)state;
    ep_buf out = EP_BUF_INIT;
    ep_sasl_creds creds = { .username = "alice", .password = "b" };
    ep_sasl *s = begin("HT-SHA-256-NONE", &creds, NULL);
    assert_int_equal(ep_sasl_initial(s, &out, NULL), EPODE_EAUTH);
    assert_int_equal(out.len, 0);
    ep_sasl_free(s);
}

static void a_bearer_token_is_one_message(void **state)
{
    (void)state;
    ep_buf out = EP_BUF_INIT;
    ep_sasl_creds creds = { .username = "a,b", .jid = "a,b=@localhost", .bearer = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==" };
    ep_sasl *s = begin("OAUTHBEARER", &creds, NULL);
    assert_int_equal(ep_sasl_initial(s, &out, NULL), EPODE_OK);
    assert_string_equal(ep_buf_cstr(&out), "n,a=a=2Cb=3D@localhost,\x01" "auth=Bearer "
                                           "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01");
    assert_int_equal(ep_sasl_finish(s, NULL, 0, NULL), EPODE_OK);
    ep_sasl_free(s);
    /* What could end the field, and nothing at all. */
    static const char *const wrong[] = { "", "a\x01" "b", "a b", "\xc3\xa4" };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        creds.bearer = wrong[i];
        s = begin("OAUTHBEARER", &creds, NULL);
        ep_buf_clear(&out);
        assert_true(ep_sasl_initial(s, &out, NULL) < 0);
        assert_int_equal(out.len, 0);
        ep_sasl_free(s);
    }
    ep_buf_free(&out);
}

static void a_refused_bearer_token_is_answered_by_one_byte(void **state)
{
    (void)state;
    static const struct {
        const char *json, *why;
    } rows[] = {
        { "{\"status\":\"invalid_token\",\"scope\":\"example_scope\"}", "invalid_token" },
        { "{\"scope\":\"x\", \"status\" : \"insufficient_scope\"}", "insufficient_scope" },
        { "{\"status\":401}", "" },
        { "{\"status\":\"Alice's secret\"}", "" },
        { "{\"status\":\"unterminated", "" },
        { "{\"status\":\"abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz\"}", "" },
        { "\"status\"", "" },
        { "", "" },
    };
    ep_sasl_creds creds = { .username = "alice", .jid = "alice@localhost", .bearer = "t" };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ep_buf out = EP_BUF_INIT;
        ep_sasl *s = begin("OAUTHBEARER", &creds, NULL);
        assert_string_equal(ep_sasl_refusal(s), "");
        assert_int_equal(ep_sasl_step(s, rows[i].json, strlen(rows[i].json), &out, NULL), EPODE_OK);
        assert_string_equal(ep_buf_cstr(&out), "\x01");
        assert_string_equal(ep_sasl_refusal(s), rows[i].why);
        /* Neither a second refusal nor a change of mind. */
        assert_int_equal(ep_sasl_step(s, "", 0, &out, NULL), EPODE_EPROTO);
        assert_int_equal(ep_sasl_finish(s, NULL, 0, NULL), EPODE_EPROTO);
        ep_sasl_free(s);
        ep_buf_free(&out);
    }
    assert_string_equal(ep_sasl_refusal(NULL), "");
}

static void external_names_whom_it_must(void **state)
{
    (void)state;
    ep_buf out = EP_BUF_INIT;
    ep_sasl_creds creds = { .username = "alice", .authzid = "alice@localhost" };
    ep_sasl *s = begin("EXTERNAL", &creds, NULL);
    assert_int_equal(ep_sasl_initial(s, &out, NULL), EPODE_OK);
    assert_string_equal(ep_buf_cstr(&out), "alice@localhost");
    ep_sasl_free(s);
    ep_buf_free(&out);
}

static void names_are_joined_in_the_order_of_their_bytes(void **state)
{
    (void)state;
    const char *names[] = { "SCRAM-SHA-1-PLUS", "tls", "SCRAM-SHA-1", "\xc3\xa4", "Z", "SCRAM-SHA-1" };
    char *mechs = ep_sasl_join_names(names, COUNT(names)), *none = ep_sasl_join_names(NULL, 0);
    assert_string_equal(mechs, "SCRAM-SHA-1\x1eSCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS\x1eZ\x1etls\x1e\xc3\xa4");
    assert_string_equal(none, "");
    char *all = ep_sasl_advertised("a\x1e" "b", "c"), *without = ep_sasl_advertised("a", NULL);
    char *empty = ep_sasl_advertised("a", "");
    assert_string_equal(all, "a\x1e" "b\x1f" "c");
    assert_string_equal(without, "a");
    assert_string_equal(empty, "a\x1f");
    char *texts[] = { mechs, none, all, without, empty };
    for (size_t i = 0; i < COUNT(texts); i++)
        ep_free(texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_in_order_and_without_twins),
        cmocka_unit_test(channel_binding_types_have_their_names),
        cmocka_unit_test(plain_is_two_zeros_name_and_password),
        cmocka_unit_test(only_scram_uses_remembered_keys),
        cmocka_unit_test(external_says_nothing),
        cmocka_unit_test(ht_hashes_the_token_with_its_binding),
        cmocka_unit_test(ht_needs_a_token),
        cmocka_unit_test(a_bearer_token_is_one_message),
        cmocka_unit_test(a_refused_bearer_token_is_answered_by_one_byte),
        cmocka_unit_test(external_names_whom_it_must),
        cmocka_unit_test(names_are_joined_in_the_order_of_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
