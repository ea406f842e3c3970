/* client.c: making, starting, stopping and freeing a client. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "loop/process.h"
#include "xml/writer.h"

const char *epode_version(void)
{
    return EPODE_VERSION;
}

int64_t ep_client_wall_ms(void)
{
    return ep_loop_wall_ms();
}

static void client_log(int level, const char *area, const char *line, void *user)
{
    epode_client *c = user;
    if (!c->freed)
        c->on_log(level, area, line, c->user);
}

static bool process_alive(int64_t pid, uint64_t start, void *user)
{
    (void)user;
    return ep_process_alive((pid_t)pid, start);
}

static epode_status client_open_store(epode_client *c, const char *path, ep_error *err)
{
    char boot[40], ns[32];
    ep_store_options o = { .path = path, .now_ms = ep_client_wall_ms(), .log = &c->log, .pid = getpid(),
                           .pid_start = ep_process_start(getpid()), .alive = process_alive };
    o.boot_id = ep_boot_id(boot) ? boot : NULL;
    o.pid_ns = ep_pid_namespace(ns) ? ns : NULL;
    if (c->flags & EPODE_LOW_MEMORY)
        o.flags |= EP_STORE_SMALL;
    epode_status st = ep_store_open(&c->store, &o, err);
    c->reader = (struct epode_store){ c->store, c };
    return st;
}

static epode_status client_open_sync(epode_client *c, ep_error *err)
{
    ep_sync_config config = { .account = c->jid.bare, .first_messages = c->first_sync_messages,
                              .first_days = c->first_sync_days, .no_queries = c->flags & EPODE_NO_SYNC };
    if (c->flags & EPODE_LOW_MEMORY)
        config.page = 50;
    epode_status st = ep_sync_new(&c->sync, c->store, &config, &ep_client_sync_events, c, &c->log);
    if (st >= 0)
        st = ep_rooms_load(c);
    if (st >= 0)
        st = ep_bookmarks_load(c);
    if (st >= 0)
        st = ep_client_own_load(c);
    if (st < 0)
        *err = *ep_store_error(c->store);
    return st;
}

/* Copies what is there; the defaults are the documented ones. */
static epode_status client_options(epode_client *c, const epode_options *given, ep_error *err)
{
    epode_options o = { 0 };
    memcpy(&o, given, given->size < sizeof o ? given->size : sizeof o);
    epode_status st = ep_jid_parse(&c->jid, o.jid);
    if (st == EPODE_ENOMEM)
        return ep_fail(err, st, 0, "out of memory");
    if (st || !c->jid.local)
        return ep_fail(err, EPODE_EINVAL, 0, "the JID is not one of an account: user@domain is needed");
    if (o.tls > EPODE_TLS_STARTTLS || o.log_level < 0 || o.log_level > EPODE_LOG_TRACE)
        return ep_fail(err, EPODE_EINVAL, 0, "an option is out of its range");
    if (o.tag && !ep_xml_valid(o.tag, strlen(o.tag)))
        return ep_fail(err, EPODE_EINVAL, 0, "the tag is not valid text");
    if (o.client_key_file && !o.client_cert_file)
        return ep_fail(err, EPODE_EINVAL, 0, "there is a key of the client's, but no certificate");
    bool ok = ep_str_set(&c->password, o.password) && ep_str_set(&c->oauth_token, o.oauth_token) &&
              ep_str_set(&c->cert_file, o.client_cert_file) && ep_str_set(&c->key_file, o.client_key_file) &&
              ep_str_set(&c->tag, o.tag ? o.tag : "epode") &&
              ep_str_set(&c->software, o.software ? o.software : "epode") && ep_str_set(&c->device, o.device) &&
              ep_str_set(&c->host, o.host) && ep_str_set(&c->ca_file, o.ca_file) &&
              ep_str_set(&c->dns_server, o.dns_server);
    if (!ok)
        return ep_fail(err, EPODE_ENOMEM, 0, "out of memory");
    c->port = o.port;
    c->tls = o.tls;
    c->flags = o.flags | (o.flags & EPODE_MULTI_RESOURCE ? EPODE_NO_SM : 0);
    c->blocking = (o.flags & EPODE_BLOCK_LIST) != 0;
    c->connect_timeout_ms = o.connect_timeout_ms ? o.connect_timeout_ms : 30000;
    c->max_stanza_bytes = o.max_stanza_bytes || !(o.flags & EPODE_LOW_MEMORY) ? o.max_stanza_bytes : 256u << 10;
    c->first_sync_messages = o.first_sync_messages;
    c->first_sync_days = o.first_sync_days;
    c->keepalive_s = o.keepalive_s;
    c->active = !(o.flags & EPODE_START_INACTIVE);
    c->on_event = o.on_event;
    c->on_password = o.on_password;
    c->on_task = o.on_task;
    c->on_log = o.on_log;
    c->user = o.user;
    c->user_destroy = o.user_destroy;
    c->log = (ep_log){ o.log_level ? o.log_level : EPODE_LOG_WARN, o.on_log ? client_log : NULL, c };
    return EPODE_OK;
}

