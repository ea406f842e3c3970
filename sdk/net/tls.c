/* tls.c: OpenSSL over two buffers. */
#include "net/tls.h"

#include <openssl/err.h>
#include <string.h>

#include "base/alloc.h"
#include "net/ticket.h"

enum { TICKETS_MAX = 4 };

struct ep_tls {
    ep_trust *trust;
    SSL *ssl;
    ep_buf in, out;
    bool ended; /* nothing will be appended to in any more */
    bool up;
    unsigned waits;
    uint64_t produced, produced_at_wait; /* bytes that OpenSSL wrote */
    STACK_OF(X509) * chain;              /* of the ticket: a resumed handshake brings none */
    SSL_SESSION *tickets[TICKETS_MAX];
    int tickets_n;
};

/* --- the BIO: ep_buf on both sides --------------------------------------------------- */

static int bio_write(BIO *bio, const char *data, int n)
{
    ep_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ep_buf_add(&tls->out, data, (size_t)n);
    if (tls->out.failed)
        return -1;
    tls->produced += (uint64_t)n;
    return n;
}

static int bio_read(BIO *bio, char *data, int n)
{
    ep_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!tls->in.len) {
        if (tls->ended)
            return 0;
        BIO_set_retry_read(bio);
        return -1;
    }
    if ((size_t)n > tls->in.len)
        n = (int)tls->in.len;
    memcpy(data, ep_buf_ptr(&tls->in), (size_t)n);
    ep_buf_consume(&tls->in, (size_t)n);
    return n;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    ep_tls *tls = BIO_get_data(bio);
    (void)num;
    (void)ptr;
    if (cmd == BIO_CTRL_EOF)
        return tls->ended && !tls->in.len;
    return cmd == BIO_CTRL_FLUSH;
}

static BIO *new_bio(ep_tls *tls)
{
    BIO_METHOD *m = tls->trust->bio;
    if (!m) {
        m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "epode buffers");
        if (!m)
            return NULL;
        BIO_meth_set_write(m, bio_write);
        BIO_meth_set_read(m, bio_read);
        BIO_meth_set_ctrl(m, bio_ctrl);
        tls->trust->bio = m;
    }
    BIO *bio = BIO_new(m);
    if (bio) {
        BIO_set_data(bio, tls);
        BIO_set_init(bio, 1);
    }
    return bio;
}

/* --- life ---------------------------------------------------------------------------- */

/* Called deep inside of OpenSSL: the session is put aside until the owner asks. The newest are
 * kept. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    ep_tls *tls = SSL_get_app_data(ssl);
    if (tls->tickets_n == TICKETS_MAX) {
        SSL_SESSION_free(tls->tickets[0]);
        memmove(tls->tickets, tls->tickets + 1, sizeof *tls->tickets * (TICKETS_MAX - 1));
        tls->tickets_n--;
    }
    tls->tickets[tls->tickets_n++] = session;
    return 1;
}

epode_status ep_tls_new(ep_tls **out, ep_trust *trust, SSL_SESSION *session, STACK_OF(X509) * chain)
{
    ep_tls *tls = ep_calloc(1, sizeof *tls);
    BIO *bio = NULL;
    *out = NULL;
    if (!tls) {
        sk_X509_pop_free(chain, X509_free);
        goto fail;
    }
    tls->trust = trust;
    tls->chain = chain;
    tls->ssl = SSL_new(trust->ctx);
    bio = new_bio(tls);
    if (!tls->ssl || !bio || !ep_trust_apply(trust, tls->ssl))
        goto fail;
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_app_data(tls->ssl, tls);
    SSL_CTX_sess_set_new_cb(trust->ctx, on_session);
    SSL_set_connect_state(tls->ssl);
    if (session && SSL_set_session(tls->ssl, session) != 1) {
        bio = NULL;
        goto fail;
    }
    SSL_SESSION_free(session);
    *out = tls;
    return EPODE_OK;
fail:
    BIO_free(bio);
    SSL_SESSION_free(session);
    ep_tls_free(tls);
    ERR_clear_error();
    return EPODE_ENOMEM;
}

void ep_tls_free(ep_tls *tls)
{
    if (!tls)
        return;
    while (tls->tickets_n > 0)
        SSL_SESSION_free(tls->tickets[--tls->tickets_n]);
    SSL_free(tls->ssl);
    sk_X509_pop_free(tls->chain, X509_free);
    ep_buf_wipe(&tls->in);
    ep_buf_free(&tls->out);
    ep_free(tls);
}

ep_buf *ep_tls_in(ep_tls *tls)
{
    return &tls->in;
}

ep_buf *ep_tls_out(ep_tls *tls)
{
    return &tls->out;
}

void ep_tls_in_ended(ep_tls *tls)
{
    tls->ended = true;
}

/* --- handshake and data -------------------------------------------------------------- */

static epode_status tls_error(ep_tls *tls, int kind, const char *doing, ep_error *error)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(code);
    long verified = SSL_get_verify_result(tls->ssl);
    epode_status status;
    if (tls->out.failed || tls->in.failed || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
        status = ep_fail(error, EPODE_ENOMEM, 0, "out of memory");
    else if (!tls->up && verified != X509_V_OK)
        status = ep_trust_fail(error, verified);
    else if (kind == SSL_ERROR_SYSCALL ||
             (ERR_GET_LIB(code) == ERR_LIB_SSL &&
              ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING))
        status = ep_fail(error, EPODE_ECONNECT, 0, "the connection was cut %s", doing);
    else if (!tls->up && (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER ||
                          ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST))
        status =
            ep_fail(error, EPODE_ETLS, (long)code, "the server does not speak TLS on this port");
    else
        status = ep_fail(error, EPODE_ETLS, (long)code, "TLS failed %s: %s", doing,
                         reason ? reason : "unknown reason");
    ERR_clear_error();
    return status;
}

