/* Requests about an account's nodes (XEP-0060), and the control lines for them. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static void refuse(struct srv_session *session, const struct srv_xml *iq, const char *condition)
{
    srv_route_error(session, iq, strcmp(condition, "bad-request") == 0 ? "modify" : "cancel",
                    condition);
}

static void publish(struct srv_session *session, const struct srv_xml *iq,
                    const struct srv_xml *publish_el)
{
    const char *node = srv_xml_get(publish_el, "node");
    const struct srv_xml *item = srv_xml_find(publish_el, NS_PUBSUB, "item");
    const struct srv_xml *options = srv_xml_find(publish_el->parent, NS_PUBSUB, "publish-options");
    char *id = NULL;
    if (!node || !item) {
        refuse(session, iq, "bad-request");
        return;
    }
    const char *wrong = srv_pep_publish(session->srv, session->user, node, item,
                                        srv_xml_find(options, NS_DATA, "x"), &id);
    if (wrong) {
        srv_route_error_with(session, iq, "cancel", "conflict", NS_PUBSUB_ERRORS, wrong);
        return;
    }
    struct srv_xml *reply = srv_xml_new(NS_PUBSUB, "pubsub");
    struct srv_xml *done = srv_xml_child(reply, NS_PUBSUB, "publish");
    srv_xml_set(done, "node", node);
    srv_xml_set(srv_xml_child(done, NS_PUBSUB, "item"), "id", id);
    srv_iq_reply(session, iq, reply);
    free(id);
}

static void items(struct srv_session *session, const struct srv_xml *iq, const struct srv_xml *wish)
{
    const char *node = srv_xml_get(wish, "node"), *max = srv_xml_get(wish, "max_items");
    const struct srv_xml *item = srv_xml_find(wish, NS_PUBSUB, "item");
    if (!node || !srv_pep_exists(session->srv, session->user, node)) {
        refuse(session, iq, node ? "item-not-found" : "bad-request");
        return;
    }
    struct srv_xml *reply = srv_xml_new(NS_PUBSUB, "pubsub");
    srv_xml_add(reply, srv_pep_items(session->srv, session->user, node,
                                     srv_xml_get(item, "id"), max ? atol(max) : 0, NS_PUBSUB));
    srv_iq_reply(session, iq, reply);
}

static void retract(struct srv_session *session, const struct srv_xml *iq,
                    const struct srv_xml *wish)
{
    const char *node = srv_xml_get(wish, "node");
    const char *id = srv_xml_get(srv_xml_find(wish, NS_PUBSUB, "item"), "id");
    if (!node || !id)
        refuse(session, iq, "bad-request");
    else if (!srv_pep_retract(session->srv, session->user, node, id, srv_xml_true(wish, "notify")))
        refuse(session, iq, "item-not-found");
    else
        srv_iq_reply(session, iq, NULL);
}

static void create(struct srv_session *session, const struct srv_xml *iq,
                   const struct srv_xml *wish)
{
    const char *node = srv_xml_get(wish, "node");
    const struct srv_xml *configure = srv_xml_find(wish->parent, NS_PUBSUB, "configure");
    if (!node || srv_pep_exists(session->srv, session->user, node)) {
        refuse(session, iq, node ? "conflict" : "bad-request");
        return;
    }
    srv_pep_configure(session->srv, session->user, node, srv_xml_find(configure, NS_DATA, "x"));
    srv_iq_reply(session, iq, NULL);
}

static void configure(struct srv_session *session, const struct srv_xml *iq,
                      const struct srv_xml *wish)
{
    struct srv *srv = session->srv;
    const char *node = srv_xml_get(wish, "node");
    if (!node || !srv_pep_exists(srv, session->user, node)) {
        refuse(session, iq, node ? "item-not-found" : "bad-request");
        return;
    }
    if (strcmp(srv_xml_get(iq, "type"), "set") == 0) {
        srv_pep_configure(srv, session->user, node, srv_xml_find(wish, NS_DATA, "x"));
        srv_iq_reply(session, iq, NULL);
        return;
    }
    struct srv_xml *reply = srv_xml_new(NS_PUBSUB_OWNER, "pubsub");
    struct srv_xml *el = srv_xml_child(reply, NS_PUBSUB_OWNER, "configure");
    srv_xml_set(el, "node", node);
    srv_xml_add(el, srv_pep_config(srv, session->user, node));
    srv_iq_reply(session, iq, reply);
}

static void delete_node(struct srv_session *session, const struct srv_xml *iq,
                        const struct srv_xml *wish)
{
    const char *node = srv_xml_get(wish, "node");
    if (node && srv_pep_delete(session->srv, session->user, node))
        srv_iq_reply(session, iq, NULL);
    else
        refuse(session, iq, node ? "item-not-found" : "bad-request");
}

static const struct {
    const char *type, *ns, *name; /* type NULL: both */
    void (*fn)(struct srv_session *session, const struct srv_xml *iq, const struct srv_xml *wish);
} actions[] = {
    {"set", NS_PUBSUB, "publish", publish},
    {"get", NS_PUBSUB, "items", items},
    {"set", NS_PUBSUB, "retract", retract},
    {"set", NS_PUBSUB, "create", create},
    {NULL, NS_PUBSUB_OWNER, "configure", configure},
    {"set", NS_PUBSUB_OWNER, "delete", delete_node},
};

void srv_pep_iq(struct srv_session *session, const struct srv_xml *iq)
{
    const char *type = srv_xml_get(iq, "type");
    const struct srv_xml *wish = srv_xml_first(srv_xml_first(iq));
    if (!srv_on(session->srv, PEP)) {
        refuse(session, iq, "service-unavailable");
        return;
    }
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (srv_xml_is(wish, actions[i].ns, actions[i].name) &&
            (!actions[i].type || strcmp(type, actions[i].type) == 0)) {
            actions[i].fn(session, iq, wish);
            return;
        }
    }
    refuse(session, iq, "feature-not-implemented");
}

