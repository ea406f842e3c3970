/* vfs_loss.h: a SQLite VFS over the default one for tests of durability: it remembers what was
 * synced, and can show what the disk would hold if the power failed now. It never syncs for real.
 * One thread. */
#ifndef VFS_LOSS_H
#define VFS_LOSS_H

#include <stddef.h>

#define VFS_LOSS_NAME "loss"

/* Registers the VFS, if it is not yet, and forgets all that was watched or set. */
void vfs_loss_reset(void);
/* Watches the database at path (an absolute one), its WAL and its journal, from their next opening.
 * Other files are passed through, and nothing below applies to them. */
void vfs_loss_watch(const char *path);

unsigned long vfs_loss_writes(void);
unsigned long vfs_loss_syncs(void);

/* The k-th write from now (1: the next) gives rc, and so do all that follow while sticky; 0: none.
 */
void vfs_loss_fail_write(unsigned long k, int rc, int sticky);
/* The same for syncs. As on Linux, what a failed one should have synced is never synced by a later
 * one: only writing it again helps. */
void vfs_loss_fail_sync(unsigned long k, int rc, int sticky);

/* Called before every write, truncation, sync and deletion of a watched file. It may open other
 * ones. */
void vfs_loss_on_event(void (*event)(void *user), void *user);

/* Writes to path "to" (and its "-wal", "-journal") what would survive a power loss now. Seed 0:
 * what was synced, and nothing else; others: of each write since, by the seed, all of it or
 * nothing. */
void vfs_loss_image(const char *to, unsigned seed);

#endif
