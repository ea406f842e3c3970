/* statements.c: how the prepared statements are run. */
#include "store/statements.h"

#include <stdarg.h>

#include "store/internal.h"

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

/* Prepared once. */
static sqlite3_stmt *sql_prepared(ep_store *s, ep_sql sql, int *rc)
{
    sqlite3_stmt **st = &s->stmt[sql];
    *rc = s->db ? SQLITE_OK : SQLITE_MISUSE;
    if (!s->db)
        return NULL;
    if (!*st)
        *rc = sqlite3_prepare_v3(s->db, ep_sql_text[sql], -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
    /* The statements fit the schema of this version: a file that they do not fit is damaged. */
    if (*rc == SQLITE_ERROR)
        *rc = SQLITE_CORRUPT;
    return *st;
}

/* A statement ready to step, bound anew; NULL with the result in *rc. */
static sqlite3_stmt *sql_start(ep_store *s, ep_sql sql, const char *types, va_list *ap, int *rc)
{
    sqlite3_stmt *st = sql_prepared(s, sql, rc);
    for (int i = 0; *rc == SQLITE_OK && types[i]; i++)
        *rc = sql_bind_one(st, i + 1, types[i], ap);
    if (*rc == SQLITE_OK)
        return st;
    if (st)
        ep_sql_end(st);
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

epode_status ep_sql_ready(ep_store *s, sqlite3_stmt **st, ep_sql sql)
{
    int rc;
    *st = sql_prepared(s, sql, &rc);
    return rc == SQLITE_OK ? EPODE_OK : ep_store_failed(s, rc);
}

epode_status ep_sql_finish(ep_store *s, sqlite3_stmt *st, int rc)
{
    epode_status status = rc == SQLITE_OK ? sql_step(s, st, rc) : ep_store_failed(s, rc);
    if (rc != SQLITE_OK || status == EPODE_OK)
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
