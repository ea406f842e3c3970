/* What the files of archive queries (XEP-0313) share. */
#ifndef SRV_MAM_H
#define SRV_MAM_H

#include "internal.h"

/* One query: the filters choose the result set, the rest chooses the page in it. */
struct srv_mam {
    struct srv *srv;
    struct srv_session *session;
    const struct srv_xml *iq;
    char *owner;          /* the archive's key, see srv_archive_add() */
    char *jid;            /* the archive's address */
    bool room;
    const char *queryid;
    char *with;
    bool with_full;
    int64_t start_us, end_us;
    int64_t above, below; /* positions from the form, both exclusive */
    bool by_ids;
    struct srv_buf ids;   /* their positions, separated by commas */
    bool no_groupchat;
    int64_t after, before; /* positions from RSM, both exclusive */
    long max, index;       /* index -1: none was named */
    bool back, flip;
    bool none;             /* an unknown id was named and the fault says: empty and complete */
};

/* Fills the query from the request; returns NULL, or the condition that it is refused with. */
const char *srv_mam_parse(struct srv_mam *mam, const struct srv_xml *query);

/* Sends the results, then <fin/>. */
void srv_mam_page(struct srv_mam *mam);

#endif
