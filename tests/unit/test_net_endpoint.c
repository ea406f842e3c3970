/* test_net_endpoint.c: the order of endpoints, and the facts' text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net/endpoint.h"

enum {
    BOTH = 1 << EP_STARTTLS | 1 << EP_DIRECT,
    STARTTLS = 1 << EP_STARTTLS,
    DIRECT = 1 << EP_DIRECT
};

/* Facts are written as their text, which the reader is tested with along the way. */
typedef struct row {
    const char *what, *facts;
    int failed[2]; /* the lookups that failed: not part of the text */
    unsigned want;
    uint32_t chance[4]; /* the numbers that are drawn */
    epode_status status;
    bool final;
    const char *order; /* "d:host:port s:host:port" */
} row;

static const row rows[] = {
    { "both kinds are one set, by priority",
      "srv starttls 9 10 0 5222 a\nsrv direct 9 5 0 5223 b\n"
      "srv direct 9 20 0 443 c\n",
      { 0, 0 },
      BOTH,
      { 0 },
      EPODE_OK,
      false,
      "d:b:5223 s:a:5222 d:c:443" },
    { "only what is wanted",
      "srv starttls 9 10 0 5222 a\nsrv direct 9 5 0 5223 b\n",
      { 0, 0 },
      STARTTLS,
      { 0 },
      EPODE_OK,
      false,
      "s:a:5222" },
    { "by weight: a low draw",
      "srv starttls 9 1 10 1 a\nsrv direct 9 1 30 2 b\n",
      { 0, 0 },
      BOTH,
      { 10, 0 },
      EPODE_OK,
      false,
      "s:a:1 d:b:2" },
    { "by weight: a high draw",
      "srv starttls 9 1 10 1 a\nsrv direct 9 1 30 2 b\n",
      { 0, 0 },
      BOTH,
      { 11, 0 },
      EPODE_OK,
      false,
      "d:b:2 s:a:1" },
    { "weight zero only by the lowest draw",
      "srv starttls 9 1 10 1 a\nsrv direct 9 1 0 2 b\n",
      { 0, 0 },
      BOTH,
      { 0, 0 },
      EPODE_OK,
      false,
      "d:b:2 s:a:1" },
    { "weight zero otherwise last",
      "srv starttls 9 1 10 1 a\nsrv direct 9 1 0 2 b\n",
      { 0, 0 },
      BOTH,
      { 1, 0 },
      EPODE_OK,
      false,
      "s:a:1 d:b:2" },
    { "what worked last goes first",
      "srv starttls 9 1 0 5222 a\nsrv direct 9 2 0 5223 b\n"
      "good direct b 5223 127.0.0.1\n",
      { 0, 0 },
      BOTH,
      { 0 },
      EPODE_OK,
      false,
      "d:b:5223 s:a:5222" },
    { "no record at all: the domain itself",
      "none starttls 9\nnone direct 9\n",
      { 0, 0 },
      BOTH,
      { 0 },
      EPODE_OK,
      false,
      "s:example.org:5222" },
    { "but not for direct TLS alone",
      "none direct 9\n",
      { 0, 0 },
      DIRECT,
      { 0 },
      EPODE_EDNS,
      true,
      NULL },
    { "direct TLS refused, STARTTLS offered",
      "refused direct 9\nsrv starttls 9 1 0 5222 a\n",
      { 0, 0 },
      BOTH,
      { 0 },
      EPODE_OK,
      false,
      "s:a:5222" },
    { "direct TLS refused, no other record: no fallback",
      "refused direct 9\nnone starttls 9\n",
      { 0, 0 },
      BOTH,
      { 0 },
      EPODE_EDNS,
      true,
      NULL },
    { "both refused",
      "refused direct 9\nrefused starttls 9\n",
      { 0, 0 },
      BOTH,
      { 0 },
      EPODE_EDNS,
      true,
      NULL },
    { "one failed, the other succeeded",
      "srv starttls 9 1 0 5222 a\n",
      { 0, 1 },
      BOTH,
      { 0 },
      EPODE_OK,
      false,
      "s:a:5222" },
    { "one failed, the other has none: not known",
      "none starttls 9\n",
      { 0, 1 },
      BOTH,
      { 0 },
      EPODE_EDNS,
      false,
      NULL },
    { "both failed", "", { 1, 1 }, BOTH, { 0 }, EPODE_EDNS, false, NULL },
    { "nothing known yet", "", { 0, 0 }, BOTH, { 0 }, EPODE_AGAIN, false, NULL },
    { "one has none, the other is to come",
      "none direct 9\n",
      { 0, 0 },
      BOTH,
      { 0 },
      EPODE_AGAIN,
      false,
      NULL },
};

static uint32_t draw(uint32_t n, void *user)
{
    uint32_t **next = user, value = *(*next)++;
    assert_true(value < n);
    return value;
}

static const char *print(const ep_endpoints *e, char out[512])
{
    size_t n = 0;
    out[0] = '\0';
    for (int i = 0; i < e->n; i++)
        n += (size_t)snprintf(out + n, 512 - n, "%s%c:%s:%u", i ? " " : "",
                              e->list[i].direct ? 'd' : 's', e->list[i].host, e->list[i].port);
    return out;
}

static void read_facts(ep_facts *facts, const char *lines)
{
    char text[2048];
    snprintf(text, sizeof text, "epode-dns 1\n%s", lines);
    ep_facts_read(facts, text, strlen(text), 1000);
}

