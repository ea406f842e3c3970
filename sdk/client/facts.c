/* facts.c: what is remembered between connections, as the store keeps it. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "base/str.h"
#include "client/internal.h"
#include "xmpp/datetime.h"

#define KEY_USER_AGENT     "user-agent"
#define HABIT_PIPELINING   "pipelining"
#define HABIT_EARLY        "early-data"
#define HABIT_PREFACE      "starttls-pipelining"
#define HABIT_LEGACY       "legacy-pipelining"
#define HABIT_BEHIND_BIND  "behind-bind"
#define HABIT_STANZAS      "stanzas"  /* behind authentication */
#define HABIT_TASKS        "tasks"    /* of XEP-0388, behind a login */
#define HABIT_TICKETS      "tickets"  /* of TLS, which end the handshake */
#define HABIT_UPGRADE      "upgrade"  /* of SCRAM (XEP-0480), and it went well */
#define HABIT_METADATA     "metadata" /* of the archive, in the answer to the bind */
/* A server that refused something is asked again after a week: it may have been updated. */
#define HABIT_NO_FOR_MS    (7 * 24 * 3600 * 1000LL)
#define COUNTS_PER_RESERVE 32

/* Reading into text: EPODE_DONE leaves out empty. */
static epode_status fact_text(epode_client *c, const char *kind, const char *key, ep_buf *out, int64_t *expires)
{
    epode_status st = ep_store_fact_get(c->store, kind, key, out, expires);
    if (st == EPODE_OK && !ep_buf_cstr(out))
        return EPODE_ENOMEM;
    return st;
}

epode_status ep_client_load_identity(epode_client *c, ep_error *err)
{
    ep_buf id = EP_BUF_INIT;
    epode_status st = fact_text(c, EP_FACT_IDENTITY, KEY_USER_AGENT, &id, NULL);
    if (st == EPODE_OK && id.len == 36) {
        memcpy(c->user_agent, ep_buf_ptr(&id), 36);
        c->user_agent[36] = '\0';
    } else if (st >= 0) {
        /* XEP-0388, 2.4: a UUID of version 4, the same for this installation for ever. */
        st = ep_rand_uuid(c->user_agent)
                 ? ep_store_fact_put(c->store, EP_FACT_IDENTITY, KEY_USER_AGENT, c->user_agent, 36, 0)
                 : EPODE_ENOMEM;
    }
    ep_buf_free(&id);
    if (st < 0) {
        *err = *ep_store_error(c->store);
        if (!err->status)
            ep_fail(err, st, 0, "the store could not be read");
    }
    return st < 0 ? st : EPODE_OK;
}

static char *features_key(const epode_client *c, bool after)
{
    return ep_asprintf("%s%s", c->jid.ascii, after ? "#session" : "");
}

/* Features are kept as they came; what cannot be read any more counts as unknown. */
static epode_status remember_features(epode_client *c, bool after)
{
    ep_memory *m = &c->memory;
    ep_buf xml = EP_BUF_INIT;
    char *key = features_key(c, after);
    epode_status st = key ? ep_store_fact_get(c->store, EP_FACT_FEATURES, key, &xml, NULL) : EPODE_ENOMEM;
    if (st == EPODE_OK) {
        st = ep_features_parse(after ? &m->session_features : &m->features, ep_buf_ptr(&xml), xml.len);
        if (st == EPODE_OK)
            *(after ? &m->has_session_features : &m->has_features) = true;
        else if (st != EPODE_ENOMEM)
            st = EPODE_OK;
    }
    ep_free(key);
    ep_buf_free(&xml);
    return st < 0 ? st : EPODE_OK;
}

/* Every attempt has a number of its own, on disk before it is used (XEP-0484, 3.3). */
static epode_status next_count(epode_client *c, uint64_t *count)
{
    if (!c->counts_left) {
        epode_status st = ep_store_reserve_counts(c->store, COUNTS_PER_RESERVE, &c->next_count);
        if (st < 0)
            return st;
        c->counts_left = COUNTS_PER_RESERVE;
    }
    c->counts_left--;
    *count = c->next_count++;
    return EPODE_OK;
}

