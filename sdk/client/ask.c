/* ask.c: what a login asks of the application, and its answers. The question is told in a dispatch of its own, never
 * from inside of the stream; while it stands, the connect's deadline does not run. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"

/* What is left of a connect after an answer, at least: the wait was not the server's fault. */
#define LEFT_AT_LEAST_US (10 * 1000000LL)

struct epode_task {
    char *names[EP_TASKS_MAX], *current, *text, *xml;
    size_t count;
};

static void task_free(epode_task *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++)
        ep_free(t->names[i]);
    ep_free(t->current);
    ep_free(t->text);
    if (t->xml)
        ep_free_secret(t->xml, strlen(t->xml));
    ep_free(t);
}

size_t epode_task_count(const epode_task *t)
{
    return t->count;
}

const char *epode_task_name_at(const epode_task *t, size_t i)
{
    return i < t->count ? t->names[i] : NULL;
}

const char *epode_task_current(const epode_task *t)
{
    return t->current;
}

const char *epode_task_text(const epode_task *t)
{
    return t->text;
}

const char *epode_task_xml(const epode_task *t)
{
    return t->xml;
}

/* ---- asking ---- */

static void ask_hold(epode_client *c)
{
    int64_t left = c->connect_deadline_us - ep_loop_now_us(c->loop);
    c->deadline_left_us = left > LEFT_AT_LEAST_US ? left : LEFT_AT_LEAST_US;
    ep_timer_stop(&c->deadline_timer);
    ep_loop_next(c->loop, &c->ask_job);
}

static void ask_go_on(epode_client *c)
{
    c->connect_deadline_us = ep_loop_now_us(c->loop) + c->deadline_left_us;
    ep_timer_set(ep_loop_timers(c->loop), &c->deadline_timer, c->connect_deadline_us);
}

void ep_client_ask_secret(epode_client *c, bool refused)
{
    ep_client_forget_given(c);
    c->asking = refused ? EPODE_ASK_REFUSED : EPODE_ASK_NEEDED;
    ask_hold(c);
}

epode_status ep_client_ask_task(epode_client *c, const ep_stream_task *t)
{
    epode_task *task = ep_calloc(1, sizeof *task);
    bool ok = task && ep_str_set(&task->current, t->task) && ep_str_set(&task->text, t->text) &&
              (!t->xml || (task->xml = ep_strndup(t->xml, t->xml_len)));
    for (size_t i = 0; ok && i < t->count; i++) {
        ok = (task->names[i] = ep_strdup(t->names[i])) != NULL;
        task->count += ok;
    }
    if (!ok) {
        task_free(task);
        return EPODE_ENOMEM;
    }
    task_free(c->task);
    c->task = task;
    ask_hold(c);
    return EPODE_OK;
}

/* The application may do anything in there: answer, stop, free. */
static void ask_run(ep_job *job, void *user)
{
    epode_client *c = user;
    (void)job;
    if (c->freed)
        return;
    if (c->task) {
        /* What it is told of stays until it has returned, whatever it calls. */
        epode_task *task = c->task;
        c->task = NULL;
        c->on_task(c, task, c->user);
        task_free(task);
    } else if (c->asking) {
        c->on_password(c, (epode_ask)c->asking, c->user);
    }
}

void ep_client_ask_init(epode_client *c)
{
    c->ask_job = (ep_job){ .run = ask_run, .user = c };
    ep_list_init(&c->ask_job.node);
}

void ep_client_ask_drop_task(epode_client *c)
{
    task_free(c->task);
    c->task = NULL;
    if (!c->asking)
        ep_job_cancel(&c->ask_job);
}

void ep_client_ask_end(epode_client *c)
{
    c->asking = 0;
    ep_client_ask_drop_task(c);
    ep_client_forget_given(c);
}

static void forget(char **secret)
{
    if (*secret)
        ep_free_secret(*secret, strlen(*secret));
    *secret = NULL;
}

void ep_client_forget_given(epode_client *c)
{
    forget(&c->given_password);
    forget(&c->given_oauth);
}

void ep_client_forget_password(epode_client *c)
{
    forget(&c->password);
}

/* ---- answers ---- */

/* One turn around what an answer does to the stream. */
static epode_status ask_answered(epode_client *c, epode_status st)
{
    if (st == EPODE_ESTATE || st == EPODE_EINVAL)
        return st;
    if (ep_stream_state_of(c->stream) == EP_S_CLOSED) {
        ep_client_stream_failed(c);
        return EPODE_OK;
    }
    ask_go_on(c);
    ep_client_schedule(c);
    return EPODE_OK;
}

static epode_status ask_cancelled(epode_client *c)
{
    ep_error err;
    ep_fail(&err, EPODE_ECANCELLED, 0, "no password was given");
    ep_error_set_final(&err, true);
    ep_client_failed(c, &err);
    return EPODE_OK;
}

static epode_status answer_password(epode_client *c, epode_secret kind, const char *secret)
{
    bool oauth = kind == EPODE_SECRET_OAUTH;
    c->asking = 0;
    if (!secret)
        return ask_cancelled(c);
    if (!ep_str_set(oauth ? &c->given_oauth : &c->given_password, secret)) {
        c->asking = EPODE_ASK_NEEDED;
        return EPODE_ENOMEM;
    }
    /* The connection ended while the question stood: a new one, with the answer. */
    if (!c->stream || !ep_stream_is_asking(c->stream)) {
        ep_client_attempt_now(c);
        return EPODE_OK;
    }
    ep_client_begin(c);
    return ask_answered(c, ep_stream_secret(c->stream, oauth ? NULL : secret, oauth ? secret : NULL));
}

epode_status epode_client_answer_password(epode_client *c, epode_secret kind, const char *secret)
{
    if (kind != EPODE_SECRET_PASSWORD && kind != EPODE_SECRET_OAUTH)
        return EPODE_EINVAL;
    if (c->freed || !c->asking)
        return EPODE_ESTATE;
    ep_loop_enter(c->loop);
    epode_status st = answer_password(c, kind, secret);
    ep_loop_leave(c->loop);
    return st;
}

epode_status epode_client_answer_task(epode_client *c, const char *name, const char *xml)
{
    if (c->freed || !c->stream || c->asking)
        return EPODE_ESTATE;
    ep_loop_enter(c->loop);
    ep_client_begin(c);
    epode_status st = ask_answered(c, ep_stream_answer_task(c->stream, name, xml ? xml : "", xml ? strlen(xml) : 0));
    ep_client_schedule(c);
    ep_loop_leave(c->loop);
    return st;
}

epode_status epode_client_cancel_task(epode_client *c)
{
    if (c->freed || !c->stream || c->asking)
        return EPODE_ESTATE;
    ep_loop_enter(c->loop);
    epode_status st = ask_answered(c, ep_stream_cancel(c->stream));
    ep_loop_leave(c->loop);
    return st;
}
