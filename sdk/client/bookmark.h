/* bookmark.h: the account's rooms (XEP-0402). */
#ifndef EP_CLIENT_BOOKMARK_H
#define EP_CLIENT_BOOKMARK_H

#include "epode/bookmark.h"
#include "xml/elem.h"

typedef struct ep_bookmark_row {
    epode_bookmark b; /* its strings are its own */
    char *extensions; /* what other programs added; NULL: nothing */
    bool seen;        /* while a whole list is read */
} ep_bookmark_row;

typedef struct ep_bookmark_list {
    ep_bookmark_row *at;
    size_t count, cap;
    bool asked, current; /* current: read in this session, by this process */
} ep_bookmark_list;

epode_status ep_bookmarks_load(epode_client *c);
void ep_bookmarks_free(epode_client *c);
void ep_bookmarks_reset(epode_client *c); /* a session that is none of before */
epode_status ep_bookmarks_ask(epode_client *c);
/* They are being read, and may say how this room is to be joined. */
bool ep_bookmarks_may_tell(const epode_client *c, const char *room);
/* A PEP event; from_account: whether the account itself sent it. True: it is about bookmarks. */
bool ep_bookmarks_event(const ep_elem *event);
epode_status ep_bookmarks_take(epode_client *c, const ep_elem *event);

#endif
