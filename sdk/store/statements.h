/* statements.h: the prepared statements, kept while the store is open, and how they are run. */
#ifndef EP_STORE_STATEMENTS_H
#define EP_STORE_STATEMENTS_H

#include <sqlite3.h>

#include "base/buf.h"
#include "store/store.h"

typedef enum ep_sql {
    EP_SQL_BEGIN,
    EP_SQL_COMMIT,
    EP_SQL_ROLLBACK,
    EP_SQL_DURABLE,
    EP_SQL_LEASE_GET,
    EP_SQL_LEASE_OWNER,
    EP_SQL_LEASE_PUT,
    EP_SQL_LEASE_BEAT,
    EP_SQL_LEASE_DEL,
    EP_SQL_FACT_PUT,
    EP_SQL_FACT_GET,
    EP_SQL_FACT_DEL,
    EP_SQL_FACT_DEL_KIND,
    EP_SQL_FACT_EACH,
    EP_SQL_SECRET_PUT,
    EP_SQL_SECRET_GET,
    EP_SQL_SECRET_DEL,
    EP_SQL_SECRET_DEL_KIND,
    EP_SQL_SECRET_TAKE,
    EP_SQL_COUNT_RESERVE,
    EP_SQL_COUNT_RESET,
    EP_SQL_SM_PUT,
    EP_SQL_SM_GET,
    EP_SQL_SM_DEL,
    EP_SQL_SM_H,
    EP_SQL_SM_ACKED,
    EP_SQL_SMQ_PUSH,
    EP_SQL_SMQ_HOLD,
    EP_SQL_SMQ_RELEASE,
    EP_SQL_SMQ_REFER,
    EP_SQL_SMQ_ACK,
    EP_SQL_SMQ_EACH,
    EP_SQL_SMQ_COUNT,
    EP_SQL_SMQ_TO_PENDING,
    EP_SQL_SMQ_DOUBT,
    EP_SQL_SMQ_CLEAR,
    EP_SQL_PENDING_EACH,
    EP_SQL_PENDING_DEL,
    EP_SQL_PENDING_COUNT,
    EP_SQL_INBOX_ADD,
    EP_SQL_INBOX_FIND,
    EP_SQL_INBOX_EACH,
    EP_SQL_INBOX_COUNT,
    EP_SQL_INBOX_DEL,
    EP_SQL_ARCHIVE_FIND,
    EP_SQL_ARCHIVE_ADD,
    EP_SQL_ARCHIVE_LOAD,
    EP_SQL_ARCHIVE_SAVE,
    EP_SQL_ARCHIVE_TOP,
    EP_SQL_ARCHIVE_INFO,
    EP_SQL_ARCHIVE_EACH,
    EP_SQL_ARCHIVE_DETACH,
    EP_SQL_MESSAGE_ADD,
    EP_SQL_MESSAGE_ADD_8,
    EP_SQL_MESSAGE_ADD_32,
    EP_SQL_MESSAGE_UNDO,
    EP_SQL_MESSAGE_PLACE,
    EP_SQL_MESSAGE_HELD,
    EP_SQL_MESSAGE_HELD_ALL,
    EP_SQL_MESSAGE_LAST_ROW,
    EP_SQL_MESSAGE_SHIFT,
    EP_SQL_MESSAGE_CARRY,
    EP_SQL_MESSAGE_SETTLE,
    EP_SQL_MESSAGE_UNJOINED,
    EP_SQL_REPEATED,
    EP_SQL_REPLAY_START,
    EP_SQL_REPLAYED,
    EP_SQL_BARE_ANY,
    EP_SQL_BARE_FIND,
    EP_SQL_BARE_FIND_OLD,
    EP_SQL_OWN_ANY,
    EP_SQL_OWN_BY_ID,
    EP_SQL_OWN_BY_ORIGIN,
    EP_SQL_OWN_JOIN,
    EP_SQL_OWN_SENT,
    EP_SQL_SPAN_ADD,
    EP_SQL_SPAN_PUT,
    EP_SQL_SPAN_DEL,
    EP_SQL_SPAN_CLEAR,
    EP_SQL_SPAN_EACH,
    EP_SQL_SPAN_GET,
    EP_SQL_SPAN_NEWEST,
    EP_SQL_BEFORE_END,
    EP_SQL_SPAN_ENDS,
    EP_SQL_SPAN_STARTS,
    EP_SQL_SPAN_SHIFT,
    EP_SQL_SPAN_STRETCH,
    EP_SQL_STAMP_OF,
    EP_SQL_EFFECT_ANY,
    EP_SQL_EFFECT_AWAITED,
    EP_SQL_EFFECT_TARGETS,
    EP_SQL_EFFECT_TARGET,
    EP_SQL_EFFECT_EACH,
    EP_SQL_EFFECT_PUT,
    EP_SQL_EFFECT_REF,
    EP_SQL_EFFECT_READ,
    EP_SQL_CONVERSATION_FIND,
    EP_SQL_CONVERSATION_ADD,
    EP_SQL_CONVERSATION_GET,
    EP_SQL_CONVERSATION_ALL,
    EP_SQL_CONVERSATION_OF,
    EP_SQL_CONVERSATION_LAST,
    EP_SQL_CONVERSATION_DISPLAY,
    EP_SQL_CONVERSATION_AWAIT,
    EP_SQL_CONVERSATION_AWAITED,
    EP_SQL_CONVERSATION_SHOWN_ID,
    EP_SQL_UNREAD_FROM,
    EP_SQL_UNREAD_COUNT,
    EP_SQL_UNREAD_HOLE,
    EP_SQL_OUTBOX_ADD,
    EP_SQL_OUTBOX_NEXT,
    EP_SQL_OUTBOX_EACH,
    EP_SQL_OUTBOX_COUNT,
    EP_SQL_OUTBOX_GET,
    EP_SQL_OUTBOX_SENT,
    EP_SQL_OUTBOX_ACKED,
    EP_SQL_OUTBOX_DEL,
    EP_SQL_OUTBOX_LOST,
    EP_SQL_OUTBOX_RETRY,
    EP_SQL_OUTBOX_NUMBER,
    EP_SQL_OUTBOX_SHIFT,
    EP_SQL_DELIVERY_GET,
    EP_SQL_DELIVERY_PUT,
    EP_SQL_SEARCH_FEED,
    EP_SQL_SEARCH_FED,
    EP_SQL_SEARCH_FED_PUT,
    EP_SQL_VIEW_GET,
    EP_SQL_VIEW_DOWN,
    EP_SQL_VIEW_UP,
    EP_SQL_VIEW_ALL_DOWN,
    EP_SQL_VIEW_ALL_UP,
    EP_SQL_VIEW_SEARCH,
    EP_SQL_VIEW_POS,
    EP_SQL_VIEW_DAY,
    EP_SQL_VIEW_ALL_DAY,
    EP_SQL_VIEW_ENDS,
    EP_SQL_VIEW_ALL_ENDS,
    EP_SQL_VIEW_REACTIONS,
    EP_SQL_ROSTER_GET,
    EP_SQL_ROSTER_EACH,
    EP_SQL_ROSTER_PUT,
    EP_SQL_ROSTER_DEL,
    EP_SQL_ROSTER_UNSEE,
    EP_SQL_ROSTER_DEL_UNSEEN,
    EP_SQL_COUNT
} ep_sql;
extern const char *const ep_sql_text[EP_SQL_COUNT]; /* texts.c */

