/* world.c: the four things that are not real. One world at a time. */
#include "world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "loop/poller.h"
#include "net/resolver.h"
#include "net/tcp.h"
#include "program.h"

#define FIRST_FD 100000
#define SOCKETS  512
/* TCP_USER_TIMEOUT and keepalive, as net.h has them by default. */
#define KERNEL_GIVES_UP_US (600 * SECONDS)

typedef struct bytes {
    struct bytes *next;
    int64_t due_us;
    bool eof;
    size_t len;
    char data[];
} bytes;

typedef struct sock {
    bool used, decided, severed, reset, ended;
    world_manner manner;
    int error;
    int64_t decided_us, rtt_us, heard_us, wrote_us; /* wrote: first bytes that nobody acknowledged; 0: none */
    bytes *up, *down;
    void *poller, *key;
    unsigned events;
    /* the server's end */
    SSL *ssl;
    BIO *in, *out;
    struct srv_conn *conn;
    bool tls_up, gone, early;
} sock;

typedef struct fake_poller {
    int64_t armed_us;
} fake_poller;

static world *the_world;
static sock socks[SOCKETS];
static struct certs certs;
static SSL_CTX *server_tls;
static int64_t wall_at_start_ms;
static fake_poller *newest_poller;

/* --- the clock and the poller -------------------------------------------------------------------------- */

epode_status __wrap_ep_poller_new(ep_poller **out);
void __wrap_ep_poller_free(ep_poller *p);
int __wrap_ep_poller_fd(const ep_poller *p);
epode_status __wrap_ep_poller_add(ep_poller *p, int fd, unsigned events, void *key);
epode_status __wrap_ep_poller_change(ep_poller *p, int fd, unsigned events, void *key);
void __wrap_ep_poller_remove(ep_poller *p, int fd);
void __wrap_ep_poller_arm(ep_poller *p, int64_t due_us);
int __wrap_ep_poller_take(ep_poller *p, ep_ready ready[EP_READY_MAX]);
bool __wrap_ep_poller_wait(ep_poller *p, int64_t max_us);
int64_t __wrap_ep_poller_now_us(void);
int64_t __wrap_ep_loop_wall_ms(void);

static sock *sock_of(int fd)
{
    return fd >= FIRST_FD && fd < FIRST_FD + SOCKETS ? &socks[fd - FIRST_FD] : NULL;
}

epode_status __wrap_ep_poller_new(ep_poller **out)
{
    fake_poller *p = calloc(1, sizeof *p);
    p->armed_us = EP_NEVER;
    newest_poller = p;
    *out = (ep_poller *)p;
    return EPODE_OK;
}

void __wrap_ep_poller_free(ep_poller *p)
{
    for (int i = 0; i < SOCKETS; i++)
        if (socks[i].poller == p)
            socks[i].key = NULL;
    free(p);
}

int __wrap_ep_poller_fd(const ep_poller *p)
{
    (void)p;
    return -1;
}

epode_status __wrap_ep_poller_add(ep_poller *p, int fd, unsigned events, void *key)
{
    sock *s = sock_of(fd);
    if (s) {
        s->poller = p;
        s->events = events;
        s->key = key;
    }
    return EPODE_OK;
}

epode_status __wrap_ep_poller_change(ep_poller *p, int fd, unsigned events, void *key)
{
    return __wrap_ep_poller_add(p, fd, events, key);
}

void __wrap_ep_poller_remove(ep_poller *p, int fd)
{
    sock *s = sock_of(fd);
    (void)p;
    if (s)
        s->key = NULL;
}

void __wrap_ep_poller_arm(ep_poller *p, int64_t due_us)
{
    ((fake_poller *)p)->armed_us = due_us;
}

/* What the kernel would say of a socket now; it finds dead ones by itself, in its time. */
static unsigned sock_ready(sock *s)
{
    int64_t now = the_world->now_us;
    if (!s->used || !s->key)
        return 0;
    if (!s->decided)
        return s->decided_us <= now ? EP_WRITE : 0;
    if (s->severed && ((s->wrote_us && now - s->wrote_us >= KERNEL_GIVES_UP_US) ||
                       now - s->heard_us >= 2 * KERNEL_GIVES_UP_US))
        s->reset = true;
    unsigned ready = s->events & EP_WRITE;
    if ((s->down && s->down->due_us <= now) || s->reset)
        ready |= EP_READ;
    return ready;
}

