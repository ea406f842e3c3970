/* exchange.h: what the mechanisms' files share of an exchange. Only sasl/ includes it. */
#ifndef EP_EXCHANGE_H
#define EP_EXCHANGE_H

#include "sasl/mechanism.h"

struct ep_sasl {
    const ep_sasl_mech *mech;
    char *username, *password, *token; /* copies; secrets are wiped */
    ep_cb cb;
    uint8_t cb_bytes[EP_CB_MAX_BYTES];
    size_t cb_len;
    /* SCRAM */
    char cb_flag; /* n, y, p */
    char *nonce, *first_bare, *gs2;
    ep_scram_keys keys; /* remembered, then those of this login */
    bool keys_given, proved; /* proved: the client's proof went out, the server's is awaited */
    uint8_t server_signature[64];
    size_t signature_len;
};

/* Whether remembered keys (NULL: none) are of this mechanism, or of the same one with or without -PLUS. */
bool ep_scram_keys_fit(const ep_scram_keys *keys, const ep_sasl_mech *mech);
epode_status ep_scram_initial(ep_sasl *s, ep_buf *out, ep_error *err);
epode_status ep_scram_step(ep_sasl *s, const char *challenge, size_t n, ep_buf *out, ep_error *err);
epode_status ep_scram_finish(ep_sasl *s, const char *data, size_t n, ep_error *err);

/* HMAC with the mechanism's hash; the length written, 0 on failure. out has room for 64 bytes. */
size_t ep_sasl_hmac(const char *digest, const void *key, size_t key_len, const void *data, size_t n,
                    uint8_t *out);

#endif
