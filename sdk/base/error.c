/* error.c: names of statuses, the error object. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    epode_status status;
    const char *name;
} status_names[] = {
    { EPODE_OK, "EPODE_OK" },
    { EPODE_DONE, "EPODE_DONE" },
    { EPODE_AGAIN, "EPODE_AGAIN" },
    { EPODE_EINVAL, "EPODE_EINVAL" },
    { EPODE_ENOMEM, "EPODE_ENOMEM" },
    { EPODE_ESTATE, "EPODE_ESTATE" },
    { EPODE_ECANCELLED, "EPODE_ECANCELLED" },
    { EPODE_ETIMEOUT, "EPODE_ETIMEOUT" },
    { EPODE_EDNS, "EPODE_EDNS" },
    { EPODE_ECONNECT, "EPODE_ECONNECT" },
    { EPODE_ETLS, "EPODE_ETLS" },
    { EPODE_ECERT, "EPODE_ECERT" },
    { EPODE_EPROXY, "EPODE_EPROXY" },
    { EPODE_EBUSY, "EPODE_EBUSY" },
    { EPODE_EAUTH, "EPODE_EAUTH" },
    { EPODE_EDOWNGRADE, "EPODE_EDOWNGRADE" },
    { EPODE_EBIND, "EPODE_EBIND" },
    { EPODE_ECONFLICT, "EPODE_ECONFLICT" },
    { EPODE_ESTREAM, "EPODE_ESTREAM" },
    { EPODE_EPROTO, "EPODE_EPROTO" },
    { EPODE_ELIMIT, "EPODE_ELIMIT" },
    { EPODE_ESTANZA, "EPODE_ESTANZA" },
    { EPODE_ESTORE, "EPODE_ESTORE" },
    { EPODE_ESTORE_CORRUPT, "EPODE_ESTORE_CORRUPT" },
    { EPODE_ESTORE_NEWER, "EPODE_ESTORE_NEWER" },
    { EPODE_ESTORE_FULL, "EPODE_ESTORE_FULL" },
};

const char *epode_status_name(epode_status status)
{
    for (size_t i = 0; i < sizeof status_names / sizeof *status_names; i++)
        if (status_names[i].status == status)
            return status_names[i].name;
    return "EPODE_?";
}

epode_status epode_error_status(const epode_error *e)
{
    return e ? e->status : EPODE_OK;
}

const char *epode_error_text(const epode_error *e)
{
    return e && e->text[0] ? e->text : epode_status_name(epode_error_status(e));
}

const char *epode_error_condition(const epode_error *e)
{
    return e && e->condition[0] ? e->condition : NULL;
}

long epode_error_native(const epode_error *e)
{
    return e ? e->native : 0;
}

bool epode_error_is_final(const epode_error *e)
{
    return e && e->final;
}

epode_status ep_fail(ep_error *e, epode_status status, long native, const char *fmt, ...)
{
    if (e) {
        va_list ap;
        ep_error_clear(e);
        e->status = status;
        e->native = native;
        va_start(ap, fmt);
        vsnprintf(e->text, sizeof e->text, fmt, ap);
        va_end(ap);
    }
    return status;
}

void ep_error_clear(ep_error *e)
{
    memset(e, 0, sizeof *e);
}

void ep_error_set_condition(ep_error *e, const char *condition)
{
    if (!e || !condition || strlen(condition) >= sizeof e->condition)
        return;
    /* A condition is the name of an element that the peer chose: only what a defined one could be. */
    if (strspn(condition, "abcdefghijklmnopqrstuvwxyz-") == strlen(condition))
        snprintf(e->condition, sizeof e->condition, "%s", condition);
}

void ep_error_set_final(ep_error *e, bool final)
{
    if (e)
        e->final = final;
}
