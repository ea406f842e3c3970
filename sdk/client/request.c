/* request.c: iq requests: ids, senders, timeouts, outcomes (RFC 6120, 8.2.3). */
#include "client/request.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "base/str.h"
#include "client/internal.h"
#include "strophe/stanza.h"
#include "xmpp/bound.h"
#include "xmpp/ns.h"

#define REQUESTS_MAX 1024 /* that wait at the same time */

typedef enum request_state {
    REQ_OPEN = 0, /* being written */
    REQ_ASKED,    /* in this turn: not committed, so not sent */
    REQ_WAITING,
    REQ_ANSWERED, /* in this turn */
    REQ_OVER      /* the application is to be told */
} request_state;

struct ep_request {
    ep_list node;
    uint64_t number;
    unsigned by; /* the resource that asks */
    char id[32];
    ep_jid to; /* bare NULL: the account */
    request_state state;
    int64_t deadline_us;
    ep_request_fn *done;
    epode_iq_fn *app;
    void *user, *app_user;
    /* the outcome */
    epode_iq_outcome outcome;
    bool again;
    char condition[48];
    char *xml;
    size_t xml_len;
};

static void request_free(ep_request *r)
{
    ep_list_unlink(&r->node);
    ep_jid_free(&r->to);
    ep_free(r->xml);
    ep_free(r);
}

static bool make_id(epode_client *c, ep_request *r)
{
    uint8_t raw[8];
    char hex[17];
    if (!ep_rand_bytes(raw, sizeof raw))
        return false;
    ep_hex(raw, sizeof raw, hex);
    r->number = ++c->requests_made;
    snprintf(r->id, sizeof r->id, "q%llx-%s", (unsigned long long)(r->number & 0xffffffff), hex);
    return true;
}

static ep_request *request_new(epode_client *c, const char *to, epode_status *st)
{
    *st = EPODE_OK;
    if (c->request_count >= REQUESTS_MAX) {
        *st = EPODE_ELIMIT;
        return NULL;
    }
    ep_request *r = ep_calloc(1, sizeof *r);
    if (!r) {
        *st = EPODE_ENOMEM;
        return NULL;
    }
    ep_list_init(&r->node);
    if (to)
        *st = ep_jid_parse(&r->to, to);
    if (!*st && !make_id(c, r))
        *st = EPODE_ENOMEM;
    if (*st) {
        request_free(r);
        return NULL;
    }
    return r;
}

static void watch(epode_client *c)
{
    int64_t due = EP_NEVER;
    EP_LIST_EACH(at, &c->requests) {
        const ep_request *r = EP_LIST_OF(at, ep_request, node);
        if (r->deadline_us < due)
            due = r->deadline_us;
    }
    if (due == EP_NEVER)
        ep_timer_stop(&c->request_timer);
    else if (!ep_timer_is_set(&c->request_timer) || c->request_timer.due_us != due)
        ep_timer_set(ep_loop_timers(c->loop), &c->request_timer, due);
}

static void leave(epode_client *c, ep_request *r)
{
    ep_list_unlink(&r->node);
    c->request_count--;
    watch(c);
}

/* It is in the list from now on; false of st: it is gone. */
static epode_status enter(epode_client *c, ep_request *r, uint32_t timeout_ms, const char *xml, size_t len)
{
    epode_status st = ep_client_send_text(c, EP_STANZA_IQ, NULL, xml, len);
    if (st < 0) {
        request_free(r);
        return st;
    }
    r->by = c->resources.by;
    int64_t ms = timeout_ms ? timeout_ms : EP_REQUEST_TIMEOUT_MS;
    r->deadline_us = ep_loop_refresh(c->loop) + ms * 1000;
    r->state = REQ_ASKED;
    ep_list_push_back(&c->requests, &r->node);
    c->request_count++;
    watch(c);
    ep_client_schedule(c);
    return EPODE_OK;
}

