/* server.c: each address and port by itself, as far as its features. */
#include <stdio.h>
#include <string.h>

#include "doctor.h"

bool doctor_open(doctor *d, wire *w, const endpoint *e, SSL_SESSION *session, int acknowledge)
{
    bool ok = wire_open(w, e, acknowledge, d->step_ms);
    w->deadline_us = now_us() + (int64_t)d->step_ms * 1000;
    ok = ok && (e->direct || wire_starttls(w, d->domain)) && wire_tls(w, d->context, d->ascii, session, e->direct);
    if (!ok)
        wire_close(w);
    w->deadline_us = now_us() + (int64_t)d->step_ms * 1000;
    return ok;
}

static void tell_tls(doctor *d, const endpoint *e, const wire *w, double ms)
{
    const unsigned char *alpn;
    unsigned n = 0;
    bool new = SSL_version(w->ssl) == TLS1_3_VERSION;
    SSL_get0_alpn_selected(w->ssl, &alpn, &n);
    report_say(&d->report, new ? MARK_OK : MARK_WARN, "tls-version",
               new ? NULL : "allow TLS 1.3: its handshake is one wait, that of 1.2 is two", "%s, %s, in %.1f ms",
               SSL_get_version(w->ssl), SSL_get_cipher_name(w->ssl), ms);
    if (e->direct)
        report_say(&d->report, MARK_NOTE, "tls-alpn", NULL, n ? "the server answers ALPN with %.*s" : "the server does not look at ALPN, which is fine%.*s",
                   (int)n, n ? (const char *)alpn : "");
}

static void try_stream(doctor *d, endpoint *e, wire *w)
{
    int64_t began = now_us();
    if (wire_stream(w, d->domain, d->jid)) {
        int error = tree_find(w->tree, 0, -1, "http://etherx.jabber.org/streams", "error");
        const node *what = tree_at(w->tree, tree_find(w->tree, error, -1, NULL, NULL));
        if (error >= 0) {
            report_say(&d->report, MARK_BAD, "stream-error", "ask the server's operator: is this domain served here?",
                       "the server answers with a stream error: %s", what ? what->name : "without a reason");
            return;
        }
        e->stream = true;
        report_say(&d->report, MARK_OK, "stream", NULL, "features came %.1f ms after the stream header", (double)(now_us() - began) / 1000.0);
        if (!d->features) {
            d->features = w->tree;
            w->tree = NULL;
        }
        return;
    }
    bool header = w->tree && tree_at(w->tree, 0);
    report_say(&d->report, MARK_BAD, header && w->timed_out ? "stream-silent" : "stream",
               header && w->timed_out ? "the server begins a stream and then says nothing: look into its log (Prosody 0.12 does so with mod_sasl2)"
                                      : "is this an XMPP server?",
               "TLS is up, but no features came%s: %s", header ? " behind the stream header" : "", w->why);
}

static void tls_failed(doctor *d, const endpoint *e, const wire *w)
{
    const char *advice = e->direct ? "is this a port for direct TLS? STARTTLS needs the other kind of record" : "look into the server's log";
    report_say(&d->report, MARK_BAD, w->timed_out ? "tls-silent" : "tls", advice, "%s: %s", e->direct ? "no TLS" : "no TLS by STARTTLS", w->why);
}

static void try_endpoint(doctor *d, endpoint *e)
{
    wire w;
    int64_t began = now_us();
    char area[400];
    snprintf(area, sizeof area, "%s port %u, %s (%s)", e->address, e->port, e->direct ? "direct TLS" : "STARTTLS", e->host);
    report_area(&d->report, area);
    if (!wire_open(&w, e, -1, d->step_ms)) {
        report_say(&d->report, MARK_BAD, "tcp", w.timed_out ? "a firewall may drop it, or the address is wrong" : "does the server listen there?",
                   "no connection: %s", w.why);
        wire_close(&w);
        return;
    }
    e->connected = true;
    e->tcp_ms = (double)(now_us() - began) / 1000.0;
    report_say(&d->report, MARK_OK, "tcp", NULL, "connected in %.1f ms", e->tcp_ms);
    w.deadline_us = now_us() + (int64_t)d->step_ms * 1000;
    if (!e->direct && !wire_starttls(&w, d->domain)) {
        tls_failed(d, e, &w);
        wire_close(&w);
        return;
    }
    began = now_us();
    if (!wire_tls(&w, d->context, d->ascii, NULL, e->direct)) {
        tls_failed(d, e, &w);
        wire_close(&w);
        return;
    }
    e->tls = true;
    tell_tls(d, e, &w, (double)(now_us() - began) / 1000.0);
    doctor_certificate(d, w.ssl);
    w.deadline_us = now_us() + (int64_t)d->step_ms * 1000;
    try_stream(d, e, &w);
    wire_close(&w);
}

void doctor_endpoints(doctor *d)
{
    const endpoint *best = NULL;
    for (int i = 0; i < d->count; i++) {
        try_endpoint(d, &d->endpoints[i]);
        if (d->endpoints[i].stream && !best)
            best = &d->endpoints[i];
    }
    if (best)
        doctor_tls(d, best);
}
