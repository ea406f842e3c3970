/* test_store_outbox.c: our own messages until the server has them. */
#include "store_help.h"

#include "base/buf.h"
#include "store/inbox.h"

typedef struct fixture {
    ep_store *s;
    int64_t account;
    int64_t seq[16], row[16];
    int count;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    ep_store_options o = { .boot_id = "boot", .now_ms = 1000 };
    *state = f;
    if (ep_store_open(&f->s, &o, NULL) != EPODE_OK)
        return -1;
    return ep_archive_open(f->s, ME, EP_ARCHIVE_ACCOUNT, &f->account) == EPODE_OK ? 0 : -1;
}

static int teardown(void **state)
{
    fixture *f = *state;
    ep_store_close(f->s);
    free(f);
    return 0;
}

static int add(fixture *f, const char *peer, const char *id)
{
    ep_msg m = text_to(peer, NULL, id, id);
    assert_ok(ep_outbox_add(f->s, f->account, &m, &f->seq[f->count], &f->row[f->count], NULL));
    return f->count++;
}

static epode_status add_id(const ep_outbox_row *row, void *user)
{
    assert_string_equal(row->owner, ME);
    assert_string_equal(row->xml, "<message/>");
    assert_string_equal(row->to, row->peer);
    ep_buf_puts(user, row->id);
    return EPODE_OK;
}

static void assert_next(fixture *f, const char *expected)
{
    ep_buf out = EP_BUF_INIT;
    assert_int_equal(ep_outbox_next(f->s, 0, 100, add_id, &out), EPODE_DONE);
    assert_string_equal(ep_buf_cstr(&out), expected);
    ep_buf_free(&out);
}

static void assert_in(fixture *f, ep_outbox_state state, const char *expected)
{
    ep_buf out = EP_BUF_INIT;
    assert_int_equal(ep_outbox_list(f->s, state, 0, 100, add_id, &out), EPODE_DONE);
    assert_string_equal(ep_buf_cstr(&out), expected);
    ep_buf_free(&out);
}

static epode_status take_state(const ep_view *v, void *user)
{
    *(ep_delivery *)user = v->state;
    return EPODE_OK;
}

static ep_delivery state_of(fixture *f, int i)
{
    ep_delivery state;
    assert_ok(ep_view_get(f->s, f->row[i], take_state, &state));
    return state;
}

static void send(fixture *f, int i, uint64_t number)
{
    assert_ok(ep_outbox_sent(f->s, f->seq[i], number, 5000, NULL));
}

static epode_status add_queued(const ep_smq_row *row, void *user)
{
    ep_buf_printf(user, "%s=%s ", row->id, row->xml);
    return EPODE_OK;
}

static void a_message_is_stored_and_sent_in_order(void **state)
{
    fixture *f = *state;
    ep_buf out = EP_BUF_INIT;
    int a = add(f, JOAN, "a"), b = add(f, JOAN, "b");
    add(f, "bob@x", "c");
    assert_next(f, "abc");
    assert_int_equal(state_of(f, a), EP_DELIVERY_QUEUED);
    send(f, a, 1);
    send(f, b, 2);
    assert_next(f, "c");
    assert_int_equal(state_of(f, a), EP_DELIVERY_SENT);
    /* The queue has it once: by reference. */
    assert_ok(ep_store_smq_each(f->s, add_queued, &out));
    assert_string_equal(ep_buf_cstr(&out), "a=<message/> b=<message/> ");
    assert_int_equal(query_int(f->s, "SELECT sum(length(xml)) FROM smq"), 0);
    ep_buf_free(&out);
    assert_int_equal(ep_outbox_sent(f->s, f->seq[a], 3, 5000, NULL), EPODE_DONE);
    assert_int_equal(ep_outbox_sent(f->s, f->seq[2], 2, 5000, NULL), EPODE_EINVAL);
    assert_next(f, "c");
    assert_ok(ep_store_smq_ack(f->s, 1));
    assert_int_equal(state_of(f, a), EP_DELIVERY_ACKED);
    assert_int_equal(state_of(f, b), EP_DELIVERY_SENT);
    assert_in(f, EP_OUTBOX_SENT, "b");
}