size_t ep_tls_early_room(const ep_tls *tls)
{
    const SSL_SESSION *session = SSL_get0_session(tls->ssl);
    return session && tls->chain ? SSL_SESSION_get_max_early_data(session) : 0;
}

const X509 *ep_tls_session_certificate(const ep_tls *tls)
{
    return sk_X509_value(tls->chain, 0);
}

epode_status ep_tls_write_early(ep_tls *tls, const void *data, size_t n, ep_error *error)
{
    size_t done = 0;
    if (tls->up || !n || n > ep_tls_early_room(tls))
        return EPODE_ESTATE;
    ERR_clear_error();
    if (SSL_write_early_data(tls->ssl, data, n, &done) == 1 && done == n)
        return EPODE_OK;
    return tls_error(tls, SSL_get_error(tls->ssl, 0), "with early data", error);
}

bool ep_tls_early_taken(const ep_tls *tls)
{
    return tls->up && SSL_get_early_data_status(tls->ssl) == SSL_EARLY_DATA_ACCEPTED;
}

epode_status ep_tls_handshake(ep_tls *tls, ep_error *error)
{
    if (tls->up)
        return EPODE_OK;
    ERR_clear_error();
    int r = SSL_do_handshake(tls->ssl);
    if (r != 1) {
        int kind = SSL_get_error(tls->ssl, r);
        if (kind != SSL_ERROR_WANT_READ)
            return tls_error(tls, kind, "in the handshake", error);
        if (tls->produced != tls->produced_at_wait)
            tls->waits++;
        tls->produced_at_wait = tls->produced;
        return EPODE_AGAIN;
    }
    /* Cannot be with SSL_VERIFY_PEER; nothing may pass if it ever is. */
    if (!SSL_get0_peer_certificate(tls->ssl) || SSL_get_verify_result(tls->ssl) != X509_V_OK)
        return ep_trust_fail(error, SSL_get_verify_result(tls->ssl));
    tls->up = true;
    return EPODE_OK;
}

epode_status ep_tls_read(ep_tls *tls, void *out, size_t cap, size_t *n, ep_error *error)
{
    *n = 0;
    if (!tls->up)
        return EPODE_AGAIN;
    ERR_clear_error();
    if (SSL_read_ex(tls->ssl, out, cap, n) == 1)
        return EPODE_OK;
    int kind = SSL_get_error(tls->ssl, 0);
    if (kind == SSL_ERROR_WANT_READ)
        return EPODE_AGAIN;
    if (kind == SSL_ERROR_ZERO_RETURN)
        return EPODE_DONE;
    return tls_error(tls, kind, "while reading", error);
}

epode_status ep_tls_write(ep_tls *tls, const void *data, size_t n, ep_error *error)
{
    size_t done;
    if (!tls->up)
        return EPODE_ESTATE;
    if (!n)
        return EPODE_OK;
    ERR_clear_error();
    if (SSL_write_ex(tls->ssl, data, n, &done) == 1)
        return EPODE_OK;
    return tls_error(tls, SSL_get_error(tls->ssl, 0), "while writing", error);
}

void ep_tls_goodbye(ep_tls *tls)
{
    if (tls->up)
        SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

/* --- what it is ---------------------------------------------------------------------- */

unsigned ep_tls_waits(const ep_tls *tls)
{
    return tls->waits;
}

bool ep_tls_is_resumed(const ep_tls *tls)
{
    return SSL_session_reused(tls->ssl) == 1;
}

const char *ep_tls_version(const ep_tls *tls)
{
    return SSL_get_version(tls->ssl);
}

const char *ep_tls_cipher(const ep_tls *tls)
{
    return SSL_get_cipher_name(tls->ssl);
}

int64_t ep_tls_certificate_end_ms(const ep_tls *tls)
{
    return ep_certificate_end_ms(SSL_get0_peer_certificate(tls->ssl));
}

SSL *ep_tls_ssl(const ep_tls *tls)
{
    return tls->ssl;
}

bool ep_tls_is_alert(const ep_error *error)
{
    return error->status == EPODE_ETLS && ERR_GET_REASON((unsigned long)error->native) >= SSL_AD_REASON_OFFSET;
}

bool ep_tls_has_ticket(const ep_tls *tls)
{
    return tls->up && tls->tickets_n > 0;
}

bool ep_tls_take_ticket(ep_tls *tls, ep_buf *blob, int64_t *expires_wall_ms)
{
    /* A resumed session vouches by the chain that its ticket was stored with. */
    STACK_OF(X509) *chain = ep_tls_is_resumed(tls) ? tls->chain : SSL_get_peer_cert_chain(tls->ssl);
    while (tls->up && tls->tickets_n > 0) {
        SSL_SESSION *session = tls->tickets[0];
        memmove(tls->tickets, tls->tickets + 1, sizeof *tls->tickets * (TICKETS_MAX - 1));
        tls->tickets_n--;
        epode_status status = ep_ticket_export(blob, tls->trust, session, chain, expires_wall_ms);
        SSL_SESSION_free(session);
        if (status == EPODE_OK)
            return true;
        ep_buf_wipe(blob);
    }
    return false;
}
