/* test_store_archive_loss.c: the archive under power loss and failed allocations. */
#include "store_help.h"

#include "base/alloc.h"
#include "vfs_loss.h"

static char dir[64], path[128], image[128];

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/epode-aloss-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/store.db", dir);
    snprintf(image, sizeof image, "%s/image.db", dir);
    vfs_loss_reset();
    vfs_loss_watch(path);
    return 0;
}

static int teardown(void **state)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
    char name[160];
    (void)state;
    ep_alloc_fail_at(0, 0);
    vfs_loss_reset();
    for (int i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "%s%s", i < 4 ? path : image, suffixes[i % 4]);
        unlink(name);
    }
    return rmdir(dir);
}

typedef struct work {
    ep_store *s;
    int64_t archive, span;
    int next; /* messages so far, in all ways */
    int acked;
    /* what was promised durably */
    int64_t rows, acks;
    uint32_t h;
    unsigned images;
} work;

static epode_status open_at(ep_store **s, const char *db, const char *boot_id)
{
    ep_store_options o = { .path = db, .vfs = VFS_LOSS_NAME, .boot_id = boot_id, .now_ms = 1000 };
    return ep_store_open(s, &o, NULL);
}

/* Whatever survived: whole transactions, spans without a hole, the counter with its messages. */
static void check_image(work *w, unsigned seed)
{
    ep_store *s;
    vfs_loss_image(image, seed);
    assert_ok(open_at(&s, image, "another boot"));
    assert_int_equal(query_int(s, "SELECT count(*) FROM pragma_integrity_check WHERE "
                                  "integrity_check <> 'ok'"),
                     0);
    assert_int_equal(query_int(s, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    int64_t rows = query_int(s, "SELECT count(*) FROM message");
    assert_true(rows >= w->rows);
    /* Every round adds two by pages, one live and one own. */
    assert_int_equal(rows % 4, 0);
    assert_int_equal(query_int(s, "SELECT count(*) FROM message WHERE place = 1"), rows / 2);
    assert_int_equal(query_int(s, "SELECT coalesce(sum(last_pos - first_pos + 1), 0) FROM span"),
                     rows / 2);
    assert_int_equal(query_int(s, "SELECT count(*) FROM outbox o JOIN smq q ON q.message = "
                                  "o.message WHERE o.number = q.seq"),
                     query_int(s, "SELECT count(*) FROM outbox"));
    int64_t h = query_int(s, "SELECT h_in FROM sm");
    assert_int_equal(h, rows / 4);
    assert_true(h >= w->h);
    ep_store_close(s);
    w->images++;
}

static void on_event(void *user)
{
    for (unsigned seed = 0; seed < 2; seed++)
        check_image(user, seed);
}

static epode_status one_page(work *w, ep_changes *changes)
{
    char ids[2][16];
    ep_msg rows[2];
    ep_page_result r = { 0 };
    for (int i = 0; i < 2; i++) {
        snprintf(ids[i], sizeof ids[i], "p%d-%d", w->next, i);
        rows[i] = text_from(JOAN, ids[i], ids[i], "text");
    }
    ep_page page = { .archive = w->archive,
                     .kind = w->span ? EP_PAGE_AFTER : EP_PAGE_LAST,
                     .span = w->span,
                     .rows = rows,
                     .n = 2 };
    epode_status status = ep_archive_page(w->s, &page, &r, changes);
    if (status == EPODE_OK)
        w->span = r.span;
    return status;
}

static epode_status one_live(work *w, ep_changes *changes)
{
    char id[16];
    ep_live out;
    snprintf(id, sizeof id, "l%d", w->next);
    ep_msg m = text_from(JOAN, id, id, "text");
    return ep_archive_live(w->s, w->archive, &m, true, (uint32_t)w->next + 1, &out, changes);
}

static epode_status one_own(work *w, ep_changes *changes)
{
    char id[16];
    int64_t seq, row;
    snprintf(id, sizeof id, "o%d", w->next);
    ep_msg m = text_to(JOAN, NULL, id, "text");
    epode_status status = ep_outbox_add(w->s, w->archive, &m, &seq, &row, changes);
    if (status == EPODE_OK)
        status = ep_outbox_sent(w->s, seq, (uint64_t)w->next + 1, 5, changes);
    if (status == EPODE_OK && w->next % 3 == 2)
        status = ep_outbox_acked(w->s, (uint64_t)w->next, changes);
    return status;
}

static epode_status one_round(work *w, bool durable, ep_changes *changes)
{
    int64_t span = w->span;
    epode_status status = ep_store_begin(w->s);
    if (status == EPODE_OK)
        status = one_page(w, changes);
    if (status == EPODE_OK)
        status = one_live(w, changes);
    if (status == EPODE_OK)
        status = one_own(w, changes);
    if (status == EPODE_OK)
        status = ep_store_commit(w->s, durable);
    else
        ep_store_rollback(w->s);
    if (status == EPODE_OK)
        w->next++;
    else
        w->span = span;
    return status;
}

static void start(work *w)
{
    ep_sm_state sm = { .previd = (char[]){ "resume-me" } };
    assert_ok(open_at(&w->s, path, "boot"));
    assert_ok(ep_archive_open(w->s, ME, EP_ARCHIVE_ACCOUNT, &w->archive));
    assert_ok(ep_store_sm_put(w->s, &sm));
    assert_ok(ep_store_commit(w->s, true));
}

static void what_was_promised_survives_power_loss(void **state)
{
    work w = { 0 };
    (void)state;
    start(&w);
    vfs_loss_on_event(on_event, &w);
    for (int i = 0; i < 12; i++) {
        bool durable = i % 3 == 2;
        assert_ok(one_round(&w, durable, NULL));
        if (durable) {
            w.rows = w.next * 4;
            w.h = ep_store_h_durable(w.s);
        }
    }
    vfs_loss_on_event(NULL, NULL);
    ep_store_close(w.s);
    assert_true(w.images > 50);
}

/* Every allocation of ours fails in turn; then the same work succeeds, as if nothing had been. */
static void a_failed_allocation_changes_nothing(void **state)
{
    work w = { 0 };
    (void)state;
    start(&w);
    unsigned long n = 1;
    for (;; n++) {
        ep_changes changes = { 0 };
        int64_t rows = query_int(w.s, "SELECT count(*) FROM message");
        ep_alloc_fail_at(n, 1);
        epode_status status = one_round(&w, false, &changes);
        ep_alloc_fail_at(0, 0);
        ep_changes_free(&changes);
        if (status == EPODE_OK)
            break;
        assert_int_equal(status, EPODE_ENOMEM);
        assert_int_equal(query_int(w.s, "SELECT count(*) FROM message"), rows);
    }
    assert_true(n > 5);
    for (int i = 0; i < 3; i++)
        assert_ok(one_round(&w, false, NULL));
    ep_store_close(w.s);
    w.rows = w.next * 4;
    assert_ok(open_at(&w.s, path, "boot"));
    assert_int_equal(query_int(w.s, "SELECT count(*) FROM message"), w.rows);
    ep_store_close(w.s);
}

static epode_status no_conversation(const ep_conversation *c, void *user)
{
    (void)c;
    (void)user;
    return EPODE_OK;
}

static epode_status no_hole(const ep_hole *hole, void *user)
{
    (void)hole;
    (void)user;
    return EPODE_OK;
}

static epode_status no_outbox(const ep_outbox_row *row, void *user)
{
    (void)row;
    (void)user;
    return EPODE_OK;
}

/* All that reads: EPODE_OK or EPODE_DONE if it came through. */
static epode_status read_everything(work *w)
{
    ep_cursor_options options[] = { { .archive = w->archive, .flags = EP_CURSOR_ALL },
                                    { .archive = w->archive, .search = "text" } };
    ep_cursor *c = NULL;
    const ep_view *views;
    size_t n;
    ep_span_copy end = { 0 };
    epode_status status = EPODE_OK;
    for (int i = 0; status >= 0 && i < 2; i++) {
        status = ep_cursor_open(w->s, &options[i], &c);
        if (status == EPODE_OK)
            status = ep_cursor_next(c, &views, &n);
        ep_cursor_close(c);
        c = NULL;
    }
    if (status >= 0)
        status = ep_archive_verified_end(w->s, w->archive, &end);
    ep_span_copy_free(&end);
    if (status >= 0)
        status = ep_hole_list(w->s, w->archive, no_hole, NULL);
    if (status >= 0)
        status = ep_conversation_list(w->s, 0, 0, 10, no_conversation, NULL);
    if (status >= 0)
        status = ep_outbox_list(w->s, EP_OUTBOX_SENT, 0, 10, no_outbox, NULL);
    return status;
}

static void a_failed_allocation_while_reading_is_said(void **state)
{
    work w = { 0 };
    ep_live out;
    bool more;
    (void)state;
    start(&w);
    for (int i = 0; i < 4; i++)
        assert_ok(one_round(&w, false, NULL));
    ep_msg m = text_from(JOAN, "r", "r", NULL);
    m.kind = EP_MSG_REACTION;
    m.ref_id = "l1";
    m.reactions = "+";
    assert_ok(ep_archive_live(w.s, w.archive, &m, false, 0, &out, NULL));
    assert_ok(ep_search_feed(w.s, 100, &more));
    unsigned long n = 1;
    for (;; n++) {
        ep_alloc_fail_at(n, 1);
        epode_status status = read_everything(&w);
        ep_alloc_fail_at(0, 0);
        if (status >= 0)
            break;
        assert_int_equal(status, EPODE_ENOMEM);
    }
    assert_true(n > 10);
    ep_store_close(w.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(what_was_promised_survives_power_loss),
        TEST(a_failed_allocation_changes_nothing),
        TEST(a_failed_allocation_while_reading_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
