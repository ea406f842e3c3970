/* blocking.c: the account's block list (XEP-0191): asked for once in a session, kept by pushes, as facts. */
#include "xmpp/blocking.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "epode/blocking.h"
#include "xmpp/disco.h"
#include "xmpp/ns.h"

static void emit(epode_client *c, const char *jid, bool blocked)
{
    epode_event ev = { .type = EPODE_EV_BLOCKING, .peer = jid, .blocked = blocked };
    ep_client_emit(c, &ev);
}

static epode_status add(epode_client *c, const char *jid)
{
    ep_buf none = EP_BUF_INIT;
    epode_status st = ep_store_fact_get(c->store, EP_FACT_BLOCKED, jid, &none, NULL);
    ep_buf_free(&none);
    if (st != EPODE_DONE)
        return st;
    st = ep_store_fact_put(c->store, EP_FACT_BLOCKED, jid, "", 0, 0);
    if (st >= 0)
        emit(c, jid, true);
    return st < 0 ? st : EPODE_OK;
}

/* Takes out who is in the list, or (but) who is not; list NULL: everybody. */
typedef struct removal {
    epode_client *c;
    const ep_blocked *list;
    bool but;
} removal;

static epode_status remove_row(const ep_fact *fact, void *user)
{
    removal *r = user;
    if (r->list && ep_blocked_has(r->list, fact->key) == r->but)
        return EPODE_OK;
    epode_status st = ep_store_fact_del(r->c->store, EP_FACT_BLOCKED, fact->key);
    if (st >= 0)
        emit(r->c, fact->key, false);
    return st < 0 ? st : EPODE_OK;
}

static epode_status take_out(epode_client *c, const ep_blocked *list, bool but)
{
    removal r = { c, list, but };
    epode_status st = ep_store_fact_each(c->store, EP_FACT_BLOCKED, remove_row, &r);
    return st < 0 ? st : EPODE_OK;
}

