/* The reference server's archives: pages, unknown ids, faults. What catch-up's tests stand on. */
#include "talk.h"

#define FIELD(var, value) "<field var='" var "'><value>" value "</value></field>"
#define FORM(fields)                                                                               \
    "<x xmlns='jabber:x:data' type='submit'>" FIELD("FORM_TYPE", "urn:xmpp:mam:2") fields "</x>"
#define SET(children) "<set xmlns='http://jabber.org/protocol/rsm'>" children "</set>"

/* A page as the answer shows it. */
struct page {
    int count;
    int numbers[512];      /* the N of each body "#N ..." */
    char ids[512][ID_MAX];
    char first[ID_MAX], last[ID_MAX];
    int total, index;      /* -1: not said */
    bool complete, failed;
};

static int setup(void **state)
{
    struct talk *talk = talk_new();
    talk_login(talk, 0, ALICE);
    *state = talk;
    return 0;
}

static int teardown(void **state)
{
    talk_free(*state);
    return 0;
}

static void say(struct talk *talk, const char *text)
{
    talk_say(talk, 0, text);
}

static void control(struct talk *talk, const char *line)
{
    talk_control(talk, "%s", line);
}

static void read_page(const char *text, struct page *page)
{
    char number[32];
    memset(page, 0, sizeof *page);
    for (const char *at = strstr(text, "<result "); at; at = strstr(at + 1, "<result ")) {
        talk_between(at, " id='", '\'', page->ids[page->count], ID_MAX);
        talk_between(at, "<body>#", ' ', number, sizeof number);
        page->numbers[page->count++] = (int)strtol(number, NULL, 10);
    }
    const char *fin = strstr(text, "<fin ");
    page->failed = strstr(text, "type='error'") != NULL;
    page->complete = fin && strstr(fin, "complete='true'");
    const char *first = fin ? strstr(fin, "<first") : NULL;
    talk_between(first, ">", '<', page->first, ID_MAX);
    talk_between(fin, "<last>", '<', page->last, ID_MAX);
    talk_between(fin, "<count>", '<', number, sizeof number);
    page->total = *number ? (int)strtol(number, NULL, 10) : -1;
    talk_between(first, "index='", '\'', number, sizeof number);
    page->index = *number ? (int)strtol(number, NULL, 10) : -1;
}

static void query(struct talk *talk, struct page *page, const char *format, ...)
{
    char inner[2048], text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(inner, sizeof inner, format, args);
    va_end(args);
    snprintf(text, sizeof text, "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2' "
             "queryid='mine'>%s</query></iq>", inner);
    say(talk, text);
    if (page)
        read_page(talk->text, page);
}

static void expect_numbers(const struct page *page, int from, int to)
{
    int step = to < from ? -1 : 1;
    assert_int_equal(page->count, (to - from) * step + 1);
    for (int i = 0; i < page->count; i++)
        assert_int_equal(page->numbers[i], from + i * step);
}

static void forwards_every_page_size_gives_all_in_order(void **state)
{
    struct talk *talk = *state;
    control(talk, "archive-add alice bob@localhost 23");
    for (int max = 1; max <= 24; max++) {
        struct page page = {0};
        int seen = 0;
        for (int pages = 0; !page.complete; pages++) {
            char after[ID_MAX] = "";
            memcpy(after, page.last, ID_MAX);
            query(talk, &page, SET("<max>%d</max><after>%s</after>"), max, after);
            assert_int_equal(page.index, seen);
            assert_int_equal(page.total, 23);
            assert_string_equal(page.first, page.ids[0]);
            assert_string_equal(page.last, page.ids[page.count - 1]);
            expect_numbers(&page, seen + 1, seen + page.count);
            seen += page.count;
            assert_true(pages < 23);
            assert_int_equal(page.complete, seen == 23);
        }
        assert_int_equal(seen, 23);
    }
}

static void backwards_every_page_size_gives_all_in_order(void **state)
{
    struct talk *talk = *state;
    control(talk, "archive-add alice bob@localhost 23");
    for (int max = 1; max <= 24; max++) {
        struct page page = {0};
        int left = 23;
        while (!page.complete) {
            char before[ID_MAX];
            memcpy(before, page.first, ID_MAX);
            query(talk, &page, SET("<max>%d</max><before>%s</before>"), max, before);
            expect_numbers(&page, left - page.count + 1, left);
            assert_int_equal(page.index, left - page.count);
            left -= page.count;
            assert_int_equal(page.complete, left == 0);
        }
        assert_int_equal(left, 0);
    }
}

