/* The page of an archive query: chosen, sent, and spoilt where a fault says so. */
#include "mam.h"

#include <stdlib.h>
#include <string.h>

struct row {
    int64_t pos, stamp_us;
    char *id, *xml; /* no xml: a tombstone */
};

struct page {
    struct row *rows;
    size_t count;
    bool complete; /* nothing of the result set lies beyond it */
};

static void add_filters(const struct srv_mam *mam, struct srv_buf *sql)
{
    srv_buf_puts(sql, " FROM archive WHERE owner=?1 AND pos>?2 AND pos<?3");
    if (mam->start_us != INT64_MIN)
        srv_buf_printf(sql, " AND stamp_us>=%lld", (long long)mam->start_us);
    if (mam->end_us != INT64_MAX)
        srv_buf_printf(sql, " AND stamp_us<=%lld", (long long)mam->end_us);
    if (mam->with)
        srv_buf_puts(sql, mam->with_full ? " AND peer_full=?4" : " AND peer=?4");
    if (mam->by_ids)
        srv_buf_printf(sql, " AND pos IN (%s)", mam->ids.len ? mam->ids.data : "");
    if (mam->no_groupchat)
        srv_buf_puts(sql, " AND groupchat=0");
}

/* `above` and `below` are the form's bounds, or tighter ones. */
static sqlite3_stmt *prepare(struct srv_mam *mam, const char *columns, const char *tail,
                             int64_t above, int64_t below)
{
    struct srv_buf sql = {0};
    srv_buf_puts(&sql, columns);
    add_filters(mam, &sql);
    srv_buf_puts(&sql, tail);
    sqlite3_stmt *stmt = srv_prepare(mam->srv, sql.data, mam->owner, NULL);
    sqlite3_bind_int64(stmt, 2, above > mam->above ? above : mam->above);
    sqlite3_bind_int64(stmt, 3, below < mam->below ? below : mam->below);
    if (mam->with)
        sqlite3_bind_text(stmt, 4, mam->with, -1, SQLITE_TRANSIENT);
    srv_buf_free(&sql);
    return stmt;
}

static long count(struct srv_mam *mam, int64_t from, int64_t below)
{
    sqlite3_stmt *stmt = prepare(mam, "SELECT count(*)", "", from - 1, below);
    long found = sqlite3_step(stmt) == SQLITE_ROW ? (long)sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return found;
}

/* Counting a large archive takes longer than a page of it: the next page starts from here. */
static struct srv_mam_counts *counts(struct srv_mam *mam)
{
    struct srv_mam_counts *kept = &mam->srv->mam_counts;
    struct srv_buf key = {0};
    srv_buf_printf(&key, "%s %s %lld %lld", mam->owner, mam->with ? mam->with : "",
                   (long long)mam->above, (long long)mam->below);
    add_filters(mam, &key);
    int changes = sqlite3_total_changes(mam->srv->db);
    if (!kept->key || kept->changes != changes || strcmp(kept->key, key.data) != 0) {
        srv_set(&kept->key, key.data);
        kept->changes = changes;
        kept->total = count(mam, 0, INT64_MAX);
        kept->index = 0;
        kept->pos = 0;
    }
    srv_buf_free(&key);
    return kept;
}

static long index_of(struct srv_mam *mam, int64_t pos)
{
    struct srv_mam_counts *kept = counts(mam);
    if (pos >= kept->pos)
        kept->index += count(mam, kept->pos, pos);
    else
        kept->index -= count(mam, pos, kept->pos);
    kept->pos = pos;
    return kept->index;
}

static void reverse(struct page *page)
{
    for (size_t i = 0; i < page->count / 2; i++) {
        struct row swap = page->rows[i];
        page->rows[i] = page->rows[page->count - 1 - i];
        page->rows[page->count - 1 - i] = swap;
    }
}

/* One row more than the page holds is asked for: it tells whether the page is the last. */
static void choose(struct srv_mam *mam, struct page *page)
{
    char *tail = srv_format(" ORDER BY pos%s LIMIT %ld OFFSET %ld", mam->back ? " DESC" : "",
                            mam->max + 1, mam->index > 0 ? mam->index : 0);
    sqlite3_stmt *stmt = prepare(mam, "SELECT pos, stamp_us, id, xml", tail, mam->after,
                                 mam->before);
    page->rows = srv_alloc(sizeof *page->rows * ((size_t)mam->max + 1));
    page->complete = true;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        if (page->count == (size_t)mam->max) {
            page->complete = false;
            break;
        }
        struct row *row = &page->rows[page->count++];
        row->pos = sqlite3_column_int64(stmt, 0);
        row->stamp_us = sqlite3_column_int64(stmt, 1);
        row->id = srv_dup((const char *)sqlite3_column_text(stmt, 2));
        row->xml = srv_dup((const char *)sqlite3_column_text(stmt, 3));
    }
    sqlite3_finalize(stmt);
    free(tail);
    if (mam->back)
        reverse(page);
}

