/* facts.c: the table and its text. */
#include "net/facts.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

static const char *const kinds[2] = { "starttls", "direct" };
static const char *const families[2] = { "v4", "v6" };
static const char header[] = "epode-dns 1";

ep_host *ep_facts_host(ep_facts *facts, const char *name)
{
    for (int i = 0; i < facts->hosts_n; i++)
        if (strcasecmp(facts->hosts[i].name, name) == 0)
            return &facts->hosts[i];
    return NULL;
}

ep_host *ep_facts_add_host(ep_facts *facts, const char *name)
{
    ep_host *host = ep_facts_host(facts, name);
    if (host || facts->hosts_n == EP_HOSTS_MAX || !ep_host_is_sane(name))
        return host;
    host = &facts->hosts[facts->hosts_n++];
    memset(host, 0, sizeof *host);
    snprintf(host->name, sizeof host->name, "%s", name);
    return host;
}

bool ep_host_is_sane(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n < EP_NAME_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:") == n;
}

bool ep_address_parse(ep_address *out, const char *text)
{
    memset(out, 0, sizeof *out);
    out->family = strchr(text, ':') ? AF_INET6 : AF_INET;
    return inet_pton(out->family, text, out->bytes) == 1;
}

void ep_address_print(const ep_address *address, char out[64])
{
    if (!inet_ntop(address->family, address->bytes, out, 64))
        out[0] = '\0';
}

bool ep_address_equal(const ep_address *a, const ep_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* --- writing ------------------------------------------------------------------------- */

static bool is_kept(ep_answer answer)
{
    return answer == EP_ANSWER_OK || answer == EP_ANSWER_NONE || answer == EP_ANSWER_REFUSED;
}

static void note_end(int64_t *first, int64_t expires_ms)
{
    if (expires_ms < *first)
        *first = expires_ms;
}

static void write_srv(const ep_srv_set *set, const char *kind, ep_buf *out, int64_t *first)
{
    if (!is_kept(set->answer))
        return;
    note_end(first, set->expires_ms);
    if (set->answer != EP_ANSWER_OK)
        ep_buf_printf(out, "%s %s %" PRId64 "\n",
                      set->answer == EP_ANSWER_NONE ? "none" : "refused", kind, set->expires_ms);
    for (int i = 0; i < set->n && set->answer == EP_ANSWER_OK; i++)
        ep_buf_printf(out, "srv %s %" PRId64 " %u %u %u %s\n", kind, set->expires_ms,
                      set->records[i].priority, set->records[i].weight, set->records[i].port,
                      set->records[i].host);
}

static void write_addresses(const ep_host *host, int v, ep_buf *out, int64_t *first)
{
    const ep_address_set *set = &host->v[v];
    if (!is_kept(set->answer))
        return;
    note_end(first, set->expires_ms);
    if (!set->n)
        ep_buf_printf(out, "addr %s %" PRId64 " %s -\n", families[v], set->expires_ms, host->name);
    for (int i = 0; i < set->n; i++) {
        char text[64];
        ep_address_print(&set->list[i], text);
        ep_buf_printf(out, "addr %s %" PRId64 " %s %s\n", families[v], set->expires_ms, host->name,
                      text);
    }
}

void ep_facts_write(const ep_facts *facts, ep_buf *out, int64_t *expires_ms)
{
    *expires_ms = INT64_MAX;
    ep_buf_printf(out, "%s\n", header);
    for (int i = 0; i < 2; i++)
        write_srv(&facts->srv[i], kinds[i], out, expires_ms);
    for (int i = 0; i < facts->hosts_n; i++)
        for (int v = 0; v < 2; v++)
            write_addresses(&facts->hosts[i], v, out, expires_ms);
    if (facts->good.known) {
        char text[64];
        ep_address_print(&facts->good.address, text);
        ep_buf_printf(out, "good %s %s %u %s\n", kinds[facts->good.direct], facts->good.host,
                      facts->good.port, text);
    }
}

/* --- reading ------------------------------------------------------------------------- */

/* An end farther away than any TTL means that the clock was set back: expired, but usable. */
static int64_t sane_end(const char *text, int64_t now_ms)
{
    int64_t end = strtoll(text, NULL, 10);
    return end > now_ms + (int64_t)EP_TTL_MAX_S * 1000 || end < 0 ? 0 : end;
}

static bool number16(const char *text, uint16_t *out)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);
    *out = (uint16_t)v;
    return *text && !*end && v <= UINT16_MAX;
}

