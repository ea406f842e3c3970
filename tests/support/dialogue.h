/* dialogue.h: a script, what it has captured, and its lines of configuration. */
#ifndef EP_TEST_DIALOGUE_H
#define EP_TEST_DIALOGUE_H

#include "rig.h"

#define NAMES_MAX 16

typedef struct script {
    const char *path;
    bool bytewise;
    rig r;
    bool started;
    struct {
        char name[16], value[2048];
    } vars[NAMES_MAX];
    size_t var_count, log_at;
    ep_features features, session_features;
    ep_scram_keys keys;
    char strings[24][256];
    size_t string_count;
    int line;
} script;

#define DIALOGUES EPODE_SOURCE_DIR "/tests/dialogues/"

static void wrong(script *t, const char *what, const char *expected, const char *got)
{
    fail_msg("%s:%d (%s): %s\n  expected: %s\n  got:      %s", t->path, t->line,
             t->bytewise ? "byte by byte" : "whole", what, expected, got);
}

static char *read_all(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s: cannot be read", path);
    ep_buf b = EP_BUF_INIT;
    char part[4096];
    size_t n;
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        ep_buf_add(&b, part, n);
    fclose(f);
    return ep_buf_detach(&b);
}

/* The features of a file; "HEADER" in front of them is what every server says first. */
static char *features_text(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%sfeatures/%s.xml", DIALOGUES, name);
    char *text = read_all(path);
    text[strcspn(text, "\n")] = '\0';
    return text;
}

static void remember(ep_features *out, const char *name)
{
    char *text = features_text(name);
    ep_arena arena = { 0 };
    ep_buf bound = EP_BUF_INIT;
    /* As it is remembered: the prefix bound on the element itself. */
    ep_buf_puts(&bound, "<stream:features xmlns:stream='http://etherx.jabber.org/streams'>");
    ep_buf_puts(&bound, text + strlen("<stream:features>"));
    ep_elem *e = ep_elem_parse(&arena, ep_buf_ptr(&bound), bound.len, "jabber:client");
    assert_non_null(e);
    ep_features_free(out);
    assert_int_equal(ep_features_read(out, e), EPODE_OK);
    ep_buf_free(&bound);
    ep_arena_free(&arena);
    ep_free(text);
}

static char *var(script *t, const char *name)
{
    for (size_t i = 0; i < t->var_count; i++)
        if (strcmp(t->vars[i].name, name) == 0)
            return t->vars[i].value;
    return NULL;
}

static void set_var(script *t, const char *name, const char *value, size_t n)
{
    char *old = var(t, name);
    assert_true(n < sizeof t->vars[0].value && strlen(name) < sizeof t->vars[0].name);
    if (!old) {
        assert_true(t->var_count < NAMES_MAX);
        snprintf(t->vars[t->var_count].name, sizeof t->vars[0].name, "%s", name);
        old = t->vars[t->var_count++].value;
    }
    memcpy(old, value, n);
    old[n] = '\0';
}

/* ---- configuration ---- */

static const char *keep(script *t, const char *value)
{
    assert_true(t->string_count < COUNT(t->strings) && strlen(value) < sizeof t->strings[0]);
    return memcpy(t->strings[t->string_count++], value, strlen(value) + 1);
}

static void set_token(script *t, char *value)
{
    char token[128], mech[32];
    long long issued_s = 0, expires_s = 0;
    assert_true(sscanf(value, "%127s %31s %lld %lld", token, mech, &issued_s, &expires_s) >= 2);
    t->r.c.token = keep(t, token);
    t->r.c.facts.token_mech = ep_sasl_mech_named(mech);
    t->r.c.facts.token_issued_ms = issued_s * 1000;
    t->r.c.facts.token_expires_ms = expires_s * 1000;
    assert_non_null(t->r.c.facts.token_mech);
}

static void set_resume(script *t, const char *value)
{
    char id[128];
    unsigned h;
    unsigned long long out, acked;
    assert_int_equal(sscanf(value, "%127s h=%u out=%llu acked=%llu", id, &h, &out, &acked), 4);
    t->r.c.sm_id = keep(t, id);
    t->r.c.sm_h = h;
    t->r.c.sm_out = out;
    t->r.c.sm_out_acked = acked;
    t->r.c.facts.resumable = true;
}

