/* loop.h: one pollable descriptor behind which sockets, timers, wake-ups and unfinished work stand.
 * Time is CLOCK_BOOTTIME in microseconds: it goes on in sleep and never jumps. One thread at a time
 * owns a loop; only ep_wake_ring may be called from others. */
#ifndef EP_LOOP_H
#define EP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"
#include "base/timers.h"
#include "loop/wake.h"

typedef struct ep_loop ep_loop;

epode_status ep_loop_new(ep_loop **out);
/* Not from inside a dispatch. Deferred jobs still run (they free things); watches, timers and other
 * jobs that are left are forgotten. An ep_wake that somebody holds stays usable and rings nobody.
 * NULL is fine. */
void ep_loop_free(ep_loop *loop);

/* Readable whenever ep_loop_dispatch has something to do; the same for the loop's whole life. */
int ep_loop_fd(const ep_loop *loop);
/* The time as of the last dispatch, wait or enter; ep_loop_refresh reads the clock anew. */
int64_t ep_loop_now_us(const ep_loop *loop);
int64_t ep_loop_refresh(ep_loop *loop);
/* The calendar's time in milliseconds since 1970 (what is written to disk). */
int64_t ep_loop_wall_ms(void);
int ep_loop_wall_offset_min(int64_t wall_ms); /* by how much local time is ahead of UTC then */

/* --- descriptors --------------------------------------------------------------------- */

enum {
    EP_READ = 1,
    EP_WRITE = 2,
    EP_HANGUP = 4 /* error or hang-up; reported always, asked for or not */
};

/* Embedded in its owner, which fills ready and user and leaves the rest to the loop. */
typedef struct ep_watch {
    int fd;
    unsigned events; /* EP_READ | EP_WRITE; 0 watches for EP_HANGUP only */
    void (*ready)(struct ep_watch *watch, unsigned events, void *user);
    void *user;
    bool on;
} ep_watch;

/* EPODE_ENOMEM, or EPODE_EINVAL for what cannot be watched. The descriptor stays the owner's. */
epode_status ep_loop_watch(ep_loop *loop, ep_watch *watch, int fd, unsigned events);
/* No system call when nothing changes. */
epode_status ep_loop_rewatch(ep_loop *loop, ep_watch *watch, unsigned events);
/* Before the descriptor is closed. Allowed in any callback, also for a watch whose own event is
 * still to be told in this dispatch: it is then not told. Fine for one that is not on. */
void ep_loop_unwatch(ep_loop *loop, ep_watch *watch);

/* --- time and work ------------------------------------------------------------------- */

/* Set and stop timers inside a dispatch or between enter and leave: the descriptor learns of the
 * next due time once, at the end. */
ep_timers *ep_loop_timers(ep_loop *loop);

/* A piece of work that runs once. Embedded in its owner; zeroed, then run and user filled. */
typedef struct ep_job {
    ep_list node;
    void (*run)(struct ep_job *job, void *user);
    void *user;
} ep_job;

/* At the end of this dispatch (or of the enter/leave around the call; outside of both, at the next
 * dispatch, for which the descriptor becomes readable). Already queued: nothing happens. */
void ep_loop_defer(ep_loop *loop, ep_job *job);
/* In the next dispatch, for which the descriptor is readable: the rest of work cut short. */
void ep_loop_next(ep_loop *loop, ep_job *job);
void ep_job_cancel(ep_job *job);
bool ep_job_is_queued(const ep_job *job);
/* Makes the descriptor readable until the next dispatch. */
void ep_loop_again(ep_loop *loop);

/* Does what there is to do and returns how many things that were; never blocks. Not re-entrant. */
int ep_loop_dispatch(ep_loop *loop);
/* How many dispatches there were: what is bounded per dispatch counts by it. */
uint64_t ep_loop_turn(const ep_loop *loop);
/* Waits until there is something to do, at most max_us (negative: no limit). False: time out. */
bool ep_loop_wait(ep_loop *loop, int64_t max_us);

/* Around calls from outside of a dispatch that set timers or queue jobs (each entry point of the
 * public API): enter refreshes the clock, the outermost leave runs the deferred jobs and arms the
 * descriptor. They nest, and inside a dispatch they do nothing. */
void ep_loop_enter(ep_loop *loop);
void ep_loop_leave(ep_loop *loop);
bool ep_loop_is_inside(const ep_loop *loop);
/* The same for who dispatches soon anyway: release leaves the deferred jobs to that, and the descriptor alone. */
void ep_loop_hold(ep_loop *loop);
void ep_loop_release(ep_loop *loop);

/* --- wake-ups ------------------------------------------------------------------------ */

/* Borrowed; ep_wake_ref makes it outlive the loop. */
ep_wake *ep_loop_wake(ep_loop *loop);
/* Called in a dispatch after one or more rings. */
void ep_loop_on_wake(ep_loop *loop, void (*on_wake)(void *user), void *user);

#endif
