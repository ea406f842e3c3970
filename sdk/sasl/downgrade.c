/* downgrade.c: SASL SCRAM Downgrade Protection (XEP-0474): a hash of what the server advertised, inside of what SCRAM
 * signs, against the lists that this stream showed. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sasl/exchange.h"

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *ep_sasl_join_names(const char **names, size_t count)
{
    ep_buf out = EP_BUF_INIT;
    if (count)
        qsort(names, count, sizeof *names, by_bytes);
    for (size_t i = 0; i < count; i++)
        ep_buf_printf(&out, "%s%s", i ? "\x1e" : "", names[i]);
    return count ? ep_buf_detach(&out) : ep_strdup("");
}

char *ep_sasl_advertised(const char *mechanisms, const char *types)
{
    return ep_asprintf("%s%s%s", mechanisms ? mechanisms : "", types ? "\x1f" : "", types ? types : "");
}

epode_status ep_sasl_expect(ep_sasl *s, const char *advertised, bool required)
{
    s->hash_required = required;
    return ep_str_set(&s->advertised, advertised) ? EPODE_OK : EPODE_ENOMEM;
}

epode_status ep_scram_check_advertised(const ep_sasl *s, const char *h, ep_error *err)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    size_t len = 0;
    if (!h && !s->hash_required)
        return EPODE_OK;
    if (!h) {
        ep_fail(err, EPODE_EDOWNGRADE, 0, "the server offers weaker authentication than it did before or than it "
                                          "claims to have, and does not prove that it means to");
        return EPODE_EDOWNGRADE;
    }
    /* Who hands in no lists has none to be protected: a challenge without a stream's features. */
    if (!s->advertised)
        return s->hash_required ? ep_fail(err, EPODE_EDOWNGRADE, 0, "what the server offers is not known") : EPODE_OK;
    if (!EVP_Digest(s->advertised, strlen(s->advertised), hash, &n, EVP_get_digestbyname(s->mech->digest), NULL))
        return ep_fail(err, EPODE_ENOMEM, 0, "the hash of %s failed", s->mech->name);
    uint8_t *theirs = ep_b64_decode(h, strlen(h), &len);
    if (!theirs && len == EP_B64_NO_MEMORY)
        return ep_fail(err, EPODE_ENOMEM, 0, "out of memory");
    bool same = theirs && len == n && memcmp(theirs, hash, n) == 0;
    ep_free(theirs);
    if (same)
        return EPODE_OK;
    return ep_fail(err, EPODE_EDOWNGRADE, 0, "what the server offers was changed on its way: somebody stands between");
}
