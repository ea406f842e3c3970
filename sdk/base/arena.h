/* arena.h: memory for one element: bump-allocated, given back all at once. */
#ifndef EP_ARENA_H
#define EP_ARENA_H

#include <stddef.h>

typedef struct ep_arena_block ep_arena_block;
typedef struct ep_arena {
    ep_arena_block *first, *now;
    size_t block_bytes; /* size of an ordinary block; 0: 4 KiB */
} ep_arena;

void *ep_arena_alloc(ep_arena *a, size_t size); /* aligned for anything; NULL: no memory */
char *ep_arena_strndup(ep_arena *a, const char *s, size_t n);
void ep_arena_reset(ep_arena *a); /* everything is given back; the first block is kept */
void ep_arena_free(ep_arena *a);

#endif
