/* features.c: what is offered before authentication, and what of it a fast start needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

#define SASL2 "urn:xmpp:sasl:2"
#define BIND2 "urn:xmpp:bind:0"

void doctor_misses(doctor *d, const char *what)
{
    size_t used = strlen(d->missing);
    snprintf(d->missing + used, sizeof d->missing - used, "%s%s", used ? ", " : "", what);
}

/* Of Bind 2's inline list, or of SASL2's own. */
static bool has_inline(const tree *t, int scope, const char *var)
{
    for (int i = -1; scope >= 0 && (i = tree_find(t, scope, i, NULL, "feature")) >= 0;) {
        const char *value = node_attribute(tree_at(t, i), "var");
        if (value && strcmp(value, var) == 0)
            return true;
    }
    return false;
}

static void check_bind2(doctor *d, int sasl2)
{
    static const struct {
        const char *ns, *name;
        bool needed;
    } inlines[] = { { "urn:xmpp:carbons:2", "carbons", true }, { "urn:xmpp:sm:3", "stream management", true }, { "urn:xmpp:csi:0", "client state", false } };
    const tree *t = d->features;
    int bind = tree_find(t, sasl2, -1, BIND2, "bind");
    char have[120] = "", lack[120] = "";
    if (bind < 0) {
        report_say(&d->report, MARK_WARN, "bind2", "offer Bind 2 (XEP-0386): the resource then is bound along with the login", "no Bind 2");
        doctor_misses(d, "Bind 2");
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        char *list = has_inline(t, bind, inlines[i].ns) ? have : lack;
        size_t used = strlen(list);
        snprintf(list + used, sizeof have - used, "%s%s", used ? ", " : "", inlines[i].name);
        if (list == lack && inlines[i].needed)
            doctor_misses(d, inlines[i].name);
    }
    report_say(&d->report, *lack ? MARK_WARN : MARK_OK, "bind2", *lack ? "what is not inline is asked for afterwards" : NULL,
               "Bind 2 with %s%s%s", *have ? have : "nothing inline", *lack ? "; not inline: " : "", lack);
}

static void check_fast(doctor *d, int sasl2)
{
    char mechanisms[300];
    int fast = tree_find(d->features, sasl2, -1, "urn:xmpp:fast:0", "fast");
    tree_texts(d->features, fast, "urn:xmpp:fast:0", "mechanism", mechanisms, sizeof mechanisms);
    if (fast < 0) {
        report_say(&d->report, MARK_WARN, "fast", "offer FAST (XEP-0484): a returning client then logs in with a token, in one step", "no FAST");
        doctor_misses(d, "FAST");
        return;
    }
    bool bound = strstr(mechanisms, "-EXPR") || strstr(mechanisms, "-ENDP");
    report_say(&d->report, bound ? MARK_OK : MARK_WARN, "fast", bound ? NULL : "offer HT-SHA-256-EXPR: tokens then are bound to the TLS connection",
               "FAST with %s", mechanisms);
}

static void check_sasl2(doctor *d)
{
    const tree *t = d->features;
    char mechanisms[400];
    int sasl2 = tree_find(t, 0, -1, SASL2, "authentication");
    if (sasl2 < 0) {
        report_say(&d->report, MARK_WARN, "sasl2", "offer SASL2 (XEP-0388), Bind 2 and FAST: a start then is one wait instead of three and more",
                   "no SASL2: every client logs in step by step");
        doctor_misses(d, "SASL2");
        return;
    }
    /* Those of FAST have a namespace of their own. */
    tree_texts(t, sasl2, SASL2, "mechanism", mechanisms, sizeof mechanisms);
    report_say(&d->report, MARK_OK, "sasl2", NULL, "SASL2 with %s", mechanisms);
    check_bind2(d, sasl2);
    check_fast(d, sasl2);
    if (tree_find(t, sasl2, -1, "urn:xmpp:sm:3", "sm") < 0) {
        report_say(&d->report, MARK_WARN, "resume-inline", "let sessions be resumed inside of SASL2 (XEP-0198, 9)", "sessions cannot be resumed along with the login");
        doctor_misses(d, "inline resumption");
    } else {
        report_say(&d->report, MARK_OK, "resume-inline", NULL, "sessions can be resumed along with the login");
    }
}

