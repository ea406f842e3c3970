/* list.h: an intrusive doubly linked list; a node that is in no list points at itself. */
#ifndef EP_LIST_H
#define EP_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ep_list {
    struct ep_list *next, *prev;
} ep_list;

#define EP_LIST_OF(node, type, member) ((type *)((char *)(node) - offsetof(type, member)))
#define EP_LIST_EACH(it, list)         for (ep_list *it = (list)->next; it != (list); it = it->next)
/* The body may unlink the node it stands on. */
#define EP_LIST_EACH_SAFE(it, list) \
    for (ep_list *it = (list)->next, *it##_next = it->next; it != (list); it = it##_next, it##_next = it->next)

static inline void ep_list_init(ep_list *l)
{
    l->next = l->prev = l;
}

static inline bool ep_list_empty(const ep_list *l)
{
    return l->next == l;
}

static inline void ep_list_unlink(ep_list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    ep_list_init(n);
}

static inline void ep_list_push_back(ep_list *l, ep_list *n)
{
    n->prev = l->prev;
    n->next = l;
    l->prev->next = n;
    l->prev = n;
}

#endif
