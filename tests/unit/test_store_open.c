/* test_store_open.c: what may be opened, by whom, and what is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/facts.h"
#include "store/store.h"

static char dir[64], path[128];

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/epode-open-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/store.db", dir);
    return 0;
}

static void remove_store(void)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
    char name[160];
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

static int teardown(void **state)
{
    (void)state;
    remove_store();
    return rmdir(dir);
}

/* The only process that runs, of those that were asked for. */
static int64_t living;

static bool is_living(int64_t pid, uint64_t start, void *user)
{
    (void)user;
    return pid == living && start == 77;
}

static ep_store_options options(int64_t pid)
{
    return (ep_store_options){ .path = path,
                               .boot_id = "boot",
                               .pid_ns = "ns",
                               .pid = pid,
                               .pid_start = 77,
                               .now_ms = 1000000,
                               .alive = is_living };
}

static epode_status open_status(const ep_store_options *o)
{
    ep_store *s;
    ep_error e = { 0 };
    epode_status status = ep_store_open(&s, o, &e);
    if (status != EPODE_OK) {
        assert_null(s);
        assert_int_equal(epode_error_status(&e), status);
        assert_true(e.text[0]);
        assert_null(strstr(e.text, dir));
    }
    ep_store_close(s);
    return status;
}

static ep_store *must_open(const ep_store_options *o)
{
    ep_store *s;
    assert_int_equal(ep_store_open(&s, o, NULL), EPODE_OK);
    return s;
}

static char *slurp(size_t *len)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *data = calloc(1, 1 << 20);
    *len = fread(data, 1, 1 << 20, f);
    fclose(f);
    return data;
}

static void spit(const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
}

/* Opening gives the status, for writing and for reading, and not a byte changes. */
static void assert_refused(epode_status expected)
{
    size_t before_len, after_len;
    char *before = slurp(&before_len);
    ep_store_options o = options(1);
    assert_int_equal(open_status(&o), expected);
    o.flags = EP_STORE_READONLY;
    assert_int_equal(open_status(&o), expected);
    char *after = slurp(&after_len);
    assert_int_equal(before_len, after_len);
    assert_memory_equal(before, after, before_len);
    free(before);
    free(after);
}

