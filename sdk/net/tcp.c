/* tcp.c: sockets. */
#include "net/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/socket.h"

enum { IDLE_S = 600, INTERVAL_S = 75, PROBES = 3, USER_TIMEOUT_MS = 600000 };

static void set(int fd, int level, int name, int value)
{
    /* A kernel that refuses one of these still connects. */
    setsockopt(fd, level, name, &value, sizeof value);
}

static void set_options(int fd, const ep_tcp_options *o)
{
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, o->keepalive_idle_s ? (int)o->keepalive_idle_s : IDLE_S);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL,
        o->keepalive_interval_s ? (int)o->keepalive_interval_s : INTERVAL_S);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
        o->user_timeout_ms ? (int)o->user_timeout_ms : USER_TIMEOUT_MS);
}

int ep_tcp_connect(const ep_address *address, uint16_t port, const ep_tcp_options *options)
{
    struct sockaddr_storage ss;
    socklen_t len;
    memset(&ss, 0, sizeof ss);
    ss.ss_family = (sa_family_t)address->family;
    if (address->family == AF_INET6) {
        struct sockaddr_in6 *a = (struct sockaddr_in6 *)&ss;
        a->sin6_port = htons(port);
        memcpy(&a->sin6_addr, address->bytes, 16);
        len = sizeof *a;
    } else {
        struct sockaddr_in *a = (struct sockaddr_in *)&ss;
        a->sin_port = htons(port);
        memcpy(&a->sin_addr, address->bytes, 4);
        len = sizeof *a;
    }
    int fd = socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0)
        return -errno;
    set_options(fd, options);
    if (connect(fd, (struct sockaddr *)&ss, len) != 0 && errno != EINPROGRESS) {
        int e = errno;
        close(fd);
        return -e;
    }
    return fd;
}

int ep_tcp_error(int fd)
{
    int e = 0;
    socklen_t len = sizeof e;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) == 0 ? e : errno;
}

ssize_t ep_tcp_read(int fd, void *out, size_t cap)
{
    ssize_t n;
    do
        n = recv(fd, out, cap, 0);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

ssize_t ep_tcp_write(int fd, const void *data, size_t n)
{
    ssize_t sent;
    do
        sent = send(fd, data, n, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

void ep_tcp_acknowledge(int fd)
{
    set(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
}

void ep_tcp_end(int fd)
{
    shutdown(fd, SHUT_WR);
}

void ep_tcp_close(int fd)
{
    close(fd);
}

void ep_socket_tune(int fd)
{
    const ep_tcp_options defaults = { 0 };
    set_options(fd, &defaults);
}

void ep_socket_cut(int fd)
{
    shutdown(fd, SHUT_RDWR);
}
