/* poller.h: what a platform gives to the loop. One backend is compiled; epoll.c is Linux's. */
#ifndef EP_POLLER_H
#define EP_POLLER_H

#include "loop/loop.h"

typedef struct ep_poller ep_poller;

typedef struct ep_ready {
    void *key; /* NULL: forgotten meanwhile */
    unsigned events;
} ep_ready;

enum { EP_READY_MAX = 32 };

epode_status ep_poller_new(ep_poller **out);
void ep_poller_free(ep_poller *poller);
/* Pollable: readable when a descriptor in it is ready or the armed time has come. */
int ep_poller_fd(const ep_poller *poller);
epode_status ep_poller_add(ep_poller *poller, int fd, unsigned events, void *key);
epode_status ep_poller_change(ep_poller *poller, int fd, unsigned events, void *key);
void ep_poller_remove(ep_poller *poller, int fd);
/* Makes the descriptor readable at due_us and until armed anew; EP_NEVER disarms, 0 is at once. */
void ep_poller_arm(ep_poller *poller, int64_t due_us);
/* What is ready now, without waiting. */
int ep_poller_take(ep_poller *poller, ep_ready ready[EP_READY_MAX]);
/* Waits for the descriptor; negative: no limit. False: time out. */
bool ep_poller_wait(ep_poller *poller, int64_t max_us);
/* A clock that goes on in sleep. */
int64_t ep_poller_now_us(void);

#endif
