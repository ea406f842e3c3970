/* alloc.h: every allocation of the library goes through these, so that each can be made to fail. */
#ifndef EP_ALLOC_H
#define EP_ALLOC_H

#include <stddef.h>

void *ep_malloc(size_t size);
void *ep_calloc(size_t n, size_t size); /* zeroed; NULL on overflow */
void *ep_realloc(void *p, size_t size);
void ep_free(void *p);
char *ep_strdup(const char *s); /* NULL stays NULL */
char *ep_strndup(const char *s, size_t n);
char *ep_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Frees after overwriting: for keys, tokens and passwords. NULL is fine. */
void ep_free_secret(void *p, size_t size);
void ep_wipe(void *p, size_t size);

/* Tests only: the n-th allocation from now fails, and (sticky) all that follow; 0 switches it off. */
void ep_alloc_fail_at(unsigned long n, int sticky);
unsigned long ep_alloc_count(void);

#endif
