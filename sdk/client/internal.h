/* internal.h: the inside of a client, shared by the files of client/. */
#ifndef EP_CLIENT_INTERNAL_H
#define EP_CLIENT_INTERNAL_H

#include <strophe.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/list.h"
#include "base/log.h"
#include "client/discover.h"
#include "client/presence.h"
#include "client/request.h"
#include "client/resource.h"
#include "client/bookmark.h"
#include "client/room.h"
#include "client/backoff.h"
#include "epode/epode.h"
#include "loop/loop.h"
#include "net/net.h"
#include "store/cursor.h"
#include "store/facts.h"
#include "store/inbox.h"
#include "store/outbox.h"
#include "store/secrets.h"
#include "store/sm.h"
#include "store/store.h"
#include "stream/starttls.h"
#include "stream/stream.h"
#include "sync/sync.h"
#include "xmpp/caps.h"
#include "xmpp/jid.h"

#define EP_SESSION_FLIGHTS   24
#define EP_SESSION_FALLBACKS 8
#define EP_SESSION_ATTEMPTS  16
#define EP_SESSION_LEFT_OUT  8
#define EP_EVENTS_MAX        256

typedef struct ep_session_flight {
    epode_flight f;
    char held[96];
} ep_session_flight;

typedef struct ep_session_attempt {
    epode_attempt a;
    ep_net_attempt net; /* its texts */
} ep_session_attempt;

struct epode_session {
    char *jid;
    epode_bind bind;
    epode_token token;
    char mechanism[32];
    bool carbons, sm, csi;
    char why_carbons[20], why_sm[20], why_csi[20];
    char tls_version[16], tls_cipher[48], host[256], address[64];
    uint16_t port;
    bool tls_resumed, tls_early, tls_direct;
    const char *transport, *left_out[EP_SESSION_LEFT_OUT]; /* static texts */
    bool archive_known;
    char *first_id, *first_time, *last_id, *last_time;
    epode_unread *unreads; /* strings are their own */
    int unread_count;      /* -1: the server does not say */
    int64_t synced_us;   /* -1: not yet */
    uint64_t new_messages;
    unsigned waits[4]; /* dns, tcp, tls, xmpp */
    ep_session_flight flights[EP_SESSION_FLIGHTS];
    size_t flight_count;
    ep_session_attempt attempts[EP_SESSION_ATTEMPTS];
    size_t attempt_count;
    int64_t began_us, ready_us;
    int64_t resume_s;    /* -1: it cannot be resumed */
    epode_fallback fallbacks[EP_SESSION_FALLBACKS];
    char fallback_text[EP_SESSION_FALLBACKS][2][48];
    size_t fallback_count;
};

/* An event that waits for the commit, or for the application to take it. */
typedef struct ep_event {
    ep_list node;
    epode_event e;
    ep_error *error; /* NULL: none */
    char *xml, *id, *peer, *resource, *from, *nick, *text;
    bool committed; /* what it tells of is */
} ep_event;

struct epode_store {
    ep_store *store;
    epode_client *client; /* NULL: opened for reading alone */
};

/* Of the present session. */
typedef enum ep_roster_state {
    EP_ROSTER_NOT_ASKED = 0,
    EP_ROSTER_ASKED,
    EP_ROSTER_CURRENT, /* what is held is what the server has */
    EP_ROSTER_REFUSED
} ep_roster_state;

/* What was read from the store for one attempt; freed when the attempt has its stream. */
typedef struct ep_memory {
    ep_buf dns, ticket, token;
    char *config_version;
    ep_features features, session_features;
    bool has_features, has_session_features;
    ep_scram_keys keys;
    ep_sm_state sm;
    bool has_sm;
    uint64_t token_count, token_count_again; /* again: 0 where early data cannot be */
    ep_habit takes_upgrade;
    ep_facts facts;
    ep_habit takes_early, takes_preface;
} ep_memory;

struct epode_client;
#include "client/bridge.h"

struct epode_client {
    ep_jid jid;
    char *password, *oauth_token, *cert_file, *key_file, *tag, *software, *device, *host, *ca_file, *dns_server;
    uint16_t port;
    uint32_t tls, flags, connect_timeout_ms, max_stanza_bytes, first_sync_messages, first_sync_days;
    void (*on_event)(epode_client *client, const epode_event *event, void *user);
    void *user;
    void (*user_destroy)(void *user);
    void (*on_password)(epode_client *client, epode_ask why, void *user);
    void (*on_task)(epode_client *client, const epode_task *task, void *user);
    void (*on_log)(int level, const char *area, const char *line, void *user);
    ep_log log;

