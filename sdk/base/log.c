/* log.c: formats a line for the application's callback. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void ep_log_line(const ep_log *log, int level, const char *area, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    if (!ep_log_wants(log, level))
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    log->write(level, area, line, log->user);
}
