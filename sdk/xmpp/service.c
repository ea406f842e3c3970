/* service.c: requests to services, and their answers. */
#include "xmpp/service.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "xmpp/datetime.h"
#include "xmpp/ns.h"

#define PUBLISH_OPTIONS EP_NS_PUBSUB "#publish-options"

static void write_field(ep_xw *w, const char *name, const char *value)
{
    ep_xw_open(w, "field", NULL);
    ep_xw_attr(w, "var", name);
    ep_xw_leaf(w, "value", NULL, value);
    ep_xw_close(w);
}

void ep_push_write_enable(ep_xw *w, const char *service, const char *node, const char *const *names,
                          const char *const *values, size_t count)
{
    ep_xw_open(w, "enable", EP_NS_PUSH);
    ep_xw_attr(w, "jid", service);
    ep_xw_attr(w, "node", node);
    if (count) {
        ep_xw_open(w, "x", EP_NS_DATA);
        ep_xw_attr(w, "type", "submit");
        write_field(w, "FORM_TYPE", PUBLISH_OPTIONS);
        for (size_t i = 0; i < count; i++)
            write_field(w, names[i], values[i]);
        ep_xw_close(w);
    }
    ep_xw_close(w);
}

void ep_push_write_disable(ep_xw *w, const char *service, const char *node)
{
    ep_xw_open(w, "disable", EP_NS_PUSH);
    ep_xw_attr(w, "jid", service);
    ep_xw_attr(w, "node", node);
    ep_xw_close(w);
}

void ep_upload_write_request(ep_xw *w, const char *name, uint64_t bytes, const char *type)
{
    ep_xw_open(w, "request", EP_NS_UPLOAD);
    ep_xw_attr(w, "filename", name);
    ep_xw_attr_u64(w, "size", bytes);
    ep_xw_attr(w, "content-type", type);
    ep_xw_close(w);
}

/* XEP-0363, 4: newlines are stripped. */
static const char *one_line(ep_arena *arena, const char *text)
{
    char *copy = ep_arena_strndup(arena, text, strlen(text)), *to = copy;
    for (const char *from = copy; copy && *from; from++)
        if (*from != '\r' && *from != '\n')
            *to++ = *from;
    if (copy)
        *to = '\0';
    return copy;
}

/* XEP-0363, 4: these and no others, whatever their case. */
static const char *allowed(const char *name)
{
    static const char *const names[] = { "Authorization", "Cookie", "Expires" };
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0)
            return names[i];
    return NULL;
}

static epode_status read_headers(ep_upload_slot *out, const ep_elem *put, ep_arena *arena)
{
    EP_ELEM_EACH(e, put) {
        const char *raw = ep_elem_is(e, "header", EP_NS_UPLOAD) ? ep_elem_attr(e, "name") : NULL;
        const char *line = raw ? one_line(arena, raw) : NULL;
        if (raw && !line)
            return EPODE_ENOMEM;
        const char *name = allowed(line);
        if (!name)
            continue;
        if (out->header_count == EP_UPLOAD_HEADERS_MAX)
            return EPODE_ELIMIT;
        const char *value = one_line(arena, ep_elem_text(e));
        if (!value)
            return EPODE_ENOMEM;
        out->headers[out->header_count++] = (ep_upload_header){ name, value };
    }
    return EPODE_OK;
}

static bool is_https(const char *url)
{
    return url && strncasecmp(url, "https://", 8) == 0 && url[8] && !strpbrk(url, " \r\n\t");
}

epode_status ep_upload_read_slot(ep_upload_slot *out, const ep_elem *iq, ep_arena *arena)
{
    const ep_elem *slot = ep_elem_child(iq, "slot", EP_NS_UPLOAD);
    const ep_elem *put = ep_elem_child(slot, "put", EP_NS_UPLOAD), *get = ep_elem_child(slot, "get", EP_NS_UPLOAD);
    const char *put_url = put ? ep_elem_attr(put, "url") : NULL, *get_url = get ? ep_elem_attr(get, "url") : NULL;
    *out = (ep_upload_slot){ 0 };
    if (!is_https(put_url) || !is_https(get_url))
        return EPODE_EPROTO;
    out->put_url = ep_arena_strndup(arena, put_url, strlen(put_url));
    out->get_url = ep_arena_strndup(arena, get_url, strlen(get_url));
    return out->put_url && out->get_url ? read_headers(out, put, arena) : EPODE_ENOMEM;
}

static const char *field_of(const ep_elem *form, const char *var)
{
    EP_ELEM_EACH(f, form)
        if (ep_elem_is(f, "field", EP_NS_DATA) && ep_streq(ep_elem_attr(f, "var"), var))
            return ep_elem_text(ep_elem_child(f, "value", EP_NS_DATA));
    return NULL;
}

bool ep_upload_read_service(const ep_elem *query, uint64_t *max)
{
    bool is = false;
    *max = 0;
    EP_ELEM_EACH(e, query) {
        if (ep_elem_is(e, "feature", EP_NS_DISCO_INFO) && ep_streq(ep_elem_attr(e, "var"), EP_NS_UPLOAD))
            is = true;
        const char *size = ep_elem_is(e, "x", EP_NS_DATA) && ep_streq(field_of(e, "FORM_TYPE"), EP_NS_UPLOAD)
                               ? field_of(e, "max-file-size") : NULL;
        if (size && !ep_str_u64(size, max))
            *max = 0;
    }
    return is;
}

void ep_upload_read_error(const ep_elem *iq, bool *too_large, uint64_t *max, int64_t *retry_ms)
{
    const ep_elem *error = ep_elem_child(iq, "error", NULL);
    const ep_elem *large = ep_elem_child(error, "file-too-large", EP_NS_UPLOAD);
    const ep_elem *size = ep_elem_child(large, "max-file-size", EP_NS_UPLOAD);
    const ep_elem *retry = ep_elem_child(error, "retry", EP_NS_UPLOAD);
    *too_large = large != NULL;
    if (!size || !ep_str_u64(ep_elem_text(size), max))
        *max = 0;
    if (!retry || !ep_datetime_parse(ep_elem_attr(retry, "stamp"), retry_ms))
        *retry_ms = 0;
}
