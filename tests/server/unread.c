/* Read positions, from displayed synchronisation (XEP-0490) and markers (XEP-0333). */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* Only forward. */
static void move(struct srv *srv, const char *owner, const char *peer, int64_t pos, const char *id)
{
    sqlite3_stmt *stmt = srv_prepare(srv, "INSERT INTO reads(owner, peer, pos, id)"
                                     " VALUES(?1, ?2, ?3, ?4) ON CONFLICT(owner, peer) DO UPDATE"
                                     " SET pos=?3, id=?4 WHERE pos<?3", owner, peer);
    sqlite3_bind_int64(stmt, 3, pos);
    sqlite3_bind_text(stmt, 4, id, -1, SQLITE_TRANSIENT);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
}

void srv_read_up_to(struct srv *srv, const char *owner, const char *peer, const char *id)
{
    int64_t pos = id ? srv_archive_pos(srv, owner, id) : 0;
    if (pos)
        move(srv, owner, peer, pos, id);
}

void srv_read_marker(struct srv *srv, const char *owner, const struct srv_xml *message)
{
    const char *of = srv_xml_get(srv_xml_find(message, NS_MARKERS, "displayed"), "id");
    char *peer = of ? srv_jid_bare(srv_xml_get(message, "to")) : NULL;
    if (!peer)
        return;
    sqlite3_stmt *stmt = srv_prepare(srv, "SELECT pos, id FROM archive WHERE owner=?1 AND peer=?2"
                                     " AND msgid=?3 AND outgoing=0 ORDER BY pos DESC LIMIT 1",
                                     owner, peer);
    sqlite3_bind_text(stmt, 3, of, -1, SQLITE_TRANSIENT);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        move(srv, owner, peer, sqlite3_column_int64(stmt, 0),
             (const char *)sqlite3_column_text(stmt, 1));
    sqlite3_finalize(stmt);
    free(peer);
}

struct srv_xml *srv_unreads(struct srv *srv, const char *owner)
{
    struct srv_xml *unreads = srv_xml_new(NS_BIND2_DRAFT, "unreads");
    char *self = srv_archive_jid(srv, owner);
    sqlite3_stmt *stmt = srv_prepare(
        srv, "SELECT a.peer, r.id, count(*) FROM archive a LEFT JOIN reads r"
        " ON r.owner=a.owner AND r.peer=a.peer WHERE a.owner=?1 AND a.peer<>?2 AND a.outgoing=0"
        " AND a.groupchat=0 AND a.body=1 AND a.pos>coalesce(r.pos, 0)"
        " GROUP BY a.peer ORDER BY max(a.pos) DESC", owner, self);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        struct srv_xml *unread = srv_xml_child(unreads, NS_BIND2_DRAFT, "unread");
        srv_xml_set(unread, "jid", (const char *)sqlite3_column_text(stmt, 0));
        srv_xml_set(unread, "read-id", (const char *)sqlite3_column_text(stmt, 1));
        srv_xml_set(unread, "unread-count", (const char *)sqlite3_column_text(stmt, 2));
    }
    sqlite3_finalize(stmt);
    free(self);
    return unreads;
}
