/* service.h: what services are asked, and what they answer: items (XEP-0030), versions (XEP-0092), push (XEP-0357),
 * upload slots (XEP-0363). */
#ifndef EP_XMPP_SERVICE_H
#define EP_XMPP_SERVICE_H

#include "xml/elem.h"
#include "xml/writer.h"

/* The push service's own form is sent where count is not 0. */
void ep_push_write_enable(ep_xw *w, const char *service, const char *node, const char *const *names,
                          const char *const *values, size_t count);
void ep_push_write_disable(ep_xw *w, const char *service, const char *node);

#define EP_UPLOAD_HEADERS_MAX 16

typedef struct ep_upload_header {
    const char *name, *value;
} ep_upload_header;

/* Strings are in the arena. */
typedef struct ep_upload_slot {
    const char *put_url, *get_url;
    ep_upload_header headers[EP_UPLOAD_HEADERS_MAX];
    size_t header_count;
} ep_upload_slot;

void ep_upload_write_request(ep_xw *w, const char *name, uint64_t bytes, const char *type);
/* EPODE_EPROTO: no slot, or one that is not under HTTPS; EPODE_ELIMIT: more headers than anybody needs; EPODE_ENOMEM. */
epode_status ep_upload_read_slot(ep_upload_slot *out, const ep_elem *iq, ep_arena *arena);
/* A disco#info's <query/>: false: it is of no upload service. *max: bytes of a file at most, 0: it does not say. */
bool ep_upload_read_service(const ep_elem *query, uint64_t *max);
/* What an error says besides: 0 where it does not. *too_large: it is about the size. */
void ep_upload_read_error(const ep_elem *iq, bool *too_large, uint64_t *max, int64_t *retry_ms);

#endif
