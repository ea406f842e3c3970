/* Users, their stable resources, and the small SQLite helpers. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

sqlite3_stmt *srv_prepare(struct srv *srv, const char *sql, const char *a, const char *b)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(srv->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        abort();
    if (a)
        sqlite3_bind_text(stmt, 1, a, -1, SQLITE_TRANSIENT);
    if (b)
        sqlite3_bind_text(stmt, 2, b, -1, SQLITE_TRANSIENT);
    return stmt;
}

void srv_exec(struct srv *srv, const char *sql, const char *a, const char *b, const char *c)
{
    sqlite3_stmt *stmt = srv_prepare(srv, sql, a, b);
    if (c)
        sqlite3_bind_text(stmt, 3, c, -1, SQLITE_TRANSIENT);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        continue;
    sqlite3_finalize(stmt);
}

int64_t srv_query_int(struct srv *srv, const char *sql, const char *a, const char *b)
{
    sqlite3_stmt *stmt = srv_prepare(srv, sql, a, b);
    int64_t value = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return value;
}

char *srv_query_text(struct srv *srv, const char *sql, const char *a, const char *b)
{
    sqlite3_stmt *stmt = srv_prepare(srv, sql, a, b);
    char *text = NULL;
    if (sqlite3_step(stmt) == SQLITE_ROW)
        text = srv_dup((const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    return text;
}

int srv_user_add(struct srv *srv, const char *name, const char *password)
{
    if (!*name || strpbrk(name, "@/ \"&'<>:"))
        return -1;
    uint8_t raw[16];
    srv_random(srv, raw, sizeof raw);
    char *old = srv_user_password(srv, name);
    if (old && strcmp(old, password) != 0)
        srv_upgrades_forget(srv, name);
    free(old);
    char *salt = srv_base64(raw, sizeof raw);
    /* A changed password keeps no salt, so that remembered SCRAM keys stop working with it. */
    srv_exec(srv, "INSERT INTO users(name, password, salt) VALUES(?1, ?2, ?3) ON CONFLICT(name)"
             " DO UPDATE SET password=?2, salt=?3 WHERE password<>?2", name, password, salt);
    free(salt);
    return 0;
}

bool srv_user_exists(struct srv *srv, const char *name)
{
    return srv_query_int(srv, "SELECT 1 FROM users WHERE name=?1", name, NULL) == 1;
}

char *srv_user_password(struct srv *srv, const char *name)
{
    return srv_query_text(srv, "SELECT password FROM users WHERE name=?1", name, NULL);
}

char *srv_user_salt(struct srv *srv, const char *name)
{
    return srv_query_text(srv, "SELECT salt FROM users WHERE name=?1", name, NULL);
}

/* XEP-0386, 4.2.1: "[tag]/[generated]", stable per user-agent id and tag, not showing the id. */
char *srv_resource_for(struct srv *srv, const char *user, const char *agent, const char *tag)
{
    char *id = srv_random_id(srv);
    id[12] = '\0';
    char *fresh = *tag ? srv_format("%s/%s", tag, id) : srv_dup(id);
    free(id);
    if (!agent)
        return fresh;
    sqlite3_stmt *stmt = srv_prepare(srv, "INSERT INTO resources VALUES(?1, ?2, ?3, ?4)"
                                     " ON CONFLICT DO UPDATE SET tag=?3 RETURNING resource",
                                     user, agent);
    sqlite3_bind_text(stmt, 3, tag, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(stmt, 4, fresh, -1, SQLITE_TRANSIENT);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        srv_set(&fresh, (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_reset(stmt);
    sqlite3_finalize(stmt);
    return fresh;
}
