/* contact_caps.c: what those who are there can do (XEP-0115): asked when somebody wants to know, once per hash. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "xmpp/disco.h"
#include "xmpp/ns.h"

#define OWN_MAX (32 * 1024) /* of one whose answer serves nobody else */

/* A question that is out. */
typedef struct inquiry {
    char *full, *caps; /* caps NULL: it told no hash */
} inquiry;

static void inquiry_free(inquiry *q)
{
    ep_free(q->full);
    ep_free(q->caps);
    ep_free(q);
}

static void told(epode_client *c, const epode_iq_answer *answer, void *user)
{
    (void)c;
    (void)answer;
    inquiry_free(user);
}

/* Everybody of whom the answer speaks; only: that one. */
static void each_of(epode_client *c, const inquiry *q, bool only, void (*fn)(epode_client *c, ep_resource_there *r))
{
    ep_resource_there *one = ep_presence_find(&c->presences, q->full);
    if (one && ep_streq(one->caps, q->caps))
        fn(c, one);
    if (only || !q->caps)
        return;
    for (size_t i = 0; i < EP_PRESENCE_BUCKETS; i++)
        EP_LIST_EACH(at, &c->presences.at[i]) {
            ep_resource_there *r = EP_LIST_OF(at, ep_resource_there, node);
            if (r != one && ep_streq(r->caps, q->caps))
                fn(c, r);
        }
}

static void answered(epode_client *c, ep_resource_there *r)
{
    char *bare = r->awaited ? ep_strndup(r->shown.jid, r->bare_len) : NULL;
    epode_event ev = { .type = EPODE_EV_CAPS, .peer = bare, .from = r->shown.jid };
    if (bare)
        ep_client_emit(c, &ev);
    r->asked = r->awaited = false;
    ep_free(bare);
}

/* Its word is believed of itself alone. */
static epode_status keep_own(epode_client *c, const inquiry *q, const ep_buf *list)
{
    ep_resource_there *r = ep_presence_find(&c->presences, q->full);
    if (!r || !ep_streq(r->caps, q->caps))
        return EPODE_OK;
    ep_buf_clear(&r->features);
    if (list->len && list->len <= OWN_MAX)
        ep_buf_add(&r->features, ep_buf_ptr(list), list->len);
    else
        ep_disco_features(&r->features, NULL);
    return ep_buf_cstr(&r->features) ? EPODE_OK : EPODE_ENOMEM;
}

static epode_status verify(const inquiry *q, const ep_elem *query)
{
    char hash[32];
    const char *ver = q->caps ? strchr(q->caps, ' ') : NULL;
    if (!ver || (size_t)(ver - q->caps) >= sizeof hash)
        return EPODE_DONE;
    snprintf(hash, sizeof hash, "%.*s", (int)(ver - q->caps), q->caps);
    return ep_disco_verify(query, hash, ver + 1);
}

static epode_status take_info(epode_client *c, const ep_reply *reply, void *user)
{
    inquiry *q = user;
    ep_buf list = EP_BUF_INIT;
    if (reply->outcome == EPODE_IQ_CANCELLED) {
        ep_resource_there *r = ep_presence_find(&c->presences, q->full);
        if (r)
            r->asked = false;
        return EPODE_OK;
    }
    const ep_elem *query = reply->outcome == EPODE_IQ_RESULT
                               ? ep_elem_child(reply->iq, "query", EP_NS_DISCO_INFO) : NULL;
    epode_status st = query ? ep_disco_features(&list, query) : EPODE_OK, fits = EPODE_DONE;
    if (st == EPODE_ELIMIT) {
        ep_buf_clear(&list);
        st = EPODE_OK;
    } else if (!st && query) {
        st = fits = verify(q, query);
    }
    if (st >= 0)
        st = fits == EPODE_OK ? ep_store_fact_put(c->store, EP_FACT_DISCO, q->caps, ep_buf_ptr(&list), list.len, 0)
                              : keep_own(c, q, &list);
    ep_buf_free(&list);
    if (st >= 0)
        each_of(c, q, fits != EPODE_OK, answered);
    return st < 0 ? st : EPODE_OK;
}

static inquiry *inquiry_new(const ep_resource_there *r)
{
    inquiry *q = ep_calloc(1, sizeof *q);
    if (q && (q->full = ep_strdup(r->shown.jid)) && (!r->caps || (q->caps = ep_strdup(r->caps))))
        return q;
    if (q)
        inquiry_free(q);
    return NULL;
}

