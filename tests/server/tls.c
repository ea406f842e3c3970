/* The TLS context, and what TLS says about a connection. */
#include "program.h"

#include <openssl/x509v3.h>
#include <string.h>

#define MAX_EARLY_DATA 16384

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *arg)
{
    static const unsigned char ours[] = "\013xmpp-client"; /* XEP-0368, 3 */
    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto((unsigned char **)out, out_len, ours, sizeof ours - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    return SSL_TLSEXT_ERR_OK;
}

/* Tickets are given and then not known, as by most servers of today. */
static SSL_TICKET_RETURN refuse_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_len,
                                       SSL_TICKET_STATUS status, void *arg)
{
    (void)ssl, (void)session, (void)name, (void)name_len, (void)status, (void)arg;
    return SSL_TICKET_RETURN_IGNORE_RENEW;
}

SSL_CTX *tls_context(const struct certs *certs, const struct args *args)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context || SSL_CTX_use_certificate(context, certs->cert) != 1 ||
        SSL_CTX_use_PrivateKey(context, certs->key) != 1) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context, args->tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context, args->tls12_only ? TLS1_2_VERSION : 0);
    if (args->fatal_tickets)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    else
        SSL_CTX_set_session_id_context(context, (const unsigned char *)"epode", 5);
    SSL_CTX_set_alpn_select_cb(context, choose_alpn, NULL);
    if (args->no_tickets) {
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(context, 0);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    }
    if (args->stale_tickets)
        SSL_CTX_set_session_ticket_cb(context, NULL, refuse_ticket, NULL);
    if (args->early_data) {
        SSL_CTX_set_max_early_data(context, MAX_EARLY_DATA);
        SSL_CTX_set_recv_max_early_data(context, MAX_EARLY_DATA);
    }
    if (args->no_anti_replay)
        SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
    if (args->client_cert) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certs->ca);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    }
    return context;
}

/* RFC 5929, 4.1: the hash of the certificate's signature, SHA-256 instead of MD5 and SHA-1. */
static size_t end_point(SSL *ssl, uint8_t out[EVP_MAX_MD_SIZE])
{
    X509 *cert = SSL_get_certificate(ssl);
    int nid = NID_undef;
    unsigned len = 0;
    if (!cert || !X509_get_signature_info(cert, &nid, NULL, NULL, NULL))
        return 0;
    if (nid == NID_md5 || nid == NID_sha1 || nid == NID_undef)
        nid = NID_sha256;
    return X509_digest(cert, EVP_get_digestbynid(nid), out, &len) == 1 ? len : 0;
}

/* RFC 5929, 3.1: the first Finished, the client's unless the session was resumed. */
static size_t unique(SSL *ssl, uint8_t out[EVP_MAX_MD_SIZE])
{
    if (SSL_version(ssl) != TLS1_2_VERSION)
        return 0;
    if (SSL_session_reused(ssl))
        return SSL_get_finished(ssl, out, EVP_MAX_MD_SIZE);
    return SSL_get_peer_finished(ssl, out, EVP_MAX_MD_SIZE);
}

/* RFC 9266; under TLS 1.2 only with the extended master secret (RFC 7627). */
static size_t exporter(SSL *ssl, uint8_t out[32])
{
    static const char label[] = "EXPORTER-Channel-Binding";
    if (SSL_version(ssl) == TLS1_2_VERSION && SSL_get_extms_support(ssl) != 1)
        return 0;
    if (SSL_export_keying_material(ssl, out, 32, label, sizeof label - 1,
                                   (const unsigned char *)"", 0, 1) != 1)
        return 0;
    return 32;
}

/* XEP-0178: id-on-xmppAddr of a certificate that was verified. */
static void client_jid(SSL *ssl, char *out, size_t size)
{
    X509 *cert = SSL_get1_peer_certificate(ssl);
    GENERAL_NAMES *names = NULL;
    ASN1_OBJECT *wanted = OBJ_txt2obj("1.3.6.1.5.5.7.8.5", 1);
    out[0] = '\0';
    if (cert && SSL_get_verify_result(ssl) == X509_V_OK)
        names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_OTHERNAME || OBJ_cmp(name->d.otherName->type_id, wanted) != 0)
            continue;
        const ASN1_STRING *value = name->d.otherName->value->value.utf8string;
        snprintf(out, size, "%.*s", ASN1_STRING_length(value),
                 (const char *)ASN1_STRING_get0_data(value));
    }
    GENERAL_NAMES_free(names);
    ASN1_OBJECT_free(wanted);
    X509_free(cert);
}

void tls_describe(SSL *ssl, bool early, struct tls_facts *facts, struct srv_tls_info *info)
{
    memset(info, 0, sizeof *info);
    info->version = SSL_get_version(ssl);
    info->resumed = SSL_session_reused(ssl);
    info->early = early;
    info->end_point = facts->end_point;
    info->end_point_len = end_point(ssl, facts->end_point);
    if (early) /* RFC 8446, 7.5: the exporter belongs to the finished handshake */
        return;
    info->exporter = facts->exporter;
    info->exporter_len = exporter(ssl, facts->exporter);
    info->unique = facts->unique;
    info->unique_len = unique(ssl, facts->unique);
    client_jid(ssl, facts->client_jid, sizeof facts->client_jid);
    info->client_jid = facts->client_jid[0] ? facts->client_jid : NULL;
}
