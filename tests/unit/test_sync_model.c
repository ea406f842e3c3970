/* test_sync_model.c: the sync layer against a server that loses, repeats, turns round, delays and cuts what it answers, in
 * random sequences; each seed can be repeated: test_sync_model SEED. Whatever it was told, spans hold nothing but what has
 * no hole on the server, "synced" is said only of an archive that is held to its end, and an honest session afterwards
 * brings everything, once. */
#include "store_help.h"

#include "sync/sync.h"
#include "xml/parser.h"
#include "xmpp/datetime.h"
#include "xmpp/ns.h"

enum { ENTRIES = 3000, STEPS = 60, SEEDS = 150, RESULTS = 80 };

typedef enum lie {
    HONEST,
    LAST_IS_LATE,    /* the newest results of the page come behind its end, or never */
    FIRST_IS_LOST,
    TWICE,           /* the page, and again */
    TURNED_ROUND,    /* newest first */
    NOT_COMPLETE,    /* though it is */
    NOT_STABLE,
    WITHOUT_IDS,     /* one result has none */
    OF_ANOTHER_QUERY, /* among the right ones */
    REFUSED,
    UNANSWERED,
    CUT_OFF,
    LIES
} lie;

typedef struct asked {
    char id[64], before[96], after[96], to[48]; /* to: "" is the account's archive */
    bool has_before, has_after;
    int max;
} asked;

typedef struct model {
    ep_store *store;
    ep_sync *sync;
    char path[64];
    uint64_t random;
    char id[ENTRIES][48];
    bool out[ENTRIES];
    int count, floor;  /* below floor: purged */
    int end;           /* how many there were when the server last said where the archive ends */
    int seen;          /* how many there were when the connection was lost; what came since is delivered on resumption */
    int unknown;       /* how it answers for an id that it does not know, see archive_forgot() */
    bool bound;        /* there is a session */
    asked query;
    bool is_asked, online;
    epode_status synced; /* the last word */
    int64_t now_us;
    unsigned lied[LIES];
} model;

static unsigned below(model *m, unsigned n)
{
    m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(m->random >> 33) % n;
}

static void add_entry(model *m)
{
    /* What a server may take for an id: everything that XML can carry. */
    static const char *const odd[] = { "", "\"", "\\", "'", "<&>", "\xc3\xbc", "\t", " ", "\\u0000", "]]>" };
    assert_true(m->count < ENTRIES);
    snprintf(m->id[m->count], sizeof *m->id, "%s%d%s", odd[below(m, 10)], m->count, odd[below(m, 10)]);
    m->out[m->count++] = below(m, 4) == 0;
}

static int index_of(const model *m, const char *id)
{
    for (int i = m->count; i-- > 0;)
        if (strcmp(m->id[i], id) == 0)
            return i;
    return -1;
}

static ep_elem *parse(ep_arena *arena, ep_buf *text)
{
    ep_elem *e = ep_elem_parse(arena, ep_buf_ptr(text), text->len, EP_NS_CLIENT);
    assert_non_null(e);
    return e;
}

static void write_message(ep_xw *w, const model *m, int i, bool live)
{
    char body[32];
    snprintf(body, sizeof body, "body-%d", i);
    ep_xw_open(w, "message", EP_NS_CLIENT);
    ep_xw_attr(w, "from", m->out[i] ? ME "/x" : JOAN);
    ep_xw_attr(w, "to", m->out[i] ? JOAN : ME);
    ep_xw_attr(w, "type", "chat");
    ep_xw_attr(w, "id", body);
    ep_xw_leaf(w, "body", NULL, body);
    if (live) {
        ep_xw_open(w, "stanza-id", EP_NS_SID);
        ep_xw_attr(w, "by", ME);
        ep_xw_attr(w, "id", m->id[i]);
        ep_xw_close(w);
    }
    ep_xw_close(w);
}

static int64_t stamp_of(int i)
{
    return 1000000 + i * INT64_C(60000);
}

