/* oauth.c: OAUTHBEARER (RFC 7628): a bearer token in one message, and what the server says when it refuses it. */
#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sasl/exchange.h"

epode_status ep_bearer_initial(ep_sasl *s, ep_buf *out, ep_error *err)
{
    if (!s->bearer || !*s->bearer)
        return ep_fail(err, EPODE_EAUTH, 0, "an OAuth token is needed");
    /* RFC 6750, 2.1: what a token may be made of; anything else could end the field. */
    for (const char *c = s->bearer; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-._~+/=", *c))
            return ep_fail(err, EPODE_EINVAL, 0, "the OAuth token has characters that none may have");
    ep_buf_puts(out, "n,");
    if (s->jid) {
        ep_buf_puts(out, "a=");
        ep_sasl_put_name(out, s->jid);
    }
    ep_buf_printf(out, ",\x01%s%s\x01\x01", "auth=Bearer ", s->bearer);
    return out->failed ? EPODE_ENOMEM : EPODE_OK;
}

/* The value of "status" in a JSON object, as far as it is one of the error codes that OAuth has; for people. */
static void bearer_refusal(ep_sasl *s, const char *json)
{
    const char *at = strstr(json, "\"status\"");
    at = at ? at + strlen("\"status\"") : "";
    at += strspn(at, " \t\r\n:");
    size_t n = *at == '"' ? strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;
    if (!n || n >= sizeof s->refusal || at[1 + n] != '"')
        return;
    memcpy(s->refusal, at + 1, n);
    s->refusal[n] = '\0';
}

/* The only challenge is a refusal; RFC 7628, 3.2.3: it is answered by %x01, and the failure follows. */
epode_status ep_bearer_step(ep_sasl *s, const char *challenge, size_t n, ep_buf *out, ep_error *err)
{
    char *json;
    if (s->refused)
        return ep_fail(err, EPODE_EPROTO, 0, "the server refused the OAuth token twice");
    if (!(json = ep_strndup(challenge, n)))
        return ep_fail(err, EPODE_ENOMEM, 0, "out of memory");
    bearer_refusal(s, json);
    ep_free(json);
    s->refused = true;
    ep_buf_putc(out, '\x01');
    return out->failed ? EPODE_ENOMEM : EPODE_OK;
}

const char *ep_sasl_refusal(const ep_sasl *s)
{
    return s ? s->refusal : "";
}
