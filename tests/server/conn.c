/* One connection: bytes in, bytes out, and the faults that work on bytes. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct srv_conn *srv_conn_new(struct srv *srv, int64_t now_us)
{
    struct srv_conn *conn = srv_alloc(sizeof *conn);
    conn->srv = srv;
    conn->number = ++srv->conn_count;
    conn->next = srv->conns;
    conn->parser = srv_parser_new((size_t)srv_number(srv, MAX_BYTES_UNAUTH));
    srv->conns = conn;
    srv->now_us = now_us;
    srv_count(srv, "connections");
    return conn;
}

static void tls_clear(struct srv_tls *tls)
{
    free(tls->version);
    free(tls->client_jid);
    srv_buf_free(&tls->exporter);
    srv_buf_free(&tls->end_point);
    srv_buf_free(&tls->unique);
    memset(tls, 0, sizeof *tls);
}

static struct srv_held *held_free(struct srv_held *held)
{
    struct srv_held *next = held->next;
    srv_buf_free(&held->bytes);
    free(held);
    return next;
}

void srv_conn_free(struct srv_conn *conn, int64_t now_us)
{
    if (!conn)
        return;
    struct srv *srv = conn->srv;
    srv->now_us = now_us;
    srv_session_detach(conn, true);
    struct srv_conn **slot = &srv->conns;
    while (*slot != conn)
        slot = &(*slot)->next;
    *slot = conn->next;
    srv_sasl_reset(conn);
    srv_parser_free(conn->parser);
    tls_clear(&conn->tls);
    srv_buf_free(&conn->out);
    srv_buf_free(&conn->tls_rest);
    while (conn->held)
        conn->held = held_free(conn->held);
    free(conn->from);
    free(conn->user);
    free(conn->agent);
    free(conn);
    srv_sweep(srv);
}

void srv_conn_tls_up(struct srv_conn *conn, const struct srv_tls_info *info)
{
    /* Behind early data the stream is already running: only what is known of TLS changes. */
    bool goes_on = conn->tls.up && conn->tls.early;
    tls_clear(&conn->tls);
    conn->tls.up = true;
    conn->tls.early = info->early;
    conn->tls.resumed = info->resumed;
    conn->tls.version = srv_dup(info->version);
    conn->tls.client_jid = srv_dup(info->client_jid);
    srv_buf_add(&conn->tls.exporter, info->exporter, info->exporter_len);
    srv_buf_add(&conn->tls.end_point, info->end_point, info->end_point_len);
    srv_buf_add(&conn->tls.unique, info->unique, info->unique_len);
    conn->wants_tls = false;
    if (goes_on || conn->state == CONN_CLOSED)
        return;
    /* RFC 6120, 5.4.3.3: what was learned before TLS is forgotten. */
    conn->state = CONN_HEADER;
    conn->said_header = false;
    srv_set(&conn->from, NULL);
    srv_parser_free(conn->parser);
    conn->parser = srv_parser_new((size_t)srv_number(conn->srv, MAX_BYTES_UNAUTH));
    if (!info->early && srv_on(conn->srv, PROACTIVE))
        srv_stream_proactive(conn);
}

/* ---- Output ---- */

/* "CONN:BYTE" or "*:BYTE": how many of `len` bytes may still go; `len` if the fault is not ours. */
static size_t allowed(const struct srv_conn *conn, const char *fault, size_t len)
{
    char *end = NULL;
    const char *colon = strchr(fault, ':');
    if (!colon)
        return len;
    if (fault[0] != '*' && strtoul(fault, &end, 10) != conn->number)
        return len;
    uint64_t limit = strtoull(colon + 1, NULL, 10);
    if (limit >= conn->written + len)
        return len;
    return limit > conn->written ? (size_t)(limit - conn->written) : 0;
}

