/* upload.c: a slot for a file (XEP-0363): the service is looked for once, then asked. Each request of the search is told
 * by its own outcome that it is over; with the last of them the application is told. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "epode/service.h"
#include "xmpp/ns.h"
#include "xmpp/service.h"

#define ITEMS_MAX      32 /* of a server, that are looked at */
#define REMEMBERED_MS  (7 * 24 * 3600 * 1000LL)
#define KEY_UPLOAD     "upload"

typedef struct upload {
    epode_upload shown;
    epode_upload_fn *done;
    void *user;
    char *name, *type, *service;
    uint64_t bytes;
    ep_upload_slot slot;
    ep_arena arena; /* of slot */
    ep_error error;
    unsigned pending; /* requests without an outcome yet */
    bool found, answered;
} upload;

static epode_status ask_slot(epode_client *c, upload *u, const char *service);

static void upload_free(upload *u)
{
    ep_free(u->name);
    ep_free(u->type);
    ep_free(u->service);
    ep_arena_free(&u->arena);
    ep_free(u);
}

/* The outcome of one of its requests was told. */
static void step_over(epode_client *c, const epode_iq_answer *answer, void *user)
{
    upload *u = user;
    if (answer->outcome == EPODE_IQ_CANCELLED && !u->answered)
        ep_fail(&u->error, EPODE_ECANCELLED, 0, "the session ended before the answer");
    if (--u->pending)
        return;
    if (!u->answered && !u->found && !u->error.status) {
        ep_fail(&u->error, EPODE_ESTANZA, 0, "the server has no upload service");
        ep_error_set_condition(&u->error, "item-not-found");
    }
    bool ok = u->answered && !u->error.status;
    u->shown.size = sizeof u->shown;
    u->shown.put_url = ok ? u->slot.put_url : NULL;
    u->shown.get_url = ok ? u->slot.get_url : NULL;
    u->shown.header_count = ok ? u->slot.header_count : 0;
    u->shown.service = u->service;
    u->shown.error = ok ? NULL : &u->error;
    u->done(c, &u->shown, u->user);
    upload_free(u);
}

static ep_request *step(epode_client *c, ep_xw *w, const char *to, ep_request_fn *done, upload *u)
{
    ep_request *r = ep_request_open(c, w, "get", to, done, u);
    if (r)
        ep_request_for(r, step_over, u);
    return r;
}

static epode_status step_send(epode_client *c, ep_request *r, ep_xw *w, upload *u)
{
    epode_status st = ep_request_send(c, r, w, 0);
    if (!st)
        u->pending++;
    return st;
}

/* --- the service ------------------------------------------------------------------------------------------- */

static epode_status service_put(epode_client *c, const char *jid, uint64_t max)
{
    char *text = ep_asprintf("%llu %s", (unsigned long long)max, jid);
    epode_status st = text ? ep_store_fact_put(c->store, EP_FACT_SERVICE, KEY_UPLOAD, text, strlen(text),
                                               ep_client_wall_ms() + REMEMBERED_MS)
                           : EPODE_ENOMEM;
    ep_free(text);
    return st < 0 ? st : EPODE_OK;
}

/* *jid: NULL where none is remembered; the caller's. */
static epode_status service_get(epode_client *c, char **jid, uint64_t *max)
{
    ep_buf text = EP_BUF_INIT;
    int64_t expires = 0;
    *jid = NULL;
    epode_status st = ep_store_fact_get(c->store, EP_FACT_SERVICE, KEY_UPLOAD, &text, &expires);
    if (st == EPODE_OK && !ep_buf_cstr(&text))
        st = EPODE_ENOMEM;
    char *gap = st == EPODE_OK && expires > ep_client_wall_ms() ? strchr(ep_buf_ptr(&text), ' ') : NULL;
    if (gap) {
        *gap = '\0';
        if (!ep_str_u64(ep_buf_ptr(&text), max))
            *max = 0;
        if (!(*jid = ep_strdup(gap + 1)))
            st = EPODE_ENOMEM;
    }
    ep_buf_free(&text);
    return st < 0 ? st : EPODE_OK;
}

static void too_large(upload *u)
{
    ep_fail(&u->error, EPODE_ELIMIT, 0, "the file is larger than the upload service takes");
    u->answered = true;
}

static epode_status take_info(epode_client *c, const ep_reply *reply, void *user)
{
    upload *u = user;
    uint64_t max = 0;
    const char *from = reply->iq ? ep_elem_attr(reply->iq, "from") : NULL;
    if (u->found || reply->outcome != EPODE_IQ_RESULT || !from ||
        !ep_upload_read_service(ep_elem_child(reply->iq, "query", EP_NS_DISCO_INFO), &max))
        return EPODE_OK;
    epode_status st = service_put(c, from, max);
    if (st < 0)
        return st;
    u->found = true;
    u->shown.max_bytes = max;
    if (!max || u->bytes <= max)
        return ep_client_can_send(c) ? ask_slot(c, u, from) : EPODE_OK;
    too_large(u);
    return ep_str_set(&u->service, from) ? EPODE_OK : EPODE_ENOMEM;
}

static epode_status ask_info(epode_client *c, upload *u, const char *jid)
{
    ep_xw w;
    ep_request *r = step(c, &w, jid, take_info, u);
    ep_xw_leaf(&w, "query", EP_NS_DISCO_INFO, NULL);
    return step_send(c, r, &w, u);
}

