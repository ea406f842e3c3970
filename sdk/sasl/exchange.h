/* exchange.h: what the mechanisms' files share of an exchange. Only sasl/ includes it. */
#ifndef EP_EXCHANGE_H
#define EP_EXCHANGE_H

#include "sasl/mechanism.h"

struct ep_sasl {
    const ep_sasl_mech *mech;
    char *username, *jid, *authzid, *password, *token, *bearer; /* copies; secrets are wiped */
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
    char *advertised; /* XEP-0474; NULL: not known */
    bool hash_required;
    /* OAUTHBEARER */
    char refusal[32];
    bool refused;
};

/* Whether remembered keys (NULL: none) are of this mechanism, or of the same one with or without -PLUS. */
bool ep_scram_keys_fit(const ep_scram_keys *keys, const ep_sasl_mech *mech);
epode_status ep_scram_initial(ep_sasl *s, ep_buf *out, ep_error *err);
epode_status ep_scram_step(ep_sasl *s, const char *challenge, size_t n, ep_buf *out, ep_error *err);
epode_status ep_scram_finish(ep_sasl *s, const char *data, size_t n, ep_error *err);

/* downgrade.c: the attribute h of the server's first message (NULL: there is none) against what was advertised. */
epode_status ep_scram_check_advertised(const ep_sasl *s, const char *h, ep_error *err);
/* oauth.c (RFC 7628) */
epode_status ep_bearer_initial(ep_sasl *s, ep_buf *out, ep_error *err);
epode_status ep_bearer_step(ep_sasl *s, const char *challenge, size_t n, ep_buf *out, ep_error *err);
/* A saslname (RFC 5801, 4): commas and equals signs are escaped. */
void ep_sasl_put_name(ep_buf *out, const char *name);

/* HMAC with the mechanism's hash; the length written, 0 on failure. out has room for 64 bytes. */
size_t ep_sasl_hmac(const char *digest, const void *key, size_t key_len, const void *data, size_t n,
                    uint8_t *out);

#endif
