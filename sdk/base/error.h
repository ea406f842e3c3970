/* error.h: the error object of the public API, by value inside the library: no allocation can fail. */
#ifndef EP_ERROR_H
#define EP_ERROR_H

#include <stdbool.h>

#include "epode/error.h"

struct epode_error {
    epode_status status;
    long native;
    bool final;
    char condition[48]; /* empty: none */
    char text[200];
};
typedef struct epode_error ep_error;

/* Fills *e and returns status, so that "return ep_fail(e, EPODE_EDNS, ...)" reads as it acts. e may be
 * NULL. The text must hold no user data and no secret; a condition is copied only if it looks like one. */
epode_status ep_fail(ep_error *e, epode_status status, long native, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void ep_error_clear(ep_error *e);
void ep_error_set_condition(ep_error *e, const char *condition);
void ep_error_set_final(ep_error *e, bool final);

#endif
