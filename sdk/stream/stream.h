/* stream.h: the engine: one XMPP stream inside TLS, from its header to its end. It never opens a socket, reads
 * a clock or touches a file: bytes go in with the time, bytes and events come out. */
#ifndef EP_STREAM_ENGINE_H
#define EP_STREAM_ENGINE_H

#include "base/error.h"
#include "base/log.h"
#include "sasl/mechanism.h"
#include "stream/plan.h"
#include "xml/parser.h"
#include "xmpp/bound.h"

typedef struct ep_stream ep_stream;

typedef enum ep_stream_state {
    EP_S_IDLE = 0,  /* not started */
    EP_S_HEADER,    /* each of these names what is waited for */
    EP_S_FEATURES,
    EP_S_AUTH,
    EP_S_HEADER2,   /* after SASL of RFC 6120 */
    EP_S_FEATURES2, /* after authentication */
    EP_S_RESUME,
    EP_S_BIND,
    EP_S_SETUP,     /* bound; carbons or <enabled/> are still to come */
    EP_S_READY,
    EP_S_CLOSING,   /* our end tag was written */
    EP_S_CLOSED
} ep_stream_state;
const char *ep_stream_state_name(ep_stream_state s);

typedef enum ep_bind_kind { EP_BIND_NONE = 0, EP_BIND_BIND2, EP_BIND_DRAFT, EP_BIND_RFC6120, EP_BIND_RESUMED } ep_bind_kind;
typedef enum ep_token_use { EP_TOKEN_NONE = 0, EP_TOKEN_USED, EP_TOKEN_NEW, EP_TOKEN_ROTATED } ep_token_use;

/* One flight of the timeline. Times are the owner's microseconds. */
typedef struct ep_flight {
    uint32_t steps;              /* bits of ep_step */
    int64_t sent_us, answered_us; /* answered: the last byte before the next flight; 0: nothing came */
    uint64_t bytes_out, bytes_in; /* of XML */
} ep_flight;
#define EP_FLIGHTS_MAX 12

/* What was wished for and is not there: a stable token for programs, NULL where it is there. */
typedef struct ep_stream_lacks {
    const char *carbons, *sm, *csi; /* "not-offered", "not-wanted", "refused", "failed" */
} ep_stream_lacks;

/* Who writes our headers: a transport that reads XML by itself has to know where a new document begins. */
typedef enum ep_stream_headers {
    EP_HEADERS_WRITTEN = 0, /* they are part of the output */
    EP_HEADERS_FIRST,       /* the first one is, later ones are said by the event header */
    EP_HEADERS_TOLD         /* all are said by it */
} ep_stream_headers;

typedef struct ep_stream_config {
    const char *domain;     /* of the JID, as the JID has it */
    const char *username;   /* localpart */
    const char *resource;   /* wished for with RFC 6120's bind; NULL: the server's choice */
    const char *tag;        /* Bind 2; NULL: none */
    const char *user_agent_id, *software, *device; /* id: UUID v4 */
    const char *password;   /* NULL: none */
    const char *bearer;     /* OAuth's token; NULL: none */
    const char *authzid;    /* EXTERNAL's; NULL: who the certificate says */
    const char *token;      /* FAST; its mechanism is facts.token_mech */
    uint64_t token_count;   /* the count of this attempt */
    uint64_t token_count_again; /* of a second one on this stream; 0: there is none */
    bool token_invalidate;
    const char *sm_id;      /* with facts.resumable */
    uint32_t sm_h;          /* of what came in: what is durably stored */
    uint64_t sm_out;        /* stanzas sent so far in the session to resume */
    uint64_t sm_out_acked;  /* of them, how many the server has confirmed */
    bool no_tasks;          /* the owner does none but our own (XEP-0388, 2.6.3) */
    ep_facts facts;         /* facts.features, session_features: what is remembered; copied deep */
    ep_policy policy;
    ep_cb_data cb;
    const char *sent_config_version; /* remembered with the features; NULL: none */
    ep_xml_limits limits;
    int64_t guess_timeout_us; /* how long a guessed flight may stay unanswered; 0: 10 s */
    ep_stream_headers headers;
} ep_stream_config;

