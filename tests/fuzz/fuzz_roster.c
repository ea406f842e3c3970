/* Rosters and their pushes. */
#include "fuzz.h"
#include "xmpp/roster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ep_arena arena = { 0 }, strings = { 0 };
    ep_elem *e = ep_elem_parse(&arena, (const char *)data, size, "jabber:iq:roster");
    const ep_elem *one = ep_roster_push_item(e);
    MUST(!one || (one == ep_elem_first(e) && !ep_elem_next(one)));
    EP_ELEM_EACH(item, e) {
        ep_roster_item out;
        epode_status st = ep_roster_item_read(&out, item, '\x1f', &strings);
        MUST(st == EPODE_OK || st == EPODE_EPROTO);
        if (st)
            continue;
        MUST(*out.jid && !strchr(out.jid, '/'));
        MUST(!out.remove || (!out.to && !out.from));
        MUST(!strstr(out.groups, "\x1f\x1f") && *out.groups != '\x1f');
    }
    ep_arena_free(&strings);
    ep_arena_free(&arena);
    return 0;
}
