/* A small XML tree over expat, independent of the SDK's. */
#ifndef SRV_XML_H
#define SRV_XML_H

#include "buf.h"

struct srv_attr {
    char *ns; /* NULL: no namespace */
    char *name;
    char *value;
    struct srv_attr *next;
};

/* An element, or a piece of text (then `name` is NULL). */
struct srv_xml {
    char *ns;
    char *name;
    char *text;
    struct srv_attr *attrs;
    struct srv_xml *parent, *first, *last, *next;
};

struct srv_xml *srv_xml_new(const char *ns, const char *name);
struct srv_xml *srv_xml_child(struct srv_xml *parent, const char *ns, const char *name);
void srv_xml_add(struct srv_xml *parent, struct srv_xml *child); /* takes the child */
void srv_xml_text(struct srv_xml *parent, const char *text, size_t len);
void srv_xml_puts(struct srv_xml *parent, const char *text);
void srv_xml_set(struct srv_xml *el, const char *name, const char *value); /* NULL removes */
void srv_xml_remove(struct srv_xml *child); /* out of its parent, and freed */
struct srv_xml *srv_xml_clone(const struct srv_xml *el);
void srv_xml_free(struct srv_xml *el);

const char *srv_xml_get(const struct srv_xml *el, const char *name); /* NULL: not there */
int srv_xml_true(const struct srv_xml *el, const char *name);        /* xs:boolean, default 0 */
int srv_xml_is(const struct srv_xml *el, const char *ns, const char *name);
struct srv_xml *srv_xml_find(const struct srv_xml *el, const char *ns, const char *name);
struct srv_xml *srv_xml_first(const struct srv_xml *el); /* first child that is an element */
const char *srv_xml_content(const struct srv_xml *el);   /* its text; "" for none or NULL */

/* Writes `el` where the default namespace in scope is `scope`. */
void srv_xml_write(struct srv_buf *out, const struct srv_xml *el, const char *scope);

struct srv_xml *srv_xml_parse(const char *text); /* one element in jabber:client; NULL: bad */

/* ---- The stream parser: stops after the header and after each first-level element. ---- */

enum srv_parse {
    SRV_PARSE_MORE,       /* everything was consumed */
    SRV_PARSE_HEADER,     /* the stream header; srv_parser_take() gives it without children */
    SRV_PARSE_ELEMENT,    /* a whole first-level element */
    SRV_PARSE_END,        /* </stream:stream> */
    SRV_PARSE_BAD,        /* not well-formed */
    SRV_PARSE_RESTRICTED, /* DTD, comment, processing instruction (RFC 6120, 11.1) */
    SRV_PARSE_TOO_BIG,    /* more bytes, attributes or depth than allowed */
    SRV_PARSE_NESTED      /* a second header inside the stream */
};

struct srv_parser;

struct srv_parser *srv_parser_new(size_t max_bytes);
void srv_parser_free(struct srv_parser *parser);
enum srv_parse srv_parser_feed(struct srv_parser *parser, const char *data, size_t len);
enum srv_parse srv_parser_next(struct srv_parser *parser); /* go on behind an event */
struct srv_xml *srv_parser_take(struct srv_parser *parser); /* the caller's */
size_t srv_parser_rest(const struct srv_parser *parser);    /* bytes behind the event */
void srv_parser_drop_rest(struct srv_parser *parser);       /* as if they had never come */
void srv_parser_limit(struct srv_parser *parser, size_t max_bytes);

#endif
