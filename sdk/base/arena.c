/* arena.c: a list of blocks. */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

struct ep_arena_block {
    ep_arena_block *next;
    size_t used, size;
    max_align_t data[];
};

void *ep_arena_alloc(ep_arena *a, size_t size)
{
    const size_t align = sizeof(max_align_t) > 16 ? 16 : sizeof(max_align_t);
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + align - 1) / align * align;
    for (ep_arena_block *b = a->now; b; b = b->next) {
        if (b->size - b->used >= size) {
            void *p = (char *)b->data + b->used;
            b->used += size;
            a->now = b;
            return p;
        }
    }
    size_t room = a->block_bytes ? a->block_bytes : 4096;
    if (room < size)
        room = size;
    ep_arena_block *b = ep_malloc(sizeof *b + room);
    if (!b)
        return NULL;
    b->next = NULL;
    b->size = room;
    b->used = size;
    ep_arena_block **tail = a->now ? &a->now->next : &a->first;
    while (*tail)
        tail = &(*tail)->next;
    *tail = b;
    a->now = b;
    return b->data;
}

char *ep_arena_strndup(ep_arena *a, const char *s, size_t n)
{
    char *copy = ep_arena_alloc(a, n + 1);
    if (copy) {
        memcpy(copy, s, n);
        copy[n] = '\0';
    }
    return copy;
}

static void arena_drop(ep_arena_block *b)
{
    while (b) {
        ep_arena_block *next = b->next;
        ep_free(b);
        b = next;
    }
}

void ep_arena_reset(ep_arena *a)
{
    if (!a->first)
        return;
    arena_drop(a->first->next);
    a->first->next = NULL;
    a->first->used = 0;
    a->now = a->first;
}

void ep_arena_free(ep_arena *a)
{
    arena_drop(a->first);
    a->first = a->now = NULL;
}
