/* store_fixture.h: an account's archive and a room's, in memory, and what the tests of both ask them. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "store_help.h"

#include "base/buf.h"

typedef struct fixture {
    ep_store *s;
    int64_t account, room, joan; /* two archives, and the conversation with Joan in the first */
    ep_changes changes;
} fixture;

#define ROOM "room@muc.example.org"

static inline int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    ep_store_options o = { .boot_id = "boot", .now_ms = 1000 };
    *state = f;
    if (ep_store_open(&f->s, &o, NULL) != EPODE_OK ||
        ep_archive_open(f->s, ME, EP_ARCHIVE_ACCOUNT, &f->account) != EPODE_OK ||
        ep_archive_open(f->s, ROOM, EP_ARCHIVE_ROOM, &f->room) != EPODE_OK)
        return -1;
    return ep_conversation_open(f->s, f->account, JOAN, &f->joan) == EPODE_OK ? 0 : -1;
}

static inline int teardown(void **state)
{
    fixture *f = *state;
    ep_changes_free(&f->changes);
    ep_store_close(f->s);
    free(f);
    return 0;
}

static inline int64_t live(fixture *f, ep_msg m, ep_live_result expected)
{
    ep_live out;
    assert_ok(ep_archive_live(f->s, f->account, &m, false, 0, &out, &f->changes));
    assert_int_equal(out.result, expected);
    return out.row;
}

/* A page of the account's archive; each letter of ids is a message from Joan with that archive id.
 */
static inline ep_page_result page(fixture *f, ep_page_kind kind, int64_t span, const char *ids,
                           bool complete)
{
    ep_msg rows[32];
    char text[32][2] = { { 0 } };
    ep_page p = {
        .archive = f->account, .kind = kind, .span = span, .rows = rows, .complete = complete
    };
    ep_page_result out;
    for (; ids[p.n]; p.n++) {
        text[p.n][0] = ids[p.n];
        rows[p.n] = text_from(JOAN, text[p.n], text[p.n], text[p.n]);
    }
    assert_ok(ep_archive_page(f->s, &p, &out, &f->changes));
    return out;
}

static inline epode_status add_span(const ep_span *span, void *user)
{
    ep_buf *out = user;
    ep_buf_printf(out, "%s%s-%s%s", span->reaches_start ? "|" : "", span->first_id, span->last_id,
                  span->reached_end ? "| " : " ");
    return EPODE_OK;
}

/* Spans from their first to their last id, "|" where the archive ends. */
static inline void assert_spans(fixture *f, const char *expected)
{
    ep_buf out = EP_BUF_INIT;
    assert_ok(ep_span_list(f->s, f->account, add_span, &out));
    assert_string_equal(ep_buf_cstr(&out), expected);
    ep_buf_free(&out);
}

/* What a reader sees: bodies, one after the other. */
static inline void assert_texts(fixture *f, int64_t conversation, const char *expected)
{
    ep_cursor_options o = { .conversation = conversation, .batch = 3 };
    const ep_view *views;
    size_t n;
    ep_cursor *c;
    ep_buf out = EP_BUF_INIT;
    assert_ok(ep_cursor_open(f->s, &o, &c));
    while (ep_cursor_next(c, &views, &n) == EPODE_OK)
        for (size_t i = 0; i < n; i++)
            ep_buf_puts(&out, views[i].body ? views[i].body : "-");
    ep_cursor_close(c);
    assert_string_equal(ep_buf_cstr(&out), expected);
    ep_buf_free(&out);
}

static inline bool changed(const fixture *f, int64_t row, ep_change_kind kind)
{
    for (size_t i = 0; i < f->changes.count; i++)
        if (f->changes.at[i].row == row && f->changes.at[i].kind == kind)
            return true;
    return false;
}

/* What acts on another message: of Joan, or ours. */
static inline ep_msg effect(ep_msg_kind kind, bool outgoing, const char *archive_id, const char *ref,
                     const char *text)
{
    ep_msg m = outgoing ? text_to(JOAN, archive_id, archive_id, text)
                        : text_from(JOAN, archive_id, archive_id, text);
    m.kind = kind;
    m.ref_id = ref;
    m.reactions = text;
    return m;
}

#endif
