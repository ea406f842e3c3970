/* test_net_connect.c: whole connects over loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/alloc.h"
#include "net_client.h"

static authority other_ca;

static void direct_tls_comes_up_verified_and_data_goes_both_ways(void **state)
{
    (void)state;
    client c;
    server s = { 0 };
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    server_start(&s, &id);
    open_client(&c, s.port, EP_TLS_DIRECT);
    c.first = "<stream>";
    dial(&c);
    turn_until(&c, &c.up);
    turn_until_bytes(&c, 8);
    assert_memory_equal(ep_buf_ptr(&c.data), "<stream>", 8);
    assert_string_equal(c.info.tls_version, "TLSv1.3");
    assert_string_equal(c.info.address, "127.0.0.1");
    assert_true(c.info.direct);
    assert_false(c.info.resumed);
    assert_int_equal(c.info.timeline.waits.dns, 0);
    assert_int_equal(c.info.timeline.waits.tcp, 1);
    assert_int_equal(c.info.timeline.waits.tls, 1);
    assert_int_equal(c.info.timeline.waits.preface, 0);
    assert_true(c.info.timeline.start_us <= c.info.timeline.tcp_us);
    assert_true(c.info.timeline.tcp_us <= c.info.timeline.tls_us);
    const ep_net_info *info = ep_net_get_info(c.net);
    assert_true(info->timeline.bytes_in > 500 && info->timeline.bytes_out > 300);
    assert_true(c.ticket.len > 0);
    assert_non_null(strstr(ep_buf_cstr(&c.facts), "good direct 127.0.0.1"));
    close_client(&c);
    server_stop(&s);
    free_identity(&id);
}

static void a_ticket_resumes_once_and_brings_the_next(void **state)
{
    (void)state;
    client c;
    server s = { 0 };
    ep_buf ticket = EP_BUF_INIT;
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    server_start(&s, &id);
    for (int round = 0; round < 3; round++) {
        open_client(&c, s.port, EP_TLS_DIRECT);
        c.first = "x";
        c.config.ticket = round ? ep_buf_ptr(&ticket) : NULL;
        c.config.ticket_n = ticket.len;
        dial(&c);
        turn_until_bytes(&c, 1);
        assert_int_equal(c.info.resumed, round > 0);
        assert_int_equal(c.info.timeline.waits.tls, 1);
        assert_int_equal(c.refused.status, EPODE_OK);
        ep_buf_clear(&ticket);
        ep_buf_add(&ticket, ep_buf_ptr(&c.ticket), c.ticket.len);
        close_client(&c);
    }
    server_stop(&s);
    assert_int_equal(s.resumed, 2);
    ep_buf_free(&ticket);
    free_identity(&id);
}

/* --- STARTTLS ------------------------------------------------------------------------ */

typedef struct talk {
    bool at_once; /* the ClientHello rides behind the request */
    size_t got;
} talk;

static const char request[] = "starttls?", yes[] = "go on!";
static bool at_once;

static void *talk_open(void *user)
{
    (void)user;
    talk *t = calloc(1, sizeof *t);
    t->at_once = at_once;
    return t;
}

static int talk_start(void *p, ep_buf *out, void *user)
{
    (void)user;
    talk *t = p;
    ep_buf_puts(out, request);
    return t->at_once ? EPODE_DONE : EPODE_OK;
}

static epode_status talk_feed(void *p, const char *data, size_t n, size_t *consumed, ep_buf *out,
                              ep_error *err)
{
    talk *t = p;
    (void)out;
    for (*consumed = 0; *consumed < n && t->got < sizeof yes - 1; ++*consumed, t->got++)
        if (data[*consumed] != yes[t->got])
            return ep_fail(err, EPODE_EPROTO, 0, "not what was agreed");
    return t->got == sizeof yes - 1 ? EPODE_OK : EPODE_AGAIN;
}

static const ep_preface preface = { talk_open, talk_start, talk_feed, free };

