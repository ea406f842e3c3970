/* test_store_model.c: the archive against a model of a server, in random sequences of everything
 * that can happen; each seed can be repeated: test_store_model SEED. */
#include "store_help.h"

#include "base/buf.h"

enum { MAX_ENTRIES = 2000, MAX_PAGES = 64, PEERS = 3, STEPS = 120, SEEDS = 40 };

typedef struct entry {
    char id[24];
    char own[24]; /* stanza id of one that this device sent; "" otherwise */
    int peer;
    bool outgoing, gone;
    bool shown; /* the client was shown it by a page, or live with its id */
} entry;

typedef struct asked {
    ep_page_kind kind;
    char anchor[24];
    int from, to;
    bool complete;
} asked;

typedef struct model {
    ep_store *s;
    char path[64];
    uint64_t random;
    int64_t archive, gap;
    entry at[MAX_ENTRIES];
    int count, floor; /* below floor: purged */
    asked asked[MAX_PAGES];
    int asked_count;
    char unsent[16][24];
    int unsent_peer[16], unsent_count;
    int own_count, era;
    int renumbered, met, moved;
} model;

static const char *const peers[PEERS] = { "a@example.org", "b@example.org", "c@example.org" };

static unsigned below(model *m, unsigned n)
{
    m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(m->random >> 33) % n;
}

static void open_store(model *m)
{
    ep_store_options o = { .path = m->path, .boot_id = "boot", .now_ms = 1000 };
    assert_ok(ep_store_open(&m->s, &o, NULL));
    m->s->gap = m->gap;
    assert_ok(ep_archive_open(m->s, ME, EP_ARCHIVE_ACCOUNT, &m->archive));
}

static int add_entry(model *m)
{
    assert_true(m->count < MAX_ENTRIES);
    entry *e = &m->at[m->count];
    memset(e, 0, sizeof *e);
    snprintf(e->id, sizeof e->id, "%d-%x-%d", m->era, below(m, 0xffff), m->count);
    e->peer = (int)below(m, PEERS);
    e->outgoing = below(m, 4) == 0;
    e->gone = below(m, 12) == 0;
    return m->count++;
}

static ep_msg msg_of(const entry *e, bool live)
{
    ep_msg m = e->outgoing ? text_to(peers[e->peer], e->id, e->own[0] ? e->own : e->id, "text")
                           : text_from(peers[e->peer], e->id, e->id, "text");
    if (e->gone && !live)
        m = (ep_msg){ .archive_id = e->id, .kind = EP_MSG_GONE, .time_ms = 1000 };
    return m;
}

static void live(model *m, const ep_msg *msg)
{
    ep_live out;
    assert_ok(ep_archive_live(m->s, m->archive, msg, false, 0, &out, NULL));
}

/* --- what can happen --- */

static void somebody_writes(model *m)
{
    for (unsigned n = 1 + below(m, 4); n; n--) {
        entry *e = &m->at[add_entry(m)];
        e->gone = false;
        if (below(m, 3) == 0)
            continue; /* archived, but not delivered here */
        ep_msg msg = msg_of(e, true);
        live(m, &msg);
        e->shown = true;
    }
}

static void much_is_archived_while_away(model *m)
{
    for (unsigned n = below(m, 25); n; n--)
        add_entry(m);
}

static void something_is_not_archived(model *m)
{
    char id[24];
    snprintf(id, sizeof id, "none-%u", below(m, 1u << 30));
    ep_msg msg = text_from(peers[below(m, PEERS)], NULL, id, "text");
    live(m, &msg);
}

static void we_send(model *m)
{
    int64_t seq, row;
    if (m->unsent_count == 16)
        return;
    char *id = m->unsent[m->unsent_count];
    int peer = (int)below(m, PEERS);
    snprintf(id, 24, "own-%d", m->own_count++);
    ep_msg msg = text_to(peers[peer], NULL, id, "text");
    assert_ok(ep_outbox_add(m->s, m->archive, &msg, &seq, &row, NULL));
    m->unsent_peer[m->unsent_count++] = peer;
}

