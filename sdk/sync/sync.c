/* sync.c: one account: its archive, its tail, its displayed positions. */
#include "sync/sync.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/timers.h"
#include "store/conversation.h"
#include "xmpp/jid.h"
#include "xmpp/mds.h"
#include "xmpp/ns.h"

/* The tail is read again once it has been quiet for a moment, but not put off for ever. */
#define TAIL_QUIET_US   (5 * 1000000LL)
#define TAIL_LATEST_US  (60 * 1000000LL)
#define RETRY_FIRST_US  (15 * 1000000LL)
#define RETRY_LAST_US   (10 * 60 * 1000000LL)

struct ep_sync {
    ep_store *store;
    char *account;
    bool no_queries;
    const ep_sync_events *ev;
    void *user;
    const ep_log *log;
    ep_catchup *catchup;
    ep_arena arena;
    ep_buf xml;

    bool online, no_archive;
    int64_t tail_us, tail_since_us; /* when the tail is to be read; EP_NEVER: not */
    int64_t retry_us;               /* the delay after the last failure; 0: none */
    int64_t now_us;
    char mds_query[24];
    ep_changes *mds_changes; /* while positions are read */
    epode_status mds_status;
};

static epode_status on_ask(void *user, const ep_mam_query *query)
{
    ep_sync *s = user;
    ep_buf_clear(&s->xml);
    ep_xw w = ep_xw_init(&s->xml);
    ep_mam_write(query, &w);
    epode_status st = ep_xw_done(&w);
    return st ? st : s->ev->send_iq(s->user, ep_buf_ptr(&s->xml), s->xml.len);
}

static void on_stored(void *user, const ep_changes *changes, size_t done, size_t expected)
{
    ep_sync *s = user;
    s->ev->changed(s->user, changes);
    s->ev->progress(s->user, done, expected);
}

static void on_finished(void *user, epode_status status, bool forgot)
{
    ep_sync *s = user;
    (void)forgot;
    s->tail_us = s->tail_since_us = EP_NEVER;
    if (status == EPODE_OK) {
        s->retry_us = 0;
    } else if (status == EPODE_ESTANZA) {
        /* No archive here, or not for us: what comes live is all there is. */
        s->no_archive = true;
    } else {
        s->retry_us = s->retry_us ? s->retry_us * 2 : RETRY_FIRST_US;
        if (s->retry_us > RETRY_LAST_US)
            s->retry_us = RETRY_LAST_US;
        s->tail_us = s->now_us + s->retry_us;
    }
    s->ev->synced(s->user, status);
}

static const ep_catchup_events catchup_events = { on_ask, on_stored, on_finished };

epode_status ep_sync_new(ep_sync **out, ep_store *store, const ep_sync_config *config, const ep_sync_events *events,
                         void *user, const ep_log *log)
{
    *out = NULL;
    ep_sync *s = ep_calloc(1, sizeof *s);
    if (!s)
        return EPODE_ENOMEM;
    s->store = store;
    s->no_queries = config->no_queries;
    s->ev = events;
    s->user = user;
    s->log = log;
    s->tail_us = s->tail_since_us = EP_NEVER;
    ep_catchup_config cc = { .reader = { .account = config->account }, .first_messages = config->first_messages,
                             .first_days = config->first_days };
    epode_status st = ep_str_set(&s->account, config->account) ? EPODE_OK : EPODE_ENOMEM;
    if (!st)
        st = ep_catchup_new(&s->catchup, store, &cc, &catchup_events, s, log);
    if (st) {
        ep_sync_free(s);
        return st;
    }
    *out = s;
    return EPODE_OK;
}

void ep_sync_free(ep_sync *s)
{
    if (!s)
        return;
    ep_catchup_free(s->catchup);
    ep_arena_free(&s->arena);
    ep_buf_free(&s->xml);
    ep_free(s->account);
    ep_free(s);
}

int64_t ep_sync_archive(const ep_sync *s)
{
    return ep_catchup_archive(s->catchup);
}

static bool make_id(char out[24], const char *what)
{
    uint8_t raw[8];
    if (!ep_rand_bytes(raw, sizeof raw))
        return false;
    memcpy(out, what, 4);
    ep_hex(raw, sizeof raw, out + 4);
    return true;
}

/* XEP-0490, 3.3: all positions, with every new session. */
static epode_status ask_positions(ep_sync *s)
{
    if (!make_id(s->mds_query, "mds-"))
        return EPODE_ENOMEM;
    ep_buf_clear(&s->xml);
    ep_xw w = ep_xw_init(&s->xml);
    ep_mds_write_query(s->mds_query, &w);
    epode_status st = ep_xw_done(&w);
    return st ? st : s->ev->send_iq(s->user, ep_buf_ptr(&s->xml), s->xml.len);
}

epode_status ep_sync_ready(ep_sync *s, bool resumed, const ep_archive_info *ends, int64_t now_us, int64_t now_ms)
{
    ep_sync_cut(s);
    s->online = true;
    s->no_archive = false;
    s->now_us = now_us;
    s->retry_us = 0;
    if (s->no_queries)
        return ep_archive_mark(s->store, ep_sync_archive(s));
    epode_status st = ep_catchup_begin(s->catchup, resumed, ends, now_us, now_ms);
    if (st >= 0 && !resumed)
        st = ask_positions(s);
    return st < 0 ? st : EPODE_OK;
}

void ep_sync_cut(ep_sync *s)
{
    s->online = false;
    s->mds_query[0] = '\0';
    s->tail_us = s->tail_since_us = EP_NEVER;
    ep_catchup_cut(s->catchup);
}

