/* vfs_loss.c: the VFS that loses power. */
#include "vfs_loss.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A write since the last sync; without data a truncation to size offset. */
typedef struct change {
    struct change *next;
    size_t offset, len;
    unsigned char *data;
} change;

typedef struct watched {
    char path[512];
    unsigned char *synced; /* the content as of the last sync */
    size_t len;
    change *first, **last;
    int known; /* opened once: synced is filled */
} watched;

typedef struct loss_file {
    sqlite3_file base;
    watched *watched; /* or NULL */
    sqlite3_file *real;
} loss_file;

typedef struct countdown {
    unsigned long left;
    int rc, sticky;
} countdown;

enum { FILES = 3 };
static const char *const suffixes[FILES] = { "", "-wal", "-journal" };
static watched files[FILES];
static sqlite3_vfs loss_vfs, *real_vfs;
static unsigned long writes, syncs;
static countdown fail_write, fail_sync;
static void (*on_event)(void *user);
static void *on_event_user;

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((loss_file *)f)->real;
}

static void event(void)
{
    if (on_event)
        on_event(on_event_user);
}

static int count_down(countdown *c)
{
    if (!c->left || --c->left)
        return SQLITE_OK;
    c->left = c->sticky ? 1 : 0;
    return c->rc;
}

static void content_resize(unsigned char **content, size_t *len, size_t to)
{
    *content = must(realloc(*content, to + 1));
    if (to > *len)
        memset(*content + *len, 0, to - *len);
    *len = to;
}

static void content_change(unsigned char **content, size_t *len, const change *c)
{
    if (!c->data) {
        content_resize(content, len, c->offset);
        return;
    }
    if (c->offset + c->len > *len)
        content_resize(content, len, c->offset + c->len);
    memcpy(*content + c->offset, c->data, c->len);
}

static void watched_add(watched *w, size_t offset, const void *data, size_t len)
{
    change *c = must(calloc(1, sizeof *c));
    c->offset = offset;
    c->len = len;
    if (data) {
        c->data = must(malloc(len + 1));
        memcpy(c->data, data, len);
    }
    *w->last = c;
    w->last = &c->next;
}

/* Empties the list of changes, applied or not. */
static void watched_settle(watched *w, int apply)
{
    while (w->first) {
        change *c = w->first;
        w->first = c->next;
        if (apply)
            content_change(&w->synced, &w->len, c);
        free(c->data);
        free(c);
    }
    w->last = &w->first;
}

static watched *watched_find(const char *path)
{
    for (int i = 0; path && i < FILES; i++)
        if (files[i].path[0] && strcmp(files[i].path, path) == 0)
            return &files[i];
    return NULL;
}

static void watched_load(watched *w)
{
    FILE *f = fopen(w->path, "rb");
    unsigned char block[4096];
    size_t n;
    w->known = 1;
    while (f && (n = fread(block, 1, sizeof block, f)) > 0) {
        change c = { .offset = w->len, .len = n, .data = block };
        content_change(&w->synced, &w->len, &c);
    }
    if (f)
        fclose(f);
}

static int loss_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int loss_read(sqlite3_file *f, void *p, int n, sqlite3_int64 offset)
{
    return real_of(f)->pMethods->xRead(real_of(f), p, n, offset);
}

static int loss_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 offset)
{
    watched *w = ((loss_file *)f)->watched;
    if (w) {
        event();
        int rc = count_down(&fail_write);
        if (rc != SQLITE_OK)
            return rc;
        writes++;
        watched_add(w, (size_t)offset, p, (size_t)n);
    }
    return real_of(f)->pMethods->xWrite(real_of(f), p, n, offset);
}

static int loss_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    watched *w = ((loss_file *)f)->watched;
    if (w) {
        event();
        watched_add(w, (size_t)size, NULL, 0);
    }
    return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int loss_sync(sqlite3_file *f, int flags)
{
    watched *w = ((loss_file *)f)->watched;
    (void)flags;
    if (w) {
        event();
        int rc = count_down(&fail_sync);
        if (rc != SQLITE_OK) {
            watched_settle(w, 0);
            return rc;
        }
        syncs++;
        watched_settle(w, 1);
    }
    return SQLITE_OK;
}

static int loss_file_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int loss_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int loss_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int loss_check_lock(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int loss_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int loss_sector_size(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int loss_characteristics(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int loss_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int loss_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void loss_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int loss_shm_unmap(sqlite3_file *f, int erase)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), erase);
}

