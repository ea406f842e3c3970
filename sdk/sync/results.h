/* results.h: what came of the page of an archive that was asked for, until it ends. */
#ifndef EP_SYNC_RESULTS_H
#define EP_SYNC_RESULTS_H

#include "base/arena.h"
#include "sync/ingest.h"
#include "xmpp/mam.h"

typedef struct ep_results {
    ep_msg *rows; /* oldest first once the page has ended; what they point to is in the arena */
    size_t count, cap;
    bool lacks;   /* something of the page did not come, or cannot be told apart */
    ep_arena arena;
} ep_results;

void ep_results_clear(ep_results *r);
void ep_results_free(ep_results *r);
epode_status ep_results_take(ep_results *r, const ep_reader *reader, const ep_mam_result *result);
bool ep_results_show(const ep_results *r, const char *id);
/* The page's end came: results that were turned round are turned back, and those that are missing are noticed. */
void ep_results_end(ep_results *r, const ep_mam_fin *fin);
/* What came twice says nothing new the second time. False: nothing did. */
bool ep_results_once(ep_results *r);

#endif
