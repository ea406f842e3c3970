/* test_xml_parser.c: a stream in pieces of any size, and what a stream may not hold. */
#include "../support/check.h"

#include "xml/parser.h"

#define HEADER                                                                                     \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "                                   \
    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"

/* Everything that the parser said, as text. */
typedef struct heard {
    ep_buf log;
    const char *stop_at; /* stop behind the element of this name */
    int ends;
    bool short_of_memory; /* nothing more is read for the test itself */
} heard;

static ep_xml_next hear_header(void *user, const ep_elem *h)
{
    heard *x = user;
    ep_buf_printf(&x->log, "[%s %s %zu]", h->name, h->ns, h->attr_count);
    return EP_XML_GO;
}

/* Whatever is said to be how an element came reads as that element. */
static void check_wire(const ep_elem *e)
{
    size_t n;
    const char *wire = ep_elem_wire(e, "jabber:client", &n);
    if (wire) {
        ep_arena arena = { 0 };
        ep_buf first = EP_BUF_INIT, again = EP_BUF_INIT;
        ep_elem *read = ep_elem_parse(&arena, wire, n, "jabber:client");
        assert_non_null(read);
        ep_elem_write(&first, e, "jabber:client");
        ep_elem_write(&again, read, "jabber:client");
        assert_string_equal(ep_buf_cstr(&first), ep_buf_cstr(&again));
        ep_buf_free(&first);
        ep_buf_free(&again);
        ep_arena_free(&arena);
    }
    EP_ELEM_EACH(child, e)
        check_wire(child);
}

static ep_xml_next hear_element(void *user, ep_elem *e)
{
    heard *x = user;
    if (!x->short_of_memory)
        check_wire(e);
    ep_elem_write(&x->log, e, "jabber:client");
    return x->stop_at && ep_elem_is(e, x->stop_at, NULL) ? EP_XML_STOP : EP_XML_GO;
}

static void hear_end(void *user)
{
    heard *x = user;
    x->ends++;
    ep_buf_puts(&x->log, "[end]");
}

static const ep_xml_events events = { hear_header, hear_element, hear_end };

static epode_status feed(ep_xml_parser *p, const char *text, size_t n)
{
    size_t used = 0;
    epode_status st = ep_xml_parser_feed(p, text, n, &used, NULL);
    if (!st)
        assert_int_equal(used, n);
    return st;
}

static const char element[] =
    "<m:message xmlns:m='jabber:client' to='a&amp;b' xml:lang='de'>x&#228;&lt;"
    "<body>\xc3\xa4<![CDATA[<&>]]>\xf0\x9f\x94\x91</body> "
    "<x xmlns='urn:y'><z xmlns=''/><m:w a='&quot;&apos;'/></x></m:message>";
static const char same[] =
    "<message to='a&amp;b' xml:lang='de'>x\xc3\xa4&lt;<body>\xc3\xa4&lt;&amp;&gt;"
    "\xf0\x9f\x94\x91</body> <x xmlns='urn:y'><z xmlns=''/>"
    "<w xmlns='jabber:client' a='&quot;&apos;'/></x></message>";

/* Feeds the element cut at a and b; then it must be there, without one byte more. */
static void split(ep_xml_parser *p, heard *x, size_t a, size_t b)
{
    size_t n = strlen(element);
    ep_buf_clear(&x->log);
    assert_int_equal(feed(p, element, a), EPODE_OK);
    assert_int_equal(feed(p, element + a, b - a), EPODE_OK);
    assert_int_equal(feed(p, element + b, n - b), EPODE_OK);
    if (strcmp(ep_buf_cstr(&x->log), same) != 0)
        fail_msg("split at %zu and %zu: %s", a, b, ep_buf_cstr(&x->log));
}

static void an_element_is_the_same_however_it_is_split(void **state)
{
    (void)state;
    heard x = { 0 };
    size_t n = strlen(element);
    ep_xml_parser *p = ep_xml_parser_new(NULL, &events, &x);
    assert_int_equal(feed(p, HEADER, strlen(HEADER)), EPODE_OK);
    assert_string_equal(ep_buf_cstr(&x.log), "[stream http://etherx.jabber.org/streams 1]");
    for (size_t a = 0; a <= n; a++)
        for (size_t b = a; b <= n; b++)
            split(p, &x, a, b);
    ep_xml_parser_free(p);
    ep_buf_free(&x.log);
}

