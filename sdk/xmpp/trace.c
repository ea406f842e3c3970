/* trace.c: masking. The text is what a writer made or a parser accepted, so tags are whole. */
#include "xmpp/trace.h"

#include <stdbool.h>
#include <string.h>

static bool tag_is(const char *tag, size_t n, const char *const *names)
{
    for (; *names; names++) {
        size_t k = strlen(*names);
        if (n > k && memcmp(tag, *names, k) == 0 && strchr(" >/", tag[k]))
            return true;
    }
    return false;
}

static void mask(char *from, char *to)
{
    for (; from < to; from++)
        *from = '*';
}

/* Masks the value of an attribute inside the tag [from, to). */
static void mask_attr(char *from, char *to, const char *name)
{
    size_t n = strlen(name);
    for (char *p = from; p + n + 3 < to; p++) {
        if (*p != ' ' || memcmp(p + 1, name, n) != 0 || p[n + 1] != '=')
            continue;
        char quote = p[n + 2], *value = p + n + 3, *end = memchr(value, quote, (size_t)(to - value));
        if (end)
            mask(value, end);
        return;
    }
}

/* Everything inside of an element, its children's tags too: what tasks carry is theirs to define. */
static void mask_whole(char *tag, char *close, char *end)
{
    char *to = close + 1;
    size_t n = 0;
    while (!strchr(" >/", tag[n])) /* close is one of them */
        n++;
    for (; to < end; to++)
        if (*to == '<' && (size_t)(end - to) > n + 2 && to[1] == '/' && memcmp(to + 2, tag, n) == 0 && to[2 + n] == '>')
            break;
    mask(close + 1, to);
}

void ep_trace_mask(char *xml, size_t len)
{
    static const char *const texts[] = { "auth", "initial-response", "response", "challenge", "success",
                                         "additional-data", "hash", "header", "password", NULL };
    /* <enable/> with content is push's (XEP-0357): how its service knows us. */
    static const char *const wholes[] = { "next", "task-data", "enable", NULL };
    static const char *const places[] = { "put", NULL }; /* XEP-0363: who knows it may write there */
    static const char *const tokens[] = { "token", NULL };
    static const char *const resumptions[] = { "enabled", "resume", "resumed", NULL };
    char *end = xml + len;
    for (char *p = xml; (p = memchr(p, '<', (size_t)(end - p))) != NULL;) {
        char *close = memchr(p, '>', (size_t)(end - p));
        if (!close)
            return;
        size_t n = (size_t)(close - p);
        if (tag_is(p + 1, n, texts) && close[-1] != '/') {
            char *next = memchr(close, '<', (size_t)(end - close));
            mask(close + 1, next ? next : end);
        } else if (tag_is(p + 1, n, wholes) && close[-1] != '/') {
            mask_whole(p + 1, close, end);
        } else if (tag_is(p + 1, n, tokens)) {
            mask_attr(p, close, "token");
        } else if (tag_is(p + 1, n, places)) {
            mask_attr(p, close, "url");
        } else if (tag_is(p + 1, n, resumptions)) {
            mask_attr(p, close, "id");
            mask_attr(p, close, "previd");
        }
        p = close;
    }
}
