/* settled.c: how far an archive is known for good. */
#include "sync/settled.h"

#include <string.h>

#include "store/facts.h"

#define FACT_SETTLED "settled"

static epode_status settled_put(ep_store *store, const char *owner, const char *id, size_t n)
{
    return ep_store_fact_put(store, FACT_SETTLED, owner, id, n, 0);
}

epode_status ep_settled_from(ep_store *store, int64_t archive, const char *owner, ep_buf *id, int64_t *end_ms)
{
    ep_buf known = EP_BUF_INIT;
    *end_ms = 0;
    epode_status st = ep_store_fact_get(store, FACT_SETTLED, owner, &known, NULL);
    const char *text = st == EPODE_OK ? ep_buf_cstr(&known) : NULL;
    if (st == EPODE_OK && !text)
        st = EPODE_ENOMEM;
    if (st >= 0)
        st = ep_archive_before_end(store, archive, text, EP_SETTLED_AFTER_MS, id, end_ms);
    bool same = text && known.len == id->len && memcmp(text, ep_buf_ptr(id), id->len) == 0;
    if (st == EPODE_OK && !same)
        st = settled_put(store, owner, ep_buf_ptr(id), id->len);
    ep_buf_free(&known);
    return st;
}

epode_status ep_settled_move(ep_store *store, int64_t archive, const char *owner, int64_t *end_ms)
{
    ep_buf id = EP_BUF_INIT, known = EP_BUF_INIT;
    *end_ms = 0;
    epode_status st = ep_archive_before_end(store, archive, NULL, EP_SETTLED_AFTER_MS, &id, end_ms);
    if (st == EPODE_OK)
        st = ep_store_fact_get(store, FACT_SETTLED, owner, &known, NULL);
    bool same = st == EPODE_OK && known.len == id.len && memcmp(ep_buf_ptr(&known), ep_buf_ptr(&id), id.len) == 0;
    if (st >= 0 && !same && id.len)
        st = settled_put(store, owner, ep_buf_ptr(&id), id.len);
    ep_buf_free(&id);
    ep_buf_free(&known);
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_settled_page(ep_store *store, const char *owner, const ep_msg *rows, size_t n, int64_t end_ms)
{
    while (n && (rows[n - 1].time_ms <= 0 || rows[n - 1].time_ms > end_ms - EP_SETTLED_AFTER_MS))
        n--;
    return n ? settled_put(store, owner, rows[n - 1].archive_id, strlen(rows[n - 1].archive_id)) : EPODE_OK;
}