static void starttls_is_one_wait_more(void **state)
{
    (void)state;
    client c;
    server s = { .greeting = request, .proceed = yes };
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    server_start(&s, &id);
    for (int i = 0; i < 2; i++) {
        at_once = i == 1; /* XEP-0305 */
        open_client(&c, s.port, EP_TLS_STARTTLS);
        c.config.preface = &preface;
        c.first = "abc";
        dial(&c);
        turn_until_bytes(&c, 3);
        assert_false(c.info.direct);
        assert_int_equal(c.info.timeline.waits.preface, at_once ? 0 : 1);
        assert_int_equal(c.info.timeline.waits.tls, 1);
        close_client(&c);
    }
    at_once = false;
    server_stop(&s);
    free_identity(&id);
}

static void tls_bytes_behind_the_last_word_before_it_belong_to_tls(void **state)
{
    (void)state;
    client c;
    server s = { .greeting = request, .proceed = yes, .glued = true };
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    server_start(&s, &id);
    at_once = true;
    open_client(&c, s.port, EP_TLS_STARTTLS);
    c.config.preface = &preface;
    c.first = "abc";
    dial(&c);
    turn_until_bytes(&c, 3);
    close_client(&c);
    at_once = false;
    server_stop(&s);
    free_identity(&id);
}

static void a_wrong_answer_before_tls_ends_it(void **state)
{
    (void)state;
    client c;
    server s = { .greeting = request, .proceed = "what?!" };
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    server_start(&s, &id);
    open_client(&c, s.port, EP_TLS_STARTTLS);
    c.config.preface = &preface;
    dial(&c);
    turn_until(&c, &c.closed);
    assert_int_equal(c.error.status, EPODE_EPROTO);
    close_client(&c);
    server_stop(&s);
    free_identity(&id);
}

static void a_given_port_of_unknown_kind_falls_back_to_starttls_and_is_remembered(void **state)
{
    (void)state;
    client c;
    ep_buf facts = EP_BUF_INIT;
    server s = { .greeting = request, .proceed = yes };
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    server_start(&s, &id);
    for (int i = 0; i < 2; i++) {
        open_client(&c, s.port, EP_TLS_AUTO);
        c.config.preface = &preface;
        c.config.dns_facts = ep_buf_ptr(&facts);
        c.config.dns_facts_n = facts.len;
        c.first = "abc";
        dial(&c);
        turn_until_bytes(&c, 3);
        assert_false(c.info.direct);
        if (c.facts.len)
            ep_buf_add(&facts, ep_buf_ptr(&c.facts), c.facts.len);
        close_client(&c);
    }
    server_stop(&s);
    assert_int_equal(s.connections, 3); /* 2 at first, then the right one at once */
    ep_buf_free(&facts);
    free_identity(&id);
}

/* --- what can go wrong --------------------------------------------------------------- */

static void a_certificate_that_is_not_good_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *san, *text;
        long from_s, to_s;
        bool self;
    } rows[] = {
        { "DNS:example.com", "another name", -60, 3600, false },
        { "DNS:example.org", "expired", -7200, -3600, false },
        { "DNS:example.org", "not yet valid", 3600, 7200, false },
        { "DNS:example.org", "unknown authority", -60, 3600, true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        client c;
        server s = { 0 };
        identity id = make_identity(rows[i].self ? &other_ca : &ca, rows[i].san, rows[i].from_s,
                                    rows[i].to_s);
        server_start(&s, &id);
        open_client(&c, s.port, EP_TLS_DIRECT);
        dial(&c);
        turn_until(&c, &c.closed);
        assert_false(c.up);
        assert_int_equal(c.error.status, EPODE_ECERT);
        assert_true(c.error.final);
        assert_non_null(strstr(c.error.text, rows[i].text));
        close_client(&c);
        server_stop(&s);
        assert_int_equal(s.first_read, 0);
        free_identity(&id);
    }
}

