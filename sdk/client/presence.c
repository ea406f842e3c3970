/* presence.c: our own presence, and that of others (RFC 6121, 4). */
#include "client/presence.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "xmpp/bound.h"

_Static_assert((int)EPODE_SHOW_ONLINE == EP_SHOW_ONLINE && (int)EPODE_SHOW_CHAT == EP_SHOW_CHAT &&
                   (int)EPODE_SHOW_AWAY == EP_SHOW_AWAY && (int)EPODE_SHOW_XA == EP_SHOW_XA &&
                   (int)EPODE_SHOW_DND == EP_SHOW_DND && (int)EPODE_SHOW_OFFLINE == EP_SHOW_OFFLINE,
               "what is read is what the application is told");

/* --- who is there ---------------------------------------------------------------------------------------- */

/* FNV-1a */
ep_list *ep_presence_bucket(const ep_presences *p, const char *bare, size_t len)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)bare[i]) * 16777619u;
    return (ep_list *)(uintptr_t)&p->at[h % EP_PRESENCE_BUCKETS];
}

static ep_resource_there *there_of(ep_list *node)
{
    return EP_LIST_OF(node, ep_resource_there, node);
}

static bool is_of(const ep_resource_there *r, const char *bare, size_t len)
{
    return r->bare_len == len && memcmp(r->shown.jid, bare, len) == 0;
}

ep_resource_there *ep_presence_find(const ep_presences *p, const char *full)
{
    ep_list *bucket = ep_presence_bucket(p, full, ep_jid_bare_len(full));
    EP_LIST_EACH(at, bucket)
        if (strcmp(there_of(at)->shown.jid, full) == 0)
            return there_of(at);
    return NULL;
}

static void there_free(ep_resource_there *r)
{
    const char *strings[] = { r->shown.jid, r->shown.status, r->shown.photo, r->shown.caps_node, r->caps };
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        ep_free((char *)(uintptr_t)strings[i]);
    ep_buf_free(&r->features);
    ep_free(r);
}

static void leave(ep_presences *p, ep_resource_there *r)
{
    ep_list_unlink(&r->node);
    p->count--;
    there_free(r);
}

static bool keep(const char **to, const char *text)
{
    return !text || (*to = ep_strdup(text)) != NULL;
}

static ep_resource_there *there_new(const char *full, const ep_presence *in)
{
    ep_resource_there *r = ep_calloc(1, sizeof *r);
    if (!r)
        return NULL;
    ep_list_init(&r->node);
    r->bare_len = ep_jid_bare_len(full);
    r->shown = (epode_presence){ .size = sizeof r->shown, .show = (epode_show)in->show, .priority = in->priority,
                                 .idle_ms = in->idle_ms, .stamp_ms = in->stamp_ms };
    bool ok = keep(&r->shown.jid, full) && keep(&r->shown.status, in->status) && keep(&r->shown.photo, in->photo) &&
              keep(&r->shown.caps_node, in->caps_node) &&
              (!in->caps_hash || (r->caps = ep_asprintf("%s %s", in->caps_hash, in->caps_ver)));
    if (!ok) {
        there_free(r);
        return NULL;
    }
    return r;
}

static bool same(const ep_resource_there *a, const ep_resource_there *b)
{
    return a->shown.show == b->shown.show && a->shown.priority == b->shown.priority &&
           a->shown.idle_ms == b->shown.idle_ms && ep_streq(a->shown.status, b->shown.status) &&
           ep_streq(a->shown.photo, b->shown.photo) && ep_streq(a->shown.caps_node, b->shown.caps_node) &&
           ep_streq(a->caps, b->caps);
}

/* In front of those of the same JID whose priority is not higher; the last one goes where there are too many. */
static void enter(ep_presences *p, ep_resource_there *r)
{
    ep_list *bucket = ep_presence_bucket(p, r->shown.jid, r->bare_len), *before = bucket;
    ep_resource_there *last = NULL;
    size_t n = 0;
    EP_LIST_EACH(at, bucket) {
        ep_resource_there *o = there_of(at);
        if (!is_of(o, r->shown.jid, r->bare_len)) {
            if (!last)
                continue;
            before = before == bucket ? at : before; /* behind the last of them */
            break;
        }
        last = o;
        n++;
        if (o->shown.priority <= r->shown.priority && before == bucket)
            before = at;
    }
    ep_list_push_back(before, &r->node);
    p->count++;
    if (n < EP_PRESENCE_EACH_MAX)
        return;
    leave(p, last->shown.priority > r->shown.priority ? r : last);
}

static void tell(epode_client *c, const char *full, epode_show show, const ep_error *err)
{
    char *bare = ep_strndup(full, ep_jid_bare_len(full));
    epode_event ev = { .type = EPODE_EV_PRESENCE, .peer = bare, .from = full, .show = show, .error = err };
    if (bare)
        ep_client_emit(c, &ev);
    else
        c->emit_failed = true;
    ep_free(bare);
}

