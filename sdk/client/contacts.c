/* contacts.c: the roster in the store, for applications. */
#include <string.h>

#include "base/alloc.h"
#include "client/internal.h"
#include "store/roster.h"

#define BATCH 50

_Static_assert((int)EPODE_ROSTER_ADDED == EP_CONTACT_ADDED && (int)EPODE_ROSTER_REMOVED == EP_CONTACT_REMOVED &&
                   (int)EPODE_ROSTER_NAME == EP_CONTACT_NAME && (int)EPODE_ROSTER_GROUPS == EP_CONTACT_GROUPS &&
                   (int)EPODE_ROSTER_SUBSCRIPTION == EP_CONTACT_SUBSCRIPTION &&
                   (int)EPODE_ROSTER_ASK == EP_CONTACT_ASK && (int)EPODE_ROSTER_APPROVED == EP_CONTACT_APPROVED,
               "the store's bits are the application's");

typedef struct contact_run {
    bool (*each)(const epode_contact *contact, void *user);
    void (*one)(const epode_contact *contact, void *user);
    void *user;
    char *last;
    bool stopped;
} contact_run;

/* The groups are cut out of a copy. */
static epode_status contact_row(const ep_contact *row, void *user)
{
    contact_run *run = user;
    size_t n = *row->groups ? 1 : 0, len = strlen(row->groups) + 1;
    for (const char *p = row->groups; *p; p++)
        n += *p == EP_ROSTER_SEPARATOR;
    const char **names = ep_malloc((n + 1) * sizeof *names + len);
    if (!names)
        return EPODE_ENOMEM;
    char *text = memcpy(names + n + 1, row->groups, len);
    for (size_t i = 0; i < n; i++) {
        names[i] = text;
        text += strcspn(text, (const char[]){ EP_ROSTER_SEPARATOR, '\0' });
        *text++ = '\0';
    }
    epode_contact out = { .size = sizeof out, .jid = row->jid, .name = row->name,
                          .subscription = (epode_subscription)row->subscription, .ask = row->ask,
                          .approved = row->approved, .group_count = n, .groups = names };
    if (run->each)
        run->stopped = !run->each(&out, run->user);
    else
        run->one(&out, run->user);
    ep_free(names);
    return EPODE_OK;
}

static epode_status sees_us(const ep_contact *contact, void *user)
{
    *(bool *)user = (contact->subscription & EP_ROSTER_FROM) != 0;
    return EPODE_OK;
}

epode_status ep_client_is_seen_by(epode_client *c, const char *jid, bool *is)
{
    char *bare = ep_strndup(jid, ep_jid_bare_len(jid));
    epode_status st = bare ? ep_roster_get(c->store, bare, sees_us, is) : EPODE_ENOMEM;
    ep_free(bare);
    return st < 0 ? st : EPODE_OK;
}

static epode_status list_row(const ep_contact *row, void *user)
{
    contact_run *run = user;
    ep_free(run->last);
    if (!(run->last = ep_strdup(row->jid)))
        return EPODE_ENOMEM;
    epode_status st = contact_row(row, run);
    return st ? st : run->stopped ? EPODE_ECANCELLED : EPODE_OK;
}

epode_status epode_store_roster(epode_store *s, bool (*each)(const epode_contact *contact, void *user), void *user)
{
    contact_run run = { .each = each, .user = user };
    epode_status st = EPODE_OK;
    while (st == EPODE_OK)
        st = ep_roster_list(s->store, run.last, BATCH, list_row, &run);
    ep_free(run.last);
    return run.stopped || st >= 0 ? EPODE_OK : st;
}

epode_status epode_store_contact(epode_store *s, const char *jid,
                                 void (*each)(const epode_contact *contact, void *user), void *user)
{
    contact_run run = { .one = each, .user = user };
    ep_jid bare;
    epode_status st = ep_jid_parse(&bare, jid);
    if (st)
        return st;
    st = ep_roster_get(s->store, bare.bare, contact_row, &run);
    ep_jid_free(&bare);
    return st;
}
