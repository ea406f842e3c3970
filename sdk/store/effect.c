/* effect.c: what messages do to other ones: corrections (XEP-0308), retractions (XEP-0424),
 * reactions (XEP-0444), receipts (XEP-0184) and markers (XEP-0333).
 *
 * An effect is a row like every other one. Whatever it acts on is worked out anew from all the
 * effects that are stored, whenever one of the two sides arrives or moves: so their order of
 * arrival does not matter. */
#include "base/str.h"
#include "store/parts.h"

typedef struct effect_target {
    int64_t row, conversation, pos, edit;
    bool outgoing, groupchat, retracted, reacted;
    ep_delivery state;
    const char *sender, *occupant, *stanza_id, *origin_id, *archive_id;
} effect_target;

static epode_status effect_rows(ep_store *s, epode_status status, sqlite3_stmt *row, ep_rows *rows)
{
    return status == EPODE_OK ? ep_rows_take(s, rows, row) : status;
}

/* Adds the first column of all rows. */
static epode_status effect_collect(ep_store *s, epode_status status, sqlite3_stmt *row,
                                   ep_ints *targets)
{
    ep_rows rows = { 0 };
    status = effect_rows(s, status, row, &rows);
    for (size_t i = 0; status == EPODE_OK && i < rows.count; i++)
        if (!ep_ints_add(targets, ep_rows_int(&rows, NULL)))
            status = ep_store_fail(s, EPODE_ENOMEM, "out of memory");
    ep_rows_free(&rows);
    return status == EPODE_DONE ? EPODE_OK : status;
}

epode_status ep_effect_targets(ep_store *s, int64_t conversation, int64_t room_archive,
                               const char *ref_id, ep_ints *targets)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_EFFECT_TARGETS, "iiti", conversation,
                                     ep_id_hash(ref_id), ref_id, room_archive);
    return effect_collect(s, status, row, targets);
}

epode_status ep_effect_targets_of(ep_store *s, int64_t effect, ep_ints *targets)
{
    sqlite3_stmt *row;
    ep_rows rows = { 0 };
    epode_status status = ep_sql_row(s, &row, EP_SQL_EFFECT_REF, "i", effect);
    status = effect_rows(s, status, row, &rows);
    if (status == EPODE_OK) {
        int64_t conversation = ep_rows_int(&rows, NULL);
        const char *ref_id = ep_rows_bytes(&rows, NULL);
        status = ep_effect_targets(s, conversation, ep_rows_int(&rows, NULL), ref_id, targets);
    }
    ep_rows_free(&rows);
    return status == EPODE_DONE ? EPODE_OK : status;
}

epode_status ep_effect_any(ep_store *s, const ep_ints *conversations)
{
    ep_buf json = EP_BUF_INIT;
    int64_t any;
    ep_json_ints(&json, conversations);
    const char *text = ep_buf_cstr(&json);
    epode_status status = text ? ep_sql_int(s, &any, EP_SQL_EFFECT_ANY, "t", text)
                               : ep_store_fail(s, EPODE_ENOMEM, "out of memory");
    ep_buf_free(&json);
    return status;
}

epode_status ep_effect_awaited(ep_store *s, const ep_archive *a, int64_t after_row,
                               ep_ints *targets)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_EFFECT_AWAITED, "iii", after_row, a->id,
                                     (int64_t)(a->kind == EP_ARCHIVE_ROOM));
    return effect_collect(s, status, row, targets);
}

static void effect_target_read(effect_target *t, ep_rows *rows)
{
    t->conversation = ep_rows_int(rows, NULL);
    t->outgoing = ep_rows_int(rows, NULL) != 0;
    t->groupchat = ep_rows_int(rows, NULL) != 0;
    t->sender = ep_rows_bytes(rows, NULL);
    t->occupant = ep_rows_bytes(rows, NULL);
    t->state = (ep_delivery)ep_rows_int(rows, NULL);
    t->edit = ep_rows_int(rows, NULL);
    t->retracted = ep_rows_int(rows, NULL) != 0;
    t->reacted = ep_rows_int(rows, NULL) != 0;
    t->stanza_id = ep_rows_bytes(rows, NULL);
    t->origin_id = ep_rows_bytes(rows, NULL);
    t->archive_id = ep_rows_bytes(rows, NULL);
    t->pos = ep_rows_int(rows, NULL);
}

/* Between two people the direction says who wrote; in a room the occupant, by XEP-0421 if both
 * sides carry its id, else by the full JID. */
