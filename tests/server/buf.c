/* Growing byte buffers, base 64, stamps. */
#include "buf.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void *srv_alloc(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        abort();
    return memory;
}

char *srv_dup_n(const char *text, size_t len)
{
    char *copy = srv_alloc(len + 1);
    memcpy(copy, text, len);
    return copy;
}

char *srv_dup(const char *text)
{
    return text ? srv_dup_n(text, strlen(text)) : NULL;
}

void srv_set(char **slot, const char *text)
{
    char *copy = srv_dup(text);
    free(*slot);
    *slot = copy;
}

char *srv_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = srv_alloc((size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

static void reserve(struct srv_buf *buf, size_t more)
{
    if (buf->len + more + 1 <= buf->cap)
        return;
    size_t cap = buf->cap ? buf->cap : 256;
    while (cap < buf->len + more + 1)
        cap *= 2;
    char *data = realloc(buf->data, cap);
    if (!data)
        abort();
    buf->data = data;
    buf->cap = cap;
}

void srv_buf_add(struct srv_buf *buf, const void *data, size_t len)
{
    reserve(buf, len);
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void srv_buf_puts(struct srv_buf *buf, const char *text)
{
    srv_buf_add(buf, text, strlen(text));
}

void srv_buf_printf(struct srv_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    reserve(buf, (size_t)len);
    va_start(args, format);
    vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}

void srv_buf_escape(struct srv_buf *buf, const char *text)
{
    for (;; text++) {
        size_t plain = strcspn(text, "<>&'\"\r");
        srv_buf_add(buf, text, plain);
        text += plain;
        switch (*text) {
        case '<': srv_buf_puts(buf, "&lt;"); break;
        case '>': srv_buf_puts(buf, "&gt;"); break;
        case '&': srv_buf_puts(buf, "&amp;"); break;
        case '\'': srv_buf_puts(buf, "&apos;"); break;
        case '"': srv_buf_puts(buf, "&quot;"); break;
        case '\r': srv_buf_puts(buf, "&#13;"); break;
        default: return;
        }
    }
}

void srv_buf_json(struct srv_buf *buf, const char *text)
{
    srv_buf_puts(buf, "\"");
    for (; text && *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\')
            srv_buf_printf(buf, "\\%c", byte);
        else if (byte < 0x20)
            srv_buf_printf(buf, "\\u%04x", byte);
        else
            srv_buf_add(buf, text, 1);
    }
    srv_buf_puts(buf, "\"");
}

void srv_buf_drop(struct srv_buf *buf, size_t len)
{
    if (len >= buf->len) {
        srv_buf_clear(buf);
        return;
    }
    memmove(buf->data, buf->data + len, buf->len - len);
    buf->len -= len;
    buf->data[buf->len] = '\0';
}

void srv_buf_clear(struct srv_buf *buf)
{
    buf->len = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

void srv_buf_free(struct srv_buf *buf)
{
    free(buf->data);
    memset(buf, 0, sizeof *buf);
}

char *srv_base64(const void *data, size_t len)
{
    char *text = srv_alloc((len + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *)text, data, (int)len);
    return text;
}

static int base64_clean(const char *text, size_t len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t body = len;
    while (body && len - body < 2 && text[body - 1] == '=')
        body--;
    return len % 4 == 0 && strspn(text, alphabet) == body;
}

char *srv_unbase64(const char *text, size_t *len)
{
    size_t in = strlen(text);
    *len = 0;
    /* OpenSSL would skip surrounding whitespace; XEP-0388 and RFC 6120, 6.4.2 allow none. */
    if (!base64_clean(text, in))
        return NULL;
    char *data = srv_alloc(in + 1);
    int out = EVP_DecodeBlock((unsigned char *)data, (const unsigned char *)text, (int)in);
    if (out < 0) {
        free(data);
        return NULL;
    }
    *len = (size_t)out;
    for (size_t i = in; i > 0 && text[i - 1] == '='; i--)
        (*len)--;
    data[*len] = '\0';
    return data;
}

void srv_stamp(int64_t now_us, char out[SRV_STAMP_MAX])
{
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    size_t len = strftime(out, SRV_STAMP_MAX, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + len, SRV_STAMP_MAX - len, ".%06dZ", (int)(now_us % 1000000));
}

int64_t srv_stamp_parse(const char *text)
{
    struct tm parts = {0};
    int end = 0, hours = 0, minutes = 0;
    char sign = 0;
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
               &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &end) != 6)
        return INT64_MIN;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    int64_t micros = 0, unit = 100000;
    text += end;
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
            micros += (*text - '0') * unit;
    if (strcmp(text, "Z") != 0) {
        if (sscanf(text, "%c%2d:%2d%n", &sign, &hours, &minutes, &end) != 3 || text[end] ||
            (sign != '+' && sign != '-'))
            return INT64_MIN;
    }
    int64_t offset = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return ((int64_t)timegm(&parts) - offset) * 1000000 + micros;
}
