/* certificate.c: the chain, the names, the dates. */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

enum { SOON_DAYS = 14 };

static void names_of(X509 *cert, char *out, size_t size)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    size_t used = 0;
    *out = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && used < size; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            used += (size_t)snprintf(out + used, size - used, "%s%.*s", used ? ", " : "", ASN1_STRING_length(name->d.dNSName),
                                     (const char *)ASN1_STRING_get0_data(name->d.dNSName));
    }
    GENERAL_NAMES_free(names);
    if (!*out)
        snprintf(out, size, "nobody");
}

static void check_dates(doctor *d, X509 *cert)
{
    int days = 0, seconds = 0;
    char until[64] = "";
    BIO *text = BIO_new(BIO_s_mem());
    if (text && ASN1_TIME_print(text, X509_get0_notAfter(cert)) == 1)
        until[BIO_read(text, until, sizeof until - 1)] = '\0';
    BIO_free(text);
    ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert));
    if (days < 0 || seconds < 0) {
        d->certificate_bad = true;
        report_say(&d->report, MARK_BAD, "certificate-expired", "renew it, and see that the server loads the new one",
                   "the certificate ended on %s", until);
    } else if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0) {
        d->certificate_bad = true;
        report_say(&d->report, MARK_BAD, "certificate-not-yet", "look at the clocks of both machines", "the certificate is not valid yet");
    } else if (days < SOON_DAYS) {
        report_say(&d->report, MARK_WARN, "certificate-soon", "renew it now, and see that the server loads the new one",
                   "the certificate ends in %d day%s, on %s", days, days == 1 ? "" : "s", until);
    } else {
        report_say(&d->report, MARK_OK, "certificate-dates", NULL, "the certificate is good for %d more days, until %s", days, until);
    }
}

/* What OpenSSL found, save what has a finding of its own. */
static void check_chain(doctor *d, SSL *ssl, X509 *cert)
{
    long result = SSL_get_verify_result(ssl);
    int sent = sk_X509_num(SSL_get_peer_cert_chain(ssl));
    bool alone = sent == 1 && X509_check_issued(cert, cert) != X509_V_OK;
    if (result == X509_V_ERR_CERT_HAS_EXPIRED || result == X509_V_ERR_CERT_NOT_YET_VALID)
        return;
    if (result == X509_V_OK) {
        report_say(&d->report, MARK_OK, "certificate-chain", NULL, "the certificate is from an authority that is trusted here (%d sent)", sent);
        return;
    }
    d->certificate_bad = true;
    report_say(&d->report, MARK_BAD, "certificate-chain",
               alone ? "let the server send the intermediate certificates too, or trust its authority with --ca"
                     : "get a certificate from a public authority, or trust this one's with --ca",
               "the certificate is not trusted: %s", X509_verify_cert_error_string(result));
}

/* SRVName (RFC 4985) is one more way to name the domain; whether that is good the login will show. */
static void check_names(doctor *d, X509 *cert)
{
    char names[400];
    names_of(cert, names, sizeof names);
    if (X509_check_host(cert, d->ascii, 0, 0, NULL) == 1 || X509_check_ip_asc(cert, d->ascii, 0) == 1) {
        report_say(&d->report, MARK_OK, "certificate-names", NULL, "the certificate is for %s", names);
        return;
    }
    d->certificate_bad = true;
    report_say(&d->report, MARK_BAD, "certificate-name", "it must name the domain of the JID, whatever the host is called",
               "the certificate is for %s, not for %s", names, d->ascii);
}

void doctor_certificate(doctor *d, SSL *ssl)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char print[65] = "";
    if (!cert || X509_digest(cert, EVP_sha256(), hash, &n) != 1)
        return;
    for (unsigned i = 0; i < n && i < 32; i++)
        snprintf(print + (size_t)i * 2, 3, "%02x", hash[i]);
    /* One certificate behind many addresses is one finding. */
    for (int i = 0; i < d->seen_count; i++)
        if (strcmp(d->seen[i], print) == 0)
            return;
    if (d->seen_count < 8)
        memcpy(d->seen[d->seen_count++], print, sizeof print);
    check_names(d, cert);
    check_dates(d, cert);
    check_chain(d, ssl, cert);
}
