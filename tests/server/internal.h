/* What the files of the core share. */
#ifndef SRV_INTERNAL_H
#define SRV_INTERNAL_H

#include "buf.h"
#include "options.h"
#include "server.h"
#include "xml.h"

#include <sqlite3.h>
#include <stdbool.h>

#define NS_CLIENT "jabber:client"
#define NS_STREAM "http://etherx.jabber.org/streams"
#define NS_STREAMS "urn:ietf:params:xml:ns:xmpp-streams"
#define NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_SASL1 "urn:ietf:params:xml:ns:xmpp-sasl"
#define NS_SASL2 "urn:xmpp:sasl:2"
#define NS_BIND1 "urn:ietf:params:xml:ns:xmpp-bind"
#define NS_BIND2 "urn:xmpp:bind:0"
#define NS_BIND2_DRAFT "urn:xmpp:bind2:0"
#define NS_SESSION "urn:ietf:params:xml:ns:xmpp-session"
#define NS_FAST "urn:xmpp:fast:0"
#define NS_SM "urn:xmpp:sm:3"
#define NS_CSI "urn:xmpp:csi:0"
#define NS_CARBONS "urn:xmpp:carbons:2"
#define NS_FORWARD "urn:xmpp:forward:0"
#define NS_HINTS "urn:xmpp:hints"
#define NS_OCCUPANT_ID "urn:xmpp:occupant-id:0"
#define NS_MAM "urn:xmpp:mam:2"
#define NS_MAM_EXTENDED NS_MAM "#extended"
#define NS_RSM "http://jabber.org/protocol/rsm"
#define NS_DATA "jabber:x:data"
#define NS_MARKERS "urn:xmpp:chat-markers:0"
#define NS_MDS "urn:xmpp:mds:displayed:0"
#define NS_PUBSUB "http://jabber.org/protocol/pubsub"
#define NS_PUBSUB_OWNER NS_PUBSUB "#owner"
#define NS_PUBSUB_EVENT NS_PUBSUB "#event"
#define NS_PUBSUB_ERRORS NS_PUBSUB "#errors"
#define NS_MUC "http://jabber.org/protocol/muc"
#define NS_MUC_USER NS_MUC "#user"
#define NS_MUC_OWNER NS_MUC "#owner"
#define NS_CAPS "http://jabber.org/protocol/caps"
#define NS_SID "urn:xmpp:sid:0"
#define NS_DELAY "urn:xmpp:delay"
#define NS_IAP "urn:xmpp:iap:0"
#define NS_ROSTER "jabber:iq:roster"
#define NS_DISCO_INFO "http://jabber.org/protocol/disco#info"
#define NS_DISCO_ITEMS "http://jabber.org/protocol/disco#items"
#define NS_VERSION "jabber:iq:version"
#define NS_BLOCKING "urn:xmpp:blocking"
#define NS_PUSH "urn:xmpp:push:0"
#define NS_UPLOAD "urn:xmpp:http:upload:0"
#define NS_PING "urn:xmpp:ping"

#define MAX_OUTPUT (64u << 20)  /* a client that does not read is cut off here */
#define MAX_SM_QUEUE 20000u     /* stanzas an unacknowledged session may hold */

struct srv_dead { /* a session that can no longer be resumed, for <failed h=''/> */
    char *id;
    uint32_t h;
};

struct srv_counter {
    const char *name;
    long count;
};

struct srv_mam_waiting { /* a query that a fault holds back */
    struct srv_session *session;
    struct srv_xml *iq;
    int64_t due_us;
    struct srv_mam_waiting *next;
};

struct srv_mam_counts { /* of the last query's result set, while nothing is written */
    char *key;
    int changes;
    long total, index; /* `index` rows are before `pos` */
    int64_t pos;
};

struct srv {
    sqlite3 *db;
    char *domain;
    struct srv_settings settings;
    struct srv_conn *conns;
    struct srv_session *sessions;
    struct srv_room *rooms;
    struct srv_dead dead[64];
    unsigned dead_next;
    unsigned conn_count;
    uint64_t seed, drawn;
    int64_t now_us;
    srv_log_fn *log;
    void *log_user;
    struct srv_counter counters[96];
    struct srv_mam_waiting *mam_waiting;
    struct srv_mam_counts mam_counts;
    struct srv_xml *mam_last_set; /* the last query's RSM, for a fault */
};

