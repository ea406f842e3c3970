/* answer.c: one row per request that the client knows; everything else is service-unavailable. */
#include "xmpp/answer.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "xmpp/ns.h"

typedef struct answer_ask {
    const ep_elem *iq, *payload;
    const ep_caps *caps;
    const char *version;
} answer_ask;

static void answer_open(ep_xw *w, const ep_elem *iq, const char *type)
{
    ep_xw_open(w, "iq", NULL);
    ep_xw_attr(w, "type", type);
    ep_xw_attr(w, "to", ep_elem_attr(iq, "from"));
    ep_xw_attr(w, "id", ep_elem_attr(iq, "id"));
}

static void answer_error(ep_xw *w, const ep_elem *iq, const char *type, const char *condition)
{
    answer_open(w, iq, "error");
    ep_xw_open(w, "error", NULL);
    ep_xw_attr(w, "type", type);
    ep_xw_leaf(w, condition, EP_NS_STANZA_ERRORS, NULL);
    ep_xw_close(w);
    ep_xw_close(w);
}

static void answer_ping(ep_xw *w, const answer_ask *a)
{
    answer_open(w, a->iq, "result");
    ep_xw_close(w);
}

static void answer_version(ep_xw *w, const answer_ask *a)
{
    answer_open(w, a->iq, "result");
    ep_xw_open(w, "query", EP_NS_VERSION);
    ep_xw_leaf(w, "name", NULL, a->caps->name);
    ep_xw_leaf(w, "version", NULL, a->version);
    ep_xw_close(w);
    ep_xw_close(w);
}

static void answer_disco(ep_xw *w, const answer_ask *a)
{
    const char *node = ep_elem_attr(a->payload, "node");
    char ver[32], ours[64];
    if (node && ep_caps_ver(a->caps, ver)) {
        snprintf(ours, sizeof ours, "%s#%s", EP_CAPS_NODE, ver);
        if (strcmp(node, ours) != 0) {
            answer_error(w, a->iq, "cancel", "item-not-found");
            return;
        }
    }
    answer_open(w, a->iq, "result");
    ep_caps_write_info(a->caps, node, w);
    ep_xw_close(w);
}

static const struct {
    const char *name, *ns;
    void (*answer)(ep_xw *w, const answer_ask *a);
} answer_rows[] = {
    { "ping", EP_NS_PING, answer_ping },
    { "query", EP_NS_VERSION, answer_version },
    { "query", EP_NS_DISCO_INFO, answer_disco },
};

bool ep_answer_iq(ep_buf *out, const ep_elem *iq, const ep_caps *caps, const char *version)
{
    const char *type = ep_elem_attr(iq, "type");
    bool get = ep_streq(type, "get"), set = ep_streq(type, "set");
    if (!get && !set)
        return false;
    ep_xw w = ep_xw_init(out);
    answer_ask ask = { iq, ep_elem_first(iq), caps, version };
    for (size_t i = 0; get && i < sizeof answer_rows / sizeof *answer_rows; i++)
        if (ep_elem_is(ask.payload, answer_rows[i].name, answer_rows[i].ns)) {
            answer_rows[i].answer(&w, &ask);
            return true;
        }
    /* RFC 6120, 8.2.3: exactly one child; 8.4: what is not understood is service-unavailable. */
    if (!ask.payload || ep_elem_next(ask.payload))
        answer_error(&w, iq, "modify", "bad-request");
    else
        answer_error(&w, iq, "cancel", "service-unavailable");
    return true;
}