static void result_comes(model *m, const char *queryid, int i, bool with_id)
{
    char stamp[32];
    ep_buf text = EP_BUF_INIT;
    ep_arena arena = { 0 };
    ep_mam_result result;
    ep_datetime_format(stamp_of(i), stamp);
    ep_xw w = ep_xw_init(&text);
    ep_xw_open(&w, "message", EP_NS_CLIENT);
    ep_xw_open(&w, "result", EP_NS_MAM);
    ep_xw_attr(&w, "queryid", queryid);
    ep_xw_attr(&w, "id", with_id ? m->id[i] : NULL);
    ep_xw_open(&w, "forwarded", EP_NS_FORWARD);
    ep_xw_open(&w, "delay", EP_NS_DELAY);
    ep_xw_attr(&w, "stamp", stamp);
    ep_xw_close(&w);
    write_message(&w, m, i, false);
    ep_xw_close(&w);
    ep_xw_close(&w);
    ep_xw_close(&w);
    assert_ok(ep_xw_done(&w));
    ep_elem *e = parse(&arena, &text);
    assert_true(ep_mam_result_read(&result, e));
    assert_true(ep_sync_result(m->sync, e, &result) >= 0);
    ep_arena_free(&arena);
    ep_buf_free(&text);
}

/* first > last: an empty page. */
static void end_comes(model *m, const char *id, int first, int last, bool complete, bool stable)
{
    ep_buf text = EP_BUF_INIT;
    ep_arena arena = { 0 };
    ep_xw w = ep_xw_init(&text);
    ep_xw_open(&w, "iq", EP_NS_CLIENT);
    ep_xw_attr(&w, "type", "result");
    ep_xw_attr(&w, "id", id);
    ep_xw_open(&w, "fin", EP_NS_MAM);
    ep_xw_attr(&w, "complete", complete ? "true" : NULL);
    ep_xw_attr(&w, "stable", stable ? NULL : "false");
    ep_xw_open(&w, "set", EP_NS_RSM);
    if (first <= last) {
        ep_xw_leaf(&w, "first", NULL, m->id[first]);
        ep_xw_leaf(&w, "last", NULL, m->id[last]);
    }
    ep_xw_close(&w);
    ep_xw_close(&w);
    ep_xw_close(&w);
    assert_ok(ep_xw_done(&w));
    ep_elem *e = parse(&arena, &text);
    assert_true(ep_sync_answer(m->sync, e, true, m->now_us) >= 0);
    ep_arena_free(&arena);
    ep_buf_free(&text);
}

static void error_comes(model *m, const char *id, const char *condition)
{
    ep_buf text = EP_BUF_INIT;
    ep_arena arena = { 0 };
    ep_buf_printf(&text, "<iq type='error' id='%s'><error type='cancel'><%s xmlns='" EP_NS_STANZA_ERRORS "'/></error></iq>",
                  id, condition);
    assert_true(ep_sync_answer(m->sync, parse(&arena, &text), true, m->now_us) >= 0);
    ep_arena_free(&arena);
    ep_buf_free(&text);
}

static void disconnect(model *m)
{
    ep_sync_cut(m->sync);
    m->seen = m->online ? m->count : m->seen;
    m->is_asked = m->online = false;
}

/* An id that it does not know: what real servers do then. False: it goes on as if none had been named. */
static bool archive_forgot(model *m, asked *q)
{
    if (m->unknown == 0 || q->before[0])
        error_comes(m, q->id, "item-not-found");
    else if (m->unknown == 1)
        end_comes(m, q->id, 1, 0, true, true);
    bool said = m->unknown < 2 || q->before[0];
    q->has_after = false;
    return said;
}