static epode_status remember_token(epode_client *c)
{
    ep_memory *m = &c->memory;
    ep_buf info = EP_BUF_INIT;
    char mech[32];
    long long issued, expires;
    epode_status st = ep_store_secret_get(c->store, EP_SECRET_TOKEN, c->jid.bare, &m->token, NULL);
    if (st == EPODE_OK && !ep_buf_cstr(&m->token))
        st = EPODE_ENOMEM;
    if (st == EPODE_OK)
        st = fact_text(c, EP_FACT_TOKEN_INFO, c->jid.bare, &info, NULL);
    if (st == EPODE_OK && sscanf(ep_buf_ptr(&info), "%31s %lld %lld", mech, &issued, &expires) == 3) {
        m->facts.token_mech = ep_sasl_mech_named(mech);
        m->facts.token_issued_ms = issued;
        m->facts.token_expires_ms = expires;
    }
    ep_buf_free(&info);
    if (st < 0 || !m->facts.token_mech)
        return st < 0 ? st : EPODE_OK;
    st = next_count(c, &m->token_count);
    /* Early data may be refused, by TLS or for a replay of it that came first: a second attempt has its own. */
    if (st >= 0 && ep_client_wants_early(c))
        st = next_count(c, &m->token_count_again);
    return st;
}

bool ep_client_wants_early(const epode_client *c)
{
    return !c->bridge && !(c->flags & (EPODE_NO_EARLY_DATA | EPODE_NO_FAST_PATH)) && !c->no_early && c->memory.has_features &&
           c->memory.takes_early != EP_HABIT_NO && (c->memory.features.bits & EP_F_FAST_0RTT);
}

static bool decode_into(const char *b64, uint8_t *out, size_t room, size_t *len)
{
    uint8_t *raw = ep_b64_decode(b64, strlen(b64), len);
    bool ok = raw && *len <= room;
    if (ok)
        memcpy(out, raw, *len);
    if (raw)
        ep_free_secret(raw, *len);
    return ok;
}

/* "SCRAM-SHA-256 4096 <salt> <client key> <server key>" */
static bool keys_parse(const char *text, ep_scram_keys *k)
{
    char salt[96], client[96], server[96];
    unsigned iterations;
    size_t n = 0;
    memset(k, 0, sizeof *k);
    bool ok = sscanf(text, "%23s %u %95s %95s %95s", k->mechanism, &iterations, salt, client, server) == 5 &&
              decode_into(salt, k->salt, sizeof k->salt, &k->salt_len) &&
              decode_into(client, k->client_key, sizeof k->client_key, &k->key_len) &&
              decode_into(server, k->server_key, sizeof k->server_key, &n) && n == k->key_len;
    k->iterations = iterations;
    ep_wipe(client, sizeof client);
    ep_wipe(server, sizeof server);
    if (!ok)
        memset(k, 0, sizeof *k);
    return ok;
}

static epode_status remember_keys(epode_client *c)
{
    ep_memory *m = &c->memory;
    ep_buf text = EP_BUF_INIT;
    epode_status st = ep_store_secret_get(c->store, EP_SECRET_SCRAM, c->jid.bare, &text, NULL);
    if (st == EPODE_OK && !ep_buf_cstr(&text))
        st = EPODE_ENOMEM;
    if (st == EPODE_OK && keys_parse(ep_buf_ptr(&text), &m->keys))
        m->facts.keys = &m->keys;
    ep_buf_wipe(&text);
    return st < 0 ? st : EPODE_OK;
}

static epode_status habit_read(epode_client *c, const char *what, ep_habit *out)
{
    ep_buf text = EP_BUF_INIT;
    int64_t expires = 0;
    char *key = ep_asprintf("%s %s", c->jid.ascii, what);
    epode_status st = key ? fact_text(c, EP_FACT_HABIT, key, &text, &expires) : EPODE_ENOMEM;
    if (st == EPODE_OK && (!expires || expires > ep_client_wall_ms()))
        *out = ep_streq(ep_buf_ptr(&text), "yes") ? EP_HABIT_YES : EP_HABIT_NO;
    ep_free(key);
    ep_buf_free(&text);
    return st < 0 ? st : EPODE_OK;
}

/* What one transport can is no measure for another: libstrophe has one kind of channel binding, or none. */
static char *pin_key(const epode_client *c)
{
    return ep_asprintf("%s%s", c->jid.bare, c->bridge ? "#strophe" : "");
}

