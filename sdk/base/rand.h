/* rand.h: unpredictable bytes and identifiers. */
#ifndef EP_RAND_H
#define EP_RAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool ep_rand_bytes(void *out, size_t n); /* false: the system has none to give */
uint32_t ep_rand_below(uint32_t n);      /* 0 <= result < n; for jitter and weights, not for keys */
bool ep_rand_uuid(char out[37]);         /* RFC 4122 version 4 */

#endif