/* The result set is what the filters leave; pages go through that, whatever lies between. */
static void filtered_pages_give_all_in_order(void **state)
{
    struct talk *talk = *state;
    for (int i = 0; i < 4; i++) {
        control(talk, "archive-add alice bob@localhost 5");
        control(talk, "archive-add alice carol@localhost 3");
    }
    for (int max = 1; max <= 13; max++) {
        for (int back = 0; back < 2; back++) {
            const char *way = back ? "before" : "after";
            struct page page = {0};
            int seen = 0;
            while (!page.complete) {
                char from[ID_MAX];
                memcpy(from, back ? page.first : page.last, ID_MAX);
                query(talk, &page, FORM(FIELD("with", "carol@localhost"))
                      SET("<max>%d</max><%s>%s</%s>"), max, way, from, way);
                assert_int_equal(page.total, 12);
                assert_int_equal(page.index, back ? 12 - seen - page.count : seen);
                for (int i = 0; i < page.count; i++) {
                    int nth = page.index + i; /* carol's: 6 7 8, 14 15 16, ... */
                    assert_int_equal(page.numbers[i], nth / 3 * 8 + 6 + nth % 3);
                }
                seen += page.count;
                assert_int_equal(page.complete, seen == 12);
            }
        }
    }
}

static void pages_are_limited(void **state)
{
    struct talk *talk = *state;
    struct page page;
    control(talk, "archive-add alice bob@localhost 100 50");
    query(talk, &page, "");
    expect_numbers(&page, 1, 20);
    query(talk, &page, SET("<max>1000</max><before/>"));
    expect_numbers(&page, 51, 100);
    control(talk, "feature mam-page-max 7");
    query(talk, &page, SET("<max>1000</max><before/>"));
    expect_numbers(&page, 94, 100);
    query(talk, &page, SET("<max>0</max>"));
    assert_int_equal(page.count, 0);
    assert_int_equal(page.total, 100);
    assert_false(page.complete);
    query(talk, &page, SET("<max>5</max><index>40</index>"));
    expect_numbers(&page, 41, 45);
    assert_int_equal(page.index, 40);
    query(talk, &page, SET("<max>-1</max>"));
    assert_true(page.failed);
}

static void an_empty_archive_is_complete(void **state)
{
    struct talk *talk = *state;
    struct page page;
    query(talk, &page, SET("<max>5</max><before/>"));
    assert_int_equal(page.count, 0);
    assert_true(page.complete);
    assert_int_equal(page.total, 0);
    assert_string_equal(page.first, "");
}

static void a_page_is_flipped_and_its_set_is_not(void **state)
{
    struct talk *talk = *state;
    struct page page;
    control(talk, "archive-add alice bob@localhost 9");
    query(talk, &page, SET("<max>4</max><before/>") "<flip-page/>");
    expect_numbers(&page, 9, 6);
    assert_string_equal(page.first, page.ids[3]);
    assert_string_equal(page.last, page.ids[0]);
}

static void filters_choose(void **state)
{
    struct talk *talk = *state;
    struct page page, all;
    control(talk, "archive-add alice bob@localhost 5");
    control(talk, "archive-add alice carol@localhost 5");
    control(talk, "archive-add bob alice@localhost 5");
    query(talk, &all, "");
    expect_numbers(&all, 1, 10);
    query(talk, &page, FORM(FIELD("with", "carol@localhost")));
    expect_numbers(&page, 6, 10);
    assert_int_equal(page.total, 5);
    query(talk, &page, FORM(FIELD("with", "alice@localhost")));
    assert_int_equal(page.count, 0);
    query(talk, &page, FORM(FIELD("after-id", "%s") FIELD("before-id", "%s")), all.ids[2],
          all.ids[6]);
    expect_numbers(&page, 4, 6);
    query(talk, &page, FORM("<field var='ids'><value>%s</value><value>%s</value></field>"),
          all.ids[7], all.ids[1]);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.numbers[0], 2);
    assert_int_equal(page.numbers[1], 8);
    query(talk, &page, FORM(FIELD("colour", "blue")));
    assert_non_null(strstr(talk->text, "<feature-not-implemented"));
    control(talk, "feature mam-unknown-fields off");
    query(talk, &page, FORM(FIELD("colour", "blue")));
    assert_int_equal(page.count, 10);
}