static epode_status remember_habits(epode_client *c)
{
    ep_memory *m = &c->memory;
    ep_buf text = EP_BUF_INIT;
    ep_habit metadata = EP_HABIT_UNKNOWN, tickets = EP_HABIT_UNKNOWN;
    epode_status st = habit_read(c, HABIT_PIPELINING, &m->facts.takes_pipelining);
    if (st >= 0)
        st = habit_read(c, HABIT_LEGACY, &m->facts.takes_legacy_pipelining);
    if (st >= 0)
        st = habit_read(c, HABIT_BEHIND_BIND, &m->facts.takes_behind_bind);
    if (st >= 0)
        st = habit_read(c, HABIT_STANZAS, &m->facts.takes_stanzas);
    if (st >= 0)
        st = habit_read(c, HABIT_EARLY, &m->takes_early);
    if (st >= 0)
        st = habit_read(c, HABIT_PREFACE, &m->takes_preface);
    if (st >= 0)
        st = habit_read(c, HABIT_METADATA, &metadata);
    if (st >= 0)
        st = habit_read(c, HABIT_TASKS, &m->facts.has_tasks);
    if (st >= 0)
        st = habit_read(c, HABIT_UPGRADE, &m->takes_upgrade);
    if (st >= 0)
        st = habit_read(c, HABIT_TICKETS, &tickets);
    c->no_tickets = tickets == EP_HABIT_NO;
    /* Where the bind tells the archive's end, mostly no query is needed at all: none is sent ahead. */
    if (metadata == EP_HABIT_YES)
        m->facts.takes_stanzas = EP_HABIT_NO;
    char *pin = pin_key(c);
    if (st >= 0)
        st = pin ? fact_text(c, EP_FACT_PIN, pin, &text, NULL) : EPODE_ENOMEM;
    ep_free(pin);
    uint64_t rank;
    if (st == EPODE_OK && ep_str_u64(ep_buf_ptr(&text), &rank) && rank <= EP_SASL_CLASS_EXTERNAL)
        m->facts.pinned = (ep_sasl_class)rank;
    ep_buf_free(&text);
    return st < 0 ? st : EPODE_OK;
}

static epode_status remember_session(epode_client *c)
{
    bool lost = false;
    epode_status st = ep_store_sm_get(c->store, &c->memory.sm, &lost);
    if (lost)
        ep_session_add_fallback(c->building, "resumption", "reboot");
    c->memory.has_sm = st == EPODE_OK && c->memory.sm.previd && *c->memory.sm.previd && ep_client_wants_sm(c);
    c->memory.facts.resumable = c->memory.has_sm;
    return st < 0 ? st : EPODE_OK;
}

epode_status ep_client_remember(epode_client *c, ep_error *err)
{
    ep_memory *m = &c->memory;
    ep_memory_free(m);
    epode_status st = ep_store_fact_get(c->store, EP_FACT_ENDPOINT, c->host ? c->host : c->jid.ascii, &m->dns, NULL);
    bool fast = !(c->flags & EPODE_NO_FAST_PATH);
    if (st >= 0)
        st = remember_features(c, false);
    if (st >= 0)
        st = remember_features(c, true);
    if (st >= 0)
        st = remember_habits(c);
    if (st >= 0 && fast && !c->bridge && !c->no_tickets) /* it is for one connect of our own TLS */
        st = ep_store_secret_take(c->store, EP_SECRET_TICKET, c->jid.ascii, &m->ticket, NULL);
    if (st >= 0 && fast)
        st = remember_token(c);
    if (st >= 0)
        st = remember_keys(c);
    if (st >= 0)
        st = ep_client_discover_load(c);
    if (st >= 0)
        st = remember_session(c);
    if (st < 0) {
        *err = *ep_store_error(c->store);
        if (!err->status)
            ep_fail(err, st, 0, "what is remembered could not be read");
        return st;
    }
    if (m->has_features)
        m->facts.features = &m->features;
    if (m->has_session_features)
        m->facts.session_features = &m->session_features;
    if (c->no_guess)
        m->facts.takes_pipelining = EP_HABIT_NO;
    /* A second header in the same read ends libstrophe's parser. */
    if (c->no_legacy || c->bridge)
        m->facts.takes_legacy_pipelining = EP_HABIT_NO;
    if (c->no_behind_bind)
        m->facts.takes_behind_bind = EP_HABIT_NO;
    /* Such a server is old: a login sent ahead would cost a deadline to be refused. */
    if (m->facts.takes_behind_bind == EP_HABIT_NO && m->facts.takes_pipelining == EP_HABIT_UNKNOWN)
        m->facts.takes_pipelining = EP_HABIT_NO;
    m->facts.have_certificate = c->cert_file != NULL;
    m->facts.can_ask = c->on_password != NULL;
    m->facts.now_ms = ep_client_wall_ms();
    return EPODE_OK;
}

