/* sim.h: the engine and the reference server in virtual time, over a link with a round-trip time.
 * TLS is not simulated: the link begins inside of it, with the same made-up channel binding on both
 * sides. */
#ifndef EP_TEST_SIM_H
#define EP_TEST_SIM_H

#include "rig.h"

#include "server.h"

#define SIM_RTT_US   100000
#define SIM_START_US INT64_C(1800000000000000)

typedef struct sim_packet {
    struct sim_packet *next;
    int64_t due_us;
    size_t len;
    char data[];
} sim_packet;

typedef struct sim_pipe {
    sim_packet *first;
    uint64_t delivered;
    uint64_t cut_at; /* of delivered; UINT64_MAX: never */
} sim_pipe;

/* One server, and what a client remembers between its connections. */
typedef struct sim {
    struct srv *srv;
    struct srv_conn *conn;
    rig r;
    sim_pipe up, down;
    int64_t started_us, ready_us;
    bool cut;
    ep_features features, session_features;
    bool know_features, know_session;
    ep_scram_keys keys;
    char token[128], token_mech[32], sm_id[128], password[32];
    uint64_t count;
    uint32_t h, cb_types;
    uint64_t sm_out;
    char config_version[64];
    int64_t now_us;
} sim;

static inline void sim_control(sim *s, const char *line)
{
    char *answer = srv_control(s->srv, line, s->now_us);
    if (!answer || !strstr(answer, "\"ok\":true"))
        fail_msg("%s: %s", line, answer ? answer : "no answer");
    free(answer);
}

/* "sasl2=off strict=on": features, and after "!" faults. */
static inline void sim_set(sim *s, const char *list)
{
    char copy[512], *save = NULL;
    snprintf(copy, sizeof copy, "%s", list ? list : "");
    for (char *word = strtok_r(copy, ";", &save); word; word = strtok_r(NULL, ";", &save)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        bool fault = *word == '!';
        if ((fault ? srv_fault(s->srv, word + 1, value) : srv_feature(s->srv, word, value)) != 0)
            fail_msg("the server knows no %s=%s", word, value);
    }
}

static inline void sim_init(sim *s)
{
    struct srv_options options = { .seed = 7 };
    memset(s, 0, sizeof *s);
    s->now_us = SIM_START_US;
    s->cb_types = EP_CB_EXPR | EP_CB_ENDP;
    s->srv = srv_new(&options);
    assert_non_null(s->srv);
    assert_int_equal(srv_user_add(s->srv, "alice", "alice-pw"), 0);
    snprintf(s->password, sizeof s->password, "alice-pw");
    /* The small features and the smallest count of iterations: many logins, quickly. */
    sim_set(s, "metadata=off");
}

static inline void sim_push(sim_pipe *p, const char *data, size_t n, int64_t due_us)
{
    sim_packet *packet = malloc(sizeof *packet + n), **slot = &p->first;
    memcpy(packet->data, data, n);
    packet->next = NULL;
    packet->len = n;
    packet->due_us = due_us;
    while (*slot)
        slot = &(*slot)->next;
    *slot = packet;
}

static inline void sim_drop(sim_pipe *p)
{
    sim_packet *gone = p->first;
    p->first = gone->next;
    free(gone);
}

/* What both sides wrote goes on its way. */
static inline void sim_collect(sim *s)
{
    size_t n;
    const char *said = s->conn ? srv_conn_output(s->conn, &n) : NULL;
    if (said && n) {
        sim_push(&s->down, said, n, s->now_us + SIM_RTT_US / 2);
        srv_conn_consume(s->conn, n);
    }
    if (s->r.out.len) {
        sim_push(&s->up, ep_buf_ptr(&s->r.out), s->r.out.len, s->now_us + SIM_RTT_US / 2);
        ep_buf_clear(&s->r.out);
    }
}

static inline void sim_cut(sim *s)
{
    s->cut = true;
    while (s->up.first)
        sim_drop(&s->up);
    while (s->down.first)
        sim_drop(&s->down);
    srv_conn_free(s->conn, s->now_us);
    s->conn = NULL;
    ep_stream_cut(s->r.s);
    rig_ended(&s->r, epode_error_status(ep_stream_error(s->r.s)));
}

static inline size_t sim_allowed(const sim_pipe *p, size_t n)
{
    uint64_t left = p->cut_at - p->delivered;
    return left < n ? (size_t)left : n;
}

/* A second factor is at hand. */
static inline void sim_feed(sim *s, const char *data, size_t n)
{
    static const char code[] = "<totp xmlns='urn:totp:example'>MTIzNDU2</totp>";
    rig_feed(&s->r, data, n);
    if (!s->r.ends && ep_stream_is_asking(s->r.s))
        rig_ended(&s->r, ep_stream_answer_task(s->r.s, "TOTP-EXAMPLE", code, sizeof code - 1));
}

