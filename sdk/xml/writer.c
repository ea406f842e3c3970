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

enum { PLAIN = 0, BLANK, ESCAPED, LONG };

/* Line ends and tabs would be normalised away by the reader: CR everywhere, the others in attributes (XML 1.0, 2.11 and
 * 3.3.3). What is not plain ASCII is looked at more closely. */
static const unsigned char kinds[256] = {
    [0 ... 8] = LONG, ['\t'] = BLANK, ['\n'] = BLANK, [11 ... 12] = LONG, ['\r'] = ESCAPED, [14 ... 31] = LONG,
    ['<'] = ESCAPED, ['>'] = ESCAPED, ['&'] = ESCAPED, ['\''] = ESCAPED, ['"'] = ESCAPED, [128 ... 255] = LONG,
};

static const char *escape_of(char c)
{
    switch (c) {
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '&': return "&amp;";
    case '\'': return "&apos;";
    case '"': return "&quot;";
    case '\t': return "&#9;";
    case '\n': return "&#10;";
    default: return "&#13;";
    }
}

/* One pass: most of what is written is plain. */
static bool escape(ep_buf *out, const char *text, size_t n, bool in_attr)
{
    size_t from = 0, i = 0, before = out->len, len;
    while (i < n) {
        unsigned kind = kinds[(unsigned char)text[i]];
        if (kind == PLAIN || (kind == BLANK && !in_attr)) {
            i++;
        } else if (kind == LONG) {
            if (!(len = utf8_char((const unsigned char *)text + i, n - i))) {
                out->len = before;
                return false;
            }
            i += len;
        } else {
            ep_buf_add(out, text + from, i - from);
            ep_buf_puts(out, escape_of(text[i]));
            from = ++i;
        }
    }
    ep_buf_add(out, text + from, n - from);
    return true;
}

bool ep_xml_escape(ep_buf *out, const char *text, size_t n)
{
    return escape(out, text, n, false);
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
    if (!escape(w->out, value, strlen(value), true))
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
