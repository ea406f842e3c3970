/* loop.c: watches, timers and jobs over the poller. */
#include "loop/loop.h"

#include <time.h>

#include "base/alloc.h"
#include "loop/poller.h"

struct ep_loop {
    ep_poller *poller;
    ep_timers timers;
    ep_list deferred, next; /* ep_job */
    ep_wake *wake;
    ep_watch wake_watch;
    void (*on_wake)(void *user);
    void *wake_user;
    int64_t now_us;
    uint64_t turn;
    unsigned depth; /* of enter and dispatch */
    bool again;
    ep_ready ready[EP_READY_MAX]; /* of the dispatch that runs */
    int ready_n;
};

static void wake_ready(ep_watch *watch, unsigned events, void *user)
{
    ep_loop *loop = user;
    (void)watch;
    (void)events;
    ep_wake_heard(loop->wake);
    if (loop->on_wake)
        loop->on_wake(loop->wake_user);
}

epode_status ep_loop_new(ep_loop **out)
{
    *out = NULL;
    ep_loop *loop = ep_calloc(1, sizeof *loop);
    if (!loop)
        return EPODE_ENOMEM;
    ep_timers_init(&loop->timers);
    ep_list_init(&loop->deferred);
    ep_list_init(&loop->next);
    loop->wake_watch = (ep_watch){ .ready = wake_ready, .user = loop };
    epode_status status = ep_poller_new(&loop->poller);
    if (status == EPODE_OK)
        status = ep_wake_new(&loop->wake);
    if (status == EPODE_OK)
        status = ep_loop_watch(loop, &loop->wake_watch, ep_wake_fd(loop->wake), EP_READ);
    if (status != EPODE_OK) {
        ep_loop_free(loop);
        return status;
    }
    ep_loop_refresh(loop);
    *out = loop;
    return EPODE_OK;
}

static void forget_all(ep_list *list)
{
    while (!ep_list_empty(list))
        ep_list_unlink(list->next);
}

/* Jobs queued to the same list meanwhile wait for the next time. */
static int run_jobs(ep_list *list)
{
    ep_list now;
    int n = 0;
    if (ep_list_empty(list))
        return 0;
    now = *list;
    now.next->prev = now.prev->next = &now;
    ep_list_init(list);
    while (!ep_list_empty(&now)) {
        ep_job *job = EP_LIST_OF(now.next, ep_job, node);
        ep_list_unlink(&job->node);
        n++;
        job->run(job, job->user);
    }
    return n;
}

void ep_loop_free(ep_loop *loop)
{
    if (!loop)
        return;
    forget_all(&loop->timers.list);
    while (run_jobs(&loop->deferred))
        ;
    forget_all(&loop->next);
    ep_loop_unwatch(loop, &loop->wake_watch);
    ep_wake_unref(loop->wake);
    ep_poller_free(loop->poller);
    ep_free(loop);
}

int ep_loop_fd(const ep_loop *loop)
{
    return ep_poller_fd(loop->poller);
}

int64_t ep_loop_now_us(const ep_loop *loop)
{
    return loop->now_us;
}

int64_t ep_loop_refresh(ep_loop *loop)
{
    return loop->now_us = ep_poller_now_us();
}

int ep_loop_wall_offset_min(int64_t wall_ms)
{
    time_t at = (time_t)(wall_ms / 1000);
    struct tm local;
    return localtime_r(&at, &local) ? (int)(local.tm_gmtoff / 60) : 0;
}

int64_t ep_loop_wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

epode_status ep_loop_watch(ep_loop *loop, ep_watch *watch, int fd, unsigned events)
{
    epode_status status = ep_poller_add(loop->poller, fd, events, watch);
    if (status == EPODE_OK) {
        watch->fd = fd;
        watch->events = events;
        watch->on = true;
    }
    return status;
}

epode_status ep_loop_rewatch(ep_loop *loop, ep_watch *watch, unsigned events)
{
    if (!watch->on)
        return EPODE_EINVAL;
    if (watch->events == events)
        return EPODE_OK;
    epode_status status = ep_poller_change(loop->poller, watch->fd, events, watch);
    if (status == EPODE_OK)
        watch->events = events;
    return status;
}

