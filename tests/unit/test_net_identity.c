/* test_net_identity.c: the client's own certificate: what is no such thing, whom it names, what its tickets are
 * worth. */
#include "../support/check.h"

#include "net/verify.h"
#include "net_certs.h"

static authority ca;

static void write_pem(char *path, const identity *i, bool cert, const EVP_PKEY *key, const char *passphrase)
{
    strcpy(path, "/tmp/epode-identity-XXXXXX");
    FILE *f = fdopen(mkstemp(path), "w");
    assert_non_null(f);
    if (cert)
        PEM_write_X509(f, i->cert);
    if (key)
        PEM_write_PrivateKey(f, key, passphrase ? EVP_aes_128_cbc() : NULL, (const unsigned char *)passphrase,
                             passphrase ? (int)strlen(passphrase) : 0, NULL, NULL);
    fclose(f);
}

static void the_server_is_told_which_account_only_where_it_cannot_know(void **state)
{
    (void)state;
#define ADDR "otherName:1.3.6.1.5.5.7.8.5;UTF8:"
    static const struct {
        const char *san;
        bool others;
    } rows[] = {
        { ADDR "alice@example.org", false },
        { ADDR "Alice@Example.org", false },
        { ADDR "bob@example.org", true },
        { ADDR "alice@example.org," ADDR "alice@example.net", true },
        { ADDR "alice@example.org," ADDR "alice@example.org", true },
        { ADDR "alice@example.org.evil", true },
        { "DNS:example.org", false },
        { "email:alice@example.org", false },
        { NULL, false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char path[64];
        identity id = make_identity(&ca, rows[i].san, -3600, 3600);
        ep_trust *trust;
        write_pem(path, &id, true, id.key, NULL);
        assert_int_equal(ep_trust_new(&trust, "example.org", ca.file, NULL), EPODE_OK);
        assert_int_equal(ep_trust_identify(trust, path, NULL, "alice@example.org", NULL), EPODE_OK);
        if (trust->names_others != rows[i].others)
            fail_msg("%s: %d", rows[i].san, trust->names_others);
        ep_trust_free(trust);
        unlink(path);
        free_identity(&id);
    }
}

static void what_cannot_be_used_is_final_and_asks_nobody(void **state)
{
    (void)state;
    char both[64], cert[64], key[64], foreign[64], locked[64];
    identity id = make_identity(&ca, NULL, -3600, 3600), other = make_identity(&ca, NULL, -3600, 3600);
    write_pem(both, &id, true, id.key, NULL);
    write_pem(cert, &id, true, NULL, NULL);
    write_pem(key, &id, false, id.key, NULL);
    write_pem(foreign, &other, false, other.key, NULL);
    write_pem(locked, &id, false, id.key, "passphrase");
    const struct {
        const char *cert, *key;
        epode_status status;
    } rows[] = {
        { both, NULL, EPODE_OK },       { cert, key, EPODE_OK },       { both, key, EPODE_OK },
        { cert, NULL, EPODE_EINVAL },   { key, NULL, EPODE_EINVAL },   { cert, foreign, EPODE_EINVAL },
        { cert, locked, EPODE_EINVAL }, { "/nonexistent", key, EPODE_EINVAL }, { cert, "/nonexistent", EPODE_EINVAL },
        { "/dev/null", "/dev/null", EPODE_EINVAL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ep_trust *trust;
        ep_error err = { 0 };
        assert_int_equal(ep_trust_new(&trust, "example.org", ca.file, NULL), EPODE_OK);
        epode_status st = ep_trust_identify(trust, rows[i].cert, rows[i].key, "alice@example.org", &err);
        if (st != rows[i].status)
            fail_msg("row %zu: %s", i, epode_status_name(st));
        if (st) {
            assert_true(epode_error_is_final(&err));
            assert_true(err.text[0]);
            assert_null(strstr(err.text, "passphrase"));
        }
        ep_trust_free(trust);
    }
    const char *files[] = { both, cert, key, foreign, locked };
    for (size_t i = 0; i < COUNT(files); i++)
        unlink(files[i]);
    free_identity(&id);
    free_identity(&other);
}

/* What a ticket is bound to; test_net_tls shows that another fingerprint refuses it. */
static void tickets_belong_to_the_certificate(void **state)
{
    (void)state;
    char one[64], two[64];
    uint8_t seen[4][EP_FINGERPRINT_BYTES];
    identity a = make_identity(&ca, NULL, -3600, 3600), b = make_identity(&ca, NULL, -3600, 3600);
    write_pem(one, &a, true, a.key, NULL);
    write_pem(two, &b, true, b.key, NULL);
    const char *const files[] = { NULL, one, two, one };
    for (size_t i = 0; i < COUNT(files); i++) {
        ep_trust *trust;
        assert_int_equal(ep_trust_new(&trust, "example.org", ca.file, NULL), EPODE_OK);
        if (files[i])
            assert_int_equal(ep_trust_identify(trust, files[i], NULL, "alice@example.org", NULL), EPODE_OK);
        memcpy(seen[i], trust->fingerprint, sizeof seen[i]);
        ep_trust_free(trust);
    }
    assert_memory_not_equal(seen[0], seen[1], sizeof seen[0]);
    assert_memory_not_equal(seen[0], seen[2], sizeof seen[0]);
    assert_memory_not_equal(seen[1], seen[2], sizeof seen[0]);
    assert_memory_equal(seen[1], seen[3], sizeof seen[0]);
    unlink(one);
    unlink(two);
    free_identity(&a);
    free_identity(&b);
}

static int setup(void **state)
{
    (void)state;
    ca = make_authority("identity test CA");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free_authority(&ca);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_is_told_which_account_only_where_it_cannot_know),
        cmocka_unit_test(what_cannot_be_used_is_final_and_asks_nobody),
        cmocka_unit_test(tickets_belong_to_the_certificate),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
