/* epode/session.h: the facts of a session: what was bound, what was enabled, what the start cost. */
#ifndef EPODE_SESSION_H
#define EPODE_SESSION_H

#include "epode/client.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct epode_session epode_session;

typedef enum epode_bind {
    EPODE_BIND_NONE = 0,
    EPODE_BIND_BIND2,   /* XEP-0386 1.x */
    EPODE_BIND_DRAFT,   /* XEP-0386 before 1.0 */
    EPODE_BIND_RFC6120,
    EPODE_BIND_RESUMED  /* XEP-0198: nothing was bound, the old session goes on */
} epode_bind;

typedef enum epode_token {
    EPODE_TOKEN_NONE = 0,
    EPODE_TOKEN_USED,   /* logged in with a remembered token (XEP-0484) */
    EPODE_TOKEN_NEW,    /* logged in otherwise, and got one */
    EPODE_TOKEN_ROTATED /* logged in with one, and got its successor */
} epode_token;

typedef enum epode_feature { EPODE_FEATURE_CARBONS = 1, EPODE_FEATURE_SM, EPODE_FEATURE_CSI } epode_feature;

/* The present or last session; NULL before the first. Everything below is borrowed until the next process(). */
EPODE_API const epode_session *epode_client_session(const epode_client *client);

EPODE_API const char *epode_session_jid(const epode_session *s); /* full JID */
EPODE_API bool epode_session_is_resumed(const epode_session *s);
EPODE_API epode_bind epode_session_bind(const epode_session *s);
EPODE_API epode_token epode_session_token(const epode_session *s);
EPODE_API const char *epode_session_mechanism(const epode_session *s); /* SASL's name for it */
/* True: it is on. False: why_not (if given) becomes a stable token: "not-wanted", "not-offered", "refused",
 * "failed", "transport" (it cannot: epode/strophe.h). */
EPODE_API bool epode_session_has(const epode_session *s, epode_feature feature, const char **why_not);

/* For how many seconds the server keeps the session when its link is gone, as it says (XEP-0198, 3): what comes meanwhile
 * is handed over when it is resumed. 0: it does not say. -1: it cannot be resumed. */
EPODE_API int64_t epode_session_resume_s(const epode_session *s);

/* What the server (its domain), and what the account itself can do: a feature of disco#info (XEP-0030), as
 * "urn:xmpp:http:upload:0". EPODE_OK: it can; EPODE_DONE: it cannot; EPODE_AGAIN: not known yet. Remembered in the store,
 * and asked again only when the server is of another version (XEP-0115, 6.3). EPODE_EINVAL: no feature. */
EPODE_API epode_status epode_client_server_has(const epode_client *client, const char *feature);
EPODE_API epode_status epode_client_account_has(const epode_client *client, const char *feature);

typedef struct epode_tls_info {
    size_t size;          /* set by the caller */
    const char *version;  /* "TLSv1.3"; "": the transport does not tell, nor the cipher */
    const char *cipher;
    bool resumed, early_data, direct;
    const char *host, *address; /* where the connection went */
    uint16_t port;
} epode_tls_info;
EPODE_API void epode_session_tls(const epode_session *s, epode_tls_info *out);

/* What carried the stream: "tcp", or "strophe" (epode/strophe.h). */
EPODE_API const char *epode_session_transport(const epode_session *s);
/* What that transport cannot do, so that it was left out of the start: stable tokens, "early-data", "tls-tickets",
 * "channel-binding-exporter", ... NULL: no more. */
EPODE_API const char *epode_session_left_out_at(const epode_session *s, size_t i);

/* The ends of the account's archive at the bind, as the server said (XEP-0313). */
typedef struct epode_archive_info {
    size_t size; /* set by the caller */
    const char *first_id, *first_time, *last_id, *last_time; /* times as XEP-0082 text; NULL: empty */
} epode_archive_info;
/* False: the server did not say. */
EPODE_API bool epode_session_archive(const epode_session *s, epode_archive_info *out);

/* What the server said is unread when it bound the resource: only servers of the first drafts of Bind 2 do (XEP-0386
 * 0.1 to 0.3). The store counts for itself, and has taken these positions over; the counts here are the server's. */
typedef struct epode_unread {
    size_t size;
    const char *jid;     /* bare */
    const char *read_id; /* archive id of the last message that was read; NULL: none was */
    uint64_t count;      /* 0: it named a position only */
} epode_unread;
EPODE_API int epode_session_unread_count(const epode_session *s);  /* -1: the server does not say; 0: nothing is */
EPODE_API const epode_unread *epode_session_unread_at(const epode_session *s, int i); /* NULL: out of range */

/* How often the start had to wait for the network, one after the other, from the first byte to ready. */
typedef struct epode_waits {
    size_t size; /* set by the caller */
    unsigned dns, tcp, tls, xmpp;
} epode_waits;
EPODE_API void epode_session_waits(const epode_session *s, epode_waits *out);

/* The timeline: what was sent in one go, and when the last byte of the answer was there. Microseconds since the
 * connect began. */
typedef struct epode_flight {
    const char *layer; /* "dns", "tcp", "tls", "xmpp" */
    const char *held;  /* what it held, separated by blanks: "header authenticate" */
    int64_t sent_us, answered_us;
    uint64_t bytes_out, bytes_in; /* xmpp: of XML, before TLS on the wire; tls: on the wire; 0 elsewhere, and where the
                                   * transport does not tell */
    unsigned waits;               /* for the network until it was answered, one after the other */
} epode_flight;
EPODE_API size_t epode_session_flight_count(const epode_session *s);
EPODE_API const epode_flight *epode_session_flight_at(const epode_session *s, size_t i); /* NULL: out of range */
EPODE_API int64_t epode_session_ready_us(const epode_session *s); /* from the beginning of the connect */

/* The race of addresses (RFC 8305) that came before: every connection that was tried, in the order of their starts.
 * Microseconds since the connect began. */
typedef struct epode_attempt {
    const char *host, *address; /* what DNS named, and the IP address as text */
    uint16_t port;
    bool direct;         /* direct TLS (XEP-0368), not STARTTLS */
    bool won;            /* the session runs on it */
    int64_t began_us;
    int64_t tcp_us;      /* when TCP was up; 0: never */
    int64_t ended_us;    /* when TLS was up and verified, or it failed, or was left because another one was faster */
    const char *failure; /* one line of text; NULL: it did not fail */
} epode_attempt;
EPODE_API size_t epode_session_attempt_count(const epode_session *s);
EPODE_API const epode_attempt *epode_session_attempt_at(const epode_session *s, size_t i); /* NULL: out of range */

/* From the beginning of the connect until every followed archive was held up to its end; -1: not yet. */
EPODE_API int64_t epode_session_synced_us(const epode_session *s);
/* Messages that this session brought, live or by catch-up. */
EPODE_API uint64_t epode_session_new_messages(const epode_session *s);

/* What was guessed from memory and was wrong; both are stable tokens: "pipelined-authentication",
 * "legacy-pipelining", "token", "ticket", "resumption", ... */
typedef struct epode_fallback {
    const char *what, *why;
} epode_fallback;
EPODE_API size_t epode_session_fallback_count(const epode_session *s);
EPODE_API const epode_fallback *epode_session_fallback_at(const epode_session *s, size_t i);

#ifdef __cplusplus
}
#endif
#endif