/* One answer of the archive, as the lie has it. */
static void archive_answers(model *m, lie how)
{
    asked q = m->query;
    int low = m->floor, high = m->count, n = q.max < RESULTS ? q.max : RESULTS;
    int after = q.has_after ? index_of(m, q.after) : -1, before = q.before[0] ? index_of(m, q.before) : -1;
    assert_true(m->is_asked);
    m->is_asked = false;
    m->lied[how]++;
    if (((q.has_after && after < m->floor) || (q.before[0] && before < m->floor)) && archive_forgot(m, &q))
        return;
    low = q.has_after ? after + 1 : low;
    high = q.before[0] ? before : high;
    bool complete = high - low <= n;
    if (q.has_before && high - low > n)
        low = high - n;
    high = low + n < high ? low + n : high;
    int from = how == FIRST_IS_LOST ? low + 1 : low, to = how == LAST_IS_LATE ? high - 1 - (int)below(m, 3) : high;
    if (how == REFUSED)
        error_comes(m, q.id, "item-not-found");
    if (how == UNANSWERED) {
        m->now_us += 61 * 1000000;
        ep_sync_tick(m->sync, m->now_us, m->now_us / 1000);
    }
    if (how == REFUSED || how == UNANSWERED)
        return;
    for (int round = 0; round < (how == TWICE ? 2 : 1); round++)
        for (int i = from; i < to; i++) {
            if (how == OF_ANOTHER_QUERY)
                result_comes(m, "mam-of-yesterday", (int)below(m, (unsigned)m->count), true);
            result_comes(m, q.id, how == TURNED_ROUND ? from + to - 1 - i : i, how != WITHOUT_IDS || i != (from + to) / 2);
            if (how == CUT_OFF && i == (from + to) / 2) {
                disconnect(m);
                return;
            }
        }
    if (q.has_before && !q.before[0])
        m->end = m->count;
    end_comes(m, q.id, low, high - 1, complete && how != NOT_COMPLETE, how != NOT_STABLE);
    for (int i = to < from ? from : to; how == LAST_IS_LATE && i < high; i++)
        result_comes(m, q.id, i, true);
}

/* --- what the sync layer asks and tells --- */

static const char *text_of(const ep_elem *set, const char *name, bool *has, char *out, size_t room)
{
    const ep_elem *e = ep_elem_child(set, name, NULL);
    *has = e != NULL;
    snprintf(out, room, "%s", ep_elem_text(e));
    return out;
}

static epode_status on_send_iq(void *user, const char *xml, size_t len)
{
    model *m = user;
    ep_arena arena = { 0 };
    ep_elem *iq = ep_elem_parse(&arena, xml, len, EP_NS_CLIENT);
    const ep_elem *query = ep_elem_child(iq, "query", EP_NS_MAM), *set = ep_elem_child(query, "set", EP_NS_RSM);
    char max[16];
    bool has;
    if (query) {
        asked q = { .max = atoi(text_of(set, "max", &has, max, sizeof max)) };
        snprintf(q.id, sizeof q.id, "%s", ep_elem_attr(iq, "id"));
        snprintf(q.to, sizeof q.to, "%s", ep_elem_attr(iq, "to") ? ep_elem_attr(iq, "to") : "");
        text_of(set, "before", &q.has_before, q.before, sizeof q.before);
        text_of(set, "after", &q.has_after, q.after, sizeof q.after);
        m->query = q;
        m->is_asked = true;
    }
    ep_arena_free(&arena);
    return EPODE_OK;
}

static void on_changed(void *user, const ep_changes *changes)
{
    (void)user, (void)changes;
}

static void on_progress(void *user, size_t done, size_t expected)
{
    (void)user, (void)done, (void)expected;
}

static void on_finished(void *user, int64_t archive, epode_status status)
{
    (void)user, (void)archive, (void)status;
}

static void on_synced(void *user, epode_status status)
{
    model *m = user;
    ep_span_copy end = { 0 };
    m->synced = status;
    if (status != EPODE_OK)
        return;
    /* Nothing that was archived when the end was asked for is above what is held. */
    epode_status held = ep_archive_verified_end(m->store, ep_sync_archive(m->sync), &end);
    if (held == EPODE_OK && m->end > m->floor && index_of(m, end.last_id) < m->end - 1)
        fail_msg("synced, but held to %d of %d", index_of(m, end.last_id), m->end);
    if (held == EPODE_DONE && m->end > m->floor)
        fail_msg("synced, but nothing is held of %d", m->end);
    ep_span_copy_free(&end);
}

static const ep_sync_events events = { on_send_iq, on_changed, on_progress, on_finished, on_synced };

/* --- what must hold --- */

static epode_status check_span(const ep_span *span, void *user)
{
    model *m = user;
    sqlite3_stmt *st = NULL;
    int at = index_of(m, span->first_id), last = index_of(m, span->last_id);
    assert_true(at >= 0 && last >= at);
    assert_int_equal(sqlite3_prepare_v2(m->store->db, "SELECT archive_id FROM message WHERE place = 1 AND pos BETWEEN ?1 "
                                                      "AND ?2 ORDER BY pos, row", -1, &st, NULL), SQLITE_OK);
    sqlite3_bind_int64(st, 1, span->first_pos);
    sqlite3_bind_int64(st, 2, span->last_pos);
    for (; sqlite3_step(st) == SQLITE_ROW; at++) {
        const char *id = (const char *)sqlite3_column_text(st, 0);
        while (at < m->floor && strcmp(id, m->id[at]) != 0)
            at++; /* purged before it was seen: nobody has it */
        assert_string_equal(id, m->id[at]);
    }
    assert_int_equal(at, last + 1);
    sqlite3_finalize(st);
    return EPODE_OK;
}