static void check_mechanisms(doctor *d)
{
    static const char ns[] = "urn:ietf:params:xml:ns:xmpp-sasl";
    char mechanisms[400], types[200] = "";
    const tree *t = d->features;
    tree_texts(t, 0, ns, "mechanism", mechanisms, sizeof mechanisms);
    if (*mechanisms)
        report_say(&d->report, MARK_OK, "sasl", NULL, "SASL (RFC 6120) with %s", mechanisms);
    else
        report_say(&d->report, MARK_NOTE, "sasl", NULL, "no SASL of RFC 6120");
    size_t used = strlen(mechanisms);
    tree_texts(t, 0, SASL2, "mechanism", mechanisms + used, sizeof mechanisms - used);
    if (!strstr(mechanisms, "SCRAM-"))
        report_say(&d->report, strstr(mechanisms, "PLAIN") ? MARK_WARN : MARK_NOTE, "scram", "offer SCRAM: the password then never leaves the client",
                   "no SCRAM");
    for (int i = -1; (i = tree_find(t, 0, i, "urn:xmpp:sasl-cb:0", "channel-binding")) >= 0;) {
        const char *type = node_attribute(tree_at(t, i), "type");
        used = strlen(types);
        snprintf(types + used, sizeof types - used, "%s%s", used ? ", " : "", type ? type : "?");
    }
    const char *advice = "offer -PLUS mechanisms and say with which types (XEP-0440): who sits in between is noticed then";
    bool plus = strstr(mechanisms, "-PLUS");
    if (*types && plus)
        report_say(&d->report, MARK_OK, "channel-binding", NULL, "channel binding by %s", types);
    else if (*types)
        report_say(&d->report, MARK_WARN, "channel-binding", advice, "channel binding by %s, but for no password's mechanism", types);
    else
        report_say(&d->report, plus ? MARK_NOTE : MARK_WARN, "channel-binding", plus ? NULL : advice,
                   plus ? "channel binding, but its types are not said (XEP-0440)" : "no channel binding");
}

/* A phone's radio stays awake for some ten seconds after each byte. */
static void check_idle(doctor *d, const char *seconds)
{
    long n = seconds ? strtol(seconds, NULL, 10) : 0;
    if (n > 0 && n < 300)
        report_say(&d->report, MARK_WARN, "battery", "let quiet clients live for 10 minutes and more, and find dead ones by stream management",
                   "a client that is quiet has to write every %ld s to stay connected: that keeps phones awake", n);
}

static void check_rest(doctor *d)
{
    const tree *t = d->features;
    int limits = tree_find(t, 0, -1, "urn:xmpp:stream-limits:0", "limits");
    const node *bytes = tree_at(t, limits < 0 ? -1 : tree_find(t, limits, -1, NULL, "max-bytes"));
    const node *idle = tree_at(t, limits < 0 ? -1 : tree_find(t, limits, -1, NULL, "idle-seconds"));
    bool pipelining = tree_find(t, 0, -1, "urn:xmpp:features:pipelining", "pipelining") >= 0;
    report_say(&d->report, MARK_NOTE, "pipelining", NULL, pipelining ? "pipelining is announced (XEP-0305)" : "pipelining is not announced (XEP-0305): the first message of a login is sent ahead, no more");
    if (limits >= 0)
        report_say(&d->report, MARK_NOTE, "limits", NULL, "before authentication a stanza may have %s bytes, idle ends after %s s (XEP-0478)",
                   bytes && bytes->text ? bytes->text : "any number of", idle && idle->text ? idle->text : "an unknown number of");
    else
        report_say(&d->report, MARK_NOTE, "limits", NULL, "no limits are said (XEP-0478)");
    check_idle(d, idle ? idle->text : NULL);
    if (tree_find(t, 0, -1, "urn:xmpp:bind2:0", NULL) >= 0)
        report_say(&d->report, MARK_NOTE, "bind2-draft", NULL, "Bind 2 as it was drafted first is offered");
}

void doctor_features(doctor *d)
{
    report_area(&d->report, "Before authentication");
    if (!d->features) {
        report_say(&d->report, MARK_BAD, "features", "mend what is marked above", "no server could be brought to say what it offers");
        return;
    }
    check_sasl2(d);
    check_mechanisms(d);
    check_rest(d);
}
