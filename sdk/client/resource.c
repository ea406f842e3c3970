/* resource.c: several resources on one stream (XEP-0193): who is bound, who is wanted, and whose a stanza is. */
#include "client/resource.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "xml/writer.h"

static void resource_free(ep_resource *r)
{
    ep_free(r->full);
    ep_free(r->escaped);
    memset(r, 0, sizeof *r);
}

/* False: no memory; what is there is the caller's to free. */
static bool name_copy(const char *full, char **copy, char **as_written)
{
    ep_buf escaped = EP_BUF_INIT;
    bool ok = ep_xml_escape(&escaped, full, strlen(full)) && (*as_written = ep_buf_detach(&escaped)) &&
              (*copy = ep_strdup(full));
    ep_buf_free(&escaped);
    return ok;
}

epode_status ep_client_resource_add(epode_client *c, const char *full)
{
    ep_resources *rs = &c->resources;
    if (rs->count == EP_RESOURCES_MAX)
        return EPODE_ELIMIT;
    ep_resource *r = &rs->at[rs->count];
    if (!name_copy(full, &r->full, &r->escaped)) {
        resource_free(r);
        return EPODE_ENOMEM;
    }
    r->number = ++rs->made;
    rs->count++;
    return EPODE_OK;
}

void ep_client_resource_remove(epode_client *c, size_t i)
{
    ep_resources *rs = &c->resources;
    resource_free(&rs->at[i]);
    rs->count--;
    memmove(&rs->at[i], &rs->at[i + 1], (rs->count - i) * sizeof *rs->at);
    memset(&rs->at[rs->count], 0, sizeof *rs->at);
    rs->for_one = NULL;
}

epode_status ep_client_resources_begin(epode_client *c, const char *full)
{
    ep_resources *rs = &c->resources;
    ep_client_resources_end(c);
    rs->again_due = rs->wanted_count > 0;
    for (size_t i = 0; i < rs->wanted_count; i++)
        rs->wanted[i].awaited = true;
    return ep_client_resource_add(c, full);
}

void ep_client_resources_end(epode_client *c)
{
    ep_resources *rs = &c->resources;
    for (size_t i = 0; i < rs->count; i++)
        resource_free(&rs->at[i]);
    for (size_t i = 0; i < rs->wanted_count; i++)
        rs->wanted[i].awaited = false;
    rs->count = 0;
    rs->for_one = NULL;
    rs->answering = rs->again_due = false;
}

const ep_resource *ep_client_resource_named(const epode_client *c, const char *full)
{
    for (size_t i = 0; full && i < c->resources.count; i++)
        if (strcmp(c->resources.at[i].full, full) == 0)
            return &c->resources.at[i];
    return NULL;
}

/* --- those that are wanted -------------------------------------------------------------------------------- */

static void wanted_free(ep_wanted *w)
{
    ep_free(w->full);
    ep_free(w->escaped);
    memset(w, 0, sizeof *w);
}

ep_wanted *ep_client_wanted(epode_client *c, const char *full)
{
    for (size_t i = 0; i < c->resources.wanted_count; i++)
        if (strcmp(c->resources.wanted[i].full, full) == 0)
            return &c->resources.wanted[i];
    return NULL;
}

epode_status ep_client_want(epode_client *c, const char *full)
{
    ep_resources *rs = &c->resources;
    if (ep_client_wanted(c, full) || rs->wanted_count == EP_RESOURCES_MAX)
        return EPODE_OK;
    ep_wanted *w = &rs->wanted[rs->wanted_count];
    if (!name_copy(full, &w->full, &w->escaped)) {
        wanted_free(w);
        return EPODE_ENOMEM;
    }
    rs->wanted_count++;
    return EPODE_OK;
}

void ep_client_unwant(epode_client *c, ep_wanted *w)
{
    ep_resources *rs = &c->resources;
    size_t i = (size_t)(w - rs->wanted);
    wanted_free(w);
    rs->wanted_count--;
    memmove(w, w + 1, (rs->wanted_count - i) * sizeof *w);
    memset(&rs->wanted[rs->wanted_count], 0, sizeof *w);
}

