/* world.h: whole clients and the reference server in virtual time. Everything is real (stores, the race of addresses, TLS on
 * both sides) but four things: the poller with its clock, sockets, DNS, and the calendar. A minute of silence costs nothing. */
#ifndef EP_TEST_WORLD_H
#define EP_TEST_WORLD_H

#include "check.h"

#include "epode/epode.h"
#include "server.h"

#define WORLD_CLIENTS 2
#define SECONDS       INT64_C(1000000)
#define MINUTES       (60 * SECONDS)
#define HOURS         (60 * MINUTES)

typedef enum world_manner {
    HOST_SERVES = 0,
    HOST_REFUSES,    /* RST to the SYN */
    HOST_BLACK_HOLE, /* nothing comes back at all */
    HOST_SILENT,     /* TCP, and then not a byte */
    HOST_PORTAL,     /* HTTP, whatever was said */
    HOST_RESETS      /* TCP, and RST to the first bytes */
} world_manner;

typedef struct world_host {
    const char *address; /* IPv4 or IPv6 */
    world_manner manner;
    int64_t rtt_us;      /* 0: the world's */
} world_host;

typedef struct world_srv {
    const char *target; /* NULL: none */
    bool direct;
    unsigned priority;
} world_srv;

typedef struct world_name {
    const char *name, *addresses; /* separated by blanks */
} world_name;

typedef struct world_client {
    epode_client *client;
    unsigned ready, offline, stopped, messages, fetched, synced;
    bool fetched_all;
    epode_status why; /* of the last state that had one */
    char condition[48];
    void *poller;
} world_client;

/* All zero is: one server at 192.0.2.1 on 5223 by SRV, 50 ms away, and one client that has not started. */
typedef struct world {
    int64_t now_us, began_us, skew_ms;
    int64_t rtt_us;
    world_host hosts[8];
    world_srv srv[6];
    world_name names[8];
    bool dns_fails, no_network;
    int64_t dns_us;
    struct srv *server;
    world_client clients[WORLD_CLIENTS];
    char dir[64];
    /* what was counted */
    unsigned connects;   /* SYNs */
    unsigned wakeups;    /* how often a client had to do something */
    uint64_t questions;  /* DNS */
} world;

int world_setup(void **state); /* once, for all worlds of a program */
int world_teardown(void **state);
void world_begin(world *w);
void world_end(world *w);
/* Makes the i-th client, with a store of its own, and starts it; tune may change its options. */
world_client *world_start(world *w, int i, void (*tune)(epode_options *o));
void world_run(world *w, int64_t for_us);
/* Until the condition holds; false: it did not within that time. */
bool world_until(world *w, int64_t for_us, const unsigned *counter, unsigned at_least);
void world_say(world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What the link does to every connection that stands: nothing gets through any more, and nobody is told. */
void world_sever(world *w);
/* The server notices that such a connection is dead; its session waits for the client from then on. */
void world_server_gives_up(world *w);
/* Every connection ends with RST. */
void world_reset(world *w);
void world_host_is(world *w, const char *address, world_manner manner);
unsigned world_count(world *w, int i, const char *body); /* in the client's store, of the account */
unsigned world_count_in(world *w, int i, const char *archive, const char *body); /* or of a room */

#endif
