/* The server's whole state: opening, options, randomness, time. */
#include "internal.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

static const char schema[] =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;"
    "PRAGMA cache_size=-65536;"
    "CREATE TABLE IF NOT EXISTS users("
    " name TEXT PRIMARY KEY, password TEXT NOT NULL, salt TEXT NOT NULL,"
    " roster_ver INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS upgrades("
    " user TEXT NOT NULL, mechanism TEXT NOT NULL, salt TEXT NOT NULL, salted TEXT NOT NULL,"
    " PRIMARY KEY(user, mechanism));"
    "CREATE TABLE IF NOT EXISTS tokens("
    " user TEXT NOT NULL, agent TEXT NOT NULL, slot INTEGER NOT NULL," /* 0 current, 1 new */
    " mechanism TEXT NOT NULL, token TEXT NOT NULL, issued_us INTEGER NOT NULL,"
    " expires_us INTEGER NOT NULL, count INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY(user, agent, slot));"
    "CREATE TABLE IF NOT EXISTS resources("
    " user TEXT NOT NULL, agent TEXT NOT NULL, tag TEXT NOT NULL, resource TEXT NOT NULL,"
    " PRIMARY KEY(user, agent, tag));"
    "CREATE TABLE IF NOT EXISTS roster("
    " user TEXT NOT NULL, jid TEXT NOT NULL, name TEXT, subscription TEXT NOT NULL,"
    " ask INTEGER NOT NULL DEFAULT 0, groups TEXT NOT NULL DEFAULT '',"
    " ver INTEGER NOT NULL," /* the change that made the row as it is; 'remove' rows stay */
    " PRIMARY KEY(user, jid));"
    "CREATE TABLE IF NOT EXISTS pushes(user TEXT NOT NULL, service TEXT NOT NULL, form TEXT NOT NULL,"
    " PRIMARY KEY(user, service));"
    "CREATE TABLE IF NOT EXISTS blocked(user TEXT NOT NULL, jid TEXT NOT NULL, PRIMARY KEY(user, jid));"
    "CREATE TABLE IF NOT EXISTS archive("
    " pos INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, id TEXT NOT NULL UNIQUE,"
    " peer TEXT NOT NULL, peer_full TEXT NOT NULL, stamp_us INTEGER NOT NULL,"
    " outgoing INTEGER NOT NULL, groupchat INTEGER NOT NULL, body INTEGER NOT NULL,"
    " msgid TEXT, xml TEXT);" /* no xml: a tombstone */
    "CREATE INDEX IF NOT EXISTS archive_owner ON archive(owner, pos);"
    "CREATE INDEX IF NOT EXISTS archive_peer ON archive(owner, peer, pos);"
    "CREATE TABLE IF NOT EXISTS offline("
    " pos INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, xml TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS reads("
    " owner TEXT NOT NULL, peer TEXT NOT NULL, pos INTEGER NOT NULL, id TEXT NOT NULL,"
    " PRIMARY KEY(owner, peer));"
    "CREATE TABLE IF NOT EXISTS rooms("
    " jid TEXT PRIMARY KEY, subject TEXT NOT NULL DEFAULT '', subject_nick TEXT);"
    "CREATE TABLE IF NOT EXISTS caps(key TEXT PRIMARY KEY, notify TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS pep_nodes("
    " owner TEXT NOT NULL, node TEXT NOT NULL, access_model TEXT NOT NULL,"
    " persist_items TEXT NOT NULL, max_items TEXT NOT NULL, send_last TEXT NOT NULL,"
    " PRIMARY KEY(owner, node));"
    "CREATE TABLE IF NOT EXISTS pep_items("
    " pos INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, node TEXT NOT NULL,"
    " id TEXT NOT NULL, payload TEXT, UNIQUE(owner, node, id));";

struct srv *srv_new(const struct srv_options *options)
{
    static const struct srv_options defaults = {0};
    if (!options)
        options = &defaults;
    struct srv *srv = srv_alloc(sizeof *srv);
    srv->domain = srv_dup(options->domain ? options->domain : "localhost");
    srv->seed = options->seed;
    srv->log = options->log;
    srv->log_user = options->log_user;
    srv_settings_init(&srv->settings);
    if (sqlite3_open(options->path ? options->path : ":memory:", &srv->db) != SQLITE_OK ||
        sqlite3_exec(srv->db, schema, NULL, NULL, NULL) != SQLITE_OK) {
        srv_free(srv);
        return NULL;
    }
    return srv;
}

