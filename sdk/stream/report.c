/* report.c: what the owner may ask of a stream. */
#include "base/str.h"
#include "stream/engine.h"

ep_stream_state ep_stream_state_of(const ep_stream *s)
{
    return s->state;
}

const ep_error *ep_stream_error(const ep_stream *s)
{
    return &s->error;
}

bool ep_stream_was_guessing(const ep_stream *s)
{
    return ep_stream_guess(s) != NULL;
}

/* What stood behind RFC 6120's bind came before a resource was bound: a server may end the stream for that (RFC 6120, 7.1),
 * and jabberd 2 does, whatever it was. */
static bool spoke_too_soon(const ep_stream *s)
{
    return (s->written & EP_STEP_BIND) && s->bind == EP_BIND_NONE &&
           (s->written & (EP_STEP_CARBONS | EP_STEP_ENABLE | EP_STEP_STANZAS)) && s->error.status == EPODE_ESTREAM &&
           ep_streq(s->error.condition, "not-authorized");
}

const char *ep_stream_guess(const ep_stream *s)
{
    if (s->upgrading)
        return "upgrade";
    if (spoke_too_soon(s))
        return "behind-bind";
    /* Stanzas stand behind all that was sent ahead: until that was taken, they are not at fault. Behind a login that
     * failed they may end the stream, until another one has succeeded. */
    bool before = ep_streq(s->guess, "legacy-pipelining") || ep_streq(s->guess, "session-features");
    if (!before && (s->behind_open || (s->behind && !s->auth_done)))
        return "stanzas-behind-authentication";
    return s->guess;
}

bool ep_stream_had_tasks(const ep_stream *s)
{
    return s->had_tasks;
}

const char *ep_stream_jid(const ep_stream *s)
{
    return s->jid;
}

ep_bind_kind ep_stream_bind_kind(const ep_stream *s)
{
    return s->bind;
}

const ep_sasl_mech *ep_stream_mech(const ep_stream *s)
{
    return s->plan.mech;
}

ep_token_use ep_stream_token_use(const ep_stream *s)
{
    return s->token_use;
}

bool ep_stream_has_sm(const ep_stream *s)
{
    return s->sm_on;
}

bool ep_stream_has_carbons(const ep_stream *s)
{
    return s->carbons_on;
}

bool ep_stream_has_csi(const ep_stream *s)
{
    return s->csi_known;
}

const ep_stream_lacks *ep_stream_lacks_of(const ep_stream *s)
{
    return &s->lacks;
}

const ep_features *ep_stream_features(const ep_stream *s, bool after)
{
    if (after)
        return s->has_live_after ? &s->live_after : NULL;
    return s->has_live ? &s->live : NULL;
}

size_t ep_stream_flights(const ep_stream *s, const ep_flight **out)
{
    *out = s->flights;
    return s->flight_count;
}

unsigned ep_stream_waits(const ep_stream *s)
{
    return s->waits;
}

bool ep_stream_pipelined(const ep_stream *s)
{
    return s->pipelined;
}

bool ep_stream_legacy_pipelined(const ep_stream *s)
{
    return s->legacy_pipelined;
}