static void times_bound_inclusively(void **state)
{
    struct talk *talk = *state;
    struct page page;
    char stamp[64];
    control(talk, "archive-add alice bob@localhost 5");
    query(talk, &page, "");
    const char *at = talk->text;
    for (int i = 0; i < 3; i++)
        at = strstr(at + 1, "<delay ");
    talk_between(at, "stamp='", '\'', stamp, sizeof stamp);
    query(talk, &page, FORM(FIELD("start", "%s")), stamp);
    expect_numbers(&page, 3, 5);
    query(talk, &page, FORM(FIELD("end", "%s")), stamp);
    expect_numbers(&page, 1, 3);
    control(talk, "fault mam-rough-times on");
    query(talk, &page, FORM(FIELD("end", "%s")), stamp);
    expect_numbers(&page, 1, 2);
    query(talk, &page, FORM(FIELD("start", "yesterday")));
    assert_true(page.failed);
}

static void unknown_ids_are_answered_in_each_way(void **state)
{
    struct talk *talk = *state;
    struct page page;
    static const char *const wishes[] = {
        SET("<after>nosuch</after>"), SET("<before>nosuch</before>"),
        FORM(FIELD("after-id", "nosuch")), FORM(FIELD("before-id", "nosuch")),
        FORM(FIELD("ids", "nosuch"))};
    control(talk, "archive-add alice bob@localhost 5");
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
        control(talk, "fault unknown-id off");
        query(talk, &page, "%s", wishes[i]);
        assert_non_null(strstr(talk->text, "<item-not-found"));
        control(talk, "fault unknown-id bad-request");
        query(talk, &page, "%s", wishes[i]);
        assert_non_null(strstr(talk->text, "<bad-request"));
        control(talk, "fault unknown-id empty-complete");
        query(talk, &page, "%s", wishes[i]);
        assert_true(page.complete && page.count == 0 && page.total == 0);
        control(talk, "fault unknown-id from-start");
        query(talk, &page, "%s", wishes[i]);
        assert_int_equal(page.count, i == 4 ? 0 : 5);
        assert_false(page.failed);
    }
}

static void a_purged_id_is_unknown_and_a_tombstone_is_not(void **state)
{
    struct talk *talk = *state;
    struct page page, all;
    char line[128];
    control(talk, "archive-add alice bob@localhost 6");
    query(talk, &all, "");
    snprintf(line, sizeof line, "archive-tombstone alice %s", all.ids[4]);
    control(talk, line);
    control(talk, "archive-purge alice 3");
    query(talk, &page, SET("<after>%s</after>"), all.ids[1]);
    assert_true(page.failed);
    query(talk, &page, SET("<after>%s</after>"), all.ids[4]);
    expect_numbers(&page, 6, 6);
    query(talk, &page, "");
    assert_int_equal(page.count, 3);
    assert_string_equal(page.ids[1], all.ids[4]);
    assert_non_null(strstr(talk->text, "Z'/></forwarded></result>"));
}

static void metadata_names_both_ends(void **state)
{
    struct talk *talk = *state;
    struct page all;
    char id[ID_MAX];
    say(talk, "<iq type='get' id='m'><metadata xmlns='urn:xmpp:mam:2'/></iq>");
    assert_non_null(strstr(talk->text, "<metadata xmlns='urn:xmpp:mam:2'/>"));
    control(talk, "archive-add alice bob@localhost 4");
    query(talk, &all, "");
    say(talk, "<iq type='get' id='m'><metadata xmlns='urn:xmpp:mam:2'/></iq>");
    talk_between(talk->text, "<start id='", '\'', id, ID_MAX);
    assert_string_equal(id, all.ids[0]);
    talk_between(talk->text, "<end id='", '\'', id, ID_MAX);
    assert_string_equal(id, all.ids[3]);
}

