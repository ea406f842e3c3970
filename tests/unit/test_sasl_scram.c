/* test_sasl_scram.c: SCRAM against the vectors of the RFCs, a real server's exchange, and servers
 * that lie. */
#include "../support/check.h"

#include "base/str.h"
#include "sasl/mechanism.h"

typedef struct vector {
    const char *name, *mech, *user, *password, *nonce;
    char flag; /* n, y, p */
    ep_cb cb;
    const char *cb_hex;
    const char *client_first, *server_first, *client_final, *server_final;
} vector;

static const vector vectors[] = {
    { "RFC 5802, 5", "SCRAM-SHA-1", "user", "pencil", "fyko+d2lbbFgONRv9qkxdawL", 'n', EP_CB_NONE,
      "", "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
      "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
      "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
      "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
    { "RFC 7677, 3", "SCRAM-SHA-256", "user", "pencil", "rOprNGfwEbeRWgbNEkqO", 'n', EP_CB_NONE, "",
      "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
      "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
    /* Computed with Python's hashlib: escapes in the name, an attribute more, the y flag. */
    { "SHA-512", "SCRAM-SHA-512", "a,=b", "p\xc3\xa4ss", "abcdef", 'y', EP_CB_NONE, "",
      "y,,n=a=2C=3Db,r=abcdef", "r=abcdefGHI,s=c2FsdA==,i=5000,x=more",
      "c=eSws,r=abcdefGHI,p=HDhxAkNcWjqIYZzeAQO9XLft+7f+s5wpoPZm0vB9xOllIraoDaxu6+"
      "o7gIwnBOHCmPsurt2Uog8K"
      "uiDJA1f1+w==",
      "v=bdtQP9QUmISHjPfMy9OvjGDlKS32aGR7CgHrEWboudJLsEWxao9wyDi4NEHx+szBBusvVYxJLZI8moWzmRExwA="
      "=" },
    { "end-point", "SCRAM-SHA-256-PLUS", "alice", "alice-pw", "cnonce", 'p', EP_CB_ENDP,
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
      "p=tls-server-end-point,,n=alice,r=cnonce", "r=cnonceSNONCE,s=c2FsdHNhbHQ=,i=4096",
      "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,r="
      "cnonceSNONCE,"
      "p=QkMOx0Calzt39V6PqMQWXF5j/SXy/UUjdOjvJaAaqP8=",
      "v=aV42V6npdUF6av21dkCAyLkv6+oD3Ym6fBhlyUjPUsw=" },
    { "seen on Prosody 13", "SCRAM-SHA-1-PLUS", "alice", "alice-pw", "EFGkDETFJkMc/Ff5", 'p',
      EP_CB_EXPR, "568397255c4a58f53eb03568b532945ba59e1dbfb1187ee618630127391f4788",
      "p=tls-exporter,,n=alice,r=EFGkDETFJkMc/Ff5",
      "r=EFGkDETFJkMc/Ff5bbf6e894-497c-4a77-a185-3add3d22327f,"
      "s=ZmY2NDUyNGYtZjMzZS00ZTdhLWI1YzYtZjZlZjQzNDdjNWIx,i=10000",
      "c=cD10bHMtZXhwb3J0ZXIsLFaDlyVcSlj1PrA1aLUylFulnh2/sRh+5hhjASc5H0eI,"
      "r=EFGkDETFJkMc/Ff5bbf6e894-497c-4a77-a185-3add3d22327f,p=LJI/3TnhnPD30w7WGS/iwCtEz0U=",
      "v=aegWW2fi/0Qkt0cZp4J1dn1HbJc=" },
};

static void set_cb(ep_cb_data *cb, ep_cb type, const char *hex)
{
    uint8_t *bytes = type == EP_CB_ENDP   ? cb->endp.bytes
                     : type == EP_CB_EXPR ? cb->expr.bytes
                                          : cb->uniq.bytes;
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned v;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
        bytes[i] = (uint8_t)v;
    }
    *(type == EP_CB_ENDP ? &cb->endp.len : type == EP_CB_EXPR ? &cb->expr.len : &cb->uniq.len) = n;
}

static ep_sasl *begin(const vector *v, const char *password, const ep_scram_keys *keys, ep_buf *out)
{
    ep_cb_data cb = { 0 };
    ep_sasl *s = NULL;
    ep_sasl_creds creds = { .username = v->user, .password = password, .keys = keys };
    if (v->cb)
        set_cb(&cb, v->cb, v->cb_hex);
    if (v->flag == 'y')
        set_cb(&cb, EP_CB_EXPR, "00"); /* the connection could, the server does not say so */
    assert_int_equal(ep_sasl_new(&s, ep_sasl_mech_named(v->mech), &creds, &cb, v->cb, false, NULL),
                     EPODE_OK);
    assert_int_equal(ep_sasl_set_nonce(s, v->nonce), EPODE_OK);
    assert_int_equal(ep_sasl_initial(s, out, NULL), EPODE_OK);
    return s;
}

static epode_status step(ep_sasl *s, const char *challenge, ep_buf *out, ep_error *err)
{
    ep_buf_clear(out);
    return ep_sasl_step(s, challenge, strlen(challenge), out, err);
}

static void the_exchange_is_byte_for_byte_that_of_the_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const vector *v = &vectors[i];
        ep_buf out = EP_BUF_INIT;
        ep_sasl *s = begin(v, v->password, NULL, &out);
        assert_string_equal(ep_buf_cstr(&out), v->client_first);
        assert_int_equal(ep_sasl_cb_flag(s), v->flag);
        assert_int_equal(step(s, v->server_first, &out, NULL), EPODE_OK);
        assert_string_equal(ep_buf_cstr(&out), v->client_final);
        assert_int_equal(ep_sasl_finish(s, v->server_final, strlen(v->server_final), NULL),
                         EPODE_OK);
        assert_false(ep_sasl_used_keys(s));
        ep_sasl_free(s);
        ep_buf_free(&out);
    }
}

