/* test_store_facts.c: facts, secrets, counts, and the transactions around them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/facts.h"
#include "store/secrets.h"
#include "store/sm.h"

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

static void assert_fact(ep_store *s, const char *kind, const char *key, const char *expected)
{
    ep_buf out = EP_BUF_INIT;
    epode_status status = ep_store_fact_get(s, kind, key, &out, NULL);
    assert_int_equal(status, expected ? EPODE_OK : EPODE_DONE);
    if (expected)
        assert_string_equal(ep_buf_cstr(&out), expected);
    ep_buf_free(&out);
}

static void put(ep_store *s, const char *kind, const char *key, const char *text)
{
    assert_int_equal(ep_store_fact_put(s, kind, key, text, strlen(text), 0), EPODE_OK);
}

static void a_fact_is_known_by_kind_and_key(void **state)
{
    ep_store *s = *state;
    put(s, EP_FACT_HABIT, "a", "1");
    put(s, EP_FACT_HABIT, "b", "2");
    put(s, EP_FACT_PIN, "a", "3");
    put(s, EP_FACT_HABIT, "a", "4");
    assert_fact(s, EP_FACT_HABIT, "a", "4");
    assert_fact(s, EP_FACT_PIN, "a", "3");
    assert_fact(s, EP_FACT_PIN, "b", NULL);
    assert_int_equal(ep_store_fact_del(s, EP_FACT_HABIT, "a"), EPODE_OK);
    assert_int_equal(ep_store_fact_del(s, EP_FACT_HABIT, "a"), EPODE_OK);
    assert_fact(s, EP_FACT_HABIT, "a", NULL);
    assert_int_equal(ep_store_fact_del_kind(s, EP_FACT_HABIT), EPODE_OK);
    assert_fact(s, EP_FACT_HABIT, "b", NULL);
    assert_fact(s, EP_FACT_PIN, "a", "3");
}

static void an_expired_fact_is_returned_with_its_expiry(void **state)
{
    ep_store *s = *state;
    ep_buf out = EP_BUF_INIT;
    int64_t expires = 0;
    assert_int_equal(ep_store_fact_put(s, EP_FACT_ENDPOINT, "", NULL, 0, 5), EPODE_OK);
    assert_int_equal(ep_store_fact_get(s, EP_FACT_ENDPOINT, "", &out, &expires), EPODE_OK);
    assert_int_equal(expires, 5);
    assert_int_equal(out.len, 0);
    ep_buf_free(&out);
}

static void a_secret_is_no_fact(void **state)
{
    ep_store *s = *state;
    assert_int_equal(ep_store_fact_put(s, EP_SECRET_TOKEN, "", "x", 1, 0), EPODE_EINVAL);
    assert_int_equal(ep_store_fact_put(s, EP_SECRET_SM, "", "x", 1, 0), EPODE_EINVAL);
    assert_int_equal(ep_store_fact_put(s, NULL, "", "x", 1, 0), EPODE_EINVAL);
    assert_int_equal(ep_store_fact_put(s, EP_FACT_PIN, NULL, "x", 1, 0), EPODE_EINVAL);
}

typedef struct seen {
    ep_store *s;
    int n, stop_at;
    char last[16];
} seen;

static epode_status see(const ep_fact *fact, void *user)
{
    seen *v = user;
    assert_true(strcmp(fact->key, v->last) > 0);
    assert_string_equal(fact->data, fact->key);
    snprintf(v->last, sizeof v->last, "%s", fact->key);
    /* Nothing is held open: the callback may write, even what is being read. */
    assert_int_equal(ep_store_fact_del(v->s, fact->kind, fact->key), EPODE_OK);
    return ++v->n == v->stop_at ? EPODE_DONE : EPODE_OK;
}

static void facts_are_read_in_order_over_many_batches(void **state)
{
    ep_store *s = *state;
    char key[16];
    seen v = { .s = s, .stop_at = 70 };
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "%04d", (i * 7) % 200);
        put(s, EP_FACT_DISCO, key, key);
    }
    assert_int_equal(ep_store_fact_each(s, EP_FACT_DISCO, see, &v), EPODE_DONE);
    assert_int_equal(v.n, 70);
    assert_int_equal(ep_store_fact_each(s, EP_FACT_DISCO, see, &v), EPODE_OK);
    assert_int_equal(v.n, 200);
    assert_int_equal(ep_store_fact_each(s, EP_FACT_DISCO, see, &v), EPODE_OK);
    assert_int_equal(v.n, 200);
}

static void a_rollback_leaves_nothing(void **state)
{
    ep_store *s = *state;
    put(s, EP_FACT_HABIT, "", "1");
    assert_int_equal(ep_store_begin(s), EPODE_OK);
    assert_true(ep_store_in_transaction(s));
    assert_int_equal(ep_store_begin(s), EPODE_ESTATE);
    put(s, EP_FACT_HABIT, "", "2");
    ep_store_rollback(s);
    assert_false(ep_store_in_transaction(s));
    assert_fact(s, EP_FACT_HABIT, "", "1");
    assert_int_equal(ep_store_commit(s, false), EPODE_ESTATE);
}

