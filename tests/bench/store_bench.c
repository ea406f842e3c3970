/* store_bench.c: what the archive costs, as a table. Not a test.
 *
 *   bench-store [ROWS [DIRECTORY]]     default 1000000, the size of the large store, in /tmp */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/archive.h"
#include "store/conversation.h"
#include "store/cursor.h"
#include "store/outbox.h"
#include "store/page.h"
#include "store/search.h"

enum { PAGE = 250, PEERS = 100, ROWS_PER_COMMIT = 1000 };

static const char *const words[] = {
    "harbour", "lantern", "morning", "quiet", "river",  "stone",
    "thunder", "window",  "yellow",  "never", "always", "perhaps"
};

typedef struct bench {
    ep_store *s;
    char path[128];
    int64_t archive, conversation;
    long rows;
    uint64_t random;
} bench;

/* Time on the clock, and of this process: they differ where the disk or other processes are busy.
 */
typedef struct spent {
    double wall, cpu;
} spent;

static double read_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static spent start(void)
{
    return (spent){ read_us(CLOCK_MONOTONIC), read_us(CLOCK_PROCESS_CPUTIME_ID) };
}

static void stop(spent *sum, spent began)
{
    sum->wall += read_us(CLOCK_MONOTONIC) - began.wall;
    sum->cpu += read_us(CLOCK_PROCESS_CPUTIME_ID) - began.cpu;
}

static void must(epode_status status, const char *what)
{
    if (status >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, epode_status_name(status));
    exit(1);
}

static void line(const char *what, spent s, double n)
{
    printf("%-62s %10.1f %10.1f\n", what, s.wall / n, s.cpu / n);
}

static unsigned below(bench *b, unsigned n)
{
    b->random = b->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(b->random >> 33) % n;
}

typedef struct text {
    char id[40], stanza[40], peer[32], body[160], xml[800];
} text;

static void make(bench *b, text *t, ep_msg *m, long n)
{
    unsigned peer = below(b, PEERS);
    snprintf(t->id, sizeof t->id, "%016lx%08x", 1700000000000 + n * 1000, below(b, 1u << 31));
    snprintf(t->stanza, sizeof t->stanza, "%08x-%08x-%08x", below(b, 1u << 31), below(b, 1u << 31),
             below(b, 1u << 31));
    snprintf(t->peer, sizeof t->peer, "peer%u@example.org", peer);
    size_t used = 0;
    for (int i = 0; i < 9 && used < sizeof t->body; i++)
        used += (size_t)snprintf(t->body + used, sizeof t->body - used, "%s ", words[below(b, 12)]);
    if (used < sizeof t->body)
        snprintf(t->body + used, sizeof t->body - used, "number%ld", n % 5000);
    memset(t->xml, 'x', 600);
    t->xml[600] = '\0';
    *m = (ep_msg){ .archive_id = t->id,
                   .peer = t->peer,
                   .from = t->peer,
                   .to = "me@example.org",
                   .type = "chat",
                   .id = t->stanza,
                   .body = t->body,
                   .time_ms = 1700000000000 + n * 1000,
                   .xml = t->xml,
                   .len = 600 };
    if (below(b, 3) == 0) {
        m->outgoing = true;
        m->from = "me@example.org/x";
        m->to = t->peer;
        m->origin_id = t->stanza;
    }
}

/* Pages of 250, forward, committed by the thousand. */
static spent fill(bench *b, long rows, int64_t *span)
{
    static text texts[PAGE];
    static ep_msg msgs[PAGE];
    spent sum = { 0, 0 };
    for (long done = 0; done < rows;) {
        spent began = start();
        must(ep_store_begin(b->s), "begin");
        stop(&sum, began);
        for (int p = 0; p < ROWS_PER_COMMIT / PAGE && done < rows; p++, done += PAGE) {
            ep_page page = { .archive = b->archive,
                             .rows = msgs,
                             .n = PAGE,
                             .span = *span,
                             .kind = *span ? EP_PAGE_AFTER : EP_PAGE_LAST };
            ep_page_result out;
            for (int i = 0; i < PAGE; i++)
                make(b, &texts[i], &msgs[i], b->rows++);
            began = start();
            must(ep_archive_page(b->s, &page, &out, NULL), "page");
            stop(&sum, began);
            *span = out.span;
        }
        began = start();
        must(ep_store_commit(b->s, false), "commit");
        ep_store_idle(b->s);
        stop(&sum, began);
    }
    return sum;
}

static spent feed(bench *b)
{
    bool more = true;
    spent sum = { 0, 0 };
    spent began = start();
    while (more) {
        must(ep_search_feed(b->s, 1000, &more), "feed");
        ep_store_idle(b->s);
    }
    stop(&sum, began);
    return sum;
}

/* --- reading: each many times, in other conversations and places --- */

enum { SAMPLES = 1000 };

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void many(bench *b, const char *what, void (*once)(bench *b))
{
    static double wall[SAMPLES], cpu[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        spent sum = { 0, 0 }, began = start();
        once(b);
        stop(&sum, began);
        wall[i] = sum.wall;
        cpu[i] = sum.cpu;
    }
    qsort(wall, SAMPLES, sizeof *wall, compare);
    qsort(cpu, SAMPLES, sizeof *cpu, compare);
    printf("%-62s %8.0f %8.0f %8.0f %8.0f\n", what, wall[SAMPLES / 2], wall[SAMPLES * 99 / 100], cpu[SAMPLES / 2],
           cpu[SAMPLES * 99 / 100]);
}

