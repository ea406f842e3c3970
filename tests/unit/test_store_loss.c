/* test_store_loss.c: what survives power loss, full disks and failed allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/facts.h"
#include "store/inbox.h"
#include "store/internal.h"
#include "store/secrets.h"
#include "store/sm.h"
#include "vfs_loss.h"

static char dir[64], path[128], image[128];

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/epode-loss-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/store.db", dir);
    snprintf(image, sizeof image, "%s/image.db", dir);
    vfs_loss_reset();
    vfs_loss_watch(path);
    return 0;
}

static void remove_db(const char *db)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
    char name[160];
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s%s", db, suffixes[i]);
        unlink(name);
    }
}

static int teardown(void **state)
{
    (void)state;
    ep_alloc_fail_at(0, 0);
    vfs_loss_reset();
    remove_db(path);
    remove_db(image);
    return rmdir(dir);
}

static epode_status open_at(ep_store **s, const char *db, const char *boot_id, unsigned flags)
{
    ep_store_options o = {
        .path = db, .vfs = VFS_LOSS_NAME, .boot_id = boot_id, .flags = flags, .now_ms = 1000
    };
    return ep_store_open(s, &o, NULL);
}

/* What the store has confirmed so far. */
typedef struct promises {
    int64_t inbox;   /* rows durably committed */
    uint32_t h;      /* the largest h_durable seen */
    uint64_t counts; /* all below were given */
    bool sm;         /* the session was durably committed */
    unsigned images;
    unsigned survived_more; /* images with rows that nobody promised */
} promises;

static epode_status check_row(const ep_inbox_row *row, void *user)
{
    int64_t *n = user;
    char expected[32];
    ++*n;
    snprintf(expected, sizeof expected, "<m n='%d'/>", (int)*n);
    assert_int_equal(row->seq, *n);
    assert_int_equal(row->h, *n);
    assert_string_equal(row->xml, expected);
    return EPODE_OK;
}