static void put(struct srv_conn *conn, const char *data, size_t len)
{
    long delay_ms = srv_number(conn->srv, DELAY);
    if (delay_ms <= 0 && !conn->held) {
        srv_buf_add(&conn->out, data, len);
        return;
    }
    struct srv_held **slot = &conn->held;
    while (*slot)
        slot = &(*slot)->next;
    *slot = srv_alloc(sizeof **slot);
    (*slot)->due_us = conn->srv->now_us + delay_ms * 1000;
    srv_buf_add(&(*slot)->bytes, data, len);
}

void srv_conn_write(struct srv_conn *conn, const char *data, size_t len)
{
    struct srv *srv = conn->srv;
    if (conn->stalled || conn->state == CONN_CLOSED || conn->state == CONN_DEAF)
        return;
    size_t before_stall = allowed(conn, srv_text(srv, STALL_AT), len);
    size_t before_cut = allowed(conn, srv_text(srv, CUT_AT), len);
    size_t fits = before_stall < before_cut ? before_stall : before_cut;
    if (srv->log && fits)
        srv->log(srv->log_user, conn->number, 'S', data, fits);
    put(conn, data, fits);
    conn->written += fits;
    if (before_stall < len)
        conn->stalled = true;
    if (before_cut < len || conn->out.len > MAX_OUTPUT)
        srv_conn_close(conn, 2);
}

void srv_conn_puts(struct srv_conn *conn, const char *text)
{
    srv_conn_write(conn, text, strlen(text));
}

void srv_conn_send(struct srv_conn *conn, const struct srv_xml *el)
{
    struct srv_buf text = {0};
    srv_xml_write(&text, el, NS_CLIENT);
    srv_conn_write(conn, text.data, text.len);
    srv_buf_free(&text);
}

void srv_conn_close(struct srv_conn *conn, int how)
{
    if (conn->state == CONN_CLOSED)
        return;
    conn->state = CONN_CLOSED;
    conn->wants_close = how; /* the session is detached by srv_sweep(): it may be in use now */
}

void srv_conn_release_held(struct srv_conn *conn, int64_t now_us)
{
    while (conn->held && conn->held->due_us <= now_us) {
        srv_buf_add(&conn->out, conn->held->bytes.data, conn->held->bytes.len);
        conn->held = held_free(conn->held);
    }
}

const char *srv_conn_output(const struct srv_conn *conn, size_t *len)
{
    *len = conn->out.len;
    return conn->out.data;
}

void srv_conn_consume(struct srv_conn *conn, size_t len)
{
    srv_buf_drop(&conn->out, len);
}

int srv_conn_wants_tls(const struct srv_conn *conn)
{
    return conn->wants_tls && !conn->held;
}

const char *srv_conn_tls_rest(const struct srv_conn *conn, size_t *len)
{
    *len = conn->tls_rest.len;
    return conn->tls_rest.data;
}

int srv_conn_wants_close(const struct srv_conn *conn)
{
    return conn->held ? 0 : conn->wants_close;
}

unsigned srv_conn_number(const struct srv_conn *conn)
{
    return conn->number;
}

/* ---- Input ---- */

static void parse_error(struct srv_conn *conn, enum srv_parse event)
{
    if (event == SRV_PARSE_RESTRICTED)
        srv_stream_error(conn, "restricted-xml", NULL);
    else if (event == SRV_PARSE_TOO_BIG)
        srv_stream_error(conn, "policy-violation", "larger than max-bytes");
    else if (event == SRV_PARSE_NESTED)
        srv_stream_error(conn, "unsupported-stanza-type", "a second stream header");
    else
        srv_stream_error(conn, "not-well-formed", NULL);
}

/* The fault "no-pipelining". Returns whether the rest of this read still counts. */
static bool pipelining_allowed(struct srv_conn *conn)
{
    const char *mode = srv_text(conn->srv, NO_PIPELINING);
    if (!*mode || !conn->rest || conn->state == CONN_CLOSED)
        return true;
    srv_count(conn->srv, "pipelining-refused");
    if (strcmp(mode, "hang") == 0)
        conn->state = CONN_DEAF;
    else if (strcmp(mode, "error") == 0)
        srv_stream_error(conn, "policy-violation", "no pipelining");
    else
        srv_parser_drop_rest(conn->parser);
    return false;
}

