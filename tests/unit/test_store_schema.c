/* test_store_schema.c: what the statements do to a large store, and stores of earlier versions. */
#include "store_fixture.h"

static void no_statement_reads_all_messages(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < EP_SQL_COUNT; i++) {
        sqlite3_stmt *st = NULL;
        char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", ep_sql_text[i]);
        assert_int_equal(sqlite3_prepare_v2(f->s->db, sql, -1, &st, NULL), SQLITE_OK);
        while (sqlite3_step(st) == SQLITE_ROW) {
            const char *plan = (const char *)sqlite3_column_text(st, 3);
            const char *scan = strstr(plan, "SCAN ");
            bool big = scan && (!strncmp(scan + 5, "message", 7) || !strcmp(scan + 5, "m") ||
                                !strcmp(scan + 5, "t") || !strcmp(scan + 5, "e") ||
                                !strncmp(scan + 5, "conversation", 12));
            if (big)
                print_error("%s\n%s\n", ep_sql_text[i], plan);
            assert_false(big);
        }
        sqlite3_finalize(st);
        sqlite3_free(sql);
    }
}

static epode_status check_old(const ep_smq_row *row, void *user)
{
    assert_string_equal(row->xml, "<old/>");
    *(bool *)user = true;
    return EPODE_OK;
}

static void make_old(const char *path, int version)
{
    sqlite3 *raw;
    char sql[400];
    assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
    for (int i = 1; i <= version; i++)
        assert_int_equal(sqlite3_exec(raw, ep_migration_sql(i), NULL, NULL, NULL), SQLITE_OK);
    snprintf(sql, sizeof sql,
             "PRAGMA application_id = %d; PRAGMA user_version = %d;"
             "INSERT INTO smq (seq, kind, stamp_ms, stanza_id, xml) VALUES (1, 0, 5, 'a', x'3c6f6c642f3e');",
             EP_STORE_APPLICATION_ID, version);
    assert_int_equal(sqlite3_exec(raw, sql, NULL, NULL, NULL), SQLITE_OK);
    if (version > 1)
        assert_int_equal(sqlite3_exec(raw,
                                      "INSERT INTO archive (id, owner, kind, top_pos, end_pos) VALUES (1, '" ME
                                      "', 0, 5, 5); INSERT INTO message (archive, pos, place, kind, outgoing, groupchat,"
                                      " by_room, countable, state, time_ms, received_ms, body)"
                                      " VALUES (1, 5, 2, 0, 0, 0, 0, 0, 0, 1, 1, 'kept')",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
    sqlite3_close(raw);
}

static void a_store_of_an_earlier_version_goes_on(void **state)
{
    (void)state;
    for (int version = 1; version < ep_migration_newest(); version++) {
        char path[] = "/tmp/epode-old-XXXXXX";
        ep_store_options o = { .path = path, .boot_id = "boot", .now_ms = 1000 };
        ep_store *s;
        bool seen = false;
        close(mkstemp(path));
        make_old(path, version);
        assert_ok(ep_store_open(&s, &o, NULL));
        assert_ok(ep_store_smq_each(s, check_old, &seen));
        assert_true(seen);
        assert_int_equal(query_int(s, "SELECT count(*) FROM message WHERE body = 'kept'"), version > 1);
        assert_int_equal(query_int(s, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
        assert_int_equal(query_int(s, "PRAGMA user_version"), ep_migration_newest());
        /* What is edited while a store is migrated is safe afterwards. */
        assert_int_equal(sqlite3_exec(s->db, "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema", NULL, NULL, NULL),
                         SQLITE_ERROR);
        ep_store_close(s);
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(no_statement_reads_all_messages),
        TEST(a_store_of_an_earlier_version_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