static void remembered_keys_give_the_same_proof_without_the_password(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const vector *v = &vectors[i];
        ep_buf out = EP_BUF_INIT;
        ep_sasl *s = begin(v, v->password, NULL, &out);
        assert_int_equal(step(s, v->server_first, &out, NULL), EPODE_OK);
        ep_scram_keys keys = *ep_sasl_keys(s);
        ep_sasl_free(s);
        assert_null(strstr(keys.mechanism, "-PLUS"));
        ep_buf_clear(&out);
        s = begin(v, NULL, &keys, &out);
        assert_int_equal(step(s, v->server_first, &out, NULL), EPODE_OK);
        assert_string_equal(ep_buf_cstr(&out), v->client_final);
        assert_int_equal(ep_sasl_finish(s, v->server_final, strlen(v->server_final), NULL),
                         EPODE_OK);
        assert_true(ep_sasl_used_keys(s));
        ep_sasl_free(s);
        /* Another count: of no use without the password, and not in the way with it. */
        for (int with = 0; with <= 1; with++) {
            char changed[300];
            ep_error err = { 0 };
            snprintf(changed, sizeof changed, "%s", v->server_first);
            memcpy(strstr(changed, ",i=") + 3, "9999", 4);
            ep_buf_clear(&out);
            s = begin(v, with ? v->password : NULL, &keys, &out);
            assert_int_equal(step(s, changed, &out, &err), with ? EPODE_OK : EPODE_EAUTH);
            if (with)
                assert_false(ep_sasl_used_keys(s));
            ep_sasl_free(s);
        }
        ep_buf_free(&out);
    }
}

static void the_flag_says_what_both_sides_can(void **state)
{
    (void)state;
    static const struct {
        bool have_cb, listed;
        char flag;
    } rows[] = {
        { false, false, 'n' }, { false, true, 'n' }, { true, false, 'y' }, { true, true, 'n' }
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ep_cb_data cb = { 0 };
        ep_sasl *s = NULL;
        ep_buf out = EP_BUF_INIT;
        ep_sasl_creds creds = { .username = "a", .password = "b" };
        if (rows[i].have_cb)
            set_cb(&cb, EP_CB_EXPR, "0102");
        const ep_sasl_mech *m = ep_sasl_mech_named("SCRAM-SHA-1");
        assert_int_equal(ep_sasl_new(&s, m, &creds, &cb, EP_CB_NONE, rows[i].listed, NULL),
                         EPODE_OK);
        assert_int_equal(ep_sasl_initial(s, &out, NULL), EPODE_OK);
        assert_int_equal(ep_buf_ptr(&out)[0], rows[i].flag);
        assert_int_equal(ep_sasl_cb_flag(s), rows[i].flag);
        ep_sasl_free(s);
        ep_buf_free(&out);
    }
}

