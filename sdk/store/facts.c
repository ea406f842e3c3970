/* facts.c: what is remembered. */
#include "store/facts.h"

#include "base/alloc.h"
#include "base/str.h"
#include "store/internal.h"

static bool facts_kind_ok(const char *kind)
{
    return kind && !ep_streq(kind, EP_SECRET_TOKEN) && !ep_streq(kind, EP_SECRET_SCRAM) &&
           !ep_streq(kind, EP_SECRET_TICKET) && !ep_streq(kind, EP_SECRET_SM) &&
           !ep_streq(kind, EP_SECRET_ROOM);
}

static epode_status facts_write(ep_store *s, bool ok)
{
    if (!ok)
        return ep_store_fail(s, EPODE_EINVAL,
                             "a fact needs a kind that is not a secret's, and a key");
    return ep_write_enter(s);
}

epode_status ep_store_fact_put(ep_store *s, const char *kind, const char *key, const void *data,
                               size_t len, int64_t expires_ms)
{
    epode_status status = facts_write(s, facts_kind_ok(kind) && key && (data || !len));
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(s,
                          ep_sql_run(s, EP_SQL_FACT_PUT, "ttbi", kind, key, data, len, expires_ms));
}

epode_status ep_store_fact_get(ep_store *s, const char *kind, const char *key, ep_buf *out,
                               int64_t *expires_ms)
{
    sqlite3_stmt *row;
    if (!facts_kind_ok(kind) || !key)
        return ep_store_fail(s, EPODE_EINVAL,
                             "a fact needs a kind that is not a secret's, and a key");
    epode_status status = ep_sql_row(s, &row, EP_SQL_FACT_GET, "tt", kind, key);
    if (status != EPODE_OK)
        return status;
    const void *data = sqlite3_column_blob(row, 0);
    if (data)
        ep_buf_add(out, data, (size_t)sqlite3_column_bytes(row, 0));
    if (expires_ms)
        *expires_ms = sqlite3_column_int64(row, 1);
    ep_sql_end(row);
    return out->failed ? ep_store_fail(s, EPODE_ENOMEM, "out of memory") : EPODE_OK;
}

epode_status ep_store_fact_del(ep_store *s, const char *kind, const char *key)
{
    epode_status status = facts_write(s, facts_kind_ok(kind) && key);
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(s, ep_sql_run(s, EP_SQL_FACT_DEL, "tt", kind, key));
}

epode_status ep_store_fact_del_kind(ep_store *s, const char *kind)
{
    epode_status status = facts_write(s, facts_kind_ok(kind));
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(s, ep_sql_run(s, EP_SQL_FACT_DEL_KIND, "t", kind));
}

/* Reads one batch above *last into rows: none at the end. */
static epode_status facts_batch(ep_store *s, ep_rows *rows, const char *kind, const char *last)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_FACT_EACH, "tt", kind, last);
    if (status == EPODE_OK)
        return ep_rows_take(s, rows, row);
    rows->count = 0;
    return status == EPODE_DONE ? EPODE_OK : status;
}

epode_status ep_store_fact_each(ep_store *s, const char *kind,
                                epode_status (*each)(const ep_fact *fact, void *user), void *user)
{
    ep_rows rows = { 0 };
    ep_fact fact = { .kind = kind };
    char *last = NULL;
    epode_status status;
    if (!facts_kind_ok(kind))
        return ep_store_fail(s, EPODE_EINVAL, "a fact needs a kind that is not a secret's");
    while ((status = facts_batch(s, &rows, kind, last)) == EPODE_OK && rows.count) {
        for (size_t i = 0; status == EPODE_OK && i < rows.count; i++) {
            fact.key = ep_rows_bytes(&rows, NULL);
            fact.data = ep_rows_bytes(&rows, &fact.len);
            fact.expires_ms = ep_rows_int(&rows, NULL);
            status = each(&fact, user);
        }
        if (status == EPODE_OK && !ep_str_set(&last, fact.key))
            status = ep_store_fail(s, EPODE_ENOMEM, "out of memory");
        if (status != EPODE_OK)
            break;
    }
    ep_free(last);
    ep_rows_free(&rows);
    return status;
}
