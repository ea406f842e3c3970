/* svg.c: the timeline of a start as a picture: a row for everything that was waited for, time to the right. One file
 * that needs nothing else, without scripts. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

enum {
    WIDTH = 1060,
    MARGIN = 28,
    PLOT_LEFT = 352,
    PLOT_RIGHT = 880, /* what stands behind the last bar has its place up to WIDTH */
    LABEL_CHARS = 42, /* of a line of the small print beside a row */
    BAR = 18,
    LINE = 15,
    SMALL_LINE = 13,
    ROWS_MAX = 48
};

/* What a row shows; times in microseconds. */
typedef struct row {
    int64_t from, mid, to; /* mid: TCP was up, in attempts that went on; 0: no such point */
    char what[64], held[160], note[160], tip[200];
    const char *color;
    unsigned waits;
    bool lost;             /* an attempt that was not the one */
} row;

typedef struct drawing {
    FILE *f;
    const epode_session *s;
    row rows[ROWS_MAX];
    size_t count;
    int64_t end;   /* of the axis */
    double y;
    unsigned waited; /* waits that were drawn */
} drawing;

/* --- text ------------------------------------------------------------------------------------------------- */

/* XML 1.0 has no place for control characters, escaped or not. */
static void escaped(FILE *f, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<': fputs("&lt;", f); break;
        case '>': fputs("&gt;", f); break;
        case '&': fputs("&amp;", f); break;
        case '"': fputs("&quot;", f); break;
        default: fputc((unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text, f);
        }
}

/* How many bytes of text are its first chars characters. */
static size_t bytes_of(const char *text, size_t chars)
{
    size_t n = 0;
    while (text[n] && (chars > 0 || ((unsigned char)text[n] & 0xc0) == 0x80)) {
        chars -= ((unsigned char)text[n] & 0xc0) != 0x80 ? 1 : 0;
        n++;
    }
    return n;
}

