/* rand.c: OpenSSL's generator. */
#include "base/rand.h"

#include <openssl/rand.h>
#include <stdio.h>

bool ep_rand_bytes(void *out, size_t n)
{
    return RAND_bytes(out, (int)n) == 1;
}

uint32_t ep_rand_below(uint32_t n)
{
    uint32_t v = 0;
    if (n < 2 || !ep_rand_bytes(&v, sizeof v))
        return 0;
    return (uint32_t)((uint64_t)v * n >> 32);
}

bool ep_rand_uuid(char out[37])
{
    uint8_t b[16];
    if (!ep_rand_bytes(b, sizeof b))
        return false;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    return true;
}
