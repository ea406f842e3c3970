/* One socket: bytes are held for half a round trip each way, then go through TLS to the core. */
#include "program.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 65536
#define MAX_PER_FEED (1u << 20)
#define LINGER_US 2000000 /* for the client to close after us */

static void pipe_put(struct pipe *pipe, const void *data, size_t len, bool eof, int64_t due_us)
{
    struct chunk *chunk = pipe->last;
    if (!chunk || chunk->due_us != due_us || chunk->eof || chunk->sealed || eof) {
        chunk = srv_alloc(sizeof *chunk);
        chunk->due_us = due_us;
        chunk->eof = eof;
        if (pipe->last)
            pipe->last->next = chunk;
        else
            pipe->first = chunk;
        pipe->last = chunk;
    }
    srv_buf_add(&chunk->bytes, data, len);
}

static void pipe_pop(struct pipe *pipe)
{
    struct chunk *gone = pipe->first;
    pipe->first = gone->next;
    if (!pipe->first)
        pipe->last = NULL;
    srv_buf_free(&gone->bytes);
    free(gone);
}

static void start_tls(struct link *link, SSL_CTX *context)
{
    link->ssl = SSL_new(context);
    link->from_net = BIO_new(BIO_s_mem());
    link->to_net = BIO_new(BIO_s_mem());
    if (!link->ssl || !link->from_net || !link->to_net)
        abort();
    BIO_set_mem_eof_return(link->from_net, -1);
    SSL_set_bio(link->ssl, link->from_net, link->to_net);
    SSL_set_accept_state(link->ssl);
}

struct link *link_new(struct srv *srv, int fd, SSL_CTX *direct, bool early, int64_t half_rtt_us,
                      int64_t now_us)
{
    struct link *link = srv_alloc(sizeof *link);
    link->fd = fd;
    link->half_rtt_us = half_rtt_us;
    link->try_early = early;
    link->conn = srv_conn_new(srv, now_us);
    if (direct)
        start_tls(link, direct);
    return link;
}