ep_request *ep_request_open(epode_client *c, ep_xw *w, const char *type, const char *to, ep_request_fn *done,
                            void *user)
{
    epode_status st;
    ep_request *r = request_new(c, to, &st);
    ep_buf_clear(&c->scratch);
    *w = ep_xw_init(&c->scratch);
    if (!r) {
        w->status = st;
        return NULL;
    }
    r->done = done;
    r->user = user;
    ep_xw_open(w, "iq", NULL);
    ep_xw_attr(w, "type", type);
    ep_xw_attr(w, "to", to);
    ep_xw_attr(w, "id", r->id);
    return r;
}

void ep_request_for(ep_request *r, epode_iq_fn *done, void *user)
{
    r->app = done;
    r->app_user = user;
}

epode_status ep_request_send(epode_client *c, ep_request *r, ep_xw *w, uint32_t timeout_ms)
{
    if (!r)
        return w->status;
    ep_xw_close(w);
    epode_status st = ep_xw_done(w);
    if (st) {
        request_free(r);
        return st;
    }
    return enter(c, r, timeout_ms, ep_buf_ptr(w->out), w->out->len);
}

uint64_t ep_request_number(const ep_request *r)
{
    return r->number;
}

/* --- outcomes ------------------------------------------------------------------------------------------- */

/* The outcome is decided: who asked inside is told, the application when the turn is over. */
static epode_status decide(epode_client *c, ep_request *r, epode_iq_outcome outcome, bool again, const ep_elem *iq)
{
    ep_error shown = { 0 };
    epode_status st = EPODE_OK;
    if (outcome == EPODE_IQ_ERROR)
        ep_error_set_condition(&shown, ep_condition_of(ep_elem_child(iq, "error", NULL)));
    r->outcome = outcome;
    r->again = again;
    snprintf(r->condition, sizeof r->condition, "%s", shown.condition);
    if (iq && r->app) {
        ep_buf text = EP_BUF_INIT;
        ep_elem_write(&text, iq, EP_NS_CLIENT);
        r->xml_len = text.len;
        r->xml = ep_buf_detach(&text);
        ep_buf_free(&text);
        if (!r->xml)
            return EPODE_ENOMEM; /* it waits on: the answer comes again */
    }
    r->state = iq ? REQ_ANSWERED : REQ_OVER;
    if (r->done)
        st = r->done(c, &(ep_reply){ r->number, outcome, again, iq, r->condition }, r->user);
    return st;
}

/* Out of the list of those that wait, once nothing can bring it back. */
static void finish(epode_client *c, ep_request *r)
{
    leave(c, r);
    r->state = REQ_OVER;
    if (r->app)
        ep_list_push_back(&c->outcomes, &r->node);
    else
        request_free(r);
    ep_client_schedule(c);
}

void ep_requests_over(epode_client *c, bool again)
{
    EP_LIST_EACH_SAFE(at, &c->requests) {
        ep_request *r = EP_LIST_OF(at, ep_request, node);
        /* What was answered in this turn has its outcome; what is asked in it belongs to the next session. */
        if (r->state != REQ_WAITING)
            continue;
        decide(c, r, EPODE_IQ_CANCELLED, again, NULL);
        finish(c, r);
    }
}

void ep_requests_unbound(epode_client *c, unsigned resource)
{
    EP_LIST_EACH_SAFE(at, &c->requests) {
        ep_request *r = EP_LIST_OF(at, ep_request, node);
        if (r->by != resource || (r->state != REQ_WAITING && r->state != REQ_ASKED))
            continue;
        decide(c, r, EPODE_IQ_CANCELLED, true, NULL);
        finish(c, r);
    }
}

void ep_requests_committed(epode_client *c)
{
    EP_LIST_EACH_SAFE(at, &c->requests) {
        ep_request *r = EP_LIST_OF(at, ep_request, node);
        if (r->state == REQ_ASKED)
            r->state = REQ_WAITING;
        else if (r->state == REQ_ANSWERED)
            finish(c, r);
    }
}

/* What was answered is answered again; what was asked never left. */
void ep_requests_rolled_back(epode_client *c)
{
    EP_LIST_EACH_SAFE(at, &c->requests) {
        ep_request *r = EP_LIST_OF(at, ep_request, node);
        if (r->state == REQ_ANSWERED) {
            ep_free(r->xml);
            r->xml = NULL;
            r->state = REQ_WAITING;
        } else if (r->state == REQ_ASKED) {
            decide(c, r, EPODE_IQ_CANCELLED, true, NULL);
            finish(c, r);
        }
    }
}

