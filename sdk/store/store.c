/* store.c: opening and closing. */
#include "store/store.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "base/str.h"
#include "store/internal.h"

enum { STORE_BUSY_MS = 20, STORE_SQLITE_OLDEST = 3037000 };

/* The first column of the first row; for what runs once. */
static epode_status store_query_int(ep_store *s, const char *sql, int *value)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    epode_status status = EPODE_OK;
    if (rc == SQLITE_ROW)
        *value = sqlite3_column_int(st, 0);
    else
        status = ep_store_failed(s, rc);
    sqlite3_finalize(st);
    return status;
}

static int store_on_wal(void *user, sqlite3 *db, const char *name, int pages)
{
    ep_store *s = user;
    (void)db;
    (void)name;
    s->wal_pages = (uint32_t)pages;
    return SQLITE_OK;
}

/* An empty file is made ours before anything else is in it; so is one whose creation was rolled
 * back. EXTRA also syncs the deletion of the rollback journal: one that came back after power loss
 * would undo the change to WAL, and with it everything since. */
static epode_status store_adopt(ep_store *s)
{
    char sql[64];
    int id = 0, objects = 0;
    epode_status status = store_query_int(s, "PRAGMA application_id", &id);
    if (status == EPODE_OK)
        status = ep_store_exec(s, "PRAGMA synchronous = EXTRA");
    if (status != EPODE_OK || id == EP_STORE_APPLICATION_ID)
        return status;
    status = store_query_int(s, "SELECT count(*) FROM sqlite_schema", &objects);
    if (status != EPODE_OK)
        return status;
    if (id || objects)
        return ep_store_fail(s, EPODE_ESTORE_CORRUPT,
                             "the file belongs to another program: choose another one");
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d", EP_STORE_APPLICATION_ID);
    return ep_store_exec(s, sql);
}

static epode_status store_use_wal(ep_store *s)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = WAL", -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    epode_status status = rc == SQLITE_ROW ? EPODE_OK : ep_store_failed(s, rc);
    if (status == EPODE_OK && !ep_streq((const char *)sqlite3_column_text(st, 0), "wal"))
        status = ep_store_fail(s, EPODE_ESTORE,
                               "the store's file system lacks shared memory: choose "
                               "a directory on a local disk");
    sqlite3_finalize(st);
    return status;
}

static epode_status store_version(ep_store *s, int *version)
{
    epode_status status = store_query_int(s, "PRAGMA user_version", version);
    if (status != EPODE_OK)
        return status;
    if (*version > ep_migration_newest())
        return ep_store_fail(s, EPODE_ESTORE_NEWER,
                             "the store was written by a newer version: update this program");
    if (s->readonly && *version < ep_migration_newest())
        return ep_store_fail(s, EPODE_ESTATE,
                             "the store is of an older version: open it for writing once");
    return *version < 0 ? ep_store_failed(s, SQLITE_CORRUPT) : EPODE_OK;
}

static epode_status store_migrate(ep_store *s, int from, int to)
{
    char sql[48];
    epode_status status = EPODE_OK;
    /* A step may edit the schema; what is done with the store otherwise may not. */
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    for (int i = from + 1; status == EPODE_OK && i <= to; i++)
        status = ep_store_exec(s, ep_migration_sql(i));
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (status != EPODE_OK || from >= to)
        return status;
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", to);
    return ep_store_exec(s, sql);
}

/* The lease is of the first migration; the others touch data, so they come after it. */
static epode_status store_own_inside(ep_store *s, bool *stale)
{
    int version = 0;
    epode_status status = store_version(s, &version);
    if (status == EPODE_OK && version == 0)
        status = store_migrate(s, 0, 1);
    if (status == EPODE_OK)
        status = ep_lease_take(s, stale);
    if (status == EPODE_OK && version < ep_migration_newest())
        status = store_migrate(s, version > 1 ? version : 1, ep_migration_newest());
    return status;
}

/* Takes the lease and migrates, in one transaction. What a dead owner left may be in the page cache
 * only, and everything that is built upon it counts as durable: so it is synced. After a good close
 * it is. */
