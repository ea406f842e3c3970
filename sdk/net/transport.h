/* transport.h: what carries a stream once it is up: TCP and TLS of our own (net.h), or somebody else's connection. The
 * smallest face that both have; what a transport tells its owner is ep_net_events. */
#ifndef EP_TRANSPORT_H
#define EP_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epode/error.h"

struct ep_net_info;
typedef struct ep_transport ep_transport;

/* As the functions of net.h with the same names. */
typedef struct ep_transport_ops {
    void (*free)(ep_transport *t);
    epode_status (*write)(ep_transport *t, const void *data, size_t n);
    void (*flush)(ep_transport *t);
    void (*pause)(ep_transport *t, bool paused);
    void (*hurry)(ep_transport *t, bool hurry);
    void (*close)(ep_transport *t, bool orderly);
    const struct ep_net_info *(*info)(const ep_transport *t);
    epode_status (*channel_binding)(const ep_transport *t, const char *type, uint8_t *out, size_t cap, size_t *n);
} ep_transport_ops;

/* The first member of what implements it. */
struct ep_transport {
    const ep_transport_ops *ops;
};

static inline void ep_transport_free(ep_transport *t) /* NULL is fine */
{
    if (t)
        t->ops->free(t);
}

static inline epode_status ep_transport_write(ep_transport *t, const void *data, size_t n)
{
    return t->ops->write(t, data, n);
}

static inline void ep_transport_flush(ep_transport *t)
{
    t->ops->flush(t);
}

static inline void ep_transport_pause(ep_transport *t, bool paused)
{
    t->ops->pause(t, paused);
}

static inline void ep_transport_hurry(ep_transport *t, bool hurry)
{
    t->ops->hurry(t, hurry);
}

static inline void ep_transport_close(ep_transport *t, bool orderly)
{
    t->ops->close(t, orderly);
}

static inline const struct ep_net_info *ep_transport_info(const ep_transport *t)
{
    return t->ops->info(t);
}

static inline epode_status ep_transport_channel_binding(const ep_transport *t, const char *type, uint8_t *out, size_t cap,
                                                        size_t *n)
{
    return t->ops->channel_binding(t, type, out, cap, n);
}

#endif
