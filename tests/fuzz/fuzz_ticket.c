/* A remembered TLS ticket: the input as it is, and with its hash made right, which only a broken disk would not do. */
#include <openssl/sha.h>

#include "fuzz.h"
#include "net/ticket.h"

static void import(ep_trust *trust, const void *blob, size_t n)
{
    SSL_SESSION *session = NULL;
    STACK_OF(X509) *chain = NULL;
    ep_error err = { 0 };
    epode_status st = ep_ticket_import(&session, &chain, trust, blob, n, 1700000000000, &err);
    MUST(st == EPODE_EINVAL || st == EPODE_ETIMEOUT || st == EPODE_ECERT);
    MUST(!session && !chain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ep_trust *trust;
    ep_error err = { 0 };
    if (!trust)
        MUST(ep_trust_new(&trust, "example.org", NULL, &err) == EPODE_OK);
    uint8_t *blob = malloc(size + SHA256_DIGEST_LENGTH + 1);
    MUST(blob);
    import(trust, data, size);
    if (size)
        memcpy(blob, data, size);
    /* "FINGERPRINT" in front of 21 more bytes stands for the trust's own. */
    const uint8_t *at = size > 32 ? memmem(blob, size - 21, "FINGERPRINT", 11) : NULL;
    if (at)
        memcpy(blob + (at - blob), trust->fingerprint, EP_FINGERPRINT_BYTES);
    SHA256(blob, size, blob + size);
    import(trust, blob, size + SHA256_DIGEST_LENGTH);
    free(blob);
    return 0;
}
