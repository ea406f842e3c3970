/* Addresses (RFC 7622), ASCII case folding only: the server chooses its users' names. */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static char *lower(const char *text, size_t len)
{
    char *copy = srv_dup_n(text, len);
    for (char *at = copy; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return copy;
}

bool srv_jid_parse(const char *text, struct srv_jid *out)
{
    memset(out, 0, sizeof *out);
    if (!text || !*text || strlen(text) > 3071)
        return false;
    const char *slash = strchr(text, '/');
    size_t bare_len = slash ? (size_t)(slash - text) : strlen(text);
    const char *at = memchr(text, '@', bare_len);
    const char *domain = at ? at + 1 : text;
    size_t domain_len = bare_len - (size_t)(domain - text);
    if (domain_len == 0 || (at && at == text) || (slash && !slash[1]))
        return false;
    out->local = at ? lower(text, (size_t)(at - text)) : NULL;
    out->domain = lower(domain, domain_len);
    out->resource = slash ? srv_dup(slash + 1) : NULL;
    return true;
}

void srv_jid_free(struct srv_jid *jid)
{
    free(jid->local);
    free(jid->domain);
    free(jid->resource);
}

char *srv_jid_bare(const char *text)
{
    struct srv_jid jid;
    if (!srv_jid_parse(text, &jid))
        return NULL;
    char *bare = jid.local ? srv_format("%s@%s", jid.local, jid.domain) : srv_dup(jid.domain);
    srv_jid_free(&jid);
    return bare;
}