struct srv_tls {
    bool up, resumed, early;
    char *version;
    struct srv_buf exporter, end_point, unique;
    char *client_jid;
};

enum conn_state {
    CONN_HEADER,  /* waits for a stream header -> OPEN (or READY when authenticated by SASL1) */
    CONN_OPEN,    /* features were sent, nobody is authenticated -> SASL, HEADER, READY, ACTIVE */
    CONN_SASL,    /* a challenge is out -> OPEN, HEADER, READY, ACTIVE */
    CONN_READY,   /* authenticated, no session -> ACTIVE */
    CONN_ACTIVE,  /* bound or resumed */
    CONN_DEAF,    /* a fault: hears and says nothing */
    CONN_CLOSED
};

/* A SASL exchange. `profile` is 1 (RFC 6120) or 2 (XEP-0388). */
struct srv_sasl {
    int profile;
    const struct srv_mechanism *mechanism;
    struct srv_xml *request;  /* SASL2's <authenticate/> with its inline requests */
    char *user;               /* localpart, once the mechanism knows */
    char *gs2;                /* SCRAM: gs2 header */
    char *nonce;
    struct srv_buf first;     /* SCRAM: client-first-bare "," server-first */
    int slot;                 /* FAST: which token was right */
    const char *offered;      /* the task of the last <continue/> */
    char *task, *salt;        /* the one under way; what an upgrade hashes with */
    bool factor_done;
    bool started;
};

struct srv_held {
    int64_t due_us;
    struct srv_buf bytes;
    struct srv_held *next;
};

struct srv_conn {
    struct srv *srv;
    struct srv_conn *next;
    unsigned number;
    enum conn_state state;
    bool wants_tls, said_header, stalled;
    bool said_features; /* ahead of the client's header */
    int wants_close;
    struct srv_tls tls;
    struct srv_parser *parser;
    size_t rest;              /* bytes of this read behind the element at hand */
    bool lose_rest;           /* a fault: what is behind the element at hand never came */
    long late_read;           /* a fault: the read that ends the stream; 0: none */
    struct srv_buf out, tls_rest;
    struct srv_held *held;
    uint64_t written;
    char *from;               /* bare JID in the header */
    bool continued;           /* <continue/> was said */
    struct srv_sasl sasl;
    char *user, *agent;       /* authenticated localpart; user-agent id */
    struct srv_session *session;
    long reads, bytes_in;
};

struct srv_queued {
    char *xml;
    bool keep;                /* a message with a body: worth offline storage */
    int64_t at_us;
    struct srv_queued *next;
};

struct srv_sm {
    bool on, resumable, requested;
    char *id;
    uint32_t in, out, acked;
    struct srv_queued *first, *last;
    unsigned queued, unrequested;
};

struct srv_session {
    struct srv *srv;
    struct srv_session *next;
    char *user, *resource, *bare, *full, *agent;
    bool bind2, carbons, inactive, available, roster_asked, blocks_asked, mam_asked;
    int priority;
    struct srv_xml *presence;
    char *caps_id, *caps_key; /* a question about capabilities that is out */
    char *notify;             /* PEP nodes it wants to hear of, separated by spaces */
    struct srv_conn *conn;    /* NULL: waits for a resumption until expires_us */
    int64_t expires_us;
    struct srv_sm sm;
};

/* ---- options ---- */
#define srv_on(srv, opt) ((srv)->settings.values[OPT_##opt].number != 0)
#define srv_number(srv, opt) ((srv)->settings.values[OPT_##opt].number)
#define srv_text(srv, opt) ((const char *)(srv)->settings.values[OPT_##opt].text)
#define srv_hit(srv, opt) srv_fault_hit(srv, OPT_##opt)
bool srv_fault_hit(struct srv *srv, enum srv_opt opt);
bool srv_listed(const char *list, const char *word); /* in a list separated by spaces */

/* ---- srv.c ---- */
void srv_random(struct srv *srv, void *out, size_t len);
char *srv_random_id(struct srv *srv); /* 24 letters and digits; the caller's */
void srv_count(struct srv *srv, const char *name); /* a literal: only the pointer is kept */
void srv_sweep(struct srv *srv); /* detaches the sessions of connections that were closed */

