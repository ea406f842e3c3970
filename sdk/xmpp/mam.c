/* mam.c: queries of archives. */
#include "xmpp/mam.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "xmpp/datetime.h"
#include "xmpp/message.h"
#include "xmpp/ns.h"

static void write_field(ep_xw *w, const char *var, const char *type, const char *value)
{
    ep_xw_open(w, "field", NULL);
    ep_xw_attr(w, "var", var);
    ep_xw_attr(w, "type", type);
    ep_xw_leaf(w, "value", NULL, value);
    ep_xw_close(w);
}

static void write_form(const ep_mam_query *q, ep_xw *w)
{
    char time[32];
    if (!q->with && !q->start_ms)
        return;
    ep_xw_open(w, "x", EP_NS_DATA);
    ep_xw_attr(w, "type", "submit");
    write_field(w, "FORM_TYPE", "hidden", EP_NS_MAM);
    if (q->with)
        write_field(w, "with", NULL, q->with);
    if (q->start_ms) {
        ep_datetime_format(q->start_ms, time);
        write_field(w, "start", NULL, time);
    }
    ep_xw_close(w);
}

void ep_mam_write(const ep_mam_query *q, ep_xw *w)
{
    char max[16];
    ep_xw_open(w, "iq", NULL);
    ep_xw_attr(w, "type", "set");
    ep_xw_attr(w, "id", q->id);
    ep_xw_attr(w, "to", q->archive);
    ep_xw_open(w, "query", EP_NS_MAM);
    ep_xw_attr(w, "queryid", q->id);
    write_form(q, w);
    ep_xw_open(w, "set", EP_NS_RSM);
    snprintf(max, sizeof max, "%u", q->max);
    ep_xw_leaf(w, "max", NULL, max);
    if (q->before)
        ep_xw_leaf(w, "before", NULL, q->before);
    if (q->after)
        ep_xw_leaf(w, "after", NULL, q->after);
    ep_xw_close(w);
    ep_xw_close(w);
    ep_xw_close(w);
}

bool ep_mam_result_read(ep_mam_result *out, const ep_elem *stanza)
{
    memset(out, 0, sizeof *out);
    const ep_elem *result = ep_elem_child(stanza, "result", EP_NS_MAM);
    if (!result)
        return false;
    out->queryid = ep_elem_attr(result, "queryid");
    out->id = ep_elem_attr(result, "id");
    out->message = ep_message_forwarded(result, &out->time_ms);
    return true;
}

bool ep_mam_fin_read(ep_mam_fin *out, const ep_elem *iq)
{
    memset(out, 0, sizeof *out);
    const ep_elem *fin = ep_elem_child(iq, "fin", EP_NS_MAM);
    if (!fin)
        return false;
    const char *stable = ep_elem_attr(fin, "stable");
    const ep_elem *set = ep_elem_child(fin, "set", EP_NS_RSM);
    out->complete = ep_str_is_true(ep_elem_attr(fin, "complete"));
    out->stable = !stable || ep_str_is_true(stable);
    if (!ep_str_u64(ep_elem_text(ep_elem_child(set, "count", NULL)), &out->count))
        out->count = 0;
    const ep_elem *first = ep_elem_child(set, "first", NULL);
    if (first)
        out->first = ep_elem_text(first);
    out->has_index = ep_str_u64(ep_elem_attr(first, "index"), &out->index);
    if (ep_elem_child(set, "last", NULL))
        out->last = ep_elem_text(ep_elem_child(set, "last", NULL));
    return true;
}
