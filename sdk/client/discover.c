/* discover.c: disco#info of the domain, asked once per version (XEP-0115, 6.3), and of the account itself. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "client/internal.h"
#include "xmpp/disco.h"
#include "xmpp/ns.h"

/* Where no version is told, or what is missing may be learnt without a new one, it is asked again after a while. */
#define AGAIN_AFTER_MS (7 * 24 * 3600 * 1000LL)

const ep_features *ep_client_features(const epode_client *c)
{
    const ep_features *live = c->stream ? ep_stream_features(c->stream, true) : NULL;
    if (live)
        return live;
    if (c->memory.has_session_features)
        return &c->memory.session_features;
    return c->has_kept_features ? &c->kept_features : NULL;
}

void ep_client_keep_features(epode_client *c)
{
    ep_features_free(&c->kept_features);
    c->has_kept_features = c->memory.has_session_features;
    if (c->has_kept_features)
        c->kept_features = c->memory.session_features;
    c->memory.has_session_features = false;
    memset(&c->memory.session_features, 0, sizeof c->memory.session_features);
}

/* "hash ver" of the domain; "" where it tells none, or none that is believable. */
static void version_now(const epode_client *c, char out[160])
{
    const ep_features *f = ep_client_features(c);
    if (!(f && (f->bits & EP_F_CAPS)) && c->stream)
        f = ep_stream_features(c->stream, false);
    bool told = f && (f->bits & EP_F_CAPS) && f->caps_hash && f->caps_ver && *f->caps_ver;
    if (!told || snprintf(out, 160, "%s %s", f->caps_hash, f->caps_ver) >= 160)
        out[0] = '\0';
}

/* --- the account ------------------------------------------------------------------------------------------ */

/* XEP-0359, 6: who stamps archive ids says so in its own disco#info. */
static void trust(epode_client *c)
{
    const char *list = ep_buf_ptr(&c->account_can.list);
    if (c->account_can.known)
        c->trust_ids = ep_disco_has(list, EP_NS_MAM) && ep_disco_has(list, EP_NS_SID) ? EP_HABIT_YES : EP_HABIT_NO;
}

/* "VERSION" and a list. Stores of before have a word in its place. */
static bool account_parse(epode_client *c, ep_buf *text)
{
    ep_known *k = &c->account_can;
    const char *data = ep_buf_cstr(text);
    const char *list = data ? strchr(data, EP_DISCO_SEPARATOR) : NULL;
    k->known = list && (size_t)(list - data) < sizeof k->version;
    if (!k->known) {
        c->trust_ids = ep_streq(data, "archive-ids")      ? EP_HABIT_YES
                       : ep_streq(data, "no-archive-ids") ? EP_HABIT_NO
                                                          : EP_HABIT_UNKNOWN;
        return data != NULL;
    }
    snprintf(k->version, sizeof k->version, "%.*s", (int)(list - data), data);
    ep_buf_clear(&k->list);
    ep_buf_puts(&k->list, list);
    if (!ep_buf_cstr(&k->list))
        return false;
    trust(c);
    return true;
}

epode_status ep_client_discover_load(epode_client *c)
{
    ep_buf text = EP_BUF_INIT;
    int64_t expires = 0;
    if (c->account_can.known)
        return EPODE_OK;
    epode_status st = ep_store_fact_get(c->store, EP_FACT_ACCOUNT_DISCO, c->jid.bare, &text, &expires);
    if (st == EPODE_OK && !account_parse(c, &text))
        st = EPODE_ENOMEM;
    c->account_can.stale = expires && expires <= ep_client_wall_ms();
    ep_buf_free(&text);
    return st < 0 ? st : EPODE_OK;
}

static epode_status account_store(epode_client *c)
{
    ep_known *k = &c->account_can;
    ep_buf data = EP_BUF_INIT;
    bool lasting = k->version[0] && c->trust_ids == EP_HABIT_YES;
    ep_buf_puts(&data, k->version);
    ep_buf_add(&data, ep_buf_ptr(&k->list), k->list.len);
    epode_status st = data.failed ? EPODE_ENOMEM
                                  : ep_store_fact_put(c->store, EP_FACT_ACCOUNT_DISCO, c->jid.bare, ep_buf_ptr(&data),
                                                      data.len, lasting ? 0 : ep_client_wall_ms() + AGAIN_AFTER_MS);
    ep_buf_free(&data);
    return st;
}

static epode_status take_account(epode_client *c, const ep_reply *reply, void *user)
{
    ep_known *k = &c->account_can;
    (void)user;
    k->asked = false;
    if (reply->outcome == EPODE_IQ_CANCELLED || reply->outcome == EPODE_IQ_TIMEOUT)
        return EPODE_OK;
    ep_buf_clear(&k->list);
    epode_status st = ep_disco_features(&k->list, ep_elem_child(reply->iq, "query", EP_NS_DISCO_INFO));
    if (st == EPODE_ELIMIT) { /* nobody's answer: as if it could nothing */
        ep_buf_clear(&k->list);
        st = ep_disco_features(&k->list, NULL);
    }
    if (st)
        return st;
    k->known = true;
    k->stale = false;
    version_now(c, k->version);
    trust(c);
    return account_store(c);
}

static epode_status ask_account(epode_client *c)
{
    ep_xw w;
    ep_request *r = ep_request_open(c, &w, "get", c->jid.bare, take_account, NULL);
    ep_xw_leaf(&w, "query", EP_NS_DISCO_INFO, NULL);
    epode_status st = ep_request_send(c, r, &w, 0);
    c->account_can.asked = !st;
    return st;
}