    ep_loop *loop;
    ep_store *store;
    struct epode_store reader; /* the same, for epode_client_store() */
    ep_sync *sync;
    xmpp_ctx_t *ctx;
    bool ctx_is_lent; /* the application's */
    char user_agent[37];
    struct epode_waker *waker;

    bool wish;           /* to be online */
    epode_state state;
    ep_error error;
    bool active, processing, freed, closing, delivering;
    int64_t left_us;     /* since when it is not active */

    ep_transport *net; /* NULL: there is no connection, nor an attempt at one */
    ep_bridge *bridge; /* net is, or will be, an application's connection; NULL: our own */
    epode_strophe_options strophe;
    ep_stream *stream;
    ep_memory memory;
    int64_t connect_deadline_us;
    bool lacks_changed;  /* features came behind ready */
    bool no_stanzas;     /* this attempt sends none behind authentication: they were borne badly */
    uint64_t behind;     /* stanzas that ride behind authentication, 0: none */
    bool riding;         /* they are being written */
    bool token_died;     /* in this connect */
    bool early_out;      /* the stream began with TLS's ClientHello, and TLS is not up yet */
    bool no_early;       /* this attempt sends no early data */
    bool preface_ahead;  /* ClientHello stands behind <starttls/>, and TLS is not up yet */
    bool no_preface_ahead; /* this attempt waits for <proceed/> */
    bool no_legacy;      /* this attempt sends nothing behind SASL1's last word */
    bool no_behind_bind; /* this attempt sends nothing behind RFC 6120's bind */
    bool no_tickets;     /* the server ended a handshake for one, some days ago */
    bool ticket_fatal;   /* and in this connect */
    bool no_guess;       /* this attempt repeats one whose guess went wrong */
    const char *guess_failed; /* what that guess was */
    int64_t gave_up_us;  /* when an attempt was left after its flight had gone */
    bool conflict_retried;
    int asking;          /* of epode_ask; 0: no secret is asked for */
    epode_task *task;    /* still to be told */
    ep_job ask_job;
    int64_t deadline_left_us; /* of the connect, while a question stands */
    bool remembered;     /* a token or keys stand in for the password */
    char *given_password, *given_oauth; /* answers, until the login is over */
    bool no_upgrade;     /* this attempt offers no SCRAM upgrade: the last one went wrong */
    char target_host[256]; /* where this attempt goes in place of discovery; "": nowhere else */
    uint16_t target_port;
    unsigned hops;       /* see-other-host followed in this connect */
    bool redirect_due, keep_target, at_location, location_tried, target_was_up;
    ep_backoff backoff;
    bool no_network;     /* a hint said so */
    bool suspended, suspend_due; /* no connection, no file; when process() unwinds */
    bool fetching, fetch_stays;  /* for a push; the client was to be online anyway */
    ep_timer fetch_timer;
    int64_t heard_us, wrote_us; /* of this session: the last bytes in and out */
    uint32_t keepalive_s;
    uint64_t next_count; /* of the block that was reserved for the token */
    uint32_t counts_left;
    ep_timer shake_timer;
    unsigned shakes;     /* since something came */
    ep_timer deadline_timer, retry_timer, guess_timer, sync_timer, probe_timer, keepalive_timer, ack_timer;
    ep_job settle_job, deliver_job, search_job;
    bool up, was_ready, ack_due, request_due, ready_due;
    bool request_out;    /* one is not answered yet */
    bool ack_waits;      /* the server asked, nobody looks: it goes with what is sent next, or soon */
    ep_error store_error;
    bool rest_due; /* to be asked at the turn's end, when the features may be known */

    ep_list requests, outcomes; /* of ep_request: that wait, and that the application is to be told of */
    size_t request_count;
    uint64_t requests_made;
    uint64_t proof;      /* the ping whose answer shows what arrived where there is no stream management */
    ep_timer request_timer;
    ep_features kept_features; /* those behind authentication, as of an earlier session */
    bool has_kept_features;
    ep_known domain_can, account_can;
    ep_roster_state roster_state, block_list;
    bool blocking;       /* the application wants the block list */
    ep_resources resources;
    ep_presences presences;
    ep_list chats;       /* of chat_state.c */
    size_t chat_count;
    ep_rooms rooms;
    ep_bookmark_list bookmarks;
    uint64_t changes;    /* of messages, so far */

