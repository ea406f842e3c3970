/* store_help.h: what the tests of the archive share: messages from a few words, and pages of them.
 */
#ifndef STORE_HELP_H
#define STORE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/archive.h"
#include "store/conversation.h"
#include "store/cursor.h"
#include "store/internal.h"
#include "store/outbox.h"
#include "store/page.h"
#include "store/search.h"
#include "store/sm.h"
#include "store/span.h"

#define ME   "me@example.org"
#define JOAN "joan@example.org"

#define assert_ok(call) assert_int_equal((call), EPODE_OK)

static inline ep_msg text_from(const char *peer, const char *archive_id, const char *id,
                               const char *body)
{
    return (ep_msg){ .archive_id = archive_id,
                     .peer = peer,
                     .from = peer,
                     .to = ME,
                     .type = "chat",
                     .id = id,
                     .body = body,
                     .time_ms = 1000,
                     .xml = "<message/>",
                     .len = 10 };
}

static inline ep_msg text_to(const char *peer, const char *archive_id, const char *id,
                             const char *body)
{
    ep_msg m = text_from(peer, archive_id, id, body);
    m.from = ME "/x";
    m.to = peer;
    m.outgoing = true;
    m.origin_id = id;
    return m;
}

/* The first column of the first row, by a statement of the test's own. */
static inline int64_t query_int(ep_store *s, const char *fmt, ...)
{
    char sql[600];
    sqlite3_stmt *st = NULL;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(sql, sizeof sql, fmt, ap);
    va_end(ap);
    assert_int_equal(sqlite3_prepare_v2(s->db, sql, -1, &st, NULL), SQLITE_OK);
    int64_t n = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
    sqlite3_finalize(st);
    return n;
}

#endif