/* The server gets the first one, archives it, and (mostly) says so. */
static void the_server_takes(model *m)
{
    if (!m->unsent_count)
        return;
    entry *e = &m->at[add_entry(m)];
    strcpy(e->own, m->unsent[0]);
    e->peer = m->unsent_peer[0];
    e->outgoing = true;
    e->gone = false;
    int64_t seq = query_int(m->s,
                            "SELECT o.seq FROM outbox o JOIN message m ON m.row = o.message "
                            "WHERE m.stanza_id = '%s'",
                            e->own);
    if (seq >= 0 && below(m, 4)) {
        assert_ok(ep_outbox_sent(m->s, seq, 0, 5, NULL));
        assert_ok(ep_outbox_done(m->s, seq, NULL));
    }
    m->unsent_count--;
    memmove(m->unsent, m->unsent + 1, sizeof m->unsent - sizeof *m->unsent);
    memmove(m->unsent_peer, m->unsent_peer + 1, sizeof m->unsent_peer - sizeof *m->unsent_peer);
}

static void put_page(model *m, const asked *a, int64_t span, int64_t until)
{
    ep_msg rows[64];
    ep_page_result out;
    ep_changes changes = { 0 };
    ep_page page = { .archive = m->archive,
                     .kind = a->kind,
                     .span = span,
                     .until = until,
                     .anchor_id = a->anchor[0] && !span ? a->anchor : NULL,
                     .rows = rows,
                     .complete = a->complete };
    if (below(m, 2))
        assert_ok(ep_archive_last_row(m->s, &page.asked_row));
    for (int i = a->from; i < a->to; i++) {
        rows[page.n++] = msg_of(&m->at[i], false);
        m->at[i].shown = true;
    }
    int64_t before = query_int(m->s, "SELECT count(*) FROM message");
    epode_status status = ep_archive_page(m->s, &page, &out, &changes);
    assert_ok(status);
    assert_int_equal(query_int(m->s, "SELECT count(*) FROM message"), before + (int64_t)out.added);
    assert_true((out.span != 0) == (page.n || a->kind != EP_PAGE_LAST));
    m->renumbered += out.renumbered;
    m->met += out.met;
    m->moved += (int)out.joined;
    ep_changes_free(&changes);
}

static void remember(model *m, const asked *a)
{
    if (m->asked_count < MAX_PAGES)
        m->asked[m->asked_count++] = *a;
    else
        m->asked[below(m, MAX_PAGES)] = *a;
}

static void last_page(model *m)
{
    int n = 1 + (int)below(m, 20);
    asked a = { .kind = EP_PAGE_LAST, .to = m->count };
    a.from = m->count - n > m->floor ? m->count - n : m->floor;
    a.complete = a.from == m->floor;
    put_page(m, &a, 0, 0);
    if (a.from < a.to)
        remember(m, &a);
}

static int index_of(const model *m, const char *id)
{
    for (int i = m->count; i-- > 0;)
        if (!strcmp(m->at[i].id, id))
            return i;
    return -1;
}

typedef struct spans {
    struct {
        int64_t span, first_pos, last_pos;
        char first[24], last[24];
        bool starts;
    } at[200];
    int count;
} spans;

static epode_status take_span(const ep_span *span, void *user)
{
    spans *list = user;
    assert_true(list->count < 200);
    list->at[list->count].span = span->span;
    list->at[list->count].first_pos = span->first_pos;
    list->at[list->count].last_pos = span->last_pos;
    list->at[list->count].starts = span->reaches_start;
    snprintf(list->at[list->count].first, 24, "%s", span->first_id);
    snprintf(list->at[list->count].last, 24, "%s", span->last_id);
    list->count++;
    return EPODE_OK;
}

