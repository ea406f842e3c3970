/* reader.c: a store without a client. */
#include <stdio.h>

#include "base/alloc.h"
#include "client/internal.h"

struct epode_store {
    ep_store *store;
};

epode_status epode_store_open(epode_store **out, const char *path, char *why, size_t why_len)
{
    ep_error err = { 0 };
    *out = NULL;
    epode_store *s = path ? ep_calloc(1, sizeof *s) : NULL;
    if (!s)
        return path ? EPODE_ENOMEM : EPODE_EINVAL;
    ep_store_options o = { .path = path, .flags = EP_STORE_READONLY, .now_ms = ep_client_wall_ms() };
    epode_status st = ep_store_open(&s->store, &o, &err);
    if (st) {
        if (why_len)
            snprintf(why, why_len, "%s", err.text);
        ep_free(s);
        return st;
    }
    *out = s;
    return EPODE_OK;
}

void epode_store_close(epode_store *s)
{
    if (!s)
        return;
    ep_store_close(s->store);
    ep_free(s);
}

typedef struct reader_call {
    bool (*each)(const epode_inbox_row *row, void *user);
    void *user;
} reader_call;

static epode_status reader_row(const ep_inbox_row *row, void *user)
{
    const reader_call *call = user;
    epode_inbox_row out = { sizeof out, (uint64_t)row->seq, row->owner, row->archive_id, row->received_ms, row->xml,
                            row->len };
    return call->each(&out, call->user) ? EPODE_OK : EPODE_ECANCELLED;
}

epode_status epode_store_inbox(epode_store *s, uint64_t after, size_t limit,
                               bool (*each)(const epode_inbox_row *row, void *user), void *user)
{
    reader_call call = { each, user };
    epode_status st = ep_store_inbox_each(s->store, (int64_t)after, limit, reader_row, &call);
    return st == EPODE_ECANCELLED ? EPODE_OK : st;
}