static epode_status store_own(ep_store *s)
{
    int version = 0;
    bool stale = false;
    epode_status status = store_version(s, &version);
    if (status == EPODE_OK)
        status = ep_store_exec(s, version < ep_migration_newest() ? "PRAGMA synchronous = FULL"
                                                                  : "PRAGMA synchronous = NORMAL");
    if (status == EPODE_OK)
        status = ep_sql_run(s, EP_SQL_BEGIN, "");
    if (status != EPODE_OK)
        return status;
    status = store_own_inside(s, &stale);
    if (status == EPODE_OK)
        status = ep_sql_run(s, EP_SQL_COMMIT, "");
    if (status != EPODE_OK) {
        ep_error kept = s->error;
        if (!sqlite3_get_autocommit(s->db))
            ep_sql_run(s, EP_SQL_ROLLBACK, "");
        s->error = kept;
        return status;
    }
    s->commits++;
    s->lease_held = true;
    s->unsynced = stale;
    status = ep_store_exec(s, "PRAGMA synchronous = NORMAL");
    return status == EPODE_OK ? ep_store_sync(s) : status;
}

/* page_size, of new files only: a message is some 500 bytes; with half of that a long catch-up makes twice as many writes
 * and costs 5 % more, though a commit of one message writes less. cache_size: 4 MB. Ids are random, so a thousand messages
 * touch many leaves of their indexes: with half of that it reads three times as many pages again. A small store pays that. */
static const char small_pragmas[] = "PRAGMA cache_size = -512;";
static const char store_pragmas[] = "PRAGMA foreign_keys = ON;"
                                    "PRAGMA page_size = 8192;"
                                    "PRAGMA temp_store = MEMORY;"
                                    "PRAGMA cache_size = -4000;"
                                    "PRAGMA trusted_schema = OFF;"
                                    "PRAGMA secure_delete = ON;";

static epode_status store_prepare(ep_store *s)
{
    int version = 0;
    epode_status status = s->memory ? EPODE_OK : ep_store_file_check(s);
    if (status == EPODE_OK && !s->readonly && sqlite3_db_readonly(s->db, "main") == 1)
        status = ep_store_failed(s, SQLITE_READONLY);
    if (status == EPODE_OK)
        status = ep_store_exec(s, store_pragmas);
    if (status == EPODE_OK && s->small)
        status = ep_store_exec(s, small_pragmas);
    if (status == EPODE_OK)
        status = store_version(s, &version);
    if (status == EPODE_OK && version == 0)
        status = store_adopt(s);
    if (status == EPODE_OK && !s->readonly && !s->memory)
        status = store_use_wal(s);
    sqlite3_wal_hook(s->db, store_on_wal, s);
    if (status == EPODE_OK && !s->readonly)
        status = store_own(s);
    if (status == EPODE_OK)
        status = ep_sm_load(s);
    s->opened = status == EPODE_OK;
    return status;
}

static epode_status store_open_db(ep_store *s)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (s->memory)
        flags |= SQLITE_OPEN_MEMORY | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    else
        flags |= s->readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int rc = sqlite3_open_v2(s->memory ? ":memory:" : s->path, &s->db, flags, s->vfs);
    if (rc != SQLITE_OK)
        return ep_store_failed(s, rc);
    sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* Until it is known to be ours, closing must not change the file. */
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return EPODE_OK;
}

static ep_store *store_new(const ep_store_options *o)
{
    ep_store *s = ep_calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->boot_id = ep_strdup(o->boot_id ? o->boot_id : "");
    s->pid_ns = ep_strdup(o->pid_ns ? o->pid_ns : "");
    s->path = ep_strdup(o->path);
    s->vfs = ep_strdup(o->vfs);
    s->readonly = o->flags & EP_STORE_READONLY;
    s->small = o->flags & EP_STORE_SMALL;
    s->memory = !o->path || ep_streq(o->path, ":memory:");
    s->log = o->log;
    s->pid = o->pid;
    s->pid_start = o->pid_start;
    s->alive = o->alive;
    s->user = o->user;
    s->now_ms = o->now_ms;
    if (o->secrets)
        s->secrets = *o->secrets;
    else
        ep_secrets_in_store(s, &s->secrets);
    return s;
}