/* Asks above or below a random span; an id that the server no longer knows is answered honestly. */
static void page_onto_a_span(model *m)
{
    spans list = { .count = 0 };
    assert_ok(ep_span_list(m->s, m->archive, take_span, &list));
    if (!list.count)
        return;
    int i = (int)below(m, (unsigned)list.count), n = 1 + (int)below(m, 20);
    asked a = { .kind = below(m, 2) ? EP_PAGE_AFTER : EP_PAGE_BEFORE };
    bool after = a.kind == EP_PAGE_AFTER;
    strcpy(a.anchor, after ? list.at[i].last : list.at[i].first);
    int at = index_of(m, a.anchor);
    assert_true(at >= 0);
    if (at < m->floor) {
        if (after)
            assert_ok(ep_archive_forget_spans(m->s, m->archive));
        else
            assert_ok(ep_span_starts(m->s, list.at[i].span));
        m->asked_count = 0;
        return;
    }
    int64_t until = 0;
    int low = m->floor, high = m->count;
    if (below(m, 3) == 0 && after && i + 1 < list.count) {
        until = list.at[i + 1].span;
        high = index_of(m, list.at[i + 1].first);
    } else if (below(m, 3) == 0 && !after && i > 0 &&
               index_of(m, list.at[i - 1].last) >= m->floor) {
        until = list.at[i - 1].span;
        low = index_of(m, list.at[i - 1].last) + 1;
    }
    if (after) {
        a.from = at + 1;
        a.to = a.from + n < high ? a.from + n : high;
        a.complete = a.to == high;
    } else {
        a.to = at;
        a.from = a.to - n > low ? a.to - n : low;
        a.complete = a.from == low;
    }
    bool refused = !after && a.complete && a.from == a.to && !until && i > 0;
    if (refused) {
        ep_page page = {
            .archive = m->archive, .kind = a.kind, .span = list.at[i].span, .complete = true
        };
        ep_page_result out;
        assert_int_equal(ep_archive_page(m->s, &page, &out, NULL), EPODE_EPROTO);
        assert_ok(ep_span_starts(m->s, list.at[i].span));
        m->asked_count = 0;
        return;
    }
    put_page(m, &a, list.at[i].span, until);
    if (!until && a.from < a.to)
        remember(m, &a);
}

static bool anchor_is_held(const model *m, const asked *a)
{
    return query_int(m->s, "SELECT place FROM message WHERE archive_id = '%s'", a->anchor) == 1;
}

/* The answer of an earlier query once more, as after a resumption. */
static void a_page_is_repeated(model *m)
{
    if (!m->asked_count)
        return;
    asked a = m->asked[below(m, (unsigned)m->asked_count)];
    if (a.from < m->floor || (a.anchor[0] && !anchor_is_held(m, &a)))
        return;
    a.complete = false;
    put_page(m, &a, 0, 0);
}

static void the_server_forgets_its_oldest(model *m)
{
    if (m->count > m->floor)
        m->floor += (int)below(m, (unsigned)(m->count - m->floor) / 4 + 1);
}

/* Everything is gone, and the ids are new ones. */
static void the_archive_is_replaced(model *m)
{
    m->floor = m->count;
    m->era++;
    m->asked_count = 0;
    if (below(m, 2))
        assert_ok(ep_archive_forget_spans(m->s, m->archive));
    else
        last_page(m);
}

static void the_store_is_opened_again(model *m)
{
    ep_store_close(m->s);
    open_store(m);
}

/* --- what must hold --- */

static void check_span(model *m, const spans *list, int i)
{
    sqlite3_stmt *st = NULL;
    int at = index_of(m, list->at[i].first), last = index_of(m, list->at[i].last);
    assert_true(at >= 0 && last >= at);
    assert_true(list->at[i].first_pos <= list->at[i].last_pos);
    if (i)
        assert_true(list->at[i - 1].last_pos < list->at[i].first_pos);
    assert_int_equal(sqlite3_prepare_v2(m->s->db,
                                        "SELECT archive_id, pos FROM message WHERE place = 1 AND "
                                        "pos BETWEEN ?1 AND ?2 ORDER BY pos, row",
                                        -1, &st, NULL),
                     SQLITE_OK);
    sqlite3_bind_int64(st, 1, list->at[i].first_pos);
    sqlite3_bind_int64(st, 2, list->at[i].last_pos);
    for (; sqlite3_step(st) == SQLITE_ROW; at++) {
        assert_true(at <= last);
        assert_string_equal((const char *)sqlite3_column_text(st, 0), m->at[at].id);
    }
    assert_int_equal(at, last + 1);
    sqlite3_finalize(st);
    /* The start is reached only where the server has nothing below. */
    if (list->at[i].starts)
        assert_true(index_of(m, list->at[i].first) <= m->floor && i == 0);
}

