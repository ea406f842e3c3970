/* strophe.c: epode/strophe.h, and what the application's connection callback is told. */
#include "epode/strophe.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "loop/process.h"

#define IDLE_MS_MAX 60000

/* --- options ------------------------------------------------------------------------------ */

epode_status epode_strophe_set(epode_client *c, const epode_strophe_options *given)
{
    const uint32_t known = EPODE_STROPHE_RECONNECT | EPODE_STROPHE_SENDS_BY_EPODE | EPODE_STROPHE_KEEP_SIGPIPE;
    epode_strophe_options o = { 0 };
    if (c->freed || c->bridge)
        return EPODE_ESTATE;
    if (!given || given->size < sizeof(size_t))
        return EPODE_EINVAL;
    memcpy(&o, given, given->size < sizeof o ? given->size : sizeof o);
    if (o.idle_ms > IDLE_MS_MAX || (o.flags & ~known))
        return EPODE_EINVAL;
    c->strophe = o;
    return EPODE_OK;
}

epode_status epode_client_use_ctx(epode_client *c, xmpp_ctx_t *ctx)
{
    if (c->freed || (c->ctx && !c->ctx_is_lent))
        return EPODE_ESTATE;
    c->ctx = ctx;
    c->ctx_is_lent = ctx != NULL;
    return EPODE_OK;
}

/* --- connecting ---------------------------------------------------------------------------- */

/* A JID that was set for libstrophe's own login must be the client's; with none there is nothing to compare. */
static bool is_own_jid(const epode_client *c, const char *text)
{
    ep_jid jid;
    if (!text)
        return true;
    if (ep_jid_parse(&jid, text))
        return false;
    bool same = strcmp(jid.bare, c->jid.bare) == 0 || (!jid.local && strcmp(jid.domain, c->jid.domain) == 0);
    ep_jid_free(&jid);
    return same;
}

epode_status epode_strophe_connect(epode_client *c, xmpp_conn_t *conn, xmpp_conn_handler callback, void *userdata)
{
    if (!conn || (xmpp_conn_get_flags(conn) & (long)(XMPP_CONN_FLAG_DISABLE_TLS | XMPP_CONN_FLAG_TRUST_TLS)) ||
        !is_own_jid(c, xmpp_conn_get_jid(conn)))
        return EPODE_EINVAL;
    if (c->freed || c->suspended || c->bridge || c->net || c->state != EPODE_STOPPED || !xmpp_conn_is_disconnected(conn))
        return EPODE_ESTATE;
    if (!(c->strophe.flags & EPODE_STROPHE_KEEP_SIGPIPE))
        ep_process_ignore_sigpipe();
    epode_status st = ep_bridge_open(c, conn, &c->strophe, callback, userdata);
    if (st)
        return st;
    if (!c->ctx)
        epode_client_use_ctx(c, c->bridge->ctx);
    ep_loop_enter(c->loop);
    c->wish = true;
    c->conflict_retried = false;
    ep_client_start_connection(c);
    ep_loop_leave(c->loop);
    ep_ticks_soon(c->bridge->ticks);
    return EPODE_OK;
}

/* --- telling --------------------------------------------------------------------------------- */

static void note(ep_bridge *b, bool connect, bool last)
{
    /* More than these only come where nobody looks: what is left tells of the end. */
    if (b->tell_count == EP_BRIDGE_TELLS) {
        memmove(b->tells, b->tells + 2, sizeof *b->tells * (EP_BRIDGE_TELLS - 2));
        b->tell_count -= 2;
        b->tell_committed -= b->tell_committed < 2 ? b->tell_committed : 2;
    }
    b->tells[b->tell_count].connect = connect;
    b->tells[b->tell_count++].last = last;
    b->said_connect = connect;
}

void ep_bridge_state(epode_client *c, epode_state state)
{
    ep_bridge *b = c->bridge;
    if (!b)
        return;
    if (state == EPODE_READY)
        note(b, true, false);
    else if (state == EPODE_OFFLINE && b->said_connect)
        note(b, false, false);
    else if (state == EPODE_STOPPED)
        note(b, false, true);
    ep_ticks_soon(b->ticks);
}

void ep_bridge_committed(epode_client *c)
{
    if (c->bridge)
        c->bridge->tell_committed = c->bridge->tell_count;
}

/* DISCONNECT is told when the connection can be used anew. */
static bool may_tell(const ep_bridge *b)
{
    return b->tell_committed && (b->tells[0].connect || ep_conn_is_idle(b->link));
}

bool ep_bridge_has_news(const epode_client *c)
{
    return c->bridge && may_tell(c->bridge);
}