static int64_t sock_due(const sock *s)
{
    if (!s->used || !s->key)
        return EP_NEVER;
    if (!s->decided)
        return s->decided_us;
    int64_t due = s->down ? s->down->due_us : EP_NEVER;
    if (s->severed && !s->reset) {
        int64_t gone = s->wrote_us ? s->wrote_us + KERNEL_GIVES_UP_US : s->heard_us + 2 * KERNEL_GIVES_UP_US;
        due = gone < due ? gone : due;
    }
    return due;
}

int __wrap_ep_poller_take(ep_poller *p, ep_ready ready[EP_READY_MAX])
{
    int n = 0;
    for (int i = 0; i < SOCKETS && n < EP_READY_MAX; i++) {
        unsigned events = socks[i].poller == p ? sock_ready(&socks[i]) : 0;
        if (events)
            ready[n++] = (ep_ready){ socks[i].key, events };
    }
    return n;
}

bool __wrap_ep_poller_wait(ep_poller *p, int64_t max_us)
{
    (void)p, (void)max_us;
    fail_msg("nobody waits in virtual time");
    return false;
}

int64_t __wrap_ep_poller_now_us(void)
{
    return the_world->now_us;
}

int64_t __wrap_ep_loop_wall_ms(void)
{
    return wall_at_start_ms + (the_world->now_us - the_world->began_us) / 1000 + the_world->skew_ms;
}

/* --- sockets ------------------------------------------------------------------------------------------- */

int __wrap_ep_tcp_connect(const ep_address *address, uint16_t port, const ep_tcp_options *options);
int __wrap_ep_tcp_error(int fd);
ssize_t __wrap_ep_tcp_read(int fd, void *out, size_t cap);
ssize_t __wrap_ep_tcp_write(int fd, const void *data, size_t n);
void __wrap_ep_tcp_acknowledge(int fd);
void __wrap_ep_tcp_end(int fd);
void __wrap_ep_tcp_close(int fd);

static void put(bytes **list, const void *data, size_t n, bool eof, int64_t due_us)
{
    bytes *b = malloc(sizeof *b + n);
    *b = (bytes){ .due_us = due_us, .eof = eof, .len = n };
    if (n)
        memcpy(b->data, data, n);
    while (*list)
        list = &(*list)->next;
    *list = b;
}

static void drop(bytes **list)
{
    while (*list) {
        bytes *gone = *list;
        *list = gone->next;
        free(gone);
    }
}

static void server_end(sock *s)
{
    if (s->conn)
        srv_conn_free(s->conn, the_world->now_us);
    s->conn = NULL;
    if (s->ssl && s->tls_up) /* a cut must not make OpenSSL drop its session from the cache */
        SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(s->ssl);
    s->ssl = NULL;
    s->gone = true;
}

static const world_host *host_at(const char *text)
{
    for (size_t i = 0; i < COUNT(the_world->hosts); i++)
        if (the_world->hosts[i].address && strcmp(the_world->hosts[i].address, text) == 0)
            return &the_world->hosts[i];
    return NULL;
}

static void server_begin(sock *s, bool direct)
{
    s->conn = srv_conn_new(the_world->server, the_world->now_us);
    if (!direct)
        return;
    s->ssl = SSL_new(server_tls);
    s->in = BIO_new(BIO_s_mem());
    s->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(s->in, -1);
    SSL_set_bio(s->ssl, s->in, s->out);
    SSL_set_accept_state(s->ssl);
}

int __wrap_ep_tcp_connect(const ep_address *address, uint16_t port, const ep_tcp_options *options)
{
    char text[64];
    (void)options;
    the_world->connects++;
    if (the_world->no_network)
        return -ENETUNREACH;
    ep_address_print(address, text);
    const world_host *h = host_at(text);
    for (int i = 0; i < SOCKETS; i++) {
        sock *s = &socks[i];
        if (s->used)
            continue;
        *s = (sock){ .used = true, .rtt_us = h && h->rtt_us ? h->rtt_us : the_world->rtt_us };
        s->manner = h ? h->manner : HOST_BLACK_HOLE;
        s->decided_us = s->manner == HOST_BLACK_HOLE ? the_world->now_us + 130 * SECONDS : the_world->now_us + s->rtt_us;
        s->error = s->manner == HOST_BLACK_HOLE ? ETIMEDOUT : s->manner == HOST_REFUSES ? ECONNREFUSED : 0;
        s->heard_us = the_world->now_us;
        if (s->manner == HOST_SERVES)
            server_begin(s, port == 5223);
        return FIRST_FD + i;
    }
    fail_msg("too many sockets");
    return -EMFILE;
}

