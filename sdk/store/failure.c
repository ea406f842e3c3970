/* failure.c: from SQLite's results to statuses, in words that say what to do. */
#include <errno.h>

#include "store/internal.h"

typedef struct failure {
    int rc; /* primary result code */
    epode_status status;
    const char *text;
} failure;

static const failure failures[] = {
    { SQLITE_NOMEM, EPODE_ENOMEM, "out of memory" },
    { SQLITE_BUSY, EPODE_EBUSY, "another process uses the store's file at the moment: try again" },
    { SQLITE_LOCKED, EPODE_EBUSY,
      "another connection uses the store's file at the moment: try again" },
    { SQLITE_CORRUPT, EPODE_ESTORE_CORRUPT,
      "the store's file is damaged: move it away to start with an empty one" },
    { SQLITE_NOTADB, EPODE_ESTORE_CORRUPT,
      "the file is not a store, or is damaged: choose another file, or move this one away" },
    { SQLITE_FULL, EPODE_ESTORE_FULL, "no space is left for the store: make room and try again" },
    { SQLITE_CONSTRAINT, EPODE_EINVAL, "the store has this row already, or the row is incomplete" },
    { SQLITE_TOOBIG, EPODE_EINVAL, "the row is too big for the store" },
    { SQLITE_READONLY, EPODE_ESTORE,
      "the store's file cannot be written: check the permissions of it and of its directory" },
    { SQLITE_PERM, EPODE_ESTORE, "the store's file cannot be opened: check its permissions" },
    { SQLITE_AUTH, EPODE_ESTORE, "the store's file cannot be opened: check its permissions" },
    { SQLITE_CANTOPEN, EPODE_ESTORE,
      "the store's file cannot be opened: check that it and its directory exist and may be used" },
    { SQLITE_IOERR, EPODE_ESTORE, "the store's disk failed to read or write: check the disk" },
};

static failure failure_of(ep_store *s, int rc)
{
    int os = s->db ? sqlite3_system_errno(s->db) : 0;
    failure f = { rc, EPODE_ESTORE, "the store failed in a way that it should not: a bug" };
    int primary = rc & 0xff;
    if (rc == SQLITE_IOERR_NOMEM)
        primary = SQLITE_NOMEM;
    else if (rc == SQLITE_IOERR_CORRUPTFS)
        primary = SQLITE_CORRUPT;
    else if (rc == SQLITE_ERROR && !s->opened)
        primary = SQLITE_CORRUPT; /* a header or schema that makes no sense */
    else if (primary == SQLITE_IOERR && (os == ENOSPC || os == EDQUOT))
        primary = SQLITE_FULL;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (failures[i].rc == primary)
            f = failures[i];
    return f;
}

epode_status ep_store_failed(ep_store *s, int rc)
{
    if (!s->db && rc == SQLITE_MISUSE)
        return ep_store_fail(s, EPODE_ESTATE, "the store is suspended");
    failure f = failure_of(s, rc);
    if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
        s->sync_failed = true;
    /* That a row is there already is looked for by inserting it: no fault. */
    bool asked = rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY;
    ep_log_line(s->log, asked ? EP_LOG_DEBUG : EP_LOG_WARN, "store", "%s (SQLite %d)", f.text, rc);
    return ep_fail(&s->error, f.status, rc, "%s", f.text);
}

epode_status ep_store_fail(ep_store *s, epode_status status, const char *text)
{
    return ep_fail(&s->error, status, 0, "%s", text);
}

const ep_error *ep_store_error(const ep_store *s)
{
    return &s->error;
}
