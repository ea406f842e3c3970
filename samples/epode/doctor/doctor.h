/* doctor.h: what the parts of epode doctor share. */
#ifndef EPODE_DOCTOR_H
#define EPODE_DOCTOR_H

#include <openssl/ssl.h>
#include <stdint.h>
#include <sys/socket.h>

#include "../cli.h"

/* --- findings: report.c ----------------------------------------------------------------------------------- */

typedef enum mark { MARK_OK, MARK_NOTE, MARK_WARN, MARK_BAD, MARK_COUNT } mark;

typedef struct report {
    bool json, color;
    const char *area;
    json_t *checks;
    unsigned counts[MARK_COUNT];
} report;

void report_open(report *r, bool json);
void report_close(report *r);
void report_area(report *r, const char *area); /* what follows is about */
/* One finding. check names it for programs; advice: what to do about it, NULL: nothing. */
void report_say(report *r, mark m, const char *check, const char *advice, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* --- XML: tree.c ------------------------------------------------------------------------------------------ */

/* The elements of a stream or a stanza, in document order. */
typedef struct node {
    int depth; /* of the root: 1 */
    char *ns, *name, *text;
    char **attributes; /* name, value, ..., NULL */
} node;

typedef struct tree tree;
tree *tree_new(void); /* NULL: no memory */
void tree_free(tree *t);
/* False: not well-formed, or more than a diagnosis needs. */
bool tree_feed(tree *t, const char *data, size_t n);
int tree_finished(const tree *t); /* how many children of the root are complete */
/* The first element of that name in the one at scope (its index; -1: everywhere), behind the one at after (-1: none
 * yet): its index, or -1. ns or name NULL: any. */
int tree_find(const tree *t, int scope, int after, const char *ns, const char *name);
const node *tree_at(const tree *t, int index);
const char *node_attribute(const node *n, const char *name); /* NULL: not there */
/* The texts of all elements of that name in scope, separated by blanks. */
void tree_texts(const tree *t, int scope, const char *ns, const char *name, char *out, size_t size);

/* --- DNS: dns.c ------------------------------------------------------------------------------------------- */

typedef enum dns_state { DNS_OK, DNS_NONE, DNS_NO_DOMAIN, DNS_FAILED, DNS_SILENT } dns_state;

typedef struct dns_record {
    char host[256]; /* SRV */
    unsigned port, priority, weight;
    struct sockaddr_storage address; /* A, AAAA; without a port */
} dns_record;

enum { DNS_RECORDS = 16 };
typedef struct dns_answer {
    dns_state state;
    char why[80]; /* of a failure */
    unsigned ttl; /* the least */
    double ms;
    int count;
    dns_record records[DNS_RECORDS];
} dns_answer;

/* type: ns_t_srv, ns_t_a, ns_t_aaaa. server as --dns takes it; NULL: the system's. */
void dns_ask(dns_answer *out, const char *server, const char *name, int type);
const char *dns_words(const dns_answer *a); /* why there is nothing */

/* --- connections: wire.c ---------------------------------------------------------------------------------- */

typedef struct endpoint {
    char host[256], address[64];
    unsigned port;
    bool direct;
    struct sockaddr_storage to;
    /* what was found out */
    bool connected, tls, stream;
    double tcp_ms;
} endpoint;

typedef struct wire {
    int fd;
    SSL *ssl;
    tree *tree;      /* of the present stream */
    int acknowledge; /* TCP_QUICKACK: 1 at once, 0 late, -1 as the kernel likes */
    int64_t deadline_us;
    char why[160];   /* the last failure */
    bool timed_out;
} wire;

int64_t now_us(void);
bool wire_open(wire *w, const endpoint *e, int acknowledge, unsigned timeout_ms);
bool wire_tls(wire *w, SSL_CTX *context, const char *name, SSL_SESSION *session, bool alpn);
bool wire_send(wire *w, const char *text);
/* A stream header, and what comes until its first element is complete. from NULL: none, as before TLS. */
bool wire_stream(wire *w, const char *domain, const char *from);
/* Up to the child number count of the root. */
bool wire_read(wire *w, int count);
/* Header, <starttls/>, <proceed/>. */
bool wire_starttls(wire *w, const char *domain);
void wire_close(wire *w);

/* --- the patient ------------------------------------------------------------------------------------------ */

enum { ENDPOINTS = 16 };
typedef struct doctor {
    cli_options *o;
    report report;
    char *jid;       /* bare */
    char domain[256], ascii[256]; /* as in the JID, and as DNS and certificates have it */
    unsigned step_ms;
    endpoint endpoints[ENDPOINTS];
    int count;
    SSL_CTX *context;
    SSL_SESSION *session; /* of the last ticket that came */
    unsigned tickets;
    char seen[8][65]; /* fingerprints of certificates that were looked at */
    int seen_count;
    bool certificate_bad;
    tree *features;   /* before authentication, of the first stream that gave some; with the header */
    char missing[400]; /* what keeps a returning client from one wait */
    json_t *logins;
    bool logged_in;
    epode_status login_status;
} doctor;

void doctor_dns(doctor *d);          /* addresses.c: fills endpoints */
void doctor_endpoints(doctor *d);    /* server.c: each of them, and what TLS can do */
void doctor_certificate(doctor *d, SSL *ssl); /* certificate.c */
void doctor_tls(doctor *d, const endpoint *e); /* tls.c: tickets, early data, Nagle */
void doctor_features(doctor *d);     /* features.c: what is offered before authentication */
void doctor_logins(doctor *d);       /* login.c */
void doctor_phone(doctor *d, const epode_client *client); /* phone.c: batteries and dead links */
/* Notes that this keeps a returning client from one wait. */
void doctor_misses(doctor *d, const char *what);
/* Connects, with STARTTLS where that is the endpoint's way, and makes TLS. False: w->why, and the wire is closed. */
bool doctor_open(doctor *d, wire *w, const endpoint *e, SSL_SESSION *session, int acknowledge);

#endif
