/* The users' archives (XEP-0313) and offline storage (XEP-0160). */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* XEP-0313, "User Archives": messages with a body; beyond that, what other devices need. */
bool srv_archivable(struct srv *srv, const struct srv_xml *message)
{
    const char *type = srv_xml_get(message, "type");
    bool chat = !type || strcmp(type, "chat") == 0 || strcmp(type, "normal") == 0;
    if (srv_xml_find(message, NS_HINTS, "no-store") ||
        srv_xml_find(message, NS_HINTS, "no-permanent-store"))
        return false;
    if (srv_on(srv, ARCHIVE_EVERYTHING))
        return chat || strcmp(type, "headline") == 0;
    return chat && (srv_xml_find(message, NS_CLIENT, "body") ||
                    srv_xml_find(message, NS_MARKERS, "displayed") ||
                    srv_xml_find(message, NS_HINTS, "store"));
}

char *srv_archive_owner(struct srv *srv, const char *jid)
{
    struct srv_jid parts;
    char *owner = NULL;
    if (!srv_jid_parse(jid, &parts))
        return NULL;
    if (!parts.local)
        owner = srv_user_exists(srv, parts.domain) ? srv_dup(parts.domain) : NULL;
    else if (strcmp(parts.domain, srv->domain) == 0)
        owner = srv_user_exists(srv, parts.local) ? srv_dup(parts.local) : NULL;
    else {
        owner = srv_jid_bare(jid);
        if (!srv_room_exists(srv, owner)) {
            free(owner);
            owner = NULL;
        }
    }
    srv_jid_free(&parts);
    return owner;
}

char *srv_archive_jid(struct srv *srv, const char *owner)
{
    return strchr(owner, '@') ? srv_dup(owner) : srv_format("%s@%s", owner, srv->domain);
}

int64_t srv_archive_pos(struct srv *srv, const char *owner, const char *id)
{
    return srv_query_int(srv, "SELECT pos FROM archive WHERE owner=?1 AND id=?2", owner, id);
}

char *srv_archive_add(struct srv *srv, const char *owner, const char *peer, bool outgoing,
                      const struct srv_xml *message)
{
    const char *type = srv_xml_get(message, "type");
    char *id = srv_random_id(srv), *bare = srv_jid_bare(peer);
    struct srv_buf xml = {0};
    srv_xml_write(&xml, message, "");
    sqlite3_stmt *stmt = srv_prepare(
        srv, "INSERT INTO archive(owner, id, peer, peer_full, stamp_us, outgoing, groupchat, body,"
        " msgid, xml) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", owner, id);
    sqlite3_bind_text(stmt, 3, bare ? bare : "", -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(stmt, 4, peer, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(stmt, 5, srv->now_us);
    sqlite3_bind_int(stmt, 6, outgoing);
    sqlite3_bind_int(stmt, 7, type && strcmp(type, "groupchat") == 0);
    sqlite3_bind_int(stmt, 8, srv_xml_find(message, NS_CLIENT, "body") != NULL);
    sqlite3_bind_text(stmt, 9, srv_xml_get(message, "id"), -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(stmt, 10, xml.data, -1, SQLITE_TRANSIENT);
    if (sqlite3_step(stmt) != SQLITE_DONE)
        abort();
    sqlite3_finalize(stmt);
    srv_buf_free(&xml);
    free(bare);
    srv_count(srv, "archived");
    return id;
}

static void metadata_end(struct srv *srv, const char *owner, const char *name, const char *sql,
                         struct srv_xml *metadata)
{
    sqlite3_stmt *stmt = srv_prepare(srv, sql, owner, NULL);
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        char stamp[SRV_STAMP_MAX];
        struct srv_xml *el = srv_xml_child(metadata, NS_MAM, name);
        srv_stamp(sqlite3_column_int64(stmt, 1), stamp);
        srv_xml_set(el, "id", (const char *)sqlite3_column_text(stmt, 0));
        srv_xml_set(el, "timestamp", stamp);
    }
    sqlite3_finalize(stmt);
}

struct srv_xml *srv_archive_metadata(struct srv *srv, const char *owner)
{
    struct srv_xml *metadata = srv_xml_new(NS_MAM, "metadata");
    metadata_end(srv, owner, "start", "SELECT id, stamp_us FROM archive WHERE owner=?1"
                 " ORDER BY pos LIMIT 1", metadata);
    metadata_end(srv, owner, "end", "SELECT id, stamp_us FROM archive WHERE owner=?1"
                 " ORDER BY pos DESC LIMIT 1", metadata);
    return metadata;
}

/* `xml` is a whole <message/>; the delay (XEP-0203) becomes its last child. */
void srv_offline_add(struct srv *srv, const char *owner, const char *xml, int64_t at_us)
{
    static const char end[] = "</message>";
    size_t len = strlen(xml);
    if (len < sizeof end || strcmp(xml + len - (sizeof end - 1), end) != 0)
        return;
    char stamp[SRV_STAMP_MAX];
    srv_stamp(at_us, stamp);
    char *delayed = srv_format("%.*s<delay xmlns='" NS_DELAY "' from='%s' stamp='%s'/>%s",
                               (int)(len - (sizeof end - 1)), xml, srv->domain, stamp, end);
    srv_exec(srv, "INSERT INTO offline(owner, xml) VALUES(?1, ?2)", owner, delayed, NULL);
    srv_count(srv, "offline-stored");
    free(delayed);
}

void srv_offline_deliver(struct srv_session *session)
{
    struct srv *srv = session->srv;
    sqlite3_stmt *stmt = srv_prepare(srv, "SELECT xml FROM offline WHERE owner=?1 ORDER BY pos",
                                     session->user, NULL);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *xml = (const char *)sqlite3_column_text(stmt, 0);
        struct srv_xml *kind = srv_xml_new(NS_CLIENT, "message");
        srv_xml_child(kind, NS_CLIENT, "body");
        if (session->sm.on)
            srv_sm_queue(session, xml, kind);
        if (session->conn)
            srv_conn_puts(session->conn, xml);
        srv_xml_free(kind);
        srv_count(srv, "offline-delivered");
    }
    sqlite3_finalize(stmt);
    srv_offline_clear(srv, session->user);
}

void srv_offline_clear(struct srv *srv, const char *owner)
{
    srv_exec(srv, "DELETE FROM offline WHERE owner=?1", owner, NULL, NULL);
}