int __wrap_ep_tcp_error(int fd)
{
    sock *s = sock_of(fd);
    s->decided = true;
    s->heard_us = the_world->now_us;
    return s->error;
}

ssize_t __wrap_ep_tcp_read(int fd, void *out, size_t cap)
{
    sock *s = sock_of(fd);
    if (s->reset)
        return s->severed ? -ETIMEDOUT : -ECONNRESET;
    bytes *b = s->down;
    if (!b || b->due_us > the_world->now_us)
        return -EAGAIN;
    if (b->eof)
        return 0;
    size_t n = b->len < cap ? b->len : cap;
    memcpy(out, b->data, n);
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
    if (!b->len) {
        s->down = b->next;
        free(b);
    }
    s->heard_us = the_world->now_us;
    s->wrote_us = 0;
    return (ssize_t)n;
}

ssize_t __wrap_ep_tcp_write(int fd, const void *data, size_t n)
{
    sock *s = sock_of(fd);
    if (s->reset)
        return -EPIPE;
    if (!s->wrote_us)
        s->wrote_us = the_world->now_us;
    if (!s->severed)
        put(&s->up, data, n, false, the_world->now_us + s->rtt_us / 2);
    return (ssize_t)n;
}

void __wrap_ep_tcp_acknowledge(int fd)
{
    (void)fd;
}

void __wrap_ep_tcp_end(int fd)
{
    sock *s = sock_of(fd);
    if (!s->severed)
        put(&s->up, "", 0, true, the_world->now_us + s->rtt_us / 2);
}

/* The server learns of it half a round trip later, unless nothing gets there. */
void __wrap_ep_tcp_close(int fd)
{
    sock *s = sock_of(fd);
    s->key = NULL;
    s->ended = true;
    drop(&s->down);
    if (!s->severed && s->conn) {
        put(&s->up, "", 0, true, the_world->now_us + s->rtt_us / 2);
    } else if (!s->conn) {
        drop(&s->up);
        s->used = false;
    }
}

/* --- the server's end of a socket ---------------------------------------------------------------------- */

static void answer(sock *s, const void *data, size_t n, bool eof)
{
    if (!s->severed && !s->ended)
        put(&s->down, data, n, eof, the_world->now_us + s->rtt_us / 2);
}

static void serve_tls_output(sock *s)
{
    char data[65536];
    int n;
    while (s->out && s->ssl && (n = BIO_read(s->out, data, sizeof data)) > 0)
        answer(s, data, (size_t)n, false);
}

static void serve_output(sock *s)
{
    size_t n, done;
    if (!s->conn)
        return;
    const char *text = srv_conn_output(s->conn, &n);
    if (n && s->ssl && s->tls_up && SSL_write_ex(s->ssl, text, n, &done) == 1) {
        srv_conn_consume(s->conn, done);
    } else if (n && !s->ssl) {
        answer(s, text, n, false);
        srv_conn_consume(s->conn, n);
    }
    if (!s->ssl && srv_conn_wants_tls(s->conn)) {
        s->ssl = SSL_new(server_tls);
        s->in = BIO_new(BIO_s_mem());
        s->out = BIO_new(BIO_s_mem());
        BIO_set_mem_eof_return(s->in, -1);
        SSL_set_bio(s->ssl, s->in, s->out);
        SSL_set_accept_state(s->ssl);
        text = srv_conn_tls_rest(s->conn, &n);
        if (n)
            BIO_write(s->in, text, (int)n);
    }
    serve_tls_output(s);
    if (srv_conn_wants_close(s->conn)) {
        answer(s, "", 0, true);
        server_end(s);
    }
}

