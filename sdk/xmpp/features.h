/* features.h: <stream:features/> as facts. */
#ifndef EP_FEATURES_H
#define EP_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "epode/error.h"
#include "xml/elem.h"

typedef enum ep_feature {
    EP_F_STARTTLS = 1u << 0,
    EP_F_STARTTLS_REQUIRED = 1u << 1,
    EP_F_SASL1 = 1u << 2,
    EP_F_SASL2 = 1u << 3,
    EP_F_BIND2 = 1u << 4,         /* inline in SASL2 */
    EP_F_BIND2_SM = 1u << 5,      /* inline in Bind 2 */
    EP_F_BIND2_CARBONS = 1u << 6,
    EP_F_BIND2_CSI = 1u << 7,
    EP_F_SASL2_SM = 1u << 8,      /* <resume/> inline in SASL2 */
    EP_F_FAST = 1u << 9,
    EP_F_FAST_0RTT = 1u << 10,
    EP_F_BIND = 1u << 11,         /* RFC 6120 */
    EP_F_SESSION = 1u << 12,      /* RFC 3921's, and not optional */
    EP_F_SM = 1u << 13,
    EP_F_CSI = 1u << 14,
    EP_F_ROSTER_VER = 1u << 15,
    EP_F_PREAPPROVAL = 1u << 16,
    EP_F_PIPELINING = 1u << 17,   /* XEP-0305 */
    EP_F_BIND_DRAFT = 1u << 18,   /* XEP-0386 before 1.0 */
    EP_F_UNBIND = 1u << 19,       /* XEP-0193 */
    EP_F_CB_LISTED = 1u << 20,    /* XEP-0440 is there: cb_types is all the server can do */
    EP_F_CAPS = 1u << 21,
    EP_F_CONFIG_VERSION = 1u << 22
} ep_feature;

typedef struct ep_features {
    uint32_t bits;
    uint32_t sasl1_mechs, sasl2_mechs, fast_mechs; /* bits of ep_sasl_mech rows */
    uint32_t cb_types;                             /* bits of ep_cb */
    uint32_t upgrades;                             /* XEP-0480: rows that accounts can be upgraded to */
    /* Every name as it was listed, ours or not, sorted and joined for XEP-0474; NULL: not listed. */
    char *sasl1_names, *sasl2_names, *cb_names;
    uint32_t idle_seconds;                         /* XEP-0478; 0: not said */
    uint64_t max_bytes;                            /* XEP-0478; 0: not said */
    char *config_version;                          /* XEP-0509 */
    char *caps_node, *caps_ver, *caps_hash;        /* XEP-0115 */
} ep_features;

/* Reads the element; what is unknown is skipped. EPODE_ENOMEM is the only failure; *out is then empty. */
epode_status ep_features_read(ep_features *out, const ep_elem *features);
/* The same from text that was remembered; EPODE_EPROTO if it is not what it should be. */
epode_status ep_features_parse(ep_features *out, const char *xml, size_t len);
void ep_features_free(ep_features *f);
/* A copy of its own of everything; false: no memory, *to is empty. */
bool ep_features_copy(ep_features *to, const ep_features *from);
/* Whether any mechanism of either list is a -PLUS one. */
bool ep_features_list_plus(const ep_features *f);
/* The channel-binding types of XEP-0440 fit what else is offered for this profile: false where they say that either
 * the types or the mechanisms that use them were taken out on the way (its business rules 5 and 6). have: the types
 * (bits of ep_cb) that this connection can do. */
bool ep_features_binding_fits(const ep_features *f, bool sasl2, uint32_t have);

#endif
