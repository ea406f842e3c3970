/* epoll.c: the Linux backend: epoll, with a timerfd on CLOCK_BOOTTIME inside. */
#include "loop/poller.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

struct ep_poller {
    int epoll_fd, timer_fd;
    int64_t armed_us; /* what the timerfd stands at */
};

int64_t ep_poller_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static uint32_t to_epoll(unsigned events)
{
    return (events & EP_READ ? EPOLLIN | EPOLLRDHUP : 0u) | (events & EP_WRITE ? EPOLLOUT : 0u);
}

static unsigned from_epoll(uint32_t e)
{
    unsigned events = 0;
    if (e & (EPOLLIN | EPOLLRDHUP))
        events |= EP_READ;
    if (e & EPOLLOUT)
        events |= EP_WRITE;
    if (e & (EPOLLERR | EPOLLHUP))
        events |= EP_HANGUP;
    return events;
}

epode_status ep_poller_new(ep_poller **out)
{
    *out = NULL;
    ep_poller *p = ep_calloc(1, sizeof *p);
    if (!p)
        return EPODE_ENOMEM;
    p->armed_us = EP_NEVER;
    p->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
    if (p->timer_fd < 0 || p->epoll_fd < 0 ||
        epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->timer_fd, &ev) != 0) {
        ep_poller_free(p);
        return EPODE_ENOMEM;
    }
    *out = p;
    return EPODE_OK;
}

void ep_poller_free(ep_poller *p)
{
    if (!p)
        return;
    if (p->timer_fd >= 0)
        close(p->timer_fd);
    if (p->epoll_fd >= 0)
        close(p->epoll_fd);
    ep_free(p);
}

int ep_poller_fd(const ep_poller *p)
{
    return p->epoll_fd;
}

static epode_status control(ep_poller *p, int op, int fd, unsigned events, void *key)
{
    struct epoll_event ev = { .events = to_epoll(events), .data.ptr = key };
    if (epoll_ctl(p->epoll_fd, op, fd, &ev) == 0)
        return EPODE_OK;
    return errno == ENOMEM || errno == ENOSPC ? EPODE_ENOMEM : EPODE_EINVAL;
}

epode_status ep_poller_add(ep_poller *p, int fd, unsigned events, void *key)
{
    return control(p, EPOLL_CTL_ADD, fd, events, key);
}

epode_status ep_poller_change(ep_poller *p, int fd, unsigned events, void *key)
{
    return control(p, EPOLL_CTL_MOD, fd, events, key);
}

void ep_poller_remove(ep_poller *p, int fd)
{
    epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

void ep_poller_arm(ep_poller *p, int64_t due_us)
{
    if (due_us == p->armed_us)
        return;
    struct itimerspec t = { 0 };
    if (due_us != EP_NEVER) {
        t.it_value.tv_sec = due_us / 1000000;
        t.it_value.tv_nsec = due_us % 1000000 * 1000;
        if (due_us <= 0) { /* all zero would disarm */
            t.it_value.tv_sec = 0;
            t.it_value.tv_nsec = 1;
        }
    }
    /* This also forgets an expiry that was not read: what has fired needs no read(). */
    if (timerfd_settime(p->timer_fd, TFD_TIMER_ABSTIME, &t, NULL) == 0)
        p->armed_us = due_us;
}

int ep_poller_take(ep_poller *p, ep_ready ready[EP_READY_MAX])
{
    struct epoll_event ev[EP_READY_MAX];
    int n = epoll_wait(p->epoll_fd, ev, EP_READY_MAX, 0), kept = 0;
    for (int i = 0; i < n; i++) {
        if (!ev[i].data.ptr) { /* the timer: its time has come, and the next arming counts */
            p->armed_us = -1;
            continue;
        }
        ready[kept].key = ev[i].data.ptr;
        ready[kept++].events = from_epoll(ev[i].events);
    }
    return kept;
}

bool ep_poller_wait(ep_poller *p, int64_t max_us)
{
    struct pollfd pfd = { .fd = p->epoll_fd, .events = POLLIN };
    struct timespec t = { max_us / 1000000, max_us % 1000000 * 1000 };
    return ppoll(&pfd, 1, max_us < 0 ? NULL : &t, NULL) > 0;
}
