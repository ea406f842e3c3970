/* conn.c: libstrophe's raw mode. */
#include "strophe/conn.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "stream/starttls.h"
#include "strophe/stanza.h"

typedef enum conn_state { C_IDLE, C_CONNECTING, C_PREFACE, C_UP } conn_state;

struct ep_conn {
    xmpp_conn_t *conn;
    ep_conn_hooks hooks;
    const ep_conn_events *events; /* NULL: the owner is gone */
    void *user;
    xmpp_conn_handler after;
    void *after_data;
    conn_state state;
    bool direct, cutting;
    bool trusting, certified; /* it was named a file of authorities, and of the client's certificate */
    char *domain;
    ep_starttls *preface;
    ep_arena arena;
    ep_buf certificate;
    ep_error why;
    xmpp_stanza_t *error; /* <stream:error/> */
};

/* Two of libstrophe's callbacks have no user pointer; they come from within calls of ours. */
static _Thread_local ep_conn *calling;
static _Thread_local int called_fd;

static void on_event(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error, void *user);

/* --- the socket ------------------------------------------------------------------------ */

static int on_socket(xmpp_conn_t *conn, void *socket)
{
    called_fd = *(int *)socket;
    if (!calling)
        return 0;
    calling->hooks.tune(called_fd);
    return calling->hooks.sockopt ? calling->hooks.sockopt(conn, socket) : 0;
}

/* libstrophe shows it to this callback only, at once where there is a connection. */
static int socket_of(ep_conn *c)
{
    called_fd = -1;
    xmpp_conn_set_sockopt_callback(c->conn, on_socket);
    return called_fd;
}

void ep_conn_cut(ep_conn *c, const ep_error *why)
{
    if (c->state == C_IDLE)
        return;
    if (!c->cutting) {
        c->cutting = true;
        if (why)
            c->why = *why;
        else
            ep_fail(&c->why, EPODE_ECANCELLED, 0, "cancelled");
    }
    int fd = socket_of(c);
    if (fd >= 0)
        c->hooks.cut(fd);
}

/* --- TLS ------------------------------------------------------------------------------- */

static int on_certfail(const xmpp_tlscert_t *cert, const char *const message)
{
    ep_conn *c = calling;
    if (c && c->hooks.certfail && c->hooks.certfail(cert, message))
        return 1;
    if (c)
        ep_fail(&c->why, EPODE_ECERT, 0, "the server's certificate was refused: %s", message ? message : "unknown reason");
    if (c)
        ep_error_set_final(&c->why, true);
    return 0;
}

static void conn_keep_certificate(ep_conn *c)
{
    xmpp_tlscert_t *cert = xmpp_conn_get_peer_cert(c->conn);
    const char *pem = cert ? xmpp_tlscert_get_pem(cert) : NULL;
    ep_buf_clear(&c->certificate);
    if (pem)
        ep_buf_puts(&c->certificate, pem);
    if (cert)
        xmpp_tlscert_free(cert);
}

/* libstrophe's handshake is run to its end, in here. */
static void conn_start_tls(ep_conn *c)
{
    ep_error failed;
    if (!c->events)
        return;
    c->events->tls(c->user, socket_of(c));
    ep_error_clear(&c->why);
    calling = c;
    int rc = xmpp_conn_tls_start(c->conn);
    calling = NULL;
    if (c->events->tls_over(c->user) && !c->why.status)
        ep_fail(&c->why, EPODE_ETIMEOUT, 0, "no time left: connected, waiting for the TLS handshake");
    if (rc == XMPP_EOK && xmpp_conn_is_secured(c->conn) && c->why.status != EPODE_ETIMEOUT) {
        ep_error_clear(&c->why);
        conn_keep_certificate(c);
        c->state = C_UP;
        if (c->events)
            c->events->up(c->user, !c->direct);
        return;
    }
    failed = c->why;
    if (!failed.status && rc == XMPP_EMEM) {
        /* It says so of files that it cannot read as well. */
        if (c->certified)
            ep_fail(&failed, EPODE_EINVAL, 0, "the client's certificate cannot be read, or the CA file");
        else if (c->trusting)
            ep_fail(&failed, EPODE_ECERT, 0, "the CA file cannot be read");
        else
            ep_fail(&failed, EPODE_ENOMEM, 0, "out of memory");
        ep_error_set_final(&failed, c->certified || c->trusting);
    } else if (!failed.status) {
        ep_fail(&failed, EPODE_ETLS, rc, "TLS failed in the handshake (libstrophe does not say why)");
    }
    ep_conn_cut(c, &failed);
}

const char *ep_conn_certificate(const ep_conn *c)
{
    return ep_buf_cstr((ep_buf *)(uintptr_t)&c->certificate);
}

