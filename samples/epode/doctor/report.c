/* report.c: what was found, for people as it is found, for programs in one object at the end. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

static const char *const names[MARK_COUNT] = { "ok", "note", "warn", "bad" };

void report_open(report *r, bool json)
{
    *r = (report){ .json = json, .color = !json && isatty(STDOUT_FILENO) && !getenv("NO_COLOR"), .checks = json_array() };
}

void report_close(report *r)
{
    json_decref(r->checks);
}

void report_area(report *r, const char *area)
{
    r->area = area;
    if (!r->json)
        printf("\n%s\n", area);
}

/* Names and texts of others: nothing that could move the cursor. */
static void clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

void report_say(report *r, mark m, const char *check, const char *advice, const char *format, ...)
{
    static const char *const colors[MARK_COUNT] = { "\033[32m", "\033[2m", "\033[33m", "\033[31m" };
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    clean(text);
    r->counts[m]++;
    json_array_append_new(r->checks, json_pack("{s:s,s:s,s:s,s:s#,s:s?}", "area", r->area, "check", check, "mark", names[m],
                                               "text", text, (int)strlen(text), "advice", advice));
    if (r->json)
        return;
    printf("  %s%-4s%s  %s\n", r->color ? colors[m] : "", names[m], r->color ? "\033[0m" : "", text);
    if (advice)
        printf("        -> %s\n", advice);
    fflush(stdout);
}
