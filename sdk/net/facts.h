/* facts.h: what is known of a domain's servers: SRV records, addresses, what worked last. Filled by
 * the resolver, kept between connects as text. No I/O; the time is an argument (milliseconds since
 * 1970). */
#ifndef EP_FACTS_H
#define EP_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    EP_NAME_BYTES = 256,
    EP_SRV_MAX = 8,       /* records of one kind that are used */
    EP_HOSTS_MAX = 17,    /* their targets and the domain itself */
    EP_ADDRESSES_MAX = 6, /* of one family of one host */
    EP_TTL_MAX_S = 7 * 24 * 3600
};

typedef enum ep_answer {
    EP_ANSWER_UNKNOWN = 0, /* not asked, or not answered yet */
    EP_ANSWER_OK,
    EP_ANSWER_NONE,    /* there is no such record: NXDOMAIN, or no data */
    EP_ANSWER_REFUSED, /* of SRV: the target "." (RFC 2782): not offered here */
    EP_ANSWER_FAILED   /* nobody knows: SERVFAIL, no answer */
} ep_answer;

typedef struct ep_address {
    int family; /* AF_INET or AF_INET6 */
    uint8_t bytes[16];
} ep_address;

typedef struct ep_srv {
    char host[EP_NAME_BYTES];
    uint16_t port, priority, weight;
} ep_srv;

/* Everything here: expires_ms says until when; round is the round of queries that brought it in
 * this connect, 0 for what was remembered. */
typedef struct ep_srv_set {
    ep_answer answer;
    int64_t expires_ms;
    unsigned round;
    int n;
    ep_srv records[EP_SRV_MAX];
} ep_srv_set;

typedef struct ep_address_set {
    ep_answer answer;
    int64_t expires_ms;
    unsigned round;
    int n;
    ep_address list[EP_ADDRESSES_MAX];
} ep_address_set;

enum { EP_STARTTLS = 0, EP_DIRECT = 1 }; /* index of srv */
enum { EP_V4 = 0, EP_V6 = 1 };           /* index of a host's sets */

typedef struct ep_host {
    char name[EP_NAME_BYTES];
    ep_address_set v[2];
} ep_host;

typedef struct ep_good {
    bool known;
    bool direct;
    char host[EP_NAME_BYTES];
    uint16_t port;
    ep_address address;
} ep_good;

typedef struct ep_facts {
    ep_srv_set srv[2];
    int hosts_n;
    ep_host hosts[EP_HOSTS_MAX];
    ep_good good;
} ep_facts;

ep_host *ep_facts_host(ep_facts *facts, const char *name); /* NULL: not known */
/* The same, added where it is missing; NULL: no room (then it is left out) or no host name. */
ep_host *ep_facts_add_host(ep_facts *facts, const char *name);
bool ep_address_parse(ep_address *out, const char *text); /* false: not an address */
void ep_address_print(const ep_address *address, char out[64]);
bool ep_address_equal(const ep_address *a, const ep_address *b);
/* Letters, digits, hyphens, underscores and dots: what a host name from outside may be made of. */
bool ep_host_is_sane(const char *name);

/* Text, one fact a line; failed lookups are not among them. *expires_ms: the first that runs out
 * (INT64_MAX: none does). */
void ep_facts_write(const ep_facts *facts, ep_buf *out, int64_t *expires_ms);
/* Reads it back; what is not understood is left out, so a damaged text gives fewer facts and no
 * error. */
void ep_facts_read(ep_facts *facts, const void *text, size_t n, int64_t now_ms);

#endif