static void a_ticket_of_other_trust_makes_a_full_handshake(void **state)
{
    (void)state;
    client c;
    ep_buf ticket = EP_BUF_INIT;
    server s = { 0 };
    identity id = make_identity(&ca, "DNS:example.org,DNS:example.net", -60, 3600);
    server_start(&s, &id);
    open_client(&c, s.port, EP_TLS_DIRECT);
    c.first = "x";
    dial(&c);
    turn_until_bytes(&c, 1);
    ep_buf_add(&ticket, ep_buf_ptr(&c.ticket), c.ticket.len);
    close_client(&c);
    open_client(&c, s.port, EP_TLS_DIRECT);
    c.config.domain = "example.net";
    c.config.ticket = ep_buf_ptr(&ticket);
    c.config.ticket_n = ticket.len;
    dial(&c);
    turn_until(&c, &c.up);
    assert_false(c.info.resumed);
    assert_int_equal(c.refused.status, EPODE_ECERT);
    close_client(&c);
    server_stop(&s);
    ep_buf_free(&ticket);
    free_identity(&id);
}

static void a_cut_is_told_from_a_goodbye(void **state)
{
    (void)state;
    for (int cut = 0; cut < 2; cut++) {
        client c;
        server s = { .cut = cut };
        identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
        server_start(&s, &id);
        open_client(&c, s.port, EP_TLS_DIRECT);
        c.first = "x";
        dial(&c);
        turn_until_bytes(&c, 1);
        if (cut) {
            turn_until(&c, &c.closed);
            assert_int_equal(c.error.status, EPODE_ECONNECT);
        }
        close_client(&c);
        server_stop(&s);
        free_identity(&id);
    }
}

static void a_refused_connection_says_so(void **state)
{
    (void)state;
    client c;
    open_client(&c, closed_port(), EP_TLS_DIRECT);
    dial(&c);
    assert_false(c.closed); /* never from inside of the call */
    turn_until(&c, &c.closed);
    assert_int_equal(c.error.status, EPODE_ECONNECT);
    assert_int_equal(c.error.native, ECONNREFUSED);
    assert_false(c.error.final);
    close_client(&c);
}

static void the_deadline_names_the_phase(void **state)
{
    (void)state;
    client c;
    server s = { .silent = true };
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    server_start(&s, &id);
    for (int i = 0; i < 2; i++) {
        open_client(&c, s.port, i ? EP_TLS_STARTTLS : EP_TLS_DIRECT);
        c.config.preface = &preface;
        c.config.deadline_us = ep_loop_now_us(c.loop) + 20000;
        dial(&c);
        turn_until(&c, &c.closed);
        assert_int_equal(c.error.status, EPODE_ETIMEOUT);
        assert_non_null(strstr(c.error.text, i ? "STARTTLS" : "TLS handshake"));
        close_client(&c);
    }
    server_stop(&s);
    free_identity(&id);
}

static void a_ca_file_that_is_not_there_is_told(void **state)
{
    (void)state;
    client c;
    open_client(&c, 1, EP_TLS_DIRECT);
    c.config.ca_file = "/nonexistent/ca.pem";
    dial(&c);
    turn_until(&c, &c.closed);
    assert_int_equal(c.error.status, EPODE_ECERT);
    assert_non_null(strstr(c.error.text, "CA file"));
    close_client(&c);
}

/* --- flow ---------------------------------------------------------------------------- */

static void much_data_is_told_in_bounded_portions_and_can_be_paused(void **state)
{
    (void)state;
    client c;
    server s = { .flood = 1 << 20 };
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    server_start(&s, &id);
    open_client(&c, s.port, EP_TLS_DIRECT);
    c.first = "x";
    dial(&c);
    turn_until_bytes(&c, 1 + (1 << 20));
    assert_true(c.most_bytes <= 64 * 1024);
    assert_int_equal(ep_net_write(c.net, "more", 4), EPODE_OK);
    ep_net_pause(c.net, true);
    for (int i = 0; i < 5; i++) {
        ep_loop_wait(c.loop, 1000);
        ep_loop_dispatch(c.loop);
    }
    assert_int_equal(c.data.len, 1 + (1 << 20));
    ep_net_pause(c.net, false);
    turn_until_bytes(&c, 5 + (1 << 20));
    close_client(&c);
    server_stop(&s);
    free_identity(&id);
}

