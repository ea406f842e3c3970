/* test_dialogues.c: plays the scripts in tests/dialogues against the engine, whole and byte by
 * byte. tests/dialogues/README.md says how a script is written. */
#include "../support/check.h"

#include <ctype.h>
#include <glob.h>

#include "../support/dialogue.h"
#include "../support/scram_server.h"

/* ---- what the script's names stand for ---- */

static const char *known(script *t, const char *name)
{
    const char *value = var(t, name);
    if (!value)
        wrong(t, "a name that nothing was bound to", "", name);
    return value;
}

static const char *ht_of(script *t, const char *label, bool with_name)
{
    const ep_sasl_mech *m = t->r.c.facts.token_mech;
    size_t n = 0;
    const uint8_t *cb = ep_cb_bytes(&t->r.c.cb, m->cb, &n);
    return ht_hash(t->r.c.token, label, with_name ? "alice" : NULL, cb ? cb : (const uint8_t *)"",
                   n);
}

/* {challenge}, {challenge:,x=1}, {signature}, {initiator}, {responder}, {plain}, or what was
 * captured. */
static const char *value_of(script *t, const char *name)
{
    if (strcmp(name, "challenge-other-salt") == 0)
        return scram_first(known(t, "first"), "b3RoZXI=", "");
    if (strncmp(name, "challenge", 9) == 0) {
        const char *text = scram_challenge(known(t, "first"), name[9] == ':' ? name + 10 : "");
        set_var(t, "sent-first", text, strlen(text));
        return text;
    }
    if (strcmp(name, "signature") == 0)
        return scram_signature(known(t, "mechanism"), t->r.c.password, known(t, "first"),
                               known(t, "sent-first"), known(t, "final"));
    if (strcmp(name, "initiator") == 0)
        return ht_of(t, "Initiator", true);
    if (strcmp(name, "responder") == 0)
        return ht_of(t, "Responder", false);
    if (strcmp(name, "bearer") == 0) {
        char text[256];
        int n = snprintf(text, sizeof text, "n,a=alice@localhost,\x01%s%s\x01\x01", "auth=Bearer ", t->r.c.bearer);
        return scram_b64(text, (size_t)n);
    }
    if (strcmp(name, "plain") == 0) {
        char text[256];
        int n = snprintf(text, sizeof text, "%calice%c%s", 0, 0, t->r.c.password);
        return scram_b64(text, (size_t)n);
    }
    return known(t, name);
}

static void expand(script *t, const char *text, ep_buf *out)
{
    /* "@name" between elements is a file of features; inside of them it is part of a JID. */
    const char *start = text;
    while (*text) {
        size_t n = strcspn(text, "{@");
        ep_buf_add(out, text, n);
        text += n;
        if (*text == '{') {
            char name[64];
            n = strcspn(++text, "}");
            snprintf(name, sizeof name, "%.*s", (int)n, text);
            ep_buf_puts(out, value_of(t, name));
            text += n + 1;
        } else if (*text == '@' && (text == start || text[-1] == '>')) {
            char name[64];
            n = strspn(++text, "abcdefghijklmnopqrstuvwxyz0123456789-");
            snprintf(name, sizeof name, "%.*s", (int)n, text);
            char *features = features_text(name);
            ep_buf_puts(out, features);
            ep_free(features);
            text += n;
        } else if (*text) {
            ep_buf_putc(out, *text++);
        }
    }
}

/* ---- the lines of the dialogue ---- */

/* HEADER in a line is the server's stream header, "C: HEADER" the client's. */
static void substitute_header(char *line, size_t room, const char *header)
{
    char copy[16384], *at = strstr(line, "HEADER");
    if (!at)
        return;
    *at = '\0';
    assert_true(snprintf(copy, sizeof copy, "%s%s%s", line, header, at + 6) < (int)room);
    strcpy(line, copy);
    substitute_header(line, room, header);
}

