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

/* 2: archives, spans, messages, the outbox, search. */
static const char migration_2[] =
    /* An archive (XEP-0313). The positions in it order its messages, and nothing else. */
    "CREATE TABLE archive ("
    "  id INTEGER PRIMARY KEY,"
    "  owner TEXT NOT NULL UNIQUE,"       /* bare JID: the account or a room */
    "  kind INTEGER NOT NULL,"            /* 0 account, 1 room */
    "  empty INTEGER NOT NULL DEFAULT 0," /* 1: known to hold nothing on the server */
    "  first_id TEXT,"                    /* its ends, as the server named them last */
    "  last_id TEXT,"
    "  first_ms INTEGER NOT NULL DEFAULT 0,"
    "  last_ms INTEGER NOT NULL DEFAULT 0,"
    "  top_pos INTEGER NOT NULL," /* no message is above it */
    "  end_pos INTEGER NOT NULL," /* where the newest span ends, or ended */
    "  mark_pos INTEGER,"         /* the next last page goes here, what comes live far above */
    "  floor_pos INTEGER"         /* up to here it is history of an archive that is gone */
    ") STRICT;"

    /* Stretches of an archive with nothing missing inside. Numbers are not used again. */
    "CREATE TABLE span ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  archive INTEGER NOT NULL REFERENCES archive (id),"
    "  first_pos INTEGER NOT NULL,"
    "  last_pos INTEGER NOT NULL,"
    "  first_id TEXT NOT NULL," /* archive ids of the messages at both ends */
    "  last_id TEXT NOT NULL,"
    "  reaches_start INTEGER NOT NULL," /* 1: nothing older is in the archive */
    "  reached_end INTEGER NOT NULL"    /* 1: nothing newer was there when the end was seen */
    ") STRICT;"
    "CREATE INDEX span_archive ON span (archive, first_pos);"

    "CREATE TABLE conversation ("
    "  id INTEGER PRIMARY KEY,"
    "  archive INTEGER NOT NULL REFERENCES archive (id),"
    "  peer TEXT NOT NULL," /* bare JID, or an occupant's full one */
    "  last_row INTEGER,"   /* the last message to be shown, and its stamp */
    "  last_ms INTEGER,"
    "  displayed_row INTEGER," /* up to here it was displayed to the user */
    "  displayed_id TEXT,"     /* or up to this archive id, which is not held yet */
    "  read_row INTEGER,"      /* up to here the peer has displayed ours */
    "  UNIQUE (archive, peer)"
    ") STRICT;"
    "CREATE INDEX conversation_last ON conversation (last_ms, id) WHERE last_ms IS NOT NULL;"
    "CREATE INDEX conversation_archive ON conversation (archive, last_ms, id)"
    "  WHERE last_ms IS NOT NULL;"
    "CREATE INDEX conversation_awaits ON conversation (archive) WHERE displayed_id IS NOT NULL;"

    "CREATE TABLE message ("
    "  row INTEGER PRIMARY KEY,"
    "  archive INTEGER NOT NULL REFERENCES archive (id),"
    "  pos INTEGER NOT NULL,"
    "  place INTEGER NOT NULL," /* 0 tail, not confirmed; 1 in the span around pos; 2 in none */
    "  conversation INTEGER REFERENCES conversation (id)," /* NULL: a result without a message */
    "  kind INTEGER NOT NULL,"                             /* as in store/message.h */
    "  outgoing INTEGER NOT NULL,"                         /* 1: from our own account or occupant */
    "  groupchat INTEGER NOT NULL," /* 1: authors differ by occupant or sender */
    "  by_room INTEGER NOT NULL,"   /* 1: the room itself retracts */
    "  countable INTEGER NOT NULL," /* 1: unread until displayed */
    "  state INTEGER NOT NULL,"     /* delivery, as in store/message.h */
    "  retracted INTEGER NOT NULL DEFAULT 0,"
    "  reacted INTEGER NOT NULL DEFAULT 0," /* 1: there are reactions to it */
    "  edit INTEGER,"                       /* row of the correction that counts */
    "  id_hash INTEGER,"                    /* of stanza_id, of those that are looked for by it */
    "  time_ms INTEGER NOT NULL,"           /* the server's stamp, Unix ms */
    "  received_ms INTEGER NOT NULL,"
    "  archive_id TEXT,"
    "  stanza_id TEXT,"
    "  origin_id TEXT," /* where it is not the stanza_id */
    "  sender TEXT,"    /* full JID, where known */
    "  recipient TEXT," /* of outgoing ones, where it is not the conversation's peer */
    "  occupant TEXT,"  /* XEP-0421 */
    "  type TEXT,"
    "  ref_id TEXT," /* what it acts on: a stanza_id, origin_id or (rooms) archive_id */
    "  reply_id TEXT,"
    "  reply_to TEXT,"
    "  reason TEXT," /* of a failed delivery */
    "  body TEXT,"   /* of a reaction: the set */
    "  xml BLOB"
    ") STRICT;"
    "CREATE UNIQUE INDEX message_archive_id ON message (archive, archive_id)"
    "  WHERE archive_id IS NOT NULL;"
    "CREATE INDEX message_archive ON message (archive, pos);"
    "CREATE INDEX message_conversation ON message (conversation, pos);"
    "CREATE INDEX message_countable ON message (conversation, pos) WHERE countable = 1;"
    "CREATE INDEX message_tail ON message (archive, pos) WHERE place = 0;"
    "CREATE INDEX message_own ON message (archive) WHERE archive_id IS NULL AND outgoing = 1;"
    "CREATE INDEX message_id ON message (conversation, id_hash) WHERE id_hash IS NOT NULL;"
    "CREATE INDEX message_origin ON message (conversation, origin_id) WHERE origin_id IS NOT NULL;"
    "CREATE INDEX message_ref ON message (conversation, ref_id) WHERE ref_id IS NOT NULL;"

    "CREATE INDEX message_edit ON message (edit) WHERE edit IS NOT NULL;"

    /* Archive queries that are running. */
    "CREATE TABLE query ("
    "  id TEXT PRIMARY KEY," /* queryid */
    "  archive INTEGER NOT NULL REFERENCES archive (id),"
    "  kind INTEGER NOT NULL,"      /* 0 last page, 1 before, 2 after */
    "  span INTEGER NOT NULL,"      /* onto this span, 0: none */
    "  until INTEGER NOT NULL,"     /* as far as this span, 0: none */
    "  asked_row INTEGER NOT NULL," /* the highest message row when it was sent */
    "  after_id TEXT,"
    "  before_id TEXT,"
    "  max INTEGER NOT NULL,"
    "  sent_ms INTEGER NOT NULL,"
    "  note TEXT"
    ") STRICT;"

    /* Our own messages that the server may not have yet, in the order of sending. */
    "CREATE TABLE outbox ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  message INTEGER NOT NULL UNIQUE REFERENCES message (row),"
    "  conversation INTEGER NOT NULL,"
    "  state INTEGER NOT NULL DEFAULT 0," /* 0 waiting, 1 sent, 2 in doubt */
    "  number INTEGER,"                   /* in smq */
    "  tries INTEGER NOT NULL DEFAULT 0,"
    "  sent_ms INTEGER NOT NULL DEFAULT 0" /* when its bytes first left, 0: never */
    ") STRICT;"
    "CREATE INDEX outbox_state ON outbox (state, seq);"
    "CREATE INDEX outbox_doubt ON outbox (conversation, seq) WHERE state = 2;"
    /* The message that an entry stands for; its own xml is empty then. */
    "ALTER TABLE smq ADD COLUMN message INTEGER REFERENCES message (row);"

    /* Words of bodies. The conversation is a word too, so that one can be searched alone. */
    "CREATE VIRTUAL TABLE search USING fts5 (body, conversation, content = 'message',"
    "  content_rowid = 'row', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2');"
    "INSERT INTO counter (name, value) VALUES ('search-fed', 0);"; /* the last row in it */

