/* net_server.h: a little TLS server on loopback, in a thread, for the tests of the net layer. */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "net_certs.h"

typedef struct server {
    SSL_CTX *ctx;
    int listener;
    uint16_t port;
    const char *greeting; /* before TLS: this is expected ... */
    const char *proceed;  /* ... and answered by this */
    bool glued;           /* proceed and TLS's first flight in one segment */
    bool reset;           /* cuts with a RST */
    bool silent;          /* accepts, and says nothing */
    bool cut;             /* closes without a goodbye after the first data */
    size_t flood;         /* bytes sent behind the first data */
    int connections, resumed;
    size_t first_read; /* bytes of the first TLS read's plaintext */
    pthread_t thread;
} server;

static inline bool expect_plain(server *s, int fd)
{
    char block[256] = "";
    size_t n = 0, want = strlen(s->greeting);
    while (n < want) {
        ssize_t got = recv(fd, block + n, want - n, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
    }
    return memcmp(block, s->greeting, want) == 0 &&
           (s->glued || send(fd, s->proceed, strlen(s->proceed), MSG_NOSIGNAL) > 0);
}

static inline void send_glued(server *s, SSL *ssl, int fd)
{
    char block[8192];
    size_t n = strlen(s->proceed);
    SSL_set0_wbio(ssl, BIO_new(BIO_s_mem()));
    /* The ClientHello is answered, and then more is waited for; that wait is broken off at once. */
    int flags = fcntl(fd, F_GETFL);
    char first;
    recv(fd, &first, 1, MSG_PEEK);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    SSL_accept(ssl);
    fcntl(fd, F_SETFL, flags);
    memcpy(block, s->proceed, n);
    n += (size_t)BIO_read(SSL_get_wbio(ssl), block + n, (int)(sizeof block - n));
    send(fd, block, n, MSG_NOSIGNAL);
    SSL_set0_wbio(ssl, BIO_new_socket(fd, BIO_NOCLOSE));
}

/* Echoes until the client's goodbye. */
static inline void serve_tls(server *s, int fd)
{
    char block[4096];
    SSL *ssl = SSL_new(s->ctx);
    SSL_set_fd(ssl, fd);
    if (s->glued)
        send_glued(s, ssl, fd);
    if (SSL_accept(ssl) == 1) {
        int n;
        s->resumed += SSL_session_reused(ssl);
        while ((n = SSL_read(ssl, block, sizeof block)) > 0) {
            if (!s->first_read)
                s->first_read = (size_t)n;
            SSL_write(ssl, block, n);
            memset(block, 'f', sizeof block);
            for (size_t sent = 0; sent < s->flood; sent += sizeof block)
                if (SSL_write(ssl, block, sizeof block) <= 0)
                    break;
            s->flood = 0;
            if (s->cut)
                break;
        }
        if (!s->cut)
            SSL_shutdown(ssl);
        struct linger none = { 1, 0 };
        if (s->reset)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    }
    SSL_free(ssl);
}

static inline void *server_main(void *arg)
{
    server *s = arg;
    for (;;) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        s->connections++;
        char wait;
        if (s->silent)
            while (recv(fd, &wait, 1, 0) > 0)
                ;
        else if (!s->greeting || expect_plain(s, fd))
            serve_tls(s, fd);
        close(fd);
    }
}

static inline void server_start(server *s, const identity *id)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    signal(SIGPIPE, SIG_IGN);
    s->ctx = make_server_ctx(id);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bind(s->listener, (struct sockaddr *)&a, sizeof a);
    listen(s->listener, 8);
    getsockname(s->listener, (struct sockaddr *)&a, &len);
    s->port = ntohs(a.sin_port);
    pthread_create(&s->thread, NULL, server_main, s);
}

/* Every client must have gone. */
static inline void server_stop(server *s)
{
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
    SSL_CTX_free(s->ctx);
}

/* Nobody listens there. */
static inline uint16_t closed_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bind(fd, (struct sockaddr *)&a, sizeof a);
    getsockname(fd, (struct sockaddr *)&a, &len);
    close(fd);
    return ntohs(a.sin_port);
}

#endif
