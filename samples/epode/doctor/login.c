/* login.c: logins as an application makes them, with a store in memory: cold, warm, resumed, and by RFC 6120 alone. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

enum { PAGE = 300 };

typedef struct login {
    doctor *d;
    epode_client *client;
    bool ready, stopped;
    epode_status status; /* why it stopped */
    char why[240];
    const char *id;      /* of the iq that is waited for */
    tree *answer;        /* to it */
    unsigned results;    /* of the archive that came meanwhile */
} login;

/* --- events ----------------------------------------------------------------------------------------------- */

static void on_stanza(login *l, const epode_event *ev)
{
    tree *t = l->id ? tree_new() : NULL;
    if (!t || !tree_feed(t, ev->xml, ev->xml_len)) {
        tree_free(t);
        return;
    }
    const char *id = node_attribute(tree_at(t, 0), "id");
    if (tree_find(t, 0, -1, "urn:xmpp:mam:2", "result") >= 0)
        l->results++;
    if (strcmp(tree_at(t, 0)->name, "iq") == 0 && id && strcmp(id, l->id) == 0 && !l->answer)
        l->answer = t;
    else
        tree_free(t);
}

static void on_event(epode_client *client, const epode_event *ev, void *user)
{
    login *l = user;
    (void)client;
    if (ev->type == EPODE_EV_STANZA) {
        on_stanza(l, ev);
    } else if (ev->type == EPODE_EV_STATE) {
        l->ready = ev->state == EPODE_READY;
        l->stopped = ev->state == EPODE_STOPPED;
        if (ev->error) {
            l->status = epode_error_status(ev->error);
            snprintf(l->why, sizeof l->why, "%s%s%s", epode_error_text(ev->error), epode_error_condition(ev->error) ? ": " : "",
                     epode_error_condition(ev->error) ? epode_error_condition(ev->error) : "");
        }
    }
}

/* Until *done, or the client stopped, or the time is over. */
static void run(login *l, bool (*done)(const login *l), unsigned timeout_ms)
{
    int64_t until = now_us() + (int64_t)timeout_ms * 1000;
    while (!done(l) && !l->stopped && !cli_interrupted) {
        epode_status st;
        while ((st = epode_client_process(l->client)) == EPODE_OK)
            ;
        int64_t left = (until - now_us()) / 1000;
        struct pollfd p = { .fd = epode_client_fd(l->client), .events = POLLIN };
        if (done(l) || l->stopped)
            return;
        if (left <= 0 || (poll(&p, 1, (int)left) < 0 && errno != EINTR))
            return;
    }
}

static bool is_ready(const login *l)
{
    return l->ready;
}

static bool is_answered(const login *l)
{
    return l->answer;
}

static bool never(const login *l)
{
    (void)l;
    return false;
}

static bool start(login *l)
{
    l->ready = l->stopped = false;
    l->status = EPODE_OK;
    epode_client_start(l->client);
    /* The client has its own deadline; this one is for what nobody thought of. */
    run(l, is_ready, l->d->o->timeout_s * 1000 + 5000);
    return l->ready;
}

static void end(login *l, int how)
{
    l->ready = false;
    epode_client_stop(l->client, how);
    run(l, never, l->d->step_ms);
}

/* --- questions within a session --------------------------------------------------------------------------- */

/* The answer, owned by the login until the next question; NULL: none came. */
static const tree *ask(login *l, const char *id, const char *type, const char *to, const char *payload)
{
    char xml[1200];
    tree_free(l->answer);
    l->answer = NULL;
    l->id = id;
    l->results = 0;
    snprintf(xml, sizeof xml, "<iq xmlns='jabber:client' type='%s' id='%s'%s%s%s>%s</iq>", type, id, to ? " to='" : "", to ? to : "",
             to ? "'" : "", payload);
    if (epode_send_xml(l->client, xml, strlen(xml)) == EPODE_OK)
        run(l, is_answered, l->d->step_ms);
    l->id = NULL;
    return l->answer;
}

static bool is_error(const tree *t)
{
    const char *type = node_attribute(tree_at(t, 0), "type");
    return !type || strcmp(type, "error") == 0;
}