static void queries_in_one_write_are_answered_in_order(void **state)
{
    struct talk *talk = *state;
    control(talk, "archive-add alice bob@localhost 3");
    say(talk, "<iq type='set' id='one'><query xmlns='urn:xmpp:mam:2' queryid='1'/></iq>"
                 "<iq type='set' id='two'><query xmlns='urn:xmpp:mam:2' queryid='2'/></iq>");
    const char *one = strstr(talk->text, "id='one'"), *two = strstr(talk->text, "id='two'");
    const char *second = strstr(talk->text, "queryid='2'");
    assert_true(one && second && two && one < second && second < two);
}

static void another_account_is_forbidden(void **state)
{
    struct talk *talk = *state;
    say(talk, "<iq type='set' id='x' to='bob@localhost'><query xmlns='urn:xmpp:mam:2'/></iq>");
    assert_non_null(strstr(talk->text, "<forbidden"));
}

static void live_messages_are_archived_under_the_id_they_carry(void **state)
{
    struct talk *talk = *state;
    struct page page;
    char id[ID_MAX];
    say(talk, "<presence/>");
    control(talk, "message bob@localhost/x alice@localhost #1 hello");
    say(talk, " ");
    talk_between(strstr(talk->text, "<stanza-id"), " id='", '\'', id, ID_MAX);
    query(talk, &page, "");
    expect_numbers(&page, 1, 1);
    assert_string_equal(page.ids[0], id);
    assert_null(strstr(talk->text, "<stanza-id"));
    control(talk, "feature mam-inner-id on");
    query(talk, &page, "");
    assert_non_null(strstr(talk->text, "<stanza-id"));
}

static void an_undelivered_message_is_only_archived(void **state)
{
    struct talk *talk = *state;
    struct page page;
    say(talk, "<presence/>");
    control(talk, "fault archive-undelivered 1");
    control(talk, "message bob@localhost/x alice@localhost #1 silent");
    say(talk, " ");
    assert_string_equal(talk->text, "");
    query(talk, &page, "");
    expect_numbers(&page, 1, 1);
}

static void hints_and_markers_decide_what_is_archived(void **state)
{
    struct talk *talk = *state;
    struct page page;
    say(talk, "<message to='bob@localhost' type='chat'><body>#1 no</body>"
                 "<no-store xmlns='urn:xmpp:hints'/></message>"
                 "<message to='bob@localhost' type='chat'>"
                 "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>"
                 "<message to='bob@localhost' type='chat'>"
                 "<displayed xmlns='urn:xmpp:chat-markers:0' id='7'/></message>"
                 "<message to='bob@localhost' type='chat'>"
                 "<received xmlns='urn:xmpp:receipts' id='7'/></message>");
    query(talk, &page, "");
    assert_int_equal(page.count, 1);
    assert_non_null(strstr(talk->text, "<displayed"));
}

static void forged_results_come_in_front(void **state)
{
    struct talk *talk = *state;
    struct page page;
    control(talk, "archive-add alice bob@localhost 2");
    control(talk, "fault mam-forged all");
    query(talk, &page, "");
    assert_int_equal(page.count, 5);
    assert_string_equal(page.ids[0], "forged-queryid");
    assert_non_null(strstr(talk->text, "from='mallory@localhost'"));
    assert_non_null(strstr(talk->text, "from='forged@rooms.localhost'"));
    assert_non_null(strstr(talk->text, "<sent xmlns='urn:xmpp:carbons:2'"));
    assert_int_equal(page.total, 2);
}

static void pages_are_spoilt_as_told(void **state)
{
    struct talk *talk = *state;
    struct page page;
    control(talk, "archive-add alice bob@localhost 6");
    control(talk, "fault mam-no-complete 1");
    control(talk, "fault mam-order 1");
    control(talk, "fault mam-stable false");
    query(talk, &page, "");
    expect_numbers(&page, 6, 1);
    assert_false(page.complete);
    assert_non_null(strstr(talk->text, "stable='false'"));
    query(talk, &page, SET("<max>2</max>"));
    control(talk, "fault mam-repeat-page 1");
    query(talk, &page, SET("<max>2</max><after>%s</after>"), page.last);
    expect_numbers(&page, 1, 2);
    control(talk, "fault mam-error internal-server-error:2");
    for (int i = 0; i < 3; i++) {
        query(talk, &page, SET("<max>2</max>"));
        assert_int_equal(page.failed, i < 2);
    }
    control(talk, "fault no-mam on");
    query(talk, &page, "");
    assert_non_null(strstr(talk->text, "<service-unavailable"));
}

