/* A certification authority and certificates of our own. */
#include "program.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DAY (24 * 3600L)

struct wish {
    const char *name;       /* subject's common name */
    const char *extensions; /* "key=value" lines in OpenSSL's configuration syntax */
    long from, until;       /* seconds from now */
};

static char *in_dir(const struct args *args, const char *name)
{
    return srv_format("%s/%s", args->dir, name);
}

static int add_extensions(X509 *cert, X509 *issuer, const char *lines)
{
    X509V3_CTX context;
    char *copy = srv_dup(lines), *save = NULL;
    int bad = 0;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&context);
    for (char *line = strtok_r(copy, "\n", &save); line && !bad;
         line = strtok_r(NULL, "\n", &save)) {
        char *value = strchr(line, '=');
        *value++ = '\0';
        X509_EXTENSION *extension = X509V3_EXT_conf(NULL, &context, line, value);
        bad = !extension || !X509_add_ext(cert, extension, -1);
        X509_EXTENSION_free(extension);
    }
    free(copy);
    return bad;
}

/* A certificate for `key`, signed by `issuer`; both NULL: by itself. NULL on failure. */
static X509 *make(const struct wish *wish, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_NAME_new();
    uint8_t serial[16];
    BIGNUM *number = NULL;
    int bad = !cert || !name || RAND_bytes(serial, sizeof serial) != 1;
    if (!bad) {
        serial[0] &= 0x7f;
        number = BN_bin2bn(serial, sizeof serial, NULL);
        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
        X509_set_version(cert, 2);
        X509_gmtime_adj(X509_getm_notBefore(cert), wish->from);
        X509_gmtime_adj(X509_getm_notAfter(cert), wish->until);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)wish->name, -1, -1,
                                   0);
        X509_set_subject_name(cert, name);
        X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : name);
        X509_set_pubkey(cert, key);
        bad = add_extensions(cert, issuer ? issuer : cert, wish->extensions) ||
              !X509_sign(cert, issuer_key ? issuer_key : key, EVP_sha256());
    }
    BN_free(number);
    X509_NAME_free(name);
    if (bad) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

static int save(const char *path, EVP_PKEY *key, X509 *cert)
{
    mode_t mask = umask(key ? 077 : 022);
    FILE *file = fopen(path, "w");
    umask(mask);
    if (!file)
        return -1;
    int bad = (cert && !PEM_write_X509(file, cert)) ||
              (key && !PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
    return fclose(file) != 0 || bad ? -1 : 0;
}

/* The CA of an earlier start, so that what trusts it goes on doing so. */
static int load_ca(struct certs *certs, const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    certs->ca = PEM_read_X509(file, NULL, NULL, NULL);
    certs->ca_key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    return certs->ca && certs->ca_key ? 0 : -1;
}

static int make_ca(struct certs *certs, const struct args *args)
{
    char *path = in_dir(args, "ca-key.pem");
    int bad = load_ca(certs, path);
    if (bad) {
        struct wish wish = {"epode test CA", "basicConstraints=critical,CA:TRUE\n"
                            "keyUsage=critical,keyCertSign,cRLSign\n"
                            "subjectKeyIdentifier=hash", -DAY, 3650 * DAY};
        X509_free(certs->ca);
        EVP_PKEY_free(certs->ca_key);
        certs->ca_key = EVP_EC_gen("P-256");
        certs->ca = make(&wish, certs->ca_key, NULL, NULL);
        bad = !certs->ca || save(path, certs->ca_key, certs->ca) != 0;
    }
    certs->ca_file = in_dir(args, "ca.pem");
    free(path);
    return bad || save(certs->ca_file, NULL, certs->ca) != 0 ? -1 : 0;
}

/* XEP-0178: the address as id-on-xmppAddr in the subjectAltName. */
static int make_client(const struct certs *certs, const struct args *args)
{
    char *extensions = srv_format("extendedKeyUsage=clientAuth\n"
                                  "subjectAltName=otherName:1.3.6.1.5.5.7.8.5;UTF8:%s@%s",
                                  args->client_cert, args->domain);
    struct wish wish = {args->client_cert, extensions, -DAY, 3650 * DAY};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = make(&wish, key, certs->ca, certs->ca_key);
    char *name = srv_format("client-%s.pem", args->client_cert);
    char *path = in_dir(args, name);
    int bad = !cert || save(path, key, cert) != 0;
    free(extensions);
    free(name);
    free(path);
    X509_free(cert);
    EVP_PKEY_free(key);
    return bad ? -1 : 0;
}

int certs_make(struct certs *certs, const struct args *args)
{
    memset(certs, 0, sizeof *certs);
    bool expired = strcmp(args->cert, "expired") == 0, soon = strcmp(args->cert, "soon") == 0;
    const char *name = strcmp(args->cert, "foreign") == 0 ? "foreign.invalid" : args->domain;
    if (make_ca(certs, args) != 0)
        return -1;
    char *extensions = srv_format("basicConstraints=critical,CA:FALSE\n"
                                  "keyUsage=critical,digitalSignature\n"
                                  "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:%s\n"
                                  "authorityKeyIdentifier=keyid", name);
    struct wish wish = {name, extensions, expired ? -30 * DAY : -DAY, expired ? -DAY : soon ? 5 * DAY : 825 * DAY};
    certs->key = EVP_EC_gen("P-256");
    certs->cert = make(&wish, certs->key, certs->ca, certs->ca_key);
    free(extensions);
    if (!certs->cert)
        return -1;
    return args->client_cert ? make_client(certs, args) : 0;
}

void certs_free(struct certs *certs)
{
    X509_free(certs->ca);
    X509_free(certs->cert);
    EVP_PKEY_free(certs->ca_key);
    EVP_PKEY_free(certs->key);
    free(certs->ca_file);
}