bool ep_conn_names_only(const ep_conn *c, const char *bare)
{
    char *name = xmpp_conn_cert_xmppaddr_num(c->conn) == 1 ? xmpp_conn_cert_xmppaddr(c->conn, 0) : NULL;
    bool same = name && strcmp(name, bare) == 0;
    if (name)
        xmpp_free(xmpp_conn_get_context(c->conn), name);
    return same;
}

/* --- what comes ------------------------------------------------------------------------- */

static void conn_preface_element(ep_conn *c, const ep_elem *e)
{
    ep_error err = { 0 };
    epode_status st = ep_starttls_element(c->preface, e, &err);
    if (st == EPODE_OK)
        conn_start_tls(c);
    else if (st < 0)
        ep_conn_cut(c, &err);
}

static int on_stanza(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *user)
{
    ep_conn *c = user;
    ep_elem *e;
    (void)conn;
    if (!c->events || c->cutting || c->state < C_PREFACE)
        return 1;
    epode_status st = ep_elem_from_stanza(&e, &c->arena, stanza, 0);
    if (st) {
        ep_error err;
        ep_fail(&err, st, 0, st == EPODE_ENOMEM ? "out of memory" : "the server sent an element beyond the limits");
        ep_conn_cut(c, &err);
    } else if (c->state == C_PREFACE) {
        conn_preface_element(c, e);
    } else {
        if (ep_elem_is(e, "error", XMPP_NS_STREAMS) && !c->error)
            c->error = xmpp_stanza_clone(stanza);
        c->events->element(c->user, e);
    }
    ep_arena_reset(&c->arena);
    return 1;
}

static void conn_tcp_up(ep_conn *c)
{
    ep_buf out = EP_BUF_INIT;
    ep_error err;
    if (!c->events)
        return;
    c->events->tcp_up(c->user);
    if (c->cutting || c->direct) {
        if (!c->cutting)
            conn_start_tls(c);
        return;
    }
    c->state = C_PREFACE;
    ep_starttls_free(c->preface);
    c->preface = ep_starttls_new(c->domain);
    if (!c->preface || ep_starttls_begin(c->preface, &out) || ep_conn_write(c, ep_buf_ptr(&out), out.len)) {
        ep_fail(&err, EPODE_ENOMEM, 0, "out of memory");
        ep_conn_cut(c, &err);
    }
    ep_buf_free(&out);
}

/* --- the end ---------------------------------------------------------------------------- */

static void conn_destroy(ep_conn *c)
{
    ep_starttls_free(c->preface);
    ep_arena_free(&c->arena);
    ep_buf_free(&c->certificate);
    ep_free(c->domain);
    if (c->error)
        xmpp_stanza_release(c->error);
    ep_free(c);
}

static void conn_say_why(ep_conn *c, int error)
{
    if (c->why.status)
        return;
    if (c->state == C_CONNECTING)
        ep_fail(&c->why, EPODE_ECONNECT, error, "no connection%s%s", error ? ": " : "", error ? strerror(error) : "");
    else if (c->state == C_PREFACE)
        ep_fail(&c->why, EPODE_ECONNECT, error, "the connection was cut before TLS");
    else if (error) /* not by the server's end tag */
        ep_fail(&c->why, EPODE_ECONNECT, error, "the connection was cut");
}

static void conn_closed(ep_conn *c, int error, xmpp_stream_error_t *stream_error)
{
    xmpp_conn_t *conn = c->conn;
    conn_say_why(c, error);
    xmpp_handler_delete(conn, on_stanza);
    c->state = C_IDLE;
    c->cutting = false;
    if (c->events) {
        ep_error why = c->why;
        c->events->closed(c->user, &why, error);
        return;
    }
    xmpp_conn_handler after = c->after;
    void *data = c->after_data;
    conn_destroy(c);
    if (after)
        after(conn, XMPP_CONN_DISCONNECT, error, stream_error, data);
}

static void on_event(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error, void *user)
{
    ep_conn *c = user;
    (void)conn;
    switch (event) {
    case XMPP_CONN_RAW_CONNECT: conn_tcp_up(c); break;
    case XMPP_CONN_CONNECT:
        if (c->events && !c->cutting)
            c->events->header(c->user);
        break;
    case XMPP_CONN_DISCONNECT:
    case XMPP_CONN_FAIL: conn_closed(c, error, stream_error); break;
    }
}

/* --- life ------------------------------------------------------------------------------- */

ep_conn *ep_conn_new(xmpp_conn_t *conn, const ep_conn_hooks *hooks, const ep_conn_events *events, void *user,
                     xmpp_conn_handler after, void *after_data)
{
    ep_conn *c = ep_calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->conn = conn;
    c->hooks = *hooks;
    c->events = events;
    c->user = user;
    c->after = after;
    c->after_data = after_data;
    return c;
}