static void a_reset_while_paused_waits_in_silence(void **state)
{
    (void)state;
    client c;
    server s = { .cut = true, .reset = true };
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    server_start(&s, &id);
    open_client(&c, s.port, EP_TLS_DIRECT);
    dial(&c);
    turn_until(&c, &c.up);
    assert_int_equal(ep_net_write(c.net, "x", 1), EPODE_OK);
    ep_net_pause(c.net, true);
    for (int i = 0; i < 50 && ep_loop_wait(c.loop, 20000); i++)
        ep_loop_dispatch(c.loop);
    assert_false(ep_loop_wait(c.loop, 1000)); /* it does not spin */
    assert_false(c.closed);
    ep_net_pause(c.net, false);
    turn_until(&c, &c.closed);
    assert_int_equal(c.error.status, EPODE_ECONNECT);
    close_client(&c);
    server_stop(&s);
    free_identity(&id);
}

static void a_large_backlog_drains_and_is_reported(void **state)
{
    (void)state;
    client c;
    server s = { 0 };
    static char big[4 << 20];
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    server_start(&s, &id);
    open_client(&c, s.port, EP_TLS_DIRECT);
    dial(&c);
    turn_until(&c, &c.up);
    assert_int_equal(ep_net_write(c.net, big, sizeof big), EPODE_OK);
    assert_true(ep_net_backlog(c.net) > sizeof big);
    turn_until(&c, &c.writable);
    turn_until_bytes(&c, sizeof big);
    assert_int_equal(ep_net_backlog(c.net), 0);
    close_client(&c);
    server_stop(&s);
    free_identity(&id);
}

static void it_can_be_freed_at_any_time(void **state)
{
    (void)state;
    server s = { 0 };
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    server_start(&s, &id);
    for (int i = 0; i < 4; i++) {
        client c;
        open_client(&c, s.port, EP_TLS_DIRECT);
        c.first = "x";
        c.free_on_up = i == 1;
        c.free_on_data = i == 2;
        dial(&c);
        if (i == 3)
            turn(&c);
        for (int n = 0; n < 100 && c.net && i > 0 && i < 3; n++)
            turn(&c);
        assert_true(i == 0 || i == 3 || !c.net);
        ep_net_free(c.net);
        c.net = NULL;
        if (i != 3) /* else the loop goes first */
            ep_loop_dispatch(c.loop);
        assert_false(c.closed);
        close_client(&c);
    }
    server_stop(&s);
    free_identity(&id);
}

static void closing_at_once_tells_cancelled_from_the_loop(void **state)
{
    (void)state;
    client c;
    open_client(&c, closed_port(), EP_TLS_DIRECT);
    dial(&c);
    ep_net_close(c.net, false);
    assert_false(c.closed);
    assert_int_equal(ep_net_write(c.net, "x", 1), EPODE_ESTATE);
    turn_until(&c, &c.closed);
    assert_int_equal(c.error.status, EPODE_ECANCELLED);
    close_client(&c);
}