typedef struct commits {
    uint64_t before, after;
} commits;

static void count_commit(uint64_t number, bool after, void *user)
{
    commits *c = user;
    assert_int_equal(number, c->after + 1);
    *(after ? &c->after : &c->before) = number;
}

static void every_commit_is_seen_by_the_hook(void **state)
{
    ep_store *s = *state;
    commits c = { 0 };
    ep_store_stats stats;
    put(s, EP_FACT_HABIT, "", "1");
    ep_store_on_commit(s, count_commit, &c);
    assert_int_equal(ep_store_begin(s), EPODE_OK);
    assert_int_equal(ep_store_commit(s, false), EPODE_OK);
    assert_int_equal(c.after, 0); /* nothing was written */
    assert_int_equal(ep_store_begin(s), EPODE_OK);
    put(s, EP_FACT_HABIT, "", "2");
    put(s, EP_FACT_HABIT, "", "3");
    assert_int_equal(ep_store_commit(s, true), EPODE_OK);
    assert_int_equal(c.before, 2);
    assert_int_equal(c.after, 2);
    ep_store_stats_get(s, &stats);
    assert_int_equal(stats.durable_commits, 1);
    assert_true(stats.commits >= 3 && stats.rows >= 4);
}

static void a_write_that_changed_nothing_spoils_nothing(void **state)
{
    ep_store *s = *state;
    ep_smq_row row = { .seq = 1, .xml = "<iq/>", .len = 5, .kind = EP_STANZA_IQ };
    assert_int_equal(ep_store_begin(s), EPODE_OK);
    assert_int_equal(ep_store_smq_push(s, &row), EPODE_OK);
    assert_int_equal(ep_store_smq_push(s, &row), EPODE_EINVAL);
    put(s, EP_FACT_HABIT, "", "1");
    assert_int_equal(ep_store_commit(s, false), EPODE_OK);
    assert_fact(s, EP_FACT_HABIT, "", "1");
}

static void a_secret_is_taken_once(void **state)
{
    ep_store *s = *state;
    ep_buf out = EP_BUF_INIT;
    int64_t expires = 0;
    assert_int_equal(ep_store_secret_put(s, EP_SECRET_TICKET, "d", "t1", 2, 9), EPODE_OK);
    assert_int_equal(ep_store_begin(s), EPODE_OK);
    assert_int_equal(ep_store_secret_take(s, EP_SECRET_TICKET, "d", &out, NULL), EPODE_ESTATE);
    ep_store_rollback(s);
    assert_int_equal(ep_store_secret_take(s, EP_SECRET_TICKET, "d", &out, &expires), EPODE_OK);
    assert_string_equal(ep_buf_cstr(&out), "t1");
    assert_int_equal(expires, 9);
    assert_int_equal(ep_store_secret_take(s, EP_SECRET_TICKET, "d", &out, NULL), EPODE_DONE);
    ep_buf_wipe(&out);
}

static void secrets_are_put_read_and_forgotten(void **state)
{
    ep_store *s = *state;
    ep_buf out = EP_BUF_INIT;
    assert_int_equal(ep_store_secret_put(s, EP_SECRET_SCRAM, "a", "k", 1, 0), EPODE_OK);
    assert_int_equal(ep_store_secret_put(s, EP_SECRET_SCRAM, "b", "l", 1, 0), EPODE_OK);
    assert_int_equal(ep_store_secret_get(s, EP_SECRET_SCRAM, "a", &out, NULL), EPODE_OK);
    assert_string_equal(ep_buf_cstr(&out), "k");
    assert_int_equal(ep_store_secret_del(s, EP_SECRET_SCRAM, "a"), EPODE_OK);
    assert_int_equal(ep_store_secret_get(s, EP_SECRET_SCRAM, "a", &out, NULL), EPODE_DONE);
    assert_int_equal(ep_store_secret_del(s, EP_SECRET_SCRAM, NULL), EPODE_OK);
    assert_int_equal(ep_store_secret_get(s, EP_SECRET_SCRAM, "b", &out, NULL), EPODE_DONE);
    ep_buf_wipe(&out);
}

static void counts_go_up_and_start_again_with_a_token(void **state)
{
    ep_store *s = *state;
    uint64_t first = 0;
    assert_int_equal(ep_store_reserve_counts(s, 0, &first), EPODE_EINVAL);
    assert_int_equal(ep_store_reserve_counts(s, 64, &first), EPODE_OK);
    assert_int_equal(first, 1);
    assert_int_equal(ep_store_reserve_counts(s, 1, &first), EPODE_OK);
    assert_int_equal(first, 65);
    assert_int_equal(ep_store_secret_put(s, EP_SECRET_SCRAM, "", "t", 1, 0), EPODE_OK);
    assert_int_equal(ep_store_reserve_counts(s, 1, &first), EPODE_OK);
    assert_int_equal(first, 66);
    assert_int_equal(ep_store_secret_put(s, EP_SECRET_TOKEN, "", "t", 1, 0), EPODE_OK);
    assert_int_equal(ep_store_reserve_counts(s, 64, &first), EPODE_OK);
    assert_int_equal(first, 1);
    assert_int_equal(ep_store_begin(s), EPODE_OK);
    assert_int_equal(ep_store_reserve_counts(s, 1, &first), EPODE_ESTATE);
    ep_store_rollback(s);
}

