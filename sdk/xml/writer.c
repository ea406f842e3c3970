/* writer.c: escaping and the tag stack. */
#include "xml/writer.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "xml/elem.h"

/* One UTF-8 sequence at s: its length, 0 if it is wrong or not a character of XML 1.0. */
static size_t utf8_char(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80)
        return s[0] >= 0x20 || s[0] == '\t' || s[0] == '\n' || s[0] == '\r';
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n < len)
        return 0;
    uint32_t c = s[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (c < least[len] || (c >= 0xd800 && c <= 0xdfff) || c == 0xfffe || c == 0xffff || c > 0x10ffff)
        return 0;
    return len;
}

bool ep_xml_valid(const char *text, size_t n)
{
    for (size_t i = 0, len; i < n; i += len)
        if (!(len = utf8_char((const unsigned char *)text + i, n - i)))
            return false;
    return true;
}

bool ep_xml_escape(ep_buf *out, const char *text, size_t n)
{
    if (!ep_xml_valid(text, n))
        return false;
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        const char *with = NULL;
        switch (text[i]) {
        case '<': with = "&lt;"; break;
        case '>': with = "&gt;"; break;
        case '&': with = "&amp;"; break;
        case '\'': with = "&apos;"; break;
        case '"': with = "&quot;"; break;
        /* Line ends and tabs would be normalised away by the reader (XML 1.0, 2.11 and 3.3.3). */
        case '\r': with = "&#13;"; break;
        default: continue;
        }
        ep_buf_add(out, text + from, i - from);
        ep_buf_puts(out, with);
        from = i + 1;
    }
    ep_buf_add(out, text + from, n - from);
    return true;
}

static bool attr_escape(ep_buf *out, const char *text)
{
    size_t n = strlen(text);
    if (!strpbrk(text, "\t\n"))
        return ep_xml_escape(out, text, n);
    for (size_t i = 0, len; i < n; i += len) {
        len = strcspn(text + i, "\t\n");
        if (len && !ep_xml_escape(out, text + i, len))
            return false;
        if (!len)
            ep_buf_puts(out, text[i] == '\t' ? "&#9;" : "&#10;"), len = 1;
    }
    return true;
}

ep_xw ep_xw_init(ep_buf *out)
{
    ep_xw w = { .out = out };
    return w;
}

static void xw_end_tag(ep_xw *w)
{
    if (w->in_tag)
        ep_buf_putc(w->out, '>');
    w->in_tag = false;
}

void ep_xw_open(ep_xw *w, const char *name, const char *ns)
{
    xw_end_tag(w);
    if (w->depth == EP_XW_DEPTH) {
        w->status = EPODE_ELIMIT;
        return;
    }
    w->names[w->depth++] = name;
    ep_buf_putc(w->out, '<');
    ep_buf_puts(w->out, name);
    w->in_tag = true;
    ep_xw_attr(w, "xmlns", ns);
}

void ep_xw_attr(ep_xw *w, const char *name, const char *value)
{
    if (!value)
        return;
    ep_buf_putc(w->out, ' ');
    ep_buf_puts(w->out, name);
    ep_buf_puts(w->out, "='");
    if (!attr_escape(w->out, value))
        w->status = EPODE_EINVAL;
    ep_buf_putc(w->out, '\'');
}

void ep_xw_attr_u64(ep_xw *w, const char *name, uint64_t value)
{
    ep_buf_printf(w->out, " %s='%llu'", name, (unsigned long long)value);
}

void ep_xw_attr_ns(ep_xw *w, const char *ns, const char *name, const char *value, int *generated)
{
    char prefixed[128];
    const char *prefix = "xml";
    char made[16];
    if (!ep_streq(ns, EP_NS_XML)) {
        char decl[32];
        snprintf(made, sizeof made, "a%d", (*generated)++);
        snprintf(decl, sizeof decl, "xmlns:%s", made);
        ep_xw_attr(w, decl, ns);
        prefix = made;
    }
    if (snprintf(prefixed, sizeof prefixed, "%s:%s", prefix, name) >= (int)sizeof prefixed)
        w->status = EPODE_ELIMIT;
    else
        ep_xw_attr(w, prefixed, value);
}

void ep_xw_text_n(ep_xw *w, const char *text, size_t n)
{
    xw_end_tag(w);
    if (!ep_xml_escape(w->out, text, n))
        w->status = EPODE_EINVAL;
}

void ep_xw_text(ep_xw *w, const char *text)
{
    if (text && *text)
        ep_xw_text_n(w, text, strlen(text));
}

void ep_xw_b64(ep_xw *w, const void *data, size_t n)
{
    char *text = n ? ep_b64_encode(data, n) : NULL;
    xw_end_tag(w);
    if (n && !text)
        w->status = EPODE_ENOMEM;
    ep_buf_puts(w->out, text ? text : "=");
    if (text)
        ep_free_secret(text, strlen(text));
}

void ep_xw_close(ep_xw *w)
{
    if (!w->depth)
        return;
    const char *name = w->names[--w->depth];
    if (w->in_tag) {
        ep_buf_puts(w->out, "/>");
        w->in_tag = false;
        return;
    }
    ep_buf_puts(w->out, "</");
    ep_buf_puts(w->out, name);
    ep_buf_putc(w->out, '>');
}

void ep_xw_leaf(ep_xw *w, const char *name, const char *ns, const char *text)
{
    ep_xw_open(w, name, ns);
    ep_xw_text(w, text);
    ep_xw_close(w);
}

epode_status ep_xw_done(ep_xw *w)
{
    if (w->out->failed)
        return EPODE_ENOMEM;
    if (w->status)
        return w->status;
    return w->depth ? EPODE_ESTATE : EPODE_OK;
}