/* RFC 6120, 8.1.2.1: the account answers by its bare JID or without a sender; everybody else by name. */
static bool sent_by(const epode_client *c, const ep_request *r, const char *from)
{
    bool to_account = !r->to.bare || (!r->to.resource && strcmp(r->to.bare, c->jid.bare) == 0);
    if (!from)
        return to_account;
    ep_jid jid;
    if (ep_jid_parse(&jid, from))
        return false;
    bool same = to_account ? strcmp(jid.bare, c->jid.bare) == 0 && !jid.resource
                           : strcmp(jid.bare, r->to.bare) == 0 && ep_streq(jid.resource, r->to.resource);
    /* Where nobody was named, servers also answer in their own name, or by our full JID. */
    if (!same && !r->to.bare && jid.resource)
        same = ep_client_resource_named(c, from) != NULL;
    else if (!same && !r->to.bare)
        same = strcmp(jid.bare, c->jid.domain) == 0;
    ep_jid_free(&jid);
    return same;
}

bool ep_requests_take(epode_client *c, const ep_elem *e, bool *forged, epode_status *st)
{
    const char *id = ep_elem_attr(e, "id");
    bool result = ep_streq(ep_elem_attr(e, "type"), "result");
    *forged = false;
    *st = EPODE_OK;
    EP_LIST_EACH(at, &c->requests) {
        ep_request *r = EP_LIST_OF(at, ep_request, node);
        if ((r->state != REQ_WAITING && r->state != REQ_ASKED) || !ep_streq(id, r->id))
            continue;
        if (!sent_by(c, r, ep_elem_attr(e, "from"))) {
            *forged = true;
            return false;
        }
        *st = decide(c, r, result ? EPODE_IQ_RESULT : EPODE_IQ_ERROR, false, e);
        return true;
    }
    return false;
}

static void request_fire(ep_timer *t, int64_t now_us, void *user)
{
    epode_client *c = user;
    (void)t;
    ep_client_begin(c);
    EP_LIST_EACH_SAFE(at, &c->requests) {
        ep_request *r = EP_LIST_OF(at, ep_request, node);
        if (r->deadline_us > now_us || r->state == REQ_ANSWERED)
            continue;
        decide(c, r, EPODE_IQ_TIMEOUT, false, NULL);
        finish(c, r);
    }
    watch(c);
    ep_client_schedule(c);
}

/* --- the application's ----------------------------------------------------------------------------------- */

bool ep_requests_due(const epode_client *c)
{
    return !ep_list_empty(&c->outcomes);
}

static void tell(epode_client *c, ep_request *r)
{
    epode_iq_answer a = { .size = sizeof a, .id = r->number, .outcome = r->outcome, .again = r->again,
                          .condition = r->condition[0] ? r->condition : NULL, .xml = r->xml, .xml_len = r->xml_len };
    ep_list_unlink(&r->node);
    r->app(c, &a, r->app_user);
    request_free(r);
}

void ep_requests_deliver(epode_client *c)
{
    while (!c->freed && !ep_list_empty(&c->outcomes))
        tell(c, EP_LIST_OF(c->outcomes.next, ep_request, node));
}

void ep_requests_init(epode_client *c)
{
    ep_list_init(&c->requests);
    ep_list_init(&c->outcomes);
    c->request_timer = (ep_timer){ .fire = request_fire, .user = c };
}

/* With the client everything ends; the outcome is told all the same, to give back what the callback was lent. */
void ep_requests_free(epode_client *c)
{
    ep_timer_stop(&c->request_timer);
    EP_LIST_EACH_SAFE(at, &c->requests) {
        ep_request *r = EP_LIST_OF(at, ep_request, node);
        r->outcome = EPODE_IQ_CANCELLED;
        r->again = false;
        r->condition[0] = '\0';
        ep_free(r->xml);
        r->xml = NULL;
        r->xml_len = 0;
        if (r->app)
            tell(NULL, r);
        else
            request_free(r);
    }
    while (!ep_list_empty(&c->outcomes))
        tell(NULL, EP_LIST_OF(c->outcomes.next, ep_request, node));
}

