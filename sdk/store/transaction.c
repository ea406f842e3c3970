/* transaction.c: the two strengths of commit.
 *
 * SQLite refuses to change "PRAGMA synchronous" inside a transaction, and a transaction without a
 * row syncs nothing. So everything is committed under NORMAL, which writes to the WAL without a
 * sync, and a durable commit is followed by a transaction of one row under FULL: its one fsync of
 * the WAL carries all that was written to the WAL before. */
#include "store/internal.h"

enum {
    TX_IDLE_PAGES = 128,  /* ep_store_idle leaves a shorter WAL alone */
    TX_HARD_PAGES = 4096, /* a WAL that nobody's idle time has shortened */
    TX_HEARTBEAT_MS = 30000
};

epode_status ep_store_exec(ep_store *s, const char *sql)
{
    int rc = !s->db ? SQLITE_MISUSE : sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? EPODE_OK : ep_store_failed(s, rc);
}

/* Forgets the open transaction. SQLite may have rolled it back already, after a failure. */
static void tx_abandon(ep_store *s)
{
    if (s->open && !sqlite3_get_autocommit(s->db)) {
        ep_error kept = s->error;
        ep_sql_run(s, EP_SQL_ROLLBACK, "");
        s->error = kept;
    }
    s->open = false;
    s->h = s->h_committed;
    s->has_sm = s->has_sm_committed;
}

static epode_status tx_open(ep_store *s)
{
    epode_status status = ep_sql_run(s, EP_SQL_BEGIN, "");
    if (status != EPODE_OK)
        return status;
    s->open = true;
    status = ep_lease_check(s);
    if (status == EPODE_OK && s->now_ms - s->heartbeat_ms >= TX_HEARTBEAT_MS) {
        status = ep_sql_run(s, EP_SQL_LEASE_BEAT, "i", s->now_ms);
        s->heartbeat_ms = s->now_ms;
    }
    if (status != EPODE_OK)
        tx_abandon(s);
    return status;
}

static epode_status tx_commit(ep_store *s)
{
    if (s->hook)
        s->hook(++s->hook_number, false, s->hook_user);
    epode_status status = ep_sql_run(s, EP_SQL_COMMIT, "");
    if (status != EPODE_OK) {
        tx_abandon(s);
        return status;
    }
    s->open = false;
    s->commits++;
    s->unsynced = true;
    s->h_committed = s->h;
    s->has_sm_committed = s->has_sm;
    if (s->hook)
        s->hook(s->hook_number, true, s->hook_user);
    return EPODE_OK;
}

static epode_status tx_sync_row(ep_store *s)
{
    epode_status status = tx_open(s);
    if (status != EPODE_OK)
        return status;
    status = ep_sql_run(s, EP_SQL_DURABLE, "");
    if (status == EPODE_OK)
        return tx_commit(s);
    tx_abandon(s);
    return status;
}

epode_status ep_store_sync(ep_store *s)
{
    if (!s->unsynced)
        return EPODE_OK;
    /* After a failed fsync the kernel may call pages clean that never reached the disk, and a
     * second fsync lies. A checkpoint writes their content again, to the database itself. */
    if (s->sync_failed) {
        epode_status status = ep_store_checkpoint(s, SQLITE_CHECKPOINT_TRUNCATE);
        if (status != EPODE_OK)
            return status;
        s->sync_failed = false;
    }
    epode_status status = ep_store_exec(s, "PRAGMA synchronous = FULL");
    if (status == EPODE_OK)
        status = tx_sync_row(s);
    if (status == EPODE_OK) {
        s->durable_commits++;
        s->unsynced = false;
        s->h_durable = s->h_committed;
    }
    ep_error kept = s->error;
    ep_store_exec(s, "PRAGMA synchronous = NORMAL");
    s->error = kept;
    return status;
}

