/* view.c: messages as they are to be shown. */
#include "base/alloc.h"
#include "base/str.h"
#include "store/cursorwork.h"

typedef struct view_reaction {
    int64_t row;
    bool outgoing, groupchat;
    const char *sender, *author, *reactions;
} view_reaction;

/* In the order of VIEW_COLUMNS. */
static void view_read(ep_view *v, int64_t *edit, ep_rows *rows)
{
    bool none;
    v->row = ep_rows_int(rows, NULL);
    v->archive = ep_rows_int(rows, NULL);
    v->conversation = ep_rows_int(rows, NULL);
    v->pos = ep_rows_int(rows, NULL);
    v->owner = ep_rows_bytes(rows, NULL);
    v->peer = ep_rows_bytes(rows, NULL);
    v->archive_id = ep_rows_bytes(rows, NULL);
    v->from = ep_rows_bytes(rows, NULL);
    v->to = ep_rows_bytes(rows, NULL);
    v->type = ep_rows_bytes(rows, NULL);
    v->id = ep_rows_bytes(rows, NULL);
    v->origin_id = ep_rows_bytes(rows, NULL);
    v->occupant = ep_rows_bytes(rows, NULL);
    v->kind = (ep_msg_kind)ep_rows_int(rows, NULL);
    v->outgoing = ep_rows_int(rows, NULL) != 0;
    v->groupchat = ep_rows_int(rows, NULL) != 0;
    *edit = ep_rows_int(rows, &none);
    v->edited = !none;
    v->retracted = ep_rows_int(rows, NULL) != 0;
    v->provisional = ep_rows_int(rows, NULL) != 0;
    v->body = ep_rows_bytes(rows, NULL);
    v->first_body = ep_rows_bytes(rows, NULL);
    v->ref_id = ep_rows_bytes(rows, NULL);
    v->reply_id = ep_rows_bytes(rows, NULL);
    v->reply_to = ep_rows_bytes(rows, NULL);
    v->time_ms = ep_rows_int(rows, NULL);
    v->received_ms = ep_rows_int(rows, NULL);
    v->state = (ep_delivery)ep_rows_int(rows, NULL);
    v->reason = ep_rows_bytes(rows, NULL);
    v->reaction_count = (size_t)ep_rows_int(rows, NULL); /* 1: there may be some */
    v->xml = ep_rows_bytes(rows, &v->len);
    if (v->retracted)
        v->body = NULL;
}

static bool views_reserve(ep_views *views, size_t n)
{
    if (n <= views->cap)
        return true;
    ep_free(views->at);
    ep_free(views->edits);
    views->at = ep_calloc(n, sizeof *views->at);
    views->edits = ep_calloc(n, sizeof *views->edits);
    views->cap = views->at && views->edits ? n : 0;
    return views->cap > 0;
}

/* The authors' sets come in order: a later one takes the place of an earlier one. */
static void view_add_reaction(ep_view *v, ep_reaction *list, const view_reaction *r,
                              const char **authors)
{
    const char *author = r->outgoing ? "" : r->groupchat ? r->author : v->peer;
    size_t i = 0;
    while (i < v->reaction_count && !ep_streq(authors[i], author))
        i++;
    if (i == v->reaction_count)
        v->reaction_count++;
    authors[i] = author;
    list[i] = (ep_reaction){ r->sender, r->outgoing, r->reactions ? r->reactions : "" };
}

static void view_drop_withdrawn(ep_view *v, ep_reaction *list)
{
    size_t n = 0;
    for (size_t i = 0; i < v->reaction_count; i++)
        if (list[i].reactions[0])
            list[n++] = list[i];
    v->reaction_count = n;
    v->reactions = n ? list : NULL;
}

static ep_view *views_find(ep_views *views, int64_t row)
{
    for (size_t i = 0; i < views->count; i++)
        if (views->at[i].row == row)
            return &views->at[i];
    return NULL;
}

