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
    slot *firing;
    unsigned waiting; /* slots that libstrophe holds */
    bool dead;
};

/* libstrophe takes handlers back by their function, those of everybody in the context: so each slot has its own, and this
 * is who else is there. */
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

static int fire(slot *s);

#define FIRE(i)                                        \
    static int fire_##i(xmpp_ctx_t *ctx, void *user)   \
    {                                                  \
        (void)ctx;                                     \
        return fire(user);                             \
    }
FIRE(0)
FIRE(1)
FIRE(2)
FIRE(3)
FIRE(4)
FIRE(5)
FIRE(6)
FIRE(7)
static const xmpp_global_timed_handler fires[S_COUNT] = { fire_0, fire_1, fire_2, fire_3, fire_4, fire_5, fire_6, fire_7 };

static void slot_start(ep_ticks *t, int i, unsigned long period)
{
    slot *s = &t->slots[i];
    if (s->on || t->dead)
        return;
    s->ticks = t;
    s->on = true;
    t->waiting++;
    xmpp_global_timed_handler_add(t->ctx, fires[i], period, s);
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

static int fire(slot *s)
{
    ep_ticks *t = s->ticks;
    t->firing = s;
    if (!t->dead) {
        unsigned long ms = t->tick(t->user);
        if (ms && !t->dead)
            steady(t, ms, s);
    }
    t->firing = NULL;
    s->on = false;
    t->waiting--;
    if (t->dead && !t->waiting)
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

/* The slot that is being fired in this context, of whomever: its handler cannot be taken back before it has returned. */
static int firing_in(const xmpp_ctx_t *ctx)
{
    int at = -1;
    lock();
    EP_LIST_EACH(node, &all) {
        const ep_ticks *t = EP_LIST_OF(node, ep_ticks, node);
        if (t->ctx == ctx && t->firing)
            at = (int)(t->firing - t->slots);
    }
    unlock();
    return at;
}

/* Those of others are taken back as well, and start again. */
static void take_back(xmpp_ctx_t *ctx, int i)
{
    xmpp_global_timed_handler_delete(ctx, fires[i]);
    lock();
    EP_LIST_EACH(node, &all) {
        ep_ticks *t = EP_LIST_OF(node, ep_ticks, node);
        if (t->ctx != ctx || !t->slots[i].on)
            continue;
        t->slots[i].on = false;
        t->waiting--;
        ep_ticks_soon(t);
    }
    unlock();
}

void ep_ticks_free(ep_ticks *t)
{
    if (!t || t->dead)
        return;
    t->dead = true;
    int firing = firing_in(t->ctx);
    for (int i = 0; i < S_COUNT; i++)
        if (t->slots[i].on && i != firing)
            take_back(t->ctx, i);
    if (!t->waiting)
        forget(t);
}
