/* words.c: stable tokens as people would say them. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

/* Steps as people call them. */
static const char *step_words(const char *step, size_t n)
{
    static const char *const words[][2] = {
        { "header", "stream header" }, { "restart", "second header" }, { "enable-sm", "stream management" },
        { "inactive", "client state" }, { "stanzas", "presence and queries" }, { "query", "name, addresses" },
        { "syn", "connection" }, { "client-hello", "handshake" }, { "starttls", "STARTTLS" },
        { "early-data", "early data" },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i][0]) == n && memcmp(words[i][0], step, n) == 0)
            return words[i][1];
    return NULL;
}

void cli_held_words(char *out, size_t size, const char *held)
{
    size_t used = 0;
    *out = '\0';
    while (*held && used + 2 < size) {
        size_t n = strcspn(held, " ");
        const char *words = step_words(held, n);
        used += (size_t)snprintf(out + used, size - used, "%s%.*s", used ? " + " : "", words ? 99 : (int)n, words ? words : held);
        held += n + strspn(held + n, " ");
    }
}

const char *cli_fallback_words(const epode_fallback *f, char *out, size_t size)
{
    static const char *const words[][2] = {
        { "token", "the remembered token was refused, another way to log in was taken" },
        { "ticket", "the TLS ticket could not be used, a full handshake was made" },
        { "resumption", "the old session could not be resumed, a new one was bound" },
        { "pipelined-authentication", "a login sent ahead was not taken, it was done again step by step" },
        { "behind-bind", "nothing is taken before the answer to the bind, so the rest of the login waited for it" },
        { "legacy-pipelining", "a whole login in one write was not taken, it was done again step by step" },
        { "stanzas-behind-authentication", "stanzas behind the login were not borne, they were sent after it" },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i][0], f->what) == 0) {
            snprintf(out, size, "%s (%s)", words[i][1], f->why);
            return out;
        }
    snprintf(out, size, "%s was guessed wrong (%s)", f->what, f->why);
    return out;
}

void cli_milliseconds(char *out, size_t n, int64_t us)
{
    double ms = (double)us / 1000.0;
    snprintf(out, n, ms < 10 ? "%.1f ms" : "%.0f ms", ms);
}

void cli_bytes(char *out, size_t n, uint64_t bytes)
{
    if (bytes < 1000)
        snprintf(out, n, "%u B", (unsigned)bytes);
    else
        snprintf(out, n, "%.1f kB", (double)bytes / 1000.0);
}
