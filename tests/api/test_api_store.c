/* The store as an application reads it: messages, conversations, what is unread, what is missing. */
#include <time.h>
#include <unistd.h>

#include "app.h"

enum { OLD = 60 };

static server srv;

static int start_server(void **state)
{
    (void)state;
    server_start(&srv, (char *)NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&srv);
    return 0;
}

static int empty_archive(void **state)
{
    (void)state;
    server_say(&srv, "archive-purge alice@localhost 0");
    return 0;
}

/* A client that holds its whole archive; first: as many messages as that at first, 0: all of these tests'. */
static void online(app *a, const char *store, uint32_t first)
{
    epode_options o = app_options(a, &srv, store);
    o.first_sync_messages = first;
    app_open(a, &o);
    assert_int_equal(epode_client_start(a->client), EPODE_OK);
    app_online(a);
    app_synced(a);
}

static void offline(app *a)
{
    app_stop(a, EPODE_STOP_CLOSE);
    app_close(a);
}

static void hears(app *a, const char *peer, const char *body)
{
    unsigned before = a->messages;
    server_say(&srv, "message %s alice@localhost %s", peer, body);
    app_until(a, 5000, a->messages == before + 1);
}

/* --- messages ----------------------------------------------------------------------------------------- */

typedef struct rows {
    uint64_t row[300];
    int64_t time_ms[300];
    int number[300]; /* N of a body "#N ..." */
    unsigned n;
} rows;

static rows read_rows(epode_store *store, const epode_query *q)
{
    epode_cursor *cursor;
    const epode_message *m;
    rows r = { 0 };
    epode_status st;
    assert_int_equal(epode_store_messages(store, q, &cursor), EPODE_OK);
    while ((st = epode_cursor_next(cursor, &m)) == EPODE_OK) {
        assert_int_equal(m->size, sizeof *m);
        assert_true(r.n < 300);
        r.row[r.n] = m->row;
        r.time_ms[r.n] = m->time_ms;
        r.number[r.n++] = m->body && m->body[0] == '#' ? (int)strtol(m->body + 1, NULL, 10) : 0;
        assert_true((m->xml != NULL) == q->with_xml);
    }
    assert_int_equal(st, EPODE_DONE);
    assert_null(m);
    epode_cursor_free(cursor);
    return r;
}

static void numbers_are(const rows *r, int first, int last)
{
    int step = last >= first ? 1 : -1;
    assert_int_equal(r->n, (last - first) * step + 1);
    for (unsigned i = 0; i < r->n; i++)
        assert_int_equal(r->number[i], first + (int)i * step);
}

static void a_cursor_reads_from_both_ends_and_from_any_message(void **state)
{
    app a = { 0 };
    epode_query q = EPODE_QUERY_INIT;
    (void)state;
    server_say(&srv, "archive-add alice bob@localhost %d", OLD);
    online(&a, "cursor.db", 0);
    epode_store *store = epode_client_store(a.client);
    q.peer = "bob@localhost";
    rows all = read_rows(store, &q), part;
    numbers_are(&all, 1, OLD);
    q.newest_first = true;
    part = read_rows(store, &q);
    numbers_are(&part, OLD, 1);
    q.from_row = all.row[29];
    part = read_rows(store, &q);
    numbers_are(&part, 29, 1);
    q.inclusive = true;
    part = read_rows(store, &q);
    numbers_are(&part, 30, 1);
    q.newest_first = false;
    part = read_rows(store, &q);
    numbers_are(&part, 30, OLD);
    q.inclusive = false;
    part = read_rows(store, &q);
    numbers_are(&part, 31, OLD);
    q.from_row = all.row[OLD - 1];
    assert_int_equal(read_rows(store, &q).n, 0);
    q.peer = "nobody@localhost";
    q.from_row = 0;
    assert_int_equal(read_rows(store, &q).n, 0);
    offline(&a);
}