static inline void sim_deliver(sim *s, bool down)
{
    sim_pipe *p = down ? &s->down : &s->up;
    sim_packet *packet = p->first;
    p->first = packet->next;
    size_t n = sim_allowed(p, packet->len);
    bool cut = n < packet->len || p->delivered + n == p->cut_at;
    p->delivered += n;
    s->r.now_us = s->now_us;
    unsigned readies = s->r.readies;
    if (down && n)
        sim_feed(s, packet->data, n);
    else if (n)
        srv_conn_feed(s->conn, packet->data, n, s->now_us);
    if (s->r.readies > readies)
        s->ready_us = s->now_us - s->started_us;
    free(packet);
    if (cut)
        sim_cut(s);
}

/* Until nothing more happens, or for so long. */
static inline void sim_run(sim *s, int64_t for_us)
{
    int64_t end_us = s->now_us + for_us;
    while (!s->cut) {
        sim_collect(s);
        int64_t up = s->up.first ? s->up.first->due_us : INT64_MAX;
        int64_t down = s->down.first ? s->down.first->due_us : INT64_MAX;
        int64_t tick = ep_stream_deadline(s->r.s), srv = srv_deadline(s->srv);
        int64_t next = up < down ? up : down;
        next = tick < next ? tick : next;
        if (next > end_us || next == INT64_MAX) {
            s->now_us = end_us;
            return;
        }
        if (srv < next && srv > s->now_us) {
            srv_tick(s->srv, s->now_us = srv);
            continue;
        }
        s->now_us = next > s->now_us ? next : s->now_us;
        s->r.now_us = s->now_us;
        if (down <= s->now_us)
            sim_deliver(s, true);
        else if (up <= s->now_us)
            sim_deliver(s, false);
        else
            rig_ended(&s->r, ep_stream_tick(s->r.s, s->now_us));
    }
}

/* Begins a connection with everything that is remembered. tune may change the configuration. */
static inline void sim_connect(sim *s, void (*tune)(ep_stream_config *c))
{
    struct srv_tls_info tls = { .version = s->cb_types & EP_CB_UNIQ ? "TLSv1.2" : "TLSv1.3" };
    ep_stream_config *c = &s->r.c;
    rig_config(c);
    rig_set_cb(&c->cb, s->cb_types);
    tls.exporter = c->cb.expr.bytes, tls.exporter_len = c->cb.expr.len;
    tls.end_point = c->cb.endp.bytes, tls.end_point_len = c->cb.endp.len;
    tls.unique = c->cb.uniq.bytes, tls.unique_len = c->cb.uniq.len;
    c->password = s->password;
    c->facts.now_ms = s->now_us / 1000;
    c->facts.features = s->know_features ? &s->features : NULL;
    c->facts.session_features = s->know_session ? &s->session_features : NULL;
    c->facts.keys = s->keys.mechanism[0] ? &s->keys : NULL;
    c->sent_config_version = s->config_version[0] ? s->config_version : NULL;
    if (s->token[0]) {
        c->token = s->token;
        c->facts.token_mech = ep_sasl_mech_named(s->token_mech);
        c->token_count = ++s->count;
    }
    if (s->sm_id[0]) {
        c->sm_id = s->sm_id;
        c->sm_h = s->h;
        c->sm_out = c->sm_out_acked = s->sm_out;
        c->facts.resumable = true;
    }
    if (tune)
        tune(c);
    s->conn = srv_conn_new(s->srv, s->now_us);
    tls.client_jid = c->facts.have_certificate ? "alice@localhost" : NULL;
    srv_conn_tls_up(s->conn, &tls);
    s->cut = false;
    s->up = s->down = (sim_pipe){ .cut_at = UINT64_MAX };
    s->started_us = s->r.now_us = s->now_us;
    s->ready_us = -1;
    assert_int_equal(rig_start(&s->r), EPODE_OK);
}

static inline void sim_remember(ep_features *f, bool *know, const char *text)
{
    if (!text)
        return;
    ep_features_free(f);
    assert_int_equal(ep_features_parse(f, text, strlen(text)), EPODE_OK);
    *know = true;
}

/* Ends the connection without a word, and remembers what a client would. */
static inline void sim_disconnect(sim *s)
{
    rig *r = &s->r;
    sim_remember(&s->features, &s->know_features, r->features);
    sim_remember(&s->session_features, &s->know_session, r->session_features);
    snprintf(s->config_version, sizeof s->config_version, "%s",
             s->features.config_version ? s->features.config_version : "");
    if (r->keys.mechanism[0])
        s->keys = r->keys;
    if (r->token[0]) {
        snprintf(s->token, sizeof s->token, "%s", r->token);
        snprintf(s->token_mech, sizeof s->token_mech, "%s", r->token_mech);
        s->count = 0;
    }
    strcpy(s->sm_id, r->sm_id);
    s->h = r->h;
    s->sm_out = 0;
    while (s->up.first)
        sim_drop(&s->up);
    while (s->down.first)
        sim_drop(&s->down);
    srv_conn_free(s->conn, s->now_us);
    s->conn = NULL;
    assert_false(r->logged_bug);
    assert_true(r->readies <= 1 && r->ends <= 1);
    rig_free(r);
}

static inline void sim_free(sim *s)
{
    if (s->r.s)
        sim_disconnect(s);
    ep_features_free(&s->features);
    ep_features_free(&s->session_features);
    srv_free(s->srv);
}

#endif
