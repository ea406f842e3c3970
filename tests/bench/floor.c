/* floor.c: what reading an archive costs at least: the stream's bytes through expat, a row a message into a schema of
 * fixed columns, a thousand rows a transaction. No TLS, no network, no search, no spans, nothing decided.
 *
 *   bench-floor STREAM.xml STORE.db     prints the number of rows */
#include <expat.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 16384
#define BATCH 1000

typedef struct text {
    char *data;
    size_t len, room;
} text;

typedef struct reading {
    XML_Parser parser;
    sqlite3 *db;
    sqlite3_stmt *insert;
    const char *bytes; /* the whole stream */
    int depth, message_depth;
    bool in_body;
    XML_Index begin;   /* of the archived message */
    text body;
    char id[128], stamp[64], from[256], stanza_id[128], origin_id[128];
    long rows;
} reading;

static const char schema[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
    "CREATE TABLE message (row INTEGER PRIMARY KEY, archive INTEGER NOT NULL, pos INTEGER NOT NULL,"
    " conversation INTEGER NOT NULL, outgoing INTEGER NOT NULL, archive_id TEXT NOT NULL, stamp TEXT NOT NULL,"
    " sender TEXT NOT NULL, stanza_id TEXT, origin_id TEXT, body TEXT, xml BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX message_id ON message (archive, archive_id);"
    "CREATE INDEX message_conversation ON message (conversation, pos);";

static void fail(const char *what)
{
    fprintf(stderr, "bench-floor: %s\n", what);
    exit(1);
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(sqlite3_errmsg(db));
}

static void copy_attr(char *out, size_t room, const char **attrs, const char *name)
{
    for (; *attrs; attrs += 2)
        if (strcmp(attrs[0], name) == 0)
            snprintf(out, room, "%s", attrs[1]);
}

static bool is(const char *name, const char *ns, const char *local)
{
    size_t n = strlen(ns);
    return strncmp(name, ns, n) == 0 && name[n] == ' ' && strcmp(name + n + 1, local) == 0;
}

static void on_start(void *user, const char *name, const char **attrs)
{
    reading *r = user;
    r->depth++;
    if (is(name, "urn:xmpp:mam:2", "result")) {
        copy_attr(r->id, sizeof r->id, attrs, "id");
    } else if (is(name, "urn:xmpp:delay", "delay") && !r->message_depth) {
        copy_attr(r->stamp, sizeof r->stamp, attrs, "stamp");
    } else if (is(name, "jabber:client", "message") && r->depth > 2 && r->id[0]) {
        r->message_depth = r->depth;
        r->begin = XML_GetCurrentByteIndex(r->parser);
        copy_attr(r->from, sizeof r->from, attrs, "from");
        copy_attr(r->stanza_id, sizeof r->stanza_id, attrs, "id");
    } else if (r->message_depth && is(name, "urn:xmpp:sid:0", "origin-id")) {
        copy_attr(r->origin_id, sizeof r->origin_id, attrs, "id");
    } else if (r->message_depth && r->depth == r->message_depth + 1 && is(name, "jabber:client", "body")) {
        r->in_body = true;
    }
}

static void on_text(void *user, const char *s, int len)
{
    reading *r = user;
    if (!r->in_body)
        return;
    if (r->body.len + (size_t)len > r->body.room) {
        r->body.room = (r->body.len + (size_t)len) * 2;
        r->body.data = realloc(r->body.data, r->body.room);
        if (!r->body.data)
            fail("no memory");
    }
    memcpy(r->body.data + r->body.len, s, (size_t)len);
    r->body.len += (size_t)len;
}

static void insert(reading *r, XML_Index end)
{
    bool outgoing = strncmp(r->from, "alice@", 6) == 0;
    if (r->rows % BATCH == 0)
        run(r->db, "BEGIN IMMEDIATE");
    sqlite3_bind_int64(r->insert, 1, r->rows * 1024);
    sqlite3_bind_int(r->insert, 2, outgoing);
    sqlite3_bind_text(r->insert, 3, r->id, -1, SQLITE_STATIC);
    sqlite3_bind_text(r->insert, 4, r->stamp, -1, SQLITE_STATIC);
    sqlite3_bind_text(r->insert, 5, r->from, -1, SQLITE_STATIC);
    sqlite3_bind_text(r->insert, 6, r->stanza_id, -1, SQLITE_STATIC);
    sqlite3_bind_text(r->insert, 7, r->origin_id, -1, SQLITE_STATIC);
    sqlite3_bind_text(r->insert, 8, r->body.data, (int)r->body.len, SQLITE_STATIC);
    sqlite3_bind_blob(r->insert, 9, r->bytes + r->begin, (int)(end - r->begin), SQLITE_STATIC);
    if (sqlite3_step(r->insert) != SQLITE_DONE)
        fail(sqlite3_errmsg(r->db));
    sqlite3_reset(r->insert);
    if (++r->rows % BATCH == 0)
        run(r->db, "COMMIT");
    r->id[0] = r->stamp[0] = r->from[0] = r->stanza_id[0] = r->origin_id[0] = '\0';
    r->body.len = 0;
}

static void on_end(void *user, const char *name)
{
    reading *r = user;
    (void)name;
    if (r->message_depth == r->depth) {
        insert(r, XML_GetCurrentByteIndex(r->parser) + XML_GetCurrentByteCount(r->parser));
        r->message_depth = 0;
    }
    r->in_body = false;
    r->depth--;
}

static char *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END))
        fail("the stream cannot be read");
    *len = (size_t)ftell(f);
    rewind(f);
    char *bytes = malloc(*len + 1);
    if (!bytes || fread(bytes, 1, *len, f) != *len)
        fail("the stream cannot be read");
    fclose(f);
    return bytes;
}

int main(int argc, char **argv)
{
    size_t len = 0;
    reading r = { 0 };
    if (argc != 3)
        fail("usage: bench-floor STREAM.xml STORE.db");
    char *bytes = read_file(argv[1], &len);
    r.bytes = bytes;
    r.parser = XML_ParserCreateNS("UTF-8", ' ');
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    if (sqlite3_open(argv[2], &r.db) != SQLITE_OK)
        fail("the store cannot be opened");
    run(r.db, schema);
    if (sqlite3_prepare_v2(r.db,
                           "INSERT INTO message (archive, pos, conversation, outgoing, archive_id, stamp, sender,"
                           " stanza_id, origin_id, body, xml) VALUES (1, ?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                           -1, &r.insert, NULL) != SQLITE_OK)
        fail(sqlite3_errmsg(r.db));
    for (size_t at = 0; at < len; at += CHUNK) {
        size_t n = len - at < CHUNK ? len - at : CHUNK;
        if (XML_Parse(r.parser, bytes + at, (int)n, 0) != XML_STATUS_OK)
            fail(XML_ErrorString(XML_GetErrorCode(r.parser)));
    }
    if (r.rows % BATCH)
        run(r.db, "COMMIT");
    sqlite3_finalize(r.insert);
    sqlite3_close(r.db);
    XML_ParserFree(r.parser);
    free(r.body.data);
    free(bytes);
    printf("%ld\n", r.rows);
    return 0;
}
