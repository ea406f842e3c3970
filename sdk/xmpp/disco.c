/* disco.c: lists of features, and the verification string of XEP-0115. */
#include "xmpp/disco.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "xmpp/ns.h"

#define LIST_MAX (256 * 1024)

epode_status ep_disco_features(ep_buf *out, const ep_elem *query)
{
    ep_buf_putc(out, EP_DISCO_SEPARATOR);
    EP_ELEM_EACH(f, query) {
        const char *var = ep_elem_is(f, "feature", EP_NS_DISCO_INFO) ? ep_elem_attr(f, "var") : NULL;
        if (!var || !*var)
            continue;
        if (out->len > LIST_MAX)
            return EPODE_ELIMIT;
        ep_buf_puts(out, var);
        ep_buf_putc(out, EP_DISCO_SEPARATOR);
    }
    return out->failed || !ep_buf_cstr(out) ? EPODE_ENOMEM : EPODE_OK;
}

bool ep_disco_has(const char *list, const char *feature)
{
    size_t n = strlen(feature);
    for (const char *at = list; n && at && (at = strstr(at, feature)) != NULL; at++)
        if (at > list && at[-1] == EP_DISCO_SEPARATOR && at[n] == EP_DISCO_SEPARATOR)
            return true;
    return false;
}

/* --- lines that are sorted before they are hashed -------------------------------------------------------- */

typedef struct lines {
    char **at;
    size_t count, cap;
    bool failed;
} lines;

static void line_add(lines *l, char *text)
{
    if (text && l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 32;
        char **more = ep_realloc(l->at, cap * sizeof *more);
        if (more) {
            l->at = more;
            l->cap = cap;
        }
    }
    if (text && l->count < l->cap) {
        l->at[l->count++] = text;
        return;
    }
    ep_free(text);
    l->failed = true;
}

static int line_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted by octets; true: one of them is there twice. */
static bool lines_sort(lines *l)
{
    bool twice = false;
    if (l->count)
        qsort(l->at, l->count, sizeof *l->at, line_compare);
    for (size_t i = 1; i < l->count; i++)
        twice = twice || strcmp(l->at[i], l->at[i - 1]) == 0;
    return twice;
}

static void lines_free(lines *l)
{
    for (size_t i = 0; i < l->count; i++)
        ep_free(l->at[i]);
    ep_free(l->at);
    memset(l, 0, sizeof *l);
}

/* Stands for what ends a factor until everything is sorted: it sorts below every character of XML. */
#define END '\x01'

/* A factor of the string. "<" ends one there, so that one inside stays escaped (XEP-0115, 5.1, the note). */
static void factor_add(ep_buf *line, const char *text)
{
    for (const char *p = text ? text : ""; *p; p++)
        if (*p == '<')
            ep_buf_puts(line, "&lt;");
        else
            ep_buf_putc(line, *p);
    ep_buf_putc(line, END);
}

/* Adds the sorted lines, with the character that their factors end with; the last of a line always has "<". */
static void lines_write(ep_buf *s, const lines *l, char end)
{
    for (size_t i = 0; i < l->count; i++)
        for (const char *p = l->at[i]; *p; p++)
            ep_buf_putc(s, *p != END ? *p : p[1] ? end : '<');
}

static char *line_of(ep_buf *b, bool failed)
{
    char *line = failed ? NULL : ep_buf_detach(b);
    ep_buf_free(b);
    return line;
}

/* --- the parts of the answer ----------------------------------------------------------------------------- */

static char *identity_line(const ep_elem *e)
{
    ep_buf b = EP_BUF_INIT;
    factor_add(&b, ep_elem_attr(e, "category"));
    factor_add(&b, ep_elem_attr(e, "type"));
    factor_add(&b, ep_elem_lang(e));
    factor_add(&b, ep_elem_attr(e, "name"));
    return line_of(&b, false);
}

static char *text_line(const char *text)
{
    ep_buf b = EP_BUF_INIT;
    factor_add(&b, text);
    return line_of(&b, false);
}

