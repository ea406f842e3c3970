/* presence_kept.c: the presence of others, kept for who resumes the session: that may be another process, and the server
 * says nothing of it again. */
#include <string.h>

#include "client/internal.h"
#include "xmpp/ns.h"

epode_status ep_client_presence_keep(epode_client *c, const char *full, const ep_elem *e)
{
    ep_buf xml = EP_BUF_INIT;
    if (!c->stream || !ep_stream_has_sm(c->stream))
        return EPODE_OK;
    ep_elem_write(&xml, e, EP_NS_CLIENT);
    epode_status st = xml.failed ? EPODE_ENOMEM
                                 : ep_store_fact_put(c->store, EP_FACT_PRESENCE, full, ep_buf_ptr(&xml), xml.len, 0);
    ep_buf_free(&xml);
    return st < 0 ? st : EPODE_OK;
}

typedef struct forgetting {
    epode_client *c;
    const char *jid;
    size_t len;
} forgetting;

static epode_status forget_row(const ep_fact *fact, void *user)
{
    forgetting *f = user;
    bool of = strncmp(fact->key, f->jid, f->len) == 0 && (!fact->key[f->len] || fact->key[f->len] == '/');
    epode_status st = of ? ep_store_fact_del(f->c->store, EP_FACT_PRESENCE, fact->key) : EPODE_OK;
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_client_presence_drop(epode_client *c, const char *jid)
{
    forgetting f = { c, jid, strlen(jid) };
    bool all = !jid[ep_jid_bare_len(jid)];
    if (!c->stream || !ep_stream_has_sm(c->stream))
        return EPODE_OK;
    epode_status st = all ? ep_store_fact_each(c->store, EP_FACT_PRESENCE, forget_row, &f)
                          : ep_store_fact_del(c->store, EP_FACT_PRESENCE, jid);
    return st < 0 ? st : EPODE_OK;
}

/* Which of equal priority was the latest is not known any more. */
static epode_status load_row(const ep_fact *fact, void *user)
{
    epode_client *c = user;
    ep_arena arena = { 0 };
    ep_presence in;
    const ep_elem *e = ep_elem_parse(&arena, fact->data, fact->len, EP_NS_CLIENT);
    epode_status st = EPODE_OK;
    if (e) {
        ep_presence_read(&in, e);
        st = ep_client_presence_there(c, fact->key, &in);
    }
    ep_arena_free(&arena);
    return st;
}

epode_status ep_client_presence_load(epode_client *c)
{
    epode_status st = ep_store_fact_each(c->store, EP_FACT_PRESENCE, load_row, c);
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_client_presence_reset(epode_client *c)
{
    epode_status st = ep_store_fact_del_kind(c->store, EP_FACT_PRESENCE);
    return st < 0 ? st : EPODE_OK;
}