/* An application's place for one secret. */
typedef struct pocket {
    char kind[16], key[64], data[64];
    epode_status answer;
} pocket;

static epode_status pocket_get(void *user, const char *kind, const char *key, ep_buf *out,
                               int64_t *expires_ms)
{
    pocket *p = user;
    (void)expires_ms;
    if (p->answer != EPODE_OK)
        return p->answer;
    if (strcmp(p->kind, kind) || strcmp(p->key, key))
        return EPODE_DONE;
    ep_buf_puts(out, p->data);
    return EPODE_OK;
}

static epode_status pocket_put(void *user, const char *kind, const char *key, const void *data,
                               size_t len, int64_t expires_ms)
{
    pocket *p = user;
    (void)expires_ms;
    if (p->answer != EPODE_OK)
        return p->answer;
    snprintf(p->kind, sizeof p->kind, "%s", kind);
    snprintf(p->key, sizeof p->key, "%s", key);
    snprintf(p->data, sizeof p->data, "%.*s", (int)len, (const char *)data);
    return EPODE_OK;
}

static epode_status pocket_del(void *user, const char *kind, const char *key)
{
    pocket *p = user;
    (void)key;
    if (p->answer == EPODE_OK && strcmp(p->kind, kind) == 0)
        p->kind[0] = '\0';
    return p->answer;
}

static epode_status pocket_take(void *user, const char *kind, const char *key, ep_buf *out,
                                int64_t *expires_ms)
{
    epode_status status = pocket_get(user, kind, key, out, expires_ms);
    return status == EPODE_OK ? pocket_del(user, kind, key) : status;
}

static void secrets_may_live_elsewhere(void **state)
{
    pocket p = { .answer = EPODE_OK };
    ep_secrets secrets = { pocket_get, pocket_put, pocket_del, pocket_take, &p };
    ep_store_options o = { .boot_id = "boot", .secrets = &secrets };
    ep_sm_state sm = { .previd = (char[]){ "resume-me" } };
    ep_store *s;
    (void)state;
    assert_int_equal(ep_store_open(&s, &o, NULL), EPODE_OK);
    assert_int_equal(ep_store_sm_put(s, &sm), EPODE_OK);
    assert_string_equal(p.data, "resume-me");
    assert_int_equal(ep_store_sm_get(s, &sm, NULL), EPODE_OK);
    assert_string_equal(sm.previd, "resume-me");
    ep_sm_state_free(&sm);
    p.answer = EPODE_ESTORE;
    assert_int_equal(ep_store_sm_get(s, &sm, NULL), EPODE_ESTORE);
    assert_null(sm.previd);
    assert_int_equal(ep_store_secret_put(s, EP_SECRET_TOKEN, "", "t", 1, 0), EPODE_ESTORE);
    p.answer = EPODE_OK;
    p.kind[0] = '\0';
    /* A session whose id is gone cannot be resumed. */
    assert_int_equal(ep_store_sm_get(s, &sm, NULL), EPODE_DONE);
    ep_store_close(s);
}

static bool file_holds(const char *path, const char *needle)
{
    static char data[1 << 20];
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    size_t n = fread(data, 1, sizeof data, f);
    fclose(f);
    return memmem(data, n, needle, strlen(needle));
}

static void a_deleted_secret_is_not_left_in_the_file(void **state)
{
    char path[] = "/tmp/epode-secret-XXXXXX";
    ep_store_options o = { .path = path };
    ep_store *s;
    (void)state;
    close(mkstemp(path));
    assert_int_equal(ep_store_open(&s, &o, NULL), EPODE_OK);
    assert_int_equal(ep_store_secret_put(s, EP_SECRET_TOKEN, "", "Zx9secret", 9, 0), EPODE_OK);
    ep_store_close(s);
    assert_true(file_holds(path, "Zx9secret"));
    assert_int_equal(ep_store_open(&s, &o, NULL), EPODE_OK);
    assert_int_equal(ep_store_secret_del(s, EP_SECRET_TOKEN, ""), EPODE_OK);
    ep_store_close(s);
    assert_false(file_holds(path, "Zx9secret"));
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_fact_is_known_by_kind_and_key),
        TEST(an_expired_fact_is_returned_with_its_expiry),
        TEST(a_secret_is_no_fact),
        TEST(facts_are_read_in_order_over_many_batches),
        TEST(a_rollback_leaves_nothing),
        TEST(every_commit_is_seen_by_the_hook),
        TEST(a_write_that_changed_nothing_spoils_nothing),
        TEST(a_secret_is_taken_once),
        TEST(secrets_are_put_read_and_forgotten),
        TEST(counts_go_up_and_start_again_with_a_token),
        TEST(secrets_may_live_elsewhere),
        TEST(a_deleted_secret_is_not_left_in_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