/* A new parser for a restarted stream; returns whether the rest of this read may be parsed. */
static bool restart(struct srv_conn *conn, const char *rest, size_t len)
{
    srv_parser_free(conn->parser);
    conn->parser = srv_parser_new((size_t)srv_number(conn->srv, MAX_BYTES));
    conn->said_header = false;
    /* All servers seen feed a pipelined header to the old parser, which refuses a declaration. */
    if (len >= 5 && memcmp(rest, "<?xml", 5) == 0) {
        conn->said_header = true;
        srv_stream_error(conn, "not-well-formed", NULL);
        return false;
    }
    return true;
}

static void keep_tls_rest(struct srv_conn *conn, const char *rest)
{
    if (conn->rest && srv_on(conn->srv, PIPELINING)) {
        srv_buf_add(&conn->tls_rest, rest, conn->rest);
    } else if (conn->rest) {
        conn->wants_tls = false;
        srv_stream_error(conn, "not-well-formed", NULL);
    }
}

/* Handles one event. Returns whether there is more to do with the bytes at hand. */
static bool handle(struct srv_conn *conn, enum srv_parse event)
{
    if (event == SRV_PARSE_HEADER) {
        struct srv_xml *header = srv_parser_take(conn->parser);
        srv_stream_header(conn, header);
        srv_xml_free(header);
        if (!pipelining_allowed(conn))
            return false;
    } else if (event == SRV_PARSE_ELEMENT) {
        srv_stream_element(conn, srv_parser_take(conn->parser));
    } else if (event == SRV_PARSE_END) {
        srv_stream_end(conn);
    } else {
        parse_error(conn, event);
    }
    return conn->state != CONN_CLOSED && conn->state != CONN_DEAF;
}

static void feed(struct srv_conn *conn, const char *data, size_t len)
{
    enum srv_parse event = srv_parser_feed(conn->parser, data, len);
    while (event != SRV_PARSE_MORE) {
        bool resumable = event == SRV_PARSE_HEADER || event == SRV_PARSE_ELEMENT;
        conn->rest = resumable ? srv_parser_rest(conn->parser) : 0;
        if (!handle(conn, event))
            return;
        const char *rest = data + len - conn->rest;
        if (conn->wants_tls) {
            keep_tls_rest(conn, rest);
            return;
        }
        bool lost = conn->lose_rest;
        conn->lose_rest = false;
        if (conn->state == CONN_HEADER) {
            size_t left = lost ? 0 : conn->rest;
            if (!restart(conn, rest, left) || left == 0)
                return;
            data = rest;
            len = left;
            event = srv_parser_feed(conn->parser, data, len);
        } else if (lost) {
            srv_parser_drop_rest(conn->parser);
            return;
        } else {
            event = srv_parser_next(conn->parser);
        }
    }
}

void srv_conn_feed(struct srv_conn *conn, const char *data, size_t len, int64_t now_us)
{
    struct srv *srv = conn->srv;
    srv->now_us = now_us;
    if (len == 0)
        return;
    conn->reads++;
    conn->bytes_in += (long)len;
    if (srv->log)
        srv->log(srv->log_user, conn->number, 'C', data, len);
    if (conn->state == CONN_CLOSED || conn->state == CONN_DEAF || conn->wants_tls)
        return;
    if (conn->late_read && conn->reads >= conn->late_read)
        srv_stream_error(conn, "unsupported-stanza-type", NULL);
    else
        feed(conn, data, len);
    for (struct srv_session *at = srv->sessions; at; at = at->next)
        srv_sm_request(at);
    srv_sweep(srv);
}

size_t srv_conn_record_bytes(const struct srv_conn *conn)
{
    long n = srv_number(conn->srv, RECORD);
    return n > 0 ? (size_t)n : 0;
}
