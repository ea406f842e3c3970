/* Stream features (RFC 6120, 4.3.2) for the connection as it stands. */
#include "internal.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

typedef bool offered_fn(const struct srv_conn *conn, const char *name);

const struct srv_buf *srv_binding(const struct srv_conn *conn, const char *type)
{
    const struct srv_buf *data = NULL;
    if (strcmp(type, "tls-exporter") == 0)
        data = &conn->tls.exporter;
    else if (strcmp(type, "tls-server-end-point") == 0)
        data = &conn->tls.end_point;
    else if (strcmp(type, "tls-unique") == 0)
        data = &conn->tls.unique;
    return data && data->len ? data : NULL;
}

bool srv_binding_offered(const struct srv_conn *conn, const char *type)
{
    /* The exporter does not exist while early data is read, but the features must not change. */
    bool later = conn->tls.early && strcmp(type, "tls-exporter") == 0;
    return (later || srv_binding(conn, type)) && srv_listed(srv_text(conn->srv, CB_TYPES), type);
}

static bool any_binding(const struct srv_conn *conn)
{
    return srv_binding_offered(conn, "tls-exporter") ||
           srv_binding_offered(conn, "tls-server-end-point") ||
           srv_binding_offered(conn, "tls-unique");
}

bool srv_mechanism_offered(const struct srv_conn *conn, const char *name)
{
    const struct srv_mechanism *row = srv_mechanism_find(name);
    if (!row || row->fast || !srv_listed(srv_text(conn->srv, MECHANISMS), name))
        return false;
    char *user = conn->from ? srv_dup_n(conn->from, strcspn(conn->from, "@")) : NULL;
    bool missing = srv_upgrade_missing(conn->srv, user, name);
    free(user);
    if (missing)
        return false;
    if (row->binding)
        return any_binding(conn);
    if (strcmp(name, "EXTERNAL") == 0)
        return conn->tls.client_jid != NULL;
    return true;
}

bool srv_fast_offered(const struct srv_conn *conn, const char *name)
{
    const struct srv_mechanism *row = srv_mechanism_find(name);
    if (!row || !row->fast || !srv_on(conn->srv, FAST))
        return false;
    if (!srv_listed(srv_text(conn->srv, FAST_MECHANISMS), name))
        return false;
    if (strcmp(row->binding, "tls-unique") == 0 && srv_on(conn->srv, UNIQ_ALWAYS))
        return true;
    /* EXPR does not exist yet while early data is read, but it will: the list stays the same. */
    if (strcmp(row->binding, "tls-exporter") == 0 && conn->tls.early)
        return true;
    return !*row->binding || srv_binding(conn, row->binding);
}

static bool as_shown(const struct srv_conn *conn, const char *name)
{
    (void)conn;
    (void)name;
    return true;
}

static void mechanisms(struct srv_conn *conn, struct srv_xml *parent, const char *list,
                       offered_fn *offered)
{
    /* Somebody in between writes another list; what we sign is our own. */
    if (offered == srv_mechanism_offered && *srv_text(conn->srv, SHOWN_MECHANISMS)) {
        list = srv_text(conn->srv, SHOWN_MECHANISMS);
        offered = as_shown;
    }
    char *copy = srv_dup(list), *save = NULL;
    for (char *name = strtok_r(copy, " ", &save); name; name = strtok_r(NULL, " ", &save))
        if (offered(conn, name))
            srv_xml_puts(srv_xml_child(parent, parent->ns, "mechanism"), name);
    free(copy);
}

static void bind2_feature(struct srv *srv, struct srv_xml *inlined)
{
    struct srv_xml *bind = srv_xml_child(inlined, NS_BIND2, "bind");
    struct srv_xml *list = srv_xml_child(bind, NS_BIND2, "inline");
    if (srv_on(srv, CARBONS) && srv_on(srv, CARBONS_INLINE))
        srv_xml_set(srv_xml_child(list, NS_BIND2, "feature"), "var", NS_CARBONS);
    if (srv_on(srv, CSI) && srv_on(srv, CSI_INLINE))
        srv_xml_set(srv_xml_child(list, NS_BIND2, "feature"), "var", NS_CSI);
    if (srv_on(srv, SM) && srv_on(srv, SM_INLINE))
        srv_xml_set(srv_xml_child(list, NS_BIND2, "feature"), "var", NS_SM);
}

