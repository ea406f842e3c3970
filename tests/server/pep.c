/* Nodes and items of accounts (XEP-0163 over XEP-0060) and the events about them. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *var, *column, *value; /* what a node has that nobody configured */
} config[] = {
    {"pubsub#access_model", "access_model", "presence"},
    {"pubsub#persist_items", "persist_items", "true"},
    {"pubsub#max_items", "max_items", "1"},
    {"pubsub#send_last_published_item", "send_last", "on_sub_and_presence"},
};
#define CONFIG_COUNT (sizeof config / sizeof config[0])

/* The form's value for a field, booleans as true and false; NULL: not in it. */
static const char *form_value(const struct srv_xml *form, const char *var)
{
    for (struct srv_xml *at = form ? form->first : NULL; at; at = at->next) {
        const char *name = srv_xml_get(at, "var");
        const char *value = srv_xml_content(srv_xml_find(at, NS_DATA, "value"));
        if (!name || strcmp(name, var) != 0)
            continue;
        if (strcmp(var, "pubsub#persist_items") != 0)
            return value;
        return strcmp(value, "1") == 0 || strcmp(value, "true") == 0 ? "true" : "false";
    }
    return NULL;
}

static char *stored_value(struct srv *srv, const char *owner, const char *node, size_t row)
{
    char *sql = srv_format("SELECT %s FROM pep_nodes WHERE owner=?1 AND node=?2",
                           config[row].column);
    char *value = srv_query_text(srv, sql, owner, node);
    free(sql);
    return value;
}

bool srv_pep_exists(struct srv *srv, const char *owner, const char *node)
{
    return srv_query_int(srv, "SELECT 1 FROM pep_nodes WHERE owner=?1 AND node=?2", owner,
                         node) == 1;
}

void srv_pep_configure(struct srv *srv, const char *owner, const char *node,
                       const struct srv_xml *form)
{
    srv_exec(srv, "INSERT OR IGNORE INTO pep_nodes VALUES(?1, ?2, 'presence', 'true', '1',"
             " 'on_sub_and_presence')", owner, node, NULL);
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        const char *value = form_value(form, config[i].var);
        char *sql = srv_format("UPDATE pep_nodes SET %s=?3 WHERE owner=?1 AND node=?2",
                               config[i].column);
        if (value)
            srv_exec(srv, sql, owner, node, value);
        free(sql);
    }
}

struct srv_xml *srv_pep_config(struct srv *srv, const char *owner, const char *node)
{
    struct srv_xml *form = srv_xml_new(NS_DATA, "x");
    srv_xml_set(form, "type", "form");
    struct srv_xml *field = srv_xml_child(form, NS_DATA, "field");
    srv_xml_set(field, "var", "FORM_TYPE");
    srv_xml_set(field, "type", "hidden");
    srv_xml_puts(srv_xml_child(field, NS_DATA, "value"), NS_PUBSUB "#node_config");
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        char *value = stored_value(srv, owner, node, i);
        field = srv_xml_child(form, NS_DATA, "field");
        srv_xml_set(field, "var", config[i].var);
        srv_xml_puts(srv_xml_child(field, NS_DATA, "value"), value ? value : config[i].value);
        free(value);
    }
    return form;
}

/* XEP-0060, 7.1.5: the options are preconditions where the node exists. */
static bool meets(struct srv *srv, const char *owner, const char *node, const struct srv_xml *form)
{
    bool same = true;
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        const char *wish = form_value(form, config[i].var);
        char *value = wish ? stored_value(srv, owner, node, i) : NULL;
        same = same && (!wish || strcmp(wish, value) == 0);
        free(value);
    }
    return same;
}

/* ---- Items and events ---- */

static void add_item(struct srv_xml *items, const char *ns, sqlite3_stmt *stmt)
{
    const char *payload = (const char *)sqlite3_column_text(stmt, 1);
    struct srv_xml *item = srv_xml_child(items, ns, "item");
    struct srv_xml *parsed = payload ? srv_xml_parse(payload) : NULL;
    srv_xml_set(item, "id", (const char *)sqlite3_column_text(stmt, 0));
    if (parsed)
        srv_xml_add(item, parsed);
}

struct srv_xml *srv_pep_items(struct srv *srv, const char *owner, const char *node, const char *id,
                              long max, const char *ns)
{
    struct srv_xml *items = srv_xml_new(ns, "items");
    srv_xml_set(items, "node", node);
    char *sql = srv_format("SELECT * FROM (SELECT id, payload, pos FROM pep_items WHERE owner=?1"
                           " AND node=?2%s ORDER BY pos DESC LIMIT %ld) ORDER BY pos",
                           id ? " AND id=?3" : "", max > 0 ? max : -1);
    sqlite3_stmt *stmt = srv_prepare(srv, sql, owner, node);
    if (id)
        sqlite3_bind_text(stmt, 3, id, -1, SQLITE_TRANSIENT);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        add_item(items, ns, stmt);
    sqlite3_finalize(stmt);
    free(sql);
    return items;
}

/* `inside` goes into the event: <items/>, <delete/>, ... It stays the caller's. */
static void send_event(struct srv_session *to, const struct srv_xml *inside)
{
    struct srv_xml *message = srv_xml_new(NS_CLIENT, "message");
    char *id = srv_random_id(to->srv);
    srv_xml_set(message, "type", "headline");
    srv_xml_set(message, "id", id);
    srv_xml_set(message, "from", to->bare);
    srv_xml_set(message, "to", to->full);
    srv_xml_add(srv_xml_child(message, NS_PUBSUB_EVENT, "event"), srv_xml_clone(inside));
    srv_session_send(to, message);
    srv_xml_free(message);
    free(id);
    srv_count(to->srv, "pep-events");
}

