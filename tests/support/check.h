/* check.h: what cmocka's header needs in front of it, and small helpers that many tests share. */
#ifndef EP_TEST_CHECK_H
#define EP_TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Runs `attempt` with its first, second, third ... allocation failing, once alone and once with all
 * that follow, until it needs no more of them. `attempt` says whether it ended well; whatever it
 * said, it must have freed everything (the address sanitizer looks). Returns how many there were.
 */
static inline unsigned long fail_each_allocation(bool (*attempt)(void *user), void *user)
{
    unsigned long sites = 0;
    for (int sticky = 0; sticky <= 1; sticky++)
        for (unsigned long n = 1;; n++) {
            assert_true(n < 100000);
            ep_alloc_fail_at(n, sticky);
            bool ok = attempt(user);
            bool hit = ep_alloc_count() >= n;
            ep_alloc_fail_at(0, 0);
            if (!hit) {
                assert_true(ok);
                sites += n - 1;
                break;
            }
        }
    return sites;
}

#endif
