/* epode/store.h: reading what is stored, online or not, beside a running client too. */
#ifndef EPODE_STORE_H
#define EPODE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epode/error.h"
#include "epode/export.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct epode_store epode_store;

/* Opens an existing store for reading. *out is the caller's. EPODE_ESTORE (missing or not readable),
 * EPODE_ESTORE_CORRUPT, EPODE_ESTORE_NEWER, EPODE_ENOMEM; the text is copied to why[why_len] if given. */
EPODE_API epode_status epode_store_open(epode_store **out, const char *path, char *why, size_t why_len);
EPODE_API void epode_store_close(epode_store *store);

/* A message as the server handed it over. Borrowed until the callback returns. */
typedef struct epode_inbox_row {
    size_t size;
    uint64_t row;           /* ascending in the order of arrival */
    const char *archive;    /* bare JID of the archive that holds it */
    const char *archive_id; /* NULL: not known, or not to be trusted */
    int64_t received_ms;
    const char *xml;        /* xml_len bytes and a NUL */
    size_t xml_len;
} epode_inbox_row;

/* Calls each for up to limit rows above after. each returns false to stop. EPODE_DONE: no more rows follow. */
EPODE_API epode_status epode_store_inbox(epode_store *store, uint64_t after, size_t limit,
                                         bool (*each)(const epode_inbox_row *row, void *user), void *user);

#ifdef __cplusplus
}
#endif
#endif