static void check_software(login *l)
{
    const tree *t = ask(l, "doctor-version", "get", l->d->domain, "<query xmlns='jabber:iq:version'/>");
    if (!t || is_error(t))
        return;
    const node *name = tree_at(t, tree_find(t, 0, -1, "jabber:iq:version", "name"));
    const node *version = tree_at(t, tree_find(t, 0, -1, "jabber:iq:version", "version"));
    if (name && name->text)
        report_say(&l->d->report, MARK_NOTE, "software", NULL, "the server is %s %s", name->text, version && version->text ? version->text : "");
}

static bool has_feature(const tree *t, const char *var)
{
    for (int i = -1; (i = tree_find(t, 0, i, "http://jabber.org/protocol/disco#info", "feature")) >= 0;) {
        const char *value = node_attribute(tree_at(t, i), "var");
        if (value && strcmp(value, var) == 0)
            return true;
    }
    return false;
}

/* The last page, asked for generously: how many come is the server's limit if there are more. */
static void check_page(login *l)
{
    char query[300];
    snprintf(query, sizeof query, "<query xmlns='urn:xmpp:mam:2' queryid='doctor'><set xmlns='http://jabber.org/protocol/rsm'>"
             "<max>%d</max><before/></set></query>", PAGE);
    const tree *t = ask(l, "doctor-page", "set", NULL, query);
    if (!t || is_error(t)) {
        const node *why = t ? tree_at(t, tree_find(t, 0, -1, "urn:ietf:params:xml:ns:xmpp-stanzas", NULL)) : NULL;
        report_say(&l->d->report, MARK_BAD, "archive", "look into the server's log", "the archive cannot be read: %s",
                   why ? why->name : t ? "an error" : "no answer");
        return;
    }
    const char *complete = node_attribute(tree_at(t, tree_find(t, 0, -1, "urn:xmpp:mam:2", "fin")), "complete");
    bool all = complete && (strcmp(complete, "true") == 0 || strcmp(complete, "1") == 0);
    if (all)
        report_say(&l->d->report, MARK_OK, "archive", NULL, "the archive holds %u messages and gives them in one page", l->results);
    else if (l->results < PAGE)
        report_say(&l->d->report, l->results < 100 ? MARK_WARN : MARK_OK, "archive-page",
                   l->results < 100 ? "allow 250 and more: each page of a catch-up is a wait" : NULL, "the archive gives pages of %u messages", l->results);
    else
        report_say(&l->d->report, MARK_OK, "archive-page", NULL, "the archive gives pages of %d messages and more", PAGE);
}

/* Displayed positions (XEP-0490) and bookmarks (XEP-0402) want a private node that keeps an item for each conversation. */
static void check_nodes(login *l, const tree *account)
{
    if (has_feature(account, "http://jabber.org/protocol/pubsub#publish-options") &&
        has_feature(account, "http://jabber.org/protocol/pubsub#config-node-max"))
        report_say(&l->d->report, MARK_OK, "private-nodes", NULL, "displayed positions and bookmarks can be shared between devices");
    else
        report_say(&l->d->report, MARK_WARN, "private-nodes",
                   "update the server (Prosody 0.12, ejabberd 24), or enable XEP-0163: devices otherwise do not know what was read on others",
                   "displayed positions and bookmarks cannot be shared: no private nodes that keep every item");
}

static void check_account(login *l)
{
    const tree *t = ask(l, "doctor-account", "get", l->d->jid, "<query xmlns='http://jabber.org/protocol/disco#info'/>");
    if (!t || is_error(t)) {
        report_say(&l->d->report, MARK_WARN, "account", "look into the server's log", "the account does not say what it can do: %s", t ? "an error" : "no answer");
        return;
    }
    check_nodes(l, t);
    bool archive = has_feature(t, "urn:xmpp:mam:2"), ids = has_feature(t, "urn:xmpp:sid:0");
    if (!archive) {
        report_say(&l->d->report, MARK_WARN, "archive", "enable message archives (XEP-0313): what comes while a client is away is lost otherwise", "no message archive");
        return;
    }
    if (!ids)
        report_say(&l->d->report, MARK_WARN, "stanza-ids", "enable XEP-0359", "messages do not carry their archive's id: live ones are found again only by reading the archive");
    check_page(l);
}

