/* plan.h: the planner: what is known goes in, the flights of a login come out. A pure function.
 *
 * A flight is all that is written before the server must be waited for; it is a set of steps, which are always
 * written in the order of their bits. */
#ifndef EP_PLAN_H
#define EP_PLAN_H

#include "base/error.h"
#include "sasl/mechanism.h"
#include "xmpp/features.h"

typedef enum ep_step {
    EP_STEP_HEADER = 1 << 0,   /* the stream header inside TLS */
    EP_STEP_AUTH = 1 << 1,     /* <authenticate/> with all that is inline, or <auth/> */
    EP_STEP_RESPONSE = 1 << 2, /* the answer to a challenge */
    EP_STEP_RESTART = 1 << 3,  /* the second header, after SASL of RFC 6120 */
    EP_STEP_RESUME = 1 << 4,   /* <resume/> outside of SASL2 */
    EP_STEP_BIND = 1 << 5,     /* RFC 6120's bind, or that of the first drafts of XEP-0386 */
    EP_STEP_CARBONS = 1 << 6,  /* by iq; before <enable/>, so that it needs no place in the queue */
    EP_STEP_ENABLE = 1 << 7,   /* <enable/> of stream management */
    EP_STEP_INACTIVE = 1 << 8, /* <inactive/> of client state */
    EP_STEP_STANZAS = 1 << 9   /* presence and queries behind the last word of authentication */
} ep_step;
#define EP_STEP_COUNT 10
const char *ep_step_name(ep_step step); /* "header", "authenticate", ... */

typedef enum ep_habit { EP_HABIT_UNKNOWN = 0, EP_HABIT_YES, EP_HABIT_NO } ep_habit;

/* What is known before a flight is chosen. Everything is borrowed. */
typedef struct ep_facts {
    const ep_features *features;  /* before authentication; NULL: unknown */
    const ep_features *session_features; /* after it; NULL: unknown */
    bool live;                    /* features came on this very stream, nothing is guessed */
    ep_habit takes_pipelining;    /* header and authentication in one write */
    ep_habit takes_legacy_pipelining; /* the second header behind SASL1's final message */
    ep_habit takes_behind_bind;   /* anything in the same write behind RFC 6120's bind */
    ep_habit takes_stanzas;       /* stanzas behind <authenticate/>, which XEP-0388 forbids and servers bear */
    ep_habit has_tasks;           /* logins here went on with tasks (XEP-0388): nothing rides behind them */
    bool early;                   /* the first flight leaves with TLS's ClientHello: FAST alone is safe there */
    uint32_t cb_set;              /* channel-binding types that this connection has (bits of ep_cb) */
    const ep_sasl_mech *token_mech; /* NULL: no usable token */
    int64_t token_issued_ms, token_expires_ms; /* Unix; 0: unknown */
    bool have_password;
    bool have_bearer;             /* an OAuth token for OAUTHBEARER */
    bool can_ask;                 /* the owner can be asked for one of the two */
    const ep_scram_keys *keys;    /* NULL: none */
    bool have_certificate;        /* for EXTERNAL */
    uint32_t refused_mechs;       /* rows that failed on this stream */
    ep_sasl_class pinned;         /* the best class that ever worked here */
    bool resumable;               /* there is a stream management state to resume */
    int64_t now_ms;
} ep_facts;

typedef struct ep_policy {
    bool allow_plain;
    bool no_fast_path; /* guess nothing, ask for no token */
    bool no_sasl2;     /* RFC 6120 only */
    bool want_carbons, want_sm;
    bool inactive;     /* begin in client state "inactive" */
    bool want_early_data; /* a token for TLS early data is asked for where the server takes such */
    bool stanzas;      /* there are stanzas that could ride behind authentication */
    bool no_upgrade;   /* offer no SCRAM upgrade (XEP-0480) */
    bool keep_token;   /* another transport holds it: a new one would replace it, so one is asked for only if none is held */
} ep_policy;

typedef struct ep_plan {
    uint16_t flights[6];
    size_t flight_count;
    bool guess;    /* the first flight rests on remembered features */
    bool sasl2;
    bool draft;    /* the bind is that of XEP-0386 0.1 to 0.3, which switches carbons on by itself */
    bool early;    /* it may leave as early data: header and <authenticate/>, nothing else */
    const ep_sasl_mech *mech; /* NULL: the features must be seen first */
    ep_cb cb;      /* for -PLUS */
    bool prove;    /* weaker than what is pinned, or than XEP-0440 allows: only with the hash of XEP-0474 */
    bool ask;      /* a password or an OAuth token must be had first; there are no flights, and mech is NULL */
    uint32_t upgrades; /* XEP-0480: rows to offer an upgrade to */
    bool use_token;
    const ep_sasl_mech *request_token; /* NULL: ask for none */
    bool bind2, inline_resume, inline_sm, inline_carbons, inline_inactive;
} ep_plan;

/* The best class that this login may not fall below. */
ep_sasl_class ep_plan_floor(const ep_facts *f);

/* With f->early set, and where that flight may not leave so, out->early is false and there are no flights.
 * The whole login from its first step (live false) or from authentication on (live true). Fails, with a final
 * error, when no mechanism is both offered and allowed: EPODE_EAUTH, EPODE_EDOWNGRADE. */
epode_status ep_plan_login(ep_plan *out, const ep_facts *f, const ep_policy *p, ep_error *err);

/* The rest after authentication without Bind 2, once the session features are known: replaces the flights. */
void ep_plan_session(ep_plan *plan, const ep_facts *f, const ep_policy *p);

/* A new token is due: none is held, half of its life is over, or it is of no use where it is wanted. */
bool ep_plan_token_due(const ep_facts *f, const ep_policy *p);

#endif
