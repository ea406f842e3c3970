/* session.c: the record of a session and how it came about. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"

enum { W_DNS, W_TCP, W_TLS, W_XMPP };

epode_session *ep_session_new(int64_t began_us)
{
    epode_session *s = ep_calloc(1, sizeof *s);
    if (s) {
        s->began_us = began_us;
        s->resume_s = -1;
        s->synced_us = -1;
        s->unread_count = -1;
    }
    return s;
}

static void unreads_free(epode_session *s)
{
    for (int i = 0; i < s->unread_count; i++) {
        ep_free((char *)(uintptr_t)s->unreads[i].jid);
        ep_free((char *)(uintptr_t)s->unreads[i].read_id);
    }
    ep_free(s->unreads);
    s->unreads = NULL;
    s->unread_count = -1;
}

void ep_session_free(epode_session *s)
{
    if (!s)
        return;
    char *strings[] = { s->jid, s->first_id, s->first_time, s->last_id, s->last_time };
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        ep_free(strings[i]);
    unreads_free(s);
    ep_free(s);
}

bool ep_session_add_unreads(epode_session *s, const ep_elem *unreads)
{
    char scratch[256];
    ep_unread row;
    int n = 0;
    unreads_free(s);
    EP_ELEM_EACH(e, unreads)
        n++;
    if (!unreads)
        return true;
    s->unreads = ep_calloc((size_t)n + 1, sizeof *s->unreads);
    if (!s->unreads)
        return false;
    s->unread_count = 0;
    EP_ELEM_EACH(e, unreads) {
        if (!ep_unread_read(&row, e, scratch))
            continue;
        epode_unread *u = &s->unreads[s->unread_count++];
        *u = (epode_unread){ sizeof *u, ep_strdup(row.jid), ep_strdup(row.read_id), row.count };
        if (!u->jid || (row.read_id && !u->read_id))
            return false;
    }
    return true;
}

int epode_session_unread_count(const epode_session *s)
{
    return s->unread_count;
}

const epode_unread *epode_session_unread_at(const epode_session *s, int i)
{
    return i >= 0 && i < s->unread_count ? &s->unreads[i] : NULL;
}

static void add_flight(epode_session *s, const char *layer, const char *held, unsigned waits, int64_t sent,
                       int64_t answered, uint64_t out, uint64_t in)
{
    if (s->flight_count == EP_SESSION_FLIGHTS)
        return;
    ep_session_flight *f = &s->flights[s->flight_count++];
    snprintf(f->held, sizeof f->held, "%s", held);
    f->f = (epode_flight){ layer, NULL, sent - s->began_us, answered ? answered - s->began_us : 0, out, in, waits };
}

static void add_attempts(epode_session *s, const ep_net_info *info)
{
    for (int i = 0; i < info->attempt_count && s->attempt_count < EP_SESSION_ATTEMPTS; i++) {
        const ep_net_attempt *from = &info->attempt[i];
        ep_session_attempt *to = &s->attempts[s->attempt_count++];
        to->net = *from;
        to->a = (epode_attempt){ .port = from->port, .direct = from->direct, .won = from->won,
                                 .began_us = from->start_us - s->began_us,
                                 .tcp_us = from->tcp_us ? from->tcp_us - s->began_us : 0,
                                 .ended_us = from->end_us - s->began_us };
    }
}

/* Each phase that had to wait is a flight of its own. */
static void add_path(epode_session *s, const ep_net_timeline *t, bool direct, bool early_data)
{
    s->waits[W_TCP] += t->waits.tcp;
    s->waits[W_TLS] += t->waits.tls;
    s->waits[W_XMPP] += t->waits.preface;
    if (t->waits.tcp)
        add_flight(s, "tcp", "syn", t->waits.tcp, t->tcp_start_us, t->tcp_us, 0, 0);
    if (!direct && t->waits.preface)
        add_flight(s, "xmpp", "header starttls", t->waits.preface, t->tcp_us, t->tls_start_us,
                   t->preface_bytes_out, t->preface_bytes_in);
    /* The header and <starttls/> may stand in front of the ClientHello, early data behind it. */
    char hello[64];
    snprintf(hello, sizeof hello, "%sclient-hello%s", direct || t->waits.preface ? "" : "header starttls ",
             early_data ? " early-data" : "");
    if (t->waits.tls || early_data)
        add_flight(s, "tls", hello, t->waits.tls, t->tls_start_us, t->tls_us, t->up_bytes_out - t->preface_bytes_out,
                   t->up_bytes_in - t->preface_bytes_in);
}

/* The path to TLS; where a ticket was taken ill, it was gone twice. */
void ep_session_add_net(epode_session *s, const ep_net_info *info)
{
    const ep_net_timeline *t = &info->timeline;
    add_attempts(s, info);
    s->waits[W_DNS] += t->waits.dns;
    if (t->waits.dns)
        add_flight(s, "dns", "query", t->waits.dns, t->start_us, t->dns_us, 0, 0);
    if (info->refused.tcp_us)
        add_path(s, &info->refused, info->direct, false);
    add_path(s, t, info->direct, info->early_data);
}

