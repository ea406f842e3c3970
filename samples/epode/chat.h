/* chat.h: what the parts of epode chat share. */
#ifndef EPODE_CHAT_H
#define EPODE_CHAT_H

#include "cli.h"
#include "screen.h"

#define SHOWN_MAX 512

/* A message that was shown. */
typedef struct chat_line {
    uint64_t row;
    uint64_t hash;       /* of what people read of it */
    epode_delivery mark; /* as shown */
    long at;             /* where it stands on the screen */
} chat_line;

typedef struct chat {
    const cli_options *o;
    epode_client *client;
    epode_store *store;
    screen *screen;
    const char *peer;
    chat_line shown[SHOWN_MAX]; /* the last ones, a ring */
    size_t shown_count;
    uint64_t oldest;  /* row: from here on everything was shown */
    uint64_t seen;    /* row: the newest incoming one that was shown and is not marked as displayed */
    uint64_t *waiting; /* rows that were typed and are not at the server */
    size_t waiting_count;
    const char *what; /* of the message that is being shown: history, message, changed, older, found */
    bool synced;      /* live messages are shown as they come; before that, all at once when the archive is read */
    bool filling;     /* older ones are asked for */
    unsigned fills;
    bool trouble;     /* the user was told of a lost connection */
    int day;          /* of the last message that was printed */
    int code;
} chat;

const chat_line *chat_shown(const chat *c, uint64_t row);
void chat_show_row(chat *c, uint64_t row, const char *what);
void chat_changed(chat *c, const epode_event *ev);  /* EPODE_EV_MESSAGE */
void chat_delivery(chat *c, const epode_event *ev); /* EPODE_EV_DELIVERY */
void chat_seen(chat *c);                            /* counts what was shown as read */
void chat_say(chat *c, const char *text);           /* a word of the program's own */

#endif
