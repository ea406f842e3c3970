/* mechanism.h: the SASL mechanisms, one row each, and one exchange. Nothing here does I/O. */
#ifndef EP_MECHANISM_H
#define EP_MECHANISM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* Channel-binding types (RFC 5929, RFC 9266), as bits of a set. */
typedef enum ep_cb {
    EP_CB_NONE = 0,
    EP_CB_ENDP = 1, /* tls-server-end-point */
    EP_CB_EXPR = 2, /* tls-exporter */
    EP_CB_UNIQ = 4  /* tls-unique; TLS 1.2 and before only */
} ep_cb;

const char *ep_cb_name(ep_cb type); /* "tls-exporter"; "" for EP_CB_NONE */
ep_cb ep_cb_from_name(const char *name);

#define EP_CB_MAX_BYTES 64
/* What the transport offers for its present connection. */
typedef struct ep_cb_data {
    struct {
        uint8_t bytes[EP_CB_MAX_BYTES];
        size_t len; /* 0: this type is not to be had */
    } endp, expr, uniq;
} ep_cb_data;

uint32_t ep_cb_set(const ep_cb_data *cb); /* the types that are there */
const uint8_t *ep_cb_bytes(const ep_cb_data *cb, ep_cb type, size_t *len);

/* How good a mechanism is, for what is pinned: the class, never the hash. */
typedef enum ep_sasl_class {
    EP_SASL_CLASS_NONE = 0,
    EP_SASL_CLASS_PLAIN,
    EP_SASL_CLASS_SCRAM,
    EP_SASL_CLASS_SCRAM_CB,
    EP_SASL_CLASS_EXTERNAL
} ep_sasl_class;

typedef enum ep_sasl_kind { EP_SASL_PLAIN, EP_SASL_EXTERNAL, EP_SASL_SCRAM, EP_SASL_BEARER, EP_SASL_HT } ep_sasl_kind;

typedef struct ep_sasl_mech {
    const char *name;
    uint32_t bit;      /* its place in a set of mechanisms */
    ep_sasl_kind kind;
    ep_sasl_class rank; /* EP_SASL_CLASS_NONE for HT: a token stands for an earlier login */
    const char *digest; /* OpenSSL's name; NULL: none is used */
    ep_cb cb;           /* HT: the type its name says. SCRAM: EP_CB_NONE, see plus */
    bool plus;          /* SCRAM with channel binding of a type that the exchange chooses */
    bool one_step;      /* the initial response is all that the client says */
} ep_sasl_mech;

/* All rows, the best first; the row of a name or of one bit; NULL: unknown. */
const ep_sasl_mech *ep_sasl_mechs(size_t *count);
const ep_sasl_mech *ep_sasl_mech_named(const char *name);
const ep_sasl_mech *ep_sasl_mech_of(uint32_t bit);
#define EP_SASL_BITS_HT 0xff00u       /* the bits that HT mechanisms have */
#define EP_SASL_BITS_HT_BOUND 0x7700u /* of them, those with channel binding */

/* SCRAM keys (RFC 5802, 3): enough to log in without the password, so PBKDF2 is paid once. */
typedef struct ep_scram_keys {
    char mechanism[24]; /* without -PLUS; empty: none */
    uint8_t salt[64];
    size_t salt_len;
    uint32_t iterations;
    uint8_t client_key[64], server_key[64];
    size_t key_len;
} ep_scram_keys;

/* Borrowed by an exchange until it is freed; every field may be missing. */
typedef struct ep_sasl_creds {
    const char *username;  /* localpart */
    const char *jid;       /* bare: OAUTHBEARER's authorization identity */
    const char *password;
    const char *token;     /* FAST's, for HT */
    const char *bearer;    /* OAuth's, for OAUTHBEARER */
    const char *authzid;   /* EXTERNAL's; NULL: who the certificate says (XEP-0178) */
    const ep_scram_keys *keys;
} ep_sasl_creds;

typedef struct ep_sasl ep_sasl;

/* cb: the channel-binding type that -PLUS uses (for HT the row says it). server_lists_plus: whether the
 * features offered any -PLUS mechanism, for SCRAM's y flag (RFC 5802, 6). Both are bound to what the exchange
 * says first and cannot change later. */
epode_status ep_sasl_new(ep_sasl **out, const ep_sasl_mech *mech, const ep_sasl_creds *creds,
                         const ep_cb_data *cb_data, ep_cb cb, bool server_lists_plus, ep_error *err);
void ep_sasl_free(ep_sasl *s);
/* Each appends the raw (not base64) message. */
epode_status ep_sasl_initial(ep_sasl *s, ep_buf *out, ep_error *err);
epode_status ep_sasl_step(ep_sasl *s, const void *challenge, size_t n, ep_buf *out, ep_error *err);
/* The server said success with this data (n 0: none): EPODE_OK only if its own proof is right. A mechanism
 * whose server proves itself fails without it: EPODE_EAUTH. */
epode_status ep_sasl_finish(ep_sasl *s, const void *data, size_t n, ep_error *err);
const ep_sasl_mech *ep_sasl_mechanism(const ep_sasl *s);
/* XEP-0480: SaltedPassword (RFC 5802, 3) in base64, and the keys that follow from it. salt64: base64, from the server. The
 * text is the caller's, and a secret. EPODE_EPROTO: salt or count are out of bounds. */
epode_status ep_scram_upgrade(const ep_sasl_mech *mech, const char *password, const char *salt64, uint64_t iterations,
                              char **salted64, ep_scram_keys *keys, ep_error *err);
/* After a SCRAM success: the keys to remember; NULL for other mechanisms. Borrowed. */
const ep_scram_keys *ep_sasl_keys(const ep_sasl *s);
/* Whether the remembered keys were used, not the password. */
bool ep_sasl_used_keys(const ep_sasl *s);
/* SCRAM's gs2 flag as sent: 'n', 'y' or 'p'; 0 for other mechanisms. */
char ep_sasl_cb_flag(const ep_sasl *s);
/* XEP-0474: sorts count names by their bytes ("i;octet", RFC 4790, 9.3) and joins them by %x1E. NULL: no memory; the
 * caller's. */
char *ep_sasl_join_names(const char **names, size_t count);
/* The string that is hashed: mechanisms, and behind %x1F the channel-binding types where the server listed them
 * (XEP-0440). types NULL: it did not. Both joined as above. NULL: no memory; the caller's. */
char *ep_sasl_advertised(const char *mechanisms, const char *types);
/* XEP-0474: what this stream's features listed, as ep_sasl_advertised() makes it. To be said before a challenge is
 * handed in; a hash in the challenge that is not that of this text is EPODE_EDOWNGRADE, and so is a missing one if it
 * is required. Copied. */
epode_status ep_sasl_expect(ep_sasl *s, const char *advertised, bool required);
/* OAUTHBEARER: why the token was refused, as the server's JSON says (RFC 7628, 3.2.2): "invalid_token"; "": not said. */
const char *ep_sasl_refusal(const ep_sasl *s);
/* The nonce, for tests with known answers. Must be called before ep_sasl_initial(). */
epode_status ep_sasl_set_nonce(ep_sasl *s, const char *nonce);

#endif