static void check_session(login *l, const epode_session *s)
{
    static const struct {
        epode_feature feature;
        const char *check, *name, *advice;
    } rows[] = {
        { EPODE_FEATURE_CARBONS, "carbons", "carbons", "enable XEP-0280: the account's other devices see what is said otherwise only in the archive" },
        { EPODE_FEATURE_SM, "sm", "stream management", "enable XEP-0198: what is on the way when a connection breaks is lost otherwise" },
        { EPODE_FEATURE_CSI, "csi", "client state", "enable XEP-0352: a client in the background is woken for everything otherwise" },
    };
    check_software(l);
    check_account(l);
    /* Last: features may come behind ready. */
    for (size_t i = 0; i < 3; i++) {
        const char *why;
        bool on = epode_session_has(s, rows[i].feature, &why);
        if (on)
            report_say(&l->d->report, MARK_OK, rows[i].check, NULL, "%s", rows[i].name);
        else
            report_say(&l->d->report, MARK_WARN, rows[i].check, rows[i].advice, "no %s: %s", rows[i].name, why);
    }
}

/* Offered, and not used although there was a password: the server refused it. */
static void check_binding(login *l, const epode_session *s)
{
    const char *used = epode_session_mechanism(s);
    const tree *t = l->d->features;
    char all[400] = "";
    if (t)
        tree_texts(t, 0, NULL, "mechanism", all, sizeof all);
    if (strstr(all, "-PLUS") && strncmp(used, "SCRAM-", 6) == 0 && !strstr(used, "-PLUS"))
        report_say(&l->d->report, MARK_WARN, "channel-binding-refused", "offer what TLS 1.3 has (tls-exporter, RFC 9266), or no -PLUS mechanisms",
                   "channel binding is offered, but was refused: each first login loses a wait by it");
}

/* --- the ways in ------------------------------------------------------------------------------------------ */

static const char *bind_words(epode_bind b)
{
    static const char *const words[] = { "nothing bound", "Bind 2", "Bind 2 as drafted", "RFC 6120 bind", "resumed" };
    return words[b];
}

static void keep(login *l, const char *path)
{
    json_t *o = cli_session_json(epode_client_session(l->client));
    json_object_set_new(o, "path", json_string(path));
    json_array_append_new(l->d->logins, o);
}

static void tell_login(login *l, const char *path, const char *name)
{
    const epode_session *s = epode_client_session(l->client);
    epode_waits w = { .size = sizeof w };
    char words[256];
    epode_session_waits(s, &w);
    unsigned total = w.dns + w.tcp + w.tls + w.xmpp;
    report_say(&l->d->report, MARK_OK, path, NULL, "%s: %s, %s, ready after %.1f ms and %u waits (DNS %u, TCP %u, TLS %u, XMPP %u)", name,
               epode_session_mechanism(s), bind_words(epode_session_bind(s)), (double)epode_session_ready_us(s) / 1000.0, total, w.dns, w.tcp, w.tls, w.xmpp);
    for (size_t i = 0; i < epode_session_fallback_count(s); i++)
        report_say(&l->d->report, MARK_WARN, "fallback", "the next start does not try it again", "%s: %s", name,
                   cli_fallback_words(epode_session_fallback_at(s, i), words, sizeof words));
    keep(l, path);
}

static void tell_failure(login *l, const char *path, const char *name)
{
    static const struct {
        epode_status status;
        const char *advice;
    } advice[] = {
        { EPODE_EAUTH, "look at the name and the password, or allow PLAIN with --allow-plain if nothing else is offered" },
        { EPODE_ECERT, "mend the certificate" },
        { EPODE_ETIMEOUT, "the server does not answer: look into its log" },
        { EPODE_EDNS, "mend DNS" },
        { EPODE_ECONNECT, "does the server listen there?" },
        { EPODE_EBIND, "too many sessions, or a resource that is taken?" },
    };
    const char *what = "look into the server's log";
    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++)
        if (advice[i].status == l->status)
            what = advice[i].advice;
    report_say(&l->d->report, MARK_BAD, path, what, "%s: %s (%s)", name, *l->why ? l->why : "no answer in time", epode_status_name(l->status ? l->status : EPODE_ETIMEOUT));
}

static bool open_client(login *l, doctor *d, int flags)
{
    int code;
    *l = (login){ .d = d };
    cli_options o = *d->o;
    o.scratch = true;
    o.flags |= flags | EPODE_NO_SYNC | EPODE_RAW_STANZAS;
    return (l->client = cli_client(&o, on_event, l, &code)) != NULL;
}

static void close_client(login *l)
{
    epode_client_free(l->client);
    tree_free(l->answer);
}