/* 3: the roster. */
static const char migration_3[] =
    /* The account's contacts, as the server has them; of which version is a fact. */
    "CREATE TABLE roster ("
    "  jid TEXT PRIMARY KEY," /* bare, prepared */
    "  name TEXT,"
    "  subscription INTEGER NOT NULL," /* bits: 1 to, 2 from */
    "  ask INTEGER NOT NULL,"          /* 1: our request for a subscription waits */
    "  approved INTEGER NOT NULL,"     /* 1: theirs is approved beforehand */
    "  groups TEXT NOT NULL,"          /* sorted, U+001F between them */
    "  seen INTEGER NOT NULL"          /* 0: while a whole roster comes in, not yet in it */
    ") STRICT, WITHOUT ROWID;";

/* 4: the columns of message that refer to archive and conversation are not checked any more: whoever inserts has just
 * read or made both rows, and nothing deletes them; the check cost a fifth of an insert. This is the way that SQLite's
 * manual gives for taking a constraint from a table ("Making Other Kinds Of Table Schema Changes"): the file's format is
 * the same with and without it. The new index has other connections read the schema again. */
static const char migration_4[] =
    "PRAGMA writable_schema = ON;"
    "UPDATE sqlite_schema SET sql = replace(replace(sql,"
    "  'archive INTEGER NOT NULL REFERENCES archive (id)', 'archive INTEGER NOT NULL'),"
    "  'conversation INTEGER REFERENCES conversation (id)', 'conversation INTEGER')"
    "  WHERE type = 'table' AND name = 'message';"
    "PRAGMA writable_schema = RESET;"
    "DROP INDEX message_edit;"
    "CREATE INDEX message_edit ON message (edit) WHERE edit IS NOT NULL;";

/* 5: what was asked of an archive is asked again after a cut: nobody looked at this any more. */
static const char migration_5[] = "DROP TABLE query;";

/* 6: what tells entries apart comes first: SQLite compares the first column of an index several times faster than the next
 * ones, and ids are random, so every message is compared with a dozen others in each of these two. */
static const char migration_6[] =
    "DROP INDEX message_archive_id;"
    "CREATE UNIQUE INDEX message_archive_id ON message (archive_id, archive) WHERE archive_id IS NOT NULL;"
    "DROP INDEX message_id;"
    "CREATE INDEX message_id ON message (id_hash, conversation) WHERE id_hash IS NOT NULL;";

/* 7: what came live without an id is found again by its time, wherever it stands by now. */
static const char migration_7[] =
    "CREATE INDEX message_bare ON message (archive, time_ms) WHERE archive_id IS NULL AND outgoing = 0;";

static const char *const migrations[] = { migration_1, migration_2, migration_3, migration_4,
                                          migration_5, migration_6, migration_7 };

int ep_migration_newest(void)
{
    return (int)(sizeof migrations / sizeof *migrations);
}

const char *ep_migration_sql(int number)
{
    return migrations[number - 1];
}