    uint32_t h_seen;     /* stanzas handled; stored at the turn's end */
    bool h_dirty, emit_failed;

    /* Pages of an archive may wait for the commit of the next ones (turn.c). */
    bool bulk;           /* what is being done is only that */
    bool urgent;         /* something in this turn was more */
    bool postponed;      /* the transaction is left open over the end of a turn */
    uint64_t held;       /* numbers up to this one are on the disk for stanzas to come; 0: none */
    size_t bulk_messages, bulk_done;
    ep_timer bulk_timer;
    ep_buf scratch;
    uint64_t forged;     /* what was dropped because its sender may not say it */
    ep_habit trust_ids;  /* the account's own disco#info has urn:xmpp:mam:2 and urn:xmpp:sid:0 */

    ep_list events;      /* of ep_event */
    size_t event_count;
    ep_event *taken;     /* what epode_client_next_event() lent out */
    epode_session *session, *building;
};

/* A stanza may leave: not before ready, and not behind our end tag. */
static inline bool ep_client_can_send(const epode_client *c)
{
    return c->was_ready && c->stream && ep_stream_state_of(c->stream) == EP_S_READY;
}

/* client.c */
int64_t ep_client_wall_ms(void);

/* connection.c */
#define EP_CLIENT_GUESS_US (8 * 1000000) /* how long a guess may stay unanswered */
void ep_client_attempt(epode_client *c);
void ep_client_drop(epode_client *c);
void ep_client_account(epode_client *c); /* what this connection cost goes to the session that is being made */
void ep_client_stopped(epode_client *c, const ep_error *why);
void ep_client_connection_init(epode_client *c);
void ep_client_start_connection(epode_client *c);
void ep_client_stop_connection(epode_client *c, int how);
int64_t ep_client_guess_timeout(const epode_client *c);
extern const ep_net_events ep_client_net_events;
/* Of a transport that reads XML by itself: one element; and its end, by the server's end tag where why->status is
 * EPODE_OK. */
void ep_client_take_element(epode_client *c, ep_elem *e);
void ep_client_carried_end(epode_client *c, const ep_error *why);
void ep_client_attempt_now(epode_client *c);   /* a new connect, without waiting for the next one's time */

/* failure.c */
void ep_client_failed(epode_client *c, const ep_error *why);
void ep_client_stream_failed(epode_client *c); /* with the stream's own error */

/* The attempt on its way is left, and another one begins as soon as a hint allows. */
void ep_client_restart_attempt(epode_client *c);

/* preface.c */
extern const ep_preface ep_client_preface;

/* ask.c */
void ep_client_ask_init(epode_client *c);
void ep_client_ask_secret(epode_client *c, bool refused);
epode_status ep_client_ask_task(epode_client *c, const ep_stream_task *task);
void ep_client_ask_drop_task(epode_client *c); /* its stream is gone */
void ep_client_ask_end(epode_client *c);       /* nothing is asked any more, and answers are wiped */
void ep_client_forget_given(epode_client *c);
void ep_client_forget_password(epode_client *c);

/* target.c */
bool ep_target_parse(const char *text, char *host, size_t room, uint16_t *port);
void ep_target_begin(epode_client *c);
void ep_target_redirect(epode_client *c, const char *text);
/* Sets target_host, where the attempt goes elsewhere than where discovery says. */
void ep_target_choose(epode_client *c, ep_net_config *config);
bool ep_target_again(epode_client *c, ep_error *err, bool ready);

/* hint.c */
int64_t ep_client_retry_due(const epode_client *c, int64_t due_us); /* later where there is no network */

/* suspend.c */
void ep_client_suspend_init(epode_client *c);
void ep_client_suspend_now(epode_client *c);
void ep_client_fetched(epode_client *c, epode_status status); /* the archives are held to their ends, or cannot be */
void ep_client_fetch_failed(epode_client *c, const ep_error *why); /* for good */

/* liveness.c */
void ep_client_liveness_init(epode_client *c);
void ep_client_liveness_stop(epode_client *c);
void ep_client_keep_alive(epode_client *c); /* a session is ready */
void ep_client_probe(epode_client *c);      /* an answer is asked for, and waited for not long */
void ep_client_asked(epode_client *c);      /* something was written that the server answers */
void ep_client_heard(epode_client *c);      /* bytes came */

