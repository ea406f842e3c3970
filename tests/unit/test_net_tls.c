/* test_net_tls.c: TLS, verification and tickets without a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/sha.h>
#include <string.h>

#include "base/alloc.h"
#include "net/ticket.h"
#include "net/tls.h"
#include "net_certs.h"

static authority ca, other_ca;

typedef struct pair {
    SSL_CTX *ctx;
    SSL *server;
    ep_trust *trust;
    ep_tls *tls;
    size_t limit;  /* bytes that come from the server before the line is cut */
    size_t served; /* bytes that came */
    size_t chunk;  /* at a time; 0: all */
    ep_error error;
} pair;

static void open_server(pair *p, const identity *id)
{
    memset(p, 0, sizeof *p);
    p->limit = SIZE_MAX;
    p->ctx = make_server_ctx(id);
}

static void open_client(pair *p, const char *domain, const char *ca_file, SSL_SESSION *session,
                        STACK_OF(X509) * chain)
{
    assert_int_equal(ep_trust_new(&p->trust, domain, ca_file, &p->error), EPODE_OK);
    assert_int_equal(ep_tls_new(&p->tls, p->trust, session, chain), EPODE_OK);
    p->server = SSL_new(p->ctx);
    SSL_set_bio(p->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(p->server);
    p->served = 0;
}

static void close_client(pair *p)
{
    ep_tls_free(p->tls);
    ep_trust_free(p->trust);
    SSL_free(p->server);
    p->tls = NULL;
    p->server = NULL;
    p->trust = NULL;
}

static void close_pair(pair *p)
{
    close_client(p);
    SSL_CTX_free(p->ctx);
}

static void to_server(pair *p)
{
    ep_buf *out = ep_tls_out(p->tls);
    if (out->len)
        BIO_write(SSL_get_rbio(p->server), ep_buf_ptr(out), (int)out->len);
    ep_buf_consume(out, out->len);
    if (SSL_is_init_finished(p->server)) {
        char block[64];
        int n = SSL_read(p->server, block, sizeof block);
        if (n > 0)
            SSL_write(p->server, block, n);
    } else {
        SSL_do_handshake(p->server);
    }
}

/* True: something came. */
static bool from_server(pair *p)
{
    char block[4096];
    size_t want = p->chunk ? p->chunk : sizeof block;
    if (want > p->limit - p->served)
        want = p->limit - p->served;
    int n = want ? BIO_read(SSL_get_wbio(p->server), block, (int)want) : 0;
    if (n <= 0)
        return false;
    ep_buf_add(ep_tls_in(p->tls), block, (size_t)n);
    p->served += (size_t)n;
    return true;
}

/* Until it is up, fails, or the server has no more. */
static epode_status shake(pair *p)
{
    epode_status status = ep_tls_handshake(p->tls, &p->error);
    while (status == EPODE_AGAIN) {
        to_server(p);
        if (!from_server(p))
            ep_tls_in_ended(p->tls);
        status = ep_tls_handshake(p->tls, &p->error);
    }
    return status;
}

/* The tickets come with the first data behind the handshake. */
static void take_ticket(pair *p, ep_buf *blob)
{
    char block[64];
    size_t n;
    int64_t expires_ms = 0;
    assert_int_equal(ep_tls_write(p->tls, "x", 1, NULL), EPODE_OK);
    to_server(p);
    to_server(p);
    while (from_server(p))
        ;
    assert_int_equal(ep_tls_read(p->tls, block, sizeof block, &n, NULL), EPODE_OK);
    assert_true(ep_tls_take_ticket(p->tls, blob, &expires_ms));
    assert_true(expires_ms > (int64_t)time(NULL) * 1000);
}

static int64_t now_ms(void)
{
    return (int64_t)time(NULL) * 1000;
}

static ep_buf make_ticket(pair *p, const identity *id)
{
    ep_buf blob = EP_BUF_INIT;
    open_server(p, id);
    open_client(p, "example.org", ca.file, NULL, NULL);
    assert_int_equal(shake(p), EPODE_OK);
    take_ticket(p, &blob);
    close_client(p);
    return blob;
}

static epode_status import(const char *domain, const char *ca_file, const ep_buf *blob, int64_t now)
{
    ep_trust *trust;
    SSL_SESSION *session;
    STACK_OF(X509) * chain;
    assert_int_equal(ep_trust_new(&trust, domain, ca_file, NULL), EPODE_OK);
    epode_status status =
        ep_ticket_import(&session, &chain, trust, ep_buf_ptr(blob), blob->len, now, NULL);
    assert_true((status == EPODE_OK) == (session != NULL));
    SSL_SESSION_free(session);
    sk_X509_pop_free(chain, X509_free);
    ep_trust_free(trust);
    return status;
}

static void names_are_matched_as_xmpp_wants(void **state)
{
    (void)state;
    static const struct {
        const char *domain, *san;
        epode_status status;
    } rows[] = {
        { "example.org", "DNS:example.org", EPODE_OK },
        { "example.org", "DNS:EXAMPLE.org", EPODE_OK },
        { "example.org", "DNS:example.com", EPODE_ECERT },
        { "chat.example.org", "DNS:*.example.org", EPODE_OK },
        { "a.chat.example.org", "DNS:*.example.org", EPODE_ECERT },
        { "chat.example.org", "DNS:c*.example.org", EPODE_ECERT },
        { "example.org", "otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-client.example.org",
          EPODE_OK },
        { "example.org", "otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-server.example.org",
          EPODE_ECERT },
        { "example.org", "otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-client.example.or",
          EPODE_ECERT },
        { "example.org", "otherName:1.3.6.1.5.5.7.8.5;UTF8:example.org", EPODE_ECERT },
        { "server", NULL, EPODE_OK }, /* the common name, where nothing else is there */
        { "server", "DNS:example.org", EPODE_ECERT },
        { "127.0.0.1", "IP:127.0.0.1", EPODE_OK },
        { "127.0.0.1", "IP:127.0.0.2", EPODE_ECERT },
        { "::1", "IP:::1", EPODE_OK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pair p;
        identity id = make_identity(&ca, rows[i].san, -60, 3600);
        open_server(&p, &id);
        open_client(&p, rows[i].domain, ca.file, NULL, NULL);
        assert_int_equal(shake(&p), rows[i].status);
        close_pair(&p);
        free_identity(&id);
    }
}

/* By the environment, as OpenSSL has it: a directory by hash, and a bundle for what is not in it.
 */
static void the_systems_store_is_a_directory_and_a_bundle(void **state)
{
    (void)state;
    char directory[] = "/tmp/epode-cas-XXXXXX", link[128];
    assert_non_null(mkdtemp(directory));
    snprintf(link, sizeof link, "%s/%08lx.0", directory, X509_subject_name_hash(ca.cert));
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    for (int i = 0; i < 4; i++) { /* bit 0: in the directory, bit 1: in the bundle */
        pair p;
        if (i == 1)
            assert_int_equal(symlink(ca.file, link), 0);
        if (i == 2)
            unlink(link);
        setenv("SSL_CERT_DIR", directory, 1);
        setenv("SSL_CERT_FILE", i & 2 ? ca.file : other_ca.file, 1);
        open_server(&p, &id);
        open_client(&p, "example.org", NULL, NULL, NULL);
        assert_int_equal(shake(&p), i ? EPODE_OK : EPODE_ECERT);
        close_pair(&p);
    }
    unsetenv("SSL_CERT_DIR");
    unsetenv("SSL_CERT_FILE");
    unlink(link);
    rmdir(directory);
    free_identity(&id);
}

static void flights_of_the_handshake_are_counted(void **state)
{
    (void)state;
    static const struct {
        int version;
        const char *groups;
        unsigned waits;
    } rows[] = {
        { TLS1_3_VERSION, NULL, 1 },
        { TLS1_3_VERSION, "P-384", 2 }, /* HelloRetryRequest */
        { TLS1_2_VERSION, NULL, 2 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t chunk = 0; chunk < 2; chunk++) {
            pair p;
            identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
            open_server(&p, &id);
            p.chunk = chunk;
            SSL_CTX_set_max_proto_version(p.ctx, rows[i].version);
            if (rows[i].groups)
                SSL_CTX_set1_groups_list(p.ctx, rows[i].groups);
            open_client(&p, "example.org", ca.file, NULL, NULL);
            assert_int_equal(shake(&p), EPODE_OK);
            assert_int_equal(ep_tls_waits(p.tls), rows[i].waits);
            close_pair(&p);
            free_identity(&id);
        }
}

static void a_ticket_resumes_in_one_wait(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        pair p;
        SSL_SESSION *session;
        STACK_OF(X509) * chain;
        ep_buf blob = EP_BUF_INIT;
        ep_trust *trust;
        identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
        open_server(&p, &id);
        SSL_CTX_set_max_proto_version(p.ctx, version);
        open_client(&p, "example.org", ca.file, NULL, NULL);
        assert_int_equal(shake(&p), EPODE_OK);
        take_ticket(&p, &blob);
        close_client(&p);
        for (int i = 0; i < 2; i++) { /* and one that came in a resumed session */
            assert_int_equal(ep_trust_new(&trust, "example.org", ca.file, NULL), EPODE_OK);
            assert_int_equal(ep_ticket_import(&session, &chain, trust, ep_buf_ptr(&blob), blob.len,
                                              now_ms(), &p.error),
                             EPODE_OK);
            ep_trust_free(trust);
            open_client(&p, "example.org", ca.file, session, chain);
            assert_int_equal(shake(&p), EPODE_OK);
            assert_true(ep_tls_is_resumed(p.tls));
            assert_int_equal(ep_tls_waits(p.tls), 1);
            if (version == TLS1_3_VERSION) {
                ep_buf_clear(&blob);
                take_ticket(&p, &blob);
            }
            close_client(&p);
        }
        close_pair(&p);
        ep_buf_free(&blob);
        free_identity(&id);
    }
}

static void a_ticket_is_refused_when_anything_changed(void **state)
{
    (void)state;
    pair p;
    identity id = make_identity(&ca, "DNS:example.org,DNS:example.net", -60, 1800);
    ep_buf blob = make_ticket(&p, &id);
    assert_int_equal(import("example.org", ca.file, &blob, now_ms()), EPODE_OK);
    assert_int_equal(import("example.net", ca.file, &blob, now_ms()), EPODE_ECERT);
    assert_int_equal(import("example.org", other_ca.file, &blob, now_ms()), EPODE_ECERT);
    assert_int_equal(import("example.org", NULL, &blob, now_ms()), EPODE_ECERT);
    /* The leaf ends before the server's promise does. */
    assert_int_equal(import("example.org", ca.file, &blob, now_ms() + 1790000), EPODE_OK);
    assert_int_equal(import("example.org", ca.file, &blob, now_ms() + 1801000), EPODE_ETIMEOUT);
    close_pair(&p);
    ep_buf_free(&blob);
    free_identity(&id);
}

/* A blob whose outer hash was made to fit again, as nobody but a bug of ours would. */
static void seal(ep_buf *blob)
{
    SHA256((const uint8_t *)ep_buf_ptr(blob), blob->len - SHA256_DIGEST_LENGTH,
           (uint8_t *)blob->data + blob->head + blob->len - SHA256_DIGEST_LENGTH);
}

static void a_chain_that_no_longer_verifies_is_refused(void **state)
{
    (void)state;
    pair p;
    SSL_SESSION *session;
    STACK_OF(X509) * chain;
    ep_trust *trust;
    ep_error why;
    identity id = make_identity(&ca, "DNS:example.org", -60, 1800);
    ep_buf blob = make_ticket(&p, &id);
    /* The same fingerprint as far as the ticket knows, another store: only the chain can tell. */
    assert_int_equal(ep_trust_new(&trust, "example.org", other_ca.file, NULL), EPODE_OK);
    memcpy(blob.data + blob.head + sizeof "epode ticket 1", trust->fingerprint,
           EP_FINGERPRINT_BYTES);
    seal(&blob);
    assert_int_equal(
        ep_ticket_import(&session, &chain, trust, ep_buf_ptr(&blob), blob.len, now_ms(), &why),
        EPODE_ECERT);
    assert_non_null(strstr(why.text, "unknown authority"));
    ep_trust_free(trust);
    close_pair(&p);
    ep_buf_free(&blob);
    free_identity(&id);
}

static void a_damaged_ticket_is_refused_and_harms_nobody(void **state)
{
    (void)state;
    pair p;
    SSL_SESSION *session;
    STACK_OF(X509) * chain;
    ep_trust *trust;
    identity id = make_identity(&ca, "DNS:example.org", -60, 1800);
    ep_buf blob = make_ticket(&p, &id);
    assert_int_equal(ep_trust_new(&trust, "example.org", ca.file, NULL), EPODE_OK);
    char *data = blob.data + blob.head;
    ep_buf copy = EP_BUF_INIT;
    for (size_t i = 0; i < blob.len; i++) {
        assert_int_equal(ep_ticket_import(&session, &chain, trust, data, i, now_ms(), NULL),
                         EPODE_EINVAL);
        data[i] ^= 0x41;
        assert_int_equal(ep_ticket_import(&session, &chain, trust, data, blob.len, now_ms(), NULL),
                         EPODE_EINVAL);
        ep_buf_clear(&copy);
        ep_buf_add(&copy, data, blob.len);
        data[i] ^= 0x41;
        seal(&copy);
        ep_ticket_import(&session, &chain, trust, ep_buf_ptr(&copy), copy.len, now_ms(), NULL);
        SSL_SESSION_free(session);
        sk_X509_pop_free(chain, X509_free);
    }
    ep_trust_free(trust);
    close_pair(&p);
    ep_buf_free(&copy);
    ep_buf_free(&blob);
    free_identity(&id);
}

static void a_cut_at_any_byte_of_the_handshake_is_typed(void **state)
{
    (void)state;
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    bool up = false;
    for (size_t cut = 0; !up; cut++) {
        pair p;
        open_server(&p, &id);
        open_client(&p, "example.org", ca.file, NULL, NULL);
        p.limit = cut;
        epode_status status = shake(&p);
        up = status == EPODE_OK;
        assert_true(up || status == EPODE_ECONNECT);
        if (!up)
            assert_non_null(strstr(p.error.text, "cut"));
        close_pair(&p);
    }
    free_identity(&id);
}

static void what_is_no_tls_is_named(void **state)
{
    (void)state;
    static const char *const lines[] = { "<?xml version='1.0'?><stream:stream>",
                                         "HTTP/1.1 400 Bad" };
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    for (size_t i = 0; i < 2; i++) {
        pair p;
        open_server(&p, &id);
        open_client(&p, "example.org", ca.file, NULL, NULL);
        assert_int_equal(ep_tls_handshake(p.tls, &p.error), EPODE_AGAIN);
        ep_buf_puts(ep_tls_in(p.tls), lines[i]);
        assert_int_equal(ep_tls_handshake(p.tls, &p.error), EPODE_ETLS);
        assert_non_null(strstr(p.error.text, "does not speak TLS"));
        close_pair(&p);
    }
    free_identity(&id);
}

static void nothing_is_read_or_written_before_it_is_up(void **state)
{
    (void)state;
    pair p;
    char block[8];
    size_t n;
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    open_server(&p, &id);
    open_client(&p, "example.org", ca.file, NULL, NULL);
    assert_int_equal(ep_tls_write(p.tls, "x", 1, NULL), EPODE_ESTATE);
    assert_int_equal(ep_tls_read(p.tls, block, sizeof block, &n, NULL), EPODE_AGAIN);
    close_pair(&p);
    free_identity(&id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_matched_as_xmpp_wants),
        cmocka_unit_test(the_systems_store_is_a_directory_and_a_bundle),
        cmocka_unit_test(flights_of_the_handshake_are_counted),
        cmocka_unit_test(a_ticket_resumes_in_one_wait),
        cmocka_unit_test(a_ticket_is_refused_when_anything_changed),
        cmocka_unit_test(a_chain_that_no_longer_verifies_is_refused),
        cmocka_unit_test(a_damaged_ticket_is_refused_and_harms_nobody),
        cmocka_unit_test(a_cut_at_any_byte_of_the_handshake_is_typed),
        cmocka_unit_test(what_is_no_tls_is_named),
        cmocka_unit_test(nothing_is_read_or_written_before_it_is_up),
    };
    ca = make_authority("test authority");
    other_ca = make_authority("other authority");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_authority(&ca);
    free_authority(&other_ca);
    return failed;
}