static void sql(const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void make_store(void)
{
    ep_store_options o = options(1);
    ep_store *s = must_open(&o);
    for (int i = 0; i < 100; i++)
        assert_int_equal(ep_store_fact_put(s, EP_FACT_DISCO, "", path, sizeof path, i), EPODE_OK);
    ep_store_close(s);
}

static void the_file_is_its_owners_only(void **state)
{
    struct stat st;
    char wal[160];
    (void)state;
    mode_t before = umask(0);
    ep_store_options o = options(1);
    ep_store *s = must_open(&o);
    umask(before);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    for (int i = 0; i < 2; i++) {
        snprintf(wal, sizeof wal, "%s%s", path, i ? "-wal" : "-shm");
        assert_int_equal(stat(wal, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    ep_store_close(s);
    assert_int_equal(access(wal, F_OK), -1);
}

static void a_directory_that_is_missing_is_said(void **state)
{
    ep_store_options o = options(1);
    (void)state;
    o.path = "/nonexistent-directory/store.db";
    assert_int_equal(open_status(&o), EPODE_ESTORE);
    o.flags = EP_STORE_READONLY;
    assert_int_equal(open_status(&o), EPODE_ESTORE);
    o.path = "";
    assert_int_equal(open_status(&o), EPODE_EINVAL);
}

static void a_reader_creates_nothing(void **state)
{
    ep_store_options o = options(1);
    (void)state;
    o.flags = EP_STORE_READONLY;
    assert_int_equal(open_status(&o), EPODE_ESTORE);
    assert_int_equal(access(path, F_OK), -1);
}

static void an_empty_file_becomes_a_store(void **state)
{
    ep_store_options o = options(1);
    (void)state;
    spit("", 0);
    assert_int_equal(open_status(&o), EPODE_OK);
}

static void a_text_file_is_left_alone(void **state)
{
    char text[5000];
    (void)state;
    memset(text, 'x', sizeof text);
    spit(text, 20);
    assert_refused(EPODE_ESTORE_CORRUPT);
    spit(text, sizeof text);
    assert_refused(EPODE_ESTORE_CORRUPT);
}

static void another_programs_database_is_left_alone(void **state)
{
    (void)state;
    sql("PRAGMA journal_mode = WAL; CREATE TABLE t (x); PRAGMA user_version = 1");
    assert_refused(EPODE_ESTORE_CORRUPT);
    sql("PRAGMA application_id = 12345");
    assert_refused(EPODE_ESTORE_CORRUPT);
}

static void a_newer_version_is_left_alone(void **state)
{
    (void)state;
    make_store();
    sql("PRAGMA user_version = 1000");
    assert_refused(EPODE_ESTORE_NEWER);
}

static void a_truncated_store_is_left_alone(void **state)
{
    size_t len;
    (void)state;
    make_store();
    char *data = slurp(&len);
    spit(data, len / 2);
    assert_refused(EPODE_ESTORE_CORRUPT);
    spit(data, 50);
    assert_refused(EPODE_ESTORE_CORRUPT);
    free(data);
}

static void damage_that_is_met_later_is_said(void **state)
{
    size_t len;
    (void)state;
    make_store();
    char *data = slurp(&len);
    memset(data + 4096, 0x5a, len - 4096);
    spit(data, len);
    free(data);
    assert_refused(EPODE_ESTORE_CORRUPT);
}

static epode_status use(ep_store *s)
{
    ep_buf out = EP_BUF_INIT;
    epode_status status = ep_store_fact_get(s, EP_FACT_DISCO, "", &out, NULL);
    if (status >= 0)
        status = ep_store_fact_put(s, EP_FACT_DISCO, "", "x", 1, 0);
    if (status >= 0)
        status = ep_store_fact_put(s, EP_FACT_HABIT, "", "x", 1, 0);
    ep_buf_free(&out);
    return status;
}

static void any_damage_is_said_or_does_no_harm(void **state)
{
    size_t len;
    unsigned seed = 1, refused = 0;
    (void)state;
    make_store();
    char *data = slurp(&len);
    char *damaged = malloc(len);
    for (int i = 0; i < 400; i++) {
        ep_store_options o = options(1);
        ep_store *s;
        memcpy(damaged, data, len);
        for (int j = 0; j < 24; j++)
            damaged[rand_r(&seed) % len] = (char)rand_r(&seed);
        remove_store();
        spit(damaged, len);
        ep_error e = { 0 };
        epode_status status = ep_store_open(&s, &o, &e);
        if (status == EPODE_OK && (status = use(s)) < 0)
            e = *ep_store_error(s);
        ep_store_close(s);
        refused += status != EPODE_OK;
        assert_true(status == EPODE_OK || (status <= EPODE_ESTORE && e.text[0]));
    }
    assert_true(refused > 20);
    free(data);
    free(damaged);
}

static void a_second_owner_in_this_process_is_refused(void **state)
{
    ep_store_options o = options(1);
    (void)state;
    living = 1;
    ep_store *s = must_open(&o);
    assert_int_equal(open_status(&o), EPODE_EBUSY);
    assert_int_equal(ep_store_fact_put(s, EP_FACT_HABIT, "", "1", 1, 0), EPODE_OK);
    ep_store_close(s);
    assert_int_equal(open_status(&o), EPODE_OK);
}

typedef struct lease_case {
    const char *what, *boot_id, *pid_ns;
    int64_t living, silence_ms;
    bool no_alive;
    epode_status expected;
} lease_case;

static const lease_case lease_cases[] = {
    { "owner lives", "boot", "ns", 1, 0, false, EPODE_EBUSY },
    { "owner lives and is silent", "boot", "ns", 1, 999999, false, EPODE_EBUSY },
    { "owner is dead", "boot", "ns", 0, 0, false, EPODE_OK },
    { "other boot", "boot2", "ns", 1, 0, false, EPODE_OK },
    { "other namespace, fresh", "boot", "ns2", 0, 119000, false, EPODE_EBUSY },
    { "other namespace, silent", "boot", "ns2", 1, 121000, false, EPODE_OK },
    { "other namespace, from the future", "boot", "ns2", 1, -121000, false, EPODE_OK },
    { "nobody to ask, fresh", "boot", "ns", 0, 0, true, EPODE_EBUSY },
    { "nobody to ask, silent", "boot", "ns", 0, 121000, true, EPODE_OK },
    { "boot unknown, owner lives", NULL, "ns", 1, 0, false, EPODE_EBUSY },
};

static void a_lease_is_taken_over_only_when_stale(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lease_cases / sizeof *lease_cases; i++) {
        const lease_case *c = &lease_cases[i];
        ep_store_options o = options(1), other = options(2);
        ep_store *t;
        ep_store *s = must_open(&o);
        other.boot_id = c->boot_id;
        other.pid_ns = c->pid_ns;
        other.now_ms += c->silence_ms;
        living = c->living;
        if (c->no_alive)
            other.alive = NULL;
        epode_status status = ep_store_open(&t, &other, NULL);
        if (status != c->expected)
            print_error("%s\n", c->what);
        assert_int_equal(status, c->expected);
        ep_store_close(t);
        ep_store_close(s);
    }
}

static void an_owner_that_was_taken_over_writes_no_more(void **state)
{
    ep_store_options o = options(1), other = options(2);
    ep_buf out = EP_BUF_INIT;
    (void)state;
    ep_store *s = must_open(&o);
    assert_int_equal(ep_store_fact_put(s, EP_FACT_HABIT, "", "1", 1, 0), EPODE_OK);
    living = 2;
    ep_store *t = must_open(&other);
    assert_false(ep_store_lease_lost(s));
    assert_int_equal(ep_store_begin(s), EPODE_OK);
    assert_int_equal(ep_store_fact_put(s, EP_FACT_HABIT, "", "2", 1, 0), EPODE_EBUSY);
    assert_int_equal(ep_store_commit(s, true), EPODE_EBUSY);
    assert_true(ep_store_lease_lost(s));
    assert_int_equal(ep_store_fact_get(s, EP_FACT_HABIT, "", &out, NULL), EPODE_OK);
    assert_string_equal(ep_buf_cstr(&out), "1");
    ep_buf_free(&out);
    ep_store_close(s);
    /* The new owner's lease outlives the old one's end. */
    assert_int_equal(open_status(&o), EPODE_EBUSY);
    assert_int_equal(ep_store_fact_put(t, EP_FACT_HABIT, "", "3", 1, 0), EPODE_OK);
    ep_store_close(t);
}

static void the_heartbeat_rides_in_a_transaction(void **state)
{
    ep_store_options o = options(1), other = options(2);
    (void)state;
    ep_store *s = must_open(&o);
    ep_store_heartbeat(s, o.now_ms + 100000);
    assert_int_equal(ep_store_fact_put(s, EP_FACT_HABIT, "", "1", 1, 0), EPODE_OK);
    other.pid_ns = "ns2";
    other.now_ms += 121000;
    assert_int_equal(open_status(&other), EPODE_EBUSY);
    ep_store_close(s);
}

static void a_killed_process_is_taken_over_at_once(void **state)
{
    ep_store_options o = options(1), other = options(2);
    int status;
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        ep_store *s;
        if (ep_store_open(&s, &o, NULL) != EPODE_OK)
            _exit(1);
        ep_store_fact_put(s, EP_FACT_HABIT, "", "1", 1, 0);
        ep_store_begin(s);
        ep_store_fact_put(s, EP_FACT_HABIT, "", "2", 1, 0);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    living = 2;
    ep_store *s = must_open(&other);
    ep_buf out = EP_BUF_INIT;
    assert_int_equal(ep_store_fact_get(s, EP_FACT_HABIT, "", &out, NULL), EPODE_OK);
    assert_string_equal(ep_buf_cstr(&out), "1");
    ep_buf_free(&out);
    ep_store_close(s);
}

static void readers_come_and_go_beside_the_owner(void **state)
{
    ep_store_options o = options(1), reader = options(2);
    ep_buf out = EP_BUF_INIT;
    (void)state;
    living = 1;
    reader.flags = EP_STORE_READONLY;
    ep_store *s = must_open(&o);
    ep_store *r = must_open(&reader);
    assert_int_equal(ep_store_begin(s), EPODE_OK);
    assert_int_equal(ep_store_fact_put(s, EP_FACT_HABIT, "", "1", 1, 0), EPODE_OK);
    assert_int_equal(ep_store_fact_get(r, EP_FACT_HABIT, "", &out, NULL), EPODE_DONE);
    assert_int_equal(ep_store_commit(s, true), EPODE_OK);
    assert_int_equal(ep_store_fact_get(r, EP_FACT_HABIT, "", &out, NULL), EPODE_OK);
    assert_int_equal(ep_store_fact_put(r, EP_FACT_HABIT, "", "2", 1, 0), EPODE_ESTATE);
    assert_int_equal(ep_store_begin(r), EPODE_ESTATE);
    ep_store_close(s);
    assert_int_equal(ep_store_fact_get(r, EP_FACT_HABIT, "", &out, NULL), EPODE_OK);
    ep_store_close(r);
    assert_int_equal(open_status(&reader), EPODE_OK);
    ep_buf_free(&out);
}

static void a_lock_held_elsewhere_is_not_waited_for(void **state)
{
    ep_store_options o = options(1);
    sqlite3 *db;
    (void)state;
    ep_store *s = must_open(&o);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(ep_store_fact_put(s, EP_FACT_HABIT, "", "1", 1, 0), EPODE_EBUSY);
    assert_int_equal(epode_error_native(ep_store_error(s)) & 0xff, SQLITE_BUSY);
    assert_false(ep_store_lease_lost(s));
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(ep_store_fact_put(s, EP_FACT_HABIT, "", "1", 1, 0), EPODE_OK);
    sqlite3_close(db);
    ep_store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(the_file_is_its_owners_only),
        TEST(a_directory_that_is_missing_is_said),
        TEST(a_reader_creates_nothing),
        TEST(an_empty_file_becomes_a_store),
        TEST(a_text_file_is_left_alone),
        TEST(another_programs_database_is_left_alone),
        TEST(a_newer_version_is_left_alone),
        TEST(a_truncated_store_is_left_alone),
        TEST(damage_that_is_met_later_is_said),
        TEST(any_damage_is_said_or_does_no_harm),
        TEST(a_second_owner_in_this_process_is_refused),
        TEST(a_lease_is_taken_over_only_when_stale),
        TEST(an_owner_that_was_taken_over_writes_no_more),
        TEST(the_heartbeat_rides_in_a_transaction),
        TEST(a_killed_process_is_taken_over_at_once),
        TEST(readers_come_and_go_beside_the_owner),
        TEST(a_lock_held_elsewhere_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