static void serve_input(sock *s, const char *data, size_t n)
{
    char plain[65536];
    size_t got;
    if (!s->ssl) {
        srv_conn_feed(s->conn, data, n, the_world->now_us);
        serve_output(s);
        return;
    }
    BIO_write(s->in, data, (int)n);
    if (!s->tls_up && SSL_do_handshake(s->ssl) == 1) {
        struct tls_facts facts;
        struct srv_tls_info info;
        s->tls_up = true;
        tls_describe(s->ssl, false, &facts, &info);
        srv_conn_tls_up(s->conn, &info);
    }
    while (s->tls_up && s->conn && SSL_read_ex(s->ssl, plain, sizeof plain, &got) == 1)
        srv_conn_feed(s->conn, plain, got, the_world->now_us);
    ERR_clear_error();
    serve_output(s);
}

/* Bytes have come to a host; what it does with them is its manner. */
static void host_hears(sock *s, const bytes *b)
{
    static const char portal[] = "HTTP/1.1 302 Found\r\nLocation: http://portal.invalid/\r\nContent-Length: 0\r\n\r\n";
    if (s->manner == HOST_PORTAL) {
        answer(s, portal, sizeof portal - 1, false);
        answer(s, "", 0, true);
    } else if (s->manner == HOST_RESETS) {
        s->reset = true;
    } else if (s->conn && b->eof) {
        server_end(s);
    } else if (s->conn) {
        serve_input(s, b->data, b->len);
    }
}

static void sock_serve(sock *s)
{
    while (s->used && s->up && s->up->due_us <= the_world->now_us) {
        bytes *b = s->up;
        s->up = b->next;
        host_hears(s, b);
        free(b);
    }
    if (s->used && s->ended && !s->up && !s->conn) {
        drop(&s->down);
        s->used = false;
    }
}

/* --- DNS ----------------------------------------------------------------------------------------------- */

typedef struct question {
    ep_timer timer;
    ep_resolver *resolver;
    ep_reply_fn *done;
    void *user;
    ep_reply reply;
    struct question *next;
} question;

struct ep_resolver {
    ep_loop *loop;
    question *asked;
};

epode_status __wrap_ep_resolver_new(ep_resolver **out, ep_loop *loop, const char *servers, const ep_log *log);
void __wrap_ep_resolver_free(ep_resolver *r);
epode_status __wrap_ep_resolver_ask_srv(ep_resolver *r, const char *name, ep_reply_fn *done, void *user);
epode_status __wrap_ep_resolver_ask_address(ep_resolver *r, const char *name, int family, ep_reply_fn *done, void *user);

epode_status __wrap_ep_resolver_new(ep_resolver **out, ep_loop *loop, const char *servers, const ep_log *log)
{
    (void)servers, (void)log;
    *out = calloc(1, sizeof **out);
    (*out)->loop = loop;
    return EPODE_OK;
}

void __wrap_ep_resolver_free(ep_resolver *r)
{
    while (r && r->asked) {
        question *q = r->asked;
        r->asked = q->next;
        ep_timer_stop(&q->timer);
        free(q);
    }
    free(r);
}

static void question_fire(ep_timer *t, int64_t now_us, void *user)
{
    question *q = user, **at = &q->resolver->asked;
    (void)t, (void)now_us;
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    q->done(q->user, &q->reply);
    free(q);
}

static question *ask(ep_resolver *r, ep_reply_fn *done, void *user)
{
    question *q = calloc(1, sizeof *q);
    the_world->questions++;
    *q = (question){ .resolver = r, .done = done, .user = user, .next = r->asked };
    q->timer = (ep_timer){ .fire = question_fire, .user = q };
    q->reply.ttl_s = 300;
    q->reply.answer = the_world->dns_fails || the_world->no_network ? EP_ANSWER_FAILED : EP_ANSWER_NONE;
    r->asked = q;
    ep_timer_set(ep_loop_timers(r->loop), &q->timer, the_world->now_us + (the_world->dns_us ? the_world->dns_us : 20000));
    return q;
}

epode_status __wrap_ep_resolver_ask_srv(ep_resolver *r, const char *name, ep_reply_fn *done, void *user)
{
    question *q = ask(r, done, user);
    bool direct = strncmp(name, "_xmpps-", 7) == 0;
    for (size_t i = 0; q->reply.answer != EP_ANSWER_FAILED && i < COUNT(the_world->srv); i++) {
        const world_srv *row = &the_world->srv[i];
        if (!row->target || row->direct != direct)
            continue;
        ep_srv *srv = &q->reply.srv[q->reply.n++];
        snprintf(srv->host, sizeof srv->host, "%s", row->target);
        srv->port = direct ? 5223 : 5222;
        srv->priority = (uint16_t)row->priority;
        q->reply.answer = EP_ANSWER_OK;
    }
    return EPODE_OK;
}

