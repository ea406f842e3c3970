/* mechanism.c: the table of mechanisms, best first: channel binding before hash strength. */
#include "sasl/mechanism.h"

#include "base/str.h"

static const ep_sasl_mech mechs[] = {
    /* name, bit, kind, rank, digest, cb, plus, one step */
    { "EXTERNAL", 1u << 0, EP_SASL_EXTERNAL, EP_SASL_CLASS_EXTERNAL, NULL, EP_CB_NONE, false, true },
    { "SCRAM-SHA-512-PLUS", 1u << 1, EP_SASL_SCRAM, EP_SASL_CLASS_SCRAM_CB, "SHA512", EP_CB_NONE, true, false },
    { "SCRAM-SHA-256-PLUS", 1u << 2, EP_SASL_SCRAM, EP_SASL_CLASS_SCRAM_CB, "SHA256", EP_CB_NONE, true, false },
    { "SCRAM-SHA-1-PLUS", 1u << 3, EP_SASL_SCRAM, EP_SASL_CLASS_SCRAM_CB, "SHA1", EP_CB_NONE, true, false },
    { "SCRAM-SHA-512", 1u << 4, EP_SASL_SCRAM, EP_SASL_CLASS_SCRAM, "SHA512", EP_CB_NONE, false, false },
    { "SCRAM-SHA-256", 1u << 5, EP_SASL_SCRAM, EP_SASL_CLASS_SCRAM, "SHA256", EP_CB_NONE, false, false },
    { "SCRAM-SHA-1", 1u << 6, EP_SASL_SCRAM, EP_SASL_CLASS_SCRAM, "SHA1", EP_CB_NONE, false, false },
    { "OAUTHBEARER", 1u << 16, EP_SASL_BEARER, EP_SASL_CLASS_PLAIN, NULL, EP_CB_NONE, false, true },
    { "PLAIN", 1u << 7, EP_SASL_PLAIN, EP_SASL_CLASS_PLAIN, NULL, EP_CB_NONE, false, true },
    { "HT-SHA-512-EXPR", 1u << 12, EP_SASL_HT, EP_SASL_CLASS_NONE, "SHA512", EP_CB_EXPR, false, true },
    { "HT-SHA-512-ENDP", 1u << 13, EP_SASL_HT, EP_SASL_CLASS_NONE, "SHA512", EP_CB_ENDP, false, true },
    { "HT-SHA-512-UNIQ", 1u << 14, EP_SASL_HT, EP_SASL_CLASS_NONE, "SHA512", EP_CB_UNIQ, false, true },
    { "HT-SHA-512-NONE", 1u << 15, EP_SASL_HT, EP_SASL_CLASS_NONE, "SHA512", EP_CB_NONE, false, true },
    { "HT-SHA-256-EXPR", 1u << 8, EP_SASL_HT, EP_SASL_CLASS_NONE, "SHA256", EP_CB_EXPR, false, true },
    { "HT-SHA-256-ENDP", 1u << 9, EP_SASL_HT, EP_SASL_CLASS_NONE, "SHA256", EP_CB_ENDP, false, true },
    { "HT-SHA-256-UNIQ", 1u << 10, EP_SASL_HT, EP_SASL_CLASS_NONE, "SHA256", EP_CB_UNIQ, false, true },
    { "HT-SHA-256-NONE", 1u << 11, EP_SASL_HT, EP_SASL_CLASS_NONE, "SHA256", EP_CB_NONE, false, true },
};

const ep_sasl_mech *ep_sasl_mechs(size_t *count)
{
    *count = sizeof mechs / sizeof *mechs;
    return mechs;
}

const ep_sasl_mech *ep_sasl_mech_named(const char *name)
{
    for (size_t i = 0; name && i < sizeof mechs / sizeof *mechs; i++)
        if (strcmp(mechs[i].name, name) == 0)
            return &mechs[i];
    return NULL;
}

const ep_sasl_mech *ep_sasl_mech_of(uint32_t bit)
{
    for (size_t i = 0; i < sizeof mechs / sizeof *mechs; i++)
        if (mechs[i].bit == bit)
            return &mechs[i];
    return NULL;
}

const char *ep_cb_name(ep_cb type)
{
    switch (type) {
    case EP_CB_ENDP: return "tls-server-end-point";
    case EP_CB_EXPR: return "tls-exporter";
    case EP_CB_UNIQ: return "tls-unique";
    case EP_CB_NONE: break;
    }
    return "";
}

ep_cb ep_cb_from_name(const char *name)
{
    static const ep_cb all[] = { EP_CB_ENDP, EP_CB_EXPR, EP_CB_UNIQ };
    for (size_t i = 0; name && i < 3; i++)
        if (strcmp(name, ep_cb_name(all[i])) == 0)
            return all[i];
    return EP_CB_NONE;
}

const uint8_t *ep_cb_bytes(const ep_cb_data *cb, ep_cb type, size_t *len)
{
    *len = 0;
    if (!cb || type == EP_CB_NONE)
        return NULL;
    *len = type == EP_CB_ENDP ? cb->endp.len : type == EP_CB_EXPR ? cb->expr.len : cb->uniq.len;
    return type == EP_CB_ENDP ? cb->endp.bytes : type == EP_CB_EXPR ? cb->expr.bytes : cb->uniq.bytes;
}

uint32_t ep_cb_set(const ep_cb_data *cb)
{
    uint32_t set = 0;
    if (cb && cb->endp.len)
        set |= EP_CB_ENDP;
    if (cb && cb->expr.len)
        set |= EP_CB_EXPR;
    if (cb && cb->uniq.len)
        set |= EP_CB_UNIQ;
    return set;
}
