/* Answers of a name server, as they come in a packet: the first byte says for which question. */
#define ep_resolver_new         fuzzed_resolver_new
#define ep_resolver_free        fuzzed_resolver_free
#define ep_resolver_ask_srv     fuzzed_resolver_ask_srv
#define ep_resolver_ask_address fuzzed_resolver_ask_address
#include "net/resolver.c"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ep_reply reply = { 0 };
    if (size < 2)
        return 0;
    unsigned char *packet = (unsigned char *)fuzz_text(data + 1, size - 1);
    if (data[0] % 3 == 0)
        read_srv(&reply, packet, (int)size - 1);
    else
        read_addresses(&reply, data[0] % 3 == 1 ? ns_t_a : ns_t_aaaa, packet, (int)size - 1);
    MUST(reply.n >= 0 && reply.n <= EP_SRV_MAX);
    MUST(reply.answer != EP_ANSWER_OK || reply.n > 0);
    if (data[0] % 3 == 0)
        for (int i = 0; i < reply.n; i++)
            MUST(ep_host_is_sane(reply.srv[i].host) && reply.srv[i].port);
    free(packet);
    return 0;
}
