/* test_sim_cuts.c: the link is cut behind every byte, of the server's output and of the client's:
 * the engine ends with a typed error or was ready before, never twice, and the next login succeeds.
 */
#include "../support/sim.h"

static void plain(ep_stream_config *c)
{
    c->policy.allow_plain = true;
}

static void together(ep_stream_config *c)
{
    plain(c);
    c->facts.takes_legacy_pipelining = EP_HABIT_YES;
}

typedef struct scenario {
    const char *name, *server;
    bool warm, token, resume;
    void (*tune)(ep_stream_config *c);
    unsigned every; /* each n-th byte: SCRAM costs PBKDF2 twice a login */
} scenario;

#define SMALL                                                                                      \
    "limits=off;caps=off;session=off;mechanisms=PLAIN;fast-mechanisms=HT-SHA-256-EXPR;cb-list="    \
    "off;"

static const scenario scenarios[] = {
    { "SASL2, PLAIN, cold", SMALL, false, false, false, plain, 1 },
    { "FAST", SMALL, true, true, false, NULL, 1 },
    { "FAST, resumed", SMALL, true, true, true, NULL, 3 },
    { "RFC 6120, PLAIN, warm", SMALL "sasl2=off", true, false, false, plain, 1 },
    { "RFC 6120, PLAIN, together", SMALL "sasl2=off", true, false, false, together, 1 },
    { "SASL2, SCRAM, warm", "mechanisms=SCRAM-SHA-1", true, false, false, NULL, 29 },
};

static void login_first(sim *s, const scenario *c)
{
    sim_connect(s, plain);
    sim_run(s, 2000000);
    assert_int_equal(s->r.readies, 1);
    sim_disconnect(s);
    s->know_features = s->know_session = c->warm;
    if (!c->resume)
        s->sm_id[0] = '\0';
    if (!c->token)
        s->token[0] = '\0';
    s->keys.mechanism[0] = '\0';
}

/* One login, cut there; false: it was over before. */
static bool login_cut(sim *s, const scenario *c, bool down, uint64_t at)
{
    sim_connect(s, c->tune);
    (down ? &s->down : &s->up)->cut_at = at;
    if (at == 0)
        sim_cut(s);
    sim_run(s, 2000000);
    bool cut = s->cut;
    const ep_error *e = ep_stream_error(s->r.s);
    if (s->r.readies > 1 || s->r.ends != cut || s->r.logged_bug)
        fail_msg("%s: cut %s at %llu: %s", c->name, down ? "down" : "up", (unsigned long long)at,
                 ep_buf_cstr(&s->r.log));
    if (cut) {
        assert_int_equal(epode_error_status(e), EPODE_ECONNECT);
        assert_false(epode_error_is_final(e));
        assert_int_equal(ep_stream_state_of(s->r.s), EP_S_CLOSED);
        assert_null(strstr(ep_buf_cstr(&s->r.log), "token-dead"));
    } else {
        assert_int_equal(s->r.readies, 1);
    }
    return cut;
}

static unsigned long cut_everywhere(const scenario *c, bool down)
{
    static sim s;
    unsigned long cuts = 0;
    sim_init(&s);
    sim_set(&s, c->server);
    if (c->warm)
        login_first(&s, c);
    for (uint64_t at = 0;; at += c->every) {
        bool cut = login_cut(&s, c, down, at);
        cuts += cut;
        if (!cut)
            break;
        sim_disconnect(&s);
        if (!c->resume)
            s.sm_id[0] = '\0';
        if (!c->token)
            s.token[0] = '\0';
        s.know_features = s.know_session = c->warm;
        s.keys.mechanism[0] = '\0';
        /* Whatever was cut: the next login succeeds, at the bytes where things can go wrong and now
         * and then. */
        if (cuts % 16 == 0 || c->resume)
            login_first(&s, c);
    }
    sim_free(&s);
    return cuts;
}

static void the_server_s_output_may_end_behind_any_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(scenarios); i++)
        assert_true(cut_everywhere(&scenarios[i], true) * scenarios[i].every > 500);
}

static void the_client_s_output_may_end_behind_any_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(scenarios); i++)
        assert_true(cut_everywhere(&scenarios[i], false) * scenarios[i].every > 350);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_s_output_may_end_behind_any_byte),
        cmocka_unit_test(the_client_s_output_may_end_behind_any_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