static int index_of(const char *word, const char *const names[2])
{
    return strcmp(word, names[0]) == 0 ? 0 : strcmp(word, names[1]) == 0 ? 1 : -1;
}

static void read_srv(ep_facts *facts, char *word[], int n, int64_t now_ms)
{
    const int kind = index_of(word[1], kinds);
    ep_srv record = { 0 };
    if (kind < 0 || n != 7 || !number16(word[3], &record.priority) ||
        !number16(word[4], &record.weight) || !number16(word[5], &record.port) || !record.port ||
        !ep_host_is_sane(word[6]))
        return;
    ep_srv_set *set = &facts->srv[kind];
    if (set->n == EP_SRV_MAX)
        return;
    snprintf(record.host, sizeof record.host, "%s", word[6]);
    set->answer = EP_ANSWER_OK;
    set->expires_ms = sane_end(word[2], now_ms);
    set->records[set->n++] = record;
}

static void read_address(ep_facts *facts, char *word[], int n, int64_t now_ms)
{
    const int v = index_of(word[1], families);
    ep_host *host = v >= 0 && n == 5 ? ep_facts_add_host(facts, word[3]) : NULL;
    ep_address address;
    if (!host)
        return;
    ep_address_set *set = &host->v[v];
    const bool none = strcmp(word[4], "-") == 0;
    if (!none && (!ep_address_parse(&address, word[4]) || set->n == EP_ADDRESSES_MAX ||
                  address.family != (v == EP_V6 ? AF_INET6 : AF_INET)))
        return;
    set->expires_ms = sane_end(word[2], now_ms);
    if (!none)
        set->list[set->n++] = address;
    set->answer = set->n ? EP_ANSWER_OK : EP_ANSWER_NONE;
}

static void read_good(ep_facts *facts, char *word[], int n)
{
    ep_good good = { .known = true };
    const int kind = index_of(word[1], kinds);
    if (kind < 0 || n != 5 || !ep_host_is_sane(word[2]) || !number16(word[3], &good.port) ||
        !good.port || !ep_address_parse(&good.address, word[4]))
        return;
    good.direct = kind == EP_DIRECT;
    snprintf(good.host, sizeof good.host, "%s", word[2]);
    facts->good = good;
}

static void read_line(ep_facts *facts, char *line, int64_t now_ms)
{
    char *word[8], *rest = line;
    int n = 0;
    while (n < 8 && (word[n] = strtok_r(n ? NULL : line, " ", &rest)))
        n++;
    if (n < 3)
        return;
    const int kind = index_of(word[1], kinds);
    if (strcmp(word[0], "srv") == 0)
        read_srv(facts, word, n, now_ms);
    else if (strcmp(word[0], "addr") == 0)
        read_address(facts, word, n, now_ms);
    else if (strcmp(word[0], "good") == 0)
        read_good(facts, word, n);
    else if (kind >= 0 && (strcmp(word[0], "none") == 0 || strcmp(word[0], "refused") == 0)) {
        facts->srv[kind].answer = word[0][0] == 'n' ? EP_ANSWER_NONE : EP_ANSWER_REFUSED;
        facts->srv[kind].expires_ms = sane_end(word[2], now_ms);
        facts->srv[kind].n = 0;
    }
}

void ep_facts_read(ep_facts *facts, const void *text, size_t n, int64_t now_ms)
{
    char *copy = n ? ep_strndup(text, n) : NULL, *rest = NULL;
    memset(facts, 0, sizeof *facts);
    char *line = copy ? strtok_r(copy, "\n", &rest) : NULL;
    if (line && strcmp(line, header) == 0)
        while ((line = strtok_r(NULL, "\n", &rest)))
            read_line(facts, line, now_ms);
    ep_free(copy);
}