typedef struct holes {
    const spans *spans;
    int next; /* the span under which the next hole must be */
    int count;
} holes;

static epode_status check_hole(const ep_hole *hole, void *user)
{
    holes *h = user;
    int i = h->next--;
    assert_true(i >= 0);
    assert_int_equal(hole->above, h->spans->at[i].span);
    assert_int_equal(hole->below, i ? h->spans->at[i - 1].span : 0);
    assert_string_equal(hole->before_id, h->spans->at[i].first);
    assert_true(i ? !strcmp(hole->after_id, h->spans->at[i - 1].last) : !hole->after_id);
    h->count++;
    return EPODE_OK;
}

static void check_spans(model *m)
{
    spans list = { .count = 0 };
    int64_t inside = 0;
    assert_ok(ep_span_list(m->s, m->archive, take_span, &list));
    for (int i = 0; i < list.count; i++) {
        check_span(m, &list, i);
        inside += query_int(m->s,
                            "SELECT count(*) FROM message WHERE place = 1 AND pos BETWEEN "
                            "%lld AND %lld",
                            (long long)list.at[i].first_pos, (long long)list.at[i].last_pos);
    }
    assert_int_equal(query_int(m->s, "SELECT count(*) FROM message WHERE place = 1"), inside);
    holes h = { &list, list.count - 1, 0 };
    assert_ok(ep_hole_list(m->s, m->archive, check_hole, &h));
    assert_int_equal(h.count, list.count - (list.count && list.at[0].starts));
}

static void check_nothing_lost_or_doubled(model *m)
{
    for (int i = 0; i < m->count; i++) {
        int64_t n = query_int(m->s,
                              "SELECT count(*) FROM message WHERE archive = 1 AND "
                              "archive_id = '%s'",
                              m->at[i].id);
        assert_true(m->at[i].shown ? n == 1 : n == 0);
    }
    for (int i = 0; i < m->own_count; i++)
        assert_int_equal(
            query_int(m->s, "SELECT count(*) FROM message WHERE stanza_id = 'own-%d'", i), 1);
}

static void check_conversations(model *m)
{
    for (int i = 0; i < PEERS; i++) {
        int64_t id, displayed;
        uint32_t count;
        bool at_least;
        assert_ok(ep_conversation_open(m->s, m->archive, peers[i], &id));
        displayed = query_int(m->s,
                              "SELECT coalesce((SELECT pos FROM message WHERE row = "
                              "displayed_row), -1) FROM conversation WHERE id = %d",
                              (int)id);
        assert_ok(ep_unread_count(m->s, id, 30, &count, &at_least));
        int64_t all = query_int(m->s,
                                "SELECT count(*) FROM message WHERE conversation = %d AND "
                                "outgoing = 0 AND kind = 0 AND body IS NOT NULL AND pos > %lld",
                                (int)id, (long long)displayed);
        assert_int_equal(count, all > 30 ? 30 : all);
        int64_t hole = query_int(m->s,
                                 "SELECT count(*) FROM span WHERE first_pos > %lld AND NOT "
                                 "reaches_start",
                                 (long long)displayed);
        int64_t awaits = query_int(m->s,
                                   "SELECT displayed_id IS NOT NULL FROM conversation WHERE "
                                   "id = %d",
                                   (int)id);
        if (all > 30 || hole || awaits == 1)
            assert_true(at_least);
        else if (displayed >= 0)
            assert_false(at_least);
        assert_int_equal(query_int(m->s,
                                   "SELECT coalesce(last_row, 0) FROM conversation WHERE id = "
                                   "%d",
                                   (int)id),
                         query_int(m->s,
                                   "SELECT coalesce((SELECT row FROM message WHERE "
                                   "conversation = %d AND kind = 0 ORDER BY pos DESC, row "
                                   "DESC LIMIT 1), 0)",
                                   (int)id));
    }
}