epode_status ep_client_presence_there(epode_client *c, const char *full, const ep_presence *in)
{
    ep_presences *p = &c->presences;
    ep_resource_there *was = ep_presence_find(p, full), *is;
    if (!was && p->count >= EP_PRESENCE_MAX) {
        ep_log_line(&c->log, EP_LOG_WARN, "client", "more presence than is kept was dropped");
        return EPODE_OK;
    }
    if (!(is = there_new(full, in)))
        return EPODE_ENOMEM;
    bool changed = !was || !same(was, is);
    const char *photo = is->shown.photo && !(was && ep_streq(was->shown.photo, is->shown.photo)) ? in->photo : NULL;
    if (was && ep_streq(was->caps, is->caps) && ep_streq(was->shown.caps_node, is->shown.caps_node)) {
        is->features = was->features;
        is->asked = was->asked;
        is->awaited = was->awaited;
        was->features = (ep_buf)EP_BUF_INIT;
    }
    if (was)
        leave(p, was);
    enter(p, is);
    if (changed)
        tell(c, full, (epode_show)in->show, NULL);
    if (photo)
        ep_client_tell_avatar(c, full, photo);
    return EPODE_OK;
}

/* A bare JID stands for all of its resources. */
static void take_gone(epode_client *c, const char *jid, const ep_error *err)
{
    ep_presences *p = &c->presences;
    size_t len = ep_jid_bare_len(jid);
    bool all = !jid[len], told = false;
    ep_list *bucket = ep_presence_bucket(p, jid, len);
    EP_LIST_EACH_SAFE(at, bucket) {
        ep_resource_there *r = there_of(at);
        if (!is_of(r, jid, len) || !(all || strcmp(r->shown.jid, jid) == 0))
            continue;
        tell(c, r->shown.jid, EPODE_SHOW_OFFLINE, err);
        told = true;
        leave(p, r);
    }
    if (!told && err)
        tell(c, jid, EPODE_SHOW_OFFLINE, err);
}

/* error: the stanza that came back; NULL: none did. */
static epode_status take_unavailable(epode_client *c, const char *jid, const ep_elem *error)
{
    ep_error err = { 0 };
    if (!error) {
        take_gone(c, jid, NULL);
        return ep_client_presence_drop(c, jid);
    }
    const char *condition = ep_condition_of(ep_elem_child(error, "error", NULL));
    ep_fail(&err, EPODE_ESTANZA, 0, "presence came back: %s", condition ? condition : "undefined-condition");
    ep_error_set_condition(&err, condition);
    take_gone(c, jid, &err);
    return ep_client_presence_drop(c, jid);
}

epode_status ep_client_take_presence(epode_client *c, const ep_elem *e)
{
    ep_presence in;
    ep_jid from;
    epode_status st = EPODE_OK;
    ep_presence_read(&in, e);
    if (in.type == EP_PRESENCE_OTHER)
        ep_client_take_subscription(c, e);
    if (in.type == EP_PRESENCE_OTHER || in.of_room || ep_jid_parse(&from, ep_elem_attr(e, "from")))
        return EPODE_OK;
    char *full = from.resource ? ep_asprintf("%s/%s", from.bare, from.resource) : ep_strdup(from.bare);
    if (!full)
        st = EPODE_ENOMEM;
    else if (ep_client_resource_named(c, full))
        ; /* what we said ourselves */
    else if (in.type == EP_PRESENCE_AVAILABLE)
        st = (st = ep_client_presence_there(c, full, &in)) ? st : ep_client_presence_keep(c, full, e);
    else
        st = take_unavailable(c, full, in.type == EP_PRESENCE_ERROR ? e : NULL);
    ep_free(full);
    ep_jid_free(&from);
    return st;
}

static bool forget(ep_presences *p)
{
    bool any = p->count > 0;
    for (size_t i = 0; i < EP_PRESENCE_BUCKETS; i++)
        EP_LIST_EACH_SAFE(at, &p->at[i])
            leave(p, there_of(at));
    return any;
}

void ep_client_presence_over(epode_client *c)
{
    epode_event ev = { .type = EPODE_EV_PRESENCE, .show = EPODE_SHOW_OFFLINE };
    c->presences.own_due = false;
    if (forget(&c->presences))
        ep_client_emit(c, &ev);
}

void ep_client_presence_init(epode_client *c)
{
    for (size_t i = 0; i < EP_PRESENCE_BUCKETS; i++)
        ep_list_init(&c->presences.at[i]);
}

void ep_client_presence_free(epode_client *c)
{
    forget(&c->presences);
    ep_free(c->presences.own_status);
}

/* --- our own --------------------------------------------------------------------------------------------- */

bool ep_client_wants_presence(const epode_client *c)
{
    const ep_presences *p = &c->presences;
    return (p->own_set || !(c->flags & EPODE_NO_PRESENCE)) && p->own.show != EP_SHOW_OFFLINE;
}

