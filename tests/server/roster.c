/* Rosters with versions (RFC 6121, 2) and the subscriptions in them. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS "SELECT jid, name, subscription, ask, groups, ver FROM roster "

static char *version_of(struct srv *srv, const char *user)
{
    return srv_format("%lld", (long long)srv_query_int(
                          srv, "SELECT roster_ver FROM users WHERE name=?1", user, NULL));
}

/* Groups are stored one per line. */
static void add_groups(struct srv_xml *item, const char *groups)
{
    char *copy = srv_dup(groups), *save = NULL;
    for (char *group = strtok_r(copy, "\n", &save); group; group = strtok_r(NULL, "\n", &save))
        srv_xml_puts(srv_xml_child(item, NS_ROSTER, "group"), group);
    free(copy);
}

static void add_item(struct srv_xml *query, sqlite3_stmt *stmt)
{
    struct srv_xml *item = srv_xml_child(query, NS_ROSTER, "item");
    const char *subscription = (const char *)sqlite3_column_text(stmt, 2);
    srv_xml_set(item, "jid", (const char *)sqlite3_column_text(stmt, 0));
    srv_xml_set(item, "subscription", subscription);
    if (strcmp(subscription, "remove") == 0)
        return;
    srv_xml_set(item, "name", (const char *)sqlite3_column_text(stmt, 1));
    if (sqlite3_column_int(stmt, 3))
        srv_xml_set(item, "ask", "subscribe");
    add_groups(item, (const char *)sqlite3_column_text(stmt, 4));
}

/* A push to one resource: the row at hand as it is now. */
static void push_row(struct srv_session *session, sqlite3_stmt *stmt)
{
    struct srv_xml *iq = srv_xml_new(NS_CLIENT, "iq");
    char *id = srv_random_id(session->srv);
    srv_xml_set(iq, "type", "set");
    srv_xml_set(iq, "id", id);
    srv_xml_set(iq, "to", session->full);
    struct srv_xml *query = srv_xml_child(iq, NS_ROSTER, "query");
    srv_xml_set(query, "ver", (const char *)sqlite3_column_text(stmt, 5));
    add_item(query, stmt);
    srv_session_send(session, iq);
    srv_xml_free(iq);
    free(id);
}