static void a_cursor_begins_at_a_time(void **state)
{
    app a = { 0 };
    epode_query q = EPODE_QUERY_INIT;
    (void)state;
    server_say(&srv, "archive-add alice bob@localhost %d", OLD);
    online(&a, "time.db", 0);
    epode_store *store = epode_client_store(a.client);
    rows all = read_rows(store, &q), part;
    assert_true(all.time_ms[19] > all.time_ms[18]);
    q.from_ms = all.time_ms[19];
    part = read_rows(store, &q);
    numbers_are(&part, 20, OLD);
    q.from_ms++;
    part = read_rows(store, &q);
    numbers_are(&part, 21, OLD);
    q.from_ms--;
    q.newest_first = true;
    part = read_rows(store, &q);
    numbers_are(&part, 19, 1);
    q.from_ms = 1;
    assert_int_equal(read_rows(store, &q).n, 0);
    q.newest_first = false;
    assert_int_equal(read_rows(store, &q).n, OLD);
    q.from_ms = all.time_ms[OLD - 1] + 1000000;
    assert_int_equal(read_rows(store, &q).n, 0);
    offline(&a);
}

static void what_is_asked_for_beside_the_text_is_there(void **state)
{
    app a = { 0 };
    epode_query q = EPODE_QUERY_INIT;
    epode_outgoing m = EPODE_OUTGOING_INIT;
    uint64_t row;
    (void)state;
    online(&a, "beside-text.db", 0);
    epode_store *store = epode_client_store(a.client);
    m.to = "bob@localhost";
    m.id = "said";
    m.body = "said";
    m.xml = "<x xmlns='urn:example:x'>more</x>";
    assert_int_equal(epode_send_message(a.client, &m, &row), EPODE_OK);
    m = (epode_outgoing)EPODE_OUTGOING_INIT;
    m.to = "bob@localhost";
    m.react_id = "said";
    m.reactions = "+";
    assert_int_equal(epode_send_message(a.client, &m, NULL), EPODE_OK);
    assert_int_equal(read_rows(store, &q).n, 1);
    q.everything = true;
    assert_int_equal(read_rows(store, &q).n, 2);
    q.with_xml = true;
    assert_int_equal(read_rows(store, &q).n, 2);
    q.everything = false;
    epode_cursor *cursor;
    const epode_message *one;
    assert_int_equal(epode_store_messages(store, &q, &cursor), EPODE_OK);
    assert_int_equal(epode_cursor_next(cursor, &one), EPODE_OK);
    assert_non_null(strstr(one->xml, "urn:example:x"));
    assert_int_equal(strlen(one->xml), one->xml_len);
    assert_int_equal(one->reaction_count, 1);
    assert_true(one->reactions[0].outgoing);
    epode_cursor_free(cursor);
    offline(&a);
}

static unsigned found(epode_store *store, const char *words, const char *peer)
{
    epode_query q = EPODE_QUERY_INIT;
    q.search = words;
    q.peer = peer;
    return read_rows(store, &q).n;
}

static void words_are_found_and_are_only_words(void **state)
{
    static const char *const syntax[] = { "\"", "\"\"", "\"a", "'", "(", ")", "*", "^", "-", "+", ":", "body:", "{", "NEAR(",
                                          "NEAR(a b)", "a OR", "NOT", "AND AND", "\\", ";", "%", "\xff", "a\"b\"c" };
    app a = { 0 };
    (void)state;
    online(&a, "search.db", 0);
    epode_store *store = epode_client_store(a.client);
    hears(&a, "bob@localhost", "The \"quick\" brown fox");
    hears(&a, "bob@localhost", "body AND soul OR neither");
    hears(&a, "carol@localhost", "a quick answer, \xc3\xa4pfel");
    app_for(&a, 100);
    assert_int_equal(found(store, "quick", NULL), 2);
    assert_int_equal(found(store, "QUICK", NULL), 2);
    assert_int_equal(found(store, "\"quick\"", NULL), 2);
    assert_int_equal(found(store, "quick fox", NULL), 1);
    assert_int_equal(found(store, "quick OR soul", NULL), 0);
    assert_int_equal(found(store, "soul OR", NULL), 1);
    assert_int_equal(found(store, "body:soul", NULL), 0);
    assert_int_equal(found(store, "quick NOT fox", NULL), 0);
    assert_int_equal(found(store, "qui", NULL), 0);
    assert_int_equal(found(store, "qui*", NULL), 2);
    assert_int_equal(found(store, "\xc3\xa4pfel", NULL), 1);
    assert_int_equal(found(store, "quick", "carol@localhost"), 1);
    assert_int_equal(found(store, "fox", "carol@localhost"), 0);
    assert_int_equal(found(store, "quick", "nobody@localhost"), 0);
    for (size_t i = 0; i < sizeof syntax / sizeof *syntax; i++)
        if (found(store, syntax[i], NULL) > 3)
            fail_msg("%s", syntax[i]);
    offline(&a);
}

