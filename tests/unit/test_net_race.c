/* test_net_race.c: the pace of attempts, as a table in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "net/race.h"

#define MS    1000
#define NEVER INT64_MAX

/* One address: when it is known, and what happens after its start (NEVER: nothing). */
typedef struct address {
    int rank;
    unsigned family;
    bool good;
    int64_t known_ms;
    int64_t tcp_ms, up_ms, fail_ms;
    int64_t start_ms; /* expected; -1: never started */
} address;

typedef struct row {
    const char *what;
    int n;
    address a[4];
    /* Until when AAAA of rank 0 is asked for; 0: not at all. */
    int64_t aaaa_until_ms;
    int winner; /* -1: all fail */
    int64_t won_ms;
} row;

static const row rows[] = {
    { "IPv6 first, IPv4 not needed",
      2,
      { { 0, EP_RACE_V6, false, 0, 20, 40, NEVER, 0 },
        { 0, EP_RACE_V4, false, 0, 20, 40, NEVER, -1 } },
      0,
      0,
      40 },
    { "black-holed IPv6: IPv4 after the delay",
      2,
      { { 0, EP_RACE_V6, false, 0, NEVER, NEVER, NEVER, 0 },
        { 0, EP_RACE_V4, false, 0, 20, 40, NEVER, 250 } },
      0,
      1,
      290 },
    { "refused: the next at once",
      2,
      { { 0, EP_RACE_V6, false, 0, NEVER, NEVER, 10, 0 },
        { 0, EP_RACE_V4, false, 0, 20, 40, NEVER, 10 } },
      0,
      1,
      50 },
    { "a dead first target: the second after its addresses",
      3,
      { { 0, EP_RACE_V6, false, 0, NEVER, NEVER, NEVER, 0 },
        { 0, EP_RACE_V4, false, 0, NEVER, NEVER, NEVER, 250 },
        { 1, EP_RACE_V4, false, 0, 20, 40, NEVER, 500 } },
      0,
      2,
      540 },
    { "TCP up, TLS silent: others are still tried",
      2,
      { { 0, EP_RACE_V6, false, 0, 20, NEVER, NEVER, 0 },
        { 0, EP_RACE_V4, false, 0, 20, 40, NEVER, 270 } },
      0,
      1,
      310 },
    { "a far server that shows life starts no second attempt",
      2,
      { { 0, EP_RACE_V6, false, 0, 240, 600, NEVER, 0 },
        { 0, EP_RACE_V4, false, 0, 240, 600, NEVER, -1 } },
      0,
      0,
      600 },
    { "the slow one wins if it is up first",
      2,
      { { 0, EP_RACE_V6, false, 0, NEVER, 300, NEVER, 0 },
        { 0, EP_RACE_V4, false, 0, NEVER, 400, NEVER, 250 } },
      0,
      0,
      300 },
    { "A before AAAA: waits 50 ms",
      1,
      { { 0, EP_RACE_V4, false, 5, 20, 40, NEVER, 55 } },
      1000,
      0,
      95 },
    { "A before AAAA: not longer than AAAA",
      1,
      { { 0, EP_RACE_V4, false, 5, 20, 40, NEVER, 30 } },
      30,
      0,
      70 },
    { "AAAA comes within the 50 ms and goes first",
      2,
      { { 0, EP_RACE_V4, false, 5, 20, 40, NEVER, -1 },
        { 0, EP_RACE_V6, false, 30, 20, 40, NEVER, 30 } },
      30,
      1,
      70 },
    { "what was good goes first, whatever its family",
      3,
      { { 0, EP_RACE_V6, false, 0, 20, 40, NEVER, -1 },
        { 0, EP_RACE_V4, false, 0, 20, 40, NEVER, -1 },
        { 0, EP_RACE_V4, true, 0, 20, 40, NEVER, 0 } },
      0,
      2,
      40 },
    { "families in turn",
      4,
      { { 0, EP_RACE_V6, false, 0, NEVER, NEVER, NEVER, 0 },
        { 0, EP_RACE_V6, false, 0, NEVER, NEVER, NEVER, 500 },
        { 0, EP_RACE_V4, false, 0, NEVER, NEVER, NEVER, 250 },
        { 0, EP_RACE_V4, false, 0, 20, 40, NEVER, 750 } },
      0,
      3,
      790 },
    { "an early one fails: the pace stays",
      3,
      { { 0, EP_RACE_V6, false, 0, NEVER, NEVER, 300, 0 },
        { 0, EP_RACE_V4, false, 0, NEVER, NEVER, NEVER, 250 },
        { 1, EP_RACE_V4, false, 0, 20, 40, NEVER, 500 } },
      0,
      2,
      540 },
    { "all refused",
      2,
      { { 0, EP_RACE_V6, false, 0, NEVER, NEVER, 10, 0 },
        { 1, EP_RACE_V4, false, 0, NEVER, NEVER, 10, 10 } },
      0,
      -1,
      20 },
};

