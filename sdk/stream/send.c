/* send.c: what goes out in a session: stanzas, acknowledgements, client state. */
#include "stream/engine.h"
#include "xmpp/ns.h"

uint64_t ep_stream_next_out(const ep_stream *s)
{
    return s->sm_on ? s->out_n + 1 : 0;
}

epode_status ep_stream_send(ep_stream *s, const char *xml, size_t len, bool resend)
{
    if (s->state != EP_S_READY)
        return EPODE_ESTATE;
    ep_buf_add(&s->out, xml, len);
    if (s->sm_on && !resend)
        s->out_n++;
    return s->out.failed ? EPODE_ENOMEM : EPODE_OK;
}

epode_status ep_stream_ack(ep_stream *s, uint32_t h)
{
    if (!s->sm_on || s->state != EP_S_READY)
        return EPODE_ESTATE;
    ep_buf_printf(&s->out, "<a xmlns='" EP_NS_SM "' h='%u'/>", h);
    return s->out.failed ? EPODE_ENOMEM : EPODE_OK;
}

epode_status ep_stream_request_ack(ep_stream *s)
{
    if (!s->sm_on || s->state != EP_S_READY)
        return EPODE_ESTATE;
    ep_buf_puts(&s->out, "<r xmlns='" EP_NS_SM "'/>");
    return s->out.failed ? EPODE_ENOMEM : EPODE_OK;
}

epode_status ep_stream_space(ep_stream *s)
{
    if (s->state != EP_S_READY)
        return EPODE_ESTATE;
    ep_buf_putc(&s->out, ' ');
    return s->out.failed ? EPODE_ENOMEM : EPODE_OK;
}

epode_status ep_stream_set_active(ep_stream *s, bool active)
{
    if (s->state != EP_S_READY)
        return EPODE_ESTATE;
    if (!s->csi_known)
        return EPODE_OK;
    ep_buf_printf(&s->out, "<%s xmlns='" EP_NS_CSI "'/>", active ? "active" : "inactive");
    return s->out.failed ? EPODE_ENOMEM : EPODE_OK;
}