/* ---- conn.c ---- */
void srv_conn_write(struct srv_conn *conn, const char *data, size_t len);
void srv_conn_puts(struct srv_conn *conn, const char *text);
void srv_conn_send(struct srv_conn *conn, const struct srv_xml *el); /* not counted by SM */
void srv_conn_close(struct srv_conn *conn, int how);
void srv_conn_release_held(struct srv_conn *conn, int64_t now_us);

/* ---- stream.c ---- */
void srv_stream_element(struct srv_conn *conn, struct srv_xml *el);
void srv_stream_proactive(struct srv_conn *conn); /* header and features before the client's */
void srv_stream_header(struct srv_conn *conn, const struct srv_xml *header);
void srv_stream_error(struct srv_conn *conn, const char *condition, const char *text);
void srv_stream_end(struct srv_conn *conn);

/* ---- features.c ---- */
void srv_features_send(struct srv_conn *conn);
char *srv_config_version(struct srv_conn *conn);
bool srv_mechanism_offered(const struct srv_conn *conn, const char *name);
bool srv_fast_offered(const struct srv_conn *conn, const char *name);
const struct srv_buf *srv_binding(const struct srv_conn *conn, const char *type);
bool srv_binding_offered(const struct srv_conn *conn, const char *type);
bool srv_bindings_listed(const struct srv_conn *conn);

/* ---- sasl.c ---- */
enum srv_step { STEP_OK, STEP_CHALLENGE, STEP_FAIL };
/* `out`: server data (challenge, or additional data with success); or the failed condition. */
typedef enum srv_step srv_mechanism_fn(struct srv_conn *conn, const char *data, size_t len,
                                       struct srv_buf *out);
struct srv_mechanism {
    const char *name;
    const char *digest;
    const char *binding; /* HT: type; SCRAM: "" for -PLUS, NULL otherwise */
    srv_mechanism_fn *start, *next;
    bool fast;
};
const struct srv_mechanism *srv_mechanism_find(const char *name);
bool srv_sasl_element(struct srv_conn *conn, struct srv_xml *el); /* false: not SASL's */
void srv_sasl_reset(struct srv_conn *conn);
enum srv_step srv_step_fail(struct srv_buf *out, const char *condition);
srv_mechanism_fn srv_scram_start, srv_scram_next, srv_fast_start;

void srv_sasl_fail(struct srv_conn *conn, const char *condition, const char *ns,
                   const char *detail);
void srv_sasl_finish(struct srv_conn *conn, const struct srv_buf *data);

/* ---- tasks.c ---- */
/* Sends <continue/> if something is left to do; false: success is next. */
bool srv_task_next(struct srv_conn *conn, const struct srv_buf *data);
bool srv_task_element(struct srv_conn *conn, const struct srv_xml *el); /* false: not a task's */
/* XEP-0480. `mechanism` is SCRAM's name, with or without -PLUS. */
bool srv_upgrade_missing(struct srv *srv, const char *user, const char *mechanism);
void srv_upgrades_forget(struct srv *srv, const char *user);
/* What an upgrade has left; false: nothing. salt and salted (base 64) are the caller's. */
bool srv_upgraded(struct srv *srv, const char *user, const char *mechanism, char **salt,
                  char **salted);

/* ---- inline.c ---- */
void srv_sasl2_success(struct srv_conn *conn, const struct srv_buf *data);

/* ---- users.c ---- */
bool srv_user_exists(struct srv *srv, const char *name);
char *srv_user_password(struct srv *srv, const char *name); /* NULL: no such user */
char *srv_user_salt(struct srv *srv, const char *name);     /* base 64 */
char *srv_resource_for(struct srv *srv, const char *user, const char *agent, const char *tag);
int64_t srv_query_int(struct srv *srv, const char *sql, const char *a, const char *b);
char *srv_query_text(struct srv *srv, const char *sql, const char *a, const char *b);
void srv_exec(struct srv *srv, const char *sql, const char *a, const char *b, const char *c);
sqlite3_stmt *srv_prepare(struct srv *srv, const char *sql, const char *a, const char *b);

/* ---- fast.c ---- */
void srv_token_answer(struct srv_conn *conn, struct srv_xml *success);
void srv_tokens_forget(struct srv *srv, const char *user); /* NULL: everybody's */

