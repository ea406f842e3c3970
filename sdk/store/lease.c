/* lease.c: one owner at a time, by a row instead of a lock: no lock outlives a transaction. */
#include "base/str.h"
#include "store/internal.h"

enum { LEASE_SILENCE_MS = 120000 };

static bool lease_is_stale(const ep_store *s, sqlite3_stmt *row)
{
    const char *boot_id = (const char *)sqlite3_column_text(row, 0);
    const char *pid_ns = (const char *)sqlite3_column_text(row, 1);
    int64_t silence = s->now_ms - sqlite3_column_int64(row, 4);
    if (boot_id && boot_id[0] && s->boot_id[0] && !ep_streq(boot_id, s->boot_id))
        return true;
    if (s->alive && ep_streq(pid_ns, s->pid_ns))
        return !s->alive(sqlite3_column_int64(row, 2), (uint64_t)sqlite3_column_int64(row, 3),
                         s->user);
    /* A heartbeat from the future is of a clock that was set back since. */
    return silence > LEASE_SILENCE_MS || silence < -LEASE_SILENCE_MS;
}

epode_status ep_lease_take(ep_store *s, bool *stale)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_LEASE_GET, "");
    *stale = false;
    if (status == EPODE_OK) {
        *stale = lease_is_stale(s, row);
        ep_sql_end(row);
        if (!*stale)
            return ep_store_fail(s, EPODE_EBUSY,
                                 "another process has this store open: end it first");
    } else if (status != EPODE_DONE) {
        return status;
    }
    s->heartbeat_ms = s->now_ms;
    return ep_sql_run(s, EP_SQL_LEASE_PUT, "tttiii", s->instance, s->boot_id, s->pid_ns, s->pid,
                      (int64_t)s->pid_start, s->now_ms);
}

epode_status ep_lease_check(ep_store *s)
{
    int64_t one;
    epode_status status =
        s->lease_lost ? EPODE_DONE : ep_sql_int(s, &one, EP_SQL_LEASE_OWNER, "t", s->instance);
    if (status != EPODE_DONE)
        return status;
    s->lease_lost = true;
    return ep_store_fail(s, EPODE_EBUSY, "another process has taken this store over");
}

epode_status ep_lease_release(ep_store *s)
{
    return ep_sql_run(s, EP_SQL_LEASE_DEL, "t", s->instance);
}

void ep_store_heartbeat(ep_store *s, int64_t now_ms)
{
    s->now_ms = now_ms;
}

bool ep_store_lease_lost(const ep_store *s)
{
    return s->lease_lost;
}
