/* guard.c: one thread, one wait. */
#include "net/guard.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/alloc.h"
#include "net/socket.h"

struct ep_guard {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct timespec until;
    int fd;
    bool over, cut;
};

static void *stand_by(void *user)
{
    ep_guard *g = user;
    pthread_mutex_lock(&g->lock);
    while (!g->over && !g->cut)
        if (pthread_cond_timedwait(&g->ended, &g->lock, &g->until) != 0 && !g->over)
            g->cut = true;
    if (g->cut)
        ep_socket_cut(g->fd);
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

static bool start(ep_guard *g)
{
    sigset_t all, kept;
    /* The application's signals are for its own threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &kept);
    bool started = pthread_create(&g->thread, NULL, stand_by, g) == 0;
    pthread_sigmask(SIG_SETMASK, &kept, NULL);
    return started;
}

static void destroy(ep_guard *g)
{
    pthread_cond_destroy(&g->ended);
    pthread_mutex_destroy(&g->lock);
    ep_free(g);
}

ep_guard *ep_guard_new(int fd, int64_t within_us)
{
    pthread_condattr_t monotonic;
    ep_guard *g = ep_calloc(1, sizeof *g);
    if (!g)
        return NULL;
    within_us = within_us > 0 ? within_us : 0;
    g->fd = fd;
    clock_gettime(CLOCK_MONOTONIC, &g->until);
    g->until.tv_sec += (time_t)(within_us / 1000000);
    g->until.tv_nsec += (long)(within_us % 1000000) * 1000;
    if (g->until.tv_nsec >= 1000000000) {
        g->until.tv_sec++;
        g->until.tv_nsec -= 1000000000;
    }
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (start(g))
        return g;
    destroy(g);
    return NULL;
}

bool ep_guard_end(ep_guard *g)
{
    if (!g)
        return false;
    pthread_mutex_lock(&g->lock);
    g->over = true;
    pthread_cond_signal(&g->ended);
    pthread_mutex_unlock(&g->lock);
    pthread_join(g->thread, NULL);
    bool cut = g->cut;
    destroy(g);
    return cut;
}
