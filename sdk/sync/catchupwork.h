/* catchupwork.h: a catch-up in work: its state, and what the two files share that move it. */
#ifndef EP_SYNC_CATCHUPWORK_H
#define EP_SYNC_CATCHUPWORK_H

#include "sync/catchup.h"
#include "sync/results.h"

#define EP_BULK_PAGE 250 /* a server gives less if that is too much */

typedef enum catchup_state {
    C_IDLE = 0,
    C_LAST, /* the last page was asked */
    C_UP,   /* from what was known for good to the last page, forward */
    C_DOWN, /* older and older, within a budget */
} catchup_state;

struct ep_catchup {
    ep_store *store;
    char *account, *room, *nick, *occupant;
    ep_reader reader;
    ep_catchup_config config;
    const ep_catchup_events *ev;
    void *user;
    const ep_log *log;
    int64_t archive;

    catchup_state state;
    char query[40];         /* id of what is asked; empty: nothing */
    ep_page page;           /* what is being received */
    ep_results got;
    int64_t deadline_us, now_ms;
    size_t done, expected;
    uint64_t count;         /* messages in the archive, as the last page said; 0: it did not */
    uint64_t top_index;     /* how many stand before the last page; if it said so */
    bool has_top_index;
    unsigned last_max;      /* of C_LAST: a first login gets no more than was wished for */
    unsigned budget;        /* messages that C_DOWN may still get */
    int64_t oldest_ms;      /* C_DOWN goes no further back; 0: no limit */
    bool is_new;            /* C_LAST: this archive was never held to its end before */
    bool first;             /* C_DOWN is a first login's, which goes on after a cut or a kill */
    char *from;             /* C_LAST: what is younger than this id is read again; NULL: nothing is held */
    char *until;            /* C_UP: the first one above that needs no reading: of the last page, or of the newest span */
    char *anchor;           /* C_UP: the id that was asked with */
    int64_t end_ms;         /* the stamp of the newest that is held; 0: unknown */
    bool thorough;          /* the next catch-up reads the end again even if nothing is new */
    bool settles;           /* C_UP began at from: what it has passed is known for good */
    bool forgot;
};

/* catchup.c */
void ep_catchup_clear(ep_catchup *c); /* nothing is asked any more */
void ep_catchup_finish(ep_catchup *c, epode_status status);

/* course.c: which page comes next, and what one means for that. */
epode_status ep_course_ask(ep_catchup *c, catchup_state state, const char *before, const char *after, int64_t span,
                           int64_t now_us);
epode_status ep_course_last(ep_catchup *c, int64_t now_us);
/* Everything up to the end is held, begun: by this catch-up. */
epode_status ep_course_rest(ep_catchup *c, bool begun, int64_t now_us);
/* The server does not know where we are. */
epode_status ep_course_lost(ep_catchup *c, int64_t now_us);
/* What came is the page that was asked for. */
epode_status ep_course_page(ep_catchup *c, const ep_mam_fin *fin, int64_t now_us);

#endif
