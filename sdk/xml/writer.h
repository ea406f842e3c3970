/* writer.h: writes XML into a buffer: escaped, XML 1.0 characters and valid UTF-8 only. */
#ifndef EP_WRITER_H
#define EP_WRITER_H

#include "base/buf.h"
#include "epode/error.h"

#define EP_XW_DEPTH 64

typedef struct ep_xw {
    ep_buf *out;
    const char *names[EP_XW_DEPTH]; /* borrowed until closed */
    int depth;
    bool in_tag;
    epode_status status; /* sticky: EPODE_EINVAL for text that XML cannot carry, EPODE_ELIMIT for depth */
} ep_xw;

ep_xw ep_xw_init(ep_buf *out);
void ep_xw_open(ep_xw *w, const char *name, const char *ns); /* ns NULL: no xmlns is written */
void ep_xw_attr(ep_xw *w, const char *name, const char *value); /* value NULL: nothing is written */
void ep_xw_attr_u64(ep_xw *w, const char *name, uint64_t value);
/* An attribute in a namespace; xml: has its fixed prefix, others get one made up from *generated. */
void ep_xw_attr_ns(ep_xw *w, const char *ns, const char *name, const char *value, int *generated);
void ep_xw_text(ep_xw *w, const char *text); /* NULL: nothing */
void ep_xw_text_n(ep_xw *w, const char *text, size_t n);
void ep_xw_b64(ep_xw *w, const void *data, size_t n); /* RFC 6120 6.4.2: nothing at all becomes "=" */
void ep_xw_close(ep_xw *w);
void ep_xw_leaf(ep_xw *w, const char *name, const char *ns, const char *text); /* open, text, close */
/* EPODE_OK when everything is closed and was written. */
epode_status ep_xw_done(ep_xw *w);

/* n bytes are valid UTF-8 of characters that XML 1.0 allows (section 2.2). */
bool ep_xml_valid(const char *text, size_t n);
/* Appends escaped; false: not valid, nothing appended. */
bool ep_xml_escape(ep_buf *out, const char *text, size_t n);

#endif