epode_status __wrap_ep_resolver_ask_address(ep_resolver *r, const char *name, int family, ep_reply_fn *done, void *user)
{
    question *q = ask(r, done, user);
    for (size_t i = 0; q->reply.answer != EP_ANSWER_FAILED && i < COUNT(the_world->names); i++) {
        char copy[256], *save = NULL;
        if (!the_world->names[i].name || strcmp(the_world->names[i].name, name) != 0)
            continue;
        snprintf(copy, sizeof copy, "%s", the_world->names[i].addresses);
        for (char *a = strtok_r(copy, " ", &save); a; a = strtok_r(NULL, " ", &save)) {
            ep_address parsed;
            if (!ep_address_parse(&parsed, a) || parsed.family != family)
                continue;
            q->reply.address[q->reply.n++] = parsed;
            q->reply.answer = EP_ANSWER_OK;
        }
    }
    return EPODE_OK;
}

/* --- the world ----------------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static char certs_dir[] = "/tmp/epode-certs-XXXXXX";

/* One server for all worlds, but for what it knows. */
int world_setup(void **state)
{
    struct args args = { .domain = "example.org", .cert = "ok", .dir = certs_dir };
    (void)state;
    if (!mkdtemp(certs_dir) || certs_make(&certs, &args) != 0)
        return -1;
    return (server_tls = tls_context(&certs, &args)) ? 0 : -1;
}

