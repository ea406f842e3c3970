/* buf.h: the one growable byte buffer for all wire work: appended at the end, consumed at the front. */
#ifndef EP_BUF_H
#define EP_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ep_buf {
    char *data;       /* the first unread byte is data[head] */
    size_t head, len; /* unread: len bytes from head */
    size_t cap;
    bool failed; /* an allocation failed: sticky, so that writers check once at the end */
} ep_buf;

#define EP_BUF_INIT { 0 }

void ep_buf_free(ep_buf *b);   /* also leaves it empty and usable */
void ep_buf_wipe(ep_buf *b);   /* the same for secrets: overwritten first */
void ep_buf_clear(ep_buf *b);  /* empty, memory kept, failure forgotten */
bool ep_buf_reserve(ep_buf *b, size_t more); /* room for more bytes at the end; false: failed */
void ep_buf_add(ep_buf *b, const void *p, size_t n);
void ep_buf_puts(ep_buf *b, const char *s);
void ep_buf_putc(ep_buf *b, char c);
void ep_buf_printf(ep_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ep_buf_consume(ep_buf *b, size_t n); /* n <= len */
const char *ep_buf_cstr(ep_buf *b); /* NUL-terminated view of the unread bytes; NULL if that fails */
char *ep_buf_detach(ep_buf *b);     /* the same, owned by the caller; the buffer is empty after */

static inline const char *ep_buf_ptr(const ep_buf *b)
{
    return b->data ? b->data + b->head : "";
}

#endif