void ep_conn_free(ep_conn *c)
{
    if (!c)
        return;
    c->events = NULL;
    if (c->state == C_IDLE)
        conn_destroy(c);
    else
        ep_conn_cut(c, NULL);
}

static void conn_set_up(ep_conn *c, const ep_conn_target *t)
{
    xmpp_conn_set_certfail_handler(c->conn, on_certfail);
    xmpp_conn_set_sockopt_callback(c->conn, on_socket);
    /* Once: 0.12 forgets to free the one before. */
    if (t->ca_file && !c->trusting)
        xmpp_conn_set_cafile(c->conn, t->ca_file);
    c->trusting = t->ca_file != NULL;
    c->certified = t->cert_file != NULL;
    if (t->cert_file)
        xmpp_conn_set_client_cert(c->conn, t->cert_file, t->key_file ? t->key_file : t->cert_file);
}

epode_status ep_conn_connect(ep_conn *c, const ep_conn_target *t, ep_error *err)
{
    if (c->state != C_IDLE)
        return ep_fail(err, EPODE_ESTATE, 0, "libstrophe's connection is still in use");
    ep_error_clear(&c->why);
    if (c->error)
        xmpp_stanza_release(c->error);
    c->error = NULL;
    const char *jid = xmpp_conn_get_jid(c->conn);
    char *kept = jid ? ep_strdup(jid) : NULL;
    if (!ep_str_set(&c->domain, t->domain) || (jid && !kept)) {
        ep_free(kept);
        return ep_fail(err, EPODE_ENOMEM, 0, "out of memory");
    }
    conn_set_up(c, t);
    c->direct = t->direct;
    /* In raw mode only the domain of it is looked at, now. */
    xmpp_conn_set_jid(c->conn, t->jid);
    calling = c;
    int rc = xmpp_connect_raw(c->conn, t->address, t->port, on_event, c);
    calling = NULL;
    if (kept)
        xmpp_conn_set_jid(c->conn, kept);
    ep_free(kept);
    if (rc != XMPP_EOK)
        return ep_fail(err, rc == XMPP_EMEM ? EPODE_ENOMEM : rc == XMPP_EINVOP ? EPODE_ESTATE : EPODE_ECONNECT, rc,
                       rc == XMPP_EINVOP ? "libstrophe's connection is in use" : "no connection");
    c->state = C_CONNECTING;
    xmpp_handler_add(c->conn, on_stanza, NULL, NULL, NULL, c);
    return EPODE_OK;
}

bool ep_conn_is_idle(const ep_conn *c)
{
    return c->state == C_IDLE;
}

bool ep_conn_is_up(const ep_conn *c)
{
    return c->state == C_UP && !c->cutting;
}

epode_status ep_conn_write(ep_conn *c, const void *data, size_t n)
{
    if (c->state < C_PREFACE || c->cutting)
        return EPODE_ESTATE;
    /* It looks for the end of a string, whatever length it is given (0.12, 0.14). */
    ep_buf text = EP_BUF_INIT;
    ep_buf_add(&text, data, n);
    const char *terminated = ep_buf_cstr(&text);
    /* Nor does it say whether there was memory for a copy; its queue does. */
    int before = xmpp_conn_send_queue_len(c->conn);
    if (terminated)
        xmpp_send_raw(c->conn, terminated, n);
    ep_buf_wipe(&text);
    return xmpp_conn_send_queue_len(c->conn) > before ? EPODE_OK : EPODE_ENOMEM;
}

epode_status ep_conn_header(ep_conn *c, const char *to, const char *from)
{
    char *attributes[] = { (char *)(uintptr_t)"to", (char *)(uintptr_t)to, (char *)(uintptr_t)"from",
                           (char *)(uintptr_t)from, (char *)(uintptr_t)"version", (char *)(uintptr_t)"1.0",
                           (char *)(uintptr_t)"xml:lang", (char *)(uintptr_t)"en", (char *)(uintptr_t)"xmlns",
                           (char *)(uintptr_t)XMPP_NS_CLIENT, (char *)(uintptr_t)"xmlns:stream",
                           (char *)(uintptr_t)XMPP_NS_STREAMS };
    if (!ep_conn_is_up(c))
        return EPODE_ESTATE;
    return xmpp_conn_open_stream(c->conn, attributes, sizeof attributes / sizeof *attributes) == XMPP_EOK ? EPODE_OK
                                                                                                           : EPODE_ENOMEM;
}

xmpp_stanza_t *ep_conn_last_error(const ep_conn *c)
{
    return c->error;
}