/* ---- session.c ---- */
struct srv_session *srv_session_new(struct srv_conn *conn, char *resource);
struct srv_session *srv_session_at(struct srv *srv, const char *user, const char *resource);
void srv_session_send(struct srv_session *session, const struct srv_xml *stanza);
void srv_session_puts(struct srv_session *session, const char *xml); /* a whole stanza */
void srv_session_detach(struct srv_conn *conn, bool may_resume);
void srv_session_end(struct srv_session *session);
void srv_session_replace(struct srv_session *session); /* conflict, then the end */

/* ---- bind.c ---- */
void srv_bind1(struct srv_conn *conn, const struct srv_xml *iq);
/* XEP-0193: another resource on a stream that has one, or one less; true: it was such a request. */
bool srv_bind_more(struct srv_conn *conn, const struct srv_xml *iq);
/* Whose stanza it is, by its from; NULL: it was refused with unknown-sender. */
struct srv_session *srv_bound_sender(struct srv_conn *conn, const struct srv_xml *stanza);
struct srv_xml *srv_bind2(struct srv_conn *conn, const struct srv_xml *bind);
void srv_bind2_draft(struct srv_conn *conn); /* XEP-0386 0.1 to 0.3 */

/* ---- sm.c ---- */
bool srv_sm_element(struct srv_conn *conn, const struct srv_xml *el);
struct srv_xml *srv_sm_enable(struct srv_session *session, const struct srv_xml *enable);
struct srv_xml *srv_sm_resume(struct srv_conn *conn, const struct srv_xml *resume);
void srv_sm_replay(struct srv_session *session);
void srv_sm_queue(struct srv_session *session, const char *xml, const struct srv_xml *stanza);
void srv_sm_request(struct srv_session *session);
void srv_sm_free(struct srv_session *session);
void srv_sm_forget(struct srv *srv);

/* ---- route.c, carbons.c, iq.c, presence.c ---- */
void srv_route(struct srv_session *session, struct srv_xml *stanza);
void srv_add_stanza_id(struct srv *srv, struct srv_xml *message, const char *by, const char *id);
void srv_strip_stanza_ids(struct srv *srv, struct srv_xml *message, const char *domain);
void srv_route_message(struct srv *srv, struct srv_session *from, struct srv_xml *message);
void srv_route_error(struct srv_session *to, const struct srv_xml *stanza, const char *type,
                     const char *condition);
/* The same with a condition of another protocol's beside RFC 6120's. */
void srv_route_error_with(struct srv_session *to, const struct srv_xml *stanza, const char *type,
                          const char *condition, const char *ns, const char *detail);
void srv_iq(struct srv_session *session, struct srv_xml *iq);
void srv_iq_reply(struct srv_session *session, const struct srv_xml *iq, struct srv_xml *payload);
void srv_presence(struct srv_session *session, struct srv_xml *presence);
void srv_presence_gone(struct srv_session *session);
void srv_carbons(struct srv *srv, const char *user, bool sent, const struct srv_xml *message,
                 const struct srv_session *skip, const char *direct);
bool srv_carbons_wanted(const struct srv_xml *message);
char *srv_caps_ver(struct srv *srv);
void srv_disco(struct srv_session *session, const struct srv_xml *iq, bool account);

/* ---- blocking.c ---- */
bool srv_blocks(struct srv *srv, const char *user, const char *jid);
void srv_blocking_iq(struct srv_session *session, const struct srv_xml *iq);
bool srv_blocking_outbound(struct srv_session *session, const struct srv_xml *stanza);
bool srv_blocking_inbound(struct srv_session *session, const struct srv_xml *stanza);

/* ---- service.c ---- */
bool srv_service_stanza(struct srv_session *session, const struct srv_xml *iq); /* false: not for one */
void srv_push_iq(struct srv_session *session, const struct srv_xml *iq);

/* ---- roster.c ---- */
void srv_roster_iq(struct srv_session *session, const struct srv_xml *iq);
void srv_roster_subscription(struct srv *srv, const char *user, const char *jid,
                             const char *type, bool outbound);
bool srv_roster_has(struct srv *srv, const char *user, const char *jid, bool from);

/* ---- archive.c ---- */
/* `owner` is a user's localpart, or a room's bare JID. */
char *srv_archive_add(struct srv *srv, const char *owner, const char *peer, bool outgoing,
                      const struct srv_xml *message); /* the new id, the caller's */