/* shake.c: all but the first on an application's connection only */
void ep_client_shake_init(epode_client *c);
void ep_client_shake_watch(epode_client *c); /* at a turn's end: an answer may be overdue from now on */
void ep_client_shaken(epode_client *c);      /* something came */

/* turn.c */
void ep_client_begin(epode_client *c);    /* one transaction for the whole turn */
void ep_client_schedule(epode_client *c); /* commit, write, tell: at the end of this turn */
/* Everything that was done becomes durable as far as it must. False: it could not, and the connection is gone. */
bool ep_client_commit(epode_client *c);
void ep_client_schedule_bulk(epode_client *c); /* the same, but a commit may wait */
void ep_client_settle_now(epode_client *c); /* commits what was postponed: somebody is about to look */
void ep_client_write(epode_client *c);    /* what the stream has to say, after a commit */
void ep_client_ack(epode_client *c);      /* the server wants to know what is stored */
void ep_client_watch_guess(epode_client *c);
void ep_client_trace(epode_client *c, const char *text, size_t len); /* what is sent, secrets masked */
void ep_client_turn_init(epode_client *c);

/* facts.c */
epode_status ep_client_load_identity(epode_client *c, ep_error *err);
bool ep_client_wants_early(const epode_client *c);
epode_status ep_client_remember(epode_client *c, ep_error *err); /* fills c->memory */
void ep_memory_free(ep_memory *m);
void ep_client_save_features(epode_client *c, const char *xml, size_t len, bool after);
void ep_client_save_keys(epode_client *c, const ep_scram_keys *keys);
void ep_client_save_pin(epode_client *c, ep_sasl_class rank);
epode_status ep_client_save_token(epode_client *c, const char *token, const char *expiry, const ep_sasl_mech *mech);
void ep_client_drop_token(epode_client *c);
void ep_client_save_habit(epode_client *c, const char *what, ep_habit habit);

/* connection.c */
void ep_client_session_over(epode_client *c, bool again); /* what is of a session and of no other ends */

/* login.c */
void ep_session_lacks(epode_session *s, const epode_client *c); /* notes what is on, and what is not and why */
extern const ep_stream_events ep_client_stream_events;
epode_status ep_client_stream_open(epode_client *c, const ep_net_info *info, ep_error *err);
/* What leaves with the ClientHello, at most room bytes; nothing: the stream begins when TLS is up. */
void ep_client_stream_early(epode_client *c, size_t room, const uint8_t *end_point, size_t n, ep_buf *out);

/* stanza.c */
epode_status ep_client_stanza(epode_client *c, ep_elem *e, uint32_t h);
epode_status ep_client_ride(epode_client *c);      /* what may go behind authentication */
epode_status ep_client_ride_lost(epode_client *c); /* it was dropped with the login */
epode_status ep_client_ask_rest(epode_client *c, bool last); /* roster, disco#info; last: also without features */
epode_status ep_client_drain_inbox(epode_client *c);
epode_status ep_client_on_ready(epode_client *c); /* presence, account disco, what is pending, catch-up */
ep_caps ep_client_caps(const epode_client *c);

/* contacts.c */
/* *is is set where a contact of this JID, also a full one, may see our presence. */
epode_status ep_client_is_seen_by(epode_client *c, const char *jid, bool *is);

/* answer.c */
epode_status ep_client_answer_iq(epode_client *c, const ep_elem *iq); /* a get or set that is nobody else's */

/* receipt.c */
epode_status ep_client_receipt(epode_client *c, const ep_elem *message); /* of a live one that is stored */

/* roster.c */
epode_status ep_client_roster_ask(epode_client *c, bool resumed); /* once in a session */
epode_status ep_client_roster_reset(epode_client *c);             /* a session that is none of before */
bool ep_client_is_push(const epode_client *c, const ep_elem *iq);
epode_status ep_client_take_push(epode_client *c, const ep_elem *iq); /* its sender was checked */
epode_status ep_client_answer_push(epode_client *c, const ep_elem *push, const char *condition); /* NULL: taken */
void ep_client_take_subscription(epode_client *c, const ep_elem *presence);

/* blocking.c */
epode_status ep_client_blocking_ask(epode_client *c); /* once in a session, when the server is known to have one */
epode_status ep_client_blocking_reset(epode_client *c);
bool ep_client_is_block_push(const epode_client *c, const ep_elem *iq);
epode_status ep_client_take_block_push(epode_client *c, const ep_elem *iq); /* its sender was checked */

