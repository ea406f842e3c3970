/* store.h: one SQLite file per client: opening, the lease, transactions.
 *
 * Units: times are Unix milliseconds. Every call gives EPODE_OK, EPODE_DONE where it says so, or a
 * failure: EPODE_ENOMEM, EPODE_EINVAL (nothing was changed), EPODE_EBUSY (another process owns the
 * store, or held the file for longer than 20 ms: see ep_store_lease_lost), EPODE_ESTORE_CORRUPT,
 * EPODE_ESTORE_FULL, EPODE_ESTORE (native code: SQLite's extended one), EPODE_ESTATE (a write
 * through a read-only store). ep_store_error tells the story of the last failure.
 *
 * One thread uses an ep_store. What the callbacks are given is borrowed until they return; they may
 * call the store, for nothing is held open while they run. */
#ifndef EP_STORE_H
#define EP_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"

typedef struct ep_store ep_store;
struct ep_secrets;

enum {
    EP_STORE_READONLY = 1, /* no lease, no migration; the file must exist; works beside its owner */
    EP_STORE_SMALL = 2     /* an eighth of the cache */
};

/* Zero is the default of each field. The strings are copied; log and secrets must outlive the
 * store. */
typedef struct ep_store_options {
    const char
        *path; /* NULL: in memory. The directory must exist; the file is created with mode 0600 */
    const char *vfs; /* the name of a registered SQLite VFS; NULL: SQLite's default */
    unsigned flags;  /* EP_STORE_* */
    int64_t now_ms;
    const ep_log *log;
    const struct ep_secrets *secrets; /* store/secrets.h; NULL: the table "secret" of this file */

    /* Who is asking, for the lease. An unknown boot id (NULL) makes every stored SM state lost. */
    const char *boot_id;
    const char *pid_ns; /* two processes with the same text see each other's pids */
    int64_t pid;
    uint64_t pid_start; /* tells a process from a later one of the same pid */
    /* Whether that process of this pid namespace still runs; NULL: the heartbeat decides. */
    bool (*alive)(int64_t pid, uint64_t start, void *user);
    void *user;
} ep_store_options;

/* Opens, creates or migrates the store and takes its lease; *out is the caller's, NULL on failure.
 * A file that is damaged, is not ours (EPODE_ESTORE_CORRUPT) or is from a newer version
 * (EPODE_ESTORE_NEWER) is left as it is. EPODE_EBUSY: the lease is held by a process that still
 * runs (in another pid namespace: gave a sign of life in the last 120 s). e may be NULL. */
epode_status ep_store_open(ep_store **out, const ep_store_options *o, ep_error *e);

/* Rolls back what is open, gives the lease back (durably: all that was committed survives),
 * checkpoints and frees. NULL is fine. */
void ep_store_close(ep_store *s);

/* Closes the file, as ep_store_close does, but keeps the object: no lock is held, the lease is given back, and until
 * ep_store_resume every call gives EPODE_ESTATE. An open transaction is EPODE_ESTATE. A store in memory stays as it is. */
epode_status ep_store_suspend(ep_store *s);
/* Opens it again, as ep_store_open does and with its failures; after one it stays suspended. Whatever was read before
 * may have changed: another process may have owned the file. */
epode_status ep_store_resume(ep_store *s, int64_t now_ms);

/* The last failure; never NULL, borrowed until the next call. */
const ep_error *ep_store_error(const ep_store *s);

/* Transactions. Outside of one every write is a transaction of its own, committed NORMAL. A
 * read-only store has none. They do not nest (EPODE_ESTATE).
 *
 * begin costs nothing: the first write takes the lock. A write that failed (with anything but
 * EPODE_EINVAL) spoils the transaction: commit rolls it back and gives the first failure.
 *
 * commit(durable = false) survives the process, and power loss only by luck, but always as a prefix
 * of what was committed. When commit(durable = true) has given EPODE_OK, everything committed so
 * far, this transaction included, survives power loss; without a transaction it does that for the
 * earlier ones. It costs nothing if nothing was committed since the last one. When it fails the
 * transaction may yet have been committed, only not durably (the number of commits in the stats
 * tells; ep_store_h_durable stays): another commit(durable = true) is the way to try again. After
 * commit, whatever it gave, no transaction is open. */
epode_status ep_store_begin(ep_store *s);
epode_status ep_store_commit(ep_store *s, bool durable);
void ep_store_rollback(ep_store *s); /* without a transaction it does nothing */
bool ep_store_in_transaction(const ep_store *s);

/* Tells the store the time. The heartbeat rides in the next transaction, at most every 30 s. */
void ep_store_heartbeat(ep_store *s, int64_t now_ms);
/* Another process has taken the store over: every write gives EPODE_EBUSY for good, reads still
 * work. */
bool ep_store_lease_lost(const ep_store *s);

/* To be called when there is nothing else to do: one passive checkpoint if the WAL has grown.
 * Blocks nobody. EPODE_DONE: there was nothing to do. */
epode_status ep_store_idle(ep_store *s);

/* Gives back the memory that SQLite keeps to be faster: pages that are not in use, statements' scratch. */
void ep_store_shrink(ep_store *s);

typedef struct ep_store_stats {
    uint64_t commits;         /* all of them, durable ones included */
    uint64_t durable_commits; /* those that paid a sync */
    uint64_t rows;            /* rows inserted, changed or deleted */
    uint32_t wal_pages;       /* length of the WAL after the last commit */
} ep_store_stats;
void ep_store_stats_get(const ep_store *s, ep_store_stats *out);

/* Tests only: called before (after = false) and after every COMMIT with its number, from 1. */
typedef void (*ep_store_commit_hook)(uint64_t number, bool after, void *user);
void ep_store_on_commit(ep_store *s, ep_store_commit_hook hook, void *user);

#endif