static void check(model *m)
{
    assert_ok(ep_span_list(m->store, ep_sync_archive(m->sync), check_span, m));
    assert_int_equal(query_int(m->store, "SELECT count(*) FROM message"),
                     query_int(m->store, "SELECT count(DISTINCT body) FROM message"));
}

/* --- the sequence --- */

/* Its id counts or does not. */
static void message_comes(model *m, int i)
{
    ep_buf text = EP_BUF_INIT;
    ep_arena arena = { 0 };
    ep_xw w = ep_xw_init(&text);
    write_message(&w, m, i, true);
    assert_ok(ep_xw_done(&w));
    assert_ok(ep_sync_live(m->sync, parse(&arena, &text), below(m, 2), stamp_of(i), m->now_us));
    ep_arena_free(&arena);
    ep_buf_free(&text);
}

static void connect(model *m)
{
    ep_archive_info ends = { .empty = m->count == m->floor };
    bool resumed = m->bound && below(m, 2), says_end = !resumed && below(m, 2);
    m->online = m->bound = true;
    if (!resumed)
        assert_ok(ep_sync_bound(m->sync));
    if (says_end) {
        ends.last_id = ends.empty ? NULL : m->id[m->count - 1];
        m->end = m->count;
    }
    assert_ok(ep_sync_ready(m->sync, resumed, says_end ? &ends : NULL, m->now_us, m->now_us / 1000));
    for (int i = m->seen; resumed && i < m->count; i++)
        message_comes(m, i);
}

static void step(model *m)
{
    m->now_us += below(m, 4) * 1000000;
    if (below(m, 40) == 0)
        m->floor += (int)below(m, (unsigned)(m->count - m->floor) + 1);
    switch (below(m, 8)) {
    case 0:
        for (unsigned n = below(m, below(m, 10) ? 5 : 200); n; n--)
            add_entry(m);
        break;
    case 1:
        if (m->online) {
            add_entry(m);
            message_comes(m, m->count - 1);
        }
        break;
    case 2:
        if (m->online && below(m, 3) == 0)
            disconnect(m);
        break;
    case 3:
        if (m->online)
            ep_sync_tick(m->sync, m->now_us, m->now_us / 1000);
        break;
    default:
        if (!m->online)
            connect(m);
        else if (m->is_asked)
            archive_answers(m, below(m, 3) ? HONEST : (lie)below(m, LIES));
        break;
    }
}

static void answer_all(model *m)
{
    for (int i = 0; m->is_asked; i++) {
        assert_true(i < ENTRIES);
        archive_answers(m, HONEST);
        check(m);
    }
}

/* An honest session at the end, and everything that is still missing filled in. */
static void settle(model *m)
{
    disconnect(m);
    m->bound = false;
    add_entry(m);
    connect(m);
    answer_all(m);
    assert_int_equal(m->synced, EPODE_OK);
    while (ep_sync_fill(m->sync, ep_sync_archive(m->sync), INT64_MAX, 70, m->now_us) == EPODE_OK)
        answer_all(m);
    assert_int_equal(query_int(m->store, "SELECT count(*) FROM span"), 1);
    assert_int_equal(query_int(m->store, "SELECT count(*) FROM message WHERE place = 1 AND substr(body, 6) + 0 >= %d", m->floor),
                     m->count - m->floor);
    check(m);
}

static model *begin(unsigned seed)
{
    model *m = calloc(1, sizeof *m);
    m->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    m->now_us = 1000000000;
    m->unknown = (int)below(m, 3);
    strcpy(m->path, access("/dev/shm", W_OK) ? "/tmp/epode-sync-XXXXXX" : "/dev/shm/epode-sync-XXXXXX");
    close(mkstemp(m->path));
    ep_store_options o = { .path = m->path, .boot_id = "boot", .now_ms = 1000 };
    assert_ok(ep_store_open(&m->store, &o, NULL));
    ep_sync_config config = { .account = ME, .first_messages = below(m, 2) ? 0 : 10, .page = below(m, 3) * 7 };
    assert_ok(ep_sync_new(&m->sync, m->store, &config, &events, m, NULL));
    return m;
}