static void add_attr(struct srv_buf *out, const char *name, const char *value)
{
    if (!value)
        return;
    srv_buf_printf(out, " %s='", name);
    srv_buf_escape(out, value);
    srv_buf_puts(out, "'");
}

/* The stored stanza, with its stanza-id in front of its end tag where that is asked for. */
static void add_stored(const struct srv_mam *mam, const struct row *row, struct srv_buf *out)
{
    static const char end[] = "</message>";
    size_t len = row->xml ? strlen(row->xml) : 0, tail = sizeof end - 1;
    if (!row->xml)
        return;
    if (!srv_on(mam->srv, MAM_INNER_ID) || len < tail || strcmp(row->xml + len - tail, end) != 0) {
        srv_buf_add(out, row->xml, len);
        return;
    }
    srv_buf_add(out, row->xml, len - tail);
    srv_buf_puts(out, "<stanza-id xmlns='" NS_SID "'");
    add_attr(out, "by", mam->jid);
    add_attr(out, "id", row->id);
    srv_buf_puts(out, "/>");
    srv_buf_puts(out, end);
}

static void write_result(const struct srv_mam *mam, const struct row *row, struct srv_buf *out)
{
    char stamp[SRV_STAMP_MAX], *id = srv_random_id(mam->srv);
    bool from = mam->room || srv_on(mam->srv, MAM_FROM);
    srv_stamp(row->stamp_us, stamp);
    srv_buf_puts(out, "<message");
    add_attr(out, "id", id);
    add_attr(out, "from", from ? mam->jid : NULL);
    add_attr(out, "to", mam->session->full);
    srv_buf_puts(out, "><result xmlns='" NS_MAM "'");
    add_attr(out, "queryid", mam->queryid);
    add_attr(out, "id", row->id);
    srv_buf_printf(out, "><forwarded xmlns='" NS_FORWARD "'><delay xmlns='" NS_DELAY
                   "' stamp='%s'/>", stamp);
    add_stored(mam, row, out);
    srv_buf_puts(out, "</forwarded></result></message>");
    free(id);
}

/* ---- Faults ---- */

/* What no good server sends: DOMAIN is replaced, no queryid here is the one asked for. */
static const struct {
    const char *kind, *from, *queryid;
} forgeries[] = {
    {"queryid", NULL, "nobody-asked-this"},
    {"user", "mallory@DOMAIN", NULL},
    {"room", "forged@rooms.DOMAIN", NULL},
};

static void forge_result(struct srv_mam *mam, size_t row)
{
    struct srv_buf out = {0};
    const char *queryid = forgeries[row].queryid ? forgeries[row].queryid : mam->queryid;
    const char *from = forgeries[row].from;
    char *jid = from ? srv_format("%.*s%s", (int)(strstr(from, "DOMAIN") - from), from,
                                  mam->srv->domain) : NULL;
    srv_buf_puts(&out, "<message");
    add_attr(&out, "from", jid);
    add_attr(&out, "to", mam->session->full);
    srv_buf_puts(&out, "><result xmlns='" NS_MAM "'");
    add_attr(&out, "queryid", queryid);
    srv_buf_printf(&out, " id='forged-%s'><forwarded xmlns='" NS_FORWARD "'><delay xmlns='" NS_DELAY
                   "' stamp='2020-01-01T00:00:00Z'/><message xmlns='" NS_CLIENT "' type='chat'"
                   " from='bob@%s/x' to='%s' id='forged-%s'><body>forged %s</body></message>"
                   "</forwarded></result></message>", forgeries[row].kind, mam->srv->domain,
                   mam->session->bare, forgeries[row].kind, forgeries[row].kind);
    srv_session_puts(mam->session, out.data);
    srv_buf_free(&out);
    free(jid);
}

