/* waker.c: jobs from other threads. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "client/internal.h"

typedef struct waker_job {
    struct waker_job *next;
    void (*fn)(epode_client *client, void *arg);
    void (*drop)(void *arg);
    void *arg;
} waker_job;

struct epode_waker {
    atomic_uint refs;
    pthread_mutex_t lock;
    bool gone; /* the client is */
    waker_job *first, **last;
    ep_wake *wake;
};

static void waker_unref(epode_waker *w)
{
    if (atomic_fetch_sub(&w->refs, 1) != 1)
        return;
    ep_wake_unref(w->wake);
    pthread_mutex_destroy(&w->lock);
    ep_free(w);
}

epode_waker *epode_client_waker(epode_client *c)
{
    if (c->freed)
        return NULL;
    if (!c->waker) {
        epode_waker *w = ep_calloc(1, sizeof *w);
        if (!w || pthread_mutex_init(&w->lock, NULL)) {
            ep_free(w);
            return NULL;
        }
        atomic_init(&w->refs, 1);
        w->last = &w->first;
        w->wake = ep_wake_ref(ep_loop_wake(c->loop));
        c->waker = w;
    }
    atomic_fetch_add(&c->waker->refs, 1);
    return c->waker;
}

epode_status epode_waker_post(epode_waker *w, void (*fn)(epode_client *client, void *arg), void *arg,
                              void (*drop)(void *arg))
{
    waker_job *job = ep_calloc(1, sizeof *job);
    epode_status st = job ? EPODE_OK : EPODE_ENOMEM;
    if (job) {
        *job = (waker_job){ NULL, fn, drop, arg };
        pthread_mutex_lock(&w->lock);
        if (w->gone) {
            st = EPODE_ESTATE;
        } else {
            *w->last = job;
            w->last = &job->next;
        }
        pthread_mutex_unlock(&w->lock);
    }
    if (st) {
        ep_free(job);
        if (drop)
            drop(arg);
        return st;
    }
    ep_wake_ring(w->wake);
    return EPODE_OK;
}

void epode_waker_free(epode_waker *w)
{
    if (w)
        waker_unref(w);
}

static waker_job *waker_take(epode_waker *w, bool last)
{
    pthread_mutex_lock(&w->lock);
    waker_job *jobs = w->first;
    w->first = NULL;
    w->last = &w->first;
    w->gone = w->gone || last;
    pthread_mutex_unlock(&w->lock);
    return jobs;
}

static void waker_drop(waker_job *jobs)
{
    while (jobs) {
        waker_job *next = jobs->next;
        if (jobs->drop)
            jobs->drop(jobs->arg);
        ep_free(jobs);
        jobs = next;
    }
}

void ep_client_run_jobs(epode_client *c)
{
    waker_job *job = c->waker ? waker_take(c->waker, false) : NULL;
    while (job && !c->freed) {
        waker_job *next = job->next;
        job->fn(c, job->arg);
        ep_free(job);
        job = next;
    }
    waker_drop(job);
}

void ep_client_waker_close(epode_client *c)
{
    if (!c->waker)
        return;
    waker_drop(waker_take(c->waker, true));
    waker_unref(c->waker);
    c->waker = NULL;
}