static epode_status add_all(epode_client *c, const ep_blocked *list)
{
    epode_status st = EPODE_OK;
    for (size_t i = 0; st >= 0 && i < list->count; i++)
        st = add(c, list->jids[i]);
    return st < 0 ? st : EPODE_OK;
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static epode_status take_whole(epode_client *c, const ep_elem *list)
{
    ep_blocked blocked;
    ep_arena arena = { 0 };
    size_t skipped;
    epode_status st = ep_blocked_read(&blocked, list, &arena, &skipped);
    if (skipped)
        ep_log_line(&c->log, EP_LOG_WARN, "client", "%zu entries of the block list that are none were skipped", skipped);
    if (!st)
        st = take_out(c, &blocked, true);
    if (st >= 0)
        st = add_all(c, &blocked);
    ep_arena_free(&arena);
    return st;
}

static void tell_failed(epode_client *c, const ep_reply *reply, bool timeout)
{
    ep_error err = { 0 };
    if (timeout)
        ep_fail(&err, EPODE_ETIMEOUT, 0, "the server did not answer with the block list");
    else
        ep_fail(&err, EPODE_ESTANZA, 0, "the server refused the block list: %s", reply->condition);
    ep_error_set_condition(&err, reply->condition);
    epode_event ev = { .type = EPODE_EV_BLOCKING, .error = &err };
    ep_client_emit(c, &ev);
}

static epode_status take_list(epode_client *c, const ep_reply *reply, void *user)
{
    (void)user;
    c->block_list = EP_ROSTER_NOT_ASKED;
    if (reply->outcome == EPODE_IQ_CANCELLED)
        return EPODE_OK;
    const ep_elem *list = reply->outcome == EPODE_IQ_RESULT ? ep_elem_child(reply->iq, "blocklist", EP_NS_BLOCKING) : NULL;
    if (!list) {
        c->block_list = EP_ROSTER_REFUSED;
        tell_failed(c, reply, reply->outcome == EPODE_IQ_TIMEOUT);
        return EPODE_OK;
    }
    epode_status st = take_whole(c, list);
    if (st >= 0)
        st = ep_store_fact_put(c->store, EP_FACT_BLOCK_LIST, "", "", 0, 0);
    if (st < 0)
        return st;
    c->block_list = EP_ROSTER_CURRENT;
    emit(c, NULL, false);
    return EPODE_OK;
}

/* The server sends pushes to who asked: in a session that goes on, that may have been an earlier process. */
static epode_status is_current(epode_client *c, bool *current)
{
    ep_buf text = EP_BUF_INIT;
    epode_status st = ep_store_fact_get(c->store, EP_FACT_BLOCK_LIST, "", &text, NULL);
    *current = st == EPODE_OK;
    ep_buf_free(&text);
    return st < 0 ? st : EPODE_OK;
}

static epode_status ask(epode_client *c)
{
    ep_xw w;
    ep_request *r = ep_request_open(c, &w, "get", NULL, take_list, NULL);
    ep_xw_leaf(&w, "blocklist", EP_NS_BLOCKING, NULL);
    epode_status st = ep_request_send(c, r, &w, 0);
    if (!st)
        c->block_list = EP_ROSTER_ASKED;
    return st;
}

epode_status ep_client_blocking_ask(epode_client *c)
{
    bool current = false, resumed = c->stream && ep_stream_bind_kind(c->stream) == EP_BIND_RESUMED;
    if (!c->blocking || c->block_list != EP_ROSTER_NOT_ASKED || !c->domain_can.known ||
        !ep_disco_has(ep_buf_ptr(&c->domain_can.list), EP_NS_BLOCKING))
        return EPODE_OK;
    epode_status st = resumed ? is_current(c, &current) : EPODE_OK;
    if (current)
        c->block_list = EP_ROSTER_CURRENT;
    return st < 0 || current ? st : ask(c);
}

epode_status ep_client_blocking_reset(epode_client *c)
{
    c->block_list = EP_ROSTER_NOT_ASKED;
    epode_status st = ep_store_fact_del(c->store, EP_FACT_BLOCK_LIST, "");
    return st < 0 ? st : EPODE_OK;
}

/* --- pushes ---------------------------------------------------------------------------------------------- */

bool ep_client_is_block_push(const epode_client *c, const ep_elem *iq)
{
    const ep_elem *list;
    return c->blocking && ep_block_push(iq, &list) != EP_BLOCK_NONE;
}

epode_status ep_client_take_block_push(epode_client *c, const ep_elem *iq)
{
    ep_blocked blocked;
    ep_arena arena = { 0 };
    const ep_elem *list;
    size_t skipped;
    ep_block_change change = ep_block_push(iq, &list);
    epode_status st = ep_blocked_read(&blocked, list, &arena, &skipped);
    bool wrong = !st && (skipped || (change == EP_BLOCK_ADD && !blocked.count));
    if (!st && !wrong && change == EP_BLOCK_ADD)
        st = add_all(c, &blocked);
    else if (!st && !wrong)
        st = take_out(c, change == EP_BLOCK_REMOVE_ALL ? NULL : &blocked, false);
    ep_arena_free(&arena);
    return st < 0 ? st : ep_client_answer_push(c, iq, wrong ? "bad-request" : NULL);
}

/* --- for the application ---------------------------------------------------------------------------------- */

static void free_all(char **jids, size_t count)
{
    for (size_t i = 0; jids && i < count; i++)
        ep_free(jids[i]);
    ep_free(jids);
}

static epode_status prepare(const char *const *jids, size_t count, char ***out)
{
    epode_status st = EPODE_OK;
    *out = ep_calloc(count + 1, sizeof **out);
    if (!*out)
        return EPODE_ENOMEM;
    for (size_t i = 0; !st && i < count; i++)
        (*out)[i] = ep_blocked_jid(jids[i], &st);
    return st;
}

static epode_status change(epode_client *c, bool remove, const char *const *jids, size_t count, epode_iq_fn *done,
                           void *user, uint64_t *id)
{
    ep_xw w;
    char **prepared;
    if (c->freed || c->suspended || !ep_client_can_send(c))
        return EPODE_ESTATE;
    epode_status st = prepare(jids, count, &prepared);
    if (st) {
        free_all(prepared, count);
        return st;
    }
    ep_loop_enter(c->loop);
    ep_client_begin(c);
    c->blocking = true;
    /* XEP-0191, 3.2: the list before any change of it. */
    st = ep_client_blocking_ask(c);
    if (st >= 0) {
        ep_request *r = ep_request_open(c, &w, "set", NULL, NULL, NULL);
        ep_block_write(&w, remove, (const char *const *)prepared, count);
        uint64_t number = r ? ep_request_number(r) : 0;
        if (r && done)
            ep_request_for(r, done, user);
        st = ep_request_send(c, r, &w, 0);
        if (!st && id)
            *id = number;
    }
    ep_client_schedule(c);
    ep_loop_leave(c->loop);
    free_all(prepared, count);
    return st;
}

epode_status epode_block(epode_client *c, const char *const *jids, size_t count, epode_iq_fn *done, void *user,
                         uint64_t *id)
{
    return count ? change(c, false, jids, count, done, user, id) : EPODE_EINVAL;
}

epode_status epode_unblock(epode_client *c, const char *const *jids, size_t count, epode_iq_fn *done, void *user,
                           uint64_t *id)
{
    return change(c, true, jids, count, done, user, id);
}

typedef struct blocked_run {
    bool (*each)(const char *jid, void *user);
    void *user;
} blocked_run;

static epode_status blocked_row(const ep_fact *fact, void *user)
{
    blocked_run *run = user;
    return run->each(fact->key, run->user) ? EPODE_OK : EPODE_DONE;
}

epode_status epode_store_blocked(epode_store *s, bool (*each)(const char *jid, void *user), void *user)
{
    blocked_run run = { each, user };
    epode_status st = ep_store_fact_each(s->store, EP_FACT_BLOCKED, blocked_row, &run);
    return st < 0 ? st : EPODE_OK;
}

static epode_status is_there(epode_store *s, const char *jid)
{
    ep_buf none = EP_BUF_INIT;
    epode_status st = ep_store_fact_get(s->store, EP_FACT_BLOCKED, jid, &none, NULL);
    ep_buf_free(&none);
    return st;
}

epode_status epode_store_is_blocked(epode_store *s, const char *jid)
{
    ep_jid who;
    epode_status st = ep_jid_parse(&who, jid);
    if (st)
        return st;
    char *full = who.resource ? ep_asprintf("%s/%s", who.bare, who.resource) : ep_strdup(who.bare);
    char *at_domain = who.resource ? ep_asprintf("%s/%s", who.domain, who.resource) : ep_strdup(who.domain);
    const char *tries[] = { full, who.bare, at_domain, who.domain };
    st = full && at_domain ? EPODE_DONE : EPODE_ENOMEM;
    for (size_t i = 0; st == EPODE_DONE && i < sizeof tries / sizeof *tries; i++)
        st = is_there(s, tries[i]);
    ep_free(full);
    ep_free(at_domain);
    ep_jid_free(&who);
    return st;
}
