/* roster.c: the account's contacts: asked for with a version, kept by pushes (RFC 6121, 2). */
#include "store/roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "epode/roster.h"
#include "xmpp/ns.h"
#include "xmpp/roster.h"

/* Facts beside the contacts: which version they are of, and that they are those of the session that goes on. */
#define KEY_VERSION ""
#define KEY_SESSION "session"

static void emit(epode_client *c, const char *jid, unsigned changed)
{
    epode_event ev = { .type = EPODE_EV_ROSTER, .peer = jid, .roster = changed };
    if (changed)
        ep_client_emit(c, &ev);
}

static epode_status removed(const char *jid, void *user)
{
    emit(user, jid, EPODE_ROSTER_REMOVED);
    return EPODE_OK;
}

static epode_status put_version(epode_client *c, const char *ver)
{
    if (!ver)
        return ep_store_fact_del(c->store, EP_FACT_ROSTER_VER, KEY_VERSION);
    return ep_store_fact_put(c->store, EP_FACT_ROSTER_VER, KEY_VERSION, ver, strlen(ver), 0);
}

static epode_status put_item(epode_client *c, const ep_roster_item *item)
{
    unsigned changed = 0;
    epode_status st;
    if (item->remove) {
        st = ep_roster_del(c->store, item->jid);
        changed = st == EPODE_OK ? EPODE_ROSTER_REMOVED : 0;
    } else {
        ep_contact contact = { .jid = item->jid, .name = item->name, .ask = item->ask, .approved = item->approved,
                               .groups = item->groups };
        contact.subscription = (item->to ? EP_ROSTER_TO : 0) | (item->from ? EP_ROSTER_FROM : 0);
        st = ep_roster_put(c->store, &contact, &changed);
    }
    if (st >= 0)
        emit(c, item->jid, changed);
    return st < 0 ? st : EPODE_OK;
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static epode_status take_whole(epode_client *c, const ep_elem *query)
{
    ep_arena arena = { 0 };
    epode_status st = ep_roster_begin(c->store);
    EP_ELEM_EACH(e, query) {
        ep_roster_item item;
        if (st < 0 || !ep_elem_is(e, "item", EP_NS_ROSTER))
            continue;
        ep_arena_reset(&arena);
        st = ep_roster_item_read(&item, e, EP_ROSTER_SEPARATOR, &arena);
        if (st == EPODE_EPROTO || (!st && item.remove)) {
            ep_log_line(&c->log, EP_LOG_WARN, "client", "an entry of the roster that is none was skipped");
            st = EPODE_OK;
        } else if (!st) {
            st = put_item(c, &item);
        }
    }
    if (st >= 0)
        st = ep_roster_end(c->store, removed, c);
    if (st >= 0)
        st = put_version(c, ep_elem_attr(query, "ver"));
    ep_arena_free(&arena);
    return st < 0 ? st : EPODE_OK;
}

static void tell_failed(epode_client *c, const ep_reply *reply)
{
    ep_error err = { 0 };
    if (reply->outcome == EPODE_IQ_TIMEOUT)
        ep_fail(&err, EPODE_ETIMEOUT, 0, "the server did not answer with the roster");
    else
        ep_fail(&err, EPODE_ESTANZA, 0, "the server refused the roster: %s", reply->condition);
    ep_error_set_condition(&err, reply->condition);
    epode_event ev = { .type = EPODE_EV_ROSTER, .error = &err };
    ep_client_emit(c, &ev);
}

static epode_status take_roster(epode_client *c, const ep_reply *reply, void *user)
{
    (void)user;
    c->roster_state = EP_ROSTER_NOT_ASKED;
    if (reply->outcome == EPODE_IQ_CANCELLED)
        return EPODE_OK;
    if (reply->outcome != EPODE_IQ_RESULT) {
        c->roster_state = EP_ROSTER_REFUSED;
        tell_failed(c, reply);
        return EPODE_OK;
    }
    const ep_elem *query = ep_elem_child(reply->iq, "query", EP_NS_ROSTER);
    /* Without one: what is held is right, or the differences come as pushes (RFC 6121, 2.6.3). */
    epode_status st = query ? take_whole(c, query) : EPODE_OK;
    if (st >= 0)
        st = ep_store_fact_put(c->store, EP_FACT_ROSTER_VER, KEY_SESSION, "", 0, 0);
    if (st < 0)
        return st;
    c->roster_state = EP_ROSTER_CURRENT;
    epode_event ev = { .type = EPODE_EV_ROSTER, .roster = EPODE_ROSTER_CURRENT };
    ep_client_emit(c, &ev);
    return EPODE_OK;
}

/* In a session that goes on, the one who asked may have been an earlier process. */
static epode_status is_current(epode_client *c, bool *current)
{
    ep_buf text = EP_BUF_INIT;
    epode_status st = ep_store_fact_get(c->store, EP_FACT_ROSTER_VER, KEY_SESSION, &text, NULL);
    *current = st == EPODE_OK;
    ep_buf_free(&text);
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_client_roster_ask(epode_client *c, bool resumed)
{
    ep_xw w;
    ep_buf ver = EP_BUF_INIT;
    bool current = false;
    const ep_features *f = ep_client_features(c);
    if ((c->flags & EPODE_NO_ROSTER) || c->roster_state != EP_ROSTER_NOT_ASKED)
        return EPODE_OK;
    epode_status st = resumed ? is_current(c, &current) : EPODE_OK;
    if (st < 0 || current) {
        c->roster_state = current ? EP_ROSTER_CURRENT : EP_ROSTER_NOT_ASKED;
        return st;
    }
    if (f && (f->bits & EP_F_ROSTER_VER))
        st = ep_store_fact_get(c->store, EP_FACT_ROSTER_VER, KEY_VERSION, &ver, NULL);
    if (st < 0)
        return st;
    ep_request *r = ep_request_open(c, &w, "get", NULL, take_roster, NULL);
    ep_roster_write_get(f && (f->bits & EP_F_ROSTER_VER) ? ep_buf_cstr(&ver) : NULL, &w);
    st = ep_request_send(c, r, &w, 0);
    if (!st)
        c->roster_state = EP_ROSTER_ASKED;
    ep_buf_free(&ver);
    return st;
}

epode_status ep_client_roster_reset(epode_client *c)
{
    c->roster_state = EP_ROSTER_NOT_ASKED;
    epode_status st = ep_store_fact_del(c->store, EP_FACT_ROSTER_VER, KEY_SESSION);
    return st < 0 ? st : EPODE_OK;
}

/* --- pushes ---------------------------------------------------------------------------------------------- */

epode_status ep_client_answer_push(epode_client *c, const ep_elem *push, const char *condition)
{
    ep_buf_clear(&c->scratch);
    ep_xw w = ep_xw_init(&c->scratch);
    ep_xw_open(&w, "iq", NULL);
    ep_xw_attr(&w, "type", condition ? "error" : "result");
    ep_xw_attr(&w, "to", ep_elem_attr(push, "from"));
    ep_xw_attr(&w, "id", ep_elem_attr(push, "id"));
    if (condition) {
        ep_xw_open(&w, "error", NULL);
        ep_xw_attr(&w, "type", "modify");
        ep_xw_leaf(&w, condition, EP_NS_STANZA_ERRORS, NULL);
        ep_xw_close(&w);
    }
    ep_xw_close(&w);
    return ep_client_can_send(c) ? ep_client_send_writer(c, EP_STANZA_IQ, NULL, &w) : EPODE_OK;
}

bool ep_client_is_push(const epode_client *c, const ep_elem *iq)
{
    return !(c->flags & EPODE_NO_ROSTER) && ep_streq(ep_elem_attr(iq, "type"), "set") &&
           ep_elem_child(iq, "query", EP_NS_ROSTER);
}

epode_status ep_client_take_push(epode_client *c, const ep_elem *iq)
{
    ep_roster_item item;
    ep_arena arena = { 0 };
    const ep_elem *query = ep_elem_child(iq, "query", EP_NS_ROSTER), *e = ep_roster_push_item(query);
    const char *ver = ep_elem_attr(query, "ver");
    epode_status st = e ? ep_roster_item_read(&item, e, EP_ROSTER_SEPARATOR, &arena) : EPODE_EPROTO;
    bool wrong = st == EPODE_EPROTO;
    if (!st)
        st = put_item(c, &item);
    /* A version stands for the whole: of one that was never had there is none. */
    if (!st && ver && c->roster_state == EP_ROSTER_CURRENT)
        st = put_version(c, ver);
    ep_arena_free(&arena);
    if (st < 0 && !wrong)
        return st;
    return ep_client_answer_push(c, iq, wrong ? "bad-request" : NULL);
}

/* --- for the application ---------------------------------------------------------------------------------- */

typedef struct change {
    const char *jid, *name;
    const char *const *groups;
    size_t group_count;
    bool remove;
} change;

static void write_item(ep_xw *w, const change *k)
{
    ep_xw_open(w, "query", EP_NS_ROSTER);
    ep_xw_open(w, "item", NULL);
    ep_xw_attr(w, "jid", k->jid);
    ep_xw_attr(w, "subscription", k->remove ? "remove" : NULL);
    ep_xw_attr(w, "name", k->name && *k->name ? k->name : NULL);
    for (size_t i = 0; i < k->group_count; i++)
        ep_xw_leaf(w, "group", NULL, k->groups[i]);
    ep_xw_close(w);
    ep_xw_close(w);
}

/* A contact's JID as the roster has it; EPODE_EINVAL: it is none, or our own. */
static epode_status contact_jid(const epode_client *c, const char *text, ep_jid *out)
{
    epode_status st = ep_jid_parse(out, text);
    if (!st && (out->resource || strcmp(out->bare, c->jid.bare) == 0)) {
        ep_jid_free(out);
        st = EPODE_EINVAL;
    }
    return st;
}

static epode_status change_send(epode_client *c, change *k, epode_iq_fn *done, void *user, uint64_t *id)
{
    ep_jid jid;
    ep_xw w;
    if (c->freed || c->suspended)
        return EPODE_ESTATE;
    for (size_t i = 0; i < k->group_count; i++)
        if (!k->groups[i] || !*k->groups[i])
            return EPODE_EINVAL;
    epode_status st = contact_jid(c, k->jid, &jid);
    if (st)
        return st;
    ep_loop_enter(c->loop);
    k->jid = jid.bare;
    ep_request *r = ep_request_open(c, &w, "set", NULL, NULL, NULL);
    write_item(&w, k);
    uint64_t number = r ? ep_request_number(r) : 0;
    if (r && done)
        ep_request_for(r, done, user);
    st = ep_request_send(c, r, &w, 0);
    if (!st && id)
        *id = number;
    ep_loop_leave(c->loop);
    ep_jid_free(&jid);
    return st;
}

epode_status epode_roster_set(epode_client *c, const char *jid, const char *name, const char *const *groups,
                              size_t group_count, epode_iq_fn *done, void *user, uint64_t *id)
{
    change k = { .jid = jid, .name = name, .groups = groups, .group_count = group_count };
    return change_send(c, &k, done, user, id);
}

epode_status epode_roster_remove(epode_client *c, const char *jid, epode_iq_fn *done, void *user, uint64_t *id)
{
    change k = { .jid = jid, .remove = true };
    return change_send(c, &k, done, user, id);
}

static const char *const subscription_types[] = { "", "subscribe", "subscribed", "unsubscribe", "unsubscribed" };

epode_status epode_roster_subscription(epode_client *c, const char *jid, epode_subscription_step step)
{
    ep_jid to;
    if (c->freed || c->suspended)
        return EPODE_ESTATE;
    if (step < EPODE_SUBSCRIBE || step > EPODE_UNSUBSCRIBED)
        return EPODE_EINVAL;
    epode_status st = contact_jid(c, jid, &to);
    if (st)
        return st;
    ep_loop_enter(c->loop);
    ep_buf_clear(&c->scratch);
    ep_xw w = ep_xw_init(&c->scratch);
    ep_xw_open(&w, "presence", NULL);
    ep_xw_attr(&w, "type", subscription_types[step]);
    ep_xw_attr(&w, "to", to.bare);
    ep_xw_close(&w);
    st = ep_client_send_writer(c, EP_STANZA_PRESENCE, NULL, &w);
    ep_loop_leave(c->loop);
    ep_jid_free(&to);
    return st;
}

/* RFC 6121, 3: what the other side asks or answers is told; the roster itself follows by pushes. */
void ep_client_take_subscription(epode_client *c, const ep_elem *presence)
{
    ep_jid from;
    const char *type = ep_elem_attr(presence, "type");
    for (int step = EPODE_SUBSCRIBE; type && step <= EPODE_UNSUBSCRIBED; step++) {
        if (strcmp(type, subscription_types[step]) != 0 || ep_jid_parse(&from, ep_elem_attr(presence, "from")))
            continue;
        epode_event ev = { .type = EPODE_EV_SUBSCRIPTION, .peer = from.bare,
                           .subscription = (epode_subscription_step)step };
        ep_client_emit(c, &ev);
        ep_jid_free(&from);
        return;
    }
}
