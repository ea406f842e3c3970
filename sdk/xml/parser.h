/* parser.h: a stream's XML, in pieces of any size: the header, then one element after the other.
 * Refuses what RFC 6120 section 11 forbids: DTDs, comments, processing instructions, entities. */
#ifndef EP_PARSER_H
#define EP_PARSER_H

#include "base/error.h"
#include "xml/elem.h"

typedef struct ep_xml_parser ep_xml_parser;

/* Zero means the default that stands behind. */
typedef struct ep_xml_limits {
    size_t max_depth;         /* 64 levels below the stream */
    size_t max_attrs;         /* 64 per element */
    size_t max_stanza_bytes;  /* 4 MiB, as on the wire */
    size_t max_token_bytes;   /* 256 KiB: one tag, or one run that does not end */
} ep_xml_limits;

typedef enum ep_xml_next {
    EP_XML_GO = 0,
    EP_XML_STOP /* feed returns right behind this element; the parser must be reset before more is fed */
} ep_xml_next;

typedef struct ep_xml_events {
    ep_xml_next (*header)(void *user, const ep_elem *header); /* the root's start tag */
    ep_xml_next (*element)(void *user, ep_elem *element);     /* a child of the root, whole */
    void (*end)(void *user);                                  /* the root's end tag */
} ep_xml_events;

/* NULL: no memory. limits may be NULL; both are copied. */
ep_xml_parser *ep_xml_parser_new(const ep_xml_limits *limits, const ep_xml_events *events, void *user);
void ep_xml_parser_free(ep_xml_parser *p);
/* Forgets everything; the next byte begins a new document. May not be called from within an event. */
epode_status ep_xml_parser_reset(ep_xml_parser *p);
/* EPODE_OK: all n bytes were taken, or an event said stop and *consumed bytes were. Errors (sticky until a
 * reset): EPODE_EPROTO, EPODE_ELIMIT, EPODE_ENOMEM, and whatever ep_xml_parser_abort() was given. */
epode_status ep_xml_parser_feed(ep_xml_parser *p, const char *data, size_t n, size_t *consumed,
                                ep_error *err);

#endif