static void every_nonce_is_new_and_plus_needs_its_binding(void **state)
{
    (void)state;
    ep_buf a = EP_BUF_INIT, b = EP_BUF_INIT;
    ep_cb_data cb = { 0 };
    ep_sasl *s = NULL;
    ep_error err = { 0 };
    ep_sasl_creds creds = { .username = "a", .password = "b" };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ep_sasl_new(&s, ep_sasl_mech_named("SCRAM-SHA-1"), &creds, &cb, EP_CB_NONE,
                                     false, NULL),
                         EPODE_OK);
        assert_int_equal(ep_sasl_initial(s, i ? &b : &a, NULL), EPODE_OK);
        ep_sasl_free(s);
    }
    assert_true(a.len > strlen("n,,n=a,r=") + 20);
    assert_string_not_equal(ep_buf_cstr(&a), ep_buf_cstr(&b));
    ep_buf_free(&a);
    ep_buf_free(&b);
    assert_int_equal(ep_sasl_new(&s, ep_sasl_mech_named("SCRAM-SHA-1-PLUS"), &creds, &cb,
                                 EP_CB_EXPR, true, &err),
                     EPODE_EAUTH);
    assert_null(s);
}

static void what_a_server_may_not_say_first_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "r=other,s=QSXCR+Q6sek8bf92,i=4096",
        "r=fyko+d2lbbFgONRv9qkxdawL,s=QSXCR+Q6sek8bf92,i=4096", /* nothing of its own */
        "r=fyko,s=QSXCR+Q6sek8bf92,i=4096",
        "r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=4095",
        "r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=2000001",
        "r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=18446744073709551615",
        "r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=-1",
        "r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92",
        "r=fyko+d2lbbFgONRv9qkxdawLx,s=,i=4096",
        "r=fyko+d2lbbFgONRv9qkxdawLx,s=###,i=4096",
        "r=fyko+d2lbbFgONRv9qkxdawLx,i=4096",
        "s=QSXCR+Q6sek8bf92,i=4096",
        "m=must,r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=4096",
        "e=other-error",
        "",
        ",,,",
        "r",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        ep_buf out = EP_BUF_INIT;
        ep_error err = { 0 };
        ep_sasl *s = begin(&vectors[0], "pencil", NULL, &out);
        if (step(s, bad[i], &out, &err) != EPODE_EPROTO)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(out.len, 0);
        assert_int_equal(epode_error_status(&err), EPODE_EPROTO);
        ep_sasl_free(s);
        ep_buf_free(&out);
    }
    ep_buf out = EP_BUF_INIT;
    ep_sasl *s = begin(&vectors[0], "pencil", NULL, &out);
    static const char zero[] = "r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=4096\0,x=1";
    assert_int_equal(ep_sasl_step(s, zero, sizeof zero - 1, &out, NULL), EPODE_EPROTO);
    ep_sasl_free(s);
    ep_buf_free(&out);
}

static void a_salt_longer_than_any_is_refused(void **state)
{
    (void)state;
    char first[300];
    uint8_t salt[65] = { 1 };
    for (size_t n = 64; n <= 65; n++) {
        ep_buf out = EP_BUF_INIT;
        char *text = ep_b64_encode(salt, n);
        snprintf(first, sizeof first, "r=fyko+d2lbbFgONRv9qkxdawLx,s=%s,i=4096", text);
        ep_sasl *s = begin(&vectors[0], "pencil", NULL, &out);
        assert_int_equal(step(s, first, &out, NULL), n == 64 ? EPODE_OK : EPODE_EPROTO);
        ep_sasl_free(s);
        ep_buf_free(&out);
        ep_free(text);
    }
}

static void a_second_challenge_is_refused(void **state)
{
    (void)state;
    const vector *v = &vectors[0];
    ep_buf out = EP_BUF_INIT;
    ep_sasl *s = begin(v, v->password, NULL, &out);
    assert_int_equal(step(s, v->server_first, &out, NULL), EPODE_OK);
    assert_int_equal(step(s, v->server_first, &out, NULL), EPODE_EPROTO);
    assert_int_equal(step(s, v->server_final, &out, NULL), EPODE_EPROTO);
    ep_sasl_free(s);
    ep_buf_free(&out);
}

