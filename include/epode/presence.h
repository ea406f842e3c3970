/* epode/presence.h: who is there, what they can do, and who is writing. All of it is of a session: before
 * one, and after it, nobody's presence is known. A session that is resumed goes on with what was known, in another process
 * too. */
#ifndef EPODE_PRESENCE_H
#define EPODE_PRESENCE_H

#include "epode/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Our own: told now, or when there is a session, and again in each new one. It is kept in the store: who did not want to be
 * disturbed is not shown as open to talk because the application was killed, or woken by a push; an application that
 * begins as "online" each time says so at its start. EPODE_SHOW_OFFLINE: connected, and shown to nobody; messages may go
 * elsewhere then. With EPODE_NO_PRESENCE none is sent before the first call of this in a process. status NULL or "": none;
 * priority: -128 to 127, negative: no messages but by our full JID (RFC 6121, 4.7). EPODE_EINVAL, EPODE_ENOMEM, EPODE_ESTORE*. */
EPODE_API epode_status epode_presence_set(epode_client *client, epode_show show, const char *status, int priority);
/* What it is: as it was set last, by an earlier process too. *status: NULL where there is none, borrowed until the next
 * epode_presence_set(); both may be NULL. */
EPODE_API epode_show epode_presence_own(const epode_client *client, const char **status, int *priority);
/* To one JID alone, which need not be a contact (RFC 6121, 4.6); EPODE_SHOW_OFFLINE withdraws it. It ends with the
 * session. Also EPODE_ESTATE: not ready. */
EPODE_API epode_status epode_presence_send_to(epode_client *client, const char *jid, epode_show show,
                                              const char *status);

/* One resource that is there. Made by the library; fields may be appended. */
typedef struct epode_presence {
    size_t size;
    const char *jid;    /* full; bare where it has no resource */
    epode_show show;
    const char *status; /* NULL: none */
    int priority;
    int64_t idle_ms;    /* nobody touched it since (XEP-0319), Unix ms; 0: not said */
    int64_t stamp_ms;   /* it is of this time (XEP-0203); 0: of when it came */
    const char *photo;  /* SHA-1 of the avatar in its vCard (XEP-0153); "": it has none; NULL: not said */
    const char *caps_node; /* names its software (XEP-0115); NULL: not said */
} epode_presence;

/* The resources of a bare JID that are there, the highest priority first, and of equal ones the latest; at most 32. Of
 * our own account: the others. Occupants of rooms are not among them. */
EPODE_API size_t epode_presence_count(const epode_client *client, const char *jid);
/* NULL: not that many. Borrowed until the next process(). */
EPODE_API const epode_presence *epode_presence_at(const epode_client *client, const char *jid, size_t i);
/* Calls each for every resource of everybody, those of one JID together and in the order above, until it returns false.
 * Nothing of the client may be changed meanwhile. */
EPODE_API void epode_presence_each(const epode_client *client, bool (*each)(const epode_presence *p, void *user),
                                   void *user);

/* Whether the software behind a full JID that is there has a feature (XEP-0030), by the hash in its presence: one
 * answer that fits the hash (XEP-0115, 5.4) serves everybody with that hash, and is kept in the store. EPODE_OK: yes;
 * EPODE_DONE: no, or it did not say; EPODE_AGAIN: it is being asked, EPODE_EV_CAPS follows; EPODE_ESTATE: it is not
 * there, or we are not; EPODE_EINVAL, EPODE_ENOMEM, EPODE_ESTORE*. */
EPODE_API epode_status epode_contact_has(epode_client *client, const char *jid, const char *feature);

/* Tells a peer (a bare JID, or the full one that the last message came from) how we are with the conversation
 * (XEP-0085): only once for each change, and only where it is known that the peer understands: by its capabilities, or
 * because it sent a state itself in this session. EPODE_DONE: nothing was sent for that. To learn it of others, put the
 * element "active" of http://jabber.org/protocol/chatstates into epode_outgoing.xml: who understands answers in kind.
 * EPODE_ESTATE: not ready; EPODE_EINVAL, EPODE_ENOMEM, EPODE_ESTORE*. */
EPODE_API epode_status epode_chat_state_send(epode_client *client, const char *jid, epode_chat_state state);

#ifdef __cplusplus
}
#endif
#endif
