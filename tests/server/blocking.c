/* The block list (XEP-0191): kept per user, pushed to who asked for it, and obeyed for messages, presence and requests. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static bool listed(struct srv *srv, const char *user, const char *jid)
{
    return jid && srv_query_int(srv, "SELECT count(*) FROM blocked WHERE user=?1 AND jid=?2", user, jid) > 0;
}

bool srv_blocks(struct srv *srv, const char *user, const char *jid)
{
    struct srv_jid who = {0};
    if (!srv_on(srv, BLOCKING) || !jid || !srv_jid_parse(jid, &who))
        return false;
    char *bare = srv_jid_bare(jid);
    bool is = listed(srv, user, jid) || listed(srv, user, bare) || listed(srv, user, who.domain);
    srv_jid_free(&who);
    free(bare);
    return is;
}

static void push(struct srv *srv, const char *user, const struct srv_xml *change)
{
    for (struct srv_session *at = srv->sessions; at; at = at->next) {
        if (!at->blocks_asked || strcmp(at->user, user) != 0)
            continue;
        struct srv_xml *iq = srv_xml_new(NS_CLIENT, "iq");
        char *id = srv_random_id(srv);
        srv_xml_set(iq, "type", "set");
        srv_xml_set(iq, "id", id);
        srv_xml_set(iq, "to", at->full);
        srv_xml_add(iq, srv_xml_clone(change));
        srv_session_send(at, iq);
        srv_xml_free(iq);
        free(id);
    }
}

/* Who may see the user is told that it went, or is there (XEP-0191, 3.3 and 3.4). */
static void show(struct srv *srv, const char *user, const char *jid, bool gone)
{
    for (struct srv_session *mine = srv->sessions; mine; mine = mine->next) {
        if (strcmp(mine->user, user) != 0 || !mine->available || !mine->presence)
            continue;
        for (struct srv_session *at = srv->sessions; at; at = at->next) {
            if (strcmp(at->bare, jid) != 0 || !at->available || !srv_roster_has(srv, user, at->bare, true))
                continue;
            struct srv_xml *copy = srv_xml_clone(mine->presence);
            srv_xml_set(copy, "type", gone ? "unavailable" : NULL);
            srv_xml_set(copy, "to", at->full);
            srv_session_send(at, copy);
            srv_xml_free(copy);
        }
    }
}

static void change(struct srv *srv, const char *user, const struct srv_xml *list, bool block)
{
    for (const struct srv_xml *item = list->first; item; item = item->next) {
        const char *jid = srv_xml_is(item, NS_BLOCKING, "item") ? srv_xml_get(item, "jid") : NULL;
        if (!jid)
            continue;
        srv_exec(srv, block ? "INSERT OR IGNORE INTO blocked(user, jid) VALUES(?1, ?2)"
                            : "DELETE FROM blocked WHERE user=?1 AND jid=?2", user, jid, NULL);
        show(srv, user, jid, block);
    }
    if (!block && !srv_xml_first(list))
        srv_exec(srv, "DELETE FROM blocked WHERE user=?1", user, NULL, NULL);
    push(srv, user, list);
}

void srv_blocking_iq(struct srv_session *session, const struct srv_xml *iq)
{
    struct srv *srv = session->srv;
    const struct srv_xml *payload = srv_xml_first(iq);
    if (!srv_on(srv, BLOCKING)) {
        srv_route_error(session, iq, "cancel", "service-unavailable");
        return;
    }
    if (srv_xml_is(payload, NS_BLOCKING, "blocklist")) {
        struct srv_xml *list = srv_xml_new(NS_BLOCKING, "blocklist");
        sqlite3_stmt *stmt = srv_prepare(srv, "SELECT jid FROM blocked WHERE user=?1 ORDER BY jid", session->user, NULL);
        while (sqlite3_step(stmt) == SQLITE_ROW)
            srv_xml_set(srv_xml_child(list, NS_BLOCKING, "item"), "jid", (const char *)sqlite3_column_text(stmt, 0));
        sqlite3_finalize(stmt);
        session->blocks_asked = true;
        srv_count(srv, "block-lists");
        srv_iq_reply(session, iq, list);
        return;
    }
    bool block = srv_xml_is(payload, NS_BLOCKING, "block");
    if (block && !srv_xml_first(payload)) {
        srv_route_error(session, iq, "modify", "bad-request");
        return;
    }
    srv_iq_reply(session, iq, NULL);
    change(srv, session->user, payload, block);
}

/* What a user may not send, because it blocks the target. */
bool srv_blocking_outbound(struct srv_session *session, const struct srv_xml *stanza)
{
    const char *to = srv_xml_get(stanza, "to");
    if (!to || !srv_blocks(session->srv, session->user, to))
        return false;
    srv_route_error_with(session, stanza, "cancel", "not-acceptable", NS_BLOCKING ":errors", "blocked");
    return true;
}

/* What does not reach a user, because it blocks the sender. */
bool srv_blocking_inbound(struct srv_session *session, const struct srv_xml *stanza)
{
    struct srv_jid to = {0};
    bool blocked = false;
    if (srv_jid_parse(srv_xml_get(stanza, "to"), &to) && to.local && strcmp(to.domain, session->srv->domain) == 0)
        blocked = srv_blocks(session->srv, to.local, session->full);
    if (blocked && strcmp(stanza->name, "presence") != 0)
        srv_route_error(session, stanza, "cancel", "service-unavailable");
    srv_jid_free(&to);
    return blocked;
}

const char *srv_line_block(struct srv *srv, char *rest, struct srv_buf *out)
{
    char *user = srv_word(&rest), *how = srv_word(&rest);
    bool block = strcmp(how, "block") == 0;
    (void)out;
    if (!*user || (!block && strcmp(how, "unblock") != 0) || (block && !*rest))
        return "blocking USER block|unblock [JID]";
    struct srv_xml *list = srv_xml_new(NS_BLOCKING, how);
    if (*rest)
        srv_xml_set(srv_xml_child(list, NS_BLOCKING, "item"), "jid", rest);
    change(srv, user, list, block);
    srv_xml_free(list);
    return NULL;
}