static void what_is_in_doubt_holds_up_its_conversation_only(void **state)
{
    fixture *f = *state;
    uint64_t pending;
    int a = add(f, JOAN, "a"), b = add(f, JOAN, "b");
    add(f, JOAN, "c");
    add(f, "bob@x", "d");
    send(f, a, 1);
    send(f, b, 2);
    assert_ok(ep_store_smq_ack(f->s, 1));
    assert_ok(ep_store_smq_move_to_pending(f->s));
    assert_ok(ep_store_pending_count(f->s, &pending));
    assert_int_equal(pending, 0);
    assert_in(f, EP_OUTBOX_DOUBT, "b");
    assert_next(f, "d");
    assert_ok(ep_outbox_retry(f->s, f->seq[b]));
    assert_int_equal(ep_outbox_retry(f->s, f->seq[b]), EPODE_DONE);
    assert_next(f, "bcd");
    send(f, b, 0);
    assert_ok(ep_outbox_lost(f->s));
    assert_in(f, EP_OUTBOX_DOUBT, "b");
    assert_int_equal(query_int(f->s, "SELECT tries FROM outbox WHERE state = 2"), 2);
}

static void the_archived_copy_ends_the_doubt(void **state)
{
    fixture *f = *state;
    ep_changes changes = { 0 };
    ep_page_result r;
    ep_live out;
    int a = add(f, JOAN, "a"), b = add(f, JOAN, "b"), c = add(f, JOAN, "c");
    send(f, a, 1);
    send(f, b, 2);
    assert_ok(ep_store_smq_move_to_pending(f->s));
    ep_msg copy = text_to(JOAN, "id1", "a", "a");
    ep_page p = { .archive = f->account, .rows = &copy, .n = 1 };
    assert_ok(ep_archive_page(f->s, &p, &r, &changes));
    assert_int_equal(r.joined, 1);
    assert_int_equal(r.added, 0);
    assert_int_equal(state_of(f, a), EP_DELIVERY_ACKED);
    assert_in(f, EP_OUTBOX_DOUBT, "b");
    bool delivery = false;
    for (size_t i = 0; i < changes.count; i++)
        delivery |= changes.at[i].row == f->row[a] && changes.at[i].kind == EP_CHANGE_DELIVERY;
    assert_true(delivery);
    /* By a carbon or a room's reflection too. */
    copy = text_to(JOAN, "id2", "b", "b");
    assert_ok(ep_archive_live(f->s, f->account, &copy, false, 0, &out, NULL));
    assert_int_equal(out.result, EP_LIVE_JOINED);
    assert_int_equal(out.row, f->row[b]);
    assert_next(f, "c");
    /* Joined once: the next copy with another archive id is another message. */
    copy.archive_id = "id3";
    assert_ok(ep_archive_live(f->s, f->account, &copy, false, 0, &out, NULL));
    assert_int_equal(out.result, EP_LIVE_NEW);
    assert_int_equal(state_of(f, c), EP_DELIVERY_QUEUED);
    ep_changes_free(&changes);
}

static void nobody_else_can_join_our_message(void **state)
{
    fixture *f = *state;
    ep_live out;
    int a = add(f, JOAN, "a");
    ep_msg forged = text_from(JOAN, "id1", "a", "a");
    forged.origin_id = "a";
    assert_ok(ep_archive_live(f->s, f->account, &forged, false, 0, &out, NULL));
    assert_int_equal(out.result, EP_LIVE_NEW);
    ep_msg elsewhere = text_to("bob@x", "id2", "a", "a");
    assert_ok(ep_archive_live(f->s, f->account, &elsewhere, false, 0, &out, NULL));
    assert_int_equal(out.result, EP_LIVE_NEW);
    ep_msg resource = text_to(JOAN, "id3", "a", "a");
    resource.to = JOAN "/phone";
    assert_ok(ep_archive_live(f->s, f->account, &resource, false, 0, &out, NULL));
    assert_int_equal(out.result, EP_LIVE_NEW);
    assert_int_equal(state_of(f, a), EP_DELIVERY_QUEUED);
}

static void a_copy_with_another_stanza_id_joins_by_its_origin_id(void **state)
{
    fixture *f = *state;
    ep_live out;
    int a = add(f, JOAN, "a");
    ep_msg copy = text_to(JOAN, "id1", "rewritten", "a");
    copy.origin_id = "a";
    assert_ok(ep_archive_live(f->s, f->account, &copy, false, 0, &out, NULL));
    assert_int_equal(out.row, f->row[a]);
}

