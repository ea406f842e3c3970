/* trace.h: XML for the log, with everything that authenticates masked. */
#ifndef EP_TRACE_H
#define EP_TRACE_H

#include <stddef.h>

/* Replaces in place, in whole elements of a stream: the text of SASL elements, tokens, ids for resumption. */
void ep_trace_mask(char *xml, size_t len);

#endif