static void end(model *m)
{
    ep_sync_free(m->sync);
    ep_store_close(m->store);
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    for (int i = 0; i < 3; i++) {
        char name[80];
        snprintf(name, sizeof name, "%s%s", m->path, suffixes[i]);
        unlink(name);
    }
    free(m);
}

static void run_seed(unsigned seed, unsigned *lied)
{
    model *m = begin(seed);
    for (int i = 0; i < STEPS; i++) {
        step(m);
        check(m);
    }
    settle(m);
    for (int i = 0; i < LIES; i++)
        lied[i] += m->lied[i];
    end(m);
}

static unsigned first_seed = 1, last_seed = SEEDS;

static void whatever_the_archive_says_the_store_never_lies(void **state)
{
    unsigned lied[LIES] = { 0 };
    (void)state;
    for (unsigned seed = first_seed; seed <= last_seed; seed++) {
        printf("seed %u\n", seed);
        run_seed(seed, lied);
    }
    for (int i = 0; last_seed - first_seed >= SEEDS - 1 && i < LIES; i++)
        assert_true(lied[i] > 0);
}

static void what_was_being_asked_when_the_session_was_cut_is_asked_by_the_resumed_one(void **state)
{
    model *m = begin(1);
    (void)state;
    add_entry(m);
    m->online = true;
    assert_ok(ep_sync_bound(m->sync));
    assert_ok(ep_sync_ready(m->sync, false, NULL, m->now_us, m->now_us / 1000));
    archive_answers(m, HONEST);
    assert_false(m->is_asked);
    disconnect(m);
    assert_ok(ep_sync_ready(m->sync, true, NULL, m->now_us, m->now_us / 1000));
    assert_false(m->is_asked);
    /* The end is asked for again, and that is cut. */
    assert_ok(ep_sync_ready(m->sync, false, NULL, m->now_us, m->now_us / 1000));
    assert_true(m->is_asked);
    disconnect(m);
    assert_ok(ep_sync_ready(m->sync, true, NULL, m->now_us, m->now_us / 1000));
    assert_true(m->is_asked);
    end(m);
}

/* What cannot be stored would come again with each resumption, and end each connection. */
static void a_message_that_names_nobody_is_one_of_the_accounts(void **state)
{
    static const char *const senders[] = { "", "/", "/x" };
    model *m = begin(1);
    (void)state;
    for (int i = 0; i < 3; i++) {
        ep_buf text = EP_BUF_INIT;
        ep_arena arena = { 0 };
        ep_buf_printf(&text, "<message from='%s' to='%s' type='chat' id='n%d'><body>n%d</body></message>", senders[i],
                      senders[i], i, i);
        assert_ok(ep_sync_live(m->sync, parse(&arena, &text), true, 0, m->now_us));
        ep_arena_free(&arena);
        ep_buf_free(&text);
    }
    assert_int_equal(query_int(m->store, "SELECT count(*) FROM message m JOIN conversation c ON c.id = m.conversation "
                                         "WHERE c.peer = '" ME "'"), 3);
    end(m);
}

