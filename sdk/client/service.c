/* service.c: small requests of applications, over request.c. */
#include "xmpp/service.h"

#include <string.h>

#include "base/str.h"
#include "client/internal.h"
#include "epode/service.h"
#include "xmpp/datetime.h"
#include "xmpp/ns.h"

typedef struct question {
    const char *type, *to;
    epode_iq_fn *done;
    void *user;
    uint64_t *id;
} question;

static ep_request *open_question(epode_client *c, ep_xw *w, const question *q)
{
    ep_request *r = ep_request_open(c, w, q->type, q->to, NULL, NULL);
    if (r && q->done)
        ep_request_for(r, q->done, q->user);
    return r;
}

/* Closes and sends it; ends the turn that ep_loop_enter() began. */
static epode_status send_question(epode_client *c, ep_request *r, ep_xw *w, const question *q)
{
    uint64_t number = r ? ep_request_number(r) : 0, most = ep_client_max_bytes(c);
    if (r && !w->status && most && w->out->len + strlen("</iq>") > most)
        w->status = EPODE_ELIMIT;
    epode_status st = ep_request_send(c, r, w, 0);
    if (!st && q->id)
        *q->id = number;
    ep_loop_leave(c->loop);
    return st;
}

static bool can_ask(const epode_client *c)
{
    return !c->freed && !c->suspended && ep_client_can_send(c);
}

/* An empty element is the whole question. */
static epode_status ask(epode_client *c, const char *jid, const char *name, const char *ns, const question *more)
{
    ep_xw w;
    question q = { "get", jid ? jid : c->jid.domain, more->done, more->user, more->id };
    if (!can_ask(c))
        return EPODE_ESTATE;
    ep_loop_enter(c->loop);
    ep_request *r = open_question(c, &w, &q);
    ep_xw_leaf(&w, name, ns, NULL);
    return send_question(c, r, &w, &q);
}

epode_status epode_ping(epode_client *c, const char *jid, epode_iq_fn *done, void *user, uint64_t *id)
{
    return ask(c, jid, "ping", EP_NS_PING, &(question){ .done = done, .user = user, .id = id });
}

epode_status epode_version_ask(epode_client *c, const char *jid, epode_iq_fn *done, void *user, uint64_t *id)
{
    return ask(c, jid, "query", EP_NS_VERSION, &(question){ .done = done, .user = user, .id = id });
}

epode_status epode_time_ask(epode_client *c, const char *jid, epode_iq_fn *done, void *user, uint64_t *id)
{
    return ask(c, jid, "time", EP_NS_TIME, &(question){ .done = done, .user = user, .id = id });
}

epode_status epode_last_activity_ask(epode_client *c, const char *jid, epode_iq_fn *done, void *user, uint64_t *id)
{
    return ask(c, jid, "query", EP_NS_LAST, &(question){ .done = done, .user = user, .id = id });
}

epode_status epode_items_ask(epode_client *c, const char *jid, const char *node, epode_iq_fn *done, void *user,
                             uint64_t *id)
{
    ep_xw w;
    question q = { "get", jid ? jid : c->jid.domain, done, user, id };
    if (!can_ask(c))
        return EPODE_ESTATE;
    ep_loop_enter(c->loop);
    ep_request *r = open_question(c, &w, &q);
    ep_xw_open(&w, "query", EP_NS_DISCO_ITEMS);
    ep_xw_attr(&w, "node", node);
    ep_xw_close(&w);
    return send_question(c, r, &w, &q);
}

/* --- push ------------------------------------------------------------------------------------------------- */

static epode_status check_service(const char *service)
{
    ep_jid jid;
    epode_status st = ep_jid_parse(&jid, service);
    if (!st)
        ep_jid_free(&jid);
    return st;
}

epode_status epode_push_enable(epode_client *c, const char *service, const char *node, const char *const *names,
                               const char *const *values, size_t count, epode_iq_fn *done, void *user, uint64_t *id)
{
    ep_xw w;
    question q = { "set", NULL, done, user, id };
    for (size_t i = 0; i < count; i++)
        if (!names[i] || !*names[i] || !values[i])
            return EPODE_EINVAL;
    epode_status st = check_service(service);
    if (st || !can_ask(c))
        return st ? st : EPODE_ESTATE;
    ep_loop_enter(c->loop);
    ep_request *r = open_question(c, &w, &q);
    ep_push_write_enable(&w, service, node, names, values, count);
    return send_question(c, r, &w, &q);
}