static bool effect_same_author(const effect_target *t, bool outgoing, const char *sender,
                               const char *occupant)
{
    if (t->outgoing || outgoing || !t->groupchat)
        return t->outgoing == outgoing;
    if (t->occupant || occupant)
        return ep_streq(t->occupant, occupant);
    return t->sender && ep_streq(t->sender, sender);
}

static void effect_advance(effect_target *t, ep_delivery state)
{
    if (t->outgoing && !t->groupchat && ep_delivery_is_forward(t->state, state))
        t->state = state;
}

/* Reads one effect and lets it act; in order of position, so that the newest correction wins. */
static void effect_act(effect_target *t, ep_rows *rows)
{
    int64_t row = ep_rows_int(rows, NULL);
    ep_msg_kind kind = (ep_msg_kind)ep_rows_int(rows, NULL);
    bool outgoing = ep_rows_int(rows, NULL) != 0, by_room = ep_rows_int(rows, NULL) != 0;
    const char *sender = ep_rows_bytes(rows, NULL), *occupant = ep_rows_bytes(rows, NULL);
    const char *body = ep_rows_bytes(rows, NULL);
    bool same = effect_same_author(t, outgoing, sender, occupant);
    if (kind == EP_MSG_CORRECTION && same && body)
        t->edit = row;
    else if (kind == EP_MSG_RETRACTION && (same || by_room))
        t->retracted = true;
    else if (kind == EP_MSG_REACTION)
        t->reacted = true;
    else if (kind == EP_MSG_RECEIPT && !outgoing)
        effect_advance(t, EP_DELIVERY_RECEIVED);
    else if (kind == EP_MSG_MARKER && !outgoing)
        effect_advance(t, EP_DELIVERY_READ);
}

static epode_status effect_save(ep_store *s, const effect_target *t, const effect_target *was,
                                ep_changes *changes)
{
    epode_status status = EPODE_OK;
    bool changed = t->edit != was->edit || t->retracted != was->retracted || t->reacted;
    if (changed || t->state != was->state || was->reacted)
        status = ep_sql_run(s, EP_SQL_EFFECT_PUT, "iiiii", t->row, t->edit, (int64_t)t->retracted,
                            (int64_t)t->reacted, (int64_t)t->state);
    if (status == EPODE_OK && t->state == EP_DELIVERY_READ)
        status = ep_sql_run(s, EP_SQL_EFFECT_READ, "iii", t->conversation, t->row, t->pos);
    if (status == EPODE_OK && t->state != was->state && t->state >= EP_DELIVERY_ACKED)
        status = ep_sql_run(s, EP_SQL_OUTBOX_DEL, "i", t->row);
    if (status == EPODE_OK && changed)
        status = ep_changes_add(s, changes, t->row, t->conversation, EP_CHANGE_CHANGED);
    if (status == EPODE_OK && t->state != was->state)
        status = ep_changes_add(s, changes, t->row, t->conversation, EP_CHANGE_DELIVERY);
    return status;
}

static epode_status effect_apply_one(ep_store *s, int64_t target, ep_changes *changes)
{
    sqlite3_stmt *row;
    ep_rows rows = { 0 }, effects = { 0 };
    effect_target was = { .row = target }, t;
    epode_status status = ep_sql_row(s, &row, EP_SQL_EFFECT_TARGET, "i", target);
    status = effect_rows(s, status, row, &rows);
    if (status == EPODE_OK) {
        effect_target_read(&was, &rows);
        t = was;
        t.edit = 0;
        t.retracted = t.reacted = false;
        status = ep_sql_row(s, &row, EP_SQL_EFFECT_EACH, "ittt", was.conversation, was.stanza_id,
                            was.origin_id, was.archive_id);
        status = effect_rows(s, status, row, &effects);
    }
    for (size_t i = 0; status == EPODE_OK && i < effects.count; i++)
        effect_act(&t, &effects);
    if (status == EPODE_OK)
        status = effect_save(s, &t, &was, changes);
    ep_rows_free(&effects);
    ep_rows_free(&rows);
    return status == EPODE_DONE ? EPODE_OK : status;
}

epode_status ep_effect_apply(ep_store *s, ep_ints *targets, ep_changes *changes)
{
    epode_status status = EPODE_OK;
    ep_ints_unique(targets);
    for (size_t i = 0; status == EPODE_OK && i < targets->count; i++)
        status = effect_apply_one(s, targets->at[i], changes);
    return status;
}
