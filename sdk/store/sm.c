/* sm.c: the session that can be resumed. */
#include "store/sm.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "base/str.h"
#include "store/internal.h"

static epode_status sm_put_rows(ep_store *s, const ep_sm_state *sm, const char *secret_key)
{
    /* A new key for every session: an id that outlived a rollback elsewhere belongs to no row. */
    epode_status status = ep_store_secret_del(s, EP_SECRET_SM, NULL);
    if (status == EPODE_OK)
        status =
            ep_store_secret_put(s, EP_SECRET_SM, secret_key, sm->previd, strlen(sm->previd), 0);
    if (status == EPODE_OK)
        status = ep_sql_run(s, EP_SQL_SM_PUT, "ttttiiiit", secret_key, sm->location, sm->bound_jid,
                            sm->session, (int64_t)sm->max_s, (int64_t)sm->h_in,
                            (int64_t)sm->out_acked, sm->created_ms, s->boot_id);
    return status;
}

epode_status ep_store_sm_put(ep_store *s, const ep_sm_state *sm)
{
    char secret_key[37];
    if (!sm->previd || sm->out_acked > INT64_MAX)
        return ep_store_fail(s, EPODE_EINVAL, "a session needs an id");
    if (!ep_rand_uuid(secret_key))
        return ep_store_fail(s, EPODE_ESTORE, "the system gives no random numbers");
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = sm_put_rows(s, sm, secret_key);
    if (status == EPODE_OK) {
        s->has_sm = true;
        s->h = sm->h_in;
    }
    return ep_write_leave(s, status);
}

static bool sm_is_lost(const ep_store *s, sqlite3_stmt *row)
{
    return !s->boot_id[0] || !ep_streq((const char *)sqlite3_column_text(row, 9), s->boot_id);
}

static bool sm_copy(ep_sm_state *out, sqlite3_stmt *row)
{
    out->max_s = (uint32_t)sqlite3_column_int64(row, 4);
    out->h_in = (uint32_t)sqlite3_column_int64(row, 5);
    out->out_acked = (uint64_t)sqlite3_column_int64(row, 6);
    out->out_last = (uint64_t)sqlite3_column_int64(row, 7);
    out->created_ms = sqlite3_column_int64(row, 8);
    return ep_str_set(&out->location, (const char *)sqlite3_column_text(row, 1)) &&
           ep_str_set(&out->bound_jid, (const char *)sqlite3_column_text(row, 2)) &&
           ep_str_set(&out->session, (const char *)sqlite3_column_text(row, 3));
}

static epode_status sm_copy_id(ep_store *s, ep_sm_state *out, const char *secret_key)
{
    ep_buf id = EP_BUF_INIT;
    epode_status status = ep_store_secret_get(s, EP_SECRET_SM, secret_key, &id, NULL);
    if (status == EPODE_OK && !(out->previd = ep_strndup(ep_buf_ptr(&id), id.len)))
        status = ep_store_fail(s, EPODE_ENOMEM, "out of memory");
    ep_buf_wipe(&id);
    return status;
}

epode_status ep_store_sm_get(ep_store *s, ep_sm_state *out, bool *lost)
{
    sqlite3_stmt *row;
    char *secret_key = NULL;
    memset(out, 0, sizeof *out);
    if (lost)
        *lost = false;
    epode_status status = ep_sql_row(s, &row, EP_SQL_SM_GET, "");
    if (status != EPODE_OK)
        return status;
    if (sm_is_lost(s, row)) {
        if (lost)
            *lost = true;
        status = EPODE_DONE;
    } else if (!ep_str_set(&secret_key, (const char *)sqlite3_column_text(row, 0)) ||
               !sm_copy(out, row)) {
        status = ep_store_fail(s, EPODE_ENOMEM, "out of memory");
    }
    ep_sql_end(row);
    if (status == EPODE_OK)
        status = sm_copy_id(s, out, secret_key);
    if (status != EPODE_OK)
        ep_sm_state_free(out);
    ep_free(secret_key);
    return status;
}

epode_status ep_sm_load(ep_store *s)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_SM_GET, "");
    if (status != EPODE_OK)
        return status == EPODE_DONE ? EPODE_OK : status;
    s->has_sm = s->has_sm_committed = !sm_is_lost(s, row);
    if (s->has_sm)
        s->h = s->h_committed = s->h_durable = (uint32_t)sqlite3_column_int64(row, 5);
    ep_sql_end(row);
    return EPODE_OK;
}

void ep_sm_state_free(ep_sm_state *sm)
{
    if (sm->previd)
        ep_free_secret(sm->previd, strlen(sm->previd));
    ep_free(sm->location);
    ep_free(sm->bound_jid);
    ep_free(sm->session);
    memset(sm, 0, sizeof *sm);
}

epode_status ep_store_sm_clear(ep_store *s)
{
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = ep_store_secret_del(s, EP_SECRET_SM, NULL);
    if (status == EPODE_OK)
        status = ep_sql_run(s, EP_SQL_SM_DEL, "");
    if (status == EPODE_OK) {
        s->has_sm = false;
        s->h = 0;
    }
    return ep_write_leave(s, status);
}

epode_status ep_store_sm_set_h(ep_store *s, uint32_t h)
{
    if (!s->has_sm)
        return ep_store_fail(s, EPODE_ESTATE, "no session of the store can be resumed");
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = ep_sql_run(s, EP_SQL_SM_H, "i", (int64_t)h);
    if (status == EPODE_OK)
        s->h = h;
    return ep_write_leave(s, status);
}

uint32_t ep_store_h_committed(const ep_store *s)
{
    return s->h_committed;
}

uint32_t ep_store_h_durable(const ep_store *s)
{
    return s->h_durable;
}