/* --- the domain ------------------------------------------------------------------------------------------- */

static epode_status ask_domain(epode_client *c, bool with_node);

/* The key under which everybody's answer of that version is kept; where there is none, the domain's own. */
static const char *domain_key(const epode_client *c)
{
    return c->domain_can.version[0] ? c->domain_can.version : c->jid.domain;
}

static epode_status domain_store(epode_client *c, const ep_elem *query)
{
    ep_known *k = &c->domain_can;
    char hash[160];
    snprintf(hash, sizeof hash, "%s", k->version);
    char *ver = strchr(hash, ' ');
    if (ver)
        *ver++ = '\0';
    epode_status st = ver ? ep_disco_verify(query, hash, ver) : EPODE_OK;
    k->session_only = st != EPODE_OK;
    if (st == EPODE_DONE)
        ep_log_line(&c->log, EP_LOG_INFO, "client", "the server's capabilities are not those of their hash");
    if (st == EPODE_OK)
        st = ep_store_fact_put(c->store, EP_FACT_DISCO, domain_key(c), ep_buf_ptr(&k->list), k->list.len,
                               ver ? 0 : ep_client_wall_ms() + AGAIN_AFTER_MS);
    return st < 0 ? st : EPODE_OK;
}

static epode_status take_domain(epode_client *c, const ep_reply *reply, void *user)
{
    ep_known *k = &c->domain_can;
    bool with_node = user != NULL;
    const ep_elem *query = ep_elem_child(reply->iq, "query", EP_NS_DISCO_INFO);
    k->asked = false;
    if (reply->outcome == EPODE_IQ_CANCELLED || reply->outcome == EPODE_IQ_TIMEOUT)
        return EPODE_OK;
    /* Some know only themselves, and no node of theirs. */
    if (reply->outcome == EPODE_IQ_ERROR && with_node && ep_client_can_send(c))
        return ask_domain(c, false);
    ep_buf_clear(&k->list);
    epode_status st = ep_disco_features(&k->list, query);
    if (st && st != EPODE_ELIMIT)
        return st;
    k->known = true;
    k->session_only = true;
    if (st == EPODE_OK && reply->outcome == EPODE_IQ_RESULT) {
        st = domain_store(c, query);
        /* What waited for that. */
        return st < 0 || !ep_client_can_send(c) ? st : ep_client_blocking_ask(c);
    }
    ep_buf_clear(&k->list);
    return ep_disco_features(&k->list, NULL);
}

static epode_status ask_domain(epode_client *c, bool with_node)
{
    ep_xw w;
    ep_buf node = EP_BUF_INIT;
    const ep_features *f = ep_client_features(c);
    const char *ver = strchr(c->domain_can.version, ' ');
    with_node = with_node && ver && f && f->caps_node;
    if (with_node)
        ep_buf_printf(&node, "%s#%s", f->caps_node, ver + 1);
    ep_request *r = ep_request_open(c, &w, "get", c->jid.domain, take_domain, with_node ? c : NULL);
    ep_xw_open(&w, "query", EP_NS_DISCO_INFO);
    if (with_node)
        ep_xw_attr(&w, "node", ep_buf_cstr(&node));
    ep_xw_close(&w);
    if (node.failed)
        w.status = EPODE_ENOMEM;
    epode_status st = ep_request_send(c, r, &w, 0);
    c->domain_can.asked = !st;
    ep_buf_free(&node);
    return st;
}

/* From the store, if that version was ever verified. */
static epode_status domain_load(epode_client *c)
{
    ep_known *k = &c->domain_can;
    int64_t expires = 0;
    ep_buf_clear(&k->list);
    epode_status st = ep_store_fact_get(c->store, EP_FACT_DISCO, domain_key(c), &k->list, &expires);
    if (st == EPODE_OK && !ep_buf_cstr(&k->list))
        st = EPODE_ENOMEM;
    k->known = st == EPODE_OK && (!expires || expires > ep_client_wall_ms());
    k->session_only = false;
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_client_discover(epode_client *c)
{
    ep_known *d = &c->domain_can, *a = &c->account_can;
    char now[160];
    epode_status st = EPODE_OK;
    version_now(c, now);
    bool told = ep_client_features(c) != NULL;
    if (!a->asked && (!a->known || a->stale || (told && !ep_streq(a->version, now))))
        st = ask_account(c);
    if (st < 0 || !told || d->asked || (d->known && ep_streq(d->version, now)))
        return st;
    snprintf(d->version, sizeof d->version, "%s", now);
    st = domain_load(c);
    return st < 0 || d->known ? st : ask_domain(c, true);
}

void ep_client_discover_reset(epode_client *c)
{
    if (c->domain_can.session_only)
        c->domain_can.known = false;
}

void ep_client_discover_free(epode_client *c)
{
    ep_buf_free(&c->domain_can.list);
    ep_buf_free(&c->account_can.list);
    ep_features_free(&c->kept_features);
}

/* --- for the application ---------------------------------------------------------------------------------- */

static epode_status has(const ep_known *k, const char *feature)
{
    if (!feature)
        return EPODE_EINVAL;
    return !k->known ? EPODE_AGAIN : ep_disco_has(ep_buf_ptr(&k->list), feature) ? EPODE_OK : EPODE_DONE;
}

epode_status epode_client_server_has(const epode_client *c, const char *feature)
{
    return has(&c->domain_can, feature);
}

epode_status epode_client_account_has(const epode_client *c, const char *feature)
{
    return has(&c->account_can, feature);
}
