/* positions.c: displayed positions, shared with the account's other devices (XEP-0490). */
#include <string.h>

#include "base/rand.h"
#include "base/str.h"
#include "store/conversation.h"
#include "sync/syncwork.h"
#include "xmpp/mds.h"

static bool make_id(char out[24], const char *what)
{
    uint8_t raw[8];
    if (!ep_rand_bytes(raw, sizeof raw))
        return false;
    memcpy(out, what, 4);
    ep_hex(raw, sizeof raw, out + 4);
    return true;
}

/* XEP-0490, 3.3: all positions, with every new session. */
epode_status ep_positions_ask(ep_sync *s)
{
    if (!make_id(s->mds_query, "mds-"))
        return EPODE_ENOMEM;
    ep_buf_clear(&s->xml);
    ep_xw w = ep_xw_init(&s->xml);
    ep_mds_write_query(s->mds_query, &w);
    epode_status st = ep_xw_done(&w);
    return st ? st : s->ev->send_iq(s->user, ep_buf_ptr(&s->xml), s->xml.len);
}

/* XEP-0490, 3.1: in a room the id is the room's, anywhere else that of our own archive. One of an archive that is not kept
 * would be waited for in vain. */
static void on_position(const char *peer, const char *by, const char *stanza_id, void *user)
{
    ep_sync *s = user;
    int64_t conversation, archive = strcmp(by, s->account) == 0 ? ep_sync_archive(s) : ep_sync_room_archive(s, by);
    if (s->mds_status < 0 || !archive || (archive != ep_sync_archive(s) && strchr(by, '/')))
        return;
    s->mds_status = ep_conversation_open(s->store, archive, peer, &conversation);
    if (s->mds_status == EPODE_OK)
        s->mds_status = ep_conversation_displayed(s->store, conversation, stanza_id, s->mds_changes);
}

epode_status ep_positions_take(ep_sync *s, const ep_elem *parent)
{
    ep_changes changes = { 0 };
    s->mds_changes = &changes;
    s->mds_status = EPODE_OK;
    ep_mds_read(parent, s->account, on_position, s);
    s->mds_changes = NULL;
    if (s->mds_status >= 0)
        s->ev->changed(s->user, &changes);
    ep_changes_free(&changes);
    return s->mds_status < 0 ? s->mds_status : EPODE_OK;
}

epode_status ep_sync_event(ep_sync *s, const ep_elem *event)
{
    return ep_positions_take(s, event);
}

epode_status ep_sync_publish(ep_sync *s, int64_t conversation, const char *peer, const char *owner)
{
    char id[24];
    ep_buf sid = EP_BUF_INIT;
    epode_status st = ep_conversation_displayed_id(s->store, conversation, &sid);
    if (st == EPODE_OK && (!s->online || s->no_queries))
        st = EPODE_DONE;
    if (st == EPODE_OK && (!ep_buf_cstr(&sid) || !make_id(id, "mdp-")))
        st = EPODE_ENOMEM;
    if (st == EPODE_OK) {
        ep_buf_clear(&s->xml);
        ep_xw w = ep_xw_init(&s->xml);
        ep_mds_write_publish(id, peer, owner, ep_buf_ptr(&sid), &w);
        st = ep_xw_done(&w);
        if (!st)
            st = s->ev->send_iq(s->user, ep_buf_ptr(&s->xml), s->xml.len);
    }
    ep_buf_free(&sid);
    return st;
}
