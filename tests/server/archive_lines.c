/* Control lines for archives: filling, purging, dumping. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACING_US INT64_C(47000000) /* between made-up messages, if there is room for it */

/* ---- archive-add OWNER PEER COUNT [SIZE] ---- */

struct bulk {
    struct srv *srv;
    char *owner, *jid, *peer; /* `peer`: a bare JID, or a nickname in a room */
    bool room, groupchat;
    long count, size, number;
    int64_t stamp_us, step_us;
    uint64_t dice;
    sqlite3_stmt *stmt;
    char *first, *last;
};

static uint32_t roll(struct bulk *bulk)
{
    bulk->dice ^= bulk->dice << 13;
    bulk->dice ^= bulk->dice >> 7;
    bulk->dice ^= bulk->dice << 17;
    return (uint32_t)(bulk->dice >> 32);
}

static void make_body(struct bulk *bulk, struct srv_buf *body)
{
    static const char *const words[] = {
        "the", "train", "leaves", "at", "seven", "and", "I", "will", "bring", "your", "book",
        "tomorrow", "if", "it", "does", "not", "rain", "<3", "R&B", "\xc3\xa4pfel", "\xe2\x82\xac",
        "\xf0\x9f\x9a\x82", "\"really\"", "who", "knows", "see", "you", "soon", "thanks", "yes",
        "okay", "station"};
    size_t wanted = bulk->size ? (size_t)bulk->size : 8 + roll(bulk) % 120;
    srv_buf_clear(body);
    srv_buf_printf(body, "#%ld", bulk->number);
    while (body->len < wanted) {
        const char *word = words[roll(bulk) % (sizeof words / sizeof words[0])];
        if (body->len + 1 + strlen(word) > wanted) {
            srv_buf_puts(body, bulk->size ? "." : " ok");
            continue;
        }
        srv_buf_add(body, " ", 1);
        srv_buf_puts(body, word);
    }
}

/* Who says it: in a room and in a groupchat an occupant, else one of the two. */
static void make_message(struct bulk *bulk, bool outgoing, const char *body, char **full,
                         struct srv_buf *xml)
{
    static const char *const resources[] = {"phone", "desk", "web"};
    const char *resource = resources[roll(bulk) % 3];
    char *from, *to = NULL;
    if (bulk->room) {
        from = srv_format("%s/%s", bulk->jid, outgoing ? "somebody" : bulk->peer);
    } else if (bulk->groupchat) {
        from = srv_format("%s/%s", bulk->peer, outgoing ? "me" : "somebody");
        to = srv_format("%s/%s", bulk->jid, resource);
    } else {
        from = srv_format("%s/%s", outgoing ? bulk->jid : bulk->peer, resource);
        to = srv_dup(outgoing ? bulk->peer : bulk->jid);
    }
    *full = srv_dup(outgoing && to && !bulk->groupchat ? to : from);
    srv_buf_clear(xml);
    srv_buf_puts(xml, "<message xmlns='" NS_CLIENT "' from='");
    srv_buf_escape(xml, from);
    if (to) {
        srv_buf_puts(xml, "' to='");
        srv_buf_escape(xml, to);
    }
    srv_buf_printf(xml, "' type='%s' id='m%ld-%08x'><body>",
                   bulk->room || bulk->groupchat ? "groupchat" : "chat", bulk->number, roll(bulk));
    srv_buf_escape(xml, body);
    srv_buf_printf(xml, "</body><origin-id xmlns='" NS_SID "' id='o%ld-%08x'/></message>",
                   bulk->number, roll(bulk));
    free(from);
    free(to);
}

static void add_one(struct bulk *bulk, struct srv_buf *body, struct srv_buf *xml)
{
    bool outgoing = roll(bulk) % 5 < 2;
    char *full, *id = srv_random_id(bulk->srv), *bare;
    make_body(bulk, body);
    make_message(bulk, outgoing, body->data, &full, xml);
    bare = bulk->room ? srv_dup(bulk->jid) : srv_dup(bulk->peer);
    const char *msgid = strstr(xml->data, " id='") + 5;
    sqlite3_stmt *stmt = bulk->stmt;
    sqlite3_bind_text(stmt, 1, bulk->owner, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, bare, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 4, full, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 5, bulk->stamp_us);
    sqlite3_bind_int(stmt, 6, outgoing && !bulk->room && !bulk->groupchat);
    sqlite3_bind_int(stmt, 7, bulk->room || bulk->groupchat);
    sqlite3_bind_text(stmt, 8, msgid, (int)strcspn(msgid, "'"), SQLITE_STATIC);
    sqlite3_bind_text(stmt, 9, xml->data, (int)xml->len, SQLITE_STATIC);
    if (sqlite3_step(stmt) != SQLITE_DONE)
        abort();
    sqlite3_reset(stmt);
    if (!bulk->first)
        bulk->first = srv_dup(id);
    free(bulk->last);
    bulk->last = id;
    free(full);
    free(bare);
}

