/* parser.c: expat in, arena trees out. */
#include "xml/parser.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "xml/writer.h"

#define NS_SEP '\x1f' /* cannot occur in XML, so not in a namespace name either */

struct ep_xml_parser {
    XML_Parser expat;
    ep_xml_limits limits;
    ep_xml_events events;
    void *user;
    ep_arena arena;
    ep_buf text;    /* character data since the last tag */
    ep_buf wire;    /* the document's bytes from wire_at on */
    size_t wire_at, done_at; /* done_at: the end of what stands before the next stanza */
    ep_elem *now;   /* the element being read; NULL: at stream level */
    size_t depth;   /* open elements, the root included */
    size_t fed;     /* bytes of this document handed to expat */
    size_t stanza_at, token_at; /* where the element, and the last event, began in the document */
    size_t stop_at;
    bool stopped, single; /* single: one element is read and kept as root */
    ep_elem *root;
    epode_status failed;
    const char *why;
};

static size_t parser_at(const ep_xml_parser *p)
{
    XML_Index at = XML_GetCurrentByteIndex(p->expat);
    return at < 0 ? 0 : (size_t)at;
}

/* Behind the token that is being told. */
static size_t parser_behind(const ep_xml_parser *p)
{
    return parser_at(p) + (size_t)XML_GetCurrentByteCount(p->expat);
}

static void parser_fail(ep_xml_parser *p, epode_status status, const char *why)
{
    if (p->failed)
        return;
    p->failed = status;
    p->why = why;
    XML_StopParser(p->expat, XML_FALSE);
}

static void parser_stop(ep_xml_parser *p)
{
    p->stopped = true;
    p->stop_at = parser_behind(p);
    XML_StopParser(p->expat, XML_TRUE);
}

/* Splits expat's "ns SEP name" or "ns SEP name SEP prefix" into arena strings; the parent's namespace pointer is shared
 * if it is equal. */
static bool parser_name(ep_xml_parser *p, const char *raw, const char *hint, const char **name,
                        const char **ns, bool *has_prefix)
{
    const char *sep = strchr(raw, NS_SEP);
    const char *local = sep ? sep + 1 : raw;
    const char *prefix = sep ? strchr(local, NS_SEP) : NULL;
    size_t n = sep ? (size_t)(sep - raw) : 0;
    if (!(*name = ep_arena_strndup(&p->arena, local, prefix ? (size_t)(prefix - local) : strlen(local))))
        return false;
    /* Everybody knows what "xml" stands for. */
    *has_prefix = *has_prefix || (prefix && strcmp(prefix + 1, "xml") != 0);
    if (!sep)
        *ns = "";
    else if (hint && strncmp(hint, raw, n) == 0 && hint[n] == '\0')
        *ns = hint;
    else
        *ns = ep_arena_strndup(&p->arena, raw, n);
    return *ns != NULL;
}

static const ep_attr *parser_attrs(ep_xml_parser *p, const XML_Char **atts, size_t n, bool *has_prefix)
{
    ep_attr *a = ep_arena_alloc(&p->arena, n * sizeof *a);
    for (size_t i = 0; a && i < n; i++) {
        const char *ns = NULL;
        if (!parser_name(p, atts[2 * i], NULL, &a[i].name, &ns, has_prefix))
            return NULL;
        a[i].ns = *ns ? ns : NULL;
        a[i].value = ep_arena_strndup(&p->arena, atts[2 * i + 1], strlen(atts[2 * i + 1]));
        if (!a[i].value)
            return NULL;
    }
    return a;
}

static ep_elem *parser_elem(ep_xml_parser *p, const XML_Char *raw, const XML_Char **atts)
{
    size_t n = 0;
    while (atts[2 * n])
        n++;
    if (n > p->limits.max_attrs) {
        parser_fail(p, EPODE_ELIMIT, "an element has more attributes than allowed");
        return NULL;
    }
    ep_elem *e = ep_arena_alloc(&p->arena, sizeof *e);
    if (!e)
        return NULL;
    memset(e, 0, sizeof *e);
    if (!parser_name(p, raw, p->now ? p->now->ns : NULL, &e->name, &e->ns, &e->has_prefix))
        return NULL;
    e->attr_count = n;
    e->from = p->token_at;
    if (n && !(e->attrs = parser_attrs(p, atts, n, &e->has_prefix)))
        return NULL;
    return e;
}