static epode_status take_items(epode_client *c, const ep_reply *reply, void *user)
{
    upload *u = user;
    size_t n = 0;
    epode_status st = EPODE_OK;
    if (reply->outcome == EPODE_IQ_TIMEOUT && !u->answered)
        ep_fail(&u->error, EPODE_ETIMEOUT, 0, "the server did not say what services it has");
    if (reply->outcome != EPODE_IQ_RESULT || !ep_client_can_send(c))
        return EPODE_OK;
    EP_ELEM_EACH(e, ep_elem_child(reply->iq, "query", EP_NS_DISCO_ITEMS)) {
        const char *jid = ep_elem_attr(e, "jid");
        if (st >= 0 && jid && !ep_elem_attr(e, "node") && n++ < ITEMS_MAX)
            st = ask_info(c, u, jid);
        if (st == EPODE_EINVAL || st == EPODE_ELIMIT)
            st = EPODE_OK; /* no JID, or too much is being asked already: the others may do */
    }
    return st;
}

/* The server itself may be the service, or one of its items. */
static epode_status search(epode_client *c, upload *u)
{
    ep_xw w;
    ep_request *r = step(c, &w, c->jid.domain, take_items, u);
    ep_xw_leaf(&w, "query", EP_NS_DISCO_ITEMS, NULL);
    epode_status st = step_send(c, r, &w, u);
    return st ? st : ask_info(c, u, c->jid.domain);
}

/* --- the slot ----------------------------------------------------------------------------------------------- */

static epode_status refused(epode_client *c, upload *u, const ep_reply *reply)
{
    bool large;
    uint64_t max;
    ep_upload_read_error(reply->iq, &large, &max, &u->shown.retry_ms);
    if (max)
        u->shown.max_bytes = max;
    ep_fail(&u->error, large ? EPODE_ELIMIT : EPODE_ESTANZA, 0, "the upload service refused: %s", reply->condition);
    ep_error_set_condition(&u->error, reply->condition);
    /* Who is not what it was is looked for anew, by the next one. */
    bool gone = ep_streq(reply->condition, "service-unavailable") || ep_streq(reply->condition, "item-not-found") ||
                ep_streq(reply->condition, "remote-server-not-found");
    epode_status st = gone ? ep_store_fact_del(c->store, EP_FACT_SERVICE, KEY_UPLOAD) : EPODE_OK;
    return st < 0 ? st : EPODE_OK;
}

static epode_status take_slot(epode_client *c, const ep_reply *reply, void *user)
{
    upload *u = user;
    if (reply->outcome == EPODE_IQ_CANCELLED)
        return EPODE_OK;
    u->answered = true;
    ep_error_clear(&u->error);
    if (reply->outcome == EPODE_IQ_TIMEOUT)
        ep_fail(&u->error, EPODE_ETIMEOUT, 0, "the upload service did not answer");
    if (reply->outcome == EPODE_IQ_ERROR)
        return refused(c, u, reply);
    if (reply->outcome != EPODE_IQ_RESULT)
        return EPODE_OK;
    ep_arena_reset(&u->arena);
    epode_status st = ep_upload_read_slot(&u->slot, reply->iq, &u->arena);
    if (st == EPODE_EPROTO || st == EPODE_ELIMIT) {
        ep_fail(&u->error, EPODE_EPROTO, 0, "the upload service gave no usable slot");
        st = EPODE_OK;
    }
    return st;
}

static epode_status ask_slot(epode_client *c, upload *u, const char *service)
{
    ep_xw w;
    if (!ep_str_set(&u->service, service))
        return EPODE_ENOMEM;
    ep_request *r = step(c, &w, u->service, take_slot, u);
    ep_upload_write_request(&w, u->name, u->bytes, u->type);
    return step_send(c, r, &w, u);
}

/* --- for the application ------------------------------------------------------------------------------------ */

static epode_status begin(epode_client *c, upload *u)
{
    char *service;
    epode_status st = service_get(c, &service, &u->shown.max_bytes);
    if (st < 0)
        return st;
    u->found = service != NULL;
    st = service ? ask_slot(c, u, service) : search(c, u);
    ep_free(service);
    return st;
}

epode_status epode_upload_slot(epode_client *c, const char *name, uint64_t bytes, const char *type, epode_upload_fn *done,
                               void *user)
{
    if (c->freed || c->suspended || !ep_client_can_send(c))
        return EPODE_ESTATE;
    if (!name || !*name || !bytes || !done || !ep_xml_valid(name, strlen(name)) ||
        (type && !ep_xml_valid(type, strlen(type))))
        return EPODE_EINVAL;
    upload *u = ep_calloc(1, sizeof *u);
    if (!u)
        return EPODE_ENOMEM;
    u->done = done;
    u->user = user;
    u->bytes = bytes;
    epode_status st = ep_str_set(&u->name, name) && ep_str_set(&u->type, type) ? EPODE_OK : EPODE_ENOMEM;
    ep_loop_enter(c->loop);
    ep_client_begin(c);
    if (!st)
        st = begin(c, u);
    ep_client_schedule(c);
    ep_loop_leave(c->loop);
    /* Where one of the search's requests has left, the outcome is told. */
    if (st && u->pending)
        return EPODE_OK;
    if (st)
        upload_free(u);
    return st;
}

bool epode_upload_header(const epode_upload *shown, size_t i, const char **name, const char **value)
{
    /* It is the first part of what it was made from. */
    const upload *u = (const upload *)(const void *)shown;
    if (i >= shown->header_count)
        return false;
    *name = u->slot.headers[i].name;
    *value = u->slot.headers[i].value;
    return true;
}