/* What the server wants besides credentials (XEP-0388, 2.6.3). Borrowed. */
typedef struct ep_stream_task {
    const char *const *names; /* one of them is to be chosen; count 0: task goes on */
    size_t count;
    const char *task;         /* the one under way; NULL: none is */
    const char *text;         /* for people; NULL: none */
    const char *xml;          /* what <task-data/> held; NULL: nothing */
    size_t xml_len;
} ep_stream_task;
#define EP_TASKS_MAX 8

/* All are called from within feed, tick or start; none may free the stream. A callback that returns a status
 * ends the stream with it if it is a failure. */
typedef struct ep_stream_events {
    /* Features of this stream, as XML; after: those behind authentication. */
    void (*features)(void *user, const char *xml, size_t len, bool after);
    /* A token came: it must be on disk when this returns. */
    epode_status (*token)(void *user, const char *token, const char *expiry, const ep_sasl_mech *mech);
    void (*token_dead)(void *user, const char *condition);
    void (*authenticated)(void *user, const ep_sasl_mech *mech, const ep_scram_keys *keys);
    /* A new session. ends is of the archive; strings are borrowed. */
    epode_status (*bound)(void *user, const char *jid, ep_bind_kind kind, const ep_archive_ends *ends);
    epode_status (*sm_enabled)(void *user, const ep_sm_enabled *sm);
    /* The old session goes on; acked: how many of our stanzas the server has, in all. Retransmit now. */
    epode_status (*resumed)(void *user, uint64_t acked);
    /* It does not: what the server had is in acked if known. The queue now holds what must be sent anew. */
    epode_status (*resume_failed)(void *user, bool known, uint64_t acked, const char *condition);
    epode_status (*ready)(void *user);
    /* A stanza that the engine itself did not ask for. h: the count with it, 0 without stream management. */
    epode_status (*stanza)(void *user, ep_elem *stanza, uint32_t h);
    /* A stanza of the engine's own was counted: h must move on. */
    epode_status (*counted)(void *user, uint32_t h);
    epode_status (*acked)(void *user, uint64_t acked);
    /* <r/> came: answer with ep_stream_ack() once everything is durable. */
    epode_status (*ack_wanted)(void *user);
    /* Something guessed was wrong; what and why are stable tokens. The login goes on where it can. */
    void (*wrong_guess)(void *user, const char *what, const char *why);
    /* The server named another host (RFC 6120, 4.9.3.19); closed() follows. */
    void (*see_other_host)(void *user, const char *host);
    /* A password or an OAuth token is needed; refused: the last one was not taken. ep_stream_secret() is the answer,
     * at any time. Only with facts.can_ask. */
    void (*ask)(void *user, bool refused);
    /* A task of the server's: ep_stream_answer_task() is the answer, at any time. Not with no_tasks. */
    epode_status (*task)(void *user, const ep_stream_task *task);
    /* Stanzas may be sent now, behind authentication: by ep_stream_behind(). They will be counted from 1. */
    epode_status (*stanzas)(void *user);
    /* The login they rode behind failed: the server has dropped them, and so must the queue. */
    epode_status (*stanzas_lost)(void *user);
    /* A new document begins in both directions, behind what is in the output: the owner is to send our header. Only where
     * the config says that headers are told. */
    epode_status (*header)(void *user);
} ep_stream_events;

epode_status ep_stream_new(ep_stream **out, const ep_stream_config *config, const ep_stream_events *events,
                           void *user, const ep_log *log, ep_error *err);
void ep_stream_free(ep_stream *s);

/* TLS is up: writes the first flight. */
epode_status ep_stream_start(ep_stream *s, int64_t now_us);
/* Before TLS is up: writes what may leave as early data (cb of the config holds what the ticket vouches for).
 * EPODE_DONE: nothing may; the stream is of no use. When TLS is up and the server took it, ep_stream_early_taken()
 * goes on, with all the channel-binding data; else the stream is to be freed and another one started. */
epode_status ep_stream_start_early(ep_stream *s, int64_t now_us);
epode_status ep_stream_early_taken(ep_stream *s, const ep_cb_data *cb, int64_t now_us);
/* Decrypted bytes. A failure ends the stream: ep_stream_error() has the story, closing bytes may be in the
 * output. EPODE_DONE: the server closed the stream in order. */