static void parser_append(ep_elem *parent, ep_elem *node)
{
    node->parent = parent;
    if (parent->last)
        parent->last->next = node;
    else
        parent->child = node;
    parent->last = node;
}

/* Character data comes in pieces; a text node is made when the next tag begins. */
static bool parser_flush_text(ep_xml_parser *p)
{
    if (p->text.failed)
        return false;
    if (!p->text.len || !p->now) {
        ep_buf_clear(&p->text);
        return true;
    }
    ep_elem *node = ep_arena_alloc(&p->arena, sizeof *node);
    if (!node)
        return false;
    memset(node, 0, sizeof *node);
    node->text_len = p->text.len;
    node->text = ep_arena_strndup(&p->arena, ep_buf_ptr(&p->text), p->text.len);
    ep_buf_clear(&p->text);
    if (!node->text)
        return false;
    parser_append(p->now, node);
    return true;
}

static bool parser_within(ep_xml_parser *p)
{
    p->token_at = parser_at(p);
    if (p->now && p->token_at - p->stanza_at > p->limits.max_stanza_bytes) {
        parser_fail(p, EPODE_ELIMIT, "a stanza is larger than allowed");
        return false;
    }
    return true;
}

static void on_start(void *user, const XML_Char *raw, const XML_Char **atts)
{
    ep_xml_parser *p = user;
    /* After a stop or a failure expat still delivers what the same token holds. */
    if (p->stopped || p->failed || !parser_within(p))
        return;
    if (p->depth + 1 > p->limits.max_depth) {
        parser_fail(p, EPODE_ELIMIT, "elements are nested deeper than allowed");
        return;
    }
    if (!parser_flush_text(p)) {
        parser_fail(p, EPODE_ENOMEM, "out of memory");
        return;
    }
    ep_elem *e = parser_elem(p, raw, atts);
    if (!e) {
        parser_fail(p, EPODE_ENOMEM, "out of memory");
        return;
    }
    p->depth++;
    if (p->depth == 1) {
        if (p->events.header && p->events.header(p->user, e) == EP_XML_STOP)
            parser_stop(p);
        p->done_at = parser_behind(p);
        ep_arena_reset(&p->arena);
        return;
    }
    if (p->depth == 2)
        p->stanza_at = p->token_at;
    if (p->now)
        parser_append(p->now, e);
    p->now = e;
}

/* The whole stanza is here. */
static void parser_deliver(ep_xml_parser *p, ep_elem *e)
{
    p->done_at = e->to;
    if (!p->wire.failed && e->from >= p->wire_at && e->to - p->wire_at <= p->wire.len)
        e->wire = ep_buf_ptr(&p->wire) + (e->from - p->wire_at);
    if (p->events.element && p->events.element(p->user, e) == EP_XML_STOP)
        parser_stop(p);
    ep_arena_reset(&p->arena);
}

static void on_end(void *user, const XML_Char *raw)
{
    ep_xml_parser *p = user;
    (void)raw;
    if (p->stopped || p->failed || !parser_within(p))
        return;
    if (!parser_flush_text(p)) {
        parser_fail(p, EPODE_ENOMEM, "out of memory");
        return;
    }
    p->depth--;
    if (!p->now) {
        if (p->events.end)
            p->events.end(p->user);
        return;
    }
    ep_elem *e = p->now;
    e->to = parser_behind(p);
    p->now = e->parent;
    if (p->now) {
        p->now->has_prefix = p->now->has_prefix || e->has_prefix;
        return;
    }
    if (p->single) {
        if (p->root)
            parser_fail(p, EPODE_EPROTO, "more than one element");
        p->root = e;
        return;
    }
    parser_deliver(p, e);
}