void ep_memory_free(ep_memory *m)
{
    ep_buf_free(&m->dns);
    ep_buf_wipe(&m->ticket);
    ep_buf_wipe(&m->token);
    ep_features_free(&m->features);
    ep_features_free(&m->session_features);
    ep_sm_state_free(&m->sm);
    ep_wipe(&m->keys, sizeof m->keys);
    memset(m, 0, sizeof *m);
}

void ep_client_save_features(epode_client *c, const char *xml, size_t len, bool after)
{
    ep_buf old = EP_BUF_INIT;
    char *key = features_key(c, after);
    if (key && ep_store_fact_get(c->store, EP_FACT_FEATURES, key, &old, NULL) >= 0 &&
        (old.len != len || memcmp(ep_buf_ptr(&old), xml, len) != 0))
        ep_store_fact_put(c->store, EP_FACT_FEATURES, key, xml, len, 0);
    ep_free(key);
    ep_buf_free(&old);
}

void ep_client_save_keys(epode_client *c, const ep_scram_keys *k)
{
    char *salt = ep_b64_encode(k->salt, k->salt_len), *client = ep_b64_encode(k->client_key, k->key_len);
    char *server = ep_b64_encode(k->server_key, k->key_len);
    ep_buf text = EP_BUF_INIT, old = EP_BUF_INIT;
    if (salt && client && server)
        ep_buf_printf(&text, "%s %u %s %s %s", k->mechanism, k->iterations, salt, client, server);
    if (text.len && !text.failed && ep_store_secret_get(c->store, EP_SECRET_SCRAM, c->jid.bare, &old, NULL) >= 0 &&
        (old.len != text.len || memcmp(ep_buf_ptr(&old), ep_buf_ptr(&text), text.len) != 0))
        ep_store_secret_put(c->store, EP_SECRET_SCRAM, c->jid.bare, ep_buf_ptr(&text), text.len, 0);
    ep_free(salt);
    if (client)
        ep_free_secret(client, strlen(client));
    if (server)
        ep_free_secret(server, strlen(server));
    ep_buf_wipe(&text);
    ep_buf_wipe(&old);
}

void ep_client_save_pin(epode_client *c, ep_sasl_class rank)
{
    char text[8];
    if (rank <= c->memory.facts.pinned)
        return;
    snprintf(text, sizeof text, "%d", (int)rank);
    char *key = pin_key(c);
    if (key)
        ep_store_fact_put(c->store, EP_FACT_PIN, key, text, strlen(text), 0);
    ep_free(key);
}

epode_status ep_client_save_token(epode_client *c, const char *token, const char *expiry, const ep_sasl_mech *mech)
{
    int64_t now = ep_client_wall_ms(), expires = 0;
    char info[96];
    if (!ep_datetime_parse(expiry, &expires))
        expires = 0;
    snprintf(info, sizeof info, "%s %lld %lld", mech->name, (long long)now, (long long)expires);
    epode_status st = ep_store_secret_put(c->store, EP_SECRET_TOKEN, c->jid.bare, token, strlen(token), expires);
    if (st >= 0)
        st = ep_store_fact_put(c->store, EP_FACT_TOKEN_INFO, c->jid.bare, info, strlen(info), 0);
    c->counts_left = 0;
    /* A rotated token may be the only way in from now on: it is on the disk before anybody hears of success. */
    return st >= 0 ? ep_store_commit(c->store, true) : st;
}

void ep_client_drop_token(epode_client *c)
{
    ep_store_secret_del(c->store, EP_SECRET_TOKEN, c->jid.bare);
    ep_store_fact_del(c->store, EP_FACT_TOKEN_INFO, c->jid.bare);
    c->counts_left = 0;
}

void ep_client_save_habit(epode_client *c, const char *what, ep_habit habit)
{
    char *key = ep_asprintf("%s %s", c->jid.ascii, what);
    const char *text = habit == EP_HABIT_YES ? "yes" : "no";
    if (key)
        ep_store_fact_put(c->store, EP_FACT_HABIT, key, text, strlen(text),
                          habit == EP_HABIT_YES ? 0 : ep_client_wall_ms() + HABIT_NO_FOR_MS);
    ep_free(key);
}
