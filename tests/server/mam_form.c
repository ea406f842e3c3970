/* What an archive query says: its form, its result set management (XEP-0059), its flags. */
#include "mam.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* NULL: known, or the fault makes nothing of it; else the condition. Sets *pos only if known. */
static const char *position(struct srv_mam *mam, const char *id, int64_t *pos)
{
    int64_t found = srv_archive_pos(mam->srv, mam->owner, id);
    const char *how = srv_text(mam->srv, UNKNOWN_ID);
    if (found) {
        *pos = found;
        return NULL;
    }
    srv_count(mam->srv, "mam-unknown-ids");
    if (strcmp(how, "empty-complete") == 0)
        mam->none = true;
    else if (strcmp(how, "from-start") != 0)
        return *how ? how : "item-not-found";
    return NULL;
}

static const char *field_with(struct srv_mam *mam, const struct srv_xml *field, const char *value)
{
    struct srv_jid jid;
    (void)field;
    if (!srv_jid_parse(value, &jid))
        return "jid-malformed";
    mam->with_full = jid.resource != NULL;
    free(mam->with);
    char *bare = srv_jid_bare(value);
    mam->with = jid.resource ? srv_format("%s/%s", bare, jid.resource) : srv_dup(bare);
    free(bare);
    srv_jid_free(&jid);
    return NULL;
}

static int64_t whole_second(const struct srv_mam *mam, int64_t us)
{
    return srv_on(mam->srv, MAM_ROUGH_TIMES) ? us - us % 1000000 : us;
}

static const char *field_start(struct srv_mam *mam, const struct srv_xml *field, const char *value)
{
    int64_t us = srv_stamp_parse(value);
    (void)field;
    if (us == INT64_MIN)
        return "bad-request";
    mam->start_us = whole_second(mam, us);
    return NULL;
}

static const char *field_end(struct srv_mam *mam, const struct srv_xml *field, const char *value)
{
    int64_t us = srv_stamp_parse(value);
    (void)field;
    if (us == INT64_MIN)
        return "bad-request";
    mam->end_us = srv_on(mam->srv, MAM_ROUGH_TIMES) ? whole_second(mam, us) - 1 : us;
    return NULL;
}

static const char *field_after(struct srv_mam *mam, const struct srv_xml *field, const char *value)
{
    (void)field;
    return position(mam, value, &mam->above);
}

static const char *field_before(struct srv_mam *mam, const struct srv_xml *field, const char *value)
{
    (void)field;
    return position(mam, value, &mam->below);
}

static const char *field_ids(struct srv_mam *mam, const struct srv_xml *field, const char *value)
{
    (void)value;
    mam->by_ids = true;
    for (struct srv_xml *child = field->first; child; child = child->next) {
        int64_t pos = 0;
        if (!srv_xml_is(child, NS_DATA, "value"))
            continue;
        const char *condition = position(mam, srv_xml_content(child), &pos);
        if (condition)
            return condition;
        if (pos)
            srv_buf_printf(&mam->ids, "%s%lld", mam->ids.len ? "," : "", (long long)pos);
    }
    return NULL;
}

static const char *field_groupchat(struct srv_mam *mam, const struct srv_xml *field,
                                   const char *value)
{
    (void)field;
    mam->no_groupchat = strcmp(value, "false") == 0 || strcmp(value, "0") == 0;
    return NULL;
}

/* `extended` 1: only with that feature; 2: only with the groupchat field. */
static const struct {
    const char *var, *type;
    int extended;
    const char *(*fn)(struct srv_mam *mam, const struct srv_xml *field, const char *value);
} fields[] = {
    {"with", "jid-single", 0, field_with},
    {"start", "text-single", 0, field_start},
    {"end", "text-single", 0, field_end},
    {"before-id", "text-single", 1, field_before},
    {"after-id", "text-single", 1, field_after},
    {"ids", "list-multi", 1, field_ids},
    {"include-groupchat", "boolean", 2, field_groupchat},
};

static bool understood(struct srv *srv, size_t row, bool room)
{
    if (fields[row].extended == 1)
        return srv_on(srv, MAM_EXTENDED);
    return fields[row].extended == 0 || (!room && srv_on(srv, MAM_GROUPCHAT_FIELD));
}

