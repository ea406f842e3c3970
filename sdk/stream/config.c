/* config.c: what a stream was given: its own copies, wiped when they are done with, and the facts that a plan is made of. */
#include <string.h>

#include "base/alloc.h"
#include "stream/engine.h"

/* NULL stays NULL; false: no memory, and *to is NULL. */
static bool copy_str(ep_stream *s, const char **to, const char *from)
{
    *to = from ? ep_arena_strndup(&s->strings, from, strlen(from)) : NULL;
    return !from || *to;
}

static bool copy_features(ep_features *to, const ep_features *from, bool *has)
{
    *has = from != NULL;
    return !from || ep_features_copy(to, from);
}

bool ep_stream_take_config(ep_stream *s, const ep_stream_config *c)
{
    ep_stream_config *to = &s->c;
    const struct {
        const char **to, *from;
    } strings[] = {
        { &to->domain, c->domain },       { &to->username, c->username },
        { &to->resource, c->resource },   { &to->tag, c->tag },
        { &to->software, c->software },   { &to->user_agent_id, c->user_agent_id },
        { &to->device, c->device },       { &to->password, c->password },
        { &to->token, c->token },         { &to->sm_id, c->sm_id },
        { &to->bearer, c->bearer },       { &to->authzid, c->authzid },
        { &to->sent_config_version, c->sent_config_version },
    };
    bool ok = true;
    *to = *c;
    /* Every pointer leads to a copy of our own before anything can fail: what is freed is wiped. */
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        ok = copy_str(s, strings[i].to, strings[i].from) && ok;
    ep_scram_keys *keys = c->facts.keys ? ep_arena_alloc(&s->strings, sizeof *keys) : NULL;
    if (keys)
        *keys = *c->facts.keys;
    to->facts.keys = keys;
    return ok && (keys || !c->facts.keys) && copy_features(&s->known, c->facts.features, &s->has_known) &&
           copy_features(&s->known_after, c->facts.session_features, &s->has_known_after);
}

static void wipe_str(const char *secret)
{
    if (secret)
        ep_wipe((char *)(uintptr_t)secret, strlen(secret));
}

void ep_stream_forget_secrets(ep_stream *s)
{
    wipe_str(s->c.password);
    wipe_str(s->c.bearer);
    s->c.password = s->c.bearer = NULL;
}

bool ep_stream_keep_secret(ep_stream *s, const char **field, const char *secret)
{
    return copy_str(s, field, secret);
}

void ep_stream_free_config(ep_stream *s)
{
    ep_features_free(&s->known);
    ep_features_free(&s->known_after);
    wipe_str(s->c.password);
    wipe_str(s->c.token);
    wipe_str(s->c.bearer);
    wipe_str(s->c.sm_id);
    if (s->c.facts.keys)
        ep_wipe((ep_scram_keys *)(uintptr_t)s->c.facts.keys, sizeof *s->c.facts.keys);
    ep_arena_free(&s->strings);
}

ep_facts ep_stream_facts(const ep_stream *s, bool live)
{
    ep_facts f = s->c.facts;
    f.live = live;
    f.features = live ? &s->live : s->has_known ? &s->known : NULL;
    f.session_features = s->has_live_after ? &s->live_after : s->has_known_after ? &s->known_after : NULL;
    f.refused_mechs = s->refused;
    f.cb_set = ep_cb_set(&s->c.cb);
    f.have_password = s->c.password != NULL;
    f.have_bearer = s->c.bearer != NULL;
    if (s->token_refused || !s->c.token)
        f.token_mech = NULL;
    if (s->keys_refused)
        f.keys = NULL;
    f.resumable = s->c.facts.resumable && s->c.sm_id;
    return f;
}
