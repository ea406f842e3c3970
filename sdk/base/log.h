/* log.h: where the library's lines go. No user data, no secrets; the error level is for bugs. */
#ifndef EP_LOG_H
#define EP_LOG_H

typedef enum ep_log_level { EP_LOG_ERROR = 1, EP_LOG_WARN, EP_LOG_INFO, EP_LOG_DEBUG, EP_LOG_TRACE } ep_log_level;

typedef struct ep_log {
    int level; /* nothing above it is formatted */
    void (*write)(int level, const char *area, const char *line, void *user);
    void *user;
} ep_log;

/* log may be NULL or have no writer. A line is cut at 500 bytes. */
void ep_log_line(const ep_log *log, int level, const char *area, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static inline int ep_log_wants(const ep_log *log, int level)
{
    return log && log->write && level <= log->level;
}

#endif