static void an_element_is_the_same_byte_by_byte(void **state)
{
    (void)state;
    heard x = { 0 };
    ep_xml_parser *p = ep_xml_parser_new(NULL, &events, &x);
    const char *parts[] = { HEADER, element, " \r\n\t", "<iq/>", "</stream:stream>" };
    for (size_t i = 0; i < COUNT(parts); i++) {
        for (size_t k = 0; parts[i][k]; k++)
            assert_int_equal(feed(p, parts[i] + k, 1), EPODE_OK);
        if (i == 0)
            ep_buf_clear(&x.log);
        if (i == 1)
            assert_string_equal(ep_buf_cstr(&x.log), same);
    }
    assert_string_equal(ep_buf_cstr(&x.log) + strlen(same), "<iq/>[end]");
    assert_int_equal(x.ends, 1);
    ep_xml_parser_free(p);
    ep_buf_free(&x.log);
}

static ep_xml_next hear_wire(void *user, ep_elem *e)
{
    size_t n;
    const ep_elem *inner = ep_elem_first(e);
    const char *wire = ep_elem_wire(inner, "jabber:client", &n);
    check_wire(e);
    ep_buf_add(user, wire ? wire : "none", wire ? n : 4);
    ep_buf_putc(user, ' ');
    return EP_XML_GO;
}

static void an_element_is_kept_as_it_came_where_that_stands_by_itself(void **state)
{
    static const ep_xml_events wire_events = { NULL, hear_wire, NULL };
    static const char text[] =
        HEADER "<a><b  x=\"1\">&#65;</b></a> <a><b/></a>\n<a xmlns='urn:x'><b xmlns='jabber:client' xml:lang='de'>"
               "<c xmlns='urn:y' d='stream:e'/></b></a><a xmlns='urn:x'><b/></a>"
               "<a xmlns:p='jabber:client'><p:b/></a><a><b><stream:c/></b></a><a xmlns:p='urn:p'><b p:x='1'/></a>";
    static const char expected[] = "<b  x=\"1\">&#65;</b> <b/> <b xmlns='jabber:client' xml:lang='de'>"
                                   "<c xmlns='urn:y' d='stream:e'/></b> none none none none ";
    (void)state;
    for (size_t piece = 1; piece < sizeof text; piece++) {
        ep_buf log = EP_BUF_INIT;
        ep_xml_parser *p = ep_xml_parser_new(NULL, &wire_events, &log);
        for (size_t at = 0; at < sizeof text - 1; at += piece)
            assert_int_equal(feed(p, text + at, piece < sizeof text - 1 - at ? piece : sizeof text - 1 - at), EPODE_OK);
        assert_string_equal(ep_buf_cstr(&log), expected);
        ep_xml_parser_free(p);
        ep_buf_free(&log);
    }
}

static void it_stops_exactly_behind_an_element(void **state)
{
    (void)state;
    heard x = { .stop_at = "proceed" };
    ep_xml_parser *p = ep_xml_parser_new(NULL, &events, &x);
    static const char *const proceeds[] = { "<proceed xmlns='urn:t'/>",
                                            "<proceed xmlns='urn:t'></proceed>",
                                            "<proceed xmlns='urn:t'><x/>y</proceed >" };
    for (size_t i = 0; i < COUNT(proceeds); i++) {
        char text[600];
        size_t used = 0;
        int n = snprintf(text, sizeof text, "%s<iq/>%s\x16\x03\x01 <garbage", HEADER, proceeds[i]);
        size_t want = strlen(HEADER) + 5 + strlen(proceeds[i]);
        ep_buf_clear(&x.log);
        assert_int_equal(ep_xml_parser_feed(p, text, (size_t)n, &used, NULL), EPODE_OK);
        assert_int_equal(used, want);
        assert_int_equal(ep_xml_parser_feed(p, text + want, 1, &used, NULL), EPODE_ESTATE);
        assert_int_equal(ep_xml_parser_reset(p), EPODE_OK);
        /* The same when the element's end is the first byte of a read. */
        assert_int_equal(feed(p, text, want - 1), EPODE_OK);
        assert_int_equal(ep_xml_parser_feed(p, text + want - 1, (size_t)n - want + 1, &used, NULL),
                         EPODE_OK);
        assert_int_equal(used, 1);
        assert_int_equal(ep_xml_parser_reset(p), EPODE_OK);
    }
    ep_xml_parser_free(p);
    ep_buf_free(&x.log);
}

static void a_reset_begins_a_new_document(void **state)
{
    (void)state;
    heard x = { 0 };
    ep_xml_parser *p = ep_xml_parser_new(NULL, &events, &x);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(feed(p, HEADER "<a><b>text", strlen(HEADER "<a><b>text")), EPODE_OK);
        assert_int_equal(ep_xml_parser_reset(p), EPODE_OK);
    }
    assert_int_equal(feed(p, "<root><c/></root>", 17), EPODE_OK);
    assert_non_null(strstr(ep_buf_cstr(&x.log), "[root  0]<c xmlns=''/>[end]"));
    ep_xml_parser_free(p);
    ep_buf_free(&x.log);
}