static bool wants(const struct srv_session *session, const char *node)
{
    if (!session->available)
        return false;
    if (srv_on(session->srv, NOTIFY_ALL))
        return true;
    return session->notify && srv_listed(session->notify, node);
}

static void notify(struct srv *srv, const char *owner, const char *node,
                   const struct srv_xml *inside)
{
    for (struct srv_session *at = srv->sessions; at; at = at->next)
        if (strcmp(at->user, owner) == 0 && wants(at, node))
            send_event(at, inside);
}

void srv_pep_last_items(struct srv_session *session)
{
    struct srv *srv = session->srv;
    sqlite3_stmt *stmt = srv_prepare(srv, "SELECT node FROM pep_nodes WHERE owner=?1 AND"
                                     " send_last<>'never' ORDER BY node", session->user, NULL);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *node = (const char *)sqlite3_column_text(stmt, 0);
        struct srv_xml *items = srv_pep_items(srv, session->user, node, NULL, 1, NS_PUBSUB_EVENT);
        if (items->first && wants(session, node))
            send_event(session, items);
        srv_xml_free(items);
    }
    sqlite3_finalize(stmt);
}

/* ---- Changes ---- */

static void store(struct srv *srv, const char *owner, const char *node, const char *id,
                  const struct srv_xml *payload)
{
    struct srv_buf text = {0};
    char *max = srv_query_text(srv, "SELECT max_items FROM pep_nodes WHERE owner=?1 AND node=?2",
                               owner, node);
    if (payload)
        srv_xml_write(&text, payload, "");
    sqlite3_stmt *stmt = srv_prepare(srv, "INSERT OR REPLACE INTO pep_items(owner, node, id,"
                                     " payload) VALUES(?1, ?2, ?3, ?4)", owner, node);
    sqlite3_bind_text(stmt, 3, id, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(stmt, 4, text.data, -1, SQLITE_TRANSIENT);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    if (strcmp(max, "max") != 0)
        srv_exec(srv, "DELETE FROM pep_items WHERE owner=?1 AND node=?2 AND pos NOT IN (SELECT pos"
                 " FROM pep_items WHERE owner=?1 AND node=?2 ORDER BY pos DESC LIMIT"
                 " CAST(?3 AS INTEGER))", owner, node, max);
    srv_buf_free(&text);
    free(max);
}

const char *srv_pep_publish(struct srv *srv, const char *owner, const char *node,
                            const struct srv_xml *item, const struct srv_xml *options, char **id)
{
    if (!srv_pep_exists(srv, owner, node))
        srv_pep_configure(srv, owner, node, options);
    else if (options && !meets(srv, owner, node, options))
        return "precondition-not-met";
    const struct srv_xml *payload = srv_xml_first(item);
    const char *named = srv_xml_get(item, "id");
    char *persist = stored_value(srv, owner, node, 1);
    *id = named ? srv_dup(named) : srv_random_id(srv);
    if (strcmp(persist, "true") == 0)
        store(srv, owner, node, *id, payload);
    struct srv_xml *items = srv_xml_new(NS_PUBSUB_EVENT, "items");
    srv_xml_set(items, "node", node);
    struct srv_xml *told = srv_xml_child(items, NS_PUBSUB_EVENT, "item");
    srv_xml_set(told, "id", *id);
    if (payload)
        srv_xml_add(told, srv_xml_clone(payload));
    notify(srv, owner, node, items);
    srv_xml_free(items);
    free(persist);
    if (strcmp(node, NS_MDS) == 0)
        srv_read_up_to(srv, owner, *id, srv_xml_get(srv_xml_find(payload, NS_SID, "stanza-id"),
                                                    "id"));
    srv_count(srv, "pep-published");
    return NULL;
}

bool srv_pep_retract(struct srv *srv, const char *owner, const char *node, const char *id,
                     bool tell)
{
    srv_exec(srv, "DELETE FROM pep_items WHERE owner=?1 AND node=?2 AND id=?3", owner, node, id);
    if (sqlite3_changes(srv->db) == 0)
        return false;
    struct srv_xml *items = srv_xml_new(NS_PUBSUB_EVENT, "items");
    srv_xml_set(items, "node", node);
    srv_xml_set(srv_xml_child(items, NS_PUBSUB_EVENT, "retract"), "id", id);
    if (tell)
        notify(srv, owner, node, items);
    srv_xml_free(items);
    return true;
}

bool srv_pep_delete(struct srv *srv, const char *owner, const char *node)
{
    srv_exec(srv, "DELETE FROM pep_items WHERE owner=?1 AND node=?2", owner, node, NULL);
    srv_exec(srv, "DELETE FROM pep_nodes WHERE owner=?1 AND node=?2", owner, node, NULL);
    if (sqlite3_changes(srv->db) == 0)
        return false;
    struct srv_xml *gone = srv_xml_new(NS_PUBSUB_EVENT, "delete");
    srv_xml_set(gone, "node", node);
    notify(srv, owner, node, gone);
    srv_xml_free(gone);
    return true;
}
