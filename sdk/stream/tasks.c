/* tasks.c: what a server wants after the SASL exchange and before success (XEP-0388, 2.6.3): tasks that the owner does,
 * as a second factor, and the upgrades of SCRAM that we asked for (XEP-0480). */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "stream/engine.h"
#include "xml/writer.h"
#include "xmpp/ns.h"

#define UPGRADE_PREFIX "UPGR-"
#define TASK_NAME_MAX  64

static void task_forget_names(ep_stream *s)
{
    for (size_t i = 0; i < s->task_count; i++)
        ep_free(s->task_names[i]);
    s->task_count = 0;
}

void ep_task_free(ep_stream *s)
{
    task_forget_names(s);
    ep_free(s->task);
    ep_wipe(&s->upgraded, sizeof s->upgraded);
}

void ep_task_request_upgrades(const ep_stream *s, ep_xw *w)
{
    size_t n;
    const ep_sasl_mech *m = ep_sasl_mechs(&n);
    for (size_t i = 0; i < n; i++) {
        if (!(s->plan.upgrades & m[i].bit))
            continue;
        ep_xw_open(w, "upgrade", EP_NS_SASL_UPGRADE);
        ep_xw_text(w, UPGRADE_PREFIX);
        ep_xw_text(w, m[i].name);
        ep_xw_close(w);
    }
}

/* The row that a task upgrades to, if we asked for it; NULL: another task. */
static const ep_sasl_mech *task_upgrade(const ep_stream *s, const char *name)
{
    size_t n = strlen(UPGRADE_PREFIX);
    const ep_sasl_mech *m = strncmp(name, UPGRADE_PREFIX, n) == 0 ? ep_sasl_mech_named(name + n) : NULL;
    return m && (s->plan.upgrades & m->bit) ? m : NULL;
}

/* <next task=''/> or <task-data/>, around one element that was checked. */
static epode_status task_write(ep_stream *s, const char *name, const char *xml, size_t len)
{
    ep_buf_puts(&s->out, name ? "<next xmlns='" EP_NS_SASL2 "' task='" : "<task-data xmlns='" EP_NS_SASL2 "'");
    if (name) {
        ep_xml_escape(&s->out, name, strlen(name));
        ep_buf_putc(&s->out, '\'');
    }
    ep_buf_puts(&s->out, len ? ">" : "/>");
    ep_buf_add(&s->out, xml, len);
    if (len)
        ep_buf_puts(&s->out, name ? "</next>" : "</task-data>");
    s->pending_steps |= EP_STEP_RESPONSE;
    return s->out.failed ? ep_stream_fail(s, EPODE_ENOMEM, NULL, false, "out of memory") : EPODE_OK;
}

/* The owner's turn. What rode behind this login was not waited for by anybody. */
static epode_status task_tell(ep_stream *s, const ep_stream_task *t)
{
    s->had_tasks = true;
    s->upgrading = false;
    epode_status st = ep_login_stanzas_lost(s);
    if (st)
        return st;
    if (!s->ev->task || s->c.no_tasks)
        return ep_stream_fail(s, EPODE_EAUTH, NULL, true,
                              "the server asks for a second factor, which is not supported");
    s->task_open = true;
    st = ep_stream_check(s, s->ev->task(s->user, t));
    return st;
}

static epode_status task_read_names(ep_stream *s, const ep_elem *tasks)
{
    task_forget_names(s);
    EP_ELEM_EACH(it, tasks) {
        const char *name = ep_elem_is(it, "task", EP_NS_SASL2) ? ep_elem_text(it) : "";
        if (!*name || strlen(name) >= TASK_NAME_MAX || s->task_count == EP_TASKS_MAX)
            continue;
        if (!(s->task_names[s->task_count] = ep_strdup(name)))
            return ep_stream_fail(s, EPODE_ENOMEM, NULL, false, "out of memory");
        s->task_count++;
    }
    return s->task_count ? EPODE_OK
                         : ep_stream_fail(s, EPODE_EPROTO, NULL, false,
                                          "the server goes on without success, and says not how");
}

static epode_status task_begin(ep_stream *s, const char *name, const char *xml, size_t len)
{
    if (!ep_str_set(&s->task, name))
        return ep_stream_fail(s, EPODE_ENOMEM, NULL, false, "out of memory");
    return task_write(s, name, xml, len);
}

