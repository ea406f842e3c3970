/* pubsub.h: what is asked of nodes of the account itself (XEP-0060, XEP-0163). */
#ifndef EP_PUBSUB_H
#define EP_PUBSUB_H

#include "xml/writer.h"

/* All items of a node. */
void ep_pubsub_write_items(ep_xw *w, const char *node);
/* The options of a publication to a node that is private and keeps an item for each of its ids. Where the node is
 * otherwise, the server refuses (XEP-0060, 7.1.5). */
void ep_pubsub_write_private(ep_xw *w);

#endif
