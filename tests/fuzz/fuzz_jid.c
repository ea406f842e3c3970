/* JIDs: what was prepared is a JID, and preparing it again changes nothing. */
#include "fuzz.h"
#include "base/str.h"
#include "xmpp/jid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ep_jid jid, again;
    char *text = fuzz_text(data, size);
    epode_status st = ep_jid_parse(&jid, text);
    MUST(st == EPODE_OK || st == EPODE_EINVAL);
    if (!st) {
        MUST(jid.domain && jid.bare && jid.ascii);
        MUST(ep_jid_same_bare(jid.bare, jid.bare));
        MUST(!strpbrk(jid.bare, " <>&'\"/"));
        if (ep_jid_parse(&again, jid.bare) == EPODE_OK) {
            MUST(ep_streq(again.bare, jid.bare));
            ep_jid_free(&again);
        }
    }
    ep_jid_free(&jid);
    free(text);
    return 0;
}
