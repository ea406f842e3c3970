/* preface.c: what is said before TLS, for the net layer: STARTTLS. */
#include "client/internal.h"

static void *preface_open(void *user)
{
    return ep_starttls_new(((epode_client *)user)->jid.domain);
}

/* XEP-0305, 5: where the server has said inside TLS that it takes it, the ClientHello does not wait for <proceed/>. */
static bool preface_may_hurry(const epode_client *c)
{
    return !(c->flags & EPODE_NO_FAST_PATH) && !c->no_preface_ahead && c->memory.has_features &&
           c->memory.takes_preface != EP_HABIT_NO && (c->memory.features.bits & EP_F_PIPELINING);
}

static int preface_start(void *p, ep_buf *out, void *user)
{
    epode_client *c = user;
    epode_status st = ep_starttls_begin(p, out);
    if (st || !preface_may_hurry(c))
        return st;
    c->preface_ahead = true;
    if (!ep_timer_is_set(&c->guess_timer))
        ep_timer_set(ep_loop_timers(c->loop), &c->guess_timer, ep_loop_now_us(c->loop) + EP_CLIENT_GUESS_US);
    return EPODE_DONE;
}

static epode_status preface_feed(void *p, const char *data, size_t n, size_t *consumed, ep_buf *out, ep_error *err)
{
    (void)out;
    return ep_starttls_feed(p, data, n, consumed, err);
}

static void preface_free(void *p)
{
    ep_starttls_free(p);
}

const ep_preface ep_client_preface = { preface_open, preface_start, preface_feed, preface_free };
