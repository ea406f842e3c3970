/* Requests that the server answers itself. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

typedef void iq_fn(struct srv_session *session, const struct srv_xml *iq);

static void forge_reply(struct srv_session *session, const struct srv_xml *iq)
{
    char *mallory = srv_format("mallory@%s", session->srv->domain);
    struct srv_xml *reply = srv_xml_new(NS_CLIENT, "iq");
    srv_xml_set(reply, "type", "result");
    srv_xml_set(reply, "id", srv_xml_get(iq, "id"));
    srv_xml_set(reply, "from", mallory);
    srv_xml_set(reply, "to", session->full);
    srv_session_send(session, reply);
    srv_xml_free(reply);
    free(mallory);
}

void srv_iq_reply(struct srv_session *session, const struct srv_xml *iq, struct srv_xml *payload)
{
    if (srv_hit(session->srv, FORGED_ANSWER))
        forge_reply(session, iq);
    struct srv_xml *reply = srv_xml_new(NS_CLIENT, "iq");
    srv_xml_set(reply, "type", "result");
    srv_xml_set(reply, "id", srv_xml_get(iq, "id"));
    srv_xml_set(reply, "from", srv_xml_get(iq, "to"));
    srv_xml_set(reply, "to", session->full);
    if (payload)
        srv_xml_add(reply, payload);
    srv_session_send(session, reply);
    srv_xml_free(reply);
}

static void done(struct srv_session *session, const struct srv_xml *iq)
{
    srv_iq_reply(session, iq, NULL);
}

static void version(struct srv_session *session, const struct srv_xml *iq)
{
    struct srv_xml *query = srv_xml_new(NS_VERSION, "query");
    srv_xml_puts(srv_xml_child(query, NS_VERSION, "name"), "epode-testserver");
    srv_xml_puts(srv_xml_child(query, NS_VERSION, "version"), "1");
    srv_iq_reply(session, iq, query);
}

static void carbons(struct srv_session *session, const struct srv_xml *iq)
{
    if (!srv_on(session->srv, CARBONS)) {
        srv_route_error(session, iq, "cancel", "feature-not-implemented");
        return;
    }
    session->carbons = srv_xml_find(iq, NS_CARBONS, "enable") != NULL;
    srv_count(session->srv, session->carbons ? "carbons-enabled" : "carbons-disabled");
    srv_iq_reply(session, iq, NULL);
}

static void domain_info(struct srv_session *session, const struct srv_xml *iq)
{
    srv_count(session->srv, "disco-domain");
    srv_disco(session, iq, false);
}

static void account_info(struct srv_session *session, const struct srv_xml *iq)
{
    srv_count(session->srv, "disco-account");
    srv_disco(session, iq, true);
}

static void items(struct srv_session *session, const struct srv_xml *iq)
{
    struct srv_xml *query = srv_xml_new(NS_DISCO_ITEMS, "query");
    char *bare = srv_jid_bare(srv_xml_get(iq, "to"));
    if (srv_on(session->srv, ROOMS) && bare && strcmp(bare, session->srv->domain) == 0) {
        char *rooms = srv_format("rooms.%s", session->srv->domain);
        srv_xml_set(srv_xml_child(query, NS_DISCO_ITEMS, "item"), "jid", rooms);
        free(rooms);
    }
    if (srv_on(session->srv, UPLOAD) && bare && strcmp(bare, session->srv->domain) == 0) {
        char *upload = srv_format("upload.%s", session->srv->domain);
        srv_xml_set(srv_xml_child(query, NS_DISCO_ITEMS, "item"), "jid", upload);
        free(upload);
    }
    srv_iq_reply(session, iq, query);
    free(bare);
}

/* `where`: the domain, the own account (to itself or to nobody), or either. */
enum where { DOMAIN = 1, ACCOUNT = 2 };

static const struct {
    const char *type, *ns, *name;
    int where;
    iq_fn *fn;
} rows[] = {
    {"get", NS_PING, "ping", DOMAIN | ACCOUNT, done},
    {"set", NS_SESSION, "session", DOMAIN | ACCOUNT, done},
    {"get", NS_VERSION, "query", DOMAIN, version},
    {"get", NS_DISCO_INFO, "query", DOMAIN, domain_info},
    {"get", NS_DISCO_INFO, "query", ACCOUNT, account_info},
    {"get", NS_DISCO_ITEMS, "query", DOMAIN | ACCOUNT, items},
    {"get", NS_ROSTER, "query", ACCOUNT, srv_roster_iq},
    {"set", NS_ROSTER, "query", ACCOUNT, srv_roster_iq},
    {"get", NS_BLOCKING, "blocklist", ACCOUNT, srv_blocking_iq},
    {"set", NS_BLOCKING, "block", ACCOUNT, srv_blocking_iq},
    {"set", NS_BLOCKING, "unblock", ACCOUNT, srv_blocking_iq},
    {"set", NS_PUSH, "enable", ACCOUNT, srv_push_iq},
    {"set", NS_PUSH, "disable", ACCOUNT, srv_push_iq},
    {"set", NS_CARBONS, "enable", ACCOUNT, carbons},
    {"set", NS_CARBONS, "disable", ACCOUNT, carbons},
    {"get", NS_PUBSUB, "pubsub", ACCOUNT, srv_pep_iq},
    {"set", NS_PUBSUB, "pubsub", ACCOUNT, srv_pep_iq},
    {"get", NS_PUBSUB_OWNER, "pubsub", ACCOUNT, srv_pep_iq},
    {"set", NS_PUBSUB_OWNER, "pubsub", ACCOUNT, srv_pep_iq},
    {"get", NS_MAM, "metadata", ACCOUNT, srv_mam_metadata},
    {"get", NS_MAM, "query", ACCOUNT, srv_mam_form},
    {"set", NS_MAM, "query", ACCOUNT, srv_mam_query},
};

static int place(const struct srv_session *session, const char *to)
{
    if (!to)
        return ACCOUNT;
    char *bare = srv_jid_bare(to);
    int where = 0;
    if (bare && strcmp(bare, session->bare) == 0)
        where = ACCOUNT;
    else if (bare && strcmp(bare, session->srv->domain) == 0)
        where = DOMAIN;
    free(bare);
    return where;
}

void srv_iq(struct srv_session *session, struct srv_xml *iq)
{
    const struct srv_xml *payload = srv_xml_first(iq);
    const char *type = srv_xml_get(iq, "type");
    int where = place(session, srv_xml_get(iq, "to"));
    if (srv_hit(session->srv, IGNORE_IQ))
        return;
    if (!payload) {
        srv_route_error(session, iq, "modify", "bad-request");
        return;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((rows[i].where & where) && strcmp(type, rows[i].type) == 0 &&
            srv_xml_is(payload, rows[i].ns, rows[i].name)) {
            rows[i].fn(session, iq);
            return;
        }
    }
    srv_count(session->srv, "unknown-iq");
    if (where == 0 && payload->ns && strcmp(payload->ns, NS_MAM) == 0) {
        srv_route_error(session, iq, "auth", "forbidden"); /* XEP-0313: somebody else's archive */
        return;
    }
    srv_route_error(session, iq, "cancel", "service-unavailable");
}
