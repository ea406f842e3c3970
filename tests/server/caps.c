/* A client's capabilities (XEP-0115): asked for once per hash, kept, and used for PEP's +notify. */
#include "internal.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts `lines`, adds them to `text` and frees them. */
static void add_sorted(struct srv_buf *text, char **lines, size_t count)
{
    qsort(lines, count, sizeof *lines, by_text);
    for (size_t i = 0; i < count; i++) {
        srv_buf_printf(text, "%s<", lines[i]);
        free(lines[i]);
    }
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* XEP-0115, 5.1, without extended forms: with one of those every hash is believed. */
static bool hash_right(const struct srv_xml *query, const char *ver)
{
    char *identities[64], *features[256];
    size_t identity_count = 0, feature_count = 0;
    struct srv_buf text = {0};
    uint8_t hash[20];
    if (srv_xml_find(query, NS_DATA, "x"))
        return true;
    for (struct srv_xml *at = query->first; at; at = at->next) {
        if (srv_xml_is(at, NS_DISCO_INFO, "identity") && identity_count < 64)
            identities[identity_count++] = srv_format("%s/%s//%s",
                or_empty(srv_xml_get(at, "category")), or_empty(srv_xml_get(at, "type")),
                or_empty(srv_xml_get(at, "name")));
        if (srv_xml_is(at, NS_DISCO_INFO, "feature") && feature_count < 256)
            features[feature_count++] = srv_dup(or_empty(srv_xml_get(at, "var")));
    }
    srv_buf_puts(&text, "");
    add_sorted(&text, identities, identity_count);
    add_sorted(&text, features, feature_count);
    if (EVP_Digest(text.data, text.len, hash, NULL, EVP_sha1(), NULL) != 1)
        abort();
    char *right = srv_base64(hash, sizeof hash);
    bool same = strcmp(right, ver) == 0;
    srv_buf_free(&text);
    free(right);
    return same;
}

static void ask(struct srv_session *session, const char *key)
{
    struct srv *srv = session->srv;
    char *id = srv_random_id(srv);
    struct srv_xml *iq = srv_xml_new(NS_CLIENT, "iq");
    srv_xml_set(iq, "type", "get");
    srv_xml_set(iq, "id", id);
    srv_xml_set(iq, "from", session->bare);
    srv_xml_set(iq, "to", session->full);
    srv_xml_set(srv_xml_child(iq, NS_DISCO_INFO, "query"), "node", key);
    srv_set(&session->caps_id, id);
    srv_set(&session->caps_key, key);
    srv_session_send(session, iq);
    srv_xml_free(iq);
    free(id);
    srv_count(srv, "caps-asked");
}

void srv_caps_seen(struct srv_session *session, const struct srv_xml *presence)
{
    struct srv *srv = session->srv;
    const struct srv_xml *caps = srv_xml_find(presence, NS_CAPS, "c");
    const char *node = srv_xml_get(caps, "node"), *ver = srv_xml_get(caps, "ver");
    if (!srv_on(srv, PEP))
        return;
    if (!node || !ver) {
        srv_set(&session->notify, NULL);
        if (srv_on(srv, NOTIFY_ALL))
            srv_pep_last_items(session);
        return;
    }
    char *key = srv_format("%s#%s", node, ver);
    char *known = srv_query_text(srv, "SELECT notify FROM caps WHERE key=?1", key, NULL);
    bool same = session->caps_key && strcmp(session->caps_key, key) == 0;
    if (known && !same) {
        srv_set(&session->caps_key, key);
        srv_set(&session->notify, known);
        srv_pep_last_items(session);
    } else if (!known && !same) {
        ask(session, key);
    }
    free(known);
    free(key);
}

bool srv_caps_answer(struct srv_session *session, const struct srv_xml *iq)
{
    struct srv *srv = session->srv;
    const char *type = srv_xml_get(iq, "type"), *id = srv_xml_get(iq, "id");
    if (!session->caps_id || strcmp(id, session->caps_id) != 0 || strcmp(type, "get") == 0 ||
        strcmp(type, "set") == 0)
        return false;
    const struct srv_xml *query = srv_xml_find(iq, NS_DISCO_INFO, "query");
    struct srv_buf notify = {0};
    srv_buf_puts(&notify, "");
    for (struct srv_xml *at = query ? query->first : NULL; at; at = at->next) {
        const char *var = or_empty(srv_xml_get(at, "var")), *plus = strstr(var, "+notify");
        if (plus && strcmp(plus, "+notify") == 0)
            srv_buf_printf(&notify, "%s%.*s", notify.len ? " " : "", (int)(plus - var), var);
    }
    if (!query)
        srv_count(srv, "caps-unanswered");
    else if (!hash_right(query, strrchr(session->caps_key, '#') + 1))
        srv_count(srv, "caps-wrong");
    else
        srv_exec(srv, "INSERT OR REPLACE INTO caps VALUES(?1, ?2)", session->caps_key, notify.data,
                 NULL);
    srv_set(&session->notify, notify.data);
    srv_set(&session->caps_id, NULL);
    srv_buf_free(&notify);
    srv_pep_last_items(session);
    return true;
}
