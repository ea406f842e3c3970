/* messenger.h: what the parts of the terminal messenger share: a list of conversations on the left, one of them on the
 * right, a line to type in below. */
#ifndef EPODE_MESSENGER_H
#define EPODE_MESSENGER_H

#include <curses.h>

#include "../cli.h"

/* How many bytes of a line fit into so many columns: whole words, if it has some, and one character at least. */
size_t columns_fit(const char *text, int columns);

/* --- entry.c: the line that is typed, by libform ------------------------------------------------------------- */

typedef struct entry entry;

entry *entry_new(void);
void entry_free(entry *e);
void entry_place(entry *e, int y, int x, int width); /* also after a change of the screen's size; what is typed stays */
void entry_key(entry *e, bool is_function, wint_t key);
char *entry_take(entry *e);                          /* what was typed, which is empty then; malloc, NULL: no memory */
void entry_focus(entry *e);                          /* puts the cursor there */

/* --- list.c: the conversations ------------------------------------------------------------------------------- */

typedef struct list_item {
    char *peer;
    unsigned unread;
    bool more; /* there may be more of them */
} list_item;

typedef struct list {
    list_item *items;
    size_t count, cap;
    size_t selected, top;
} list;

bool list_load(list *l, epode_store *store); /* keeps the selection on its peer; false: no memory */
void list_free(list *l);
void list_move(list *l, int by);
bool list_select(list *l, const char *peer); /* false: it is not there */
const char *list_peer(const list *l);        /* NULL: there is none */
void list_draw(list *l, int height, int width, bool focus, const char *open);

/* --- talk.c: one conversation -------------------------------------------------------------------------------- */

typedef struct talk_line {
    char *text; /* as it stands on the screen; NULL: an empty one */
    uint64_t row;
    bool dim;
} talk_line;

typedef struct talk {
    char *peer;         /* NULL: none is open */
    char *search;       /* NULL: the conversation itself; else what was looked for in it */
    talk_line *lines;   /* oldest first */
    size_t count, cap;
    size_t wanted;      /* messages to be read from the store */
    bool all;           /* there were not as many */
    size_t scroll;      /* lines below the screen */
    uint64_t newest;    /* row */
    uint64_t seen;      /* the newest incoming row */
    int width;
} talk;

bool talk_open(talk *t, const char *peer); /* false: no memory */
void talk_search(talk *t, const char *text); /* NULL: back to the conversation */
void talk_free(talk *t);
/* Reads it anew; what is on the screen stays where it is. False: no memory. */
bool talk_load(talk *t, epode_store *store, int width);
void talk_scroll(talk *t, int by, int height); /* by lines, up is positive; wants more when the end is near */
void talk_draw(const talk *t, int x, int height, int width);

#endif
