/* failure.c: an attempt or a connection failed: again without what was guessed, later, or never. */
#include <string.h>

#include "base/rand.h"
#include "base/str.h"
#include "client/internal.h"

/* How long after a flight that was given up the server may still act on it. */
#define GAVE_UP_WINDOW_US (60 * 1000000LL)

/* RFC 6120's <conflict/> ends a client for good; but if the flight of an attempt that we gave up came through after
 * all, it is our own other half that took the place. */
static bool conflict_is_ours(epode_client *c, const ep_error *why)
{
    if (why->status != EPODE_ECONFLICT || c->conflict_retried || !c->gave_up_us)
        return false;
    c->conflict_retried = ep_loop_now_us(c->loop) - c->gave_up_us < GAVE_UP_WINDOW_US;
    return c->conflict_retried;
}

/* The guess went wrong where the stream could not go on: once more without it, in the same connect. */
static bool failure_again(epode_client *c, const ep_error *why, const char *guess)
{
    bool upgrade = ep_streq(guess, "upgrade"), bind = ep_streq(guess, "behind-bind");
    if (!guess || (upgrade ? c->no_upgrade : bind ? c->no_behind_bind : c->no_guess) || why->final || !c->wish ||
        ep_loop_now_us(c->loop) >= c->connect_deadline_us)
        return false;
    ep_session_add_fallback(c->building, guess, why->condition[0] ? why->condition : epode_status_name(why->status));
    /* One guess after the other: stanzas behind authentication first, then that it was sent ahead at all. */
    if (upgrade)
        c->no_upgrade = true;
    else if (bind)
        c->no_behind_bind = true;
    else if (strcmp(guess, "stanzas-behind-authentication") == 0)
        c->no_stanzas = true;
    else if (strcmp(guess, "early-data") == 0)
        c->no_early = true;
    else if (strcmp(guess, "starttls-pipelining") == 0)
        c->no_preface_ahead = true;
    else if (strcmp(guess, "legacy-pipelining") == 0 && !c->no_legacy)
        c->no_legacy = true;
    else
        c->no_guess = true;
    c->guess_failed = guess;
    ep_client_attempt(c);
    return true;
}

/* The session stands, but what rode behind authentication was never answered: whether it was counted is not known,
 * so this session is not gone on with. */
static void failure_distrust(epode_client *c)
{
    ep_store_begin(c->store);
    ep_store_smq_move_to_pending(c->store);
    ep_outbox_lost(c->store);
    ep_store_sm_clear(c->store);
    ep_client_save_habit(c, "stanzas", EP_HABIT_NO);
    ep_store_commit(c->store, false);
}

/* What this attempt rested on and was not confirmed in. */
static const char *failure_guess(const epode_client *c)
{
    if (c->early_out)
        return "early-data";
    if (c->preface_ahead && !c->up)
        return "starttls-pipelining";
    return c->stream ? ep_stream_guess(c->stream) : NULL;
}

void ep_client_restart_attempt(epode_client *c)
{
    int64_t now = ep_loop_now_us(c->loop);
    if (c->stream && ep_stream_state_of(c->stream) != EP_S_IDLE)
        c->gave_up_us = now;
    ep_client_drop(c);
    ep_timer_set(ep_loop_timers(c->loop), &c->retry_timer, ep_backoff_hint(&c->backoff, now, EP_NEVER));
}

void ep_client_failed(epode_client *c, const ep_error *why)
{
    ep_error err = *why;
    bool ready = c->was_ready, left = c->stream && ep_stream_state_of(c->stream) != EP_S_IDLE;
    const char *guess = failure_guess(c);
    ep_client_account(c);
    ep_client_drop(c);
    c->was_ready = false;
    if (!ready && left)
        c->gave_up_us = ep_loop_now_us(c->loop);
    ep_client_ask_drop_task(c);
    bool elsewhere = ep_target_again(c, &err, ready);
    if (!ready && elsewhere) {
        ep_client_attempt(c);
        return;
    }
    if (!ready && failure_again(c, &err, guess))
        return;
    if (ready && ep_streq(guess, "stanzas-behind-authentication"))
        failure_distrust(c);
    if (conflict_is_ours(c, &err))
        err.final = false;
    ep_log_line(&c->log, EP_LOG_INFO, "client", "connection ended: %s", err.text);
    bool asking = c->asking && !ready && !err.final;
    if (!c->wish || err.final || (!ep_client_reconnects(c) && !asking)) {
        ep_client_session_over(c, false);
        ep_client_stopped(c, err.status ? &err : NULL);
        return;
    }
    if (asking) {
        /* The server had less patience than the user needs: the answer brings the next attempt. */
        ep_client_emit_state(c, EPODE_CONNECTING, &err);
        return;
    }
    if (elsewhere) {
        c->keep_target = true;
        ep_timer_set(ep_loop_timers(c->loop), &c->retry_timer, ep_loop_now_us(c->loop));
        ep_client_emit_state(c, EPODE_OFFLINE, &err);
        return;
    }
    int64_t due = ep_backoff_failed(&c->backoff, ep_loop_now_us(c->loop), ep_rand_below(1000));
    ep_timer_set(ep_loop_timers(c->loop), &c->retry_timer, ep_client_retry_due(c, due));
    ep_client_emit_state(c, ready ? EPODE_OFFLINE : EPODE_CONNECTING, &err);
}

void ep_client_stream_failed(epode_client *c)
{
    ep_error err = *ep_stream_error(c->stream);
    if (c->store_error.status)
        err = c->store_error;
    ep_error_clear(&c->store_error);
    if (!err.status)
        ep_fail(&err, EPODE_ESTREAM, 0, "the server closed the stream");
    /* The last words (a stream error, the end tag) go out if they can; but where the fault is ours, a silent end leaves
     * the session to be resumed, with all that the server holds for it (XEP-0198, 5). */
    ep_buf *out = ep_stream_output(c->stream);
    bool ours = err.status == EPODE_ENOMEM || err.status <= EPODE_ESTORE;
    if (c->net && out->len && !out->failed && !ours) {
        ep_transport_write(c->net, ep_buf_ptr(out), out->len);
        ep_transport_flush(c->net);
    }
    ep_client_failed(c, &err);
}
