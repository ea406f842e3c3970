/* strophe_building.c: what libstrophe needs to make stanzas of a stream and to hand them to one handler that does nothing:
 * the bytes of a file, by its raw mode, over a connection without TLS to a child.
 *
 *   bench-strophe-building FILE
 *
 * Prints the number of stanzas and the processor's time in ms, that of the system included. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct building {
    xmpp_ctx_t *ctx;
    unsigned long stanzas;
} building;

static double cpu_ms(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000.0 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000.0;
}

static int on_stanza(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *user)
{
    (void)conn, (void)stanza;
    ((building *)user)->stanzas++;
    return 1;
}

static void on_event(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error, void *user)
{
    building *b = user;
    (void)error, (void)stream_error;
    if (event == XMPP_CONN_RAW_CONNECT)
        xmpp_handler_add(conn, on_stanza, NULL, NULL, NULL, b);
    else if (event == XMPP_CONN_DISCONNECT)
        xmpp_stop(b->ctx);
}

/* The child: the file to whoever comes, once. */
static void serve(int listener, const char *path)
{
    char block[65536];
    FILE *f = fopen(path, "rb");
    int fd = accept(listener, NULL, NULL);
    for (size_t n; f && fd >= 0 && (n = fread(block, 1, sizeof block, f)) > 0;)
        for (size_t at = 0; at < n;) {
            ssize_t sent = send(fd, block + at, n - at, MSG_NOSIGNAL);
            if (sent <= 0)
                _exit(1);
            at += (size_t)sent;
        }
    _exit(0);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (argc != 2)
        return fprintf(stderr, "usage: bench-strophe-building FILE\n"), 1;
    if (bind(listener, (struct sockaddr *)&at, len) || listen(listener, 1) || getsockname(listener, (struct sockaddr *)&at, &len))
        return perror("bench-strophe-building"), 1;
    pid_t child = fork();
    if (child == 0)
        serve(listener, argv[1]);
    xmpp_initialize();
    building b = { .ctx = xmpp_ctx_new(NULL, NULL) };
    xmpp_conn_t *conn = xmpp_conn_new(b.ctx);
    xmpp_conn_set_jid(conn, "somebody@localhost");
    double began = cpu_ms();
    if (xmpp_connect_raw(conn, "127.0.0.1", ntohs(at.sin_port), on_event, &b) == XMPP_EOK)
        xmpp_run(b.ctx);
    printf("%lu %.3f\n", b.stanzas, cpu_ms() - began);
    xmpp_conn_release(conn);
    xmpp_ctx_free(b.ctx);
    waitpid(child, NULL, 0);
    return b.stanzas ? 0 : 1;
}