static void add_all(struct bulk *bulk)
{
    struct srv *srv = bulk->srv;
    struct srv_buf body = {0}, xml = {0};
    int64_t newest = srv_query_int(srv, "SELECT max(stamp_us) FROM archive WHERE owner=?1",
                                   bulk->owner, NULL);
    int64_t begin = srv->now_us - SPACING_US * bulk->count;
    if (begin <= newest)
        begin = newest + 1;
    bulk->step_us = (srv->now_us - begin) / bulk->count;
    if (bulk->step_us < 1)
        bulk->step_us = 1;
    bulk->stamp_us = begin;
    bulk->number = (long)srv_query_int(srv, "SELECT count(*) FROM archive WHERE owner=?1",
                                       bulk->owner, NULL);
    bulk->dice = 0x9e3779b97f4a7c15u + (uint64_t)bulk->number;
    bulk->stmt = srv_prepare(srv, "INSERT INTO archive(owner, id, peer, peer_full, stamp_us,"
                             " outgoing, groupchat, body, msgid, xml)"
                             " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?9)", NULL, NULL);
    srv_exec(srv, "BEGIN", NULL, NULL, NULL);
    for (long i = 0; i < bulk->count; i++, bulk->stamp_us += bulk->step_us) {
        bulk->number++;
        add_one(bulk, &body, &xml);
    }
    srv_exec(srv, "COMMIT", NULL, NULL, NULL);
    sqlite3_finalize(bulk->stmt);
    srv_buf_free(&body);
    srv_buf_free(&xml);
}

const char *srv_line_add(struct srv *srv, char *rest, struct srv_buf *out)
{
    struct bulk bulk = {.srv = srv};
    bulk.owner = srv_archive_owner(srv, srv_word(&rest));
    const char *peer = srv_word(&rest);
    bulk.count = atol(srv_word(&rest));
    bulk.size = atol(srv_word(&rest));
    if (!bulk.owner || !*peer || bulk.count <= 0 || bulk.size < 0) {
        free(bulk.owner);
        return "archive-add OWNER PEER COUNT [SIZE]";
    }
    bulk.jid = srv_archive_jid(srv, bulk.owner);
    bulk.room = strchr(bulk.owner, '@') != NULL;
    char *bare = srv_jid_bare(peer), *room = srv_archive_owner(srv, peer);
    bulk.peer = bulk.room || !bare ? srv_dup(peer) : srv_dup(bare);
    if (!bulk.room && !strchr(bulk.peer, '@')) {
        free(bulk.peer);
        bulk.peer = srv_format("%s@%s", peer, srv->domain);
    }
    bulk.groupchat = !bulk.room && room && strchr(room, '@');
    add_all(&bulk);
    srv_buf_printf(out, ",\"added\":%ld,\"first\":\"%s\",\"last\":\"%s\"", bulk.count, bulk.first,
                   bulk.last);
    free(bare);
    free(room);
    free(bulk.owner);
    free(bulk.jid);
    free(bulk.peer);
    free(bulk.first);
    free(bulk.last);
    return NULL;
}

/* ---- archive-withhold OWNER COUNT [SKIP], archive-release OWNER ---- */

/* As servers that give an id first and insert the row later: COUNT rows below the newest SKIP ones are not there
 * yet. */
const char *srv_line_withhold(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *name = srv_archive_owner(srv, srv_word(&rest));
    char *count = srv_word(&rest), *skip = srv_word(&rest);
    if (!name || !*count) {
        free(name);
        return "archive-withhold OWNER COUNT [SKIP]";
    }
    char *late = srv_format("late %s", name);
    sqlite3_stmt *stmt = srv_prepare(srv, "UPDATE archive SET owner=?1 WHERE pos IN (SELECT pos FROM archive WHERE"
                                     " owner=?2 ORDER BY pos DESC LIMIT ?3 OFFSET ?4)", late, name);
    sqlite3_bind_int64(stmt, 3, strtoll(count, NULL, 10));
    sqlite3_bind_int64(stmt, 4, strtoll(skip, NULL, 10));
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    srv_buf_printf(out, ",\"withheld\":%d", sqlite3_changes(srv->db));
    free(late);
    free(name);
    return NULL;
}

