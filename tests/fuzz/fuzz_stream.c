/* The engine against arbitrary bytes of a server, cold or with everything remembered: nobody who does not know the
 * password is ever believed, every end is typed, and nothing is said behind it. */
#include "fuzz.h"
#include "rig.h"
#include "xmpp/features.h"

static const char remembered[] =
    "<stream:features xmlns:stream='http://etherx.jabber.org/streams'><authentication xmlns='urn:xmpp:sasl:2'>"
    "<mechanism>SCRAM-SHA-1-PLUS</mechanism><mechanism>SCRAM-SHA-1</mechanism><inline><fast xmlns='urn:xmpp:fast:0'>"
    "<mechanism>HT-SHA-256-EXPR</mechanism></fast><sm xmlns='urn:xmpp:sm:3'/><bind xmlns='urn:xmpp:bind:0'><inline>"
    "<feature var='urn:xmpp:carbons:2'/><feature var='urn:xmpp:sm:3'/></inline></bind></inline></authentication>"
    "</stream:features>";

static void configure(rig *r, ep_features *features, uint8_t choice)
{
    rig_config(&r->c);
    r->c.limits.max_stanza_bytes = 65536;
    r->c.facts.can_ask = choice & 8;
    r->c.password = choice & 16 ? NULL : r->c.password;
    if (!(choice & 1))
        return;
    MUST(ep_features_parse(features, remembered, sizeof remembered - 1) == EPODE_OK);
    r->c.facts.features = features;
    r->c.facts.takes_pipelining = EP_HABIT_YES;
    r->c.token = "token";
    r->c.token_count = 7;
    r->c.facts.token_mech = ep_sasl_mech_named("HT-SHA-256-EXPR");
    if (!(choice & 2))
        return;
    r->c.facts.resumable = true;
    r->c.sm_id = "session";
    r->c.sm_h = 4;
    r->c.sm_out = 9;
    r->c.sm_out_acked = 5;
}

/* What is asked is answered at once. */
static epode_status answer(ep_stream *s)
{
    epode_status st = ep_stream_secret(s, "alice-pw", NULL);
    static const char code[] = "<totp xmlns='urn:totp:example'>MTIzNDU2</totp>";
    if (st == EPODE_ESTATE)
        st = ep_stream_answer_task(s, "TOTP-EXAMPLE", code, sizeof code - 1);
    return st == EPODE_ESTATE || st == EPODE_EINVAL ? ep_stream_cancel(s) : st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rig r = { 0 };
    ep_features features = { 0 };
    epode_status st;
    /* PBKDF2 as often as a server may ask for would be all that is measured. */
    for (size_t i = 0; i + 2 < size; i++)
        if (data[i] == 'a' && data[i + 1] == 'T' && data[i + 2] == '0')
            return 0;
    if (!size)
        return 0;
    configure(&r, &features, data[0]);
    st = rig_start(&r);
    MUST(st == EPODE_OK);
    for (size_t at = 1; at < size && st == EPODE_OK;) {
        size_t n = fuzz_piece(data[0] & 4 ? data[at] : 255, size - at);
        char *piece = fuzz_text(data + at, n);
        r.now_us += 1000;
        st = rig_feed(&r, piece, n);
        free(piece);
        if (st == EPODE_OK && ep_stream_is_asking(r.s) && (data[0] & 32))
            st = rig_ended(&r, answer(r.s));
        at += n;
    }
    MUST(r.readies == 0 && r.tokens == 0);
    MUST(st == EPODE_OK || st == EPODE_DONE || st < 0);
    MUST(!r.logged_bug);
    if (st < 0) {
        MUST(ep_stream_state_of(r.s) == EP_S_CLOSED);
        MUST(epode_error_status(ep_stream_error(r.s)) == st && epode_error_text(ep_stream_error(r.s))[0]);
        ep_buf_clear(&r.out);
        ep_stream_feed(r.s, "<message/>", 10, r.now_us);
        MUST(ep_stream_output(r.s)->len == 0);
    }
    rig_free(&r);
    ep_features_free(&features);
    return 0;
}
