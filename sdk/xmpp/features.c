/* features.c: one row per stream feature: where it stands, what it is called, what is kept of it. */
#include "xmpp/features.h"

#include "base/alloc.h"
#include "base/str.h"
#include "sasl/mechanism.h"
#include "xmpp/ns.h"

typedef struct feature_row {
    const char *name, *ns;
    uint32_t bit;
    bool (*read)(ep_features *f, const ep_elem *e); /* false: no memory */
} feature_row;

static bool read_rows(ep_features *f, const ep_elem *parent, const feature_row *rows, size_t n)
{
    EP_ELEM_EACH(e, parent)
        for (size_t i = 0; i < n; i++) {
            if (!ep_elem_is(e, rows[i].name, rows[i].ns))
                continue;
            f->bits |= rows[i].bit;
            if (rows[i].read && !rows[i].read(f, e))
                return false;
        }
    return true;
}

#define ROWS(f, e, rows) read_rows(f, e, rows, sizeof rows / sizeof *rows)

static uint32_t read_mechanisms(const ep_elem *parent)
{
    uint32_t set = 0;
    EP_ELEM_EACH(e, parent) {
        const ep_sasl_mech *m = ep_elem_is(e, "mechanism", NULL) ? ep_sasl_mech_named(ep_elem_text(e)) : NULL;
        set |= m ? m->bit : 0;
    }
    return set;
}

/* The texts of the children of this name (or, with an attribute, its values) for XEP-0474. */
static bool read_names(char **out, const ep_elem *parent, const char *name, const char *attr)
{
    size_t count = 0, n = 0;
    EP_ELEM_EACH(e, parent)
        count += ep_elem_is(e, name, NULL);
    const char **names = ep_calloc(count + 1, sizeof *names);
    if (!names)
        return false;
    EP_ELEM_EACH(e, parent) {
        const char *text = !ep_elem_is(e, name, NULL) ? NULL : attr ? ep_elem_attr(e, attr) : ep_elem_text(e);
        if (text)
            names[n++] = text;
    }
    ep_free(*out);
    *out = ep_sasl_join_names(names, n);
    ep_free(names);
    return *out != NULL;
}

static bool read_starttls(ep_features *f, const ep_elem *e)
{
    if (ep_elem_child(e, "required", NULL))
        f->bits |= EP_F_STARTTLS_REQUIRED;
    return true;
}

static bool read_sasl1(ep_features *f, const ep_elem *e)
{
    f->sasl1_mechs = read_mechanisms(e) & ~EP_SASL_BITS_HT;
    return read_names(&f->sasl1_names, e, "mechanism", NULL);
}

static bool read_bind2(ep_features *f, const ep_elem *e)
{
    static const struct {
        const char *var;
        uint32_t bit;
    } vars[] = {
        { EP_NS_SM, EP_F_BIND2_SM },
        { EP_NS_CARBONS, EP_F_BIND2_CARBONS },
        { EP_NS_CSI, EP_F_BIND2_CSI },
    };
    EP_ELEM_EACH(it, ep_elem_child(e, "inline", NULL))
        for (size_t i = 0; i < sizeof vars / sizeof *vars; i++)
            if (ep_elem_is(it, "feature", NULL) && ep_streq(ep_elem_attr(it, "var"), vars[i].var))
                f->bits |= vars[i].bit;
    return true;
}

static bool read_fast(ep_features *f, const ep_elem *e)
{
    f->fast_mechs = read_mechanisms(e) & EP_SASL_BITS_HT;
    if (ep_str_is_true(ep_elem_attr(e, "tls-0rtt")))
        f->bits |= EP_F_FAST_0RTT;
    return true;
}

/* XEP-0480: tasks are named after mechanisms without channel binding. */
static uint32_t read_upgrades(const ep_elem *parent)
{
    static const char prefix[] = "UPGR-";
    uint32_t set = 0;
    EP_ELEM_EACH(e, parent) {
        const char *task = ep_elem_is(e, "upgrade", EP_NS_SASL_UPGRADE) ? ep_elem_text(e) : "";
        const ep_sasl_mech *m = strncmp(task, prefix, sizeof prefix - 1) == 0
                                    ? ep_sasl_mech_named(task + sizeof prefix - 1) : NULL;
        if (m && m->kind == EP_SASL_SCRAM && !m->plus)
            set |= m->bit;
    }
    return set;
}

static bool read_sasl2(ep_features *f, const ep_elem *e)
{
    static const feature_row rows[] = {
        { "bind", EP_NS_BIND2, EP_F_BIND2, read_bind2 },
        { "sm", EP_NS_SM, EP_F_SASL2_SM, NULL },
        { "fast", EP_NS_FAST, EP_F_FAST, read_fast },
    };
    f->sasl2_mechs = read_mechanisms(e) & ~EP_SASL_BITS_HT;
    f->upgrades = read_upgrades(e);
    return read_names(&f->sasl2_names, e, "mechanism", NULL) && ROWS(f, ep_elem_child(e, "inline", NULL), rows);
}

static bool read_cb(ep_features *f, const ep_elem *e)
{
    EP_ELEM_EACH(it, e)
        f->cb_types |= ep_cb_from_name(ep_elem_attr(it, "type"));
    return read_names(&f->cb_names, e, "channel-binding", "type");
}

static bool read_session(ep_features *f, const ep_elem *e)
{
    if (!ep_elem_child(e, "optional", NULL))
        f->bits |= EP_F_SESSION;
    return true;
}