epode_status ep_task_continue(ep_stream *s, ep_elem *e)
{
    if (!s->plan.sasl2 || s->task_open)
        return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the server goes on where nothing can go on");
    const ep_elem *data = ep_elem_child(e, "additional-data", EP_NS_SASL2);
    epode_status st = s->proved ? EPODE_OK : ep_login_prove(s, data && *ep_elem_text(data) ? data : NULL);
    if (!st)
        st = task_read_names(s, ep_elem_child(e, "tasks", EP_NS_SASL2));
    if (st)
        return st;
    s->tasked = true;
    ep_free(s->task);
    s->task = NULL;
    for (size_t i = 0; i < s->task_count; i++)
        if (task_upgrade(s, s->task_names[i])) {
            s->upgrading = true;
            return task_begin(s, s->task_names[i], NULL, 0);
        }
    const char *text = ep_elem_text(ep_elem_child(e, "text", EP_NS_SASL2));
    ep_stream_task t = { (const char *const *)s->task_names, s->task_count, NULL, *text ? text : NULL, NULL, 0 };
    return task_tell(s, &t);
}

/* XEP-0480, 3: salt and iterations come, SaltedPassword goes back, inside of verified TLS and to a server that has
 * shown its proof. */
static epode_status task_upgrade_data(ep_stream *s, const ep_elem *e)
{
    ep_error why = { 0 };
    uint64_t iterations = 0;
    char *salted = NULL;
    const ep_sasl_mech *m = task_upgrade(s, s->task);
    const ep_elem *salt = ep_elem_child(e, "salt", EP_NS_SCRAM_UPGRADE);
    const char *text = ep_elem_text(salt);
    char salt64[128];
    size_t from = strspn(text, " \t\r\n"), n = strcspn(text + from, " \t\r\n");
    if (!m || !s->c.password || !n || n >= sizeof salt64 || !ep_str_u64(ep_elem_attr(salt, "iterations"), &iterations))
        return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the server's upgrade of SCRAM is incomplete");
    memcpy(salt64, text + from, n);
    salt64[n] = '\0';
    epode_status st = ep_scram_upgrade(m, s->c.password, salt64, iterations, &salted, &s->upgraded, &why);
    if (st)
        return ep_stream_fail(s, st, NULL, false, "%s", why.text);
    ep_buf xml = EP_BUF_INIT;
    ep_buf_printf(&xml, "<hash xmlns='" EP_NS_SCRAM_UPGRADE "'>%s</hash>", salted);
    st = xml.failed ? ep_stream_fail(s, EPODE_ENOMEM, NULL, false, "out of memory")
                    : task_write(s, NULL, ep_buf_ptr(&xml), xml.len);
    ep_buf_wipe(&xml);
    ep_free_secret(salted, strlen(salted));
    return st;
}

epode_status ep_task_data(ep_stream *s, ep_elem *e)
{
    if (!s->task || s->task_open)
        return ep_stream_fail(s, EPODE_EPROTO, NULL, false, "the server sent data of a task that is not under way");
    if (s->upgrading)
        return task_upgrade_data(s, e);
    ep_buf xml = EP_BUF_INIT;
    EP_ELEM_EACH(it, e)
        ep_elem_write(&xml, it, NULL);
    ep_stream_task t = { NULL, 0, s->task, NULL, xml.len ? ep_buf_cstr(&xml) : NULL, xml.len };
    epode_status st = xml.failed ? ep_stream_fail(s, EPODE_ENOMEM, NULL, false, "out of memory") : task_tell(s, &t);
    ep_buf_free(&xml);
    return st;
}

static bool task_is_offered(const ep_stream *s, const char *name)
{
    for (size_t i = 0; i < s->task_count; i++)
        if (strcmp(s->task_names[i], name) == 0)
            return true;
    return false;
}

static bool task_xml_is_fine(const char *xml, size_t len)
{
    ep_arena arena = { 0 };
    ep_elem *e;
    bool fine = !len || ep_elem_read(&e, &arena, xml, len, EP_NS_SASL2) == EPODE_OK;
    ep_arena_free(&arena);
    return fine;
}

epode_status ep_stream_answer_task(ep_stream *s, const char *name, const char *xml, size_t len)
{
    if (!s->task_open || s->state != EP_S_AUTH)
        return EPODE_ESTATE;
    if ((name ? !task_is_offered(s, name) : !s->task) || !task_xml_is_fine(xml, len))
        return EPODE_EINVAL;
    s->task_open = false;
    return name ? task_begin(s, name, xml, len) : task_write(s, NULL, xml, len);
}
