/* resource_bind.c: binding and unbinding resources, also those of before (XEP-0193). */
#include "client/resource.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "xml/writer.h"
#include "xmpp/ns.h"

/* What a request of the application's is about, until it was told. */
typedef struct binding {
    epode_resource_fn *done;
    void *user;
    char *full;  /* to be unbound; or what was bound */
    char *again; /* nobody's request: this one is bound again */
    ep_error error;
} binding;

static void binding_free(binding *b)
{
    ep_free(b->full);
    ep_free(b->again);
    ep_free(b);
}

static void tell(epode_client *c, const epode_iq_answer *answer, void *user)
{
    binding *b = user;
    /* With the client gone nobody has looked at the outcome yet. */
    if (!c && answer->outcome == EPODE_IQ_CANCELLED && !b->error.status)
        ep_fail(&b->error, EPODE_ECANCELLED, 0, "the client was freed");
    epode_resource_result r = { .size = sizeof r, .jid = b->error.status ? NULL : b->full,
                                .error = b->error.status ? &b->error : NULL };
    if (b->done)
        b->done(c, &r, b->user);
    binding_free(b);
}

/* True: it is an answer that says yes. */
static bool granted(binding *b, const ep_reply *reply, const char *what)
{
    if (reply->outcome == EPODE_IQ_RESULT)
        return true;
    if (reply->outcome == EPODE_IQ_TIMEOUT)
        ep_fail(&b->error, EPODE_ETIMEOUT, 0, "the server did not answer in time");
    else if (reply->outcome == EPODE_IQ_CANCELLED)
        ep_fail(&b->error, EPODE_ECANCELLED, 0, "the connection ended before the answer");
    else
        ep_fail(&b->error, EPODE_EBIND, 0, "the server did not %s the resource: %s", what, reply->condition);
    ep_error_set_condition(&b->error, reply->condition);
    return false;
}

/* What was bound is in b, or why it was not. */
static epode_status read_bound(epode_client *c, const ep_reply *reply, binding *b)
{
    ep_jid jid;
    if (!granted(b, reply, "bind"))
        return EPODE_OK;
    const ep_elem *bind = ep_elem_child(reply->iq, "bind", EP_NS_BIND);
    epode_status st = ep_jid_parse(&jid, ep_elem_text(ep_elem_child(bind, "jid", EP_NS_BIND)));
    bool ours = !st && jid.resource && strcmp(jid.bare, c->jid.bare) == 0;
    char *full = ours ? ep_asprintf("%s/%s", jid.bare, jid.resource) : NULL;
    if (!st)
        ep_jid_free(&jid);
    if (st == EPODE_ENOMEM || (ours && !full))
        return EPODE_ENOMEM;
    if (!ours || ep_client_resource_named(c, full)) {
        ep_fail(&b->error, EPODE_EPROTO, 0, "the server's answer to the bind names no new resource of ours");
        ep_free(full);
        return EPODE_OK;
    }
    st = ep_client_resource_add(c, full);
    ep_free(b->full);
    b->full = full;
    if (st == EPODE_ELIMIT)
        ep_fail(&b->error, EPODE_ELIMIT, 0, "there are too many resources on this stream");
    return st == EPODE_ELIMIT ? EPODE_OK : st;
}

/* The one outcome of one that is bound again. Who has its name, or the place for it, may be gone by the next session. */
static epode_status bound_again(epode_client *c, const binding *b)
{
    const char *condition = epode_error_condition(&b->error);
    bool bound = !b->error.status;
    bool passing = b->error.status == EPODE_ETIMEOUT || ep_streq(condition, "conflict") ||
                   ep_streq(condition, "resource-constraint") || ep_streq(condition, "feature-not-implemented") ||
                   ep_streq(condition, "service-unavailable");
    epode_event ev = { .type = EPODE_EV_RESOURCE, .peer = b->again, .resource = bound ? b->full : NULL,
                       .error = bound ? NULL : &b->error };
    ep_client_emit(c, &ev);
    ep_wanted *w = ep_client_wanted(c, b->again);
    if (w)
        w->awaited = false;
    if (w && (bound ? strcmp(b->full, b->again) != 0 : !passing))
        ep_client_unwant(c, w);
    return bound ? ep_client_want(c, b->full) : EPODE_OK;
}

