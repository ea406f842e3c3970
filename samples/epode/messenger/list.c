/* list.c: who there is to talk to, the newest first, with what is unread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../screen.h"
#include "messenger.h"

static bool add(const epode_conversation *c, void *user)
{
    list *l = user;
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 32;
        list_item *more = realloc(l->items, cap * sizeof *more);
        if (!more)
            return false;
        l->items = more;
        l->cap = cap;
    }
    char *peer = strdup(c->peer);
    if (!peer)
        return false;
    l->items[l->count++] = (list_item){ .peer = peer, .unread = c->unread, .more = c->unread_at_least };
    return true;
}

static void clear_items(list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->items[i].peer);
    l->count = 0;
}

bool list_select(list *l, const char *peer)
{
    for (size_t i = 0; peer && i < l->count; i++)
        if (strcmp(l->items[i].peer, peer) == 0) {
            l->selected = i;
            return true;
        }
    return false;
}

bool list_load(list *l, epode_store *store)
{
    char *was = list_peer(l) ? strdup(list_peer(l)) : NULL;
    clear_items(l);
    bool ok = epode_store_conversations(store, add, l) >= 0;
    if (!list_select(l, was) && l->selected >= l->count)
        l->selected = l->count ? l->count - 1 : 0;
    free(was);
    return ok;
}

void list_free(list *l)
{
    clear_items(l);
    free(l->items);
}

void list_move(list *l, int by)
{
    if (by < 0 && l->selected)
        l->selected--;
    else if (by > 0 && l->selected + 1 < l->count)
        l->selected++;
}

const char *list_peer(const list *l)
{
    return l->selected < l->count ? l->items[l->selected].peer : NULL;
}

void list_draw(list *l, int height, int width, bool focus, const char *open)
{
    if (l->selected < l->top)
        l->top = l->selected;
    if (l->selected >= l->top + (size_t)height)
        l->top = l->selected - (size_t)height + 1;
    for (int y = 0; y < height; y++) {
        size_t i = l->top + (size_t)y;
        if (i >= l->count) {
            mvhline(y, 0, ' ', width);
            continue;
        }
        const list_item *item = &l->items[i];
        char badge[16] = "";
        if (item->unread || item->more)
            snprintf(badge, sizeof badge, " %u%s", item->unread, item->more ? "+" : "");
        bool selected = i == l->selected && focus, is_open = open && strcmp(open, item->peer) == 0;
        attr_t how = selected ? A_REVERSE : is_open ? A_BOLD : item->unread ? A_BOLD : A_NORMAL;
        char *clean = screen_clean(item->peer, 0);
        attron(how);
        mvhline(y, 0, ' ', width);
        mvaddstr(y, 0, is_open ? ">" : " ");
        if (clean)
            mvaddnstr(y, 1, clean, (int)columns_fit(clean, width - 2 - (int)strlen(badge)));
        mvaddstr(y, width - 1 - (int)strlen(badge), badge);
        attroff(how);
        free(clean);
    }
    if (!l->count)
        mvaddnstr(0, 0, " nobody yet: ^O", width);
}