static void write_text(drawing *d, double x, double y, const char *class, const char *text, size_t max_chars)
{
    char cut[400];
    size_t n = bytes_of(text, max_chars);
    bool whole = !text[n];
    if (n > sizeof cut - 4)
        n = bytes_of(text, sizeof cut / 4 - 4);
    snprintf(cut, sizeof cut, "%.*s%s", (int)n, text, whole ? "" : "\u2026");
    fprintf(d->f, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
    escaped(d->f, cut);
    fputs("</text>\n", d->f);
}

/* --- rows ------------------------------------------------------------------------------------------------- */

static row *add_row(drawing *d, int64_t from, int64_t to, const char *color, unsigned waits)
{
    if (d->count == ROWS_MAX)
        return NULL;
    /* In the order of their beginnings; what began at once stays as it came. */
    size_t at = d->count++;
    for (; at > 0 && d->rows[at - 1].from > from; at--)
        d->rows[at] = d->rows[at - 1];
    d->rows[at] = (row){ .from = from, .to = to < from ? from : to, .color = color, .waits = waits };
    if (to > d->end)
        d->end = to;
    return &d->rows[at];
}

static void add_attempt(drawing *d, const epode_attempt *a)
{
    row *r = add_row(d, a->began_us, a->won && a->tcp_us ? a->tcp_us : a->ended_us, a->won ? "#2f7d32" : "#9aa5b1", a->won ? 1 : 0);
    if (!r)
        return;
    r->lost = !a->won;
    r->mid = a->won ? 0 : a->tcp_us;
    snprintf(r->what, sizeof r->what, "TCP%s", a->won ? "" : ", not this one");
    snprintf(r->held, sizeof r->held, "%s port %u, for %s", a->address, a->port, a->direct ? "direct TLS" : "STARTTLS");
    snprintf(r->tip, sizeof r->tip, "tcp: %.60s [%.60s] port %u", a->host, a->address, a->port);
    if (a->failure)
        snprintf(r->note, sizeof r->note, "%s", a->failure);
    else if (!a->won)
        snprintf(r->note, sizeof r->note, "another was faster");
}

static void add_flight(drawing *d, const epode_flight *f)
{
    static const struct {
        const char *layer, *what, *color;
    } layers[] = { { "dns", "DNS", "#8a6d00" }, { "tcp", "TCP", "#2f7d32" }, { "tls", "TLS", "#7b3fa0" }, { "xmpp", "XMPP", "#1565c0" } };
    const char *what = f->layer, *color = "#455a64";
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        if (strcmp(layers[i].layer, f->layer) == 0)
            what = layers[i].what, color = layers[i].color;
    row *r = add_row(d, f->sent_us, f->answered_us ? f->answered_us : f->sent_us, color, f->waits);
    if (!r)
        return;
    snprintf(r->what, sizeof r->what, "%s", what);
    cli_held_words(r->held, sizeof r->held, f->held);
    snprintf(r->tip, sizeof r->tip, "%s: %s", f->layer, f->held);
    if (f->bytes_out || f->bytes_in) {
        char out[32], in[32];
        cli_bytes(out, sizeof out, f->bytes_out);
        cli_bytes(in, sizeof in, f->bytes_in);
        snprintf(r->note, sizeof r->note, "%s out, %s in", out, in);
    }
}

/* A guess that nobody answered is waited for until it is given up: then nothing else happens. */
static void add_silence(drawing *d)
{
    int64_t quiet = d->rows[0].to, least = d->end / 20 + 5000;
    for (size_t i = 0; i < d->count; i++) {
        if (d->rows[i].from - quiet > least) {
            row *r = add_row(d, quiet, d->rows[i].from, "#e3b7b3", 0);
            if (!r)
                return;
            snprintf(r->what, sizeof r->what, "Silence");
            snprintf(r->held, sizeof r->held, "until it was given up");
            snprintf(r->tip, sizeof r->tip, "silence");
            i = (size_t)(r - d->rows);
        }
        if (d->rows[i].to > quiet)
            quiet = d->rows[i].to;
    }
}

static void collect(drawing *d)
{
    size_t attempts = epode_session_attempt_count(d->s);
    int64_t ready = epode_session_ready_us(d->s), synced = epode_session_synced_us(d->s);
    for (size_t i = 0; i < attempts; i++)
        add_attempt(d, epode_session_attempt_at(d->s, i));
    for (size_t i = 0; i < epode_session_flight_count(d->s); i++) {
        const epode_flight *f = epode_session_flight_at(d->s, i);
        if (!attempts || strcmp(f->layer, "tcp") != 0)
            add_flight(d, f);
    }
    if (d->count)
        add_silence(d);
    if (synced > ready) {
        row *r = add_row(d, ready, synced, "#00838f", 0);
        if (r) {
            snprintf(r->what, sizeof r->what, "Archive");
            snprintf(r->held, sizeof r->held, "catch-up");
            snprintf(r->tip, sizeof r->tip, "archive: catch-up");
            unsigned long long n = epode_session_new_messages(d->s);
            snprintf(r->note, sizeof r->note, n ? "%llu new message%s" : "nothing new", n, n == 1 ? "" : "s");
        }
    }
    if (ready > d->end)
        d->end = ready;
    if (d->end < 1)
        d->end = 1;
}

/* --- drawing ---------------------------------------------------------------------------------------------- */

static double x_of(const drawing *d, int64_t us)
{
    return PLOT_LEFT + (double)us * (PLOT_RIGHT - PLOT_LEFT) / (double)d->end;
}

static void draw_head(drawing *d)
{
    static const char *const binds[] = { "not bound", "Bind 2", "Bind 2 draft", "RFC 6120 bind", "resumed session" };
    static const char *const tokens[] = { "no token", "token used", "new token", "token rotated" };
    epode_waits w = { .size = sizeof w };
    epode_tls_info tls = { .size = sizeof tls };
    int64_t synced = epode_session_synced_us(d->s);
    char line[400], ready[32], done[32];
    epode_session_waits(d->s, &w);
    epode_session_tls(d->s, &tls);
    cli_milliseconds(ready, sizeof ready, epode_session_ready_us(d->s));
    cli_milliseconds(done, sizeof done, synced);
    unsigned total = w.dns + w.tcp + w.tls + w.xmpp;
    snprintf(line, sizeof line, "Ready after %s and %u wait%s%s%s", ready, total, total == 1 ? "" : "s",
             synced < 0 ? "" : ", synced after ", synced < 0 ? "" : done);
    write_text(d, MARGIN, d->y + 22, "title", line, 90);
    write_text(d, MARGIN, d->y + 46, "jid", epode_session_jid(d->s), 110);
    snprintf(line, sizeof line, "%s, %s, %s \u00b7 %s%s%s, %s to %s port %u \u00b7 waits: DNS %u, TCP %u, TLS %u, XMPP %u",
             binds[epode_session_bind(d->s)], epode_session_mechanism(d->s), tokens[epode_session_token(d->s)], tls.version,
             tls.resumed ? " resumed" : "", tls.early_data ? " with early data" : "", tls.direct ? "direct" : "STARTTLS",
             tls.host, tls.port, w.dns, w.tcp, w.tls, w.xmpp);
    write_text(d, MARGIN, d->y + 67, "small", line, 165);
    d->y += 84;
}

/* The distance of the marks: 1, 2 or 5 times a power of ten, at most eight of them. */
static double tick_of(double end_ms)
{
    double step = pow(10, floor(log10(end_ms / 8)));
    for (int i = 0; end_ms / step > 8; i++)
        step *= i % 3 == 1 ? 2.5 : 2;
    return step;
}

static void draw_axis(drawing *d, double bottom)
{
    double end_ms = (double)d->end / 1000.0, step = tick_of(end_ms);
    for (int i = 0; i * step <= end_ms; i++) {
        double x = x_of(d, (int64_t)(i * step * 1000));
        fprintf(d->f, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>\n", x, d->y + 18, x, bottom);
        fprintf(d->f, "<text x=\"%.1f\" y=\"%.1f\" class=\"tick\">%g%s</text>\n", x, d->y + 12, i * step, i ? "" : " ms");
    }
    d->y += 26;
}

/* The small print is broken into lines between words: how many bytes the next one has. */
static size_t line_of(const char *text)
{
    size_t n = bytes_of(text, LABEL_CHARS);
    if (!text[n])
        return n;
    while (n > 0 && text[n] != ' ')
        n--;
    return n ? n : bytes_of(text, LABEL_CHARS);
}

static const char *behind(const char *text, size_t n)
{
    return text + n + (text[n] == ' ');
}

static double height_of(const row *r)
{
    int lines = 1;
    for (const char *rest = behind(r->held, line_of(r->held)); *rest; rest = behind(rest, line_of(rest)))
        lines++;
    return LINE + 14 + lines * SMALL_LINE;
}

static void draw_wait(drawing *d, const row *r, double x)
{
    if (!r->waits)
        return;
    char number[24];
    snprintf(number, sizeof number, r->waits > 1 ? "%u\u2013%u" : "%u", d->waited + 1, d->waited + r->waits);
    d->waited += r->waits;
    double width = r->waits > 1 ? 34 : BAR;
    fprintf(d->f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.0f\" height=\"%d\" rx=\"9\" fill=\"%s\"/>"
            "<text x=\"%.1f\" y=\"%.1f\" class=\"number\">%s</text>\n",
            x - width / 2, d->y, width, BAR, r->color, x, d->y + BAR / 2.0 + 4, number);
}

/* What stands among the lines, on a ground of its own. */
static void write_over(drawing *d, double x, double y, const char *class, const char *text, bool end)
{
    double width = 6.6 * (double)strlen(text);
    if (!*text)
        return;
    fprintf(d->f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"13\" fill=\"#fff\"/>\n", end ? x - width : x, y - 11, width);
    write_text(d, x, y, class, text, 80);
}

static void draw_row(drawing *d, const row *r)
{
    char label[160], took[32];
    const char *rest = r->held;
    double from = x_of(d, r->from), to = x_of(d, r->to), width = to - from < 2 ? 2 : to - from;
    fputs("<g>", d->f);
    fputs("<title>", d->f);
    escaped(d->f, r->tip);
    fputs("</title>\n", d->f);
    draw_wait(d, r, MARGIN + 17);
    write_text(d, MARGIN + 44, d->y + 13, r->lost ? "label lost" : "label", r->what, 40);
    for (double y = d->y + 13 + LINE; *rest; y += SMALL_LINE) {
        size_t n = line_of(rest);
        snprintf(label, sizeof label, "%.*s", (int)n, rest);
        write_text(d, MARGIN + 44, y, "small", label, LABEL_CHARS);
        rest = behind(rest, n);
    }
    fprintf(d->f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"3\" fill=\"%s\"/>\n", from, d->y, width, BAR, r->color);
    if (r->mid)
        fprintf(d->f, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#fff\" stroke-width=\"2\"/>\n", x_of(d, r->mid),
                d->y, x_of(d, r->mid), d->y + BAR);
    cli_milliseconds(took, sizeof took, r->to - r->from);
    write_over(d, from + width + 6, d->y + 14, "took", took, false);
    /* Under its bar, or to the left of its end where it would leave the picture. */
    bool right = from + 6.2 * (double)strlen(r->note) > WIDTH - MARGIN;
    write_over(d, right ? to - 2 : from + 2, d->y + BAR + 13, right ? "note end" : "note", r->note, right);
    fputs("</g>\n", d->f);
    d->y += height_of(r);
}

/* Behind the rows; the first one's name stands to its left, so that the second one's line does not cross it. */
static void draw_mark(drawing *d, int64_t at, double top, double bottom, int line, const char *name, const char *color)
{
    char text[64], when[32];
    cli_milliseconds(when, sizeof when, at);
    snprintf(text, sizeof text, "%s %s", name, when);
    fprintf(d->f, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"2\" stroke-dasharray=\"5 3\"/>\n",
            x_of(d, at), top, x_of(d, at), bottom + line * LINE + 4, color);
    fprintf(d->f, "<text x=\"%.1f\" y=\"%.1f\" class=\"mark%s\" fill=\"%s\">%s</text>\n",
            x_of(d, at) + (line == 1 ? -6 : 6), bottom + line * LINE + 4, line == 1 ? " end" : "", color, text);
}

static void draw_fallbacks(drawing *d)
{
    size_t n = epode_session_fallback_count(d->s);
    for (size_t i = 0; i < n; i++) {
        char words[256], line[300];
        snprintf(line, sizeof line, "Guessed wrong: %s.",
                 cli_fallback_words(epode_session_fallback_at(d->s, i), words, sizeof words));
        write_text(d, MARGIN, d->y + 14, "fallback", line, 150);
        d->y += LINE + 5;
    }
    if (!n) {
        write_text(d, MARGIN, d->y + 14, "small", "Nothing was guessed wrong. Each number is a wait for the network.", 150);
        d->y += LINE + 5;
    }
}

static const char style[] =
    "<style>text{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:#1f2933}"
    ".title{font-size:20px;font-weight:600}.jid{font-size:14px}.small{font-size:11px;fill:#52606d}"
    ".label{font-size:13px;font-weight:600}.lost{fill:#7b8794}.took{font-size:12px}.note{font-size:10.5px;fill:#52606d}"
    ".end{text-anchor:end}.tick{font-size:10.5px;fill:#7b8794;text-anchor:middle}.number{font-size:11px;font-weight:600;"
    "fill:#fff;text-anchor:middle}.mark{font-size:12px;font-weight:600}.fallback{font-size:12px;fill:#b3261e}"
    ".grid{stroke:#e4e7eb;stroke-width:1}</style>\n";

static void draw(drawing *d)
{
    int64_t ready = epode_session_ready_us(d->s), synced = epode_session_synced_us(d->s);
    size_t fallbacks = epode_session_fallback_count(d->s);
    double rows = 0;
    for (size_t i = 0; i < d->count; i++)
        rows += height_of(&d->rows[i]);
    double bottom = 16 + 84 + 26 + rows, height = bottom + 3 * LINE + 12 + (LINE + 5) * (double)(fallbacks ? fallbacks : 1) + 12;
    fprintf(d->f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
            "height=\"%.0f\" viewBox=\"0 0 %d %.0f\">\n", WIDTH, height, WIDTH, height);
    fputs("<title>How the session came about</title>\n", d->f);
    fputs(style, d->f);
    fprintf(d->f, "<rect width=\"%d\" height=\"%.0f\" fill=\"#fff\"/>\n", WIDTH, height);
    d->y = 16;
    draw_head(d);
    double top = d->y + 18;
    draw_axis(d, bottom);
    draw_mark(d, ready, top, bottom, 1, "ready", "#2f7d32");
    if (synced >= 0)
        draw_mark(d, synced, top, bottom, 2, "synced", "#00838f");
    for (size_t i = 0; i < d->count; i++)
        draw_row(d, &d->rows[i]);
    d->y = bottom + 2 * LINE + 14;
    draw_fallbacks(d);
    fputs("</svg>\n", d->f);
}

bool cli_svg(const char *path, const epode_session *s)
{
    drawing *d = calloc(1, sizeof *d);
    FILE *f = fopen(path, "we");
    bool ok = d && f;
    if (ok) {
        d->f = f;
        d->s = s;
        collect(d);
        draw(d);
        ok = !ferror(f);
    }
    if (f && fclose(f))
        ok = false;
    free(d);
    return ok;
}
