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

void ep_archive_ends_read_draft(ep_archive_ends *out, const ep_elem *bound)
{
    const char *latest = ep_elem_text(ep_elem_child(bound, "latest-id", EP_NS_BIND_DRAFT));
    memset(out, 0, sizeof *out);
    out->known = *latest != '\0'; /* left out: an empty archive, or none; it is asked */
    out->last_id = out->known ? latest : NULL;
    out->unreads = ep_elem_child(bound, "unreads", EP_NS_BIND_DRAFT);
}

static const char *first_attr(const ep_elem *e, const char *const *names)
{
    const char *value = NULL;
    for (; *names && !value; names++)
        value = ep_elem_attr(e, *names);
    return value && *value ? value : NULL;
}

static const char *first_number(const ep_elem *e, const char *const *names)
{
    for (; *names; names++) {
        const char *value = ep_elem_attr(e, *names);
        if (value && *value >= '0' && *value <= '9')
            return value;
    }
    return NULL;
}

bool ep_unread_read(ep_unread *out, const ep_elem *unread, char scratch[256])
{
    static const char *const ids[] = { "read-id", "id", NULL };
    static const char *const counts[] = { "unread-count", "unread_count", "count", "unread", NULL };
    const char *id = first_attr(unread, ids), *count = first_number(unread, counts);
    char digits[24];
    memset(out, 0, sizeof *out);
    if (!ep_elem_is(unread, "unread", EP_NS_BIND_DRAFT))
        return false;
    out->jid = ep_elem_attr(unread, "jid");
    size_t n = id ? strcspn(id, ",") : 0, d = count ? strspn(count, "0123456789") : 0;
    if (n && id[n] && n < 256) {
        memcpy(scratch, id, n);
        scratch[n] = '\0';
        id = scratch;
    }
    out->read_id = n ? id : NULL;
    if (!d || d >= sizeof digits)
        return out->jid && out->read_id;
    memcpy(digits, count, d);
    digits[d] = '\0';
    return ep_str_u64(digits, &out->count) && out->jid;
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
