/* doctor.c: epode doctor JID: every step by itself, and what is wrong or slow in words. */
#include <idna.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

static doctor *of_context(SSL *ssl)
{
    return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0);
}

static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
    doctor *d = of_context(ssl);
    SSL_SESSION_free(d->session);
    d->session = session; /* ours now */
    d->tickets++;
    return 1;
}

/* Everything is looked at, also where a client would stop: so no certificate ends the handshake. */
static bool make_context(doctor *d)
{
    d->context = SSL_CTX_new(TLS_client_method());
    if (!d->context)
        return false;
    SSL_CTX_set_min_proto_version(d->context, TLS1_2_VERSION);
    SSL_CTX_set_verify(d->context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(d->context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(d->context, on_ticket);
    SSL_CTX_set_ex_data(d->context, 0, d);
    return d->o->ca ? SSL_CTX_load_verify_locations(d->context, d->o->ca, NULL) == 1 : SSL_CTX_set_default_verify_paths(d->context) == 1;
}

/* The JID's parts; the SDK says whether it is one. */
static bool read_jid(doctor *d)
{
    int code;
    cli_options o = *d->o;
    o.scratch = true;
    epode_client *client = cli_client(&o, NULL, NULL, &code);
    epode_client_free(client);
    if (!client)
        return false;
    d->jid = strndup(o.jid, strcspn(o.jid, "/"));
    const char *at = d->jid ? strchr(d->jid, '@') : NULL;
    if (!at)
        return false;
    snprintf(d->domain, sizeof d->domain, "%s", at + 1);
    char *ascii = NULL;
    if (idna_to_ascii_8z(d->domain, &ascii, IDNA_ALLOW_UNASSIGNED) == IDNA_SUCCESS)
        snprintf(d->ascii, sizeof d->ascii, "%s", ascii);
    free(ascii);
    if (!d->ascii[0])
        memcpy(d->ascii, d->domain, sizeof d->ascii);
    return true;
}

static int exit_code(const doctor *d)
{
    if (d->logged_in)
        return EXIT_OK;
    if (d->certificate_bad)
        return EXIT_TRUST;
    return cli_exit_code(d->login_status ? d->login_status : EPODE_ECONNECT);
}

static void conclude(doctor *d)
{
    report *r = &d->report;
    if (r->json) {
        cli_print_json(json_pack("{s:s,s:b,s:{s:i,s:i,s:i,s:i},s:O,s:O}", "jid", d->jid, "login", d->logged_in, "counts", "ok",
                                 (int)r->counts[MARK_OK], "note", (int)r->counts[MARK_NOTE], "warn", (int)r->counts[MARK_WARN],
                                 "bad", (int)r->counts[MARK_BAD], "checks", r->checks, "logins", d->logins));
        return;
    }
    printf("\n%s: %u ok, %u to note, %u slow or weak, %u wrong\n",
           d->logged_in ? "A login works" : "No login works", r->counts[MARK_OK], r->counts[MARK_NOTE],
           r->counts[MARK_WARN], r->counts[MARK_BAD]);
}

int cmd_doctor(cli_options *o)
{
    doctor *d = calloc(1, sizeof *d);
    int code = EXIT_USAGE;
    if (!d)
        return EXIT_OTHER;
    if (o->arg_count == 1)
        o->jid = o->args[0];
    d->o = o;
    d->step_ms = o->timeout_s < 5 ? o->timeout_s * 1000 : 5000;
    d->logins = json_array();
    report_open(&d->report, o->json);
    cli_catch_signals();
    if (!o->jid || o->arg_count > 1) {
        code = cli_fail_text(o, EPODE_EINVAL, "usage: epode doctor JID");
    } else if (cli_password(o, &code) && read_jid(d)) {
        if (!o->oauth_token && !o->cert)
            cli_ask_ahead(o); /* once, not by every login */
        o->asked_ahead = true;
        if (!make_context(d)) {
            code = cli_fail_text(o, EPODE_ECERT, "the trusted authorities cannot be read");
        } else {
            doctor_dns(d);
            doctor_endpoints(d);
            doctor_features(d);
            doctor_logins(d);
            conclude(d);
            code = exit_code(d);
        }
    }
    report_close(&d->report);
    json_decref(d->logins);
    tree_free(d->features);
    SSL_SESSION_free(d->session);
    SSL_CTX_free(d->context);
    free(d->jid);
    free(d);
    return code;
}
