/* net.h: the face of this layer: from a domain to a verified TLS connection, and that connection.
 * An ep_net is one connect: names are resolved (RFC 6120 section 3.2, XEP-0368), addresses raced
 * (RFC 8305) until the first has TLS up and its certificate verified, and then it is that
 * connection until on_closed. Nothing here blocks; everything happens in the loop's dispatch. */
#ifndef EP_NET_H
#define EP_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "loop/loop.h"
#include "net/transport.h"

typedef struct ep_net ep_net;

typedef enum ep_tls_mode {
    EP_TLS_AUTO = 0, /* what the SRV records say, or by the rule of ep_net_config.port */
    EP_TLS_DIRECT,
    EP_TLS_STARTTLS
} ep_tls_mode;

/* What is said before TLS on a STARTTLS endpoint, by whoever knows XMPP. Each attempt opens its
 * own. */
typedef struct ep_preface {
    void *(*open)(void *user); /* NULL: no memory */
    /* Appends what is sent first. EPODE_OK: its answer is waited for. EPODE_DONE: TLS's ClientHello
     * may go in the same write (XEP-0305); feed still takes what comes before the peer's TLS. <0:
     * the attempt failed. */
    int (*start)(void *p, ep_buf *out, void *user);
    /* Takes what came. EPODE_AGAIN: more is needed (what is in out is sent). EPODE_OK: TLS may
     * start; bytes behind *consumed belong to it. <0 with *err: the attempt failed. */
    epode_status (*feed)(void *p, const char *data, size_t n, size_t *consumed, ep_buf *out,
                         ep_error *err);
    void (*free)(void *p);
} ep_preface;

typedef struct ep_net_config {
    const char *domain; /* the JID's, as A-label: asked in DNS, named in SNI, verified */
    const char *host;   /* NULL: by SRV; else a name or an address that is used instead */
    /* 0: with a host, 5223 for direct TLS and 5222 for STARTTLS. Given, with EP_TLS_AUTO: 443 and
     * 5223 mean direct TLS; on others both are tried: first what was last good, else STARTTLS on
     * 5222 and direct TLS elsewhere, and the other way when that fails or takes longer than the
     * race's delay. Without a host, the port on the domain itself. */
    uint16_t port;
    ep_tls_mode tls;
    const char *ca_file;    /* NULL: the system's */
    const char *cert_file;  /* the client's own certificate with its chain, PEM; NULL: none */
    const char *key_file;   /* its key, PEM, not encrypted; NULL: in cert_file */
    const char *account;    /* bare JID that the certificate is to stand for; NULL with no certificate */
    const char *dns_server; /* NULL: the system's; else "ADDR", "ADDR:PORT" or "[v6]:PORT" */
    int64_t deadline_us;    /* loop time by which TLS is up; 0: 60 s from now */
    /* What on_dns gave last time, or NULL. What has expired is used all the same while asked again.
     */
    const void *dns_facts;
    size_t dns_facts_n;
    /* What on_ticket gave, or NULL. It is used by one attempt, once: delete it before handing it
     * in. */
    const void *ticket;
    size_t ticket_n;
    const ep_preface *preface; /* NULL: STARTTLS endpoints are left out */
    void *preface_user;
    const ep_log *log;
    unsigned keepalive_idle_s;     /* first TCP keepalive probe; 0: 10 min */
    unsigned keepalive_interval_s; /* 0: 75 s */
    unsigned user_timeout_ms;      /* TCP_USER_TIMEOUT; 0: 10 min */
    size_t backlog_mark;           /* on_writable below it; 0: 64 KiB */
} ep_net_config;

/* Loop times in microseconds; 0: did not happen. Of the winning path. */
typedef struct ep_net_timeline {
    int64_t start_us, dns_us, tcp_start_us, tcp_us, tls_start_us, tls_us;
    struct {
        unsigned dns;     /* rounds of queries, one after the other; 0: remembered or a literal */
        unsigned tcp;     /* 1 */
        unsigned preface; /* 0 for direct TLS */
        unsigned tls;     /* handshake flights waited for */
    } waits;
    uint64_t bytes_in, bytes_out; /* on the wire, with TLS; these go on growing */
    uint64_t up_bytes_in, up_bytes_out; /* of them, until TLS was up */
    uint64_t preface_bytes_in, preface_bytes_out; /* of them, until TLS began */
} ep_net_timeline;

/* One attempt of the race. */
enum { EP_NET_ATTEMPTS = 8 };
typedef struct ep_net_attempt {
    char host[64], address[64]; /* host: cut where it is longer */
    uint16_t port;
    bool direct, won;
    int64_t start_us, tcp_us, end_us; /* tcp: 0, if it did not get that far; end: TLS is up, failed, or left */
    char why[96];                     /* it failed; "": it did not, another one was faster */
} ep_net_attempt;

