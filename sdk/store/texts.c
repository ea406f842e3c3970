/* texts.c: what the prepared statements say. */
#include "store/statements.h"

#define QUEUE_COLUMNS "kind, stamp_ms, stanza_id, xml"
#define BATCH         "64"

#define CONTACT_COLUMNS "jid, name, subscription, ask, approved, groups"
#define END_STAMP \
    "(SELECT time_ms FROM message WHERE archive = ?1 AND pos = (SELECT last_pos FROM span " \
    "WHERE archive = ?1 ORDER BY first_pos DESC LIMIT 1))"
#define SPAN_COLUMNS                                                                               \
    "id, archive, first_pos, last_pos, first_id, last_id, reaches_start, reached_end"
#define CONVERSATION_COLUMNS                                                                       \
    "id, archive, peer, coalesce(last_row, 0), coalesce(last_ms, 0), coalesce(displayed_row, 0), " \
    "displayed_id, coalesce(read_row, 0)"
#define OUTBOX_COLUMNS                                                                             \
    "o.seq, o.message, o.conversation, m.archive, o.state, coalesce(o.number, 0), o.tries, "       \
    "m.received_ms, o.sent_ms, a.owner, c.peer, coalesce(m.recipient, c.peer), m.stanza_id, "      \
    "coalesce(m.origin_id, m.stanza_id), m.xml FROM outbox o JOIN message m ON m.row = o.message " \
    "JOIN archive a ON a.id = m.archive JOIN conversation c ON c.id = o.conversation"
/* In the order in which insert.c binds them. OR FAIL: a failure spoils the whole transaction anyway, and to undo the
 * statement alone SQLite would keep a copy of every page that it touches. */
#define MESSAGE_ADD                                                                                \
    "INSERT OR FAIL INTO message (archive, pos, place, conversation, kind, outgoing, groupchat, "     \
    "by_room, countable, state, id_hash, time_ms, received_ms, archive_id, stanza_id, origin_id, " \
    "sender, recipient, occupant, type, ref_id, reply_id, reply_to, body, xml) VALUES "
#define MESSAGE_ROW "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define MESSAGE_ROWS_4 MESSAGE_ROW "," MESSAGE_ROW "," MESSAGE_ROW "," MESSAGE_ROW
#define MESSAGE_ROWS_8 MESSAGE_ROWS_4 "," MESSAGE_ROWS_4
/* with_xml: 1, or the number of a parameter. In the order in which view.c reads them. */
#define VIEW_COLUMNS(with_xml)                                                                     \
    "m.row, m.archive, coalesce(m.conversation, 0), m.pos, a.owner, c.peer, m.archive_id, "        \
    "m.sender, CASE WHEN m.outgoing THEN coalesce(m.recipient, c.peer) END, m.type, m.stanza_id, " \
    "m.origin_id, m.occupant, m.kind, m.outgoing, m.groupchat, m.edit, m.retracted, "              \
    "m.place = 0, coalesce(e.body, m.body), m.body, m.ref_id, m.reply_id, m.reply_to, "            \
    "m.time_ms, m.received_ms, CASE WHEN m.outgoing AND m.state BETWEEN 2 AND 4 AND m.pos <= "     \
    "(SELECT r.pos FROM message r WHERE r.row = c.read_row) THEN 5 ELSE m.state END, m.reason, "   \
    "m.reacted, CASE WHEN " #with_xml " THEN m.xml END"
#define VIEW_JOINS                                                                                 \
    " JOIN archive a ON a.id = m.archive LEFT JOIN conversation c ON c.id = m.conversation "       \
    "LEFT JOIN message e ON e.row = m.edit"
#define VIEW_FROM " FROM message m" VIEW_JOINS

