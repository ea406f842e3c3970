/* buf.c: the byte buffer. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void ep_buf_free(ep_buf *b)
{
    ep_free(b->data);
    memset(b, 0, sizeof *b);
}

void ep_buf_wipe(ep_buf *b)
{
    ep_wipe(b->data, b->cap);
    ep_buf_free(b);
}

void ep_buf_clear(ep_buf *b)
{
    b->head = b->len = 0;
    b->failed = false;
}

bool ep_buf_reserve(ep_buf *b, size_t more)
{
    if (b->failed || more > SIZE_MAX / 4 || b->len > SIZE_MAX / 4) {
        b->failed = true;
        return false;
    }
    if (b->cap - b->head - b->len >= more)
        return true;
    if (b->head && b->cap - b->len >= more && b->head >= b->len) {
        memcpy(b->data, b->data + b->head, b->len);
        b->head = 0;
        return true;
    }
    size_t cap = b->cap ? b->cap : 256;
    while (cap < b->len + more)
        cap *= 2;
    char *data = ep_malloc(cap);
    if (!data) {
        b->failed = true;
        return false;
    }
    if (b->len)
        memcpy(data, b->data + b->head, b->len);
    /* What is left behind may have been a secret; the copy is too short-lived to sort out which. */
    ep_free_secret(b->data, b->cap);
    b->data = data;
    b->cap = cap;
    b->head = 0;
    return true;
}

static inline bool has_room(const ep_buf *b, size_t n)
{
    return !b->failed && b->cap - b->head - b->len >= n;
}

void ep_buf_add(ep_buf *b, const void *p, size_t n)
{
    if (!n || (!has_room(b, n) && !ep_buf_reserve(b, n)))
        return;
    memcpy(b->data + b->head + b->len, p, n);
    b->len += n;
}

void ep_buf_puts(ep_buf *b, const char *s)
{
    ep_buf_add(b, s, strlen(s));
}

void ep_buf_putc(ep_buf *b, char c)
{
    if (has_room(b, 1) || ep_buf_reserve(b, 1))
        b->data[b->head + b->len++] = c;
}

void ep_buf_printf(ep_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n >= 0 && ep_buf_reserve(b, (size_t)n + 1)) {
        vsnprintf(b->data + b->head + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void ep_buf_consume(ep_buf *b, size_t n)
{
    b->head += n;
    b->len -= n;
    if (!b->len)
        b->head = 0;
}

const char *ep_buf_cstr(ep_buf *b)
{
    if (!ep_buf_reserve(b, 1))
        return NULL;
    b->data[b->head + b->len] = '\0';
    return b->data + b->head;
}

char *ep_buf_detach(ep_buf *b)
{
    const char *view = ep_buf_cstr(b);
    char *s = view ? ep_strndup(view, b->len) : NULL;
    ep_buf_free(b);
    return s;
}
