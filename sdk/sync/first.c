/* first.c: first logins, as facts in the store. */
#include "sync/first.h"

#include <stdio.h>
#include <string.h>

#include "store/facts.h"
#include "store/span.h"

/* "budget oldest", until it has it. */
#define FACT_FIRST "first-sync"
/* An archive that was held to its end once, and was empty: what comes later is news, not history. */
#define FACT_SYNCED "synced-once"

epode_status ep_first_save(ep_store *store, const char *owner, unsigned budget, int64_t oldest_ms)
{
    char text[48];
    snprintf(text, sizeof text, "%u %lld", budget, (long long)oldest_ms);
    return ep_store_fact_put(store, FACT_FIRST, owner, text, strlen(text), 0);
}

epode_status ep_first_load(ep_store *store, const char *owner, unsigned *budget, int64_t *oldest_ms)
{
    ep_buf text = EP_BUF_INIT;
    long long oldest = 0;
    epode_status st = ep_store_fact_get(store, FACT_FIRST, owner, &text, NULL);
    *budget = 0;
    if (st == EPODE_OK && !ep_buf_cstr(&text))
        st = EPODE_ENOMEM;
    if (st == EPODE_OK && sscanf(ep_buf_ptr(&text), "%u %lld", budget, &oldest) != 2)
        *budget = 0;
    *oldest_ms = oldest;
    ep_buf_free(&text);
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_first_over(ep_store *store, const char *owner)
{
    return ep_store_fact_del(store, FACT_FIRST, owner);
}

epode_status ep_first_is_new(ep_store *store, const char *owner, bool *is_new)
{
    ep_buf text = EP_BUF_INIT;
    epode_status st = ep_store_fact_get(store, FACT_SYNCED, owner, &text, NULL);
    ep_buf_free(&text);
    *is_new = st == EPODE_DONE;
    return st;
}

epode_status ep_first_note(ep_store *store, int64_t archive, const char *owner)
{
    ep_span_copy end = { 0 };
    bool is_new = false;
    epode_status held = ep_archive_verified_end(store, archive, &end);
    ep_span_copy_free(&end);
    if (held != EPODE_DONE)
        return held;
    epode_status st = ep_first_is_new(store, owner, &is_new);
    return st >= 0 && is_new ? ep_store_fact_put(store, FACT_SYNCED, owner, "1", 1, 0) : st;
}
