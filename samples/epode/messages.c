/* messages.c: epode history, search, conversations, unread: reading the store, online or not. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli.h"

const char *cli_delivery_name(epode_delivery d)
{
    static const char *const names[] = { "", "queued", "sent", "acknowledged", "received", "read", "failed" };
    return names[d];
}

void cli_time(int64_t ms, char out[32])
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, 32 - n, ".%03dZ", (int)(ms % 1000));
}

static json_t *text(const char *s)
{
    return s ? json_string(s) : json_null();
}

json_t *cli_message_json(const epode_message *m)
{
    char time[32];
    cli_time(m->time_ms, time);
    json_t *o = json_object();
    json_object_set_new(o, "row", json_integer((json_int_t)m->row));
    json_object_set_new(o, "archive", text(m->archive));
    json_object_set_new(o, "archive_id", text(m->archive_id));
    json_object_set_new(o, "peer", text(m->peer));
    json_object_set_new(o, "from", text(m->from));
    json_object_set_new(o, "outgoing", json_boolean(m->outgoing));
    json_object_set_new(o, "time", text(time));
    json_object_set_new(o, "type", text(m->type));
    json_object_set_new(o, "body", text(m->body));
    json_object_set_new(o, "id", text(m->id));
    json_object_set_new(o, "origin_id", text(m->origin_id));
    json_object_set_new(o, "state", m->outgoing ? text(cli_delivery_name(m->state)) : json_null());
    if (m->reason)
        json_object_set_new(o, "reason", text(m->reason));
    if (m->edited)
        json_object_set_new(o, "edited", json_true());
    if (m->retracted)
        json_object_set_new(o, "retracted", json_true());
    if (m->provisional)
        json_object_set_new(o, "provisional", json_true());
    if (m->reply_id)
        json_object_set_new(o, "reply_to", text(m->reply_id));
    if (m->reaction_count) {
        json_t *list = json_array();
        for (size_t i = 0; i < m->reaction_count; i++)
            json_array_append_new(list, json_pack("{s:s,s:s}", "author", m->reactions[i].author, "text",
                                                  m->reactions[i].text));
        json_object_set_new(o, "reactions", list);
    }
    if (m->xml)
        json_object_set_new(o, "xml", text(m->xml));
    return o;
}

void cli_message_print(const epode_message *m)
{
    char when[32];
    cli_time(m->time_ms, when);
    when[16] = '\0';
    when[10] = ' ';
    printf("%s  %s ", when, m->outgoing ? ">" : "<");
    cli_print_clean(m->groupchat && m->from ? m->from : m->peer); /* in a room: by whom */
    printf("%s", m->peer ? ": " : "");
    cli_print_clean(m->retracted ? "(retracted)" : m->body);
    if (m->edited)
        printf(" (edited)");
    for (size_t i = 0; i < m->reaction_count; i++) {
        printf(" [");
        cli_print_clean(m->reactions[i].text);
        printf("]");
    }
    if (m->outgoing && m->state != EPODE_DELIVERY_NONE)
        printf("  (%s)", cli_delivery_name(m->state));
    printf("\n");
}

epode_store *cli_store(cli_options *o, int *code)
{
    epode_store *store = NULL;
    char why[200];
    char *made = o->db ? NULL : cli_default_db(o->jid);
    const char *path = o->db ? o->db : made;
    epode_status st = path ? epode_store_open(&store, path, why, sizeof why) : EPODE_EINVAL;
    if (st)
        *code = cli_fail_text(o, st, path ? why : "say which store: --db FILE, or --jid JID");
    free(made);
    return store;
}

/* Prints in archive order; a limit means the newest ones: they are found from the end first. */
static int print_messages(cli_options *o, epode_store *store, epode_query *q)
{
    epode_cursor *cursor = NULL;
    const epode_message *m;
    unsigned long left = o->limit ? o->limit : ~0ul;
    epode_status st = EPODE_OK;
    if (o->limit && !q->search) {
        epode_query back = *q;
        back.newest_first = true;
        uint64_t first = 0;
        st = epode_store_messages(store, &back, &cursor);
        for (unsigned long n = 0; st == EPODE_OK && n < left && (st = epode_cursor_next(cursor, &m)) == EPODE_OK; n++)
            first = m->row;
        epode_cursor_free(cursor);
        q->from_row = first;
        q->inclusive = true;
        if (st >= 0)
            st = first ? EPODE_OK : EPODE_DONE;
    }
    cursor = NULL;
    if (st == EPODE_OK)
        st = epode_store_messages(store, q, &cursor);
    while (st == EPODE_OK && left-- && (st = epode_cursor_next(cursor, &m)) == EPODE_OK) {
        if (o->json)
            cli_print_json(cli_message_json(m));
        else
            cli_message_print(m);
    }
    epode_cursor_free(cursor);
    return st < 0 ? cli_fail_text(o, st, "the store could not be read") : EXIT_OK;
}

