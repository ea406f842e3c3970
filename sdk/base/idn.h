/* idn.h: string preparation (libidn behind one small interface; nothing else includes its headers).
 * Each gives a new string, or NULL: *status then says EPODE_EINVAL (not allowed) or EPODE_ENOMEM. */
#ifndef EP_IDN_H
#define EP_IDN_H

#include "epode/error.h"

char *ep_idn_saslprep(const char *utf8, epode_status *status);    /* RFC 4013; code points that Unicode 3.2 lacks pass */
char *ep_idn_nodeprep(const char *utf8, epode_status *status);    /* RFC 6122 appendix A */
char *ep_idn_resourceprep(const char *utf8, epode_status *status); /* RFC 6122 appendix B */
char *ep_idn_nameprep(const char *utf8, epode_status *status);    /* domain as it stands in a JID */
char *ep_idn_to_ascii(const char *domain, epode_status *status);  /* A-labels, for DNS and TLS (RFC 5890) */

#endif