const char *srv_line_release(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *name = srv_archive_owner(srv, srv_word(&rest));
    if (!name)
        return "archive-release OWNER";
    char *late = srv_format("late %s", name);
    srv_exec(srv, "UPDATE archive SET owner=?1 WHERE owner=?2", name, late, NULL);
    srv_buf_printf(out, ",\"released\":%d", sqlite3_changes(srv->db));
    free(late);
    free(name);
    return NULL;
}

/* ---- archive-purge OWNER [KEEP_LAST_N], archive-tombstone OWNER ID ---- */

const char *srv_line_purge(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *owner = srv_archive_owner(srv, srv_word(&rest));
    const char *keep = srv_word(&rest);
    if (!owner)
        return "archive-purge OWNER [KEEP_LAST_N]";
    srv_exec(srv, "DELETE FROM archive WHERE owner=?1 AND pos NOT IN (SELECT pos FROM archive"
             " WHERE owner=?1 ORDER BY pos DESC LIMIT CAST(?2 AS INTEGER))", owner,
             *keep ? keep : "0", NULL);
    srv_buf_printf(out, ",\"purged\":%d", sqlite3_changes(srv->db));
    free(owner);
    return NULL;
}

const char *srv_line_tombstone(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *owner = srv_archive_owner(srv, srv_word(&rest));
    const char *id = srv_word(&rest);
    int64_t pos = owner ? srv_archive_pos(srv, owner, id) : 0;
    (void)out;
    if (pos)
        srv_exec(srv, "UPDATE archive SET xml=NULL WHERE owner=?1 AND id=?2", owner, id, NULL);
    free(owner);
    return pos ? NULL : "no such message";
}

/* ---- archive-dump OWNER FILE ---- */

static void put_json(struct srv_buf *line, const char *name, const char *value)
{
    srv_buf_printf(line, ",\"%s\":", name);
    if (value)
        srv_buf_json(line, value);
    else
        srv_buf_puts(line, "null");
}

static void dump_row(sqlite3_stmt *stmt, struct srv_buf *line)
{
    char stamp[SRV_STAMP_MAX];
    const char *xml = (const char *)sqlite3_column_text(stmt, 2);
    struct srv_xml *message = xml ? srv_xml_parse(xml) : NULL;
    const struct srv_xml *body = srv_xml_find(message, NS_CLIENT, "body");
    srv_stamp(sqlite3_column_int64(stmt, 1), stamp);
    srv_buf_clear(line);
    srv_buf_puts(line, "{\"id\":");
    srv_buf_json(line, (const char *)sqlite3_column_text(stmt, 0));
    put_json(line, "time", stamp);
    put_json(line, "from", srv_xml_get(message, "from"));
    put_json(line, "to", srv_xml_get(message, "to"));
    put_json(line, "body", body ? srv_xml_content(body) : NULL);
    put_json(line, "origin-id", srv_xml_get(srv_xml_find(message, NS_SID, "origin-id"), "id"));
    put_json(line, "message-id", srv_xml_get(message, "id"));
    srv_buf_puts(line, "}\n");
    srv_xml_free(message);
}

const char *srv_line_dump(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *owner = srv_archive_owner(srv, srv_word(&rest));
    FILE *file = owner && *rest ? fopen(rest, "w") : NULL;
    long count = 0;
    if (!file) {
        free(owner);
        return "archive-dump OWNER FILE, a file that can be written";
    }
    struct srv_buf line = {0};
    sqlite3_stmt *stmt = srv_prepare(srv, "SELECT id, stamp_us, xml FROM archive WHERE owner=?1"
                                     " ORDER BY pos", owner, NULL);
    for (; sqlite3_step(stmt) == SQLITE_ROW; count++) {
        dump_row(stmt, &line);
        fwrite(line.data, 1, line.len, file);
    }
    sqlite3_finalize(stmt);
    srv_buf_printf(out, ",\"dumped\":%ld", count);
    srv_buf_free(&line);
    free(owner);
    return fclose(file) == 0 ? NULL : "the file could not be written";
}
