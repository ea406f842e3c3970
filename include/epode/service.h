/* epode/service.h: small requests that every messenger makes, each over epode_iq() and with its rules: one outcome, from
 * the one who was asked. done and id (may be NULL) as there; done may be NULL where nothing is read from the answer.
 * EPODE_EINVAL: an argument is missing or not valid; EPODE_ESTATE: not ready; EPODE_ELIMIT, EPODE_ESTORE*, EPODE_ENOMEM. */
#ifndef EPODE_SERVICE_H
#define EPODE_SERVICE_H

#include "epode/send.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether somebody answers (XEP-0199): a full JID, a server, or NULL for our own server. An error from there is an answer
 * too: who does not know pings is there all the same, unless the condition says otherwise. */
EPODE_API epode_status epode_ping(epode_client *client, const char *jid, epode_iq_fn *done, void *user, uint64_t *id);

/* Name and version of somebody's software (XEP-0092); jid NULL: our own server. */
EPODE_API epode_status epode_version_ask(epode_client *client, const char *jid, epode_iq_fn *done, void *user,
                                         uint64_t *id);
typedef struct epode_software {
    size_t size;
    const char *name, *version, *os; /* NULL: not said */
} epode_software;
/* Reads the answer. EPODE_DONE: it is none with a version; EPODE_ENOMEM. */
EPODE_API epode_status epode_iq_software(const epode_iq_answer *answer,
                                         void (*each)(const epode_software *software, void *user), void *user);

/* What time it is there (XEP-0202); jid NULL: our own server. We answer our own devices, and contacts who may see our
 * presence. */
EPODE_API epode_status epode_time_ask(epode_client *client, const char *jid, epode_iq_fn *done, void *user, uint64_t *id);
/* Reads the answer: *utc_ms Unix, *offset_min the minutes that local time is ahead of it. EPODE_DONE: it is none with a
 * time; EPODE_ENOMEM. */
EPODE_API epode_status epode_iq_time(const epode_iq_answer *answer, int64_t *utc_ms, int *offset_min);

/* How long ago somebody was there (XEP-0012): a full JID, since when its user has not looked; a bare one, since when no
 * device of it is there; a server, or NULL for our own: since it started. Of ourselves the same is told as the time is: 0
 * while the client is active. */
EPODE_API epode_status epode_last_activity_ask(epode_client *client, const char *jid, epode_iq_fn *done, void *user,
                                               uint64_t *id);
/* Reads the answer. EPODE_DONE: it is none that says so; EPODE_ENOMEM. */
EPODE_API epode_status epode_iq_last_activity(const epode_iq_answer *answer, uint64_t *seconds);

/* What belongs to somebody (XEP-0030, 4): services of a server, rooms of a service. jid NULL: our own server; node may be
 * NULL. */
EPODE_API epode_status epode_items_ask(epode_client *client, const char *jid, const char *node, epode_iq_fn *done,
                                       void *user, uint64_t *id);
typedef struct epode_item {
    size_t size;
    const char *jid, *node, *name; /* node, name: NULL where there is none */
} epode_item;
/* Reads the answer, until each returns false. Items without a JID are left out. EPODE_DONE: it is none with items. */
EPODE_API epode_status epode_iq_items(const epode_iq_answer *answer, bool (*each)(const epode_item *item, void *user),
                                      void *user);

/* --- push (XEP-0357) ------------------------------------------------------------------------------------- */

/* Has the account's server notify this push service of what comes while no device takes it. It lasts until it is
 * disabled, whatever becomes of the session. node: as the service gave it (NULL: none); names and values: count fields of
 * its publish-options form, as it wants them, e.g. "secret". Look for "urn:xmpp:push:0" by epode_client_account_has() or
 * _server_has() first. */
EPODE_API epode_status epode_push_enable(epode_client *client, const char *service, const char *node,
                                         const char *const *names, const char *const *values, size_t count,
                                         epode_iq_fn *done, void *user, uint64_t *id);
/* node NULL: everything that was enabled for that service. */
EPODE_API epode_status epode_push_disable(epode_client *client, const char *service, const char *node,
                                          epode_iq_fn *done, void *user, uint64_t *id);

/* --- upload slots (XEP-0363) ----------------------------------------------------------------------------- */

/* Made by the library; fields may be appended. Borrowed until the callback returns. */
typedef struct epode_upload {
    size_t size;
    const char *put_url, *get_url; /* HTTPS; NULL: it failed */
    size_t header_count;           /* of the PUT: epode_upload_header() */
    const char *service;           /* who was asked; NULL: there is none */
    uint64_t max_bytes;            /* of a file, as the service says; 0: it does not */
    int64_t retry_ms;              /* when it may be tried again (Unix), if the service said so; 0: it did not */
    const epode_error *error;      /* NULL: done. EPODE_ELIMIT: the file is too large, see max_bytes; EPODE_ESTANZA with the
                                    * service's condition, as "resource-constraint", see retry_ms, or "item-not-found": this
                                    * server has no such service; EPODE_EPROTO: no usable slot, EPODE_ETIMEOUT,
                                    * EPODE_ECANCELLED */
} epode_upload;
/* As epode_iq_fn: exactly once; client is NULL where that is freed. */
typedef void epode_upload_fn(epode_client *client, const epode_upload *upload, void *user);

/* Asks for a place to put a file of this name and size; type may be NULL. The service is looked for among the server's
 * items, and remembered for a week. */
EPODE_API epode_status epode_upload_slot(epode_client *client, const char *name, uint64_t bytes, const char *type,
                                         epode_upload_fn *done, void *user);
/* A header to be sent with the PUT, in this order: "Authorization", "Cookie" or "Expires". False: not that many. */
EPODE_API bool epode_upload_header(const epode_upload *upload, size_t i, const char **name, const char **value);

#ifdef __cplusplus
}
#endif
#endif