static void set_cb_types(script *t, const char *value)
{
    rig_set_cb(&t->r.c.cb, (strstr(value, "expr") ? EP_CB_EXPR : 0) |
                               (strstr(value, "endp") ? EP_CB_ENDP : 0) |
                               (strstr(value, "uniq") ? EP_CB_UNIQ : 0));
}

static bool set_flag(script *t, const char *key, bool on)
{
    ep_policy *p = &t->r.c.policy;
    struct {
        const char *key;
        bool *flag;
    } rows[] = { { "plain", &p->allow_plain },
                 { "carbons", &p->want_carbons },
                 { "sm", &p->want_sm },
                 { "inactive", &p->inactive },
                 { "no-fast-path", &p->no_fast_path },
                 { "no-upgrade", &p->no_upgrade },
                 { "certificate", &t->r.c.facts.have_certificate },
                 { "ask", &t->r.c.facts.can_ask },
                 { "invalidate-token", &t->r.c.token_invalidate } };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (strcmp(rows[i].key, key) == 0) {
            *rows[i].flag = on;
            return true;
        }
    return false;
}

static bool set_string(script *t, const char *key, const char *value)
{
    struct {
        const char *key;
        const char **field;
    } rows[] = { { "password", &t->r.c.password },
                 { "bearer", &t->r.c.bearer },
                 { "authzid", &t->r.c.authzid },
                 { "tag", &t->r.c.tag },
                 { "resource", &t->r.c.resource },
                 { "config-version", &t->r.c.sent_config_version },
                 { "user-agent", &t->r.c.user_agent_id },
                 { "software", &t->r.c.software },
                 { "device", &t->r.c.device } };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (strcmp(rows[i].key, key) == 0) {
            *rows[i].field = strcmp(value, "none") == 0 ? NULL : keep(t, value);
            return true;
        }
    return false;
}

/* Keys that fit what the script's server says first, but are of another password. */
static void set_stale_keys(script *t, const char *mechanism)
{
    t->keys =
        (ep_scram_keys){ .salt = "saltsalt", .salt_len = 8, .iterations = 4096, .key_len = 20 };
    snprintf(t->keys.mechanism, sizeof t->keys.mechanism, "%s", mechanism);
    t->r.c.facts.keys = &t->keys;
}

static void configure(script *t, char *key)
{
    static const char *const classes[] = { "none", "plain", "scram", "scram-cb", "external" };
    char *value = key + strcspn(key, " ");
    if (*value)
        *value++ = '\0';
    if (strcmp(key, "remember") == 0) {
        remember(&t->features, value);
        t->r.c.facts.features = &t->features;
    } else if (strcmp(key, "remember-session") == 0) {
        remember(&t->session_features, value);
        t->r.c.facts.session_features = &t->session_features;
    } else if (strcmp(key, "token") == 0) {
        set_token(t, value);
    } else if (strcmp(key, "count") == 0) {
        t->r.c.token_count = strtoull(value, NULL, 10);
    } else if (strcmp(key, "now") == 0) {
        t->r.c.facts.now_ms = strtoll(value, NULL, 10) * 1000;
    } else if (strcmp(key, "resume") == 0) {
        set_resume(t, value);
    } else if (strcmp(key, "keys") == 0) {
        set_stale_keys(t, value);
    } else if (strcmp(key, "cb") == 0) {
        set_cb_types(t, value);
    } else if (strcmp(key, "pipelining") == 0) {
        t->r.c.facts.takes_pipelining = strcmp(value, "yes") == 0 ? EP_HABIT_YES : EP_HABIT_NO;
    } else if (strcmp(key, "legacy-pipelining") == 0) {
        t->r.c.facts.takes_legacy_pipelining =
            strcmp(value, "yes") == 0 ? EP_HABIT_YES : EP_HABIT_NO;
    } else if (strcmp(key, "pinned") == 0) {
        for (size_t i = 0; i < COUNT(classes); i++)
            if (strcmp(classes[i], value) == 0)
                t->r.c.facts.pinned = (ep_sasl_class)i;
    } else if (!set_flag(t, key, strcmp(value, "yes") == 0) && !set_string(t, key, value)) {
        wrong(t, "configuration", "a known key", key);
    }
}

#endif