/* Parameters are given by a string of types: i int64_t, t const char * (NULL is null), b const void
 * * and size_t (never null). They are borrowed until the statement is done. */

/* Runs a statement that gives no rows. EPODE_EINVAL: it breaks a constraint, and changed
 * nothing. */
epode_status ep_sql_run(ep_store *s, ep_sql sql, const char *types, ...);
/* Runs a statement to its first row: EPODE_OK and *row, which stands on it until ep_sql_end; or
 * EPODE_DONE, ended. */
epode_status ep_sql_row(ep_store *s, sqlite3_stmt **row, ep_sql sql, const char *types, ...);
void ep_sql_end(sqlite3_stmt *row);
/* The first column of the first row. EPODE_DONE: no row. */
epode_status ep_sql_int(ep_store *s, int64_t *value, ep_sql sql, const char *types, ...);
/* For what is bound by hand: the statement, ready to be bound; then ep_sql_finish runs it to its end, or ends it where
 * rc says that binding failed. */
epode_status ep_sql_ready(ep_store *s, sqlite3_stmt **st, ep_sql sql);
epode_status ep_sql_finish(ep_store *s, sqlite3_stmt *st, int rc);
void ep_sql_finalize(ep_store *s);

/* Copies of rows, so that no statement stays open while somebody looks at them. */
typedef struct ep_rows {
    ep_buf cells;
    size_t count; /* rows */
    size_t at;    /* the next cell to read */
} ep_rows;
/* Replaces what is in rows by the row that the statement stands on and all that follow, and ends
 * it. */
epode_status ep_rows_take(ep_store *s, ep_rows *rows, sqlite3_stmt *row);
/* The next cell, in order: every cell of a row must be read. Text and blobs have a NUL behind
 * them. */
int64_t ep_rows_int(ep_rows *rows, bool *is_null);
const char *ep_rows_bytes(ep_rows *rows, size_t *len);
void ep_rows_free(ep_rows *rows);

#endif