static epode_status store_start(ep_store *s, const ep_store_options *o)
{
    epode_status status = EPODE_OK;
    if (!s->boot_id || !s->pid_ns || (o->path && !s->path) || (o->vfs && !s->vfs))
        return ep_store_fail(s, EPODE_ENOMEM, "out of memory");
    if (!ep_rand_uuid(s->instance))
        return ep_store_fail(s, EPODE_ESTORE, "the system gives no random numbers");
    if (!s->memory && !s->readonly)
        status = ep_store_file_create(o->path, &s->error);
    if (status == EPODE_OK)
        status = store_open_db(s);
    return status == EPODE_OK ? store_prepare(s) : status;
}

epode_status ep_store_open(ep_store **out, const ep_store_options *o, ep_error *e)
{
    *out = NULL;
    if ((o->path && !*o->path) || (o->flags & ~(unsigned)(EP_STORE_READONLY | EP_STORE_SMALL)))
        return ep_fail(e, EPODE_EINVAL, 0, "an option of the store is wrong");
    if (sqlite3_libversion_number() < STORE_SQLITE_OLDEST)
        return ep_fail(e, EPODE_ESTORE, sqlite3_libversion_number(),
                       "SQLite is too old: 3.37 is needed");
    ep_store *s = store_new(o);
    if (!s)
        return ep_fail(e, EPODE_ENOMEM, 0, "out of memory");
    epode_status status = store_start(s, o);
    if (status == EPODE_OK) {
        ep_error_clear(&s->error);
        *out = s;
        return EPODE_OK;
    }
    if (e)
        *e = s->error;
    ep_store_close(s);
    return status;
}

/* Under FULL: whoever finds no lease may take all that is there for durable. */
static void store_disown(ep_store *s)
{
    if (ep_store_exec(s, "PRAGMA synchronous = FULL") != EPODE_OK ||
        ep_sql_run(s, EP_SQL_BEGIN, "") != EPODE_OK)
        return;
    if (s->sync_failed || ep_lease_release(s) != EPODE_OK ||
        ep_sql_run(s, EP_SQL_COMMIT, "") != EPODE_OK)
        ep_sql_run(s, EP_SQL_ROLLBACK, "");
}

static void store_close_db(ep_store *s)
{
    if (s->db) {
        ep_store_rollback(s);
        if (s->lease_held && !s->lease_lost)
            store_disown(s);
        ep_sql_finalize(s);
        if (s->opened && !s->readonly && !s->memory && !s->lease_lost) {
            ep_store_checkpoint(s, SQLITE_CHECKPOINT_PASSIVE);
            sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
        }
    }
    sqlite3_close_v2(s->db);
    s->db = NULL;
    s->lease_held = s->lease_lost = s->opened = false;
}

epode_status ep_store_suspend(ep_store *s)
{
    if (ep_store_in_transaction(s))
        return ep_store_fail(s, EPODE_ESTATE, "a transaction of the store is open");
    if (!s->memory)
        store_close_db(s);
    return EPODE_OK;
}

epode_status ep_store_resume(ep_store *s, int64_t now_ms)
{
    if (s->db)
        return EPODE_OK;
    s->now_ms = now_ms;
    epode_status status = store_open_db(s);
    if (status == EPODE_OK)
        status = store_prepare(s);
    if (status != EPODE_OK) {
        ep_error kept = s->error;
        store_close_db(s);
        s->error = kept;
    }
    return status;
}

void ep_store_close(ep_store *s)
{
    if (!s)
        return;
    store_close_db(s);
    ep_free(s->path);
    ep_free(s->vfs);
    ep_free(s->boot_id);
    ep_free(s->pid_ns);
    ep_free(s);
}
