/* link.h: one TCP connection on its way to TLS, and then with it: an attempt of the race, and the
 * connection if it wins. */
#ifndef EP_LINK_H
#define EP_LINK_H

#include "loop/loop.h"
#include "net/net.h"
#include "net/tcp.h"
#include "net/tls.h"

typedef enum ep_link_state {
    EP_LINK_IDLE,       /* next: CONNECTING, CLOSED */
    EP_LINK_CONNECTING, /* next: PREFACE, TLS, CLOSED */
    EP_LINK_PREFACE,    /* next: TLS, CLOSED */
    EP_LINK_TLS,        /* next: UP, CLOSED */
    EP_LINK_UP,         /* next: ENDING, CLOSED */
    EP_LINK_ENDING,     /* our close_notify is out; next: CLOSED */
    EP_LINK_CLOSED
} ep_link_state;

typedef struct ep_link ep_link;

/* What its owner is told; all are needed. In each of them it may be closed; its memory stays. */
typedef struct ep_link_events {
    /* TLS starts: gives the connection to make it with. */
    epode_status (*make_tls)(ep_link *link, ep_tls **out, void *user, ep_error *error);
    void (*on_progress)(ep_link *link, void *user); /* TCP is up; TLS starts */
    /* What is to go with the ClientHello is appended to out: at most room bytes, or nothing. */
    void (*on_early)(ep_link *link, size_t room, ep_buf *out, void *user);
    void (*on_up)(ep_link *link, void *user);       /* before the handshake's last flight is sent */
    void (*on_data)(ep_link *link, const char *data, size_t n, void *user);
    void (*on_sent)(ep_link *link, void *user); /* the kernel took something */
    /* It is closed. error->status: EPODE_OK when the peer said goodbye. */
    void (*on_closed)(ep_link *link, const ep_error *error, void *user);
} ep_link_events;

struct ep_link {
    ep_loop *loop;
    const ep_link_events *events;
    void *user;
    const ep_preface *preface;
    void *preface_user;
    bool direct;

    ep_link_state state;
    ep_watch watch;
    ep_job more; /* what was cut short */
    ep_job flush;
    ep_tls *tls;
    void *talk;   /* the preface's */
    bool talked;  /* something was sent that the preface waits for */
    ep_buf plain; /* to be sent before what TLS has */
    bool early; /* something went with the ClientHello */
    bool paused, hurry, drained, ended, said_goodbye;
    size_t told; /* bytes in the dispatch told_turn */
    uint64_t told_turn;
    ep_net_timeline timeline; /* .dns and .start are the owner's */
};

/* events, user, preface and direct are set; the rest is zero. -errno: closed already. */
int ep_link_connect(ep_link *link, ep_loop *loop, const ep_address *address, uint16_t port,
                    const ep_tcp_options *options);
/* Closes it without a word; fine in any state. What is left (TLS, buffers) is freed. */
void ep_link_close(ep_link *link);
void ep_link_goodbye(ep_link *link);
/* Encrypts; sent at the end of the dispatch. */
epode_status ep_link_write(ep_link *link, const void *data, size_t n);
void ep_link_flush(ep_link *link);
size_t ep_link_backlog(const ep_link *link);
void ep_link_pause(ep_link *link, bool paused);

#endif