/* Of a form that counts; *bad: it has several. NULL: the form is to be ignored. */
static const char *form_type(const ep_elem *form, bool *bad)
{
    EP_ELEM_EACH(f, form) {
        if (!ep_elem_is(f, "field", EP_NS_DATA) || !ep_streq(ep_elem_attr(f, "var"), "FORM_TYPE"))
            continue;
        const char *type = NULL;
        EP_ELEM_EACH(v, f) {
            if (!ep_elem_is(v, "value", EP_NS_DATA))
                continue;
            *bad = *bad || (type && strcmp(type, ep_elem_text(v)) != 0);
            type = type ? type : ep_elem_text(v);
        }
        return ep_streq(ep_elem_attr(f, "type"), "hidden") ? type : NULL;
    }
    return NULL;
}

/* The lines of the values or fields below parent, behind what is in b already. */
static char *nested_line(ep_buf *b, lines *below)
{
    lines_sort(below);
    for (size_t i = 0; i < below->count; i++)
        ep_buf_puts(b, below->at[i]);
    char *line = line_of(b, below->failed);
    lines_free(below);
    return line;
}

static char *field_line(const ep_elem *field)
{
    ep_buf b = EP_BUF_INIT;
    lines values = { 0 };
    factor_add(&b, ep_elem_attr(field, "var"));
    EP_ELEM_EACH(v, field)
        if (ep_elem_is(v, "value", EP_NS_DATA))
            line_add(&values, text_line(ep_elem_text(v)));
    return nested_line(&b, &values);
}

static char *form_line(const ep_elem *form, const char *type)
{
    ep_buf b = EP_BUF_INIT;
    lines fields = { 0 };
    factor_add(&b, type);
    EP_ELEM_EACH(f, form)
        if (ep_elem_is(f, "field", EP_NS_DATA) && !ep_streq(ep_elem_attr(f, "var"), "FORM_TYPE"))
            line_add(&fields, field_line(f));
    return nested_line(&b, &fields);
}

typedef struct parts {
    lines identities, features, forms, types;
    bool bad;
} parts;

static void parts_read(parts *p, const ep_elem *query)
{
    EP_ELEM_EACH(e, query) {
        if (ep_elem_is(e, "identity", EP_NS_DISCO_INFO)) {
            line_add(&p->identities, identity_line(e));
        } else if (ep_elem_is(e, "feature", EP_NS_DISCO_INFO)) {
            line_add(&p->features, text_line(ep_elem_attr(e, "var")));
        } else if (ep_elem_is(e, "x", EP_NS_DATA)) {
            const char *type = form_type(e, &p->bad);
            if (!type)
                continue;
            line_add(&p->types, text_line(type));
            line_add(&p->forms, form_line(e, type));
        }
    }
    p->bad = lines_sort(&p->identities) || p->bad;
    p->bad = lines_sort(&p->features) || p->bad;
    p->bad = lines_sort(&p->types) || p->bad;
    lines_sort(&p->forms);
}

static const EVP_MD *hash_named(const char *name)
{
    static const struct {
        const char *name;
        const EVP_MD *(*md)(void);
    } rows[] = { /* of IANA's registry, those that are not broken for this, and sha-1 (XEP-0115, 5.1) */
        { "sha-1", EVP_sha1 }, { "sha-224", EVP_sha224 }, { "sha-256", EVP_sha256 }, { "sha-384", EVP_sha384 },
        { "sha-512", EVP_sha512 },
    };
    for (size_t i = 0; name && i < sizeof rows / sizeof *rows; i++)
        if (strcmp(name, rows[i].name) == 0)
            return rows[i].md();
    return NULL;
}

epode_status ep_disco_verify(const ep_elem *query, const char *hash, const char *ver)
{
    parts p = { 0 };
    ep_buf s = EP_BUF_INIT;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    const EVP_MD *md = hash_named(hash);
    if (!md || !ver)
        return EPODE_DONE;
    parts_read(&p, query);
    lines_write(&s, &p.identities, '/');
    lines_write(&s, &p.features, '<');
    lines_write(&s, &p.forms, '<');
    bool failed = p.identities.failed || p.features.failed || p.forms.failed || p.types.failed || s.failed;
    char *b64 = !failed && EVP_Digest(ep_buf_ptr(&s), s.len, digest, &n, md, NULL) ? ep_b64_encode(digest, n) : NULL;
    epode_status st = !b64 ? EPODE_ENOMEM : !p.bad && strcmp(b64, ver) == 0 ? EPODE_OK : EPODE_DONE;
    ep_free(b64);
    ep_buf_free(&s);
    lines_free(&p.identities);
    lines_free(&p.features);
    lines_free(&p.forms);
    lines_free(&p.types);
    return st;
}
