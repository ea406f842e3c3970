/* Archive queries (XEP-0313): who asks for what, and the faults that come before an answer. */
#include "mam.h"

#include <stdlib.h>
#include <string.h>

static const char *error_type(const char *condition)
{
    if (strcmp(condition, "bad-request") == 0 || strcmp(condition, "policy-violation") == 0)
        return "modify";
    if (strcmp(condition, "forbidden") == 0 || strcmp(condition, "not-authorized") == 0)
        return "auth";
    if (strcmp(condition, "internal-server-error") == 0 ||
        strcmp(condition, "resource-constraint") == 0)
        return "wait";
    return "cancel";
}

/* The archive that a request is addressed to: a room's, else the account's own. */
static char *owner_of(struct srv_session *session, const struct srv_xml *iq)
{
    char *owner = srv_archive_owner(session->srv, srv_xml_get(iq, "to"));
    return owner ? owner : srv_dup(session->user);
}

/* "CONDITION" or "CONDITION:N", counted down in place; NULL when the fault is off or spent. */
static char *forced_error(struct srv *srv)
{
    struct srv_value *value = &srv->settings.values[OPT_MAM_ERROR];
    char *condition = *value->text ? srv_dup(value->text) : NULL;
    char *colon = condition ? strchr(condition, ':') : NULL;
    if (!colon)
        return condition;
    *colon = '\0';
    long left = strtol(colon + 1, NULL, 10);
    char *rest = left > 1 ? srv_format("%s:%ld", condition, left - 1) : srv_dup("");
    free(value->text);
    value->text = rest;
    return condition;
}

/* With the fault, this query's page is the one that the query before it asked for. */
static struct srv_xml *page_wish(struct srv *srv, const struct srv_xml *iq)
{
    struct srv_xml *copy = srv_xml_clone(iq);
    struct srv_xml *query = srv_xml_find(copy, NS_MAM, "query");
    struct srv_xml *set = srv_xml_find(query, NS_RSM, "set");
    if (srv->mam_last_set && srv_hit(srv, MAM_REPEAT_PAGE)) {
        if (set)
            srv_xml_remove(set);
        srv_xml_add(query, srv_xml_clone(srv->mam_last_set));
        return copy;
    }
    srv_xml_free(srv->mam_last_set);
    srv->mam_last_set = set ? srv_xml_clone(set) : srv_xml_new(NS_RSM, "set");
    return copy;
}

static void answer(struct srv_session *session, const struct srv_xml *iq)
{
    struct srv *srv = session->srv;
    struct srv_xml *request = page_wish(srv, iq);
    struct srv_mam mam = {.srv = srv, .session = session, .iq = iq};
    mam.owner = owner_of(session, iq);
    mam.jid = srv_archive_jid(srv, mam.owner);
    mam.room = strchr(mam.owner, '@') != NULL;
    const char *condition = srv_mam_parse(&mam, srv_xml_find(request, NS_MAM, "query"));
    if (condition)
        srv_route_error(session, iq, error_type(condition), condition);
    else
        srv_mam_page(&mam);
    srv_buf_free(&mam.ids);
    free(mam.with);
    free(mam.jid);
    free(mam.owner);
    srv_xml_free(request);
}

static void run(struct srv_session *session, const struct srv_xml *iq)
{
    struct srv *srv = session->srv;
    char *error = forced_error(srv);
    if (error)
        srv_route_error(session, iq, error_type(error), error);
    else
        answer(session, iq);
    free(error);
}

void srv_mam_query(struct srv_session *session, const struct srv_xml *iq)
{
    struct srv *srv = session->srv;
    srv_count(srv, "mam-queries");
    if (srv_on(srv, NO_MAM)) {
        srv_route_error(session, iq, "cancel", "service-unavailable");
        return;
    }
    session->mam_asked = true;
    if (srv_number(srv, MAM_DELAY) <= 0 && !srv->mam_waiting) {
        run(session, iq);
        return;
    }
    struct srv_mam_waiting **slot = &srv->mam_waiting; /* one queue: answers stay in order */
    int64_t due_us = srv->now_us + srv_number(srv, MAM_DELAY) * 1000;
    for (; *slot; slot = &(*slot)->next)
        if ((*slot)->due_us > due_us)
            due_us = (*slot)->due_us;
    *slot = srv_alloc(sizeof **slot);
    **slot = (struct srv_mam_waiting){session, srv_xml_clone(iq), due_us, NULL};
}

void srv_mam_due(struct srv *srv)
{
    while (srv->mam_waiting && srv->mam_waiting->due_us <= srv->now_us) {
        struct srv_mam_waiting *at = srv->mam_waiting;
        srv->mam_waiting = at->next;
        run(at->session, at->iq);
        srv_sm_request(at->session);
        srv_xml_free(at->iq);
        free(at);
    }
}

void srv_mam_forget(struct srv_session *session)
{
    struct srv_mam_waiting **slot = &session->srv->mam_waiting;
    while (*slot) {
        struct srv_mam_waiting *at = *slot;
        if (at->session != session) {
            slot = &at->next;
            continue;
        }
        *slot = at->next;
        srv_xml_free(at->iq);
        free(at);
    }
}

void srv_mam_metadata(struct srv_session *session, const struct srv_xml *iq)
{
    struct srv *srv = session->srv;
    char *owner = owner_of(session, iq);
    if (srv_on(srv, NO_MAM))
        srv_route_error(session, iq, "cancel", "service-unavailable");
    else if (!srv_on(srv, METADATA) || !srv_on(srv, MAM_EXTENDED))
        srv_route_error(session, iq, "modify", "bad-request");
    else
        srv_iq_reply(session, iq, srv_archive_metadata(srv, owner));
    free(owner);
}