/* presence.c */
void ep_client_presence_init(epode_client *c);
void ep_client_presence_over(epode_client *c); /* the session is: nobody is there any more */
void ep_client_presence_free(epode_client *c);
bool ep_client_wants_presence(const epode_client *c); /* in a new session */
epode_status ep_client_send_presence(epode_client *c, const char *from); /* NULL: the only one, or the default */
/* Our own, in the store, so that another process goes on with it. */
epode_status ep_client_own_keep(epode_client *c);
epode_status ep_client_own_load(epode_client *c);
epode_status ep_client_own_said(epode_client *c); /* it was sent, or nobody shall see us */
epode_status ep_client_presence_catch_up(epode_client *c); /* a session was resumed: what was wished meanwhile,
                                                            * and who is there, if another process knew */
epode_status ep_client_take_presence(epode_client *c, const ep_elem *presence);

epode_status ep_client_presence_there(epode_client *c, const char *full, const ep_presence *in);

/* presence_kept.c */
epode_status ep_client_presence_keep(epode_client *c, const char *full, const ep_elem *presence);
epode_status ep_client_presence_drop(epode_client *c, const char *jid); /* a bare one: all of its resources */
epode_status ep_client_presence_load(epode_client *c);
epode_status ep_client_presence_reset(epode_client *c); /* a session that is none of before */

/* contact_caps.c */
/* Of one resource, or of any of a bare JID, from what is known; JIDs are prepared. */
epode_status ep_client_peer_can(epode_client *c, const char *jid, const char *feature, ep_caps_known *known);

/* chat_state.c */
void ep_client_chat_take(epode_client *c, const ep_elem *message); /* a live one of somebody else */
void ep_client_chat_wrote(epode_client *c, const char *to); /* a message with text: it says more than any state */
void ep_client_chats_over(epode_client *c);

/* avatar.c */
void ep_client_tell_avatar(epode_client *c, const char *jid, const char *id);
void ep_client_take_avatar(epode_client *c, const char *from, const ep_elem *event); /* from NULL: the account */

/* send.c */
epode_status ep_client_send_text(epode_client *c, ep_stanza_kind kind, const char *id, const char *xml, size_t len);
epode_status ep_client_send_writer(epode_client *c, ep_stanza_kind kind, const char *id, ep_xw *w);
uint64_t ep_client_max_bytes(const epode_client *c);
epode_status ep_client_retransmit(epode_client *c);
epode_status ep_client_send_pending(epode_client *c);

/* outgoing.c */
epode_status ep_client_acked(epode_client *c, uint64_t acked);
epode_status ep_client_pump(epode_client *c);  /* sends what the outbox has */
epode_status ep_client_settle_doubt(epode_client *c, int64_t archive); /* it has spoken: what it lacks is sent again */
epode_status ep_client_take_error(epode_client *c, const ep_elem *message);

/* displayed.c */
epode_status ep_client_publish_rest(epode_client *c);
bool ep_client_published(epode_client *c, const ep_elem *iq);

/* sync.c */
extern const ep_sync_events ep_client_sync_events;
void ep_client_search_init(epode_client *c);
void ep_client_feed_search(epode_client *c); /* soon, behind everything else */
/* Asks for up to n older messages below row; 0: below all that is held of that archive, 0: of the account's. */
epode_status ep_client_fill(epode_client *c, int64_t archive, uint64_t row, unsigned n);
void ep_client_feed_search_now(epode_client *c); /* the newest words that wait for that: somebody is about to search */
void ep_client_emit_changes(epode_client *c, const ep_changes *changes);

/* event.c */
void ep_client_emit_state(epode_client *c, epode_state state, const ep_error *why);
void ep_client_emit(epode_client *c, const epode_event *event); /* copied, strings too */
void ep_client_deliver(epode_client *c);
void ep_client_events_committed(epode_client *c);   /* all that wait may be told */
void ep_client_events_rolled_back(epode_client *c); /* what was not committed has not happened */
void ep_client_events_free(epode_client *c);

/* session.c */
epode_session *ep_session_new(int64_t began_us);
void ep_session_free(epode_session *s);
void ep_session_add_net(epode_session *s, const ep_net_info *info);
void ep_session_add_stream(epode_session *s, const ep_stream *stream);
bool ep_session_add_unreads(epode_session *s, const ep_elem *unreads); /* false: no memory */
void ep_session_add_fallback(epode_session *s, const char *what, const char *why);

/* waker.c */
void ep_client_run_jobs(epode_client *c);
void ep_client_waker_close(epode_client *c);

#endif