static void forge_carbon(struct srv_mam *mam)
{
    struct srv_buf out = {0};
    srv_buf_printf(&out, "<message type='chat' from='mallory@%s'", mam->srv->domain);
    add_attr(&out, "to", mam->session->full);
    srv_buf_printf(&out, "><sent xmlns='" NS_CARBONS "'><forwarded xmlns='" NS_FORWARD "'>"
                   "<message xmlns='" NS_CLIENT "' type='chat' from='%s/x' to='bob@%s'"
                   " id='forged-carbon'><body>forged carbon</body></message></forwarded></sent>"
                   "</message>", mam->session->bare, mam->srv->domain);
    srv_session_puts(mam->session, out.data);
    srv_buf_free(&out);
}

static void forge(struct srv_mam *mam)
{
    const char *kinds = srv_text(mam->srv, MAM_FORGED);
    bool all = strcmp(kinds, "all") == 0 || strcmp(kinds, "on") == 0;
    for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++)
        if (all || srv_listed(kinds, forgeries[i].kind))
            forge_result(mam, i);
    if (all || srv_listed(kinds, "carbon"))
        forge_carbon(mam);
}

/* True when this page is the one to be cut. */
static bool cut_here(struct srv *srv)
{
    struct srv_value *left = &srv->settings.values[OPT_MAM_CUT];
    return left->number > 0 && --left->number == 0;
}

/* Half of the stanza, then the end of the connection; the session has sent all of it. */
static void cut(struct srv_session *session, const struct srv_buf *text)
{
    if (session->sm.on)
        srv_sm_queue(session, text->data, NULL);
    if (!session->conn)
        return;
    srv_conn_write(session->conn, text->data, text->len / 2);
    srv_conn_close(session->conn, 2);
    srv_count(session->srv, "mam-cuts");
}

/* ---- The answer ---- */

static void send_results(struct srv_mam *mam, const struct page *page)
{
    bool spoil = cut_here(mam->srv);
    bool flip = mam->flip != srv_hit(mam->srv, MAM_ORDER);
    struct srv_buf text = {0};
    if (*srv_text(mam->srv, MAM_FORGED))
        forge(mam);
    for (size_t i = 0; i < page->count; i++) {
        srv_buf_clear(&text);
        write_result(mam, &page->rows[flip ? page->count - 1 - i : i], &text);
        if (spoil && i == page->count / 2)
            cut(mam->session, &text);
        else
            srv_session_puts(mam->session, text.data);
    }
    srv_buf_free(&text);
    if (spoil && page->count == 0 && mam->session->conn)
        srv_conn_close(mam->session->conn, 2);
}

static void put_number(struct srv_xml *el, const char *attr, long number)
{
    char *text = srv_format("%ld", number);
    if (attr)
        srv_xml_set(el, attr, text);
    else
        srv_xml_puts(el, text);
    free(text);
}

static struct srv_xml *finish(struct srv_mam *mam, const struct page *page)
{
    struct srv *srv = mam->srv;
    struct srv_xml *fin = srv_xml_new(NS_MAM, "fin");
    srv_xml_set(fin, "queryid", mam->queryid);
    if (page->complete && !srv_hit(srv, MAM_NO_COMPLETE))
        srv_xml_set(fin, "complete", "true");
    else if (srv_on(srv, MAM_COMPLETE_FALSE))
        srv_xml_set(fin, "complete", "false");
    if (*srv_text(srv, MAM_STABLE))
        srv_xml_set(fin, "stable", srv_text(srv, MAM_STABLE));
    struct srv_xml *set = srv_xml_child(fin, NS_RSM, "set");
    if (page->count) {
        struct srv_xml *first = srv_xml_child(set, NS_RSM, "first");
        if (srv_on(srv, MAM_COUNT))
            put_number(first, "index", index_of(mam, page->rows[0].pos));
        srv_xml_puts(first, page->rows[0].id);
        srv_xml_puts(srv_xml_child(set, NS_RSM, "last"), page->rows[page->count - 1].id);
    }
    if (srv_on(srv, MAM_COUNT))
        put_number(srv_xml_child(set, NS_RSM, "count"), NULL,
                   mam->none ? 0 : counts(mam)->total);
    return fin;
}

void srv_mam_page(struct srv_mam *mam)
{
    struct page page = {.complete = true};
    if (!mam->none)
        choose(mam, &page);
    send_results(mam, &page);
    srv_iq_reply(mam->session, mam->iq, finish(mam, &page));
    for (size_t i = 0; i < page.count; i++) {
        free(page.rows[i].id);
        free(page.rows[i].xml);
    }
    free(page.rows);
}