epode_status ep_store_begin(ep_store *s)
{
    if (s->readonly)
        return ep_store_fail(s, EPODE_ESTATE, "the store is open for reading only");
    if (s->begun || s->depth)
        return ep_store_fail(s, EPODE_ESTATE, "a transaction of the store is open already");
    s->begun = true;
    ep_error_clear(&s->spoiled);
    return EPODE_OK;
}

epode_status ep_store_commit(ep_store *s, bool durable)
{
    epode_status status = EPODE_OK;
    if (s->depth || (!s->begun && !durable))
        return ep_store_fail(s, EPODE_ESTATE, "no transaction of the store is open");
    s->begun = false;
    if (s->spoiled.status != EPODE_OK) {
        tx_abandon(s);
        s->error = s->spoiled;
        status = s->error.status;
        ep_error_clear(&s->spoiled);
        return status;
    }
    if (s->open)
        status = tx_commit(s);
    if (status == EPODE_OK && durable)
        status = ep_store_sync(s);
    if (s->wal_pages > TX_HARD_PAGES) {
        ep_error kept = s->error;
        ep_store_checkpoint(s, SQLITE_CHECKPOINT_PASSIVE);
        s->error = kept;
    }
    return status;
}

void ep_store_rollback(ep_store *s)
{
    s->begun = false;
    ep_error_clear(&s->spoiled);
    tx_abandon(s);
}

bool ep_store_in_transaction(const ep_store *s)
{
    return s->begun || s->open;
}

epode_status ep_write_enter(ep_store *s)
{
    epode_status status = EPODE_OK;
    if (s->readonly)
        return ep_store_fail(s, EPODE_ESTATE, "the store is open for reading only");
    if (s->begun && s->spoiled.status != EPODE_OK) {
        s->error = s->spoiled;
        return s->spoiled.status;
    }
    if (!s->open)
        status = tx_open(s);
    if (status == EPODE_OK)
        s->depth++;
    else if (s->begun)
        s->spoiled = s->error;
    return status;
}

epode_status ep_write_leave(ep_store *s, epode_status status)
{
    s->depth--;
    if (s->begun) {
        if (status < 0 && status != EPODE_EINVAL && s->spoiled.status == EPODE_OK)
            s->spoiled = s->error;
        return status;
    }
    if (s->depth)
        return status;
    if (status < 0) {
        tx_abandon(s);
        return status;
    }
    epode_status committed = tx_commit(s);
    return committed == EPODE_OK ? status : committed;
}

epode_status ep_store_checkpoint(ep_store *s, int mode)
{
    int log = -1, done = -1;
    int rc = !s->db ? SQLITE_MISUSE : sqlite3_wal_checkpoint_v2(s->db, "main", mode, &log, &done);
    if (rc != SQLITE_OK)
        return ep_store_failed(s, rc);
    /* A WAL that is in the database to its end starts anew with the next commit. */
    if (log >= 0 && log == done)
        s->wal_pages = 0;
    return EPODE_OK;
}

epode_status ep_store_idle(ep_store *s)
{
    if (!s->db || s->readonly || s->memory || s->lease_lost || s->wal_pages < TX_IDLE_PAGES)
        return EPODE_DONE;
    if (ep_store_in_transaction(s))
        return ep_store_fail(s, EPODE_ESTATE, "a transaction of the store is open");
    return ep_store_checkpoint(s, SQLITE_CHECKPOINT_PASSIVE);
}

void ep_store_shrink(ep_store *s)
{
    if (s->db)
        sqlite3_db_release_memory(s->db);
}

void ep_store_stats_get(const ep_store *s, ep_store_stats *out)
{
    out->commits = s->commits;
    out->durable_commits = s->durable_commits;
    out->rows = s->db ? (uint64_t)sqlite3_total_changes64(s->db) : 0;
    out->wal_pages = s->wal_pages;
}

void ep_store_on_commit(ep_store *s, ep_store_commit_hook hook, void *user)
{
    s->hook = hook;
    s->hook_user = user;
    s->hook_number = 0;
}