epode_status epode_push_disable(epode_client *c, const char *service, const char *node, epode_iq_fn *done, void *user,
                                uint64_t *id)
{
    ep_xw w;
    question q = { "set", NULL, done, user, id };
    epode_status st = check_service(service);
    if (st || !can_ask(c))
        return st ? st : EPODE_ESTATE;
    ep_loop_enter(c->loop);
    ep_request *r = open_question(c, &w, &q);
    ep_push_write_disable(&w, service, node);
    return send_question(c, r, &w, &q);
}

/* --- answers ---------------------------------------------------------------------------------------------- */

/* The payload of a result, in the arena; NULL with *st: there is none, or no memory. */
static const ep_elem *payload(const epode_iq_answer *answer, ep_arena *arena, const char *name, const char *ns,
                              epode_status *st)
{
    ep_elem *e = NULL;
    *st = EPODE_DONE;
    if (answer->outcome != EPODE_IQ_RESULT || !answer->xml)
        return NULL;
    if (ep_elem_read(&e, arena, answer->xml, answer->xml_len, EP_NS_CLIENT) == EPODE_ENOMEM)
        *st = EPODE_ENOMEM;
    return e ? ep_elem_child(e, name, ns) : NULL;
}

static const char *text_of(const ep_elem *query, const char *name)
{
    const ep_elem *e = ep_elem_child(query, name, EP_NS_VERSION);
    return e ? ep_elem_text(e) : NULL;
}

epode_status epode_iq_software(const epode_iq_answer *answer, void (*each)(const epode_software *software, void *user),
                               void *user)
{
    ep_arena arena = { 0 };
    epode_status st;
    const ep_elem *query = payload(answer, &arena, "query", EP_NS_VERSION, &st);
    if (query) {
        epode_software s = { sizeof s, text_of(query, "name"), text_of(query, "version"), text_of(query, "os") };
        each(&s, user);
        st = EPODE_OK;
    }
    ep_arena_free(&arena);
    return st;
}

epode_status epode_iq_items(const epode_iq_answer *answer, bool (*each)(const epode_item *item, void *user), void *user)
{
    ep_arena arena = { 0 };
    epode_status st;
    const ep_elem *query = payload(answer, &arena, "query", EP_NS_DISCO_ITEMS, &st);
    bool more = true;
    EP_ELEM_EACH(e, query) {
        epode_item item = { sizeof item, ep_elem_attr(e, "jid"), ep_elem_attr(e, "node"), ep_elem_attr(e, "name") };
        if (more && item.jid && ep_elem_is(e, "item", EP_NS_DISCO_ITEMS))
            more = each(&item, user);
    }
    ep_arena_free(&arena);
    return query ? EPODE_OK : st;
}

epode_status epode_iq_time(const epode_iq_answer *answer, int64_t *utc_ms, int *offset_min)
{
    ep_arena arena = { 0 };
    epode_status st;
    const ep_elem *time = payload(answer, &arena, "time", EP_NS_TIME, &st);
    if (time && ep_datetime_parse(ep_elem_text(ep_elem_child(time, "utc", EP_NS_TIME)), utc_ms) &&
        ep_datetime_offset(ep_elem_text(ep_elem_child(time, "tzo", EP_NS_TIME)), offset_min))
        st = EPODE_OK;
    ep_arena_free(&arena);
    return st;
}

epode_status epode_iq_last_activity(const epode_iq_answer *answer, uint64_t *seconds)
{
    ep_arena arena = { 0 };
    epode_status st;
    const ep_elem *query = payload(answer, &arena, "query", EP_NS_LAST, &st);
    const char *text = query ? ep_elem_attr(query, "seconds") : NULL;
    if (text && ep_str_u64(text, seconds))
        st = EPODE_OK;
    ep_arena_free(&arena);
    return st;
}
