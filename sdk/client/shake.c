/* shake.c: where somebody else's parser holds back an answer. Debian 12's expat looks at a tag that it has seen the beginning
 * of again only when twice as many bytes are there ("reparse deferral"); our parser switches that off, libstrophe's does
 * not. So when an answer is overdue something is asked whose answer is long: a ping, with an id that comes back. */
#include <string.h>

#include "client/internal.h"
#include "xml/writer.h"
#include "xmpp/ns.h"

#define OVERDUE_US (1000 * 1000LL)
#define SHAKES_MAX 5
/* Longer with each one, up to what a tag may be that is worth waiting for. */
#define ID_BYTES 256

static bool is_waiting(const epode_client *c)
{
    return !ep_list_empty(&c->requests) || c->request_out || ep_timer_is_set(&c->probe_timer) || ep_sync_is_asking(c->sync);
}

void ep_client_shake_watch(epode_client *c)
{
    if (!c->bridge || !ep_client_can_send(c) || c->closing || c->shakes == SHAKES_MAX || !is_waiting(c))
        ep_timer_stop(&c->shake_timer);
    else if (!ep_timer_is_set(&c->shake_timer))
        ep_timer_set(ep_loop_timers(c->loop), &c->shake_timer, ep_loop_now_us(c->loop) + (OVERDUE_US << c->shakes));
}

void ep_client_shaken(epode_client *c)
{
    c->shakes = 0;
    ep_timer_stop(&c->shake_timer);
}

static void shake_fire(ep_timer *t, int64_t now_us, void *user)
{
    epode_client *c = user;
    char id[(ID_BYTES << (SHAKES_MAX - 1)) + 1] = "shake";
    (void)t, (void)now_us;
    if (!ep_client_can_send(c))
        return;
    size_t n = (size_t)ID_BYTES << c->shakes++;
    memset(id + strlen("shake"), '.', n - strlen("shake"));
    id[n] = '\0';
    ep_client_begin(c);
    ep_buf_clear(&c->scratch);
    ep_xw w = ep_xw_init(&c->scratch);
    ep_xw_open(&w, "iq", NULL);
    ep_xw_attr(&w, "type", "get");
    ep_xw_attr(&w, "id", id);
    ep_xw_attr(&w, "to", c->jid.domain);
    ep_xw_leaf(&w, "ping", EP_NS_PING, NULL);
    ep_xw_close(&w);
    /* Where it cannot be stored the turn's end says so. */
    ep_client_send_writer(c, EP_STANZA_IQ, id, &w);
    ep_log_line(&c->log, EP_LOG_INFO, "client", "an answer is overdue: one more is asked for");
    ep_client_schedule(c);
}

void ep_client_shake_init(epode_client *c)
{
    c->shake_timer = (ep_timer){ .fire = shake_fire, .user = c };
}
