/* ints.c: lists of numbers, and JSON arrays for SQLite's json_each. */
#include <stdlib.h>

#include "base/alloc.h"
#include "store/parts.h"

bool ep_ints_add(ep_ints *list, int64_t n)
{
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        int64_t *at = ep_realloc(list->at, cap * sizeof *at);
        if (!at)
            return false;
        list->at = at;
        list->cap = cap;
    }
    list->at[list->count++] = n;
    return true;
}

static int ints_compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void ep_ints_unique(ep_ints *list)
{
    size_t n = 0;
    if (list->count < 2)
        return;
    qsort(list->at, list->count, sizeof *list->at, ints_compare);
    for (size_t i = 0; i < list->count; i++)
        if (!i || list->at[i] != list->at[i - 1])
            list->at[n++] = list->at[i];
    list->count = n;
}

void ep_ints_free(ep_ints *list)
{
    ep_free(list->at);
    *list = (ep_ints){ 0 };
}

void ep_json_ints(ep_buf *out, const ep_ints *list)
{
    ep_buf_putc(out, '[');
    for (size_t i = 0; i < list->count; i++)
        ep_buf_printf(out, "%s%lld", i ? "," : "", (long long)list->at[i]);
    ep_buf_putc(out, ']');
}

void ep_json_add(ep_buf *out, const char *text)
{
    if (out->len > 1)
        ep_buf_putc(out, ',');
    if (!text) {
        ep_buf_puts(out, "null");
        return;
    }
    ep_buf_putc(out, '"');
    for (const char *run = text; *text || run != text;) {
        unsigned char c = (unsigned char)*text;
        if (c && c != '"' && c != '\\' && c >= 0x20) {
            text++;
            continue;
        }
        ep_buf_add(out, run, (size_t)(text - run));
        if (c)
            ep_buf_printf(out, "\\u%04x", c);
        text += c != 0;
        run = text;
    }
    ep_buf_putc(out, '"');
}