void srv_free(struct srv *srv)
{
    if (!srv)
        return;
    while (srv->sessions)
        srv_session_end(srv->sessions);
    srv_rooms_free(srv);
    for (size_t i = 0; i < sizeof srv->dead / sizeof srv->dead[0]; i++)
        free(srv->dead[i].id);
    sqlite3_close(srv->db);
    srv_settings_free(&srv->settings);
    srv_xml_free(srv->mam_last_set);
    free(srv->mam_counts.key);
    free(srv->domain);
    free(srv);
}

int srv_feature(struct srv *srv, const char *name, const char *value)
{
    return srv_settings_put(&srv->settings, 0, name, value);
}

int srv_fault(struct srv *srv, const char *name, const char *value)
{
    if (srv_settings_put(&srv->settings, 1, name, value) != 0)
        return -1;
    /* "+N:BYTE" means the N-th connection from now on: made absolute while "now" is known. */
    enum srv_opt opt = strcmp(name, "stall-at") == 0 ? OPT_STALL_AT : OPT_CUT_AT;
    struct srv_value *slot = &srv->settings.values[opt];
    if (slot->text[0] == '+') {
        char *colon = strchr(slot->text, ':');
        unsigned long ahead = strtoul(slot->text + 1, NULL, 10);
        char *absolute = srv_format("%lu%s", srv->conn_count + ahead, colon ? colon : ":0");
        free(slot->text);
        slot->text = absolute;
    }
    return 0;
}

bool srv_fault_hit(struct srv *srv, enum srv_opt opt)
{
    struct srv_value *value = &srv->settings.values[opt];
    if (value->number > 0)
        value->number--;
    else if (value->number == 0)
        return false;
    return true;
}

bool srv_listed(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = strstr(list, word); at; at = strstr(at + 1, word))
        if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return len > 0;
    return false;
}

void srv_random(struct srv *srv, void *out, size_t len)
{
    if (!srv->seed) {
        if (RAND_bytes(out, (int)len) != 1)
            abort();
        return;
    }
    for (size_t done = 0; done < len; done += 32) {
        uint64_t input[2] = {srv->seed, srv->drawn++};
        uint8_t block[32];
        if (EVP_Digest(input, sizeof input, block, NULL, EVP_sha256(), NULL) != 1)
            abort();
        memcpy((uint8_t *)out + done, block, len - done < 32 ? len - done : 32);
    }
}

char *srv_random_id(struct srv *srv)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
    uint8_t raw[24];
    srv_random(srv, raw, sizeof raw);
    char *id = srv_alloc(sizeof raw + 1);
    for (size_t i = 0; i < sizeof raw; i++)
        id[i] = letters[raw[i] % 32];
    return id;
}

void srv_count(struct srv *srv, const char *name)
{
    size_t i = 0;
    while (srv->counters[i].name && strcmp(srv->counters[i].name, name) != 0)
        i++;
    if (i + 1 == sizeof srv->counters / sizeof srv->counters[0])
        abort();
    srv->counters[i].name = name;
    srv->counters[i].count++;
}

long srv_counter(const struct srv *srv, const char *name)
{
    for (size_t i = 0; srv->counters[i].name; i++)
        if (strcmp(srv->counters[i].name, name) == 0)
            return srv->counters[i].count;
    return 0;
}

void srv_sweep(struct srv *srv)
{
    bool again;
    do {
        again = false;
        for (struct srv_conn *conn = srv->conns; conn; conn = conn->next) {
            if (conn->state != CONN_CLOSED || !conn->session)
                continue;
            srv_session_detach(conn, true);
            again = true; /* telling others of it may have closed their connections */
        }
    } while (again);
}

void srv_tick(struct srv *srv, int64_t now_us)
{
    srv->now_us = now_us;
    srv_mam_due(srv);
    for (struct srv_conn *conn = srv->conns; conn; conn = conn->next)
        srv_conn_release_held(conn, now_us);
    struct srv_session *session = srv->sessions;
    while (session) {
        struct srv_session *next = session->next;
        if (!session->conn && session->expires_us <= now_us)
            srv_session_end(session);
        session = next;
    }
    srv_sweep(srv);
}

int64_t srv_deadline(const struct srv *srv)
{
    int64_t due = srv->mam_waiting ? srv->mam_waiting->due_us : INT64_MAX;
    for (const struct srv_conn *conn = srv->conns; conn; conn = conn->next)
        if (conn->held && conn->held->due_us < due)
            due = conn->held->due_us;
    for (const struct srv_session *at = srv->sessions; at; at = at->next)
        if (!at->conn && at->expires_us < due)
            due = at->expires_us;
    return due;
}
