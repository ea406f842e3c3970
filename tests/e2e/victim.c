/* victim.c: linked into the epode program in place of three calls: kills the process at its n-th commit or n-th
 * write to a socket, before or after it, as EPODE_VICTIM says: "commit-before:3", "write-after:7". With
 * "power:3" it is the power that fails after the n-th commit: EPODE_IMAGE is then written with what the disk would
 * hold. EPODE_BOOT, if set, is the boot id that the client sees. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/process.h"
#include "store/store.h"
#include "vfs_loss.h"

epode_status __real_ep_store_open(ep_store **out, const ep_store_options *o, ep_error *e);
epode_status __wrap_ep_store_open(ep_store **out, const ep_store_options *o, ep_error *e);
bool __real_ep_boot_id(char out[40]);
bool __wrap_ep_boot_id(char out[40]);
ssize_t __real_send(int fd, const void *data, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t n, int flags);

static unsigned long commits, writes;

static unsigned long planned(const char *site)
{
    const char *plan = getenv("EPODE_VICTIM");
    size_t n = strlen(site);
    return plan && strncmp(plan, site, n) == 0 && plan[n] == ':' ? strtoul(plan + n + 1, NULL, 10) : 0;
}

static void strike(const char *site, unsigned long number)
{
    if (planned(site) == number)
        kill(getpid(), SIGKILL);
}

static void on_commit(uint64_t number, bool after, void *user)
{
    (void)number, (void)user;
    if (!after)
        commits++;
    if (after && planned("power") == commits) {
        vfs_loss_image(getenv("EPODE_IMAGE"), (unsigned)commits % 3);
        kill(getpid(), SIGKILL);
    }
    strike(after ? "commit-after" : "commit-before", commits);
}

epode_status __wrap_ep_store_open(ep_store **out, const ep_store_options *o, ep_error *e)
{
    ep_store_options mine = *o;
    if (planned("power")) {
        vfs_loss_reset();
        vfs_loss_watch(o->path);
        mine.vfs = VFS_LOSS_NAME;
    }
    epode_status st = __real_ep_store_open(out, &mine, e);
    if (st == EPODE_OK)
        ep_store_on_commit(*out, on_commit, NULL);
    return st;
}

bool __wrap_ep_boot_id(char out[40])
{
    const char *given = getenv("EPODE_BOOT");
    if (!given)
        return __real_ep_boot_id(out);
    snprintf(out, 40, "%s", given);
    return true;
}

ssize_t __wrap_send(int fd, const void *data, size_t n, int flags)
{
    strike("write-before", ++writes);
    ssize_t sent = __real_send(fd, data, n, flags);
    strike("write-after", writes);
    return sent;
}
