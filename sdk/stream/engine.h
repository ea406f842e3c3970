/* engine.h: the inside of the engine, shared by its files. Only stream/ includes it. */
#ifndef EP_ENGINE_H
#define EP_ENGINE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/timers.h"
#include "stream/stream.h"
#include "xml/writer.h"

struct ep_stream {
    ep_stream_config c; /* strings are in the arena below; features are owned here */
    ep_arena strings;
    ep_features known, known_after; /* remembered */
    ep_features live, live_after;
    bool has_known, has_known_after, has_live, has_live_after;
    const ep_stream_events *ev;
    void *user;
    const ep_log *log;
    ep_xml_parser *parser;
    ep_buf out;
    ep_stream_state state;
    ep_error error;
    int64_t now_us;

    ep_plan plan;
    uint32_t written; /* steps of this login that went out */
    ep_sasl *sasl;
    uint32_t refused; /* mechanisms that failed on this stream */
    unsigned attempts;
    bool token_refused, keys_refused;
    bool asking, given;       /* the owner is asked for a secret; has given one that was not refused */
    bool asked_again;         /* after one was refused */
    bool challenged;          /* the server answered the first message of the exchange */
    bool aborting;            /* we gave an exchange up, its failure is on the way */
    bool proved;              /* the server's proof was right */
    bool tasked, task_open;   /* <continue/> came; the owner's answer is waited for */
    bool upgrading;           /* the task is one that we asked for */
    bool had_tasks;           /* there was one that we did not */
    char *task, *task_names[EP_TASKS_MAX];
    size_t task_count;
    ep_scram_keys upgraded;
    bool early;              /* the first flight left with the ClientHello */
    const char *guess;
    int64_t guess_deadline;
    unsigned behind;         /* stanzas that rode behind authentication */
    unsigned behind_counted; /* of them, those that the server will count: the first of the session */
    bool behind_open;        /* none of them was answered yet */
    int64_t behind_deadline;
    bool header_in, restart; /* restart: a new document follows */
    bool ahead;              /* bind or resumption went out before the features that offer them came */
    char id[17];             /* random part of our iq ids */

    /* the session */
    char *jid;
    ep_bind_kind bind;
    ep_token_use token_use;
    bool sm_on, carbons_on, csi_known, ready, pipelined, legacy_pipelined, auth_done;
    bool await_carbons, await_enabled, await_session;
    uint32_t in_h;
    uint64_t out_n, out_acked;
    ep_stream_lacks lacks;

    ep_flight flights[EP_FLIGHTS_MAX];
    size_t flight_count;
    uint32_t pending_steps;
    bool heard;
    unsigned waits;
};

/* stream.c */
epode_status ep_stream_fail(ep_stream *s, epode_status status, const char *condition, bool final,
                            const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void ep_stream_go(ep_stream *s, ep_stream_state next);
epode_status ep_stream_check(ep_stream *s, epode_status from_callback);

/* config.c */
bool ep_stream_take_config(ep_stream *s, const ep_stream_config *config); /* copies; false: no memory */
void ep_stream_free_config(ep_stream *s);
ep_facts ep_stream_facts(const ep_stream *s, bool live);
void ep_stream_forget_secrets(ep_stream *s); /* password and OAuth token */
bool ep_stream_keep_secret(ep_stream *s, const char **field, const char *secret); /* false: no memory */

/* steps.c: makes sure that a step is written, with all that its flight holds. */
epode_status ep_stream_need(ep_stream *s, ep_step step);
void ep_stream_guess_legacy(ep_stream *s); /* until the second header comes */
epode_status ep_stream_write_inactive(ep_stream *s);
bool ep_stream_is_own_iq(const ep_stream *s, const ep_elem *e, const char *what);

/* login.c */
epode_status ep_login_features(ep_stream *s, ep_elem *e);
epode_status ep_login_challenge(ep_stream *s, ep_elem *e);
epode_status ep_login_success1(ep_stream *s, ep_elem *e);
epode_status ep_login_success2(ep_stream *s, ep_elem *e);
epode_status ep_login_bounced(ep_stream *s, ep_elem *e);
epode_status ep_login_again(ep_stream *s);
epode_status ep_login_prove(ep_stream *s, const ep_elem *data_elem);
epode_status ep_login_stanzas_lost(ep_stream *s);
epode_status ep_login_begin_exchange(ep_stream *s);
/* What went out rests on features that this stream contradicts (RFC 5802, 6: the y flag). */
bool ep_login_contradicted(const ep_stream *s);
void ep_login_guess_wrong(ep_stream *s, const char *why); /* and the same stream goes on without it */
/* Any answer to the exchange shows that the server took header and first step together, also one that refuses the
 * credentials: what is wrong then is not the guess. */
void ep_login_guess_right(ep_stream *s);

/* refusal.c */
epode_status ep_login_failure(ep_stream *s, ep_elem *e);

/* tasks.c */
epode_status ep_task_continue(ep_stream *s, ep_elem *e);
epode_status ep_task_data(ep_stream *s, ep_elem *e);
void ep_task_request_upgrades(const ep_stream *s, ep_xw *w);
void ep_task_free(ep_stream *s);

/* session.c */
epode_status ep_session_features(ep_stream *s, ep_elem *e);
epode_status ep_session_resumed(ep_stream *s, ep_elem *e);
epode_status ep_session_failed(ep_stream *s, ep_elem *e);
epode_status ep_session_bound2(ep_stream *s, const ep_elem *bound, const char *jid);
epode_status ep_session_bound_draft(ep_stream *s, ep_elem *e);
epode_status ep_session_enabled(ep_stream *s, ep_elem *e);
epode_status ep_session_stanza(ep_stream *s, ep_elem *e);
epode_status ep_session_r(ep_stream *s, ep_elem *e);
epode_status ep_session_a(ep_stream *s, ep_elem *e);
epode_status ep_session_after_auth(ep_stream *s);
bool ep_session_acked(const ep_stream *s, const char *h_text, uint64_t *acked);

#endif
