/* file.c: the file itself: made for its owner only, and looked at before SQLite does anything to
 * it. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/internal.h"

/* The offsets of SQLite's file format, section 1.3. */
enum { HEADER_BYTES = 100, HEADER_APPLICATION_ID = 68 };
static const char header_magic[16] = "SQLite format 3";

/* A file whose name is lost with the power is lost whole. */
static int file_sync_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t n = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
    char *dir = n ? ep_strndup(path, n) : ep_strdup(".");
    if (!dir)
        return ENOMEM;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd < 0 || fsync(fd) ? errno : 0;
    if (fd >= 0)
        close(fd);
    ep_free(dir);
    /* Some file systems cannot sync a directory; those know no better. */
    return err == EINVAL || err == ENOTSUP ? 0 : err;
}

epode_status ep_store_file_create(const char *path, ep_error *e)
{
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return EPODE_OK;
    int err = fd < 0 ? errno : 0;
    if (fd >= 0) {
        close(fd);
        err = file_sync_directory(path);
    }
    if (err == 0)
        return EPODE_OK;
    if (fd >= 0)
        unlink(path);
    if (err == ENOMEM)
        return ep_fail(e, EPODE_ENOMEM, err, "out of memory");
    if (err == ENOSPC || err == EDQUOT)
        return ep_fail(e, EPODE_ESTORE_FULL, err,
                       "no space is left for the store: make room and try again");
    return ep_fail(e, EPODE_ESTORE, err,
                   "the store's file cannot be created: check that its "
                   "directory exists and may be written");
}

static uint32_t file_be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The rest of a creation that was cut: a rollback journal beside a file that holds nothing yet. */
static bool file_has_journal(ep_store *s)
{
    sqlite3_vfs *vfs = NULL;
    int exists = 0;
    const char *path = sqlite3_db_filename(s->db, "main");
    const char *journal = path ? sqlite3_filename_journal(path) : NULL;
    sqlite3_file_control(s->db, "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
    return vfs && journal &&
           vfs->xAccess(vfs, journal, SQLITE_ACCESS_EXISTS, &exists) == SQLITE_OK && exists;
}

/* Through SQLite's own handle: closing another one of the same file would drop this process's POSIX
 * locks on it. */
epode_status ep_store_file_check(ep_store *s)
{
    unsigned char header[HEADER_BYTES];
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    int rc = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (rc == SQLITE_OK && (!file || !file->pMethods))
        rc = SQLITE_CANTOPEN;
    if (rc == SQLITE_OK)
        rc = file->pMethods->xFileSize(file, &size);
    if (rc == SQLITE_OK && size >= HEADER_BYTES)
        rc = file->pMethods->xRead(file, header, HEADER_BYTES, 0);
    if (rc != SQLITE_OK)
        return ep_store_failed(s, rc);
    if (size == 0)
        return EPODE_OK;
    if (size < HEADER_BYTES || memcmp(header, header_magic, sizeof header_magic) != 0)
        return file_has_journal(s) ? EPODE_OK : ep_store_failed(s, SQLITE_NOTADB);
    if (file_be32(header + HEADER_APPLICATION_ID) != EP_STORE_APPLICATION_ID)
        return ep_store_fail(s, EPODE_ESTORE_CORRUPT,
                             "the file belongs to another program: choose another one");
    return EPODE_OK;
}
