/* mds.h: XEP-0490: displayed positions that the account's devices share. */
#ifndef EP_MDS_H
#define EP_MDS_H

#include "xml/elem.h"
#include "xml/writer.h"

/* Asks for all positions. */
void ep_mds_write_query(const char *id, ep_xw *w);
/* Publishes that everything up to stanza_id (by archive) was displayed in the conversation with peer. */
void ep_mds_write_publish(const char *id, const char *peer, const char *archive, const char *stanza_id, ep_xw *w);

/* Calls each for every position of an answer's or event's <items/> that is by the account, as for one-to-one chats, or by
 * the peer itself, as for rooms. Who sent it is checked by the caller. */
void ep_mds_read(const ep_elem *parent, const char *account,
                 void (*each)(const char *peer, const char *by, const char *stanza_id, void *user), void *user);

#endif
