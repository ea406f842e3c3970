/* request.h: iq requests: each gets exactly one outcome. */
#ifndef EP_CLIENT_REQUEST_H
#define EP_CLIENT_REQUEST_H

#include "epode/send.h"
#include "xml/elem.h"
#include "xml/writer.h"

typedef struct ep_request ep_request;

typedef struct ep_reply {
    uint64_t number; /* of the request */
    epode_iq_outcome outcome;
    bool again;            /* CANCELLED: the session it was asked in is over, another may answer */
    const ep_elem *iq;     /* RESULT, ERROR */
    const char *condition; /* ERROR; "" otherwise */
} ep_reply;

/* Called within the turn of the answer, in its transaction. If that is rolled back, the request waits again and the
 * answer will be repeated: it is called once more. */
typedef epode_status ep_request_fn(epode_client *c, const ep_reply *reply, void *user);

#define EP_REQUEST_TIMEOUT_MS 60000

/* Begins a request; what w then writes is its payload. It goes out by ep_request_send, which closes it, or is dropped
 * by that if something failed. to NULL: the account. NULL: no memory, too many of them, or to is no JID. */
ep_request *ep_request_open(epode_client *c, ep_xw *w, const char *type, const char *to, ep_request_fn *done,
                            void *user);
epode_status ep_request_send(epode_client *c, ep_request *r, ep_xw *w, uint32_t timeout_ms);
/* The same for a stanza that is written otherwise, under the request's id. new: NULL with the reason in *st. enter sends
 * it; after a failure it is gone. */
ep_request *ep_request_new(epode_client *c, const char *to, epode_status *st);
epode_status ep_request_enter(epode_client *c, ep_request *r, uint32_t timeout_ms, const char *xml, size_t len);
void ep_request_drop(ep_request *r); /* one that was not sent */
const char *ep_request_id(const ep_request *r);
uint64_t ep_request_number(const ep_request *r);
/* Its outcome is told to the application, by done. */
void ep_request_for(ep_request *r, epode_iq_fn *done, void *user);

/* True: e answers a request that waits, *st is what came of it. *forged: it has the id of one, and another sender. */
bool ep_requests_take(epode_client *c, const ep_elem *e, bool *forged, epode_status *st);
bool ep_request_cancel(epode_client *c, uint64_t number); /* of the application's; false: it does not wait */
void ep_requests_over(epode_client *c, bool again); /* the session is: whoever waits is told */
void ep_requests_unbound(epode_client *c, unsigned resource); /* the one who asked is not bound any more */
void ep_requests_committed(epode_client *c);
void ep_requests_rolled_back(epode_client *c);
bool ep_requests_due(const epode_client *c);        /* outcomes wait to be told to the application */
void ep_requests_deliver(epode_client *c);
void ep_requests_watch(epode_client *c); /* the next timeout; none while suspended: those wait for the resumption */
void ep_requests_init(epode_client *c);
void ep_requests_free(epode_client *c);

#endif