/* The stanza of the application, under an id of ours. */
static void write_own(ep_buf *out, const ep_elem *e, const char *id)
{
    ep_elem own = *e;
    ep_attr attrs[16];
    size_t n = 0;
    bool had = false;
    for (size_t i = 0; i < e->attr_count && n < 16; i++) {
        attrs[n] = e->attrs[i];
        if (!attrs[n].ns && strcmp(attrs[n].name, "id") == 0) {
            attrs[n].value = id;
            had = true;
        }
        n++;
    }
    if (!had && n < 16)
        attrs[n++] = (ep_attr){ "id", NULL, id };
    own.attrs = attrs;
    own.attr_count = n;
    ep_elem_write(out, &own, EP_NS_CLIENT);
}

static epode_status iq_send(epode_client *c, const ep_elem *e, uint32_t timeout_ms, epode_iq_fn *done, void *user,
                            uint64_t *id)
{
    epode_status st;
    const char *type = ep_elem_attr(e, "type");
    /* RFC 6120, 8.2.3: a get or set, with exactly one child. */
    if (!ep_elem_is(e, "iq", EP_NS_CLIENT) || !(ep_streq(type, "get") || ep_streq(type, "set")) ||
        !ep_elem_first(e) || ep_elem_next(ep_elem_first(e)) || e->attr_count > 15)
        return EPODE_EINVAL;
    if (!c->stream || ep_stream_state_of(c->stream) != EP_S_READY)
        return EPODE_ESTATE;
    ep_request *r = request_new(c, ep_elem_attr(e, "to"), &st);
    if (!r)
        return st;
    ep_request_for(r, done, user);
    ep_buf_clear(&c->scratch);
    write_own(&c->scratch, e, r->id);
    uint64_t most = ep_client_max_bytes(c), number = r->number;
    st = c->scratch.failed ? EPODE_ENOMEM : most && c->scratch.len > most ? EPODE_ELIMIT : EPODE_OK;
    if (st) {
        request_free(r);
        return st;
    }
    st = enter(c, r, timeout_ms, ep_buf_ptr(&c->scratch), c->scratch.len);
    if (!st && id)
        *id = number;
    return st;
}

epode_status epode_iq_xml(epode_client *c, const char *xml, size_t len, uint32_t timeout_ms, epode_iq_fn *done,
                          void *user, uint64_t *id)
{
    ep_arena arena = { 0 };
    ep_elem *e = NULL;
    if (c->freed)
        return EPODE_ESTATE;
    if (!done)
        return EPODE_EINVAL;
    epode_status st = ep_elem_read(&e, &arena, xml, len, EP_NS_CLIENT);
    ep_loop_enter(c->loop);
    st = st == EPODE_EPROTO ? EPODE_EINVAL : st ? st : iq_send(c, e, timeout_ms, done, user, id);
    ep_loop_leave(c->loop);
    ep_arena_free(&arena);
    return st;
}

epode_status epode_iq(epode_client *c, xmpp_stanza_t *iq, uint32_t timeout_ms, epode_iq_fn *done, void *user,
                      uint64_t *id)
{
    ep_buf text = EP_BUF_INIT;
    epode_status st = ep_stanza_write(&text, iq, EP_NS_CLIENT);
    if (!st)
        st = epode_iq_xml(c, ep_buf_ptr(&text), text.len, timeout_ms, done, user, id);
    ep_buf_free(&text);
    return st;
}

epode_status epode_iq_cancel(epode_client *c, uint64_t id)
{
    epode_status st = EPODE_DONE;
    if (c->freed || c->suspended)
        return EPODE_ESTATE;
    ep_loop_enter(c->loop);
    EP_LIST_EACH_SAFE(at, &c->requests) {
        ep_request *r = EP_LIST_OF(at, ep_request, node);
        if (r->number != id || !r->app || (r->state != REQ_ASKED && r->state != REQ_WAITING))
            continue;
        decide(c, r, EPODE_IQ_CANCELLED, false, NULL);
        finish(c, r);
        st = EPODE_OK;
    }
    ep_loop_leave(c->loop);
    return st;
}
