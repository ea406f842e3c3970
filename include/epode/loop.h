/* epode/loop.h: one descriptor, one call. */
#ifndef EPODE_LOOP_H
#define EPODE_LOOP_H

#include "epode/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Becomes readable when process() has something to do: sockets, timers, wake-ups, unfinished work. The same
 * for the client's whole life; the client's, not to be closed or read. */
EPODE_API int epode_client_fd(const epode_client *client);

/* Does what is due and returns; never waits for the network or another process. EPODE_OK: something was
 * done. EPODE_AGAIN: nothing was due. EPODE_ESTATE: called from within a callback. After
 * epode_client_free() in a callback the client is gone when this returns (EPODE_DONE). */
EPODE_API epode_status epode_client_process(epode_client *client);

/* The loop for those who have none: waits and processes until the client is stopped (EPODE_OK), freed in a
 * callback (EPODE_DONE) or max_ms have passed (EPODE_ETIMEOUT; negative: no limit). */
EPODE_API epode_status epode_client_run(epode_client *client, int64_t max_ms);

/* In place of on_event: the oldest event that was not taken. EPODE_AGAIN: none. When 256 of them wait, the
 * client stops reading from the server until they are taken. Borrowed until the next call. To be called behind
 * process(), until there is none: what comes of other calls makes the descriptor readable too. */
EPODE_API epode_status epode_client_next_event(epode_client *client, const epode_event **event);

/* The only way in from other threads. Counted; outlives the client. NULL: no memory. */
typedef struct epode_waker epode_waker;
EPODE_API epode_waker *epode_client_waker(epode_client *client);
/* Any thread. fn runs once on the owner's thread, in process(); if the client is gone before that, or when it
 * fails, drop(arg) is called instead (drop may be NULL). EPODE_ESTATE: the client is gone; EPODE_ENOMEM. */
EPODE_API epode_status epode_waker_post(epode_waker *waker, void (*fn)(epode_client *client, void *arg),
                                        void *arg, void (*drop)(void *arg));
EPODE_API void epode_waker_free(epode_waker *waker);

#ifdef __cplusplus
}
#endif
#endif
