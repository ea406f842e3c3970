/* victim.c: linked into the epode program in place of two calls: kills the process at its n-th commit or n-th write
 * to a socket, before or after it, as EPODE_VICTIM says: "commit-before:3", "write-after:7". With "count" it lives
 * and tells at its end how many of each there were. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/store.h"

epode_status __real_ep_store_open(ep_store **out, const ep_store_options *o, ep_error *e);
epode_status __wrap_ep_store_open(ep_store **out, const ep_store_options *o, ep_error *e);
ssize_t __real_send(int fd, const void *data, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t n, int flags);

static unsigned long commits, writes;

static void strike(const char *site, unsigned long number)
{
    const char *plan = getenv("EPODE_VICTIM");
    size_t n = strlen(site);
    if (plan && strncmp(plan, site, n) == 0 && plan[n] == ':' && strtoul(plan + n + 1, NULL, 10) == number)
        kill(getpid(), SIGKILL);
}

static void on_commit(uint64_t number, bool after, void *user)
{
    (void)number, (void)user;
    if (!after)
        commits++;
    strike(after ? "commit-after" : "commit-before", commits);
}

epode_status __wrap_ep_store_open(ep_store **out, const ep_store_options *o, ep_error *e)
{
    epode_status st = __real_ep_store_open(out, o, e);
    if (st == EPODE_OK)
        ep_store_on_commit(*out, on_commit, NULL);
    return st;
}

ssize_t __wrap_send(int fd, const void *data, size_t n, int flags)
{
    strike("write-before", ++writes);
    ssize_t sent = __real_send(fd, data, n, flags);
    strike("write-after", writes);
    return sent;
}

static void tell(void)
{
    const char *plan = getenv("EPODE_VICTIM");
    if (plan && strcmp(plan, "count") == 0)
        printf("{\"commits\":%lu,\"writes\":%lu}\n", commits, writes);
}

__attribute__((constructor)) static void prepare(void)
{
    atexit(tell);
}
