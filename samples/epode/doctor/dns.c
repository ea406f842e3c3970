/* dns.c: one question to one name server, so that "there is none" and "nobody knows" stay apart. */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

enum { TRIES = 2, TRY_MS = 2000, SERVERS = 4 };

/* "ADDR", "ADDR:PORT", "[v6]:PORT" */
static bool parse_server(const char *text, struct sockaddr_storage *out)
{
    char host[64];
    const char *port = "53";
    const char *colon = strrchr(text, ':');
    if (*text == '[') {
        const char *end = strchr(text, ']');
        if (!end)
            return false;
        snprintf(host, sizeof host, "%.*s", (int)(end - text - 1), text + 1);
        port = end[1] == ':' ? end + 2 : port;
    } else if (colon && strchr(text, ':') == colon) {
        snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
        port = colon + 1;
    } else {
        snprintf(host, sizeof host, "%s", text);
    }
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM }, *found;
    if (getaddrinfo(host, port, &hints, &found))
        return false;
    memcpy(out, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return true;
}

static int system_servers(struct sockaddr_storage *out)
{
    struct __res_state state = { 0 };
    int n = 0;
    if (res_ninit(&state))
        return 0;
    for (int i = 0; i < state.nscount && n < SERVERS; i++) {
        if (state.nsaddr_list[i].sin_family == AF_INET)
            memcpy(&out[n++], &state.nsaddr_list[i], sizeof state.nsaddr_list[i]);
        else if (state._u._ext.nsaddrs[i])
            memcpy(&out[n++], state._u._ext.nsaddrs[i], sizeof *state._u._ext.nsaddrs[i]);
    }
    res_nclose(&state);
    return n;
}

static socklen_t length_of(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static int read_some(int fd, unsigned char *out, size_t n, int64_t until_us)
{
    int64_t left_ms = (until_us - now_us()) / 1000;
    struct pollfd p = { .fd = fd, .events = POLLIN };
    if (left_ms < 0 || poll(&p, 1, (int)left_ms) <= 0)
        return -1;
    return (int)recv(fd, out, n, 0);
}

/* The bytes of the answer, or -1. */
static int exchange_udp(const struct sockaddr_storage *server, const unsigned char *query, int n, unsigned char *out, size_t size)
{
    int got = -1, fd = socket(server->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int64_t until = now_us() + TRY_MS * 1000;
    if (fd >= 0 && connect(fd, (const struct sockaddr *)server, length_of(server)) == 0 && send(fd, query, (size_t)n, 0) == n)
        do /* somebody else's answer is passed over */
            got = read_some(fd, out, size, until);
        while (got >= 2 && memcmp(out, query, 2) != 0);
    if (fd >= 0)
        close(fd);
    return got;
}

/* What did not fit into a datagram. */
static int exchange_tcp(const struct sockaddr_storage *server, const unsigned char *query, int n, unsigned char *out, size_t size)
{
    unsigned char head[2] = { (unsigned char)(n >> 8), (unsigned char)n };
    int64_t until = now_us() + TRY_MS * 1000;
    int got = 0, fd = socket(server->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t want = 2, have = 0;
    struct timeval limit = { .tv_sec = TRY_MS / 1000 };
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); /* of connect(), too */
    if (fd < 0 || connect(fd, (const struct sockaddr *)server, length_of(server)) || send(fd, head, 2, MSG_NOSIGNAL) != 2 ||
        send(fd, query, (size_t)n, MSG_NOSIGNAL) != n)
        got = -1;
    while (got >= 0 && have < 2 && (got = read_some(fd, head + have, 2 - have, until)) > 0)
        have += (size_t)got;
    want = (size_t)head[0] << 8 | head[1];
    if (have < 2 || want > size)
        got = -1;
    for (have = 0; got > 0 && have < want && (got = read_some(fd, out + have, want - have, until)) > 0;)
        have += (size_t)got;
    if (fd >= 0)
        close(fd);
    return got > 0 ? (int)want : -1;
}

static void read_record(dns_answer *a, ns_msg *message, const ns_rr *rr, int type)
{
    dns_record *r = &a->records[a->count];
    const unsigned char *data = ns_rr_rdata(*rr);
    size_t n = ns_rr_rdlen(*rr);
    if ((int)ns_rr_type(*rr) != type || a->count == DNS_RECORDS)
        return;
    memset(r, 0, sizeof *r);
    if (type == ns_t_srv && n > 6) {
        r->priority = ns_get16(data);
        r->weight = ns_get16(data + 2);
        r->port = ns_get16(data + 4);
        if (ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message), data + 6, r->host, sizeof r->host) < 0)
            return;
    } else if (type == ns_t_a && n == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)&r->address;
        in->sin_family = AF_INET;
        memcpy(&in->sin_addr, data, 4);
    } else if (type == ns_t_aaaa && n == 16) {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)&r->address;
        in->sin6_family = AF_INET6;
        memcpy(&in->sin6_addr, data, 16);
    } else {
        return;
    }
    if (!a->count || ns_rr_ttl(*rr) < a->ttl)
        a->ttl = ns_rr_ttl(*rr);
    a->count++;
}

static void read_answer(dns_answer *a, const unsigned char *bytes, int n, int type)
{
    ns_msg message;
    if (ns_initparse(bytes, n, &message)) {
        a->state = DNS_FAILED;
        snprintf(a->why, sizeof a->why, "the answer cannot be read");
        return;
    }
    int code = ns_msg_getflag(message, ns_f_rcode);
    for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
        ns_rr rr;
        if (ns_parserr(&message, ns_s_an, i, &rr) == 0)
            read_record(a, &message, &rr, type);
    }
    static const char *const codes[] = { "", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED" };
    a->state = a->count ? DNS_OK : code == ns_r_noerror ? DNS_NONE : code == ns_r_nxdomain ? DNS_NO_DOMAIN : DNS_FAILED;
    if (a->state == DNS_FAILED)
        snprintf(a->why, sizeof a->why, "the name server says %s", code < 6 ? codes[code] : "that it failed");
}

void dns_ask(dns_answer *out, const char *server, const char *name, int type)
{
    struct sockaddr_storage servers[SERVERS] = { 0 };
    unsigned char query[512], answer[65536];
    struct __res_state state = { 0 };
    int count = server ? parse_server(server, servers) : system_servers(servers);
    int64_t began = now_us();
    *out = (dns_answer){ .state = DNS_FAILED, .why = "there is no name server that could be asked" };
    if (!count || res_ninit(&state))
        return;
    int n = res_nmkquery(&state, ns_o_query, name, ns_c_in, type, NULL, 0, NULL, query, sizeof query);
    res_nclose(&state);
    if (n < 0) {
        snprintf(out->why, sizeof out->why, "not a name that could be asked for");
        return;
    }
    out->state = DNS_SILENT;
    snprintf(out->why, sizeof out->why, "no answer within %d ms", TRIES * TRY_MS);
    for (int i = 0; i < TRIES * count && out->state == DNS_SILENT; i++) {
        int got = exchange_udp(&servers[i % count], query, n, answer, sizeof answer);
        if (got >= 12 && answer[2] & 2) /* cut */
            got = exchange_tcp(&servers[i % count], query, n, answer, sizeof answer);
        out->ms = (double)(now_us() - began) / 1000.0;
        if (got >= 12)
            read_answer(out, answer, got, type);
    }
}

const char *dns_words(const dns_answer *a)
{
    return a->state == DNS_NONE ? "no such record" : a->state == DNS_NO_DOMAIN ? "no such name" : a->why;
}
