/* presence_kept.c: the presence of others, kept for who resumes the session: that may be another process, and the server
 * says nothing of it again. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
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

/* --- our own --------------------------------------------------------------------------------------------- */

/* Whether it is still to be sent, show, priority, status. */
epode_status ep_client_own_keep(epode_client *c)
{
    ep_presences *p = &c->presences;
    ep_buf data = EP_BUF_INIT;
    ep_buf_printf(&data, "%d %d %d %s", p->own_due, (int)p->own.show, p->own.priority, p->own_status ? p->own_status : "");
    epode_status st = data.failed ? EPODE_ENOMEM
                                  : ep_store_fact_put(c->store, EP_FACT_OWN_PRESENCE, "", ep_buf_ptr(&data), data.len, 0);
    ep_buf_free(&data);
    p->own_unkept = st < 0;
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_client_own_load(epode_client *c)
{
    ep_presences *p = &c->presences;
    ep_buf data = EP_BUF_INIT;
    int due, show, priority, n = 0;
    epode_status st = ep_store_fact_get(c->store, EP_FACT_OWN_PRESENCE, "", &data, NULL);
    if (st == EPODE_OK && !ep_buf_cstr(&data))
        st = EPODE_ENOMEM;
    if (st == EPODE_OK && sscanf(ep_buf_ptr(&data), "%d %d %d%n", &due, &show, &priority, &n) == 3 && n) {
        const char *status = ep_buf_ptr(&data) + n;
        status += *status == ' ';
        st = ep_str_set(&p->own_status, *status ? status : NULL) ? EPODE_OK : EPODE_ENOMEM;
        p->own = (ep_own){ (ep_show)show, p->own_status, priority };
        p->own_set = !(c->flags & EPODE_NO_PRESENCE);
        p->own_due = due && p->own_set;
    }
    ep_buf_free(&data);
    return st < 0 ? st : EPODE_OK;
}
