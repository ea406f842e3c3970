/* epode/strophe.h: for those who already live on libstrophe (0.12 or newer): epode's start-up and store on a connection of
 * theirs, which keeps its handlers and its loop. Not part of epode.h, since it needs libstrophe's own header.
 *
 *     xmpp_connect_client(conn, NULL, 0, callback, userdata);      before
 *     epode_strophe_connect(client, conn, callback, userdata);     after
 *
 * What this way cannot do is left out, and said by epode_session_left_out_at(): docs/from-libstrophe.md has the table, and
 * what changes call by call. */
#ifndef EPODE_STROPHE_H
#define EPODE_STROPHE_H

#include <strophe.h>

#include "epode/client.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    /* After a loss the client connects again by itself, on the same connection; the callback is told DISCONNECT and
     * CONNECT each time. Else that is the application's, by another call of epode_strophe_connect(). */
    EPODE_STROPHE_RECONNECT = 1 << 0,
    /* A promise: everything on this connection is sent by functions of epode's, nothing by xmpp_send() and its kin. Only
     * then stream management (XEP-0198) is on: libstrophe tells nobody what it has sent, and a count that is wrong once is
     * wrong for ever. A promise that is broken ends the session with EPODE_EPROTO. */
    EPODE_STROPHE_SENDS_BY_EPODE = 1 << 1,
    /* libstrophe writes to sockets such that SIGPIPE ends the process when the server closed first. Where the signal has
     * its default action, it is ignored from the first connect on, in the whole process; with this it is left alone. */
    EPODE_STROPHE_KEEP_SIGPIPE = 1 << 2
};

/* Begin with EPODE_STROPHE_OPTIONS_INIT; new fields are appended; zero is the default. */
typedef struct epode_strophe_options {
    size_t size;
    uint32_t flags;   /* EPODE_STROPHE_* */
    /* How long libstrophe's loop may sleep at most while a session is idle: that bounds how late the client's timers are, a
     * job of epode_waker_post(), and each 4 KB of a stanza that came whole in one TLS record while nothing else was going
     * on. 0: 100; at most 60000. Each time costs a wake-up. It is set with xmpp_ctx_set_timeout() for xmpp_run(), which
     * wakes up once a second by itself; who calls xmpp_run_once() gives it no longer one, since libstrophe sleeps for the
     * whole of it where no connection is up. */
    uint32_t idle_ms;
    /* libstrophe has one of each, and shows it to nobody, so epode's take their place: what the application had set is
     * called from them if it is named here. */
    xmpp_certfail_handler certfail; /* NULL: a certificate that cannot be verified is EPODE_ECERT, final */
    xmpp_sockopt_callback sockopt;  /* called behind epode's own, which turns Nagle off and TCP keepalive on */
} epode_strophe_options;
#ifdef __cplusplus
#define EPODE_STROPHE_OPTIONS_INIT { sizeof(epode_strophe_options) }
#else
#define EPODE_STROPHE_OPTIONS_INIT { .size = sizeof(epode_strophe_options) }
#endif

/* For the connects that follow. EPODE_EINVAL: out of range; EPODE_ESTATE: the client is on a connection now. */
EPODE_API epode_status epode_strophe_set(epode_client *client, const epode_strophe_options *options);

/* In place of xmpp_connect_client(): returns at once; everything else happens in libstrophe's loop (xmpp_run(),
 * xmpp_run_once()), which drives the client as well: epode_client_process() need not be called, and its callbacks come from
 * there. The account, its secrets and where to connect are the client's (epode_options); of the connection, its handlers,
 * context and flags count. The client is STOPPED, the connection disconnected.
 *
 * callback (may be NULL) is told CONNECT when the session is ready, and DISCONNECT when it has ended, or cannot be had;
 * epode_client_error() has the story. Its JID is that of epode_session_jid(). Stanza handlers are called as before, also
 * for what epode itself asked. xmpp_send() works from CONNECT on.
 *
 * The connection stays the application's; the client holds a reference to it until the last DISCONNECT was told or it is
 * freed, so xmpp_conn_release() and epode_client_free() may come in any order, and xmpp_ctx_free() behind both. What is
 * freed while it is connected is cut, and the callback is told DISCONNECT. As ever, libstrophe does not survive it if the
 * last reference to a connection goes from within a callback of its own loop.
 *
 * EPODE_EINVAL: the flags of the connection forbid TLS or its checks, or its JID is of another account; EPODE_ESTATE: the
 * client or the connection is in use; EPODE_ENOMEM. (RFC 6120, XEP-0368, XEP-0388, XEP-0386) */
EPODE_API epode_status epode_strophe_connect(epode_client *client, xmpp_conn_t *conn, xmpp_conn_handler callback,
                                             void *userdata);

/* From now on epode_client_ctx() is this context, with its memory functions (xmpp_mem_t) and its log (xmpp_log_t); the
 * application's, to be freed after the client. epode_strophe_connect() does so where none was asked for before.
 * EPODE_ESTATE: there is one of the client's own, and stanzas may have been made in it. */
EPODE_API epode_status epode_client_use_ctx(epode_client *client, xmpp_ctx_t *ctx);

#ifdef __cplusplus
}
#endif
#endif
