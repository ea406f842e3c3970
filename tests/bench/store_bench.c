/* store_bench.c: what the archive costs, as a table. Not a test.
 *
 *   store_bench [ROWS [DIRECTORY]]     default 1000000, the size of the large store, in /tmp */
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

static spent read_cursor(bench *b, const ep_cursor_options *o, int batches, size_t *found)
{
    ep_cursor *c;
    const ep_view *views;
    size_t n;
    spent sum = { 0, 0 }, began = start();
    *found = 0;
    must(ep_cursor_open(b->s, o, &c), "cursor");
    for (int i = 0; i < batches && ep_cursor_next(c, &views, &n) == EPODE_OK; i++)
        *found += n;
    ep_cursor_close(c);
    stop(&sum, began);
    return sum;
}

static void read_all(bench *b)
{
    size_t n;
    ep_cursor_options last = { .conversation = b->conversation, .flags = EP_CURSOR_UP };
    ep_cursor_options day = { .conversation = b->conversation,
                              .from_day = true,
                              .from_ms = 1700000000000 + b->rows / 2 * 1000 };
    ep_cursor_options rare = { .search = "number4321 harbour" };
    ep_cursor_options one = { .search = "number4321", .conversation = b->conversation };
    ep_cursor_options often = { .search = "river" };
    ep_cursor_options all = { .archive = b->archive, .flags = EP_CURSOR_ALL, .batch = 250 };
    read_cursor(b, &last, 1, &n);
    line("conversation, last 50 messages", read_cursor(b, &last, 1, &n), 1);
    line("conversation, 10 more batches of 50", read_cursor(b, &last, 10, &n), 1);
    line("conversation, 50 messages from a day on", read_cursor(b, &day, 1, &n), 1);
    line("archive, 10,000 messages in batches of 250", read_cursor(b, &all, 40, &n), 1);
    line("search, two words, one of them rare, first 50", read_cursor(b, &rare, 1, &n), 1);
    line("search, a rare word in one conversation", read_cursor(b, &one, 1, &n), 1);
    line("search, a word of every other message, first 50", read_cursor(b, &often, 1, &n), 1);
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
    spent count = { 0, 0 }, list = { 0, 0 }, began = start();
    must(ep_unread_count(b->s, b->conversation, 0, &n, &at_least), "unread");
    stop(&count, began);
    line("unread count, at its cap of 1000", count, 1);
    began = start();
    must(ep_conversation_list(b->s, 0, 0, 50, no_row, NULL), "conversations");
    stop(&list, began);
    line("conversation list, 50", list, 1);
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
    count_unread(&b);
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