static void what_cannot_be_asked_is_refused(void **state)
{
    app a = { 0 };
    epode_query q = EPODE_QUERY_INIT;
    epode_cursor *cursor;
    (void)state;
    epode_options o = app_options(&a, &srv, NULL);
    app_open(&a, &o);
    epode_store *store = epode_client_store(a.client);
    assert_int_equal(epode_store_messages(store, NULL, &cursor), EPODE_EINVAL);
    q.size = 0;
    assert_int_equal(epode_store_messages(store, &q, &cursor), EPODE_EINVAL);
    assert_null(cursor);
    epode_cursor_free(NULL);
    assert_false(app_row_of(a.client, 1).found);
    assert_false(app_row_of(a.client, UINT64_MAX).found);
    assert_int_equal(epode_mark_displayed(a.client, 1, false), EPODE_EINVAL);
    assert_int_equal(epode_history_fill(a.client, 0, 0), EPODE_ESTATE);
    app_close(&a);
}

/* The reader's cursor stands in the middle while more comes, and goes on with it, each once. */
static void a_store_is_read_while_it_grows(void **state)
{
    char path[128];
    app a = { 0 };
    epode_store *reader;
    epode_cursor *cursor;
    const epode_message *m;
    epode_query q = EPODE_QUERY_INIT;
    uint64_t seen[OLD + 10];
    unsigned n = 0;
    (void)state;
    server_say(&srv, "archive-add alice bob@localhost %d", OLD);
    online(&a, "grows.db", 0);
    snprintf(path, sizeof path, "%s/grows.db", srv.dir);
    assert_int_equal(epode_store_open(&reader, path, NULL, 0), EPODE_OK);
    assert_int_equal(epode_store_messages(reader, &q, &cursor), EPODE_OK);
    while (epode_cursor_next(cursor, &m) == EPODE_OK) {
        for (unsigned i = 0; i < n; i++)
            assert_int_not_equal(seen[i], m->row);
        assert_true(n < OLD + 5);
        seen[n++] = m->row;
        if (n % 10 == 0 && n <= 50)
            hears(&a, "bob@localhost", "one more");
    }
    assert_int_equal(n, OLD + 5);
    epode_cursor_free(cursor);
    epode_store_close(reader);
    offline(&a);
}

typedef struct told {
    unsigned history, news;
} told;

static void count_news(app *a, const epode_event *event)
{
    told *t = a->more;
    if (event->type == EPODE_EV_MESSAGE && event->change == EPODE_CHANGE_NEW)
        ++*(event->history ? &t->history : &t->news);
}

static void news_of(const char *store, unsigned history, unsigned news)
{
    app a = { 0 };
    told t = { 0 };
    a.on = count_news;
    a.more = &t;
    app_start(&a, &srv, store);
    app_settled(&a);
    assert_int_equal(t.history, history);
    assert_int_equal(t.news, news);
    app_stop(&a, EPODE_STOP_CLOSE);
    app_close(&a);
}

static void what_was_there_before_the_store_is_no_news(void **state)
{
    (void)state;
    news_of("empty.db", 0, 0);
    server_say(&srv, "archive-add alice@localhost bob@localhost 5");
    news_of("later.db", 5, 0);
    news_of("empty.db", 0, 5);
    server_say(&srv, "archive-add alice@localhost bob@localhost 3");
    news_of("later.db", 0, 3);
    news_of("later.db", 0, 0);
}

/* How many there are of somebody, newest first. */
static size_t read_of(app *a, const char *peer)
{
    epode_query q = { .size = sizeof q, .peer = peer, .newest_first = true };
    epode_cursor *cursor;
    const epode_message *m;
    size_t n = 0;
    assert_int_equal(epode_store_messages(epode_client_store(a->client), &q, &cursor), EPODE_OK);
    for (; epode_cursor_next(cursor, &m) == EPODE_OK; n++)
        assert_string_equal(m->peer, peer);
    epode_cursor_free(cursor);
    return n;
}

/* Read to the end of nothing: what only the server has is asked for all the same. */
static void a_conversation_that_only_the_server_has_comes_as_it_is_read(void **state)
{
    app a = { 0 };
    (void)state;
    server_say(&srv, "archive-add alice dave@localhost 5");
    server_say(&srv, "archive-add alice bob@localhost 60");
    online(&a, "below.db", 20);
    assert_int_equal(read_of(&a, "dave@localhost"), 0);
    app_until(&a, 10000, read_of(&a, "dave@localhost") == 5);
    offline(&a);
}

