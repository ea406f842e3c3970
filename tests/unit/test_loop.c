/* test_loop.c: the loop: watches, timers, jobs, wake-ups; and processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "loop/loop.h"
#include "loop/process.h"

typedef struct fixture {
    ep_loop *loop;
    int pipes[2][2];
    ep_watch watch[2];
    ep_job job;
    ep_timer timer;
    int calls, wakes;
    int64_t fired_us;
} fixture;

static bool readable(const ep_loop *loop)
{
    struct pollfd p = { .fd = ep_loop_fd(loop), .events = POLLIN };
    return poll(&p, 1, 0) == 1;
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    *state = f;
    return f && ep_loop_new(&f->loop) == EPODE_OK && pipe(f->pipes[0]) == 0 &&
                   pipe(f->pipes[1]) == 0
               ? 0
               : -1;
}

static int teardown(void **state)
{
    fixture *f = *state;
    ep_loop_free(f->loop);
    for (int i = 0; i < 4; i++)
        close(f->pipes[i / 2][i % 2]);
    free(f);
    return 0;
}

static void a_fresh_loop_has_nothing_to_do(void **state)
{
    fixture *f = *state;
    assert_false(readable(f->loop));
    assert_int_equal(ep_loop_dispatch(f->loop), 0);
    assert_false(ep_loop_wait(f->loop, 100));
}

static void drop_both(ep_watch *watch, unsigned events, void *user)
{
    fixture *f = user;
    (void)watch;
    assert_true(events & EP_READ);
    f->calls++;
    ep_loop_unwatch(f->loop, &f->watch[0]);
    ep_loop_unwatch(f->loop, &f->watch[1]);
}

static void a_watch_taken_off_in_the_same_batch_is_not_told(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        f->watch[i] = (ep_watch){ .ready = drop_both, .user = f };
        assert_int_equal(ep_loop_watch(f->loop, &f->watch[i], f->pipes[i][0], EP_READ), EPODE_OK);
        assert_int_equal(write(f->pipes[i][1], "x", 1), 1);
    }
    assert_true(readable(f->loop));
    assert_int_equal(ep_loop_dispatch(f->loop), 1);
    assert_int_equal(f->calls, 1);
    assert_false(readable(f->loop));
    assert_int_equal(ep_loop_rewatch(f->loop, &f->watch[0], EP_READ), EPODE_EINVAL);
    ep_loop_unwatch(f->loop, &f->watch[0]);
}

static void count_ready(ep_watch *watch, unsigned events, void *user)
{
    fixture *f = user;
    (void)watch;
    (void)events;
    f->calls++;
}

static void rewatching_for_nothing_silences_a_descriptor(void **state)
{
    fixture *f = *state;
    f->watch[0] = (ep_watch){ .ready = count_ready, .user = f };
    assert_int_equal(ep_loop_watch(f->loop, &f->watch[0], f->pipes[0][0], EP_READ), EPODE_OK);
    assert_int_equal(write(f->pipes[0][1], "x", 1), 1);
    assert_int_equal(ep_loop_rewatch(f->loop, &f->watch[0], 0), EPODE_OK);
    assert_false(readable(f->loop));
    assert_int_equal(ep_loop_rewatch(f->loop, &f->watch[0], EP_READ), EPODE_OK);
    assert_int_equal(ep_loop_dispatch(f->loop), 1);
    assert_int_equal(ep_loop_watch(f->loop, &f->watch[1], -1, EP_READ), EPODE_EINVAL);
}

static void note_fire(ep_timer *timer, int64_t now_us, void *user)
{
    fixture *f = user;
    (void)timer;
    f->fired_us = now_us;
}

static void a_timer_makes_the_descriptor_readable_when_it_is_due(void **state)
{
    fixture *f = *state;
    f->timer = (ep_timer){ .fire = note_fire, .user = f };
    ep_loop_enter(f->loop);
    int64_t due = ep_loop_now_us(f->loop) + 2000;
    ep_timer_set(ep_loop_timers(f->loop), &f->timer, due);
    ep_loop_leave(f->loop);
    assert_false(readable(f->loop));
    assert_true(ep_loop_wait(f->loop, 1000000));
    assert_int_equal(ep_loop_dispatch(f->loop), 1);
    assert_true(f->fired_us >= due);
    assert_false(readable(f->loop));
}

static void a_stopped_timer_leaves_no_wake_up_behind(void **state)
{
    fixture *f = *state;
    f->timer = (ep_timer){ .fire = note_fire, .user = f };
    ep_loop_enter(f->loop);
    ep_timer_set(ep_loop_timers(f->loop), &f->timer, ep_loop_now_us(f->loop) + 1000);
    ep_loop_leave(f->loop);
    ep_loop_enter(f->loop);
    ep_timer_stop(&f->timer);
    ep_loop_leave(f->loop);
    assert_false(ep_loop_wait(f->loop, 3000));
}

static void count_job(ep_job *job, void *user)
{
    fixture *f = user;
    (void)job;
    f->calls++;
}

static void deferred_work_runs_at_leave_or_makes_the_descriptor_readable(void **state)
{
    fixture *f = *state;
    f->job = (ep_job){ .run = count_job, .user = f };
    ep_loop_enter(f->loop);
    ep_loop_defer(f->loop, &f->job);
    ep_loop_defer(f->loop, &f->job);
    assert_int_equal(f->calls, 0);
    ep_loop_leave(f->loop);
    assert_int_equal(f->calls, 1);
    assert_false(readable(f->loop));
    ep_loop_defer(f->loop, &f->job);
    assert_true(readable(f->loop));
    assert_int_equal(ep_loop_dispatch(f->loop), 1);
    ep_loop_defer(f->loop, &f->job);
    ep_job_cancel(&f->job);
    assert_int_equal(ep_loop_dispatch(f->loop), 0);
    assert_int_equal(f->calls, 2);
    assert_false(readable(f->loop));
}

static void next_again(ep_job *job, void *user)
{
    fixture *f = user;
    if (++f->calls < 3)
        ep_loop_next(f->loop, job);
}

static void work_cut_short_goes_on_once_per_dispatch(void **state)
{
    fixture *f = *state;
    f->job = (ep_job){ .run = next_again, .user = f };
    ep_loop_next(f->loop, &f->job);
    for (int i = 1; i <= 3; i++) {
        assert_true(readable(f->loop));
        ep_loop_dispatch(f->loop);
        assert_int_equal(f->calls, i);
    }
    assert_false(readable(f->loop));
    ep_loop_again(f->loop);
    assert_true(readable(f->loop));
    ep_loop_dispatch(f->loop);
    assert_false(readable(f->loop));
}

static void *ring_it(void *wake)
{
    for (int i = 0; i < 1000; i++)
        ep_wake_ring(wake);
    ep_wake_unref(wake);
    return NULL;
}

static void heard(void *user)
{
    fixture *f = user;
    f->wakes++;
}

static void a_ring_from_another_thread_is_heard_and_outlives_the_loop(void **state)
{
    fixture *f = *state;
    pthread_t thread;
    ep_wake *wake = ep_wake_ref(ep_loop_wake(f->loop));
    ep_loop_on_wake(f->loop, heard, f);
    assert_int_equal(pthread_create(&thread, NULL, ring_it, ep_wake_ref(wake)), 0);
    assert_true(ep_loop_wait(f->loop, 1000000));
    ep_loop_dispatch(f->loop);
    pthread_join(thread, NULL);
    ep_loop_dispatch(f->loop);
    assert_true(f->wakes >= 1);
    assert_false(readable(f->loop));
    ep_wake_ring(wake);
    assert_true(readable(f->loop));
    ep_loop_free(f->loop);
    f->loop = NULL;
    ep_wake_ring(wake);
    ep_wake_unref(wake);
}

static void a_process_is_told_from_a_dead_one_and_from_its_successor(void **state)
{
    (void)state;
    char boot[40], space[32];
    uint64_t start = ep_process_start(getpid());
    assert_true(start > 0);
    assert_true(ep_process_alive(getpid(), start));
    assert_false(ep_process_alive(getpid(), start + 1));
    pid_t child = fork();
    if (child == 0)
        pause();
    uint64_t born = ep_process_start(child);
    assert_true(ep_process_alive(child, born));
    kill(child, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    assert_false(ep_process_alive(child, born)); /* a zombie */
    waitpid(child, NULL, 0);
    assert_false(ep_process_alive(child, born));
    assert_int_equal(ep_process_start(child), 0);
    assert_true(ep_boot_id(boot));
    assert_int_equal(strlen(boot), 36);
    assert_true(ep_pid_namespace(space));
    assert_non_null(strstr(space, "pid:["));
}

static void every_failed_allocation_of_a_new_loop_is_told(void **state)
{
    (void)state;
    ep_loop *loop = NULL;
    for (unsigned long n = 1; !loop; n++) {
        ep_alloc_fail_at(n, 1);
        epode_status status = ep_loop_new(&loop);
        ep_alloc_fail_at(0, 0);
        assert_true(status == (loop ? EPODE_OK : EPODE_ENOMEM));
    }
    ep_loop_free(loop);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_fresh_loop_has_nothing_to_do),
        TEST(a_watch_taken_off_in_the_same_batch_is_not_told),
        TEST(rewatching_for_nothing_silences_a_descriptor),
        TEST(a_timer_makes_the_descriptor_readable_when_it_is_due),
        TEST(a_stopped_timer_leaves_no_wake_up_behind),
        TEST(deferred_work_runs_at_leave_or_makes_the_descriptor_readable),
        TEST(work_cut_short_goes_on_once_per_dispatch),
        TEST(a_ring_from_another_thread_is_heard_and_outlives_the_loop),
        TEST(a_process_is_told_from_a_dead_one_and_from_its_successor),
        TEST(every_failed_allocation_of_a_new_loop_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
