/* resolver.c: c-ares, its sockets and time-outs on the loop. */
#include "net/resolver.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>

#include "base/alloc.h"

enum { TIMEOUT_MS = 1500, TRIES = 3, NEGATIVE_TTL_S = 60, HOSTS_TTL_S = 60 };

typedef struct question {
    ep_list node;
    ep_resolver *resolver;
    int type; /* ns_t_srv, ns_t_a, ns_t_aaaa */
    ep_reply_fn *done;
    void *user;
    ep_reply reply;
} question;

typedef struct socket_watch {
    ep_list node;
    ep_watch watch;
    ep_resolver *resolver;
} socket_watch;

struct ep_resolver {
    ep_loop *loop;
    ares_channel channel;
    const ep_log *log;
    bool asks_given_server;
    ep_list asked, answered, sockets;
    ep_timer timeout;
    ep_job deliver;
    bool telling, freed; /* freed while answers are told: the rest follows when that unwinds */
};

/* --- c-ares on the loop -------------------------------------------------------------- */

static void arm(ep_resolver *r)
{
    struct timeval tv;
    if (!ares_timeout(r->channel, NULL, &tv))
        ep_timer_stop(&r->timeout);
    else
        ep_timer_set(ep_loop_timers(r->loop), &r->timeout,
                     ep_loop_now_us(r->loop) + (int64_t)tv.tv_sec * 1000000 + tv.tv_usec + 1000);
}

static void process(ep_resolver *r, ares_socket_t in, ares_socket_t out)
{
    ares_process_fd(r->channel, in, out);
    arm(r);
}