static void client_destroy(epode_client *c)
{
    ep_client_drop(c);
    ep_client_ask_end(c);
    ep_job_cancel(&c->ask_job);
    ep_job_cancel(&c->settle_job);
    ep_job_cancel(&c->deliver_job);
    ep_job_cancel(&c->search_job);
    ep_sync_free(c->sync);
    ep_client_waker_close(c);
    ep_client_events_free(c);
    ep_requests_free(c);
    ep_client_discover_free(c);
    ep_client_presence_free(c);
    ep_client_resources_free(c);
    ep_client_chats_over(c);
    ep_rooms_free(c);
    ep_bookmarks_free(c);
    ep_session_free(c->session);
    ep_session_free(c->building);
    ep_memory_free(&c->memory);
    ep_store_close(c->store);
    ep_bridge_leave(c);
    if (c->ctx && !c->ctx_is_lent)
        xmpp_ctx_free(c->ctx);
    ep_loop_free(c->loop);
    ep_buf_wipe(&c->scratch);
    ep_client_forget_password(c);
    if (c->oauth_token)
        ep_free_secret(c->oauth_token, strlen(c->oauth_token));
    char *strings[] = { c->cert_file, c->key_file, c->tag, c->software, c->device, c->host, c->ca_file, c->dns_server };
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        ep_free(strings[i]);
    ep_jid_free(&c->jid);
    if (c->user_destroy)
        c->user_destroy(c->user);
    ep_free(c);
}

epode_status epode_client_new(epode_client **out, const epode_options *options, char *why, size_t why_len)
{
    ep_error err = { 0 };
    epode_status st;
    epode_client *c = NULL;
    if (why && why_len)
        why[0] = '\0';
    if (!out)
        return EPODE_EINVAL;
    *out = NULL;
    if (!options || options->size < sizeof(size_t)) {
        st = ep_fail(&err, EPODE_EINVAL, 0, "the options were not initialised with EPODE_OPTIONS_INIT");
        goto done;
    }
    if (!(c = ep_calloc(1, sizeof *c))) {
        st = ep_fail(&err, EPODE_ENOMEM, 0, "out of memory");
        goto done;
    }
    ep_list_init(&c->events);
    ep_list_init(&c->chats);
    ep_client_ask_init(c);
    ep_requests_init(c);
    ep_client_presence_init(c);
    if ((st = client_options(c, options, &err)))
        goto done;
    if ((st = ep_loop_new(&c->loop)) || !(c->building = ep_session_new(0))) {
        st = ep_fail(&err, st ? st : EPODE_ENOMEM, 0, "the event loop could not be made");
        goto done;
    }
    if ((st = client_open_store(c, options->store_path, &err)) || (st = ep_client_load_identity(c, &err)) ||
        (st = client_open_sync(c, &err)))
        goto done;
    ep_client_connection_init(c);
    if ((st = ep_client_drain_inbox(c))) {
        err = *ep_store_error(c->store);
        goto done;
    }
    *out = c;
done:
    if (st && c) {
        /* Only of a client that was made is the application's user pointer ours to give back. */
        c->user_destroy = NULL;
        client_destroy(c);
    }
    if (st && why && why_len)
        snprintf(why, why_len, "%s", err.text[0] ? err.text : epode_status_name(st));
    return st;
}

void epode_client_free(epode_client *c)
{
    if (!c || c->freed)
        return;
    c->freed = true;
    if (!c->processing)
        client_destroy(c);
}

epode_status epode_client_start(epode_client *c)
{
    if (c->freed || c->suspended)
        return EPODE_ESTATE;
    ep_loop_enter(c->loop);
    c->wish = true;
    c->conflict_retried = false;
    if (c->state == EPODE_STOPPED && !c->net)
        ep_client_start_connection(c);
    ep_loop_leave(c->loop);
    return EPODE_OK;
}

epode_status epode_client_stop(epode_client *c, int how)
{
    if (c->freed)
        return EPODE_ESTATE;
    if (how != EPODE_STOP_CLOSE && how != EPODE_STOP_RESUMABLE)
        return EPODE_EINVAL;
    ep_loop_enter(c->loop);
    c->wish = false;
    if (c->state != EPODE_STOPPED || c->net)
        ep_client_stop_connection(c, how);
    ep_loop_leave(c->loop);
    return EPODE_OK;
}

