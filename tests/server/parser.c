/* The stream parser: expat, stopped after the header and after every first-level element. */
#include "xml.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#define NS_STREAM "http://etherx.jabber.org/streams"
#define SEPARATOR '\n' /* cannot stand in a namespace name: expat normalizes attribute values */
#define MAX_DEPTH 64
#define MAX_ATTRS 64

struct srv_parser {
    XML_Parser expat;
    struct srv_buf header;  /* the raw header, to make a parser that stands right behind it */
    int header_seen;
    int depth;
    size_t max_bytes;
    int64_t before;         /* bytes given to expat before the feed at hand */
    size_t fed;             /* bytes of the feed at hand */
    int64_t element_start;  /* where the first-level element at hand began */
    enum srv_parse event;   /* set by a handler that stopped expat */
    struct srv_xml *top;    /* header or element being built or finished */
    struct srv_xml *at;
};

static int64_t position(struct srv_parser *parser)
{
    return (int64_t)XML_GetCurrentByteIndex(parser->expat) +
           XML_GetCurrentByteCount(parser->expat);
}

static void stop(struct srv_parser *parser, enum srv_parse event)
{
    /* Errors end the parser for good, everything else is continued by srv_parser_next(). */
    if (parser->event != SRV_PARSE_MORE)
        return;
    parser->event = event;
    int resumable = event == SRV_PARSE_HEADER || event == SRV_PARSE_ELEMENT ||
                    event == SRV_PARSE_END;
    XML_StopParser(parser->expat, resumable ? XML_TRUE : XML_FALSE);
}

static void split_name(const char *full, char **ns, char **name)
{
    const char *mark = strchr(full, SEPARATOR);
    *ns = mark ? srv_dup_n(full, (size_t)(mark - full)) : NULL;
    *name = srv_dup(mark ? mark + 1 : full);
}

static int add_attrs(struct srv_xml *el, const char **attrs)
{
    int count = 0;
    struct srv_attr **slot = &el->attrs;
    for (; attrs[0]; attrs += 2) {
        if (++count > MAX_ATTRS)
            return -1;
        *slot = srv_alloc(sizeof **slot);
        split_name(attrs[0], &(*slot)->ns, &(*slot)->name);
        (*slot)->value = srv_dup(attrs[1]);
        slot = &(*slot)->next;
    }
    return 0;
}

static void on_start(void *user, const char *full, const char **attrs)
{
    struct srv_parser *parser = user;
    struct srv_xml *el = srv_alloc(sizeof *el);
    split_name(full, &el->ns, &el->name);
    if (parser->depth == 1 && srv_xml_is(el, NS_STREAM, "stream")) {
        srv_xml_free(el);
        stop(parser, SRV_PARSE_NESTED);
        return;
    }
    if (parser->depth <= 1) {
        srv_xml_free(parser->top);
        parser->top = el;
        parser->element_start = XML_GetCurrentByteIndex(parser->expat);
    } else {
        srv_xml_add(parser->at, el);
    }
    parser->at = el;
    if (add_attrs(el, attrs) != 0 || ++parser->depth > MAX_DEPTH)
        stop(parser, SRV_PARSE_TOO_BIG);
    else if (parser->depth == 1)
        stop(parser, SRV_PARSE_HEADER);
}

static void on_end(void *user, const char *full)
{
    struct srv_parser *parser = user;
    (void)full;
    parser->depth--;
    if (parser->depth > 1)
        parser->at = parser->at->parent;
    else
        stop(parser, parser->depth == 1 ? SRV_PARSE_ELEMENT : SRV_PARSE_END);
}

static void on_text(void *user, const char *text, int len)
{
    struct srv_parser *parser = user;
    if (parser->depth > 1)
        srv_xml_text(parser->at, text, (size_t)len);
}

static void on_comment(void *user, const char *text)
{
    (void)text;
    stop(user, SRV_PARSE_RESTRICTED);
}

static void on_instruction(void *user, const char *target, const char *data)
{
    (void)target;
    (void)data;
    stop(user, SRV_PARSE_RESTRICTED);
}

static void on_doctype(void *user, const char *name, const char *sysid, const char *pubid, int sub)
{
    (void)name;
    (void)sysid;
    (void)pubid;
    (void)sub;
    stop(user, SRV_PARSE_RESTRICTED);
}

