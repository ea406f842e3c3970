/* roster.h: the account's contacts, as the server has them (RFC 6121, 2). The version that they are of is a fact
 * (EP_FACT_ROSTER_VER), written in the same transaction. */
#ifndef EP_STORE_ROSTER_H
#define EP_STORE_ROSTER_H

#include "store/store.h"

/* Between the groups of a contact: no XML can hold it. */
#define EP_ROSTER_SEPARATOR '\x1f'

enum { EP_ROSTER_TO = 1, EP_ROSTER_FROM = 2 }; /* subscription: we see the contact, it sees us */

typedef struct ep_contact {
    const char *jid;    /* bare, prepared */
    const char *name;   /* NULL: none */
    unsigned subscription;
    bool ask, approved; /* our request waits; theirs is approved beforehand */
    const char *groups; /* sorted, none twice; "": none */
} ep_contact;

/* What became of a contact. */
enum {
    EP_CONTACT_ADDED = 1,
    EP_CONTACT_REMOVED = 2,
    EP_CONTACT_NAME = 4,
    EP_CONTACT_GROUPS = 8,
    EP_CONTACT_SUBSCRIPTION = 16,
    EP_CONTACT_ASK = 32,
    EP_CONTACT_APPROVED = 64
};

typedef epode_status (*ep_contact_each)(const ep_contact *contact, void *user);

/* One contact. EPODE_DONE: it is not in the roster. */
epode_status ep_roster_get(ep_store *s, const char *jid, ep_contact_each each, void *user);
/* In the order of their JIDs, the first behind after (NULL: all). EPODE_OK: there may be more; EPODE_DONE: these were
 * the last. */
epode_status ep_roster_list(ep_store *s, const char *after, size_t limit, ep_contact_each each, void *user);

/* Adds or changes one; *changed: what is other than before, 0: nothing. */
epode_status ep_roster_put(ep_store *s, const ep_contact *contact, unsigned *changed);
/* EPODE_DONE: it was not there. */
epode_status ep_roster_del(ep_store *s, const char *jid);

/* A whole roster follows by ep_roster_put; end deletes who was not in it, and calls each for those. */
epode_status ep_roster_begin(ep_store *s);
epode_status ep_roster_end(ep_store *s, epode_status (*removed)(const char *jid, void *user), void *user);

#endif