static void a_server_that_does_not_prove_itself_is_refused(void **state)
{
    (void)state;
    const vector *v = &vectors[0];
    static const char *const bad[] = { "",
                                       "v=",
                                       "v=rmF9pqV8S7suAoZWja4dJRkFsKU=",
                                       "v=rmF9pqV8S7suAoZWja4dJRkF",
                                       "v=####",
                                       "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
                                       "e=invalid-proof",
                                       "x=rmF9pqV8S7suAoZWja4dJRkFsKQ=" };
    for (size_t i = 0; i < COUNT(bad); i++) {
        ep_buf out = EP_BUF_INIT;
        ep_error err = { 0 };
        ep_sasl *s = begin(v, v->password, NULL, &out);
        assert_int_equal(step(s, v->server_first, &out, NULL), EPODE_OK);
        assert_int_equal(ep_sasl_finish(s, *bad[i] ? bad[i] : NULL, strlen(bad[i]), &err),
                         EPODE_EAUTH);
        assert_int_equal(epode_error_status(&err), EPODE_EAUTH);
        ep_sasl_free(s);
        ep_buf_free(&out);
    }
    /* Success before the proof went out. */
    ep_buf out = EP_BUF_INIT;
    ep_sasl *s = begin(v, v->password, NULL, &out);
    assert_int_equal(ep_sasl_finish(s, v->server_final, strlen(v->server_final), NULL),
                     EPODE_EAUTH);
    ep_sasl_free(s);
    ep_buf_free(&out);
}

static void what_cannot_be_prepared_is_no_credential(void **state)
{
    (void)state;
    ep_cb_data cb = { 0 };
    ep_buf out = EP_BUF_INIT;
    ep_sasl *s = NULL;
    ep_error err = { 0 };
    const ep_sasl_mech *m = ep_sasl_mech_named("SCRAM-SHA-1");
    ep_sasl_creds creds = { .username = "a\x07", .password = "b" };
    assert_int_equal(ep_sasl_new(&s, m, &creds, &cb, EP_CB_NONE, false, NULL), EPODE_OK);
    assert_int_equal(ep_sasl_initial(s, &out, &err), EPODE_EINVAL);
    ep_sasl_free(s);
    s = begin(&vectors[0], "b\x07", NULL, &out);
    assert_int_equal(step(s, vectors[0].server_first, &out, &err), EPODE_EINVAL);
    assert_null(strstr(epode_error_text(&err), "b\x07"));
    ep_sasl_free(s);
    ep_buf_free(&out);
}

static bool whole_exchange(void *user)
{
    const vector *v = user;
    ep_cb_data cb = { 0 };
    ep_sasl *s = NULL;
    ep_buf out = EP_BUF_INIT;
    ep_error err = { 0 };
    ep_sasl_creds creds = { .username = v->user, .password = v->password };
    set_cb(&cb, v->cb, v->cb_hex);
    epode_status st = ep_sasl_new(&s, ep_sasl_mech_named(v->mech), &creds, &cb, v->cb, true, &err);
    if (!st)
        st = ep_sasl_set_nonce(s, v->nonce);
    if (!st)
        st = ep_sasl_initial(s, &out, &err);
    if (!st)
        st = ep_sasl_step(s, v->server_first, strlen(v->server_first), &out, &err);
    if (!st)
        st = ep_sasl_finish(s, v->server_final, strlen(v->server_final), &err);
    assert_true(st <= 0);
    ep_sasl_free(s);
    ep_buf_free(&out);
    return !st;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(fail_each_allocation(whole_exchange, (void *)&vectors[3]) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exchange_is_byte_for_byte_that_of_the_vectors),
        cmocka_unit_test(remembered_keys_give_the_same_proof_without_the_password),
        cmocka_unit_test(the_flag_says_what_both_sides_can),
        cmocka_unit_test(every_nonce_is_new_and_plus_needs_its_binding),
        cmocka_unit_test(what_a_server_may_not_say_first_is_refused),
        cmocka_unit_test(a_salt_longer_than_any_is_refused),
        cmocka_unit_test(a_second_challenge_is_refused),
        cmocka_unit_test(a_server_that_does_not_prove_itself_is_refused),
        cmocka_unit_test(what_cannot_be_prepared_is_no_credential),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
