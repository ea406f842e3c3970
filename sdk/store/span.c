/* span.c: spans and holes. */
#include "store/span.h"

#include "base/alloc.h"
#include "base/str.h"
#include "store/parts.h"

static void span_read(ep_span *out, ep_rows *rows)
{
    out->span = ep_rows_int(rows, NULL);
    out->archive = ep_rows_int(rows, NULL);
    out->first_pos = ep_rows_int(rows, NULL);
    out->last_pos = ep_rows_int(rows, NULL);
    out->first_id = ep_rows_bytes(rows, NULL);
    out->last_id = ep_rows_bytes(rows, NULL);
    out->reaches_start = ep_rows_int(rows, NULL) != 0;
    out->reached_end = ep_rows_int(rows, NULL) != 0;
}

epode_status ep_spans_load(ep_store *s, int64_t archive, ep_spans *out)
{
    sqlite3_stmt *row;
    *out = (ep_spans){ 0 };
    epode_status status = ep_sql_row(s, &row, EP_SQL_SPAN_EACH, "i", archive);
    if (status != EPODE_OK)
        return status == EPODE_DONE ? EPODE_OK : status;
    status = ep_rows_take(s, &out->rows, row);
    if (status == EPODE_OK && !(out->at = ep_calloc(out->rows.count, sizeof *out->at)))
        status = ep_store_fail(s, EPODE_ENOMEM, "out of memory");
    if (status != EPODE_OK) {
        ep_spans_free(out);
        return status;
    }
    for (; out->count < out->rows.count; out->count++)
        span_read(&out->at[out->count], &out->rows);
    return EPODE_OK;
}

void ep_spans_free(ep_spans *spans)
{
    ep_free(spans->at);
    ep_rows_free(&spans->rows);
    *spans = (ep_spans){ 0 };
}

epode_status ep_span_list(ep_store *s, int64_t archive, ep_span_each each, void *user)
{
    ep_spans spans;
    epode_status status = ep_spans_load(s, archive, &spans);
    for (size_t i = 0; status == EPODE_OK && i < spans.count; i++)
        status = each(&spans.at[i], user);
    ep_spans_free(&spans);
    return status;
}

epode_status ep_spans_detach(ep_store *s, ep_archive *a, const ep_spans *spans, int64_t below,
                             bool *any)
{
    int64_t upto = INT64_MIN;
    epode_status status = EPODE_OK;
    *any = false;
    for (size_t i = 0; status == EPODE_OK && i < spans->count; i++) {
        if (spans->at[i].last_pos >= below)
            break;
        *any = true;
        upto = spans->at[i].last_pos;
        status = ep_sql_run(s, EP_SQL_SPAN_DEL, "i", spans->at[i].span);
    }
    return status == EPODE_OK && *any ? ep_archive_detach(s, a, upto) : status;
}

static epode_status span_starts(ep_store *s, const ep_span *span)
{
    ep_spans spans;
    ep_archive a;
    bool any;
    epode_status status = ep_archive_load(s, span->archive, &a);
    if (status == EPODE_OK)
        status = ep_spans_load(s, span->archive, &spans);
    if (status != EPODE_OK)
        return status;
    status = ep_sql_run(s, EP_SQL_SPAN_STARTS, "i", span->span);
    if (status == EPODE_OK)
        status = ep_spans_detach(s, &a, &spans, span->first_pos, &any);
    if (status == EPODE_OK)
        status = ep_archive_save(s, &a);
    ep_spans_free(&spans);
    return status;
}

epode_status ep_span_starts(ep_store *s, int64_t span)
{
    ep_span_copy copy;
    epode_status status = ep_span_get(s, span, &copy);
    if (status != EPODE_OK)
        return status;
    status = ep_write_enter(s);
    if (status == EPODE_OK)
        status = ep_write_leave(s, ep_store_solid(s, span_starts(s, &copy.span)));
    ep_span_copy_free(&copy);
    return status;
}