static void failures_are_final_until_proven_wrong(void **state)
{
    fixture *f = *state;
    ep_live out;
    int64_t conversation, row;
    int a = add(f, JOAN, "a"), b = add(f, JOAN, "b");
    send(f, a, 1);
    assert_ok(ep_conversation_open(f->s, f->account, JOAN, &conversation));
    assert_ok(ep_outbox_find(f->s, conversation, "a", &row));
    assert_int_equal(row, f->row[a]);
    assert_int_equal(ep_outbox_find(f->s, conversation, "z", &row), EPODE_DONE);
    assert_ok(ep_outbox_failed(f->s, f->row[a], "forbidden", NULL));
    assert_int_equal(state_of(f, a), EP_DELIVERY_FAILED);
    assert_ok(ep_store_smq_ack(f->s, 1));
    assert_int_equal(state_of(f, a), EP_DELIVERY_FAILED);
    ep_msg receipt = text_from(JOAN, "r", "r", NULL);
    receipt.kind = EP_MSG_RECEIPT;
    receipt.ref_id = "a";
    assert_ok(ep_archive_live(f->s, f->account, &receipt, false, 0, &out, NULL));
    assert_int_equal(state_of(f, a), EP_DELIVERY_RECEIVED);
    receipt.ref_id = "b";
    receipt.archive_id = receipt.id = "r2";
    assert_ok(ep_archive_live(f->s, f->account, &receipt, false, 0, &out, NULL));
    assert_int_equal(state_of(f, b), EP_DELIVERY_RECEIVED);
    assert_int_equal(ep_outbox_failed(f->s, f->row[b], "late", NULL), EPODE_DONE);
    assert_next(f, "");
}

static void what_cannot_be_sent_is_refused(void **state)
{
    fixture *f = *state;
    int64_t seq, row;
    uint64_t count;
    ep_msg m = text_from(JOAN, NULL, "a", "a");
    assert_int_equal(ep_outbox_add(f->s, f->account, &m, &seq, &row, NULL), EPODE_EINVAL);
    m = text_to(JOAN, "has one", "a", "a");
    assert_int_equal(ep_outbox_add(f->s, f->account, &m, &seq, &row, NULL), EPODE_EINVAL);
    m = text_to(JOAN, NULL, NULL, "a");
    assert_int_equal(ep_outbox_add(f->s, f->account, &m, &seq, &row, NULL), EPODE_EINVAL);
    assert_int_equal(ep_outbox_sent(f->s, 77, 1, 0, NULL), EPODE_DONE);
    assert_int_equal(ep_outbox_done(f->s, 77, NULL), EPODE_DONE);
    assert_ok(ep_outbox_count(f->s, &count));
    assert_int_equal(count, 0);
}

static epode_status drain(const ep_inbox_row *row, void *user)
{
    fixture *f = user;
    ep_live out;
    ep_msg m = text_from(JOAN, row->archive_id, NULL, row->xml);
    if (row->seq == 3 && f->count)
        return EPODE_ECANCELLED;
    return ep_archive_live(f->s, f->account, &m, false, 0, &out, NULL);
}

static void the_inbox_is_drained_whole_or_not_at_all(void **state)
{
    fixture *f = *state;
    uint64_t count;
    for (int i = 0; i < 3; i++) {
        ep_inbox_row row = { .owner = ME, .archive_id = &"a\0b\0c"[2 * i], .xml = "x", .len = 1 };
        assert_ok(ep_store_inbox_add(f->s, &row, NULL));
    }
    f->count = 1;
    assert_int_equal(ep_store_inbox_drain(f->s, 10, drain, f), EPODE_ECANCELLED);
    assert_ok(ep_store_inbox_count(f->s, &count));
    assert_int_equal(count, 3);
    assert_int_equal(query_int(f->s, "SELECT count(*) FROM message"), 0);
    f->count = 0;
    assert_true(ep_store_inbox_drain(f->s, 2, drain, f) >= 0);
    assert_true(ep_store_inbox_drain(f->s, 2, drain, f) >= 0);
    assert_int_equal(ep_store_inbox_drain(f->s, 2, drain, f), EPODE_DONE);
    assert_int_equal(query_int(f->s, "SELECT count(*) FROM message"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_message_is_stored_and_sent_in_order),
        TEST(what_is_in_doubt_holds_up_its_conversation_only),
        TEST(the_archived_copy_ends_the_doubt),
        TEST(nobody_else_can_join_our_message),
        TEST(a_copy_with_another_stanza_id_joins_by_its_origin_id),
        TEST(failures_are_final_until_proven_wrong),
        TEST(what_cannot_be_sent_is_refused),
        TEST(the_inbox_is_drained_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
