/* Growing byte buffers and the allocation helpers of the reference server. */
#ifndef SRV_BUF_H
#define SRV_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct srv_buf {
    char *data; /* always followed by a NUL once anything was added */
    size_t len;
    size_t cap;
};

void *srv_alloc(size_t size);           /* zeroed; aborts when there is no memory */
char *srv_dup(const char *text);        /* NULL gives NULL */
char *srv_dup_n(const char *text, size_t len);
void srv_set(char **slot, const char *text); /* replaces an owned string */
char *srv_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

void srv_buf_add(struct srv_buf *buf, const void *data, size_t len);
void srv_buf_puts(struct srv_buf *buf, const char *text);
void srv_buf_printf(struct srv_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void srv_buf_escape(struct srv_buf *buf, const char *text); /* XML text and attribute values */
void srv_buf_json(struct srv_buf *buf, const char *text);   /* a quoted JSON string */
void srv_buf_drop(struct srv_buf *buf, size_t len);         /* from the front */
void srv_buf_clear(struct srv_buf *buf);
void srv_buf_free(struct srv_buf *buf);

/* Base 64 (RFC 4648, 4). Decoding refuses whitespace and missing padding: NULL. */
char *srv_base64(const void *data, size_t len);
char *srv_unbase64(const char *text, size_t *len);

#define SRV_STAMP_MAX 40
void srv_stamp(int64_t now_us, char out[SRV_STAMP_MAX]); /* XEP-0082, UTC, microseconds */

int64_t srv_stamp_parse(const char *text); /* XEP-0082 DateTime; INT64_MIN: not one */

#endif
