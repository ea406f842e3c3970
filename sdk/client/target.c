/* target.c: where an attempt goes when not where discovery says: to the host that the server named (RFC 6120,
 * 4.9.3.19), or to where a session is kept (XEP-0198, 5). The certificate stays that of the JID's domain in any
 * case. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "client/internal.h"

#define HOPS_MAX 3
/* A location that is gone must not cost the whole connect. */
#define LOCATION_SHARE 3

/* "HOST", "HOST:PORT", "[v6]", "[v6]:PORT", and v6 alone; false: none of them. */
bool ep_target_parse(const char *text, char *host, size_t room, uint16_t *port)
{
    const char *bracket = *text == '[' ? strchr(text, ']') : NULL;
    const char *colon = strchr(bracket ? bracket : text, ':');
    bool bare6 = !bracket && colon && strchr(colon + 1, ':');
    const char *end = colon && !bare6 ? colon : text + strlen(text);
    uint64_t n = 0;
    if ((*text == '[') != (bracket != NULL) || (bracket && end != bracket + 1) || end == text)
        return false;
    if (*end && (!ep_str_u64(end + 1, &n) || !n || n > UINT16_MAX))
        return false;
    *port = (uint16_t)n;
    int len = snprintf(host, room, "%s%.*s%s", bare6 ? "[" : "", (int)(end - text), text, bare6 ? "]" : "");
    /* What is no name or address at all is for net to refuse; what could be taken for something else is not. */
    return len > 0 && (size_t)len < room && !strpbrk(host, "/@ \t\r\n");
}

void ep_target_begin(epode_client *c)
{
    /* A session that was sent away goes on from there; everything else begins at home. */
    if (!c->keep_target) {
        c->target_host[0] = '\0';
        c->target_port = 0;
        c->hops = 0;
    }
    c->keep_target = c->at_location = c->location_tried = c->redirect_due = false;
}

void ep_target_redirect(epode_client *c, const char *text)
{
    c->redirect_due = ep_target_parse(text, c->target_host, sizeof c->target_host, &c->target_port);
}

void ep_target_choose(epode_client *c, ep_net_config *config)
{
    const char *location = c->memory.has_sm ? c->memory.sm.location : NULL;
    char host[sizeof c->target_host];
    uint16_t port;
    c->at_location = false;
    if (!c->hops && location && !c->location_tried && ep_target_parse(location, host, sizeof host, &port)) {
        c->location_tried = c->at_location = true;
        memcpy(c->target_host, host, sizeof host);
        c->target_port = port;
        int64_t now = ep_loop_now_us(c->loop);
        config->deadline_us = now + (c->connect_deadline_us - now) / LOCATION_SHARE;
    } else if (!c->hops) {
        c->target_host[0] = '\0';
    }
    if (!c->target_host[0])
        return;
    config->host = c->target_host;
    config->port = c->target_port;
    config->dns_facts = NULL;
    config->dns_facts_n = 0;
}

/* Whether what ended this attempt only means another place. */
bool ep_target_again(epode_client *c, ep_error *err, bool ready)
{
    bool at_location = c->at_location && !ready, redirect = c->redirect_due;
    bool up = c->target_was_up;
    c->redirect_due = c->at_location = c->target_was_up = false;
    if (ready)
        c->hops = 0;
    if (redirect && c->hops >= HOPS_MAX) {
        ep_fail(err, EPODE_ELIMIT, 0, "the server sends its clients from host to host");
        ep_error_set_condition(err, "see-other-host");
        return false;
    }
    if (!c->wish || (!ready && ep_loop_now_us(c->loop) >= c->connect_deadline_us))
        return false;
    if (redirect) {
        c->hops++;
        ep_session_add_fallback(c->building, "host", "see-other-host");
        return true;
    }
    /* A login that failed there would fail anywhere; that the place is gone, or is another's, says nothing. */
    if (!at_location || (up && err->final))
        return false;
    ep_session_add_fallback(c->building, "location", epode_status_name(err->status));
    return true;
}