static epode_status ask(epode_client *c, ep_resource_there *r)
{
    ep_xw w;
    ep_buf node = EP_BUF_INIT;
    inquiry *q = inquiry_new(r);
    if (!q)
        return EPODE_ENOMEM;
    if (r->caps)
        ep_buf_printf(&node, "%s#%s", r->shown.caps_node, strchr(r->caps, ' ') + 1);
    ep_request *req = ep_request_open(c, &w, "get", q->full, take_info, q);
    if (req)
        ep_request_for(req, told, q);
    ep_xw_open(&w, "query", EP_NS_DISCO_INFO);
    if (r->caps)
        ep_xw_attr(&w, "node", ep_buf_cstr(&node));
    ep_xw_close(&w);
    if (node.failed)
        w.status = EPODE_ENOMEM;
    epode_status st = ep_request_send(c, req, &w, 0);
    r->asked = !st;
    if (st)
        inquiry_free(q);
    ep_buf_free(&node);
    return st;
}

/* From what is known, here or in the store; nobody is asked. */
static epode_status look(epode_client *c, const ep_resource_there *r, const char *feature, ep_caps_known *known)
{
    ep_buf list = EP_BUF_INIT;
    epode_status st = EPODE_OK;
    *known = EP_CAPS_UNKNOWN;
    if (r->features.len) {
        *known = ep_disco_has(ep_buf_ptr(&r->features), feature) ? EP_CAPS_YES : EP_CAPS_NO;
    } else if (r->caps) {
        st = ep_store_fact_get(c->store, EP_FACT_DISCO, r->caps, &list, NULL);
        if (st == EPODE_OK && !ep_buf_cstr(&list))
            st = EPODE_ENOMEM;
        if (st == EPODE_OK)
            *known = ep_disco_has(ep_buf_ptr(&list), feature) ? EP_CAPS_YES : EP_CAPS_NO;
    }
    ep_buf_free(&list);
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_client_peer_can(epode_client *c, const char *jid, const char *feature, ep_caps_known *known)
{
    size_t len = ep_jid_bare_len(jid);
    ep_list *bucket = ep_presence_bucket(&c->presences, jid, len);
    epode_status st = EPODE_OK;
    *known = EP_CAPS_UNKNOWN;
    EP_LIST_EACH(at, bucket) {
        const ep_resource_there *r = EP_LIST_OF(at, ep_resource_there, node);
        ep_caps_known one;
        if (r->bare_len != len || memcmp(r->shown.jid, jid, len) != 0 || (jid[len] && strcmp(r->shown.jid, jid) != 0))
            continue;
        if ((st = look(c, r, feature, &one)) < 0)
            return st;
        /* One that can is enough; that none can is known only if each of them said so. */
        if (one == EP_CAPS_YES) {
            *known = one;
            return EPODE_OK;
        }
        *known = *known == EP_CAPS_UNKNOWN && one == EP_CAPS_NO ? EP_CAPS_NO : *known;
    }
    return EPODE_OK;
}

/* The same question is out already, to somebody with the same hash. */
static bool is_asked(const epode_client *c, const ep_resource_there *r)
{
    if (r->asked || !r->caps)
        return r->asked;
    for (size_t i = 0; i < EP_PRESENCE_BUCKETS; i++)
        for (ep_list *at = c->presences.at[i].next; at != &c->presences.at[i]; at = at->next) {
            const ep_resource_there *o = EP_LIST_OF(at, ep_resource_there, node);
            if (o->asked && ep_streq(o->caps, r->caps))
                return true;
        }
    return false;
}

static epode_status contact_has(epode_client *c, const char *full, const char *feature)
{
    ep_caps_known known;
    ep_resource_there *r = ep_presence_find(&c->presences, full);
    if (!r)
        return EPODE_ESTATE;
    epode_status st = look(c, r, feature, &known);
    if (st < 0 || known != EP_CAPS_UNKNOWN)
        return st < 0 ? st : known == EP_CAPS_YES ? EPODE_OK : EPODE_DONE;
    if (!ep_client_can_send(c))
        return EPODE_ESTATE;
    if (!is_asked(c, r))
        st = ask(c, r);
    r->awaited = r->awaited || !st;
    return st ? st : EPODE_AGAIN;
}

epode_status epode_contact_has(epode_client *c, const char *jid, const char *feature)
{
    ep_jid who;
    if (c->freed || c->suspended)
        return EPODE_ESTATE;
    if (!feature)
        return EPODE_EINVAL;
    epode_status st = ep_jid_parse(&who, jid);
    if (st)
        return st;
    char *full = who.resource ? ep_asprintf("%s/%s", who.bare, who.resource) : ep_strdup(who.bare);
    ep_loop_enter(c->loop);
    st = full ? contact_has(c, full, feature) : EPODE_ENOMEM;
    ep_loop_leave(c->loop);
    ep_free(full);
    ep_jid_free(&who);
    return st;
}
