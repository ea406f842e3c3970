/* alloc.c: the allocator, with a switch that lets tests fail any allocation. */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long alloc_seen, alloc_fail_at;
static int alloc_fail_sticky;

void ep_alloc_fail_at(unsigned long n, int sticky)
{
    alloc_seen = 0;
    alloc_fail_at = n;
    alloc_fail_sticky = sticky;
}

unsigned long ep_alloc_count(void)
{
    return alloc_seen;
}

static int alloc_denied(void)
{
    if (!alloc_fail_at)
        return 0;
    alloc_seen++;
    return alloc_fail_sticky ? alloc_seen >= alloc_fail_at : alloc_seen == alloc_fail_at;
}

void *ep_malloc(size_t size)
{
    return alloc_denied() ? NULL : malloc(size ? size : 1);
}

void *ep_calloc(size_t n, size_t size)
{
    return alloc_denied() ? NULL : calloc(n ? n : 1, size ? size : 1);
}

void *ep_realloc(void *p, size_t size)
{
    return alloc_denied() ? NULL : realloc(p, size ? size : 1);
}

void ep_free(void *p)
{
    free(p);
}

char *ep_strndup(const char *s, size_t n)
{
    char *copy = ep_malloc(n + 1);
    if (copy) {
        memcpy(copy, s, n);
        copy[n] = '\0';
    }
    return copy;
}

char *ep_strdup(const char *s)
{
    return s ? ep_strndup(s, strlen(s)) : NULL;
}

char *ep_asprintf(const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *s = n < 0 ? NULL : ep_malloc((size_t)n + 1);
    if (s)
        vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}

void ep_wipe(void *p, size_t size)
{
    if (p && size)
        explicit_bzero(p, size);
}

void ep_free_secret(void *p, size_t size)
{
    ep_wipe(p, size);
    free(p);
}