static void check_integrity(const char *db)
{
    sqlite3 *raw;
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_open_v2(db, &raw, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(raw, "PRAGMA integrity_check", -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(st, 0), "ok");
    sqlite3_finalize(st);
    sqlite3_close(raw);
}

static void check_session(ep_store *s, promises *p, int64_t rows)
{
    ep_sm_state sm;
    epode_status status = ep_store_sm_get(s, &sm, NULL);
    assert_true(status == EPODE_OK || (status == EPODE_DONE && !p->sm));
    /* The counter and the rows it counts are one commit. */
    assert_int_equal(sm.h_in, rows);
    assert_true(sm.h_in >= p->h);
    ep_sm_state_free(&sm);
}

static void check_image(promises *p, unsigned seed)
{
    ep_store *s;
    int64_t rows = 0;
    uint64_t first = 0;
    vfs_loss_image(image, seed);
    epode_status status = open_at(&s, image, "boot", EP_STORE_READONLY);
    if (status == EPODE_OK) {
        assert_int_equal(ep_store_inbox_each(s, 0, 1000, check_row, &rows), EPODE_DONE);
        check_session(s, p, rows);
        ep_store_close(s);
    } else {
        /* Not created yet. */
        assert_false(p->sm || p->inbox || p->counts);
    }
    assert_true(rows >= p->inbox);
    p->survived_more += rows > p->inbox;
    assert_int_equal(open_at(&s, image, "another boot", 0), EPODE_OK);
    assert_int_equal(ep_store_h_durable(s), 0);
    assert_int_equal(ep_store_reserve_counts(s, 1, &first), EPODE_OK);
    assert_true(first >= p->counts);
    ep_store_close(s);
    check_integrity(image);
    p->images++;
}

static void on_event(void *user)
{
    for (unsigned seed = 0; seed < 3; seed++)
        check_image(user, seed);
}

static void add(ep_store *s, int n)
{
    char xml[32], id[16];
    snprintf(xml, sizeof xml, "<m n='%d'/>", n);
    snprintf(id, sizeof id, "id%d", n);
    ep_inbox_row row = { .owner = "me@example.org",
                         .archive_id = id,
                         .h = (uint32_t)n,
                         .has_h = true,
                         .xml = xml,
                         .len = strlen(xml) };
    assert_int_equal(ep_store_inbox_add(s, &row, NULL), EPODE_OK);
}

/* What a client does: several stanzas per transaction, every third commit durable. */
static int work(ep_store *s, promises *p, int from, int transactions)
{
    int n = from;
    for (int i = 0; i < transactions; i++) {
        uint64_t first;
        bool durable = i % 3 == 2;
        assert_int_equal(ep_store_begin(s), EPODE_OK);
        add(s, ++n);
        add(s, ++n);
        assert_int_equal(ep_store_commit(s, durable), EPODE_OK);
        if (durable)
            p->inbox = n;
        assert_true(ep_store_h_durable(s) <= (uint32_t)p->inbox);
        p->h = ep_store_h_durable(s);
        assert_int_equal(ep_store_h_committed(s), n);
        if (i % 4 == 1) {
            assert_int_equal(ep_store_reserve_counts(s, 8, &first), EPODE_OK);
            assert_true(first >= p->counts);
            p->counts = first + 8;
            p->inbox = n;
        }
    }
    return n;
}

static void put_session(ep_store *s, promises *p)
{
    ep_sm_state sm = { .previd = (char[]){ "resume-me" } };
    assert_int_equal(ep_store_begin(s), EPODE_OK);
    assert_int_equal(ep_store_sm_put(s, &sm), EPODE_OK);
    assert_int_equal(ep_store_commit(s, true), EPODE_OK);
    p->sm = true;
}

static void durable_rows_survive_power_loss_at_any_point(void **state)
{
    promises p = { 0 };
    ep_store *s;
    (void)state;
    vfs_loss_on_event(on_event, &p);
    assert_int_equal(open_at(&s, path, "boot", 0), EPODE_OK);
    put_session(s, &p);
    int n = work(s, &p, 0, 12);
    vfs_loss_on_event(NULL, NULL);
    /* Large enough for a checkpoint that starts the WAL anew. */
    for (int i = 0; i < 200; i++)
        assert_int_equal(ep_store_fact_put(s, EP_FACT_DISCO, "", path, sizeof path, i), EPODE_OK);
    vfs_loss_on_event(on_event, &p);
    assert_int_equal(ep_store_idle(s), EPODE_OK);
    n = work(s, &p, n, 6);
    ep_store_close(s);
    p.inbox = n;
    assert_int_equal(open_at(&s, path, "boot", 0), EPODE_OK);
    assert_int_equal(ep_store_h_durable(s), n);
    work(s, &p, n, 4);
    ep_store_close(s);
    assert_true(p.images > 300);
    assert_true(p.survived_more > 0);
}

static bool nobody_lives(int64_t pid, uint64_t start, void *user)
{
    (void)pid;
    (void)start;
    (void)user;
    return false;
}

static void what_a_killed_owner_left_is_synced_before_it_counts_as_durable(void **state)
{
    promises p = { 0 };
    ep_store *killed, *s;
    (void)state;
    assert_int_equal(open_at(&killed, path, "boot", 0), EPODE_OK);
    put_session(killed, &p);
    add(killed, 1);
    assert_int_equal(ep_store_h_durable(killed), 0);
    unsigned long before = vfs_loss_syncs();
    ep_store_options o = {
        .path = path, .vfs = VFS_LOSS_NAME, .boot_id = "boot", .now_ms = 1000, .alive = nobody_lives
    };
    assert_int_equal(ep_store_open(&s, &o, NULL), EPODE_OK);
    assert_int_equal(vfs_loss_syncs(), before + 1);
    assert_int_equal(ep_store_h_durable(s), 1);
    p.inbox = p.h = 1;
    check_image(&p, 0);
    ep_store_close(s);
    ep_store_close(killed);
}

static void what_a_good_close_left_is_durable_even_if_a_reader_hinders_the_checkpoint(void **state)
{
    promises p = { 0 };
    ep_store *s;
    sqlite3 *reader;
    (void)state;
    assert_int_equal(open_at(&s, path, "boot", 0), EPODE_OK);
    put_session(s, &p);
    assert_int_equal(ep_store_checkpoint(s, SQLITE_CHECKPOINT_TRUNCATE), EPODE_OK);
    assert_int_equal(sqlite3_open_v2(path, &reader, SQLITE_OPEN_READONLY, VFS_LOSS_NAME),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT * FROM sm", NULL, NULL, NULL), SQLITE_OK);
    add(s, 1);
    ep_store_close(s);
    assert_int_equal(open_at(&s, path, "boot", 0), EPODE_OK);
    assert_int_equal(ep_store_h_durable(s), 1);
    p.inbox = p.h = 1;
    check_image(&p, 0);
    sqlite3_close(reader);
    ep_store_close(s);
}

static void kill_at(uint64_t number, bool after, void *user)
{
    const uint64_t *k = user;
    if (number == (*k + 1) / 2 && after == (*k % 2 == 0))
        kill(getpid(), SIGKILL);
}

/* A child that is killed at the k-th end of a commit; false: it ran to its end. */
static bool killed_at(uint64_t k)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        promises p = { 0 };
        ep_store *s;
        if (open_at(&s, path, "boot", 0) != EPODE_OK)
            _exit(1);
        ep_store_on_commit(s, kill_at, &k);
        put_session(s, &p);
        work(s, &p, 0, 6);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void a_kill_at_any_commit_leaves_whole_transactions(void **state)
{
    uint64_t k = 1;
    int64_t most = 0;
    (void)state;
    vfs_loss_reset();
    for (; killed_at(k); k++) {
        promises p = { 0 };
        ep_store *s;
        int64_t rows = 0;
        ep_store_options o = { .path = path,
                               .vfs = VFS_LOSS_NAME,
                               .boot_id = "boot",
                               .now_ms = 1000,
                               .alive = nobody_lives };
        assert_int_equal(ep_store_open(&s, &o, NULL), EPODE_OK);
        assert_int_equal(ep_store_inbox_each(s, 0, 1000, check_row, &rows), EPODE_DONE);
        check_session(s, &p, rows);
        assert_int_equal(rows % 2, 0);
        assert_true(rows >= most);
        most = rows;
        ep_store_close(s);
        remove_db(path);
    }
    assert_true(k > 20);
    assert_int_equal(most, 12);
}

static void a_normal_commit_syncs_nothing_and_a_durable_one_once(void **state)
{
    ep_store *s;
    ep_store_stats stats;
    (void)state;
    assert_int_equal(open_at(&s, path, "boot", 0), EPODE_OK);
    assert_int_equal(ep_store_fact_put(s, EP_FACT_HABIT, "a", "1", 1, 0), EPODE_OK);
    assert_int_equal(ep_store_commit(s, true), EPODE_OK);
    unsigned long before = vfs_loss_syncs();
    for (int i = 0; i < 10; i++)
        assert_int_equal(ep_store_fact_put(s, EP_FACT_HABIT, "a", "1", 1, i), EPODE_OK);
    assert_int_equal(vfs_loss_syncs(), before);
    assert_int_equal(ep_store_commit(s, true), EPODE_OK);
    assert_int_equal(vfs_loss_syncs(), before + 1);
    /* Nothing new: nothing to pay. */
    assert_int_equal(ep_store_commit(s, true), EPODE_OK);
    assert_int_equal(vfs_loss_syncs(), before + 1);
    ep_store_stats_get(s, &stats);
    assert_int_equal(stats.durable_commits, 2);
    ep_store_close(s);
    /* A start after a good stop pays none. */
    before = vfs_loss_syncs();
    assert_int_equal(open_at(&s, path, "boot", 0), EPODE_OK);
    assert_true(vfs_loss_syncs() <= before + 1); /* the new WAL's header */
    ep_store_close(s);
}

/* Runs the whole life; what was promised must be there afterwards, whatever failed meanwhile. */
static epode_status life(int64_t *promised)
{
    ep_store *s;
    ep_sm_state sm = { .previd = (char[]){ "resume-me" } };
    ep_inbox_row row = { .owner = "me@example.org", .has_h = true, .xml = "<m/>", .len = 4 };
    epode_status status = open_at(&s, path, "boot", 0);
    if (status != EPODE_OK)
        return status;
    epode_status first = ep_store_sm_put(s, &sm);
    for (uint32_t i = 0; i < 6; i++) {
        row.h = i + 1;
        status = ep_store_begin(s);
        assert_int_equal(status, EPODE_OK);
        status = ep_store_inbox_add(s, &row, NULL);
        epode_status committed = ep_store_commit(s, i % 2);
        /* A failed write spoils its transaction, unless it changed nothing. */
        assert_true(status == EPODE_OK || status == EPODE_ESTATE || committed < 0);
        status = status < 0 ? status : committed;
        uint64_t count;
        if (status == EPODE_OK && i % 2 && ep_store_inbox_count(s, &count) == EPODE_OK)
            *promised = (int64_t)count;
        if (first == EPODE_OK)
            first = status;
    }
    if (first < 0)
        assert_true(ep_store_error(s)->text[0]);
    ep_store_close(s);
    return first;
}

static void check_life(int64_t promised)
{
    ep_store *s;
    uint64_t count;
    ep_store_options o = {
        .path = path, .vfs = VFS_LOSS_NAME, .boot_id = "boot", .now_ms = 1000, .alive = nobody_lives
    };
    assert_int_equal(ep_store_open(&s, &o, NULL), EPODE_OK);
    assert_int_equal(ep_store_inbox_count(s, &count), EPODE_OK);
    assert_true((int64_t)count >= promised);
    assert_int_equal(ep_store_fact_put(s, EP_FACT_HABIT, "a", "1", 1, 0), EPODE_OK);
    ep_store_close(s);
    check_integrity(path);
}

static void fail_every_write(int rc, epode_status expected, int sticky)
{
    unsigned long k, failures = 0;
    for (k = 1; k < 2000; k++) {
        int64_t promised = 0;
        remove_db(path);
        vfs_loss_reset();
        vfs_loss_watch(path);
        vfs_loss_fail_write(k, rc, sticky);
        epode_status status = life(&promised);
        bool hit = vfs_loss_writes() >= k - 1 && status != EPODE_OK;
        vfs_loss_fail_write(0, 0, 0);
        if (hit) {
            assert_int_equal(status, expected);
            failures++;
        }
        check_life(promised);
        if (vfs_loss_writes() + 1 < k)
            break;
    }
    assert_true(failures > 20);
    assert_true(k < 2000);
}

static void a_full_disk_at_any_write_is_said_and_leaves_a_good_store(void **state)
{
    (void)state;
    fail_every_write(SQLITE_FULL, EPODE_ESTORE_FULL, 0);
    fail_every_write(SQLITE_FULL, EPODE_ESTORE_FULL, 1);
}

static void an_error_of_the_disk_is_said_and_leaves_a_good_store(void **state)
{
    (void)state;
    fail_every_write(SQLITE_IOERR_WRITE, EPODE_ESTORE, 0);
}

static void a_failed_sync_is_made_good_before_anything_is_durable(void **state)
{
    ep_store *s;
    promises p = { 0 };
    (void)state;
    assert_int_equal(open_at(&s, path, "boot", 0), EPODE_OK);
    put_session(s, &p);
    add(s, 1);
    vfs_loss_fail_sync(1, SQLITE_IOERR_FSYNC, 1);
    assert_int_equal(ep_store_commit(s, true), EPODE_ESTORE);
    assert_int_equal(ep_store_h_durable(s), 0);
    assert_int_equal(ep_store_commit(s, true), EPODE_ESTORE);
    vfs_loss_fail_sync(0, 0, 0);
    assert_int_equal(ep_store_h_durable(s), 0);
    assert_int_equal(ep_store_commit(s, true), EPODE_OK);
    assert_int_equal(ep_store_h_durable(s), 1);
    p.inbox = p.h = 1;
    check_image(&p, 0);
    ep_store_close(s);
}

static epode_status allocating_life(void)
{
    ep_store *s;
    ep_sm_state sm = { .previd = (char[]){ "resume-me" },
                       .location = (char[]){ "host" },
                       .session = (char[]){ "bind2" } };
    ep_buf out = EP_BUF_INIT;
    epode_status status = open_at(&s, path, "boot", 0);
    if (status != EPODE_OK) {
        assert_null(s);
        return status;
    }
    if ((status = ep_store_fact_put(s, EP_FACT_HABIT, "a", "1", 1, 0)) == EPODE_OK &&
        (status = ep_store_secret_put(s, EP_SECRET_TICKET, "b", "2", 1, 0)) == EPODE_OK &&
        (status = ep_store_sm_put(s, &sm)) == EPODE_OK &&
        (status = ep_store_commit(s, true)) == EPODE_OK &&
        (status = ep_store_fact_get(s, EP_FACT_HABIT, "a", &out, NULL)) == EPODE_OK &&
        (status = ep_store_sm_get(s, &sm, NULL)) == EPODE_OK) {
        ep_sm_state_free(&sm);
        ep_buf_free(&out);
        status = ep_store_secret_take(s, EP_SECRET_TICKET, "b", &out, NULL);
    }
    ep_buf_free(&out);
    ep_store_close(s);
    return status;
}

static void every_failed_allocation_is_said(void **state)
{
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++) {
        unsigned long n = 1;
        for (;; n++) {
            remove_db(path);
            ep_alloc_fail_at(n, sticky);
            epode_status status = allocating_life();
            bool hit = ep_alloc_count() >= n;
            ep_alloc_fail_at(0, 0);
            assert_int_equal(status, hit ? EPODE_ENOMEM : EPODE_OK);
            if (!hit)
                break;
        }
        assert_true(n > 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(durable_rows_survive_power_loss_at_any_point),
        TEST(what_a_killed_owner_left_is_synced_before_it_counts_as_durable),
        TEST(what_a_good_close_left_is_durable_even_if_a_reader_hinders_the_checkpoint),
        TEST(a_kill_at_any_commit_leaves_whole_transactions),
        TEST(a_normal_commit_syncs_nothing_and_a_durable_one_once),
        TEST(a_full_disk_at_any_write_is_said_and_leaves_a_good_store),
        TEST(an_error_of_the_disk_is_said_and_leaves_a_good_store),
        TEST(a_failed_sync_is_made_good_before_anything_is_durable),
        TEST(every_failed_allocation_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
