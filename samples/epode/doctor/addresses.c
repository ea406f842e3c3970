/* addresses.c: from the domain to addresses and ports, as RFC 6120 (3.2) and XEP-0368 say. */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "doctor.h"

enum { SHORT_TTL_S = 60, SLOW_MS = 300 };

static void add_endpoint(doctor *d, const char *host, const struct sockaddr_storage *to, unsigned port, bool direct)
{
    endpoint *e = &d->endpoints[d->count];
    if (d->count == ENDPOINTS || (d->o->tls == EPODE_TLS_DIRECT && !direct) || (d->o->tls == EPODE_TLS_STARTTLS && direct))
        return;
    *e = (endpoint){ .port = port, .direct = direct, .to = *to };
    snprintf(e->host, sizeof e->host, "%s", host);
    getnameinfo((const struct sockaddr *)to, sizeof *to, e->address, sizeof e->address, NULL, 0, NI_NUMERICHOST);
    for (int i = 0; i < d->count; i++) {
        const endpoint *f = &d->endpoints[i];
        if (f->port == port && f->direct == direct && strcmp(f->address, e->address) == 0)
            return;
    }
    d->count++;
}

/* Of the addresses that this system itself knows (its hosts file, for one). */
static int from_system(const char *host, struct sockaddr_storage *out, int max)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found, *a;
    int n = 0;
    if (getaddrinfo(host, NULL, &hints, &found))
        return 0;
    for (a = found; a && n < max; a = a->ai_next)
        if (a->ai_family == AF_INET || a->ai_family == AF_INET6)
            memcpy(&out[n++], a->ai_addr, a->ai_addrlen);
    freeaddrinfo(found);
    return n;
}

static void tell_addresses(doctor *d, const char *host, const dns_answer *a, const char *kind)
{
    char list[300] = "", one[64];
    size_t used = 0;
    for (int i = 0; i < a->count && used < sizeof list; i++) {
        getnameinfo((const struct sockaddr *)&a->records[i].address, sizeof a->records[i].address, one, sizeof one, NULL, 0,
                    NI_NUMERICHOST);
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", one);
    }
    report_say(&d->report, MARK_OK, "dns-address", NULL, "%s has the %s %s (for %u s)", host, kind, list, a->ttl);
}

static void short_life(doctor *d, const char *name, const dns_answer *a)
{
    if (a->ttl < SHORT_TTL_S)
        report_say(&d->report, MARK_WARN, "dns-ttl", "give the record an hour or more: until it expires, a client needs no question",
                   "the answer about %s is good for %u s only", name, a->ttl);
    if (a->ms > SLOW_MS)
        report_say(&d->report, MARK_WARN, "dns-slow", "the name server is far away or busy", "%s took %.0f ms to answer", name, a->ms);
}

/* Both families asked apart: one may be missing. Returns how many addresses there are. */
static int addresses_of(doctor *d, const char *host, struct sockaddr_storage *out, int max)
{
    static const struct {
        int type;
        const char *kind;
    } families[] = { { ns_t_aaaa, "IPv6 address" }, { ns_t_a, "IPv4 address" } };
    char why[128] = "no such record";
    bool failed = false;
    int n = 0;
    for (size_t f = 0; f < 2; f++) {
        dns_answer a;
        dns_ask(&a, d->o->dns, host, families[f].type);
        if (a.state == DNS_OK) {
            tell_addresses(d, host, &a, families[f].kind);
            short_life(d, host, &a);
        } else if (a.state != DNS_NONE) {
            snprintf(why, sizeof why, "%s", dns_words(&a));
            failed = failed || a.state != DNS_NO_DOMAIN;
        }
        for (int i = 0; i < a.count && n < max; i++)
            out[n++] = a.records[i].address;
    }
    if (!n && !d->o->dns && (n = from_system(host, out, max)) > 0)
        report_say(&d->report, MARK_NOTE, "dns-system", NULL, "%s is known to this system, not to DNS", host);
    if (!n)
        report_say(&d->report, MARK_BAD, "dns-no-address", failed ? "look at the name server" : "add A and AAAA records, or mend the target of SRV",
                   "%s has no address: %s", host, why);
    return n;
}

static void add_host(doctor *d, const char *host, unsigned port, bool direct)
{
    struct sockaddr_storage found[DNS_RECORDS] = { 0 };
    /* Asked once, however many records name it. */
    for (int i = 0; i < d->count; i++)
        if (strcasecmp(d->endpoints[i].host, host) == 0) {
            struct sockaddr_storage to = d->endpoints[i].to;
            add_endpoint(d, host, &to, port, direct);
            if (i + 1 == d->count || strcasecmp(d->endpoints[i + 1].host, host) != 0)
                return;
        }
    int n = addresses_of(d, host, found, DNS_RECORDS);
    for (int i = 0; i < n; i++)
        add_endpoint(d, host, &found[i], port, direct);
}