static epode_status take_bound(epode_client *c, const ep_reply *reply, void *user)
{
    binding *b = user;
    epode_status st = read_bound(c, reply, b);
    if (st < 0 || (b->again && reply->outcome == EPODE_IQ_CANCELLED))
        return st;
    bool bound = !b->error.status;
    if (b->again)
        st = bound_again(c, b);
    else if (bound)
        st = ep_client_want(c, b->full);
    if (!st && bound && ep_client_wants_presence(c) && ep_client_can_send(c))
        st = ep_client_send_presence(c, b->full);
    return st >= 0 && b->again ? ep_client_pump(c) : st;
}

/* XEP-0280: carbons were on for the one that is gone. */
static epode_status ask_carbons(epode_client *c)
{
    ep_xw w;
    ep_request *r = ep_request_open(c, &w, "set", NULL, NULL, NULL);
    ep_xw_leaf(&w, "enable", EP_NS_CARBONS, NULL);
    return ep_request_send(c, r, &w, 0);
}

/* The oldest is gone: what the server did for it alone, it does for the next one from now on. */
static epode_status new_default(epode_client *c)
{
    epode_status st = ep_str_set(&c->session->jid, c->resources.at[0].full) ? EPODE_OK : EPODE_ENOMEM;
    if (!st && c->session->carbons)
        st = ask_carbons(c);
    if (st >= 0)
        st = ep_client_roster_reset(c);
    /* Rooms knew us by the address that is gone. */
    ep_rooms_reset(c);
    if (st >= 0)
        st = ep_client_blocking_reset(c);
    if (st >= 0)
        st = ep_client_ask_rest(c, true);
    if (st >= 0)
        st = ep_sync_ready(c->sync, false, NULL, ep_loop_now_us(c->loop), ep_client_wall_ms());
    if (st >= 0)
        st = ep_rooms_ready(c);
    return st < 0 ? st : EPODE_OK;
}

static epode_status take_unbound(epode_client *c, const ep_reply *reply, void *user)
{
    binding *b = user;
    ep_resources *rs = &c->resources;
    if (!granted(b, reply, "unbind"))
        return EPODE_OK;
    ep_wanted *w = ep_client_wanted(c, b->full);
    if (w)
        ep_client_unwant(c, w);
    const ep_resource *gone = ep_client_resource_named(c, b->full);
    if (!gone)
        return EPODE_OK;
    size_t i = (size_t)(gone - rs->at);
    unsigned number = gone->number;
    ep_client_resource_remove(c, i);
    ep_requests_unbound(c, number);
    if (!rs->count) {
        /* XEP-0193, 2: the server closes the stream; nobody wants another. */
        rs->all_gone = true;
        c->wish = false;
        return EPODE_OK;
    }
    return i || !ep_client_can_send(c) ? EPODE_OK : new_default(c);
}

/* Why not; NULL: it can be asked. */
static const char *hindrance(const epode_client *c)
{
    const ep_features *f = ep_client_features(c);
    if (!ep_client_can_send(c) || !c->resources.count)
        return "not-ready";
    if (!f || !(f->bits & EP_F_UNBIND))
        return "not-offered";
    return ep_stream_has_sm(c->stream) ? "stream-management" : NULL;
}

/* "user@domain/resource", prepared; EPODE_EINVAL: it is no name of a resource. */
static epode_status full_jid(const epode_client *c, const char *resource, char **out)
{
    ep_jid jid;
    char *text = ep_asprintf("%s/%s", c->jid.bare, resource);
    epode_status st = text ? ep_jid_parse(&jid, text) : EPODE_ENOMEM;
    ep_free(text);
    if (st)
        return st;
    *out = ep_asprintf("%s/%s", jid.bare, jid.resource);
    ep_jid_free(&jid);
    return *out ? EPODE_OK : EPODE_ENOMEM;
}

static void write_binding(ep_xw *w, const char *name, const char *full)
{
    ep_xw_open(w, name, EP_NS_BIND);
    if (full)
        ep_xw_leaf(w, "resource", NULL, strchr(full, '/') + 1);
    ep_xw_close(w);
}

