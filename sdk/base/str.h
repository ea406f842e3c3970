/* str.h: small helpers over NUL-terminated strings. NULL equals only NULL. */
#ifndef EP_STR_H
#define EP_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool ep_streq(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Replaces *field by a copy of value (NULL empties it); false: no memory, *field unchanged. */
bool ep_str_set(char **field, const char *value);
/* A decimal number and nothing else; false otherwise or out of range. */
bool ep_str_u64(const char *s, uint64_t *out);
/* "true" or "1" of XML Schema's boolean. */
bool ep_str_is_true(const char *s);
/* Base64 (RFC 4648 section 4, padded). Decoding refuses anything else, "=" is the empty string (RFC
 * 6120 6.4.2). Both give bytes that the caller frees; len may be NULL. Where NULL comes back, *len is left
 * alone, save that EP_B64_NO_MEMORY says so. */
#define EP_B64_NO_MEMORY SIZE_MAX
char *ep_b64_encode(const void *data, size_t n);
uint8_t *ep_b64_decode(const char *text, size_t n, size_t *len);
/* The same for a string; the result is NUL-terminated as well. */
char *ep_b64_decode_str(const char *text, size_t *len);
/* Lower-case hexadecimal of n bytes into out[2 * n + 1]. */
void ep_hex(const void *data, size_t n, char *out);
/* Compares in constant time. */
bool ep_equal_ct(const void *a, const void *b, size_t n);

#endif
