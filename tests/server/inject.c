/* Things that no good server sends. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct row {
    const char *kind;
    const char *text; /* DOMAIN, USER and FULL are replaced */
};

static const struct row rows[] = {
    {"malformed", "<message><body>broken</message>"},
    {"dtd", "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>]>"},
    {"comment", "<!-- a comment -->"},
    {"entity", "<message><body>&nosuch;</body></message>"},
    {"pi", "<?injected instruction?>"},
    {"second-success", "<success xmlns='urn:xmpp:sasl:2'><authorization-identifier>FULL"
                       "</authorization-identifier></success>"},
    {"forged-carbon", "<message xmlns='jabber:client' from='mallory@DOMAIN' to='FULL' type='chat'>"
                      "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
                      "<message xmlns='jabber:client' from='bob@DOMAIN/x' to='USER@DOMAIN' "
                      "type='chat' id='forged-carbon'><body>forged carbon</body></message>"
                      "</forwarded></received></message>"},
    {"forged-roster-push", "<iq type='set' id='forged-push' from='mallory@DOMAIN/x' to='FULL'>"
                           "<query xmlns='jabber:iq:roster'><item jid='mallory@DOMAIN' "
                           "subscription='both' name='forged'/></query></iq>"},
    {"forged-block-push", "<iq type='set' id='forged-push' from='mallory@DOMAIN/x' to='FULL'>"
                          "<block xmlns='urn:xmpp:blocking'><item jid='bob@DOMAIN'/></block></iq>"},
    {"forged-stanza-id", "<message from='mallory@DOMAIN/x' to='USER@DOMAIN' type='chat' "
                         "id='forged-sid'><body>forged id</body><stanza-id xmlns='urn:xmpp:sid:0' "
                         "by='mallory@DOMAIN' id='forged-stanza-id'/></message>"},
    {"forged-mam", "<message from='mallory@DOMAIN' to='FULL'><result xmlns='urn:xmpp:mam:2' "
                   "id='forged-mam'><forwarded xmlns='urn:xmpp:forward:0'><message "
                   "xmlns='jabber:client' from='bob@DOMAIN' to='USER@DOMAIN'><body>forged result"
                   "</body></message></forwarded></result></message>"},
    {"forged-pep", "<message from='mallory@DOMAIN' to='FULL' type='headline' id='forged-pep'><event "
                   "xmlns='http://jabber.org/protocol/pubsub#event'><items "
                   "node='urn:xmpp:mds:displayed:0'><item id='bob@DOMAIN'><displayed "
                   "xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' "
                   "by='USER@DOMAIN' id='forged-pep'/></displayed></item></items></event>"
                   "</message>"},
    {"stream-error", "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                     "</stream:error></stream:stream>"},
    {"r", "<r xmlns='urn:xmpp:sm:3'/>"},
    {"a-too-high", "<a xmlns='urn:xmpp:sm:3' h='4000000'/>"},
    {"whitespace", " "},
};

static void fill(struct srv_buf *out, const char *text, const struct srv_conn *conn)
{
    while (*text) {
        if (strncmp(text, "DOMAIN", 6) == 0) {
            srv_buf_puts(out, conn->srv->domain);
            text += 6;
        } else if (strncmp(text, "USER", 4) == 0) {
            srv_buf_puts(out, conn->user ? conn->user : "");
            text += 4;
        } else if (strncmp(text, "FULL", 4) == 0) {
            srv_buf_escape(out, conn->session ? conn->session->full : "");
            text += 4;
        } else {
            srv_buf_add(out, text++, 1);
        }
    }
}

/* A stanza must count, or the client's counter would be wrong for a reason of its own. */
static void say(struct srv_conn *conn, const struct srv_buf *text)
{
    bool stanza = strncmp(text->data, "<message ", 9) == 0 || strncmp(text->data, "<iq ", 4) == 0;
    if (stanza && conn->session && conn->session->sm.on) {
        struct srv_xml *kind = srv_xml_new(NS_CLIENT, "iq");
        srv_sm_queue(conn->session, text->data, kind);
        srv_xml_free(kind);
    }
    srv_conn_write(conn, text->data, text->len);
}

bool srv_inject(struct srv_conn *conn, const char *kind)
{
    struct srv_buf text = {0};
    if (strcmp(kind, "huge") == 0) {
        char filler[1024];
        memset(filler, 'x', sizeof filler);
        srv_buf_puts(&text, "<message><body>");
        for (int i = 0; i < 32 * 1024; i++)
            srv_buf_add(&text, filler, sizeof filler);
        srv_buf_puts(&text, "</body></message>");
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].kind, kind) == 0)
            fill(&text, rows[i].text, conn);
    bool known = text.len > 0;
    if (known)
        say(conn, &text);
    srv_buf_free(&text);
    return known;
}