static bool is_at(int64_t now_ms, int64_t start_ms, int64_t after_ms)
{
    return start_ms >= 0 && after_ms != NEVER && now_ms == start_ms + after_ms;
}

/* Steps through virtual time by the millisecond; fills when each was started. */
static int run(const row *r, int64_t started[4], int64_t *ended_ms)
{
    ep_race race;
    int index[4] = { -1, -1, -1, -1 }, failed = 0;
    ep_race_init(&race);
    for (int64_t now = 0; now < 5000; now++) {
        ep_race_pending(&race, 0, now < r->aaaa_until_ms ? EP_RACE_V6 : 0);
        for (int i = 0; i < r->n; i++) {
            const address *a = &r->a[i];
            if (now == a->known_ms)
                index[i] = ep_race_add(&race, a->rank, a->family, a->good, now * MS);
            if (is_at(now, started[i], a->tcp_ms))
                ep_race_progress(&race, index[i], now * MS);
            *ended_ms = now;
            if (is_at(now, started[i], a->up_ms))
                return i;
            if (is_at(now, started[i], a->fail_ms)) {
                ep_race_failed(&race, index[i], now * MS);
                if (++failed == r->n)
                    return -1;
            }
        }
        int racer;
        int64_t until_us;
        while (ep_race_next(&race, now * MS, &racer, &until_us) == EP_RACE_START)
            for (int i = 0; i < r->n; i++)
                if (index[i] == racer)
                    started[i] = now;
    }
    return -2;
}

static void attempts_start_when_they_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t started[4] = { -1, -1, -1, -1 }, ended_ms = -1;
        print_message("  %s\n", rows[i].what);
        assert_int_equal(run(&rows[i], started, &ended_ms), rows[i].winner);
        assert_int_equal(ended_ms, rows[i].won_ms);
        for (int n = 0; n < rows[i].n; n++)
            assert_int_equal(started[n], rows[i].a[n].start_ms);
    }
}

static void it_names_the_time_to_ask_again(void **state)
{
    (void)state;
    ep_race race;
    int racer;
    int64_t until;
    ep_race_init(&race);
    assert_int_equal(ep_race_next(&race, 0, &racer, &until), EP_RACE_IDLE);
    ep_race_add(&race, 0, EP_RACE_V4, false, 0);
    ep_race_pending(&race, 0, EP_RACE_V6 | EP_RACE_V4);
    assert_int_equal(ep_race_next(&race, 0, &racer, &until), EP_RACE_WAIT);
    assert_int_equal(until, EP_RACE_RESOLUTION_US);
    ep_race_pending(&race, 0, 0);
    assert_int_equal(ep_race_next(&race, 10, &racer, &until), EP_RACE_START);
    ep_race_add(&race, 1, EP_RACE_V4, false, 20);
    assert_int_equal(ep_race_next(&race, 20, &racer, &until), EP_RACE_WAIT);
    assert_int_equal(until, 10 + EP_RACE_DELAY_US);
    ep_race_failed(&race, 0, 30);
    assert_int_equal(ep_race_next(&race, 30, &racer, &until), EP_RACE_START);
    assert_int_equal(racer, 1);
}

static void too_many_addresses_are_left_out(void **state)
{
    (void)state;
    ep_race race;
    ep_race_init(&race);
    for (int i = 0; i < EP_RACE_MAX; i++)
        assert_int_equal(ep_race_add(&race, 0, EP_RACE_V4, false, 0), i);
    assert_int_equal(ep_race_add(&race, 0, EP_RACE_V4, false, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attempts_start_when_they_should),
        cmocka_unit_test(it_names_the_time_to_ask_again),
        cmocka_unit_test(too_many_addresses_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
