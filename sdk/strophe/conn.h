/* conn.h: an application's xmpp_conn_t as a way to the server, by libstrophe's public interface only: its raw mode, its
 * TLS, its parser. Everything is told from within libstrophe's loop. */
#ifndef EP_STROPHE_CONN_H
#define EP_STROPHE_CONN_H

#include <strophe.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "xml/elem.h"

typedef struct ep_conn ep_conn;

typedef struct ep_conn_events {
    void (*tcp_up)(void *user);
    void (*tls)(void *user, int fd); /* the handshake begins, and is run to its end */
    bool (*tls_over)(void *user);    /* it came to one; true: because the socket was cut meanwhile, for time */
    /* The certificate is verified; headers: our own header cannot be part of what is written. */
    void (*up)(void *user, bool headers);
    void (*element)(void *user, ep_elem *e); /* EPODE_ELIMIT and no memory end the connection instead */
    void (*header)(void *user);              /* the answer to ep_conn_header() */
    /* libstrophe's connection is disconnected; why->status EPODE_OK: by the server's end tag. error and stream_error are
     * libstrophe's. */
    void (*closed)(void *user, const ep_error *why, int error);
} ep_conn_events;

typedef struct ep_conn_target {
    const char *address; /* as text: libstrophe resolves nothing */
    uint16_t port;
    bool direct;
    const char *jid, *domain; /* with the domain's A-label: for SNI and the certificate */
    const char *ca_file, *cert_file, *key_file; /* NULL: none */
} ep_conn_target;

/* What libstrophe knows only one of, and can be asked for by nobody: called on behalf of the application. */
typedef struct ep_conn_hooks {
    xmpp_certfail_handler certfail; /* NULL: a certificate that cannot be verified is refused */
    xmpp_sockopt_callback sockopt;  /* NULL: none */
    void (*tune)(int fd);
    void (*cut)(int fd); /* ends the socket, which libstrophe then notices */
} ep_conn_hooks;

/* after, after_data: told of DISCONNECT if the owner is gone by then. NULL: no memory. */
ep_conn *ep_conn_new(xmpp_conn_t *conn, const ep_conn_hooks *hooks, const ep_conn_events *events, void *user,
                     xmpp_conn_handler after, void *after_data);
/* The owner is gone: the connection is cut, and what is left here goes with its end. No event follows. */
void ep_conn_free(ep_conn *c); /* NULL is fine */

/* Only while idle. EPODE_ESTATE, EPODE_ECONNECT, EPODE_ENOMEM. */
epode_status ep_conn_connect(ep_conn *c, const ep_conn_target *target, ep_error *err);
bool ep_conn_is_idle(const ep_conn *c);
bool ep_conn_is_up(const ep_conn *c);
/* One xmpp_send_raw(): leaves when libstrophe's loop goes on. EPODE_ESTATE; EPODE_ENOMEM. */
epode_status ep_conn_write(ep_conn *c, const void *data, size_t n);
/* Our header, and a new document on both sides. */
epode_status ep_conn_header(ep_conn *c, const char *to, const char *from);
/* Ends it without a word; closed() follows. why NULL: as wished. */
void ep_conn_cut(ep_conn *c, const ep_error *why);
const char *ep_conn_certificate(const ep_conn *c); /* the server's, as PEM; "": none */
/* Whether the client's certificate names that account alone (XEP-0178). */
bool ep_conn_names_only(const ep_conn *c, const char *bare);
xmpp_stanza_t *ep_conn_last_error(const ep_conn *c); /* the <stream:error/> that came; NULL: none */

#endif
