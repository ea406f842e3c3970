/* ns.h: namespaces, each named once. */
#ifndef EP_NS_H
#define EP_NS_H

#define EP_NS_CLIENT        "jabber:client"
#define EP_NS_STREAM        "http://etherx.jabber.org/streams"
#define EP_NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"
#define EP_NS_STANZA_ERRORS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define EP_NS_TLS           "urn:ietf:params:xml:ns:xmpp-tls"
#define EP_NS_SASL          "urn:ietf:params:xml:ns:xmpp-sasl"
#define EP_NS_BIND          "urn:ietf:params:xml:ns:xmpp-bind"
#define EP_NS_SESSION       "urn:ietf:params:xml:ns:xmpp-session"
#define EP_NS_SASL2         "urn:xmpp:sasl:2"             /* XEP-0388 */
#define EP_NS_BIND2         "urn:xmpp:bind:0"             /* XEP-0386 1.x */
#define EP_NS_BIND_DRAFT    "urn:xmpp:bind2:0"            /* XEP-0386 0.1 to 0.3 */
#define EP_NS_FAST          "urn:xmpp:fast:0"             /* XEP-0484 */
#define EP_NS_SASL_CB       "urn:xmpp:sasl-cb:0"          /* XEP-0440 */
#define EP_NS_SASL_UPGRADE  "urn:xmpp:sasl:upgrade:0"     /* XEP-0480 */
#define EP_NS_SCRAM_UPGRADE "urn:xmpp:scram-upgrade:0"    /* XEP-0480 */
#define EP_NS_SM            "urn:xmpp:sm:3"               /* XEP-0198 */
#define EP_NS_CSI           "urn:xmpp:csi:0"              /* XEP-0352 */
#define EP_NS_CARBONS       "urn:xmpp:carbons:2"          /* XEP-0280 */
#define EP_NS_FORWARD       "urn:xmpp:forward:0"          /* XEP-0297 */
#define EP_NS_DELAY         "urn:xmpp:delay"              /* XEP-0203 */
#define EP_NS_MAM           "urn:xmpp:mam:2"              /* XEP-0313 */
#define EP_NS_SID           "urn:xmpp:sid:0"              /* XEP-0359 */
#define EP_NS_ROSTER_VER    "urn:xmpp:features:rosterver" /* RFC 6121, 2.6 */
#define EP_NS_PREAPPROVAL   "urn:xmpp:features:pre-approval"
#define EP_NS_CAPS          "http://jabber.org/protocol/caps" /* XEP-0115 */
#define EP_NS_DISCO_INFO    "http://jabber.org/protocol/disco#info"
#define EP_NS_DISCO_ITEMS   "http://jabber.org/protocol/disco#items"
#define EP_NS_PING          "urn:xmpp:ping"               /* XEP-0199 */
#define EP_NS_VERSION       "jabber:iq:version"           /* XEP-0092 */
#define EP_NS_LAST          "jabber:iq:last"              /* XEP-0012 */
#define EP_NS_OCCUPANT_ID   "urn:xmpp:occupant-id:0"      /* XEP-0421 */
#define EP_NS_TIME          "urn:xmpp:time"               /* XEP-0202 */
#define EP_NS_ROSTER        "jabber:iq:roster"
#define EP_NS_LIMITS        "urn:xmpp:stream-limits:0"    /* XEP-0478 */
#define EP_NS_PIPELINING    "urn:xmpp:features:pipelining" /* XEP-0305 */

#define EP_NS_CONFIG_VERSION "urn:xmpp:iap:0"            /* XEP-0509 */

#define EP_NS_RSM            "http://jabber.org/protocol/rsm"  /* XEP-0059 */
#define EP_NS_DATA           "jabber:x:data"              /* XEP-0004 */
#define EP_NS_CORRECT        "urn:xmpp:message-correct:0" /* XEP-0308 */
#define EP_NS_RETRACT        "urn:xmpp:message-retract:1" /* XEP-0424 */
#define EP_NS_REACTIONS      "urn:xmpp:reactions:0"       /* XEP-0444 */
#define EP_NS_REPLY          "urn:xmpp:reply:0"           /* XEP-0461 */
#define EP_NS_RECEIPTS       "urn:xmpp:receipts"          /* XEP-0184 */
#define EP_NS_MARKERS        "urn:xmpp:chat-markers:0"    /* XEP-0333 */
#define EP_NS_HINTS          "urn:xmpp:hints"             /* XEP-0334 */
#define EP_NS_PUBSUB         "http://jabber.org/protocol/pubsub"
#define EP_NS_PUBSUB_EVENT   "http://jabber.org/protocol/pubsub#event"
#define EP_NS_MDS            "urn:xmpp:mds:displayed:0"   /* XEP-0490 */
#define EP_NS_MUC            "http://jabber.org/protocol/muc"  /* XEP-0045 */
#define EP_NS_MUC_USER       "http://jabber.org/protocol/muc#user"
#define EP_NS_MUC_OWNER      "http://jabber.org/protocol/muc#owner"
#define EP_NS_CHAT_STATES    "http://jabber.org/protocol/chatstates" /* XEP-0085 */
#define EP_NS_IDLE           "urn:xmpp:idle:1"            /* XEP-0319 */
#define EP_NS_VCARD_UPDATE   "vcard-temp:x:update"        /* XEP-0153 */
#define EP_NS_AVATAR         "urn:xmpp:avatar:metadata"   /* XEP-0084 */
#define EP_NS_BLOCKING       "urn:xmpp:blocking"          /* XEP-0191 */
#define EP_NS_PUSH           "urn:xmpp:push:0"            /* XEP-0357 */
#define EP_NS_UPLOAD         "urn:xmpp:http:upload:0"     /* XEP-0363 */
#define EP_NS_BOOKMARKS      "urn:xmpp:bookmarks:1"       /* XEP-0402 */

#endif