/* What it came down to: a returning client's waits. */
static void verdict(login *l)
{
    const epode_session *s = epode_client_session(l->client);
    epode_tls_info tls = { .size = sizeof tls };
    epode_waits w = { .size = sizeof w };
    epode_session_tls(s, &tls);
    epode_session_waits(s, &w);
    unsigned least = tls.direct ? 1 : 2;
    doctor *d = l->d;
    if (w.xmpp <= least)
        report_say(&d->report, MARK_OK, "one-wait", NULL, "a returning client waits %s for XMPP%s", tls.direct ? "once" : "twice", tls.direct ? "" : ", once of it for STARTTLS");
    else
        report_say(&d->report, MARK_WARN, "one-wait", "mend what is missing", "a returning client waits %u times for XMPP; missing for one wait: %s", w.xmpp,
                   *d->missing ? d->missing : "nothing that is known");
}

static void try_warm(login *l)
{
    doctor *d = l->d;
    if (!start(l)) {
        tell_failure(l, "login-warm", "coming back");
        return;
    }
    tell_login(l, "login-warm", "coming back");
    epode_token token = epode_session_token(epode_client_session(l->client));
    bool offered = d->features && tree_find(d->features, 0, -1, "urn:xmpp:fast:0", "fast") >= 0;
    if (offered && token != EPODE_TOKEN_USED && token != EPODE_TOKEN_ROTATED)
        report_say(&d->report, MARK_WARN, "token", "look at the server's FAST module", "FAST is offered, but no token was given or taken");
    verdict(l);
    const char *why;
    if (!epode_session_has(epode_client_session(l->client), EPODE_FEATURE_SM, &why))
        return;
    end(l, EPODE_STOP_RESUMABLE);
    if (!start(l)) {
        tell_failure(l, "login-resumed", "coming back to the same session");
        return;
    }
    const epode_session *s = epode_client_session(l->client);
    if (epode_session_is_resumed(s))
        tell_login(l, "login-resumed", "coming back to the same session");
    else
        report_say(&d->report, MARK_WARN, "login-resumed", "let sessions be resumed (XEP-0198): what is on the way when a connection breaks is repeated then",
                   "a session that was cut off could not be resumed");
}

/* As every server and client can. */
static void try_plain_rfc(doctor *d)
{
    login l;
    bool offered = d->features && tree_find(d->features, 0, -1, "urn:ietf:params:xml:ns:xmpp-sasl", "mechanism") >= 0;
    bool had = d->features && tree_find(d->features, 0, -1, "urn:xmpp:sasl:2", "authentication") >= 0;
    if (!offered || !had || !open_client(&l, d, EPODE_NO_SASL2))
        return;
    if (start(&l)) {
        tell_login(&l, "login-rfc6120", "without SASL2, as RFC 6120 has it");
        end(&l, EPODE_STOP_CLOSE);
    } else {
        tell_failure(&l, "login-rfc6120", "without SASL2, as RFC 6120 has it");
    }
    close_client(&l);
}

static void try_logins(doctor *d)
{
    login l;
    if (!open_client(&l, d, 0))
        return;
    report_area(&d->report, "Logins");
    if (start(&l)) {
        d->logged_in = true;
        tell_login(&l, "login-cold", "for the first time");
        check_binding(&l, epode_client_session(l.client));
        report_area(&d->report, "Session");
        check_session(&l, epode_client_session(l.client));
        doctor_phone(d, l.client);
        end(&l, EPODE_STOP_CLOSE);
        report_area(&d->report, "More logins");
        try_warm(&l);
        end(&l, EPODE_STOP_CLOSE);
        try_plain_rfc(d);
    } else {
        d->login_status = l.status ? l.status : EPODE_ETIMEOUT;
        tell_failure(&l, "login-cold", "for the first time");
    }
    close_client(&l);
}

void doctor_logins(doctor *d)
{
    bool any = false;
    for (int i = 0; i < d->count; i++)
        any = any || d->endpoints[i].tls;
    if (any && (d->o->password || d->o->oauth_token || d->o->cert)) {
        try_logins(d);
        return;
    }
    report_area(&d->report, "Logins");
    d->login_status = any ? EPODE_EAUTH : EPODE_ECONNECT;
    if (any)
        report_say(&d->report, MARK_NOTE, "login-none", "give a password (--password-file, EPODE_PASSWORD), an OAuth token or a certificate",
                   "no login was tried: there is nothing to log in with");
    else
        report_say(&d->report, MARK_BAD, "login-none", "mend what is marked above", "no login was tried: no server could be reached by TLS");
}
