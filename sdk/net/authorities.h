/* authorities.h: the certificates that are trusted: a given file's, or the system's. */
#ifndef EP_AUTHORITIES_H
#define EP_AUTHORITIES_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* file NULL: the system's directory of certificates. Of a given file each certificate is trusted as
 * it is, also one that is no root. False: it cannot be read, or out of memory. */
bool ep_authorities_load(SSL_CTX *ctx, const char *file);
/* The system's bundle as well: for what is not in the directory. */
void ep_authorities_load_bundle(SSL_CTX *ctx);

#endif