static void a_page_is_cut_in_its_middle(void **state)
{
    struct talk *talk = *state;
    struct page page;
    control(talk, "archive-add alice bob@localhost 6");
    control(talk, "fault mam-cut 2");
    query(talk, &page, "");
    assert_true(page.complete);
    query(talk, &page, "");
    assert_null(strstr(talk->text, "<fin"));
    assert_int_equal(srv_conn_wants_close(talk->conn[0]), 2);
}

static void a_cut_page_is_finished_by_a_resumption(void **state)
{
    struct talk *talk = *state;
    char id[ID_MAX], resume[1024];
    struct page page;
    control(talk, "archive-add alice bob@localhost 6");
    talk_open(talk, 1);
    talk_between(talk_say(talk, 1, ALICE "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"),
                 "<enabled xmlns='urn:xmpp:sm:3' id='", '\'', id, ID_MAX);
    control(talk, "fault mam-cut 1");
    const char *text = talk_say(talk, 1, "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2' "
                                "queryid='mine'/></iq>");
    assert_null(strstr(text, "#4 "));
    srv_conn_free(talk->conn[1], talk->now_us);
    talk_open(talk, 1);
    snprintf(resume, sizeof resume, HEADER("alice") "<authenticate xmlns='urn:xmpp:sasl:2' "
             "mechanism='PLAIN'><initial-response>AGFsaWNlAHNlY3JldA==</initial-response>"
             "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='2'/></authenticate>", id);
    read_page(strstr(talk_say(talk, 1, resume), "<resumed"), &page);
    expect_numbers(&page, 3, 6);
    assert_true(page.complete);
}

static void a_form_without_its_type_is_refused(void **state)
{
    struct talk *talk = *state;
    struct page page;
    query(talk, &page, "<x xmlns='jabber:x:data' type='submit'>" FIELD("with", "bob@localhost")
          "</x>");
    assert_true(page.failed);
}

static void a_delayed_query_lets_live_messages_pass(void **state)
{
    struct talk *talk = *state;
    struct page page;
    say(talk, "<presence/>");
    control(talk, "fault mam-delay 300");
    query(talk, &page, "");
    assert_string_equal(talk->text, "");
    control(talk, "message bob@localhost/x alice@localhost #1 first");
    say(talk, " ");
    assert_non_null(strstr(talk->text, "#1 first"));
    assert_true(srv_deadline(talk->srv) == START_US + 300000);
    talk->now_us = START_US + 300000;
    srv_tick(talk->srv, talk->now_us);
    say(talk, " ");
    read_page(talk->text, &page);
    expect_numbers(&page, 1, 1);
    query(talk, NULL, ""); /* one that the end finds waiting */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(forwards_every_page_size_gives_all_in_order),
        TEST(backwards_every_page_size_gives_all_in_order),
        TEST(filtered_pages_give_all_in_order),
        TEST(pages_are_limited),
        TEST(an_empty_archive_is_complete),
        TEST(a_page_is_flipped_and_its_set_is_not),
        TEST(filters_choose),
        TEST(times_bound_inclusively),
        TEST(unknown_ids_are_answered_in_each_way),
        TEST(a_purged_id_is_unknown_and_a_tombstone_is_not),
        TEST(metadata_names_both_ends),
        TEST(queries_in_one_write_are_answered_in_order),
        TEST(another_account_is_forbidden),
        TEST(live_messages_are_archived_under_the_id_they_carry),
        TEST(an_undelivered_message_is_only_archived),
        TEST(hints_and_markers_decide_what_is_archived),
        TEST(forged_results_come_in_front),
        TEST(pages_are_spoilt_as_told),
        TEST(a_page_is_cut_in_its_middle),
        TEST(a_cut_page_is_finished_by_a_resumption),
        TEST(a_form_without_its_type_is_refused),
        TEST(a_delayed_query_lets_live_messages_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