char *srv_archive_owner(struct srv *srv, const char *jid); /* NULL: not one of ours */
char *srv_archive_jid(struct srv *srv, const char *owner);
int64_t srv_archive_pos(struct srv *srv, const char *owner, const char *id); /* 0: unknown */
bool srv_archivable(struct srv *srv, const struct srv_xml *message);
struct srv_xml *srv_archive_metadata(struct srv *srv, const char *owner);
void srv_offline_add(struct srv *srv, const char *owner, const char *xml, int64_t at_us);
void srv_offline_deliver(struct srv_session *session);
void srv_offline_clear(struct srv *srv, const char *owner);

/* ---- mam.c, mam_page.c, mam_form.c ---- */
void srv_mam_query(struct srv_session *session, const struct srv_xml *iq);
void srv_mam_form(struct srv_session *session, const struct srv_xml *iq);
void srv_mam_metadata(struct srv_session *session, const struct srv_xml *iq);
void srv_mam_due(struct srv *srv);                     /* queries that were held back */
void srv_mam_forget(struct srv_session *session);

/* ---- archive_lines.c: control lines; they return NULL, or what was wrong ---- */
typedef const char *srv_command_fn(struct srv *srv, char *rest, struct srv_buf *out);
char *srv_word(char **at); /* the next word of a control line, cut out of it */
srv_command_fn srv_line_roster_put; /* roster.c */
srv_command_fn srv_line_push_dump;  /* service.c */
srv_command_fn srv_line_block;      /* blocking.c */
srv_command_fn srv_line_add, srv_line_purge, srv_line_dump, srv_line_tombstone;
srv_command_fn srv_line_withhold, srv_line_release;

/* ---- caps.c: what a client's capabilities (XEP-0115) ask for ---- */
void srv_caps_seen(struct srv_session *session, const struct srv_xml *presence);
bool srv_caps_answer(struct srv_session *session, const struct srv_xml *iq); /* false: not one */

/* ---- pep.c, pep_iq.c: nodes of an account (XEP-0163), for its own devices only ---- */
/* Returns NULL, or the condition of XEP-0060 that it is refused with. */
const char *srv_pep_publish(struct srv *srv, const char *owner, const char *node,
                            const struct srv_xml *item, const struct srv_xml *options, char **id);
bool srv_pep_retract(struct srv *srv, const char *owner, const char *node, const char *id,
                     bool notify);
bool srv_pep_delete(struct srv *srv, const char *owner, const char *node);
bool srv_pep_exists(struct srv *srv, const char *owner, const char *node);
void srv_pep_configure(struct srv *srv, const char *owner, const char *node,
                       const struct srv_xml *form);
struct srv_xml *srv_pep_config(struct srv *srv, const char *owner, const char *node);
struct srv_xml *srv_pep_items(struct srv *srv, const char *owner, const char *node, const char *id,
                              long max, const char *ns); /* <items/>; `id` NULL and `max` 0: all */
void srv_pep_last_items(struct srv_session *session); /* to a device that has just come */
void srv_pep_iq(struct srv_session *session, const struct srv_xml *iq);
void srv_pep_assist(struct srv_session *session, struct srv_xml *message);
srv_command_fn srv_line_mds_publish, srv_line_mds_forge, srv_line_pep_dump;

/* ---- room.c, room_message.c, room_iq.c (XEP-0045) ---- */
bool srv_room_stanza(struct srv_session *session, struct srv_xml *stanza); /* false: not for one */
bool srv_room_exists(struct srv *srv, const char *jid); /* bare, in lower case */
void srv_room_gone(struct srv_session *session);        /* it leaves them all */
void srv_rooms_free(struct srv *srv);
srv_command_fn srv_line_room_create, srv_line_room_say, srv_line_room_forget;

/* ---- unread.c: how far a user has read, by conversation ---- */
void srv_read_up_to(struct srv *srv, const char *owner, const char *peer, const char *id);
void srv_read_marker(struct srv *srv, const char *owner, const struct srv_xml *message);
struct srv_xml *srv_unreads(struct srv *srv, const char *owner);

/* ---- jid.c ---- */
struct srv_jid {
    char *local, *domain, *resource; /* local and resource may be NULL */
};
bool srv_jid_parse(const char *text, struct srv_jid *out);
void srv_jid_free(struct srv_jid *jid);
char *srv_jid_bare(const char *text); /* NULL: not a JID */

/* ---- inject.c ---- */
bool srv_inject(struct srv_conn *conn, const char *kind);

#endif