int world_teardown(void **state)
{
    (void)state;
    SSL_CTX_free(server_tls);
    certs_free(&certs);
    return nftw(certs_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void world_begin(world *w)
{
    struct srv_options options = { .domain = "example.org", .seed = 11 };
    the_world = w;
    snprintf(w->dir, sizeof w->dir, "/tmp/epode-world-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    wall_at_start_ms = (int64_t)time(NULL) * 1000;
    w->began_us = w->now_us = INT64_C(1000000) * SECONDS;
    if (!w->rtt_us)
        w->rtt_us = 50000;
    if (!w->hosts[0].address)
        w->hosts[0] = (world_host){ .address = "192.0.2.1" };
    if (!w->srv[0].target) {
        w->srv[0] = (world_srv){ "xmpp.example.org", true, 0 };
        w->names[0] = (world_name){ "xmpp.example.org", "192.0.2.1" };
    }
    w->server = srv_new(&options);
    assert_int_equal(srv_user_add(w->server, "alice", "alice-pw"), 0);
    assert_int_equal(srv_user_add(w->server, "bob", "bob-pw"), 0);
}

void world_end(world *w)
{
    for (int i = 0; i < WORLD_CLIENTS; i++)
        epode_client_free(w->clients[i].client);
    for (int i = 0; i < SOCKETS; i++) {
        server_end(&socks[i]);
        drop(&socks[i].up);
        drop(&socks[i].down);
        socks[i] = (sock){ 0 };
    }
    srv_free(w->server);
    nftw(w->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    the_world = NULL;
}

static void on_event(epode_client *client, const epode_event *ev, void *user)
{
    world_client *c = user;
    (void)client;
    if (ev->type == EPODE_EV_STATE) {
        c->ready += ev->state == EPODE_READY;
        c->offline += ev->state == EPODE_OFFLINE;
        c->stopped += ev->state == EPODE_STOPPED;
        if (ev->error) {
            c->why = epode_error_status(ev->error);
            const char *condition = epode_error_condition(ev->error);
            snprintf(c->condition, sizeof c->condition, "%s", condition ? condition : "");
        }
    } else if (ev->type == EPODE_EV_FETCHED) {
        c->fetched++;
        c->fetched_all = ev->synced;
    } else if (ev->type == EPODE_EV_SYNC) {
        c->synced += ev->synced;
    } else if (ev->type == EPODE_EV_MESSAGE) {
        c->messages++;
    }
}

world_client *world_start(world *w, int i, void (*tune)(epode_options *o))
{
    world_client *c = &w->clients[i];
    epode_options o = EPODE_OPTIONS_INIT;
    char store[96], why[200];
    snprintf(store, sizeof store, "%s/alice-%d.db", w->dir, i);
    o.jid = "alice@example.org";
    o.password = "alice-pw";
    o.store_path = store;
    o.ca_file = certs.ca_file;
    o.on_event = on_event;
    o.user = c;
    if (tune)
        tune(&o);
    if (epode_client_new(&c->client, &o, why, sizeof why))
        fail_msg("no client: %s", why);
    c->poller = newest_poller;
    assert_int_equal(epode_client_start(c->client), EPODE_OK);
    return c;
}

/* Whether a client's descriptor would be readable now; when, otherwise. */
static int64_t client_due(const world *w, const world_client *c)
{
    const fake_poller *p = c->poller;
    int64_t due = p ? p->armed_us : EP_NEVER;
    for (int i = 0; i < SOCKETS; i++) {
        if (!p || socks[i].poller != (void *)p)
            continue;
        if (sock_ready(&socks[i]))
            return w->now_us;
        int64_t at = sock_due(&socks[i]);
        due = at < due ? at : due;
    }
    return due;
}

static int64_t world_turn(world *w)
{
    int64_t next = srv_deadline(w->server);
    if (next <= w->now_us)
        srv_tick(w->server, w->now_us);
    for (int i = 0; i < SOCKETS; i++) {
        if (!socks[i].used)
            continue;
        sock_serve(&socks[i]);
        serve_output(&socks[i]);
    }
    for (int i = 0; i < WORLD_CLIENTS; i++) {
        world_client *c = &w->clients[i];
        if (c->client && client_due(w, c) <= w->now_us) {
            w->wakeups++;
            epode_client_process(c->client);
            return w->now_us;
        }
    }
    next = srv_deadline(w->server);
    next = next <= w->now_us ? w->now_us + 1000 : next;
    for (int i = 0; i < WORLD_CLIENTS; i++) {
        int64_t due = w->clients[i].client ? client_due(w, &w->clients[i]) : EP_NEVER;
        next = due < next ? due : next;
    }
    for (int i = 0; i < SOCKETS; i++)
        if (socks[i].used && socks[i].up && socks[i].up->due_us < next)
            next = socks[i].up->due_us;
    return next;
}

bool world_until(world *w, int64_t for_us, const unsigned *counter, unsigned at_least)
{
    int64_t end = w->now_us + for_us;
    while (!counter || *counter < at_least) {
        int64_t next = world_turn(w);
        if (next > end) {
            w->now_us = end;
            return counter && *counter >= at_least;
        }
        if (next > w->now_us)
            w->now_us = next;
    }
    return true;
}

void world_run(world *w, int64_t for_us)
{
    world_until(w, for_us, NULL, 0);
}

void world_say(world *w, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    char *said = srv_control(w->server, line, w->now_us);
    if (!said || !strstr(said, "\"ok\":true"))
        fail_msg("%s: %s", line, said ? said : "no answer");
    free(said);
}

void world_sever(world *w)
{
    (void)w;
    for (int i = 0; i < SOCKETS; i++) {
        socks[i].severed = socks[i].used;
        drop(&socks[i].up);
        drop(&socks[i].down);
    }
}

void world_reset(world *w)
{
    (void)w;
    for (int i = 0; i < SOCKETS; i++)
        if (socks[i].used && socks[i].decided) {
            socks[i].reset = true;
            server_end(&socks[i]);
        }
}

void world_host_is(world *w, const char *address, world_manner manner)
{
    for (size_t i = 0; i < COUNT(w->hosts); i++)
        if (w->hosts[i].address && strcmp(w->hosts[i].address, address) == 0)
            w->hosts[i].manner = manner;
}

unsigned world_count(world *w, int i, const char *body)
{
    return world_count_in(w, i, NULL, body);
}

unsigned world_count_in(world *w, int i, const char *archive, const char *body)
{
    epode_query q = EPODE_QUERY_INIT;
    q.archive = archive;
    epode_cursor *cursor;
    const epode_message *m;
    unsigned n = 0;
    assert_int_equal(epode_store_messages(epode_client_store(w->clients[i].client), &q, &cursor), EPODE_OK);
    while (epode_cursor_next(cursor, &m) == EPODE_OK)
        n += m->body && strcmp(m->body, body) == 0;
    epode_cursor_free(cursor);
    return n;
}

void world_server_gives_up(world *w)
{
    (void)w;
    for (int i = 0; i < SOCKETS; i++)
        if (socks[i].severed && socks[i].conn)
            server_end(&socks[i]);
}