void ep_client_resources_free(epode_client *c)
{
    while (c->resources.wanted_count)
        ep_client_unwant(c, &c->resources.wanted[0]);
}

/* --- senders --------------------------------------------------------------------------------------------- */

/* The attribute in the start tag, with the blanks before it. Our own writing: well-formed. */
typedef struct from_attr {
    size_t name_end; /* of the element's name */
    size_t start, end;
    const char *value; /* NULL: there is none */
    size_t value_len;
} from_attr;

#define BLANKS " \t\r\n"

/* Past those that are in the set, or not in it. */
static size_t skip(const char *xml, size_t i, size_t len, const char *set, bool in)
{
    while (i < len && (strchr(set, xml[i]) != NULL) == in)
        i++;
    return i;
}

static from_attr find_from(const char *xml, size_t len)
{
    from_attr a = { 0 };
    size_t i = skip(xml, 1, len, BLANKS "/>", false);
    a.name_end = i;
    while (i < len && xml[i] != '>' && xml[i] != '/') {
        size_t start = i;
        size_t name = skip(xml, i, len, BLANKS, true);
        i = skip(xml, name, len, "=" BLANKS "/>", false);
        size_t name_len = i - name;
        i = skip(xml, i, len, "'\">", false);
        if (i >= len || xml[i] == '>')
            break;
        const char *value = xml + i + 1, *close = memchr(value, xml[i], len - i - 1);
        if (!close)
            break;
        i = (size_t)(close + 1 - xml);
        if (name_len == 4 && memcmp(xml + name, "from", 4) == 0) {
            a.start = start;
            a.end = i;
            a.value = value;
            a.value_len = (size_t)(close - value);
            break;
        }
    }
    return a;
}

static const ep_resource *escaped_is(const epode_client *c, const from_attr *a)
{
    for (size_t i = 0; i < c->resources.count; i++) {
        const ep_resource *r = &c->resources.at[i];
        if (strlen(r->escaped) == a->value_len && memcmp(r->escaped, a->value, a->value_len) == 0)
            return r;
    }
    return NULL;
}

bool ep_client_resource_held(const epode_client *c, const char *xml, size_t len)
{
    if (!c->resources.wanted_count)
        return false;
    from_attr a = find_from(xml, len);
    for (size_t i = 0; a.value && i < c->resources.wanted_count; i++) {
        const ep_wanted *w = &c->resources.wanted[i];
        if (w->awaited && strlen(w->escaped) == a.value_len && memcmp(w->escaped, a.value, a.value_len) == 0)
            return true;
    }
    return false;
}

epode_status ep_client_stamp(epode_client *c, const char **xml, size_t *len, ep_buf *made, bool own)
{
    ep_resources *rs = &c->resources;
    rs->by = rs->count ? rs->at[0].number : 0;
    if (rs->count < 2 && !own)
        return EPODE_OK;
    from_attr a = find_from(*xml, *len);
    const ep_resource *named = a.value ? escaped_is(c, &a) : NULL;
    const ep_resource *by = named                               ? named
                            : rs->answering && rs->for_one ? rs->for_one
                                                           : &rs->at[0];
    if (rs->count)
        rs->by = by->number;
    if (named || (rs->count < 2 && !(own && a.value)))
        return EPODE_OK;
    if (a.value && !own)
        return EPODE_EINVAL;
    size_t rest = a.value ? a.end : a.name_end;
    ep_buf_add(made, *xml, a.value ? a.start : a.name_end);
    if (rs->count > 1)
        ep_buf_printf(made, " from='%s'", by->escaped);
    ep_buf_add(made, *xml + rest, *len - rest);
    if (made->failed)
        return EPODE_ENOMEM;
    *xml = ep_buf_ptr(made);
    *len = made->len;
    return EPODE_OK;
}
