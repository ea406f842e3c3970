/* message.h: what a message means: ids, payloads, whose it is. A view; everything is borrowed from the tree. */
#ifndef EP_MESSAGE_H
#define EP_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "xml/elem.h"

typedef enum ep_message_type {
    EP_MESSAGE_NORMAL = 0,
    EP_MESSAGE_CHAT,
    EP_MESSAGE_GROUPCHAT,
    EP_MESSAGE_HEADLINE,
    EP_MESSAGE_ERROR
} ep_message_type;

/* What it does to another message: its ref says to which. */
typedef enum ep_message_effect {
    EP_EFFECT_NONE = 0,
    EP_EFFECT_CORRECTION,  /* XEP-0308 */
    EP_EFFECT_RETRACTION,  /* XEP-0424 */
    EP_EFFECT_REACTION,    /* XEP-0444 */
    EP_EFFECT_RECEIVED,    /* XEP-0184, and XEP-0333's received */
    EP_EFFECT_DISPLAYED    /* XEP-0333's displayed */
} ep_message_effect;

typedef struct ep_message {
    const ep_elem *stanza;
    ep_message_type type;
    const char *from, *to, *id, *origin_id, *body; /* NULL: not there */
    const char *stanza_id; /* XEP-0359, by the archive that was named; NULL: none */
    const char *occupant;  /* XEP-0421: whose, as the room says; to be believed where it says that it does */
    int64_t delay_ms;      /* XEP-0203; 0: none */
    ep_message_effect effect;
    const char *ref;       /* id of the message that the effect is about */
    const char *reply_id, *reply_to; /* XEP-0461 */
    bool wants_receipt, markable;
    bool tombstone;        /* XEP-0424 <retracted/>: what was here is gone */
    bool muc_private;      /* XEP-0045, 7.5: from an occupant, not from a user */
} ep_message;

/* by: the JID whose <stanza-id/> counts, or NULL. */
void ep_message_read(ep_message *out, const ep_elem *stanza, const char *by);

/* Whether one without a text says something that lasts (an invitation, something encrypted): not only how it came, where it
 * belongs, or what somebody is doing; and nothing that its sender wants to be kept by nobody (XEP-0334). */
bool ep_message_lasts(const ep_elem *stanza);

/* XEP-0444: the reactions as text, separated by blanks, in the buffer. */
void ep_message_reactions(const ep_message *m, ep_buf *out);

typedef enum ep_carbon { EP_CARBON_NONE = 0, EP_CARBON_RECEIVED, EP_CARBON_SENT } ep_carbon;
/* XEP-0280: whether it is a carbon, and the message inside (NULL: malformed). Who sent it is not checked here. */
ep_carbon ep_message_carbon(const ep_elem *stanza, const ep_elem **inner);
/* XEP-0297: the message in a <forwarded/>, and its delay (0: none). NULL: malformed. */
const ep_elem *ep_message_forwarded(const ep_elem *parent, int64_t *delay_ms);

#endif
