/* answer.c: one row per request that the client knows; everything else is service-unavailable. */
#include "xmpp/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "xmpp/datetime.h"
#include "xmpp/ns.h"

typedef struct answer_ask {
    const ep_elem *iq, *payload;
    const ep_caps *caps;
    const ep_self *self;
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
    ep_xw_leaf(w, "version", NULL, a->self->version);
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

static void answer_time(ep_xw *w, const answer_ask *a)
{
    char utc[32], tzo[16];
    int off = a->self->offset_min, minutes = off < 0 ? -off : off;
    ep_datetime_format(a->self->now_ms, utc);
    snprintf(tzo, sizeof tzo, "%c%02d:%02d", off < 0 ? '-' : '+', minutes / 60 % 24, minutes % 60);
    answer_open(w, a->iq, "result");
    ep_xw_open(w, "time", EP_NS_TIME);
    ep_xw_leaf(w, "tzo", NULL, tzo);
    ep_xw_leaf(w, "utc", NULL, utc);
    ep_xw_close(w);
    ep_xw_close(w);
}

static void answer_last(ep_xw *w, const answer_ask *a)
{
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%" PRIu64, a->self->idle_s);
    answer_open(w, a->iq, "result");
    ep_xw_open(w, "query", EP_NS_LAST);
    ep_xw_attr(w, "seconds", seconds);
    ep_xw_close(w);
    ep_xw_close(w);
}

static const struct answer_row {
    const char *name, *ns;
    void (*answer)(ep_xw *w, const answer_ask *a);
    bool is_private;
} answer_rows[] = {
    { "ping", EP_NS_PING, answer_ping, false },
    { "query", EP_NS_VERSION, answer_version, false },
    { "query", EP_NS_DISCO_INFO, answer_disco, false },
    { "time", EP_NS_TIME, answer_time, true },
    { "query", EP_NS_LAST, answer_last, true },
};

/* NULL: none that is known. */
static const struct answer_row *row_of(const ep_elem *iq)
{
    const ep_elem *payload = ep_elem_first(iq);
    for (size_t i = 0; ep_streq(ep_elem_attr(iq, "type"), "get") && i < sizeof answer_rows / sizeof *answer_rows; i++)
        if (ep_elem_is(payload, answer_rows[i].name, answer_rows[i].ns))
            return &answer_rows[i];
    return NULL;
}

bool ep_answer_is_private(const ep_elem *iq)
{
    const struct answer_row *row = row_of(iq);
    return row && row->is_private;
}

bool ep_answer_iq(ep_buf *out, const ep_elem *iq, const ep_caps *caps, const ep_self *self, bool known)
{
    const char *type = ep_elem_attr(iq, "type");
    if (!ep_streq(type, "get") && !ep_streq(type, "set"))
        return false;
    ep_xw w = ep_xw_init(out);
    answer_ask ask = { iq, ep_elem_first(iq), caps, self };
    const struct answer_row *row = row_of(iq);
    if (row && row->is_private && !known) {
        answer_error(&w, iq, "auth", "forbidden");
        return true;
    }
    if (row) {
        row->answer(&w, &ask);
        return true;
    }
    /* RFC 6120, 8.2.3: exactly one child; 8.4: what is not understood is service-unavailable. */
    if (!ask.payload || ep_elem_next(ask.payload))
        answer_error(&w, iq, "modify", "bad-request");
    else
        answer_error(&w, iq, "cancel", "service-unavailable");
    return true;
}