/* Borrowed from the ep_net; the strings live as long as it does. */
typedef struct ep_net_info {
    const char *tls_version; /* "TLSv1.3" */
    const char *cipher;      /* "TLS_AES_256_GCM_SHA384" */
    bool resumed;            /* by the ticket */
    bool early_data;         /* what on_early gave was taken by the server */
    bool early_sent;         /* something went with this connection's ClientHello, taken or not */
    bool direct;             /* direct TLS, not STARTTLS */
    bool names_others;       /* the client's certificate does not name the account alone (XEP-0178) */
    const char *host;        /* the SRV target or the given host */
    uint16_t port;
    char address[64];             /* as text, without the port */
    int64_t cert_expires_wall_ms; /* the leaf's notAfter */
    ep_net_timeline timeline;
    ep_net_timeline refused; /* of the same path before, which ended for its ticket; tcp_us 0: there was none */
    ep_net_attempt attempt[EP_NET_ATTEMPTS]; /* the first ones, and the winner */
    int attempt_count;
} ep_net_info;

/* All are called from the loop, never from inside ep_net_connect, ep_net_write or ep_net_close. In
 * each of them the ep_net may be freed. Any but on_closed may be NULL. */
typedef struct ep_net_events {
    /* One attempt, of several perhaps, has a ticket with which the server takes early data: at most room bytes are
     * appended to out, or nothing. What is in them may be replayed by anybody who saw them. end_point: what
     * "tls-server-end-point" will be if the session is resumed; empty where it does not exist. Other attempts hold
     * back for a while. If another one wins, early_sent is false in on_up; whether the server acted on what was
     * sent is then not known. NULL: no early data. */
    void (*on_early)(void *user, size_t room, const uint8_t *end_point, size_t end_point_n, ep_buf *out);
    /* TLS is up and verified. Called before the handshake's last flight is sent: what is written in here, or deferred
     * from here, leaves in the same segment; what came with the peer's last flight is told by on_data before that. */
    void (*on_up)(void *user, const ep_net_info *info);
    /* Decrypted bytes, at most 64 KiB in one dispatch. */
    void (*on_data)(void *user, const char *data, size_t n);
    /* A ticket for the next connect, with its end of validity. Secret. A server sends one or more.
     */
    void (*on_ticket)(void *user, const void *blob, size_t n, int64_t expires_wall_ms);
    /* What to remember of DNS for this domain, whenever it changed; replaces what was there. Text
     * without secrets; expires when the first part of it does. */
    void (*on_dns)(void *user, const void *facts, size_t n, int64_t expires_wall_ms);
    /* The ticket that was handed in cannot be used, and why (EPODE_ECERT, EPODE_EINVAL, ...): a
     * full handshake is made instead. For the log. */
    void (*on_ticket_refused)(void *user, const ep_error *why);
    /* The backlog went below the mark after having been above. */
    void (*on_writable)(void *user);
    /* Once, and the last one. error->status: EPODE_OK for an end that the peer announced or that
     * was asked for (close_notify came); EPODE_ECONNECT: cut; before on_up the most telling failure
     * of all attempts: ECERT, ETLS, ECONNECT, EDNS, or EPODE_ETIMEOUT with the phase in the text.
     */
    void (*on_closed)(void *user, const ep_error *error);
} ep_net_events;

/* Starts. Everything in config is copied save preface, log and their users; events is borrowed.
 * Only EPODE_ENOMEM and EPODE_EINVAL come back here (no domain, a host or port out of range). */
epode_status ep_net_connect(ep_net **out, ep_loop *loop, const ep_net_config *config,
                            const ep_net_events *events, void *user);
/* The same object, as one of several kinds. */
ep_transport *ep_net_transport(ep_net *net);
/* At any time, also in the callbacks above; no callback follows. What was not sent yet is lost. */
void ep_net_free(ep_net *net);

/* Appends to what is sent at the end of this dispatch or enter/leave. EPODE_ESTATE before on_up and
 * after the end; EPODE_ENOMEM. */
epode_status ep_net_write(ep_net *net, const void *data, size_t n);
/* Sends now what the socket takes. Errors are told by on_closed. */
void ep_net_flush(ep_net *net);
size_t ep_net_backlog(const ep_net *net); /* bytes, encrypted, not yet taken by the kernel */
/* Stops reading (the peer feels it) or goes on. */
void ep_net_pause(ep_net *net, bool paused);
/* While true (the start), every read is acknowledged at once, which hides a server's Nagle. */
void ep_net_hurry(ep_net *net, bool hurry);
/* Orderly: the backlog and a close_notify are sent, what still comes is delivered, and on_closed
 * with EPODE_OK follows when the peer closes or after a second. Else: closed now, on_closed
 * (ECANCELLED) follows in the next dispatch. */
void ep_net_close(ep_net *net, bool orderly);

/* NULL before on_up; its timeline's counters are kept current. */
const ep_net_info *ep_net_get_info(const ep_net *net);
/* Channel binding data of this connection: "tls-exporter" (RFC 9266), "tls-server-end-point" and
 * "tls-unique" (RFC 5929). EPODE_ESTATE where the type does not exist (tls-unique in TLS 1.3, a
 * certificate whose signature has no hash, not up); EPODE_EINVAL: unknown type, or cap is too small
 * (64 always do). */
epode_status ep_net_channel_binding(const ep_net *net, const char *type, uint8_t *out, size_t cap,
                                    size_t *n);
/* "tls-server-end-point" of a certificate in PEM, for connections that are not ours. The same errors. */
epode_status ep_certificate_end_point(const char *pem, uint8_t *out, size_t cap, size_t *n);

#endif
