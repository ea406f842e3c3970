/* tls.c: what a returning client gets out of TLS, and whether the server's answers wait for acknowledgements. */
#include <stdio.h>
#include <string.h>

#include "doctor.h"

enum { TRIES = 3, LATE_MS = 20 };

static bool offers_early_data(const doctor *d)
{
    const node *fast = d->features ? tree_at(d->features, tree_find(d->features, 0, -1, "urn:xmpp:fast:0", "fast")) : NULL;
    const char *early = node_attribute(fast, "tls-0rtt");
    return early && (strcmp(early, "true") == 0 || strcmp(early, "1") == 0);
}

/* Only a second connection shows whether a ticket is worth something. */
static void check_tickets(doctor *d, const endpoint *e)
{
    wire w;
    SSL_SESSION *session = d->session ? SSL_SESSION_dup(d->session) : NULL;
    if (!session) {
        report_say(&d->report, MARK_WARN, "tls-no-tickets", "let the server give TLS session tickets: a returning client then saves the certificates",
                   "the server gives no tickets: each TLS handshake is a full one");
        doctor_misses(d, "TLS tickets");
        return;
    }
    uint32_t early = SSL_SESSION_get_max_early_data(session);
    unsigned given = d->tickets;
    bool up = doctor_open(d, &w, e, session, -1), resumed = up && SSL_session_reused(w.ssl);
    if (up)
        wire_close(&w);
    SSL_SESSION_free(session);
    if (!up) {
        report_say(&d->report, MARK_BAD, "tls-tickets-fatal",
                   "give the server's TLS a session id context, or turn its tickets off: clients that do not try again fail every second time",
                   "the server gives tickets (%u so far), but whoever comes with one is sent away: %s", given, w.why);
        doctor_misses(d, "TLS tickets that can be used");
        return;
    }
    if (!resumed) {
        report_say(&d->report, MARK_WARN, "tls-tickets-unusable",
                   "let the server accept its own tickets (Prosody: ssl = { options = { no_ticket = false } })",
                   "the server gives tickets (%u so far), but then makes a full handshake all the same", given);
        doctor_misses(d, "TLS tickets that can be used");
        return;
    }
    report_say(&d->report, MARK_OK, "tls-resumption", NULL, "TLS sessions are resumed");
    bool offered = offers_early_data(d);
    if (early && offered)
        report_say(&d->report, MARK_OK, "tls-early-data", NULL, "up to %u bytes of early data, and FAST may use them", early);
    else if (early || offered)
        report_say(&d->report, MARK_WARN, "tls-early-data", "one is no use without the other (XEP-0484, tls-0rtt)",
                   early ? "TLS takes %u bytes of early data, but FAST is not offered for them" : "FAST is offered for early data, but the tickets allow %u bytes", early);
    else
        report_say(&d->report, MARK_NOTE, "tls-early-data", NULL, "no early data (no server offers it by default)");
}

/* Milliseconds from the header to the features; negative: they did not come. */
static double features_after(doctor *d, const endpoint *e, int acknowledge)
{
    wire w;
    double ms = -1;
    if (!doctor_open(d, &w, e, NULL, acknowledge))
        return ms;
    int64_t began = now_us();
    if (wire_stream(&w, d->domain, d->jid))
        ms = (double)(now_us() - began) / 1000.0;
    wire_close(&w);
    return ms;
}

/* A server with Nagle's algorithm on holds its features back until the tickets before them are acknowledged; a client
 * that acknowledges late, as kernels do by themselves, waits for its own delayed acknowledgement then. The best of some
 * tries of each kind: what the network adds by chance is not the server's. */
static void check_nagle(doctor *d, const endpoint *e)
{
    double best[2] = { -1, -1 };
    for (int i = 0; i < 2 * TRIES; i++) {
        double ms = features_after(d, e, i % 2);
        if (ms >= 0 && (best[i % 2] < 0 || ms < best[i % 2]))
            best[i % 2] = ms;
    }
    if (best[0] < 0 || best[1] < 0)
        return;
    if (best[0] - best[1] > LATE_MS)
        report_say(&d->report, MARK_WARN, "nagle", "set TCP_NODELAY at the server (Prosody: network_settings = { nagle = false })",
                   "the server's Nagle algorithm holds answers back: features came after %.1f ms where acknowledgements are late, after "
                   "%.1f ms where they are not", best[0], best[1]);
    else
        report_say(&d->report, MARK_OK, "nagle", NULL, "answers do not wait for acknowledgements (features after %.1f and %.1f ms)",
                   best[0], best[1]);
}

void doctor_tls(doctor *d, const endpoint *e)
{
    report_area(&d->report, "Coming back");
    check_tickets(d, e);
    check_nagle(d, e);
}
