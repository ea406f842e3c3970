/* syncwork.h: what the files of the sync layer's face share, and nobody else includes. */
#ifndef EP_SYNC_SYNCWORK_H
#define EP_SYNC_SYNCWORK_H

#include "sync/sync.h"
#include "sync/unreads.h"

/* A room that is being joined is waited for so long before all is said to be here. */
#define EP_ROOMS_PATIENCE_US (10 * 1000000LL)

/* An archive that is kept: the account's, or a room's. */
typedef struct ep_followed {
    struct ep_sync *sync;
    ep_catchup *catchup;
    bool none; /* it does not exist, or not for us: what comes live is all there is */
    /* of a room */
    bool awaited; /* until it is joined, its end is not asked for */
    bool whole;   /* joined, and what was missed before is here: what follows comes live while we are in */
    bool again;   /* to be asked once more when the running query is over */
    epode_status status; /* how its last catch-up ended; EPODE_OK also where there is none */
    bool replays; /* it is telling of the past */
    ep_replay replay;
} ep_followed;

struct ep_sync {
    ep_store *store;
    char *account;
    bool no_queries;
    unsigned first_messages, first_days, page;
    const ep_sync_events *ev;
    void *user;
    const ep_log *log;
    ep_followed account_archive;
    ep_followed **rooms;
    size_t room_count, room_cap;
    epode_status account_status; /* how the account's last catch-up ended */
    int64_t room_again_us;       /* when rooms that could not be read are asked again; EP_NEVER: not */
    ep_arena arena;
    ep_buf xml;

    bool online, beginning; /* beginning: catch-ups are being started, one may end at once */
    int64_t tail_us, tail_since_us; /* when the tail is to be read; EP_NEVER: not */
    int64_t rooms_us;               /* until then rooms that are being joined are waited for; EP_NEVER: it is over */
    int64_t retry_us;               /* the delay after the last failure; 0: none */
    int64_t now_us, now_ms;
    int64_t young_end_ms;           /* the end that is looked at once more */
    char mds_query[24];
    ep_changes *mds_changes; /* while positions are read */
    epode_status mds_status;
    ep_unreads unreads; /* what the bind said of them */
};

/* sync.c */
bool ep_sync_is_busy(const ep_sync *s); /* an archive is being read, or a room that is being joined is waited for */
epode_status ep_sync_status(const ep_sync *s); /* what is to be said of all of them */
epode_status ep_followed_open(ep_sync *s, ep_followed *f, const char *room);
/* Its catch-up is over, or will not be. */
void ep_followed_finished(ep_followed *f, epode_status status);

/* followed.c: rooms. */
epode_status ep_followed_load(ep_sync *s); /* those that were followed before */
ep_followed *ep_followed_of(const ep_sync *s, const char *jid); /* of this full or bare JID; NULL: none */

/* positions.c: displayed positions. */
epode_status ep_positions_ask(ep_sync *s);
epode_status ep_positions_take(ep_sync *s, const ep_elem *parent);

#endif
