/* ticks.c: global timed handlers, each for one time. */
#include "strophe/ticks.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "base/list.h"

enum { S_NOW, S_FIRST, S_LAST = S_FIRST + 3, S_STEADY, S_COUNT = S_STEADY + 3 };

static const unsigned long periods[S_STEADY] = { 0, 1, 4, 16, 64 };

typedef struct slot {
    ep_ticks *ticks;
    bool on;
} slot;

struct ep_ticks {
    ep_list node;
    xmpp_ctx_t *ctx;
    ep_tick_fn *tick;
    void *user;
    slot slots[S_COUNT];
    unsigned firing;
    unsigned waiting; /* slots that libstrophe holds */
    bool dead;
};

/* libstrophe can take a handler back by its function only, for all who use it. */
static ep_list all;
static bool all_made;
static atomic_flag all_locked = ATOMIC_FLAG_INIT;

static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&all_locked, memory_order_acquire))
        ;
    if (!all_made)
        ep_list_init(&all);
    all_made = true;
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&all_locked, memory_order_release);
}

static int fire(xmpp_ctx_t *ctx, void *user);

static void slot_start(ep_ticks *t, int i, unsigned long period)
{
    slot *s = &t->slots[i];
    if (s->on || t->dead)
        return;
    s->ticks = t;
    s->on = true;
    t->waiting++;
    xmpp_global_timed_handler_add(t->ctx, fire, period, s);
}

void ep_ticks_soon(ep_ticks *t)
{
    for (int i = S_NOW; i <= S_LAST; i++)
        slot_start(t, i, periods[i]);
}

/* One more than stands already, so that the next one to fire leaves one behind that shortens select(). The one that is
 * fired cannot be added again before it has returned. */
static void steady(ep_ticks *t, unsigned long ms, const slot *fired)
{
    int on = 0;
    for (int i = S_STEADY; i < S_COUNT; i++)
        on += t->slots[i].on && &t->slots[i] != fired;
    for (int i = S_STEADY; i < S_COUNT && on < 2; i++)
        if (!t->slots[i].on && &t->slots[i] != fired)
            slot_start(t, i, ms * (unsigned long)++on);
}

static void forget(ep_ticks *t)
{
    lock();
    ep_list_unlink(&t->node);
    unlock();
    ep_free(t);
}

static int fire(xmpp_ctx_t *ctx, void *user)
{
    slot *s = user;
    ep_ticks *t = s->ticks;
    (void)ctx;
    t->firing++;
    if (!t->dead) {
        unsigned long ms = t->tick(t->user);
        if (ms && !t->dead)
            steady(t, ms, s);
    }
    t->firing--;
    s->on = false;
    t->waiting--;
    if (t->dead && !t->firing && !t->waiting)
        forget(t);
    return 0;
}

ep_ticks *ep_ticks_new(xmpp_ctx_t *ctx, ep_tick_fn *tick, void *user)
{
    ep_ticks *t = ep_calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->ctx = ctx;
    t->tick = tick;
    t->user = user;
    lock();
    ep_list_push_back(&all, &t->node);
    unlock();
    return t;
}

/* Of those in the same context, which has one thread: whether one is being fired. */
static bool is_firing(const xmpp_ctx_t *ctx)
{
    bool firing = false;
    lock();
    for (ep_list *at = all.next; at != &all; at = at->next) {
        const ep_ticks *t = EP_LIST_OF(at, ep_ticks, node);
        firing = firing || (t->ctx == ctx && t->firing);
    }
    unlock();
    return firing;
}

/* Those of others in this context were taken back, too. */
static void start_again(const xmpp_ctx_t *ctx, const ep_ticks *but)
{
    lock();
    EP_LIST_EACH_SAFE(at, &all) {
        ep_ticks *t = EP_LIST_OF(at, ep_ticks, node);
        if (t->ctx != ctx || t == but)
            continue;
        for (int i = 0; i < S_COUNT; i++)
            t->slots[i].on = false;
        t->waiting = 0;
        if (t->dead) {
            ep_list_unlink(&t->node);
            ep_free(t);
        } else {
            ep_ticks_soon(t);
        }
    }
    unlock();
}

void ep_ticks_free(ep_ticks *t)
{
    if (!t || t->dead)
        return;
    t->dead = true;
    if (t->firing)
        return;
    /* Within the firing of another one the handlers that stand run out by themselves. */
    if (t->waiting && is_firing(t->ctx))
        return;
    if (t->waiting) {
        xmpp_global_timed_handler_delete(t->ctx, fire);
        t->waiting = 0;
        start_again(t->ctx, t);
    }
    forget(t);
}