static const sqlite3_io_methods loss_methods = {
    .iVersion = 2,
    .xClose = loss_close,
    .xRead = loss_read,
    .xWrite = loss_write,
    .xTruncate = loss_truncate,
    .xSync = loss_sync,
    .xFileSize = loss_file_size,
    .xLock = loss_lock,
    .xUnlock = loss_unlock,
    .xCheckReservedLock = loss_check_lock,
    .xFileControl = loss_control,
    .xSectorSize = loss_sector_size,
    .xDeviceCharacteristics = loss_characteristics,
    .xShmMap = loss_shm_map,
    .xShmLock = loss_shm_lock,
    .xShmBarrier = loss_shm_barrier,
    .xShmUnmap = loss_shm_unmap,
};

static int loss_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out)
{
    loss_file *file = (loss_file *)f;
    (void)vfs;
    memset(file, 0, sizeof *file);
    file->real = (sqlite3_file *)(file + 1);
    file->watched = watched_find(path);
    if (file->watched && !file->watched->known)
        watched_load(file->watched);
    int rc = real_vfs->xOpen(real_vfs, path, file->real, flags, out);
    if (file->real->pMethods)
        file->base.pMethods = &loss_methods;
    return rc;
}

static int loss_delete(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
    watched *w = watched_find(path);
    (void)vfs;
    if (w) {
        event();
        watched_add(w, 0, NULL, 0);
        if (sync_directory)
            watched_settle(w, 1);
    }
    return real_vfs->xDelete(real_vfs, path, 0);
}

static void loss_register(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    loss_vfs = *real_vfs;
    loss_vfs.zName = VFS_LOSS_NAME;
    loss_vfs.pNext = NULL;
    loss_vfs.szOsFile = (int)sizeof(loss_file) + real_vfs->szOsFile;
    loss_vfs.xOpen = loss_open;
    loss_vfs.xDelete = loss_delete;
    if (sqlite3_vfs_register(&loss_vfs, 0) != SQLITE_OK)
        abort();
}

void vfs_loss_reset(void)
{
    if (!real_vfs)
        loss_register();
    for (int i = 0; i < FILES; i++) {
        if (files[i].last)
            watched_settle(&files[i], 0);
        free(files[i].synced);
        memset(&files[i], 0, sizeof files[i]);
        files[i].last = &files[i].first;
    }
    writes = syncs = 0;
    memset(&fail_write, 0, sizeof fail_write);
    memset(&fail_sync, 0, sizeof fail_sync);
    on_event = NULL;
}

void vfs_loss_watch(const char *path)
{
    for (int i = 0; i < FILES; i++)
        snprintf(files[i].path, sizeof files[i].path, "%s%s", path, suffixes[i]);
}

unsigned long vfs_loss_writes(void)
{
    return writes;
}

unsigned long vfs_loss_syncs(void)
{
    return syncs;
}

void vfs_loss_fail_write(unsigned long k, int rc, int sticky)
{
    fail_write = (countdown){ k, rc, sticky };
}

void vfs_loss_fail_sync(unsigned long k, int rc, int sticky)
{
    fail_sync = (countdown){ k, rc, sticky };
}

void vfs_loss_on_event(void (*fn)(void *user), void *user)
{
    on_event = fn;
    on_event_user = user;
}

/* An empty WAL or journal is none. */
static void image_write(const watched *w, const char *path, unsigned *seed)
{
    unsigned char *content = NULL;
    size_t len = 0;
    content_resize(&content, &len, w->len);
    if (w->len)
        memcpy(content, w->synced, w->len);
    for (const change *c = w->first; *seed && c; c = c->next) {
        *seed = *seed * 1103515245u + 12345u;
        if (*seed >> 16 & 1)
            content_change(&content, &len, c);
        *seed |= 1u << 31;
    }
    FILE *f = len || w == files ? must(fopen(path, "wb")) : NULL;
    if (f && (fwrite(content, 1, len, f) != len || fclose(f)))
        abort();
    free(content);
}

void vfs_loss_image(const char *to, unsigned seed)
{
    char path[512];
    snprintf(path, sizeof path, "%s-shm", to);
    unlink(path);
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s%s", to, suffixes[i]);
        unlink(path);
        image_write(&files[i], path, &seed);
    }
}
