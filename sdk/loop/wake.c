/* wake.c: an eventfd with a count of owners. */
#include "loop/wake.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"

struct ep_wake {
    atomic_uint refs;
    atomic_bool rung;
    int fd;
};

epode_status ep_wake_new(ep_wake **out)
{
    ep_wake *w = ep_calloc(1, sizeof *w);
    *out = w;
    if (!w)
        return EPODE_ENOMEM;
    atomic_init(&w->refs, 1);
    atomic_init(&w->rung, false);
    w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->fd < 0) {
        ep_free(w);
        *out = NULL;
        return EPODE_ENOMEM;
    }
    return EPODE_OK;
}

ep_wake *ep_wake_ref(ep_wake *w)
{
    atomic_fetch_add_explicit(&w->refs, 1, memory_order_relaxed);
    return w;
}

void ep_wake_unref(ep_wake *w)
{
    if (!w || atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) != 1)
        return;
    close(w->fd);
    ep_free(w);
}

void ep_wake_ring(ep_wake *w)
{
    const uint64_t one = 1;
    if (atomic_exchange(&w->rung, true))
        return;
    /* It can fail only when the counter is full, and then it is readable already. */
    if (write(w->fd, &one, sizeof one) < 0)
        return;
}

int ep_wake_fd(const ep_wake *w)
{
    return w->fd;
}

void ep_wake_heard(ep_wake *w)
{
    uint64_t n;
    /* Read first: a ring between the two finds "rung" set and writes nothing, but what it announces
     * was posted before and is seen by the listener, who looks only after this returns. */
    ssize_t got = read(w->fd, &n, sizeof n);
    (void)got;
    atomic_store(&w->rung, false);
}
