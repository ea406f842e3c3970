/* bound.c: reading <bound/>, <enabled/> and failures. */
#include "xmpp/bound.h"

#include <string.h>

#include "base/str.h"
#include "xmpp/ns.h"

void ep_archive_ends_read(ep_archive_ends *out, const ep_elem *bound)
{
    memset(out, 0, sizeof *out);
    const ep_elem *m = ep_elem_child(bound, "metadata", EP_NS_MAM);
    if (!m)
        return;
    out->known = true;
    out->first_id = ep_elem_attr(ep_elem_child(m, "start", NULL), "id");
    out->first_time = ep_elem_attr(ep_elem_child(m, "start", NULL), "timestamp");
    out->last_id = ep_elem_attr(ep_elem_child(m, "end", NULL), "id");
    out->last_time = ep_elem_attr(ep_elem_child(m, "end", NULL), "timestamp");
}

void ep_sm_enabled_read(ep_sm_enabled *out, const ep_elem *enabled)
{
    uint64_t max;
    memset(out, 0, sizeof *out);
    const char *id = ep_elem_attr(enabled, "id");
    if (ep_str_is_true(ep_elem_attr(enabled, "resume")) && id && *id)
        out->id = id;
    out->location = ep_elem_attr(enabled, "location");
    if (ep_str_u64(ep_elem_attr(enabled, "max"), &max) && max <= UINT32_MAX)
        out->max_s = (uint32_t)max;
}

const char *ep_condition_of(const ep_elem *failure)
{
    EP_ELEM_EACH(e, failure) {
        if (ep_elem_is(e, "text", NULL))
            continue;
        /* Prosody wraps the condition of a failed resumption in <error/>. */
        return ep_elem_is(e, "error", NULL) ? ep_condition_of(e) : e->name;
    }
    return "undefined-condition";
}
