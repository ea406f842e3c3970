/* test_store_roster.c: the contacts, and what is said to have changed of them. */
#include "store_help.h"

#include "store/facts.h"
#include "store/roster.h"

static int setup(void **state)
{
    ep_store_options o = { .boot_id = "boot", .now_ms = 1000 };
    return ep_store_open((ep_store **)state, &o, NULL) == EPODE_OK ? 0 : -1;
}

static int teardown(void **state)
{
    ep_store_close(*state);
    return 0;
}

static unsigned put(ep_store *s, const char *jid, const char *name, unsigned subscription, const char *groups)
{
    ep_contact c = { .jid = jid, .name = name, .subscription = subscription, .groups = groups };
    unsigned changed = 0;
    assert_ok(ep_roster_put(s, &c, &changed));
    return changed;
}

static epode_status append(const ep_contact *c, void *user)
{
    char *out = user;
    sprintf(out + strlen(out), "%s,%s,%u,%d%d,%s;", c->jid, c->name ? c->name : "-", c->subscription, c->ask,
            c->approved, c->groups);
    return EPODE_OK;
}

static void assert_roster(ep_store *s, size_t batch, const char *expected)
{
    char text[2000] = "", last[200] = "";
    epode_status st = EPODE_OK;
    for (int i = 0; st == EPODE_OK && i < 100; i++) {
        char part[1000] = "";
        st = ep_roster_list(s, *last ? last : NULL, batch, append, part);
        for (char *p = part; *p; p = strchr(p, ';') + 1)
            snprintf(last, sizeof last, "%.*s", (int)strcspn(p, ","), p);
        strcat(text, part);
    }
    assert_int_equal(st, EPODE_DONE);
    assert_string_equal(text, expected);
}

static void a_change_says_what_it_changed(void **state)
{
    ep_store *s = *state;
    unsigned changed;
    assert_int_equal(put(s, "bob@x", "Bob", EP_ROSTER_TO, "a\x1f" "b"), EP_CONTACT_ADDED);
    assert_int_equal(put(s, "bob@x", "Bob", EP_ROSTER_TO, "a\x1f" "b"), 0);
    assert_int_equal(put(s, "bob@x", "Bobby", EP_ROSTER_TO, "a\x1f" "b"), EP_CONTACT_NAME);
    assert_int_equal(put(s, "bob@x", NULL, EP_ROSTER_TO | EP_ROSTER_FROM, ""),
                     EP_CONTACT_NAME | EP_CONTACT_SUBSCRIPTION | EP_CONTACT_GROUPS);
    ep_contact c = { .jid = "bob@x", .subscription = 3, .ask = true, .approved = true, .groups = "" };
    assert_ok(ep_roster_put(s, &c, &changed));
    assert_int_equal(changed, EP_CONTACT_ASK | EP_CONTACT_APPROVED);
    assert_roster(s, 50, "bob@x,-,3,11,;");
    assert_ok(ep_roster_del(s, "bob@x"));
    assert_int_equal(ep_roster_del(s, "bob@x"), EPODE_DONE);
    assert_roster(s, 50, "");
}

static void contacts_are_read_in_order_and_in_batches(void **state)
{
    ep_store *s = *state;
    for (int i = 9; i >= 1; i--) {
        char jid[8];
        snprintf(jid, sizeof jid, "%d@x", i);
        put(s, jid, NULL, 0, "");
    }
    const char *all = "1@x,-,0,00,;2@x,-,0,00,;3@x,-,0,00,;4@x,-,0,00,;5@x,-,0,00,;6@x,-,0,00,;7@x,-,0,00,;"
                      "8@x,-,0,00,;9@x,-,0,00,;";
    for (size_t batch = 1; batch <= 10; batch++)
        assert_roster(s, batch, all);
    char one[100] = "";
    assert_ok(ep_roster_get(s, "5@x", append, one));
    assert_string_equal(one, "5@x,-,0,00,;");
    assert_int_equal(ep_roster_get(s, "0@x", append, one), EPODE_DONE);
}

static epode_status note(const char *jid, void *user)
{
    strcat(strcat(user, jid), ";");
    return EPODE_OK;
}

static void who_is_not_in_a_whole_roster_goes(void **state)
{
    ep_store *s = *state;
    char gone[200] = "";
    put(s, "a@x", NULL, 0, "");
    put(s, "b@x", "B", 3, "g");
    put(s, "c@x", NULL, 0, "");
    assert_ok(ep_store_begin(s));
    assert_ok(ep_roster_begin(s));
    assert_int_equal(put(s, "b@x", "B", 3, "g"), 0);
    assert_int_equal(put(s, "d@x", NULL, 0, ""), EP_CONTACT_ADDED);
    assert_ok(ep_roster_end(s, note, gone));
    assert_ok(ep_store_commit(s, false));
    assert_roster(s, 50, "b@x,B,3,00,g;d@x,-,0,00,;");
    assert_true(strstr(gone, "a@x;") && strstr(gone, "c@x;") && strlen(gone) == 8);
    /* An empty one empties it. */
    assert_ok(ep_roster_begin(s));
    assert_ok(ep_roster_end(s, note, gone));
    assert_roster(s, 50, "");
}

static void a_roster_that_is_cut_in_its_middle_changes_nothing(void **state)
{
    ep_store *s = *state;
    put(s, "a@x", NULL, 0, "");
    assert_ok(ep_store_fact_put(s, EP_FACT_ROSTER_VER, "", "1", 1, 0));
    assert_ok(ep_store_begin(s));
    assert_ok(ep_roster_begin(s));
    put(s, "b@x", NULL, 0, "");
    assert_ok(ep_store_fact_put(s, EP_FACT_ROSTER_VER, "", "2", 1, 0));
    ep_store_rollback(s);
    assert_roster(s, 50, "a@x,-,0,00,;");
    assert_int_equal(query_int(s, "SELECT data = x'31' FROM fact WHERE kind = 'roster-ver'"), 1);
}

static void a_store_of_the_second_version_gets_a_roster(void **state)
{
    char path[] = "/tmp/epode-v2-XXXXXX", sql[200];
    ep_store_options o = { .path = path, .boot_id = "boot", .now_ms = 1000 };
    sqlite3 *raw;
    ep_store *s;
    (void)state;
    close(mkstemp(path));
    assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
    for (int i = 1; i <= 2; i++)
        assert_int_equal(sqlite3_exec(raw, ep_migration_sql(i), NULL, NULL, NULL), SQLITE_OK);
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = 2;"
             "INSERT INTO fact VALUES ('account-disco', 'a@x', CAST('archive-ids' AS BLOB), 0);",
             EP_STORE_APPLICATION_ID);
    assert_int_equal(sqlite3_exec(raw, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(raw);
    assert_ok(ep_store_open(&s, &o, NULL));
    assert_int_equal(put(s, "bob@x", "Bob", 0, ""), EP_CONTACT_ADDED);
    assert_int_equal(query_int(s, "SELECT count(*) FROM fact"), 1);
    assert_int_equal(query_int(s, "PRAGMA user_version"), ep_migration_newest());
    ep_store_close(s);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_change_says_what_it_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(contacts_are_read_in_order_and_in_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_not_in_a_whole_roster_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_roster_that_is_cut_in_its_middle_changes_nothing, setup, teardown),
        cmocka_unit_test(a_store_of_the_second_version_gets_a_roster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