/* XEP-0480, 2.1: what this user has not got yet. */
static void upgrade_features(struct srv_conn *conn, struct srv_xml *parent)
{
    char *copy = srv_dup(srv_text(conn->srv, UPGRADES)), *save = NULL;
    char *user = conn->from ? srv_dup_n(conn->from, strcspn(conn->from, "@")) : NULL;
    for (char *name = strtok_r(copy, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
        if (!user || !srv_upgrade_missing(conn->srv, user, name))
            continue;
        struct srv_xml *upgrade = srv_xml_child(parent, "urn:xmpp:sasl:upgrade:0", "upgrade");
        srv_xml_puts(upgrade, "UPGR-");
        srv_xml_puts(upgrade, name);
    }
    free(copy);
    free(user);
}

static void sasl2_feature(struct srv_conn *conn, struct srv_xml *parent)
{
    struct srv *srv = conn->srv;
    if (!srv_on(srv, SASL2) || (srv_on(srv, SASL2_NEEDS_FROM) && !conn->from))
        return;
    struct srv_xml *feature = srv_xml_child(parent, NS_SASL2, "authentication");
    mechanisms(conn, feature, srv_text(srv, MECHANISMS), srv_mechanism_offered);
    if (!feature->first) {
        srv_xml_remove(feature); /* XEP-0388, 2.1: not without a mechanism */
        return;
    }
    upgrade_features(conn, feature);
    struct srv_xml *inlined = srv_xml_child(feature, NS_SASL2, "inline");
    if (srv_on(srv, BIND2))
        bind2_feature(srv, inlined);
    if (srv_on(srv, SM) && srv_on(srv, SM_INLINE))
        srv_xml_child(inlined, NS_SM, "sm");
    if (srv_on(srv, FAST)) {
        struct srv_xml *fast = srv_xml_child(inlined, NS_FAST, "fast");
        if (srv_on(srv, TLS_0RTT))
            srv_xml_set(fast, "tls-0rtt", "true");
        mechanisms(conn, fast, srv_text(srv, FAST_MECHANISMS), srv_fast_offered);
        if (!fast->first)
            srv_xml_remove(fast);
    }
}

/* XEP-0440's list is for mechanisms that bind: without one it would say that they were taken out. */
bool srv_bindings_listed(const struct srv_conn *conn)
{
    static const char *const plus[] = {"SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS",
                                       "SCRAM-SHA-1-PLUS"};
    const struct srv *srv = conn->srv;
    bool wanted = srv_on(srv, SASL2) && srv_on(srv, FAST);
    for (size_t i = 0; i < sizeof plus / sizeof plus[0]; i++)
        wanted = wanted || srv_mechanism_offered(conn, plus[i]);
    return srv_on(srv, CB_LIST) && any_binding(conn) && wanted;
}

static void binding_feature(struct srv_conn *conn, struct srv_xml *parent)
{
    const char *shown = srv_text(conn->srv, SHOWN_CB_TYPES);
    if (*shown ? strcmp(shown, "none") == 0 : !srv_bindings_listed(conn))
        return;
    struct srv_xml *feature = srv_xml_child(parent, "urn:xmpp:sasl-cb:0", "sasl-channel-binding");
    char *copy = srv_dup(*shown ? shown : srv_text(conn->srv, CB_TYPES)), *save = NULL;
    for (char *type = strtok_r(copy, " ", &save); type; type = strtok_r(NULL, " ", &save))
        if (*shown || srv_binding_offered(conn, type))
            srv_xml_set(srv_xml_child(feature, feature->ns, "channel-binding"), "type", type);
    free(copy);
}

static void limits_feature(struct srv_conn *conn, struct srv_xml *parent)
{
    struct srv *srv = conn->srv;
    if (!srv_on(srv, LIMITS))
        return;
    struct srv_xml *limits = srv_xml_child(parent, "urn:xmpp:stream-limits:0", "limits");
    long bytes = conn->user ? srv_number(srv, MAX_BYTES) : srv_number(srv, MAX_BYTES_UNAUTH);
    char *text = srv_format("%ld", bytes);
    srv_xml_puts(srv_xml_child(limits, limits->ns, "max-bytes"), text);
    free(text);
    if (srv_number(srv, IDLE_SECONDS) > 0)
        srv_xml_puts(srv_xml_child(limits, limits->ns, "idle-seconds"),
                     srv_text(srv, IDLE_SECONDS));
}

static void before_login(struct srv_conn *conn, struct srv_xml *features)
{
    struct srv *srv = conn->srv;
    if (!conn->tls.up) {
        struct srv_xml *tls = srv_xml_child(features, NS_TLS, "starttls");
        if (srv_on(srv, STARTTLS_REQUIRED))
            srv_xml_child(tls, NS_TLS, "required");
    }
    if (conn->tls.up || !srv_on(srv, STARTTLS_REQUIRED)) {
        sasl2_feature(conn, features);
        if (srv_on(srv, SASL1)) {
            struct srv_xml *list = srv_xml_child(features, NS_SASL1, "mechanisms");
            mechanisms(conn, list, srv_text(srv, MECHANISMS), srv_mechanism_offered);
        }
        binding_feature(conn, features);
    }
    if (srv_on(srv, PIPELINING))
        srv_xml_child(features, "urn:xmpp:features:pipelining", "pipelining");
}

static void after_login(struct srv_conn *conn, struct srv_xml *features)
{
    struct srv *srv = conn->srv;
    if (!conn->session && srv_on(srv, BIND2_DRAFT))
        srv_xml_child(features, NS_BIND2_DRAFT, "bind");
    if (!conn->session && srv_on(srv, BIND1))
        srv_xml_child(srv_xml_child(features, NS_BIND1, "bind"), NS_BIND1, "required");
    if (!conn->session && srv_on(srv, SESSION))
        srv_xml_child(srv_xml_child(features, NS_SESSION, "session"), NS_SESSION, "optional");
    if (srv_on(srv, SM) && !(conn->session && conn->session->sm.on))
        srv_xml_child(srv_xml_child(features, NS_SM, "sm"), NS_SM, "optional");
    if (srv_on(srv, CSI))
        srv_xml_child(features, NS_CSI, "csi");
    if (srv_on(srv, ROSTER_VERSION))
        srv_xml_child(features, "urn:xmpp:features:rosterver", "ver");
    if (srv_on(srv, UNBIND))
        srv_xml_child(features, NS_BIND1, "unbind");
    srv_xml_child(features, "urn:xmpp:features:pre-approval", "sub");
}

static struct srv_xml *build(struct srv_conn *conn)
{
    struct srv_xml *features = srv_xml_new(NS_CLIENT, "features");
    if (conn->user)
        after_login(conn, features);
    else
        before_login(conn, features);
    limits_feature(conn, features);
    if (srv_on(conn->srv, CAPS)) {
        struct srv_xml *caps = srv_xml_child(features, "http://jabber.org/protocol/caps", "c");
        char *ver = srv_caps_ver(conn->srv);
        srv_xml_set(caps, "hash", "sha-1");
        srv_xml_set(caps, "node", "urn:epode:testserver");
        srv_xml_set(caps, "ver", ver);
        free(ver);
    }
    return features;
}

char *srv_config_version(struct srv_conn *conn)
{
    /* XEP-0509: a hash of the rendered features. */
    uint8_t hash[32];
    struct srv_buf text = {0};
    struct srv_xml *features = build(conn);
    srv_xml_write(&text, features, NS_CLIENT);
    if (EVP_Digest(text.data, text.len, hash, NULL, EVP_sha256(), NULL) != 1)
        abort();
    srv_xml_free(features);
    srv_buf_free(&text);
    return srv_base64(hash, 18);
}

void srv_features_send(struct srv_conn *conn)
{
    struct srv *srv = conn->srv;
    struct srv_xml *features = build(conn);
    if (!conn->user && conn->tls.up && srv_on(srv, CONFIG_VERSION)) {
        struct srv_xml *version = srv_xml_child(features, NS_IAP, "config-version");
        char *value = srv_config_version(conn);
        srv_xml_set(version, "scheme", "opaque");
        srv_xml_set(version, "value", value);
        free(value);
    }
    if (*srv_text(srv, INJECT))
        srv_inject(conn, srv_text(srv, INJECT));
    struct srv_buf text = {0};
    srv_buf_puts(&text, "<stream:features>");
    for (struct srv_xml *child = features->first; child; child = child->next)
        srv_xml_write(&text, child, NS_CLIENT);
    srv_buf_puts(&text, "</stream:features>");
    srv_conn_write(conn, text.data, text.len);
    srv_buf_free(&text);
    srv_xml_free(features);
}
