/* jid.c: JIDs. */
#include "xmpp/jid.h"

#include <string.h>

#include "base/alloc.h"
#include "base/idn.h"
#include "base/str.h"

static epode_status jid_part(char **out, const char *text, size_t n, char *(*prep)(const char *, epode_status *))
{
    epode_status st = EPODE_ENOMEM;
    char *raw = ep_strndup(text, n);
    if (!raw)
        return EPODE_ENOMEM;
    *out = prep(raw, &st);
    ep_free(raw);
    if (!*out)
        return st;
    size_t len = strlen(*out);
    return len && len <= 1023 ? EPODE_OK : EPODE_EINVAL;
}

epode_status ep_jid_parse(ep_jid *out, const char *text)
{
    memset(out, 0, sizeof *out);
    if (!text || strlen(text) > 3071)
        return EPODE_EINVAL;
    epode_status st = EPODE_OK;
    const char *slash = strchr(text, '/');
    size_t bare = slash ? (size_t)(slash - text) : strlen(text);
    const char *at = memchr(text, '@', bare);
    const char *domain = at ? at + 1 : text;
    size_t domain_len = (size_t)(text + bare - domain);
    /* RFC 6122, 2.2: the dot that ends a name in DNS is no part of the JID. */
    if (domain_len && domain[domain_len - 1] == '.')
        domain_len--;
    if (at)
        st = jid_part(&out->local, text, (size_t)(at - text), ep_idn_nodeprep);
    if (!st)
        st = jid_part(&out->domain, domain, domain_len, ep_idn_nameprep);
    if (!st && slash)
        st = jid_part(&out->resource, slash + 1, strlen(slash + 1), ep_idn_resourceprep);
    /* Another dot at an end, or two in a row, is an empty label. */
    if (!st && (strpbrk(out->domain, "@/ <>&'\"") || out->domain[0] == '.' || strstr(out->domain, "..") ||
                out->domain[strlen(out->domain) - 1] == '.'))
        st = EPODE_EINVAL;
    if (!st)
        out->ascii = ep_idn_to_ascii(out->domain, &st);
    if (!st && !(out->bare = out->local ? ep_asprintf("%s@%s", out->local, out->domain) : ep_strdup(out->domain)))
        st = EPODE_ENOMEM;
    if (st)
        ep_jid_free(out);
    return st;
}

void ep_jid_free(ep_jid *jid)
{
    ep_free(jid->local);
    ep_free(jid->domain);
    ep_free(jid->resource);
    ep_free(jid->bare);
    ep_free(jid->ascii);
    memset(jid, 0, sizeof *jid);
}

size_t ep_jid_bare_len(const char *jid)
{
    return strcspn(jid, "/");
}

bool ep_jid_same_bare(const char *full_or_bare, const char *bare)
{
    size_t n = full_or_bare ? ep_jid_bare_len(full_or_bare) : 0;
    return full_or_bare && strlen(bare) == n && memcmp(full_or_bare, bare, n) == 0;
}
