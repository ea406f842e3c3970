/* Presence, chat states, block lists, upload slots: whatever others write. */
#include "fuzz.h"
#include "xmpp/blocking.h"
#include "xmpp/ns.h"
#include "xmpp/presence.h"
#include "xmpp/service.h"

static void presence(const ep_elem *e)
{
    ep_presence p;
    ep_presence_read(&p, e);
    MUST(p.priority >= -128 && p.priority <= 127);
    MUST(p.show >= EP_SHOW_ONLINE && p.show <= EP_SHOW_OFFLINE);
    MUST((p.type == EP_PRESENCE_AVAILABLE) == (p.show != EP_SHOW_OFFLINE));
    MUST(!p.photo || !*p.photo || strlen(p.photo) == 40);
    MUST(!p.caps_hash == !p.caps_ver && !p.caps_ver == !p.caps_node);
    ep_chat_state state = ep_chat_state_read(e);
    MUST(state >= EP_CHAT_NONE && state <= EP_CHAT_GONE);
}

static void blocked(const ep_elem *e, ep_arena *strings)
{
    ep_blocked list;
    const ep_elem *items;
    size_t skipped;
    ep_block_push(e, &items);
    if (ep_blocked_read(&list, items, strings, &skipped))
        return;
    for (size_t i = 0; i < list.count; i++) {
        MUST(!i || strcmp(list.jids[i - 1], list.jids[i]) < 0);
        MUST(ep_blocked_has(&list, list.jids[i]));
    }
}

static void upload(const ep_elem *e, ep_arena *strings)
{
    ep_upload_slot slot;
    uint64_t max;
    int64_t retry;
    bool large;
    if (!ep_upload_read_slot(&slot, e, strings)) {
        MUST(strlen(slot.put_url) > 8 && strlen(slot.get_url) > 8);
        for (size_t i = 0; i < slot.header_count; i++)
            MUST(!strpbrk(slot.headers[i].name, "\r\n") && !strpbrk(slot.headers[i].value, "\r\n"));
    }
    ep_upload_read_error(e, &large, &max, &retry);
    ep_upload_read_service(ep_elem_first(e), &max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ep_arena arena = { 0 }, strings = { 0 };
    ep_elem *e = ep_elem_parse(&arena, (const char *)data, size, EP_NS_CLIENT);
    if (e) {
        presence(e);
        blocked(e, &strings);
        upload(e, &strings);
    }
    ep_arena_free(&strings);
    ep_arena_free(&arena);
    return 0;
}
