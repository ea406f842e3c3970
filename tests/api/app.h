/* app.h: a small application: a client, what it was told, and a loop that polls its descriptor. */
#ifndef EP_API_APP_H
#define EP_API_APP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <epode/epode.h>

#include "check.h"
#include "server.h"

#define APP_STATES 512

typedef struct app {
    server *server;
    epode_client *client; /* NULL: freed */
    bool pull;            /* events are taken with epode_client_next_event() */
    void (*on)(struct app *a, const epode_event *event); /* beside the record; NULL: nothing more */
    void *more;           /* for on */
    void (*turn)(struct app *a, int64_t left_ms); /* one turn of a loop that is not the descriptor's; NULL: that */
    /* the record */
    epode_state states[APP_STATES];
    epode_status why[APP_STATES];
    size_t state_count;
    unsigned ready, offline, stopped, stanzas, unread;
    unsigned messages, own, changed;     /* rows that are new: of others, ours; rows that changed or moved */
    unsigned sent, acknowledged, failed; /* deliveries */
    unsigned synced, sync_errors, fetched;
    bool fetched_all;
    size_t fetched_messages;
    unsigned bookmarks; /* how often they were the server's */
    unsigned rosters, roster_errors, contacts_changed, presences, block_lists;
    unsigned destroyed, events; /* how often user was given back; events in all */
    bool late;                  /* an event came after the client was freed */
    uint64_t last_row;          /* of the last new message */
    uint64_t last_delivery_row;
    char last_id[64];           /* of the last delivery */
    epode_status last_error; /* of the last state that had one */
    bool last_final;
    char last_condition[48], last_text[200];
} app;

/* The options of alice's client on the server's direct TLS port; store: a name in the server's directory, NULL: in
 * memory. */
epode_options app_options(app *a, server *s, const char *store);
/* Makes the client; zeroes the record. Fails the test if it cannot be made. */
void app_open(app *a, const epode_options *options);
/* The two in one, and started. */
void app_start(app *a, server *s, const char *store);
/* Frees the client if it is still there, and checks that the user pointer was given back once. */
void app_close(app *a);

/* What a test notes in one line; the test fails where that gets too long. */
#define APP_NOTES 8192
void app_append(char *out, size_t room, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

int64_t app_now_ms(void);
/* Waits on the descriptor, at most until end_ms, and processes. False: the time is over. */
bool app_turn(app *a, int64_t end_ms);
/* Turns until the condition holds; the test fails if that takes longer. */
#define app_until(a, ms, condition)                                                                \
    do {                                                                                           \
        int64_t end_ms_ = app_now_ms() + (ms);                                                     \
        while (!(condition))                                                                       \
            if (!app_turn(a, end_ms_))                                                             \
                fail_msg("not in time: %s (%s)", #condition, (a)->last_text); \
    } while (0)
/* Goes on for the whole time. */
void app_for(app *a, int64_t ms);
/* Waits until the client is ready, and the server has its presence: from then on messages are handed over. */
void app_online(app *a);
/* Waits until the archive is held up to its end. */
void app_synced(app *a);
/* The same, everything else that a first session asks was answered, and nothing more is said on either side. */
void app_settled(app *a);
/* Sends text; row may be NULL. */
epode_status app_send(app *a, const char *to, const char *body, uint64_t *row);
/* A message as it is shown, looked up by its row. The strings are the caller's array. */
typedef struct app_row {
    bool found, outgoing, edited, retracted;
    epode_delivery state;
    char body[2048], id[64], reason[48], peer[64], archive_id[64], reply_id[64];
    char reactions[256]; /* "author:emoji;" of each */
    bool has_xml;
} app_row;
app_row app_row_of(epode_client *client, uint64_t row);
/* How many messages with exactly this body are in the client's store. */
unsigned app_count(app *a, const char *body);
/* Stops and waits for EPODE_STOPPED. */
void app_stop(app *a, int how);
/* Whether the descriptor says that there is something to do. */
bool app_is_due(const app *a, int wait_ms);

#endif
