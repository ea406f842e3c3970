/* caps.c: our identity, our features, and their hash. */
#include "xmpp/caps.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "xmpp/ns.h"

/* In the order of their octets, as the hash wants them. Events about avatars and displayed positions come
 * only to who asks. */
#define BEFORE_RECEIPTS                                                                                        \
    EP_NS_CAPS, EP_NS_CHAT_STATES, EP_NS_DISCO_INFO, EP_NS_LAST, EP_NS_VERSION, EP_NS_AVATAR "+notify",        \
        EP_NS_BOOKMARKS "+notify", EP_NS_MDS "+notify", EP_NS_PING
const char *const ep_caps_features[] = { BEFORE_RECEIPTS, EP_NS_RECEIPTS, EP_NS_TIME, NULL };
const char *const ep_caps_without_receipts[] = { BEFORE_RECEIPTS, EP_NS_TIME, NULL };

bool ep_caps_ver(const ep_caps *caps, char out[32])
{
    ep_buf s = EP_BUF_INIT;
    uint8_t sha1[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    ep_buf_printf(&s, "client/pc//%s<", caps->name);
    for (const char *const *f = caps->features; *f; f++) {
        ep_buf_puts(&s, *f);
        ep_buf_putc(&s, '<');
    }
    bool ok = !s.failed && EVP_Digest(ep_buf_ptr(&s), s.len, sha1, &n, EVP_sha1(), NULL);
    ep_buf_free(&s);
    char *b64 = ok ? ep_b64_encode(sha1, n) : NULL;
    if (!b64)
        return false;
    snprintf(out, 32, "%s", b64);
    ep_free(b64);
    return true;
}

void ep_caps_write_presence(const ep_caps *caps, ep_xw *w)
{
    char ver[32];
    if (!ep_caps_ver(caps, ver)) {
        w->status = EPODE_ENOMEM;
        return;
    }
    ep_xw_open(w, "c", EP_NS_CAPS);
    ep_xw_attr(w, "hash", "sha-1");
    ep_xw_attr(w, "node", EP_CAPS_NODE);
    ep_xw_attr(w, "ver", ver);
    ep_xw_close(w);
}

void ep_caps_write_info(const ep_caps *caps, const char *node, ep_xw *w)
{
    ep_xw_open(w, "query", EP_NS_DISCO_INFO);
    ep_xw_attr(w, "node", node);
    ep_xw_open(w, "identity", NULL);
    ep_xw_attr(w, "category", "client");
    ep_xw_attr(w, "type", "pc");
    ep_xw_attr(w, "name", caps->name);
    ep_xw_close(w);
    for (const char *const *f = caps->features; *f; f++) {
        ep_xw_open(w, "feature", NULL);
        ep_xw_attr(w, "var", *f);
        ep_xw_close(w);
    }
    ep_xw_close(w);
}
