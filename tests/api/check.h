/* check.h: what cmocka's header needs in front of it. Unlike support/check.h it shows nothing of the library's
 * inside: these tests see what an application sees. */
#ifndef EP_API_CHECK_H
#define EP_API_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#endif