typedef struct refusal {
    const char *what, *text;
    epode_status status;
} refusal;

/* Whole, and byte by byte: the status, nothing of it is delivered, and it stays so. */
static void refuse(const refusal *r, const ep_xml_limits *limits)
{
    for (int bytewise = 0; bytewise <= 1; bytewise++) {
        heard x = { 0 };
        epode_status st = EPODE_OK;
        ep_error err = { 0 };
        ep_xml_parser *p = ep_xml_parser_new(limits, &events, &x);
        size_t n = strlen(r->text), step = bytewise ? 1 : n;
        for (size_t at = 0; at < n && !st; at += step)
            st = ep_xml_parser_feed(p, r->text + at, step, NULL, &err);
        if (st != r->status)
            fail_msg("%s (%s): %s", r->what, bytewise ? "bytes" : "whole", epode_status_name(st));
        assert_int_equal(epode_error_status(&err), st);
        assert_true(strlen(epode_error_text(&err)) > 10);
        assert_int_equal(ep_xml_parser_feed(p, "<iq/>", 5, NULL, NULL), st);
        assert_int_equal(ep_xml_parser_reset(p), EPODE_OK);
        assert_int_equal(feed(p, "<good/>", 7), EPODE_OK);
        if (x.log.len)
            assert_null(strstr(ep_buf_cstr(&x.log), "bad"));
        ep_xml_parser_free(p);
        ep_buf_free(&x.log);
    }
}