static void on_timeout(ep_timer *timer, int64_t now_us, void *user)
{
    (void)timer;
    (void)now_us;
    process(user, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void on_ready(ep_watch *watch, unsigned events, void *user)
{
    socket_watch *s = user;
    const int fd = watch->fd;
    process(s->resolver, events & (EP_READ | EP_HANGUP) ? fd : ARES_SOCKET_BAD,
            events & EP_WRITE ? fd : ARES_SOCKET_BAD); /* may free s */
}

static void on_socket(void *data, ares_socket_t fd, int readable, int writable)
{
    ep_resolver *r = data;
    socket_watch *s = NULL;
    const unsigned events = (readable ? EP_READ : 0u) | (writable ? EP_WRITE : 0u);
    EP_LIST_EACH(it, &r->sockets)
    {
        if (EP_LIST_OF(it, socket_watch, node)->watch.fd == fd)
            s = EP_LIST_OF(it, socket_watch, node);
    }
    if (!events) {
        if (s) {
            ep_loop_unwatch(r->loop, &s->watch);
            ep_list_unlink(&s->node);
            ep_free(s);
        }
        return;
    }
    if (s) {
        ep_loop_rewatch(r->loop, &s->watch, events);
        return;
    }
    /* Without memory the question times out, which is its answer then. */
    s = ep_calloc(1, sizeof *s);
    if (!s)
        return;
    s->resolver = r;
    s->watch = (ep_watch){ .ready = on_ready, .user = s };
    ep_list_push_back(&r->sockets, &s->node);
    if (ep_loop_watch(r->loop, &s->watch, fd, events) != EPODE_OK)
        s->watch.fd = fd;
}

/* --- answers ------------------------------------------------------------------------- */

static void deliver(ep_job *job, void *user)
{
    ep_resolver *r = user;
    (void)job;
    r->telling = true;
    while (!r->freed && !ep_list_empty(&r->answered)) {
        question *q = EP_LIST_OF(r->answered.next, question, node);
        ep_list_unlink(&q->node);
        q->done(q->user, &q->reply);
        ep_free(q);
    }
    r->telling = false;
    if (r->freed)
        ep_free(r);
}

static void answer(question *q)
{
    if (q->reply.ttl_s > EP_TTL_MAX_S)
        q->reply.ttl_s = EP_TTL_MAX_S;
    ep_list_unlink(&q->node);
    ep_list_push_back(&q->resolver->answered, &q->node);
    ep_loop_defer(q->resolver->loop, &q->resolver->deliver);
}

/* RFC 2308 section 5: the smaller of the SOA's TTL and its last field. */
static int64_t negative_ttl(const unsigned char *packet, int n)
{
    ns_msg msg;
    ns_rr rr;
    if (!packet || ns_initparse(packet, n, &msg) != 0)
        return NEGATIVE_TTL_S;
    for (int i = 0; i < ns_msg_count(msg, ns_s_ns); i++) {
        if (ns_parserr(&msg, ns_s_ns, i, &rr) != 0 || ns_rr_type(rr) != ns_t_soa ||
            ns_rr_rdlen(rr) < 4)
            continue;
        const int64_t last = ns_get32(ns_rr_rdata(rr) + ns_rr_rdlen(rr) - 4);
        return last < ns_rr_ttl(rr) ? last : ns_rr_ttl(rr);
    }
    return NEGATIVE_TTL_S;
}

static void read_srv(ep_reply *reply, const unsigned char *packet, int n)
{
    ns_msg msg;
    ns_rr rr;
    reply->answer = EP_ANSWER_FAILED;
    if (ns_initparse(packet, n, &msg) != 0)
        return;
    reply->answer = EP_ANSWER_NONE;
    for (int i = 0; i < ns_msg_count(msg, ns_s_an) && reply->n < EP_SRV_MAX; i++) {
        ep_srv *srv = &reply->srv[reply->n];
        if (ns_parserr(&msg, ns_s_an, i, &rr) != 0) {
            reply->answer = EP_ANSWER_FAILED;
            return;
        }
        if (ns_rr_type(rr) != ns_t_srv || ns_rr_rdlen(rr) < 7)
            continue;
        const unsigned char *p = ns_rr_rdata(rr);
        if (dn_expand(packet, packet + n, p + 6, srv->host, sizeof srv->host) < 0)
            continue;
        if (!reply->n || (int64_t)ns_rr_ttl(rr) < reply->ttl_s)
            reply->ttl_s = ns_rr_ttl(rr);
        srv->priority = (uint16_t)ns_get16(p);
        srv->weight = (uint16_t)ns_get16(p + 2);
        srv->port = (uint16_t)ns_get16(p + 4);
        if (!srv->host[0] || strcmp(srv->host, ".") == 0) {
            reply->answer = reply->n ? EP_ANSWER_OK : EP_ANSWER_REFUSED;
        } else if (ep_host_is_sane(srv->host) && srv->port) {
            reply->answer = EP_ANSWER_OK;
            reply->n++;
        }
    }
}

static void read_addresses(ep_reply *reply, int type, const unsigned char *packet, int n)
{
    struct ares_addrttl v4[EP_ADDRESSES_MAX];
    struct ares_addr6ttl v6[EP_ADDRESSES_MAX];
    int count = EP_ADDRESSES_MAX;
    const int status = type == ns_t_a ? ares_parse_a_reply(packet, n, NULL, v4, &count)
                                      : ares_parse_aaaa_reply(packet, n, NULL, v6, &count);
    if (status != ARES_SUCCESS || count == 0) {
        reply->answer =
            status == ARES_SUCCESS || status == ARES_ENODATA ? EP_ANSWER_NONE : EP_ANSWER_FAILED;
        reply->ttl_s = negative_ttl(packet, n);
        return;
    }
    reply->answer = EP_ANSWER_OK;
    reply->ttl_s = INT64_MAX;
    for (int i = 0; i < count; i++) {
        ep_address *a = &reply->address[reply->n++];
        const int64_t ttl = type == ns_t_a ? v4[i].ttl : v6[i].ttl;
        a->family = type == ns_t_a ? AF_INET : AF_INET6;
        if (type == ns_t_a)
            memcpy(a->bytes, &v4[i].ipaddr, 4);
        else
            memcpy(a->bytes, &v6[i].ip6addr, 16);
        if (ttl < reply->ttl_s)
            reply->ttl_s = ttl;
    }
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *packet, int n)
{
    question *q = arg;
    ep_reply *reply = &q->reply;
    (void)timeouts;
    if (status == ARES_EDESTRUCTION)
        return; /* the questions are freed with the resolver */
    reply->native = status;
    if (status == ARES_SUCCESS && q->type == ns_t_srv)
        read_srv(reply, packet, n);
    else if (status == ARES_SUCCESS)
        read_addresses(reply, q->type, packet, n);
    else
        reply->answer =
            status == ARES_ENOTFOUND || status == ARES_ENODATA ? EP_ANSWER_NONE : EP_ANSWER_FAILED;
    if (reply->answer == EP_ANSWER_NONE)
        reply->ttl_s = negative_ttl(packet, n);
    ep_log_line(q->resolver->log, EP_LOG_DEBUG, "dns", "type %d: %d records, %s", q->type, reply->n,
                ares_strerror(status));
    answer(q);
}

/* --- questions ----------------------------------------------------------------------- */

static bool is_localhost(const char *name)
{
    static const char word[] = "localhost";
    const size_t n = strlen(name), w = sizeof word - 1;
    return n >= w && strcasecmp(name + n - w, word) == 0 && (n == w || name[n - w - 1] == '.');
}

static bool from_hosts_file(ep_resolver *r, const char *name, question *q)
{
    struct hostent *h = NULL;
    const int family = q->type == ns_t_a ? AF_INET : AF_INET6;
    if (ares_gethostbyname_file(r->channel, name, family, &h) != ARES_SUCCESS)
        return false;
    for (int i = 0; h->h_addr_list[i] && q->reply.n < EP_ADDRESSES_MAX; i++) {
        ep_address *a = &q->reply.address[q->reply.n++];
        a->family = family;
        memcpy(a->bytes, h->h_addr_list[i], (size_t)h->h_length);
    }
    ares_free_hostent(h);
    return q->reply.n > 0;
}

/* RFC 6761 section 6.3: localhost is this machine, and nobody outside is asked about it, unless a
 * server was named to be asked. */
static bool answer_here(ep_resolver *r, const char *name, question *q)
{
    ep_reply *reply = &q->reply;
    bool known = q->type != ns_t_srv && from_hosts_file(r, name, q);
    if (!known && (r->asks_given_server || !is_localhost(name)))
        return false;
    if (!known && q->type != ns_t_srv) {
        ep_address_parse(&reply->address[0], q->type == ns_t_a ? "127.0.0.1" : "::1");
        reply->n = 1;
    }
    reply->answer = reply->n ? EP_ANSWER_OK : EP_ANSWER_NONE;
    reply->ttl_s = HOSTS_TTL_S;
    reply->from_hosts = true;
    return true;
}

static epode_status ask(ep_resolver *r, const char *name, int type, ep_reply_fn *done, void *user)
{
    question *q = ep_calloc(1, sizeof *q);
    if (!q)
        return EPODE_ENOMEM;
    q->resolver = r;
    q->type = type;
    q->done = done;
    q->user = user;
    ep_list_push_back(&r->asked, &q->node);
    if (answer_here(r, name, q))
        answer(q);
    else
        ares_query(r->channel, name, ns_c_in, type, on_answer, q); /* may answer at once */
    arm(r);
    return EPODE_OK;
}

epode_status ep_resolver_ask_srv(ep_resolver *r, const char *name, ep_reply_fn *done, void *user)
{
    return ask(r, name, ns_t_srv, done, user);
}

epode_status ep_resolver_ask_address(ep_resolver *r, const char *name, int family,
                                     ep_reply_fn *done, void *user)
{
    return ask(r, name, family == AF_INET ? ns_t_a : ns_t_aaaa, done, user);
}

/* --- life ---------------------------------------------------------------------------- */

epode_status ep_resolver_new(ep_resolver **out, ep_loop *loop, const char *servers,
                             const ep_log *log)
{
    struct ares_options options = { .timeout = TIMEOUT_MS,
                                    .tries = TRIES,
                                    .sock_state_cb = on_socket };
    *out = NULL;
    ep_resolver *r = ep_calloc(1, sizeof *r);
    if (!r)
        return EPODE_ENOMEM;
    r->loop = loop;
    r->log = log;
    ep_list_init(&r->asked);
    ep_list_init(&r->answered);
    ep_list_init(&r->sockets);
    r->timeout = (ep_timer){ .fire = on_timeout, .user = r };
    r->deliver = (ep_job){ .run = deliver, .user = r };
    options.sock_state_cb_data = r;
    int status = ares_init_options(&r->channel, &options,
                                   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS) {
        ep_free(r);
        return status == ARES_ENOMEM ? EPODE_ENOMEM : EPODE_EDNS;
    }
    r->asks_given_server = servers != NULL;
    if (servers && (status = ares_set_servers_ports_csv(r->channel, servers)) != ARES_SUCCESS) {
        ep_resolver_free(r);
        return status == ARES_ENOMEM ? EPODE_ENOMEM : EPODE_EINVAL;
    }
    *out = r;
    return EPODE_OK;
}

static void free_questions(ep_list *list)
{
    while (!ep_list_empty(list)) {
        question *q = EP_LIST_OF(list->next, question, node);
        ep_list_unlink(&q->node);
        ep_free(q);
    }
}

void ep_resolver_free(ep_resolver *r)
{
    if (!r)
        return;
    ares_destroy(r->channel);
    free_questions(&r->asked);
    free_questions(&r->answered);
    while (!ep_list_empty(&r->sockets)) {
        socket_watch *s = EP_LIST_OF(r->sockets.next, socket_watch, node);
        ep_loop_unwatch(r->loop, &s->watch);
        ep_list_unlink(&s->node);
        ep_free(s);
    }
    ep_timer_stop(&r->timeout);
    ep_job_cancel(&r->deliver);
    r->freed = true;
    if (!r->telling)
        ep_free(r);
}
