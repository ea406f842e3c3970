/* measure.c: runs a program and prints on standard error what it cost: processor seconds, wall seconds, peak resident
 * kB. Small itself, for a child's peak begins with its parent's.
 *
 *   bench-measure PROGRAM [ARGUMENTS] */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    int status;
    struct rusage usage;
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    pid_t pid = argc > 1 ? fork() : -1;
    if (pid == 0) {
        execv(argv[1], argv + 1);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
        return 127;
    clock_gettime(CLOCK_MONOTONIC, &ended);
    fprintf(stderr, "%.6f %.6f %ld\n", seconds(usage.ru_utime) + seconds(usage.ru_stime),
            (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9, usage.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