static void read_cursor(bench *b, const ep_cursor_options *o, int batches)
{
    ep_cursor *c;
    const ep_view *views;
    size_t n;
    must(ep_cursor_open(b->s, o, &c), "cursor");
    for (int i = 0; i < batches && ep_cursor_next(c, &views, &n) == EPODE_OK; i++)
        ;
    ep_cursor_close(c);
}

static int64_t any_conversation(bench *b)
{
    char peer[32];
    int64_t id;
    snprintf(peer, sizeof peer, "peer%u@example.org", below(b, PEERS));
    must(ep_conversation_open(b->s, b->archive, peer, &id), "conversation");
    return id;
}

static void last_page(bench *b)
{
    ep_cursor_options o = { .conversation = any_conversation(b), .flags = EP_CURSOR_UP };
    read_cursor(b, &o, 1);
}

static void page_of_a_day(bench *b)
{
    ep_cursor_options o = { .conversation = any_conversation(b),
                            .from_day = true,
                            .from_ms = 1700000000000 + (int64_t)below(b, (unsigned)b->rows) * 1000 };
    read_cursor(b, &o, 1);
}

static void search_rare(bench *b)
{
    char query[40];
    snprintf(query, sizeof query, "number%u", below(b, 5000));
    ep_cursor_options o = { .search = query };
    read_cursor(b, &o, 1);
}

static void search_two(bench *b)
{
    char query[60];
    snprintf(query, sizeof query, "%s number%u", words[below(b, 12)], below(b, 5000));
    ep_cursor_options o = { .search = query };
    read_cursor(b, &o, 1);
}

static void search_conversation(bench *b)
{
    ep_cursor_options o = { .search = words[below(b, 12)], .conversation = any_conversation(b) };
    read_cursor(b, &o, 1);
}

static void search_often(bench *b)
{
    ep_cursor_options o = { .search = words[below(b, 12)] };
    read_cursor(b, &o, 1);
}

static epode_status no_row(const ep_conversation *c, void *user)
{
    (void)c;
    (void)user;
    return EPODE_OK;
}

static void count_unread(bench *b)
{
    uint32_t n;
    bool at_least;
    must(ep_unread_count(b->s, any_conversation(b), 0, &n, &at_least), "unread");
}

static void list_conversations(bench *b)
{
    must(ep_conversation_list(b->s, 0, 0, 50, no_row, NULL), "conversations");
}

static void read_all(bench *b)
{
    printf("%-62s %8s %8s %8s %8s\n", "microseconds: median and 99th percentile", "clock", "99 %", "CPU", "99 %");
    many(b, "conversation, last 50 messages", last_page);
    many(b, "conversation, 50 messages from a day on", page_of_a_day);
    many(b, "conversation list, 50", list_conversations);
    many(b, "unread count, at its cap of 1000", count_unread);
    many(b, "search, a rare word, first 50", search_rare);
    many(b, "search, two words, one of them rare, first 50", search_two);
    many(b, "search, a common word in one conversation, first 50", search_conversation);
    many(b, "search, a word of every other message, first 50", search_often);
}

static void add_live(bench *b)
{
    text t;
    ep_msg m;
    ep_live out;
    enum { N = 2000 };
    spent sum = { 0, 0 };
    for (int i = 0; i < N; i++) {
        make(b, &t, &m, b->rows++);
        spent began = start();
        must(ep_store_begin(b->s), "begin");
        must(ep_archive_live(b->s, b->archive, &m, false, 0, &out, NULL), "live");
        must(ep_store_commit(b->s, false), "commit");
        stop(&sum, began);
    }
    line("live message, a transaction each", sum, N);
}

int main(int argc, char **argv)
{
    bench b = { .random = 42 };
    long rows = argc > 1 ? atol(argv[1]) : 1000000;
    int64_t span = 0;
    snprintf(b.path, sizeof b.path, "%s/epode-bench-%d.db", argc > 2 ? argv[2] : "/tmp",
             (int)getpid());
    ep_store_options o = { .path = b.path, .boot_id = "boot", .now_ms = 1 };
    must(ep_store_open(&b.s, &o, NULL), "open");
    must(ep_archive_open(b.s, "me@example.org", EP_ARCHIVE_ACCOUNT, &b.archive), "archive");
    must(ep_conversation_open(b.s, b.archive, "peer7@example.org", &b.conversation),
         "conversation");
    printf("%-62s %10s %10s\n", "microseconds", "clock", "CPU");
    line("insert, pages of 250, 1,000 rows a commit: first 100,000, a row", fill(&b, 100000, &span),
         1e5);
    line("feeding the search index with them, a row", feed(&b), 1e5);
    if (rows > 200000)
        fill(&b, rows - 200000, &span);
    if (rows > 100000)
        line("insert, the last 100,000, a row", fill(&b, 100000, &span), 1e5);
    feed(&b);
    printf("in a store of %ld messages:\n", b.rows);
    read_all(&b);
    printf("%-62s %10s %10s\n", "microseconds", "clock", "CPU");
    add_live(&b);
    ep_store_close(b.s);
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    for (int i = 0; i < 3; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s%s", b.path, suffixes[i]);
        unlink(name);
    }
    return 0;
}
