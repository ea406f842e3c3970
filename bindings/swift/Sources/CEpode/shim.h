/* shim.h: what Swift cannot import by itself: initialisers that are macros, and structs whose size the caller sets. */
#ifndef CEPODE_SHIM_H
#define CEPODE_SHIM_H

#include <epode/epode.h>

static inline epode_options cepode_options(void)
{
    epode_options o = EPODE_OPTIONS_INIT;
    return o;
}

static inline epode_query cepode_query(void)
{
    epode_query q = EPODE_QUERY_INIT;
    return q;
}

static inline epode_outgoing cepode_outgoing(void)
{
    epode_outgoing m = EPODE_OUTGOING_INIT;
    return m;
}

static inline epode_bookmark cepode_bookmark(void)
{
    epode_bookmark b = EPODE_BOOKMARK_INIT;
    return b;
}

static inline epode_waits cepode_waits(const epode_session *session)
{
    epode_waits w = { .size = sizeof w };
    epode_session_waits(session, &w);
    return w;
}

static inline epode_tls_info cepode_tls(const epode_session *session)
{
    epode_tls_info t = { .size = sizeof t };
    epode_session_tls(session, &t);
    return t;
}

static inline bool cepode_archive(const epode_session *session, epode_archive_info *out)
{
    epode_archive_info a = { .size = sizeof a };
    bool said = epode_session_archive(session, &a);
    *out = a;
    return said;
}

/* Not left out, though what it writes to is freed next. */
static inline void cepode_wipe(char *text, size_t len)
{
    for (volatile char *at = text; len; len--)
        *at++ = 0;
}

/* An array in a struct's place is a tuple to Swift. */
typedef struct cepode_extent {
    char first[256], last[256];
} cepode_extent;

static inline epode_status cepode_store_extent(epode_store *store, void (*each)(const char *first, const char *last, void *user),
                                               void *user)
{
    cepode_extent e;
    epode_status st = epode_store_extent(store, e.first, e.last);
    if (st >= 0)
        each(e.first, e.last, user);
    return st;
}

#endif
