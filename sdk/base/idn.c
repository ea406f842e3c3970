/* idn.c: libidn. Plain ASCII, by far the most common case, takes the short way where the profile allows. */
#include "base/idn.h"

#include <idna.h>
#include <stringprep.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static char *idn_profile(const char *utf8, const Stringprep_profile *profile, epode_status *status)
{
    char *prepared = NULL, *out = NULL;
    *status = EPODE_EINVAL;
    size_t n = strlen(utf8);
    /* libidn works in place and cannot grow: case folding and NFKC lengthen a string at most 18 times
     * per code point (Unicode annex 15); 4 KiB is more than any localpart or password needs. */
    if (n > 1023)
        return NULL;
    size_t room = n * 4 + 64;
    if (!(prepared = ep_malloc(room))) {
        *status = EPODE_ENOMEM;
        return NULL;
    }
    memcpy(prepared, utf8, n + 1);
    int rc = stringprep(prepared, room, 0, profile);
    if (rc == STRINGPREP_OK)
        out = ep_strdup(prepared);
    ep_free_secret(prepared, room);
    if (rc == STRINGPREP_OK)
        *status = out ? EPODE_OK : EPODE_ENOMEM;
    else if (rc == STRINGPREP_MALLOC_ERROR)
        *status = EPODE_ENOMEM;
    return out;
}

char *ep_idn_saslprep(const char *utf8, epode_status *status)
{
    return idn_profile(utf8, stringprep_saslprep, status);
}

char *ep_idn_nodeprep(const char *utf8, epode_status *status)
{
    return idn_profile(utf8, stringprep_xmpp_nodeprep, status);
}

char *ep_idn_resourceprep(const char *utf8, epode_status *status)
{
    return idn_profile(utf8, stringprep_xmpp_resourceprep, status);
}

char *ep_idn_nameprep(const char *utf8, epode_status *status)
{
    return idn_profile(utf8, stringprep_nameprep, status);
}

char *ep_idn_to_ascii(const char *domain, epode_status *status)
{
    char *ascii = NULL, *out = NULL;
    int rc = idna_to_ascii_8z(domain, &ascii, 0);
    *status = rc == IDNA_MALLOC_ERROR ? EPODE_ENOMEM : EPODE_EINVAL;
    if (rc == IDNA_SUCCESS) {
        out = ep_strdup(ascii);
        *status = out ? EPODE_OK : EPODE_ENOMEM;
    }
    free(ascii);
    return out;
}