const char *const ep_sql_text[EP_SQL_COUNT] = {
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

    /* A number that was taken in advance gets what it was taken for. */
    [EP_SQL_SMQ_PUSH] =
        "INSERT INTO smq (seq, " QUEUE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (seq) "
        "DO UPDATE SET kind = ?2, stamp_ms = ?3, stanza_id = ?4, xml = ?5 WHERE kind = 3 RETURNING seq",
    [EP_SQL_SMQ_REFER] =
        "INSERT INTO smq (seq, " QUEUE_COLUMNS ", message) VALUES (?1, 0, ?2, ?3, x'', ?4) ON CONFLICT (seq) "
        "DO UPDATE SET kind = 0, stamp_ms = ?2, stanza_id = ?3, xml = x'', message = ?4 WHERE kind = 3 RETURNING seq",
    [EP_SQL_SMQ_HOLD] = "INSERT INTO smq (seq, " QUEUE_COLUMNS ") VALUES (?1, 3, ?2, NULL, ?3) ON CONFLICT DO NOTHING",
    [EP_SQL_SMQ_RELEASE] = "DELETE FROM smq WHERE kind = 3",
    [EP_SQL_SMQ_ACK] = "DELETE FROM smq WHERE seq <= ?1",
    [EP_SQL_SMQ_EACH] =
        "SELECT q.seq, q.kind, q.stamp_ms, q.stanza_id, "
        "CASE WHEN q.message IS NULL THEN q.xml ELSE (SELECT m.xml FROM message m "
        "WHERE m.row = q.message) END FROM smq q WHERE q.seq > ?1 ORDER BY q.seq LIMIT " BATCH,
    [EP_SQL_SMQ_COUNT] = "SELECT count(*) FROM smq",
    /* What was sent goes before what still waits since an earlier failure. */
    [EP_SQL_SMQ_TO_PENDING] =
        "INSERT INTO pending (seq, " QUEUE_COLUMNS ") SELECT "
        "(SELECT coalesce(min(seq), 1 << 62) FROM pending) - 1 - (SELECT max(seq) FROM smq) + "
        "seq, " QUEUE_COLUMNS " FROM smq WHERE kind = 0 AND message IS NULL ORDER BY seq",
    [EP_SQL_SMQ_DOUBT] = "UPDATE outbox SET state = 2, number = NULL WHERE state = 1 AND message IN "
                         "(SELECT message FROM smq WHERE message IS NOT NULL)",
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

    [EP_SQL_ARCHIVE_FIND] = "SELECT id, kind FROM archive WHERE owner = ?1",
    [EP_SQL_ARCHIVE_ADD] = "INSERT INTO archive (owner, kind, top_pos, end_pos) "
                           "VALUES (?1, ?2, 1 << 62, 1 << 62) RETURNING id",
    [EP_SQL_ARCHIVE_LOAD] =
        "SELECT kind, empty, top_pos, end_pos, mark_pos, floor_pos FROM archive WHERE id = ?1",
    [EP_SQL_ARCHIVE_SAVE] = "UPDATE archive SET empty = ?2, top_pos = ?3, end_pos = ?4, "
                            "mark_pos = ?5, floor_pos = ?6 WHERE id = ?1",
    [EP_SQL_ARCHIVE_TOP] = "UPDATE archive SET top_pos = ?2 WHERE id = ?1",
    [EP_SQL_ARCHIVE_INFO] = "UPDATE archive SET first_id = ?2, last_id = ?3, first_ms = ?4, "
                            "last_ms = ?5 WHERE id = ?1",
    [EP_SQL_ARCHIVE_EACH] = "SELECT id, owner, kind, empty, first_id, last_id, first_ms, last_ms "
                            "FROM archive WHERE id = ?1 OR ?1 = 0 ORDER BY id",
    [EP_SQL_ARCHIVE_DETACH] = "UPDATE message SET place = 2 WHERE archive = ?1 AND pos <= ?2 "
                              "AND (place = 1 OR (place = 0 AND NOT (outgoing AND state < 3)))",

    [EP_SQL_MESSAGE_ADD] = MESSAGE_ADD MESSAGE_ROW,
    [EP_SQL_MESSAGE_ADD_8] = MESSAGE_ADD MESSAGE_ROWS_8,
    [EP_SQL_MESSAGE_ADD_32] =
        MESSAGE_ADD MESSAGE_ROWS_8 "," MESSAGE_ROWS_8 "," MESSAGE_ROWS_8 "," MESSAGE_ROWS_8,
    [EP_SQL_MESSAGE_UNDO] = "DELETE FROM message WHERE row > ?1",
    [EP_SQL_MESSAGE_PLACE] =
        "UPDATE message SET pos = ?2, place = ?3, time_ms = coalesce(nullif(?4, 0), time_ms) "
        "WHERE row = ?1",
    [EP_SQL_MESSAGE_HELD] = "SELECT row, pos, place, coalesce(conversation, 0) FROM message "
                            "WHERE archive = ?1 AND archive_id = ?2",
    [EP_SQL_MESSAGE_HELD_ALL] =
        "SELECT j.key, m.row, m.pos, m.place, coalesce(m.conversation, 0) "
        "FROM json_each(?2) j CROSS JOIN message m ON m.archive = ?1 AND m.archive_id = j.value",
    [EP_SQL_MESSAGE_LAST_ROW] = "SELECT coalesce(max(row), 0) FROM message",
    [EP_SQL_MESSAGE_SHIFT] = "UPDATE message SET pos = pos + ?3 WHERE archive = ?1 AND pos >= ?2",
    [EP_SQL_MESSAGE_CARRY] =
        "SELECT row, pos, coalesce(conversation, 0) FROM message INDEXED BY message_tail "
        "WHERE archive = ?1 AND place = 0 "
        "AND pos < ?2 AND pos > ?3 AND archive_id IS NULL AND state <> 1 ORDER BY pos, row",
    [EP_SQL_MESSAGE_SETTLE] =
        "UPDATE message INDEXED BY message_tail SET place = 2 "
        "WHERE archive = ?1 AND place = 0 AND pos > ?2 "
        "AND (pos < ?3 OR row <= ?4) AND NOT (outgoing AND state < 3)",
    [EP_SQL_MESSAGE_UNJOINED] =
        "SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_tail "
        "WHERE archive = ?1 AND place = 0 "
        "AND NOT (outgoing AND (state < 3 OR state = 6)) LIMIT 1000)",

    /* What is no longer awaited may yet be in the archive, in a stretch that was not read so far: of the time of a page,
     * give or take a day for wrong clocks. */
    [EP_SQL_BARE_ANY] = "SELECT 1 FROM message INDEXED BY message_tail WHERE archive = ?1 "
                        "AND place = 0 AND archive_id IS NULL AND outgoing = 0 UNION ALL "
                        "SELECT 1 FROM message INDEXED BY message_bare WHERE archive = ?1 AND archive_id IS NULL "
                        "AND outgoing = 0 AND time_ms BETWEEN ?2 - 86400000 AND ?3 + 86400000 LIMIT 1",
    [EP_SQL_BARE_FIND] =
        "SELECT row, pos, place, state FROM message INDEXED BY message_tail WHERE archive = ?1 "
        "AND place = 0 AND archive_id IS NULL AND outgoing = 0 AND conversation = ?2 "
        "AND stanza_id IS ?3 AND sender IS ?4 AND body IS ?5 ORDER BY pos LIMIT 1",
    [EP_SQL_BARE_FIND_OLD] =
        "SELECT row, pos, place, state FROM message INDEXED BY message_bare WHERE archive = ?1 "
        "AND archive_id IS NULL AND outgoing = 0 AND time_ms BETWEEN ?6 - 86400000 AND ?6 + 86400000 "
        "AND conversation = ?2 AND stanza_id IS ?3 AND sender IS ?4 AND body IS ?5 ORDER BY pos LIMIT 1",
    [EP_SQL_REPEATED] = "SELECT row FROM message WHERE conversation = ?1 AND id_hash = ?2 "
                        "AND stanza_id = ?3 AND outgoing = 0 AND sender IS ?4 AND body IS ?5 LIMIT 1",
    [EP_SQL_REPLAY_START] = "SELECT pos FROM message INDEXED BY message_archive WHERE archive = ?1 "
                            "ORDER BY pos DESC LIMIT 1 OFFSET 1000",
    [EP_SQL_REPLAYED] = "SELECT row, pos FROM message INDEXED BY message_archive WHERE archive = ?1 AND pos > ?2 "
                        "AND row <= ?3 AND kind = ?4 AND stanza_id IS ?5 AND sender IS ?6 AND ref_id IS ?7 AND body IS ?8 "
                        "AND (?5 IS NOT NULL OR abs(time_ms - ?9) <= ?10) ORDER BY pos LIMIT 1",
    [EP_SQL_OWN_ANY] = "SELECT 1 FROM message INDEXED BY message_own WHERE archive = ?1 "
                       "AND archive_id IS NULL AND outgoing = 1 LIMIT 1",
    [EP_SQL_OWN_BY_ID] =
        "SELECT row, pos, place, state FROM message WHERE conversation = ?1 AND id_hash = ?2 "
        "AND stanza_id = ?3 AND outgoing = 1 AND archive_id IS NULL AND recipient IS ?4 "
        "ORDER BY row LIMIT 1",
    [EP_SQL_OWN_BY_ORIGIN] =
        "SELECT row, pos, place, state FROM message WHERE conversation = ?1 AND origin_id = ?2 "
        "AND outgoing = 1 AND archive_id IS NULL AND recipient IS ?3 ORDER BY row LIMIT 1",
    [EP_SQL_OWN_JOIN] = "UPDATE message SET archive_id = ?2, state = ?3, "
                        "reason = CASE WHEN ?3 = 6 THEN reason END WHERE row = ?1",
    [EP_SQL_OWN_SENT] =
        "SELECT row FROM message WHERE outgoing = 1 AND row IN "
        "(SELECT row FROM message WHERE conversation = ?1 AND id_hash = ?2 AND stanza_id = ?3 "
        "UNION ALL SELECT row FROM message WHERE conversation = ?1 AND origin_id = ?3) "
        "ORDER BY row DESC LIMIT 1",

    [EP_SQL_SPAN_ADD] =
        "INSERT INTO span (archive, first_pos, last_pos, first_id, last_id, reaches_start, "
        "reached_end) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
    [EP_SQL_SPAN_PUT] = "UPDATE span SET first_pos = ?2, last_pos = ?3, first_id = ?4, "
                        "last_id = ?5, reaches_start = ?6, reached_end = ?7 WHERE id = ?1",
    [EP_SQL_SPAN_DEL] = "DELETE FROM span WHERE id = ?1",
    [EP_SQL_SPAN_CLEAR] = "DELETE FROM span WHERE archive = ?1",
    [EP_SQL_SPAN_EACH] = "SELECT " SPAN_COLUMNS " FROM span WHERE archive = ?1 ORDER BY first_pos",
    [EP_SQL_SPAN_GET] = "SELECT " SPAN_COLUMNS " FROM span WHERE id = ?1",
    [EP_SQL_SPAN_NEWEST] = "SELECT " SPAN_COLUMNS " FROM span WHERE archive = ?1 "
                           "ORDER BY first_pos DESC LIMIT 1",
    /* The wanted one, or the last that is so much older than the end, or the first; and the end's stamp. */
    [EP_SQL_BEFORE_END] =
        "SELECT coalesce("
        "(SELECT archive_id FROM message WHERE archive = ?1 AND archive_id = ?2 AND place = 1), "
        "(SELECT archive_id FROM message WHERE archive = ?1 AND place = 1 "
        "AND time_ms BETWEEN 1 AND " END_STAMP " - ?3 ORDER BY pos DESC LIMIT 1), "
        "(SELECT first_id FROM span WHERE archive = ?1 ORDER BY first_pos LIMIT 1)), " END_STAMP,
    [EP_SQL_SPAN_ENDS] = "UPDATE span SET reached_end = ?2 WHERE id = (SELECT id FROM span WHERE "
                         "archive = ?1 ORDER BY first_pos DESC LIMIT 1) AND reached_end <> ?2",
    [EP_SQL_SPAN_STARTS] = "UPDATE span SET reaches_start = 1 WHERE id = ?1",
    [EP_SQL_SPAN_SHIFT] = "UPDATE span SET first_pos = first_pos + ?3, last_pos = last_pos + ?3 "
                          "WHERE archive = ?1 AND first_pos >= ?2",
    [EP_SQL_SPAN_STRETCH] = "UPDATE span SET last_pos = last_pos + ?3 "
                            "WHERE archive = ?1 AND first_pos < ?2 AND last_pos >= ?2",
    [EP_SQL_STAMP_OF] = "SELECT time_ms FROM message WHERE archive = ?1 AND archive_id = ?2",

    [EP_SQL_EFFECT_ANY] =
        "SELECT 1 FROM json_each(?1) j WHERE EXISTS (SELECT 1 FROM message e INDEXED BY message_ref "
        "WHERE e.conversation = j.value AND e.ref_id IS NOT NULL) LIMIT 1",
    [EP_SQL_EFFECT_AWAITED] =
        "SELECT t.row FROM message t NOT INDEXED WHERE t.row > ?1 AND t.kind = 0 AND t.archive = ?2 AND EXISTS "
        "(SELECT 1 FROM message e WHERE e.conversation = t.conversation AND e.ref_id = t.stanza_id "
        "UNION ALL SELECT 1 FROM message e WHERE e.conversation = t.conversation "
        "AND t.origin_id IS NOT NULL AND e.ref_id = t.origin_id "
        "UNION ALL SELECT 1 FROM message e WHERE e.conversation = t.conversation "
        "AND ?3 AND e.ref_id = t.archive_id)",
    [EP_SQL_EFFECT_TARGETS] =
        "SELECT row FROM message WHERE conversation = ?1 AND id_hash = ?2 AND stanza_id = ?3 "
        "AND kind = 0 UNION SELECT row FROM message WHERE conversation = ?1 AND origin_id = ?3 "
        "AND kind = 0 UNION SELECT row FROM message WHERE archive = ?4 AND archive_id = ?3 "
        "AND conversation = ?1 AND kind = 0",
    [EP_SQL_EFFECT_TARGET] =
        "SELECT m.conversation, m.outgoing, m.groupchat, m.sender, m.occupant, m.state, m.edit, "
        "m.retracted, m.reacted, m.stanza_id, m.origin_id, "
        "CASE WHEN a.kind = 1 THEN m.archive_id END, m.pos "
        "FROM message m JOIN archive a ON a.id = m.archive WHERE m.row = ?1",
    [EP_SQL_EFFECT_EACH] =
        "SELECT row, kind, outgoing, by_room, sender, occupant, body FROM message INDEXED BY "
        "message_ref "
        "WHERE conversation = ?1 AND ref_id IN (?2, ?3, ?4) AND kind BETWEEN 2 AND 6 "
        "ORDER BY pos, row",
    [EP_SQL_EFFECT_PUT] =
        "UPDATE message SET edit = nullif(?2, 0), retracted = ?3, reacted = ?4, state = ?5, "
        "countable = countable AND NOT ?3, reason = CASE WHEN ?5 = 6 THEN reason END WHERE row = ?1",
    [EP_SQL_EFFECT_REF] =
        "SELECT e.conversation, e.ref_id, CASE WHEN a.kind = 1 THEN e.archive ELSE 0 END "
        "FROM message e JOIN archive a ON a.id = e.archive WHERE e.row = ?1 "
        "AND e.conversation IS NOT NULL AND e.ref_id IS NOT NULL",
    [EP_SQL_EFFECT_READ] =
        "UPDATE conversation SET read_row = ?2 WHERE id = ?1 AND (read_row IS NULL OR "
        "(SELECT pos FROM message WHERE row = read_row) < ?3)",

    [EP_SQL_CONVERSATION_FIND] = "SELECT id FROM conversation WHERE archive = ?1 AND peer = ?2",
    [EP_SQL_CONVERSATION_ADD] =
        "INSERT INTO conversation (archive, peer) VALUES (?1, ?2) RETURNING id",
    [EP_SQL_CONVERSATION_GET] = "SELECT " CONVERSATION_COLUMNS " FROM conversation WHERE id = ?1",
    [EP_SQL_CONVERSATION_ALL] =
        "SELECT " CONVERSATION_COLUMNS " FROM conversation WHERE last_ms IS NOT NULL AND "
        "(last_ms, id) < (?1, ?2) ORDER BY last_ms DESC, id DESC LIMIT ?3",
    [EP_SQL_CONVERSATION_OF] =
        "SELECT " CONVERSATION_COLUMNS " FROM conversation WHERE archive = ?4 AND last_ms IS NOT "
        "NULL AND (last_ms, id) < (?1, ?2) ORDER BY last_ms DESC, id DESC LIMIT ?3",
    [EP_SQL_CONVERSATION_LAST] =
        "UPDATE conversation SET (last_row, last_ms) = (SELECT row, time_ms FROM message m "
        "WHERE m.conversation = conversation.id AND m.kind = 0 ORDER BY m.pos DESC, m.row DESC "
        "LIMIT 1) WHERE id IN (SELECT value FROM json_each(?1))",
    [EP_SQL_CONVERSATION_DISPLAY] =
        "UPDATE conversation SET displayed_row = ?2 WHERE id = ?1 AND (displayed_row IS NULL OR "
        "(SELECT pos FROM message WHERE row = displayed_row) < "
        "(SELECT pos FROM message WHERE row = ?2)) RETURNING id",
    [EP_SQL_CONVERSATION_AWAIT] = "UPDATE conversation SET displayed_id = ?2 WHERE id = ?1",
    [EP_SQL_CONVERSATION_AWAITED] =
        "SELECT c.id, m.row FROM conversation c JOIN message m ON m.archive = c.archive "
        "AND m.archive_id = c.displayed_id WHERE c.archive = ?1 AND c.displayed_id IS NOT NULL",
    [EP_SQL_CONVERSATION_SHOWN_ID] =
        "SELECT m.archive_id FROM conversation c JOIN message d ON d.row = c.displayed_row "
        "JOIN message m ON m.conversation = c.id AND m.pos <= d.pos "
        "WHERE c.id = ?1 AND m.archive_id IS NOT NULL ORDER BY m.pos DESC, m.row DESC LIMIT 1",
    [EP_SQL_UNREAD_FROM] =
        "SELECT d.pos, c.displayed_id IS NOT NULL, c.archive, a.empty FROM conversation c "
        "JOIN archive a ON a.id = c.archive LEFT JOIN message d ON d.row = c.displayed_row "
        "WHERE c.id = ?1",
    [EP_SQL_UNREAD_COUNT] =
        "SELECT count(*) FROM (SELECT 1 FROM message WHERE conversation = ?1 AND countable = 1 "
        "AND pos > ?2 LIMIT ?3)",
    [EP_SQL_UNREAD_HOLE] = "SELECT count(*), coalesce(sum(first_pos > ?2 AND NOT reaches_start), 0) "
                           "FROM span WHERE archive = ?1",

    [EP_SQL_OUTBOX_ADD] =
        "INSERT INTO outbox (message, conversation) VALUES (?1, ?2) RETURNING seq",
    [EP_SQL_OUTBOX_NEXT] =
        "SELECT " OUTBOX_COLUMNS " WHERE o.state = 0 AND o.seq > ?1 AND NOT EXISTS "
        "(SELECT 1 FROM outbox d WHERE d.conversation = o.conversation AND d.state = 2 "
        "AND d.seq < o.seq) ORDER BY o.seq LIMIT ?2",
    [EP_SQL_OUTBOX_EACH] = "SELECT " OUTBOX_COLUMNS " WHERE o.state = ?3 AND o.seq > ?1 "
                           "ORDER BY o.seq LIMIT ?2",
    [EP_SQL_OUTBOX_COUNT] = "SELECT count(*) FROM outbox",
    [EP_SQL_OUTBOX_GET] = "SELECT o.message, o.state, m.stanza_id "
                          "FROM outbox o JOIN message m ON m.row = o.message WHERE o.seq = ?1",
    [EP_SQL_OUTBOX_SENT] =
        "UPDATE outbox SET state = 1, number = nullif(?2, 0), tries = tries + 1, "
        "sent_ms = CASE WHEN sent_ms THEN sent_ms ELSE ?3 END WHERE seq = ?1",
    [EP_SQL_OUTBOX_ACKED] = "SELECT message FROM smq WHERE seq <= ?1 AND message IS NOT NULL "
                            "ORDER BY seq",
    [EP_SQL_OUTBOX_DEL] = "DELETE FROM outbox WHERE message = ?1",
    [EP_SQL_OUTBOX_LOST] = "UPDATE outbox SET state = 2, number = NULL WHERE state = 1",
    [EP_SQL_OUTBOX_RETRY] = "UPDATE outbox SET state = 0 WHERE seq = ?1 AND state = 2 "
                            "RETURNING seq",
    [EP_SQL_OUTBOX_NUMBER] = "SELECT number FROM outbox WHERE message = ?1 AND number IS NOT NULL",
    [EP_SQL_OUTBOX_SHIFT] = "UPDATE outbox SET seq = seq + (SELECT max(seq) FROM outbox) "
                            "WHERE conversation = ?1 AND message > ?2 AND state = 0",
    [EP_SQL_DELIVERY_GET] = "SELECT state, coalesce(conversation, 0) FROM message "
                            "WHERE row = ?1 AND outgoing = 1",
    [EP_SQL_DELIVERY_PUT] =
        "UPDATE message SET state = ?2, reason = ?3, place = CASE WHEN ?2 = 3 AND place = 2 AND "
        "archive_id IS NULL THEN 0 ELSE place END WHERE row = ?1",

    [EP_SQL_SEARCH_FEED] =
        "INSERT INTO search (rowid, body, conversation) SELECT row, body, conversation FROM message "
        "WHERE row > ?1 AND row <= ?2 AND kind IN (0, 2) AND body IS NOT NULL "
        "AND conversation IS NOT NULL ORDER BY row",
    [EP_SQL_SEARCH_FED] = "SELECT value, (SELECT coalesce(max(row), 0) FROM message) "
                          "FROM counter WHERE name = 'search-fed'",
    [EP_SQL_SEARCH_FED_PUT] = "UPDATE counter SET value = ?1 WHERE name = 'search-fed'",

    [EP_SQL_VIEW_GET] = "SELECT " VIEW_COLUMNS(1) VIEW_FROM " WHERE m.row = ?1",
    [EP_SQL_VIEW_DOWN] =
        "SELECT " VIEW_COLUMNS(?6) VIEW_FROM " WHERE m.conversation = ?1 AND "
        "(m.pos, m.row) > (?2, ?3) AND (?4 OR m.kind = 0) ORDER BY m.pos, m.row LIMIT ?5",
    [EP_SQL_VIEW_UP] =
        "SELECT " VIEW_COLUMNS(?6) VIEW_FROM " WHERE m.conversation = ?1 AND "
        "(m.pos, m.row) < (?2, ?3) AND (?4 OR m.kind = 0) ORDER BY m.pos DESC, m.row DESC "
        "LIMIT ?5",
    [EP_SQL_VIEW_ALL_DOWN] =
        "SELECT " VIEW_COLUMNS(?6) VIEW_FROM " WHERE m.archive = ?1 AND "
        "(m.pos, m.row) > (?2, ?3) AND (?4 OR m.kind = 0) ORDER BY m.pos, m.row LIMIT ?5",
    [EP_SQL_VIEW_ALL_UP] =
        "SELECT " VIEW_COLUMNS(?6) VIEW_FROM " WHERE m.archive = ?1 AND "
        "(m.pos, m.row) < (?2, ?3) AND (?4 OR m.kind = 0) ORDER BY m.pos DESC, m.row DESC "
        "LIMIT ?5",
    [EP_SQL_VIEW_SEARCH] =
        "SELECT " VIEW_COLUMNS(?4) " FROM search f CROSS JOIN message m ON m.row = "
        "coalesce((SELECT t.row FROM message t WHERE t.edit = f.rowid LIMIT 1), f.rowid)" VIEW_JOINS
        " WHERE f.search MATCH ?1 AND f.rowid < ?2 AND m.kind = 0 AND NOT m.retracted "
        "AND coalesce(m.edit, m.row) = f.rowid ORDER BY f.rowid DESC LIMIT ?3",
    [EP_SQL_VIEW_POS] = "SELECT pos FROM message WHERE row = ?1",
    [EP_SQL_VIEW_DAY] = "SELECT pos, row, time_ms FROM message WHERE conversation = ?1 "
                        "AND pos >= ?2 ORDER BY pos LIMIT 1",
    [EP_SQL_VIEW_ALL_DAY] = "SELECT pos, row, time_ms FROM message WHERE archive = ?1 "
                            "AND pos >= ?2 ORDER BY pos LIMIT 1",
    [EP_SQL_VIEW_ENDS] = "SELECT (SELECT min(pos) FROM message WHERE conversation = ?1), "
        "(SELECT max(pos) FROM message WHERE conversation = ?1)",
    [EP_SQL_VIEW_ALL_ENDS] = "SELECT (SELECT min(pos) FROM message WHERE archive = ?1), "
        "(SELECT max(pos) FROM message WHERE archive = ?1)",
    [EP_SQL_VIEW_REACTIONS] =
        "SELECT t.row, e.sender, e.outgoing, e.groupchat, coalesce(e.occupant, e.sender), e.body "
        "FROM json_each(?1) j CROSS JOIN message t ON t.row = j.value "
        "CROSS JOIN message e ON e.conversation = t.conversation AND e.kind = 4 AND "
        "e.ref_id IN (t.stanza_id, t.origin_id, CASE WHEN (SELECT kind FROM archive WHERE id = "
        "t.archive) = 1 THEN t.archive_id END) ORDER BY t.row, e.pos, e.row",

    [EP_SQL_ROSTER_GET] = "SELECT " CONTACT_COLUMNS " FROM roster WHERE jid = ?1",
    [EP_SQL_ROSTER_EACH] = "SELECT " CONTACT_COLUMNS " FROM roster WHERE ?1 IS NULL OR jid > ?1 "
                           "ORDER BY jid LIMIT ?2",
    [EP_SQL_ROSTER_PUT] = "INSERT OR REPLACE INTO roster (" CONTACT_COLUMNS ", seen) "
                          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)",
    [EP_SQL_ROSTER_DEL] = "DELETE FROM roster WHERE jid = ?1 RETURNING 1",
    [EP_SQL_ROSTER_UNSEE] = "UPDATE roster SET seen = 0",
    [EP_SQL_ROSTER_DEL_UNSEEN] = "DELETE FROM roster WHERE seen = 0 RETURNING jid",
};