void link_free(struct link *link, int64_t now_us)
{
    srv_conn_free(link->conn, now_us);
    /* A connection that was cut must not make OpenSSL drop its session from the cache. */
    if (link->up)
        SSL_set_shutdown(link->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(link->ssl);
    while (link->in.first)
        pipe_pop(&link->in);
    while (link->out.first)
        pipe_pop(&link->out);
    close(link->fd);
    free(link);
}

void link_readable(struct link *link, int64_t now_us)
{
    char data[READ_SIZE];
    ssize_t len;
    int64_t due_us = now_us + link->half_rtt_us;
    if (link->saw_eof)
        return;
    while ((len = recv(link->fd, data, sizeof data, 0)) > 0)
        pipe_put(&link->in, data, (size_t)len, false, due_us);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    link->saw_eof = true;
    pipe_put(&link->in, "", 0, true, due_us);
}

/* ---- TLS ---- */

static void tell_tls(struct link *link, bool early)
{
    struct tls_facts facts;
    struct srv_tls_info info;
    tls_describe(link->ssl, early, &facts, &info);
    srv_conn_tls_up(link->conn, &info);
}

static void check(struct link *link, int result)
{
    int error = SSL_get_error(link->ssl, result);
    ERR_clear_error();
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        link->finishing = true; /* what TLS has to say (an alert) still goes out */
}

/* Early data while there is some; false: it is not over yet. */
static bool read_early(struct link *link, int64_t now_us)
{
    char data[READ_SIZE];
    size_t len;
    for (;;) {
        int result = SSL_read_early_data(link->ssl, data, sizeof data, &len);
        if (result == SSL_READ_EARLY_DATA_ERROR) {
            check(link, 0);
            return false;
        }
        if (len > 0) {
            if (!link->told_early)
                tell_tls(link, true);
            link->told_early = true;
            srv_conn_feed(link->conn, data, len, now_us);
        }
        if (result == SSL_READ_EARLY_DATA_FINISH)
            break;
    }
    link->try_early = false;
    return true;
}

static void drain_tls(struct link *link, int64_t now_us)
{
    char data[READ_SIZE];
    int len;
    while ((len = BIO_read(link->to_net, data, sizeof data)) > 0)
        pipe_put(&link->out, data, (size_t)len, false, now_us + link->half_rtt_us);
}

/* The handshake; true when it is done. */
static bool handshake(struct link *link, int64_t now_us)
{
    if (link->up)
        return true;
    if (link->try_early && !read_early(link, now_us))
        return false;
    int result = SSL_do_handshake(link->ssl);
    if (result != 1) {
        check(link, result);
        return false;
    }
    link->up = true;
    tell_tls(link, false);
    drain_tls(link, now_us);
    if (link->out.last)
        link->out.last->sealed = true; /* tickets leave by themselves, as they do from most servers */
    return true;
}

/* All that has arrived is one read for the core. */
static void read_tls(struct link *link, int64_t now_us)
{
    struct srv_buf all = {0};
    char data[READ_SIZE];
    int len = 0;
    if (!handshake(link, now_us))
        return;
    do {
        while (all.len < MAX_PER_FEED && (len = SSL_read(link->ssl, data, sizeof data)) > 0)
            srv_buf_add(&all, data, (size_t)len);
        if (all.len)
            srv_conn_feed(link->conn, all.data, all.len, now_us);
        srv_buf_free(&all);
    } while (len > 0);
    check(link, len);
}

/* The core's output into TLS; before the handshake's end as 0.5-RTT data (RFC 8446, 2.3). */
static void write_tls(struct link *link, const char *data, size_t len)
{
    size_t done = 0, most = srv_conn_record_bytes(link->conn), now = 0;
    most = most ? most : len;
    if (SSL_is_init_finished(link->ssl))
        while (done < len && SSL_write_ex(link->ssl, data + done, len - done < most ? len - done : most, &now))
            done += now;
    else
        SSL_write_early_data(link->ssl, data, len, &done);
    ERR_clear_error();
    srv_conn_consume(link->conn, done);
    if (done == 0)
        link->finishing = true;
}

/* ---- The two directions ---- */

static void deliver(struct link *link, const char *data, size_t len, int64_t now_us)
{
    if (!link->ssl) {
        srv_conn_feed(link->conn, data, len, now_us);
        return;
    }
    BIO_write(link->from_net, data, (int)len);
    read_tls(link, now_us);
}

static void take_output(struct link *link, SSL_CTX *context, int64_t now_us)
{
    size_t len;
    const char *data = srv_conn_output(link->conn, &len);
    if (len && link->ssl) {
        write_tls(link, data, len);
    } else if (len) {
        pipe_put(&link->out, data, len, false, now_us + link->half_rtt_us);
        srv_conn_consume(link->conn, len);
    }
    if (!link->ssl && srv_conn_wants_tls(link->conn)) {
        const char *rest = srv_conn_tls_rest(link->conn, &len);
        start_tls(link, context);
        if (len)
            deliver(link, rest, len, now_us);
    }
    int how = link->finishing ? 0 : srv_conn_wants_close(link->conn);
    if (how == 1 && link->ssl)
        SSL_shutdown(link->ssl);
    if (how)
        link->finishing = true;
    if (link->ssl)
        drain_tls(link, now_us);
    ERR_clear_error();
}

static void flush(struct link *link, int64_t now_us)
{
    link->blocked = false;
    while (link->out.first && link->out.first->due_us <= now_us) {
        struct srv_buf *bytes = &link->out.first->bytes;
        ssize_t sent = send(link->fd, bytes->data, bytes->len, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            link->blocked = true;
            return;
        }
        if (sent < 0) {
            link->dead = true;
            return;
        }
        srv_buf_drop(bytes, (size_t)sent);
        if (bytes->len == 0)
            pipe_pop(&link->out);
    }
}

void link_run(struct link *link, SSL_CTX *context, int64_t now_us)
{
    struct srv_buf arrived = {0};
    while (link->in.first && link->in.first->due_us <= now_us) {
        if (link->in.first->eof)
            link->dead = true;
        srv_buf_add(&arrived, link->in.first->bytes.data, link->in.first->bytes.len);
        pipe_pop(&link->in);
    }
    if (arrived.len && !link->finishing)
        deliver(link, arrived.data, arrived.len, now_us);
    srv_buf_free(&arrived);
    take_output(link, context, now_us);
    flush(link, now_us);
    if (!link->finishing || link->out.first || link->dead)
        return;
    if (srv_conn_wants_close(link->conn) == 2) {
        link->dead = true; /* no close_notify, just the end */
    } else if (!link->linger_us) {
        shutdown(link->fd, SHUT_WR);
        link->linger_us = now_us + LINGER_US;
    } else if (link->linger_us <= now_us) {
        link->dead = true;
    }
}

int64_t link_deadline(const struct link *link)
{
    size_t len;
    int64_t due = link->linger_us ? link->linger_us : INT64_MAX;
    srv_conn_output(link->conn, &len);
    if (len && !link->finishing)
        return 0; /* another connection's turn gave this one something to say */
    if (link->in.first && link->in.first->due_us < due)
        due = link->in.first->due_us;
    if (link->out.first && !link->blocked && link->out.first->due_us < due)
        due = link->out.first->due_us;
    return due;
}
