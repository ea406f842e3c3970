/* What the files of the program share: sockets, TLS, certificates and control around the core. */
#ifndef SRV_PROGRAM_H
#define SRV_PROGRAM_H

#include "buf.h"
#include "server.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>

#define MAX_LISTEN 8

struct args {
    const char *domain, *dir, *cert, *log, *client_cert;
    const char *listen[MAX_LISTEN];
    int listens;
    int direct_port, starttls_port; /* 0: choose */
    long rtt_ms;
    bool tls12_only, tls13_only, no_tickets, stale_tickets, fatal_tickets, early_data, no_anti_replay, nagle;
    int argc; /* the whole command line, for what needs the core: --user, --feature, --fault */
    char **argv;
};

/* 0 to go on; else the exit code + 1 (help was shown, or something was wrong). */
int args_parse(struct args *args, int argc, char **argv);
int args_apply(const struct args *args, struct srv *srv); /* 0, or -1 with a message on stderr */

/* ---- certs.c: a CA and a certificate of our own, made at every start, the CA kept ---- */
struct certs {
    EVP_PKEY *ca_key, *key;
    X509 *ca, *cert;
    char *ca_file;
};
int certs_make(struct certs *certs, const struct args *args);
void certs_free(struct certs *certs);

/* ---- tls.c ---- */
SSL_CTX *tls_context(const struct certs *certs, const struct args *args);

struct tls_facts { /* the memory behind a srv_tls_info */
    uint8_t exporter[32], end_point[EVP_MAX_MD_SIZE], unique[EVP_MAX_MD_SIZE];
    char client_jid[512];
};
void tls_describe(SSL *ssl, bool early, struct tls_facts *facts, struct srv_tls_info *info);

/* ---- link.c: one socket, the delay on it, and its TLS ---- */
struct chunk {
    int64_t due_us;
    struct srv_buf bytes;
    bool eof;
    bool sealed; /* nothing more joins it: one send of its own */
    struct chunk *next;
};

struct pipe { /* bytes on their way, each with the time at which they arrive */
    struct chunk *first, *last;
};

struct link {
    struct link *next;
    int fd;
    struct srv_conn *conn;
    SSL *ssl;
    BIO *from_net, *to_net;
    struct pipe in, out;
    int64_t half_rtt_us, linger_us;
    bool try_early, told_early, up, saw_eof, blocked, finishing, dead;
};

struct link *link_new(struct srv *srv, int fd, SSL_CTX *direct, bool early, int64_t half_rtt_us,
                      int64_t now_us);
void link_free(struct link *link, int64_t now_us);
void link_readable(struct link *link, int64_t now_us);
void link_run(struct link *link, SSL_CTX *context, int64_t now_us);
int64_t link_deadline(const struct link *link);

/* ---- loop.c ---- */
int loop_run(struct srv *srv, const struct args *args, SSL_CTX *context, const char *ca_file);
int64_t loop_now(void);

#endif
