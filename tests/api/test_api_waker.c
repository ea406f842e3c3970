/* The waker: jobs from other threads run once or are dropped once, whatever becomes of the client. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "app.h"

enum { THREADS = 4, JOBS = 1000 };

static server srv;

static int start_server(void **state)
{
    (void)state;
    server_start(&srv, (char *)NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

/* Each job counts in a cell of its own how often it ran and how often it was dropped. */
typedef struct cell {
    atomic_int ran, dropped;
} cell;

typedef struct poster {
    pthread_t thread;
    epode_waker *waker;
    cell *cells;
    int accepted, refused;
} poster;

static pthread_t owner;

static void job_run(epode_client *client, void *arg)
{
    cell *at = arg;
    assert_non_null(client);
    assert_true(pthread_equal(owner, pthread_self()));
    atomic_fetch_add(&at->ran, 1);
}

static void job_drop(void *arg)
{
    cell *at = arg;
    atomic_fetch_add(&at->dropped, 1);
}

static void *post_all(void *arg)
{
    poster *p = arg;
    const struct timespec pause = { 0, 20000 };
    for (int i = 0; i < JOBS; i++) {
        epode_status st = epode_waker_post(p->waker, job_run, &p->cells[i], job_drop);
        p->accepted += st == EPODE_OK;
        p->refused += st == EPODE_ESTATE;
        if (i % 50 == 0)
            nanosleep(&pause, NULL);
    }
    epode_waker_free(p->waker);
    return NULL;
}

static void start_posters(app *a, poster *posters, cell *cells)
{
    owner = pthread_self();
    for (int i = 0; i < THREADS; i++) {
        posters[i] = (poster){ .waker = epode_client_waker(a->client), .cells = cells + i * JOBS };
        assert_non_null(posters[i].waker);
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }
}

/* Returns how many jobs ran. */
static int check_posters(poster *posters, cell *cells)
{
    int ran = 0, accepted = 0, refused = 0;
    for (int i = 0; i < THREADS; i++) {
        accepted += posters[i].accepted;
        refused += posters[i].refused;
    }
    assert_int_equal(accepted + refused, THREADS * JOBS);
    for (int i = 0; i < THREADS * JOBS; i++) {
        assert_int_equal(cells[i].ran + cells[i].dropped, 1);
        ran += cells[i].ran;
    }
    assert_true(ran <= accepted);
    return ran;
}

static void all_jobs_run_while_the_client_connects(void **state)
{
    static cell cells[THREADS * JOBS];
    poster posters[THREADS];
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, NULL);
    start_posters(&a, posters, cells);
    app_until(&a, 5000, a.ready);
    for (int i = 0; i < THREADS; i++)
        pthread_join(posters[i].thread, NULL);
    app_until(&a, 1000, !app_is_due(&a, 0));
    assert_int_equal(check_posters(posters, cells), THREADS * JOBS);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void jobs_of_a_freed_client_are_dropped(void **state)
{
    (void)state;
    for (int turns = 0; turns < 8; turns++) {
        cell *cells = test_calloc(THREADS * JOBS, sizeof *cells);
        poster posters[THREADS];
        app a = { 0 };
        app_start(&a, &srv, NULL);
        start_posters(&a, posters, cells);
        for (int i = 0; i < turns; i++)
            app_turn(&a, app_now_ms() + 100);
        app_close(&a);
        for (int i = 0; i < THREADS; i++)
            pthread_join(posters[i].thread, NULL);
        check_posters(posters, cells);
        test_free(cells);
    }
}

static void a_waker_outlives_its_client(void **state)
{
    cell at = { 0 };
    app a = { 0 };
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    app_open(&a, &o);
    epode_waker *waker = epode_client_waker(a.client);
    app_close(&a);
    assert_int_equal(epode_waker_post(waker, job_run, &at, job_drop), EPODE_ESTATE);
    assert_int_equal(at.dropped, 1);
    assert_int_equal(epode_waker_post(waker, job_run, &at, NULL), EPODE_ESTATE);
    epode_waker_free(waker);
    epode_waker_free(NULL);
}

static void job_free(epode_client *client, void *arg)
{
    app *a = arg;
    epode_client_free(client);
    a->client = NULL;
}

static void a_job_may_free_its_client_and_those_behind_it_are_dropped(void **state)
{
    cell before = { 0 }, behind = { 0 };
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, NULL);
    owner = pthread_self();
    epode_waker *waker = epode_client_waker(a.client);
    epode_client *client = a.client;
    assert_int_equal(epode_waker_post(waker, job_run, &before, job_drop), EPODE_OK);
    assert_int_equal(epode_waker_post(waker, job_free, &a, NULL), EPODE_OK);
    assert_int_equal(epode_waker_post(waker, job_run, &behind, job_drop), EPODE_OK);
    assert_true(app_is_due(&a, 0));
    assert_int_equal(epode_client_process(client), EPODE_DONE);
    assert_null(a.client);
    assert_int_equal(a.destroyed, 1);
    assert_int_equal(before.ran, 1);
    assert_int_equal(behind.ran, 0);
    assert_int_equal(behind.dropped, 1);
    epode_waker_free(waker);
}

static void job_send(epode_client *client, void *arg)
{
    epode_status *st = arg;
    epode_outgoing m = EPODE_OUTGOING_INIT;
    m.to = "bob@localhost";
    m.body = "from a job";
    *st = epode_send_message(client, &m, NULL);
    assert_int_equal(epode_client_process(client), EPODE_ESTATE);
    assert_int_equal(epode_client_run(client, 0), EPODE_ESTATE);
}

static void a_job_may_send_but_not_process(void **state)
{
    epode_status st = EPODE_AGAIN;
    app a = { 0 };
    (void)state;
    app_start(&a, &srv, NULL);
    app_online(&a);
    epode_waker *waker = epode_client_waker(a.client);
    assert_int_equal(epode_waker_post(waker, job_send, &st, NULL), EPODE_OK);
    epode_waker_free(waker);
    app_until(&a, 5000, a.acknowledged == 1);
    assert_int_equal(st, EPODE_OK);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_jobs_run_while_the_client_connects),
        cmocka_unit_test(jobs_of_a_freed_client_are_dropped),
        cmocka_unit_test(a_waker_outlives_its_client),
        cmocka_unit_test(a_job_may_free_its_client_and_those_behind_it_are_dropped),
        cmocka_unit_test(a_job_may_send_but_not_process),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