static void search_at_once(app *a, const epode_event *event)
{
    epode_query q = EPODE_QUERY_INIT;
    epode_cursor *cursor;
    const epode_message *m;
    if (event->type != EPODE_EV_MESSAGE || event->change != EPODE_CHANGE_NEW)
        return;
    q.search = "needle";
    assert_int_equal(epode_store_messages(epode_client_store(a->client), &q, &cursor), EPODE_OK);
    while (epode_cursor_next(cursor, &m) == EPODE_OK)
        ++*(unsigned *)a->more;
    epode_cursor_free(cursor);
}

/* Words are indexed behind everything else, but whoever searches does not notice. */
static void what_has_just_come_is_found(void **state)
{
    app a = { 0 };
    unsigned found = 0;
    (void)state;
    a.on = search_at_once;
    a.more = &found;
    app_start(&a, &srv, "at-once.db");
    app_online(&a);
    hears(&a, "bob@localhost", "a needle that has just come");
    assert_int_equal(found, 1);
    offline(&a);
}

static void note_times(const epode_message *m, void *user)
{
    int64_t *times = user;
    times[0] = m->time_ms;
    times[1] = m->received_ms;
}

/* Without an archive nobody tells the time of a message but ourselves. */
static void a_live_message_has_the_time_of_its_arrival(void **state)
{
    app a = { 0 };
    int64_t times[2] = { 0 };
    struct timespec t;
    (void)state;
    epode_options o = app_options(&a, &srv, "live.db");
    o.flags = EPODE_NO_SYNC;
    app_open(&a, &o);
    assert_int_equal(epode_client_start(a.client), EPODE_OK);
    app_online(&a);
    clock_gettime(CLOCK_REALTIME, &t);
    hears(&a, "bob@localhost", "now");
    assert_int_equal(epode_store_message(epode_client_store(a.client), a.last_row, note_times, times), EPODE_OK);
    assert_true(times[0] >= (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
    assert_int_equal(times[1], times[0]);
    offline(&a);
}

/* --- conversations ------------------------------------------------------------------------------------ */

typedef struct list {
    char peer[8][64];
    uint64_t last_row[8], displayed_row[8];
    uint32_t unread[8];
    unsigned n, stop;
} list;

static bool add_conversation(const epode_conversation *c, void *user)
{
    list *l = user;
    assert_int_equal(c->size, sizeof *c);
    assert_string_equal(c->archive, "alice@localhost");
    snprintf(l->peer[l->n], sizeof *l->peer, "%s", c->peer);
    l->last_row[l->n] = c->last_row;
    l->displayed_row[l->n] = c->displayed_row;
    l->unread[l->n] = c->unread;
    return ++l->n != l->stop;
}

static void conversations_are_listed_by_their_newest_message(void **state)
{
    app a = { 0 };
    list l = { 0 };
    (void)state;
    server_say(&srv, "archive-add alice bob@localhost 10");
    server_say(&srv, "archive-add alice carol@localhost 10");
    server_say(&srv, "archive-add alice dave@localhost 10");
    online(&a, "conversations.db", 0);
    epode_store *store = epode_client_store(a.client);
    assert_int_equal(epode_store_conversations(store, add_conversation, &l), EPODE_OK);
    assert_int_equal(l.n, 3);
    assert_string_equal(l.peer[0], "dave@localhost");
    assert_string_equal(l.peer[2], "bob@localhost");
    hears(&a, "bob@localhost/phone", "hello");
    l = (list){ .stop = 2 };
    assert_int_equal(epode_store_conversations(store, add_conversation, &l), EPODE_OK);
    assert_int_equal(l.n, 2);
    assert_string_equal(l.peer[0], "bob@localhost");
    assert_int_equal(l.last_row[0], a.last_row);
    assert_string_equal(l.peer[1], "dave@localhost");
    assert_int_equal(app_send(&a, "carol@localhost", "hello", NULL), EPODE_OK);
    l = (list){ .stop = 1 };
    assert_int_equal(epode_store_conversations(store, add_conversation, &l), EPODE_OK);
    assert_string_equal(l.peer[0], "carol@localhost");
    offline(&a);
}

static uint32_t unread(app *a, const char *peer)
{
    uint32_t n = 4711;
    bool at_least;
    assert_true(epode_store_unread(epode_client_store(a->client), peer, &n, &at_least) >= 0);
    return n;
}

#define both_until(a, b, condition)                                                                \
    do {                                                                                           \
        int64_t end_ = app_now_ms() + 5000;                                                        \
        while (!(condition)) {                                                                     \
            if (app_now_ms() > end_)                                                               \
                fail_msg("not in time: %s", #condition);                                           \
            app_turn(a, app_now_ms() + 3);                                                         \
            app_turn(b, app_now_ms() + 3);                                                         \
        }                                                                                          \
    } while (0)

static void what_was_displayed_on_one_device_is_read_on_all(void **state)
{
    app one = { 0 }, two = { 0 };
    (void)state;
    online(&one, "one.db", 0);
    online(&two, "two.db", 0);
    for (unsigned i = 0; i < 3; i++)
        hears(&one, "bob@localhost", "read this");
    both_until(&one, &two, two.messages == 3);
    assert_int_equal(unread(&one, "bob@localhost"), 3);
    assert_int_equal(unread(&two, "bob@localhost"), 3);
    assert_int_equal(unread(&one, "nobody@localhost"), 0);
    uint64_t last = one.last_row;
    assert_int_equal(epode_mark_displayed(one.client, last - 1, false), EPODE_OK);
    assert_int_equal(unread(&one, "bob@localhost"), 1);
    both_until(&one, &two, one.unread && unread(&two, "bob@localhost") == 1);
    assert_true(two.unread > 0);
    assert_int_equal(epode_mark_displayed(one.client, last, false), EPODE_OK);
    both_until(&one, &two, unread(&two, "bob@localhost") == 0);
    /* The position does not go back. */
    assert_int_equal(epode_mark_displayed(one.client, last - 2, false), EPODE_OK);
    assert_int_equal(unread(&one, "bob@localhost"), 0);
    offline(&one);
    offline(&two);
}

static void what_was_displayed_offline_is_told_with_the_next_start(void **state)
{
    app one = { 0 }, two = { 0 };
    (void)state;
    online(&one, "told-one.db", 0);
    online(&two, "told-two.db", 0);
    hears(&one, "bob@localhost", "read this later");
    both_until(&one, &two, two.messages == 1);
    uint64_t row = one.last_row;
    app_stop(&one, EPODE_STOP_CLOSE);
    assert_int_equal(epode_mark_displayed(one.client, row, false), EPODE_OK);
    app_for(&two, 100);
    assert_int_equal(unread(&two, "bob@localhost"), 1);
    epode_client_start(one.client);
    both_until(&one, &two, unread(&two, "bob@localhost") == 0);
    offline(&one);
    offline(&two);
}

static void a_position_of_another_device_counts_here(void **state)
{
    app a = { 0 };
    (void)state;
    online(&a, "mds.db", 0);
    hears(&a, "bob@localhost", "first");
    app_row first = app_row_of(a.client, a.last_row);
    assert_int_not_equal(strlen(first.archive_id), 0);
    hears(&a, "bob@localhost", "second");
    server_say(&srv, "mds-publish alice bob@localhost %s", first.archive_id);
    app_until(&a, 5000, unread(&a, "bob@localhost") == 1);
    assert_true(a.unread > 0);
    offline(&a);
}

static void an_event_with_a_text_is_a_message_as_well(void **state)
{
    app a = { 0 };
    (void)state;
    online(&a, "event.db", 0);
    server_say(&srv, "stanza alice <message from='bob@localhost/x' type='headline' id='e1'><event xmlns='"
                     "http://jabber.org/protocol/pubsub#event'><items node='urn:example:news'/></event></message>");
    server_say(&srv, "stanza alice <message from='bob@localhost/x' type='headline' id='e2'><body>news</body><event xmlns='"
                     "http://jabber.org/protocol/pubsub#event'><items node='urn:example:news'/></event></message>");
    app_until(&a, 5000, a.messages == 1);
    assert_int_equal(unread(&a, "bob@localhost"), 1);
    assert_string_equal(app_row_of(a.client, a.last_row).body, "news");
    offline(&a);
}

/* --- holes -------------------------------------------------------------------------------------------- */

typedef struct holes {
    unsigned n;
    char before_id[256];
    bool to_the_beginning;
} holes;

static bool add_hole(const epode_hole *h, void *user)
{
    holes *all = user;
    assert_int_equal(h->size, sizeof *h);
    assert_string_equal(h->archive, "alice@localhost");
    all->n++;
    all->to_the_beginning = h->after_id == NULL;
    snprintf(all->before_id, sizeof all->before_id, "%s", h->before_id ? h->before_id : "");
    return true;
}

static holes holes_of(app *a)
{
    holes all = { 0 };
    assert_int_equal(epode_store_holes(epode_client_store(a->client), add_hole, &all), EPODE_OK);
    return all;
}

/* n: what is asked for with each fill. */
static void a_first_login_of_some_is_filled_up(unsigned n)
{
    app a = { 0 };
    char store[32], first[256], last[256], end[256];
    epode_status st;
    unsigned turns = 0;
    snprintf(store, sizeof store, "holes-%u.db", n);
    online(&a, store, 10);
    assert_int_equal(a.messages + a.own, 10);
    assert_int_equal(holes_of(&a).n, 1);
    assert_true(holes_of(&a).to_the_beginning);
    assert_int_equal(epode_store_extent(epode_client_store(a.client), first, last), EPODE_OK);
    assert_string_equal(holes_of(&a).before_id, first);
    while ((st = epode_history_fill(a.client, 0, n)) == EPODE_OK) {
        unsigned before = a.synced;
        if (!turns++)
            assert_int_equal(epode_history_fill(a.client, 0, n), EPODE_AGAIN);
        app_until(&a, 5000, a.synced > before);
        assert_true(turns < 20);
    }
    assert_int_equal(st, EPODE_DONE);
    assert_int_equal(a.messages + a.own, OLD);
    assert_int_equal(holes_of(&a).n, 0);
    assert_int_equal(epode_store_extent(epode_client_store(a.client), first, end), EPODE_OK);
    assert_string_equal(end, last);
    epode_query q = EPODE_QUERY_INIT;
    rows all = read_rows(epode_client_store(a.client), &q);
    numbers_are(&all, 1, OLD);
    offline(&a);
}

static void what_is_missing_is_known_and_can_be_had(void **state)
{
    (void)state;
    server_say(&srv, "archive-add alice bob@localhost %d", OLD);
    a_first_login_of_some_is_filled_up(7);
    a_first_login_of_some_is_filled_up(0);
}

/* Reading back is all that is needed: what is missing is asked for at the end of what is held. */
static void reading_to_the_end_asks_for_more(void **state)
{
    app a = { 0 };
    epode_query q = EPODE_QUERY_INIT;
    (void)state;
    server_say(&srv, "archive-add alice bob@localhost %d", OLD);
    online(&a, "more.db", 10);
    epode_store *store = epode_client_store(a.client);
    q.newest_first = true;
    q.peer = "bob@localhost";
    assert_int_equal(read_rows(store, &q).n, 10);
    app_until(&a, 5000, read_rows(store, &q).n == OLD);
    assert_int_equal(holes_of(&a).n, 0);
    offline(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_cursor_reads_from_both_ends_and_from_any_message, empty_archive),
        cmocka_unit_test_setup(a_cursor_begins_at_a_time, empty_archive),
        cmocka_unit_test_setup(what_is_asked_for_beside_the_text_is_there, empty_archive),
        cmocka_unit_test_setup(words_are_found_and_are_only_words, empty_archive),
        cmocka_unit_test(what_cannot_be_asked_is_refused),
        cmocka_unit_test_setup(a_store_is_read_while_it_grows, empty_archive),
        cmocka_unit_test_setup(what_has_just_come_is_found, empty_archive),
        cmocka_unit_test_setup(what_was_there_before_the_store_is_no_news, empty_archive),
        cmocka_unit_test_setup(a_conversation_that_only_the_server_has_comes_as_it_is_read, empty_archive),
        cmocka_unit_test_setup(a_live_message_has_the_time_of_its_arrival, empty_archive),
        cmocka_unit_test_setup(conversations_are_listed_by_their_newest_message, empty_archive),
        cmocka_unit_test_setup(what_was_displayed_on_one_device_is_read_on_all, empty_archive),
        cmocka_unit_test_setup(what_was_displayed_offline_is_told_with_the_next_start, empty_archive),
        cmocka_unit_test_setup(a_position_of_another_device_counts_here, empty_archive),
        cmocka_unit_test_setup(an_event_with_a_text_is_a_message_as_well, empty_archive),
        cmocka_unit_test_setup(what_is_missing_is_known_and_can_be_had, empty_archive),
        cmocka_unit_test_setup(reading_to_the_end_asks_for_more, empty_archive),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