static bool read_limits(ep_features *f, const ep_elem *e)
{
    uint64_t v;
    if (ep_str_u64(ep_elem_text(ep_elem_child(e, "max-bytes", NULL)), &v))
        f->max_bytes = v;
    if (ep_str_u64(ep_elem_text(ep_elem_child(e, "idle-seconds", NULL)), &v) && v <= UINT32_MAX)
        f->idle_seconds = (uint32_t)v;
    return true;
}

static bool read_caps(ep_features *f, const ep_elem *e)
{
    return ep_str_set(&f->caps_node, ep_elem_attr(e, "node")) &&
           ep_str_set(&f->caps_ver, ep_elem_attr(e, "ver")) &&
           ep_str_set(&f->caps_hash, ep_elem_attr(e, "hash"));
}

static bool read_config_version(ep_features *f, const ep_elem *e)
{
    const char *value = ep_elem_attr(e, "value"), *scheme = ep_elem_attr(e, "scheme");
    if (!value || (scheme && strcmp(scheme, "opaque") != 0))
        return true;
    f->bits |= EP_F_CONFIG_VERSION;
    return ep_str_set(&f->config_version, value);
}

epode_status ep_features_read(ep_features *out, const ep_elem *features)
{
    static const feature_row rows[] = {
        { "starttls", EP_NS_TLS, EP_F_STARTTLS, read_starttls },
        { "mechanisms", EP_NS_SASL, EP_F_SASL1, read_sasl1 },
        { "authentication", EP_NS_SASL2, EP_F_SASL2, read_sasl2 },
        { "sasl-channel-binding", EP_NS_SASL_CB, EP_F_CB_LISTED, read_cb },
        { "bind", EP_NS_BIND, EP_F_BIND, NULL },
        { "session", EP_NS_SESSION, 0, read_session },
        { "bind", EP_NS_BIND_DRAFT, EP_F_BIND_DRAFT, NULL },
        { "unbind", EP_NS_BIND, EP_F_UNBIND, NULL },
        { "sm", EP_NS_SM, EP_F_SM, NULL },
        { "csi", EP_NS_CSI, EP_F_CSI, NULL },
        { "ver", EP_NS_ROSTER_VER, EP_F_ROSTER_VER, NULL },
        { "sub", EP_NS_PREAPPROVAL, EP_F_PREAPPROVAL, NULL },
        { "pipelining", EP_NS_PIPELINING, EP_F_PIPELINING, NULL },
        { "limits", EP_NS_LIMITS, 0, read_limits },
        { "c", EP_NS_CAPS, EP_F_CAPS, read_caps },
        { "config-version", EP_NS_CONFIG_VERSION, 0, read_config_version },
    };
    memset(out, 0, sizeof *out);
    if (ROWS(out, features, rows))
        return EPODE_OK;
    ep_features_free(out);
    return EPODE_ENOMEM;
}

epode_status ep_features_parse(ep_features *out, const char *xml, size_t len)
{
    ep_arena arena = { 0 };
    ep_elem *e;
    epode_status st = ep_elem_read(&e, &arena, xml, len, EP_NS_STREAM);
    memset(out, 0, sizeof *out);
    if (!st)
        st = ep_elem_is(e, "features", EP_NS_STREAM) ? ep_features_read(out, e) : EPODE_EPROTO;
    ep_arena_free(&arena);
    return st;
}

void ep_features_free(ep_features *f)
{
    ep_free(f->config_version);
    ep_free(f->sasl1_names);
    ep_free(f->sasl2_names);
    ep_free(f->cb_names);
    ep_free(f->caps_node);
    ep_free(f->caps_ver);
    ep_free(f->caps_hash);
    memset(f, 0, sizeof *f);
}

static bool list_plus(uint32_t mechs)
{
    size_t n;
    const ep_sasl_mech *m = ep_sasl_mechs(&n);
    for (size_t i = 0; i < n; i++)
        if (m[i].plus && (mechs & m[i].bit))
            return true;
    return false;
}

bool ep_features_list_plus(const ep_features *f)
{
    return list_plus(f->sasl1_mechs | f->sasl2_mechs);
}

bool ep_features_copy(ep_features *to, const ep_features *from)
{
    *to = *from;
    char **strings[] = { &to->config_version, &to->caps_node,   &to->caps_ver, &to->caps_hash,
                         &to->sasl1_names,    &to->sasl2_names, &to->cb_names };
    bool ok = true;
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        const char *text = *strings[i];
        ok = (*strings[i] = ep_strdup(text)) || !text ? ok : false;
    }
    if (!ok)
        ep_features_free(to);
    return ok;
}


bool ep_features_binding_fits(const ep_features *f, bool sasl2, uint32_t have)
{
    if (!(f->bits & EP_F_CB_LISTED) || !have)
        return true;
    /* FAST's mechanisms bind as well, and SASL2 alone has them. */
    uint32_t listed = sasl2 ? f->sasl2_mechs : f->sasl1_mechs;
    if (!list_plus(listed) && !(sasl2 && (f->fast_mechs & EP_SASL_BITS_HT_BOUND)))
        return !f->cb_names || !*f->cb_names;
    /* A connection whose TLS is somebody else's shows no secrets of it, and there are servers without anything else. */
    if (have == EP_CB_ENDP && (f->cb_types & (EP_CB_EXPR | EP_CB_UNIQ)))
        return true;
    /* Every server has tls-server-end-point: where it is missing as well, somebody put others in its place. */
    return (f->cb_types & (have | EP_CB_ENDP)) || !list_plus(listed);
}