/* Records a change and tells every resource that asked for the roster (RFC 6121, 2.1.6). */
static void put(struct srv *srv, const char *user, const char *jid, const char *subscription,
                int ask)
{
    srv_exec(srv, "UPDATE users SET roster_ver=roster_ver+1 WHERE name=?1", user, NULL, NULL);
    sqlite3_stmt *stmt = srv_prepare(srv,
        "INSERT INTO roster(user, jid, subscription, ask, ver) VALUES(?1, ?2, ?3, ?4,"
        " (SELECT roster_ver FROM users WHERE name=?1)) ON CONFLICT(user, jid) DO UPDATE"
        " SET subscription=excluded.subscription, ask=excluded.ask, ver=excluded.ver,"
        " name=CASE excluded.subscription WHEN 'remove' THEN NULL ELSE name END,"
        " groups=CASE excluded.subscription WHEN 'remove' THEN '' ELSE groups END", user, jid);
    sqlite3_bind_text(stmt, 3, subscription, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(stmt, 4, ask);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    stmt = srv_prepare(srv, COLUMNS "WHERE user=?1 AND jid=?2", user, jid);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        for (struct srv_session *at = srv->sessions; at; at = at->next)
            if (at->roster_asked && strcmp(at->user, user) == 0)
                push_row(at, stmt);
    sqlite3_finalize(stmt);
}

static void add_junk(struct srv_xml *query)
{
    static const char *const jids[] = {"@", "x@localhost/with-resource", NULL, "odd@localhost", "gone@localhost"};
    static const char *const subscriptions[] = {"both", "both", "to", "sometimes", "remove"};
    for (int i = 0; i < 5; i++) {
        struct srv_xml *item = srv_xml_child(query, NS_ROSTER, "item");
        srv_xml_set(item, "jid", jids[i]);
        srv_xml_set(item, "subscription", subscriptions[i]);
    }
    srv_xml_child(query, NS_ROSTER, "nothing");
}

static void get(struct srv_session *session, const struct srv_xml *iq)
{
    struct srv *srv = session->srv;
    const char *known = srv_xml_get(srv_xml_find(iq, NS_ROSTER, "query"), "ver");
    char *ver = version_of(srv, session->user);
    bool delta = known && *known && srv_on(srv, ROSTER_VERSION) && atoll(known) <= atoll(ver);
    session->roster_asked = true;
    srv_count(srv, known ? "roster-gets-with-version" : "roster-gets");
    if (delta) { /* RFC 6121, 2.6.3: an empty result, then what changed as pushes */
        srv_iq_reply(session, iq, NULL);
        sqlite3_stmt *stmt = srv_prepare(srv, COLUMNS "WHERE user=?1 AND ver>CAST(?2 AS INTEGER)"
                                         " ORDER BY ver", session->user, known);
        while (sqlite3_step(stmt) == SQLITE_ROW)
            push_row(session, stmt);
        sqlite3_finalize(stmt);
        free(ver);
        return;
    }
    srv_count(srv, "rosters-sent");
    struct srv_xml *query = srv_xml_new(NS_ROSTER, "query");
    if (srv_on(srv, ROSTER_VERSION))
        srv_xml_set(query, "ver", ver);
    sqlite3_stmt *stmt = srv_prepare(srv, COLUMNS "WHERE user=?1 AND subscription<>'remove'"
                                     " ORDER BY jid", session->user, NULL);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        add_item(query, stmt);
    sqlite3_finalize(stmt);
    if (srv_on(srv, ROSTER_JUNK))
        add_junk(query);
    srv_iq_reply(session, iq, query);
    free(ver);
}

static char *subscription_of(struct srv *srv, const char *user, const char *jid)
{
    char *now = srv_query_text(srv, "SELECT subscription FROM roster WHERE user=?1 AND jid=?2"
                               " AND subscription<>'remove'", user, jid);
    return now ? now : srv_dup("none");
}

static bool asked(struct srv *srv, const char *user, const char *jid)
{
    return srv_query_int(srv, "SELECT ask FROM roster WHERE user=?1 AND jid=?2", user, jid) != 0;
}

/* Name and groups; the subscription is the server's to decide. */
static void describe(struct srv_session *session, const char *jid, const struct srv_xml *item)
{
    struct srv *srv = session->srv;
    struct srv_buf groups = {0};
    srv_buf_puts(&groups, "");
    for (struct srv_xml *child = item->first; child; child = child->next)
        if (srv_xml_is(child, NS_ROSTER, "group"))
            srv_buf_printf(&groups, "%s\n", srv_xml_content(child));
    char *now = subscription_of(srv, session->user, jid);
    /* The row first, so that the one push that follows says everything. */
    srv_exec(srv, "INSERT OR IGNORE INTO roster(user, jid, subscription, ver)"
             " VALUES(?1, ?2, ?3, 0)", session->user, jid, now);
    sqlite3_stmt *stmt = srv_prepare(srv, "UPDATE roster SET name=?3, groups=?4"
                                     " WHERE user=?1 AND jid=?2", session->user, jid);
    sqlite3_bind_text(stmt, 3, srv_xml_get(item, "name"), -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(stmt, 4, groups.data, -1, SQLITE_TRANSIENT);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    put(srv, session->user, jid, now, asked(srv, session->user, jid));
    srv_buf_free(&groups);
    free(now);
}

static void set(struct srv_session *session, const struct srv_xml *iq)
{
    const struct srv_xml *query = srv_xml_find(iq, NS_ROSTER, "query");
    const struct srv_xml *item = srv_xml_find(query, NS_ROSTER, "item");
    char *jid = item ? srv_jid_bare(srv_xml_get(item, "jid")) : NULL;
    const char *wish = srv_xml_get(item, "subscription");
    if (!jid) {
        srv_route_error(session, iq, "modify", "bad-request");
        return;
    }
    if (wish && strcmp(wish, "remove") == 0)
        put(session->srv, session->user, jid, "remove", 0);
    else
        describe(session, jid, item);
    srv_iq_reply(session, iq, NULL);
    free(jid);
}

void srv_roster_iq(struct srv_session *session, const struct srv_xml *iq)
{
    const char *refusal = srv_text(session->srv, ROSTER_ERROR);
    if (*refusal)
        srv_route_error(session, iq, "cancel", refusal);
    else if (strcmp(srv_xml_get(iq, "type"), "get") == 0)
        get(session, iq);
    else
        set(session, iq);
}

/* Adds or takes away the half ("to" or "from") of a subscription. */
static const char *combine(const char *now, const char *half, bool add)
{
    bool to = strcmp(now, "to") == 0 || strcmp(now, "both") == 0;
    bool from = strcmp(now, "from") == 0 || strcmp(now, "both") == 0;
    if (strcmp(half, "to") == 0)
        to = add;
    else
        from = add;
    return to && from ? "both" : to ? "to" : from ? "from" : "none";
}

/* RFC 6121, appendix A, without the pending-in half, which no roster shows. */
void srv_roster_subscription(struct srv *srv, const char *user, const char *jid,
                             const char *type, bool outbound)
{
    char *now = subscription_of(srv, user, jid);
    bool ask = asked(srv, user, jid);
    const char *next = now;
    if (strcmp(type, "subscribe") == 0)
        ask = outbound ? true : ask;
    else if (strcmp(type, "subscribed") == 0)
        next = combine(now, outbound ? "from" : "to", outbound || ask);
    else if (strcmp(type, "unsubscribe") == 0)
        next = combine(now, outbound ? "to" : "from", false);
    else if (strcmp(type, "unsubscribed") == 0)
        next = combine(now, outbound ? "from" : "to", false);
    if (strcmp(type, "subscribe") != 0 && !(outbound && strcmp(type, "subscribed") == 0))
        ask = outbound ? ask && strcmp(type, "unsubscribe") != 0 : false;
    if (strcmp(next, now) != 0 || ask != asked(srv, user, jid))
        put(srv, user, jid, next, ask);
    free(now);
}

bool srv_roster_has(struct srv *srv, const char *user, const char *jid, bool from)
{
    char *now = subscription_of(srv, user, jid);
    bool has = strcmp(now, "both") == 0 || strcmp(now, from ? "from" : "to") == 0;
    free(now);
    return has;
}

/* ---- roster-put USER JID SUBSCRIPTION [NAME] ---- */
const char *srv_line_roster_put(struct srv *srv, char *rest, struct srv_buf *out)
{
    static const char *const known[] = {"none", "to", "from", "both", "remove"};
    char *user = srv_word(&rest), *jid = srv_word(&rest), *subscription = srv_word(&rest);
    bool fits = false;
    (void)out;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        fits = fits || strcmp(subscription, known[i]) == 0;
    if (!srv_user_exists(srv, user) || !*jid || !fits)
        return "roster-put USER JID SUBSCRIPTION [NAME]";
    srv_exec(srv, "INSERT OR IGNORE INTO roster(user, jid, subscription, ver) VALUES(?1, ?2, 'none', 0)", user, jid,
             NULL);
    srv_exec(srv, "UPDATE roster SET name=?3 WHERE user=?1 AND jid=?2", user, jid, *rest ? rest : NULL);
    put(srv, user, jid, subscription, 0);
    return NULL;
}
