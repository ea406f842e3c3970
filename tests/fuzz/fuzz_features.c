/* Remembered stream features. */
#include "fuzz.h"
#include "xmpp/features.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ep_features f;
    memset(&f, 0xee, sizeof f);
    epode_status st = ep_features_parse(&f, (const char *)data, size);
    MUST(st == EPODE_OK || st == EPODE_EPROTO);
    if (st)
        MUST(f.bits == 0 && !f.config_version && !f.caps_node);
    ep_features_list_plus(&f);
    ep_features_free(&f);
    return 0;
}