static void on_text(void *user, const XML_Char *s, int len)
{
    ep_xml_parser *p = user;
    if (p->stopped || p->failed || !parser_within(p))
        return;
    if (p->now) {
        ep_buf_add(&p->text, s, (size_t)len);
        return;
    }
    /* Between stanzas only white space may stand (RFC 6120, 4.4 and 11.7). */
    for (int i = 0; i < len; i++)
        if (!strchr(" \t\r\n", s[i])) {
            parser_fail(p, EPODE_EPROTO, "text stands between stanzas");
            return;
        }
    p->done_at = parser_behind(p);
}

static void on_comment(void *user, const XML_Char *s)
{
    (void)s;
    parser_fail(user, EPODE_EPROTO, "a comment is not allowed in a stream (RFC 6120, 11.1)");
}

static void on_pi(void *user, const XML_Char *target, const XML_Char *data)
{
    (void)target, (void)data;
    parser_fail(user, EPODE_EPROTO, "a processing instruction is not allowed in a stream (RFC 6120, 11.1)");
}

static void on_doctype(void *user, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid,
                       int internal)
{
    (void)name, (void)sysid, (void)pubid, (void)internal;
    parser_fail(user, EPODE_EPROTO, "a DTD is not allowed in a stream (RFC 6120, 11.1)");
}

static void parser_setup(ep_xml_parser *p)
{
    XML_SetUserData(p->expat, p);
    XML_SetReturnNSTriplet(p->expat, 1);
    XML_SetElementHandler(p->expat, on_start, on_end);
    XML_SetCharacterDataHandler(p->expat, on_text);
    XML_SetCommentHandler(p->expat, on_comment);
    XML_SetProcessingInstructionHandler(p->expat, on_pi);
    XML_SetStartDoctypeDeclHandler(p->expat, on_doctype);
#ifdef EPODE_HAVE_REPARSE_DEFERRAL
    /* With it on, an element that arrives in pieces may be withheld until more follows. */
    XML_SetReparseDeferralEnabled(p->expat, XML_FALSE);
#endif
}

ep_xml_parser *ep_xml_parser_new(const ep_xml_limits *limits, const ep_xml_events *events, void *user)
{
    static const XML_Memory_Handling_Suite memory = { ep_malloc, ep_realloc, ep_free };
    ep_xml_parser *p = ep_calloc(1, sizeof *p);
    if (!p)
        return NULL;
    static const XML_Char sep[] = { NS_SEP, 0 };
    if (!(p->expat = XML_ParserCreate_MM("UTF-8", &memory, sep))) {
        ep_free(p);
        return NULL;
    }
    if (limits)
        p->limits = *limits;
    if (!p->limits.max_depth)
        p->limits.max_depth = 64;
    if (!p->limits.max_attrs)
        p->limits.max_attrs = 64;
    if (!p->limits.max_stanza_bytes)
        p->limits.max_stanza_bytes = 4u << 20;
    if (!p->limits.max_token_bytes)
        p->limits.max_token_bytes = 256u << 10;
    if (events)
        p->events = *events;
    p->user = user;
    parser_setup(p);
    return p;
}

void ep_xml_parser_free(ep_xml_parser *p)
{
    if (!p)
        return;
    XML_ParserFree(p->expat);
    ep_arena_free(&p->arena);
    ep_buf_free(&p->text);
    ep_buf_wipe(&p->wire);
    ep_free(p);
}

epode_status ep_xml_parser_reset(ep_xml_parser *p)
{
    if (!XML_ParserReset(p->expat, "UTF-8"))
        return EPODE_ENOMEM;
    parser_setup(p);
    ep_arena_reset(&p->arena);
    ep_buf_clear(&p->text);
    ep_buf_clear(&p->wire);
    p->now = p->root = NULL;
    p->depth = p->fed = p->stanza_at = p->token_at = p->stop_at = p->wire_at = p->done_at = 0;
    p->stopped = false;
    p->failed = EPODE_OK;
    p->why = NULL;
    return EPODE_OK;
}

/* Keeps what the stanza that has begun, or begins, needs. */
static void parser_keep(ep_xml_parser *p, const char *data, size_t n)
{
    size_t keep = p->now ? p->stanza_at : p->done_at;
    ep_buf_consume(&p->wire, keep - p->wire_at < p->wire.len ? keep - p->wire_at : p->wire.len);
    p->wire_at = p->fed - p->wire.len;
    ep_buf_add(&p->wire, data, n);
}

