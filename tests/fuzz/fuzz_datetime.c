/* Times: what is a time is one again when written. */
#include "fuzz.h"
#include "xmpp/datetime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), out[32];
    int64_t ms = 0, again = 0;
    bool four_digits = ep_datetime_parse(text, &ms) && ms >= -62167219200000 && ms <= 253402300799999;
    if (four_digits) {
        ep_datetime_format(ms, out);
        MUST(strlen(out) < sizeof out);
        MUST(ep_datetime_parse(out, &again) && again == ms);
    }
    free(text);
    return 0;
}
