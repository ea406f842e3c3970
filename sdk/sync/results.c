/* results.c: one page's results. */
#include "sync/results.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

/* A server that sends more than it was asked for is not followed for ever. */
#define RESULTS_MAX 1000

void ep_results_clear(ep_results *r)
{
    r->count = 0;
    r->lacks = false;
    ep_arena_reset(&r->arena);
}

void ep_results_free(ep_results *r)
{
    ep_free(r->rows);
    ep_arena_free(&r->arena);
}

epode_status ep_results_take(ep_results *r, const ep_reader *reader, const ep_mam_result *result)
{
    if (!result->id || !*result->id || r->count == RESULTS_MAX) {
        r->lacks = true;
        return EPODE_OK;
    }
    /* A server that repeats itself within a page says nothing new. */
    for (size_t i = r->count; i-- > 0 && i + 4 > r->count;)
        if (strcmp(r->rows[i].archive_id, result->id) == 0)
            return EPODE_OK;
    if (r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        ep_msg *rows = ep_realloc(r->rows, cap * sizeof *rows);
        if (!rows)
            return EPODE_ENOMEM;
        r->rows = rows;
        r->cap = cap;
    }
    if (!ep_ingest(&r->rows[r->count], reader, result->message, result->id, result->time_ms, &r->arena))
        return EPODE_ENOMEM;
    r->count++;
    return EPODE_OK;
}

bool ep_results_show(const ep_results *r, const char *id)
{
    for (size_t i = 0; id && i < r->count; i++)
        if (strcmp(r->rows[i].archive_id, id) == 0)
            return true;
    return false;
}

/* The archive's order is oldest first, also inside a page (XEP-0313, 4.1.3): by its ends one shows that was turned round. */
static void results_turn(ep_results *r, const ep_mam_fin *fin)
{
    size_t n = r->count;
    if (n < 2 || strcmp(r->rows[0].archive_id, fin->last ? fin->last : "") != 0 ||
        strcmp(r->rows[n - 1].archive_id, fin->first ? fin->first : "") != 0)
        return;
    for (size_t i = 0; i < n / 2; i++) {
        ep_msg row = r->rows[i];
        r->rows[i] = r->rows[n - 1 - i];
        r->rows[n - 1 - i] = row;
    }
}

/* A page whose ends (XEP-0059, 2.2) were not among its results lacks more than is known. */
void ep_results_end(ep_results *r, const ep_mam_fin *fin)
{
    results_turn(r, fin);
    r->lacks = r->lacks || (fin->first && !ep_results_show(r, fin->first)) || (fin->last && !ep_results_show(r, fin->last));
}

bool ep_results_once(ep_results *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++) {
        size_t k = 0;
        while (k < n && strcmp(r->rows[k].archive_id, r->rows[i].archive_id) != 0)
            k++;
        if (k == n)
            r->rows[n++] = r->rows[i];
    }
    bool dropped = n < r->count;
    r->count = n;
    return dropped;
}
