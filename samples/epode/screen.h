/* screen.h: lines in and lines out. On a terminal what is being typed stays at the bottom while lines come in above it;
 * elsewhere they are just lines. */
#ifndef EPODE_SCREEN_H
#define EPODE_SCREEN_H

#include <stdbool.h>

typedef struct screen screen;

/* wait does other work until standard input can be read (true), or reading is to end (false). NULL: no memory. */
screen *screen_open(const char *prompt, bool (*wait)(void *user), void *user);
void screen_close(screen *s);
bool screen_is_terminal(const screen *s);

/* The next line that was typed, without its end; borrowed until the next call. NULL: there is none. On a terminal it is
 * gone from the screen: whoever wants it there prints it. */
const char *screen_read(screen *s);

/* Prints text and a newline above what is being typed; gives the number of its first row, for screen_patch. */
long screen_print(screen *s, const char *text);
/* Writes text over what stands in that row and column, if it can still be seen. False: it cannot. */
bool screen_patch(screen *s, long row, int column, const char *text);

/* A copy for showing (malloc): what could move the cursor or turn the writing is replaced, lines are kept and begin
 * indented. */
char *screen_clean(const char *text, int indent);

#endif
