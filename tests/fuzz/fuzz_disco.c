/* Answers to disco#info: lists of features, and their verification string. */
#include "fuzz.h"
#include "xmpp/disco.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ep_arena arena = { 0 };
    ep_buf list = EP_BUF_INIT;
    ep_elem *e = ep_elem_parse(&arena, (const char *)data, size, "http://jabber.org/protocol/disco#info");
    epode_status st = ep_disco_features(&list, e);
    MUST(st == EPODE_OK || st == EPODE_ELIMIT);
    MUST(ep_disco_verify(e, "sha-1", "QgayPKawpkPSDYmwT/WM94uAlu0=") >= 0);
    MUST(ep_disco_verify(e, "sha-512", "") == EPODE_DONE);
    EP_ELEM_EACH(f, e) {
        const char *var = ep_elem_is(f, "feature", "http://jabber.org/protocol/disco#info") ? ep_elem_attr(f, "var") : NULL;
        if (st == EPODE_OK && var && *var)
            MUST(ep_disco_has(ep_buf_ptr(&list), var));
    }
    ep_buf_free(&list);
    ep_arena_free(&arena);
    return 0;
}