int cmd_history(cli_options *o)
{
    int code = EXIT_USAGE;
    if (o->arg_count > 1 || (o->arg_count == 0 && !o->all))
        return cli_fail_text(o, EPODE_EINVAL, "usage: epode history PEER, or epode history --all");
    epode_store *store = cli_store(o, &code);
    if (!store)
        return code;
    epode_query q = EPODE_QUERY_INIT;
    q.peer = o->arg_count ? o->args[0] : NULL;
    q.archive = o->archive;
    q.with_xml = o->xml;
    code = print_messages(o, store, &q);
    epode_store_close(store);
    return code;
}

int cmd_search(cli_options *o)
{
    int code = EXIT_USAGE;
    if (o->arg_count != 1)
        return cli_fail_text(o, EPODE_EINVAL, "usage: epode search TEXT");
    epode_store *store = cli_store(o, &code);
    if (!store)
        return code;
    epode_query q = EPODE_QUERY_INIT;
    q.search = o->args[0];
    q.with_xml = o->xml;
    code = print_messages(o, store, &q);
    epode_store_close(store);
    return code;
}

static bool print_conversation(const epode_conversation *c, void *user)
{
    const cli_options *o = user;
    char when[32];
    cli_time(c->last_ms, when);
    if (o->json) {
        cli_print_json(json_pack("{s:s,s:s?,s:s,s:i,s:b}", "peer", c->peer, "archive", c->archive, "last", when, "unread",
                                 (int)c->unread, "at_least", c->unread_at_least));
    } else {
        printf("%.16s  %5u%s  ", when, c->unread, c->unread_at_least ? "+" : " ");
        cli_print_clean(c->peer);
        printf("\n");
    }
    return true;
}

int cmd_conversations(cli_options *o)
{
    int code = EXIT_USAGE;
    epode_store *store = cli_store(o, &code);
    if (!store)
        return code;
    epode_status st = epode_store_conversations(store, print_conversation, o);
    epode_store_close(store);
    return st < 0 ? cli_fail_text(o, st, "the store could not be read") : EXIT_OK;
}

static bool add_unread(const epode_conversation *c, void *user)
{
    if (c->unread || c->unread_at_least)
        json_array_append_new(user, json_pack("{s:s,s:i,s:b}", "peer", c->peer, "count", (int)c->unread, "at_least",
                                              c->unread_at_least));
    return true;
}

json_t *cli_unreads_json(epode_store *store)
{
    json_t *list = json_array();
    epode_store_conversations(store, add_unread, list);
    return list;
}

static bool add_hole(const epode_hole *h, void *user)
{
    json_array_append_new(user, json_pack("{s:s?,s:s?,s:s?}", "archive", h->archive, "after_id", h->after_id,
                                          "before_id", h->before_id));
    return true;
}

json_t *cli_holes_json(epode_store *store)
{
    json_t *list = json_array();
    epode_store_holes(store, add_hole, list);
    return list;
}

json_t *cli_extent_json(epode_store *store)
{
    char first[256], last[256];
    if (epode_store_extent(store, first, last) || !*last)
        return json_null();
    return json_pack("{s:s,s:s}", "first_id", first, "last_id", last);
}

int cmd_unread(cli_options *o)
{
    int code = EXIT_USAGE;
    size_t i;
    json_t *entry;
    epode_store *store = cli_store(o, &code);
    if (!store)
        return code;
    json_t *list = cli_unreads_json(store);
    json_array_foreach(list, i, entry) {
        if (o->json) {
            cli_print_json(json_incref(entry));
            continue;
        }
        printf("%5d%s  ", (int)json_integer_value(json_object_get(entry, "count")),
               json_is_true(json_object_get(entry, "at_least")) ? "+" : " ");
        cli_print_clean(json_string_value(json_object_get(entry, "peer")));
        printf("\n");
    }
    json_decref(list);
    epode_store_close(store);
    return EXIT_OK;
}
