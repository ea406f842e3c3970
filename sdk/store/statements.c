/* statements.c: the prepared statements. */
#include "store/statements.h"

#include <stdarg.h>

#include "store/internal.h"

#define QUEUE_COLUMNS "kind, stamp_ms, stanza_id, xml"
#define BATCH         "64"

static const char *const sql_text[EP_SQL_COUNT] = {
    [EP_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [EP_SQL_COMMIT] = "COMMIT",
    [EP_SQL_ROLLBACK] = "ROLLBACK",
    [EP_SQL_DURABLE] = "UPDATE counter SET value = value + 1 WHERE name = 'durable'",

    [EP_SQL_LEASE_GET] = "SELECT boot_id, pid_ns, pid, pid_start, heartbeat_ms FROM lease",
    [EP_SQL_LEASE_OWNER] = "SELECT 1 FROM lease WHERE instance = ?1",
    [EP_SQL_LEASE_PUT] =
        "INSERT OR REPLACE INTO lease (id, instance, boot_id, pid_ns, pid, pid_start, "
        "heartbeat_ms) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)",
    [EP_SQL_LEASE_BEAT] = "UPDATE lease SET heartbeat_ms = ?1",
    [EP_SQL_LEASE_DEL] = "DELETE FROM lease WHERE instance = ?1",

    [EP_SQL_FACT_PUT] = "INSERT OR REPLACE INTO fact (kind, key, data, expires_ms) "
                        "VALUES (?1, ?2, ?3, ?4)",
    [EP_SQL_FACT_GET] = "SELECT data, expires_ms FROM fact WHERE kind = ?1 AND key = ?2",
    [EP_SQL_FACT_DEL] = "DELETE FROM fact WHERE kind = ?1 AND key = ?2",
    [EP_SQL_FACT_DEL_KIND] = "DELETE FROM fact WHERE kind = ?1",
    [EP_SQL_FACT_EACH] = "SELECT key, data, expires_ms FROM fact WHERE kind = ?1 "
                         "AND (?2 IS NULL OR key > ?2) ORDER BY key LIMIT " BATCH,

    [EP_SQL_SECRET_PUT] = "INSERT OR REPLACE INTO secret (kind, key, data, expires_ms) "
                          "VALUES (?1, ?2, ?3, ?4)",
    [EP_SQL_SECRET_GET] = "SELECT data, expires_ms FROM secret WHERE kind = ?1 AND key = ?2",
    [EP_SQL_SECRET_DEL] = "DELETE FROM secret WHERE kind = ?1 AND key = ?2",
    [EP_SQL_SECRET_DEL_KIND] = "DELETE FROM secret WHERE kind = ?1",
    [EP_SQL_SECRET_TAKE] = "DELETE FROM secret WHERE kind = ?1 AND key = ?2 "
                           "RETURNING data, expires_ms",

    [EP_SQL_COUNT_RESERVE] = "UPDATE counter SET value = value + ?1 WHERE name = 'token-count' "
                             "RETURNING value - ?1",
    [EP_SQL_COUNT_RESET] = "UPDATE counter SET value = 1 WHERE name = 'token-count'",

    [EP_SQL_SM_PUT] =
        "INSERT OR REPLACE INTO sm (id, secret_key, location, bound_jid, session, max_s, "
        "h_in, out_acked, created_ms, boot_id) "
        "VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [EP_SQL_SM_GET] =
        "SELECT secret_key, location, bound_jid, session, max_s, h_in, out_acked, "
        "max(out_acked, (SELECT coalesce(max(seq), 0) FROM smq)), created_ms, boot_id "
        "FROM sm",
    [EP_SQL_SM_DEL] = "DELETE FROM sm",
    [EP_SQL_SM_H] = "UPDATE sm SET h_in = ?1",
    [EP_SQL_SM_ACKED] = "UPDATE sm SET out_acked = ?1 WHERE out_acked < ?1",

    [EP_SQL_SMQ_PUSH] = "INSERT INTO smq (seq, " QUEUE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5)",
    [EP_SQL_SMQ_ACK] = "DELETE FROM smq WHERE seq <= ?1",
    [EP_SQL_SMQ_EACH] = "SELECT seq, " QUEUE_COLUMNS " FROM smq WHERE seq > ?1 "
                        "ORDER BY seq LIMIT " BATCH,
    [EP_SQL_SMQ_COUNT] = "SELECT count(*) FROM smq",
    /* What was sent goes before what still waits since an earlier failure. */
    [EP_SQL_SMQ_TO_PENDING] =
        "INSERT INTO pending (seq, " QUEUE_COLUMNS ") SELECT "
        "(SELECT coalesce(min(seq), 1 << 62) FROM pending) - 1 - (SELECT max(seq) FROM smq) + "
        "seq, " QUEUE_COLUMNS " FROM smq WHERE kind = 0 ORDER BY seq",
    [EP_SQL_SMQ_CLEAR] = "DELETE FROM smq",
    [EP_SQL_PENDING_EACH] = "SELECT seq, " QUEUE_COLUMNS " FROM pending WHERE seq > ?1 "
                            "ORDER BY seq LIMIT " BATCH,
    [EP_SQL_PENDING_DEL] = "DELETE FROM pending WHERE seq = ?1",
    [EP_SQL_PENDING_COUNT] = "SELECT count(*) FROM pending",

    [EP_SQL_INBOX_ADD] = "INSERT INTO inbox (owner, archive_id, h, received_ms, xml) "
                         "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING RETURNING seq",
    [EP_SQL_INBOX_FIND] = "SELECT seq FROM inbox WHERE owner = ?1 AND archive_id = ?2",
    [EP_SQL_INBOX_EACH] = "SELECT seq, owner, archive_id, h, received_ms, xml FROM inbox "
                          "WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    [EP_SQL_INBOX_COUNT] = "SELECT count(*) FROM inbox",
    [EP_SQL_INBOX_DEL] = "DELETE FROM inbox WHERE seq <= ?1",
};

