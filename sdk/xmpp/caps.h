/* caps.h: what this client is: disco#info (XEP-0030) and entity capabilities (XEP-0115). */
#ifndef EP_CAPS_H
#define EP_CAPS_H

#include "base/buf.h"
#include "xml/writer.h"

typedef struct ep_caps {
    const char *name;            /* of the software, as the identity shows it */
    const char *const *features; /* sorted by octets (XEP-0115, 5.1), NULL at the end */
} ep_caps;

extern const char *const ep_caps_features[]; /* of the SDK by itself */
extern const char *const ep_caps_without_receipts[]; /* the same where it sends none (XEP-0184, 6) */
#define EP_CAPS_NODE "urn:x-epode"

/* The verification string: base64 of SHA-1; false: no memory. */
bool ep_caps_ver(const ep_caps *caps, char out[32]);
void ep_caps_write_presence(const ep_caps *caps, ep_xw *w); /* <c/> */
/* The <query/> of an answer; node: as asked, NULL for none. */
void ep_caps_write_info(const ep_caps *caps, const char *node, ep_xw *w);

#endif
