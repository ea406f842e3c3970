/* catchup.h: keeps one archive whole: which page to ask for next, and what a page means. It asks by a function
 * and is told the answers; it knows no connection and no clock.
 *
 * The first query is always the last page: it needs to know nothing, shows the newest first, and an id of ours in
 * it proves that all is well. If it does not reach what is held, the hole between is paged forward until they
 * meet; where nothing is held, pages go down within a budget and leave a known hole below. */
#ifndef EP_CATCHUP_H
#define EP_CATCHUP_H

#include "base/arena.h"
#include "base/log.h"
#include "store/page.h"
#include "sync/ingest.h"
#include "xmpp/mam.h"

typedef struct ep_catchup ep_catchup;

typedef struct ep_catchup_events {
    /* Sends this query now. */
    epode_status (*ask)(void *user, const ep_mam_query *query);
    /* A page was stored. expected: how many messages there will be in all, 0: unknown. */
    void (*stored)(void *user, const ep_changes *changes, size_t done, size_t expected);
    /* There is nothing more to do: whole, or why not (EPODE_ESTANZA: the archive refuses or does not exist,
     * EPODE_ETIMEOUT, ...). forgot: the server no longer knew what was held. */
    void (*finished)(void *user, epode_status status, bool forgot);
} ep_catchup_events;

typedef struct ep_catchup_config {
    ep_reader reader;
    unsigned page;           /* messages per page when there is much to get; 0: 250 */
    unsigned first_messages; /* how far a first login goes back; 0: 1000 */
    unsigned first_days;     /* 0: not limited by age */
} ep_catchup_config;

/* Everything in config is copied. EPODE_ENOMEM or the store's failure. */
epode_status ep_catchup_new(ep_catchup **out, ep_store *store, const ep_catchup_config *config,
                            const ep_catchup_events *events, void *user, const ep_log *log);
void ep_catchup_free(ep_catchup *c);

/* A session began (resumed: an old one goes on), or the tail is to be read again. ends: as the bind said, NULL: it
 * did not. Nothing is asked where that shows that everything is held. */
epode_status ep_catchup_begin(ep_catchup *c, bool resumed, const ep_archive_info *ends, int64_t now_us,
                              int64_t now_ms);
/* Gets up to n older messages below the span above a hole (on demand). EPODE_AGAIN: busy; EPODE_DONE: no hole. */
epode_status ep_catchup_fill(ep_catchup *c, int64_t below_pos, unsigned n, int64_t now_us);

/* A result for the running query; false: it is not for it. */
bool ep_catchup_result(ep_catchup *c, const ep_mam_result *result, epode_status *status);
/* The iq that ends the running query; false: it is not its. */
bool ep_catchup_answer(ep_catchup *c, const ep_elem *iq, int64_t now_us, epode_status *status);
void ep_catchup_tick(ep_catchup *c, int64_t now_us);
int64_t ep_catchup_deadline(const ep_catchup *c); /* EP_NEVER: none */
/* The connection is gone: what was asked is forgotten. */
void ep_catchup_cut(ep_catchup *c);

/* Our nick in the room from now on, NULL: none; what is read under it is our own. */
epode_status ep_catchup_set_nick(ep_catchup *c, const char *nick);

bool ep_catchup_is_busy(const ep_catchup *c);
/* The next one reads again what was young at the end (sync/settled.h), even if nothing is new. */
void ep_catchup_be_thorough(ep_catchup *c);
/* The stamp (Unix ms) of the archive's end when the last catch-up was over; 0: unknown. */
int64_t ep_catchup_end_ms(const ep_catchup *c);
bool ep_catchup_is_bulk(const ep_catchup *c); /* a page beyond the first one is asked for */
int64_t ep_catchup_archive(const ep_catchup *c);
const char *ep_catchup_owner(const ep_catchup *c);
epode_status ep_catchup_set_occupant(ep_catchup *c, const char *id); /* ours there; NULL: none to be believed */
const ep_reader *ep_catchup_reader(const ep_catchup *c);

#endif
