/* identity.c: the client's own certificate: what it is shown with, and whom it names (XEP-0178). */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "net/verify.h"

/* A key with a passphrase is not asked for on the terminal, which is OpenSSL's default. */
static int no_passphrase(char *buf, int size, int writing, void *user)
{
    (void)buf, (void)size, (void)writing, (void)user;
    return -1;
}

/* id-on-xmppAddr (RFC 6120, 13.7.1.4); false: another kind of name. */
static bool is_address(const GENERAL_NAME *name, const char *account, bool *ours)
{
    char oid[32];
    if (name->type != GEN_OTHERNAME)
        return false;
    OBJ_obj2txt(oid, sizeof oid, name->d.otherName->type_id, 1);
    const ASN1_TYPE *value = name->d.otherName->value;
    if (strcmp(oid, "1.3.6.1.5.5.7.8.5") != 0 || value->type != V_ASN1_UTF8STRING)
        return false;
    const char *s = (const char *)ASN1_STRING_get0_data(value->value.utf8string);
    size_t n = (size_t)ASN1_STRING_length(value->value.utf8string);
    *ours = account && strlen(account) == n && strncasecmp(s, account, n) == 0;
    return true;
}

/* Several addresses, or one that is not the account's: then the server must be told which (XEP-0178, 3). */
static bool names_others(X509 *cert, const char *account)
{
    bool others = false, ours = false;
    unsigned count = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        if (is_address(sk_GENERAL_NAME_value(names, i), account, &ours)) {
            count++;
            others = others || !ours;
        }
    GENERAL_NAMES_free(names);
    return count > 1 || others;
}

/* A session that was made with this certificate goes on with this certificate only. */
static bool bind_fingerprint(ep_trust *trust, X509 *cert)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md && X509_digest(cert, EVP_sha256(), hash, &n) == 1 && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(md, trust->fingerprint, sizeof trust->fingerprint) == 1 &&
              EVP_DigestUpdate(md, hash, n) == 1 && EVP_DigestFinal_ex(md, trust->fingerprint, NULL) == 1;
    EVP_MD_CTX_free(md);
    return ok;
}

epode_status ep_trust_identify(ep_trust *trust, const char *cert_file, const char *key_file, const char *account,
                               ep_error *error)
{
    const char *what = NULL;
    SSL_CTX_set_default_passwd_cb(trust->ctx, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(trust->ctx, cert_file) != 1)
        what = "the client's certificate cannot be read";
    else if (SSL_CTX_use_PrivateKey_file(trust->ctx, key_file ? key_file : cert_file, SSL_FILETYPE_PEM) != 1)
        what = "the key of the client's certificate cannot be read, or is another's";
    else if (SSL_CTX_check_private_key(trust->ctx) != 1)
        what = "the key is not that of the client's certificate";
    long code = (long)ERR_peek_last_error();
    ERR_clear_error();
    if (what) {
        ep_fail(error, EPODE_EINVAL, code, "%s", what);
        ep_error_set_final(error, true);
        return EPODE_EINVAL;
    }
    X509 *cert = SSL_CTX_get0_certificate(trust->ctx);
    trust->names_others = names_others(cert, account);
    return bind_fingerprint(trust, cert) ? EPODE_OK : ep_fail(error, EPODE_ENOMEM, 0, "out of memory");
}