static xmpp_error_type_t error_type(const char *condition)
{
    static const struct {
        const char *condition;
        xmpp_error_type_t type;
    } rows[] = {
        { "bad-format", XMPP_SE_BAD_FORMAT },
        { "bad-namespace-prefix", XMPP_SE_BAD_NS_PREFIX },
        { "conflict", XMPP_SE_CONFLICT },
        { "connection-timeout", XMPP_SE_CONN_TIMEOUT },
        { "host-gone", XMPP_SE_HOST_GONE },
        { "host-unknown", XMPP_SE_HOST_UNKNOWN },
        { "improper-addressing", XMPP_SE_IMPROPER_ADDR },
        { "internal-server-error", XMPP_SE_INTERNAL_SERVER_ERROR },
        { "invalid-from", XMPP_SE_INVALID_FROM },
        { "invalid-id", XMPP_SE_INVALID_ID },
        { "invalid-namespace", XMPP_SE_INVALID_NS },
        { "invalid-xml", XMPP_SE_INVALID_XML },
        { "not-authorized", XMPP_SE_NOT_AUTHORIZED },
        { "policy-violation", XMPP_SE_POLICY_VIOLATION },
        { "remote-connection-failed", XMPP_SE_REMOTE_CONN_FAILED },
        { "resource-constraint", XMPP_SE_RESOURCE_CONSTRAINT },
        { "restricted-xml", XMPP_SE_RESTRICTED_XML },
        { "see-other-host", XMPP_SE_SEE_OTHER_HOST },
        { "system-shutdown", XMPP_SE_SYSTEM_SHUTDOWN },
        { "unsupported-encoding", XMPP_SE_UNSUPPORTED_ENCODING },
        { "unsupported-stanza-type", XMPP_SE_UNSUPPORTED_STANZA_TYPE },
        { "unsupported-version", XMPP_SE_UNSUPPORTED_VERSION },
        { "xml-not-well-formed", XMPP_SE_XML_NOT_WELL_FORMED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].condition, condition) == 0)
            return rows[i].type;
    return XMPP_SE_UNDEFINED_CONDITION;
}

/* As libstrophe has it where it logs in by itself. */
static xmpp_stream_error_t stream_error_of(xmpp_stanza_t *stanza)
{
    xmpp_stream_error_t e = { XMPP_SE_UNDEFINED_CONDITION, NULL, stanza };
    for (xmpp_stanza_t *it = xmpp_stanza_get_children(stanza); it; it = xmpp_stanza_get_next(it)) {
        const char *ns = xmpp_stanza_get_ns(it), *name = xmpp_stanza_get_name(it);
        if (!name || !ep_streq(ns, XMPP_NS_STREAMS_IETF))
            continue;
        if (strcmp(name, "text") == 0)
            e.text = xmpp_stanza_get_text(it);
        else
            e.type = error_type(name);
    }
    return e;
}

static void tell_disconnect(epode_client *c, bool last)
{
    ep_bridge *b = c->bridge;
    xmpp_conn_t *conn = b->conn;
    xmpp_conn_handler callback = b->callback;
    xmpp_ctx_t *ctx = b->ctx;
    void *userdata = b->userdata;
    xmpp_stanza_t *stanza = ep_conn_last_error(b->link);
    int error = b->error;
    if (stanza)
        xmpp_stanza_clone(stanza);
    /* The application may connect again in there. */
    if (last)
        ep_bridge_leave(c);
    xmpp_stream_error_t e = { 0 };
    if (stanza)
        e = stream_error_of(stanza);
    if (callback)
        callback(conn, XMPP_CONN_DISCONNECT, error, stanza ? &e : NULL, userdata);
    if (e.text)
        xmpp_free(ctx, e.text);
    if (stanza)
        xmpp_stanza_release(stanza);
}

void ep_bridge_tell(epode_client *c)
{
    while (!c->freed && ep_bridge_has_news(c)) {
        ep_bridge *b = c->bridge;
        bool connect = b->tells[0].connect, last = b->tells[0].last, said = b->told_connect || !b->told_any;
        memmove(b->tells, b->tells + 1, sizeof *b->tells * (EP_BRIDGE_TELLS - 1));
        b->tell_count--;
        b->tell_committed--;
        b->told_connect = connect;
        b->told_any = true;
        if (connect && b->callback)
            b->callback(b->conn, XMPP_CONN_CONNECT, 0, NULL, b->userdata);
        else if (!connect && said)
            tell_disconnect(c, last);
        else if (last)
            ep_bridge_leave(c);
    }
}