static void something_is_displayed(model *m)
{
    int64_t id;
    if (m->count == m->floor)
        return;
    const entry *e = &m->at[m->floor + (int)below(m, (unsigned)(m->count - m->floor))];
    assert_ok(ep_conversation_open(m->s, m->archive, peers[e->peer], &id));
    assert_ok(ep_conversation_displayed(m->s, id, e->id, NULL));
}

static void we_bind(model *m)
{
    assert_ok(ep_archive_mark(m->s, m->archive));
    if (below(m, 2))
        last_page(m);
}

static void step(model *m)
{
    static void (*const events[])(model *) = {
        somebody_writes,
        somebody_writes,
        something_is_not_archived,
        we_send,
        the_server_takes,
        last_page,
        page_onto_a_span,
        page_onto_a_span,
        page_onto_a_span,
        page_onto_a_span,
        a_page_is_repeated,
        something_is_displayed,
        we_bind,
        much_is_archived_while_away,
    };
    unsigned rare = below(m, 100);
    if (rare == 0)
        the_store_is_opened_again(m);
    else if (rare == 1)
        the_server_forgets_its_oldest(m);
    else if (rare == 2 && below(m, 3) == 0)
        the_archive_is_replaced(m);
    else
        events[below(m, sizeof events / sizeof *events)](m);
}

static int happened[3]; /* renumberings, spans that met, rows that found their place */

static void run_seed(unsigned seed, int steps)
{
    model *m = calloc(1, sizeof *m);
    m->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    /* Every other archive is so narrow that it must be renumbered. */
    m->gap = seed % 2 ? 1 + seed % 5 : 0;
    strcpy(m->path,
           access("/dev/shm", W_OK) ? "/tmp/epode-model-XXXXXX" : "/dev/shm/epode-model-XXXXXX");
    close(mkstemp(m->path));
    open_store(m);
    int renumbered = 0;
    for (int i = 0; i < steps; i++) {
        if (getenv("MODEL_TRACE"))
            fprintf(stderr, "seed %u step %d\n", seed, i);
        step(m);
        check_spans(m);
        if (i % 8 == 0 || i == steps - 1) {
            check_nothing_lost_or_doubled(m);
            check_conversations(m);
        }
        renumbered = m->renumbered;
    }
    if (!m->gap)
        assert_int_equal(renumbered, 0);
    happened[0] += m->renumbered;
    happened[1] += m->met;
    happened[2] += m->moved;
    ep_store_close(m->s);
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    for (int i = 0; i < 3; i++) {
        char name[80];
        snprintf(name, sizeof name, "%s%s", m->path, suffixes[i]);
        unlink(name);
    }
    free(m);
}

static unsigned first_seed = 1, last_seed = SEEDS;

static void the_store_is_what_the_server_has(void **state)
{
    (void)state;
    for (unsigned seed = first_seed; seed <= last_seed; seed++) {
        printf("seed %u\n", seed);
        run_seed(seed, STEPS);
    }
    printf("%d renumberings, %d meetings, %d rows placed\n", happened[0], happened[1], happened[2]);
    if (last_seed - first_seed > 20)
        assert_true(happened[0] > 20 && happened[1] > 100 && happened[2] > 100);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_store_is_what_the_server_has),
    };
    if (argc > 1)
        first_seed = last_seed = (unsigned)strtoul(argv[1], NULL, 10);
    if (argc > 2)
        last_seed = (unsigned)strtoul(argv[2], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