/* An archive that would show it again may not be there. */
static void what_has_no_text_is_kept_where_it_says_something(void **state)
{
    static const struct {
        const char *type, *what;
        int kept;
    } rows[] = {
        { "chat", "<composing xmlns='http://jabber.org/protocol/chatstates'/><thread>t</thread>", 0 },
        { "chat", "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>", 0 },
        { "chat", "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/></encrypted>", 1 },
        { "chat", "<encrypted xmlns='urn:xmpp:omemo:2'/><no-store xmlns='urn:xmpp:hints'/>", 0 },
        { "chat", "<encrypted xmlns='urn:xmpp:omemo:2'/><no-permanent-store xmlns='urn:xmpp:hints'/>", 0 },
        { "normal", "<x xmlns='jabber:x:conference' jid='den@rooms.example.org'/>", 1 },
        { "normal", "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='joan@example.org'/></x>", 1 },
        { "normal", "<x xmlns='http://jabber.org/protocol/muc#user'><status code='104'/></x>", 0 },
        { "normal", "<subject>only that</subject>", 1 },
        { "groupchat", "<subject>of a room</subject>", 0 },
        { "error", "<encrypted xmlns='urn:xmpp:omemo:2'/><error type='cancel'/>", 0 },
    };
    model *m = begin(1);
    int kept = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ep_arena arena = { 0 };
        ep_buf text = EP_BUF_INIT;
        ep_buf_printf(&text, "<message from='" JOAN "/x' type='%s'>%s</message>", rows[i].type, rows[i].what);
        assert_ok(ep_sync_live(m->sync, parse(&arena, &text), true, 0, m->now_us));
        kept += rows[i].kept;
        if (query_int(m->store, "SELECT count(*) FROM message WHERE kind = %d", EP_MSG_OTHER) != kept)
            fail_msg("%s", rows[i].what);
        ep_arena_free(&arena);
        ep_buf_free(&text);
    }
    end(m);
}

static void a_room_that_could_not_be_read_is_not_called_synced_and_asked_again(void **state)
{
    model *m = begin(1);
    (void)state;
    m->synced = EPODE_AGAIN;
    assert_ok(ep_sync_follow(m->sync, "den@rooms.example.org"));
    m->online = true;
    assert_ok(ep_sync_bound(m->sync));
    assert_ok(ep_sync_ready(m->sync, false, NULL, m->now_us, m->now_us / 1000));
    /* Both are asked, the room last, and neither answers; then only the account's does. */
    assert_string_equal(m->query.to, "den@rooms.example.org");
    m->now_us += 61 * 1000000;
    ep_sync_tick(m->sync, m->now_us, m->now_us / 1000);
    assert_int_equal(m->synced, EPODE_ETIMEOUT);
    m->is_asked = false;
    m->now_us = ep_sync_deadline(m->sync);
    ep_sync_tick(m->sync, m->now_us, m->now_us / 1000);
    assert_string_equal(m->query.to, "");
    archive_answers(m, HONEST);
    assert_int_equal(m->synced, EPODE_ETIMEOUT);
    m->now_us = ep_sync_deadline(m->sync);
    ep_sync_tick(m->sync, m->now_us, m->now_us / 1000);
    assert_string_equal(m->query.to, "den@rooms.example.org");
    ep_arena arena = { 0 };
    ep_buf text = EP_BUF_INIT;
    ep_buf_printf(&text, "<iq type='result' from='den@rooms.example.org' id='%s'><fin xmlns='" EP_NS_MAM
                  "' complete='true'/></iq>", m->query.id);
    assert_ok(ep_sync_answer(m->sync, parse(&arena, &text), false, m->now_us));
    assert_int_equal(m->synced, EPODE_OK);
    ep_arena_free(&arena);
    ep_buf_free(&text);
    end(m);
}

static void every_room_that_was_followed_is_followed_again(void **state)
{
    model *m = begin(1);
    char room[48];
    (void)state;
    for (int i = 0; i < 300; i++) {
        snprintf(room, sizeof room, "r%d@rooms.example.org", i);
        assert_ok(ep_sync_follow(m->sync, room));
    }
    ep_sync_free(m->sync);
    ep_sync_config config = { .account = ME };
    assert_ok(ep_sync_new(&m->sync, m->store, &config, &events, m, NULL));
    assert_int_not_equal(ep_sync_room_archive(m->sync, room), 0);
    end(m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_being_asked_when_the_session_was_cut_is_asked_by_the_resumed_one),
        cmocka_unit_test(a_message_that_names_nobody_is_one_of_the_accounts),
        cmocka_unit_test(what_has_no_text_is_kept_where_it_says_something),
        cmocka_unit_test(a_room_that_could_not_be_read_is_not_called_synced_and_asked_again),
        cmocka_unit_test(every_room_that_was_followed_is_followed_again),
        cmocka_unit_test(whatever_the_archive_says_the_store_never_lies),
    };
    if (argc > 1)
        first_seed = last_seed = (unsigned)strtoul(argv[1], NULL, 10);
    if (argc > 2)
        last_seed = (unsigned)strtoul(argv[2], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
