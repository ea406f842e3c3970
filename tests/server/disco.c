/* Service discovery (XEP-0030) and the capabilities hash (XEP-0115). */
#include "internal.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FEATURES 48

static size_t domain_features(struct srv *srv, const char *out[MAX_FEATURES])
{
    size_t count = 0;
    out[count++] = NS_DISCO_INFO;
    out[count++] = NS_DISCO_ITEMS;
    out[count++] = NS_VERSION;
    out[count++] = NS_PING;
    out[count++] = "msgoffline";
    if (srv_on(srv, CARBONS))
        out[count++] = NS_CARBONS;
    if (srv_on(srv, BLOCKING))
        out[count++] = NS_BLOCKING;
    if (srv_on(srv, ILL_FORMED_DISCO))
        out[count++] = NS_PING;
    return count;
}

static const char *const pep_features[] = {
    NS_PUBSUB "#auto-create", NS_PUBSUB "#access-whitelist", NS_PUBSUB "#access-presence",
    NS_PUBSUB "#config-node", NS_PUBSUB "#config-node-max", NS_PUBSUB "#create-nodes",
    NS_PUBSUB "#delete-nodes", NS_PUBSUB "#filtered-notifications", NS_PUBSUB "#item-ids",
    NS_PUBSUB "#last-published", NS_PUBSUB "#multi-items", NS_PUBSUB "#persistent-items",
    NS_PUBSUB "#publish", NS_PUBSUB "#publish-options", NS_PUBSUB "#retract-items",
    NS_PUBSUB "#retrieve-items"};

static size_t account_features(struct srv *srv, const char *out[MAX_FEATURES])
{
    size_t count = 0;
    out[count++] = NS_DISCO_INFO;
    out[count++] = NS_DISCO_ITEMS;
    out[count++] = NS_PING;
    if (srv_on(srv, CARBONS))
        out[count++] = NS_CARBONS;
    if (srv_on(srv, ACCOUNT_MAM) && !srv_on(srv, NO_MAM)) {
        out[count++] = NS_MAM;
        if (srv_on(srv, MAM_EXTENDED))
            out[count++] = NS_MAM_EXTENDED;
        if (srv_on(srv, MAM_GROUPCHAT_FIELD))
            out[count++] = NS_MAM "#groupchat-field";
        if (srv_on(srv, MAM_GROUPCHAT_FIELD) && srv_on(srv, ARCHIVE_GROUPCHAT))
            out[count++] = NS_MAM "#groupchat-available";
    }
    if (srv_on(srv, PUSH))
        out[count++] = NS_PUSH;
    if (srv_on(srv, ACCOUNT_SID))
        out[count++] = NS_SID;
    if (srv_on(srv, PEP))
        for (size_t i = 0; i < sizeof pep_features / sizeof pep_features[0]; i++)
            out[count++] = pep_features[i];
    if (srv_on(srv, PEP) && srv_on(srv, MDS_ASSIST))
        out[count++] = "urn:xmpp:mds:server-assist:0";
    return count;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* XEP-0115, 5.1 */
char *srv_caps_ver(struct srv *srv)
{
    const char *features[MAX_FEATURES];
    size_t count = domain_features(srv, features);
    struct srv_buf text = {0};
    uint8_t hash[20];
    qsort(features, count, sizeof features[0], by_text);
    srv_buf_puts(&text, srv_on(srv, WRONG_CAPS) ? "server/im//another<" : "server/im//epode-testserver<");
    for (size_t i = 0; i < count; i++)
        srv_buf_printf(&text, "%s<", features[i]);
    if (EVP_Digest(text.data, text.len, hash, NULL, EVP_sha1(), NULL) != 1)
        abort();
    srv_buf_free(&text);
    return srv_base64(hash, sizeof hash);
}

/* The node of a query about the domain must be none, or the one in our capabilities. */
static bool node_known(struct srv *srv, const char *node, bool account)
{
    if (!node)
        return true;
    char *ver = srv_caps_ver(srv);
    char *known = srv_format("urn:epode:testserver#%s", ver);
    bool same = !account && strcmp(node, known) == 0;
    free(ver);
    free(known);
    return same;
}

void srv_disco(struct srv_session *session, const struct srv_xml *iq, bool account)
{
    struct srv *srv = session->srv;
    const char *features[MAX_FEATURES];
    const char *node = srv_xml_get(srv_xml_find(iq, NS_DISCO_INFO, "query"), "node");
    if (!node_known(srv, node, account)) {
        srv_route_error(session, iq, "cancel", "item-not-found");
        return;
    }
    struct srv_xml *query = srv_xml_new(NS_DISCO_INFO, "query");
    srv_xml_set(query, "node", node);
    struct srv_xml *identity = srv_xml_child(query, NS_DISCO_INFO, "identity");
    srv_xml_set(identity, "category", account ? "account" : "server");
    srv_xml_set(identity, "type", account ? "registered" : "im");
    if (account && srv_on(srv, PEP)) {
        identity = srv_xml_child(query, NS_DISCO_INFO, "identity");
        srv_xml_set(identity, "category", "pubsub");
        srv_xml_set(identity, "type", "pep");
    }
    if (!account)
        srv_xml_set(identity, "name", "epode-testserver");
    size_t count = account ? account_features(srv, features) : domain_features(srv, features);
    for (size_t i = 0; i < count; i++)
        srv_xml_set(srv_xml_child(query, NS_DISCO_INFO, "feature"), "var", features[i]);
    srv_iq_reply(session, iq, query);
}