void ep_loop_unwatch(ep_loop *loop, ep_watch *watch)
{
    if (!watch->on)
        return;
    ep_poller_remove(loop->poller, watch->fd);
    watch->on = false;
    for (int i = 0; i < loop->ready_n; i++)
        if (loop->ready[i].key == watch)
            loop->ready[i].key = NULL;
}

ep_timers *ep_loop_timers(ep_loop *loop)
{
    return &loop->timers;
}

bool ep_job_is_queued(const ep_job *job)
{
    return job->node.next && !ep_list_empty(&job->node);
}

void ep_job_cancel(ep_job *job)
{
    if (ep_job_is_queued(job))
        ep_list_unlink(&job->node);
}

void ep_loop_defer(ep_loop *loop, ep_job *job)
{
    if (ep_job_is_queued(job))
        return;
    ep_list_push_back(&loop->deferred, &job->node);
    if (!loop->depth)
        ep_loop_again(loop);
}

void ep_loop_next(ep_loop *loop, ep_job *job)
{
    if (ep_job_is_queued(job))
        return;
    ep_list_push_back(&loop->next, &job->node);
    ep_loop_again(loop);
}

void ep_loop_again(ep_loop *loop)
{
    loop->again = true;
    if (!loop->depth)
        ep_poller_arm(loop->poller, 0);
}

/* What is deferred by a deferred job still belongs to this dispatch, but not without end. */
static int settle(ep_loop *loop)
{
    int n = 0;
    for (int round = 0; round < 8 && !ep_list_empty(&loop->deferred); round++)
        n += run_jobs(&loop->deferred);
    if (!ep_list_empty(&loop->deferred) || !ep_list_empty(&loop->next))
        loop->again = true;
    ep_poller_arm(loop->poller, loop->again ? 0 : ep_timers_next(&loop->timers));
    return n;
}

int ep_loop_dispatch(ep_loop *loop)
{
    int n = 0;
    if (loop->depth)
        return 0;
    loop->depth = 1;
    loop->turn++;
    loop->again = false;
    loop->ready_n = ep_poller_take(loop->poller, loop->ready);
    ep_loop_refresh(loop);
    /* What became ready while this one slept comes before the timers: an answer that is here has
     * not timed out. */
    n += run_jobs(&loop->next);
    for (int i = 0; i < loop->ready_n; i++) {
        ep_watch *watch = loop->ready[i].key;
        if (!watch)
            continue;
        n++;
        watch->ready(watch, loop->ready[i].events, watch->user);
    }
    if (loop->ready_n == EP_READY_MAX)
        loop->again = true;
    loop->ready_n = 0;
    n += ep_timers_run(&loop->timers, loop->now_us);
    n += settle(loop);
    loop->depth = 0;
    return n;
}

uint64_t ep_loop_turn(const ep_loop *loop)
{
    return loop->turn;
}

bool ep_loop_wait(ep_loop *loop, int64_t max_us)
{
    ep_loop_enter(loop);
    ep_loop_leave(loop);
    bool ready = ep_poller_wait(loop->poller, max_us);
    ep_loop_refresh(loop);
    return ready;
}

void ep_loop_enter(ep_loop *loop)
{
    if (loop->depth++ == 0)
        ep_loop_refresh(loop);
}

void ep_loop_leave(ep_loop *loop)
{
    if (loop->depth == 1)
        settle(loop);
    loop->depth--;
}

void ep_loop_hold(ep_loop *loop)
{
    ep_loop_enter(loop);
}

void ep_loop_release(ep_loop *loop)
{
    loop->depth--;
}

bool ep_loop_is_inside(const ep_loop *loop)
{
    return loop->depth > 0;
}

ep_wake *ep_loop_wake(ep_loop *loop)
{
    return loop->wake;
}

void ep_loop_on_wake(ep_loop *loop, void (*on_wake)(void *user), void *user)
{
    loop->on_wake = on_wake;
    loop->wake_user = user;
}