static void what_a_stream_may_not_hold_is_refused(void **state)
{
    (void)state;
    static const refusal rows[] = {
        { "DTD", "<!DOCTYPE bad><stream/>", EPODE_EPROTO },
        { "external DTD", "<!DOCTYPE bad SYSTEM 'file:///etc/passwd'><stream/>", EPODE_EPROTO },
        { "billion laughs",
          "<!DOCTYPE x [<!ENTITY a 'bad'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;'>]>"
          "<s><bad>&c;</bad></s>",
          EPODE_EPROTO },
        { "DTD inside", HEADER "<!DOCTYPE bad><bad/>", EPODE_EPROTO },
        { "unknown entity", HEADER "<bad>&nosuch;</bad>", EPODE_EPROTO },
        { "comment", HEADER "<!-- x --><bad/>", EPODE_EPROTO },
        { "comment inside", HEADER "<bad><!-- x --></bad>", EPODE_EPROTO },
        { "comment in front",
          "<!-- x -->"
          "<stream/>",
          EPODE_EPROTO },
        { "processing instruction", HEADER "<?php bad ?><bad/>", EPODE_EPROTO },
        { "processing instruction inside", HEADER "<bad><?php ?></bad>", EPODE_EPROTO },
        { "second declaration", HEADER "<?xml version='1.0'?><bad/>", EPODE_EPROTO },
        { "text between stanzas", HEADER " \n x<bad/>", EPODE_EPROTO },
        { "CDATA between stanzas", HEADER "<![CDATA[x]]><bad/>", EPODE_EPROTO },
        { "bad UTF-8", HEADER "<bad>\xc3\x28</bad>", EPODE_EPROTO },
        { "overlong UTF-8", HEADER "<bad>\xc0\xaf</bad>", EPODE_EPROTO },
        { "surrogate", HEADER "<bad>\xed\xa0\x80</bad>", EPODE_EPROTO },
        { "control character", HEADER "<bad>\x01</bad>", EPODE_EPROTO },
        { "control reference", HEADER "<bad>&#1;</bad>", EPODE_EPROTO },
        { "wrong end tag", HEADER "<bad></worse>", EPODE_EPROTO },
        { "attribute twice", HEADER "<bad a='1' a='2'/>", EPODE_EPROTO },
        { "unbound prefix", HEADER "<nope:bad/>", EPODE_EPROTO },
        { "behind the end", HEADER "</stream:stream><bad/>", EPODE_EPROTO },
        { "no XML", "HTTP/1.1 400 Bad Request\r\n\r\n", EPODE_EPROTO },
        { "other encoding", "<?xml version='1.0' encoding='bad'?><x bad='\xff'/>", EPODE_EPROTO },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        refuse(&rows[i], NULL);
}

static void a_stream_cannot_grow_without_bounds(void **state)
{
    (void)state;
    static const ep_xml_limits limits = {
        .max_depth = 4, .max_attrs = 2, .max_stanza_bytes = 200, .max_token_bytes = 400
    };
    static char stanza[800], token[3000], attr[3000], comment[3000];
    memset(token, 'x', sizeof token - 1);
    memset(attr, 'x', sizeof attr - 1);
    memset(comment, 'x', sizeof comment - 1);
    memcpy(token, HEADER "<bad", strlen(HEADER "<bad"));
    memcpy(attr, HEADER "<bad a='", strlen(HEADER "<bad a='"));
    memcpy(comment, HEADER "<!--", strlen(HEADER "<!--"));
    int n = sprintf(stanza, "%s<bad>", HEADER);
    for (int i = 0; i < 30; i++)
        n += sprintf(stanza + n, "<x>%05d</x>", i);
    sprintf(stanza + n, "</bad>");
    const refusal rows[] = {
        { "depth", HEADER "<bad><b><c><d/></c></b></bad>", EPODE_ELIMIT },
        { "attributes", HEADER "<bad a='1' b='2' c='3'/>", EPODE_ELIMIT },
        { "stanza", stanza, EPODE_ELIMIT },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        refuse(&rows[i], &limits);
    /* What never ends is cut off, and not only at its end. */
    const char *const endless[] = { token, attr, comment };
    for (size_t i = 0; i < COUNT(endless); i++) {
        heard x = { 0 };
        ep_xml_parser *p = ep_xml_parser_new(&limits, &events, &x);
        size_t at = 0;
        epode_status st = EPODE_OK;
        while (!st && at < 2999)
            st = ep_xml_parser_feed(p, endless[i] + at++, 1, NULL, NULL);
        assert_int_equal(st, EPODE_ELIMIT);
        assert_in_range(at, 400, 600 + strlen(HEADER));
        ep_xml_parser_free(p);
        ep_buf_free(&x.log);
    }
}

static void what_is_within_the_limits_passes(void **state)
{
    (void)state;
    static const ep_xml_limits limits = {
        .max_depth = 4, .max_attrs = 2, .max_stanza_bytes = 200, .max_token_bytes = 400
    };
    heard x = { 0 };
    ep_xml_parser *p = ep_xml_parser_new(&limits, &events, &x);
    assert_int_equal(feed(p, HEADER, strlen(HEADER)), EPODE_OK);
    for (int i = 0; i < 200; i++) {
        const char *one = "<a b='1' c='2'><d><e/></d>some text of no great length</a>";
        assert_int_equal(feed(p, one, strlen(one)), EPODE_OK);
        for (int k = 0; k < 20; k++)
            assert_int_equal(feed(p, " \n", 2), EPODE_OK);
    }
    ep_xml_parser_free(p);
    ep_buf_free(&x.log);
}

static bool parse_a_stream(void *user)
{
    const char *more = user;
    heard x = { .short_of_memory = true };
    epode_status st = EPODE_ENOMEM;
    ep_xml_parser *p = ep_xml_parser_new(NULL, &events, &x);
    if (p && !(st = ep_xml_parser_feed(p, HEADER, strlen(HEADER), NULL, NULL)))
        st = ep_xml_parser_feed(p, element, strlen(element), NULL, NULL);
    if (p && !st)
        st = ep_xml_parser_feed(p, more, strlen(more), NULL, NULL);
    if (p && !st)
        st = ep_xml_parser_reset(p);
    if (p && !st)
        st = ep_xml_parser_feed(p, HEADER "<iq/>", strlen(HEADER "<iq/>"), NULL, NULL);
    assert_true(!st || st == EPODE_ENOMEM);
    bool whole = !st && !x.log.failed;
    ep_xml_parser_free(p);
    ep_buf_free(&x.log);
    return whole;
}

/* Long enough for many blocks of the arena, one in each place where it is asked. */
static void every_allocation_may_fail(void **state)
{
    (void)state;
    ep_buf big = EP_BUF_INIT;
    ep_buf_puts(&big, "<big>");
    for (int i = 0; i < 24; i++)
        ep_buf_printf(&big, "<e%0*d xmlns='urn:%0*d' %c='%0*d'>%0*d</e%0*d>", i * 40 + 1, 0, 700 - i * 20, 1, 'a' + i,
                      900 - i * 30, 2, 500 + i * 10, 3, i * 40 + 1, 0);
    ep_buf_puts(&big, "</big>");
    assert_true(fail_each_allocation(parse_a_stream, (char *)(uintptr_t)ep_buf_cstr(&big)) > 40);
    ep_buf_free(&big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_element_is_the_same_however_it_is_split),
        cmocka_unit_test(an_element_is_the_same_byte_by_byte),
        cmocka_unit_test(an_element_is_kept_as_it_came_where_that_stands_by_itself),
        cmocka_unit_test(it_stops_exactly_behind_an_element),
        cmocka_unit_test(a_reset_begins_a_new_document),
        cmocka_unit_test(what_a_stream_may_not_hold_is_refused),
        cmocka_unit_test(a_stream_cannot_grow_without_bounds),
        cmocka_unit_test(what_is_within_the_limits_passes),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
