/* str.c: strings, numbers, base64. */
#include "base/str.h"

#include <openssl/crypto.h>

#include "base/alloc.h"

bool ep_str_set(char **field, const char *value)
{
    char *copy = NULL;
    if (value && !(copy = ep_strdup(value)))
        return false;
    ep_free(*field);
    *field = copy;
    return true;
}

bool ep_str_u64(const char *s, uint64_t *out)
{
    uint64_t v = 0;
    if (!s || !*s)
        return false;
    for (; *s; s++) {
        uint64_t digit = (uint64_t)(*s - '0');
        if (*s < '0' || *s > '9' || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

bool ep_str_is_true(const char *s)
{
    return ep_streq(s, "true") || ep_streq(s, "1");
}

static const char b64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *ep_b64_encode(const void *data, size_t n)
{
    const uint8_t *in = data;
    char *out = ep_malloc((n + 2) / 3 * 4 + 1), *o = out;
    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16;
        if (i + 1 < n)
            v |= (uint32_t)in[i + 1] << 8;
        if (i + 2 < n)
            v |= in[i + 2];
        *o++ = b64_digits[v >> 18];
        *o++ = b64_digits[v >> 12 & 63];
        *o++ = i + 1 < n ? b64_digits[v >> 6 & 63] : '=';
        *o++ = i + 2 < n ? b64_digits[v & 63] : '=';
    }
    *o = '\0';
    return out;
}

static int b64_value(char c)
{
    const char *at = c ? strchr(b64_digits, c) : NULL;
    return at ? (int)(at - b64_digits) : -1;
}

uint8_t *ep_b64_decode(const char *text, size_t n, size_t *len)
{
    if (n == 1 && text[0] == '=')
        n = 0;
    if (n % 4)
        return NULL;
    uint8_t *out = ep_malloc(n / 4 * 3 + 1);
    size_t o = 0;
    if (!out) {
        if (len)
            *len = EP_B64_NO_MEMORY;
        return NULL;
    }
    for (size_t i = 0; i < n; i += 4) {
        int pad = 0, v = 0;
        for (size_t k = 0; k < 4; k++) {
            int d = b64_value(text[i + k]);
            if (text[i + k] == '=' && i + 4 == n && k >= 2 && (k == 3 || text[i + 3] == '=')) {
                pad++;
                d = 0;
            }
            if (d < 0 || (pad && text[i + k] != '=')) {
                ep_free(out);
                return NULL;
            }
            v = v << 6 | d;
        }
        out[o++] = (uint8_t)(v >> 16);
        if (pad < 2)
            out[o++] = (uint8_t)(v >> 8);
        if (pad < 1)
            out[o++] = (uint8_t)v;
    }
    out[o] = '\0';
    if (len)
        *len = o;
    return out;
}

char *ep_b64_decode_str(const char *text, size_t *len)
{
    return text ? (char *)ep_b64_decode(text, strlen(text), len) : NULL;
}

void ep_hex(const void *data, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *in = data;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[2 * n] = '\0';
}

bool ep_equal_ct(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}
