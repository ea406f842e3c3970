/* iq.c: the application's own requests. */
#include "base/str.h"
#include "client/internal.h"
#include "strophe/stanza.h"
#include "xmpp/ns.h"

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
    ep_request *r = ep_request_new(c, ep_elem_attr(e, "to"), &st);
    if (!r)
        return st;
    ep_request_for(r, done, user);
    ep_buf_clear(&c->scratch);
    write_own(&c->scratch, e, ep_request_id(r));
    uint64_t most = ep_client_max_bytes(c), number = ep_request_number(r);
    st = c->scratch.failed ? EPODE_ENOMEM : most && c->scratch.len > most ? EPODE_ELIMIT : EPODE_OK;
    if (st) {
        ep_request_drop(r);
        return st;
    }
    st = ep_request_enter(c, r, timeout_ms, ep_buf_ptr(&c->scratch), c->scratch.len);
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
    if (c->freed || c->suspended)
        return EPODE_ESTATE;
    ep_loop_enter(c->loop);
    bool was = ep_request_cancel(c, id);
    ep_loop_leave(c->loop);
    return was ? EPODE_OK : EPODE_DONE;
}