epode_state epode_client_state(const epode_client *c)
{
    return c->state;
}

const epode_error *epode_client_error(const epode_client *c)
{
    return c->error.status ? &c->error : NULL;
}

epode_status epode_client_set_active(epode_client *c, bool active)
{
    epode_status st = EPODE_OK;
    if (c->freed)
        return EPODE_ESTATE;
    ep_loop_enter(c->loop);
    if (c->active != active && c->state == EPODE_READY && c->stream) {
        st = ep_stream_set_active(c->stream, active);
        ep_client_schedule(c);
    }
    if (c->active && !active)
        c->left_us = ep_loop_now_us(c->loop);
    c->active = active;
    ep_loop_leave(c->loop);
    return st;
}

epode_status epode_client_forget(epode_client *c, int what)
{
    static const struct {
        int what;
        const char *kind;
        bool secret;
    } rows[] = {
        { EPODE_FORGET_FACTS, EP_FACT_ENDPOINT, false },   { EPODE_FORGET_FACTS, EP_FACT_FEATURES, false },
        { EPODE_FORGET_FACTS, EP_FACT_HABIT, false },      { EPODE_FORGET_FACTS, EP_FACT_PIN, false },
        { EPODE_FORGET_FACTS, EP_FACT_DISCO, false },      { EPODE_FORGET_FACTS, EP_FACT_ACCOUNT_DISCO, false },
        { EPODE_FORGET_FACTS, EP_SECRET_TICKET, true },    { EPODE_FORGET_TOKEN, EP_SECRET_TOKEN, true },
        { EPODE_FORGET_FACTS, EP_FACT_SERVICE, false },
        { EPODE_FORGET_TOKEN, EP_FACT_TOKEN_INFO, false }, { EPODE_FORGET_TOKEN, EP_SECRET_SCRAM, true },
        { EPODE_FORGET_PINS, EP_FACT_PIN, false },         { EPODE_FORGET_SESSION, EP_FACT_PRESENCE, false },
    };
    if (c->freed || c->suspended || c->state != EPODE_STOPPED || c->net)
        return EPODE_ESTATE;
    epode_status st = ep_store_begin(c->store);
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !st; i++) {
        if (!(what & rows[i].what))
            continue;
        st = rows[i].secret ? ep_store_secret_del(c->store, rows[i].kind, NULL)
                            : ep_store_fact_del_kind(c->store, rows[i].kind);
    }
    if (!st && (what & EPODE_FORGET_SESSION))
        st = ep_store_sm_clear(c->store);
    if (st) {
        ep_store_rollback(c->store);
        return st;
    }
    if (what & EPODE_FORGET_FACTS)
        c->account_can.known = c->domain_can.known = false;
    return ep_store_commit(c->store, true);
}

epode_status epode_client_unpin(epode_client *c)
{
    return epode_client_forget(c, EPODE_FORGET_PINS);
}

xmpp_ctx_t *epode_client_ctx(epode_client *c)
{
    if (!c->ctx)
        c->ctx = xmpp_ctx_new(NULL, NULL);
    return c->ctx;
}

int epode_client_fd(const epode_client *c)
{
    return ep_loop_fd(c->loop);
}

epode_status epode_client_process(epode_client *c)
{
    if (c->processing)
        return EPODE_ESTATE;
    c->processing = true;
    int done = ep_loop_dispatch(c->loop);
    /* A checkpoint in the middle of a long catch-up would write pages that change again in a moment. */
    if (c->suspend_due && !c->freed)
        ep_client_suspend_now(c);
    if (!done && !c->freed && !c->suspended && !c->postponed && !(c->was_ready && ep_sync_is_bulk(c->sync)))
        ep_store_idle(c->store);
    c->processing = false;
    if (c->freed) {
        client_destroy(c);
        return EPODE_DONE;
    }
    return done ? EPODE_OK : EPODE_AGAIN;
}

epode_status epode_client_run(epode_client *c, int64_t max_ms)
{
    if (c->processing)
        return EPODE_ESTATE;
    int64_t end = max_ms < 0 ? EP_NEVER : ep_loop_refresh(c->loop) + max_ms * 1000;
    for (;;) {
        epode_status st = epode_client_process(c);
        if (st == EPODE_DONE)
            return EPODE_DONE;
        if (c->state == EPODE_STOPPED && !c->net && (!c->on_event || ep_list_empty(&c->events)))
            return EPODE_OK;
        int64_t now = ep_loop_refresh(c->loop);
        if (now >= end)
            return EPODE_ETIMEOUT;
        ep_loop_wait(c->loop, end == EP_NEVER ? -1 : end - now);
    }
}
