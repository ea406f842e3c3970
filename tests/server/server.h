/* The reference server's core: a whole XMPP server without sockets, threads, sleeps or a clock. */
#ifndef EPODE_TESTS_SERVER_H
#define EPODE_TESTS_SERVER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One `srv` is the server's state: users, tokens, sessions, rosters, archives. One `srv_conn` is
 * one connection. Bytes go in with the time, bytes come out of a buffer that the owner drains. Time
 * is always microseconds since 1970-01-01 UTC (stamps are made of it) and never goes back. Nothing
 * here is thread-safe. Running out of memory aborts: this is for tests.
 */
struct srv;
struct srv_conn;

/* Called for everything that is read and written; `direction` is 'C' or 'S'. */
typedef void srv_log_fn(void *user, unsigned conn, char direction, const char *data, size_t len);

struct srv_options {
    const char *domain; /* NULL: "localhost" */
    const char *path;   /* SQLite file; NULL: ":memory:" */
    uint64_t seed;      /* not 0: ids, salts and nonces are a function of it, for repeatable runs */
    srv_log_fn *log;
    void *log_user;
};

/* What TLS says about a connection. NULL or 0 means "not available". Copied. */
struct srv_tls_info {
    const char *version;      /* "TLSv1.3", "TLSv1.2" */
    int resumed;              /* the TLS session was resumed */
    int early;                /* only early data was seen so far (RFC 8446, 2.3) */
    const uint8_t *exporter;  /* tls-exporter (RFC 9266) */
    size_t exporter_len;
    const uint8_t *end_point; /* tls-server-end-point (RFC 5929) */
    size_t end_point_len;
    const uint8_t *unique;    /* tls-unique (RFC 5929) */
    size_t unique_len;
    const char *client_jid;   /* bare JID in a verified client certificate, for EXTERNAL */
};

/* Opens the state. NULL options are the defaults. Returns NULL if the database cannot be used. */
struct srv *srv_new(const struct srv_options *options);
void srv_free(struct srv *srv);

/* Adds a user or changes its password. 0, or -1 if the name is empty or has '@' or '/'. */
int srv_user_add(struct srv *srv, const char *name, const char *password);

/* Sets a feature or a fault (README.md lists them). 0, or -1: no such name, or not such a value. */
int srv_feature(struct srv *srv, const char *name, const char *value);
int srv_fault(struct srv *srv, const char *name, const char *value);

/*
 * Runs one control line (README.md lists them). The answer, one line of JSON without the line feed,
 * is returned and is the caller's to free().
 */
char *srv_control(struct srv *srv, const char *line, int64_t now_us);

/* Does what is due. Connections may have new output or be asked to close afterwards. */
void srv_tick(struct srv *srv, int64_t now_us);

/* The time of the next thing to do, or INT64_MAX. */
int64_t srv_deadline(const struct srv *srv);

/* A new connection; it is in clear until srv_conn_tls_up(). Freed by the owner, before `srv`. */
struct srv_conn *srv_conn_new(struct srv *srv, int64_t now_us);

/* The transport is gone (or the owner gives up): a resumable session stays behind. */
void srv_conn_free(struct srv_conn *conn, int64_t now_us);

/* Bytes from the client, all that one read gave: "the same read" means the same call. */
void srv_conn_feed(struct srv_conn *conn, const char *data, size_t len, int64_t now_us);

/*
 * TLS is up: at once on a direct TLS port, after srv_conn_wants_tls() otherwise. With `info->early`
 * the early data is fed next, and the function is called again when the handshake is done; that
 * second call changes what is known about TLS and nothing else.
 */
void srv_conn_tls_up(struct srv_conn *conn, const struct srv_tls_info *info);

/* Output not yet taken. Valid until the next call. */
const char *srv_conn_output(const struct srv_conn *conn, size_t *len);
void srv_conn_consume(struct srv_conn *conn, size_t len);
/* How many of them may stand in one TLS record; 0: any. */
size_t srv_conn_record_bytes(const struct srv_conn *conn);

/* Write what is left of the output in clear, then begin TLS, then call srv_conn_tls_up(). */
int srv_conn_wants_tls(const struct srv_conn *conn);

/* The bytes that came behind <starttls/> in the same read (XEP-0305): TLS's first input. */
const char *srv_conn_tls_rest(const struct srv_conn *conn, size_t *len);

/* Write what is left of the output, then close: 1 with close_notify, 2 without a word. */
int srv_conn_wants_close(const struct srv_conn *conn);

/* Connections are numbered from 1 in the order of srv_conn_new(). */
unsigned srv_conn_number(const struct srv_conn *conn);

/* The core's own view of a counter that `dump` prints too ("messages", "connections", ...). */
long srv_counter(const struct srv *srv, const char *name);

#ifdef __cplusplus
}
#endif

#endif