/* ---- XEP-0490 ---- */

static struct srv_xml *displayed_item(const char *peer, const char *by, const char *id)
{
    struct srv_xml *item = srv_xml_new(NS_PUBSUB, "item");
    struct srv_xml *displayed = srv_xml_child(item, NS_MDS, "displayed");
    struct srv_xml *sid = srv_xml_child(displayed, NS_SID, "stanza-id");
    srv_xml_set(item, "id", peer);
    srv_xml_set(sid, "by", by);
    srv_xml_set(sid, "id", id);
    return item;
}

/* What XEP-0490 makes clients ask for, for nodes that the server makes itself. */
static struct srv_xml *private_options(void)
{
    static const char *const pairs[][2] = {{"pubsub#persist_items", "true"},
                                           {"pubsub#max_items", "max"},
                                           {"pubsub#send_last_published_item", "never"},
                                           {"pubsub#access_model", "whitelist"}};
    struct srv_xml *form = srv_xml_new(NS_DATA, "x");
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct srv_xml *field = srv_xml_child(form, NS_DATA, "field");
        srv_xml_set(field, "var", pairs[i][0]);
        srv_xml_puts(srv_xml_child(field, NS_DATA, "value"), pairs[i][1]);
    }
    return form;
}

static void publish_displayed(struct srv *srv, const char *owner, const struct srv_xml *item)
{
    struct srv_xml *options = srv_pep_exists(srv, owner, NS_MDS) ? NULL : private_options();
    char *id = NULL;
    srv_pep_publish(srv, owner, NS_MDS, item, options, &id);
    srv_xml_free(options);
    free(id);
}

void srv_pep_assist(struct srv_session *session, struct srv_xml *message)
{
    struct srv *srv = session->srv;
    struct srv_xml *displayed = srv_xml_find(message, NS_MDS, "displayed");
    if (!displayed || !srv_on(srv, PEP) || !srv_on(srv, MDS_ASSIST))
        return;
    struct srv_xml *item = srv_xml_new(NS_PUBSUB, "item");
    srv_xml_set(item, "id", srv_xml_get(message, "to"));
    srv_xml_add(item, srv_xml_clone(displayed));
    srv_xml_remove(displayed);
    publish_displayed(srv, session->user, item);
    srv_xml_free(item);
}

/* ---- Control lines ---- */

const char *srv_line_mds_publish(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *owner = srv_archive_owner(srv, srv_word(&rest));
    const char *peer = srv_word(&rest), *id = srv_word(&rest);
    (void)out;
    if (!owner || !*peer || !*id) {
        free(owner);
        return "mds-publish USER PEER STANZA-ID";
    }
    char *room = srv_archive_owner(srv, peer), *by = srv_archive_jid(srv, owner);
    struct srv_xml *item = displayed_item(peer, room && strchr(room, '@') ? room : by, id);
    publish_displayed(srv, owner, item);
    srv_xml_free(item);
    free(room);
    free(by);
    free(owner);
    return NULL;
}

/* An event about USER's own node in somebody else's name. */
const char *srv_line_mds_forge(struct srv *srv, char *rest, struct srv_buf *out)
{
    const char *from = srv_word(&rest), *user = srv_word(&rest), *peer = srv_word(&rest);
    const char *id = srv_word(&rest);
    long count = 0;
    if (!*id)
        return "mds-forge FROM USER PEER STANZA-ID";
    for (struct srv_session *at = srv->sessions; at; at = at->next) {
        if (strcmp(at->user, user) != 0)
            continue;
        struct srv_xml *message = srv_xml_new(NS_CLIENT, "message");
        srv_xml_set(message, "type", "headline");
        srv_xml_set(message, "from", from);
        srv_xml_set(message, "to", at->full);
        struct srv_xml *event = srv_xml_child(message, NS_PUBSUB_EVENT, "event");
        struct srv_xml *list = srv_xml_child(event, NS_PUBSUB_EVENT, "items");
        struct srv_xml *item = displayed_item(peer, at->bare, id);
        srv_set(&item->ns, NS_PUBSUB_EVENT);
        srv_xml_set(list, "node", NS_MDS);
        srv_xml_add(list, item);
        srv_session_send(at, message);
        srv_xml_free(message);
        count++;
    }
    srv_buf_printf(out, ",\"sent\":%ld", count);
    return NULL;
}

const char *srv_line_pep_dump(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *owner = srv_archive_owner(srv, srv_word(&rest));
    const char *comma = "";
    if (!owner)
        return "pep-dump USER";
    sqlite3_stmt *stmt = srv_prepare(srv, "SELECT node, id, payload FROM pep_items WHERE owner=?1"
                                     " ORDER BY pos", owner, NULL);
    srv_buf_puts(out, ",\"items\":[");
    for (; sqlite3_step(stmt) == SQLITE_ROW; comma = ",") {
        srv_buf_printf(out, "%s{\"node\":", comma);
        srv_buf_json(out, (const char *)sqlite3_column_text(stmt, 0));
        srv_buf_puts(out, ",\"item\":");
        srv_buf_json(out, (const char *)sqlite3_column_text(stmt, 1));
        srv_buf_puts(out, ",\"payload\":");
        srv_buf_json(out, (const char *)sqlite3_column_text(stmt, 2));
        srv_buf_puts(out, "}");
    }
    srv_buf_puts(out, "]");
    sqlite3_finalize(stmt);
    free(owner);
    return NULL;
}
