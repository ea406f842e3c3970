/* request.c: iq requests: ids, senders, timeouts, outcomes (RFC 6120, 8.2.3). */
#include "client/request.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "base/str.h"
#include "client/internal.h"
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

void ep_request_drop(ep_request *r)
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

ep_request *ep_request_new(epode_client *c, const char *to, epode_status *st)
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
        ep_request_drop(r);
        return NULL;
    }
    return r;
}

void ep_requests_watch(epode_client *c)
{
    int64_t due = EP_NEVER;
    EP_LIST_EACH(at, &c->requests) {
        const ep_request *r = EP_LIST_OF(at, ep_request, node);
        if (r->deadline_us < due)
            due = r->deadline_us;
    }
    if (due == EP_NEVER || c->suspended)
        ep_timer_stop(&c->request_timer);
    else if (!ep_timer_is_set(&c->request_timer) || c->request_timer.due_us != due)
        ep_timer_set(ep_loop_timers(c->loop), &c->request_timer, due);
}

static void leave(epode_client *c, ep_request *r)
{
    ep_list_unlink(&r->node);
    c->request_count--;
    ep_requests_watch(c);
}

epode_status ep_request_enter(epode_client *c, ep_request *r, uint32_t timeout_ms, const char *xml, size_t len)
{
    epode_status st = ep_client_send_text(c, EP_STANZA_IQ, NULL, xml, len);
    if (st < 0) {
        ep_request_drop(r);
        return st;
    }
    r->by = c->resources.by;
    int64_t ms = timeout_ms ? timeout_ms : EP_REQUEST_TIMEOUT_MS;
    r->deadline_us = ep_loop_now_us(c->loop) + ms * 1000;
    r->state = REQ_ASKED;
    ep_list_push_back(&c->requests, &r->node);
    c->request_count++;
    ep_requests_watch(c);
    ep_client_schedule(c);
    return EPODE_OK;
}

ep_request *ep_request_open(epode_client *c, ep_xw *w, const char *type, const char *to, ep_request_fn *done,
                            void *user)
{
    epode_status st;
    ep_request *r = ep_request_new(c, to, &st);
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
        ep_request_drop(r);
        return st;
    }
    return ep_request_enter(c, r, timeout_ms, ep_buf_ptr(w->out), w->out->len);
}

uint64_t ep_request_number(const ep_request *r)
{
    return r->number;
}

const char *ep_request_id(const ep_request *r)
{
    return r->id;
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
        ep_request_drop(r);
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
    ep_requests_watch(c);
    ep_client_schedule(c);
}

bool ep_request_cancel(epode_client *c, uint64_t number)
{
    EP_LIST_EACH_SAFE(at, &c->requests) {
        ep_request *r = EP_LIST_OF(at, ep_request, node);
        if (r->number != number || !r->app || (r->state != REQ_ASKED && r->state != REQ_WAITING))
            continue;
        decide(c, r, EPODE_IQ_CANCELLED, false, NULL);
        finish(c, r);
        return true;
    }
    return false;
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
    ep_request_drop(r);
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
            ep_request_drop(r);
    }
    while (!ep_list_empty(&c->outcomes))
        tell(NULL, EP_LIST_OF(c->outcomes.next, ep_request, node));
}
