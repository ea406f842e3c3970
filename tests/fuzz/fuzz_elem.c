/* One element as text (epode_send_xml): what was read is written so that it can be read again, to the same text. */
#include "fuzz.h"
#include "xml/elem.h"
#include "xmpp/ns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ep_arena arena = { 0 }, again = { 0 };
    ep_buf first = EP_BUF_INIT, second = EP_BUF_INIT;
    ep_elem *e, *f;
    epode_status st = ep_elem_read(&e, &arena, (const char *)data, size, EP_NS_CLIENT);
    MUST(st == EPODE_OK || st == EPODE_EPROTO);
    MUST((st == EPODE_OK) == (e != NULL));
    if (e) {
        ep_elem_write(&first, e, EP_NS_CLIENT);
        MUST(!first.failed);
        MUST(ep_elem_read(&f, &again, ep_buf_ptr(&first), first.len, EP_NS_CLIENT) == EPODE_OK);
        ep_elem_write(&second, f, EP_NS_CLIENT);
        MUST(first.len == second.len && memcmp(ep_buf_ptr(&first), ep_buf_ptr(&second), first.len) == 0);
    }
    ep_buf_free(&first);
    ep_buf_free(&second);
    ep_arena_free(&arena);
    ep_arena_free(&again);
    return 0;
}
