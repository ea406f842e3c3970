/* authorities.c: the system's store is a directory of files named by hash, of which those needed
 * are read, and a bundle of all. Reading the bundle takes 20 to 40 ms, longer than many a whole
 * login; so that is left until the directory was not enough. */
#include "net/authorities.h"

bool ep_authorities_load(SSL_CTX *ctx, const char *file)
{
    if (!file)
        return SSL_CTX_set_default_verify_dir(ctx) == 1;
    if (SSL_CTX_load_verify_file(ctx, file) != 1)
        return false;
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    return true;
}

void ep_authorities_load_bundle(SSL_CTX *ctx)
{
    SSL_CTX_set_default_verify_file(ctx);
}
