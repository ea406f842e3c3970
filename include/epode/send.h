/* epode/send.h: stanzas out, and stanzas as libstrophe has them. */
#ifndef EPODE_SEND_H
#define EPODE_SEND_H

#include "epode/client.h"

#ifdef __cplusplus
extern "C" {
#endif

struct _xmpp_ctx_t;    /* libstrophe's xmpp_ctx_t */
struct _xmpp_stanza_t; /* libstrophe's xmpp_stanza_t */

/* libstrophe's context of this client, for building stanzas; lives as long as the client. Its reference
 * counts are not atomic: stanzas stay on the owner's thread. NULL: no memory. */
EPODE_API struct _xmpp_ctx_t *epode_client_ctx(epode_client *client);

/* Sends a message, presence or iq (anything else, and an iq without an id, is EPODE_EINVAL). Only when ready:
 * EPODE_ESTATE. EPODE_ELIMIT: larger than the server takes, where it said so (XEP-0478). The stanza is read at
 * once; the caller keeps its reference. Under stream management it is on disk before its bytes leave, and is sent
 * again after a resumption. A message without an id gets one. Messages for people go by epode_send_message(). */
EPODE_API epode_status epode_send(epode_client *client, struct _xmpp_stanza_t *stanza);
/* The same from text: exactly one element, well-formed, jabber:client by default. EPODE_EINVAL otherwise. */
EPODE_API epode_status epode_send_xml(epode_client *client, const char *xml, size_t len);
/* --- requests -------------------------------------------------------------------------------------------- */

typedef enum epode_iq_outcome {
    EPODE_IQ_RESULT = 1,
    EPODE_IQ_ERROR,    /* the answer is an error: condition */
    EPODE_IQ_TIMEOUT,
    EPODE_IQ_CANCELLED /* by epode_iq_cancel(), with the session it was asked in, or with the client */
} epode_iq_outcome;

/* Made by the library; fields may be appended. Borrowed until the callback returns. */
typedef struct epode_iq_answer {
    size_t size;
    uint64_t id;             /* as epode_iq() gave it */
    epode_iq_outcome outcome;
    bool again;              /* CANCELLED: the session was lost, and with it whether the request was heard; it may be
                              * asked again in the next one */
    const char *condition;   /* ERROR: the defined condition (RFC 6120, 8.3.3); NULL otherwise */
    const char *xml;         /* RESULT, ERROR: the whole stanza; xml_len bytes and a NUL */
    size_t xml_len;
} epode_iq_answer;
/* From epode_client_process(), behind the events of the same turn; or, when the client goes, from where it is freed:
 * client is NULL then. */
typedef void epode_iq_fn(epode_client *client, const epode_iq_answer *answer, void *user);

/* Sends a request (an iq of type get or set with one child; EPODE_EINVAL otherwise) under an id of its own, and calls
 * done exactly once with what became of it. Only who was asked can answer: the answer's sender counts as well as its id
 * (RFC 6120, 8.2.3 and 8.1.2.1). A resumed session goes on waiting; a new one ends the wait (CANCELLED, again).
 * timeout_ms: from now on, across reconnects; 0: 60000. One that passes while the client is suspended is told at its
 * resumption. *id (may be NULL) names it for epode_iq_cancel(). EPODE_ESTATE: not ready; EPODE_ELIMIT: larger than the
 * server takes, or 1024 requests wait already; EPODE_ESTORE*, EPODE_ENOMEM. After a failure done is not called. The
 * stanza is read at once; the caller keeps its reference. */
EPODE_API epode_status epode_iq(epode_client *client, struct _xmpp_stanza_t *iq, uint32_t timeout_ms,
                                epode_iq_fn *done, void *user, uint64_t *id);
/* The same from text, as epode_send_xml(). */
EPODE_API epode_status epode_iq_xml(epode_client *client, const char *xml, size_t len, uint32_t timeout_ms,
                                    epode_iq_fn *done, void *user, uint64_t *id);
/* The answer is not waited for any more: done is called with CANCELLED. EPODE_DONE: it has its outcome already, told or
 * about to be. */
EPODE_API epode_status epode_iq_cancel(epode_client *client, uint64_t id);
/* The stanza of an answer, as epode_event_stanza(). NULL: it has none, or no memory. */
EPODE_API struct _xmpp_stanza_t *epode_iq_stanza(epode_client *client, const epode_iq_answer *answer);

/* --- messages -------------------------------------------------------------------------------------------- */

/* Begin with EPODE_OUTGOING_INIT; zero is the default. Strings are UTF-8 and copied. */
typedef struct epode_outgoing {
    size_t size;
    const char *to;         /* required: a JID */
    const char *body;       /* text; may be missing where xml has something to say */
    const char *type;       /* NULL: "chat" */
    const char *id;         /* NULL: one is made */
    const char *replace_id; /* XEP-0308: corrects the message with this id */
    const char *reply_id, *reply_to; /* XEP-0461 */
    const char *retract_id; /* XEP-0424 */
    const char *react_id, *reactions; /* XEP-0444: emoji separated by blanks; "" withdraws them */
    bool no_receipt, no_marker; /* do not ask for a receipt (XEP-0184), for a displayed marker (XEP-0333) */
    const char *xml;        /* further elements, well-formed; NULL: none */
    const char *resource;   /* whose it is, of several that are bound (resource.h): a full JID; NULL, or where that is not
                             * bound any more when it leaves: the default one's */
} epode_outgoing;
#ifdef __cplusplus
#define EPODE_OUTGOING_INIT { sizeof(epode_outgoing) }
#else
#define EPODE_OUTGOING_INIT { .size = sizeof(epode_outgoing) }
#endif

/* Stores a message and sends it as soon as that is possible, now or in a later session, also after a kill; in
 * order within its conversation. *row (may be NULL) is its number: EPODE_EV_DELIVERY events name it.
 * EPODE_EINVAL: a field is missing or not valid; EPODE_ESTORE*, EPODE_ENOMEM. */
EPODE_API epode_status epode_send_message(epode_client *client, const epode_outgoing *message, uint64_t *row);

/* Everything up to this message was displayed: counts as read here and on the account's other devices
 * (XEP-0490), and is told to the sender (XEP-0333) if the message asked for that and notify_sender is set.
 * EPODE_EINVAL: no such message. Published as soon as there is a session. */
EPODE_API epode_status epode_mark_displayed(epode_client *client, uint64_t row, bool notify_sender);

/* Gets up to n older messages (0: a page) below the given one, of the archive that it is in (the account's or a room's),
 * where the store has a hole; EPODE_EV_SYNC events follow. row 0: below everything held of the account's. EPODE_DONE:
 * nothing is missing there, or that room is not followed any more. EPODE_AGAIN: busy with another query of that archive;
 * EPODE_ESTATE: not ready. */
EPODE_API epode_status epode_history_fill(epode_client *client, uint64_t row, unsigned n);

/* Keeps the archive of this room (a bare JID) too, now and in all later sessions; joining it is not needed.
 * EPODE_EINVAL: not a JID, or the account's own; EPODE_ESTORE*, EPODE_ENOMEM. */
EPODE_API epode_status epode_archive_follow(epode_client *client, const char *room);

/* The stanza of a STANZA event, for libstrophe's accessors. The caller releases it
 * (xmpp_stanza_release). NULL: the event has none, or no memory. */
EPODE_API struct _xmpp_stanza_t *epode_event_stanza(epode_client *client, const epode_event *event);

#ifdef __cplusplus
}
#endif
#endif
