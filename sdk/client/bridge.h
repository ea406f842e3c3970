/* bridge.h: a client on an application's libstrophe connection: the transport, its turns in libstrophe's loop, and what the
 * application's own callback is told. */
#ifndef EP_BRIDGE_H
#define EP_BRIDGE_H

#include "epode/strophe.h"
#include "net/guard.h"
#include "net/net.h"
#include "net/pick.h"
#include "strophe/conn.h"
#include "strophe/ticks.h"

#define EP_BRIDGE_TELLS 8

typedef struct ep_bridge {
    ep_transport transport;
    epode_client *c; /* NULL: it is gone */
    xmpp_conn_t *conn; /* with a reference */
    xmpp_ctx_t *ctx;
    ep_conn *link;
    ep_ticks *ticks;
    bool ticking, gone; /* gone: freed when the tick is over */
    uint32_t flags, idle_ms;
    xmpp_conn_handler callback;
    void *userdata;

    /* the attempt, or the connection it led to */
    ep_pick *pick; /* NULL: there is none */
    bool up, waits; /* waits: for the end of the connection before */
    bool headers;   /* ours are told to libstrophe */
    char address[64];
    uint16_t port;
    bool direct;
    char *jid; /* with the domain's A-label */
    int64_t tcp_us, tls_us;
    ep_guard *guard; /* of the handshake */
    ep_net_info info;
    ep_job connect_job;

    /* what the application's callback is to hear */
    struct {
        bool connect, last; /* else DISCONNECT; last: the client has stopped */
    } tells[EP_BRIDGE_TELLS];
    unsigned tell_count, tell_committed;
    bool said_connect;           /* the last that was noted */
    bool told_connect, told_any; /* the last that was told */
    int error; /* libstrophe's, of its last disconnect */
} ep_bridge;

/* bridge.c */
epode_status ep_bridge_open(epode_client *c, xmpp_conn_t *conn, const epode_strophe_options *o, xmpp_conn_handler callback,
                            void *userdata);
epode_status ep_bridge_attempt(epode_client *c, const ep_net_config *config); /* makes c->net */
epode_status ep_bridge_header(epode_client *c); /* our header, behind what is in the stream's output */
void ep_bridge_leave(epode_client *c);  /* the client goes on without it */
ep_stream_headers ep_bridge_headers(const epode_client *c);
bool ep_client_wants_sm(const epode_client *c);
bool ep_client_reconnects(const epode_client *c);
/* What this transport leaves out, by stable names; NULL: no more. */
const char *ep_bridge_left_out(const epode_client *c, size_t i);

/* strophe.c */
void ep_bridge_state(epode_client *c, epode_state state); /* notes what is to be told */
void ep_bridge_committed(epode_client *c);
bool ep_bridge_has_news(const epode_client *c);
void ep_bridge_tell(epode_client *c); /* the application may do anything in there */

#endif
