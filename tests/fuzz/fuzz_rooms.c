/* Who is in rooms, and bookmarks: what is read of them, written again, is read as the same. */
#include "fuzz.h"
#include "xmpp/bookmarks.h"
#include "xmpp/muc.h"
#include "xmpp/ns.h"

static void occupant(const ep_elem *e)
{
    ep_muc_presence p;
    bool is = ep_muc_presence_read(&p, e);
    MUST(is == (p.nick != NULL));
    MUST(p.affiliation >= EP_AFFILIATION_NONE && p.affiliation <= EP_AFFILIATION_OWNER);
    MUST(p.role >= EP_ROLE_NONE && p.role <= EP_ROLE_MODERATOR);
    MUST(!p.reason || *p.reason);
    const char *subject = ep_muc_subject(e);
    MUST(!subject || !ep_elem_child(e, "body", EP_NS_CLIENT));
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void written_again(const ep_bookmark *one, ep_arena *strings)
{
    ep_buf xml = EP_BUF_INIT;
    ep_arena arena = { 0 };
    ep_bookmark two;
    ep_xw w = ep_xw_init(&xml);
    ep_bookmark_write(one, &w);
    const ep_elem *e = ep_elem_parse(&arena, ep_buf_ptr(&xml), xml.len, EP_NS_CLIENT);
    const ep_elem *item = ep_elem_child(ep_elem_child(e, "publish", EP_NS_PUBSUB), "item", EP_NS_PUBSUB);
    MUST(item && !ep_bookmark_read(&two, item, strings));
    MUST(same(one->jid, two.jid) && same(one->name, two.name) && same(one->nick, two.nick));
    MUST(same(one->password, two.password) && one->autojoin == two.autojoin);
    MUST(same(one->extensions, two.extensions));
    ep_arena_free(&arena);
    ep_buf_free(&xml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ep_arena arena = { 0 }, strings = { 0 };
    ep_elem *e = ep_elem_parse(&arena, (const char *)data, size, EP_NS_CLIENT);
    ep_bookmark one;
    if (e) {
        occupant(e);
        if (!ep_bookmark_read(&one, e, &strings)) {
            MUST(*one.jid && !strchr(one.jid, '/'));
            written_again(&one, &strings);
        }
    }
    ep_arena_free(&strings);
    ep_arena_free(&arena);
    return 0;
}
