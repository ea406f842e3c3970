/* net_dns.h: a little name server on loopback, in a thread, for the tests of the net layer. */
#ifndef NET_DNS_H
#define NET_DNS_H

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* value: an address; of SRV "PRIORITY WEIGHT PORT TARGET"; of CNAME a name. A name of which only
 * records of other types are here has no data; one that is not here at all does not exist. */
typedef struct dns_record {
    const char *name;
    int type;
    unsigned ttl;
    const char *value;
} dns_record;

enum {
    DNS_SERVFAIL = -1,
    DNS_SILENT = -2
}; /* in place of a type, for every question about the name */

typedef struct dns_server {
    const dns_record *records; /* ended by a NULL name */
    int fd, asked;
    char address[32]; /* "127.0.0.1:PORT" */
    uint16_t port;
    pthread_t thread;
} dns_server;

static inline unsigned char *dns_put_name(unsigned char *p, const char *name)
{
    while (*name && strcmp(name, ".") != 0) {
        size_t n = strcspn(name, ".");
        *p++ = (unsigned char)n;
        memcpy(p, name, n);
        p += n;
        name += n + (name[n] == '.');
    }
    *p++ = 0;
    return p;
}

static inline unsigned char *dns_put_data(unsigned char *p, const dns_record *r)
{
    unsigned a, b, c;
    char target[128];
    if (r->type == ns_t_a)
        return inet_pton(AF_INET, r->value, p), p + 4;
    if (r->type == ns_t_aaaa)
        return inet_pton(AF_INET6, r->value, p), p + 16;
    if (r->type == ns_t_cname)
        return dns_put_name(p, r->value);
    if (r->type != ns_t_srv || sscanf(r->value, "%u %u %u %127s", &a, &b, &c, target) != 4)
        return p;
    ns_put16(a, p);
    ns_put16(b, p + 2);
    ns_put16(c, p + 4);
    return dns_put_name(p + 6, target);
}

static inline unsigned char *dns_put_record(unsigned char *p, const char *name, int type,
                                            unsigned ttl, const dns_record *r)
{
    p = dns_put_name(p, name);
    ns_put16((unsigned)type, p);
    ns_put16(ns_c_in, p + 2);
    ns_put32(ttl, p + 4);
    unsigned char *size = p + 8, *data = p + 10;
    if (r) {
        p = dns_put_data(data, r);
    } else { /* an SOA whose last field says 30 s */
        p = dns_put_name(dns_put_name(data, "ns"), "admin");
        for (int i = 0; i < 5; i++, p += 4)
            ns_put32(30, p);
    }
    ns_put16((unsigned)(p - data), size);
    return p;
}

/* The answer into out; 0: silence. */
static inline size_t dns_answer(dns_server *s, const unsigned char *q, size_t n, unsigned char *out)
{
    char name[256] = "";
    size_t at = 12, len = 0;
    int answers = 0;
    bool exists = false;
    while (at < n && q[at]) {
        len += (size_t)snprintf(name + len, sizeof name - len, "%s%.*s", len ? "." : "", q[at],
                                q + at + 1);
        at += q[at] + 1u;
    }
    const int type = q[at + 1] << 8 | q[at + 2];
    memcpy(out, q, at + 5);
    out[2] = 0x81;
    out[3] = 0x80;
    memset(out + 6, 0, 6);
    unsigned char *p = out + at + 5;
    s->asked++;
    for (const dns_record *r = s->records; r->name; r++) {
        if (strcasecmp(r->name, name) != 0)
            continue;
        exists = true;
        if (r->type == DNS_SILENT)
            return 0;
        if (r->type == DNS_SERVFAIL) {
            out[3] = 0x82;
            return (size_t)(p - out);
        }
        if (r->type == type || r->type == ns_t_cname) {
            p = dns_put_record(p, name, r->type, r->ttl, r);
            answers++;
            if (r->type == ns_t_cname)
                snprintf(name, sizeof name, "%s", r->value);
        }
    }
    out[7] = (unsigned char)answers;
    if (!answers) {
        out[3] = exists ? 0x80 : 0x83;
        out[9] = 1;
        p = dns_put_record(p, "test", ns_t_soa, 40, NULL);
    }
    return (size_t)(p - out);
}

static inline void *dns_main(void *arg)
{
    dns_server *s = arg;
    unsigned char in[512], out[2048];
    struct sockaddr_in from;
    for (;;) {
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(s->fd, in, sizeof in, 0, (struct sockaddr *)&from, &len);
        if (n < 12)
            return NULL; /* the stop message */
        size_t size = dns_answer(s, in, (size_t)n, out);
        if (size)
            sendto(s->fd, out, size, 0, (struct sockaddr *)&from, len);
    }
}

static inline void dns_start(dns_server *s, const dns_record *records)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    s->records = records;
    s->asked = 0;
    s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bind(s->fd, (struct sockaddr *)&a, sizeof a);
    getsockname(s->fd, (struct sockaddr *)&a, &len);
    s->port = ntohs(a.sin_port);
    snprintf(s->address, sizeof s->address, "127.0.0.1:%u", s->port);
    pthread_create(&s->thread, NULL, dns_main, s);
}

static inline void dns_stop(dns_server *s)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons(s->port) };
    sendto(s->fd, "", 1, 0, (struct sockaddr *)&a, sizeof a);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

#endif
