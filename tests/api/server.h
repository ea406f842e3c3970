/* server.h: the reference server as a child of the test, steered by its control lines. */
#ifndef EP_API_SERVER_H
#define EP_API_SERVER_H

#include <stdio.h>
#include <sys/types.h>

typedef struct server {
    pid_t pid;
    FILE *in, *out; /* its standard input and output */
    char dir[64];   /* its state and the stores of the tests; removed at the end */
    char ca[128];
    int direct, starttls; /* ports */
    char line[16384];     /* its last answer */
} server;

/* Users alice:alice-pw and bob:bob-pw on localhost. More options of the program follow, up to NULL. Fails the test
 * if it does not start. */
void server_start(server *s, ...);
void server_stop(server *s);
/* One control line; the answer as JSON. Fails the test if the server refuses it. */
const char *server_say(server *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A counter of "dump"; 0 if it is absent. */
long server_counter(server *s, const char *name);

#endif