epode_status ep_stream_feed(ep_stream *s, const char *data, size_t n, int64_t now_us);
/* For a transport that has a parser of its own: one whole element of the stream, which says by coming that the header came
 * before it; and the end tag. The element is borrowed. Otherwise as ep_stream_feed(). */
epode_status ep_stream_element(ep_stream *s, ep_elem *e, int64_t now_us);
epode_status ep_stream_end(ep_stream *s, int64_t now_us);
/* Checks the deadline of a guess. */
epode_status ep_stream_tick(ep_stream *s, int64_t now_us);
int64_t ep_stream_deadline(const ep_stream *s); /* EP_NEVER: none */
/* The transport is gone. */
void ep_stream_cut(ep_stream *s);

/* What must be written to the transport; the owner consumes it, then says so for the timeline. */
ep_buf *ep_stream_output(ep_stream *s);
void ep_stream_flushed(ep_stream *s, size_t bytes, int64_t now_us);

/* The answer to the event ask; both NULL: there is none (EPODE_ECANCELLED, final). EPODE_ESTATE: nobody asked. */
epode_status ep_stream_secret(ep_stream *s, const char *password, const char *bearer);
bool ep_stream_is_asking(const ep_stream *s); /* it waits for the owner: a secret, or the answer to a task */
/* The answer to the event task: name is one of its names, or NULL to go on with the one under way; xml: one element or
 * NULL. EPODE_ESTATE: there is no task; EPODE_EINVAL: not one of the names, or not XML. */
epode_status ep_stream_answer_task(ep_stream *s, const char *name, const char *xml, size_t len);
epode_status ep_stream_cancel(ep_stream *s); /* no answer will come: EPODE_ECANCELLED, final */
bool ep_stream_had_tasks(const ep_stream *s); /* other ones than were asked for */

/* Only when ready. Counted stanzas take the number ep_stream_next_out() gave before; with resend they have
 * theirs already. */
uint64_t ep_stream_next_out(const ep_stream *s); /* 0: stream management is off */
epode_status ep_stream_send(ep_stream *s, const char *xml, size_t len, bool resend);
/* Only from within the event stanzas. */
epode_status ep_stream_behind(ep_stream *s, const char *xml, size_t len);
/* One of them was answered: the server bears them. */
void ep_stream_behind_answered(ep_stream *s);
epode_status ep_stream_ack(ep_stream *s, uint32_t h);       /* <a/> */
epode_status ep_stream_request_ack(ep_stream *s);           /* <r/> */
epode_status ep_stream_space(ep_stream *s); /* white space between stanzas (RFC 6120, 4.6.1): says that we are here */
epode_status ep_stream_set_active(ep_stream *s, bool active); /* client state; nothing where unsupported */
epode_status ep_stream_close(ep_stream *s);                 /* our end tag */

ep_stream_state ep_stream_state_of(const ep_stream *s);
const ep_error *ep_stream_error(const ep_stream *s);
/* The stream broke while a guess was unconfirmed: the next attempt should not guess. */
bool ep_stream_was_guessing(const ep_stream *s);
/* "pipelined-authentication", "legacy-pipelining", "session-features", "credentials",
 * "stanzas-behind-authentication", "upgrade"; NULL */
const char *ep_stream_guess(const ep_stream *s);

/* Facts for the session; strings are borrowed from the stream. */
const char *ep_stream_jid(const ep_stream *s);
ep_bind_kind ep_stream_bind_kind(const ep_stream *s);
const ep_sasl_mech *ep_stream_mech(const ep_stream *s);
ep_token_use ep_stream_token_use(const ep_stream *s);
bool ep_stream_has_sm(const ep_stream *s);
bool ep_stream_has_carbons(const ep_stream *s);
bool ep_stream_has_csi(const ep_stream *s);
const ep_stream_lacks *ep_stream_lacks_of(const ep_stream *s);
const ep_features *ep_stream_features(const ep_stream *s, bool after); /* NULL: not seen */
size_t ep_stream_flights(const ep_stream *s, const ep_flight **out);
unsigned ep_stream_waits(const ep_stream *s); /* flights until ready */
bool ep_stream_pipelined(const ep_stream *s); /* authentication rode in the first flight, and was taken */
bool ep_stream_legacy_pipelined(const ep_stream *s);

#endif