void ep_span_copy_free(ep_span_copy *c)
{
    ep_free(c->first_id);
    ep_free(c->last_id);
    *c = (ep_span_copy){ 0 };
}

static epode_status span_copy(ep_store *s, ep_span_copy *out, ep_sql sql, int64_t number)
{
    sqlite3_stmt *row;
    ep_rows rows = { 0 };
    *out = (ep_span_copy){ 0 };
    epode_status status = ep_sql_row(s, &row, sql, "i", number);
    if (status == EPODE_OK)
        status = ep_rows_take(s, &rows, row);
    if (status == EPODE_OK) {
        span_read(&out->span, &rows);
        if (!ep_str_set(&out->first_id, out->span.first_id) ||
            !ep_str_set(&out->last_id, out->span.last_id))
            status = ep_store_fail(s, EPODE_ENOMEM, "out of memory");
        out->span.first_id = out->first_id;
        out->span.last_id = out->last_id;
    }
    ep_rows_free(&rows);
    if (status != EPODE_OK)
        ep_span_copy_free(out);
    return status;
}

epode_status ep_archive_verified_end(ep_store *s, int64_t archive, ep_span_copy *out)
{
    return span_copy(s, out, EP_SQL_SPAN_NEWEST, archive);
}

epode_status ep_span_get(ep_store *s, int64_t span, ep_span_copy *out)
{
    return span_copy(s, out, EP_SQL_SPAN_GET, span);
}

static epode_status span_stamp(ep_store *s, int64_t archive, const char *id, int64_t *ms)
{
    epode_status status = id ? ep_sql_int(s, ms, EP_SQL_STAMP_OF, "it", archive, id) : EPODE_DONE;
    return status == EPODE_DONE ? EPODE_OK : status;
}

/* The hole below span i, if there is one; *there tells. */
static epode_status hole_under(ep_store *s, const ep_spans *spans, size_t i, bool *there,
                               ep_hole *hole)
{
    const ep_span *above = &spans->at[i], *below = i ? above - 1 : NULL;
    *there = !above->reaches_start;
    if (!*there)
        return EPODE_OK;
    *hole = (ep_hole){ .archive = above->archive,
                       .below = below ? below->span : 0,
                       .above = above->span,
                       .below_pos = below ? below->last_pos : INT64_MIN,
                       .above_pos = above->first_pos,
                       .after_id = below ? below->last_id : NULL,
                       .before_id = above->first_id };
    epode_status status = span_stamp(s, above->archive, hole->after_id, &hole->after_ms);
    if (status == EPODE_OK)
        status = span_stamp(s, above->archive, hole->before_id, &hole->before_ms);
    return status;
}

/* The holes below pos, from the top, at most limit. EPODE_DONE: there was none. */
static epode_status hole_each(ep_store *s, int64_t archive, int64_t pos, size_t limit,
                              ep_hole_each each, void *user)
{
    ep_spans spans;
    ep_hole hole;
    size_t found = 0;
    bool there = false;
    epode_status status = ep_spans_load(s, archive, &spans);
    for (size_t i = spans.count; status == EPODE_OK && i-- > 0 && found < limit;) {
        /* A hole is met above its lower edge. */
        if (i && spans.at[i - 1].last_pos >= pos)
            continue;
        status = hole_under(s, &spans, i, &there, &hole);
        if (status == EPODE_OK && there) {
            found++;
            status = each(&hole, user);
        }
    }
    ep_spans_free(&spans);
    return status == EPODE_OK && !found ? EPODE_DONE : status;
}

epode_status ep_hole_list(ep_store *s, int64_t archive, ep_hole_each each, void *user)
{
    epode_status status = hole_each(s, archive, INT64_MAX, SIZE_MAX, each, user);
    return status == EPODE_DONE ? EPODE_OK : status;
}

epode_status ep_hole_below(ep_store *s, int64_t archive, int64_t pos, ep_hole_each each, void *user)
{
    return hole_each(s, archive, pos, 1, each, user);
}
