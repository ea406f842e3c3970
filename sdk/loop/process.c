/* process.c: Linux's /proc. */
#include "loop/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A small file, whole and terminated; -1: it cannot be read. */
static ssize_t read_small(const char *path, char *out, size_t size)
{
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    do
        n = read(fd, out, size - 1);
    while (n < 0 && errno == EINTR);
    close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n;
}

bool ep_boot_id(char out[40])
{
    ssize_t n = read_small("/proc/sys/kernel/random/boot_id", out, 40);
    if (n <= 0)
        return false;
    out[strcspn(out, "\n")] = '\0';
    return out[0] != '\0';
}

/* The state's letter and the start; false: no such process. */
static bool read_stat(pid_t pid, char *state, unsigned long long *start)
{
    char path[32], line[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    if (pid <= 0 || read_small(path, line, sizeof line) <= 0)
        return false;
    /* The second field is the program's name in parentheses, which may hold any byte: count from
     * behind it. */
    char *p = strrchr(line, ')');
    if (!p || p[1] != ' ')
        return false;
    *state = p[2];
    p += 2;
    for (int field = 3; field < 22; field++) {
        p = strchr(p, ' ');
        if (!p)
            return false;
        p++;
    }
    *start = strtoull(p, NULL, 10);
    return true;
}

uint64_t ep_process_start(pid_t pid)
{
    char state;
    unsigned long long start;
    return read_stat(pid, &state, &start) ? start : 0;
}

bool ep_process_alive(pid_t pid, uint64_t start_ticks)
{
    char state;
    unsigned long long start;
    return read_stat(pid, &state, &start) && start == start_ticks && state != 'Z' && state != 'X';
}

bool ep_pid_namespace(char out[32])
{
    ssize_t n = readlink("/proc/self/ns/pid", out, 31);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

void ep_process_ignore_sigpipe(void)
{
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL) {
        now.sa_handler = SIG_IGN;
        sigaction(SIGPIPE, &now, NULL);
    }
}
