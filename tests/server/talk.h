/* For tests of the core: clients that write their XML by hand and look for text in what comes. */
#ifndef SRV_TALK_H
#define SRV_TALK_H

#include "server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_US INT64_C(1700000000000000)
#define ID_MAX 25 /* an archive's id and its NUL */
#define HEADER(name)                                                                               \
    "<stream:stream to='localhost' from='" name "@localhost' version='1.0' "                       \
    "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
#define LOGIN(name, plain)                                                                         \
    HEADER(name) "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>"      \
    plain "</initial-response><bind xmlns='urn:xmpp:bind:0'/></authenticate>"
/* NUL name NUL "secret" */
#define ALICE LOGIN("alice", "AGFsaWNlAHNlY3JldA==")
#define BOB LOGIN("bob", "AGJvYgBzZWNyZXQ=")

struct talk {
    struct srv *srv;
    struct srv_conn *conn[4];
    int64_t now_us;
    char text[1 << 20]; /* what was heard last */
};

/* What connection `i` has got since the last time; borrowed until the next call. */
static inline const char *talk_hear(struct talk *talk, int i)
{
    size_t len;
    const char *data = srv_conn_output(talk->conn[i], &len);
    assert_true(len < sizeof talk->text);
    if (len)
        memcpy(talk->text, data, len);
    talk->text[len] = '\0';
    srv_conn_consume(talk->conn[i], len);
    return talk->text;
}

static inline const char *talk_say(struct talk *talk, int i, const char *text)
{
    srv_conn_feed(talk->conn[i], text, strlen(text), talk->now_us);
    return talk_hear(talk, i);
}

static inline void talk_control(struct talk *talk, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    char *answer = srv_control(talk->srv, line, talk->now_us);
    if (!strstr(answer, "\"ok\":true"))
        fail_msg("%s", answer);
    free(answer);
}

static inline void talk_open(struct talk *talk, int i)
{
    static const uint8_t binding[32] = "binding";
    struct srv_tls_info info = {.version = "TLSv1.3", .exporter = binding, .exporter_len = 32};
    talk->conn[i] = srv_conn_new(talk->srv, talk->now_us);
    srv_conn_tls_up(talk->conn[i], &info);
}

static inline void talk_login(struct talk *talk, int i, const char *login)
{
    talk_open(talk, i);
    assert_non_null(strstr(talk_say(talk, i, login), "<bound "));
}

static inline struct talk *talk_new(void)
{
    struct talk *talk = calloc(1, sizeof *talk);
    struct srv_options options = {.seed = 7};
    assert_non_null(talk);
    talk->srv = srv_new(&options);
    talk->now_us = START_US;
    assert_int_equal(srv_user_add(talk->srv, "alice", "secret"), 0);
    assert_int_equal(srv_user_add(talk->srv, "bob", "secret"), 0);
    return talk;
}

static inline void talk_free(struct talk *talk)
{
    for (size_t i = 0; i < sizeof talk->conn / sizeof talk->conn[0]; i++)
        srv_conn_free(talk->conn[i], talk->now_us);
    srv_free(talk->srv);
    free(talk);
}

/* The text between `open` and the next `end` behind `at`, or nothing. */
static inline void talk_between(const char *at, const char *open, char end, char *out, size_t size)
{
    const char *start = at ? strstr(at, open) : NULL;
    out[0] = '\0';
    if (!start)
        return;
    start += strlen(open);
    const char *stop = strchr(start, end);
    snprintf(out, size, "%.*s", (int)(stop - start), start);
}

#endif