static int sql_bind_one(sqlite3_stmt *st, int i, char type, va_list *ap)
{
    const void *p;
    size_t n;
    switch (type) {
    case 'i':
        return sqlite3_bind_int64(st, i, va_arg(*ap, int64_t));
    case 't':
        return sqlite3_bind_text(st, i, va_arg(*ap, const char *), -1, SQLITE_STATIC);
    default:
        p = va_arg(*ap, const void *);
        n = va_arg(*ap, size_t);
        return sqlite3_bind_blob64(st, i, p ? p : "", n, SQLITE_STATIC);
    }
}

/* A statement ready to step: prepared once, bound anew; NULL with the result in *rc. */
static sqlite3_stmt *sql_start(ep_store *s, ep_sql sql, const char *types, va_list *ap, int *rc)
{
    sqlite3_stmt **st = &s->stmt[sql];
    *rc = SQLITE_OK;
    if (!*st)
        *rc = sqlite3_prepare_v3(s->db, sql_text[sql], -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
    /* The statements fit the schema of this version: a file that they do not fit is damaged. */
    if (*rc == SQLITE_ERROR)
        *rc = SQLITE_CORRUPT;
    for (int i = 0; *rc == SQLITE_OK && types[i]; i++)
        *rc = sql_bind_one(*st, i + 1, types[i], ap);
    if (*rc == SQLITE_OK)
        return *st;
    if (*st)
        ep_sql_end(*st);
    return NULL;
}

void ep_sql_end(sqlite3_stmt *row)
{
    sqlite3_reset(row);
    sqlite3_clear_bindings(row);
}

/* Steps once; a failure is told before the reset, while SQLite still knows the errno. */
static epode_status sql_step(ep_store *s, sqlite3_stmt *st, int rc)
{
    if (st) {
        rc = sqlite3_step(st);
        if (rc == SQLITE_ROW)
            return EPODE_OK;
    }
    epode_status status = rc == SQLITE_DONE ? EPODE_DONE : ep_store_failed(s, rc);
    if (st)
        ep_sql_end(st);
    return status;
}

epode_status ep_sql_run(ep_store *s, ep_sql sql, const char *types, ...)
{
    va_list ap;
    int rc;
    va_start(ap, types);
    sqlite3_stmt *st = sql_start(s, sql, types, &ap, &rc);
    va_end(ap);
    epode_status status = sql_step(s, st, rc);
    if (status == EPODE_OK)
        ep_sql_end(st);
    return status == EPODE_DONE ? EPODE_OK : status;
}

epode_status ep_sql_row(ep_store *s, sqlite3_stmt **row, ep_sql sql, const char *types, ...)
{
    va_list ap;
    int rc;
    va_start(ap, types);
    *row = sql_start(s, sql, types, &ap, &rc);
    va_end(ap);
    return sql_step(s, *row, rc);
}

epode_status ep_sql_int(ep_store *s, int64_t *value, ep_sql sql, const char *types, ...)
{
    va_list ap;
    int rc;
    va_start(ap, types);
    sqlite3_stmt *st = sql_start(s, sql, types, &ap, &rc);
    va_end(ap);
    epode_status status = sql_step(s, st, rc);
    if (status != EPODE_OK)
        return status;
    *value = sqlite3_column_int64(st, 0);
    /* To the end: what a RETURNING did counts only once the statement is done. */
    status = sql_step(s, st, rc);
    return status == EPODE_DONE ? EPODE_OK : status;
}

void ep_sql_finalize(ep_store *s)
{
    for (int i = 0; i < EP_SQL_COUNT; i++) {
        sqlite3_finalize(s->stmt[i]);
        s->stmt[i] = NULL;
    }
}