static void channel_bindings_exist_as_the_version_allows(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        client c;
        uint8_t value[64];
        size_t n;
        server s = { 0 };
        identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
        server_start(&s, &id);
        if (i == 1)
            SSL_CTX_set_max_proto_version(s.ctx, TLS1_2_VERSION);
        open_client(&c, s.port, EP_TLS_DIRECT);
        c.first = "x";
        dial(&c);
        turn_until_bytes(&c, 1);
        assert_string_equal(c.info.tls_version, i ? "TLSv1.2" : "TLSv1.3");
        assert_int_equal(c.info.timeline.waits.tls, i ? 2 : 1);
        assert_int_equal(ep_net_channel_binding(c.net, "tls-exporter", value, 64, &n), EPODE_OK);
        assert_int_equal(n, 32);
        assert_int_equal(ep_net_channel_binding(c.net, "tls-exporter", value, 8, &n), EPODE_EINVAL);
        assert_int_equal(ep_net_channel_binding(c.net, "tls-server-end-point", value, 64, &n),
                         EPODE_OK);
        assert_int_equal(n, 32);
        assert_int_equal(ep_net_channel_binding(c.net, "tls-unique", value, 64, &n),
                         i ? EPODE_OK : EPODE_ESTATE);
        assert_int_equal(ep_net_channel_binding(c.net, "tls-what", value, 64, &n), EPODE_EINVAL);
        assert_true(c.ticket.len > 0);
        close_client(&c);
        server_stop(&s);
        free_identity(&id);
    }
}

/* --- memory -------------------------------------------------------------------------- */

static void every_failed_allocation_ends_in_no_memory_or_in_a_connection(void **state)
{
    (void)state;
    server s = { 0 };
    identity id = make_identity(&ca, "DNS:example.org", -60, 3600);
    server_start(&s, &id);
    int failed = 0;
    for (unsigned long n = 1; n < 200; n++) {
        client c;
        open_client(&c, s.port, EP_TLS_DIRECT);
        ep_loop_enter(c.loop);
        c.config.deadline_us = ep_loop_now_us(c.loop) + 5000000;
        ep_alloc_fail_at(n, 0);
        epode_status status = ep_net_connect(&c.net, c.loop, &c.config, &events, &c);
        ep_loop_leave(c.loop);
        for (int i = 0; i < 100 && status == EPODE_OK && !c.up && !c.closed; i++)
            turn(&c);
        ep_alloc_fail_at(0, 0);
        assert_true(status == EPODE_OK || status == EPODE_ENOMEM);
        if (c.closed)
            assert_int_equal(c.error.status, EPODE_ENOMEM);
        failed += c.closed || status != EPODE_OK;
        close_client(&c);
    }
    assert_true(failed > 10);
    server_stop(&s);
    free_identity(&id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(direct_tls_comes_up_verified_and_data_goes_both_ways),
        cmocka_unit_test(a_ticket_resumes_once_and_brings_the_next),
        cmocka_unit_test(starttls_is_one_wait_more),
        cmocka_unit_test(tls_bytes_behind_the_last_word_before_it_belong_to_tls),
        cmocka_unit_test(a_wrong_answer_before_tls_ends_it),
        cmocka_unit_test(a_given_port_of_unknown_kind_falls_back_to_starttls_and_is_remembered),
        cmocka_unit_test(a_certificate_that_is_not_good_is_named),
        cmocka_unit_test(a_ticket_of_other_trust_makes_a_full_handshake),
        cmocka_unit_test(a_cut_is_told_from_a_goodbye),
        cmocka_unit_test(a_refused_connection_says_so),
        cmocka_unit_test(the_deadline_names_the_phase),
        cmocka_unit_test(a_ca_file_that_is_not_there_is_told),
        cmocka_unit_test(much_data_is_told_in_bounded_portions_and_can_be_paused),
        cmocka_unit_test(a_reset_while_paused_waits_in_silence),
        cmocka_unit_test(a_large_backlog_drains_and_is_reported),
        cmocka_unit_test(it_can_be_freed_at_any_time),
        cmocka_unit_test(closing_at_once_tells_cancelled_from_the_loop),
        cmocka_unit_test(channel_bindings_exist_as_the_version_allows),
        cmocka_unit_test(every_failed_allocation_ends_in_no_memory_or_in_a_connection),
    };
    ca = make_authority("test authority");
    other_ca = make_authority("other authority");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_authority(&ca);
    free_authority(&other_ca);
    return failed;
}