static epode_status ask(epode_client *c, binding *b, bool bind)
{
    ep_xw w;
    ep_request *r = ep_request_open(c, &w, "set", NULL, bind ? take_bound : take_unbound, b);
    /* The sender is one that is bound: who goes, if it is there; else the default one. */
    const ep_resource *gone = bind ? NULL : ep_client_resource_named(c, b->full);
    if (r)
        ep_xw_attr(&w, "from", gone ? gone->full : c->resources.at[0].full);
    write_binding(&w, bind ? "bind" : "unbind", b->full);
    if (r)
        ep_request_for(r, tell, b);
    return ep_request_send(c, r, &w, 0);
}

/* why: it cannot be asked for; NULL: it can. */
static epode_status bind_again(epode_client *c, ep_wanted *w, const char *why)
{
    binding *b = ep_calloc(1, sizeof *b);
    if (!b || !(b->full = ep_strdup(w->full)) || !(b->again = ep_strdup(w->full))) {
        if (b)
            binding_free(b);
        return EPODE_ENOMEM;
    }
    /* The login itself may have been given that name. */
    if (!why && !ep_client_resource_named(c, w->full)) {
        epode_status st = ask(c, b, true);
        if (st)
            binding_free(b);
        return st;
    }
    if (why) {
        ep_fail(&b->error, EPODE_EBIND, 0, "the resource cannot be bound again: %s", why);
        ep_error_set_condition(&b->error, "feature-not-implemented");
    }
    epode_status st = bound_again(c, b);
    binding_free(b);
    return st;
}

epode_status ep_client_resources_again(epode_client *c)
{
    ep_resources *rs = &c->resources;
    epode_status st = EPODE_OK;
    if (!rs->again_due || !ep_client_can_send(c))
        return EPODE_OK;
    rs->again_due = false;
    const char *why = hindrance(c);
    for (size_t i = 0; i < rs->wanted_count && st >= 0; i++)
        st = bind_again(c, &rs->wanted[i], why);
    return st < 0 || !why ? st : ep_client_pump(c); /* what waited for them */
}

static epode_status binding_ask(epode_client *c, const char *resource, bool bind, epode_resource_fn *done, void *user,
                                const char **why_not)
{
    const char *why = c->freed ? "not-ready" : hindrance(c);
    if (why_not)
        *why_not = why;
    if (why)
        return EPODE_ESTATE;
    binding *b = ep_calloc(1, sizeof *b);
    epode_status st = !b ? EPODE_ENOMEM : resource ? full_jid(c, resource, &b->full) : EPODE_OK;
    if (!st && bind && ep_client_resource_named(c, b->full)) {
        if (why_not)
            *why_not = "bound";
        st = EPODE_ESTATE;
    }
    if (st) {
        if (b)
            binding_free(b);
        return st;
    }
    b->done = done;
    b->user = user;
    ep_loop_enter(c->loop);
    st = ask(c, b, bind);
    ep_loop_leave(c->loop);
    if (st)
        binding_free(b);
    return st;
}

epode_status epode_resource_bind(epode_client *c, const char *resource, epode_resource_fn *done, void *user,
                                 const char **why_not)
{
    return binding_ask(c, resource, true, done, user, why_not);
}

epode_status epode_resource_unbind(epode_client *c, const char *resource, epode_resource_fn *done, void *user,
                                   const char **why_not)
{
    char *full = NULL;
    if (!resource)
        return EPODE_EINVAL;
    epode_status st = full_jid(c, resource, &full);
    if (st)
        return st;
    ep_wanted *w = ep_client_wanted(c, full);
    bool only_wanted = w && !w->awaited && !ep_client_resource_named(c, full);
    if (only_wanted)
        ep_client_unwant(c, w);
    ep_free(full);
    return only_wanted ? EPODE_DONE : binding_ask(c, resource, false, done, user, why_not);
}

size_t epode_resource_count(const epode_client *c)
{
    return c->was_ready ? c->resources.count : 0;
}

const char *epode_resource_at(const epode_client *c, size_t i)
{
    return i < epode_resource_count(c) ? c->resources.at[i].full : NULL;
}
