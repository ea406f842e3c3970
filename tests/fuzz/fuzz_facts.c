/* Remembered DNS facts: whatever is read is written so that it is read the same. */
#include "fuzz.h"
#include "net/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ep_facts facts, again;
    ep_buf first = EP_BUF_INIT, second = EP_BUF_INIT;
    int64_t expires, expires_again;
    memset(&facts, 0, sizeof facts);
    memset(&again, 0, sizeof again);
    char *text = fuzz_text(data, size);
    ep_facts_read(&facts, text, size, 1700000000000);
    ep_facts_write(&facts, &first, &expires);
    MUST(!first.failed && facts.hosts_n <= EP_HOSTS_MAX);
    if (first.len)
        ep_facts_read(&again, ep_buf_ptr(&first), first.len, 1700000000000);
    ep_facts_write(&again, &second, &expires_again);
    MUST(first.len == second.len && expires == expires_again);
    MUST(!first.len || memcmp(ep_buf_ptr(&first), ep_buf_ptr(&second), first.len) == 0);
    free(text);
    ep_buf_free(&first);
    ep_buf_free(&second);
    return 0;
}
