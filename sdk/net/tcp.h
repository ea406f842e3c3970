/* tcp.h: a non-blocking TCP socket. */
#ifndef EP_TCP_H
#define EP_TCP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/facts.h"

typedef struct ep_tcp_options {
    unsigned keepalive_idle_s, keepalive_interval_s, user_timeout_ms; /* 0: the defaults of net.h */
} ep_tcp_options;

/* Starts to connect: a descriptor that becomes writable when that is decided, or -errno. */
int ep_tcp_connect(const ep_address *address, uint16_t port, const ep_tcp_options *options);
int ep_tcp_error(int fd); /* the outcome: 0, or an errno */
/* Bytes, 0 at the peer's end, or -errno (-EAGAIN: none now). */
ssize_t ep_tcp_read(int fd, void *out, size_t cap);
ssize_t ep_tcp_write(int fd, const void *data, size_t n); /* never raises SIGPIPE */
/* Acknowledge what came now, not with the next data of ours: the kernel forgets it with every read.
 * A server with Nagle's algorithm on holds its next small write until then. */
void ep_tcp_acknowledge(int fd);
void ep_tcp_end(int fd); /* no more from us */
void ep_tcp_close(int fd);

#endif
