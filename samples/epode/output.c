/* output.c: what people and programs get to read. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

void cli_print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    fputc('\n', stdout);
    fflush(stdout);
    json_decref(object);
}

/* How many bytes stand at p that a terminal might obey, or that turn the writing around; 0: none. In UTF-8: C0, DEL,
 * U+0080 to U+009F, U+2028 to U+202E, U+2066 to U+2069. */
static size_t harmful(const unsigned char *p)
{
    if (*p < 0x20 || *p == 0x7f)
        return 1;
    if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
        return 2;
    bool turns = p[0] == 0xe2 && ((p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
                                  (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
    return turns ? 3 : 0;
}

void cli_print_clean(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)(text ? text : ""); *p;) {
        size_t n = harmful(p);
        if (!n)
            putchar(*p);
        else if (*p == '\n')
            fputs("\n    ", stdout); /* a line of its own begins with the time */
        else
            putchar(*p == '\t' ? ' ' : '?');
        p += n ? n : 1;
    }
}

int cli_exit_code(epode_status status)
{
    switch (status) {
    case EPODE_OK: return EXIT_OK;
    case EPODE_EDNS:
    case EPODE_ECONNECT:
    case EPODE_ETLS:
    case EPODE_EPROXY:
    case EPODE_ETIMEOUT: return EXIT_NETWORK;
    case EPODE_EAUTH:
    case EPODE_ECANCELLED:
    case EPODE_EDOWNGRADE:
    case EPODE_EBIND:
    case EPODE_ECONFLICT: return EXIT_LOGIN;
    case EPODE_ECERT: return EXIT_TRUST;
    case EPODE_EBUSY:
    case EPODE_ESTORE:
    case EPODE_ESTORE_CORRUPT:
    case EPODE_ESTORE_NEWER:
    case EPODE_ESTORE_FULL: return EXIT_STORE;
    case EPODE_ESTREAM:
    case EPODE_EPROTO:
    case EPODE_ELIMIT:
    case EPODE_ESTANZA: return EXIT_SERVER;
    case EPODE_EINVAL: return EXIT_USAGE;
    default: return EXIT_OTHER;
    }
}

static int fail(const cli_options *o, epode_status status, const char *condition, const char *text, bool final)
{
    fprintf(stderr, "epode: %s (%s)\n", text, epode_status_name(status));
    if (o->json)
        cli_print_json(json_pack("{s:{s:s,s:s?,s:s,s:b}}", "error", "status", epode_status_name(status), "condition",
                                 condition, "text", text, "final", final));
    return cli_exit_code(status);
}

int cli_fail(const cli_options *o, const epode_error *e)
{
    return fail(o, epode_error_status(e), epode_error_condition(e), epode_error_text(e), epode_error_is_final(e));
}

int cli_fail_answer(const cli_options *o, const epode_iq_answer *answer)
{
    char text[160];
    if (answer->outcome != EPODE_IQ_ERROR)
        return fail(o, answer->outcome == EPODE_IQ_TIMEOUT ? EPODE_ETIMEOUT : EPODE_ECANCELLED, NULL,
                    "no answer came to the request", false);
    snprintf(text, sizeof text, "the server refused: %s", answer->condition);
    return fail(o, EPODE_ESTANZA, answer->condition, text, false);
}

int cli_fail_text(const cli_options *o, epode_status status, const char *text)
{
    return fail(o, status, NULL, text, true);
}

static const char *bind_name(epode_bind b)
{
    static const char *const names[] = { "none", "bind2", "bind2-draft", "rfc6120", "resumed" };
    return names[b];
}

static const char *token_name(epode_token t)
{
    static const char *const names[] = { "none", "used", "new", "rotated" };
    return names[t];
}

static json_t *ms(int64_t us)
{
    return json_real((double)us / 1000.0);
}

static json_t *flights_json(const epode_session *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < epode_session_flight_count(s); i++) {
        const epode_flight *f = epode_session_flight_at(s, i);
        json_t *o = json_pack("{s:s,s:s,s:o,s:I,s:I}", "layer", f->layer, "held", f->held, "sent_ms", ms(f->sent_us),
                              "bytes_out", (json_int_t)f->bytes_out, "bytes_in", (json_int_t)f->bytes_in);
        json_object_set_new(o, "waits", json_integer(f->waits));
        json_object_set_new(o, "answered_ms", f->answered_us ? ms(f->answered_us) : json_null());
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *attempts_json(const epode_session *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < epode_session_attempt_count(s); i++) {
        const epode_attempt *a = epode_session_attempt_at(s, i);
        json_t *o = json_pack("{s:s,s:s,s:i,s:b,s:b,s:o,s:o,s:s?}", "host", a->host, "address", a->address, "port", (int)a->port,
                              "direct", a->direct, "won", a->won, "began_ms", ms(a->began_us), "ended_ms", ms(a->ended_us),
                              "failure", a->failure);
        json_object_set_new(o, "tcp_ms", a->tcp_us ? ms(a->tcp_us) : json_null());
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *fallbacks_json(const epode_session *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < epode_session_fallback_count(s); i++) {
        const epode_fallback *f = epode_session_fallback_at(s, i);
        json_array_append_new(list, json_pack("{s:s,s:s}", "what", f->what, "why", f->why));
    }
    return list;
}

/* Of each wish that was not granted, the reason. */
static json_t *lacks_json(const epode_session *s)
{
    static const struct {
        epode_feature feature;
        const char *name;
    } rows[] = { { EPODE_FEATURE_CARBONS, "carbons" }, { EPODE_FEATURE_SM, "sm" }, { EPODE_FEATURE_CSI, "csi" } };
    json_t *o = json_object();
    for (size_t i = 0; i < 3; i++) {
        const char *why;
        if (!epode_session_has(s, rows[i].feature, &why))
            json_object_set_new(o, rows[i].name, json_string(why));
    }
    return o;
}

/* What the server itself counts; null: it does not say. */
static json_t *server_unreads_json(const epode_session *s)
{
    int n = epode_session_unread_count(s);
    json_t *list = n < 0 ? json_null() : json_array();
    for (int i = 0; i < n; i++) {
        const epode_unread *u = epode_session_unread_at(s, i);
        json_array_append_new(list, json_pack("{s:s,s:s?,s:I}", "jid", u->jid, "read_id", u->read_id, "count",
                                              (json_int_t)u->count));
    }
    return list;
}

static const char *known(const char *text)
{
    return *text ? text : NULL;
}

static json_t *left_out_json(const epode_session *s)
{
    json_t *list = json_array();
    for (size_t i = 0; epode_session_left_out_at(s, i); i++)
        json_array_append_new(list, json_string(epode_session_left_out_at(s, i)));
    return list;
}

json_t *cli_session_json(const epode_session *s)
{
    epode_tls_info tls = { .size = sizeof tls };
    epode_waits w = { .size = sizeof w };
    epode_archive_info a = { .size = sizeof a };
    epode_session_tls(s, &tls);
    epode_session_waits(s, &w);
    json_t *o = json_pack(
        "{s:s,s:b,s:s,s:s,s:s,s:{s:s?,s:s?,s:b,s:b,s:b},s:b,s:b,s:b}", "jid", epode_session_jid(s), "resumed",
        epode_session_is_resumed(s), "bind", bind_name(epode_session_bind(s)), "mechanism", epode_session_mechanism(s),
        "token", token_name(epode_session_token(s)), "tls", "version", known(tls.version), "cipher", known(tls.cipher), "resumed",
        tls.resumed, "early_data", tls.early_data, "direct", tls.direct, "carbons",
        epode_session_has(s, EPODE_FEATURE_CARBONS, NULL), "sm", epode_session_has(s, EPODE_FEATURE_SM, NULL), "csi",
        epode_session_has(s, EPODE_FEATURE_CSI, NULL));
    json_object_set_new(o, "transport", json_string(epode_session_transport(s)));
    json_object_set_new(o, "left_out", left_out_json(s));
    json_object_set_new(o, "why_not", lacks_json(s));
    json_object_set_new(o, "endpoint", json_pack("{s:s,s:s,s:i}", "host", tls.host, "address", tls.address, "port", (int)tls.port));
    json_object_set_new(o, "waits", json_pack("{s:i,s:i,s:i,s:i,s:i}", "total", (int)(w.dns + w.tcp + w.tls + w.xmpp),
                                              "dns", (int)w.dns, "tcp", (int)w.tcp, "tls", (int)w.tls, "xmpp", (int)w.xmpp));
    json_object_set_new(o, "flights", flights_json(s));
    json_object_set_new(o, "attempts", attempts_json(s));
    json_object_set_new(o, "ready_ms", ms(epode_session_ready_us(s)));
    int64_t synced = epode_session_synced_us(s);
    json_object_set_new(o, "synced_ms", synced < 0 ? json_null() : ms(synced));
    json_object_set_new(o, "new_messages", json_integer((json_int_t)epode_session_new_messages(s)));
    json_object_set_new(o, "archive", epode_session_archive(s, &a)
                                          ? json_pack("{s:s?,s:s?}", "first_id", a.first_id, "last_id", a.last_id)
                                          : json_null());
    json_object_set_new(o, "server_unreads", server_unreads_json(s));
    json_object_set_new(o, "fallbacks", fallbacks_json(s));
    return o;
}

void cli_session_print(const epode_session *s)
{
    epode_tls_info tls = { .size = sizeof tls };
    epode_waits w = { .size = sizeof w };
    const char *carbons, *sm, *csi;
    epode_session_tls(s, &tls);
    epode_session_waits(s, &w);
    bool has_carbons = epode_session_has(s, EPODE_FEATURE_CARBONS, &carbons);
    bool has_sm = epode_session_has(s, EPODE_FEATURE_SM, &sm);
    bool has_csi = epode_session_has(s, EPODE_FEATURE_CSI, &csi);
    printf("%s\n", epode_session_jid(s));
    printf("  %s, %s, token %s\n", bind_name(epode_session_bind(s)), epode_session_mechanism(s),
           token_name(epode_session_token(s)));
    printf("  %s%s%s, %s port %u (%s)\n", *tls.version ? tls.version : "TLS", tls.resumed ? ", resumed" : "", tls.direct ? "" : ", STARTTLS",
           tls.host, tls.port, tls.address);
    printf("  carbons %s, stream management %s, client state %s\n", has_carbons ? "on" : carbons, has_sm ? "on" : sm,
           has_csi ? "on" : csi);
    for (size_t i = 0; epode_session_left_out_at(s, i); i++)
        printf("%s%s%s", i ? ", " : "  over libstrophe's connection, without ", epode_session_left_out_at(s, i),
               epode_session_left_out_at(s, i + 1) ? "" : "\n");
    printf("\n  %8s %8s  %-5s %s\n", "at ms", "took ms", "layer", "held");
    for (size_t i = 0; i < epode_session_flight_count(s); i++) {
        const epode_flight *f = epode_session_flight_at(s, i);
        printf("  %8.1f %8.1f  %-5s %s\n", (double)f->sent_us / 1000.0,
               f->answered_us ? (double)(f->answered_us - f->sent_us) / 1000.0 : 0.0, f->layer, f->held);
    }
    for (size_t i = 0; i < epode_session_fallback_count(s); i++) {
        char words[256];
        printf("  guessed wrong: %s\n", cli_fallback_words(epode_session_fallback_at(s, i), words, sizeof words));
    }
    if (epode_session_synced_us(s) >= 0)
        printf("\n  synced after %.1f ms, %llu new messages\n", (double)epode_session_synced_us(s) / 1000.0,
               (unsigned long long)epode_session_new_messages(s));
    printf("\n  ready after %.1f ms and %u waits: dns %u, tcp %u, tls %u, xmpp %u\n",
           (double)epode_session_ready_us(s) / 1000.0, w.dns + w.tcp + w.tls + w.xmpp, w.dns, w.tcp, w.tls, w.xmpp);
    fflush(stdout);
}