epode_status ep_xml_parser_feed(ep_xml_parser *p, const char *data, size_t n, size_t *consumed,
                                ep_error *err)
{
    size_t dummy;
    consumed = consumed ? consumed : &dummy;
    *consumed = 0;
    if (p->failed || p->stopped)
        return ep_fail(err, p->failed ? p->failed : EPODE_ESTATE, 0, "the XML parser was stopped");
    if (!n)
        return EPODE_OK;
    /* No byte of UTF-8 is NUL; expat would take it for UTF-16, which RFC 6120, 11.6, forbids. */
    const char *nul = memchr(data, '\0', n);
    size_t before = p->fed, whole = n;
    n = nul ? (size_t)(nul - data) : n;
    parser_keep(p, data, n);
    p->fed += n;
    enum XML_Status rc = XML_Parse(p->expat, data, (int)n, 0);
    if (p->stopped && !p->failed) {
        *consumed = p->stop_at - before;
        return EPODE_OK;
    }
    if (p->failed)
        return ep_fail(err, p->failed, 0, "%s", p->why);
    if (rc == XML_STATUS_ERROR) {
        enum XML_Error code = XML_GetErrorCode(p->expat);
        p->failed = code == XML_ERROR_NO_MEMORY ? EPODE_ENOMEM : EPODE_EPROTO;
        return ep_fail(err, p->failed, (long)code, "the server's XML is not well-formed: %s",
                       XML_ErrorString(code));
    }
    if (p->fed - p->token_at > p->limits.max_token_bytes + n) {
        p->failed = EPODE_ELIMIT;
        return ep_fail(err, EPODE_ELIMIT, 0, "one XML token is larger than allowed");
    }
    if (n < whole) {
        p->failed = EPODE_EPROTO;
        return ep_fail(err, EPODE_EPROTO, 0, "the server's XML is not in UTF-8");
    }
    *consumed = n;
    return EPODE_OK;
}

static bool parse_whole(ep_xml_parser *p, const ep_buf *text)
{
    if (text->len >= INT_MAX || XML_Parse(p->expat, ep_buf_ptr(text), (int)text->len, 1) == XML_STATUS_OK)
        return text->len < INT_MAX && !p->failed && p->root;
    if (!p->failed && XML_GetErrorCode(p->expat) == XML_ERROR_NO_MEMORY)
        p->failed = EPODE_ENOMEM;
    return false;
}

epode_status ep_elem_read(ep_elem **out, ep_arena *arena, const char *xml, size_t len, const char *default_ns)
{
    ep_xml_limits limits = { .max_stanza_bytes = len + 1, .max_token_bytes = len + 1 };
    ep_xml_parser *p = arena->first ? NULL : ep_xml_parser_new(&limits, NULL, NULL);
    ep_buf wrapped = EP_BUF_INIT;
    epode_status st = EPODE_EPROTO;
    *out = NULL;
    if (!p)
        return arena->first ? EPODE_EINVAL : EPODE_ENOMEM;
    p->single = true;
    ep_buf_puts(&wrapped, "<w xmlns='");
    ep_xml_escape(&wrapped, default_ns ? default_ns : "", default_ns ? strlen(default_ns) : 0);
    ep_buf_puts(&wrapped, "'>");
    ep_buf_add(&wrapped, xml, len);
    ep_buf_puts(&wrapped, "</w>");
    if (wrapped.failed) {
        st = EPODE_ENOMEM;
    } else if (parse_whole(p, &wrapped)) {
        /* The tree lives in the parser's arena, which changes hands. */
        *out = p->root;
        *arena = p->arena;
        p->arena = (ep_arena){ 0 };
        (*out)->next = NULL;
        st = EPODE_OK;
    } else if (p->failed == EPODE_ENOMEM) {
        st = EPODE_ENOMEM;
    }
    ep_buf_free(&wrapped);
    ep_xml_parser_free(p);
    return st;
}

ep_elem *ep_elem_parse(ep_arena *arena, const char *xml, size_t len, const char *default_ns)
{
    ep_elem *e;
    ep_elem_read(&e, arena, xml, len, default_ns);
    return e;
}
