/* A SCRAM server's messages: the first line is the challenge, the second one goes with success. Without the password
 * nobody makes a signature that is believed. */
#include "fuzz.h"
#include "sasl/mechanism.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512-PLUS" };
    ep_sasl_creds creds = { .username = "user", .password = "pencil" };
    ep_cb_data cb = { .expr = { .bytes = { 1, 2, 3 }, .len = 32 } };
    ep_buf out = EP_BUF_INIT;
    ep_sasl *s = NULL;
    ep_error err = { 0 };
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    size_t n = line ? (size_t)(line - data) : size;
    const uint8_t *count = n > 2 ? memmem(data, n, ",i=", 3) : NULL;
    if (count && data + n - count > 8)
        return 0; /* PBKDF2 would be all that is measured */
    const ep_sasl_mech *mech = ep_sasl_mech_named(names[size % 3]);
    MUST(ep_sasl_new(&s, mech, &creds, &cb, mech->plus ? EP_CB_EXPR : EP_CB_NONE, true, &err) == EPODE_OK);
    MUST(ep_sasl_set_nonce(s, "fyko+d2lbbFgONRv9qkxdawL") == EPODE_OK);
    MUST(ep_sasl_initial(s, &out, &err) == EPODE_OK);
    if (size & 8)
        MUST(ep_sasl_expect(s, "SCRAM-SHA-1\x1eSCRAM-SHA-512-PLUS\x1ftls-exporter", size & 16) == EPODE_OK);
    char *challenge = fuzz_text(data, n);
    epode_status st = ep_sasl_step(s, challenge, n, &out, &err);
    MUST(st == EPODE_OK || epode_error_status(&err) == st);
    if (line) {
        char *last = fuzz_text(line + 1, size - n - 1);
        MUST(ep_sasl_finish(s, last, size - n - 1, &err) != EPODE_OK);
        free(last);
    }
    free(challenge);
    ep_sasl_free(s);
    ep_buf_wipe(&out);
    return 0;
}