static epode_status views_fold(ep_store *s, ep_views *views)
{
    ep_rows *rows = &views->reacted;
    ep_reaction *list = views->reactions = ep_calloc(rows->count, sizeof *list);
    const char **authors = ep_calloc(rows->count, sizeof *authors);
    ep_view *now = NULL;
    size_t used = 0;
    epode_status status =
        list && authors ? EPODE_OK : ep_store_fail(s, EPODE_ENOMEM, "out of memory");
    for (size_t i = 0; status == EPODE_OK && i < rows->count; i++) {
        view_reaction r;
        r.row = ep_rows_int(rows, NULL);
        r.sender = ep_rows_bytes(rows, NULL);
        r.outgoing = ep_rows_int(rows, NULL) != 0;
        r.groupchat = ep_rows_int(rows, NULL) != 0;
        r.author = ep_rows_bytes(rows, NULL);
        r.reactions = ep_rows_bytes(rows, NULL);
        if (!now || now->row != r.row) {
            if (now)
                view_drop_withdrawn(now, list + used);
            now = views_find(views, r.row);
            used = i;
        }
        if (now)
            view_add_reaction(now, list + used, &r, authors + used);
    }
    if (status == EPODE_OK && now)
        view_drop_withdrawn(now, list + used);
    ep_free(authors);
    return status;
}

/* One statement for the reactions of the whole batch, where there are any. */
static epode_status views_react(ep_store *s, ep_views *views)
{
    ep_ints reacted = { 0 };
    ep_buf json = EP_BUF_INIT;
    sqlite3_stmt *row;
    epode_status status = EPODE_OK;
    for (size_t i = 0; i < views->count; i++) {
        bool some = views->at[i].reaction_count > 0;
        views->at[i].reaction_count = 0;
        if (some && !ep_ints_add(&reacted, views->at[i].row))
            status = ep_store_fail(s, EPODE_ENOMEM, "out of memory");
    }
    if (status == EPODE_OK && reacted.count) {
        ep_json_ints(&json, &reacted);
        const char *text = ep_buf_cstr(&json);
        status = text ? ep_sql_row(s, &row, EP_SQL_VIEW_REACTIONS, "t", text)
                      : ep_store_fail(s, EPODE_ENOMEM, "out of memory");
        if (status == EPODE_OK)
            status = ep_rows_take(s, &views->reacted, row);
        if (status == EPODE_OK)
            status = views_fold(s, views);
    }
    ep_buf_free(&json);
    ep_ints_free(&reacted);
    return status == EPODE_DONE ? EPODE_OK : status;
}

epode_status ep_views_take(ep_store *s, ep_views *views, sqlite3_stmt *row)
{
    views->count = 0;
    ep_free(views->reactions);
    views->reactions = NULL;
    epode_status status = ep_rows_take(s, &views->rows, row);
    if (status == EPODE_OK && !views_reserve(views, views->rows.count))
        status = ep_store_fail(s, EPODE_ENOMEM, "out of memory");
    if (status != EPODE_OK)
        return status;
    memset(views->at, 0, views->rows.count * sizeof *views->at);
    for (; views->count < views->rows.count; views->count++)
        view_read(&views->at[views->count], &views->edits[views->count], &views->rows);
    return views_react(s, views);
}

void ep_views_free(ep_views *views)
{
    ep_rows_free(&views->rows);
    ep_rows_free(&views->reacted);
    ep_free(views->at);
    ep_free(views->edits);
    ep_free(views->reactions);
    *views = (ep_views){ 0 };
}

epode_status ep_view_get(ep_store *s, int64_t number, ep_view_each each, void *user)
{
    ep_views views = { 0 };
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_VIEW_GET, "i", number);
    if (status == EPODE_OK)
        status = ep_views_take(s, &views, row);
    if (status == EPODE_OK)
        status = each(&views.at[0], user);
    ep_views_free(&views);
    return status;
}

epode_status ep_view_find(ep_store *s, int64_t archive, const char *archive_id, int64_t *row)
{
    ep_held held;
    epode_status status = ep_message_held(s, archive, archive_id, &held);
    if (status == EPODE_OK)
        *row = held.row;
    return status;
}