static void srv_records_make_the_order(void **state)
{
    (void)state;
    static ep_facts facts;
    static ep_endpoints out;
    char text[512];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const row *r = &rows[i];
        uint32_t chance[16] = { 0 }, *next = chance;
        ep_error error = { 0 };
        memcpy(chance, r->chance, sizeof r->chance);
        print_message("  %s\n", r->what);
        read_facts(&facts, r->facts);
        for (int kind = 0; kind < 2; kind++)
            if (r->failed[kind])
                facts.srv[kind].answer = EP_ANSWER_FAILED;
        assert_int_equal(
            ep_endpoints_from_srv(&out, &facts, "example.org", r->want, draw, &next, &error),
            r->status);
        assert_int_equal(error.final, r->final);
        if (r->order)
            assert_string_equal(print(&out, text), r->order);
    }
}

static void a_given_host_makes_the_order(void **state)
{
    (void)state;
    static const struct {
        const char *facts;
        uint16_t port;
        unsigned want;
        const char *order;
    } given[] = {
        { "", 0, BOTH, "d:h:5223 s:h:5222" },
        { "", 0, DIRECT, "d:h:5223" },
        { "", 0, STARTTLS, "s:h:5222" },
        { "", 5223, BOTH, "d:h:5223" },
        { "", 443, BOTH, "d:h:443" },
        { "", 443, STARTTLS, "s:h:443" },
        { "", 5222, BOTH, "s:h:5222 d:h:5222" },
        { "", 5222, DIRECT, "d:h:5222" },
        { "", 5222, STARTTLS, "s:h:5222" },
        { "", 5299, BOTH, "d:h:5299 s:h:5299" },
        { "good direct h 5222 127.0.0.1\n", 5222, BOTH, "d:h:5222 s:h:5222" },
        { "good starttls h 5299 127.0.0.1\n", 5299, BOTH, "s:h:5299 d:h:5299" },
        { "good starttls other 5299 127.0.0.1\n", 5299, BOTH, "d:h:5299 s:h:5299" },
    };
    static ep_facts facts;
    static ep_endpoints out;
    char text[512];
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        read_facts(&facts, given[i].facts);
        ep_endpoints_from_host(&out, &facts, "h", given[i].port, given[i].want);
        assert_string_equal(print(&out, text), given[i].order);
    }
}

static void facts_survive_their_text(void **state)
{
    (void)state;
    static const char text[] = "epode-dns 1\n"
                               "srv starttls 5000 10 20 5222 a.example.org\n"
                               "refused direct 6000\n"
                               "addr v4 7000 a.example.org 192.0.2.1\n"
                               "addr v4 7000 a.example.org 192.0.2.2\n"
                               "addr v6 4000 a.example.org -\n"
                               "addr v6 7000 b.example.org 2001:db8::1\n"
                               "good starttls a.example.org 5222 192.0.2.2\n";
    static ep_facts facts;
    ep_buf out = EP_BUF_INIT;
    int64_t expires_ms;
    ep_facts_read(&facts, text, sizeof text - 1, 1000);
    ep_facts_write(&facts, &out, &expires_ms);
    assert_string_equal(ep_buf_cstr(&out), text);
    assert_int_equal(expires_ms, 4000);
    assert_int_equal(ep_facts_host(&facts, "A.example.org")->v[EP_V4].n, 2);
    assert_int_equal(ep_facts_host(&facts, "a.example.org")->v[EP_V6].answer, EP_ANSWER_NONE);
    /* Cut and damaged anywhere: fewer facts, no harm. */
    for (size_t i = 0; i < sizeof text - 1; i++) {
        char copy[sizeof text];
        ep_facts_read(&facts, text, i, 1000);
        for (int c = 0; c < 256; c += 5) {
            memcpy(copy, text, sizeof text);
            copy[i] = (char)c;
            ep_facts_read(&facts, copy, sizeof text - 1, 1000);
        }
    }
    ep_buf_free(&out);
}

static void an_end_that_is_too_far_away_has_passed(void **state)
{
    (void)state;
    static ep_facts facts;
    read_facts(&facts, "srv direct 99999999999999 1 1 5223 a\nsrv starttls 2000 1 1 5222 a\n");
    assert_int_equal(facts.srv[EP_DIRECT].expires_ms, 0);
    assert_int_equal(facts.srv[EP_STARTTLS].expires_ms, 2000);
}

static void too_much_is_left_out(void **state)
{
    (void)state;
    static ep_facts facts;
    char line[100];
    ep_buf text = EP_BUF_INIT;
    ep_buf_puts(&text, "epode-dns 1\n");
    for (int i = 0; i < 40; i++) {
        snprintf(line, sizeof line, "srv direct 9 1 1 5223 h%d\naddr v4 9 h%d 192.0.2.1\n", i, i);
        ep_buf_puts(&text, line);
        snprintf(line, sizeof line, "addr v4 9 h0 192.0.2.%d\n", i);
        ep_buf_puts(&text, line);
    }
    ep_facts_read(&facts, ep_buf_ptr(&text), text.len, 1);
    assert_int_equal(facts.srv[EP_DIRECT].n, EP_SRV_MAX);
    assert_int_equal(facts.hosts_n, EP_HOSTS_MAX);
    assert_int_equal(facts.hosts[0].v[EP_V4].n, EP_ADDRESSES_MAX);
    ep_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(srv_records_make_the_order),
        cmocka_unit_test(a_given_host_makes_the_order),
        cmocka_unit_test(facts_survive_their_text),
        cmocka_unit_test(an_end_that_is_too_far_away_has_passed),
        cmocka_unit_test(too_much_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
