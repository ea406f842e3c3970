/* wire.c: connections by hand: TCP, TLS, a stream header. Every step has one deadline. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"

int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The kernel forgets it with every read. */
static void acknowledge(wire *w)
{
    if (w->acknowledge >= 0)
        setsockopt(w->fd, IPPROTO_TCP, TCP_QUICKACK, &w->acknowledge, sizeof w->acknowledge);
}

/* While it is on, the kernel holds back what is not a full segment. */
static void cork(wire *w, int on)
{
    setsockopt(w->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

static bool fail(wire *w, const char *why)
{
    snprintf(w->why, sizeof w->why, "%s", why);
    return false;
}

static bool wait_for(wire *w, short events)
{
    int64_t left_ms = (w->deadline_us - now_us()) / 1000;
    struct pollfd p = { .fd = w->fd, .events = events };
    if (left_ms > 0 && poll(&p, 1, (int)left_ms) > 0)
        return true;
    w->timed_out = true;
    return fail(w, "no answer in time");
}

bool wire_open(wire *w, const endpoint *e, int ack, unsigned timeout_ms)
{
    struct sockaddr_storage to = e->to;
    int one = 1, error = 0;
    socklen_t n = sizeof error;
    *w = (wire){ .fd = -1, .acknowledge = ack, .deadline_us = now_us() + (int64_t)timeout_ms * 1000 };
    if (to.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&to)->sin6_port = htons((uint16_t)e->port);
    else
        ((struct sockaddr_in *)&to)->sin_port = htons((uint16_t)e->port);
    w->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (w->fd < 0)
        return fail(w, strerror(errno));
    setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(w->fd, (struct sockaddr *)&to, to.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)) &&
        errno != EINPROGRESS)
        return fail(w, strerror(errno));
    if (!wait_for(w, POLLOUT))
        return false;
    getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &n);
    acknowledge(w);
    return error ? fail(w, strerror(error)) : true;
}

static bool tls_failed(wire *w, int result, int error)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    if (error == SSL_ERROR_SYSCALL && result < 0 && errno)
        reason = strerror(errno);
    fail(w, reason ? reason : "the server closed the connection");
    ERR_clear_error();
    return false;
}

/* What OpenSSL waits for; false: it failed. */
static bool tls_wait(wire *w, int result)
{
    int error = SSL_get_error(w->ssl, result);
    if (error == SSL_ERROR_WANT_READ)
        return wait_for(w, POLLIN);
    if (error == SSL_ERROR_WANT_WRITE)
        return wait_for(w, POLLOUT);
    return tls_failed(w, result, error);
}

bool wire_tls(wire *w, SSL_CTX *context, const char *name, SSL_SESSION *session, bool alpn)
{
    static const unsigned char protocol[] = "\013xmpp-client"; /* XEP-0368, 3 */
    int result;
    w->ssl = SSL_new(context);
    if (!w->ssl || SSL_set_fd(w->ssl, w->fd) != 1)
        return fail(w, "out of memory");
    SSL_set_tlsext_host_name(w->ssl, name);
    if (session)
        SSL_set_session(w->ssl, session);
    if (alpn)
        SSL_set_alpn_protos(w->ssl, protocol, sizeof protocol - 1);
    /* The handshake's last flight stays for what is said next: both leave in one segment, as a client's would that is
     * in a hurry. */
    while (errno = 0, cork(w, 1), (result = SSL_connect(w->ssl)) != 1) {
        cork(w, 0);
        if (!tls_wait(w, result))
            return false;
        acknowledge(w);
    }
    acknowledge(w);
    return true;
}

bool wire_send(wire *w, const char *text)
{
    size_t n = strlen(text);
    if (w->ssl) {
        for (int result; (result = SSL_write(w->ssl, text, (int)n)) <= 0;)
            if (!tls_wait(w, result))
                return false;
        cork(w, 0);
        return true;
    }
    while (n > 0) {
        ssize_t sent = send(w->fd, text, n, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return fail(w, strerror(errno));
        if (sent < 0 && !wait_for(w, POLLOUT))
            return false;
        text += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

static bool receive(wire *w, char *out, size_t size, size_t *n)
{
    *n = 0;
    for (;;) {
        ssize_t got = w->ssl ? SSL_read(w->ssl, out, (int)size) : recv(w->fd, out, size, 0);
        acknowledge(w);
        if (got > 0) {
            *n = (size_t)got;
            return true;
        }
        if (!w->ssl && (got == 0 || errno != EAGAIN))
            return fail(w, got == 0 ? "the server closed the connection" : strerror(errno));
        if (w->ssl ? !tls_wait(w, (int)got) : !wait_for(w, POLLIN))
            return false;
    }
}

bool wire_read(wire *w, int count)
{
    char data[4096];
    size_t n;
    while (tree_finished(w->tree) < count) {
        /* Before TLS one byte at a time: what follows <proceed/> is not ours to read. */
        if (!receive(w, data, w->ssl ? sizeof data : 1, &n))
            return false;
        if (!tree_feed(w->tree, data, n))
            return fail(w, "what the server says is not XMPP");
    }
    return true;
}

bool wire_stream(wire *w, const char *domain, const char *from)
{
    char header[1400];
    tree_free(w->tree);
    w->tree = tree_new();
    if (!w->tree)
        return fail(w, "out of memory");
    snprintf(header, sizeof header, "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://"
             "etherx.jabber.org/streams' version='1.0' xml:lang='en' to='%s'%s%s%s>", domain, from ? " from='" : "",
             from ? from : "", from ? "'" : "");
    return wire_send(w, header) && wire_read(w, 1);
}

bool wire_starttls(wire *w, const char *domain)
{
    static const char ns[] = "urn:ietf:params:xml:ns:xmpp-tls";
    if (!wire_stream(w, domain, NULL))
        return false;
    if (tree_find(w->tree, 0, -1, ns, "starttls") < 0)
        return fail(w, "the server does not offer STARTTLS");
    if (!wire_send(w, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>") || !wire_read(w, 2))
        return false;
    return tree_find(w->tree, 0, -1, ns, "proceed") >= 0 ? true : fail(w, "the server refuses STARTTLS");
}

void wire_close(wire *w)
{
    if (w->ssl && SSL_is_init_finished(w->ssl)) {
        SSL_write(w->ssl, "</stream:stream>", 16);
        SSL_shutdown(w->ssl);
        ERR_clear_error();
    }
    SSL_free(w->ssl);
    if (w->fd >= 0)
        close(w->fd);
    tree_free(w->tree);
    w->ssl = NULL;
    w->fd = -1;
    w->tree = NULL;
}