static const char *parse_field(struct srv_mam *mam, const struct srv_xml *field)
{
    const char *var = srv_xml_get(field, "var");
    const char *value = srv_xml_content(srv_xml_find(field, NS_DATA, "value"));
    if (!var)
        return "bad-request";
    if (strcmp(var, "FORM_TYPE") == 0)
        return strcmp(value, NS_MAM) == 0 ? NULL : "bad-request";
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].var, var) == 0 && understood(mam->srv, i, mam->room))
            return fields[i].fn(mam, field, value);
    const char *condition = srv_text(mam->srv, MAM_UNKNOWN_FIELDS);
    return *condition && strcmp(condition, "ignore") != 0 ? condition : NULL;
}

static bool number(const struct srv_xml *el, long *out)
{
    const char *text = srv_xml_content(el);
    char *end = NULL;
    errno = 0;
    *out = strtol(text, &end, 10);
    return *text && !*end && errno == 0 && *out >= 0;
}

static const char *parse_set(struct srv_mam *mam, const struct srv_xml *set)
{
    const struct srv_xml *max = srv_xml_find(set, NS_RSM, "max");
    const struct srv_xml *index = srv_xml_find(set, NS_RSM, "index");
    const struct srv_xml *before = srv_xml_find(set, NS_RSM, "before");
    const char *after = srv_xml_content(srv_xml_find(set, NS_RSM, "after"));
    const char *condition = NULL;
    if ((max && !number(max, &mam->max)) || (index && !number(index, &mam->index)))
        return "bad-request";
    if (*after)
        condition = position(mam, after, &mam->after);
    if (!condition && before && *srv_xml_content(before))
        condition = position(mam, srv_xml_content(before), &mam->before);
    mam->back = before != NULL;
    return condition;
}

/* The form is told from others by its type, and by its first field (XEP-0068). */
static const char *form_fault(const struct srv_xml *form)
{
    const char *type = srv_xml_get(form, "type");
    if (!type || strcmp(type, "submit") != 0)
        return "bad-request";
    for (struct srv_xml *at = form->first; at; at = at->next) {
        const char *var = srv_xml_get(at, "var");
        if (var && strcmp(var, "FORM_TYPE") == 0)
            return NULL;
    }
    return "bad-request";
}

const char *srv_mam_parse(struct srv_mam *mam, const struct srv_xml *query)
{
    struct srv *srv = mam->srv;
    const struct srv_xml *form = srv_xml_find(query, NS_DATA, "x");
    const struct srv_xml *set = srv_xml_find(query, NS_RSM, "set");
    const char *condition = form ? form_fault(form) : NULL;
    mam->queryid = srv_xml_get(query, "queryid");
    mam->start_us = INT64_MIN;
    mam->end_us = mam->below = mam->before = INT64_MAX;
    mam->index = -1;
    mam->max = srv_number(srv, MAM_PAGE);
    for (struct srv_xml *at = form ? form->first : NULL; at && !condition; at = at->next)
        if (srv_xml_is(at, NS_DATA, "field"))
            condition = parse_field(mam, at);
    if (!condition && set)
        condition = parse_set(mam, set);
    if (mam->max > srv_number(srv, MAM_PAGE_MAX))
        mam->max = srv_number(srv, MAM_PAGE_MAX);
    mam->flip = srv_on(srv, MAM_EXTENDED) && srv_xml_find(query, NS_MAM, "flip-page");
    return condition;
}

void srv_mam_form(struct srv_session *session, const struct srv_xml *iq)
{
    struct srv *srv = session->srv;
    if (srv_on(srv, NO_MAM)) {
        srv_route_error(session, iq, "cancel", "service-unavailable");
        return;
    }
    char *owner = srv_archive_owner(srv, srv_xml_get(iq, "to"));
    bool room = owner && strchr(owner, '@');
    struct srv_xml *query = srv_xml_new(NS_MAM, "query");
    struct srv_xml *form = srv_xml_child(query, NS_DATA, "x");
    srv_xml_set(form, "type", "form");
    struct srv_xml *field = srv_xml_child(form, NS_DATA, "field");
    srv_xml_set(field, "type", "hidden");
    srv_xml_set(field, "var", "FORM_TYPE");
    srv_xml_puts(srv_xml_child(field, NS_DATA, "value"), NS_MAM);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (!understood(srv, i, room))
            continue;
        field = srv_xml_child(form, NS_DATA, "field");
        srv_xml_set(field, "type", fields[i].type);
        srv_xml_set(field, "var", fields[i].var);
        if (strcmp(fields[i].type, "list-multi") != 0)
            continue;
        struct srv_xml *open = srv_xml_child(field, "http://jabber.org/protocol/xdata-validate",
                                             "validate");
        srv_xml_set(open, "datatype", "xs:string");
        srv_xml_child(open, open->ns, "open");
    }
    srv_iq_reply(session, iq, query);
    free(owner);
}
