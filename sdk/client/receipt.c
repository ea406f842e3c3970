/* receipt.c: that a message arrived, told to who asked and may know (XEP-0184). */
#include "base/str.h"
#include "client/internal.h"
#include "xml/writer.h"
#include "xmpp/message.h"
#include "xmpp/ns.h"

/* XEP-0184, 8: a receipt tells that we are there, so it is for those who may see our presence. */
static epode_status may_know(epode_client *c, const char *from, bool *may)
{
    *may = c->flags & EPODE_RECEIPTS_TO_ALL;
    return *may ? EPODE_OK : ep_client_is_seen_by(c, from, may);
}

static bool wants(const epode_client *c, const ep_message *m)
{
    bool answered = m->type == EP_MESSAGE_NORMAL || m->type == EP_MESSAGE_CHAT || m->type == EP_MESSAGE_HEADLINE;
    /* XEP-0184, 5.4: never for a receipt, or the two would go on for ever. */
    return m->wants_receipt && answered && m->id && m->from && !m->muc_private && m->effect != EP_EFFECT_RECEIVED &&
           !ep_jid_same_bare(m->from, c->jid.bare);
}

epode_status ep_client_receipt(epode_client *c, const ep_elem *message)
{
    ep_message m;
    bool may = false;
    ep_message_read(&m, message, NULL);
    if ((c->flags & EPODE_NO_RECEIPTS) || !ep_client_can_send(c) || !wants(c, &m))
        return EPODE_OK;
    epode_status st = may_know(c, m.from, &may);
    if (st < 0 || !may)
        return st;
    ep_buf_clear(&c->scratch);
    ep_xw w = ep_xw_init(&c->scratch);
    ep_xw_open(&w, "message", NULL);
    ep_xw_attr(&w, "type", ep_elem_attr(message, "type"));
    ep_xw_attr(&w, "to", m.from);
    ep_xw_open(&w, "received", EP_NS_RECEIPTS);
    ep_xw_attr(&w, "id", m.id);
    ep_xw_close(&w);
    ep_xw_close(&w);
    return ep_client_send_writer(c, EP_STANZA_MESSAGE, NULL, &w);
}