static void tail_touch(ep_sync *s, int64_t now_us)
{
    if (s->no_queries || s->no_archive || !s->online)
        return;
    if (s->tail_since_us == EP_NEVER)
        s->tail_since_us = now_us;
    int64_t latest = s->tail_since_us + TAIL_LATEST_US;
    s->tail_us = now_us + TAIL_QUIET_US < latest ? now_us + TAIL_QUIET_US : latest;
}

/* The id in the account's archive of a live message: by the account's bare JID only. */
static const char *live_id(const ep_sync *s, const ep_elem *message)
{
    ep_message m;
    ep_message_read(&m, message, s->account);
    return m.stanza_id;
}

epode_status ep_sync_live(ep_sync *s, const ep_elem *message, bool ids, int64_t now_us)
{
    ep_msg m;
    ep_live live = { 0 };
    ep_changes changes = { 0 };
    ep_reader reader = { .account = s->account };
    const char *id = ids ? live_id(s, message) : NULL;
    ep_arena_reset(&s->arena);
    if (!ep_ingest(&m, &reader, message, id, 0, &s->arena))
        return EPODE_ENOMEM;
    /* What says nothing and is in no archive (a chat state) leaves no trace; nor does an error. */
    if ((m.kind == EP_MSG_OTHER && !id) || ep_streq(m.type, "error"))
        return EPODE_OK;
    epode_status st = ep_archive_live(s->store, ep_sync_archive(s), &m, false, 0, &live, &changes);
    if (st >= 0) {
        s->ev->changed(s->user, &changes);
        if (live.result != EP_LIVE_KNOWN)
            tail_touch(s, now_us);
    }
    ep_changes_free(&changes);
    return st < 0 ? st : EPODE_OK;
}

/* XEP-0313, 8: results count only from the archive that was asked: the account itself, by its bare JID or none. */
static bool from_archive(const ep_sync *s, const ep_elem *stanza)
{
    const char *from = ep_elem_attr(stanza, "from");
    return !from || strcmp(from, s->account) == 0;
}

epode_status ep_sync_result(ep_sync *s, const ep_elem *stanza, const ep_mam_result *result)
{
    epode_status st;
    if (!from_archive(s, stanza) || !ep_catchup_result(s->catchup, result, &st))
        return EPODE_DONE;
    return st;
}

static void on_position(const char *peer, const char *stanza_id, void *user)
{
    ep_sync *s = user;
    int64_t conversation;
    if (s->mds_status < 0)
        return;
    s->mds_status = ep_conversation_open(s->store, ep_sync_archive(s), peer, &conversation);
    if (s->mds_status == EPODE_OK)
        s->mds_status = ep_conversation_displayed(s->store, conversation, stanza_id, s->mds_changes);
}

static epode_status take_positions(ep_sync *s, const ep_elem *parent)
{
    ep_changes changes = { 0 };
    s->mds_changes = &changes;
    s->mds_status = EPODE_OK;
    ep_mds_read(parent, s->account, on_position, s);
    s->mds_changes = NULL;
    if (s->mds_status >= 0)
        s->ev->changed(s->user, &changes);
    ep_changes_free(&changes);
    return s->mds_status < 0 ? s->mds_status : EPODE_OK;
}

epode_status ep_sync_answer(ep_sync *s, const ep_elem *iq, int64_t now_us)
{
    epode_status st;
    s->now_us = now_us;
    if (!from_archive(s, iq))
        return EPODE_DONE;
    if (s->mds_query[0] && ep_streq(ep_elem_attr(iq, "id"), s->mds_query)) {
        s->mds_query[0] = '\0';
        return take_positions(s, ep_elem_child(iq, "pubsub", EP_NS_PUBSUB));
    }
    return ep_catchup_answer(s->catchup, iq, now_us, &st) ? st : EPODE_DONE;
}

epode_status ep_sync_event(ep_sync *s, const ep_elem *event)
{
    return take_positions(s, event);
}

epode_status ep_sync_publish(ep_sync *s, int64_t conversation, const char *peer)
{
    char id[24];
    ep_buf sid = EP_BUF_INIT;
    epode_status st = ep_conversation_displayed_id(s->store, conversation, &sid);
    if (st == EPODE_OK && (!s->online || s->no_queries))
        st = EPODE_DONE;
    if (st == EPODE_OK && (!ep_buf_cstr(&sid) || !make_id(id, "mdp-")))
        st = EPODE_ENOMEM;
    if (st == EPODE_OK) {
        ep_buf_clear(&s->xml);
        ep_xw w = ep_xw_init(&s->xml);
        ep_mds_write_publish(id, peer, s->account, ep_buf_ptr(&sid), &w);
        st = ep_xw_done(&w);
        if (!st)
            st = s->ev->send_iq(s->user, ep_buf_ptr(&s->xml), s->xml.len);
    }
    ep_buf_free(&sid);
    return st;
}

epode_status ep_sync_fill(ep_sync *s, int64_t below_pos, unsigned n, int64_t now_us)
{
    if (!s->online || s->no_queries)
        return EPODE_ESTATE;
    s->now_us = now_us;
    return ep_catchup_fill(s->catchup, below_pos, n, now_us);
}

void ep_sync_tick(ep_sync *s, int64_t now_us, int64_t now_ms)
{
    s->now_us = now_us;
    ep_catchup_tick(s->catchup, now_us);
    if (now_us < s->tail_us)
        return;
    s->tail_us = s->tail_since_us = EP_NEVER;
    if (s->online && !s->no_archive && !ep_catchup_is_busy(s->catchup) &&
        ep_catchup_begin(s->catchup, false, NULL, now_us, now_ms) < 0)
        on_finished(s, EPODE_ESTORE, false);
}

int64_t ep_sync_deadline(const ep_sync *s)
{
    int64_t busy = ep_catchup_deadline(s->catchup);
    return busy < s->tail_us ? busy : s->tail_us;
}
