/* roster.c: the account's contacts. */
#include "store/roster.h"

#include "base/str.h"
#include "store/internal.h"

static void contact_read(ep_rows *rows, ep_contact *c)
{
    c->jid = ep_rows_bytes(rows, NULL);
    c->name = ep_rows_bytes(rows, NULL);
    c->subscription = (unsigned)ep_rows_int(rows, NULL);
    c->ask = ep_rows_int(rows, NULL) != 0;
    c->approved = ep_rows_int(rows, NULL) != 0;
    c->groups = ep_rows_bytes(rows, NULL);
}

static epode_status contact_rows(ep_store *s, sqlite3_stmt *row, size_t *count, ep_contact_each each, void *user)
{
    ep_rows rows = { 0 };
    epode_status status = ep_rows_take(s, &rows, row);
    *count = rows.count;
    for (size_t i = 0; status == EPODE_OK && i < rows.count; i++) {
        ep_contact c;
        contact_read(&rows, &c);
        status = each(&c, user);
    }
    ep_rows_free(&rows);
    return status;
}

epode_status ep_roster_get(ep_store *s, const char *jid, ep_contact_each each, void *user)
{
    sqlite3_stmt *row;
    size_t count;
    epode_status status = ep_sql_row(s, &row, EP_SQL_ROSTER_GET, "t", jid);
    return status == EPODE_OK ? contact_rows(s, row, &count, each, user) : status;
}

epode_status ep_roster_list(ep_store *s, const char *after, size_t limit, ep_contact_each each, void *user)
{
    sqlite3_stmt *row;
    size_t count = 0;
    epode_status status = ep_sql_row(s, &row, EP_SQL_ROSTER_EACH, "ti", after, (int64_t)limit);
    if (status == EPODE_OK)
        status = contact_rows(s, row, &count, each, user);
    return status == EPODE_OK && count < limit ? EPODE_DONE : status;
}

typedef struct contact_compare {
    const ep_contact *to;
    unsigned changed;
} contact_compare;

static epode_status compare(const ep_contact *was, void *user)
{
    contact_compare *k = user;
    const ep_contact *is = k->to;
    k->changed = (ep_streq(was->name, is->name) ? 0 : EP_CONTACT_NAME) |
                 (ep_streq(was->groups, is->groups) ? 0 : EP_CONTACT_GROUPS) |
                 (was->subscription == is->subscription ? 0 : EP_CONTACT_SUBSCRIPTION) |
                 (was->ask == is->ask ? 0 : EP_CONTACT_ASK) | (was->approved == is->approved ? 0 : EP_CONTACT_APPROVED);
    return EPODE_OK;
}

epode_status ep_roster_put(ep_store *s, const ep_contact *contact, unsigned *changed)
{
    contact_compare k = { .to = contact };
    *changed = 0;
    epode_status status = ep_roster_get(s, contact->jid, compare, &k);
    if (status < 0)
        return status;
    *changed = status == EPODE_DONE ? EP_CONTACT_ADDED : k.changed;
    if ((status = ep_write_enter(s)) != EPODE_OK)
        return status;
    /* An unchanged one is written too: it has been seen. */
    return ep_write_leave(s, ep_sql_run(s, EP_SQL_ROSTER_PUT, "ttiiit", contact->jid, contact->name,
                                        (int64_t)contact->subscription, (int64_t)contact->ask,
                                        (int64_t)contact->approved, contact->groups));
}

epode_status ep_roster_del(ep_store *s, const char *jid)
{
    int64_t one;
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    return ep_write_leave(s, ep_sql_int(s, &one, EP_SQL_ROSTER_DEL, "t", jid));
}

epode_status ep_roster_begin(ep_store *s)
{
    epode_status status = ep_write_enter(s);
    return status == EPODE_OK ? ep_write_leave(s, ep_sql_run(s, EP_SQL_ROSTER_UNSEE, "")) : status;
}

epode_status ep_roster_end(ep_store *s, epode_status (*removed)(const char *jid, void *user), void *user)
{
    ep_rows rows = { 0 };
    sqlite3_stmt *row;
    epode_status status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = ep_sql_row(s, &row, EP_SQL_ROSTER_DEL_UNSEEN, "");
    if (status == EPODE_OK)
        status = ep_rows_take(s, &rows, row);
    for (size_t i = 0; status == EPODE_OK && i < rows.count; i++)
        status = removed(ep_rows_bytes(&rows, NULL), user);
    ep_rows_free(&rows);
    return ep_write_leave(s, status < 0 ? status : EPODE_OK);
}