void ep_session_add_stream(epode_session *s, const ep_stream *stream)
{
    const ep_flight *f;
    size_t n = ep_stream_flights(stream, &f);
    for (size_t i = 0; i < n; i++) {
        char held[96] = "";
        size_t used = 0;
        for (uint32_t bit = 1; bit < 1u << EP_STEP_COUNT; bit <<= 1)
            if (f[i].steps & bit)
                used += (size_t)snprintf(held + used, sizeof held - used, "%s%s", used ? " " : "",
                                         ep_step_name((ep_step)bit));
        add_flight(s, "xmpp", held, 1, f[i].sent_us, f[i].answered_us, f[i].bytes_out, f[i].bytes_in);
    }
    s->waits[W_XMPP] += (unsigned)n;
}

void ep_session_add_fallback(epode_session *s, const char *what, const char *why)
{
    if (!s || s->fallback_count == EP_SESSION_FALLBACKS)
        return;
    size_t i = s->fallback_count++;
    snprintf(s->fallback_text[i][0], sizeof s->fallback_text[i][0], "%s", what);
    snprintf(s->fallback_text[i][1], sizeof s->fallback_text[i][1], "%s", why ? why : "");
    s->fallbacks[i] = (epode_fallback){ s->fallback_text[i][0], s->fallback_text[i][1] };
}

const epode_session *epode_client_session(const epode_client *c)
{
    return c->session;
}

const char *epode_session_jid(const epode_session *s)
{
    return s->jid;
}

bool epode_session_is_resumed(const epode_session *s)
{
    return s->bind == EPODE_BIND_RESUMED;
}

epode_bind epode_session_bind(const epode_session *s)
{
    return s->bind;
}

epode_token epode_session_token(const epode_session *s)
{
    return s->token;
}

const char *epode_session_mechanism(const epode_session *s)
{
    return s->mechanism;
}

bool epode_session_has(const epode_session *s, epode_feature feature, const char **why_not)
{
    const struct {
        bool on;
        const char *why;
    } rows[] = {
        [EPODE_FEATURE_CARBONS] = { s->carbons, s->why_carbons },
        [EPODE_FEATURE_SM] = { s->sm, s->why_sm },
        [EPODE_FEATURE_CSI] = { s->csi, s->why_csi },
    };
    bool known = feature >= EPODE_FEATURE_CARBONS && feature <= EPODE_FEATURE_CSI;
    bool on = known && rows[feature].on;
    if (why_not)
        *why_not = on ? NULL : known ? rows[feature].why : "not-wanted";
    return on;
}

/* Fills as much of the caller's struct as it was compiled with. */
static void copy_out(void *out, size_t *size, const void *full, size_t full_size)
{
    size_t n = *size < full_size ? *size : full_size;
    if (n > sizeof(size_t))
        memcpy((char *)out + sizeof(size_t), (const char *)full + sizeof(size_t), n - sizeof(size_t));
}

void epode_session_tls(const epode_session *s, epode_tls_info *out)
{
    epode_tls_info full = { sizeof full, s->tls_version, s->tls_cipher, s->tls_resumed, s->tls_early,
                            s->tls_direct, s->host, s->address, s->port };
    copy_out(out, &out->size, &full, sizeof full);
}

const char *epode_session_transport(const epode_session *s)
{
    return s->transport;
}

const char *epode_session_left_out_at(const epode_session *s, size_t i)
{
    return i < EP_SESSION_LEFT_OUT ? s->left_out[i] : NULL;
}

bool epode_session_archive(const epode_session *s, epode_archive_info *out)
{
    epode_archive_info full = { sizeof full, s->first_id, s->first_time, s->last_id, s->last_time };
    if (s->archive_known)
        copy_out(out, &out->size, &full, sizeof full);
    return s->archive_known;
}

void epode_session_waits(const epode_session *s, epode_waits *out)
{
    epode_waits full = { sizeof full, s->waits[W_DNS], s->waits[W_TCP], s->waits[W_TLS], s->waits[W_XMPP] };
    copy_out(out, &out->size, &full, sizeof full);
}

size_t epode_session_flight_count(const epode_session *s)
{
    return s->flight_count;
}

const epode_flight *epode_session_flight_at(const epode_session *s, size_t i)
{
    if (i >= s->flight_count)
        return NULL;
    /* The text lies beside it in a struct that never moves. */
    ep_session_flight *f = (ep_session_flight *)(uintptr_t)&s->flights[i];
    f->f.held = f->held;
    return &f->f;
}

size_t epode_session_attempt_count(const epode_session *s)
{
    return s->attempt_count;
}

const epode_attempt *epode_session_attempt_at(const epode_session *s, size_t i)
{
    if (i >= s->attempt_count)
        return NULL;
    ep_session_attempt *a = (ep_session_attempt *)(uintptr_t)&s->attempts[i];
    a->a.host = a->net.host;
    a->a.address = a->net.address;
    a->a.failure = a->net.why[0] ? a->net.why : NULL;
    return &a->a;
}

int64_t epode_session_resume_s(const epode_session *s)
{
    return s->resume_s;
}

int64_t epode_session_ready_us(const epode_session *s)
{
    return s->ready_us;
}

size_t epode_session_fallback_count(const epode_session *s)
{
    return s->fallback_count;
}

const epode_fallback *epode_session_fallback_at(const epode_session *s, size_t i)
{
    return i < s->fallback_count ? &s->fallbacks[i] : NULL;
}

int64_t epode_session_synced_us(const epode_session *s)
{
    return s->synced_us;
}

uint64_t epode_session_new_messages(const epode_session *s)
{
    return s->new_messages;
}
