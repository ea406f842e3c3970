/* secrets.c: the calls that go through the interface, and the default behind it: a table. */
#include "store/secrets.h"

#include "base/alloc.h"
#include "base/str.h"
#include "store/internal.h"

static epode_status secrets_table_put(void *user, const char *kind, const char *key,
                                      const void *data, size_t len, int64_t expires_ms)
{
    ep_store *s = user;
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(
        s, ep_sql_run(s, EP_SQL_SECRET_PUT, "ttbi", kind, key, data, len, expires_ms));
}

/* Appends the row's secret. */
static epode_status secrets_copy(ep_store *s, sqlite3_stmt *row, ep_buf *out, int64_t *expires_ms)
{
    const void *data = sqlite3_column_blob(row, 0);
    if (data)
        ep_buf_add(out, data, (size_t)sqlite3_column_bytes(row, 0));
    if (expires_ms)
        *expires_ms = sqlite3_column_int64(row, 1);
    return out->failed ? ep_store_fail(s, EPODE_ENOMEM, "out of memory") : EPODE_OK;
}

static epode_status secrets_table_get(void *user, const char *kind, const char *key, ep_buf *out,
                                      int64_t *expires_ms)
{
    ep_store *s = user;
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_SECRET_GET, "tt", kind, key);
    if (status != EPODE_OK)
        return status;
    status = secrets_copy(s, row, out, expires_ms);
    ep_sql_end(row);
    return status;
}

static epode_status secrets_table_del(void *user, const char *kind, const char *key)
{
    ep_store *s = user;
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = key ? ep_sql_run(s, EP_SQL_SECRET_DEL, "tt", kind, key)
                 : ep_sql_run(s, EP_SQL_SECRET_DEL_KIND, "t", kind);
    return ep_write_leave(s, status);
}

static epode_status secrets_table_take(void *user, const char *kind, const char *key, ep_buf *out,
                                       int64_t *expires_ms)
{
    ep_store *s = user;
    sqlite3_stmt *row;
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = ep_sql_row(s, &row, EP_SQL_SECRET_TAKE, "tt", kind, key);
    if (status == EPODE_OK) {
        status = secrets_copy(s, row, out, expires_ms);
        int rc = sqlite3_step(row);
        if (status == EPODE_OK && rc != SQLITE_DONE)
            status = ep_store_failed(s, rc);
        ep_sql_end(row);
    }
    return ep_write_leave(s, status);
}

void ep_secrets_in_store(ep_store *s, ep_secrets *out)
{
    out->get = secrets_table_get;
    out->put = secrets_table_put;
    out->del = secrets_table_del;
    out->take = secrets_table_take;
    out->user = s;
}

/* A place of the application's tells no story. */
static epode_status secrets_told(ep_store *s, epode_status status)
{
    if (status < 0 && s->error.status != status)
        return ep_store_fail(s, status, "the application's store of secrets failed");
    return status;
}

epode_status ep_store_secret_put(ep_store *s, const char *kind, const char *key, const void *data,
                                 size_t len, int64_t expires_ms)
{
    if (!kind || !key || (!data && len))
        return ep_store_fail(s, EPODE_EINVAL, "a secret needs a kind, a key and data");
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = secrets_told(s, s->secrets.put(s->secrets.user, kind, key, data, len, expires_ms));
    if (status == EPODE_OK && ep_streq(kind, EP_SECRET_TOKEN))
        status = ep_sql_run(s, EP_SQL_COUNT_RESET, "");
    return ep_write_leave(s, status);
}

epode_status ep_store_secret_get(ep_store *s, const char *kind, const char *key, ep_buf *out,
                                 int64_t *expires_ms)
{
    if (!kind || !key)
        return ep_store_fail(s, EPODE_EINVAL, "a secret needs a kind and a key");
    return secrets_told(s, s->secrets.get(s->secrets.user, kind, key, out, expires_ms));
}

epode_status ep_store_secret_del(ep_store *s, const char *kind, const char *key)
{
    if (!kind)
        return ep_store_fail(s, EPODE_EINVAL, "a secret needs a kind");
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = secrets_told(s, s->secrets.del(s->secrets.user, kind, key));
    return ep_write_leave(s, status == EPODE_DONE ? EPODE_OK : status);
}

epode_status ep_store_secret_take(ep_store *s, const char *kind, const char *key, ep_buf *out,
                                  int64_t *expires_ms)
{
    if (!kind || !key)
        return ep_store_fail(s, EPODE_EINVAL, "a secret needs a kind and a key");
    if (ep_store_in_transaction(s))
        return ep_store_fail(s, EPODE_ESTATE, "a secret is not taken inside a transaction");
    size_t before = out->len;
    epode_status status =
        secrets_told(s, s->secrets.take(s->secrets.user, kind, key, out, expires_ms));
    /* Where the deletion failed it may be taken again: so nobody gets it now. */
    if (status != EPODE_OK && out->len > before) {
        ep_wipe(out->data + out->head + before, out->len - before);
        out->len = before;
    }
    return status;
}

epode_status ep_store_reserve_counts(ep_store *s, uint32_t n, uint64_t *first)
{
    int64_t value = 0;
    if (!n)
        return ep_store_fail(s, EPODE_EINVAL, "no count was asked for");
    if (ep_store_in_transaction(s))
        return ep_store_fail(s, EPODE_ESTATE, "counts are not reserved inside a transaction");
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = ep_sql_int(s, &value, EP_SQL_COUNT_RESERVE, "i", (int64_t)n);
    if (status == EPODE_DONE)
        status = ep_store_failed(s, SQLITE_CORRUPT);
    status = ep_write_leave(s, status);
    if (status == EPODE_OK)
        status = ep_store_sync(s);
    if (status == EPODE_OK)
        *first = (uint64_t)value;
    return status;
}
