/* event.c: the queue between the client and its application. Events leave it only after the commit of what they
 * tell of. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"

static void event_free(ep_event *ev)
{
    if (!ev)
        return;
    ep_free(ev->xml);
    ep_free(ev->id);
    ep_free(ev->peer);
    ep_free(ev->resource);
    ep_free(ev->from);
    ep_free(ev->nick);
    ep_free(ev->text);
    ep_free(ev->error);
    ep_free(ev);
}

static ep_event *event_pop(epode_client *c)
{
    if (ep_list_empty(&c->events))
        return NULL;
    ep_event *ev = EP_LIST_OF(c->events.next, ep_event, node);
    if (!ev->committed)
        return NULL;
    ep_list_unlink(&ev->node);
    c->event_count--;
    return ev;
}

static void event_push(epode_client *c, ep_event *ev)
{
    ev->e.size = sizeof ev->e;
    ev->e.error = ev->error && ev->error->status ? ev->error : NULL;
    ev->e.xml = ev->xml;
    ev->e.id = ev->id;
    ev->e.peer = ev->peer;
    ev->e.resource = ev->resource;
    ev->e.from = ev->from;
    ev->e.nick = ev->nick;
    ev->e.text = ev->text;
    ep_list_push_back(&c->events, &ev->node);
    c->event_count++;
    /* Who came from libstrophe may not care, and libstrophe reads on. */
    if (!c->on_event && c->event_count > EP_EVENTS_MAX && c->bridge)
        event_free(event_pop(c));
    if (!c->on_event && c->event_count >= EP_EVENTS_MAX && c->net) {
        ep_transport_pause(c->net, true);
        c->urgent = true; /* it is to be told, or nothing goes on */
    }
    ep_client_schedule(c);
}

void ep_client_emit_state(epode_client *c, epode_state state, const ep_error *why)
{
    ep_event *ev = ep_calloc(1, sizeof *ev);
    c->state = state;
    ep_bridge_state(c, state);
    if (why && why->status)
        c->error = *why;
    else
        ep_error_clear(&c->error);
    /* Without memory for the event the state is still there to be asked for. */
    if (!ev)
        return;
    ev->e.type = EPODE_EV_STATE;
    ev->e.state = state;
    /* Without memory for the reason it is still there to be asked for. */
    if (why && (ev->error = ep_calloc(1, sizeof *ev->error)))
        *ev->error = *why;
    event_push(c, ev);
}

static bool event_copy(char **to, const char *from, size_t len)
{
    return !from || (*to = ep_strndup(from, len)) != NULL;
}

void ep_client_emit(epode_client *c, const epode_event *event)
{
    const ep_resource *one = c->resources.for_one;
    const char *resource = event->resource || !one ? event->resource : one->full;
    ep_event *ev = ep_calloc(1, sizeof *ev);
    if (!ev || (event->error && !(ev->error = ep_calloc(1, sizeof *ev->error))) ||
        !event_copy(&ev->xml, event->xml, event->xml_len) ||
        !event_copy(&ev->id, event->id, event->id ? strlen(event->id) : 0) ||
        !event_copy(&ev->peer, event->peer, event->peer ? strlen(event->peer) : 0) ||
        !event_copy(&ev->from, event->from, event->from ? strlen(event->from) : 0) ||
        !event_copy(&ev->nick, event->nick, event->nick ? strlen(event->nick) : 0) ||
        !event_copy(&ev->text, event->text, event->text ? strlen(event->text) : 0) ||
        !event_copy(&ev->resource, resource, resource ? strlen(resource) : 0)) {
        event_free(ev);
        c->emit_failed = true;
        return;
    }
    ev->e = *event;
    if (event->error)
        *ev->error = *event->error;
    event_push(c, ev);
}

void ep_client_events_committed(epode_client *c)
{
    ep_requests_committed(c);
    ep_bridge_committed(c);
    for (ep_list *at = c->events.prev; at != &c->events; at = at->prev) {
        ep_event *ev = EP_LIST_OF(at, ep_event, node);
        if (ev->committed)
            return;
        ev->committed = true;
    }
}

/* The server hands it over again: told now, it would be told twice. States have happened all the same, and presence is
 * in no store. */
void ep_client_events_rolled_back(epode_client *c)
{
    ep_requests_rolled_back(c);
    for (ep_list *at = c->events.prev, *before; at != &c->events; at = before) {
        ep_event *ev = EP_LIST_OF(at, ep_event, node);
        before = at->prev;
        if (ev->committed)
            return;
        if (ev->e.type == EPODE_EV_STATE || ev->e.type == EPODE_EV_PRESENCE)
            continue;
        ep_list_unlink(&ev->node);
        c->event_count--;
        event_free(ev);
    }
}

void ep_client_deliver(epode_client *c)
{
    if (c->delivering)
        return;
    c->delivering = true;
    ep_bridge_tell(c);
    for (ep_event *ev; c->on_event && !c->freed && (ev = event_pop(c)) != NULL;) {
        c->on_event(c, &ev->e, c->user);
        event_free(ev);
    }
    ep_requests_deliver(c);
    c->delivering = false;
}

epode_status epode_client_next_event(epode_client *c, const epode_event **event)
{
    *event = NULL;
    if (c->on_event || c->freed)
        return EPODE_ESTATE;
    event_free(c->taken);
    c->taken = event_pop(c);
    if (!c->taken)
        return EPODE_AGAIN;
    if (c->event_count == EP_EVENTS_MAX / 2 && c->net) {
        ep_loop_enter(c->loop);
        ep_transport_pause(c->net, false);
        ep_loop_leave(c->loop);
    }
    *event = &c->taken->e;
    return EPODE_OK;
}

void ep_client_events_free(epode_client *c)
{
    ep_client_events_committed(c); /* nobody hears of them any more */
    for (ep_event *ev; (ev = event_pop(c)) != NULL;)
        event_free(ev);
    event_free(c->taken);
    c->taken = NULL;
}
