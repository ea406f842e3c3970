/* phone.c: what a device that sleeps, and whose links die without a word, has of this server. */
#include "doctor.h"

#define SHORT_S 300

static void check_kept(doctor *d, const epode_session *s)
{
    int64_t kept = epode_session_resume_s(s);
    const char *advice = "keep sessions for ten minutes and more: a tunnel or a lift is over then";
    if (kept < 0)
        report_say(&d->report, MARK_WARN, "kept", "let sessions be resumed (XEP-0198)",
                   "a session ends with its link: every change of the network is a new one");
    else if (kept == 0)
        report_say(&d->report, MARK_NOTE, "kept", NULL, "for how long a session waits for its client is not said");
    else
        report_say(&d->report, kept < SHORT_S ? MARK_WARN : MARK_OK, "kept", kept < SHORT_S ? advice : NULL,
                   "a session whose link died waits %lld s for its client", (long long)kept);
}

static void check_dead_links(doctor *d, const epode_session *s)
{
    bool sm = epode_session_has(s, EPODE_FEATURE_SM, NULL);
    report_say(&d->report, MARK_NOTE, "dead-links", NULL,
               "a link that died is found 8 s after the device woke or changed its network, 30 s after something was sent%s, else "
               "by the system within ten minutes; to find it earlier costs battery (keepalive)",
               sm ? "" : " that is answered");
}

static void check_push(doctor *d, const epode_client *client)
{
    static const char feature[] = "urn:xmpp:push:0";
    epode_status st = epode_client_account_has(client, feature);
    if (st != EPODE_OK && epode_client_server_has(client, feature) == EPODE_OK)
        st = EPODE_OK;
    if (st == EPODE_OK)
        report_say(&d->report, MARK_OK, "push", NULL, "push notifications can be had (XEP-0357)");
    else if (st == EPODE_DONE)
        report_say(&d->report, MARK_WARN, "push", "enable XEP-0357: a sleeping phone is woken then when something comes",
                   "no push: a phone that sleeps hears of nothing");
}

void doctor_phone(doctor *d, const epode_client *client)
{
    const epode_session *s = epode_client_session(client);
    report_area(&d->report, "On a phone");
    check_kept(d, s);
    check_dead_links(d, s);
    check_push(d, client);
}
