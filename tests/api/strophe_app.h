/* strophe_app.h: a small application that lives on libstrophe: a context, a connection, handlers, libstrophe's loop; and
 * epode's client on that connection. */
#ifndef EP_API_STROPHE_APP_H
#define EP_API_STROPHE_APP_H

#include <epode/strophe.h>

#include "app.h"

typedef struct strophe_app {
    app a; /* the client's record; app_until() and its kin turn libstrophe's loop */
    xmpp_ctx_t *ctx;
    xmpp_conn_t *conn;
    bool client_trusts;    /* the authorities are given to the client, not to the connection */
    unsigned long loop_ms; /* how long xmpp_run_once() may sleep; 0: 50 */
    void (*on_event)(struct strophe_app *s, xmpp_conn_event_t event); /* beside the record */
    /* the record */
    unsigned connects, disconnects, turns;
    int last_error;
    bool had_stream_error;
    xmpp_error_type_t last_type;
    unsigned bodies, answers, timed; /* what the handlers of strophe_app_handle() got */
    char last_body[32768];
} strophe_app;

/* A context and a connection of 0.12's or 0.14's kind, without anything set. */
void strophe_app_open(strophe_app *s);
/* The client on it, started; options as of app_options(), flags of EPODE_STROPHE_*. */
void strophe_app_connect(strophe_app *s, const epode_options *options, uint32_t flags);
/* The three in one: alice's client on the server's direct TLS port. */
void strophe_app_start(strophe_app *s, server *srv, const char *store, uint32_t flags);
/* epode_strophe_connect() again, on the same connection. */
void strophe_app_again(strophe_app *s);
/* Handlers as any application has them: for messages with a body, answers to the id "mine", and one every 10 ms. */
void strophe_app_handle(strophe_app *s);
void strophe_app_listen(strophe_app *s); /* the first of them alone */
/* The client, then the connection, then the context. */
void strophe_app_close(strophe_app *s);

#endif