static XML_Parser make_expat(struct srv_parser *parser)
{
    XML_Parser expat = XML_ParserCreateNS(NULL, SEPARATOR);
    if (!expat)
        abort();
#ifdef SRV_HAVE_REPARSE_DEFERRAL
    /* Deferral would keep back an element that arrives in small pieces. */
    XML_SetReparseDeferralEnabled(expat, XML_FALSE);
#endif
    XML_SetUserData(expat, parser);
    XML_SetElementHandler(expat, on_start, on_end);
    XML_SetCharacterDataHandler(expat, on_text);
    XML_SetCommentHandler(expat, on_comment);
    XML_SetProcessingInstructionHandler(expat, on_instruction);
    XML_SetStartDoctypeDeclHandler(expat, on_doctype);
    return expat;
}

struct srv_parser *srv_parser_new(size_t max_bytes)
{
    struct srv_parser *parser = srv_alloc(sizeof *parser);
    parser->max_bytes = max_bytes;
    parser->expat = make_expat(parser);
    return parser;
}

void srv_parser_free(struct srv_parser *parser)
{
    if (!parser)
        return;
    XML_ParserFree(parser->expat);
    srv_xml_free(parser->top);
    srv_buf_free(&parser->header);
    free(parser);
}

void srv_parser_limit(struct srv_parser *parser, size_t max_bytes)
{
    parser->max_bytes = max_bytes;
}

/* Through expat's own buffer: XML_Parse() forgets the event's position when it is suspended. */
static enum XML_Status give(XML_Parser expat, const char *data, size_t len)
{
    void *space = XML_GetBuffer(expat, (int)len);
    if (!space)
        return XML_STATUS_ERROR;
    memcpy(space, data, len);
    return XML_ParseBuffer(expat, (int)len, XML_FALSE);
}

static enum srv_parse outcome(struct srv_parser *parser, enum XML_Status status)
{
    int64_t seen = parser->before + (int64_t)parser->fed;
    if (parser->event == SRV_PARSE_HEADER && !parser->header_seen) {
        parser->header_seen = 1;
        parser->header.len = (size_t)position(parser);
    }
    if (parser->event != SRV_PARSE_MORE) {
        int64_t size = position(parser) - parser->element_start;
        if (parser->event == SRV_PARSE_ELEMENT && size > (int64_t)parser->max_bytes)
            return SRV_PARSE_TOO_BIG;
        return parser->event;
    }
    if (status == XML_STATUS_ERROR)
        return SRV_PARSE_BAD;
    /* Behind the last whole element at most one unfinished element may be waiting. */
    if (seen - parser->element_start > (int64_t)parser->max_bytes)
        return SRV_PARSE_TOO_BIG;
    parser->before = seen;
    parser->fed = 0;
    return SRV_PARSE_MORE;
}

enum srv_parse srv_parser_feed(struct srv_parser *parser, const char *data, size_t len)
{
    parser->event = SRV_PARSE_MORE;
    parser->fed = len;
    if (!parser->header_seen)
        srv_buf_add(&parser->header, data, len);
    return outcome(parser, give(parser->expat, data, len));
}

enum srv_parse srv_parser_next(struct srv_parser *parser)
{
    parser->element_start = position(parser);
    parser->event = SRV_PARSE_MORE;
    return outcome(parser, XML_ResumeParser(parser->expat));
}

struct srv_xml *srv_parser_take(struct srv_parser *parser)
{
    struct srv_xml *top = parser->top;
    parser->top = parser->at = NULL;
    return top;
}

size_t srv_parser_rest(const struct srv_parser *parser)
{
    int64_t end = position((struct srv_parser *)parser);
    return (size_t)(parser->before + (int64_t)parser->fed - end);
}

void srv_parser_drop_rest(struct srv_parser *parser)
{
    XML_ParserFree(parser->expat);
    parser->expat = make_expat(parser);
    srv_xml_free(parser->top);
    parser->top = parser->at = NULL;
    parser->depth = 0;
    parser->event = SRV_PARSE_MORE;
    give(parser->expat, parser->header.data, parser->header.len);
    XML_ResumeParser(parser->expat);
    srv_xml_free(srv_parser_take(parser));
    parser->event = SRV_PARSE_MORE;
    parser->before = (int64_t)parser->header.len;
    parser->fed = 0;
    parser->element_start = parser->before;
}

struct srv_xml *srv_xml_parse(const char *text)
{
    static const char header[] = "<stream xmlns='jabber:client'>";
    struct srv_parser *parser = srv_parser_new(1u << 26);
    struct srv_xml *el = NULL;
    if (srv_parser_feed(parser, header, sizeof header - 1) == SRV_PARSE_HEADER) {
        srv_xml_free(srv_parser_take(parser));
        srv_parser_next(parser);
        if (srv_parser_feed(parser, text, strlen(text)) == SRV_PARSE_ELEMENT)
            el = srv_parser_take(parser);
    }
    srv_parser_free(parser);
    return el;
}
