/* The XML parser: what comes out does not depend on how the bytes were cut, and an error stays. */
#include "base/buf.h"
#include "fuzz.h"
#include "xml/parser.h"

static ep_xml_next on_header(void *user, const ep_elem *e)
{
    ep_buf_printf(user, "H %s %zu\n", e->name, e->attr_count);
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
        MUST(read);
        ep_elem_write(&first, e, "jabber:client");
        ep_elem_write(&again, read, "jabber:client");
        MUST(first.len == again.len && !memcmp(ep_buf_ptr(&first), ep_buf_ptr(&again), first.len));
        ep_buf_free(&first);
        ep_buf_free(&again);
        ep_arena_free(&arena);
    }
    EP_ELEM_EACH(child, e)
        check_wire(child);
}

static ep_xml_next on_element(void *user, ep_elem *e)
{
    check_wire(e);
    ep_elem_write(user, e, NULL);
    ep_buf_putc(user, '\n');
    return EP_XML_GO;
}

static void on_end(void *user)
{
    ep_buf_puts(user, "E\n");
}

static epode_status parse(ep_buf *seen, const uint8_t *data, size_t size, bool whole)
{
    static const ep_xml_events events = { on_header, on_element, on_end };
    const ep_xml_limits limits = { .max_depth = 8, .max_attrs = 8, .max_stanza_bytes = 4096, .max_token_bytes = 1024 };
    ep_xml_parser *p = ep_xml_parser_new(&limits, &events, seen);
    epode_status st = EPODE_OK;
    size_t at = 0, used;
    MUST(p);
    while (at < size && !st) {
        size_t n = whole ? size - at : fuzz_piece(data[at], size - at);
        char *piece = fuzz_text(data + at, n);
        st = ep_xml_parser_feed(p, piece, n, &used, NULL);
        MUST(st || used == n);
        free(piece);
        at += n;
    }
    MUST(st == EPODE_OK || st == EPODE_EPROTO || st == EPODE_ELIMIT);
    if (st)
        MUST(ep_xml_parser_feed(p, " ", 1, &used, NULL) == st);
    ep_xml_parser_free(p);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ep_buf once = EP_BUF_INIT, pieces = EP_BUF_INIT;
    epode_status a = parse(&once, data, size, true), b = parse(&pieces, data, size, false);
    /* A token that never ends is noticed at the end of a read; else both tell the same. */
    if (a != EPODE_ELIMIT && b != EPODE_ELIMIT) {
        MUST(a == b);
        MUST(once.len == pieces.len && (!once.len || !memcmp(ep_buf_ptr(&once), ep_buf_ptr(&pieces), once.len)));
    }
    ep_buf_free(&once);
    ep_buf_free(&pieces);
    return 0;
}
