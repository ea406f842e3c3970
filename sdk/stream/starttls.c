/* starttls.c: the preface of STARTTLS. */
#include "stream/starttls.h"

#include "base/alloc.h"
#include "base/str.h"
#include "xml/parser.h"
#include "xml/writer.h"
#include "xmpp/bound.h"
#include "xmpp/ns.h"

struct ep_starttls {
    char *domain;
    ep_xml_parser *parser;
    ep_error error;
    bool proceed;
};

static ep_xml_next on_header(void *user, const ep_elem *h)
{
    ep_starttls *s = user;
    if (ep_elem_is(h, "stream", EP_NS_STREAM))
        return EP_XML_GO;
    ep_fail(&s->error, EPODE_EPROTO, 0, "this is not an XMPP server: its first element is no stream");
    return EP_XML_STOP;
}

static ep_xml_next on_element(ep_starttls *s, const ep_elem *e)
{
    if (ep_elem_is(e, "features", EP_NS_STREAM)) {
        /* Nothing else of these features is believed: they were not protected. */
        if (ep_elem_child(e, "starttls", EP_NS_TLS))
            return EP_XML_GO;
        ep_fail(&s->error, EPODE_ETLS, 0, "the server offers no STARTTLS on this port");
    } else if (ep_elem_is(e, "proceed", EP_NS_TLS)) {
        s->proceed = true;
    } else if (ep_elem_is(e, "failure", EP_NS_TLS)) {
        ep_fail(&s->error, EPODE_ETLS, 0, "the server refused STARTTLS");
    } else if (ep_elem_is(e, "error", EP_NS_STREAM)) {
        ep_fail(&s->error, EPODE_ESTREAM, 0, "the server ended the stream before TLS");
        ep_error_set_condition(&s->error, ep_condition_of(e));
    } else {
        ep_fail(&s->error, EPODE_EPROTO, 0, "the server sent something that does not belong before TLS");
    }
    return EP_XML_STOP;
}

static ep_xml_next on_parsed(void *user, ep_elem *e)
{
    return on_element(user, e);
}

static void on_end(void *user)
{
    ep_starttls *s = user;
    if (!s->proceed && !s->error.status)
        ep_fail(&s->error, EPODE_ESTREAM, 0, "the server closed the stream before TLS");
}

ep_starttls *ep_starttls_new(const char *domain)
{
    static const ep_xml_events events = { on_header, on_parsed, on_end };
    /* Nothing here needs to be long, and nobody has proved who it is yet. */
    static const ep_xml_limits limits = { .max_depth = 16, .max_attrs = 32, .max_stanza_bytes = 64u << 10,
                                          .max_token_bytes = 16u << 10 };
    ep_starttls *s = ep_calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->domain = ep_strdup(domain);
    s->parser = ep_xml_parser_new(&limits, &events, s);
    if (s->domain && s->parser)
        return s;
    ep_starttls_free(s);
    return NULL;
}

void ep_starttls_free(ep_starttls *s)
{
    if (!s)
        return;
    ep_free(s->domain);
    ep_xml_parser_free(s->parser);
    ep_free(s);
}

epode_status ep_starttls_begin(ep_starttls *s, ep_buf *out)
{
    /* No "from" before TLS: it would name the user in clear. */
    ep_buf_puts(out, "<?xml version='1.0'?><stream:stream to='");
    ep_xml_escape(out, s->domain, strlen(s->domain));
    ep_buf_puts(out, "' version='1.0' xmlns='" EP_NS_CLIENT "' xmlns:stream='" EP_NS_STREAM
                     "'><starttls xmlns='" EP_NS_TLS "'/>");
    return out->failed ? EPODE_ENOMEM : EPODE_OK;
}

static epode_status starttls_result(const ep_starttls *s, ep_error *err)
{
    if (s->error.status && err)
        *err = s->error;
    return s->error.status ? s->error.status : s->proceed ? EPODE_OK : EPODE_AGAIN;
}

epode_status ep_starttls_feed(ep_starttls *s, const char *data, size_t n, size_t *consumed, ep_error *err)
{
    epode_status st = ep_xml_parser_feed(s->parser, data, n, consumed, err);
    return st && !s->error.status ? st : starttls_result(s, err);
}

epode_status ep_starttls_element(ep_starttls *s, const ep_elem *e, ep_error *err)
{
    on_element(s, e);
    return starttls_result(s, err);
}
