/* Features and faults: setting them by name. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum kind { BOOL, INT, TEXT, TIMES };

struct row {
    const char *name;
    const char *value;
    const char *help;
    enum kind kind;
    int fault;
};

static const struct row rows[OPT_COUNT] = {
#define X(symbol, name, kind, value, help) {name, value, help, kind, 0},
    SRV_FEATURES(X)
#undef X
#define X(symbol, name, kind, value, help) {name, value, help, kind, 1},
    SRV_FAULTS(X)
#undef X
};

static int parse_switch(const char *value, long *number)
{
    if (strcmp(value, "on") == 0 || strcmp(value, "true") == 0 || strcmp(value, "1") == 0)
        *number = 1;
    else if (strcmp(value, "off") == 0 || strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
        *number = 0;
    else
        return -1;
    return 0;
}

static int parse_long(const char *value, long *number)
{
    char *end = NULL;
    errno = 0;
    *number = strtol(value, &end, 10);
    return errno || end == value || *end ? -1 : 0;
}

static int parse(enum kind kind, const char *value, struct srv_value *out)
{
    long number = 0;
    int off = strcmp(value, "off") == 0;
    if (kind == BOOL && parse_switch(value, &number) != 0)
        return -1;
    if (kind == INT && !off && parse_long(value, &number) != 0)
        return -1;
    if (kind == TIMES) {
        if (strcmp(value, "on") == 0)
            number = -1;
        else if (!off && (parse_long(value, &number) != 0 || number < 0))
            return -1;
    }
    srv_set(&out->text, off ? "" : value);
    out->number = number;
    return 0;
}

void srv_settings_init(struct srv_settings *settings)
{
    memset(settings, 0, sizeof *settings);
    for (size_t i = 0; i < OPT_COUNT; i++)
        if (parse(rows[i].kind, rows[i].value, &settings->values[i]) != 0)
            abort();
}

void srv_settings_free(struct srv_settings *settings)
{
    for (size_t i = 0; i < OPT_COUNT; i++)
        free(settings->values[i].text);
}

int srv_settings_put(struct srv_settings *settings, int fault, const char *name,
                     const char *value)
{
    for (size_t i = 0; i < OPT_COUNT; i++)
        if (rows[i].fault == fault && strcmp(rows[i].name, name) == 0)
            return parse(rows[i].kind, value, &settings->values[i]);
    return -1;
}

void srv_settings_json(const struct srv_settings *settings, int faults, struct srv_buf *out)
{
    const char *comma = "";
    srv_buf_puts(out, "{");
    for (size_t i = 0; i < OPT_COUNT; i++) {
        if (rows[i].fault != faults)
            continue;
        srv_buf_puts(out, comma);
        srv_buf_json(out, rows[i].name);
        srv_buf_puts(out, ":");
        if (rows[i].kind == TEXT)
            srv_buf_json(out, settings->values[i].text);
        else
            srv_buf_printf(out, "%ld", settings->values[i].number);
        comma = ",";
    }
    srv_buf_puts(out, "}");
}

void srv_settings_help(int faults, struct srv_buf *out)
{
    for (size_t i = 0; i < OPT_COUNT; i++)
        if (rows[i].fault == faults)
            srv_buf_printf(out, "  %-24s %s (default: %s)\n", rows[i].name, rows[i].help,
                           rows[i].value);
}
