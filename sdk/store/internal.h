/* internal.h: what the files of the store share, and nobody else includes. */
#ifndef EP_STORE_INTERNAL_H
#define EP_STORE_INTERNAL_H

#include <sqlite3.h>

#include "store/secrets.h"
#include "store/statements.h"
#include "store/store.h"

#define EP_STORE_APPLICATION_ID 0x65704f64 /* "epOd" */

struct ep_store {
    sqlite3 *db;       /* NULL: suspended */
    char *path, *vfs;  /* to open it again */
    sqlite3_stmt *stmt[EP_SQL_COUNT];
    ep_error error;
    const ep_log *log;
    ep_secrets secrets;
    bool readonly, memory, small;
    bool opened; /* the file is ours and of our version: closing may checkpoint it */

    /* the lease */
    char instance[37];
    char *boot_id, *pid_ns; /* never NULL: "" is unknown */
    int64_t pid;
    uint64_t pid_start;
    bool (*alive)(int64_t pid, uint64_t start, void *user);
    void *user;
    int64_t now_ms, heartbeat_ms;
    bool lease_held, lease_lost;

    /* the transaction */
    bool begun;       /* by ep_store_begin */
    bool open;        /* SQLite has one open */
    unsigned depth;   /* of writes inside writes */
    ep_error spoiled; /* the first failure in it */
    bool unsynced;    /* something was committed since the last sync */
    bool sync_failed; /* what fsync failed on is in the page cache, and perhaps nowhere else */
    ep_store_commit_hook hook;
    void *hook_user;
    uint64_t hook_number;
    int64_t gap; /* tests only: a small distance between spans; 0: EP_GAP */
    uint64_t commits, durable_commits;
    uint32_t wal_pages;

    /* the SM state's counter: in the open transaction, committed, durable */
    bool has_sm, has_sm_committed;
    uint32_t h, h_committed, h_durable;
};

/* Turns a result of SQLite into a status, with the story in s->error. */
epode_status ep_store_failed(ep_store *s, int rc);
/* The same for a failure that is not SQLite's: text must be literal. */
epode_status ep_store_fail(ep_store *s, epode_status status, const char *text);
epode_status ep_store_exec(ep_store *s, const char *sql);

/* Around every write: enter opens a transaction if there is none, leave commits it if enter
 * did, and rolls back or spoils after a failure. Each enter that gave EPODE_OK is followed by
 * one leave. */
epode_status ep_write_enter(ep_store *s);
epode_status ep_write_leave(ep_store *s, epode_status status);
epode_status ep_store_checkpoint(ep_store *s, int mode);
/* Makes durable what was committed; no transaction may be open. */
epode_status ep_store_sync(ep_store *s);

/* Inside a transaction. take: EPODE_EBUSY if another one holds it; *stale: it was left by a dead
 * owner. */
epode_status ep_lease_take(ep_store *s, bool *stale);
epode_status ep_lease_check(ep_store *s);
epode_status ep_lease_release(ep_store *s);

/* file.c: creates an empty file if there is none, mode 0600, its name synced to the directory. */
epode_status ep_store_file_create(const char *path, ep_error *e);
/* Looks at the header through the open handle, before SQLite reads (and perhaps recovers)
 * anything. */
epode_status ep_store_file_check(ep_store *s);

/* migrations.c: the newest version, and the text that leads to version number (from 1). */
int ep_migration_newest(void);
const char *ep_migration_sql(int number);

void ep_secrets_in_store(ep_store *s, ep_secrets *out);
/* Reads h from the SM row after opening. */
epode_status ep_sm_load(ep_store *s);

#endif
