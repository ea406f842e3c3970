/* migrations.c: the schema, as numbered steps. Append only: a released step never changes. */
#include "store/internal.h"

/* 1: the lease, facts, secrets, stream management, the inbox. */
static const char migration_1[] =
    /* Who may write: one row while the store is open, none when it was closed well. */
    "CREATE TABLE lease ("
    "  id INTEGER PRIMARY KEY CHECK (id = 1),"
    "  instance TEXT NOT NULL," /* a new UUID for every opening */
    "  boot_id TEXT NOT NULL,"  /* '': unknown */
    "  pid_ns TEXT NOT NULL,"   /* namespace in which pid means something */
    "  pid INTEGER NOT NULL,"
    "  pid_start INTEGER NOT NULL,"   /* when that process started, in the system's ticks */
    "  heartbeat_ms INTEGER NOT NULL" /* Unix ms */
    ") STRICT;"

    /* Numbers that only grow. */
    "CREATE TABLE counter ("
    "  name TEXT PRIMARY KEY,"
    "  value INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO counter (name, value) VALUES"
    "  ('durable', 0),"     /* durable commits: their one row */
    "  ('token-count', 1);" /* the next count to give for the FAST token, XEP-0484 */

    /* What is remembered between connections. */
    "CREATE TABLE fact ("
    "  kind TEXT NOT NULL," /* as in store/facts.h */
    "  key TEXT NOT NULL,"  /* '' where a kind has one fact */
    "  data BLOB NOT NULL,"
    "  expires_ms INTEGER NOT NULL," /* Unix ms, 0: never */
    "  PRIMARY KEY (kind, key)"
    ") STRICT;"

    /* The same for what nobody else may see, where the application keeps it nowhere else. */
    "CREATE TABLE secret ("
    "  kind TEXT NOT NULL," /* as in store/secrets.h */
    "  key TEXT NOT NULL,"
    "  data BLOB NOT NULL,"
    "  expires_ms INTEGER NOT NULL," /* Unix ms, 0: never */
    "  PRIMARY KEY (kind, key)"
    ") STRICT;"

    /* The session that can be resumed (XEP-0198): at most one. */
    "CREATE TABLE sm ("
    "  id INTEGER PRIMARY KEY CHECK (id = 1),"
    "  secret_key TEXT NOT NULL," /* key of the id for resumption among the secrets */
    "  location TEXT,"            /* where the server prefers to be resumed */
    "  bound_jid TEXT,"
    "  session TEXT,"               /* what else was agreed, in the client's format */
    "  max_s INTEGER NOT NULL,"     /* seconds that the server keeps it, 0: unknown */
    "  h_in INTEGER NOT NULL,"      /* stanzas handled, modulo 2^32 */
    "  out_acked INTEGER NOT NULL," /* number of the last stanza that the server has */
    "  created_ms INTEGER NOT NULL,"
    "  boot_id TEXT NOT NULL" /* after another boot it is lost; '': unknown */
    ") STRICT;"

    /* Stanzas sent in that session, which the server has not acknowledged. */
    "CREATE TABLE smq ("
    "  seq INTEGER PRIMARY KEY,"   /* number since stream management was enabled, from 1 */
    "  kind INTEGER NOT NULL,"     /* 0 message, 1 presence, 2 iq */
    "  stamp_ms INTEGER NOT NULL," /* when it was first sent */
    "  stanza_id TEXT,"
    "  xml BLOB NOT NULL"
    ") STRICT;"

    /* Messages of sessions that could not be resumed: to be sent again, in the order of seq. */
    "CREATE TABLE pending ("
    "  seq INTEGER PRIMARY KEY,"
    "  kind INTEGER NOT NULL,"
    "  stamp_ms INTEGER NOT NULL,"
    "  stanza_id TEXT,"
    "  xml BLOB NOT NULL"
    ") STRICT;"

    /* What the server handed over. */
    "CREATE TABLE inbox ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  owner TEXT NOT NULL," /* of the archive: a bare JID */
    "  archive_id TEXT,"     /* in that archive, where it is known and to be trusted */
    "  h INTEGER,"           /* the counter with this stanza in it; NULL: not counted */
    "  received_ms INTEGER NOT NULL,"
    "  xml BLOB NOT NULL"
    ") STRICT;"
    "CREATE UNIQUE INDEX inbox_archive_id ON inbox (owner, archive_id)"
    "  WHERE archive_id IS NOT NULL;";

static const char *const migrations[] = { migration_1 };

int ep_migration_newest(void)
{
    return (int)(sizeof migrations / sizeof *migrations);
}

const char *ep_migration_sql(int number)
{
    return migrations[number - 1];
}