static epode_status send_own(epode_client *c, const char *from, const char *to, const ep_own *own)
{
    ep_caps caps = ep_client_caps(c);
    ep_buf_clear(&c->scratch);
    ep_xw w = ep_xw_init(&c->scratch);
    ep_presence_write(&w, from, to, own, &caps);
    return ep_client_send_writer(c, EP_STANZA_PRESENCE, NULL, &w);
}

epode_status ep_client_send_presence(epode_client *c, const char *from)
{
    return send_own(c, from, NULL, &c->presences.own);
}

epode_status ep_client_own_said(epode_client *c)
{
    bool keep = c->presences.own_due || c->presences.own_unkept;
    c->presences.own_due = false;
    return keep ? ep_client_own_keep(c) : EPODE_OK;
}

/* Each resource of ours has its own (XEP-0193). */
static epode_status send_all(epode_client *c)
{
    epode_status st = ep_client_own_said(c);
    if (st < 0 || c->resources.count <= 1)
        return st < 0 ? st : ep_client_send_presence(c, NULL);
    for (size_t i = 0; st >= 0 && i < c->resources.count; i++)
        st = ep_client_send_presence(c, c->resources.at[i].full);
    return st;
}

epode_status ep_client_presence_catch_up(epode_client *c)
{
    epode_status st = c->presences.count ? EPODE_OK : ep_client_presence_load(c);
    return st < 0 ? st : c->presences.own_due ? send_all(c) : EPODE_OK;
}

/* EPODE_EINVAL: it cannot be written. */
static epode_status check_own(epode_show show, const char *status, int priority)
{
    bool ok = show >= EPODE_SHOW_ONLINE && show <= EPODE_SHOW_OFFLINE && priority >= -128 && priority <= 127 &&
              (!status || ep_xml_valid(status, strlen(status)));
    return ok ? EPODE_OK : EPODE_EINVAL;
}

epode_status epode_presence_set(epode_client *c, epode_show show, const char *status, int priority)
{
    ep_presences *p = &c->presences;
    if (c->freed)
        return EPODE_ESTATE;
    epode_status st = check_own(show, status, priority);
    if (st)
        return st;
    if (!ep_str_set(&p->own_status, status && *status ? status : NULL))
        return EPODE_ENOMEM;
    p->own = (ep_own){ (ep_show)show, p->own_status, priority };
    p->own_set = p->own_due = p->own_unkept = true;
    if (c->suspended)
        return EPODE_OK;
    ep_loop_enter(c->loop);
    ep_client_begin(c);
    st = ep_client_can_send(c) ? send_all(c) : ep_client_own_keep(c);
    ep_client_schedule(c);
    ep_loop_leave(c->loop);
    return st < 0 ? st : EPODE_OK;
}

epode_show epode_presence_own(const epode_client *c, const char **status, int *priority)
{
    const ep_presences *p = &c->presences;
    if (status)
        *status = p->own_status;
    if (priority)
        *priority = p->own.priority;
    return (epode_show)p->own.show;
}

epode_status epode_presence_send_to(epode_client *c, const char *jid, epode_show show, const char *status)
{
    ep_jid to;
    ep_own own = { (ep_show)show, status && *status ? status : NULL, c->presences.own.priority };
    epode_status st = check_own(show, status, 0);
    if (c->freed || c->suspended || !ep_client_can_send(c))
        return EPODE_ESTATE;
    if (!st)
        st = ep_jid_parse(&to, jid);
    if (st)
        return st;
    char *full = to.resource ? ep_asprintf("%s/%s", to.bare, to.resource) : ep_strdup(to.bare);
    ep_loop_enter(c->loop);
    st = full ? send_own(c, NULL, full, &own) : EPODE_ENOMEM;
    ep_loop_leave(c->loop);
    ep_free(full);
    ep_jid_free(&to);
    return st < 0 ? st : EPODE_OK;
}

/* --- for the application ---------------------------------------------------------------------------------- */

const epode_presence *epode_presence_at(const epode_client *c, const char *jid, size_t i)
{
    ep_jid bare;
    const epode_presence *found = NULL;
    if (ep_jid_parse(&bare, jid))
        return NULL;
    size_t len = strlen(bare.bare);
    ep_list *bucket = ep_presence_bucket(&c->presences, bare.bare, len);
    EP_LIST_EACH(at, bucket)
        if (!found && is_of(there_of(at), bare.bare, len) && i-- == 0)
            found = &there_of(at)->shown;
    ep_jid_free(&bare);
    return found;
}

size_t epode_presence_count(const epode_client *c, const char *jid)
{
    size_t n = 0;
    while (n < EP_PRESENCE_EACH_MAX && epode_presence_at(c, jid, n))
        n++;
    return n;
}

void epode_presence_each(const epode_client *c, bool (*each)(const epode_presence *p, void *user), void *user)
{
    for (size_t i = 0; i < EP_PRESENCE_BUCKETS; i++)
        for (ep_list *at = c->presences.at[i].next; at != &c->presences.at[i]; at = at->next)
            if (!each(&there_of(at)->shown, user))
                return;
}
