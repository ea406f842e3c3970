/* epode/error.h: the status of every call, and the full story of a failure. */
#ifndef EPODE_ERROR_H
#define EPODE_ERROR_H

#include <stdbool.h>
#include "epode/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 0: done. Positive: not an error. Negative: failed. Values never change their meaning. */
typedef enum epode_status {
    EPODE_OK = 0,
    EPODE_DONE = 1,  /* no more rows, or nothing left to do for good */
    EPODE_AGAIN = 2, /* nothing to do now */

    EPODE_EINVAL = -1,    /* an argument is wrong; nothing was changed */
    EPODE_ENOMEM = -2,    /* an allocation failed */
    EPODE_ESTATE = -3,    /* not possible in this state */
    EPODE_ECANCELLED = -4, /* the application asked for it */
    EPODE_ETIMEOUT = -5,  /* a deadline passed */

    EPODE_EDNS = -10,     /* the name could not be resolved */
    EPODE_ECONNECT = -11, /* no address accepted a connection, or it was cut */
    EPODE_ETLS = -12,     /* TLS could not be set up */
    EPODE_ECERT = -13,    /* the server's certificate is not valid for the JID's domain */
    EPODE_EPROXY = -14,   /* the proxy refused */
    EPODE_EBUSY = -15,    /* another process owns this store */

    EPODE_EAUTH = -20,      /* the credentials were refused */
    EPODE_EDOWNGRADE = -21, /* the server offers less security than it did before */
    EPODE_EBIND = -22,      /* no resource could be bound */
    EPODE_ECONFLICT = -23,  /* another connection took this session's place */

    EPODE_ESTREAM = -30, /* the server ended the stream with an error */
    EPODE_EPROTO = -31,  /* the peer broke the protocol, or what came was not well-formed */
    EPODE_ELIMIT = -32,  /* a limit of size, depth or number was passed */
    EPODE_ESTANZA = -33, /* a stanza was answered by an error */

    EPODE_ESTORE = -40,         /* the store failed: see the native code */
    EPODE_ESTORE_CORRUPT = -41, /* the file is damaged, or not an epode store */
    EPODE_ESTORE_NEWER = -42,   /* the file was written by a newer version */
    EPODE_ESTORE_FULL = -43     /* no space left for the store */
} epode_status;

typedef struct epode_error epode_error;

/* The name of a status, as "EPODE_ECERT". Never NULL; static storage. */
EPODE_API const char *epode_status_name(epode_status status);

/* Of an error: its status; one line of text for people, without user data or secrets (never NULL); the
 * defined condition of RFC 6120 (4.9.3, 6.5, 8.3.3) or NULL; the code of the part that failed (errno,
 * OpenSSL, SQLite, c-ares), 0 where there is none; whether trying again without a change by the
 * application or the user cannot help. The strings live as long as the error does. */
EPODE_API epode_status epode_error_status(const epode_error *error);
EPODE_API const char *epode_error_text(const epode_error *error);
EPODE_API const char *epode_error_condition(const epode_error *error);
EPODE_API long epode_error_native(const epode_error *error);
EPODE_API bool epode_error_is_final(const epode_error *error);

#ifdef __cplusplus
}
#endif
#endif