/* Lower priorities first; within one the heavier (RFC 2782 draws lots, here all are tried). */
static void sort_records(dns_answer *a)
{
    for (int i = 1; i < a->count; i++)
        for (int j = i; j > 0; j--) {
            dns_record *p = &a->records[j - 1], *q = &a->records[j], t;
            if (p->priority < q->priority || (p->priority == q->priority && p->weight >= q->weight))
                break;
            t = *p;
            *p = *q;
            *q = t;
        }
}

/* False: it does not say where. */
static bool ask_srv(doctor *d, dns_answer *a, bool direct)
{
    char name[300];
    snprintf(name, sizeof name, "_xmpp%s-client._tcp.%s", direct ? "s" : "", d->ascii);
    dns_ask(a, d->o->dns, name, ns_t_srv);
    const char *way = direct ? "direct TLS" : "STARTTLS";
    if (a->state == DNS_NONE || a->state == DNS_NO_DOMAIN) {
        report_say(&d->report, direct ? MARK_WARN : MARK_NOTE, direct ? "dns-srv-direct" : "dns-srv-starttls",
                   direct ? "add it (XEP-0368): clients then need no STARTTLS, one wait less" : NULL,
                   "there is no SRV record for %s (%s)", way, name);
        return false;
    }
    if (a->state != DNS_OK) {
        report_say(&d->report, MARK_BAD, "dns-srv-failed", "clients may not fall back to the domain's address then: mend the name server",
                   "the SRV record for %s could not be looked up: %s", way, dns_words(a));
        return false;
    }
    if (a->count == 1 && (!a->records[0].host[0] || strcmp(a->records[0].host, ".") == 0)) {
        report_say(&d->report, MARK_NOTE, "dns-srv-refused", NULL, "DNS says that %s is not offered here", way);
        return false;
    }
    sort_records(a);
    for (int i = 0; i < a->count; i++)
        report_say(&d->report, MARK_OK, direct ? "dns-srv-direct" : "dns-srv-starttls", NULL,
                   "%s: %s port %u (priority %u, weight %u, for %u s, answered in %.1f ms)", way, a->records[i].host,
                   a->records[i].port, a->records[i].priority, a->records[i].weight, a->ttl, a->ms);
    short_life(d, name, a);
    return true;
}

static void from_srv(doctor *d)
{
    dns_answer direct, starttls;
    bool has_direct = ask_srv(d, &direct, true), has_starttls = ask_srv(d, &starttls, false);
    for (int i = 0; has_direct && i < direct.count; i++)
        add_host(d, direct.records[i].host, direct.records[i].port, true);
    for (int i = 0; has_starttls && i < starttls.count; i++)
        add_host(d, starttls.records[i].host, starttls.records[i].port, false);
    /* Without records the domain itself is the server (RFC 6120, 3.2.2). */
    bool absent = (direct.state == DNS_NONE || direct.state == DNS_NO_DOMAIN) &&
                  (starttls.state == DNS_NONE || starttls.state == DNS_NO_DOMAIN);
    if (absent) {
        report_say(&d->report, MARK_NOTE, "dns-no-srv", NULL, "so the domain itself is tried, on the ports 5223 and 5222");
        add_host(d, d->ascii, 5223, true);
        add_host(d, d->ascii, 5222, false);
    }
}

void doctor_dns(doctor *d)
{
    const cli_options *o = d->o;
    report_area(&d->report, "DNS");
    if (!o->host && !o->port) {
        from_srv(d);
        return;
    }
    const char *host = o->host ? o->host : d->ascii;
    report_say(&d->report, MARK_NOTE, "dns-host", NULL, "%s was named on the command line: SRV records are not asked for", host);
    struct sockaddr_storage literal[1];
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST }, *found = NULL;
    bool direct = o->tls != EPODE_TLS_STARTTLS && o->port != 5222, starttls = o->tls != EPODE_TLS_DIRECT && o->port != 5223 && o->port != 443;
    if (getaddrinfo(host, NULL, &hints, &found) == 0) {
        memset(literal, 0, sizeof literal);
        memcpy(literal, found->ai_addr, found->ai_addrlen);
        freeaddrinfo(found);
        if (direct)
            add_endpoint(d, host, literal, o->port ? o->port : 5223, true);
        if (starttls)
            add_endpoint(d, host, literal, o->port ? o->port : 5222, false);
        return;
    }
    if (direct)
        add_host(d, host, o->port ? o->port : 5223, true);
    if (starttls)
        add_host(d, host, o->port ? o->port : 5222, false);
}
