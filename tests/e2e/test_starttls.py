"""What somebody in between can do before TLS: nothing but to end the connection."""
import socket
import socketserver
import threading

import harness

HEADER = (b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
          b"id='x' from='localhost' version='1.0'>")
STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
PROCEED = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
SMUGGLED = (b"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
            b"<pipelining xmlns='urn:xmpp:features:pipelining'/>")


class Between:
    """Answers the client before TLS in the server's place; with a port it hands over to the server at <proceed/>."""

    def __init__(self, answer, port=None):
        self.heard = b""
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                heard = b""
                while STARTTLS not in heard:
                    data = self.request.recv(65536)
                    if not data:
                        return
                    heard += data
                outer.heard = heard
                if port is None:
                    self.request.sendall(answer)
                    self.request.settimeout(5)
                    try:
                        while self.request.recv(65536):
                            pass
                    except OSError:
                        pass
                    return
                with socket.create_connection(("127.0.0.1", port)) as up:
                    up.sendall(heard)
                    said = b""
                    while PROCEED not in said:
                        said += up.recv(65536)
                    self.request.sendall(answer)
                    back = threading.Thread(target=outer.pump, args=(up, self.request), daemon=True)
                    back.start()
                    outer.pump(self.request, up)
                    back.join(5)

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @staticmethod
    def pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class StartTls(harness.Case):
    def between(self, server, answer, onward=False):
        b = Between(answer, server.starttls if onward else None)
        self.addCleanup(b.close)
        server.starttls = b.port
        return b

    def error(self, server, *extra):
        return self.connect(server, "--timeout", "5", *extra, tls="starttls").error

    def features(self, inside=b""):
        return HEADER + b"<stream:features>" + STARTTLS + inside + b"</stream:features>"

    def test_plaintext_behind_proceed_is_no_tls_and_is_never_read_as_xmpp(self):
        server = self.serve()
        self.between(server, self.features() + PROCEED + b"<success xmlns='urn:xmpp:sasl:2'/><iq type='set' id='1'/>")
        self.assertEqual(self.error(server)["status"], "EPODE_ETLS")

    def test_what_stands_before_tls_is_forgotten_inside_it(self):
        server = self.serve()
        real = server.starttls
        b = self.between(server, self.features(SMUGGLED) + PROCEED, onward=True)
        s = self.connect(server, tls="starttls").summary
        self.assertTrue(s["mechanism"].startswith("SCRAM-") and s["mechanism"].endswith("-PLUS"))
        self.assertNotIn(b"alice", b.heard)
        server.starttls = real
        # Nor is it remembered: the second start waits for <proceed/>, and logs in by token.
        s = self.connect(server, tls="starttls").summary
        self.assertEqual((s["fallbacks"], s["token"], s["waits"]["xmpp"]), ([], "used", 2))

    def test_a_stanza_or_a_success_before_tls_ends_the_attempt(self):
        for what in (b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", b"<message><body>x</body></message>"):
            server = self.serve()
            self.between(server, self.features() + what + PROCEED)
            self.assertEqual(self.error(server)["status"], "EPODE_EPROTO")

    def test_starttls_taken_out_of_the_features_is_an_error_and_no_login_in_clear(self):
        server = self.serve()
        b = self.between(server, HEADER + b"<stream:features>" + SMUGGLED + b"</stream:features>")
        e = self.error(server, "--allow-plain")
        self.assertEqual(e["status"], "EPODE_ETLS")
        self.assertNotIn(b"auth", b.heard)

    def test_a_refusal_of_tls_is_told_as_such(self):
        server = self.serve()
        self.between(server, self.features() + b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>")
        self.assertEqual(self.error(server)["status"], "EPODE_ETLS")


if __name__ == "__main__":
    harness.main()