static void server_says(script *t, const char *pattern)
{
    char line[16384];
    ep_buf text = EP_BUF_INIT;
    snprintf(line, sizeof line, "%s", pattern);
    substitute_header(
        line, sizeof line,
        "<?xml version='1.0'?><stream:stream id='*' from='localhost' version='1.0' xml:lang='en' "
        "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
    expand(t, line, &text);
    size_t step = t->bytewise ? 1 : text.len;
    for (size_t at = 0; at < text.len; at += step) {
        t->r.now_us += 10;
        rig_feed(&t->r, ep_buf_ptr(&text) + at, step);
    }
    ep_buf_free(&text);
}

/* Matches `pattern` at the start of `text`: {name} captures, * skips, up to the next literal.
 * Returns the length matched, or -1. */
static long match(script *t, const char *pattern, const char *text)
{
    const char *p = pattern, *s = text;
    while (*p) {
        if (*p != '*' && *p != '{') {
            if (*p++ != *s++)
                return -1;
            continue;
        }
        char name[64] = "";
        if (*p == '{') {
            size_t n = strcspn(p, "}");
            snprintf(name, sizeof name, "%.*s", (int)n - 1, p + 1);
            p += n;
        }
        p++;
        const char *end = *p ? strchr(s, *p) : s + strlen(s);
        if (!end)
            return -1;
        bool computed = strcmp(name, "initiator") == 0 || strcmp(name, "plain") == 0 ||
                        strcmp(name, "bearer") == 0;
        const char *want = computed                  ? value_of(t, name)
                           : *name && islower(*name) ? var(t, name)
                                                     : NULL;
        bool fixed = computed || (want && (strcmp(name, "id") == 0));
        if (fixed && (strlen(want) != (size_t)(end - s) || memcmp(want, s, (size_t)(end - s)) != 0))
            return -1;
        if (*name && !computed)
            set_var(t, name, s, (size_t)(end - s));
        s = end;
    }
    return s - text;
}

static void client_said(script *t, const char *pattern)
{
    char line[16384];
    snprintf(line, sizeof line, "%s", pattern);
    substitute_header(
        line, sizeof line,
        "<stream:stream to='localhost' from='alice@localhost' version='1.0' xml:lang='en' "
        "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
    const char *got = ep_buf_cstr(&t->r.out);
    const char *mechanism = strstr(line, "mechanism='");
    if (mechanism)
        set_var(t, "mechanism", mechanism + 11, strcspn(mechanism + 11, "'"));
    long n = match(t, line, got);
    if (n < 0)
        wrong(t, "what the client says", line, got);
    ep_buf_consume(&t->r.out, (size_t)n);
}

static void event_is(script *t, const char *pattern)
{
    char got[512];
    const char *at = ep_buf_cstr(&t->r.log) + t->log_at;
    snprintf(got, sizeof got, "%.*s", (int)strcspn(at, "\n"), at);
    long n = match(t, pattern, got);
    if (!*at || n != (long)strlen(got))
        wrong(t, "event", pattern, *at ? got : "(nothing)");
    t->log_at += strlen(got) + 1;
}

static void nothing_is_left(script *t)
{
    if (t->r.out.len)
        wrong(t, "the client said more", "(nothing)", ep_buf_cstr(&t->r.out));
    if (t->r.log.len > t->log_at)
        wrong(t, "an event more", "(nothing)", ep_buf_cstr(&t->r.log) + t->log_at);
}

/* "NAME XML", or without a name what goes on with a task. */
static epode_status answer_task(script *t, char *name, const char *xml)
{
    char *end = name ? name + strcspn(name, " ") : NULL;
    if (end) {
        xml = *end ? end + 1 : end;
        *end = '\0';
    }
    return ep_stream_answer_task(t->r.s, name, xml, strlen(xml));
}

static void owner_does(script *t, char *what)
{
    ep_stream *s = t->r.s;
    epode_status st = EPODE_OK;
    char *value = what + strcspn(what, " ");
    if (*value)
        *value++ = '\0';
    if (strcmp(what, "send") == 0)
        st = ep_stream_send(s, value, strlen(value), false);
    else if (strcmp(what, "resend") == 0)
        st = ep_stream_send(s, value, strlen(value), true);
    else if (strcmp(what, "ack") == 0)
        st = ep_stream_ack(s, (uint32_t)strtoul(value, NULL, 10));
    else if (strcmp(what, "request-ack") == 0)
        st = ep_stream_request_ack(s);
    else if (strcmp(what, "active") == 0 || strcmp(what, "inactive") == 0)
        st = ep_stream_set_active(s, what[0] == 'a');
    else if (strcmp(what, "close") == 0)
        st = ep_stream_close(s);
    else if (strcmp(what, "cut") == 0)
        ep_stream_cut(s);
    else if (strcmp(what, "secret") == 0) {
        t->r.c.password = keep(t, value);
        rig_ended(&t->r, ep_stream_secret(s, value, NULL));
    } else if (strcmp(what, "bearer") == 0)
        rig_ended(&t->r, ep_stream_secret(s, NULL, value));
    else if (strcmp(what, "task") == 0 || strcmp(what, "task-data") == 0)
        st = answer_task(t, what[4] ? NULL : value, what[4] ? value : "");
    else if (strcmp(what, "cancel") == 0)
        rig_ended(&t->r, ep_stream_cancel(s));
    else if (strcmp(what, "wait") == 0)
        rig_ended(&t->r, ep_stream_tick(s, t->r.now_us += strtoll(value, NULL, 10) * 1000000));
    else
        wrong(t, "action", "a known one", what);
    rig_take(&t->r);
    if (st)
        ep_buf_printf(&t->r.log, "refused %s\n", epode_status_name(st));
}

static void play_line(script *t, char *line)
{
    bool dialogue = line[0] && strchr("CS=>", line[0]) && (line[1] == ':' || line[1] == ' ');
    char *text = line + (line[1] == ':' ? 2 : 1);
    text += strspn(text, " ");
    if (!dialogue) {
        configure(t, line);
        return;
    }
    if (!t->started) {
        t->started = true;
        rig_start(&t->r);
    }
    if (line[0] == 'S' || line[0] == '>')
        nothing_is_left(t);
    switch (line[0]) {
    case 'C':
        client_said(t, text);
        break;
    case 'S':
        server_says(t, text);
        break;
    case '=':
        event_is(t, text);
        break;
    default:
        owner_does(t, text);
        break;
    }
}

static void play(script *t)
{
    char *all = read_all(t->path), *rest = all;
    rig_config(&t->r.c);
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        t->line++;
        if (line[0] && line[0] != '#')
            play_line(t, line);
    }
    nothing_is_left(t);
    assert_false(t->r.logged_bug);
    assert_true(t->r.readies <= 1);
    rig_free(&t->r);
    ep_features_free(&t->features);
    ep_features_free(&t->session_features);
    ep_free(all);
}

static void a_dialogue_goes_as_written(void **state)
{
    static script t;
    for (int bytewise = 0; bytewise <= 1; bytewise++) {
        memset(&t, 0, sizeof t);
        t.path = *state;
        t.bytewise = bytewise;
        play(&t);
    }
}

int main(int argc, char **argv)
{
    glob_t found;
    struct CMUnitTest *tests;
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    if (glob(DIALOGUES "*.txt", 0, NULL, &found) != 0 || !found.gl_pathc)
        return 1;
    tests = calloc(found.gl_pathc, sizeof *tests);
    for (size_t i = 0; tests && i < found.gl_pathc; i++) {
        tests[i].name = strrchr(found.gl_pathv[i], '/') + 1;
        tests[i].test_func = a_dialogue_goes_as_written;
        tests[i].initial_state = found.gl_pathv[i];
    }
    int failed =
        tests ? _cmocka_run_group_tests("dialogues", tests, found.gl_pathc, NULL, NULL) : 1;
    free(tests);
    globfree(&found);
    return failed;
}
