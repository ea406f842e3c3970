"""A client of its own, to judge by: it fills archives, reads them back page by page, publishes. Nothing of epode."""

import select
import socket
import ssl
import time
import uuid
import xml.etree.ElementTree as ET
from base64 import b64encode
from xml.sax.saxutils import escape, quoteattr

from client import Failed, expect

CLIENT, MAM = "{jabber:client}", "{urn:xmpp:mam:2}"
SASL, BIND = "urn:ietf:params:xml:ns:xmpp-sasl", "urn:ietf:params:xml:ns:xmpp-bind"
HEADER = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='localhost'>"
PAGE = 50


class Raw:
    """A session over TLS with SASL1 PLAIN. What is to be sent waits in self.out until pump() runs."""

    def __init__(self, server, user, password, presence=False):
        self.jid = f"{user}@localhost"
        self.out, self.stanzas = b"", []
        context = ssl.create_default_context(cafile=server.ca)
        plain = socket.create_connection((server.addresses[0], server.direct), 10)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.socket.setblocking(False)
        self.login(b64encode(f"\0{user}\0{password}".encode()).decode())
        if presence:
            self.send("<presence/>")

    def login(self, secret):
        self.open()
        self.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{secret}</auth>")
        expect(self.next().tag == f"{{{SASL}}}success", f"{self.jid} could not log in")
        self.open()
        self.full = self.iq("set", f"<bind xmlns='{BIND}'/>").findtext(f"{{{BIND}}}bind/{{{BIND}}}jid")

    def open(self):
        self.parser, self.depth = ET.XMLPullParser(("start", "end")), 0
        self.send(HEADER)
        self.next()

    def send(self, xml):
        self.out += xml.encode()

    def feed(self, data):
        self.parser.feed(data)
        for event, element in self.parser.read_events():
            self.depth += 1 if event == "start" else -1
            if event == "start" and self.depth == 1:
                self.root = element
            elif event == "end" and self.depth == 1:
                self.stanzas.append(element)
                self.root.remove(element)

    def read(self):
        try:
            while data := self.socket.recv(65536):
                self.feed(data)
            raise Failed(f"the server closed the connection of {self.jid}")
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass

    def write(self):
        try:
            while self.out:
                self.out = self.out[self.socket.send(self.out[:16384]):]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass

    def next(self, timeout=30):
        pump([self], lambda: self.stanzas, timeout)
        return self.stanzas.pop(0)

    def iq(self, type, payload, others=None, to=None):
        """The answer; what came before it goes to others."""
        id = uuid.uuid4().hex
        where = f" to={quoteattr(to)}" if to else ""
        self.send(f"<iq type='{type}' id='{id}'{where}>{payload}</iq>")
        while True:
            stanza = self.next()
            if stanza.tag == CLIENT + "iq" and stanza.get("id") == id:
                expect(stanza.get("type") == "result", f"refused: {ET.tostring(stanza).decode()}")
                return stanza
            if others is not None:
                others.append(stanza)

    def message(self, to, body, type="chat"):
        self.send(f"<message to={quoteattr(to)} type='{type}' id='{uuid.uuid4().hex}'><body>{escape(body)}</body></message>")

    def sent(self):
        """Everything left, and the server has handled it."""
        self.iq("get", "<ping xmlns='urn:xmpp:ping'/>")
        self.stanzas.clear()

    def newest(self):
        """[(archive id, body or None)] of the account's last page"""
        return self.page(None, where="<before/>")[0]

    def page(self, after, to=None, where=""):
        """([(archive id, body or None)], whether it was the last one)"""
        query, seen = uuid.uuid4().hex, []
        if after:
            where = f"<after>{escape(after)}</after>"
        self.stanzas.clear()
        answer = self.iq("set", f"<query xmlns='urn:xmpp:mam:2' queryid='{query}'><set "
                         f"xmlns='http://jabber.org/protocol/rsm'><max>{PAGE}</max>{where}</set></query>", seen, to)
        rows = [(r.get("id"), r.findtext(f".//{CLIENT}body")) for m in seen for r in m.findall(MAM + "result")
                if r.get("queryid") == query]
        return rows, answer.find(MAM + "fin").get("complete") == "true"

    def archive(self, of=None):
        """Everything with a body, in the order of the archive: the account's or that of a room."""
        rows, after, last = [], None, False
        while not last:
            page, last = self.page(after, of)
            expect(page or last, f"an empty page after {after}")
            rows += page
            after = page[-1][0] if page else after
        expect(len({id for id, _ in rows}) == len(rows), "the server's archive has an id twice")
        return [(id, body) for id, body in rows if body is not None]

    def publish_displayed(self, peer, stanza_id):
        """XEP-0490, 3.1"""
        fields = (("FORM_TYPE", "http://jabber.org/protocol/pubsub#publish-options"), ("pubsub#persist_items", "true"),
                  ("pubsub#max_items", "max"), ("pubsub#send_last_published_item", "never"),
                  ("pubsub#access_model", "whitelist"))
        form = "".join(f"<field var='{k}'><value>{v}</value></field>" for k, v in fields)
        self.iq("set", f"<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:mds:displayed:0'>"
                f"<item id={quoteattr(peer)}><displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id "
                f"xmlns='urn:xmpp:sid:0' by='{self.jid}' id={quoteattr(stanza_id)}/></displayed></item></publish>"
                f"<publish-options><x xmlns='jabber:x:data' type='submit'>{form}</x></publish-options></pubsub>")

    def close(self):
        try:
            self.send("</stream:stream>")
            self.write()
        except OSError:
            pass
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def pump(clients, done, timeout=30):
    """Writes and reads, all of them at once, until done()."""
    deadline = time.monotonic() + timeout
    while not done():
        expect(time.monotonic() < deadline, f"the server said nothing within {timeout} s")
        for client in clients:
            client.write()
            client.read()
        if not done():
            select.select([c.socket for c in clients], [c.socket for c in clients if c.out], [], 0.2)
