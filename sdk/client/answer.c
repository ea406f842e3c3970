/* answer.c: what others ask this client. */
#include "xmpp/answer.h"

#include "client/internal.h"

static ep_self self_now(const epode_client *c)
{
    ep_self self = { .version = EPODE_VERSION, .now_ms = ep_client_wall_ms() };
    self.offset_min = ep_loop_wall_offset_min(self.now_ms);
    if (!c->active)
        self.idle_s = (uint64_t)(ep_loop_now_us(c->loop) - c->left_us) / 1000000;
    return self;
}

/* Our own devices, and contacts who may see our presence. */
static epode_status is_known(epode_client *c, const char *from, bool *known)
{
    *known = !from || ep_jid_same_bare(from, c->jid.bare);
    return *known ? EPODE_OK : ep_client_is_seen_by(c, from, known);
}

epode_status ep_client_answer_iq(epode_client *c, const ep_elem *iq)
{
    ep_caps caps = ep_client_caps(c);
    ep_self self = self_now(c);
    ep_buf answer = EP_BUF_INIT;
    bool known = false;
    epode_status st = ep_answer_is_private(iq) ? is_known(c, ep_elem_attr(iq, "from"), &known) : EPODE_OK;
    if (!st && ep_answer_iq(&answer, iq, &caps, &self, known) && ep_client_can_send(c))
        st = answer.failed ? EPODE_ENOMEM
                           : ep_client_send_text(c, EP_STANZA_IQ, NULL, ep_buf_ptr(&answer), answer.len);
    ep_buf_free(&answer);
    return st;
}
