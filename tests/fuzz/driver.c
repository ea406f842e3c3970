/* driver.c: a main() for the fuzzers where there is no libFuzzer: every file of the corpus, and then mutations of them,
 * always the same ones. driver DIRECTORY... ; EPODE_FUZZ_RUNS: how many mutations at most; they end after two seconds
 * in any case where it is not set. An input that aborts is left in fuzz-crash.bin. */
#include <dirent.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

enum { SEEDS_MAX = 256, INPUT_MAX = 16384 };

typedef struct seed {
    uint8_t *data;
    size_t size;
} seed;

static seed seeds[SEEDS_MAX];
static size_t seed_count;
static uint8_t now[INPUT_MAX];
static size_t now_size;
static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint32_t random_below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % n;
}

static void on_abort(int sig)
{
    FILE *f = fopen("fuzz-crash.bin", "wb");
    if (f) {
        fwrite(now, 1, now_size, f);
        fclose(f);
    }
    signal(sig, SIG_DFL);
    raise(sig);
}

static void read_seed(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || seed_count == SEEDS_MAX)
        return;
    seed *s = &seeds[seed_count++];
    s->data = malloc(INPUT_MAX);
    MUST(s->data);
    s->size = fread(s->data, 1, INPUT_MAX, f);
    fclose(f);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_corpus(const char *dir)
{
    char path[512];
    struct dirent **names;
    int n = scandir(dir, &names, NULL, by_name);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            read_seed(path);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

static void put(size_t at, const uint8_t *data, size_t n)
{
    if (at > now_size || now_size + n > INPUT_MAX)
        return;
    memmove(now + at + n, now + at, now_size - at);
    memcpy(now + at, data, n);
    now_size += n;
}

static void mutate_once(void)
{
    static const char *const words[] = { "<", ">", "'", "\"", "&", "/", "=", "\xff", "\xc3", "\0", "-1", "4294967296",
                                         "18446744073709551615", "<!--", "<![CDATA[", "<?", "xmlns='", "jabber:client" };
    const seed *other = &seeds[random_below((uint32_t)seed_count)];
    size_t at = now_size ? random_below((uint32_t)now_size) : 0;
    size_t n = now_size - at ? random_below((uint32_t)(now_size - at)) % 32 + 1 : 0;
    const char *word = words[random_below(sizeof words / sizeof *words)];
    switch (random_below(6)) {
    case 0:
        now[at] = now_size ? (uint8_t)random_below(256) : 0;
        break;
    case 1:
        now[at] ^= now_size ? (uint8_t)(1u << random_below(8)) : 0;
        break;
    case 2:
        put(at, (const uint8_t *)word, strlen(word) ? strlen(word) : 1);
        break;
    case 3:
        if (n && at + n <= now_size) {
            memmove(now + at, now + at + n, now_size - at - n);
            now_size -= n;
        }
        break;
    case 4:
        if (other->size) {
            size_t from = random_below((uint32_t)other->size);
            put(at, other->data + from, random_below((uint32_t)(other->size - from)) % 200 + 1);
        }
        break;
    default:
        now_size = now_size > 1 ? random_below((uint32_t)now_size) + 1 : now_size;
    }
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    const char *wanted = getenv("EPODE_FUZZ_RUNS");
    unsigned long runs = wanted ? strtoul(wanted, NULL, 10) : 1000000, run = 0;
    double end = wanted ? 1e18 : seconds() + 2;
    for (int i = 1; i < argc; i++)
        read_corpus(argv[i]);
    MUST(seed_count > 0);
    signal(SIGABRT, on_abort);
    signal(SIGSEGV, on_abort);
    for (size_t i = 0; i < seed_count; i++) {
        memcpy(now, seeds[i].data, now_size = seeds[i].size);
        LLVMFuzzerTestOneInput(now, now_size);
    }
    for (; run < runs && seconds() < end; run++) {
        const seed *s = &seeds[random_below((uint32_t)seed_count)];
        memcpy(now, s->data, now_size = s->size);
        for (uint32_t n = random_below(5) + 1; n; n--)
            mutate_once();
        LLVMFuzzerTestOneInput(now, now_size);
    }
    printf("%zu seeds, %lu mutations\n", seed_count, run);
    for (size_t i = 0; i < seed_count; i++)
        free(seeds[i].data);
    return 0;
}
